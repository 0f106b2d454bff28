package doctor

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"recon/inventory"
)

// addressOf names a container: by its service block, else by host and name.
func addressOf(f *Facts, h *Host, c *Container) string {
	for _, s := range f.Services {
		if s.Host == h.Name && (s.Container == c.Name || s.Container == c.Service && c.Service != "") {
			return s.Address
		}
	}
	return "host." + h.Name + "/" + c.Name
}

// fixFile says where a container's settings are changed.
func fixFile(c *Container) string {
	if c.File != "" {
		return "in " + c.File
	}
	return "in its compose file"
}

// containerDNS: the effective resolver of a container is not the declared one. A
// container with servers of its own means them.
func containerDNS(f *Facts) []inventory.Finding {
	var out []inventory.Finding
	for h, c := range f.containers() {
		if len(h.WantDNS) == 0 {
			continue
		}
		if c.State != "running" || c.OwnDNS || len(c.Resolvers) == 0 || sharesNetwork(c.NetworkMode) || slices.Equal(effective(c.Resolvers), effective(h.WantDNS)) {
			continue
		}
		fix := "recon apply, which writes dns into daemon.json and restarts the daemon"
		if slices.Equal(effective(h.DNSFile), effective(h.WantDNS)) {
			fix = "restart the container, which takes over the daemon's servers: docker restart " + c.Name
		}
		out = append(out, inventory.Finding{
			Address: addressOf(f, h, c), Summary: fmt.Sprintf("%s resolves through %s, not through %s", c.Name, strings.Join(c.Resolvers, ", "), strings.Join(h.WantDNS, ", ")),
			Evidence: []string{"resolv.conf of the container: " + strings.Join(c.Resolvers, ", "), h.Daemon + " declares dns = " + strings.Join(h.WantDNS, ", ")}, Fix: fix,
		})
	}
	return out
}

// effective are the servers that a container's resolver uses: the first three
// (resolv.conf(5), MAXNS), without those on loopback, which Docker leaves out for
// containers that cannot reach them.
func effective(servers []string) []string {
	var out []string
	for _, s := range servers {
		if a, err := netip.ParseAddr(s); (err != nil || !a.IsLoopback()) && len(out) < 3 {
			out = append(out, s)
		}
	}
	return out
}

// hostDNS: the machine itself asks other servers than its guest declares.
func hostDNS(f *Facts) []inventory.Finding {
	var out []inventory.Finding
	for i := range f.Hosts {
		h := &f.Hosts[i]
		if h.Guest == nil || len(h.Guest.Nameservers) == 0 || len(h.Resolvers) == 0 || h.Stub {
			continue
		}
		if !slices.ContainsFunc(h.Resolvers, func(s string) bool { return slices.Contains(h.Guest.Nameservers, s) }) {
			out = append(out, inventory.Finding{
				Address: "host." + h.Name, Summary: fmt.Sprintf("%s asks %s, and %s declares %s", h.Name, strings.Join(h.Resolvers, ", "), h.Guest.Address, strings.Join(h.Guest.Nameservers, ", ")),
				Evidence: []string{"/etc/resolv.conf of " + h.Name + ": " + strings.Join(h.Resolvers, ", ")},
				Fix:      "see what writes /etc/resolv.conf there (ls -l /etc/resolv.conf), or declare the servers that it has",
			})
		}
	}
	return out
}

// sharedNetworkMissing: a container names another one of its host, and no network
// is common to them; or a label names a network that it is not on.
func sharedNetworkMissing(f *Facts) []inventory.Finding {
	var out []inventory.Finding
	for h, c := range f.containers() {
		if c.State != "running" || sharesNetwork(c.NetworkMode) {
			continue
		}
		if c.WantNetwork != "" && !slices.Contains(c.Networks, c.WantNetwork) {
			out = append(out, inventory.Finding{
				Address: addressOf(f, h, c), Summary: fmt.Sprintf("Traefik is told to reach %s over the network %s, which it is not on", c.Name, c.WantNetwork),
				Evidence: []string{"label traefik.docker.network = " + c.WantNetwork, "networks: " + strings.Join(c.Networks, ", ")},
				Fix:      fmt.Sprintf("add %s to networks: of %s %s, and declare it external there", c.WantNetwork, c.Name, fixFile(c)),
			})
		}
		for _, name := range c.Names {
			out = append(out, unreachable(f, h, c, name)...)
		}
	}
	for i := range f.Files {
		out = append(out, fileNetworks(&f.Files[i])...)
	}
	return out
}

func unreachable(f *Facts, h *Host, c *Container, name string) []inventory.Finding {
	for k := range h.Containers {
		n := &h.Containers[k]
		if n.Name != name && n.Service != name || n.State != "running" || n.Name == c.Name {
			continue
		}
		if shared := common(c.Networks, n.Networks); sharesNetwork(n.NetworkMode) || shared != "" && shared != "bridge" {
			return nil
		}
	}
	var target *Container
	for k := range h.Containers {
		if n := &h.Containers[k]; (n.Name == name || n.Service == name) && n.Name != c.Name && n.State == "running" {
			target = n
		}
	}
	if target == nil {
		return nil
	}
	return []inventory.Finding{{
		Address: addressOf(f, h, c), Summary: fmt.Sprintf("%s names %s and is on no network with it", c.Name, name),
		Evidence: []string{fmt.Sprintf("networks of %s: %s", c.Name, strings.Join(c.Networks, ", ")), fmt.Sprintf("networks of %s: %s", target.Name, strings.Join(target.Networks, ", "))},
		Fix:      fmt.Sprintf("put both on one network: networks: [%s] for %s %s", strings.Join(target.Networks, ", "), c.Name, fixFile(c)),
	}}
}

func fileNetworks(file *File) []inventory.Finding {
	var out []inventory.Finding
	for _, s := range file.Services {
		if s.WantNetwork == "" || sharesNetwork(s.NetworkMode) || slices.ContainsFunc(append(s.Networks, s.WantNetwork), nameElsewhere) ||
			slices.ContainsFunc(s.Networks, func(n string) bool { return n == s.WantNetwork || strings.HasSuffix(s.WantNetwork, "_"+n) }) {
			continue
		}
		out = append(out, inventory.Finding{
			Address: s.Place, Summary: fmt.Sprintf("Traefik is told to reach %s over the network %s, which it is not on", s.Name, s.WantNetwork),
			Evidence: []string{"label traefik.docker.network = " + s.WantNetwork, "networks: " + strings.Join(s.Networks, ", ")},
			Fix:      fmt.Sprintf("add %s to networks: of %s", s.WantNetwork, s.Name),
		})
	}
	return out
}

// resolvConfBind: a file lies over the resolv.conf that Docker makes, and with it over
// the server that knows the names of neighbours. A DNS server may want to ask no other.
func resolvConfBind(f *Facts) []inventory.Finding {
	var out []inventory.Finding
	add := func(addr, name string, b *Bind, where string) {
		out = append(out, inventory.Finding{
			Address: addr, Summary: fmt.Sprintf("%s has a file over /etc/resolv.conf, and does not find its neighbours by name", name),
			Evidence: []string{fmt.Sprintf("%s is mounted at /etc/resolv.conf", b.Source), "on a network of its own Docker's server 127.0.0.11 answers for the names of containers"},
			Fix:      fmt.Sprintf("take %s out of volumes: of %s %s; servers for other names go under dns:", line(b), name, where),
		})
	}
	for h, c := range f.containers() {
		if b := bindAt(c.Binds, "/etc/resolv.conf"); b != nil && c.State == "running" && !sharesNetwork(c.NetworkMode) && c.NetworkMode != "bridge" && !servesDNS(c.Image, c.Published) {
			add(addressOf(f, h, c), c.Name, b, fixFile(c))
		}
	}
	for _, s := range f.services() {
		if b := bindAt(s.Binds, "/etc/resolv.conf"); b != nil && !sharesNetwork(s.NetworkMode) && s.NetworkMode != "bridge" && !servesDNS(s.Image, s.Published) {
			add(s.Place, s.Name, b, "in this file")
		}
	}
	return out
}

func bindAt(binds []Bind, target string) *Bind {
	if i := slices.IndexFunc(binds, func(b Bind) bool { return b.Target == target }); i >= 0 {
		return &binds[i]
	}
	return nil
}

var dnsServers = []string{"pihole", "adguardhome", "unbound", "bind9", "dnsmasq", "coredns", "blocky", "technitium", "dns-server", "powerdns"}

func servesDNS(image string, ports []Publish) bool {
	return slices.Contains(dnsServers, ImageName(image)) || slices.ContainsFunc(ports, func(p Publish) bool { return p.First <= 53 && 53 <= p.Last })
}

// hostNetworkWithPorts: ports: beside network_mode: host are left out by Docker.
func hostNetworkWithPorts(f *Facts) []inventory.Finding {
	var out []inventory.Finding
	for _, s := range f.services() {
		if s.NetworkMode == "host" && len(s.Ignored) > 0 {
			out = append(out, inventory.Finding{
				Address: s.Place, Summary: fmt.Sprintf("ports: of %s do nothing beside network_mode: host", s.Name),
				Evidence: []string{"network_mode: host", "ports: " + strings.Join(s.Ignored, ", ")},
				Fix:      fmt.Sprintf("take ports: out of %s: it listens on the ports of its program, and those are the host's; or take network_mode: host out", s.Name),
			})
		}
	}
	return out
}

// nameElsewhere reports a network whose name the file does not tell: the default one,
// which is named after the project or by another file of it, or a variable.
func nameElsewhere(network string) bool {
	return network == "default" || strings.ContainsAny(network, "${")
}

// duplicateIP: two guests or hosts have one address.
func duplicateIP(f *Facts) []inventory.Finding {
	var out []inventory.Finding
	first := map[string]string{}
	for _, g := range f.Guests {
		for _, ip := range g.IPs {
			other, taken := first[ip]
			if !taken {
				first[ip] = g.Address
				continue
			}
			if other != g.Address {
				out = append(out, inventory.Finding{
					Severity: "error", Address: g.Address, Summary: fmt.Sprintf("%s and %s both have %s", other, g.Address, ip),
					Evidence: []string{other + " has " + ip, g.Address + " has " + ip}, Fix: "give one of them another address",
				})
			}
		}
	}
	return out
}
