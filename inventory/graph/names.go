package graph

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"recon/inventory"
	"recon/inventory/doctor"
	"recon/inventory/wiring"
)

// A record is an answer of a name server.
type record struct {
	wiring.Record
	server string // node of who gives it; "" for a file of hosts
}

// zones takes up what the name servers of hosts say.
func (b *builder) zones() {
	for i := range b.Hosts {
		h := &b.Hosts[i]
		if h.Told == nil {
			continue
		}
		for _, z := range h.Told.Zones {
			if z.Program == "hosts" && !serves(h) {
				continue // it is the host's own, and says nothing of what others are told
			}
			server := "host." + h.Name
			if z.By != "" {
				server = b.container(h, z.By)
			}
			if !slices.Contains(b.servers, server) {
				b.servers = append(b.servers, server)
			}
			b.serving[server] = b.serving[server] || answersNames(h, z.By)
			for _, r := range z.Records {
				b.records[r.Name] = append(b.records[r.Name], record{r, server})
			}
		}
	}
	for name, list := range b.records {
		if slices.ContainsFunc(list, func(r record) bool { return r.Type != "" }) {
			b.dnsName(name)
		}
	}
}

// answersNames reports a name server that was seen to run: a container, or something of the
// host itself that listens where such servers do.
func answersNames(h *doctor.Host, container string) bool {
	for i := range h.Containers {
		if c := &h.Containers[i]; c.Name == container {
			return c.State == "running"
		}
	}
	own := func(p doctor.Port) bool { return p.Number == 53 }
	return container == "" && slices.ContainsFunc(h.Listening, own)
}

// serves reports a host on which something answers for names, and so its /etc/hosts.
func serves(h *doctor.Host) bool {
	return slices.ContainsFunc(h.Told.Zones, func(z wiring.Zone) bool { return z.By == "" && (z.Program == "dnsmasq" || z.Program == "pihole") })
}

// lookup is what the servers answer for a name.
func (b *builder) lookup(name string) (out []record) {
	for _, server := range b.servers {
		out = append(out, b.follow(server, name, 0)...)
	}
	return out
}

// follow is what one server answers for a name: its own records, else those of the nearest
// wildcard; an alias is followed.
func (b *builder) follow(server, name string, depth int) (out []record) {
	found := b.of(server, name, func(r *record) bool { return !r.Weak })
	for rest := name; len(found) == 0; {
		_, after, ok := strings.Cut(rest, ".")
		if !ok {
			break
		}
		found, rest = b.of(server, "*."+after, func(r *record) bool { return !r.Weak }), after
	}
	for _, kind := range []string{"A", "AAAA"} { // an alias of dnsmasq leads to no weak one
		if depth == 0 && !slices.ContainsFunc(found, func(r record) bool { return r.Type == kind || r.Type == "CNAME" }) {
			found = append(found, b.weak(server, name, kind)...)
		}
	}
	for _, r := range found {
		switch {
		case r.Type == "A" || r.Type == "AAAA":
			out = append(out, r)
		case r.Type == "CNAME" && depth < 8:
			for _, x := range b.follow(server, r.Value, depth+1) {
				x.Place = r.Place + ", " + x.Place
				out = append(out, x)
			}
		}
	}
	return out
}

// of are records of a server.
func (b *builder) of(server, name string, is func(*record) bool) (out []record) {
	for i := range b.records[name] {
		if r := &b.records[name][i]; r.server == server && is(r) {
			out = append(out, *r)
		}
	}
	return out
}

// weak are the records of a type that count where there are no others: those of the
// longest name that covers a name.
func (b *builder) weak(server, name, kind string) (out []record) {
	is := func(r *record) bool { return r.Weak && r.Type == kind }
	out = b.of(server, name, is)
	for rest := name; len(out) == 0; {
		_, after, ok := strings.Cut(rest, ".")
		if !ok {
			break
		}
		out, rest = b.of(server, "*."+after, is), after
	}
	return out
}

// dnsName is the node of a name: who answers for it, and which machine it leads to. One
// for which nobody is known to answer has the state unknown.
func (b *builder) dnsName(name string) string {
	id := "name." + name
	if b.nodes[id] != nil {
		return id
	}
	n := b.node(id, DNSName, name, "")
	found := b.lookup(name)
	if len(found) == 0 {
		n.State = Unknown
	}
	for _, r := range found {
		b.edge(id, r.server, ResolvesVia, Config, true, "%s answers %s for %s (%s)", strings.TrimPrefix(r.server, "host."), r.Value, name, r.Place)
		to := b.machines[r.Value]
		if to == "" {
			to = b.node("host."+r.Value, Host, r.Value, Unknown).ID
		}
		b.edge(id, to, RoutesTo, Config, true, "%s: %s is %s", r.Place, name, r.Value)
	}
	return id
}

// nameservers says who answers at the addresses that are asked for names, and whom
// these ask in turn.
func (b *builder) nameservers() {
	for _, ip := range b.resolvers {
		id := "dns." + ip
		machine := b.machines[ip]
		if machine == "" {
			continue // a server outside, or one that nobody knows
		}
		b.nodes[id].State, b.nodes[id].At = "", b.At
		who := machine
		if h := b.hosts[machine]; h != nil {
			if c := publisher(h, 53); c != nil {
				who = b.container(h, c.Name)
			} else if c := nameServer(h); c != "" {
				who = b.container(h, c)
			}
		}
		b.edge(id, who, RunsOn, Live, true, "%s has the address %s", strings.TrimPrefix(who, "host."), ip)
		b.forwards(id, machine)
	}
}

// nameServer is the container of a host whose files make it a name server.
func nameServer(h *doctor.Host) string {
	if h.Told == nil {
		return ""
	}
	for _, z := range h.Told.Zones {
		if z.By != "" {
			return z.By
		}
	}
	return ""
}

// forwards are the servers that a name server asks itself.
func (b *builder) forwards(id, machine string) {
	h := b.hosts[machine]
	if h == nil || h.Told == nil {
		return
	}
	for _, z := range h.Told.Zones {
		for _, f := range z.Forwards {
			if ip := wiring.Server(f); ip != "" && !strings.HasPrefix(ip, "127.") {
				to := b.node("dns."+ip, DNSServer, ip, Unknown).ID
				b.edge(id, to, ResolvesVia, Config, true, "%s on %s forwards to %s", z.Program, h.Name, f)
			}
		}
	}
}

// routes adds the routes of a host's proxies.
func (b *builder) routes(h *doctor.Host) {
	y := b.yards[h.Name]
	var all []wiring.Route
	var dynamic []wiring.Dynamic
	static, traefik := staticOf(h)
	for i := range h.Containers {
		if d := h.Containers[i].Traefik; d != nil && h.Containers[i].State == "running" {
			dynamic = append(dynamic, *d)
		}
	}
	if h.Told != nil {
		dynamic = append(dynamic, h.Told.Traefik...)
		all = append(all, h.Told.Routes...)
	}
	if static != nil {
		for _, o := range static.Others {
			b.gap(Anything, "host."+h.Name, "the routes that Traefik on "+h.Name+" has from "+o, "its labels and files alone are read")
		}
	}
	for _, r := range wiring.Traefik(static, dynamic) {
		r.By = cmp.Or(r.By, traefik)
		all = append(all, r)
	}
	for i := range all {
		b.route(y, &all[i])
	}
}

// staticOf is how the Traefik of a host was started, and in which container it runs.
func staticOf(h *doctor.Host) (s *wiring.Static, container string) {
	if h.Told != nil {
		s = h.Told.Static
	}
	for i := range h.Containers {
		if c := &h.Containers[i]; doctor.ImageName(c.Image) == "traefik" {
			if c.Static != nil {
				s = c.Static
			}
			return s, c.Name
		}
	}
	return s, ""
}

// route adds one route: its proxy, its names, where it leads and who is asked.
func (b *builder) route(y *yard, r *wiring.Route) {
	proxy := b.proxy(y, r)
	names := r.Hosts
	if len(names) == 0 {
		names = []string{r.Name}
	}
	paths := r.Paths
	if len(paths) == 0 {
		paths = []string{""}
	}
	s := &site{Route: r, yard: y, by: y.container(r.By)}
	if r.Own { // it leads nowhere
		s.id = proxy
		b.sites = append(b.sites, s)
		return
	}
	for _, name := range names {
		for _, path := range paths {
			s.id = cmp.Or(s.id, b.routeOf(y, r, proxy, name, path))
		}
	}
	b.sites = append(b.sites, s)
}

func (b *builder) routeOf(y *yard, r *wiring.Route, proxy, name, path string) string {
	label := name + strings.TrimSuffix(path, "/")
	id := "route." + label
	if n := b.nodes[id]; n != nil && n.Attrs["proxy"] != proxy {
		id += "@" + y.Name
		label += "@" + y.Name
	}
	n := b.node(id, Route, label, "")
	n.Attrs = map[string]string{"proxy": proxy, "place": r.Place}
	if r.TLS {
		n.Attrs["tls"] = "true"
	}
	b.edge(id, proxy, RunsOn, sourceOf(r), true, "%s of %s", r.Place, r.Proxy)
	if len(r.Hosts) > 0 && !strings.HasPrefix(name, "*.") {
		b.edge(id, b.dnsName(name), NamedBy, sourceOf(r), true, "requests for %s (%s)", name, r.Place)
	}
	for _, to := range r.To {
		b.leads(y, r, id, to, RoutesTo, "passes requests to %s")
		n.Attrs["to"] = to.String()
	}
	for _, to := range r.Auth {
		b.leads(y, r, id, to, AuthBy, "asks %s who it is")
	}
	if r.Cert != "" {
		cert := "certificate." + y.Name + ":" + r.Cert
		b.node(cert, Certificate, y.Name+":"+r.Cert, "")
		b.edge(id, cert, DependsOn, Config, true, "%s: certificate %s", r.Place, r.Cert)
	}
	if r.Unread != "" {
		missing := Something
		if len(r.To) == 0 {
			missing = Anything
		}
		b.gap(missing, id, "the route "+label, "%s (%s)", r.Unread, r.Place)
	}
	return id
}

// leads adds the edges of a route to what an endpoint of it is, or says that nobody is
// known by its name.
func (b *builder) leads(y *yard, r *wiring.Route, id string, to wiring.Endpoint, kind EdgeKind, format string) {
	does := fmt.Sprintf(format, to)
	found := b.answers(y, y.container(r.By), to, true)
	for _, a := range found {
		if a.kind == Calls {
			a.kind = kind
		}
		b.edge(id, a.id, a.kind, sourceOf(r), a.sure, "%s %s", r.Place, does)
	}
	if len(found) == 0 && !loopback(to.Host) {
		b.gap(Anything, id, "what "+to.Host+" is", "the route %s %s, and nothing is known by that name where its proxy runs", strings.TrimPrefix(id, "route."), does)
	}
}

func sourceOf(r *wiring.Route) Source {
	if strings.HasPrefix(r.Place, "labels of ") {
		return Labels
	}
	return Config
}

// proxy is the node of the proxy whose route it is.
func (b *builder) proxy(y *yard, r *wiring.Route) string {
	if r.By != "" && y.nodes[r.By] != "" {
		return y.nodes[r.By]
	}
	if sourceOf(r) == Labels { // labels for a Traefik that is not on this host, or is no container
		id := "host." + y.Name + "/traefik"
		n := b.node(id, Container, y.Name+"/traefik", Unknown)
		if n.Attrs == nil {
			n.Attrs = map[string]string{}
			b.gap(Something, id, "the Traefik that reads the labels on "+y.Name, "no container of an image traefik runs there")
		}
		return id
	}
	return y.id
}

// container is a container of the yard by its name, nil without one.
func (y *yard) container(name string) *doctor.Container {
	for i := range y.Containers {
		if y.Containers[i].Name == name {
			return &y.Containers[i]
		}
	}
	return nil
}

// urls adds the addresses at which manifests say that services are reached.
func (b *builder) urls() {
	for i := range b.Things {
		t := &b.Things[i]
		if t.Declared == nil {
			continue
		}
		text := strings.TrimSuffix(inventory.Text(t.Declared.Attrs["url"]), "/")
		e := wiring.URL(text)
		if text == "" || e.Host == "" {
			continue
		}
		id := b.node("url."+strings.ToLower(text), URL, text, "").ID
		b.edge(id, b.ids[t.Resource.Identity], Exposes, Declared, true, "url of %s", t.Declared.Addr)
		if !wiring.IsIP(e.Host) {
			b.edge(id, b.dnsName(e.Host), NamedBy, Declared, true, "url of %s", t.Declared.Addr)
		}
		if b.nodes["route."+e.Host] != nil {
			b.edge(id, "route."+e.Host, RoutesTo, Config, true, "the route of %s", e.Host)
		}
	}
}
