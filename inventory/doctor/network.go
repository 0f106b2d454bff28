package doctor

import (
	"fmt"
	"net/netip"
	"regexp"
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

// containerLocalhost: a setting names localhost and a port on which nothing
// listens in the container, and something does on the host or in a neighbour.
// Healthchecks run inside the container and are no facts of this rule.
func containerLocalhost(f *Facts) []inventory.Finding {
	var out []inventory.Finding
	for h, c := range f.containers() {
		if c.State != "running" || sharesNetwork(c.NetworkMode) {
			continue
		}
		for _, l := range c.Locals {
			if finding, ok := localFinding(f, h, c, l); ok {
				out = append(out, finding)
			}
		}
	}
	for i := range f.Files {
		out = append(out, fileLocalhost(&f.Files[i])...)
	}
	return out
}

// sharesNetwork reports a network mode in which localhost may well be meant.
func sharesNetwork(mode string) bool {
	return mode == "host" || mode == "none" || strings.HasPrefix(mode, "container:") || strings.HasPrefix(mode, "service:")
}

func localFinding(f *Facts, h *Host, c *Container, l Local) (inventory.Finding, bool) {
	if listens(c.Listening, l.Port) || c.Listening == nil {
		return inventory.Finding{}, false
	}
	finding := inventory.Finding{
		Severity: "error", Address: addressOf(f, h, c), Summary: fmt.Sprintf("%s calls %s:%d, which is the container itself", c.Name, l.Host, l.Port),
		Evidence: []string{fmt.Sprintf("%s of %s names %s:%d", l.Where, c.Name, l.Host, l.Port), fmt.Sprintf("nothing listens on port %d in its network namespace", l.Port)},
	}
	for k := range h.Containers {
		n := &h.Containers[k]
		if n.Name != c.Name && n.State == "running" && !sharesNetwork(n.NetworkMode) && listens(n.Listening, l.Port) {
			finding.Evidence = append(finding.Evidence, fmt.Sprintf("%s listens on port %d", n.Name, l.Port))
			finding.Fix = fmt.Sprintf("write %s:%d in place of %s:%d %s, and put both on one network", n.Name, l.Port, l.Host, l.Port, fixFile(c))
			if common(c.Networks, n.Networks) != "" && common(c.Networks, n.Networks) != "bridge" {
				finding.Fix = fmt.Sprintf("write %s:%d in place of %s:%d %s; both are on the network %s", n.Name, l.Port, l.Host, l.Port, fixFile(c), common(c.Networks, n.Networks))
			}
			return finding, true
		}
	}
	p, on := onHost(h.Listening, l.Port)
	if !on {
		return finding, false
	}
	finding.Evidence = append(finding.Evidence, fmt.Sprintf("the host %s listens on port %d", h.Name, l.Port))
	finding.Fix = fmt.Sprintf("write host.docker.internal:%d in place of %s:%d and add extra_hosts: [\"host.docker.internal:host-gateway\"] %s", l.Port, l.Host, l.Port, fixFile(c))
	if p.Local {
		finding.Fix += "; the program on the host listens on loopback only and must listen on the address of the bridge too"
	}
	return finding, true
}

func listens(ports []Port, n int) bool {
	return slices.ContainsFunc(ports, func(p Port) bool { return p.Number == n && p.Proto == "tcp" })
}

// onHost returns the port of the host, the one that others can reach when there
// are several.
func onHost(ports []Port, n int) (Port, bool) {
	found, on := Port{}, false
	for _, p := range ports {
		if p.Number == n && p.Proto == "tcp" && (!on || !p.Local) {
			found, on = p, true
		}
	}
	return found, on
}

func common(a, b []string) string {
	for _, n := range a {
		if slices.Contains(b, n) {
			return n
		}
	}
	return ""
}

// forBrowsers are settings that a program hands on to a browser, or compares with what
// one sends: there localhost is the user's own machine.
var forBrowsers = regexp.MustCompile(`(?i)PUBLIC|EXTERNAL|(\b|_)(APP|BASE|ROOT|SITE|SERVER|WEB|FRONTEND|STORAGE)_?URL|CORS|ORIGIN|REDIRECT|CALLBACK|NEXT_|REACT_APP|VITE|ALLOWED|ADVERTISED`)

// fileLocalhost judges a compose file, where nothing runs: the port must be one
// that another service of the file has, and not one of its own.
func fileLocalhost(file *File) []inventory.Finding {
	var out []inventory.Finding
	for _, s := range file.Services {
		if sharesNetwork(s.NetworkMode) {
			continue
		}
		for _, l := range s.Locals {
			if forBrowsers.MatchString(l.Where) || slices.Contains(s.Ports, l.Port) || slices.Contains(s.Publishes, l.Port) || slices.ContainsFunc(file.Services, func(o ComposeService) bool { return o.NetworkMode == "service:"+s.Name }) {
				continue
			}
			for _, o := range file.Services {
				published := slices.Contains(o.Publishes, l.Port)
				if o.Name == s.Name || !published && !slices.Contains(o.Ports, l.Port) && usualPort(o.Image) != l.Port || sharesNetwork(o.NetworkMode) && o.NetworkMode != "host" {
					continue
				}
				out = append(out, inventory.Finding{
					Address: file.place(s.Line), Summary: fmt.Sprintf("%s calls %s:%d, which is the container itself", s.Name, l.Host, l.Port),
					Evidence: []string{fmt.Sprintf("%s of %s names %s:%d", l.Where, s.Name, l.Host, l.Port), fmt.Sprintf("the service %s has port %d", o.Name, l.Port)},
					Fix:      fmt.Sprintf("write %s:%d in place of %s:%d", o.Name, innerPort(o, l.Port), l.Host, l.Port),
				})
				break
			}
		}
	}
	return out
}

// usualPort is where the program of a well-known image listens, which a neighbour's
// compose entry has no reason to say; 0 for any other image.
func usualPort(image string) int {
	name := image[strings.LastIndexByte(image, '/')+1:]
	if end := strings.IndexAny(name, ":@"); end >= 0 {
		name = name[:end]
	}
	return map[string]int{
		"redis": 6379, "valkey": 6379, "memcached": 11211, "postgres": 5432, "postgresql": 5432, "mysql": 3306, "mariadb": 3306, "mongo": 27017, "rabbitmq": 5672,
		"influxdb": 8086, "elasticsearch": 9200, "eclipse-mosquitto": 1883, "prometheus": 9090,
	}[name]
}

// innerPort is the port at which a neighbour reaches a service: that of the
// container. Which one a published port leads to is only clear when there is one.
func innerPort(s ComposeService, port int) int {
	if !slices.Contains(s.Ports, port) && len(s.Ports) == 1 {
		return s.Ports[0]
	}
	return port
}

// place writes a line of the file the way compilers do.
func (f *File) place(line int) string {
	if line == 0 {
		line = f.Line
	}
	if line == 0 {
		return f.Path
	}
	return fmt.Sprintf("%s:%d", f.Path, line)
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
			Address: file.place(s.Line), Summary: fmt.Sprintf("Traefik is told to reach %s over the network %s, which it is not on", s.Name, s.WantNetwork),
			Evidence: []string{"label traefik.docker.network = " + s.WantNetwork, "networks: " + strings.Join(s.Networks, ", ")},
			Fix:      fmt.Sprintf("add %s to networks: of %s", s.WantNetwork, s.Name),
		})
	}
	return out
}

// nameElsewhere reports a network whose name the file does not tell: the default one,
// which is named after the project or by another file of it, or a variable.
func nameElsewhere(network string) bool {
	return network == "default" || strings.ContainsAny(network, "${")
}

// portConflict: a container could not start because its port is taken, or two
// services of one file publish the same port.
func portConflict(f *Facts) []inventory.Finding {
	var out []inventory.Finding
	for h, c := range f.containers() {
		if c.State == "running" {
			continue
		}
		for _, port := range c.Published {
			if finding, ok := takenPort(f, h, c, port); ok {
				out = append(out, finding)
			}
		}
	}
	for i := range f.Files {
		out = append(out, filePorts(&f.Files[i])...)
	}
	return out
}

func takenPort(f *Facts, h *Host, c *Container, port int) (inventory.Finding, bool) {
	who := ""
	for k := range h.Containers {
		if n := &h.Containers[k]; n.Name != c.Name && n.State == "running" && slices.Contains(n.Published, port) {
			who = n.Name
		}
	}
	if _, on := onHost(h.Listening, port); who == "" && (!on || c.Conflict == "") || c.State == "exited" && c.Conflict == "" {
		return inventory.Finding{}, false
	}
	if who == "" {
		who = "another program of the host"
	}
	return inventory.Finding{
		Severity: "error", Address: addressOf(f, h, c), Summary: fmt.Sprintf("%s does not run, and its port %d belongs to %s", c.Name, port, who),
		Evidence: []string{fmt.Sprintf("%s is %s and publishes port %d", c.Name, c.State, port), fmt.Sprintf("%s listens on it", who)},
		Fix:      fmt.Sprintf("give %s another port of the host under ports: %s", c.Name, fixFile(c)),
	}, true
}

func filePorts(file *File) []inventory.Finding {
	var out []inventory.Finding
	owners := map[int][]*ComposeService{}
	for i := range file.Services {
		s := &file.Services[i]
		for _, port := range s.Publishes {
			k := slices.IndexFunc(owners[port], func(o *ComposeService) bool { return o != s && together(o, s) })
			if k >= 0 {
				other := owners[port][k].Name
				out = append(out, inventory.Finding{
					Severity: "error", Address: file.place(s.Line), Summary: fmt.Sprintf("%s and %s both publish port %d", other, s.Name, port),
					Evidence: []string{fmt.Sprintf("ports: of %s and of %s", other, s.Name)}, Fix: fmt.Sprintf("give %s another port of the host", s.Name),
				})
			}
			owners[port] = append(owners[port], s)
		}
	}
	return out
}

// together reports services that can run at the same time: those of two profiles are
// often alternatives.
func together(a, b *ComposeService) bool {
	return len(a.Profiles) == 0 || len(b.Profiles) == 0 || common(a.Profiles, b.Profiles) != ""
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
