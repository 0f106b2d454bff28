package terraform

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/zclconf/go-cty/cty"

	"recon/inventory"
)

// A Guest is what a state says of one VM or container.
type Guest struct {
	Kind    string // vm or lxc
	VMID    int    // 0 when the state does not know it
	Address string // module.vm["media"].proxmox_virtual_environment_vm.this
	Type    string // the resource's type
	Source  string // terraform.proxmox
	Attrs   inventory.Attrs
	Secrets []string // names of sensitive attributes that have a value

	assumed map[inventory.Path]bool  // the provider also says so of a key that is not there
	coarse  map[inventory.Path]int64 // the value is known only as a multiple of this, rounded down
	listed  map[string]bool          // blocks whose devices are listed in order, without their slots
	res     *resource                // for looking up where the code says what
	hidden  []string                 // secret values, for taking them out of text
	veiled  []inventory.Path         // fields that are left out because their values are secret
}

// A place is where code spells a field.
type place struct {
	steps []step // blocks on the way, the attribute last
	as    conversion
}

// A step is one block or attribute, and which one of several.
type step struct {
	name  string
	index int
}

// Agreeing returns what the state says of a guest, held against what is live, so
// that equal things are equal: devices get the slots that live has, values of which
// the state knows less than live (whole GiB) take live's spelling, and what the
// provider would also say of a key that is not there is left out where live has no
// such key. Differs are the fields in which the two differ, in the order of the
// table; whether the guest runs is no configuration and is not among them.
func (g *Guest) Agreeing(live inventory.Attrs) (said inventory.Attrs, differs []inventory.Path) {
	kind := inventory.KindOf(g.Kind)
	said = make(inventory.Attrs, len(g.Attrs))
	names := g.slots(live)
	for mine, v := range g.Attrs {
		p := renamed(kind, mine, names)
		attr, _, _ := kind.Lookup(p)
		have := live[p]
		switch {
		case inventory.IsNull(have) && g.assumed[mine]:
			continue
		case !attr.Same(v, have) && !g.roughly(mine, v, have):
			if p != "running" && p != "template" {
				differs = append(differs, p)
			}
		case !inventory.IsNull(have):
			v = have
		}
		said[p] = v
	}
	slices.SortFunc(differs, kind.Compare)
	return said, differs
}

// roughly reports whether live is what the state rounds down.
func (g *Guest) roughly(p inventory.Path, v, live cty.Value) bool {
	unit := g.coarse[p]
	n, ok1 := inventory.Int(v)
	have, ok2 := inventory.Int(live)
	return unit > 0 && ok1 && ok2 && have-have%unit == n
}

// slots pairs the devices that the state lists in order with those that live has,
// when there are as many.
func (g *Guest) slots(live inventory.Attrs) map[string]string {
	var out map[string]string
	for block := range g.listed {
		mine, theirs := g.Attrs.Slots(block), live.Slots(block)
		if len(mine) != len(theirs) || slices.Equal(mine, theirs) {
			continue
		}
		if out == nil {
			out = map[string]string{}
		}
		for i := range mine {
			out[block+"."+mine[i]] = theirs[i]
		}
	}
	return out
}

func renamed(kind *inventory.Kind, p inventory.Path, names map[string]string) inventory.Path {
	if names == nil {
		return p
	}
	_, block, slot := kind.Lookup(p)
	if block == nil || slot == "" {
		return p
	}
	if other, ok := names[block.Name+"."+slot]; ok {
		return block.Path(other, p.Leaf())
	}
	return p
}

// places maps the guest's fields to where code spells them. It is made anew: few
// guests are ever asked.
func (g *Guest) places() map[inventory.Path]place {
	m := &mapping{res: g.res, kind: inventory.KindOf(g.Kind), guest: &Guest{Attrs: inventory.Attrs{}, assumed: map[inventory.Path]bool{}, coarse: map[inventory.Path]int64{}, listed: map[string]bool{}}, places: map[inventory.Path]place{}}
	mapperOf(g.Type).read(m, object{values: g.res.values})
	return m.places
}

// guests maps every guest of a state. Sources order them by address.
func guests(s *state, source string) []*Guest {
	out := make([]*Guest, 0, len(s.resources))
	for i := range s.resources {
		out = append(out, newGuest(&s.resources[i], source))
	}
	slices.SortStableFunc(out, func(a, b *Guest) int { return inventory.NaturalCompare(a.Address, b.Address) })
	return out
}

func newGuest(r *resource, source string) *Guest {
	m := mapperOf(r.typ)
	g := &Guest{
		Kind: m.kind, Address: r.address, Type: r.typ, Source: source, Attrs: inventory.Attrs{},
		assumed: map[inventory.Path]bool{}, coarse: map[inventory.Path]int64{}, listed: map[string]bool{}, res: r,
	}
	g.Secrets, g.hidden = r.secrets()
	m.read(&mapping{res: r, kind: inventory.KindOf(m.kind), guest: g}, object{values: r.values})
	if g.VMID > 0 {
		g.Attrs["vmid"] = cty.NumberIntVal(int64(g.VMID))
	}
	return g
}

// Identity returns the guest's identity in a cluster, "" without a vmid.
func (g *Guest) Identity(cluster string) string {
	if g.VMID == 0 {
		return ""
	}
	return fmt.Sprintf("%s/%d", cluster, g.VMID)
}

// vmidOf reads a vmid that stands in one of several places: a number, or the end
// of an id such as pve1/qemu/100.
func vmidOf(candidates ...any) int {
	for _, c := range candidates {
		s := text(c)
		for i := len(s) - 1; i >= 0; i-- {
			if s[i] == '/' {
				s = s[i+1:]
				break
			}
		}
		if n, err := strconv.Atoi(s); err == nil && n > 0 {
			return n
		}
	}
	return 0
}

// A mapper turns the resources of one type into guests.
type mapper struct {
	kind string
	read func(m *mapping, o object)
}

// mappers are the resource types that stand for guests.
func mappers() map[string]*mapper {
	out := map[string]*mapper{}
	for _, name := range []string{"proxmox_virtual_environment_vm", "proxmox_virtual_environment_vm2", "proxmox_virtual_environment_cloned_vm", "proxmox_vm", "proxmox_cloned_vm"} {
		out[name] = &mapper{"vm", bpgVM}
	}
	for _, name := range []string{"proxmox_virtual_environment_container", "proxmox_container"} {
		out[name] = &mapper{"lxc", bpgContainer}
	}
	maps.Copy(out, map[string]*mapper{
		"proxmox_vm_qemu":   {"vm", telmateVM},
		"proxmox_lxc":       {"lxc", telmateLXC},
		"proxmox_lxc_guest": {"lxc", telmateGuest},
	})
	return out
}
