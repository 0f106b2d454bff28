package pvesim

import (
	"maps"
	"slices"
	"strings"
)

func clusterRoutes(t *routeTable) {
	sysAudit, sysModify := perm("/", "Sys.Audit"), perm("/", "Sys.Modify")
	t.add("GET", "/cluster", "", nil, index("resources", "status", "nextid", "tasks", "log", "options", "ha", "backup", "replication", "firewall", "config"))
	t.add("GET", "/cluster/resources", "type(vm|storage|node|sdn)", nil, resources)
	t.add("GET", "/cluster/status", "", sysAudit, clusterStatus)
	t.add("GET", "/cluster/nextid", "vmid:i>=100<=999999999", nil, nextID)
	t.add("GET", "/cluster/tasks", "", nil, clusterTasks)
	t.add("GET", "/cluster/log", "max:i>=1", nil, clusterLog)
	t.add("GET", "/cluster/options", "", sysAudit, clusterOptions)
	t.add("PUT", "/cluster/options", optionsTable(), sysModify, setClusterOptions)
	t.add("GET", "/cluster/config", "", sysAudit, index("nodes", "totem", "join", "qdevice", "apiversion"))
	t.add("GET", "/cluster/config/nodes", "", sysAudit, configNodes)
	t.add("GET", "/cluster/config/apiversion", "", sysAudit, func(*call) (any, error) { return 1, nil })
	t.add("GET", "/cluster/config/totem", "", sysAudit, func(c *call) (any, error) {
		return obj{"cluster_name": c.s.world.Cluster, "config_version": "3", "version": "2", "secauth": "on", "ip_version": "ipv4-6"}, nil
	})
	t.add("GET", "/cluster/config/join", "node", sysAudit, joinInfo)
	t.add("GET", "/cluster/config/qdevice", "", sysAudit, func(*call) (any, error) { return obj{}, nil })
	metrics := "server! port!:i>=1<=65536 api-path-prefix bucket disable:b influxdbproto(udp|http|https) max-body-size:i>=1 mtu:i>=512<=65536 organization path proto(udp|tcp) timeout:i>=0 token verify-certificate:b"
	types := "type!(graphite|influxdb)"
	if t.server.release >= "9" {
		metrics += " otel-compression(none|gzip) otel-headers otel-max-body-size:i>=1024 otel-path otel-protocol(http|https) otel-resource-attributes otel-timeout:i>=1<=10 otel-verify-ssl:b"
		types = "type!(graphite|influxdb|opentelemetry)"
	}
	recordRoutes{
		path: "/cluster/metrics/server", id: "id", named: true, params: metrics, fixed: types, what: "metric server", change: "digest",
		list: func(w *World) *[]Record { return &w.Metrics }, read: perm("/", "Sys.Audit"), write: perm("/", "Sys.Modify"),
	}.add(t)
	t.add("GET", "/cluster/ceph/status", "", nil, func(*call) (any, error) { return nil, die("binary not installed: /usr/bin/ceph-mon") })
}

func optionsTable() string {
	return `bwlimit consent-text console(applet|vv|html5|xtermjs) crs delete@idlist description email_from fencing(watchdog|hardware|both) ha
 http_proxy keyboard language location mac_prefix max_workers:i>=1 migration migration_unsecure:b next-id notify registered-tags replication
 tag-style u2f user-tag-access webauthn`
}

// resources is GET /cluster/resources. Where guests are, their tags and locks
// are fresh; their state and size are what the status daemon saw last.
func resources(c *call) (any, error) {
	rows := []obj{}
	typ := c.p["type"]
	if typ == "" {
		for _, p := range c.s.world.Pools {
			if c.may("/pool/"+p.ID, "Pool.Audit") {
				rows = append(rows, obj{"id": "/pool/" + p.ID, "pool": p.ID, "type": "pool"})
			}
		}
	}
	if typ == "" || typ == "vm" {
		for _, m := range c.s.guests {
			if c.may("/vms/"+itoa(m.VMID), "VM.Audit") {
				rows = append(rows, c.s.resource(m))
			}
		}
	}
	if typ == "" || typ == "node" {
		for _, n := range c.s.world.Nodes {
			o := c.nodeRow(n, c.may("/nodes/"+n.Name, "Sys.Audit"))
			delete(o, "ssl_fingerprint")
			rows = append(rows, o)
		}
	}
	if typ == "" || typ == "storage" {
		rows = append(rows, c.storageResources()...)
	}
	if typ == "" || typ == "sdn" {
		for _, zone := range append(slices.Clone(c.s.world.appliedSDN().Zones), Record{"id": "localnetwork"}) {
			if c.may("/sdn/zones/"+zone["id"], "SDN.Audit") {
				rows = append(rows, c.zoneRows(zone)...)
			}
		}
	}
	return shuffle(rows), nil
}

// zoneRows are the rows of a zone of the network, one for each node that has it.
func (c *call) zoneRows(zone Record) (rows []obj) {
	for _, n := range c.s.world.Nodes {
		if only := splitList(zone["nodes"]); len(only) > 0 && !slices.Contains(only, n.Name) {
			continue
		}
		status := "available"
		if zone["id"] == "localnetwork" {
			status = "ok"
		}
		rows = append(rows, obj{"id": "sdn/" + n.Name + "/" + zone["id"], "node": n.Name, "sdn": zone["id"], "status": status, "type": "sdn"})
	}
	return rows
}

// resource is a guest's row in /cluster/resources.
func (s *Server) resource(m *machine) obj {
	o := obj{"id": m.Kind + "/" + itoa(m.VMID), "vmid": m.VMID, "type": m.Kind, "node": m.Node, "status": "unknown"}
	if m.Pool != "" {
		o["pool"] = m.Pool
	}
	if m.Lock != "" {
		o["lock"] = m.Lock
	}
	if v := m.Config["tags"]; v != "" {
		o["tags"] = v
	}
	if r := s.world.ha(m.sid()); r != nil {
		o["hastate"] = orElse(r.State, "started")
	}
	st := s.seen(m)
	if st == nil {
		return o
	}
	up, mem := int64(0), int64(0)
	o["status"] = "stopped"
	if st.running {
		o["status"] = "running"
		up, mem = max(m.uptime(), 1), st.maxmem/2
	}
	maps.Copy(o, obj{
		"name": st.name, "template": yes(m.Template), "maxmem": st.maxmem, "maxdisk": st.maxdisk, "maxcpu": maxCPU(st.cpus),
		"cpu": 0, "mem": mem, "memhost": mem, "disk": 0, "uptime": up, "netin": 0, "netout": 0, "diskread": 0, "diskwrite": 0,
	})
	if s.release < "9" {
		delete(o, "memhost")
	}
	return o
}

func (c *call) storageResources() []obj {
	var rows []obj
	for _, st := range c.s.world.Storages {
		if st.Disable || !c.may("/storage/"+st.ID, "Datastore.Audit", "Datastore.AllocateSpace") {
			continue
		}
		for _, n := range c.s.world.Nodes {
			if !st.on(n.Name) {
				continue
			}
			o := obj{
				"id": "storage/" + n.Name + "/" + st.ID, "storage": st.ID, "node": n.Name, "type": "storage", "plugintype": st.Type,
				"shared": yes(st.Shared), "content": joinComma(shuffledCopy(st.Content)), "status": "unknown",
			}
			if c.s.reported[n.Name] && n.Online {
				o["status"], o["maxdisk"], o["disk"] = "available", st.Size, c.s.used(st, n.Name)
			}
			rows = append(rows, o)
		}
	}
	return rows
}

func shuffledCopy(list []string) []string { return shuffle(append([]string(nil), list...)) }

// clusterStatus is GET /cluster/status.
func clusterStatus(c *call) (any, error) {
	w := c.s.world
	rows := []obj{}
	if w.Cluster != "" {
		rows = append(rows, obj{"type": "cluster", "id": "cluster", "name": w.Cluster, "nodes": len(w.Nodes), "quorate": yes(!w.NoQuorum), "version": 3})
	}
	for i, n := range w.Nodes {
		o := obj{"type": "node", "id": "node/" + n.Name, "name": n.Name, "ip": n.Address, "online": yes(n.Online), "local": yes(n.Name == c.s.local()), "level": "", "nodeid": i + 1}
		if w.Cluster == "" {
			o["nodeid"] = 0
		}
		rows = append(rows, o)
	}
	return shuffle(rows), nil
}

// nextID is GET /cluster/nextid: the lowest free VMID of the range, or a
// check of one.
func nextID(c *call) (any, error) {
	if v, ok := c.p["vmid"]; ok {
		if c.s.guests[atoi(v)] != nil {
			return nil, badParam("vmid", "VM "+v+" already exists")
		}
		return v, nil
	}
	lower, upper := 100, 1000000
	for part := range strings.SplitSeq(c.s.world.Options["next-id"], ",") {
		switch k, v, _ := strings.Cut(part, "="); k {
		case "lower":
			lower = atoi(v)
		case "upper":
			upper = atoi(v)
		}
	}
	for id := lower; id < upper; id++ {
		if c.s.guests[id] == nil {
			return itoa(id), nil
		}
	}
	return nil, die("unable to get any free VMID in range [%d, %d]", lower, upper-1)
}

// clusterOptions is datacenter.cfg; some options are property strings that
// come as objects.
func clusterOptions(c *call) (any, error) {
	o := obj{"mac_prefix": "BC:24:11", "allowed-tags": []string{}, "description": ""}
	if c.s.release < "9" {
		delete(o, "description")
		delete(o, "allowed-tags")
	}
	for k, v := range c.s.world.Options {
		o[k] = v
		switch k {
		case "tag-style", "next-id", "migration", "ha", "crs", "notify", "webauthn", "u2f", "user-tag-access", "bwlimit", "replication":
			o[k] = optionObject(k, v)
		case "registered-tags":
			o[k], o["allowed-tags"] = splitList(v), splitList(v)
		case "max_workers":
			o[k] = number(v)
		}
	}
	return o, nil
}

func optionObject(name, v string) obj {
	out := obj{}
	for part := range strings.SplitSeq(v, ",") {
		k, val, ok := strings.Cut(part, "=")
		if !ok {
			k, val = map[string]string{"migration": "type"}[name], k
		}
		out[k] = val
		if k == "case-sensitive" {
			out[k] = number(val)
		}
	}
	return out
}

func setClusterOptions(c *call) (any, error) {
	if err := c.writable("datacenter.cfg"); err != nil {
		return nil, err
	}
	for _, k := range splitList(c.p["delete"]) {
		delete(c.s.world.Options, k)
	}
	for k, v := range c.p {
		if k != "delete" {
			c.s.world.Options[k] = v
		}
	}
	c.s.dirty()
	return nil, nil
}

func configNodes(c *call) (any, error) {
	rows := []obj{}
	for i, n := range c.s.world.Nodes {
		rows = append(rows, obj{"node": n.Name, "name": n.Name, "nodeid": itoa(i + 1), "quorum_votes": "1", "ring0_addr": n.Address})
	}
	return rows, nil
}

func joinInfo(c *call) (any, error) {
	var list []obj
	for i, n := range c.s.world.Nodes {
		list = append(list, obj{"name": n.Name, "nodeid": itoa(i + 1), "quorum_votes": "1", "ring0_addr": n.Address, "pve_addr": n.Address, "pve_fp": c.s.Fingerprint()})
	}
	return obj{"nodelist": list, "preferred_node": c.s.local(), "config_digest": strings.Repeat("0", 40), "totem": obj{"cluster_name": c.s.world.Cluster}}, nil
}
