package contextfile

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

var (
	dnsName   = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$`)
	sizeText  = regexp.MustCompile(`^[0-9.]{1,12} ?[KMGT]?i?B$`)
	plainText = regexp.MustCompile(`^[A-Za-z0-9_.:/@!+-]{1,64}$`)
)

// imperatives are words with which a name tells an assistant what to do.
var imperatives = map[string]bool{
	"ignore": true, "run": true, "delete": true, "execute": true, "disregard": true, "forget": true, "remove": true, "print": true, "send": true,
	"curl": true, "download": true, "install": true, "obey": true, "reveal": true, "show": true, "exfiltrate": true, "override": true, "you": true,
	"please": true, "must": true, "always": true, "never": true, "instructions": true, "prompt": true, "sudo": true, "rm": true, "bash": true,
}

// SafeName returns a live name as documents may show it, and false when it must
// not be shown: it is no DNS name, or it spells an order. A placeholder that names
// the vmid stands in for it.
func SafeName(name, identity string) (string, bool) {
	_, id, _ := strings.Cut(identity, "/")
	lower := strings.ToLower(name)
	words := strings.FieldsFunc(lower, func(r rune) bool { return r == '-' || r == '.' })
	if !dnsName.MatchString(lower) || len(words) > 2 && imperative(words) {
		return fmt.Sprintf("(unsafe name, vmid %s)", id), false
	}
	return lower, true
}

func imperative(words []string) bool {
	for _, w := range words {
		if imperatives[w] {
			return true
		}
	}
	return false
}

// Wordy reports a name that is long enough to be a sentence.
func Wordy(name string) bool {
	return len(strings.FieldsFunc(name, func(r rune) bool { return r == '-' || r == '.' })) >= 5
}

// safeIP returns an address in canonical form, "" when it is none.
func safeIP(s string) string {
	host, _, _ := strings.Cut(s, "/")
	ip, err := netip.ParseAddr(host)
	if err != nil || ip.Zone() != "" {
		return ""
	}
	return ip.String()
}

// safeValue returns a value of a field for a document: numbers, sizes, booleans
// and plain identifiers; anything else is left out.
func safeValue(s string) string {
	bare := strings.Trim(s, `"`)
	if sizeText.MatchString(bare) || plainText.MatchString(bare) && !strings.HasPrefix(bare, "@") {
		return bare
	}
	return "(not shown)"
}

// authored escapes text that the manifest's author wrote: it is shown as it is,
// but cannot break a table, open a comment, or import a file.
func authored(s string) string {
	var b strings.Builder
	for _, r := range norm.NFKC.String(s) {
		switch {
		case unicode.IsSpace(r):
			b.WriteByte(' ')
		case unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Co, unicode.Cs, unicode.Variation_Selector):
		case r == '`':
			b.WriteByte('\'')
		default:
			b.WriteRune(r)
		}
	}
	s = strings.Join(strings.Fields(b.String()), " ")
	if runes := []rune(s); len(runes) > 80 {
		s = string(runes[:79]) + "…"
	}
	return strings.NewReplacer(
		`\`, `\\`, "|", `\|`, "<", "&lt;", ">", "&gt;", "[", `\[`, "]", `\]`, "*", `\*`, "_", `\_`, "@", "&#64;", "#", `\#`, "$", `\$`, "%%", "%&#37;",
	).Replace(s)
}
