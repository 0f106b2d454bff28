package api

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"recon/cmd/recon/internal/docs"
	"recon/cmd/recon/internal/home"
	"recon/inventory"
	"recon/inventory/contextfile"
	"recon/inventory/factcheck"
	"recon/inventory/graph"
)

// lookAge is how long one look serves the questions that follow it.
const lookAge = 20 * time.Second

// A Reading answers questions about a home for as long as somebody asks. It has no method
// that writes: what was asked for as news stays news.
type Reading struct {
	home *Home

	mu     sync.Mutex // one question at a time
	world  *home.World
	graph  *graph.Graph // of the world; nil until it is asked for
	read   *graph.Graph // with the documents that name things; nil until it is asked for
	looked time.Time
	print  uint64 // of the manifests that the world was compared with
}

// NewReading begins to read a home.
func NewReading(h *Home) *Reading { return &Reading{home: h, print: h.Fingerprint()} }

// Close ends the connections of the last look.
func (r *Reading) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forget()
}

func (r *Reading) forget() {
	if r.world != nil {
		r.world.Close()
	}
	r.world, r.graph, r.read = nil, nil, nil
}

// look is the last look while it is fresh and the manifests are the same, else a new one.
func (r *Reading) look(ctx context.Context) (*home.World, error) {
	if now := r.home.Fingerprint(); now != r.print {
		r.forget()
		if err := r.home.Reload(); err != nil {
			return nil, fmt.Errorf("read the manifests, which have changed: %w", err)
		}
		r.print = now
	}
	if r.world != nil && r.home.Now().Sub(r.looked) < lookAge {
		return r.world, nil
	}
	r.forget()
	w, err := r.home.Observe(ctx)
	if err != nil {
		return nil, err
	}
	if err := w.AskAddresses(ctx); err != nil {
		w.Close()
		return nil, err
	}
	r.world, r.looked = w, r.home.Now()
	return w, nil
}

// lookAround is a look, and how everything hangs together by it.
func (r *Reading) lookAround(ctx context.Context) (*home.World, *graph.Graph, error) {
	w, err := r.look(ctx)
	if err == nil && r.graph == nil {
		w.Survey(ctx, "")
		r.graph, err = w.Graph(ctx)
	}
	return w, r.graph, err
}

// A Look says when everything was looked at, and of what nothing is known.
type Look struct {
	AsOf     string   `json:"as_of"`
	Complete bool     `json:"complete"`
	Unknown  []string `json:"unknown"` // sources, or parts of them, that could not be observed
}

func lookOf(w *home.World) Look {
	l := Look{AsOf: inventory.Timestamp(w.At), Complete: !w.Incomplete(), Unknown: []string{}}
	for _, u := range w.Unknown() {
		l.Unknown = append(l.Unknown, u.Scope)
	}
	return l
}

// A Detail is all that is known of one thing: of a resource its fields, of anything what
// it needs and what needs it.
type Detail struct {
	Resource *Shown
	Node     *graph.Node
	Needs    []graph.Edge
	NeededBy []graph.Edge
	Written  []string // where documents name it first: README.md:3
}

// Get tells what is known of one thing.
func (r *Reading) Get(ctx context.Context, name string) (*Detail, Look, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w, g, err := r.lookAround(ctx)
	if err != nil {
		return nil, Look{}, err
	}
	d := &Detail{}
	s, err := showingOf(ctx, w, name)
	switch {
	case err == nil:
		d.Resource = s.Resources[0]
		d.Node = g.Node(d.Resource.Address)
	case errors.Is(err, inventory.ErrNotFound):
		if d.Node, err = g.Find(name); err != nil {
			return nil, Look{}, w.Unfound(err, "recon graph show lists what there is")
		}
		if s, err := showingOf(ctx, w, d.Node.ID); err == nil { // a container that is called by its name
			d.Resource = s.Resources[0]
		}
	default:
		return nil, Look{}, err
	}
	if d.Node != nil {
		for _, e := range r.documented(ctx).DocumentsOf(d.Node.ID) {
			d.Written = append(d.Written, e.Evidence)
		}
		for i := range g.Edges {
			switch e := g.Edges[i]; d.Node.ID {
			case e.From:
				d.Needs = append(d.Needs, e)
			case e.To:
				d.NeededBy = append(d.NeededBy, e)
			}
		}
	}
	return d, lookOf(w), nil
}

// Ask answers a question of the graph.
func (r *Reading) Ask(ctx context.Context, q Question) (*GraphAnswer, Look, error) {
	if err := q.check(); err != nil {
		return nil, Look{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	w, g, err := r.lookAround(ctx)
	if err != nil {
		return nil, Look{}, err
	}
	var a *GraphAnswer
	if q.Verb == "trace" && q.To == "" {
		a, err = follow(ctx, w, g, q)
	} else {
		if q.reads() {
			g = r.documented(ctx)
		}
		a, err = answerOf(g, inventory.Timestamp(w.At), q)
	}
	return a, lookOf(w), w.Unfound(err, "recon graph show lists what there is")
}

// Changes are the events since a time; see ChangesSince. Nothing counts as told.
func (r *Reading) Changes(ctx context.Context, since string) (*Changes, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return changesSince(ctx, r.home, since, false)
}

// Judge holds a statement against what is observed: what of it is wrong, and what is right.
func (r *Reading) Judge(ctx context.Context, statement string) (wrong, right []factcheck.Statement, l Look, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w, err := r.look(ctx)
	if err != nil {
		return nil, nil, Look{}, err
	}
	truth, err := docs.TruthOf(ctx, w)
	if err != nil {
		return nil, nil, Look{}, err
	}
	found, right := factcheck.Judge(statement, truth)
	for i := range found {
		wrong = append(wrong, found[i].Statements()...)
	}
	return wrong, right, lookOf(w), nil
}

// ContextBlocks are the IDs of the blocks that Block renders.
func ContextBlocks() []string {
	return append([]string{docs.HomeBlock}, contextfile.ContextBlocks()...)
}

// Block renders one block of the documents, as it would be written now.
func (r *Reading) Block(ctx context.Context, id string) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w, err := r.look(ctx)
	if err != nil {
		return "", err
	}
	p, err := w.Compare(ctx)
	if err != nil {
		return "", err
	}
	return docs.Block(ctx, w, p, id)
}
