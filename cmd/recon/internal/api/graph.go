package api

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"recon/cmd/recon/internal/docs"
	"recon/cmd/recon/internal/home"
	"recon/inventory"
	"recon/inventory/graph"
)

// A Question is what is asked of the graph.
type Question struct {
	Verb   string           `json:"verb"` // show, depends, impact, trace, why
	Of     string           `json:"of"`   // "" of show is everything
	To     string           `json:"to"`
	Action graph.Action     `json:"action"`
	Depth  int              `json:"depth"` // 0 is without end
	Edges  []graph.EdgeKind `json:"edges"` // none is every kind
}

// A GraphAnswer says what was asked, and what is not known. Of an answer to another
// verb the fields are empty.
type GraphAnswer struct {
	FormatVersion string            `json:"format_version"`
	AsOf          string            `json:"as_of"`
	Complete      bool              `json:"complete"`
	Question      Question          `json:"question"`
	Dependents    []graph.Dependent `json:"dependents"`
	Impact        *graph.Impact     `json:"impact"`
	Ways          [][]graph.Edge    `json:"ways"`
	MoreWays      bool              `json:"more_ways"`
	Journey       *graph.Journey    `json:"journey"` // of trace with one thing: the way of a request, judged
	Nodes         []graph.Node      `json:"nodes"`
	Edges         []graph.Edge      `json:"edges"`
	Cycles        [][]string        `json:"cycles"`    // things that need each other, among the nodes
	Documents     []string          `json:"documents"` // places that name the thing: of impact with delete
	NotKnown      []NotKnown        `json:"not_known"`

	Part  *graph.Graph     `json:"-"` // nodes and edges, to be drawn
	kinds []graph.EdgeKind // that are followed
}

// NotKnown is something that is not known, and whether it may change the answer.
type NotKnown struct {
	graph.Gap
	MayChange bool `json:"may_change"`
}

// AskGraph observes everything and answers one question.
func AskGraph(ctx context.Context, h *Home, q Question) (*GraphAnswer, error) {
	r := NewReading(h)
	defer r.Close()
	a, _, err := r.Ask(ctx, q)
	return a, err
}

// reads reports a question whose answer has documents in it: where a thing is written, and
// what a removal leaves behind in them.
func (q *Question) reads() bool {
	return q.Verb == "show" && q.Of != "" || q.Verb == "why" || slices.Contains(q.Edges, graph.DocumentedIn) || q.Verb == "impact" && q.Action == graph.Delete || namesDocument(q.Of)
}

// namesDocument reports a name that is a document's.
func namesDocument(name string) bool {
	end := strings.ToLower(path.Ext(name))
	return end == ".md" || end == ".markdown"
}

func (q *Question) check() error {
	for _, e := range q.Edges {
		if !slices.Contains(graph.EdgeKinds(), e) {
			return &Failure{Code: ExitUsage, Err: fmt.Errorf("there is no edge %q", e), Hint: fmt.Sprintf("edges: %v", graph.EdgeKinds())}
		}
	}
	if !slices.Contains([]graph.Action{"", graph.Restart, graph.Stop, graph.Delete}, q.Action) {
		return &Failure{Code: ExitUsage, Err: fmt.Errorf("--action is restart, stop or delete, not %q", q.Action)}
	}
	return nil
}

func emptyAnswer(at string, q Question) *GraphAnswer {
	if q.Edges == nil {
		q.Edges = []graph.EdgeKind{}
	}
	return &GraphAnswer{FormatVersion: FormatVersion, AsOf: at, Question: q, Dependents: []graph.Dependent{}, Ways: [][]graph.Edge{}, Cycles: [][]string{}, Documents: []string{}, NotKnown: []NotKnown{}}
}

// answerOf answers a question of a graph.
func answerOf(g *graph.Graph, at string, q Question) (*GraphAnswer, error) {
	a := emptyAnswer(at, q)
	for _, name := range []*string{&a.Question.Of, &a.Question.To} {
		if *name == "" {
			continue
		}
		n, err := g.Find(*name)
		if err != nil {
			return nil, err
		}
		*name = n.ID
	}
	nodes, inside := map[string]bool{}, map[string]bool{}
	a.kinds = g.Asked(a.Question.Of, q.Edges)
	switch q.Verb {
	case "depends":
		a.depends(g, nodes, inside)
	case "impact":
		a.impact(g, nodes, inside)
	case "trace", "why":
		a.ways(g, nodes)
	default:
		a.show(g, nodes)
	}
	a.gaps(g, nodes, inside)
	return a, nil
}

func (a *GraphAnswer) show(g *graph.Graph, nodes map[string]bool) {
	part := g.All(a.kinds)
	if a.Question.Of != "" {
		part = g.Around(a.Question.Of, a.Question.Depth, a.kinds)
		if len(a.kinds) == 0 {
			part = g.WithDocuments(part, a.Question.Of)
		}
	}
	for i := range part.Nodes {
		nodes[part.Nodes[i].ID] = true
	}
	a.draw(part)
}

// draw takes up the part of the graph that the answer is about.
func (a *GraphAnswer) draw(part *graph.Graph) {
	a.Part, a.Nodes, a.Edges = part, part.Nodes, part.Edges
	a.Cycles = append(a.Cycles, part.Cycles()...)
}

func (a *GraphAnswer) depends(g *graph.Graph, nodes, inside map[string]bool) {
	a.Dependents = append(a.Dependents, g.Depends(a.Question.Of, a.Question.Depth, a.kinds)...)
	nodes[a.Question.Of], inside[a.Question.Of] = true, true
	for _, d := range a.Dependents {
		nodes[d.ID] = true
	}
	a.draw(g.Of(nodes, a.kinds))
}

func (a *GraphAnswer) impact(g *graph.Graph, nodes, inside map[string]bool) {
	a.Impact = g.Impact(a.Question.Of, a.Question.Action, a.kinds)
	nodes[a.Question.Of], inside[a.Question.Of] = true, true
	for _, x := range a.Impact.Affected {
		nodes[x.ID] = true
		inside[x.ID] = x.Effect == graph.Down
	}
	if a.Question.Action == graph.Delete {
		for _, e := range g.DocumentsOf(a.Question.Of) {
			a.Documents = append(a.Documents, e.Evidence)
		}
	}
	a.draw(g.Of(nodes, a.kinds))
}

func (a *GraphAnswer) ways(g *graph.Graph, nodes map[string]bool) {
	if a.Question.Verb == "why" {
		a.kinds = graph.EdgeKinds()
		a.Edges = g.Why(a.Question.Of, a.Question.To)
		if len(a.Edges) > 0 {
			a.Ways = append(a.Ways, a.Edges)
		}
	} else {
		ways, more := g.Ways(a.Question.Of, a.Question.To, a.kinds)
		a.Ways, a.MoreWays = append(a.Ways, ways...), more
	}
	nodes[a.Question.Of], nodes[a.Question.To] = true, true
	for _, way := range a.Ways {
		for _, e := range way {
			nodes[e.From], nodes[e.To] = true, true
		}
	}
	a.draw(g.Of(nodes, a.kinds))
}

// gaps says what is not known. A way that was found is no less one for what is not.
func (a *GraphAnswer) gaps(g *graph.Graph, nodes, inside map[string]bool) {
	lists := a.Question.Verb != "show" && len(a.Ways) == 0
	may, others := g.Concerning(nodes, inside, lists)
	for _, gap := range may {
		a.NotKnown = append(a.NotKnown, NotKnown{gap, true})
	}
	a.Complete = len(may) == 0
	written := slices.Contains(a.kinds, graph.DocumentedIn) || a.Question.Action == graph.Delete
	for _, gap := range others {
		matters := written && gap.Missing == graph.Writings
		a.NotKnown, a.Complete = append(a.NotKnown, NotKnown{gap, matters}), a.Complete && !matters
	}
}

// follow judges the way of a request. What hosts could find out by trying they try first.
func follow(ctx context.Context, w *home.World, g *graph.Graph, q Question) (*GraphAnswer, error) {
	for {
		way, tries, err := g.Journey(q.Of)
		if err != nil {
			return nil, err
		}
		if !w.Try(ctx, tries) {
			a := emptyAnswer(inventory.Timestamp(w.At), q)
			a.Journey, a.Complete = way, way.Verdict != graph.NotKnown
			a.travelled(g)
			return a, nil
		}
		if g, err = w.Graph(ctx); err != nil {
			return nil, err
		}
	}
}

// travelled takes up what the way of a request leads over, to be drawn, and what of that is
// not known. A way that is broken is so whatever else is not known.
func (a *GraphAnswer) travelled(g *graph.Graph) {
	nodes := map[string]bool{}
	for _, h := range a.Journey.Hops {
		nodes[h.Node] = true
	}
	a.draw(g.Of(nodes, nil))
	_, others := g.Concerning(nil, nil, false)
	for _, gap := range others {
		if slices.ContainsFunc(gap.About, func(id string) bool { return nodes[id] }) && gap.Missing != graph.NameServers {
			a.NotKnown = append(a.NotKnown, NotKnown{gap, a.Journey.Verdict == graph.NotKnown})
		}
	}
}

// Code is the exit code of a question.
func (a *GraphAnswer) Code() int {
	if a.Journey != nil && a.Journey.Verdict == graph.Broken {
		return ExitDiffers
	}
	if !a.Complete {
		return ExitIncomplete
	}
	return ExitOK
}

// documented is the graph of the last look with the documents of the project that name its
// things. Where they cannot be read that is not known, and everything else is.
func (r *Reading) documented(ctx context.Context) *graph.Graph {
	if r.read != nil {
		return r.read
	}
	named, err := docs.Named(ctx, r.world)
	if err != nil {
		r.read = r.graph.Undocumented(err.Error())
		return r.read
	}
	var all []graph.Writing
	for _, n := range named {
		all = append(all, graph.Writing{Thing: cmp.Or(n.Address, n.Node), Node: n.Address == "", File: n.File, Line: n.Line})
	}
	r.read = r.graph.Documented(all)
	return r.read
}

// Impact says what a restart of something takes along, as far as the run saw it.
func (p *Picture) Impact(id string) (*GraphAnswer, error) {
	return answerOf(p.Graph, inventory.Timestamp(p.At), Question{Verb: "impact", Of: id, Action: graph.Restart})
}
