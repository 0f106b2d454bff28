package pvesim

import (
	"slices"
	"strings"
)

func volumeRoutes(t *routeTable) {
	disk := perm("/vms/{vmid}", "VM.Config.Disk")
	drives := driveNames()
	mounts := []string{"rootfs"}
	for i := range 256 {
		mounts = append(mounts, "mp"+itoa(i))
	}
	unused := []string{}
	for i := range 256 {
		unused = append(unused, "unused"+itoa(i))
	}
	either := strings.Join(append(slices.Clone(drives), unused...), "|")
	all := strings.Join(append(slices.Clone(mounts), unused...), "|")
	q, l := "/nodes/{node}/qemu/{vmid}/", "/nodes/{node}/lxc/{vmid}/"
	t.add("PUT", q+"resize", "disk!("+strings.Join(drives, "|")+`) size!/\+?\d+(?:\.\d+)?[KMGT]?/ digest~40 skiplock:b`, disk, resizeQEMU)
	t.add("PUT", l+"resize", "disk!("+strings.Join(mounts, "|")+`) size!/\+?\d+(?:\.\d+)?[KMGT]?/ digest~40`, disk, resizeLXC)
	t.add("POST", q+"move_disk", "disk!("+either+") storage@storage format(raw|qcow2|vmdk) delete:b digest~40 bwlimit:i>=0 target-vmid:i>=100<=999999999 target-disk target-digest~40", disk, moveVolume("disk", "qmmove"))
	t.add("POST", l+"move_volume", "volume!("+all+") storage@storage delete:b digest~40 bwlimit:n>=0 target-vmid:i>=100<=999999999 target-volume target-digest~40", disk, moveVolume("volume", "move_volume"))
	t.add("PUT", q+"unlink", "idlist!@idlist force:b", disk, unlink)
}

// driveNames are the drives of a VM in the order of PVE's messages.
func driveNames() []string {
	var out []string
	for _, bus := range []struct {
		name string
		n    int
	}{{"ide", 4}, {"scsi", 31}, {"virtio", 16}, {"sata", 6}} {
		for i := range bus.n {
			out = append(out, bus.name+itoa(i))
		}
	}
	return append(out, "efidisk0", "tpmstate0")
}

// newSize computes the size that a resize asks for.
func newSize(old int64, want string) int64 {
	if more, ok := strings.CutPrefix(want, "+"); ok {
		return old + sizeOr(more, 0)
	}
	return sizeOr(want, 0)
}

func resizeQEMU(c *call) (any, error) {
	if err := c.skiplock(); err != nil {
		return nil, err
	}
	m, err := c.machine()
	if err != nil {
		return nil, err
	}
	if err := c.same(m); err != nil {
		return nil, err
	}
	if err := c.unlocked(m); err != nil {
		return nil, err
	}
	key := c.p["disk"]
	resize := func(*task) error {
		conf, ok := m.Config[key]
		if !ok {
			return die("disk '%s' does not exist", key)
		}
		vol, opts := diskParts("qemu", key, conf)
		v := c.s.world.volume(vol)
		switch {
		case opts["media"] == "cdrom":
			return die("you can't resize a cdrom")
		case v == nil:
			return die("disk '%s' has no associated volume", key)
		}
		size := newSize(v.Size, c.p["size"])
		if size < v.Size {
			return die("shrinking disks is not supported")
		}
		if err := c.check("/storage/"+v.storage(), "Datastore.AllocateSpace"); err != nil {
			return err
		}
		if size > v.Size {
			c.s.effect("resize", m.VMID)
		}
		c.setSize(m, key, v, size)
		return nil
	}
	return c.start(m.Node, "resize", itoa(m.VMID), resize), nil
}

// setSize grows a volume and notes it in the config.
func (c *call) setSize(m *machine, key string, v *Volume, size int64) {
	v.Size = size
	format := c.s.driveFormat(m.opts, key)
	if ps, err := splitProps(format, m.Config[key]); err == nil {
		ps["size"] = formatSize(size)
		m.Config[key] = ps.print(format)
	}
	c.audit("update %s %d: resize --disk %s --size %s", m.label(), m.VMID, key, c.p["size"])
	c.changed(m)
}

func resizeLXC(c *call) (any, error) {
	m, err := c.machine()
	if err != nil {
		return nil, err
	}
	if err := c.same(m); err != nil {
		return nil, err
	}
	if err := c.unlocked(m); err != nil {
		return nil, err
	}
	key := c.p["disk"]
	conf, ok := m.Config[key]
	if !ok {
		return nil, &apiError{status: 500, msg: "format error", errors: missingMount(key)}
	}
	vol, _ := diskParts("lxc", key, conf)
	v := c.s.world.volume(vol)
	if v == nil {
		return nil, die("can't resize mount point owned by another container")
	}
	if err := c.check("/storage/"+v.storage(), "Datastore.AllocateSpace"); err != nil {
		return nil, err
	}
	size := newSize(v.Size, c.p["size"])
	switch {
	case size < v.Size:
		return nil, die("unable to shrink disk size")
	case size == v.Size:
		return nil, die("disk is already at specified size")
	}
	return c.start(m.Node, "resize", itoa(m.VMID), func(*task) error {
		c.s.effect("resize", m.VMID)
		c.setSize(m, key, v, size)
		return nil
	}), nil
}

// missingMount is how PVE fails to parse a mount point that is not there.
func missingMount(key string) map[string]string {
	const missing = "property is missing and it is not optional"
	errs := map[string]string{"volume": missing}
	if key != "rootfs" {
		errs["mp"] = missing
	}
	return errs
}

// moveVolume moves a disk to another storage or to another guest.
func moveVolume(param, typ string) handler {
	return func(c *call) (any, error) {
		m, err := c.machine()
		if err != nil {
			return nil, err
		}
		if err := c.same(m); err != nil {
			return nil, err
		}
		if err := c.unlocked(m); err != nil {
			return nil, err
		}
		key := c.p[param]
		if c.has("target-vmid") {
			return c.reassign(m, key, c.p["target-"+param])
		}
		if err := c.checkMove(m, key); err != nil {
			return nil, err
		}
		return c.start(m.Node, typ, itoa(m.VMID), func(*task) error { return c.move(m, key) }), nil
	}
}

func (c *call) checkMove(m *machine, key string) error {
	storage := c.p["storage"]
	if storage == "" {
		return badParam("storage", "one of 'storage' or 'target-vmid' is required")
	}
	conf, ok := m.Config[key]
	if !ok {
		return die("disk '%s' does not exist", key)
	}
	vol, opts := diskParts(m.Kind, key, conf)
	old, _, _ := strings.Cut(vol, ":")
	switch {
	case opts["media"] == "cdrom":
		return die("you can't move a cdrom")
	case old == storage && (c.p["format"] == "" || c.p["format"] == volumeFormat(vol)):
		return die("you can't move to the same storage with same format")
	case m.Kind == "lxc" && m.Running:
		return die("cannot move volumes of a running container")
	}
	if c.s.world.storage(storage) == nil {
		return die("storage '%s' does not exist", storage)
	}
	return c.check("/storage/"+storage, "Datastore.AllocateSpace")
}

func (c *call) move(m *machine, key string) error {
	conf := m.Config[key]
	vol, _ := diskParts(m.Kind, key, conf)
	old := c.s.world.volume(vol)
	if old == nil {
		return die("volume '%s' does not exist", vol)
	}
	made, err := c.s.allocate(allocSpec{storage: c.p["storage"], node: m.Node, kind: m.Kind, vmid: m.VMID, size: old.Size, format: orElse(c.p["format"], old.Format)})
	if err != nil {
		return die("storage migration failed: %s", err)
	}
	m.Config[key] = strings.Replace(conf, vol, made.ID, 1)
	if c.flag("delete") {
		c.s.free(vol)
	} else {
		m.addUnused(c.s, vol)
	}
	c.changed(m)
	return nil
}

// reassign gives a disk to another guest.
func (c *call) reassign(m *machine, key, targetKey string) (any, error) {
	target := c.s.guests[atoi(c.p["target-vmid"])]
	targetKey = orElse(targetKey, key)
	switch {
	case target == nil || target.Node != m.Node || target.Kind != m.Kind:
		return nil, die("Both %ss need to be on the same node (%s)", m.label(), m.Node)
	case m.Config[key] == "":
		return nil, die("disk '%s' for %s '%d' does not exist", key, m.label(), m.VMID)
	case target.Config[targetKey] != "":
		return nil, die("Target disk key '%s' is already in use for %s '%d'", targetKey, m.label(), target.VMID)
	}
	if err := c.check("/vms/"+itoa(target.VMID), "VM.Config.Disk"); err != nil {
		return nil, err
	}
	return c.start(m.Node, "qmmove", itoa(m.VMID)+"-"+itoa(target.VMID), func(*task) error {
		conf := m.Config[key]
		vol, _ := diskParts(m.Kind, key, conf)
		v := c.s.world.volume(vol)
		if v == nil {
			return die("volume '%s' does not exist", vol)
		}
		v.VMID = target.VMID
		st := c.s.world.storage(v.storage())
		v.ID = c.s.freeName(st, v, allocSpec{vmid: target.VMID})
		delete(m.Config, key)
		target.Config[targetKey] = strings.Replace(conf, vol, v.ID, 1)
		c.changed(m)
		c.changed(target)
		return nil
	}), nil
}

// unlink is PUT unlink: a deletion by another name.
func unlink(c *call) (any, error) {
	c.p["delete"] = c.p["idlist"]
	delete(c.p, "idlist")
	return updateQEMU(c)
}
