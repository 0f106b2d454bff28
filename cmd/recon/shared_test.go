package main

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"recon/cmd/recon/internal/api"
	"recon/providers/proxmox/pvesim"
	"recon/reconcile/ledger/pgtest"
)

var (
	sharedSeeds = flag.Int("shared.seeds", 3, "how many seeds TestTwoOnOneLedger runs")
	sharedFirst = flag.Int64("shared.first", 1, "the first seed")
)

// TestTwoOnOneLedger has two apply the same commits through one ledger at the same time,
// while processes are killed or paused and their connections cut: two clones of a
// project on PostgreSQL, as of two administrators, and one folder with the ledger in a
// file. Every value that reached the cluster is told by exactly one event, whoever set
// it, nothing is made twice, and what a killed run has set is nobody's drift.
func TestTwoOnOneLedger(t *testing.T) {
	each := func(t *testing.T, begin func(t *testing.T, p *pair)) {
		for i := range *sharedSeeds {
			seed := *sharedFirst + int64(i)
			t.Run(fmt.Sprintf("seed%d", seed), func(t *testing.T) {
				p := &pair{home: newHome(t, pvesim.Options{World: pvesim.Generate(5, seed)}), rnd: rand.New(rand.NewSource(seed))}
				begin(t, p)
				p.run()
			})
		}
	}
	t.Run("file", func(t *testing.T) { each(t, func(*testing.T, *pair) {}) })
	t.Run("PostgreSQL", func(t *testing.T) {
		server := pgtest.Start(t)
		each(t, func(t *testing.T, p *pair) {
			url := server.Database(t)
			t.Setenv("RECON_LEDGER_URL", url)
			p.db = pgtest.Open(t, url)
			p.db.SetMaxOpenConns(1) // of two it would cut its own
			t.Cleanup(func() { p.db.Close() })
			p.write("recon.hcl", p.read("recon.hcl")+"ledger {\n  url = env(\"RECON_LEDGER_URL\")\n}\n")
		})
	})
}

// A pair is two who work on one cluster with one ledger.
type pair struct {
	*home
	rnd   *rand.Rand
	db    *sql.DB           // the ledger, nil when it is a file
	clone string            // where the other one works
	set   map[string]bool   // "ADDRESS TAG": what reached the cluster
	first map[string]string // the tag with which a guest was made
}

const pairRounds = 4

func (p *pair) run() {
	p.want(api.ExitOK, "import", "--all", "-q")
	p.want(api.ExitOK, "drift", "-q")
	p.set, p.first = map[string]bool{}, map[string]string{}
	for round := range pairRounds {
		p.commit(round)
		p.both()
		p.reached(round)
	}
	for range 4 {
		if p.home.run("apply", "--yes") == api.ExitOK {
			break
		}
	}
	last := p.out.String() + p.err.String()
	p.want(api.ExitOK, "drift") // an apply that has nothing to do writes nothing
	if p.home.run("plan") != api.ExitOK {
		p.t.Errorf("the applies did not end in agreement; the last one said\n%s", last)
	}
	p.reached(pairRounds - 1)
	p.told()
}

// guests are what every round changes, and what is made in the round.
func (p *pair) guests(round int) []string {
	var out []string
	for i := range round + 1 {
		out = append(out, fmt.Sprintf("vm.new-%d", i))
	}
	return out
}

// commit writes the manifests of a round, which both have: every guest's tag is
// the round's own, and there is one guest more.
func (p *pair) commit(round int) {
	var text strings.Builder
	for i, g := range p.guests(round) {
		fmt.Fprintf(&text, "vm %q {\n  vmid   = %d\n  node   = \"pve1\"\n  memory = \"256MiB\"\n  tags   = [\"r%d\"]\n}\n", strings.TrimPrefix(g, "vm."), 900+i, round)
	}
	p.write("manifests/new.hcl", text.String())
	if p.clone = p.dir; p.db == nil {
		return
	}
	p.clone = p.t.(*testing.T).TempDir()
	if err := os.CopyFS(p.clone, os.DirFS(p.dir)); err != nil {
		p.t.Fatal(err)
	}
}

// both applies for both at once, and makes trouble.
func (p *pair) both() {
	var all sync.WaitGroup
	for _, dir := range []string{p.dir, p.clone} {
		cmd := exec.Command(os.Args[0], "-C", dir, "apply", "--yes", "--lock-timeout", "10s")
		cmd.Env = append(os.Environ(), mainEnv+"=1")
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Start(); err != nil {
			p.t.Fatal(err)
		}
		trouble, after, pause := p.rnd.Intn(4), time.Duration(p.rnd.Intn(900))*time.Millisecond, time.Duration(p.rnd.Intn(600))*time.Millisecond
		all.Go(func() {
			time.Sleep(after)
			p.trouble(cmd.Process, trouble, pause)
		})
		all.Go(func() {
			var exit *exec.ExitError
			if err := cmd.Wait(); errors.As(err, &exit) && !exit.Sys().(syscall.WaitStatus).Signaled() {
				if code := exit.ExitCode(); !slices.Contains([]int{api.ExitError, api.ExitDiffers, api.ExitIncomplete, api.ExitRefused, api.ExitPartial}, code) || strings.Contains(out.String(), "panic") {
					p.t.Errorf("recon apply exited with %d:\n%s", code, &out)
				}
			}
		})
	}
	all.Wait()
}

// trouble kills a process, cuts every connection to the ledger, or pauses the process
// and cuts them meanwhile, so that another may have taken its lock when it goes on.
func (p *pair) trouble(victim *os.Process, kind int, pause time.Duration) {
	switch kind {
	case 0:
		_ = victim.Kill()
	case 1:
		p.cut()
	case 2:
		_ = victim.Signal(syscall.SIGSTOP)
		p.cut()
		time.Sleep(pause)
		_ = victim.Signal(syscall.SIGCONT)
	}
}

func (p *pair) cut() {
	if p.db == nil {
		return
	}
	if _, err := p.db.Exec(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`); err != nil {
		p.t.Errorf("cut the connections: %v", err)
	}
}

// reached notes which guests have the tag of the round.
func (p *pair) reached(round int) {
	w := p.sim.World()
	for i, g := range p.guests(round) {
		for _, have := range w.Guests {
			if tag := fmt.Sprintf("r%d", round); have.VMID == 900+i && have.Config["tags"] == tag {
				p.set[g+" "+tag] = true
				if p.first[g] == "" {
					p.first[g] = tag
				}
			}
		}
	}
}

// told holds the events against what reached the cluster.
func (p *pair) told() {
	p.want(api.ExitOK, "history", "-o", "json")
	var history struct {
		Events []struct {
			Address, Event string
			Fields         []struct {
				Name string
				To   any
			}
		}
	}
	if err := json.Unmarshal(p.out.Bytes(), &history); err != nil {
		p.t.Fatal(err)
	}
	told := map[string]int{}
	for _, e := range history.Events {
		if e.Event == "created" { // with the values of that time
			told[e.Address+" "+p.first[e.Address]]++
		}
		for _, f := range e.Fields {
			if e.Event != "applied" {
				break
			}
			if tags, ok := f.To.([]any); ok && f.Name == "tags" && len(tags) == 1 {
				told[fmt.Sprintf("%s %v", e.Address, tags[0])]++
			}
		}
	}
	for what := range p.set {
		if told[what] != 1 {
			p.t.Errorf("%s reached the cluster and is told %d times:\n%s", what, told[what], &p.out)
		}
	}
	for what := range told {
		if !p.set[what] {
			p.t.Errorf("%s is told and never reached the cluster", what)
		}
	}
	for what, n := range p.sim.Stats().Effects {
		if n > 1 && strings.HasPrefix(what, "create ") {
			p.t.Errorf("%s happened %d times", what, n)
		}
	}
}
