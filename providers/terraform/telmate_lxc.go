package terraform

import (
	"strings"

	"github.com/zclconf/go-cty/cty"

	"recon/inventory"
)

// telmateLXC reads proxmox_lxc, the container of the 2.9 series.
func telmateLXC(m *mapping, o object) {
	m.guest.VMID = vmidOf(o.values["vmid"], o.values["id"])
	m.telmateCommon(o)
	m.table(o, "", "", []rule{
		{path: "name", from: "hostname"},
		{path: "arch", from: "arch"},
		{path: "cores", from: "cores", none: "0"},
		{path: "cpu_limit", from: "cpulimit"},
		{path: "cpu_units", from: "cpuunits", assumed: "1024"},
		{path: "memory", from: "memory", as: inMiB, none: "0"},
		{path: "swap", from: "swap", as: inMiB},
		{path: "console", from: "console"},
		{path: "console_mode", from: "cmode"},
		{path: "tty", from: "tty"},
		{path: "protection", from: "protection"},
		{path: "unprivileged", from: "unprivileged"},
		{path: "nameservers", from: "nameserver", as: joined},
		{path: "search_domain", from: "searchdomain"},
		{path: "os_type", from: "ostype"},
		{path: "hookscript", from: "hookscript"},
	})
	m.telmateLXCFeatures(o)
	for i, c := range o.children("network") {
		m.table(c, "network", slot("net", indexOf(c, "id", i)), telmateLXCNetwork)
	}
	if c, ok := o.child("rootfs"); ok {
		m.table(c, "rootfs", "", telmateVolume)
	}
	for i, c := range o.children("mountpoint") {
		at := slot("mp", indexOf(c, "slot", indexOf(c, "key", i)))
		rules := telmateVolume
		if strings.HasPrefix(c.text("volume"), "/") {
			rules = telmateVolume[2:] // a folder of the node has neither storage nor size
		}
		m.table(c, "mount", at, rules)
		m.table(c, "mount", at, []rule{{path: "path", from: "mp"}, {path: "backup", from: "backup"}})
		if c.text("volume") != "" {
			m.volume(c, "volume", "mount."+at)
		}
	}
}

// telmateLXCFeatures reads the features block of proxmox_lxc.
func (m *mapping) telmateLXCFeatures(o object) {
	c, ok := o.child("features")
	if !ok {
		return
	}
	var on []string
	for _, name := range []string{"fuse", "keyctl", "mknod", "nesting"} {
		if c.text(name) == "true" {
			on = append(on, name)
		}
	}
	if mounts := c.text("mount"); mounts != "" {
		on = append(on, "mount="+mounts)
	}
	m.set(c, "nesting", "features", inventory.StringSet(on...))
}

var telmateLXCNetwork = []rule{
	{path: "name", from: "name"},
	{path: "bridge", from: "bridge"},
	{path: "mac", from: "hwaddr"},
	{path: "vlan", from: "tag", none: "0|-1"},
	{path: "trunks", from: "trunks", as: joined},
	{path: "firewall", from: "firewall"},
	{path: "rate", from: "rate", none: "0"},
	{path: "mtu", from: "mtu", none: "0"},
	{path: "address", from: "ip"},
	{path: "gateway", from: "gw"},
	{path: "address6", from: "ip6"},
	{path: "gateway6", from: "gw6"},
}

var telmateVolume = []rule{
	{path: "storage", from: "storage"},
	{path: "size", from: "size", as: sizeText},
	{path: "acl", from: "acl", assumed: "false|default", none: "default"},
	{path: "quota", from: "quota"},
	{path: "replicate", from: "replicate", assumed: "false"},
	{path: "read_only", from: "ro"},
	{path: "shared", from: "shared"},
}

// telmateGuest reads proxmox_lxc_guest, the container of the 3.0 series.
func telmateGuest(m *mapping, o object) {
	m.guest.VMID = vmidOf(o.values["guest_id"], o.values["vmid"], o.values["id"])
	m.telmateCommon(o)
	m.table(o, "", "", []rule{
		{path: "name", from: "name"},
		{path: "memory", from: "memory", as: inMiB, none: "0"},
		{path: "swap", from: "swap", as: inMiB},
		{path: "os_type", from: "os"},
		{path: "arch", from: "cpu_architecture"},
		{path: "unprivileged", from: "unprivileged"},
		{path: "unprivileged", from: "privileged", as: notBool},
	})
	if o.text("privileged") != "true" && o.text("unprivileged") == "true" {
		m.set(o, "unprivileged", "unprivileged", cty.True)
	}
	if c, ok := o.child("cpu"); ok {
		m.table(c, "", "", []rule{{path: "cores", from: "cores", none: "0"}, {path: "cpu_limit", from: "limit"}, {path: "cpu_units", from: "units", none: "0"}})
	}
	if c, ok := o.child("dns"); ok {
		m.table(c, "", "", []rule{{path: "nameservers", from: "nameserver"}, {path: "search_domain", from: "searchdomain"}})
	}
	m.telmateGuestFeatures(o)
	m.telmateGuestNetworks(o)
	m.telmateGuestMounts(o)
}

func (m *mapping) telmateGuestFeatures(o object) {
	f, ok := o.child("features")
	if !ok {
		return
	}
	var on, mounts []string
	var at object
	for _, sort := range []string{"privileged", "unprivileged"} {
		c, ok := f.child(sort)
		if !ok {
			continue
		}
		at = c
		for _, pair := range [][2]string{{"create_device_nodes", "mknod"}, {"fuse", "fuse"}, {"nesting", "nesting"}, {"keyctl", "keyctl"}} {
			if c.text(pair[0]) == "true" {
				on = append(on, pair[1])
			}
		}
		for _, pair := range [][2]string{{"nfs", "nfs"}, {"smb", "cifs"}} {
			if c.text(pair[0]) == "true" {
				mounts = append(mounts, pair[1])
			}
		}
	}
	if len(mounts) > 0 {
		on = append(on, "mount="+strings.Join(mounts, ";"))
	}
	if at.values != nil {
		m.set(at, "nesting", "features", inventory.StringSet(on...))
	}
}

var telmateGuestNetwork = []rule{
	{path: "name", from: "name"},
	{path: "bridge", from: "bridge"},
	{path: "mac", from: "mac"},
	{path: "vlan", from: "vlan_native", none: "0"},
	{path: "firewall", from: "firewall"},
	{path: "rate", from: "rate_limit", as: inKBps, none: "0"},
	{path: "mtu", from: "mtu", none: "0"},
	{path: "host_managed", from: "host_managed", loose: true},
	{path: "link_down", from: "connected", as: notBool},
}

func (m *mapping) telmateGuestNetworks(o object) {
	for _, c := range o.children("network") {
		if at := c.text("id"); m.kind.Block("network").HasSlot(at) {
			m.table(c, "network", at, telmateGuestNetwork)
			m.telmateIP(c, at, "ipv4_", "address", "gateway")
			m.telmateIP(c, at, "ipv6_", "address6", "gateway6")
		}
	}
	all, _ := o.child("networks")
	for at := range all.values {
		c, ok := all.child(at)
		if !ok || !m.kind.Block("network").HasSlot(at) {
			continue
		}
		m.table(c, "network", at, telmateGuestNetwork)
		if v4, ok := c.child("ipv4"); ok {
			m.telmateIP(v4, at, "", "address", "gateway")
		}
		if v6, ok := c.child("ipv6"); ok {
			m.telmateIP(v6, at, "", "address6", "gateway6")
		}
	}
}

// telmateIP reads an address, or the switches that stand for one.
func (m *mapping) telmateIP(c object, at, prefix, address, gateway string) {
	ip := c.text(prefix + "address")
	switch {
	case c.text(prefix+"dhcp") == "true":
		ip = "dhcp"
	case c.text(prefix+"slaac") == "true":
		ip = "auto"
	}
	b := m.kind.Block("network")
	m.setText(c, prefix+"address", b.Path(at, address), ip)
	m.setText(c, prefix+"gateway", b.Path(at, gateway), c.text(prefix+"gateway"))
}

var telmateGuestVolume = []rule{
	{path: "storage", from: "storage"}, {path: "size", from: "size", as: sizeText}, {path: "acl", from: "acl", none: "default"}, {path: "quota", from: "quota"}, {path: "replicate", from: "replicate"},
}

func (m *mapping) telmateGuestMounts(o object) {
	if c, ok := o.child("root_mount"); ok {
		m.table(c, "rootfs", "", telmateGuestVolume)
	}
	mount := func(c object, at string) {
		if !m.kind.Block("mount").HasSlot(at) {
			return
		}
		m.table(c, "mount", at, telmateGuestVolume)
		m.table(c, "mount", at, []rule{
			{path: "path", from: "guest_path"}, {path: "source", from: "host_path"}, {path: "backup", from: "backup", loose: true}, {path: "read_only", from: "read_only"},
		})
	}
	for _, c := range o.children("mount") {
		mount(c, c.text("slot"))
	}
	all, _ := o.child("mounts")
	for at := range all.values {
		device, _ := all.child(at)
		for _, sort := range []string{"data", "bind"} {
			if c, ok := device.child(sort); ok {
				mount(c, at)
			}
		}
	}
}
