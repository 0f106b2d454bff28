package source

import (
	"path"
	"regexp"
	"sort"
	"strings"
	"time"
	"unicode/utf8"
)

// A Document is a text to be read.
type Document struct {
	Path     string // as findings name it, with forward slashes
	Text     []byte
	ReadOnly bool // nothing in it is ever put right
}

// A Page is a document that was read. Offsets are bytes of its text.
type Page struct {
	*Document
	Title   string    // its first heading
	Date    time.Time // the day on which it says that it was last right; zero when it says none
	Past    bool      // all of it is history, a plan or an example
	Entries []Entry
	Tables  []Table
	Lines   []Line
	Refs    []Ref
	Numbers map[string]string // of an environment file: its variables that are numbers

	lex     *lexicon
	text    string // the same bytes, with what is no statement blanked out
	starts  []int  // offset of each line
	ignored []lineRange
}

// A Line is a line of prose, of a comment or of code.
type Line struct {
	*Section
	Text    string
	Off     int
	Code    bool
	Heading bool
	Cell    bool // of a table in which each row is a thing
}

// A Section is where in a document something stands.
type Section struct {
	Heads []string // the headings above, outermost first
	Off   int      // of the text of the last of them
	Past  bool     // one of them makes all of it history, a plan or an example
}

type lineRange struct{ from, to int }

// A Reader reads documents.
type Reader struct{ lex *lexicon }

// NewReader makes a reader, which several may use at a time.
func NewReader() *Reader { return &Reader{newLexicon()} }

// Read reads a document.
func (r *Reader) Read(d *Document) *Page {
	p := prepare(d)
	p.lex = r.lex
	switch ext := strings.ToLower(path.Ext(d.Path)); {
	case ext == ".md" || ext == ".markdown":
		readMarkdown(p)
	case ext == ".yml" || ext == ".yaml":
		readYAML(p, p.text, 0, &Section{}, true)
		p.comments("#")
	case ext == ".tf" || ext == ".tfvars" || ext == ".hcl":
		readHCL(p, p.text, 0, &Section{}, true)
		p.comments("#", "//")
	case ext == ".ini" || ext == "":
		readHosts(p, p.text, 0, &Section{}, true)
	case ext == ".xml":
		readXML(p)
	case strings.HasPrefix(path.Base(d.Path), ".env"):
		readEnvironment(p)
	default:
		readCode(p)
	}
	return p
}

// Position turns an offset into line and column, both from 1; columns count
// characters.
func (p *Page) Position(off int) (line, column int) {
	line = sort.SearchInts(p.starts, off+1)
	return line, utf8.RuneCount(p.Text[p.starts[line-1]:off]) + 1
}

// LineAt returns the text of the line in which an offset lies.
func (p *Page) LineAt(off int) string { return p.line(sort.SearchInts(p.starts, off+1) - 1) }

// NextLine returns the next line that says something behind the one in which an offset lies.
func (p *Page) NextLine(off int) string {
	for i := sort.SearchInts(p.starts, off+1); i < len(p.starts); i++ {
		if line := strings.TrimSpace(p.line(i)); line != "" {
			return line
		}
	}
	return ""
}

// Around returns the line in which an offset lies with those before and behind it,
// as far as they are of one paragraph.
func (p *Page) Around(off int) string {
	i := sort.SearchInts(p.starts, off+1) - 1
	out := p.line(i)
	if i > 0 && !begins(p.line(i)) {
		out = p.line(i-1) + "\n" + out
	}
	if i+1 < len(p.starts) && !begins(p.line(i+1)) {
		out += "\n" + p.line(i+1)
	}
	return out
}

// begins reports a line with which something new begins: an item, a row, a heading.
func begins(line string) bool {
	t := strings.TrimLeft(line, " \t>")
	return t == "" || strings.ContainsAny(t[:1], "|#") || listItem.MatchString(line)
}

// Ignored reports whether the author took the place out with recon:ignore.
func (p *Page) Ignored(off int) bool {
	line := sort.SearchInts(p.starts, off+1)
	for _, r := range p.ignored {
		if line >= r.from && line <= r.to {
			return true
		}
	}
	return false
}

// line returns the text of a line, from 0, without its end and blanks before it.
func (p *Page) line(i int) string {
	end := len(p.text)
	if i+1 < len(p.starts) {
		end = p.starts[i+1] - 1
	}
	return strings.TrimRight(p.text[p.starts[i]:end], " \t")
}

func lineStarts(text string) []int {
	out := append(make([]int, 0, 1+strings.Count(text, "\n")), 0)
	for i := 0; ; {
		end := strings.IndexByte(text[i:], '\n')
		if end < 0 {
			return out
		}
		i += end + 1
		out = append(out, i)
	}
}

var (
	beginBlock  = regexp.MustCompile(`^ {0,3}(?:<!--|%%)\s*recon:begin\b`)
	endBlock    = regexp.MustCompile(`^ {0,3}(?:<!--|%%)\s*recon:end\b`)
	ignoreMark  = regexp.MustCompile(`(?:<!--|%%|#|//)\s*recon:ignore\b[ \t]*([^\n]*?)[ \t]*(?:-->|%%)?[ \t]*$`)
	htmlComment = regexp.MustCompile(`(?s)<!--.*?-->`)
	struck      = regexp.MustCompile(`~~[^~\n]+~~`)
	datedLine   = regexp.MustCompile(`(?im)^[ \t>*_|#-]*(?:last[ _-](?:updated|modified|verified|reviewed|changed)|updated|stand|as of|date|lastmod)\b[*_ \t]*[:=|]?[*_ \t]*["']?(\d{4}-\d{2}-\d{2})`)
)

// prepare makes a page of a document: what cannot be a statement is replaced by
// blanks, so that every offset stays.
func prepare(d *Document) *Page {
	text := string(d.Text)
	if strings.HasPrefix(text, "\xef\xbb\xbf") {
		text = "   " + text[3:]
	}
	text = strings.ReplaceAll(text, "\r\n", " \n")
	p := &Page{Document: d, starts: lineStarts(text), text: text}
	head := p.text[:min(len(p.text), 4096)]
	if m := datedLine.FindStringSubmatch(head); m != nil {
		if at, err := time.Parse(time.DateOnly, m[1]); err == nil {
			p.Date = at
		}
	}
	p.Past = pastFile(d.Path, head)
	p.ignores()
	p.blankBlocks()
	if strings.Contains(p.text, "~~") {
		p.text = blankMatches(p.text, struck)
	}
	return p
}

// blank overwrites bytes with blanks, keeping line ends.
func blank(text []byte) {
	for i := range text {
		if text[i] != '\n' {
			text[i] = ' '
		}
	}
}

func blankMatches(text string, pattern *regexp.Regexp) string {
	found := pattern.FindAllStringIndex(text, -1)
	if found == nil {
		return text
	}
	out := []byte(text)
	for _, m := range found {
		blank(out[m[0]:m[1]])
	}
	return string(out)
}

// blankBlocks takes recon's own blocks out: what recon wrote is no statement of
// anybody.
func (p *Page) blankBlocks() {
	if !strings.Contains(p.text, "recon:begin") {
		return
	}
	out, inside := []byte(p.text), false
	for i := range p.starts {
		line := p.line(i)
		switch {
		case beginBlock.MatchString(line):
			inside = true
		case endBlock.MatchString(line):
			inside = false
		case inside:
		default:
			continue
		}
		blank(out[p.starts[i] : p.starts[i]+len(line)])
	}
	p.text = string(out)
}

// ignores reads the marks with which an author takes something out: a mark on a
// line, on a line of its own before one, or below a heading for the section. One
// without a reason does not count.
func (p *Page) ignores() {
	if !strings.Contains(p.text, "recon:ignore") {
		return
	}
	for i := range p.starts {
		line := p.line(i)
		m := ignoreMark.FindStringSubmatchIndex(line)
		if m == nil || strings.TrimSpace(line[m[2]:m[3]]) == "" {
			continue
		}
		if before := strings.TrimSpace(line[:m[0]]); before != "" && before != "-" && before != ">" {
			p.ignored = append(p.ignored, lineRange{i + 1, i + 1})
		} else {
			p.ignored = append(p.ignored, p.ignoredBelow(i))
		}
	}
}

// ignoredBelow is the section when the mark is the first thing below its heading,
// else the paragraph or table that follows.
func (p *Page) ignoredBelow(i int) lineRange {
	above := i - 1
	for above >= 0 && strings.TrimSpace(p.line(above)) == "" {
		above--
	}
	level := 0
	if above >= 0 {
		level, _ = headingOf(p.line(above))
	}
	last := i
	for j := i + 1; j < len(p.starts); j++ {
		line := p.line(j)
		if level > 0 {
			if l, _ := headingOf(line); l > 0 && l <= level {
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
