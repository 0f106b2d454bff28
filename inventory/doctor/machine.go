package doctor

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
)

// machines tell which files run on one machine.
type machines struct {
	facts *Facts
	fleet bool // nobody runs the tree as a whole
}

func (f *Facts) machines() machines { return machines{f, f.fleet()} }

// sideBySide reports two services that run at the same time on one machine: of one file,
// or of two files that are no versions of each other and of which the tree tells that they
// do. What tells so is returned too: two stacks in one repository are not evidence.
func (m machines) sideBySide(x *File, a *ComposeService, y *File, b *ComposeService) (why string, one bool) {
	if x == y || !together(a, b) {
		return "", x == y && together(a, b)
	}
	if m.fleet || x.Library || y.Library || x.Project == y.Project || x.Host.Name == "" && !beside(x.Path, y.Path) {
		return "", false
	}
	if versions(x, y) || rivals(x, a, y, b) {
		return "", false
	}
	why = m.shared(x, y)
	return why, why != ""
}

// shared says what tells that two files run on one machine, "" where nothing does: a host
// that both are declared for, a network that one machine has, a container that one of
// them needs of the other.
func (m machines) shared(x, y *File) string {
	if !x.Meets(y) {
		return ""
	}
	if x.Host.Told && y.Host.Told {
		if x.Host.Name == "" {
			return "the project declares no other host, so both are for one machine"
		}
		return "both are for the host " + x.Host.Name
	}
	for _, name := range x.Joins {
		if slices.Contains(y.Joins, name) && m.makers(name) < 2 && (slices.Contains(x.External, name) || slices.Contains(y.External, name)) {
			return fmt.Sprintf("both join the network %s, which is one machine's", name)
		}
	}
	return cmp.Or(lean(x, y), lean(y, x))
}

// makers counts the files that make a network of this name. Two are for two machines.
func (m machines) makers(name string) (n int) {
	for i := range m.facts.Files {
		if x := &m.facts.Files[i]; slices.Contains(x.Networks, name) && slices.Contains(x.Joins, name) {
			n++
		}
	}
	return n
}

// lean says which container of another file a file needs on its machine.
func lean(x, on *File) string {
	for _, name := range x.Leans {
		if on.owns(name) && !x.owns(name) {
			return fmt.Sprintf("a service of %s lives in the container %s, which is of %s", x.Path, name, on.Path)
		}
	}
	return ""
}

func (f *File) owns(container string) bool {
	return slices.ContainsFunc(f.Services, func(s ComposeService) bool { return s.Container == container })
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

// rivals reports two services of which one was tried in place of the other: the whole of
// a stack under one name, or what comes with programs for what a machine has once, as a
// proxy or a name server.
func rivals(x *File, a *ComposeService, y *File, b *ComposeService) bool {
	if a.Name == b.Name && len(x.Services) == 1 && len(y.Services) == 1 {
		return true
	}
	once := func(f *File) (out []Publish) {
		for _, s := range f.Services {
			for _, p := range s.Published {
				if slices.ContainsFunc([]int{53, 80, 443}, func(port int) bool { return p.First <= port && port <= p.Last }) {
					out = append(out, p)
				}
			}
		}
		return out
	}
	theirs := once(y)
	return slices.ContainsFunc(once(x), func(p Publish) bool {
		return slices.ContainsFunc(theirs, func(q Publish) bool {
			port, meet := p.Meets(q)
			return meet && slices.Contains([]int{53, 80, 443}, port)
		})
	})
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
