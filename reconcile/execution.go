package reconcile

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"recon/inventory"
	"recon/providers"
)

// An execution carries one change through its steps.
type execution struct {
	*applier
	change  *inventory.Change
	kin     *kin
	writer  providers.Writer
	base    inventory.Observation // what the next step expects to find
	fresh   bool                  // base is from a look of this execution
	replans int
	refused []refusal // calls that were refused and took no others along
	res     *Result
}

// A refusal is a call that was made in vain.
type refusal struct {
	step inventory.Step
	err  error
}

// maxReplans bounds how often a change chases a configuration that others keep
// changing.
const maxReplans = 3

// all executes the steps, planning anew when the ground has moved. When a call that
// stands apart is refused, the others that do are made all the same; what follows from
// them all, a start or a restart, is left to the next run.
func (e *execution) all(ctx context.Context, steps []inventory.Step) {
	for len(steps) > 0 {
		s, done := steps[0], len(e.res.Done)
		if len(e.refused) > 0 && !s.Apart {
			e.res.Warnings = append(e.res.Warnings, "left to the next run, since not all of the change is set: "+s.Summary)
			steps = steps[1:]
			continue
		}
		err := e.step(ctx, s)
		if errors.Is(err, providers.ErrChangedMeanwhile) && e.opts.Bound {
			err = fmt.Errorf("%w: %w", ErrStale, err)
		} else if errors.Is(err, providers.ErrChangedMeanwhile) {
			// The step itself may have gone well, and the look after it found the change.
			steps, err = e.replan(ctx, steps[len(e.res.Done)-done:])
			if err == nil {
				continue
			}
			s = inventory.Step{} // no step is the reason
		}
		if err != nil && !e.goesOn(ctx, s, err) {
			e.fail(ctx, err)
			return
		}
		if err != nil {
			e.refused = append(e.refused, refusal{s, err})
		}
		steps = steps[1:]
	}
	if len(e.refused) > 0 {
		e.fail(ctx, nil)
		return
	}
	e.res.Status = StatusDone
}

// goesOn reports whether the failure of a step concerns it alone: it was refused, and
// the resource is there and free for other calls.
func (e *execution) goesOn(ctx context.Context, s inventory.Step, err error) bool {
	have := &e.res.Have
	return s.Apart && !e.opts.Bound && ctx.Err() == nil && !errors.Is(err, errUnseen) && !errors.Is(err, providers.ErrOutcomeUnknown) &&
		have.State == inventory.Present && have.Lock == ""
}

// fail records how the change ended when not every step did.
func (e *execution) fail(ctx context.Context, err error) {
	e.res.Err = allOf(e.refused, err)
	e.res.Stale = errors.Is(err, ErrStale)
	switch {
	case errors.Is(err, errUnseen):
		e.res.Status = StatusUnknown
	case len(e.res.Done) == 0 && (e.res.Stale || ctx.Err() != nil):
		e.res.Status = StatusSkipped
	default:
		e.res.Status = StatusFailed
		e.res.outcome()
	}
}

// allOf is one error in one line for all that went wrong.
func allOf(refused []refusal, last error) error {
	var all error
	for _, r := range append(slices.Clone(refused), refusal{err: last}) {
		switch {
		case r.err == nil:
		case all == nil:
			all = r.err
		default:
			all = fmt.Errorf("%w; %w", all, r.err)
		}
	}
	return all
}

var errUnseen = errors.New("what happened could not be seen")

// step does one step when its turn has come: compare, journal, call, look, judge.
func (e *execution) step(ctx context.Context, s inventory.Step) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s: not started: %w", s.Summary, err)
	}
	if s.Interrupts() {
		free, err := e.turn(ctx, s)
		if err != nil {
			return err
		}
		defer free()
	}
	if !e.fresh && (!s.TakesDigest || e.opts.LookFirst) {
		if err := e.compare(ctx); err != nil {
			return err
		}
	}
	if e.fresh && len(s.Secrets) == 0 && s.Done.Evident() && s.Done.Holds(&e.base) {
		return nil // it is so already
	}
	return e.call(ctx, s)
}

// call makes the call of a step and sees it through.
func (e *execution) call(ctx context.Context, s inventory.Step) error {
	s.Digest = e.base.Digest
	call, err := e.withSecrets(s)
	if err != nil {
		return err
	}
	id, err := e.opts.Journal.Begin(ctx, e.change.Addr, e.change.Want.Identity, s)
	if err != nil {
		return fmt.Errorf("%s: not started, because the journal cannot be written: %w", s.Summary, err)
	}
	e.tell(Event{Addr: e.change.Addr, Step: &s})
	// A call that has begun is seen through: cutting it off would only lose the answer.
	ctx = context.WithoutCancel(ctx)
	answered := s.Restarts && e.answers(ctx, &e.base)
	result, doErr := e.maker(s).Do(ctx, call, func(line string) { e.tell(Event{Addr: e.change.Addr, Step: &s, Line: line}) })
	if !errors.Is(doErr, providers.ErrChangedMeanwhile) {
		e.res.Done = append(e.res.Done, s)
	}
	e.res.Made = e.res.Made || s.Makes && doErr == nil
	if result.Warning != "" {
		e.res.Warnings = append(e.res.Warnings, result.Warning)
	}
	obs := e.lookAfter(ctx, s, doErr)
	verdict := e.judge(s, &obs, doErr)
	if s.Interrupts() {
		verdict = e.back(ctx, s, &obs, answered, verdict)
	}
	if errors.Is(verdict, errUnseen) {
		e.res.Have = obs
		return verdict // the entry stays open: the next run that can look says what became of it
	}
	if err := e.opts.Journal.End(ctx, id, outcome(verdict)); err != nil && verdict == nil {
		return fmt.Errorf("%s: done, but the journal cannot be written: %w", s.Summary, err)
	}
	e.res.Have = obs
	e.base, e.fresh = obs, true
	return verdict
}

// How long apply waits for what a call set going: a guest that comes up again
// after its restart, a task whose answer was lost.
const (
	restartPatience = 90 * time.Second
	lostPatience    = 3 * time.Second
	lockPatience    = 30 * time.Minute
	lookPause       = 250 * time.Millisecond
)

// lookAfter looks at what a call did. A restart ends when the guest is down and
// comes up afterwards, and a call whose answer was lost may still be under way:
// then it looks until it sees the effect, or has waited long enough.
func (e *execution) lookAfter(ctx context.Context, s inventory.Step, doErr error) inventory.Observation {
	patience := time.Duration(0)
	switch {
	case doErr == nil && s.Restarts:
		patience = restartPatience
	case errors.Is(doErr, providers.ErrOutcomeUnknown) && s.Method == "POST":
		patience = lostPatience
	}
	start := time.Now()
	for {
		obs := providers.Look(ctx, e.writer, e.change.Want)
		waited := time.Since(start)
		busy := patience > 0 && obs.Lock != "" && waited < lockPatience
		if s.Done.Holds(&obs) || !busy && waited >= patience {
			return obs
		}
		select {
		case <-ctx.Done():
			return obs
		case <-time.After(lookPause):
		}
	}
}

// maker is who makes the call of a step: the witness that owns it, else the resource's
// own provider. The looks are always the own provider's.
func (e *execution) maker(s inventory.Step) providers.Writer {
	if s.Provider == "" {
		return e.writer
	}
	return writerOf(e.req.Readers, s.Provider)
}

func outcome(err error) string {
	if err != nil {
		return err.Error()
	}
	return string(StatusDone)
}

// compare looks before a call that takes no digest, and before any when another run may
// have made it already: the resource must still be what was planned for. The journal
// then holds no call that an old digest was sure to have refused, of which, were recon
// killed, the next run would believe that it brought about what it finds.
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
	steps, remaining = slices.DeleteFunc(slices.Clone(steps), e.wasRefused), slices.DeleteFunc(slices.Clone(remaining), e.wasRefused)
	same := slices.Equal(next.Blocked, e.change.Blocked)
	switch {
	case same && sameSteps(steps, remaining):
		return steps, nil
	case len(steps) == 0 && same && next.Action != inventory.ActionCreate:
		return nil, nil // somebody else has done it
	case len(steps) == 0 && same:
		return nil, fmt.Errorf("%w: %s is gone", ErrStale, e.change.Addr)
	case len(steps) == 0:
		return nil, fmt.Errorf("%w: %s is blocked now: %s", ErrStale, e.change.Addr, next.Blocked[len(next.Blocked)-1].Detail)
	}
	if !e.approved(ctx, &next) {
		return nil, fmt.Errorf("%w: %s has changed since the plan, and other steps would be needed now", ErrStale, e.change.Addr)
	}
	return steps, nil
}

// again plans the one resource anew.
func (e *execution) again(ctx context.Context, obs inventory.Observation) (inventory.Change, error) {
	in := e.req.Input
	in.Desired = []inventory.Resource{e.change.Want}
	in.Snapshots = []inventory.Snapshot{{Observations: []inventory.Observation{obs}}}
	if e.res.Made {
		in.LastApplied = map[inventory.Address]inventory.Applied{e.change.Addr: {Identity: e.change.Want.Identity, Unfinished: true}}
	}
	changes := Diff(in)
	if len(changes) == 0 {
		return inventory.Change{Addr: e.change.Addr, Want: e.change.Want, Have: obs}, nil
	}
	err := e.req.describe(ctx, &changes[0])
	return changes[0], err
}

// wasRefused reports a call that was made in vain already, or that is left out because of one.
func (e *execution) wasRefused(s inventory.Step) bool {
	if s.Keeps && slices.ContainsFunc(e.res.Done, func(d inventory.Step) bool { return sameCall(d, s) }) {
		return true // once is enough
	}
	return len(e.refused) > 0 && !s.Apart || slices.ContainsFunc(e.refused, func(r refusal) bool { return sameCall(r.step, s) })
}

func sameSteps(a, b []inventory.Step) bool { return slices.EqualFunc(a, b, sameCall) }

func sameCall(a, b inventory.Step) bool {
	return a.Method == b.Method && a.Path == b.Path && maps.Equal(a.Params, b.Params)
}
