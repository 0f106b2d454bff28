package daemon

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"recon/cmd/recon/internal/api"
	"recon/cmd/recon/internal/redact"
)

// TestRunThatPanicsIsTold: a fault in one run is that run's, and the next one comes.
func TestRunThatPanicsIsTold(t *testing.T) {
	var told []Notice
	h := &api.Home{Options: api.Options{Now: time.Now, Secrets: redact.New()}}
	d := &daemon{Options: Options{Live: api.NewLive(h), Tell: func(n Notice) { told = append(told, n) }}, home: h, work: t.Context()}
	for range 2 {
		d.run(job{schedule: "nightly", action: "drift"}) // there is no project to look at
	}
	if len(told) != 2 || told[1].Schedule != "nightly" || told[1].Err == nil || !strings.Contains(told[1].Err.Error(), "fault") {
		t.Fatalf("told: %+v", told)
	}
	if s := d.Live.State(); len(s.Runs) != 2 || s.Going != nil || s.Runs[0].Code != api.ExitError || s.Totals["drift"].Failed != 2 {
		t.Fatalf("the runs are remembered as %+v", s)
	}
}

// TestRunOfOldManifests: a run that fails while somebody writes manifests is no failure; it
// is to be made anew, and one that fails for another reason is not.
func TestRunOfOldManifests(t *testing.T) {
	dir := t.TempDir()
	h := &api.Home{Options: api.Options{Now: time.Now, Secrets: redact.New()}, Root: dir}
	var told []Notice
	d := &daemon{Options: Options{Live: api.NewLive(h), Tell: func(n Notice) { told = append(told, n) }}, home: h, work: t.Context()}
	j := job{schedule: "nightly", action: "drift", manifests: h.Fingerprint()}
	if again, _ := d.run(j); again || told[0].Err == nil {
		t.Errorf("nobody wrote manifests, and told is %+v", told[0])
	}
	if err := os.WriteFile(filepath.Join(dir, "recon.hcl"), []byte("# new"), 0o644); err != nil {
		t.Fatal(err)
	}
	if again, _ := d.run(j); !again || told[1].Err != nil || !strings.Contains(told[1].Text, "made anew") || d.Live.State().Totals["drift"].Failed != 1 {
		t.Errorf("somebody wrote manifests, and told is %+v", told[1])
	}
}
