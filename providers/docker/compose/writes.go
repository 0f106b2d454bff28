package compose

import (
	"encoding/json"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"recon/inventory/doctor"
)

const daemonJSON = "/etc/docker/daemon.json"

// writes finds the places where a file writes daemon.json as a whole. Who reads it
// first, and puts his keys into what was there, takes nothing away.
func (r *repository) writes(s *source) []doctor.Write {
	if !strings.Contains(s.text, "daemon.json") && !strings.Contains(s.text, roleOptions) {
		return nil
	}
	var out []doctor.Write
	if s.yaml() {
		out = r.yamlWrites(s)
	}
	if strings.HasSuffix(s.name, ".tf") {
		out = append(out, provisioners(s.text)...)
	}
	if len(out) == 0 && (!s.yaml() || strings.Contains(s.text, "#cloud-config")) {
		out = shellWrites(s.text, 0)
	}
	return out
}

// Commands that put a whole daemon.json in place. A >> does not, and a sed -i changes a
// line of it.
var (
	target     = `["']?(?:/etc/docker/daemon\.json|/etc/docker/?)["']?`
	shellWrite = []*regexp.Regexp{
		regexp.MustCompile(`(?:^|[^>])>\s*["']?/etc/docker/daemon\.json\b`),
		regexp.MustCompile(`\btee\s+(?:--?[a-z]+\s+)*["']?/etc/docker/daemon\.json\b`),
		regexp.MustCompile(`\b(?:cp|mv|install|scp|rsync|ln)\s+.*(?:\S*daemon\.json\S*\s.*` + target + `|/etc/docker/daemon\.json["']?)\s*(?:$|[;&|#])`),
		regexp.MustCompile(`\b(?:scp|rsync)\s+.*\S+:/etc/docker/(?:daemon\.json)?["']?\s*(?:$|[;&|#])`),
		regexp.MustCompile(`\b(?:curl|wget)\s+.*(?:-o|-O|--output|--output-document)[ =]*["']?/etc/docker/daemon\.json\b`),
		regexp.MustCompile(`\bdd\s+.*\bof=["']?/etc/docker/daemon\.json\b`),
	}
	// A copy that is kept, or that comes back.
	keepsCopy = regexp.MustCompile(`\b(?:cp|mv)\s+(?:-\S+\s+)*["']?/etc/docker/daemon\.json|\.(?:bak|orig|backup|old|save)\S*["']?\s+["']?/etc/docker/daemon\.json`)
	merging   = regexp.MustCompile(`\bjq\b[^|\n]*/etc/docker/daemon\.json|\b(?:cat|<)\s*/etc/docker/daemon\.json\s*\|\s*(?:sudo\s+)?jq\b|json\.load`)
)

func replaces(line string) bool {
	line = strings.TrimSpace(line)
	return !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "//") && !keepsCopy.MatchString(line) &&
		slices.ContainsFunc(shellWrite, func(p *regexp.Regexp) bool { return p.MatchString(line) })
}

func shellWrites(text string, from int) []doctor.Write {
	if merging.MatchString(text) {
		return nil
	}
	var out []doctor.Write
	for i, l := range strings.Split(text, "\n") {
		if !replaces(l) {
			continue
		}
		w := doctor.Write{Target: daemonJSON, Line: from + i + 1, How: "shell", Opaque: true}
		for _, h := range heredocs(text) {
			if h.line == i+1 {
				w.Keys, w.Opaque = keysOf(h.text)
			}
		}
		if at := strings.IndexByte(l, '{'); len(w.Keys) == 0 && at >= 0 && strings.LastIndexByte(l, '}') > at {
			w.Keys, w.Opaque = keysOf(l[at : strings.LastIndexByte(l, '}')+1])
		}
		out = append(out, w)
	}
	return out
}

// roleOptions are the settings with which geerlingguy.docker writes the file.
const roleOptions = "docker_daemon_options"

// Modules of Ansible that replace a file, with the argument that names it.
var fileModules = map[string][]string{
	"copy": {"dest", "path"}, "template": {"dest", "path"}, "get_url": {"dest"}, "synchronize": {"dest"}, "assemble": {"dest"}, "fetch": nil,
}

// yamlWrites finds tasks of Ansible and files of cloud-init.
func (r *repository) yamlWrites(s *source) []doctor.Write {
	var out []doctor.Write
	merges := false
	for _, d := range documents(s.plain) {
		var on []string // the hosts of the play that the tasks are in
		for _, play := range append([]*yaml.Node{d}, d.Content...) {
			if hosts := valueOf(play, "hosts"); hosts != nil {
				on = patterns(hosts)
			} else if on = nil; play == d && d.Kind == yaml.SequenceNode {
				continue
			}
			if on == nil {
				on = r.hosts.ofRole(s.name)
			}
			walk(play, 0, func(n *yaml.Node) bool {
				for _, w := range r.taskWrites(s, n, &merges) {
					w.Hosts = on
					out = append(out, w)
				}
				return true
			})
			if play == d {
				break // a mapping is walked as a whole
			}
		}
	}
	if merges {
		return nil
	}
	return out
}

// taskWrites judges the keys of one mapping: a task, or an entry of write_files.
func (r *repository) taskWrites(s *source, n *yaml.Node, merges *bool) (out []doctor.Write) {
	if n.Kind != yaml.MappingNode {
		return nil
	}
	known := r.vars.of(r.vars.environment(s.folder()))
	if p := valueOf(n, "path"); p != nil && valueOf(n, "content") != nil && substitute(valueText(p), known) == daemonJSON && valueOf(n, "append") == nil {
		w := doctor.Write{Target: daemonJSON, Line: p.Line, How: "cloud-init write_files"}
		w.Keys, w.Opaque = contentKeys(valueOf(n, "content"))
		return []doctor.Write{w}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, args := n.Content[i], aliased(n.Content[i+1])
		name := key.Value[strings.LastIndexByte(key.Value, '.')+1:]
		if args == nil {
			continue
		}
		if name == "action" || name == "local_action" {
			name, args = spelledOut(args)
		} else if fileModules[name] != nil && args.Kind == yaml.ScalarNode {
			_, args = spelledOut(&yaml.Node{Kind: yaml.ScalarNode, Value: name + " " + args.Value})
		}
		if more := valueOf(n, "args"); more != nil && args.Kind == yaml.MappingNode && len(args.Content) == 0 {
			args = more
		}
		out = append(out, r.moduleWrites(s, key, name, args, valueOf(n, "loop"), valueOf(n, "with_items"), merges)...)
	}
	return out
}

// consumes reports a variable that a file of the repository writes out: then no role from
// elsewhere has to.
func (r *repository) consumes(variable string) bool {
	used := regexp.MustCompile(`\{\{-?\s*` + variable + `\b`)
	return slices.ContainsFunc(r.files, func(s *source) bool { return used.MatchString(s.text) })
}

func (r *repository) moduleWrites(s *source, key *yaml.Node, name string, args, loop, items *yaml.Node, merges *bool) (out []doctor.Write) {
	known := r.vars.of(r.vars.environment(s.folder()))
	switch {
	case name == "slurp" && strings.Contains(substitute(valueText(valueOf(args, "src")), known), "daemon.json"):
		*merges = true
	case name == roleOptions && args.Kind == yaml.MappingNode && len(args.Content) > 0 && !r.consumes(roleOptions):
		w := doctor.Write{Target: daemonJSON, Line: key.Line, How: "the role geerlingguy.docker"}
		w.Keys, w.Opaque = contentKeys(args)
		out = append(out, w)
	case slices.Contains([]string{"shell", "command", "raw"}, name):
		text := orName(valueText(args), orName(valueText(valueOf(args, "cmd")), valueText(valueOf(args, "_raw_params"))))
		for _, w := range shellWrites(text, 0) {
			w.Line, w.How = key.Line, "ansible "+name
			out = append(out, w)
		}
	case name == "runcmd" && args.Kind == yaml.SequenceNode:
		for _, e := range args.Content {
			if replaces(valueText(e)) {
				out = append(out, doctor.Write{Target: daemonJSON, Line: e.Line, How: "cloud-init runcmd", Opaque: true})
			}
		}
	case fileModules[name] != nil && args.Kind == yaml.MappingNode && r.destination(s, args, fileModules[name], loop, items):
		w := doctor.Write{Target: daemonJSON, Line: key.Line, How: "ansible " + name, Opaque: true}
		if c := valueOf(args, "content"); c != nil {
			w.Keys, w.Opaque = contentKeys(c)
		} else if text, ok := r.fileOf(s, valueText(valueOf(args, "src"))); ok && name == "copy" {
			w.Keys, w.Opaque = keysOf(text)
		}
		out = append(out, w)
	}
	return out
}

// destination reports a module that writes daemon.json: by its name, into its folder, or
// for an item of a loop.
func (r *repository) destination(s *source, args *yaml.Node, names []string, lists ...*yaml.Node) bool {
	src := substitute(valueText(valueOf(args, "src")), r.vars.of(r.vars.environment(s.folder())))
	for _, n := range names {
		dest := substitute(valueText(valueOf(args, n)), r.vars.of(r.vars.environment(s.folder())))
		switch {
		case dest == daemonJSON, strings.TrimSuffix(dest, "/") == "/etc/docker" && strings.Contains(path.Base(src), "daemon.json"):
			return true
		case strings.Contains(release(dest), "item"):
			for _, list := range lists {
				for i := 0; list != nil && i < len(list.Content); i++ {
					item := list.Content[i]
					if valueText(item) == daemonJSON || valueText(valueOf(item, n)) == daemonJSON || strings.HasSuffix(release(dest), "/{{ item }}") && valueText(item) == "daemon.json" {
						return true
					}
				}
			}
		}
	}
	return false
}

// fileOf returns the text of a file that a task copies: beside it, or of its role.
func (r *repository) fileOf(s *source, src string) (string, bool) {
	for _, p := range []string{path.Join(s.folder(), src), path.Join(s.folder(), "files", src), path.Join(path.Dir(s.folder()), "files", src)} {
		if src != "" && r.names[p] {
			text, err := r.text(p)
			return text, err == nil
		}
	}
	return "", false
}

var keyValue = regexp.MustCompile(`(\w+)=("[^"]*"|'[^']*'|\S+)`)

// spelledOut turns "copy src=a dest=b" into the module and its arguments.
func spelledOut(n *yaml.Node) (module string, args *yaml.Node) {
	if n.Kind != yaml.ScalarNode {
		return valueText(valueOf(n, "module")), n
	}
	first, rest, _ := strings.Cut(strings.TrimSpace(n.Value), " ")
	args = &yaml.Node{Kind: yaml.MappingNode, Line: n.Line}
	for _, m := range keyValue.FindAllStringSubmatch(rest, -1) {
		args.Content = append(args.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: m[1]}, &yaml.Node{Kind: yaml.ScalarNode, Value: strings.Trim(m[2], `"'`)})
	}
	return first[strings.LastIndexByte(first, '.')+1:], args
}

var provisioner = regexp.MustCompile(`(?s)provisioner\s+"file"\s*\{(.*?)\n\s*\}`)

// provisioners finds Terraform's file provisioners that put daemon.json in place, and
// commands of remote-exec ones.
func provisioners(text string) (out []doctor.Write) {
	for _, m := range provisioner.FindAllStringSubmatchIndex(text, -1) {
		body := text[m[2]:m[3]]
		if at := regexp.MustCompile(`destination\s*=\s*"/etc/docker/daemon\.json"`).FindStringIndex(body); at != nil {
			out = append(out, doctor.Write{Target: daemonJSON, Line: 1 + strings.Count(text[:m[2]+at[0]], "\n"), How: "terraform file provisioner", Opaque: true})
		}
	}
	return append(out, shellWrites(strings.ReplaceAll(text, `",`, ""), 0)...)
}

// contentKeys reads the keys of a content argument: JSON text, or a structure.
func contentKeys(c *yaml.Node) (keys []string, opaque bool) {
	if c.Kind == yaml.MappingNode {
		for i := 0; i < len(c.Content); i += 2 {
			keys = append(keys, c.Content[i].Value)
		}
		return keys, false
	}
	return keysOf(c.Value)
}

func keysOf(text string) (keys []string, opaque bool) {
	var m map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &m) != nil {
		return nil, true
	}
	return slices.Sorted(maps.Keys(m)), false
}

var fstabLine = regexp.MustCompile(`^\s*[-"'#]?\s*((?:[A-Za-z0-9_.-]+:/\S*)|//\S+|(?:UUID|LABEL|PARTUUID|PARTLABEL)=\S+|/dev/\S+|\S+)\s+(/\S+)\s+(nfs4?|cifs|smb3|ext[234]|xfs|btrfs|zfs|ntfs\S*|exfat|fuse\S*|mergerfs|sshfs)\b`)

// planned notes the mounts that a file names.
func (r *repository) planned(s *source) {
	if !strings.Contains(s.text, "nfs") && !strings.Contains(s.text, "cifs") && !strings.Contains(strings.ToLower(s.name), "fstab") && !strings.Contains(s.text, "fstype") {
		return
	}
	add := func(point, source string, line int) {
		f := doctor.File{Path: s.name}
		r.facts.Planned = append(r.facts.Planned, doctor.Planned{Point: path.Clean(point), Source: expressions(source), Place: f.At(line)})
	}
	for i, l := range strings.Split(s.text, "\n") {
		if m := fstabLine.FindStringSubmatch(l); m != nil && !strings.HasPrefix(strings.TrimSpace(l), "#") {
			add(m[2], m[1], i+1)
		}
	}
	if !s.yaml() || !strings.Contains(s.text, "fstype") {
		return
	}
	for _, d := range documents(s.plain) {
		walk(d, 0, func(n *yaml.Node) bool {
			if point := orName(valueText(valueOf(n, "path")), valueText(valueOf(n, "name"))); valueOf(n, "fstype") != nil && path.IsAbs(point) {
				add(point, valueText(valueOf(n, "src")), n.Line)
			}
			return true
		})
	}
}
