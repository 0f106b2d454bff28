package pvesim

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
)

// newFormats builds the named formats: texts as in PVE::JSONSchema,
// PVE::QemuServer and PVE::LXC::Config.
func newFormats(release string) *formats {
	f := &formats{checks: checkTable(), props: map[string]*params{}}
	for name, table := range propTables() {
		f.props[name] = parseParams(table).of(release)
	}
	return f
}

// matching is a check by regular expression.
func matching(re, msg string) func(string) error {
	r := regexp.MustCompile("^(?:" + re + ")$")
	return func(s string) error {
		if r.MatchString(s) {
			return nil
		}
		return errors.New(strings.ReplaceAll(msg, "%", s))
	}
}

// each applies a check to every element of a list.
func each(check func(string) error) func(string) error {
	return func(s string) error {
		for _, el := range splitList(s) {
			if err := check(el); err != nil {
				return err
			}
		}
		return nil
	}
}

func anything(string) error { return nil }

func checkIP(s string) error {
	if _, err := netip.ParseAddr(s); err != nil {
		return errors.New("value does not look like a valid IP address")
	}
	return nil
}

func checkCIDR(four bool, words ...string) func(string) error {
	return func(s string) error {
		for _, w := range words {
			if s == w {
				return nil
			}
		}
		p, err := netip.ParsePrefix(s)
		if err != nil || p.Addr().Is4() != four {
			kind := "ipv6"
			if four {
				kind = "ipv4"
			}
			return fmt.Errorf("value does not look like a valid %s network configuration", kind)
		}
		return nil
	}
}

func checkAddr(four bool) func(string) error {
	return func(s string) error {
		a, err := netip.ParseAddr(s)
		if err != nil || a.Is4() != four {
			kind := "IPv6"
			if four {
				kind = "IPv4"
			}
			return fmt.Errorf("value does not look like a valid %s address", kind)
		}
		return nil
	}
}

func checkTable() map[string]func(string) error {
	const label = `[a-zA-Z0-9](?:[a-zA-Z0-9\-]*[a-zA-Z0-9])?`
	dns := matching(`(?:`+label+`\.)*`+label, "value does not look like a valid DNS name")
	tag := matching(`(?i)[a-z0-9_][a-z0-9_\-+.]*`, "invalid characters in tag")
	id := matching(`[a-zA-Z][a-zA-Z0-9_-]+`, "invalid configuration ID '%'")
	return map[string]func(string) error{
		"dns":      dns,
		"dnslist":  each(dns),
		"taglist":  each(tag),
		"id":       id,
		"idlist":   each(matching(`[a-zA-Z][a-zA-Z0-9_-]*`, "invalid configuration ID '%'")),
		"mac":      matching(`(?i)[a-f0-9][02468ace](?::[a-f0-9]{2}){5}`, "value does not look like a valid unicast MAC address"),
		"bridge":   matching(`[-_.\w]+`, "invalid bridge ID '%'"),
		"storage":  matching(`[a-zA-Z][a-zA-Z0-9\-_.]*[a-zA-Z0-9]`, "storage ID '%' contains illegal characters"),
		"node":     matching(label, "value does not look like a valid node name"),
		"nodelist": each(matching(label, "value does not look like a valid node name")),
		"pool":     matching(`[A-Za-z0-9.\-_]+(?:/[A-Za-z0-9.\-_]+)*`, "value '%' does not look like a valid pool name"),
		"user":     matching(`[^\s:/]+@[A-Za-z][A-Za-z0-9.\-_]+`, "value '%' does not look like a valid user name"),
		"group":    matching(`[A-Za-z0-9.\-_]+`, "value '%' does not look like a valid group name"),
		"role":     matching(`[A-Za-z0-9.\-_]+`, "value '%' does not look like a valid role name"),
		"token":    matching(`[A-Za-z][A-Za-z0-9.\-_]+`, "value '%' does not look like a valid token name"),
		"email":    matching(`|[\w+\-~.]+@[a-zA-Z0-9.\-]+`, "value does not look like a valid email address"),
		"vmidlist": each(matching(`[1-9][0-9]{2,8}`, "value '%' does not look like a valid VM ID")),
		"size":     matching(`\d+(?:\.\d+)?[KMGT]?`, "value does not look like a valid disk size: %"),
		"volume":   matching(`[a-zA-Z][a-zA-Z0-9\-_.]*[a-zA-Z0-9]:.+`, "unable to parse volume ID '%'"),
		"drive":    matching(`none|cdrom|/.+|[a-zA-Z][a-zA-Z0-9\-_.]*[a-zA-Z0-9]:.+`, "invalid format"),
		"mpvol":    matching(`/.*|[a-zA-Z][a-zA-Z0-9\-_.]*[a-zA-Z0-9]:.+`, "unable to parse mount point '%'"),
		"mppath":   matching(`[^,]+`, "'%' is not a valid path"),
		"startup":  matching(`(?:(?:order=)?\d+|up=\d+|down=\d+)(?:,(?:(?:order=)?\d+|up=\d+|down=\d+))*`, "unable to parse startup options"),
		"hotplug":  matching(`0|1|(?:(?:network|disk|cpu|memory|usb|cloudinit)[,; ]?)+`, "unable to parse hotplug option"),
		"url":      matching(`[^ \x00-\x1f\x7f-\x{10FFFF}]*`, "value is not URL encoded"),
		"ip":       checkIP,
		"iplist":   each(checkIP),
		"dnsips":   each(func(s string) error { a, _, _ := strings.Cut(s, "%"); return checkIP(a) }),
		"ipv4":     checkAddr(true),
		"ipv6":     checkAddr(false),
		"cidr4":    checkCIDR(true, "dhcp", "manual"),
		"cidr6":    checkCIDR(false, "auto", "dhcp", "manual"),
		"cpuset":   matching(`\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*`, "unable to parse cpuset '%'"),
		"pciids":   matching(pciAddress+`(?:;`+pciAddress+`)*`, "value does not match the regex pattern"),
		"any":      anything,
	}
}

const pciAddress = `(?:[a-f0-9]{4,}:)?[a-f0-9]{2}:[a-f0-9]{2}(?:\.[a-f0-9])?`

const modelList = "e1000|e1000-82540em|e1000-82544gc|e1000-82545em|e1000e|i82551|i82557b|i82559er|ne2k_isa|ne2k_pci|pcnet|rtl8139|virtio|vmxnet3"

// driveTable has the keys that every kind of drive takes; ours are the ones
// of one bus.
func driveTable(ours string) string {
	t := `*file!@drive volume=file aio(native|threads|io_uring) backup:b bps:i bps_rd:i bps_wr:i
 bps_max_length:i>=1 bps_rd_max_length:i>=1 bps_wr_max_length:i>=1 bps_rd_length=bps_rd_max_length bps_wr_length=bps_wr_max_length
 cache(none|writethrough|writeback|unsafe|directsync) detect_zeroes:b discard(ignore|on) format(raw|qcow|qed|qcow2|vmdk|cloop)
 import-from iops:i iops_rd:i iops_wr:i iops_max:i iops_rd_max:i iops_wr_max:i iops_max_length:i>=1 iops_rd_max_length:i>=1
 iops_wr_max_length:i>=1 iops_rd_length=iops_rd_max_length iops_wr_length=iops_wr_max_length mbps:n mbps_max:n mbps_rd:n mbps_rd_max:n
 mbps_wr:n mbps_wr_max:n media(cdrom|disk) replicate:b rerror(ignore|report|stop) serial~60@url shared:b size@size snapshot:b
 werror(enospc|ignore|report|stop)`
	return t + " " + ours
}

func propTables() map[string]string {
	net := "*model!(" + modelList + ") macaddr@mac"
	for _, m := range strings.Split(modelList, "|") {
		net += " " + m + "=macaddr^model"
	}
	mount := ` acl:b idmap{9.2} mountoptions quota:b replicate:b ro:b shared:b size@size`
	return map[string]string{
		"net":       net + " bridge@bridge firewall:b host-tunnel:b{9.2} link_down:b mtu:i>=1<=65520 queues:i>=0<=64 rate:n>=0 tag:i>=1<=4094 trunks/\\d+(?:-\\d+)?(?:;\\d+(?:-\\d+)?)*/",
		"ide":       driveTable("model~120@url ssd:b wwn"),
		"sata":      driveTable("ssd:b wwn"),
		"scsi":      driveTable("iothread:b product queues:i>=2 ro:b scsiblock:b ssd:b vendor wwn"),
		"virtio":    driveTable("iothread:b ro:b"),
		"efidisk":   "*file!@drive volume=file efitype(2m|4m) format(raw|qcow|qed|qcow2|vmdk|cloop) import-from ms-cert(2011|2023|2023w|2023k) pre-enrolled-keys:b size@size",
		"tpm":       "*file!@drive volume=file format(raw|qcow2|vmdk){9.1} import-from size@size version(v1.2|v2.0)",
		"unused":    "*file!@volume volume=file",
		"agent":     "*enabled!:b freeze-fs:b{9.1} freeze-fs-on-backup=freeze-fs{9.1} freeze-fs-on-backup:b{<9.1} guest-fsfreeze=freeze-fs{9.1} fstrim_cloned_disks:b type(virtio|isa)",
		"audio":     "device!(ich9-intel-hda|intel-hda|AC97) driver(spice|none)",
		"memory":    "*current!:i>=16",
		"machine":   `*type~40/(?:pc(?:-i440fx)?(?:-\d+(?:\.\d+)+(?:\+pve\d+)?(?:\.pxe)?)?|(?:pc-)?q35(?:-\d+(?:\.\d+)+(?:\+pve\d+)?(?:\.pxe)?)?|virt(?:-\d+(?:\.\d+)+)?(?:\+pve\d+)?)/ aw-bits:n>=32<=64{9.1} enable-s3:b enable-s4:b viommu(intel|virtio)`,
		"vga":       "*type(cirrus|qxl|qxl2|qxl3|qxl4|none|serial0|serial1|serial2|serial3|std|virtio|virtio-gl|vmware) clipboard(vnc) memory:i>=4<=512",
		"cpu":       "*cputype flags guest-phys-bits:i>=32<=64 hidden:b hv-vendor-id phys-bits reported-model",
		"numanode":  "cpus! hostnodes memory:n policy(preferred|bind|interleave)",
		"ivshmem":   "size!:i>=1 name",
		"usb":       `*host/(?:(?:0x)?[0-9A-Fa-f]{4}:(?:0x)?[0-9A-Fa-f]{4})|\d+\-\d+(?:\.\d+)*|[Ss][Pp][Ii][Cc][Ee]/ mapping@id usb3:b`,
		"hostpci":   "*host@pciids device-id driver legacy-igd:b mapping@id mdev pcie:b rombar:b romfile sub-device-id sub-vendor-id vendor-id x-vga:b",
		"virtiofs":  "*dirid!@id cache(auto|always|metadata|never) direct-io:b expose-acl:b expose-xattr:b",
		"smbios":    "base64:b family manufacturer product serial sku uuid version",
		"spice":     "foldersharing:b videostreaming(off|all|filter)",
		"rng":       "*source!(/dev/urandom|/dev/random|/dev/hwrng) max_bytes:i period:i",
		"watchdog":  "*model(i6300esb|ib700) action(reset|shutdown|poweroff|pause|debug|none)",
		"boot":      "*legacy order",
		"ipconfig":  "ip@cidr4 gw@ipv4 ip6@cidr6 gw6@ipv6",
		"cicustom":  "meta network user vendor",
		"sev":       "*type allow-smt:b kernel-hashes:b no-debug:b no-key-sharing:b",
		"lxcnet":    "name!/[-_.\\w]+/ bridge/[-_.\\w]+/ firewall:b gw@ipv4 gw6@ipv6 host-managed:b{9.1} hwaddr@mac ip@cidr4 ip6@cidr6 link_down:b mtu:i>=64<=65535 rate:n tag:i>=1<=4094 trunks/\\d+(?:;\\d+)*/ type(veth)",
		"rootfs":    "*volume!@mpvol" + mount,
		"mp":        "*volume!@mpvol mp!@mppath backup:b keepattrs:b{9.1}" + mount,
		"features":  "force_rw_sys:b fuse:b keyctl:b mknod:b mount nesting:b",
		"dev":       "*path deny-write:b gid:i>=0 mode/0[0-7]{3}/ uid:i>=0",
		"lxcunused": "*volume!@volume",
	}
}
