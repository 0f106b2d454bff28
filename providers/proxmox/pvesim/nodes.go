package pvesim

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

func nodeRoutes(t *routeTable) {
	n := "/nodes/{node}"
	audit, modify := perm("/nodes/{node}", "Sys.Audit"), perm("/nodes/{node}", "Sys.Modify")
	t.add("GET", "/nodes", "", nil, listNodes)
	t.add("GET", n, "", nil, index("qemu", "lxc", "status", "version", "network", "dns", "time", "tasks", "storage", "syslog", "services", "apt", "hardware"))
	t.add("GET", n+"/status", "", audit, nodeStatus)
	t.add("POST", n+"/status", "command!(reboot|shutdown)", perm("/nodes/{node}", "Sys.PowerMgmt"), func(*call) (any, error) { return nil, nil })
	t.add("GET", n+"/version", "", nil, version)
	t.add("GET", n+"/dns", "", audit, getDNS)
	t.add("PUT", n+"/dns", "search! dns1@ip dns2@ip dns3@ip", modify, setDNS)
	t.add("GET", n+"/time", "", audit, getTime)
	t.add("PUT", n+"/time", "timezone!", modify, setTime)
	t.add("GET", n+"/hosts", "", perm("/", "Sys.Audit"), getHosts)
	t.add("POST", n+"/hosts", "data! digest~64", modify, setHosts)
	t.add("GET", n+"/config", "property", perm("/", "Sys.Audit"), getNodeConfig)
	t.add("PUT", n+"/config", "acme acmedomain[5] ballooning-target:i>=0<=100 delete@idlist description digest~40 location startall-onboot-delay:i>=0<=300 wakeonlan", perm("/", "Sys.Modify"), setNodeConfig)
	t.add("GET", n+"/rrddata", "timeframe!(hour|day|week|month|year|decade) cf(AVERAGE|MAX)", audit, nodeRRD)
	t.add("GET", n+"/netstat", "", audit, func(*call) (any, error) { return []obj{}, nil })
	t.add("GET", n+"/syslog", "limit:i>=0 service since start:i>=0 until", perm("/nodes/{node}", "Sys.Syslog"), syslog)
	t.add("GET", n+"/journal", "endcursor lastentries:i>=0 since:i>=0 startcursor until:i>=0", perm("/nodes/{node}", "Sys.Syslog"), func(*call) (any, error) { return []string{}, nil })
	t.add("GET", n+"/services", "", audit, services)
	t.add("GET", n+"/services/{service}/state", "", audit, serviceState)
	t.add("GET", n+"/subscription", "", nil, func(c *call) (any, error) {
		return obj{"status": "notfound", "message": "There is no subscription key", "serverid": "0123456789ABCDEF0123456789ABCDEF"}, nil
	})
	t.add("GET", n+"/apt", "", nil, index("update", "versions", "repositories", "changelog"))
	t.add("GET", n+"/apt/update", "", perm("/nodes/{node}", "Sys.Modify"), func(*call) (any, error) { return []obj{}, nil })
	t.add("GET", n+"/apt/versions", "", audit, aptVersions)
	t.add("GET", n+"/hardware", "", nil, index("pci", "usb"))
	t.add("GET", n+"/hardware/pci", "pci-class-blacklist verbose:b", perm("/", "Sys.Audit", "Sys.Modify"), pciDevices)
	t.add("GET", n+"/hardware/usb", "", perm("/", "Sys.Modify"), func(*call) (any, error) { return []obj{}, nil })
	t.add("GET", n+"/disks", "", nil, index("list", "lvm", "lvmthin", "zfs", "directory", "smart"))
	t.add("GET", n+"/disks/list", "include-partitions:b skipsmart:b type(unused|journal_disks)", perm("/", "Sys.Audit"), diskList)
	t.add("GET", n+"/capabilities/qemu/cpu", "arch", nil, cpuModels)
	t.add("GET", n+"/capabilities/qemu/machines", "arch", nil, func(*call) (any, error) {
		return []obj{{"id": "pc-q35-10.0", "type": "q35", "version": "10.0"}, {"id": "pc-i440fx-10.0", "type": "i440fx", "version": "10.0"}}, nil
	})
	t.add("GET", n+"/replication", "guest:i>=100<=999999999", nil, func(*call) (any, error) { return []obj{}, nil })
	networkRoutes(t)
}

// here is the node of the path.
func (c *call) here() *Node { return c.s.world.node(c.node()) }

func listNodes(c *call) (any, error) {
	rows := []obj{}
	for _, n := range c.s.world.Nodes {
		rows = append(rows, c.nodeRow(n, c.may("/nodes/"+n.Name, "Sys.Audit")))
	}
	return shuffle(rows), nil
}

// nodeRow is a node in a list; the numbers are for those with Sys.Audit.
func (c *call) nodeRow(n *Node, numbers bool) obj {
	o := obj{"node": n.Name, "id": "node/" + n.Name, "type": "node", "status": "unknown", "ssl_fingerprint": c.s.Fingerprint()}
	switch {
	case !n.Online:
		o["status"] = "offline"
		return o
	case !c.s.reported[n.Name]:
		return o
	}
	o["status"] = "online"
	if numbers {
		maps.Copy(o, obj{
			"level": "", "cpu": 0.05, "maxcpu": n.CPUs, "mem": c.s.memoryOf(n), "maxmem": n.Memory, "disk": int64(28 << 30), "maxdisk": int64(252 << 30),
			"uptime": int64(time.Since(c.s.started)/time.Second) + 86400,
		})
	}
	return o
}

// memoryOf sums what the running guests of a node use.
func (s *Server) memoryOf(n *Node) int64 {
	sum := int64(2 << 30)
	for _, m := range s.guests {
		if m.Node == n.Name {
			sum += m.mem()
		}
	}
	return min(sum, n.Memory)
}

func nodeStatus(c *call) (any, error) {
	n := c.here()
	used := c.s.memoryOf(n)
	kernel := "6.14.11-4-pve"
	if c.s.release < "9" {
		kernel = "6.8.12-13-pve"
	}
	o := obj{
		"uptime": int64(time.Since(c.s.started)/time.Second) + 86400, "loadavg": []string{"0.89", "0.63", "0.47"}, "cpu": 0.05, "wait": 0, "idle": 0,
		"kversion":       "Linux " + kernel + " #1 SMP PREEMPT_DYNAMIC",
		"current-kernel": obj{"sysname": "Linux", "release": kernel, "version": "#1 SMP PREEMPT_DYNAMIC", "machine": "x86_64"},
		"pveversion":     "pve-manager/" + c.s.fullVersion() + "/" + c.s.repoid(),
		"cpuinfo":        obj{"cpus": n.CPUs, "cores": n.CPUs, "sockets": 1, "model": "AMD EPYC", "vendor": "AuthenticAMD", "family": "25", "mhz": "2596.132", "user_hz": 100, "hvm": "1", "flags": "fpu vme sse sse2 svm"},
		"memory":         obj{"total": n.Memory, "used": used, "free": n.Memory - used, "available": n.Memory - used},
		"rootfs":         obj{"total": int64(252 << 30), "used": int64(28 << 30), "free": int64(224 << 30), "avail": int64(214 << 30)},
		"swap":           obj{"total": 0, "used": 0, "free": 0}, "ksm": obj{"shared": 0}, "boot-info": obj{"mode": "efi"},
	}
	if c.s.release < "9" {
		delete(o["memory"].(obj), "available")
	}
	return o, nil
}

func getDNS(c *call) (any, error) {
	o := obj{"search": "example.net", "dns1": "192.168.90.53"}
	for k, v := range c.here().DNS {
		o[k] = v
	}
	return o, nil
}

func setDNS(c *call) (any, error) {
	c.here().DNS = maps.Clone(c.p)
	c.s.dirty()
	return nil, nil
}

func getTime(c *call) (any, error) {
	name := orElse(c.here().Timezone, "Europe/Berlin")
	now := time.Now()
	local := now.Unix()
	if loc, err := time.LoadLocation(name); err == nil {
		_, off := now.In(loc).Zone()
		local += int64(off)
	}
	return obj{"timezone": name, "time": now.Unix(), "localtime": local}, nil
}

func setTime(c *call) (any, error) {
	c.here().Timezone = c.p["timezone"]
	c.s.dirty()
	return nil, nil
}

// hosts is /etc/hosts of a node.
func (w *World) hosts(n *Node) (text, digest string) {
	if text = n.Hosts; text == "" {
		text = "127.0.0.1 localhost\n"
		for _, n := range w.Nodes {
			text += n.Address + " " + n.Name + ".example.net " + n.Name + "\n"
		}
	}
	return text, digestOf(Record{"hosts": text})
}

func getHosts(c *call) (any, error) {
	text, digest := c.s.world.hosts(c.here())
	return obj{"data": text, "digest": digest}, nil
}

func setHosts(c *call) (any, error) {
	if _, digest := c.s.world.hosts(c.here()); c.p["digest"] != "" && c.p["digest"] != digest {
		return nil, die("detected modified configuration - file changed by other user? Try again.")
	}
	c.here().Hosts = c.p["data"]
	c.s.dirty()
	return nil, nil
}

func getNodeConfig(c *call) (any, error) {
	o := obj{"digest": digestOf(c.here().Config)}
	for k, v := range c.here().Config {
		o[k] = number(v)
	}
	return o, nil
}

func setNodeConfig(c *call) (any, error) {
	n := c.here()
	if n.Config == nil {
		n.Config = map[string]string{}
	}
	for _, k := range splitList(c.p["delete"]) {
		delete(n.Config, k)
	}
	for k, v := range c.p {
		if k != "delete" && k != "digest" {
			n.Config[k] = v
		}
	}
	c.s.dirty()
	return nil, nil
}

func nodeRRD(c *call) (any, error) {
	n := c.here()
	used := c.s.memoryOf(n)
	return history(c.p["timeframe"], func() obj {
		return obj{"maxcpu": n.CPUs, "cpu": 0.05, "memtotal": n.Memory, "memused": used, "loadavg": 0.6, "iowait": 0, "netin": 0, "netout": 0, "roottotal": int64(252 << 30), "rootused": int64(28 << 30), "swaptotal": 0, "swapused": 0}
	}), nil
}

func syslog(c *call) (any, error) {
	rows := []obj{}
	for i, e := range c.s.log {
		if e.node == c.node() {
			rows = append(rows, obj{"n": i + 1, "t": fmt.Sprintf("%s %s pvedaemon[%d]: <%s> %s", e.at.Format("Jan 02 15:04:05"), e.node, e.pid, e.user, e.msg)})
		}
	}
	total := len(rows)
	start := min(atoi(c.p["start"]), total)
	rows = rows[start:]
	if l := atoi(orElse(c.p["limit"], "50")); l < len(rows) {
		rows = rows[:l]
	}
	return totalled{rows, total}, nil
}

func serviceNames() []string {
	return strings.Fields("chrony corosync cron ksmtuned postfix proxmox-firewall pve-cluster pve-firewall pve-ha-crm pve-ha-lrm pvedaemon pvefw-logger pveproxy pvescheduler pvestatd qmeventd spiceproxy sshd syslog systemd-journald")
}

func services(*call) (any, error) {
	rows := []obj{}
	for _, s := range serviceNames() {
		rows = append(rows, serviceRow(s))
	}
	return shuffle(rows), nil
}

func serviceRow(s string) obj {
	return obj{"service": s, "name": s, "desc": s, "state": "running", "active-state": "active", "unit-state": "enabled"}
}

func serviceState(c *call) (any, error) {
	if !slices.Contains(serviceNames(), c.uri["service"]) {
		return nil, badParam("service", "value '"+c.uri["service"]+"' does not have a value in the enumeration '"+strings.Join(serviceNames(), ", ")+"'")
	}
	return serviceRow(c.uri["service"]), nil
}

func aptVersions(c *call) (any, error) {
	rows := []obj{}
	for p, v := range map[string]string{"pve-manager": c.s.fullVersion(), "proxmox-ve": c.s.release + ".0", "qemu-server": c.s.release + ".1", "pve-qemu-kvm": c.s.qemuVersion() + "-1"} {
		rows = append(rows, obj{"Package": p, "Version": v, "OldVersion": v, "CurrentState": "Installed", "Origin": "Proxmox", "Title": p, "Priority": "optional", "Section": "admin", "Arch": "amd64"})
	}
	return rows, nil
}

func pciDevices(*call) (any, error) {
	return []obj{
		{"id": "0000:00:02.0", "class": "0x030000", "vendor": "0x8086", "device": "0x4692", "vendor_name": "Intel Corporation", "device_name": "UHD Graphics 730", "iommugroup": 0},
		{"id": "0000:01:00.0", "class": "0x010700", "vendor": "0x1000", "device": "0x0087", "vendor_name": "Broadcom / LSI", "device_name": "SAS2308 PCI-Express Fusion-MPT SAS-2", "iommugroup": 12},
	}, nil
}

func diskList(*call) (any, error) {
	return []obj{{"devpath": "/dev/nvme0n1", "used": "LVM", "size": int64(1000204886016), "type": "nvme", "model": "Samsung SSD 980", "serial": "S649NX0R000001", "vendor": "unknown", "gpt": 1, "health": "PASSED", "wearout": 98, "rpm": 0, "wwn": "unknown"}}, nil
}

func cpuModels(*call) (any, error) {
	rows := []obj{}
	for _, n := range []string{"kvm64", "qemu64", "host", "max", "x86-64-v2", "x86-64-v2-AES", "x86-64-v3", "x86-64-v4", "EPYC", "Skylake-Server"} {
		rows = append(rows, obj{"name": n, "custom": 0, "vendor": "default"})
	}
	return rows, nil
}
