package wiring

import (
	"maps"
	"slices"
	"strings"
)

// Nginx reads the files of one nginx (nginx.org, ngx_http_core_module and
// ngx_http_proxy_module): servers with their names, and where their locations pass
// requests on. Files are read together, since an upstream may stand in another one.
func Nginx(files map[string]string, names []string) (out []Route) {
	all := map[string][]block{}
	upstreams := map[string][]Endpoint{}
	for _, name := range names {
		s := &scanner{text: files[name], line: 1}
		all[name] = s.blocks(0)
		each(all[name], func(b block) {
			if len(b.words) == 2 && b.words[0] == "upstream" {
				for _, server := range b.body {
					if len(server.words) > 1 && server.words[0] == "server" {
						upstreams[strings.ToLower(b.words[1])] = append(upstreams[strings.ToLower(b.words[1])], URL(server.words[1]))
					}
				}
			}
		})
	}
	for _, name := range names {
		each(all[name], func(b block) {
			if len(b.words) == 1 && b.words[0] == "server" && b.body != nil {
				out = append(out, nginxServer(b, name, upstreams)...)
			}
		})
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

// nginxServer is a route for each place to which a server passes requests.
func nginxServer(b block, file string, upstreams map[string][]Endpoint) (out []Route) {
	base := Route{Proxy: "nginx", Place: at(file, b.line)}
	vars := map[string]string{}
	asks := map[string]string{} // location that is asked -> where it passes on
	for _, d := range b.body {
		if len(d.words) < 2 {
			continue
		}
		switch d.words[0] {
		case "server_name":
			for _, n := range d.words[1:] {
				if h := host(strings.TrimPrefix(n, "*.")); h != "" && n != "_" {
					base.Hosts = append(base.Hosts, strings.ToLower(n))
				} else if strings.HasPrefix(n, "~") {
					base.Unread = "one of its names is a pattern"
				}
			}
			base.Name = d.words[1]
		case "listen":
			_, p, found := cutLast(d.words[1])
			if n := port(p); n > 0 || !found && port(d.words[1]) > 0 {
				base.Ports = append(base.Ports, max(n, port(d.words[1])))
			}
			base.TLS = base.TLS || slices.Contains(d.words, "ssl")
		case "ssl_certificate":
			base.Cert = d.words[1]
		case "set":
			if len(d.words) > 2 {
				vars[d.words[1]] = d.words[2]
			}
		case "location":
			each(d.body, func(x block) {
				if len(x.words) == 2 && x.words[0] == "proxy_pass" {
					asks[d.words[len(d.words)-1]] = x.words[1]
				}
			})
		}
	}
	nginxPasses(b, base, nil, vars, asks, upstreams, &out)
	if len(out) == 0 && vars["$server"] != "" { // Nginx Proxy Manager passes on in a file that it includes
		base.To = []Endpoint{{Scheme: vars["$forward_scheme"], Host: host(vars["$server"]), Port: port(vars["$port"])}}
		out = append(out, base)
	}
	return out
}

func nginxPasses(b block, r Route, auth []string, vars, asks map[string]string, upstreams map[string][]Endpoint, out *[]Route) {
	for _, d := range b.body {
		if len(d.words) == 2 && d.words[0] == "auth_request" && d.words[1] != "off" {
			auth = append(slices.Clone(auth), d.words[1])
		}
		if len(d.words) == 3 && d.words[0] == "set" {
			vars[d.words[1]] = d.words[2]
		}
	}
	for _, d := range b.body {
		switch {
		case len(d.words) == 2 && d.words[0] == "proxy_pass":
			p := r
			p.To = passed(d.words[1], vars, upstreams)
			if len(p.To) == 0 {
				p.Unread = "where it passes requests on depends on a variable"
			}
			for _, a := range auth {
				if to := passed(asks[a], vars, upstreams); len(to) > 0 {
					p.Auth = append(p.Auth, to[0])
				}
			}
			*out = append(*out, p)
		case len(d.words) > 1 && d.words[0] == "location":
			inner := r
			where := d.words[len(d.words)-1]
			internal := slices.ContainsFunc(d.body, func(x block) bool { return len(x.words) == 1 && x.words[0] == "internal" })
			if internal {
				continue
			}
			if inner.Paths = nil; where != "/" {
				inner.Paths = []string{where}
			}
			if len(d.words) == 3 && strings.HasPrefix(d.words[1], "~") {
				inner.Unread = "one of its paths is a pattern"
			}
			nginxPasses(d, inner, auth, vars, asks, upstreams, out)
		case len(d.words) > 0 && d.words[0] == "if":
			nginxPasses(d, r, auth, vars, asks, upstreams, out)
		}
	}
}

// passed is where a proxy_pass leads, nil when a variable decides that nobody set.
func passed(to string, vars map[string]string, upstreams map[string][]Endpoint) []Endpoint {
	longest := slices.SortedFunc(maps.Keys(vars), func(a, b string) int { return len(b) - len(a) })
	for range 4 { // variables made of variables
		for _, name := range longest {
			to = strings.ReplaceAll(to, name, vars[name])
		}
	}
	if to == "" || strings.Contains(to, "$") {
		return nil
	}
	e := URL(to)
	if list := upstreams[e.Host]; e.Port == 0 && len(list) > 0 {
		return list
	}
	if e.Host == "" {
		return nil
	}
	return []Endpoint{e}
}

// Caddy reads a Caddyfile (caddyserver.com/docs/caddyfile): sites, reverse_proxy and
// forward_auth, with the snippets that they import.
func Caddy(file, text string) (out []Route) {
	s := &scanner{text: text, line: 1, byLine: true}
	list := s.blocks(0)
	snippets := map[string][]block{}
	for _, b := range list {
		if len(b.words) == 1 && strings.HasPrefix(b.words[0], "(") {
			snippets[strings.Trim(b.words[0], "()")] = b.body
		}
	}
	for _, b := range list {
		if len(b.words) == 0 || strings.HasPrefix(b.words[0], "(") || b.body == nil {
			continue
		}
		out = append(out, caddySite(b, file, snippets)...)
	}
	return out
}

func caddySite(b block, file string, snippets map[string][]block) (out []Route) {
	base := Route{Proxy: "caddy", Place: at(file, b.line), Name: b.words[0]}
	for _, w := range b.words {
		for a := range strings.SplitSeq(w, ",") {
			plain := strings.HasPrefix(a, "http://")
			a = strings.TrimPrefix(strings.TrimPrefix(a, "http://"), "https://")
			a, _, _ = strings.Cut(a, "/")
			name, p, _ := cutLast(a)
			if n := port(p); n > 0 {
				base.Ports = append(base.Ports, n)
			} else {
				name = a
			}
			if host(strings.TrimPrefix(name, "*.")) != "" {
				base.Hosts = append(base.Hosts, strings.ToLower(name))
				base.TLS = base.TLS || !plain && !slices.Contains(base.Ports, 80)
			} else if strings.Contains(a, "{") {
				base.Unread = "its address is a variable"
			}
		}
	}
	c := caddy{snippets: snippets, matchers: map[string][]string{}, out: &out}
	c.site(b.body, base, 0)
	return out
}

type caddy struct {
	snippets map[string][]block
	matchers map[string][]string // hosts of named matchers
	out      *[]Route
}

// site reads the directives of a site, and of those inside it that narrow it down.
func (c *caddy) site(body []block, r Route, depth int) {
	if depth > 8 {
		return
	}
	r.Auth = append(slices.Clone(r.Auth), c.asks(body, depth)...)
	for _, d := range body {
		if len(d.words) > 1 && strings.HasPrefix(d.words[0], "@") {
			if d.words[1] == "host" {
				c.matchers[d.words[0]] = d.words[2:]
			}
			for _, m := range d.body {
				if len(m.words) > 1 && m.words[0] == "host" {
					c.matchers[d.words[0]] = m.words[1:]
				}
			}
		}
		if len(d.words) > 1 && d.words[0] == "import" {
			c.site(c.snippets[d.words[1]], r, depth+1)
		}
	}
	for _, d := range body {
		if len(d.words) == 0 {
			continue
		}
		switch d.words[0] {
		case "handle", "handle_path", "route":
			c.site(d.body, c.narrowed(d.words[1:], r), depth+1)
		case "reverse_proxy":
			c.pass(d, r)
		}
	}
}

// asks are those that a body asks who somebody is, itself or by a snippet.
func (c *caddy) asks(body []block, depth int) (out []Endpoint) {
	for _, d := range body {
		switch {
		case len(d.words) < 2 || depth > 8:
		case d.words[0] == "import":
			out = append(out, c.asks(c.snippets[d.words[1]], depth+1)...)
		case d.words[0] == "forward_auth":
			for _, w := range d.words[1:] {
				if e := URL(w); e.Host != "" && !strings.HasPrefix(w, "/") {
					out = append(out, e)
				}
			}
		}
	}
	return out
}

// narrowed is a route for what a matcher lets through: a path, or a named matcher.
func (c *caddy) narrowed(words []string, r Route) Route {
	for _, w := range words {
		if strings.HasPrefix(w, "/") {
			r.Paths = []string{strings.TrimSuffix(w, "*")}
		}
		if hosts := c.matchers[w]; strings.HasPrefix(w, "@") && len(hosts) > 0 {
			r.Hosts = nil
			for _, h := range hosts {
				r.Hosts = append(r.Hosts, strings.ToLower(h))
			}
		}
	}
	return r
}

func (c *caddy) pass(d block, r Route) {
	r = c.narrowed(d.words[1:], r)
	words := d.words[1:]
	for _, b := range d.body {
		if len(b.words) > 1 && b.words[0] == "to" {
			words = append(slices.Clone(words), b.words[1:]...)
		}
	}
	for _, w := range words {
		if strings.HasPrefix(w, "/") || strings.HasPrefix(w, "@") || w == "*" {
			continue
		}
		if e := URL(w); e.Host != "" {
			r.To = append(slices.Clone(r.To), e)
		} else {
			r.Unread = "where it passes requests on depends on a variable"
		}
	}
	*c.out = append(*c.out, r)
}

// Cloudflared reads the ingress rules of a tunnel (config.yml): a name, and the service
// behind it.
func Cloudflared(file, text string) (out []Route, err error) {
	t, err := YAML(text)
	for _, rule := range t.trees("ingress") {
		to := URL(rule.text("service"))
		if name := host(strings.TrimPrefix(rule.text("hostname"), "*.")); name != "" && to.Host != "" {
			out = append(out, Route{Proxy: "cloudflared", Name: name, Hosts: []string{strings.ToLower(rule.text("hostname"))}, TLS: true, To: []Endpoint{to}, Place: file + " ingress"})
		}
	}
	return out, err
}
