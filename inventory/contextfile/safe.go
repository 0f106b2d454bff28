package contextfile

import (
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"recon/inventory"
)

var (
	dnsName   = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$`)
	sizeText  = regexp.MustCompile(`^-?[0-9.]{1,12}( ?([KMGT]?i?B|seconds|MB/s))?$`)
	account   = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,40}(@[a-z0-9.-]{1,30}(![A-Za-z0-9_.-]{1,40})?)?$`)
	version   = regexp.MustCompile(`^[0-9]+(\.[0-9]+){0,3}([~-][a-z0-9.]{1,12})?$`)
	valueText = regexp.MustCompile(`^[A-Za-z0-9_.][A-Za-z0-9_.:/,=+-]{0,63}$`)
	macText   = regexp.MustCompile(`^([0-9A-F]{2}:){5}[0-9A-F]{2}$`)
	portText  = regexp.MustCompile(`^[0-9]{1,5}(/(tcp|udp))?$`)
	pathText  = regexp.MustCompile(`^/[A-Za-z0-9_./-]{0,95}$`)
	imageText = regexp.MustCompile(`^[a-z0-9][a-z0-9._/:-]{0,120}(@sha256:[0-9a-f]{64})?$`)
	labelText = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_-]*)?$`)
	letters   = regexp.MustCompile(`[a-z]+`)
	// addressText is what names one thing: vm.web["a"], docker:media/jellyfin.
	addressText = regexp.MustCompile(`^[a-z_]+[.:][A-Za-z0-9_.:/@-]{1,120}(\["[A-Za-z0-9_.-]{1,60}"\])?$`)
	// terraformText is an address in Terraform, such as module.x.proxmox_vm_qemu.a["b"].
	terraformText = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+|\["?[A-Za-z0-9_.-]+"?\]){1,8}$`)
)

// orders are verbs that tell somebody to do something wherever they begin a name,
// or stand in a sentence of three words or more. asks begin such a sentence, and
// subjects are what one is about. They are few: "home-assistant-db" and
// "open-media-vault" are honest names.
const (
	orders = " ignore disregard forget run execute delete remove destroy obey reveal exfiltrate override rm sudo curl wget bash eval please " +
		"always never must you your pretend "
	asks     = " print send download upload install show tell say read write fetch act copy move stop start "
	subjects = " instructions instruction prompt secrets passwords credentials claude everything anything "
)

// SafeName returns a live name as documents may show it, and false when it must
// not be shown: it is no DNS name, or it spells an order. A placeholder that names
// the vmid stands in for it.
func SafeName(name, identity string) (string, bool) {
	lower := strings.ToLower(name)
	if !dnsName.MatchString(lower) || imperative(name) {
		return placeholder(identity), false
	}
	return lower, true
}

func placeholder(identity string) string {
	_, id, _ := strings.Cut(identity, "/")
	if id == "" || strings.Trim(id, "0123456789") != "" {
		return "(unsafe name)"
	}
	return fmt.Sprintf("(unsafe name, vmid %s)", id)
}

// imperative reports a name that must not be shown: it looks like a secret, or it
// spells an order. An order begins with a verb that orders, or is a sentence in
// which one stands, with or without separators.
func imperative(name string) bool {
	if LooksSecret(name) {
		return true
	}
	words := letters.FindAllString(strings.ToLower(name), -1)
	if len(words) == 0 {
		return false
	}
	has := func(list, word string) bool { return strings.Contains(list, " "+word+" ") }
	if len(words) > 1 && has(orders, words[0]) {
		return true
	}
	if len(words) > 2 && (has(asks, words[0]) || slices.ContainsFunc(words, func(w string) bool { return has(orders+subjects, w) })) {
		return true
	}
	joined := strings.Join(words, "")
	for _, w := range []string{"ignoreprevious", "ignoreall", "instruction", "disregard", "systemprompt", "exfiltrate"} {
		if strings.Contains(joined, w) {
			return true
		}
	}
	return false
}

// Wordy reports a name that is long enough to be a sentence.
func Wordy(name string) bool {
	return len(strings.FieldsFunc(name, func(r rune) bool { return r == '-' || r == '.' || r == '_' })) >= 5
}

// SafeAddress returns a resource's address as documents may show it. The label of
// a guest that nobody declared is made from its live name, and a for_each key can
// hold anything: both must be safe.
func SafeAddress(a inventory.Address, identity string) (string, bool) {
	if len(a.Name) > 63 || !labelText.MatchString(a.Name) || imperative(a.Name) || a.Key != "" && (!dnsName.MatchString(strings.ToLower(a.Key)) || imperative(a.Key)) {
		return a.Kind + " " + placeholder(identity), false
	}
	return a.String(), true
}

// code puts an address or a name between backticks, unless it is a placeholder.
func code(text string, safe bool) string {
	if !safe {
		return text
	}
	return "`" + text + "`"
}

func safeAddress(a inventory.Address, identity string) string { return code(SafeAddress(a, identity)) }

func safeName(name, identity string) string {
	text, _ := SafeName(name, identity)
	return text
}

// safeNode returns the name of a node, which has no vmid.
func safeNode(name string) string { return safeName(name, "") }

// safeIP returns an address in canonical form, "" when it is none.
func safeIP(s string) string {
	host, _, _ := strings.Cut(s, "/")
	ip, err := netip.ParseAddr(host)
	if err != nil || ip.Zone() != "" {
		return ""
	}
	return ip.String()
}

// safeMAC returns a hardware address in upper case, "" when it is none.
func safeMAC(s string) string {
	if s = strings.ToUpper(s); macText.MatchString(s) {
		return s
	}
	return ""
}

// safeURL returns a URL that is no more than scheme, DNS name or address, port and
// a plain path; "" otherwise.
func safeURL(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return ""
	}
	host := strings.ToLower(u.Hostname())
	if safeIP(host) == "" && (!dnsName.MatchString(host) || imperative(host)) {
		return ""
	}
	if u.Path != "" && (!pathText.MatchString(u.Path) || imperative(u.Path)) {
		return ""
	}
	return u.Scheme + "://" + strings.ToLower(u.Host) + u.Path
}

func safeMatch(form *regexp.Regexp, s string) string {
	if form.MatchString(s) && !imperative(s) && !strings.Contains(s, "//") {
		return s
	}
	return notShown
}

// notShown stands for a value that has not the form of its field.
const notShown = "(not shown)"

// Told returns a word as an assistant may read it: a name, a number, an address, a path, an
// image, a URL. Whatever has no such form, or spells an order, is not shown.
func Told(s string) string {
	if s == "" || safeURL(s) != "" {
		return s
	}
	if _, err := netip.ParsePrefix(s); err == nil || safeIP(s) != "" || strings.EqualFold(safeMAC(s), s) {
		return s
	}
	if sentence(s) || slices.ContainsFunc(strings.FieldsFunc(s, func(r rune) bool { return r == '/' || r == ':' }), imperative) {
		return notShown
	}
	for _, form := range []*regexp.Regexp{sizeText, valueText, account, version, pathText, imageText, terraformText, addressText} {
		if told := safeMatch(form, s); told == s {
			return s
		}
	}
	return notShown
}

// sentence reports words of which one is such as only sentences have, whatever stands
// between them. A film is called so too, and an assistant can do without its name.
func sentence(s string) bool {
	words := letters.FindAllString(strings.ToLower(s), -1)
	return len(words) > 2 && slices.ContainsFunc(words, func(w string) bool {
		return strings.Contains(" the this that these those not you your yourself me my must nobody ", " "+w+" ")
	})
}

// safeValue returns a value of a field for a document: numbers, sizes and booleans
// as they are, plain identifiers as code; anything else is not shown.
func safeValue(field inventory.Path, s string) string {
	bare := strings.Trim(s, `"`)
	switch {
	case s == "(none)" || s == "(secret)" || bare == "true" || bare == "false":
		return bare
	case sizeText.MatchString(bare):
		return bare
	case bare == "":
		return "(empty)"
	case strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]"):
		return safeList(strings.Trim(s, "[]"))
	case field.Leaf() == "description" || !valueText.MatchString(bare) || strings.Contains(bare, "//") || imperative(bare):
		return notShown
	}
	return "`" + bare + "`"
}

// safeList returns a list of words, such as tags, when each of them may be shown and they
// do not spell an order together.
func safeList(items string) string {
	words := strings.Split(items, ", ")
	for _, w := range words {
		if !valueText.MatchString(w) || strings.Contains(w, "//") {
			return notShown
		}
	}
	if len(words) > 8 || imperative(strings.Join(words, "-")) {
		return notShown
	}
	return "`[" + strings.Join(words, ", ") + "]`"
}

// safeBy returns who did something, "" when the name is no account name.
func safeBy(by string) string {
	if account.MatchString(by) && !imperative(by) {
		return "`" + by + "`"
	}
	return ""
}

// keepPrintable normalises text, folds white space, and drops what is not seen:
// control, format, private, zero-width, bidi, tag and variation characters.
func keepPrintable(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case r == unicode.ReplacementChar || !unicode.IsPrint(r) || unicode.In(r, unicode.Cf, unicode.Co, unicode.Cs, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point):
			return -1
		}
		return r
	}, norm.NFKC.String(strings.ToValidUTF8(s, "")))
	return strings.Join(strings.Fields(s), " ")
}

// shorten cuts a text to so many characters.
func shorten(s string, n int) string {
	if runes := []rune(s); len(runes) > n {
		return string(runes[:n-1]) + "…"
	}
	return s
}

// authored escapes text that the manifest's author wrote: it is shown as it is,
// but cannot break a table, open a comment, or import a file.
func authored(s string) string {
	s = shorten(strings.ReplaceAll(keepPrintable(s), "`", "'"), 80)
	return strings.NewReplacer(
		`\`, `\\`, "|", `\|`, "<", "&lt;", ">", "&gt;", "[", `\[`, "]", `\]`, "*", `\*`, "_", `\_`, "@", "&#64;", "#", `\#`, "$", `\$`, "%%", "%&#37;", "~", `\~`,
	).Replace(s)
}

var freeTextNoise = regexp.MustCompile(`(?i)[a-z][a-z0-9+.-]*://\S*|www\.\S*|\$\([^)]*\)?|\$\{[^}]*\}?|<!--.*?-->|<!--|-->|%%|recon:(begin|end)\S*`)

// FreeText makes a text that somebody wrote into Proxmox fit for a document: the
// author of the manifests has opted in to it. It is short, without anything that
// Markdown, Obsidian or an assistant would act on, and stands in a code span.
func FreeText(s string) string {
	if inventory.HoldsCredential(s) {
		return notShown
	}
	s = keepPrintable(s)
	for old := ""; old != s; {
		old, s = s, freeTextNoise.ReplaceAllString(s, "")
	}
	s = strings.Map(func(r rune) rune {
		if strings.ContainsRune("`@<>[]{}|$\\#*_~^%!", r) {
			return -1
		}
		return r
	}, s)
	s = shorten(strings.Join(strings.Fields(s), " "), 80)
	if s == "" {
		return ""
	}
	return "`" + s + "`"
}

// Unsafe lists the names that documents do not show, and those that they show
// although they are long enough to be a sentence.
func Unsafe(f *Facts) []inventory.Finding {
	var out []inventory.Finding
	add := func(what, identity, name string, ok bool) {
		finding := inventory.Finding{Severity: "warning", Address: identity, Evidence: []string{fmt.Sprintf("%s %s", what, identity)}, Fix: "rename it in Proxmox"}
		switch {
		case !ok:
			finding.Rule, finding.Summary = "unsafe-name", fmt.Sprintf("the name of %s %s is not shown in documents", what, identity)
			finding.Detail = "It is no DNS name, or it spells an order to whoever reads it. A placeholder stands in its place."
		case Wordy(name):
			finding.Rule, finding.Summary = "wordy-name", fmt.Sprintf("the name of %s %s is long enough to be a sentence", what, identity)
			finding.Detail = "Names are read by assistants too; five words or more can tell them something."
		default:
			return
		}
		out = append(out, finding)
	}
	for i := range f.Guests {
		g := &f.Guests[i]
		_, ok := SafeName(g.Name, g.Identity)
		_, safe := SafeAddress(g.Address, g.Identity)
		add("guest", g.Identity, g.Name, ok && safe)
	}
	for _, c := range f.Clusters {
		for i, n := range c.Nodes {
			_, ok := SafeName(n.Name, "")
			add("node", fmt.Sprintf("%s/%d", c.Name, i+1), n.Name, ok)
		}
	}
	return out
}
