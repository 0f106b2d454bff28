package graph

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"recon/inventory"
)

// DOT writes the graph in the language of Graphviz. What runs on a node or in a guest
// stands in its box, and no edge says so again; a host and its daemon are the guest that
// they are. What most of a home needs in the same way, its storage, its bridge and its
// name server, stands below a name in place of an edge. Text that came from outside
// stands in quotes.
func (g *Graph) DOT() string {
	d := &drawing{g: g, below: map[string][]string{}, within: map[string][]string{}}
	d.arrows()
	var b strings.Builder
	b.WriteString("digraph home {\n  rankdir=LR;\n  compound=true;\n  nodesep=0.12;\n  ranksep=0.9;\n  newrank=true;\n  fontname=\"Helvetica\";\n")
	b.WriteString("  node [shape=box, style=\"rounded,filled\", fillcolor=\"#ffffff\", color=\"#8a8f98\", fontname=\"Helvetica\", fontsize=11, margin=\"0.1,0.04\"];\n")
	b.WriteString("  edge [fontname=\"Helvetica\", fontsize=8, arrowsize=0.6];\n")
	for i := range g.Nodes {
		if n := &g.Nodes[i]; d.box(n) == "" && d.is(n.ID) == n.ID {
			d.node(&b, n, "  ")
		}
	}
	used := map[EdgeKind]bool{}
	for _, a := range d.drawn {
		used[a.kind] = true
		style := ""
		if !a.sure {
			style = ", style=dashed"
		}
		label := ""
		if len(d.drawn) <= manyArrows || a.count > 1 {
			label = "label=" + quote(a.text()) + ", "
		}
		fmt.Fprintf(&b, "  %s -> %s [%scolor=%q, fontcolor=%q%s];\n", quote(a.from), quote(a.to), label, colourOf(a.kind), colourOf(a.kind), style)
	}
	legend(&b, used)
	b.WriteString("}\n")
	return b.String()
}

// An arrow is an edge as it is drawn, for as many edges as say the same.
type arrow struct {
	from, to string
	kind     EdgeKind
	sure     bool
	count    int
}

func (a *arrow) text() string {
	if a.count > 1 {
		return fmt.Sprintf("%s (%d)", strings.ReplaceAll(string(a.kind), "_", " "), a.count)
	}
	return strings.ReplaceAll(string(a.kind), "_", " ")
}

// A drawing is a graph with what stands in what.
type drawing struct {
	g      *Graph
	drawn  []arrow
	below  map[string][]string // what stands below the name of a node
	within map[string][]string // nodes by the box in which they stand
}

// is the node by which a node is drawn: a host and its daemon are the guest.
func (d *drawing) is(id string) string {
	for range 4 {
		n := d.g.Node(id)
		if n == nil || n.Kind != Host && n.Kind != Daemon {
			return id
		}
		to := d.g.runs(id)
		if to == nil || to.Kind == Machine {
			return id
		}
		id = to.ID
	}
	return id
}

// box is the node in whose box a node stands, "" when it stands alone.
func (d *drawing) box(n *Node) string {
	if !slices.Contains([]Kind{Guest, Container, Host, DNSServer, Route, Storage}, n.Kind) {
		return ""
	}
	to := d.g.runs(n.ID)
	if to == nil {
		return ""
	}
	if to.Kind == Container { // beside it
		return d.box(to)
	}
	if id := d.is(to.ID); id != n.ID {
		return id
	}
	return ""
}

// runs is the first thing that a node runs on, nil without one.
func (g *Graph) runs(id string) *Node {
	for _, e := range g.out[g.index[id]] {
		if g.Edges[e].Kind == RunsOn {
			return &g.Nodes[g.to[e]]
		}
	}
	return nil
}

// common are the kinds of needs that most things of a home have of the same few things,
// and how many of one make it common.
var common = map[EdgeKind]bool{StoredOn: true, AttachedTo: true, ResolvesVia: true, ManagedBy: true}

const manyAlike = 6

// manyArrows is how many can be labelled; of more the legend says what they are.
const manyArrows = 40

// arrows decides which edges are drawn, and from where.
func (d *drawing) arrows() {
	for i := range d.g.Nodes {
		if n := &d.g.Nodes[i]; d.is(n.ID) == n.ID {
			d.within[d.box(n)] = append(d.within[d.box(n)], n.ID)
		}
	}
	type end struct {
		from, to string
		kind     EdgeKind
	}
	alike, froms := map[end]int{}, map[end]bool{}
	var all []arrow
	for i := range d.g.Edges {
		e := &d.g.Edges[i]
		a := arrow{from: d.is(e.From), to: d.is(e.To), kind: e.Kind, sure: e.Sure, count: 1}
		box := d.box(d.g.Node(a.from))
		inside := e.Kind == RunsOn && box != "" && (box == a.to || box == d.box(d.g.Node(a.to)))
		if key := (end{a.from, a.to, a.kind}); a.from != a.to && !inside && !froms[key] {
			froms[key] = true
			alike[end{"", a.to, a.kind}]++
			alike[end{d.box(d.g.Node(a.from)), a.to, a.kind}]++
			all = append(all, a)
		}
	}
	grouped := map[end]int{}
	for _, a := range all {
		box := d.box(d.g.Node(a.from))
		switch {
		case common[a.kind] && alike[end{"", a.to, a.kind}] > manyAlike:
			if name := d.g.Node(a.to).Name; !slices.Contains(d.below[a.from], name) {
				d.below[a.from] = append(d.below[a.from], name)
			}
		case (common[a.kind] || a.kind == DependsOn) && box != "" && alike[end{box, a.to, a.kind}] > 2 && box != a.to:
			key := end{box, a.to, a.kind}
			if grouped[key]++; grouped[key] == 1 {
				d.drawn = append(d.drawn, arrow{box, a.to, a.kind, a.sure, alike[key]})
			}
		default:
			d.drawn = append(d.drawn, a)
		}
	}
}

// node writes a node: in a box of its own, with what stands in it, where something does.
func (d *drawing) node(b *strings.Builder, n *Node, indent string) {
	in := d.within[n.ID]
	if len(in) > 0 {
		fmt.Fprintf(b, "%ssubgraph %s {\n%s  label=\"\"; style=\"rounded,filled\"; color=\"#c9ced6\"; fillcolor=%q; margin=10;\n", indent, quote("cluster "+n.ID), indent, boxFill(n.Kind))
		defer fmt.Fprintf(b, "%s}\n", indent)
		indent += "  "
	}
	style := ""
	if n.State == Unknown {
		style = ", style=\"rounded,filled,dashed\""
	}
	text := quote(n.label())
	if below := d.below[n.ID]; len(below) > 0 {
		slices.SortFunc(below, inventory.NaturalCompare)
		text = quote(n.label())[:len(quote(n.label()))-1] + `\n` + quote(strings.Join(below, ", "))[1:]
	}
	fmt.Fprintf(b, "%s%s [label=%s, fillcolor=%q%s];\n", indent, quote(n.ID), text, looks[n.Kind].fill, style)
	for _, id := range in {
		d.node(b, d.g.Node(id), indent)
	}
}

func boxFill(k Kind) string {
	if k == Machine || k == Cluster {
		return "#f6f7f9"
	}
	return "#eef3fa"
}

func colourOf(k EdgeKind) string {
	for _, c := range colours {
		if c.kind == k {
			return c.colour
		}
	}
	return "#8a8f98"
}

// legend says which colour is which kind, of those that are there.
func legend(b *strings.Builder, used map[EdgeKind]bool) {
	if len(slices.Collect(maps.Keys(used))) < 2 {
		return
	}
	var rows strings.Builder
	for _, c := range colours {
		if used[c.kind] {
			fmt.Fprintf(&rows, `<tr><td align="left"><font color="%s">&#8594; %s</font></td></tr>`, c.colour, strings.ReplaceAll(string(c.kind), "_", " "))
		}
	}
	fmt.Fprintf(b, "  legend [shape=plain, style=\"\", label=<<table border=\"1\" cellborder=\"0\" cellspacing=\"1\" color=\"#c9ced6\">%s<tr><td align=\"left\">below a name: what most need</td></tr></table>>];\n", rows.String())
}
