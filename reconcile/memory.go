package reconcile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"recon/inventory"
)

// A Memory is what recon remembers between runs, for whoever only reads it. Each
// answer is one consistent picture, whatever a run writes meanwhile.
type Memory interface {
	// Recall returns what a run compares the world with. Drifts are counted in
	// episodes that something happened to since the time given.
	Recall(ctx context.Context, driftsSince time.Time) (Recollection, error)

	// Seen returns everything as it was last seen, which is much.
	Seen(ctx context.Context) (Seen, error)

	// Events returns the history since a time, oldest first; the zero address means
	// every resource.
	Events(ctx context.Context, since time.Time, of inventory.Address) ([]inventory.Event, error)

	// LatestEvents returns the last change of each resource, by identity. That
	// something is in sync again is no change of its own.
	LatestEvents(ctx context.Context) (map[string]inventory.Event, error)
}

// A Keeper is a Memory that can be written, by one run at a time.
type Keeper interface {
	Memory

	// Write takes the project's lock and begins a run of a kind: drift, apply. It also
	// returns which run was the last before it. A *LockedError says who holds the lock.
	Write(ctx context.Context, kind string, h Holder) (run Run, before int64, err error)
}

// A Run is a write phase: it holds the project's lock, and everything that it writes
// is refused with ErrLockLost from the moment at which somebody else has taken that
// lock.
type Run interface {
	Journal

	// Learn writes everything that the run has learnt, in one transaction: all of it
	// is remembered, or, when recon is killed meanwhile, nothing. A run learns once.
	Learn(ctx context.Context, l *Learned) error

	// Claim takes approved proposals to carry them out. No proposal is claimed twice.
	Claim(ctx context.Context, ids []string) ([]Proposal, error)

	// Close notes how the run ended and frees the lock.
	Close(ctx context.Context, exit int) error
}

// A Journal remembers what is in flight. Begin is called before a step and End
// after it; a step whose Begin fails is not done. What Begin wrote has reached the
// disk when it returns.
type Journal interface {
	Begin(ctx context.Context, addr inventory.Address, identity string, s inventory.Step) (id int64, err error)
	End(ctx context.Context, id int64, outcome string) error
}

// ErrLockLost says that another process has taken the project's lock over, so that
// nothing more may be written.
var ErrLockLost = errors.New("this run no longer holds the project's lock")

// A LockedError says who holds the project's lock.
type LockedError struct{ Holder Holder }

// Error names the holder.
func (e *LockedError) Error() string { return "the project is locked by " + e.Holder.String() }

// A Holder is who holds a project's lock.
type Holder struct {
	PID     int           `json:"pid"`
	Host    string        `json:"host"`
	Command string        `json:"command"`
	Since   time.Time     `json:"since"`
	Epoch   int64         `json:"epoch,omitempty"`   // counts the holders of the lock
	Lead    int64         `json:"-"`                 // the epoch of a daemon that works while others wait; 0: nobody waits
	Wait    time.Duration `json:"-"`                 // how long it waits for whoever has the lock
	Session int           `json:"session,omitempty"` // the process of the database server that holds it, for pg_terminate_backend
}

// String names the holder as people would.
func (h Holder) String() string {
	if h.PID == 0 {
		return "another recon"
	}
	return fmt.Sprintf("%s (pid %d on %s, since %s)", h.Command, h.PID, h.Host, h.Since.Local().Format("15:04:05"))
}

// A Recollection is what a run compares the world with. The zero value is that of a
// project of which nothing is remembered.
type Recollection struct {
	Applied  map[inventory.Address]inventory.Applied // values last applied
	Episodes map[inventory.Address]Episode           // drifts that go on
	Drifts   map[inventory.Address]Drifts            // how often each field drifted lately
	Sources  []Source                                // what could not be observed
	Clusters map[string]Cluster                      // as they were last seen, by provider
	InFlight []Entry                                 // steps of which nobody knows how they ended: recon was killed
	Untold   []Entry                                 // steps that were done and stand in no history: recon was killed
	Checks   map[inventory.Address]Checked           // as they were last answered
	Managed  int                                     // resources that the manifests declared last time
	LastRun  int64                                   // the last run that began
	Going    bool                                    // that run had not ended, so what is remembered may be a part of what it learns
	Looked   time.Time                               // when a run last looked at the world

	Proposals []Proposal                    // that have not ended, the oldest first
	Healings  map[inventory.Address]Healing // what was healed lately
	Freeze    *Freeze                       // nil: recon may do what manifests let it
}

// A LastRun is the run that was begun last, as it stands.
type LastRun struct {
	ID    int64 // 0: none was
	Going bool  // it has not ended, or was killed
	Ended time.Time
}

// Whole reports whether nothing has been learned since, if that was the last run.
func (r *Recollection) Whole(last int64) bool { return r.LastRun == last && !r.Going }

// Remembered are the values last applied, and what runs have made or set that could not
// say so: recon was killed.
func (r *Recollection) Remembered() map[inventory.Address]inventory.Applied {
	out := maps.Clone(r.Applied)
	if out == nil {
		out = map[inventory.Address]inventory.Applied{}
	}
	for _, e := range slices.Concat(r.InFlight, r.Untold) {
		if e.Step.Makes && out[e.Address].Identity != e.Identity {
			out[e.Address] = inventory.Applied{Identity: e.Identity, Unfinished: true}
		}
	}
	for _, e := range r.Untold {
		if a := out[e.Address]; a.Identity == e.Identity {
			a.Attrs = withSet(a.Attrs, &e)
			out[e.Address] = a
		}
	}
	for _, e := range r.InFlight {
		if a := out[e.Address]; a.Identity == e.Identity {
			a.Begun = withSet(a.Begun, &e)
			out[e.Address] = a
		}
	}
	return out
}

// withSet returns the values with those that a step sets.
func withSet(attrs inventory.Attrs, e *Entry) inventory.Attrs {
	out := inventory.Attrs{}
	maps.Copy(out, attrs)
	resource := inventory.Resource{Addr: e.Address}
	kind := resource.Kind()
	for path, v := range e.Step.Done.Fields {
		if attr, _, _ := kind.Lookup(path); attr != nil && !attr.Secret {
			out[path] = v.Value
		}
	}
	return out
}

// Seen is everything as it was last seen.
type Seen struct {
	Observations map[string]inventory.Observation // by identity
	Facts        map[string]json.RawMessage       // what a provider remembers of a whole host, by provider
}

// Drifts counts by field.
type Drifts map[inventory.Path]int

// An Episode is one stretch of time in which a resource differed from its
// manifest because live had moved.
type Episode struct {
	ID          int64 // 0 until it is remembered
	Address     inventory.Address
	Identity    string
	Fingerprint string // of the fields and their live values
	OpenedAt    time.Time
	ChangedAt   time.Time
	Fields      []inventory.EventField
	Started     Drifts // how often each field began to drift meanwhile
	By          string
}

// A Source is a part of the world that could not be observed.
type Source struct {
	Provider, Scope string
	Since           time.Time
	Error           string
}

// A Checked is the last answer to a check that decided anything.
type Checked struct {
	inventory.Outcome
	Of string // salted hash of what was asked, with the token
}

// A Cluster is what is remembered of a cluster, or of a host, beside its resources.
type Cluster struct {
	Version     string
	Nodes       []inventory.Node
	Storages    []inventory.Storage `json:",omitempty"`
	AllStorages bool                `json:",omitempty"` // there are no others
	Sight       inventory.Sight     // what could have been seen
	NoQuorum    bool                `json:",omitempty"`
	Findings    []inventory.Finding `json:",omitempty"`
}

// An Entry is a step of the journal.
type Entry struct {
	ID       int64
	Run      int64 // that began it, 0 when that is not known
	Address  inventory.Address
	Identity string
	Step     inventory.Step
	BegunAt  time.Time
}

// A Move gives the memory of one address to another, unless that has its own.
type Move struct{ From, To inventory.Address }

// Learned is everything that one run has learnt.
type Learned struct {
	Managed  int    // resources that the manifests declare
	Summary  string // in words
	Moved    []Move
	Seen     []inventory.Observation       // what is there
	Gone     []string                      // identities of what is no longer
	Facts    map[string]json.RawMessage    // by provider
	Clusters map[string]Cluster            // by provider
	Checks   map[inventory.Address]Checked // in place of what was remembered
	Sources  []Source                      // what cannot be observed now, in place of what could not before
	Episodes []Episode                     // that opened or changed
	Resolved []int64                       // episodes that ended
	Applied  map[inventory.Address]inventory.Applied
	Forgot   []inventory.Address // what was applied to them counts no more
	Events   []inventory.Event
	Proposed []Proposal
	Ended    []Ending                      // of proposals
	Healings map[inventory.Address]Healing // of what was healed, in place of what was remembered
	Told     []int64                       // entries of the journal that the events tell of
	At       time.Time                     // of the look
}

// A Chain is what became of the history as it was written down.
type Chain struct {
	Linked   int    // events that follow each other as they were written
	Unlinked int    // events from before there were links
	Dropped  int64  // events that were too old to be kept
	Head     string // the link of the last event
	Broken   string // where it is broken, "" when it is not
}
