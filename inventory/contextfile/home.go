package contextfile

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"recon/inventory"
)

// The budget of the block "home". A token is four characters.
const (
	smallHome   = 40 // guests
	homeLines   = 60
	smallTokens = 1200
	largeTokens = 2500
)

// Home renders the block "home" of CLAUDE.md: the few facts that an assistant
// needs at once and that the repository cannot tell. The date is the day on which
// the facts last changed; see Dated. What the budget does not allow is
// aggregated, never cut silently.
func Home(f *Facts, at Place, date string) string {
	budget := largeTokens
	if len(f.Guests) <= smallHome {
		budget = smallTokens
	}
	text := ""
	for _, l := range []level{{40, names, 40}, {38, names, 30}, {30, names, 20}, {20, names, 10}, {10, names, 5}, {0, names, 5}, {0, bare, 0}, {0, counts, 0}} {
		text = homeAt(f, at, date, l)
		if len(text) <= budget*4 && strings.Count(text, "\n") <= homeLines {
			break
		}
	}
	return text
}

// A level says how much of the guests is told: how many get a row of their own,
// how the rest is told, and how many services are named.
type level struct {
	rows     int
	rest     rest
	services int
}

type rest int

const (
	names  rest = iota // name, id and address of each, by node
	bare               // name and id of each, by node
	counts             // how many there are on each node
)

func homeAt(f *Facts, at Place, date string, l level) string {
	var b strings.Builder
	begin(&b, at, "Home", date)
	for _, c := range f.Clusters {
		b.WriteString(clusterLine(f, &c))
	}
	writeList(&b, "Networks", networks(f))
	writeList(&b, "DNS", dnsServers(f))
	b.WriteString("\n")
	guestTable(&b, f, l)
	serviceLines(&b, f, l.services)
	openDrift(&b, f)
	writeList(&b, "Checks that fail (`recon check` says why and what to do)", failingChecks(f))
	findings(&b, f)
	writeList(&b, "Waiting for a restart", addresses(f, func(g *Guest) bool { return g.Reboot }))
	writeList(&b, "Protected, do not change", addresses(f, func(g *Guest) bool { return g.Protect }))
	writeList(&b, "Snapshots of recon (`recon snapshots prune`)", snapshots(f))
	more := ""
	if f.Whole != "" {
		more = "`" + f.Whole + "` has the whole tables; "
	}
	b.WriteString("\nMore: " + more + "`recon show ADDRESS`, `recon plan`, `recon inventory`, `recon changes`.\n")
	return emptyParts.ReplaceAllString(b.String(), "\n\n")
}

// emptyParts is what parts leave that have nothing to say.
var emptyParts = regexp.MustCompile(`\n{3,}`)

func writeList(b *strings.Builder, title string, items []string) {
	if len(items) > 0 {
		fmt.Fprintf(b, "**%s:** %s\n", title, strings.Join(items, ", "))
	}
}

// failingChecks names the checks that do not hold, with the layer at which.
func failingChecks(f *Facts) (out []string) {
	for i := range f.Checks {
		if c := &f.Checks[i]; c.Standing == inventory.CheckFails {
			out = append(out, safeAddress(c.Address, "")+" at "+string(c.Layer)+sinceBy(c.Since, ""))
		}
	}
	return limit(out, 10)
}

// snapshots names what recon has taken before changes that cannot be taken back.
func snapshots(f *Facts) (out []string) {
	for i := range f.Guests {
		for _, k := range f.Guests[i].Kept {
			out = append(out, safeAddress(f.Guests[i].Address, f.Guests[i].Identity)+" "+safeMatch(valueText, k.Name))
		}
	}
	return limit(out, 10)
}

// clusterLine says what a cluster consists of.
func clusterLine(f *Facts, c *Cluster) string {
	if c.Never {
		return fmt.Sprintf("**Cluster %s:** not observed yet\n", c.Name)
	}
	var nodes []string
	for _, n := range c.Nodes {
		name := safeNode(n.Name)
		if ip := safeIP(n.Address); ip != "" {
			name += " " + ip
		}
		if !n.Online && !f.told(n.Name) {
			name += " (offline)"
		}
		nodes = append(nodes, name)
	}
	text := fmt.Sprintf("**Cluster %s:** %s, %s", c.Name, strings.TrimSpace("Proxmox VE "+versionCell(c.Version)), totals(f, c))
	if len(nodes) > 0 {
		text += " on " + strings.Join(limit(nodes, 16), ", ")
	}
	return text + "\n"
}

// told reports a node of which a line says that it cannot be observed.
func (f *Facts) told(node string) bool {
	return slices.ContainsFunc(f.Sources, func(s Source) bool { return s.Scope == node || s.Scope == s.Provider })
}

// totals counts the guests of a cluster; what is seen in part has a lower bound only.
func totals(f *Facts, c *Cluster) string {
	count := map[string]int{}
	for i := range f.Guests {
		if g := &f.Guests[i]; clusterOf(g.Identity) == c.Name && !g.Template && f.counts(g) {
			count[f.Guests[i].Kind]++
		}
	}
	vms, lxcs := plural(count["vm"], "VM"), plural(count["lxc"], "LXC")
	switch {
	case !c.Partial:
		return vms + ", " + lxcs
	case count["vm"]+count["lxc"] == 0:
		return "no guests visible to recon's token"
	case count["vm"] == 0:
		return atLeast + lxcs
	case count["lxc"] == 0:
		return atLeast + vms
	}
	return atLeast + vms + " and " + lxcs
}

// least is a count of guests, or of what they have, as far as it can be known.
func (f *Facts) least(count string) string {
	if count != "" && slices.ContainsFunc(f.Clusters, func(c Cluster) bool { return c.Partial }) {
		return atLeast + count
	}
	return count
}

// atLeast stands before what is known to be a part.
const atLeast = "at least "

// counts reports a guest that a total counts. Where guests may be hidden a total is a lower
// bound, and a guest that is not seen any more may be gone.
func (f *Facts) counts(g *Guest) bool {
	return !g.Unknown || !slices.ContainsFunc(f.Clusters, func(c Cluster) bool { return c.Partial && c.Name == clusterOf(g.Identity) })
}

// counted is how many of these guests a total counts, "" when there are none.
func (f *Facts) counted(guests []*Guest, noun string) string {
	n := 0
	for _, g := range guests {
		if f.counts(g) {
			n++
		}
	}
	switch {
	case n == 0:
		return ""
	case noun == "":
		return f.least(strconv.Itoa(n))
	}
	return f.least(plural(n, noun))
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// networks lists the subnets in which guests have addresses, with VLAN and gateway.
func networks(f *Facts) []string {
	order, _ := subnets(f, false)
	var out []string
	for _, s := range order {
		text := s.prefix.String()
		if s.vlan > 0 {
			text = fmt.Sprintf("VLAN %d %s", s.vlan, text)
		}
		if s.gateway != "" {
			text += " via " + s.gateway
		}
		out = append(out, text)
	}
	return limit(out, 12)
}

// dnsServers lists the name servers that guests are given, the commonest first.
func dnsServers(f *Facts) []string {
	order, users := dnsUsers(f)
	var out []string
	for _, ip := range order {
		text := ip
		if n := f.counted(users[ip], "guest"); n != "" {
			text += " (" + n + ")"
		}
		out = append(out, text)
	}
	return limit(out, 6)
}

// limit keeps the first n items and says how many there are beside them.
func limit(items []string, n int) []string {
	if len(items) <= n {
		return items
	}
	return append(slices.Clip(items[:n]), fmt.Sprintf("%d more", len(items)-n))
}

// guestTable writes the key hosts as a table and the rest by node.
func guestTable(b *strings.Builder, f *Facts, l level) {
	key, others := keyGuests(f, l.rows)
	if len(key) > 0 {
		b.WriteString("| Guest | Id | Node | Address | Purpose |\n| --- | --- | --- | --- | --- |\n")
		for _, g := range key {
			row := fmt.Sprintf("| %s%s | %s %d | %s | %s | %s", safeName(g.Name, g.Identity), stateNote(g), strings.ToUpper(g.Kind), g.VMID, safeNode(g.Node), addressCell(g, 3), authored(g.Purpose))
			b.WriteString(strings.TrimRight(row, " ") + " |\n")
		}
	}
	for _, line := range aggregate(f, others, l.rest) {
		b.WriteString("\n" + line + "\n")
	}
}

// stateNote says what is unusual about a guest's state.
func stateNote(g *Guest) string { return word(g.Status == "stopped", " (stopped)") }

func addressCell(g *Guest, most int) string { return strings.Join(limit(addressesOf(g), most), " ") }

func addressesOf(g *Guest) (out []string) {
	dhcp := false
	add := func(address string) {
		if ip := safeIP(address); ip != "" && !slices.Contains(out, ip) {
			out = append(out, ip)
		}
	}
	for _, n := range g.Networks {
		add(n.Address)
		dhcp = dhcp || n.Address == "dhcp"
	}
	for _, ip := range g.Observed {
		add(ip)
	}
	if dhcp && len(g.Observed) == 0 {
		out = append(out, "dhcp")
	}
	return out
}

// keyGuests picks the guests that get a row: those with a purpose, then the
// managed, then the rest, as far as the table reaches. Their order is by address.
func keyGuests(f *Facts, rows int) (key, rest []*Guest) {
	var all []*Guest
	for i := range f.Guests {
		if !f.Guests[i].Template {
			all = append(all, &f.Guests[i])
		}
	}
	if len(all) > rows {
		rank := func(g *Guest) int {
			switch {
			case g.Purpose != "":
				return 0
			case g.Managed:
				return 1
			case addressCell(g, 1) != "":
				return 2
			}
			return 3
		}
		slices.SortStableFunc(all, func(a, b *Guest) int { return rank(a) - rank(b) })
		all, rest = all[:rows], all[rows:]
	}
	byAddress := func(a, b *Guest) int { return inventory.CompareAddress(a.Address, b.Address) }
	slices.SortStableFunc(all, byAddress)
	slices.SortStableFunc(rest, byAddress)
	return all, rest
}

// aggregate says the remaining guests in a line for each node and kind.
func aggregate(f *Facts, others []*Guest, how rest) []string {
	type place struct{ node, kind string }
	at := map[place][]*Guest{}
	for _, g := range others {
		p := place{safeNode(g.Node), strings.ToUpper(g.Kind)}
		at[p] = append(at[p], g)
	}
	var out []string
	for _, p := range slices.SortedFunc(maps.Keys(at), func(a, b place) int {
		return cmp.Or(inventory.NaturalCompare(a.node, b.node), strings.Compare(a.kind, b.kind))
	}) {
		if how == counts {
			low, high := at[p][0].VMID, at[p][0].VMID
			for _, g := range at[p] {
				low, high = min(low, g.VMID), max(high, g.VMID)
			}
			out = append(out, fmt.Sprintf("On %s: %s, ids %d to %d; `recon inventory` lists them.", p.node, cmp.Or(f.counted(at[p], p.kind), p.kind+"s"), low, high))
			continue
		}
		var items []string
		for _, g := range at[p] {
			text := fmt.Sprintf("%s%s %d", safeName(g.Name, g.Identity), stateNote(g), g.VMID)
			if ips := addressesOf(g); len(ips) > 0 && how == names {
				text += " " + strings.Join(limit(ips, 3), " & ")
			}
			items = append(items, text)
		}
		out = append(out, fmt.Sprintf("Also %s on %s: %s", p.kind, p.node, strings.Join(items, ", ")))
	}
	return out
}

// serviceLines names the services of each host.
func serviceLines(b *strings.Builder, f *Facts, most int) {
	byHost := map[string][]string{}
	for i := range f.Services {
		s := &f.Services[i]
		text := s.name()
		if p := s.ports(); p != "" {
			text += " :" + strings.ReplaceAll(strings.ReplaceAll(p, "/tcp", ""), " ", " :")
		}
		byHost[safeName(s.Host, "")] = append(byHost[safeName(s.Host, "")], text)
	}
	if len(byHost) > 0 {
		b.WriteString("\n")
	}
	for _, host := range slices.SortedFunc(maps.Keys(byHost), inventory.NaturalCompare) {
		if most == 0 {
			fmt.Fprintf(b, "**On %s:** %s\n", host, plural(len(byHost[host]), "service"))
			continue
		}
		writeList(b, "On "+host, limit(byHost[host], most))
	}
}

// openDrift lists what differs from the manifests.
func openDrift(b *strings.Builder, f *Facts) {
	if len(f.Drift) == 0 {
		return
	}
	b.WriteString("\n**Open drift** (the manifest says one thing, live another):\n")
	shown := f.Drift[:min(len(f.Drift), 8)]
	for _, d := range shown {
		what := driftFields(d.Fields)
		if d.Gone {
			what = "does not exist any more"
		}
		fmt.Fprintf(b, "- %s %s%s%s\n", safeAddress(d.Address, d.Identity), what, sinceBy(d.Since, d.By), word(d.Unseen, unseenNow))
	}
	if n := len(f.Drift) - len(shown); n > 0 {
		fmt.Fprintf(b, "- and %s more: `recon plan`\n", plural(n, "resource"))
	}
}

// unseenNow stands behind what is told of something that cannot be observed.
const unseenNow = ", as last seen"

func driftFields(fields []DriftField) string {
	var out []string
	for _, f := range fields {
		if f.Flapping {
			out = append(out, fmt.Sprintf("%s comes and goes, quarantined until it is quiet for a day", f.Path))
			continue
		}
		out = append(out, fmt.Sprintf("%s: manifest %s, live %s", f.Path, safeValue(f.Path, f.Desired), safeValue(f.Path, f.Live)))
	}
	return strings.Join(limit(out, 4), "; ")
}

func sinceBy(since time.Time, by string) string {
	if since.IsZero() {
		return ""
	}
	text := " (since " + since.UTC().Format(time.DateOnly)
	if by = safeBy(by); by != "" {
		text += ", by " + by
	}
	return text + ")"
}

// addresses lists the addresses of guests.
func addresses(f *Facts, pick func(*Guest) bool) []string {
	var out []string
	for i := range f.Guests {
		if pick(&f.Guests[i]) {
			out = append(out, safeAddress(f.Guests[i].Address, f.Guests[i].Identity))
		}
	}
	return limit(out, 20)
}

// stale says which facts are old, one line an outage.
func stale(b *strings.Builder, sources []Source) {
	var unknown []string
	for _, s := range sources {
		unknown = append(unknown, StaleText(s))
	}
	for _, line := range limit(unknown, 5) {
		b.WriteString(line + "\n\n")
	}
}

// StaleText says that a source cannot be observed, or not all of it.
func StaleText(s Source) string {
	switch {
	case s.Scope == inventory.SomeGuests:
		text := fmt.Sprintf("PARTIAL since %s: recon's token does not see all guests of %s: more may exist", s.Since.UTC().Format("2006-01-02 15:04 UTC"), s.Provider)
		if len(s.Hidden) > 0 {
			text += "; not seen now, and shown as last known: " + strings.Join(limit(spans(s.Hidden), 40), ", ")
		}
		return text + "."
	case s.Never:
		return fmt.Sprintf("NOT OBSERVED YET: %s; nothing is known of it.", s.Provider)
	}
	what := s.Provider
	if s.Scope != s.Provider {
		what = safeName(s.Scope, "") + " of " + s.Provider
		if vmid := inventory.VMID(s.Scope); vmid != 0 {
			what = fmt.Sprintf("guest %d of %s", vmid, s.Provider)
		}
	}
	return fmt.Sprintf("STALE since %s: %s could not be observed; its facts are the last known.", s.Since.UTC().Format("2006-01-02 15:04 UTC"), what)
}

// spans says sorted numbers shortly: 101, 105 to 109.
func spans(numbers []int) (out []string) {
	for i := 0; i < len(numbers); {
		last := i
		for last+1 < len(numbers) && numbers[last+1] == numbers[last]+1 {
			last++
		}
		switch text := strconv.Itoa(numbers[i]); {
		case last > i+1:
			out = append(out, text+" to "+strconv.Itoa(numbers[last]))
		case last > i:
			out = append(out, text, strconv.Itoa(numbers[last]))
		default:
			out = append(out, text)
		}
		i = last + 1
	}
	return out
}

var dateLine = regexp.MustCompile(`(?m)^Facts last changed (\d{4}-\d{2}-\d{2})\.`)

// Dated renders with the date on which the facts last changed: the one in the old
// text when rendering with it gives the old text again, else today.
func Dated(old string, today time.Time, render func(date string) string) string {
	if m := dateLine.FindStringSubmatch(old); m != nil {
		if text := render(m[1]); meaning(text) == meaning(old) {
			return text
		}
	}
	return render(today.Format(time.DateOnly))
}
