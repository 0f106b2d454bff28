package home

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"recon/inventory"
	"recon/manifests"
	"recon/providers"
	"recon/reconcile"
)

// A World is what one look at everything found, beside what is remembered and
// what the manifests said at that time.
type World struct {
	At        time.Time
	Project   *manifests.Project
	Snapshots []inventory.Snapshot
	Readers   []providers.Reader
	Memory    Memory
	Claims    *inventory.Claims // what witnesses say
	Elapsed   time.Duration

	Keep bool // plans for apply take snapshots before what cannot be taken back

	home  *Home
	began reconcile.LastRun // the last run when this look began

	around []inventory.Surroundings // of each reader, once it was surveyed

	vanished map[string]inventory.Observation // what became of things that are remembered and not listed any more

	outcomes map[inventory.Address]inventory.Outcome // of the checks that this look has asked

	past reconcile.Past // what the manifests said before; nil until it is asked for

	unasked map[string]bool // sources of which only the memory is told
}

// Home is the project that was looked at.
func (w *World) Home() *Home { return w.home }

// With is the same look beside other manifests: those that were written from it.
func (w *World) With(p *manifests.Project) *World {
	out := *w
	out.Project, out.past = p, nil
	out.Snapshots = slices.Clone(w.Snapshots)
	addrs := map[string]inventory.Address{}
	for i := range p.Resources {
		addrs[p.Resources[i].Identity] = p.Resources[i].Addr
	}
	for i := range out.Snapshots {
		snap := &out.Snapshots[i]
		snap.Observations = slices.Clone(snap.Observations)
		for j := range snap.Observations {
			res := &snap.Observations[j].Resource
			if a, ok := addrs[res.Identity]; ok && a.Kind == res.Addr.Kind {
				res.Addr = a
			}
		}
	}
	return &out
}

// Close ends the readers' idle connections.
func (w *World) Close() {
	for _, r := range w.Readers {
		if c, ok := r.(interface{ Close() }); ok {
			c.Close()
		}
	}
}

// AskAddresses asks running guests for the addresses that their configuration does not
// tell, once each. One that does not answer keeps what it said last.
func (w *World) AskAddresses(ctx context.Context) error {
	if err := w.Recall(ctx); err != nil {
		return err
	}
	var wg sync.WaitGroup
	for i, r := range w.Readers {
		if a, ok := r.(providers.Addresser); ok && w.Snapshots[i].Calls > 0 {
			wg.Go(func() { w.Snapshots[i].Calls += a.Addresses(ctx, w.Snapshots[i].Observations) })
		}
	}
	wg.Wait()
	return nil
}

// keepAddresses gives guests that said nothing, or were not asked, the addresses that
// they said last.
func (w *World) keepAddresses() {
	for i := range w.Snapshots {
		for j := range w.Snapshots[i].Observations {
			o := &w.Snapshots[i].Observations[j]
			last, known := w.Memory.Seen[o.Resource.Identity]
			if known && o.State == inventory.Present && len(o.Volatile.Addresses) == 0 {
				o.Volatile.Addresses, o.Volatile.AddressesAt = last.Volatile.Addresses, last.Volatile.AddressesAt
			}
		}
	}
}

// AskKept asks for the snapshots that recon has taken, of every guest or of those that
// have one to go back to.
func (w *World) AskKept(ctx context.Context, all bool) (err error) {
	for i, r := range w.Readers {
		snap := &w.Snapshots[i]
		k, keeps := r.(providers.Keeper)
		if !keeps || snap.Calls == 0 {
			continue
		}
		calls, failed := k.Kept(ctx, snap.Observations, all)
		snap.Calls += calls
		err = errors.Join(err, failed)
	}
	return err
}

// steady rounds what nodes and storages have in use, beside what was told of them last,
// so that documents do not change with every look.
func (w *World) steady() {
	for i := range w.Snapshots {
		snap := &w.Snapshots[i]
		last := w.Memory.Clusters[snap.Provider]
		for j := range snap.Nodes {
			snap.Nodes[j].Steady(inventory.NodeNamed(last.Nodes, snap.Nodes[j].Name))
		}
		for j := range snap.Storages {
			s := &snap.Storages[j]
			old := inventory.StorageNamed(last.Storages, s.Name)
			for k := range s.On {
				s.On[k].Steady(old.Place(s.On[k].Node))
			}
		}
	}
}

// Unknown lists what could not be observed.
func (w *World) Unknown() (out []inventory.Scope) {
	for i := range w.Snapshots {
		out = append(out, w.Snapshots[i].Unknown...)
	}
	return out
}

// Incomplete reports whether some source could not be observed.
func (w *World) Incomplete() bool {
	return slices.ContainsFunc(w.Snapshots, func(s inventory.Snapshot) bool { return !s.Complete })
}

// Observations returns everything that was looked at, sorted by address.
func (w *World) Observations() []inventory.Observation {
	var out []inventory.Observation
	for _, s := range w.Snapshots {
		out = append(out, s.Observations...)
	}
	slices.SortFunc(out, func(a, b inventory.Observation) int {
		return cmp.Or(inventory.CompareAddress(a.Resource.Addr, b.Resource.Addr), inventory.NaturalCompare(a.Resource.Identity, b.Resource.Identity))
	})
	return out
}

// A Known is what is known of one thing: as it was observed now, or as it was last
// seen. One that was never seen has State Unknown.
type Known struct {
	inventory.Observation
	Stale bool // it could not be observed now
}

// Known is everything that is there as far as anybody knows: what is live, else
// what was last seen of it, else that it is still meant to be there. What is proven
// absent is not in it. The order is that of Observations.
func (w *World) Known(ctx context.Context) ([]Known, error) {
	if err := w.Recall(ctx); err != nil {
		return nil, err
	}
	var out []Known
	seen := map[string]bool{}
	for _, o := range w.Observations() {
		seen[o.Resource.Identity] = true
		switch o.State {
		case inventory.Present:
			out = append(out, Known{Observation: o})
		case inventory.Unknown:
			out = append(out, Known{w.lastSeen(o), true})
		}
	}
	for id, last := range w.Memory.Seen {
		if !seen[id] && w.lost(last.Resource.Provider) {
			out = append(out, Known{remembered(last), true})
		}
	}
	slices.SortFunc(out, func(a, b Known) int {
		return cmp.Or(inventory.CompareAddress(a.Resource.Addr, b.Resource.Addr), inventory.NaturalCompare(a.Resource.Identity, b.Resource.Identity))
	})
	return out, nil
}

// lastSeen is what is remembered of something that could not be observed; without
// a memory the observation itself.
func (w *World) lastSeen(o inventory.Observation) inventory.Observation {
	last, known := w.Memory.Seen[o.Resource.Identity]
	if !known {
		return o
	}
	old := remembered(last)
	old.Resource.Addr, old.Err = o.Resource.Addr, o.Err
	return old
}

// LastSeen is what was last seen of something before this look.
func (w *World) LastSeen(identity string) (inventory.Observation, bool) {
	last, known := w.Memory.Seen[identity]
	if !known {
		return inventory.Observation{}, false
	}
	return remembered(last), true
}

// lost reports whether what a source did not mention may still be there: nothing at
// all of it could be observed, or not everything of it may be seen.
func (w *World) lost(provider string) bool {
	for i := range w.Snapshots {
		if s := &w.Snapshots[i]; s.Provider == provider {
			return s.Partial || len(s.Observations) == 0 && !s.Complete
		}
	}
	return false
}

// NeverObserved reports whether nothing of a source was ever seen, now or before. What
// was last seen must have been recalled.
func (w *World) NeverObserved(provider string) bool {
	for i := range w.Snapshots {
		if s := &w.Snapshots[i]; s.Provider == provider && (s.Complete || len(s.Observations)+len(s.Nodes) > 0) {
			return false
		}
	}
	for _, r := range w.Readers {
		if _, witness := r.(providers.Witness); witness && r.Name() == provider {
			return false // what it says is not remembered
		}
	}
	if _, met := w.Memory.Clusters[provider]; met {
		return false
	}
	for _, o := range w.Memory.Seen {
		if o.Resource.Provider == provider {
			return false
		}
	}
	return true
}

// Find reads what people call something that is declared or known.
func (w *World) Find(ctx context.Context, text string) (inventory.Address, inventory.Path, error) {
	all := slices.Clone(w.Project.Resources)
	known, err := w.Known(ctx)
	if err != nil {
		return inventory.Address{}, "", err
	}
	for i := range known {
		all = append(all, known[i].Resource)
	}
	addr, path, err := inventory.Find(all, text)
	return addr, path, w.Unfound(err, "recon inventory lists what there is")
}

// Unfound tells somebody who named what nobody knows where to look: it is not there, or it
// is where nothing could be observed.
func (w *World) Unfound(err error, hint string) error {
	switch {
	case !errors.Is(err, inventory.ErrNotFound):
		return err
	case len(w.Unknown()) > 0:
		return &Failure{Code: ExitIncomplete, Err: fmt.Errorf("as far as could be observed, %w", err), Hint: "recon check says what is missing"}
	}
	return &Failure{Code: ExitError, Err: err, Hint: hint}
}

// Request is the comparison's input.
func (w *World) Request(targets []inventory.Address) reconcile.Request {
	return reconcile.Request{
		Input: reconcile.Input{
			Desired: w.Project.Resources, Snapshots: w.Snapshots, LastApplied: w.Memory.Remembered(), Claims: w.Claims, Past: w.past, Now: w.At,
		},
		Readers: w.Readers, Targets: targets, Graph: w.Project.Graph, Keep: w.Keep,
	}
}

// Plan compares what was observed with the manifests, and says exactly how what
// differs would be closed.
func (w *World) Plan(ctx context.Context, targets []inventory.Address) (*reconcile.Plan, error) {
	for _, t := range targets {
		if !slices.ContainsFunc(w.Project.Resources, func(r inventory.Resource) bool { return t.Names(r.Addr) }) {
			return nil, fmt.Errorf("no manifest declares %s", t)
		}
	}
	return w.plan(ctx, w.Request(targets))
}

// Compare is Plan for whoever only looks: what would cost much to foresee, as what a
// run of terraform would do, is only outlined.
func (w *World) Compare(ctx context.Context) (*reconcile.Plan, error) {
	req := w.Request(nil)
	req.Outline = true
	return w.plan(ctx, req)
}

// plan compares. Who changed what is asked only when something has drifted.
func (w *World) plan(ctx context.Context, req reconcile.Request) (*reconcile.Plan, error) {
	start := time.Now()
	if err := w.askPast(ctx, req.Input); err != nil {
		return nil, err
	}
	req.Past = w.past
	p, err := reconcile.New(ctx, req)
	if err != nil {
		return nil, err
	}
	w.gates(ctx, p, !req.Outline)
	w.attribute(ctx, p)
	if err := w.harms(ctx, p); err != nil {
		return nil, err
	}
	if err := w.examine(ctx, p); err != nil {
		return nil, err
	}
	w.tellChecks(p, req.Targets)
	p.Elapsed = w.Elapsed + time.Since(start)
	return p, nil
}

// askPast asks the history of the manifests which side moved, where nothing else tells.
// A repository that cannot be read is no reason to show no plan.
func (w *World) askPast(ctx context.Context, in reconcile.Input) error {
	if w.past != nil {
		return nil
	}
	past, err := w.home.past(ctx, w.Project, reconcile.Undecided(in))
	if err != nil {
		w.home.Log.Warn("the history of the manifests cannot be read", "error", err)
	}
	if w.past = past; past == nil {
		w.past = reconcile.Past{}
	}
	return ctx.Err()
}

// attribute asks the providers who changed what has drifted.
func (w *World) attribute(ctx context.Context, p *reconcile.Plan) {
	for i, r := range w.Readers {
		a, ok := r.(providers.Attributor)
		if !ok || w.Snapshots[i].Calls == 0 {
			continue
		}
		var ids []string
		for j := range p.Changes {
			if c := &p.Changes[j]; c.Want.Provider == r.Name() && outside(c.Verdict) {
				ids = append(ids, c.Want.Identity)
			}
		}
		if len(ids) == 0 {
			continue
		}
		who := a.Attribute(ctx, ids)
		if who[ids[0]].Hidden == (inventory.Lack{}) {
			p.Calls += 2
		}
		for j := range p.Changes {
			if by, ok := who[p.Changes[j].Want.Identity]; ok {
				p.Changes[j].Have.Volatile.Changed = by
			}
		}
	}
}

// outside reports a verdict that somebody else than the manifests' author caused.
func outside(v inventory.Verdict) bool {
	return reconcile.LiveMoved(v) || v == inventory.VerdictPendingReboot
}
