package inventory

import "time"

// A Heal is what recon may do by itself when a resource drifts.
type Heal struct {
	Allow  Impact // the worst that may happen to the resource
	AtMost int    // times a day
	Window Window // in which it may happen; nil: at any time
}

// A Window is a time that comes again and again.
type Window interface {
	Holds(at time.Time) bool
	Next(at time.Time) time.Time // when it begins next
	String() string
}

// OutcomeField is the field of an event that says what became of a proposal.
const OutcomeField Path = "outcome"

// ProposalField is the field of an event that names a proposal.
const ProposalField Path = "proposal"

// What became of a proposal, beside being rejected.
const (
	ProposalDone    = "done"
	ProposalFailed  = "failed"
	ProposalStale   = "stale"
	ProposalExpired = "expired"
	ProposalMoot    = "moot"
)

// ProposalEndings says in words what became of a proposal, by its outcome.
func ProposalEndings() map[string]string {
	return map[string]string{
		ProposalDone:    "was carried out",
		ProposalFailed:  "was carried out in part, or not at all",
		ProposalStale:   "is void, since something has changed",
		ProposalExpired: "has expired",
		ProposalMoot:    "is no longer needed",
	}
}
