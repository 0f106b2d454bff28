package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"recon/cmd/recon/internal/api"
	"recon/providers/proxmox/pvesim"
)

// TestTwoReconsAtOnce: two applies of the same project do everything once; the one
// that comes second is refused, or finds nothing left to do.
func TestTwoReconsAtOnce(t *testing.T) {
	h := newHome(t, pvesim.Options{Latency: 5 * time.Millisecond})
	h.write("manifests/a.hcl", "vm \"new\" {\n  vmid = 300\n  node = \"node01\"\n  memory = \"256MiB\"\n  running = true\n}\nlxc \"docker-media\" {\n  vmid = 205\n  memory = \"4GiB\"\n}\n")
	var wg sync.WaitGroup
	codes := make([]int, 4)
	for i := range codes {
		wg.Go(func() {
			cmd := exec.Command(os.Args[0], "-C", h.dir, "apply", "--yes")
			cmd.Env = append(os.Environ(), mainEnv+"=1")
			_ = cmd.Run()
			codes[i] = cmd.ProcessState.ExitCode()
		})
	}
	wg.Wait()
	for _, c := range codes {
		if c != api.ExitOK && c != api.ExitRefused && c != api.ExitPartial {
			t.Errorf("exit codes: %v", codes)
		}
	}
	for what, n := range h.sim.Stats().Effects {
		if n != 1 {
			t.Errorf("%s happened %d times", what, n)
		}
	}
	h.want(api.ExitOK, "apply", "--yes")
	h.want(api.ExitOK, "plan")
}

// TestClusterIsAskedWhileManifestsAreRead: a manifest that cannot be read before the
// cluster was asked is read all the same.
func TestClusterIsAskedWhileManifestsAreRead(t *testing.T) {
	h := newHome(t, pvesim.Options{})
	h.write("manifests/a.hcl", "lxc \"docker-media\" {\n  vmid = 205\n}\n")
	before := h.sim.Stats().Total
	home, err := api.OpenToObserve(context.Background(), api.Options{Dir: h.dir})
	if err != nil {
		t.Fatal(err)
	}
	defer home.Close()
	// Nobody has asked for a look yet, and it goes on all the same.
	eventually(t, "the cluster is asked", func() bool { return h.sim.Stats().Total > before })
}

// TestReadOnlyFolder: looking works where nothing may be written; writing says
// what is wrong and loses nothing.
func TestReadOnlyFolder(t *testing.T) {
	h := newHome(t, pvesim.Options{})
	mount := filepath.Join(t.TempDir(), "ro")
	if err := os.Mkdir(mount, 0o755); err != nil {
		t.Fatal(err)
	}
	h.want(api.ExitOK, "import", "media", "-q")
	h.want(api.ExitOK, "drift", "-q")
	if err := syscall.Mount(h.dir, mount, "", syscall.MS_BIND, ""); err != nil {
		t.Skipf("needs root, to mount a folder read-only: %v", err)
	}
	defer syscall.Unmount(mount, 0)
	if err := syscall.Mount("", mount, "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Skipf("needs root, to mount a folder read-only: %v", err)
	}
	h.dir = mount
	h.want(api.ExitOK, "plan")
	h.want(api.ExitOK, "show", "vm.media")
	h.want(api.ExitOK, "inventory")
	h.want(api.ExitError, "drift")
	if !strings.Contains(h.err.String(), "read-only file system") {
		t.Errorf("it says: %s", &h.err)
	}
	h.want(api.ExitError, "import", "gitlab")
}

// TestClockJumps: the clock goes back a year and forth ten; nothing breaks, and
// documents settle again.
func TestClockJumps(t *testing.T) {
	h := newHome(t, pvesim.Options{})
	h.write("context.recon.hcl", "context {\n  claude_md = \"CLAUDE.md\"\n  session_log = \"log.md\"\n}\n")
	h.want(api.ExitOK, "import", "docker-media", "-q")
	now := time.Now()
	for i, at := range []time.Time{now, now.AddDate(-1, 0, 0), now.AddDate(10, 0, 0), now.Add(time.Hour)} {
		h.sim.Update(setConfig(205, "memory", []string{"8192", "4096", "2048", "8192"}[i]))
		s, err := api.Open(api.Options{Dir: h.dir, Command: "recon test", Now: func() time.Time { return at }})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			cycle, err := api.Drift(context.Background(), s, "drift")
			if err != nil || cycle.Docs.Err != nil {
				t.Fatalf("at %s: %v, %v", at, err, cycle.Docs.Err)
			}
			if len(cycle.Docs.Written) == 0 {
				break
			}
		}
		before := h.read("CLAUDE.md")
		if _, err := api.Drift(context.Background(), s, "drift"); err != nil {
			t.Fatal(err)
		}
		if after := h.read("CLAUDE.md"); after != before {
			t.Errorf("at %s the document does not settle:\n%s\n%s", at, before, after)
		}
	}
	for _, look := range []string{"plan", "history", "changes", "inventory", "show"} {
		h.want(api.ExitOK, look) // of what is remembered some lies years ahead
	}
}

// TestFullDisk: whoever only looks needs no room, and is told what could not be written.
func TestFullDisk(t *testing.T) {
	h := newHome(t, pvesim.Options{})
	small := filepath.Join(h.dir, "small")
	if err := os.Mkdir(small, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", small, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("skipped: needs root, to mount a small file system: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(small, syscall.MNT_DETACH) })
	text := h.read("recon.hcl")
	h.dir = small
	h.write("recon.hcl", text)
	h.want(api.ExitOK, "import", "media", "-q")
	h.want(api.ExitOK, "drift")
	if f, err := os.Create(filepath.Join(small, "filling")); err != nil {
		t.Fatal(err)
	} else if _, err := io.Copy(f, neverEnding{}); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the disk is not full: %v", err)
	}
	for _, look := range []string{"plan", "history", "changes", "inventory", "show", "doctor"} {
		h.want(api.ExitOK, look)
	}
	if code := h.run("drift"); code == api.ExitOK || !strings.Contains(h.err.String(), "full") && !strings.Contains(h.err.String(), "no space left") {
		t.Errorf("drift exits with %d: %s", code, &h.err)
	}
}

type neverEnding struct{}

func (neverEnding) Read(b []byte) (int, error) { return len(b), nil }

// TestDamagedLedgerIsSetAside: its name is told, and what recon remembers comes
// back by looking.
func TestDamagedLedgerIsSetAside(t *testing.T) {
	h := newHome(t, pvesim.Options{})
	h.want(api.ExitOK, "import", "docker-media", "-q")
	h.want(api.ExitOK, "drift", "-q")
	h.write(".recon/ledger.db", strings.Repeat("garbage ", 2000))
	for _, suffix := range []string{"-wal", "-shm"} {
		os.Remove(filepath.Join(h.dir, ".recon", "ledger.db"+suffix))
	}
	h.want(api.ExitOK, "plan")
	h.want(api.ExitOK, "drift")
	if !strings.Contains(h.err.String(), "ledger.db.damaged-") {
		t.Errorf("its name is not told: %s", &h.err)
	}
	h.sim.Update(setConfig(205, "memory", "4096"))
	h.want(api.ExitDiffers, "plan")
	if !strings.Contains(h.out.String(), "drift: live has moved") {
		t.Errorf("the values in agreement were not remembered again:\n%s", &h.out)
	}
}
