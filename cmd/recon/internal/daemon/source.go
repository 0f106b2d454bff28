package daemon

import (
	"context"
	"errors"
	"slices"
	"time"

	"recon/cmd/recon/internal/api"
)

// advance is the action that puts a commit of the source in force.
const advance = "source"

// How often a repository is asked: at least so far apart, whoever asks; and when it does
// not answer less and less often, down to this.
const (
	pullGap   = time.Second
	pullPause = 10 * time.Minute
	noSource  = 5 * time.Second // manifests may get one
)

// keepUp asks the repository, one time after the other, until ctx ends.
func (d *daemon) keepUp(ctx context.Context, pull func(context.Context) (api.Followed, bool)) {
	pause := time.Duration(0)
	for {
		now, ready := d.Live.State().Followed, false // what is known stays so when asking fails
		if err := api.Caught(func() error { now, ready = pull(ctx); return nil }); err != nil {
			d.Tell(Notice{Schedule: d.sourceName(), Text: "the repository cannot be asked", Err: err})
		}
		if ctx.Err() != nil {
			return
		}
		d.followed(now)
		d.writeBack(ctx)
		if ready && !d.stir(ctx, job{schedule: d.sourceName(), action: advance}) {
			return
		}
		pause = d.pause(pause, now)
		if !wait(ctx, pullGap, nil) || !wait(ctx, pause-pullGap, d.Live.Pulls()) {
			return
		}
	}
}

// pause is how long to wait after a pull.
func (d *daemon) pause(last time.Duration, now api.Followed) time.Duration {
	src := d.home.Project().Source
	switch {
	case src == nil:
		return noSource
	case !now.Unanswered():
		return src.Interval
	}
	return max(src.Interval, min(2*max(last, src.Interval), pullPause))
}

// wait waits, unless somebody asks before; false when ctx has ended.
func wait(ctx context.Context, d time.Duration, asked <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
	case <-asked:
	}
	return true
}

// stir puts a job in line, unless one of its name waits there; false when ctx has ended.
func (d *daemon) stir(ctx context.Context, j job) bool {
	select {
	case d.stirred <- j:
		return true
	case <-ctx.Done():
		return false
	}
}

// followed notes how things stand now. What has changed is told; when something begins or
// ceases to stand in the way a run writes it down.
func (d *daemon) followed(now api.Followed) {
	last := d.Live.State().Followed
	d.Live.Follow(now)
	if now.Name == "" || now.Condition == last.Condition && now.Detail == last.Detail && now.Commit == last.Commit {
		return
	}
	n := Notice{Schedule: d.sourceName(), Text: now.Describe()}
	if !now.Condition.Good() {
		n.Err = &api.Failure{Code: api.ExitError, Err: errors.New(now.Detail), Hint: now.Hint}
		n.Text = "what the branch has is not in force"
	}
	d.Tell(n)
	if now.Condition.Good() != last.Condition.Good() {
		d.news.Store(true)
	}
}

// writeBack commits what recon has written since, to the branch that is for it.
func (d *daemon) writeBack(ctx context.Context) {
	last := d.Live.State()
	if d.Source == nil || last.Picture == nil {
		return
	}
	var names []string
	for _, doc := range last.Picture.Documents {
		names = append(names, doc.Path)
	}
	now := last.Followed
	if err := api.Caught(func() error { now = d.Source.WriteBack(ctx, names); return nil }); err != nil {
		now.Written = err.Error()
	}
	if ctx.Err() != nil || now.Written == last.Followed.Written {
		return
	}
	d.Live.Follow(now)
	n := Notice{Schedule: d.sourceName(), Text: "documents are written back again"}
	if now.Written != "" {
		n.Text, n.Err = "documents are not written back", errors.New(now.Written)
	}
	d.Tell(n)
}

// advance puts in force what was found good.
func (d *daemon) advance() error {
	news, err := api.Advance(d.work, d.Source)
	if state := d.Source.State(); err == nil {
		d.followed(state)
	} else {
		d.Live.Follow(state)
	}
	if news && err == nil {
		d.news.Store(true)
	}
	return err
}

// afterCommit is the action of the run that is made for a commit: where a schedule heals,
// what the commit wishes is proposed at once.
func (d *daemon) afterCommit() string {
	if slices.ContainsFunc(d.home.Project().Schedules, func(s api.Schedule) bool { return s.Action == "heal" }) {
		return "heal"
	}
	return "drift"
}

// sourceName is how runs are called that are made for a commit.
func (d *daemon) sourceName() string {
	if src := d.home.Project().Source; src != nil {
		return "source " + src.Name
	}
	return "source"
}

// commit is what the manifests in force are of, "" when they follow no repository.
func (d *daemon) commit() string {
	if d.Source == nil {
		return ""
	}
	return d.Source.State().Commit
}
