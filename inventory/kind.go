package inventory

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/zclconf/go-cty/cty"
)

// A Unit says what a number means. Values are always held in the unit named
// here, whatever the provider writes.
type Unit string

// The units of numbers.
const (
	NoUnit  Unit = ""
	Bytes   Unit = "bytes"   // a size; written in manifests as "8GiB"
	Seconds Unit = "seconds" // a duration
	MBps    Unit = "MB/s"    // a rate, as Proxmox counts it
)

// A Wire says how a provider spells a value. It is data, so that one row of a
// table is all that an ordinary attribute needs.
type Wire int

// The spellings that Proxmox uses.
const (
	WirePlain     Wire = iota // a string, a number, or 0/1
	WireMiB                   // a size in whole MiB
	WireSize                  // a size with a unit letter: 32G
	WireSemicolon             // a list joined by ;
	WireSpace                 // a list joined by blanks
	WireOnOff                 // a boolean spelled on and ignore (discard)
	WireSSHKeys               // lines, URL-encoded with %20, never +
	WireFlags                 // a set spelled +aes;-pcid (cpu flags)
	WireFeatures              // a set spelled keyctl=1,mount=nfs;cifs
	WireText                  // free text; trailing white space is lost
	WireDerived               // not a config key; the provider has its own line for it
)

// An Attr describes one attribute of a Kind.
type Attr struct {
	Name string   // as in manifests, and the last part of its Path
	Key  string   // the provider's key; within a property string the sub-key
	Sub  string   // the sub-key, for a top-level attribute that lives in a property string
	Type cty.Type // cty.String, cty.Number, cty.Bool, list or set of strings
	Unit Unit
	Wire Wire

	Required  bool // must be written in the manifest
	Computed  bool // observed only; never written in a manifest
	Frozen    bool // cannot be changed once the guest exists
	Secret    bool // its value never appears in any output
	WriteOnly bool // the provider never tells the value; compared by remembered hash
	Document  bool // for documents only; never sent, never compared
	RootOnly  bool // Proxmox lets only root@pam itself set it, no token

	Default   cty.Value // what the provider means when the key is absent; NilVal when it has no fixed default
	Enum      []string  // the values allowed; nil means any
	Min, Max  int64     // bounds of a number, in Unit; both 0 means none
	Impact    Impact    // the worst case; the provider lowers it by power state, hotplug and device
	Privilege string    // what the provider's permission system asks for
	Doc       string

	// Equal compares two non-null values; nil means canonical equality.
	Equal func(a, b cty.Value) bool

	// Check reports a value that the type allows and the provider would not take;
	// nil means that the type says it all.
	Check func(cty.Value) error
}

// Same reports whether two values of the attribute mean the same. An absent value
// means the attribute's default; without one, null equals only null.
func (a *Attr) Same(want, have cty.Value) bool {
	if a.Default != cty.NilVal {
		if IsNull(want) {
			want = a.Default
		}
		if IsNull(have) {
			have = a.Default
		}
	}
	if IsNull(want) || IsNull(have) {
		return IsNull(want) == IsNull(have)
	}
	if a.Equal != nil {
		return a.Equal(want, have)
	}
	return sameScalar(want, have) || want.RawEquals(have)
}

// sameScalar is the short way for equal numbers and strings, which are most of what
// is compared. cty's way writes numbers out, since 0.1 has as many values as
// precisions.
func sameScalar(a, b cty.Value) bool {
	if !a.IsKnown() || !b.IsKnown() || a.Type() != b.Type() {
		return false
	}
	switch a.Type() {
	case cty.Number:
		return a.AsBigFloat().Cmp(b.AsBigFloat()) == 0
	case cty.String:
		return a.AsString() == b.AsString()
	}
	return false
}

// SameInUse reports whether what is configured and what is in use mean the same. An
// absent value on either side is the attribute's default.
func (a *Attr) SameInUse(configured, running cty.Value) bool {
	if IsNull(configured) && a.Default != cty.NilVal {
		configured = a.Default
	}
	return IsNull(configured) && IsNull(running) || a.Same(configured, running)
}

// A Block groups attributes of one device or subject of a resource.
type Block struct {
	Name  string      // network
	Slots []SlotRange // the labels it takes; nil for a block without label
	Key   string      // the provider's key of a block without label: rootfs
	Attrs []*Attr
	Doc   string

	Free   bool // any absolute path is a label: path "/data"
	Repeat bool // may be written several times, without label; the slots are 0, 1, ...
}

// Labelled reports whether the paths of the block have a slot.
func (b *Block) Labelled() bool { return b.Slots != nil || b.Free || b.Repeat }

// A SlotRange is a run of device slots: {"net", 0, 31}.
type SlotRange struct {
	Prefix    string
	From, To  int
	Privilege string // when the slot's device asks for a privilege of its own
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
