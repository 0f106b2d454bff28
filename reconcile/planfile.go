package reconcile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"recon/inventory"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// A SavedPlan is what a file says that a plan once was. It decides nothing: Hold
// compares it with a plan of today, and what is executed is today's plan alone. It
// holds the steps, the digests of what they were made from, and salted hashes in
// place of secrets.
type SavedPlan struct {
	FormatVersion string            `json:"format_version"`
	What          string            `json:"what"` // tells a plan file from any other JSON
	CreatedAt     time.Time         `json:"created_at"`
	Managed       int               `json:"managed"`
	Changes       []savedChange     `json:"changes"`
	Secrets       map[string]string `json:"secrets"` // address + " " + field -> hash
	Origin
}

// An Origin is what a plan was made from, beside what was observed.
type Origin struct {
	Commit    string            `json:"commit"`    // of Git, "" without any
	Manifests map[string]string `json:"manifests"` // file -> SHA-256 of its bytes
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
func (p *Plan) Save(from Origin) ([]byte, error) {
	s, err := p.saved(from)
	if err != nil {
		return nil, err
	}
	out, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("save the plan: %w", err)
	}
	return append(out, '\n'), nil
}

// saved is what is kept of the plan.
func (p *Plan) saved(from Origin) (SavedPlan, error) {
	s := SavedPlan{FormatVersion: FormatVersion, What: planFileMark, CreatedAt: p.ObservedAt.UTC(), Managed: p.Managed, Secrets: map[string]string{}, Origin: from}
	for i := range p.Changes {
		c := &p.Changes[i]
		for _, step := range c.Steps {
			for _, field := range step.Secrets {
				v, err := SecretOf(c, field)
				if err != nil {
					return s, err
				}
				s.Secrets[c.Addr.String()+" "+string(field)] = HashSecret(v)
			}
		}
		s.Changes = append(s.Changes, saveChange(c))
	}
	return s, nil
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

// ReadPlan reads a plan file.
func ReadPlan(data []byte) (*SavedPlan, error) {
	var s SavedPlan
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, fmt.Errorf("this is not a saved plan: %w", err)
	}
	if s.What != planFileMark {
		return nil, fmt.Errorf("this is not a saved plan; make one with recon plan --out FILE")
	}
	if s.FormatVersion != FormatVersion {
		return nil, fmt.Errorf("the plan has format version %q, and this recon reads %s; plan again", s.FormatVersion, FormatVersion)
	}
	return &s, nil
}

// Hold compares the saved plan with a fresh one and returns of the fresh one what was
// saved. Each saved change must be what would be planned today, in everything but the
// place where its wish is written; else the error wraps ErrStale and says the difference.
func (s *SavedPlan) Hold(fresh *Plan) (*Plan, error) {
	out := *fresh
	out.Changes = nil
	claimed := map[inventory.Address]*savedChange{}
	for i := range s.Changes {
		addr := s.Changes[i].Address
		if claimed[addr] != nil {
			return nil, fmt.Errorf("%w: it names %s twice", ErrStale, addr)
		}
		claimed[addr] = &s.Changes[i]
	}
	for i := range fresh.Changes {
		c := &fresh.Changes[i]
		claim := claimed[c.Addr]
		if claim == nil {
			continue // it was not planned then
		}
		if err := s.holds(claim, c); err != nil {
			return nil, err
		}
		delete(claimed, c.Addr)
		out.Changes = append(out.Changes, *c)
	}
	for i := range s.Changes {
		if addr := s.Changes[i].Address; claimed[addr] != nil {
			return nil, fmt.Errorf("%w: %s", ErrStale, unplanned(addr, fresh.Unknown))
		}
	}
	return &out, nil
}

// unplanned says why a resource has no place in a fresh plan.
func unplanned(addr inventory.Address, unknown []inventory.Scope) string {
	for _, u := range unknown {
		if slices.Contains(u.Addresses, addr) {
			return fmt.Sprintf("%s cannot be observed", addr)
		}
	}
	return fmt.Sprintf("nothing is to be done about %s today: it is as declared, or the manifests no longer declare it", addr)
}

// holds compares one change, and its secrets, with today's.
func (s *SavedPlan) holds(claim *savedChange, c *inventory.Change) error {
	then, err := leavesOf(*claim)
	if err != nil {
		return err
	}
	now, err := leavesOf(saveChange(c))
	if err != nil {
		return err
	}
	if d := differences(then, now); len(d) > 0 {
		return fmt.Errorf("%w: %s has changed since the plan was made: %s", ErrStale, c.Addr, few(d))
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

// leavesOf spells a saved change as the values at its JSON paths. It passes the file's
// own form once, so that what was read from a file and what was not are spelled alike.
// Where a wish is written does not count: a comment above it moves it.
func leavesOf(c savedChange) (map[string]string, error) {
	text, err := json.Marshal(c)
	var again savedChange
	if err == nil {
		err = json.Unmarshal(text, &again)
	}
	if err == nil {
		text, err = json.Marshal(byField(again))
	}
	if err != nil {
		return nil, fmt.Errorf("compare the saved plan: %w", err)
	}
	var tree any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&tree); err != nil {
		return nil, fmt.Errorf("compare the saved plan: %w", err)
	}
	out := map[string]string{}
	leaves(out, "", tree)
	return out, nil
}

// byField is a change whose fields are found by their paths, so that one more does not
// make all that follow others.
func byField(c savedChange) any {
	fields := map[inventory.Path]savedField{}
	for _, f := range c.Fields {
		f.File, f.Line, f.Column = "", 0, 0
		fields[f.Path] = f
	}
	return struct {
		savedChange
		Fields map[inventory.Path]savedField `json:"fields"`
	}{c, fields}
}

// leaves lists the values of a JSON tree by their paths. An empty list or object is a
// value: it is not the same as none.
func leaves(out map[string]string, path string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			leaves(out, path+"."+k, e)
		}
		if len(v) > 0 {
			return
		}
	case []any:
		for i, e := range v {
			leaves(out, fmt.Sprintf("%s[%d]", path, i), e)
		}
		if len(v) > 0 {
			return
		}
	}
	text, err := json.Marshal(v)
	if err != nil {
		text = fmt.Append(nil, v)
	}
	out[strings.TrimPrefix(path, ".")] = string(text)
}

// differences says what is not the same then and now.
func differences(then, now map[string]string) (out []string) {
	paths := map[string]bool{}
	for _, m := range []map[string]string{then, now} {
		for p := range m {
			paths[p] = true
		}
	}
	for _, p := range slices.Sorted(maps.Keys(paths)) {
		was, isThen := then[p]
		is, isNow := now[p]
		if was != is || isThen != isNow {
			out = append(out, fmt.Sprintf("%s was %s, is %s", p, orNothing(was), orNothing(is)))
		}
	}
	return out
}

// few says the first of many differences, and how many there are beside.
func few(d []string) string {
	const most = 6
	if len(d) > most {
		d = append(d[:most:most], fmt.Sprintf("and %d more", len(d)-most))
	}
	return strings.Join(d, "; ")
}

func orNothing(s string) string {
	if s == "" {
		return "nothing"
	}
	return s
}

// Moved names the manifests that are others than those the plan was made from.
func (o Origin) Moved(now Origin) (out []string) {
	for _, m := range []map[string]string{o.Manifests, now.Manifests} {
		for name := range m {
			if o.Manifests[name] != now.Manifests[name] {
				out = append(out, name)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Claim is the plan that the file says it is, to be shown and for nothing else.
func (s *SavedPlan) Claim() (*Plan, error) {
	p := &Plan{ObservedAt: s.CreatedAt, Complete: true, Managed: s.Managed}
	for i := range s.Changes {
		c, err := s.Changes[i].claim()
		if err != nil {
			return nil, err
		}
		p.Changes = append(p.Changes, c)
	}
	return p, nil
}

func (sc *savedChange) claim() (inventory.Change, error) {
	c := inventory.Change{Action: sc.Action, Addr: sc.Address, Verdict: sc.Verdict, Impact: sc.Impact, Digest: sc.Digest, Steps: sc.Steps, Blocked: sc.Blocked}
	c.Want = inventory.Resource{Addr: sc.Address, Identity: sc.Identity, Provider: sc.Provider, Attrs: inventory.Attrs{"name": cty.StringVal(sc.Name)}}
	c.Have = inventory.Observation{Resource: c.Want, Volatile: inventory.Volatile{Node: sc.Node}}
	kind := inventory.KindOf(sc.Address.Kind)
	if kind == nil {
		return c, fmt.Errorf("the plan names %s, and there is no kind %s in this version of recon", sc.Address, sc.Address.Kind)
	}
	for _, f := range sc.Fields {
		attr, _, _ := kind.Lookup(f.Path)
		if attr == nil {
			return c, fmt.Errorf("the plan names %s of %s, which is no field in this version of recon", f.Path, sc.Address)
		}
		c.Fields = append(c.Fields, inventory.FieldChange{
			Path: f.Path, Attr: attr, Desired: f.Desired.Value, Live: f.Live.Value, Running: f.Running.Value, Verdict: f.Verdict, Impact: f.Impact, Policy: f.Policy,
			Source: hcl.Range{Filename: f.File, Start: hcl.Pos{Line: f.Line, Column: f.Column}},
		})
	}
	return c, nil
}
