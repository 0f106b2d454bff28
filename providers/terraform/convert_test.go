package terraform

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"

	"recon/inventory"
)

// stateOf is a state file with one resource.
func stateOf(typ, attributes string) string {
	return fmt.Sprintf(`{"version":4,"resources":[{"mode":"managed","type":%q,"name":"x","instances":[{"attributes":%s}]}]}`, typ, attributes)
}

func guestFrom(t *testing.T, typ, attributes string) *Guest {
	t.Helper()
	s, err := parse([]byte(stateOf(typ, attributes)))
	if err != nil {
		t.Fatal(err)
	}
	all := guests(s, "terraform.test")
	if len(all) != 1 {
		t.Fatalf("%d guests", len(all))
	}
	return all[0]
}

// shown spells attributes for comparison, those that stand for nothing live left out.
func shown(g *Guest, live inventory.Attrs) string {
	kind := inventory.KindOf(g.Kind)
	attrs, _ := g.Agreeing(live)
	var out []string
	for _, p := range slices.SortedFunc(maps.Keys(attrs), kind.Compare) {
		attr, _, _ := kind.Lookup(p)
		out = append(out, fmt.Sprintf("%s = %s", p, attr.Show(attrs[p])))
	}
	return strings.Join(out, "\n")
}

// What the two providers, in their generations, write of a guest.
func TestMapping(t *testing.T) {
	for _, tc := range []struct{ name, typ, state, want string }{
		{
			"bpg vm with devices", "proxmox_virtual_environment_vm", `{
			"vm_id": 111, "name": "media", "node_name": "n1", "bios": "ovmf", "machine": "q35,viommu=intel", "tags": ["b","a"], "on_boot": true, "template": false, "started": true,
			"cpu": [{"cores": 4, "sockets": 2, "type": "host", "units": 0, "limit": 1.5, "hotplugged": 0, "flags": ["+aes"], "numa": true, "affinity": ""}],
			"memory": [{"dedicated": 4096, "floating": 0}], "agent": [{"enabled": true, "trim": true}],
			"network_device": [{"bridge": "vmbr0", "model": "virtio", "mac_address": "BC:24:11:00:00:01", "vlan_id": 0, "trunks": "10;20", "rate_limit": 12.5, "enabled": true, "disconnected": true}, null, {"bridge": "vmbr1", "enabled": true}],
			"disk": [{"interface": "virtio1", "datastore_id": "lvm", "size": 32, "file_format": "raw", "discard": "on", "cache": "writeback", "backup": false, "speed": [{"read": 100, "write": 0, "iops_read": 50}]}],
			"cdrom": [{"interface": "ide3", "file_id": "local:iso/x.iso"}],
			"efi_disk": [{"datastore_id": "lvm", "type": "4m", "pre_enrolled_keys": true}], "tpm_state": [{"datastore_id": "lvm", "version": "v2.0"}],
			"hostpci": [{"device": "hostpci1", "id": "0000:01:00.0", "pcie": true, "rombar": true, "mapping": ""}], "usb": [{"host": "1234:5678", "usb3": true}],
			"serial_device": [{"device": ""}, {"device": "socket"}], "vga": [{"type": "qxl", "memory": 32}], "watchdog": [{"enabled": false, "model": "i6300esb", "action": "none"}],
			"startup": [{"order": 3, "up_delay": -1, "down_delay": 60}],
			"initialization": [{"interface": "ide2", "datastore_id": "lvm", "type": "nocloud", "upgrade": false, "dns": [{"domain": "home", "servers": ["1.1.1.1"]}],
				"ip_config": [{"ipv4": [{"address": "dhcp", "gateway": ""}], "ipv6": []}, {"ipv4": [], "ipv6": [{"address": "fd00::5/64", "gateway": "fd00::1"}]}],
				"user_account": [{"username": "lena", "keys": ["ssh-ed25519 A\n"], "password": "**********"}], "user_data_file_id": "local:snippets/u.yml"}]}`,
			`vmid = 111
name = "media"
node = "n1"
running = true
tags = [a, b]
onboot = true
template = false
memory = 4 GiB
cores = 4
sockets = 2
cpu = "host"
cpu_flags = [+aes]
cpu_limit = 1.5
cpu_units = 100
numa = true
bios = "ovmf"
machine = "q35"
viommu = "intel"
agent = true
agent_fstrim = true
network.net0.model = "virtio"
network.net0.mac = "BC:24:11:00:00:01"
network.net0.bridge = "vmbr0"
network.net0.trunks = [10, 20]
network.net0.rate = 12.5 MB/s
network.net0.link_down = true
network.net0.address = "dhcp"
network.net1.address6 = "fd00::5/64"
network.net1.gateway6 = "fd00::1"
network.net2.bridge = "vmbr1"
disk.virtio1.storage = "lvm"
disk.virtio1.size = 32 GiB
disk.virtio1.cache = "writeback"
disk.virtio1.discard = true
disk.virtio1.backup = false
disk.virtio1.read_limit = 100 MB/s
disk.virtio1.read_ops = 50
cdrom.ide3.file = "local:iso/x.iso"
efi_disk.storage = "lvm"
efi_disk.type = "4m"
efi_disk.pre_enrolled_keys = true
tpm.storage = "lvm"
tpm.version = "v2.0"
cloud_init.user = "lena"
cloud_init.ssh_keys = [ssh-ed25519 A]
cloud_init.nameservers = [1.1.1.1]
cloud_init.search_domain = "home"
cloud_init.upgrade = false
cloud_init.type = "nocloud"
cloud_init.custom = "user=local:snippets/u.yml"
startup.order = 3
startup.down = 60 seconds
vga.type = "qxl"
vga.memory = 32 MiB
usb.usb0.device = "1234:5678"
usb.usb0.usb3 = true
pci.hostpci1.device = "0000:01:00.0"
pci.hostpci1.pcie = true
pci.hostpci1.rombar = true
serial.serial1.device = "socket"`,
		},
		{
			"a clone says nothing of what its code leaves out", "proxmox_virtual_environment_vm", `{
			"vm_id": 112, "name": "", "clone": [{"vm_id": 9000}], "bios": "seabios", "acpi": true, "tablet_device": true, "keyboard_layout": "en-us", "machine": "", "scsi_hardware": "virtio-scsi-pci",
			"description": "", "protection": false, "template": false, "cpu": [], "memory": [], "agent": [], "operating_system": [], "network_device": [], "disk": [], "on_boot": false, "node_name": "n1", "started": false}`,
			"vmid = 112\nnode = \"n1\"\nrunning = false\nonboot = false",
		},
		{
			"bpg, newer generation", "proxmox_vm", `{"id": 113, "name": "new", "node_name": "n1", "tags": ["x"], "template": null, "cpu": {"cores": 2, "type": "host", "units": null, "flags": null}, "vga": {"type": "std", "memory": null}, "cdrom": {"ide3": {"file_id": "none"}}}`,
			"vmid = 113\nname = \"new\"\nnode = \"n1\"\ntags = [x]\ncores = 2\ncpu = \"host\"\ncdrom.ide3.file = \"none\"\nvga.type = \"std\"",
		},
		{
			"bpg, newer clone", "proxmox_virtual_environment_cloned_vm", `{"id": 114, "node_name": "n1", "clone": {"source_vm_id": 9000}, "memory": {"size": 2048, "balloon": 1024}, "started": true,
			"network": {"net1": {"bridge": "vmbr0", "tag": 40, "trunks": [10, 20], "link_down": false}}, "disk": {"scsi0": {"datastore_id": "lvm", "size_gb": 8, "discard": "ignore", "ssd": true}, "ide2": {"media": "cdrom"}}}`,
			"vmid = 114\nnode = \"n1\"\nrunning = true\nmemory = 2 GiB\nballoon = 1 GiB\nnetwork.net1.bridge = \"vmbr0\"\nnetwork.net1.vlan = 40\nnetwork.net1.trunks = [10, 20]\nnetwork.net1.link_down = false\ndisk.scsi0.storage = \"lvm\"\ndisk.scsi0.size = 8 GiB\ndisk.scsi0.discard = false\ndisk.scsi0.ssd = true",
		},
		{
			"bpg container", "proxmox_virtual_environment_container", `{
			"vm_id": 205, "node_name": "n1", "start_on_boot": true, "unprivileged": true, "tags": null, "cpu": [{"architecture": "amd64", "cores": 2, "units": 512, "limit": 0}], "memory": [{"dedicated": 1024, "swap": 0}],
			"disk": [{"datastore_id": "lvm", "size": 8, "acl": false, "quota": false, "replicate": false, "mount_options": ["noatime"]}], "features": [{"nesting": true, "keyctl": true, "fuse": false, "mount": ["nfs", "cifs"]}],
			"mount_point": [{"path": "/data", "volume": "/srv/data", "size": "", "read_only": true}, {"path": "/db", "volume": "lvm:vm-205-disk-1", "size": "10G"}],
			"network_interface": [{"name": "eth0", "bridge": "vmbr0", "enabled": true, "mac_address": "BC:24:11:00:00:02", "vlan_id": 40, "mtu": 0}],
			"initialization": [{"hostname": "ct", "dns": [{"domain": "", "server": "1.1.1.1 9.9.9.9", "servers": null}], "ip_config": [{"ipv4": [{"address": "10.0.0.2/24", "gateway": "10.0.0.1"}]}]}],
			"operating_system": [{"type": "debian"}], "started": true}`,
			"vmid = 205\nname = \"ct\"\nnode = \"n1\"\nrunning = true\ntags = []\nonboot = true\nmemory = 1 GiB\ncores = 2\ncpu_limit = 0\ncpu_units = 512\nnameservers = [1.1.1.1, 9.9.9.9]\nunprivileged = true\nos_type = \"debian\"\narch = \"amd64\"\nfeatures = [keyctl, mount=nfs;cifs, nesting]\nnetwork.net0.name = \"eth0\"\nnetwork.net0.bridge = \"vmbr0\"\nnetwork.net0.mac = \"BC:24:11:00:00:02\"\nnetwork.net0.vlan = 40\nnetwork.net0.address = \"10.0.0.2/24\"\nnetwork.net0.gateway = \"10.0.0.1\"\nrootfs.storage = \"lvm\"\nrootfs.size = 8 GiB\nmount.mp0.path = \"/data\"\nmount.mp0.source = \"/srv/data\"\nmount.mp0.read_only = true\nmount.mp1.path = \"/db\"\nmount.mp1.storage = \"lvm\"\nmount.mp1.size = 10 GiB",
		},
		{
			"telmate 2.9", "proxmox_vm_qemu", `{
			"id": "n1/qemu/120", "vmid": 0, "name": "old", "target_node": "n1", "desc": "", "cores": 2, "sockets": 1, "vcpus": 0, "cpu": "host", "numa": false, "memory": 2048, "balloon": 0, "agent": 1, "onboot": false,
			"boot": "order=scsi0;net0", "scsihw": "virtio-scsi-pci", "qemu_os": "l26", "hotplug": "network,disk,usb", "tags": "b,a", "startup": "order=2,up=30", "bios": "seabios",
			"network": [{"model": "virtio", "bridge": "vmbr0", "tag": -1, "macaddr": "bc:24:11:00:00:03", "rate": 0, "queues": 0, "mtu": 0, "firewall": true, "link_down": false}],
			"disk": [{"type": "scsi", "slot": 0, "storage": "lvm", "size": "32G", "ssd": 1, "discard": "on", "iothread": 0, "cache": "none", "format": "raw", "replicate": 0, "backup": true}, {"type": "virtio", "storage": "lvm", "size": "1T", "discard": ""}],
			"ciuser": "lena", "cipassword": "", "sshkeys": "ssh-ed25519 A\nssh-ed25519 B\n", "nameserver": "1.1.1.1 9.9.9.9", "ipconfig0": "ip=10.0.0.3/24,gw=10.0.0.1,ip6=dhcp", "serial": [{"id": 0, "type": "socket"}], "vga": [{"type": "serial0", "memory": 0}]}`,
			"vmid = 120\nname = \"old\"\nnode = \"n1\"\ntags = [a, b]\ndescription = \"\"\nonboot = false\nmemory = 2 GiB\ncores = 2\nsockets = 1\nnuma = false\nbios = \"seabios\"\nscsi_hardware = \"virtio-scsi-pci\"\nos_type = \"l26\"\nboot_order = [scsi0, net0]\nhotplug = [disk, network, usb]\nagent = true\nnetwork.net0.model = \"virtio\"\nnetwork.net0.mac = \"bc:24:11:00:00:03\"\nnetwork.net0.bridge = \"vmbr0\"\nnetwork.net0.firewall = true\nnetwork.net0.link_down = false\nnetwork.net0.address = \"10.0.0.3/24\"\nnetwork.net0.gateway = \"10.0.0.1\"\nnetwork.net0.address6 = \"dhcp\"\ndisk.scsi0.storage = \"lvm\"\ndisk.scsi0.size = 32 GiB\ndisk.scsi0.cache = \"none\"\ndisk.scsi0.discard = true\ndisk.scsi0.ssd = true\ndisk.scsi0.iothread = false\ndisk.scsi0.backup = true\ndisk.virtio0.storage = \"lvm\"\ndisk.virtio0.size = 1 TiB\ndisk.virtio0.discard = false\ncloud_init.user = \"lena\"\ncloud_init.ssh_keys = [ssh-ed25519 A, ssh-ed25519 B]\ncloud_init.nameservers = [1.1.1.1, 9.9.9.9]\nstartup.order = 2\nstartup.up = 30 seconds\nvga.type = \"serial0\"\nserial.serial0.device = \"socket\"",
		},
		{
			"telmate 3, nested disks", "proxmox_vm_qemu", `{
			"id": "n1/qemu/121", "vmid": 121, "name": "v3", "target_node": "n2", "current_node": "n1", "cpu": [{"cores": 2, "sockets": 1, "type": "x86-64-v2-AES", "units": 0, "vcores": 0, "limit": 0, "numa": false, "flags": [{"aes": "on", "hv_tlbflush": "off", "pcid": ""}]}],
			"memory": 1024, "start_at_node_boot": true, "onboot": null, "vm_state": "running", "disk": [],
			"disks": [{"scsi": [{"scsi0": [{"disk": [{"size": "20G", "storage": "lvm", "emulatessd": true, "iothread": true, "discard": true, "mbps_r_concurrent": 10, "mbps_wr_concurrent": 0, "asyncio": "", "cache": "", "readonly": false}], "cdrom": []}], "scsi1": []}], "ide": [{"ide2": [{"cloudinit": [{"storage": "lvm"}]}], "ide3": [{"cdrom": [{"iso": "local:iso/a.iso", "passthrough": false}]}]}]}],
			"usbs": [{"usb1": [{"mapping": [{"mapping_id": "stick", "usb3": true}]}]}], "pcis": [{"pci0": [{"raw": [{"raw_id": "0000:01:00", "pcie": true, "rombar": true}]}]}], "startup_shutdown": [{"order": -1, "shutdown_timeout": -1, "startup_delay": 5}]}`,
			"vmid = 121\nname = \"v3\"\nnode = \"n1\"\nrunning = true\nonboot = true\nmemory = 1 GiB\ncores = 2\nsockets = 1\ncpu = \"x86-64-v2-AES\"\ncpu_flags = [+aes, -hv-tlbflush]\ncpu_limit = 0\ncpu_units = 100\nnuma = false\ndisk.scsi0.storage = \"lvm\"\ndisk.scsi0.size = 20 GiB\ndisk.scsi0.cache = \"none\"\ndisk.scsi0.discard = true\ndisk.scsi0.ssd = true\ndisk.scsi0.iothread = true\ndisk.scsi0.read_only = false\ndisk.scsi0.read_limit = 10 MB/s\ncdrom.ide3.file = \"local:iso/a.iso\"\ncloud_init.drive = \"ide2\"\ncloud_init.storage = \"lvm\"\nstartup.up = 5 seconds\nusb.usb1.mapping = \"stick\"\nusb.usb1.usb3 = true\npci.hostpci0.device = \"0000:01:00\"\npci.hostpci0.pcie = true\npci.hostpci0.rombar = true",
		},
		{
			"telmate 3, list of disks", "proxmox_vm_qemu", `{"vmid": 122, "name": "v", "disk": [{"slot": "sata0", "type": "disk", "size": "2252M", "storage": "lvm"}, {"slot": "ide2", "type": "cloudinit", "storage": "lvm"}, {"slot": "ide0", "type": "cdrom", "iso": ""}, {"slot": "scsi3", "type": "ignore"}]}`,
			"vmid = 122\nname = \"v\"\ndisk.sata0.storage = \"lvm\"\ndisk.sata0.size = 2252 MiB\ncdrom.ide0.file = \"none\"\ncloud_init.drive = \"ide2\"\ncloud_init.storage = \"lvm\"",
		},
		{
			"telmate lxc", "proxmox_lxc", `{
			"id": "n1/lxc/130", "vmid": 130, "hostname": "ct", "target_node": "n1", "memory": 512, "swap": 256, "cores": 0, "cpulimit": 0, "cpuunits": 1024, "arch": "amd64", "cmode": "tty", "console": true, "tty": 2, "unprivileged": true, "onboot": true,
			"features": [{"fuse": false, "keyctl": false, "mknod": false, "mount": "nfs;cifs", "nesting": true}], "network": [{"name": "eth0", "bridge": "vmbr0", "ip": "dhcp", "tag": 40, "hwaddr": "BC:24:11:00:00:04", "mtu": 0, "rate": 0}],
			"rootfs": [{"storage": "lvm", "size": "8G", "acl": false, "replicate": false, "shared": false}], "mountpoint": [{"key": "0", "slot": 0, "mp": "/data", "storage": "lvm", "size": "100G", "volume": "lvm:vm-130-disk-1"}, {"key": "1", "slot": 1, "mp": "/srv", "volume": "/srv", "storage": "/srv", "size": "1G"}], "nameserver": "1.1.1.1"}`,
			"vmid = 130\nname = \"ct\"\nnode = \"n1\"\nonboot = true\nmemory = 512 MiB\nswap = 256 MiB\ncpu_limit = 0\nnameservers = [1.1.1.1]\nunprivileged = true\narch = \"amd64\"\nfeatures = [mount=nfs;cifs, nesting]\nconsole = true\nconsole_mode = \"tty\"\ntty = 2\nnetwork.net0.name = \"eth0\"\nnetwork.net0.bridge = \"vmbr0\"\nnetwork.net0.mac = \"BC:24:11:00:00:04\"\nnetwork.net0.vlan = 40\nnetwork.net0.address = \"dhcp\"\nrootfs.storage = \"lvm\"\nrootfs.size = 8 GiB\nrootfs.shared = false\nmount.mp0.path = \"/data\"\nmount.mp0.storage = \"lvm\"\nmount.mp0.size = 100 GiB\nmount.mp1.path = \"/srv\"\nmount.mp1.source = \"/srv\"",
		},
		{
			"telmate lxc of 3.0", "proxmox_lxc_guest", `{
			"id": "n1/lxc/131", "guest_id": 131, "name": "ct", "target_node": "n1", "memory": 512, "swap": 512, "cpu": [{"cores": 2, "limit": 0, "units": 100}], "unprivileged": true, "privileged": null, "os": "debian", "cpu_architecture": "amd64", "power_state": "stopped",
			"dns": [{"nameserver": ["1.1.1.1"], "searchdomain": "home"}], "features": [{"unprivileged": [{"nesting": true, "keyctl": false, "create_device_nodes": false, "fuse": true}], "privileged": []}],
			"network": [{"id": "net1", "name": "eth0", "bridge": "vmbr0", "mac": "BC:24:11:00:00:05", "connected": true, "firewall": true, "vlan_native": 40, "rate_limit": 12500, "ipv4_dhcp": true, "ipv6_address": "fd00::9/64"}],
			"root_mount": [{"storage": "lvm", "size": "4G", "acl": "default", "replicate": true}], "mounts": [{"mp2": [{"bind": [{"host_path": "/srv", "guest_path": "/data", "read_only": true}]}]}]}`,
			"vmid = 131\nname = \"ct\"\nnode = \"n1\"\nrunning = false\nmemory = 512 MiB\nswap = 512 MiB\ncores = 2\ncpu_limit = 0\ncpu_units = 100\nnameservers = [1.1.1.1]\nsearch_domain = \"home\"\nunprivileged = true\nos_type = \"debian\"\narch = \"amd64\"\nfeatures = [fuse, nesting]\nnetwork.net1.name = \"eth0\"\nnetwork.net1.bridge = \"vmbr0\"\nnetwork.net1.mac = \"BC:24:11:00:00:05\"\nnetwork.net1.vlan = 40\nnetwork.net1.firewall = true\nnetwork.net1.rate = 12.5 MB/s\nnetwork.net1.link_down = false\nnetwork.net1.address = \"dhcp\"\nnetwork.net1.address6 = \"fd00::9/64\"\nrootfs.storage = \"lvm\"\nrootfs.size = 4 GiB\nrootfs.replicate = true\nmount.mp2.path = \"/data\"\nmount.mp2.source = \"/srv\"\nmount.mp2.read_only = true",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, shown(guestFrom(t, tc.typ, tc.state), nil)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// Quirks that only a look at live can settle.
func TestAgreeing(t *testing.T) {
	for _, tc := range []struct {
		name, typ, state string
		live             inventory.Attrs
		want             string // the fields that differ
	}{
		{"a size in whole GiB", "proxmox_virtual_environment_vm", `{"vm_id": 1, "disk": [{"interface": "scsi0", "size": 2}]}`, inventory.Attrs{"disk.scsi0.size": inventory.Size(2252 * inventory.MiB)}, ""},
		{"another size", "proxmox_virtual_environment_vm", `{"vm_id": 1, "disk": [{"interface": "scsi0", "size": 2}]}`, inventory.Attrs{"disk.scsi0.size": inventory.Size(3 * inventory.GiB)}, "disk.scsi0.size"},
		{"a disk below 1 GiB", "proxmox_virtual_environment_vm", `{"vm_id": 1, "disk": [{"interface": "sata0", "size": 0}]}`, inventory.Attrs{"disk.sata0.size": inventory.Size(528 * inventory.KiB)}, ""},
		{"a disk without a size", "proxmox_virtual_environment_vm", `{"vm_id": 1, "disk": [{"interface": "sata0", "size": 0}]}`, inventory.Attrs{"disk.sata0.size": inventory.Size(32 * inventory.GiB)}, ""},
		{"no cpu key reads as qemu64", "proxmox_virtual_environment_vm", `{"vm_id": 1, "cpu": [{"type": "qemu64"}]}`, inventory.Attrs{}, ""},
		{"qemu64 and host differ", "proxmox_virtual_environment_vm", `{"vm_id": 1, "cpu": [{"type": "qemu64"}]}`, inventory.Attrs{"cpu": cty.StringVal("host")}, "cpu"},
		{"no cpu block is one core", "proxmox_virtual_environment_vm", `{"vm_id": 1, "cpu": []}`, inventory.Attrs{"cores": cty.NumberIntVal(2)}, "cores"},
		{"a pinned machine", "proxmox_virtual_environment_vm", `{"vm_id": 1, "machine": "q35"}`, inventory.Attrs{"machine": cty.StringVal("pc-q35-9.2+pve1")}, ""},
		{"a tag that Terraform does not set", "proxmox_virtual_environment_vm", `{"vm_id": 1, "network_device": [{"bridge": "vmbr0", "vlan_id": 0}]}`, inventory.Attrs{"network.net0.bridge": cty.StringVal("vmbr0"), "network.net0.vlan": cty.NumberIntVal(40)}, "network.net0.vlan"},
		{"tags that Terraform does not set", "proxmox_virtual_environment_vm", `{"vm_id": 1, "tags": null}`, inventory.Attrs{"tags": inventory.StringSet("x")}, "tags"},
		{"MAC addresses have no case", "proxmox_vm_qemu", `{"vmid": 1, "network": [{"macaddr": "bc:24:11:00:00:01"}]}`, inventory.Attrs{"network.net0.mac": cty.StringVal("BC:24:11:00:00:01")}, ""},
		{"swap that is not set reads as 0", "proxmox_virtual_environment_container", `{"vm_id": 1, "memory": []}`, inventory.Attrs{"memory": inventory.Size(512 * inventory.MiB)}, ""},
		{
			"devices in order, with a gap live", "proxmox_virtual_environment_container", `{"vm_id": 1, "network_interface": [{"name": "eth0"}, {"name": "eth1"}], "initialization": [{"ip_config": [{"ipv4": [{"address": "10.0.0.1/24"}]}, {"ipv4": [{"address": "10.0.0.2/24"}]}]}]}`,
			inventory.Attrs{"network.net0.name": cty.StringVal("eth0"), "network.net0.address": cty.StringVal("10.0.0.1/24"), "network.net2.name": cty.StringVal("eth1"), "network.net2.address": cty.StringVal("10.0.0.2/24")},
			"",
		},
		{
			"addresses of which it is not known whose they are", "proxmox_virtual_environment_container", `{"vm_id": 1, "network_interface": [{"name": "eth0"}, {"name": "eth1"}], "initialization": [{"ip_config": [{"ipv4": [{"address": "10.0.0.2/24"}]}]}]}`,
			inventory.Attrs{"network.net0.name": cty.StringVal("eth0"), "network.net1.name": cty.StringVal("eth1"), "network.net1.address": cty.StringVal("10.0.0.2/24")},
			"",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got []string
			tc.live["vmid"] = cty.NumberIntVal(1)
			_, differs := guestFrom(t, tc.typ, tc.state).Agreeing(tc.live)
			for _, p := range differs {
				got = append(got, string(p))
			}
			if g := strings.Join(got, " "); g != tc.want {
				t.Errorf("differing %q, want %q", g, tc.want)
			}
		})
	}
}
