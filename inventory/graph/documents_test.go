package graph

import (
	"slices"
	"testing"
)

// TestDocumented: documents name things that are there, a node where its name is one node's,
// and nothing needs them.
func TestDocumented(t *testing.T) {
	b := &builder{nodes: map[string]*Node{}, names: map[string][]string{}}
	b.node("vm.a", Guest, "a", "running")
	b.node("vm.b", Guest, "b", "running")
	b.node("node.n1", Machine, "n1", "online")
	b.node("node.x/n2", Machine, "n2", "online")
	b.node("node.y/n2", Machine, "n2", "online")
	b.edge("vm.a", "vm.b", DependsOn, Declared, true, "so it is")
	b.edge("vm.b", "node.n1", RunsOn, Live, true, "so it is")
	g := b.graph().Documented([]Writing{{"vm.a", false, "README.md", 3}, {"vm.b", false, "README.md", 4}, {"vm.gone", false, "README.md", 5}, {"n1", true, "docs/n.md", 1}, {"n2", true, "docs/n2.md", 1}})
	var docs []string
	for i := range g.Nodes {
		if g.Nodes[i].Kind == Document {
			docs = append(docs, g.Nodes[i].ID)
		}
	}
	if !slices.Equal(docs, []string{"document.README.md", "document.docs/n.md"}) {
		t.Errorf("documents are %v", docs)
	}
	if e := g.DocumentsOf("vm.a"); len(e) != 1 || e[0].Evidence != "README.md:3" || len(g.DocumentsOf("vm.gone"))+len(g.DocumentsOf("node.x/n2")) > 0 {
		t.Errorf("vm.a is written in %+v", e)
	}
	readme := "document.README.md"
	for name, n := range map[string]int{
		"a whole":                        len(g.All(nil).Nodes) - 5,
		"what needs a guest":             len(g.Depends("vm.b", 0, nil)) - 1,
		"what a document's end takes":    len(g.Impact(readme, Stop, nil).Affected),
		"what goes with a guest":         len(g.Impact("vm.b", Stop, nil).Affected) - 1,
		"around a guest":                 len(g.Around("vm.a", 0, nil).Nodes) - 3,
		"around a guest, with documents": len(g.WithDocuments(g.Around("vm.a", 0, nil), "vm.a").Nodes) - 4,
		"what a document names":          len(g.Depends(readme, 0, g.Asked(readme, nil))) - 2,
		"kinds that are asked for":       len(g.Asked("vm.a", nil)),
		"ways":                           len(g.Asked("vm.a", []EdgeKind{RunsOn})) - 1,
	} {
		if n != 0 {
			t.Errorf("%s: %+d", name, n)
		}
	}
	lost := g.Undocumented("docs: permission denied")
	if may, others := lost.Concerning(map[string]bool{"vm.a": true}, nil, true); len(may) > 0 || len(others) != 1 || others[0].Why != "docs: permission denied" {
		t.Errorf("what cannot be read is told as %+v and %+v", may, others)
	}
	if ways, _ := g.Ways("vm.a", readme, nil); len(ways) > 0 {
		t.Errorf("a way leads to a document: %v", ways)
	}
	if why := g.Why("vm.a", readme); len(why) != 1 {
		t.Errorf("why: %v", why)
	}
}
