package proxmox

import (
	"context"
	"errors"

	"recon/inventory"
)

// Look observes one guest with two requests: its configuration and its power
// state, which the list tells too late.
func (p *Provider) Look(ctx context.Context, want inventory.Resource) inventory.Observation {
	v := p.view()
	vmid := inventory.VMID(want.Identity)
	g, known := p.row(vmid)
	if !known {
		// One small answer proves most of what is looked for here gone, and spares the list.
		if o := p.absence(ctx, want, vmid, v); o.State == inventory.Absent {
			return o
		}
		g, known = p.relocate(ctx, vmid)
	}
	if !known {
		return p.unlisted(ctx, want, vmid, v)
	}
	c, err := p.config(ctx, g)
	if guestMissing(err) {
		if g, known = p.relocate(ctx, vmid); !known {
			p.forget(vmid)
			return p.unlisted(ctx, want, vmid, v)
		}
		c, err = p.config(ctx, g)
	}
	if err == nil {
		g.status, err = p.status(ctx, g)
	}
	if err == nil {
		g.pool, err = p.poolOf(ctx, want, g)
	}
	if err != nil {
		o := inventory.Observation{Resource: want, At: p.now(), Err: err, Volatile: inventory.Volatile{Node: g.node, Status: g.status}}
		return o
	}
	p.note(g)
	o := p.observation(g, c, v)
	if o.Resource.Addr.Kind == want.Addr.Kind {
		o.Resource.Addr = want.Addr
	}
	return o
}

// unlisted is a guest that no list shows: absent, unknown, or hidden from the token.
func (p *Provider) unlisted(ctx context.Context, want inventory.Resource, vmid int, v view) inventory.Observation {
	o := p.absence(ctx, want, vmid, v)
	if errors.Is(o.Err, errTaken) {
		o.Err = p.lacks("/vms/" + itoa(vmid))
	}
	return o
}

// poolOf asks for the guest's pool only when somebody has an opinion on it.
func (p *Provider) poolOf(ctx context.Context, want inventory.Resource, g guestRow) (string, error) {
	if inventory.IsNull(want.Attrs["pool"]) {
		return g.pool, nil
	}
	if now, ok := p.relocate(ctx, g.vmid); ok {
		return now.pool, nil
	}
	return g.pool, nil
}

// row returns what is remembered of where a guest is.
func (p *Provider) row(vmid int) (guestRow, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	g, ok := p.last.guests[vmid]
	return g, ok
}

// note remembers where a guest is, so that the next look finds it.
func (p *Provider) note(g guestRow) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.last.guests == nil {
		p.last.guests = map[int]guestRow{}
	}
	p.last.guests[g.vmid] = g
}

func (p *Provider) forget(vmid int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.last.guests, vmid)
}
