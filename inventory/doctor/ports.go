package doctor

import (
	"cmp"
	"fmt"
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
			Evidence: pair.evidence(fmt.Sprintf("%s publishes %s (%s)", a.Name, publishedBy(a), a.Place), fmt.Sprintf("%s publishes %s (%s)", b.Name, publishedBy(b), b.Place)),
			Fix:      fmt.Sprintf("give %s another port of the host", b.Name),
		})
	}
	return out
}

// A both is two services that run on one machine, and what tells so: "" within a file.
type both struct {
	first, second *ComposeService
	why           string
}

// evidence is what they have in common, and why that matters.
func (b both) evidence(common ...string) []string {
	if b.why != "" {
		common = append(common, b.why)
	}
	return common
}

// sharedPorts returns the services that share ports, and which: of a service and a port
// the first other one alone.
func sharedPorts(f *Facts) (order []both, shared map[both][]string) {
	type taken struct {
		service *ComposeService
		port    string
	}
	shared = map[both][]string{}
	seen, holders, machines := map[taken]bool{}, holdersOf(f), f.machines()
	for i, b := range holders {
		for _, a := range holders[:i] {
			port, meet := a.port.Meets(b.port)
			if !meet || a.service == b.service || a.file == b.file && a.file.tasks(a.service) {
				continue
			}
			why, one := machines.sideBySide(a.file, a.service, b.file, b.service)
			if !one {
				continue
			}
			pair := both{a.service, b.service, why}
			if a.file != b.file && pair.second.Place < pair.first.Place {
				pair.first, pair.second = b.service, a.service
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

// containerNameConflict: Docker has one container of a name.
func containerNameConflict(f *Facts) []inventory.Finding {
	var out []inventory.Finding
	type owner struct {
		file    *File
		service *ComposeService
	}
	owners, machines := map[string][]owner{}, f.machines()
	for x, s := range f.services() {
		name := s.Container
		if name == "" || strings.ContainsAny(name, "${") {
			continue
		}
		for _, o := range owners[name] {
			why, one := machines.sideBySide(o.file, o.service, x, s)
			if o.service == s || !one {
				continue
			}
			out = append(out, inventory.Finding{
				Severity: "error", Address: s.Place, Summary: fmt.Sprintf("two services are called %s: Docker starts the first, and refuses the second", name),
				Evidence: both{o.service, s, why}.evidence(fmt.Sprintf("container_name: %s of %s (%s)", name, o.service.Name, o.service.Place), fmt.Sprintf("container_name: %s of %s (%s)", name, s.Name, s.Place)),
				Fix:      fmt.Sprintf("give %s another container_name, or leave it out", s.Name),
			})
			break
		}
		owners[name] = append(owners[name], owner{x, s})
	}
	return out
}
