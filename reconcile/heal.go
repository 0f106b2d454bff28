package reconcile

import (
	"fmt"
	"slices"
	"time"

	"recon/inventory"
)

// The limits of healing that no manifest raises.
const (
	HealsARun   = 10               // resources that one run heals
	SeenTwice   = 30 * time.Second // between the two looks that have to show the same drift
	remembered  = time.Second      // a time may lie so much later than it is remembered
	healRounds  = 2                // so often recon takes the same field back before it asks who is right
	firstPause  = time.Minute      // after the first attempt, doubling
	longPause   = 6 * time.Hour
	calm        = 24 * time.Hour // so long in sync, and earlier attempts count no more
	keptHealing = 32             // attempts that are remembered of one resource
)

// A Healing is what is remembered of healing one resource since it was last calm.
type Healing struct {
	At     []time.Time // when it was attempted
	Rounds Drifts      // how often each field was taken back
}

// last is the last attempt, zero without one.
func (h Healing) last() time.Time {
	if len(h.At) == 0 {
		return time.Time{}
	}
	return h.At[len(h.At)-1]
}

// Since is what still counts of it for a drift that began at a time.
func (h Healing) Since(opened time.Time) Healing {
	if last := h.last(); !last.IsZero() && opened.Sub(last) >= calm {
		return Healing{}
	}
	return h
}

// After is what is remembered after one more attempt, which took fields back, or none.
func (h Healing) After(at time.Time, taken []inventory.Path) Healing {
	out := Healing{At: append(slices.Clone(h.At), at), Rounds: Drifts{}}
	out.At = out.At[max(0, len(out.At)-keptHealing):]
	for p, n := range h.Rounds {
		out.Rounds[p] = n
	}
	for _, p := range taken {
		out.Rounds[p]++
	}
	return out
}

// free is when the next attempt may be made: the pauses double.
func (h Healing) free() time.Time {
	if len(h.At) == 0 {
		return time.Time{}
	}
	pause := longPause
	if n := len(h.At) - 1; n < 9 {
		pause = min(firstPause<<n, longPause)
	}
	return h.last().Add(pause)
}

// A Course is what recon does by itself about a change.
type Course int

// The courses.
const (
	CourseLeave   Course = iota // there is nothing to be done, or somebody has decided
	CourseWait                  // a later run decides
	CoursePropose               // somebody has to decide
	CourseHeal
)

// A Triage is what recon does by itself about one change, and why.
type Triage struct {
	Change *inventory.Change
	Course Course
	Why    string
	At     time.Time // when a run that comes earlier than its schedule would decide; zero: none
}

// A Ward is what the decision about healing rests on, beside the plan.
type Ward struct {
	Now      time.Time
	Frozen   string                               // why nothing is done now, "" when something may be
	Episodes map[inventory.Address]Episode        // the drifts that a run before this one has seen
	Healings map[inventory.Address]Healing        // what was healed before
	Decided  func(*inventory.Change) (why string) // that somebody has to decide about the change, or has; "" when not
}

// Triages decides about every change of a plan. It is pure: the same plan and the same
// ward give the same answer.
func Triages(p *Plan, w Ward) (out []Triage) {
	healed := 0
	for i := range p.Changes {
		t := w.triage(&p.Changes[i])
		if t.Course == CourseHeal {
			if healed++; healed > HealsARun {
				t.Course, t.Why = CoursePropose, fmt.Sprintf("more than %d resources drifted at the same time, which recon does not take for chance", HealsARun)
			}
		}
		out = append(out, t)
	}
	return out
}

func (w *Ward) triage(c *inventory.Change) Triage {
	t := Triage{Change: c}
	decide := func(course Course, format string, args ...any) Triage {
		t.Course, t.Why = course, fmt.Sprintf(format, args...)
		return t
	}
	episode := w.Episodes[c.Addr]
	fields := Drifted(c)
	if len(c.Steps) == 0 {
		return decide(CourseLeave, "nothing can be done about it")
	}
	if slices.ContainsFunc(c.Steps, func(s inventory.Step) bool { return s.Impact >= inventory.ImpactDestroy }) {
		return decide(CourseLeave, "it destroys something: recon apply --allow destroy")
	}
	if seen := episode.ChangedAt.Add(SeenTwice + remembered); len(fields) > 0 && (episode.Fingerprint != Fingerprint(fields) || w.Now.Before(seen)) {
		if t.At = seen; episode.Fingerprint != Fingerprint(fields) {
			t.At = w.Now.Add(SeenTwice + remembered)
		}
		return decide(CourseWait, "it was seen once; a second look decides")
	}
	if why := w.Decided(c); why != "" {
		return decide(CourseLeave, "%s", why)
	}
	if why := unfit(c); why != "" {
		return decide(CoursePropose, "%s", why)
	}
	h := w.Healings[c.Addr].Since(episode.OpenedAt)
	if why := broken(c, h); why != "" {
		return decide(CoursePropose, "%s", why)
	}
	policy := c.Want.Policy.Heal
	if n := w.today(h); n >= policy.AtMost {
		return decide(CoursePropose, "it was healed %d time(s) within a day already, and at_most is %d", n, policy.AtMost)
	}
	switch free := h.free(); {
	case w.Frozen != "":
		return decide(CourseWait, "%s", w.Frozen)
	case w.Now.Before(free):
		t.At = free
		return decide(CourseWait, "it was healed a moment ago; not before %s", free.Local().Format("15:04:05"))
	case policy.Window != nil && !policy.Window.Holds(w.Now):
		return decide(CourseWait, "its window opens %s", policy.Window.Next(w.Now).Format("2006-01-02 15:04"))
	}
	return decide(CourseHeal, "it drifted, and its manifest says on_drift = \"heal\"")
}

// today counts the attempts within a day.
func (w *Ward) today(h Healing) (n int) {
	for _, at := range h.At {
		if w.Now.Sub(at) < 24*time.Hour {
			n++
		}
	}
	return n
}

// noDrift says what a change is that nobody has made outside.
var noDrift = map[inventory.Verdict]string{
	inventory.VerdictConflict:       "manifest and live have both moved",
	inventory.VerdictPendingChange:  "the manifest has moved",
	inventory.VerdictMissing:        "it does not exist",
	inventory.VerdictPendingReboot:  "it waits for a restart",
	inventory.VerdictDiffers:        "nobody knows which side has moved",
	inventory.VerdictTerraformStale: "Terraform's state is behind",
}

// unfit says why a change is none that happens by itself, "" when it is one: the plain way
// back of what somebody has changed outside.
func unfit(c *inventory.Change) string {
	switch {
	case c.Action == inventory.ActionDelete:
		return "it would be deleted"
	case c.Verdict != inventory.VerdictDrift:
		return noDrift[c.Verdict]
	case c.Action != inventory.ActionUpdate:
		return "it would not only be changed"
	case c.Want.Policy.OnDrift != "heal":
		return fmt.Sprintf("its manifest says on_drift = %q", c.Want.Policy.OnDrift)
	case len(c.Blocked) > 0:
		return "not all of it can be done: " + c.Blocked[0].Detail
	}
	for i := range c.Fields {
		if why := unfitField(c, &c.Fields[i]); why != "" {
			return why
		}
	}
	for i := range c.Steps {
		if why := unfitStep(&c.Steps[i], c.Want.Policy.Heal.Allow); why != "" {
			return why
		}
	}
	return ""
}

func unfitField(c *inventory.Change, f *inventory.FieldChange) string {
	switch {
	case f.Policy == "ignore" || !f.Writes():
		return ""
	case f.Verdict != inventory.VerdictDrift:
		return fmt.Sprintf("the manifest of %s has changed, too", f.Path)
	case f.NoWayBack:
		return fmt.Sprintf("what becomes of %s cannot be taken back", f.Path)
	case f.Attr.Call == inventory.CallMigrate:
		return "it would move to another node"
	case f.Attr.Wire == inventory.WireSize, f.Attr.Wire >= inventory.WireVolume && f.Attr.Wire <= inventory.WireAbsent,
		f.Path.Parent() != "" && !c.Have.Resource.Attrs.Has(f.Path.Parent()):
		return fmt.Sprintf("%s is about a volume or a device as a whole", f.Path)
	}
	return ""
}

func unfitStep(s *inventory.Step, allow inventory.Impact) string {
	switch {
	case s.Provider != "":
		return "Terraform would do it"
	case s.Impact > allow:
		return fmt.Sprintf("it would be more than a %s: %s", allow, s.Summary)
	case s.Makes, s.Keeps, s.Method == "DELETE":
		return "it makes or removes something: " + s.Summary
	}
	return ""
}

// broken says that somebody else puts back what recon takes back, "" when nobody does.
func broken(c *inventory.Change, h Healing) string {
	for _, f := range c.Fields {
		if f.Verdict == inventory.VerdictDrift && h.Rounds[f.Path] >= healRounds {
			who := "somebody else"
			if by := c.Have.Volatile.Changed.User; by != "" {
				who = by
			}
			return fmt.Sprintf("%s was taken back %d times, and %s has changed it again each time", f.Path, h.Rounds[f.Path], who)
		}
	}
	return ""
}
