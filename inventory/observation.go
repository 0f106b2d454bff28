package inventory

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Presence is the answer to "does it exist?". It has three values, and the
// zero value is the safe one.
type Presence int

// The presences.
const (
	Unknown Presence = iota // the look failed or was not allowed to see
	Present                 // seen
	Absent                  // proven not to exist
)

var presenceNames = []string{"unknown", "present", "absent"}

// String returns unknown, present or absent.
func (p Presence) String() string { return presenceNames[p] }

// An Observation is what one look at one resource found.
type Observation struct {
	State    Presence
	Resource Resource // Attrs are the configured values, pending ones merged
	Running  Attrs    // the values in use; nil when the guest is stopped
	Volatile Volatile // facts that come with the look but are no attributes
	Digest   string   // of the configuration, for compare-and-swap
	Lock     string   // what holds the guest: backup, migrate, ...
	Block    []Reason // why a change would not go through, as far as the look shows
	At       time.Time
	Err      error // why the state is Unknown
	Old      bool  // from memory, not from a look: good to compare, no ground to act on
}

// Volatile are facts about a guest that guards and documents need.
type Volatile struct {
	Status    string            `json:",omitzero"` // running, stopped, paused
	Template  bool              `json:",omitzero"` // cannot run
	HA        string            `json:",omitzero"` // state under the HA manager, "" when not managed
	Node      string            `json:",omitzero"` // where the guest is
	Pending   []string          `json:",omitzero"` // provider keys that wait for a restart
	MaskedSet []Path            `json:",omitzero"` // write-only fields that have a value
	Volumes   []string          `json:",omitzero"` // volumes that go with the guest when it is destroyed
	Raw       map[string]string `json:",omitzero"`
	Since     time.Time         `json:",omitzero"` // since when it runs, by the provider's clock; zero when it does not, or does not say
	Changed   Attribution       `json:",omitzero"`
	Kept      []Kept            `json:",omitzero"` // snapshots that recon has taken of it, where they were asked for

	Addresses   []string  `json:",omitzero"` // that the guest said it has, when it has none by its configuration
	AddressesAt time.Time `json:",omitzero"` // and when it said so
}

// Attribution says who changed a resource last, as far as the provider's logs tell.
type Attribution struct {
	User string
	What string // qmconfig, qmstart, ...
	At   time.Time

	Hidden Lack // what the token would need to see it; zero when it may
}

// A Reason says why something is blocked.
type Reason struct {
	Code   string `json:"reason"` // protected, locked, no_quorum, ...
	Detail string `json:"detail"`
}

// A Scope is a part of the world that could not be observed.
type Scope struct {
	Provider  string
	Scope     string // a node, a host, or the provider's own name for all of it
	Err       error
	Since     time.Time
	Addresses []Address // the declared resources in it
}

// RepositoryKind stands before the name of a repository that manifests come from, in what
// is told of it as of a source of facts: source.home.
const RepositoryKind = "source"

// IsRepository tells such a repository from the sources of facts.
func IsRepository(provider string) bool { return strings.HasPrefix(provider, RepositoryKind+".") }

// SomeGuests is the scope of what an account is not allowed to see: nobody can say how
// much that is.
const SomeGuests = "some guests"

// A Lack is a privilege that an account has not got on a path.
type Lack struct{ Privilege, Path string }

// String says what is lacked where.
func (l Lack) String() string { return l.Privilege + " on " + l.Path }

// A PartialError says why an account sees only a part of what there is.
type PartialError struct {
	Account string
	Source  string // the provider's name
	Lack    Lack
}

// Error names the privilege and the command that tells how to get it.
func (e *PartialError) Error() string {
	return fmt.Sprintf("the token %s lacks %s and sees only a part of the guests (recon check %s tells how to grant it)", e.Account, e.Lack, e.Source)
}

// A Snapshot is what one reader saw in one pass.
type Snapshot struct {
	Provider     string
	Observations []Observation // sorted by address
	Nodes        []Node
	Storages     []Storage
	AllStorages  bool // the observer sees every storage there is
	Sight        Sight
	Quorate      bool
	Version      string // of the provider's software
	Complete     bool   // nothing is Unknown
	Partial      bool   // more may exist than is listed: the observer may not see everything
	Unknown      []Scope
	Calls        int // requests that the pass took
	Findings     []Finding
}

// Sort brings the observations into the order of all output.
func (s *Snapshot) Sort() {
	slices.SortFunc(s.Observations, func(a, b Observation) int {
		return cmp.Or(CompareAddress(a.Resource.Addr, b.Resource.Addr), NaturalCompare(a.Resource.Identity, b.Resource.Identity))
	})
	slices.SortFunc(s.Nodes, func(a, b Node) int { return NaturalCompare(a.Name, b.Name) })
}

// ByIdentity returns the observations by identity.
func (s *Snapshot) ByIdentity() map[string]*Observation {
	m := make(map[string]*Observation, len(s.Observations))
	for i := range s.Observations {
		m[s.Observations[i].Resource.Identity] = &s.Observations[i]
	}
	return m
}

// A Finding is something worth a person's attention that is no change.
type Finding struct {
	Rule     string   `json:"rule"`
	Severity string   `json:"severity"` // info, warning, error
	Address  string   `json:"address,omitempty"`
	Summary  string   `json:"summary"`
	Detail   string   `json:"detail"`
	Evidence []string `json:"evidence"`
	Fix      string   `json:"fix"`
}

// An Event is one line of the home's history.
type Event struct {
	At       time.Time
	Address  Address
	Identity string
	Kind     EventKind
	Fields   []EventField
	By       string // who did it, "" when not known
	Summary  string
}

// An EventKind says what happened.
type EventKind string

// The events. The values are those of the JSON of recon changes.
const (
	DriftOpened   EventKind = "drift_opened"
	DriftChanged  EventKind = "drift_changed"
	DriftResolved EventKind = "drift_resolved"
	WasApplied    EventKind = "applied"
	Created       EventKind = "created"   // by recon
	Destroyed     EventKind = "destroyed" // by recon
	Changed       EventKind = "changed"   // whatever was observed is not what it was
	Moved         EventKind = "moved"
	Renamed       EventKind = "renamed"
	Started       EventKind = "started"
	Stopped       EventKind = "stopped"
	Restarted     EventKind = "restarted"
	Appeared      EventKind = "appeared"
	Disappeared   EventKind = "disappeared"
	SourceLost    EventKind = "source_lost"
	SourceBack    EventKind = "source_back"
	SourcePartial EventKind = "source_partial" // guests may exist that the account does not see
	SourceWhole   EventKind = "source_whole"
	CheckBroke    EventKind = "check_failed"
	CheckMended   EventKind = "check_works"
	Healed        EventKind = "healed"         // a drift that recon took back by itself
	HealFailed    EventKind = "heal_failed"    // and one that it could not take back
	Proposed      EventKind = "proposed"       // calls that wait for somebody's decision
	Approved      EventKind = "approved"       // by whoever is named
	Rejected      EventKind = "rejected"       // likewise
	ProposalEnded EventKind = "proposal_ended" // carried out, or not: what became of it is in its fields
	Frozen        EventKind = "frozen"         // from here on recon does nothing by itself
	Thawed        EventKind = "unfrozen"
)

// EventKinds lists every kind of event: whoever says events in words has words for each.
func EventKinds() []EventKind {
	return []EventKind{
		DriftOpened, DriftChanged, DriftResolved, WasApplied, Created, Destroyed, Changed, Moved, Renamed, Started, Stopped, Restarted,
		Appeared, Disappeared, SourceLost, SourceBack, SourcePartial, SourceWhole, CheckBroke, CheckMended,
		Healed, HealFailed, Proposed, Approved, Rejected, ProposalEnded, Frozen, Thawed,
	}
}

// Topics are what events are about.
func Topics() []string {
	return []string{"drift", "source", "check", "changed", "applied", "heal", "proposal"}
}

// Topic is what an event of the kind is about: drift, a source, a check, a change that is no
// drift, what recon was told to do, what it does by itself, or what it proposes.
func (k EventKind) Topic() string {
	switch k {
	case DriftOpened, DriftChanged, DriftResolved:
		return "drift"
	case SourceLost, SourceBack, SourcePartial, SourceWhole:
		return "source"
	case CheckBroke, CheckMended:
		return "check"
	case WasApplied, Created, Destroyed:
		return "applied"
	case Healed, HealFailed, Frozen, Thawed:
		return "heal"
	case Proposed, Approved, Rejected, ProposalEnded:
		return "proposal"
	}
	return "changed"
}

// Opens reports an event that begins, or goes on with, what another one will end.
func (k EventKind) Opens() bool {
	return k == DriftOpened || k == DriftChanged || k == SourceLost || k == SourcePartial || k == CheckBroke || k == Proposed
}

// Ends reports an event that ends what others have opened.
func (k EventKind) Ends() bool {
	return k == DriftResolved || k == SourceBack || k == SourceWhole || k == CheckMended || k == Rejected || k == ProposalEnded
}

// A Severity says how much something weighs.
type Severity string

// The severities.
const (
	SeverityInfo    Severity = "info"
	SeverityWarning Severity = "warning"
	SeverityError   Severity = "error"
)

// Severities are all of them, the lightest first.
func Severities() []Severity { return []Severity{SeverityInfo, SeverityWarning, SeverityError} }

// Below reports whether something weighs less than something else.
func (s Severity) Below(other Severity) bool {
	return slices.Index(Severities(), s) < slices.Index(Severities(), other)
}

// Severity says how much an event weighs. What ends something weighs as much as what it
// ends: whoever hears of the one hears of the other.
func (e *Event) Severity() Severity {
	switch e.Kind {
	case SourceLost, SourceBack:
		return SeverityError
	case DriftOpened, DriftChanged, DriftResolved, SourcePartial, SourceWhole, CheckBroke, CheckMended, Disappeared,
		Healed, HealFailed, Proposed, Rejected, ProposalEnded:
		return SeverityWarning
	}
	harms := func(f EventField) bool {
		return slices.Contains([]Path{"inactive_on", "full_on", "online", "quorum"}, f.Name)
	}
	if e.Kind == Changed && slices.ContainsFunc(e.Fields, harms) {
		return SeverityWarning
	}
	return SeverityInfo
}

// Undeclared reports a change of a resource that no manifest names. What is no resource,
// a node or a storage, cannot be declared.
func (e *Event) Undeclared() bool {
	return e.Kind == Changed && KindOf(e.Address.Kind) != nil && !slices.ContainsFunc(e.Fields, func(f EventField) bool { return f.Declared })
}

// An EventField is a field that an event is about, with its values as JSON has
// them and as people read them.
type EventField struct {
	Name     Path   `json:"name"`
	From     any    `json:"from"`
	To       any    `json:"to"`
	FromText string `json:"from_text,omitempty"`
	ToText   string `json:"to_text,omitempty"`
	Declared bool   `json:"declared,omitempty"` // of what changed: a manifest names it
}
