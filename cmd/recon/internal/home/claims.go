package home

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"recon/inventory"
	"recon/manifests"
	"recon/providers"
	"recon/providers/proxmox"
	"recon/providers/terraform"
)

// terraforms makes a provider for each terraform block.
func (h *Home) terraforms(project *manifests.Project) []providers.Reader {
	var out []providers.Reader
	for _, t := range project.Terraform {
		out = append(out, terraform.New(terraform.Config{
			Name: t.Name, Cluster: t.Cluster, Root: h.Root, Directory: t.Directory, State: t.State, JSON: t.JSON, Binary: t.Binary, Workspace: t.Workspace,
		}))
	}
	return out
}

// Claims are what Terraform's states say of guests, held against what is live. A nil
// Claims claims nothing.
type Claims struct {
	byIdentity map[string]*terraform.Held
	unread     map[string][]string // sources that could not be read, by cluster
}

// gatherClaims gathers what the sources say after everything was read, adds what is
// worth attention in them to their snapshots, and puts clusters behind owned.
func (w *World) gatherClaims() {
	var sources []*terraform.Provider
	c := &Claims{byIdentity: map[string]*terraform.Held{}, unread: map[string][]string{}}
	for i, r := range w.Readers {
		t, ok := r.(*terraform.Provider)
		switch {
		case !ok:
		case w.Snapshots[i].Complete:
			sources = append(sources, t)
		default:
			c.unread[t.Cluster()] = append(c.unread[t.Cluster()], t.Name())
		}
	}
	if len(sources) == 0 && len(c.unread) == 0 {
		return
	}
	w.Claims = c
	live := map[string]*inventory.Observation{}
	for i := range w.Snapshots {
		maps.Copy(live, w.Snapshots[i].ByIdentity())
	}
	held := terraform.Hold(sources, live, namedInTerraform(w.Project))
	for i := range held {
		if h := &held[i]; h.Identity != "" && (c.byIdentity[h.Identity] == nil || h.Named) {
			c.byIdentity[h.Identity] = h
		}
	}
	findings := terraform.Findings(held, w.sawAll)
	for i, r := range w.Readers {
		w.Snapshots[i].Findings = append(w.Snapshots[i].Findings, findings[r.Name()]...)
		if p, ok := r.(*proxmox.Provider); ok {
			w.Readers[i] = &owned{Provider: p, claims: c}
		}
	}
}

// namedInTerraform finds the guests whose manifests name their resource with
// terraform_address.
func namedInTerraform(project *manifests.Project) func(cluster, address string) string {
	named := map[string]string{}
	for i := range project.Resources {
		if r := &project.Resources[i]; r.Policy.Terraform != "" {
			cluster := inventory.ClusterOf(r.Identity)
			named[cluster+" "+r.Policy.Terraform] = r.Identity
		}
	}
	return func(cluster, address string) string { return named[cluster+" "+address] }
}

// sawAll reports whether a cluster was observed in full.
func (w *World) sawAll(cluster string) bool {
	for i := range w.Snapshots {
		if w.Snapshots[i].Provider == "proxmox."+cluster {
			return w.Snapshots[i].Complete
		}
	}
	return false
}

// Unread names the sources of a cluster that could not be read.
func (c *Claims) Unread(cluster string) []string {
	if c == nil {
		return nil
	}
	return c.unread[cluster]
}

// attrs are what the states say, by identity, for the comparison.
func (c *Claims) attrs() map[string]inventory.Attrs {
	if c == nil {
		return nil
	}
	out := make(map[string]inventory.Attrs, len(c.byIdentity))
	for id, cl := range c.byIdentity {
		out[id] = cl.Said
	}
	return out
}

// Of returns what a state says of a guest, nil when none has it.
func (c *Claims) Of(identity string) *terraform.Held {
	if c == nil {
		return nil
	}
	return c.byIdentity[identity]
}

// Managers says who manages each guest: terraform, recon, or nobody.
func (w *World) Managers() map[string]string {
	out := map[string]string{}
	if w.Claims != nil {
		for id := range w.Claims.byIdentity {
			out[id] = "terraform"
		}
	}
	for i := range w.Project.Resources {
		r := &w.Project.Resources[i]
		if out[r.Identity] == "" || r.Policy.Owner == "recon" {
			out[r.Identity] = "recon"
		}
	}
	return out
}

// owned is a cluster some of whose guests Terraform owns. What Terraform has a say
// in is changed by a run of terraform; the rest, and guests that recon owns, as ever.
type owned struct {
	*proxmox.Provider
	claims *Claims
}

// Steps divides a change between Terraform and the cluster.
func (o *owned) Steps(ctx context.Context, c inventory.Change) ([]inventory.Step, []inventory.Reason, error) {
	cluster := inventory.ClusterOf(c.Want.Identity)
	cl, unread := o.claims.Of(c.Want.Identity), o.claims.unread[cluster]
	restart := c.Action == inventory.ActionNone // a restart is nobody's configuration
	switch {
	case c.Want.Policy.Owner == "recon" || restart || cl == nil && len(unread) == 0:
		return o.Provider.Steps(ctx, c)
	case cl == nil:
		return nil, []inventory.Reason{{Code: "terraform_unknown", Detail: fmt.Sprintf("%s could not be read, so that it is not known whether Terraform owns %s; write owner = \"recon\" if it does not", strings.Join(unread, ", "), c.Addr)}}, nil
	case c.Action != inventory.ActionUpdate:
		steps, blocked := cl.Provider.Steps(ctx, c, cl.Guest)
		return steps, blocked, nil
	}
	theirs, ours := divide(cl, c)
	var steps []inventory.Step
	if len(theirs.Writing()) > 0 {
		var blocked []inventory.Reason
		if steps, blocked = cl.Provider.Steps(ctx, theirs, cl.Guest); len(blocked) > 0 {
			return nil, blocked, nil
		}
	}
	if len(ours.Writing()) == 0 {
		return steps, nil, nil
	}
	rest, blocked, err := o.Provider.Steps(ctx, ours)
	return append(steps, rest...), blocked, err
}

// divide splits a change into the fields in which Terraform has a say and the others.
func divide(cl *terraform.Held, c inventory.Change) (theirs, ours inventory.Change) {
	theirs, ours = c, c
	theirs.Fields, ours.Fields = nil, nil
	for _, f := range c.Fields {
		if cl.Guest.Covers(f.Path, c.Have.Resource.Attrs) {
			theirs.Fields = append(theirs.Fields, f)
		} else {
			ours.Fields = append(ours.Fields, f)
		}
	}
	return theirs, ours
}

// Do runs terraform, or makes the cluster's call.
func (o *owned) Do(ctx context.Context, s inventory.Step, say providers.Reporter) (providers.Result, error) {
	if s.Method != terraform.RunMethod {
		return o.Provider.Do(ctx, s, say)
	}
	for _, id := range slices.Sorted(maps.Keys(o.claims.byIdentity)) {
		if cl := o.claims.byIdentity[id]; cl.Provider.Name() == s.Params["source"] && cl.Guest.Address == s.Params["target"] {
			return cl.Provider.Do(ctx, s, say)
		}
	}
	return providers.Result{}, fmt.Errorf("%w: %s no longer has %s", providers.ErrChangedMeanwhile, s.Params["source"], s.Params["target"])
}

// FromTerraform is the world as recon import --from-terraform writes it down: guests
// that a state knows are what the state says, also those that do not exist or could
// not be observed; the others are what they are.
func (w *World) FromTerraform() *World {
	out := *w
	out.Snapshots = slices.Clone(w.Snapshots)
	left := map[string]*terraform.Held{}
	if w.Claims != nil {
		maps.Copy(left, w.Claims.byIdentity)
	}
	for i := range out.Snapshots {
		snap := &out.Snapshots[i]
		snap.Observations = slices.Clone(snap.Observations)
		for j := range snap.Observations {
			o := &snap.Observations[j]
			if cl := left[o.Resource.Identity]; cl != nil && (o.State != inventory.Present || o.Resource.Addr.Kind == cl.Guest.Kind) {
				*o = stated(cl, o)
			}
			delete(left, o.Resource.Identity)
		}
		for _, id := range slices.Sorted(maps.Keys(left)) {
			if snap.Provider == "proxmox."+left[id].Provider.Cluster() {
				snap.Observations = append(snap.Observations, stated(left[id], &inventory.Observation{Resource: inventory.Resource{Identity: id, Provider: snap.Provider}}))
			}
		}
	}
	return &out
}

// stated puts what the state says in the place of what was seen. Name and pool
// come from live where the state does not know them.
func stated(cl *terraform.Held, o *inventory.Observation) inventory.Observation {
	out := *o
	out.State, out.Err = inventory.Present, nil
	out.Resource.Addr.Kind = cl.Guest.Kind
	out.Resource.Attrs = maps.Clone(cl.Said)
	for _, p := range []inventory.Path{"name", "pool", "vmid"} {
		if inventory.IsNull(out.Resource.Attrs[p]) && !inventory.IsNull(o.Resource.Attrs[p]) {
			out.Resource.Attrs[p] = o.Resource.Attrs[p]
		}
	}
	return out
}
