package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"recon/cmd/recon/internal/api"
	"recon/cmd/recon/internal/notify"
	"recon/cmd/recon/internal/redact"
	"recon/providers/proxmox/pvesim"
)

var (
	dayRuns   = flag.Int("day.runs", 16, "how many runs TestDayOfTheDaemon makes; 1440 are a day of one a minute")
	dayGuests = flag.Int("day.guests", 8, "how many guests the home of TestDayOfTheDaemon has")
)

// TestDayOfTheDaemon: a daemon that runs for long needs no more memory, goroutines and
// descriptors than one that has run for an hour, its ledger does not grow where nothing
// happens, and each change that somebody makes meanwhile is told once.
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
	t.Setenv("HOOK", "generic+http://127.0.0.1:9/")
	p.write("notify.recon.hcl", "notify \"hook\" {\n  url = env(\"HOOK\")\n  severity = \"info\"\n}\n")
	now := time.Now()
	h, err := api.Open(api.Options{Dir: p.dir, Log: slog.New(slog.DiscardHandler), Secrets: redact.New(), Now: func() time.Time { return now }, Version: version, Command: "recon serve"})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	live := api.NewLive(h)
	told := map[string]string{} // by the ID of the message
	teller := &notify.Teller{Home: h, Tell: func(route string, err error) { t.Errorf("%s: %v", route, err) }, Send: func(_ context.Context, _ *api.Route, m *notify.Message) error {
		if _, again := told[m.ID]; again {
			t.Errorf("%s is sent again", m.ID)
		}
		told[m.ID] = m.Text
		return nil
	}}
	var guests []int
	sim.Update(func(w *pvesim.World) {
		for _, g := range w.Guests {
			if !g.Template {
				guests = append(guests, g.VMID)
			}
		}
	})
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
	hour := min(60, *dayRuns/4)
	changed := map[string]bool{}
	for i := range *dayRuns {
		if i == hour {
			settled = used()
		}
		if i%60 == 59 {
			t.Logf("after %d runs: %+v", i, used())
		}
		happens := i%hour == hour/2 && len(changed) < len(guests)
		if happens {
			sim.Update(setConfig(guests[len(changed)], "description", fmt.Sprintf("changed by run %d", i)))
		}
		now = now.Add(time.Minute)
		c, err := api.Drift(t.Context(), h, "drift")
		if err != nil {
			t.Fatal(err)
		}
		if i > 0 && len(c.Events) > 0 != happens {
			t.Fatalf("after run %d something has changed: %v, and told is %+v", i, happens, c.Events)
		}
		if happens {
			changed[c.Events[0].Address.String()] = true
		}
		teller.After(t.Context())
		picture, err := api.PictureOf(t.Context(), c, live.State().Picture)
		if err != nil {
			t.Fatal(err)
		}
		live.Show(picture)
		live.End(api.RunRecord{Action: "drift", Started: now, Ended: now})
	}
	for who := range changed {
		n := 0
		for _, text := range told {
			n += strings.Count(text, who+" ")
		}
		if n != 1 {
			t.Errorf("%s changed once and is told %d times: %q", who, n, told)
		}
	}
	end := used()
	t.Logf("after %d runs: %+v, at the end: %+v; %d changes, %d messages", hour, settled, end, len(changed), len(told))
	if limit := settled.heap + settled.heap/20 + 1<<20; end.heap > limit {
		t.Errorf("memory grows from %d to %d bytes", settled.heap, end.heap)
	}
	if end.goroutines > settled.goroutines+3 || end.descriptors > settled.descriptors+3 {
		t.Errorf("goroutines grow from %d to %d, descriptors from %d to %d", settled.goroutines, end.goroutines, settled.descriptors, end.descriptors)
	}
	if perRun := (end.ledger - settled.ledger) / int64(max(1, *dayRuns-hour)); perRun > 1024 {
		t.Errorf("the ledger grows by %d bytes a run", perRun)
	}
}
