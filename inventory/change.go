package inventory

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// An Action is what would be done about a resource.
type Action string

// The actions.
const (
	ActionNone   Action = "none"
	ActionCreate Action = "create"
	ActionUpdate Action = "update"
	ActionDelete Action = "delete"
)

// A Verdict says which side moved. The values are those of the plan's JSON.
type Verdict string

// The verdicts, in ascending weight for a resource that has several.
const (
	VerdictInSync         Verdict = "in_sync"
	VerdictTerraformStale Verdict = "terraform_stale"
	VerdictPendingReboot  Verdict = "pending_reboot"
	VerdictMissing        Verdict = "missing"
	VerdictPendingChange  Verdict = "pending_change"
	VerdictDiffers        Verdict = "differs" // nobody knows which side moved
	VerdictDrift          Verdict = "drift"
	VerdictConflict       Verdict = "conflict"
	VerdictUnknown        Verdict = "unknown"
	VerdictUnmanaged      Verdict = "unmanaged"
)

var verdictWeight = map[Verdict]int{
	VerdictInSync: 0, VerdictTerraformStale: 1, VerdictPendingReboot: 2, VerdictMissing: 3,
	VerdictPendingChange: 4, VerdictDiffers: 5, VerdictDrift: 6, VerdictConflict: 7,
}

// Heavier returns the verdict that counts for a resource when both hold.
func Heavier(a, b Verdict) Verdict {
	if verdictWeight[b] > verdictWeight[a] {
		return b
	}
	return a
}

// A FieldChange is one field on which the sides do not agree.
type FieldChange struct {
	Path        Path
	Attr        *Attr
	Desired     cty.Value
	Live        cty.Value // configured, pending merged
	Running     cty.Value // in use; null when the guest is stopped
	LastApplied cty.Value
	Terraform   cty.Value
	Base        cty.Value // on which the two sides last agreed, as far as anybody knows; it tells which of them moved
	Verdict     Verdict
	Impact      Impact
	Policy      string // report, heal, adopt, ignore
	Source      hcl.Range
	NoWayBack   bool // the change cannot be undone by another change
	Undeclared  bool // an exact manifest leaves it out: Desired is null and means the default, or true of a device's "absent"
}

// Writes reports whether closing the gap takes a write: the wish differs from
// what is configured.
func (f *FieldChange) Writes() bool {
	switch f.Verdict {
	case VerdictDrift, VerdictPendingChange, VerdictConflict, VerdictDiffers:
		return true
	}
	return false
}

// Wish is what the manifest asks for: what it says, or the default of what an exact one
// leaves out.
func (f *FieldChange) Wish() cty.Value {
	if f.Undeclared && IsNull(f.Desired) {
		return f.Attr.Default
	}
	return f.Desired
}

// A Change is what separates one resource from its wish.
type Change struct {
	Action  Action
	Addr    Address
	Want    Resource
	Have    Observation
	Fields  []FieldChange
	Verdict Verdict
	Impact  Impact
	Digest  string
	Steps   []Step

	Keep       string // the name of a snapshot to take before what cannot be taken back, "" for none
	Unfinished bool   // recon made the resource and did not come to the end; this is the rest
	Blocked    []Reason
	Harms      []Harm // what a restart, or worse, does to others; the worst first
}

// A Harm is what something loses while, or because, a resource is down.
type Harm struct {
	Address string `json:"address"`
	Effect  string `json:"effect"` // down, unreachable, storage, network, names, login, lacks
	Why     string `json:"why"`
}

// Field returns the field at the path, or nil.
func (c *Change) Field(p Path) *FieldChange {
	for i := range c.Fields {
		if c.Fields[i].Path == p {
			return &c.Fields[i]
		}
	}
	return nil
}

// Writing returns the fields that take a write.
func (c *Change) Writing() []FieldChange {
	var out []FieldChange
	for _, f := range c.Fields {
		if f.Writes() {
			out = append(out, f)
		}
	}
	return out
}

// Block adds a reason why the change cannot be made, once.
func (c *Change) Block(code, format string, args ...any) {
	r := Reason{Code: code, Detail: fmt.Sprintf(format, args...)}
	if !slices.Contains(c.Blocked, r) {
		c.Blocked = append(c.Blocked, r)
	}
}

// A Step is one call that changes something. Steps are what the plan shows as
// calls, what a saved plan holds and what a provider executes: there is no
// second description.
type Step struct {
	Method string            `json:"method"` // an HTTP method, or "run"
	Path   string            `json:"path"`   // below the API's root, or the command
	Params map[string]string `json:"params"`

	Provider    string          `json:"provider,omitempty"`     // who makes it, when that is not the resource's own provider
	Digest      string          `json:"-"`                      // of the configuration that the call may replace; filled in when it is made
	TakesDigest bool            `json:"takes_digest,omitempty"` // the call itself compares and swaps
	Repeatable  bool            `json:"repeatable,omitempty"`   // doing it twice is harmless
	Impact      Impact          `json:"impact"`                 // of this call alone
	Apart       bool            `json:"apart,omitempty"`        // its refusal is no reason to leave out other calls that are apart
	Makes       bool            `json:"makes,omitempty"`        // the resource comes into being by it
	Restarts    bool            `json:"restarts,omitempty"`     // it restarts the guest so that written values take effect; may be deferred
	Keeps       bool            `json:"keeps,omitempty"`        // it takes a snapshot; the resource stays as it is
	Touches     []string        `json:"touches,omitempty"`      // provider keys that it changes
	Secrets     map[string]Path `json:"secrets,omitempty"`      // parameters whose value is filled in from a field when the call is made
	Done        Probe           `json:"done"`
	Summary     string          `json:"summary"`         // what it does, in words
	Notes       []string        `json:"notes,omitempty"` // what else happens because of it, for the person who decides
}

// Interrupts reports a call during which the resource is not there for others.
func (s *Step) Interrupts() bool {
	return s.Restarts || s.Impact >= ImpactOutage || s.Impact == ImpactRestart && !s.Repeatable && !s.Apart && !s.Keeps
}

// A Probe decides from an observation whether a step happened.
type Probe struct {
	State   string         `json:"state,omitempty"`   // present or absent
	Fields  map[Path]Value `json:"fields,omitempty"`  // configured values that must hold
	Running []Path         `json:"running,omitempty"` // fields whose running value must equal the configured one

	Keys map[string]string `json:"keys,omitempty"` // provider keys that must have these values
}

// A Value is a cty value with its type, for JSON.
type Value struct{ Value cty.Value }

// BeingMade reports a resource that is there and not whole yet.
func BeingMade(o *Observation) bool { return o.Lock == "create" || o.Lock == "clone" }

// Holds reports whether the observation shows that the step happened. An
// Unknown observation shows nothing.
func (p Probe) Holds(o *Observation) bool {
	if o.State == Unknown {
		return false
	}
	if p.State != "" && p.State != o.State.String() {
		return false
	}
	if p.State == Present.String() && BeingMade(o) {
		return false
	}
	kind := o.Resource.Kind()
	for path, want := range p.Fields {
		if attr, _, _ := kind.Lookup(path); attr == nil || !attr.Same(want.Value, ConfiguredValue(o, path)) {
			return false
		}
	}
	for key, want := range p.Keys {
		if o.Volatile.Raw[key] != want {
			return false
		}
	}
	for _, path := range p.Running {
		attr, _, _ := kind.Lookup(path)
		if o.Running == nil || attr == nil || !attr.SameInUse(ConfiguredValue(o, path), RunningValue(o, path)) {
			return false
		}
	}
	return true
}

// Evident reports whether the probe looks at anything that the step changes. One
// that does not cannot tell that the step is unnecessary.
func (p Probe) Evident() bool {
	return len(p.Fields) > 0 || len(p.Running) > 0 || len(p.Keys) > 0 || p.State == Absent.String()
}

// RunningValue returns the value in use of a field of an observation; see
// ConfiguredValue.
func RunningValue(o *Observation, p Path) cty.Value {
	if p == p.Absent() && o.Running != nil {
		return cty.BoolVal(!o.Running.Has(p.Parent()))
	}
	return o.Running[p]
}

// ConfiguredValue returns a field of an observation. A device's field "absent" is
// derived: it is true when nothing of the device is there.
func ConfiguredValue(o *Observation, p Path) cty.Value {
	if p == p.Absent() {
		return cty.BoolVal(!o.Resource.Attrs.Has(p.Parent()))
	}
	return o.Resource.Attrs[p]
}
