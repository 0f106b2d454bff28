package ledger

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"recon/inventory"
	"recon/reconcile"
)

// chained is a ledger with some history, half of it of runs and half of decisions.
func chained(t *testing.T, p place) *Store {
	t.Helper()
	s := p.open(t)
	for i := range 6 {
		e := inventory.Event{At: noon.Add(time.Duration(i) * time.Hour), Address: media, Identity: "home/111", Kind: inventory.Changed, By: "root@pam", Summary: fmt.Sprint("event ", i)}
		learns(t, s, reconcile.Learned{At: noon, Managed: 1, Events: []inventory.Event{e, e}})
		if err := s.SetFreeze(t.Context(), &reconcile.Freeze{By: "lena", At: noon}, "lena", noon); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func verified(t testing.TB, s *Store) reconcile.Chain {
	t.Helper()
	c, err := s.Verify(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// testChain: whatever somebody does to a line of the history shows, and what recon itself
// lets go does not.
func testChain(t *testing.T, p place) {
	s := chained(t, p)
	if c := verified(t, s); c.Broken != "" || c.Linked != 18 || c.Unlinked != 0 || len(c.Head) != 64 {
		t.Fatalf("nothing was done to it, and it is %+v", c)
	}
	for _, what := range []string{
		`UPDATE events SET summary = 'nothing happened' WHERE id = (SELECT MIN(id) + 3 FROM events)`,
		`UPDATE events SET changed_by = 'somebody' WHERE id = (SELECT MAX(id) FROM events)`,
		`UPDATE events SET at = at + 1 WHERE id = (SELECT MIN(id) FROM events)`,
		`UPDATE events SET kind = 'moved' WHERE id = (SELECT MIN(id) + 3 FROM events)`,
		`UPDATE events SET fields = '[{"name":"memory"}]' WHERE id = (SELECT MIN(id) + 3 FROM events)`,
		`UPDATE events SET address = 'vm.other' WHERE id = (SELECT MIN(id) + 3 FROM events)`,
		`UPDATE events SET link = '' WHERE id = (SELECT MIN(id) + 3 FROM events)`,
		`UPDATE events SET link = ''`,
		`DELETE FROM events WHERE id = (SELECT MIN(id) FROM events)`,
		`DELETE FROM events WHERE id = (SELECT MIN(id) + 3 FROM events)`,
		`DELETE FROM events WHERE id = (SELECT MAX(id) FROM events)`,
		`DELETE FROM events`,
		`INSERT INTO events (at, address, identity, kind, changed_by, summary, fields) SELECT at, address, identity, kind, changed_by, summary, fields FROM events WHERE id = (SELECT MIN(id) FROM events)`,
	} {
		tx, err := s.db.Begin()
		if err != nil {
			t.Fatal(err)
		}
		var broken reconcile.Chain
		if _, err = tx.Exec(what); err == nil {
			broken, err = verifyIn(query{t.Context(), tx})
		}
		if err != nil || broken.Broken == "" {
			t.Errorf("after %s the history is taken for whole: %+v, %v", what, broken, err)
		}
		if err := tx.Rollback(); err != nil {
			t.Fatal(err)
		}
	}
	late := noon.Add(402 * 24 * time.Hour)
	learns(t, s, reconcile.Learned{At: late, Managed: 1, Events: []inventory.Event{{At: late, Kind: inventory.Changed, Address: media}}})
	if c := verified(t, s); c.Broken != "" || c.Linked != 1 || c.Dropped != 18 {
		t.Errorf("after what is old was let go it is %+v", c)
	}
	learns(t, s, reconcile.Learned{At: late.Add(500 * 24 * time.Hour), Managed: 1})
	if c := verified(t, s); c.Broken != "" || c.Linked != 0 || c.Dropped != 19 {
		t.Errorf("after everything was let go it is %+v", c)
	}
}

// aProposal is one that waits.
func aProposal(t testing.TB, s *Store, memory int64) reconcile.Proposal {
	t.Helper()
	c := inventory.Change{Addr: media, Action: inventory.ActionUpdate, Want: inventory.Resource{Addr: media, Identity: "home/111", Provider: "proxmox.home"}, Digest: "abc", Steps: []inventory.Step{
		{Method: "PUT", Path: "/nodes/a/qemu/111/config", Params: map[string]string{"memory": fmt.Sprint(memory)}, Done: inventory.Probe{State: "present"}},
	}}
	p, err := reconcile.Propose(&c, "the manifest has changed", reconcile.Origin{Commit: "c0ffee", Manifests: map[string]string{"a.hcl": "1"}}, noon)
	if err != nil {
		t.Fatal(err)
	}
	learns(t, s, reconcile.Learned{At: noon, Managed: 1, Proposed: []reconcile.Proposal{p}})
	return p
}

// testProposals: a proposal comes back as it was made, is decided about once, and carried
// out once, whoever tries at the same time.
func testProposals(t *testing.T, place place) {
	s := place.open(t)
	p := aProposal(t, s, 1024)
	r := recall(t, s)
	if len(r.Proposals) != 1 || r.Proposals[0].ID != p.ID || r.Proposals[0].State != reconcile.ProposalOpen {
		t.Fatalf("it comes back as %+v", r.Proposals)
	}
	fresh := &reconcile.Plan{ObservedAt: noon}
	if _, err := r.Proposals[0].Hold(fresh, p.Plan.Origin); err == nil || strings.Contains(err.Error(), "not the one that was made") {
		t.Errorf("it is not what was made: %v", err)
	}
	if got, err := s.Proposal(t.Context(), p.ID[:10]); err != nil || got.ID != p.ID {
		t.Errorf("by the beginning of its ID it is %v, %v", got.ID, err)
	}
	for _, none := range []string{"", "ff", "%", p.ID + "0", "' OR 1=1"} {
		if _, err := s.Proposal(t.Context(), none); none != "" && !errors.Is(err, ErrDecided) {
			t.Errorf("%q names a proposal: %v", none, err)
		}
	}
	if got := claim(t, s, p.ID); len(got) != 0 {
		t.Errorf("one that nobody has approved is carried out")
	}
	var won sync.Map
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			state := []string{reconcile.ProposalApproved, reconcile.ProposalRejected}[i%2]
			if got, err := s.Decide(context.Background(), p.ID, state, fmt.Sprint("user ", i), noon.Add(time.Minute)); err == nil {
				won.Store(i, got.By)
			} else if !errors.Is(err, ErrDecided) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	n := 0
	won.Range(func(_, _ any) bool { n++; return true })
	if n != 1 {
		t.Errorf("%d have decided", n)
	}
	late := aProposal(t, s, 2048)
	if _, err := s.Decide(t.Context(), late.ID, reconcile.ProposalApproved, "lena", noon.Add(reconcile.ProposalLife)); !errors.Is(err, ErrDecided) {
		t.Errorf("an expired one is approved: %v", err)
	}
	if _, err := s.Decide(t.Context(), late.ID, reconcile.ProposalApproved, "lena", noon.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if got := claim(t, s, late.ID); len(got) != 1 || got[0].By != "lena" {
		t.Errorf("what is carried out is %+v", got)
	}
	if got := claim(t, s, late.ID); len(got) != 0 {
		t.Errorf("it is carried out twice")
	}
	learns(t, s, reconcile.Learned{At: noon, Managed: 1, Ended: []reconcile.Ending{{ID: late.ID, Outcome: inventory.ProposalDone}}, Healings: map[inventory.Address]reconcile.Healing{
		media: {At: []time.Time{noon}, Rounds: reconcile.Drifts{"memory": 1}},
	}})
	if got, err := s.Proposal(t.Context(), late.ID); err != nil || got.State != inventory.ProposalDone {
		t.Errorf("it has ended as %q, %v", got.State, err)
	}
	r = recall(t, s)
	if len(r.Proposals) != 1 || r.Healings[media].Rounds["memory"] != 1 {
		t.Errorf("what is remembered is %+v and %+v", r.Proposals, r.Healings)
	}
	if c := verified(t, s); c.Broken != "" {
		t.Errorf("%+v", c)
	}
}

func claim(t testing.TB, s *Store, ids ...string) []reconcile.Proposal {
	t.Helper()
	r := begin(t, s)
	out, err := r.Claim(context.Background(), ids)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(context.Background(), 0); err != nil {
		t.Fatal(err)
	}
	return out
}

// testFreeze: it counts until its end, or until somebody ends it.
func testFreeze(t *testing.T, p place) {
	s := p.open(t)
	f := &reconcile.Freeze{By: "lena", At: noon, Until: noon.Add(time.Hour), Reason: "backup"}
	if err := s.SetFreeze(t.Context(), f, "lena", noon); err != nil {
		t.Fatal(err)
	}
	got := recall(t, s).Freeze
	if !got.Holds(noon) || got.Holds(noon.Add(time.Hour)) || got.Reason != "backup" {
		t.Errorf("it is %+v", got)
	}
	for range 2 { // the second changes nothing, and is not told
		if err := s.SetFreeze(t.Context(), nil, "lena", noon); err != nil {
			t.Fatal(err)
		}
	}
	events, err := s.Events(t.Context(), time.Time{}, inventory.Address{})
	if err != nil || len(events) != 2 || recall(t, s).Freeze.Holds(noon) {
		t.Errorf("the history is %+v, %v", events, err)
	}
}
