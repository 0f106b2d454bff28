package contextfile

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"
)

// Formatters and editors rewrite Markdown without changing what it says: they pad tables,
// trade one sign of a list or of emphasis for another, escape, wrap, and move blank lines.
// Whether somebody edited a block is therefore decided on its words.

// Sum is the hash of what a block means, which stands in its marker: of its words, with
// the beginnings of cells and list items, and without the spacing, escapes and signs that
// formatters change.
func Sum(body string) string { return hash(meaning(body)) }

// factSum is Sum without the day on which the facts last changed.
func factSum(body string) string { return Sum(dateLine.ReplaceAllString(body, "")) }

// textSum is what an older recon wrote as sum: the hash of the text as it stands.
func textSum(body string) string { return hash(body) }

func hash(text string) string {
	h := sha256.Sum256([]byte(text))
	return hex.EncodeToString(h[:6])
}

var (
	tableRule = regexp.MustCompile(`^\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?$`)
	listSign  = regexp.MustCompile(`^[-*+]\s+`)
	escape    = regexp.MustCompile("\\\\([!-/:-@\\[-`{-~])")
	autolink  = regexp.MustCompile(`^<([a-z]+://[^<>\s]*)>$`)
)

// meaning is the words of a block, a blank between two.
func meaning(body string) string {
	var words []string
	for line := range strings.Lines(strings.ReplaceAll(body, "\r", "")) {
		line = strings.TrimSpace(line)
		if tableRule.MatchString(line) && strings.Contains(line, "|") {
			continue
		}
		line = escape.ReplaceAllString(listSign.ReplaceAllString(line, "- "), "$1")
		if strings.HasPrefix(line, "|") {
			line = strings.ReplaceAll(line, "|", " | ")
		}
		for _, w := range strings.Fields(line) {
			words = append(words, plainWord(w))
		}
	}
	return strings.Join(words, " ")
}

// plainWord is a word without the signs of emphasis and links around it.
func plainWord(w string) string {
	if bare := strings.Trim(w, "*_"); bare != "" {
		w = bare
	}
	return autolink.ReplaceAllString(w, "$1")
}

// inForm is a new text of a block in which every line that says what an old one said has
// that one's form: a fact that changes in a table that was formatted is one line that
// changes.
func inForm(text, old string) string {
	forms := map[string]string{}
	for line := range strings.Lines(old) {
		if key := lineKey(line); key != "" {
			forms[key] = line
		}
	}
	var out strings.Builder
	for line := range strings.Lines(text) {
		if form, known := forms[lineKey(line)]; known {
			line = form
		}
		out.WriteString(line)
	}
	return out.String()
}

// lineKey is what a line means; of the line below a table's head, how many cells it has.
func lineKey(line string) string {
	if tableRule.MatchString(strings.TrimSpace(line)) {
		return strings.Repeat("|", strings.Count(line, "|"))
	}
	return meaning(line)
}
