package graph

import (
	"slices"

	"recon/inventory"
)

// A Dependent is something that needs another thing, directly or not.
type Dependent struct {
	Node
	Distance int     `json:"distance"`
	Path     []*Edge `json:"path"` // from it to what it needs
}

// Depends is everything that needs a node, by distance, each with the shortest way.
// Depth 0 is without end.
func (g *Graph) Depends(id string, depth int, kinds []EdgeKind) []Dependent {
	start, ok := g.index[id]
	if !ok {
		return nil
	}
	via := make([]int32, len(g.Nodes)) // the edge by which each node needs the next one
	level, distance := []int32{start}, 0
	seen := make([]bool, len(g.Nodes))
	seen[start] = true
	var out []Dependent
	for len(level) > 0 && (depth == 0 || distance < depth) {
		distance++
		var next []int32
		for _, n := range level {
			for _, e := range g.in[n] {
				from := g.from[e]
				if seen[from] || !among(kinds, g.Edges[e].Kind) {
					continue
				}
				seen[from], via[from] = true, e
				next = append(next, from)
			}
		}
		slices.Sort(next)
		for _, n := range next {
			out = append(out, Dependent{Node: g.Nodes[n], Distance: distance, Path: g.way(n, start, distance, via)})
		}
		level = next
	}
	return out
}

func (g *Graph) way(from, to int32, length int, via []int32) []*Edge {
	out := make([]*Edge, 0, length)
	for n := from; n != to; n = g.to[via[n]] {
		out = append(out, &g.Edges[via[n]])
	}
	return out
}

// Needs are the edges from a node to what it needs.
func (g *Graph) Needs(id string) []Edge {
	return slices.DeleteFunc(g.leaving(id), func(e Edge) bool { return e.Kind == DocumentedIn })
}

// leaving are the edges from a node.
func (g *Graph) leaving(id string) (out []Edge) {
	if i, ok := g.index[id]; ok {
		for _, e := range g.out[i] {
			out = append(out, g.Edges[e])
		}
	}
	return out
}

// Around is the part of the graph near a node: what it needs and what needs it.
func (g *Graph) Around(id string, depth int, kinds []EdgeKind) *Graph {
	start, ok := g.index[id]
	if !ok {
		return &Graph{}
	}
	keep := map[int32]bool{start: true}
	for _, up := range []bool{true, false} {
		level := []int32{start}
		seen := map[int32]bool{start: true}
		for d := 0; len(level) > 0 && (depth == 0 || d < depth); d++ {
			var next []int32
			for _, n := range level {
				edges, end := g.out[n], g.to
				if up {
					edges, end = g.in[n], g.from
				}
				for _, e := range edges {
					if m := end[e]; !seen[m] && among(kinds, g.Edges[e].Kind) {
						seen[m], keep[m] = true, true
						next = append(next, m)
					}
				}
			}
			level = next
		}
	}
	return g.part(keep, kinds)
}

// All is the whole graph, or its edges of some kinds with the nodes that they join.
func (g *Graph) All(kinds []EdgeKind) *Graph {
	keep := map[int32]bool{}
	for i := range g.Edges {
		if among(kinds, g.Edges[i].Kind) {
			keep[g.from[i]], keep[g.to[i]] = true, true
		}
	}
	for i := range g.Nodes {
		keep[int32(i)] = keep[int32(i)] || len(kinds) == 0 && g.Nodes[i].Kind != Document
	}
	return g.part(keep, kinds)
}

// maxWays bounds how many ways are told, and maxSteps how long they are looked for.
const (
	maxWays  = 12
	maxSteps = 20_000
)

// Ways are the ways from one node to another along what each needs, the shortest first.
// More is true when there are others than those.
func (g *Graph) Ways(from, to string, kinds []EdgeKind) (ways [][]Edge, more bool) {
	a, okA := g.index[from]
	z, okZ := g.index[to]
	if !okA || !okZ || a == z {
		return nil, false
	}
	left := g.distances(z, kinds)
	if left[a] < 0 {
		return nil, false
	}
	w := &walker{g: g, to: z, left: left, kinds: kinds, on: make([]bool, len(g.Nodes))}
	for limit := left[a]; limit <= left[a]+4 && len(w.ways) < maxWays && !w.more; limit++ {
		w.limit = limit
		w.walk(a, 0, nil)
	}
	return w.ways, w.more
}

// distances is how many edges each node is away from one that it needs, -1 when it does
// not need it.
func (g *Graph) distances(to int32, kinds []EdgeKind) []int32 {
	out := make([]int32, len(g.Nodes))
	for i := range out {
		out[i] = -1
	}
	out[to] = 0
	queue := []int32{to}
	for i := 0; i < len(queue); i++ {
		for _, e := range g.in[queue[i]] {
			if from := g.from[e]; out[from] < 0 && among(kinds, g.Edges[e].Kind) {
				out[from] = out[queue[i]] + 1
				queue = append(queue, from)
			}
		}
	}
	return out
}

// A walker goes every way of exactly limit edges that visits nothing twice.
type walker struct {
	g     *Graph
	to    int32
	left  []int32
	kinds []EdgeKind
	on    []bool
	limit int32
	steps int
	ways  [][]Edge
	more  bool
}

func (w *walker) walk(n, depth int32, way []Edge) {
	if n == w.to {
		if depth == w.limit {
			w.ways = append(w.ways, slices.Clone(way))
		}
		return
	}
	if w.steps++; w.steps > maxSteps || len(w.ways) >= maxWays {
		w.more = true
		return
	}
	w.on[n] = true
	defer func() { w.on[n] = false }()
	for _, e := range w.g.out[n] {
		next := w.g.to[e]
		if w.on[next] || w.left[next] < 0 || depth+1+w.left[next] > w.limit || !among(w.kinds, w.g.Edges[e].Kind) {
			continue
		}
		w.walk(next, depth+1, append(way, w.g.Edges[e]))
	}
}

// Why are the edges between two nodes, in either direction; without any, the shortest
// way from one to the other.
func (g *Graph) Why(a, z string) []Edge {
	var out []Edge
	for _, pair := range [][2]string{{a, z}, {z, a}} {
		if i, ok := g.index[pair[0]]; ok {
			for _, e := range g.out[i] {
				if g.Edges[e].To == pair[1] {
					out = append(out, g.Edges[e])
				}
			}
		}
	}
	for _, pair := range [][2]string{{a, z}, {z, a}} {
		if ways, _ := g.Ways(pair[0], pair[1], nil); len(out) == 0 && len(ways) > 0 {
			out = ways[0]
		}
	}
	return out
}

// Cycles are rows of things that need each other, each told once from its first node by
// name.
func (g *Graph) Cycles() [][]string {
	t := &tarjan{g: g, index: make([]int32, len(g.Nodes)), low: make([]int32, len(g.Nodes)), on: make([]bool, len(g.Nodes))}
	for n := range g.Nodes {
		if t.index[n] == 0 {
			t.visit(int32(n))
		}
	}
	slices.SortFunc(t.found, func(a, b []string) int { return inventory.NaturalCompare(a[0], b[0]) })
	return t.found
}

// A tarjan finds strongly connected components, without recursion of its own depth: a
// chain of needs may be long.
type tarjan struct {
	g     *Graph
	index []int32
	low   []int32
	on    []bool
	stack []int32
	count int32
	found [][]string
}

type frame struct{ node, edge int32 }

func (t *tarjan) visit(root int32) {
	work := []frame{{root, 0}}
	for len(work) > 0 {
		f := &work[len(work)-1]
		if f.edge == 0 {
			t.count++
			t.index[f.node], t.low[f.node] = t.count, t.count
			t.stack, t.on[f.node] = append(t.stack, f.node), true
		}
		if int(f.edge) < len(t.g.out[f.node]) {
			next := t.g.to[t.g.out[f.node][f.edge]]
			f.edge++
			switch {
			case t.index[next] == 0:
				work = append(work, frame{next, 0})
			case t.on[next]:
				t.low[f.node] = min(t.low[f.node], t.index[next])
			}
			continue
		}
		done := *f
		work = work[:len(work)-1]
		if len(work) > 0 {
			up := work[len(work)-1].node
			t.low[up] = min(t.low[up], t.low[done.node])
		}
		if t.low[done.node] == t.index[done.node] {
			t.close(done.node)
		}
	}
}

// close takes a component from the stack.
func (t *tarjan) close(root int32) {
	i := slices.Index(t.stack, root)
	if len(t.stack)-i > 1 {
		var names []string
		for _, n := range t.stack[i:] {
			names = append(names, t.g.Nodes[n].ID)
		}
		slices.SortFunc(names, inventory.NaturalCompare)
		t.found = append(t.found, names)
	}
	for _, n := range t.stack[i:] {
		t.on[n] = false
	}
	t.stack = t.stack[:i]
}

// Concerning are the gaps that may change an answer about some nodes, and the others. In
// inside are those of which it matters what runs in them. An answer that lists what
// needs something is changed by every source of edges that was not read.
func (g *Graph) Concerning(nodes, inside map[string]bool, lists bool) (may, others []Gap) {
	servers := false
	for id := range nodes {
		if n := g.Node(id); n != nil && n.Kind == DNSServer {
			servers = true
		}
	}
	for _, gap := range g.Gaps {
		matters := len(gap.About) == 0 && gap.Missing != Writings
		switch gap.Missing {
		case Anything:
			matters = matters || lists
		case NameServers:
			matters = matters || lists && servers
		case Inside:
			some := slices.DeleteFunc(slices.Clone(gap.About), func(id string) bool { return !inside[id] })
			if len(some) == 0 {
				others = append(others, gap)
				continue
			}
			gap.About, matters = some, true
		}
		if matters || slices.ContainsFunc(gap.About, func(id string) bool { return nodes[id] }) {
			may = append(may, gap)
		} else {
			others = append(others, gap)
		}
	}
	return may, others
}
