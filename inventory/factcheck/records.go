package factcheck

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// record finds the statements of a thing with named fields.
func (x *extractor) record(f *file, r *record) {
	if len(r.fields) > 0 && r.fields[0].roles[0] == "box" {
		x.box(f, r)
		return
	}
	subj, others := x.subjectOf(r)
	if subj == nil {
		x.subjectless(f, r)
		return
	}
	for i := range r.fields {
		x.field(f, r, subj, others, &r.fields[i])
	}
	x.headingNode(f, r, subj)
}

// subjectOf finds what a record is about: what its name says, else the number of
// a guest. A host that carries a service is another that values may belong to.
func (x *extractor) subjectOf(r *record) (*subject, []*subject) {
	var subj *subject
	var others []*subject
	for _, m := range x.names.find(r.subject.text) {
		if m.weak && normal(nameText(r.subject.text)) != normal(r.subject.text[m.start:m.end]) {
			continue // a common word in a title
		}
		if subj == nil {
			subj = m.subject
		} else if m.subject != subj {
			others = append(others, m.subject)
		}
	}
	if len(others) > 1 || subj != nil && leftover(r.subject.text) {
		return nil, nil // several names, or a sentence
	}
	for _, fd := range r.fields {
		switch fd.roles[0] {
		case roleHost, KindNode, KindContainerHost, roleName, roleService:
			for _, m := range x.names.find(fd.text) {
				if m.subject != subj {
					others = append(others, m.subject)
				}
			}
		}
	}
	return subj, others
}

// leftover reports a name in a text that says much more: it is not the name of the
// thing.
func leftover(text string) bool { return len(wordPattern.FindAllString(text, -1)) > 8 }

// discoverable reports a record that looks like one of a host.
func (r *record) discoverable() bool {
	return slices.ContainsFunc(r.fields, func(f field) bool {
		return slices.ContainsFunc(f.roles, func(role string) bool {
			switch role {
			case KindAddress, KindVMID, KindMAC:
				return true
			}
			return false
		})
	})
}

var markup = strings.NewReplacer("*", "", "`", "", "_", "-", "[", "", "]", "")

// nameText is the name in a cell that nobody observes: one plain word or two.
func nameText(cell string) string {
	s := strings.TrimSpace(markup.Replace(parenthese.ReplaceAllString(cell, "")))
	if i := strings.Index(s, "("); i > 0 {
		s = s[:i]
	}
	if !plainName.MatchString(s) || len(strings.Fields(s)) > 3 {
		return ""
	}
	return s
}

// subjectless handles a record without a name that is known: a network, or a
// guest's number with another name.
func (x *extractor) subjectless(f *file, r *record) {
	var nets, vlans, gateways []field
	for _, fd := range append(r.fields[:len(r.fields):len(r.fields)], field{[]string{roleSubnet}, r.subject.text, r.subject.off}) {
		for _, role := range fd.roles {
			switch role {
			case roleSubnet, KindAddress:
				if netText.MatchString(fd.text) {
					nets = append(nets, fd)
				}
			case KindVLAN:
				vlans = append(vlans, fd)
			case KindGateway:
				gateways = append(gateways, fd)
			case KindDNS:
				x.dns(f, nil, fd)
			case KindVersion:
				if m := bareVersion.FindStringIndex(fd.text); m != nil {
					x.say(f, claim{kind: KindVersion, about: "Proxmox VE", raw: fd.text[m[0]:m[1]], value: fd.text[m[0]:m[1]], off: fd.off + m[0], conf: 1})
				}
			}
		}
	}
	if r.subject.off >= 0 && vlanText.MatchString(r.subject.text) && len(vlans) == 0 {
		vlans = append(vlans, r.subject)
	}
	if len(nets) == 1 && len(vlans) == 1 {
		if m := smallNumber.FindStringIndex(vlans[0].text); m != nil {
			x.vlanOfNet(f, netText.FindString(nets[0].text), vlans[0].text[m[0]:m[1]], vlans[0].off+m[0], r.weight)
		}
	}
	for _, g := range gateways {
		x.gateway(f, nil, g)
	}
	x.otherName(f, r)
}

var (
	bareVersion = regexp.MustCompile(`\b\d{1,2}\.\d{1,2}(?:\.\d{1,2})?\b`)
	smallNumber = regexp.MustCompile(`\b\d{1,4}\b`)
	guestID     = regexp.MustCompile(`^\W*(\d{3,9})\W*$`)
	hostName    = regexp.MustCompile(`^[a-z0-9]+(?:[-.][a-z0-9]+)*$`)
)

// otherName notes that a table gives a guest's number another name.
func (x *extractor) otherName(f *file, r *record) {
	name := nameText(r.subject.text)
	if !r.table || r.subject.off < 0 || !hostName.MatchString(name) || !strings.ContainsAny(name, "-0123456789") && len(name) < 4 {
		return
	}
	for _, fd := range r.fields {
		m := guestID.FindStringSubmatch(fd.text)
		if fd.roles[0] != KindVMID || m == nil {
			continue
		}
		id, _ := strconv.ParseInt(m[1], 10, 64)
		if s := x.names.byVMID[id]; s != nil {
			off := r.subject.off + strings.Index(r.subject.text, name)
			x.say(f, claim{kind: KindName, subj: s, about: m[1], raw: name, value: name, off: off, conf: r.weight})
		}
	}
}

// field finds the statements of one field of a subject.
func (x *extractor) field(f *file, r *record, subj *subject, others []*subject, fd *field) {
	parts := fd.parts()
	for i, role := range fd.roles {
		part := parts[min(i, len(parts)-1)]
		say := func(kind, raw, value string, at int) {
			x.say(f, claim{kind: kind, subj: subj, also: others, raw: raw, value: value, off: part.off + at, conf: r.weight})
		}
		switch role {
		case KindAddress, KindURL:
			x.fieldAddresses(f, subj, others, role, part, r.weight)
		case KindVMID:
			if m := guestID.FindStringSubmatchIndex(part.text); m != nil && subj.service == nil {
				say(KindVMID, part.text[m[2]:m[3]], part.text[m[2]:m[3]], m[2])
			} else {
				x.fieldNumber(f, subj, part)
			}
		case KindGuest:
			x.fieldKind(f, subj, part)
		case KindNode, roleHost, KindContainerHost:
			x.fieldPlace(f, r, subj, part)
		case KindCores, KindMemory, KindDisk:
			x.fieldAmount(f, subj, role, part, r)
		case KindMAC:
			if m := macPattern.FindStringIndex(part.text); m != nil {
				say(KindMAC, part.text[m[0]:m[1]], macOf(part.text[m[0]:m[1]]), m[0])
			}
		case KindVLAN:
			if m := onlyNumber.FindStringSubmatchIndex(part.text); m != nil {
				say(KindVLAN, part.text[m[2]:m[3]], part.text[m[2]:m[3]], m[2])
			}
		case KindGateway:
			x.gateway(f, subj, part)
		case KindDNS:
			x.dns(f, subj, part)
		case KindPort:
			if m := onlyNumber.FindStringSubmatchIndex(part.text); m != nil && subj.service != nil {
				say(KindPort, part.text[m[2]:m[3]], part.text[m[2]:m[3]], m[2])
			}
		}
	}
}

var onlyNumber = regexp.MustCompile(`^[\s*_` + "`" + `:#]*(?i:vlan[ -]?)?(\d{1,5})(?:/tcp|/udp)?[\s*_` + "`" + `]*$`)

// parts cuts the text of a field with several roles as its head is cut.
func (fd *field) parts() []field {
	if len(fd.roles) == 1 {
		return []field{*fd}
	}
	var out []field
	at := 0
	for _, m := range append(headSplit.FindAllStringIndex(fd.text, -1), []int{len(fd.text), len(fd.text)}) {
		out = append(out, field{fd.roles, fd.text[at:m[0]], fd.off + at})
		at = m[1]
	}
	if len(out) != len(fd.roles) {
		return []field{*fd}
	}
	return out
}

func (x *extractor) fieldAddresses(f *file, subj *subject, others []*subject, role string, part field, weight float64) {
	for _, m := range ipPattern.FindAllStringIndex(part.text, -1) {
		ip, ok := parseIP(part.text[m[0]:m[1]])
		if !ok || notOneAddress(part.text, m) || strings.ContainsAny(part.text, "→>") || strings.Contains(strings.ToLower(part.text), "via ") {
			continue
		}
		kind := role
		if strings.HasSuffix(part.text[:m[0]], "://") {
			kind = KindURL
		} else if notAHost.MatchString(part.text[:m[0]]) || role == KindURL {
			continue
		}
		if named := strings.Contains(part.text[:m[0]], ",gw="); named {
			continue
		}
		x.say(f, claim{kind: kind, subj: subj, also: others, raw: ip.String(), value: ip.String(), off: part.off + m[0], conf: weight})
	}
	if i := strings.Index(part.text, "gw="); i >= 0 {
		if m := ipPattern.FindStringIndex(part.text[i:]); m != nil && m[0] == 3 {
			x.gateway(f, subj, field{nil, part.text[i+3:], part.off + i + 3})
		}
	}
}

// fieldNumber reads "VM 106" in a column of numbers.
func (x *extractor) fieldNumber(f *file, subj *subject, part field) {
	m := idWords.FindStringSubmatchIndex(part.text)
	if m == nil || len(idWords.FindAllString(part.text, -1)) > 1 || subj.service != nil {
		return
	}
	x.say(f, claim{kind: KindVMID, subj: subj, raw: part.text[m[2]:m[3]], value: part.text[m[2]:m[3]], off: part.off + m[2], conf: 1})
	x.kindWord(f, subj, wordPattern.FindString(part.text[m[0]:m[2]]), part.off+m[0], part.text[m[0]:m[2]], 1)
}

func (x *extractor) fieldKind(f *file, subj *subject, part field) {
	text := strings.Trim(part.text, " *_`")
	if i := strings.Index(part.text, text); text != "" && i >= 0 {
		x.kindWord(f, subj, text, part.off+i, text, 1)
	}
}

// fieldPlace reads the node of a guest, or the host of a service.
func (x *extractor) fieldPlace(f *file, r *record, subj *subject, part field) {
	ms := x.names.find(part.text)
	if len(ms) != 1 || leftover(part.text) {
		return
	}
	m := ms[0]
	raw := part.text[m.start:m.end]
	switch {
	case subj.isGuest() && m.isNode(), subj.host == nil && subj.service == nil && m.isNode():
		x.say(f, claim{kind: KindNode, subj: subj, raw: raw, value: m.name, off: part.off + m.start, conf: r.weight})
	case subj.service != nil && m.isGuest() && m.subject != subj:
		x.say(f, claim{kind: KindContainerHost, subj: subj, raw: raw, value: m.name, off: part.off + m.start, conf: r.weight})
	}
}

var sizeCell = regexp.MustCompile(`(?i)^\W*(\d+(?:\.\d+)?)\s*(TiB|GiB|MiB|TB|GB|MB|T|G|M)?(?:i?b)?(?:\s*(?:RAM|DDR\d|SSD|NVMe|HDD|thin|memory|disk|v?CPUs?|v?cores?|C))?\W*$`)

// fieldAmount reads cores or a size. A number without a unit has the one of its
// head ("RAM (GB)"), else that of the tool which the file is for: Proxmox and
// Terraform count memory in MiB.
func (x *extractor) fieldAmount(f *file, subj *subject, role string, part field, r *record) {
	m := sizeCell.FindStringSubmatchIndex(part.text)
	if m == nil || subj.isNode() {
		return
	}
	number, unit := part.text[m[2]:m[3]], ""
	if m[4] >= 0 {
		unit = part.text[m[4]:m[5]]
	}
	if role == KindCores {
		if unit == "" && !strings.Contains(number, ".") {
			x.amount(f, role, subj, number, "", part.off+m[2], r.weight)
		}
		return
	}
	if unit == "" {
		n, _ := strconv.ParseFloat(number, 64)
		switch {
		case role == KindMemory && n >= 128:
			unit = "M"
		case role == KindMemory && n <= 64 && r.table:
			unit = "G"
		default:
			return
		}
	}
	if strings.HasPrefix(strings.ToLower(unit), "m") && role == KindDisk {
		return
	}
	x.amount(f, role, subj, number, unit, part.off+m[2], r.weight)
}

func (x *extractor) gateway(f *file, subj *subject, part field) {
	for _, m := range ipPattern.FindAllStringIndex(part.text, 1) {
		if ip, ok := parseIP(part.text[m[0]:m[1]]); ok {
			x.say(f, claim{kind: KindGateway, subj: subj, raw: ip.String(), value: ip.String(), off: part.off + m[0], conf: 1})
		}
	}
}

func (x *extractor) dns(f *file, subj *subject, part field) {
	if notOurDNS.MatchString(part.text) {
		return
	}
	last := 0
	for _, m := range ipPattern.FindAllStringIndex(part.text, -1) {
		if wordPattern.MatchString(strings.TrimPrefix(strings.TrimSpace(part.text[last:m[0]]), "and")) {
			return // the list is over
		}
		last = m[1]
		if ip, ok := parseIP(part.text[m[0]:m[1]]); ok && !notOneAddress(part.text, m) {
			x.say(f, claim{kind: KindDNS, subj: subj, raw: ip.String(), value: ip.String(), off: part.off + m[0], conf: 1})
		}
	}
}

// headingNode reads a table of guests below the heading of a node: that is where
// it says they are, unless a column says so.
func (x *extractor) headingNode(f *file, r *record, subj *subject) {
	if !r.table || len(r.heads) == 0 || !subj.isGuest() || r.subject.off <= 0 {
		return
	}
	guests := false
	for _, fd := range r.fields {
		for _, role := range fd.roles {
			if role == KindNode || role == roleHost {
				return
			}
			guests = guests || role == KindVMID
		}
	}
	ms := x.names.find(r.heads[len(r.heads)-1])
	if !guests || len(ms) != 1 || !ms[0].isNode() {
		return
	}
	name := strings.Trim(r.subject.text, " *_`")
	x.say(f, claim{kind: KindNode, subj: subj, raw: name, value: ms[0].name, off: r.subject.off + strings.Index(r.subject.text, name), conf: 0.9})
}

// box reads one box of a drawing: its only name has its only address.
func (x *extractor) box(f *file, r *record) {
	var subj *subject
	var ips []claim
	for _, fd := range r.fields {
		if x.tense.line(fd.text) || notOurDNS.MatchString(fd.text) {
			return
		}
		for _, m := range guestsIn(x.names.find(fd.text)) {
			if subj != nil && subj != m.subject {
				return
			}
			subj = m.subject
		}
		for _, m := range ipPattern.FindAllStringIndex(fd.text, -1) {
			if ip, ok := parseIP(fd.text[m[0]:m[1]]); ok && !notOneAddress(fd.text, m) && !notAHost.MatchString(fd.text[:m[0]]) {
				ips = append(ips, claim{kind: KindAddress, raw: ip.String(), value: ip.String(), off: fd.off + m[0], conf: r.weight})
			}
		}
	}
	if subj == nil || len(ips) != 1 {
		return
	}
	ips[0].subj = subj
	x.say(f, ips[0])
}
