package docker

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"recon/inventory"
)

// The methods of steps.
const (
	methodWrite   = "write"        // keys of daemon.json, each a parameter
	methodReload  = "write+reload" // the same, and the daemon reads its file again
	methodReread  = "reload"       // the daemon reads its file again
	methodRestart = "restart"      // the daemon
	methodMkdir   = "mkdir"        // a folder
	methodChown   = "chown"
	methodChmod   = "chmod"
)

// takenOut stands for the value of a key that is taken out of the file.
const takenOut = "(taken out)"

// Steps turns a change into calls. It makes none.
func (p *Provider) Steps(_ context.Context, c inventory.Change) ([]inventory.Step, []inventory.Reason, error) {
	b := &stepBuilder{c: &c, v: p.view(), cfg: p.cfg}
	c.Blocked = nil
	switch {
	case c.Addr.Kind == inventory.KindService:
		b.service()
	case c.Action == inventory.ActionCreate:
		c.Block("not_installed", "there is no Docker on %s; install it first, recon only sets it up", p.cfg.Host.Name)
	default:
		b.daemon()
	}
	return b.steps, c.Blocked, nil
}

// A stepBuilder collects the steps of one change.
type stepBuilder struct {
	c     *inventory.Change
	v     view
	cfg   Config
	steps []inventory.Step
}

// daemon adds the steps of a daemon: first what a reload takes, so that
// live-restore is on before anything restarts, then the rest, then the restart.
func (b *stepBuilder) daemon() {
	if b.v.daemon == nil {
		b.c.Block("unseen", "the daemon was not looked at")
		return
	}
	var soft, hard []inventory.FieldChange
	var waiting []inventory.FieldChange
	for _, f := range b.c.Fields {
		switch {
		case f.Policy == "ignore":
		case f.Verdict == inventory.VerdictPendingReboot:
			waiting = append(waiting, f)
		case !f.Writes() || b.refused(&f):
		case f.Impact <= inventory.ImpactReload:
			soft = append(soft, f)
		default:
			hard = append(hard, f)
		}
	}
	if b.unfit(soft, hard, waiting) {
		return
	}
	b.write(soft, true)
	b.write(hard, false)
	b.activate(soft, hard, waiting)
}

// unfit blocks a change after which the daemon would not start. All that is in the
// file counts, whoever wrote it: the next restart puts it to use.
func (b *stepBuilder) unfit(soft, hard, waiting []inventory.FieldChange) bool {
	if len(soft)+len(hard)+len(waiting) == 0 {
		return false
	}
	params := map[string]string{}
	for _, f := range slices.Concat(soft, hard) {
		paramsOf(&f, params)
	}
	content, err := newContent(b.v.daemon.content, params)
	if err != nil {
		return false // the observation says so
	}
	against := b.v.judge().objections(content)
	if len(against) > 0 {
		b.c.Block("daemon_json", "with %s as it would be, Docker does not start: %s; nothing is written and nothing restarted before that is put right", b.v.daemon.file, reasons(against))
		return true
	}
	return b.blind(slices.Concat(soft, hard, waiting))
}

// blind blocks a restart from which there would be no way back: somebody changed the
// file after the daemon started, no copy is there of the file with which it runs, and
// the file has keys of others that may keep it from starting.
func (b *stepBuilder) blind(fields []inventory.FieldChange) bool {
	_, known := b.v.daemon.loaded()
	restarts := slices.ContainsFunc(fields, func(f inventory.FieldChange) bool { return f.Impact >= inventory.ImpactRestart })
	if known || !restarts || b.c.Have.Running == nil {
		return false
	}
	own := map[string]bool{}
	for i := range fields {
		for _, key := range keysOf(&fields[i]) {
			own[key] = true
		}
	}
	keys := unproven(b.v.daemon.content, own)
	if len(keys) > 0 {
		b.c.Block("no_way_back", "%s was changed after the daemon started, and not by recon; whether Docker starts with its %s only a restart tells, and no copy of the file with which it runs is there to go back to. Restart it once by hand (%s); from then on recon has a way back", b.v.daemon.file, strings.Join(keys, ", "), b.restartCommand())
	}
	return len(keys) > 0
}

// refused blocks a key that the command line sets already.
func (b *stepBuilder) refused(f *inventory.FieldChange) bool {
	for _, key := range keysOf(f) {
		if flag := conflict(b.v.daemon.args, key); flag != "" && jsonOf(f.Desired) != nil {
			b.c.Block("flag_conflict", "%s stands on the command line of dockerd already (%s), and with both the daemon does not start; take the flag out of its unit (systemctl edit docker), or the field out of the manifest", key, flag)
			return true
		}
	}
	return false
}

// keysOf returns the keys of daemon.json that a field is about.
func keysOf(f *inventory.FieldChange) []string {
	if f.Path != "settings" {
		return []string{f.Attr.Key}
	}
	var out []string
	for k := range inventory.Members(f.Desired) {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// write adds the write of some fields.
func (b *stepBuilder) write(fields []inventory.FieldChange, soft bool) {
	if len(fields) == 0 {
		return
	}
	s := inventory.Step{
		Method: methodWrite, Path: b.v.daemon.file, Params: map[string]string{}, TakesDigest: true, Repeatable: true,
		Done: inventory.Probe{State: "present", Fields: map[inventory.Path]inventory.Value{}}, Summary: "write " + b.v.daemon.file,
	}
	if soft && b.c.Have.Running != nil {
		s.Method, s.Summary = methodReload, s.Summary+" and have the daemon read it"
	}
	for _, f := range fields {
		s.Impact = max(s.Impact, f.Impact)
		s.Done.Fields[f.Path] = inventory.Value{Value: f.Desired}
		paramsOf(&f, s.Params)
	}
	s.Touches = slices.Sorted(maps.Keys(s.Params))
	b.steps = append(b.steps, s)
}

// paramsOf adds what a field writes, by key, as a step has it.
func paramsOf(f *inventory.FieldChange, params map[string]string) {
	for key, value := range valuesOf(f) {
		params[key] = takenOut
		if value != nil {
			params[key] = string(value)
		}
	}
}

// valuesOf returns what a field writes, by key; nil takes the key out.
func valuesOf(f *inventory.FieldChange) map[string]json.RawMessage {
	if f.Path != "settings" {
		return map[string]json.RawMessage{f.Attr.Key: jsonOf(f.Desired)}
	}
	out := map[string]json.RawMessage{}
	live := inventory.Members(f.Live)
	for k, v := range inventory.Members(f.Desired) {
		if have, ok := live[k]; ok && inventory.JSONEqual(v, have) {
			continue
		}
		out[k] = nil
		if !inventory.IsNull(v) {
			out[k] = marshal(inventory.JSONValue(v))
		}
	}
	return out
}

// activate adds what makes written values count.
func (b *stepBuilder) activate(soft, hard, waiting []inventory.FieldChange) {
	if b.c.Have.Running == nil {
		return
	}
	impact, paths := inventory.ImpactLive, []inventory.Path{}
	for _, f := range slices.Concat(hard, waiting) {
		impact = max(impact, f.Impact)
		paths = append(paths, f.Path)
	}
	switch {
	case impact >= inventory.ImpactRestart:
		b.steps = append(b.steps, inventory.Step{
			Method: methodRestart, Path: b.restartCommand(), Impact: inventory.ImpactRestart, Restarts: true,
			Done: inventory.Probe{State: "present", Running: paths}, Summary: "restart the Docker daemon", Notes: b.restartNotes(soft, hard),
		})
	case len(waiting) > 0 && len(soft) == 0:
		b.steps = append(b.steps, inventory.Step{
			Method: methodReread, Path: b.reloadCommand(), Impact: inventory.ImpactReload, Repeatable: true,
			Done: inventory.Probe{State: "present", Running: paths}, Summary: "have the Docker daemon read its file",
		})
	}
}

func (b *stepBuilder) restartCommand() string { return restartCommand(b.cfg, b.v.probe) }
func (b *stepBuilder) reloadCommand() string  { return reloadCommand(b.cfg, b.v.daemon) }

// restartCommand is what restarts the daemon there.
func restartCommand(cfg Config, h *hostProbe) string {
	switch {
	case cfg.Restart != "":
		return cfg.Restart
	case h.systemd:
		return "systemctl restart docker.service"
	}
	return "service docker restart"
}

// reloadCommand is what has the daemon read its file. The process named by its
// command line is signalled, not one of the same number that came later.
func reloadCommand(cfg Config, d *daemonProbe) string {
	if cfg.Reload != "" {
		return cfg.Reload
	}
	return fmt.Sprintf("kill -HUP %d", d.pid)
}

// restartNotes say what a restart does to containers.
func (b *stepBuilder) restartNotes(soft, hard []inventory.FieldChange) []string {
	var names []string
	for _, c := range b.v.containers {
		names = append(names, c.name)
	}
	slices.Sort(names)
	if len(names) == 0 {
		return b.wayBackNote(nil)
	}
	list := strings.Join(names, ", ")
	live := inventory.True(b.c.Have.Running["live_restore"])
	for _, f := range soft {
		live = live || f.Path == "live_restore" && inventory.True(f.Desired)
	}
	var out []string
	if live {
		out = append(out, "containers run on (live-restore), but names at 127.0.0.11 do not resolve while the daemon is down: "+list)
	} else {
		out = append(out, "stops and starts the running containers: "+list)
	}
	touched := func(paths ...inventory.Path) bool {
		return slices.ContainsFunc(hard, func(f inventory.FieldChange) bool { return slices.Contains(paths, f.Path) })
	}
	if touched("dns", "dns_search", "dns_opts") && live {
		out = append(out, "they keep their old DNS servers until each is restarted: "+list)
	}
	if touched("log_driver", "log_opts") {
		out = append(out, "they keep their old log settings until each is made anew (docker compose up -d --force-recreate): "+list)
	}
	return b.wayBackNote(out)
}

// wayBackNote says when a restart that fails could not be undone.
func (b *stepBuilder) wayBackNote(notes []string) []string {
	if _, known := b.v.daemon.loaded(); !known {
		notes = append(notes, "there is no copy of the file with which the daemon runs: should it not start, recon can only take its own keys out again")
	}
	return notes
}
