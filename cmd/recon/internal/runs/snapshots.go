package runs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"recon/cmd/recon/internal/home"
	"recon/inventory"
	"recon/providers"
	"recon/reconcile"
)

// A Snapshot is one that recon has taken and that is still there.
type Snapshot struct {
	inventory.Kept
	Of  inventory.Observation
	Err error // why it could not be removed
}

// Snapshots returns what was found by asking, oldest first.
func Snapshots(w *home.World) (out []Snapshot) {
	for _, o := range w.Observations() {
		for _, k := range o.Volatile.Kept {
			out = append(out, Snapshot{Kept: k, Of: o})
		}
	}
	slices.SortStableFunc(out, func(a, b Snapshot) int { return a.At.Compare(b.At) })
	return out
}

// OlderThan leaves out those that were taken later.
func OlderThan(all []Snapshot, limit time.Time) []Snapshot {
	return slices.DeleteFunc(slices.Clone(all), func(s Snapshot) bool { return s.At.After(limit) })
}

// Prune removes snapshots, each noted in the journal, and looks at everything again. What
// could not be removed says why.
func Prune(ctx context.Context, w *home.World, list []Snapshot) (done []Snapshot, after *Cycle, err error) {
	err = writing(ctx, w.Home(), "snapshots prune", func(ph *phase) (int, error) {
		exit := home.ExitOK
		for _, s := range list {
			if s.Err = discard(ctx, ph, w, &s); s.Err != nil {
				exit = home.ExitPartial
			}
			done = append(done, s)
		}
		after, err = lookAgain(context.WithoutCancel(ctx), w.Home(), ph, deed{})
		return exit, err
	})
	return done, after, err
}

// discard removes one snapshot, and reports it as removed when it is gone.
func discard(ctx context.Context, j reconcile.Journal, w *home.World, s *Snapshot) error {
	var k providers.Keeper
	for _, r := range w.Readers {
		if r.Name() == s.Of.Resource.Provider {
			k, _ = r.(providers.Keeper)
		}
	}
	if k == nil {
		return fmt.Errorf("%s cannot be changed", s.Of.Resource.Provider)
	}
	step := k.Discard(s.Of, s.Kept)
	id, err := j.Begin(ctx, s.Of.Resource.Addr, s.Of.Resource.Identity, step)
	if err != nil {
		return fmt.Errorf("%s: not started, because the journal cannot be written: %w", step.Summary, err)
	}
	ctx = context.WithoutCancel(ctx)
	_, doErr := k.Do(ctx, step, nil)
	left := []inventory.Observation{s.Of}
	switch _, err := k.Kept(ctx, left, true); {
	case err != nil:
		err = errors.Join(doErr, err)
		return errors.Join(err, j.End(ctx, id, err.Error()))
	case slices.ContainsFunc(left[0].Volatile.Kept, func(o inventory.Kept) bool { return o.Name == s.Name }) && doErr == nil:
		doErr = errors.New("accepted, and it is still there")
	case !slices.ContainsFunc(left[0].Volatile.Kept, func(o inventory.Kept) bool { return o.Name == s.Name }):
		doErr = nil
	}
	outcome := "removed"
	if doErr != nil {
		outcome = doErr.Error()
	}
	return errors.Join(doErr, j.End(ctx, id, outcome))
}
