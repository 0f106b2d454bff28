package notify

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"recon/cmd/recon/internal/api"
	"recon/inventory"
)

// A State is what a route remembers. The zero value is that of a route that was never
// there: it tells what happens from now on.
type State struct {
	Begun    time.Time
	Cursor   int64               // every event up to this one is dealt with, or held
	Held     []int64             `json:",omitempty"` // events up to there that are still to be told
	Run      int64               // every report up to this run is dealt with
	Reminded time.Time           `json:",omitzero"`
	Subjects map[string]Subject  `json:",omitempty"` // of which something was told lately, or is told to be open
	Found    map[string][]string `json:",omitempty"` // digests of the findings that were told, by topic
	Outbox   *Message            `json:",omitempty"` // decided, and not known to have arrived
	Attempts int                 `json:",omitempty"` // to send it
	Next     time.Time           `json:",omitzero"`  // when to try again
}

// A Subject is what a route was told of one thing.
type Subject struct {
	Told []time.Time // the last messages about it
	Open bool        `json:",omitempty"` // it was told of as something that goes on
}

// An Input is what there is to tell, and what is known around it.
type Input struct {
	News  api.News
	Known *api.Known
	Found map[string]Found // of the last checks, by topic; none: not known
	Now   time.Time
}

// Found is what a check has found. One that could not see everything has not found that
// anything is right: it is not whole.
type Found struct {
	List  []Finding
	Whole bool
}

// A Finding is something that a check has found, as people may read it.
type Finding struct {
	Key, Text string
	Severity  inventory.Severity
}

// The limit for something that comes and goes: so many messages about it within the time.
// What comes on top waits, and is told together.
const (
	flapMessages = 2
	flapTime     = time.Hour
)

// from is the event after which there is something to read.
func (s *State) from() int64 {
	if len(s.Held) > 0 {
		return min(slices.Min(s.Held)-1, s.Cursor)
	}
	return s.Cursor
}

// due reports whether the message may be sent now.
func (s *State) due(r *api.Route, now time.Time) bool {
	return !r.Quiet.Holds(now) && !now.Before(s.Next)
}

// The pauses between attempts to send double, from the first to the longest.
const (
	firstPause   = time.Minute
	longestPause = time.Hour
)

// attempt is the state in which the message is being sent: if nobody says how that went,
// it is sent again after a pause.
func (s State) attempt(now time.Time) State {
	pause := longestPause
	if s.Attempts < 6 {
		pause = min(firstPause<<s.Attempts, longestPause)
	}
	s.Attempts, s.Next = s.Attempts+1, now.Add(pause)
	return s
}

// arrived is the state in which the message is gone. What it was about was told now, and
// not when it was decided.
func (s State) arrived(now time.Time) State {
	subjects := map[string]Subject{}
	for name, told := range s.Subjects {
		if last := len(told.Told) - 1; last >= 0 && told.Told[last].Equal(s.Outbox.At) {
			told.Told = append(slices.Clone(told.Told[:last]), now)
		}
		subjects[name] = told
	}
	s.Subjects, s.Outbox, s.Attempts, s.Next = subjects, nil, 0, time.Time{}
	return s
}

// Decide says what a route sends next, if anything, and what it remembers then. As long
// as a message waits, and while it is quiet, everything else waits where it is.
func Decide(r *api.Route, s State, in Input) State {
	if s.Begun.IsZero() {
		return State{Begun: in.Now, Cursor: in.News.Last, Run: in.News.LastRun}
	}
	if s.Outbox != nil || r.Quiet.Holds(in.Now) {
		return s
	}
	d := decision{route: r, old: s, in: in, subjects: map[string]Subject{}, next: s}
	d.remembered()
	d.events()
	d.findings()
	d.reports()
	d.reminders()
	d.forget()
	d.next.Subjects = d.subjects
	d.next.Outbox = d.message()
	return d.next
}

// A decision is one call of Decide.
type decision struct {
	route    *api.Route
	old      State
	in       Input
	next     State
	subjects map[string]Subject

	told     []api.Numbered // news for the message
	found    []Finding      // new ones
	right    int            // findings that are no more
	summary  []api.RunReport
	reminder []api.Ongoing
}

// subjectOf is the thing that an event is about, as far as coming and going goes.
func subjectOf(e *inventory.Event) string { return subject(e.Kind.Topic(), e) }

func subject(topic string, e *inventory.Event) string {
	return topic + " " + cmp.Or(e.Identity, e.Address.String())
}

// about is subjectOf for an event of the news. A drift that recon itself has ended, or that
// ended with what drifted, has no event of its own: what ended it is told in its place.
func (d *decision) about(e *inventory.Event) string {
	drift := subject("drift", e)
	if endsDrift(e.Kind) && d.subjects[drift].Open && !d.goesOn(drift) {
		return drift
	}
	return subjectOf(e)
}

func endsDrift(k inventory.EventKind) bool {
	return k.Topic() == "applied" || k == inventory.Healed || k == inventory.Disappeared
}

// goesOn reports whether something is open now.
func (d *decision) goesOn(name string) bool {
	return slices.ContainsFunc(d.in.Known.Open, func(o api.Ongoing) bool { return subjectOf(&o.Of) == name })
}

// remembered is what the route was told of each thing, within the time that counts.
func (d *decision) remembered() {
	for name, s := range d.old.Subjects {
		s.Told = slices.DeleteFunc(slices.Clone(s.Told), func(t time.Time) bool { return d.in.Now.Sub(t) >= flapTime })
		d.subjects[name] = s
	}
}

// forget drops what cannot matter any more.
func (d *decision) forget() {
	maps.DeleteFunc(d.subjects, func(name string, s Subject) bool { return len(s.Told) == 0 && (!s.Open || !d.goesOn(name)) })
}

// events decides about what happened: each subject is told whole, or waits whole.
func (d *decision) events() {
	of := map[string][]api.Numbered{}
	var order []string
	for _, e := range d.in.News.Events {
		held := slices.Contains(d.old.Held, e.ID)
		if e.ID <= d.old.Cursor && !held {
			continue
		}
		d.next.Cursor = max(d.next.Cursor, e.ID)
		if name := d.about(&e.Event); held || d.wanted(&e.Event, name) {
			if of[name] == nil {
				order = append(order, name)
			}
			of[name] = append(of[name], e)
		}
	}
	d.next.Held = nil
	for _, name := range order {
		if len(d.subjects[name].Told) >= flapMessages {
			for _, e := range of[name] {
				d.next.Held = append(d.next.Held, e.ID)
			}
			continue
		}
		d.tell(name, of[name])
	}
	slices.Sort(d.next.Held)
	slices.SortFunc(d.told, func(a, b api.Numbered) int { return cmp.Compare(a.ID, b.ID) })
}

// tell puts what happened to one thing into the message.
func (d *decision) tell(name string, events []api.Numbered) {
	s := d.subjects[name]
	s.Told = append(slices.Clone(s.Told), d.in.Now)
	for i := range events {
		switch kind := events[i].Kind; {
		case kind.Opens():
			s.Open = true
		case name != subjectOf(&events[i].Event), kind.Ends() && !partly(&events[i].Event):
			s.Open = false
		}
	}
	d.subjects[name] = s
	d.told = append(d.told, events...)
}

// partly reports fields that are back in sync, while others may not be.
func partly(e *inventory.Event) bool { return e.Kind == inventory.DriftResolved && len(e.Fields) > 0 }

// wanted reports whether the route is about an event of a subject. The end of what it was
// told is never left out.
func (d *decision) wanted(e *inventory.Event, name string) bool {
	if (e.Kind.Ends() || name != subjectOf(e)) && d.subjects[name].Open {
		return true
	}
	return slices.Contains(d.route.Topics, e.Kind.Topic()) && !d.in.Known.Severity(e).Below(d.route.Severity) && d.in.Known.Concerns(e, d.route.Tags)
}

// findings tells which findings are new, and how many are no more. They are about no guest
// that could have a tag.
func (d *decision) findings() {
	d.next.Found = maps.Clone(d.old.Found)
	if d.next.Found == nil {
		d.next.Found = map[string][]string{}
	}
	for _, topic := range slices.Sorted(maps.Keys(d.in.Found)) {
		if !slices.Contains(d.route.Topics, topic) {
			continue
		}
		old, found := d.old.Found[topic], d.in.Found[topic]
		var now []string
		for _, f := range found.List {
			if f.Severity.Below(d.route.Severity) {
				continue
			}
			if now = append(now, digestOf(f.Key)); !slices.Contains(old, digestOf(f.Key)) {
				d.found = append(d.found, f)
			}
		}
		gone := slices.DeleteFunc(slices.Clone(old), func(o string) bool { return slices.Contains(now, o) })
		if found.Whole {
			d.right += len(gone)
		} else {
			now = append(now, gone...)
		}
		d.next.Found[topic] = now
	}
}

// reports tells how the reports came out.
func (d *decision) reports() {
	for _, r := range d.in.News.Reports {
		if d.next.Run = max(d.next.Run, r.Run); slices.Contains(d.route.Topics, "report") {
			d.summary = append(d.summary, r)
		}
	}
}

// reminders tells what stays open, all of it when the time has come for one.
func (d *decision) reminders() {
	if d.route.Remind == 0 && len(d.summary) == 0 {
		return
	}
	report := len(d.summary) > 0
	due := report
	for _, o := range d.in.Known.Open {
		name := subjectOf(&o.Of)
		fresh := slices.ContainsFunc(d.told, func(e api.Numbered) bool { return subjectOf(&e.Event) == name })
		if fresh || !d.wanted(&o.Of, name) && (!report || !d.in.Known.Concerns(&o.Of, d.route.Tags)) {
			continue
		}
		d.reminder = append(d.reminder, o)
		last := latest(d.old.Begun, d.old.Reminded, o.Since)
		due = due || d.in.Now.Sub(last) >= d.route.Remind
	}
	if !due || len(d.reminder) == 0 {
		d.reminder = nil
		return
	}
	d.next.Reminded = d.in.Now
}

func latest(times ...time.Time) time.Time { return slices.MaxFunc(times, time.Time.Compare) }

// message is what all of that makes, nil when it is nothing.
func (d *decision) message() *Message {
	if len(d.told)+len(d.found)+d.right+len(d.summary)+len(d.reminder) == 0 {
		return nil
	}
	m := d.compose()
	for i := range d.told {
		m.Of = append(m.Of, d.told[i].ID)
	}
	m.ID = digestOf(d.route.Name, fmt.Sprint(m.Of), d.in.Now.UTC().Format(time.RFC3339Nano), m.Text)
	return m
}

func digestOf(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:6])
}
