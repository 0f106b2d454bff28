package term

import (
	"fmt"
	"strings"

	"recon/cmd/recon/internal/words"
	"recon/inventory"
)

// Abilities writes how a source stands: a line for what works, and for what does not
// also what that costs and what mends it.
func (p *Printer) Abilities(source string, all []inventory.Ability) {
	p.Heading(source)
	width := 0
	for _, a := range all {
		width = max(width, len(a.Name))
	}
	for _, a := range all {
		style := good
		switch a.State {
		case inventory.Lacks:
			style = warn
		case inventory.Fails:
			style = bad
		}
		indent := strings.Repeat(" ", width+11)
		said := wrap(indent+words.Clean(a.Said), indent, p.width())
		fmt.Fprintf(p.W, "  %s  %-*s  %s\n", p.paint(style, string(a.State)), width, a.Name, said[len(indent):])
		if a.Costs != "" {
			fmt.Fprintln(p.W, wrap("      without it: "+words.Clean(a.Costs), "        ", p.width()))
		}
		for _, m := range a.Mend {
			fmt.Fprintln(p.W, "      "+p.paint(accent, words.Clean(m))) // to be copied: never broken
		}
	}
}
