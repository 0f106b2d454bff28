// Package runs is what writes: the cycle that recon drift, recon context and the
// daemon run, apply, import and adopt. A write phase holds the project's lock and is
// noted as a run; ledger first, documents last, since a document is rendered from
// what was observed and remembered.
package runs

import (
	"context"
	"fmt"
	"time"

	"recon/cmd/recon/internal/docs"
	"recon/cmd/recon/internal/home"
	"recon/inventory"
	"recon/reconcile"
)

// A Cycle is one pass that writes: observe, compare, remember, bring the documents
// up to date. recon drift, recon context and the daemon run it.
type Cycle struct {
	World       *home.World
	Plan        *reconcile.Plan
	Events      []inventory.Event // what is news
	Interrupted []string          // what became of a killed run's steps
	Docs        docs.Update
	Results     []reconcile.Result // what it has healed
	Again       time.Time          // when a run that heals is due by what this one has seen; zero: when its schedule says
}

// Code is the exit code of a cycle as recon drift has it.
func (c *Cycle) Code() int {
	codes := []int{home.ExitOK}
	if !c.Plan.InSync() {
		codes = append(codes, home.ExitDiffers)
	}
	return home.Worst(append(codes, c.DocsCode())...)
}

// DocsCode is the exit code of a cycle as far as documents and sources go.
func (c *Cycle) DocsCode() int {
	codes := []int{home.ExitOK}
	if c.World.Incomplete() {
		codes = append(codes, home.ExitIncomplete)
	}
	if edited, _ := docs.LeftAlone(c.Docs.Docs); len(edited) > 0 {
		codes = append(codes, home.ExitRefused)
	}
	if c.Docs.Err != nil {
		codes = append(codes, home.WorstOf(c.Docs.Err))
	}
	return home.Worst(codes...)
}

// Run runs one cycle. The lock is held for its write phase only; when another run
// has written since this one looked, it looks again under the lock, since what it
// saw may be what that run has changed.
func Run(ctx context.Context, h *home.Home, kind string, opts docs.Options) (*Cycle, error) {
	return cycle(ctx, h, kind, inOutline, func(c *Cycle, ph *phase) error { return c.remember(ctx, ph, deed{}, opts) })
}

// cycle observes and compares, and does what is to be done with that under the lock.
func cycle(ctx context.Context, h *home.Home, kind string, compare comparison, do func(*Cycle, *phase) error) (*Cycle, error) {
	c, err := observed(ctx, h, compare)
	if err != nil {
		return nil, err
	}
	defer func() { c.World.Close() }()
	err = writing(ctx, h, kind, func(ph *phase) (int, error) {
		if !c.World.Fresh(ph.before) {
			again, err := observed(ctx, h, compare)
			if err != nil {
				return home.ExitError, err
			}
			c.World.Close()
			c = again
		}
		if c.Interrupted, err = settle(ctx, ph, c.World); err != nil {
			return home.ExitError, err
		}
		if err := do(c, ph); err != nil {
			return home.ExitError, err
		}
		return c.Code(), nil
	})
	return c, err
}

// A comparison makes a plan of what was observed: in full, or an outline.
type comparison func(context.Context, *home.World) (*reconcile.Plan, error)

// inOutline is the comparison of a run that only looks, inFull that of one that acts.
func inOutline(ctx context.Context, w *home.World) (*reconcile.Plan, error) { return w.Compare(ctx) }

func inFull(ctx context.Context, w *home.World) (*reconcile.Plan, error) { return w.Plan(ctx, nil) }

// observed is the part of a cycle that writes nothing.
func observed(ctx context.Context, h *home.Home, compare comparison) (*Cycle, error) {
	w, err := h.Observe(ctx)
	if err != nil {
		return nil, err
	}
	c := &Cycle{World: w}
	if err = askForDocuments(ctx, w); err == nil {
		c.Plan, err = compare(ctx, w)
	}
	if err == nil {
		if err = reconcile.CheckEmpty(c.Plan, w.Memory.Managed); err != nil {
			err = home.Refuse("nothing was written", "%w", err)
		}
	}
	if err != nil {
		w.Close()
		return nil, err
	}
	return c, nil
}

// askForDocuments asks guests for addresses and snapshots in a run that writes documents.
func askForDocuments(ctx context.Context, w *home.World) error {
	if w.Project.Context == nil {
		return nil
	}
	if err := w.AskKept(ctx, false); err != nil {
		w.Home().Log.Warn("not every guest said which snapshots it has", "error", err)
	}
	return w.AskAddresses(ctx)
}

// remember writes down what was seen, and then the documents.
func (c *Cycle) remember(ctx context.Context, ph *phase, d deed, opts docs.Options) (err error) {
	if c.Events, err = record(ctx, ph, c.World, c.Plan, d); err != nil {
		return err
	}
	c.Docs = docs.Write(ctx, ph.ledger, c.World, c.Plan, opts)
	return nil
}

// Describe says a plan in one line.
func Describe(p *reconcile.Plan) string {
	s := p.Summary()
	text := fmt.Sprintf("%d managed, %d in sync", s.Managed, s.InSync)
	for _, n := range []struct {
		count int
		what  string
	}{
		{s.Drift, "drifted"},
		{s.PendingChange, "to change"},
		{s.Conflict, "in conflict"},
		{s.Missing, "missing"},
		{s.PendingReboot, "waiting for a restart"},
		{s.TerraformStale, "stale in Terraform"},
		{s.Unknown, "unknown"},
		{s.Unmanaged, "unmanaged"},
	} {
		if n.count > 0 {
			text += fmt.Sprintf(", %d %s", n.count, n.what)
		}
	}
	return text
}
