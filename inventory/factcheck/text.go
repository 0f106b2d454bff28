package factcheck

import (
	"bytes"
	"path"
	"regexp"
	"sort"
	"strings"
	"time"
	"unicode/utf8"
)

// A Document is a text to be checked.
type Document struct {
	Path     string // as findings name it, with forward slashes
	Text     []byte
	Date     time.Time // when it was last known to be right; zero when nobody knows
	ReadOnly bool      // findings in it are never fixable
}

// A file is a document on its way through the extractor.
type file struct {
	*Document
	text    string // the same bytes, with what is no claim blanked out
	lines   []int  // offset of each line
	date    time.Time
	past    bool // all of it is history
	units   []unit
	records []record
	links   []link
	ignored []lineRange
	headAt  []heading
}

// A unit is a stretch of text in which statements are found by what stands close
// to what.
type unit struct {
	section
	text string
	off  int
	code bool
}

// A section is where in a document something stands.
type section struct {
	heads []string // the headings above
	past  bool     // one of them is about the past
}

// A field is one named value of a record.
type field struct {
	roles []string // what it may be, in the order of its parts
	text  string
	off   int
}

// A record is a thing with named fields.
type record struct {
	section
	subject field // the field that names the thing; its text may be empty, its offset -1 when it stands elsewhere
	fields  []field
	whole   string // everything that stands in it, for what makes it history
	table   bool
	weight  float64 // confidence of what it says
}

type link struct {
	target string
	off    int
	code   bool // a path in a code span, not a link
}

type lineRange struct{ from, to int }

type heading struct {
	level, line int
	text        string
}

// position turns an offset into line and column, both from 1; columns count
// characters.
func (f *file) position(off int) (line, column int) {
	line = sort.SearchInts(f.lines, off+1)
	start := f.lines[line-1]
	return line, utf8.RuneCountInString(string(f.Text[start:off])) + 1
}

func lineOffsets(text []byte) []int {
	out := []int{0}
	for i, b := range text {
		if b == '\n' {
			out = append(out, i+1)
		}
	}
	return out
}

// line returns the text of a line, from 0, without its end.
func (f *file) line(i int) string {
	end := len(f.text)
	if i+1 < len(f.lines) {
		end = f.lines[i+1] - 1
	}
	return f.text[f.lines[i]:end]
}

var (
	beginBlock  = regexp.MustCompile(`^ {0,3}(?:<!--|%%)\s*recon:begin\b`)
	endBlock    = regexp.MustCompile(`^ {0,3}(?:<!--|%%)\s*recon:end\b`)
	ignoreMark  = regexp.MustCompile(`(?:<!--|%%|#|//)\s*recon:ignore\b[ \t]*([^\n]*?)[ \t]*(?:-->|%%)?[ \t]*$`)
	htmlComment = regexp.MustCompile(`(?s)<!--.*?-->`)
	struck      = regexp.MustCompile(`~~[^~\n]+~~`)
	datedLine   = regexp.MustCompile(`(?im)^[ \t>*_|#-]*(?:last[ _-](?:updated|modified|verified|reviewed|changed)|updated|stand|as of|date|lastmod)\b[*_ \t]*[:=|]?[*_ \t]*["']?(\d{4}-\d{2}-\d{2})`)
	pastStatus  = regexp.MustCompile(`(?im)^[ \t*_-]*status[*_ \t]*[:=][*_ \t]*["']?(archived?|deprecated|superseded|obsolete|outdated|draft|proposed|rejected|historical)`)
	pastPath    = regexp.MustCompile(`(?i)(^|[/_. -])(change-?log|changes|history|archived?|archives|news|releases?|release-?notes|session-?log|incidents?|post-?mortems?|journal|diary|change[ _-]records?|evidence|change[ _-]plans?|reports?|troubleshooting|old|legacy|deprecated|backlog|roadmap|attic|retired|example|examples|sample|samples|template|templates|fixtures|testdata)([/_. -]|$)|(?:19|20)\d\d-\d\d-\d\d`)
)

// prepare makes a document ready: what cannot be a claim is replaced by blanks, so
// that every offset stays.
func prepare(d *Document) *file {
	text := bytes.Clone(d.Text)
	if bytes.HasPrefix(text, []byte("\xef\xbb\xbf")) {
		copy(text, "   ")
	}
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte(" \n"))
	f := &file{Document: d, lines: lineOffsets(text), text: string(text), date: d.Date}
	head := f.text[:min(len(f.text), 4096)]
	if m := datedLine.FindStringSubmatch(head); m != nil {
		if at, err := time.Parse(time.DateOnly, m[1]); err == nil {
			f.date = at
		}
	}
	f.past = pastPath.MatchString(strings.TrimSuffix(d.Path, path.Ext(d.Path))) || pastStatus.MatchString(head[:min(len(head), 1024)])
	f.ignores()
	f.blankBlocks()
	f.text = blankMatches(f.text, struck)
	return f
}

// blank overwrites bytes with blanks, keeping line ends.
func blank(text []byte) {
	for i := range text {
		if text[i] != '\n' {
			text[i] = ' '
		}
	}
}

func blankMatches(text string, patterns ...*regexp.Regexp) string {
	out := []byte(text)
	for _, p := range patterns {
		for _, m := range p.FindAllIndex(out, -1) {
			blank(out[m[0]:m[1]])
		}
	}
	return string(out)
}

// blankBlocks takes recon's own blocks out: what recon wrote is no claim of
// anybody.
func (f *file) blankBlocks() {
	out, inside := []byte(f.text), false
	for i := range f.lines {
		line := f.line(i)
		if !strings.Contains(line, "recon:") && !inside {
			continue
		}
		switch {
		case beginBlock.MatchString(line):
			inside = true
		case endBlock.MatchString(line):
			inside = false
		case inside:
		default:
			continue
		}
		blank(out[f.lines[i] : f.lines[i]+len(line)])
	}
	f.text = string(out)
}

// ignores reads the marks with which an author takes something out: a mark on a
// line, on a line of its own before one, or below a heading for the section. One
// without a reason does not count.
func (f *file) ignores() {
	if !strings.Contains(f.text, "recon:ignore") {
		return
	}
	for i := range f.lines {
		line := f.line(i)
		m := ignoreMark.FindStringSubmatchIndex(line)
		if m == nil || strings.TrimSpace(line[m[2]:m[3]]) == "" {
			continue
		}
		before := strings.TrimSpace(line[:m[0]])
		switch {
		case before != "" && before != "-" && before != ">":
			f.ignored = append(f.ignored, lineRange{i + 1, i + 1})
		default:
			f.ignored = append(f.ignored, f.ignoredBelow(i))
		}
	}
}

// ignoredBelow is the section when the mark is the first thing below its heading,
// else the paragraph or table that follows.
func (f *file) ignoredBelow(i int) lineRange {
	above := i - 1
	for above >= 0 && strings.TrimSpace(f.line(above)) == "" {
		above--
	}
	level := 0
	if above >= 0 {
		level = headingLevel(f.line(above))
	}
	last := i
	for j := i + 1; j < len(f.lines); j++ {
		line := f.line(j)
		if level > 0 {
			if l := headingLevel(line); l > 0 && l <= level {
				break
			}
		} else if strings.TrimSpace(line) == "" && last > i {
			break
		}
		if strings.TrimSpace(line) != "" || level > 0 {
			last = j
		}
	}
	return lineRange{i + 1, last + 1}
}

func headingLevel(line string) int {
	n := len(line) - len(strings.TrimLeft(line, "#"))
	if n >= 1 && n <= 6 && n < len(line) && line[n] == ' ' {
		return n
	}
	return 0
}

func (f *file) isIgnored(off int) bool {
	line, _ := f.position(off)
	for _, r := range f.ignored {
		if line >= r.from && line <= r.to {
			return true
		}
	}
	return false
}
