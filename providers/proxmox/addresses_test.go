package proxmox

import (
	"encoding/json"
	"slices"
	"testing"
)

// TestReachable holds answers of agents and of lxc-info against the addresses at which
// others find the guest. The Docker host's and the Kubernetes node's are as such machines
// give them, with the addresses changed.
func TestReachable(t *testing.T) {
	const mac = "bc:24:11:00:00:01"
	for _, c := range []struct {
		name, answer string
		want         []string
	}{
		{"a container", `[{"name":"lo","inet":"127.0.0.1/8","inet6":"::1/128","hwaddr":"00:00:00:00:00:00"},
			{"name":"eth0","inet":"10.20.0.106/24","inet6":"fe80::be24:11ff:fe00:1/64","hwaddr":"` + mac + `"}]`, []string{"10.20.0.106"}},
		{"a Docker host", `[{"name":"lo","ip-addresses":[{"ip-address":"127.0.0.1","prefix":8}]},
			{"name":"ens18","hardware-address":"` + mac + `","ip-addresses":[{"ip-address":"10.20.0.7","prefix":24},{"ip-address":"10.20.0.7","prefix":24},
				{"ip-address":"2001:db8::be24:11ff:fe00:1","prefix":64},{"ip-address":"2001:db8::5c1e:9a2b:77f0:31d4","prefix":64},{"ip-address":"fe80::1","prefix":64}]},
			{"name":"docker0","hardware-address":"02:42:8a:00:00:01","ip-addresses":[{"ip-address":"172.17.0.1","prefix":16}]},
			{"name":"br-0a1b2c3d4e5f","hardware-address":"02:42:8a:00:00:02","ip-addresses":[{"ip-address":"172.18.0.1","prefix":16}]},
			{"name":"mynet","hardware-address":"02:42:8a:00:00:03","ip-addresses":[{"ip-address":"172.19.0.1","prefix":16}]},
			{"name":"veth12","hardware-address":"02:42:8a:00:00:04"}]`, []string{"10.20.0.7", "2001:db8::be24:11ff:fe00:1"}},
		{"a Kubernetes node", `[{"name":"eth0","hardware-address":"` + mac + `","ip-addresses":[{"ip-address":"10.20.0.9","prefix":24}]},
			{"name":"flannel.1","hardware-address":"` + mac + `","ip-addresses":[{"ip-address":"10.42.0.0","prefix":32}]},
			{"name":"cni0","hardware-address":"3e:00:00:00:00:01","ip-addresses":[{"ip-address":"10.42.0.1","prefix":24}]},
			{"name":"tailscale0","ip-addresses":[{"ip-address":"100.101.1.2","prefix":32}]}]`, []string{"10.20.0.9"}},
		{"a bridge over its card", `[{"name":"ens18","hardware-address":"` + mac + `"},
			{"name":"br0","hardware-address":"` + mac + `","ip-addresses":[{"ip-address":"10.20.0.8","prefix":24}]}]`, []string{"10.20.0.8"}},
		{"a card passed through", `[{"name":"Ethernet 3","hardware-address":"a0:36:9f:00:00:01","ip-addresses":[{"ip-address":"10.20.0.4","prefix":"24"}]}]`, []string{"10.20.0.4"}},
		{"two cards, out of order", `[{"name":"b","hardware-address":"` + mac + `","ip-addresses":[{"ip-address":"10.20.0.20","prefix":24},{"ip-address":"10.20.0.3","prefix":24}]}]`, []string{"10.20.0.3", "10.20.0.20"}},
		{"nothing but link-local", `[{"name":"eth0","hardware-address":"` + mac + `","ip-addresses":[{"ip-address":"169.254.3.4","prefix":16}]}]`, nil},
		{"odd text", `[{"name":"eth0","hardware-address":"x","ip-addresses":[{"ip-address":"; rm -rf /","prefix":24}]}]`, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var all []iface
			if err := json.Unmarshal([]byte(c.answer), &all); err != nil {
				t.Fatal(err)
			}
			if got := reachable(all, []string{mac}); !slices.Equal(got, c.want) {
				t.Errorf("%v, not %v", got, c.want)
			}
			slices.Reverse(all)
			if got := reachable(all, []string{mac}); !slices.Equal(got, c.want) {
				t.Errorf("in another order %v, not %v", got, c.want)
			}
		})
	}
}
