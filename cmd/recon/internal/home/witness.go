package home

import (
	"maps"
	"slices"

	"recon/inventory"
	"recon/manifests"
	"recon/providers"
	"recon/providers/terraform"
	"recon/reconcile"
)

// terraforms makes a provider for each terraform block.
func (h *Home) terraforms(project *manifests.Project) []providers.Reader {
	var out []providers.Reader
	for _, t := range project.Terraform {
		out = append(out, terraform.New(terraform.Config{
			Name: t.Name, Cluster: t.Cluster, Root: h.Root, Directory: t.Directory, State: t.State, JSON: t.JSON, Binary: t.Binary, Workspace: t.Workspace,
			Timeout: t.Timeout, Finishing: h.Finishing,
		}))
	}
	return out
}

// hear has the witnesses testify after everything was read, and adds what is worth
// attention in it to their snapshots.
func (w *World) hear() {
	live := map[string]*inventory.Observation{}
	for i := range w.Snapshots {
		maps.Copy(live, w.Snapshots[i].ByIdentity())
	}
	var all []inventory.Claim
	unread := map[string][]string{}
	first := -1
	for i, r := range w.Readers {
		witness, ok := r.(providers.Witness)
		switch {
		case !ok:
		case !w.Snapshots[i].Complete || w.unasked[r.Name()]: // what it says is not remembered
			unread[witness.About()] = append(unread[witness.About()], r.Name())
		default:
			claims, findings := witness.Testify(providers.Hearing{Desired: w.Project.Resources, Live: live, Complete: w.sawAll(witness.About())})
			all = append(all, claims...)
			w.Snapshots[i].Findings = append(w.Snapshots[i].Findings, findings...)
			if first < 0 {
				first = i
			}
		}
	}
	w.Claims = inventory.NewClaims(all, unread)
	if first >= 0 {
		w.Snapshots[first].Findings = append(w.Snapshots[first].Findings, reconcile.Contested(all)...)
	}
}

// sawAll reports whether a provider was observed in full.
func (w *World) sawAll(provider string) bool {
	i := slices.IndexFunc(w.Snapshots, func(s inventory.Snapshot) bool { return s.Provider == provider })
	return i >= 0 && w.Snapshots[i].Complete
}

// Managers says who manages each guest: terraform, recon, or nobody.
func (w *World) Managers() map[string]string {
	out := map[string]string{}
	for _, id := range w.Claims.Identities() {
		out[id] = "terraform"
	}
	for i := range w.Project.Resources {
		r := &w.Project.Resources[i]
		if out[r.Identity] == "" || r.Policy.Owner == "recon" {
			out[r.Identity] = "recon"
		}
	}
	return out
}

// FromTerraform is the world as recon import --from-terraform writes it down: guests
// that a state knows are what the state says, also those that do not exist or could
// not be observed; the others are what they are.
func (w *World) FromTerraform() *World {
	out := *w
	out.Snapshots = slices.Clone(w.Snapshots)
	left := map[string]*inventory.Claim{}
	for _, id := range w.Claims.Identities() {
		left[id] = w.Claims.Of(id)
	}
	for i := range out.Snapshots {
		snap := &out.Snapshots[i]
		snap.Observations = slices.Clone(snap.Observations)
		for j := range snap.Observations {
			o := &snap.Observations[j]
			if cl := left[o.Resource.Identity]; cl != nil && (o.State != inventory.Present || o.Resource.Addr.Kind == cl.Kind) {
				*o = stated(cl, o)
			}
			delete(left, o.Resource.Identity)
		}
		for _, id := range slices.Sorted(maps.Keys(left)) {
			if snap.Provider == "proxmox."+inventory.ClusterOf(id) {
				snap.Observations = append(snap.Observations, stated(left[id], &inventory.Observation{Resource: inventory.Resource{Identity: id, Provider: snap.Provider}}))
			}
		}
	}
	return &out
}

// stated puts what the state says in the place of what was seen. Name and pool
// come from live where the state does not know them.
func stated(cl *inventory.Claim, o *inventory.Observation) inventory.Observation {
	out := *o
	out.State, out.Err = inventory.Present, nil
	out.Resource.Addr.Kind = cl.Kind
	out.Resource.Attrs = maps.Clone(cl.Said)
	for _, p := range []inventory.Path{"name", "pool", "vmid"} {
		if inventory.IsNull(out.Resource.Attrs[p]) && !inventory.IsNull(o.Resource.Attrs[p]) {
			out.Resource.Attrs[p] = o.Resource.Attrs[p]
		}
	}
	return out
}
