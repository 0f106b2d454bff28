package terraform

import (
	"strings"

	"github.com/zclconf/go-cty/cty"

	"recon/inventory"
)

// The resources of Telmate/proxmox, from the 2.9 series to 3.0.
//
// Facts that the tables hold, from proxmox/resource_vm_qemu.go, proxmox/resource_lxc.go,
// proxmox/resource_lxc_guest.go and proxmox/Internal/resource/guest: memory is in MiB,
// sizes of disks are texts (32G); 0 and -1 mean not set; cores, sockets and the type
// of CPU stand at the top (2.9, where cpu is the type's name) or in a cpu block (3.0);
// disks are a list with slots, or nested blocks by slot; MAC addresses are lower case.

func telmateVM(m *mapping, o object) {
	m.guest.VMID = vmidOf(o.values["vmid"], o.values["id"])
	m.table(o, "", "", telmateVMTop)
	m.telmateCommon(o)
	m.machine(o)
	m.telmateCPU(o)
	m.telmateBoot(o)
	for i, c := range o.children("network") {
		m.table(c, "network", slot("net", indexOf(c, "id", i)), telmateNetwork)
	}
	m.telmateCloudInit(o)
	m.telmateDisks(o)
	m.telmateDevices(o)
	if state := o.text("vm_state"); state != "" {
		m.set(o, "vm_state", "running", cty.BoolVal(among(state, "running|started")))
	}
}

var telmateVMTop = []rule{
	{path: "name", from: "name"},
	{path: "agent", from: "agent"},
	{path: "memory", from: "memory", as: inMiB, none: "0"},
	{path: "balloon", from: "balloon", as: inMiB, none: "0"},
	{path: "bios", from: "bios"},
	{path: "scsi_hardware", from: "scsihw"},
	{path: "os_type", from: "qemu_os"},
	{path: "hotplug", from: "hotplug", as: joined, none: "1"},
	{path: "kvm", from: "kvm"},
	{path: "tablet", from: "tablet"},
	{path: "protection", from: "protection"},
	{path: "args", from: "args"},
}

// telmateCommon reads what the provider spells alike for all sorts of guests.
func (m *mapping) telmateCommon(o object) {
	m.table(o, "", "", []rule{
		{path: "description", from: "desc"},
		{path: "description", from: "description"},
		{path: "pool", from: "pool"},
		{path: "node", from: "target_node"},
		{path: "onboot", from: "start_at_node_boot"},
		{path: "onboot", from: "onboot"},
	})
	m.setText(o, "current_node", "node", o.text("current_node"))
	if raw, ok := o.values["tags"].(string); ok {
		m.put(o, "tags", rule{from: "tags", as: joined}, inventory.StringSet(fields(raw)...))
	}
	m.startup(o, "startup")
	if c, ok := o.child("startup_shutdown"); ok {
		m.table(c, "startup", "", []rule{
			{path: "order", from: "order", none: "-1"}, {path: "up", from: "startup_delay", none: "-1"}, {path: "down", from: "shutdown_timeout", none: "-1"},
		})
	}
	if state := o.text("power_state"); state != "" {
		m.set(o, "power_state", "running", cty.BoolVal(state == "running"))
	}
}

func (m *mapping) telmateCPU(o object) {
	c, ok := o.child("cpu")
	if !ok {
		m.table(o, "", "", []rule{
			{path: "cores", from: "cores", none: "0"},
			{path: "sockets", from: "sockets", none: "0"},
			{path: "vcpus", from: "vcpus", none: "0"},
			{path: "numa", from: "numa"},
			{path: "cpu", from: "cpu_type", assumed: "host"},
		})
		if typ := o.text("cpu"); typ != "" {
			m.field(o, "cpu", rule{from: "cpu", assumed: "host"}, typ)
		}
		return
	}
	m.table(c, "", "", []rule{
		{path: "cores", from: "cores", none: "0"},
		{path: "sockets", from: "sockets", none: "0"},
		{path: "cpu", from: "type", assumed: "host"},
		{path: "cpu_limit", from: "limit"},
		{path: "cpu_units", from: "units", none: "0"},
		{path: "vcpus", from: "vcores", none: "0"},
		{path: "numa", from: "numa"},
		{path: "affinity", from: "affinity"},
	})
	m.telmateFlags(c)
}

// telmateFlags turns aes = "on" into +aes. The provider's names have _ where
// Proxmox has -, and no flags block says that there are none.
func (m *mapping) telmateFlags(c object) {
	var on []string
	if f, ok := c.child("flags"); ok {
		for name, v := range f.values {
			sign := map[string]string{"on": "+", "off": "-"}[text(v)]
			if sign != "" {
				on = append(on, sign+telmateFlagName(name))
			}
		}
	}
	m.set(c, "flags", "cpu_flags", inventory.StringSet(on...))
}

func telmateFlagName(name string) string {
	switch name {
	case "pbpe1gb":
		return "pdpe1gb"
	case "pcid", "aes", "ibpb", "ssbd":
		return name
	}
	return strings.ReplaceAll(name, "_", "-")
}

// telmateBoot reads order=scsi0;net0. The older form by letters names no devices.
func (m *mapping) telmateBoot(o object) {
	if order, ok := props(o.text("boot"))["order"]; ok {
		m.put(o, "boot_order", rule{from: "boot", as: joined}, inventory.StringList(fields(order)...))
	}
}

var telmateNetwork = []rule{
	{path: "bridge", from: "bridge"},
	{path: "model", from: "model"},
	{path: "mac", from: "macaddr"},
	{path: "vlan", from: "tag", none: "0|-1"},
	{path: "firewall", from: "firewall"},
	{path: "rate", from: "rate", none: "0"},
	{path: "mtu", from: "mtu", none: "0"},
	{path: "queues", from: "queues", none: "0"},
	{path: "link_down", from: "link_down"},
}

// indexOf returns the number of a device: written down, or its place in the list.
func indexOf(c object, name string, place int) int {
	if n, ok := c.values[name]; ok && text(n) != "" {
		if v, ok := inventory.Int(plainValue(cty.Number, n)); ok && v >= 0 && v < 1000 {
			return int(v)
		}
	}
	return place
}

func (m *mapping) telmateCloudInit(o object) {
	m.table(o, "cloud_init", "", []rule{
		{path: "user", from: "ciuser"},
		{path: "nameservers", from: "nameserver", as: joined},
		{path: "search_domain", from: "searchdomain"},
		{path: "upgrade", from: "ciupgrade", assumed: "false"},
		{path: "custom", from: "cicustom"},
		{path: "storage", from: "cloudinit_cdrom_storage", loose: true},
	})
	m.veil(o, "cipassword")
	if keys := lines(o.text("sshkeys")); len(keys) > 0 {
		m.set(o, "sshkeys", "cloud_init.ssh_keys", inventory.StringList(keys...))
	}
	for i := range 32 {
		from := slot("ipconfig", i)
		m.addresses(o, from, slot("net", i), props(o.text(from)))
	}
}

// telmateDisk are the attributes of a disk in all three spellings.
var telmateDisk = []rule{
	{path: "storage", from: "storage"},
	{path: "size", from: "size", as: sizeText, none: "0"},
	{path: "format", from: "format", loose: true},
	{path: "cache", from: "cache"},
	{path: "discard", from: "discard", as: onOff},
	{path: "ssd", from: "emulatessd"},
	{path: "ssd", from: "ssd"},
	{path: "iothread", from: "iothread"},
	{path: "aio", from: "asyncio", assumed: "io_uring"},
	{path: "aio", from: "aio", assumed: "io_uring"},
	{path: "read_only", from: "readonly"},
	{path: "backup", from: "backup", assumed: "0"},             // numbers until 2.9
	{path: "replicate", from: "replicate", assumed: "0|false"}, // the default of 2.9, which it does not send
	{path: "serial", from: "serial"},
	{path: "read_limit", from: "mbps_r_concurrent", none: "0"},
	{path: "write_limit", from: "mbps_wr_concurrent", none: "0"},
	{path: "read_burst", from: "mbps_r_burst", none: "0"},
	{path: "write_burst", from: "mbps_wr_burst", none: "0"},
	{path: "read_ops", from: "iops_r_concurrent", none: "0"},
	{path: "write_ops", from: "iops_wr_concurrent", none: "0"},
	{path: "read_ops_burst", from: "iops_r_burst", none: "0"},
	{path: "write_ops_burst", from: "iops_wr_burst", none: "0"},
	{path: "read_limit", from: "mbps_rd", none: "0"},
	{path: "write_limit", from: "mbps_wr", none: "0"},
	{path: "read_burst", from: "mbps_rd_max", none: "0"},
	{path: "write_burst", from: "mbps_wr_max", none: "0"},
	{path: "read_ops", from: "iops_rd", none: "0"},
	{path: "write_ops", from: "iops_wr", none: "0"},
	{path: "read_ops_burst", from: "iops_rd_max", none: "0"},
	{path: "write_ops_burst", from: "iops_wr_max", none: "0"},
}

// telmateDisks reads disk (a list) and disks (nested blocks). In the list of 3.0 the
// slot is scsi0 and the type says disk, cdrom or cloudinit; in that of 2.9 the type
// is the bus, the slot its number, and discard is a word.
func (m *mapping) telmateDisks(o object) {
	count := map[string]int{}
	for _, c := range o.children("disk") {
		at, sort := c.text("slot"), c.text("type")
		if among(sort, "scsi|virtio|sata|ide") {
			at, sort = slot(sort, indexOf(c, "slot", count[sort])), "disk"
			count[c.text("type")]++
		}
		m.telmateDrive(c, sort, at)
	}
	all, _ := o.child("disks")
	for _, bus := range []string{"ide", "sata", "scsi", "virtio"} {
		slots, _ := all.child(bus)
		for at := range slots.values {
			drive, _ := slots.child(at)
			for _, sort := range []string{"disk", "passthrough", "cdrom", "cloudinit"} {
				if c, ok := drive.child(sort); ok {
					m.telmateDrive(c, sort, at)
				}
			}
		}
	}
}

// telmateDrive reads one drive: a disk, a CD drive or the drive of cloud-init. A
// drive that the code ignores is nobody's opinion.
func (m *mapping) telmateDrive(c object, sort, at string) {
	if !m.kind.Block("disk").HasSlot(at) {
		return
	}
	switch sort {
	case "disk", "passthrough", "":
		m.table(c, "disk", at, telmateDisk)
	case "cloudinit":
		m.set(c, "storage", "cloud_init.drive", cty.StringVal(at))
		m.setText(c, "storage", "cloud_init.storage", c.text("storage"))
	case "cdrom":
		file := c.text("iso")
		if c.text("passthrough") == "true" {
			file = "cdrom"
		} else if file == "" {
			file = "none"
		}
		m.set(c, "iso", inventory.Path("cdrom."+at+".file"), cty.StringVal(file))
	}
}

func (m *mapping) telmateDevices(o object) {
	for _, s := range []struct {
		from, block string
		rules       []rule
	}{
		{"efidisk", "efi_disk", []rule{{path: "storage", from: "storage"}, {path: "type", from: "efitype"}, {path: "pre_enrolled_keys", from: "pre_enrolled_keys"}}},
		{"tpm_state", "tpm", []rule{{path: "storage", from: "storage"}, {path: "version", from: "version"}}},
		{"rng", "rng", []rule{{path: "source", from: "source"}, {path: "max_bytes", from: "limit"}, {path: "period", from: "period", none: "0"}}},
		{"vga", "vga", []rule{{path: "type", from: "type"}, {path: "memory", from: "memory", as: inMiB, none: "0"}}},
	} {
		if c, ok := o.child(s.from); ok {
			m.table(c, s.block, "", s.rules)
		}
	}
	for i, c := range o.children("serial") {
		m.table(c, "serial", slot("serial", indexOf(c, "id", i)), []rule{{path: "device", from: "type"}})
	}
	m.telmateUSB(o)
	m.telmatePCI(o)
}

var (
	telmateUSBRules = []rule{{path: "device", from: "host"}, {path: "device", from: "device_id"}, {path: "device", from: "port_id"}, {path: "mapping", from: "mapping_id"}, {path: "usb3", from: "usb3"}}
	telmatePCIRules = []rule{
		{path: "device", from: "host"},
		{path: "device", from: "raw_id"},
		{path: "mapping", from: "mapping_id"},
		{path: "mediated_device", from: "mdev"},
		{path: "pcie", from: "pcie"},
		{path: "primary_gpu", from: "primary_gpu"},
		{path: "rombar", from: "rombar", assumed: "false|0"},
	}
)

func (m *mapping) telmateUSB(o object) {
	for i, c := range o.children("usb") {
		m.table(withoutEmpty(c), "usb", slot("usb", indexOf(c, "id", i)), telmateUSBRules)
	}
	m.nested(o, "usbs", "usb", telmateUSBRules, "device", "mapping", "port")
}

func (m *mapping) telmatePCI(o object) {
	m.inOrder(o, "hostpci", "pci", "hostpci", telmatePCIRules)
	for i, c := range o.children("pci") {
		m.table(withoutEmpty(c), "pci", slot("hostpci", indexOf(c, "id", i)), telmatePCIRules)
	}
	m.nested(o, "pcis", "pci", telmatePCIRules, "mapping", "raw")
}

// nested reads devices that are blocks named after their slot, with a block inside
// that says of which sort they are: usbs { usb0 { mapping { ... } } }. The blocks of
// pcis are called pci0, their slots hostpci0.
func (m *mapping) nested(o object, from, block string, rules []rule, sorts ...string) {
	all, _ := o.child(from)
	for name := range all.values {
		device, ok := all.child(name)
		at := strings.Replace(name, "pci", "hostpci", 1)
		if !ok || !m.kind.Block(block).HasSlot(at) {
			continue
		}
		for _, sort := range sorts {
			if c, ok := device.child(sort); ok {
				m.table(withoutEmpty(c), block, at, rules)
			}
		}
	}
}

// withoutEmpty leaves out attributes that are "", where only one of several that
// mean the same field is used.
func withoutEmpty(o object) object {
	values := make(map[string]any, len(o.values))
	for k, v := range o.values {
		if v != "" {
			values[k] = v
		}
	}
	o.values = values
	return o
}
