package pvesim

import "strings"

// handler does what a method of the API does. The server's lock is held.
type handler func(*call) (any, error)

// guard checks permissions, before the parameters are looked at.
type guard func(*call) error

// route is one method of one path.
type route struct {
	method   string
	template string
	params   *params
	guard    guard
	handle   handler
	world    bool // needs no authentication
	noToken  bool // tickets only
	anyNode  bool // answered without the node that the path names
}

// routeTable finds routes by their path.
type routeTable struct {
	server *Server
	root   *routeNode
}

type routeNode struct {
	children map[string]*routeNode
	param    *routeNode
	name     string // of the parameter that leads here
	methods  map[string]*route
}

// add registers a method. params is a table for parseParams; "+qemu" and
// "+lxc" in it stand for all options of such a guest.
func (t *routeTable) add(method, template, table string, g guard, h handler) *route {
	r := &route{method: method, template: template, guard: g, handle: h}
	var own []string
	var sets []*params
	for _, w := range strings.Fields(table) {
		switch w {
		case "+qemu":
			sets = append(sets, t.server.qemu.params)
		case "+lxc":
			sets = append(sets, t.server.lxc.params)
		default:
			own = append(own, w)
		}
	}
	r.params = parseParams(strings.Join(own, " "))
	for _, set := range sets {
		r.params = r.params.with(set)
	}
	n := t.root
	for part := range strings.SplitSeq(strings.Trim(template, "/"), "/") {
		n = n.child(part)
	}
	if n.methods == nil {
		n.methods = map[string]*route{}
	}
	n.methods[method] = r
	return r
}

func (n *routeNode) child(part string) *routeNode {
	if strings.HasPrefix(part, "{") {
		if n.param == nil {
			n.param = &routeNode{children: map[string]*routeNode{}, name: strings.Trim(part, "{}")}
		}
		return n.param
	}
	if n.children[part] == nil {
		n.children[part] = &routeNode{children: map[string]*routeNode{}}
	}
	return n.children[part]
}

// find returns the route of a path and the parameters in it.
func (t *routeTable) find(method, path string) (*route, map[string]string) {
	uri := map[string]string{}
	n := t.root
	parts := strings.Split(strings.Trim(path, "/"), "/")
	for i, part := range parts {
		if next := n.children[part]; next != nil {
			n = next
			continue
		}
		if n.param == nil {
			return nil, nil
		}
		n = n.param
		uri[n.name] = part
		if n.name == "volume" || n.name == "cidr" { // they have slashes in them
			uri[n.name] = strings.Join(parts[i:], "/")
			break
		}
	}
	r := n.methods[method]
	if r == nil {
		return nil, nil
	}
	return r, uri
}

// conflicts refuses a body that contradicts the path.
func (c *call) conflicts() error {
	for name, val := range c.uri {
		vs, ok := c.raw[name]
		if !ok {
			continue
		}
		if len(vs) != 1 || vs[0] != val {
			return badParam(name, "duplicate parameter (already defined in URI) with conflicting values!")
		}
		c.raw.Del(name)
	}
	return nil
}

// allowed runs the route's guard.
func (c *call) allowed() error {
	if c.route.guard == nil {
		return nil
	}
	return c.route.guard(c)
}

// validate checks every parameter and fills c.p. All mistakes are told at
// once.
func (c *call) validate() error {
	c.p = map[string]string{}
	bad := map[string]string{}
	c.checkURI(bad)
	for name, vals := range c.raw {
		c.validateOne(name, vals, bad)
	}
	for _, p := range c.route.params.list {
		if _, given := c.raw[p.name]; p.required && !given {
			bad[p.name] = "property is missing and it is not optional"
		}
	}
	if c.has("force") && c.route.params.find("delete") != nil && strings.HasSuffix(c.route.template, "/config") && !c.has("delete") {
		bad["delete"] = "missing property - 'force' requires this property"
	}
	if len(bad) > 0 {
		return badParams(bad)
	}
	for name := range c.nulls {
		if p := c.route.params.find(name); p.typ != 's' {
			return die("unable to parse value of '%s' - got undefined value", name)
		}
		delete(c.p, name)
	}
	return nil
}

func (c *call) validateOne(name string, vals []string, bad map[string]string) {
	if strings.HasPrefix(name, "\x00") {
		c.p[name] = vals[0]
		return
	}
	p := c.route.params.find(name)
	switch {
	case p == nil:
		bad[name] = "property is not defined in schema and the schema does not allow additional properties"
	case c.nulls[name]:
		c.p[name] = ""
	case p.typ == 'a':
		c.p[name] = strings.Join(vals, "\x00")
	case len(vals) != 1 && strings.HasSuffix(p.format, "list"):
		c.p[name] = strings.Join(vals, ",")
	case len(vals) != 1 && p.typ == 's':
		bad[name] = "type check ('string') failed - got ARRAY"
	case len(vals) != 1:
		bad[name] = "type check ('" + map[byte]string{'i': "integer", 'n': "number", 'b': "boolean"}[p.typ] + "') failed - got ARRAY"
	default:
		if msg := c.s.formats.check(name, p, vals[0]); msg != "" {
			bad[name] = msg
			return
		}
		c.p[name] = vals[0]
	}
}

// checkURI checks the parameters in the path.
func (c *call) checkURI(bad map[string]string) {
	if v, ok := c.uri["vmid"]; ok {
		if n := atoi(v); n < 100 || n > 999999999 || itoa(n) != v {
			bad["vmid"] = "invalid format - value does not look like a valid VM ID\n"
		}
	}
	if v, ok := c.uri["pos"]; ok && (v != itoa(atoi(v)) || atoi(v) < 0) {
		bad["pos"] = "type check ('integer') failed - got '" + v + "'"
	}
	if v, ok := c.uri["storage"]; ok && strings.HasPrefix(c.path, "/nodes/") && c.s.world.storage(v) == nil {
		bad["storage"] = "No such storage."
	}
}
