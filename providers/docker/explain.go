package docker

import (
	"maps"
	"slices"

	"recon/inventory"
)

const (
	wayBack     = "recon keeps a copy of the file before it writes, and puts it back by itself when Docker does not come back; else write the former values into the manifest, and run recon apply"
	stopsAll    = "without live-restore every container of the host stops and starts"
	refusesFile = "with a file that dockerd refuses it does not start; recon tries the file with dockerd before, where that can"
)

// forms are all steps, in words, by their method.
func forms() map[string]inventory.Explanation {
	file := "writes keys of the Docker daemon's configuration file; keys that it does not name, and the form of the file, stay as they are"
	return map[string]inventory.Explanation{
		methodWrite:   {Does: file + ". They count from the daemon's next restart", Risks: []string{refusesFile}, Undo: wayBack},
		methodReload:  {Does: file + ". Then the daemon reads its file again; containers run on", Risks: []string{refusesFile}, Undo: wayBack},
		methodReread:  {Does: "has the Docker daemon read its file again; containers run on", Risks: []string{"it takes a few keys only; the others wait for a restart"}, Undo: "write the former values into the manifest, and run recon apply"},
		methodRestart: {Does: "restarts the Docker daemon, so that what is in its file counts", Risks: []string{stopsAll, "containers without a restart policy stay down", refusesFile}, Undo: "a restart is not undone. " + wayBack},
		methodMkdir:   {Does: "makes a folder on the host, with those above it that are missing", Risks: []string{"a disk that is to be mounted there and is not: what is written lands below it"}, Undo: "rmdir, as long as nothing is in it"},
		methodChown:   {Does: "gives a folder another owner; what is in it keeps its own", Risks: []string{"who had it may be locked out"}, Undo: "the former owner, in the manifest or by chown"},
		methodChmod:   {Does: "gives a folder other rights; what is in it keeps its own", Risks: []string{"too wide lets others write, too narrow locks programs out"}, Undo: "the former mode, in the manifest or by chmod"},
	}
}

// Explain says in words what a step is, or returns nil when it is none of this provider.
func Explain(s *inventory.Step) *inventory.Explanation {
	e, ok := forms()[s.Method]
	if !ok || s.Path == "" {
		return nil
	}
	e.Parts = []inventory.Piece{}
	switch s.Method {
	case methodReread, methodRestart:
		e.Part(s.Path, "the command that does it, on the host")
	case methodMkdir, methodChown, methodChmod:
		e.Part(s.Path, "the folder")
	default:
		e.Part(s.Path, "the file")
	}
	for _, key := range slices.Sorted(maps.Keys(s.Params)) {
		explainParam(&e, s, key)
	}
	return &e
}

// explainParam explains a parameter: a key of daemon.json, or what a folder gets.
func explainParam(e *inventory.Explanation, s *inventory.Step, key string) {
	folder := map[string]string{methodChown + " owner": "user and group, by number or name", methodChmod + " mode": "the rights, in octal"}
	if means := folder[s.Method+" "+key]; means != "" {
		e.Part(key+" = "+s.Params[key], means)
		return
	}
	if s.Method == methodWrite || s.Method == methodReload {
		for _, a := range inventory.KindOf(inventory.KindDaemon).Attrs {
			if a.Key != key || a.Key == "" {
				continue
			}
			text := key
			if s.Params[key] == takenOut {
				text += " " + takenOut
			}
			e.Part(text, a.Doc)
			if a.Impact > inventory.ImpactLive {
				e.Risks = append(e.Risks, key+": it "+a.Impact.Words(inventory.KindDaemon))
			}
			return
		}
	}
	e.Unknown(key)
}

// Lines are the command lines for a Docker host that recon prints.
func Lines() []inventory.Line {
	anew := "makes containers whose settings have changed anew, and starts those that do not run"
	name := map[string]string{"NAME": "the container"}
	file := map[string]string{"-f": "the compose file", "-d": "- in the background", "--force-recreate": "- all of them are made anew, changed or not"}
	risk := []string{"a container that is made anew is down meanwhile, and loses what lies in it and not in a volume"}
	return []inventory.Line{
		{Form: "docker compose up", Does: anew, Words: file, Risks: risk, Undo: "the former compose file (Git has it), and the same again"},
		{Form: "docker logs NAME", Does: "shows what a container has written; it changes nothing", Words: map[string]string{"NAME": name["NAME"], "--tail": "so many lines from the end"}, Undo: "there is nothing to undo"},
		{Form: "docker restart NAME", Does: "stops a container and starts it again, with the settings that it has", Words: name, Risks: []string{"what it serves is down meanwhile; settings in the compose file do not come with it"}, Undo: "a restart is not undone"},
		{Form: "docker start NAME", Does: "starts a container", Words: name, Undo: "docker stop NAME"},
		{Form: "docker stop NAME", Does: "ends a container: its program is asked to, and killed when it has not after a while", Words: name, Risks: []string{"what it serves is down; a restart policy of always brings it back with the daemon"}, Undo: "docker start NAME"},
		{Form: "systemctl restart docker.service", Does: forms()[methodRestart].Does, Risks: forms()[methodRestart].Risks, Undo: "a restart is not undone"},
		{Form: "service docker restart", Does: forms()[methodRestart].Does, Risks: forms()[methodRestart].Risks, Undo: "a restart is not undone"},
	}
}

// IsMethod reports whether a word is the method of a step.
func IsMethod(word string) bool { _, ok := forms()[word]; return ok }

// TakesParams reports whether the steps of a method are a path and parameters, and not a
// command.
func TakesParams(method string) bool {
	return IsMethod(method) && method != methodReread && method != methodRestart
}
