package api

import (
	"context"
	"fmt"

	"recon/manifests"
	"recon/providers/proxmox"
)

// Watch is a cluster that the daemon asks all the time whether something happened.
type Watch = manifests.Watch

// A Pulse tells whether something has happened in a cluster since it was felt last.
type Pulse struct {
	provider *proxmox.Provider
	last     string
}

// NewPulse is the pulse of a cluster. It makes no call.
func NewPulse(ctx context.Context, h *Home, w Watch) (*Pulse, error) {
	c := h.Project().Cluster(w.Cluster)
	if c == nil {
		return nil, fmt.Errorf("watch.%s names proxmox.%s, which is not declared", w.Name, w.Cluster)
	}
	p, err := h.Provider(ctx, c)
	return &Pulse{provider: p}, err
}

// Feel reports whether something has happened since it was called last; nothing has at
// the first time.
func (p *Pulse) Feel(ctx context.Context) (bool, error) {
	now, err := p.provider.Pulse(ctx)
	if err != nil {
		return false, err
	}
	stirred := p.last != "" && now != p.last
	p.last = now
	return stirred, nil
}

// Close ends its connections.
func (p *Pulse) Close() { p.provider.Close() }
