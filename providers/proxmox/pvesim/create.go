package pvesim

import (
	"fmt"
	"maps"
	"strings"
	"time"
)

func createRoutes(t *routeTable) {
	t.add("POST", "/nodes/{node}/qemu", `+qemu vmid!:i>=100<=999999999 archive~255 bwlimit:i>=0 force:b ha-managed:b import-working-storage@storage
 live-restore:b pool@pool start:b storage@storage unique:b`, allocator("vmid"), createQEMU)
	t.add("POST", "/nodes/{node}/lxc", `+lxc vmid!:i>=100<=999999999 ostemplate!~255 bwlimit:n>=0 force:b ha-managed:b ignore-unpack-errors:b
 password pool@pool restore:b ssh-public-keys start:b storage@storage unique:b`, allocator("vmid"), createLXC)
}

// refuseTaken refuses a VMID that exists anywhere.
func (s *Server) refuseTaken(vmid int) error {
	if m := s.guests[vmid]; m != nil {
		return die("%s %d already exists on node '%s'", m.label(), vmid, m.Node)
	}
	return nil
}

// poolExists refuses a pool that is not there, as a missing right.
func (c *call) poolExists() error {
	if p := c.p["pool"]; p != "" && c.s.world.pool(p) == nil {
		return denied("pool '" + p + "' does not exist")
	}
	return nil
}

// claim makes the locked, empty config that a create begins with.
func (s *Server) claim(vmid int, kind, node, lock string) *machine {
	m := &machine{opts: s.options(kind), Guest: &Guest{VMID: vmid, Kind: kind, Node: node, Lock: lock, Config: map[string]string{}, Pending: map[string]string{}}}
	s.guests[vmid] = m
	s.world.Guests = append(s.world.Guests, m.Guest)
	s.dirty()
	return m
}

// discard forgets a guest and its disks.
func (s *Server) discard(m *machine) {
	for _, vol := range m.allVolumes() {
		if m.owned(s, vol) {
			s.free(vol)
		}
	}
	s.removeGuest(m)
}

// allVolumes are those of the config, the pending section and the snapshots.
func (m *machine) allVolumes() []string {
	var out []string
	confs := []map[string]string{m.Config, m.Pending}
	for _, sn := range m.Snapshots {
		confs = append(confs, sn.Config)
	}
	for _, conf := range confs {
		for k, v := range conf {
			if vol, _ := diskParts(m.Kind, k, v); vol != "" {
				out = append(out, vol)
			}
		}
	}
	return out
}

func (s *Server) removeGuest(m *machine) {
	delete(s.guests, m.VMID)
	for i, g := range s.world.Guests {
		if g == m.Guest {
			s.world.Guests = append(s.world.Guests[:i], s.world.Guests[i+1:]...)
			break
		}
	}
	s.dirty()
}

// createExtras are the parameters of a create that are not options.
func createExtras() []string {
	return []string{
		"vmid", "archive", "bwlimit", "force", "ha-managed", "import-working-storage", "live-restore", "pool", "start", "storage",
		"unique", "ostemplate", "ignore-unpack-errors", "password", "restore", "ssh-public-keys",
	}
}

// newGuestEdit makes the edit of a create: everything is to be set.
func (c *call) newGuestEdit() *edit {
	e := &edit{call: c, set: maps.Clone(c.p), errs: map[string]string{}, making: true}
	for _, k := range createExtras() {
		delete(e.set, k)
	}
	return e
}

func createQEMU(c *call) (any, error) {
	if err := c.poolExists(); err != nil {
		return nil, err
	}
	vmid := atoi(c.p["vmid"])
	e := c.newGuestEdit()
	if c.has("archive") {
		return c.restore(e, "qemu", vmid, c.p["archive"])
	}
	e.resolveCDROM()
	for _, k := range sortedKeys(e.set) {
		if err := e.normalizeQEMU(k); err != nil {
			return nil, err
		}
	}
	if err := e.mayCreate(); err != nil {
		return nil, err
	}
	if err := e.checkBalloon(); err != nil {
		return nil, err
	}
	if err := c.quorum(); err != nil {
		return nil, err
	}
	if err := c.s.refuseTaken(vmid); err != nil {
		return nil, die("unable to create VM %d - %s", vmid, err)
	}
	m := c.s.claim(vmid, "qemu", c.node(), "create")
	return c.start(c.node(), "qmcreate", itoa(vmid), func(t *task) error {
		e.m = m
		if err := e.fillQEMU(t); err != nil {
			c.s.discard(m)
			return die("unable to create VM %d - %s", vmid, err)
		}
		return c.created(m)
	}), nil
}

// fillQEMU makes the config of a new VM.
func (e *edit) fillQEMU(t *task) error {
	m := e.m
	for _, k := range e.order() {
		v := e.set[k]
		if e.s.qemu.isDrive(k) {
			made, err := e.makeDrive(m, k, v)
			if err != nil {
				return err
			}
			v = made
			t.logf("%s: successfully created disk '%s'", k, v)
		}
		m.set(k, v)
	}
	for _, dev := range e.s.bootOrder(m.Config["boot"]) {
		if _, ok := m.Config[dev]; !ok {
			return die("invalid bootorder: device '%s' does not exist'", dev)
		}
	}
	if _, ok := m.Config["boot"]; !ok {
		// A first write without devices leaves "boot: " in the file, which
		// reads as one blank and is written as that blank from then on.
		m.Config["boot"] = strings.TrimSpace(m.defaultBoot())
	}
	m.fresh(e.s)
	return nil
}

// fresh gives a VM the identity that every new VM gets.
func (m *machine) fresh(s *Server) {
	if m.Config["vmgenid"] == "" {
		m.Config["vmgenid"] = newUUID()
	}
	if m.Config["smbios1"] == "" {
		m.Config["smbios1"] = "uuid=" + newUUID()
	}
	m.Config["meta"] = fmt.Sprintf("creation-qemu=%s,ctime=%d", s.qemuVersion(), time.Now().Unix())
	if p := pinMachine(m.Config["machine"], m.Config["ostype"]); p != "" {
		m.Config["machine"] = p
	}
}

func (s *Server) qemuVersion() string {
	switch s.release {
	case "8.4":
		return "9.2.0"
	case "9.1":
		return "10.1.2"
	}
	return "10.0.13"
}

// created ends a create: unlock, pool, HA, start.
func (c *call) created(m *machine) error {
	m.Lock = ""
	if p := c.p["pool"]; p != "" {
		m.Pool = p
	}
	if c.flag("ha-managed") {
		c.s.world.HA = append(c.s.world.HA, &HAResource{SID: m.sid(), State: "started"})
	}
	c.s.effect("create", m.VMID)
	c.changed(m)
	if c.flag("start") {
		typ := "qmstart"
		if m.Kind == "lxc" {
			typ = "vzstart"
		}
		c.start(m.Node, typ, itoa(m.VMID), func(*task) error { return c.boot(m) })
	}
	return nil
}

func createLXC(c *call) (any, error) {
	if err := c.poolExists(); err != nil {
		return nil, err
	}
	vmid := atoi(c.p["vmid"])
	e := c.newGuestEdit()
	if c.flag("restore") {
		return c.restore(e, "lxc", vmid, c.p["ostemplate"])
	}
	c.defaultsLXC(e)
	for _, k := range sortedKeys(e.set) {
		if err := e.normalizeLXC(k); err != nil {
			return nil, err
		}
	}
	if err := e.mayCreateLXC(); err != nil {
		return nil, err
	}
	if err := c.quorum(); err != nil {
		return nil, err
	}
	if m := c.s.guests[vmid]; m != nil && !(c.flag("force") && m.Kind == "lxc") {
		return nil, die("unable to create CT %d - %s", vmid, c.s.refuseTaken(vmid))
	}
	m := c.s.claim(vmid, "lxc", c.node(), "create")
	return c.start(c.node(), "vzcreate", itoa(vmid), func(*task) error {
		e.m = m
		if err := e.fillLXC(c.p["ostemplate"]); err != nil {
			c.s.discard(m)
			return die("unable to create CT %d - %s", vmid, err)
		}
		return c.created(m)
	}), nil
}

// defaultsLXC sets what a create of a container fills in.
func (c *call) defaultsLXC(e *edit) {
	def := func(k, v string) {
		if _, ok := e.set[k]; !ok {
			e.set[k] = v
		}
	}
	def("memory", "512")
	def("swap", "512")
	def("arch", "amd64")
	def("hostname", "CT"+c.p["vmid"])
	def("ostype", osOf(c.p["ostemplate"]))
	def("rootfs", orElse(c.p["storage"], "local")+":4")
	if c.s.release >= "9" {
		def("unprivileged", "1")
	}
	if e.set["unprivileged"] == "0" {
		delete(e.set, "unprivileged")
	}
}

// fillLXC makes the config of a new container.
func (e *edit) fillLXC(template string) error {
	m := e.m
	if _, err := e.s.exists(template, m.Node); err != nil {
		return err
	}
	for _, k := range sortedKeys(e.set) {
		v := e.set[k]
		if e.s.lxc.isMount(k) {
			made, err := e.makeMount(m, k, v)
			if err != nil {
				return err
			}
			v = made
		}
		m.set(k, v)
	}
	return nil
}
