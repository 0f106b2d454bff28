package pvesim

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
)

// named adds list, create, read, update and delete of named entries.
func (fs firewallScope) named(t *routeTable, what, id, table string, list func(*Firewall) *[]Record) {
	find := func(c *call, f *Firewall) (Record, error) {
		for _, r := range *list(f) {
			if r[id] == c.uri[id] {
				return r, nil
			}
		}
		return nil, badParam(id, "no such "+what+" entry '"+c.uri[id]+"'")
	}
	p := fs.path + "/" + what
	t.add("GET", p, "", fs.read, func(c *call) (any, error) {
		f, err := fs.find(c, false)
		if err != nil {
			return nil, err
		}
		rows := []obj{}
		for _, r := range *list(f) {
			rows = append(rows, entry(r, f.digest()))
		}
		return rows, nil
	})
	t.add("POST", p, id+"! "+table, fs.write, func(c *call) (any, error) {
		f, err := fs.change(c)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(*list(f), func(r Record) bool { return r[id] == c.p[id] }) {
			return nil, badParam(id, "alias '"+c.p[id]+"' already exists")
		}
		*list(f) = append(*list(f), Record(maps.Clone(c.p)))
		return nil, nil
	})
	t.add("GET", p+"/{"+id+"}", "", fs.read, func(c *call) (any, error) {
		f, err := fs.find(c, false)
		if err != nil {
			return nil, err
		}
		r, err := find(c, f)
		if err != nil {
			return nil, err
		}
		return entry(r, f.digest()), nil
	})
	t.add("PUT", p+"/{"+id+"}", table+" digest~64 rename", fs.write, func(c *call) (any, error) {
		f, err := fs.change(c)
		if err != nil {
			return nil, err
		}
		r, err := find(c, f)
		if err != nil {
			return nil, err
		}
		if to, ok := c.p["rename"]; ok {
			r[id] = to
			delete(c.p, "rename")
		}
		maps.Copy(r, c.p)
		return nil, nil
	})
	t.add("DELETE", p+"/{"+id+"}", "digest~64", fs.write, func(c *call) (any, error) {
		f, err := fs.change(c)
		if err != nil {
			return nil, err
		}
		if _, err := find(c, f); err != nil {
			return nil, err
		}
		*list(f) = slices.DeleteFunc(*list(f), func(r Record) bool { return r[id] == c.uri[id] })
		return nil, nil
	})
}

// entry is a named entry as it is shown.
func entry(r Record, digest string) obj {
	o := obj{"digest": digest}
	for k, v := range r {
		o[k] = v
	}
	if r["nomatch"] != "" {
		o["nomatch"] = number(r["nomatch"])
	}
	return o
}

func (fs firewallScope) listSets(c *call) (any, error) {
	f, err := fs.find(c, false)
	if err != nil {
		return nil, err
	}
	rows := []obj{}
	for _, name := range slices.Sorted(maps.Keys(f.IPSets)) {
		row := obj{"name": name, "digest": f.digest()}
		if text := f.SetComments[name]; text != "" {
			row["comment"] = text
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// addSet makes a set, or with rename gives one another name or comment.
func (fs firewallScope) addSet(c *call) (any, error) {
	f, err := fs.change(c)
	if err != nil {
		return nil, err
	}
	if f.IPSets == nil {
		f.IPSets = map[string][]Record{}
	}
	name, old, renames := c.p["name"], c.p["rename"], c.has("rename")
	_, taken := f.IPSets[name]
	_, known := f.IPSets[old]
	switch {
	case renames && !known:
		return nil, badParam("name", "IPSet '"+old+"' does not exist")
	case renames && name != old && taken:
		return nil, badParam("name", "IPSet '"+name+"' does already exist")
	case !renames && taken:
		return nil, badParam("name", "IPSet '"+name+"' already exists")
	case !renames:
		f.IPSets[name] = []Record{}
	case name != old:
		f.IPSets[name] = f.IPSets[old]
		delete(f.IPSets, old)
		f.comment(name, f.SetComments[old])
		delete(f.SetComments, old)
	}
	if text, given := c.p["comment"]; given {
		f.comment(name, text)
	}
	return nil, nil
}

func (f *Firewall) comment(set, text string) {
	if f.SetComments == nil {
		f.SetComments = map[string]string{}
	}
	f.SetComments[set] = text
}

func (fs firewallScope) getSet(c *call) (any, error) {
	f, err := fs.find(c, false)
	if err != nil {
		return nil, err
	}
	set, ok := f.IPSets[c.uri["name"]]
	if !ok {
		return nil, die("no such IPSet '%s'", c.uri["name"])
	}
	rows := []obj{}
	for _, r := range set {
		rows = append(rows, entry(r, f.digest()))
	}
	return rows, nil
}

func (fs firewallScope) addToSet(c *call) (any, error) {
	f, err := fs.change(c)
	if err != nil {
		return nil, err
	}
	set, ok := f.IPSets[c.uri["name"]]
	e := Record{"cidr": hostAlone(c.p["cidr"])}
	e.set(c.p)
	switch {
	case !ok:
		return nil, die("no such IPSet '%s'", c.uri["name"])
	case slices.ContainsFunc(set, func(r Record) bool { return r["cidr"] == e["cidr"] }):
		return nil, badParam("cidr", "address '"+e["cidr"]+"' already exists")
	case strings.HasSuffix(e["cidr"], "/0"):
		return nil, badParam("cidr", "a zero prefix is not allowed in ipset entries")
	}
	set = append(set, e)
	slices.SortFunc(set, func(a, b Record) int { return strings.Compare(a["cidr"], b["cidr"]) }) // as the file has them
	f.IPSets[c.uri["name"]] = set
	return nil, nil
}

func (fs firewallScope) removeSet(c *call) (any, error) {
	f, err := fs.change(c)
	if err != nil {
		return nil, err
	}
	set, ok := f.IPSets[c.uri["name"]]
	switch {
	case !ok:
		return nil, die("no such IPSet '%s'", c.uri["name"])
	case len(set) > 0 && !c.flag("force"):
		return nil, die("IPSet '%s' is not empty", c.uri["name"])
	}
	delete(f.IPSets, c.uri["name"])
	delete(f.SetComments, c.uri["name"])
	return nil, nil
}

// inSet finds an entry of a set.
func (f *Firewall) inSet(c *call) (int, error) {
	set, ok := f.IPSets[c.uri["name"]]
	if !ok {
		return 0, die("no such IPSet '%s'", c.uri["name"])
	}
	i := slices.IndexFunc(set, func(r Record) bool { return r["cidr"] == c.uri["cidr"] })
	if i < 0 {
		return 0, badParam("cidr", "no such IP/Network")
	}
	return i, nil
}

func (fs firewallScope) getFromSet(c *call) (any, error) {
	f, err := fs.find(c, false)
	if err != nil {
		return nil, err
	}
	i, err := f.inSet(c)
	if err != nil {
		return nil, err
	}
	return entry(f.IPSets[c.uri["name"]][i], f.digest()), nil
}

func (fs firewallScope) setInSet(c *call) (any, error) {
	f, err := fs.change(c)
	if err != nil {
		return nil, err
	}
	i, err := f.inSet(c)
	if err != nil {
		return nil, err
	}
	f.IPSets[c.uri["name"]][i].set(c.p)
	return nil, nil
}

// set gives an entry of a set its properties: those that say something.
func (r Record) set(p map[string]string) {
	for _, k := range []string{"comment", "nomatch"} {
		if delete(r, k); p[k] != "" && p[k] != "0" {
			r[k] = p[k]
		}
	}
}

// hostAlone writes a network of one address as that address.
func hostAlone(cidr string) string {
	if p, err := netip.ParsePrefix(cidr); err == nil && p.IsSingleIP() {
		return p.Addr().String()
	}
	return cidr
}

// removeFromSet takes an entry out; one that is not there is none too.
func (fs firewallScope) removeFromSet(c *call) (any, error) {
	f, err := fs.change(c)
	if err != nil {
		return nil, err
	}
	name := c.uri["name"]
	if _, ok := f.IPSets[name]; !ok {
		return nil, die("no such IPSet '%s'", name)
	}
	f.IPSets[name] = slices.DeleteFunc(f.IPSets[name], func(r Record) bool { return r["cidr"] == c.uri["cidr"] })
	return nil, nil
}
