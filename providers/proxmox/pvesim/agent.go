package pvesim

import (
	"net/netip"
	"strings"
	"time"
)

func agentRoutes(t *routeTable) {
	p := "/nodes/{node}/qemu/{vmid}/agent"
	audit, unrestricted := agentPerm(t.server.release, "VM.GuestAgent.Audit"), agentPerm(t.server.release, "VM.GuestAgent.Unrestricted")
	fs := agentPerm(t.server.release, "VM.GuestAgent.FileSystemMgmt")
	t.add("GET", p, "", nil, index("network-get-interfaces", "get-osinfo", "get-host-name", "info", "ping", "exec"))
	for name, answer := range agentAnswers() {
		t.add("GET", p+"/"+name, "", audit, askAgent(answer))
	}
	for _, name := range []string{"ping", "fsfreeze-status", "fsfreeze-freeze", "fsfreeze-thaw", "fstrim", "shutdown", "suspend-disk", "suspend-hybrid", "suspend-ram"} {
		g := fs
		if name == "ping" {
			g = audit
		}
		t.add("POST", p+"/"+name, "", g, askAgent(func(*machine) any { return obj{} }))
	}
	t.add("POST", p, "command!", unrestricted, askAgent(func(*machine) any { return obj{} }))
	t.add("POST", p+"/exec", "command!:a input-data", unrestricted, agentExec)
	t.add("GET", p+"/exec-status", "pid!:i", unrestricted, askAgent(func(*machine) any {
		return obj{"exited": 1, "exitcode": 0, "out-data": ""}
	}))
	t.add("GET", p+"/file-read", "file! count:i>=1<=16777216 decode:b offset:i>=0", agentPerm(t.server.release, "VM.GuestAgent.FileRead"),
		askAgent(func(*machine) any { return obj{"content": "", "bytes-read": 0} }))
	t.add("POST", p+"/file-write", "file! content! encode:b", agentPerm(t.server.release, "VM.GuestAgent.FileWrite"), askAgent(func(*machine) any { return nil }))
	t.add("POST", p+"/set-user-password", "username! password! crypted:b", unrestricted, askAgent(func(*machine) any { return obj{} }))
	t.add("GET", "/nodes/{node}/lxc/{vmid}/interfaces", "", perm("/vms/{vmid}", "VM.Audit"), lxcInterfaces)
}

// agentPerm is VM.Monitor up to 8.4 and the finer privileges from 9.
func agentPerm(release, priv string) guard {
	if release < "9" {
		return perm("/vms/{vmid}", "VM.Monitor")
	}
	if priv == "VM.GuestAgent.Unrestricted" {
		return perm("/vms/{vmid}", priv)
	}
	return perm("/vms/{vmid}", priv, "VM.GuestAgent.Unrestricted")
}

// agentAnswers are what a guest agent tells.
func agentAnswers() map[string]func(*machine) any {
	return map[string]func(*machine) any{
		"network-get-interfaces": func(m *machine) any { return m.agentInterfaces() },
		"get-host-name":          func(m *machine) any { return obj{"host-name": m.name()} },
		"get-osinfo": func(*machine) any {
			return obj{"id": "debian", "name": "Debian GNU/Linux", "pretty-name": "Debian GNU/Linux 13 (trixie)", "version": "13 (trixie)", "version-id": "13", "kernel-release": "6.12.41+deb13-amd64", "machine": "x86_64"}
		},
		"get-time":              func(*machine) any { return time.Now().UnixNano() },
		"get-timezone":          func(*machine) any { return obj{"zone": "UTC", "offset": 0} },
		"get-users":             func(*machine) any { return []obj{} },
		"get-vcpus":             func(*machine) any { return []obj{{"logical-id": 0, "online": true, "can-offline": false}} },
		"get-memory-blocks":     func(*machine) any { return []obj{} },
		"get-memory-block-info": func(*machine) any { return obj{"size": 134217728} },
		"get-fsinfo": func(m *machine) any {
			return []obj{{"name": "sda1", "mountpoint": "/", "type": "ext4", "total-bytes": m.maxDisk(), "used-bytes": m.maxDisk() / 4, "disk": []obj{}}}
		},
		"info": func(*machine) any { return obj{"version": "10.0.2", "supported_commands": []obj{}} },
	}
}

// alive is the order of the agent's failures: stopped, off, dead.
func (c *call) alive() (*machine, error) {
	m, err := c.machine()
	if err != nil {
		return nil, err
	}
	v := m.Config["agent"]
	enabled := strings.HasPrefix(v, "1") || strings.Contains(v, "enabled=1")
	switch {
	case !m.Running:
		return nil, die("VM %d is not running", m.VMID)
	case !enabled:
		return nil, die("No QEMU guest agent configured")
	case len(m.Addresses) == 0 || m.NoOS:
		return nil, &apiError{status: 500, msg: "QEMU guest agent is not running", delay: agentDelay}
	}
	return m, nil
}

func askAgent(answer func(*machine) any) handler {
	return func(c *call) (any, error) {
		m, err := c.alive()
		if err != nil {
			return nil, err
		}
		return obj{"result": answer(m)}, nil
	}
}

func agentExec(c *call) (any, error) {
	if _, err := c.alive(); err != nil {
		return nil, err
	}
	return obj{"pid": c.s.nextPID()}, nil
}

// mac is the MAC of net0.
func (m *machine) mac() string {
	for part := range strings.SplitSeq(m.Config["net0"], ",") {
		k, v, ok := strings.Cut(part, "=")
		if ok && strings.Count(v, ":") == 5 && k != "bridge" {
			return strings.ToLower(v)
		}
	}
	return "00:00:00:00:00:00"
}

func (m *machine) agentInterfaces() []obj {
	lo := obj{"name": "lo", "hardware-address": "00:00:00:00:00:00", "ip-addresses": []obj{{"ip-address": "127.0.0.1", "ip-address-type": "ipv4", "prefix": 8}}}
	var addrs []obj
	for _, a := range m.Addresses {
		p, err := netip.ParsePrefix(a)
		if err != nil {
			continue
		}
		typ := "ipv4"
		if p.Addr().Is6() {
			typ = "ipv6"
		}
		addrs = append(addrs, obj{"ip-address": p.Addr().String(), "ip-address-type": typ, "prefix": p.Bits()})
	}
	eth := obj{"name": "eth0", "hardware-address": m.mac(), "ip-addresses": addrs, "statistics": obj{"rx-bytes": 0, "tx-bytes": 0}}
	return []obj{lo, eth}
}

func lxcInterfaces(c *call) (any, error) {
	m, err := c.machine()
	if err != nil {
		return nil, err
	}
	if !m.Running {
		return nil, nil
	}
	rows := []obj{{"name": "lo", "inet": "127.0.0.1/8", "inet6": "::1/128", "hwaddr": "00:00:00:00:00:00", "hardware-address": "00:00:00:00:00:00"}}
	eth := obj{"name": "eth0", "hwaddr": m.mac(), "hardware-address": m.mac()}
	for _, a := range m.Addresses {
		if strings.Contains(a, ":") {
			eth["inet6"] = a
		} else {
			eth["inet"] = a
		}
	}
	return append(rows, eth), nil
}
