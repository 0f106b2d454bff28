package pvesim

import "testing"

// TestSDN: what is written is pending until it is applied.
func TestSDN(t *testing.T) {
	c := newClient(t, start(t, Options{World: Home()}))
	const zones, vnets = "/cluster/sdn/zones", "/cluster/sdn/vnets"
	see := func(path, view, want string) {
		t.Helper()
		var pairs []string
		if view != "" {
			pairs = []string{view, "1"}
		}
		if got := rows(t, c.ok("GET", path, pairs...)); got != want {
			t.Errorf("%s %s:\n got %s\nwant %s", path, view, got, want)
		}
	}
	refused := func(status int, reason, method, path string, pairs ...string) {
		t.Helper()
		if a := c.call(method, path, pairs...); a.status != status || reason != "" && a.reason != reason {
			t.Errorf("%s %s: %d %s", method, path, a.status, a.reason)
		}
	}
	c.ok("POST", zones, "zone", "lab", "type", "simple", "mtu", "1400", "nodes", "node01")
	refused(500, "create sdn zone object failed: sdn zone object ID 'lab' already defined", "POST", zones, "zone", "lab", "type", "vlan")
	const wrong = " sdn vnet object failed: 400 Parameter verification failed." // under the lock everything is one text
	refused(500, "create"+wrong, "POST", vnets, "vnet", "v1", "zone", "lab", "tag", "7")
	refused(500, "sdn vnet 'v1' does not exist", "GET", vnets+"/v1/subnets")
	c.ok("POST", vnets, "vnet", "v1", "zone", "lab", "alias", "123")
	for _, bad := range [][]string{{"gateway", "10.8.0.1"}, {"dhcp-range", "start-address=10.7.0.10,end-address=10.8.0.20"}} {
		refused(500, "create sdn subnet object failed: 400 Parameter verification failed.", "POST", vnets+"/v1/subnets", append([]string{"subnet", "10.7.0.0/24", "type", "subnet"}, bad...)...)
	}
	c.ok("POST", vnets+"/v1/subnets", "subnet", "10.7.0.0/24", "type", "subnet", "gateway", "10.7.0.1", "dhcp-range", "start-address=10.7.0.10,end-address=10.7.0.20")

	see(zones, "", `[{"mtu":1400,"nodes":"node01","type":"simple","zone":"lab"}]`)
	see(zones, "running", `[]`)
	see(zones, "pending", `[{"pending":{"mtu":1400,"nodes":"node01"},"state":"new","type":"simple","zone":"lab"}]`)
	c.ok("PUT", "/cluster/sdn")
	see(zones, "running", `[{"mtu":1400,"nodes":"node01","type":"simple","zone":"lab"}]`)
	see(zones, "pending", `[{"mtu":1400,"nodes":"node01","type":"simple","zone":"lab"}]`)
	see(vnets, "", `[{"alias":"123","type":"vnet","vnet":"v1","zone":"lab"}]`)
	see(vnets+"/v1/subnets", "", `[{"cidr":"10.7.0.0/24","dhcp-range":[{"end-address":"10.7.0.20","start-address":"10.7.0.10"}],"gateway":"10.7.0.1","id":"lab-10.7.0.0-24","mask":"24","network":"10.7.0.0","subnet":"lab-10.7.0.0-24","type":"subnet","vnet":"v1","zone":"lab"}]`)
	c.ok("PUT", zones+"/lab", "mtu", "1450", "delete", "nodes")
	see(zones, "pending", `[{"mtu":1400,"nodes":"node01","pending":{"mtu":1450,"nodes":"deleted"},"state":"changed","type":"simple","zone":"lab"}]`)

	refused(500, "delete sdn zone object failed: zone lab is used by vnet v1", "DELETE", zones+"/lab")
	refused(500, "delete"+wrong, "DELETE", vnets+"/v1")
	refused(500, "update"+wrong, "PUT", vnets+"/v1", "vlanaware", "1")
	refused(500, "sdn 'none' does not exist", "GET", zones+"/none")
	c.ok("DELETE", vnets+"/v1/subnets/lab-10.7.0.0-24")
	c.ok("DELETE", vnets+"/v1")
	see(vnets, "pending", `[{"alias":"123","pending":{},"state":"deleted","type":"vnet","vnet":"v1","zone":"lab"}]`)
	c.ok("PUT", "/cluster/sdn")
	see(vnets, "pending", `[]`)

	// A zone may be read by whoever may write it, and made by whoever may make any.
	c.ok("POST", "/access/users", "userid", "net@pve")
	secret := field(c.ok("POST", "/access/users/net@pve/token/tk", "privsep", "0"), "value").(string)
	c.ok("PUT", "/access/acl", "path", "/sdn/zones/mine", "roles", "PVESDNAdmin", "users", "net@pve")
	c.auth = "PVEAPIToken=net@pve!tk=" + secret
	refused(403, "", "GET", zones+"/lab")
	refused(403, "", "POST", zones, "zone", "mine", "type", "simple")
	see(zones, "", `[]`)
}
