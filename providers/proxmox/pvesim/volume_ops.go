package pvesim

import (
	"fmt"
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

// resizeQEMU is PUT resize: all that it asks of the VM it asks in its task.
func resizeQEMU(c *call) (any, error) {
	if err := c.skiplock(); err != nil {
		return nil, err
	}
	key := c.p["disk"]
	return c.start(c.node(), "resize", c.uri["vmid"], func(*task) error {
		m, err := c.machine()
		if err != nil {
			return err
		}
		if err := c.same(m); err != nil {
			return err
		}
		if err := c.unlocked(m); err != nil {
			return err
		}
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
	}), nil
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
	if err := c.unlocked(m); err != nil {
		return nil, err
	}
	if err := c.same(m); err != nil {
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
		storage := c.p["storage"]
		missing := "both 'storage' and 'target-vmid' missing, either needs to be set"
		if c.has("target-vmid") {
			missing = "either set 'storage' or 'target-vmid', but not both"
		}
		switch both := c.has("target-vmid") && storage != ""; {
		case both && c.kind() == "lxc":
			return nil, die("either set storage or target-vmid, but not both")
		case both, !c.has("target-vmid") && storage == "":
			return nil, badParams(map[string]string{"target-vmid": missing, "storage": missing})
		case c.has("target-vmid"):
			return c.reassign(c.p[param], orElse(c.p["target-"+param], c.p[param]))
		}
		if err := c.check("/storage/"+storage, "Datastore.AllocateSpace"); err != nil {
			return nil, err
		}
		m, err := c.machine()
		if err != nil {
			return nil, err
		}
		key := c.p[param]
		if err := c.unlocked(m); err != nil {
			return nil, err
		}
		if m.Kind == "lxc" {
			err = c.checkMoveLXC(m, key)
		} else {
			err = c.checkMoveQEMU(m, key)
		}
		if err != nil {
			return nil, err
		}
		return c.start(m.Node, typ, itoa(m.VMID), func(*task) error { return c.move(m, key) }), nil
	}
}

// checkMoveQEMU is load_and_check_move of move_vm_disk.
func (c *call) checkMoveQEMU(m *machine, key string) error {
	if err := c.same(m); err != nil {
		return err
	}
	conf, ok := m.Config[key]
	if !ok {
		return die("disk '%s' does not exist", key)
	}
	vol, opts := diskParts(m.Kind, key, conf)
	old, _, _ := strings.Cut(vol, ":")
	storage := c.p["storage"]
	switch {
	case opts["media"] == "cdrom" && !strings.Contains(vol, "cloudinit"):
		return die("you can't move a cdrom")
	case vol == "":
		return die("disk '%s' has no associated volume", key)
	case old == storage && (c.p["format"] == "" || c.p["format"] == volumeFormat(vol)):
		return die("you can't move to the same storage with same format")
	}
	st, err := c.s.usable(storage, m.Node, "")
	switch {
	case err != nil:
		return err
	case !st.holds("images"):
		return badParam("storage", "storage '"+storage+"' does not support vm images")
	case m.inSnapshot(vol) && c.flag("delete"):
		return die("you can't move a disk with snapshots and delete the source")
	}
	return nil
}

// checkMoveLXC is move_to_storage_checks of move_volume.
func (c *call) checkMoveLXC(m *machine, key string) error {
	vol, _ := diskParts(m.Kind, key, m.Config[key])
	switch {
	case m.Running:
		return die("cannot move volumes of a running container")
	case strings.HasPrefix(key, "unused"):
		return die("cannot move volume '%s', only configured volumes can be moved to another storage", key)
	case m.Config[key] == "":
		return &apiError{status: 500, msg: "format error", errors: missingMount(key)}
	case m.inSnapshot(vol) && c.flag("delete"):
		return die("you can't move a volume with snapshots and delete the source")
	}
	return c.same(m)
}

// inSnapshot reports a volume that a snapshot of the guest refers to.
func (m *machine) inSnapshot(vol string) bool {
	return slices.ContainsFunc(m.Snapshots, func(sn *Snapshot) bool {
		for k, v := range sn.Config {
			if of, _ := diskParts(m.Kind, k, v); of == vol {
				return true
			}
		}
		return false
	})
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

// reassign gives a disk to another guest (load_and_check_reassign_configs).
func (c *call) reassign(key, targetKey string) (any, error) {
	id := atoi(c.p["target-vmid"])
	if err := c.check("/vms/"+itoa(id), "VM.Config.Disk"); err != nil {
		return nil, err
	}
	m, target := c.s.guests[c.vmid()], c.s.guests[id]
	if err := c.checkReassign(m, target, key, targetKey); err != nil {
		return nil, err
	}
	typ := map[string]string{"qemu": "qmmove", "lxc": "move_volume"}[m.Kind]
	return c.start(m.Node, typ, itoa(m.VMID)+"-"+key+">"+itoa(id)+"-"+targetKey, func(*task) error {
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

func (c *call) checkReassign(m, target *machine, key, targetKey string) error {
	id, lxc := c.p["target-vmid"], c.kind() == "lxc"
	say := func(vm, ct string, args ...any) error {
		if lxc {
			vm = ct
		}
		return &apiError{status: 500, msg: fmt.Sprintf(vm, args...)}
	}
	switch {
	case !lxc && itoa(c.vmid()) == id:
		return badParam("target-vmid", "must be different than source VMID to reassign disk")
	case lxc && (key == "rootfs" || targetKey == "rootfs"):
		return die("Cannot move to/from 'rootfs'")
	case m == nil || m.Kind != c.kind():
		return say("could not find VM %d", "could not find CT %d", c.vmid())
	case target == nil || target.Kind != c.kind():
		return say("could not find target VM %s", "could not find CT %s", id)
	case m.Node != target.Node:
		return say("Both VMs need to be on the same node (%s != %s)", "Both containers need to be on the same node (%s != %s)", m.Node, target.Node)
	}
	for _, of := range []*machine{m, target} {
		if err := c.unlocked(of); err != nil {
			return err
		}
	}
	vol, opts := diskParts(m.Kind, key, m.Config[key])
	switch {
	case m.Template || target.Template:
		return say("Can't move disks from or to template VMs", "Can't move volumes from or to template CT")
	case m.Config[key] == "":
		return say("Disk '%s' for VM '%d' does not exist", "volume '%s' for container '%d' does not exist", key, m.VMID)
	case target.Config[targetKey] != "":
		return say("Target disk key '%s' is already in use for VM '%d'", "Target volume key '%s' is already in use for container '%d'", targetKey, target.VMID)
	case !lxc && opts["media"] == "cdrom":
		return die("CD drive contents can't be moved to another VM")
	case m.inSnapshot(vol):
		return say("Can't move disk used by a snapshot to another VM", "Cannot move volume used by a snapshot to another container")
	case m.Running && !strings.HasPrefix(key, "unused"):
		return say("Cannot move disk to another VM while the source VM is running - detach first", "Cannot move in-use volume while the source CT is running - detach or shutdown first")
	}
	storage, _, _ := strings.Cut(vol, ":")
	return c.check("/storage/"+storage, "Datastore.AllocateSpace")
}

// unlink is PUT unlink: a deletion by another name.
func unlink(c *call) (any, error) {
	c.p["delete"] = c.p["idlist"]
	delete(c.p, "idlist")
	return updateQEMU(c)
}
