package pvesim

import (
	"crypto/sha1"
	"encoding/hex"
	"maps"
	"slices"
)

// recordRoutes are list, create, read, update and delete of a section config
// file.
type recordRoutes struct {
	path   string // of the list
	id     string // the property that names a section
	params string // of create, without the id
	list   func(*World) *[]Record
	read   guard
	write  guard
	what   string // for messages
	auto   bool   // create may leave the id out
	named  bool   // create has the id in its path
	fixed  string // parameters that only create takes
	dots   string // more parameters of the list
	drop   string // parameters of a deletion
	change string // more parameters of an update
}

func (r recordRoutes) add(t *routeTable) {
	one := r.path + "/{" + r.id + "}"
	need := "!"
	if r.auto {
		need = ""
	}
	t.add("GET", r.path, r.dots, r.read, r.all)
	if r.named {
		t.add("POST", one, r.params+" "+r.fixed, r.write, r.create)
	} else {
		t.add("POST", r.path, r.id+need+" "+r.params+" "+r.fixed, r.write, r.create)
	}
	t.add("GET", one, "", r.read, r.get)
	t.add("PUT", one, r.params+" delete@idlist "+r.change, r.write, r.update)
	t.add("DELETE", one, r.drop, r.write, r.remove)
}

func (r recordRoutes) find(c *call, id string) Record {
	for _, rec := range *r.list(c.s.world) {
		if rec["id"] == id {
			return rec
		}
	}
	return nil
}

// show gives a section its API form: numbers as numbers.
func (r recordRoutes) show(rec Record) obj {
	o := obj{}
	for k, v := range rec {
		o[k] = number(v)
	}
	o[r.id] = rec["id"]
	if r.id != "id" {
		delete(o, "id")
	}
	return o
}

func (r recordRoutes) all(c *call) (any, error) {
	rows := []obj{}
	for _, rec := range *r.list(c.s.world) {
		if v := c.p["type"]; v == "" || v == rec["type"] {
			rows = append(rows, r.show(rec))
		}
	}
	return rows, nil
}

func (r recordRoutes) get(c *call) (any, error) {
	rec := r.find(c, c.uri[r.id])
	if rec == nil {
		return nil, die("no such %s '%s'", r.what, c.uri[r.id])
	}
	o := r.show(rec)
	o["digest"] = digestOf(rec)
	return o, nil
}

func (r recordRoutes) create(c *call) (any, error) {
	id := c.p[r.id]
	if r.named {
		id = c.uri[r.id]
	}
	if id == "" {
		id = r.what + "-" + newUUID()[:13]
	}
	if r.find(c, id) != nil {
		return nil, die("create %s failed: %s '%s' already exists", r.what, r.what, id)
	}
	if err := c.cfsLock("create "+r.what+" failed:", r.what+".cfg"); err != nil {
		return nil, err
	}
	rec := Record(maps.Clone(c.p))
	delete(rec, r.id)
	rec["id"] = id
	*r.list(c.s.world) = append(*r.list(c.s.world), rec)
	c.s.dirty()
	return nil, nil
}

func (r recordRoutes) update(c *call) (any, error) {
	rec := r.find(c, c.uri[r.id])
	if rec == nil {
		return nil, die("no such %s '%s'", r.what, c.uri[r.id])
	}
	if d := c.p["digest"]; d != "" && d != digestOf(rec) {
		return nil, die("detected modified configuration - file changed by other user? Try again.")
	}
	if err := c.cfsLock("update "+r.what+" failed:", r.what+".cfg"); err != nil {
		return nil, err
	}
	for _, k := range splitList(c.p["delete"]) {
		delete(rec, k)
	}
	for k, v := range c.p {
		if k != "delete" && k != "digest" {
			rec[k] = v
		}
	}
	c.s.dirty()
	return nil, nil
}

func (r recordRoutes) remove(c *call) (any, error) {
	if r.find(c, c.uri[r.id]) == nil {
		return nil, die("no such %s '%s'", r.what, c.uri[r.id])
	}
	if err := c.cfsLock("delete "+r.what+" failed:", r.what+".cfg"); err != nil {
		return nil, err
	}
	list := r.list(c.s.world)
	*list = slices.DeleteFunc(*list, func(rec Record) bool { return rec["id"] == c.uri[r.id] })
	c.s.dirty()
	return nil, nil
}

// digestOf is a digest over a section.
func digestOf(rec map[string]string) string {
	h := sha1.New()
	for _, k := range slices.Sorted(maps.Keys(rec)) {
		h.Write([]byte(k + " " + rec[k] + "\n"))
	}
	return hex.EncodeToString(h.Sum(nil))
}
