package factcheck

import (
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"recon/inventory"
	"recon/inventory/factcheck/source"
)

// A verdict is what the truth says about a claim.
type verdict struct {
	truth  string // as a reader writes it; "" when the claim cannot be judged
	wrong  bool
	only   bool // one token decides: the truth can stand where the claim stood
	source string
	at     time.Time
	stale  bool
	about  string // what it is about, where the truth knows better
}

func (t *Truth) host(h *host, wrong, only bool, truth string) verdict {
	return verdict{truth: truth, wrong: wrong, only: only && !h.stale, source: h.source(), at: h.at, stale: h.stale}
}

func (t *Truth) home(wrong, only bool, truth string) verdict {
	return verdict{truth: truth, wrong: wrong, only: only, source: "observed", at: t.at}
}

// judge holds a claim against what was observed.
func (t *Truth) judge(c *statement) verdict {
	if c.subj != nil && c.subj.host != nil {
		if v, ok := t.judgeHost(c, c.subj.host); ok {
			return v
		}
	}
	if c.subj != nil && c.subj.service != nil {
		return t.judgeService(c, c.subj.service)
	}
	switch c.kind() {
	case KindGateway:
		return t.judgeGateway(c)
	case KindDNS:
		return t.judgeDNS(c)
	case KindVLAN:
		return t.judgeVLAN(c)
	case KindCount:
		return t.judgeCount(c)
	case KindPort:
		return t.judgePort(c)
	case KindVersion:
		if t.version != "" {
			return t.home(!samePrefix(t.version, c.Norm), true, sameDepth(t.version, c.Norm))
		}
	}
	return verdict{}
}

func samePrefix(full, part string) bool { return full == part || strings.HasPrefix(full, part+".") }

// sameDepth shortens a version to as many parts as the claim has.
func sameDepth(full, like string) string {
	parts := strings.Split(full, ".")
	return strings.Join(parts[:min(len(parts), strings.Count(like, ".")+1)], ".")
}

func (t *Truth) judgeHost(c *statement, h *host) (verdict, bool) {
	switch c.kind() {
	case KindAddress, KindURL:
		return t.judgeAddress(c, h)
	case KindVMID:
		if h.kind == "node" {
			return verdict{}, true
		}
		return t.host(h, strconv.FormatInt(h.vmid, 10) != c.Norm, true, strconv.FormatInt(h.vmid, 10)), true
	case KindName:
		return t.host(h, normal(h.name) != normal(c.Norm) && !strings.HasPrefix(normal(h.name), normal(c.Norm)), true, h.name), true
	case KindGuest:
		if h.kind == "node" {
			return verdict{}, true
		}
		return t.host(h, h.kind != c.Norm, true, likeKind(h.kind, c)), true
	case KindNode:
		if h.kind == "node" || h.node == "" {
			return verdict{}, true
		}
		return t.host(h, h.node != c.Norm, normal(c.Text) == normal(c.Norm), h.node), true
	case KindCores:
		if h.cores == 0 {
			return verdict{}, true
		}
		return t.host(h, strconv.FormatInt(h.cores, 10) != c.Norm, true, strconv.FormatInt(h.cores, 10)), true
	case KindMemory:
		return t.judgeSize(c, h, h.memory), true
	case KindDisk:
		return t.judgeSize(c, h, h.disks...), true
	case KindMAC:
		if len(h.macs) == 0 {
			return verdict{}, true
		}
		return t.host(h, !slices.Contains(h.macs, c.Norm), len(h.macs) == 1, strings.Join(h.macs, ", ")), true
	case KindVLAN:
		if len(h.vlans) == 0 {
			return verdict{}, true
		}
		vlan, _ := strconv.ParseInt(c.Norm, 10, 64)
		return t.host(h, !slices.Contains(h.vlans, vlan), len(h.vlans) == 1, joinInts(h.vlans)), true
	case KindGateway:
		if len(h.gateways) > 0 {
			return t.host(h, !slices.Contains(h.gateways, c.Norm), len(h.gateways) == 1, strings.Join(h.gateways, ", ")), true
		}
	case KindDNS:
		if len(h.dns) > 0 {
			return t.host(h, !slices.Contains(h.dns, c.Norm), len(h.dns) == 1, strings.Join(h.dns, ", ")), true
		}
	}
	return verdict{}, false
}

func joinInts(list []int64) string {
	var out []string
	for _, n := range list {
		out = append(out, strconv.FormatInt(n, 10))
	}
	return strings.Join(out, ", ")
}

// likeKind writes a kind the way the statement did.
func likeKind(kind string, s *statement) string {
	text := showKind(kind)
	if s.Text == strings.ToLower(s.Text) && s.Label != "heading" {
		return kind
	}
	return text
}

// judgeAddress says whether an address is one of the host's, or of another that
// the statement may be about. Where a host has addresses that nobody knows, only
// one that another host has is wrong.
func (t *Truth) judgeAddress(c *statement, h *host) (verdict, bool) {
	ip, err := netip.ParseAddr(c.Norm)
	if err != nil || c.subj.service != nil && c.subj.service.host != h.name && h.has(ip) {
		return verdict{}, true
	}
	if h.has(ip) {
		return t.host(h, false, false, c.Norm), true
	}
	if c.Label != "" && c.Label != "computed" {
		return verdict{}, false // of a network that is not the cluster's to know
	}
	owner := t.owner(ip)
	if len(h.ips) == 0 || h.dynamic && owner == nil || outOfBand(ip, h) {
		return verdict{}, true
	}
	if h.kind == "node" && owner == nil && !sameNet(ip, h.ips[0]) {
		return verdict{}, true // another network of the machine
	}
	if c.kind() == KindURL && owner != nil && owner.kind != "node" && strings.Contains(" proxy traefik nginx caddy haproxy npm ", " "+owner.name+" ") {
		return verdict{}, true // reached through a proxy
	}
	var truth []string
	for _, a := range h.ips {
		truth = append(truth, a.String())
	}
	return t.host(h, true, len(truth) == 1, strings.Join(truth, ", ")), true
}

func sameNet(a, b netip.Addr) bool {
	p, err := a.Prefix(24)
	return err == nil && p.Contains(b)
}

// outOfBand reports an address in a range that guests get from Docker, when the
// host has none there that is known.
func outOfBand(ip netip.Addr, h *host) bool {
	docker := netip.MustParsePrefix("172.16.0.0/12")
	return docker.Contains(ip) && !slices.ContainsFunc(h.ips, docker.Contains)
}

// judgeSize compares a size with those that it may mean: each of them, or their
// sum. Binary and decimal units are not told apart, since people do not.
func (t *Truth) judgeSize(c *statement, h *host, sizes ...int64) verdict {
	said, _ := strconv.ParseFloat(c.Norm, 64)
	var sum int64
	for _, n := range sizes {
		sum += n
	}
	if sum == 0 || said == 0 || h.kind == "node" {
		return verdict{}
	}
	near := func(n int64) bool { return n > 0 && math.Abs(float64(n)-said)/float64(n) < 0.08 }
	ok := near(sum) || slices.ContainsFunc(sizes, near)
	truth, exact := inUnit(sizes[0], c.Unit)
	if !exact || len(sizes) > 1 {
		truth, exact = inventory.FormatSize(sizes[0]), false
	}
	return t.host(h, !ok, exact, truth)
}

// inUnit writes a size as a number of the unit that the claim has.
func inUnit(n int64, unit string) (string, bool) {
	one, ok := source.Bytes("1", unit)
	if !ok || n%one != 0 {
		return "", false
	}
	return strconv.FormatInt(n/one, 10), true
}

func (t *Truth) judgeService(c *statement, s *service) verdict {
	from := func(wrong, only bool, truth string) verdict {
		return verdict{truth: truth, wrong: wrong, only: only, source: "observed " + s.address, at: s.at}
	}
	switch c.kind() {
	case KindContainerHost, KindNode:
		if s.host != "" && c.kind() == KindContainerHost {
			return from(normal(s.host) != normal(c.Norm), true, s.host)
		}
	case KindPort:
		if len(s.ports) == 0 {
			return verdict{}
		}
		var ports []string
		for _, p := range s.ports {
			port, _, _ := strings.Cut(p, "/")
			ports = append(ports, port)
		}
		return from(!slices.Contains(ports, c.Norm), len(ports) == 1, strings.Join(ports, ", "))
	case KindURL, KindAddress:
		ip, err := netip.ParseAddr(c.Norm)
		i := slices.IndexFunc(t.hosts, func(h *host) bool { return h.name == s.host })
		if err != nil || i < 0 || len(t.hosts[i].ips) == 0 || c.kind() == KindAddress {
			return verdict{}
		}
		return from(!t.hosts[i].has(ip), len(t.hosts[i].ips) == 1, t.hosts[i].ips[0].String())
	}
	return verdict{}
}

// judgePort holds the port of a URL of a service that was observed against all on which
// something listens on its host. What programs of the host itself serve is not known.
func (t *Truth) judgePort(c *statement) verdict {
	var s *service
	for _, v := range t.services {
		if normal(v.name) != c.about {
			continue
		}
		if s != nil {
			return verdict{} // it runs twice
		}
		s = v
	}
	if c.Label != inURL || s == nil || len(s.ports) == 0 || slices.Contains([]string{"22", "80", "443"}, c.Norm) || !t.leadsTo(s.host, c) {
		return verdict{}
	}
	var own []string
	for _, v := range t.services {
		for _, p := range v.ports {
			number, _, _ := strings.Cut(p, "/")
			if v.host == s.host && number == c.Norm {
				return verdict{truth: c.Norm, source: "observed " + s.address, at: s.at}
			}
			if v == s {
				own = append(own, number)
			}
		}
	}
	return verdict{truth: strings.Join(own, ", "), wrong: true, only: len(own) == 1, source: "observed " + s.address, at: s.at}
}

// leadsTo reports whether the URL of a statement leads to a host.
func (t *Truth) leadsTo(name string, c *statement) bool {
	i := slices.IndexFunc(t.hosts, func(h *host) bool { return h.name == name })
	return i >= 0 && slices.ContainsFunc(c.entry.All(source.URL), func(v source.Value) bool {
		return slices.ContainsFunc(source.Addresses(v.Text), func(a source.AddressAt) bool {
			ip, err := netip.ParseAddr(a.Norm)
			return err == nil && t.hosts[i].has(ip)
		})
	})
}

// judgeGateway holds a gateway against those of the subnets that it could be of.
func (t *Truth) judgeGateway(c *statement) (v verdict) {
	ip, err := netip.ParseAddr(c.Norm)
	if err != nil {
		return verdict{}
	}
	gateways := map[string]netip.Prefix{}
	for _, h := range t.hosts {
		for _, s := range h.subnets {
			if s.prefix.Contains(ip) && s.gateway.IsValid() {
				gateways[s.gateway.String()] = s.prefix
			}
		}
	}
	if len(gateways) != 1 {
		return verdict{}
	}
	for gw, prefix := range gateways {
		v = t.home(gw != c.Norm, true, gw)
		v.about = prefix.String()
		return v
	}
	return verdict{}
}

// judgeDNS holds a name server against those that guests are given. One that looks
// like a name server itself is none of the wrong ones.
func (t *Truth) judgeDNS(c *statement) verdict {
	ip, err := netip.ParseAddr(c.Norm)
	if err != nil {
		return verdict{}
	}
	count := map[string]int{}
	for _, h := range t.hosts {
		for _, s := range h.dns {
			count[s]++
		}
	}
	if len(count) == 0 {
		return verdict{}
	}
	if count[c.Norm] > 0 {
		return t.home(false, false, c.Norm)
	}
	if o := t.owner(ip); o != nil && (strings.Contains(o.name, "dns") || strings.Contains(o.name, "hole") || strings.Contains(o.name, "adguard") || strings.HasPrefix(o.name, "dc")) {
		return verdict{}
	}
	if last := ip.As4()[3]; last == 1 || last == 254 || slices.ContainsFunc(t.hosts, func(h *host) bool { return slices.Contains(h.gateways, c.Norm) }) {
		return verdict{} // a router answers too
	}
	best := ""
	for s, n := range count {
		if a, err := netip.ParseAddr(s); err == nil && a.IsPrivate() && (best == "" || n > count[best] || n == count[best] && s < best) {
			best = s
		}
	}
	if best == "" {
		return verdict{}
	}
	return t.home(true, true, best)
}

func (t *Truth) judgeVLAN(c *statement) verdict {
	prefix, err := netip.ParsePrefix(c.about)
	if err != nil {
		return verdict{}
	}
	var seen []int64
	for _, h := range t.hosts {
		for _, s := range h.subnets {
			if s.prefix == prefix && !slices.Contains(seen, s.vlan) {
				seen = append(seen, s.vlan)
			}
		}
	}
	vlan, _ := strconv.ParseInt(c.Norm, 10, 64)
	if len(seen) != 1 || seen[0] == 0 {
		return verdict{}
	}
	return t.home(seen[0] != vlan, true, strconv.FormatInt(seen[0], 10))
}

// judgeCount holds a number against everything that it may count: with templates
// and without, all or only what runs.
func (t *Truth) judgeCount(c *statement) verdict {
	if t.partial || len(t.hosts) == 0 || strings.Contains(c.about, " below ") || c.about == "machine" {
		return verdict{}
	}
	said, _ := strconv.Atoi(c.Norm)
	if c.about == "node" {
		n := len(t.nodes())
		return t.home(said != n && n > 0, isDigits(c.Text), strconv.Itoa(n))
	}
	all := 0
	templates, running := 0, 0
	for _, h := range t.guests() {
		switch {
		case c.about != "guest" && h.kind != c.about:
		case h.template:
			templates++
		default:
			all++
			if h.running {
				running++
			}
		}
	}
	return t.home(said != all && said != all+templates && said != running, isDigits(c.Text), strconv.Itoa(all))
}

func isDigits(s string) bool { return strings.Trim(s, "0123456789") == "" }
