package inventory

import (
	"slices"
)

// An Edge says that one resource needs another.
type Edge struct {
	From, To Address
	Why      string // depends_on, reference, host, guest
}

// A Graph holds how resources hang together.
type Graph struct{ Edges []Edge }

// Add adds an edge.
func (g *Graph) Add(e Edge) { g.Edges = append(g.Edges, e) }

// Index returns what each resource needs directly, in the order of addresses.
func (g *Graph) Index() map[Address][]Address {
	needs := make(map[Address][]Address, len(g.Edges))
	for _, e := range g.Edges {
		if !slices.Contains(needs[e.From], e.To) {
			needs[e.From] = append(needs[e.From], e.To)
		}
	}
	for _, list := range needs {
		slices.SortFunc(list, CompareAddress)
	}
	return needs
}
