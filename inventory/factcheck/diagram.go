package factcheck

import (
	"strings"
	"unicode/utf8"
)

// isDiagram reports a drawing: lines with the edges of boxes.
func isDiagram(body string) bool {
	edges := 0
	for _, line := range linesOf(body) {
		t := strings.TrimSpace(line)
		if strings.ContainsAny(t, "│┃║┌└╔╚┏┗") || strings.Count(t, "|") >= 2 || strings.HasPrefix(t, "+-") {
			edges++
		}
	}
	return edges >= 3
}

// A cell is a stretch of a line of a drawing between two edges.
type cell struct {
	text     string
	off      int
	from, to int  // columns of its edges
	open     bool // an edge is missing
}

// cells cuts a line at the edges of boxes.
func cells(line string, off int) (out []cell) {
	from, start, column := -1, 0, 0
	for i, r := range line {
		if strings.ContainsRune("|│┃║", r) {
			if strings.TrimSpace(line[start:i]) != "" || from >= 0 {
				out = append(out, cell{text: line[start:i], off: off + start, from: from, to: column, open: from < 0})
			}
			from, start = column, i+utf8.RuneLen(r)
		}
		column++
	}
	if rest := line[start:]; strings.TrimSpace(rest) != "" {
		out = append(out, cell{text: rest, off: off + start, from: from, to: -1, open: true})
	}
	return out
}

// diagram reads a drawing box by box: what stands in one box belongs together,
// what stands beside it does not.
func (r *markdownReader) diagram(body string, base int) {
	var boxes []*record
	var spans []cell
	flush := func(keep func(cell) bool) {
		var nextBoxes []*record
		var nextSpans []cell
		for i, s := range spans {
			if keep(s) {
				nextBoxes, nextSpans = append(nextBoxes, boxes[i]), append(nextSpans, s)
				continue
			}
			if len(boxes[i].fields) > 1 {
				r.records = append(r.records, *boxes[i])
			}
		}
		boxes, spans = nextBoxes, nextSpans
	}
	for off, line := range linesOf(body) {
		now := cells(line, base+off)
		flush(func(s cell) bool {
			for _, c := range now {
				if c.from == s.from && c.to == s.to {
					return true
				}
			}
			return false
		})
		for _, c := range now {
			r.unit(c.off, c.text, true)
			if c.open {
				continue
			}
			at := -1
			for i, s := range spans {
				if s.from == c.from && s.to == c.to {
					at = i
				}
			}
			if at < 0 {
				boxes, spans = append(boxes, &record{section: r.here, weight: 0.9}), append(spans, c)
				at = len(boxes) - 1
			}
			boxes[at].fields = append(boxes[at].fields, field{[]string{"box"}, c.text, c.off})
		}
	}
	flush(func(cell) bool { return false })
}
