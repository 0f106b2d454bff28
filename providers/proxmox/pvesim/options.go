package pvesim

import "strings"

// optionSet is the config schema of one kind of guest.
type optionSet struct {
	kind   string
	params *params
	// perms tells the privilege that a change of an option needs. Options of a VM that are
	// not in it are judged by their value, or are for root@pam alone.
	perms map[string]string
}

// base strips the index: net0 is net. Plain names with a digit stay.
func (o *optionSet) base(key string) string {
	if p := o.params.find(key); p != nil {
		return p.name
	}
	return key
}

// perm is the privilege for a key, "" for root only.
func (o *optionSet) perm(key string) string { return o.perms[o.base(key)] }

func qemuOptions(release string) *optionSet {
	table := `acpi:b affinity@cpuset agent@agent allow-ksm:b{9.1} amd-sev@sev arch(x86_64|aarch64) args audio0@audio autostart:b balloon:i>=0
 bios(seabios|ovmf) boot@boot bootdisk/(?:ide|sata|scsi|virtio)\d+/ cdrom@ide cicustom@cicustom cipassword citype(configdrive2|nocloud|opennebula)
 ciupgrade:b ciuser cores:i>=1 cpu@cpu cpulimit:n>=0<=128 cpuunits:i>=1<=262144 description~8192 efidisk0@efidisk freeze:b
 hookscript@volume hostpci[15]@hostpci hotplug@hotplug hugepages(any|2|1024) ide[3]@ide intel-tdx{9.1} ipconfig[31]@ipconfig
 ivshmem@ivshmem keephugepages:b keyboard(de|de-ch|da|en-gb|en-us|es|fi|fr|fr-be|fr-ca|fr-ch|hu|is|it|ja|lt|mk|nl|no|pl|pt|pt-br|sv|sl|tr)
 kvm:b localtime:b lock(backup|clone|create|migrate|rollback|snapshot|snapshot-delete|suspending|suspended) machine@machine memory@memory
 migrate_downtime:n>=0 migrate_speed:i>=0 name@dns nameserver@iplist net[31]@net numa:b numa[7]@numanode onboot:b
 ostype(other|wxp|w2k|w2k3|w2k8|wvista|win7|win8|win10|win11|l24|l26|solaris) parallel[2]/(?:/dev/parport\d+|/dev/usb/lp\d+)/ protection:b
 reboot:b rng0@rng sata[5]@sata scsi[30]@scsi scsihw(lsi|lsi53c810|virtio-scsi-pci|virtio-scsi-single|megasas|pvscsi) searchdomain
 serial[3]/(?:/dev/[^,]+|socket)/ shares:i>=0<=50000 smbios1~512@smbios smp:i>=1 sockets:i>=1 spice_enhancements@spice sshkeys@url
 startdate startup@startup tablet:b tags@taglist tdf:b template:b tpmstate0@tpm unused[255]@unused usb[13]@usb vcpus:i>=1 vga@vga
 virtio[15]@virtio virtiofs[9]@virtiofs vmgenid vmstatestorage@storage watchdog@watchdog`
	o := &optionSet{kind: "qemu", params: parseParams(table).of(release), perms: map[string]string{}}
	o.grant("VM.Config.Disk", "boot bootdisk vmstatestorage")
	o.grant("VM.Config.CPU", "cores cpu cpulimit cpuunits numa smp sockets vcpus")
	o.grant("VM.Config.Memory", "memory balloon shares allow-ksm")
	o.grant("VM.Config.Network", "net")
	o.grant("VM.Config.HWType", "acpi hotplug kvm machine scsihw smbios1 tablet vga watchdog audio0 rng0")
	o.grant("VM.Config.Options", "agent autostart bios description keyboard localtime migrate_downtime migrate_speed name onboot ostype protection reboot startdate startup tdf template")
	o.grant("VM.Config.Cloudinit", "cicustom cipassword citype ciuser ciupgrade nameserver searchdomain sshkeys ipconfig")
	o.grant("VM.PowerMgmt", "freeze")
	return o
}

func lxcOptions(release string) *optionSet {
	table := `arch(amd64|i386|arm64|armhf|riscv32|riscv64) cmode(shell|console|tty) console:b cores:i>=1<=8192 cpulimit:n>=0<=8192
 cpuunits:i>=0<=500000 debug:b description~8192 dev[255]@dev entrypoint{9.1} env{9.1} features@features hookscript@volume hostname~255@dns
 lock(backup|create|destroyed|disk|fstrim|migrate|mounted|rollback|snapshot|snapshot-delete) memory:i>=16 mp[255]@mp nameserver@dnsips
 net[31]@lxcnet onboot:b ostype(debian|devuan|ubuntu|centos|fedora|opensuse|archlinux|alpine|gentoo|nixos|unmanaged) protection:b
 rootfs@rootfs searchdomain@dnslist startup@startup swap:i>=0 tags@taglist template:b timezone tty:i>=0<=6 unprivileged:b
 unused[255]@lxcunused`
	o := &optionSet{kind: "lxc", params: parseParams(table).of(release), perms: map[string]string{}}
	o.grant("VM.Config.Disk", "rootfs mp unused")
	o.grant("VM.Config.CPU", "cores cpulimit cpuunits")
	o.grant("VM.Config.Memory", "memory swap")
	o.grant("VM.Config.Network", "net nameserver searchdomain hostname")
	o.grant("VM.Config.Options", "arch cmode console debug description dev entrypoint env features lock onboot ostype protection startup tags template timezone tty unprivileged hookscript")
	return o
}

func (o *optionSet) grant(priv, names string) {
	for _, n := range strings.Fields(names) {
		o.perms[n] = priv
	}
}

// value gives a raw config value its JSON type: integers and booleans are
// numbers, everything else is text (memory of a VM and cpulimit too).
func (o *optionSet) value(key, raw string) any {
	if p := o.params.find(key); p != nil && (p.typ == 'i' || p.typ == 'b') {
		return number(raw)
	}
	return raw
}

// isDrive tells whether a key of a VM names a drive.
func (o *optionSet) isDrive(key string) bool {
	switch o.base(key) {
	case "ide", "sata", "scsi", "virtio", "efidisk0", "tpmstate0":
		return true
	}
	return false
}

// isMount tells whether a key of a container names a volume that is mounted.
func (o *optionSet) isMount(key string) bool {
	b := o.base(key)
	return b == "mp" || b == "rootfs"
}
