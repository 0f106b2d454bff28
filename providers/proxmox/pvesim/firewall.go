package pvesim

import "maps"

// firewallScope is a place that has a firewall config: the data center, a
// node, a guest.
type firewallScope struct {
	path        string
	read, write guard
	options     string // parameters of its options
	log         guard  // of its log; nil: it has none
	bare        bool   // it has neither aliases nor sets
	find        func(c *call, create bool) (*Firewall, error)
}

func logLevels() string { return "(emerg|alert|crit|err|warning|notice|info|debug|nolog)" }

func firewallRoutes(t *routeTable) {
	lv := logLevels()
	policies := " policy_in(ACCEPT|REJECT|DROP) policy_out(ACCEPT|REJECT|DROP)"
	guest := "dhcp:b enable:b ipfilter:b log_level_in" + lv + " log_level_out" + lv + " macfilter:b ndp:b radv:b" + policies
	for _, kind := range []string{"qemu", "lxc"} {
		firewallScope{
			path: "/nodes/{node}/" + kind + "/{vmid}/firewall", read: perm("/vms/{vmid}", "VM.Audit"), write: perm("/vms/{vmid}", "VM.Config.Network"),
			options: guest, log: perm("/vms/{vmid}", "VM.Console"), find: guestFirewall,
		}.add(t)
	}
	firewallScope{
		path: "/cluster/firewall", read: perm("/", "Sys.Audit"), write: perm("/", "Sys.Modify"),
		options: "enable:i>=0 ebtables:b log_ratelimit policy_forward(ACCEPT|DROP)" + policies, find: clusterFirewall,
	}.add(t)
	t.add("GET", "/cluster/firewall/macros", "", nil, func(*call) (any, error) {
		return []obj{{"macro": "SSH", "descr": "Secure shell traffic"}, {"macro": "HTTPS", "descr": "Hypertext Transfer Protocol (WWW) over SSL"}}, nil
	})
	nodeFirewall(t)
	groupRoutes(t)
}

// nodeFirewall is host.fw of a node.
func nodeFirewall(t *routeTable) {
	lv := logLevels()
	find := func(c *call, create bool) (*Firewall, error) {
		n := c.here()
		if n.Firewall == nil {
			if !create {
				return &Firewall{}, nil
			}
			n.Firewall = &Firewall{}
		}
		return n.Firewall, nil
	}
	options := "enable:b log_level_in" + lv + " log_level_out" + lv + " log_nf_conntrack:b ndp:b nf_conntrack_allow_invalid:b nf_conntrack_helpers" +
		" nf_conntrack_max:i>=32768 nf_conntrack_tcp_timeout_established:i>=7875 nf_conntrack_tcp_timeout_syn_recv:i>=30 nosmurfs:b protection_synflood:b" +
		" protection_synflood_burst:i protection_synflood_rate:i smurf_log_level" + lv + " tcp_flags_log_level" + lv + " tcpflags:b log_level_forward" + lv + " nftables:b"
	firewallScope{
		path: "/nodes/{node}/firewall", read: perm("/nodes/{node}", "Sys.Audit"), write: perm("/nodes/{node}", "Sys.Modify"), log: perm("/nodes/{node}", "Sys.Syslog"),
		options: options, bare: true, find: find,
	}.add(t)
}

func guestFirewall(c *call, create bool) (*Firewall, error) {
	m, err := c.machine()
	if err != nil {
		return nil, err
	}
	if m.Firewall == nil {
		if !create {
			return &Firewall{}, nil
		}
		m.Firewall = &Firewall{}
	}
	return m.Firewall, nil
}

func clusterFirewall(c *call, create bool) (*Firewall, error) {
	if c.s.world.Firewall == nil {
		if !create {
			return &Firewall{}, nil
		}
		c.s.world.Firewall = &Firewall{}
	}
	return c.s.world.Firewall, nil
}

// digest is that of the file; a file that is not there has the empty one.
func (f *Firewall) digest() string {
	if len(f.Options)+len(f.Rules)+len(f.Aliases)+len(f.IPSets)+len(f.SetComments)+len(f.Groups) == 0 {
		return digestOf(nil)
	}
	data, err := marshal(f)
	if err != nil {
		return digestOf(nil)
	}
	return digestOf(Record{"file": string(data)})
}

func (fs firewallScope) add(t *routeTable) {
	p := fs.path
	if fs.bare {
		t.add("GET", p, "", nil, index("rules", "options", "log"))
	} else {
		parts := []string{"rules", "aliases", "ipset", "options", "refs"}
		if fs.log != nil {
			parts = append(parts, "log")
		} else {
			parts = append(parts, "groups", "macros")
		}
		t.add("GET", p, "", nil, index(parts...))
	}
	t.add("GET", p+"/options", "", fs.read, fs.getOptions)
	t.add("PUT", p+"/options", "delete@idlist digest~64 "+fs.options, fs.write, fs.setOptions)
	ruleList{fs, p + "/rules", func(_ *call, f *Firewall) (*[]Record, error) { return &f.Rules, nil }}.add(t)
	if fs.log != nil {
		t.add("GET", p+"/log", "limit:i>=0 since:i>=0 start:i>=0 until:i>=0", fs.log, func(*call) (any, error) {
			return totalled{[]obj{{"n": 1, "t": "no content"}}, 1}, nil
		})
	}
	if fs.bare {
		return
	}
	t.add("GET", p+"/refs", "type(alias|ipset)", fs.read, func(*call) (any, error) { return []obj{}, nil })
	fs.named(t, "aliases", "name", "cidr! comment", func(f *Firewall) *[]Record { return &f.Aliases })
	t.add("GET", p+"/ipset", "", fs.read, fs.listSets)
	t.add("POST", p+"/ipset", "name! comment digest~64 rename", fs.write, fs.addSet)
	t.add("GET", p+"/ipset/{name}", "", fs.read, fs.getSet)
	t.add("POST", p+"/ipset/{name}", "cidr! comment nomatch:b", fs.write, fs.addToSet)
	t.add("DELETE", p+"/ipset/{name}", "force:b", fs.write, fs.removeSet)
	one := p + "/ipset/{name}/{cidr}"
	t.add("GET", one, "", fs.read, fs.getFromSet)
	t.add("PUT", one, "comment digest~64 nomatch:b", fs.write, fs.setInSet)
	t.add("DELETE", one, "digest~64", fs.write, fs.removeFromSet)
}

func (fs firewallScope) getOptions(c *call) (any, error) {
	f, err := fs.find(c, false)
	if err != nil {
		return nil, err
	}
	o := obj{"digest": f.digest()}
	for k, v := range f.Options {
		o[k] = number(v)
	}
	return o, nil
}

// change finds the config for a write and checks the digest.
func (fs firewallScope) change(c *call) (*Firewall, error) {
	f, err := fs.find(c, true)
	if err != nil {
		return nil, err
	}
	if err := c.quorum(); err != nil {
		return nil, err
	}
	if d := c.p["digest"]; d != "" && d != f.digest() {
		return nil, die("detected modified configuration - file changed by other user? Try again.")
	}
	delete(c.p, "digest")
	c.s.dirty()
	return f, nil
}

func (fs firewallScope) setOptions(c *call) (any, error) {
	f, err := fs.change(c)
	if err != nil {
		return nil, err
	}
	if f.Options == nil {
		f.Options = map[string]string{}
	}
	for _, k := range splitList(c.p["delete"]) {
		delete(f.Options, k)
	}
	delete(c.p, "delete")
	maps.Copy(f.Options, c.p)
	return nil, nil
}
