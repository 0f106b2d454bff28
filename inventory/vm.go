package inventory

import (
	"fmt"
	"strings"

	"github.com/zclconf/go-cty/cty"
)

// vmKind is the table of QEMU virtual machines. Keys, defaults and bounds are
// those of qemu-server's config schema (PVE/QemuServer.pm, PVE/QemuServer/Drive.pm,
// PVE/QemuServer/Network.pm); the order is that of the tabs Hardware, Options and
// Cloud-Init of the web interface.
func vmKind() *Kind {
	return &Kind{
		Name:   "vm",
		Doc:    "A QEMU virtual machine.",
		Config: asks(privDisk, privCDROM, privCPU, privMemory, privNetwork, privHardware, privOptions, privCloudInit)[0],
		Attrs:  append(commonAttrs("name", privOptions), vmAttrs()...),
		Blocks: []*Block{
			vmNetwork(), vmDisk(), vmCDROM(), vmEFIDisk(), vmTPM(), vmCloudInit(), startupBlock(Need{Any: []string{"Sys.Modify"}, Path: "/"}), vmVGA(),
			vmUSB(), vmPCI(), vmSerial(), vmAudio(), vmRNG(), vmVirtioFS(), vmWatchdog(), vmSpice(), vmSEV(),
		},
	}
}

func vmAttrs() []*Attr {
	return []*Attr{
		{Name: "memory", Key: "memory", Sub: "current", Lead: true, Import: ImportAlways, Column: ColumnMemory, Plug: &Plug{Word: "memory", Impact: ImpactLive, When: growsWithNUMA}, Type: cty.Number, Unit: Bytes, Wire: WireMiB, Min: 16 * MiB, Max: 4178944 * MiB, Default: Size(512 * MiB), Impact: ImpactRestart, Group: GroupHas, Needs: asks(privMemory), Doc: "Memory of the VM."},
		{Name: "balloon", Key: "balloon", Type: cty.Number, Unit: Bytes, Wire: WireMiB, Plug: &Plug{Impact: ImpactLive, When: neitherZero}, Impact: ImpactRestart, Group: GroupHas, Needs: asks(privMemory), Doc: "Memory that the VM keeps when the node runs short; \"0MiB\" switches the balloon device off."},
		{Name: "shares", Key: "shares", Type: cty.Number, Max: 50000, Default: cty.NumberIntVal(1000), Group: GroupHas, Needs: asks(privMemory), Doc: "Weight in automatic ballooning."},
		{Name: "allow_ksm", Key: "allow-ksm", Type: cty.Bool, Since: "9.1", Default: cty.True, Impact: ImpactRestart, Group: GroupHas, Needs: asks(privMemory), Doc: "Let the node merge equal memory pages."},
		{Name: "cores", Key: "cores", Type: cty.Number, Import: ImportAlways, Column: ColumnCores, Min: 1, Max: 8192, Default: cty.NumberIntVal(1), Impact: ImpactRestart, Group: GroupHas, Needs: asks(privCPU), Doc: "Cores a socket."},
		{Name: "sockets", Key: "sockets", Type: cty.Number, Min: 1, Max: 8192, Default: cty.NumberIntVal(1), Impact: ImpactRestart, Group: GroupHas, Needs: asks(privCPU), Doc: "CPU sockets."},
		{Name: "vcpus", Key: "vcpus", Type: cty.Number, Plug: &Plug{Word: "cpu", Impact: ImpactLive, When: grows}, Min: 1, Max: 8192, Impact: ImpactRestart, Group: GroupHas, Needs: asks(privCPU), Doc: "CPUs plugged in at start; all of them when left out."},
		{Name: "cpu", Key: "cpu", Sub: "cputype", Check: form(`[a-zA-Z0-9\-_.]+`, `a CPU type, such as "host"`), Lead: true, Type: cty.String, Default: cty.StringVal("kvm64"), Impact: ImpactRestart, Group: GroupHas, Needs: asks(privCPU), Doc: "Emulated CPU type: host, x86-64-v2-AES, ..."},
		{Name: "cpu_flags", Key: "cpu", Sub: "flags", Type: stringSet, Wire: WireSemicolon, Default: StringSet(), Impact: ImpactRestart, Group: GroupHas, Needs: asks(privCPU), Check: checkFlags(), Spellings: []string{"+aes -pcid", "-pcid +aes"}, Doc: "Extra CPU flags, each with its sign: \"+aes\", \"-pcid\"."},
		{Name: "cpu_limit", Key: "cpulimit", Type: cty.Number, Fraction: true, Max: 128, Default: cty.Zero, Group: GroupHas, Needs: asks(privCPU), Doc: "Ceiling of CPU time, in cores; 0 is none."},
		{Name: "cpu_units", Key: "cpuunits", Type: cty.Number, Min: 1, Max: 262144, Default: cty.NumberIntVal(100), Group: GroupHas, Needs: asks(privCPU), Doc: "CPU weight against other guests."},
		{Name: "affinity", Key: "affinity", Type: cty.String, RootOnly: true, Impact: ImpactRootOnly, Check: checkCores, Equal: coresEqual, Spellings: []string{"0,1,8,9", "0-1,8-9", "9,8,0-1"}, Doc: "Host cores on which the VM may run: 0,5,8-11."},
		{Name: "numa", Key: "numa", Type: cty.Bool, Default: cty.False, Impact: ImpactRestart, Group: GroupHas, Needs: asks(privCPU), Doc: "Enable NUMA; memory and CPU hotplug need it."},
		{Name: "bios", Key: "bios", Type: cty.String, Enum: []string{"seabios", "ovmf"}, Default: cty.StringVal("seabios"), Impact: ImpactRestart, Needs: asks(privOptions), Doc: "Firmware."},
		{Name: "machine", Key: "machine", Sub: "type", Lead: true, Type: cty.String, Default: cty.StringVal("pc"), Equal: machineEqual, Impact: ImpactRestart, Needs: asks(privHardware), Check: checkMachine(), Spellings: []string{"q35", "pc-q35-9.2+pve1"}, Doc: "Machine type: pc (i440fx) or q35. A version that Proxmox pinned by itself is no drift."},
		{Name: "viommu", Key: "machine", Sub: "viommu", Type: cty.String, Enum: []string{"intel", "virtio"}, Impact: ImpactRestart, Needs: asks(privHardware), Doc: "Virtual IOMMU."},
		{Name: "scsi_hardware", Key: "scsihw", Type: cty.String, Enum: []string{"lsi", "lsi53c810", "virtio-scsi-pci", "virtio-scsi-single", "megasas", "pvscsi"}, Default: cty.StringVal("lsi"), Impact: ImpactRestart, Needs: asks(privHardware), Doc: "SCSI controller."},
		{Name: "keyboard", Key: "keyboard", Type: cty.String, Impact: ImpactRestart, Needs: asks(privOptions), Enum: keyboards(), Doc: "Keyboard layout of the VNC console."},
		{Name: "tablet", Key: "tablet", Type: cty.Bool, Default: cty.True, Impact: ImpactRestart, Needs: asks(privHardware), Doc: "USB tablet as pointer."},
		{Name: "os_type", Key: "ostype", Type: cty.String, Enum: []string{"other", "wxp", "w2k", "w2k3", "w2k8", "wvista", "win7", "win8", "win10", "win11", "l24", "l26", "solaris"}, Meant: map[string]string{"linux": "l26", "debian": "l26", "ubuntu": "l26", "windows": "win11"}, Default: cty.StringVal("other"), Impact: ImpactRestart, Needs: asks(privOptions), Doc: "Guest operating system, for the defaults that it implies."},
		{Name: "boot_order", Key: "boot", Sub: "order", Type: stringList, Wire: WireSemicolon, Slots: true, Impact: ImpactRestart, Needs: asks(privDisk), Check: checkSlots(bootSlots()...), Doc: "Devices to boot from, in order."},
		{Name: "hotplug", Key: "hotplug", Type: stringSet, Wire: WireComma, Default: StringSet("network", "disk", "usb"), Needs: asks(privHardware), Check: words(oneOf("network", "disk", "usb", "memory", "cpu", "cloudinit")), Spellings: []string{"network disk", "disk network"}, Doc: "What may be plugged while the VM runs: network, disk, usb, memory, cpu, cloudinit; [] for nothing."},
		{Name: "acpi", Key: "acpi", Type: cty.Bool, Default: cty.True, Impact: ImpactRestart, Needs: asks(privHardware), Doc: "ACPI support."},
		{Name: "kvm", Key: "kvm", Type: cty.Bool, Default: cty.True, Impact: ImpactRestart, Needs: asks(privHardware), Doc: "Hardware virtualisation."},
		{Name: "freeze", Key: "freeze", Type: cty.Bool, Default: cty.False, Impact: ImpactRestart, Needs: asks(privPower), Doc: "Do not start the CPU at boot."},
		{Name: "local_time", Key: "localtime", Type: cty.Bool, Impact: ImpactRestart, Needs: asks(privOptions), Doc: "Clock in local time; by default only for Windows."},
		{Name: "start_date", Key: "startdate", Type: cty.String, Default: cty.StringVal("now"), Impact: ImpactRestart, Needs: asks(privOptions), Check: form(`now|\d{4}-\d{1,2}-\d{1,2}(?:T\d{1,2}:\d{1,2}:\d{1,2})?`, `a date, such as "2026-06-17T16:01:21", nor "now"`), Doc: "First value of the clock."},
		{Name: "agent", Key: "agent", Sub: "enabled", Lead: true, Always: true, Type: cty.Bool, Default: cty.False, Impact: ImpactRestart, Needs: asks(privOptions), Doc: "Talk to the QEMU guest agent."},
		{Name: "agent_fstrim", Key: "agent", Sub: "fstrim_cloned_disks", Type: cty.Bool, Default: cty.False, Impact: ImpactRestart, Needs: asks(privOptions), Doc: "Trim disks after they were moved or cloned."},
		{Name: "agent_freeze_on_backup", Key: "agent", Sub: "freeze-fs-on-backup", Alias: []string{"guest-fsfreeze", "freeze-fs"}, Type: cty.Bool, Default: cty.True, Impact: ImpactRestart, Needs: asks(privOptions), Doc: "Freeze file systems for a backup."},
		{Name: "vm_state_storage", Key: "vmstatestorage", Type: cty.String, Needs: asksAlso(asks(privDisk), Need{Any: []string{"Datastore.AllocateSpace"}, Path: "/storage/{vm_state_storage}"}), Names: NamesStorage, Content: "images", Check: checkStorage(), Doc: "Storage for the memory of suspended VMs and snapshots."},
		{Name: "args", Key: "args", Type: cty.String, RootOnly: true, Impact: ImpactRootOnly, Doc: "Raw arguments for QEMU."},
	}
}

// bootSlots are the devices that a VM can boot from (PVE/QemuServer.pm, verify_bootdev).
func bootSlots() []SlotRange {
	return append(diskSlots(), SlotRange{Prefix: "net", To: 31}, SlotRange{Prefix: "usb", To: 13}, SlotRange{Prefix: "hostpci", To: 15})
}

func keyboards() []string {
	return strings.Fields("de de-ch da en-gb en-us es fi fr fr-be fr-ca fr-ch hu is it ja lt mk nl no pl pt pt-br sv sl tr")
}

// checkDriveSlot: the drive of cloud-init takes a disk's slot.
func checkDriveSlot(v cty.Value) error {
	if b := (&Block{Slots: diskSlots()}); !b.HasSlot(Text(v)) {
		return fmt.Errorf("%q is no slot for a drive, such as \"ide2\"", Text(v))
	}
	return nil
}

// checkCustom checks what replaces parts of cloud-init.
func checkCustom(v cty.Value) error {
	return form(`(?:(?:meta|network|user|vendor)=[^,=\s]+:[^,\s]+)(?:,(?:meta|network|user|vendor)=[^,=\s]+:[^,\s]+)*`, `a list of snippets, such as "user=local:snippets/u.yml"`)(v)
}

func vmNetwork() *Block {
	attrs := []*Attr{
		{Name: "model", Key: "model", Type: cty.String, Enum: []string{"virtio", "e1000", "e1000e", "e1000-82540em", "e1000-82544gc", "e1000-82545em", "i82551", "i82557b", "i82559er", "ne2k_isa", "ne2k_pci", "pcnet", "rtl8139", "vmxnet3"}, Impact: ImpactRestart, Plug: replug(), Needs: asks(privNetwork), Doc: "Emulated card; virtio for a new device."},
		{Name: "mac", Key: "macaddr", Type: cty.String, Column: ColumnMAC, Check: checkMAC(), Spellings: []string{"BC:24:11:00:00:01", "bc:24:11:00:00:01"}, Equal: foldEqual, Impact: ImpactRestart, Plug: replug(), Needs: asks(privNetwork), Doc: "MAC address. Left out, the one that the device has is kept."},
		{Name: "bridge", Key: "bridge", Type: cty.String, Impact: ImpactRestart, Plug: inPlace(), Needs: asks(privNetwork), Names: NamesBridge, Check: checkBridge(), Doc: "Bridge or SDN network."},
		{Name: "vlan", Key: "tag", Type: cty.Number, Column: ColumnVLAN, Min: 1, Max: 4094, Impact: ImpactRestart, Plug: inPlace(), Needs: asks(privNetwork), Names: NamesVLAN, Doc: "VLAN tag."},
		{Name: "trunks", Key: "trunks", Type: stringList, Wire: WireSemicolon, Impact: ImpactRestart, Plug: inPlace(), Needs: asks(privNetwork), Names: NamesVLAN, Check: checkTrunks(true), Equal: vlansEqual, Spellings: []string{"10 20-22", "20 21-22 10", "20 21 22 10"}, Doc: "VLANs that pass tagged."},
		{Name: "firewall", Key: "firewall", Type: cty.Bool, Default: cty.False, Impact: ImpactRestart, Plug: inPlace(), Needs: asks(privNetwork), Doc: "Proxmox firewall on this device."},
		{Name: "rate", Key: "rate", Type: cty.Number, Unit: MBps, Fraction: true, Impact: ImpactRestart, Plug: inPlace(), Needs: asks(privNetwork), Doc: "Limit of traffic."},
		{Name: "mtu", Key: "mtu", Type: cty.Number, Min: 1, Max: 65520, Impact: ImpactRestart, Plug: replug(), Needs: asks(privNetwork), Doc: "MTU; 1 takes the bridge's."},
		{Name: "queues", Key: "queues", Type: cty.Number, Max: 64, Impact: ImpactRestart, Plug: replug(), Needs: asks(privNetwork), Doc: "Packet queues."},
		{Name: "link_down", Key: "link_down", Type: cty.Bool, Default: cty.False, Impact: ImpactRestart, Plug: inPlace(), Needs: asks(privNetwork), Doc: "Cable pulled."},
	}
	attrs = append(attrs, ipAttrs("ipconfig", ImpactLive, asks(privCloudInit, privNetwork))...)
	gone := absentAttr(privNetwork, ImpactRestart, "the device")
	gone.Plug = replug()
	return &Block{
		Name: "network", Slots: []SlotRange{{Prefix: "net", To: 31}}, Attrs: append(attrs, gone), DefaultKey: "model", Card: true,
		Plug: inPlace(), Needs: []Need{{Any: []string{"SDN.Use"}, Path: onNetwork, Old: true}},
		Doc: "A network card. Addresses are ipconfigN and take effect only with cloud-init.",
	}
}

// inPlace is what changes the bridge's side of a running VM's card; replug makes it
// another card.
func inPlace() *Plug { return &Plug{Word: "network", Impact: ImpactLive} }

func replug() *Plug { return &Plug{Word: "network", Impact: ImpactReload} }

func grows(live, desired cty.Value, _ Attrs) bool {
	want, ok1 := Int(desired)
	have, ok2 := Int(live)
	return ok1 && ok2 && want > have
}

func growsWithNUMA(live, desired cty.Value, guest Attrs) bool {
	return True(guest["numa"]) && grows(live, desired, guest)
}

// neitherZero: a balloon that is 0 is switched off, and one that is not declared is as
// large as the memory.
func neitherZero(live, desired cty.Value, _ Attrs) bool {
	off := func(v cty.Value) bool { n, ok := Int(v); return ok && n == 0 }
	return !off(live) && !off(desired)
}

func hasOne(live, _ cty.Value, _ Attrs) bool { return !IsNull(live) }

func diskSlots() []SlotRange {
	return []SlotRange{{Prefix: "scsi", To: 30}, {Prefix: "virtio", To: 15}, {Prefix: "sata", To: 5, Fixed: true}, {Prefix: "ide", To: 3, Fixed: true}}
}

func vmDisk() *Block {
	gone := absentAttr(privDisk, ImpactRestart, "the disk from the VM; its volume stays as unusedN")
	gone.Plug = &Plug{Word: "disk", Impact: ImpactReload}
	return &Block{Name: "disk", Slots: diskSlots(), DefaultKey: "file", Shares: "cdrom", Plug: &Plug{Word: "disk", Impact: ImpactLive}, FreeRemove: true, Doc: "A hard disk. recon grows disks, never shrinks or replaces them.", Attrs: []*Attr{
		{Name: "storage", Key: "storage", Wire: WireStorage, Type: cty.String, Column: ColumnStorage, Impact: ImpactReload, Needs: asksAlso(asks(privDisk), space()), Names: NamesStorage, Content: "images", Check: checkStorage(), Doc: "Storage that holds the volume. Changing it moves the disk; the old volume stays as unusedN."},
		{Name: "size", Key: "size", Type: cty.Number, Unit: Bytes, Wire: WireSize, Grain: KiB, Column: ColumnSize, Needs: asksAlso(asks(privDisk), space()), Doc: "Size. Only growing is possible."},
		{Name: "volume", Key: "file", Wire: WireVolume, Alias: []string{"volume"}, RootOnlyUnless: isVolume, Type: cty.String, Computed: true, Doc: "The volume that is there."},
		{Name: "format", Key: "format", Wire: WireFormat, Type: cty.String, Enum: []string{"raw", "qcow2", "vmdk"}, Default: cty.StringVal("raw"), Impact: ImpactReload, Needs: asksAlso(asks(privDisk), space()), Doc: "Image format, as the volume's name tells it. Changing it copies the disk; storages without files know raw only."},
		{Name: "cache", Key: "cache", Type: cty.String, Enum: []string{"none", "writethrough", "writeback", "unsafe", "directsync"}, Default: cty.StringVal("none"), Impact: ImpactRestart, Needs: asks(privDisk), Doc: "Cache mode."},
		{Name: "discard", Key: "discard", Type: cty.Bool, Wire: WireOnOff, Default: cty.False, Impact: ImpactRestart, Needs: asks(privDisk), Doc: "Pass trim to the storage."},
		{Name: "ssd", Key: "ssd", Type: cty.Bool, Default: cty.False, Impact: ImpactRestart, Needs: asks(privDisk), Doc: "Present the disk as an SSD."},
		{Name: "iothread", Key: "iothread", Type: cty.Bool, Default: cty.False, Impact: ImpactRestart, Needs: asks(privDisk), Doc: "A thread of its own for I/O."},
		{Name: "aio", Key: "aio", Type: cty.String, Enum: []string{"native", "threads", "io_uring"}, Impact: ImpactRestart, Needs: asks(privDisk), Doc: "Asynchronous I/O mode."},
		{Name: "read_only", Key: "ro", Type: cty.Bool, Default: cty.False, Impact: ImpactRestart, Needs: asks(privDisk), Doc: "Read-only."},
		{Name: "backup", Key: "backup", Type: cty.Bool, Default: cty.True, Needs: asks(privDisk), Doc: "Part of backups."},
		{Name: "replicate", Key: "replicate", Type: cty.Bool, Default: cty.True, Needs: asks(privDisk), Doc: "Part of replication jobs."},
		{Name: "serial", Key: "serial", Type: cty.String, Impact: ImpactRestart, Needs: asks(privDisk), Wire: WireURL, Check: checkSerial, Doc: "Serial number that the guest sees."},
		{Name: "read_limit", Key: "mbps_rd", Type: cty.Number, Unit: MBps, Fraction: true, Needs: asks(privDisk), Doc: "Limit of reading."},
		{Name: "write_limit", Key: "mbps_wr", Type: cty.Number, Unit: MBps, Fraction: true, Needs: asks(privDisk), Doc: "Limit of writing."},
		{Name: "read_burst", Key: "mbps_rd_max", Type: cty.Number, Unit: MBps, Fraction: true, Needs: asks(privDisk), Doc: "Limit of reading in a burst."},
		{Name: "write_burst", Key: "mbps_wr_max", Type: cty.Number, Unit: MBps, Fraction: true, Needs: asks(privDisk), Doc: "Limit of writing in a burst."},
		{Name: "read_ops", Key: "iops_rd", Type: cty.Number, Needs: asks(privDisk), Doc: "Limit of read operations a second."},
		{Name: "write_ops", Key: "iops_wr", Type: cty.Number, Needs: asks(privDisk), Doc: "Limit of write operations a second."},
		{Name: "read_ops_burst", Key: "iops_rd_max", Type: cty.Number, Needs: asks(privDisk), Doc: "Limit of read operations in a burst."},
		{Name: "write_ops_burst", Key: "iops_wr_max", Type: cty.Number, Needs: asks(privDisk), Doc: "Limit of write operations in a burst."},
		gone,
	}}
}

func vmCDROM() *Block {
	return &Block{Name: "cdrom", Slots: diskSlots(), DefaultKey: "file", Shares: "disk", Doc: "A CD drive.", Attrs: []*Attr{
		{
			Name: "file", Key: "file", Wire: WireMedium, RootOnlyUnless: isVolume, Alias: []string{"volume"}, Type: cty.String, Plug: &Plug{Impact: ImpactLive, When: hasOne}, Impact: ImpactRestart,
			Needs: asksAlso(asks(privCDROM),
				Need{Any: []string{"Datastore.AllocateSpace", "Datastore.Audit"}, Path: "/storage/{storage:file}"},
				Need{Any: []string{"Sys.Console"}, Path: "/", Of: "file", When: isWord("cdrom")}),
			Names: NamesVolume, Content: "iso", Check: checkMedium(), Doc: "ISO volume (local:iso/debian.iso), \"none\" for an empty drive, \"cdrom\" for the node's own.",
		},
		absentAttr(privCDROM, ImpactRestart, "the drive"),
	}}
}

func vmEFIDisk() *Block {
	return &Block{Name: "efi_disk", Key: "efidisk0", DefaultKey: "file", Doc: "Where OVMF keeps its variables. Only made with the VM, never replaced.", Attrs: []*Attr{
		{Name: "storage", Key: "storage", Wire: WireStorage, Type: cty.String, Impact: ImpactReload, Needs: asksAlso(asks(privDisk), space()), Names: NamesStorage, Content: "images", Check: checkStorage(), Doc: "Storage that holds the volume."},
		{Name: "volume", Key: "file", Wire: WireVolume, Alias: []string{"volume"}, Type: cty.String, Computed: true, Doc: "The volume that is there."},
		{Name: "type", Key: "efitype", Type: cty.String, Enum: []string{"2m", "4m"}, Default: cty.StringVal("2m"), Frozen: true, Needs: asks(privDisk), Doc: "Size and type of the variable store."},
		{Name: "pre_enrolled_keys", Key: "pre-enrolled-keys", Type: cty.Bool, Default: cty.False, Frozen: true, Needs: asks(privDisk), Doc: "Distribution and Microsoft keys for secure boot."},
		absentAttr(privDisk, ImpactRestart, "the EFI disk; its volume stays as unusedN"),
	}}
}

func vmTPM() *Block {
	return &Block{Name: "tpm", Key: "tpmstate0", DefaultKey: "file", Doc: "A TPM. Only made with the VM, never replaced.", Attrs: []*Attr{
		{Name: "storage", Key: "storage", Wire: WireStorage, Type: cty.String, Impact: ImpactReload, Needs: asksAlso(asks(privDisk), space()), Names: NamesStorage, Content: "images", Check: checkStorage(), Doc: "Storage that holds the state."},
		{Name: "volume", Key: "file", Wire: WireVolume, Alias: []string{"volume"}, Type: cty.String, Computed: true, Doc: "The volume that is there."},
		{Name: "version", Key: "version", Type: cty.String, Enum: []string{"v1.2", "v2.0"}, Default: cty.StringVal("v1.2"), Frozen: true, Needs: asks(privDisk), Doc: "TPM version."},
		absentAttr(privDisk, ImpactRestart, "the TPM; its volume stays as unusedN"),
	}}
}

func vmCloudInit() *Block {
	return &Block{Name: "cloud_init", Flat: true, Doc: "Cloud-init. A change reaches the guest's drive at once, the guest itself at its next boot.", Attrs: []*Attr{
		{Name: "drive", Wire: WireDerived, Type: cty.String, Frozen: true, Needs: asksAlso(asks(privCloudInit), asks(privCDROM)...), Check: checkDriveSlot, Doc: "Slot of the cloud-init drive: ide2. Made when the VM has none."},
		{Name: "storage", Wire: WireDerived, Type: cty.String, Frozen: true, Needs: asksAlso(asks(privCloudInit), asks(privCDROM)...), Names: NamesStorage, Content: "images", Check: checkStorage(), Doc: "Storage of the cloud-init drive."},
		{Name: "user", Key: "ciuser", Type: cty.String, Needs: asks(privCloudInit, privNetwork), Doc: "User to configure."},
		{Name: "password", Key: "cipassword", Type: cty.String, Secret: true, WriteOnly: true, Needs: asks(privCloudInit, privNetwork), Doc: "Password of the user. Proxmox never tells it back; recon remembers a salted hash."},
		{Name: "ssh_keys", Key: "sshkeys", Type: stringList, Wire: WireSSHKeys, Equal: keysEqual, Needs: asks(privCloudInit, privNetwork), Spellings: []string{"a b", "b a"}, Doc: "Public keys of the user."},
		{Name: "nameservers", Key: "nameserver", Column: ColumnDNS, Check: checkIPList, Type: stringList, Wire: WireSpace, Needs: asks(privCloudInit, privNetwork), Equal: addressesEqual, Spellings: []string{"10.0.0.1 fd00::1", "10.0.0.1 fd00:0::01"}, Doc: "DNS servers, in order; the node's own when left out."},
		{Name: "search_domain", Key: "searchdomain", Type: cty.String, Needs: asks(privCloudInit, privNetwork), Equal: fieldsEqual, Spellings: []string{"lab.example a.example", "lab.example,a.example"}, Doc: "DNS search domain."},
		{Name: "upgrade", Key: "ciupgrade", Type: cty.Bool, Default: cty.True, Needs: asks(privCloudInit, privNetwork), Doc: "Upgrade packages at first boot."},
		{Name: "type", Key: "citype", Type: cty.String, Enum: []string{"configdrive2", "nocloud", "opennebula"}, Needs: asks(privCloudInit, privNetwork), Doc: "Format of the drive."},
		{Name: "custom", Key: "cicustom", Type: cty.String, Equal: wordsEqual(",", setEqual(strings.Clone)), Check: checkCustom, Spellings: []string{"user=local:snippets/u.yml,meta=local:snippets/m.yml", "meta=local:snippets/m.yml,user=local:snippets/u.yml"}, Needs: asks(privCloudInit, privNetwork), Doc: "Snippets that replace generated parts: user=local:snippets/u.yml,network=..."},
	}}
}

func vmVGA() *Block {
	return &Block{Name: "vga", Key: "vga", DefaultKey: "type", Doc: "The display.", Attrs: []*Attr{
		{Name: "type", Key: "type", Type: cty.String, Enum: []string{"cirrus", "none", "qxl", "qxl2", "qxl3", "qxl4", "serial0", "serial1", "serial2", "serial3", "std", "virtio", "virtio-gl", "vmware"}, Default: cty.StringVal("std"), Impact: ImpactRestart, Needs: asks(privHardware), Doc: "Card."},
		{Name: "memory", Key: "memory", Type: cty.Number, Unit: Bytes, Wire: WireMiB, Min: 4 * MiB, Max: 512 * MiB, Impact: ImpactRestart, Needs: asks(privHardware), Doc: "Video memory."},
		{Name: "clipboard", Key: "clipboard", Type: cty.String, Enum: []string{"vnc"}, Impact: ImpactRestart, Needs: asks(privHardware), Doc: "Clipboard sharing."},
	}}
}

// mapping is what a device needs that is a mapping, before and after.
func mapping(path string) []Need {
	return []Need{{Any: []string{"Mapping.Use"}, Path: path, Old: true}}
}

// Values that tokens may set (PVE/API2/Qemu.pm, check_usb_perm and its like).
func isWord(word string) func(string) bool {
	return func(s string) bool { return strings.EqualFold(s, word) }
}

func noToken(string) bool { return false }

func isVolume(s string) bool { return !strings.HasPrefix(s, "/") }

func vmUSB() *Block {
	plug := func() *Plug { return &Plug{Word: "usb", Impact: ImpactLive} }
	gone := absentAttr(privHardware, ImpactRestart, "the device")
	gone.Plug = plug()
	return &Block{Name: "usb", Slots: []SlotRange{{Prefix: "usb", To: 13}}, DefaultKey: "host", Plug: plug(), Needs: mapping("/mapping/usb/{mapping}"), Doc: "A USB device of the node, or a SPICE channel.", Attrs: []*Attr{
		{Name: "device", Key: "host", Not: "mapping", Type: cty.String, Equal: usbEqual, Check: checkUSB(), Spellings: []string{"0658:abcd", "0x0658:0xABCD"}, RootOnlyUnless: isWord("spice"), Impact: ImpactRestart, Plug: plug(), Needs: asks(privHardware), Doc: "vendor:product, bus-port, or \"spice\". A raw device needs root@pam."},
		{Name: "mapping", Key: "mapping", Not: "device", Type: cty.String, Impact: ImpactRestart, Plug: plug(), Needs: asks(privHardware), Names: NamesMapping, Content: "usb", Check: checkMapping(), Doc: "Name of a resource mapping."},
		{Name: "usb3", Key: "usb3", Type: cty.Bool, Default: cty.False, Impact: ImpactRestart, Plug: plug(), Needs: asks(privHardware), Doc: "USB 3."},
		gone,
	}}
}

func vmPCI() *Block {
	return &Block{Name: "pci", Slots: []SlotRange{{Prefix: "hostpci", To: 15}}, DefaultKey: "host", Needs: mapping("/mapping/pci/{mapping}"), Doc: "A PCI device of the node, passed through.", Attrs: []*Attr{
		{Name: "device", Key: "host", Not: "mapping", Type: cty.String, Equal: wordsEqual(";", setEqual(pciMeaning)), Check: checkPCI(), Spellings: []string{"04:00.0;05:00", "0000:05:00;0000:04:00.0"}, RootOnlyUnless: noToken, Impact: ImpactRestart, Needs: asks(privHardware), Doc: "PCI address: 0000:01:00.0. A raw device needs root@pam."},
		{Name: "mapping", Key: "mapping", Not: "device", Type: cty.String, Impact: ImpactRestart, Needs: asks(privHardware), Names: NamesMapping, Content: "pci", Check: checkMapping(), Doc: "Name of a resource mapping."},
		{Name: "pcie", Key: "pcie", Type: cty.Bool, Default: cty.False, Impact: ImpactRestart, Needs: asks(privHardware), Doc: "As PCI Express; needs q35."},
		{Name: "primary_gpu", Key: "x-vga", Type: cty.Bool, Default: cty.False, Impact: ImpactRestart, Needs: asks(privHardware), Doc: "The VM's primary display."},
		{Name: "rombar", Key: "rombar", Type: cty.Bool, Default: cty.True, Impact: ImpactRestart, Needs: asks(privHardware), Doc: "Show the device's ROM."},
		{Name: "romfile", Key: "romfile", Type: cty.String, RootOnlyUnless: noToken, Impact: ImpactRestart, Needs: asks(privHardware), Check: form(`[^,;]+`, "the name of a file"), Doc: "ROM file on the node; needs root@pam."},
		{Name: "mediated_device", Key: "mdev", Type: cty.String, Impact: ImpactRestart, Needs: asks(privHardware), Check: form(`[^/.:]+`, "a type of mediated device"), Doc: "Type of mediated device."},
		absentAttr(privHardware, ImpactRestart, "the device"),
	}}
}

func vmSerial() *Block {
	return &Block{Name: "serial", Slots: []SlotRange{{Prefix: "serial", To: 3}}, DefaultKey: "device", Doc: "A serial port.", Attrs: []*Attr{
		{Name: "device", Key: "device", Type: cty.String, RootOnlyUnless: isWord("socket"), Impact: ImpactRestart, Needs: asks(privHardware), Check: form(`/dev/[^,]+|socket`, `"socket" or a device of the node`), Doc: "\"socket\", or a device of the node (root@pam only)."},
		absentAttr(privHardware, ImpactRestart, "the port"),
	}}
}

func vmAudio() *Block {
	return &Block{Name: "audio", Key: "audio0", Doc: "A sound card.", Attrs: []*Attr{
		{Name: "device", Key: "device", Always: true, Type: cty.String, Enum: []string{"ich9-intel-hda", "intel-hda", "AC97"}, Impact: ImpactRestart, Needs: asks(privHardware), Doc: "Card."},
		{Name: "driver", Key: "driver", Type: cty.String, Enum: []string{"spice", "none"}, Default: cty.StringVal("spice"), Impact: ImpactRestart, Needs: asks(privHardware), Doc: "Where the sound goes."},
		absentAttr(privHardware, ImpactRestart, "the card"),
	}}
}

func vmRNG() *Block {
	return &Block{Name: "rng", Key: "rng0", DefaultKey: "source", Needs: []Need{{Any: []string{"Mapping.Use"}, Path: "/mapping/hwrng", Old: true, Of: "source", When: isWord("/dev/hwrng")}}, Doc: "A source of randomness.", Attrs: []*Attr{
		{Name: "source", Key: "source", Always: true, Type: cty.String, Enum: []string{"/dev/urandom", "/dev/random", "/dev/hwrng"}, Impact: ImpactRestart, Needs: asks(privHardware), Doc: "Device of the node; /dev/hwrng needs Mapping.Use on /mapping/hwrng."},
		{Name: "max_bytes", Key: "max_bytes", Type: cty.Number, Default: cty.NumberIntVal(1024), Impact: ImpactRestart, Needs: asks(privHardware), Doc: "Bytes a period; 0 is no limit."},
		{Name: "period", Key: "period", Type: cty.Number, Default: cty.NumberIntVal(1000), Impact: ImpactRestart, Needs: asks(privHardware), Doc: "Length of a period in milliseconds."},
		absentAttr(privHardware, ImpactRestart, "the source"),
	}}
}

func vmVirtioFS() *Block {
	return &Block{Name: "virtiofs", Slots: []SlotRange{{Prefix: "virtiofs", To: 9}}, DefaultKey: "dirid", Needs: mapping("/mapping/dir/{directory}"), Doc: "A folder of the node, shared through virtiofs.", Attrs: []*Attr{
		{Name: "directory", Key: "dirid", Always: true, Type: cty.String, Impact: ImpactRestart, Needs: asks(privDisk), Names: NamesMapping, Content: "dir", Check: checkMapping(), Doc: "Name of a directory mapping."},
		{Name: "cache", Key: "cache", Type: cty.String, Enum: []string{"auto", "always", "metadata", "never"}, Default: cty.StringVal("auto"), Impact: ImpactRestart, Needs: asks(privDisk), Doc: "Cache policy."},
		{Name: "direct_io", Key: "direct-io", Type: cty.Bool, Default: cty.False, Impact: ImpactRestart, Needs: asks(privDisk), Doc: "Honour O_DIRECT."},
		{Name: "expose_acl", Key: "expose-acl", Type: cty.Bool, Default: cty.False, Impact: ImpactRestart, Needs: asks(privDisk), Doc: "Show POSIX ACLs."},
		{Name: "expose_xattr", Key: "expose-xattr", Type: cty.Bool, Default: cty.False, Impact: ImpactRestart, Needs: asks(privDisk), Doc: "Show extended attributes."},
		absentAttr(privDisk, ImpactRestart, "the share"),
	}}
}

func vmWatchdog() *Block {
	return &Block{Name: "watchdog", Key: "watchdog", DefaultKey: "model", Doc: "A hardware watchdog.", Attrs: []*Attr{
		{Name: "model", Key: "model", Type: cty.String, Enum: []string{"i6300esb", "ib700"}, Default: cty.StringVal("i6300esb"), Impact: ImpactRestart, Needs: asks(privHardware), Doc: "Device."},
		{Name: "action", Key: "action", Type: cty.String, Enum: []string{"reset", "shutdown", "poweroff", "pause", "debug", "none"}, Impact: ImpactRestart, Needs: asks(privHardware), Doc: "What happens when the guest does not answer."},
		absentAttr(privHardware, ImpactRestart, "the watchdog"),
	}}
}

func vmSpice() *Block {
	return &Block{Name: "spice", Key: "spice_enhancements", Doc: "Extras of the SPICE console.", Attrs: []*Attr{
		{Name: "folder_sharing", Key: "foldersharing", Type: cty.Bool, Default: cty.False, RootOnly: true, Impact: ImpactRootOnly, Doc: "Share a folder."},
		{Name: "video_streaming", Key: "videostreaming", Type: cty.String, Enum: []string{"off", "all", "filter"}, Default: cty.StringVal("off"), RootOnly: true, Impact: ImpactRootOnly, Doc: "Compress video."},
	}}
}

func vmSEV() *Block {
	gone := absentAttr(privHardware, ImpactRootOnly, "the encryption")
	gone.RootOnly = true
	return &Block{Name: "amd_sev", Key: "amd-sev", DefaultKey: "type", Doc: "Memory encryption of AMD processors.", Attrs: []*Attr{
		{Name: "type", Key: "type", Type: cty.String, Enum: []string{"std", "es", "snp"}, RootOnly: true, Impact: ImpactRootOnly, Doc: "Flavour."},
		{Name: "no_debug", Key: "no-debug", Type: cty.Bool, Default: cty.False, RootOnly: true, Impact: ImpactRootOnly, Doc: "Forbid debugging."},
		{Name: "no_key_sharing", Key: "no-key-sharing", Type: cty.Bool, Default: cty.False, RootOnly: true, Impact: ImpactRootOnly, Doc: "Forbid key sharing."},
		{Name: "kernel_hashes", Key: "kernel-hashes", Type: cty.Bool, Default: cty.False, RootOnly: true, Impact: ImpactRootOnly, Doc: "Measure the kernel."},
		gone,
	}}
}
