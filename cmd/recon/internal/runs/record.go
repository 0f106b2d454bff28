package runs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"recon/cmd/recon/internal/home"
	"recon/inventory"
	"recon/providers"
	"recon/reconcile"
	"recon/reconcile/ledger"

	"github.com/zclconf/go-cty/cty"
)

// openLedger opens the ledger for a command that writes it, and tells when a
// damaged one was set aside.
func openLedger(h *home.Home) (*ledger.Ledger, error) {
	if err := makeStateDir(h); err != nil {
		return nil, err
	}
	l, err := ledger.Open(h.StatePath())
	if err == nil && l.SetAside != "" {
		h.Log.Error("the ledger was damaged and is set aside; what recon remembers is rebuilt by looking", "file", l.SetAside)
	}
	return l, err
}

// A recorder writes down what a run saw and did.
type recorder struct {
	ledger *ledger.Ledger
	world  *home.World
	plan   *reconcile.Plan
	first  bool // nothing was ever seen before: everything is new, and nothing is news
	events []inventory.Event
	done   map[inventory.Address]*reconcile.Result // what this run applied
}

// record writes down what was observed and compared: what was seen, what cannot
// be seen, drift episodes, and values in agreement. It returns what is news.
func record(ctx context.Context, l *ledger.Ledger, w *home.World, p *reconcile.Plan, results []reconcile.Result) ([]inventory.Event, error) {
	if err := w.Recall(); err != nil {
		return nil, fmt.Errorf("read the ledger: %w", err)
	}
	r := &recorder{ledger: l, world: w, plan: p, first: len(w.Memory.Sightings) == 0, done: map[inventory.Address]*reconcile.Result{}}
	for i := range results {
		r.applied(&results[i])
	}
	for _, step := range []func(context.Context) error{r.moved, r.sightings, r.clusters, r.sources, r.episodes, r.moves, r.agreement} {
		if err := step(ctx); err != nil {
			return nil, fmt.Errorf("write the ledger: %w", err)
		}
	}
	if err := l.AddEvents(r.events...); err != nil {
		return nil, fmt.Errorf("write the ledger: %w", err)
	}
	return r.events, nil
}

func (r *recorder) event(e inventory.Event) {
	e.At = r.world.At
	r.events = append(r.events, e)
}

// applied notes a change that this run made.
func (r *recorder) applied(res *reconcile.Result) {
	if res.Status != reconcile.StatusDone {
		return
	}
	c := res.Change
	r.done[c.Addr] = res
	e := inventory.Event{Address: c.Addr, Identity: c.Want.Identity, Kind: inventory.WasApplied, By: "recon"}
	switch c.Action {
	case inventory.ActionCreate:
		e.Kind = inventory.Created
	case inventory.ActionDelete:
		e.Kind = inventory.Destroyed
	}
	for _, f := range c.Writing() {
		e.Fields = append(e.Fields, reconcile.NewEventField(f, f.Live, f.Desired))
	}
	e.Summary = fmt.Sprintf("%s %s", c.Action, c.Addr)
	r.event(e)
}

// moved carries the memory of renamed blocks over.
func (r *recorder) moved(context.Context) error {
	for _, m := range r.world.Project.Moved {
		if err := r.ledger.Move(m.From, m.To); err != nil {
			return err
		}
	}
	return nil
}

// sightings remembers what was seen, and notes what has come and what has gone.
// Something that is no longer listed is gone only when its absence is proven.
func (r *recorder) sightings(ctx context.Context) error {
	var seen []inventory.Observation
	var gone []string
	listed := map[string]bool{}
	for _, o := range r.world.Observations() {
		id := o.Resource.Identity
		listed[id] = true
		old, known := r.world.Memory.Sightings[id]
		switch {
		case o.State == inventory.Present:
			seen = append(seen, o)
			if !known && !r.first && r.done[o.Resource.Addr] == nil && r.metBefore(o.Resource.Provider) {
				r.event(inventory.Event{Address: o.Resource.Addr, Identity: id, Kind: inventory.Appeared, Summary: fmt.Sprintf("%s appeared on %s", o.Resource.Addr, o.Volatile.Node)})
			}
		case o.State == inventory.Absent && known:
			gone = append(gone, id)
			r.disappeared(old)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(r.world.Memory.Sightings)) {
		if old := r.world.Memory.Sightings[id]; !listed[id] && r.provenGone(ctx, old) {
			gone = append(gone, id)
			r.disappeared(old)
		}
	}
	return r.ledger.SaveSightings(seen, gone)
}

// metBefore reports whether anything of the provider was seen before: everything of
// a new cluster or host is new, and none of it is news.
func (r *recorder) metBefore(provider string) bool {
	for _, s := range r.world.Memory.Sightings {
		if s.Provider == provider {
			return true
		}
	}
	return false
}

func (r *recorder) disappeared(old ledger.Sighting) {
	if r.done[old.Address] == nil {
		r.event(inventory.Event{Address: old.Address, Identity: old.Identity, Kind: inventory.Disappeared, Summary: old.Address.String() + " no longer exists"})
	}
}

func (r *recorder) provenGone(ctx context.Context, old ledger.Sighting) bool {
	for i, reader := range r.world.Readers {
		if reader.Name() == old.Provider && r.world.Snapshots[i].Calls > 0 {
			o := providers.Look(ctx, reader, inventory.Resource{Addr: old.Address, Identity: old.Identity, Provider: old.Provider, Attrs: old.Attrs})
			return o.State == inventory.Absent
		}
	}
	return false
}

// clusters remembers what each cluster consists of.
func (r *recorder) clusters(context.Context) error {
	for _, snap := range r.world.Snapshots {
		if len(snap.Nodes) == 0 {
			continue
		}
		if err := r.ledger.SaveCluster(snap.Provider, ledger.Cluster{Version: snap.Version, Nodes: snap.Nodes}); err != nil {
			return err
		}
	}
	return nil
}

// sources notes what has become unobservable and what is back.
func (r *recorder) sources(context.Context) error {
	var now []ledger.Source
	for _, snap := range r.world.Snapshots {
		for _, u := range snap.Unknown {
			msg := ""
			if u.Err != nil {
				msg = u.Err.Error()
			}
			now = append(now, ledger.Source{Provider: u.Provider, Scope: u.Scope, Since: u.Since, Error: msg})
		}
	}
	has := func(list []ledger.Source, s ledger.Source) bool {
		return slices.ContainsFunc(list, func(o ledger.Source) bool { return o.Provider == s.Provider && o.Scope == s.Scope })
	}
	for _, s := range now {
		if !has(r.world.Memory.Sources, s) {
			r.event(inventory.Event{Identity: s.Scope, Kind: inventory.SourceLost, Summary: fmt.Sprintf("%s of %s cannot be observed: %s", s.Scope, s.Provider, s.Error)})
		}
	}
	for _, s := range r.world.Memory.Sources {
		if !has(now, s) {
			r.event(inventory.Event{Identity: s.Scope, Kind: inventory.SourceBack, Summary: fmt.Sprintf("%s of %s is observed again", s.Scope, s.Provider)})
		}
	}
	return r.ledger.SaveSources(now)
}

// episodes opens, changes and resolves drift episodes. An episode is reported once
// when it opens; a resource that cannot be observed keeps its episode as it is.
func (r *recorder) episodes(context.Context) error {
	open := maps.Clone(r.world.Memory.Episodes)
	for i := range r.plan.Changes {
		c := &r.plan.Changes[i]
		fields := reconcile.Drifted(c)
		if len(fields) == 0 {
			continue
		}
		print := fingerprint(c)
		old, known := open[c.Addr]
		delete(open, c.Addr)
		e := ledger.Episode{ID: old.ID, Address: c.Addr, Identity: c.Want.Identity, Fingerprint: print, OpenedAt: r.world.At, ChangedAt: r.world.At, Fields: fields, By: c.Have.Volatile.Changed.User}
		kind := inventory.DriftOpened
		if known {
			if old.Fingerprint == print {
				continue
			}
			kind = inventory.DriftChanged
		}
		if err := r.ledger.SaveEpisode(e); err != nil {
			return err
		}
		r.drift(inventory.Event{Address: c.Addr, Identity: c.Want.Identity, Kind: kind, Fields: fields, By: e.By, Summary: summary(c.Addr, fields)})
	}
	return r.resolve(open)
}

// drift notes that a drift opened or changed, unless it flaps.
func (r *recorder) drift(e inventory.Event) {
	n := r.world.Memory.Flaps[e.Address]
	if e.Kind == inventory.DriftOpened {
		n++
	}
	switch {
	case n > home.FlapLimit || n == home.FlapLimit && e.Kind != inventory.DriftOpened:
		return
	case n == home.FlapLimit:
		e.Kind, e.Fields, e.By = inventory.DriftChanged, nil, ""
		e.Summary = fmt.Sprintf("%s comes and goes: drifted %d times within a day; quarantined until it is quiet for a day", e.Address, n)
	}
	r.event(e)
}

// resolve ends the episodes of resources that were observed and differ no more.
func (r *recorder) resolve(open map[inventory.Address]ledger.Episode) error {
	observed := map[string]bool{}
	for _, o := range r.world.Observations() {
		observed[o.Resource.Identity] = o.State != inventory.Unknown
	}
	for _, addr := range slices.SortedFunc(maps.Keys(open), inventory.CompareAddress) {
		e := open[addr]
		declared := r.world.Project.Resource(addr) != nil
		if declared && !observed[e.Identity] {
			continue
		}
		if err := r.ledger.ResolveEpisode(e.ID, r.world.At); err != nil {
			return err
		}
		if r.done[addr] == nil && !r.world.Memory.Flapping(addr) {
			r.event(inventory.Event{Address: addr, Identity: e.Identity, Kind: inventory.DriftResolved, Summary: addr.String() + " is back in sync"})
		}
	}
	return nil
}

func summary(a inventory.Address, fields []inventory.EventField) string {
	text := a.String()
	for i, f := range fields {
		if i == 3 {
			return text + fmt.Sprintf(", and %d more", len(fields)-3)
		}
		text += fmt.Sprintf(" %s %s -> %s", f.Name, f.FromText, f.ToText)
	}
	return text
}

// fingerprint tells one drift from another: the fields and what live has in them.
func fingerprint(c *inventory.Change) string {
	body, err := json.Marshal(reconcile.Drifted(c))
	if err != nil {
		panic(err) // plain values
	}
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:8])
}

// agreement remembers, as last applied, every declared value that live has too.
func (r *recorder) agreement(context.Context) error {
	changes := map[inventory.Address]*inventory.Change{}
	for i := range r.plan.Changes {
		changes[r.plan.Changes[i].Addr] = &r.plan.Changes[i]
	}
	seen := map[string]*inventory.Observation{}
	obs := r.world.Observations()
	for i := range obs {
		seen[obs[i].Resource.Identity] = &obs[i]
	}
	out := map[inventory.Address]inventory.Applied{}
	var gone []inventory.Address
	for i := range r.world.Project.Resources {
		res := &r.world.Project.Resources[i]
		o := seen[res.Identity]
		switch {
		case o == nil || o.State == inventory.Unknown:
		case o.State == inventory.Absent:
			if res.Policy.Absent {
				gone = append(gone, res.Addr)
			}
		default:
			old := r.world.Memory.Applied[res.Addr]
			if a := agreed(res, o, changes[res.Addr], old, r.done[res.Addr]); !sameApplied(a, old) {
				out[res.Addr] = a
			}
		}
	}
	if err := r.ledger.Forget(gone...); err != nil {
		return err
	}
	return r.ledger.SetApplied(out)
}

// agreed returns what is remembered of a resource after a look: values in agreement
// are renewed, those that differ keep their memory, and of those that never agreed the
// base on which they were judged is kept.
func agreed(res *inventory.Resource, o *inventory.Observation, c *inventory.Change, old inventory.Applied, applied *reconcile.Result) inventory.Applied {
	a := inventory.Applied{Identity: res.Identity, Attrs: inventory.Attrs{}, Bases: inventory.Attrs{}}
	if old.Identity != res.Identity {
		old = inventory.Applied{}
	}
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
		default:
			a.Bases[p] = baseOf(c, p, old)
		}
	}
	return a
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
	if a.Identity != b.Identity {
		return false
	}
	same := func(x, y inventory.Value) bool { return x.Value.RawEquals(y.Value) }
	return maps.EqualFunc(a.Attrs.Values(), b.Attrs.Values(), same) && maps.EqualFunc(a.Bases, b.Bases, func(x, y cty.Value) bool { return x.RawEquals(y) })
}

// interrupted looks at the steps that a killed run left in flight, says what
// became of each, and closes them. What is to be done next follows from the plan.
func interrupted(ctx context.Context, l *ledger.Ledger, w *home.World) ([]string, error) {
	entries, err := l.InFlight()
	if err != nil {
		return nil, err
	}
	var out []string
	for _, e := range entries {
		i := slices.IndexFunc(w.Readers, func(r providers.Reader) bool {
			res := w.Project.Resource(e.Address)
			return res != nil && res.Identity == e.Identity && res.Provider == r.Name()
		})
		if i < 0 {
			out = append(out, fmt.Sprintf("%s: interrupted while recon was to %s; it is no longer declared as it was", e.Address, e.Step.Summary))
			if err := l.End(e.ID, "interrupted; no longer declared"); err != nil {
				return out, err
			}
			continue
		}
		o := providers.Look(ctx, w.Readers[i], *w.Project.Resource(e.Address))
		verdict := "it did not happen"
		switch {
		case o.State == inventory.Unknown:
			out = append(out, fmt.Sprintf("%s: interrupted on %s while recon was to %s; whether it happened cannot be seen yet", e.Address, e.BegunAt.Format(time.DateTime), e.Step.Summary))
			continue
		case e.Step.Done.Holds(&o):
			verdict = "it happened"
		}
		out = append(out, fmt.Sprintf("%s: interrupted on %s while recon was to %s: %s", e.Address, e.BegunAt.Format(time.DateTime), e.Step.Summary, verdict))
		if err := l.End(e.ID, "interrupted; "+verdict); err != nil {
			return out, err
		}
	}
	return out, nil
}
