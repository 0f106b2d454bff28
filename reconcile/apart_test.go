package reconcile

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"
	"pgregory.net/rapid"

	"recon/inventory"
	"recon/providers"
)

var errRefused = errors.New("403 no")

// TestOneRefusalTakesNoOthersAlong: whichever calls are refused, and wherever somebody
// else edits the guest meanwhile, every call that stands apart is made, none of those that
// need all of the change follows, and what is told of the fields is what is there.
func TestOneRefusalTakesNoOthersAlong(t *testing.T) {
	paths := []inventory.Path{"onboot", "description", "cores", "tags"}
	wish := inventory.Attrs{"onboot": cty.True, "description": cty.StringVal("b"), "cores": cty.NumberIntVal(4), "tags": inventory.StringSet("x")}
	rapid.Check(t, func(rt *rapid.T) {
		refused := rapid.SliceOfDistinct(rapid.SampledFrom(paths), rapid.ID[inventory.Path]).Draw(rt, "refused")
		editAt := rapid.IntRange(-1, 3).Draw(rt, "edited at call")
		h := newFakeHome()
		h.apart, h.last = true, &inventory.Step{Method: "POST", Path: "home/111", Params: map[string]string{"restart": "1"}, Summary: "restart"}
		n := 0
		h.onDo = func(s inventory.Step) error {
			if n++; n == editAt+1 {
				h.edit("home/111", "protection", cty.True)
			}
			for p := range s.Done.Fields {
				if slices.Contains(refused, p) && s.Digest == fmt.Sprint(h.version["home/111"]) {
					return errRefused
				}
			}
			return nil
		}
		w, _ := guest(wish, nil, nil)
		r := applied(t, h, Options{}, w)[0]
		for _, p := range paths {
			if is := wish[p].RawEquals(h.guests["home/111"][p]); is == slices.Contains(refused, p) {
				rt.Errorf("%s is set: %t, refused %v", p, is, refused)
			}
		}
		if restarted := slices.Contains(h.calls, "home/111 restart"); restarted != (len(refused) == 0) {
			rt.Errorf("restarted %t, refused %v", restarted, refused)
		}
		if len(refused) == 0 {
			if r.Status != StatusDone || r.Err != nil || len(r.Set)+len(r.Unset) > 0 {
				rt.Errorf("%s %v", r.Status, r.Err)
			}
			return
		}
		slices.Sort(refused)
		slices.Sort(r.Unset)
		if r.Status != StatusFailed || !slices.Equal(r.Unset, refused) || len(r.Set) != len(paths)-len(refused) || strings.Count(r.Err.Error(), "403 no") != len(refused) {
			rt.Errorf("%s %v: set %v, not set %v, refused %v", r.Status, r.Err, r.Set, r.Unset, refused)
		}
	})
}

// TestWhatEndsAChange: a refusal that concerns more than its call ends the change at once.
func TestWhatEndsAChange(t *testing.T) {
	tests := []struct {
		name  string
		apart bool
		err   error
		look  func(o *inventory.Observation)
	}{
		{name: "not apart", err: errRefused},
		{name: "an answer that was lost", apart: true, err: providers.ErrOutcomeUnknown},
		{name: "locked", apart: true, err: errRefused, look: func(o *inventory.Observation) { o.Lock = "backup" }},
		{name: "gone", apart: true, err: errRefused, look: func(o *inventory.Observation) { o.State = inventory.Absent }},
	}
	for _, tt := range tests {
		h := newFakeHome()
		tries := 0
		h.apart = tt.apart
		h.onDo = func(inventory.Step) error { tries++; h.seen = tt.look; return tt.err }
		if r := applied(t, h, Options{}, twoFields())[0]; r.Status != StatusFailed || tries != 1 {
			t.Errorf("%s: %s %v after %d calls", tt.name, r.Status, r.Err, tries)
		}
	}
}
