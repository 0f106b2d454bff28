package wiring

import (
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Caddy reads the files of one Caddy (caddyserver.com/docs/caddyfile): sites,
// reverse_proxy, php_fastcgi and forward_auth, with the snippets and files that they
// import. It returns what they import and is none of the files, as paths or patterns.
func Caddy(files []File) ([]Route, []string) {
	in := including(files, true)
	c := &caddy{in: in, snippets: map[string][]block{}}
	var sites []block
	for _, f := range in.roots("Caddyfile") {
		sites = append(sites, c.top(braced(in.parsed(f)), 0)...)
	}
	for _, b := range sites {
		c.unread = ""
		body := c.imported(b.body, 0)
		before, r := len(c.routes), c.address(b)
		if c.site(body, r, map[string]matched{}); len(c.routes) == before {
			r.Own = true
			c.routes = append(c.routes, r)
		}
	}
	return c.routes, in.lost
}

type caddy struct {
	in       *includer
	snippets map[string][]block
	plain    bool   // auto_https is off
	unread   string // of the site that is read
	routes   []Route
}

// A matched is what a named matcher lets through, as far as it is read.
type matched struct{ hosts, paths []string }

// braced is a file as if it had braces, which one with a single site may lack.
func braced(list []block) []block {
	for i, b := range list {
		switch {
		case len(b.words) == 0 || snippet(b) != "" || b.words[0] == "import":
		case b.body == nil:
			b.body = append([]block{}, list[i+1:]...)
			return append(slices.Clone(list[:i]), b)
		default:
			return list
		}
	}
	return list
}

// snippet is the name of a part that others import or invoke.
func snippet(b block) string {
	if name, ok := strings.CutPrefix(strings.TrimPrefix(b.words[0], "&"), "("); ok && len(b.words) == 1 {
		return strings.TrimSuffix(name, ")")
	}
	return ""
}

// top takes up snippets and returns sites, also those of files that are imported.
func (c *caddy) top(list []block, depth int) (sites []block) {
	for _, b := range list {
		switch {
		case len(b.words) == 0:
			each(b.body, func(x block) { c.plain = c.plain || x.is("auto_https", 1) && x.words[1] == "off" })
		case snippet(b) != "":
			c.snippets[snippet(b)] = b.body
		case b.is("import", 1) && depth < maxDepth:
			for _, f := range c.in.matching(b.words[1], path.Dir(b.file.Path)) {
				sites = append(sites, c.top(c.in.parsed(f), depth+1)...)
			}
		case b.body != nil:
			sites = append(sites, b)
		}
	}
	return sites
}

// imported puts snippets and files where their import stands.
func (c *caddy) imported(list []block, depth int) (out []block) {
	for _, b := range list {
		if !b.is("import", 1) && !b.is("invoke", 1) {
			if b.body != nil {
				b.body = append([]block{}, c.imported(b.body, depth)...)
			}
			out = append(out, b)
			continue
		}
		found, ok := c.snippets[b.words[1]]
		if !ok && strings.ContainsAny(b.words[1], "./*") {
			ok = true // files that are not there yet are asked for
			for _, f := range c.in.matching(b.words[1], path.Dir(b.file.Path)) {
				found = append(found, c.in.parsed(f)...)
			}
		}
		if c.in.left -= len(found); !ok || depth > maxDepth || c.in.left < 0 {
			c.unread = "it imports " + b.words[1] + ", which was not read"
			continue
		}
		out = append(out, c.imported(given(found, b), depth+1)...)
	}
	return out
}

var caddyArgument = regexp.MustCompile(`\{args(?:\[(\d+)\]|\.(\d+))\}`)

// given is a snippet with the arguments and the block of its import.
func given(list []block, by block) (out []block) {
	args := by.words[2:]
	for _, b := range list {
		if len(b.words) == 1 && b.words[0] == "{block}" {
			out = append(out, by.body...)
			continue
		}
		words := make([]string, 0, len(b.words))
		for _, w := range b.words {
			if w == "{args[:]}" {
				words = append(words, args...)
				continue
			}
			words = append(words, caddyArgument.ReplaceAllStringFunc(w, func(a string) string {
				m := caddyArgument.FindStringSubmatch(a)
				if n, err := strconv.Atoi(m[1] + m[2]); err == nil && n < len(args) {
					return args[n]
				}
				return a
			}))
		}
		if b.words = words; b.body != nil {
			b.body = append([]block{}, given(b.body, by)...)
		}
		out = append(out, b)
	}
	return out
}

// address is the route of a site with nothing in it: its names and ports.
func (c *caddy) address(b block) Route {
	r := Route{Proxy: "caddy", Place: b.place(), Name: strings.Trim(b.words[0], ","), Unread: c.unread}
	for a := range strings.SplitSeq(strings.Join(b.words, ","), ",") {
		scheme, rest := "", a
		if before, after, ok := strings.Cut(a, "://"); ok {
			scheme, rest = before, after
		}
		rest, _, _ = strings.Cut(rest, "/")
		name := rest
		if before, p, _ := cutLast(rest); port(p) > 0 {
			name = before
			r.Ports = append(r.Ports, port(p))
		}
		r.hosts(name)
		if name != "" && host(strings.TrimPrefix(name, "*.")) != "" {
			plain := scheme == "http" || c.plain && scheme == "" || slices.Contains(r.Ports, 80)
			r.TLS = r.TLS || !plain
		}
	}
	return r
}

// hosts notes names of requests; one with a variable in it is not known.
func (r *Route) hosts(names ...string) {
	for _, n := range names {
		if h := host(strings.TrimPrefix(n, "*.")); h != "" {
			r.Hosts = append(r.Hosts, strings.ToLower(n))
		} else if strings.Contains(n, "{") {
			r.Unread, r.Wider = "one of its names is a variable", true
		}
	}
}

// site reads the directives of a site, and of those inside it that narrow it down.
func (c *caddy) site(body []block, r Route, outer map[string]matched) {
	matchers := maps.Clone(outer)
	for _, d := range body {
		if len(d.words) > 0 && strings.HasPrefix(d.words[0], "@") {
			matchers[d.words[0]] = matcherOf(d)
		}
	}
	r.Auth = append(slices.Clone(r.Auth), asks(body)...)
	for _, d := range body {
		switch {
		case d.is("handle", 0), d.is("handle_path", 0), d.is("route", 0):
			c.site(d.body, narrowed(d.words[1:], r, matchers), matchers)
		case d.is("reverse_proxy", 0), d.is("php_fastcgi", 0):
			c.pass(d, narrowed(d.words[1:], r, matchers))
		}
	}
}

func matcherOf(d block) (m matched) {
	rows := d.body
	if len(d.words) > 1 {
		rows = append(slices.Clone(rows), block{words: d.words[1:]})
	}
	for _, x := range rows {
		switch {
		case x.is("host", 1):
			m.hosts = append(m.hosts, x.words[1:]...)
		case x.is("path", 1):
			m.paths = append(m.paths, x.words[1:]...)
		}
	}
	return m
}

// asks are those that directives ask who somebody is. A route is passed through by what
// stands after it, and so is who is asked there; what handles a request ends it.
func asks(body []block) (out []Endpoint) {
	for _, d := range body {
		switch {
		case d.is("route", 0) && len(d.words) == 1:
			out = append(out, asks(d.body)...)
		case d.is("forward_auth", 1):
			for _, w := range d.words[1:] {
				if e := URL(w); e.Host != "" && !strings.HasPrefix(w, "/") && !slices.Contains(out, e) {
					out = append(out, e)
				}
			}
		}
	}
	return out
}

// narrowed is a route for what a matcher lets through: a path, or a named matcher.
func narrowed(words []string, r Route, matchers map[string]matched) Route {
	for _, w := range words {
		m := matchers[w]
		if strings.HasPrefix(w, "/") {
			m.paths = []string{w}
		}
		if len(m.paths) > 0 {
			r.Paths = nil
			for _, p := range m.paths {
				if p = strings.TrimRight(p, "*"); p != "/" {
					r.Paths = append(r.Paths, p)
				}
			}
		}
		if len(m.hosts) > 0 {
			r.Hosts = nil
			r.hosts(m.hosts...)
		}
	}
	return r
}

func (c *caddy) pass(d block, r Route) {
	words := d.words[1:]
	if len(words) > 0 && (strings.HasPrefix(words[0], "/") || strings.HasPrefix(words[0], "@") || words[0] == "*") {
		words = words[1:]
	}
	for _, b := range d.body {
		switch {
		case b.is("to", 1):
			words = append(slices.Clone(words), b.words[1:]...)
		case b.is("dynamic", 0):
			r.Unread = "where it passes requests on is asked of a name server"
		}
	}
	r.To, r.Named = nil, d.is("reverse_proxy", 0)
	each(d.body, func(x block) { r.Named = r.Named && !(x.is("header_up", 1) && strings.EqualFold(x.words[1], "Host")) })
	for _, w := range words {
		if strings.HasPrefix(w, "unix/") || strings.Contains(w, "+unix/") {
			continue // a program of the machine itself
		}
		if strings.HasPrefix(w, ":") {
			w = "localhost" + w
		}
		switch e := URL(w); {
		case e.Host == "" || strings.Contains(w, "{"):
			r.Unread = "where it passes requests on depends on a variable"
		case e.Port == 0 && e.Scheme == "":
			e.Port = 80
			r.To = append(r.To, e)
		default:
			r.To = append(r.To, e)
		}
	}
	if len(r.To) > 0 || r.Unread != "" {
		c.routes = append(c.routes, r)
	}
}
