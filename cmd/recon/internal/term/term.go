package term

import (
	"fmt"
	"io"
	"strings"
	"unicode"

	"charm.land/lipgloss/v2"
	"github.com/hashicorp/hcl/v2"
)

// A Printer writes for people.
type Printer struct {
	W     io.Writer
	Color bool
	Width int
}

// The styles, by what they say.
var (
	bold   = lipgloss.NewStyle().Bold(true)
	good   = lipgloss.NewStyle().Foreground(lipgloss.Color("2"))
	warn   = lipgloss.NewStyle().Foreground(lipgloss.Color("3"))
	bad    = lipgloss.NewStyle().Foreground(lipgloss.Color("1"))
	quiet  = lipgloss.NewStyle().Faint(true)
	accent = lipgloss.NewStyle().Foreground(lipgloss.Color("6"))
)

func (p *Printer) paint(s lipgloss.Style, text string) string {
	if !p.Color || text == "" {
		return text
	}
	return s.Render(text)
}

// Printf writes a line of plain text.
func (p *Printer) Printf(format string, args ...any) { fmt.Fprintf(p.W, format+"\n", args...) }

// Wrapped writes a paragraph, broken at the width.
func (p *Printer) Wrapped(text string) { fmt.Fprintln(p.W, wrap(Clean(text), "  ", p.width())) }

// Hint writes a next step.
func (p *Printer) Hint(text string) {
	for i, line := range strings.Split(text, "\n") {
		if i == 0 {
			line = "  " + line
		}
		// A command to paste would be two if it were wrapped.
		if !strings.HasPrefix(line, toPaste) {
			line = wrap(line, "  ", p.width())
		}
		fmt.Fprintln(p.W, p.paint(quiet, line))
	}
}

// toPaste is the indent of lines that are commands.
const toPaste = "      "

// Warning writes something that the reader should know.
func (p *Printer) Warning(format string, args ...any) {
	fmt.Fprintln(p.W, p.paint(warn, "Warning:")+" "+wrap(fmt.Sprintf(format, args...), "  ", p.width()-9))
}

// Error writes an error and its next step.
func (p *Printer) Error(err error, hint string) {
	fmt.Fprintln(p.W, p.paint(bad, "Error:")+" "+Clean(err.Error()))
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

// Diagnostics writes mistakes of manifests with the lines that they are about.
func (p *Printer) Diagnostics(diags hcl.Diagnostics, files map[string]*hcl.File) {
	w := hcl.NewDiagnosticTextWriter(p.W, files, uint(p.width()), p.Color)
	for _, d := range diags {
		if err := w.WriteDiagnostic(d); err != nil {
			return
		}
	}
}

// Clean takes control and formatting characters out of text that came from
// outside, so that it cannot move the cursor or hide what follows.
func Clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return r
		}
		if unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Co, unicode.Cs) {
			return '\ufffd'
		}
		return r
	}, s)
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

// columns aligns rows of cells, with two blanks between them.
func columns(rows [][]string, indent string) string {
	var width []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(width) {
				width = append(width, 0)
			}
			width[i] = max(width[i], lipgloss.Width(cell))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		line := indent
		for i, cell := range row {
			line += cell
			if i < len(row)-1 {
				line += strings.Repeat(" ", width[i]-lipgloss.Width(cell)+2)
			}
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}

// Heading writes a heading.
func (p *Printer) Heading(text string) { fmt.Fprintln(p.W, p.paint(bold, text)) }

// Command shows a command line as it would be typed.
func (p *Printer) Command(text string) { fmt.Fprintln(p.W, p.paint(accent, "$ "+text)) }
