package api

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"recon/inventory"
	"recon/manifests"
	"recon/reconcile/ledger"
)

type (
	// Route is a notify block: what is sent where.
	Route = manifests.Notify
	// Quiet are the hours in which a route is silent.
	Quiet = manifests.Quiet
	// Numbered is an event with its number.
	Numbered = ledger.Numbered
	// News is what was written down after somebody last read it.
	News = ledger.News
	// RunReport is a run that was made for a report.
	RunReport = ledger.Report
)

// ErrNoteChanged says that somebody else has told people meanwhile.
var ErrNoteChanged = ledger.ErrNoteChanged

// newsAtOnce is how many events are read at once: a night in which much happened is told
// in more than one message.
const newsAtOnce = 2000

// A Desk is where those sit who tell people what happened: they read what was written
// down, and note what they have told.
type Desk struct{ store *ledger.Store }

// OpenDesk opens the ledger. Who closes it is the caller.
func OpenDesk(ctx context.Context, h *Home) (*Desk, error) {
	store, err := h.WritableLedger(ctx)
	if err != nil {
		return nil, fmt.Errorf("open the ledger: %w", err)
	}
	return &Desk{store}, nil
}

// Close closes the ledger.
func (d *Desk) Close() error { return d.store.Close() }

// News returns the first events after a number, and the reports after a run.
func (d *Desk) News(ctx context.Context, event, run int64) (News, error) {
	return d.store.News(ctx, event, run, newsAtOnce)
}

// Note returns what was noted under a name, "" when nothing was.
func (d *Desk) Note(ctx context.Context, name string) (string, error) { return d.store.Note(ctx, name) }

// SetNote writes a note in place of what it was, with ErrNoteChanged when it is that no
// more.
func (d *Desk) SetNote(ctx context.Context, name, was, now string) error {
	return d.store.SetNote(ctx, name, was, now)
}

// Known is what is known around the news: what is open, and what belongs together.
type Known struct {
	Open   []Ongoing                     // drifts, sources and checks, as things stand now
	Guests map[string]Guest              // what was last seen, by identity
	Nodes  map[string]int                // how many clusters have a node of that name
	Checks map[string]inventory.Severity // how much a check weighs, by its address
}

// An Ongoing is something that goes on until an event ends it. Of is the event that opened
// it, as it would be told now.
type Ongoing struct {
	Of    inventory.Event
	Since time.Time
}

// A Guest is what of a resource decides who hears of it, and with what it falls.
type Guest struct {
	Address  inventory.Address
	Identity string
	Provider string
	Node     string
	Tags     []string // its tags, and its pool
	Storages []string // on which it has volumes
}

// Known reads what is known around the news.
func (d *Desk) Known(ctx context.Context, now time.Time) (*Known, error) {
	r, err := d.store.Recall(ctx, now)
	if err != nil {
		return nil, err
	}
	k := &Known{Guests: map[string]Guest{}, Nodes: map[string]int{}, Checks: map[string]inventory.Severity{}}
	for _, e := range r.Episodes {
		of := inventory.Event{At: e.OpenedAt, Address: e.Address, Identity: e.Identity, Kind: inventory.DriftOpened, Fields: e.Fields, By: e.By}
		k.Open = append(k.Open, Ongoing{of, e.OpenedAt})
	}
	for _, s := range r.Sources {
		of := inventory.Event{At: s.Since, Identity: s.Scope, Kind: inventory.SourceLost}
		if s.Scope == inventory.SomeGuests {
			of.Identity, of.Kind = s.Provider, inventory.SourcePartial
		}
		k.Open = append(k.Open, Ongoing{of, s.Since})
	}
	for addr, c := range r.Checks {
		if k.Checks[addr.String()] = inventory.Severity(c.Severity); c.Standing == inventory.CheckFails {
			layer := []inventory.EventField{{Name: "layer", To: string(c.Layer), ToText: string(c.Layer)}}
			k.Open = append(k.Open, Ongoing{inventory.Event{At: c.Since, Address: addr, Identity: addr.String(), Kind: inventory.CheckBroke, Fields: layer}, c.Since})
		}
	}
	for _, p := range waits(&r, now).Proposals {
		k.Open = append(k.Open, Ongoing{inventory.Event{At: p.Opened, Address: p.Address(), Identity: p.Identity(), Kind: inventory.Proposed}, p.Opened})
	}
	slices.SortStableFunc(k.Open, func(a, b Ongoing) int {
		return cmp.Or(a.Since.Compare(b.Since), inventory.CompareAddress(a.Of.Address, b.Of.Address), strings.Compare(a.Of.Identity, b.Of.Identity))
	})
	for _, c := range r.Clusters {
		for _, n := range c.Nodes {
			k.Nodes[n.Name]++
		}
	}
	seen, err := d.store.Seen(ctx)
	for id, o := range seen.Observations {
		k.Guests[id] = guestOf(&o)
	}
	return k, err
}

func guestOf(o *inventory.Observation) Guest {
	g := Guest{Address: o.Resource.Addr, Identity: o.Resource.Identity, Provider: o.Resource.Provider, Node: o.Volatile.Node, Tags: inventory.Strings(o.Resource.Attrs["tags"])}
	if pool := inventory.Text(o.Resource.Attrs["pool"]); pool != "" {
		g.Tags = append(g.Tags, pool)
	}
	for _, v := range o.Volatile.Volumes {
		if storage, _, ok := strings.Cut(v, ":"); ok && !slices.Contains(g.Storages, storage) {
			g.Storages = append(g.Storages, storage)
		}
	}
	return g
}

// Severity says how much an event weighs. A check weighs what its block says.
func (k *Known) Severity(e *inventory.Event) inventory.Severity {
	return cmp.Or(k.Checks[e.Identity], e.Severity())
}

// Falling are the resources that an event concerns beside the one that it names: those on
// a node, of a source, with volumes on a storage; sorted by address.
func (k *Known) Falling(e *inventory.Event) (out []Guest) {
	if _, itself := k.Guests[e.Identity]; itself {
		return nil
	}
	cluster, rest, _ := strings.Cut(e.Identity, "/")
	kind, name, ofCluster := strings.Cut(rest, "/")
	for _, g := range k.Guests {
		mine := g.Provider == "proxmox."+cluster
		switch {
		case e.Kind.Topic() == "source" && e.Identity == g.Provider,
			e.Kind.Topic() == "source" && e.Identity == g.Node && k.Nodes[g.Node] == 1,
			ofCluster && mine && kind == "node" && name == g.Node,
			ofCluster && mine && kind == "storage" && slices.Contains(g.Storages, name):
			out = append(out, g)
		}
	}
	slices.SortFunc(out, func(a, b Guest) int {
		return cmp.Or(inventory.CompareAddress(a.Address, b.Address), strings.Compare(a.Identity, b.Identity))
	})
	return out
}

// Concerns reports whether an event is about something with one of the tags, or about
// something with which such a thing falls. Of what nothing is known it is taken to be.
func (k *Known) Concerns(e *inventory.Event, tags []string) bool {
	guests := k.Falling(e)
	if g, ok := k.Guests[e.Identity]; ok {
		guests = append(guests, g)
	}
	has := func(g Guest) bool {
		return slices.ContainsFunc(tags, func(t string) bool { return slices.Contains(g.Tags, t) })
	}
	return len(tags) == 0 || slices.ContainsFunc(guests, has) || len(guests) == 0 && inventory.VMID(e.Identity) != 0
}
