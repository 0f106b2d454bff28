package ledger

import (
	"context"
	"errors"
	"testing"
	"time"

	"recon/reconcile"
)

// testLead: one of two daemons leads until it has said nothing for long, has ended or says
// that it stops; one that was paused meanwhile can begin, write and remember nothing, and
// what it holds is taken from it.
func testLead(t *testing.T, p place) {
	ctx := context.Background()
	a, b := p.open(t), p.open(t)
	of := func(pid int) Leader { return Leader{Holder: reconcile.Holder{PID: pid, Host: "here"}} }
	no := func(Leader) bool { return false }
	lead := func(s *Store, pid int, epoch int64, gone func(Leader) bool) (int64, *Leader) {
		t.Helper()
		now, other, err := s.Lead(ctx, of(pid), epoch, gone)
		if err != nil {
			t.Fatal(err)
		}
		return now, other
	}
	first, other := lead(a, 1, 0, no)
	if first == 0 || other != nil {
		t.Fatalf("the first one does not lead: %d %v", first, other)
	}
	if again, _ := lead(a, 1, first, no); again != first {
		t.Errorf("who goes on leading becomes another: %d", again)
	}
	if now, other := lead(b, 2, 0, no); now != 0 || other == nil || other.PID != 1 {
		t.Errorf("two lead: %d %v", now, other)
	}
	holder := me
	holder.Lead = first
	run, _, err := a.Write(ctx, "test", holder)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.update(ctx, func(w write) error { // the one that leads is paused, and time goes on
		_, err := w.exec(`UPDATE fence SET holder = $1 WHERE name = 'daemon'`, body(Leader{Holder: me, Until: 1}))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	second, _ := lead(b, 2, 0, no)
	if second <= first {
		t.Fatalf("nobody takes over: %d", second)
	}
	if err := run.Learn(ctx, &reconcile.Learned{At: noon}); !errors.Is(err, reconcile.ErrLockLost) {
		t.Errorf("the run of one that leads no more is written: %v", err)
	}
	_ = run.Close(ctx, 0)
	if _, _, err := a.Write(ctx, "test", holder); !errors.Is(err, reconcile.ErrLockLost) {
		t.Errorf("one that leads no more begins a run: %v", err)
	}
	if err := a.Deal(ctx, "often", noon, true, first); !errors.Is(err, reconcile.ErrLockLost) {
		t.Errorf("one that leads no more deals with a schedule: %v", err)
	}
	if err := b.Deal(ctx, "often", noon, true, second); err != nil {
		t.Error(err)
	}
	if begun, err := a.Begun(ctx); err != nil || !begun["often"].Equal(noon) {
		t.Errorf("what was begun: %v %v", begun, err)
	}
	if err := b.Ended(ctx, "often", second); err != nil {
		t.Error(err)
	}
	if begun, err := a.Begun(ctx); err != nil || len(begun) > 0 {
		t.Errorf("what has ended is begun: %v %v", begun, err)
	}
	holder.Lead = second
	if run, _, err = b.Write(ctx, "test", holder); err != nil {
		t.Fatalf("who leads cannot write: %v", err)
	}
	_ = run.Close(ctx, 0)
	third, _ := lead(a, 1, first, func(l Leader) bool { return l.PID == 2 })
	if third <= second {
		t.Errorf("who has ended still leads: %d", third)
	}
	if err := a.Resign(ctx, third); err != nil {
		t.Fatal(err)
	}
	if p.pg != nil {
		var patience string
		if err := a.db.QueryRow(`SHOW idle_in_transaction_session_timeout`).Scan(&patience); err != nil || patience != "10s" {
			t.Errorf("one that is paused within a transaction keeps its rows for %q, %v", patience, err)
		}
		holder.Lead = first
		if _, err := a.backend.lock(ctx, a, holder); err != nil { // and it is paused before it says so
			t.Fatal(err)
		}
	}
	begun := time.Now()
	if fourth, _ := lead(b, 2, 0, no); fourth <= third || time.Since(begun) > 5*time.Second {
		t.Errorf("who stops still leads: %d", fourth)
	}
	if err := b.update(ctx, func(w write) error {
		_, err := w.exec(`UPDATE fence SET holder = $1 WHERE name = 'daemon'`, body(Leader{Holder: me, Until: 1}))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	holder.Lead, _ = lead(b, 2, 0, no)
	if run, _, err = b.Write(ctx, "test", holder); err != nil {
		t.Fatalf("a lock that nobody said to have is not taken over: %v", err)
	}
	_ = run.Close(ctx, 0)
}
