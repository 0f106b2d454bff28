package graph

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"recon/inventory"
	"recon/inventory/wiring"
)

// Faults are what is wrong on the ways from names to what answers, as findings of the
// doctor's rules. What cannot be known is no finding; what hosts could find out by
// trying is among the tries.
func (g *Graph) Faults() ([]inventory.Finding, Tries) {
	j := &judge{builder: g.known, wants: Tries{}}
	var out []inventory.Finding
	for _, rule := range []func(*judge) []inventory.Finding{deadRoutes, orphans, unservedCertificates, differingServers, singleServer} {
		out = append(out, rule(j)...)
	}
	return out, j.wants
}

// deadRoutes are routes in use behind which nothing answers, and such that no request can
// come to.
func deadRoutes(j *judge) (out []inventory.Finding) {
	for _, s := range j.sites {
		if j.proxyOf(s).verdict != Works {
			continue
		}
		for _, wrong := range []func(*site) *inventory.Finding{j.nobody, j.circling, j.astray} {
			if f := wrong(s); f != nil {
				out = append(out, *f)
				break
			}
		}
	}
	return out
}

// deadRoute is a finding about a route.
func deadRoute(s *site, seen sight, format string, args ...any) *inventory.Finding {
	return &inventory.Finding{
		Rule: "dead-route", Severity: "warning", Address: s.id, Summary: fmt.Sprintf(format, args...), Fix: seen.fix,
		Evidence: []string{seen.saw, fmt.Sprintf("%s of %s on %s", s.Place, s.Proxy, s.yard.Name)},
	}
}

// nobody finds a route of which nobody answers: none of its targets, or nobody who says
// who somebody is.
func (j *judge) nobody(s *site) *inventory.Finding {
	for _, to := range s.Auth {
		if seen, all := j.allBroken(s, []wiring.Endpoint{to}); all {
			return deadRoute(s, seen, "requests for %s need a login at %s, where nobody answers", bare(s.id), to)
		}
	}
	if seen, all := j.allBroken(s, s.To); all && s.Unread == "" {
		return deadRoute(s, seen, "requests for %s are passed to %s, where nobody answers", bare(s.id), s.To[0])
	}
	return nil
}

// allBroken reports targets of which none works or may work, and what is wrong with the
// first.
func (j *judge) allBroken(s *site, targets []wiring.Endpoint) (first sight, all bool) {
	for _, to := range targets {
		for _, seen := range j.endpoint(s, to) {
			if seen.verdict != Broken {
				return sight{}, false
			}
			if first.saw == "" {
				first = seen
			}
		}
	}
	return first, first.saw != ""
}

// circling finds a route by which a request comes back.
func (j *judge) circling(s *site) *inventory.Finding {
	for _, name := range plainHosts(s.Route) {
		path := "/"
		if len(s.Paths) > 0 {
			path = s.Paths[0]
		}
		w := &way{judge: &judge{builder: j.builder, wants: Tries{}}, seen: map[string]bool{}}
		w.through(request{name: name, path: path}, s)
		for _, h := range w.hops {
			if h.Fault == Loop && h.Node == s.id && verdictOf(w.hops) == Broken {
				return deadRoute(s, sight{saw: h.Does, fix: h.Fix}, "requests for %s come back to %s on %s, and go round", name, s.Proxy, s.yard.Name)
			}
		}
	}
	return nil
}

// astray finds a route for whose names requests go to another machine. What passes
// requests from outside is told nothing by the records at home.
func (j *judge) astray(s *site) *inventory.Finding {
	if s.Proxy == "cloudflared" {
		return nil
	}
	for _, name := range plainHosts(s.Route) {
		for _, at := range j.machinesOf(name) {
			req := request{name: name, path: "/"}
			if at.verdict != Works || len(j.sitesAt(name, at.yard)) > 0 {
				continue
			}
			if seen := j.elsewhere(req, at, []*site{s}); seen.verdict == Broken {
				f := deadRoute(s, seen, "%s waits on %s for requests for %s, and the name leads elsewhere", s.Proxy, s.yard.Name, name)
				f.Evidence = append(f.Evidence, at.does)
				return f
			}
		}
	}
	return nil
}

// sitesAt are routes for a name on a machine, whatever their paths.
func (j *judge) sitesAt(name string, y *yard) (out []*site) {
	for _, s := range j.sites {
		if y != nil && s.yard == y && s.takes(request{name: name, path: strings.Join(s.Paths[:min(1, len(s.Paths))], "")}) > 0 {
			out = append(out, s)
		}
	}
	return out
}

// orphans are records to addresses that no machine has, and aliases that lead to each
// other.
func orphans(j *judge) (out []inventory.Finding) {
	for _, name := range j.ownNames() {
		for _, s := range j.recordsOf(name) {
			if s.verdict == Broken && (s.fault == NoMachine || s.fault == Loop) {
				out = append(out, inventory.Finding{
					Rule: "orphan-dns-record", Severity: "warning", Address: "name." + name, Summary: fmt.Sprintf("%s leads to %s", name, s.leadsTo()), Fix: s.fix,
					Evidence: []string{s.does, s.saw},
				})
			}
		}
	}
	return out
}

// ownNames are the names that have records, without what a record has for everything
// below its name too.
func (j *judge) ownNames() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(j.records)), func(name string) bool {
		above, wild := strings.CutPrefix(name, "*.")
		return wild && len(j.records[above]) > 0 && j.records[above][0].Place == j.records[name][0].Place
	})
}

func (s sight) leadsTo() string {
	if s.fault == Loop {
		return "itself"
	}
	return s.ip + ", which no machine has"
}

// recordsOf are where a name of its own leads. One that a public server answers for, or an
// alias of another name, is that one's.
func (j *judge) recordsOf(name string) (out []sight) {
	for _, s := range j.machinesOf(name) {
		ip, err := netip.ParseAddr(s.ip)
		own := slices.ContainsFunc(j.records[name], func(r record) bool { return r.Value == s.ip })
		if s.fault == Loop || err == nil && ip.IsPrivate() && own {
			out = append(out, s)
		}
	}
	return out
}

// unservedCertificates are files with certificates that are newer than what is served.
func unservedCertificates(j *judge) (out []inventory.Finding) {
	told := map[string]bool{}
	for _, s := range j.sites {
		names := plainHosts(s.Route)
		if s.Cert == "" || len(names) == 0 || j.proxyOf(s).verdict != Works {
			continue
		}
		h, ok := j.served(s, names[0])
		if !ok || h.Fault != NotServed || told[h.Node] {
			continue
		}
		told[h.Node] = true
		out = append(out, inventory.Finding{
			Rule: "certificate-not-served", Severity: "warning", Address: h.Node, Summary: fmt.Sprintf("%s on %s serves an older certificate for %s than lies in %s", s.Proxy, s.yard.Name, names[0], s.Cert),
			Evidence: []string{h.Saw}, Fix: h.Fix,
		})
	}
	return out
}

// differingServers are names for which two servers that the same machines ask, or
// machines of one network, give other addresses.
func differingServers(j *judge) (out []inventory.Finding) {
	asked := j.askedFrom()
	for _, name := range j.ownNames() {
		answers := j.answersFor(name)
		servers := slices.Sorted(maps.Keys(answers))
		for i, a := range servers {
			for _, z := range servers[i+1:] {
				network := together(asked[a], asked[z])
				if network == "" || j.meet(answers[a], answers[z]) {
					continue
				}
				out = append(out, inventory.Finding{
					Rule: "dns-differs", Severity: "warning", Address: "name." + name, Summary: fmt.Sprintf("%s and %s answer otherwise for %s", bare(a), bare(z), name),
					Evidence: []string{said(a, answers[a]), said(z, answers[z]), "both are asked in the network " + network},
					Fix:      "let both have the same record: which one is asked decides where a request goes",
				})
			}
		}
	}
	return out
}

func said(server string, list []record) string {
	var values []string
	for _, r := range list {
		values = append(values, r.Value)
	}
	return fmt.Sprintf("%s answers %s (%s)", bare(server), strings.Join(values, ", "), list[0].Place)
}

// answersFor are the addresses of version 4 that each server in use has for a name of
// its own.
func (j *judge) answersFor(name string) map[string][]record {
	out := map[string][]record{}
	for _, r := range j.records[name] {
		if r.Type == "A" && j.serving[r.server] {
			out[r.server] = append(out[r.server], r)
		}
	}
	return out
}

// meet reports answers of which some lead to the same machine.
func (j *judge) meet(a, z []record) bool {
	return slices.ContainsFunc(a, func(x record) bool {
		return slices.ContainsFunc(z, func(y record) bool {
			return x.Value == y.Value || j.machines[x.Value] != "" && j.machines[x.Value] == j.machines[y.Value]
		})
	})
}

// askedFrom are the networks from which each name server is asked, by its node.
func (j *judge) askedFrom() map[string]map[string]bool {
	out := map[string]map[string]bool{}
	for i := range j.edges {
		e := &j.edges[i]
		server := j.runsOn[e.To]
		if e.Kind != ResolvesVia || server == "" || j.nodes[e.From].Kind == DNSServer {
			continue
		}
		for _, ip := range j.addresses[e.From] {
			if p, err := netip.ParsePrefix(ip + "/24"); err == nil {
				if out[server] == nil {
					out[server] = map[string]bool{}
				}
				out[server][p.Masked().String()] = true
			}
		}
	}
	return out
}

func together(a, z map[string]bool) string {
	for _, n := range slices.Sorted(maps.Keys(a)) {
		if z[n] {
			return n
		}
	}
	return ""
}

// singleServer finds the one guest through which everything that is known to ask anybody
// asks for names, and which asks itself.
func singleServer(j *judge) []inventory.Finding {
	servers, asking := map[string]bool{}, map[string]bool{}
	for i := range j.edges {
		e := &j.edges[i]
		if e.Kind != ResolvesVia || j.nodes[e.From].Kind == DNSServer || j.nodes[e.From].Kind == DNSName {
			continue
		}
		servers[e.To] = true
		if guest := j.guestUnder(e.From); guest != "" && j.nodes[guest].State == "running" {
			asking[guest] = true
		}
	}
	if len(servers) != 1 {
		return nil
	}
	server := slices.Collect(maps.Keys(servers))[0]
	guest := j.guestUnder(server)
	if guest == "" || !j.asksItself(guest, server) {
		return nil
	}
	delete(asking, guest)
	if len(asking) < 2 {
		return nil
	}
	return []inventory.Finding{{
		Rule: "single-dns", Severity: "info", Address: guest, Summary: fmt.Sprintf("%d guests ask %s alone for names, and it asks itself", len(asking), guest),
		Evidence: []string{"every name server that is known to be asked is " + bare(server)},
		Fix:      "give guests a second name server, and " + guest + " one that is not itself",
	}}
}

// guestUnder is the guest that something runs on, or is; "" when it is none.
func (b *builder) guestUnder(id string) string {
	for range 6 {
		if n := b.nodes[id]; n == nil || n.Kind == Guest {
			break
		}
		id = b.runsOn[id]
	}
	if b.nodes[id] == nil {
		return ""
	}
	return id
}

// asksItself reports a guest whose own name server is itself, and no other.
func (j *judge) asksItself(guest, server string) bool {
	itself := func(ip string) bool { return ip == bare(server) || loopback(ip) }
	own := false
	for i := range j.Things {
		t := &j.Things[i]
		if j.ids[t.Resource.Identity] != guest {
			continue
		}
		for _, key := range []inventory.Path{"nameservers", "cloud_init.nameservers"} {
			for _, ip := range inventory.Strings(t.Resource.Attrs[key]) {
				if own = itself(ip); !own {
					return false
				}
			}
		}
	}
	for id, h := range j.hosts {
		if j.guestOf[id] != guest || h.Stub {
			continue
		}
		for _, ip := range h.Resolvers {
			if own = itself(ip); !own {
				return false
			}
		}
	}
	return own
}
