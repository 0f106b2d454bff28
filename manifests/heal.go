package manifests

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"recon/inventory"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/robfig/cron/v3"
)

var healSpec = spec{what: "a heal block", attrs: []string{"allow", "at_most", "window"}}

// healAtMost is how often a day a resource is healed when nobody says.
const healAtMost = 3

// heal decodes what recon may do by itself: heal { allow = "reload", at_most = 3, window = {...} }
func (d *guestDecoder) heal(b *hclsyntax.Block) {
	if diag := labels(b); diag != nil {
		d.report(diag)
		return
	}
	d.reportOnce(healSpec.check(b.Body))
	if d.res.Policy.OnDrift != "heal" {
		d.reportOnce(hcl.Diagnostics{errorAt(b.DefRange(), "Nothing to heal", "A heal block says how far on_drift = \"heal\" may go, and on_drift is not \"heal\" here.")})
	}
	h := &d.res.Policy.Heal
	for _, arg := range sortedAttrs(b.Body) {
		switch arg.Name {
		case "allow":
			d.healAllow(arg, h)
		case "at_most":
			if d.argument(arg, d.scope, &h.AtMost) && (h.AtMost < 1 || h.AtMost > 100) {
				d.report(errorAt(arg.Expr.Range(), "Not a number of times", "at_most is how often a day recon may take a drift back by itself, from 1 to 100."))
			}
		case "window":
			d.healWindow(arg, h)
		}
	}
}

// healAllow reads the ceiling. What takes a guest down, or its data away, is nothing that
// happens by itself.
func (d *guestDecoder) healAllow(arg *hclsyntax.Attribute, h *inventory.Heal) {
	text := ""
	if !d.argument(arg, d.scope, &text) {
		return
	}
	var allow inventory.Impact
	if err := allow.UnmarshalText([]byte(text)); err != nil || allow > inventory.ImpactRestart {
		d.report(errorAt(arg.Expr.Range(), "Not for healing", "allow is the worst that healing may do to the resource: \"live\", \"reload\" (when it is left out) or \"restart\"."))
		return
	}
	h.Allow = allow
}

func (d *guestDecoder) healWindow(arg *hclsyntax.Attribute, h *inventory.Heal) {
	parts := map[string]string{}
	if !d.argument(arg, d.scope, &parts) {
		return
	}
	w, err := newWindow(parts)
	if err != nil {
		d.report(errorAt(arg.Expr.Range(), "Not a window", "window takes { cron = \"0 2 * * *\", duration = \"3h\", timezone = \"Europe/Berlin\" }: %s.", err))
		return
	}
	h.Window = w
}

// A window begins by a cron expression, and lasts some time.
type window struct {
	text     string
	begins   cron.Schedule
	duration time.Duration
	location *time.Location
}

func newWindow(parts map[string]string) (*window, error) {
	for _, key := range slices.Sorted(maps.Keys(parts)) {
		if !slices.Contains([]string{"cron", "duration", "timezone"}, key) {
			return nil, fmt.Errorf("it has no %s", key)
		}
	}
	w := &window{location: time.Local}
	if zone, ok := parts["timezone"]; ok {
		location, err := time.LoadLocation(zone)
		if err != nil {
			return nil, fmt.Errorf("%q is not a name of the time zone database", zone)
		}
		w.location = location
	}
	var err error
	if w.begins, err = cron.ParseStandard(parts["cron"]); err != nil {
		return nil, fmt.Errorf("%q is not five cron fields (minute hour day month weekday)", parts["cron"])
	}
	spec, ok := w.begins.(*cron.SpecSchedule)
	if !ok {
		return nil, fmt.Errorf("%q names no time of the clock, so nobody knows when it is open", parts["cron"])
	}
	spec.Location = w.location
	w.duration, err = time.ParseDuration(parts["duration"])
	if err != nil || w.duration < time.Minute || w.duration > 7*24*time.Hour {
		return nil, fmt.Errorf("duration is from \"1m\" to \"168h\", not %q", parts["duration"])
	}
	w.text = fmt.Sprintf("%s for %s", parts["cron"], parts["duration"])
	return w, nil
}

// Holds reports whether the window is open.
func (w *window) Holds(at time.Time) bool {
	began := w.begins.Next(at.Add(-w.duration))
	return !began.IsZero() && !began.After(at)
}

// Next is when it begins the next time.
func (w *window) Next(at time.Time) time.Time { return w.begins.Next(at).In(w.location) }

// String is the window as its block says it.
func (w *window) String() string { return w.text }

// unhealed warns of resources that nobody heals, since no schedule does.
func (l *loader) unhealed() {
	heals := slices.ContainsFunc(l.project.Schedules, func(s Schedule) bool { return s.Action == "heal" })
	for i := range l.project.Resources {
		if r := &l.project.Resources[i]; r.Policy.OnDrift == "heal" && !heals {
			l.report(warnAt(r.Origin[healOrigin], "Nobody heals", "%s says on_drift = \"heal\", and no schedule has action = \"heal\", so recon serve takes nothing back.", r.Addr))
			return
		}
	}
}

// healOrigin is where on_drift is written.
const healOrigin inventory.Path = "on_drift"
