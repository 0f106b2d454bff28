package inventory

import (
	"maps"
	"slices"
)

// An exact resource says with what it leaves out, too: it is at its default there. This
// file says of which attributes that can be said at all.

// ExactPath stands in what is remembered of a resource for its being exact.
const ExactPath Path = "exact"

// Undeclared lists, in the order of the table, what is there, or still in use, although
// an exact manifest leaves it out: attributes that are not at their default, and devices
// of which it says nothing, each by its field "absent".
func Undeclared(want Attrs, o *Observation) []Path {
	kind, found := o.Resource.Kind(), map[Path]bool{}
	for _, side := range []Attrs{o.Resource.Attrs, o.Running} {
		for p, v := range side {
			attr, block, slot := kind.Lookup(p)
			if attr == nil || IsNull(v) {
				continue
			}
			if block != nil && block.isDevice() {
				gone := block.Path(slot, absentName)
				if !want.Has(gone.Parent()) {
					found[gone] = true
				}
				if !want.Has(gone.Parent()) || True(want[gone]) {
					continue
				}
			}
			if IsNull(want[p]) && attr.canBeLeftOut(block) && !attr.Same(attr.Default, v) {
				found[p] = true
			}
		}
	}
	return slices.SortedFunc(maps.Keys(found), kind.Compare)
}

// isDevice reports a block that is there or not, and can be taken out.
func (b *Block) isDevice() bool { return b.Wired(WireAbsent) != nil }

// Leads reports an attribute without which a device is not there, whatever its default.
func (b *Block) Leads(a *Attr) bool { return b.isDevice() && a.Key != "" && a.Key == b.DefaultKey }

// canBeLeftOut reports an attribute whose absence from an exact manifest means its
// default. Where a guest is and whether it runs, its pool, MAC addresses and volumes stay
// nobody's opinion, and what a device cannot do without has no default.
func (a *Attr) canBeLeftOut(b *Block) bool {
	switch {
	case a.Computed, a.Document, a.Secret, a.WriteOnly, a.Fleeting, a.Not != "":
		return false
	case a.Call != NoCall, a.Column == ColumnMAC, a.Wire == WireSize, a.Wire >= WireVolume:
		return false
	case !IsNull(a.Default):
		return true
	}
	return !a.Always && (b == nil || !b.Leads(a))
}
