package term

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

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

// verdictWords say a verdict in a sentence.
var verdictWords = map[inventory.Verdict]string{
	inventory.VerdictDrift:          "drift: live has moved away from the manifest",
	inventory.VerdictPendingChange:  "pending change: the manifest has moved",
	inventory.VerdictConflict:       "conflict: manifest and live have both moved",
	inventory.VerdictDiffers:        "differs: which side moved is not known",
	inventory.VerdictMissing:        "missing: it does not exist",
	inventory.VerdictPendingReboot:  "pending reboot: written, not yet in use",
	inventory.VerdictTerraformStale: "stale in Terraform: the next terraform apply would undo it",
}

func (p *Printer) change(c *inventory.Change, opts PlanOptions) {
	where := c.Want.Identity
	if c.Have.Volatile.Node != "" {
		where += " on " + p.clean(c.Have.Volatile.Node)
	}
	fmt.Fprintf(p.W, "%s %s  %s\n", p.glyph(c.Action), p.paint(bold, p.clean(c.Addr.String())), p.paint(quiet, p.clean(where)))
	word := verdictWords[c.Verdict]
	if c.Action == inventory.ActionDelete {
		word = "absent = true: it shall not exist"
	}
	if c.Unfinished && c.Verdict == inventory.VerdictPendingChange {
		word = "unfinished: recon made it and did not come to the end; this is the rest"
	}
	fmt.Fprintf(p.W, "    %s\n", p.paint(p.verdictStyle(c.Verdict), word))
	var rows [][]string
	for i := range c.Fields {
		if c.Action == inventory.ActionCreate && c.Fields[i].Path == "vmid" {
			continue
		}
		rows = append(rows, p.field(c, &c.Fields[i]))
	}
	fmt.Fprint(p.W, p.fields(rows))
	p.consequences(c)
	if opts.Calls {
		p.calls(c.Steps)
	}
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

// field says one field: what it is, and what it would become.
func (p *Printer) field(c *inventory.Change, f *inventory.FieldChange) []string {
	from, to := shorten(p.clean(f.Attr.Show(f.Live))), shorten(p.clean(f.Attr.Show(f.Wish())))
	text := from + " -> " + to
	switch {
	case undeclaredDevice(f) && !f.Writes():
		text = "taken out, and still in use"
	case undeclaredDevice(f) && pendingOnly(f):
		text = "there (written, not in use), and not in the manifest"
	case undeclaredDevice(f):
		text = "there, and not in the manifest"
	case f.Undeclared && f.Writes():
		text += " (the default; not in the manifest)"
	case c.Action == inventory.ActionCreate:
		text = to
	case f.Verdict == inventory.VerdictTerraformStale:
		text = fmt.Sprintf("%s, the next terraform apply would make it %s", to, shorten(p.clean(f.Attr.Show(f.Terraform))))
	case f.Verdict == inventory.VerdictPendingReboot:
		text = fmt.Sprintf("%s, in use %s", to, shorten(p.clean(f.Attr.Show(f.Running))))
	case f.Verdict == inventory.VerdictConflict && !inventory.IsNull(f.Base):
		text = fmt.Sprintf("was %s, manifest %s, live %s", shorten(p.clean(f.Attr.Show(f.Base))), to, from)
	case pendingOnly(f):
		text = fmt.Sprintf("%s (written, not in use) -> %s", from, to)
	case f.Policy == "ignore":
		text += "  (ignored)"
	case f.Verdict != c.Verdict:
		text += "  (" + strings.ReplaceAll(string(f.Verdict), "_", " ") + ")"
	}
	if f.NoWayBack {
		text += "  (cannot be undone)"
	}
	source := ""
	if f.Source.Filename != "" {
		source = fmt.Sprintf("%s:%d", f.Source.Filename, f.Source.Start.Line)
	}
	name := f.Path
	if undeclaredDevice(f) {
		name = name.Parent()
	}
	return []string{p.clean(string(name)), text, p.paint(quiet, p.clean(source))}
}

// undeclaredDevice reports a device that is there although an exact manifest has none.
func undeclaredDevice(f *inventory.FieldChange) bool {
	return f.Undeclared && f.Attr.Wire == inventory.WireAbsent
}

// pendingOnly reports a live value that is written and not yet in use, and that taking
// back restarts nobody.
func pendingOnly(f *inventory.FieldChange) bool {
	return f.Writes() && !inventory.IsNull(f.Running) && f.Attr.Same(f.Running, f.Desired) && !f.Attr.Same(f.Running, f.Live)
}

// shorten keeps a long value to a line.
func shorten(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:37]) + "..."
	}
	return s
}

// consequences say who changed it, what closing the gap does, and what prevents it.
func (p *Printer) consequences(c *inventory.Change) {
	if by := c.Have.Volatile.Changed; by.User != "" && movedOutside(c) {
		fmt.Fprintf(p.W, "    last changed by %s, %s\n", p.clean(by.User), by.At.Local().Format("2006-01-02 15:04"))
	} else if by.Hidden != (inventory.Lack{}) {
		fmt.Fprintf(p.W, "    last changed by: not visible to this token (%s)\n", by.Hidden)
	}
	if len(c.Blocked) > 0 {
		for _, b := range c.Blocked {
			fmt.Fprintln(p.W, wrap("    "+p.paint(bad, "blocked: ")+p.clean(b.Detail), "      ", p.width()))
		}
	}
	if len(c.Steps) == 0 {
		return
	}
	text := "apply: " + c.Impact.Words(c.Addr.Kind)
	if c.Action == inventory.ActionCreate {
		var made []string
		for _, s := range c.Steps {
			made = append(made, p.clean(s.Summary))
		}
		text = "apply: " + strings.Join(made, "; ")
	}
	if c.Impact > inventory.ImpactReload {
		text += fmt.Sprintf(" (needs --allow %s)", c.Impact)
	}
	fmt.Fprintln(p.W, wrap("    "+text, "      ", p.width()))
	if len(c.Harms) > 0 {
		fmt.Fprintln(p.W, wrap("      meanwhile "+p.clean(harmed(c.Harms)), "        ", p.width()))
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

// harmed says in a sentence what others lose, by what they lose.
func harmed(harms []inventory.Harm) string {
	words := map[string]string{
		"down": "down", "unreachable": "unreachable", "storage": "without their disks or folders", "network": "without network", "names": "without names",
		"login": "without login", "lacks": "without something that they call",
	}
	var effects []string
	members := map[string][]string{}
	for _, h := range harms {
		if members[h.Effect] == nil {
			effects = append(effects, h.Effect)
		}
		members[h.Effect] = append(members[h.Effect], h.Address)
	}
	var parts []string
	for _, e := range effects {
		parts = append(parts, words[e]+": "+few(members[e]))
	}
	return strings.Join(parts, "; ")
}

// movedOutside reports a change of which somebody else is the cause.
func movedOutside(c *inventory.Change) bool {
	return slices.ContainsFunc(c.Fields, func(f inventory.FieldChange) bool {
		return f.Policy != "ignore" && (reconcile.LiveMoved(f.Verdict) || f.Verdict == inventory.VerdictPendingReboot)
	})
}

// calls shows the exact calls.
func (p *Printer) calls(steps []inventory.Step) {
	for _, s := range steps {
		if s.Method == "run" {
			p.run(s)
			continue
		}
		text := s.Method + " " + s.Path
		for _, k := range slices.Sorted(maps.Keys(s.Params)) {
			text += " " + k + "=" + shorten(p.clean(s.Params[k]))
		}
		fmt.Fprintln(p.W, p.paint(quiet, wrap("    > "+p.clean(text), "      ", p.width())))
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
		since := "since " + u.Since.Local().Format("2006-01-02 15:04")
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
	for _, f := range findings {
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
	if len(findings) > 0 {
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
		what, style = counts(plan), warn
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

// counts says what would be done, and apart from it what cannot.
func counts(plan *reconcile.Plan) string {
	s := plan.Summary()
	open := map[inventory.Action]int{}
	for i := range plan.Changes {
		if c := &plan.Changes[i]; len(c.Blocked) == 0 || len(c.Steps) > 0 {
			open[c.Action]++
		}
	}
	var parts []string
	for _, c := range []struct {
		n    int
		what string
	}{
		{open[inventory.ActionCreate], "to create"},
		{open[inventory.ActionUpdate], "to update"},
		{open[inventory.ActionDelete], "to delete"},
		{s.Blocked, "blocked"},
		{s.PendingReboot, "waiting for a restart"},
		{s.TerraformStale, "stale in Terraform"},
		{s.Conflict, "in conflict"},
	} {
		if c.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", c.n, c.what))
		}
	}
	return strings.Join(parts, ", ") + "."
}
