package runs

import (
	"context"
	"slices"
	"time"

	"recon/inventory"
	"recon/providers"
	"recon/reconcile"
)

// moves tells everything that is not what it was at the last look, declared or not:
// attributes, power, places, names. What is told as drift, or was recon's own work, is
// left out, so that each change is told once.
func (r *recorder) moves(ctx context.Context) {
	var found []inventory.Event
	for _, o := range r.world.Observations() {
		last, known := r.world.LastSeen(o.Resource.Identity)
		if !known || o.State != inventory.Present {
			continue
		}
		for _, e := range reconcile.Moves(&last, &o) {
			found = append(found, r.untold(e)...)
		}
	}
	r.attribute(ctx, found)
	for _, e := range found {
		r.event(e)
	}
}

// untold is what of an event is not told by another one, what a manifest names apart
// from what none does.
func (r *recorder) untold(e inventory.Event) []inventory.Event {
	res := r.declaredAs(e.Identity)
	if res != nil {
		e.Address = res.Addr
	}
	told := r.toldAsDrift(e.Address)
	if e.Kind != inventory.Changed {
		if r.ownWork(e) || told[fieldOf(e.Kind)] {
			return nil
		}
		return []inventory.Event{e}
	}
	var named, unnamed []inventory.EventField
	for _, f := range e.Fields {
		switch {
		case told[f.Name] || told[f.Name.Absent()] || r.wrote(e.Address, f.Name):
		case res != nil && !inventory.IsNull(res.Attrs[f.Name]):
			f.Declared = true
			named = append(named, f)
		default:
			unnamed = append(unnamed, f)
		}
	}
	var out []inventory.Event
	for _, fields := range [][]inventory.EventField{named, unnamed} {
		if len(fields) > 0 {
			part := e
			part.Fields = fields
			part.Summary = summary(e.Address, fields)
			out = append(out, part)
		}
	}
	return out
}

// fieldOf is the field whose drift says the same as an event does, where a manifest has
// an opinion on it.
func fieldOf(kind inventory.EventKind) inventory.Path {
	switch kind {
	case inventory.Renamed:
		return "name"
	case inventory.Moved:
		return "node"
	case inventory.Started, inventory.Stopped:
		return "running"
	}
	return ""
}

// declaredAs is the resource under which a manifest declares an identity, nil when none
// does.
func (r *recorder) declaredAs(identity string) *inventory.Resource {
	for i := range r.world.Project.Resources {
		if res := &r.world.Project.Resources[i]; res.Identity == identity {
			return res
		}
	}
	return nil
}

// toldAsDrift lists the fields of a resource that drift now, or did until now.
func (r *recorder) toldAsDrift(a inventory.Address) map[inventory.Path]bool {
	out := map[inventory.Path]bool{}
	for i := range r.plan.Changes {
		if c := &r.plan.Changes[i]; c.Addr == a {
			for _, f := range reconcile.Drifted(c) {
				out[f.Name] = true
			}
		}
	}
	for _, f := range r.world.Memory.Episodes[a].Fields {
		out[f.Name] = true
	}
	return out
}

// wrote reports a field that this run wrote itself, or one that could not tell of it.
func (r *recorder) wrote(a inventory.Address, p inventory.Path) bool {
	for i := range r.interrupted[a] {
		fields := r.interrupted[a][i].Step.Done.Fields
		_, set := fields[p]
		if _, removed := fields[p.Absent()]; set || removed {
			return true
		}
	}
	res := r.done[a]
	return res != nil && slices.ContainsFunc(res.Change.Fields, func(f inventory.FieldChange) bool { return p.In(f.Path) || f.Path == p.Absent() })
}

// ownWork reports power and moves that this run caused.
func (r *recorder) ownWork(e inventory.Event) bool {
	res := r.done[e.Address]
	if res == nil {
		return leftWork(e.Kind, r.interrupted[e.Address])
	}
	restarted := slices.ContainsFunc(res.Done, func(s inventory.Step) bool { return s.Restarts })
	for _, f := range res.Change.Fields {
		switch f.Attr.Call {
		case inventory.CallPower:
			restarted = true
		case inventory.CallMigrate:
			if e.Kind == inventory.Moved {
				return true
			}
		}
	}
	return restarted && e.Kind != inventory.Moved
}

// leftWork reports power, moves and names that runs caused which could not tell of it.
func leftWork(kind inventory.EventKind, steps []reconcile.Entry) bool {
	field := inventory.Path("running")
	switch kind {
	case inventory.Moved:
		field = "node"
	case inventory.Renamed:
		field = "name"
	}
	return slices.ContainsFunc(steps, func(e reconcile.Entry) bool {
		_, set := e.Step.Done.Fields[field]
		return set || field == "running" && e.Step.Restarts
	})
}

// blame says who took away what is gone.
func (r *recorder) blame(ctx context.Context) {
	var gone []inventory.Event
	var at []int
	for i, e := range r.learned.Events {
		if _, seen := r.world.LastSeen(e.Identity); seen && e.Kind == inventory.Disappeared {
			gone, at = append(gone, e), append(at, i)
		}
	}
	r.attribute(ctx, gone)
	for i, e := range gone {
		r.learned.Events[at[i]] = e
	}
}

// attribute says who changed what, as far as the providers' logs tell of changes since
// the last look.
func (r *recorder) attribute(ctx context.Context, events []inventory.Event) {
	for i, reader := range r.world.Readers {
		a, ok := reader.(providers.Attributor)
		if !ok || r.world.Snapshots[i].Calls == 0 {
			continue
		}
		var ids []string
		for _, e := range events {
			if last, _ := r.world.LastSeen(e.Identity); last.Resource.Provider == reader.Name() && !slices.Contains(ids, e.Identity) {
				ids = append(ids, e.Identity)
			}
		}
		if len(ids) == 0 {
			continue
		}
		who := a.Attribute(ctx, ids)
		for j := range events {
			last, _ := r.world.LastSeen(events[j].Identity)
			if by := who[events[j].Identity]; by.User != "" && !by.At.Before(last.At.Truncate(time.Second)) { // logs count in seconds
				events[j].By = by.User
			}
		}
	}
}
