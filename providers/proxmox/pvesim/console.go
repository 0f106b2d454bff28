package pvesim

import "strings"

// consoleRoutes hold what starts a console: tickets and ports, no console.
func consoleRoutes(t *routeTable) {
	g := perm("/vms/{vmid}", "VM.Console")
	q, l := "/nodes/{node}/qemu/{vmid}/", "/nodes/{node}/lxc/{vmid}/"
	t.add("POST", q+"vncproxy", "generate-password:b websocket:b", g, console("vncproxy"))
	t.add("POST", q+"termproxy", "serial(serial0|serial1|serial2|serial3)", g, console("vncproxy"))
	t.add("POST", q+"spiceproxy", "proxy", g, console("spiceproxy"))
	t.add("POST", l+"vncproxy", "height:i>=16<=2160 websocket:b width:i>=16<=4096", g, console("vncproxy"))
	t.add("POST", l+"termproxy", "", g, console("vncproxy"))
	t.add("POST", l+"spiceproxy", "proxy", g, console("spiceproxy"))
	t.add("PUT", q+"sendkey", "key! skiplock:b", g, needsRunning(nil))
	t.add("POST", q+"monitor", "command!", perm("/vms/{vmid}", "Sys.Audit", "Sys.Modify"), needsRunning(""))
	t.add("GET", q+"cloudinit", "", perm("/vms/{vmid}", "VM.Audit"), cloudinitPending)
	t.add("PUT", q+"cloudinit", "", perm("/vms/{vmid}", "VM.Config.Cloudinit"), regenerateCloudinit)
	t.add("GET", q+"cloudinit/dump", "type!(user|network|meta)", perm("/vms/{vmid}", "VM.Audit"), cloudinitDump)
}

func console(typ string) handler {
	return func(c *call) (any, error) {
		m, err := c.machine()
		if err != nil {
			return nil, err
		}
		if typ == "spiceproxy" && !m.Running {
			return nil, die("%s %d not running", m.label(), m.VMID)
		}
		port := 5900 + c.s.serial%100
		ticket := c.newVNCTicket("/vms/" + itoa(m.VMID))
		upid := c.start(m.Node, typ, itoa(m.VMID), func(*task) error { return nil })
		return obj{"port": itoa(port), "ticket": ticket, "upid": upid, "user": c.who.full(), "cert": string(c.s.ca.pem())}, nil
	}
}

func needsRunning(answer any) handler {
	return func(c *call) (any, error) {
		_, err := c.present(true)
		return answer, err
	}
}

// regenerateCloudinit regenerates the cloud-init drive, which any VM can.
func regenerateCloudinit(c *call) (any, error) {
	_, err := c.machine()
	return nil, err
}

// cloudinitPending lists the cloud-init options, which are in the config at
// once but in the guest only after its drive was made anew.
func cloudinitPending(c *call) (any, error) {
	m, err := c.machine()
	if err != nil {
		return nil, err
	}
	rows := []obj{}
	for k, v := range m.Config {
		if m.opts.perms[m.opts.base(k)] == "VM.Config.Cloudinit" {
			rows = append(rows, obj{"key": k, "value": m.shown(k, v)})
		}
	}
	return shuffle(rows), nil
}

func cloudinitDump(c *call) (any, error) {
	m, err := c.machine()
	if err != nil {
		return nil, err
	}
	switch c.p["type"] {
	case "meta":
		return "instance-id: " + m.hash() + "\n", nil
	case "network":
		var b strings.Builder
		b.WriteString("version: 1\nconfig:\n")
		for _, k := range sortedKeys(m.Config) {
			if m.opts.base(k) == "ipconfig" {
				b.WriteString("    # " + k + ": " + m.Config[k] + "\n")
			}
		}
		return b.String(), nil
	}
	return "#cloud-config\nhostname: " + m.name() + "\nmanage_etc_hosts: true\nuser: " + orElse(m.Config["ciuser"], "root") + "\n", nil
}
