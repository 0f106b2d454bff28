package graph

import (
	"cmp"
	"slices"
	"strings"

	"recon/inventory"
	"recon/inventory/doctor"
	"recon/inventory/wiring"
)

// host adds a machine that is reached over SSH: the guest that it is, its addresses, its
// daemon and the folders of other machines that it mounts.
func (b *builder) host(h *doctor.Host) {
	n := b.node("host."+h.Name, Host, h.Name, "")
	b.hosts[n.ID] = h
	guest := ""
	if h.Guest != nil && b.nodes[h.Guest.Address] != nil {
		guest = h.Guest.Address
		b.edge(n.ID, guest, RunsOn, Declared, true, "guest of the host block %s", h.Name)
	}
	for _, ip := range h.Addresses {
		if other := b.machines[ip]; guest == "" && other != "" && other != n.ID {
			guest = other
			b.edge(n.ID, other, RunsOn, Live, true, "both have the address %s", ip)
		}
	}
	b.guestOf[n.ID] = guest
	for _, ip := range slices.Concat(h.Addresses, b.addresses[guest]) {
		if bridge(ip, h) {
			continue // every Docker host has the address of its own bridge
		}
		b.machines[ip] = n.ID // what answers there is known through the host
		b.at(ip, n.ID)
	}
	if !h.Stub {
		b.resolver(n.ID, h.Resolvers, Live, "resolv.conf of %s", h.Name)
	} else {
		b.gap(NameServers, n.ID, "the name servers of", "its resolv.conf names a stub on the host itself, and not whom that asks")
	}
	lost := slices.ContainsFunc(b.Lost, func(g Gap) bool { return slices.Contains(g.About, n.ID) })
	if h.Told == nil && !lost {
		b.gap(Anything, n.ID, "the files of proxies and name servers on "+h.Name, "they were not read")
	}
}

// bridge reports an address of a network that Docker made, which is no machine's alone.
func bridge(ip string, h *doctor.Host) bool {
	for _, c := range h.Containers {
		for _, own := range c.IPs {
			if i := strings.LastIndexByte(own, '.'); i > 0 && strings.HasPrefix(ip, own[:i+1]) && strings.HasSuffix(ip, ".1") {
				return true
			}
		}
	}
	return strings.HasPrefix(ip, "172.17.")
}

// dockerThing adds a daemon or a container that was observed.
func (b *builder) dockerThing(t *Thing) {
	r := &t.Resource
	if inventory.IsGuest(r.Addr.Kind) {
		return
	}
	host := b.node("host."+inventory.HostOf(r.Identity), Host, inventory.HostOf(r.Identity), Unknown).ID
	id := b.ids[r.Identity]
	switch r.Addr.Kind {
	case inventory.KindDaemon:
		n := b.node(id, Daemon, r.Addr.Name, stateOf(t))
		n.At = t.At
		b.edge(id, host, RunsOn, Live, true, "the Docker daemon of %s", inventory.HostOf(r.Identity))
	case inventory.KindService:
		name := cmp.Or(inventory.Text(r.Attrs["container"]), inventory.LocalOf(r.Identity))
		n := b.node(id, Container, name, stateOf(t))
		n.At = t.At
	}
}

// daemon is the node that containers of a host run on.
func (b *builder) daemon(h *doctor.Host) string {
	if id, ok := b.ids[inventory.DockerIdentity(h.Name, "")]; ok && b.nodes[id] != nil {
		return id
	}
	return "host." + h.Name
}

// container is the node of a container of a host.
func (b *builder) container(h *doctor.Host, name string) string {
	return cmp.Or(b.yards[h.Name].nodes[name], inventory.DockerIdentity(h.Name, name))
}

// A yard is a host with its containers under every name that they have there.
type yard struct {
	*doctor.Host
	id    string
	nodes map[string]string              // of containers by name
	names map[string][]*doctor.Container // under which other containers know them
}

func (b *builder) yard(h *doctor.Host) *yard {
	y := &yard{Host: h, id: "host." + h.Name, nodes: map[string]string{}, names: map[string][]*doctor.Container{}}
	for _, r := range b.services[h.Name] {
		y.nodes[cmp.Or(inventory.Text(r.Attrs["container"]), inventory.LocalOf(r.Identity))] = b.ids[r.Identity]
	}
	for i := range h.Containers {
		c := &h.Containers[i]
		if y.nodes[c.Name] == "" {
			y.nodes[c.Name] = inventory.DockerIdentity(h.Name, c.Name)
		}
		names := append([]string{strings.ToLower(c.Name), strings.ToLower(c.Service)}, c.Aliases...)
		slices.Sort(names)
		for _, n := range slices.Compact(names) {
			if n != "" {
				y.names[strings.ToLower(n)] = append(y.names[strings.ToLower(n)], c)
			}
		}
	}
	return y
}

// containers adds the containers of a host and what their settings say.
func (b *builder) containers(h *doctor.Host) {
	y, daemon := b.yards[h.Name], b.daemon(h)
	for i := range h.Containers {
		c := &h.Containers[i]
		id := y.nodes[c.Name]
		n := b.node(id, Container, c.Name, c.State)
		n.Attrs = map[string]string{"host": h.Name}
		if c.Project != "" {
			n.Attrs["project"] = c.Project
		}
		if c.Restart == "" || c.Restart == "no" {
			n.Attrs["restart"] = "no"
		}
		n.Aliases = append(n.Aliases, strings.ToLower(h.Name+"/"+c.Name))
		b.edge(id, daemon, RunsOn, Live, true, "%s is a container of %s", c.Name, h.Name)
		for _, net := range c.Networks {
			if !slices.Contains([]string{"host", "none", "bridge"}, net) {
				b.node("network."+h.Name+"/"+net, Network, h.Name+"/"+net, "")
				b.edge(id, "network."+h.Name+"/"+net, AttachedTo, Live, true, "%s is on the network %s", c.Name, net)
			}
		}
		b.resolver(id, c.Resolvers, Live, "the resolver of %s", c.Name)
		b.mounts(y, c, id)
		b.needs(y, c, id)
		for _, call := range c.Calls {
			b.call(y, c, call)
		}
	}
}

// mounts are the folders of the host that a container has, and whose they are.
func (b *builder) mounts(y *yard, c *doctor.Container, id string) {
	for _, bind := range c.Binds {
		if bind.Source == "" || bind.Volume != "" {
			continue
		}
		var s wiring.Share // the innermost one, where one is mounted in another
		for _, share := range y.Shares {
			if doctor.Within(bind.Source, share.Point) && len(share.Point) > len(s.Point) {
				s = share
			}
		}
		if s.Point == "" {
			continue // a folder of the host's own goes with the host
		}
		path := y.Name + ":" + s.Point
		b.node("path."+path, Path, path, "")
		b.edge(id, "path."+path, Mounts, Live, true, "%s mounts %s of the host as %s", c.Name, bind.Source, bind.Target)
		to, sure := b.machine(s.Server)
		b.edge("path."+path, to, StoredOn, Config, sure, "fstab of %s: %s is %s:%s (%s)", y.Name, s.Point, s.Server, s.Path, s.Type)
	}
}

// needs are the containers that a container names: by compose, or by its network.
func (b *builder) needs(y *yard, c *doctor.Container, id string) {
	for _, need := range c.Needs {
		for _, other := range y.names[strings.ToLower(need.Service)] {
			if other.Project == c.Project && other.Service == need.Service {
				b.edge(id, y.nodes[other.Name], DependsOn, Compose, true, "depends_on of %s in compose: %s", c.Name, need.Service)
			}
		}
	}
	if name, ok := strings.CutPrefix(c.NetworkMode, "container:"); ok {
		for _, other := range y.names[strings.ToLower(name)] {
			b.edge(id, y.nodes[other.Name], DependsOn, Live, true, "%s has the network of %s", c.Name, other.Name)
		}
	}
}

// call adds what a setting of a container names.
func (b *builder) call(y *yard, c *doctor.Container, call wiring.Call) {
	from := y.nodes[c.Name]
	for _, a := range b.answers(y, c, call.To, call.Sure) {
		b.edge(from, a.id, a.kind, Environment, a.sure, "environment %s of %s: %s", call.Setting, c.Name, call.To)
	}
}

// An answer is what a setting leads to.
type answer struct {
	id   string
	kind EdgeKind
	sure bool
}

// answers finds what an endpoint is, as seen from a container, or from the host when
// there is none: a neighbour on the same network, a port of the host, a machine by its
// address or by a name that some server knows. What nobody knows is a node of state
// unknown, if the setting is sure to be one that names something.
func (b *builder) answers(y *yard, c *doctor.Container, e wiring.Endpoint, sure bool) []answer {
	if id := y.nodes[e.Container]; e.Container != "" && id != "" {
		return []answer{{id, Calls, true}}
	}
	if id := y.neighbour(c, e); id != "" {
		return []answer{{id, Calls, true}}
	}
	own := loopback(e.Host)
	switch {
	case own && c != nil && c.NetworkMode != "host":
		return nil // itself, and the doctor's to tell
	case own || e.Host == "host.docker.internal":
		return []answer{{b.listens(y.id, e.DefaultPort()), Calls, true}}
	case wiring.IsIP(e.Host):
		if id := b.machines[e.Host]; id != "" {
			return []answer{{b.listens(id, e.DefaultPort()), Calls, true}}
		}
		if sure {
			return []answer{{b.node("host."+e.Host, Host, e.Host, Unknown).ID, Calls, true}}
		}
		return nil
	}
	if len(b.lookup(e.Host)) > 0 {
		out := []answer{{b.dnsName(e.Host), NamedBy, true}}
		for _, r := range b.lookup(e.Host) {
			if id := b.machines[r.Value]; id != "" {
				out = append(out, answer{b.listens(id, e.DefaultPort()), Calls, true})
			}
		}
		return out
	}
	if id := b.called(e.Host); id != "" && (sure || strings.Contains(e.Host, ".")) {
		return []answer{{b.listens(id, e.DefaultPort()), Calls, false}}
	}
	if sure && strings.Contains(e.Host, ".") {
		return []answer{{b.dnsName(e.Host), Calls, true}}
	}
	return nil
}

func loopback(host string) bool {
	return host == "localhost" || host == "::1" || strings.HasPrefix(host, "127.")
}

// neighbour is a container of the same host that has the name of an endpoint, where
// both are on one network.
func (y *yard) neighbour(c *doctor.Container, e wiring.Endpoint) string {
	for _, other := range y.names[e.Host] {
		if c == nil || other.Name == c.Name {
			continue
		}
		if len(c.Networks) == 0 || slices.ContainsFunc(c.Networks, func(n string) bool { return slices.Contains(other.Networks, n) }) {
			return y.nodes[other.Name]
		}
	}
	for i := range y.Containers {
		if other := &y.Containers[i]; slices.Contains(other.IPs, e.Host) {
			return y.nodes[other.Name]
		}
	}
	return ""
}

// listens is who answers on a port of a machine: the container that publishes it, else
// the machine.
func (b *builder) listens(machine string, port int) string {
	h := b.hosts[machine]
	if h == nil || port == 0 {
		return machine
	}
	if c := publisher(h, port); c != nil {
		return b.container(h, c.Name)
	}
	return machine
}

// publisher is the container that a port of a host leads into, nil when none is known.
func publisher(h *doctor.Host, port int) *doctor.Container {
	for i := range h.Containers {
		c := &h.Containers[i]
		if slices.ContainsFunc(c.Published, func(p doctor.Publish) bool { return p.First <= port && port <= p.Last && c.State == "running" }) {
			return c
		}
		if c.NetworkMode == "host" && slices.ContainsFunc(c.Listening, func(p doctor.Port) bool { return p.Number == port && !p.Local }) {
			return c
		}
	}
	return nil
}
