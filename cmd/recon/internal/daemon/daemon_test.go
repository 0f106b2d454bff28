package daemon

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"recon/cmd/recon/internal/api"
)

// TestRunThatPanicsIsTold: a fault in one run is that run's, and the next one comes.
func TestRunThatPanicsIsTold(t *testing.T) {
	var told []Notice
	d := &daemon{Options: Options{Tell: func(n Notice) { told = append(told, n) }}, work: t.Context()}
	for range 2 {
		d.run(api.Schedule{Name: "nightly", Action: "drift"}) // there is no home to look at
	}
	if len(told) != 2 || told[1].Schedule != "nightly" || told[1].Err == nil || !strings.Contains(told[1].Err.Error(), "fault") {
		t.Fatalf("told: %+v", told)
	}
}

// TestChangedManifestsComeFirst: runs that follow each other closely must not keep
// changed manifests waiting for ever.
func TestChangedManifestsComeFirst(t *testing.T) {
	d := &daemon{Options: Options{Tell: func(n Notice) { t.Errorf("it ran: %+v", n) }}, work: t.Context()}
	d.changed.Store(true)
	d.run(api.Schedule{Name: "nightly", Action: "drift"})
}

// TestAfterIsCalledBesideTheRuns: after each run, and without any every now and then; a
// call that takes long holds up no run, and two runs meanwhile are one more call.
func TestAfterIsCalledBesideTheRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		calls, slow := 0, make(chan struct{})
		d := &daemon{work: ctx, ended: make(chan struct{}, 1), Options: Options{Tell: func(Notice) {}, After: func(context.Context) {
			if calls++; calls == 2 {
				<-slow
			}
		}}}
		ended := make(chan struct{})
		go func() { d.after(ctx); close(ended) }()
		for range 3 {
			synctest.Wait()
			d.run(api.Schedule{Name: "nightly", Action: "drift"})
		}
		synctest.Wait()
		if calls != 2 {
			t.Errorf("called %d times while it is slow", calls)
		}
		close(slow)
		synctest.Wait()
		if calls != 3 {
			t.Errorf("called %d times for what happened meanwhile", calls)
		}
		time.Sleep(afterwards + time.Second)
		if calls != 4 {
			t.Errorf("called %d times when nothing ran", calls)
		}
		stop()
		<-ended
	})
}
