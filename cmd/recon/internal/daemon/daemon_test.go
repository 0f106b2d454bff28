package daemon

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"recon/cmd/recon/internal/api"
	"recon/cmd/recon/internal/redact"
	"recon/inventory"
	"recon/reconcile"
	"recon/reconcile/ledger"
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

// TestApprovedElsewhere: what was approved where nobody tells this daemon is carried out,
// unless recon is frozen.
func TestApprovedElsewhere(t *testing.T) {
	h := &api.Home{Options: api.Options{Now: time.Now, Secrets: redact.New()}, Root: t.TempDir()}
	d := &daemon{Options: Options{Live: api.NewLive(h), Tell: func(n Notice) { t.Error(n.Err) }}, home: h, work: t.Context()}
	told := func() bool {
		d.elsewhere()
		select {
		case <-d.Live.Approved():
			return true
		default:
			return false
		}
	}
	id := proposed(t, h)
	if told() || len(d.Live.State().Waits.Proposals) != 1 {
		t.Fatalf("nobody has approved it, and %+v waits", d.Live.State().Waits)
	}
	if _, err := api.Decide(t.Context(), h, id, true, "lena"); err != nil {
		t.Fatal(err)
	}
	if !told() {
		t.Error("it was approved, and is not carried out")
	}
	if _, err := api.SetFreeze(t.Context(), h, time.Hour, "", "lena"); err != nil {
		t.Fatal(err)
	}
	if told() {
		t.Error("frozen, it is carried out")
	}
}

// proposed writes down a proposal, as a run does.
func proposed(t *testing.T, h *api.Home) string {
	t.Helper()
	media := inventory.Address{Kind: "vm", Name: "media"}
	c := inventory.Change{Addr: media, Want: inventory.Resource{Addr: media, Identity: "home/111"}, Steps: []inventory.Step{{Method: "PUT", Path: "/config"}}}
	p, err := reconcile.Propose(&c, "why", reconcile.Origin{}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	l, err := h.WritableLedger(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	run, _, err := l.Write(t.Context(), "heal", reconcile.Holder{Since: time.Now()})
	if err == nil {
		err = errors.Join(run.Learn(t.Context(), &reconcile.Learned{At: time.Now(), Managed: 1, Proposed: []reconcile.Proposal{p}}), run.Close(t.Context(), 0))
	}
	if err != nil {
		t.Fatal(err)
	}
	return p.ID
}

// TestReloadKeepsTheLine: other manifests take nobody's run away, but that of a schedule
// which is gone.
func TestReloadKeepsTheLine(t *testing.T) {
	dir := t.TempDir()
	write := func(text string) {
		if err := os.WriteFile(filepath.Join(dir, "recon.hcl"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("schedule \"stays\" {\n  cron = \"@daily\"\n  action = \"drift\"\n}\nschedule \"goes\" {\n  cron = \"@daily\"\n  action = \"drift\"\n}\n")
	h, err := api.Open(api.Options{Dir: dir, Now: time.Now, Secrets: redact.New(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	d := &daemon{Options: Options{Live: api.NewLive(h), Tell: func(n Notice) {
		if n.Err != nil {
			t.Error(n.Err)
		}
	}}, home: h, work: t.Context(), dealt: map[string]time.Time{}}
	d.start(t.Context())
	for _, name := range []string{"stays", "goes"} {
		if err := api.Deal(t.Context(), h, name, time.Now(), true); err != nil {
			t.Fatal(err)
		}
	}
	d.later = job{schedule: "goes", action: "heal", next: time.Now()}
	d.waiting = []job{{action: carryOut}, {schedule: "goes", action: "drift"}, {action: "doctor"}, {schedule: "stays", action: "drift"}, {schedule: "watch home", action: "drift"}}
	write("schedule \"stays\" {\n  cron = \"@daily\"\n  action = \"facts\"\n}\n")
	d.reload(t.Context())
	want := []job{{action: carryOut}, {action: "doctor"}, {schedule: "stays", action: "facts"}, {schedule: "watch home", action: "drift"}}
	if !slices.Equal(d.waiting, want) {
		t.Errorf("in line are %+v", d.waiting)
	}
	if d.later.schedule != "" {
		t.Errorf("later comes %+v", d.later)
	}
	if begun, err := api.Unended(t.Context(), h); err != nil || !slices.Equal(begun, []string{"stays"}) {
		t.Errorf("to be made are %v, %v", begun, err)
	}
}

// TestLeadLost: a run of a daemon that another one has taken over from writes nothing, also
// when it begins to write after the daemon has been told.
func TestLeadLost(t *testing.T) {
	h := &api.Home{Options: api.Options{Now: time.Now, Secrets: redact.New()}, Root: t.TempDir()}
	if other, err := api.Lead(t.Context(), h); other != "" || err != nil {
		t.Fatalf("it does not lead: %q, %v", other, err)
	}
	mine := h.Epoch()
	l, err := h.WritableLedger(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if now, _, err := l.Lead(t.Context(), ledger.Leader{Holder: reconcile.Holder{PID: 1, Host: "elsewhere"}}, 0, func(ledger.Leader) bool { return true }); err != nil || now <= mine {
		t.Fatalf("nobody takes over: %d, %v", now, err)
	}
	if other, err := api.Lead(t.Context(), h); other == "" || err != nil {
		t.Fatalf("it leads still: %v", err)
	}
	if h.Epoch() != mine {
		t.Errorf("its runs write under %d, not %d", h.Epoch(), mine)
	}
	if err := api.Deal(t.Context(), h, "often", time.Now(), true); !api.LeadLost(err) {
		t.Errorf("it writes: %v", err)
	}
}
