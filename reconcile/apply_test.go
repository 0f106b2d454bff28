package reconcile

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zclconf/go-cty/cty"
	"go.uber.org/goleak"

	"recon/inventory"
	"recon/providers"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A fakeHome is a provider in memory: guests with a digest that counts their
// changes. Hooks let a test interfere where a second editor or a broken line would.
type fakeHome struct {
	mu      sync.Mutex
	guests  map[string]inventory.Attrs
	version map[string]int
	calls   []string
	onDo    func(s inventory.Step) error // before a call; its error is the call's
	after   func(s inventory.Step) error // after it took effect
	onLook  func(identity string) error
	seen    func(o *inventory.Observation) // what a look shows otherwise
	apart   bool                           // the calls stand apart
	last    *inventory.Step                // follows the others
}

func (h *fakeHome) Name() string { return "proxmox.home" }

func (h *fakeHome) Read(ctx context.Context, want []inventory.Resource) (inventory.Snapshot, error) {
	s := inventory.Snapshot{Provider: h.Name(), Complete: true, Quorate: true}
	for _, w := range want {
		s.Observations = append(s.Observations, h.Look(ctx, w))
	}
	return s, nil
}

func (h *fakeHome) Look(_ context.Context, r inventory.Resource) inventory.Observation {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.onLook != nil {
		if err := h.onLook(r.Identity); err != nil {
			return inventory.Observation{Resource: r, Err: err}
		}
	}
	o := inventory.Observation{State: inventory.Absent, Resource: r}
	if attrs, ok := h.guests[r.Identity]; ok {
		o.State = inventory.Present
		o.Digest = fmt.Sprint(h.version[r.Identity])
		o.Resource.Attrs = maps.Clone(attrs)
		raw := map[string]string{}
		for p, v := range attrs {
			raw[string(p)] = inventory.ShowValue(v)
		}
		o.Volatile = inventory.Volatile{Raw: raw, Node: "node1"}
	}
	if h.seen != nil {
		h.seen(&o)
	}
	return o
}

// Steps makes one call a field, so that a change has several.
func (h *fakeHome) Steps(_ context.Context, c inventory.Change) ([]inventory.Step, []inventory.Reason, error) {
	var out []inventory.Step
	for _, f := range c.Writing() {
		out = append(out, inventory.Step{
			Method: "PUT", Path: c.Want.Identity, Params: map[string]string{string(f.Path): inventory.ShowValue(f.Desired)}, TakesDigest: true, Apart: h.apart, Impact: f.Impact, Touches: []string{string(f.Path)},
			Done: inventory.Probe{State: "present", Fields: map[inventory.Path]inventory.Value{f.Path: {Value: f.Desired}}}, Summary: "set " + string(f.Path),
		})
	}
	if h.last != nil && len(out) > 0 {
		out = append(out, *h.last)
	}
	return out, nil, nil
}

func (h *fakeHome) Do(_ context.Context, s inventory.Step, _ providers.Reporter) (providers.Result, error) {
	if h.onDo != nil {
		if err := h.onDo(s); err != nil {
			return providers.Result{}, err
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if s.Digest != fmt.Sprint(h.version[s.Path]) {
		return providers.Result{}, providers.ErrChangedMeanwhile
	}
	for p, v := range s.Done.Fields {
		h.guests[s.Path][p] = v.Value
	}
	h.version[s.Path]++
	h.calls = append(h.calls, s.Path+" "+s.Summary)
	if h.after != nil {
		return providers.Result{}, h.after(s)
	}
	return providers.Result{}, nil
}

// edit is a second editor.
func (h *fakeHome) edit(identity string, p inventory.Path, v cty.Value) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.guests[identity][p] = v
	h.version[identity]++
}

// A memoryJournal counts what is in flight.
type memoryJournal struct {
	mu   sync.Mutex
	open map[int64]string
	n    int64
	fail bool
}

func (j *memoryJournal) Begin(_ context.Context, addr inventory.Address, _ string, s inventory.Step) (int64, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.fail {
		return 0, errors.New("disk full")
	}
	j.n++
	j.open[j.n] = addr.String() + " " + s.Summary
	return j.n, nil
}

func (j *memoryJournal) End(_ context.Context, id int64, _ string) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.open, id)
	return nil
}

// applied runs an apply of wishes against a home.
func applied(t *testing.T, h *fakeHome, opts Options, wishes ...inventory.Resource) []Result {
	t.Helper()
	snap, err := h.Read(context.Background(), wishes)
	if err != nil {
		t.Fatal(err)
	}
	req := Request{Input: Input{Desired: wishes, Snapshots: []inventory.Snapshot{snap}}, Readers: []providers.Reader{h}}
	p, err := New(context.Background(), req)
	if err != nil {
		t.Fatal(err)
	}
	j := &memoryJournal{open: map[int64]string{}}
	if opts.Journal == nil {
		opts.Journal = j
	}
	opts.Ceiling = inventory.ImpactDestroy
	results := Apply(context.Background(), p, req, opts)
	if len(j.open) > 0 {
		t.Errorf("left in flight: %v", j.open)
	}
	return results
}

func newFakeHome() *fakeHome {
	return &fakeHome{guests: map[string]inventory.Attrs{"home/111": {"onboot": cty.False, "description": cty.StringVal("a")}}, version: map[string]int{"home/111": 1}}
}

func twoFields() inventory.Resource {
	w, _ := guest(inventory.Attrs{"onboot": cty.True, "description": cty.StringVal("b")}, nil, nil)
	return w
}

func TestApplyInOrder(t *testing.T) {
	h := newFakeHome()
	r := applied(t, h, Options{}, twoFields())
	if r[0].Status != StatusDone || len(h.calls) != 2 {
		t.Errorf("%s %v, calls %v", r[0].Status, r[0].Err, h.calls)
	}
}

// TestSecondEditor: somebody changes the guest between two steps. What remains is
// the same, so apply goes on with the new digest.
func TestSecondEditor(t *testing.T) {
	h := newFakeHome()
	once := sync.OnceFunc(func() { h.edit("home/111", "cores", cty.NumberIntVal(7)) })
	h.onDo = func(s inventory.Step) error {
		if s.Summary == "set onboot" {
			once()
		}
		return nil
	}
	r := applied(t, h, Options{}, twoFields())
	if r[0].Status != StatusDone {
		t.Errorf("%s %v", r[0].Status, r[0].Err)
	}
	if cores, _ := inventory.Int(h.guests["home/111"]["cores"]); cores != 7 {
		t.Error("the second editor's change was lost")
	}
}

// TestSecondEditorChangesThePlan: other steps would be needed now; without
// approval nothing more is done.
func TestSecondEditorChangesThePlan(t *testing.T) {
	for _, approve := range []bool{false, true} {
		t.Run(fmt.Sprint(approve), func(t *testing.T) {
			h := newFakeHome()
			once := sync.OnceFunc(func() { h.edit("home/111", "onboot", cty.True) })
			h.onDo = func(s inventory.Step) error { once(); return nil }
			opts := Options{}
			if approve {
				opts.Approve = func(*inventory.Change) bool { return true }
			}
			r := applied(t, h, opts, twoFields())
			if approve && r[0].Status != StatusDone {
				t.Errorf("%s %v", r[0].Status, r[0].Err)
			}
			if !approve && (!r[0].Stale || r[0].Status != StatusSkipped || len(h.calls) > 0) {
				t.Errorf("%s %v, calls %v", r[0].Status, r[0].Err, h.calls)
			}
		})
	}
}

// TestLostAnswer: the call took effect and its answer was lost. The look decides.
func TestLostAnswer(t *testing.T) {
	h := newFakeHome()
	h.after = func(inventory.Step) error { return fmt.Errorf("%w: connection reset", providers.ErrOutcomeUnknown) }
	r := applied(t, h, Options{}, twoFields())
	if r[0].Status != StatusDone || len(h.calls) != 2 {
		t.Errorf("%s %v, calls %v", r[0].Status, r[0].Err, h.calls)
	}
}

// TestLostRequest: the call did not arrive. It is not repeated, and the change
// failed.
func TestLostRequest(t *testing.T) {
	h := newFakeHome()
	tries := 0
	h.onDo = func(inventory.Step) error {
		tries++
		return fmt.Errorf("%w: connection reset", providers.ErrOutcomeUnknown)
	}
	r := applied(t, h, Options{}, twoFields())
	if r[0].Status != StatusFailed || tries != 1 {
		t.Errorf("%s %v after %d tries", r[0].Status, r[0].Err, tries)
	}
}

// TestUnseen: neither the answer nor the look tells what happened.
func TestUnseen(t *testing.T) {
	h := newFakeHome()
	blind := false
	h.onDo = func(inventory.Step) error { blind = true; return providers.ErrOutcomeUnknown }
	h.onLook = func(string) error {
		if blind {
			return errors.New("596")
		}
		return nil
	}
	j := &memoryJournal{open: map[int64]string{}}
	if r := applied(t, h, Options{Journal: j}, twoFields()); r[0].Status != StatusUnknown {
		t.Errorf("%s %v", r[0].Status, r[0].Err)
	}
	if len(j.open) != 1 {
		t.Errorf("in flight: %v; a later run shall say what became of it", j.open)
	}
}

// TestOneQuestionAtATime: two changes that go on at the same time both need
// approval. The second is not asked about before the first is answered, and each
// answer counts for the one that it was asked about.
func TestOneQuestionAtATime(t *testing.T) { synctest.Test(t, oneQuestionAtATime) }

func oneQuestionAtATime(t *testing.T) {
	h := newFakeHome()
	h.guests["home/112"], h.version["home/112"] = inventory.Attrs{"onboot": cty.False, "description": cty.StringVal("a")}, 1
	second := twoFields()
	second.Addr.Name, second.Identity = "other", "home/112"
	both := make(chan struct{})
	var begun atomic.Int32
	h.onDo = func(s inventory.Step) error {
		if s.Digest == "1" {
			h.edit(s.Path, "onboot", cty.True) // so that other steps are needed
			if begun.Add(1) == 2 {
				close(both)
			}
			<-both
		}
		return nil
	}
	asking := make(chan struct{}, 1)
	opts := Options{PerNode: 2, Approve: func(c *inventory.Change) bool {
		select {
		case asking <- struct{}{}:
		default:
			t.Error("asked while another question was open")
			return false
		}
		time.Sleep(time.Minute) // the bubble's: until everybody else waits
		<-asking
		return c.Want.Identity == "home/112"
	}}
	r := applied(t, h, opts, twoFields(), second)
	for i := range r {
		want := StatusSkipped
		if r[i].Change.Want.Identity == "home/112" {
			want = StatusDone
		}
		if r[i].Status != want {
			t.Errorf("%s: %s %v", r[i].Change.Want.Identity, r[i].Status, r[i].Err)
		}
	}
}

// TestNoJournalNoCall: what cannot be written down is not done.
func TestNoJournalNoCall(t *testing.T) {
	h := newFakeHome()
	r := applied(t, h, Options{Journal: &memoryJournal{fail: true}}, twoFields())
	if r[0].Status != StatusFailed || len(h.calls) > 0 {
		t.Errorf("%s %v, calls %v", r[0].Status, r[0].Err, h.calls)
	}
}

// TestDependents: a change waits for what it depends on, and is skipped when that
// did not end as planned.
func TestDependents(t *testing.T) {
	h := newFakeHome()
	h.guests["home/112"], h.version["home/112"] = inventory.Attrs{"onboot": cty.False}, 1
	first := twoFields()
	second := twoFields()
	second.Addr.Name, second.Identity = "later", "home/112"
	second.Attrs = inventory.Attrs{"onboot": cty.True}
	h.onDo = func(s inventory.Step) error {
		if s.Path == "home/111" {
			return errors.New("no")
		}
		return nil
	}
	snap, _ := h.Read(context.Background(), []inventory.Resource{first, second})
	req := Request{Input: Input{Desired: []inventory.Resource{second, first}, Snapshots: []inventory.Snapshot{snap}}, Readers: []providers.Reader{h}}
	req.Graph.Add(inventory.Edge{From: second.Addr, To: first.Addr})
	p, err := New(context.Background(), req)
	if err != nil {
		t.Fatal(err)
	}
	r := Apply(context.Background(), p, req, Options{Journal: &memoryJournal{open: map[int64]string{}}, Ceiling: inventory.ImpactDestroy})
	if r[0].Change.Addr != first.Addr || r[0].Status != StatusFailed || r[1].Status != StatusSkipped || r[1].Err == nil {
		t.Errorf("first %s, second %s %v", r[0].Status, r[1].Status, r[1].Err)
	}
}

// TestAnotherRunHasDoneIt: between the plan and the lock another run has made the same
// change. No call is begun that its digest is sure to have refused: were recon killed
// then, the next run would find the values and believe that this one brought them about.
func TestAnotherRunHasDoneIt(t *testing.T) {
	for _, looks := range []bool{true, false} {
		h, wish := newFakeHome(), twoFields()
		snap, _ := h.Read(context.Background(), []inventory.Resource{wish})
		req := Request{Input: Input{Desired: []inventory.Resource{wish}, Snapshots: []inventory.Snapshot{snap}}, Readers: []providers.Reader{h}}
		p, err := New(context.Background(), req)
		if err != nil {
			t.Fatal(err)
		}
		h.edit("home/111", "onboot", cty.True)
		h.edit("home/111", "description", cty.StringVal("b"))
		j := &memoryJournal{open: map[int64]string{}}
		r := Apply(context.Background(), p, req, Options{Ceiling: inventory.ImpactDestroy, Journal: j, LookFirst: looks})
		if r[0].Status != StatusDone || len(r[0].Done) > 0 || len(h.calls) > 0 || (j.n > 0) == looks {
			t.Errorf("looks %t: %s %v, %d steps begun, calls %v", looks, r[0].Status, r[0].Err, j.n, h.calls)
		}
	}
}
