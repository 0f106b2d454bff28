package web

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"recon/cmd/recon/internal/api"
	"recon/cmd/recon/internal/words"
	"recon/inventory"
	"recon/reconcile"
)

type tile struct {
	Class, Name, Value, Note, Path string
}

type sourceRow struct {
	mark
	Name, Version, State string
	Lost                 []string
	Seen                 moment
	Calls                int
}

type eventRow struct {
	At                  moment
	Subject, Text, Path string
}

type runRow struct {
	mark
	Started          moment
	Name, Took, Text string
}

type dueRow struct {
	Name string
	Next moment
}

type documentRow struct {
	mark
	ID, Name, Path, State, Text string
}

const few = 8

// overview is the first page: how things stand.
func (s *server) overview(_ *http.Request, state api.LiveState) (answer, error) {
	p := state.Picture
	if p == nil {
		return answer{}, errNothing
	}
	first, all := []*inventory.Change{}, len(p.Plan.Changes)
	for i := range min(few, all) {
		first = append(first, &p.Plan.Changes[i])
	}
	body := struct {
		Headline    string
		Proposals   string
		Tiles       []tile
		Changes     []changeRow
		MoreChanges bool
		AllChanges  int
		Sources     []sourceRow
		Events      []eventRow
		Runs        []runRow
		Upcoming    []dueRow
		Documents   []documentRow
	}{
		Headline: headline(p.Plan), Proposals: waiting(&state.Waits), Tiles: s.tiles(p), Changes: changeRows(p, first), MoreChanges: all > few, AllChanges: all,
		Sources: s.sourceRows(p), Events: s.eventRows(p, p.Events[:min(few, len(p.Events))]),
		Runs: s.runRows(state)[:min(5, len(state.Runs)+going(state))], Upcoming: s.dueRows(state), Documents: documentRows(p),
	}
	return answer{template: "overview", title: "Overview", body: body}, nil
}

// waiting says in a sentence what waits for somebody, "" when nothing does.
func waiting(w *api.Waits) string {
	switch n := len(w.Proposals); {
	case n == 1:
		return "1 proposal waits for a decision"
	case n > 1:
		return fmt.Sprintf("%d proposals wait for a decision", n)
	case w.Freeze != nil:
		return "recon is " + words.Clean(w.Freeze.String())
	}
	return ""
}

// headline says in a sentence how things stand.
func headline(p *reconcile.Plan) string {
	s := p.Summary()
	switch {
	case !p.InSync():
		return strings.TrimSuffix(words.Counts(p), ".")
	case s.Managed == 0 && s.Unmanaged > 0:
		return "Nothing is declared, so nothing was compared"
	case s.Managed == 0:
		return "Nothing is declared"
	case !p.Complete && s.InSync == 0:
		return "Nothing could be compared"
	case !p.Complete:
		return "What could be observed is in sync"
	}
	return "Everything is in sync"
}

func (s *server) tiles(p *api.Picture) []tile {
	sum := p.Plan.Summary()
	class := func(n int, some string) string {
		if n > 0 {
			return some
		}
		return "good"
	}
	drift := tile{class(sum.Drift+sum.Conflict, "warn"), "Drifted", strconv.Itoa(sum.Drift + sum.Conflict), "", "/changes?verdict=drift"}
	if at := p.OldestDrift(); !at.IsZero() {
		drift.Note = "the oldest " + s.since(at).Text
	}
	synced := "good"
	if sum.Managed == 0 {
		synced = ""
	}
	atLeast := ""
	if !p.Plan.Complete {
		atLeast = "at least"
	}
	return []tile{
		{synced, "In sync", fmt.Sprintf("%d of %d", sum.InSync, sum.Managed), "declared", "/things"},
		drift,
		{class(sum.PendingChange+sum.Missing, "warn"), "To apply", strconv.Itoa(sum.PendingChange + sum.Missing), "the manifest moved", "/changes?verdict=pending_change"},
		{class(sum.Unknown, "bad"), "Unknown", strconv.Itoa(sum.Unknown), "not observed now", "/changes"},
		{"", "Not declared", strconv.Itoa(sum.Unmanaged), cmp.Or(atLeast, fmt.Sprintf("%.0f %% are covered", 100*sum.Coverage)), "/things"},
	}
}

func (s *server) sourceRows(p *api.Picture) (out []sourceRow) {
	for _, src := range p.Sources {
		row := sourceRow{mark: good, Name: words.Clean(src.Name), Version: words.Clean(src.Version), State: "observed", Seen: s.since(src.Seen), Calls: src.Calls}
		if !src.Up {
			row.mark, row.State = bad, "not observed, or in part"
		}
		for _, l := range src.Lost {
			row.Lost = append(row.Lost, words.Clean(l.Scope+": "+l.Error))
		}
		out = append(out, row)
	}
	return out
}

func (s *server) eventRows(p *api.Picture, events []inventory.Event) (out []eventRow) {
	for i := range events {
		subject, text := words.Event(&events[i], words.Clean)
		row := eventRow{At: s.since(events[i].At), Subject: words.Clean(subject), Text: text}
		if p.Resource(subject) != nil {
			row.Path = thingPath(subject)
		}
		out = append(out, row)
	}
	return out
}

func thingPath(address string) string { return "/things/" + url.PathEscape(address) }

func going(state api.LiveState) int {
	if state.Going != nil {
		return 1
	}
	return 0
}

func (s *server) runRows(state api.LiveState) (out []runRow) {
	if g := state.Going; g != nil {
		out = append(out, runRow{mark: hint, Started: s.since(g.Started), Name: nameOf(*g), Took: "", Text: "goes on"})
	}
	for _, r := range state.Runs {
		row := runRow{mark: good, Started: s.since(r.Started), Name: nameOf(r), Took: r.Ended.Sub(r.Started).Round(10 * time.Millisecond).String(), Text: words.Clean(r.Summary)}
		if r.Commit != "" {
			row.Text += ", of " + r.Commit[:min(len(r.Commit), 12)]
		}
		if r.Events > 0 {
			row.Text += fmt.Sprintf("; %d new", r.Events)
		}
		switch {
		case r.Error != "":
			row.mark, row.Text = bad, words.Clean(r.Error)
		case r.Code == api.ExitDiffers:
			row.mark = warning
		case r.Code != api.ExitOK:
			row.mark = unknown
		}
		out = append(out, row)
	}
	return out
}

func nameOf(r api.RunRecord) string {
	if r.Action == "look" {
		return "first look"
	}
	return cmp.Or(r.Schedule, r.Action+" (asked for)")
}

func (s *server) dueRows(state api.LiveState) (out []dueRow) {
	for _, u := range state.Upcoming {
		out = append(out, dueRow{u.Schedule, s.since(u.Next)})
	}
	return out
}

func documentRows(p *api.Picture) (out []documentRow) {
	for i, d := range p.Documents {
		row := documentRow{mark: good, ID: fmt.Sprintf("doc-%d", i), Name: words.Clean(d.Path), State: "up to date", Text: words.CleanLines(d.Text)}
		row.Path = "/documents#" + row.ID
		if !d.Written.IsZero() {
			row.State += ", written " + d.Written.Local().Format("2006-01-02 15:04")
		}
		switch {
		case d.Stale && len(d.Edited) == 0 && !d.Missing:
			row.mark, row.State = hint, "not up to date; the next run that writes documents writes it"
		case len(d.Edited) > 0:
			row.mark, row.State = warning, "edited by hand and left alone: "+strings.Join(d.Edited, ", ")+"; recon context --theirs replaces it, --ours keeps it"
		case d.Missing:
			row.mark, row.State = warning, "has no markers of recon; recon context --insert adds them"
		}
		out = append(out, row)
	}
	return out
}

// runs lists the runs, and begins one where somebody may.
func (s *server) runs(r *http.Request, state api.LiveState) (answer, error) {
	body := struct {
		MayAct   bool
		Runs     []runRow
		Upcoming []dueRow
	}{userOf(r).mayAct, s.runRows(state), s.dueRows(state)}
	return answer{template: "runs", title: "Runs", body: body}, nil
}

// documents shows what recon keeps true.
func (s *server) documents(_ *http.Request, state api.LiveState) (answer, error) {
	if state.Picture == nil {
		return answer{}, errNothing
	}
	return answer{template: "documents", title: "Documents", body: struct{ Documents []documentRow }{documentRows(state.Picture)}}, nil
}

// history lists what happened.
func (s *server) history(r *http.Request, state api.LiveState) (answer, error) {
	if state.Picture == nil {
		return answer{}, errNothing
	}
	query := r.URL.Query().Get("q")
	rows := slices.DeleteFunc(s.eventRows(state.Picture, state.Picture.Events), func(e eventRow) bool { return !contains(query, e.Subject, e.Text) })
	from, to, p := paged(r, len(rows), perPage)
	body := struct {
		paging
		Query  string
		Events []eventRow
	}{p, query, rows[from:to]}
	return answer{template: "history", title: "History", body: body}, nil
}

type findingRow struct {
	mark
	Address, Summary, Rule, Detail, Fix string
	Evidence                            []string
}

type statementRow struct {
	mark
	Place, Text string
}

// told are the findings that a plan comes with, which are of the last run, and what the
// doctor found beside them when he came last.
func told(state api.LiveState) (out []inventory.Finding) {
	var all []inventory.Finding
	if state.Picture != nil {
		all = state.Picture.Plan.Findings
	}
	type key struct{ rule, address, summary string }
	seen := map[key]bool{}
	for _, f := range slices.Concat(all, state.Doctor) {
		k := key{f.Rule, f.Address, f.Summary}
		if f.Severity != "info" && !seen[k] {
			seen[k], out = true, append(out, f)
		}
	}
	return out
}

// findings lists what the doctor and the check of documents found.
func (s *server) findings(_ *http.Request, state api.LiveState) (answer, error) {
	if state.Picture == nil {
		return answer{}, errNothing
	}
	body := struct {
		Headline          string
		DoctorAt, FactsAt string
		Findings          []findingRow
		Statements        []statementRow
	}{Headline: "Findings"}
	for _, f := range told(state) {
		row := findingRow{mark: warning, Address: words.Clean(f.Address), Summary: words.Clean(f.Summary), Rule: f.Rule, Detail: words.Clean(f.Detail), Fix: words.CleanLines(f.Fix)}
		if f.Severity == "error" {
			row.mark = bad
		}
		for _, e := range f.Evidence {
			row.Evidence = append(row.Evidence, words.Clean(e))
		}
		body.Findings = append(body.Findings, row)
	}
	for i := range state.Facts {
		f := &state.Facts[i]
		for _, st := range f.Statements() {
			body.Statements = append(body.Statements, statementRow{warning, fmt.Sprintf("%s:%d", words.Clean(st.File), st.Line), words.Clean(f.Sentence(&st))})
		}
	}
	if !state.DoctorAt.IsZero() {
		body.DoctorAt = state.DoctorAt.Local().Format("2006-01-02 15:04")
	}
	if !state.FactsAt.IsZero() {
		body.FactsAt = state.FactsAt.Local().Format("2006-01-02 15:04")
	}
	return answer{template: "findings", title: "Findings", body: body}, nil
}
