package factcheck

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"recon/inventory"
)

// A testGuest is a guest of a made home.
type testGuest struct {
	name, kind, node, ip, mac string
	vmid, vlan, cores, memory int
	disk                      int
}

// testWorld makes a home of n guests on three nodes, and what is observed of it.
func testWorld(r *rand.Rand, n int) ([]testGuest, *Truth) {
	stems := []string{"gitlab", "docker-media", "home-assistant", "jellyfin", "pihole", "vaultwarden", "grafana", "paperless", "uptime-kuma", "nextcloud", "immich", "traefik", "runner", "k8s-cp", "zigbee2mqtt", "mosquitto", "web", "db", "unifi-ctl", "pbs"}
	at := time.Date(2026, 11, 24, 6, 0, 0, 0, time.UTC)
	snap := inventory.Snapshot{Provider: "proxmox.home", Complete: true, Version: "9.1.4"}
	for i := range 3 {
		snap.Nodes = append(snap.Nodes, inventory.Node{Name: fmt.Sprintf("node%02d", i+1), Address: fmt.Sprintf("192.168.20.2%d", i), Online: true})
	}
	var guests []testGuest
	for i := range n {
		g := testGuest{
			name: stems[i%len(stems)], kind: []string{"vm", "lxc"}[r.IntN(2)], node: fmt.Sprintf("node%02d", 1+r.IntN(3)), vmid: 101 + i, vlan: []int{20, 40, 90}[r.IntN(3)],
			cores: []int{1, 2, 4, 8}[r.IntN(4)], memory: []int{1, 2, 4, 8, 16}[r.IntN(5)], disk: []int{8, 20, 32, 50}[r.IntN(4)],
		}
		if i == 0 {
			g.kind, g.node = "vm", "node02"
		}
		if i >= len(stems) {
			g.name = fmt.Sprintf("%s%02d", g.name, i/len(stems)+1)
		}
		g.ip = fmt.Sprintf("192.168.%d.%d", g.vlan, 30+i%200)
		g.mac = fmt.Sprintf("BC:24:11:20:%02X:%02X", g.vmid>>8, g.vmid&255)
		guests = append(guests, g)
		snap.Observations = append(snap.Observations, g.observed(at))
	}
	return guests, Observed(at, []inventory.Snapshot{snap}, nil)
}

func (g *testGuest) observed(at time.Time) inventory.Observation {
	attrs := inventory.Attrs{
		"vmid": cty.NumberIntVal(int64(g.vmid)), "name": cty.StringVal(g.name), "cores": cty.NumberIntVal(int64(g.cores)), "memory": cty.NumberIntVal(int64(g.memory) * inventory.GiB),
		"network.net0.address": cty.StringVal(g.ip + "/24"), "network.net0.gateway": cty.StringVal(fmt.Sprintf("192.168.%d.1", g.vlan)), "network.net0.vlan": cty.NumberIntVal(int64(g.vlan)),
		"network.net0.mac": cty.StringVal(g.mac), "rootfs.size": cty.NumberIntVal(int64(g.disk) * inventory.GiB),
		"nameservers": inventory.StringList("192.168.90.53"), "cloud_init.nameservers": inventory.StringList("192.168.90.53"),
	}
	return inventory.Observation{
		State: inventory.Present, At: at,
		Resource: inventory.Resource{Addr: inventory.Address{Kind: g.kind, Name: inventory.Label(g.name, g.vmid)}, Identity: fmt.Sprintf("home/%d", g.vmid), Attrs: attrs},
		Volatile: inventory.Volatile{Node: g.node, Status: "running"},
	}
}

// homeTruth is a small home in which gitlab is VM 101 on node02.
func homeTruth(t testing.TB) (*Truth, testGuest) {
	t.Helper()
	guests, truth := testWorld(rand.New(rand.NewPCG(1, 1)), 20)
	return truth, guests[0]
}
