package reconcile

import (
	"slices"

	"recon/inventory"
)

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
	Set      []inventory.Path // of a change that failed: the fields that are as they should be
	Unset    []inventory.Path // and those that are not, both by the last look
	Made     bool             // the call that makes the resource was accepted
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

// Written returns the fields that were written. What was blocked or withheld is none of
// them, which the last look shows.
func (r *Result) Written() []inventory.FieldChange {
	return slices.DeleteFunc(r.Change.Writing(), func(f inventory.FieldChange) bool {
		return r.Have.State == inventory.Present && !f.Attr.WriteOnly && !f.Attr.Same(f.Desired, inventory.ConfiguredValue(&r.Have, f.Path))
	})
}

// outcome tells from the last look which fields of the change are as they should be. What
// cannot be read back is in neither list.
func (r *Result) outcome() {
	for _, f := range r.Change.Fields {
		switch {
		case f.Attr.WriteOnly || f.Policy == "ignore", r.Change.Action == inventory.ActionUpdate && !f.Writes():
		case r.Have.State == inventory.Present && f.Attr.Same(f.Desired, inventory.ConfiguredValue(&r.Have, f.Path)):
			r.Set = append(r.Set, f.Path)
		default:
			r.Unset = append(r.Unset, f.Path)
		}
	}
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
	Set      []string   `json:"set"`   // of a change that failed: fields that are as they should be
	Unset    []string   `json:"unset"` // and fields that are not
}

func resultsJSON(results []Result) []resultJSON {
	out := make([]resultJSON, 0, len(results))
	for _, r := range results {
		j := resultJSON{Address: r.Change.Addr.String(), Status: r.Status, Calls: CallsJSON(r.Done), Withheld: CallsJSON(r.Withheld), Warnings: orEmpty(r.Warnings)}
		j.Set, j.Unset = texts(r.Set), texts(r.Unset)
		if r.Err != nil {
			j.Error = orNull(r.Err.Error())
		}
		out = append(out, j)
	}
	return out
}

func texts(paths []inventory.Path) []string {
	out := make([]string, 0, len(paths))
	for _, p := range paths {
		out = append(out, string(p))
	}
	return out
}
