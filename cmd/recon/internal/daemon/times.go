package daemon

import (
	"hash/fnv"
	"time"

	"github.com/robfig/cron/v3"
)

// A timetable says when a schedule is due. It keeps no timer: whoever asks gives the
// time, so that a machine that slept, or whose clock was set, is answered rightly.
type timetable struct {
	spec    cron.Schedule
	in      *time.Location
	jitter  time.Duration
	catchUp bool   // a run that was missed is made, once
	name    string // spreads the jitter
}

const (
	// onTime is how late a run may begin and still be the one that was due.
	onTime = time.Minute
	// setBack is how far the clock may go back and be corrected only. Beyond it the clock
	// was wrong before, and what it said counts no more.
	setBack = 5 * time.Minute
)

// due looks at the times since the last one that was dealt with. run says whether one is
// to begin now; last is the time that is dealt with by that.
func (t *timetable) due(last, now time.Time) (run bool, dealt time.Time) {
	if last.Sub(now) > setBack {
		last = now
	}
	dealt = last
	for range 100_000 { // a schedule of each second that slept for a day
		next := t.after(dealt)
		if next.IsZero() || t.begins(next).After(now) {
			return run, dealt
		}
		run, dealt = t.catchUp || now.Sub(t.begins(next)) < onTime, next
	}
	return run, now
}

// next is when the schedule begins next, after what was dealt with.
func (t *timetable) next(last time.Time) time.Time {
	at := t.after(last)
	if at.IsZero() {
		return at
	}
	return t.begins(at)
}

// begins adds the jitter to a time that is due: the same to the same time, so that a
// daemon that is started anew does not begin earlier or twice.
func (t *timetable) begins(at time.Time) time.Time {
	if t.jitter <= 0 {
		return at
	}
	sum := fnv.New64a()
	sum.Write([]byte(t.name))
	sum.Write([]byte(at.UTC().Format(time.RFC3339)))
	return at.Add(time.Duration(sum.Sum64() % uint64(t.jitter)))
}

const everyHour = 1<<24 - 1

// after is the next time that the expression names, zero when there is none. Hours that
// are named are those of the wall clock: 02:30 comes once a day, also on the day that has
// no such time, on which it is the moment that far into the day's next hour, and on the
// day that has it twice. Where every hour is meant, time goes on as it does.
func (t *timetable) after(last time.Time) time.Time {
	spec, isSpec := t.spec.(*cron.SpecSchedule)
	if !isSpec || spec.Hour&everyHour == everyHour {
		return t.spec.Next(last.In(t.in))
	}
	wall := *spec
	wall.Location = time.UTC
	at := last.In(t.in)
	clock := time.Date(at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second(), 0, time.UTC)
	for range 10 {
		if clock = wall.Next(clock); clock.IsZero() {
			return clock
		}
		if found := onWall(clock, t.in); found.After(last) {
			return found
		}
	}
	return time.Time{}
}

// onWall is the moment at which clocks of a place show a time; the first one when they
// show it twice, and when they skip it the moment at which they would have, had nobody set
// them.
func onWall(clock time.Time, in *time.Location) time.Time {
	at := time.Date(clock.Year(), clock.Month(), clock.Day(), clock.Hour(), clock.Minute(), clock.Second(), 0, in)
	_, before := at.Add(-24 * time.Hour).Zone()
	unset := time.Date(clock.Year(), clock.Month(), clock.Day(), clock.Hour(), clock.Minute(), clock.Second(), 0, time.FixedZone("", before))
	if _, now := unset.In(in).Zone(); now == before || at.Hour() != clock.Hour() || at.Minute() != clock.Minute() {
		return unset.In(in)
	}
	return at
}
