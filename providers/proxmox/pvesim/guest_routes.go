package pvesim

import (
	"slices"
)

func guestRoutes(t *routeTable) {
	for _, kind := range []string{"qemu", "lxc"} {
		base := "/nodes/{node}/" + kind
		one := base + "/{vmid}"
		auditor := perm("/vms/{vmid}", "VM.Audit")
		t.add("GET", base, map[string]string{"qemu": "full:b", "lxc": ""}[kind], nil, listGuests)
		t.add("GET", one, "", nil, index("config", "pending", "status", "snapshot", "firewall", "feature", "migrate", "rrd", "rrddata"))
		t.add("GET", one+"/config", "current:b snapshot@id", auditor, getConfig)
		t.add("GET", one+"/pending", "", auditor, getPending)
		t.add("GET", one+"/status", "", nil, index("current", "start", "stop", "shutdown", "reboot", "suspend", "resume"))
		t.add("GET", one+"/status/current", "", auditor, currentStatus)
		t.add("GET", one+"/rrddata", "timeframe!(hour|day|week|month|year|decade) cf(AVERAGE|MAX)", auditor, guestRRD)
		t.add("GET", one+"/rrd", "timeframe!(hour|day|week|month|year|decade) cf(AVERAGE|MAX) ds!", auditor, rrdFile)
	}
	qemuConfigRoutes(t)
	lxcConfigRoutes(t)
	createRoutes(t)
	powerRoutes(t)
	destroyRoutes(t)
	cloneRoutes(t)
	snapshotRoutes(t)
	volumeRoutes(t)
	migrateRoutes(t)
	agentRoutes(t)
	consoleRoutes(t)
}

// index is the list of what lies below a path.
func index(names ...string) handler {
	return func(*call) (any, error) {
		rows := []obj{}
		for _, n := range names {
			rows = append(rows, obj{"subdir": n, "name": n})
		}
		return rows, nil
	}
}

func getConfig(c *call) (any, error) {
	m, err := c.machine()
	if err != nil {
		return nil, err
	}
	if name := c.p["snapshot"]; name != "" {
		if c.flag("current") {
			return nil, badParams(map[string]string{"snapshot": "cannot use 'snapshot' parameter with 'current'", "current": "cannot use 'snapshot' parameter with 'current'"})
		}
		return snapshotView(m, name)
	}
	return m.view(c.flag("current")), nil
}

func snapshotView(m *machine, name string) (any, error) {
	sn := m.snapshot(name)
	if sn == nil {
		return nil, die("snapshot '%s' does not exist", name)
	}
	out := obj{"digest": m.hash()}
	for k, v := range sn.all() {
		out[k] = m.shown(k, v)
	}
	out["snaptime"] = sn.Time
	return out, nil
}

func getPending(c *call) (any, error) {
	m, err := c.machine()
	if err != nil {
		return nil, err
	}
	return m.pendingRows()
}

// listGuests is GET /nodes/N/qemu and lxc: those that the caller may see.
func listGuests(c *call) (any, error) {
	rows := []obj{}
	for _, m := range c.s.guests {
		if m.Node == c.node() && m.Kind == c.kind() && c.may("/vms/"+itoa(m.VMID), "VM.Audit") {
			rows = append(rows, m.listRow())
		}
	}
	return shuffle(rows), nil
}

// sorted returns the guests by VMID.
func (s *Server) sorted() []*machine {
	out := make([]*machine, 0, len(s.guests))
	for _, m := range s.guests {
		out = append(out, m)
	}
	slices.SortFunc(out, func(a, b *machine) int { return a.VMID - b.VMID })
	return out
}
