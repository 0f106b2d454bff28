package term

import (
	"bytes"
	"io"
	"os"
	"strings"
	"sync"
	"unicode/utf16"
	"unicode/utf8"

	"recon/cmd/recon/internal/redact"
	"recon/cmd/recon/internal/words"

	"charm.land/lipgloss/v2"
	xterm "golang.org/x/term"
)

// A Writer is the only way to a terminal. What it passes on is text and line ends:
// control characters, escapes and what reorders or hides text become visible signs,
// and the secrets that it knows are blanked. The one thing that it makes itself are
// recon's own few styles, which reach it as characters that no text may hold.
type Writer struct {
	to      io.Writer
	secrets *redact.Set
	mu      sync.Mutex // what goes on in the background may log
}

// NewWriter returns the way to w, past which no secret of the set goes.
func NewWriter(w io.Writer, secrets *redact.Set) *Writer { return &Writer{to: w, secrets: secrets} }

// Secrets are those that the writer blanks.
func (w *Writer) Secrets() *redact.Set { return w.secrets }

// Terminal returns the terminal that is written to, nil when it is none.
func (w *Writer) Terminal() *os.File {
	if f, ok := w.to.(*os.File); ok && xterm.IsTerminal(int(f.Fd())) {
		return f
	}
	return nil
}

// Write writes text. It never splits a call, so that a whole line comes whole.
func (w *Writer) Write(b []byte) (int, error) {
	text := w.secrets.Text(string(b))
	text = styled.Replace(strings.Map(harmless, strings.ReplaceAll(text, "\r\n", "\n")))
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := io.WriteString(w.to, text); err != nil {
		return 0, err
	}
	return len(b), nil
}

// A style is one of the looks that recon has. It travels through the text as a
// noncharacter, and becomes an escape in the Writer alone.
type style rune

// The styles, by what they say.
const (
	bold   style = 0xFDD0 + iota
	good         // green
	warn         // yellow
	bad          // red
	quiet        // faint
	accent       // cyan
	plain        // ends any of them
)

var styled = strings.NewReplacer(
	string(rune(bold)), "\x1b[1m", string(rune(good)), "\x1b[32m", string(rune(warn)), "\x1b[33m", string(rune(bad)), "\x1b[31m",
	string(rune(quiet)), "\x1b[2m", string(rune(accent)), "\x1b[36m", string(rune(plain)), "\x1b[m",
)

func isStyle(r rune) bool { return r >= rune(bold) && r <= rune(plain) }

// harmless maps what a terminal would act on to a sign that something stood there.
func harmless(r rune) rune {
	if r == '\n' || r == '\t' || isStyle(r) {
		return r
	}
	if words.Dangerous(r) {
		return utf8.RuneError
	}
	return r
}

// JSON makes the text of a JSON document harmless: what a terminal would act on is
// escaped, which means the same, and secrets are blanked in strings that are no keys.
func JSON(doc []byte, secrets *redact.Set) []byte {
	var out bytes.Buffer
	for i := 0; i < len(doc); {
		if doc[i] != '"' {
			out.WriteByte(doc[i])
			i++
			continue
		}
		end := i + 1
		for end < len(doc) && doc[end] != '"' {
			if doc[end] == '\\' {
				end++
			}
			end++
		}
		end = min(end+1, len(doc))
		text := string(doc[i:end])
		if !isKey(doc[end:]) {
			text = secrets.Text(text)
		}
		writeEscaped(&out, text)
		i = end
	}
	return out.Bytes()
}

// isKey reports whether what stands before is the key of what follows.
func isKey(rest []byte) bool { return bytes.HasPrefix(bytes.TrimLeft(rest, " \n\t"), []byte(":")) }

func writeEscaped(out *bytes.Buffer, text string) {
	for _, r := range text {
		switch {
		case r < utf8.RuneSelf && r != 0x7f || r == utf8.RuneError || !words.Dangerous(r):
			out.WriteRune(r)
		default:
			for _, unit := range utf16.Encode([]rune{r}) {
				out.WriteString(`\u`)
				for shift := 12; shift >= 0; shift -= 4 {
					out.WriteByte("0123456789abcdef"[unit>>shift&0xf])
				}
			}
		}
	}
}

// cellWidth is how many columns a text takes.
func cellWidth(s string) int {
	return lipgloss.Width(strings.Map(func(r rune) rune {
		if isStyle(r) {
			return -1
		}
		return r
	}, s))
}
