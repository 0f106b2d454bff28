package pvesim

import (
	"maps"
	"slices"
)

// groupRoutes are the security groups of the data center.
func groupRoutes(t *routeTable) {
	dc := firewallScope{read: perm("/", "Sys.Audit"), write: perm("/", "Sys.Modify"), find: clusterFirewall}
	p := "/cluster/firewall/groups"
	t.add("GET", p, "", nil, dc.listGroups)
	t.add("POST", p, "group!~18 comment digest~64 rename~18", dc.write, dc.addGroup)
	ruleList{dc, p + "/{group}", groupOf}.add(t)
	t.add("DELETE", p+"/{group}", "", dc.write, dc.removeGroup)
}

func groupOf(c *call, f *Firewall) (*[]Record, error) {
	g := f.Groups[c.uri["group"]]
	if g == nil {
		return nil, die("no such security group '%s'", c.uri["group"])
	}
	return &g.Rules, nil
}

func (fs firewallScope) listGroups(c *call) (any, error) {
	f, err := fs.find(c, false)
	if err != nil {
		return nil, err
	}
	rows := []obj{}
	for _, name := range slices.Sorted(maps.Keys(f.Groups)) {
		row := obj{"group": name, "digest": f.digest()}
		if text := f.Groups[name].Comment; text != "" {
			row["comment"] = text
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// addGroup makes a group, or with rename gives one another name or comment.
func (fs firewallScope) addGroup(c *call) (any, error) {
	f, err := fs.change(c)
	if err != nil {
		return nil, err
	}
	if f.Groups == nil {
		f.Groups = map[string]*SecurityGroup{}
	}
	name, old, renames := c.p["group"], c.p["rename"], c.has("rename")
	switch {
	case renames && f.Groups[old] == nil:
		return nil, badParam("group", "Security group '"+old+"' does not exist")
	case renames && name != old && f.Groups[name] != nil:
		return nil, badParam("group", "Security group '"+name+"' does already exist")
	case !renames && f.Groups[name] != nil:
		return nil, badParam("group", "Security group '"+name+"' already exists")
	case !renames:
		f.Groups[name] = &SecurityGroup{}
	case name != old:
		f.Groups[name] = f.Groups[old]
		delete(f.Groups, old)
		c.s.world.renameGroup(old, name)
	}
	if text, given := c.p["comment"]; given {
		f.Groups[name].Comment = text
	}
	return nil, nil
}

// renameGroup follows a group's new name in the rules that refer to it.
func (w *World) renameGroup(from, to string) {
	for _, f := range w.firewalls() {
		for _, r := range f.Rules {
			if r["type"] == "group" && r["action"] == from {
				r["action"] = to
			}
		}
	}
}

func (fs firewallScope) removeGroup(c *call) (any, error) {
	f, err := fs.change(c)
	if err != nil {
		return nil, err
	}
	rules, err := groupOf(c, f)
	if err != nil {
		return nil, err
	}
	if len(*rules) > 0 {
		return nil, die("Security group '%s' is not empty", c.uri["group"])
	}
	delete(f.Groups, c.uri["group"])
	return nil, nil
}
