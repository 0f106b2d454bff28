package api

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"recon/cmd/recon/internal/home"
	"recon/cmd/recon/internal/runs"
	"recon/inventory"
	"recon/reconcile"
)

// A PlanRequest asks what differs.
type PlanRequest struct {
	Targets []string // only these: addresses, names, vmids or identities; nil for all
	Refresh bool     // look at live state; false compares with what was seen last
	Save    string   // a file for the plan, "" for none
}

// Plan observes, compares, and saves the plan where that is asked for.
func Plan(ctx context.Context, h *Home, r PlanRequest) (*reconcile.Plan, error) {
	targets, err := h.Targets(r.Targets)
	if err != nil {
		return nil, err
	}
	var w *home.World
	if r.Refresh && targets != nil {
		w, err = h.ObserveFor(ctx, targets)
	} else {
		w, err = look(ctx, h, r.Refresh)
	}
	if err != nil {
		return nil, err
	}
	defer w.Close()
	p, err := w.Plan(ctx, targets)
	if err != nil || r.Save == "" {
		return p, err
	}
	return p, savePlan(w, p, r.Save)
}

// FailOnWords are the conditions that --fail-on takes.
func FailOnWords() []string {
	return []string{"drift", "pending_change", "conflict", "differs", "missing", "pending_reboot", "terraform_stale", "unmanaged", "unknown", "finding", "any"}
}

// holds reports whether a condition of FailOnWords holds for a plan.
func holds(p *reconcile.Plan, word string) bool {
	s := p.Summary()
	n := map[string]int{
		"drift": s.Drift, "pending_change": s.PendingChange, "conflict": s.Conflict, "differs": s.Differs, "missing": s.Missing,
		"pending_reboot": s.PendingReboot, "terraform_stale": s.TerraformStale, "unmanaged": s.Unmanaged, "unknown": s.Unknown,
	}
	for _, f := range p.Findings {
		if f.Severity != "info" {
			n["finding"]++
		}
	}
	if word != "any" {
		return n[word] > 0
	}
	for _, count := range n {
		if count > 0 {
			return true
		}
	}
	return false
}

// Differs reports whether a plan makes a command end with 2: when anything differs, or
// when one of the conditions holds that were asked for.
func Differs(p *reconcile.Plan, failOn []string) bool {
	if failOn == nil {
		return !p.InSync()
	}
	return slices.ContainsFunc(failOn, func(word string) bool { return holds(p, word) })
}

// PlanCode is the exit code of what a plan shows. failOn says which conditions make it
// 2; nil means that whatever differs does.
func PlanCode(p *reconcile.Plan, failOn []string) int {
	codes := []int{ExitOK}
	if Differs(p, failOn) {
		codes = append(codes, ExitDiffers)
	}
	if !p.Complete {
		codes = append(codes, ExitIncomplete)
	}
	return Worst(codes...)
}

// Describe says a plan in one line.
func Describe(p *reconcile.Plan) string { return runs.Describe(p) }

// DescribeCycle says a run in one line: how things are, and what it has done by itself.
func DescribeCycle(c *Cycle) string {
	text := Describe(c.Plan)
	healed, failed, proposed := 0, 0, 0
	for i := range c.Events {
		switch c.Events[i].Kind {
		case inventory.Healed:
			healed++
		case inventory.HealFailed:
			failed++
		case inventory.Proposed:
			proposed++
		}
	}
	for _, n := range []struct {
		count int
		what  string
	}{{healed, "healed"}, {failed, "could not be healed"}, {proposed, "newly proposed"}} {
		if n.count > 0 {
			text += fmt.Sprintf("; %d %s", n.count, n.what)
		}
	}
	return text
}

// DescribeApplied says in one line what became of what was approved.
func DescribeApplied(a *Applied) string {
	if a == nil {
		return "nothing that was approved waits"
	}
	var out []string
	for i := range a.Carried {
		out = append(out, fmt.Sprintf("%s: %s", a.Carried[i].Address(), a.Carried[i].Outcome))
	}
	return strings.Join(out, ", ")
}

// An ApplyRequest asks to make live agree with the manifests. The view shows and
// asks; what Confirm refuses is not done.
type ApplyRequest struct {
	Targets   []string
	PlanFile  string // a saved plan, "" for a fresh one
	Options   reconcile.Options
	AllowBulk bool
	Snapshot  bool // before what cannot be taken back
	Overwrite bool // conflicts too, without asking about each
	Show      func(*reconcile.Plan)
	Confirm   func(calls, resources int) error

	// ConfirmConflict asks about one change that would overwrite what somebody else
	// did; nil when nobody can be asked.
	ConfirmConflict func(*inventory.Change) bool
}

// Applied is what became of an apply.
type Applied = runs.Apply

// Apply plans, shows, asks, applies, and reads back. The answer is nil when nothing
// was begun.
func Apply(ctx context.Context, h *Home, r ApplyRequest) (*Applied, error) {
	w, err := h.Observe(ctx)
	if err != nil {
		return nil, err
	}
	defer w.Close()
	w.Keep = r.Snapshot
	p, err := planToApply(ctx, w, r)
	if err != nil {
		return nil, err
	}
	r.Show(p)
	r.settleConflicts(p)
	if err := runs.Guard(w, p, r.Options, r.AllowBulk); err != nil {
		return nil, err
	}
	calls, resources := r.Options.Count(p)
	if calls == 0 {
		return runs.Withheld(p, r.Options), nil
	}
	if err := r.Confirm(calls, resources); err != nil {
		return nil, err
	}
	return runs.RunApply(ctx, w, p, r.Options)
}

// settleConflicts takes out what would overwrite somebody else's change and was not
// answered by itself.
func (r *ApplyRequest) settleConflicts(p *reconcile.Plan) {
	for i := range p.Changes {
		c := &p.Changes[i]
		if c.Verdict != inventory.VerdictConflict || len(c.Steps) == 0 || r.Overwrite || r.ConfirmConflict != nil && r.ConfirmConflict(c) {
			continue
		}
		c.Steps = nil
		c.Block("conflict", "manifest and live have both moved; --overwrite makes the manifest win, recon adopt %s live", c.Addr)
	}
}

// planToApply plans anew, or binds a saved plan to what is there now.
func planToApply(ctx context.Context, w *home.World, r ApplyRequest) (*reconcile.Plan, error) {
	if r.PlanFile == "" {
		targets, err := w.Home().Targets(r.Targets)
		if err != nil {
			return nil, err
		}
		return w.Plan(ctx, targets)
	}
	saved, err := readPlan(r.PlanFile)
	if err != nil {
		return nil, err
	}
	fresh, err := w.Plan(ctx, nil)
	if err != nil {
		return nil, err
	}
	return runs.LoadPlan(saved, w.Origin(), fresh)
}

// AppliedJSON is the answer of recon apply.
func AppliedJSON(a *Applied) any {
	words := map[int]string{ExitError: "error", ExitPartial: "partial", ExitRefused: "refused", ExitIncomplete: "incomplete", ExitDiffers: "differs"}
	var conditions []string
	for _, code := range a.Codes() {
		if word := words[code]; word != "" {
			conditions = append(conditions, word)
		}
	}
	return a.Plan.WithResults(a.Results, conditions)
}
