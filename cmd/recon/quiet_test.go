package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"math/rand"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"recon/cmd/recon/internal/api"
	"recon/providers/proxmox/pvesim"
)

// A home is a project on a simulated cluster, for tests in this process.
type home struct {
	t   harness
	dir string
	sim *pvesim.Server
	// out and err are what the last command printed.
	out, err bytes.Buffer
}

// A harness is a test, of testing or of rapid.
type harness interface {
	Helper()
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// newHome starts a simulator with the world and a project that points at it.
func newHome(t *testing.T, opts pvesim.Options) *home {
	t.Helper()
	opts.StatCycle, opts.AuthDelay = -1, -1
	if opts.NodeDelay == 0 {
		opts.NodeDelay = -1
	}
	hooks := []func(string, string, url.Values){schemas.Hook(t, opts.PVE), opts.OnRequest}
	opts.OnRequest = func(method, path string, params url.Values) {
		for _, hook := range hooks {
			if hook != nil {
				hook(method, path, params)
			}
		}
	}
	sim, err := pvesim.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sim.Close() })
	h := &home{t: t, dir: t.TempDir(), sim: sim}
	t.Setenv("PVE_TOKEN", sim.Token())
	h.write("recon.hcl", fmt.Sprintf("proxmox \"home\" {\n  endpoints   = [%q]\n  token       = env(\"PVE_TOKEN\")\n  fingerprint = %q\n}\n", sim.Endpoint(), sim.Fingerprint()))
	return h
}

func (h *home) write(name, text string) {
	h.t.Helper()
	path := filepath.Join(h.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		h.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		h.t.Fatal(err)
	}
}

func (h *home) read(name string) string {
	h.t.Helper()
	b, err := os.ReadFile(filepath.Join(h.dir, name))
	if err != nil {
		h.t.Fatal(err)
	}
	return string(b)
}

// run runs recon in the project and returns its exit code.
func (h *home) run(args ...string) int {
	h.out.Reset()
	h.err.Reset()
	return run(context.Background(), append([]string{"-C", h.dir, "--color", "never"}, args...), bytes.NewReader(nil), &h.out, &h.err)
}

// want runs recon and fails the test on another exit code.
func (h *home) want(code int, args ...string) {
	h.t.Helper()
	if got := h.run(args...); got != code {
		h.t.Fatalf("recon %v exited with %d, not %d\n%s%s", args, got, code, &h.out, &h.err)
	}
}

var quietSeeds = flag.Int("quiet.seeds", 8, "how many generated worlds TestImportThenPlanIsEmpty imports")

// TestImportThenPlanIsEmpty imports generated worlds, whose guests use the odd
// forms that Proxmox's schema allows, and expects that nothing differs.
func TestImportThenPlanIsEmpty(t *testing.T) {
	for seed := range *quietSeeds {
		guests := 5 + seed*37%196
		t.Run(fmt.Sprintf("seed%d_%dguests", seed, guests), func(t *testing.T) {
			h := newHome(t, pvesim.Options{World: pvesim.Generate(guests, int64(seed))})
			h.want(api.ExitOK, "import", "--all", "-q")
			h.want(api.ExitOK, "plan")
			h.want(api.ExitOK, "fmt", "--check")
			h.sim.Update(shuffled(rand.New(rand.NewSource(int64(seed)))))
			h.want(api.ExitOK, "plan")
		})
	}
}

// shuffled puts every property string and list of the world into another order,
// which means the same.
func shuffled(rnd *rand.Rand) func(*pvesim.World) {
	return func(w *pvesim.World) {
		for _, g := range w.Guests {
			for key, value := range g.Config {
				base := strings.TrimRight(key, "0123456789")
				switch {
				case key == "tags":
					g.Config[key] = shuffleList(rnd, value, ";", 0)
				case slices.Contains([]string{"net", "scsi", "virtio", "sata", "mp", "rootfs", "ipconfig", "startup", "features"}, base):
					// What has no name stays in front: it belongs to the default key.
					first := 0
					if head, _, _ := strings.Cut(value, ","); !strings.Contains(head, "=") || base == "net" && g.Kind == "qemu" {
						first = 1
					}
					g.Config[key] = shuffleList(rnd, value, ",", first)
				}
			}
		}
		rnd.Shuffle(len(w.Guests), func(i, j int) { w.Guests[i], w.Guests[j] = w.Guests[j], w.Guests[i] })
	}
}

func shuffleList(rnd *rand.Rand, list, separator string, first int) string {
	items := strings.Split(list, separator)
	tail := items[min(first, len(items)):]
	rnd.Shuffle(len(tail), func(i, j int) { tail[i], tail[j] = tail[j], tail[i] })
	return strings.Join(items, separator)
}
