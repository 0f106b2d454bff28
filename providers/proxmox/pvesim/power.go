package pvesim

import (
	"strings"
	"time"
)

func powerRoutes(t *routeTable) {
	power := perm("/vms/{vmid}", "VM.PowerMgmt")
	q, l := "/nodes/{node}/qemu/{vmid}/status/", "/nodes/{node}/lxc/{vmid}/status/"
	t.add("POST", q+"start", `force-cpu machine migratedfrom@node migration_network migration_type(secure|insecure) nets-host-mtu skiplock:b stateuri
 targetstorage timeout:i>=0 with-conntrack-state:b`, power, startGuest)
	t.add("POST", q+"stop", "keepActive:b migratedfrom@node overrule-shutdown:b skiplock:b timeout:i>=0", power, stopGuest)
	t.add("POST", q+"shutdown", "forceStop:b keepActive:b skiplock:b timeout:i>=0", power, shutdownGuest)
	t.add("POST", q+"reboot", "timeout:i>=0", power, rebootGuest)
	t.add("POST", q+"reset", "skiplock:b", power, resetGuest)
	t.add("POST", q+"suspend", "skiplock:b statestorage@storage todisk:b", power, suspendGuest)
	t.add("POST", q+"resume", "nocheck:b skiplock:b", power, resumeGuest)
	t.add("POST", l+"start", "debug:b skiplock:b", power, startGuest)
	t.add("POST", l+"stop", "overrule-shutdown:b skiplock:b", power, stopGuest)
	t.add("POST", l+"shutdown", "forceStop:b timeout:i>=0", power, shutdownGuest)
	t.add("POST", l+"reboot", "timeout:i>=0", power, rebootGuest)
	t.add("POST", l+"suspend", "", power, suspendGuest)
	t.add("POST", l+"resume", "", power, resumeGuest)
	t.add("POST", "/nodes/{node}/startall", "force:b vms@vmidlist max-workers:i>=1<=64", nil, allGuests("startall"))
	t.add("POST", "/nodes/{node}/stopall", "force-stop:b timeout:i>=0<=7200 vms@vmidlist max-workers:i>=1<=64", nil, allGuests("stopall"))
	t.add("POST", "/nodes/{node}/suspendall", "vms@vmidlist max-workers:i>=1<=64", nil, allGuests("suspendall"))
}

// taskType is the name of a power task: qmstart, vzstart.
func (c *call) taskType(what string) string {
	if c.kind() == "lxc" {
		return "vz" + what
	}
	return "qm" + what
}

// boot starts a guest inside a task.
func (c *call) boot(m *machine) error {
	if c.s.guests[m.VMID] != m {
		return die("Configuration file '%s' does not exist", confPath(m.Node, m.Kind, m.VMID))
	}
	if m.Lock == "suspended" {
		m.Lock = ""
	}
	switch {
	case m.Template:
		return die("you can't start a %s if it's a template", map[string]string{"qemu": "vm", "lxc": "CT"}[m.Kind])
	case m.Lock != "" && !(c.flag("skiplock") && c.who.isRoot()):
		return die("%s is locked (%s)", m.label(), m.Lock)
	case m.Running:
		return die("%s %d already running", m.label(), m.VMID)
	}
	for _, vol := range m.volumes() {
		if _, err := c.s.exists(vol, m.Node); err != nil {
			return err
		}
	}
	m.applyPending(c.s)
	m.Running, m.Paused, m.started, m.pid = true, false, time.Now(), c.s.nextPID()
	c.s.effect("start", m.VMID)
	c.changed(m)
	return nil
}

// applyPending makes the pending section real.
func (m *machine) applyPending(s *Server) {
	if m.Kind == "lxc" {
		m.applyPendingLXC(s)
	} else {
		m.applyPendingQEMU(s)
	}
}

// halt stops a guest inside a task; pending changes are applied then.
func (c *call) halt(m *machine) error {
	if !m.Running {
		return nil
	}
	m.Running, m.Paused, m.pid = false, false, 0
	m.applyPending(c.s)
	c.changed(m)
	return nil
}

// managed hands a power change to the HA manager, when it owns the guest.
func (c *call) managed(m *machine, state string) (any, bool) {
	r := c.s.world.ha(m.sid())
	if r == nil || r.State == "ignored" {
		return nil, false
	}
	typ := map[string]string{"started": "hastart", "stopped": "hastop"}[state]
	return c.start(m.Node, typ, itoa(m.VMID), func(*task) error {
		r.State = state
		node := m.Node
		c.start(node, c.taskType(strings.TrimPrefix(typ, "ha")), itoa(m.VMID), func(*task) error {
			if state == "started" && !m.Running {
				return c.boot(m)
			}
			if state == "stopped" {
				return c.halt(m)
			}
			return nil
		})
		return nil
	}), true
}

func startGuest(c *call) (any, error) {
	if err := c.skiplock(); err != nil {
		return nil, err
	}
	m, err := c.machine()
	if err == nil && m.Kind == "lxc" && m.Running {
		return nil, die("CT %d already running", m.VMID)
	}
	if err := c.quorum(); err != nil {
		return nil, err
	}
	if err != nil && c.kind() == "lxc" {
		missing := err
		return c.start(c.node(), "vzstart", c.uri["vmid"], func(*task) error { return missing }), nil
	}
	if err != nil {
		missing := err
		return c.start(c.node(), "qmstart", c.uri["vmid"], func(*task) error { return missing }), nil
	}
	if upid, ha := c.managed(m, "started"); ha {
		return upid, nil
	}
	return c.start(m.Node, c.taskType("start"), itoa(m.VMID), func(*task) error { return c.boot(m) }), nil
}

// present finds the guest and refuses a stopped one where PVE does so before
// it starts a task.
func (c *call) present(needRunning bool) (*machine, error) {
	if err := c.skiplock(); err != nil {
		return nil, err
	}
	m, err := c.machine()
	if err != nil {
		return nil, err
	}
	if needRunning && !m.Running {
		return nil, die("%s %d not running", m.label(), m.VMID)
	}
	return m, nil
}

func stopGuest(c *call) (any, error) {
	m, err := c.present(c.kind() == "lxc")
	if err != nil {
		return nil, err
	}
	if upid, ha := c.managed(m, "stopped"); ha {
		return upid, nil
	}
	return c.start(m.Node, c.taskType("stop"), itoa(m.VMID), func(*task) error {
		if err := c.unlocked(m); err != nil {
			return err
		}
		return c.halt(m)
	}), nil
}

func shutdownGuest(c *call) (any, error) {
	m, err := c.present(c.kind() == "lxc")
	if err != nil {
		return nil, err
	}
	if m.Kind == "qemu" && m.Paused && !c.flag("forceStop") {
		return nil, errPaused()
	}
	if upid, ha := c.managed(m, "stopped"); ha {
		return upid, nil
	}
	var hooks taskHooks
	if m.NoOS {
		hooks.duration = min(time.Duration(atoi(orElse(c.p["timeout"], "60")))*time.Second, 100*c.s.opts.TaskTime)
	}
	return c.startWith(m.Node, c.taskType("shutdown"), itoa(m.VMID), hooks, func(t *task) error {
		if err := c.unlocked(m); err != nil {
			return err
		}
		if m.NoOS && m.Running && !c.flag("forceStop") {
			return die("VM quit/powerdown failed - got timeout")
		}
		return c.halt(m)
	}), nil
}

// errPaused: a guest that is paused hears of a shutdown when it is resumed.
func errPaused() error { return die("VM is paused - cannot shutdown") }

func rebootGuest(c *call) (any, error) {
	m, err := c.machine()
	switch {
	case err != nil:
		return nil, err
	case m.Kind == "qemu" && m.Paused:
		return nil, errPaused()
	case !m.Running:
		return nil, die("VM %d not running", m.VMID) // of a container, too
	}
	return c.start(m.Node, c.taskType("reboot"), itoa(m.VMID), func(*task) error {
		if err := c.unlocked(m); err != nil {
			return err
		}
		if m.NoOS {
			return die("VM quit/powerdown failed - got timeout")
		}
		if err := c.halt(m); err != nil {
			return err
		}
		if m.Kind == "lxc" {
			return c.boot(m)
		}
		c.s.wg.Go(func() { c.bootLater(m) })
		return nil
	}), nil
}

// bootLater starts a virtual machine after its reboot task has ended: the task only
// waits for the guest to be down, and the event daemon starts it then.
func (c *call) bootLater(m *machine) {
	if !c.s.sleep(c.s.opts.TaskTime) {
		return
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if c.s.guests[m.VMID] == m && !m.Running {
		_ = c.boot(m) // what keeps it from starting is for whoever looks
		c.s.dirty()
	}
}

func resetGuest(c *call) (any, error) {
	m, err := c.present(true)
	if err != nil {
		return nil, err
	}
	return c.start(m.Node, "qmreset", itoa(m.VMID), func(*task) error {
		m.started = time.Now()
		return c.unlocked(m)
	}), nil
}

// suspendGuest is vm_suspend: to disk it asks more.
func suspendGuest(c *call) (any, error) {
	m, err := c.present(true)
	if err != nil {
		return nil, err
	}
	typ := map[string]string{"lxc": "vzsuspend", "qemu": "qmpause"}[m.Kind]
	if c.flag("todisk") {
		typ = "qmsuspend"
		if err := c.checkToDisk(m); err != nil {
			return nil, err
		}
	}
	return c.start(m.Node, typ, itoa(m.VMID), func(*task) error {
		switch backup := m.Lock == "backup" && m.Kind == "qemu"; {
		case backup && c.flag("todisk"):
			return die("cannot suspend to disk during backup")
		case !backup && m.Lock != "" && !(c.flag("skiplock") && c.who.isRoot()):
			return die("%s is locked (%s)", m.label(), m.Lock)
		case !c.flag("todisk"):
			m.Paused = true
			return nil
		}
		err := c.halt(m)
		m.Lock = "suspended"
		c.changed(m)
		return err
	}), nil
}

func (c *call) checkToDisk(m *machine) error {
	if r := c.s.world.ha(m.sid()); r != nil && r.State != "ignored" {
		return die("Cannot suspend HA managed VM to disk")
	}
	if err := c.check("/vms/"+itoa(m.VMID), "VM.Config.Disk"); err != nil {
		return err
	}
	for k := range m.Config {
		if m.opts.base(k) == "hostpci" {
			return die("cannot suspend VM to disk due to passed-through PCI device(s), which lack the possibility to save/restore their internal state")
		}
	}
	return c.check("/storage/"+orElse(orElse(c.p["statestorage"], m.Config["vmstatestorage"]), "local"), "Datastore.AllocateSpace")
}

func resumeGuest(c *call) (any, error) {
	m, err := c.machine()
	if err != nil {
		return nil, err
	}
	switch {
	case m.Kind == "lxc" && m.Running && !m.Paused:
		return nil, die("CT %d already running", m.VMID)
	case m.Kind == "qemu" && !m.Running && m.Lock != "suspended":
		return nil, die("VM %d not running", m.VMID)
	}
	return c.start(m.Node, c.taskType("resume"), itoa(m.VMID), func(*task) error {
		if m.Lock == "suspended" {
			return c.boot(m)
		}
		m.Paused = false
		return nil
	}), nil
}

// allGuests is startall, stopall and suspendall of a node.
func allGuests(typ string) handler {
	return func(c *call) (any, error) {
		want := splitList(c.p["vms"])
		if len(want) == 0 {
			if err := c.check("/", "VM.PowerMgmt"); err != nil {
				return nil, err
			}
		}
		node := c.node()
		return c.start(node, typ, "", func(t *task) error {
			for _, m := range c.s.sorted() {
				if m.Node != node || m.Template || len(want) > 0 && !contains(want, itoa(m.VMID)) {
					continue
				}
				c.oneOfAll(typ, m, len(want) > 0, t)
			}
			return nil
		}), nil
	}
}

func (c *call) oneOfAll(typ string, m *machine, named bool, t *task) {
	var err error
	switch {
	case typ == "startall" && !m.Running && (named || c.flag("force") || m.Config["onboot"] == "1"):
		t.logf("Starting %s %d", m.label(), m.VMID)
		err = c.boot(m)
	case typ == "stopall" && m.Running:
		t.logf("Stopping %s %d", m.label(), m.VMID)
		err = c.halt(m)
	case typ == "suspendall" && m.Running && m.Kind == "qemu":
		m.Paused = true
	}
	if err != nil {
		t.logf("%s", err)
	}
}

func contains(list []string, s string) bool {
	for _, el := range list {
		if el == s {
			return true
		}
	}
	return false
}
