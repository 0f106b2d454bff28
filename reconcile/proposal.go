package reconcile

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"recon/inventory"
)

// ProposalLife is how long a proposal waits for somebody's decision.
const ProposalLife = 7 * 24 * time.Hour

// ShortID is how many digits of a proposal's ID people are shown.
const ShortID = 10

// The states of a proposal that has not ended. One that was rejected stays as long as its
// change is there, so that nobody is asked again.
const (
	ProposalOpen     = "open"
	ProposalApproved = "approved"
	ProposalRunning  = "running"
	ProposalRejected = "rejected"
)

// A Proposal is a change that waits for somebody's decision. Its ID is the hash of all that
// is approved with it: the calls, what they were made from, and until when. What is carried
// out is today's plan, and only when it is the same.
type Proposal struct {
	ID      string           `json:"-"`
	Plan    SavedPlan        `json:"plan"`            // of one change
	Why     string           `json:"why"`             // it does not happen by itself
	Harms   []inventory.Harm `json:"harms,omitempty"` // what it does to others, as it was shown
	Opened  time.Time        `json:"-"`
	Expires time.Time        `json:"expires"`
	State   string           `json:"-"`
	Decided time.Time        `json:"decided,omitzero"`
	By      string           `json:"by,omitempty"`
}

// Propose makes a proposal of one change.
func Propose(c *inventory.Change, why string, from Origin, now time.Time) (Proposal, error) {
	now = now.UTC().Truncate(time.Second)
	one := Plan{ObservedAt: now, Changes: []inventory.Change{*c}}
	saved, err := one.saved(from)
	if err != nil {
		return Proposal{}, err
	}
	if saved, err = saved.again(); err != nil { // as it will be read, so that its hash is that of what is read
		return Proposal{}, err
	}
	p := Proposal{Plan: saved, Why: why, Harms: c.Harms, Opened: now, Expires: now.Add(ProposalLife), State: ProposalOpen}
	p.ID = p.hash()
	return p, nil
}

// hash is what the ID of the proposal has to be.
func (p *Proposal) hash() string {
	plan := p.Plan
	plan.CreatedAt = time.Time{}
	return hashOf(struct {
		What    string           `json:"what"`
		Plan    SavedPlan        `json:"plan"`
		Why     string           `json:"why"`
		Harms   []inventory.Harm `json:"harms,omitempty"`
		Expires time.Time        `json:"expires"`
	}{"recon proposal", plan, p.Why, p.Harms, p.Expires.UTC()})
}

// again is the plan as it is read when it was written.
func (s SavedPlan) again() (out SavedPlan, err error) {
	text, err := json.Marshal(s)
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	if err != nil {
		return out, fmt.Errorf("keep the proposal: %w", err)
	}
	return out, nil
}

func hashOf(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // plain values
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Address is what the proposal is about.
func (p *Proposal) Address() inventory.Address { return p.change().Address }

// Identity is the resource that would be changed.
func (p *Proposal) Identity() string { return p.change().Identity }

func (p *Proposal) change() *savedChange {
	if len(p.Plan.Changes) != 1 {
		return &savedChange{}
	}
	return &p.Plan.Changes[0]
}

// Approved reports whether it waits for nothing but to be carried out.
func (p *Proposal) Approved() bool { return p.State == ProposalApproved }

// Claim is the change that would be made, to be shown and for nothing else.
func (p *Proposal) Claim() (*inventory.Change, error) {
	plan, err := p.Plan.Claim()
	if err != nil {
		return nil, err
	}
	if len(plan.Changes) != 1 {
		return nil, fmt.Errorf("the proposal is not whole")
	}
	c := &plan.Changes[0]
	c.Harms = p.Harms
	return c, nil
}

// About reports whether the proposal is about the same as a change of today: the same
// fields, on the same way, by the same calls. Who has rejected the one has rejected the
// other.
func (p *Proposal) About(c *inventory.Change) bool {
	type call struct {
		Method, Path string
		Params       map[string]string
	}
	subject := func(s savedChange) string {
		var fields []savedField
		for _, f := range s.Fields {
			fields = append(fields, savedField{Path: f.Path, Desired: f.Desired, Live: f.Live})
		}
		var calls []call
		for _, st := range s.Steps {
			calls = append(calls, call{st.Method, st.Path, st.Params})
		}
		return hashOf([]any{s.Address, s.Identity, fields, calls})
	}
	return subject(*p.change()) == subject(saveChange(c))
}

// Hold compares the proposal with a plan of today, made from manifests of today, and
// returns of that plan what was approved. The error wraps ErrStale and says what is
// different.
func (p *Proposal) Hold(fresh *Plan, now Origin) (*Plan, error) {
	if p.ID != p.hash() || len(p.Plan.Changes) != 1 {
		return nil, fmt.Errorf("%w: the proposal is not the one that was made", ErrStale)
	}
	if moved := p.Plan.Moved(now); len(moved) > 0 || p.Plan.Commit != now.Commit {
		return nil, fmt.Errorf("%w: the manifests are not those that it was made from", ErrStale)
	}
	if !fresh.ObservedAt.Before(p.Expires) {
		return nil, fmt.Errorf("%w: it has expired", ErrStale)
	}
	return p.Plan.Hold(fresh)
}

// A Freeze says that recon does nothing by itself for a while.
type Freeze struct {
	Until  time.Time `json:"until,omitzero"` // zero: until somebody ends it
	By     string    `json:"by"`
	Reason string    `json:"reason,omitempty"`
	At     time.Time `json:"at"`
}

// Holds reports whether it still counts.
func (f *Freeze) Holds(now time.Time) bool {
	return f != nil && (f.Until.IsZero() || now.Before(f.Until))
}

// String says it in words.
func (f *Freeze) String() string {
	text := "frozen by " + f.By
	if !f.Until.IsZero() {
		text += " until " + f.Until.Local().Format("2006-01-02 15:04")
	}
	if f.Reason != "" {
		text += ": " + f.Reason
	}
	return text
}

// An Ending is what became of a proposal.
type Ending struct {
	ID      string
	Outcome string // of inventory.ProposalEndings; "" ends one that was rejected, which nobody is told of
}
