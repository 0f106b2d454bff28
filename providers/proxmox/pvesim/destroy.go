package pvesim

import "slices"

func destroyRoutes(t *routeTable) {
	g := perm("/vms/{vmid}", "VM.Allocate")
	t.add("DELETE", "/nodes/{node}/qemu/{vmid}", "destroy-unreferenced-disks:b purge:b skiplock:b", g, destroyGuest)
	t.add("DELETE", "/nodes/{node}/lxc/{vmid}", "destroy-unreferenced-disks:b force:b purge:b", g, destroyGuest)
}

func destroyGuest(c *call) (any, error) {
	if err := c.skiplock(); err != nil {
		return nil, err
	}
	m, err := c.machine()
	if err != nil {
		return nil, err
	}
	inHA := c.s.world.ha(m.sid()) != nil && !c.flag("purge")
	switch {
	case m.Config["protection"] == "1":
		return nil, die("can't remove %s %d - protection mode enabled", m.label(), m.VMID)
	case m.Lock != "" && m.Kind == "lxc":
		return nil, die("CT is locked (%s)", m.Lock)
	case inHA:
		return nil, die("unable to remove %s %d - used in HA resources and purge parameter not set.", m.label(), m.VMID)
	case m.Running && m.Kind == "qemu":
		return nil, die("VM %d is running - destroy failed", m.VMID)
	case m.Running && !c.flag("force"):
		return nil, die("unable to destroy CT %d - container is running", m.VMID)
	}
	return c.start(m.Node, c.taskType("destroy"), itoa(m.VMID), func(t *task) error { return c.destroy(m, t) }), nil
}

// destroy removes a guest inside a task.
func (c *call) destroy(m *machine, t *task) error {
	if c.s.guests[m.VMID] != m {
		return die("Configuration file '%s' does not exist", confPath(m.Node, m.Kind, m.VMID))
	}
	if err := c.quorum(); err != nil {
		return err
	}
	if err := c.unlocked(m); err != nil {
		return err
	}
	if m.Running && !(m.Kind == "lxc" && c.flag("force")) {
		return die("%s %d is running - destroy failed", m.label(), m.VMID)
	}
	for _, vol := range m.allVolumes() {
		if child := c.s.children(vol); child != nil {
			return die("base volume '%s' is still in use by linked cloned", vol)
		}
	}
	if c.flag("destroy-unreferenced-disks") {
		c.s.world.Volumes = slices.DeleteFunc(c.s.world.Volumes, func(v *Volume) bool {
			return v.VMID == m.VMID && (v.Content == "images" || v.Content == "rootdir")
		})
	}
	c.s.discard(m)
	c.s.world.ACL = slices.DeleteFunc(c.s.world.ACL, func(a *ACLEntry) bool { return a.Path == "/vms/"+itoa(m.VMID) })
	if c.flag("purge") {
		c.purge(m)
	}
	t.logf("purging %s %d from related configurations..", m.label(), m.VMID)
	c.s.effect("destroy", m.VMID)
	return nil
}

// purge removes a guest from HA, replication and backup jobs.
func (c *call) purge(m *machine) {
	id := itoa(m.VMID)
	c.s.world.HA = slices.DeleteFunc(c.s.world.HA, func(r *HAResource) bool { return r.SID == m.sid() })
	c.s.world.Replication = slices.DeleteFunc(c.s.world.Replication, func(r Record) bool { return r["guest"] == id })
	for _, job := range c.s.world.Backups {
		ids := slices.DeleteFunc(splitList(job["vmid"]), func(v string) bool { return v == id })
		if job["vmid"] != "" {
			job["vmid"] = joinComma(ids)
		}
	}
}
