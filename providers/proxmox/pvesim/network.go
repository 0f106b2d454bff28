package pvesim

import (
	"maps"
	"slices"
	"strings"
)

func networkTable() string {
	return `address address6 autostart:b bond-primary bond_mode bond_xmit_hash_policy bridge_ports bridge_vids bridge_vlan_aware:b cidr cidr6 comments
 comments6 gateway gateway6 mtu:i>=1280<=65520 netmask netmask6:i>=0<=128 ovs_bonds ovs_bridge ovs_options ovs_ports ovs_tag:i>=1<=4094 slaves
 type!(bridge|bond|eth|alias|vlan|fabric|OVSBridge|OVSBond|OVSPort|OVSIntPort|vnet|unknown) vlan-id:i>=1<=4094 vlan-raw-device`
}

func networkRoutes(t *routeTable) {
	p := "/nodes/{node}/network"
	audit, modify := perm("/nodes/{node}", "Sys.Audit"), perm("/nodes/{node}", "Sys.Modify")
	t.add("GET", p, "type", nil, listNetworks)
	t.add("POST", p, "iface! "+networkTable(), modify, addNetwork)
	t.add("PUT", p, "regenerate-frr:b", modify, applyNetwork)
	t.add("DELETE", p, "", modify, func(*call) (any, error) { return nil, nil })
	t.add("GET", p+"/{iface}", "", audit, getNetwork)
	t.add("PUT", p+"/{iface}", "delete@idlist "+networkTable(), modify, setNetwork)
	t.add("DELETE", p+"/{iface}", "", modify, removeNetwork)
}

// networks are the interfaces of a node: vmbr0 and what was added.
func (n *Node) networks() []Record {
	for _, r := range n.Networks {
		if r["iface"] == "vmbr0" {
			return n.Networks
		}
	}
	addr := orElse(n.Address, "10.99.0.11")
	bridge := Record{
		"iface": "vmbr0", "type": "bridge", "method": "static", "method6": "manual", "address": addr, "netmask": "24", "cidr": addr + "/24",
		"bridge_ports": "", "bridge_stp": "off", "bridge_fd": "0", "autostart": "1", "active": "1", "priority": "3",
	}
	return append([]Record{bridge}, n.Networks...)
}

// showNetwork gives numbers to the keys that are numbers; the rest is text.
func showNetwork(r Record) obj {
	o := obj{"families": []string{"inet"}}
	for k, v := range r {
		o[k] = v
		switch k {
		case "autostart", "active", "priority", "exists", "bridge_vlan_aware":
			o[k] = number(v)
		}
	}
	// A name such as vmbr0.99 says what the interface is.
	if dev, id, ok := strings.Cut(r["iface"], "."); ok && r["type"] == "vlan" && atoi(id) > 0 {
		o["vlan-raw-device"], o["vlan-id"] = dev, id
	}
	return o
}

func listNetworks(c *call) (any, error) {
	rows := []obj{}
	for _, r := range c.here().networks() {
		typ := c.p["type"]
		if typ == "" || typ == r["type"] || strings.HasPrefix(typ, "any_") && strings.HasSuffix(strings.ToLower(r["type"]), "bridge") {
			rows = append(rows, showNetwork(r))
		}
	}
	return shuffle(rows), nil
}

func (c *call) iface() (Record, error) {
	for _, r := range c.here().networks() {
		if r["iface"] == c.uri["iface"] {
			return r, nil
		}
	}
	return nil, badParam("iface", "interface does not exist")
}

func getNetwork(c *call) (any, error) {
	r, err := c.iface()
	if err != nil {
		return nil, err
	}
	o := showNetwork(r)
	delete(o, "iface")
	return o, nil
}

func addNetwork(c *call) (any, error) {
	n := c.here()
	for _, r := range n.networks() {
		if r["iface"] == c.p["iface"] {
			return nil, badParam("iface", "interface already exists")
		}
	}
	r := Record(maps.Clone(c.p))
	r["method"], r["method6"], r["priority"] = "manual", "manual", itoa(4+len(n.Networks))
	if r["cidr"] != "" || r["address"] != "" {
		r["method"] = "static"
	}
	n.Networks = append(n.Networks, r)
	c.s.dirty()
	return nil, nil
}

func setNetwork(c *call) (any, error) {
	r, err := c.iface()
	if err != nil {
		return nil, err
	}
	n := c.here()
	n.Networks = n.networks()
	for _, k := range splitList(c.p["delete"]) {
		delete(r, k)
	}
	for k, v := range c.p {
		if k != "delete" {
			r[k] = v
		}
	}
	c.s.dirty()
	return nil, nil
}

func removeNetwork(c *call) (any, error) {
	if _, err := c.iface(); err != nil {
		return nil, err
	}
	n := c.here()
	n.Networks = slices.DeleteFunc(n.Networks, func(r Record) bool { return r["iface"] == c.uri["iface"] })
	c.s.dirty()
	return nil, nil
}

func applyNetwork(c *call) (any, error) {
	return c.start(c.node(), "srvreload", "networking", func(*task) error {
		for _, r := range c.here().Networks {
			r["active"] = "1"
		}
		return nil
	}), nil
}
