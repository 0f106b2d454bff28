package graph

import (
	"fmt"
	"slices"
	"strings"

	"recon/inventory/doctor"
	"recon/inventory/wiring"
)

// endpoint judges what a route leads to, as its proxy sees it: one sight for each machine
// that it may be.
func (j *judge) endpoint(s *site, e wiring.Endpoint) []sight {
	y, c := s.yard, s.by
	at := sight{yard: y}
	port := e.DefaultPort()
	borrowed := c != nil && strings.HasPrefix(c.NetworkMode, "container:")
	if e.Container != "" {
		if own := y.container(e.Container); own != nil {
			at.node = y.nodes[own.Name]
			return []sight{j.beside(at, c, own, port)}
		}
	}
	if own := y.known(e.Host, c); own != nil {
		at.node = y.nodes[own.Name]
		return []sight{j.beside(at, c, own, port)}
	}
	switch {
	case loopback(e.Host) && borrowed:
		at.node = y.nodes[c.Name]
		return []sight{at.unknown("%s has the network of another container", c.Name)}
	case loopback(e.Host) && c != nil && c.NetworkMode != "host":
		at.node = y.nodes[c.Name]
		if takes(c.Listening, port, true) {
			return []sight{at.works("%s listens there itself", c.Name)}
		}
		return []sight{j.inside(at, c, port)}
	case loopback(e.Host):
		return []sight{j.local(y, port)}
	case e.Host == "host.docker.internal" || bridge(e.Host, y.Host):
		at.node, at.ip = y.id, e.Host
		return []sight{j.port(at, port, y)}
	case wiring.IsIP(e.Host):
		at = j.address(e.Host, y)
		if at.verdict != Works && !(at.verdict == NotKnown && j.tried(y.Host, doctor.Try{Kind: "address", Address: e.Host}).Outcome == doctor.Present) {
			at.fix = "start the machine, or correct the address"
			return []sight{at}
		}
		return []sight{j.port(at, port, y)}
	}
	return j.named(s, e)
}

// local judges a port of the host's own loopback.
func (j *judge) local(y *yard, port int) sight {
	at := sight{node: y.id, yard: y, ip: "127.0.0.1", inner: port}
	if takes(y.Listening, port, true) {
		if c, inner := publishes(y.Host, port, at.ip); c != nil {
			at.node, at.container, at.inner = y.nodes[c.Name], c, inner
		}
		return at.works("something listens on port %d of %s", port, y.Name)
	}
	return j.port(at, port, y)
}

// beside judges a container of the proxy's own host.
func (j *judge) beside(at sight, proxy, c *doctor.Container, port int) sight {
	apart := proxy != nil && proxy != c && proxy.NetworkMode != "host" && !borrows(proxy) && !borrows(c) && c.NetworkMode != "host"
	if apart && len(proxy.Networks) > 0 && len(c.Networks) > 0 && c.State == "running" && !slices.ContainsFunc(c.Networks, func(n string) bool { return slices.Contains(proxy.Networks, n) }) {
		at.container, at.inner = c, port
		at.fix = fmt.Sprintf("put %s on one of the networks of %s", c.Name, proxy.Name)
		return at.broken(Apart, "%s is on %s, and %s on %s", proxy.Name, strings.Join(proxy.Networks, ", "), c.Name, strings.Join(c.Networks, ", "))
	}
	return j.inside(at, c, port)
}

func borrows(c *doctor.Container) bool { return strings.HasPrefix(c.NetworkMode, "container:") }

// known is the container that a proxy means by a name or an address: one on a network
// that both are on before one that it cannot reach.
func (y *yard) known(name string, proxy *doctor.Container) (found *doctor.Container) {
	for i := range y.Containers {
		if c := &y.Containers[i]; slices.Contains(c.IPs, name) {
			return c
		}
	}
	if proxy == nil {
		return nil // the names of containers are known to containers alone
	}
	for _, c := range y.names[name] {
		if found == nil || slices.ContainsFunc(c.Networks, func(n string) bool { return slices.Contains(proxy.Networks, n) }) {
			found = c
		}
	}
	return found
}

// named judges what a name leads to that is no container's.
func (j *judge) named(s *site, e wiring.Endpoint) (out []sight) {
	y := s.yard
	for _, r := range j.lookup(e.Host) {
		if j.serving[r.server] {
			at := j.address(r.Value, y)
			if at.verdict == Works {
				at = j.port(at, e.DefaultPort(), y)
			}
			at.saw += fmt.Sprintf(" (%s is %s: %s)", e.Host, r.Value, r.Place)
			out = append(out, at)
		}
	}
	if len(out) > 0 {
		return out
	}
	at := sight{node: y.id}
	if id := j.called(e.Host); id != "" {
		at.node = id
		return []sight{at.unknown("it is called so, and whether it is meant is not known")}
	}
	at.node = "name." + e.Host
	if strings.Contains(e.Host, ".") || s.by == nil || s.by.OwnDNS || borrows(s.by) || slices.Contains(s.by.Told, e.Host) {
		return []sight{at.unknown("no record that was read is for %s", e.Host)}
	}
	t := j.tried(y.Host, doctor.Try{Kind: "name", Name: e.Host})
	if t.Outcome != doctor.Absent {
		return []sight{at.unknown("no container of %s is called %s, and whether a name server knows it is not known", y.Name, e.Host)}
	}
	at.fix = "start the container " + e.Host + ", or remove the route"
	return []sight{at.broken(Nobody, "no container of %s is called %s, and no name server that %s asks knows the name", y.Name, e.Host, y.Name)}
}
