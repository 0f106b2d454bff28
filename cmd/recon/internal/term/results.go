package term

import (
	"fmt"
	"slices"
	"strings"

	"recon/cmd/recon/internal/words"
	"recon/inventory"
	"recon/reconcile"
)

// Results writes what became of each change of an apply.
func (p *Printer) Results(results []reconcile.Result) {
	count := map[reconcile.Status]int{}
	withheld := 0
	for i := range results {
		r := &results[i]
		if r.Change.Action == inventory.ActionNone && r.Status == reconcile.StatusSkipped && len(r.Withheld) == 0 && r.Err == nil {
			continue
		}
		count[r.Status]++
		p.result(r)
		if len(r.Withheld) > 0 {
			withheld++
		}
	}
	var parts []string
	for _, s := range []reconcile.Status{reconcile.StatusDone, reconcile.StatusFailed, reconcile.StatusUnknown, reconcile.StatusSkipped} {
		if count[s] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count[s], s))
		}
	}
	if withheld > 0 {
		parts = append(parts, fmt.Sprintf("%d with calls withheld", withheld))
	}
	if len(parts) > 0 {
		fmt.Fprintln(p.W, strings.Join(parts, ", ")+".")
	}
}

func (p *Printer) result(r *reconcile.Result) {
	style, word := good, string(r.Status)
	switch r.Status {
	case reconcile.StatusFailed, reconcile.StatusUnknown:
		style = bad
	case reconcile.StatusSkipped:
		style = warn
	}
	fmt.Fprintf(p.W, "%s  %s\n", p.paint(style, fmt.Sprintf("%-7s", word)), p.paint(bold, p.clean(r.Change.Addr.String())))
	for _, s := range r.Done {
		fmt.Fprintf(p.W, "         %s\n", wrap(p.clean(s.Summary), "         ", p.width()-9))
	}
	for _, w := range r.Warnings {
		fmt.Fprintf(p.W, "         note: %s\n", p.clean(w))
	}
	if r.Err != nil {
		fmt.Fprintln(p.W, wrap("         "+p.paint(bad, "error: ")+p.clean(r.Err.Error()), "           ", p.width()))
	}
	p.fieldList("set: ", r.Set)
	p.fieldList("not set: ", r.Unset)
	for _, b := range r.Change.Blocked {
		fmt.Fprintln(p.W, wrap("         "+p.paint(warn, "blocked: ")+p.clean(b.Detail), "           ", p.width()))
	}
	for _, s := range r.Withheld {
		fmt.Fprintln(p.W, wrap(fmt.Sprintf("         %s %s: needs --allow %s", p.paint(warn, "withheld:"), p.clean(s.Summary), s.Impact), "           ", p.width()))
	}
}

// fieldList writes fields of a change that did not end as planned.
func (p *Printer) fieldList(word string, fields []inventory.Path) {
	if len(fields) == 0 {
		return
	}
	names := make([]string, 0, len(fields))
	for _, f := range fields {
		names = append(names, words.Clean(string(f)))
	}
	fmt.Fprintln(p.W, wrap("         "+word+strings.Join(names, ", "), "           ", p.width()))
}

// News writes what has happened since the last run.
func (p *Printer) News(events []inventory.Event) {
	if len(events) == 0 {
		return
	}
	fmt.Fprintln(p.W, "\nNew since the last run:")
	p.Events(events, false)
}

// Events writes events, a line each.
func (p *Printer) Events(events []inventory.Event, dates bool) {
	for i := range events {
		e := &events[i]
		subject, rest := words.Event(e, func(s string) string { return words.Shorten(p.clean(s)) })
		line := "  " + p.paint(bold, p.clean(subject)) + " " + rest
		if dates {
			line = e.At.Local().Format("2006-01-02 15:04") + line
		}
		fmt.Fprintln(p.W, wrap(line, "      ", p.width()))
	}
}

// Table writes rows under a head, aligned.
func (p *Printer) Table(head []string, rows [][]string) {
	for i := range rows {
		for j := range rows[i] {
			rows[i][j] = p.clean(rows[i][j])
		}
	}
	text := columns(p.fit(append([][]string{head}, rows...)), "")
	first, rest, _ := strings.Cut(text, "\n")
	fmt.Fprintf(p.W, "%s\n%s", p.paint(bold, first), rest)
}

// fit shortens the columns of a table until it fits into a terminal: always the one of
// which that cuts the fewest cells, so that few long values do not cost many short ones
// their ends. Elsewhere values are whole.
func (p *Printer) fit(rows [][]string) [][]string {
	if !p.Narrow {
		return rows
	}
	most := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			most[i] = max(most[i], cellWidth(cell))
		}
	}
	total := 2 * (len(most) - 1)
	for _, n := range most {
		total += n
	}
	for ; total > p.width() && slices.Max(most) > narrowest; total-- {
		most[cheapest(rows, most)]--
	}
	for _, row := range rows {
		for i, cell := range row {
			if r := []rune(cell); len(r) > most[i] {
				row[i] = string(r[:max(most[i]-2, 1)]) + ".."
			}
		}
	}
	return rows
}

// cheapest is the column that loses the fewest cells when it gets narrower, of several the
// widest.
func cheapest(rows [][]string, most []int) (best int) {
	fewest := -1
	for i, width := range most {
		cut := 0
		for _, row := range rows {
			if cellWidth(row[i]) >= width {
				cut++
			}
		}
		if width > narrowest && (fewest < 0 || cut < fewest || cut == fewest && width > most[best]) {
			best, fewest = i, cut
		}
	}
	return best
}

// narrowest is how narrow a column gets at most.
const narrowest = 6
