package ledger

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"recon/inventory"
	"recon/reconcile"
)

// testNews: everything is read once, in the order in which it was written down, however
// many come at once; and a note is only replaced by who has read it.
func testNews(t *testing.T, p place) {
	ctx := context.Background()
	s := p.open(t)
	for i := range 3 {
		learns(t, s, reconcile.Learned{At: noon, Events: []inventory.Event{
			{At: noon.AddDate(0, 0, -i), Identity: "home/100", Kind: inventory.Changed, Summary: fmt.Sprint(i, "a")}, {At: noon, Identity: "home/101", Kind: inventory.Moved, Summary: fmt.Sprint(i, "b")},
		}})
	}
	got, after := "", int64(0)
	for {
		n, err := s.News(ctx, after, 0, 4)
		if err != nil {
			t.Fatal(err)
		}
		if len(n.Events) == 0 {
			break
		}
		for _, e := range n.Events {
			got += e.Summary + " "
			after = e.ID
		}
		if n.Last < after {
			t.Errorf("the last is %d, and %d was read", n.Last, after)
		}
	}
	if got != "0a 0b 1a 1b 2a 2b " {
		t.Errorf("the news are %s", got)
	}
	r, _, err := s.Write(ctx, "report", me)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := s.News(ctx, after, 0, 4); err != nil || len(n.Reports) > 0 {
		t.Errorf("a report that has found nothing yet: %v, %v", n.Reports, err)
	}
	if err := errors.Join(r.Learn(ctx, &reconcile.Learned{At: noon, Summary: "1 managed"}), r.Close(ctx, 0)); err != nil {
		t.Fatal(err)
	}
	n, err := s.News(ctx, after, 0, 4)
	if err != nil || len(n.Reports) != 1 || n.Reports[0].Summary != "1 managed" || n.LastRun != n.Reports[0].Run {
		t.Errorf("%+v, %v", n, err)
	}
	if n, err := s.News(ctx, after, n.LastRun, 4); err != nil || len(n.Reports) > 0 {
		t.Errorf("the report is told again: %v, %v", n.Reports, err)
	}

	for _, step := range []struct {
		was, now string
		err      error
	}{{"x", "a", ErrNoteChanged}, {"", "a", nil}, {"", "b", ErrNoteChanged}, {"b", "c", ErrNoteChanged}, {"a", "b", nil}} {
		if err := s.SetNote(ctx, "one", step.was, step.now); !errors.Is(err, step.err) {
			t.Errorf("%q in place of %q: %v", step.now, step.was, err)
		}
	}
	one, err := s.Note(ctx, "one")
	other, err2 := s.Note(ctx, "other")
	if one != "b" || other != "" || errors.Join(err, err2) != nil {
		t.Errorf("noted is %q and %q, %v %v", one, other, err, err2)
	}
}
