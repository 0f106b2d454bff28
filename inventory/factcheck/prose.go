package factcheck

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"recon/inventory/factcheck/source"
)

// The forms of prose that are statements. There are no others.
//
//	VM 106 (gitlab) · gitlab (CT 106) · VM 106 is gitlab · qm start 106 # gitlab
//	gitlab (VM 106, node02, 192.168.40.23, 4 GB RAM, VLAN 40)
//	gitlab: 192.168.40.23 · gitlab is at 192.168.40.23 · the IP of gitlab is 192.168.40.23
//	gitlab runs on node02 · gitlab is an LXC
//	The gitlab VM has 16 GB of RAM and 4 cores and sits in VLAN 40.
//	the gateway of gitlab is 192.168.40.1 · the DNS server for gitlab is 192.168.90.53

var (
	numberWord = regexp.MustCompile(`(?i)\b(VM|CT|LXC|VMID|CTID)(?: container)?(?:[ #:]|ID|\*\*|\x60){0,3}\x60?(\d{3,9})\b`)
	nameBehind = regexp.MustCompile(`^[\x60*_]*(?:\s*\(\s*[\x60*_"']*([A-Za-z][A-Za-z0-9._-]*)[\x60*_"']*\s*[),]|\s+is\s+(?:the\s+)?[\x60*_"']*([A-Za-z][A-Za-z0-9._-]*)[\x60*_"']*(?:[.,;]?$|[.,;]\s)|\s*(?::|-|–|—)\s+[\x60*_"']*([A-Za-z][A-Za-z0-9._-]*)[\x60*_"']*(?:$|\s*[(:,–—]|\s-\s)|\s*[=/]\s*[\x60"']([A-Za-z][A-Za-z0-9._-]*)[\x60"'])`)
	nameBefore = regexp.MustCompile(`(?:^|[\s\x60*_"'(])([A-Za-z][A-Za-z0-9._-]*)[\x60*_"']*\s*\(\s*$`)
	toolNumber = regexp.MustCompile(`\b(?:qm|pct)\s+[a-z]+\s+(\d{3,9})\b[^#(]{0,30}?(?:#|\()\s*[\x60"']?([A-Za-z][A-Za-z0-9._-]*)[\x60"']?\s*(?:\)|$)`)
	hostShape  = regexp.MustCompile(`^[a-z][a-z0-9]*(?:[-.][a-z0-9]+)*$`)
	// nodeShape is a name that people give to nodes.
	nodeShape    = regexp.MustCompile(`^(?i:pve|node|proxmox|prox|hv|esxi?|host)[-_]?[0-9]+$`)
	versionShape = regexp.MustCompile(`^v?[0-9]+(?:\.[0-9]+)*$`)
	addressLink  = regexp.MustCompile(`(?i)^[\s\x60*_"'\])]*(?:\((?:VM|CT|LXC|VMID|CTID)?[ #:]*\d*\))?[\s\x60*_"']*(?:[:=@–—|]|-{1,2}\s)?[\s\x60*_"'(]*(?:(?:is|has|runs|lives|sits|listens)\s+)?(?:(?:at|on)\s+)?(?:(?:the|a|static)\s+){0,2}(?:ip(?:v4)?(?: address)?|address)?\s*(?:is\s+|of\s+|:\s*)?[\s\x60*_"'(]*(https?://)?$`)
	runsOn       = regexp.MustCompile(`(?i)^[\s\x60*_"')]*\s(?:runs|is running|lives|is hosted|is deployed|resides)\s+on\s+(?:the\s+)?(?:proxmox\s+)?(?:node\s+|host\s+)?[\x60*_"']*$`)
	isA          = regexp.MustCompile(`(?i)^[\s\x60*_"')]*\s(?:is|runs as|is running as|lives as)\s+(?:an?|the)\s+(?:(?:small|new|unprivileged|privileged|debian|ubuntu|alpine|proxmox)\s+)?(VM|LXC(?: container)?|CT|virtual machine)\b`)
	hasResource  = regexp.MustCompile(`(?i)^[\s\x60*_"')]*(?:\s(VM|LXC|CT|container|guest|machine|server))?\s(?:has|uses|gets|is given|runs with|comes with|is allocated|sits in|is in)\s`)
	roleOf       = regexp.MustCompile(`(?i)^\W*(?:the\s+)?(gateway|dns server|name ?server|ip|ip address|address)\s+(?:of|for)\s+[\x60*_"']*$`)
	roleIs       = regexp.MustCompile(`(?i)^[\s\x60*_"']*(?:is|:)[\s\x60*_"']*$`)
	vlanIn       = regexp.MustCompile(`(?i)\bVLAN[ _-]?(?:ID)?[ :]?(\d{1,4})\b`)
	hedged       = regexp.MustCompile(`(?i)\b(?:at least|minimum|min|recommend\w*|requires?|required|needs?|up to|max\w*|limit\w*|or more|about|around|roughly|per|each|total|free|used|usage)\b|[<>≥≤~→]|->|=>`)
	vmKind       = regexp.MustCompile(`(?i)^(?:VM|virtual machine)$`)
)

// line finds the statements of a line of prose.
func (x *reader) line(l *source.Line) {
	if !strings.ContainsAny(l.Text, "0123456789") && !strings.Contains(l.Text, " on ") && !strings.Contains(l.Text, " is ") && !strings.Contains(l.Text, " node") {
		return
	}
	x.numbers(l)
	if l.Code {
		if m := treeMark.FindStringIndex(l.Text); m != nil {
			x.places(l, x.find(l.Text), m[1])
		}
		return
	}
	ms := x.find(l.Text)
	x.counts(l, ms)
	x.versions(l)
	if len(ms) == 0 {
		return
	}
	x.roleNoun(l, ms)
	x.places(l, ms, len(l.Text)-len(strings.TrimLeft(l.Text, " \t*_`#>\"'")))
	for i := range ms {
		if !l.Cell || len(ms) == 1 && ms[0].start == 0 {
			x.list(l, &ms[i]) // what a cell says in parentheses is of its row
		}
	}
}

var treeMark = regexp.MustCompile(`^[\s│|]*(?:├|└)─+\s*`)

// longNumber reports a text with three digits in a row: without them it names no
// guest by its number.
func longNumber(text string) bool {
	run := 0
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			run = 0
			continue
		}
		if run++; run == 3 {
			return true
		}
	}
	return false
}

// numbers finds guests that are named with their number.
func (x *reader) numbers(l *source.Line) {
	if !longNumber(l.Text) {
		return
	}
	for _, m := range numberWord.FindAllStringSubmatchIndex(l.Text, -1) {
		rest := l.Text[m[1]:]
		if strings.HasPrefix(rest, ".") && len(rest) > 1 && rest[1] >= '0' && rest[1] <= '9' || strings.HasPrefix(rest, "-") && len(rest) > 1 && rest[1] >= '0' && rest[1] <= '9' {
			continue // part of an address, or a range
		}
		name, at, before, aside := "", 0, false, false
		if n := nameBehind.FindStringSubmatchIndex(rest); n != nil {
			for g := 2; g < len(n); g += 2 {
				if n[g] >= 0 {
					name, at, aside = rest[n[g]:n[g+1]], m[1]+n[g], g == 2
				}
			}
		} else if n := nameBefore.FindStringSubmatchIndex(l.Text[:m[0]]); n != nil {
			name, at, before = l.Text[n[2]:n[3]], n[2], true
		}
		if before && x.lookup(name) == nil {
			continue // "grafana (LXC 103)" is where something runs
		}
		word := l.Text[m[2]:m[3]]
		if vmKind.MatchString(word) && strings.HasPrefix(strings.ToUpper(l.Text[m[3]:]), "ID") {
			word = "" // the VMID of a container
		}
		x.numberNamed(l, name, at, m[4], m[5], word, m[2], aside)
	}
	x.listed(l)
	if !strings.Contains(l.Text, "qm ") && !strings.Contains(l.Text, "pct ") {
		return
	}
	for _, m := range toolNumber.FindAllStringSubmatchIndex(l.Text, -1) {
		x.numberNamed(l, l.Text[m[4]:m[5]], m[4], m[2], m[3], "", 0, false)
	}
}

var (
	listedNumber = regexp.MustCompile(`^[*_\x60]*(\d{3,9})[*_\x60]*\s*(?::|-|–|—)[*_\x60]*\s+[*_\x60]*([A-Za-z][A-Za-z0-9._-]*)[*_\x60]*(?:$|\s*[(,–—]|\s-\s)`)
	ofGuests     = regexp.MustCompile(`(?i)\b(?:VMs?|LXCs?|CTs?|guests?|virtual machines?|LXC containers?)\b`)
)

// listed reads "105: gitlab" in a list below a heading of guests. A name that nobody has may
// be that of what runs there, so that only the number counts.
func (x *reader) listed(l *source.Line) {
	n := listedNumber.FindStringSubmatchIndex(l.Text)
	if n == nil || l.Code || l.Cell || len(l.Heads) == 0 || !ofGuests.MatchString(l.Heads[len(l.Heads)-1]) {
		return
	}
	name := l.Text[n[4]:n[5]]
	subj := x.lookup(name)
	if notAName(name) || subj != nil && (subj.isNode() || subj.ambiguous) {
		return
	}
	v := source.Value{Role: source.VMID, Text: l.Text[n[2]:n[3]], Norm: l.Text[n[2]:n[3]], Off: l.Off + n[2]}
	x.say(statement{Value: v, subj: subj, name: name, nameOff: l.Off + n[4], runs: subj == nil})
}

// numberNamed notes that a guest's number goes with a name. A name that nobody
// inventories must look like one of a host, and where it stands aside, in parentheses, be
// written as one: VM 100 (whole-disk) is named otherwise.
func (x *reader) numberNamed(l *source.Line, name string, at, from, to int, word string, wordAt int, aside bool) {
	name = strings.TrimRight(name, ".-_")
	id, err := strconv.Atoi(l.Text[from:to])
	if name == "" || notAName(name) || err != nil || id < 100 {
		return
	}
	subj := x.lookup(name)
	if subj == nil && (!hostShape.MatchString(name) || nodeShape.MatchString(name) || versionShape.MatchString(name) || !isMarked(l.Text, at, at+len(name)) && (aside || !strings.ContainsAny(name, "-0123456789"))) {
		return
	}
	if subj != nil && (subj.isNode() || subj.ambiguous) {
		return
	}
	v := source.Value{Role: source.VMID, Text: l.Text[from:to], Norm: strconv.Itoa(id), Off: l.Off + from}
	x.say(statement{Value: v, subj: subj, name: name, nameOff: l.Off + at})
	if subj != nil && word != "" {
		x.kindWord(subj, name, word, l.Off+wordAt)
	}
}

func (x *reader) kindWord(subj *subject, name, word string, off int) {
	kind := ""
	switch w := strings.ToLower(word); {
	case vmKind.MatchString(word):
		kind = "vm"
	case strings.HasPrefix(w, "lxc"), w == "ct":
		kind = "lxc"
	default:
		return
	}
	x.say(statement{Value: source.Value{Role: source.Kind, Text: word, Norm: kind, Off: off}, subj: subj, name: name})
}

// roleNoun reads "the gateway of NAME is ADDRESS". Other nouns say nothing of NAME.
func (x *reader) roleNoun(l *source.Line, ms []mention) {
	m := &ms[0]
	n := roleOf.FindStringSubmatch(l.Text[:m.start])
	if n == nil || m.ambiguous {
		return
	}
	found := source.Addresses(l.Text)
	if len(found) != 1 || found[0].Start < m.end || !roleIs.MatchString(l.Text[m.end:found[0].Start]) {
		return
	}
	role := source.Address
	switch noun := strings.ToLower(n[1]); {
	case noun == "gateway":
		role = source.Gateway
	case strings.Contains(noun, "server"):
		role = source.DNS
	}
	a := found[0]
	x.say(statement{Value: source.Value{Role: role, Text: l.Text[a.Start:a.End], Norm: a.Norm, Off: l.Off + a.Start}, subj: m.subject, name: m.name})
}

// places reads the forms that begin a line with a name.
func (x *reader) places(l *source.Line, ms []mention, start int) {
	if len(ms) == 0 || ms[0].ambiguous {
		return
	}
	m := &ms[0]
	lead := strings.ToLower(l.Text[min(start, m.start):m.start])
	if lead != "" && lead != "the " && lead != "the `" && lead != "the **" || m.common() && lead != "" {
		return
	}
	rest := l.Text[m.end:]
	if strings.ContainsAny(l.Text, "→←") || strings.Contains(l.Text, "->") || strings.Contains(l.Text, "=>") {
		return
	}
	x.addressOf(l, m, rest)
	if len(ms) > 1 && ms[1].isNode() && !m.isNode() && runsOn.MatchString(l.Text[m.end:ms[1].start]) && (len(ms) == 2 || !ms[2].isNode()) {
		x.say(statement{Value: source.Value{Role: source.Node, Text: l.Text[ms[1].start:ms[1].end], Norm: ms[1].name, Off: l.Off + ms[1].start}, subj: m.subject, name: m.name})
	}
	if n := isA.FindStringSubmatchIndex(rest); n != nil && !m.isNode() {
		x.kindWord(m.subject, m.name, rest[n[2]:n[3]], l.Off+m.end+n[2])
	}
	x.resources(l, m, ms)
}

// addressOf reads "NAME: ADDRESS".
func (x *reader) addressOf(l *source.Line, m *mention, rest string) {
	found := source.Addresses(rest)
	if len(found) == 0 || m.common() && l.Code {
		return
	}
	a := found[0]
	link := addressLink.FindStringSubmatch(rest[:a.Start])
	if link == nil || strings.Trim(rest[:a.Start], " \t") == "" && !m.marked && !strings.Contains(rest[:a.Start], "  ") {
		return
	}
	v := source.Value{Role: source.Address, Text: rest[a.Start:a.End], Norm: a.Norm, Off: l.Off + m.end + a.Start}
	if link[1] != "" {
		v.Role = source.URL
	}
	all := []statement{{Value: v, subj: m.subject, name: m.name}}
	for _, other := range found[1:] { // "192.168.40.11 / 192.168.50.11" are both
		if strings.Trim(rest[a.End:other.Start], " /,&`and") == "" {
			all = append(all, statement{Value: source.Value{Role: v.Role, Text: rest[other.Start:other.End], Norm: other.Norm, Off: l.Off + m.end + other.Start}, subj: m.subject, name: m.name})
		}
	}
	if len(all) > 1 {
		together := &source.Entry{Section: l.Section, Form: source.Properties, Table: -1}
		for i := range all {
			all[i].entry = together
		}
	}
	for _, s := range all {
		x.say(s)
	}
	if n := behindAddress.FindStringSubmatchIndex(rest[a.End:]); n != nil {
		x.items(l, m, rest[a.End+n[2]:a.End+n[3]], m.end+a.End+n[2])
	}
}

var behindAddress = regexp.MustCompile(`^[\x60*_"']*\s*\(([^()]{3,120})\)`)

// resources reads "The NAME VM has ...", up to the end of the sentence.
func (x *reader) resources(l *source.Line, m *mention, ms []mention) {
	rest := l.Text[m.end:]
	head := hasResource.FindStringSubmatchIndex(rest)
	if head == nil || hedged.MatchString(rest) || m.isNode() {
		return
	}
	end := len(rest)
	if i := strings.Index(rest, ". "); i >= 0 {
		end = i
	}
	for _, o := range ms[1:] {
		if o.start-m.end < end {
			return // of whom?
		}
	}
	if head[2] >= 0 {
		x.kindWord(m.subject, m.name, rest[head[2]:head[3]], l.Off+m.end+head[2])
	}
	x.amounts(m, rest[:end], l.Off+m.end)
}

// amounts says the cores, memory and VLAN that a text gives, each once.
func (x *reader) amounts(m *mention, text string, off int) {
	for _, v := range source.SpecsIn(text, off) {
		x.say(statement{Value: v, subj: m.subject, name: m.name})
	}
	if n := vlanIn.FindAllStringSubmatchIndex(text, -1); len(n) == 1 {
		x.say(statement{Value: source.Value{Role: source.VLAN, Text: text[n[0][2]:n[0][3]], Norm: text[n[0][2]:n[0][3]], Off: off + n[0][2]}, subj: m.subject, name: m.name})
	}
}

var listBehind = regexp.MustCompile(`^[\x60*_"']*\s*\(([^()]{3,120})\)`)

// list reads what stands in parentheses behind a name: each item by its own form.
func (x *reader) list(l *source.Line, m *mention) {
	n := listBehind.FindStringSubmatchIndex(l.Text[m.end:])
	if n == nil || m.ambiguous || m.isNode() {
		return
	}
	x.items(l, m, l.Text[m.end+n[2]:m.end+n[3]], m.end+n[2])
}

// items reads what a text in parentheses says of a name.
func (x *reader) items(l *source.Line, m *mention, inside string, base int) {
	lower := strings.ToLower(inside)
	if hedged.MatchString(inside) || strings.Contains(lower, "via ") || strings.Contains(lower, "behind ") {
		return
	}
	items, at := strings.FieldsFunc(inside, func(c rune) bool { return c == ',' || c == ';' || c == '·' }), 0
	for _, item := range items {
		at = strings.Index(inside[at:], item) + at
		x.listItem(l, m, item, base+at, len(items))
		at += len(item)
	}
}

var (
	itemAddress = regexp.MustCompile(`(?i)^[\s\x60*]*(?:(ip|ts|tailscale|tailscale ip)[: ]\s*)?[\x60]?[0-9a-f.:]+[\s\x60*]*$`)
	itemNumber  = regexp.MustCompile(`(?i)^\s*(VM|CT|LXC|VMID|CTID|ID)[ #:]*(\d{3,9})\s*$`)
)

// listItem reads one item by its own form.
func (x *reader) listItem(l *source.Line, m *mention, item string, off, items int) {
	say := func(role source.Role, label string, from, to int, norm string) {
		x.say(statement{Value: source.Value{Role: role, Label: label, Text: item[from:to], Norm: norm, Off: l.Off + off + from}, subj: m.subject, name: m.name, nameOff: l.Off + m.start})
	}
	t := strings.Trim(item, " `*")
	if f := itemAddress.FindStringSubmatch(item); f != nil {
		for _, a := range source.Addresses(item) {
			label := ""
			if strings.HasPrefix(strings.ToLower(f[1]), "t") {
				label = "tailscale"
			}
			say(source.Address, label, a.Start, a.End, a.Norm)
		}
		return
	}
	if n := itemNumber.FindStringSubmatchIndex(item); n != nil && !m.isNode() {
		if strings.EqualFold(item[n[2]:n[3]], "ID") && strings.ContainsFunc(l.Text[:m.start], unicode.IsLetter) {
			return // "Docker monitoring (ID: 193)" is something else with a number
		}
		say(source.VMID, "", n[4], n[5], item[n[4]:n[5]])
		x.kindWord(m.subject, m.name, item[n[2]:n[3]], l.Off+off+n[2])
		return
	}
	if s := x.nodeNamed(t); s != nil && items > 1 && !m.isNode() {
		i := strings.Index(item, t)
		say(source.Node, "", i, i+len(t), s.name)
		return
	}
	if (strings.EqualFold(t, "VM") || strings.EqualFold(t, "LXC") || strings.EqualFold(t, "CT")) && !m.common() && !m.isNode() {
		x.kindWord(m.subject, m.name, t, l.Off+off+strings.Index(item, t))
		return
	}
	if items > 1 && !m.isNode() {
		x.amounts(m, item, l.Off+off)
	}
}
