package reconcile

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"recon/inventory"
	"recon/providers"
)

// A bluntHome has calls that take no digest, as power, migration and snapshot do:
// nothing but a look before them notices a second editor.
type bluntHome struct{ *fakeHome }

func (h bluntHome) Steps(ctx context.Context, c inventory.Change) ([]inventory.Step, []inventory.Reason, error) {
	steps, reasons, err := h.fakeHome.Steps(ctx, c)
	for i := range steps {
		steps[i].TakesDigest = false
	}
	return steps, reasons, err
}

func (h bluntHome) Do(ctx context.Context, s inventory.Step, r providers.Reporter) (providers.Result, error) {
	h.mu.Lock()
	s.Digest = fmt.Sprint(h.version[s.Path])
	if h.guests[s.Path] == nil {
		h.guests[s.Path] = inventory.Attrs{} // the call goes through, whatever it meets
	}
	h.mu.Unlock()
	return h.fakeHome.Do(ctx, s, r)
}

// appliedAfter plans, has something happen, and applies.
func appliedAfter(t *testing.T, home providers.Writer, meanwhile func(), opts Options, wish inventory.Resource) Result {
	t.Helper()
	snap, err := home.Read(t.Context(), []inventory.Resource{wish})
	if err != nil {
		t.Fatal(err)
	}
	req := Request{Input: Input{Desired: []inventory.Resource{wish}, Snapshots: []inventory.Snapshot{snap}}, Readers: []providers.Reader{home}}
	p, err := New(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	meanwhile()
	opts.Journal, opts.Ceiling = &memoryJournal{open: map[int64]string{}}, inventory.ImpactDestroy
	return Apply(t.Context(), p, req, opts)[0]
}

// TestLookBeforeACallWithoutDigest: whatever happened to a guest since the plan, a call
// that cannot be refused by its digest is not made before a look has found the guest as
// planned, or the same steps still to be the ones.
func TestLookBeforeACallWithoutDigest(t *testing.T) {
	const id = "home/111"
	tests := []struct {
		name      string
		meanwhile func(h *fakeHome)
		status    Status
		stale     bool
		calls     int
		says      string
	}{
		{name: "nothing", meanwhile: func(*fakeHome) {}, status: StatusDone, calls: 2},
		{name: "another field changed", meanwhile: func(h *fakeHome) { h.edit(id, "cores", cty.NumberIntVal(7)) }, status: StatusDone, calls: 2},
		{name: "one field is as wished by now", meanwhile: func(h *fakeHome) { h.edit(id, "onboot", cty.True) }, status: StatusSkipped, stale: true, says: "other steps"},
		{name: "all is as wished by now", meanwhile: func(h *fakeHome) {
			h.edit(id, "onboot", cty.True)
			h.edit(id, "description", cty.StringVal("b"))
		}, status: StatusDone},
		{name: "the guest is gone", meanwhile: func(h *fakeHome) { delete(h.guests, id) }, status: StatusSkipped, stale: true},
		{name: "the look fails", meanwhile: func(h *fakeHome) { h.onLook = func(string) error { return errors.New("595 no route") } }, status: StatusFailed, says: "595 no route"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newFakeHome()
			r := appliedAfter(t, bluntHome{h}, func() { tt.meanwhile(h) }, Options{}, twoFields())
			if r.Status != tt.status || r.Stale != tt.stale || len(h.calls) != tt.calls {
				t.Errorf("%s, stale %t, calls %v: %v", r.Status, r.Stale, h.calls, r.Err)
			}
			if tt.says != "" && (r.Err == nil || !strings.Contains(r.Err.Error(), tt.says)) {
				t.Errorf("error %v, want one that says %q", r.Err, tt.says)
			}
		})
	}
}

// TestSomebodyElseChangedAKey: while a call of recon's is under way, another one changes
// a key that the call does not touch. The call went well and its digest is current, so
// the read-back alone can notice; what remains is planned anew.
func TestSomebodyElseChangedAKey(t *testing.T) {
	const id = "home/111"
	tests := []struct {
		name    string
		foreign func(inventory.Attrs)
		noticed bool // other steps are needed now
	}{
		{name: "nothing", foreign: func(inventory.Attrs) {}},
		{name: "a declared key has another value", foreign: func(a inventory.Attrs) { a["cores"] = cty.NumberIntVal(3) }, noticed: true},
		{name: "a declared key is gone", foreign: func(a inventory.Attrs) { delete(a, "cores") }, noticed: true},
		{name: "a declared key is new", foreign: func(a inventory.Attrs) { a["memory"] = cty.NumberIntVal(1 << 30) }, noticed: true},
		{name: "the key of a later step is as wished", foreign: func(a inventory.Attrs) {
			a["onboot"], a["description"] = cty.True, cty.StringVal("b")
		}},
		{name: "a volume was detached by the call", foreign: func(a inventory.Attrs) { a["unused0"] = cty.StringVal("local:vm-111-disk-0") }},
		{name: "an undeclared key", foreign: func(a inventory.Attrs) { a["hookscript"] = cty.StringVal("local:snippets/x") }},
	}
	for _, tt := range tests {
		for _, approve := range []bool{false, true} {
			t.Run(tt.name, func(t *testing.T) {
				h := newFakeHome()
				h.guests[id]["cores"] = cty.NumberIntVal(2)
				wish := twoFields()
				wish.Attrs["cores"] = cty.NumberIntVal(2)
				if tt.name == "a declared key is new" {
					wish.Attrs["memory"] = cty.NumberIntVal(2 << 30)
					h.guests[id]["memory"] = cty.NumberIntVal(2 << 30)
				}
				first := true
				h.after = func(inventory.Step) error {
					if first {
						first = false
						tt.foreign(h.guests[id])
						h.version[id]++
					}
					return nil
				}
				asked := 0
				opts := Options{Approve: func(c *inventory.Change) bool { asked++; return approve }}
				r := appliedAfter(t, h, func() {}, opts, wish)
				switch {
				case !tt.noticed && (r.Status != StatusDone || asked > 0):
					t.Errorf("%s, asked %d times: %v", r.Status, asked, r.Err)
				case tt.noticed && asked == 0:
					t.Errorf("%s, and nobody was asked about the steps that are needed now", r.Status)
				case tt.noticed && !approve && (!r.Stale || len(h.calls) != 1):
					t.Errorf("%s, stale %t, calls %v", r.Status, r.Stale, h.calls)
				case tt.noticed && approve && r.Status != StatusDone:
					t.Errorf("%s: %v", r.Status, r.Err)
				}
			})
		}
	}
}
