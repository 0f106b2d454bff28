package pvesim

import "testing"

// TestWhatTerraformProvidersAsk are answers on which Terraform providers fell over, so
// that they are given as Proxmox gives them.
func TestWhatTerraformProvidersAsk(t *testing.T) {
	c := newClient(t, start(t, Options{World: Home()}))

	c.ok("POST", "/storage", "storage", "extra", "type", "dir", "path", "/srv/extra", "content", "iso", "create-base-path", "1", "create-subdirs", "0")
	if got := text(field(c.ok("GET", "/storage/extra"), "create-base-path")) + text(field(c.ok("GET", "/storage/extra"), "create-subdirs")); got != "10" {
		t.Errorf("switches of a storage: %s", got)
	}

	c.ok("POST", "/nodes/node01/network", "iface", "vmbr0.99", "type", "vlan")
	vlan := c.ok("GET", "/nodes/node01/network/vmbr0.99")
	if text(field(vlan, "vlan-id")) != "99" || field(vlan, "vlan-raw-device") != "vmbr0" {
		t.Errorf("a VLAN told by its name: %v", vlan)
	}

	c.ok("POST", "/cluster/metrics/server/graph", "type", "graphite", "server", "10.0.0.9", "port", "2003")
	c.ok("PUT", "/cluster/metrics/server/graph", "server", "10.0.0.9", "port", "2004")
	if got := rows(t, c.ok("GET", "/cluster/metrics/server")); got != `[{"id":"graph","port":2004,"server":"10.0.0.9","type":"graphite"}]` {
		t.Errorf("metric servers: %s", got)
	}
	c.ok("DELETE", "/cluster/metrics/server/graph")

	digest := field(c.ok("GET", "/nodes/node01/hosts"), "digest").(string)
	c.ok("POST", "/nodes/node01/hosts", "data", "127.0.0.1 localhost\n", "digest", digest)
	if got := field(c.ok("GET", "/nodes/node01/hosts"), "data"); got != "127.0.0.1 localhost\n" {
		t.Errorf("hosts: %q", got)
	}
	if a := c.call("POST", "/nodes/node01/hosts", "data", "x", "digest", digest); a.status != 500 {
		t.Errorf("an old digest: %d %s", a.status, a.reason)
	}

	size := text(field(c.ok("GET", "/nodes/node01/query-url-metadata", "url", "https://example.org/deb.iso"), "size"))
	c.ok("POST", "/nodes/node01/storage/local/download-url", "content", "iso", "filename", "deb.iso", "url", "https://example.org/deb.iso")
	if got := text(field(c.ok("GET", "/nodes/node01/storage/local/content/local:iso/deb.iso"), "size")); got != size {
		t.Errorf("a file of %s was told to have %s", got, size)
	}

	if a := c.call("POST", "/cluster/ha/groups", "group", "prefer", "nodes", "node01"); a.status != 500 || a.reason != "cannot create group: ha groups have been migrated to rules" {
		t.Errorf("HA groups on 9.x: %d %s", a.status, a.reason)
	}
}
