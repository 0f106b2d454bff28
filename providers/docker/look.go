package docker

import (
	"context"
	"fmt"
	"strings"

	"github.com/moby/moby/api/types/container"

	"recon/inventory"
)

// Look observes one resource: the daemon with three round trips, a service with
// two more.
func (p *Provider) Look(ctx context.Context, want inventory.Resource) inventory.Observation {
	s, err := p.see(ctx)
	if err != nil {
		return inventory.Observation{Resource: want, At: p.now(), Err: err}
	}
	if want.Addr.Kind == inventory.KindDaemon {
		p.remember(s)
		return addressed(p.settled(s), []inventory.Resource{want})
	}
	_, name, _ := strings.Cut(want.Identity, "/")
	if c := find(s.list, name); c != nil {
		s.list = []container.Summary{*c}
	}
	if err := p.inspectAll(ctx, s, []inventory.Resource{want}); err != nil {
		return inventory.Observation{Resource: want, At: p.now(), Err: err}
	}
	for _, o := range p.services(s, []inventory.Resource{want}) {
		if o.Resource.Identity == want.Identity {
			return o
		}
	}
	return inventory.Observation{Resource: want, At: p.now(), Err: fmt.Errorf("the host said nothing about it")}
}
