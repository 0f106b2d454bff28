package term

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"recon/cmd/recon/internal/words"
	"recon/inventory"
	"recon/reconcile"
)

// PlanOptions choose what of a plan is shown.
type PlanOptions struct {
	Calls bool // the calls that would be made
}

// Plan writes a plan: a block a resource, what could not be observed, and a last
// line that counts.
func (p *Printer) Plan(plan *reconcile.Plan, opts PlanOptions) {
	p.PlannedChanges(plan, opts)
	p.unknown(plan.Unknown)
	p.unmanaged(plan.Unmanaged)
	p.findings(plan.Findings)
	p.checks(plan.Checks)
	p.summary(plan)
}

// PlannedChanges writes the changes of a plan alone.
func (p *Printer) PlannedChanges(plan *reconcile.Plan, opts PlanOptions) {
	for i := range plan.Changes {
		p.change(&plan.Changes[i], opts)
		fmt.Fprintln(p.W)
	}
}

var glyphs = map[inventory.Action]string{inventory.ActionCreate: "+", inventory.ActionUpdate: "~", inventory.ActionDelete: "-", inventory.ActionNone: "="}

func (p *Printer) change(c *inventory.Change, opts PlanOptions) {
	where := c.Want.Identity
	if c.Have.Volatile.Node != "" {
		where += " on " + p.clean(c.Have.Volatile.Node)
	}
	fmt.Fprintf(p.W, "%s %s  %s\n", p.glyph(c.Action), p.paint(bold, p.clean(c.Addr.String())), p.paint(quiet, p.clean(where)))
	fmt.Fprintf(p.W, "    %s\n", p.paint(p.verdictStyle(c.Verdict), words.Verdict(c)))
	fmt.Fprint(p.W, p.fields(p.fieldRows(c)))
	p.consequences(c)
	if opts.Calls {
		p.calls(c.Steps)
	}
}

// fieldRows are the fields of a change, each with what happens to it and where it is written.
func (p *Printer) fieldRows(c *inventory.Change) (rows [][]string) {
	for i := range c.Fields {
		if c.Action == inventory.ActionCreate && c.Fields[i].Path == "vmid" {
			continue
		}
		f := words.FieldOf(c, &c.Fields[i], func(s string) string { return words.Shorten(p.clean(s)) })
		rows = append(rows, []string{p.clean(f.Name), f.Text, p.paint(quiet, p.clean(f.Source))})
	}
	return rows
}

// fields aligns the rows of a change, or wraps them where the terminal is too narrow.
func (p *Printer) fields(rows [][]string) string {
	text := columns(rows, "    ")
	if !p.Narrow || !slices.ContainsFunc(strings.Split(text, "\n"), func(l string) bool { return cellWidth(l) > p.width() }) {
		return text
	}
	text = ""
	for _, row := range rows {
		text += wrap("    "+strings.TrimSpace(strings.Join(row, "  ")), "      ", p.width()) + "\n"
	}
	return text
}

func (p *Printer) glyph(a inventory.Action) string {
	style := warn
	switch a {
	case inventory.ActionCreate:
		style = good
	case inventory.ActionDelete:
		style = bad
	case inventory.ActionNone:
		style = quiet
	}
	return p.paint(style, glyphs[a])
}

func (p *Printer) verdictStyle(v inventory.Verdict) style {
	switch v {
	case inventory.VerdictConflict:
		return bad
	case inventory.VerdictPendingChange, inventory.VerdictMissing:
		return accent
	}
	return warn
}

// consequences say who changed it, what closing the gap does, and what prevents it.
func (p *Printer) consequences(c *inventory.Change) {
	if by := words.ChangedBy(c); by != "" {
		fmt.Fprintln(p.W, "    "+p.clean(by))
	}
	if len(c.Blocked) > 0 {
		for _, b := range c.Blocked {
			fmt.Fprintln(p.W, wrap("    "+p.paint(bad, "blocked: ")+p.clean(b.Detail), "      ", p.width()))
		}
	}
	if len(c.Steps) == 0 {
		return
	}
	text := "apply: " + p.clean(words.Apply(c))
	fmt.Fprintln(p.W, wrap("    "+text, "      ", p.width()))
	if len(c.Harms) > 0 {
		fmt.Fprintln(p.W, wrap("      meanwhile "+p.clean(words.Harms(c.Harms)), "        ", p.width()))
	}
	for _, s := range c.Steps {
		for _, note := range s.Notes {
			fmt.Fprintln(p.W, wrap("      "+p.clean(note), "      ", p.width()))
		}
	}
	if c.Action == inventory.ActionDelete {
		for _, v := range c.Have.Volatile.Volumes {
			fmt.Fprintf(p.W, "      %s %s\n", p.paint(bad, "lost:"), p.clean(v))
		}
	}
}

// calls shows the exact calls.
func (p *Printer) calls(steps []inventory.Step) {
	for _, s := range steps {
		if s.Method == "run" {
			p.run(s)
			continue
		}
		fmt.Fprintln(p.W, p.paint(quiet, wrap("    > "+p.clean(words.Call(&s, p.clean)), "      ", p.width())))
	}
}

// run shows a run of another program in full: what it says that it will do.
func (p *Printer) run(s inventory.Step) {
	fmt.Fprintln(p.W, p.paint(quiet, wrap("    > "+p.clean(s.Path+" -target="+s.Params["target"]+" in "+s.Params["directory"]), "      ", p.width())))
	for line := range strings.Lines(s.Params["changes"]) {
		fmt.Fprintln(p.W, p.paint(quiet, wrap("        "+p.clean(strings.TrimSpace(line)), "          ", p.width())))
	}
}

func (p *Printer) unknown(scopes []inventory.Scope) {
	for _, u := range scopes {
		since := "since " + words.When(u.Since)
		if u.Scope != u.Provider {
			since = p.clean(u.Provider) + ", " + since
		}
		fmt.Fprintf(p.W, "%s %s  %s\n", p.paint(bad, "?"), p.paint(bold, p.clean(u.Scope)), p.paint(quiet, since))
		if u.Err != nil {
			fmt.Fprintln(p.W, wrap("    unknown: "+p.clean(u.Err.Error()), "      ", p.width()))
		}
		var names []string
		for _, a := range u.Addresses {
			names = append(names, p.clean(a.String()))
		}
		if len(names) > 12 {
			names = append(names[:12], fmt.Sprintf("and %d more", len(names)-12))
		}
		if len(names) > 0 {
			fmt.Fprintln(p.W, wrap("    not compared: "+strings.Join(names, ", "), "      ", p.width()))
		}
		fmt.Fprintln(p.W)
	}
}

func (p *Printer) unmanaged(obs []inventory.Observation) {
	if len(obs) == 0 {
		return
	}
	var names []string
	for _, o := range obs {
		name := p.clean(o.Resource.Name())
		if name == "" {
			name = o.Resource.Addr.Name
		}
		names = append(names, fmt.Sprintf("%s (%s %s)", name, o.Resource.Addr.Kind, o.Resource.Identity))
	}
	if len(names) > 12 {
		names = append(names[:12], fmt.Sprintf("and %d more", len(names)-12))
	}
	fmt.Fprintln(p.W, wrap("Not in manifests: "+p.clean(strings.Join(names, ", ")), "  ", p.width()))
	fmt.Fprintln(p.W)
}

func (p *Printer) findings(findings []inventory.Finding) {
	hints := 0
	others := slices.DeleteFunc(slices.Clone(findings), func(f inventory.Finding) bool { return f.Rule == inventory.RuleCheck })
	for _, f := range others {
		if f.Severity == "info" {
			hints++
			continue
		}
		fmt.Fprintf(p.W, "! %s  %s\n%s\n", p.paint(bold, p.clean(f.Address)), f.Rule, wrap("    "+p.clean(f.Summary), "      ", p.width()))
		if strings.Contains(f.Fix, "\n") { // lines to paste
			for line := range strings.Lines(f.Fix) {
				fmt.Fprintln(p.W, "      "+p.clean(strings.TrimRight(line, "\n")))
			}
		}
	}
	if hints > 0 {
		fmt.Fprintf(p.W, "! %d more hint(s) in recon doctor\n", hints)
	}
	if len(others) > 0 {
		fmt.Fprintln(p.W)
	}
}

// checks shows the checks that do not hold, with what mends them, and counts the others.
func (p *Printer) checks(all []inventory.Outcome) {
	work := 0
	for i := range all {
		o := &all[i]
		if o.Works() {
			work++
			continue
		}
		mark, word := "!", "fails"
		if o.Standing == inventory.CheckUnknown {
			mark, word = "?", "unknown"
		}
		since := ""
		if !o.Since.IsZero() {
			since = ", since " + o.Since.Local().Format("2006-01-02 15:04")
		}
		fmt.Fprintf(p.W, "%s %s  %s\n", p.paint(bad, mark), p.paint(bold, p.clean(o.Check.String())), p.paint(quiet, o.Kind+" check "+word+since))
		fmt.Fprintln(p.W, wrap("    "+p.clean(o.Sentence()), "      ", p.width()))
		for _, f := range o.Fix {
			fmt.Fprintln(p.W, "      "+p.paint(accent, p.clean(f))) // to be copied: never broken
		}
	}
	if work > 0 {
		fmt.Fprintln(p.W, p.paint(quiet, fmt.Sprintf("%d of %d checks work", work, len(all))))
	}
	if len(all) > 0 {
		fmt.Fprintln(p.W)
	}
}

// summary is the last line: counts, seconds and calls.
func (p *Printer) summary(plan *reconcile.Plan) {
	s := plan.Summary()
	what := "Everything is in sync."
	style := good
	switch {
	case !plan.InSync():
		what, style = words.Counts(plan), warn
	case s.Managed == 0 && s.Unmanaged > 0:
		there := "%d guests are there"
		if !plan.Complete {
			there = "at least " + there
		}
		what, style = fmt.Sprintf("Nothing is declared, so nothing was compared; "+there+". recon import --all writes manifests from them.", s.Unmanaged), warn
	case s.Managed == 0 && plan.Complete:
		what, style = "Nothing is declared and nothing was seen; recon check says which sources there are.", warn
	case !plan.Complete && s.InSync == 0:
		what, style = "Nothing could be compared.", warn
	case !plan.Complete:
		what, style = "What could be observed is in sync.", warn
	}
	p.hang("", "  ", p.paint(style, what))
	text := fmt.Sprintf("%d managed, %d in sync", s.Managed, s.InSync)
	if s.Unknown > 0 {
		text += fmt.Sprintf(", %d unknown", s.Unknown)
	}
	if s.Unmanaged > 0 {
		text += fmt.Sprintf(", %d unmanaged", s.Unmanaged)
	}
	fmt.Fprintln(p.W, p.paint(quiet, fmt.Sprintf("%s; %d API calls in %s", text, s.APICalls, plan.Elapsed.Round(10*time.Millisecond))))
}
