package main

import (
	"flag"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"recon/cmd/recon/internal/api"
	"recon/cmd/recon/internal/redact"
	"recon/providers/proxmox/pvesim"
)

var (
	dayRuns   = flag.Int("day.runs", 16, "how many runs TestDayOfTheDaemon makes; 1440 are a day of one a minute")
	dayGuests = flag.Int("day.guests", 8, "how many guests the home of TestDayOfTheDaemon has")
)

// TestDayOfTheDaemon: a daemon that runs for long needs no more memory, goroutines and
// descriptors than one that has run for a while, and its ledger does not grow where nothing
// happens.
func TestDayOfTheDaemon(t *testing.T) {
	sim, err := pvesim.New(pvesim.Options{World: pvesim.Generate(*dayGuests, 7), StatCycle: -1, AuthDelay: -1, NodeDelay: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer sim.Close()
	p := &home{t: t, dir: filepath.Join(t.TempDir(), "project"), sim: sim}
	t.Setenv("PVE_TOKEN", sim.Token())
	p.write("recon.hcl", "proxmox \"home\" {\n  endpoints = [\""+sim.Endpoint()+"\"]\n  token = env(\"PVE_TOKEN\")\n  fingerprint = \""+sim.Fingerprint()+"\"\n  addresses = \"configured\"\n}\ncontext {\n  claude_md = \"CLAUDE.md\"\n}\n")
	p.want(api.ExitOK, "import", "--all", "-q")
	now := time.Now()
	h, err := api.Open(api.Options{Dir: p.dir, Log: slog.New(slog.DiscardHandler), Secrets: redact.New(), Now: func() time.Time { return now }, Version: version, Command: "recon serve"})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	live := api.NewLive(h)
	type use struct{ heap, goroutines, descriptors, ledger int64 }
	used := func() (u use) {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		u.heap, u.goroutines = int64(m.HeapAlloc), int64(runtime.NumGoroutine())
		if open, err := os.ReadDir("/proc/self/fd"); err == nil {
			u.descriptors = int64(len(open))
		}
		if info, err := os.Stat(filepath.Join(p.dir, ".recon", "ledger.db")); err == nil {
			u.ledger = info.Size()
		}
		return u
	}
	var settled use
	for i := range *dayRuns {
		if i == *dayRuns/4 {
			settled = used()
		}
		now = now.Add(time.Minute)
		c, err := api.Drift(t.Context(), h, "drift")
		if err != nil {
			t.Fatal(err)
		}
		if i > 0 && len(c.Events) > 0 {
			t.Fatalf("nothing has changed, and told is %+v", c.Events)
		}
		picture, err := api.PictureOf(t.Context(), c, live.State().Picture)
		if err != nil {
			t.Fatal(err)
		}
		live.Show(picture)
		live.End(api.RunRecord{Action: "drift", Started: now, Ended: now})
	}
	end := used()
	t.Logf("after %d runs: %+v, at the end: %+v", *dayRuns/4, settled, end)
	if limit := settled.heap + settled.heap/20 + 1<<20; end.heap > limit {
		t.Errorf("memory grows from %d to %d bytes", settled.heap, end.heap)
	}
	if end.goroutines > settled.goroutines+3 || end.descriptors > settled.descriptors+3 {
		t.Errorf("goroutines grow from %d to %d, descriptors from %d to %d", settled.goroutines, end.goroutines, settled.descriptors, end.descriptors)
	}
	if perRun := (end.ledger - settled.ledger) / int64(max(1, *dayRuns-*dayRuns/4)); perRun > 1024 {
		t.Errorf("the ledger grows by %d bytes a run", perRun)
	}
}
