package daemon

import (
	"strings"
	"testing"
	"time"

	"recon/cmd/recon/internal/api"
)

// TestRunThatPanicsIsTold: a fault in one run is that run's, and the next one comes.
func TestRunThatPanicsIsTold(t *testing.T) {
	var told []Notice
	h := &api.Home{Options: api.Options{Now: time.Now}}
	d := &daemon{Options: Options{Live: api.NewLive(h), Tell: func(n Notice) { told = append(told, n) }}, home: h, work: t.Context()}
	for range 2 {
		d.run(job{"nightly", "drift"}) // there is no project to look at
	}
	if len(told) != 2 || told[1].Schedule != "nightly" || told[1].Err == nil || !strings.Contains(told[1].Err.Error(), "fault") {
		t.Fatalf("told: %+v", told)
	}
	if s := d.Live.State(); len(s.Runs) != 2 || s.Going != nil || s.Runs[0].Code != api.ExitError || s.Totals["drift"].Failed != 2 {
		t.Fatalf("the runs are remembered as %+v", s)
	}
}
