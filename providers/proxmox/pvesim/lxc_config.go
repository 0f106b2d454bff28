package pvesim

import (
	"slices"
	"strings"
)

func lxcConfigRoutes(t *routeTable) {
	update := perm("/vms/{vmid}", "VM.Config.Disk", "VM.Config.CPU", "VM.Config.Memory", "VM.Config.Network", "VM.Config.Options")
	t.add("PUT", "/nodes/{node}/lxc/{vmid}/config", "+lxc delete@idlist revert@idlist digest~40", update, updateLXC)
}

// updateLXC is PUT config of a container.
func updateLXC(c *call) (any, error) {
	e, err := c.newEdit(c.s.lxc)
	if err != nil {
		return nil, err
	}
	if m, err := c.machine(); err == nil {
		e.m = m
	}
	if err := e.checkLXC(); err != nil {
		return nil, err
	}
	if err := e.ready(); err != nil {
		return nil, err
	}
	return nil, e.applyLXC()
}

// checkLXC has the checks before the first write.
func (e *edit) checkLXC() error {
	for _, k := range sortedKeys(e.set) {
		if err := e.normalizeLXC(k); err != nil {
			return err
		}
	}
	if e.who.isRoot() {
		return nil
	}
	for _, k := range e.del {
		if err := e.mayModifyLXC(k, true); err != nil {
			return err
		}
	}
	for _, k := range sortedKeys(e.set) {
		if err := e.mayModifyLXC(k, false); err != nil {
			return err
		}
	}
	return nil
}

// normalizeLXC brings the values that are re-printed into their form.
func (e *edit) normalizeLXC(k string) error {
	v := e.set[k]
	switch {
	case k == "tags":
		e.set[k] = e.s.makeTags(v)
	case e.s.lxc.base(k) == "net":
		out, err := e.s.makeLXCNet(k, v)
		if err != nil {
			return err
		}
		e.set[k] = out
	}
	return nil
}

// applyLXC writes the change to the pending section and applies what can be.
func (e *edit) applyLXC() error {
	m := e.m
	for _, k := range e.del {
		if err := e.refuseDelete(k); err != nil {
			return err
		}
	}
	for k := range e.set {
		if k == "unprivileged" {
			return die("unable to modify read-only option: '%s'", k)
		}
		if e.s.lxc.isMount(k) && m.Config["protection"] == "1" {
			return die("can't update CT %d drive '%s' - protection mode enabled", m.VMID, k)
		}
	}
	if err := e.writable(confPath(m.Node, m.Kind, m.VMID)); err != nil {
		return err
	}
	e.doRevert()
	modified := map[string]bool{}
	for _, k := range e.del {
		if _, ok := m.get(k); !ok {
			delete(m.Pending, k)
			continue
		}
		delete(m.Pending, k)
		e.addDelete(k)
		modified[k] = true
	}
	for _, k := range sortedKeys(e.set) {
		if err := e.setLXC(k); err != nil {
			return err
		}
		modified[k] = true
	}
	m.cleanup()
	if m.Running {
		e.hotplugLXC(modified)
	} else {
		m.applyPendingLXC(e.s)
	}
	return e.finish()
}

func (e *edit) refuseDelete(k string) error {
	switch {
	case k == "hostname" || k == "memory" || k == "rootfs":
		return die("unable to delete required option '%s'", k)
	case k == "unprivileged":
		return die("unable to delete read-only option: '%s'", k)
	case (e.s.lxc.isMount(k) || strings.HasPrefix(k, "unused")) && e.m.Config["protection"] == "1":
		return die("can't remove CT %d drive '%s' - protection mode enabled", e.m.VMID, k)
	}
	return nil
}

func (e *edit) setLXC(k string) error {
	m, v := e.m, e.set[k]
	if e.s.lxc.isMount(k) {
		made, err := e.makeMount(m, k, v)
		if err != nil {
			return err
		}
		v = made
	}
	if k == "description" && v == "" {
		e.addDelete(k)
		return nil
	}
	m.Pending[k] = v
	m.undelete(k)
	return nil
}

// makeMount turns what a client wrote into what the config holds.
func (c *call) makeMount(m *machine, key, value string) (string, error) {
	format := c.s.driveFormat(m.opts, key)
	ps, err := c.s.formats.parseProps(format, key, value)
	if err != nil {
		return "", badParam(key, "invalid format - "+err.Error()+"\n")
	}
	if strings.HasPrefix(ps["volume"], "/") {
		return ps.print(format), nil
	}
	if storage, size, fresh := newDisk(ps["volume"], "lxc"); fresh {
		v, err := c.s.allocate(allocSpec{storage: storage, node: m.Node, kind: "lxc", vmid: m.VMID, size: size})
		if err != nil {
			return "", err
		}
		ps["volume"], ps["size"] = v.ID, formatSize(v.Size)
		return ps.print(format), nil
	}
	v, err := c.s.exists(ps["volume"], m.Node)
	if err != nil {
		return "", err
	}
	m.dropUnused(v.ID)
	if ps["size"] == "" {
		ps["size"] = formatSize(v.Size)
	}
	return ps.print(format), nil
}

// applyPendingLXC makes the pending section real: the container is stopped.
func (m *machine) applyPendingLXC(s *Server) {
	for _, k := range slices.Clone(m.Delete) {
		m.dropLXC(s, strings.TrimPrefix(k, "!"))
	}
	m.Delete = nil
	for _, k := range sortedKeys(m.Pending) {
		m.applyOneLXC(s, k)
	}
}

// dropLXC deletes a key: a mount point's volume stays as unusedN, the volume
// of an unusedN goes.
func (m *machine) dropLXC(s *Server, k string) {
	vol, _ := diskParts("lxc", k, m.Config[k])
	m.unset(k)
	m.undelete(k)
	switch {
	case vol == "":
	case strings.HasPrefix(k, "unused"):
		if m.owned(s, vol) && !m.inUse(vol, k) {
			s.free(vol)
		}
	default:
		m.addUnused(s, vol)
	}
}

func (m *machine) applyOneLXC(s *Server, k string) {
	v := m.Pending[k]
	delete(m.Pending, k)
	old, _ := diskParts("lxc", k, m.Config[k])
	m.set(k, v)
	if m.opts.isMount(k) {
		m.addUnused(s, old)
	}
}

// hotplugLXC applies what a running container can take now.
func (e *edit) hotplugLXC(modified map[string]bool) {
	m := e.m
	for _, marked := range slices.Clone(m.Delete) {
		k := strings.TrimPrefix(marked, "!")
		base := m.opts.base(k)
		if modified[k] && (livesLXC(base) || base == "net" || base == "unused" || k == "swap" || k == "cores" || k == "cpulimit" || k == "cpuunits") {
			m.dropLXC(e.s, k)
		}
	}
	for _, k := range sortedKeys(m.Pending) {
		if !modified[k] {
			continue
		}
		base := m.opts.base(k)
		_, exists := m.Config[k]
		if livesLXC(base) || base == "net" || base == "mp" && !exists || k == "memory" || k == "swap" || k == "cpulimit" || k == "cpuunits" {
			m.applyOneLXC(e.s, k)
		}
	}
}

// livesLXC lists what a container takes over at once.
func livesLXC(base string) bool {
	switch base {
	case "description", "onboot", "startup", "protection", "hostname", "hookscript", "cores", "tags", "lock", "nameserver", "searchdomain":
		return true
	}
	return false
}
