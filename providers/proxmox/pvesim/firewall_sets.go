package pvesim

import (
	"maps"
	"slices"
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
	return o
}

func (fs firewallScope) listSets(c *call) (any, error) {
	f, err := fs.find(c, false)
	if err != nil {
		return nil, err
	}
	rows := []obj{}
	for name := range f.IPSets {
		rows = append(rows, obj{"name": name, "digest": f.digest()})
	}
	return rows, nil
}

func (fs firewallScope) addSet(c *call) (any, error) {
	f, err := fs.change(c)
	if err != nil {
		return nil, err
	}
	if f.IPSets == nil {
		f.IPSets = map[string][]Record{}
	}
	if _, dup := f.IPSets[c.p["name"]]; dup {
		return nil, badParam("name", "IPSet '"+c.p["name"]+"' already exists")
	}
	f.IPSets[c.p["name"]] = []Record{}
	return nil, nil
}

func (fs firewallScope) getSet(c *call) (any, error) {
	f, err := fs.find(c, false)
	if err != nil {
		return nil, err
	}
	set, ok := f.IPSets[c.uri["name"]]
	if !ok {
		return nil, badParam("name", "no such IPSet")
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
	if _, ok := f.IPSets[c.uri["name"]]; !ok {
		return nil, badParam("name", "no such IPSet")
	}
	f.IPSets[c.uri["name"]] = append(f.IPSets[c.uri["name"]], Record(maps.Clone(c.p)))
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
		return nil, badParam("name", "no such IPSet")
	case len(set) > 0 && !c.flag("force"):
		return nil, die("IPSet '%s' is not empty", c.uri["name"])
	}
	delete(f.IPSets, c.uri["name"])
	return nil, nil
}
