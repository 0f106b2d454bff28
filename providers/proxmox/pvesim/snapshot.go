package pvesim

import (
	"maps"
	"slices"
	"strings"
	"time"
)

func snapshotRoutes(t *routeTable) {
	for _, kind := range []string{"qemu", "lxc"} {
		p := "/nodes/{node}/" + kind + "/{vmid}/snapshot"
		vmstate := map[string]string{"qemu": " vmstate:b", "lxc": ""}[kind]
		snap := perm("/vms/{vmid}", "VM.Snapshot")
		back := perm("/vms/{vmid}", "VM.Snapshot", "VM.Snapshot.Rollback")
		t.add("GET", p, "", perm("/vms/{vmid}", "VM.Audit"), listSnapshots)
		t.add("POST", p, "snapname!~40@id description"+vmstate, snap, createSnapshot)
		t.add("GET", p+"/{snapname}", "", nil, index("config", "rollback"))
		t.add("DELETE", p+"/{snapname}", "force:b", snap, deleteSnapshot)
		t.add("GET", p+"/{snapname}/config", "", perm("/vms/{vmid}", "VM.Snapshot", "VM.Snapshot.Rollback", "VM.Audit"), getSnapshot)
		t.add("PUT", p+"/{snapname}/config", "description", snap, describeSnapshot)
		t.add("POST", p+"/{snapname}/rollback", "start:b", back, rollback)
		t.add("GET", "/nodes/{node}/"+kind+"/{vmid}/feature", "feature!(snapshot|clone|copy) snapname@id", perm("/vms/{vmid}", "VM.Audit"), hasFeature)
	}
}

func listSnapshots(c *call) (any, error) {
	m, err := c.machine()
	if err != nil {
		return nil, err
	}
	rows := []obj{}
	for _, sn := range m.Snapshots {
		o := obj{"name": sn.Name, "description": sn.Description, "snaptime": sn.Time}
		if m.Kind == "qemu" {
			o["vmstate"] = yes(sn.VMState)
		}
		if sn.Parent != "" {
			o["parent"] = sn.Parent
		}
		rows = append(rows, o)
	}
	cur := obj{"name": "current", "description": "You are here!", "digest": m.hash(), "running": yes(m.Running)}
	if m.Parent != "" {
		cur["parent"] = m.Parent
	}
	return shuffle(append(rows, cur)), nil
}

func createSnapshot(c *call) (any, error) {
	m, err := c.machine()
	if err != nil {
		return nil, err
	}
	name := c.p["snapname"]
	reserved := map[string]bool{"current": name == "current", "pending": m.Kind == "qemu" && strings.EqualFold(name, "pending"), "vzdump": m.Kind == "lxc" && name == "vzdump"}
	for word, is := range reserved {
		if is {
			return nil, die("unable to use snapshot name '%s' (reserved name)", word)
		}
	}
	typ := map[string]string{"qemu": "qmsnapshot", "lxc": "vzsnapshot"}[m.Kind]
	return c.start(m.Node, typ, itoa(m.VMID), func(*task) error {
		switch {
		case m.Template:
			return die("you can't take a snapshot if it's a template")
		case m.Lock != "":
			return die("%s is locked (%s)", m.label(), m.Lock)
		case m.snapshot(name) != nil:
			return die("snapshot name '%s' already used", name)
		}
		if err := c.snapshotable(m); err != nil {
			return err
		}
		conf := maps.Clone(m.Config)
		for k := range conf {
			if strings.HasPrefix(k, "unused") || k == "description" {
				delete(conf, k)
			}
		}
		m.Snapshots = append(m.Snapshots, &Snapshot{Name: name, Description: c.p["description"], Time: time.Now().Unix(), Parent: m.Parent, VMState: c.flag("vmstate"), Config: conf})
		m.Parent = name
		c.changed(m)
		return nil
	}), nil
}

// snapshotable refuses volumes on storages that cannot snapshot. A raw file
// cannot; a qcow2 file, thin LVM, ZFS and Ceph can.
func (c *call) snapshotable(m *machine) error {
	for k, vol := range m.volumes() {
		v := c.s.world.volume(vol)
		if v == nil || strings.HasPrefix(k, "unused") || v.Content == "iso" {
			continue
		}
		st := c.s.world.storage(v.storage())
		if st == nil || st.Type == "lvm" || st.fileBased() && v.Format != "qcow2" && st.Type != "btrfs" {
			return die("snapshot feature is not available")
		}
	}
	return nil
}

// named finds the snapshot of the path.
func (c *call) named() (*machine, *Snapshot, error) {
	m, err := c.machine()
	if err != nil {
		return nil, nil, err
	}
	sn := m.snapshot(c.uri["snapname"])
	if sn == nil {
		return m, nil, die("snapshot '%s' does not exist", c.uri["snapname"])
	}
	return m, sn, nil
}

func getSnapshot(c *call) (any, error) {
	m, sn, err := c.named()
	if err != nil {
		return nil, err
	}
	return snapshotView(m, sn.Name)
}

func describeSnapshot(c *call) (any, error) {
	m, sn, err := c.named()
	if err != nil {
		return nil, err
	}
	sn.Description = c.p["description"]
	c.changed(m)
	return nil, nil
}

func deleteSnapshot(c *call) (any, error) {
	m, err := c.machine()
	if err != nil {
		return nil, err
	}
	typ := map[string]string{"qemu": "qmdelsnapshot", "lxc": "vzdelsnapshot"}[m.Kind]
	return c.start(m.Node, typ, itoa(m.VMID), func(*task) error {
		_, sn, err := c.named()
		if err != nil {
			return err
		}
		if m.Lock != "" {
			return die("%s is locked (%s)", m.label(), m.Lock)
		}
		for _, other := range m.Snapshots {
			if other.Parent == sn.Name {
				other.Parent = sn.Parent
			}
		}
		if m.Parent == sn.Name {
			m.Parent = sn.Parent
		}
		m.Snapshots = slices.DeleteFunc(m.Snapshots, func(s *Snapshot) bool { return s == sn })
		c.changed(m)
		return nil
	}), nil
}

func rollback(c *call) (any, error) {
	m, err := c.machine()
	if err != nil {
		return nil, err
	}
	if m.Kind == "qemu" && c.flag("start") {
		if err := c.check("/vms/"+itoa(m.VMID), "VM.PowerMgmt"); err != nil {
			return nil, err
		}
	}
	typ := map[string]string{"qemu": "qmrollback", "lxc": "vzrollback"}[m.Kind]
	return c.start(m.Node, typ, itoa(m.VMID), func(*task) error {
		if m.Template {
			return die("you can't rollback if vm is a template")
		}
		_, sn, err := c.named()
		if err != nil {
			return err
		}
		if m.Lock != "" {
			return die("%s is locked (%s)", m.label(), m.Lock)
		}
		description, had := m.Config["description"]
		m.Config = maps.Clone(sn.Config)
		if had {
			m.Config["description"] = description
		}
		m.Pending, m.Delete, m.Parent = map[string]string{}, nil, sn.Name
		m.Running = sn.VMState
		c.changed(m)
		if c.flag("start") && !m.Running {
			return c.boot(m)
		}
		return nil
	}), nil
}

func hasFeature(c *call) (any, error) {
	m, err := c.machine()
	if err != nil {
		return nil, err
	}
	ok := true
	switch c.p["feature"] {
	case "snapshot":
		ok = c.snapshotable(m) == nil
	case "clone":
		ok = m.Template
	}
	return obj{"hasFeature": yes(ok), "nodes": c.s.nodeNames()}, nil
}

func (s *Server) nodeNames() []string {
	out := []string{}
	for _, n := range s.world.Nodes {
		out = append(out, n.Name)
	}
	return out
}
