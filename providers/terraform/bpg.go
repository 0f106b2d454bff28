package terraform

import (
	"encoding/json"
	"slices"
	"strings"

	"recon/inventory"
)

// The resources of bpg/proxmox. Two generations share these tables: the older one
// spells devices as lists of blocks (network_device, disk), the newer one
// (proxmox_vm, proxmox_cloned_vm and their long names) as maps of objects by slot.
//
// Facts that the tables hold, from proxmoxtf/resource/vm/vm.go and
// proxmoxtf/resource/container/container.go: memory is in MiB and disks are in whole
// GiB; 0, -1 and "" mean not set; a VM without a cpu key reads as qemu64, one
// without a keyboard as en-us; a container without swap reads as 0, which Proxmox
// takes for 512. Of a clone only what its code sets is read back, so that the
// schema's defaults in its state say nothing.

func bpgVM(m *mapping, o object) {
	clone, isClone := o.child("clone")
	m.clone = isClone
	m.guest.VMID = vmidOf(o.values["vm_id"], o.values["id"])
	m.table(o, "", "", bpgVMTop)
	m.noTags(o)
	m.machine(o)
	if o.text("template") != "true" {
		m.table(o, "", "", []rule{{path: "running", from: "started"}})
	}
	if isClone && o.text("pool_id") == "" {
		m.table(clone, "", "", []rule{{path: "pool", from: "pool_id"}})
	}
	m.bpgDefaulted(o, "cpu", map[string]any{"cores": json.Number("1"), "sockets": json.Number("1"), "type": "qemu64"}, bpgVMCPU)
	m.bpgDefaulted(o, "memory", map[string]any{"dedicated": json.Number("512")}, bpgVMMemory)
	m.bpgDefaulted(o, "agent", map[string]any{"enabled": false, "trim": false}, []rule{{path: "agent", from: "enabled"}, {path: "agent_fstrim", from: "trim"}})
	m.bpgDefaulted(o, "operating_system", map[string]any{"type": "other"}, bpgOS)
	m.bpgNetworks(o)
	m.bpgDisks(o)
	m.bpgCDROMs(o)
	m.bpgInitialization(o)
	m.bpgDevices(o)
}

var bpgVMTop = []rule{
	{path: "name", from: "name"},
	{path: "description", from: "description"},
	{path: "node", from: "node_name"},
	{path: "pool", from: "pool_id"},
	{path: "tags", from: "tags"},
	{path: "onboot", from: "on_boot"},
	{path: "protection", from: "protection", cloned: "false"},
	{path: "template", from: "template", cloned: "false"},
	{path: "hookscript", from: "hook_script_file_id"},
	{path: "acpi", from: "acpi", cloned: "true"},
	{path: "bios", from: "bios", cloned: "seabios"},
	{path: "args", from: "kvm_arguments"},
	{path: "keyboard", from: "keyboard_layout", assumed: "en-us", cloned: "en-us"},
	{path: "scsi_hardware", from: "scsi_hardware", assumed: "virtio-scsi-pci", cloned: "virtio-scsi-pci"},
	{path: "tablet", from: "tablet_device", cloned: "true"},
	{path: "boot_order", from: "boot_order"},
	{path: "hotplug", from: "hotplug", as: joined, none: "1"},
}

var bpgVMCPU = []rule{
	{path: "cores", from: "cores", none: "0"},
	{path: "sockets", from: "sockets", none: "0"},
	{path: "vcpus", from: "hotplugged", none: "0"},
	{path: "vcpus", from: "vcpus", none: "0"},
	{path: "cpu_limit", from: "limit"},
	{path: "cpu_units", from: "units", none: "0", assumed: "1024"}, // 1024 until 0.60
	{path: "cpu", from: "type", assumed: "qemu64"},
	{path: "cpu_flags", from: "flags"},
	{path: "affinity", from: "affinity"},
	{path: "numa", from: "numa"},
}

var bpgVMMemory = []rule{
	{path: "memory", from: "dedicated", as: inMiB, none: "0"},
	{path: "memory", from: "size", as: inMiB, none: "0"},
	{path: "balloon", from: "floating", as: inMiB, none: "0"},
	{path: "balloon", from: "balloon", as: inMiB, none: "0"},
	{path: "shares", from: "shares"},
}

var bpgOS = []rule{{path: "os_type", from: "type"}}

// bpgDefaulted reads a block of settings that every guest has. One that is not there, and not of a
// clone, stands for the schema's defaults: with anything else live the provider
// would have written it down. The newer generation has no such defaults.
func (m *mapping) bpgDefaulted(o object, name string, defaults map[string]any, rules []rule) {
	c, ok := o.child(name)
	if !ok && !m.clone && isBlock(o, name) {
		c = object{values: defaults, steps: []step{{name, 0}}}
	}
	m.table(c, "", "", rules)
}

// noTags reads tags = null, which the provider writes for a guest without tags.
func (m *mapping) noTags(o object) {
	if v, known := o.values["tags"]; known && v == nil && !m.clone {
		m.set(o, "tags", "tags", inventory.StringSet())
	}
}

// isBlock reports an attribute that is a list of blocks, as the older generation
// has it.
func isBlock(o object, name string) bool {
	_, ok := o.values[name].([]any)
	return ok
}

// machine takes q35,viommu=intel apart.
func (m *mapping) machine(o object) {
	raw, known := o.values["machine"].(string)
	if !known || m.clone && raw == "" {
		return
	}
	typ, options, _ := strings.Cut(raw, ",")
	if named, ok := strings.CutPrefix(typ, "type="); ok {
		typ = named
	}
	if typ == "" {
		typ = "pc"
	}
	m.setText(o, "machine", "machine", typ)
	m.setText(o, "machine", "viommu", props(options)["viommu"])
}

var bpgNetwork = []rule{
	{path: "bridge", from: "bridge"},
	{path: "model", from: "model"},
	{path: "mac", from: "mac_address"},
	{path: "vlan", from: "vlan_id", none: "0"},
	{path: "vlan", from: "tag", none: "0"},
	{path: "trunks", from: "trunks", as: joined},
	{path: "firewall", from: "firewall"},
	{path: "rate", from: "rate_limit", none: "0"},
	{path: "mtu", from: "mtu", none: "0"},
	{path: "queues", from: "queues", none: "0"},
	{path: "link_down", from: "disconnected"},
	{path: "link_down", from: "link_down"},
}

func (m *mapping) bpgNetworks(o object) {
	for i, c := range o.children("network_device") {
		if c.text("enabled") != "false" {
			m.table(c, "network", slot("net", i), bpgNetwork)
		}
	}
	m.bySlot(o, "network", func(c object, slot string) {
		rules := bpgNetwork
		if _, set := c.values["trunks"].([]any); set {
			rules = append(slices.Clone(rules), rule{path: "trunks", from: "trunks"})
		}
		m.table(c, "network", slot, rules)
	})
}

// bySlot goes through a map of objects by slot, as the newer generation has it.
func (m *mapping) bySlot(o object, name string, use func(c object, slot string)) {
	devices, ok := o.values[name].(map[string]any)
	if !ok {
		return
	}
	at := object{values: devices, steps: append(slices.Clone(o.steps), step{name, 0})}
	for key := range devices {
		use(at.member(key), key)
	}
}

var bpgDisk = []rule{
	{path: "storage", from: "datastore_id"},
	{path: "size", from: "size", as: inGiB, none: "0"},
	{path: "size", from: "size_gb", as: inGiB, none: "0"},
	{path: "format", from: "file_format", loose: true},
	{path: "format", from: "format", loose: true},
	{path: "cache", from: "cache"},
	{path: "discard", from: "discard", as: onOff},
	{path: "ssd", from: "ssd"},
	{path: "iothread", from: "iothread"},
	{path: "aio", from: "aio", assumed: "io_uring"},
	{path: "backup", from: "backup"},
	{path: "replicate", from: "replicate"},
	{path: "serial", from: "serial"},
}

var bpgSpeed = []rule{
	{path: "read_limit", from: "read", none: "0"},
	{path: "write_limit", from: "write", none: "0"},
	{path: "read_burst", from: "read_burstable", none: "0"},
	{path: "write_burst", from: "write_burstable", none: "0"},
	{path: "read_ops", from: "iops_read", none: "0"},
	{path: "write_ops", from: "iops_write", none: "0"},
	{path: "read_ops_burst", from: "iops_read_burstable", none: "0"},
	{path: "write_ops_burst", from: "iops_write_burstable", none: "0"},
}

func (m *mapping) bpgDisks(o object) {
	disk := func(c object, slot string) {
		if !m.kind.Block("disk").HasSlot(slot) {
			return
		}
		m.table(c, "disk", slot, bpgDisk)
		if s, ok := c.child("speed"); ok {
			m.table(s, "disk", slot, bpgSpeed)
		}
	}
	for _, c := range o.children("disk") {
		if c.text("interface") != "" {
			disk(c, c.text("interface"))
		}
	}
	m.bySlot(o, "disk", func(c object, slot string) {
		if c.text("media") != "cdrom" {
			disk(c, slot)
		}
	})
}

// bpgCDROMs reads CD drives. A file_id of "" means that the code leaves the drive's
// medium alone.
func (m *mapping) bpgCDROMs(o object) {
	use := func(c object, slot string) {
		if m.kind.Block("cdrom").HasSlot(slot) {
			m.setText(c, "file_id", inventory.Path("cdrom."+slot+".file"), c.text("file_id"))
		}
	}
	for _, c := range o.children("cdrom") {
		if c.text("enabled") != "false" && c.values["interface"] != nil {
			use(c, c.text("interface"))
		}
	}
	m.bySlot(o, "cdrom", use)
}

func (m *mapping) bpgInitialization(o object) {
	c, ok := o.child("initialization")
	if !ok {
		return
	}
	m.table(c, "cloud_init", "", []rule{
		{path: "drive", from: "interface", loose: true},
		{path: "storage", from: "datastore_id", loose: true},
		{path: "type", from: "type"},
		{path: "upgrade", from: "upgrade"},
	})
	if dns, ok := c.child("dns"); ok {
		m.bpgDNS(dns, "cloud_init")
	}
	if user, ok := c.child("user_account"); ok {
		m.table(user, "cloud_init", "", []rule{{path: "user", from: "username"}, {path: "ssh_keys", from: "keys"}})
		m.veil(user, "password")
	}
	for i, ip := range c.children("ip_config") {
		m.bpgAddresses(ip, slot("net", i))
	}
	var parts []string
	for _, part := range []string{"user", "network", "meta", "vendor"} {
		if file := c.text(part + "_data_file_id"); file != "" {
			parts = append(parts, part+"="+file)
		}
	}
	m.setText(c, "user_data_file_id", "cloud_init.custom", strings.Join(parts, ","))
}

// bpgDNS reads a dns block: servers, or the older server.
func (m *mapping) bpgDNS(dns object, block string) {
	rules := []rule{{path: "search_domain", from: "domain"}, {path: "nameservers", from: "servers"}}
	if list, _ := dns.values["servers"].([]any); len(list) == 0 {
		rules[1] = rule{path: "nameservers", from: "server", as: joined}
		if dns.text("server") == "" {
			rules = rules[:1]
		}
	}
	m.table(dns, block, "", rules)
}

func (m *mapping) bpgAddresses(ip object, slot string) {
	if v4, ok := ip.child("ipv4"); ok {
		m.addresses(v4, "address", slot, map[string]string{"ip": v4.text("address")})
		m.addresses(v4, "gateway", slot, map[string]string{"gw": v4.text("gateway")})
	}
	if v6, ok := ip.child("ipv6"); ok {
		m.addresses(v6, "address", slot, map[string]string{"ip6": v6.text("address")})
		m.addresses(v6, "gateway", slot, map[string]string{"gw6": v6.text("gateway")})
	}
}

// bpgSingle are the blocks of which there is at most one.
var bpgSingle = []struct {
	from, block string
	rules       []rule
}{
	{"efi_disk", "efi_disk", []rule{{path: "storage", from: "datastore_id"}, {path: "type", from: "type"}, {path: "pre_enrolled_keys", from: "pre_enrolled_keys"}}},
	{"tpm_state", "tpm", []rule{{path: "storage", from: "datastore_id"}, {path: "version", from: "version"}}},
	{"rng", "rng", []rule{{path: "source", from: "source"}, {path: "max_bytes", from: "max_bytes"}, {path: "period", from: "period", none: "0"}}},
	{"vga", "vga", []rule{{path: "type", from: "type"}, {path: "memory", from: "memory", as: inMiB, none: "0", assumed: "16"}, {path: "clipboard", from: "clipboard"}}},
	{"audio_device", "audio", []rule{{path: "device", from: "device"}, {path: "driver", from: "driver"}}},
	{"watchdog", "watchdog", []rule{{path: "model", from: "model"}, {path: "action", from: "action", assumed: "none"}}},
	{"amd_sev", "amd_sev", []rule{{path: "type", from: "type"}, {path: "no_debug", from: "no_debug"}, {path: "no_key_sharing", from: "no_key_sharing"}, {path: "kernel_hashes", from: "kernel_hashes"}}},
	{"startup", "startup", bpgStartup},
}

var bpgStartup = []rule{
	{path: "order", from: "order", none: "-1"},
	{path: "up", from: "up_delay", none: "-1"},
	{path: "down", from: "down_delay", none: "-1"},
}

var bpgUSB = []rule{{path: "device", from: "host"}, {path: "mapping", from: "mapping"}, {path: "usb3", from: "usb3"}}

var bpgPCI = []rule{
	{path: "device", from: "id"},
	{path: "mapping", from: "mapping"},
	{path: "mediated_device", from: "mdev"},
	{path: "pcie", from: "pcie"},
	{path: "rombar", from: "rombar"},
	{path: "romfile", from: "rom_file"},
	{path: "primary_gpu", from: "xvga"},
}

var bpgVirtioFS = []rule{
	{path: "directory", from: "mapping"},
	{path: "cache", from: "cache"},
	{path: "direct_io", from: "direct_io"},
	{path: "expose_acl", from: "expose_acl"},
	{path: "expose_xattr", from: "expose_xattr", loose: true},
}

func (m *mapping) bpgDevices(o object) {
	for _, s := range bpgSingle {
		if c, ok := o.child(s.from); ok && c.text("enabled") != "false" {
			m.table(c, s.block, "", s.rules)
		}
	}
	for _, c := range o.children("hostpci") {
		if m.kind.Block("pci").HasSlot(c.text("device")) {
			m.table(c, "pci", c.text("device"), bpgPCI)
		}
	}
	m.inOrder(o, "usb", "usb", "usb", bpgUSB)
	m.inOrder(o, "virtiofs", "virtiofs", "virtiofs", bpgVirtioFS)
	for i, c := range o.children("serial_device") {
		if c.text("device") != "" {
			m.table(c, "serial", slot("serial", i), []rule{{path: "device", from: "device"}})
		}
	}
}

// inOrder reads devices that the provider lists without their slots, in order.
func (m *mapping) inOrder(o object, from, block, prefix string, rules []rule) {
	for i, c := range o.children(from) {
		m.guest.listed[block] = true
		m.table(c, block, slot(prefix, i), rules)
	}
}
