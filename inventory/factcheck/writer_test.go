package factcheck

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"recon/inventory/factcheck/source"
)

// A lie is a planted contradiction.
type lie struct {
	file, kind, claim string
	line              int
}

// A writer writes a tree of documents about a home, in the forms that people's
// trees have: their tables and headings, property pages, context files, inventories
// of Ansible, Terraform, scripts. It remembers where it lied.
type writer struct {
	*rand.Rand
	guests []testGuest
	docs   []source.Document
	lies   []lie
	name   string
	b      strings.Builder
	rate   int // of lies, in percent
}

func (w *writer) open(name string) { w.name = name; w.b.Reset() }

func (w *writer) close() {
	text := w.b.String()
	if w.IntN(3) == 0 {
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}
	w.docs = append(w.docs, source.Document{Path: w.name, Text: []byte(text)})
}

func (w *writer) printf(format string, args ...any) { fmt.Fprintf(&w.b, format, args...) }

// say returns the truth, or a lie that is remembered as planted on this line.
func (w *writer) say(kind, truth, wrong string) string {
	if w.IntN(100) >= w.rate || wrong == truth {
		return truth
	}
	w.lies = append(w.lies, lie{w.name, kind, wrong, strings.Count(w.b.String(), "\n") + 1})
	return wrong
}

func (w *writer) ip(g testGuest) string {
	return w.say(KindAddress, g.ip, fmt.Sprintf("192.168.%d.%d", g.vlan, 231+w.IntN(20)))
}

func (w *writer) vmid(g testGuest) string {
	return w.say(KindVMID, fmt.Sprint(g.vmid), fmt.Sprint(5000+w.IntN(800)))
}

func (w *writer) node(g testGuest) string {
	return w.say(KindNode, g.node, map[string]string{"node01": "node02", "node02": "node03", "node03": "node01"}[g.node])
}

func (w *writer) kind(g testGuest) string {
	return w.say(KindGuest, strings.ToUpper(g.kind), map[string]string{"vm": "LXC", "lxc": "VM"}[g.kind])
}

func (w *writer) number(kind string, n int) string {
	return w.say(kind, fmt.Sprint(n), fmt.Sprint(n*3))
}

// write writes one tree.
func (w *writer) write() {
	w.inventory()
	w.context()
	w.pages()
	w.code()
	w.truths()
}

// inventory is one large table, or one of containers and one of machines, with the
// columns in any order and of several titles.
func (w *writer) inventory() {
	type col struct {
		titles []string
		cell   func(testGuest) string
	}
	cols := []col{
		{[]string{"VMID", "CT/VM ID", "ID"}, w.vmid},
		{[]string{"Node", "Proxmox Node"}, w.node},
		{[]string{"IP", "IP Address", "Static IP", "IPv4"}, w.ip},
		{[]string{"Cores", "vCPU", "CPU"}, func(g testGuest) string { return w.number(KindCores, g.cores) }},
		{[]string{"RAM", "Memory"}, func(g testGuest) string {
			return w.number(KindMemory, g.memory) + []string{"GB", " GB", " GiB"}[w.IntN(3)]
		}},
		{[]string{"VLAN"}, func(g testGuest) string { return w.say(KindVLAN, fmt.Sprint(g.vlan), fmt.Sprint(g.vlan+3)) }},
	}
	w.Shuffle(len(cols), func(i, j int) { cols[i], cols[j] = cols[j], cols[i] })
	w.open([]string{"docs/INVENTORY.md", "INFRASTRUCTURE.md", "docs/reference/current-state.md"}[w.IntN(3)])
	w.printf("# Inventory\n\nEverything that runs at home.\n")
	for _, kind := range []string{"lxc", "vm"} {
		w.printf("\n## %s\n\n| %s |", map[string]string{"lxc": "LXC Containers", "vm": "Virtual Machines"}[kind], []string{"Name", "Hostname", "Guest"}[w.IntN(3)])
		for _, c := range cols {
			w.printf(" %s |", c.titles[w.IntN(len(c.titles))])
		}
		w.printf("\n|---|%s\n", strings.Repeat("---|", len(cols)))
		for _, g := range w.guests {
			if g.kind != kind {
				continue
			}
			w.printf("| %s |", []string{g.name, "`" + g.name + "`", "**" + g.name + "**", g.name + ".home.lan"}[w.IntN(4)])
			for _, c := range cols {
				w.printf(" ")
				cell := c.cell(g)
				w.printf("%s |", cell)
			}
			w.printf("\n")
		}
	}
	w.close()
}

// context is what an assistant is given: trees of hosts, lists, sentences.
func (w *writer) context() {
	w.open([]string{"CLAUDE.md", ".claude/context.md"}[w.IntN(2)])
	w.printf("# Home\n\n```\nKEY HOSTS\n")
	for _, g := range w.guests[2:8] {
		w.printf("├─ %s:  ", g.name)
		w.printf("%s - something\n", w.ip(g))
	}
	w.printf("```\n\n| Host | IP | Type |\n|---|---|---|\n")
	for _, g := range w.guests[:10] {
		w.printf("| %s ", g.name)
		w.printf("| %s ", w.ip(g))
		w.printf("| %s |\n", w.kind(g))
	}
	w.printf("\n")
	for _, g := range w.guests[:12] {
		if strings.Contains(commonWords, " "+g.name+" ") {
			continue
		}
		switch w.IntN(6) {
		case 0:
			w.printf("- %s is at %s\n", g.name, w.ip(g))
		case 1:
			w.printf("- **%s** (%s ", g.name, w.kind(g))
			w.printf("%s, ", w.vmid(g))
			w.printf("%s, ", w.node(g))
			w.printf("%s): does things\n", w.ip(g))
		case 2:
			w.printf("- %s %s: %s\n", map[string]string{"vm": "VM", "lxc": "CT"}[g.kind], w.vmid(g), g.name)
		case 3:
			w.printf("- %s runs on %s\n", g.name, w.node(g))
		case 4:
			w.printf("- The %s %s has ", g.name, map[string]string{"vm": "VM", "lxc": "container"}[g.kind])
			w.printf("%s GB of RAM and ", w.number(KindMemory, g.memory))
			w.printf("%s cores.\n", w.number(KindCores, g.cores))
		case 5:
			w.printf("- `qm status %s` # %s\n", w.vmid(g), g.name)
		}
	}
	w.close()
}

// pages are one for a guest, with its properties as a table or a list.
func (w *writer) pages() {
	for i, g := range w.guests[:8] {
		w.open("docs/guests/" + g.name + ".md")
		w.printf("# %s\n\n## Overview\n\n", g.name)
		if i%2 == 0 {
			w.printf("| Property | Value |\n|---|---|\n")
			w.printf("| VMID | %s |\n", w.vmid(g))
			w.printf("| Node | %s |\n", w.node(g))
			w.printf("| IP Address | `%s` |\n", w.ip(g))
			w.printf("| RAM | %s GB |\n", w.number(KindMemory, g.memory))
		} else {
			w.printf("- **Node:** %s\n", w.node(g))
			w.printf("- **IP address:** `%s`\n", w.ip(g))
			w.printf("- CPU: %s cores\n", w.number(KindCores, g.cores))
		}
		w.printf("\n## History\n\n- 2025-01-03: moved from node03 to node01, was 192.168.1.%d\n\n## Changelog\n\nIt had 192.168.1.9 and vmid 999.\n", g.vmid-90)
		w.close()
	}
}

// code is an Ansible inventory and Terraform.
func (w *writer) code() {
	w.open("ansible/hosts.yml")
	w.printf("all:\n  hosts:\n")
	for _, g := range w.guests {
		w.printf("    %s:\n      ansible_host: ", g.name)
		w.printf("%s\n", w.ip(g))
	}
	w.close()
	w.open("terraform/main.tf")
	for _, g := range w.guests[:10] {
		w.printf("resource \"%s\" \"x%d\" {\n  %s = \"%s\"\n", map[string]string{"vm": "proxmox_vm_qemu", "lxc": "proxmox_lxc"}[g.kind], g.vmid, map[string]string{"vm": "name", "lxc": "hostname"}[g.kind], g.name)
		w.printf("  vmid        = %s\n", w.vmid(g))
		w.printf("  target_node = \"%s\"\n", w.node(g))
		w.printf("  cores       = %s\n", w.number(KindCores, g.cores))
		w.printf("  memory      = %s\n}\n\n", w.number(KindMemory, g.memory*1024))
	}
	w.close()
	w.open("scripts/notify.py")
	w.printf("VM_NAMES = {\n")
	for _, g := range w.guests[:10] {
		w.printf("    \"%s\": \"%s\",\n", w.vmid(g), g.name)
	}
	w.printf("}\n")
	w.close()
}

// truths are sentences in which nothing is wrong, and texts that say nothing about
// today: none of it may ever be found or rewritten.
func (w *writer) truths() {
	g, h, n := w.guests[0], w.guests[1], w.guests[2].node
	w.open("docs/notes.md")
	w.printf(`# Notes

The gateway for %[1]s is 192.168.%[7]d.1.

The DNS server for %[1]s is 192.168.90.53.

Default route on %[1]s: 192.168.%[7]d.1.

NTP server for %[1]s: 192.168.40.1

The monitoring IP allowed by %[1]s is 192.168.20.61.

Broadcast address of %[1]s: 192.168.40.255

The IPMI address of %[6]s is 192.168.20.120.

The WireGuard address of %[1]s is 10.6.0.3.

The BMC of %[6]s is 192.168.20.121, the backup server for %[1]s is 192.168.20.122.

The Tailscale address of %[1]s is 100.88.228.34, its VPN address 10.6.0.4.

Management address of %[6]s: 192.168.99.44

The proxy of %[1]s is 192.168.40.20, the NTP server of %[1]s is 192.168.40.123.

The terraform-provider for %[1]s is 3.0.4 and telmate/proxmox 2.9.14 made it.

%[1]s resolves via 192.168.90.53 and is proxied by 192.168.40.20.

The VIP of the reverse proxy in front of %[1]s is 192.168.40.5.

%[1]s used to be at 192.168.1.50 on node03. We moved %[2]s from 192.168.1.51 to %[4]s.
For example, put %[1]s at 10.0.0.5. The firewall lets %[1]s -> 192.168.40.250 pass.
Pools: 192.168.40.100-192.168.40.150, and 192.168.40.0/24 as a whole; %[1]s needs 3 VMs to test.
The media server plays films; a web app talks to a db at 192.168.40.199.
~~%[1]s (192.168.1.50)~~ Docker's bridge on %[2]s is 172.17.0.1.
%[1]s: 127.0.0.1:8080 inside. Upstream DNS: 1.1.1.1 and 192.168.77.7.
Needs at least 64 GB RAM on %[1]s some day. Proxmox VE 8.4 documentation applies since 8.1.
%[1]s is reached via 192.168.40.20. %[2]s (behind 192.168.40.20) answers.
ssh root@192.168.20.20 'docker exec %[1]s ls'
A new VM on %[6]s at 192.168.40.13 is what %[1]s wants.

| Service | Proxied by | IP of proxy |
|---|---|---|
| %[1]s | traefik | %[3]s |

| Domain | Answer |
|---|---|
| %[1]s.home.lan | 192.168.40.20 |

| Host | Domain | IP |
|---|---|---|
| %[1]s | home.lan | 192.168.40.20 |

| Instance | Host | IP |
|---|---|---|
| vault-1 | %[1]s | 192.168.40.77 |

| Name | Old IP | New IP |
|---|---|---|
| %[1]s | 192.168.1.50 | %[5]s |

| Guest | IP | Remark |
|---|---|---|
| %[1]s | 192.168.1.50 | decommissioned |
| %[1]s | 192.168.1.77 | planned |

| Name | IP | Tailscale IP |
|---|---|---|
| %[1]s | %[5]s | 100.88.228.34 |

<!-- recon:ignore the lab copy -->
%[1]s: 192.168.1.99

<!-- recon:begin id=home v=1 sum=abc -->
| %[1]s | VM 999 | node03 | 192.168.9.9 |
<!-- recon:end id=home -->

- [x] %[1]s is at 192.168.1.50, done
- [ ] move %[1]s to 192.168.40.250

| Name | IP | Port | Remark |
|---|---|---|---|
| %[1]s | 192.168.1.50 | 80 | optional |

## Requirements

- %[1]s: 192.168.3.4
- The %[1]s VM has 99 GB of RAM.

## 2024-03-01

%[1]s is at 192.168.3.3.
`, g.name, h.name, w.guests[11].ip, h.ip, g.ip, n, g.vlan)
	w.close()
	w.open("CHANGELOG.md")
	w.printf("# Changes\n\n- %s (192.168.4.4) is on node03\n", g.name)
	w.close()
}

// How much of what was planted is found, and how much of what is found was planted.
func TestPlanted(t *testing.T) {
	missed, hit, right, wrong := map[string]int{}, map[string]int{}, 0, 0
	for seed := range uint64(24) {
		r := rand.New(rand.NewPCG(seed, 7))
		guests, truth := testWorld(r, 20+int(seed)*3)
		w := &writer{Rand: r, guests: guests, rate: 12}
		w.write()
		type key struct {
			file, claim string
			line        int
		}
		told, planted := map[key]bool{}, map[key]bool{}
		for _, l := range w.lies {
			planted[key{l.file, l.claim, l.line}] = true
		}
		for _, f := range Check(w.docs, truth, Options{}) {
			for _, p := range f.Wrong {
				k := key{p.File, p.token(), p.Line}
				if f.Kind == KindName { // a wrong number is told by its name
					continue
				}
				told[k] = true
				if planted[k] {
					right++
				} else {
					wrong++
					t.Logf("not planted: %s:%d %s %q", p.File, p.Line, f.Kind, p.token())
				}
			}
		}
		for _, l := range w.lies {
			if told[key{l.file, l.claim, l.line}] {
				hit[l.kind]++
			} else {
				missed[l.kind]++
				t.Logf("missed: %+v", l)
			}
		}
	}
	found, all := 0, 0
	for k, n := range hit {
		found, all = found+n, all+n+missed[k]
	}
	t.Logf("found %d of %d, by kind %v, missed %v; right %d, wrong %d", found, all, hit, missed, right, wrong)
	if found*100 < all*95 || wrong > 0 {
		t.Error("too much is missed, or something true is called wrong")
	}
}
