package contextfile

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"recon/inventory"
)

// sessionDays is how far back the session log reaches, counted from its newest
// entry.
const sessionDays = 5

const (
	sessionHead = "What changed outside of sessions, newest first. " + observedNote + "\n\n"
	archiveHead = "Older entries of the session log, newest first. " + observedNote + "\n\n"
	stampForm   = "2006-01-02 15:04"
)

// guestIdentity is a cluster's label, which the author wrote, and a number.
var guestIdentity = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,40}/[0-9]{1,9}$`)

var sessionLine = regexp.MustCompile(`^- (\d{4}-\d{2}-\d{2} \d{2}:\d{2}) UTC: `)

// SessionLog renders the block "recon" of the session log. Entries that the block
// has already are kept, so that a lost ledger loses no history; those older than
// the days that the log reaches back are left out, see Rotated.
func SessionLog(f *Facts, old string) string {
	lines, _ := sessionEntries(f, old)
	return entryList(sessionHead, lines)
}

// WholeLog renders the block "recon" with every entry, for a log whose archive
// cannot be written.
func WholeLog(f *Facts, old string) string {
	recent, older := sessionEntries(f, old)
	return entryList(sessionHead, append(recent, older...))
}

// Rotated returns the entries that SessionLog leaves out, newest first. They
// belong into the archive.
func Rotated(f *Facts, old string) []string {
	_, older := sessionEntries(f, old)
	return older
}

// Archive renders the block "archive" from its text and the entries that come to
// it.
func Archive(old string, rotated []string) string {
	return entryList(archiveHead, newestFirst(slices.Concat(rotated, entriesOf(old))))
}

func entryList(head string, lines []string) string {
	if len(lines) == 0 {
		return head + "Nothing yet.\n"
	}
	return head + strings.Join(lines, "\n") + "\n"
}

func entriesOf(text string) (out []string) {
	for _, line := range strings.Split(text, "\n") {
		line = listSign.ReplaceAllString(strings.TrimSpace(line), "- ")
		if sessionLine.MatchString(line) {
			out = append(out, line)
		}
	}
	return out
}

// newestFirst sorts entries by their minute and drops those that are there twice.
// Within a minute the order stays: it is the one in which things happened.
func newestFirst(lines []string) []string {
	seen := map[string]bool{}
	lines = slices.DeleteFunc(lines, func(l string) bool {
		twice := seen[l]
		seen[l] = true
		return twice
	})
	slices.SortStableFunc(lines, func(a, b string) int { return strings.Compare(stamp(b), stamp(a)) })
	return lines
}

// sessionEntries returns the entries of the log, those of the last days and the
// older ones apart.
func sessionEntries(f *Facts, old string) (recent, older []string) {
	var lines []string
	// Only what one look found together is one line: a line that grew with later looks
	// would stand there twice.
	for _, l := range slices.Backward(Lines(f.Events, 0)) {
		lines = append(lines, "- "+l.At.UTC().Format(stampForm)+" UTC: "+l.Text)
	}
	lines = append(lines, entriesOf(old)...)
	if len(lines) == 0 {
		return nil, nil
	}
	lines = newestFirst(lines)
	newest, err := time.Parse(stampForm, stamp(lines[0]))
	if err != nil {
		return lines, nil
	}
	oldest := newest.AddDate(0, 0, -sessionDays).Format(stampForm)
	i := slices.IndexFunc(lines, func(l string) bool { return stamp(l) < oldest })
	if i < 0 {
		return lines, nil
	}
	return lines[:i:i], lines[i:]
}

func stamp(line string) string { return sessionLine.FindStringSubmatch(line)[1] }

// fieldNames names what an event is about when that is not the whole resource.
func fieldNames(e *inventory.Event) string {
	var out []string
	for _, f := range e.Fields {
		out = append(out, string(f.Name))
	}
	if len(out) == 0 {
		return ""
	}
	return ": " + strings.Join(limit(out, 4), ", ")
}

// origin says what a resource was made from.
func origin(e *inventory.Event) string {
	for _, f := range e.Fields {
		if f.Name == "from" && f.ToText != "" {
			_, file, _ := strings.Cut(f.ToText, "/")
			if file == "" {
				file = f.ToText
			}
			return " from " + safeValue(f.Name, file)
		}
	}
	return ""
}

// EventText says one event as documents may show it.
func EventText(e *inventory.Event) string {
	subject := safeAddress(e.Address, e.Identity)
	text := ""
	switch e.Kind {
	case inventory.DriftOpened:
		text = subject + " drifted: " + eventFields(e)
	case inventory.DriftChanged:
		text = subject + " still drifts: " + eventFields(e)
		if !slices.ContainsFunc(e.Fields, func(f inventory.EventField) bool { return f.FromText+f.ToText != "" }) {
			text = subject + fieldNames(e) + " comes and goes; quarantined until it is quiet for a day"
		}
	case inventory.DriftResolved:
		text = subject + fieldNames(e) + " is back in sync"
	case inventory.WasApplied:
		text = subject + " applied: " + eventFields(e)
	case inventory.Created:
		text = "made " + subject + origin(e)
	case inventory.Destroyed:
		text = "destroyed " + subject + where(e)
	case inventory.Changed:
		text = subject + " changed: " + eventFields(e)
		if e.Undeclared() {
			text += ", not in the manifest"
		}
	case inventory.Moved:
		text = subject + " moved: " + eventFields(e)
	case inventory.Renamed:
		text = subject + " was renamed: " + eventFields(e)
	case inventory.Started, inventory.Stopped, inventory.Restarted:
		text = subject + " " + powerWords[e.Kind]
	case inventory.Appeared:
		text = subject + " appeared" + where(e)
	case inventory.Disappeared:
		text = subject + " is gone" + where(e)
	case inventory.SourceLost, inventory.SourceBack:
		text = sourceText(e)
	case inventory.SourcePartial:
		text = sourceName(e) + " is seen in part only"
	case inventory.SourceWhole:
		text = sourceName(e) + " is seen in full again"
	case inventory.CheckBroke:
		text = subject + " fails" + atLayer(e)
	case inventory.CheckMended:
		text = subject + " works again"
	case inventory.Healed:
		text = subject + " was healed: " + eventFields(e)
	case inventory.HealFailed:
		text = subject + fieldNames(e) + " could not be healed"
	case inventory.Proposed:
		text = subject + " has a proposal that waits for a decision"
	case inventory.Approved, inventory.Rejected:
		text = subject + " has a proposal that was " + string(e.Kind)
	case inventory.ProposalEnded:
		text = subject + " had a proposal, which " + ending(e)
	case inventory.Frozen:
		text = "recon heals nothing, and carries out no proposal"
	case inventory.Thawed:
		text = "recon heals again"
	}
	if by := safeBy(e.By); by != "" {
		text += " (by " + by + ")"
	}
	return text
}

// sourceText says that a source is lost or back. A repository that manifests come from is
// no source of facts: what is there may be good, and is not in force.
func sourceText(e *inventory.Event) string {
	lost, back := " cannot be observed", " is back"
	if inventory.IsRepository(e.Identity) {
		lost, back = " is held back: what it has is not in force", " is followed again"
	}
	if e.Kind == inventory.SourceLost {
		return sourceName(e) + lost
	}
	return sourceName(e) + back
}

// ending says what became of a proposal.
func ending(e *inventory.Event) string {
	for _, f := range e.Fields {
		if words := inventory.ProposalEndings()[f.ToText]; f.Name == inventory.OutcomeField && words != "" {
			return words
		}
	}
	return "has ended"
}

// atLayer says at which layer a check fails.
func atLayer(e *inventory.Event) string {
	for _, f := range e.Fields {
		if f.Name == "layer" && slices.Contains(inventory.Layers(), inventory.Layer(f.ToText)) {
			return " at " + f.ToText
		}
	}
	return ""
}

var powerWords = map[inventory.EventKind]string{inventory.Started: "was started", inventory.Stopped: "was stopped", inventory.Restarted: "was restarted"}

func where(e *inventory.Event) string {
	if guestIdentity.MatchString(e.Identity) {
		return " (" + e.Identity + ")"
	}
	return ""
}

func sourceName(e *inventory.Event) string {
	if guestIdentity.MatchString(e.Identity) {
		return "`" + e.Identity + "`"
	}
	if name, ok := SafeName(e.Identity, ""); ok {
		return "`" + name + "`"
	}
	return "a source"
}

func eventFields(e *inventory.Event) string {
	var out []string
	for _, f := range e.Fields {
		out = append(out, fmt.Sprintf("%s %s -> %s", f.Name, safeValue(f.Name, f.FromText), safeValue(f.Name, f.ToText)))
	}
	return strings.Join(limit(out, 4), ", ")
}
