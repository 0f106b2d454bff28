package pvesim

import (
	"net/url"
	"strings"
	"testing"

	"recon/providers/proxmox/pvesim/schemacheck"
)

// all lists every route of a table.
func (n *routeNode) all() []*route {
	var out []*route
	for _, r := range n.methods {
		out = append(out, r)
	}
	for _, c := range n.children {
		out = append(out, c.all()...)
	}
	if n.param != nil {
		out = append(out, n.param.all()...)
	}
	return out
}

// TestRoutesInSchema compares our table with the official one: the paths, the
// methods, and the names of the parameters.
func TestRoutesInSchema(t *testing.T) {
	dir, err := schemacheck.Find()
	if err != nil {
		t.Skip(err)
	}
	for _, release := range []string{"8.4", "9.1", "9.2"} {
		official, err := schemacheck.Load(dir, release)
		if err != nil {
			t.Fatal(err)
		}
		s := start(t, Options{World: Single(), PVE: release})
		for _, r := range s.routes.root.all() {
			if r.template == "/" {
				continue // answered by pveproxy, not listed
			}
			if err := official.Check(r.method, r.template, nil); err != nil && !strings.Contains(err.Error(), "missing") {
				t.Errorf("%s: %v", release, err)
				continue
			}
			for _, p := range r.params.list {
				name := p.name
				if p.index >= 0 {
					name += "0"
				}
				err := official.Check(r.method, r.template, url.Values{name: {"x"}})
				if err != nil && strings.Contains(err.Error(), name+": unknown parameter") && release == "9.2" {
					t.Errorf("%s: %s %s: parameter %s is not in the official schema", release, r.method, r.template, name)
				}
			}
		}
	}
}

// TestEveryGet asks for everything there is: nothing may panic or be missing.
func TestEveryGet(t *testing.T) {
	s := start(t, Options{})
	c := newClient(t, s)
	c.ok("POST", "/nodes/node02/qemu/106/snapshot", "snapname", "one")
	c.ok("POST", "/nodes/node02/lxc/203/snapshot", "snapname", "one")
	upid := c.ok("POST", "/nodes/node03/qemu/121/status/start").(string)
	fill := strings.NewReplacer("{node}", "node02", "{storage}", "local", "{upid}", upid, "{snapname}", "one", "{volume}", "local:iso/debian-12.9.0-amd64-netinst.iso",
		"{userid}", "root@pam", "{tokenid}", "recon", "{roleid}", "PVEAdmin", "{poolid}", "media", "{iface}", "vmbr0", "{service}", "pveproxy")
	for _, r := range s.routes.root.all() {
		if r.method != "GET" {
			continue
		}
		id := "106"
		if strings.Contains(r.template, "/lxc/") {
			id = "203"
		}
		path := strings.ReplaceAll(fill.Replace(r.template), "{vmid}", id)
		var pairs []string
		for _, p := range r.params.list {
			if p.required {
				v := map[string]string{"pid": "1", "vmid": "106"}[p.name]
				if p.enum != nil {
					v = p.enum[0]
				}
				pairs = append(pairs, p.name, orElse(v, "x"))
			}
		}
		a := c.call("GET", path, pairs...)
		unknown := strings.Contains(path, "{") || strings.Contains(path, "/ceph/") || strings.HasSuffix(path, "/ha/groups") || strings.HasSuffix(path, "extractconfig")
		if a.status == 501 || a.status != 200 && !unknown && !strings.Contains(path, upid) {
			t.Errorf("GET %s %v: %d %s %s", path, pairs, a.status, a.reason, a.raw)
		}
	}
}
