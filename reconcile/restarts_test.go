package reconcile

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zclconf/go-cty/cty"

	"recon/inventory"
	"recon/providers"
)

// A restartHome has guests whose changes are restarts. It notes who is down when, and
// some never come back.
type restartHome struct {
	*fakeHome
	mu      sync.Mutex
	down    map[string]bool // until what runs in it answers again
	silent  map[string]bool // has an agent that never answers again
	mute    map[string]bool // has none that ever answered
	broken  map[string]bool // does not start again
	boot    time.Duration   // from the start until it answers
	started map[string]time.Time
	order   []string
	harms   map[int][]int // what the restart of each takes from others
	watch   func(down map[string]bool)
}

func (h *restartHome) Steps(_ context.Context, c inventory.Change) ([]inventory.Step, []inventory.Reason, error) {
	return []inventory.Step{{Method: "POST", Path: c.Want.Identity, Impact: inventory.ImpactRestart, Restarts: true, Touches: []string{"onboot"}, Done: inventory.Probe{Fields: map[inventory.Path]inventory.Value{"onboot": {Value: cty.True}}}, Summary: "restart"}}, nil, nil
}

func (h *restartHome) Do(_ context.Context, s inventory.Step, _ providers.Reporter) (providers.Result, error) {
	h.mu.Lock()
	h.down[s.Path] = true
	h.order = append(h.order, s.Path)
	h.watch(h.down)
	h.mu.Unlock()
	time.Sleep(20 * time.Second) // the bubble's
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.broken[s.Path] {
		return providers.Result{}, errors.New("start failed")
	}
	h.started[s.Path] = time.Now()
	h.edit(s.Path, "onboot", cty.True)
	if h.mute[s.Path] {
		delete(h.down, s.Path)
	}
	return providers.Result{}, nil
}

func (h *restartHome) Answers(_ context.Context, o inventory.Observation) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	id := o.Resource.Identity
	switch at, restarted := h.started[id]; {
	case h.mute[id], restarted && (h.silent[id] || time.Since(at) < h.boot):
		return false
	}
	delete(h.down, id)
	return true
}

// restarted applies the restart of n guests that are linked as the edges say.
func restarted(t *testing.T, h *restartHome, n int, opts Options, edges [][2]int, adapt func(i int, r *inventory.Resource)) []Result {
	t.Helper()
	h.fakeHome = newFakeHome()
	for _, m := range []*map[string]bool{&h.down, &h.silent, &h.mute, &h.broken} {
		if *m == nil {
			*m = map[string]bool{}
		}
	}
	h.started = map[string]time.Time{}
	var wishes []inventory.Resource
	for i := range n {
		w, _ := guest(inventory.Attrs{"onboot": cty.True}, nil, nil)
		w.Addr.Name, w.Identity = fmt.Sprintf("g%d", i), fmt.Sprintf("home/%d", i)
		if adapt != nil {
			adapt(i, &w)
		}
		h.guests[w.Identity], h.version[w.Identity] = inventory.Attrs{"onboot": cty.False}, 1
		wishes = append(wishes, w)
	}
	snap, _ := h.Read(t.Context(), wishes)
	req := Request{Input: Input{Desired: wishes, Snapshots: []inventory.Snapshot{snap}}, Readers: []providers.Reader{h}}
	for _, e := range edges {
		req.Graph.Add(inventory.Edge{From: wishes[e[0]].Addr, To: wishes[e[1]].Addr})
	}
	p, err := New(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	for i := range p.Changes {
		for _, j := range h.harms[i] {
			p.Changes[i].Harms = append(p.Changes[i].Harms, inventory.Harm{Address: wishes[j].Addr.String(), Effect: "names"})
		}
	}
	opts.Journal, opts.Ceiling, opts.PerNode = &memoryJournal{open: map[int64]string{}}, inventory.ImpactRestart, n
	return Apply(t.Context(), p, req, opts)
}

// TestRestartsInOrder: in random homes no more than N of what belongs together are down at
// a time, what others need comes back first, and what has nothing to do with each other
// does not wait.
func TestRestartsInOrder(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 1))
			n, limit := 2+rnd.IntN(5), 1+rnd.IntN(2)
			var edges [][2]int
			for from := 1; from < n; from++ {
				if rnd.IntN(2) == 0 {
					edges = append(edges, [2]int{from, rnd.IntN(from)})
				}
			}
			of := components(n, edges)
			h := &restartHome{boot: time.Duration(rnd.IntN(60)) * time.Second}
			most := 0
			h.watch = func(down map[string]bool) {
				count := map[int]int{}
				for id := range down {
					var i int
					_, _ = fmt.Sscanf(id, "home/%d", &i)
					count[of[i]]++
				}
				most = max(most, len(down))
				for c, k := range count {
					if k > limit {
						t.Errorf("seed %d: %d of component %d are down, %v", seed, k, c, slices.Sorted(maps.Keys(down)))
					}
				}
			}
			for i, r := range restarted(t, h, n, Options{Restarts: limit}, edges, nil) {
				if r.Status != StatusDone {
					t.Errorf("seed %d: %d %s %v", seed, i, r.Status, r.Err)
				}
			}
			for _, e := range edges {
				if slices.Index(h.order, fmt.Sprintf("home/%d", e[0])) < slices.Index(h.order, fmt.Sprintf("home/%d", e[1])) {
					t.Errorf("seed %d: %v before what it needs, %v", seed, e, h.order)
				}
			}
			if alone := len(slices.Compact(slices.Sorted(slices.Values(of)))); most < min(alone, 8) {
				t.Errorf("seed %d: at most %d were down, of %d that have nothing to do with each other", seed, most, alone)
			}
		})
	}
}

// TestWhatTakesFromOthersGoesFirst: the name server, which is last by name, is back before
// those that ask it go down, and then these do so together; two that take from each other
// end all the same, and when the server does not come back nobody else goes down.
func TestWhatTakesFromOthersGoesFirst(t *testing.T) {
	for name, row := range map[string]struct {
		harms  map[int][]int
		broken bool
		first  string
		most   int
	}{
		"a name server":           {harms: map[int][]int{3: {0, 1, 2}}, first: "home/3", most: 3},
		"from each other":         {harms: map[int][]int{0: {1}, 1: {0}}, first: "", most: 3},
		"in a circle":             {harms: map[int][]int{0: {1}, 1: {2}, 2: {3}, 3: {0}}, first: "home/0", most: 1},
		"it does not start":       {harms: map[int][]int{3: {0, 1, 2}}, broken: true, first: "home/3", most: 1},
		"nothing that is planned": {harms: map[int][]int{}, first: "", most: 4},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				most := 0
				h := &restartHome{harms: row.harms, watch: func(down map[string]bool) { most = max(most, len(down)) }}
				if row.broken {
					h.broken = map[string]bool{"home/3": true}
				}
				for i, r := range restarted(t, h, 4, Options{}, nil, nil) {
					if (r.Status == StatusDone) == row.broken {
						t.Errorf("%d: %s %v", i, r.Status, r.Err)
					}
				}
				if row.first != "" && h.order[0] != row.first || most != row.most {
					t.Errorf("%v, %d at most", h.order, most)
				}
			})
		})
	}
}

// components numbers the connected parts of a graph.
func components(n int, edges [][2]int) []int {
	of := make([]int, n)
	for i := range of {
		of[i] = i
	}
	for range n {
		for _, e := range edges {
			of[e[0]] = min(of[e[0]], of[e[1]])
			of[e[1]] = of[e[0]]
		}
	}
	return of
}

// TestWhatDoesNotComeBack: whoever does not come back, or whose agent falls silent, keeps
// the others of its kind up; an agent that never answered is not waited for.
func TestWhatDoesNotComeBack(t *testing.T) {
	first, both := map[string]bool{"home/0": true}, map[string]bool{"home/0": true, "home/1": true}
	instances := func(i int, r *inventory.Resource) { r.Addr.Name, r.Addr.Key = "dns", fmt.Sprint(i) }
	tests := []struct {
		name  string
		home  *restartHome
		edges [][2]int
		adapt func(int, *inventory.Resource)
		want  []Status
	}{
		{name: "it does not start", home: &restartHome{broken: both}, adapt: instances, want: []Status{StatusFailed, StatusFailed}},
		{name: "its agent falls silent", home: &restartHome{silent: both}, adapt: instances, want: []Status{StatusFailed, StatusFailed}},
		{name: "it never had one", home: &restartHome{mute: both}, adapt: instances, want: []Status{StatusDone, StatusDone}},
		{name: "what depends on it is skipped", home: &restartHome{broken: first}, edges: [][2]int{{1, 0}}, want: []Status{StatusFailed, StatusSkipped}},
		{name: "a stranger is not concerned", home: &restartHome{broken: first}, want: []Status{StatusFailed, StatusDone}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tt.home.watch = func(map[string]bool) {}
				for i, r := range restarted(t, tt.home, 2, Options{}, tt.edges, tt.adapt) {
					if r.Status != tt.want[i] || (r.Err == nil) != (tt.want[i] == StatusDone) {
						t.Errorf("%d: %s %v", i, r.Status, r.Err)
					}
				}
				if made := len(tt.home.order); tt.want[1] != StatusDone && made != 1 {
					t.Errorf("%d were restarted", made)
				}
			})
		})
	}
}
