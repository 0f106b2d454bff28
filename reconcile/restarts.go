package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"recon/inventory"
	"recon/providers"
)

// A kin is what belongs together: of its members only so many are down at a time, and
// when one does not come back the others stay up.
type kin struct {
	slots chan struct{}

	mu   sync.Mutex
	lost inventory.Address
}

func (k *kin) lose(a inventory.Address) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.lost = a
}

// missing returns the member that did not come back, and whether there is one.
func (k *kin) missing() (inventory.Address, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.lost, !k.lost.IsZero()
}

// kinships says of each change with what it belongs together: what depends on it or it
// depends on, however far, whether the plan touches it or not; the other instances of its
// block; and everything that the HA manager of its cluster looks after.
func (a *applier) kinships() []*kin {
	s := sets{}
	for _, e := range a.req.Graph.Edges {
		s.join(e.From.String(), e.To.String())
		s.join(e.From.String(), blockOf(e.From))
		s.join(e.To.String(), blockOf(e.To))
	}
	out := make([]*kin, len(a.plan.Changes))
	for i := range a.plan.Changes {
		c := &a.plan.Changes[i]
		s.join(c.Addr.String(), blockOf(c.Addr))
		if c.Have.Volatile.HA != "" {
			s.join(c.Addr.String(), "HA of "+c.Want.Provider)
		}
	}
	kins := map[string]*kin{}
	for i := range a.plan.Changes {
		of := s.find(a.plan.Changes[i].Addr.String())
		if kins[of] == nil {
			kins[of] = &kin{slots: make(chan struct{}, orDefault(a.opts.Restarts, 1))}
		}
		out[i] = kins[of]
	}
	return out
}

// inTurn adds to what each change waits for whatever takes something from it while it
// is down: a name server is back before those that ask it go down. Where two take from
// each other, or the graph of needs says otherwise, the order stays as it is.
func (a *applier) inTurn(waits [][]int) [][]int {
	index := map[string]int{}
	for i := range a.plan.Changes {
		index[a.plan.Changes[i].Addr.String()] = i
	}
	for i := range a.plan.Changes {
		for _, h := range a.plan.Changes[i].Harms {
			if j, ok := index[h.Address]; ok && !reaches(waits, i, j, map[int]bool{}) && !slices.Contains(waits[j], i) {
				waits[j] = append(waits[j], i)
			}
		}
	}
	return waits
}

// reaches reports a change that waits for another one, directly or not.
func reaches(waits [][]int, from, to int, seen map[int]bool) bool {
	seen[from] = true
	return from == to || slices.ContainsFunc(waits[from], func(next int) bool { return !seen[next] && reaches(waits, next, to, seen) })
}

// blockOf names the block of which an address is an instance.
func blockOf(a inventory.Address) string { return "block " + a.Kind + "." + a.Name }

// sets are disjoint sets of names, each a tree whose root stands for the set.
type sets map[string]string

func (s sets) find(name string) string {
	for s[name] != "" {
		name = s[name]
	}
	return name
}

func (s sets) join(a, b string) {
	if a, b = s.find(a), s.find(b); a != b {
		s[a] = b
	}
}

// turn waits until the resource may go down. Whoever had to wait compares again.
func (e *execution) turn(ctx context.Context, s inventory.Step) (free func(), err error) {
	select {
	case e.kin.slots <- struct{}{}:
	default:
		e.fresh = false
		select {
		case e.kin.slots <- struct{}{}:
		case <-ctx.Done():
			return nil, fmt.Errorf("%s: not started: %w", s.Summary, ctx.Err())
		}
	}
	free = func() { <-e.kin.slots }
	if lost, is := e.kin.missing(); is {
		free()
		return nil, fmt.Errorf("%s: left out, because %s, with which it belongs together, has not come back", s.Summary, lost)
	}
	return free, nil
}

// How long what runs in a resource may take to answer again, and how often it is asked.
const (
	answerPatience = 2 * time.Minute
	answerPause    = time.Second
)

// answers asks what runs in the resource, where that is possible.
func (e *execution) answers(ctx context.Context, o *inventory.Observation) bool {
	w, can := e.writer.(providers.Answerer)
	return can && o.State == inventory.Present && w.Answers(ctx, *o)
}

// back waits until the resource is what it was before it went down, and notes when it
// does not come back. A call that was refused took nothing down.
func (e *execution) back(ctx context.Context, s inventory.Step, o *inventory.Observation, answered bool, verdict error) error {
	changed := errors.Is(verdict, providers.ErrChangedMeanwhile)
	if answered && (verdict == nil || changed) {
		if err := e.answersAgain(ctx, s, o); err != nil {
			verdict, changed = err, false
		}
	}
	if refused := o.Running != nil && !s.Done.Holds(o); verdict != nil && !changed && !refused {
		e.kin.lose(e.change.Addr)
	}
	return verdict
}

// answersAgain waits until what answered before a restart does so after it.
func (e *execution) answersAgain(ctx context.Context, s inventory.Step, o *inventory.Observation) error {
	for start := time.Now(); !e.answers(ctx, o); {
		if time.Since(start) > answerPatience {
			return fmt.Errorf("%s: it runs, and its agent, which answered before, has been silent for %s", s.Summary, answerPatience)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(answerPause):
		}
	}
	return nil
}
