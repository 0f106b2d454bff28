package words

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Dangerous reports a character that moves, reorders, hides, or is none: controls,
// formatting, private and unassigned use, line separators, noncharacters.
func Dangerous(r rune) bool {
	return r == utf8.RuneError || unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Co, unicode.Cs, unicode.Zl, unicode.Zp, unicode.Noncharacter_Code_Point, unicode.Variation_Selector)
}

// Clean makes text that came from outside harmless within a line: it cannot move the
// cursor, hide what follows, take a colour, or begin a line of its own.
func Clean(s string) string {
	if strings.ContainsAny(s, "\n\r") {
		lines := strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' })
		for i := range lines {
			lines[i] = strings.TrimSpace(lines[i])
		}
		s = strings.Join(slices.DeleteFunc(lines, func(l string) bool { return l == "" }), " / ")
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case Dangerous(r):
			return utf8.RuneError
		}
		return r
	}, s)
}

// CleanLines is Clean for a text whose lines are its own: a diff, a block of HCL.
func CleanLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		tabs := l[:len(l)-len(strings.TrimLeft(l, "\t"))]
		lines[i] = tabs + Clean(l[len(tabs):])
	}
	return strings.Join(lines, "\n")
}
