package pvesim

import "slices"

func mappingRoutes(t *routeTable) {
	t.add("GET", "/cluster/mapping", "", nil, index("pci", "usb", "dir"))
	for _, typ := range []string{"pci", "usb", "dir"} {
		p := "/cluster/mapping/" + typ
		modify := perm("/mapping/"+typ, "Mapping.Modify")
		table := "description map:a"
		if typ == "pci" {
			table += " mdev:b live-migration-capable:b"
		}
		t.add("GET", p, "check-node@node", nil, listMappings(typ))
		t.add("POST", p, "id!@id "+table, modify, addMapping(typ))
		t.add("GET", p+"/{id}", "", perm("/mapping/"+typ+"/{id}", "Mapping.Audit", "Mapping.Use", "Mapping.Modify"), getMapping(typ))
		t.add("PUT", p+"/{id}", "delete@idlist digest~64 "+table, modify, setMapping(typ))
		t.add("DELETE", p+"/{id}", "", modify, removeMapping(typ))
	}
}

func (m *Mapping) show() obj {
	o := obj{"id": m.ID, "type": m.Type, "map": m.Map, "digest": digestOf(Record{"map": joinComma(m.Map)})}
	if m.Note != "" {
		o["description"] = m.Note
	}
	return o
}

func (s *Server) mapping(typ, id string) *Mapping {
	for _, m := range s.world.Mappings {
		if m.Type == typ && m.ID == id {
			return m
		}
	}
	return nil
}

func listMappings(typ string) handler {
	return func(c *call) (any, error) {
		rows := []obj{}
		for _, m := range c.s.world.Mappings {
			if m.Type == typ && c.may("/mapping/"+typ+"/"+m.ID, "Mapping.Audit", "Mapping.Use", "Mapping.Modify") {
				rows = append(rows, m.show())
			}
		}
		return shuffle(rows), nil
	}
}

func addMapping(typ string) handler {
	return func(c *call) (any, error) {
		if c.s.mapping(typ, c.p["id"]) != nil {
			return nil, die("mapping '%s' already exists", c.p["id"])
		}
		m := &Mapping{Type: typ, ID: c.p["id"]}
		m.take(c.p)
		c.s.world.Mappings = append(c.s.world.Mappings, m)
		c.s.dirty()
		return nil, nil
	}
}

func (m *Mapping) take(p map[string]string) {
	if v, ok := p["map"]; ok {
		m.Map = splitNUL(v)
	}
	if v, ok := p["description"]; ok {
		m.Note = v
	}
}

func getMapping(typ string) handler {
	return func(c *call) (any, error) {
		m := c.s.mapping(typ, c.uri["id"])
		if m == nil {
			return nil, die("mapping '%s' does not exist", c.uri["id"])
		}
		return m.show(), nil
	}
}

func setMapping(typ string) handler {
	return func(c *call) (any, error) {
		m := c.s.mapping(typ, c.uri["id"])
		if m == nil {
			return nil, die("mapping '%s' does not exist", c.uri["id"])
		}
		m.take(c.p)
		c.s.dirty()
		return nil, nil
	}
}

func removeMapping(typ string) handler {
	return func(c *call) (any, error) {
		if c.s.mapping(typ, c.uri["id"]) == nil {
			return nil, die("mapping '%s' does not exist", c.uri["id"])
		}
		c.s.world.Mappings = slices.DeleteFunc(c.s.world.Mappings, func(m *Mapping) bool { return m.Type == typ && m.ID == c.uri["id"] })
		c.s.dirty()
		return nil, nil
	}
}
