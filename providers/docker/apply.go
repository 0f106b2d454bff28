package docker

import (
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
// runs with. Programs before version 23 cannot.
func validateScript(d *daemonProbe) string {
	if d.pid == 0 || d.exe == "" {
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
	return "out=$(" + strings.Join(words, " ") + ` 2>&1) && exit 0
case $out in *"unknown flag: --validate"*) exit 0;; esac
printf '%s\n' "$out" | tail -n 1 >&2
exit 1`
}

// restart restarts the daemon and verifies that it came back with the file's values
// and the containers that ran. Otherwise the last write is undone.
func (p *Provider) restart(ctx context.Context, s inventory.Step, report providers.Reporter) error {
	h, d, err := p.look(ctx)
	if err != nil {
		return err
	}
	before, err := p.runningBefore(ctx, d)
	if err != nil {
		return err
	}
	t := p.newTimer(d, d.sum(), true)
	t.backup, t.command, t.systemd = p.undoing(d), s.Path, h.systemd
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
	case failure == nil && t.backup == "":
		return nil
	case failure == nil:
		return p.disarm(ctx, t, true)
	case t.backup == "":
		return fmt.Errorf("%w; there is no copy of an earlier file to go back to", failure)
	}
	if report != nil {
		report("undoing: " + failure.Error())
	}
	if err := p.disarm(ctx, t, true); err != nil {
		return errors.Join(failure, err)
	}
	if err := p.undo(ctx, t, before); err != nil {
		return fmt.Errorf("%w; going back to %s did not work either: %w", failure, t.backup, err)
	}
	return fmt.Errorf("%w; the file before it is back, and the daemon and its containers run again", failure)
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
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(300 * time.Millisecond):
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
	e, err := p.engineOf(d)
	if err != nil {
		return err
	}
	info, err := e.info(ctx)
	if err != nil {
		return err
	}
	o := p.observeDaemon(h, d, &info)
	kind := inventory.KindOf(inventory.KindDaemon)
	for path, want := range o.Resource.Attrs {
		if a := kind.Attr(string(path)); a != nil && a.Impact == inventory.ImpactRestart && !a.SameInUse(want, o.Running[path]) {
			return fmt.Errorf("the daemon runs with another %s than its file says", path)
		}
	}
	return nil
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
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(300 * time.Millisecond):
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

// undo puts the file before the last write back and restarts the daemon with it.
func (p *Provider) undo(ctx context.Context, t *timer, before []running) error {
	_, err := p.host.Run(ctx, sshhost.Command{What: "put the earlier daemon.json back", Script: t.restore()})
	if err != nil {
		return err
	}
	_, was, err := p.look(ctx)
	if err != nil {
		return err
	}
	if _, err := p.host.Run(ctx, sshhost.Command{What: "restart the Docker daemon", Script: t.resetFailed() + t.command, Timeout: p.cfg.Patience}); err != nil {
		return err
	}
	if err := p.awaitDaemon(ctx, was); err != nil {
		return err
	}
	return p.awaitContainers(ctx, before)
}
