package api

import (
	"context"
	"slices"
	"time"

	"recon/cmd/recon/internal/docs"
	"recon/cmd/recon/internal/home"
	"recon/cmd/recon/internal/runs"
	"recon/inventory"
	"recon/inventory/graph"
	"recon/reconcile"
)

// A Picture is what a run found. It is made once and never changes, so that any number of
// readers look at it while the next run goes on.
type Picture struct {
	At         time.Time
	Remembered bool // nothing was looked at yet: this is what the ledger knows
	Plan       *reconcile.Plan
	Inventory  *Inventory
	Sources    []SourceState
	Nodes      []NodeState
	Events     []inventory.Event // the newest first
	Documents  []DocumentState
	Since      map[string]time.Time // since when a resource drifts, by address
	Graph      *graph.Graph         // what needs what, as far as a run sees it

	shown map[string]*Shown // by address
}

// A SourceState is how a source answered.
type SourceState struct {
	Name    string    `json:"name"`
	Up      bool      `json:"up"`      // all of it was observed
	Seen    time.Time `json:"seen_at"` // zero: never
	Version string    `json:"version"`
	Calls   int       `json:"calls"`
	Lost    []Lost    `json:"lost"`
}

// A Lost is a part of a source that could not be observed.
type Lost struct {
	Scope string    `json:"scope"`
	Since time.Time `json:"since"`
	Error string    `json:"error"`
}

// A NodeState is a node of a cluster.
type NodeState struct {
	Source string
	inventory.Node
	Stale bool // not observed now
}

// A DocumentState is a document with blocks of recon.
type DocumentState struct {
	Path    string    `json:"path"`
	Blocks  []string  `json:"blocks"`
	Edited  []string  `json:"edited"`  // blocks that were edited by hand and are left alone
	Missing bool      `json:"missing"` // the file or its markers are not there
	Stale   bool      `json:"stale"`   // the next run writes it anew
	Written time.Time `json:"written_at"`
	Text    string    `json:"-"` // as it is now
}

// pictureEvents is how much of the history a picture holds.
const pictureEvents = 1000

// Resource is what is known of one resource, nil when there is none of that address.
func (p *Picture) Resource(address string) *Shown { return p.shown[address] }

// PictureOf is what a run found. what was written into documents before is taken over from
// the picture before, which may be nil.
func PictureOf(ctx context.Context, c *Cycle, before *Picture) (*Picture, error) {
	if err := c.World.RereadLedger(ctx); err != nil { // the run has written into it since it looked
		return nil, err
	}
	p, err := picture(ctx, c.World, c.Plan)
	if err != nil {
		return nil, err
	}
	p.documents(c.Docs.Docs, c.Docs.Written, before)
	return p, nil
}

// RememberedPicture is what the ledger knows, for the time before the first look.
func RememberedPicture(ctx context.Context, h *Home) (*Picture, error) {
	w, err := h.Remembered(ctx)
	if err != nil {
		return nil, err
	}
	p, err := compared(ctx, w)
	if err == nil {
		p.Remembered = true
	}
	return p, err
}

// ObservedPicture looks at everything and writes nothing: for whoever wants to see now what
// the next run will remember.
func ObservedPicture(ctx context.Context, h *Home) (*Picture, error) {
	w, err := h.Observe(ctx)
	if err != nil {
		return nil, err
	}
	p, err := compared(ctx, w)
	if err != nil || w.Project.Context == nil {
		return p, err
	}
	rendered, err := docs.Render(ctx, w, p.Plan, docs.RefuseEdited)
	p.documents(rendered, nil, nil)
	return p, err
}

// compared is the picture of a look that nothing was written of. It ends the look's
// connections.
func compared(ctx context.Context, w *home.World) (*Picture, error) {
	defer w.Close()
	plan, err := w.Compare(ctx)
	if err != nil {
		return nil, err
	}
	return picture(ctx, w, plan)
}

func picture(ctx context.Context, w *home.World, plan *reconcile.Plan) (*Picture, error) {
	p := &Picture{At: w.At, Plan: plan, shown: map[string]*Shown{}, Since: map[string]time.Time{}}
	var err error
	if p.Inventory, err = inventoryOf(ctx, w); err != nil {
		return nil, err
	}
	s, err := newShower(ctx, w, plan)
	if err != nil {
		return nil, err
	}
	for i := range w.Project.Resources {
		addr := w.Project.Resources[i].Addr
		p.shown[addr.String()] = s.show(addr)
	}
	for addr := range s.byAddr {
		if p.shown[addr.String()] == nil {
			p.shown[addr.String()] = s.show(addr)
		}
	}
	for addr, e := range w.Memory.Episodes {
		p.Since[addr.String()] = e.OpenedAt
	}
	if p.Graph, err = w.Graph(ctx); err != nil {
		return nil, err
	}
	p.sources(w)
	return p, p.history(ctx, w)
}

// sources says of each source whether it answered, and which nodes there are.
func (p *Picture) sources(w *home.World) {
	for i := range w.Snapshots {
		snap := &w.Snapshots[i]
		s := SourceState{Name: snap.Provider, Up: snap.Complete, Version: snap.Version, Calls: snap.Calls, Lost: []Lost{}}
		if snap.Complete && snap.Calls > 0 {
			s.Seen = w.At
		}
		for _, u := range snap.Unknown {
			l := Lost{Scope: u.Scope, Since: u.Since}
			if u.Err != nil {
				l.Error = u.Err.Error()
			}
			s.Lost = append(s.Lost, l)
		}
		if !snap.Complete {
			s.Seen = lastSeen(w, snap)
		}
		p.Sources = append(p.Sources, s)
		nodes, stale := snap.Nodes, false
		if len(nodes) == 0 {
			nodes, stale = w.Memory.Clusters[snap.Provider].Nodes, true
		}
		for _, n := range nodes {
			p.Nodes = append(p.Nodes, NodeState{snap.Provider, n, stale || !n.Online})
		}
	}
}

// lastSeen is when a source that is not whole was: before the first thing was lost.
func lastSeen(w *home.World, snap *inventory.Snapshot) (at time.Time) {
	for _, o := range w.Memory.Seen {
		if o.Resource.Provider == snap.Provider && o.At.After(at) {
			at = o.At
		}
	}
	return at
}

func (p *Picture) history(ctx context.Context, w *home.World) error {
	l, err := w.Home().Ledger(ctx)
	if err != nil || l == nil {
		return err
	}
	defer l.Close()
	p.Events, err = l.LastEvents(ctx, pictureEvents)
	return err
}

// documents says how the documents stand after a run.
func (p *Picture) documents(all []docs.Document, writtenNow []string, before *Picture) {
	written := map[string]time.Time{}
	if before != nil {
		for _, d := range before.Documents {
			written[d.Path] = d.Written
		}
	}
	for i := range all {
		d := &all[i]
		state := DocumentState{Path: d.Path, Blocks: []string{}, Edited: append([]string{}, d.Left()...), Written: written[d.Path], Text: string(d.Old)}
		for _, b := range d.Blocks {
			state.Blocks = append(state.Blocks, b.ID)
			state.Missing = state.Missing || d.Exists && !b.Marked
		}
		state.Stale = d.Changed()
		if slices.Contains(writtenNow, d.Path) {
			state.Written, state.Text, state.Stale = p.At, string(d.New), false
		}
		p.Documents = append(p.Documents, state)
	}
}

// Describe says the picture in a line.
func (p *Picture) Describe() string { return runs.Describe(p.Plan) }

// OldestDrift is since when the oldest open drift is there, zero without one.
func (p *Picture) OldestDrift() (at time.Time) {
	for _, since := range p.Since {
		if at.IsZero() || since.Before(at) {
			at = since
		}
	}
	return at
}

// EventsJSON is the answer of the page's history.
func (p *Picture) EventsJSON() any {
	return struct {
		FormatVersion string      `json:"format_version"`
		Events        []eventJSON `json:"events"`
	}{FormatVersion, eventsJSON(p.Events)}
}

// SourcesJSON tells how each source answered.
func (p *Picture) SourcesJSON() any {
	return struct {
		FormatVersion string        `json:"format_version"`
		AsOf          string        `json:"as_of"`
		Sources       []SourceState `json:"sources"`
	}{FormatVersion, inventory.Timestamp(p.At), append([]SourceState{}, p.Sources...)}
}
