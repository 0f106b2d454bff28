package pvesim

import "strings"

func migrateRoutes(t *routeTable) {
	g := perm("/vms/{vmid}", "VM.Migrate")
	q, l := "/nodes/{node}/qemu/{vmid}/migrate", "/nodes/{node}/lxc/{vmid}/migrate"
	t.add("GET", q, "target@node", g, canMigrate)
	t.add("POST", q, `target!@node bwlimit:i>=0 force:b migration_network migration_type(secure|insecure) online:b targetstorage
 with-conntrack-state:b with-local-disks:b`, g, migrateGuest)
	if t.server.release >= "9" {
		t.add("GET", l, "target@node", g, canMigrate)
	}
	t.add("POST", l, "target!@node bwlimit:n>=0 online:b restart:b target-storage timeout:i", g, migrateGuest)
	t.add("POST", "/nodes/{node}/migrateall", "target!@node vms@vmidlist with-local-disks:b maxworkers:i>=1<=64 max-workers:i>=1<=64", nil, migrateAll)
}

// localDisks are the guest's volumes that only its node can reach.
func (c *call) localDisks(m *machine) []obj {
	rows := []obj{}
	for k, vol := range m.volumes() {
		v := c.s.world.volume(vol)
		if v == nil || v.Node == "" {
			continue
		}
		rows = append(rows, obj{"drivename": k, "volid": vol, "size": v.Size, "cdrom": yes(v.Content == "iso"), "is_unused": yes(strings.HasPrefix(k, "unused"))})
	}
	return rows
}

// canMigrate tells the preconditions.
func canMigrate(c *call) (any, error) {
	m, err := c.machine()
	if err != nil {
		return nil, err
	}
	allowed := []string{}
	not := obj{}
	for _, n := range c.s.world.Nodes {
		if n.Name == m.Node {
			continue
		}
		var missing []string
		for _, vol := range m.volumes() {
			storage, _, _ := strings.Cut(vol, ":")
			if _, err := c.s.usable(storage, n.Name, ""); err != nil {
				missing = append(missing, storage)
			}
		}
		if len(missing) > 0 {
			not[n.Name] = obj{"unavailable_storages": missing}
			continue
		}
		allowed = append(allowed, n.Name)
	}
	if m.Kind == "lxc" {
		return obj{"running": yes(m.Running), "allowed-nodes": allowed, "not-allowed-nodes": not, "dependent-ha-resources": []string{}}, nil
	}
	return obj{
		"running": yes(m.Running), "local_disks": c.localDisks(m), "local_resources": localResources(m), "allowed_nodes": allowed,
		"not_allowed_nodes": not, "mapped-resources": []string{}, "has-dbus-vmstate": 0,
	}, nil
}

func localResources(m *machine) []string {
	out := []string{}
	for k, v := range m.Config {
		base := m.opts.base(k)
		if (base == "hostpci" || base == "usb") && !strings.Contains(v, "mapping=") && v != "spice" || base == "parallel" || base == "serial" && v != "socket" {
			out = append(out, k)
		}
	}
	return out
}

// migrateGuest is POST migrate (PVE/API2/Qemu.pm and LXC.pm, migrate_vm).
func migrateGuest(c *call) (any, error) {
	target := c.p["target"]
	if target == c.node() {
		return nil, badParam("target", "target is local node.")
	}
	if err := c.quorum(); err != nil {
		return nil, err
	}
	if err := c.knownNode(target); err != nil {
		return nil, err
	}
	m, err := c.machine()
	if err != nil {
		return nil, err
	}
	if err := c.checkMigrate(m, target); err != nil {
		return nil, err
	}
	typ := map[string]string{"qemu": "qmigrate", "lxc": "vzmigrate"}[m.Kind]
	migrate := func(t *task) error { return c.migration(m, target, t) }
	if c.s.world.ha(m.sid()) == nil {
		return c.start(m.Node, typ, itoa(m.VMID), migrate), nil
	}
	return c.start(m.Node, "hamigrate", itoa(m.VMID), func(*task) error {
		c.start(m.Node, typ, itoa(m.VMID), migrate)
		return nil
	}), nil
}

// checkMigrate is what is asked before the task. Of a container that is next to nothing.
func (c *call) checkMigrate(m *machine, target string) error {
	switch {
	case m.Kind == "lxc" && m.Running && !c.flag("restart") && !c.flag("online"):
		return die("can't migrate running container without --online or --restart")
	case m.Kind == "lxc":
		return nil
	case m.Lock != "":
		return die("VM is locked (%s)", m.Lock)
	case m.Running && !c.flag("online"):
		return die("can't migrate running VM without --online")
	}
	to := c.p["targetstorage"]
	if to != "" && to != "1" {
		if err := c.check("/vms/"+itoa(m.VMID), "VM.Config.Disk"); err != nil {
			return err
		}
		_, err := c.s.usable(to, target, "")
		return err
	}
	volumes := m.volumes()
	for _, k := range sortedKeys(volumes) {
		storage, _, _ := strings.Cut(volumes[k], ":")
		if _, err := c.s.usable(storage, target, ""); err != nil {
			return err
		}
	}
	return nil
}

// migration is the task: what goes wrong stands in its log, and its end says only that.
func (c *call) migration(m *machine, target string, t *task) error {
	if err := c.migrate(m, target, t); err != nil {
		t.logf("ERROR: migration aborted (duration 00:00:00): %s", err)
		return die("migration aborted")
	}
	t.logf("migration finished successfully (duration 00:00:01)")
	return nil
}

// stays says why a guest stays where it is (PVE/QemuMigrate.pm and LXC/Migrate.pm, prepare).
func (c *call) stays(m *machine, target string, t *task) error {
	switch res := localResources(m); {
	case m.Lock != "":
		return die("%s is locked (%s)", m.label(), m.Lock)
	case m.Kind == "lxc" && m.Running && c.flag("online"):
		return die("lxc live migration is currently not implemented")
	case len(res) > 0:
		return die("can't migrate VM which uses local devices: %s", strings.Join(res, ", "))
	case !c.s.world.node(target).Online:
		return die("Can't connect to destination address using public key")
	}
	for _, d := range c.localDisks(m) {
		why := ""
		switch {
		case d["cdrom"] == 1:
			why = "local cdrom image"
		case m.Running && m.Kind == "qemu" && !c.flag("with-local-disks"):
			why = "can't live migrate attached local disks without with-local-disks option"
		case m.Running && m.Kind == "qemu" && len(m.Snapshots) > 0:
			why = "online storage migration not possible if non-replicated snapshot exists"
		}
		if why != "" {
			t.logf("ERROR: can't migrate local disk '%s': %s", d["volid"], why)
			return die("can't migrate VM - check log")
		}
	}
	return nil
}

// migrate moves a guest inside a task.
func (c *call) migrate(m *machine, target string, t *task) error {
	if err := c.stays(m, target, t); err != nil {
		return err
	}
	to := orElse(c.p["targetstorage"], c.p["target-storage"])
	if to == "1" {
		to = ""
	}
	for _, d := range c.localDisks(m) {
		v := c.s.world.volume(d["volid"].(string))
		if _, err := c.s.usable(orElse(to, v.storage()), target, ""); err != nil {
			return err
		}
	}
	for k, vol := range m.volumes() {
		v := c.s.world.volume(vol)
		if v == nil || v.Node == "" {
			continue
		}
		t.logf("copying local disk '%s'", vol)
		v.Node = target
		if to != "" && to != v.storage() {
			made, err := c.s.allocate(allocSpec{storage: to, node: target, kind: m.Kind, vmid: m.VMID, size: v.Size, format: v.Format})
			if err != nil {
				return err
			}
			m.Config[k] = strings.Replace(m.Config[k], vol, made.ID, 1)
			c.s.free(vol)
		}
	}
	m.Node = target
	c.s.effect("migrate", m.VMID)
	c.changed(m)
	return nil
}

func migrateAll(c *call) (any, error) {
	if err := c.check("/", "VM.Migrate"); err != nil {
		return nil, err
	}
	node, target := c.node(), c.p["target"]
	want := splitList(c.p["vms"])
	return c.start(node, "migrateall", "", func(t *task) error {
		for _, m := range c.s.sorted() {
			if m.Node == node && (len(want) == 0 || contains(want, itoa(m.VMID))) {
				if err := c.migrate(m, target, t); err != nil {
					t.logf("%s", err)
				}
			}
		}
		return nil
	}), nil
}
