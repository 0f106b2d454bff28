package home

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"

	"recon/inventory"
	"recon/inventory/graph"
	"recon/providers"
	"recon/providers/docker"
	"recon/providers/proxmox"
	"recon/reconcile"
)

// Survey asks every source whose name begins so once for what is around what it observes:
// storages, backup jobs, the files of proxies and name servers.
func (w *World) Survey(ctx context.Context, sources string) {
	if w.around != nil {
		return
	}
	w.around = make([]inventory.Surroundings, len(w.Readers))
	var wg sync.WaitGroup
	for i, r := range w.Readers {
		if s, ok := r.(providers.Surveyor); ok && strings.HasPrefix(r.Name(), sources) && w.Snapshots[i].Calls > 0 && len(w.Snapshots[i].Observations)+len(w.Snapshots[i].Nodes) > 0 {
			wg.Go(func() { w.around[i] = s.Survey(ctx) })
		}
	}
	wg.Wait()
}

// Graph says how everything that is known hangs together, as far as it was surveyed.
func (w *World) Graph(ctx context.Context) (*graph.Graph, error) {
	hosts, err := w.hosts(guestFacts(w))
	if err != nil {
		return nil, err
	}
	known, err := w.Known(ctx)
	if err != nil {
		return nil, err
	}
	f := graph.Facts{At: w.At, Hosts: hosts, Declared: w.Project.Graph.Edges, Terraform: w.inTerraform(), Lost: w.gaps()}
	declared := map[string]*inventory.Resource{}
	for i := range w.Project.Resources {
		declared[w.Project.Resources[i].Identity] = &w.Project.Resources[i]
	}
	for i := range known {
		f.Things = append(f.Things, graph.Thing{Observation: known[i].Observation, Stale: known[i].Stale, Declared: declared[known[i].Resource.Identity]})
	}
	for i, r := range w.Readers {
		if _, ok := r.(*proxmox.Provider); ok {
			c := graph.Surveyed{Name: strings.TrimPrefix(r.Name(), "proxmox."), Nodes: w.Snapshots[i].Nodes, Partial: w.Snapshots[i].Partial}
			if w.around != nil {
				c.Around = w.around[i]
			}
			f.Clusters = append(f.Clusters, c)
		}
	}
	return graph.Build(f), nil
}

// Try has hosts try what no table of theirs says, and reports whether any did. What was
// tried is not tried again.
func (w *World) Try(ctx context.Context, tries graph.Tries) bool {
	var wg sync.WaitGroup
	var any atomic.Bool
	for _, r := range w.Readers {
		if p, ok := r.(*docker.Provider); ok && len(tries[p.HostName()]) > 0 {
			wg.Go(func() {
				if p.Try(ctx, tries[p.HostName()]) {
					any.Store(true)
				}
			})
		}
	}
	wg.Wait()
	return any.Load()
}

// faults are what is wrong between names and what answers. Without a look at the files of
// proxies and name servers nothing is known of that.
func (w *World) faults(ctx context.Context) ([]inventory.Finding, error) {
	if w.around == nil || len(w.Project.Hosts) == 0 {
		return nil, nil
	}
	for {
		g, err := w.Graph(ctx)
		if err != nil {
			return nil, err
		}
		found, tries := g.Faults()
		if !w.Try(ctx, tries) {
			return found, nil
		}
	}
}

// harms says of each change that restarts, stops or destroys something what others lose.
// It asks nobody anything: what only the files of a proxy tell, recon graph impact tells.
func (w *World) harms(ctx context.Context, p *reconcile.Plan) error {
	var g *graph.Graph
	for i := range p.Changes {
		c := &p.Changes[i]
		action := actionOf(c)
		if action == "" {
			continue
		}
		if g == nil {
			var err error
			if g, err = w.Graph(ctx); err != nil {
				return err
			}
		}
		impact := g.Impact(c.Addr.String(), action, nil)
		if impact == nil {
			continue
		}
		for _, a := range impact.Affected {
			c.Harms = append(c.Harms, inventory.Harm{Address: a.ID, Effect: string(a.Effect), Why: a.Path[0].Evidence})
		}
	}
	return nil
}

// actionOf is what a change does to others, "" when they go on. Containers go on without
// their daemon where it says so.
func actionOf(c *inventory.Change) graph.Action {
	if len(c.Steps) == 0 || c.Action == inventory.ActionCreate || c.Have.Volatile.Status == "stopped" || inventory.True(c.Have.Running["live_restore"]) {
		return ""
	}
	switch c.Impact {
	case inventory.ImpactRestart:
		return graph.Restart
	case inventory.ImpactOutage:
		return graph.Stop
	case inventory.ImpactDestroy:
		return graph.Delete
	}
	return ""
}

// gaps are what could not be observed or surveyed. What is wrong with one host concerns
// what it is, and a lost cluster everything.
func (w *World) gaps() (out []graph.Gap) {
	for _, u := range w.Unknown() {
		g := graph.Gap{What: u.Scope, Why: u.Err.Error(), Missing: graph.Anything}
		for _, a := range u.Addresses {
			g.About = append(g.About, a.String())
		}
		if u.Scope == u.Provider {
			g.About = nil
		}
		out = append(out, g)
	}
	for i := range w.around {
		for _, p := range w.around[i].Lost {
			g := graph.Gap{What: p.What, Why: p.Why, Missing: graph.Anything}
			if d, ok := w.Readers[i].(*docker.Provider); ok {
				g.About = []string{"host." + d.HostName()}
			}
			out = append(out, g)
		}
	}
	return out
}

// inTerraform are the addresses that resources have in Terraform's state, by identity.
func (w *World) inTerraform() map[string]string {
	out := map[string]string{}
	for _, id := range w.Claims.Identities() {
		out[id] = w.Claims.Of(id).Address
	}
	return out
}
