package factcheck

import (
	"math"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"recon/inventory/factcheck/source"
)

// A court hears all statements and holds them against the truth, or where nothing
// was observed against each other.
type court struct {
	truth  *Truth
	roster *roster

	order     []string
	groups    map[string][]*statement
	numbers   map[string][]*statement // by vmid
	addresses map[string][]*statement // by address
	strangers map[string][]*statement // by address, of whom no name tells who they are
}

// hear takes up a statement.
func (c *court) hear(s *statement) {
	if c.groups == nil {
		c.groups, c.numbers = map[string][]*statement{}, map[string][]*statement{}
		c.addresses, c.strangers = map[string][]*statement{}, map[string][]*statement{}
	}
	switch {
	case s.Role == source.VMID:
		c.numbers[s.Norm] = append(c.numbers[s.Norm], s)
	case s.Role == source.Address && s.subj != nil:
		c.addresses[s.Norm] = append(c.addresses[s.Norm], s)
	case s.Role == source.Address && s.about == "":
		c.strangers[s.Norm] = append(c.strangers[s.Norm], s)
	}
	if s.subj == nil && s.about == "" || s.subj != nil && s.subj.ambiguous {
		return
	}
	key := s.groupKey()
	if c.groups[key] == nil {
		c.order = append(c.order, key)
	}
	c.groups[key] = append(c.groups[key], s)
}

// groupKey joins the statements that can contradict each other.
func (s *statement) groupKey() string {
	label := ""
	if s.Role == source.Address && s.Label != "computed" {
		label = s.Label
	}
	if s.subj != nil {
		return s.kind() + "\x00" + label + "\x00" + s.subj.key
	}
	return s.kind() + "\x00\x00\x00" + s.about
}

func (c *court) findings() (out []Finding) {
	for _, key := range c.order {
		group := c.groups[key]
		wrong, judged := c.observed(group)
		out = append(out, wrong...)
		if judged {
			continue
		}
		switch group[0].Role {
		case source.Port:
			out = append(out, ports(group)...)
		case source.URL:
			out = append(out, c.urls(group)...)
		case source.Role(KindContainerHost):
			if len(contradictThemselves(valueSets(group))) == 0 { // else it runs on several
				out = append(out, against(group)...)
			}
		case source.Kind:
			out = append(out, against(explicit(group))...)
		case source.VMID:
			if !knowsBoth(group) {
				out = append(out, against(group)...)
			}
		case source.MAC:
			for _, card := range byCard(group) {
				out = append(out, against(card)...)
			}
		case source.Address, source.Gateway:
			for _, net := range byNetwork(c.own(group)) {
				out = append(out, against(net)...)
			}
		default:
			out = append(out, against(group)...)
		}
	}
	out = append(out, c.numbersTwice()...)
	out = append(out, c.addressesTwice()...)
	return append(c.ofOneHome(out), c.gone()...)
}

// observed holds a group against what was observed, and reports whether it could.
// What is wrong in the same way is one finding.
func (c *court) observed(group []*statement) (out []Finding, judged bool) {
	byTruth := map[string]int{}
	var right []Place
	for _, s := range group {
		v := c.truth.judge(s)
		if v.truth == "" {
			continue
		}
		judged = true
		if !v.wrong {
			right = append(right, s.place())
			continue
		}
		i, known := byTruth[v.truth]
		if !known {
			i = len(out)
			byTruth[v.truth] = i
			truth := v.truth
			out = append(out, Finding{Class: ClassObserved, Kind: s.kind(), Subject: s.subject(v), Truth: &truth, Source: v.source, AsOf: stampOf(v.at)})
		}
		p := s.place()
		if v.only && !s.page.ReadOnly && s.Label != "heading" && s.Label != "computed" && s.Text != v.truth {
			p.Fix = v.truth
		}
		out[i].Wrong = append(out[i].Wrong, p)
	}
	for i := range out {
		sortPlaces(out[i].Wrong)
		out[i].Wrong = onePerLine(out[i].Wrong)
		out[i].Others = right[:min(len(right), 3)]
	}
	return out, judged
}

func stampOf(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// place is where a statement stands.
func (s *statement) place() Place {
	line, column := s.page.Position(s.Off)
	claim := s.Text
	switch {
	case s.Label == "computed" || s.Label == "variable" || claim == "":
		claim = s.Norm
	case s.Label == "heading":
		claim = showKind(s.Norm)
	case s.Unit != "":
		claim += " " + s.Unit
	}
	return Place{File: s.page.Path, Line: line, Column: column, Claim: claim, Token: s.Text, Offset: s.Off}
}

func showKind(norm string) string {
	if norm == "lxc" || norm == "vm" {
		return strings.ToUpper(norm)
	}
	return norm
}

func (s *statement) subject(v verdict) string {
	switch {
	case s.subj != nil:
		return s.subj.name
	case s.kind() == KindContainerHost:
		return s.name
	case v.about != "":
		return v.about
	case s.Role == source.Count && !strings.Contains(s.about, " below "):
		return s.about + "s"
	}
	return s.about
}

// own leaves out the addresses that three or more names share: they are routes to
// a proxy, not addresses of anybody.
func (c *court) own(group []*statement) []*statement {
	return slices.DeleteFunc(slices.Clone(group), func(s *statement) bool { return s.Role == source.Address && c.shared(s.Norm) })
}

func (c *court) shared(address string) bool {
	names := map[string]bool{}
	for _, s := range c.addresses[address] {
		if !s.subj.ambiguous {
			names[s.subj.key] = true
		}
	}
	for _, s := range c.strangers[address] {
		names[normal(s.name)] = true
	}
	return len(names) >= 3
}

// Addresses under these labels are each one of a kind, wherever they lie.
const singleLabels = " tailscale wireguard zerotier nebula netbird ipmi bmc idrac ilo public vpn "

// byNetwork parts addresses: a machine may have one in each network.
func byNetwork(group []*statement) (out [][]*statement) {
	index := map[string]int{}
	for _, s := range group {
		key := networkOf(s.Value)
		if key == "" {
			continue
		}
		if strings.Contains(singleLabels, " "+s.Label+" ") && s.Label != "" {
			key = "single"
		}
		if _, known := index[key]; !known {
			index[key] = len(out)
			out = append(out, nil)
		}
		out[index[key]] = append(out[index[key]], s)
	}
	return out
}

// networkOf is the network of an address, as far as nobody says otherwise.
func networkOf(v source.Value) string {
	ip, err := netip.ParseAddr(v.Norm)
	if err != nil {
		return ""
	}
	bits := 24
	if ip.Is6() {
		bits = 64
	}
	p, _ := ip.Prefix(bits)
	return p.String()
}

// byCard parts MAC addresses by the network in which their entries have an address: a
// machine has a card in each.
func byCard(group []*statement) (out [][]*statement) {
	index := map[string]int{}
	for _, s := range group {
		key := ""
		if v, ok := s.entry.Get(source.Address); ok {
			key = networkOf(v)
		}
		if _, known := index[key]; !known {
			index[key] = len(out)
			out = append(out, nil)
		}
		out[index[key]] = append(out[index[key]], s)
	}
	return out
}

// against holds statements against each other.
func against(group []*statement) []Finding {
	sets := valueSets(group)
	if len(sets) < 2 {
		return nil
	}
	f := Finding{Class: ClassBetween, Kind: group[0].kind(), Subject: group[0].subject(verdict{}), Source: "other documents"}
	right := decide(sets, &f)
	for i, set := range sets {
		for _, s := range set {
			if i == right {
				f.Others = append(f.Others, s.place())
			} else {
				f.Wrong = append(f.Wrong, s.place())
			}
		}
	}
	sortPlaces(f.Wrong)
	sortPlaces(f.Others)
	f.Wrong, f.Others = onePerLine(f.Wrong), onePerLine(f.Others)
	return []Finding{f}
}

// onePerLine drops what the same line says again.
func onePerLine(list []Place) []Place {
	return slices.CompactFunc(list, func(a, b Place) bool { return a.File == b.File && a.Line == b.Line && a.Claim == b.Claim })
}

// valueSets parts statements into those that agree. What one entry says together
// does not contradict itself: a machine with two addresses has both.
func valueSets(group []*statement) (sets [][]*statement) {
	for _, s := range group {
		found := -1
		for i := 0; i < len(sets); i++ {
			if !slices.ContainsFunc(sets[i], func(o *statement) bool { return agree(s, o) }) {
				continue
			}
			if found < 0 {
				sets[i] = append(sets[i], s)
				found = i
				continue
			}
			sets[found] = append(sets[found], sets[i]...)
			sets = slices.Delete(sets, i, i+1)
			i--
		}
		if found < 0 {
			sets = append(sets, []*statement{s})
		}
	}
	return sets
}

// agree reports two statements that can both be true.
func agree(a, b *statement) bool {
	if a.Norm == b.Norm || a.entry != nil && a.entry == b.entry && a.Role != source.Node {
		return true
	}
	switch a.Role {
	case source.Memory, source.Disk:
		return nearly(a.Norm, b.Norm)
	case source.Version:
		return samePrefix(a.Norm, b.Norm) || samePrefix(b.Norm, a.Norm)
	case source.Node:
		return normal(a.Norm) == normal(b.Norm) || numbered(a.Norm, b.Norm) || numbered(b.Norm, a.Norm)
	case source.Role(KindContainerHost):
		x, y := vmOrLXC.FindString(strings.ToLower(a.Norm)), vmOrLXC.FindString(strings.ToLower(b.Norm))
		return mayBeOne(a.Norm, b.Norm) && (x == y || x == "" || y == "")
	}
	return false
}

// vmOrLXC is what a name says of its machine's kind.
var vmOrLXC = regexp.MustCompile(`\b(?:vm|lxc|ct)`)

// numbered reports a name that is another with a number behind it: docker and
// docker-01 are most often one machine.
func numbered(long, short string) bool {
	rest, ok := strings.CutPrefix(normal(long), normal(short))
	return ok && isDigits(rest)
}

// nearly compares sizes: binary and decimal units are not told apart, since people
// do not.
func nearly(a, b string) bool {
	x, _ := strconv.ParseFloat(a, 64)
	y, _ := strconv.ParseFloat(b, 64)
	return x > 0 && y > 0 && math.Abs(x-y)/math.Max(x, y) < 0.08
}

// decide says which of the sets is true, -1 when nothing does: two inventory
// sources that agree while no other says otherwise, or dates that stand in the
// documents. A page that contradicts itself is no witness.
func decide(sets [][]*statement, f *Finding) int {
	selfish := contradictThemselves(sets)
	if len(sets) != 2 {
		return -1
	}
	for i, set := range sets {
		witnesses := map[string]bool{}
		for _, s := range set {
			if s.inventory && !selfish[s.page] && s.Label != "heading" {
				witnesses[s.words()] = true
			}
		}
		if len(witnesses) >= 2 && !slices.ContainsFunc(sets[1-i], (*statement).structured) {
			f.setTruth(set[0], "inventories that agree", time.Time{})
			return i
		}
	}
	a, b := newest(sets[0]), newest(sets[1])
	switch {
	case a == nil || b == nil || a.Date.Equal(b.Date):
		return -1
	case a.Date.After(b.Date):
		f.setTruth(sets[0][0], "documented in "+a.Path, a.Date)
		return 0
	default:
		f.setTruth(sets[1][0], "documented in "+b.Path, b.Date)
		return 1
	}
}

// words are the line on which a statement stands: who copies a page says nothing new.
func (s *statement) words() string { return strings.TrimSpace(s.page.LineAt(s.Off)) }

// structured reports that an inventory says it, or a file that programs read: then
// it is no slip of a pen.
func (s *statement) structured() bool {
	return s.inventory || s.entry != nil && (s.entry.Form == source.Block || s.entry.Form == source.Listing)
}

func (f *Finding) setTruth(s *statement, from string, at time.Time) {
	truth := s.place().Claim
	f.Truth, f.Source, f.AsOf = &truth, from, stampOf(at)
}

// contradictThemselves finds the pages that stand on two sides.
func contradictThemselves(sets [][]*statement) map[*source.Page]bool {
	side, out := map[*source.Page]int{}, map[*source.Page]bool{}
	for i, set := range sets {
		for _, s := range set {
			if at, seen := side[s.page]; seen && at != i {
				out[s.page] = true
			}
			side[s.page] = i
		}
	}
	return out
}

// explicit leaves out kinds that a heading gives where its page gives one by name: of all
// guests people say VMs.
func explicit(group []*statement) []*statement {
	said := map[*source.Page]bool{}
	for _, s := range group {
		said[s.page] = said[s.page] || s.Label != "heading"
	}
	return slices.DeleteFunc(slices.Clone(group), func(s *statement) bool { return s.Label == "heading" && said[s.page] })
}

// knowsBoth reports a page of which prose gives another value than the rest: its author
// writes about the two.
func knowsBoth(group []*statement) bool {
	pages := contradictThemselves(valueSets(group))
	return slices.ContainsFunc(group, func(s *statement) bool { return s.entry == nil && pages[s.page] })
}

// newest is the best-dated page of a side; nil when one of them has no date.
func newest(set []*statement) (best *source.Page) {
	for _, s := range set {
		if s.page.Date.IsZero() {
			return nil
		}
		if best == nil || s.page.Date.After(best.Date) {
			best = s.page
		}
	}
	return best
}
