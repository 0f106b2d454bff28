package graph

import (
	"fmt"
	"slices"
)

// A Writing is where a document first names a thing.
type Writing struct {
	Thing string // its address; of a node its name
	Node  bool
	File  string
	Line  int
}

// Undocumented is the graph where the documents cannot be read, which is said.
func (g *Graph) Undocumented(why string) *Graph {
	out := g.copy()
	out.Gaps = append(out.Gaps, Gap{What: "which documents name it", Why: why, Missing: Writings})
	out.seal()
	return out
}

func (g *Graph) copy() *Graph {
	return &Graph{Nodes: slices.Clone(g.Nodes), Edges: slices.Clone(g.Edges), Gaps: slices.Clone(g.Gaps), known: g.known}
}

// Documented is the graph with the documents that name its things. No thing needs a document,
// so that their edges are in an answer only where they are asked for.
func (g *Graph) Documented(all []Writing) *Graph {
	out := g.copy()
	nodes, seen := map[string][]string{}, map[string]bool{}
	for i := range g.Nodes {
		if n := &g.Nodes[i]; n.Kind == Machine {
			nodes[n.Name] = append(nodes[n.Name], n.ID)
		}
	}
	for _, w := range all {
		thing := w.Thing
		if w.Node {
			if len(nodes[thing]) != 1 {
				continue // of two clusters' nodes of one name the text tells neither
			}
			thing = nodes[thing][0]
		}
		if g.Node(thing) == nil {
			continue
		}
		doc := "document." + w.File
		if !seen[doc] {
			seen[doc] = true
			out.Nodes = append(out.Nodes, Node{ID: doc, Kind: Document, Name: w.File})
		}
		out.Edges = append(out.Edges, Edge{From: thing, To: doc, Kind: DocumentedIn, Source: Written, Evidence: fmt.Sprintf("%s:%d", w.File, w.Line), Sure: true})
	}
	out.seal()
	return out
}

// DocumentsOf are the edges from a node to the documents that name it.
func (g *Graph) DocumentsOf(id string) []Edge {
	return slices.DeleteFunc(g.leaving(id), func(e Edge) bool { return e.Kind != DocumentedIn })
}

// WithDocuments is a part of the graph with the documents that name one of its nodes.
func (g *Graph) WithDocuments(p *Graph, id string) *Graph {
	edges := g.DocumentsOf(id)
	if len(edges) == 0 {
		return p
	}
	for _, e := range edges {
		p.Nodes = append(p.Nodes, *g.Node(e.To))
	}
	p.Edges = append(p.Edges, edges...)
	p.seal()
	return p
}

// Asked are the kinds of edges of a question about a node: of a document those to it, and of
// anything else, when no kind is asked for, none, which stands for every need.
func (g *Graph) Asked(id string, kinds []EdgeKind) []EdgeKind {
	if n := g.Node(id); n != nil && n.Kind == Document && len(kinds) == 0 {
		return []EdgeKind{DocumentedIn}
	}
	return kinds
}
