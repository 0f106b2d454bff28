// Package providers holds the contract between recon and the systems that it
// observes and changes. A provider is one failure domain: one cluster, one host,
// one state file.
//
// What a provider promises:
//
//   - Read never says Absent unless absence is proven; whatever went wrong is
//     Unknown, with the error, and does not spoil the rest of the snapshot.
//   - Read changes nothing, and costs a bounded number of calls.
//   - Steps describes every change as calls. Do executes exactly one of them.
//   - Do never repeats a call by itself. When it cannot tell whether a call
//     happened it returns an error that wraps ErrOutcomeUnknown.
//
// The conformance suite is providers/providertest.
package providers

import (
	"context"
	"errors"

	"recon/inventory"
)

// ErrOutcomeUnknown is wrapped by errors of calls that may have happened: a lost
// connection, a proxy's timeout. The caller looks; it never repeats blindly.
var ErrOutcomeUnknown = errors.New("it is not known whether the call took effect")

// ErrChangedMeanwhile is wrapped when compare-and-swap refused a call: the
// configuration is not the one that was planned for.
var ErrChangedMeanwhile = errors.New("the configuration has changed since it was read")

// A Reader observes one failure domain.
type Reader interface {
	// Name is the provider's address: proxmox.home.
	Name() string
	// Read observes everything in the domain; want are the declared resources,
	// whose absence has to be proven. An error means that nothing was observed.
	Read(ctx context.Context, want []inventory.Resource) (inventory.Snapshot, error)
}

// A Writer can also change what it observes; what is not a Writer is read-only by
// construction.
type Writer interface {
	Reader
	// Steps turns a change into calls, as the last Read showed the domain. What
	// cannot be done comes back as reasons; the steps are what can.
	Steps(ctx context.Context, c inventory.Change) ([]inventory.Step, []inventory.Reason, error)
	// Do executes one step and waits until it has ended.
	Do(ctx context.Context, s inventory.Step, r Reporter) (Result, error)
}

// A Witness knows something of resources that another provider observes, and may be
// the one through whom they are changed. It reads as a Reader does, without
// observations of its own; a Witness that is also a Writer changes what it covers.
type Witness interface {
	Reader
	// About names the provider of whose resources it speaks: proxmox.home.
	About() string
	// Testify holds what the last Read found against what is live. It makes no calls.
	Testify(h Hearing) ([]inventory.Claim, []inventory.Finding)
}

// A Hearing is what a Witness is asked about.
type Hearing struct {
	Desired  []inventory.Resource
	Live     map[string]*inventory.Observation // by identity
	Complete bool                              // the provider of whose resources it speaks was observed in full
}

// An Outliner is a Writer whose Steps cost much. Outline says what kind of calls they
// would be, for whoever only looks.
type Outliner interface {
	Outline(c inventory.Change) ([]inventory.Step, []inventory.Reason)
}

// A Looker can observe a single resource, cheaper than with a Read.
type Looker interface {
	Look(ctx context.Context, r inventory.Resource) inventory.Observation
}

// A Settler is a Writer that may find something of a run that was killed still at work.
// Settle ends that, and says what it found and did. It costs nothing when the last look
// showed nothing of the kind.
type Settler interface {
	Settle(ctx context.Context) (said []string, err error)
}

// An Impacter lowers the impact of a field's change from the worst case of the
// table to what it is for this resource in its present state. It makes no calls.
type Impacter interface {
	Impact(c *inventory.Change, f *inventory.FieldChange) inventory.Impact
}

// An Attributor knows who changed resources last. It returns what it could find,
// by identity.
type Attributor interface {
	Attribute(ctx context.Context, identities []string) map[string]inventory.Attribution
}

// An Addresser can ask what it observes for the addresses that no configuration tells:
// each once, for a short while. It notes them in the observations, and says how many
// calls that took.
type Addresser interface {
	Addresses(ctx context.Context, obs []inventory.Observation) (calls int)
}

// An Answerer can ask what runs inside a resource, as a guest's agent, whether it is up.
type Answerer interface {
	// Answers is false, too, where nobody can be asked.
	Answers(ctx context.Context, o inventory.Observation) bool
}

// A Keeper takes snapshots before changes that cannot be taken back, as Steps describes
// them for a change with Keep, and knows those that are still there.
type Keeper interface {
	Writer
	// Kept notes in the observations what is there, of all or of those of which the look
	// showed that there may be something, and says how many calls that took.
	Kept(ctx context.Context, obs []inventory.Observation, all bool) (calls int, err error)
	// Discard is the call that removes one.
	Discard(o inventory.Observation, k inventory.Kept) inventory.Step
}

// A Reporter hears what a running step has to say: a line of a task's log.
type Reporter func(line string)

// A Result is how a step ended.
type Result struct {
	Task    string // the provider's id of what it did, "" when it was immediate
	Warning string // the step succeeded, with a notice
}

// Look observes one resource with whatever the reader offers.
func Look(ctx context.Context, r Reader, res inventory.Resource) inventory.Observation {
	if l, ok := r.(Looker); ok {
		return l.Look(ctx, res)
	}
	snap, err := r.Read(ctx, []inventory.Resource{res})
	if err != nil {
		return inventory.Observation{Resource: res, Err: err}
	}
	if o := snap.ByIdentity()[res.Identity]; o != nil {
		return *o
	}
	return inventory.Observation{Resource: res, Err: errors.New("the provider said nothing about it")}
}

// A Surveyor can tell more of its domain than what is compared: what hangs together,
// and how. It asks little, of what the last Read saw, and changes nothing; what it could
// not ask it names.
type Surveyor interface {
	Survey(ctx context.Context) inventory.Surroundings
}
