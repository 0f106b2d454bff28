package factcheck

import (
	"maps"
	"path"
	"regexp"
	"strings"

	"recon/inventory/factcheck/source"
)

// A subject is what a statement may be about: something observed, or a machine that
// an inventory source names.
type subject struct {
	key       string // normalised name
	name      string
	host      *host
	service   *service
	node      bool
	ambiguous bool // one inventory lists two machines of this name
}

func (s *subject) isNode() bool { return s.node || s.host != nil && s.host.kind == "node" }

// A roster finds subjects by their names, in whatever way they are written: with
// dashes, underscores or blanks, in any case, with a domain behind them.
type roster struct {
	byKey  map[string]*subject
	byVMID map[string]*subject          // observed ones
	most   int                          // words in the longest name
	env    map[string]map[string]string // numbers of environment files, by folder
}

func newRoster(t *Truth, pages []*source.Page) *roster {
	r := &roster{byKey: map[string]*subject{}, byVMID: map[string]*subject{}}
	r.observed(t)
	for _, p := range pages {
		if p.Past {
			continue
		}
		for i := range p.Entries {
			r.inventoried(&p.Entries[i])
		}
	}
	r.doubles(pages)
	r.environments(pages)
	return r
}

// environments takes up the variables of .env, and where there is none, of
// .env.example.
func (r *roster) environments(pages []*source.Page) {
	r.env = map[string]map[string]string{}
	for _, suffix := range []string{".example", ".sample", ".env"} {
		for _, p := range pages {
			base := path.Base(p.Path)
			if !strings.HasPrefix(base, ".env") || !strings.HasSuffix(base, suffix) {
				continue
			}
			dir := path.Dir(p.Path)
			if r.env[dir] == nil {
				r.env[dir] = map[string]string{}
			}
			maps.Copy(r.env[dir], p.Numbers)
		}
	}
}

// variable is the number that a compose file in a folder gets for a variable.
func (r *roster) variable(dir, name string) string {
	for {
		if n, ok := r.env[dir][name]; ok {
			return n
		}
		if dir == "." || dir == "/" {
			return ""
		}
		dir = path.Dir(dir)
	}
}

// observed takes up what was observed. A name that two things have names neither.
func (r *roster) observed(t *Truth) {
	taken := map[string]bool{}
	add := func(s *subject) {
		if taken[s.key] {
			delete(r.byKey, s.key)
			return
		}
		taken[s.key] = true
		r.put(s)
	}
	for _, h := range t.hosts {
		s := &subject{key: normal(h.name), name: h.name, host: h, node: h.kind == "node"}
		add(s)
		if h.vmid > 0 {
			if _, twice := r.byVMID[idOf(h)]; twice {
				s = nil // two clusters: the number alone names nobody
			}
			r.byVMID[idOf(h)] = s
		}
		if s == nil {
			continue
		}
		for _, alias := range h.aliases {
			if key := normal(alias); r.byKey[key] == nil && len(key) > 1 {
				r.byKey[key] = s
				r.most = max(r.most, wordsIn(alias))
			}
		}
	}
	for _, v := range t.services {
		if old := r.byKey[normal(v.name)]; old != nil {
			old.service = v
			continue
		}
		add(&subject{key: normal(v.name), name: v.name, service: v})
	}
}

func (r *roster) put(s *subject) {
	if len(s.key) < 2 {
		return
	}
	r.byKey[s.key] = s
	r.most = max(r.most, wordsIn(s.name))
}

func wordsIn(name string) int {
	return len(strings.FieldsFunc(name, func(c rune) bool { return strings.ContainsRune("-_ .", c) }))
}

// inventoried takes up the machine that an inventory source names, and the node
// that it says the machine is on.
func (r *roster) inventoried(e *source.Entry) {
	if !e.Machine || e.Past || notAName(e.Name.Norm) {
		return
	}
	s := r.lookup(e.Name.Norm)
	if s == nil {
		name := firstLabel(e.Name.Norm)
		s = &subject{key: normal(name), name: name, node: e.IsNode || nodeShape.MatchString(name)}
		r.put(s)
	}
	if _, numbered := e.Get(source.VMID); !numbered && e.Form != source.Block {
		return
	}
	for _, v := range e.All(source.Node) {
		if !notAName(v.Norm) && r.lookup(v.Norm) == nil {
			r.put(&subject{key: normal(v.Norm), name: v.Norm, node: true})
		} else if n := r.lookup(v.Norm); n != nil && n.host == nil {
			n.node = true
		}
	}
}

// doubles marks the names that one table, or one file, gives to two machines: what such a
// name says, it says of several.
func (r *roster) doubles(pages []*source.Page) {
	for _, p := range pages {
		said := map[string]map[string]bool{} // by table and name
		for i := range p.Entries {
			e := &p.Entries[i]
			s := r.lookup(e.Name.Norm)
			if s == nil || !e.Machine || s.host != nil {
				continue
			}
			row := identity(e)
			if row == "" {
				continue
			}
			key := string(rune(e.Table+1)) + s.key
			if said[key] == nil {
				said[key] = map[string]bool{}
			}
			said[key][row] = true
			s.ambiguous = s.ambiguous || len(said[key]) > 1
		}
	}
}

// identity is what tells a machine from others of its name: of a row all that it says, of a
// part of a file its address.
func identity(e *source.Entry) string {
	var out []string
	for _, v := range e.Values {
		if e.Form == source.Row || e.Form == source.Block && v.Role == source.Address {
			out = append(out, v.Norm)
		}
	}
	return strings.Join(out, " ")
}

// lookup finds a subject by its whole name.
func (r *roster) lookup(name string) *subject {
	if s := r.byKey[normal(name)]; s != nil {
		return s
	}
	if first := firstLabel(name); first != name {
		return r.byKey[normal(first)]
	}
	return nil
}

func startsWithDigit(s string) bool { return s == "" || s[0] >= '0' && s[0] <= '9' }

// firstLabel cuts a domain off; what begins with a digit is a version.
func firstLabel(name string) string {
	first, rest, ok := strings.Cut(name, ".")
	if ok && len(first) > 1 && !startsWithDigit(rest) && !strings.Contains(name, " ") {
		return first
	}
	return name
}

// normal brings the ways of writing a name together.
func normal(name string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c >= 'A' && c <= 'Z':
			return c + 'a' - 'A'
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c > 127:
			return c
		}
		return -1
	}, name)
}

// nobodys are names that name no machine: what many can be, products, placeholders.
var nobodys = func() map[string]bool {
	out := map[string]bool{}
	for _, name := range strings.Fields(genericNames + products + placeholders) {
		out[name] = true
	}
	return out
}()

const (
	genericNames = " gateway gw dns dhcp vip server servers host hosts client clients guest guests node nodes vm vms lxc lxcs container containers network networks default total none all any other broadcast main " +
		"primary secondary primaire secondaire primario secundario primaria secundaria standby replica reserved free unused router manager management internal external public private local localhost machine device devices internet wan lan subnet range pool yes no true false n a na tbd dynamic auto null nil unknown unnamed ethernet wifi wireless wlan wired bridge loopback uplink bluetooth "
	products     = " proxmox proxmoxve pve pvecluster docker terraform ansible kubernetes k8s k3s linux debian ubuntu alpine windows tailscale cloudflare proxmoxhost proxmoxnode dockerhost dockerserver proxmoxserver opentofu "
	placeholders = " example foo bar baz myservice myserver myhost myvm mycontainer myapp servicename hostname vmname containername newvm newservice yourserver yourhost test testvm demo sample name ctname template "
)

var (
	deviceName = regexp.MustCompile(`^(?:net|eth|ens|enp|vmbr|bond|vlan|scsi|virtio|sata|ide|mp|ipconfig|port|wlan|vm|ct|lxc|node|group|br|tap|veth|eno|id)\d*[a-z0-9]{0,3}$`)
	nodeNumber = regexp.MustCompile(`^node\d+$`)
	// portLabel is what people write at a switch: "Port 1 nas", "Port 7".
	portLabel = regexp.MustCompile(`(?i)^port[ _-]?\d`)
)

func notAName(name string) bool {
	key := normal(name)
	if len(key) < 2 || strings.Trim(key, "0123456789") == "" || strings.Contains(key, "example") || strings.Contains(key, "placeholder") {
		return true
	}
	if i := strings.IndexAny(name, "-_ "); i > 0 && strings.Contains(" your my sample new ", " "+strings.ToLower(name[:i])+" ") {
		return true
	}
	if nobodys[key] || portLabel.MatchString(name) {
		return true
	}
	return len(key) < 12 && deviceName.MatchString(key) && !nodeNumber.MatchString(key)
}

// A mention is a subject named in a text.
type mention struct {
	*subject
	start, end int
	marked     bool // as code or bold: it is meant as a name
}

var wordPattern = regexp.MustCompile(`[A-Za-z0-9\x{80}-\x{10ffff}](?:[A-Za-z0-9._\x{80}-\x{10ffff}-]*[A-Za-z0-9\x{80}-\x{10ffff}])?`)

// find returns the mentions in a text, in order and without overlap.
func (r *roster) find(text string) (out []mention) {
	words := wordPattern.FindAllStringIndex(text, -1)
	for i := 0; i < len(words); i++ {
		m, used := r.at(text, words[i:])
		if m.subject != nil && !inPath(text, m.start, m.end) {
			out = append(out, m)
			i += used - 1
		}
	}
	return out
}

// inPath reports a part of a path or an image reference: /dev/sda, gitlab/gitlab-ce.
func inPath(text string, start, end int) bool {
	return start > 0 && (text[start-1] == '/' || text[start-1] == '@') || end+1 < len(text) && (text[end] == '/' || text[end] == '@') && text[end+1] != ' '
}

// at looks for the longest name that begins with the first of the words.
func (r *roster) at(text string, words [][]int) (mention, int) {
	start := words[0][0]
	for k := min(r.most, len(words), 5); k >= 1; k-- {
		end := words[k-1][1]
		if end-start > 64 || k > 1 && !joined(text, words[:k]) {
			continue
		}
		if s := r.byKey[normal(text[start:end])]; s != nil {
			return mention{s, start, end, isMarked(text, start, end)}, k
		}
	}
	word := text[start:words[0][1]]
	if first := firstLabel(word); first != word {
		if s := r.byKey[normal(first)]; s != nil {
			return mention{s, start, words[0][1], isMarked(text, start, words[0][1])}, 1
		}
	}
	return mention{}, 1
}

// joined reports whether words stand apart by one mark or blank each.
func joined(text string, words [][]int) bool {
	for i := 1; i < len(words); i++ {
		if gap := text[words[i-1][1]:words[i][0]]; gap != " " && gap != "_" && gap != "-" {
			return false
		}
	}
	return true
}

func isMarked(text string, start, end int) bool {
	return start > 0 && strings.ContainsRune("`*_\"'", rune(text[start-1])) && end < len(text) && strings.ContainsRune("`*_\"'", rune(text[end]))
}

// commonWords are names of machines that stand in prose without naming one.
const commonWords = " web db app apps cache dns proxy mail media test dev docker backup backups server storage nas git data home lab node host vm lxc ct cloud files file photos music " +
	"monitor monitoring log logs router gateway firewall switch build runner worker master control main prod staging database auth vault search queue wiki docs blog chat print printer cluster pve " +
	"network internal external public private local admin user template base services service automation dashboard desktop laptop games game "

// common reports a name that may be a word of the sentence.
func (m *mention) common() bool {
	return !m.marked && (len(m.key) <= 3 || strings.Contains(commonWords, " "+m.key+" "))
}
