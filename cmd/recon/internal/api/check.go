package api

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"recon/cmd/recon/internal/docs"
	"recon/inventory"
	"recon/providers"
)

// A Check is what works and what does not, source by source.
type Check struct {
	FormatVersion string          `json:"format_version"`
	Complete      bool            `json:"complete"` // everything that is declared can be observed in full
	Sources       []CheckedSource `json:"sources"`
}

// A CheckedSource is a source and its abilities.
type CheckedSource struct {
	Source    string              `json:"source"`
	Abilities []inventory.Ability `json:"abilities"`
}

// gitSource is what recon check calls the repository.
const gitSource = "git"

// CheckSources reaches the sources, or the one of that name, and says what works.
func CheckSources(ctx context.Context, h *Home, name string) (*Check, error) {
	readers, err := h.Readers(ctx)
	if err != nil {
		return nil, err
	}
	out := &Check{FormatVersion: FormatVersion, Complete: true, Sources: []CheckedSource{}}
	var names []string
	var wg sync.WaitGroup
	found := make([]*CheckedSource, len(readers))
	for i, r := range readers {
		names = append(names, r.Name())
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
			out.add(*found[i])
		}
	}
	if len(readers) == 0 && name == "" {
		out.add(CheckedSource{Source: "sources", Abilities: []inventory.Ability{{
			Name: "declared", State: inventory.Lacks, Said: "no manifest names a cluster, a host or a state of Terraform", Costs: "nothing is observed",
			Mend: []string{"write the address of a node into the proxmox block of recon.hcl; recon init, in a folder without one, asks for it on a terminal"},
		}}})
	}
	if meant(name, gitSource) {
		out.add(CheckedSource{Source: gitSource, Abilities: docs.CheckGit(h)})
	}
	if len(out.Sources) == 0 {
		return nil, &Failure{Code: ExitUsage, Err: fmt.Errorf("there is no source %q", name), Hint: "sources: " + strings.Join(append(names, gitSource), ", ")}
	}
	return out, ctx.Err()
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

// Code is the exit code of recon check.
func (c *Check) Code() int {
	if c.Complete {
		return ExitOK
	}
	return ExitIncomplete
}
