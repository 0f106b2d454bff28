package reconcile

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"recon/inventory"
	"recon/providers"
)

var planMutants = flag.Int("plan.mutants", 1000, "how many mutated plan files TestMutatedPlans tries")

// A savedCase is a plan file, what it was made from, and every step that a plan of
// today holds.
type savedCase struct {
	home  *fakeHome
	body  []byte
	fresh *Plan
	req   Request
	steps map[string]bool
}

// savedFor plans and saves: a guest that gets several values and a secret, one that is
// protected, one that is deleted, and one whose wish is ignored.
func savedFor(tb testing.TB) savedCase {
	tb.Helper()
	h := newFakeHome()
	var want []inventory.Resource
	for n, w := range map[int]inventory.Resource{
		111: {Attrs: inventory.Attrs{"onboot": cty.True, "description": cty.StringVal("b"), "cloud_init.password": cty.StringVal("secret")}},
		112: {Attrs: inventory.Attrs{"onboot": cty.True}, Policy: inventory.Policy{Protect: true}},
		113: {Attrs: inventory.Attrs{"absent": cty.True}, Policy: inventory.Policy{Absent: true}},
		114: {Attrs: inventory.Attrs{"tags": inventory.StringSet("a", "b")}},
	} {
		w.Addr, w.Identity, w.Provider = inventory.Address{Kind: "vm", Name: fmt.Sprintf("g%d", n)}, fmt.Sprintf("home/%d", n), h.Name()
		h.guests[w.Identity], h.version[w.Identity] = inventory.Attrs{"onboot": cty.False, "description": cty.StringVal("a")}, 1
		want = append(want, w)
	}
	slices.SortFunc(want, func(a, b inventory.Resource) int { return inventory.CompareAddress(a.Addr, b.Addr) })
	snap, err := h.Read(context.Background(), want)
	if err != nil {
		tb.Fatal(err)
	}
	c := savedCase{home: h, steps: map[string]bool{}, req: Request{Input: Input{Desired: want, Snapshots: []inventory.Snapshot{snap}}, Readers: []providers.Reader{h}}}
	if c.fresh, err = New(context.Background(), c.req); err != nil {
		tb.Fatal(err)
	}
	for _, ch := range c.fresh.Changes {
		for _, s := range ch.Steps {
			c.steps[spelled(s)] = true
		}
	}
	if c.body, err = c.fresh.Save(Origin{Commit: "c0ffee", Manifests: map[string]string{"a.hcl": "00"}}); err != nil {
		tb.Fatal(err)
	}
	return c
}

func spelled(s inventory.Step) string {
	s.Digest = ""
	text, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// hold reads a plan file and holds it against the fresh plan.
func (c *savedCase) hold(body []byte) (*Plan, error) {
	s, err := ReadPlan(body)
	if err != nil {
		return nil, err
	}
	return s.Hold(c.fresh)
}

// TestSavedPlanComesBack: what is loaded is what was saved, as long as everything
// is as it was, and stale when anything is not.
func TestSavedPlanComesBack(t *testing.T) {
	c := savedFor(t)
	p, err := c.hold(c.body)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Changes) != len(c.fresh.Changes) || len(c.steps) < 4 {
		t.Errorf("loaded %d of %d changes, %d steps", len(p.Changes), len(c.fresh.Changes), len(c.steps))
	}
	for name, change := range map[string]struct {
		to  func(fresh *Plan)
		say string
	}{
		"no longer to be done": {func(p *Plan) { p.Changes = p.Changes[1:] }, "nothing is to be done about vm.g111 today"},
		"another wish": {func(p *Plan) {
			p.Changes[0].Steps[0].Params = map[string]string{"description": `"c"`}
		}, `steps[0].params.description was "\"b\"", is "\"c\""`},
		"another digest": {func(p *Plan) { p.Changes[0].Digest = "2" }, `digest was "1", is "2"`},
		"another policy": {func(p *Plan) { p.Changes[0].Fields[0].Policy = "ignore" }, "policy was"},
		"another impact": {func(p *Plan) { p.Changes[0].Impact = inventory.ImpactDestroy }, `is "destroy"`},
		"not observable": {func(p *Plan) {
			p.Unknown = []inventory.Scope{{Addresses: []inventory.Address{p.Changes[0].Addr}}}
			p.Changes = p.Changes[1:]
		}, "vm.g111 cannot be observed"},
	} {
		t.Run(name, func(t *testing.T) {
			c := savedFor(t)
			change.to(c.fresh)
			if _, err := c.hold(c.body); !errors.Is(err, ErrStale) || !strings.Contains(err.Error(), change.say) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestWhereAWishIsWrittenDoesNotCount: a comment above a block moves it, and changes
// nothing of what would be done.
func TestWhereAWishIsWrittenDoesNotCount(t *testing.T) {
	c := savedFor(t)
	c.fresh.Changes[0].Fields[0].Source.Start.Line += 3
	if _, err := c.hold(c.body); err != nil {
		t.Error(err)
	}
}

// TestMutatedPlans: whatever a plan file says, no call is made that a plan of today
// does not hold, and none for a change that the file does not spell as today's plan
// does. The long form (make attack) tries 10,000.
func TestMutatedPlans(t *testing.T) {
	c := savedFor(t)
	c.home.onDo = func(s inventory.Step) error {
		if !c.steps[spelled(s)] {
			t.Errorf("a call that no plan of today holds: %s", spelled(s))
		}
		return errors.New("only looked at")
	}
	var tree any
	if err := json.Unmarshal(c.body, &tree); err != nil {
		t.Fatal(err)
	}
	taken := 0
	for seed := range *planMutants {
		m := mutator{rand.New(rand.NewPCG(uint64(seed), 7)), tree}
		mutated, err := json.Marshal(m.mutate(tree, "", 1+m.IntN(3)))
		if err != nil {
			t.Fatal(err)
		}
		p, err := c.hold(mutated)
		if err != nil {
			continue
		}
		taken++
		for _, ch := range p.Changes {
			if !slices.ContainsFunc(c.fresh.Changes, func(f inventory.Change) bool { return same(t, &f, &ch) }) {
				t.Errorf("seed %d: a change of its own: %+v\n%s", seed, ch, mutated)
			}
		}
		j := &memoryJournal{open: map[int64]string{}}
		Apply(context.Background(), p, c.req, Options{Ceiling: inventory.ImpactDestroy, Journal: j, Secret: SecretOf})
	}
	if taken == 0 || taken == *planMutants {
		t.Errorf("%d of %d mutants were taken; the test says nothing", taken, *planMutants)
	}
	t.Logf("%d mutants, %d of them differed in nothing that counts", *planMutants, taken)
}

func same(t *testing.T, a, b *inventory.Change) bool {
	t.Helper()
	x, err := json.Marshal(saveChange(a))
	if err != nil {
		t.Fatal(err)
	}
	y, err := json.Marshal(saveChange(b))
	return err == nil && bytes.Equal(x, y)
}

// A mutator changes a JSON tree here and there.
type mutator struct {
	*rand.Rand
	whole any
}

// mutate returns a copy of the tree in which about n places are others: values taken
// from elsewhere in the file, what an attacker would write, parts left out or doubled.
func (m *mutator) mutate(v any, key string, n int) any {
	var places []string
	collect(v, "", &places)
	at := map[string]bool{}
	for range n {
		at[places[m.IntN(len(places))]] = true
	}
	return m.walk(v, "", at)
}

func collect(v any, path string, out *[]string) {
	*out = append(*out, path)
	switch v := v.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			collect(v[k], path+"/"+k, out)
		}
	case []any:
		for i, e := range v {
			collect(e, fmt.Sprintf("%s/%d", path, i), out)
		}
	}
}

func (m *mutator) walk(v any, path string, at map[string]bool) any {
	if at[path] {
		v = m.other(v)
	}
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for _, k := range slices.Sorted(maps.Keys(v)) {
			if sub := path + "/" + k; !at[sub] || m.IntN(4) > 0 {
				out[k] = m.walk(v[k], sub, at)
			}
		}
		return out
	case []any:
		var out []any
		for i, e := range v {
			sub := fmt.Sprintf("%s/%d", path, i)
			for range m.times(at[sub]) {
				out = append(out, m.walk(e, sub, at))
			}
		}
		return out
	}
	return v
}

// times says how often an element stands in a mutated list.
func (m *mutator) times(hit bool) int {
	if !hit {
		return 1
	}
	return m.IntN(3)
}

// other is something else in the place of a value.
func (m *mutator) other(v any) any {
	evil := []any{
		nil, true, 0.0, -1.0, "", "none", "live", "delete", "PUT", "POST", "DELETE", "run", "home/112", "vm.g112", "vm.g113", "/nodes/node1/qemu/112/status/stop",
		"/access/users", "present", "absent", "drift",
		[]any{},
		map[string]any{},
		map[string]any{"method": "DELETE", "path": "home/112", "impact": "live", "done": map[string]any{}},
		[]any{map[string]any{"method": "run", "path": "sh -c id", "impact": "live", "done": map[string]any{"state": "present"}}},
	}
	switch m.IntN(3) {
	case 0:
		return evil[m.IntN(len(evil))]
	case 1:
		var places []string
		collect(m.whole, "", &places)
		return lookup(m.whole, places[m.IntN(len(places))])
	}
	if s, ok := v.(string); ok {
		return s + "0"
	}
	return evil[m.IntN(len(evil))]
}

func lookup(v any, path string) any {
	for _, part := range strings.Split(path, "/")[1:] {
		switch at := v.(type) {
		case map[string]any:
			v = at[part]
		case []any:
			var i int
			fmt.Sscan(part, &i)
			v = at[i]
		}
	}
	return v
}

// FuzzLoadPlan: no plan file makes recon panic, whether it is held or only shown, and
// what is held is today's.
func FuzzLoadPlan(f *testing.F) {
	c := savedFor(f)
	f.Add(c.body)
	f.Add([]byte(`{"what":"recon plan","format_version":"1.0","changes":[{}]}`))
	f.Add([]byte(`{"what":"recon plan","format_version":"1.0","changes":[{"address":"vm.g111","identity":"home/111","state":"present","digest":"1","fields":[{"path":"memory","desired":{"set":["x"]}}],"steps":[{"impact":"live","done":{"fields":{"memory":{"set":[]}}}}]}]}`))
	f.Add([]byte(`{"what":"recon plan","format_version":"1.0","changes":[{"address":"vm.g111","action":"none","verdict":"drift","impact":"live","fields":[{"path":"memory","desired":1e999999999,"live":1e-999999999}]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := ReadPlan(data)
		if err != nil {
			return
		}
		if p, err := s.Hold(c.fresh); err == nil {
			for _, ch := range p.Changes {
				for _, step := range ch.Steps {
					if !c.steps[spelled(step)] {
						t.Errorf("a step of its own: %+v", step)
					}
				}
			}
		}
		p, err := s.Claim()
		if err != nil {
			return
		}
		if _, err := p.MarshalJSON(); err != nil {
			t.Error(err)
		}
		for _, ch := range p.Changes {
			for _, fc := range ch.Fields {
				_ = fc.Attr.Show(fc.Desired) + fc.Attr.Show(fc.Live)
			}
		}
	})
}
