package inventory

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// Attrs holds the fields of a resource by path. A missing path and a null value
// mean the same: nothing is said.
type Attrs map[Path]cty.Value

// Get returns the value at a path, cty.NilVal when there is none.
func (a Attrs) Get(p Path) cty.Value { return a[p] }

// Has reports whether anything is said at the path or below it.
func (a Attrs) Has(outer Path) bool {
	for p, v := range a {
		if p.In(outer) && !IsNull(v) {
			return true
		}
	}
	return false
}

// Slots returns the labels of a block that have any field, in natural order.
func (a Attrs) Slots(block string) []string {
	seen := map[string]bool{}
	for p := range a {
		rest, ok := strings.CutPrefix(string(p), block+".")
		if dot := strings.LastIndexByte(rest, '.'); ok && dot >= 0 {
			seen[rest[:dot]] = true
		}
	}
	return slices.SortedFunc(maps.Keys(seen), NaturalCompare)
}

// A Resource is what one side says about one thing: the author in a manifest, or
// a provider after a look.
type Resource struct {
	Addr     Address
	Identity string // home/111: cluster and vmid; what makes it the same thing
	Provider string // proxmox.home
	Attrs    Attrs
	Origin   map[Path]hcl.Range // where each field was written; empty for observed resources
	Range    hcl.Range          // the block
	Policy   Policy
}

// Name returns the resource's own name, "" when it has none.
func (r *Resource) Name() string { return Text(r.Attrs["name"]) }

// Node returns the node on which the resource is, or is wished to be.
func (r *Resource) Node() string { return Text(r.Attrs["node"]) }

// Kind returns the table of the resource's kind.
func (r *Resource) Kind() *Kind { return KindOf(r.Addr.Kind) }

// A Policy is what the author says about how recon may treat a resource.
type Policy struct {
	Absent     bool // the resource shall not exist
	Protect    bool // recon never changes it
	Exact      bool // what the manifest leaves out must be at its default
	OnDrift    string
	Heal       Heal // where OnDrift is "heal"
	Ignore     []Ignore
	Create     *Create
	DependsOn  []Address
	Gates      []Address // checks that have to hold before recon changes it
	References []Address // resources whose values this one uses
	Terraform  string    // terraform_address
	Aliases    []string  // other names of it in documents
	Owner      string    // "recon": recon writes to it even when Terraform knows it; "" otherwise
}

// An Ignore takes a field out of the comparison until a day.
type Ignore struct {
	Path   Path
	Until  time.Time // zero: for good
	Reason string
	Range  hcl.Range
}

// A Create says how a resource is made when it does not exist.
type Create struct {
	Clone    string // name or vmid of a template
	Full     bool   // full clone; a linked clone otherwise
	Template string // a container template volume
	Storage  string
	Node     string
	Start    bool
	Password cty.Value // root password of a new container; secret
	SSHKeys  []string
	Range    hcl.Range
}

// IgnoreOf returns the ignore rule that covers a path on that day, or nil.
func (p *Policy) IgnoreOf(path Path, now time.Time) *Ignore {
	for i := range p.Ignore {
		ig := &p.Ignore[i]
		if path.In(ig.Path) && (ig.Until.IsZero() || now.Before(ig.Until)) {
			return ig
		}
	}
	return nil
}

// Label turns a guest's name into a block label: lower case, [a-z][a-z0-9-]*.
// A name that gives no label, as an empty one, becomes vm-<vmid>.
func Label(name string, vmid int) string {
	var b strings.Builder
	dash := false
	for _, r := range strings.ToLower(name) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			if dash && b.Len() > 0 {
				b.WriteByte('-')
			}
			dash = false
			b.WriteRune(r)
		default:
			dash = true
		}
	}
	label := b.String()
	if label == "" || label[0] < 'a' {
		return fmt.Sprintf("vm-%d", vmid)
	}
	return label
}

// VMID returns the number in the identity of a guest, home/111; 0 when it is none.
func VMID(identity string) int {
	_, digits, _ := strings.Cut(identity, "/")
	n, err := strconv.Atoi(digits)
	if err != nil || strings.HasPrefix(identity, dockerIdentity) {
		return 0
	}
	return n
}
