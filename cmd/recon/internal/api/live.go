package api

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"
	"time"

	"recon/inventory"
	"recon/inventory/factcheck"
	"recon/manifests"
	"recon/providers"
)

// A Live is a home that a daemon looks at again and again. The daemon says what it does
// and finds; views read it, and never wait for a run.
type Live struct {
	Home *Home

	mu       sync.Mutex
	began    int64 // what tells this process from the one before
	updates  int
	changed  chan struct{} // closed when something changes, and replaced
	picture  *Picture
	facts    []factcheck.Finding // what the last check of documents found
	factsAt  time.Time
	doctor   []inventory.Finding
	doctorAt time.Time
	runs     []RunRecord // the newest first
	going    *RunRecord
	upcoming []Upcoming
	problem  string
	followed Followed
	pull     chan struct{}
	asked    chan string
	waitsFor string // who works while this daemon waits, "" when it does
	approved chan struct{}
	waits    Waits
	totals   map[string]Total
}

// A RunRecord is a run that ended, or goes on.
type RunRecord struct {
	Schedule string    `json:"schedule"` // "" for one that was asked for
	Action   string    `json:"action"`
	Started  time.Time `json:"started_at"`
	Ended    time.Time `json:"ended_at"` // zero while it goes on
	Code     int       `json:"exit_code"`
	Commit   string    `json:"commit"` // that the manifests were of, "" when they follow no repository
	Summary  string    `json:"summary"`
	Error    string    `json:"error"`
	Events   int       `json:"events"`
}

// An Upcoming is a schedule and when it is due next.
type Upcoming struct {
	Schedule string    `json:"schedule"`
	Action   string    `json:"action"`
	Cron     string    `json:"cron"`
	Next     time.Time `json:"next_due"`
}

// A Total counts the runs of an action.
type Total struct {
	Runs    int
	Failed  int
	Seconds float64
	Last    time.Time
}

// keptRuns is how many runs a Live remembers.
const keptRuns = 200

// A Call is a kind of request to a source.
type Call = providers.Call

// NewLive begins to follow a home.
func NewLive(h *Home) *Live {
	h.Tally = cmp.Or(h.Tally, &providers.Tally{})
	return &Live{Home: h, began: time.Now().UnixNano(), changed: make(chan struct{}), asked: make(chan string, 1), approved: make(chan struct{}, 1), pull: make(chan struct{}, 1), totals: map[string]Total{}}
}

// A LiveState is what a Live knows at one moment.
type LiveState struct {
	Picture  *Picture // nil: nothing was looked at yet
	Facts    []factcheck.Finding
	FactsAt  time.Time // zero: the documents were not checked yet
	Doctor   []inventory.Finding
	DoctorAt time.Time
	Runs     []RunRecord
	Going    *RunRecord
	Upcoming []Upcoming
	Waits    Waits
	WaitsFor string // who works while this daemon waits, "" when it does
	Problem  string // why changed manifests are not in force, "" when they are
	Followed Followed
	Totals   map[string]Total
	Calls    map[Call]int    // to sources
	Version  string          // another one whenever any of it is another, in any process
	Changed  <-chan struct{} // closed when any of it is no longer so
}

// State is one consistent picture of everything.
func (l *Live) State() LiveState {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := LiveState{
		Picture: l.picture, Facts: l.facts, FactsAt: l.factsAt, Doctor: l.doctor, DoctorAt: l.doctorAt,
		Runs: slices.Clone(l.runs), Upcoming: l.upcoming, Waits: l.waits, Problem: l.problem, WaitsFor: l.waitsFor, Followed: l.followed, Changed: l.changed,
		Totals: maps.Clone(l.totals), Calls: l.Home.Tally.Sum(), Version: fmt.Sprintf("%x-%d", l.began, l.updates),
	}
	if l.going != nil {
		going := *l.going
		s.Going = &going
	}
	return s
}

// update changes something, and tells whoever waits.
func (l *Live) update(change func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change()
	l.updates++
	close(l.changed)
	l.changed = make(chan struct{})
}

// Show has views show another picture.
func (l *Live) Show(p *Picture) {
	l.update(func() { l.picture = p })
}

// ShowFacts has views show what a check of documents found.
func (l *Live) ShowFacts(found []factcheck.Finding, at time.Time) {
	l.update(func() { l.facts, l.factsAt = found, at })
}

// ShowDoctor has views show what the doctor found.
func (l *Live) ShowDoctor(found []inventory.Finding, at time.Time) {
	l.update(func() { l.doctor, l.doctorAt = found, at })
}

// Stand says who works while this daemon waits, "" when it does.
func (l *Live) Stand(other string) { l.update(func() { l.waitsFor = other }) }

// Schedule says what is due when.
func (l *Live) Schedule(all []Upcoming) { l.update(func() { l.upcoming = all }) }

// Trouble says why changed manifests are not in force, "" when they are.
func (l *Live) Trouble(problem string) { l.update(func() { l.problem = problem }) }

// Follow says how the project stands to its repository.
func (l *Live) Follow(f Followed) { l.update(func() { l.followed = f }) }

// Pull asks that the repository be asked now. Many that ask at once are one.
func (l *Live) Pull() {
	select {
	case l.pull <- struct{}{}:
	default:
	}
}

// Pulls gives to the daemon what is asked by Pull.
func (l *Live) Pulls() <-chan struct{} { return l.pull }

// ShowWaits has views show what waits for somebody.
func (l *Live) ShowWaits(w Waits) {
	l.mu.Lock()
	same := reflect.DeepEqual(l.waits, w)
	l.mu.Unlock()
	if !same {
		l.update(func() { l.waits = w })
	}
}

// Approve tells the daemon that something was approved.
func (l *Live) Approve() {
	select {
	case l.approved <- struct{}{}:
	default: // it was told, and has not looked yet
	}
}

// Approved tells the daemon to carry out what was approved.
func (l *Live) Approved() <-chan struct{} { return l.approved }

// Begin notes a run that begins.
func (l *Live) Begin(r RunRecord) { l.update(func() { l.going = &r }) }

// End notes how it ended.
func (l *Live) End(r RunRecord) {
	l.update(func() {
		l.going = nil
		l.runs = slices.Insert(l.runs, 0, r)
		l.runs = l.runs[:min(len(l.runs), keptRuns)]
		t := l.totals[r.Action]
		t.Runs++
		if r.Error != "" {
			t.Failed++
		}
		t.Seconds += r.Ended.Sub(r.Started).Seconds()
		t.Last = r.Ended
		l.totals[r.Action] = t
	})
}

// Ask asks for a run of an action now. One that is asked for while another one waits
// already is refused.
func (l *Live) Ask(action string) error {
	if !slices.Contains(manifests.Actions(), action) {
		return &Failure{Code: ExitUsage, Err: fmt.Errorf("there is no action %q", action)}
	}
	if other := l.State().WaitsFor; other != "" {
		return Refuse("ask that one", "another daemon works: %s", other)
	}
	select {
	case l.asked <- action:
		return nil
	default:
		return Refuse("wait until it has begun", "a run was asked for already")
	}
}

// Asked gives what is asked for to the daemon.
func (l *Live) Asked() <-chan string { return l.asked }
