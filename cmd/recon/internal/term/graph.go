package term

import (
	"fmt"
	"slices"
	"strings"

	"recon/cmd/recon/internal/words"
	"recon/inventory/graph"
)

// kindAndState is what stands behind the name of a node.
func kindAndState(n *graph.Node) string {
	if n.State == "" || n.State == "running" || n.State == "online" {
		return string(n.Kind)
	}
	return string(n.Kind) + ", " + n.State
}

// Dependents prints what needs a node as a tree: below each thing stand those that need
// it, and by what that is known.
func (p *Printer) Dependents(of string, list []graph.Dependent) {
	p.Heading(of)
	if len(list) == 0 {
		p.Printf("  nothing is known to need it")
	}
	below := map[string][]graph.Dependent{}
	for _, d := range list {
		below[d.Path[0].To] = append(below[d.Path[0].To], d)
	}
	p.branch(of, "", below)
}

func (p *Printer) branch(of, indent string, below map[string][]graph.Dependent) {
	for i, d := range below[of] {
		joint, next := "├─ ", "│  "
		if i == len(below[of])-1 {
			joint, next = "└─ ", "   "
		}
		edge := d.Path[0]
		p.hang(indent+joint, indent+next+"    ", fmt.Sprintf("%s (%s) %s", p.clean(d.ID), p.clean(kindAndState(&d.Node)), p.paint(quiet, p.clean(words.EdgeKind(edge.Kind)+": "+words.Evidence(edge)))))
		p.branch(d.ID, indent+next, below)
	}
}

// Impact prints what an action does to everything else.
func (p *Printer) Impact(i *graph.Impact) {
	title := map[graph.Action]string{graph.Restart: "While %s restarts", graph.Stop: "When %s is stopped", graph.Delete: "When %s is gone"}[i.Action]
	p.Heading(fmt.Sprintf(title, i.Of.ID))
	if len(i.Affected) == 0 {
		p.Printf("  nothing else is known to need it")
	}
	for _, group := range words.Effects {
		var rows [][2]string
		for k := range i.Affected {
			if a := &i.Affected[k]; a.Effect == group.Effect {
				rows = append(rows, [2]string{p.clean(a.ID), p.clean(words.Because(a))})
			}
		}
		if len(rows) > 0 {
			fmt.Fprintf(p.W, "\n%s (%d)\n", group.Title, len(rows))
			p.list(rows)
		}
	}
	if len(i.Keeps) > 0 {
		fmt.Fprintf(p.W, "\nKeeps working (%d)\n", len(i.Keeps))
		var rows [][2]string
		for _, k := range i.Keeps {
			rows = append(rows, [2]string{p.clean(k.ID), p.clean(k.Why)})
		}
		p.list(rows)
	}
	if len(i.Single) > 0 {
		fmt.Fprintln(p.W, "\nSingle points of failure")
		for _, s := range i.Single {
			fmt.Fprintln(p.W, wrap("  "+p.clean(fmt.Sprintf("%s: %s of %s", s.ID, s.Role, words.Few(s.For))), "    ", p.width()))
		}
	}
}

// Documents prints the places that name a thing which is to go.
func (p *Printer) Documents(places []string) {
	if len(places) == 0 {
		return
	}
	fmt.Fprintf(p.W, "\nDocuments that name it (%d)\n", len(places))
	for _, place := range places {
		fmt.Fprintln(p.W, "  "+p.clean(place))
	}
}

// Ways prints ways through the graph, hop by hop.
func (p *Printer) Ways(from, to string, ways [][]graph.Edge, more bool) {
	if len(ways) == 0 {
		p.Printf("No way from %s to %s is known.", from, to)
	}
	for i, way := range ways {
		if len(ways) > 1 {
			p.Heading(fmt.Sprintf("Way %d of %d", i+1, len(ways)))
		}
		fmt.Fprintln(p.W, p.clean(way[0].From))
		for _, e := range way {
			p.hang("  ", "      ", fmt.Sprintf("%s %s  %s", p.paint(quiet, words.EdgeKind(e.Kind)), p.clean(e.To), p.paint(quiet, p.clean(words.Evidence(&e)+" ["+string(e.Source)+"]"))))
			for _, also := range e.Also {
				p.hang("      ", "      ", p.paint(quiet, p.clean("and "+words.Evidence(&graph.Edge{Evidence: also.Evidence, Sure: also.Sure})+" ["+string(also.Source)+"]")))
			}
		}
	}
	if more {
		p.Printf("There are more ways than these.")
	}
}

// GraphList prints nodes with what they need.
func (p *Printer) GraphList(nodes []graph.Node, edges []graph.Edge) {
	needs := map[string][]string{}
	for _, e := range edges {
		end := e.To
		if e.Kind == graph.DocumentedIn {
			end = e.Evidence // the place in it
		}
		needs[e.From] = append(needs[e.From], words.EdgeKind(e.Kind)+" "+end)
	}
	for i := range nodes {
		n := &nodes[i]
		fmt.Fprintf(p.W, "%s (%s)\n", p.clean(n.ID), p.clean(kindAndState(n)))
		for _, text := range needs[n.ID] {
			fmt.Fprintln(p.W, p.paint(quiet, "  "+p.clean(text)))
		}
	}
}

// A Gap is something that is not known.
type Gap struct {
	Text, Why string
	MayChange bool
}

// Gaps prints what is not known: first what may change the answer.
func (p *Printer) Gaps(gaps []Gap, cycles [][]string) {
	for _, c := range cycles {
		fmt.Fprintln(p.W, wrap("\nThese need each other in a circle: "+p.clean(words.Few(c)), "  ", p.width()))
	}
	for _, may := range []bool{true, false} {
		title := map[bool]string{true: "Not known, and it may change the answer", false: "Not known, beside that"}[may]
		some := slices.DeleteFunc(slices.Clone(gaps), func(g Gap) bool { return g.MayChange != may })
		if len(some) == 0 {
			continue
		}
		fmt.Fprintln(p.W, "\n"+title)
		for _, g := range some {
			fmt.Fprintln(p.W, wrap("  "+p.clean(g.Text+": "+g.Why), "    ", p.width()))
		}
	}
}

// Journey prints the way of a request, hop by hop, and which hop is broken.
func (p *Printer) Journey(j *graph.Journey) {
	p.Heading(j.To)
	words := map[graph.Verdict]string{graph.Works: "works", graph.Broken: "broken", graph.NotKnown: "not known"}
	styles := map[graph.Verdict]style{graph.Works: good, graph.Broken: bad, graph.NotKnown: warn}
	for _, h := range j.Hops {
		said := words[h.Verdict]
		lead := "  " + p.paint(styles[h.Verdict], said) + strings.Repeat(" ", len("not known")-len(said)+2)
		p.hang(lead, "               ", p.clean(h.Does)+" "+p.paint(quiet, "-> "+p.clean(h.Node)))
		p.hang("               ", "               ", p.paint(quiet, p.clean(h.Saw)))
	}
	fmt.Fprintln(p.W)
	broken := slices.DeleteFunc(slices.Clone(j.Hops), func(h graph.Hop) bool { return h.Spare || h.Verdict != graph.Broken })
	switch {
	case len(broken) > 0:
		p.hang("", "  ", fmt.Sprintf("Broken at %s: %s.", p.clean(broken[0].Node), p.clean(broken[0].Saw)))
		if broken[0].Fix != "" {
			p.hang("  ", "  ", "Fix: "+p.clean(broken[0].Fix))
		}
	case j.Verdict == graph.Works:
		p.Printf("Every step works, as far as it was looked at.")
	default:
		p.Printf("No step is broken that could be judged; some could not.")
	}
}
