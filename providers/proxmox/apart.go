package proxmox

import (
	"slices"

	"recon/inventory"
)

// The calls of a change that come before and after those of single devices.
const (
	ofGuest = ""  // what Proxmox refuses for one reason or not at all
	ofSlots = "~" // what names devices, which have to be there
)

// apart parts fields by what they may be refused for: a volume that cannot be made or a
// device that is busy is no reason to lose the number of cores.
func (b *stepBuilder) apart(fields []inventory.FieldChange) [][]inventory.FieldChange {
	var order []string
	groups := map[string][]inventory.FieldChange{}
	for _, f := range fields {
		key := b.callOf(&f)
		if groups[key] == nil {
			order = append(order, key)
		}
		groups[key] = append(groups[key], f)
	}
	slices.SortStableFunc(order, func(x, y string) int { return callRank(x) - callRank(y) })
	out := make([][]inventory.FieldChange, 0, len(order))
	for _, key := range order {
		out = append(out, groups[key])
	}
	return out
}

func callRank(key string) int {
	switch key {
	case ofGuest:
		return 0
	case ofSlots:
		return 2
	}
	return 1
}

// callOf names the call that a field belongs to: its device's, its own where Proxmox has
// a reason of its own to refuse it, else the one for the rest of the guest.
func (b *stepBuilder) callOf(f *inventory.FieldChange) string {
	attr, block, slot := b.kind.Lookup(f.Path)
	switch {
	case attr.Slots:
		return ofSlots
	case block != nil && !block.Flat:
		return b.keyOf(block, slot)
	case f.Path == ciDrive || f.Path == ciStorage:
		return string(ciDrive)
	case attr.Apart():
		return attr.Key
	}
	return ofGuest
}
