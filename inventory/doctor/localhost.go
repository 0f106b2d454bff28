package doctor

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"recon/inventory"
)

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
var forBrowsers = regexp.MustCompile(`(?i)PUBLIC|EXTERNAL|(\b|_)(APP|BASE|ROOT|SITE|SERVER|WEB|WS|HOME|FRONTEND|STORAGE)_?URL|CORS|ORIGIN|REDIRECT|CALLBACK|NEXT_|NEXTAUTH|DOMAIN|REACT_APP|VITE|ALLOWED|ADVERTISED|ISSUER|AUDIENCE|homepage\.href`)

// fileLocalhost judges a compose file, where nothing runs: the port must be one
// that another service of the file has, and not one of its own.
func fileLocalhost(file *File) []inventory.Finding {
	var out []inventory.Finding
	for i := range file.Services {
		s := &file.Services[i]
		if sharesNetwork(s.NetworkMode) || file.shared(s) {
			continue
		}
		for _, l := range s.Locals {
			if forBrowsers.MatchString(l.Where) || slices.Contains(s.Ports, l.Port) || publishes(s.Published, l.Port) || usualPort(s.Image) == l.Port {
				continue
			}
			if o := file.listener(s, l.Port); o != nil {
				out = append(out, callsItself(s, o, l))
			}
		}
	}
	return out
}

// shared reports a service whose network another one of the file is in: its localhost
// is the other one's too.
func (f *File) shared(s *ComposeService) bool {
	return slices.ContainsFunc(f.Services, func(o ComposeService) bool {
		return o.NetworkMode == "service:"+s.Name || s.Container != "" && o.NetworkMode == "container:"+s.Container
	})
}

// listener returns the neighbour that has a port: on the host, which people mean by
// localhost, or in its container.
func (f *File) listener(s *ComposeService, port int) *ComposeService {
	for i := range f.Services {
		o := &f.Services[i]
		if o.Name != s.Name && (o.NetworkMode == "host" || !sharesNetwork(o.NetworkMode)) && (publishes(o.Published, port) || slices.Contains(o.Ports, port) || usualPort(o.Image) == port) {
			return o
		}
	}
	return nil
}

func callsItself(s, o *ComposeService, l Local) inventory.Finding {
	finding := inventory.Finding{
		Address: s.Place, Summary: fmt.Sprintf("%s calls %s:%d, which is the container itself", s.Name, l.Host, l.Port),
		Evidence: []string{fmt.Sprintf("%s of %s names %s:%d", l.Where, s.Name, l.Host, l.Port), fmt.Sprintf("the service %s has port %d", o.Name, l.Port)},
	}
	host, port, more := o.Name, innerPort(o, l.Port), ""
	switch {
	case o.NetworkMode == "host":
		finding.Evidence = append(finding.Evidence, o.Name+" is on the network of the host, where containers have no name")
		host, port, more = "host.docker.internal", l.Port, fmt.Sprintf(", and add extra_hosts: [\"host.docker.internal:host-gateway\"] to %s", s.Name)
	case common(s.Networks, o.Networks) == "":
		more = ", and put both on one network"
	}
	finding.Fix = fmt.Sprintf("write %s:%d in place of %s:%d%s", host, port, l.Host, l.Port, more)
	if l.Bare {
		finding.Fix = fmt.Sprintf("write %s in place of %s, with port %d%s", host, l.Host, port, more)
	}
	return finding
}

// innerPort is the port at which a neighbour reaches a service: that of the
// container. Which one a published port leads to is only clear when there is one.
func innerPort(s *ComposeService, port int) int {
	if !slices.Contains(s.Ports, port) && usualPort(s.Image) != port && len(s.Ports) == 1 {
		return s.Ports[0]
	}
	return port
}
