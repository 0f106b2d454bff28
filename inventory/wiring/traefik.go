package wiring

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"unicode"
)

// A Static is what a Traefik was started with: its file, its flags or its environment
// (doc.traefik.io, reference of the install configuration).
type Static struct {
	Entries     map[string]Entry `json:",omitzero"`
	Hidden      bool             `json:",omitzero"` // exposedByDefault is false
	DefaultRule string           `json:",omitzero"`
	Constraints bool             `json:",omitzero"` // it takes such containers only whose labels fit an expression
	Watches     []string         `json:",omitzero"` // files and folders of the file provider
	Others      []string         `json:",omitzero"` // providers whose routes are not read
}

// An Entry is an entry point.
type Entry struct {
	Port        int
	TLS         bool     `json:",omitzero"`
	Middlewares []string `json:",omitzero"`
}

// A Dynamic is what one source tells Traefik: the labels of a container, or a file.
// Names in it are lower-cased, since labels are. Those of services and routers stand
// behind their protocol, http/wiki, since each has names of its own.
type Dynamic struct {
	Provider    string // docker or file
	Place       string
	Routers     []Router              `json:",omitzero"`
	Services    map[string]Service    `json:",omitzero"`
	Middlewares map[string]Middleware `json:",omitzero"`
	Disabled    bool                  `json:",omitzero"` // traefik.enable is false
	Enabled     bool                  `json:",omitzero"` // it is true
	Owner       Owner                 `json:",omitzero"` // of labels
	By          string                `json:",omitzero"` // of a file: the container that reads it
}

// An Owner is the container whose labels speak.
type Owner struct {
	Container        string // its name
	Project, Service string `json:",omitzero"` // of compose
	Port             int    `json:",omitzero"` // its lowest exposed one, which is meant when none is named
}

// called is the name that Traefik has for the container (pkg/provider/docker/shared.go):
// that of compose, where it is compose's.
func (o *Owner) called() string {
	if o.Project != "" && o.Service != "" {
		return normalize(o.Service + "_" + o.Project)
	}
	return o.Container
}

// normalize is the function of that name in rules (pkg/provider/provider.go).
func normalize(name string) string {
	return strings.Join(strings.FieldsFunc(name, func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsNumber(c) }), "-")
}

// A Router is what Traefik calls so.
type Router struct {
	Proto               string // http, tcp or udp
	Name, Rule, Service string
	Entries             []string `json:",omitzero"`
	Middlewares         []string `json:",omitzero"`
	TLS                 bool     `json:",omitzero"`
	Priority            int      `json:",omitzero"` // 0 is the length of its rule
}

// A Service is where requests go: servers, or other services.
type Service struct {
	To     []Endpoint `json:",omitzero"`
	Also   []string   `json:",omitzero"` // weighted, mirroring, failover
	Port   int        `json:",omitzero"` // of the container whose label it is
	Scheme string     `json:",omitzero"` // in which that is spoken to
	Unread bool       `json:",omitzero"` // a server's address was not understood
	Other  bool       `json:",omitzero"` // it is asked under another name than that of the request
}

// A Middleware is of interest when it asks somebody, or is a row of others.
type Middleware struct {
	Asks   Endpoint `json:",omitzero"`
	Chain  []string `json:",omitzero"`
	Unread bool     `json:",omitzero"` // whom it asks was not understood
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
	s.DefaultRule, s.Constraints = docker.text("defaultrule"), docker.text("constraints") != ""
	for _, name := range providers.names() {
		if name != "docker" && name != "file" && provides(providers[name]) {
			s.Others = append(s.Others, name)
		}
	}
	file := providers.sub("file")
	for _, key := range []string{"directory", "filename"} {
		if v := file.text(key); v != "" {
			s.Watches = append(s.Watches, v)
		}
	}
	return s
}

// provides reports what stands below a provider that is in use; other settings of them all
// are times and lists.
func provides(v any) bool {
	switch v := v.(type) {
	case Tree, nil:
		return true
	case bool:
		return v
	case string:
		return v == "" || v == "true"
	}
	return false
}

func cutLast(s string) (before, after string, found bool) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

// Labels reads what the labels of a container tell Traefik; nil without any.
func Labels(owner Owner, labels map[string]string) *Dynamic {
	t := Tree{}
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		if rest, ok := strings.CutPrefix(strings.ToLower(k), "traefik."); ok {
			t.put(strings.Split(rest, "."), labels[k])
		}
	}
	if len(t) == 0 {
		return nil
	}
	place := "labels of " + owner.Container
	d := DynamicOf(t, "docker", place)
	if d == nil {
		d = &Dynamic{Provider: "docker", Place: place}
	}
	d.Owner = owner
	enabled, err := strconv.ParseBool(t.text("enable"))
	d.Enabled, d.Disabled = err == nil && enabled, err == nil && !enabled
	return d
}

// DynamicOf reads routers, services and middlewares from a tree; nil when there is none.
func DynamicOf(t Tree, provider, place string) *Dynamic {
	d := &Dynamic{Provider: provider, Place: place, Services: map[string]Service{}, Middlewares: map[string]Middleware{}}
	for _, proto := range []string{"http", "tcp", "udp"} {
		part := t.sub(proto)
		for _, name := range part.sub("routers").names() {
			r := part.sub("routers").sub(name)
			_, tls := r["tls"]
			d.Routers = append(d.Routers, Router{
				Proto: proto, Name: name, Rule: r.text("rule"), Service: strings.ToLower(r.text("service")), Entries: r.list("entrypoints"),
				Middlewares: r.list("middlewares"), TLS: tls && r.text("tls") != "false", Priority: number(r.text("priority")),
			})
		}
		for _, name := range part.sub("services").names() {
			d.Services[proto+"/"+name] = serviceOf(part.sub("services").sub(name))
		}
	}
	for _, name := range t.sub("http").sub("middlewares").names() {
		m := t.sub("http").sub("middlewares").sub(name)
		asks := readable(m.sub("forwardauth").text("address"))
		d.Middlewares[name] = Middleware{Asks: asks, Chain: m.sub("chain").list("middlewares"), Unread: m.sub("forwardauth") != nil && asks.Host == ""}
	}
	if len(d.Routers)+len(d.Services)+len(d.Middlewares) == 0 {
		return nil
	}
	return d
}

// readable reads a URL of which no part is a hole.
func readable(text string) Endpoint {
	if strings.Contains(text, hole) {
		return Endpoint{}
	}
	return URL(text)
}

func serviceOf(t Tree) (s Service) {
	balancer := t.sub("loadbalancer")
	own := balancer.sub("server")
	s.Port, s.Scheme, s.Other = port(own.text("port")), own.text("scheme"), balancer.text("passhostheader") == "false"
	servers := balancer.trees("servers")
	if own.text("url") != "" {
		servers = append(servers, own)
	}
	for _, server := range servers {
		u := readable(cmp.Or(server.text("url"), server.text("address")))
		if s.Unread = s.Unread || u.Host == ""; u.Host != "" {
			s.To = append(s.To, u)
		}
	}
	for _, kind := range []string{"weighted", "mirroring", "failover", "highestrandomweight"} {
		k := t.sub(kind)
		for _, e := range slices.Concat(k.trees("services"), k.trees("mirrors")) {
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
// provider are those of the router's own source, and a service that several containers
// name is all of them (pkg/provider/configuration.go).
func Traefik(static *Static, sources []Dynamic) []Route {
	t := traefik{static: static, services: map[string]Service{}, middlewares: map[string]Middleware{}}
	if static == nil {
		t.static = &Static{}
	}
	sources = slices.DeleteFunc(slices.Clone(sources), t.ignored)
	for _, d := range sources {
		for name, s := range d.Services {
			if d.Owner.Container != "" && s.Also == nil && s.To == nil {
				proto, _, _ := strings.Cut(name, "/")
				s.To = []Endpoint{d.Owner.endpoint(s, proto)}
			}
			before := t.services[name+"@"+d.Provider]
			s.To, s.Unread = append(slices.Clone(before.To), s.To...), s.Unread || before.Unread
			t.services[name+"@"+d.Provider] = s
		}
		for name, m := range d.Middlewares {
			t.middlewares[name+"@"+d.Provider] = m
		}
	}
	for _, d := range sources {
		for _, r := range d.routers() {
			t.route(r, d)
		}
	}
	return t.routes
}

// ignored reports a container that Traefik leaves out.
func (t *traefik) ignored(d Dynamic) bool {
	return d.Disabled || d.Owner.Container != "" && t.static.Hidden && !d.Enabled
}

// endpoint is the container itself.
func (o *Owner) endpoint(s Service, proto string) Endpoint {
	return Endpoint{Scheme: cmp.Or(s.Scheme, proto), Host: strings.ToLower(o.Container), Port: cmp.Or(s.Port, o.Port), Container: o.Container}
}

// routers are those of a source; a container without any has one of its own name, unless
// it is for other protocols than HTTP.
func (d *Dynamic) routers() []Router {
	services := len(d.services("http"))
	plain := services == 1 || services == 0 && (len(d.Middlewares) > 0 || len(d.Services)+len(d.Routers) == 0)
	has := slices.ContainsFunc(d.Routers, func(r Router) bool { return r.Proto == "http" })
	if d.Owner.Container == "" || has || !plain || !d.Enabled && services == 0 {
		return d.Routers
	}
	return append(slices.Clone(d.Routers), Router{Proto: "http", Name: strings.ToLower(d.Owner.called())})
}

// services are the names of those of a protocol.
func (d *Dynamic) services(proto string) (out []string) {
	for _, s := range slices.Sorted(maps.Keys(d.Services)) {
		if name, ok := strings.CutPrefix(s, proto+"/"); ok {
			out = append(out, name)
		}
	}
	return out
}

type traefik struct {
	static      *Static
	services    map[string]Service
	middlewares map[string]Middleware
	routes      []Route
}

// route adds the routes of a router: one for each way in which its rule lets requests
// through.
func (t *traefik) route(r Router, d Dynamic) {
	out := Route{Proxy: "traefik", Name: r.Name + "@" + d.Provider, TLS: r.TLS, Entries: r.Entries, Place: d.Place, By: d.By, Named: r.Proto == "http"}
	through := t.entries(&out, r)
	for _, m := range r.Middlewares {
		through = append(through, qualified(m, d.Provider))
	}
	w := walk{traefik: t, route: &out, seen: map[string]bool{}}
	for _, m := range through {
		w.asks(m)
	}
	w.targets(r, d)
	if t.static.Constraints && d.Owner.Container != "" {
		out.Unread = "whether Traefik takes the container is decided by constraints"
	}
	rule := t.rule(r, d)
	out.Rank = cmp.Or(r.Priority, len(rule))
	for _, m := range matches(r, rule) {
		one := out
		one.Hosts, one.Paths, one.Exact, one.Narrow, one.Unread = m.Hosts, m.Paths, m.Exact, m.Narrow, cmp.Or(out.Unread, m.Unread)
		one.Wider = m.Unread != "" && m.Unread != pathPattern
		t.routes = append(t.routes, one)
	}
}

// entries notes the ports on which a router listens, and returns the middlewares that
// stand before all routers there. One that names no entry point is on every one.
func (t *traefik) entries(out *Route, r Router) (through []string) {
	for _, name := range slices.Sorted(maps.Keys(t.static.Entries)) {
		e := t.static.Entries[name]
		if len(r.Entries) > 0 && !slices.Contains(r.Entries, name) {
			continue
		}
		if e.Port > 0 {
			out.Ports = append(out.Ports, e.Port)
		}
		if r.Proto == "http" {
			out.TLS = out.TLS || e.TLS && len(r.Entries) > 0
			for _, m := range e.Middlewares {
				through = append(through, qualified(m, "file"))
			}
		}
	}
	slices.Sort(out.Ports)
	return through
}

// matches are the ways in which a router lets requests through.
func matches(r Router, rule string) []Match {
	if r.Proto == "udp" {
		return []Match{{}}
	}
	return Rule(rule)
}

// rule is that of a router; a container has one by itself.
func (t *traefik) rule(r Router, d Dynamic) string {
	if r.Rule == "" && r.Proto == "http" && d.Owner.Container != "" {
		return d.Owner.rule(t.static.DefaultRule)
	}
	return r.Rule
}

// number is a whole number, 0 when it is none.
func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return n
}

// rule is the rule of a container that has none: that of the configuration, else
// Traefik's own. What is not known here leaves a hole: other functions, and such as may
// make a text of any length.
func (o *Owner) rule(text string) string {
	if endless.MatchString(text) {
		return "Host(`" + hole + "`)"
	}
	funcs := template.FuncMap{
		"normalize": normalize, "lower": strings.ToLower, "trimPrefix": func(p, s string) string { return strings.TrimPrefix(s, p) },
		"trimSuffix": func(p, s string) string { return strings.TrimSuffix(s, p) },
	}
	t, err := template.New("").Option("missingkey=error").Funcs(funcs).Parse(cmp.Or(text, "Host(`{{ normalize .Name }}`)"))
	if err != nil {
		return "Host(`" + hole + "`)"
	}
	var b strings.Builder
	labels := map[string]string{"com.docker.compose.service": o.Service, "com.docker.compose.project": o.Project}
	err = t.Execute(&b, map[string]any{"Name": o.called(), "ContainerName": o.Container, "Labels": labels})
	if err != nil {
		return "Host(`" + hole + "`)"
	}
	return b.String()
}

var endless = regexp.MustCompile(`\b(range|define|template|block|replace|printf?|println)\b`)

// A walk follows what a router names to servers, and to those who are asked.
type walk struct {
	*traefik
	route *Route
	seen  map[string]bool
}

// targets are the servers of a router's service. A router in labels that names none has
// the only service of its container; with several Traefik refuses it.
func (w *walk) targets(r Router, d Dynamic) {
	name := r.Service
	if name == "" && d.Owner.Container != "" {
		switch own := d.services(r.Proto); len(own) {
		case 0:
			w.route.To = []Endpoint{d.Owner.endpoint(Service{}, r.Proto)}
			return
		case 1:
			name = own[0]
		default:
			w.route.Unread = "its container has several services, and the router names none"
			return
		}
	}
	if !strings.HasSuffix(name, "@internal") {
		w.follow(r.Proto+"/"+qualified(name, d.Provider), cmp.Or(r.Service, "of the router"))
	}
}

func (w *walk) follow(name, said string) {
	s, ok := w.services[name]
	switch {
	case !ok:
		w.route.Unread = "the service " + said + " is not among what was read"
		return
	case w.seen["service "+name]:
		return
	case s.Unread:
		w.route.Unread = "the address of a server of " + said + " was not understood"
	}
	w.seen["service "+name] = true
	w.route.Named = w.route.Named && !s.Other
	for _, e := range s.To {
		if !slices.Contains(w.route.To, e) {
			w.route.To = append(w.route.To, e)
		}
	}
	proto, _, _ := strings.Cut(name, "/")
	_, provider, _ := strings.Cut(name, "@")
	for _, a := range s.Also {
		w.follow(proto+"/"+qualified(a, provider), a)
	}
}

// asks collects whom a middleware asks, through chains.
func (w *walk) asks(name string) {
	if w.seen[name] || strings.HasSuffix(name, "@internal") {
		return
	}
	w.seen[name] = true
	m, ok := w.middlewares[name]
	if !ok {
		w.route.Unread = "the middleware " + name + " is not among what was read"
	} else if m.Unread {
		w.route.Unread = "whom the middleware " + name + " asks was not understood"
	}
	if m.Asks.Host != "" && !slices.Contains(w.route.Auth, m.Asks) {
		w.route.Auth = append(w.route.Auth, m.Asks)
	}
	_, provider, _ := strings.Cut(name, "@")
	for _, c := range m.Chain {
		w.asks(qualified(c, provider))
	}
}

func qualified(name, provider string) string {
	if name = strings.ToLower(name); strings.Contains(name, "@") {
		return name
	}
	return name + "@" + provider
}
