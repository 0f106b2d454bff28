package term

import (
	"cmp"
	"fmt"
	"strings"

	"recon/cmd/recon/internal/api"
	"recon/cmd/recon/internal/words"
	"recon/inventory"
)

// Explained prints what something is, in words.
func (p *Printer) Explained(e *api.Explained) {
	switch {
	case e.Command != nil:
		p.command(e.Command)
	case e.Rule != nil:
		p.rule(e.Rule)
	default:
		p.resource(e.Resource)
	}
}

// command prints what a command does. It does not repeat the line, in which there may be
// a secret.
func (p *Printer) command(e *inventory.Explanation) {
	fmt.Fprintln(p.W, wrap(p.clean(strings.ToUpper(e.Does[:1])+e.Does[1:]+"."), "  ", p.width()))
	for i, part := range e.Parts {
		if i == 0 {
			fmt.Fprintln(p.W)
			p.Heading("Its parts")
		}
		fmt.Fprintln(p.W, wrap("  "+p.clean(part.Text), "    ", p.width()))
		fmt.Fprintln(p.W, p.paint(quiet, wrap("      "+p.clean(part.Means), "      ", p.width())))
	}
	p.bullets("What could go wrong", e.Risks)
	p.bullets("How to undo it", []string{e.Undo})
}

// paragraph writes a sentence, indented.
func (p *Printer) paragraph(text string) {
	fmt.Fprintln(p.W, wrap("  "+p.clean(text), "  ", p.width()))
}

// bullets writes sentences below a title, and nothing where there are none.
func (p *Printer) bullets(title string, list []string) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintln(p.W)
	p.Heading(title)
	for _, text := range list {
		fmt.Fprintln(p.W, wrap("  - "+p.clean(text), "    ", p.width()))
	}
}

func (p *Printer) rule(r *api.ExplainedRule) {
	p.Heading(p.clean(strings.TrimSpace(r.Name + " " + r.Address)))
	p.paragraph(r.Why)
	switch {
	case r.Findings == nil:
		p.paragraph("There is no project here, so nothing was looked at: recon doctor looks at files without one.")
	case len(r.Findings) > 0:
		fmt.Fprintln(p.W)
		p.Findings(r.Findings, true)
	case len(r.Unknown) > 0:
		p.paragraph("Nothing of it is found in what could be looked at.")
	default:
		p.paragraph("Nothing of it is found now.")
	}
	p.bullets("Not known", r.Unknown)
}

func (p *Printer) resource(x *api.ExplainedResource) {
	p.Heading(p.clean(x.Address))
	p.paragraph(fmt.Sprintf("%s: %s", cmp.Or(x.Identity, x.Name), strings.ReplaceAll(x.Verdict, "_", " ")))
	if !x.Opened.IsZero() {
		p.paragraph("it differs since " + words.When(x.Opened))
	}
	switch {
	case x.ChangedBy != nil:
		p.paragraph("last changed by " + *x.ChangedBy)
	case x.ByNeeds != nil:
		p.paragraph("by whom: not visible to this token (" + *x.ByNeeds + ")")
	}
	p.values(x.Shown)
	needed := "nothing is known to lose anything while it restarts"
	if n := len(x.NeededBy); n > 0 {
		needed = fmt.Sprintf("%d lose something while it restarts: %s", n, words.Few(x.NeededBy))
	}
	p.bullets("Why it matters", []string{needed})
	p.wayBack(x)
	p.bullets("Not known, and it may change the answer", x.NotKnown)
}

// values shows the fields in which the sides differ.
func (p *Printer) values(sh *api.Shown) {
	rows := [][]string{{"FIELD", "MANIFEST", "LAST APPLIED", "TERRAFORM", "LIVE", "IN USE"}}
	for i := range sh.Fields {
		if f := &sh.Fields[i]; f.Differs {
			row := []string{p.clean(f.Name)}
			for _, text := range f.Text {
				row = append(row, words.Shorten(p.clean(cmp.Or(text, "-"))))
			}
			rows = append(rows, row)
		}
	}
	if len(rows) > 1 {
		fmt.Fprint(p.W, "\n"+columns(rows, "  "))
	}
}

// wayBack says how manifest and live come to agree.
func (p *Printer) wayBack(x *api.ExplainedResource) {
	var steps, blocked []string
	for _, s := range x.Steps {
		steps = append(steps, fmt.Sprintf("%s (%s %s)", s.Does, s.Method, s.Path))
	}
	for _, b := range x.Blocked {
		blocked = append(blocked, b.Detail)
	}
	p.bullets("What recon apply would do", steps)
	p.bullets("What keeps it from being done", blocked)
	if x.Adopt != "" {
		p.bullets("The other way", []string{x.Adopt + " writes into the manifest what is live"})
	}
}

// SaidByModel prints what a language model says, marked as what it is.
func (p *Printer) SaidByModel(name, said string) {
	fmt.Fprintln(p.W)
	p.Heading("In the words of " + p.clean(name) + ", a language model: they may be wrong, and recon has not checked them")
	for line := range strings.SplitSeq(said, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			fmt.Fprintln(p.W, wrap("  | "+p.clean(line), "  | ", p.width()))
		}
	}
}
