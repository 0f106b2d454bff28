package daemon

import (
	"context"
	"time"

	"recon/cmd/recon/internal/api"
)

// How often a daemon that waits asks whether it may work, and one that works says that it
// does; one that could not say so for longer than silence stops before another begins.
const (
	asking   = 2 * time.Second
	renewing = 4 * time.Second
	silence  = api.LeaseTime - renewing - time.Second
)

// await waits until no other daemon works, or ctx ends.
func await(ctx context.Context, o *Options) bool {
	defer o.Live.Stand("")
	said := ""
	for {
		within, cancel := context.WithTimeout(ctx, renewing)
		other, err := api.Lead(within, o.Live.Home)
		cancel()
		if err == nil && other == "" {
			return true
		}
		if err != nil && ctx.Err() == nil {
			o.Tell(Notice{Text: "whether another daemon works cannot be told", Err: err})
		}
		if other != said && err == nil {
			o.Live.Stand(other)
			if p, err := api.RememberedPicture(ctx, o.Live.Home); err == nil {
				o.Live.Show(p)
			}
			o.Tell(Notice{Text: "waits while another daemon works: " + other})
			said = other
		}
		if o.Beat != nil {
			o.Beat()
		}
		if !wait(ctx, asking, nil) {
			return false
		}
	}
}

// lead says again and again that this daemon works, until ctx ends; when another one does,
// or nobody can be told for too long, it says so by lost.
func lead(ctx context.Context, o *Options, lost func()) {
	last := time.Now()
	for wait(ctx, renewing, nil) {
		begin, epoch := time.Now(), o.Live.Home.Epoch()
		within, cancel := context.WithTimeout(ctx, renewing)
		other, err := api.Lead(within, o.Live.Home)
		cancel()
		again := o.Live.Home.Epoch() != epoch // another one has worked in between
		if err == nil && other == "" && !again {
			last = begin
			continue
		}
		if other != "" || again || time.Since(last) > silence {
			lost()
			return
		}
	}
}

// inTurn works whenever no other daemon does, until ctx ends.
func inTurn(ctx context.Context, o Options) error {
	for await(ctx, &o) {
		mine, lost := context.WithCancel(ctx)
		ended := make(chan struct{})
		go func() { defer close(ended); lead(mine, &o, lost) }()
		err := work(mine, o)
		lost()
		<-ended
		if ctx.Err() != nil || err != nil {
			within, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer cancel()
			if e := api.Resign(within, o.Live.Home); err == nil && e != nil {
				o.Tell(Notice{Text: "another daemon takes over a while later", Err: e})
			}
			return err
		}
		o.Tell(Notice{Text: "another daemon has taken over, or the ledger cannot be reached; nothing more is done"})
	}
	return nil
}
