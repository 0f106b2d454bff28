package runs

import (
	"context"
	"errors"
	"slices"

	"recon/cmd/recon/internal/home"
	"recon/inventory"
	"recon/reconcile"
)

// Carried is a proposal that a run has taken to carry out, and what became of it.
type Carried struct {
	reconcile.Proposal
	Outcome string // of inventory.ProposalEndings
	Err     error
}

// CarryOut does what was approved, and nothing else: each proposal is held against a plan
// that is made now, and again before each of its calls. A proposal is carried out once.
func CarryOut(ctx context.Context, h *home.Home, ids []string) (*Apply, error) {
	run := &Apply{Plan: &reconcile.Plan{Complete: true}}
	err := writing(ctx, h, "approved", func(ph *phase) (int, error) {
		c, err := observed(ctx, h, inFull)
		if err != nil {
			return home.ExitError, err
		}
		defer c.World.Close()
		if c.Interrupted, err = settle(ctx, ph, c.World); err != nil {
			return home.ExitError, err
		}
		if f := c.World.Memory.Freeze; f.Holds(c.World.At) {
			return home.ExitRefused, home.Refuse("recon unfreeze ends that", "nothing was done: recon is %s", f)
		}
		claimed, err := ph.Claim(ctx, ids)
		if err != nil {
			return home.ExitError, err
		}
		d := deed{carried: taken(claimed)}
		run.Carried, run.Plan = d.carried, c.bound(d.carried)
		if len(run.Plan.Changes) > 0 {
			d.results = reconcile.Apply(ctx, run.Plan, c.World.Request(nil), reconcile.Options{
				Ceiling: inventory.ImpactOutage, Bound: true, LookFirst: true, Journal: ph, Secret: reconcile.SecretOf,
			})
			d.judge()
		}
		run.Results = d.results
		again, enough := aMomentLonger(ctx)
		defer enough()
		if run.After, err = lookAgain(again, h, ph, d); err != nil {
			return home.ExitError, err
		}
		run.After.Interrupted = c.Interrupted
		return run.Code(), nil
	})
	return run, err
}

// taken are proposals of which nothing is known yet but that they were begun.
func taken(claimed []reconcile.Proposal) (out []Carried) {
	for _, p := range claimed {
		out = append(out, Carried{Proposal: p, Outcome: inventory.ProposalFailed})
	}
	return out
}

// bound is the part of the plan that was approved. A proposal that does not hold has ended.
func (c *Cycle) bound(all []Carried) *reconcile.Plan {
	out := *c.Plan
	out.Changes = nil
	wanted := map[inventory.Address]bool{}
	for i := range all {
		p := &all[i]
		if _, p.Err = p.Hold(c.Plan, c.World.Origin()); p.Err != nil {
			p.Outcome = inventory.ProposalStale
			continue
		}
		wanted[p.Address()] = true
	}
	for i := range c.Plan.Changes { // in the plan's order, whatever the order of approvals
		if wanted[c.Plan.Changes[i].Addr] {
			out.Changes = append(out.Changes, c.Plan.Changes[i])
		}
	}
	return &out
}

// judge says of each proposal what became of it.
func (d *deed) judge() {
	for i := range d.carried {
		p := &d.carried[i]
		j := slices.IndexFunc(d.results, func(r reconcile.Result) bool { return r.Change.Addr == p.Address() })
		if j < 0 {
			continue // it did not hold
		}
		r := &d.results[j]
		p.Err = r.Err
		switch {
		case r.Status == reconcile.StatusDone && len(r.Withheld) == 0:
			p.Outcome = inventory.ProposalDone
		case errors.Is(r.Err, reconcile.ErrStale) && len(r.Done) == 0:
			p.Outcome = inventory.ProposalStale
		}
	}
}

// carriedOut notes what became of the proposals that this run has taken.
func (r *recorder) carriedOut() {
	for i := range r.deed.carried {
		p := &r.deed.carried[i]
		why := ""
		if p.Err != nil {
			why = p.Err.Error()
		}
		r.end(&p.Proposal, p.Outcome, why)
	}
}
