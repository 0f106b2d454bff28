package contextfile

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Version is the version of the marker line that this package writes and reads.
const Version = "1"

// ErrEdited is wrapped when a block was edited by hand.
var ErrEdited = errors.New("the block was edited by hand")

// A MarkerError is a mistake in the markers of a file.
type MarkerError struct {
	File string
	Line int
	Msg  string
}

// Error names the place the way compilers do.
func (e *MarkerError) Error() string { return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Msg) }

// A Document is a Markdown file with its blocks found.
type Document struct {
	name   string
	lines  [][]byte // each with its line ending
	blocks []block
}

type block struct {
	id         string
	sum        string
	ours       string // of what recon would have written when somebody decided for the text that is there
	begin, end int    // indexes of the marker lines
	obsidian   bool
}

var (
	htmlMarker     = regexp.MustCompile(`^ {0,3}<!--\s*recon:(begin|end)\b(.*?)-->\s*$`)
	obsidianMarker = regexp.MustCompile(`^ {0,3}%%\s*recon:(begin|end)\b(.*?)%%\s*$`)
	fenceOpen      = regexp.MustCompile("^ {0,3}(`{3,}|~{3,})(.*)$")
	conflictMarker = regexp.MustCompile(`^(<{7}|>{7}|\|{7})( |$)`)
)

// Parse finds the blocks of a file. Known are the ids that may occur; nil allows
// any.
func Parse(src []byte, name string, known ...string) (*Document, error) {
	d := &Document{name: name, lines: splitLines(src)}
	p := parser{Document: d, known: known, open: -1}
	for i, line := range d.lines {
		if err := p.line(i, line); err != nil {
			return nil, err
		}
	}
	if p.open >= 0 {
		b := d.blocks[p.open]
		return nil, d.errorAt(b.begin, "block %q is never closed; add <!-- recon:end id=%s -->", b.id, b.id)
	}
	return d, nil
}

// splitLines cuts after each newline, so that joining gives the input.
func splitLines(src []byte) [][]byte { return bytes.SplitAfter(src, []byte("\n")) }

func (d *Document) errorAt(line int, format string, args ...any) error {
	return &MarkerError{File: d.name, Line: line + 1, Msg: fmt.Sprintf(format, args...)}
}

type parser struct {
	*Document
	known []string
	fence string // the open fence's characters, "" outside
	open  int    // index of the open block, -1 outside
}

func (p *parser) line(i int, raw []byte) error {
	if i == 0 {
		raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
	}
	if !marks(raw) {
		return nil
	}
	text := strings.TrimRight(string(raw), "\r\n")
	if p.inFence(text) {
		return nil
	}
	if conflictMarker.MatchString(text) {
		return p.errorAt(i, "a Git conflict marker; resolve the conflict first")
	}
	m, obsidian := htmlMarker.FindStringSubmatch(text), false
	if m == nil {
		m, obsidian = obsidianMarker.FindStringSubmatch(text), true
	}
	if m == nil {
		return nil
	}
	attrs, err := p.attrs(i, m[2])
	if err != nil {
		return err
	}
	if m[1] == "begin" {
		return p.begin(i, attrs, obsidian)
	}
	return p.end(i, attrs)
}

// marks reports whether a line could open or close a fence or be a marker, which nearly
// none can. It spares the patterns, which take most of the time of a long document.
func marks(raw []byte) bool {
	head := bytes.TrimLeft(raw, " ")
	return slices.ContainsFunc([]string{"```", "~~~", "<", "%%", ">>>>>>>", "|||||||"}, func(sign string) bool {
		return bytes.HasPrefix(head, []byte(sign))
	})
}

// inFence follows code fences as CommonMark has them and reports whether the line
// belongs to one.
func (p *parser) inFence(text string) bool {
	m := fenceOpen.FindStringSubmatch(text)
	switch {
	case p.fence == "" && m != nil && !(m[1][0] == '`' && strings.Contains(m[2], "`")):
		p.fence = m[1]
		return true
	case p.fence == "":
		return false
	case m != nil && m[1][0] == p.fence[0] && len(m[1]) >= len(p.fence) && strings.TrimSpace(m[2]) == "":
		p.fence = ""
	}
	return true
}

var attrPattern = regexp.MustCompile(`^([a-z]+)=([A-Za-z0-9._-]*)$`)

func (p *parser) attrs(i int, text string) (map[string]string, error) {
	out := map[string]string{}
	for _, word := range strings.Fields(text) {
		m := attrPattern.FindStringSubmatch(word)
		if m == nil {
			return nil, p.errorAt(i, "a marker holds id=NAME, v=1 and sum=HASH, not %q", word)
		}
		out[m[1]] = m[2]
	}
	if out["id"] == "" {
		return nil, p.errorAt(i, "the marker has no id")
	}
	return out, nil
}

func (p *parser) begin(i int, attrs map[string]string, obsidian bool) error {
	id := attrs["id"]
	switch {
	case p.open >= 0:
		return p.errorAt(i, "block %q begins inside block %q, which began on line %d", id, p.blocks[p.open].id, p.blocks[p.open].begin+1)
	case p.known != nil && !slices.Contains(p.known, id):
		return p.errorAt(i, "there is no block %q; this file may hold: %s", id, strings.Join(p.known, ", "))
	case attrs["v"] != "" && attrs["v"] != Version:
		return p.errorAt(i, "block %q has version %s, and this recon writes %s; use a newer recon", id, attrs["v"], Version)
	}
	if j := p.index(id); j >= 0 {
		return p.errorAt(i, "block %q is already on line %d", id, p.blocks[j].begin+1)
	}
	p.open = len(p.blocks)
	p.blocks = append(p.blocks, block{id: id, sum: attrs["sum"], ours: attrs["ours"], begin: i, obsidian: obsidian})
	return nil
}

func (p *parser) end(i int, attrs map[string]string) error {
	if p.open < 0 {
		return p.errorAt(i, "block %q ends here and begins nowhere", attrs["id"])
	}
	if b := &p.blocks[p.open]; b.id != attrs["id"] {
		return p.errorAt(i, "block %q ends here, but the open block is %q (line %d)", attrs["id"], b.id, b.begin+1)
	}
	p.blocks[p.open].end = i
	p.open = -1
	return nil
}

func (d *Document) index(id string) int {
	return slices.IndexFunc(d.blocks, func(b block) bool { return b.id == id })
}

// Has reports whether the file has a block.
func (d *Document) Has(id string) bool { return d.index(id) >= 0 }

// IDs returns the ids of the blocks, in the order of the file.
func (d *Document) IDs() []string {
	var out []string
	for _, b := range d.blocks {
		out = append(out, b.id)
	}
	return out
}

var headingLine = regexp.MustCompile(`^ {0,3}(#{1,6}) `)

// UnderHeading reports whether a block stands right below a heading of the author's. The
// title of a file is one for its only block.
func (d *Document) UnderHeading(id string) bool {
	i := d.index(id)
	if i < 0 {
		return false
	}
	for at := d.blocks[i].begin - 1; at >= 0; at-- {
		line := strings.TrimSpace(string(d.lines[at]))
		if line == "" {
			continue
		}
		m := headingLine.FindStringSubmatch(line)
		return m != nil && (len(m[1]) > 1 || len(d.blocks) == 1)
	}
	return false
}

// Body returns the text of a block with \n line endings, "" when there is none.
func (d *Document) Body(id string) string {
	i := d.index(id)
	if i < 0 {
		return ""
	}
	b := d.blocks[i]
	return strings.ReplaceAll(string(bytes.Join(d.lines[b.begin+1:b.end], nil)), "\r\n", "\n")
}

// Edited reports whether a block holds something else than recon wrote there.
func (d *Document) Edited(id string) bool {
	i := d.index(id)
	if i < 0 {
		return false
	}
	body := d.Body(id)
	if d.blocks[i].sum == "" {
		return strings.TrimSpace(body) != ""
	}
	return d.blocks[i].sum != Sum(body) && d.blocks[i].sum != textSum(body)
}

// Settled reports whether somebody decided for a block's own text while recon would have
// written this one. The day on which facts changed does not count.
func (d *Document) Settled(id, body string) bool {
	i := d.index(id)
	return i >= 0 && d.blocks[i].ours == factSum(body)
}

// Settle notes in a block's marker that its own text stands although recon would have
// written this one.
func (d *Document) Settle(id, body string) []byte {
	i := d.index(id)
	if i < 0 || d.Settled(id, body) {
		return d.Bytes()
	}
	b := d.blocks[i]
	b.ours = factSum(body)
	lines := slices.Clone(d.lines)
	lines[b.begin] = d.marker(b)
	return bytes.Join(lines, nil)
}

// Bytes returns the file.
func (d *Document) Bytes() []byte { return bytes.Join(d.lines, nil) }

// Replace returns the file with a block's text replaced; everything outside stays
// as it is. A block that was edited by hand is replaced only with force. The text
// has \n line endings and takes those of the marker's line.
func (d *Document) Replace(id, body string, force bool) ([]byte, error) {
	i := d.index(id)
	if i < 0 {
		return nil, fmt.Errorf("%s has no block %q", d.name, id)
	}
	b := d.blocks[i]
	if d.Edited(id) && !force {
		return nil, fmt.Errorf("%s:%d: block %q: %w", d.name, b.begin+1, id, ErrEdited)
	}
	if body != "" && !strings.HasSuffix(body, "\n") {
		body += "\n"
	}
	if meaning(d.Body(id)) == meaning(body) && b.sum != "" {
		return d.Bytes(), nil // the same, in whatever form a formatter gave it
	}
	b.sum, b.ours = Sum(body), ""
	if !d.Edited(id) {
		body = inForm(body, d.Body(id))
	}
	text := append(d.marker(b), strings.ReplaceAll(body, "\n", lineEnding(d.lines[b.begin]))...)
	return slices.Concat(bytes.Join(d.lines[:b.begin], nil), text, bytes.Join(d.lines[b.end:], nil)), nil
}

// marker is the line with which a block begins, in place of the one that is there.
func (d *Document) marker(b block) []byte {
	m := "recon:begin id=" + b.id + " v=" + Version + " sum=" + b.sum
	if b.ours != "" {
		m += " ours=" + b.ours
	}
	form := "<!-- %s -->"
	if b.obsidian {
		form = "%%%% %s %%%%"
	}
	line := fmt.Sprintf(form, m) + lineEnding(d.lines[b.begin])
	if b.begin == 0 && bytes.HasPrefix(d.lines[0], []byte("\xef\xbb\xbf")) {
		line = "\xef\xbb\xbf" + line
	}
	return []byte(line)
}

func lineEnding(line []byte) string {
	if bytes.HasSuffix(line, []byte("\r\n")) {
		return "\r\n"
	}
	return "\n"
}

// Append returns the file with an empty block added at its end, after a blank
// line. A file that has the block is returned as it is.
func (d *Document) Append(id string) []byte {
	if d.Has(id) {
		return d.Bytes()
	}
	src := d.Bytes()
	eol := "\n"
	if len(d.lines) > 0 {
		eol = lineEnding(d.lines[0])
	}
	var sep string
	switch {
	case len(bytes.TrimPrefix(src, []byte("\xef\xbb\xbf"))) == 0:
	case !bytes.HasSuffix(src, []byte("\n")):
		sep = eol + eol
	case !bytes.HasSuffix(src, []byte("\n"+eol)):
		sep = eol
	}
	pair := sep + "<!-- recon:begin id=" + id + " v=" + Version + " -->" + eol + "<!-- recon:end id=" + id + " -->" + eol
	return append(src, pair...)
}
