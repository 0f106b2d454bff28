package reconcile

import (
	"encoding/json"
	"fmt"
	"time"

	"recon/inventory"

	"github.com/hashicorp/hcl/v2"
)

// A saved plan is a file that Apply can execute later. It holds the steps, the
// digests of the configurations for which they were made, and salted hashes in
// place of secrets.
type savedPlan struct {
	FormatVersion string            `json:"format_version"`
	What          string            `json:"what"` // tells a plan file from any other JSON
	CreatedAt     time.Time         `json:"created_at"`
	Managed       int               `json:"managed"`
	Changes       []savedChange     `json:"changes"`
	Secrets       map[string]string `json:"secrets"` // address + " " + field -> hash
}

type savedChange struct {
	Address  inventory.Address  `json:"address"`
	Identity string             `json:"identity"`
	Provider string             `json:"provider"`
	Name     string             `json:"name"`
	Node     string             `json:"node"`
	State    string             `json:"state"`
	Action   inventory.Action   `json:"action"`
	Verdict  inventory.Verdict  `json:"verdict"`
	Impact   inventory.Impact   `json:"impact"`
	Digest   string             `json:"digest"`
	Fields   []savedField       `json:"fields"`
	Steps    []inventory.Step   `json:"steps"`
	Blocked  []inventory.Reason `json:"blocked"`
}

type savedField struct {
	Path    inventory.Path    `json:"path"`
	Desired inventory.Value   `json:"desired"`
	Live    inventory.Value   `json:"live"`
	Running inventory.Value   `json:"running"`
	Verdict inventory.Verdict `json:"verdict"`
	Impact  inventory.Impact  `json:"impact"`
	Policy  string            `json:"policy"`
	File    string            `json:"file"`
	Line    int               `json:"line"`
	Column  int               `json:"column"`
}

const planFileMark = "recon plan"

// Save turns the plan into a file's content.
func (p *Plan) Save() ([]byte, error) {
	s := savedPlan{FormatVersion: FormatVersion, What: planFileMark, CreatedAt: p.ObservedAt.UTC(), Managed: p.Managed, Secrets: map[string]string{}}
	for i := range p.Changes {
		c := &p.Changes[i]
		for _, step := range c.Steps {
			for _, field := range step.Secrets {
				v, err := SecretOf(c, field)
				if err != nil {
					return nil, err
				}
				s.Secrets[c.Addr.String()+" "+string(field)] = HashSecret(v)
			}
		}
		s.Changes = append(s.Changes, saveChange(c))
	}
	out, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("save the plan: %w", err)
	}
	return append(out, '\n'), nil
}

func saveChange(c *inventory.Change) savedChange {
	s := savedChange{
		Address: c.Addr, Identity: c.Want.Identity, Provider: c.Want.Provider, Name: c.Want.Name(), Node: c.Have.Volatile.Node, State: c.Have.State.String(),
		Action: c.Action, Verdict: c.Verdict, Impact: c.Impact, Digest: c.Digest, Steps: c.Steps, Blocked: c.Blocked,
	}
	for _, f := range c.Fields {
		sf := savedField{Path: f.Path, Verdict: f.Verdict, Impact: f.Impact, Policy: f.Policy, File: f.Source.Filename, Line: f.Source.Start.Line, Column: f.Source.Start.Column}
		if !f.Attr.Secret {
			sf.Desired, sf.Live, sf.Running = inventory.Value{Value: f.Desired}, inventory.Value{Value: f.Live}, inventory.Value{Value: f.Running}
		}
		s.Fields = append(s.Fields, sf)
	}
	return s
}

// Load reads a saved plan and binds it to a fresh one: each saved change must
// find its resource declared and exactly as it was. A change for which that does
// not hold makes the whole plan stale.
func Load(data []byte, fresh *Plan, req Request) (*Plan, error) {
	var s savedPlan
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, fmt.Errorf("this is not a saved plan: %w", err)
	}
	if s.What != planFileMark {
		return nil, fmt.Errorf("this is not a saved plan; make one with recon plan --out FILE")
	}
	if s.FormatVersion != FormatVersion {
		return nil, fmt.Errorf("the plan has format version %q, and this recon reads %s; plan again", s.FormatVersion, FormatVersion)
	}
	out := *fresh
	out.Changes = nil
	seen := observations(req.Snapshots)
	for i := range s.Changes {
		c, err := s.bind(&s.Changes[i], seen, req)
		if err != nil {
			return nil, err
		}
		out.Changes = append(out.Changes, c)
	}
	return &out, nil
}

func (s *savedPlan) bind(sc *savedChange, seen map[string]*inventory.Observation, req Request) (inventory.Change, error) {
	var want *inventory.Resource
	for i := range req.Desired {
		if req.Desired[i].Addr == sc.Address && req.Desired[i].Identity == sc.Identity {
			want = &req.Desired[i]
		}
	}
	if want == nil {
		return inventory.Change{}, fmt.Errorf("%w: the manifests no longer declare %s as %s", ErrStale, sc.Address, sc.Identity)
	}
	have := seen[sc.Identity]
	if have == nil || have.State == inventory.Unknown {
		return inventory.Change{}, fmt.Errorf("%w: %s cannot be observed", ErrStale, sc.Address)
	}
	if have.State.String() != sc.State || have.Digest != sc.Digest {
		return inventory.Change{}, fmt.Errorf("%w: %s has changed since the plan was made; plan again", ErrStale, sc.Address)
	}
	c := inventory.Change{Action: sc.Action, Addr: sc.Address, Want: *want, Have: *have, Verdict: sc.Verdict, Impact: sc.Impact, Digest: sc.Digest, Steps: sc.Steps, Blocked: sc.Blocked}
	for _, f := range sc.Fields {
		attr, _, _ := want.Kind().Lookup(f.Path)
		if attr == nil {
			return c, fmt.Errorf("%w: %s has no field %s in this version of recon", ErrStale, sc.Address, f.Path)
		}
		c.Fields = append(c.Fields, inventory.FieldChange{
			Path: f.Path, Attr: attr, Desired: f.Desired.Value, Live: f.Live.Value, Running: f.Running.Value, Verdict: f.Verdict, Impact: f.Impact, Policy: f.Policy,
			Source: hcl.Range{Filename: f.File, Start: hcl.Pos{Line: f.Line, Column: f.Column}},
		})
	}
	return c, s.recheck(&c)
}

// recheck holds a saved change against today's guards and secrets.
func (s *savedPlan) recheck(c *inventory.Change) error {
	blocked := len(c.Blocked)
	guard(c)
	if len(c.Blocked) > blocked {
		return fmt.Errorf("%w: %s is blocked now: %s", ErrStale, c.Addr, c.Blocked[len(c.Blocked)-1].Detail)
	}
	for _, step := range c.Steps {
		for _, field := range step.Secrets {
			v, err := SecretOf(c, field)
			if err != nil {
				return fmt.Errorf("%w: %w", ErrStale, err)
			}
			if !SecretMatches(s.Secrets[c.Addr.String()+" "+string(field)], v) {
				return fmt.Errorf("%w: the secret %s of %s is not the one that was planned", ErrStale, field, c.Addr)
			}
		}
	}
	return nil
}
