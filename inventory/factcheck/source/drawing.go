package source

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

var (
	mermaidLabel = regexp.MustCompile(`[\[({]+"?([^\[\](){}"]{3,160})"?[\])}]+`)
	lineBreak    = regexp.MustCompile(`(?i)<br\s*/?>|\\n`)
)

// mermaid reads the labels of a drawing: each is a thing of its own.
func (r *markdownReader) mermaid(body string, base int) {
	for _, m := range mermaidLabel.FindAllStringSubmatchIndex(body, -1) {
		label := body[m[2]:m[3]]
		e := Entry{Section: r.here, Form: Drawing, Table: -1}
		at := 0
		for _, b := range append(lineBreak.FindAllStringIndex(label, -1), []int{len(label), len(label)}) {
			e.boxLine(label[at:b[0]], base+m[2]+at)
			at = b[1]
		}
		r.keepBox(&e)
	}
}

// boxLine takes a line of a box: the first names it, another may be its address.
func (e *Entry) boxLine(text string, off int) {
	if strings.TrimSpace(text) == "" {
		return
	}
	if e.Name.Text == "" && len(e.Values) == 0 {
		name, at := NameIn(text)
		if name == "" {
			name = "?" // a box that names nobody
		}
		e.Name = Value{Role: Name, Text: name, Norm: name, Off: off + at}
		return
	}
	found := Addresses(text)
	if len(found) != 1 || strings.Trim(text[:found[0].Start]+text[found[0].End:], " \tIPip:()") != "" {
		return
	}
	a := found[0]
	e.Values = append(e.Values, Value{Role: Address, Text: text[a.Start:a.End], Norm: a.Norm, Off: off + a.Start})
}

func (p *Page) keepBox(e *Entry) {
	if len(e.Values) == 1 && e.Name.Text != "?" {
		p.Entries = append(p.Entries, *e)
	}
}

// A stretch is a part of a line of a drawing between two edges.
type stretch struct {
	text     string
	off      int
	from, to int // columns of its edges
}

// stretches cuts a line at the edges of boxes.
func stretches(line string, off int) (out []stretch) {
	from, start, col := -1, 0, 0
	for i, c := range line {
		if c == '|' || c == '│' || c == '┃' || c == '║' {
			if from >= 0 {
				out = append(out, stretch{line[start:i], off + start, from, col})
			}
			from, start = col, i+utf8.RuneLen(c)
		}
		col++
	}
	return out
}

// boxes reads a drawing box by box: what stands in one box belongs together, what
// stands beside it does not.
func boxes(p *Page, here *Section, body string, base int) {
	if !strings.ContainsAny(body, "│┃║") && !strings.Contains(body, "+--") {
		return
	}
	type edges struct{ from, to int }
	open := map[edges]*Entry{}
	for off, line := range linesOf(body) {
		now := map[edges]*Entry{}
		for _, s := range stretches(line, base+off) {
			key := edges{s.from, s.to}
			if now[key] = open[key]; now[key] == nil {
				now[key] = &Entry{Section: here, Form: Drawing, Table: -1}
			}
			now[key].boxLine(s.text, s.off)
		}
		for key, e := range open {
			if now[key] == nil {
				p.keepBox(e)
			}
		}
		open = now
	}
	for _, e := range open {
		p.keepBox(e)
	}
}
