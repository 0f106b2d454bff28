package source

import (
	"regexp"
	"strings"
)

// A markdownReader reads a Markdown page line by line.
type markdownReader struct {
	*Page
	heads []heading
	here  *Section
	items []item // the list items that are open, outermost first
	props int    // index of the entry that takes properties of the section, -1 when there is none
}

type heading struct {
	level int
	text  string
}

// An item is an item of a list under which others may stand.
type item struct {
	indent int
	name   Value
	entry  int // of what stands below it, -1 until something does
}

func readMarkdown(p *Page) {
	r := &markdownReader{Page: p, here: &Section{}, props: -1}
	if strings.Contains(p.text, "<!--") {
		p.text = blankMatches(p.text, htmlComment)
	}
	for i := r.frontMatter(); i < len(r.starts); {
		i = r.block(i)
	}
}

// frontMatter reads the YAML at the head of a page and returns the line behind it.
func (r *markdownReader) frontMatter() int {
	if strings.TrimSpace(r.line(0)) != "---" {
		return 0
	}
	for i := 1; i < len(r.starts) && i < 60; i++ {
		if strings.TrimSpace(r.line(i)) == "---" {
			readYAML(r.Page, r.text[:r.starts[i]], 0, &Section{}, false)
			return i + 1
		}
	}
	return 0
}

var (
	fenceOpen = regexp.MustCompile("^[ \t>]*(?:[-*+] +)?(```+|~~~+)[ \t]*([A-Za-z0-9_+-]*)")
	delimiter = regexp.MustCompile(`^[ \t>]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$`)
	underline = regexp.MustCompile(`^ {0,3}(=+|-{3,})[ \t]*$`)
)

// block reads what begins on a line and returns the line behind it.
func (r *markdownReader) block(i int) int {
	line := r.line(i)
	if strings.Contains(line, "```") || strings.Contains(line, "~~~") {
		if m := fenceOpen.FindStringSubmatch(line); m != nil {
			return r.fence(i, m[1], strings.ToLower(m[2]))
		}
	}
	if level, text := headingOf(line); level > 0 {
		r.heading(level, text, r.starts[i]+strings.Index(line, text))
		return i + 1
	}
	if i+1 < len(r.starts) && strings.Contains(line, "|") && strings.Contains(r.line(i+1), "|") && delimiter.MatchString(r.line(i+1)) {
		return r.table(i)
	}
	if i+1 < len(r.starts) && isText(line) && strings.ContainsAny(r.line(i + 1)[:min(len(r.line(i+1)), 4)], "=-") && underline.MatchString(r.line(i+1)) {
		level := 2
		if strings.Contains(r.line(i+1), "=") {
			level = 1
		}
		r.heading(level, strings.TrimSpace(line), r.starts[i]+len(line)-len(strings.TrimLeft(line, " \t")))
		return i + 2
	}
	r.prose(line, r.starts[i])
	return i + 1
}

// isText reports a line that may be a heading when it is underlined.
func isText(line string) bool {
	t := strings.TrimSpace(line)
	return t != "" && !strings.ContainsAny(t[:1], "-*+>|#`") && !strings.Contains(t, "|")
}

func headingOf(line string) (level int, text string) {
	t := strings.TrimLeft(line, " >")
	level = len(t) - len(strings.TrimLeft(t, "#"))
	if len(line)-len(t) > 5 || level < 1 || level > 6 || level == len(t) || t[level] != ' ' && t[level] != '\t' {
		return 0, ""
	}
	text = strings.TrimSpace(strings.TrimRight(strings.TrimSpace(t[level:]), "#"))
	return level, text
}

func (r *markdownReader) heading(level int, text string, off int) {
	for len(r.heads) > 0 && r.heads[len(r.heads)-1].level >= level {
		r.heads = r.heads[:len(r.heads)-1]
	}
	if text == "" {
		return
	}
	if r.Title == "" {
		r.Title = text
	}
	r.refs(text, off, r.here.Past)
	r.heads = append(r.heads, heading{level, text})
	r.here = &Section{Off: off}
	for _, h := range r.heads {
		r.here.Heads = append(r.here.Heads, h.text)
	}
	r.here.Past = r.lex.past.below(r.here.Heads)
	r.Lines = append(r.Lines, Line{Section: &Section{Heads: r.here.Heads[:len(r.here.Heads)-1], Past: r.here.Past}, Text: text, Off: off, Heading: true})
	r.items, r.props = nil, -1
}

var (
	listItem = regexp.MustCompile(`^([ \t>]*)(?:[-*+]|\d{1,3}[.)])[ \t]+`)
	keyValue = regexp.MustCompile(`^[*_\x60]{0,3}([A-Za-z][A-Za-z0-9 /&()_.-]{0,34}?)[*_\x60]{0,3}[ \t]*[:=][*_\x60]{0,3}[ \t]+(.+?)[ \t]*$`)
)

// prose reads a line of text: an item of a list, a property, or a sentence.
func (r *markdownReader) prose(line string, off int) {
	if strings.TrimSpace(line) == "" {
		return
	}
	text, indent, listed := line, len(line)-len(strings.TrimLeft(line, " \t>")), false
	if strings.ContainsAny(line[indent:min(len(line), indent+1)], "-*+0123456789") {
		if m := listItem.FindString(line); m != "" {
			text, off, listed = line[len(m):], off+len(m), true
		}
	}
	past := r.here.Past || r.lex.past.line(text)
	r.refs(text, off, past)
	for len(r.items) > 0 && (r.items[len(r.items)-1].indent >= indent || !listed && indent == 0) {
		r.items = r.items[:len(r.items)-1]
	}
	if !past {
		r.Lines = append(r.Lines, Line{Section: r.here, Text: text, Off: off})
		r.property(text, off)
	}
	if listed {
		it := item{indent: indent, entry: -1}
		if name, at := NameIn(text); name != "" && !past {
			it.name = Value{Role: Name, Text: name, Norm: name, Off: off + at}
		}
		r.items = append(r.items, it)
	}
}

// refs notes the files that a text names.
func (r *markdownReader) refs(text string, off int, past bool) {
	from := len(r.Refs)
	r.Refs = append(r.Refs, refsIn(text, off)...)
	for i := from; i < len(r.Refs); i++ {
		r.Refs[i].Past = past
	}
}

// property reads a line of the form "Key: value" as one of what the item above it
// names, else of what the headings name.
func (r *markdownReader) property(text string, off int) {
	if !strings.ContainsAny(text[:min(len(text), 48)], ":=") {
		return
	}
	m := keyValue.FindStringSubmatchIndex(text)
	if m == nil {
		return
	}
	c := r.lex.column(text[m[2]:m[3]])
	switch c.role {
	case Address, VMID, Node, Kind, Cores, Memory, Disk, MAC, VLAN, Gateway, DNS, Version, URL, Subnet, Port:
	case Host, Place:
		c.role = Node
	case Name:
		if hostnameKey.MatchString(text[m[2]:m[3]]) {
			r.propertyEntry().ownName(text[m[4]:m[5]], off+m[4])
		}
		return
	default:
		return
	}
	values := valuesOf(c, text[m[4]:m[5]], off+m[4])
	if len(values) == 0 {
		return
	}
	e := r.propertyEntry()
	e.Values = append(e.Values, values...)
}

// ownName takes the host name that a property list gives to what it is about.
func (e *Entry) ownName(text string, off int) {
	if name, at := NameIn(text); name != "" && e.Name.Text == "" {
		e.Name = Value{Role: Name, Text: name, Norm: name, Off: off + at}
	}
}

var hostnameKey = regexp.MustCompile(`(?i)^\W*(?:host|vm|ct|lxc|container) ?name\W*$`)

func (r *markdownReader) propertyEntry() *Entry {
	at, name := &r.props, Value{}
	if n := len(r.items); n > 0 {
		at, name = &r.items[n-1].entry, r.items[n-1].name
		if name.Text == "" { // below something that names nothing
			name.Text, name.Off = "?", -1
		}
	}
	if *at < 0 {
		*at = len(r.Entries)
		r.Entries = append(r.Entries, Entry{Section: r.here, Form: Properties, Name: name, Table: -1})
	}
	return &r.Entries[*at]
}

// fence reads a block of code: a drawing, or lines of a shell.
func (r *markdownReader) fence(i int, mark, language string) int {
	end := i + 1
	for end < len(r.starts) && !strings.HasPrefix(strings.TrimLeft(r.line(end), " \t>"), mark) {
		end++
	}
	if end >= len(r.starts) || i+1 == end {
		return end + 1
	}
	base := r.starts[i+1]
	body := r.text[base:r.starts[end]]
	if r.here.Past {
		return end + 1
	}
	switch language {
	case "mermaid":
		r.mermaid(body, base)
	case "diff", "patch", "log", "sql", "json", "yaml", "yml", "hcl", "tf", "terraform", "ini", "toml", "conf": // in a document they are examples
	default:
		r.drawing(body, base, r.announced(i))
	}
	return end + 1
}

// announced reports a block of which the line before it says that it is no statement about
// today: "The folder should become:".
func (r *markdownReader) announced(i int) bool {
	for i--; i >= 0; i-- {
		if line := r.line(i); line != "" {
			return strings.HasSuffix(strings.TrimRight(line, "*_ "), ":") && r.lex.past.line(line)
		}
	}
	return false
}

// drawing reads a drawing of folders, of boxes, or lines of a shell.
func (r *markdownReader) drawing(body string, base int, past bool) {
	if !past && (strings.Contains(body, "├──") || strings.Contains(body, "└──") || strings.Contains(body, "|-- ")) {
		r.Refs = append(r.Refs, folderTree(body, base)...)
	}
	boxes(r.Page, r.here, body, base)
	for off, line := range linesOf(body) {
		if strings.TrimSpace(line) != "" && !r.lex.past.line(line) {
			r.Lines = append(r.Lines, Line{Section: r.here, Text: line, Off: base + off, Code: true})
		}
	}
}
