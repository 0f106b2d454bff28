package pvesim

import (
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

// cloneGuest is POST clone of both kinds.
func cloneGuest(c *call) (any, error) {
	if err := c.poolExists(); err != nil {
		return nil, err
	}
	src, err := c.machine()
	if err != nil {
		return nil, err
	}
	if err := c.checkClone(src); err != nil {
		return nil, err
	}
	newid := atoi(c.p["newid"])
	if err := c.quorum(); err != nil {
		return nil, err
	}
	if err := c.s.refuseTaken(newid); err != nil {
		return nil, die("unable to create %s %d: config file already exists", src.label(), newid)
	}
	target := orElse(c.p["target"], src.Node)
	m := c.s.claim(newid, src.Kind, src.Node, "clone")
	return c.start(src.Node, c.taskType("clone"), itoa(src.VMID), func(t *task) error {
		if err := c.copyGuest(src, m, t); err != nil {
			c.s.discard(m)
			return die("clone failed: %s", err)
		}
		m.Node = target
		m.Lock = ""
		m.Pool = c.p["pool"]
		c.s.effect("clone", m.VMID)
		c.changed(m)
		return nil
	}), nil
}

func (c *call) checkClone(src *machine) error {
	if src.Lock != "" {
		return die("%s is locked (%s)", src.label(), src.Lock)
	}
	target := c.p["target"]
	if target != "" && target != src.Node {
		if c.s.world.node(target) == nil {
			return badParam("target", "no such cluster node '"+target+"'")
		}
		for _, vol := range src.volumes() {
			storage, _, _ := strings.Cut(vol, ":")
			if st := c.s.world.storage(storage); st != nil && !st.Shared {
				return die("can't clone %s to node '%s' (%s uses local storage)", src.label(), target, src.label())
			}
		}
	}
	if storage := c.p["storage"]; storage != "" {
		if !c.full(src) {
			return die("parameter 'storage' not allowed for linked clones")
		}
		if c.s.world.storage(storage) == nil {
			return die("storage '%s' does not exist", storage)
		}
	}
	if err := (&edit{call: c}).mayClone(src); err != nil {
		return err
	}
	if sn := c.p["snapname"]; sn != "" && src.snapshot(sn) == nil {
		return die("snapshot '%s' does not exist", sn)
	}
	if v, given := c.p["full"]; given && v == "0" && !src.Template && src.Kind == "lxc" {
		return die("linked clone feature is not available - container is not a template")
	}
	if v, given := c.p["full"]; given && v == "0" && !src.Template && src.Kind == "qemu" {
		return die("Linked clone feature is not supported for drive 'scsi0'")
	}
	return nil
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
	switch {
	case m.Lock != "":
		return nil, die("%s is locked (%s)", m.label(), m.Lock)
	case m.Template && c.p["disk"] == "":
		return nil, die("you can't convert a %s to a template if it already is one", m.label())
	case len(m.Snapshots) > 0:
		return nil, die("unable to create template, because %s contains snapshots", m.label())
	case m.Running:
		return nil, die("you can't convert a %s to template if %s is running", m.label(), m.label())
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
