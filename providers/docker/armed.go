package docker

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"recon/inventory"
)

// An armedTimer is what a run left on the host that ended before it could say that its
// change went well. Until it fires nobody knows how the daemon will be.
type armedTimer struct {
	stamp string
	fires float64 // seconds since the epoch
	sum   string  // of the content that it takes off
	file  string
}

// stamps are those that recon gives; a name of another form is not its own.
var stamps = regexp.MustCompile(`^[0-9]{8}T[0-9]{6}\.[0-9]{3}Z$`)

// parseArmed reads a token: its stamp, its time, and what timer.arm wrote into it. The
// zero value is none of recon's.
func parseArmed(text string) armedTimer {
	f := strings.SplitN(text, " ", 5)
	if len(f) < 5 || !stamps.MatchString(f[0]) {
		return armedTimer{}
	}
	return armedTimer{stamp: f[0], fires: atof(f[1]) + atof(f[2]), sum: f[3], file: f[4]}
}

// armedFor returns the timer that will undo a change of the daemon's file, nil without one.
func (h *hostProbe) armedFor(d *daemonProbe) *armedTimer {
	for i := range h.armed {
		if h.armed[i].file == d.real && d.real != "" {
			return &h.armed[i]
		}
	}
	return nil
}

// unsettled says why nothing can be said of a daemon whose last change may be undone.
func (a *armedTimer) unsettled() error {
	return fmt.Errorf("a run of recon ended before it could say that its change of %s went well, and the host undoes it at %s unless recon apply or recon drift finds before that all is well",
		a.file, time.Unix(int64(a.fires), 0).UTC().Format(time.TimeOnly+" MST"))
}

// settled observes the daemon, of which nothing is known while a timer is armed.
func (p *Provider) settled(s *sight) inventory.Observation {
	o := p.observeDaemon(s.probe, s.daemon, s.info)
	if a := s.probe.armedFor(s.daemon); a != nil && o.State == inventory.Present {
		o.State, o.Err = inventory.Unknown, a.unsettled()
	}
	return o
}

// Settle ends what a killed run left armed: where the daemon runs with the file that was
// written the change stands, else the host has the time to undo it.
func (p *Provider) Settle(ctx context.Context) (said []string, err error) {
	if v := p.view(); v.probe == nil || v.probe.armedFor(v.daemon) == nil {
		return nil, nil
	}
	for waited := ""; ; {
		h, d, err := p.look(ctx)
		if err != nil {
			return said, err
		}
		a := h.armedFor(d)
		switch {
		case a == nil && waited != "":
			return append(said, waited), nil
		case a == nil:
			return said, nil
		case a.sum == d.sum() && p.inUse(ctx, h, d) == nil:
			if err := p.disarm(ctx, &timer{stamp: a.stamp}, true); err != nil {
				return said, err
			}
			said = append(said, fmt.Sprintf("%s runs with the %s that a killed run wrote; the timer that would have undone it is disarmed", p.Name(), a.file))
		case h.now > a.fires+float64(p.cfg.Patience/time.Second):
			return said, fmt.Errorf("the timer that was to undo a change of %s has not fired; look at it, and remove /run/recon-%s", a.file, a.stamp)
		default:
			waited = fmt.Sprintf("%s did not run with the %s that a killed run wrote, so the host was left to put the earlier one back", p.Name(), a.file)
			if err := pause(ctx, time.Second); err != nil {
				return said, err
			}
		}
	}
}

// inUse reports whether a daemon answers, and runs with what its file says.
func (p *Provider) inUse(ctx context.Context, h *hostProbe, d *daemonProbe) error {
	if d.pid == 0 {
		return fmt.Errorf("the daemon does not run")
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

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
