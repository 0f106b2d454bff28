// Package daemon runs a project's schedules until it is told to stop. It is a thin
// view of api: a schedule's action is the same cycle that a command runs.
//
// A run that is due while the same schedule still runs is skipped; runs of
// different schedules wait for each other. When manifests change they are loaded
// anew; as long as they have a mistake, the last good ones stay in force. The
// project's lock is held by each run for its write phase, never by the daemon.
package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"recon/cmd/recon/internal/api"
	"recon/inventory"
	"recon/inventory/factcheck"

	"github.com/robfig/cron/v3"
)

// Options say what the daemon works on and who hears of it.
type Options struct {
	Live   *api.Live
	Source *api.Puller   // nil: nobody but people change the manifests
	Poll   time.Duration // how often manifests are looked at; 0 means 2 s
	Grace  time.Duration // how long a run may go on after the daemon is told to stop; 0 means 1 s
	Tell   func(Notice)
	Look   bool   // somebody watches: look at the home at once, without writing anything
	Beat   func() // called as long as the daemon works; nil: nobody listens

	// After is called when a run has ended and every now and then, one call at a time.
	// No run waits for it. nil: nobody wants to know.
	After func(context.Context)
}

// afterwards is how often After is called without a run.
const afterwards = 30 * time.Second

// A Notice is something that happened.
type Notice struct {
	Schedule string
	Action   string              // of a run that ended, "" of anything else
	Cycle    *api.Cycle          // a run that ended
	Facts    *api.FactCheck      // a check of documents that ended
	New      []factcheck.Finding // what it found that the check before did not
	Doctor   []inventory.Finding // what the doctor found that he did not find before
	Found    *api.Diagnosis      // an examination by the doctor that ended
	Applied  *api.Applied        // what was approved, and was carried out
	Summary  string              // how a run came out, in a line
	Code     int                 // and as an exit code
	Text     string              // anything else
	Err      error
	Next     time.Time
}

// Run runs the schedules until ctx ends, and then waits for what is under way.
func Run(ctx context.Context, o Options) error {
	if o.Poll == 0 {
		o.Poll = 2 * time.Second
	}
	if o.Grace == 0 {
		o.Grace = time.Second
	}
	if api.Shared(o.Live.Home) {
		return inTurn(ctx, o)
	}
	return work(ctx, o)
}

// work runs the schedules until ctx ends, as the one daemon that does.
func work(ctx context.Context, o Options) error {
	d := &daemon{Options: o, home: o.Live.Home, due: make(chan job, 1), ended: make(chan job), told: make(chan struct{}, 1), stirred: make(chan job)}
	if len(d.home.Project().Schedules) == 0 {
		return &api.Failure{Code: api.ExitError, Err: errors.New("the manifests have no schedule"), Hint: `add one: schedule "drift" { cron = "*/15 * * * *", action = "drift" }`}
	}
	dealt, err := api.Dealt(ctx, d.home)
	if err != nil {
		return err
	}
	work, kill := context.WithCancel(context.WithoutCancel(ctx))
	defer kill()
	d.work, d.dealt = work, dealt
	d.start(ctx)
	d.resume(ctx)
	if o.Look {
		if p, err := api.RememberedPicture(ctx, d.home); err == nil {
			d.Live.Show(p)
		}
		d.waiting = append(d.waiting, job{action: look})
	}
	var aside sync.WaitGroup
	defer aside.Wait()
	aside.Go(func() { d.after(ctx) })
	if d.Source != nil {
		aside.Go(func() { d.keepUp(ctx, d.Source.Pull) })
	}
	go d.runs()
	defer close(d.due)
	d.loop(ctx)
	d.unwatch()
	d.stop(kill)
	return nil
}

// look is the action of a daemon that begins, and that somebody watches.
const look = "look"

// carryOut is the action of a daemon that was told that something was approved.
const carryOut = "approved"

// A job is a run that is to be made.
type job struct {
	schedule string // "" for one that was asked for
	action   string

	manifests uint64    // that were in force when it began
	next      time.Time // when it is to be made once more, before its schedule says so
	again     bool      // they changed while it ran, and it failed for that: it is to be made anew
}

// A daemon is one loop, which alone says what is run when, and one worker.
type daemon struct {
	Options
	home *api.Home
	work context.Context // of the runs; outlives the daemon's by the grace

	tables  []timetable
	actions map[string]string    // of the schedules
	dealt   map[string]time.Time // up to when each schedule is dealt with
	waiting []job
	later   job // is due at its next
	busy    job
	running bool
	seen    uint64 // the manifests that are in force, or were refused

	news    atomic.Bool        // a commit has come into force that a run is to be made for
	unwatch context.CancelFunc // ends the watches of the manifests in force
	stirred chan job           // what happened in a cluster that is watched

	due   chan job
	ended chan job
	told  chan struct{} // holds something when a run has ended that After was not called for

	known  map[string]bool // what the last check of documents found
	doctor map[string]bool // what the doctor found last
}

// loop runs until ctx ends. Manifests are replaced between runs, and before the next one
// begins.
func (d *daemon) loop(ctx context.Context) {
	d.seen = d.home.Loaded()
	manifests, clock := time.NewTicker(d.Poll), time.NewTimer(0)
	defer manifests.Stop()
	defer clock.Stop()
	changed := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-manifests.C:
			changed = d.home.Fingerprint() != d.seen
		case <-clock.C:
			d.line(d.home.Now())
			clock.Reset(tick)
		case action := <-d.Live.Asked():
			d.waiting = append([]job{{action: action}}, d.waiting...)
		case <-d.Live.Approved():
			d.waiting = append([]job{{action: carryOut}}, d.waiting...)
		case j := <-d.stirred:
			if !slices.Contains(d.waiting, j) { // one that goes on may have looked before it happened
				d.waiting = append(d.waiting, j)
			}
		case j := <-d.ended:
			d.running = false
			d.over(j)
			changed = changed || j.action == advance && d.home.Fingerprint() != d.seen
			if !j.next.IsZero() {
				d.later = j
			}
			if j.again {
				changed = true
				d.waiting = append([]job{{schedule: j.schedule, action: j.action}}, d.waiting...)
			}
		}
		if d.Beat != nil {
			d.Beat()
		}
		if d.running {
			continue
		}
		if changed {
			d.reload(ctx)
			changed = false
		}
		if d.news.CompareAndSwap(true, false) {
			d.waiting = append(d.waiting, job{schedule: d.sourceName(), action: d.afterCommit()})
		}
		d.next()
	}
}

// tick is how often the clock is looked at. A machine that slept, or whose clock was set,
// is noticed by that too.
const tick = 250 * time.Millisecond

// start reads the schedules and watches of the project.
func (d *daemon) start(ctx context.Context) {
	if d.unwatch != nil {
		d.unwatch()
	}
	ctx, d.unwatch = context.WithCancel(ctx)
	d.watch(ctx)
	before := d.actions
	d.tables, d.actions = nil, map[string]string{}
	now := d.home.Now()
	for _, s := range d.home.Project().Schedules {
		spec, err := cron.ParseStandard(s.Cron)
		if err != nil {
			panic(err) // the manifests were checked
		}
		if spec, ok := spec.(*cron.SpecSchedule); ok {
			spec.Location = s.Location
		}
		t := timetable{spec: spec, in: s.Location, jitter: s.Jitter, catchUp: s.CatchUp, name: s.Name}
		if d.dealt[s.Name].IsZero() {
			d.dealt[s.Name] = now
		}
		d.tables, d.actions[s.Name] = append(d.tables, t), s.Action
		d.Tell(Notice{Schedule: s.Name, Text: fmt.Sprintf("%s, %s", s.Action, s.Cron), Next: t.next(now).In(s.Location)})
	}
	d.keep(before)
	d.announce()
}

// keep leaves in line what was in line before other manifests came into force: what was asked
// for, and what is due, as its schedule is now. A schedule that is gone runs no more.
func (d *daemon) keep(before map[string]string) {
	gone := func(j job) bool { return before[j.schedule] != "" && d.actions[j.schedule] == "" }
	for _, j := range d.waiting {
		if gone(j) {
			d.over(j)
		}
	}
	d.waiting = slices.DeleteFunc(d.waiting, gone)
	if gone(d.later) {
		d.later = job{}
	}
	for i := range d.waiting {
		j := &d.waiting[i]
		j.action = cmp.Or(d.actions[j.schedule], j.action)
	}
}

// announce says what is due when.
func (d *daemon) announce() {
	var all []api.Upcoming
	for i, s := range d.home.Project().Schedules {
		all = append(all, api.Upcoming{Schedule: s.Name, Action: s.Action, Cron: s.Cron, Next: d.tables[i].next(d.dealt[s.Name])})
	}
	d.Live.Schedule(all)
}

// line puts what is due in line. What is due while the same schedule runs, or waits, is
// skipped.
func (d *daemon) line(now time.Time) {
	for i := range d.tables {
		t := &d.tables[i]
		run, dealt := t.due(d.dealt[t.name], now)
		if dealt.Equal(d.dealt[t.name]) {
			continue
		}
		d.dealt[t.name] = dealt
		err := api.Deal(d.work, d.home, t.name, dealt, run)
		if err != nil {
			d.Tell(Notice{Schedule: t.name, Text: "what is due next cannot be remembered", Err: err})
		}
		switch {
		case !run || api.LeadLost(err): // whoever leads makes it
		case d.running && d.busy.schedule == t.name:
			d.Tell(Notice{Schedule: t.name, Text: "skipped: the last run still goes on"})
		case !d.inLine(t.name):
			d.waiting = append(d.waiting, job{schedule: t.name, action: d.actions[t.name]})
		}
		d.announce()
	}
	if l := d.later; !l.next.IsZero() && !now.Before(l.next) && !d.inLine(l.schedule) {
		d.waiting = append(d.waiting, job{schedule: l.schedule, action: l.action})
		d.later = job{}
	}
}

// resume puts what was begun and is not known to have ended in line, once.
func (d *daemon) resume(ctx context.Context) {
	begun, err := api.Unended(ctx, d.home)
	if err != nil {
		d.Tell(Notice{Text: "what was begun before cannot be told", Err: err})
	}
	for _, schedule := range begun {
		d.over(job{schedule: schedule})
		if action := d.actions[schedule]; action != "" {
			d.Tell(Notice{Schedule: schedule, Text: "its last run did not come to an end; it is made anew"})
			d.waiting = append(d.waiting, job{schedule: schedule, action: action})
		}
	}
}

// over remembers that a run has ended, and is not to be made anew.
func (d *daemon) over(j job) {
	if j.schedule == "" || j.again {
		return
	}
	if err := api.Ended(d.work, d.home, j.schedule); err != nil && d.work.Err() == nil {
		d.Tell(Notice{Schedule: j.schedule, Text: "that a run has ended cannot be remembered", Err: err})
	}
}

func (d *daemon) inLine(schedule string) bool {
	for _, j := range d.waiting {
		if j.schedule == schedule {
			return true
		}
	}
	return false
}

// next gives the worker what is first in line.
func (d *daemon) next() {
	if len(d.waiting) == 0 {
		return
	}
	d.busy, d.waiting, d.running = d.waiting[0], d.waiting[1:], true
	d.busy.manifests = d.seen
	d.due <- d.busy
}

// waits shows what waits for somebody.
func (d *daemon) waits() (w api.Waits) {
	w, err := api.Waiting(d.work, d.home)
	if err != nil {
		d.Tell(Notice{Text: "what waits for a decision cannot be read", Err: err})
		return w
	}
	d.Live.ShowWaits(w)
	return w
}

// elsewhere has carried out what was approved where nobody tells this daemon: on the page of
// one that waits, or at a shell that was ended too early.
func (d *daemon) elsewhere() {
	if w := d.waits(); w.Freeze == nil && slices.ContainsFunc(w.Proposals, func(p api.Proposal) bool { return p.Approved() }) {
		d.Live.Approve()
	}
}

// after calls After beside the runs, until ctx ends.
func (d *daemon) after(ctx context.Context) {
	if d.After == nil {
		return
	}
	tick := time.NewTicker(afterwards)
	defer tick.Stop()
	for {
		d.After(ctx)
		select {
		case <-ctx.Done():
			return
		case <-d.told:
		case <-tick.C:
			d.elsewhere()
		}
	}
}

// reload puts changed manifests in force, when they can be used.
func (d *daemon) reload(ctx context.Context) {
	d.seen = d.home.Fingerprint()
	if err := d.home.Reload(); err != nil {
		d.Live.Trouble(d.home.Secrets.Text(err.Error()))
		d.Tell(Notice{Text: "the manifests have changed and cannot be used; the last good ones stay in force", Err: err})
		return
	}
	d.Live.Trouble("")
	d.Tell(Notice{Text: "the manifests have changed and are in force"})
	d.start(ctx)
}

// stop starts nothing more and waits for the run under way, as long as the grace
// lasts.
func (d *daemon) stop(kill context.CancelFunc) {
	if !d.running {
		return
	}
	select {
	case j := <-d.ended:
		d.over(j)
	case <-time.After(d.Grace):
		kill()
		select {
		case <-d.ended:
		case <-time.After(d.Grace / 2): // it was told, and does not end
		}
	}
}
