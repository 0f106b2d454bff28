package terraform

import (
	"encoding/json"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"recon/inventory"
)

func bpgContainer(m *mapping, o object) {
	_, m.clone = o.child("clone")
	m.guest.VMID = vmidOf(o.values["vm_id"], o.values["id"])
	m.table(o, "", "", bpgContainerTop)
	m.noTags(o)
	if o.text("template") != "true" {
		m.table(o, "", "", []rule{{path: "running", from: "started"}})
	}
	m.bpgDefaulted(o, "cpu", map[string]any{"architecture": "amd64", "cores": json.Number("1"), "limit": json.Number("0")}, []rule{
		{path: "arch", from: "architecture"},
		{path: "cores", from: "cores", assumed: "1"},
		{path: "cpu_limit", from: "limit"},
		{path: "cpu_units", from: "units", none: "0", assumed: "1024"},
	})
	m.bpgDefaulted(o, "memory", map[string]any{"dedicated": json.Number("512"), "swap": json.Number("0")}, []rule{
		{path: "memory", from: "dedicated", as: inMiB, none: "0"},
		{path: "swap", from: "swap", as: inMiB, assumed: "0"},
	})
	m.bpgDefaulted(o, "console", map[string]any{"enabled": true, "type": "tty", "tty_count": json.Number("2")}, []rule{
		{path: "console", from: "enabled"}, {path: "console_mode", from: "type"}, {path: "tty", from: "tty_count"},
	})
	m.bpgDefaulted(o, "operating_system", map[string]any{"type": "unmanaged"}, bpgOS)
	if c, ok := o.child("startup"); ok {
		m.table(c, "startup", "", bpgStartup)
	}
	m.bpgFeatures(o)
	m.bpgVolumes(o)
	m.bpgInterfaces(o)
	m.inOrder(o, "device_passthrough", "device", "dev", []rule{
		{path: "path", from: "path"}, {path: "mode", from: "mode", assumed: "0660"}, {path: "uid", from: "uid"}, {path: "gid", from: "gid"}, {path: "deny_write", from: "deny_write"},
	})
}

var bpgContainerTop = []rule{
	{path: "description", from: "description"},
	{path: "node", from: "node_name"},
	{path: "pool", from: "pool_id"},
	{path: "tags", from: "tags"},
	{path: "onboot", from: "start_on_boot", cloned: "true"},
	{path: "protection", from: "protection", cloned: "false"},
	{path: "template", from: "template", cloned: "false"},
	{path: "unprivileged", from: "unprivileged", cloned: "false"},
	{path: "hookscript", from: "hook_script_file_id"},
}

// bpgFeatures joins the switches of the features block into the set that the table
// has.
func (m *mapping) bpgFeatures(o object) {
	c, ok := o.child("features")
	if !ok {
		if isBlock(o, "features") && !m.clone {
			m.set(o, "features", "features", inventory.StringSet())
		}
		return
	}
	var on []string
	for _, name := range []string{"nesting", "keyctl", "fuse", "mknod"} {
		if c.text(name) == "true" {
			on = append(on, name)
		}
	}
	if mounts := inventory.Strings(plainValue(cty.List(cty.String), c.values["mount"])); len(mounts) > 0 {
		on = append(on, "mount="+strings.Join(mounts, ";"))
	}
	m.set(c, "nesting", "features", inventory.StringSet(on...))
}

// bpgVolumes reads the root file system and mount points. The provider reads acl,
// quota and replicate that are not set as false.
func (m *mapping) bpgVolumes(o object) {
	if c, ok := o.child("disk"); ok {
		m.table(c, "rootfs", "", []rule{
			{path: "storage", from: "datastore_id"},
			{path: "size", from: "size", as: inGiB, cloned: "4"},
			{path: "acl", from: "acl", assumed: "false"},
			{path: "quota", from: "quota", assumed: "false"},
			{path: "replicate", from: "replicate", assumed: "false"},
			{path: "mount_options", from: "mount_options", loose: true},
		})
	}
	m.inOrder(o, "mount_point", "mount", "mp", []rule{
		{path: "path", from: "path"},
		{path: "size", from: "size", as: sizeText},
		{path: "acl", from: "acl", assumed: "false"},
		{path: "backup", from: "backup"},
		{path: "quota", from: "quota"},
		{path: "read_only", from: "read_only"},
		{path: "replicate", from: "replicate"},
		{path: "shared", from: "shared"},
		{path: "mount_options", from: "mount_options", loose: true},
	})
	for i, c := range o.children("mount_point") {
		m.volume(c, "volume", "mount."+slot("mp", i))
	}
}

// volume reads where a mount point's content is: a storage, or a folder of the node.
func (m *mapping) volume(c object, from, prefix string) {
	v := c.text(from)
	if strings.HasPrefix(v, "/") {
		m.setText(c, from, inventory.Path(prefix+".source"), v)
		return
	}
	storage, _, _ := strings.Cut(v, ":")
	m.setText(c, from, inventory.Path(prefix+".storage"), storage)
}

// bpgInterfaces reads network devices and their addresses. The provider lists only
// the addresses of devices that have some, without saying which: unless every
// device has, nothing is known.
func (m *mapping) bpgInterfaces(o object) {
	m.inOrder(o, "network_interface", "network", "net", []rule{
		{path: "name", from: "name"},
		{path: "bridge", from: "bridge"},
		{path: "mac", from: "mac_address"},
		{path: "vlan", from: "vlan_id", none: "0"},
		{path: "firewall", from: "firewall"},
		{path: "rate", from: "rate_limit", none: "0"},
		{path: "mtu", from: "mtu", none: "0"},
		{path: "host_managed", from: "host_managed"},
	})
	c, ok := o.child("initialization")
	if !ok {
		return
	}
	m.table(c, "", "", []rule{{path: "name", from: "hostname"}, {path: "entrypoint", from: "entrypoint"}})
	if dns, ok := c.child("dns"); ok {
		m.bpgDNS(dns, "")
	}
	ips := c.children("ip_config")
	if len(ips) != len(o.children("network_interface")) {
		return
	}
	for i, ip := range ips {
		m.bpgAddresses(ip, slot("net", i))
	}
}
