package reconcile

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"recon/inventory"

	"github.com/zclconf/go-cty/cty"
)

// Input is everything that a comparison depends on.
type Input struct {
	Desired     []inventory.Resource
	Snapshots   []inventory.Snapshot
	LastApplied map[inventory.Address]inventory.Applied
	Claims      *inventory.Claims // what witnesses say
	Past        Past              // what manifests said before, where nothing else tells which side moved
	Now         time.Time         // decides which ignore rules hold
}

// Past is what the history of the manifests says of fields, by address and path.
type Past map[inventory.Address]map[inventory.Path]Before

// Before is what the manifests said of a field before they said what they say now. An
// exact one says of what it leaves out that it is at its default.
type Before struct {
	Value inventory.Value // null: they said nothing of it, and of its resource something
	Never bool            // they never said anything else, in all of their history
}

// Diff compares each declared resource with its observation. Resources that agree
// or could not be observed give no change. The order is that of Desired.
func Diff(in Input) []inventory.Change {
	seen, orphans := observations(in.Snapshots), in.orphans()
	parts := slices.Collect(slices.Chunk(in.Desired, max(1, (len(in.Desired)+runtime.GOMAXPROCS(0)-1)/runtime.GOMAXPROCS(0))))
	found := make([][]inventory.Change, len(parts))
	var wg sync.WaitGroup
	for i, part := range parts {
		wg.Go(func() { found[i] = in.diff(part, seen, orphans) })
	}
	wg.Wait()
	return slices.Concat(found...)
}

// diff compares some of the declared resources.
func (in *Input) diff(desired []inventory.Resource, seen map[string]*inventory.Observation, orphans map[string]inventory.Address) (out []inventory.Change) {
	for i := range desired {
		want := &desired[i]
		have := seen[want.Identity]
		if have == nil || have.State == inventory.Unknown {
			continue
		}
		applied := in.LastApplied[want.Addr]
		if old, orphan := orphans[want.Identity]; orphan && applied.Identity == "" {
			applied = in.LastApplied[old]
		}
		if applied.Identity != want.Identity {
			applied = inventory.Applied{}
		}
		d := differ{want: want, have: have, applied: applied, terraform: said(in.Claims, want.Identity), past: in.Past[want.Addr], now: in.Now}
		if c, differs := d.change(); differs {
			out = append(out, c)
		}
	}
	return out
}

// orphans are the addresses that are remembered and that no manifest declares any
// more, by the identity that they had: blocks that were renamed, or taken out.
func (in *Input) orphans() map[string]inventory.Address {
	declared := make(map[inventory.Address]bool, len(in.Desired))
	for i := range in.Desired {
		declared[in.Desired[i].Addr] = true
	}
	out := map[string]inventory.Address{}
	for addr, a := range in.LastApplied {
		if !declared[addr] {
			out[a.Identity] = addr
		}
	}
	return out
}

// renamedBlocks finds blocks that have another address than the last run knew for the
// same resource, and gives the lines that carry its memory over.
func (in *Input) renamedBlocks() (out []inventory.Finding) {
	orphans := in.orphans()
	for i := range in.Desired {
		r := &in.Desired[i]
		old, orphan := orphans[r.Identity]
		if _, known := in.LastApplied[r.Addr]; !orphan || known || r.Identity == "" {
			continue
		}
		out = append(out, inventory.Finding{
			Rule: "block-renamed", Severity: "warning", Address: r.Addr.String(),
			Summary:  fmt.Sprintf("the last run knew %s as %s; if the block was renamed, say so with moved", r.Identity, old),
			Detail:   "Without it the history of the resource stays with its old address.",
			Evidence: []string{fmt.Sprintf("%s:%d", r.Range.Filename, r.Range.Start.Line)},
			Fix:      fmt.Sprintf("moved {\n  from = %s\n  to   = %s\n}", old, r.Addr),
		})
	}
	return out
}

// said is what a witness says of a resource, nil without one.
func said(claims *inventory.Claims, identity string) inventory.Attrs {
	if c := claims.Of(identity); c != nil {
		return c.Said
	}
	return nil
}

// observations indexes snapshots by identity.
func observations(snaps []inventory.Snapshot) map[string]*inventory.Observation {
	n := 0
	for i := range snaps {
		n += len(snaps[i].Observations)
	}
	seen := make(map[string]*inventory.Observation, n)
	for i := range snaps {
		for j := range snaps[i].Observations {
			o := &snaps[i].Observations[j]
			seen[o.Resource.Identity] = o
		}
	}
	return seen
}

// A differ compares one resource.
type differ struct {
	want      *inventory.Resource
	have      *inventory.Observation
	applied   inventory.Applied
	terraform inventory.Attrs
	past      map[inventory.Path]Before
	now       time.Time
}

func (d *differ) change() (inventory.Change, bool) {
	c := inventory.Change{Addr: d.want.Addr, Want: *d.want, Have: *d.have, Digest: d.have.Digest, Action: inventory.ActionNone, Verdict: inventory.VerdictInSync}
	present := d.have.State == inventory.Present
	switch {
	case d.want.Policy.Absent && !present:
		return c, false
	case d.want.Policy.Absent:
		c.Action, c.Verdict, c.Impact = inventory.ActionDelete, inventory.VerdictPendingChange, inventory.ImpactDestroy
	case !present:
		c.Action, c.Verdict = inventory.ActionCreate, inventory.VerdictMissing
		c.Fields = d.creation()
		return c, true
	default:
		c.Unfinished = d.applied.Unfinished
		d.compare(&c)
		d.unstarted(&c)
	}
	d.identity(&c)
	return c, c.Verdict != inventory.VerdictInSync
}

// identity refuses to write to a guest that may be another one: the vmid belongs
// to a guest of the other kind, or its name is neither the declared nor the last
// applied one.
func (d *differ) identity(c *inventory.Change) {
	if have := d.have.Resource.Addr.Kind; have != "" && have != d.want.Addr.Kind {
		c.Verdict = inventory.VerdictConflict
		c.Block("kind", "%s is declared as %s, but %s is %s", d.want.Addr, article(d.want.Addr.Kind), d.want.Identity, article(have))
		return
	}
	live, wish, last := d.have.Resource.Name(), d.want.Name(), inventory.Text(d.applied.Attrs["name"])
	if wish == "" || live == wish || live == last {
		return
	}
	c.Block("identity", "%s is called %q there, which is neither the declared name %q nor the last applied one; if it is the same guest, declare its name or run recon adopt %s.name", d.want.Identity, live, wish, d.want.Addr)
	if wish == last {
		return // somebody renamed it: the drift of its name
	}
	c.Verdict = inventory.VerdictConflict
	if f := c.Field("name"); f != nil {
		f.Verdict = inventory.VerdictConflict
	}
}

func article(kind string) string {
	switch kind {
	case "vm":
		return "a VM"
	case "lxc":
		return "an LXC"
	}
	return "a " + kind
}

// compare fills in the fields that differ and the verdict of the whole.
func (d *differ) compare(c *inventory.Change) {
	kind := d.want.Kind()
	for p, v := range d.want.Attrs {
		attr, _, _ := kind.Lookup(p)
		if inventory.IsNull(v) || attr == nil || attr.Document || attr.Call == inventory.CallIdentity || d.removed(p, attr) {
			continue
		}
		d.add(c, inventory.FieldChange{Path: p, Attr: attr, Desired: v, Source: d.want.Origin[p]})
	}
	d.exact(c)
	sortFields(c.Fields, kind)
}

// exact adds what an exact manifest leaves out and live has. What a witness says of is
// not left out.
func (d *differ) exact(c *inventory.Change) {
	if !d.want.Policy.Exact {
		return
	}
	for _, p := range inventory.Undeclared(d.want.Attrs, d.have) {
		attr, _, _ := d.want.Kind().Lookup(p)
		f := inventory.FieldChange{Path: p, Attr: attr, Source: d.want.Range, Undeclared: true}
		if attr.Wire == inventory.WireAbsent {
			f.Desired = cty.True
		}
		if inventory.IsNull(d.terraform[p]) && !(attr.Wire == inventory.WireAbsent && d.terraform.Has(p.Parent())) {
			d.add(c, f)
		}
	}
}

// add judges a field, and adds it where the sides do not agree.
func (d *differ) add(c *inventory.Change, f inventory.FieldChange) {
	if !d.field(&f) {
		return
	}
	c.Fields = append(c.Fields, f)
	if f.Policy == "ignore" {
		return
	}
	c.Verdict = inventory.Heavier(c.Verdict, f.Verdict)
	if f.Writes() {
		c.Action = inventory.ActionUpdate
	}
}

// unstarted adds the start that the create block asks for to a guest that recon has made
// and not come to start.
func (d *differ) unstarted(c *inventory.Change) {
	how := d.want.Policy.Create
	if !c.Unfinished || how == nil || !how.Start || d.have.Running != nil || d.have.Volatile.Template {
		return
	}
	const power = "running"
	if attr := d.want.Kind().Attr(power); attr != nil && inventory.IsNull(d.want.Attrs[power]) {
		c.Fields = append(c.Fields, inventory.FieldChange{
			Path: power, Attr: attr, Desired: cty.True, Live: cty.False, Base: cty.False, Verdict: inventory.VerdictPendingChange, Policy: d.want.Policy.OnDrift, Impact: attr.Impact,
		})
		c.Action, c.Verdict = inventory.ActionUpdate, inventory.Heavier(c.Verdict, inventory.VerdictPendingChange)
	}
}

// sortFields puts fields in the order of the table.
func sortFields(fields []inventory.FieldChange, kind *inventory.Kind) {
	slices.SortFunc(fields, func(a, b inventory.FieldChange) int { return kind.Compare(a.Path, b.Path) })
}

// removed reports whether the author asks for the removal of the device to which
// the path belongs: then its other fields mean nothing.
func (d *differ) removed(p inventory.Path, attr *inventory.Attr) bool {
	return p.Parent() != "" && attr.Wire != inventory.WireAbsent && inventory.True(d.want.Attrs[p.Absent()])
}

// field compares one field with its wish, names the side that moved, and reports
// whether one did.
func (d *differ) field(f *inventory.FieldChange) bool {
	f.Policy, f.Impact = d.want.Policy.OnDrift, f.Attr.Impact
	f.Live, f.Running = inventory.ConfiguredValue(d.have, f.Path), inventory.RunningValue(d.have, f.Path)
	f.LastApplied, f.Terraform = d.applied.Attrs[f.Path], d.terraform[f.Path]
	if f.Attr.Wire == inventory.WireAbsent && !inventory.True(f.Desired) {
		return false
	}
	if d.want.Policy.IgnoreOf(f.Path, d.now) != nil {
		f.Policy = "ignore"
	}
	if f.Attr.WriteOnly {
		d.writeOnly(f)
	}
	f.Base = d.base(f)
	f.Verdict = verdict(f, d.have.Running != nil)
	f.NoWayBack = f.Writes() && d.want.Kind().NoWayBack(f.Path, f.Live, f.Desired)
	return f.Verdict != inventory.VerdictInSync
}

// writeOnly stands in for a value that the provider never tells. It agrees when
// there is one and nothing says that it is another: no memory, or the remembered
// hash fits.
func (d *differ) writeOnly(f *inventory.FieldChange) {
	f.Running = cty.NilVal
	set := slices.Contains(d.have.Volatile.MaskedSet, f.Path)
	remembered := inventory.Text(f.LastApplied)
	f.LastApplied = cty.NilVal
	switch {
	case !set && remembered != "":
		f.Live, f.LastApplied = cty.NilVal, f.Desired // it was there, and somebody took it away
	case !set:
		f.Live = cty.NilVal
	case remembered == "" || SecretMatches(remembered, inventory.Text(f.Desired)):
		f.Live = f.Desired
	default:
		f.Live = cty.StringVal("")
		f.LastApplied = f.Live
	}
}

// base is the value on which manifest and live last agreed, as far as a witness knows:
// what was last applied, else what Terraform says, else what was remembered when the
// manifest began to speak of the field, else what the manifests said before. It is
// null when nobody knows.
func (d *differ) base(f *inventory.FieldChange) cty.Value {
	switch remembered, known := d.applied.Bases[f.Path]; {
	case !inventory.IsNull(d.applied.Begun[f.Path]) && f.Attr.Same(d.applied.Begun[f.Path], f.Live):
		return f.Live // recon's own value, which the run that set it could not tell of
	case !inventory.IsNull(f.LastApplied):
		return f.LastApplied
	case !inventory.IsNull(f.Terraform):
		return f.Terraform
	case known && !inventory.IsNull(remembered):
		return remembered
	case f.Undeclared && inventory.True(d.applied.Bases[inventory.ExactPath]):
		return d.leftOut(f)
	case d.applied.Identity != "" && !known:
		return absentIfNull(f.Live) // the resource is known, and this field is new in the manifest
	}
	before, known := d.past[f.Path]
	switch {
	case !known:
		return cty.NilVal
	case before.Never:
		return wished(f)
	case inventory.IsNull(before.Value.Value):
		return absentIfNull(f.Live)
	}
	return before.Value.Value
}

// leftOut is the base of what an exact manifest left out before, too: the default, or
// for a device that it no longer speaks of that it was there.
func (d *differ) leftOut(f *inventory.FieldChange) cty.Value {
	if f.Attr.Wire == inventory.WireAbsent && d.applied.Attrs.Has(f.Path.Parent()) {
		return cty.False
	}
	return wished(f)
}

// wished is what a manifest asks for in a field, with words or by leaving it out.
func wished(f *inventory.FieldChange) cty.Value { return absentIfNull(f.Wish()) }

// noValue stands for a field that live does not have. Null would mean that nobody
// knows.
var noValue = cty.StringVal("(none)")

func absentIfNull(v cty.Value) cty.Value {
	if inventory.IsNull(v) {
		return noValue
	}
	return v
}

// verdict is the table of values: desired, live, running and Terraform, with the base
// that tells which side moved.
func verdict(f *inventory.FieldChange, running bool) inventory.Verdict {
	same := f.Attr.Same
	if same(f.Desired, f.Live) {
		switch {
		case !inventory.IsNull(f.Terraform) && !same(f.Desired, f.Terraform):
			return inventory.VerdictTerraformStale
		case running && hasRunning(f) && !f.Attr.SameInUse(f.Live, f.Running):
			return inventory.VerdictPendingReboot
		}
		return inventory.VerdictInSync
	}
	switch {
	case inventory.IsNull(f.Base):
		return inventory.VerdictDiffers
	case same(f.Base, wished(f)):
		return inventory.VerdictDrift
	case same(f.Base, absentIfNull(f.Live)), same(f.Base, f.Live):
		return inventory.VerdictPendingChange
	}
	return inventory.VerdictConflict
}

// Undecided lists the fields of which nobody but the history of the manifests could
// tell which side moved, by address.
func Undecided(in Input) map[inventory.Address][]inventory.Path {
	out := map[inventory.Address][]inventory.Path{}
	for _, c := range Diff(in) {
		for _, f := range c.Fields {
			if f.Verdict == inventory.VerdictDiffers {
				out[c.Addr] = append(out[c.Addr], f.Path)
			}
		}
	}
	return out
}

// hasRunning reports whether a field has a value in use beside the configured one.
func hasRunning(f *inventory.FieldChange) bool {
	return !f.Attr.WriteOnly && (!f.Attr.Derived() || f.Attr.Wire == inventory.WireAbsent)
}

// creation lists the declared fields of a guest that does not exist.
func (d *differ) creation() []inventory.FieldChange {
	kind := d.want.Kind()
	var out []inventory.FieldChange
	for p, v := range d.want.Attrs {
		attr, _, _ := kind.Lookup(p)
		if inventory.IsNull(v) || attr == nil || attr.Document || d.removed(p, attr) || attr.Wire == inventory.WireAbsent {
			continue
		}
		out = append(out, inventory.FieldChange{
			Path: p, Attr: attr, Desired: d.want.Attrs[p], LastApplied: d.applied.Attrs[p], Terraform: d.terraform[p], Verdict: inventory.VerdictMissing,
			Policy: d.want.Policy.OnDrift, Source: d.want.Origin[p],
		})
	}
	sortFields(out, kind)
	return out
}
