package wiring

import (
	"cmp"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Nginx reads the files of one nginx (nginx.org: ngx_http_core_module, ngx_http_proxy_module
// and its like for other protocols, ngx_http_auth_request_module, ngx_stream_proxy_module):
// servers with their names, and where their locations pass requests on. It returns what
// the files include and is none of them, as paths or patterns.
func Nginx(files []File) ([]Route, []string) {
	in := including(files, false)
	trees, dir := map[string][]block{}, "/etc/nginx"
	for _, f := range files {
		if path.Base(f.Path) == "nginx.conf" {
			dir = path.Dir(f.Path) // what includes are relative to
		}
	}
	for _, f := range files {
		trees[f.Path] = in.nginx(in.parsed(f), dir, 0)
	}
	n := &nginx{upstreams: map[string][]Endpoint{}, maps: map[string]nginxMap{}}
	roots := in.roots("nginx.conf")
	for _, f := range roots {
		each(trees[f.Path], n.shared)
	}
	for _, f := range roots {
		each(trees[f.Path], n.server)
	}
	return n.routes, in.lost
}

// nginx puts included files where their include stands. One that is not among the files
// stays.
func (in *includer) nginx(list []block, dir string, depth int) (out []block) {
	if depth > maxDepth {
		return nil
	}
	for _, b := range list {
		if b.is("include", 1) {
			if found := in.matching(b.words[1], dir); len(found) > 0 {
				for _, f := range found {
					out = append(out, in.nginx(in.parsed(f), dir, depth+1)...)
				}
				continue
			}
		}
		if b.body != nil {
			b.body = append([]block{}, in.nginx(b.body, dir, depth+1)...)
		}
		out = append(out, b)
	}
	return out
}

// each yields every block, also those inside others.
func each(list []block, f func(block)) {
	for _, b := range list {
		f(b)
		each(b.body, f)
	}
}

type nginx struct {
	upstreams map[string][]Endpoint
	maps      map[string]nginxMap // by the variable that they set
	routes    []Route
}

// A nginxMap is a variable that the name of a request decides.
type nginxMap struct {
	values   map[string]string
	other    string // for any other name
	patterns bool   // there are values for patterns of names, which are not read
}

// named are the variables that hold the name of a request.
var named = map[string]bool{"$host": true, "$http_host": true, "$server_name": true, "$ssl_preread_server_name": true}

// shared takes up what servers refer to: groups of servers, and variables by name.
func (n *nginx) shared(b block) {
	switch {
	case b.is("upstream", 1):
		name := strings.ToLower(b.words[1])
		n.upstreams[name] = append([]Endpoint{}, n.upstreams[name]...)
		for _, s := range b.body {
			if s.is("server", 1) && !slices.Contains(s.words, "down") && !strings.HasPrefix(s.words[1], "unix:") {
				n.upstreams[name] = append(n.upstreams[name], URL(s.words[1]))
			}
		}
	case b.is("map", 2) && named[b.words[1]]:
		m := nginxMap{values: map[string]string{}}
		for _, row := range b.body {
			switch {
			case len(row.words) != 2 || row.words[0] == "include":
				m.patterns = m.patterns || row.words[0] == "include"
			case row.words[0] == "default":
				m.other = row.words[1]
			case host(row.words[0]) == "":
				m.patterns = true
			default:
				m.values[host(row.words[0])] = row.words[1]
			}
		}
		n.maps[b.words[2]] = m
	}
}

// of is the value for a name, when it is known.
func (m *nginxMap) of(name string) (string, bool) {
	if v, ok := m.values[name]; ok {
		return v, true
	}
	return m.other, !m.patterns && name != "" && m.values != nil && !strings.HasPrefix(name, "*")
}

// server adds a route for each place to which a server passes requests.
func (n *nginx) server(b block) {
	if len(b.words) != 1 || b.words[0] != "server" || b.body == nil {
		return
	}
	r := Route{Proxy: "nginx", Place: b.place()}
	for _, d := range b.body {
		switch {
		case d.is("server_name", 1):
			r.Name = d.words[1]
			for _, name := range d.words[1:] {
				r.serverName(name)
			}
		case d.is("listen", 1):
			_, after, found := cutLast(d.words[1])
			if p := port(after); p > 0 {
				r.Ports = append(r.Ports, p)
			} else if p := port(d.words[1]); !found && p > 0 {
				r.Ports = append(r.Ports, p)
			}
			r.TLS = r.TLS || slices.Contains(d.words, "ssl")
		case d.is("ssl_certificate", 1):
			r.Cert = d.words[1]
		}
	}
	slices.Sort(r.Ports)
	if r.Ports = slices.Compact(r.Ports); r.Name == "" && len(r.Ports) > 0 {
		r.Name = ":" + strconv.Itoa(r.Ports[0])
	}
	r.Name = cmp.Or(r.Name, r.Place)
	s := nginxServer{nginx: n, asked: map[string]string{}}
	each(b.body, s.location)
	before := len(n.routes)
	s.passes(b.body, r, nil, nil)
	if n.routes = append(n.routes[:before], plain(n.routes[before:])...); len(n.routes) == before {
		r.Own = true
		n.routes = append(n.routes, r)
	}
}

// plain leaves out patterns of paths that lead where everything else of the same names
// does.
func plain(routes []Route) (out []Route) {
	for _, r := range routes {
		same := func(o Route) bool {
			return o.Paths == nil && o.Unread == "" && slices.Equal(o.Hosts, r.Hosts) && slices.Equal(o.To, r.To) && slices.Equal(o.Auth, r.Auth)
		}
		if r.Unread != pathPattern || !slices.ContainsFunc(routes, same) {
			out = append(out, r)
		}
	}
	return out
}

const pathPattern = "one of its paths is a pattern"

// serverName reads a name, which may have a wildcard at one end.
func (r *Route) serverName(name string) {
	plain := strings.TrimPrefix(strings.TrimPrefix(name, "*"), ".")
	switch h := host(plain); {
	case name == "_" || name == "" || name == "localhost":
	case h == "":
		r.Unread, r.Wider = "one of its names is a pattern", true
	case strings.HasPrefix(name, "*."):
		r.Hosts = append(r.Hosts, "*."+h)
	case strings.HasPrefix(name, "."):
		r.Hosts = append(r.Hosts, h, "*."+h)
	default:
		r.Hosts = append(r.Hosts, h)
	}
}

type nginxServer struct {
	*nginx
	asked map[string]string // locations and where they pass on, for auth_request
}

func (s *nginxServer) location(b block) {
	if !b.is("location", 1) {
		return
	}
	for _, d := range b.body {
		if d.is("proxy_pass", 1) {
			s.asked[b.words[len(b.words)-1]] = d.words[1]
		}
	}
}

// passes reads directives that hold together: what is set in them, who is asked, and
// where they pass requests on.
func (s *nginxServer) passes(body []block, r Route, auth []string, outer map[string]string) {
	vars := maps.Clone(outer)
	if vars == nil {
		vars = map[string]string{}
	}
	for _, d := range body {
		switch {
		case d.is("set", 2):
			vars[d.words[1]] = d.words[2]
		case d.is("proxy_set_header", 2) && strings.EqualFold(d.words[1], "Host"):
			r.Named = named[d.words[2]] || d.words[2] == "$host:$server_port"
		case d.is("auth_request", 1) && d.words[1] == "off":
			auth = nil
		case d.is("auth_request", 1):
			auth = append(slices.Clone(auth), d.words[1])
		}
	}
	for _, d := range body { // what a condition decides is not known
		if d.is("if", 0) {
			each(d.body, func(x block) {
				if x.is("set", 2) {
					delete(vars, x.words[1])
				}
			})
		}
	}
	for _, d := range body {
		switch {
		case d.is("location", 1):
			s.inside(d, r, auth, vars)
		case d.is("if", 0) || d.is("limit_except", 0):
			s.passes(d.body, r, auth, vars)
		case d.is("include", 1) && strings.HasSuffix(d.words[1], "conf.d/include/proxy.conf") && vars["$server"] != "":
			// what Nginx Proxy Manager has in this file of its image
			r.Named = true
			s.pass("$forward_scheme://$server:$port", r, auth, vars)
		case len(d.words) == 2 && passes[d.words[0]]:
			s.pass(d.words[1], r, auth, vars)
		}
	}
}

// passes are the directives that pass requests on.
var passes = map[string]bool{"proxy_pass": true, "grpc_pass": true, "fastcgi_pass": true, "uwsgi_pass": true, "scgi_pass": true, "memcached_pass": true}

func (s *nginxServer) inside(d block, r Route, auth []string, vars map[string]string) {
	if slices.ContainsFunc(d.body, func(x block) bool { return x.is("internal", 0) }) {
		return
	}
	where := d.words[len(d.words)-1]
	r.Exact = len(d.words) == 3 && d.words[1] == "="
	if r.Paths = nil; where != "/" && !strings.HasPrefix(where, "@") {
		r.Paths = []string{where}
	}
	if len(d.words) == 3 && strings.HasPrefix(d.words[1], "~") {
		r.Unread = pathPattern
	}
	s.passes(d.body, r, auth, vars)
}

// pass adds the routes of one directive: one, or one for each name where the name decides.
func (s *nginxServer) pass(to string, r Route, auth []string, vars map[string]string) {
	r.Auth = nil
	for _, a := range auth {
		if to := s.leads(s.askedAt(a), vars, ""); len(to) > 0 {
			r.Auth = append(r.Auth, to[0])
		} else {
			r.Unread = "whom it asks at " + a + " was not read"
		}
	}
	all := r.Hosts
	if len(all) == 0 {
		all = slices.Sorted(maps.Keys(s.maps[vars[to]].values))
		all = append(all, slices.Sorted(maps.Keys(s.maps[to].values))...)
	}
	if r.To = s.leads(to, vars, ""); r.To != nil || len(all) == 0 {
		s.add(r)
		return
	}
	for _, name := range all {
		r.Hosts, r.To = []string{name}, s.leads(to, vars, name)
		s.add(r)
	}
}

func (s *nginxServer) add(r Route) {
	if r.To == nil {
		r.Unread = "where it passes requests on depends on a variable"
	} else if len(r.To) == 0 {
		return // to a program of the machine itself, by a socket
	}
	s.routes = append(s.routes, r)
}

// askedAt is where the location passes on that has the longest beginning of a path.
func (s *nginxServer) askedAt(uri string) (to string) {
	best := ""
	for where, passed := range s.asked {
		if strings.HasPrefix(uri, where) && len(where) > len(best) {
			best, to = where, passed
		}
	}
	return to
}

var nginxVariable = regexp.MustCompile(`\$(?:\{(\w+)\}|(\w+))`)

// leads is where a proxy_pass leads for a name; nil when a variable decides that nobody
// set, and empty when it is a socket of the machine itself.
func (n *nginx) leads(to string, vars map[string]string, name string) []Endpoint {
	for range 4 { // variables made of variables
		to = nginxVariable.ReplaceAllStringFunc(to, func(v string) string { return n.value("$"+strings.Trim(v, "${}"), vars, name) })
	}
	rest, scheme := to, ""
	if before, after, ok := strings.Cut(to, "://"); ok {
		scheme, rest = before+"://", after
	}
	if strings.HasPrefix(rest, "unix:") {
		return []Endpoint{}
	}
	rest, _, _ = strings.Cut(rest, "/")
	if rest == "" || strings.Contains(scheme+rest, "$") {
		return nil
	}
	if list, ok := n.upstreams[strings.ToLower(rest)]; ok {
		return list
	}
	if e := URL(scheme + rest); e.Host != "" {
		return []Endpoint{e}
	}
	return nil
}

// value is the value of a variable, or its name when it is not known.
func (n *nginx) value(variable string, vars map[string]string, name string) string {
	switch variable {
	case "$request_uri", "$uri", "$document_uri":
		return "/"
	}
	if v, ok := vars[variable]; ok {
		return v
	}
	if m, ok := n.maps[variable]; ok {
		if v, known := m.of(name); known {
			return v
		}
	}
	return variable
}
