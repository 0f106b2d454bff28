package factcheck

import (
	"net/netip"
	"path"
	"regexp"
	"strings"

	"recon/inventory/factcheck/source"
)

// A statement is one value of one role, said of one subject.
type statement struct {
	source.Value
	page      *source.Page
	entry     *source.Entry // nil in prose
	subj      *subject      // nil when it is about the home, a network, or a name that is not on the roster
	about     string        // what it is about where that is no subject
	name      string        // the name that the place gives
	nameOff   int           // where it stands
	node      string        // where the place says that the subject runs
	inventory bool          // said by an inventory source
	runs      bool          // the name may be that of what runs there
}

// kind is the kind of finding that the statement can become.
func (s *statement) kind() string { return string(s.Role) }

// A reader finds the statements of a page.
type reader struct {
	*roster
	page *source.Page
	out  []statement
}

// longestLine is the longest in which something is looked for: longer ones are no prose.
const longestLine = 2000

func statementsOf(r *roster, p *source.Page) []statement {
	if p.Past {
		return nil
	}
	x := &reader{roster: r, page: p}
	for i := range p.Entries {
		if e := &p.Entries[i]; !e.Past {
			x.entry(e)
		}
	}
	for i := range p.Lines {
		if l := &p.Lines[i]; !l.Past && len(l.Text) <= longestLine {
			x.line(l)
		}
	}
	x.tables()
	return x.out
}

func (x *reader) say(s statement) {
	s.page = x.page
	if s.Off < 0 || x.page.Ignored(s.Off) {
		return
	}
	x.out = append(x.out, s)
}

// entry takes what an entry says of the thing that it names.
func (x *reader) entry(e *source.Entry) {
	if _, network := e.Get(source.Subnet); network {
		x.network(e)
		return
	}
	if e.Service {
		x.service(e)
		return
	}
	if e.Count > 0 && e.Form == source.Block {
		x.numbered(e)
		return
	}
	if e.Home {
		x.home(e)
		return
	}
	name, subj := e.Name, x.subjectOf(e)
	if subj == nil {
		switch {
		case name.Text == "" && e.Form == source.Properties:
			x.home(e)
		case name.Text == "" || name.Text == "?":
		case notAName(name.Norm):
			x.stranger(e)
		default:
			x.numberOnly(e)
		}
		return
	}
	if subj.ambiguous { // two machines of one name, but an address has one owner
		if v, ok := e.Get(source.Address); ok {
			x.say(statement{Value: v, entry: e, subj: subj, name: name.Norm, nameOff: name.Off, inventory: e.Machine})
		}
		return
	}
	if name.Text == "" || name.Off < 0 {
		name = source.Value{Norm: subj.name, Off: -1}
	}
	x.values(e, subj, name)
}

// values says each value of an entry of its subject.
func (x *reader) values(e *source.Entry, subj *subject, name source.Value) {
	_, several := e.Get(source.Sockets)
	on, _ := e.Get(source.Node)
	node := on.Norm
	for _, v := range e.Values {
		switch v.Role {
		case source.Node:
			n := x.nodeNamed(v.Norm)
			if n == nil || subj.isNode() {
				continue
			}
			v.Norm = n.name
		case source.Cores:
			if several {
				continue
			}
		case source.Disk:
			if len(e.All(source.Disk)) > 1 {
				continue
			}
		case source.Address, source.VMID, source.Kind, source.Memory, source.MAC, source.VLAN, source.Gateway, source.DNS, source.URL:
		case source.Version:
			x.say(statement{Value: v, about: "Proxmox VE", entry: e})
			continue
		default:
			continue
		}
		x.say(statement{Value: v, entry: e, subj: subj, name: name.Norm, nameOff: name.Off, node: node, inventory: e.Machine})
	}
	if node == "" && !subj.isNode() {
		x.headingNode(e, subj, name.Norm)
	}
}

// headingNode takes the one node that a heading above a table of guests names.
func (x *reader) headingNode(e *source.Entry, subj *subject, name string) {
	if _, numbered := e.Get(source.VMID); e.Form != source.Row || !numbered {
		return
	}
	for i := len(e.Heads) - 1; i >= 0; i-- {
		var nodes []*subject
		for _, m := range x.find(e.Heads[i]) {
			if m.isNode() {
				nodes = append(nodes, m.subject)
			}
		}
		if len(nodes) == 1 {
			v := source.Value{Role: source.Node, Label: "heading", Text: e.Name.Text, Norm: nodes[0].name, Off: e.Name.Off}
			x.say(statement{Value: v, entry: e, subj: subj, name: name, node: nodes[0].name, inventory: e.Machine})
			return
		}
		if len(nodes) > 1 {
			return
		}
	}
}

func (x *reader) nodeNamed(name string) *subject {
	if s := x.lookup(name); s != nil && s.isNode() {
		return s
	}
	return nil
}

// numberOnly takes the name that a place gives to a number, where the name is not
// on the roster: the number may have another.
func (x *reader) numberOnly(e *source.Entry) {
	v, ok := e.Get(source.VMID)
	if !ok || e.Form == source.Drawing || e.Form == source.Properties {
		return
	}
	on, _ := e.Get(source.Node)
	x.say(statement{Value: v, entry: e, name: e.Name.Norm, nameOff: e.Name.Off, node: on.Norm, inventory: e.Machine})
}

// stranger takes the addresses of what an inventory lists under a name that names nobody
// by itself: who else is listed with one of them is reached through it.
func (x *reader) stranger(e *source.Entry) {
	for _, v := range e.All(source.Address) {
		if e.Machine || e.Form == source.Listing || e.Form == source.Block {
			x.say(statement{Value: v, entry: e, name: e.Name.Norm, nameOff: e.Name.Off})
		}
	}
}

var headingName = regexp.MustCompile(`(?i)^(?:[\W_]*)(?:(?:VM|CT|LXC|VMID|container|LXC container|virtual machine|host|node|server|guest|machine)[ #:]*(?:\d{3,9})?[\s:–—-]+)?(.*)$`)

// subjectOf finds whom an entry is about: whom it names, else whom the headings
// above it do, else whom the page does.
func (x *reader) subjectOf(e *source.Entry) *subject {
	if e.Name.Text != "" {
		if notAName(e.Name.Norm) {
			if s := x.lookup(e.Name.Norm); s != nil && s.host != nil {
				return s
			}
			return nil
		}
		return x.lookup(e.Name.Norm)
	}
	for i := len(e.Heads) - 1; i >= 0; i-- {
		if s := x.titled(e.Heads[i]); s != nil {
			return s
		}
		if !genericHeading(e.Heads[i]) && !(i == 0 && len(e.Heads) > 1) {
			return nil
		}
	}
	base := strings.TrimSuffix(path.Base(x.page.Path), path.Ext(x.page.Path))
	if lower := strings.ToLower(base); lower == "readme" || lower == "index" {
		base = path.Base(path.Dir(x.page.Path))
	}
	if notAName(base) {
		return nil
	}
	return x.lookup(base)
}

// emphasis is what makes a part of a title bold or code.
var emphasis = strings.NewReplacer("*", "", "`", "")

// titled finds the subject that a title consists of.
func (x *reader) titled(title string) *subject {
	m := headingName.FindStringSubmatch(emphasis.Replace(title))
	if m == nil {
		return nil
	}
	if name, _ := source.NameIn(m[1]); name != "" && !notAName(name) {
		return x.lookup(name)
	}
	return nil
}

// genericHeading reports a title that says what kind of values follow, not whose.
func genericHeading(title string) bool {
	words := wordPattern.FindAllString(strings.ToLower(title), -1)
	for _, w := range words {
		if !strings.Contains(genericTitleWords, " "+w+" ") && strings.Trim(w, "0123456789") != "" {
			return false
		}
	}
	return true
}

const genericTitleWords = " overview detail details network networking access configuration config container vm lxc ct specs specification specifications resource resources hardware general info information summary system quick " +
	"reference at a glance host deployment infrastructure the and of current basic proxmox settings setup guest machine server status connection properties identity facts technical environment "

// home takes settings that are said of nobody: those of the home.
func (x *reader) home(e *source.Entry) {
	if !ofHome(e.Section) {
		return
	}
	if len(e.Heads) > 0 && len(x.find(strings.Join(e.Heads, "\n"))) > 0 {
		return
	}
	for _, v := range e.Values {
		switch v.Role {
		case source.Address, source.VLAN, source.VMID, source.Kind:
			return // of some network or machine
		}
	}
	for _, v := range e.Values {
		if ip, err := netip.ParseAddr(v.Norm); v.Role == source.DNS && err == nil && ip.IsPrivate() {
			x.say(statement{Value: v, about: "the home", entry: e})
		}
	}
}

var homeTitle = regexp.MustCompile(`(?i)\b(?:home ?lab|home network|network|dns|infrastructure|cluster)\b`)

// network takes what is said of a subnet.
func (x *reader) network(e *source.Entry) {
	nets := e.All(source.Subnet)
	if len(nets) != 1 {
		return
	}
	for _, v := range e.Values {
		if v.Role == source.VLAN || v.Role == source.Gateway || v.Role == source.DNS {
			x.say(statement{Value: v, about: nets[0].Norm, entry: e})
		}
	}
}

// service takes the ports by which a service is said to be reached.
func (x *reader) service(e *source.Entry) {
	names := []string{e.Name.Norm}
	if e.Form == source.Compose {
		for _, v := range e.All(source.Name) {
			names = append(names, v.Norm)
		}
	}
	all, partial := e.All(source.Port), e.Partial
	for i := range all {
		if v := &all[i]; e.Form == source.Compose && v.Label != "" {
			if n := x.variable(path.Dir(x.page.Path), v.Label); n != "" {
				v.Norm = n
			}
			partial = partial || v.Norm == ""
			v.Label = "variable"
		}
	}
	for _, n := range names {
		if notAName(n) && e.Form != source.Compose {
			continue
		}
		if partial {
			x.say(statement{Value: source.Value{Role: source.Port, Off: e.Name.Off, Label: "unknown"}, about: normal(n), name: n, entry: e})
		}
		for _, v := range all {
			x.say(statement{Value: v, about: normal(n), name: n, entry: e})
		}
		for _, v := range e.All(source.URL) {
			x.urlPort(v.Text, v.Off, n, e)
		}
	}
	x.serviceHost(e)
	subj := x.lookup(e.Name.Norm)
	if subj == nil || subj.service == nil {
		return
	}
	for _, v := range e.Values {
		switch v.Role {
		case source.Host, source.Place, source.Node:
			if s := x.lookup(v.Norm); s != nil {
				v.Role, v.Norm = source.Role(KindContainerHost), s.name
				x.say(statement{Value: v, subj: subj, name: e.Name.Norm, entry: e})
			}
		case source.URL:
			x.say(statement{Value: v, subj: subj, name: e.Name.Norm, entry: e})
		}
	}
}

// serviceHost takes the machine on which a service is said to run.
func (x *reader) serviceHost(e *source.Entry) {
	if e.Form == source.Compose || notAName(e.Name.Norm) {
		return
	}
	for _, v := range e.Values {
		if v.Role != source.Host && v.Role != source.Place && v.Role != source.Node {
			continue
		}
		if s := x.lookup(v.Norm); s != nil && !s.ambiguous {
			v.Role, v.Norm = source.Role(KindContainerHost), s.name
			x.say(statement{Value: v, about: normal(e.Name.Norm), name: e.Name.Norm, entry: e})
		}
	}
}

var portOfURL = regexp.MustCompile(`https?://(?:(?:\d{1,3}\.){3}\d{1,3}|localhost):(\d{1,5})`)

// inURL labels a port by which a URL leads to a host.
const inURL = "url"

// urlPort takes the port of a URL that leads to a host by its address: behind a
// name, a proxy may stand.
func (x *reader) urlPort(text string, off int, name string, e *source.Entry) {
	if m := portOfURL.FindStringSubmatchIndex(text); m != nil {
		v := source.Value{Role: source.Port, Label: inURL, Text: text[m[2]:m[3]], Norm: text[m[2]:m[3]], Off: off + m[2]}
		x.say(statement{Value: v, about: normal(name), name: name, entry: e})
	}
}

// numbered takes a group of Terraform from which machines are made: the names end
// in numbers as some inventory source writes them, and the addresses follow each
// other. What no inventory source names so is nobody.
func (x *reader) numbered(e *source.Entry) {
	first, ok := e.Get(source.First)
	start, err := netip.ParseAddr(first.Norm)
	if !ok || err != nil || e.Count > 200 {
		return
	}
	for i := range e.Count {
		subj := x.instance(e.Name.Norm, i+1, e.Count)
		ip := start
		for range i {
			ip = ip.Next()
		}
		if subj == nil || subj.ambiguous {
			continue
		}
		one := *e
		one.Values = nil
		for _, v := range e.Values {
			switch v.Role {
			case source.First:
				v.Role, v.Norm = source.Address, ip.String()
				if i > 0 {
					v.Label = "computed"
				}
			case source.VMID:
				continue
			case source.Node:
				if e.Count > 1 {
					continue // they may be spread
				}
			}
			one.Values = append(one.Values, v)
		}
		x.values(&one, subj, source.Value{Norm: subj.name, Off: -1})
	}
}

// instance finds the n-th machine of a group.
func (x *reader) instance(group string, n, count int) *subject {
	digits := string(rune('0' + n%10))
	if n > 9 {
		digits = string(rune('0'+n/10%10)) + digits
	}
	for _, suffix := range []string{"0" + digits, digits, "00" + digits} {
		if s := x.byKey[normal(group)+suffix]; s != nil {
			return s
		}
	}
	if count == 1 {
		return x.lookup(group)
	}
	return nil
}
