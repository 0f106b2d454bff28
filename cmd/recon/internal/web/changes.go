package web

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"recon/cmd/recon/internal/api"
	"recon/cmd/recon/internal/words"
	"recon/inventory"

	"github.com/zclconf/go-cty/cty"
)

type changeRow struct {
	mark
	values
	ID, Address, Path, Where, Verdict, Since string
	By, Apply, Harms                         string
	Blocked, Notes                           []string
}

// values are fields side by side, with the columns in which any of them says something.
type values struct {
	Columns []string
	Fields  []fieldRow
}

type fieldRow struct {
	Name    string
	Values  []string
	Note    string
	Where   string
	Differs bool
}

type option struct {
	Value, Name string
	Chosen      bool
}

// changes is the one page of everything that differs.
func (s *server) changes(r *http.Request, state api.LiveState) (answer, error) {
	p := state.Picture
	if p == nil {
		return answer{}, errNothing
	}
	query, verdict := r.URL.Query().Get("q"), r.URL.Query().Get("verdict")
	var found []*inventory.Change
	for i := range p.Plan.Changes {
		c := &p.Plan.Changes[i]
		if (verdict == "" || string(c.Verdict) == verdict) && matches(c, query) {
			found = append(found, c)
		}
	}
	from, to, pages := paged(r, len(found), changesPerPage)
	body := struct {
		paging
		Headline, Query, Empty string
		Verdicts               []option
		Changes                []changeRow
		Open                   bool
		Unknown                []string
	}{
		paging: pages, Headline: fmt.Sprintf("%d differences", len(p.Plan.Changes)), Query: query, Changes: changeRows(p, found[from:to]), Open: len(found) <= 20,
		Verdicts: []option{{"", "all", verdict == ""}}, Empty: "Nothing differs.",
	}
	if len(p.Plan.Changes) == 1 {
		body.Headline = "1 difference"
	}
	if query != "" || verdict != "" {
		body.Empty = "Nothing that differs matches."
	}
	for _, v := range []inventory.Verdict{inventory.VerdictDrift, inventory.VerdictConflict, inventory.VerdictDiffers, inventory.VerdictPendingChange, inventory.VerdictMissing, inventory.VerdictPendingReboot, inventory.VerdictTerraformStale} {
		body.Verdicts = append(body.Verdicts, option{string(v), strings.ReplaceAll(string(v), "_", " "), string(v) == verdict})
	}
	for _, u := range p.Plan.Unknown {
		body.Unknown = append(body.Unknown, notCompared(u))
	}
	return answer{template: "changes", title: "Differences", body: body}, nil
}

// matches reports whether all words of a query stand in what a change is about.
func matches(c *inventory.Change, query string) bool {
	texts := []string{c.Addr.String(), whereOf(c), c.Have.Volatile.Changed.User}
	for i := range c.Fields {
		texts = append(texts, string(c.Fields[i].Path))
	}
	return contains(query, texts...)
}

func notCompared(u inventory.Scope) string {
	text := words.Clean(u.Scope)
	if u.Err != nil {
		text += ": " + words.Clean(u.Err.Error())
	}
	var names []string
	for _, a := range u.Addresses {
		names = append(names, words.Clean(a.String()))
	}
	if len(names) > 0 {
		text += "; not compared: " + words.Few(names)
	}
	return text
}

// changeRows are differences as the page shows them.
func changeRows(p *api.Picture, changes []*inventory.Change) (out []changeRow) {
	for _, c := range changes {
		address := words.Clean(c.Addr.String())
		row := changeRow{
			mark: markOf(c), values: fieldsOf(c), ID: "change-" + address, Address: address, Path: thingPath(c.Addr.String()), Where: whereOf(c),
			Verdict: words.Verdict(c), By: words.Clean(words.ChangedBy(c)), Apply: words.Clean(words.Apply(c)),
		}
		if at, ok := p.Since[c.Addr.String()]; ok {
			row.Since = at.Local().Format("2006-01-02 15:04")
		}
		if len(c.Harms) > 0 {
			row.Harms = words.Clean(words.Harms(c.Harms))
		}
		for _, b := range c.Blocked {
			row.Blocked = append(row.Blocked, words.Clean(b.Detail))
		}
		for _, st := range c.Steps {
			for _, n := range st.Notes {
				row.Notes = append(row.Notes, words.Clean(n))
			}
		}
		out = append(out, row)
	}
	return out
}

func whereOf(c *inventory.Change) string {
	where := c.Want.Identity
	if c.Have.Volatile.Node != "" {
		where += " on " + c.Have.Volatile.Node
	}
	return words.Clean(where)
}

func markOf(c *inventory.Change) mark {
	switch {
	case c.Verdict == inventory.VerdictConflict || c.Action == inventory.ActionDelete:
		return bad
	case c.Verdict == inventory.VerdictMissing:
		return fresh
	case c.Action == inventory.ActionCreate:
		return fresh
	}
	return warning
}

// fieldsOf are the fields of a change side by side.
func fieldsOf(c *inventory.Change) values {
	v := values{Columns: []string{"Manifest", "Last applied", "Live", "In use"}}
	for i := range c.Fields {
		f := &c.Fields[i]
		if c.Action == inventory.ActionCreate && f.Path == "vmid" {
			continue
		}
		said := words.FieldOf(c, f, words.Clean)
		row := fieldRow{Name: words.Clean(said.Name), Note: said.Note, Where: words.Clean(said.Source), Differs: f.Policy != "ignore"}
		for _, value := range []cty.Value{f.Wish(), f.LastApplied, f.Live, f.Running} {
			row.Values = append(row.Values, shown(f.Attr, value))
		}
		v.Fields = append(v.Fields, row)
	}
	return v
}

// shown is a value as people read it, nothing when there is none.
func shown(a *inventory.Attr, v cty.Value) string {
	if inventory.IsNull(v) {
		return ""
	}
	return words.Clean(a.Show(v))
}

// resource is the page of one resource: its values, its history, and where it is written.
func (s *server) resource(r *http.Request, state api.LiveState) (answer, error) {
	p := state.Picture
	if p == nil {
		return answer{}, errNothing
	}
	sh := p.Resource(r.PathValue("address"))
	if sh == nil {
		return answer{}, errNotFound
	}
	body := struct {
		mark
		values
		Address, Verdict, Where, Why string
		Facts                        []struct{ Name, Value string }
		Events                       []eventRow
		Ties                         ties
	}{mark: shownMark(sh), values: shownValues(sh), Ties: tiesOf(p, sh.Address), Address: words.Clean(sh.Address), Verdict: strings.ReplaceAll(sh.Verdict, "_", " "), Why: why(sh)}
	if sh.File != "" {
		body.Where = fmt.Sprintf("written in %s:%d", words.Clean(sh.File), sh.Line)
	}
	for _, fact := range [][2]string{
		{"Identity", sh.Identity},
		{"Node", sh.Node},
		{"State", sh.Status},
		{"Managed by", sh.ManagedBy},
		{"Drifting since", local(text(sh.Since))},
		{"Last changed by", text(sh.ChangedBy)},
		{"Who changed it cannot be seen without", text(sh.ByNeeds)},
		{"Not observed now", text(sh.Error)},
		{"Observed", local(sh.ObservedAt)},
		{"Needs", strings.Join(sh.Needs, ", ")},
	} {
		if fact[1] != "" {
			body.Facts = append(body.Facts, struct{ Name, Value string }{fact[0], words.Clean(fact[1])})
		}
	}
	if t := sh.Terraform; t != nil {
		body.Facts = append(body.Facts, struct{ Name, Value string }{"Terraform", words.Clean(t.Address + " (" + t.Source + ")")})
	}
	events := slices.DeleteFunc(slices.Clone(p.Events), func(e inventory.Event) bool { return e.Address.String() != sh.Address && e.Identity != sh.Identity })
	body.Events = s.eventRows(p, events)
	return answer{template: "resource", title: words.Clean(sh.Address), body: body}, nil
}

// local is a time of an answer as people here read it.
func local(stamp string) string {
	at, err := time.Parse(time.RFC3339, stamp)
	if err != nil || at.IsZero() {
		return ""
	}
	return at.Local().Format("2006-01-02 15:04:05")
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func shownMark(sh *api.Shown) mark {
	switch {
	case sh.State == inventory.Unknown.String():
		return unknown
	case sh.Verdict == string(inventory.VerdictUnmanaged):
		return hint
	case sh.Verdict == string(inventory.VerdictInSync):
		return good
	}
	return warning
}

// shownValues are the values of a resource side by side, what differs first.
func shownValues(sh *api.Shown) values {
	v := values{Columns: []string{"Manifest", "Last applied", "Terraform", "Live", "In use"}}
	columns := []int{0, 1, 2, 3, 4}
	if sh.Terraform == nil {
		v.Columns, columns = []string{"Manifest", "Last applied", "Live", "In use"}, []int{0, 1, 3, 4}
	}
	for i := range sh.Fields {
		f := &sh.Fields[i]
		row := fieldRow{Name: words.Clean(f.Name), Differs: f.Differs}
		for _, c := range columns {
			row.Values = append(row.Values, words.Clean(f.Text[c]))
		}
		if f.File != "" {
			row.Where = fmt.Sprintf("%s:%d", words.Clean(f.File), f.Line)
		}
		v.Fields = append(v.Fields, row)
	}
	slices.SortStableFunc(v.Fields, func(a, b fieldRow) int { return rank(a) - rank(b) })
	return v
}

func rank(f fieldRow) int {
	switch {
	case f.Differs:
		return 0
	case f.Values[0] != "":
		return 1
	}
	return 2
}

// why says why fields that are not the same are no difference.
func why(sh *api.Shown) string {
	free := 0
	for i := range sh.Fields {
		if f := &sh.Fields[i]; !f.Declared && f.Live != nil {
			free++
		}
	}
	switch {
	case sh.Verdict == string(inventory.VerdictUnmanaged):
		return "No manifest declares it, so nothing is compared. recon import " + words.Clean(sh.Address) + " writes one from what is there."
	case free > 0:
		return fmt.Sprintf("Of %d fields the manifest says nothing, so they are nobody's opinion and no difference; exact = true compares them with Proxmox's defaults. Values that mean the same, as 8GiB and 8192, are the same.", free)
	}
	return ""
}
