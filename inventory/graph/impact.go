package graph

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"recon/inventory"
)

// An Action is what is done to something.
type Action string

// The actions.
const (
	Restart Action = "restart"
	Stop    Action = "stop"
	Delete  Action = "delete"
)

// An Effect is what something loses.
type Effect string

// The effects, the worst first.
const (
	Down        Effect = "down"        // it stops
	Unreachable Effect = "unreachable" // a route or an address behind which nothing answers
	NoStorage   Effect = "storage"     // its folders or disks
	NoNetwork   Effect = "network"
	NoNames     Effect = "names" // nobody tells it, or of it, what a name means
	NoLogin     Effect = "login" // nobody says who somebody is
	Lacks       Effect = "lacks" // it runs on without something that it calls
)

// rank is how bad an effect is; the worst is 0.
func (e Effect) rank() int {
	switch e {
	case Down:
		return 0
	case Unreachable:
		return 1
	case NoStorage:
		return 2
	case NoNetwork:
		return 3
	case NoNames:
		return 4
	case NoLogin:
		return 5
	}
	return 6
}

// An Affected is something that an action harms.
type Affected struct {
	Node
	Effect    Effect  `json:"effect"`
	Distance  int     `json:"distance"`
	Path      []*Edge `json:"path"`       // from it to what the action is done to
	StaysDown bool    `json:"stays_down"` // after a restart it does not come back by itself
}

// A Kept is something that goes on because there is a second one of what it needs.
type Kept struct {
	Node
	Why string `json:"why"`
}

// A Single is a thing that others have no second one of.
type Single struct {
	ID   string   `json:"id"`
	Role string   `json:"role"` // the only name server, the only login
	For  []string `json:"for"`
}

// An Impact is what an action does to everything else.
type Impact struct {
	Of       Node       `json:"of"`
	Action   Action     `json:"action"`
	Affected []Affected `json:"affected"`
	Keeps    []Kept     `json:"keeps"`
	Single   []Single   `json:"single_points"`
}

// loses is what a node loses when what it needs is gone, by how it needs it: "" is nothing.
func loses(k EdgeKind) Effect {
	switch k {
	case RunsOn:
		return Down
	case StoredOn, Mounts:
		return NoStorage
	case AttachedTo:
		return NoNetwork
	case ResolvesVia, NamedBy:
		return NoNames
	case RoutesTo, Exposes:
		return Unreachable
	case AuthBy:
		return NoLogin
	case DependsOn, Calls:
		return Lacks
	}
	return ""
}

// second reports needs of which any one will do.
func second(k EdgeKind) bool { return k == ResolvesVia || k == RoutesTo }

// goesOn reports whether what needs an affected node is affected in turn. What only lacks
// something still answers; a name, a route or an address that cannot be reached cannot
// be reached by whoever uses it either.
func goesOn(n *Node, e Effect) bool {
	switch e {
	case Down, Unreachable, NoStorage, NoNetwork:
		return true
	case NoNames:
		return n.Kind == DNSName || n.Kind == Route || n.Kind == URL || n.Kind == DNSServer
	}
	return false
}

// Impact is what stops, restarting or deleting a node does.
func (g *Graph) Impact(id string, action Action, kinds []EdgeKind) *Impact {
	start, ok := g.index[id]
	if !ok {
		return nil
	}
	w := &wave{g: g, action: action, kinds: kinds, start: start, effect: make([]Effect, len(g.Nodes)), via: make([]int32, len(g.Nodes)), distance: make([]int, len(g.Nodes)), spared: map[int32]int32{}}
	w.effect[start] = Down
	for queue := []int32{start}; len(queue) > 0; queue = queue[1:] {
		queue = append(queue, w.from(queue[0])...)
	}
	return w.impact()
}

// A wave is an effect that spreads.
type wave struct {
	g        *Graph
	action   Action
	kinds    []EdgeKind
	start    int32
	effect   []Effect // of each node; "" when it has none
	via      []int32  // the edge that brought the effect
	distance []int
	spared   map[int32]int32 // nodes that have a second one, by the edge to the first
}

// from spreads what a node has to those that need it, and returns whom it reached, or
// reached with something worse.
func (w *wave) from(n int32) (reached []int32) {
	if !goesOn(&w.g.Nodes[n], w.effect[n]) {
		return nil
	}
	for _, e := range w.g.in[n] {
		edge, from := &w.g.Edges[e], w.g.from[e]
		effect := loses(edge.Kind)
		if effect == "" || from == w.start || !among(w.kinds, edge.Kind) {
			continue
		}
		if effect == Down && w.effect[n] != Down {
			effect = w.effect[n] // it runs on what lost its storage, network or names
		}
		if effect == Down && w.g.Nodes[from].Kind == Route {
			effect = Unreachable // a route does not run
		}
		if before := w.effect[from]; before != "" && (before.rank() <= effect.rank() || w.caused(from, n)) {
			continue
		}
		if second(edge.Kind) && w.another(from, edge.Kind) || edge.Kind == RunsOn && w.moves(from, n) {
			w.spared[from] = e
			continue
		}
		w.effect[from], w.via[from], w.distance[from] = effect, e, w.distance[n]+1
		reached = append(reached, from)
	}
	return reached
}

// caused reports whether a node has what it has by way of another: nothing makes itself
// worse.
func (w *wave) caused(by, n int32) bool {
	for ; n != w.start; n = w.g.to[w.via[n]] {
		if n == by {
			return true
		}
	}
	return false
}

// another reports whether one of the things that a node needs in the same way is not
// affected.
func (w *wave) another(n int32, kind EdgeKind) bool {
	for _, e := range w.g.out[n] {
		if w.g.Edges[e].Kind != kind {
			continue
		}
		if to := w.g.to[e]; !goesOn(&w.g.Nodes[to], w.effect[to]) {
			return true
		}
	}
	return false
}

// moves reports a guest that the HA manager starts on another node when its own goes: one
// whose storages are not the node's.
func (w *wave) moves(n, on int32) bool {
	guest := &w.g.Nodes[n]
	if w.g.Nodes[on].Kind != Machine || guest.Attrs["ha"] == "" || guest.Attrs["ha"] == "ignored" {
		return false
	}
	for _, e := range w.g.out[n] {
		if w.g.Edges[e].Kind == StoredOn && strings.HasSuffix(w.g.Edges[e].To, "@"+w.g.Nodes[on].Name) {
			return false
		}
	}
	return true
}

func (w *wave) impact() *Impact {
	harmed := w.harmed()
	out := &Impact{Of: w.g.Nodes[w.start], Action: w.action, Affected: make([]Affected, 0, len(harmed)), Keeps: []Kept{}}
	for _, n := range harmed {
		node := &w.g.Nodes[n]
		out.Affected = append(out.Affected, Affected{
			Node: *node, Effect: w.effect[n], Distance: w.distance[n], Path: w.g.way(n, w.start, w.distance[n], w.via), StaysDown: w.effect[n] == Down && w.staysDown(node),
		})
	}
	for _, n := range slices.Sorted(maps.Keys(w.spared)) {
		if w.effect[n] == "" {
			out.Keeps = append(out.Keeps, Kept{Node: w.g.Nodes[n], Why: w.whyKept(n)})
		}
	}
	out.Single = w.singles(harmed)
	return out
}

// harmed are the nodes that lose something, what loses most first. What does not run
// loses nothing.
func (w *wave) harmed() (out []int32) {
	for n, effect := range w.effect {
		node := &w.g.Nodes[n]
		if effect != "" && int32(n) != w.start && node.State != "stopped" && node.State != "exited" && node.Attrs["template"] == "" {
			out = append(out, int32(n))
		}
	}
	slices.SortStableFunc(out, func(a, b int32) int {
		return cmp.Or(w.effect[a].rank()-w.effect[b].rank(), w.distance[a]-w.distance[b])
	})
	return out
}

// staysDown reports what does not come back by itself when what it runs on does.
func (w *wave) staysDown(n *Node) bool {
	return w.action == Restart && (n.Attrs["onboot"] == "false" && n.Kind == Guest || n.Attrs["restart"] == "no")
}

func (w *wave) whyKept(n int32) string {
	lost := &w.g.Edges[w.spared[n]]
	if lost.Kind == RunsOn {
		return "the HA manager starts it on another node"
	}
	var others []string
	for _, e := range w.g.out[n] {
		if to := w.g.to[e]; w.g.Edges[e].Kind == lost.Kind {
			if w.effect[to] == "" {
				others = append(others, w.g.Nodes[to].ID)
			}
		}
	}
	return "there is also " + strings.Join(others, ", ")
}

// role is what the only one is called of a kind of which one should not be the only one.
func role(k EdgeKind) string {
	switch k {
	case ResolvesVia:
		return "the only name server"
	case AuthBy:
		return "the only login"
	}
	return ""
}

// singles are the things through which others are harmed that have no second one: the
// name servers and logins, and what the action is done to.
func (w *wave) singles(harmed []int32) []Single {
	type only struct{ id, role string }
	found := map[only]*Single{}
	for _, n := range harmed {
		edge, node := &w.g.Edges[w.via[n]], &w.g.Nodes[n]
		as := only{edge.To, role(edge.Kind)}
		if as.role == "" || node.Kind == DNSName || node.Kind == DNSServer {
			continue
		}
		s := found[as]
		if s == nil {
			s = &Single{ID: as.id, Role: as.role}
			found[as] = s
		}
		s.For = append(s.For, node.ID)
	}
	out := []Single{}
	for _, s := range found {
		slices.SortFunc(s.For, inventory.NaturalCompare)
		out = append(out, *s)
	}
	slices.SortFunc(out, func(a, b Single) int { return inventory.NaturalCompare(a.ID+a.Role, b.ID+b.Role) })
	return out
}

// Summary says an impact in a line: what goes down, and what loses what.
func (i *Impact) Summary() string {
	count := map[Effect]int{}
	for _, a := range i.Affected {
		count[a.Effect]++
	}
	var parts []string
	for _, e := range []struct {
		effect Effect
		words  string
	}{{Down, "down"}, {Unreachable, "unreachable"}, {NoStorage, "without storage"}, {NoNetwork, "without network"}, {NoNames, "without names"}, {NoLogin, "without login"}, {Lacks, "without something that they call"}} {
		if n := count[e.effect]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, e.words))
		}
	}
	if len(parts) == 0 {
		return "nothing else is known to need it"
	}
	return strings.Join(parts, ", ")
}
