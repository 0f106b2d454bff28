// Package graph says how a home hangs together: what needs what, by what that is
// known, and what is not known. It is built in one pass from what was observed, and
// never looks itself.
//
// An edge leads from what needs to what is needed: a container runs on its daemon, a
// route routes to a service, a guest resolves through a name server. What is there but
// was not seen is a node whose state is unknown, and never a missing edge.
package graph

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"recon/inventory"
	"recon/inventory/wiring"
)

// A Kind is what a node is.
type Kind string

// The kinds of nodes.
const (
	Cluster     Kind = "cluster"
	Machine     Kind = "node" // of a Proxmox cluster
	Storage     Kind = "storage"
	Network     Kind = "network"
	Guest       Kind = "guest"
	Host        Kind = "host"
	Daemon      Kind = "daemon"
	Container   Kind = "container"
	Path        Kind = "path"
	URL         Kind = "url"
	Route       Kind = "route"
	DNSServer   Kind = "dns"
	DNSName     Kind = "name"
	Certificate Kind = "certificate"
	Terraform   Kind = "terraform"
	Document    Kind = "document"
)

// Unknown is the state of a node that something names and nobody saw.
const Unknown = "unknown"

// A Node is one thing.
type Node struct {
	ID      string            `json:"id"` // its address where it has one, else what makes it the same thing
	Kind    Kind              `json:"kind"`
	Name    string            `json:"name"`
	State   string            `json:"state,omitempty"` // running, stopped, online, offline, unknown; "" where it has none
	Attrs   map[string]string `json:"attributes,omitempty"`
	At      time.Time         `json:"observed_at,omitzero"` // when it was seen
	Aliases []string          `json:"-"`                    // what people call it too
}

// An EdgeKind is how one thing needs another.
type EdgeKind string

// The kinds of edges.
const (
	RunsOn      EdgeKind = "runs_on"
	StoredOn    EdgeKind = "stored_on"
	AttachedTo  EdgeKind = "attached_to"
	ResolvesVia EdgeKind = "resolves_via"
	NamedBy     EdgeKind = "named_by"
	Mounts      EdgeKind = "mounts"
	RoutesTo    EdgeKind = "routes_to"
	AuthBy      EdgeKind = "auth_by"
	DependsOn   EdgeKind = "depends_on"
	Calls       EdgeKind = "calls"
	Exposes     EdgeKind = "exposes"
	ManagedBy   EdgeKind = "managed_by"
	// DocumentedIn is no need: a document names the thing.
	DocumentedIn EdgeKind = "documented_in"
)

// EdgeKinds are all of them.
func EdgeKinds() []EdgeKind {
	return []EdgeKind{RunsOn, StoredOn, AttachedTo, ResolvesVia, NamedBy, Mounts, RoutesTo, AuthBy, DependsOn, Calls, Exposes, ManagedBy, DocumentedIn}
}

// A Source is where an edge is known from.
type Source string

// The sources.
const (
	Declared    Source = "declared"
	Compose     Source = "compose"
	Labels      Source = "labels"
	Config      Source = "config"
	Environment Source = "environment"
	Live        Source = "live"
	Written     Source = "document"
)

// An Edge says that From needs To.
type Edge struct {
	From     string    `json:"from"`
	To       string    `json:"to"`
	Kind     EdgeKind  `json:"kind"`
	Source   Source    `json:"source"`
	Evidence string    `json:"evidence"`
	Sure     bool      `json:"sure"` // false: by a name that is the same, and may be another's
	At       time.Time `json:"observed_at,omitzero"`
	Also     []Proof   `json:"also,omitempty"` // by what else the same is known
}

// A Proof is by what an edge is known.
type Proof struct {
	Source   Source `json:"source"`
	Evidence string `json:"evidence"`
	Sure     bool   `json:"sure"`
}

// A Gap is something that is not known.
type Gap struct {
	What    string   `json:"what"`
	Why     string   `json:"why"`
	About   []string `json:"about,omitempty"` // nodes; without any it concerns everything
	Missing Missing  `json:"-"`
}

// Text is what is not known, with the things that it is not known of.
func (g *Gap) Text() string {
	if g.Missing != NameServers && g.Missing != Inside {
		return g.What
	}
	if len(g.About) > 6 {
		return fmt.Sprintf("%s %s and %d more", g.What, strings.Join(g.About[:5], ", "), len(g.About)-5)
	}
	return g.What + " " + strings.Join(g.About, ", ")
}

// Missing is what may be there and is not in the graph, because of a gap.
type Missing int

// What may be missing.
const (
	Something   Missing = iota // of the nodes that the gap is about
	Anything                   // edges to whatever there is
	NameServers                // whom nodes ask for names
	Inside                     // what runs in a guest
	Writings                   // documents, which nothing needs
)

// A Graph is a home, or a part of one.
type Graph struct {
	Nodes []Node
	Edges []Edge
	Gaps  []Gap

	known    *builder // what it was built from; nil of a part
	index    map[string]int32
	from, to []int32   // of edges
	out, in  [][]int32 // edges of nodes
}

// Node returns a node by its ID, or nil.
func (g *Graph) Node(id string) *Node {
	if i, ok := g.index[id]; ok {
		return &g.Nodes[i]
	}
	return nil
}

// seal sorts nodes and edges, and prepares for questions.
func (g *Graph) seal() {
	slices.SortFunc(g.Nodes, func(a, b Node) int { return inventory.NaturalCompare(a.ID, b.ID) })
	g.index = make(map[string]int32, len(g.Nodes))
	for i := range g.Nodes {
		g.index[g.Nodes[i].ID] = int32(i)
	}
	g.sortEdges()
	g.out, g.in = make([][]int32, len(g.Nodes)), make([][]int32, len(g.Nodes))
	for i := range g.Edges {
		g.out[g.from[i]] = append(g.out[g.from[i]], int32(i))
		g.in[g.to[i]] = append(g.in[g.to[i]], int32(i))
	}
	slices.SortFunc(g.Gaps, func(a, b Gap) int { return cmp.Or(inventory.NaturalCompare(a.What, b.What), cmp.Compare(a.Why, b.Why)) })
}

// sortEdges sorts edges by the order of their nodes, each pair and kind once, with all by
// which it is known: the surest first.
func (g *Graph) sortEdges() {
	type place struct{ from, to, edge int32 }
	places := make([]place, len(g.Edges))
	for i := range g.Edges {
		places[i] = place{g.index[g.Edges[i].From], g.index[g.Edges[i].To], int32(i)}
	}
	slices.SortFunc(places, func(a, b place) int {
		if a.from != b.from {
			return int(a.from - b.from)
		}
		if a.to != b.to {
			return int(a.to - b.to)
		}
		x, y := &g.Edges[a.edge], &g.Edges[b.edge]
		return cmp.Or(cmp.Compare(x.Kind, y.Kind), sureFirst(x.Sure, y.Sure), cmp.Compare(x.Evidence, y.Evidence), cmp.Compare(x.Source, y.Source))
	})
	edges := make([]Edge, 0, len(places))
	g.from, g.to = make([]int32, 0, len(places)), make([]int32, 0, len(places))
	for i, p := range places {
		e := &g.Edges[p.edge]
		if i > 0 && places[i-1].from == p.from && places[i-1].to == p.to && edges[len(edges)-1].Kind == e.Kind {
			edges[len(edges)-1].join(e)
			continue
		}
		edges, g.from, g.to = append(edges, *e), append(g.from, p.from), append(g.to, p.to)
	}
	g.Edges = edges
}

func sureFirst(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// join takes up by what the same edge is known beside.
func (e *Edge) join(o *Edge) {
	same := func(p Proof) bool { return p.Source == o.Source && p.Evidence == o.Evidence }
	if e.Source == o.Source && e.Evidence == o.Evidence || slices.ContainsFunc(e.Also, same) {
		return
	}
	e.Also = append(e.Also, Proof{o.Source, o.Evidence, o.Sure})
}

// Find reads what people call a node: its ID, a name that is its alone, an address or a
// URL, or a kind of which there is one.
func (g *Graph) Find(text string) (*Node, error) {
	if n := g.Node(text); n != nil {
		return n, nil
	}
	lower := strings.ToLower(strings.TrimSuffix(text, "/"))
	if n := g.reached(lower); n != nil {
		return n, nil
	}
	var named, ofKind []*Node
	for i := range g.Nodes {
		n := &g.Nodes[i]
		if strings.EqualFold(n.Name, lower) || slices.Contains(n.Aliases, lower) {
			named = append(named, n)
		}
		if string(n.Kind) == lower {
			ofKind = append(ofKind, n)
		}
	}
	named = own(named)
	switch {
	case len(named) == 1:
		return named[0], nil
	case len(named) > 1:
		return nil, inventory.Ambiguous("%q is %s; write one of them", text, ids(named))
	case len(ofKind) == 1:
		return ofKind[0], nil
	case len(ofKind) > 1:
		return nil, inventory.Ambiguous("there are several of kind %s: %s; write one of them", text, ids(ofKind))
	}
	var known []string
	for i := range g.Nodes {
		known = append(known, g.Nodes[i].ID, g.Nodes[i].Name)
	}
	return nil, inventory.NotFound("nothing in the graph is called %q.%s", text, inventory.DidYouMean(text, known))
}

// reached is the node of a URL: as it is declared, else the route with the longest path
// that takes it, else its name.
func (g *Graph) reached(url string) *Node {
	e := wiring.URL(url)
	if e.Host == "" || !strings.Contains(url, "://") {
		return nil
	}
	if n := g.Node("url." + url); n != nil {
		return n
	}
	_, rest, _ := strings.Cut(url, "://")
	_, path, _ := strings.Cut(rest, "/")
	for path = "/" + path; ; path = path[:strings.LastIndexByte(path, '/')] {
		if n := g.Node("route." + e.Host + strings.TrimSuffix(path, "/")); n != nil {
			return n
		}
		if path == "" || path == "/" {
			break
		}
	}
	return g.Node("name." + e.Host)
}

// own leaves out what is not the thing itself that a name is said of: a guest and the
// host that it is are one machine, and a path, a route or a name is meant only when it is
// written as one.
func own(named []*Node) []*Node {
	rank := func(n *Node) int { return slices.Index([]Kind{Guest, Machine, Container, Host}, n.Kind) }
	if !slices.ContainsFunc(named, func(n *Node) bool { return rank(n) >= 0 }) {
		return named
	}
	named = slices.DeleteFunc(slices.Clone(named), func(n *Node) bool { return rank(n) < 0 })
	if slices.ContainsFunc(named, func(n *Node) bool { return n.Kind == Guest }) {
		named = slices.DeleteFunc(named, func(n *Node) bool { return n.Kind == Host })
	}
	return named
}

func ids(nodes []*Node) string {
	var out []string
	for _, n := range nodes[:min(len(nodes), 8)] {
		out = append(out, n.ID)
	}
	text := strings.Join(out, ", ")
	if len(nodes) > 8 {
		text += fmt.Sprintf(" and %d more", len(nodes)-8)
	}
	return text
}

// Of is the graph of some nodes and of the edges between them.
func (g *Graph) Of(nodes map[string]bool, kinds []EdgeKind) *Graph {
	keep := make(map[int32]bool, len(nodes))
	for id := range nodes {
		if i, ok := g.index[id]; ok {
			keep[i] = true
		}
	}
	return g.part(keep, kinds)
}

// part is the graph of some nodes and of the edges between them.
func (g *Graph) part(keep map[int32]bool, kinds []EdgeKind) *Graph {
	p := &Graph{Gaps: g.Gaps}
	for i := range g.Nodes {
		if keep[int32(i)] {
			p.Nodes = append(p.Nodes, g.Nodes[i])
		}
	}
	for i := range g.Edges {
		if keep[g.from[i]] && keep[g.to[i]] && among(kinds, g.Edges[i].Kind) {
			p.Edges = append(p.Edges, g.Edges[i])
		}
	}
	p.seal()
	return p
}

// among reports an edge that is asked for: of no kinds it is one of every need.
func among(kinds []EdgeKind, k EdgeKind) bool {
	if len(kinds) == 0 {
		return k != DocumentedIn
	}
	return slices.Contains(kinds, k)
}
