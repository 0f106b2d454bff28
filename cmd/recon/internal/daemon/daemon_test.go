package daemon

import (
	"strings"
	"testing"

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
