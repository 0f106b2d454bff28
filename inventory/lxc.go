package inventory

import (
	"slices"

	"github.com/zclconf/go-cty/cty"
)

// lxcKind is the table of containers. Keys, defaults and bounds are those of
// pve-container's config schema (PVE/LXC/Config.pm); the order is that of the tabs
// Resources, Network, DNS and Options of the web interface.
func lxcKind() *Kind {
	return &Kind{
		Name:   "lxc",
		Doc:    "A Linux container.",
		Config: asks(privDisk, privCPU, privMemory, privNetwork, privOptions)[0],
		Attrs:  append(commonAttrs("hostname", privNetwork), lxcAttrs()...),
		Blocks: []*Block{lxcNetwork(), lxcRootFS(), lxcMount(), lxcDevice(), startupBlock()},
	}
}

func lxcAttrs() []*Attr {
	return []*Attr{
		{Name: "memory", Key: "memory", Type: cty.Number, Unit: Bytes, Wire: WireMiB, Import: ImportAlways, Always: true, Column: ColumnMemory, Min: 16 * MiB, Default: Size(512 * MiB), Group: GroupHas, Needs: asks(privMemory), Doc: "Memory of the container."},
		{Name: "swap", Key: "swap", Type: cty.Number, Unit: Bytes, Wire: WireMiB, Default: Size(512 * MiB), Group: GroupHas, Needs: asks(privMemory), Doc: "Swap of the container."},
		{Name: "cores", Key: "cores", Type: cty.Number, Import: ImportAlways, Column: ColumnCores, Min: 1, Max: 8192, Group: GroupHas, Needs: asks(privCPU), Doc: "Cores that the container sees; all of the node's when left out."},
		{Name: "cpu_limit", Key: "cpulimit", Type: cty.Number, Fraction: true, Max: 8192, Default: cty.Zero, Group: GroupHas, Needs: asks(privCPU), Doc: "Ceiling of CPU time, in cores; 0 is none."},
		{Name: "cpu_units", Key: "cpuunits", Type: cty.Number, Max: 500000, Default: cty.NumberIntVal(100), Group: GroupHas, Needs: asks(privCPU), Doc: "CPU weight against other guests."},
		{Name: "nameservers", Key: "nameserver", Column: ColumnDNS, Check: checkIPList, Type: stringList, Wire: WireSpace, Needs: asks(privNetwork), Equal: addressesEqual, Spellings: []string{"10.0.0.1 fd00::1", "10.0.0.1 fd00:0::01"}, Doc: "DNS servers, in order; the node's own when left out."},
		{Name: "search_domain", Key: "searchdomain", Type: cty.String, Needs: asks(privNetwork), Equal: fieldsEqual, Spellings: []string{"lab.example a.example", "lab.example,a.example"}, Doc: "DNS search domain."},
		{Name: "unprivileged", Key: "unprivileged", Type: cty.Bool, Frozen: true, Default: cty.False, Needs: asks(privOptions), Doc: "Run as an unprivileged user. Fixed when the container is made."},
		{Name: "os_type", Key: "ostype", Always: true, Type: cty.String, Enum: []string{"debian", "devuan", "ubuntu", "centos", "fedora", "opensuse", "archlinux", "alpine", "gentoo", "nixos", "unmanaged"}, Impact: ImpactRestart, Needs: asks(privOptions), Doc: "Distribution, for the setup scripts at start."},
		{Name: "arch", Key: "arch", Type: cty.String, Enum: []string{"amd64", "i386", "arm64", "armhf", "riscv32", "riscv64"}, Default: cty.StringVal("amd64"), Impact: ImpactRestart, Needs: asks(privOptions), Doc: "Architecture."},
		{Name: "features", Key: "features", Type: stringSet, Wire: WireFeatures, Default: StringSet(), Impact: ImpactRestart, RootOnlyChange: beyondNesting, Needs: asks("VM.Allocate"), Check: checkFeatures(), Equal: setEqual(featureMeaning), Spellings: []string{"nesting mount=nfs;cifs", "mount=cifs;nfs nesting"}, Doc: "nesting, keyctl, fuse, mknod, force_rw_sys, mount=nfs;cifs. All but nesting of an unprivileged container need root@pam."},
		{Name: "console", Key: "console", Type: cty.Bool, Default: cty.True, Impact: ImpactRestart, Needs: asks(privOptions), Doc: "Attach a console device."},
		{Name: "console_mode", Key: "cmode", Type: cty.String, Enum: []string{"tty", "console", "shell"}, Default: cty.StringVal("tty"), Impact: ImpactRestart, Needs: asks(privOptions), Doc: "What the console shows."},
		{Name: "tty", Key: "tty", Type: cty.Number, Max: 6, Default: cty.NumberIntVal(2), Impact: ImpactRestart, Needs: asks(privOptions), Doc: "How many terminals."},
		{Name: "timezone", Key: "timezone", Type: cty.String, Impact: ImpactRestart, Needs: asks(privOptions), Check: checkTimezone, Doc: "Time zone, or \"host\"."},
		{Name: "debug", Key: "debug", Type: cty.Bool, Default: cty.False, Impact: ImpactRestart, Needs: asks(privOptions), Doc: "Verbose log of the start."},
		{Name: "entrypoint", Key: "entrypoint", Type: cty.String, Since: "9.1", Impact: ImpactRestart, Needs: asks(privOptions), Doc: "First process, for containers made from OCI images."},
	}
}

// beyondNesting reports a change of features that no token may make: every one of a
// privileged container, and all but nesting of another (PVE/LXC.pm,
// check_ct_modify_config_perm).
func beyondNesting(live, desired cty.Value, guest Attrs) bool {
	if !True(guest["unprivileged"]) {
		return true
	}
	return slices.ContainsFunc(Difference(live, desired), func(s string) bool { return s != "nesting" })
}

func lxcNetwork() *Block {
	attrs := []*Attr{
		{Name: "name", Key: "name", Always: true, Type: cty.String, Impact: ImpactReload, Needs: asks(privNetwork), Check: form(`[-_.\w]+`, `the name of a device, such as "eth0"`), Doc: "Name inside the container: eth0."},
		{Name: "bridge", Key: "bridge", Type: cty.String, Impact: ImpactReload, Needs: asks(privNetwork), Names: NamesBridge, Check: checkBridge(), Doc: "Bridge or SDN network."},
		{Name: "mac", Key: "hwaddr", Type: cty.String, Column: ColumnMAC, Check: checkMAC(), Spellings: []string{"BC:24:11:00:00:01", "bc:24:11:00:00:01"}, Equal: foldEqual, Impact: ImpactReload, Needs: asks(privNetwork), Doc: "MAC address. Left out, the one that the device has is kept."},
		{Name: "vlan", Key: "tag", Type: cty.Number, Column: ColumnVLAN, Min: 1, Max: 4094, Impact: ImpactReload, Needs: asks(privNetwork), Names: NamesVLAN, Doc: "VLAN tag."},
		{Name: "trunks", Key: "trunks", Type: stringList, Wire: WireSemicolon, Impact: ImpactReload, Needs: asks(privNetwork), Names: NamesVLAN, Check: checkTrunks(false), Equal: vlansEqual, Spellings: []string{"10 20", "20 10"}, Doc: "VLANs that pass tagged."},
		{Name: "firewall", Key: "firewall", Type: cty.Bool, Default: cty.False, Impact: ImpactReload, Needs: asks(privNetwork), Doc: "Proxmox firewall on this device."},
		{Name: "rate", Key: "rate", Type: cty.Number, Unit: MBps, Fraction: true, Impact: ImpactReload, Needs: asks(privNetwork), Doc: "Limit of traffic."},
		{Name: "mtu", Key: "mtu", Type: cty.Number, Min: 64, Max: 65535, Impact: ImpactReload, Needs: asks(privNetwork), Doc: "MTU."},
		{Name: "link_down", Key: "link_down", Type: cty.Bool, Default: cty.False, Impact: ImpactReload, Needs: asks(privNetwork), Doc: "Cable pulled."},
		{Name: "host_managed", Key: "host-managed", Type: cty.Bool, Since: "9.1", Default: cty.False, Impact: ImpactReload, Needs: asks(privNetwork), Doc: "The node configures the device, not the container."},
	}
	attrs = append(attrs, ipAttrs("", ImpactReload, asks(privNetwork))...)
	attrs = append(attrs, absentAttr(privNetwork, ImpactReload, "the device"))
	return &Block{
		Name: "network", Slots: []SlotRange{{Prefix: "net", To: 31}}, Attrs: attrs, Doc: "A network device.",
		Needs: []Need{{Any: []string{"SDN.Use"}, Path: onNetwork, Old: true}},
	}
}

// volumeAttrs are what the root file system and mount points share.
func volumeAttrs() []*Attr {
	return []*Attr{
		{Name: "storage", Key: "storage", Wire: WireStorage, Type: cty.String, Column: ColumnStorage, Impact: ImpactOutage, Needs: asksAlso(asks(privDisk), space()), Names: NamesStorage, Content: "rootdir", Check: checkStorage(), Doc: "Storage that holds the volume. Changing it moves the volume, which needs the container stopped; the old volume stays as unusedN."},
		{Name: "size", Key: "size", Type: cty.Number, Unit: Bytes, Wire: WireSize, Grain: MiB, Column: ColumnSize, Needs: asksAlso(asks(privDisk), space()), Doc: "Size. Only growing is possible."},
		{Name: "volume", Key: "volume", Wire: WireVolume, RootOnlyUnless: isVolume, Type: cty.String, Computed: true, Doc: "The volume that is there."},
		{Name: "acl", Key: "acl", Type: cty.Bool, Impact: ImpactRestart, Needs: asks(privDisk), Doc: "POSIX ACLs; the storage's default when left out."},
		{Name: "quota", Key: "quota", Type: cty.Bool, Default: cty.False, Impact: ImpactRestart, Needs: asks(privDisk), Doc: "User quotas."},
		{Name: "replicate", Key: "replicate", Type: cty.Bool, Default: cty.True, Impact: ImpactRestart, Needs: asks(privDisk), Doc: "Part of replication jobs."},
		{Name: "read_only", Key: "ro", Type: cty.Bool, Default: cty.False, Impact: ImpactRestart, Needs: asks(privDisk), Doc: "Read-only."},
		{Name: "shared", Key: "shared", Type: cty.Bool, Default: cty.False, Impact: ImpactRestart, Needs: asks(privDisk), Doc: "Present on every node."},
		{Name: "mount_options", Key: "mountoptions", Type: stringSet, Wire: WireSemicolon, Impact: ImpactRestart, Needs: asks(privDisk), Check: words(oneOf("discard", "lazytime", "noatime", "nodev", "noexec", "nosuid")), Spellings: []string{"noatime discard", "discard noatime"}, Doc: "discard, lazytime, noatime, nodev, noexec, nosuid."},
	}
}

func lxcRootFS() *Block {
	return &Block{Name: "rootfs", Key: "rootfs", DefaultKey: "volume", Doc: "The root file system.", Attrs: volumeAttrs()}
}

func lxcMount() *Block {
	attrs := append([]*Attr{
		{Name: "path", Key: "mp", Always: true, Type: cty.String, Column: ColumnPath, Impact: ImpactRestart, Needs: asks(privDisk), Check: checkMount, Doc: "Where it is mounted in the container."},
		{Name: "source", Key: "source", Wire: WireFolder, RootOnlyUnless: isVolume, Type: cty.String, Frozen: true, Needs: asks(privDisk), Check: form(`/[^,]*`, "an absolute path"), Doc: "Folder or device of the node, for a bind mount; needs root@pam."},
		{Name: "backup", Key: "backup", Type: cty.Bool, Default: cty.False, Impact: ImpactRestart, Needs: asks(privDisk), Doc: "Part of backups."},
	}, volumeAttrs()...)
	attrs = append(attrs, absentAttr(privDisk, ImpactRestart, "the mount from the container; its volume stays as unusedN"))
	return &Block{
		Name: "mount", Slots: []SlotRange{{Prefix: "mp", To: 255}}, DefaultKey: "volume", Attrs: attrs, Doc: "A mount point.",
		Plug: &Plug{Impact: ImpactLive}, FreeRemove: true,
	}
}

func lxcDevice() *Block {
	return &Block{Name: "device", Slots: []SlotRange{{Prefix: "dev", To: 255}}, DefaultKey: "path", Doc: "A device of the node, passed through; needs root@pam.", Attrs: []*Attr{
		{Name: "path", Key: "path", Type: cty.String, RootOnly: true, Impact: ImpactRootOnly, Check: form(`/dev/[^,]+`, `a device of the node, such as "/dev/dri/renderD128"`), Doc: "Device file: /dev/dri/renderD128."},
		{Name: "mode", Key: "mode", Type: cty.String, RootOnly: true, Impact: ImpactRootOnly, Check: form(`0[0-7]{3}`, `a mode of four octal digits, such as "0660"`), Doc: "Access mode in the container: 0660."},
		{Name: "uid", Key: "uid", Type: cty.Number, RootOnly: true, Impact: ImpactRootOnly, Default: cty.Zero, Doc: "Owner in the container."},
		{Name: "gid", Key: "gid", Type: cty.Number, RootOnly: true, Impact: ImpactRootOnly, Default: cty.Zero, Doc: "Group in the container."},
		{Name: "deny_write", Key: "deny-write", Type: cty.Bool, RootOnly: true, Impact: ImpactRootOnly, Default: cty.False, Doc: "Read-only."},
	}}
}
