package factcheck

import (
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

var (
	gatewayText = regexp.MustCompile(`(?i)\b(?:gateway|gw)\b(?:[\s*_:=(|` + "`" + `-]|\bis\b|\bip\b|\baddress\b|\bat\b){0,12}((?:\d{1,3}\.){3}\d{1,3})\b`)
	dnsText     = regexp.MustCompile(`(?i)\b(?:dns(?:[ -]?(?:servers?|resolvers?))?|name ?servers?|resolvers?)\b(?:[\s*_:=(|` + "`" + `-]|\bis\b|\bip\b|\baddress\b|\bat\b|\bset to\b){0,12}((?:\d{1,3}\.){3}\d{1,3})\b`)
	notOurDNS   = regexp.MustCompile(`(?i)\b(?:upstream|forward\w*|fallback|secondary|backup|second|alternative|external|public|sekundär\w*|record|a-record|entry|rewrite|query|dig|nslookup)\b`)
	vlanText    = regexp.MustCompile(`(?i)\bVLAN(?:[ _-]?ID)?[ :#=_-]{0,3}(\d{1,4})\b`)
	netText     = regexp.MustCompile(`\b((?:\d{1,3}\.){3}\d{1,3}/\d{1,2})\b`)
	versionText = regexp.MustCompile(`(?i)\b(?:Proxmox(?: VE| Virtual Environment)?|PVE|pve-manager)[ :/*_` + "`" + `v-]{1,4}(?:version[ :]*)?(\d{1,2}(?:\.\d{1,2}){1,2})\b`)
	countText   = regexp.MustCompile(`(?i)\b(\d{1,4}|one|two|three|four|five|six|seven|eight|nine|ten|twelve)[ -](?:proxmox[ -]|pve[ -]|physical[ -]|cluster[ -]|running[ -])?(nodes?|VMs?|virtual machines?|LXCs?|LXC containers?|guests?)\b`)
	totalText   = regexp.MustCompile(`(?i)\btotal(?:[ -](?:of))?(?:[ -](VMs?|LXCs?|LXC containers?|guests?|nodes?))?[*_ |:=-]{1,8}(\d{1,4})\b(?:[ ]*(VMs?|LXCs?|LXC containers?|guests?|nodes?))?`)
	wholeHome   = regexp.MustCompile(`(?i)\b(?:cluster|proxmox|pve|in total|total|altogether|all in all|overall|home ?lab|insgesamt)\b`)
	versionWith = regexp.MustCompile(`(?i)\b(?:docs?|documentation|tested|supports?|since|from|introduced|requires?|newer|older|later|compatible|works|api|release notes|or higher|and up|\d\.x)\b`)
)

// settings finds what a text says about networks, counts and versions.
func (x *extractor) settings(f *file, u *unit, ms []mention) {
	for _, m := range gatewayText.FindAllStringSubmatchIndex(u.text, -1) {
		if ip, ok := parseIP(u.text[m[2]:m[3]]); ok && !notOneAddress(u.text, m[2:4]) {
			x.say(f, claim{kind: KindGateway, raw: ip.String(), value: ip.String(), off: u.off + m[2], conf: 0.9})
		}
	}
	for _, m := range dnsText.FindAllStringSubmatchIndex(u.text, -1) {
		if ip, ok := parseIP(u.text[m[2]:m[3]]); ok && !notOurDNS.MatchString(u.text) && !notOneAddress(u.text, m[2:4]) {
			x.say(f, claim{kind: KindDNS, raw: ip.String(), value: ip.String(), off: u.off + m[2], conf: 0.9})
		}
	}
	vlans, nets := vlanText.FindAllStringSubmatchIndex(u.text, -1), netText.FindAllStringSubmatchIndex(u.text, -1)
	if len(vlans) == 1 && len(nets) == 1 {
		x.vlanOfNet(f, u.text[nets[0][2]:nets[0][3]], u.text[vlans[0][2]:vlans[0][3]], u.off+vlans[0][2], 0.95)
	}
	if len(vlans) == 1 && len(nets) == 0 && len(guestsIn(ms)) == 1 && len(u.text) < 160 && !guestsIn(ms)[0].weak {
		x.say(f, claim{kind: KindVLAN, subj: guestsIn(ms)[0].subject, raw: u.text[vlans[0][2]:vlans[0][3]], value: u.text[vlans[0][2]:vlans[0][3]], off: u.off + vlans[0][2], conf: 0.9})
	}
	if m := versionText.FindStringSubmatchIndex(u.text); m != nil && !versionWith.MatchString(u.text) && !hedge.MatchString(u.text) && !u.code {
		x.say(f, claim{kind: KindVersion, about: "Proxmox VE", raw: u.text[m[2]:m[3]], value: u.text[m[2]:m[3]], off: u.off + m[2], conf: 0.9})
	}
	x.counts(f, u)
}

// vlanOfNet notes which VLAN a subnet is said to be.
func (x *extractor) vlanOfNet(f *file, cidr, vlan string, off int, conf float64) {
	p, err := netip.ParsePrefix(cidr)
	if n, nerr := strconv.Atoi(vlan); err == nil && nerr == nil && n >= 1 && n <= 4094 {
		x.say(f, claim{kind: KindVLAN, about: p.Masked().String(), raw: vlan, value: strconv.Itoa(n), off: off, conf: conf})
	}
}

var numberWords = map[string]int{"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "twelve": 12}

// counts finds how many nodes or guests a text says that there are. Only text
// about the whole counts: "3 VMs" alone may be any three.
func (x *extractor) counts(f *file, u *unit) {
	if u.code || len(u.text) > 300 {
		return
	}
	for _, m := range countText.FindAllStringSubmatchIndex(u.text, -1) {
		what := countWhat(u.text[m[4]:m[5]])
		lead := u.text[:m[0]]
		if !wholeHome.MatchString(u.text) || hedgedCount.MatchString(lead) || strings.Contains(strings.ToLower(u.text), "k8s") || strings.Contains(strings.ToLower(u.text), "kubernetes") {
			continue
		}
		x.count(f, what, u, m[2], m[3])
	}
	for _, m := range totalText.FindAllStringSubmatchIndex(u.text, -1) {
		if m[2] < 0 && m[6] < 0 && (strings.TrimLeft(u.text[:m[0]], " *_|-") != "" || strings.TrimRight(u.text[m[5]:], " *_|.") != "") {
			continue // a total of something else
		}
		what := "guest"
		for _, i := range []int{2, 6} {
			if m[i] >= 0 {
				what = countWhat(u.text[m[i]:m[i+1]])
			}
		}
		x.count(f, what, u, m[4], m[5])
	}
}

var hedgedCount = regexp.MustCompile(`(?i)\b(?:at least|minimum|up to|about|around|of the|other|another|these|first|last|each|per|max\w*|more than|over|any|only|some|every)\s*$|[<>≥≤~]\s*$`)

func (x *extractor) count(f *file, what string, u *unit, from, to int) {
	text := u.text[from:to]
	n, err := strconv.Atoi(text)
	if err != nil {
		n = numberWords[strings.ToLower(text)]
	}
	if n == 0 {
		return
	}
	c := claim{kind: KindCount, about: what, raw: text, value: strconv.Itoa(n), off: u.off + from, conf: 0.9}
	for _, m := range x.names.find(strings.Join(append(u.heads[:len(u.heads):len(u.heads)], u.text), "\n")) {
		if m.isNode() {
			c.also = append(c.also, m.subject)
		}
	}
	x.say(f, c)
}

func countWhat(word string) string {
	switch w := strings.ToLower(word); {
	case strings.HasPrefix(w, "node"):
		return "node"
	case strings.HasPrefix(w, "vm"), strings.HasPrefix(w, "virtual"):
		return "vm"
	case strings.HasPrefix(w, "lxc"):
		return "lxc"
	}
	return "guest"
}
