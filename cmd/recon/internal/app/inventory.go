package app

import (
	"slices"

	"recon/inventory"
	"recon/providers/terraform"
	"recon/reconcile"
)

// An Inventory lists what exists, in the form of the JSON output.
type Inventory struct {
	FormatVersion string     `json:"format_version"`
	AsOf          string     `json:"as_of"`
	Resources     []Existing `json:"resources"`
}

// An Existing is a resource that exists. What could not be observed now is shown
// as it was last seen.
type Existing struct {
	Address    string         `json:"address"`
	Kind       string         `json:"kind"`
	Identity   string         `json:"identity"`
	Name       string         `json:"name"`
	Node       string         `json:"node"`
	Status     string         `json:"status"`
	Addresses  []string       `json:"addresses"`
	ManagedBy  string         `json:"managed_by"`
	Unknown    bool           `json:"unknown"` // not observed now; these are the last known facts
	SeenAt     string         `json:"seen_at"`
	Attributes map[string]any `json:"attributes"`
}

// Inventory lists everything that was observed, and what is remembered of what
// could not be.
func (s *Session) Inventory(w *World) (Inventory, error) {
	if err := s.recall(w); err != nil {
		return Inventory{}, err
	}
	inv := Inventory{FormatVersion: reconcile.FormatVersion, AsOf: inventory.Timestamp(w.At), Resources: []Existing{}}
	managed := s.managers(w)
	seen := map[string]bool{}
	for _, o := range w.observations() {
		id := o.Resource.Identity
		seen[id] = true
		last, known := w.Memory.Sightings[id]
		switch {
		case o.State == inventory.Present:
			inv.Resources = append(inv.Resources, existing(&o, managed[id], false))
		case o.State == inventory.Unknown && known:
			old := observationOf(last)
			old.Resource.Addr = o.Resource.Addr
			inv.Resources = append(inv.Resources, existing(&old, managed[id], true))
		case o.State == inventory.Unknown:
			inv.Resources = append(inv.Resources, existing(&o, managed[id], true))
		}
	}
	for id, last := range w.Memory.Sightings {
		if !seen[id] && s.stillMeant(w, last) {
			old := observationOf(last)
			inv.Resources = append(inv.Resources, existing(&old, managed[id], true))
		}
	}
	slices.SortFunc(inv.Resources, func(a, b Existing) int { return inventory.NaturalCompare(a.Address, b.Address) })
	return inv, nil
}

func existing(o *inventory.Observation, manager string, unknown bool) Existing {
	e := Existing{
		Address: o.Resource.Addr.String(), Kind: o.Resource.Addr.Kind, Identity: o.Resource.Identity, Name: o.Resource.Name(), Node: o.Volatile.Node, Status: o.Volatile.Status,
		Addresses: guestIPs(o.Resource.Kind(), o.Resource.Attrs), ManagedBy: "none", Unknown: unknown, SeenAt: inventory.Timestamp(o.At), Attributes: map[string]any{},
	}
	if manager != "" {
		e.ManagedBy = manager
	}
	kind := o.Resource.Kind()
	for p, v := range o.Resource.Attrs {
		attr, _, _ := kind.Lookup(p)
		if attr == nil || attr.Secret || p == "vmid" || p == "name" || p == "node" || inventory.IsNull(v) {
			continue
		}
		e.Attributes[string(p)] = inventory.JSONValue(v)
	}
	return e
}

// A Shown is everything that is known of one resource.
type Shown struct {
	FormatVersion string          `json:"format_version"`
	Address       string          `json:"address"`
	Kind          string          `json:"kind"`
	Identity      string          `json:"identity"`
	Provider      string          `json:"provider"`
	Name          string          `json:"name"`
	Node          string          `json:"node"`
	Status        string          `json:"status"`
	State         string          `json:"state"` // present, absent, unknown
	Verdict       string          `json:"verdict"`
	ManagedBy     string          `json:"managed_by"`
	Terraform     *ShownTerraform `json:"terraform"`        // nil when no state has it
	Unread        []string        `json:"terraform_unread"` // Terraform sources that could not be read, so that more may be known of it
	File          string          `json:"file"`
	Line          int             `json:"line"`
	Since         *string         `json:"since"` // of the open drift episode
	ChangedBy     *string         `json:"changed_by"`
	ObservedAt    string          `json:"observed_at"`
	Error         *string         `json:"error"`
	Fields        []ShownField    `json:"fields"`
	Needs         []string        `json:"needs"`
}

// A ShownField is one field in its five values.
type ShownField struct {
	Name        string    `json:"name"`
	Desired     any       `json:"desired"`
	LastApplied any       `json:"last_applied"`
	Terraform   any       `json:"terraform"`
	Live        any       `json:"live"`
	Running     any       `json:"running"`
	File        string    `json:"file"`
	Line        int       `json:"line"`
	Text        [5]string `json:"-"` // the values as people read them
	Declared    bool      `json:"declared"`
}

// Show gathers what is known of a resource: declared, or only observed.
func (s *Session) Show(w *World, p *reconcile.Plan, addr inventory.Address) (sh *Shown, found bool, err error) {
	if err := s.recall(w); err != nil {
		return nil, false, err
	}
	want := s.Project.Resource(addr)
	var o *inventory.Observation
	obs := w.observations()
	for i := range obs {
		if obs[i].Resource.Addr == addr || want != nil && obs[i].Resource.Identity == want.Identity {
			o = &obs[i]
		}
	}
	if want == nil && o == nil {
		return nil, false, nil
	}
	if o == nil {
		o = &inventory.Observation{Resource: *want}
	}
	if last, known := w.Memory.Sightings[o.Resource.Identity]; o.State == inventory.Unknown && known {
		err := o.Err
		old := observationOf(last)
		old.State, old.Err = inventory.Unknown, err
		o = &old
	}
	sh = &Shown{
		FormatVersion: reconcile.FormatVersion, Address: addr.String(), Kind: addr.Kind, Identity: o.Resource.Identity, Provider: o.Resource.Provider, Name: o.Resource.Name(),
		Node: o.Volatile.Node, Status: o.Volatile.Status, State: o.State.String(), Verdict: string(inventory.VerdictUnmanaged), ManagedBy: "none",
		ObservedAt: inventory.Timestamp(o.At), Fields: []ShownField{}, Needs: []string{}, Unread: []string{},
	}
	if o.Err != nil {
		text := o.Err.Error()
		sh.Error = &text
	}
	var applied inventory.Attrs
	if want != nil {
		applied = w.Memory.Applied[addr].Attrs
		s.declared(sh, w, p, want, o)
	}
	if by := s.managers(w)[o.Resource.Identity]; by != "" {
		sh.ManagedBy = by
	}
	sh.terraform(w, o.Resource.Identity)
	sh.fields(want, o, applied, w.Claims.of(o.Resource.Identity))
	return sh, true, nil
}

// declared fills in what the manifest and the comparison say.
func (s *Session) declared(sh *Shown, w *World, p *reconcile.Plan, want *inventory.Resource, o *inventory.Observation) {
	sh.Verdict = string(inventory.VerdictInSync)
	sh.File, sh.Line = want.Range.Filename, want.Range.Start.Line
	if o.State == inventory.Unknown {
		sh.Verdict = string(inventory.VerdictUnknown)
	}
	for _, c := range p.Changes {
		if c.Addr != want.Addr {
			continue
		}
		sh.Verdict = string(c.Verdict)
		if by := c.Have.Volatile.Changed.User; by != "" {
			sh.ChangedBy = &by
		}
	}
	if e, ok := w.Memory.Episodes[want.Addr]; ok {
		since := inventory.Timestamp(e.OpenedAt)
		sh.Since = &since
	}
	for _, a := range s.Project.Graph.Index()[want.Addr] {
		sh.Needs = append(sh.Needs, a.String())
	}
}

// fields lists every path that anybody has something to say about.
func (sh *Shown) fields(want *inventory.Resource, o *inventory.Observation, applied inventory.Attrs, cl *terraform.Held) {
	kind := o.Resource.Kind()
	paths := map[inventory.Path]bool{}
	for p := range o.Resource.Attrs {
		paths[p] = true
	}
	if want != nil {
		for p := range want.Attrs {
			paths[p] = true
		}
	}
	state := onlyInState(cl, paths)
	var order []inventory.Path
	for p := range paths {
		order = append(order, p)
	}
	slices.SortFunc(order, kind.Compare)
	for _, p := range order {
		attr, _, _ := kind.Lookup(p)
		if attr == nil {
			continue
		}
		f := ShownField{Name: string(p)}
		wish := inventory.Attrs{}[p]
		if want != nil {
			wish = want.Attrs[p]
			f.Declared = !inventory.IsNull(wish)
			f.File, f.Line = want.Origin[p].Filename, want.Origin[p].Start.Line
		}
		values := [5]*any{&f.Desired, &f.LastApplied, &f.Terraform, &f.Live, &f.Running}
		for i, v := range []inventory.Value{{Value: wish}, {Value: applied[p]}, {Value: state[p]}, {Value: inventory.ConfiguredValue(o, p)}, {Value: o.Running[p]}} {
			if inventory.IsNull(v.Value) {
				continue
			}
			f.Text[i] = attr.Show(v.Value)
			*values[i] = inventory.JSONValue(v.Value)
			if attr.Secret {
				*values[i] = reconcile.Secret
			}
		}
		sh.Fields = append(sh.Fields, f)
	}
}
