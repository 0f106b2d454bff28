package pvesim

import (
	"fmt"
	"maps"
	"strings"
)

// Single is one node pve1 without guests: the directory storage local with a
// container template, and the bridge vmbr0.
func Single() *World {
	return &World{
		Nodes:    []*Node{{Name: "pve1", Address: "10.99.0.11", Online: true, CPUs: 2, Memory: 25276514304}},
		Storages: []*Storage{localStorage()},
		Volumes:  []*Volume{{ID: "local:vztmpl/tiny.tar.gz", Content: "vztmpl", Format: "tgz", Size: 1111817, CTime: 1795488707, Node: "pve1"}},
	}
}

// localStorage is what every installation begins with.
func localStorage() *Storage {
	return &Storage{
		ID: "local", Type: "dir", Content: []string{"images", "rootdir", "vztmpl", "iso", "backup", "snippets"}, Size: 270553174016, Builtin: true,
		Props: map[string]string{"path": "/var/lib/vz", "prune-backups": "keep-all=1"},
	}
}

// Home is a homelab: three nodes, some twenty-five guests on three VLANs, a
// template, shared storages, pools and tags.
func Home() *World {
	w := &World{Cluster: "home", Nodes: homeNodes(), Storages: homeStorages(), Volumes: homeVolumes(), Options: map[string]string{"keyboard": "de"}}
	w.Pools = []*Pool{
		{ID: "media", Comment: "films, music, photos"},
		{ID: "infra", Comment: "what the rest needs"},
		{ID: "devops", Comment: "code and builds"},
		{ID: "k8s", Comment: "the cluster"},
	}
	w.Users = []*User{
		{ID: "root@pam", Password: "recon-sim"},
		{ID: "monitor@pve", Password: "monitor", Props: Record{"comment": "read only"}},
	}
	w.ACL = []*ACLEntry{{Path: "/", Role: "PVEAuditor", Type: "user", ID: "monitor@pve", Propagate: true}}
	w.Guests = append(homeVMs(), homeContainers()...)
	w.Backups = []Record{{"id": "backup-nightly", "type": "vzdump", "schedule": "02:30", "storage": "backup", "all": "1", "enabled": "1", "mode": "snapshot", "compress": "zstd", "prune-backups": "keep-daily=7,keep-weekly=4"}}
	return w
}

func homeNodes() []*Node {
	var out []*Node
	for i := range 3 {
		n := &Node{
			Name: fmt.Sprintf("node%02d", i+1), Address: fmt.Sprintf("192.168.20.%d", 20+i), Online: true, CPUs: 16, Memory: 64 << 30,
			DNS: map[string]string{"search": "home.example.net", "dns1": "192.168.90.53"}, Timezone: "Europe/Berlin",
		}
		n.Networks = []Record{
			{"iface": "eno1", "type": "eth", "method": "manual", "method6": "manual", "active": "1", "exists": "1", "priority": "2"},
			{
				"iface": "vmbr0", "type": "bridge", "method": "static", "method6": "manual", "address": n.Address, "netmask": "24", "cidr": n.Address + "/24", "gateway": "192.168.20.1",
				"bridge_ports": "eno1", "bridge_stp": "off", "bridge_fd": "0", "bridge_vlan_aware": "1", "bridge_vids": "2-4094", "autostart": "1", "active": "1", "priority": "3",
			},
		}
		out = append(out, n)
	}
	return out
}

func homeStorages() []*Storage {
	return []*Storage{
		{ID: "local", Type: "dir", Content: []string{"iso", "vztmpl", "backup", "snippets"}, Size: 100 << 30, Props: map[string]string{"path": "/var/lib/vz"}},
		{ID: "local-lvm", Type: "lvmthin", Content: []string{"images", "rootdir"}, Size: 800 << 30, Props: map[string]string{"vgname": "pve", "thinpool": "data"}},
		{ID: "VMDisks", Type: "nfs", Content: []string{"images", "rootdir"}, Shared: true, Size: 4 << 40, Props: map[string]string{"server": "192.168.20.10", "export": "/tank/vmdisks", "path": "/mnt/pve/VMDisks"}},
		{ID: "media", Type: "nfs", Content: []string{"rootdir", "images"}, Shared: true, Size: 16 << 40, Props: map[string]string{"server": "192.168.20.10", "export": "/tank/media", "path": "/mnt/pve/media"}},
		{ID: "backup", Type: "nfs", Content: []string{"backup"}, Shared: true, Size: 8 << 40, Props: map[string]string{"server": "192.168.20.10", "export": "/tank/backup", "path": "/mnt/pve/backup", "prune-backups": "keep-daily=7,keep-weekly=4"}},
	}
}

func homeVolumes() []*Volume {
	var out []*Volume
	for i := range 3 {
		node := fmt.Sprintf("node%02d", i+1)
		out = append(out,
			&Volume{ID: "local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst", Content: "vztmpl", Format: "tzst", Size: 126515062, Node: node, CTime: 1735689600},
			&Volume{ID: "local:iso/debian-12.9.0-amd64-netinst.iso", Content: "iso", Format: "iso", Size: 663748608, Node: node, CTime: 1735689600})
	}
	return append(out, &Volume{ID: "backup:backup/vzdump-qemu-106-2026_11_20-02_30_00.vma.zst", Content: "backup", Format: "vma.zst", Size: 6 << 30, VMID: 106, CTime: 1795138200, Notes: "gitlab"})
}

// homeMAC is a stable address for a guest.
func homeMAC(vmid int) string { return fmt.Sprintf("BC:24:11:20:%02X:%02X", vmid>>8, vmid&0xff) }

// homeGuest is what differs between the guests.
type homeGuest struct {
	vmid          int
	name, node    string
	vlan, host    int // the last part of its address
	cores, memory int
	disk          string // size of the first disk
	storage       string
	pool, tags    string
	about         string
	stopped       bool
	extra         map[string]string
}

func (h homeGuest) vm() *Guest {
	vol := fmt.Sprintf("%s:vm-%d-disk-0", h.storage, h.vmid)
	if h.storage == "VMDisks" {
		vol = fmt.Sprintf("VMDisks:%d/vm-%d-disk-0.qcow2", h.vmid, h.vmid)
	}
	conf := map[string]string{
		"name": h.name, "cores": itoa(h.cores), "memory": itoa(h.memory), "ostype": "l26", "cpu": "x86-64-v2-AES", "scsihw": "virtio-scsi-single", "agent": "1",
		"onboot": "1", "boot": "order=scsi0;net0", "scsi0": vol + ",discard=on,iothread=1,size=" + h.disk,
		"net0":    fmt.Sprintf("virtio=%s,bridge=vmbr0,firewall=1,tag=%d", homeMAC(h.vmid), h.vlan),
		"smbios1": fmt.Sprintf("uuid=5f0c7a0e-3c7e-4a63-9b51-%012d", h.vmid), "vmgenid": fmt.Sprintf("9a1d4c66-0d1b-4f5e-8d0a-%012d", h.vmid),
		"meta": "creation-qemu=9.2.0,ctime=1735689600",
	}
	if h.extra["ostype"] == "" {
		conf["ide2"] = fmt.Sprintf("local-lvm:vm-%d-cloudinit,media=cdrom,size=4M", h.vmid)
		conf["ipconfig0"] = fmt.Sprintf("ip=192.168.%d.%d/24,gw=192.168.%d.1", h.vlan, h.host, h.vlan)
		conf["ciuser"], conf["nameserver"], conf["searchdomain"] = "hermes-admin", "192.168.90.53", "home.example.net"
		conf["sshkeys"] = "ssh-ed25519%20AAAAC3NzaC1lZDI1NTE5AAAAIB4oQ1f1vYk1X8i3aPqvIhX3t0bW6yqk9u1kq5z8o0Zx%20hermes%40home%0A"
	}
	return h.finish("qemu", conf)
}

func (h homeGuest) container() *Guest {
	conf := map[string]string{
		"hostname": h.name, "cores": itoa(h.cores), "memory": itoa(h.memory), "swap": "512", "arch": "amd64", "ostype": "debian", "unprivileged": "1", "onboot": "1",
		"features": "nesting=1", "nameserver": "192.168.90.53", "searchdomain": "home.example.net",
		"rootfs": fmt.Sprintf("local-lvm:vm-%d-disk-0,size=%s", h.vmid, h.disk),
		"net0": fmt.Sprintf("name=eth0,bridge=vmbr0,firewall=1,gw=192.168.%d.1,hwaddr=%s,ip=192.168.%d.%d/24,tag=%d,type=veth",
			h.vlan, homeMAC(h.vmid), h.vlan, h.host, h.vlan),
	}
	return h.finish("lxc", conf)
}

func (h homeGuest) finish(kind string, conf map[string]string) *Guest {
	conf["tags"], conf["description"] = h.tags, h.about
	maps.Copy(conf, h.extra)
	for k, v := range conf {
		if v == "" {
			delete(conf, k)
		}
	}
	g := &Guest{VMID: h.vmid, Kind: kind, Node: h.node, Running: !h.stopped, Config: conf, Pool: h.pool, Template: strings.HasPrefix(h.name, "tpl-")}
	if h.host != 0 {
		g.Addresses = []string{fmt.Sprintf("192.168.%d.%d/24", h.vlan, h.host)}
	}
	return g
}

func homeVMs() []*Guest {
	windows := func(more map[string]string) map[string]string {
		base := map[string]string{"ostype": "win11", "bios": "ovmf", "machine": "pc-q35-9.2+pve1", "cpu": "host"}
		maps.Copy(base, more)
		return base
	}
	list := []homeGuest{
		{106, "gitlab", "node02", 40, 23, 4, 8192, "20G", "VMDisks", "devops", "devops;docker", "GitLab CE\nhttps://git.home.example.net", false, nil},
		{107, "runner01", "node02", 40, 24, 4, 4096, "40G", "local-lvm", "devops", "devops", "GitLab runner", false, nil},
		{
			110, "home-assistant", "node01", 90, 10, 2, 4096, "32G", "local-lvm", "infra", "iot", "Home Assistant OS; talks to the Zigbee stick", false,
			map[string]string{"ostype": "l26", "usb0": "mapping=zigbee", "bios": "ovmf", "efidisk0": "local-lvm:vm-110-disk-1,efitype=4m,size=4M"},
		},
		{111, "media", "node01", 40, 30, 4, 8192, "64G", "VMDisks", "media", "docker;media", "media server", false, nil},
		{112, "nextcloud", "node02", 40, 31, 4, 8192, "100G", "VMDisks", "media", "docker;files", "Nextcloud", false, nil},
		{113, "immich", "node03", 40, 32, 6, 12288, "200G", "VMDisks", "media", "docker;media", "photos", false, map[string]string{"balloon": "8192"}},
		{
			120, "dc01", "node03", 20, 53, 4, 8192, "80G", "VMDisks", "infra", "windows", "domain controller", false,
			windows(map[string]string{"efidisk0": "local-lvm:vm-120-disk-1,efitype=4m,pre-enrolled-keys=1,size=4M", "tpmstate0": "local-lvm:vm-120-disk-2,size=4M,version=v2.0"}),
		},
		{
			121, "win11-lab", "node03", 20, 0, 4, 8192, "80G", "local-lvm", "", "lab;windows", "", true,
			windows(map[string]string{"onboot": "0", "efidisk0": "local-lvm:vm-121-disk-1,efitype=4m,pre-enrolled-keys=1,size=4M", "tpmstate0": "local-lvm:vm-121-disk-2,size=4M,version=v2.0"}),
		},
		{131, "k8s-cp1", "node01", 40, 131, 4, 8192, "50G", "local-lvm", "k8s", "k8s", "control plane", false, map[string]string{"startup": "order=3,up=30"}},
		{132, "k8s-w1", "node02", 40, 132, 4, 16384, "80G", "local-lvm", "k8s", "k8s", "worker", false, map[string]string{"startup": "order=4"}},
		{133, "k8s-w2", "node03", 40, 133, 4, 16384, "80G", "local-lvm", "k8s", "k8s", "worker", false, map[string]string{"startup": "order=4"}},
		{150, "pbs", "node03", 20, 50, 2, 4096, "32G", "local-lvm", "infra", "backup", "Proxmox Backup Server: never touch while a backup runs", false, map[string]string{"protection": "1", "startup": "order=1"}},
		{
			9000, "tpl-ubuntu-24.04", "node01", 40, 0, 2, 2048, "10G", "VMDisks", "", "template", "cloud image, made by packer", true,
			map[string]string{"onboot": "0", "ipconfig0": "ip=dhcp", "scsi0": "VMDisks:9000/base-9000-disk-0.qcow2,discard=on,iothread=1,size=10G"},
		},
	}
	var out []*Guest
	for _, h := range list {
		out = append(out, h.vm())
	}
	return out
}

func homeContainers() []*Guest {
	list := []homeGuest{
		{202, "pihole", "node01", 90, 53, 1, 512, "8G", "", "infra", "dns", "DNS of the house", false, map[string]string{"startup": "order=1,up=10", "nameserver": "1.1.1.1"}},
		{203, "traefik", "node02", 40, 5, 2, 1024, "8G", "", "infra", "docker;proxy", "reverse proxy for *.example.net", false, map[string]string{"startup": "order=2"}},
		{
			205, "docker-media", "node01", 40, 11, 4, 8192, "50G", "", "media", "docker;media", "sonarr, radarr, sabnzbd, qbittorrent", false,
			map[string]string{"swap": "1024", "mp0": "media:205/vm-205-disk-0.raw,mp=/data,size=1T"},
		},
		{206, "jellyfin", "node01", 40, 12, 4, 4096, "24G", "", "media", "media", "", false, map[string]string{"mp0": "media:206/vm-206-disk-0.raw,backup=0,mp=/media,size=2T"}},
		{207, "vaultwarden", "node02", 40, 13, 1, 512, "6G", "", "infra", "docker", "passwords", false, map[string]string{"protection": "1"}},
		{208, "grafana", "node02", 20, 60, 2, 1024, "10G", "", "infra", "monitoring", "https://grafana.home.example.net", false, nil},
		{209, "prometheus", "node02", 20, 61, 2, 2048, "40G", "", "infra", "monitoring", "", false, nil},
		{210, "mqtt", "node03", 90, 20, 1, 256, "4G", "", "infra", "iot", "mosquitto", false, nil},
		{211, "zigbee2mqtt", "node01", 90, 21, 1, 512, "4G", "", "infra", "iot", "", false, nil},
		{212, "paperless", "node03", 40, 15, 2, 2048, "20G", "", "media", "docker;files", "Dokumente für alle", false, nil},
		{213, "uptime-kuma", "node03", 20, 62, 1, 512, "4G", "", "infra", "monitoring", "", false, nil},
		{
			214, "dev", "node03", 40, 0, 4, 4096, "30G", "", "devops", "lab", "scratch", true,
			map[string]string{"onboot": "0", "net0": "name=eth0,bridge=vmbr0,hwaddr=BC:24:11:20:00:D6,ip=dhcp,tag=40,type=veth"},
		},
		{215, "minecraft", "node02", 40, 44, 4, 6144, "20G", "", "", "games", "", true, map[string]string{"onboot": "0", "cpulimit": "3.5"}},
	}
	var out []*Guest
	for _, h := range list {
		out = append(out, h.container())
	}
	return out
}
