// Package words says what a plan and a history hold in sentences, which are the same on a
// terminal and on the page. It cleans text that came from outside; what colours and wraps it
// is the view's. What leaves the machine, documents and notices, shows fewer words:
// contextfile has those.
package words

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"recon/inventory"
	"recon/reconcile"
)

// verdicts say a verdict in a sentence.
var verdicts = map[inventory.Verdict]string{
	inventory.VerdictDrift:          "drift: live has moved away from the manifest",
	inventory.VerdictPendingChange:  "pending change: the manifest has moved",
	inventory.VerdictConflict:       "conflict: manifest and live have both moved",
	inventory.VerdictDiffers:        "differs: which side moved is not known",
	inventory.VerdictMissing:        "missing: it does not exist",
	inventory.VerdictPendingReboot:  "pending reboot: written, not yet in use",
	inventory.VerdictTerraformStale: "stale in Terraform: the next terraform apply would undo it",
}

// Verdict says how a resource differs.
func Verdict(c *inventory.Change) string {
	switch {
	case c.Action == inventory.ActionDelete:
		return "absent = true: it shall not exist"
	case c.Unfinished && c.Verdict == inventory.VerdictPendingChange:
		return "unfinished: recon made it and did not come to the end; this is the rest"
	}
	return verdicts[c.Verdict]
}

// A Field is one field of a change: what it is, what it would become, what is to be known
// of that beside the two values, and where it is written.
type Field struct{ Name, Text, Note, Source string }

// FieldOf says a field of a change. A value passes through value, which cleans it and
// may cut it.
func FieldOf(c *inventory.Change, f *inventory.FieldChange, value func(string) string) Field {
	out := Field{Name: string(f.Path)}
	out.Text, out.Note = fieldText(c, f, value)
	if f.NoWayBack {
		out.Text += "  (cannot be undone)"
		out.Note = strings.TrimPrefix(out.Note+", cannot be undone", ", ")
	}
	if f.Source.Filename != "" {
		out.Source = fmt.Sprintf("%s:%d", f.Source.Filename, f.Source.Start.Line)
	}
	if undeclaredDevice(f) {
		out.Name = string(f.Path.Parent())
	}
	return out
}

// fieldText says a field in a line, and what of that is no value.
func fieldText(c *inventory.Change, f *inventory.FieldChange, value func(string) string) (text, note string) {
	from, to := value(f.Attr.Show(f.Live)), value(f.Attr.Show(f.Wish()))
	change := from + " -> " + to
	switch {
	case undeclaredDevice(f):
		note = deviceText(f)
		return note, note
	case f.Undeclared && f.Writes():
		return change + " (the default; not in the manifest)", "the default; not in the manifest"
	case c.Action == inventory.ActionCreate:
		return to, ""
	case f.Verdict == inventory.VerdictTerraformStale:
		note = "the next terraform apply would make it " + value(f.Attr.Show(f.Terraform))
		return to + ", " + note, note
	case f.Verdict == inventory.VerdictPendingReboot:
		return fmt.Sprintf("%s, in use %s", to, value(f.Attr.Show(f.Running))), ""
	case f.Verdict == inventory.VerdictConflict && !inventory.IsNull(f.Base):
		was := "was " + value(f.Attr.Show(f.Base))
		return fmt.Sprintf("%s, manifest %s, live %s", was, to, from), was
	case pendingOnly(f):
		return fmt.Sprintf("%s (written, not in use) -> %s", from, to), "live is written, not in use"
	case f.Policy == "ignore":
		return change + "  (ignored)", "ignored"
	case f.Verdict != c.Verdict:
		note = strings.ReplaceAll(string(f.Verdict), "_", " ")
		return change + "  (" + note + ")", note
	}
	return change, ""
}

// deviceText says a device that is there although an exact manifest has none.
func deviceText(f *inventory.FieldChange) string {
	switch {
	case !f.Writes():
		return "taken out, and still in use"
	case pendingOnly(f):
		return "there (written, not in use), and not in the manifest"
	}
	return "there, and not in the manifest"
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

// Shorten keeps a long value to a line.
func Shorten(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:37]) + "..."
	}
	return s
}

// When says a time: to the minute, where the reader is.
func When(t time.Time) string { return t.Local().Format("2006-01-02 15:04") }

// ChangedBy says who moved what differs, "" when that is nobody else or not known.
func ChangedBy(c *inventory.Change) string {
	by := c.Have.Volatile.Changed
	switch {
	case by.User != "" && movedOutside(c):
		return fmt.Sprintf("last changed by %s, %s", by.User, When(by.At))
	case by.Hidden != (inventory.Lack{}):
		return fmt.Sprintf("last changed by: not visible to this token (%s)", by.Hidden)
	}
	return ""
}

// movedOutside reports a change of which somebody else is the cause.
func movedOutside(c *inventory.Change) bool {
	return slices.ContainsFunc(c.Fields, func(f inventory.FieldChange) bool {
		return f.Policy != "ignore" && (reconcile.LiveMoved(f.Verdict) || f.Verdict == inventory.VerdictPendingReboot)
	})
}

// Apply says what closing the gap does, and which flag it takes; "" when nothing would be
// done.
func Apply(c *inventory.Change) string {
	text := Consequence(c)
	if text != "" && c.Impact > inventory.ImpactReload {
		text += fmt.Sprintf(" (needs --allow %s)", c.Impact)
	}
	return text
}

// Consequence says what closing the gap does, "" when nothing would be done.
func Consequence(c *inventory.Change) string {
	if len(c.Steps) == 0 {
		return ""
	}
	text := c.Impact.Words(c.Addr.Kind)
	if c.Action == inventory.ActionCreate {
		var made []string
		for _, s := range c.Steps {
			made = append(made, s.Summary)
		}
		text = strings.Join(made, "; ")
	}
	return text
}

// harms say what others lose.
var harms = map[string]string{
	"down": "down", "unreachable": "unreachable", "storage": "without their disks or folders", "network": "without network", "names": "without names",
	"login": "without login", "lacks": "without something that they call",
}

// Harms says in a sentence what others lose, by what they lose.
func Harms(list []inventory.Harm) string {
	var effects []string
	members := map[string][]string{}
	for _, h := range list {
		if members[h.Effect] == nil {
			effects = append(effects, h.Effect)
		}
		members[h.Effect] = append(members[h.Effect], h.Address)
	}
	var parts []string
	for _, e := range effects {
		parts = append(parts, harms[e]+": "+Few(members[e]))
	}
	return strings.Join(parts, "; ")
}

// Few lists names, and how many there are beyond the first.
func Few(names []string) string {
	if len(names) <= 6 {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:5], ", "), len(names)-5)
}

// Counts says what would be done, and apart from it what cannot.
func Counts(plan *reconcile.Plan) string {
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

// events say an event in a sentence.
var events = map[inventory.EventKind]string{
	inventory.DriftOpened: "drifted", inventory.DriftChanged: "still drifts", inventory.DriftResolved: "is back in sync", inventory.WasApplied: "was applied",
	inventory.Created: "was made", inventory.Destroyed: "was destroyed", inventory.Changed: "changed", inventory.Moved: "moved", inventory.Renamed: "was renamed",
	inventory.Started: "was started", inventory.Stopped: "was stopped", inventory.Restarted: "was restarted",
	inventory.Appeared: "appeared", inventory.Disappeared: "is gone", inventory.SourceLost: "cannot be observed", inventory.SourceBack: "is observed again",
	inventory.SourcePartial: "is seen in part only", inventory.SourceWhole: "is seen in full again",
	inventory.CheckBroke: "fails", inventory.CheckMended: "works again",
	inventory.Healed: "was healed", inventory.HealFailed: "could not be healed", inventory.Proposed: "has a proposal", inventory.Approved: "has a proposal that was approved",
	inventory.Rejected: "has a proposal that was rejected", inventory.ProposalEnded: "had a proposal", inventory.Frozen: "heals nothing", inventory.Thawed: "heals again",
}

// repository says what becomes of a repository that manifests come from.
var repository = map[inventory.EventKind]string{inventory.SourceLost: "is held back", inventory.SourceBack: "is followed again"}

// Event says an event: what it is about, and what became of it. Values, and who did it,
// pass through value.
func Event(e *inventory.Event, value func(string) string) (subject, text string) {
	subject = e.Address.String()
	if e.Address.IsZero() {
		subject = e.Identity
	}
	text = events[e.Kind]
	if held, is := repository[e.Kind]; is && inventory.IsRepository(e.Identity) {
		text = held
	}
	text += eventFields(e, value)
	if said := ofProposal(e); said != "" {
		text = said
	}
	if e.Undeclared() {
		text += ", not in the manifest"
	}
	if e.By != "" {
		text += " (by " + value(e.By) + ")"
	}
	return subject, text
}

// ofProposal says that there is a proposal, or what became of one; "" of any other event.
func ofProposal(e *inventory.Event) string {
	for _, f := range e.Fields {
		switch {
		case f.Name == inventory.OutcomeField && e.Kind == inventory.ProposalEnded:
			return "had a proposal, which " + inventory.ProposalEndings()[f.ToText]
		case f.Name == inventory.ProposalField && e.Kind == inventory.Proposed:
			return "has a proposal that waits for a decision"
		}
	}
	return ""
}

// eventFields says the fields of an event: what became of them, or which of them come and
// go.
func eventFields(e *inventory.Event, value func(string) string) string {
	flaps := e.Kind == inventory.DriftChanged
	var fields []string
	for _, f := range e.Fields {
		text := value(string(f.Name))
		switch {
		case f.FromText == "" && f.ToText != "":
			text, flaps = text+" "+value(f.ToText), false
		case f.FromText != "":
			text += fmt.Sprintf(" %s -> %s", value(f.FromText), value(f.ToText))
			flaps = false
		}
		fields = append(fields, text)
	}
	if len(fields) == 0 {
		return ""
	}
	text := ": " + strings.Join(fields, ", ")
	if flaps {
		text += ", which comes and goes; told no more until it is quiet for a day"
	}
	return text
}

// Call says one call in a line. Values pass through value.
func Call(s *inventory.Step, value func(string) string) string {
	text := s.Method + " " + s.Path
	for _, k := range slices.Sorted(maps.Keys(s.Params)) {
		text += " " + k + "=" + Shorten(value(s.Params[k]))
	}
	return text
}
