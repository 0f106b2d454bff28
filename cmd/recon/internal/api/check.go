package api

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"recon/cmd/recon/internal/docs"
	"recon/inventory"
	"recon/manifests"
	"recon/providers"
	"recon/reconcile"
)

// A Check is what works and what does not, source by source.
type Check struct {
	FormatVersion string          `json:"format_version"`
	Complete      bool            `json:"complete"` // everything that is declared can be observed in full
	Sources       []CheckedSource `json:"sources"`

	// Checks are how the declared checks stand, asked now.
	Checks []reconcile.CheckJSON `json:"checks"`

	outcomes []inventory.Outcome
}

// A CheckedSource is a source and its abilities.
type CheckedSource struct {
	Source    string              `json:"source"`
	Abilities []inventory.Ability `json:"abilities"`
}

// gitSource is what recon check calls the repository.
const gitSource = "git"

// CheckSources reaches the sources and asks the declared checks, or the one of that name,
// and says what works.
func CheckSources(ctx context.Context, h *Home, name string) (*Check, error) {
	out := &Check{FormatVersion: FormatVersion, Complete: true, Sources: []CheckedSource{}, Checks: []reconcile.CheckJSON{}}
	out.ask(ctx, h, name)
	if !strings.HasPrefix(name, inventory.KindCheck+".") {
		if err := out.sources(ctx, h, name); err != nil {
			return nil, err
		}
	}
	if len(out.Sources)+len(out.Checks) == 0 {
		return nil, &Failure{Code: ExitUsage, Err: fmt.Errorf("there is no source %q", name), Hint: "sources: " + strings.Join(SourceNames(h), ", ")}
	}
	return out, ctx.Err()
}

// ask asks the checks that are meant.
func (c *Check) ask(ctx context.Context, h *Home, name string) {
	var checks []manifests.Check
	for _, k := range h.Project().Checks {
		if meant(name, k.Addr.String()) {
			checks = append(checks, k)
		}
	}
	c.outcomes = h.AskChecks(ctx, checks)
	for i := range c.outcomes {
		c.Checks = append(c.Checks, reconcile.NewCheckJSON(&c.outcomes[i]))
	}
}

// Asked are the checks as sources are shown: layer by layer.
func (c *Check) Asked() (out []CheckedSource) {
	for i := range c.outcomes {
		o := &c.outcomes[i]
		out = append(out, CheckedSource{o.Check.String(), o.Abilities()})
	}
	return out
}

// sources reaches the sources that are meant.
func (c *Check) sources(ctx context.Context, h *Home, name string) error {
	readers, err := h.Readers(ctx)
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	found := make([]*CheckedSource, len(readers))
	for i, r := range readers {
		checker, ok := r.(providers.Checker)
		if !ok || !meant(name, r.Name()) {
			continue
		}
		found[i] = &CheckedSource{Source: r.Name()}
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, h.Project().Patience(r.Name()))
			defer cancel()
			found[i].Abilities = checker.Check(ctx, slices.DeleteFunc(slices.Clone(h.Project().Resources), func(res inventory.Resource) bool { return res.Provider != r.Name() }))
		})
	}
	wg.Wait()
	for i, r := range readers {
		if c, ok := r.(interface{ Close() }); ok {
			c.Close()
		}
		if found[i] != nil {
			c.add(*found[i])
		}
	}
	if len(readers) == 0 && name == "" {
		c.add(CheckedSource{Source: "sources", Abilities: []inventory.Ability{{
			Name: "declared", State: inventory.Lacks, Said: "no manifest names a cluster, a host or a state of Terraform", Costs: "nothing is observed",
			Mend: []string{"write the address of a node into the proxmox block of recon.hcl; recon init, in a folder without one, asks for it on a terminal"},
		}}})
	}
	if src := h.Project().Source; src != nil && meant(name, src.Provider()) {
		c.add(CheckedSource{Source: src.Provider(), Abilities: NewPuller(h).Check(ctx, src)})
	}
	if meant(name, gitSource) {
		c.add(CheckedSource{Source: gitSource, Abilities: docs.CheckGit(h)})
	}
	return nil
}

// meant reports whether a source is asked for: by its name, by its label, or by being
// one of all. host.x and docker.x are one.
func meant(asked, name string) bool {
	_, label, _ := strings.Cut(name, ".")
	return asked == "" || asked == name || asked == label || "docker."+strings.TrimPrefix(asked, "host.") == name
}

func (c *Check) add(s CheckedSource) {
	for i := range s.Abilities {
		if s.Abilities[i].Mend == nil {
			s.Abilities[i].Mend = []string{}
		}
		c.Complete = c.Complete && s.Abilities[i].State != inventory.Fails
	}
	c.Sources = append(c.Sources, s)
}

// Code is the exit code of recon check: a check that fails is something that differs from
// what is declared, and one that could not be asked is not known.
func (c *Check) Code() int {
	codes := []int{ExitOK}
	if !c.Complete {
		codes = append(codes, ExitIncomplete)
	}
	for i := range c.outcomes {
		switch c.outcomes[i].Standing {
		case inventory.CheckFails:
			codes = append(codes, ExitDiffers)
		case inventory.CheckUnknown:
			codes = append(codes, ExitIncomplete)
		}
	}
	return Worst(codes...)
}
