package terraform

import (
	"context"
	"fmt"

	"recon/inventory"
)

// Check looks for the program where it is needed, and reads the state.
func (p *Provider) Check(ctx context.Context, _ []inventory.Resource) []inventory.Ability {
	const costs = "what Terraform says of guests is not known: no terraform_stale, nobody is named as their owner"
	var out []inventory.Ability
	if p.cfg.Directory != "" {
		bin, err := p.binary()
		if err != nil {
			return append(out, inventory.Ability{Name: "program", State: inventory.Fails, Said: err.Error(), Costs: costs})
		}
		out = append(out, inventory.Working("program", bin))
	}
	if _, err := p.Read(ctx, nil); err != nil {
		a := inventory.Ability{Name: "state", State: inventory.Fails, Said: err.Error(), Costs: costs}
		if p.cfg.Directory != "" {
			a.Mend = []string{"terraform -chdir=" + p.cfg.Directory + " init"}
		}
		return append(out, a)
	}
	return append(out, inventory.Working("state", fmt.Sprintf("%s, %d guest(s)", p.where(), len(p.Guests()))))
}
