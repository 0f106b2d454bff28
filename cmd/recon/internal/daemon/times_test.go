package daemon

import (
	"fmt"
	"testing"
	"time"

	"github.com/robfig/cron/v3"
	"pgregory.net/rapid"
)

func table(t testing.TB, expr, zone string) *timetable {
	t.Helper()
	spec, err := cron.ParseStandard(expr)
	if err != nil {
		t.Fatal(err)
	}
	in, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	if s, ok := spec.(*cron.SpecSchedule); ok {
		s.Location = in
	}
	return &timetable{spec: spec, in: in, name: "s"}
}

// live is a clock that goes on in steps from one time to another; it returns when runs
// began.
func (t *timetable) live(from, to time.Time, step time.Duration) (began []time.Time) {
	last := from
	for now := from; now.Before(to); now = now.Add(step) {
		run, dealt := t.due(last, now)
		last = dealt
		if run {
			began = append(began, now)
		}
	}
	return began
}

// TestEachDayHasItsRun: an hour that is named comes once a day, in every zone, also on the
// days on which clocks are set.
func TestEachDayHasItsRun(t *testing.T) {
	for _, zone := range []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Tehran", "UTC"} {
		for _, expr := range []string{"30 2 * * *", "0 0 * * *", "15 1 * * *", "45 1 * * *", "@daily", "5 2,3 * * *"} {
			tt := table(t, expr, zone)
			from := time.Date(2018, 1, 1, 12, 0, 0, 0, tt.in) // Brazil and Iran still set their clocks
			runs := map[string]int{}
			for last := from; last.Before(from.AddDate(1, 0, 0)); {
				run, dealt := tt.due(last, tt.next(last))
				if last = dealt; !run {
					t.Fatalf("%s in %s: what is due at %s is not run", expr, zone, last)
				}
				runs[last.In(tt.in).Format(time.DateOnly)]++
			}
			want := 1
			if expr == "5 2,3 * * *" {
				want = 2
			}
			for day := from.AddDate(0, 0, 1); day.Before(from.AddDate(1, 0, -1)); day = day.AddDate(0, 0, 1) {
				if n := runs[day.Format(time.DateOnly)]; n != want && !(want == 2 && n == 1 && clocksSet(day, tt.in)) {
					t.Errorf("%s in %s ran %d times on %s", expr, zone, n, day.Format(time.DateOnly))
				}
			}
		}
	}
}

// clocksSet reports a day on which clocks are set.
func clocksSet(day time.Time, in *time.Location) bool {
	start := time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, in)
	_, a := start.Zone()
	_, b := start.AddDate(0, 0, 1).Zone()
	return a != b
}

// TestEveryHourGoesOn: where every hour is meant, the gaps are as long as ever on the days
// on which clocks are set.
func TestEveryHourGoesOn(t *testing.T) {
	for _, start := range []string{"2026-03-28T20:00:00Z", "2026-10-24T20:00:00Z"} {
		tt := table(t, "*/15 * * * *", "Europe/Berlin")
		from, _ := time.Parse(time.RFC3339, start)
		began := tt.live(from, from.Add(12*time.Hour), time.Minute)
		for i := 1; i < len(began); i++ {
			if gap := began[i].Sub(began[i-1]); gap != 15*time.Minute {
				t.Errorf("after %s it waited %s", began[i-1], gap)
			}
		}
		if len(began) < 46 {
			t.Errorf("%d runs in 12 hours", len(began))
		}
	}
}

// TestMissedRuns: a machine that slept makes what it missed once, where that is wanted,
// and nothing where it is not.
func TestMissedRuns(t *testing.T) {
	night := time.Date(2026, 11, 27, 1, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name    string
		expr    string
		catchUp bool
		asleep  time.Duration
		want    int
	}{
		{"one that is wanted", "0 2 * * *", true, 6 * time.Hour, 1},
		{"many, made once", "*/15 * * * *", true, 6 * time.Hour, 1},
		{"days", "0 2 * * *", true, 72 * time.Hour, 1},
		{"none is wanted", "0 2 * * *", false, 6 * time.Hour, 0},
		{"woken on time", "0 2 * * *", false, time.Hour + 20*time.Second, 1},
		{"nothing was due", "0 2 * * *", true, 30 * time.Minute, 0},
		{"each second of a week", "@every 1s", true, 7 * 24 * time.Hour, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			tt := table(t, c.expr, "UTC")
			tt.catchUp = c.catchUp
			now := night.Add(c.asleep)
			run, dealt := tt.due(night, now)
			if got := map[bool]int{true: 1}[run]; got != c.want {
				t.Errorf("it made %d runs", got)
			}
			if again, _ := tt.due(dealt, now); again {
				t.Error("and made it twice")
			}
		})
	}
}

// TestClockIsSet: a clock that was years ahead does not silence a schedule, and one that
// is corrected by seconds does not run it twice.
func TestClockIsSet(t *testing.T) {
	tt := table(t, "@hourly", "UTC")
	now := time.Date(2026, 11, 27, 12, 0, 1, 0, time.UTC)
	_, dealt := tt.due(now, now.AddDate(4, 0, 0))
	if run, _ := tt.due(dealt, now); run {
		t.Error("the correction alone makes a run")
	}
	_, dealt = tt.due(dealt, now)
	if run, _ := tt.due(dealt, now.Add(time.Hour)); !run {
		t.Error("after the correction nothing runs any more")
	}
	run, dealt := tt.due(now.Add(-time.Hour), now)
	if again, _ := tt.due(dealt, now.Add(-3*time.Second)); !run || again {
		t.Errorf("a clock put back by three seconds: run %v, and again %v", run, again)
	}
	if again, _ := tt.due(dealt, now); again {
		t.Error("what was dealt with before the correction is run again")
	}
}

// TestRestartsForgetNothing: a daemon that is started anew each hour keeps a schedule of
// each week, and one that counts from its last run.
func TestRestartsForgetNothing(t *testing.T) {
	for _, expr := range []string{"0 4 * * 0", "@every 168h"} {
		tt := table(t, expr, "Europe/Berlin")
		from := time.Date(2026, 3, 1, 0, 0, 30, 0, time.UTC)
		runs, last := 0, from
		for now := from; now.Before(from.AddDate(0, 0, 70)); now = now.Add(45 * time.Second) {
			run, dealt := tt.due(last, now)
			if last = dealt; run {
				runs++
			}
		}
		if runs < 9 || runs > 10 {
			t.Errorf("%s ran %d times in ten weeks", expr, runs)
		}
	}
}

// TestJitter: a run begins within the jitter, once, whenever somebody looks.
func TestJitter(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		tt := table(t, "0 * * * *", "Europe/Berlin")
		tt.jitter = time.Duration(rapid.IntRange(1, 3000).Draw(r, "jitter")) * time.Second
		tt.name = fmt.Sprint(rapid.Int().Draw(r, "name"))
		from := time.Unix(rapid.Int64Range(1_700_000_000, 1_900_000_000).Draw(r, "from"), 0)
		began := tt.live(from, from.Add(24*time.Hour), 20*time.Second)
		if n := len(began); n < 23 || n > 25 {
			r.Fatalf("%d runs in a day", n)
		}
		for _, at := range began {
			late := at.Sub(at.Truncate(time.Hour))
			if late > tt.jitter+20*time.Second {
				r.Fatalf("it began %s after the hour", late)
			}
		}
	})
}
