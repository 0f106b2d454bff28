package graph

import (
	"fmt"
	"strings"
)

// label is the kind and the name of a node.
func (n *Node) label() string {
	if n.State == Unknown {
		return fmt.Sprintf("%s (%s, unknown)", n.Name, n.Kind)
	}
	return fmt.Sprintf("%s (%s)", n.Name, n.Kind)
}

type look struct{ fill, shape string }

var looks = map[Kind]look{
	Cluster: {"#e3e6ea", "[[%s]]"}, Machine: {"#e3e6ea", "[%s]"}, Storage: {"#f3e2c7", "[(%s)]"}, Network: {"#e8f0d8", "{{%s}}"}, Guest: {"#d7e6f7", "[%s]"},
	Host: {"#d7e6f7", "[%s]"}, Daemon: {"#cfe3f2", "[%s]"}, Container: {"#d9f2e6", "(%s)"}, Path: {"#f3e2c7", "[(%s)]"}, URL: {"#f7dfe8", "([%s])"},
	Route: {"#f7dfe8", "([%s])"}, DNSServer: {"#eadcf5", "[%s]"}, DNSName: {"#f4ecfa", "([%s])"}, Certificate: {"#fdf3c7", "[%s]"}, Terraform: {"#e9e9e9", "[%s]"},
	Document: {"#ffffff", "[/%s/]"},
}

// colours are those of edges, by kind, in the order of the legend.
var colours = []struct {
	kind   EdgeKind
	colour string
}{
	{RunsOn, "#8a8f98"},
	{StoredOn, "#b7791f"},
	{AttachedTo, "#7a9a3a"},
	{Mounts, "#c05621"},
	{ResolvesVia, "#7b4bb3"},
	{NamedBy, "#b794d6"},
	{RoutesTo, "#d6336c"},
	{AuthBy, "#c92a2a"},
	{DependsOn, "#2b6cb0"},
	{Calls, "#2c9c77"},
	{Exposes, "#e599b5"},
	{ManagedBy, "#adb5bd"},
	{DocumentedIn, "#ced4da"},
}

// quote writes a string of DOT: a backslash means something there, and so do quotes.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", " ", "\r", " ").Replace(s) + `"`
}

// Mermaid writes the graph as a flowchart, as Markdown of forges shows it.
func (g *Graph) Mermaid() string {
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	short := make(map[string]string, len(g.Nodes))
	for i := range g.Nodes {
		n := &g.Nodes[i]
		short[n.ID] = fmt.Sprintf("n%d", i+1)
		shape := looks[n.Kind].shape
		fmt.Fprintf(&b, "  %s%s\n", short[n.ID], fmt.Sprintf(shape, mermaidText(n.label())))
	}
	for i := range g.Edges {
		e := &g.Edges[i]
		arrow := "-->"
		if !e.Sure {
			arrow = "-.->"
		}
		fmt.Fprintf(&b, "  %s %s|%s| %s\n", short[e.From], arrow, strings.ReplaceAll(string(e.Kind), "_", " "), short[e.To])
	}
	return b.String()
}

// mermaidText is text in quotes, in which every sign that Mermaid or HTML would act on is
// its number.
func mermaidText(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune(" .-_/:@(),*", r), r > 0x7f:
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, "#%d;", r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
