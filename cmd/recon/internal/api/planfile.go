package api

import (
	"fmt"
	"os"

	"recon/cmd/recon/internal/home"
	"recon/inventory"
	"recon/inventory/localfile"
	"recon/reconcile"

	"github.com/google/renameio/v2"
)

// savePlan writes a plan for its owner's eyes only.
func savePlan(w *home.World, p *reconcile.Plan, file string) error {
	body, err := p.Save(w.Origin())
	if err != nil {
		return err
	}
	if w.Home().Secrets.Holds(string(body)) {
		return home.Refuse("look for it in the names and descriptions that recon plan shows as (secret)", "the plan is not saved: it would hold a secret in a field that is none")
	}
	if err := renameio.WriteFile(file, body, os.FileMode(0o600)); err != nil {
		return fmt.Errorf("save the plan: %w", err)
	}
	return nil
}

func readPlan(file string) (*reconcile.SavedPlan, error) {
	data, err := localfile.Read(file, localfile.Large)
	if err != nil {
		return nil, fmt.Errorf("read the saved plan: %w", err)
	}
	return reconcile.ReadPlan(data)
}

// A ShownPlan is what a plan file says: a claim, which apply holds against what it
// plans itself.
type ShownPlan struct {
	Plan *reconcile.Plan
	reconcile.Origin
}

// ShowPlan reads a plan file to be shown. It needs no project and looks at nothing.
func ShowPlan(file string) (*ShownPlan, error) {
	saved, err := readPlan(file)
	if err != nil {
		return nil, err
	}
	p, err := saved.Claim()
	return &ShownPlan{p, saved.Origin}, err
}

// JSON is the answer of recon show PLANFILE: the changes as recon plan spells them.
func (s *ShownPlan) JSON() any {
	out := struct {
		FormatVersion string `json:"format_version"`
		CreatedAt     string `json:"created_at"`
		reconcile.Origin
		Changes []reconcile.ChangeJSON `json:"changes"`
	}{FormatVersion, inventory.Timestamp(s.Plan.ObservedAt), s.Origin, []reconcile.ChangeJSON{}}
	for i := range s.Plan.Changes {
		out.Changes = append(out.Changes, reconcile.NewChangeJSON(&s.Plan.Changes[i]))
	}
	return out
}
