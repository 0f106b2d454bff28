package graph

import (
	"fmt"
	"slices"
	"strings"

	"recon/inventory/doctor"
	"recon/inventory/wiring"
)

// machinesOf are the machines that the records of a name lead to. Without a record that
// somebody serves it is one that is not known.
func (j *judge) machinesOf(name string) (out []sight) {
	idle := ""
	for _, r := range j.lookup(name) {
		if !j.serving[r.server] {
			idle = fmt.Sprintf("%s has a record for it, and was not seen to answer", bare(r.server))
			continue
		}
		if slices.ContainsFunc(out, func(s sight) bool { return s.ip == r.Value }) {
			continue
		}
		s := j.address(r.Value, nil)
		s.ip, s.does = r.Value, fmt.Sprintf("%s answers %s for %s (%s)", bare(r.server), r.Value, name, r.Place)
		if s.fault == NoMachine {
			s.fix = "correct or remove the record: " + r.Place
		}
		out = append(out, s)
	}
	if circle := j.circle(name); circle != nil {
		s := sight{node: "name." + name, does: "the record of " + name, fix: "let one of the aliases name an address"}
		out = append(out, s.broken(Loop, "aliases that lead to each other: %s", strings.Join(circle, ", ")))
	}
	if len(out) > 0 {
		return out
	}
	s := sight{node: "name." + name, does: "the record of " + name}
	if idle == "" {
		idle = "no name server that was read answers for it; another may"
	}
	return append(out, s.unknown("%s", idle))
}

// circle is a row of aliases that leads back to itself; nil without one.
func (j *judge) circle(name string) (row []string) {
	for at := name; ; {
		i := slices.IndexFunc(j.records[at], func(r record) bool { return r.Type == "CNAME" && j.serving[r.server] })
		if i < 0 {
			return nil
		}
		row = append(row, j.records[at][i].Place)
		at = j.records[at][i].Value
		if at == name {
			return row
		}
		if len(row) > 8 {
			return nil // it leads into another circle, which is told of its own names
		}
	}
}

// proxyOf judges the proxy of a route.
func (j *judge) proxyOf(s *site) sight {
	at := sight{node: s.id, yard: s.yard, container: s.by}
	if s.by != nil {
		switch s.by.State {
		case "running":
			return at.works("%s runs", s.by.Name)
		case "restarting":
			return at.unknown("%s restarts again and again", s.by.Name)
		}
		at.fix = "docker start " + s.by.Name
		return at.broken(NotRunning, "the container %s is %s", s.by.Name, s.by.State)
	}
	if len(s.yard.Listening) == 0 || sourceOf(s.Route) == Labels {
		return at.unknown("whether its %s runs was not seen", s.Proxy)
	}
	for _, p := range s.ports() {
		if takes(s.yard.Listening, p, true) && publisher(s.yard.Host, p) == nil {
			return at.works("something listens on port %d of %s", p, s.yard.Name)
		}
	}
	at.fix = "start " + s.Proxy + " on " + s.yard.Name
	return at.broken(NotRunning, "nothing listens on its ports on %s", s.yard.Name)
}

// ports are those on which a proxy takes requests of a route, as it sees them.
func (s *site) ports() []int {
	if len(s.Ports) > 0 {
		return s.Ports
	}
	return []int{443, 80}
}

// elsewhere judges a name that leads to another machine than the proxies that wait for
// it. It is wrong only where it is known that nothing there takes such requests.
func (j *judge) elsewhere(req request, at sight, waiting []*site) sight {
	s, first := at, waiting[0]
	s.node = first.id
	s.fix = fmt.Sprintf("let the name lead to %s, or remove the route: %s", first.yard.Name, first.Place)
	where := fmt.Sprintf("%s waits for it on %s, and the name leads to %s", first.Proxy, first.yard.Name, bare(at.node))
	switch {
	case at.yard == nil && at.container == nil && j.nodes[at.node] != nil && j.nodes[at.node].State == "stopped":
		return s.broken(Elsewhere, "%s, which is stopped", where)
	case at.yard == nil:
		return s.unknown("%s, of which it is not known whether it passes requests on: there is no host block for it", where)
	case at.yard.Told == nil || len(at.yard.Told.Unread) > 0 || len(at.yard.Listening) == 0:
		return s.unknown("%s, of which not everything was read", where)
	}
	var asked []int
	for _, w := range waiting {
		asked = append(asked, w.ports()...)
	}
	asked = append(asked, 80, 443)
	if req.port > 0 {
		asked = append(asked, req.port)
	}
	for _, p := range asked {
		if seen := j.port(sight{node: at.yard.id, yard: at.yard, ip: at.ip}, p, at.yard); seen.verdict != Broken && !j.passesNothing(seen, waiting) {
			return s.unknown("%s, where something answers on port %d", where, p)
		}
	}
	return s.broken(Elsewhere, "%s, where nothing takes requests for it", where)
}

// passesNothing reports a proxy of which every name is known that it takes, and none of
// whose routes leads to where a request is waited for, since nginx has its first one take
// the names that it does not know.
func (j *judge) passesNothing(seen sight, waiting []*site) bool {
	proxy := false
	for _, s := range j.sites {
		if s.yard != seen.yard || s.by != seen.container {
			continue
		}
		proxy = true
		if s.Wider || len(s.Hosts) == 0 || s.Proxy == "nginx" && (s.Unread != "" || j.leadsTo(s, waiting)) {
			return false
		}
	}
	return proxy
}

// leadsTo reports a route that leads to the machine of others, or may.
func (j *judge) leadsTo(s *site, others []*site) bool {
	for _, to := range s.To {
		for _, a := range j.endpoint(s, to) {
			if a.yard == nil && a.ip == "" || slices.ContainsFunc(others, func(o *site) bool { return a.yard == o.yard }) {
				return true
			}
		}
	}
	return false
}

// certificate tells which certificate is served for a request, and whether a newer one
// lies beside it.
func (w *way) certificate(req request, s *site) {
	if !s.TLS || req.port != 0 && req.port != 443 && !slices.Contains(s.Ports, req.port) {
		return
	}
	if h, ok := w.served(s, req.name); ok {
		w.add(h)
	}
}

// served judges what a proxy shows for a name. The host of the proxy is asked, and nobody
// else.
func (j *judge) served(s *site, name string) (Hop, bool) {
	ip, port := s.door()
	if port == 0 {
		return Hop{}, false
	}
	t := j.tried(s.yard.Host, doctor.Try{Kind: "certificate", Address: ip, Port: port, Name: name, File: j.onHost(s)})
	at := sight{node: "certificate." + s.yard.Name + ":" + s.Cert}
	if s.Cert == "" {
		at.node = s.id
	}
	does := fmt.Sprintf("shows a certificate for %s", name)
	if t.Shown == nil {
		return at.unknown("which one could not be asked: %s", t.Why).hop(does), true
	}
	until := t.Shown.Until.UTC().Format("2006-01-02")
	switch {
	case t.Filed != nil && t.Filed.Print != t.Shown.Print && t.Filed.From.After(t.Shown.From):
		at.fix = "have " + s.Proxy + " read its files again: " + reloads[s.Proxy]
		at = at.broken(NotServed, "it is of %s, and in %s lies one of %s", t.Shown.From.UTC().Format("2006-01-02"), s.Cert, t.Filed.From.UTC().Format("2006-01-02"))
	case t.Shown.Until.Before(j.At):
		at.fix = "renew it, and see why that has not happened"
		at = at.broken(Expired, "it has been out of date since %s", until)
	default:
		at = at.works("it is good until %s", until)
	}
	return at.hop(does), true
}

// reloads are the commands by which a proxy reads its files again.
var reloads = map[string]string{"nginx": "nginx -s reload", "caddy": "caddy reload", "traefik": "touch its file of routes"}

// onHost is where the file with the certificate of a route lies on the host, "" when it
// is not known.
func (j *judge) onHost(s *site) string {
	if s.by == nil || s.Cert == "" {
		return s.Cert
	}
	for _, b := range s.by.Binds {
		if doctor.Within(s.Cert, b.Target) && b.Source != "" {
			return b.Source + strings.TrimPrefix(s.Cert, b.Target)
		}
	}
	return ""
}

// door is where a host reaches its own proxy over TLS; port 0 when that is not known.
func (s *site) door() (ip string, port int) {
	for _, p := range s.ports() {
		if p == 80 && len(s.Ports) > 1 {
			continue
		}
		if s.by == nil || s.by.NetworkMode == "host" {
			return "127.0.0.1", p
		}
		for _, out := range s.by.Published {
			if out.Proto == "tcp" && out.Inner == p && s.by.State == "running" {
				if out.Address != "" {
					return out.Address, out.First
				}
				return "127.0.0.1", out.First
			}
		}
	}
	return "", 0
}

// plainHosts are the names of a route that are no patterns.
func plainHosts(r *wiring.Route) []string {
	return slices.DeleteFunc(slices.Clone(r.Hosts), func(h string) bool { return strings.HasPrefix(h, "*") })
}
