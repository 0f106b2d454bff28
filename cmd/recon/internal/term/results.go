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
			line = words.When(e.At) + line
		}
		fmt.Fprintln(p.W, wrap(line, "      ", p.width()))
	}
}

// Table writes rows under a head, aligned. On a terminal that is too narrow for it, what
// comes after a long cell moves on, to the next line where it must: nothing is cut, since
// half an address is no use to anybody.
func (p *Printer) Table(head []string, rows [][]string) {
	all := [][]string{head}
	for _, row := range rows {
		clean := make([]string, len(row))
		for i, cell := range row {
			clean[i] = p.clean(cell)
		}
		all = append(all, clean)
	}
	starts := p.starts(all)
	for i, row := range all {
		line := p.laid(row, starts)
		if i == 0 {
			line = p.paint(bold, line)
		}
		fmt.Fprintln(p.W, line)
	}
}

// starts is where the columns of a table begin. On a terminal they are narrowed until all
// of them fit: always the one of which that moves the fewest rows, so that few long
// values do not cost many short ones their place.
func (p *Printer) starts(rows [][]string) []int {
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
	for ; p.Narrow && total > p.width() && slices.Max(most) > narrowest; total-- {
		most[cheapest(rows, most)]--
	}
	starts := make([]int, len(most))
	for i := 1; i < len(starts); i++ {
		starts[i] = starts[i-1] + most[i-1] + 2
	}
	return starts
}

// laid writes a row: each cell where its column begins, or behind a longer one before it,
// and on a terminal below where it has no room there.
func (p *Printer) laid(row []string, starts []int) string {
	var out strings.Builder
	used := -2
	for i, cell := range row {
		n := cellWidth(cell)
		if n == 0 {
			continue
		}
		start := max(starts[i], used+2)
		if p.Narrow && start+n > p.width() && i > 0 {
			start = max(min(starts[i], p.width()-n), 2)
			out.WriteString("\n")
			used = 0
		}
		if indent := strings.Repeat(" ", start); p.Narrow && start+n > p.width() {
			cell = strings.TrimPrefix(wrap(indent+cell, indent, p.width()), indent)
		}
		out.WriteString(strings.Repeat(" ", start-max(used, 0)) + cell)
		used = start + n
	}
	return out.String()
}

// cheapest is the column that becomes too narrow for the fewest cells when it loses a
// place, of several the widest.
func cheapest(rows [][]string, most []int) (best int) {
	fewest := -1
	for i, width := range most {
		moved := 0
		for _, row := range rows {
			if cellWidth(row[i]) >= width {
				moved++
			}
		}
		if width > narrowest && (fewest < 0 || moved < fewest || moved == fewest && width > most[best]) {
			best, fewest = i, moved
		}
	}
	return best
}

// narrowest is how narrow a column gets at most.
const narrowest = 6
