package runs

import (
	"context"
	"errors"
	"strings"
	"time"

	"recon/cmd/recon/internal/docs"
	"recon/cmd/recon/internal/home"
	"recon/inventory"
	"recon/reconcile"
)

// An Apply is one apply: what was planned, what became of it, and the cycle
// that looked at the outcome.
type Apply struct {
	Plan    *reconcile.Plan
	Results []reconcile.Result
	After   *Cycle    // nil when nothing was done
	Carried []Carried // of what was approved
}

// Code is the exit code of an apply.
func (a *Apply) Code() int { return home.Worst(a.Codes()...) }

// Codes are all exit codes that an apply would have, of which Code is the one that it
// has: 5 when a change was attempted and not every change ended as planned, 4 when
// changes were there and none was attempted.
func (a *Apply) Codes() []int {
	attempted, left := false, false
	for i := range a.Results {
		r := &a.Results[i]
		attempted = attempted || len(r.Done) > 0 || r.Status == reconcile.StatusDone
		wanted := r.Change.Action != inventory.ActionNone || len(r.Change.Steps) > 0 || len(r.Change.Blocked) > 0
		left = left || wanted && (r.Status != reconcile.StatusDone || len(r.Withheld) > 0 || len(r.Change.Blocked) > 0)
	}
	for i := range a.Carried {
		left = left || a.Carried[i].Outcome != inventory.ProposalDone
	}
	codes := []int{home.ExitOK}
	switch {
	case attempted && left:
		codes = append(codes, home.ExitPartial)
	case left:
		codes = append(codes, home.ExitRefused)
	}
	if !a.Plan.Complete {
		codes = append(codes, home.ExitIncomplete)
	}
	if a.After != nil {
		codes = append(codes, a.After.DocsCode())
	}
	return codes
}

// RunApply executes a plan under the lock, looks at everything again, and writes
// ledger and documents from that second look.
func RunApply(ctx context.Context, w *home.World, p *reconcile.Plan, opts reconcile.Options) (*Apply, error) {
	run := &Apply{Plan: p}
	err := writing(ctx, w.Home(), "apply", func(ph *phase) (int, error) {
		opts.LookFirst = !w.Fresh(ph.before)
		said, err := settle(ctx, ph, w)
		if err != nil {
			return home.ExitError, err
		}
		opts.Journal, opts.Secret = ph, reconcile.SecretOf
		run.Results = reconcile.Apply(ctx, p, w.Request(nil), opts)
		again, enough := aMomentLonger(ctx)
		defer enough()
		run.After, err = lookAgain(again, w.Home(), ph, deed{results: run.Results})
		if run.After != nil {
			run.After.Interrupted = said
		}
		if err != nil {
			return home.ExitError, err
		}
		return run.Code(), nil
	})
	return run, err
}

// aMomentLonger is a context for what tells how an apply ended: an interrupt leaves it
// a moment.
func aMomentLonger(ctx context.Context) (context.Context, func()) {
	out, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(time.Second, cancel) })
	return out, func() {
		stop()
		cancel()
	}
}

// lookAgain is the cycle after something was done: documents are rendered from the
// re-read, never from the wish.
func lookAgain(ctx context.Context, h *home.Home, ph *phase, d deed) (*Cycle, error) {
	w, err := h.Observe(ctx)
	if err != nil {
		return nil, err
	}
	defer w.Close()
	c := &Cycle{World: w}
	if err := askForDocuments(ctx, w); err != nil {
		return c, err
	}
	compare := comparison(inOutline)
	if d.triages != nil {
		compare = inFull
	}
	if c.Plan, err = compare(ctx, w); err != nil {
		return nil, err
	}
	return c, c.remember(ctx, ph, d, docs.Options{})
}

// Withheld is the apply that may not, or need not, do anything.
func Withheld(p *reconcile.Plan, opts reconcile.Options) *Apply {
	run := &Apply{Plan: p}
	for i := range p.Changes {
		_, withheld := opts.Select(&p.Changes[i])
		run.Results = append(run.Results, reconcile.Result{Change: &p.Changes[i], Status: reconcile.StatusSkipped, Withheld: withheld})
	}
	return run
}

// Guard holds the run-wide guards against a plan before it is applied.
func Guard(w *home.World, p *reconcile.Plan, opts reconcile.Options, bulk bool) error {
	if err := reconcile.CheckEmpty(p, w.Memory.Managed); err != nil {
		return home.Refuse("", "%w", err)
	}
	limits := reconcile.Limits{Changes: w.Project.Settings.MaxChanges, Percent: w.Project.Settings.MaxChangePercent}
	if err := reconcile.CheckBulk(p, limits, opts); err != nil && !bulk {
		return home.Refuse("", "%w", err)
	}
	return nil
}

// LoadPlan holds a saved plan against a fresh one, and returns of the fresh one what
// was saved. No byte of the file is in it.
func LoadPlan(saved *reconcile.SavedPlan, now reconcile.Origin, fresh *reconcile.Plan) (*reconcile.Plan, error) {
	p, err := saved.Hold(fresh)
	if !errors.Is(err, reconcile.ErrStale) {
		return p, err
	}
	hint := "make a new plan with recon plan --out FILE"
	if moved := saved.Moved(now); len(moved) > 0 {
		hint += "; changed since this one: " + strings.Join(moved, ", ")
	}
	return nil, home.Refuse(hint, "%w", err)
}
