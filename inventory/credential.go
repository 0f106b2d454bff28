package inventory

import (
	"regexp"

	"github.com/zclconf/go-cty/cty"
)

// credentialForms are how people write a password or a key into a note: the word, then
// what it is; or a key in a form of its own.
var credentialForms = regexp.MustCompile(`(?i)(?:\b(?:pass(?:word|wort|wd|phrase)?|kennwort|pwd|pw|secret|token|api[-_ ]?key|credentials?)\b["'` + "`" + `*_]*\s*[:=]\s*["'` + "`" + `*_]*\S)` +
	`|-----BEGIN [A-Z ]*PRIVATE KEY-----|\bgh[pousr]_\w{20,}|\bglpat-[\w-]{20}|\bAKIA[0-9A-Z]{16}\b|\b[a-z]+://[^\s:/@]+:[^\s/@]+@`)

// HoldsCredential reports free text in which something stands that looks like a password
// or a key.
func HoldsCredential(text string) bool { return credentialForms.MatchString(text) }

// NotShown stands for free text that looks like it holds a credential.
const NotShown = "(not shown: it looks like it holds a credential)"

// Hides reports a value that no output shows: a secret, or notes with a credential.
func (a *Attr) Hides(v cty.Value) bool {
	return !IsNull(v) && (a.Secret || a.Wire == WireText && HoldsCredential(Text(v)))
}
