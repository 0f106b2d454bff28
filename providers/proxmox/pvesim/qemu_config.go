package pvesim

import (
	"slices"
	"strconv"
	"strings"
)

func qemuConfigRoutes(t *routeTable) {
	update := perm("/vms/{vmid}", "VM.Config.Disk", "VM.Config.CDROM", "VM.Config.CPU", "VM.Config.Memory", "VM.Config.Network",
		"VM.Config.HWType", "VM.Config.Options", "VM.Config.Cloudinit")
	const common = " delete@idlist revert@idlist digest~40 force:b skiplock:b"
	t.add("PUT", "/nodes/{node}/qemu/{vmid}/config", "+qemu"+common, update, updateQEMU)
	t.add("POST", "/nodes/{node}/qemu/{vmid}/config", "+qemu background_delay:i>=1<=30 import-working-storage@storage"+common, update, updateQEMUTask)
}

// updateQEMU is PUT config: at once.
func updateQEMU(c *call) (any, error) {
	e, err := c.prepareQEMU()
	if err != nil {
		return nil, err
	}
	return nil, e.applyQEMU()
}

// updateQEMUTask is POST config: in a task.
func updateQEMUTask(c *call) (any, error) {
	e, err := c.prepareQEMU()
	if err != nil {
		return nil, err
	}
	return c.start(c.node(), "qmconfig", c.uri["vmid"], func(*task) error {
		if c.s.guests[e.m.VMID] != e.m {
			return die("Configuration file '%s' does not exist", confPath(c.node(), "qemu", e.m.VMID))
		}
		return e.applyQEMU()
	}), nil
}

// prepareQEMU does all the checks that come before the first write.
func (c *call) prepareQEMU() (*edit, error) {
	e, err := c.newEdit(c.s.qemu)
	if err != nil {
		return nil, err
	}
	if m, err := c.machine(); err == nil {
		e.m = m
	}
	for _, k := range sortedKeys(e.set) {
		if err := e.normalizeQEMU(k); err != nil {
			return nil, err
		}
	}
	for _, check := range []func() error{
		func() error { return e.mayModify(e.del) },
		func() error { return e.mayModify(sortedKeys(e.set)) },
		e.mayUseStorage, e.mayUseBridges,
	} {
		if err := check(); err != nil {
			return nil, err
		}
	}
	if err := e.ready(); err != nil {
		return nil, err
	}
	return e, e.checkBalloon()
}

// normalizeQEMU brings the values that are re-printed into their form.
func (e *edit) normalizeQEMU(k string) error {
	v := e.set[k]
	switch base := e.s.qemu.base(k); {
	case base == "net" && k != "net":
		out, err := e.s.makeNet(k, v)
		if err != nil {
			return err
		}
		e.set[k] = out
	case k == "tags":
		e.set[k] = e.s.makeTags(v)
	case k == "description":
		e.set[k] = strings.TrimRight(v, " \t\r\n")
	case k == "vmgenid" && v == "1":
		e.set[k] = newUUID()
	case k == "machine":
		ostype := e.set["ostype"]
		if ostype == "" && e.m != nil {
			ostype = e.m.Config["ostype"]
		}
		e.set[k] = pinMachine(v, ostype)
	}
	return nil
}

func (e *edit) checkBalloon() error {
	if _, a := e.set["balloon"]; !a {
		if _, b := e.set["memory"]; !b {
			return nil
		}
	}
	pick := func(key, def string) int {
		if v, ok := e.set[key]; ok {
			def = v
		} else if e.m != nil {
			if v, ok := e.m.Pending[key]; ok {
				def = v
			} else if v, ok := e.m.Config[key]; ok {
				def = v
			}
		}
		return atoi(strings.TrimPrefix(def, "current="))
	}
	if pick("balloon", "0") > pick("memory", "512") {
		return die("balloon value too large (must be smaller than assigned memory)")
	}
	return nil
}

// applyQEMU writes the change to the pending section and then applies what
// can be applied.
func (e *edit) applyQEMU() error {
	m := e.m
	if err := e.writable(confPath(m.Node, m.Kind, m.VMID)); err != nil {
		return err
	}
	if v, ok := m.Config["boot"]; ok && v == "" {
		m.Config["boot"] = " "
	}
	e.doRevert()
	modified := map[string]bool{}
	for _, k := range e.del {
		if err := e.deleteQEMU(k, modified); err != nil {
			e.changed(m) // what came before is written
			return err
		}
	}
	for _, k := range e.order() {
		if err := e.setQEMU(k, modified); err != nil {
			e.changed(m)
			return err
		}
	}
	m.cleanup()
	if m.Running {
		e.hotplugQEMU(modified)
	} else {
		m.applyPendingQEMU(e.s)
	}
	return e.finish()
}

// order puts boot last, because it names devices.
func (e *edit) order() []string {
	keys := sortedKeys(e.set)
	if i := slices.Index(keys, "boot"); i >= 0 {
		keys = append(slices.Delete(keys, i, i+1), "boot")
	}
	return keys
}

func (e *edit) deleteQEMU(k string, modified map[string]bool) error {
	m := e.m
	cur, inConf := m.get(k)
	pend, inPending := m.Pending[k]
	if !inConf && !inPending {
		return nil
	}
	if err := e.mayChange(k, orElse(cur, pend), "delete"); err != nil {
		return err
	}
	modified[k] = true
	if inPending && m.opts.isDrive(k) {
		delete(m.Pending, k)
		vol, _ := diskParts("qemu", k, pend)
		m.addUnused(e.s, vol)
	}
	delete(m.Pending, k)
	if order := e.s.bootOrder(m.Config["boot"]); slices.Contains(order, k) && !slices.Contains(e.del, "boot") {
		m.Pending["boot"] = printBoot(slices.DeleteFunc(order, func(d string) bool { return d == k }))
		modified["boot"] = true
	}
	switch {
	case strings.HasPrefix(k, "unused"):
		if m.Config["protection"] == "1" {
			return die("can't remove unused disk '%s' - protection mode enabled", cur)
		}
		return e.freeUnused(k, cur)
	case m.opts.isDrive(k) && m.Config["protection"] == "1":
		return die("can't remove drive '%s' - protection mode enabled", k)
	}
	e.addDelete(k)
	return nil
}

// freeUnused deletes the volume of an unusedN, unless something uses it.
func (e *edit) freeUnused(k, vol string) error {
	if child := e.s.children(vol); child != nil {
		return die("base volume '%s' is still in use by linked cloned", vol)
	}
	if !e.m.inUse(vol, k) {
		e.s.free(vol)
	}
	delete(e.m.Config, k)
	return nil
}

func (e *edit) setQEMU(k string, modified map[string]bool) error {
	m, v := e.m, e.set[k]
	modified[k] = true
	if old, ok := m.Pending[k]; ok && old == v {
		return nil
	}
	for _, value := range []string{m.Config[k], v} {
		if err := e.mayChange(k, value, "modify"); err != nil {
			return err
		}
	}
	switch {
	case m.opts.isDrive(k):
		made, err := e.makeDrive(m, k, v)
		if err != nil {
			return err
		}
		if old, ok := m.Pending[k]; ok {
			delete(m.Pending, k)
			vol, _ := diskParts("qemu", k, old)
			if now, _ := diskParts("qemu", k, made); now != vol {
				m.addUnused(e.s, vol)
			}
		}
		v = made
	case k == "boot":
		for _, dev := range e.s.bootOrder(v) {
			_, live := m.Config[dev]
			_, pending := m.Pending[dev]
			if !live && !pending || slices.Contains(e.del, dev) {
				return die("invalid bootorder: device '%s' does not exist'", dev)
			}
		}
	case k == "description" && v == "":
		delete(m.Pending, k)
		e.addDelete(k)
		return nil
	}
	m.Pending[k] = v
	m.undelete(k)
	return nil
}

// applyPendingQEMU makes the pending section real: the VM does not run.
func (m *machine) applyPendingQEMU(s *Server) {
	for _, k := range slices.Clone(m.Delete) {
		forced := strings.HasPrefix(k, "!")
		m.dropQEMU(s, strings.TrimPrefix(k, "!"), forced)
	}
	m.Delete = nil
	for _, k := range sortedKeys(m.Pending) {
		m.applyOneQEMU(s, k)
	}
}

// dropQEMU deletes a key; a drive's volume stays as unusedN unless forced.
func (m *machine) dropQEMU(s *Server, k string, forced bool) {
	vol, _ := diskParts("qemu", k, m.Config[k])
	m.unset(k)
	m.undelete(k)
	if vol == "" || !m.opts.isDrive(k) {
		return
	}
	if forced && m.owned(s, vol) && !m.inUse(vol, "") {
		s.free(vol)
		return
	}
	m.addUnused(s, vol)
}

// applyOneQEMU moves one key from the pending section to the main one.
func (m *machine) applyOneQEMU(s *Server, k string) {
	v := m.Pending[k]
	delete(m.Pending, k)
	old, _ := diskParts("qemu", k, m.Config[k])
	m.set(k, v)
	if m.opts.isDrive(k) {
		m.addUnused(s, old)
	}
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b string) int {
		if x, y := strings.TrimRight(a, "0123456789"), strings.TrimRight(b, "0123456789"); x == y {
			i, _ := strconv.Atoi(strings.TrimPrefix(a, x)) // no digits count as 0
			j, _ := strconv.Atoi(strings.TrimPrefix(b, y))
			return i - j
		}
		return strings.Compare(a, b)
	})
	return keys
}
