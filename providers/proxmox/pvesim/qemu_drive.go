package pvesim

import (
	"strings"
)

// driveFormat is the property format of a drive key.
func (s *Server) driveFormat(m *optionSet, key string) *params {
	return s.formats.props[m.params.find(key).format]
}

// checkDriveAccess requires the rights on the storage that a drive needs.
func (c *call) checkDriveAccess(key, value string) error {
	ps, err := c.s.formats.parseProps(c.s.driveFormat(c.s.qemu, key), key, value)
	if err != nil {
		return badParam(key, "invalid format - "+err.Error()+"\n")
	}
	file := ps["file"]
	switch {
	case file == "none":
		return nil
	case file == "cdrom":
		return c.check("/", "Sys.Console")
	case strings.HasPrefix(file, "/") && c.who.isRoot():
		return nil
	case strings.HasPrefix(file, "/"):
		return die("Only root can pass arbitrary filesystem paths.")
	}
	storage, name, _ := strings.Cut(file, ":")
	_, _, fresh := newDisk(file, "qemu")
	if name == "cloudinit" {
		return nil
	}
	if fresh {
		if c.s.world.storage(storage) == nil {
			return die("storage '%s' does not exist", storage)
		}
		if err := c.check("/storage/"+storage, "Datastore.AllocateSpace"); err != nil {
			return err
		}
		_, err := c.s.usable(storage, c.node(), "images")
		return err
	}
	return c.checkVolumeAccess(file)
}

// checkVolumeAccess is check_volume_access: whose volume may be used.
func (c *call) checkVolumeAccess(id string) error {
	v, err := c.s.exists(id, c.node())
	if err != nil {
		return err
	}
	path := "/storage/" + v.storage()
	switch v.Content {
	case "iso", "vztmpl", "import", "snippets":
		return c.check(path, "Datastore.AllocateSpace", "Datastore.Audit")
	case "backup":
		return c.check(path, "Datastore.AllocateSpace")
	}
	vmid := c.vmid()
	if vmid == 0 {
		vmid = atoi(c.p["vmid"])
	}
	if v.VMID == vmid && vmid != 0 {
		return nil
	}
	return c.check(path, "Datastore.Allocate")
}

// makeDrive turns what a client wrote into what the config holds: new volumes
// are made, sizes corrected, keys sorted.
func (c *call) makeDrive(m *machine, key, value string) (string, error) {
	format := c.s.driveFormat(m.opts, key)
	ps, err := c.s.formats.parseProps(format, key, value)
	if err != nil {
		return "", badParam(key, "invalid format - "+err.Error()+"\n")
	}
	file := ps["file"]
	storage, name, _ := strings.Cut(file, ":")
	_, size, fresh := newDisk(file, "qemu")
	a := allocSpec{storage: storage, node: m.Node, kind: "qemu", vmid: m.VMID, size: size, format: ps["format"]}
	var v *Volume
	switch {
	case file == "none" || file == "cdrom" || strings.HasPrefix(file, "/"):
		return ps.print(format), nil
	case name == "cloudinit":
		a.size, a.name = 4<<20, "vm-"+itoa(m.VMID)+"-cloudinit"
		a.format = orElse(a.format, "qcow2")
		ps["media"] = "cdrom"
		v, err = c.s.allocate(a)
	case fresh:
		v, err = c.allocDrive(m, key, ps, a)
	default:
		v, err = c.s.exists(file, m.Node)
	}
	if err != nil {
		return "", err
	}
	if !fresh && v.Parent == "" && v.VMID == m.VMID {
		m.dropUnused(v.ID)
	}
	ps["file"], ps["size"] = v.ID, formatSize(v.Size)
	delete(ps, "format")
	delete(ps, "import-from")
	return ps.print(format), nil
}

func (c *call) allocDrive(m *machine, key string, ps props, a allocSpec) (*Volume, error) {
	switch m.opts.base(key) {
	case "efidisk0":
		a.size = 528 << 10
		if ps["efitype"] != "4m" {
			a.size = 128 << 10
		}
		if st := c.s.world.storage(a.storage); st != nil && !st.fileBased() {
			a.size = 4 << 20
		}
	case "tpmstate0":
		a.size = 4 << 20
	}
	if from := ps["import-from"]; from != "" {
		src, err := c.s.exists(from, m.Node)
		if err != nil {
			return nil, err
		}
		a.size = max(src.Size, 1<<20)
	}
	return c.s.allocate(a)
}
