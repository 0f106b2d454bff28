package api

import (
	"context"
	"fmt"
	"os"

	"recon/cmd/recon/internal/home"
	"recon/cmd/recon/internal/runs"
	"recon/inventory"
	"recon/reconcile"

	"github.com/google/renameio/v2"
)

// A PlanRequest asks what differs.
type PlanRequest struct {
	Targets []inventory.Address // only these; nil for all
	Refresh bool                // look at live state; false compares with what was seen last
	Save    string              // a file for the plan, "" for none
}

// Plan observes, compares, and saves the plan where that is asked for.
func Plan(ctx context.Context, h *Home, r PlanRequest) (*reconcile.Plan, error) {
	w, err := look(ctx, h, r.Refresh)
	if err != nil {
		return nil, err
	}
	defer w.Close()
	p, err := w.Plan(ctx, r.Targets)
	if err != nil || r.Save == "" {
		return p, err
	}
	return p, savePlan(p, r.Save)
}

// PlanCode is the exit code of what a plan shows.
func PlanCode(p *reconcile.Plan) int {
	codes := []int{ExitOK}
	if !p.InSync() {
		codes = append(codes, ExitDiffers)
	}
	if !p.Complete {
		codes = append(codes, ExitIncomplete)
	}
	return Worst(codes...)
}

// Describe says a plan in one line.
func Describe(p *reconcile.Plan) string { return runs.Describe(p) }

// savePlan writes a plan for its owner's eyes only.
func savePlan(p *reconcile.Plan, file string) error {
	body, err := p.Save()
	if err != nil {
		return err
	}
	if err := renameio.WriteFile(file, body, os.FileMode(0o600)); err != nil {
		return fmt.Errorf("save the plan: %w", err)
	}
	return nil
}

// An ApplyRequest asks to make live agree with the manifests. The view shows and
// asks; what Confirm refuses is not done.
type ApplyRequest struct {
	Targets   []inventory.Address
	PlanFile  string // a saved plan, "" for a fresh one
	Options   reconcile.Options
	AllowBulk bool
	Show      func(*reconcile.Plan)
	Confirm   func(calls, resources int) error
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
	p, err := planToApply(ctx, w, r)
	if err != nil {
		return nil, err
	}
	r.Show(p)
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

// planToApply plans anew, or binds a saved plan to what is there now.
func planToApply(ctx context.Context, w *home.World, r ApplyRequest) (*reconcile.Plan, error) {
	if r.PlanFile == "" {
		return w.Plan(ctx, r.Targets)
	}
	data, err := os.ReadFile(r.PlanFile)
	if err != nil {
		return nil, fmt.Errorf("read the saved plan: %w", err)
	}
	fresh, err := w.Plan(ctx, nil)
	if err != nil {
		return nil, err
	}
	return runs.LoadPlan(data, w, fresh)
}

// AppliedJSON is the answer of recon apply.
func AppliedJSON(a *Applied) any { return a.Plan.WithResults(a.Results) }
