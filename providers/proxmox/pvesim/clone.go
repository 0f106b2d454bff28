package pvesim

import (
	"cmp"
	"maps"
	"strings"
)

func cloneRoutes(t *routeTable) {
	g := allocator("newid", perm("/vms/{vmid}", "VM.Clone"))
	t.add("POST", "/nodes/{node}/qemu/{vmid}/clone", `newid!:i>=100<=999999999 bwlimit:i>=0 description format(raw|qcow2|vmdk) full:b name@dns pool@pool
 snapname@id storage@storage target@node`, g, cloneGuest)
	t.add("POST", "/nodes/{node}/lxc/{vmid}/clone", `newid!:i>=100<=999999999 bwlimit:n>=0 description full:b hostname@dns pool@pool snapname@id
 storage@storage target@node`, g, cloneGuest)
	tg := perm("/vms/{vmid}", "VM.Allocate")
	t.add("POST", "/nodes/{node}/qemu/{vmid}/template", "disk", tg, makeTemplate)
	t.add("POST", "/nodes/{node}/lxc/{vmid}/template", "", tg, makeTemplate)
}

// cloneGuest is POST clone of both kinds (PVE/API2/Qemu.pm and LXC.pm, clone_vm): what it
// asks, in that order.
func cloneGuest(c *call) (any, error) {
	target := c.p["target"]
	if target == c.node() || target == "localhost" {
		target = ""
	}
	for _, check := range []func() error{c.poolExists, func() error { return c.knownNode(target) }, func() error { return c.cloneStorage(target) }, c.quorum} {
		if err := check(); err != nil {
			return nil, err
		}
	}
	src, err := c.machine()
	if err != nil {
		return nil, err
	}
	if err := c.unlocked(src); err != nil {
		return nil, err
	}
	newid := atoi(c.p["newid"])
	taken := c.s.refuseTaken(newid)
	if src.Kind == "lxc" {
		err = cmp.Or(taken, c.checkCloneLXC(src, target)) // the new configuration is claimed first
	} else if err = c.checkCloneQEMU(src, target); err == nil {
		if taken != nil {
			taken = die("unable to create VM %d: config file already exists", newid)
		}
		err = cmp.Or(taken, c.checkCloneDrives(src))
	}
	if err != nil {
		return nil, err
	}
	m := c.s.claim(newid, src.Kind, src.Node, "clone")
	return c.start(src.Node, c.taskType("clone"), itoa(src.VMID), func(t *task) error {
		if err := c.copyGuest(src, m, t); err != nil {
			c.s.discard(m)
			return die("clone failed: %s", err)
		}
		m.Node = orElse(target, src.Node)
		m.Lock = ""
		m.Pool = c.p["pool"]
		c.s.effect("clone", m.VMID)
		c.changed(m)
		return nil
	}), nil
}

// knownNode is check_node_exists.
func (c *call) knownNode(name string) error {
	if name != "" && c.s.world.node(name) == nil {
		return die("no such cluster node '%s'", name)
	}
	return nil
}

// cloneStorage refuses a storage that the clone cannot be made on.
func (c *call) cloneStorage(target string) error {
	storage := c.p["storage"]
	if storage == "" {
		return nil
	}
	st, err := c.s.usable(storage, c.node(), "")
	switch {
	case err != nil:
		return err
	case c.kind() == "qemu" && !st.holds("images"):
		return badParam("storage", "storage '"+storage+"' does not support vm images")
	case target == "":
		return nil
	}
	if _, err := c.s.usable(storage, target, ""); err != nil {
		return err
	}
	if !st.Shared {
		return die("can't clone to non-shared storage '%s'", storage)
	}
	return nil
}

func (c *call) checkCloneQEMU(src *machine, target string) error {
	sn := c.p["snapname"]
	switch {
	case sn != "" && src.snapshot(sn) == nil:
		return die("snapshot '%s' does not exist", sn)
	case c.has("storage") && !c.full(src):
		return die("parameter 'storage' not allowed for linked clones")
	case c.has("format") && !c.full(src):
		return die("parameter 'format' not allowed for linked clones")
	}
	if err := (&edit{call: c}).mayClone(src); err != nil {
		return err
	}
	if target != "" && !c.sharedGuest(src) {
		return die("can't clone VM to node '%s' (VM uses local storage)", target)
	}
	return nil
}

// checkCloneDrives refuses drives that cannot be copied, in the order of the keys.
func (c *call) checkCloneDrives(src *machine) error {
	for _, k := range sortedKeys(src.Config) {
		vol, opts := diskParts(src.Kind, k, src.Config[k])
		switch {
		case vol == "" || opts["media"] == "cdrom" || strings.HasPrefix(k, "unused"):
		case k == "tpmstate0" && c.full(src) && src.Running && !c.has("snapname"):
			return die("cannot clone TPM state while VM is running")
		case !c.full(src) && k != "tpmstate0" && !isBase(vol):
			of := ""
			if c.has("snapname") {
				of = " a snapshot of"
			}
			return die("Linked clone feature is not supported for%s '%s' (%s)", of, vol, k)
		}
	}
	return nil
}

func (c *call) checkCloneLXC(src *machine, target string) error {
	sn := c.p["snapname"]
	switch {
	case c.has("storage") && !c.full(src):
		return die("parameter 'storage' not allowed for linked clones")
	case sn != "" && src.snapshot(sn) == nil:
		return die("snapshot '%s' does not exist", sn)
	}
	if err := (&edit{call: c}).mayClone(src); err != nil {
		return err
	}
	for _, k := range sortedKeys(src.Config) {
		vol, _ := diskParts("lxc", k, src.Config[k])
		switch base := src.opts.base(k); {
		case k != "rootfs" && base != "mp":
		case vol == "":
			return die("unable to clone mountpoint '%s' (type bind)", k)
		case c.full(src) && src.Running && sn == "":
			return die("Full clone of a running container is only possible from a snapshot")
		case !c.full(src) && !isBase(vol):
			return die("Linked clone feature for '%s' is not available", vol)
		}
	}
	if target != "" && !c.sharedGuest(src) {
		return die("can't clone CT to node '%s' (CT uses local storage)", target)
	}
	return nil
}

// sharedGuest reports whether all volumes are on storages that every node reaches: those
// of a VM as they are, those of a container as the clone will have them.
func (c *call) sharedGuest(src *machine) bool {
	for k, vol := range src.volumes() {
		storage, _, _ := strings.Cut(vol, ":")
		if src.Kind == "lxc" {
			storage = orElse(c.p["storage"], storage)
		}
		if st := c.s.world.storage(storage); st != nil && !st.Shared && !strings.HasPrefix(k, "unused") {
			return false
		}
	}
	return true
}

// isBase reports a volume of a template, which linked clones stand on.
func isBase(vol string) bool {
	return strings.Contains(vol, ":base") || strings.Contains(vol, "/base")
}

// full tells whether the clone copies everything: always, unless a template
// is cloned without full.
func (c *call) full(src *machine) bool {
	if v, given := c.p["full"]; given {
		return v == "1"
	}
	return !src.Template
}

// copyGuest fills a clone's config and copies its disks.
func (c *call) copyGuest(src, m *machine, t *task) error {
	from := src.Config
	if sn := src.snapshot(c.p["snapname"]); sn != nil {
		from = sn.Config
	}
	m.Config = maps.Clone(from)
	for _, k := range sortedKeys(m.Config) {
		if strings.HasPrefix(k, "unused") || k == "vmstate" || k == "runningmachine" || k == "runningcpu" {
			delete(m.Config, k)
			continue
		}
		made, err := c.copyDisk(src, m, k, m.Config[k])
		if err != nil {
			m.Config = map[string]string{}
			return err
		}
		if made != m.Config[k] {
			t.logf("create full clone of drive %s (%s)", k, from[k])
		}
		m.Config[k] = made
	}
	c.renewMACs(m)
	if src.Kind == "lxc" {
		m.Config["hostname"] = orElse(c.p["hostname"], "Copy-of-CT-"+itoa(src.VMID))
	} else {
		m.Config["name"] = orElse(c.p["name"], "Copy-of-VM-"+orElse(src.Config["name"], itoa(src.VMID)))
		m.Config["vmgenid"] = newUUID()
		m.Config["smbios1"] = renewUUID(m.Config["smbios1"])
	}
	if d := c.p["description"]; d != "" {
		m.Config["description"] = d
	}
	return nil
}

// renewUUID replaces the uuid of smbios1 and keeps the rest.
func renewUUID(smbios string) string {
	parts := []string{"uuid=" + newUUID()}
	for part := range strings.SplitSeq(smbios, ",") {
		if part != "" && !strings.HasPrefix(part, "uuid=") {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ",")
}

// copyDisk makes the clone's own volume of a disk.
func (c *call) copyDisk(src, m *machine, k, v string) (string, error) {
	vol, opts := diskParts(m.Kind, k, v)
	if vol == "" || opts["media"] == "cdrom" && !strings.Contains(vol, "cloudinit") {
		return v, nil
	}
	old := c.s.world.volume(vol)
	if old == nil {
		return "", die("volume '%s' does not exist", vol)
	}
	a := allocSpec{storage: old.storage(), node: src.Node, kind: m.Kind, vmid: m.VMID, size: old.Size, format: old.Format}
	switch {
	case strings.Contains(vol, "cloudinit"):
		a.name = "vm-" + itoa(m.VMID) + "-cloudinit"
	case c.full(src):
		a.storage = orElse(c.p["storage"], a.storage)
		a.format = orElse(c.p["format"], a.format)
	default:
		a.parent = vol
		if st := c.s.world.storage(a.storage); st != nil && st.fileBased() && m.Kind == "qemu" {
			a.format = "qcow2"
		}
	}
	made, err := c.s.allocate(a)
	if err != nil {
		return "", err
	}
	return strings.Replace(v, vol, made.ID, 1), nil
}

// makeTemplate turns a guest into a template, for good.
func makeTemplate(c *call) (any, error) {
	m, err := c.machine()
	if err != nil {
		return nil, err
	}
	the := map[string]string{"qemu": "VM", "lxc": "the CT"}[m.Kind]
	switch {
	case m.Lock != "":
		return nil, die("%s is locked (%s)", m.label(), m.Lock)
	case len(m.Snapshots) > 0:
		return nil, die("unable to create template, because %s contains snapshots", m.label())
	case m.Template && c.p["disk"] == "":
		return nil, die("you can't convert a template to a template")
	case m.Running:
		return nil, die("you can't convert a %s to template if %s is running", m.label(), the)
	}
	convert := func(*task) error {
		for k, v := range m.Config {
			vol, opts := diskParts(m.Kind, k, v)
			if vol == "" || opts["media"] == "cdrom" || strings.HasPrefix(k, "unused") {
				continue
			}
			m.Config[k] = strings.Replace(v, vol, c.s.toBase(vol), 1)
		}
		m.Template = true
		c.changed(m)
		return nil
	}
	if m.Kind == "lxc" {
		return nil, convert(nil)
	}
	return c.start(m.Node, "qmtemplate", itoa(m.VMID), convert), nil
}

// toBase renames vm-N-disk-M to base-N-disk-M.
func (s *Server) toBase(id string) string {
	v := s.world.volume(id)
	if v == nil {
		return id
	}
	for _, p := range []string{"vm", "subvol"} {
		to := map[string]string{"vm": "base", "subvol": "basevol"}[p]
		v.ID = strings.Replace(v.ID, ":"+p+"-", ":"+to+"-", 1)
		v.ID = strings.Replace(v.ID, "/"+p+"-", "/"+to+"-", 1)
	}
	return v.ID
}

func joinComma(list []string) string { return strings.Join(list, ",") }
