package pvesim

import "strings"

func (w *World) node(name string) *Node {
	for _, n := range w.Nodes {
		if n.Name == name {
			return n
		}
	}
	return nil
}

func (w *World) storage(id string) *Storage {
	for _, s := range w.Storages {
		if s.ID == id {
			return s
		}
	}
	return nil
}

func (w *World) volume(id string) *Volume {
	for _, v := range w.Volumes {
		if v.ID == id {
			return v
		}
	}
	return nil
}

func (w *World) pool(id string) *Pool {
	for _, p := range w.Pools {
		if p.ID == id {
			return p
		}
	}
	return nil
}

func (w *World) user(id string) *User {
	for _, u := range w.Users {
		if u.ID == id {
			return u
		}
	}
	return nil
}

func (w *World) group(id string) *Group {
	for _, g := range w.Groups {
		if g.ID == id {
			return g
		}
	}
	return nil
}

func (w *World) ha(sid string) *HAResource {
	for _, r := range w.HA {
		if r.SID == sid {
			return r
		}
	}
	return nil
}

func (u *User) token(id string) *Token {
	for _, t := range u.Tokens {
		if t.ID == id {
			return t
		}
	}
	return nil
}

func (v *Volume) storage() string {
	st, _, _ := strings.Cut(v.ID, ":")
	return st
}

func (g *Guest) snapshot(name string) *Snapshot {
	for _, sn := range g.Snapshots {
		if sn.Name == name {
			return sn
		}
	}
	return nil
}

// name is what lists show.
func (g *Guest) name() string {
	if g.Kind == "lxc" {
		return orElse(g.Config["hostname"], "CT"+itoa(g.VMID))
	}
	return orElse(g.Config["name"], "VM "+itoa(g.VMID))
}

// sid is the guest's name for the HA manager.
func (g *Guest) sid() string {
	if g.Kind == "lxc" {
		return "ct:" + itoa(g.VMID)
	}
	return "vm:" + itoa(g.VMID)
}

// label is how messages call it: VM or CT.
func (g *Guest) label() string {
	if g.Kind == "lxc" {
		return "CT"
	}
	return "VM"
}

// confPath is the config file below /etc/pve, as messages name it.
func confPath(node, kind string, vmid int) string {
	dir := "lxc"
	if kind == "qemu" {
		dir = "qemu-server"
	}
	return "nodes/" + node + "/" + dir + "/" + itoa(vmid) + ".conf"
}
