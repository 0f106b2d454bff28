package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"recon/cmd/recon/internal/api"
	"recon/providers/proxmox/pvesim"
)

// A syncBuffer can be read while a daemon writes to it.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// eventually waits until something holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for range 2400 { // two minutes: a machine that is busy with other tests is slow, not wrong
		if holds() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("it never came to pass that %s", what)
}

// TestServe runs the daemon against a simulated home: it reports drift once, keeps
// CLAUDE.md true, survives an outage of the cluster, takes changed manifests, and
// stops gracefully.
func TestServe(t *testing.T) {
	dir := t.TempDir()
	world := filepath.Join(dir, "world")
	sim, err := pvesim.New(pvesim.Options{Dir: world, StatCycle: -1, AuthDelay: -1, NodeDelay: -1})
	if err != nil {
		t.Fatal(err)
	}
	h := &home{t: t, dir: filepath.Join(dir, "project"), sim: sim}
	t.Setenv("PVE_TOKEN", sim.Token())
	h.write("recon.hcl", "proxmox \"home\" {\n  endpoints = [\""+sim.Endpoint()+"\"]\n  token = env(\"PVE_TOKEN\")\n  fingerprint = \""+sim.Fingerprint()+"\"\n}\ncontext {\n  claude_md = \"CLAUDE.md\"\n}\n")
	h.want(api.ExitOK, "import", "media", "docker-media")
	h.want(api.ExitError, "serve")
	if !strings.Contains(h.err.String(), "the manifests have no schedule") {
		t.Errorf("without a schedule it says: %s", &h.err)
	}
	h.write("schedule.recon.hcl", "schedule \"drift\" {\n  cron = \"@every 1s\"\n  action = \"drift\"\n  timezone = \"Europe/Berlin\"\n}\n")

	var out, errs syncBuffer
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan int)
	go func() { ended <- run(ctx, []string{"-C", h.dir, "serve"}, bytes.NewReader(nil), &out, &errs) }()
	doc := func() string {
		b, _ := os.ReadFile(filepath.Join(h.dir, "CLAUDE.md"))
		return string(b)
	}
	eventually(t, "CLAUDE.md is written", func() bool { return strings.Contains(doc(), "docker-media | LXC 205") })

	sim.Update(setConfig(205, "memory", "4096"))
	eventually(t, "drift is reported", func() bool { return strings.Contains(out.String(), "lxc.docker-media drifted: memory 8 GiB -> 4 GiB") })
	eventually(t, "CLAUDE.md shows the drift", func() bool { return strings.Contains(doc(), "live 4 GiB") })

	// The cluster goes away and comes back, on the same address.
	if err := sim.Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the outage is noticed", func() bool { return strings.Contains(doc(), "STALE since") })
	if !strings.Contains(doc(), "docker-media | LXC 205") {
		t.Error("facts of a cluster that cannot be observed are gone")
	}
	if sim, err = pvesim.New(pvesim.Options{Dir: world, StatCycle: -1, AuthDelay: -1, NodeDelay: -1}); err != nil {
		t.Fatal(err)
	}
	defer sim.Close()
	eventually(t, "the cluster is observed again", func() bool { return !strings.Contains(doc(), "STALE since") })

	// Manifests change: mistakes are told and the last good ones stay in force.
	h.write("schedule.recon.hcl", "schedule \"drift\" {\n  cron = \"never\"\n}\n")
	eventually(t, "the mistake is told", func() bool { return strings.Contains(out.String(), "the last good ones stay in force") })
	h.write("schedule.recon.hcl", "schedule \"often\" {\n  cron = \"@every 1s\"\n  action = \"context\"\n}\n")
	eventually(t, "the new schedule runs", func() bool { return strings.Contains(out.String(), " often: 2 managed") })

	// What people wrote is checked, and each contradiction told once.
	h.write("NOTES.md", "docker-media runs on node03\n")
	h.write("schedule.recon.hcl", "schedule \"notes\" {\n  cron = \"@every 1s\"\n  action = \"facts\"\n}\n")
	eventually(t, "the contradiction is told", func() bool { return strings.Contains(out.String(), "node03  NOTES.md:1") })
	eventually(t, "it is not told again", func() bool {
		return strings.Contains(out.String(), "1 statement(s) contradict what is known, 0 of them new")
	})

	stop()
	select {
	case code := <-ended:
		if code != api.ExitOK {
			t.Errorf("it ended with %d: %s", code, errs.String())
		}
	case <-time.After(2 * time.Minute):
		t.Fatal("it does not stop")
	}
	if n := strings.Count(out.String(), "lxc.docker-media drifted"); n != 1 {
		t.Errorf("the drift was reported %d times:\n%s", n, out.String())
	}
	if h.run("lock", "list"); !strings.Contains(h.out.String(), "Nobody holds the lock") {
		t.Errorf("the lock is held after the end: %s", &h.out)
	}
}

// TestWatch: what somebody does in the web interface is told at once, although the next
// run is a year away.
func TestWatch(t *testing.T) {
	sim, err := pvesim.New(pvesim.Options{StatCycle: -1, AuthDelay: -1, NodeDelay: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer sim.Close()
	h := &home{t: t, dir: filepath.Join(t.TempDir(), "project"), sim: sim}
	t.Setenv("PVE_TOKEN", sim.Token())
	h.write("recon.hcl", "proxmox \"home\" {\n  endpoints = [\""+sim.Endpoint()+"\"]\n  token = env(\"PVE_TOKEN\")\n  fingerprint = \""+sim.Fingerprint()+"\"\n}\nschedule \"year\" {\n  cron = \"0 0 1 1 *\"\n  action = \"drift\"\n}\nwatch \"home\" {\n  every = \"2s\"\n}\n")
	h.want(api.ExitOK, "import", "media")
	lena, err := newSimUser(sim, "lena@pve")
	if err != nil {
		t.Fatal(err)
	}
	var out, errs syncBuffer
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan int)
	go func() { ended <- run(ctx, []string{"-C", h.dir, "serve"}, bytes.NewReader(nil), &out, &errs) }()
	defer func() {
		stop()
		if code := <-ended; code != api.ExitOK {
			t.Errorf("it ended with %d: %s", code, errs.String())
		}
	}()
	eventually(t, "it has begun", func() bool { return strings.Contains(out.String(), "next ") })
	memory := 4096
	eventually(t, "the change is told", func() bool {
		if memory++; memory%40 == 0 { // the first change may come before the first look at the cluster
			if err := lena.call(ctx, "PUT", "/nodes/node01/qemu/111/config", fmt.Sprintf("memory=%d", memory)); err != nil {
				t.Error(err)
			}
		}
		return strings.Contains(out.String(), "watch home: ") && strings.Contains(out.String(), "vm.media drifted")
	})
}
