package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zclconf/go-cty/cty"

	"recon/inventory"
	"recon/providers"
)

// TestSelect: what is at or below the ceiling runs; a restart that is deferred does not,
// and what would restart by itself is deferred with it.
func TestSelect(t *testing.T) {
	step := func(i inventory.Impact, restarts bool) inventory.Step {
		return inventory.Step{Summary: fmt.Sprint(i, restarts), Impact: i, Restarts: restarts}
	}
	c := &inventory.Change{Steps: []inventory.Step{
		step(inventory.ImpactLive, false), step(inventory.ImpactReload, false), step(inventory.ImpactRestart, false), step(inventory.ImpactRestart, true), step(inventory.ImpactOutage, false),
	}}
	tests := []struct {
		name          string
		opts          Options
		run, withheld []int
	}{
		{"live", Options{Ceiling: inventory.ImpactLive}, []int{0}, []int{1, 2, 3, 4}},
		{"reload", Options{Ceiling: inventory.ImpactReload}, []int{0, 1}, []int{2, 3, 4}},
		{"restart", Options{Ceiling: inventory.ImpactRestart}, []int{0, 1, 2, 3}, []int{4}},
		{"reload, restarts deferred", Options{Ceiling: inventory.ImpactReload, DeferRestart: true}, []int{0, 1, 2}, []int{4}},
		{"restart, restarts deferred", Options{Ceiling: inventory.ImpactRestart, DeferRestart: true}, []int{0, 1, 2}, []int{4}},
	}
	for _, tt := range tests {
		run, withheld := tt.opts.Select(c)
		for i, s := range c.Steps {
			in := func(list []inventory.Step) bool {
				return slices.ContainsFunc(list, func(o inventory.Step) bool { return o.Summary == s.Summary })
			}
			if in(run) != slices.Contains(tt.run, i) || in(withheld) != slices.Contains(tt.withheld, i) {
				t.Errorf("%s: %s runs %t, is withheld %t", tt.name, s.Summary, in(run), in(withheld))
			}
		}
	}
}

// TestSpoils: what may go on after another change ended that way.
func TestSpoils(t *testing.T) {
	create, update := &inventory.Change{Action: inventory.ActionCreate}, &inventory.Change{Action: inventory.ActionUpdate}
	tests := []struct {
		r    Result
		want bool
	}{
		{Result{Status: StatusDone, Change: create}, false},
		{Result{Status: StatusFailed, Change: update}, true},
		{Result{Status: StatusUnknown, Change: update}, true},
		{Result{Status: StatusSkipped, Change: update}, false},
		{Result{Status: StatusSkipped, Change: create}, true},
		{Result{Status: StatusSkipped, Change: update, Err: errors.New("no")}, true},
	}
	for _, tt := range tests {
		if got := tt.r.spoils(); got != tt.want {
			t.Errorf("%s of %s: %t", tt.r.Status, tt.r.Change.Action, got)
		}
	}
	var none *Result
	wrote := &Result{Done: []inventory.Step{{}, {Secrets: map[string]inventory.Path{"cipassword": "cloudinit.password"}}}}
	if none.Wrote("cloudinit.password") || !wrote.Wrote("cloudinit.password") || wrote.Wrote("cloudinit.other") {
		t.Error("which secret a call carried")
	}
}

func TestSummaryCounts(t *testing.T) {
	p := &Plan{Managed: 10, Unmanaged: make([]inventory.Observation, 5), Calls: 7, Elapsed: 1500 * time.Millisecond, Unknown: []inventory.Scope{{Addresses: make([]inventory.Address, 2)}, {}}}
	p.Changes = []inventory.Change{
		{Action: inventory.ActionCreate, Verdict: inventory.VerdictMissing},
		{Action: inventory.ActionUpdate, Verdict: inventory.VerdictDrift},
		{Action: inventory.ActionUpdate, Verdict: inventory.VerdictPendingChange},
		{Action: inventory.ActionDelete, Verdict: inventory.VerdictConflict},
		{Action: inventory.ActionNone, Verdict: inventory.VerdictPendingReboot},
		{Action: inventory.ActionNone, Verdict: inventory.VerdictTerraformStale},
	}
	want := Summary{
		Managed: 10, InSync: 2, Create: 1, Update: 2, Delete: 1, Drift: 1, PendingChange: 1, Conflict: 1, Missing: 1, PendingReboot: 1, TerraformStale: 1,
		Unknown: 2, Unmanaged: 5, Coverage: 0.666, APICalls: 7, ElapsedS: 1.5,
	}
	if got := p.Summary(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := (&Plan{Managed: 1, Unknown: p.Unknown}).Summary(); got.InSync != 0 || got.Coverage != 1 {
		t.Errorf("got %+v", got)
	}
	if p.InSync() || !(&Plan{}).InSync() {
		t.Error("in sync is a plan without changes")
	}
}

// A slowHome shows a call's effect only after some time, and may be locked until then.
type slowHome struct {
	*fakeHome
	delay    time.Duration
	lock     string
	restarts bool
	method   string
	answer   error
	since    time.Time
	held     inventory.Attrs
}

func (h *slowHome) Steps(ctx context.Context, c inventory.Change) ([]inventory.Step, []inventory.Reason, error) {
	steps, reasons, err := h.fakeHome.Steps(ctx, c)
	for i := range steps {
		steps[i].Restarts, steps[i].Method = h.restarts, h.method
	}
	return steps, reasons, err
}

func (h *slowHome) Do(ctx context.Context, s inventory.Step, r providers.Reporter) (providers.Result, error) {
	h.since, h.held = time.Now(), h.guests[s.Path]
	h.guests[s.Path] = inventory.Attrs{"onboot": cty.True}
	return providers.Result{}, h.answer
}

func (h *slowHome) Look(ctx context.Context, r inventory.Resource) inventory.Observation {
	if h.held == nil || time.Since(h.since) >= h.delay {
		return h.fakeHome.Look(ctx, r)
	}
	o := h.fakeHome.Look(ctx, r)
	o.Resource.Attrs, o.Lock = h.held, h.lock
	return o
}

// TestHowLongItLooks: a call's effect may come later than its answer. How long recon
// looks for it depends on what the call sets going, and no call is made twice for it.
func TestHowLongItLooks(t *testing.T) {
	lost := fmt.Errorf("%w: connection reset", providers.ErrOutcomeUnknown)
	tests := []struct {
		name string
		h    slowHome
		want Status
	}{
		{name: "at once", h: slowHome{method: "PUT"}, want: StatusDone},
		{name: "an ordinary call that shows nothing", h: slowHome{method: "PUT", delay: time.Second}, want: StatusFailed},
		{name: "a restart", h: slowHome{method: "POST", restarts: true, delay: 80 * time.Second}, want: StatusDone},
		{name: "a restart that does not end", h: slowHome{method: "POST", restarts: true, delay: 2 * time.Minute}, want: StatusFailed},
		{name: "a restart that waits for a backup", h: slowHome{method: "POST", restarts: true, delay: 29 * time.Minute, lock: "backup"}, want: StatusDone},
		{name: "a restart that waits for ever", h: slowHome{method: "POST", restarts: true, delay: time.Hour, lock: "backup"}, want: StatusFailed},
		{name: "a lost answer", h: slowHome{method: "POST", answer: lost, delay: 2 * time.Second}, want: StatusDone},
		{name: "a lost answer, nothing seen", h: slowHome{method: "POST", answer: lost, delay: time.Minute}, want: StatusFailed},
		{name: "a lost answer of a call that is done when it answers", h: slowHome{method: "PUT", answer: lost, delay: 2 * time.Second}, want: StatusFailed},
		{name: "a refusal", h: slowHome{method: "POST", answer: errors.New("no"), restarts: true, delay: time.Hour}, want: StatusFailed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := tt.h
				h.fakeHome = newFakeHome()
				w, _ := guest(inventory.Attrs{"onboot": cty.True}, nil, nil)
				start := time.Now()
				r := appliedAfter(t, &h, func() {}, Options{}, w)
				if r.Status != tt.want || len(r.Done) != 1 {
					t.Errorf("%s after %s and %d calls: %v", r.Status, time.Since(start), len(r.Done), r.Err)
				}
				if r.Status == StatusFailed && r.Err == nil || tt.want == StatusDone && time.Since(start) > tt.h.delay+time.Second {
					t.Errorf("%v after %s", r.Err, time.Since(start))
				}
			})
		})
	}
}

// TestOthersValueIsNamed: a call that was accepted and shows another value says which.
func TestOthersValueIsNamed(t *testing.T) {
	h := newFakeHome()
	h.after = func(inventory.Step) error { h.guests["home/111"]["description"] = cty.StringVal("z"); return nil }
	w, _ := guest(inventory.Attrs{"description": cty.StringVal("b")}, nil, nil)
	r := appliedAfter(t, h, func() {}, Options{}, w)
	if r.Status != StatusFailed || r.Err == nil || !strings.Contains(r.Err.Error(), `description is "z"`) {
		t.Errorf("%s: %v", r.Status, r.Err)
	}
}

// TestItKeepsChanging: a configuration that others change at each call is left alone in
// the end.
func TestItKeepsChanging(t *testing.T) {
	h := newFakeHome()
	n := int64(0)
	h.onDo = func(inventory.Step) error {
		n++
		h.edit("home/111", "cores", cty.NumberIntVal(n))
		return nil
	}
	r := appliedAfter(t, h, func() {}, Options{}, twoFields())
	if !r.Stale || r.Status != StatusSkipped || len(h.calls) > 0 || n != maxReplans+1 {
		t.Errorf("%s after %d tries: %v", r.Status, n, r.Err)
	}
}
