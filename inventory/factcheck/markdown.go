package factcheck

import (
	"regexp"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	east "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"
)

// A markdownReader turns a Markdown file into units and records.
type markdownReader struct {
	*file
	src   []byte
	roles map[string]string
	tense *tense
	heads []heading
	here  section // made anew with every heading
}

// readMarkdown gathers the units and records of a Markdown file. goldmark tells
// what is a table, a list, code or a link.
func readMarkdown(f *file, roles map[string]string, t *tense) {
	r := &markdownReader{file: f, roles: roles, tense: t}
	f.text = blankMatches(f.text, htmlComment)
	r.frontMatter()
	r.src = []byte(f.text)
	md := goldmark.New(goldmark.WithExtensions(extension.Table))
	root := md.Parser().Parse(text.NewReader(r.src))
	r.blocks(root)
	r.references(root)
}

// frontMatter reads the YAML at the head of a file and takes it out of the text:
// it is no Markdown.
func (r *markdownReader) frontMatter() {
	if !strings.HasPrefix(r.text, "---") || strings.TrimSpace(r.line(0)) != "---" {
		return
	}
	for i := 1; i < len(r.lines) && i < 60; i++ {
		if strings.TrimSpace(r.line(i)) == "---" {
			out := []byte(r.text)
			end := r.lines[i] + len(r.line(i))
			readConfig(r.file, r.text[:end], 0, r.roles, section{})
			blank(out[:end])
			r.text = string(out)
			return
		}
	}
}

func (r *markdownReader) blocks(parent ast.Node) {
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		r.block(n)
	}
}

func (r *markdownReader) block(n ast.Node) {
	switch node := n.(type) {
	case *ast.Heading:
		r.heading(node)
	case *ast.List:
		r.list(node, "")
	case *east.Table:
		r.table(node)
	case *ast.FencedCodeBlock:
		r.code(n, strings.ToLower(string(node.Language(r.src))))
	case *ast.CodeBlock:
		r.code(n, "")
	case *ast.Blockquote:
		r.blocks(node)
	case *ast.Paragraph, *ast.TextBlock:
		r.prose(node)
	}
}

func (r *markdownReader) heading(h *ast.Heading) {
	for len(r.heads) > 0 && r.heads[len(r.heads)-1].level >= h.Level {
		r.heads = r.heads[:len(r.heads)-1]
	}
	if h.Lines().Len() == 0 {
		return
	}
	seg := h.Lines().At(0)
	title := string(seg.Value(r.src))
	line, _ := r.position(seg.Start)
	r.headAt = append(r.headAt, heading{h.Level, line, title})
	r.unit(seg.Start, title, false)
	r.heads = append(r.heads[:len(r.heads):len(r.heads)], heading{h.Level, line, title})
	r.here = section{}
	for _, h := range r.heads {
		r.here.heads = append(r.here.heads, h.text)
	}
	r.here.past = r.tense.below(r.here.heads)
}

func (r *markdownReader) unit(off int, text string, code bool) {
	if strings.TrimSpace(text) != "" {
		r.units = append(r.units, unit{text: strings.TrimRight(text, "\n"), off: off, section: r.here, code: code})
	}
}

func (r *markdownReader) prose(n ast.Node) {
	lines := n.Lines()
	if lines.Len() == 0 {
		return
	}
	for i := range lines.Len() {
		seg := lines.At(i)
		r.unit(seg.Start, string(seg.Value(r.src)), false)
	}
	r.definition(lines, "")
}

var keyValue = regexp.MustCompile(`^[ \t]*(?:[-*+][ \t]+)?[*_` + "`" + `]{0,2}([A-Za-z][A-Za-z0-9 /&()_.-]{0,30}?)[*_` + "`" + `]{0,2}[ \t]*:[*_]{0,2}[ \t]+(.+)$`)

// definition reads lines of the form "Key: value" as the fields of a record about
// what the heading, or the list item above, names.
func (r *markdownReader) definition(lines *text.Segments, above string) {
	rec := record{section: r.here, weight: 1}
	rec.subject = field{text: above, off: -1}
	for i := range lines.Len() {
		seg := lines.At(i)
		line := string(seg.Value(r.src))
		m := keyValue.FindStringSubmatchIndex(strings.TrimRight(line, "\n"))
		if m == nil {
			continue
		}
		if roles := rolesOf(r.roles, line[m[2]:m[3]]); roles != nil {
			rec.fields = append(rec.fields, field{roles, line[m[4]:m[5]], seg.Start + m[4]})
		}
	}
	if len(rec.fields) == 0 {
		return
	}
	if above == "" && len(rec.heads) > 0 {
		rec.subject.text = rec.heads[len(rec.heads)-1]
	}
	r.records = append(r.records, rec)
}

// list reads a list: each item is prose, the items of one list are the fields of
// what the item above it names.
func (r *markdownReader) list(l *ast.List, above string) {
	var own text.Segments
	for item := l.FirstChild(); item != nil; item = item.NextSibling() {
		title := above
		for n := item.FirstChild(); n != nil; n = n.NextSibling() {
			if sub, ok := n.(*ast.List); ok {
				r.list(sub, title)
				continue
			}
			if !isText(n) {
				r.block(n)
				continue
			}
			lines := n.Lines()
			for i := range lines.Len() {
				s := lines.At(i)
				r.unit(s.Start, string(s.Value(r.src)), false)
			}
			if lines.Len() > 0 && n == item.FirstChild() {
				seg := lines.At(0)
				title = string(seg.Value(r.src))
				own.Append(seg)
			}
		}
	}
	r.definition(&own, above)
}

func isText(n ast.Node) bool {
	switch n.(type) {
	case *ast.Paragraph, *ast.TextBlock:
		return true
	}
	return false
}

// table reads each row as a record. Which column names the thing is decided by its
// head: the first that is a name, else the first that is a service.
func (r *markdownReader) table(t *east.Table) {
	var roles [][]string
	nameAt := -1
	for row := t.FirstChild(); row != nil; row = row.NextSibling() {
		var cells []field
		for c := row.FirstChild(); c != nil; c = c.NextSibling() {
			f := field{off: -1}
			if c.Lines().Len() > 0 {
				seg := c.Lines().At(0)
				f.text, f.off = string(seg.Value(r.src)), seg.Start
			}
			cells = append(cells, f)
		}
		if _, ok := row.(*east.TableHeader); ok {
			for _, c := range cells {
				roles = append(roles, rolesOf(r.roles, c.text))
			}
			nameAt = nameColumn(roles)
			continue
		}
		r.row(cells, roles, nameAt)
	}
}

func nameColumn(roles [][]string) int {
	for _, want := range []string{roleName, roleService, roleHost, KindNode} {
		for i, rs := range roles {
			if len(rs) > 0 && rs[0] == want {
				return i
			}
		}
	}
	return -1
}

func (r *markdownReader) row(cells []field, roles [][]string, nameAt int) {
	rec := record{section: r.here, table: true, weight: 1}
	if len(cells) == 2 && len(roles) == 2 && roles[0] == nil && nameAt < 0 {
		// A table of two columns without a known head: key and value.
		if rs := rolesOf(r.roles, cells[0].text); rs != nil && cells[1].off >= 0 {
			rec.fields = append(rec.fields, field{rs, cells[1].text, cells[1].off})
			rec.subject.off = -1
			if len(rec.heads) > 0 {
				rec.subject.text = rec.heads[len(rec.heads)-1]
			}
			r.records = append(r.records, rec)
		}
		for _, c := range cells {
			if c.off >= 0 {
				r.unit(c.off, c.text, false)
			}
		}
		return
	}
	for i, c := range cells {
		rec.whole += c.text + "\n"
		if c.off < 0 {
			continue
		}
		switch {
		case i == nameAt:
			if parts := (&field{roles[i], c.text, c.off}).parts(); len(roles[i]) > 1 && len(parts) == len(roles[i]) {
				rec.subject = parts[0]
				for j, role := range roles[i][1:] {
					rec.fields = append(rec.fields, field{[]string{role}, parts[j+1].text, parts[j+1].off})
				}
				continue
			}
			rec.subject = c
		case i < len(roles) && roles[i] != nil:
			c.roles = roles[i]
			rec.fields = append(rec.fields, c)
		default:
			r.unit(c.off, c.text, false)
		}
	}
	if nameAt < 0 && len(cells) > 0 && cells[0].off >= 0 && len(roles) > 0 && roles[0] == nil {
		rec.subject = cells[0]
	}
	r.records = append(r.records, rec)
}

// code reads a block of code: a language that recon knows is read as such, the
// rest as a diagram or as lines.
func (r *markdownReader) code(n ast.Node, language string) {
	lines := n.Lines()
	if lines.Len() == 0 {
		return
	}
	start, end := lines.At(0).Start, lines.At(lines.Len()-1).Stop
	body := r.text[start:end]
	switch language {
	case "yaml", "yml", "hcl", "tf", "terraform", "python", "py", "ini", "toml", "conf", "properties", "env":
		readConfig(r.file, body, start, r.roles, r.here)
	case "mermaid", "diff", "patch", "log", "console", "sql":
	default:
		if isDiagram(body) {
			r.diagram(body, start)
			return
		}
		for off, line := range linesOf(body) {
			r.unit(start+off, line, true)
		}
	}
}

// references gathers links and paths in code spans.
func (r *markdownReader) references(root ast.Node) {
	_ = ast.Walk(root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch node := n.(type) {
		case *ast.Link:
			r.link(n, string(node.Destination), false)
		case *ast.Image:
			r.link(n, string(node.Destination), false)
		case *ast.CodeSpan:
			if t, ok := node.FirstChild().(*ast.Text); ok && node.ChildCount() == 1 {
				r.links = append(r.links, link{string(t.Segment.Value(r.src)), t.Segment.Start, true})
			}
			return ast.WalkSkipChildren, nil
		}
		return ast.WalkContinue, nil
	})
}

// link notes where a destination stands. goldmark does not tell, so it is looked
// for in the lines of the block that holds the link.
func (r *markdownReader) link(n ast.Node, target string, code bool) {
	block := n.Parent()
	for block != nil && block.Type() != ast.TypeBlock {
		block = block.Parent()
	}
	if block == nil || block.Lines().Len() == 0 || target == "" {
		return
	}
	start, end := block.Lines().At(0).Start, block.Lines().At(block.Lines().Len()-1).Stop
	for _, form := range []string{"](" + target, "](<" + target, "] (" + target} {
		from := start
		for {
			i := strings.Index(r.text[from:end], form)
			if i < 0 {
				break
			}
			off := from + i + len(form) - len(target)
			if !r.linked(off) {
				r.links = append(r.links, link{target, off, code})
				return
			}
			from = off
		}
	}
}

func (r *markdownReader) linked(off int) bool {
	for i := len(r.links) - 1; i >= 0 && i >= len(r.links)-8; i-- {
		if r.links[i].off == off {
			return true
		}
	}
	return false
}
