package reconcile

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"

	"recon/inventory"
	"recon/providers"

	"github.com/zclconf/go-cty/cty"
)

// ErrStale is wrapped when a resource is no longer as it was planned for and the
// new steps were not approved.
var ErrStale = errors.New("the plan is stale")

// A Journal remembers what is in flight. Begin is called before a step and End
// after it; a step whose Begin fails is not done.
type Journal interface {
	Begin(addr inventory.Address, identity string, s inventory.Step) (id int64, err error)
	End(id int64, outcome string) error
}

// A Status is how a change ended.
type Status string

// The statuses.
const (
	StatusDone    Status = "done"
	StatusFailed  Status = "failed"
	StatusSkipped Status = "skipped" // nothing was attempted
	StatusUnknown Status = "unknown" // attempted, and it could not be seen what happened
)

// A Result is how one change ended.
type Result struct {
	Change   *inventory.Change
	Status   Status
	Err      error
	Stale    bool
	Done     []inventory.Step // calls that were made
	Withheld []inventory.Step // calls above the ceiling
	Warnings []string
	Have     inventory.Observation // the last look
}

// Options say what Apply may do and who hears of it.
type Options struct {
	Ceiling      inventory.Impact
	DeferRestart bool
	Journal      Journal
	Secret       func(c *inventory.Change, field inventory.Path) (string, error) // values that steps do not hold
	Approve      func(c *inventory.Change) bool                                  // asks about steps that changed since they were shown; nil refuses
	Progress     func(Event)                                                     // nil: nobody listens
	PerNode      int                                                             // changes under way on one node; 0 means 1
	Total        int                                                             // changes under way at all; 0 means 8
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
	a.total = make(chan struct{}, orDefault(opts.Total, 8))
	a.needs = a.dependencies()
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
	needs   [][]int // indexes of earlier changes
	nodes   map[string]chan struct{}
	total   chan struct{}
	mu      sync.Mutex
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
		if s := a.results[j].Status; s == StatusFailed || s == StatusUnknown {
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
	w := a.writer(c.Want.Provider)
	if w == nil {
		res.Err = fmt.Errorf("%s cannot be changed", c.Want.Provider)
		return res
	}
	e := &execution{applier: a, change: c, writer: w, base: c.Have, res: &res}
	e.all(ctx, steps)
	return res
}

func (a *applier) writer(name string) providers.Writer {
	for _, r := range a.req.Readers {
		if w, ok := r.(providers.Writer); ok && r.Name() == name {
			return w
		}
	}
	return nil
}

// An execution carries one change through its steps.
type execution struct {
	*applier
	change  *inventory.Change
	writer  providers.Writer
	base    inventory.Observation // what the next step expects to find
	fresh   bool                  // base is from a look of this execution
	replans int
	res     *Result
}

// maxReplans bounds how often a change chases a configuration that others keep
// changing.
const maxReplans = 3

// all executes the steps, planning anew when the ground has moved.
func (e *execution) all(ctx context.Context, steps []inventory.Step) {
	for len(steps) > 0 {
		err := e.step(ctx, steps[0])
		if errors.Is(err, providers.ErrChangedMeanwhile) {
			steps, err = e.replan(ctx, steps)
			if err == nil {
				continue
			}
		}
		if err != nil {
			e.fail(ctx, err)
			return
		}
		steps = steps[1:]
	}
	e.res.Status = StatusDone
}

// fail records how the change ended when not every step did.
func (e *execution) fail(ctx context.Context, err error) {
	e.res.Err = err
	e.res.Stale = errors.Is(err, ErrStale)
	switch {
	case errors.Is(err, errUnseen):
		e.res.Status = StatusUnknown
	case len(e.res.Done) == 0 && (e.res.Stale || ctx.Err() != nil):
		e.res.Status = StatusSkipped
	default:
		e.res.Status = StatusFailed
	}
}

var errUnseen = errors.New("what happened could not be seen")

// step does one step: compare, journal, call, look, judge.
func (e *execution) step(ctx context.Context, s inventory.Step) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s: not started: %w", s.Summary, err)
	}
	if !s.TakesDigest && !e.fresh {
		if err := e.compare(ctx); err != nil {
			return err
		}
	}
	if e.fresh && s.Done.Holds(&e.base) {
		return nil // it is so already
	}
	s.Digest = e.base.Digest
	call, err := e.withSecrets(s)
	if err != nil {
		return err
	}
	id, err := e.opts.Journal.Begin(e.change.Addr, e.change.Want.Identity, s)
	if err != nil {
		return fmt.Errorf("%s: not started, because the journal cannot be written: %w", s.Summary, err)
	}
	e.tell(Event{Addr: e.change.Addr, Step: &s})
	// A call that has begun is seen through: cutting it off would only lose the answer.
	ctx = context.WithoutCancel(ctx)
	result, doErr := e.writer.Do(ctx, call, func(line string) { e.tell(Event{Addr: e.change.Addr, Step: &s, Line: line}) })
	if !errors.Is(doErr, providers.ErrChangedMeanwhile) {
		e.res.Done = append(e.res.Done, s)
	}
	if result.Warning != "" {
		e.res.Warnings = append(e.res.Warnings, result.Warning)
	}
	obs := providers.Look(ctx, e.writer, e.change.Want)
	verdict := e.judge(s, &obs, doErr)
	if err := e.opts.Journal.End(id, outcome(verdict)); err != nil && verdict == nil {
		return fmt.Errorf("%s: done, but the journal cannot be written: %w", s.Summary, err)
	}
	e.res.Have = obs
	e.base, e.fresh = obs, true
	return verdict
}

func outcome(err error) string {
	if err != nil {
		return err.Error()
	}
	return string(StatusDone)
}

// compare looks before a call that takes no digest: the resource must still be
// what was planned for.
func (e *execution) compare(ctx context.Context) error {
	obs := providers.Look(ctx, e.writer, e.change.Want)
	if obs.State == inventory.Unknown {
		return fmt.Errorf("look before the first call: %w", obs.Err)
	}
	if obs.State != e.base.State || obs.Digest != e.base.Digest {
		return providers.ErrChangedMeanwhile
	}
	e.base, e.fresh = obs, true
	return nil
}

// withSecrets returns the step with the values that it does not hold itself.
func (e *execution) withSecrets(s inventory.Step) (inventory.Step, error) {
	if len(s.Secrets) == 0 {
		return s, nil
	}
	s.Params = maps.Clone(s.Params)
	for param, field := range s.Secrets {
		v, err := e.opts.Secret(e.change, field)
		if err != nil {
			return s, fmt.Errorf("%s: %w", s.Summary, err)
		}
		s.Params[param] = v
	}
	return s, nil
}

// judge decides from the look what happened; the answer to the call only
// explains it.
func (e *execution) judge(s inventory.Step, obs *inventory.Observation, doErr error) error {
	happened := s.Done.Holds(obs)
	switch {
	case errors.Is(doErr, providers.ErrChangedMeanwhile):
		return doErr
	case obs.State == inventory.Unknown && (doErr == nil || errors.Is(doErr, providers.ErrOutcomeUnknown)):
		return fmt.Errorf("%s: %w: %w", s.Summary, errUnseen, errors.Join(doErr, obs.Err))
	case errors.Is(doErr, providers.ErrOutcomeUnknown) && !happened:
		return fmt.Errorf("%s: the answer was lost, and the look afterwards shows that it did not take effect: %w", s.Summary, doErr)
	case doErr != nil && !errors.Is(doErr, providers.ErrOutcomeUnknown):
		return fmt.Errorf("%s: %w", s.Summary, doErr)
	case !happened:
		return fmt.Errorf("%s: accepted, but the look afterwards shows other values%s", s.Summary, differing(s.Done, obs))
	}
	if key := foreign(&e.base, obs, s.Touches); key != "" {
		return fmt.Errorf("%w: somebody else changed %s at the same time", providers.ErrChangedMeanwhile, key)
	}
	return nil
}

// differing names the fields that are not as the step should have left them.
func differing(p inventory.Probe, obs *inventory.Observation) string {
	text := ""
	for path, want := range p.Fields {
		if attr, _, _ := obs.Resource.Kind().Lookup(path); attr != nil && !attr.Same(want.Value, inventory.ConfiguredValue(obs, path)) {
			text += fmt.Sprintf("; %s is %s", path, attr.Show(inventory.ConfiguredValue(obs, path)))
		}
	}
	return text
}

// foreign returns a key that changed although the step does not touch it.
func foreign(before, after *inventory.Observation, touches []string) string {
	if before.State != inventory.Present || after.State != inventory.Present || before.Volatile.Raw == nil {
		return ""
	}
	touched := map[string]bool{"digest": true}
	for _, k := range touches {
		touched[k] = true
	}
	for _, pair := range [2][2]map[string]string{{before.Volatile.Raw, after.Volatile.Raw}, {after.Volatile.Raw, before.Volatile.Raw}} {
		for k, v := range pair[0] {
			if other, ok := pair[1][k]; !touched[k] && (!ok || other != v) && !isUnused(k) {
				return k
			}
		}
	}
	return ""
}

// isUnused reports a key that Proxmox writes by itself when a volume is detached.
func isUnused(key string) bool { return len(key) > 6 && key[:6] == "unused" }

// replan looks again and goes on when what remains to be done is the same. Other
// steps need approval.
func (e *execution) replan(ctx context.Context, remaining []inventory.Step) ([]inventory.Step, error) {
	if e.replans++; e.replans > maxReplans {
		return nil, fmt.Errorf("%w: %s keeps changing", ErrStale, e.change.Addr)
	}
	obs := providers.Look(ctx, e.writer, e.change.Want)
	if obs.State == inventory.Unknown {
		return nil, fmt.Errorf("look again after somebody else's change: %w", obs.Err)
	}
	e.base, e.fresh, e.res.Have = obs, true, obs
	next, err := e.again(ctx, obs)
	if err != nil {
		return nil, err
	}
	steps, _ := e.opts.Select(&next)
	if len(next.Blocked) == 0 && sameSteps(steps, remaining) {
		return steps, nil
	}
	if len(steps) == 0 && len(next.Blocked) == 0 {
		return nil, nil // somebody else has done it
	}
	if e.opts.Approve == nil || !e.opts.Approve(&next) {
		return nil, fmt.Errorf("%w: %s has changed since the plan, and other steps would be needed now", ErrStale, e.change.Addr)
	}
	return steps, nil
}

// again plans the one resource anew.
func (e *execution) again(ctx context.Context, obs inventory.Observation) (inventory.Change, error) {
	in := e.req.Input
	in.Desired = []inventory.Resource{e.change.Want}
	in.Snapshots = []inventory.Snapshot{{Observations: []inventory.Observation{obs}}}
	changes := Diff(in)
	if len(changes) == 0 {
		return inventory.Change{Addr: e.change.Addr, Want: e.change.Want, Have: obs}, nil
	}
	err := describe(ctx, &changes[0], e.req.Readers)
	return changes[0], err
}

func sameSteps(a, b []inventory.Step) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Method != b[i].Method || a[i].Path != b[i].Path || !maps.Equal(a[i].Params, b[i].Params) {
			return false
		}
	}
	return true
}

// SecretOf returns the value of a secret field of the manifests.
func SecretOf(c *inventory.Change, field inventory.Path) (string, error) {
	v := c.Want.Attrs[field]
	if field == "create.password" && c.Want.Policy.Create != nil {
		v = c.Want.Policy.Create.Password
	}
	if v == cty.NilVal || v.IsNull() {
		return "", fmt.Errorf("the manifests no longer hold a value for %s of %s", field, c.Addr)
	}
	return inventory.Text(v), nil
}

type resultJSON struct {
	Address  string     `json:"address"`
	Status   Status     `json:"status"`
	Error    *string    `json:"error"`
	Calls    []CallJSON `json:"calls"`
	Withheld []CallJSON `json:"withheld"`
	Warnings []string   `json:"warnings"`
}

func resultsJSON(results []Result) []resultJSON {
	out := make([]resultJSON, 0, len(results))
	for _, r := range results {
		j := resultJSON{Address: r.Change.Addr.String(), Status: r.Status, Calls: CallsJSON(r.Done), Withheld: CallsJSON(r.Withheld), Warnings: orEmpty(r.Warnings)}
		if r.Err != nil {
			j.Error = orNull(r.Err.Error())
		}
		out = append(out, j)
	}
	return out
}
