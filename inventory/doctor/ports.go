package doctor

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"recon/inventory"
)

// portConflict: a container could not start because its port is taken, or two
// services of files for one host publish the same port.
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
	return append(out, filePorts(f)...)
}

func takenPort(f *Facts, h *Host, c *Container, port Publish) (inventory.Finding, bool) {
	who := ""
	for k := range h.Containers {
		n := &h.Containers[k]
		if n.Name != c.Name && n.State == "running" && slices.ContainsFunc(n.Published, func(p Publish) bool { _, meet := p.Meets(port); return meet }) {
			who = n.Name
		}
	}
	on := slices.ContainsFunc(h.Listening, func(p Port) bool { return p.Proto == port.Proto && port.First <= p.Number && p.Number <= port.Last })
	if who == "" && (!on || c.Conflict == "") || c.State == "exited" && c.Conflict == "" {
		return inventory.Finding{}, false
	}
	who = cmp.Or(who, "another program of the host")
	return inventory.Finding{
		Severity: "error", Address: addressOf(f, h, c), Summary: fmt.Sprintf("%s does not run, and its port %s belongs to %s", c.Name, port, who),
		Evidence: []string{fmt.Sprintf("%s is %s and publishes port %s", c.Name, c.State, port), fmt.Sprintf("%s listens on it", who)},
		Fix:      fmt.Sprintf("give %s another port of the host under ports: %s", c.Name, fixFile(c)),
	}, true
}

// A holder is a service that publishes a port.
type holder struct {
	file    *File
	service *ComposeService
	port    Publish
}

// filePorts compares what the services of one host publish, each with the first one
// that has the port.
func filePorts(f *Facts) []inventory.Finding {
	var out []inventory.Finding
	pairs, shared := sharedPorts(f)
	for _, pair := range pairs {
		a, b := pair.first, pair.second
		out = append(out, inventory.Finding{
			Severity: "error", Address: b.Place, Summary: fmt.Sprintf("%s and %s both publish %s", a.Name, b.Name, plural("port", shared[pair])),
			Evidence: []string{fmt.Sprintf("%s publishes %s (%s)", a.Name, publishedBy(a), a.Place), fmt.Sprintf("%s publishes %s (%s)", b.Name, publishedBy(b), b.Place)},
			Fix:      fmt.Sprintf("give %s another port of the host; if they never run on one machine, recon does not know: silence this", b.Name),
		})
	}
	return out
}

// A both is two services that publish ports in common.
type both struct{ first, second *ComposeService }

// sharedPorts returns the services that share ports, and which: of a service and a port
// the first other one alone.
func sharedPorts(f *Facts) (order []both, shared map[both][]string) {
	type taken struct {
		service *ComposeService
		port    string
	}
	shared = map[both][]string{}
	fleet, seen, holders := f.fleet(), map[taken]bool{}, holdersOf(f)
	for i, b := range holders {
		for _, a := range holders[:i] {
			port, meet := a.port.Meets(b.port)
			if !meet || a.service == b.service || !sideBySide(a.file, a.service, b.file, b.service) || fleet && a.file != b.file || a.file == b.file && a.file.tasks(a.service) {
				continue
			}
			pair := both{a.service, b.service}
			if a.file != b.file && pair.second.Place < pair.first.Place {
				pair = both{b.service, a.service}
			}
			this := taken{pair.second, Publish{First: port, Last: port, Proto: b.port.Proto}.String()}
			if seen[this] || pair.first.twin(pair.second) {
				continue
			}
			seen[this] = true
			if shared[pair] == nil {
				order = append(order, pair)
			}
			shared[pair] = append(shared[pair], this.port)
		}
	}
	return order, shared
}

// holdersOf returns everything that is published, by protocol and port.
func holdersOf(f *Facts) (out []holder) {
	for x, s := range f.services() {
		for _, p := range s.Published {
			out = append(out, holder{x, s, p})
		}
	}
	slices.SortStableFunc(out, func(a, b holder) int {
		return cmp.Or(cmp.Compare(a.port.Proto, b.port.Proto), cmp.Compare(a.port.First, b.port.First))
	})
	return out
}

// twin reports one program that is written twice: for two machines, or its names
// collide, and what it publishes says no more.
func (s *ComposeService) twin(o *ComposeService) bool {
	alike := ImageName(s.Image) == ImageName(o.Image)
	return s.Name == o.Name && (alike || s.Built || o.Built) || alike && s.Container != "" && s.Container == o.Container
}

func publishedBy(s *ComposeService) string {
	var out []string
	for _, p := range s.Published {
		out = append(out, p.String())
	}
	return strings.Join(out[:min(len(out), 8)], ", ")
}

func plural(word string, list []string) string {
	if len(list) == 1 {
		return word + " " + list[0]
	}
	return word + "s " + strings.Join(list[:len(list)-1], ", ") + " and " + list[len(list)-1]
}

// sideBySide reports two services that run at the same time on one machine: of one file,
// or of two files of one host that are no versions of each other.
func sideBySide(x *File, a *ComposeService, y *File, b *ComposeService) bool {
	if !together(a, b) || x.Library && x != y || y.Library && x != y {
		return false
	}
	return x == y || x.Project != y.Project && x.Meets(y) && (x.Host.Name != "" || beside(x.Path, y.Path)) && !versions(x, y)
}

// beside reports files of one folder, or of two folders that lie in one. What lies
// deeper than another file is most often run in its place.
func beside(a, b string) bool {
	a, b = path.Dir(a), path.Dir(b)
	return a == b || a != "." && b != "." && path.Dir(a) == path.Dir(b)
}

// versions reports files that have several services in common: one home twice, in two
// states. Two that each have the agent of a machine are for two machines.
func versions(x, y *File) bool {
	if variantOf(x.Path, y.Path) || variantOf(y.Path, x.Path) {
		return true
	}
	n := 0
	for _, a := range x.Services {
		for _, b := range y.Services {
			switch alike := ImageName(a.Image) == ImageName(b.Image); {
			case alike && slices.Contains(agents, ImageName(a.Image)):
				return true
			case alike && a.Name == b.Name:
				n++
			}
		}
	}
	return n > 1
}

// variantOf reports a file that is called after another one: adguard-host.yml beside
// adguard.yml.
func variantOf(file, of string) bool {
	stem := strings.TrimSuffix(of, path.Ext(of))
	rest, ok := strings.CutPrefix(file, stem)
	return ok && file != of && strings.ContainsAny(rest[:1], "-_.")
}

// fleet reports files of which nothing tells on which machine they run: three have an
// agent of which each machine has one, one has an agent for a manager elsewhere, or four publish one port, as in a collection
// that nobody runs as a whole.
func (f *Facts) fleet() bool {
	most := 0
	count := map[string][]string{}
	add := func(what string, x *File, limit int) {
		if home := x.Host.Name + ":" + x.Project; !x.Host.Unknown && !slices.Contains(count[what], home) {
			count[what] = append(count[what], home)
			most = max(most, len(count[what])-limit)
		}
	}
	for x, s := range f.services() {
		switch name := ImageName(s.Image); {
		case slices.Contains(remotes, name) && x.Host.Name == "":
			add(name, x, 0)
		case slices.Contains(agents, name):
			add(name, x, 2)
		}
		for _, p := range s.Published {
			if p.Address == "" {
				add(p.String()+"@"+x.Host.Name, x, 3)
			}
		}
	}
	return most > 0
}

// tasks reports services of one image that all publish the same, three or more of them:
// what one program does, one at a time.
func (f *File) tasks(s *ComposeService) bool {
	n := 0
	for i := range f.Services {
		if o := &f.Services[i]; ImageName(o.Image) == ImageName(s.Image) && slices.Equal(o.Published, s.Published) {
			n++
		}
	}
	return n > 2 && s.Image != ""
}

// remotes are agents that a machine has only where another one manages it.
var remotes = []string{"hawser", "agent", "periphery", "komodo-periphery", "dockge-agent"}

// agents are programs of which each machine has one.
var agents = []string{
	"watchtower", "diun", "agent", "portainer", "portainer-ce", "dozzle", "cadvisor", "node-exporter", "node_exporter", "promtail", "alloy", "autoheal", "periphery", "komodo-periphery",
	"beszel-agent", "glances", "dockge", "telegraf", "netdata", "newt", "fluent-bit", "scrutiny-collector", "traefik-kop", "hawser", "arcane-agent", "loggifly", "docker-gc", "ouroboros", "what-s-up-docker", "wud",
}

// together reports services that can run at the same time: those of two profiles are
// often alternatives.
func together(a, b *ComposeService) bool {
	if len(a.Profiles) == 0 && len(b.Profiles) == 0 {
		return true
	}
	if len(a.Profiles) == 0 || len(b.Profiles) == 0 {
		return !calledAfter(a.Name, b.Name) && !calledAfter(b.Name, a.Name)
	}
	return common(a.Profiles, b.Profiles) != ""
}

// calledAfter reports a name that is another one with a word more: app-dev, dev-app. Where
// one of the two has a profile, they are one program in two ways.
func calledAfter(long, short string) bool {
	return strings.HasPrefix(long, short+"-") || strings.HasPrefix(long, short+"_") || strings.HasSuffix(long, "-"+short) || strings.HasSuffix(long, "_"+short)
}

// containerNameConflict: Docker has one container of a name.
func containerNameConflict(f *Facts) []inventory.Finding {
	var out []inventory.Finding
	type owner struct {
		file    *File
		service *ComposeService
	}
	owners, fleet := map[string][]owner{}, f.fleet()
	for x, s := range f.services() {
		name := s.Container
		if name == "" || strings.ContainsAny(name, "${") {
			continue
		}
		k := slices.IndexFunc(owners[name], func(o owner) bool {
			return o.service != s && sideBySide(o.file, o.service, x, s) && (!fleet || o.file == x)
		})
		if k >= 0 {
			o := owners[name][k]
			out = append(out, inventory.Finding{
				Severity: "error", Address: s.Place, Summary: fmt.Sprintf("two services are called %s: Docker starts the first, and refuses the second", name),
				Evidence: []string{fmt.Sprintf("container_name: %s of %s (%s)", name, o.service.Name, o.service.Place), fmt.Sprintf("container_name: %s of %s (%s)", name, s.Name, s.Place)},
				Fix:      fmt.Sprintf("give %s another container_name, or leave it out; if they never run on one machine, recon does not know: silence this", s.Name),
			})
		}
		owners[name] = append(owners[name], owner{x, s})
	}
	return out
}
