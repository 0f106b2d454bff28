package pvesim

import (
	"maps"
	"strings"
)

// osOf guesses a container's system from its template's name, as the real
// thing does from the template's files.
func osOf(template string) string {
	for _, os := range []string{"debian", "devuan", "ubuntu", "centos", "fedora", "opensuse", "archlinux", "alpine", "gentoo", "nixos"} {
		if strings.Contains(template, os) {
			return os
		}
	}
	return "unmanaged"
}

// restore makes a guest from a backup; what the client set wins.
func (c *call) restore(e *edit, kind string, vmid int, archive string) (any, error) {
	label := map[string]string{"qemu": "VM", "lxc": "CT"}[kind]
	v, err := c.s.exists(archive, c.node())
	if err != nil {
		return nil, err
	}
	old := c.s.guests[vmid]
	switch {
	case old != nil && !c.flag("force"):
		return nil, die("unable to restore %s %d - %s", label, vmid, c.s.refuseTaken(vmid))
	case old != nil && old.Running:
		return nil, die("unable to restore %s %d - %s %d is running", label, vmid, label, vmid)
	case old != nil && old.Config["protection"] == "1":
		return nil, die("unable to restore %s %d - protection mode enabled", label, vmid)
	}
	if err := c.quorum(); err != nil {
		return nil, err
	}
	if old != nil {
		c.s.discard(old)
	}
	m := c.s.claim(vmid, kind, c.node(), "create")
	typ := map[string]string{"qemu": "qmrestore", "lxc": "vzrestore"}[kind]
	return c.start(c.node(), typ, itoa(vmid), func(*task) error {
		if err := c.unpack(m, v.Backup, e); err != nil {
			c.s.discard(m)
			return die("unable to restore %s %d - %s", label, vmid, err)
		}
		return c.created(m)
	}), nil
}

// unpack fills a config from a backup, with new volumes.
func (c *call) unpack(m *machine, backup map[string]string, e *edit) error {
	maps.Copy(m.Config, backup)
	for k, v := range m.Config {
		vol, opts := diskParts(m.Kind, k, v)
		if vol == "" || opts["media"] == "cdrom" {
			continue
		}
		storage, _, _ := strings.Cut(vol, ":")
		made, err := c.s.allocate(allocSpec{storage: orElse(c.p["storage"], storage), node: m.Node, kind: m.Kind, vmid: m.VMID, size: sizeOr(opts["size"], 1<<30)})
		if err != nil {
			return err
		}
		m.Config[k] = strings.Replace(v, vol, made.ID, 1)
	}
	for _, k := range sortedKeys(e.set) {
		if !m.opts.isDrive(k) && !m.opts.isMount(k) {
			m.Config[k] = e.set[k]
		}
	}
	if c.flag("unique") {
		c.renewMACs(m)
	}
	return nil
}

// renewMACs gives every network of a guest a new address.
func (c *call) renewMACs(m *machine) {
	for k, v := range m.Config {
		if m.opts.base(k) != "net" || k == "net" {
			continue
		}
		parts := strings.Split(v, ",")
		for i, part := range parts {
			key, _, ok := strings.Cut(part, "=")
			if ok && (key == "hwaddr" || m.Kind == "qemu" && i == 0) {
				parts[i] = key + "=" + c.s.newMAC()
			}
		}
		m.Config[k] = strings.Join(parts, ",")
	}
}
