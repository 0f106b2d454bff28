// Package redact takes secrets out of text by their value, whoever put them there: a
// server that answers with the token that it was sent, a program that prints its
// environment, an error that quotes a header.
//
// A secret is found as it is, quoted, percent-encoded, escaped for HTML, and base64-encoded at any offset
// within what was encoded. Values shorter than Shortest are found everywhere by chance
// and are left to whoever knows which field holds them.
package redact

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Shortest is the length from which on a value is looked for.
const Shortest = 6

// Mark stands where a secret stood.
const Mark = "(secret)"

// A Set is the secrets that are known. It grows while a command runs, and may be used
// by several goroutines. The zero value and nil know none.
type Set struct {
	mu     sync.Mutex
	values map[string]bool
	forms  *strings.Replacer
}

// New returns a set that knows the values.
func New(values ...string) *Set {
	s := &Set{}
	s.Learn(values...)
	return s
}

// Learn adds secrets. One of several lines is also found line by line.
func (s *Set) Learn(values ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.values == nil {
		s.values = map[string]bool{}
	}
	known := len(s.values)
	for _, v := range values {
		for _, part := range append(strings.Split(v, "\n"), v) {
			if part = strings.TrimSpace(part); len(part) >= Shortest {
				s.values[part] = true
			}
		}
	}
	if len(s.values) > known {
		s.forms = replacer(s.values)
	}
}

func replacer(values map[string]bool) *strings.Replacer {
	var all []string
	for v := range values {
		all = append(all, formsOf(v)...)
	}
	// The replacer takes the first that fits: a secret that begins like another is
	// shorter, and comes later.
	slices.SortFunc(all, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	var pairs []string
	for _, f := range slices.Compact(all) {
		pairs = append(pairs, f, Mark)
	}
	return strings.NewReplacer(pairs...)
}

// formsOf lists how a value may be spelled.
func formsOf(v string) []string {
	quoted := strconv.Quote(v)
	inJSON, _ := json.Marshal(v) // a string always can be
	out := []string{v, quoted[1 : len(quoted)-1], string(inJSON[1 : len(inJSON)-1])}
	for _, plain := range slices.Clone(out) { // a page shows values in quotes, too
		inPage := html.EscapeString(plain)
		out = append(out, inPage, strings.ReplaceAll(inPage, "+", "&#43;"))
	}
	out = append(out, lowerHex(url.QueryEscape(v)), url.QueryEscape(v), url.PathEscape(v), lowerHex(url.PathEscape(v)), everyByte(v))
	for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for offset := range 3 {
			text := enc.EncodeToString([]byte(strings.Repeat("\x00", offset) + v))
			// What stands before shares the first character, what follows the last.
			from := []int{0, 2, 3}[offset]
			if (offset+len(v))%3 != 0 {
				text = text[:len(text)-1]
			}
			if text = text[from:]; len(text) >= Shortest {
				out = append(out, text)
			}
		}
	}
	return out
}

var escape = regexp.MustCompile(`%[0-9A-F]{2}`)

func lowerHex(s string) string { return escape.ReplaceAllStringFunc(s, strings.ToLower) }

func everyByte(v string) string {
	var b strings.Builder
	for _, c := range []byte(v) {
		b.WriteString("%" + strings.ToUpper(strconv.FormatUint(uint64(c)|0x100, 16)[1:]))
	}
	return b.String()
}

// userinfo is who is named before the host of a URL.
var userinfo = regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*://)[^\s/?#"'<>@]+@`)

// Text returns the text without the secrets, and without the user of any URL in it.
func (s *Set) Text(text string) string {
	if strings.Contains(text, "://") {
		text = userinfo.ReplaceAllString(text, "$1")
	}
	return s.Values(text)
}

// Values returns the text without the secrets alone, for a store of what is compared later.
func (s *Set) Values(text string) string {
	if forms := s.replacer(); forms != nil {
		return forms.Replace(text)
	}
	return text
}

// Holds reports whether a text holds a secret.
func (s *Set) Holds(text string) bool {
	return s.Values(text) != text
}

func (s *Set) replacer() *strings.Replacer {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.forms
}
