package manifests

import (
	"strings"
	"time"

	"recon/inventory"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/robfig/cron/v3"
)

// A Schedule is one cron entry of recon serve.
type Schedule struct {
	Name     string
	Cron     string
	Location *time.Location
	Jitter   time.Duration // a run begins up to so much later than it is due
	CatchUp  bool          // a run that was missed is made once
	Action   string        // one of Actions
	Report   string        // of the action report: the file, relative to the root; "" when none is written
	Range    hcl.Range
}

// Actions are what a schedule can do.
func Actions() []string { return []string{"drift", "context", "facts", "doctor", "heal", "report"} }

var scheduleSpec = spec{what: "a schedule block", attrs: []string{"cron", "timezone", "jitter", "catch_up", "action", "report"}}

// schedule decodes one schedule block.
func (l *loader) schedule(b *hclsyntax.Block) {
	l.report(scheduleSpec.check(b.Body)...)
	if d := labels(b, "name"); d != nil {
		l.report(d)
		return
	}
	s := Schedule{Name: b.Labels[0], Location: time.Local, Range: b.DefRange()}
	if b.Body.Attributes["cron"] == nil || b.Body.Attributes["action"] == nil {
		l.report(errorAt(b.DefRange(), "Missing argument", "A schedule needs cron and action."))
	}
	zone, jitter := "", ""
	for _, arg := range sortedAttrs(b.Body) {
		target := map[string]any{"cron": &s.Cron, "timezone": &zone, "jitter": &jitter, "catch_up": &s.CatchUp, "action": &s.Action, "report": &s.Report}[arg.Name]
		if target != nil && l.argument(arg, &scope{}, target) {
			l.report(s.take(arg.Name, zone, jitter, arg.Expr.Range()))
		}
	}
	if arg := b.Body.Attributes["report"]; arg != nil && s.Action != "report" {
		l.report(errorAt(arg.SrcRange, "Report without a report", "report names the file that a schedule with action = \"report\" writes."))
	}
	for _, other := range l.project.Schedules {
		if other.Name == s.Name {
			l.report(errorAt(b.DefRange(), "Duplicate definition", "schedule %q is defined here and at %s.", s.Name, place(other.Range)))
			return
		}
	}
	l.project.Schedules = append(l.project.Schedules, s)
}

// take checks an argument, and reads what is written as text.
func (s *Schedule) take(name, zone, jitter string, rng hcl.Range) *hcl.Diagnostic {
	switch name {
	case "cron":
		if _, err := cron.ParseStandard(s.Cron); err != nil || strings.Contains(s.Cron, "TZ=") {
			return errorAt(rng, "Not a cron expression", "%q is not five cron fields (minute hour day month weekday), nor @hourly, @daily, @every 15m. The time zone is an argument of its own.", s.Cron)
		}
	case "timezone":
		loc, err := time.LoadLocation(zone)
		if err != nil {
			return errorAt(rng, "Unknown time zone", "%q is not a name of the time zone database, such as \"Europe/Berlin\".", zone)
		}
		s.Location = loc
	case "jitter":
		d, err := time.ParseDuration(jitter)
		if err != nil || d < 0 || d > time.Hour {
			return errorAt(rng, "Not a span of time", "jitter is how much later than due a run may begin, from \"0s\" to \"1h\"; %q is no such span.", jitter)
		}
		s.Jitter = d
	case "report":
		return reportFile(s.Report, rng)
	case "action":
		for _, a := range Actions() {
			if a == s.Action {
				return nil
			}
		}
		return errorAt(rng, "Unknown action", "action takes \"%s\".%s", strings.Join(Actions(), "\", \""), inventory.DidYouMean(s.Action, Actions()))
	}
	return nil
}
