package term

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"unicode/utf8"

	"recon/cmd/recon/internal/words"

	"github.com/hashicorp/hcl/v2"
)

// A Printer writes for people.
type Printer struct {
	W      *Writer
	Color  bool
	Width  int
	Narrow bool // the width is that of a terminal, and nothing may be wider
}

func (p *Printer) paint(s style, text string) string {
	if !p.Color || text == "" {
		return text
	}
	return string(rune(s)) + text + string(rune(plain))
}

// clean makes what a format is filled with harmless; the format itself is recon's own.
func clean(args []any) []any {
	out := make([]any, len(args))
	for i, a := range args {
		switch a := a.(type) {
		case string:
			out[i] = words.Clean(a)
		case error:
			out[i] = words.Clean(a.Error())
		case fmt.Stringer:
			out[i] = words.Clean(a.String())
		default:
			out[i] = a
			if k := reflect.ValueOf(a).Kind(); k < reflect.Bool || k > reflect.Float64 {
				out[i] = words.Clean(fmt.Sprint(a))
			}
		}
	}
	return out
}

// Sprintf fills a format of recon's own with what may have come from outside.
func Sprintf(format string, args ...any) string { return fmt.Sprintf(format, clean(args)...) }

// Printf writes a line of plain text.
func (p *Printer) Printf(format string, args ...any) { fmt.Fprintln(p.W, Sprintf(format, args...)) }

// Text writes a text of several lines as it is: a diff, a block of HCL.
func (p *Printer) Text(text string) { fmt.Fprint(p.W, words.CleanLines(text)) }

// Ask writes a question and stays on its line.
func (p *Printer) Ask(question string) { fmt.Fprint(p.W, p.clean(question)+" ") }

// Wrapped writes a paragraph, broken at the width.
func (p *Printer) Wrapped(text string) { fmt.Fprintln(p.W, wrap(p.clean(text), "  ", p.width())) }

// clean blanks the secrets of a text before it is broken into lines or shortened, where
// they could no longer be found, and makes it harmless within a line.
func (p *Printer) clean(text string) string { return words.Clean(p.W.Secrets().Text(text)) }

// Hint writes a next step, and below it commands to paste, which would be two if they
// were wrapped.
func (p *Printer) Hint(text string, commands ...string) {
	fmt.Fprintln(p.W, p.paint(quiet, wrap("  "+p.clean(text), "  ", p.width())))
	for _, c := range commands {
		fmt.Fprintln(p.W, p.paint(quiet, "      "+p.clean(strings.TrimSpace(c))))
	}
}

// Warning writes something that the reader should know.
func (p *Printer) Warning(format string, args ...any) {
	text := wrap("Warning: "+p.clean(Sprintf(format, args...)), "  ", p.width())
	fmt.Fprintln(p.W, p.paint(warn, "Warning:")+strings.TrimPrefix(text, "Warning:"))
}

// Error writes an error and its next step. Joined errors are an error each.
func (p *Printer) Error(err error, hint string) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok && strings.Contains(err.Error(), "\n") {
		for _, e := range joined.Unwrap() {
			p.Error(e, "")
		}
	} else {
		p.hang(p.paint(bad, "Error:")+" ", "  ", p.clean(err.Error()))
		var known interface{ NextStep() string }
		if hint == "" && errors.As(err, &known) {
			hint = known.NextStep()
		}
	}
	if hint != "" {
		p.Hint(hint)
	}
}

func (p *Printer) width() int {
	if p.Width < 40 {
		return 80
	}
	return p.Width
}

// Diagnostics writes mistakes of manifests with the lines that they are about. The
// values of variables are left out: any may be a secret.
func (p *Printer) Diagnostics(diags hcl.Diagnostics, files map[string]*hcl.File) {
	shown := make(map[string]*hcl.File, len(files))
	for name, f := range files {
		shown[name] = &hcl.File{Bytes: blanked(f.Bytes), Body: f.Body, Nav: f.Nav}
	}
	for _, d := range diags {
		safe := *d
		safe.Summary, safe.Detail, safe.Expression, safe.EvalContext = p.clean(d.Summary), p.clean(d.Detail), nil, nil
		var b bytes.Buffer
		if err := hcl.NewDiagnosticTextWriter(&b, shown, uint(p.width()), false).WriteDiagnostic(&safe); err != nil {
			return
		}
		text := words.CleanLines(b.String())
		for severity, look := range map[string]style{"Error: ": bad, "Warning: ": warn} {
			if rest, ok := strings.CutPrefix(text, severity); ok {
				text = p.paint(look, strings.TrimSuffix(severity, " ")) + " " + rest
			}
		}
		fmt.Fprint(p.W, text)
	}
}

// blanked is a file of which a terminal shows every byte: what it would act on is a
// question mark, byte for byte, so that places in it stay what they are.
func blanked(src []byte) []byte {
	out := bytes.Clone(src)
	for i := 0; i < len(src); {
		r, n := utf8.DecodeRune(src[i:])
		if r != '\n' && r != '\t' && (words.Dangerous(r) || isStyle(r)) && !bytes.HasPrefix(src[i:], []byte("\r\n")) {
			copy(out[i:i+n], "????")
		}
		i += n
	}
	return out
}

// wrap breaks text at blanks so that no line is wider than width; continuation
// lines are indented.
func wrap(text, indent string, width int) string {
	var out []string
	for _, para := range strings.Split(text, "\n") {
		lead := para[:len(para)-len(strings.TrimLeft(para, " "))]
		line := lead
		for _, word := range strings.Fields(para) {
			if strings.TrimSpace(line) != "" && len([]rune(line))+1+len([]rune(word)) > width {
				out = append(out, line)
				line = indent
			}
			if strings.TrimSpace(line) != "" {
				line += " "
			}
			line += word
		}
		out = append(out, line)
	}
	return strings.Join(out, "\n")
}

// hang writes a text behind what leads its first line. On a terminal, what has no room
// there goes below, behind rest; elsewhere, where it is searched, it stays a line.
func (p *Printer) hang(lead, rest, text string) {
	if p.Narrow && cellWidth(lead+text) > p.width() {
		used := max(cellWidth(lead), cellWidth(rest))
		text = strings.ReplaceAll(wrap(text, "", max(p.width()-used, narrowest)), "\n", "\n"+rest)
	}
	fmt.Fprintln(p.W, lead+text)
}

// list writes names, and behind each what is to be said of it.
func (p *Printer) list(rows [][2]string) {
	width := 0
	for _, row := range rows {
		width = max(width, cellWidth(row[0]))
	}
	rest := strings.Repeat(" ", min(width+4, p.width()/2))
	for _, row := range rows {
		p.hang("  "+row[0]+strings.Repeat(" ", width-cellWidth(row[0])+2), rest, row[1])
	}
}

// Titled writes a list below a title, and nothing when it is empty.
func (p *Printer) Titled(title string, rows [][2]string) {
	if len(rows) == 0 {
		return
	}
	for i := range rows {
		rows[i] = [2]string{p.clean(rows[i][0]), p.clean(rows[i][1])}
	}
	fmt.Fprintln(p.W)
	p.Heading(title)
	p.list(rows)
}

// columns aligns rows of cells, with two blanks between them.
func columns(rows [][]string, indent string) string {
	var width []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(width) {
				width = append(width, 0)
			}
			width[i] = max(width[i], cellWidth(cell))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		line := indent
		for i, cell := range row {
			line += cell
			if i < len(row)-1 {
				line += strings.Repeat(" ", width[i]-cellWidth(cell)+2)
			}
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}

// Heading writes a heading.
func (p *Printer) Heading(text string) { fmt.Fprintln(p.W, p.paint(bold, words.Clean(text))) }

// Command shows a command line as it would be typed.
func (p *Printer) Command(text string) { fmt.Fprintln(p.W, p.paint(accent, "$ "+words.Clean(text))) }

// Reflow wraps paragraphs of text to a width, anew where they were wrapped already. Lines
// that begin with a blank stay lines of their own; one that says something of a word goes
// on below what it says.
func Reflow(text string, width int) string {
	var out []string
	for _, line := range strings.Split(text, "\n") {
		last := len(out) - 1
		if last >= 0 && line != "" && out[last] != "" && !strings.HasPrefix(line, " ") && !strings.HasPrefix(out[last], " ") {
			out[last] += " " + line
			continue
		}
		out = append(out, line)
	}
	said := regexp.MustCompile(`^ +\S+ {2,}`)
	for i, line := range out {
		lead := said.FindString(line)
		if lead != "" {
			indent := strings.Repeat(" ", len(lead))
			out[i] = lead + strings.TrimPrefix(wrap(indent+line[len(lead):], indent, width), indent)
		} else if !strings.HasPrefix(line, " ") {
			out[i] = wrap(line, "", width)
		}
	}
	return strings.Join(out, "\n")
}
