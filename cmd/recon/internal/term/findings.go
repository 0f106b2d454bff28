package term

import (
	"fmt"

	"recon/inventory"
)

// Findings prints what the doctor found: what it is, by what that is known, why it
// matters, and what to do. Hints, of which there may be many, are a line each and share
// the reason and the fix.
func (p *Printer) Findings(findings []inventory.Finding) {
	var hints []inventory.Finding
	for _, f := range findings {
		style := warn
		switch f.Severity {
		case "error":
			style = bad
		case "info":
			hints = append(hints, f)
			continue
		}
		fmt.Fprintf(p.W, "%s %s  %s\n", p.paint(style, "!"), p.paint(bold, Clean(f.Address)), f.Rule)
		fmt.Fprintln(p.W, wrap("    "+Clean(f.Summary), "      ", p.width()))
		for _, e := range f.Evidence {
			fmt.Fprintln(p.W, p.paint(quiet, wrap("    - "+Clean(e), "      ", p.width())))
		}
		fmt.Fprintln(p.W, p.paint(quiet, wrap("    why: "+Clean(f.Detail), "      ", p.width())))
		fmt.Fprintln(p.W, wrap("    fix: "+Clean(f.Fix), "      ", p.width()))
		fmt.Fprintln(p.W)
	}
	for len(hints) > 0 {
		n := 1
		for n < len(hints) && hints[n].Rule == hints[0].Rule {
			n++
		}
		p.hints(hints[:n])
		hints = hints[n:]
	}
}

// hints prints the hints of one rule.
func (p *Printer) hints(list []inventory.Finding) {
	fmt.Fprintln(p.W, wrap(p.paint(quiet, "!")+" "+p.paint(bold, list[0].Rule)+": "+Clean(list[0].Detail), "    ", p.width()))
	for _, f := range list {
		fmt.Fprintln(p.W, wrap("    "+Clean(f.Address)+"  "+Clean(f.Summary), "      ", p.width()))
	}
	fmt.Fprintln(p.W, wrap("    fix: "+Clean(list[0].Fix), "      ", p.width()))
	fmt.Fprintln(p.W)
}
