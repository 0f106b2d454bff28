package runs

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"recon/cmd/recon/internal/home"
	"recon/inventory"
	"recon/reconcile"

	"github.com/zclconf/go-cty/cty"
)

// A recorder gathers what a run saw and did.
type recorder struct {
	world       *home.World
	plan        *reconcile.Plan
	first       bool // nothing was ever seen before: everything is new, and nothing is news
	learned     reconcile.Learned
	done        map[inventory.Address]*reconcile.Result // what this run applied
	interrupted map[inventory.Address][]reconcile.Entry // steps of runs that could not tell of them
	half        map[inventory.Address]bool              // what this run made and did not come to the end with
	deed        deed
}

// A deed is what a run did, beside looking.
type deed struct {
	results []reconcile.Result
	heals   bool               // by itself
	triages []reconcile.Triage // what a run that proposes decided; nil of any other
	carried []Carried          // proposals
}

// record writes down, all at once, what was observed and compared: what was seen,
// what cannot be seen, drift episodes, and values in agreement. It returns what is
// news.
func record(ctx context.Context, ph *phase, w *home.World, p *reconcile.Plan, d deed) ([]inventory.Event, error) {
	if err := w.Recall(ctx); err != nil {
		return nil, err
	}
	r := &recorder{
		world: w, plan: p, first: len(w.Memory.Seen) == 0, deed: d,
		done: map[inventory.Address]*reconcile.Result{}, interrupted: map[inventory.Address][]reconcile.Entry{}, half: map[inventory.Address]bool{},
		learned: reconcile.Learned{At: w.At, Managed: p.Declared, Summary: Describe(p), Facts: w.Facts()},
	}
	for i := range d.results {
		r.applied(&d.results[i])
	}
	for _, m := range w.Project.Moved {
		r.learned.Moved = append(r.learned.Moved, reconcile.Move{From: m.From, To: m.To})
	}
	r.leftBehind()
	r.sightings(ctx)
	r.clusters()
	r.sources()
	r.checks()
	r.episodes()
	r.moves(ctx)
	r.blame(ctx)
	r.agreement()
	r.healings()
	if err := r.proposals(); err != nil {
		return nil, err
	}
	return r.learned.Events, ph.Learn(ctx, &r.learned)
}

func (r *recorder) event(e inventory.Event) {
	e.At = r.world.At
	r.learned.Events = append(r.learned.Events, e)
}

// applied notes a change that this run made.
func (r *recorder) applied(res *reconcile.Result) {
	if res.Status != reconcile.StatusDone {
		r.half[res.Change.Addr] = res.Made
		return
	}
	c := res.Change
	r.done[c.Addr] = res
	if len(res.Done) == 0 {
		return // it was so already: another run has done it, and tells of it
	}
	e := inventory.Event{Address: c.Addr, Identity: c.Want.Identity, Kind: inventory.WasApplied, By: "recon"}
	switch c.Action {
	case inventory.ActionCreate:
		e.Kind = inventory.Created
	case inventory.ActionDelete:
		e.Kind = inventory.Destroyed
	case inventory.ActionUpdate:
		if r.deed.heals {
			e.Kind = inventory.Healed
		}
	}
	for _, f := range res.Written() {
		e.Fields = append(e.Fields, reconcile.NewEventField(f, f.Live, f.Desired))
	}
	if from := c.Want.Policy.Create; e.Kind == inventory.Created && from != nil {
		origin := cmp.Or(from.Clone, from.Template)
		e.Fields = append(e.Fields, inventory.EventField{Name: "from", To: origin, ToText: origin})
	}
	e.Summary = fmt.Sprintf("%s %s", c.Action, c.Addr)
	r.event(e)
}

// sightings remembers what was seen, and notes what has come and what has gone.
// Something that is no longer listed is gone only when its absence is proven.
func (r *recorder) sightings(ctx context.Context) {
	listed := map[string]bool{}
	for _, o := range r.world.Observations() {
		id := o.Resource.Identity
		listed[id] = true
		old, known := r.world.Memory.Seen[id]
		switch {
		case o.State == inventory.Present:
			r.learned.Seen = append(r.learned.Seen, o)
			if !known && !r.first && !r.byRecon(o.Resource.Addr) && r.missedBefore(&o.Resource) {
				r.event(inventory.Event{Address: o.Resource.Addr, Identity: id, Kind: inventory.Appeared, Summary: fmt.Sprintf("%s appeared on %s", o.Resource.Addr, o.Volatile.Node)})
			}
		case o.State == inventory.Absent && known:
			r.learned.Gone = append(r.learned.Gone, id)
			r.disappeared(old)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(r.world.Memory.Seen)) {
		if old := r.world.Memory.Seen[id]; !listed[id] && r.world.ProvenGone(id) {
			r.learned.Gone = append(r.learned.Gone, id)
			r.disappeared(old)
		}
	}
}

// byRecon reports what recon itself has changed since the last look.
func (r *recorder) byRecon(a inventory.Address) bool {
	return r.done[a] != nil || r.interrupted[a] != nil
}

// missedBefore reports whether the last look would have shown the resource. Everything of
// a new cluster or host is new, and none of it is news; nor is what has come into sight
// because the account may see more now.
func (r *recorder) missedBefore(res *inventory.Resource) bool {
	if !r.world.Memory.Clusters[res.Provider].Sight.Shows(res) {
		return false
	}
	for _, s := range r.world.Memory.Seen {
		if s.Resource.Provider == res.Provider {
			return true
		}
	}
	return false
}

func (r *recorder) disappeared(old inventory.Observation) {
	if addr := old.Resource.Addr; !r.byRecon(addr) {
		r.event(inventory.Event{Address: addr, Identity: old.Resource.Identity, Kind: inventory.Disappeared, Summary: addr.String() + " no longer exists"})
	}
}

// clusters remembers what each cluster and host has beside its resources, and tells what
// became of it since the last look. That a node is down is told as a source that is lost.
func (r *recorder) clusters() {
	r.learned.Clusters = map[string]reconcile.Cluster{}
	for i := range r.world.Snapshots {
		snap := &r.world.Snapshots[i]
		if len(snap.Nodes) == 0 && snap.Version == "" {
			continue
		}
		now := reconcile.ClusterOf(snap)
		r.learned.Clusters[snap.Provider] = now
		old, known := r.world.Memory.Clusters[snap.Provider]
		if !known {
			continue
		}
		for _, e := range reconcile.Around(snap.Provider, old, now) {
			e.Fields = slices.DeleteFunc(e.Fields, func(f inventory.EventField) bool {
				return f.Name == "online" && r.lostOrBack(snap.Provider, e.Identity)
			})
			if e.Kind != inventory.Changed || len(e.Fields) > 0 {
				r.event(e)
			}
		}
	}
}

// lostOrBack reports a node that is told of as a source.
func (r *recorder) lostOrBack(provider, identity string) bool {
	of := func(p, scope string) bool {
		return p == provider && strings.HasSuffix(identity, "/node/"+scope)
	}
	return slices.ContainsFunc(r.world.Unknown(), func(u inventory.Scope) bool { return of(u.Provider, u.Scope) }) ||
		slices.ContainsFunc(r.world.Memory.Sources, func(s reconcile.Source) bool { return of(s.Provider, s.Scope) })
}

// sources notes what has become unobservable and what is back.
func (r *recorder) sources() {
	now := r.followed()
	for _, snap := range r.world.Snapshots {
		for _, u := range snap.Unknown {
			msg := ""
			if u.Err != nil {
				msg = u.Err.Error()
			}
			now = append(now, reconcile.Source{Provider: u.Provider, Scope: u.Scope, Since: u.Since, Error: msg})
		}
	}
	has := func(list []reconcile.Source, s reconcile.Source) bool {
		return slices.ContainsFunc(list, func(o reconcile.Source) bool { return o.Provider == s.Provider && o.Scope == s.Scope })
	}
	for _, s := range now {
		if !has(r.world.Memory.Sources, s) {
			r.event(lostEvent(s))
		}
	}
	for _, s := range r.world.Memory.Sources {
		// What was lost with a part is not back while the whole is lost.
		if !has(now, s) && !has(now, reconcile.Source{Provider: s.Provider, Scope: s.Provider}) && !r.unseen(s.Scope) {
			r.event(backEvent(s))
		}
	}
	r.learned.Sources = now
}

// followed is what keeps the project behind its repository. Whoever does not follow one
// knows no better than what is remembered.
func (r *recorder) followed() (out []reconcile.Source) {
	behind, known := r.world.Home().Behind()
	switch {
	case behind != nil:
		out = append(out, reconcile.Source{Provider: behind.Provider, Scope: behind.Scope, Since: behind.Since, Error: behind.Err.Error()})
	case !known:
		for _, s := range r.world.Memory.Sources {
			if inventory.IsRepository(s.Provider) {
				out = append(out, s)
			}
		}
	}
	return out
}

// unseen reports a guest that is unknown, by itself or with more than itself.
func (r *recorder) unseen(identity string) bool {
	return slices.ContainsFunc(r.world.Observations(), func(o inventory.Observation) bool {
		return o.Resource.Identity == identity && o.State == inventory.Unknown
	})
}

func lostEvent(s reconcile.Source) inventory.Event {
	if s.Scope == inventory.SomeGuests {
		return inventory.Event{Identity: s.Provider, Kind: inventory.SourcePartial, Summary: fmt.Sprintf("%s is seen in part only: %s", s.Provider, s.Error)}
	}
	if inventory.IsRepository(s.Provider) {
		return inventory.Event{Identity: s.Scope, Kind: inventory.SourceLost, Summary: fmt.Sprintf("%s is held back: %s", s.Scope, s.Error)}
	}
	return inventory.Event{Identity: s.Scope, Kind: inventory.SourceLost, Summary: fmt.Sprintf("%s of %s cannot be observed: %s", s.Scope, s.Provider, s.Error)}
}

func backEvent(s reconcile.Source) inventory.Event {
	if s.Scope == inventory.SomeGuests {
		return inventory.Event{Identity: s.Provider, Kind: inventory.SourceWhole, Summary: s.Provider + " is seen in full again"}
	}
	if inventory.IsRepository(s.Provider) {
		return inventory.Event{Identity: s.Scope, Kind: inventory.SourceBack, Summary: s.Scope + " is followed again"}
	}
	return inventory.Event{Identity: s.Scope, Kind: inventory.SourceBack, Summary: fmt.Sprintf("%s of %s is observed again", s.Scope, s.Provider)}
}

// checks remembers how the checks were answered, and tells which fail now and which work
// again. An answer that decides nothing changes nothing.
func (r *recorder) checks() {
	r.learned.Checks = r.world.Remembers()
	for i := range r.world.Project.Checks {
		addr := r.world.Project.Checks[i].Addr
		old, now := r.world.Memory.Checks[addr], r.learned.Checks[addr]
		e := inventory.Event{Address: addr, Identity: addr.String()}
		switch {
		case now.Same(&old.Outcome):
		case now.Standing == inventory.CheckFails:
			e.Kind, e.Summary = inventory.CheckBroke, fmt.Sprintf("%s fails: %s", addr, now.Sentence())
			e.Fields = []inventory.EventField{{Name: "layer", To: string(now.Layer), ToText: string(now.Layer)}}
			r.event(e)
		case now.Works() && old.Standing == inventory.CheckFails:
			e.Kind, e.Summary = inventory.CheckMended, fmt.Sprintf("%s works again", addr)
			r.event(e)
		}
	}
}

// agreement remembers, as last applied, every declared value that live has too.
func (r *recorder) agreement() {
	changes := map[inventory.Address]*inventory.Change{}
	for i := range r.plan.Changes {
		changes[r.plan.Changes[i].Addr] = &r.plan.Changes[i]
	}
	seen := map[string]*inventory.Observation{}
	obs := r.world.Observations()
	for i := range obs {
		seen[obs[i].Resource.Identity] = &obs[i]
	}
	r.learned.Applied = map[inventory.Address]inventory.Applied{}
	remembered := r.world.Memory.Remembered()
	for i := range r.world.Project.Resources {
		res := &r.world.Project.Resources[i]
		o := seen[res.Identity]
		switch {
		case o == nil || o.State == inventory.Unknown:
		case o.State == inventory.Absent:
			if res.Policy.Absent {
				r.learned.Forgot = append(r.learned.Forgot, res.Addr)
			}
		default:
			old := remembered[res.Addr]
			if r.half[res.Addr] {
				old = inventory.Applied{Identity: res.Identity, Unfinished: true}
			}
			a := agreed(res, o, changes[res.Addr], old, r.done[res.Addr])
			if !sameApplied(a, r.world.Memory.Applied[res.Addr]) {
				r.learned.Applied[res.Addr] = a
			}
		}
	}
}

// agreed returns what is remembered of a resource after a look: values in agreement
// are renewed, those that differ keep their memory, and of those that never agreed the
// base on which they were judged is kept.
func agreed(res *inventory.Resource, o *inventory.Observation, c *inventory.Change, old inventory.Applied, applied *reconcile.Result) inventory.Applied {
	a := inventory.Applied{Identity: res.Identity, Attrs: inventory.Attrs{}, Bases: inventory.Attrs{}}
	if old.Identity != res.Identity {
		old = inventory.Applied{}
	}
	a.Unfinished = old.Unfinished && c != nil
	kind := res.Kind()
	for p, want := range res.Attrs {
		attr, _, _ := kind.Lookup(p)
		if attr == nil || attr.Document {
			continue
		}
		before := old.Attrs[p]
		switch {
		case attr.WriteOnly:
			a.Attrs[p] = rememberSecret(p, want, before, o, applied.Wrote(p))
		case attr.Same(want, inventory.ConfiguredValue(o, p)):
			a.Attrs[p] = want
		case !inventory.IsNull(before):
			a.Attrs[p] = before
		case a.Unfinished && inventory.IsNull(old.Bases[p]) && !inventory.IsNull(inventory.ConfiguredValue(o, p)):
			a.Bases[p] = inventory.ConfiguredValue(o, p) // what recon left is nobody's drift
		case a.Unfinished && inventory.IsNull(old.Bases[p]): // nor is what is not there yet
		default:
			a.Bases[p] = baseOf(c, p, old)
		}
	}
	if res.Policy.Exact {
		leftOut(&a, c, old)
	}
	return a
}

// leftOut remembers of an exact resource that it is one, and of what it leaves out and
// live has the base on which it was judged.
func leftOut(a *inventory.Applied, c *inventory.Change, old inventory.Applied) {
	a.Bases[inventory.ExactPath] = cty.True
	if c == nil {
		return
	}
	for _, f := range c.Fields {
		if f.Undeclared && f.Writes() {
			a.Bases[f.Path] = baseOf(c, f.Path, old)
		}
	}
}

// baseOf is the value on which a field that never agreed was judged, null when nobody
// knows one.
func baseOf(c *inventory.Change, p inventory.Path, old inventory.Applied) cty.Value {
	if remembered := old.Bases[p]; !inventory.IsNull(remembered) {
		return remembered
	}
	if c != nil {
		if f := c.Field(p); f != nil && !f.Attr.Secret && !inventory.IsNull(f.Base) {
			return f.Base
		}
	}
	return cty.NullVal(cty.String)
}

// rememberSecret keeps a salted hash of a secret that is in place: when it was
// just written, or when it is there and nothing is remembered yet.
func rememberSecret(p inventory.Path, want, before cty.Value, o *inventory.Observation, applied bool) cty.Value {
	switch {
	case !slices.Contains(o.Volatile.MaskedSet, p):
		return cty.NilVal
	case reconcile.SecretMatches(inventory.Text(before), inventory.Text(want)):
		return before
	case applied || inventory.IsNull(before):
		return cty.StringVal(reconcile.HashSecret(inventory.Text(want)))
	}
	return before
}

func sameApplied(a, b inventory.Applied) bool {
	if a.Identity != b.Identity || a.Unfinished != b.Unfinished {
		return false
	}
	same := func(x, y inventory.Value) bool { return x.Value.RawEquals(y.Value) }
	return maps.EqualFunc(a.Attrs.Values(), b.Attrs.Values(), same) && maps.EqualFunc(a.Bases, b.Bases, func(x, y cty.Value) bool { return x.RawEquals(y) })
}
