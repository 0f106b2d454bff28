package notify

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	"recon/cmd/recon/internal/api"
	"recon/inventory"
	"recon/inventory/contextfile"
)

// A Message is what is sent. It is text without any markup: what a home calls its guests
// is said as documents say it, and no service makes anything of it.
type Message struct {
	ID    string // the same when it is sent again
	Title string
	Text  string
	At    time.Time
	Of    []int64 `json:",omitempty"` // the events that it tells or counts

	Proposals []Proposed `json:",omitempty"` // that it tells of
}

// Proposed is a proposal that a message tells of.
type Proposed struct{ ID, Of string }

// How long a message may be, for the service that takes least; what does not fit is
// counted. A cause names so many of those who fall with it.
const (
	mostLines = 24
	mostText  = 1700
	mostNames = 40
	titleText = 90
)

// sameGo is how far apart guests may be stopped or moved and still be one thing that
// happened, and groupFrom how many alike things are said in one line.
const (
	sameGo    = 30 * time.Minute
	groupFrom = 3
	apart     = 3 // events of one thing that are lines of their own
)

// A line is what is said of one event, or of several.
type line struct {
	text   string
	at     time.Time
	of     []inventory.Event
	events int // that it stands for
}

// compose says what the decision is.
func (d *decision) compose() *Message {
	w := &writer{}
	for _, r := range d.summary {
		w.add(fmt.Sprintf("Drift report of %s: %s", d.clock(r.At, "2006-01-02 15:04"), r.Summary), "report", 1)
	}
	lines := d.lines()
	timed := len(lines) > 1 && spread(lines) > sameGo
	for i := range lines {
		l := &lines[i]
		text := l.text
		if timed {
			text = d.clock(l.at, "Jan 2 15:04") + "  " + text
		}
		w.add(text, strings.ReplaceAll(string(l.of[0].Kind), "_", " "), l.events)
	}
	for _, f := range d.found {
		w.add(f.Text, "found", 1)
	}
	if d.right > 0 {
		w.add(fmt.Sprintf("%d of what was found before is right now", d.right), "put right", d.right)
	}
	for _, o := range d.reminder {
		w.add(fmt.Sprintf("still open since %s: %s", d.clock(o.Since, "2006-01-02 15:04"), contextfile.EventText(&o.Of)), "still open", 1)
	}
	return &Message{Title: w.title(), Text: w.text(), At: d.in.Now, Proposals: d.proposed()}
}

// proposed are the proposals that the message tells of.
func (d *decision) proposed() (out []Proposed) {
	for i := range d.told {
		e := &d.told[i].Event
		for _, f := range e.Fields {
			if id, ok := f.To.(string); ok && e.Kind == inventory.Proposed && f.Name == inventory.ProposalField {
				name, _ := contextfile.SafeAddress(e.Address, e.Identity)
				out = append(out, Proposed{id, plain(name)})
			}
		}
	}
	return out
}

// clock says a time by the clock of those who read it.
func (d *decision) clock(at time.Time, form string) string {
	where := time.Local
	if d.route.Quiet != nil {
		where = d.route.Quiet.Location
	}
	return at.In(where).Format(form)
}

func spread(lines []line) time.Duration {
	at := func(a, b line) int { return a.at.Compare(b.at) }
	return slices.MaxFunc(lines, at).at.Sub(slices.MinFunc(lines, at).at)
}

// lines says the news: what is worst first, and what came to an end last.
func (d *decision) lines() (out []line) {
	events, before := d.lately()
	named := map[string]bool{} // guests that a cause names
	for i := range events {
		if e := &events[i]; e.Kind == inventory.SourceLost {
			for _, g := range d.in.Known.Falling(e) {
				named[g.Identity] = true
			}
		}
	}
	var single []line
	folded := 0
	for _, l := range contextfile.Lines(events, sameGo) {
		e := &l.Of[0]
		switch {
		case len(l.Of) == 1 && e.Kind == inventory.SourceLost && named[e.Identity]:
			folded++
		case len(l.Of) == 1:
			single = append(single, d.line(e, before[subjectOf(e)]))
		default:
			out = append(out, line{l.Text, l.At, l.Of, len(l.Of)})
		}
	}
	out = append(out, alike(single)...)
	slices.SortStableFunc(out, func(a, b line) int {
		return cmp.Or(boolean(a.of[0].Kind.Ends())-boolean(b.of[0].Kind.Ends()), weight(d.in.Known.Severity(&b.of[0]))-weight(d.in.Known.Severity(&a.of[0])), a.at.Compare(b.at))
	})
	if folded > 0 {
		out[0].events += folded
	}
	return out
}

func boolean(b bool) int {
	if b {
		return 1
	}
	return 0
}

func weight(s inventory.Severity) int { return slices.Index(inventory.Severities(), s) }

// lately are the events that are said, and how many more there were of a thing before: of
// one to which much happened only the last is said.
func (d *decision) lately() (out []inventory.Event, before map[string]int) {
	total, seen := map[string]int{}, map[string]int{}
	for i := range d.told {
		total[subjectOf(&d.told[i].Event)]++
	}
	before = map[string]int{}
	for i := range d.told {
		e := d.told[i].Event
		name := subjectOf(&e)
		if seen[name]++; total[name] > apart && seen[name] < total[name] {
			before[name]++
			continue
		}
		out = append(out, e)
	}
	return out, before
}

// line says one event, with who falls with it.
func (d *decision) line(e *inventory.Event, before int) line {
	text := contextfile.EventText(e)
	if before > 0 {
		text += fmt.Sprintf(", and %d before that", before)
	}
	partly := e.Kind == inventory.SourcePartial || e.Kind == inventory.SourceWhole // of whom nobody knows
	if with := d.in.Known.Falling(e); len(with) > 0 && e.Severity() != inventory.SeverityInfo && !partly {
		noun := "guests"
		if len(with) == 1 {
			noun = "guest"
		}
		text += fmt.Sprintf("; %d %s with it: %s", len(with), noun, names(with))
	}
	return line{text, e.At, []inventory.Event{*e}, 1 + before}
}

func names(guests []api.Guest) string {
	var out []string
	for _, g := range guests[:min(len(guests), mostNames)] {
		name, _ := contextfile.SafeAddress(g.Address, g.Identity)
		out = append(out, name)
	}
	text := strings.Join(out, ", ")
	if more := len(guests) - len(out); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// alike says in one line what happened to several things in the same words.
func alike(lines []line) (out []line) {
	group := map[string][]line{}
	key := func(l *line) (name, rest string) {
		name, rest, ok := strings.Cut(strings.TrimPrefix(l.text, "`"), "`")
		if !ok || !strings.HasPrefix(l.text, "`") || rest == "" {
			return "", l.text + l.of[0].Identity + string(l.of[0].Kind) // not said of a name: by itself
		}
		return name, rest
	}
	var order []string
	for i := range lines {
		_, rest := key(&lines[i])
		if group[rest] == nil {
			order = append(order, rest)
		}
		group[rest] = append(group[rest], lines[i])
	}
	for _, rest := range order {
		members := group[rest]
		if len(members) < groupFrom {
			out = append(out, members...)
			continue
		}
		sum := line{at: members[0].at}
		var all []string
		for i := range members {
			name, _ := key(&members[i])
			all, sum.events, sum.of = append(all, name), sum.events+members[i].events, append(sum.of, members[i].of...)
		}
		shown := all[:min(len(all), mostNames)]
		sum.text = fmt.Sprintf("%d%s: %s", len(all), rest, strings.Join(shown, ", "))
		if more := len(all) - len(shown); more > 0 {
			sum.text += fmt.Sprintf(" and %d more", more)
		}
		out = append(out, sum)
	}
	return out
}

// A writer gathers the lines of a message that fit, and counts the others.
type writer struct {
	lines  []string
	length int
	all    int            // lines, those that do not fit with them
	more   map[string]int // what does not fit, by what it is
}

func (w *writer) add(text, what string, events int) {
	text = plain(text)
	w.all++
	if len(w.lines) > 0 && (len(w.lines) >= mostLines || w.length+len(text) > mostText || w.more != nil) {
		if w.more == nil {
			w.more = map[string]int{}
		}
		w.more[what] += events
		return
	}
	text = cut(text, mostText)
	w.lines, w.length = append(w.lines, text), w.length+len(text)+1
}

func (w *writer) text() string {
	text := strings.Join(w.lines, "\n")
	var more []string
	for _, what := range slices.Sorted(maps.Keys(w.more)) {
		more = append(more, fmt.Sprintf("%d %s", w.more[what], what))
	}
	if len(more) > 0 {
		text += "\nAnd beside: " + strings.Join(more, ", ") + "; recon history shows them."
	}
	return text
}

func (w *writer) title() string {
	first := cut("recon: "+w.lines[0], titleText)
	if w.all > 1 {
		first += fmt.Sprintf(" (and %d more)", w.all-1)
	}
	return first
}

// cut shortens a text to so many bytes. A title stands in a header of a mail, which holds
// plain letters only; so do names.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n-3], "") + "..."
}

// plain makes one line of text in which no service finds anything to act on: no mention,
// no markup, nothing that is not seen.
func plain(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '`' || !unicode.IsPrint(r):
			return -1
		case r > unicode.MaxASCII:
			return '?'
		}
		return r
	}, s)
	return strings.ReplaceAll(s, "@", " at ")
}
