package reconcile

import (
	"context"
	"fmt"
	"slices"
	"time"

	"recon/inventory"
	"recon/providers"
)

// A Plan is what separates the home from its manifests, and how that would be
// closed. It is one value: the command line prints it, JSON spells it, a file
// keeps it, Apply executes it.
type Plan struct {
	ObservedAt time.Time
	Complete   bool // every source could be observed
	Declared   int  // resources in the manifests
	Managed    int  // those of them that the plan is about
	Changes    []inventory.Change
	Unknown    []inventory.Scope
	Unmanaged  []inventory.Observation
	Findings   []inventory.Finding
	Checks     []inventory.Outcome // sorted by address
	Calls      int
	Elapsed    time.Duration
}

// Request is what New needs beside the comparison's input.
type Request struct {
	Input
	Readers []providers.Reader  // those that are Writers get to describe steps
	Targets []inventory.Address // only these resources; nil for all
	Graph   inventory.Graph
	Keep    bool // a snapshot is taken before what cannot be taken back
	Outline bool // nobody means to apply it: witnesses whose steps cost much only outline them
}

// New compares and plans. It makes no calls that change anything.
func New(ctx context.Context, req Request) (*Plan, error) {
	p := &Plan{ObservedAt: req.Now, Complete: true, Declared: len(req.Desired), Managed: len(req.Desired)}
	for i := range req.Snapshots {
		s := &req.Snapshots[i]
		p.Complete = p.Complete && s.Complete
		p.Unknown = append(p.Unknown, s.Unknown...)
		p.Findings = append(p.Findings, s.Findings...)
		p.Calls += s.Calls
	}
	p.Findings = append(p.Findings, req.renamedBlocks()...)
	if req.Targets == nil {
		p.Unmanaged = unmanaged(req.Desired, req.Snapshots)
	} else {
		req.Desired = targeted(req.Desired, req.Targets)
		p.Managed = len(req.Desired)
		p.Unknown = narrow(p.Unknown, req.Targets)
		p.Complete = len(p.Unknown) == 0
	}
	p.Changes = Diff(req.Input)
	for i := range p.Changes {
		if err := req.describe(ctx, &p.Changes[i]); err != nil {
			return nil, err
		}
	}
	order(p.Changes, req.Graph)
	return p, nil
}

// targeted returns the resources that the targets name.
func targeted(all []inventory.Resource, ts []inventory.Address) []inventory.Resource {
	var out []inventory.Resource
	for _, r := range all {
		if slices.ContainsFunc(ts, func(t inventory.Address) bool { return t.Names(r.Addr) }) {
			out = append(out, r)
		}
	}
	return out
}

// narrow keeps, of what could not be observed, what concerns the targets.
func narrow(scopes []inventory.Scope, ts []inventory.Address) []inventory.Scope {
	var out []inventory.Scope
	for _, u := range scopes {
		var named []inventory.Address
		for _, a := range u.Addresses {
			if slices.ContainsFunc(ts, func(t inventory.Address) bool { return t.Names(a) }) {
				named = append(named, a)
			}
		}
		if u.Addresses = named; len(named) > 0 {
			out = append(out, u)
		}
	}
	return out
}

// unmanaged returns the guests that no manifest declares.
func unmanaged(desired []inventory.Resource, snaps []inventory.Snapshot) []inventory.Observation {
	declared := make(map[string]bool, len(desired))
	for i := range desired {
		declared[desired[i].Identity] = true
	}
	var out []inventory.Observation
	for i := range snaps {
		for _, o := range snaps[i].Observations {
			if !declared[o.Resource.Identity] && o.State != inventory.Absent {
				out = append(out, o)
			}
		}
	}
	return out
}

// describe gives a change its impacts, its steps and what blocks it.
func (req *Request) describe(ctx context.Context, c *inventory.Change) error {
	readers := req.Readers
	i := slices.IndexFunc(readers, func(r providers.Reader) bool { return r.Name() == c.Want.Provider })
	if i < 0 {
		c.Block("read_only", "no provider can change %s", c.Want.Provider)
		return nil
	}
	if imp, ok := readers[i].(providers.Impacter); ok {
		for j := range c.Fields {
			c.Fields[j].Impact = imp.Impact(c, &c.Fields[j])
		}
	}
	for _, f := range c.Fields {
		if f.Policy != "ignore" && (f.Writes() || f.Verdict == inventory.VerdictPendingReboot) {
			c.Impact = max(c.Impact, f.Impact)
		}
	}
	guard(c)
	restart := c.Action == inventory.ActionNone && c.Verdict == inventory.VerdictPendingReboot && !c.Want.Policy.Protect && c.Have.Lock == ""
	if c.Have.Old || len(c.Blocked) > 0 || c.Action == inventory.ActionNone && !restart {
		return nil
	}
	w, ok := readers[i].(providers.Writer)
	if !ok && !restart {
		c.Block("read_only", "%s is only observed", c.Want.Provider)
	}
	if !ok {
		return nil
	}
	if req.Keep {
		c.Keep = inventory.KeptName(req.Now)
	}
	steps, blocked, err := req.steps(ctx, c, w)
	if err != nil {
		return fmt.Errorf("plan the steps of %s: %w", c.Addr, err)
	}
	c.Steps = steps
	c.Blocked = append(c.Blocked, blocked...)
	return nil
}

// order puts changes so that what others need comes first. Among equals the
// order is by address; a cycle of links leaves its members in that order.
func order(changes []inventory.Change, g inventory.Graph) {
	index := make(map[inventory.Address]int, len(changes))
	for i := range changes {
		index[changes[i].Addr] = i
	}
	sorted := make([]inventory.Change, 0, len(changes))
	done := make([]bool, len(changes))
	needs := g.Index()
	var visit func(i int)
	visit = func(i int) {
		if done[i] {
			return
		}
		done[i] = true
		for _, a := range needs[changes[i].Addr] {
			if j, ok := index[a]; ok {
				visit(j)
			}
		}
		sorted = append(sorted, changes[i])
	}
	for i := range changes {
		visit(i)
	}
	copy(changes, sorted)
}

// Summary counts what a plan holds.
type Summary struct {
	Managed        int     `json:"managed"`
	InSync         int     `json:"in_sync"`
	Create         int     `json:"create"`
	Update         int     `json:"update"`
	Delete         int     `json:"delete"`
	Blocked        int     `json:"blocked"` // of those, what cannot be done
	Drift          int     `json:"drift"`
	PendingChange  int     `json:"pending_change"`
	Conflict       int     `json:"conflict"`
	Differs        int     `json:"differs"` // which side moved is not known
	Missing        int     `json:"missing"`
	PendingReboot  int     `json:"pending_reboot"`
	TerraformStale int     `json:"terraform_stale"`
	Unknown        int     `json:"unknown"`
	Unmanaged      int     `json:"unmanaged"`
	Coverage       float64 `json:"coverage"` // managed of all that exist
	APICalls       int     `json:"api_calls"`
	ElapsedS       float64 `json:"elapsed_s"`
}

// Summary counts the plan.
func (p *Plan) Summary() Summary {
	s := Summary{Managed: p.Managed, Unmanaged: len(p.Unmanaged), APICalls: p.Calls, ElapsedS: float64(p.Elapsed.Milliseconds()) / 1000}
	for _, u := range p.Unknown {
		s.Unknown += len(u.Addresses)
	}
	for i := range p.Changes {
		s.count(&p.Changes[i])
	}
	s.InSync = max(s.Managed-s.Unknown-len(p.Changes), 0)
	if all := s.Managed + s.Unmanaged; all > 0 {
		s.Coverage = float64(s.Managed*1000/all) / 1000
	}
	return s
}

func (s *Summary) count(c *inventory.Change) {
	if c.Action != inventory.ActionNone && len(c.Steps) == 0 && len(c.Blocked) > 0 {
		s.Blocked++
	}
	switch c.Action {
	case inventory.ActionCreate:
		s.Create++
	case inventory.ActionUpdate:
		s.Update++
	case inventory.ActionDelete:
		s.Delete++
	}
	switch c.Verdict {
	case inventory.VerdictDrift:
		s.Drift++
	case inventory.VerdictPendingChange:
		s.PendingChange++
	case inventory.VerdictConflict:
		s.Conflict++
	case inventory.VerdictDiffers:
		s.Differs++
	case inventory.VerdictMissing:
		s.Missing++
	case inventory.VerdictPendingReboot:
		s.PendingReboot++
	case inventory.VerdictTerraformStale:
		s.TerraformStale++
	}
}

// InSync reports whether nothing differs.
func (p *Plan) InSync() bool { return len(p.Changes) == 0 }

// LacksRights reports whether something is blocked that an account with more rights could do.
func (p *Plan) LacksRights() bool {
	return slices.ContainsFunc(p.Changes, func(c inventory.Change) bool {
		return slices.ContainsFunc(c.Blocked, func(r inventory.Reason) bool { return r.Code == "no_permission" })
	})
}

// Stuck reports whether something differs, and nothing of it can be done.
func (p *Plan) Stuck() bool {
	return len(p.Changes) > 0 && !slices.ContainsFunc(p.Changes, func(c inventory.Change) bool { return len(c.Blocked) == 0 || len(c.Steps) > 0 })
}
