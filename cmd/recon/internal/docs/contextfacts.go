package docs

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"recon/cmd/recon/internal/home"
	"recon/inventory"
	"recon/inventory/contextfile"
	"recon/reconcile"

	"github.com/zclconf/go-cty/cty"
)

// A history is what the ledger tells documents beside what is observed.
type history struct {
	events   []inventory.Event
	latest   map[string]inventory.Event // the last change of each thing, by identity
	inFlight []reconcile.Entry
}

// gather collects what documents are rendered from. What could not be observed
// keeps its last known facts and is marked.
func gather(ctx context.Context, w *home.World, p *reconcile.Plan, h history) (*contextfile.Facts, error) {
	f := &contextfile.Facts{Events: h.events, Clusters: clustersOf(w)}
	g := &gatherer{facts: f, latest: h.latest, claims: w.Claims, declared: make(map[string]*inventory.Resource, len(w.Project.Resources))}
	for i := range w.Project.Resources {
		r := &w.Project.Resources[i]
		g.declared[r.Identity] = r
	}
	if c := w.Project.Context; c != nil {
		f.Whole, f.FreeText = c.ContextMD, slices.Contains(c.FreeText, "description")
	}
	f.HasTerraform = len(w.Project.Terraform) > 0
	known, err := w.Known(ctx)
	if err != nil {
		return nil, err
	}
	for i := range known {
		if k := &known[i]; k.State != inventory.Unknown {
			g.add(&k.Observation, k.Stale)
		}
	}
	slices.SortFunc(f.Guests, func(a, b contextfile.Guest) int {
		return cmp.Or(inventory.CompareAddress(a.Address, b.Address), inventory.NaturalCompare(a.Identity, b.Identity))
	})
	slices.SortFunc(f.Services, func(a, b contextfile.Service) int { return inventory.CompareAddress(a.Address, b.Address) })
	f.Sources = sourcesOf(w, f.Guests)
	f.Drift = openDrift(w, p, h.events)
	f.Tasks = tasksOf(w, p, h)
	for _, x := range p.Findings {
		if x.Severity != "info" && x.Rule != inventory.RuleCheck {
			f.Findings = append(f.Findings, contextfile.Finding{Rule: x.Rule, Subject: x.Address})
		}
	}
	for i := range p.Checks {
		o := p.Checks[i]
		if last, known := w.Memory.Checks[o.Check]; known && o.Standing == inventory.CheckUnknown {
			o = last.Outcome // what a document says does not change with what decides nothing
		}
		f.Checks = append(f.Checks, contextfile.Check{Address: o.Check, Kind: o.Kind, Standing: o.Standing, Layer: o.Layer, Since: o.Since})
	}
	return f, nil
}

// sourcesOf lists what could not be observed, and whom that leaves as last known where a
// token sees a part of the guests.
func sourcesOf(w *home.World, guests []contextfile.Guest) (out []contextfile.Source) {
	for _, u := range w.Unknown() {
		s := contextfile.Source{Provider: u.Provider, Scope: u.Scope, Since: u.Since, Never: w.NeverObserved(u.Provider)}
		for i := range guests {
			cluster, _, _ := strings.Cut(guests[i].Identity, "/")
			if u.Scope == inventory.SomeGuests && guests[i].Unknown && "proxmox."+cluster == u.Provider {
				s.Hidden = append(s.Hidden, guests[i].VMID)
			}
		}
		slices.Sort(s.Hidden)
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b contextfile.Source) int {
		return cmp.Or(inventory.NaturalCompare(a.Provider, b.Provider), inventory.NaturalCompare(a.Scope, b.Scope))
	})
	return out
}

// clustersOf describes the clusters. One that could not be observed at all is as
// it was last time.
func clustersOf(w *home.World) (out []contextfile.Cluster) {
	for _, snap := range w.Snapshots {
		name, ok := strings.CutPrefix(snap.Provider, "proxmox.")
		if !ok {
			continue
		}
		c := contextfile.Cluster{Name: name, Version: snap.Version, Nodes: snap.Nodes, Storages: snap.Storages, Partial: snap.Partial, Never: w.NeverObserved(snap.Provider)}
		if last, known := w.Memory.Clusters[snap.Provider]; len(snap.Nodes) == 0 && known {
			c.Version, c.Nodes, c.Storages = last.Version, last.Nodes, last.Storages
		}
		out = append(out, c)
	}
	return out
}

// A gatherer turns observations into facts.
type gatherer struct {
	facts    *contextfile.Facts
	declared map[string]*inventory.Resource
	latest   map[string]inventory.Event
	claims   *inventory.Claims
}

func (g *gatherer) add(o *inventory.Observation, unknown bool) {
	switch o.Resource.Addr.Kind {
	case "vm", "lxc":
		g.facts.Guests = append(g.facts.Guests, g.guest(o, unknown))
	case "service":
		g.facts.Services = append(g.facts.Services, serviceOf(o, unknown))
	}
}

// guest turns an observation into what documents know of it.
func (g *gatherer) guest(o *inventory.Observation, unknown bool) contextfile.Guest {
	attrs := o.Resource.Attrs
	out := contextfile.Guest{
		Address: o.Resource.Addr, Identity: o.Resource.Identity, Name: o.Resource.Name(), Kind: o.Resource.Addr.Kind, VMID: inventory.VMID(o.Resource.Identity),
		Node: o.Volatile.Node, Status: o.Volatile.Status, Template: o.Volatile.Template, Unknown: unknown, Kept: o.Volatile.Kept,
		Reboot: len(o.Volatile.Pending) > 0 && o.Running != nil, Networks: inventory.NetworksOf(o.Resource.Kind(), attrs),
	}
	if len(inventory.ConfiguredIPs(o.Resource.Kind(), attrs)) == 0 {
		out.Observed = o.Volatile.Addresses
	}
	for _, a := range o.Resource.Kind().Attrs {
		g.topColumn(&out, a, attrs[inventory.Path(a.Name)])
	}
	addDevices(&out, o.Resource.Kind(), attrs)
	if r := g.declared[o.Resource.Identity]; r != nil {
		out.Address = r.Addr
		out.Managed, out.Protect, out.Terraform = true, r.Policy.Protect, r.Policy.Terraform
		for _, a := range r.Kind().Attrs {
			if a.Column == inventory.ColumnPurpose {
				out.Purpose = inventory.Text(r.Attrs[inventory.Path(a.Name)])
			}
		}
	}
	if claim := g.claims.Of(o.Resource.Identity); claim != nil {
		out.Terraform = claim.Address
	}
	if e, ok := g.latest[o.Resource.Identity]; ok {
		out.LastChange, out.ChangedBy = e.At, e.By
	}
	return out
}

// topColumn notes a value of the guest itself that documents show.
func (g *gatherer) topColumn(out *contextfile.Guest, a *inventory.Attr, v cty.Value) {
	switch a.Column {
	case inventory.ColumnCores:
		out.Cores, _ = inventory.Int(v)
	case inventory.ColumnMemory:
		out.Memory, _ = inventory.Int(v)
	case inventory.ColumnDNS:
		out.DNS = inventory.Strings(v)
	case inventory.ColumnNotes:
		if g.facts.FreeText {
			out.Notes = inventory.Text(v)
		}
	}
}

func addDevices(out *contextfile.Guest, kind *inventory.Kind, attrs inventory.Attrs) {
	for _, b := range kind.Blocks {
		slots := []string{""}
		if b.Labelled() {
			slots = attrs.Slots(b.Name)
		}
		for _, slot := range slots {
			addDevice(out, b, func(name string) cty.Value { return attrs[b.Path(slot, name)] })
		}
	}
}

// addDevice notes what documents show of one device beside its addresses.
func addDevice(out *contextfile.Guest, b *inventory.Block, value func(string) cty.Value) {
	var disk contextfile.Disk
	for _, a := range b.Attrs {
		v := value(a.Name)
		switch a.Column {
		case inventory.ColumnDNS:
			out.DNS = inventory.Strings(v)
		case inventory.ColumnMAC:
			if mac := inventory.Text(v); mac != "" {
				out.MACs = append(out.MACs, mac)
			}
		case inventory.ColumnStorage:
			disk.Storage = inventory.Text(v)
		case inventory.ColumnSize:
			disk.Size, _ = inventory.Int(v)
		case inventory.ColumnPath:
			disk.Path = inventory.Text(v)
		}
	}
	if disk != (contextfile.Disk{}) {
		out.Disks = append(out.Disks, disk)
	}
}

// serviceOf turns an observed service into what documents know of it. The names
// are those of the service block in manifests.
func serviceOf(o *inventory.Observation, unknown bool) contextfile.Service {
	attrs := o.Resource.Attrs
	s := contextfile.Service{
		Address: o.Resource.Addr, Unknown: unknown, Container: inventory.Text(attrs["container"]), Image: inventory.Text(attrs["image"]),
		URL: inventory.Text(attrs["url"]), Ports: inventory.Strings(attrs["listen"]), Host: o.Volatile.Node,
	}
	for _, a := range o.Resource.Policy.DependsOn {
		s.DependsOn = append(s.DependsOn, a.Name)
	}
	for _, slot := range attrs.Slots("path") {
		s.Paths = append(s.Paths, contextfile.Path{Inside: slot, Source: inventory.Text(attrs[inventory.Path("path."+slot+".source")])})
	}
	return s
}

// openDrift lists what differs because live moved, with the day on which that was first
// seen. Of a field that comes and goes the value is left out. What was there and is no
// longer differs, too.
func openDrift(w *home.World, p *reconcile.Plan, events []inventory.Event) []contextfile.Drift {
	var out []contextfile.Drift
	for i := range p.Changes {
		c := &p.Changes[i]
		fields := reconcile.Drifted(c)
		if e, gone := goneOutside(w, c, events); gone {
			out = append(out, contextfile.Drift{Address: c.Addr, Identity: c.Want.Identity, Gone: true, Since: e.At, By: e.By})
		}
		if len(fields) == 0 {
			continue
		}
		d := contextfile.Drift{Address: c.Addr, Identity: c.Want.Identity, Since: w.At, By: c.Have.Volatile.Changed.User, Fields: driftFields(w, c.Addr, fields)}
		if e, ok := w.Memory.Episodes[c.Addr]; ok {
			d.Since, d.By = e.OpenedAt, e.By
		}
		out = append(out, d)
	}
	out = append(out, unseenDrift(w, events)...)
	slices.SortFunc(out, func(a, b contextfile.Drift) int { return inventory.CompareAddress(a.Address, b.Address) })
	return out
}

// unseenDrift is what differed of resources when they were last seen that cannot be
// observed now: nobody knows that it is settled.
func unseenDrift(w *home.World, events []inventory.Event) (out []contextfile.Drift) {
	seen := map[string]bool{}
	for _, o := range w.Observations() {
		seen[o.Resource.Identity] = o.State != inventory.Unknown
	}
	for i := range w.Project.Resources {
		r := &w.Project.Resources[i]
		d := contextfile.Drift{Address: r.Addr, Identity: r.Identity, Unseen: true}
		if seen[r.Identity] {
			continue
		}
		if e, open := w.Memory.Episodes[r.Addr]; open {
			d.Since, d.By, d.Fields = e.OpenedAt, e.By, driftFields(w, r.Addr, e.Fields)
		} else if e, ok := lastComing(events, r.Identity); ok && e.Kind == inventory.Disappeared {
			d.Since, d.By, d.Gone = e.At, e.By, true
		} else {
			continue
		}
		out = append(out, d)
	}
	return out
}

// lastComing finds when something was last said to have come or gone.
func lastComing(events []inventory.Event, identity string) (inventory.Event, bool) {
	for _, e := range slices.Backward(events) {
		if e.Identity == identity && slices.Contains([]inventory.EventKind{inventory.Appeared, inventory.Disappeared, inventory.Created, inventory.Destroyed}, e.Kind) {
			return e, true
		}
	}
	return inventory.Event{}, false
}

// goneOutside finds how something disappeared that was there and that a manifest declares.
func goneOutside(w *home.World, c *inventory.Change, events []inventory.Event) (inventory.Event, bool) {
	if c.Verdict != inventory.VerdictMissing || w.Memory.Applied[c.Addr].Identity != c.Want.Identity {
		return inventory.Event{}, false
	}
	for _, e := range slices.Backward(events) {
		if e.Kind == inventory.Disappeared && e.Identity == c.Want.Identity {
			return e, true
		}
	}
	return inventory.Event{}, true
}

func driftFields(w *home.World, a inventory.Address, fields []inventory.EventField) (out []contextfile.DriftField) {
	for _, f := range fields {
		out = append(out, contextfile.DriftField{Path: f.Name, Desired: f.FromText, Live: f.ToText, Flapping: w.Memory.Flapping(a, f.Name)})
	}
	return out
}

// tasksOf lists what somebody has to finish: steps of a killed run, drift to
// decide about, changes of manifests that are not applied, restarts that wait.
func tasksOf(w *home.World, p *reconcile.Plan, h history) (out []contextfile.Task) {
	killed := map[inventory.Address]time.Time{}
	for _, e := range h.inFlight {
		killed[e.Address] = e.BegunAt
	}
	for i := range p.Changes {
		c := &p.Changes[i]
		t, open := taskOf(w, c)
		if e, gone := goneOutside(w, c, h.events); gone {
			t.Since, t.By, t.Gone = e.At, e.By, true
		}
		if at, ok := killed[c.Addr]; ok {
			t.InFlight, t.Since, t.By, open = true, at, "", true
			delete(killed, c.Addr)
		}
		if open {
			out = append(out, t)
		}
	}
	for _, d := range unseenDrift(w, h.events) {
		if _, ok := killed[d.Address]; !ok {
			fields := slices.DeleteFunc(d.Fields, func(f contextfile.DriftField) bool { return f.Flapping })
			out = append(out, contextfile.Task{Address: d.Address, Identity: d.Identity, Verdict: inventory.VerdictDrift, Since: d.Since, By: d.By, Fields: fields, Gone: d.Gone, Unseen: true})
		}
	}
	for addr, at := range killed {
		out = append(out, contextfile.Task{Address: addr, InFlight: true, Since: at})
	}
	slices.SortFunc(out, func(a, b contextfile.Task) int { return inventory.CompareAddress(a.Address, b.Address) })
	return out
}

// taskOf is what a change asks of somebody; nothing when all that differs comes and goes
// by itself.
func taskOf(w *home.World, c *inventory.Change) (t contextfile.Task, open bool) {
	t = contextfile.Task{Address: c.Addr, Identity: c.Want.Identity, Verdict: c.Verdict, Impact: c.Impact}
	if e, ok := w.Memory.Episodes[c.Addr]; ok {
		t.Since, t.By = e.OpenedAt, e.By
	}
	for _, f := range c.Writing() {
		if !w.Memory.Flapping(c.Addr, f.Path) {
			t.Fields = append(t.Fields, contextfile.DriftField{Path: f.Path, Desired: f.Attr.Show(f.Wish()), Live: f.Attr.Show(f.Live)})
		}
	}
	for _, b := range c.Blocked {
		if !slices.Contains(t.Blocked, b.Code) {
			t.Blocked = append(t.Blocked, b.Code)
		}
	}
	switch c.Verdict {
	case inventory.VerdictDrift, inventory.VerdictConflict, inventory.VerdictDiffers:
		return t, len(t.Fields) > 0
	case inventory.VerdictPendingChange, inventory.VerdictMissing, inventory.VerdictPendingReboot:
		return t, true
	}
	return t, false
}
