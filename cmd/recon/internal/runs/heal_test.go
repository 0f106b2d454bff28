package runs

import (
	"database/sql"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"recon/cmd/recon/internal/docs"
	"recon/cmd/recon/internal/home"
	"recon/inventory"
	"recon/providers/proxmox/pvesim"
	"recon/reconcile"
	"recon/reconcile/ledger"
)

var mutatedApprovals = flag.Int("approvals", 14, "how many mutated approvals TestOnlyWhatWasApproved tries")

// A ward is a simulated home in which recon may heal.
type ward struct {
	*testing.T
	sim   *pvesim.Server
	home  *home.Home
	now   time.Time
	vmids []int
	block string // what every guest's block says beside its values
}

// newWard makes a home of so many declared VMs, and looks at it once.
func newWard(t *testing.T, guests int, block string) *ward {
	w := &ward{T: t, now: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC), block: block}
	world := pvesim.Generate(guests*2, 7)
	sim, err := pvesim.New(pvesim.Options{World: world, StatCycle: -1, AuthDelay: -1, NodeDelay: -1})
	if err != nil {
		t.Fatal(err)
	}
	w.sim = sim
	t.Cleanup(func() { sim.Close() })
	sim.Update(func(world *pvesim.World) {
		for _, g := range world.Guests {
			if g.Kind == "qemu" && !g.Template && g.Lock == "" && len(w.vmids) < guests {
				w.vmids = append(w.vmids, g.VMID)
			}
		}
	})
	if len(w.vmids) < guests {
		t.Fatalf("the world has %d VMs", len(w.vmids))
	}
	slices.Sort(w.vmids)
	dir := t.TempDir()
	w.home = home.At(dir, home.Options{Now: func() time.Time { return w.now }, Command: "recon serve"})
	w.write(nil)
	if w.home, err = home.Open(home.Options{Dir: dir, Now: func() time.Time { return w.now }, Command: "recon serve"}); err != nil {
		t.Fatal(err)
	}
	w.look()
	return w
}

// write declares every guest's description, as a map says or as it is by default.
func (w *ward) write(says map[int]string) {
	w.Helper()
	text := fmt.Sprintf("proxmox \"home\" {\n  endpoints = [%q]\n  token = %q\n  fingerprint = %q\n}\nschedule \"heal\" {\n  cron = \"* * * * *\"\n  action = \"heal\"\n}\n", w.sim.Endpoint(), w.sim.Token(), w.sim.Fingerprint())
	for _, id := range w.vmids {
		d, ok := says[id]
		if !ok {
			d = "as declared"
		}
		text += fmt.Sprintf("vm \"g%d\" {\n  vmid = %d\n  description = %q\n%s\n}\n", id, id, d, w.block)
	}
	if err := os.WriteFile(filepath.Join(w.home.Root, "recon.hcl"), []byte(text), 0o600); err != nil {
		w.Fatal(err)
	}
	if w.home.Project() != nil {
		if err := w.home.Reload(); err != nil {
			w.Fatal(err)
		}
	}
	w.sim.Update(func(world *pvesim.World) {
		for _, g := range world.Guests {
			if _, known := says[g.VMID]; !known && says == nil && slices.Contains(w.vmids, g.VMID) {
				g.Config["description"], g.Config["name"] = "as declared", fmt.Sprint("g", g.VMID)
			}
		}
	})
}

// outside changes guests as somebody else would.
func (w *ward) outside(text string, ids ...int) {
	w.sim.Update(func(world *pvesim.World) {
		for _, g := range world.Guests {
			if slices.Contains(ids, g.VMID) {
				g.Config["description"] = text
			}
		}
	})
}

// are counts the guests with a description, and all that there are.
func (w *ward) are(text string) (n, all int) {
	w.sim.Update(func(world *pvesim.World) {
		all = len(world.Guests)
		for _, g := range world.Guests {
			if slices.Contains(w.vmids, g.VMID) && g.Config["description"] == text {
				n++
			}
		}
	})
	return n, all
}

// look is a run that only looks.
func (w *ward) look() {
	w.Helper()
	if _, err := Run(w.Context(), w.home, "drift", docs.Options{}); err != nil {
		w.Fatal(err)
	}
}

// heal is a run that heals, a minute later.
func (w *ward) heal() *Cycle {
	w.Helper()
	w.now = w.now.Add(time.Minute)
	c, err := Heal(w.Context(), w.home)
	if err != nil {
		w.Fatal(err)
	}
	return c
}

// waiting are the proposals that wait.
func (w *ward) waiting() []reconcile.Proposal {
	w.Helper()
	l, err := w.home.WritableLedger(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	defer l.Close()
	r, err := l.Recall(w.Context(), w.now)
	if err != nil {
		w.Fatal(err)
	}
	return slices.DeleteFunc(r.Proposals, func(p reconcile.Proposal) bool { return p.State != reconcile.ProposalOpen })
}

func (w *ward) decide(id, state string) error {
	l, err := w.home.WritableLedger(w.Context())
	if err != nil {
		return err
	}
	defer l.Close()
	_, err = l.Decide(w.Context(), id, state, "lena", w.now)
	return err
}

const heals = "  on_drift = \"heal\""

func (w *ward) expect(what, text string, want int) {
	w.Helper()
	if n, _ := w.are(text); n != want {
		w.Errorf("%s: %d guests are %q, not %d", what, n, text, want)
	}
}

func kinds(events []inventory.Event) map[inventory.EventKind]int {
	out := map[inventory.EventKind]int{}
	for _, e := range events {
		out[e.Kind]++
	}
	return out
}

// TestHeal: what somebody changed outside is taken back when two looks have seen it, and
// only where a manifest says so.
func TestHeal(t *testing.T) {
	w := newWard(t, 3, heals)
	w.outside("changed", w.vmids[0])
	c := w.heal()
	if w.expect("seen once", "changed", 1); !c.Again.Equal(w.now.Add(reconcile.SeenTwice + time.Second)) {
		t.Errorf("it looks again at %s", c.Again)
	}
	c = w.heal()
	w.expect("seen twice", "as declared", 3)
	if k := kinds(c.Events); k[inventory.Healed] != 1 || k[inventory.DriftResolved] != 0 || len(c.Events) != 1 || len(w.waiting()) != 0 || !c.Plan.InSync() {
		t.Errorf("it tells %+v, and proposes %d", c.Events, len(w.waiting()))
	}
	if c := w.heal(); len(c.Events) != 0 || len(c.Results) != 0 {
		t.Errorf("once more it tells %+v", c.Events)
	}
	w = newWard(t, 2, "")
	w.outside("changed", w.vmids[0])
	w.heal()
	c = w.heal()
	if w.expect("nobody says heal", "changed", 1); len(w.waiting()) != 1 || kinds(c.Events)[inventory.Proposed] != 1 {
		t.Errorf("proposed: %d, told: %+v", len(w.waiting()), c.Events)
	}
}

// TestSecondWriter: when somebody else puts back what recon takes back, it stops after two
// rounds and says who that is.
func TestSecondWriter(t *testing.T) {
	w := newWard(t, 1, "  on_drift = \"heal\"\n  heal {\n    at_most = 50\n  }")
	healed := 0
	for range 40 {
		if n, _ := w.are("as declared"); n == 1 {
			w.outside("changed by a script", w.vmids[0])
			w.look()
		}
		w.now = w.now.Add(5 * time.Minute)
		healed += len(w.heal().Results)
	}
	waiting := w.waiting()
	if healed != 2 || len(waiting) != 1 || !strings.Contains(waiting[0].Why, "taken back 2 times") {
		t.Errorf("healed %d times, and proposes %+v", healed, waiting)
	}
	w.expect("after the breaker", "changed by a script", 1)
	w.outside("as declared", w.vmids[0])
	w.heal()
	w.now = w.now.Add(25 * time.Hour) // calm
	w.outside("changed again", w.vmids[0])
	w.heal()
	if w.heal(); len(w.waiting()) != 0 {
		t.Errorf("after a calm day it proposes %+v", w.waiting())
	}
	w.expect("after a calm day", "as declared", 1)
}

// TestManyAtOnce: of fifty guests that changed at the same time at most the cap is healed,
// of a manifest that went back nothing is, and nothing is ever made or deleted.
func TestManyAtOnce(t *testing.T) {
	w := newWard(t, 50, heals)
	_, before := w.are("")
	w.outside("changed", w.vmids...)
	w.heal()
	w.heal()
	w.expect("healed", "as declared", reconcile.HealsARun)
	if n := len(w.waiting()); n != 50-reconcile.HealsARun {
		t.Errorf("%d are proposed", n)
	}
	for range 5 {
		w.now = w.now.Add(24 * time.Hour)
		w.heal()
	}
	w.expect("what is proposed is somebody's to decide", "as declared", reconcile.HealsARun)

	w = newWard(t, 50, heals)
	says := map[int]string{}
	for _, id := range w.vmids {
		says[id] = "as it was before"
	}
	w.write(says) // git revert
	for range 4 {
		w.heal()
	}
	w.expect("a manifest that went back", "as declared", 50)
	if n := len(w.waiting()); n != 50 {
		t.Errorf("%d are proposed", n)
	}
	if _, after := w.are(""); after != before {
		t.Errorf("there were %d guests, and are %d", before, after)
	}
}

// TestHealingHasBounds: freezes, windows, pauses and the daily count hold.
func TestHealingHasBounds(t *testing.T) {
	w := newWard(t, 1, heals+"\n  heal {\n    window = { cron = \"0 2 * * *\", duration = \"1h\", timezone = \"UTC\" }\n  }")
	w.outside("changed", w.vmids[0])
	w.look()
	w.heal()
	w.expect("outside of its window", "changed", 1)
	if len(w.waiting()) != 0 {
		t.Errorf("it proposes %+v", w.waiting())
	}
	w.now = time.Date(2026, 3, 3, 2, 30, 0, 0, time.UTC)
	l, err := w.home.WritableLedger(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := l.SetFreeze(t.Context(), &reconcile.Freeze{By: "lena", At: w.now, Until: w.now.Add(10 * time.Minute)}, "lena", w.now); err != nil {
		t.Fatal(err)
	}
	w.heal()
	w.expect("frozen", "changed", 1)
	w.now = w.now.Add(10 * time.Minute)
	w.heal()
	w.expect("in its window", "as declared", 1)
}

// TestOnlyWhatWasApproved: what is carried out is what was approved, once; of anything that
// was touched between nothing is.
func TestOnlyWhatWasApproved(t *testing.T) {
	w := newWard(t, 2, "")
	propose := func() reconcile.Proposal {
		t.Helper()
		w.outside("changed", w.vmids[0])
		w.look()
		w.heal()
		if len(w.waiting()) == 0 {
			w.heal()
		}
		if len(w.waiting()) != 1 {
			t.Fatalf("%d proposals wait", len(w.waiting()))
		}
		return w.waiting()[0]
	}
	carry := func(id string) *Apply {
		t.Helper()
		run, err := CarryOut(t.Context(), w.home, []string{id})
		if err != nil {
			t.Fatal(err)
		}
		return run
	}
	p := propose()
	if run := carry(p.ID); len(run.Results) != 0 {
		t.Fatal("what nobody has approved was carried out")
	}
	if err := w.decide(p.ID, reconcile.ProposalApproved); err != nil {
		t.Fatal(err)
	}
	run := carry(p.ID)
	w.expect("approved", "as declared", 2)
	if len(run.Carried) != 1 || run.Carried[0].Outcome != inventory.ProposalDone || run.Code() != home.ExitOK || kinds(run.After.Events)[inventory.ProposalEnded] != 1 || kinds(run.After.Events)[inventory.WasApplied] != 1 {
		t.Errorf("it ended as %+v, and told %+v", run.Carried, run.After.Events)
	}
	w.outside("changed", w.vmids[0])
	if run := carry(p.ID); len(run.Results) != 0 {
		t.Error("it was carried out twice")
	}
	w.expect("replayed", "changed", 1)

	rnd := rand.New(rand.NewPCG(1, 2))
	for i := range *mutatedApprovals {
		w.outside("as declared", w.vmids[0])
		w.write(nil)
		w.look()
		p := propose()
		what := w.mutate(rnd, i, p)
		before, _ := w.are("as declared")
		run := carry(p.ID)
		if after, _ := w.are("as declared"); after != before || len(run.Results) > 0 && run.Results[0].Status == reconcile.StatusDone {
			t.Fatalf("after %s it was carried out: %+v", what, run.Carried)
		}
		w.write(nil)
		w.now = w.now.Add(8 * 24 * time.Hour) // what is left of it expires
		w.heal()
	}
	chain := w.chain()
	if chain.Broken != "" {
		t.Errorf("the history is broken: %s", chain.Broken)
	}
}

func (w *ward) chain() reconcile.Chain {
	l, err := w.home.WritableLedger(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	defer l.Close()
	c, err := l.Verify(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	return c
}

// mutate does one thing that an approval does not survive, and says what.
func (w *ward) mutate(rnd *rand.Rand, i int, p reconcile.Proposal) string {
	w.Helper()
	approve := func() {
		if err := w.decide(p.ID, reconcile.ProposalApproved); err != nil {
			w.Fatal(err)
		}
	}
	switch i % 7 {
	case 0:
		other := []byte(p.ID)
		other[rnd.IntN(len(other))] ^= 1
		if w.decide(string(other), reconcile.ProposalApproved) == nil {
			w.Fatal("another ID is approved")
		}
		return "an approval of another ID"
	case 1:
		w.now = w.now.Add(reconcile.ProposalLife + time.Duration(rnd.IntN(1000))*time.Hour)
		if w.decide(p.ID, reconcile.ProposalApproved) == nil {
			w.Fatal("an expired one is approved")
		}
		return "its time"
	case 2:
		approve()
		w.now = w.now.Add(reconcile.ProposalLife)
		return "its time, approved before"
	case 3:
		if err := w.decide(p.ID, reconcile.ProposalRejected); err != nil {
			w.Fatal(err)
		}
		if w.decide(p.ID, reconcile.ProposalApproved) == nil {
			w.Fatal("what was rejected is approved")
		}
		return "a rejection"
	case 4:
		approve()
		w.outside(fmt.Sprint("something else ", rnd.IntN(1000)), w.vmids[0])
		return "a change of the guest"
	case 5:
		approve()
		w.write(map[int]string{w.vmids[1]: fmt.Sprint("another wish ", rnd.IntN(1000))})
		return "a change of the manifests"
	}
	approve()
	w.tamper(i/7, p)
	return "an edit of the proposal in the ledger"
}

// tamper edits a proposal in the ledger's file.
func (w *ward) tamper(i int, p reconcile.Proposal) {
	w.Helper()
	db, err := sql.Open("sqlite", filepath.Join(w.home.StatePath(), ledger.File))
	if err != nil {
		w.Fatal(err)
	}
	defer db.Close()
	edits := []string{
		`UPDATE proposals SET body = replace(body, 'as declared', 'as somebody else wishes') WHERE id = ?`,
		`UPDATE proposals SET body = replace(body, '/config', '/status/stop') WHERE id = ?`,
		`UPDATE proposals SET body = replace(body, '"PUT"', '"DELETE"') WHERE id = ?`,
		`UPDATE proposals SET body = replace(body, '"why":"', '"why":"really ') WHERE id = ?`,
		`UPDATE proposals SET body = replace(body, '"digest":"', '"digest":"0') WHERE id = ?`,
		`UPDATE proposals SET expires_at = expires_at + 86400 WHERE id = ?`,
		`UPDATE proposals SET body = replace(body, 'recon.hcl', 'other.hcl') WHERE id = ?`,
	}
	edit := edits[i%len(edits)]
	res, err := db.ExecContext(w.Context(), edit, p.ID)
	if err != nil {
		w.Fatal(err)
	}
	if n, _ := res.RowsAffected(); n != 1 {
		w.Fatalf("%s edits %d rows", edit, n)
	}
}

// TestLookOfBefore: what a run has written after a look began that look may not have seen,
// however late its memory is read: it was paused, or a cluster took its time.
func TestLookOfBefore(t *testing.T) {
	w := newWard(t, 1, heals)
	w.heal()
	before, err := w.home.Observe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer before.Close()
	last := func() int64 {
		t.Helper()
		l, err := w.home.Ledger(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		run, err := l.LastRun(t.Context())
		if err != nil || run.ID == 0 || run.Going {
			t.Fatalf("the last run is %+v, %v", run, err)
		}
		return run.ID
	}
	if !before.Fresh(last()) {
		t.Error("nobody has written, and the look is one of before")
	}
	w.heal()
	if err := before.RereadLedger(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !before.Memory.Whole(last()) || before.Fresh(last()) {
		t.Error("a run has written since it began, and the look is not one of before")
	}

	// A command begins to look while it still reads manifests, before it opens the ledger.
	early, err := home.OpenToObserve(t.Context(), home.Options{Dir: w.home.Root, Now: w.home.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer early.Close()
	w.heal()
	db, err := sql.Open("sqlite", filepath.Join(w.home.StatePath(), ledger.File))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("UPDATE runs SET ended_at = ended_at + 1"); err != nil { // it has taken a second
		t.Fatal(err)
	}
	look, err := early.Observe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer look.Close()
	if !look.Memory.Whole(last()) || look.Fresh(last()) {
		t.Error("a run has written since the first question was sent, and the look is not one of before")
	}
}
