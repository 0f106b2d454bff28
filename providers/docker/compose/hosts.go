package compose

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
	"go.yaml.in/yaml/v4"

	"recon/inventory/doctor"
)

// hosts tell which files of the repository are for one machine, and which are not: by
// hosts that are declared, by an Ansible inventory, by folders of machines, or by folders
// that are built alike. The last tell only that two files are for two machines.
type hosts struct {
	project  bool // one machine is all that there is, as long as no more are named
	swarm    bool // networks span machines
	names    map[string]bool
	fleets   map[string]bool     // folders whose subfolders are a machine each
	machines map[string]bool     // folders that are a machine each
	stacks   map[string]string   // folders of which Komodo is told the server
	servers  map[string]bool     // that it is told
	links    map[string][]string // machines whose folders have a link to a stack, by its name

	collection bool                // of examples and templates, by its own words: nobody runs it as a whole
	roles      map[string][]string // hosts that a role of Ansible is for, by its name
}

func newHosts(r *repository, o Options) *hosts {
	h := &hosts{
		project: o.Project, swarm: r.swarm(), names: map[string]bool{}, fleets: map[string]bool{}, machines: map[string]bool{},
		stacks: map[string]string{}, servers: map[string]bool{}, links: map[string][]string{}, roles: map[string][]string{},
	}
	for _, n := range o.Hosts {
		h.names[strings.ToLower(n)] = true
	}
	for p := range r.names {
		if parent := path.Base(path.Dir(p)); parent == "host_vars" {
			h.names[strings.ToLower(strings.TrimSuffix(path.Base(p), path.Ext(p)))] = true
		}
		if inventoryName.MatchString(p) {
			if text, err := r.text(p); err == nil {
				h.inventory(p, text)
			}
		}
	}
	h.komodo(r)
	h.linked(r)
	if text, err := r.text("README.md"); err == nil {
		h.collection = collection.MatchString(text[:min(len(text), 700)])
	}
	h.alike(r)
	for _, s := range r.files {
		if s.yaml() && s.doc == nil && (strings.Contains(s.text, "roles:") || strings.Contains(s.text, "_role")) {
			h.plays(s)
		}
	}
	return h
}

// komodo reads what Komodo is told of stacks: the folder of each, and its server.
func (h *hosts) komodo(r *repository) {
	for p := range r.names {
		if path.Ext(p) != ".toml" {
			continue
		}
		text, err := r.text(p)
		if err != nil {
			continue
		}
		for _, stack := range strings.Split(text, "[[stack]]")[1:] {
			stack, _, _ = strings.Cut(stack, "\n[[")
			server, folder := komodoServer.FindStringSubmatch(stack), komodoFolder.FindStringSubmatch(stack)
			if server == nil {
				continue
			}
			h.servers[server[1]] = true
			if folder != nil {
				h.stacks[path.Clean(folder[1])] = server[1]
			}
		}
	}
}

// ofSwarm is what is only said of machines whose networks span them.
var ofSwarm = regexp.MustCompile(`(?i)\bdocker (?:stack deploy|swarm)\b|\bdriver:? *=? *["']?overlay\b|(?:^|\s)-d +overlay\b|\bnode\.(?:role|hostname|labels)\b`)

// swarm reports a tree of which some file is for a swarm.
func (r *repository) swarm() bool {
	readme, _ := r.text("README.md")
	return ofSwarm.MatchString(readme) || slices.ContainsFunc(r.files, func(s *source) bool { return ofSwarm.MatchString(s.text) })
}

// joins are the networks that services join by a name that is the machine's: an external
// one, or one that is named. In a swarm they tell nothing of machines.
func (r *repository) joins(p *types.Project) (out []string) {
	for key, n := range p.Networks {
		used := slices.ContainsFunc(p.ServiceNames(), func(s string) bool { _, on := p.Services[s].Networks[key]; return on })
		if name := release(n.Name); used && n.Name != projectName+"_"+key && name != "" && !strings.ContainsAny(name, "${") && !r.hosts.swarm {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// leans are the containers in whose network or volumes services live.
func leans(p *types.Project) (out []string) {
	for _, c := range p.Services {
		for _, of := range append([]string{c.NetworkMode, c.Pid, c.Ipc}, c.VolumesFrom...) {
			if name, ok := strings.CutPrefix(of, "container:"); ok {
				name, _, _ = strings.Cut(release(name), ":")
				out = append(out, name)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// collection is what an author says of a repository that nobody runs as a whole.
var collection = regexp.MustCompile(`(?i)\bcollection of\b[^.]{0,60}\b(?:compose|templates?|examples?|stacks?|configuration)|\b(?:reusable|ready[- ]to[- ]use) (?:examples?|templates?|stacks?)|\bcompose (?:templates|examples)\b|\b(?:home ?lab|home server|docker|compose|stack) (?:template|starter|boilerplate)\b`)

// linked takes the links in folders of machines: servers/alpha/frigate leads to the stack
// that alpha runs.
func (h *hosts) linked(r *repository) {
	for _, p := range r.links {
		parts := strings.Split(p, "/")
		for i := range parts {
			if slices.Contains(fleetNames, strings.ToLower(parts[i])) && i == len(parts)-3 {
				stack := parts[len(parts)-1]
				h.links[stack] = append(h.links[stack], path.Join(parts[:i+2]...))
			}
		}
	}
}

var (
	komodoServer = regexp.MustCompile(`(?m)^\s*(?:config\.)?server(?:_id)?\s*=\s*"([^"]+)"`)
	komodoFolder = regexp.MustCompile(`(?m)^\s*(?:config\.)?run_directory\s*=\s*"/?([^"]+)"`)
)

var (
	inventoryName = regexp.MustCompile(`(^|/)(inventory|inventories)(/[^/]+)*(\.(ini|ya?ml))?$|(^|/)(hosts|inventory)(\.(ini|ya?ml))?$`)
	hostLine      = regexp.MustCompile(`^([A-Za-z0-9][A-Za-z0-9_.-]*)(\s+[A-Za-z_]+=.*)?$`)
)

// inventory reads the hosts of an Ansible inventory, in INI or YAML.
func (h *hosts) inventory(name, text string) {
	if strings.HasSuffix(name, ".yml") || strings.HasSuffix(name, ".yaml") {
		for _, d := range documents(text) {
			walk(d, 0, func(n *yaml.Node) bool {
				if of := valueOf(n, "hosts"); of != nil && of.Kind == yaml.MappingNode {
					for i := 0; i+1 < len(of.Content); i += 2 {
						h.names[strings.ToLower(of.Content[i].Value)] = true
					}
				}
				return true
			})
		}
		return
	}
	section := false
	for l := range strings.SplitSeq(text, "\n") {
		l = strings.TrimSpace(l)
		switch m := hostLine.FindStringSubmatch(l); {
		case strings.HasPrefix(l, "["):
			section = !strings.Contains(l, ":vars") && !strings.Contains(l, ":children")
		case section && m != nil:
			h.names[strings.ToLower(m[1])] = true
		}
	}
}

// Folders whose subfolders are a machine each, and those with what is not run along with
// the rest.
var (
	machineFolders = []string{"hosts", "servers", "machines", "nodes", "vms", "lxc", "lxcs", "guests", "devices"}
	fleetNames     = append([]string{"environments", "envs", "sites", "clusters"}, machineFolders...)
	aside          = regexp.MustCompile(`(?i)(^|[_.-])(archived?|archives|old|deprecated|disabled|unused|examples?|templates?|backups?|attic|legacy|tests?|dev|development|staging|prod|production|experiments?|experimental|playground|sandbox|retired|inactive|removed|graveyard|wip|draft|todo|samples?|bak|alternatives?|not[-_]?used|no[-_]?longer[-_]?used)([_.-]|$)`)
)

// placeName is a folder that is called after a machine, or after whose machine it is.
var placeName = regexp.MustCompile(`(?i)^(local|remote|vps[-_0-9]*|linode|hetzner|oracle|ovh|aws|azure|gcp|digitalocean|contabo|r?pi[0-9]*|raspberry[-_]?pi.*|synology|unraid|truenas|qnap)$`)

// ofStacks is a folder of compose files, whatever machine is called so too.
var ofStacks = regexp.MustCompile(`(?i)^(docker|compose|docker[-_]compose|stacks?|containers?|services?|apps?)$`)

// idle are files that nobody runs as they stand: what is kept, tried out, or to be
// copied. Templates of a program that fills them in are run.
var (
	idle   = regexp.MustCompile(`(?i)(^|[_. -])(archived?|archives|old|deprecated|disabled|unused|examples?|attic|legacy|tests?|e2e|retired|inactive|removed|graveyard|draft|samples?|bak|obsolete|not[-_]?used|no[-_]?longer[-_]?used)([_. -]|$)|^backups$|[-_.]backups?$|(19|20)\d\d-\d\d-\d\d`)
	stored = regexp.MustCompile(`(?i)^templates?$`)
)

func isIdle(name string) bool {
	parts := strings.Split(name, "/")
	last := len(parts) - 1
	if slices.ContainsFunc(parts[:last], idle.MatchString) || idle.MatchString(strings.TrimSuffix(parts[last], path.Ext(name))) {
		return true
	}
	return slices.ContainsFunc(parts[:last], stored.MatchString) && (path.Ext(name) == ".yml" || path.Ext(name) == ".yaml") && !slices.Contains(parts, "roles")
}

// alike finds folders that hold the same stacks: side by side, two machines or two
// versions of one; one within the other, a machine beside that of the rest.
func (h *hosts) alike(r *repository) {
	holders := map[string][]string{} // the folders below which a stack of this name lies
	for _, s := range r.files {
		if s.doc == nil {
			continue
		}
		parts := strings.Split(s.name, "/")
		for i := range parts {
			if slices.Contains(fleetNames, strings.ToLower(parts[i])) && i < len(parts)-2 {
				h.fleets[path.Join(parts[:i+1]...)] = true
			}
			base := path.Base(s.name)
			if i < len(parts)-2 || i == len(parts)-2 && !ownName.MatchString(base) && !variant.MatchString(base) {
				rest := path.Join(parts[i+1:]...)
				holders[rest] = append(holders[rest], path.Join(append([]string{"."}, parts[:i+1]...)...))
			}
			if i == 0 && len(parts) > 1 {
				holders[s.name] = append(holders[s.name], ".")
			}
		}
	}
	within := map[string]int{}
	for _, folders := range holders {
		for i, a := range folders {
			for _, b := range folders[:i] {
				switch {
				case path.Dir(a) == path.Dir(b) && a != "." && b != ".":
					h.fleets[path.Dir(a)] = true
				case a == "." || doctor.Within(b, a):
					within[b]++
				case b == "." || doctor.Within(a, b):
					within[a]++
				}
			}
		}
	}
	for folder, n := range within {
		h.machines[folder] = h.machines[folder] || n > 1
	}
}

// of returns the host of a file.
func (h *hosts) of(name string) doctor.Where {
	if h.collection {
		return doctor.Where{Unknown: true}
	}
	switch on := h.links[path.Base(path.Dir(name))]; {
	case len(on) == 1:
		return doctor.Where{Name: on[0], Told: true}
	case len(on) > 1:
		return doctor.Where{Unknown: true}
	}
	if len(h.servers) > 1 {
		server := h.stacks[path.Dir(name)]
		return doctor.Where{Name: server, Unknown: server == "", Told: server != ""}
	}
	folders := strings.Split(path.Dir(name), "/")
	for i, f := range folders {
		if len(h.names) > 1 && h.names[strings.ToLower(f)] && !ofStacks.MatchString(f) {
			return doctor.Where{Name: f, Told: true}
		}
		if f != "." && (placeName.MatchString(f) || h.machines[path.Join(folders[:i+1]...)] || h.fleets[path.Join(append([]string{"."}, folders[:i]...)...)]) {
			return doctor.Where{Name: path.Join(folders[:i+1]...), Told: i > 0 && slices.Contains(machineFolders, strings.ToLower(folders[i-1]))}
		}
		if aside.MatchString(f) {
			return doctor.Where{Unknown: true}
		}
	}
	return doctor.Where{Told: h.project && len(h.names) < 2, Unknown: len(h.names) > 1 || aside.MatchString(strings.TrimSuffix(path.Base(name), path.Ext(name)))}
}

// plays notes which hosts the roles of a playbook are for.
func (h *hosts) plays(s *source) {
	for _, d := range documents(s.plain) {
		for _, play := range d.Content {
			on := patterns(valueOf(play, "hosts"))
			if len(on) == 0 {
				continue
			}
			walk(play, 0, func(n *yaml.Node) bool {
				for _, name := range rolesOf(n) {
					h.roles[name] = append(h.roles[name], on...)
				}
				return true
			})
		}
	}
}

// rolesOf returns the roles that a mapping of a playbook names.
func rolesOf(n *yaml.Node) (out []string) {
	if list := valueOf(n, "roles"); list != nil {
		for _, e := range list.Content {
			out = append(out, orName(valueText(e), orName(valueText(valueOf(e, "role")), valueText(valueOf(e, "name")))))
		}
	}
	for _, module := range []string{"include_role", "import_role"} {
		for _, prefix := range []string{"", "ansible.builtin."} {
			if v := valueOf(n, prefix+module); v != nil {
				out = append(out, valueText(valueOf(v, "name")))
			}
		}
	}
	for i := range out {
		out[i] = path.Base(out[i])
	}
	return out
}

// patterns reads the hosts of a play.
func patterns(n *yaml.Node) (out []string) {
	switch {
	case n == nil:
	case n.Kind == yaml.SequenceNode:
		for _, e := range n.Content {
			out = append(out, valueText(e))
		}
	default:
		out = strings.FieldsFunc(valueText(n), func(c rune) bool { return strings.ContainsRune(",: ", c) })
	}
	return slices.DeleteFunc(out, func(p string) bool { return p == "" || strings.ContainsAny(p, "${") })
}

// ofRole returns the hosts of the role that a file is part of: roles/NAME/tasks/main.yml.
func (h *hosts) ofRole(name string) []string {
	parts := strings.Split(name, "/")
	for i := len(parts) - 3; i >= 0; i-- {
		if slices.Contains([]string{"tasks", "handlers"}, parts[i+1]) {
			return slices.Compact(slices.Sorted(slices.Values(h.roles[parts[i]])))
		}
	}
	return nil
}
