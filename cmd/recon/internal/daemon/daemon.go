// Package daemon runs a project's schedules until it is told to stop. It is a thin
// view of api: a schedule's action is the same cycle that a command runs.
//
// A run that is due while the same schedule still runs is skipped; runs of
// different schedules wait for each other. When manifests change they are loaded
// anew; as long as they have a mistake, the last good ones stay in force. The
// project's lock is held by each run for its write phase, never by the daemon.
package daemon

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"recon/cmd/recon/internal/api"
	"recon/inventory/factcheck"

	"github.com/robfig/cron/v3"
)

// Options say what the daemon works on and who hears of it.
type Options struct {
	Home  *api.Home
	Poll  time.Duration // how often manifests are looked at; 0 means 2 s
	Grace time.Duration // how long a run may go on after the daemon is told to stop; 0 means 1 s
	Tell  func(Notice)

	// After is called when a run has ended and every now and then, one call at a time.
	// No run waits for it. nil: nobody wants to know.
	After func(context.Context)
}

// afterwards is how often After is called without a run.
const afterwards = 30 * time.Second

// A Notice is something that happened.
type Notice struct {
	Schedule string
	Cycle    *api.Cycle          // a run that ended
	Facts    *api.FactCheck      // a check of documents that ended
	New      []factcheck.Finding // what it found that the check before did not
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
	d := &daemon{Options: o, ended: make(chan struct{}, 1)}
	if len(o.Home.Project().Schedules) == 0 {
		return &api.Failure{Code: api.ExitError, Err: errors.New("the manifests have no schedule"), Hint: `add one: schedule "drift" { cron = "*/15 * * * *", action = "drift" }`}
	}
	work, kill := context.WithCancel(context.WithoutCancel(ctx))
	defer kill()
	d.work = work
	var aside sync.WaitGroup
	defer aside.Wait()
	aside.Go(func() { d.after(ctx) })
	d.start()
	seen := o.Home.Fingerprint()
	tick := time.NewTicker(o.Poll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			d.stop(kill)
			return nil
		case <-tick.C:
			// While a run goes on the manifests wait, and not the loop; and no other
			// run begins before them.
			now := o.Home.Fingerprint()
			d.changed.Store(now != seen)
			if now != seen && d.mu.TryLock() {
				seen = now
				d.reload()
				d.changed.Store(false)
				d.mu.Unlock()
			}
		}
	}
}

type daemon struct {
	Options
	work context.Context // of the runs; outlives the daemon's by the grace
	cron *cron.Cron
	mu   sync.Mutex // one run at a time, and none while manifests are replaced

	changed atomic.Bool // manifests have changed and are not in force yet

	ended chan struct{} // holds something when a run has ended that After was not called for

	known map[string]bool // what the last check of documents found
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
		case <-d.ended:
		case <-tick.C:
		}
	}
}

// start begins the schedules of the project.
func (d *daemon) start() {
	d.cron = cron.New()
	for _, s := range d.Home.Project().Schedules {
		schedule, err := cron.ParseStandard(s.Cron)
		if err != nil {
			panic(err) // the manifests were checked
		}
		if spec, ok := schedule.(*cron.SpecSchedule); ok {
			spec.Location = s.Location
		}
		job := cron.NewChain(d.skipIfRunning(s.Name)).Then(cron.FuncJob(func() { d.run(s) }))
		d.cron.Schedule(schedule, job)
		d.Tell(Notice{Schedule: s.Name, Text: fmt.Sprintf("%s, %s", s.Action, s.Cron), Next: schedule.Next(time.Now().In(s.Location))})
	}
	d.cron.Start()
}

// skipIfRunning drops a run that is due while the same schedule still runs.
func (d *daemon) skipIfRunning(name string) cron.JobWrapper {
	return func(j cron.Job) cron.Job {
		var running sync.Mutex
		return cron.FuncJob(func() {
			if !running.TryLock() {
				d.Tell(Notice{Schedule: name, Text: "skipped: the last run still goes on"})
				return
			}
			defer running.Unlock()
			j.Run()
		})
	}
}

// run runs one cycle of a schedule.
func (d *daemon) run(s api.Schedule) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.work.Err() != nil || d.changed.Load() {
		return
	}
	err := api.Caught(func() error {
		if s.Action == "facts" {
			d.facts(s)
			return nil
		}
		cycle, err := api.Drift(d.work, d.Home, s.Action)
		d.Tell(Notice{Schedule: s.Name, Cycle: cycle, Err: err})
		return nil
	})
	if err != nil {
		d.Tell(Notice{Schedule: s.Name, Err: err})
	}
	select {
	case d.ended <- struct{}{}:
	default: // After has not been called for the run before; it is for both
	}
}

// facts checks what people wrote, and tells what is new since the check before.
func (d *daemon) facts(s api.Schedule) {
	opts := d.Home.Options
	opts.Dir = d.Home.Root
	check, err := api.CheckFacts(d.work, opts, api.FactsOptions{})
	n := Notice{Schedule: s.Name, Facts: check, Err: err}
	if err == nil {
		known := d.known
		d.known = map[string]bool{}
		for _, f := range check.Findings {
			key := f.Key()
			d.known[key] = true
			if !known[key] {
				n.New = append(n.New, f)
			}
		}
	}
	d.Tell(n)
}

// reload puts changed manifests in force, when they can be used.
func (d *daemon) reload() {
	if err := d.Home.Reload(); err != nil {
		d.Tell(Notice{Text: "the manifests have changed and cannot be used; the last good ones stay in force", Err: err})
		return
	}
	d.Tell(Notice{Text: "the manifests have changed and are in force"})
	d.cron.Stop()
	d.start()
}

// stop starts nothing more and waits for the run under way, as long as the grace
// lasts.
func (d *daemon) stop(kill context.CancelFunc) {
	done := d.cron.Stop().Done()
	select {
	case <-done:
	case <-time.After(d.Grace):
		kill()
		select {
		case <-done:
		case <-time.After(d.Grace / 2): // it was told, and does not end
		}
	}
}
