package inventory

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// A Block groups attributes of one device or subject of a resource.
type Block struct {
	Name  string      // network
	Slots []SlotRange // the labels it takes; nil for a block without label
	Key   string      // the provider's key of a block without label: rootfs
	Attrs []*Attr
	Doc   string

	Free   bool // any absolute path is a label: path "/data"
	Repeat bool // may be written several times, without label; the slots are 0, 1, ...
	Flat   bool // its attributes are keys of the configuration, not sub-keys of one

	DefaultKey string // the sub-key that stands first and without its name
	Card       bool   // a network card of a VM: virtio=MAC means model and MAC at once
	Shares     string // the block that shares its slots; the medium tells which of the two a drive is
	Plug       *Plug  // what plugging the device in does
	Needs      []Need // what writing any of it asks for
	FreeRemove bool   // who may not change the device may still remove it
}

// Labelled reports whether the paths of the block have a slot.
func (b *Block) Labelled() bool { return b.Slots != nil || b.Free || b.Repeat }

// A SlotRange is a run of device slots: {"net", 0, 31}.
type SlotRange struct {
	Prefix   string
	From, To int
	Fixed    bool // what is there cannot be plugged while the guest runs
}

// String returns the range as documentation shows it.
func (r SlotRange) String() string {
	return fmt.Sprintf("%s%d..%s%d", r.Prefix, r.From, r.Prefix, r.To)
}

// HasSlot reports whether the label names a slot of the block.
func (b *Block) HasSlot(label string) bool {
	if b.Free {
		return strings.HasPrefix(label, "/")
	}
	if b.Repeat {
		n, err := strconv.Atoi(label)
		return err == nil && n >= 0 && strconv.Itoa(n) == label
	}
	for _, r := range b.Slots {
		digits, ok := strings.CutPrefix(label, r.Prefix)
		n, err := strconv.Atoi(digits)
		if ok && err == nil && strconv.Itoa(n) == digits && n >= r.From && n <= r.To {
			return true
		}
	}
	return false
}

// Attr returns the block's attribute of that name, or nil.
func (b *Block) Attr(name string) *Attr { return findAttr(b.Attrs, name) }

// Wired returns the block's attribute that is spelled that way, or nil.
func (b *Block) Wired(w Wire) *Attr {
	for _, a := range b.Attrs {
		if a.Wire == w {
			return a
		}
	}
	return nil
}

// Path returns the path of an attribute in the given slot; the slot is "" for a
// block without label.
func (b *Block) Path(slot, attr string) Path {
	if slot == "" {
		return Path(b.Name + "." + attr)
	}
	return Path(b.Name + "." + slot + "." + attr)
}

// A Kind is a table of everything that can be said about one sort of resource.
type Kind struct {
	Name   string
	Doc    string
	Attrs  []*Attr
	Blocks []*Block
	Config Need // what a change of any key of the configuration asks for
}

// Attr returns the top-level attribute of that name, or nil.
func (k *Kind) Attr(name string) *Attr { return findAttr(k.Attrs, name) }

// Block returns the block of that name, or nil.
func (k *Kind) Block(name string) *Block {
	for _, b := range k.Blocks {
		if b.Name == name {
			return b
		}
	}
	return nil
}

// Lookup finds the attribute that a path names, with its block and slot when it
// has them. It returns nil when the kind knows no such path.
func (k *Kind) Lookup(p Path) (attr *Attr, block *Block, slot string) {
	name, rest, nested := strings.Cut(string(p), ".")
	if !nested {
		return k.Attr(name), nil, ""
	}
	b, dot := k.Block(name), strings.LastIndexByte(rest, '.') // a free label may hold dots
	switch {
	case b == nil:
	case !b.Labelled() && dot < 0:
		return b.Attr(rest), b, ""
	case b.Labelled() && dot >= 0 && b.HasSlot(rest[:dot]):
		return b.Attr(rest[dot+1:]), b, rest[:dot]
	}
	return nil, nil, ""
}

// IsAbsent reports whether a path is the field with which a device is asked to go.
func (k *Kind) IsAbsent(p Path) bool {
	a, _, _ := k.Lookup(p)
	return a != nil && a.Wire == WireAbsent
}

// Knows reports whether a path names an attribute, a block or a slot of the kind.
func (k *Kind) Knows(p Path) bool {
	if a, _, _ := k.Lookup(p); a != nil {
		return true
	}
	name, slot, _ := strings.Cut(string(p), ".")
	b := k.Block(name)
	return b != nil && (slot == "" || b.HasSlot(slot))
}

// Compare orders paths as the table does: top-level attributes first, then
// blocks, slots in natural order, attributes as they stand in the table.
func (k *Kind) Compare(a, b Path) int {
	if a == b {
		return 0
	}
	if c := k.rank(a) - k.rank(b); c != 0 {
		return c
	}
	if c := NaturalCompare(string(a.Parent()), string(b.Parent())); c != 0 {
		return c
	}
	return k.leafRank(a) - k.leafRank(b)
}

func (k *Kind) rank(p Path) int {
	first, _, nested := strings.Cut(string(p), ".")
	if !nested {
		return slices.IndexFunc(k.Attrs, func(a *Attr) bool { return a.Name == first })
	}
	return len(k.Attrs) + slices.IndexFunc(k.Blocks, func(b *Block) bool { return b.Name == first })
}

func (k *Kind) leafRank(p Path) int {
	_, b, _ := k.Lookup(p)
	if b == nil {
		return 0
	}
	return slices.IndexFunc(b.Attrs, func(a *Attr) bool { return a.Name == p.Leaf() })
}

func findAttr(attrs []*Attr, name string) *Attr {
	for _, a := range attrs {
		if a.Name == name {
			return a
		}
	}
	return nil
}

var kinds = sync.OnceValue(func() []*Kind { return []*Kind{vmKind(), lxcKind(), daemonKind(), serviceKind()} })

// Kinds returns the kinds of resource that recon reconciles. The tables are
// shared and must not be changed.
func Kinds() []*Kind { return kinds() }

// KindOf returns the kind of that name, or nil.
func KindOf(name string) *Kind {
	for _, k := range Kinds() {
		if k.Name == name {
			return k
		}
	}
	return nil
}
