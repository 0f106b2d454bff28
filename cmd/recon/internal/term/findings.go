package term

import (
	"fmt"

	"recon/inventory"
)

// Findings prints what the doctor found: what it is, by what that is known, why it
// matters, and what to do.
func (p *Printer) Findings(findings []inventory.Finding) {
	for _, f := range findings {
		style := warn
		switch f.Severity {
		case "error":
			style = bad
		case "info":
			style = quiet
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
}
