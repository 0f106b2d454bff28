package factcheck

import (
	"net/netip"
	"regexp"
	"slices"
	"sort"
	"strings"

	"recon/inventory/factcheck/source"
)

// numbersTwice finds numbers that go with names of two machines.
func (c *court) numbersTwice() (out []Finding) {
	split, places := c.numbersByNode(), c.places()
	for _, id := range sortedKeys(c.numbers) {
		group := c.numbers[id]
		if c.roster.byVMID[id] != nil {
			out = append(out, c.misnamed(id, group)...)
			continue
		}
		group = slices.DeleteFunc(slices.Clone(group), func(s *statement) bool {
			return s.runs || s.subj != nil && s.subj.host != nil || places[normal(s.name)]
		})
		if !quarrel(group, split) {
			continue
		}
		f := Finding{Class: ClassTwice, Kind: KindName, Subject: "vmid " + id, Source: "other documents"}
		for _, s := range group {
			f.Wrong = append(f.Wrong, s.namePlace())
		}
		sortPlaces(f.Wrong)
		f.Wrong = onePerLine(f.Wrong)
		out = append(out, f)
	}
	return out
}

// places are the names that go with several numbers and are nobody's who has one:
// "LXC 101 (pve3)" says where it runs.
func (c *court) places() map[string]bool {
	numbers := map[string]map[string]bool{}
	for id, group := range c.numbers {
		for _, s := range group {
			if s.entry != nil {
				continue
			}
			if numbers[normal(s.name)] == nil {
				numbers[normal(s.name)] = map[string]bool{}
			}
			numbers[normal(s.name)][id] = true
		}
	}
	out := map[string]bool{}
	for name, ids := range numbers {
		out[name] = len(ids) > 2
	}
	return out
}

// namePlace is where a statement names its subject.
func (s *statement) namePlace() Place {
	off, claim := s.nameOff, s.name
	if off < 0 || off+len(s.name) > len(s.page.Text) {
		off, claim = s.Off, s.Text
	}
	line, column := s.page.Position(off)
	return Place{File: s.page.Path, Line: line, Column: column, Claim: claim, Offset: off}
}

// quarrel reports names of one number that cannot be of one machine.
func quarrel(group []*statement, split bool) bool {
	for i, a := range group {
		for _, b := range group[:i] {
			one := mayBeOne(a.name, b.name) || otherwiseNamed(a, b) || known(group, a.name, b.name)
			if !one && !apart(a, b, split) && strings.Contains(a.name, " ") == strings.Contains(b.name, " ") {
				return true // of "Tailscale gateway" and ts-01, one says what the other is
			}
		}
	}
	return false
}

// otherwiseNamed reports two of which one gives the name of a machine and the other one of
// what runs there: the title says so, or they have one address.
func otherwiseNamed(a, b *statement) bool {
	if a.entry == nil || b.entry == nil || a.entry.Guest == b.entry.Guest {
		return false
	}
	if a.entry.Runs != b.entry.Runs {
		return true
	}
	x, ok := a.entry.Get(source.Address)
	y, also := b.entry.Get(source.Address)
	return ok && also && x.Norm == y.Norm
}

// known reports two names that one entry gives: what a machine is called and what runs on
// it, in two columns.
func known(group []*statement, a, b string) bool {
	return slices.ContainsFunc(group, func(s *statement) bool {
		if s.entry != nil && s.entry.Form == source.Row && inRow(s, a) && inRow(s, b) {
			return true
		}
		names := s.names()
		has := func(name string) bool {
			return slices.ContainsFunc(names, func(n string) bool { return mayBeOne(n, name) })
		}
		return len(names) > 1 && has(a) && has(b)
	})
}

// inRow reports a row of which one cell is the name, whatever its column means.
func inRow(s *statement, name string) bool {
	return slices.ContainsFunc(strings.Split(s.words(), "|"), func(cell string) bool { return normal(cell) == normal(name) })
}

// names are all by which the entry of a statement calls its machine.
func (s *statement) names() []string {
	out := []string{s.name}
	if s.entry == nil {
		return out
	}
	for _, role := range []source.Role{source.Name, source.Service} {
		for _, v := range s.entry.All(role) {
			out = append(out, v.Norm)
		}
	}
	return out
}

// apart reports two statements about nodes that count for themselves.
func apart(a, b *statement, split bool) bool {
	if a.page == b.page && a.entry != nil && b.entry != nil && a.entry.Table >= 0 && a.entry.Table == b.entry.Table {
		return false
	}
	if a.node != "" && b.node != "" {
		return normal(a.node) != normal(b.node)
	}
	return split
}

// numbersByNode reports a home whose nodes number their guests each for itself:
// then a number names nobody without its node.
func (c *court) numbersByNode() bool {
	for _, group := range c.numbers {
		for i, a := range group {
			for _, b := range group[:min(i, 20)] {
				if sectionsApart(a, b) || a.inventory && b.inventory && a.node != "" && b.node != "" && normal(a.node) != normal(b.node) && !mayBeOne(a.name, b.name) && apart(a, b, false) {
					return true
				}
			}
		}
	}
	return false
}

// sectionsApart reports rows of two tables of a page that are of two nodes, as far as
// the headings tell: they say more than the kind.
func sectionsApart(a, b *statement) bool {
	if a.page != b.page || a.entry == nil || b.entry == nil || a.entry.Form != source.Row || b.entry.Form != source.Row || a.entry.Section == b.entry.Section || mayBeOne(a.name, b.name) {
		return false
	}
	x, y := a.entry.Heads, b.entry.Heads
	return len(x) > 0 && len(y) > 0 && !ofKinds.MatchString(x[len(x)-1]) && !ofKinds.MatchString(y[len(y)-1])
}

var ofKinds = regexp.MustCompile(`(?i)^(?:proxmox|running|active|stopped|all|other|lxcs?|cts?|containers?|vms?|virtual|machines?|guests?|inventory|list|overview|details|and|\([^)]*\)|[^A-Za-z(])+$`)

// misnamed holds the names that are given to an observed guest's number against
// its own.
func (c *court) misnamed(id string, group []*statement) []Finding {
	h := c.roster.byVMID[id].host
	f := Finding{Class: ClassObserved, Kind: KindName, Subject: "vmid " + id, Truth: &h.name, Source: h.source(), AsOf: stampOf(h.at)}
	for _, s := range group {
		if s.runs || s.subj != nil && s.subj.host != nil || mayBeOne(s.name, h.name) {
			continue
		}
		p := s.namePlace()
		if !h.stale && !s.page.ReadOnly && p.Claim == s.name && s.entry != nil && s.entry.Form == source.Row {
			p.Fix = h.name
		}
		f.Wrong = append(f.Wrong, p)
	}
	if len(f.Wrong) == 0 {
		return nil
	}
	sortPlaces(f.Wrong)
	return []Finding{f}
}

// addressesTwice finds addresses of two machines, and two names for what may be
// one.
func (c *court) addressesTwice() (out []Finding) {
	for _, address := range sortedKeys(c.addresses) {
		byName := map[string][]*statement{}
		for _, s := range c.addresses[address] {
			if s.Label == "" && s.subj.host == nil {
				byName[s.subj.key] = append(byName[s.subj.key], s)
			}
		}
		keys := sortedKeys(byName)
		if len(keys) != 2 || c.shared(address) {
			continue
		}
		a, b := firmly(byName[keys[0]]), firmly(byName[keys[1]])
		if len(a) == 0 || len(b) == 0 || !aHost(address) {
			continue
		}
		both := slices.Concat(a, b)
		if known(both, a[0].name, b[0].name) {
			continue
		}
		f := Finding{Class: ClassTwice, Kind: KindName, Subject: address, Source: "other documents"}
		if !mayBeOne(a[0].name, b[0].name) {
			switch {
			case twoMachines(a, b):
				f.Kind = KindAddress
			case samePage(a, b), !alike(a, b):
				continue // somebody knows both, or one gives the name of a guest, the other of a host on the network
			}
		} else if a[0].page == b[0].page || oneNumber(a, b) {
			continue
		}
		for _, s := range both {
			f.Wrong = append(f.Wrong, s.namePlace())
		}
		sortPlaces(f.Wrong)
		f.Wrong = onePerLine(f.Wrong)
		out = append(out, f)
	}
	return out
}

func aHost(address string) bool {
	ip, err := netip.ParseAddr(address)
	return err == nil && !ip.IsLoopback()
}

// firmly keeps what inventory sources say with more than an address.
func firmly(list []*statement) (out []*statement) {
	for _, s := range list {
		if s.inventory && s.entry != nil && (len(s.entry.All(source.VMID)) > 0 || len(s.entry.All(source.Kind)) > 0 || len(s.entry.All(source.MAC)) > 0 || s.entry.Guest) {
			out = append(out, s)
		}
	}
	return out
}

// alike reports entries that tell the same of two names: their numbers, or their kinds.
func alike(a, b []*statement) bool {
	return slices.ContainsFunc([]source.Role{source.VMID, source.Kind, source.MAC}, func(role source.Role) bool {
		has := func(s *statement) bool { return len(s.entry.All(role)) > 0 }
		return slices.ContainsFunc(a, has) && slices.ContainsFunc(b, has)
	})
}

// samePage reports a page that gives both names.
func samePage(a, b []*statement) bool {
	for _, x := range a {
		if slices.ContainsFunc(b, func(y *statement) bool { return x.page == y.page }) {
			return true
		}
	}
	return false
}

// oneNumber reports entries that agree in the number: one machine, and everybody knows.
func oneNumber(a, b []*statement) bool {
	return anyNumbers(a, b, func(x, y string) bool { return x == y })
}

// twoMachines reports entries with one address and two numbers.
func twoMachines(a, b []*statement) bool {
	return anyNumbers(a, b, func(x, y string) bool { return x != y })
}

// anyNumbers asks of every two numbers that the entries of two names give.
func anyNumbers(a, b []*statement, ask func(x, y string) bool) bool {
	for _, s := range a {
		x, numbered := s.entry.Get(source.VMID)
		if numbered && slices.ContainsFunc(b, func(o *statement) bool { y, also := o.entry.Get(source.VMID); return also && ask(x.Norm, y.Norm) }) {
			return true
		}
	}
	return false
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

// ports holds the ports of documents against those that compose files publish.
func ports(group []*statement) []Finding {
	known, inside := map[string]bool{}, map[string]bool{}
	f := Finding{Class: ClassBetween, Kind: KindPort, Source: "compose file"}
	var said []*statement
	for _, s := range group {
		if s.entry.Form != source.Compose {
			said = append(said, s)
			continue
		}
		if s.Label == "unknown" {
			return nil
		}
		known[s.Norm] = true
		f.Others = append(f.Others, s.place())
		for _, v := range s.entry.All(source.Inside) {
			inside[v.Norm] = true
		}
	}
	right := map[*source.Page]bool{} // pages that know: what else they say is of other ports
	for _, s := range said {
		right[s.page] = right[s.page] || known[s.Norm]
	}
	for _, s := range said {
		another := len(known) > 1 && !inside[s.Norm] // of which nobody says whether it is to be reached
		if !right[s.page] && !another && !s.proxied() {
			f.Subject, f.Wrong = s.name, append(f.Wrong, s.place())
		}
	}
	if len(f.Others) == 0 || len(f.Wrong) == 0 {
		return nil
	}
	sortPlaces(f.Wrong)
	sortPlaces(f.Others)
	f.Others = onePerLine(f.Others)
	return []Finding{f}
}

// proxied reports a port that is a proxy's: that of TLS, or one beside a URL whose host
// is no address.
func (s *statement) proxied() bool {
	return s.Norm == "443" || slices.ContainsFunc(s.entry.All(source.URL), func(v source.Value) bool { return !portOfURL.MatchString(v.Text) && !hostOfURL.MatchString(v.Text) })
}

var hostOfURL = regexp.MustCompile(`^https?://(?:(?:\d{1,3}\.){3}\d{1,3}|localhost)`)

// urls holds the addresses in URLs against those of the machine.
func (c *court) urls(group []*statement) (out []Finding) {
	for _, s := range group {
		ip, err := netip.ParseAddr(s.Norm)
		own := c.own(c.groups[string(source.Address)+"\x00\x00"+s.subj.key])
		if err != nil || len(own) == 0 || len(c.addresses[s.Norm]) > 0 {
			continue
		}
		var others []Place
		for _, o := range own {
			if other, err := netip.ParseAddr(o.Norm); err == nil && sameNet(ip, other) {
				others = append(others, o.place())
			}
		}
		if len(others) > 0 {
			out = append(out, Finding{Class: ClassBetween, Kind: KindURL, Subject: s.subj.name, Source: "other documents", Wrong: []Place{s.place()}, Others: others})
		}
	}
	return out
}

// gone finds machines of documents that are not there (any more): rows of tables
// that are about what was observed, and numbers with a name. Only a whole look
// proves that nobody has them.
func (c *court) gone() (out []Finding) {
	if c.truth.partial || len(c.roster.byVMID) == 0 {
		return nil
	}
	known := c.knownTables()
	byName := map[string]*Finding{}
	for _, id := range sortedKeys(c.numbers) {
		if _, there := c.roster.byVMID[id]; there {
			continue
		}
		for _, s := range c.numbers[id] {
			if s.subj != nil && s.subj.host != nil || s.entry != nil && (s.entry.Form != source.Row || !known[tableOf(s)]) {
				continue
			}
			key := id + " " + normal(s.name)
			if byName[key] == nil {
				byName[key] = &Finding{Class: ClassGone, Kind: KindName, Subject: s.name, Source: "observed: no guest has this name or the number " + id, AsOf: stampOf(c.truth.at)}
			}
			byName[key].Wrong = append(byName[key].Wrong, s.namePlace())
		}
	}
	for _, key := range sortedKeys(byName) {
		sortPlaces(byName[key].Wrong)
		out = append(out, *byName[key])
	}
	return out
}

type tableKey struct {
	page  *source.Page
	table int
}

func tableOf(s *statement) tableKey { return tableKey{s.page, s.entry.Table} }

// knownTables are those in which at least every second number is observed: they
// are about this home.
func (c *court) knownTables() map[tableKey]bool {
	here, all := map[tableKey]int{}, map[tableKey]int{}
	for id, group := range c.numbers {
		for _, s := range group {
			if s.entry == nil || s.entry.Form != source.Row {
				continue
			}
			all[tableOf(s)]++
			if _, there := c.roster.byVMID[id]; there {
				here[tableOf(s)]++
			}
		}
	}
	out := map[tableKey]bool{}
	for t, n := range all {
		out[t] = here[t]*2 >= n
	}
	return out
}
