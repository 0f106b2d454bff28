package runs

import (
	"context"
	"slices"
	"time"

	"recon/cmd/recon/internal/docs"
	"recon/cmd/recon/internal/home"
	"recon/inventory"
	"recon/reconcile"
)

// Heal is a cycle that takes back what manifests let it take back by itself, and proposes
// the rest of what would have to be done.
func Heal(ctx context.Context, h *home.Home) (*Cycle, error) {
	var after *Cycle
	c, err := cycle(ctx, h, "heal", inFull, func(c *Cycle, ph *phase) (err error) {
		d := deed{heals: true, triages: c.triages()}
		healing := c.chosen(d.triages)
		if len(healing.Changes) == 0 {
			return c.remember(ctx, ph, d, docs.Options{})
		}
		d.results = reconcile.Apply(ctx, healing, c.World.Request(nil), reconcile.Options{
			Ceiling: inventory.ImpactRestart, Bound: true, Journal: ph, Secret: reconcile.SecretOf,
		})
		again, enough := aMomentLonger(ctx)
		defer enough()
		after, err = lookAgain(again, h, ph, d)
		if after != nil {
			after.Interrupted, after.Results, after.Again = c.Interrupted, d.results, c.Again
		}
		return err
	})
	if after != nil {
		return after, err
	}
	return c, err
}

// triages decides about every change, by what is remembered under the lock.
func (c *Cycle) triages() []reconcile.Triage {
	w, memory := c.World, &c.World.Memory
	ward := reconcile.Ward{Now: w.At, Episodes: memory.Episodes, Healings: memory.Healings, Decided: func(ch *inventory.Change) string { return decided(memory.Proposals, ch, w.At) }}
	if memory.Freeze.Holds(w.At) {
		ward.Frozen = memory.Freeze.String()
	}
	out := reconcile.Triages(c.Plan, ward)
	for _, t := range out {
		if !t.At.IsZero() && (c.Again.IsZero() || t.At.Before(c.Again)) {
			c.Again = t.At
		}
	}
	if out == nil {
		return []reconcile.Triage{} // it has decided, about nothing
	}
	return out
}

// chosen is the part of the plan that is healed.
func (c *Cycle) chosen(triages []reconcile.Triage) *reconcile.Plan {
	out := *c.Plan
	out.Changes = nil
	for _, t := range triages {
		if t.Course == reconcile.CourseHeal {
			out.Changes = append(out.Changes, *t.Change)
		}
	}
	return &out
}

// healings remembers what was attempted. The episode is the one that a run before this one
// has opened: nothing is healed that was seen once.
func (r *recorder) healings() {
	if !r.deed.heals {
		return
	}
	r.learned.Healings = map[inventory.Address]reconcile.Healing{}
	for i := range r.deed.results {
		res := &r.deed.results[i]
		addr := res.Change.Addr
		var taken []inventory.Path
		if res.Status == reconcile.StatusDone {
			for _, f := range res.Written() {
				taken = append(taken, f.Path)
			}
		} else {
			r.notHealed(res)
		}
		past := r.world.Memory.Healings[addr].Since(r.world.Memory.Episodes[addr].OpenedAt)
		r.learned.Healings[addr] = past.After(r.world.At, taken)
	}
}

// notHealed tells of an attempt that did not end as planned.
func (r *recorder) notHealed(res *reconcile.Result) {
	e := inventory.Event{Address: res.Change.Addr, Identity: res.Change.Want.Identity, Kind: inventory.HealFailed, By: "recon"}
	for _, f := range res.Change.Writing() {
		e.Fields = append(e.Fields, inventory.EventField{Name: f.Path})
	}
	e.Summary = e.Address.String() + " could not be healed"
	if res.Err != nil {
		e.Summary += ": " + res.Err.Error()
	}
	r.event(e)
}

// proposals brings those that wait up to what this run has seen, and makes new ones.
func (r *recorder) proposals() error {
	r.carriedOut()
	if r.deed.triages == nil {
		return nil
	}
	ended := map[string]bool{}
	for i := range r.world.Memory.Proposals {
		p := &r.world.Memory.Proposals[i]
		if outcome, why := r.became(p); outcome != waits {
			ended[p.ID] = true
			r.end(p, outcome, why)
		}
	}
	taken := func(addr inventory.Address) bool {
		return slices.ContainsFunc(r.world.Memory.Proposals, func(p reconcile.Proposal) bool { return p.Address() == addr && !ended[p.ID] })
	}
	for _, t := range r.deed.triages {
		c := r.change(t.Change.Addr)
		if t.Course != reconcile.CoursePropose || c == nil || len(c.Steps) == 0 || taken(c.Addr) {
			continue
		}
		p, err := reconcile.Propose(c, t.Why, r.world.Origin(), r.world.At)
		if err != nil {
			return err
		}
		r.learned.Proposed = append(r.learned.Proposed, p)
		r.event(inventory.Event{
			Address: c.Addr, Identity: c.Want.Identity, Kind: inventory.Proposed, Summary: c.Addr.String() + ": " + t.Why,
			Fields: []inventory.EventField{{Name: inventory.ProposalField, To: p.ID, ToText: p.ID[:reconcile.ShortID]}},
		})
	}
	return nil
}

// change is what is to be done about a resource by the plan of this look, nil when nothing is.
func (r *recorder) change(addr inventory.Address) *inventory.Change {
	for i := range r.plan.Changes {
		if r.plan.Changes[i].Addr == addr {
			return &r.plan.Changes[i]
		}
	}
	return nil
}

// waits is what becomes of a proposal that still waits.
const waits = "waits"

// became says what became of a proposal that has not ended. Of what cannot be observed
// nothing is known, so its proposal waits.
func (r *recorder) became(p *reconcile.Proposal) (outcome, why string) {
	c := r.change(p.Address())
	unseen := slices.ContainsFunc(r.plan.Unknown, func(u inventory.Scope) bool { return slices.Contains(u.Addresses, p.Address()) })
	switch {
	case p.State == reconcile.ProposalRunning:
		return inventory.ProposalFailed, "recon was ended while it carried it out"
	case p.State == reconcile.ProposalRejected && (unseen || c != nil && p.About(c)):
		return waits, ""
	case p.State == reconcile.ProposalRejected:
		return "", ""
	case !r.world.At.Before(p.Expires):
		return inventory.ProposalExpired, ""
	case unseen:
		return waits, ""
	case c == nil:
		return inventory.ProposalMoot, ""
	}
	if _, err := p.Hold(r.plan, r.world.Origin()); err != nil {
		return inventory.ProposalStale, err.Error()
	}
	return waits, ""
}

// end notes what became of a proposal, and tells it unless it was rejected before.
func (r *recorder) end(p *reconcile.Proposal, outcome, why string) {
	r.learned.Ended = append(r.learned.Ended, reconcile.Ending{ID: p.ID, Outcome: outcome})
	if outcome == "" {
		return
	}
	e := inventory.Event{Address: p.Address(), Identity: p.Identity(), Kind: inventory.ProposalEnded, Summary: p.Address().String() + ": the proposal " + inventory.ProposalEndings()[outcome]}
	e.Fields = []inventory.EventField{{Name: inventory.OutcomeField, To: outcome, ToText: outcome}, {Name: inventory.ProposalField, To: p.ID, ToText: p.ID[:reconcile.ShortID]}}
	if why != "" {
		e.Summary += ": " + why
	}
	r.event(e)
}

// decided says that somebody has to decide about a change, or has, "" when not.
func decided(proposals []reconcile.Proposal, c *inventory.Change, now time.Time) string {
	for i := range proposals {
		switch p := &proposals[i]; {
		case p.Address() != c.Addr || !now.Before(p.Expires) && p.State != reconcile.ProposalRejected:
		case p.State == reconcile.ProposalRejected && p.About(c):
			return "it was rejected by " + p.By
		case p.State == reconcile.ProposalRejected:
		default:
			return "it is proposed already"
		}
	}
	return ""
}
