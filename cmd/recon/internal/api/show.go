package api

import (
	"cmp"
	"context"
	"slices"
	"time"

	"recon/cmd/recon/internal/home"
	"recon/inventory"
	"recon/reconcile"
)

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
	Opened        time.Time       `json:"-"`     // since, as a time
	ChangedBy     *string         `json:"changed_by"`
	ByNeeds       *string         `json:"changed_by_needs"` // the privilege without which it cannot be seen
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
	Differs     bool      `json:"differs"`
}

// Agreed returns the value that every side has that says something of the field, and
// whether there is one.
func (f *ShownField) Agreed() (text string, one bool) {
	for _, t := range f.Text {
		if t != "" && text != "" && t != text {
			return "", false
		}
		text = cmp.Or(t, text)
	}
	return text, true
}

// A Showing is what recon show answers.
type Showing struct {
	Resources []*Shown
	Unknown   []inventory.Scope // what could not be observed
}

// Show gathers what is known of a resource, declared or only observed; of every
// declared one when the name is empty. One that nobody knows is an error.
func Show(ctx context.Context, h *Home, name string, refresh bool) (*Showing, error) {
	w, err := look(ctx, h, refresh)
	if err != nil {
		return nil, err
	}
	defer w.Close()
	return showingOf(ctx, w, name)
}

func showingOf(ctx context.Context, w *home.World, name string) (*Showing, error) {
	p, err := w.Compare(ctx)
	if err != nil {
		return nil, err
	}
	return showingBy(ctx, w, p, name)
}

// showingBy is showingOf by a comparison that was made.
func showingBy(ctx context.Context, w *home.World, p *reconcile.Plan, name string) (*Showing, error) {
	s, err := newShower(ctx, w, p)
	if err != nil {
		return nil, err
	}
	out := &Showing{Unknown: w.Unknown()}
	if name != "" {
		addr, _, err := w.Find(ctx, name)
		if err != nil {
			return nil, err
		}
		sh := s.show(addr)
		if sh == nil {
			return nil, w.Unfound(inventory.NotFound("there is no %s", addr), "recon inventory lists what there is")
		}
		out.Resources = append(out.Resources, sh)
		return out, nil
	}
	for i := range w.Project.Resources {
		out.Resources = append(out.Resources, s.show(w.Project.Resources[i].Addr))
	}
	return out, nil
}

// Code is the exit code of recon show.
func (s *Showing) Code() int {
	for _, sh := range s.Resources {
		if sh.State == inventory.Unknown.String() || len(sh.Unread) > 0 {
			return ExitIncomplete
		}
	}
	return ExitOK
}

// JSON is the answer of recon show without an address.
func (s *Showing) JSON() any {
	return struct {
		FormatVersion string   `json:"format_version"`
		Resources     []*Shown `json:"resources"`
	}{FormatVersion, append([]*Shown{}, s.Resources...)}
}

// A shower finds what is known of resources in one look and its plan.
type shower struct {
	world    *home.World
	managers map[string]string
	needs    map[inventory.Address][]inventory.Address
	changes  map[inventory.Address]*inventory.Change
	observed map[string]*home.Known // by identity
	byAddr   map[inventory.Address]*home.Known
}

func newShower(ctx context.Context, w *home.World, p *reconcile.Plan) (*shower, error) {
	known, err := w.Known(ctx)
	if err != nil {
		return nil, err
	}
	s := &shower{
		world: w, managers: w.Managers(), needs: w.Project.Graph.Index(), changes: map[inventory.Address]*inventory.Change{},
		observed: map[string]*home.Known{}, byAddr: map[inventory.Address]*home.Known{},
	}
	for i := range p.Changes {
		s.changes[p.Changes[i].Addr] = &p.Changes[i]
	}
	for i := range known {
		s.observed[known[i].Resource.Identity], s.byAddr[known[i].Resource.Addr] = &known[i], &known[i]
	}
	return s, nil
}

// known returns what is known of a resource: of a declared one by its identity.
func (s *shower) known(addr inventory.Address, want *inventory.Resource) *home.Known {
	if want == nil {
		return s.byAddr[addr]
	}
	if k := s.observed[want.Identity]; k != nil {
		return k
	}
	for _, o := range s.world.Observations() {
		if o.Resource.Identity == want.Identity { // proven absent
			return &home.Known{Observation: o}
		}
	}
	return &home.Known{Observation: inventory.Observation{Resource: *want}}
}

// show returns nil for what is neither declared nor known.
func (s *shower) show(addr inventory.Address) *Shown {
	want := s.world.Project.Resource(addr)
	k := s.known(addr, want)
	if k == nil {
		return nil
	}
	o := k.Observation
	state := o.State
	if k.Stale {
		state = inventory.Unknown
	}
	sh := &Shown{
		FormatVersion: FormatVersion, Address: addr.String(), Kind: addr.Kind, Identity: o.Resource.Identity, Provider: o.Resource.Provider,
		Name: o.Resource.Name(), Node: o.Volatile.Node, Status: o.Volatile.Status, State: state.String(),
		Verdict: string(inventory.VerdictUnmanaged), ManagedBy: "none",
		ObservedAt: inventory.Timestamp(o.At), Fields: []ShownField{}, Needs: []string{}, Unread: []string{},
	}
	if o.Err != nil {
		text := o.Err.Error()
		sh.Error = &text
	}
	var applied inventory.Attrs
	if want != nil {
		applied = s.world.Memory.Applied[addr].Attrs
		s.declared(sh, want, state)
	}
	if by := s.managers[o.Resource.Identity]; by != "" {
		sh.ManagedBy = by
	}
	sh.terraform(s.world.Claims, o.Resource.Identity)
	sh.fields(want, &o, applied, s.world.Claims.Of(o.Resource.Identity))
	if c := s.changes[o.Resource.Addr]; c != nil {
		for i := range sh.Fields {
			p := inventory.Path(sh.Fields[i].Name)
			sh.Fields[i].Differs = c.Field(p) != nil || p.Absent() != "" && c.Field(p.Absent()) != nil
		}
	}
	return sh
}

// declared fills in what the manifest and the comparison say.
func (s *shower) declared(sh *Shown, want *inventory.Resource, state inventory.Presence) {
	sh.Verdict = string(inventory.VerdictInSync)
	sh.File, sh.Line = want.Range.Filename, want.Range.Start.Line
	if state == inventory.Unknown {
		sh.Verdict = string(inventory.VerdictUnknown)
	}
	if c := s.changes[want.Addr]; c != nil {
		sh.Verdict = string(c.Verdict)
		if by := c.Have.Volatile.Changed.User; by != "" {
			sh.ChangedBy = &by
		}
		if lack := c.Have.Volatile.Changed.Hidden; lack != (inventory.Lack{}) {
			sh.ByNeeds = orNull(lack.String())
		}
	}
	if e, ok := s.world.Memory.Episodes[want.Addr]; ok {
		since := inventory.Timestamp(e.OpenedAt)
		sh.Since, sh.Opened = &since, e.OpenedAt
	}
	for _, a := range s.needs[want.Addr] {
		sh.Needs = append(sh.Needs, a.String())
	}
}

// fields lists every path that anybody has something to say about.
func (sh *Shown) fields(want *inventory.Resource, o *inventory.Observation, applied inventory.Attrs, cl *inventory.Claim) {
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
			if attr.Hides(v.Value) {
				*values[i] = f.Text[i]
			}
		}
		sh.Fields = append(sh.Fields, f)
	}
}

// A ShownTerraform says where Terraform has a resource.
type ShownTerraform struct {
	Source  string `json:"source"`
	Address string `json:"address"`
	File    string `json:"file"` // of the resource block; "" when the code is not there to be read
	Line    int    `json:"line"`
}

// terraform fills in what a state says of the resource.
func (sh *Shown) terraform(claims *inventory.Claims, identity string) {
	sh.Unread = append(sh.Unread, claims.Unread(sh.Provider)...)
	cl := claims.Of(identity)
	if cl == nil {
		return
	}
	sh.Terraform = &ShownTerraform{Source: cl.Witness, Address: cl.Address}
	sh.Terraform.File, sh.Terraform.Line, _ = cl.Locate()
}

// onlyInState adds the fields in which the state differs from live to the paths that
// are shown, and returns what the state says.
func onlyInState(cl *inventory.Claim, paths map[inventory.Path]bool) inventory.Attrs {
	if cl == nil {
		return nil
	}
	for _, p := range cl.Differs {
		paths[p] = true
	}
	return cl.Said
}
