package app

import (
	"context"
	"errors"
	"fmt"

	"recon/inventory"
	"recon/reconcile"
	"recon/reconcile/ledger"
)

// A Cycle is one pass that writes: observe, compare, remember, bring the documents
// up to date. recon drift, recon context and the daemon run it.
type Cycle struct {
	World       *World
	Plan        *reconcile.Plan
	Events      []inventory.Event // what is news
	Interrupted []string          // what became of a killed run's steps
	Docs        []Document
	Unsafe      []inventory.Finding // names that documents do not show
	Written     []string            // documents that changed
	DocsErr     error               // documents that could not be written
}

// Code is the exit code of a cycle as recon drift has it.
func (c *Cycle) Code() int {
	codes := []int{ExitOK}
	if !c.Plan.InSync() {
		codes = append(codes, ExitDiffers)
	}
	return Worst(append(codes, c.DocsCode())...)
}

// DocsCode is the exit code of a cycle as far as documents and sources go.
func (c *Cycle) DocsCode() int {
	codes := []int{ExitOK}
	if c.World.Incomplete() {
		codes = append(codes, ExitIncomplete)
	}
	if edited, _ := LeftAlone(c.Docs); len(edited) > 0 {
		codes = append(codes, ExitRefused)
	}
	if c.DocsErr != nil {
		codes = append(codes, documentsCode(c.DocsErr))
	}
	return Worst(codes...)
}

// documentsCode is 4 when documents were refused and nothing worse happened.
func documentsCode(err error) int {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return Code(err)
	}
	codes := []int{}
	for _, e := range joined.Unwrap() {
		codes = append(codes, documentsCode(e))
	}
	return Worst(codes...)
}

// CycleOptions say what a cycle does with documents.
type CycleOptions struct {
	Insert bool // add missing markers
	How    Resolution
}

// RunCycle runs one cycle. The lock is held for its write phase only; when another
// run has written since this one looked, it looks again under the lock, since what
// it saw may be what that run has changed.
func (s *Session) RunCycle(ctx context.Context, kind string, opts CycleOptions) (*Cycle, error) {
	c, err := s.observed(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { c.World.Close() }()
	err = s.writing(kind, c.Plan.Declared, func(l *ledger.Ledger, lastRun int64) (int, string, error) {
		if lastRun != c.World.Memory.LastRun {
			c.World.Close()
			if c, err = s.observed(ctx); err != nil {
				return ExitError, "", err
			}
		}
		if err := s.record(ctx, l, c, nil); err != nil {
			return ExitError, "", err
		}
		s.UpdateDocuments(l, c, opts.Insert, opts.How)
		return c.Code(), describe(c.Plan), nil
	})
	return c, err
}

// observed is the part of a cycle that writes nothing.
func (s *Session) observed(ctx context.Context) (*Cycle, error) {
	w, err := s.Observe(ctx)
	if err != nil {
		return nil, err
	}
	c := &Cycle{World: w}
	if c.Plan, err = s.Plan(ctx, w, nil); err == nil {
		if err = reconcile.CheckEmpty(c.Plan, w.Memory.Managed); err != nil {
			err = Refuse("nothing was written", "%w", err)
		}
	}
	if err != nil {
		w.Close()
		return nil, err
	}
	return c, nil
}

// record settles a killed run's steps and writes down what was seen.
func (s *Session) record(ctx context.Context, l *ledger.Ledger, c *Cycle, results []reconcile.Result) (err error) {
	if c.Interrupted, err = s.Interrupted(ctx, l, c.World); err != nil {
		return err
	}
	c.Events, err = s.Record(ctx, l, c.World, c.Plan, results)
	return err
}

// writing holds the lock around a write phase and notes it as a run.
// The function is told which run was the last before it.
func (s *Session) writing(kind string, managed int, do func(l *ledger.Ledger, lastRun int64) (exit int, summary string, err error)) error {
	release, err := s.Lock()
	if err != nil {
		return err
	}
	defer release()
	l, err := s.OpenLedger()
	if err != nil {
		return err
	}
	defer l.Close()
	lastRun, err := l.LatestID()
	if err != nil {
		return fmt.Errorf("read the ledger: %w", err)
	}
	id, err := l.BeginRun(kind, s.Now())
	if err != nil {
		return fmt.Errorf("write the ledger: %w", err)
	}
	exit, summary, err := do(l, lastRun)
	if endErr := l.EndRun(id, s.Now(), exit, managed, summary); endErr != nil && err == nil {
		err = fmt.Errorf("write the ledger: %w", endErr)
	}
	return err
}

// describe says a plan in one line.
func describe(p *reconcile.Plan) string {
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

// Describe says a plan in one line.
func Describe(p *reconcile.Plan) string { return describe(p) }

// An ApplyRun is one apply: what was planned, what became of it, and the cycle
// that looked at the outcome.
type ApplyRun struct {
	Plan    *reconcile.Plan
	Results []reconcile.Result
	After   *Cycle // nil when nothing was done
}

// Code is the exit code of an apply: 5 when a change was attempted and not every
// change ended as planned, 4 when changes were there and none was attempted.
func (a *ApplyRun) Code() int {
	attempted, left := false, false
	for i := range a.Results {
		r := &a.Results[i]
		attempted = attempted || len(r.Done) > 0 || r.Status == reconcile.StatusDone
		wanted := r.Change.Action != inventory.ActionNone || len(r.Change.Steps) > 0 || len(r.Change.Blocked) > 0
		left = left || wanted && (r.Status != reconcile.StatusDone || len(r.Withheld) > 0 || len(r.Change.Blocked) > 0)
	}
	codes := []int{ExitOK}
	switch {
	case attempted && left:
		codes = append(codes, ExitPartial)
	case left:
		codes = append(codes, ExitRefused)
	}
	if !a.Plan.Complete {
		codes = append(codes, ExitIncomplete)
	}
	if a.After != nil {
		codes = append(codes, a.After.DocsCode())
	}
	return Worst(codes...)
}

// RunApply executes a plan under the lock, looks at everything again, and writes
// ledger and documents from that second look.
func (s *Session) RunApply(ctx context.Context, w *World, p *reconcile.Plan, opts reconcile.Options) (*ApplyRun, error) {
	run := &ApplyRun{Plan: p}
	err := s.writing("apply", p.Declared, func(l *ledger.Ledger, _ int64) (int, string, error) {
		opts.Journal, opts.Secret = l, reconcile.SecretOf
		run.Results = reconcile.Apply(ctx, p, s.request(w, nil), opts)
		after, err := s.lookAgain(context.WithoutCancel(ctx), l, run.Results)
		run.After = after
		if err != nil {
			return ExitError, "", err
		}
		return run.Code(), describe(p), nil
	})
	return run, err
}

// lookAgain is the cycle after an apply: documents are rendered from the re-read,
// never from the wish.
func (s *Session) lookAgain(ctx context.Context, l *ledger.Ledger, results []reconcile.Result) (*Cycle, error) {
	w, err := s.Observe(ctx)
	if err != nil {
		return nil, err
	}
	defer w.Close()
	c := &Cycle{World: w}
	if c.Plan, err = s.Plan(ctx, w, nil); err != nil {
		return nil, err
	}
	if err := s.record(ctx, l, c, results); err != nil {
		return c, err
	}
	s.UpdateDocuments(l, c, false, RefuseEdited)
	return c, nil
}

// Nothing reports whether an apply under the options would do nothing at all.
func Nothing(p *reconcile.Plan, opts reconcile.Options) bool {
	for i := range p.Changes {
		if run, _ := opts.Select(&p.Changes[i]); len(run) > 0 {
			return false
		}
	}
	return true
}

// Guard holds the run-wide guards against a plan before it is applied.
func (s *Session) Guard(w *World, p *reconcile.Plan, opts reconcile.Options, bulk bool) error {
	if err := reconcile.CheckEmpty(p, w.Memory.Managed); err != nil {
		return Refuse("", "%w", err)
	}
	limits := reconcile.Limits{Changes: s.Project.Settings.MaxChanges, Percent: s.Project.Settings.MaxChangePercent}
	if err := reconcile.CheckBulk(p, limits, opts); err != nil && !bulk {
		return Refuse("", "%w", err)
	}
	return nil
}

// LoadPlan reads a saved plan and binds it to what is observed now.
func (s *Session) LoadPlan(data []byte, w *World, fresh *reconcile.Plan) (*reconcile.Plan, error) {
	p, err := reconcile.Load(data, fresh, s.request(w, nil))
	if errors.Is(err, reconcile.ErrStale) {
		return nil, Refuse("make a new plan with recon plan --out FILE", "%w", err)
	}
	return p, err
}
