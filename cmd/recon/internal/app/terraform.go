package app

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"recon/inventory"
	"recon/providers"
	"recon/providers/proxmox"
	"recon/providers/terraform"
)

// terraforms makes a provider for each terraform block.
func (s *Session) terraforms() []providers.Reader {
	var out []providers.Reader
	for _, t := range s.Project.Terraform {
		out = append(out, terraform.New(terraform.Config{
			Name: t.Name, Cluster: t.Cluster, Root: s.Root, Directory: t.Directory, State: t.State, JSON: t.JSON, Binary: t.Binary, Workspace: t.Workspace,
		}))
	}
	return out
}

// Claims are what Terraform's states say of guests, held against what is live. A nil
// Claims claims nothing.
type Claims struct {
	byIdentity map[string]*claim
	unread     map[string][]string // sources that could not be read, by cluster
}

// A claim is one guest in a state.
type claim struct {
	source *terraform.Provider
	guest  *terraform.Guest
	attrs  inventory.Attrs
}

// claims gathers what the sources say after everything was read, adds what is worth
// attention in them to their snapshots, and puts clusters behind owned.
func (s *Session) claims(w *World) {
	var sources []*terraform.Provider
	c := &Claims{byIdentity: map[string]*claim{}, unread: map[string][]string{}}
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
	s.gather(c, sources, live)
	findings := terraform.Findings(sources, live, w.sawAll)
	for i, r := range w.Readers {
		w.Snapshots[i].Findings = append(w.Snapshots[i].Findings, findings[r.Name()]...)
		if p, ok := r.(*proxmox.Provider); ok {
			w.Readers[i] = &owned{Provider: p, claims: c}
		}
	}
}

// gather finds the claim on each guest: the resource that its manifest names, else
// the first with its vmid.
func (s *Session) gather(c *Claims, sources []*terraform.Provider, live map[string]*inventory.Observation) {
	named := map[string]string{} // cluster and address -> identity
	for i := range s.Project.Resources {
		if r := &s.Project.Resources[i]; r.Policy.Terraform != "" {
			cluster, _, _ := strings.Cut(r.Identity, "/")
			named[cluster+" "+r.Policy.Terraform] = r.Identity
		}
	}
	for _, byAddress := range []bool{true, false} {
		for _, p := range sources {
			for _, g := range p.Guests() {
				id := g.Identity(p.Cluster())
				if byAddress {
					id = named[p.Cluster()+" "+g.Address]
				}
				if id == "" || c.byIdentity[id] != nil {
					continue
				}
				c.byIdentity[id] = &claim{source: p, guest: g, attrs: g.Agreeing(attrsOf(live[id], g.Kind))}
			}
		}
	}
}

// attrsOf returns what is live of a guest of that kind.
func attrsOf(o *inventory.Observation, kind string) inventory.Attrs {
	if o == nil || o.State != inventory.Present || o.Resource.Addr.Kind != kind {
		return nil
	}
	return o.Resource.Attrs
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

// attrs are what the states say, by identity, for the comparison.
func (c *Claims) attrs() map[string]inventory.Attrs {
	if c == nil {
		return nil
	}
	out := make(map[string]inventory.Attrs, len(c.byIdentity))
	for id, cl := range c.byIdentity {
		out[id] = cl.attrs
	}
	return out
}

func (c *Claims) of(identity string) *claim {
	if c == nil {
		return nil
	}
	return c.byIdentity[identity]
}

// managers says who manages each guest: terraform, recon, or nobody.
func (s *Session) managers(w *World) map[string]string {
	out := map[string]string{}
	if w.Claims != nil {
		for id := range w.Claims.byIdentity {
			out[id] = "terraform"
		}
	}
	for i := range s.Project.Resources {
		r := &s.Project.Resources[i]
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
	cluster, _, _ := strings.Cut(c.Want.Identity, "/")
	cl, unread := o.claims.of(c.Want.Identity), o.claims.unread[cluster]
	restart := c.Action == inventory.ActionNone // a restart is nobody's configuration
	switch {
	case c.Want.Policy.Owner == "recon" || restart || cl == nil && len(unread) == 0:
		return o.Provider.Steps(ctx, c)
	case cl == nil:
		return nil, []inventory.Reason{{Code: "terraform_unknown", Detail: fmt.Sprintf("%s could not be read, so that it is not known whether Terraform owns %s; write owner = \"recon\" if it does not", strings.Join(unread, ", "), c.Addr)}}, nil
	case c.Action != inventory.ActionUpdate:
		steps, blocked := cl.source.Steps(ctx, c, cl.guest)
		return steps, blocked, nil
	}
	theirs, ours := cl.divide(c)
	var steps []inventory.Step
	if len(theirs.Writing()) > 0 {
		var blocked []inventory.Reason
		if steps, blocked = cl.source.Steps(ctx, theirs, cl.guest); len(blocked) > 0 {
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
func (cl *claim) divide(c inventory.Change) (theirs, ours inventory.Change) {
	theirs, ours = c, c
	theirs.Fields, ours.Fields = nil, nil
	for _, f := range c.Fields {
		if cl.guest.Covers(f.Path, c.Have.Resource.Attrs) {
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
		if cl := o.claims.byIdentity[id]; cl.source.Name() == s.Params["source"] && cl.guest.Address == s.Params["target"] {
			return cl.source.Do(ctx, s, say)
		}
	}
	return providers.Result{}, fmt.Errorf("%w: %s no longer has %s", providers.ErrChangedMeanwhile, s.Params["source"], s.Params["target"])
}

// A ShownTerraform says where Terraform has a resource.
type ShownTerraform struct {
	Source  string `json:"source"`
	Address string `json:"address"`
	File    string `json:"file"` // of the resource block; "" when the code is not there to be read
	Line    int    `json:"line"`
}

// terraform fills in what a state says of the resource.
func (sh *Shown) terraform(w *World, identity string) {
	cl := w.Claims.of(identity)
	if cluster, _, _ := strings.Cut(identity, "/"); w.Claims != nil {
		sh.Unread = append(sh.Unread, w.Claims.unread[cluster]...)
	}
	if cl == nil {
		return
	}
	sh.Terraform = &ShownTerraform{Source: cl.source.Name(), Address: cl.guest.Address}
	sh.Terraform.File, sh.Terraform.Line, _ = cl.source.Locate(cl.guest.Address)
}

// differing adds the fields of which only the state knows.
func (cl *claim) differing(paths map[inventory.Path]bool, live inventory.Attrs) inventory.Attrs {
	if cl == nil {
		return nil
	}
	kind := inventory.KindOf(cl.guest.Kind)
	for p, v := range cl.attrs {
		if attr, _, _ := kind.Lookup(p); attr != nil && !attr.Same(v, live[p]) {
			paths[p] = true
		}
	}
	return cl.attrs
}

// FromTerraform is the world as recon import --from-terraform writes it down: guests
// that a state knows are what the state says, also those that do not exist or could
// not be observed; the others are what they are.
func (w *World) FromTerraform() *World {
	out := *w
	out.Snapshots = slices.Clone(w.Snapshots)
	left := map[string]*claim{}
	if w.Claims != nil {
		maps.Copy(left, w.Claims.byIdentity)
	}
	for i := range out.Snapshots {
		snap := &out.Snapshots[i]
		snap.Observations = slices.Clone(snap.Observations)
		for j := range snap.Observations {
			o := &snap.Observations[j]
			if cl := left[o.Resource.Identity]; cl != nil && (o.State != inventory.Present || o.Resource.Addr.Kind == cl.guest.Kind) {
				*o = cl.observation(o)
			}
			delete(left, o.Resource.Identity)
		}
		for _, id := range slices.Sorted(maps.Keys(left)) {
			if snap.Provider == "proxmox."+left[id].source.Cluster() {
				snap.Observations = append(snap.Observations, left[id].observation(&inventory.Observation{Resource: inventory.Resource{Identity: id, Provider: snap.Provider}}))
			}
		}
	}
	return &out
}

// observation puts what the state says in the place of what was seen. Name and pool
// come from live where the state does not know them.
func (cl *claim) observation(o *inventory.Observation) inventory.Observation {
	out := *o
	out.State, out.Err = inventory.Present, nil
	out.Resource.Addr.Kind = cl.guest.Kind
	out.Resource.Attrs = maps.Clone(cl.attrs)
	for _, p := range []inventory.Path{"name", "pool", "vmid"} {
		if inventory.IsNull(out.Resource.Attrs[p]) && !inventory.IsNull(o.Resource.Attrs[p]) {
			out.Resource.Attrs[p] = o.Resource.Attrs[p]
		}
	}
	return out
}
