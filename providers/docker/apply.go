package docker

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"recon/inventory"
	"recon/providers"
	"recon/providers/sshhost"
)

// Do executes one step.
func (p *Provider) Do(ctx context.Context, s inventory.Step, r providers.Reporter) (providers.Result, error) {
	var err error
	switch s.Method {
	case methodWrite, methodReload:
		err = p.write(ctx, s)
	case methodReread:
		_, err = p.host.Run(ctx, sshhost.Command{What: s.Summary, Script: s.Path})
	case methodRestart:
		err = p.restart(ctx, s, r)
	case methodMkdir, methodChown, methodChmod:
		err = p.folder(ctx, s)
	default:
		err = fmt.Errorf("there is no step %q", s.Method)
	}
	return providers.Result{}, classify(err)
}

// classify turns the errors of the connection into those of the contract.
func classify(err error) error {
	switch {
	case errors.Is(err, sshhost.ErrFileChanged):
		return fmt.Errorf("%w: %w", providers.ErrChangedMeanwhile, err)
	case errors.Is(err, sshhost.ErrLost), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w: %w", providers.ErrOutcomeUnknown, err)
	}
	return err
}

// write merges keys into daemon.json and, where asked, has the daemon read it.
func (p *Provider) write(ctx context.Context, s inventory.Step) error {
	_, d, err := p.look(ctx)
	if err != nil {
		return err
	}
	if d.sum() != s.Digest {
		return sshhost.ErrFileChanged
	}
	content, err := newContent(d.content, s.Params)
	if err != nil {
		return err
	}
	t := p.newTimer(d, sshhost.Sum(content), d.exists)
	if s.Method == methodReload {
		t.command = reloadCommand(p.cfg, d)
	}
	err = p.host.Replace(ctx, sshhost.Replacement{
		Path: d.file, Content: content, OldSum: s.Digest, Stamp: t.stamp, Check: validateScript(d), Before: t.arm(),
	})
	if err == nil && s.Method == methodReload {
		_, err = p.host.Run(ctx, sshhost.Command{What: "have the Docker daemon read its file", Script: t.command})
	}
	if err != nil {
		if !lost(err) { // otherwise the timer stays armed
			err = errors.Join(err, p.disarm(ctx, t, false))
		}
		return err
	}
	p.mu.Lock()
	p.wrote = written{t.sum, t.backup}
	p.mu.Unlock()
	return p.disarm(ctx, t, true)
}

// lost reports an error after which nobody knows what the host did.
func lost(err error) bool {
	return errors.Is(err, sshhost.ErrLost) && !errors.Is(err, context.DeadlineExceeded)
}

// runningBefore lists what runs before a restart.
func (p *Provider) runningBefore(ctx context.Context, d *daemonProbe) ([]running, error) {
	e, err := p.engineOf(d)
	if err != nil {
		return nil, err
	}
	if _, err := e.info(ctx); err != nil {
		return nil, err
	}
	return e.runningContainers(ctx)
}

// newContent merges a step's parameters into the file.
func newContent(file []byte, params map[string]string) ([]byte, error) {
	old, err := members(file)
	if err != nil {
		return nil, err
	}
	set := map[string]json.RawMessage{}
	for key, text := range params {
		set[key] = nil
		if text == takenOut {
			continue
		}
		value := json.RawMessage(text)
		if i := slices.IndexFunc(old, func(m member) bool { return m.key == key }); i >= 0 {
			value = keepSecrets(old[i].raw, value)
		}
		set[key] = value
	}
	return merge(file, set)
}

// validateScript has the daemon's own program check a file with the flags that it
// runs with, where that program is root's. Programs before version 23 cannot.
func validateScript(d *daemonProbe) string {
	if d.pid == 0 || !strings.HasPrefix(d.exe, "/") {
		return ""
	}
	words := []string{sshhost.Quote(d.exe), "--validate", `--config-file="$1"`}
	skip := false
	for _, a := range d.args {
		switch {
		case skip:
			skip = false
		case a == "--config-file":
			skip = true
		case strings.HasPrefix(a, "--config-file="):
		default:
			words = append(words, sshhost.Quote(a))
		}
	}
	exe := sshhost.Quote(d.exe)
	return sshhost.Enter + `(enter ` + exe + ` ''; [ -f "./$name" ] || exit 1; alone "./$name" || refuse ` + sshhost.Quote(d.exe+" is not root's alone, and recon does not run it") + `)
case $? in 0) ;; 1) exit 0 ;; *) exit 1 ;; esac
out=$(` + strings.Join(words, " ") + ` 2>&1) && exit 0
case $out in *"unknown flag: --validate"*) exit 0;; esac
printf '%s\n' "$out" | tail -n 1 >&2
exit 1`
}

// restart restarts the daemon and verifies that it came back with the file's values
// and the containers that ran. A file with which it would not start is not tried;
// one with which it did not start is taken off.
func (p *Provider) restart(ctx context.Context, s inventory.Step, report providers.Reporter) error {
	h, d, err := p.look(ctx)
	if err != nil {
		return err
	}
	if err := p.fit(ctx, d); err != nil {
		return err
	}
	before, err := p.runningBefore(ctx, d)
	if err != nil {
		return err
	}
	t := p.newTimer(d, d.sum(), true)
	t.backup, t.command, t.systemd, t.refused = p.undoing(d), s.Path, h.systemd, true
	t.cli, t.socket, t.containers = h.cli, d.socket(), before
	if t.backup != "" {
		if _, err := p.host.Run(ctx, sshhost.Command{What: "arm the timer that undoes the restart", Script: t.arm()}); err != nil {
			return err
		}
	}
	failure := p.cycle(ctx, s.Path, d, before, t)
	switch {
	case lost(failure):
		return failure // the timer stays armed
	case failure == nil:
		return p.wentWell(ctx, t, d)
	}
	if report != nil {
		report("undoing: " + failure.Error())
	}
	return p.goBack(ctx, s, d, t, before, failure)
}

// fit reports a file with which the daemon would not start: what recon knows of that,
// and what the daemon's own program says where it can.
func (p *Provider) fit(ctx context.Context, d *daemonProbe) error {
	j := judge{args: d.args, version: releaseOf(p.view().version)}
	if against := j.objections(d.content); len(against) > 0 && d.exists {
		return fmt.Errorf("not restarted: with %s Docker does not start: %s", d.file, reasons(against))
	}
	if script := validateScript(d); script != "" && d.exists {
		if _, err := p.host.Run(ctx, sshhost.Command{What: "check " + d.file, Script: script, Args: []string{d.real}}); err != nil {
			return fmt.Errorf("not restarted: %w", err)
		}
	}
	return nil
}

// wentWell disarms the timer, and keeps a copy of the file with which the daemon runs
// from now on: the way back from whatever comes after it.
func (p *Provider) wentWell(ctx context.Context, t *timer, d *daemonProbe) error {
	if t.backup != "" {
		if err := p.disarm(ctx, t, true); err != nil {
			return err
		}
	}
	if !d.exists {
		return nil
	}
	script := fmt.Sprintf("cp -p -- %s %s", t.beside(d.real), t.beside(sshhost.BackupOf(d.real, t.stamp)))
	_, err := p.host.Run(ctx, sshhost.Command{What: "keep a copy of " + d.file, Script: t.within(script)})
	return err
}

// goBack has the daemon run again after a restart that failed: with the file with
// which it ran, else with the present one without what recon wrote. Nothing that
// somebody else wrote is lost: the refused file is kept under a name of its own.
func (p *Provider) goBack(ctx context.Context, s inventory.Step, d *daemonProbe, t *timer, before []running, failure error) error {
	if t.backup != "" {
		if err := p.disarm(ctx, t, true); err != nil {
			return errors.Join(failure, err)
		}
		err := p.undo(ctx, t, before)
		if err == nil {
			return fmt.Errorf("%w; the file with which the daemon ran before is back, and the daemon and its containers run again; the refused file is kept as %s", failure, t.keptAs())
		}
		if lost(err) {
			return err
		}
		failure = fmt.Errorf("%w; with the file with which it ran before, %s, the daemon does not start either: %w", failure, t.backup, err)
	}
	content, keys, err := withoutOwn(d, s)
	if err != nil || len(keys) == 0 {
		return fmt.Errorf("%w; the daemon is down, and there is no other file to try", failure)
	}
	without := strings.Join(keys, ", ")
	if err := p.tryContent(ctx, t, content, before); err != nil {
		failure = fmt.Errorf("%w; nor does it start without the keys %s: %w; the daemon is down, and the refused file is kept as %s", failure, without, err, t.keptAs())
		return errors.Join(failure, p.leave(ctx, t))
	}
	return fmt.Errorf("%w; the file is back without the keys %s, and the daemon and its containers run again; the refused file is kept as %s", failure, without, t.keptAs())
}

// withoutOwn takes the keys that a restart was to put to use out of the file.
func withoutOwn(d *daemonProbe, s inventory.Step) (content []byte, keys []string, err error) {
	there, params := rawOf(d.content), map[string]string{}
	for _, path := range s.Done.Running {
		a := inventory.KindOf(inventory.KindDaemon).Attr(string(path))
		if _, is := there[a.Key]; is {
			params[a.Key], keys = takenOut, append(keys, a.Key)
		}
	}
	content, err = newContent(d.content, params)
	return content, keys, err
}

// tryContent puts a content in the place of the refused one and restarts.
func (p *Provider) tryContent(ctx context.Context, t *timer, content []byte, before []running) error {
	if _, err := p.host.Run(ctx, sshhost.Command{What: "keep the refused daemon.json", Script: t.within(t.keep())}); err != nil {
		return err
	}
	_, d, err := p.look(ctx)
	if err != nil {
		return err
	}
	stamp := p.newTimer(d, "", true).stamp
	if err := p.host.Replace(ctx, sshhost.Replacement{Path: d.file, Content: content, OldSum: d.sum(), Stamp: stamp}); err != nil {
		return err
	}
	return p.again(ctx, t, before)
}

// leave puts the file in place that is most likely right once whatever keeps the
// daemon from starting is gone: that with which it ran, else that which was there.
func (p *Provider) leave(ctx context.Context, t *timer) error {
	script := t.within(t.back(cmp.Or(t.backup, t.keptAs())))
	_, err := p.host.Run(ctx, sshhost.Command{What: "put a daemon.json back", Script: script})
	return err
}

// cycle restarts and verifies.
func (p *Provider) cycle(ctx context.Context, command string, was *daemonProbe, before []running, t *timer) error {
	_, err := p.host.Run(ctx, sshhost.Command{What: "restart the Docker daemon", Script: t.resetFailed() + command, Timeout: p.cfg.Patience})
	if lost(err) {
		return err
	}
	if err != nil {
		return fmt.Errorf("%w%s", err, p.lastWords(ctx, t))
	}
	if err := p.awaitDaemon(ctx, was); err != nil {
		if lost(err) {
			return err
		}
		return fmt.Errorf("%w%s", err, p.lastWords(ctx, t))
	}
	return p.awaitContainers(ctx, before)
}

// lastWords returns what the daemon said last, as far as its journal tells.
func (p *Provider) lastWords(ctx context.Context, t *timer) string {
	if !t.systemd {
		return ""
	}
	out, err := p.host.Run(ctx, sshhost.Command{What: "read the daemon's journal", Script: `journalctl -u docker.service -n 20 -o cat --no-pager | grep -E 'failed|error|fatal' | tail -n 1`})
	if err != nil || strings.TrimSpace(out) == "" {
		return ""
	}
	return ": " + strings.TrimSpace(out)
}

// awaitDaemon waits until another process answers on the socket with the values of
// the file.
func (p *Provider) awaitDaemon(ctx context.Context, was *daemonProbe) error {
	deadline := time.Now().Add(p.cfg.Patience)
	var last error
	for {
		last = p.cameBack(ctx, was)
		if last == nil || lost(last) || time.Now().After(deadline) {
			return last
		}
		if err := pause(ctx, 300*time.Millisecond); err != nil {
			return err
		}
	}
}

func (p *Provider) cameBack(ctx context.Context, was *daemonProbe) error {
	h, d, err := p.look(ctx)
	switch {
	case err != nil:
		return err
	case d.pid == 0:
		return fmt.Errorf("the daemon does not run")
	case d.pid == was.pid && d.ticks == was.ticks:
		return fmt.Errorf("the daemon was not restarted")
	}
	return p.inUse(ctx, h, d)
}

// awaitContainers waits until the containers that ran before run again. One that
// the daemon does not start by itself, for want of a restart policy, is started.
func (p *Provider) awaitContainers(ctx context.Context, before []running) error {
	e := p.lastEngine()
	deadline := time.Now().Add(p.cfg.Patience)
	for {
		missing, err := e.bringBack(ctx, before)
		switch {
		case err == nil && len(missing) == 0:
			return nil
		case time.Now().After(deadline) && err != nil:
			return err
		case time.Now().After(deadline):
			return fmt.Errorf("these containers did not come back: %s", strings.Join(missing, ", "))
		}
		if err := pause(ctx, 300*time.Millisecond); err != nil {
			return err
		}
	}
}

// runningContainers lists what runs.
func (e *engine) runningContainers(ctx context.Context) ([]running, error) {
	list, err := e.list(ctx)
	if err != nil {
		return nil, err
	}
	var out []running
	for _, c := range list {
		if c.State == "running" {
			out = append(out, running{id: c.ID, name: nameOf(c.Names), started: time.Time{}})
		}
	}
	return out, nil
}

// bringBack starts containers that do not run and returns their names.
func (e *engine) bringBack(ctx context.Context, before []running) ([]string, error) {
	now, err := e.runningContainers(ctx)
	if err != nil {
		return nil, err
	}
	var missing []string
	for _, c := range before {
		if slices.ContainsFunc(now, func(n running) bool { return n.id == c.id }) {
			continue
		}
		missing = append(missing, c.name)
		if err := e.start(ctx, c.id); err != nil && !isNotFound(err) {
			continue // the next look tells
		}
	}
	return missing, nil
}

// undo puts the file back with which the daemon ran, and restarts it with that.
func (p *Provider) undo(ctx context.Context, t *timer, before []running) error {
	if _, err := p.host.Run(ctx, sshhost.Command{What: "put the earlier daemon.json back", Script: t.within(t.restore())}); err != nil {
		return err
	}
	return p.again(ctx, t, before)
}

// again restarts the daemon with the file that is there now.
func (p *Provider) again(ctx context.Context, t *timer, before []running) error {
	_, was, err := p.look(ctx)
	if err != nil {
		return err
	}
	return p.cycle(ctx, t.command, was, before, t)
}
