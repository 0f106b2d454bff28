package runs

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing/object"

	"recon/cmd/recon/internal/docs"
	"recon/cmd/recon/internal/home"
	"recon/inventory"
	"recon/providers/proxmox/pvesim"
	"recon/reconcile"
)

var verdictSeeds = flag.Int("verdict.seeds", 12, "how many random histories TestVerdictEqualsTheTruth lives through")

// A life is one guest with one field, a manifest in Git, and somebody who keeps book of
// what really happened to it.
type life struct {
	t    *testing.T
	r    *rand.Rand
	sim  *pvesim.Server
	home *home.Home
	repo *git.Repository
	said string // what was done, for the one who reads a failure

	manifest, live int   // the field on both sides
	committed      []int // what the manifest said, commit by commit
	agreed         int   // the last value on which a recording run saw both agree; 0 when nobody remembers
	base           int   // what a recording run judged by, where they never agreed since the ledger was lost; 0: nothing yet
}

const lifeGuest = 100

func newLife(t *testing.T, seed int) *life {
	l := &life{t: t, r: rand.New(rand.NewPCG(uint64(seed), 7)), manifest: 2, live: 2}
	world := pvesim.Generate(0, 1)
	world.Guests = append(world.Guests, &pvesim.Guest{VMID: lifeGuest, Kind: "qemu", Node: "pve1", Config: map[string]string{"name": "a", "cores": "2", "memory": "512"}})
	var err error
	if l.sim, err = pvesim.New(pvesim.Options{World: world, StatCycle: -1, AuthDelay: -1, NodeDelay: -1}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.sim.Close() })
	dir := t.TempDir()
	write(t, dir, "recon.hcl", fmt.Sprintf("proxmox \"home\" {\n  endpoints = [%q]\n  token = %q\n  fingerprint = %q\n}\n", l.sim.Endpoint(), l.sim.Token(), l.sim.Fingerprint()))
	write(t, dir, "manifests/a.hcl", l.text())
	if l.repo, err = git.PlainInit(dir, false); err != nil {
		t.Fatal(err)
	}
	if l.home, err = home.Open(home.Options{Dir: dir, Command: "recon test"}); err != nil {
		t.Fatal(err)
	}
	l.commit()
	return l
}

func (l *life) text() string {
	return fmt.Sprintf("vm \"a\" {\n  vmid  = %d\n  cores = %d\n}\n", lifeGuest, l.manifest)
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (l *life) commit() {
	tree, err := l.repo.Worktree()
	if err == nil {
		_, err = tree.Add("manifests/a.hcl")
	}
	if err == nil {
		_, err = tree.Commit("x", &git.CommitOptions{AllowEmptyCommits: true, Author: &object.Signature{Name: "x", Email: "x@example.net", When: time.Now()}})
	}
	if err != nil {
		l.t.Fatal(err)
	}
	l.committed = append(l.committed, l.manifest)
}

// step does something to the manifest, to the guest, or has recon look.
func (l *life) step() {
	value := 1 + l.r.IntN(4)
	switch what := l.r.IntN(10); {
	case what < 2:
		l.said += fmt.Sprintf(" edit:%d", value)
		l.manifest = value
		write(l.t, l.home.Root, "manifests/a.hcl", l.text())
		if err := l.home.Load(); err != nil {
			l.t.Fatal(err)
		}
	case what < 4:
		l.said += " commit"
		l.commit()
	case what < 6:
		l.said += fmt.Sprintf(" live:%d", value)
		l.live = value
		l.sim.Update(func(w *pvesim.World) { w.Guests[0].Config["cores"] = strconv.Itoa(value) })
	case what < 8:
		l.said += " look"
		l.look()
	case what < 9:
		l.said += " apply"
		l.apply()
	default:
		l.said += " lose"
		if err := os.RemoveAll(l.home.StatePath()); err != nil {
			l.t.Fatal(err)
		}
		l.agreed, l.base = 0, 0
	}
}

func (l *life) look() {
	before := l.expected()
	if _, err := Run(context.Background(), l.home, "drift", docs.Options{}); err != nil {
		l.t.Fatal(err)
	}
	switch {
	case l.manifest == l.live:
		l.agreed, l.base = l.manifest, 0
	case l.agreed == 0 && l.base == 0:
		l.base = before.base
	}
}

func (l *life) apply() {
	w, p := l.plan()
	defer w.Close()
	opts := reconcile.Options{Ceiling: inventory.ImpactRestart}
	if calls, _ := opts.Count(p); calls == 0 {
		return
	}
	run, err := RunApply(context.Background(), w, p, opts)
	if err != nil || run.Code() != home.ExitOK {
		l.t.Fatalf("apply after%s: %v, %+v", l.said, err, run.Results)
	}
	l.live, l.agreed, l.base = l.manifest, l.manifest, 0
}

func (l *life) plan() (*home.World, *reconcile.Plan) {
	w, err := l.home.Observe(context.Background())
	if err != nil {
		l.t.Fatal(err)
	}
	p, err := w.Compare(context.Background())
	if err != nil {
		l.t.Fatal(err)
	}
	return w, p
}

type expectation struct {
	verdict inventory.Verdict
	base    int
}

// expected is the truth as far as anybody can know it: by the book when a recording run
// saw both sides agree, else by what the manifest said before.
func (l *life) expected() expectation {
	base := l.agreed
	if base == 0 {
		base = l.base
	}
	if base == 0 {
		base = l.before()
	}
	switch {
	case l.manifest == l.live:
		return expectation{inventory.VerdictInSync, base}
	case base == l.manifest:
		return expectation{inventory.VerdictDrift, base}
	case base == l.live:
		return expectation{inventory.VerdictPendingChange, base}
	}
	return expectation{inventory.VerdictConflict, base}
}

// before is what the manifest said before it said what it says now, that itself when it
// never said anything else.
func (l *life) before() int {
	for i := len(l.committed) - 1; i >= 0; i-- {
		if l.committed[i] != l.manifest {
			return l.committed[i]
		}
	}
	return l.manifest
}

// TestVerdictEqualsTheTruth: through random histories of edits, commits, live changes,
// looks, applies and lost ledgers, the verdict is what the bookkeeper knows.
func TestVerdictEqualsTheTruth(t *testing.T) {
	for seed := range *verdictSeeds {
		t.Run(strconv.Itoa(seed), func(t *testing.T) {
			l := newLife(t, seed)
			for range 14 {
				l.step()
				w, p := l.plan()
				w.Close()
				got := inventory.VerdictInSync
				if len(p.Changes) > 0 {
					got = p.Changes[0].Verdict
				}
				if want := l.expected(); got != want.verdict {
					t.Fatalf("after%s: manifest %d, live %d, base %d: the verdict is %s, not %s", strings.TrimSpace(l.said), l.manifest, l.live, want.base, got, want.verdict)
				}
			}
		})
	}
}
