package pvesim

import (
	"slices"
)

func poolRoutes(t *routeTable) {
	alloc := func(c *call) error { return c.check("/pool/"+c.poolID(), "Pool.Allocate") }
	see := func(c *call) error { return c.check("/pool/"+c.poolID(), "Pool.Audit") }
	const change = "comment vms@vmidlist storage delete:b allow-move:b"
	t.add("GET", "/pools", "poolid@pool type(qemu|lxc|storage)", nil, listPools)
	t.add("POST", "/pools", "poolid!@pool comment", alloc, createPool)
	t.add("PUT", "/pools", "poolid!@pool "+change, alloc, updatePool)
	t.add("DELETE", "/pools", "poolid!@pool", alloc, deletePool)
	t.add("GET", "/pools/{poolid}", "type(qemu|lxc|storage)", see, getPool)
	t.add("PUT", "/pools/{poolid}", change, alloc, updatePool)
	t.add("DELETE", "/pools/{poolid}", "", alloc, deletePool)
}

// poolID is the pool of the path or, in the new manner, of the parameter.
func (c *call) poolID() string {
	if id := c.uri["poolid"]; id != "" {
		return id
	}
	return c.raw.Get("poolid")
}

func (c *call) poolOf() (*Pool, error) {
	p := c.s.world.pool(c.poolID())
	if p == nil {
		return nil, die("pool '%s' does not exist", c.poolID())
	}
	return p, nil
}

func listPools(c *call) (any, error) {
	rows := []obj{}
	for _, p := range c.s.world.Pools {
		if !c.may("/pool/"+p.ID, "Pool.Audit") {
			continue
		}
		if id := c.p["poolid"]; id != "" {
			if id == p.ID {
				o := c.poolView(p)
				return []obj{o}, nil
			}
			continue
		}
		o := obj{"poolid": p.ID}
		if p.Comment != "" {
			o["comment"] = p.Comment
		}
		rows = append(rows, o)
	}
	if c.has("poolid") {
		return nil, die("pool '%s' does not exist", c.p["poolid"])
	}
	return shuffle(rows), nil
}

// poolView is a pool with its members.
func (c *call) poolView(p *Pool) obj {
	members := []obj{}
	typ := c.p["type"]
	for _, m := range c.s.guests {
		if m.Pool == p.ID && (typ == "" || typ == m.Kind) {
			row := c.s.resource(m)
			delete(row, "pool")
			members = append(members, row)
		}
	}
	if typ == "" || typ == "storage" {
		for _, row := range c.storageResources() {
			if slices.Contains(p.Storages, row["storage"].(string)) {
				members = append(members, row)
			}
		}
	}
	o := obj{"poolid": p.ID, "members": shuffle(members)}
	if p.Comment != "" {
		o["comment"] = p.Comment
	}
	return o
}

func getPool(c *call) (any, error) {
	p, err := c.poolOf()
	if err != nil {
		return nil, err
	}
	return c.poolView(p), nil
}

func createPool(c *call) (any, error) {
	id := c.p["poolid"]
	if err := c.cfsLock("create pool failed:", "file-user_cfg"); err != nil {
		return nil, err
	}
	if c.s.world.pool(id) != nil {
		return nil, die("create pool failed: pool '%s' already exists", id)
	}
	c.s.world.Pools = append(c.s.world.Pools, &Pool{ID: id, Comment: c.p["comment"]})
	c.s.dirty()
	return nil, nil
}

func updatePool(c *call) (any, error) {
	p, err := c.poolOf()
	if err != nil {
		return nil, die("update pools failed: %s", err)
	}
	if err := c.cfsLock("update pools failed:", "file-user_cfg"); err != nil {
		return nil, err
	}
	if c.has("comment") {
		p.Comment = c.p["comment"]
	}
	for _, v := range splitList(c.p["vms"]) {
		if err := c.mayPool(v); err != nil {
			return nil, err
		}
		if err := c.poolMember(p, v); err != nil {
			return nil, die("update pools failed: %s", err)
		}
	}
	for _, st := range splitList(c.p["storage"]) {
		has := slices.Contains(p.Storages, st)
		switch {
		case c.flag("delete") && !has:
			return nil, die("update pools failed: Storage '%s' is not a pool member", st)
		case c.flag("delete"):
			p.Storages = slices.DeleteFunc(p.Storages, func(s string) bool { return s == st })
		case has:
			return nil, die("update pools failed: Storage '%s' is already a pool member", st)
		default:
			p.Storages = append(p.Storages, st)
		}
	}
	c.s.dirty()
	return nil, nil
}

// mayPool: a guest changes its pool by who may allocate it, and leaves one by who may
// allocate that (PVE/API2/Pool.pm).
func (c *call) mayPool(vmid string) error {
	if err := c.check("/vms/"+vmid, "Permissions.Modify", "VM.Allocate"); err != nil {
		return err
	}
	m := c.s.guests[atoi(vmid)]
	if m == nil || m.Pool == "" || m.Pool == c.poolID() || !c.flag("allow-move") {
		return nil
	}
	return c.check("/pool/"+m.Pool, "Pool.Allocate")
}

func (c *call) poolMember(p *Pool, vmid string) error {
	m := c.s.guests[atoi(vmid)]
	switch {
	case m == nil && !c.flag("delete"):
		return die("VM %s does not exist", vmid)
	case c.flag("delete") && (m == nil || m.Pool != p.ID):
		return die("VM %s is not a pool member", vmid)
	case c.flag("delete"):
		m.Pool = ""
	case m.Pool == p.ID:
		return die("VM %s is already a pool member", vmid)
	case m.Pool != "" && !c.flag("allow-move"):
		return die("VM %s belongs already to pool '%s' and 'allow-move' is not set", vmid, m.Pool)
	default:
		m.Pool = p.ID
	}
	return nil
}

func deletePool(c *call) (any, error) {
	p, err := c.poolOf()
	if err != nil {
		return nil, die("delete pool failed: %s", err)
	}
	if err := c.cfsLock("delete pool failed:", "file-user_cfg"); err != nil {
		return nil, err
	}
	if len(p.Storages) > 0 || slices.ContainsFunc(c.s.world.Guests, func(g *Guest) bool { return g.Pool == p.ID }) {
		return nil, die("delete pool failed: pool '%s' is not empty", p.ID)
	}
	c.s.world.Pools = slices.DeleteFunc(c.s.world.Pools, func(o *Pool) bool { return o == p })
	c.s.dirty()
	return nil, nil
}
