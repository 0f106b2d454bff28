package pvesim

import "slices"

// ruleList is a list of rules: a scope's own, or those of a security group.
type ruleList struct {
	firewallScope
	path string
	of   func(c *call, f *Firewall) (*[]Record, error)
}

func (l ruleList) add(t *routeTable) {
	rule := `comment dest digest~64 dport enable:i>=0 icmp-type iface log` + logLevels() + ` macro proto source sport`
	t.add("GET", l.path, "", l.read, l.all)
	t.add("POST", l.path, "action! type!(in|out|forward|group) pos:i>=0 "+rule, l.write, l.insert)
	t.add("GET", l.path+"/{pos}", "", l.read, l.get)
	t.add("PUT", l.path+"/{pos}", "action type(in|out|forward|group) delete@idlist moveto:i>=0 "+rule, l.write, l.update)
	t.add("DELETE", l.path+"/{pos}", "digest~64", l.write, l.remove)
}

// look finds the rules for a read, changed for a write.
func (l ruleList) look(c *call) (f *Firewall, rules *[]Record, err error) {
	if f, err = l.find(c, false); err == nil {
		rules, err = l.of(c, f)
	}
	return f, rules, err
}

func (l ruleList) changed(c *call) (rules *[]Record, err error) {
	f, err := l.change(c)
	if err != nil {
		return nil, err
	}
	return l.of(c, f)
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

func (l ruleList) all(c *call) (any, error) {
	f, rules, err := l.look(c)
	if err != nil {
		return nil, err
	}
	rows := []obj{}
	for i, r := range *rules {
		rows = append(rows, showRule(r, i, f.digest()))
	}
	return rows, nil
}

// insert puts a rule at the top; the position that a request may name means nothing.
func (l ruleList) insert(c *call) (any, error) {
	rules, err := l.changed(c)
	if err != nil {
		return nil, err
	}
	r := Record{}
	r.takeRule(c.p)
	if c.p["enable"] == "" {
		r["enable"] = "0"
	}
	*rules = slices.Insert(*rules, 0, r)
	return nil, nil
}

// takeRule takes properties over; an empty one and a dash take one away.
func (r Record) takeRule(p map[string]string) {
	for k, v := range p {
		switch {
		case slices.Contains([]string{"pos", "moveto", "delete", "digest"}, k):
		case v == "" || v == "-":
			delete(r, k)
		default:
			r[k] = v
		}
	}
}

// changedAt finds the rule of the path for a write.
func (l ruleList) changedAt(c *call) (rules *[]Record, pos int, err error) {
	if rules, err = l.changed(c); err == nil {
		pos, err = l.at(c, *rules)
	}
	return rules, pos, err
}

func (l ruleList) at(c *call, rules []Record) (int, error) {
	pos := atoi(c.uri["pos"])
	if pos >= len(rules) {
		return 0, die("no rule at position %s", c.uri["pos"])
	}
	return pos, nil
}

func (l ruleList) get(c *call) (any, error) {
	f, rules, err := l.look(c)
	if err != nil {
		return nil, err
	}
	pos, err := l.at(c, *rules)
	if err != nil {
		return nil, err
	}
	o := showRule((*rules)[pos], pos, f.digest())
	o["pos"] = c.uri["pos"] // a string here, a number in the list
	return o, nil
}

func (l ruleList) update(c *call) (any, error) {
	rules, pos, err := l.changedAt(c)
	if err != nil {
		return nil, err
	}
	r := (*rules)[pos]
	if to := atoi(c.p["moveto"]); c.has("moveto") && to != pos {
		if to > pos && to < len(*rules) {
			to-- // it goes before the rule that has the place now
		}
		*rules = slices.Delete(*rules, pos, pos+1)
		*rules = slices.Insert(*rules, min(to, len(*rules)), r)
		return nil, nil
	}
	r.takeRule(c.p)
	for _, k := range splitList(c.p["delete"]) {
		delete(r, k)
	}
	return nil, nil
}

func (l ruleList) remove(c *call) (any, error) {
	rules, pos, err := l.changedAt(c)
	if err != nil {
		return nil, err
	}
	*rules = slices.Delete(*rules, pos, pos+1)
	return nil, nil
}
