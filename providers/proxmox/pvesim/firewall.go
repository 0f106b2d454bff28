package pvesim

import (
	"maps"
	"slices"
)

// firewallScope is a place that has a firewall config: the data center, a
// node, a guest.
type firewallScope struct {
	path        string
	read, write guard
	options     string // parameters of its options
	guest       bool
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
			options: guest, guest: true, find: guestFirewall,
		}.add(t)
	}
	firewallScope{
		path: "/cluster/firewall", read: perm("/", "Sys.Audit"), write: perm("/", "Sys.Modify"),
		options: "enable:i>=0 ebtables:b log_ratelimit policy_forward(ACCEPT|DROP)" + policies, find: clusterFirewall,
	}.add(t)
	t.add("GET", "/cluster/firewall/macros", "", nil, func(*call) (any, error) {
		return []obj{{"macro": "SSH", "descr": "Secure shell traffic"}, {"macro": "HTTPS", "descr": "Hypertext Transfer Protocol (WWW) over SSL"}}, nil
	})
	t.add("GET", "/nodes/{node}/firewall/rules", "", perm("/nodes/{node}", "Sys.Audit"), func(*call) (any, error) { return []obj{}, nil })
	t.add("GET", "/nodes/{node}/firewall/options", "", perm("/nodes/{node}", "Sys.Audit"), func(*call) (any, error) {
		return obj{"digest": digestOf(nil)}, nil
	})
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
	if len(f.Options)+len(f.Rules)+len(f.Aliases)+len(f.IPSets)+len(f.Groups) == 0 {
		return digestOf(nil)
	}
	data, err := marshal(f)
	if err != nil {
		return digestOf(nil)
	}
	return digestOf(Record{"file": string(data)})
}

func (fs firewallScope) add(t *routeTable) {
	rule := `comment dest digest~64 dport enable:i>=0 icmp-type iface log` + logLevels() + ` macro proto source sport`
	p := fs.path
	t.add("GET", p, "", nil, index("rules", "aliases", "ipset", "options", "refs", "log"))
	t.add("GET", p+"/options", "", fs.read, fs.getOptions)
	t.add("PUT", p+"/options", "delete@idlist digest~64 "+fs.options, fs.write, fs.setOptions)
	t.add("GET", p+"/rules", "", fs.read, fs.listRules)
	t.add("POST", p+"/rules", "action! type!(in|out|forward|group) pos:i>=0 "+rule, fs.write, fs.addRule)
	t.add("GET", p+"/rules/{pos}", "", fs.read, fs.getRule)
	t.add("PUT", p+"/rules/{pos}", "action type(in|out|forward|group) delete@idlist moveto:i>=0 "+rule, fs.write, fs.setRule)
	t.add("DELETE", p+"/rules/{pos}", "digest~64", fs.write, fs.removeRule)
	t.add("GET", p+"/refs", "type(alias|ipset)", fs.read, func(*call) (any, error) { return []obj{}, nil })
	if fs.guest {
		t.add("GET", p+"/log", "limit:i>=0 since:i>=0 start:i>=0 until:i>=0", fs.read, func(*call) (any, error) {
			return totalled{[]obj{{"n": 1, "t": "no content"}}, 1}, nil
		})
	}
	fs.named(t, "aliases", "name", "cidr! comment", func(f *Firewall) *[]Record { return &f.Aliases })
	t.add("GET", p+"/ipset", "", fs.read, fs.listSets)
	t.add("POST", p+"/ipset", "name! comment digest~64 rename", fs.write, fs.addSet)
	t.add("GET", p+"/ipset/{name}", "", fs.read, fs.getSet)
	t.add("POST", p+"/ipset/{name}", "cidr! comment nomatch:b", fs.write, fs.addToSet)
	t.add("DELETE", p+"/ipset/{name}", "force:b", fs.write, fs.removeSet)
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

func showRule(r Record, pos int, digest string) obj {
	o := obj{"pos": pos, "digest": digest}
	for k, v := range r {
		o[k] = v
		if k == "enable" {
			o[k] = number(v)
		}
	}
	return o
}

func (fs firewallScope) listRules(c *call) (any, error) {
	f, err := fs.find(c, false)
	if err != nil {
		return nil, err
	}
	rows := []obj{}
	for i, r := range f.Rules {
		rows = append(rows, showRule(r, i, f.digest()))
	}
	return rows, nil
}

// addRule puts a rule at the top unless a position is given.
func (fs firewallScope) addRule(c *call) (any, error) {
	f, err := fs.change(c)
	if err != nil {
		return nil, err
	}
	pos := min(atoi(c.p["pos"]), len(f.Rules))
	delete(c.p, "pos")
	if c.p["enable"] == "" {
		c.p["enable"] = "0"
	}
	f.Rules = slices.Insert(f.Rules, pos, Record(maps.Clone(c.p)))
	return nil, nil
}

func (fs firewallScope) ruleAt(c *call, f *Firewall) (int, error) {
	pos := atoi(c.uri["pos"])
	if pos >= len(f.Rules) {
		return 0, badParam("pos", "no rule at position "+c.uri["pos"])
	}
	return pos, nil
}

func (fs firewallScope) getRule(c *call) (any, error) {
	f, err := fs.find(c, false)
	if err != nil {
		return nil, err
	}
	pos, err := fs.ruleAt(c, f)
	if err != nil {
		return nil, err
	}
	return showRule(f.Rules[pos], pos, f.digest()), nil
}

func (fs firewallScope) setRule(c *call) (any, error) {
	f, err := fs.change(c)
	if err != nil {
		return nil, err
	}
	pos, err := fs.ruleAt(c, f)
	if err != nil {
		return nil, err
	}
	r := f.Rules[pos]
	if to, ok := c.p["moveto"]; ok {
		f.Rules = slices.Delete(f.Rules, pos, pos+1)
		f.Rules = slices.Insert(f.Rules, min(atoi(to), len(f.Rules)), r)
		return nil, nil
	}
	for _, k := range splitList(c.p["delete"]) {
		delete(r, k)
	}
	delete(c.p, "delete")
	maps.Copy(r, c.p)
	return nil, nil
}

func (fs firewallScope) removeRule(c *call) (any, error) {
	f, err := fs.change(c)
	if err != nil {
		return nil, err
	}
	pos, err := fs.ruleAt(c, f)
	if err != nil {
		return nil, err
	}
	f.Rules = slices.Delete(f.Rules, pos, pos+1)
	return nil, nil
}
