package reconcile

import (
	"encoding/json"
	"slices"

	"recon/inventory"

	"github.com/zclconf/go-cty/cty"
)

// FormatVersion is the version of every JSON that recon prints. Keys are added,
// never taken away.
const FormatVersion = "1.0"

// Secret stands for a secret value in all output.
const Secret = "(secret)"

type planJSON struct {
	FormatVersion string              `json:"format_version"`
	ObservedAt    string              `json:"observed_at"`
	Complete      bool                `json:"complete"`
	Conditions    []string            `json:"conditions"` // everything that holds of which an exit code can say one
	Summary       Summary             `json:"summary"`
	Changes       []ChangeJSON        `json:"changes"`
	Unknown       []unknownJSON       `json:"unknown"`
	Unmanaged     []unmanagedJSON     `json:"unmanaged"`
	Findings      []inventory.Finding `json:"findings"`
	Checks        []CheckJSON         `json:"checks"`
}

// CheckJSON is a check as all JSON output shows it.
type CheckJSON struct {
	Address  string             `json:"address"`
	Kind     string             `json:"kind"`
	Standing inventory.Standing `json:"standing"` // works, fails, unknown
	Layer    *string            `json:"layer"`    // at which it fails
	Severity string             `json:"severity"`
	Said     string             `json:"said"`
	Evidence []inventory.Proof  `json:"evidence"`
	Fix      []string           `json:"fix"`
	AskedAt  *string            `json:"asked_at"`
	Since    *string            `json:"since"`
}

// NewCheckJSON spells the outcome of a check for output.
func NewCheckJSON(o *inventory.Outcome) CheckJSON {
	return CheckJSON{
		Address: o.Check.String(), Kind: o.Kind, Standing: o.Standing, Layer: orNull(string(o.Layer)), Severity: o.Severity, Said: o.Said,
		Evidence: orEmpty(o.Evidence), Fix: orEmpty(o.Fix), AskedAt: orNull(inventory.Timestamp(o.At)), Since: orNull(inventory.Timestamp(o.Since)),
	}
}

// ChangeJSON is a change as all JSON output shows it.
type ChangeJSON struct {
	Address    string             `json:"address"`
	Kind       string             `json:"kind"`
	Identity   string             `json:"identity"`
	Provider   string             `json:"provider"`
	Name       string             `json:"name"`
	Action     inventory.Action   `json:"action"`
	Verdict    inventory.Verdict  `json:"verdict"`
	Impact     inventory.Impact   `json:"impact"`
	Unfinished bool               `json:"unfinished"` // recon made it and did not come to the end
	Digest     *string            `json:"digest"`
	ChangedBy  *changedByJSON     `json:"changed_by"`
	ByNeeds    *string            `json:"changed_by_needs"` // the privilege without which it cannot be seen
	Fields     []fieldJSON        `json:"fields"`
	Blocked    []inventory.Reason `json:"blocked"`
	Calls      []CallJSON         `json:"calls"`
	Harms      []inventory.Harm   `json:"harms"` // what others lose meanwhile
}

type changedByJSON struct {
	User string `json:"user"`
	What string `json:"what"`
	At   string `json:"at"`
}

type fieldJSON struct {
	Name        string            `json:"name"`
	Desired     any               `json:"desired"`
	Live        any               `json:"live"`
	Running     any               `json:"running"`
	LastApplied any               `json:"last_applied"`
	Terraform   any               `json:"terraform"`
	Verdict     inventory.Verdict `json:"verdict"`
	Impact      inventory.Impact  `json:"impact"`
	Policy      string            `json:"policy"`
	Sensitive   bool              `json:"sensitive"`
	NoWayBack   bool              `json:"no_way_back"`
	Source      *sourceJSON       `json:"source"`
	Declared    bool              `json:"declared"` // false: an exact manifest leaves it out
}

type sourceJSON struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
}

// CallJSON is one call that a change consists of.
type CallJSON struct {
	Method string            `json:"method"`
	Path   string            `json:"path"`
	Params map[string]string `json:"params"`
	Notes  []string          `json:"notes"` // what else happens because of it
}

type unknownJSON struct {
	Provider  string   `json:"provider"`
	Scope     string   `json:"scope"`
	Error     string   `json:"error"`
	Since     *string  `json:"since"`
	Addresses []string `json:"addresses"`
}

type unmanagedJSON struct {
	Kind     string `json:"kind"`
	Identity string `json:"identity"`
	Name     string `json:"name"`
	Node     string `json:"node"`
}

// MarshalJSON writes the plan in the form that CLI.md of the project promises.
func (p *Plan) MarshalJSON() ([]byte, error) { return json.Marshal(p.json()) }

// WithResults writes the plan with the results of applying it.
func (p *Plan) WithResults(results []Result, conditions []string) any {
	out := struct {
		planJSON
		Results []resultJSON `json:"results"`
	}{p.json(), resultsJSON(results)}
	for _, c := range conditions {
		if !slices.Contains(out.Conditions, c) {
			out.Conditions = append(out.Conditions, c)
		}
	}
	return out
}

func (p *Plan) json() planJSON {
	out := planJSON{
		FormatVersion: FormatVersion, ObservedAt: inventory.Timestamp(p.ObservedAt), Complete: p.Complete, Summary: p.Summary(),
		Conditions: []string{}, Changes: []ChangeJSON{}, Unknown: []unknownJSON{}, Unmanaged: []unmanagedJSON{}, Findings: orEmpty(p.Findings), Checks: []CheckJSON{},
	}
	for i := range p.Checks {
		out.Checks = append(out.Checks, NewCheckJSON(&p.Checks[i]))
	}
	if !p.Complete {
		out.Conditions = append(out.Conditions, "incomplete")
	}
	if !p.InSync() {
		out.Conditions = append(out.Conditions, "differs")
	}
	for i := range p.Changes {
		out.Changes = append(out.Changes, NewChangeJSON(&p.Changes[i]))
	}
	for _, u := range p.Unknown {
		out.Unknown = append(out.Unknown, newUnknownJSON(u))
	}
	for _, o := range p.Unmanaged {
		out.Unmanaged = append(out.Unmanaged, unmanagedJSON{Kind: o.Resource.Addr.Kind, Identity: o.Resource.Identity, Name: o.Resource.Name(), Node: o.Volatile.Node})
	}
	return out
}

func newUnknownJSON(u inventory.Scope) unknownJSON {
	j := unknownJSON{Provider: u.Provider, Scope: u.Scope, Since: orNull(inventory.Timestamp(u.Since)), Addresses: []string{}}
	if u.Err != nil {
		j.Error = u.Err.Error()
	}
	for _, a := range u.Addresses {
		j.Addresses = append(j.Addresses, a.String())
	}
	slices.Sort(j.Addresses)
	return j
}

// NewChangeJSON spells a change for output. Secrets do not appear in it.
func NewChangeJSON(c *inventory.Change) ChangeJSON {
	j := ChangeJSON{
		Address: c.Addr.String(), Kind: c.Addr.Kind, Identity: c.Want.Identity, Provider: c.Want.Provider, Name: c.Want.Name(),
		Action: c.Action, Verdict: c.Verdict, Impact: c.Impact, Unfinished: c.Unfinished, Digest: orNull(c.Digest),
		Fields: []fieldJSON{}, Blocked: orEmpty(c.Blocked), Calls: CallsJSON(c.Steps), Harms: orEmpty(c.Harms),
	}
	if by := c.Have.Volatile.Changed; by.User != "" {
		j.ChangedBy = &changedByJSON{by.User, by.What, inventory.Timestamp(by.At)}
	}
	if lack := c.Have.Volatile.Changed.Hidden; lack != (inventory.Lack{}) {
		j.ByNeeds = orNull(lack.String())
	}
	for i := range c.Fields {
		j.Fields = append(j.Fields, newFieldJSON(&c.Fields[i]))
	}
	return j
}

func newFieldJSON(f *inventory.FieldChange) fieldJSON {
	value := func(v cty.Value) any {
		if f.Attr.Hides(v) {
			return f.Attr.Show(v)
		}
		return inventory.JSONValue(v)
	}
	j := fieldJSON{
		Name: string(f.Path), Declared: !f.Undeclared, Desired: value(f.Wish()), Live: value(f.Live), Running: value(f.Running), LastApplied: value(f.LastApplied),
		Terraform: value(f.Terraform), Verdict: f.Verdict, Impact: f.Impact, Policy: f.Policy, Sensitive: f.Attr.Secret, NoWayBack: f.NoWayBack,
	}
	if f.Source.Filename != "" {
		j.Source = &sourceJSON{f.Source.Filename, f.Source.Start.Line, f.Source.Start.Column}
	}
	return j
}

// CallsJSON spells steps for output.
func CallsJSON(steps []inventory.Step) []CallJSON {
	out := make([]CallJSON, 0, len(steps))
	for _, s := range steps {
		params := s.Params
		if params == nil {
			params = map[string]string{}
		}
		out = append(out, CallJSON{Method: s.Method, Path: s.Path, Params: params, Notes: orEmpty(s.Notes)})
	}
	return out
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func orEmpty[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
