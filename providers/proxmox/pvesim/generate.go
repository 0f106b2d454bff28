package pvesim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// Generate makes a world of n guests on the nodes pve1 to pve3: the same for
// the same seed, spread evenly, running and stopped, with nothing pending, no
// locks and no faults. Its configs use the odd forms that hand-written and
// old configs have.
func Generate(n int, seed int64) *World {
	w := &World{Cluster: "generated"}
	for i := range 3 {
		w.Nodes = append(w.Nodes, &Node{Name: "pve" + itoa(i+1), Address: "10.10.0." + itoa(11+i), Online: true, CPUs: 64, Memory: 512 << 30})
	}
	w.Storages = []*Storage{
		{ID: "local", Type: "dir", Content: []string{"images", "rootdir", "vztmpl", "iso", "backup", "snippets"}, Size: 100 << 40, Props: map[string]string{"path": "/var/lib/vz"}},
		{ID: "local-lvm", Type: "lvmthin", Content: []string{"images", "rootdir"}, Size: 100 << 40, Props: map[string]string{"vgname": "pve", "thinpool": "data"}},
		{ID: "ceph", Type: "rbd", Content: []string{"images", "rootdir"}, Shared: true, Size: 500 << 40, Props: map[string]string{"pool": "rbd"}},
	}
	for _, node := range w.Nodes {
		w.Volumes = append(w.Volumes,
			&Volume{ID: "local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst", Content: "vztmpl", Format: "tzst", Size: 126515062, Node: node.Name, CTime: 1735689600},
			&Volume{ID: "local:iso/debian-12.9.0-amd64-netinst.iso", Content: "iso", Format: "iso", Size: 663748608, Node: node.Name, CTime: 1735689600},
			&Volume{ID: "local:snippets/hook.pl", Content: "snippets", Format: "snippet", Size: 512, Node: node.Name, CTime: 1735689600})
	}
	w.Mappings = []*Mapping{{Type: "pci", ID: "gpu", Map: []string{"node=pve1,path=0000:01:00.0,id=10de:2204"}}, {Type: "usb", ID: "stick", Map: []string{"node=pve1,id=10c4:ea60"}}, {Type: "dir", ID: "share", Map: []string{"node=pve1,path=/srv/share"}}}
	w.Pools = []*Pool{{ID: "prod"}, {ID: "test", Comment: "kann weg"}}
	for i := range n {
		g := &gen{Rand: rand.New(rand.NewPCG(uint64(seed), uint64(i))), vmid: 100 + i}
		w.Guests = append(w.Guests, g.guest(i))
	}
	return w
}

// gen makes one guest; every guest has its own random numbers, so that a
// larger world begins with the guests of a smaller one.
type gen struct {
	*rand.Rand
	vmid, disks int
	conf        map[string]string
}

func (g *gen) chance(percent int) bool { return g.IntN(100) < percent }

func (g *gen) pick(list ...string) string { return list[g.IntN(len(list))] }

// maybe sets a key in so many percent of the guests.
func (g *gen) maybe(percent int, key string, values ...string) {
	if g.chance(percent) {
		g.conf[key] = g.pick(values...)
	}
}

func (g *gen) guest(i int) *Guest {
	g.conf = map[string]string{}
	kind := "qemu"
	if g.chance(40) {
		kind = "lxc"
	}
	guest := &Guest{VMID: g.vmid, Kind: kind, Node: "pve" + itoa(i%3+1), Running: g.chance(65)}
	if g.chance(30) {
		guest.Pool = g.pick("prod", "test")
	}
	g.common()
	if kind == "qemu" {
		g.machine()
	} else {
		g.container()
	}
	guest.Config = g.conf
	if guest.Running && kind == "lxc" {
		guest.Addresses = []string{fmt.Sprintf("10.20.%d.%d/16", g.vmid/250%250, g.vmid%250+1)}
	}
	return guest
}

// common has what both kinds share.
func (g *gen) common() {
	g.maybe(60, "onboot", "1", "0")
	g.maybe(10, "protection", "1", "0")
	g.maybe(50, "tags", "web", "prod", "db;prod", "a;b-2;c_3;d.4", "docker;media;nas")
	g.maybe(40, "description", "web server", "Büro – Drucker", "line one\nline two: with colon", "# heading\n\n* 日本語\n* emoji 🚀", "100% = all; a,b \"quoted\"", "https://wiki.example.net/x?y=1&z=2")
	g.maybe(25, "startup", "order=1", "2", "up=5,order=3", "order=4,up=30,down=60", "down=120")
	g.maybe(30, "cpuunits", "50", "100", "2048")
	g.maybe(25, "cpulimit", "0", "1", "0.5", "2.75")
	g.maybe(5, "hookscript", "local:snippets/hook.pl")
}

func (g *gen) mac() string {
	m := fmt.Sprintf("BC:24:11:%02X:%02X:%02X", g.IntN(256), g.IntN(256), g.IntN(256))
	if g.chance(10) {
		return strings.ToLower(m)
	}
	return m
}

// volume names a new disk.
func (g *gen) volume() string {
	i := g.disks
	g.disks++
	switch g.IntN(3) {
	case 0:
		return fmt.Sprintf("local:%d/vm-%d-disk-%d.%s", g.vmid, g.vmid, i, g.pick("raw", "qcow2"))
	case 1:
		return fmt.Sprintf("local-lvm:vm-%d-disk-%d", g.vmid, i)
	}
	return fmt.Sprintf("ceph:vm-%d-disk-%d", g.vmid, i)
}

func (g *gen) size() string { return g.pick("1G", "8G", "32G", "100G", "1536M", "2T", "4194304K") }

// shuffled joins parts in any order, as old configs have them.
func (g *gen) shuffled(first string, parts ...string) string {
	var keep []string
	for _, p := range parts {
		if p != "" && g.chance(50) {
			keep = append(keep, p)
		}
	}
	g.Shuffle(len(keep), func(i, j int) { keep[i], keep[j] = keep[j], keep[i] })
	if first != "" {
		keep = append([]string{first}, keep...)
	}
	return strings.Join(keep, ",")
}

func (g *gen) machine() {
	g.conf["name"] = g.pick("web", "db", "app", "cache", "WIN", "node-a", "srv.example.net") + "-" + itoa(g.vmid)
	if strings.Contains(g.conf["name"], ".") {
		g.conf["name"] = "srv" + itoa(g.vmid) + ".example.net"
	}
	g.conf["memory"] = g.pick("512", "1024", "2048", "8192", "current=4096", "65536")
	g.maybe(85, "cores", "1", "2", "4", "16")
	g.maybe(40, "sockets", "1", "2")
	g.conf["ostype"] = g.pick("l26", "l26", "l26", "other", "win10", "win11", "l24")
	g.conf["smbios1"] = fmt.Sprintf("uuid=%08x-1111-4222-8333-%012x", g.Uint32(), g.vmid)
	g.conf["vmgenid"] = fmt.Sprintf("%08x-aaaa-4bbb-8ccc-%012x", g.Uint32(), g.vmid)
	g.conf["meta"] = "creation-qemu=" + g.pick("7.2.0", "8.1.5", "9.2.0", "10.0.13") + ",ctime=" + itoa(1700000000+g.IntN(90000000))
	g.hardware()
	g.tuning()
	g.drives()
	g.networks()
	if g.chance(50) {
		g.cloudInit()
	}
	g.bootDevices()
}

func (g *gen) hardware() {
	g.maybe(70, "scsihw", "virtio-scsi-single", "virtio-scsi-pci", "lsi", "pvscsi")
	g.maybe(60, "cpu", "host", "kvm64", "x86-64-v2-AES", "cputype=host", "host,flags=+aes;-pcid", "cputype=kvm64,flags=+spec-ctrl,hidden=1", "x86-64-v3,reported-model=kvm64")
	g.maybe(40, "machine", "q35", "pc", "pc-q35-9.2+pve1", "pc-i440fx-8.1", "type=q35,viommu=virtio")
	g.maybe(30, "vga", "std", "qxl", "virtio,memory=64", "serial0", "none", "type=qxl2", "memory=32,type=std")
	g.maybe(20, "serial0", "socket")
	g.maybe(10, "audio0", "device=ich9-intel-hda,driver=none", "driver=spice,device=AC97")
	g.maybe(15, "rng0", "source=/dev/urandom", "/dev/urandom,max_bytes=1024,period=1000")
	g.maybe(10, "watchdog", "i6300esb", "model=i6300esb,action=reset", "ib700,action=poweroff")
	g.maybe(10, "hostpci0", "mapping=gpu", "mapping=gpu,pcie=1,x-vga=1", "pcie=1,mapping=gpu,rombar=0")
	g.maybe(10, "usb0", "spice", "host=spice,usb3=1", "mapping=stick", "usb3=1,mapping=stick")
	g.maybe(5, "virtiofs0", "share", "dirid=share,cache=always", "share,direct-io=1")
	g.maybe(5, "ivshmem", "size=32,name=shm", "size=64")
	g.maybe(5, "spice_enhancements", "foldersharing=1,videostreaming=all", "videostreaming=filter")
	g.maybe(10, "tablet", "0", "1")
	g.maybe(10, "acpi", "1", "0")
	g.maybe(10, "kvm", "0", "1")
	g.maybe(10, "localtime", "1", "0")
	g.maybe(10, "keyboard", "de", "en-us", "fr-ch")
}

func (g *gen) tuning() {
	g.maybe(60, "agent", "1", "0", "enabled=1", "1,fstrim_cloned_disks=1", "enabled=1,type=virtio", "fstrim_cloned_disks=1,enabled=1", "1,freeze-fs-on-backup=0")
	g.maybe(40, "balloon", "0", "256", "512")
	g.maybe(10, "shares", "500", "2000")
	if g.chance(30) {
		g.conf["numa"] = g.pick("0", "1")
		if g.conf["numa"] == "1" && g.chance(50) {
			g.conf["numa0"] = g.pick("cpus=0-1,hostnodes=0,memory=1024,policy=bind", "cpus=0;2,memory=512")
		}
	}
	g.maybe(10, "vcpus", "1", "2")
	g.maybe(10, "affinity", "0-3", "0,2,4-6")
	g.maybe(15, "hotplug", "1", "0", "network,disk,usb", "disk,network,usb,cpu", "cloudinit,disk")
	g.maybe(5, "hugepages", "any", "2")
	g.maybe(5, "tdf", "1")
	g.maybe(5, "reboot", "0", "1")
	g.maybe(5, "migrate_downtime", "0.1", "2")
	g.maybe(5, "startdate", "now", "2006-06-17T16:01:21")
}

func (g *gen) drives() {
	bus := g.pick("scsi", "scsi", "scsi", "virtio", "sata", "ide")
	count := 1 + g.IntN(3)
	if g.chance(5) {
		count = 0
	}
	for i := range count {
		opts := []string{
			"cache=" + g.pick("none", "writeback", "writethrough"), "backup=" + g.pick("0", "1"), "discard=" + g.pick("on", "ignore"), "replicate=0", "aio=native",
			"mbps_rd=" + g.pick("100", "12.5"), "iops_wr=1000", "serial=SN" + itoa(g.vmid),
		}
		if bus == "scsi" || bus == "virtio" {
			opts = append(opts, "iothread=1", "ro=0")
		}
		if bus != "virtio" {
			opts = append(opts, "ssd=1")
		}
		key := bus + itoa(i)
		if i > 0 && bus == "scsi" && g.chance(30) {
			key = bus + itoa(i+g.IntN(20)+3)
		}
		vol := g.volume()
		if g.chance(10) {
			vol = "file=" + vol
		}
		g.conf[key] = g.shuffled(vol, opts...) + ",size=" + g.size()
	}
	if bus != "ide" {
		g.maybe(25, "ide2", "none,media=cdrom", "local:iso/debian-12.9.0-amd64-netinst.iso,media=cdrom,size=648192K", "media=cdrom,file=none")
	}
	if g.chance(25) {
		g.conf["bios"] = "ovmf"
		g.conf["efidisk0"] = g.volume() + g.pick(",efitype=4m,pre-enrolled-keys=1,size=528K", ",size=128K", ",efitype=4m,size=4M")
		g.maybe(50, "tpmstate0", g.volume()+",size=4M,version=v2.0")
	} else {
		g.maybe(10, "bios", "seabios")
	}
	g.maybe(8, "unused0", g.volume())
}

func (g *gen) networks() {
	for i := range g.IntN(4) {
		model := g.pick("virtio", "virtio", "e1000", "rtl8139", "vmxnet3")
		first := model + "=" + g.mac()
		if g.chance(15) {
			first = "model=" + model + ",macaddr=" + g.mac()
		}
		g.conf["net"+itoa(i)] = g.shuffled(first, "bridge="+g.pick("vmbr0", "vmbr1"), "tag="+itoa(1+g.IntN(4000)), "firewall="+g.pick("0", "1"), "link_down="+g.pick("0", "1"), "rate="+g.pick("1.50", "100"), "mtu=1", "queues=4", "trunks=10;20;30-40")
	}
}

func (g *gen) cloudInit() {
	if g.conf["ide2"] == "" && g.conf["ide0"] == "" {
		g.conf["ide2"] = fmt.Sprintf("local-lvm:vm-%d-cloudinit,media=cdrom,size=4M", g.vmid)
	}
	g.maybe(80, "ciuser", "admin", "ubuntu")
	g.maybe(20, "cipassword", "$5$abcdefgh$0123456789")
	g.maybe(60, "sshkeys", "ssh-ed25519%20AAAAC3NzaC1lZDI1NTE5AAAAIB4oQ1f1%20a%40b%0A", "ssh-rsa%20AAAAB3Nza%2Bb%2F%3D%3D%20x%0Assh-ed25519%20AAAA%20y")
	g.maybe(60, "nameserver", "1.1.1.1", "192.168.90.53 1.1.1.1", "2606:4700:4700::1111")
	g.maybe(40, "searchdomain", "example.net", "a.example b.example")
	g.maybe(20, "citype", "nocloud", "configdrive2")
	g.maybe(20, "ciupgrade", "0", "1")
	g.maybe(5, "cicustom", "user=local:snippets/hook.pl", "vendor=local:snippets/hook.pl,user=local:snippets/hook.pl")
	for i := range 1 + g.IntN(2) {
		g.conf["ipconfig"+itoa(i)] = g.pick("ip=dhcp", fmt.Sprintf("ip=10.0.%d.%d/16,gw=10.0.0.1", g.vmid/250%250, g.vmid%250+1), "gw=10.0.0.1,ip=10.0.9.9/16", "ip=dhcp,ip6=auto", "ip6=fd00::10/64,gw6=fd00::1")
	}
}

// bootDevices sets a boot order of devices that exist.
func (g *gen) bootDevices() {
	var devs []string
	for _, k := range sortedKeys(g.conf) {
		name := strings.TrimRight(k, "0123456789")
		if slices.Contains([]string{"scsi", "virtio", "sata", "ide", "net"}, name) && name != k {
			devs = append(devs, k)
		}
	}
	switch {
	case g.chance(10):
	case len(devs) == 0:
		g.conf["boot"] = " "
	case g.chance(10):
		g.conf["boot"] = g.pick("c", "cdn", "legacy=cd")
	default:
		g.Shuffle(len(devs), func(i, j int) { devs[i], devs[j] = devs[j], devs[i] })
		g.conf["boot"] = "order=" + strings.Join(devs[:1+g.IntN(len(devs))], ";")
	}
}

func (g *gen) container() {
	g.conf["hostname"] = g.pick("ct", "dns", "proxy", "mail.example") + "-" + itoa(g.vmid)
	g.conf["arch"] = "amd64"
	g.conf["ostype"] = g.pick("debian", "ubuntu", "alpine", "archlinux", "unmanaged")
	g.conf["memory"] = g.pick("16", "128", "512", "2048", "8192")
	g.conf["swap"] = g.pick("0", "512", "1024")
	g.conf["rootfs"] = g.volume() + g.pick("", ",acl=1", ",quota=1,replicate=0", ",mountoptions=noatime;discard") + ",size=" + g.size()
	g.maybe(70, "cores", "1", "2", "8")
	g.maybe(75, "unprivileged", "1")
	g.maybe(60, "features", "nesting=1", "nesting=1,keyctl=1", "fuse=1,nesting=1", "mount=nfs;cifs", "nesting=0", "keyctl=1,mknod=1,nesting=1")
	g.maybe(20, "tty", "0", "2", "6")
	g.maybe(15, "console", "0", "1")
	g.maybe(15, "cmode", "tty", "console", "shell")
	g.maybe(20, "timezone", "host", "Europe/Berlin")
	g.maybe(40, "nameserver", "1.1.1.1", "192.168.90.53 1.1.1.1")
	g.maybe(30, "searchdomain", "example.net")
	g.maybe(5, "debug", "0", "1")
	g.maybe(5, "dev0", "/dev/dri/renderD128,gid=104", "path=/dev/ttyUSB0,mode=0660", "/dev/net/tun")
	for i := range g.IntN(4) {
		key := "mp" + itoa(i*(1+g.IntN(2)))
		g.conf[key] = g.shuffled(g.volume(), "backup="+g.pick("0", "1"), "ro=1", "replicate=0", "acl=1", "mountoptions=nodev;noexec") + ",mp=/data" + itoa(i) + ",size=" + g.size()
	}
	for i := range g.IntN(3) {
		g.conf["net"+itoa(i)] = g.shuffled("name=eth"+itoa(i), "bridge=vmbr0", "hwaddr="+g.mac(), "ip="+g.pick("dhcp", "manual", fmt.Sprintf("10.20.%d.%d/16", g.vmid/250%250, g.vmid%250+1)), "ip6="+g.pick("auto", "dhcp", "fd00::5/64"), "tag="+itoa(1+g.IntN(4000)), "firewall=1", "mtu=1400", "rate=12.5", "link_down=1", "type=veth")
	}
	g.maybe(5, "unused0", g.volume())
}
