package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"recon/inventory"
)

// ErrStale is wrapped when a resource is no longer as it was planned for and the
// new steps were not approved.
var ErrStale = errors.New("the plan is stale")

// Options say what Apply may do and who hears of it.
type Options struct {
	Ceiling      inventory.Impact
	DeferRestart bool
	Journal      Journal
	Secret       func(c *inventory.Change, field inventory.Path) (string, error) // values that steps do not hold
	Approve      func(c *inventory.Change) bool                                  // asks about steps that changed since they were shown, one change at a time; nil refuses
	Progress     func(Event)                                                     // nil: nobody listens
	PerNode      int                                                             // changes under way on one node; 0 means 1
	Total        int                                                             // changes under way at all; 0 means 8
	Restarts     int                                                             // resources that are down at a time, of those that belong together; 0 means 1
	LookFirst    bool                                                            // another run has written since the plan was made: look before every first call
	Bound        bool                                                            // exactly these calls were approved: stop at the first surprise
}

// An Event tells of the progress of an apply.
type Event struct {
	Addr   inventory.Address
	Step   *inventory.Step
	Line   string  // something the running step said
	Result *Result // the change has ended
}

// Select splits the steps of a change into those that the options allow and those
// that they withhold.
func (o *Options) Select(c *inventory.Change) (run, withheld []inventory.Step) {
	for _, s := range c.Steps {
		deferred := o.DeferRestart && s.Impact == inventory.ImpactRestart
		switch {
		case s.Restarts && o.DeferRestart:
		case s.Impact <= o.Ceiling || deferred && !s.Restarts:
			run = append(run, s)
		default:
			withheld = append(withheld, s)
		}
	}
	return run, withheld
}

// Apply executes the plan's changes. Changes on different nodes go on at the same
// time, a change waits for those that it depends on, and is skipped when one of
// them did not end as planned. It returns a result for each change.
func Apply(ctx context.Context, p *Plan, req Request, opts Options) []Result {
	a := &applier{plan: p, req: req, opts: opts, results: make([]Result, len(p.Changes)), ended: make([]chan struct{}, len(p.Changes)), nodes: map[string]chan struct{}{}}
	a.asking = make(chan struct{}, 1)
	a.total = make(chan struct{}, orDefault(opts.Total, 8))
	a.needs, a.kin = a.inTurn(a.dependencies()), a.kinships()
	for i := range p.Changes {
		a.ended[i] = make(chan struct{})
		if node := placeOf(&p.Changes[i]); a.nodes[node] == nil {
			a.nodes[node] = make(chan struct{}, orDefault(opts.PerNode, 1))
		}
	}
	var wg sync.WaitGroup
	for i := range p.Changes {
		wg.Go(func() {
			defer close(a.ended[i])
			a.results[i] = a.run(ctx, i)
			a.tell(Event{Addr: p.Changes[i].Addr, Result: &a.results[i]})
		})
	}
	wg.Wait()
	return a.results
}

func orDefault(n, def int) int {
	if n > 0 {
		return n
	}
	return def
}

// placeOf names what a change keeps busy: the guest's node.
func placeOf(c *inventory.Change) string {
	if c.Have.Volatile.Node != "" {
		return c.Want.Provider + "/" + c.Have.Volatile.Node
	}
	return c.Want.Provider + "/" + c.Want.Node()
}

type applier struct {
	plan    *Plan
	req     Request
	opts    Options
	results []Result
	ended   []chan struct{}
	needs   [][]int // indexes of the changes that each one waits for
	kin     []*kin  // with what each change belongs together
	nodes   map[string]chan struct{}
	total   chan struct{}
	mu      sync.Mutex
	asking  chan struct{} // holds one: one question at a time: an answer belongs to what was shown last
}

// dependencies maps the graph onto the plan's changes. Only earlier changes count,
// so that a cycle of links cannot block.
func (a *applier) dependencies() [][]int {
	index := map[inventory.Address]int{}
	for i := range a.plan.Changes {
		index[a.plan.Changes[i].Addr] = i
	}
	needs := make([][]int, len(a.plan.Changes))
	graph := a.req.Graph.Index()
	for i := range a.plan.Changes {
		for _, addr := range graph[a.plan.Changes[i].Addr] {
			if j, ok := index[addr]; ok && j < i {
				needs[i] = append(needs[i], j)
			}
		}
	}
	return needs
}

func (a *applier) tell(e Event) {
	if a.opts.Progress == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.opts.Progress(e)
}

// approved asks about the new steps of a change. Progress goes on meanwhile.
func (a *applier) approved(ctx context.Context, c *inventory.Change) bool {
	if a.opts.Approve == nil {
		return false
	}
	select {
	case a.asking <- struct{}{}:
		defer func() { <-a.asking }()
		return ctx.Err() == nil && a.opts.Approve(c)
	case <-ctx.Done():
		return false
	}
}

// run waits for its turn and executes one change.
func (a *applier) run(ctx context.Context, i int) Result {
	c := &a.plan.Changes[i]
	res := Result{Change: c, Status: StatusSkipped, Have: c.Have}
	var steps []inventory.Step
	steps, res.Withheld = a.opts.Select(c)
	if len(steps) == 0 {
		return res
	}
	for _, j := range a.needs[i] {
		<-a.ended[j]
		if a.results[j].spoils() {
			res.Err = fmt.Errorf("%s, on which it depends, did not end as planned", a.plan.Changes[j].Addr)
			return res
		}
	}
	for _, sem := range []chan struct{}{a.nodes[placeOf(c)], a.total} {
		select {
		case sem <- struct{}{}:
			defer func() { <-sem }()
		case <-ctx.Done():
			res.Err = ctx.Err()
			return res
		}
	}
	w := writerOf(a.req.Readers, c.Want.Provider)
	if n := slices.IndexFunc(steps, func(s inventory.Step) bool { return s.Provider != "" && writerOf(a.req.Readers, s.Provider) == nil }); n >= 0 {
		res.Err = fmt.Errorf("%s cannot be reached for %s", steps[n].Provider, steps[n].Summary)
		return res
	}
	if w == nil {
		res.Err = fmt.Errorf("%s cannot be changed", c.Want.Provider)
		return res
	}
	e := &execution{applier: a, change: c, kin: a.kin[i], writer: w, base: c.Have, res: &res}
	e.all(ctx, steps)
	return res
}
