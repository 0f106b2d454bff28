package reconcile

import "recon/inventory"

// A Status is how a change ended.
type Status string

// The statuses.
const (
	StatusDone    Status = "done"
	StatusFailed  Status = "failed"
	StatusSkipped Status = "skipped" // nothing was attempted
	StatusUnknown Status = "unknown" // attempted, and it could not be seen what happened
)

// A Result is how one change ended.
type Result struct {
	Change   *inventory.Change
	Status   Status
	Err      error
	Stale    bool
	Done     []inventory.Step // calls that were made
	Withheld []inventory.Step // calls above the ceiling
	Warnings []string
	Have     inventory.Observation // the last look
}

// Wrote reports whether a call that was made carried the secret of a field. A nil
// result wrote nothing.
func (r *Result) Wrote(secret inventory.Path) bool {
	if r == nil {
		return false
	}
	for _, s := range r.Done {
		for _, field := range s.Secrets {
			if field == secret {
				return true
			}
		}
	}
	return false
}

// spoils reports whether what depends on the change must not go on: it failed, or
// what it should have made is not there.
func (r *Result) spoils() bool {
	switch r.Status {
	case StatusFailed, StatusUnknown:
		return true
	case StatusSkipped:
		return r.Err != nil || r.Change.Action == inventory.ActionCreate
	}
	return false
}

type resultJSON struct {
	Address  string     `json:"address"`
	Status   Status     `json:"status"`
	Error    *string    `json:"error"`
	Calls    []CallJSON `json:"calls"`
	Withheld []CallJSON `json:"withheld"`
	Warnings []string   `json:"warnings"`
}

func resultsJSON(results []Result) []resultJSON {
	out := make([]resultJSON, 0, len(results))
	for _, r := range results {
		j := resultJSON{Address: r.Change.Addr.String(), Status: r.Status, Calls: CallsJSON(r.Done), Withheld: CallsJSON(r.Withheld), Warnings: orEmpty(r.Warnings)}
		if r.Err != nil {
			j.Error = orNull(r.Err.Error())
		}
		out = append(out, j)
	}
	return out
}
