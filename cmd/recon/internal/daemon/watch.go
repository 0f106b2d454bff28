package daemon

import (
	"context"
	"time"

	"recon/cmd/recon/internal/api"
)

// The longest that a watch waits for a cluster that does not answer, and for one answer.
const (
	watchPause = time.Minute
	watchTime  = 10 * time.Second
)

// watch asks the clusters of the watch blocks whether something happened, until ctx ends.
func (d *daemon) watch(ctx context.Context) {
	for _, w := range d.home.Project().Watches {
		pulse, err := api.NewPulse(ctx, d.home, w)
		if err != nil {
			d.Tell(Notice{Schedule: w.Name, Text: "is not watched", Err: err})
			continue
		}
		go func() {
			defer pulse.Close()
			d.follow(ctx, w, pulse)
		}()
	}
}

// follow feels a pulse, one time after the other, and has the home looked at when something
// stirs. A cluster that does not answer is asked less and less often; that it does not is
// told by the runs.
func (d *daemon) follow(ctx context.Context, w api.Watch, pulse *api.Pulse) {
	pause := w.Every
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		var stirred bool
		err := api.Caught(func() (err error) {
			within, cancel := context.WithTimeout(ctx, watchTime)
			defer cancel()
			stirred, err = pulse.Feel(within)
			return err
		})
		switch {
		case err != nil:
			pause = min(2*pause, max(watchPause, w.Every))
			continue
		case stirred:
			select {
			case d.stirred <- job{schedule: "watch " + w.Name, action: "drift"}:
			case <-ctx.Done():
				return
			}
		}
		pause = w.Every
	}
}
