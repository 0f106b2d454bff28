package pvesim

import (
	"maps"
	"slices"
	"strings"
	"time"
)

func haRoutes(t *routeTable) {
	audit, console := perm("/", "Sys.Audit"), perm("/", "Sys.Console")
	p := "/cluster/ha"
	t.add("GET", p, "", audit, index("status", "resources", "groups", "rules"))
	t.add("GET", p+"/resources", "type(ct|vm)", audit, haResources)
	table := "comment max_relocate:i>=0 max_restart:i>=0 state(started|stopped|enabled|disabled|ignored) group@id"
	if t.server.release >= "9" {
		table += " failback:b"
	}
	t.add("POST", p+"/resources", "sid! type(ct|vm) "+table, console, addHA)
	t.add("GET", p+"/resources/{sid}", "", audit, getHA)
	t.add("PUT", p+"/resources/{sid}", "delete@idlist digest~40 "+table, console, updateHA)
	t.add("DELETE", p+"/resources/{sid}", "purge:b", console, removeHA)
	t.add("POST", p+"/resources/{sid}/migrate", "node!@node", console, moveHA)
	t.add("POST", p+"/resources/{sid}/relocate", "node!@node", console, moveHA)
	t.add("GET", p+"/status", "", nil, index("current", "manager_status"))
	t.add("GET", p+"/status/current", "", audit, haStatus)
	t.add("GET", p+"/status/manager_status", "", audit, managerStatus)
	if t.server.release < "9" {
		recordRoutes{
			path: p + "/groups", id: "group", params: "nodes comment nofailback:b restricted:b", fixed: "type(group)", what: "ha group", change: "digest~64",
			list: func(w *World) *[]Record { return &w.HAGroups }, read: audit, write: console,
		}.add(t)
		return
	}
	group := "nodes comment nofailback:b restricted:b"
	for _, r := range []struct {
		verb, method, path, params string
		guard                      guard
	}{
		{"index groups", "GET", "", "", audit},
		{"create group", "POST", "", "group!@id type(group) " + group, console},
		{"read group", "GET", "/{group}", "", audit},
		{"update group", "PUT", "/{group}", group + " delete@idlist digest~64", console},
		{"delete group", "DELETE", "/{group}", "", console},
	} {
		t.add(r.method, p+"/groups"+r.path, r.params, r.guard, func(*call) (any, error) {
			return nil, die("cannot %s: ha groups have been migrated to rules", r.verb)
		})
	}
	recordRoutes{
		path: p + "/rules", id: "rule", params: "type(node-affinity|resource-affinity) affinity(positive|negative) comment disable:b nodes resources strict:b",
		what: "ha rule", change: "digest~64", list: func(w *World) *[]Record { return &w.HARules }, read: audit, write: console, dots: "resource type(node-affinity|resource-affinity)",
	}.add(t)
}

// sid is the resource of the path or parameter: 100 is vm:100 or ct:100.
func (c *call) sid(s string) (string, error) {
	id := atoi(s[strings.Index(s, ":")+1:])
	m := c.s.guests[id]
	if m == nil {
		return "", die("unable to add resource '%s' - no such guest", s)
	}
	if strings.Contains(s, ":") && s != m.sid() {
		return "", die("resource '%s' does not exist in cluster", s)
	}
	return m.sid(), nil
}

func (r *HAResource) show() obj {
	o := obj{"sid": r.SID, "state": orElse(r.State, "started"), "type": r.SID[:2], "digest": digestOf(r.Props)}
	for k, v := range r.Props {
		o[k] = number(v)
	}
	return o
}

func haResources(c *call) (any, error) {
	rows := []obj{}
	for _, r := range c.s.world.HA {
		if typ := c.p["type"]; typ == "" || strings.HasPrefix(r.SID, typ) {
			rows = append(rows, r.show())
		}
	}
	return rows, nil
}

func addHA(c *call) (any, error) {
	sid, err := c.sid(c.p["sid"])
	if err != nil {
		return nil, err
	}
	if c.s.world.ha(sid) != nil {
		return nil, die("resource ID '%s' already defined", sid)
	}
	if err := c.quorum(); err != nil {
		return nil, err
	}
	r := &HAResource{SID: sid, State: orElse(c.p["state"], "started"), Props: Record(maps.Clone(c.p))}
	delete(r.Props, "sid")
	delete(r.Props, "type")
	delete(r.Props, "state")
	c.s.world.HA = append(c.s.world.HA, r)
	c.s.dirty()
	return nil, nil
}

// resourceHA is the resource of the path.
func (c *call) resourceHA() (*HAResource, error) {
	sid := c.uri["sid"]
	if !strings.Contains(sid, ":") {
		if m := c.s.guests[atoi(sid)]; m != nil {
			sid = m.sid()
		}
	}
	r := c.s.world.ha(sid)
	if r == nil {
		return nil, die("no such resource '%s'", c.uri["sid"])
	}
	return r, nil
}

func getHA(c *call) (any, error) {
	r, err := c.resourceHA()
	if err != nil {
		return nil, err
	}
	return r.show(), nil
}

func updateHA(c *call) (any, error) {
	r, err := c.resourceHA()
	if err != nil {
		return nil, err
	}
	if err := c.quorum(); err != nil {
		return nil, err
	}
	if r.Props == nil {
		r.Props = Record{}
	}
	for _, k := range splitList(c.p["delete"]) {
		delete(r.Props, k)
	}
	for k, v := range c.p {
		if k != "delete" && k != "digest" && k != "state" {
			r.Props[k] = v
		}
	}
	if v := c.p["state"]; v != "" {
		r.State = v
		c.enforceHA(r)
	}
	c.s.dirty()
	return nil, nil
}

// enforceHA does what the local resource manager would for a new state.
func (c *call) enforceHA(r *HAResource) {
	m := c.s.guests[atoi(r.SID[3:])]
	if m == nil {
		return
	}
	prefix := map[string]string{"qemu": "qm", "lxc": "vz"}[m.Kind]
	switch {
	case (r.State == "started" || r.State == "enabled") && !m.Running:
		c.start(m.Node, prefix+"start", itoa(m.VMID), func(*task) error { return c.boot(m) })
	case (r.State == "stopped" || r.State == "disabled") && m.Running:
		c.start(m.Node, prefix+"stop", itoa(m.VMID), func(*task) error { return c.halt(m) })
	}
}

func removeHA(c *call) (any, error) {
	r, err := c.resourceHA()
	if err != nil {
		return nil, err
	}
	if err := c.quorum(); err != nil {
		return nil, err
	}
	c.s.world.HA = slices.DeleteFunc(c.s.world.HA, func(o *HAResource) bool { return o == r })
	c.s.dirty()
	return nil, nil
}

// moveHA asks the HA manager to move a guest.
func moveHA(c *call) (any, error) {
	r, err := c.resourceHA()
	if err != nil {
		return nil, err
	}
	m := c.s.guests[atoi(r.SID[3:])]
	target := c.p["node"]
	if m == nil || c.s.world.node(target) == nil {
		return nil, die("no such node '%s'", target)
	}
	typ := map[string]string{"qemu": "qmigrate", "lxc": "vzmigrate"}[m.Kind]
	from := m.Node
	c.start(from, typ, itoa(m.VMID), func(t *task) error { return c.migrate(m, target, t) })
	return obj{"sid": r.SID, "requested-node": target}, nil
}

func haStatus(c *call) (any, error) {
	s := c.s
	rows := []obj{
		{"id": "quorum", "type": "quorum", "node": s.local(), "quorate": yes(!s.world.NoQuorum), "status": map[bool]string{false: "OK", true: "No quorum on node '" + s.local() + "'!"}[s.world.NoQuorum]},
	}
	if s.release >= "9.2" {
		rows = append(rows, obj{"id": "fencing", "type": "fencing", "node": s.local(), "status": "standby (CRM watchdog standby)", "armed-state": "standby"})
	}
	if len(s.world.HA) == 0 {
		return rows, nil
	}
	rows = append(rows, obj{"id": "master", "type": "master", "node": s.local(), "status": s.local() + " (active, " + time.Now().Format(time.ANSIC) + ")", "timestamp": time.Now().Unix()})
	for _, n := range s.world.Nodes {
		state := "active"
		if !n.Online {
			state = "old timestamp - dead?"
		}
		rows = append(rows, obj{"id": "lrm:" + n.Name, "type": "lrm", "node": n.Name, "status": n.Name + " (" + state + ")", "timestamp": time.Now().Unix()})
	}
	for _, r := range s.world.HA {
		node := ""
		if m := s.guests[atoi(r.SID[3:])]; m != nil {
			node = m.Node
		}
		state := orElse(r.State, "started")
		rows = append(rows, obj{"id": "service:" + r.SID, "sid": r.SID, "type": "service", "node": node, "state": state, "request_state": state, "crm_state": state, "status": r.SID + " (" + node + ", " + state + ")"})
	}
	return rows, nil
}

func managerStatus(c *call) (any, error) {
	services := obj{}
	for _, r := range c.s.world.HA {
		services[r.SID] = obj{"state": orElse(r.State, "started")}
	}
	return obj{"manager_status": obj{"master_node": c.s.local(), "node_status": obj{}, "service_status": services}, "quorum": obj{"node": c.s.local(), "quorate": yes(!c.s.world.NoQuorum)}, "lrm_status": obj{}}, nil
}
