package factcheck

import (
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"recon/inventory"
)

// A claim is one statement: the value that a text gives for a subject.
type claim struct {
	kind  string
	subj  *subject
	also  []*subject // others that the value may belong to
	about string     // what it is about when that is no subject: a subnet
	value string     // in canonical form
	raw   string     // as written
	file  *file
	off   int // of raw
	conf  float64
	fixed string // the unit that follows a number, for a fix
}

// An extractor finds the claims of documents.
type extractor struct {
	names  *names
	truth  *Truth
	tense  *tense
	claims []claim
}

var (
	ipPattern  = regexp.MustCompile(`\b(?:\d{1,3}\.){3}\d{1,3}\b`)
	macPattern = regexp.MustCompile(`\b(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}\b`)
	hedge      = regexp.MustCompile(`(?i)\b(?:at least|minimum|minimal|min|recommend\w*|requires?|required|needs?|up to|max\w*|limit\w*|or more|or later|suggest\w*|usually|typical\w*|about|per|each|total|free|used|usage|of \d+)\b|[<>≥≤~]|\+\s*$`)
)

// extract finds the claims of a document.
func (x *extractor) extract(f *file) {
	if f.past {
		return
	}
	for i := range f.units {
		u := &f.units[i]
		if !strings.ContainsAny(u.text, "0123456789") && !x.mayName(u.text) && !strings.Contains(u.text, "node") && !kindAnywhere.MatchString(u.text) || u.past || x.tense.line(u.text) {
			continue
		}
		x.unit(f, u)
	}
	for i := range f.records {
		r := &f.records[i]
		if !r.past && !x.tense.record(r) {
			x.record(f, r)
		}
	}
}

// mayName reports a text without digits that can still say where a service runs.
func (x *extractor) mayName(text string) bool { return len(x.truth.services) > 0 && len(text) < 200 }

// say notes a claim.
func (x *extractor) say(f *file, c claim) {
	c.file = f
	if c.kind == KindGateway && c.subj == nil {
		if ip, err := netip.ParseAddr(c.value); err == nil {
			c.about = netip.PrefixFrom(ip, 24).Masked().String()
		}
	}
	if !f.isIgnored(c.off) {
		x.claims = append(x.claims, c)
	}
}

// unit finds statements by what stands close to what.
func (x *extractor) unit(f *file, u *unit) {
	ms := x.names.find(u.text)
	guests := guestsIn(ms)
	ids := idWords.FindAllStringSubmatchIndex(u.text, -1)
	for _, m := range ids {
		x.byNumber(f, u, ms, m, len(ids) == 1 || len(guests) >= len(ids))
	}
	x.addresses(f, u, ms)
	x.kinds(f, u, ms)
	x.settings(f, u, ms)
	if len(guests) == 1 {
		x.resources(f, u, guests[0])
		for _, m := range macPattern.FindAllStringIndex(u.text, -1) {
			x.say(f, claim{kind: KindMAC, subj: guests[0].subject, raw: u.text[m[0]:m[1]], value: macOf(u.text[m[0]:m[1]]), off: u.off + m[0], conf: 0.9})
		}
	}
	x.places(f, u, ms)
}

func guestsIn(ms []mention) (out []mention) {
	for _, m := range ms {
		if m.isGuest() && !slices.ContainsFunc(out, func(o mention) bool { return o.subject == m.subject }) {
			out = append(out, m)
		}
	}
	return out
}

func macOf(s string) string { return strings.ToUpper(strings.ReplaceAll(s, "-", ":")) }

// parseIP returns a private address that a host can have.
func parseIP(s string) (netip.Addr, bool) {
	ip, err := netip.ParseAddr(s)
	return ip, err == nil && ip.Is4() && ip.IsPrivate()
}

var notAHost = regexp.MustCompile(`(?i)(?:gateway|gw|dns\w*|name ?servers?|resolvers?|subnet|network|netmask|range|pool|vip|virtual ip|floating ip|allow\w*|deny|from|upstream|forward\w*|proxy_pass|via|route\w*|nfs|server_name|broadcast|listen\w*|bind|ping|curl)\W{0,6}(?:ip\W{0,3}|address\W{0,3}|is\W|servers?\W{0,3}|=\W*)?$`)

// connectors are the words that may stand between a name and its address.
const connectors = " is at has have ip ips address addr addresses ipv4 on the its static a an host hostname server vm lxc ct container guest virtual machine lives sits reachable available running runs " +
	"located currently now uses with under local internal lan private fixed id vmid qemu kvm proxmox node ansible_host primary main gets assigned can be found reached http https root ssh user and "

// connected reports whether nothing but such words stands between a name and its
// address; strict allows only marks and "is", "at", "has", "ip".
func (x *extractor) connected(between string, strict bool) bool {
	if len(between) > 60 || strings.ContainsAny(between, "→;") || strings.Contains(between, "->") || strings.Contains(between, "=>") || strings.Contains(between, "...") {
		return false
	}
	if strings.Contains(between, ". ") {
		return false
	}
	list := connectors
	if strict {
		list = " is at has ip address ips "
	}
	for _, w := range wordPattern.FindAllString(between, -1) {
		lower := strings.ToLower(w)
		if strings.Contains(list, " "+lower+" ") {
			continue
		}
		if s := x.names.byKey[normal(w)]; s != nil && s.isNode() && !strict {
			continue
		}
		if strings.Trim(w, "0123456789") == "" && len(w) >= 3 && !strict {
			continue
		}
		return false
	}
	return true
}

// addresses finds names that stand beside an address.
func (x *extractor) addresses(f *file, u *unit, ms []mention) {
	for _, at := range ipPattern.FindAllStringIndex(u.text, -1) {
		ip, ok := parseIP(u.text[at[0]:at[1]])
		if !ok || notOneAddress(u.text, at) || notAHost.MatchString(u.text[max(0, at[0]-30):at[0]]) {
			continue
		}
		subj, conf := x.nameOf(u, ms, at)
		if subj == nil {
			continue
		}
		kind := KindAddress
		if strings.HasSuffix(u.text[:at[0]], "://") {
			kind = KindURL
		}
		if subj.isNode() && slices.ContainsFunc(guestsIn(ms), func(m mention) bool { return m.host.has(ip) }) {
			continue
		}
		c := claim{kind: kind, subj: subj, raw: ip.String(), value: ip.String(), off: u.off + at[0], conf: conf}
		for _, m := range ms {
			if m.subject != subj {
				c.also = append(c.also, m.subject)
			}
		}
		x.say(f, c)
	}
}

// notOneAddress reports a network, a range, or a part of something longer.
func notOneAddress(text string, at []int) bool {
	rest := text[at[1]:]
	if rangeBefore.MatchString(text[max(0, at[0]-8):at[0]]) {
		return true
	}
	if at[0] > 0 && strings.ContainsRune("-–.*/\\@=", rune(text[at[0]-1])) && (text[at[0]-1] == '-' || text[at[0]-1] == '.') {
		return true
	}
	if m := regexpPrefix.FindStringSubmatch(rest); m != nil {
		p, err := netip.ParsePrefix(text[at[0]:at[1]] + m[0])
		return err != nil || p.Masked().Addr() == p.Addr() || p.Bits() < 8
	}
	return rangeAfter.MatchString(rest)
}

var (
	regexpPrefix = regexp.MustCompile(`^/(\d{1,2})\b`)
	rangeBefore  = regexp.MustCompile(`\d\s*(?:-|–|—|\.\.|to|bis)\s*$`)
	rangeAfter   = regexp.MustCompile(`^(?:\s*(?:-|–|—|\.\.|to|bis)\s*(?:\d|\.)|\.\d|\.[x*])`)
)

// nameOf finds the subject of an address: the name before it, else the one behind.
func (x *extractor) nameOf(u *unit, ms []mention, at []int) (*subject, float64) {
	for i := len(ms) - 1; i >= 0; i-- {
		m := ms[i]
		if m.end > at[0] {
			continue
		}
		between := u.text[m.end:at[0]]
		if i > 0 && strings.ContainsAny(between, ",|/") && (m.isNode() && len(guestsIn(ms[:i])) > 0 || placed.MatchString(u.text[:m.start])) {
			continue // it says where the other one is
		}
		if !x.connected(between, m.weak || m.fqdn || m.vmid) {
			break
		}
		conf := 0.9
		if !m.weak && !m.fqdn && len(strings.TrimSpace(between)) <= 4 {
			conf = 1
		}
		if m.weak && !u.code && (strings.Trim(between, " ") == "" || strings.Trim(u.text[:m.start], " \t-*+>_|`") != "") {
			break // a common word in a sentence, not the name that begins a line
		}
		return m.subject, conf
	}
	if s := x.identifierBefore(u.text[:at[0]]); s != nil {
		return s, 0.95
	}
	for _, m := range ms {
		if m.start < at[1] {
			continue
		}
		between := u.text[at[1]:m.start]
		if len(between) > 12 || m.weak && !u.code || strings.Trim(between, " \t-–—:=(#,|`*\"'/") != "" || strings.TrimSpace(between) == "," || strings.Contains(between, "/") {
			return nil, 0
		}
		return m.subject, 0.95
	}
	return nil, 0
}

// placed ends before the name of the place where something is.
var placed = regexp.MustCompile(`(?i)\b(?:on|auf|at|@)\s+[*_"'` + "`" + `]*$`)

var assigned = regexp.MustCompile(`([A-Za-z][A-Za-z0-9_]*)["']?\s*[:=]\s*["']?(?:https?://)?$`)

// identifierBefore finds the subject of NAME_IP = at the end of a text.
func (x *extractor) identifierBefore(text string) *subject {
	m := assigned.FindStringSubmatch(text)
	if m == nil {
		return nil
	}
	return x.names.bySuffix(m[1])
}

var parenthesised = regexp.MustCompile(`^[ \t*_` + "`" + `]*[\[(:–—-]?[ \t*_` + "`" + `]*$`)

// byNumber handles a guest named by its number: "VM 106 (gitlab)" says which number
// and which kind a guest has.
func (x *extractor) byNumber(f *file, u *unit, ms []mention, m []int, apart bool) {
	id, err := strconv.ParseInt(u.text[m[2]:m[3]], 10, 64)
	if err != nil || id < 100 {
		return
	}
	word := strings.ToLower(wordPattern.FindString(u.text[m[0]:m[2]]))
	var subj *subject
	for _, c := range ms {
		gap := ""
		switch {
		case c.isNode() || c.weak && !u.code && c.end > m[0] && c.start < m[3]:
			continue
		case c.end <= m[0]:
			gap = u.text[c.end:m[0]]
		case c.start >= m[3]:
			gap = u.text[m[3]:c.start]
		default:
			continue
		}
		if parenthesised.MatchString(gap) {
			subj = c.subject
			break
		}
	}
	if subj != nil && !apart {
		return // several numbers and fewer names: which belongs to which?
	}
	if subj == nil || subj.host == nil && len(x.truth.hosts) > 0 {
		if subj = x.names.byVMID[id]; subj != nil {
			x.kindWord(f, subj, word, u.off+m[0], u.text[m[0]:m[2]], 0.9)
		}
		return
	}
	x.say(f, claim{kind: KindVMID, subj: subj, raw: u.text[m[2]:m[3]], value: strconv.FormatInt(id, 10), off: u.off + m[2], conf: 1})
	x.kindWord(f, subj, word, u.off+m[0], u.text[m[0]:m[2]], 1)
}

var kindNames = map[string]string{"vm": "vm", "qemu": "vm", "kvm": "vm", "lxc": "lxc", "ct": "lxc", "vms": "vm", "virtual machine": "vm", "lxc container": "lxc", "lxc-container": "lxc", "qemu/kvm": "vm", "kvm/qemu": "vm", "linux container": "lxc", "qemu vm": "vm"}

// kindWord notes what kind a word says that a guest is.
func (x *extractor) kindWord(f *file, s *subject, word string, off int, raw string, conf float64) {
	kind, ok := kindNames[strings.ToLower(strings.TrimSpace(word))]
	if !ok {
		return
	}
	raw = raw[:min(len(raw), len(word))]
	x.say(f, claim{kind: KindGuest, subj: s, raw: raw, value: kind, off: off, conf: conf})
}

var onNode = regexp.MustCompile(`(?i)(?:\b(?:on|node|host|auf|runs? on|hosted on|lives on|@)\s*(?:the\s+|proxmox\s+|pve\s+|node\s+|host\s+)*|[,(/]\s*)[*_` + "`" + `"']*$`)

// places finds where a guest runs: "gitlab runs on node02", "gitlab (VM 106,
// node02)"; and on which host a service does.
func (x *extractor) places(f *file, u *unit, ms []mention) {
	for i := 1; i < len(ms); i++ {
		a, b := ms[i-1], ms[i]
		if i >= 2 && a.vmid {
			a = ms[i-2]
		}
		between := u.text[a.end:b.start]
		if a.fqdn || b.fqdn || a.weak && !strings.HasPrefix(strings.TrimLeft(between, "*`_\"' "), "(") || !onNode.MatchString(between) || !x.connectedPlace(between) {
			continue
		}
		if next := i + 1; next < len(ms) && ms[next].isNode() {
			continue // two nodes: a cluster, a pair, a move
		}
		switch {
		case a.isGuest() && b.isNode():
			x.say(f, claim{kind: KindNode, subj: a.subject, raw: u.text[b.start:b.end], value: b.name, off: u.off + b.start, conf: 0.95})
		case a.service != nil && a.host == nil && b.isGuest():
			x.say(f, claim{kind: KindContainerHost, subj: a.subject, raw: u.text[b.start:b.end], value: b.name, off: u.off + b.start, conf: 0.9})
		}
	}
}

// connectedPlace is connected for a place: an address may stand between.
func (x *extractor) connectedPlace(between string) bool {
	between = ipPattern.ReplaceAllString(between, "")
	for _, w := range []string{"hosted", "auf", "deployed", "pinned", "stays"} {
		between = strings.ReplaceAll(between, w, "")
	}
	return x.connected(between, false)
}

var (
	coresText  = regexp.MustCompile(`(?i)\b(\d{1,3})\s*(?:x\s*)?(?:v?CPUs?|v?cores?|cpu cores?|C)\b|\b(?:v?CPUs?|v?cores?)\s*[:=]?\s*(\d{1,3})\b`)
	memoryText = regexp.MustCompile(`(?i)\b(\d+(?:\.\d+)?)\s*(GiB|GB|MiB|MB|G|M)\s*(?:of\s+)?(?:RAM|memory|mem|Arbeitsspeicher)\b|\b(?:RAM|memory|mem)\s*[:=]?\s*(\d+(?:\.\d+)?)\s*(GiB|GB|MiB|MB|G|M)\b`)
	diskText   = regexp.MustCompile(`(?i)\b(\d+(?:\.\d+)?)\s*(TiB|GiB|TB|GB|T|G)\s*(?:of\s+)?(?:disk|storage|SSD|NVMe|HDD|root ?fs|root disk)\b|\b(?:disk|rootfs|root disk)\s*[:=]?\s*(\d+(?:\.\d+)?)\s*(TiB|GiB|TB|GB|T|G)\b`)
)

// resources finds the cores, memory and disk of the only guest that a text names.
func (x *extractor) resources(f *file, u *unit, m mention) {
	if len(u.text) > 240 || hedge.MatchString(u.text) || m.weak && m.start > 24 {
		return
	}
	for _, s := range []struct {
		kind string
		form *regexp.Regexp
	}{{KindCores, coresText}, {KindMemory, memoryText}, {KindDisk, diskText}} {
		all := s.form.FindAllStringSubmatchIndex(u.text, -1)
		if len(all) != 1 {
			continue
		}
		g, i := all[0], 2
		for g[i] < 0 { // the first alternative of the form did not match
			i += 2
		}
		unit := ""
		if i+3 < len(g) && g[i+2] >= 0 {
			unit = u.text[g[i+2]:g[i+3]]
		}
		x.amount(f, s.kind, m.subject, u.text[g[i]:g[i+1]], unit, u.off+g[i], 0.9)
	}
}

// amount notes a number of cores or a size.
func (x *extractor) amount(f *file, kind string, s *subject, number, unit string, off int, conf float64) {
	value := number
	if kind != KindCores {
		bytes, ok := bytesOf(number, unit)
		if !ok {
			return
		}
		value = strconv.FormatInt(bytes, 10)
	}
	x.say(f, claim{kind: kind, subj: s, raw: number, value: value, off: off, conf: conf, fixed: unit})
}

func bytesOf(number, unit string) (int64, bool) {
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || n <= 0 {
		return 0, false
	}
	scale := map[string]int64{"K": inventory.KiB, "M": inventory.MiB, "G": inventory.GiB, "T": inventory.TiB}[strings.ToUpper(unit[:min(1, len(unit))])]
	if scale == 0 {
		return 0, false
	}
	return int64(n * float64(scale)), true
}
