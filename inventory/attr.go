package inventory

import "github.com/zclconf/go-cty/cty"

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

// The spellings that Proxmox uses. From WireVolume on the value is no key of its
// own: it is read out of something else, and written by a call or with the device.
const (
	WirePlain     Wire = iota // a string, a number, or 0/1
	WireMiB                   // a size in whole MiB
	WireSize                  // a size with a unit letter: 32G; changed by a call of its own
	WireSemicolon             // a list joined by ;
	WireComma                 // a set joined by commas; 0 is none, 1 the default
	WireSpace                 // a list joined by blanks
	WireOnOff                 // a boolean spelled on and ignore (discard)
	WireSSHKeys               // lines, URL-encoded with %20, never +
	WireFeatures              // a set spelled keyctl=1,mount=nfs;cifs
	WireText                  // free text; trailing white space is lost
	WireURL                   // text, URL-encoded

	WireVolume  // the volume of a drive: storage:name, or a path
	WireMedium  // the medium of a CD drive, which is such a volume and can be changed
	WireStorage // what stands before the colon of the volume
	WireFormat  // the ending of the volume's name
	WireFolder  // the volume, when it is a path of the node
	WireAbsent  // true when the device is not there
	WireDerived // anything else; the provider has its own line for it
)

// A Call says by which call a provider changes what is no part of a configuration.
type Call int

// The calls.
const (
	NoCall       Call = iota
	CallIdentity      // never changed: it says which resource is meant
	CallMigrate       // to another node
	CallPool          // into another pool
	CallPower         // start or shut down
)

// A Group says with what a value stands in an imported manifest.
type Group int

// The groups, in order.
const (
	GroupDoes Group = iota // how it behaves
	GroupWho               // who it is
	GroupHas               // what it has
)

// An Import says when an observed value is written into an imported manifest.
type Import int

// The rules.
const (
	ImportUnlessDefault Import = iota // when it is not the default
	ImportAlways
	ImportNever
	ImportUnlessLabel // when it is not the block's label
	ImportUnlessEmpty // when it is not ""
)

// A Column says as what documents show a value.
type Column int

// The columns of documents.
const (
	NoColumn Column = iota
	ColumnCores
	ColumnMemory
	ColumnAddress // of a network device; with it stand the gateway and the VLAN
	ColumnGateway // of the address before it
	ColumnVLAN    // of the device
	ColumnMAC     // of a network device
	ColumnDNS     // name servers
	ColumnStorage // of a volume
	ColumnSize    // of a volume
	ColumnPath    // where a volume is mounted
	ColumnNotes   // free text of whoever administers the guest
	ColumnPurpose // the author's words
)

// A Reference says what the value of an attribute names, so that a plan can look
// whether there is such a thing.
type Reference int

// The things that are named.
const (
	NoReference Reference = iota
	NamesNode
	NamesBridge  // or a virtual network
	NamesVLAN    // tags that the device's bridge has to carry
	NamesStorage // that holds what Content says
	NamesVolume  // on a storage: an ISO image
	NamesPool
	NamesMapping // of hardware, of the type that Content says
)

// A Need is something that a provider's permission system asks for.
type Need struct {
	Any []string // one of these privileges is enough

	// Path is where they are asked. {vmid} is the guest, {NAME} the value of the
	// device's attribute NAME, {storage:NAME} the storage of the volume that it names,
	// {zone:NAME} the SDN zone of the bridge, and {tags:A,B} each VLAN of A and B, or
	// nothing when there is none. Where another value is missing nothing is asked.
	Path string

	Old  bool              // asked of the value that is replaced, too
	Of   string            // the attribute on whose value When depends
	When func(string) bool // asked only where this holds; nil is always
}

// A Plug says what a change does to a running guest that takes it without a
// restart, and when it does.
type Plug struct {
	Word   string // the word in the guest's hotplug setting that allows it; "" needs none
	Impact Impact
	When   func(live, desired cty.Value, guest Attrs) bool // nil is always
}

// An Attr describes one attribute of a Kind.
type Attr struct {
	Name   string   // as in manifests, and the last part of its Path
	Key    string   // the provider's key; within a property string the sub-key
	Sub    string   // the sub-key, for a top-level attribute that lives in a property string
	Lead   bool     // the sub-key stands first and without its name
	Alias  []string // other names of the sub-key
	Not    string   // the attribute of the device that this one takes the place of
	Beside string   // the key of the same number that holds the sub-key, when it is not the device's own: ipconfig
	Type   cty.Type // cty.String, cty.Number, cty.Bool, list or set of strings
	Unit   Unit
	Wire   Wire
	Call   Call

	Required   bool // must be written in the manifest
	Computed   bool // observed only; never written in a manifest
	Frozen     bool // cannot be changed once the guest exists
	Secret     bool // its value never appears in any output
	WriteOnly  bool // the provider never tells the value; compared by remembered hash
	Document   bool // for documents only; never sent, never compared
	RootOnly   bool // Proxmox lets only root@pam itself set it, no token
	Fraction   bool // a number that need not be whole
	Lower      bool // held in lower case
	Always     bool // the key cannot be taken out of the configuration, the sub-key not out of its property string
	Slots      bool // its words are slots of the guest's own devices
	Registered bool // the provider may keep some of its words for administrators
	Fleeting   bool // changes by itself, so that a change is nobody's news

	Default  cty.Value         // what the provider means when the key is absent; NilVal when it has no fixed default
	Enum     []string          // the values allowed; nil means any
	Meant    map[string]string // what people write for a value of Enum, in lower case
	Min, Max int64             // bounds of a number, in Unit; both 0 means none
	Grain    int64             // a new volume is made of whole ones of these
	Impact   Impact            // the worst case; the provider lowers it by power state, hotplug and device
	Plug     *Plug             // what a running guest takes more easily
	Names    Reference         // what the value names
	Content  string            // of the storage or the mapping that is named
	Needs    []Need            // what the provider's permission system asks for
	Since    string            // the first version of the provider that knows it: "9.1"
	Group    Group
	Import   Import
	Column   Column
	Doc      string

	// RootOnlyUnless says of a device's value whether tokens may set it. A device that
	// has any other value, before or after, is root@pam's with all that it has.
	RootOnlyUnless func(string) bool

	// RootOnlyChange reports a change that only root@pam may make although the value
	// itself is free.
	RootOnlyChange func(live, desired cty.Value, guest Attrs) bool

	// Spellings are some that mean the same: what they have in common is what Equal
	// looks at. Words of a list are separated by blanks.
	Spellings []string

	// Equal compares two non-null values; nil means canonical equality.
	Equal func(a, b cty.Value) bool

	// Check reports a value that the type allows and the provider would not take;
	// nil means that the type says it all.
	Check func(cty.Value) error
}

// Derived reports whether the attribute is no key of the device's own, so that the
// provider tells its configured value alone.
func (a *Attr) Derived() bool { return a.Wire >= WireVolume || a.Beside != "" }

// Apart reports whether the provider may refuse the attribute for a reason that other
// attributes of the resource do not share: what it names, who may set it, since when it
// is known.
func (a *Attr) Apart() bool {
	return a.Names != NoReference || a.RootOnly || a.RootOnlyChange != nil || a.Since != "" || a.Registered
}

// Same reports whether two values of the attribute mean the same. An absent value
// means the attribute's default; without one, null equals only null. A value that is
// not of the attribute's type means what it is, and nothing else.
func (a *Attr) Same(want, have cty.Value) bool {
	want, have = a.orDefault(want), a.orDefault(have)
	switch {
	case IsNull(want) || IsNull(have):
		return IsNull(want) == IsNull(have)
	case !a.Takes(want) || !a.Takes(have):
		return want.RawEquals(have)
	case a.Equal != nil:
		return a.Equal(want, have)
	case Holds(want, cty.String):
		return want.AsString() == have.AsString()
	case Holds(want, cty.Number):
		return want.AsBigFloat().Cmp(have.AsBigFloat()) == 0
	}
	return want.RawEquals(have)
}

func (a *Attr) orDefault(v cty.Value) cty.Value {
	if IsNull(v) {
		return a.Default
	}
	return v
}

// SameInUse reports whether what is configured and what is in use mean the same. An
// absent value on either side is the attribute's default.
func (a *Attr) SameInUse(configured, running cty.Value) bool {
	configured = a.orDefault(configured)
	return IsNull(configured) && IsNull(running) || a.Same(configured, running)
}
