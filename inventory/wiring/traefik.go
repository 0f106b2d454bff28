package wiring

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// A Static is what a Traefik was started with: its file, its flags or its environment
// (doc.traefik.io, reference of the install configuration).
type Static struct {
	Entries     map[string]Entry `json:",omitzero"`
	Hidden      bool             `json:",omitzero"` // exposedByDefault is false
	DefaultRule string           `json:",omitzero"`
	Watches     []string         `json:",omitzero"` // files and folders of the file provider
}

// An Entry is an entry point.
type Entry struct {
	Port        int
	TLS         bool     `json:",omitzero"`
	Middlewares []string `json:",omitzero"`
}

// A Dynamic is what one source tells Traefik: the labels of a container, or a file.
// Names in it are lower-cased, since labels are.
type Dynamic struct {
	Provider    string // docker or file
	Place       string
	Routers     []Router              `json:",omitzero"`
	Services    map[string]Service    `json:",omitzero"`
	Middlewares map[string]Middleware `json:",omitzero"`
	Enabled     string                `json:",omitzero"` // traefik.enable: true, false or ""
	Owner       string                `json:",omitzero"` // the container
	Port        int                   `json:",omitzero"` // of the container that is meant when none is named
	By          string                `json:",omitzero"` // of a file: the container that reads it
}

// A Router is what Traefik calls so.
type Router struct {
	Name, Rule, Service string
	Entries             []string `json:",omitzero"`
	Middlewares         []string `json:",omitzero"`
	TLS                 bool     `json:",omitzero"`
	TCP                 bool     `json:",omitzero"`
}

// A Service is where requests go: servers, or other services.
type Service struct {
	To   []Endpoint `json:",omitzero"`
	Also []string   `json:",omitzero"` // weighted, mirroring, failover
	Port int        `json:",omitzero"` // of the container whose label it is
}

// A Middleware is of interest when it asks somebody, or is a row of others.
type Middleware struct {
	Asks  Endpoint `json:",omitzero"`
	Chain []string `json:",omitzero"`
}

// StaticOf reads the static configuration from a tree; nil when it is none.
func StaticOf(t Tree) *Static {
	entries, providers := t.sub("entrypoints"), t.sub("providers")
	if entries == nil && providers == nil {
		return nil
	}
	s := &Static{Entries: map[string]Entry{}}
	for name := range entries {
		e := entries.sub(name)
		_, p, _ := cutLast(strings.TrimSuffix(strings.TrimSuffix(e.text("address"), "/tcp"), "/udp"))
		_, tls := e.sub("http")["tls"]
		s.Entries[name] = Entry{Port: port(p), TLS: tls, Middlewares: e.sub("http").list("middlewares")}
	}
	docker := providers.sub("docker")
	s.Hidden = docker.text("exposedbydefault") == "false"
	s.DefaultRule = docker.text("defaultrule")
	file := providers.sub("file")
	for _, key := range []string{"directory", "filename"} {
		if v := file.text(key); v != "" {
			s.Watches = append(s.Watches, v)
		}
	}
	return s
}

func cutLast(s string) (before, after string, found bool) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

// Labels reads what the labels of a container tell Traefik; nil without any. Port is
// the container's lowest exposed one, which Traefik takes when no label names another.
func Labels(owner string, labels map[string]string, exposed []int) *Dynamic {
	t := Tree{}
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		if rest, ok := strings.CutPrefix(strings.ToLower(k), "traefik."); ok {
			t.put(strings.Split(rest, "."), labels[k])
		}
	}
	if len(t) == 0 {
		return nil
	}
	d := DynamicOf(t, "docker", "labels of "+owner)
	if d == nil {
		d = &Dynamic{Provider: "docker", Place: "labels of " + owner}
	}
	d.Enabled, d.Owner = t.text("enable"), owner
	if len(exposed) > 0 {
		d.Port = slices.Min(exposed)
	}
	return d
}

// DynamicOf reads routers, services and middlewares from a tree; nil when there is none.
func DynamicOf(t Tree, provider, place string) *Dynamic {
	d := &Dynamic{Provider: provider, Place: place, Services: map[string]Service{}, Middlewares: map[string]Middleware{}}
	for _, proto := range []string{"http", "tcp"} {
		part := t.sub(proto)
		for _, name := range part.sub("routers").names() {
			r := part.sub("routers").sub(name)
			_, tls := r["tls"]
			d.Routers = append(d.Routers, Router{
				Name: name, Rule: r.text("rule"), Service: strings.ToLower(r.text("service")), Entries: r.list("entrypoints"),
				Middlewares: r.list("middlewares"), TLS: tls && r.text("tls") != "false", TCP: proto == "tcp",
			})
		}
		for _, name := range part.sub("services").names() {
			d.Services[name] = serviceOf(part.sub("services").sub(name))
		}
		for _, name := range part.sub("middlewares").names() {
			m := part.sub("middlewares").sub(name)
			d.Middlewares[name] = Middleware{Asks: URL(m.sub("forwardauth").text("address")), Chain: m.sub("chain").list("middlewares")}
		}
	}
	if len(d.Routers)+len(d.Services)+len(d.Middlewares) == 0 {
		return nil
	}
	return d
}

func serviceOf(t Tree) (s Service) {
	balancer := t.sub("loadbalancer")
	s.Port = port(balancer.sub("server").text("port"))
	if u := URL(balancer.sub("server").text("url")); u.Host != "" {
		s.To = append(s.To, u)
	}
	for _, server := range balancer.trees("servers") {
		if u := URL(cmp.Or(server.text("url"), server.text("address"))); u.Host != "" {
			s.To = append(s.To, u)
		}
	}
	for _, kind := range []string{"weighted", "mirroring", "failover"} {
		k := t.sub(kind)
		for _, e := range k.trees("services") {
			s.Also = append(s.Also, strings.ToLower(e.text("name")))
		}
		for _, key := range []string{"service", "fallback"} {
			if v := k.text(key); v != "" {
				s.Also = append(s.Also, strings.ToLower(v))
			}
		}
	}
	return s
}

// Traefik puts together what its sources tell it, the way it does: names without a
// provider are those of the router's own source.
func Traefik(static *Static, sources []Dynamic) []Route {
	t := traefik{static: static, services: map[string]Service{}, middlewares: map[string]Middleware{}}
	if static == nil {
		t.static = &Static{}
	}
	for _, d := range sources {
		for name, s := range d.Services {
			if s.Port > 0 || len(s.To)+len(s.Also) == 0 && d.Owner != "" {
				s.To = append(s.To, Endpoint{Scheme: "http", Host: strings.ToLower(d.Owner), Port: cmp.Or(s.Port, d.Port)})
			}
			t.services[name+"@"+d.Provider] = s
		}
		for name, m := range d.Middlewares {
			t.middlewares[name+"@"+d.Provider] = m
		}
	}
	for _, d := range sources {
		if d.Enabled == "false" || d.Owner != "" && t.static.Hidden && d.Enabled != "true" {
			continue
		}
		routers := d.Routers
		if len(routers) == 0 && d.Owner != "" && (len(d.Services) > 0 || d.Enabled == "true") {
			routers = []Router{{Name: strings.ToLower(d.Owner)}}
		}
		for _, r := range routers {
			t.routes = append(t.routes, t.route(r, d))
		}
	}
	return t.routes
}

type traefik struct {
	static      *Static
	services    map[string]Service
	middlewares map[string]Middleware
	routes      []Route
}

func (t *traefik) route(r Router, d Dynamic) Route {
	out := Route{Proxy: "traefik", Name: r.Name + "@" + d.Provider, TLS: r.TLS, Entries: r.Entries, Place: d.Place, By: d.By}
	rule := r.Rule
	if rule == "" && d.Owner != "" {
		rule = defaultRule(t.static.DefaultRule, d.Owner)
	}
	out.Hosts, out.Paths, out.Unread = Rule(rule)
	through := slices.Clone(r.Middlewares)
	for name, e := range t.static.Entries {
		if len(r.Entries) == 0 || slices.Contains(r.Entries, name) {
			if e.Port > 0 {
				out.Ports = append(out.Ports, e.Port)
			}
			out.TLS = out.TLS || e.TLS && len(r.Entries) > 0
			if len(r.Entries) > 0 {
				through = append(through, e.Middlewares...)
			}
		}
	}
	slices.Sort(out.Ports)
	seen := map[string]bool{}
	for _, m := range through {
		t.asks(qualified(m, d.Provider), seen, &out.Auth)
	}
	out.To = t.targets(r, d, seen)
	if len(out.To) == 0 && out.Unread == "" && !strings.HasSuffix(r.Service, "@internal") {
		out.Unread = "the service " + cmp.Or(r.Service, "of the router") + " is not among what was read"
	}
	return out
}

// targets are the servers of a router's service. A router in labels that names none has
// the only service of its container.
func (t *traefik) targets(r Router, d Dynamic, seen map[string]bool) (out []Endpoint) {
	name := r.Service
	if name == "" && d.Owner != "" {
		if len(d.Services) == 0 {
			return []Endpoint{{Scheme: "http", Host: strings.ToLower(d.Owner), Port: d.Port}}
		}
		name = slices.Sorted(maps.Keys(d.Services))[0]
		if len(d.Services) > 1 && d.Services[r.Name].Port == 0 {
			return nil // Traefik refuses such a router
		} else if len(d.Services) > 1 {
			name = r.Name
		}
	}
	t.follow(qualified(name, d.Provider), seen, &out)
	return out
}

func (t *traefik) follow(name string, seen map[string]bool, out *[]Endpoint) {
	s, ok := t.services[name]
	if !ok || seen["service "+name] {
		return
	}
	seen["service "+name] = true
	*out = append(*out, s.To...)
	_, provider, _ := strings.Cut(name, "@")
	for _, a := range s.Also {
		t.follow(qualified(a, provider), seen, out)
	}
}

// asks collects whom a middleware asks, through chains.
func (t *traefik) asks(name string, seen map[string]bool, out *[]Endpoint) {
	if seen[name] {
		return
	}
	seen[name] = true
	m := t.middlewares[name]
	if m.Asks.Host != "" && !slices.Contains(*out, m.Asks) {
		*out = append(*out, m.Asks)
	}
	_, provider, _ := strings.Cut(name, "@")
	for _, c := range m.Chain {
		t.asks(qualified(c, provider), seen, out)
	}
}

func qualified(name, provider string) string {
	if name = strings.ToLower(name); strings.Contains(name, "@") {
		return name
	}
	return name + "@" + provider
}

var (
	matcher  = regexp.MustCompile("(!?)\\s*([A-Za-z]+)\\(((?:\\s*[`\"'][^`\"']*[`\"']\\s*,?)*)\\)")
	quoted   = regexp.MustCompile("[`\"']([^`\"']*)[`\"']")
	template = regexp.MustCompile(`\{\{\s*(?:normalize\s+)?\.(?:Name|ContainerName)\s*\}\}`)
)

// defaultRule is the rule of a container that has none: that of the configuration, else
// Traefik's own, the container's name.
func defaultRule(rule, owner string) string {
	if rule == "" {
		return "Host(`" + owner + "`)"
	}
	return template.ReplaceAllString(rule, owner)
}

// Rule reads a rule of Traefik v2 or v3: the names and the beginnings of paths that it
// lets through. What it does not read is named.
func Rule(rule string) (hosts, paths []string, unread string) {
	if rule == "" {
		return nil, nil, "it has no rule"
	}
	if strings.Contains(rule, "{{") {
		return nil, nil, "its rule is a template"
	}
	for _, m := range matcher.FindAllStringSubmatch(rule, -1) {
		var words []string
		for _, q := range quoted.FindAllStringSubmatch(m[3], -1) {
			words = append(words, q[1])
		}
		switch name := strings.ToLower(m[2]); {
		case m[1] != "":
			unread = "a part of its rule is a negation"
		case name == "host" || name == "hostsni":
			for _, w := range words {
				if h := host(strings.TrimPrefix(w, "*.")); h != "" {
					hosts = append(hosts, strings.ToLower(w))
				}
			}
		case name == "path" || name == "pathprefix":
			paths = append(paths, words...)
		case name == "hostregexp" || name == "hostsniregexp":
			unread = "a part of its rule is a pattern of names"
		}
	}
	if len(hosts) == 0 && unread == "" && !slices.ContainsFunc(paths, func(p string) bool { return p != "" }) {
		unread = "its rule names no host"
	}
	return slices.Compact(slices.Sorted(slices.Values(hosts))), slices.Compact(slices.Sorted(slices.Values(paths))), unread
}
