package runs

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"recon/cmd/recon/internal/home"
	"recon/inventory"
	"recon/providers"
	"recon/reconcile"
)

// settle looks at the steps that killed runs left in flight, says what became of
// each, and closes them before anything else is done. What is to be done next
// follows from the plan; those that happened are told as what they are.
func settle(ctx context.Context, ph *phase, w *home.World) (said []string, err error) {
	if err := ph.catchUp(ctx, w); err != nil {
		return nil, err
	}
	for _, r := range w.Readers {
		if s, ok := r.(providers.Settler); ok {
			found, err := s.Settle(ctx)
			if said = append(said, found...); err != nil {
				return said, fmt.Errorf("see what a killed run left on %s: %w", r.Name(), err)
			}
		}
	}
	var open []reconcile.Entry
	for _, e := range w.Memory.InFlight {
		became := ending(ctx, w, &e)
		said = append(said, fmt.Sprintf("%s: interrupted on %s while recon was to %s: %s", e.Address, e.BegunAt.Format(time.DateTime), e.Step.Summary, became))
		outcome := "interrupted; " + became
		switch became {
		case unseenYet:
			open = append(open, e)
			continue
		case happened:
			outcome = string(reconcile.StatusDone)
			w.Memory.Untold = append(w.Memory.Untold, e)
		}
		if err := ph.End(ctx, e.ID, outcome); err != nil {
			return said, err
		}
	}
	w.Memory.InFlight = open
	return said, nil
}

// What became of a step in flight.
const (
	happened  = "it happened"
	didNot    = "it did not happen"
	noTrace   = "whether it happened does not show"
	unseenYet = "whether it happened cannot be seen yet"
	undeclare = "it is no longer declared as it was"
)

// lateness is how long after it began a call may still arrive whose sender was killed:
// what was sent lies in the server's queue.
const (
	lateness  = 3 * time.Second
	latePause = 250 * time.Millisecond
)

// ending looks what became of a step, until its call cannot be on its way any more.
func ending(ctx context.Context, w *home.World, e *reconcile.Entry) string {
	for {
		became := whatBecame(ctx, w, e)
		if age := w.Home().Now().Sub(e.BegunAt); became != didNot || age < 0 || age > lateness {
			return became
		}
		select {
		case <-ctx.Done():
			return unseenYet
		case <-time.After(latePause):
		}
	}
}

func whatBecame(ctx context.Context, w *home.World, e *reconcile.Entry) string {
	res := w.Project.Resource(e.Address)
	i := slices.IndexFunc(w.Readers, func(r providers.Reader) bool {
		return res != nil && res.Identity == e.Identity && res.Provider == r.Name()
	})
	if i < 0 {
		return undeclare
	}
	o := providers.Look(ctx, w.Readers[i], *res)
	switch {
	case o.State == inventory.Unknown, e.Step.Makes && inventory.BeingMade(&o):
		return unseenYet
	case !e.Step.Done.Holds(&o):
		return didNot
	case e.Step.Done.Evident() || e.Step.Method == "POST": // what makes a guest shows in its being there
		return happened
	}
	return noTrace
}

// leftBehind tells of steps that were done by runs that were killed before they could,
// and by this one as part of a change that did not end as planned.
func (r *recorder) leftBehind() {
	for _, e := range r.world.Memory.Untold {
		r.learned.Told = append(r.learned.Told, e.ID)
		if own := e.Run == r.world.Memory.LastRun; !own || r.done[e.Address] == nil { // a change that was done tells of all its steps
			r.interrupted[e.Address] = append(r.interrupted[e.Address], e)
		}
	}
	for _, addr := range slices.SortedFunc(maps.Keys(r.interrupted), inventory.CompareAddress) {
		e := inventory.Event{Address: addr, Identity: r.interrupted[addr][0].Identity, Kind: inventory.WasApplied, By: "recon"}
		var what []string
		for i := range r.interrupted[addr] {
			what = append(what, r.interrupted[addr][i].Step.Summary)
			e.Fields = append(e.Fields, stepFields(&r.interrupted[addr][i])...)
		}
		e.Summary = fmt.Sprintf("%s: %s, by a run that did not end as planned", addr, strings.Join(what, "; "))
		r.event(e)
	}
}

// stepFields are the fields that a step has set. What was there before it is not
// known any more.
func stepFields(e *reconcile.Entry) (out []inventory.EventField) {
	res := inventory.Resource{Addr: e.Address}
	kind := res.Kind()
	for path, v := range e.Step.Done.Fields {
		attr, _, _ := kind.Lookup(path)
		if attr == nil || attr.Secret {
			continue
		}
		out = append(out, inventory.EventField{Name: path, To: inventory.JSONValue(v.Value), ToText: attr.Show(v.Value)})
	}
	slices.SortFunc(out, func(a, b inventory.EventField) int { return inventory.NaturalCompare(string(a.Name), string(b.Name)) })
	return out
}
