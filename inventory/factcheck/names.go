package factcheck

import (
	"regexp"
	"strings"
)

// A subject is what a claim is about: something observed, or a name that documents
// use.
type subject struct {
	key     string // normalised name
	name    string
	host    *host
	service *service
}

func (s *subject) isNode() bool { return s.host != nil && s.host.kind == "node" }

func (s *subject) isGuest() bool { return s.host != nil && s.host.kind != "node" }

// A mention is a subject named in a text.
type mention struct {
	*subject
	start, end int // bytes in the text
	weak       bool
	fqdn       bool
	vmid       bool // named by its number alone
}

// names finds subjects in text, whatever way their name is written: with dashes,
// underscores or blanks, in any case, with a domain behind it.
type names struct {
	byKey   map[string]*subject
	byVMID  map[int64]*subject
	domains map[string]bool
	most    int // words in the longest name
}

// commonWords are names of guests that stand in prose without naming one.
const commonWords = " web db app apps cache dns proxy mail media test dev docker backup backups server storage nas git data home lab node host vm lxc ct cloud files file photos music " +
	"monitor monitoring log logs router gateway firewall switch build runner worker master control main prod staging database auth vault search queue wiki docs blog chat print printer cluster pve " +
	"network internal external public private local admin user template base "

func newNames(t *Truth) *names {
	n := &names{byKey: map[string]*subject{}, byVMID: map[int64]*subject{}, domains: t.domains}
	taken := map[string]bool{}
	for _, h := range t.hosts {
		s := &subject{key: normal(h.name), name: h.name, host: h}
		if h.kind != "node" && h.vmid > 0 {
			if _, twice := n.byVMID[h.vmid]; twice {
				n.byVMID[h.vmid] = nil
			} else {
				n.byVMID[h.vmid] = s
			}
		}
		n.add(s, taken)
		if first, _, ok := strings.Cut(h.name, "."); ok {
			n.byAlias(normal(first), s)
		}
		if i := strings.IndexByte(h.address, '.'); i > 0 {
			n.byAlias(normal(h.address[i+1:]), s)
		}
	}
	for _, v := range t.services {
		if old := n.byKey[normal(v.name)]; old != nil {
			old.service = v
			continue
		}
		n.add(&subject{key: normal(v.name), name: v.name, service: v}, taken)
	}
	return n
}

// add makes a subject known. A name that two subjects have names neither.
func (n *names) add(s *subject, taken map[string]bool) {
	if len(s.key) < 2 {
		return
	}
	if taken[s.key] {
		delete(n.byKey, s.key)
		return
	}
	taken[s.key] = true
	n.byKey[s.key] = s
	n.most = max(n.most, len(strings.FieldsFunc(s.name, func(r rune) bool { return r == '-' || r == '_' || r == ' ' || r == '.' })))
}

func (n *names) byAlias(key string, s *subject) {
	if len(key) >= 2 && n.byKey[key] == nil {
		n.byKey[key] = s
	}
}

// roleNames are what many hosts can be, one in each network: they name none.
const roleNames = " gateway gw dns dhcp vip server servers host hosts client clients guest node vm lxc container network default total none all any example other broadcast main primary secondary reserved free " +
	"unused router manager management internal external public private local localhost web db app test dev prod staging "

// discover makes a name known that documents use for something unobserved.
func (n *names) discover(name string) *subject {
	name = strings.ToLower(strings.TrimSpace(name))
	if first, rest, ok := strings.Cut(name, "."); ok && n.isDomain(rest) {
		name = first
	}
	key := normal(name)
	if len(key) < 3 || strings.Trim(key, "0123456789") == "" || strings.Contains(roleNames, " "+name+" ") || deviceName.MatchString(name) {
		return nil
	}
	if s := n.byKey[key]; s != nil {
		return s
	}
	s := &subject{key: key, name: name}
	n.byKey[key] = s
	n.most = max(n.most, len(strings.FieldsFunc(name, func(r rune) bool { return r == '-' || r == '_' || r == ' ' })))
	return s
}

// normal brings the ways of writing a name together.
func normal(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r > 127:
			return r
		}
		return -1
	}, name)
}

var (
	wordPattern = regexp.MustCompile(`[A-Za-z0-9\x{80}-\x{10ffff}](?:[A-Za-z0-9._\x{80}-\x{10ffff}-]*[A-Za-z0-9\x{80}-\x{10ffff}])?`)
	domainEnd   = regexp.MustCompile(`^(?:[a-z0-9-]+\.)*(?:local|lan|home|internal|localdomain|arpa|net|org|com|io|dev|de|eu|me|cloud|example|test|lab|intra|corp|private|xyz|house)$`)
	idWords     = regexp.MustCompile(`(?i)\b(?:VM|CT|LXC|QEMU|VMID|CTID|KVM)[ _#:-]{0,2}(\d{3,9})\b`)
	deviceName  = regexp.MustCompile(`^(?:net|eth|ens|enp|vmbr|bond|vlan|scsi|virtio|sata|ide|mp|ipconfig|port|lan|wan)\d*[a-z0-9]*$`)
	suffixes    = []string{"ipaddress", "ipaddr", "address", "addr", "ip", "hostname", "host", "server", "vmid", "lxc", "vm", "ct"}
)

func (n *names) isDomain(s string) bool {
	s = strings.ToLower(s)
	return n.domains[s] || domainEnd.MatchString(s)
}

// find returns the mentions in a text, in order and without overlap.
func (n *names) find(text string) []mention {
	var out []mention
	words := wordPattern.FindAllStringIndex(text, -1)
	for i := 0; i < len(words); i++ {
		m, used := n.at(text, words[i:])
		if m.subject != nil && !inPath(text, m.start, m.end) {
			out = append(out, m)
			i += used - 1
		}
	}
	return out
}

// inPath reports a part of a path or an image reference: /dev/sda, gitlab/gitlab-ce.
func inPath(text string, start, end int) bool {
	return start > 0 && text[start-1] == '/' || end+1 < len(text) && text[end] == '/' && text[end+1] != ' '
}

// at looks for the longest name that begins with the first of the words.
func (n *names) at(text string, words [][]int) (mention, int) {
	start := words[0][0]
	for k := min(n.most, len(words)); k >= 1; k-- {
		end := words[k-1][1]
		if end-start > 64 || k > 1 && !joined(text, words[:k]) {
			continue
		}
		if s := n.byKey[normal(text[start:end])]; s != nil && len(s.key) > 1 {
			return mention{subject: s, start: start, end: end, weak: weak(text, start, end)}, k
		}
	}
	word := text[start:words[0][1]]
	if first, rest, ok := strings.Cut(word, "."); ok && n.isDomain(rest) {
		if s := n.byKey[normal(first)]; s != nil {
			return mention{subject: s, start: start, end: words[0][1], fqdn: true}, 1
		}
	}
	return mention{}, 0
}

// bySuffix finds the subject of an identifier such as GITLAB_IP or gitlab_host.
func (n *names) bySuffix(identifier string) *subject {
	key := normal(identifier)
	if s := n.byKey[key]; s != nil {
		return s
	}
	for _, suffix := range suffixes {
		if base, ok := strings.CutSuffix(key, suffix); ok && len(base) > 2 {
			if s := n.byKey[base]; s != nil {
				return s
			}
		}
	}
	return nil
}

// joined reports whether words stand apart by one blank or underscore each.
func joined(text string, words [][]int) bool {
	for i := 1; i < len(words); i++ {
		if gap := text[words[i-1][1]:words[i][0]]; gap != " " && gap != "_" && gap != "-" {
			return false
		}
	}
	return true
}

// weak reports a name that may be a common word where it stands: nothing marks it
// as a name.
func weak(text string, start, end int) bool {
	word := strings.ToLower(text[start:end])
	if len(word) > 3 && !strings.Contains(commonWords, " "+word+" ") {
		return false
	}
	marked := start > 0 && strings.ContainsRune("`*_\"'[", rune(text[start-1])) && end < len(text) && strings.ContainsRune("`*_\"']", rune(text[end]))
	return !marked
}
