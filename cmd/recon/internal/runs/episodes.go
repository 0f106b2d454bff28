package runs

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"recon/cmd/recon/internal/home"
	"recon/inventory"
	"recon/reconcile"
)

// episodes opens, changes and resolves drift episodes. Each drift of a field is told once
// when it begins; a resource that cannot be observed keeps its episode as it is.
func (r *recorder) episodes() {
	open := maps.Clone(r.world.Memory.Episodes)
	for i := range r.plan.Changes {
		c := &r.plan.Changes[i]
		fields := reconcile.Drifted(c)
		if len(fields) == 0 {
			continue
		}
		old := open[c.Addr]
		delete(open, c.Addr)
		e := reconcile.Episode{
			ID: old.ID, Address: c.Addr, Identity: c.Want.Identity, Fingerprint: reconcile.Fingerprint(fields), OpenedAt: r.world.At, ChangedAt: r.world.At, Fields: fields,
			By: c.Have.Volatile.Changed.User, Started: r.started(old, fields),
		}
		if old.Fingerprint == e.Fingerprint {
			continue
		}
		r.learned.Episodes = append(r.learned.Episodes, e)
		r.drift(old, e)
	}
	r.resolve(open)
}

// started counts how often each field began to drift within an episode. What recon took
// back itself did not come and go.
func (r *recorder) started(old reconcile.Episode, fields []inventory.EventField) reconcile.Drifts {
	out := reconcile.Drifts{}
	for p, n := range old.Started {
		if !r.wrote(old.Address, p) {
			out[p] = n
		}
	}
	for _, f := range fields {
		if !drifts(old.Fields, f.Name) {
			out[f.Name]++
		}
	}
	return out
}

func drifts(fields []inventory.EventField, p inventory.Path) bool {
	return slices.ContainsFunc(fields, func(f inventory.EventField) bool { return f.Name == p })
}

// drift tells what an episode has that it did not have before, but for fields that come
// and go: of these it is told once that they do.
func (r *recorder) drift(old, now reconcile.Episode) {
	var told, flapping []inventory.EventField
	for _, f := range now.Fields {
		n := r.world.Memory.Drifts[now.Address][f.Name]
		if !drifts(old.Fields, f.Name) {
			n++
		}
		switch {
		case n < home.FlapLimit:
			told = append(told, f)
		case n == home.FlapLimit && !drifts(old.Fields, f.Name):
			flapping = append(flapping, inventory.EventField{Name: f.Name})
		}
	}
	before := r.quiet(old)
	e := inventory.Event{Address: now.Address, Identity: now.Identity, Kind: inventory.DriftOpened, Fields: told, By: now.By, Summary: summary(now.Address, told)}
	switch {
	case reconcile.Fingerprint(told) == reconcile.Fingerprint(before):
	case len(told) == 0:
		r.backInSync(old, before)
	default:
		if len(before) > 0 {
			e.Kind = inventory.DriftChanged
		}
		r.event(e)
	}
	if len(flapping) > 0 {
		e.Kind, e.Fields, e.By = inventory.DriftChanged, flapping, ""
		e.Summary = fmt.Sprintf("%s: %s comes and goes: drifted %d times within a day; quarantined until it is quiet for a day", e.Address, names(flapping), home.FlapLimit)
		r.event(e)
	}
}

// quiet are the fields of an episode that do not come and go.
func (r *recorder) quiet(e reconcile.Episode) (out []inventory.EventField) {
	for _, f := range e.Fields {
		if !r.world.Memory.Flapping(e.Address, f.Name) {
			out = append(out, f)
		}
	}
	return out
}

func names(fields []inventory.EventField) string {
	var out []string
	for _, f := range fields {
		out = append(out, string(f.Name))
	}
	return strings.Join(out, ", ")
}

// backInSync tells that fields drift no more, unless recon itself took them back. Without
// fields it is the whole resource.
func (r *recorder) backInSync(e reconcile.Episode, fields []inventory.EventField) {
	if r.byRecon(e.Address) {
		return
	}
	what := e.Address.String()
	var named []inventory.EventField
	for _, f := range fields {
		named = append(named, inventory.EventField{Name: f.Name})
	}
	if len(named) > 0 {
		what += ": " + names(named)
	}
	r.event(inventory.Event{Address: e.Address, Identity: e.Identity, Kind: inventory.DriftResolved, Fields: named, Summary: what + " is back in sync"})
}

// resolve ends the episodes of resources that were observed and differ no more. What is
// gone is not back in sync.
func (r *recorder) resolve(open map[inventory.Address]reconcile.Episode) {
	state := map[string]inventory.Presence{}
	for _, o := range r.world.Observations() {
		state[o.Resource.Identity] = o.State
	}
	for _, addr := range slices.SortedFunc(maps.Keys(open), inventory.CompareAddress) {
		e := open[addr]
		declared := r.world.Project.Resource(addr) != nil
		if declared && state[e.Identity] == inventory.Unknown {
			continue
		}
		if r.byRecon(addr) {
			e.Started = r.started(e, nil)
			r.learned.Episodes = append(r.learned.Episodes, e)
		}
		r.learned.Resolved = append(r.learned.Resolved, e.ID)
		if state[e.Identity] != inventory.Absent && len(r.quiet(e)) > 0 {
			r.backInSync(e, nil)
		}
	}
}

func summary(a inventory.Address, fields []inventory.EventField) string {
	text := a.String()
	for i, f := range fields {
		if i == 3 {
			return text + fmt.Sprintf(", and %d more", len(fields)-3)
		}
		text += fmt.Sprintf(" %s %s -> %s", f.Name, f.FromText, f.ToText)
	}
	return text
}
