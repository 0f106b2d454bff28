package factcheck

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"recon/inventory"
)

// A planted contradiction, or a place that must stay silent.
type planted struct {
	file, kind, claim string
	line              int
}

// A corpus writes a tree of documents about a world, the way people do, and
// remembers where it lied.
type corpus struct {
	*rand.Rand
	guests  []testGuest
	docs    []Document
	planted []planted
	name    string
	b       strings.Builder
	rate    int // of lies, in percent
}

type testGuest struct {
	name, kind, node, ip, mac string
	vmid, vlan, cores, memory int
	disk                      int
}

func testWorld(r *rand.Rand, n int) ([]testGuest, *Truth) {
	stems := []string{"gitlab", "docker-media", "home-assistant", "jellyfin", "pihole", "vaultwarden", "grafana", "paperless", "uptime-kuma", "nextcloud", "immich", "traefik", "runner", "k8s-cp", "zigbee2mqtt", "mosquitto", "web", "db", "unifi-ctl", "pbs"}
	var guests []testGuest
	snap := inventory.Snapshot{Provider: "proxmox.home", Complete: true, Version: "9.1.4"}
	for i := range 3 {
		snap.Nodes = append(snap.Nodes, inventory.Node{Name: fmt.Sprintf("node%02d", i+1), Address: fmt.Sprintf("192.168.20.2%d", i), Online: true})
	}
	for i := range n {
		g := testGuest{
			name: stems[i%len(stems)], kind: []string{"vm", "lxc"}[r.IntN(2)], node: fmt.Sprintf("node%02d", 1+r.IntN(3)), vmid: 101 + i, vlan: []int{20, 40, 90}[r.IntN(3)],
			cores: []int{1, 2, 4, 8}[r.IntN(4)], memory: []int{1, 2, 4, 8, 16}[r.IntN(5)], disk: []int{8, 20, 32, 50}[r.IntN(4)],
		}
		if i >= len(stems) {
			g.name = fmt.Sprintf("%s%02d", g.name, i/len(stems)+1)
		}
		g.ip = fmt.Sprintf("192.168.%d.%d", g.vlan, 30+i)
		g.mac = fmt.Sprintf("BC:24:11:20:%02X:%02X", g.vmid>>8, g.vmid&255)
		guests = append(guests, g)
		attrs := inventory.Attrs{
			"vmid": cty.NumberIntVal(int64(g.vmid)), "name": cty.StringVal(g.name), "cores": cty.NumberIntVal(int64(g.cores)), "memory": cty.NumberIntVal(int64(g.memory) * inventory.GiB),
			"network.net0.address": cty.StringVal(g.ip + "/24"), "network.net0.gateway": cty.StringVal(fmt.Sprintf("192.168.%d.1", g.vlan)), "network.net0.vlan": cty.NumberIntVal(int64(g.vlan)),
			"network.net0.mac": cty.StringVal(g.mac), "rootfs.size": cty.NumberIntVal(int64(g.disk) * inventory.GiB),
			"nameservers": inventory.StringList("192.168.90.53"), "cloud_init.nameservers": inventory.StringList("192.168.90.53"),
		}
		snap.Observations = append(snap.Observations, inventory.Observation{
			State: inventory.Present, At: time.Date(2026, 11, 24, 6, 0, 0, 0, time.UTC),
			Resource: inventory.Resource{Addr: inventory.Address{Kind: g.kind, Name: inventory.Label(g.name, g.vmid)}, Identity: fmt.Sprintf("home/%d", g.vmid), Attrs: attrs},
			Volatile: inventory.Volatile{Node: g.node, Status: "running"},
		})
	}
	return guests, Observed(time.Date(2026, 11, 24, 6, 0, 0, 0, time.UTC), []inventory.Snapshot{snap}, nil)
}

func (c *corpus) open(name string) { c.name = name; c.b.Reset() }

func (c *corpus) close(crlf bool) {
	text := c.b.String()
	if crlf {
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}
	c.docs = append(c.docs, Document{Path: c.name, Text: []byte(text)})
}

func (c *corpus) printf(format string, args ...any) { fmt.Fprintf(&c.b, format, args...) }

// lie returns the truth, or a lie that is remembered as planted on this line.
func (c *corpus) lie(kind, truth string, wrong func() string) string {
	if c.IntN(100) >= c.rate {
		return truth
	}
	w := wrong()
	if w == truth {
		return truth
	}
	c.planted = append(c.planted, planted{c.name, kind, w, strings.Count(c.b.String(), "\n") + 1})
	return w
}

func (c *corpus) ip(g testGuest) string {
	return c.lie(KindAddress, g.ip, func() string {
		if c.IntN(2) == 0 {
			return fmt.Sprintf("192.168.%d.%d", g.vlan, 200+c.IntN(50))
		}
		return c.guests[c.IntN(len(c.guests))].ip
	})
}

func (c *corpus) vmid(g testGuest) string {
	return c.lie(KindVMID, fmt.Sprint(g.vmid), func() string { return fmt.Sprint(100 + c.IntN(800)) })
}

func (c *corpus) node(g testGuest) string {
	return c.lie(KindNode, g.node, func() string { return fmt.Sprintf("node%02d", 1+c.IntN(3)) })
}

func (c *corpus) kind(g testGuest, vm, lxc string) string {
	word := map[string]string{"vm": vm, "lxc": lxc}
	return c.lie(KindGuest, word[g.kind], func() string {
		if g.kind == "vm" {
			return lxc
		}
		return vm
	})
}

func (c *corpus) number(kind string, n int) string {
	return c.lie(kind, fmt.Sprint(n), func() string { return fmt.Sprint(n * 3) })
}

// names are the ways in which people write a guest's name.
func (c *corpus) nameOf(g testGuest) string {
	switch c.IntN(5) {
	case 0:
		return strings.ToUpper(g.name[:1]) + g.name[1:]
	case 1:
		return strings.ReplaceAll(g.name, "-", "_")
	case 2:
		return g.name + ".home.lan"
	case 3:
		parts := strings.Split(g.name, "-")
		for i, p := range parts {
			parts[i] = strings.ToUpper(p[:1]) + p[1:]
		}
		return strings.Join(parts, " ")
	}
	return g.name
}

// write writes one tree.
func (c *corpus) write() {
	c.open("docs/INVENTORY.md")
	c.printf("# Inventory\n\n")
	c.printf("Everything that runs at home. There are %s nodes in the Proxmox cluster.\n\n", c.lie(KindCount, "3", func() string { return "5" }))
	c.printf("| Name | VMID | Type | Node | IP | Cores | RAM | Disk |\n|---|---|---|---|---|---|---|---|\n")
	for _, g := range c.guests {
		c.printf("| %s ", g.name)
		c.printf("| %s ", c.vmid(g))
		c.printf("| %s ", c.kind(g, "VM", "LXC"))
		c.printf("| %s ", c.node(g))
		c.printf("| %s ", c.ip(g))
		c.printf("| %s ", c.number(KindCores, g.cores))
		c.printf("| %s GB ", c.number(KindMemory, g.memory))
		c.printf("| %sG |\n", c.number(KindDisk, g.disk))
	}
	c.printf("\n")
	c.printf("Total: %s guests\n", c.lie(KindCount, fmt.Sprint(len(c.guests)), func() string { return fmt.Sprint(len(c.guests) + 7) }))
	c.close(true)

	c.open("docs/NETWORKING.md")
	c.printf("# Networking\n\n| VLAN | Subnet | Gateway | Purpose |\n| --- | --- | --- | --- |\n")
	for _, v := range []int{20, 40, 90} {
		c.printf("| %s ", c.lie(KindVLAN, fmt.Sprint(v), func() string { return fmt.Sprint(v + 5) }))
		c.printf("| 192.168.%d.0/24 ", v)
		c.printf("| %s | things |\n", c.lie(KindGateway, fmt.Sprintf("192.168.%d.1", v), func() string { return fmt.Sprintf("192.168.%d.254", v) }))
	}
	c.printf("\n")
	c.printf("DNS server: %s. DHCP range 192.168.40.100 - 192.168.40.200.\n\n", c.lie(KindDNS, "192.168.90.53", func() string { return "192.168.90.3" }))
	for _, g := range c.guests[:len(c.guests)/2] {
		c.printf("- **%s** (%s)\n", c.nameOf(g), c.ip(g))
	}
	c.printf("\n## Static leases\n\n| Host / VMID | IP / VLAN | MAC |\n|---|---|---|\n")
	for _, g := range c.guests {
		c.printf("| %s / ", g.name)
		c.printf("%s ", c.vmid(g))
		c.printf("| %s / ", c.ip(g))
		c.printf("%s ", c.lie(KindVLAN, fmt.Sprint(g.vlan), func() string { return fmt.Sprint(g.vlan + 3) }))
		c.printf("| %s |\n", c.lie(KindMAC, g.mac, func() string { return "BC:24:11:99:00:01" }))
	}
	c.close(false)

	c.open("CLAUDE.md")
	c.printf("# Home\n\n")
	c.printf("Proxmox VE %s on three nodes.\n\n", c.lie(KindVersion, "9.1", func() string { return "8.2" }))
	for _, g := range c.guests[:12] {
		switch c.IntN(5) {
		case 0:
			c.printf("- %s is at %s", g.name, c.ip(g))
			c.printf(" and runs on %s.\n", c.node(g))
		case 1:
			c.printf("- `%s` (%s", g.name, c.kind(g, "VM", "LXC"))
			c.printf(" %s, ", c.vmid(g))
			c.printf("%s, ", c.node(g))
			c.printf("%s): does things\n", c.ip(g))
		case 2:
			c.printf("- %s %d: %s - ", map[string]string{"vm": "VM", "lxc": "CT"}[g.kind], g.vmid, g.name)
			c.printf("%s\n", c.ip(g))
		case 3:
			c.printf("- %s runs on %s\n", g.name, c.node(g))
		case 4:
			c.printf("- ssh root@%s # %s\n", g.ip, g.name)
		}
	}
	c.close(c.IntN(2) == 0)

	for _, g := range c.guests[:8] {
		c.open("docs/guests/" + g.name + ".md")
		c.printf("---\ntitle: %s\nvmid: %s\nip: %s\n---\n\n# %s\n\n", g.name, c.frontVMID(g), c.frontIP(g), g.name)
		c.printf("- **Node:** %s\n", c.node(g))
		c.printf("- **IP address:** `%s`\n", c.ip(g))
		c.printf("- **Memory:** %s GiB\n", c.number(KindMemory, g.memory))
		c.printf("- VLAN: %s\n", c.lie(KindVLAN, fmt.Sprint(g.vlan), func() string { return "77" }))
		c.printf("\n## History\n\n- 2025-01-03: moved from node03 to node01, was 192.168.1.%d\n\n## Changelog\n\nIt had 192.168.1.9 and vmid 999.\n", g.vmid-90)
		c.close(false)
	}
	c.diagrams()
	c.configs()
	c.hazards()
}

// frontVMID and frontIP lie on the lines of the front matter that they stand on.
func (c *corpus) frontVMID(g testGuest) string {
	return c.frontLie(3, func() string { return c.vmid(g) })
}

func (c *corpus) frontIP(g testGuest) string { return c.frontLie(4, func() string { return c.ip(g) }) }

func (c *corpus) frontLie(line int, value func() string) string {
	n := len(c.planted)
	v := value()
	if len(c.planted) > n {
		c.planted[n].line = line
	}
	return v
}

func (c *corpus) diagrams() {
	c.open("docs/diagrams.md")
	c.printf("# Pictures\n\n```\n")
	for i := 0; i+1 < 8; i += 2 {
		a, b := c.guests[i], c.guests[i+1]
		c.printf("+----------------------+   +----------------------+\n| %-20s |   | %-20s |\n", a.name, b.name)
		left := c.ip(a)
		c.printf("| %-20s |   | %-20s |\n", left, c.ip(b))
		c.printf("+----------------------+   +----------------------+\n           |                          |\n           +------------+-------------+\n")
	}
	c.printf("```\n\n```\n┌──────────────────────┐   ┌──────────────────────┐\n")
	a, b := c.guests[8], c.guests[9]
	c.printf("│ %-20s │   │ %-20s │\n│ %-20s │   │ %-20s │\n└──────────────────────┘   └──────────────────────┘\n```\n", a.name, b.name, a.ip, b.ip)
	c.close(true)
}

func (c *corpus) configs() {
	c.open("ansible/hosts.yml")
	c.printf("all:\n  children:\n    servers:\n      hosts:\n")
	for _, g := range c.guests {
		c.printf("        %s:\n          ansible_host: %s\n", g.name, c.ipNext(g))
	}
	c.close(false)
	c.open("terraform/main.tf")
	for _, g := range c.guests[:10] {
		c.printf("resource \"proxmox_vm_qemu\" \"%s\" {\n  name        = \"%s\"\n", strings.ReplaceAll(g.name, "-", "_"), g.name)
		c.printf("  vmid        = %s\n", c.vmid(g))
		c.printf("  target_node = \"%s\"\n", c.node(g))
		c.printf("  cores       = %s\n", c.number(KindCores, g.cores))
		c.printf("  memory      = %s\n", c.lie(KindMemory, fmt.Sprint(g.memory*1024), func() string { return fmt.Sprint(g.memory * 3072) }))
		c.printf("  ipconfig0   = \"ip=%s/24,gw=", c.ip(g))
		c.printf("%s\"\n  # was 192.168.1.%d before\n}\n\n", c.lie(KindGateway, fmt.Sprintf("192.168.%d.1", g.vlan), func() string { return fmt.Sprintf("192.168.%d.2", g.vlan) }), g.vmid-90)
	}
	c.close(false)
	c.open("scripts/check.sh")
	c.printf("#!/bin/sh\n")
	for _, g := range c.guests[:10] {
		c.printf("%s_IP=%s\n", strings.ToUpper(strings.ReplaceAll(g.name, "-", "_")), c.ip(g))
	}
	c.close(false)
	c.open("scripts/hosts.py")
	c.printf("HOSTS = {\n")
	for _, g := range c.guests[:10] {
		c.printf("    \"%s\": \"%s\",\n", g.name, c.ip(g))
	}
	c.printf("}\n")
	c.close(false)
}

// ipNext lies on the line below the one that is being written.
func (c *corpus) ipNext(g testGuest) string {
	n := len(c.planted)
	v := c.ip(g)
	if len(c.planted) > n {
		c.planted[n].line++
	}
	return v
}

// hazards are texts in which nothing is wrong.
func (c *corpus) hazards() {
	g, h := c.guests[0], c.guests[1]
	c.open("docs/notes.md")
	c.printf(`# Notes

%[1]s used to be at 192.168.1.50 on node03. We moved %[2]s from 192.168.1.51 to %[4]s.
For example, put gitlab at 10.0.0.5. The firewall lets %[1]s -> 192.168.40.250 pass.
Pools: 192.168.40.100-192.168.40.150, and 192.168.40.0/24 as a whole; %[1]s needs 3 VMs to test.
The media server plays films; a web app talks to a db at 192.168.40.199.
~~%[1]s (192.168.1.50)~~ Docker's bridge on %[2]s is 172.17.0.1.
%[1]s: 127.0.0.1:8080 inside. Upstream DNS: 1.1.1.1 and 192.168.77.7.
Needs at least 64 GB RAM on %[1]s some day. Proxmox VE 8.4 documentation applies since 8.1.

| Service | Proxied by | IP of proxy |
|---|---|---|
| %[1]s | traefik | %[3]s |

| Name | Old IP | New IP |
|---|---|---|
| %[1]s | 192.168.1.50 | %[5]s |

| Guest | IP | Remark |
|---|---|---|
| %[1]s | 192.168.1.50 | decommissioned |
| %[1]s | 192.168.1.77 | planned |

<!-- recon:ignore the lab copy -->
%[1]s: 192.168.1.99

<!-- recon:begin id=home v=1 sum=abc -->
| %[1]s | VM 999 | node03 | 192.168.9.9 |
<!-- recon:end id=home -->

## 2024-03-01

%[1]s is at 192.168.3.3.
`, g.name, h.name, c.guests[11].ip, h.ip, g.ip)
	c.close(true)
	c.open("CHANGELOG.md")
	c.printf("# Changes\n\n- %s (192.168.4.4) is on node03\n", g.name)
	c.close(false)
}

func TestPlantedContradictions(t *testing.T) {
	found, missed, right, wrong := 0, 0, 0, 0
	kinds := map[string][2]int{}
	for seed := range uint64(12) {
		r := rand.New(rand.NewPCG(seed, 7))
		guests, truth := testWorld(r, 20+int(seed)*3)
		c := &corpus{Rand: r, guests: guests, rate: 12}
		c.write()
		findings := Check(c.docs, truth, Options{})
		type key struct {
			file, claim string
			line        int
		}
		got := map[key]bool{}
		for _, f := range findings {
			got[key{f.File, f.Claim, f.Line}] = true
		}
		want := map[key]bool{}
		for _, p := range c.planted {
			k := key{p.file, p.claim, p.line}
			want[k] = true
			n := kinds[p.kind]
			if got[k] {
				found++
				n[0]++
			} else {
				missed++
				n[1]++
				t.Logf("missed: %+v", p)
			}
			kinds[p.kind] = n
		}
		for _, f := range findings {
			if want[key{f.File, f.Claim, f.Line}] {
				right++
				continue
			}
			wrong++
			truth := ""
			if f.Truth != nil {
				truth = *f.Truth
			}
			t.Logf("wrong: %s:%d:%d %s %s says %q, truth %q (%s)", f.File, f.Line, f.Column, f.Kind, f.Subject, f.Claim, truth, f.Source)
		}
	}
	recall, precision := float64(found)/float64(found+missed), float64(right)/float64(right+wrong)
	t.Logf("recall %.3f (%d of %d), precision %.3f (%d of %d), by kind found/missed %v", recall, found, found+missed, precision, right, right+wrong, kinds)
	if recall < 0.90 || precision < 0.95 {
		t.Errorf("recall %.3f, precision %.3f", recall, precision)
	}
}
