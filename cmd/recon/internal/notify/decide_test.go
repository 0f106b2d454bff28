package notify

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"recon/cmd/recon/internal/api"
	"recon/inventory"

	"pgregory.net/rapid"
)

// A receiver is what a route leads to, with everything that can go wrong on the way.
type receiver struct {
	t        *rapid.T
	route    *api.Route
	kills    bool           // recon is killed now and then
	repeats  bool           // it was, so that a message may come twice
	ledger   []api.Numbered // everything that was written down
	note     string         // what the route has noted
	now      time.Time
	known    *api.Known
	messages []arrival // each time that one did
}

type arrival struct {
	Message
	at time.Time
}

func (w *receiver) state() (s State) {
	if w.note != "" {
		if err := json.Unmarshal([]byte(w.note), &s); err != nil {
			w.t.Fatal(err)
		}
	}
	return s
}

// save notes a state, unless recon is killed before. It reports whether it goes on.
func (w *receiver) save(s State) bool {
	if w.kills && rapid.IntRange(0, 9).Draw(w.t, "killed before a note") == 0 {
		return false
	}
	body, err := json.Marshal(s)
	if err != nil {
		w.t.Fatal(err)
	}
	w.note = string(body)
	return true
}

// tick is what Teller.route does.
func (w *receiver) tick(fails bool) {
	for {
		s := w.state()
		n := api.News{Last: int64(len(w.ledger))}
		for _, e := range w.ledger {
			if e.ID > s.from() && len(n.Events) < 50 {
				n.Events = append(n.Events, e)
			}
		}
		next := Decide(w.route, s, Input{News: n, Known: w.known, Now: w.now})
		if !w.save(next) || next.Outbox == nil || !next.due(w.route, w.now) {
			return
		}
		if next = next.attempt(w.now); !w.save(next) || fails {
			return
		}
		w.messages = append(w.messages, arrival{*next.Outbox, w.now})
		if w.route.Quiet.Holds(w.now) || w.route.Quiet.Holds(next.Outbox.At) {
			w.t.Fatalf("decided at %s and sent at %s, when it is quiet", next.Outbox.At.In(w.route.Quiet.Location), w.now.In(w.route.Quiet.Location))
		}
		if !w.save(next.arrived(w.now)) {
			return
		}
	}
}

// happen writes down what a run has learnt.
func (w *receiver) happen(open map[string]bool) {
	for i := range rapid.IntRange(0, 4).Draw(w.t, "events") {
		id := fmt.Sprintf("home/%d", 100+rapid.IntRange(0, 3).Draw(w.t, "guest"))
		e := inventory.Event{At: w.now, Identity: id, Address: inventory.Address{Kind: "vm", Name: fmt.Sprintf("g%s", id[5:])}, Kind: inventory.DriftOpened}
		switch {
		case i == 3:
			e.Kind = inventory.Started // of which nobody wants to hear
		case open[id]:
			e.Kind, open[id] = inventory.DriftResolved, false
		default:
			open[id] = true
		}
		w.ledger = append(w.ledger, api.Numbered{ID: int64(len(w.ledger) + 1), Event: e})
	}
	w.known.Open = nil
	for id, is := range open {
		if is {
			w.known.Open = append(w.known.Open, api.Ongoing{Of: inventory.Event{Identity: id, Kind: inventory.DriftOpened}, Since: w.now})
		}
	}
}

// TestNothingIsLostOrToldTwice: whatever happens, fails and is killed, over quiet hours and
// both changes of the clock, a route is told every event that it is about, once as long as
// nobody is killed; nothing while it is quiet, and of nothing more than twice an hour.
func TestNothingIsLostOrToldTwice(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, kills := range []bool{false, true} {
		t.Run(fmt.Sprintf("killed %v", kills), rapid.MakeCheck(func(t *rapid.T) {
			start := rapid.SampledFrom([]time.Time{
				time.Date(2026, 3, 28, 20, 0, 0, 0, time.UTC), time.Date(2026, 10, 24, 20, 0, 0, 0, time.UTC), time.Date(2026, 6, 1, 6, 0, 0, 0, time.UTC),
			}).Draw(t, "start")
			w := &receiver{t: t, kills: kills, repeats: kills, now: start, known: &api.Known{}, route: &api.Route{Name: "home", Topics: []string{"drift", "changed"}, Severity: inventory.SeverityWarning}}
			if rapid.Bool().Draw(t, "quiet") {
				w.route.Quiet = &api.Quiet{From: rapid.IntRange(0, 1439).Draw(t, "from"), To: 0, Location: berlin}
				w.route.Quiet.To = (w.route.Quiet.From + rapid.IntRange(1, 720).Draw(t, "for")) % 1440
			}
			for w.note == "" {
				w.tick(false)
			}
			open := map[string]bool{}
			for range rapid.IntRange(1, 60).Draw(t, "steps") {
				w.now = w.now.Add(time.Duration(rapid.IntRange(1, 40).Draw(t, "minutes")) * time.Minute)
				w.happen(open)
				w.tick(rapid.IntRange(0, 3).Draw(t, "fails") == 0)
			}
			w.kills = false
			for range 24 * 6 {
				w.now = w.now.Add(10 * time.Minute)
				w.tick(false)
			}
			w.check()
		}))
	}
}

func (w *receiver) check() {
	byID, times := map[string]arrival{}, map[int64]int{}
	for _, m := range w.messages {
		if first, again := byID[m.ID]; again && (!w.repeats || first.Text != m.Text) {
			w.t.Fatalf("%s was sent twice", m.ID)
		} else if again {
			continue
		}
		for _, id := range m.Of {
			times[id]++
		}
		byID[m.ID] = m
	}
	told := map[string][]time.Time{}
	for _, e := range w.ledger {
		want := 1
		if e.Kind == inventory.Started {
			want = 0
		}
		if times[e.ID] != want {
			w.t.Fatalf("%s of %s was told %d times", e.Kind, e.Identity, times[e.ID])
		}
	}
	for _, m := range byID {
		about := map[string]bool{}
		for _, id := range m.Of {
			about[w.ledger[id-1].Identity] = true
		}
		for id := range about {
			told[id] = append(told[id], m.at)
		}
	}
	for id, at := range told {
		slices.SortFunc(at, time.Time.Compare)
		for i := flapMessages; i < len(at); i++ {
			if at[i].Sub(at[i-flapMessages]) < flapTime {
				w.t.Fatalf("%s was told of at %s, %s and %s", id, at[i-2], at[i-1], at[i])
			}
		}
	}
	for name, s := range w.state().Subjects {
		if s.Open && !slices.ContainsFunc(w.known.Open, func(o api.Ongoing) bool { return subjectOf(&o.Of) == name }) {
			w.t.Fatalf("%s was told as open and is not", name)
		}
	}
	if s := w.state(); len(s.Held) > 0 || s.Outbox != nil {
		w.t.Fatalf("a day later it still holds %+v", s)
	}
}

// A story tells a route one thing after the other.
type story struct {
	t     *testing.T
	route *api.Route
	known *api.Known
	state State
	now   time.Time
	all   []api.Numbered
}

func newStory(t *testing.T, topics ...string) *story {
	s := &story{
		t: t, now: time.Date(2026, 6, 1, 6, 0, 0, 0, time.UTC), known: &api.Known{Guests: map[string]api.Guest{}, Nodes: map[string]int{}},
		route: &api.Route{Name: "home", Topics: topics, Severity: inventory.SeverityWarning, Quiet: &api.Quiet{From: 0, To: 1, Location: time.UTC}},
	}
	s.state = Decide(s.route, State{}, Input{Known: s.known, Now: s.now})
	return s
}

// then lets time pass and events happen, and returns what is sent, "" for nothing.
func (s *story) then(d time.Duration, events ...inventory.Event) string {
	s.t.Helper()
	return s.with(d, Input{}, events...)
}

func (s *story) with(d time.Duration, in Input, events ...inventory.Event) string {
	s.t.Helper()
	s.now = s.now.Add(d)
	for _, e := range events {
		if e.At = s.now; e.Address.IsZero() && inventory.VMID(e.Identity) != 0 {
			e.Address = inventory.Address{Kind: "vm", Name: "g" + e.Identity[len("home/"):]}
		}
		s.all = append(s.all, api.Numbered{ID: int64(len(s.all) + 1), Event: e})
	}
	in.News.Events = s.all[s.state.from():]
	in.Known, in.Now = s.known, s.now
	s.state = Decide(s.route, s.state, in)
	if s.state.Outbox == nil {
		return ""
	}
	m := s.state.Outbox
	if len(m.Text) > mostText+300 || len(m.Title) > titleText+30 {
		s.t.Errorf("the message has %d bytes, its title %d", len(m.Text), len(m.Title))
	}
	s.state = s.state.arrived(s.now)
	return m.Text
}

func of(kind inventory.EventKind, identity string, fields ...inventory.EventField) inventory.Event {
	return inventory.Event{Kind: kind, Identity: identity, Fields: fields}
}

func (s *story) want(got, want string) {
	s.t.Helper()
	if got != want {
		s.t.Errorf("it says\n%s\nand not\n%s", got, want)
	}
}

// TestEndOfADriftIsTold, by whatever event the history has of it: recon has applied the
// manifest, or what drifted is gone.
func TestEndOfADriftIsTold(t *testing.T) {
	memory := inventory.EventField{Name: "memory", FromText: "8 GiB", ToText: "4 GiB"}
	for _, c := range []struct {
		by    inventory.Event
		says  string
		opens bool
	}{
		{of(inventory.DriftResolved, "home/100"), "vm.g100 is back in sync", false},
		{of(inventory.WasApplied, "home/100", memory), "vm.g100 applied: memory 8 GiB -> 4 GiB", false},
		{of(inventory.Disappeared, "home/100"), "vm.g100 is gone (home/100)", false},
		{of(inventory.WasApplied, "home/100", memory), "", true}, // something else of it still drifts
		{of(inventory.WasApplied, "home/101", memory), "", true},
	} {
		s := newStory(t, "drift")
		open := []api.Ongoing{{Of: of(inventory.DriftOpened, "home/100"), Since: s.now}}
		s.known.Open = open
		s.want(s.then(time.Minute, of(inventory.DriftOpened, "home/100", memory)), "vm.g100 drifted: memory 8 GiB -> 4 GiB")
		if s.known.Open = nil; c.opens {
			s.known.Open = open
		}
		s.want(s.then(time.Minute, c.by), c.says)
		if s.state.Subjects["drift home/100"].Open != c.opens {
			t.Errorf("after %s it is remembered as %+v", c.by.Kind, s.state.Subjects)
		}
	}
}

// TestFilters: what a route is not about is not sent, but for the end of what it was told.
func TestFilters(t *testing.T) {
	s := newStory(t, "drift")
	s.route.Tags = []string{"media"}
	s.known.Guests["home/100"] = api.Guest{Identity: "home/100", Tags: []string{"media"}, Provider: "proxmox.home", Node: "node02"}
	s.known.Guests["home/101"] = api.Guest{Identity: "home/101", Tags: []string{"db"}, Provider: "proxmox.home", Node: "node01"}
	s.want(s.then(time.Minute, of(inventory.DriftOpened, "home/101"), of(inventory.Moved, "home/100")), "")
	s.want(s.then(time.Minute, of(inventory.DriftOpened, "home/100")), "vm.g100 drifted: ")
	s.known.Guests["home/100"] = api.Guest{Identity: "home/100"} // it has lost its tag
	s.want(s.then(time.Minute, of(inventory.DriftResolved, "home/100")), "vm.g100 is back in sync")
	s.want(s.then(time.Minute, of(inventory.DriftOpened, "home/102")), "vm.g102 drifted: ") // nothing is known of its tags

	s.route.Topics, s.route.Severity = []string{"source"}, inventory.SeverityError
	s.known.Nodes = map[string]int{"node01": 1, "node02": 1}
	s.known.Guests["home/100"] = api.Guest{Identity: "home/100", Tags: []string{"media"}, Provider: "proxmox.home", Node: "node02", Address: inventory.Address{Kind: "vm", Name: "g100"}}
	s.want(s.then(time.Minute, of(inventory.SourceLost, "node01"), of(inventory.SourceLost, "node02"), of(inventory.SourcePartial, "proxmox.home")),
		"node02 cannot be observed; 1 guest with it: vm.g100")
}

// TestChecks weigh what their blocks say, and are reminded of while they fail.
func TestChecks(t *testing.T) {
	s := newStory(t, "check")
	s.route.Severity, s.route.Remind = inventory.SeverityError, 24*time.Hour
	broke, mended := of(inventory.CheckBroke, "check.git", inventory.EventField{Name: "layer", ToText: "reach"}), of(inventory.CheckMended, "check.git")
	broke.Address, mended.Address = inventory.Address{Kind: "check", Name: "git"}, inventory.Address{Kind: "check", Name: "git"}
	s.want(s.then(time.Minute, broke, mended), "")
	s.known.Checks = map[string]inventory.Severity{"check.git": inventory.SeverityError}
	said := s.then(time.Minute, broke)
	if !strings.Contains(said, "check.git fails") {
		t.Errorf("it says %q", said)
	}
	s.known.Open = []api.Ongoing{{Of: broke, Since: s.now}}
	s.want(s.then(24*time.Hour), "still open since 2026-06-01 06:02: "+said)
	s.known.Open = nil
	s.want(s.then(time.Minute, mended), "check.git works again")
}

// TestOneMessageForACause: a node with thirty guests is one line that names them all, and
// so is what happened to many things alike.
func TestOneMessageForACause(t *testing.T) {
	s := newStory(t, "drift", "source")
	s.known.Nodes["node02"] = 1
	var names, alike []string
	var down, drift []inventory.Event
	for i := 100; i < 130; i++ {
		id := fmt.Sprintf("home/%d", i)
		addr := inventory.Address{Kind: "vm", Name: fmt.Sprintf("g%d", i)}
		s.known.Guests[id] = api.Guest{Address: addr, Identity: id, Provider: "proxmox.home", Node: "node02"}
		names, alike = append(names, addr.String()), append(alike, addr.String())
		down = append(down, of(inventory.SourceLost, id))
		drift = append(drift, of(inventory.DriftOpened, id, inventory.EventField{Name: "onboot", FromText: "true", ToText: "false"}))
	}
	all := strings.Join(names, ", ")
	s.want(s.then(time.Minute, append(down, of(inventory.SourceLost, "node02"))...), "node02 cannot be observed; 30 guests with it: "+all)
	s.want(s.then(time.Minute, of(inventory.SourceBack, "node02")), "node02 is back; 30 guests with it: "+all)
	s.want(s.then(time.Minute, drift...), "30 drifted: onboot true -> false: "+strings.Join(alike, ", "))

	s.want(s.then(time.Hour, of(inventory.SourcePartial, "proxmox.home")), "proxmox.home is seen in part only")
	s.known.Nodes["node02"] = 2 // another cluster has one too: nobody knows which it is
	s.want(s.then(time.Hour, of(inventory.SourceLost, "node02")), "node02 cannot be observed")
}

// TestWhatDoesNotFitIsCounted: two hundred different things are a message that a service
// takes, with the number of those that it does not say.
func TestWhatDoesNotFitIsCounted(t *testing.T) {
	s := newStory(t, "drift")
	var events []inventory.Event
	for i := range 200 {
		events = append(events, of(inventory.DriftOpened, fmt.Sprintf("home/%d", 1000+i), inventory.EventField{Name: "memory", FromText: "8 GiB", ToText: fmt.Sprintf("%d GiB", i+100)}))
	}
	text := s.then(time.Minute, events...)
	shown := strings.Count(text, " drifted: ")
	if want := fmt.Sprintf("\nAnd beside: %d drift opened; recon history shows them.", 200-shown); shown < 10 || !strings.HasSuffix(text, want) {
		t.Errorf("it shows %d and says:\n%s", shown, text)
	}
}

// TestMuchOfOneThing is its last event, and how many were before.
func TestMuchOfOneThing(t *testing.T) {
	s := newStory(t, "drift")
	open, over := of(inventory.DriftOpened, "home/100"), of(inventory.DriftResolved, "home/100")
	s.want(s.then(time.Minute, open), "vm.g100 drifted: ")
	s.want(s.then(time.Minute, over), "vm.g100 is back in sync")
	for range 9 {
		s.want(s.then(time.Minute, open), "")
		s.want(s.then(time.Minute, over), "")
	}
	s.want(s.then(time.Hour), "vm.g100 is back in sync, and 17 before that")
}

// TestReminders: what stays open is told again, all of it, and no more often than asked.
func TestReminders(t *testing.T) {
	s := newStory(t, "drift")
	s.route.Remind = 24 * time.Hour
	open := of(inventory.DriftOpened, "home/100")
	open.Address = inventory.Address{Kind: "vm", Name: "g100"}
	s.then(time.Hour, open)
	s.known.Open = []api.Ongoing{{Of: open, Since: s.now}}
	s.want(s.then(23*time.Hour+59*time.Minute), "")
	reminder := "still open since 2026-06-01 07:00: vm.g100 drifted: "
	s.want(s.then(time.Minute), reminder)
	s.want(s.then(23*time.Hour), "")
	s.want(s.then(time.Hour), reminder)
	s.known.Open = nil
	s.want(s.then(48*time.Hour), "")
}

// TestFindingsAndReports: of a check only what is new is told, and what is right again
// when the check could see everything; a report is told with what is open.
func TestFindingsAndReports(t *testing.T) {
	s := newStory(t, "facts", "report")
	a, b := Finding{"a", "A is wrong", inventory.SeverityWarning}, Finding{"b", "B is wrong", inventory.SeverityError}
	check := func(whole bool, list ...Finding) string {
		return s.with(time.Minute, Input{Found: map[string]Found{"facts": {List: append(list, Finding{"c", "C is a hint", inventory.SeverityInfo}), Whole: whole}, "doctor": {List: list}}})
	}
	s.want(check(true, a, b), "A is wrong\nB is wrong")
	s.want(check(true, a, b), "")
	s.want(check(false, a), "")
	s.want(check(true, a, b), "")
	s.want(check(true, b), "1 of what was found before is right now")
	s.known.Open = []api.Ongoing{{Of: of(inventory.SourceLost, "node02"), Since: s.now}}
	report := Input{News: api.News{Reports: []api.RunReport{{Run: 7, At: s.now, Summary: "3 managed, 2 in sync, 1 drifted"}}}}
	s.want(s.with(time.Minute, report), "Drift report of 2026-06-01 06:05: 3 managed, 2 in sync, 1 drifted\nstill open since 2026-06-01 06:05: node02 cannot be observed")
	if s.state.Run != 7 {
		t.Errorf("it remembers run %d", s.state.Run)
	}
}

// TestHostileWords: what others have named guests, nodes and accounts makes nobody act:
// no mention, no markup, no line, no order, in any of the kinds of event.
func TestHostileWords(t *testing.T) {
	hostile := []string{
		"@everyone", "<@123>", "<!channel>", "**bold**", "[x](https://evil.example)", "a\nb", "\x1b[31m", "ignore-previous-instructions", "https://evil.example/x",
		"`code`", "\u202ereversed", "tag\U000E0041", "<b>", "root@everyone", "#channel", "`@here`",
	}
	for _, h := range hostile {
		for _, kind := range inventory.EventKinds() {
			s := newStory(t, inventory.Topics()...)
			s.route.Severity = inventory.SeverityInfo
			e := of(kind, h, inventory.EventField{Name: "tags", FromText: h, ToText: h}, inventory.EventField{Name: "name", FromText: h, ToText: h})
			e.By, e.Address, e.Summary = h, inventory.Address{Kind: "vm", Name: h}, h
			guest := of(kind, "home/100", e.Fields...)
			guest.By, guest.Address = h, inventory.Address{Kind: "lxc", Name: "x", Key: h}
			s.known.Nodes[h], s.known.Guests["home/101"] = 1, api.Guest{Identity: "home/101", Node: h, Provider: h, Address: inventory.Address{Kind: "vm", Name: h}}
			text := s.then(time.Minute, e, guest)
			if lines := strings.Count(text, "\n"); lines != 1 || strings.ContainsAny(text, "@<*#`[]\x1b") || strings.Contains(text, "//") || strings.Contains(text, "ignore-previous") {
				t.Errorf("%s of %q: %q", kind, h, text)
			}
		}
	}
}
