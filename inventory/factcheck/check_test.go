package factcheck

import (
	"fmt"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"recon/inventory"
	"recon/inventory/factcheck/source"
)

// found lists what is found in texts: place, kind and claim of everything wrong.
func found(findings []Finding) string {
	var out []string
	for i := range findings {
		for _, p := range findings[i].Wrong {
			out = append(out, fmt.Sprintf("%s:%d:%d %s %s", p.File, p.Line, p.Column, findings[i].Kind, p.Claim))
		}
	}
	return strings.Join(out, " | ")
}

// Each form by itself, held against an observed home: what is found in it, and
// where. An empty result is a form that must stay silent.
func TestStatements(t *testing.T) {
	truth, gitlab := homeTruth(t)
	tests := map[string]struct{ file, text, want string }{
		"true":                    {"a.md", "gitlab is at " + gitlab.ip + ".", ""},
		"name: address":           {"a.md", "gitlab: 10.9.9.9", "a.md:1:9 address 10.9.9.9"},
		"name in parentheses":     {"a.md", "gitlab (10.9.9.9)", "a.md:1:9 address 10.9.9.9"},
		"five spellings":          {"a.md", "- GitLab: 10.9.9.9\n- home_assistant: 10.9.9.8\n- Home Assistant is at 10.9.9.7\n", "a.md:1:11 address 10.9.9.9 | a.md:2:19 address 10.9.9.8 | a.md:3:24 address 10.9.9.7"},
		"domain":                  {"a.md", "`gitlab.home.lan` is at 10.9.9.9", "a.md:1:25 address 10.9.9.9"},
		"the IP of":               {"a.md", "The IP of gitlab is 10.9.9.9.", "a.md:1:21 address 10.9.9.9"},
		"CRLF":                    {"a.md", "x\r\ny\r\ngitlab: 10.9.9.9\r\n", "a.md:3:9 address 10.9.9.9"},
		"byte order mark":         {"a.md", "\xef\xbb\xbf| Name | IP |\n|---|---|\n| gitlab | 10.9.9.9 |\n", "a.md:3:12 address 10.9.9.9"},
		"gateway of":              {"a.md", "The gateway of gitlab is 10.9.9.9.", "a.md:1:26 gateway 10.9.9.9"},
		"DNS server for":          {"a.md", "The DNS server for gitlab is 10.9.9.9.", "a.md:1:30 dns 10.9.9.9"},
		"another role's noun":     {"a.md", "The IPMI address of node01 is 10.9.9.9. The VIP in front of gitlab is 10.9.9.8.", ""},
		"NTP, VPN, broadcast":     {"a.md", "NTP server for gitlab: 10.9.9.9\n\nThe VPN address of gitlab is 10.6.0.3.\n\nBroadcast address of gitlab: 10.9.9.255\n", ""},
		"allowed by":              {"a.md", "The monitoring IP allowed by gitlab is 10.9.9.9.", ""},
		"the past":                {"a.md", "gitlab was at 10.9.9.9", ""},
		"a plan":                  {"a.md", "gitlab will be at 10.9.9.9", ""},
		"a log entry":             {"a.md", "- 2025-01-01: gitlab is at 10.9.9.9", ""},
		"below history":           {"a.md", "## Changelog\n\n### 1.2\n\ngitlab: 10.9.9.9\n", ""},
		"after history":           {"a.md", "## Changelog\n\nx\n\n## Now\n\ngitlab: 10.9.9.9\n", "a.md:7:9 address 10.9.9.9"},
		"an archived file":        {"archive/a.md", "gitlab: 10.9.9.9", ""},
		"struck out":              {"a.md", "~~gitlab: 10.9.9.9~~", ""},
		"a comment":               {"a.md", "<!-- gitlab: 10.9.9.9 -->", ""},
		"ignored with a reason":   {"a.md", "gitlab: 10.9.9.9 <!-- recon:ignore lab -->", ""},
		"ignored without reason":  {"a.md", "gitlab: 10.9.9.9 <!-- recon:ignore -->", "a.md:1:9 address 10.9.9.9"},
		"an ignored section":      {"a.md", "## Lab\n<!-- recon:ignore copy -->\n\ngitlab: 10.9.9.9\n\n- gitlab (10.9.9.8)\n\n## Now\n\ngitlab: 10.9.9.7\n", "a.md:10:9 address 10.9.9.7"},
		"ignored in YAML":         {"a.yml", "gitlab:\n  ansible_host: 10.9.9.9 # recon:ignore lab\n", ""},
		"a flow":                  {"a.md", "gitlab -> 10.9.9.9, gitlab → 10.9.9.8", ""},
		"a range":                 {"a.md", "gitlab: 10.9.9.9-10.9.9.20", ""},
		"a network":               {"a.md", "gitlab: 10.9.9.0/24", ""},
		"an address of documents": {"a.md", "gitlab: 192.0.2.7", ""},
		"a common word":           {"a.md", "the web server 10.9.9.9 and a db at 10.9.9.8", ""},
		"a command over ssh":      {"a.md", "```bash\nssh root@10.9.9.9 'docker exec gitlab ls'\n```\n", ""},
		"vmid":                    {"a.md", "VM 999 (gitlab)", "a.md:1:4 vmid 999"},
		"vmid, backwards":         {"a.md", "gitlab (VM 999)", "a.md:1:12 vmid 999"},
		"vmid of a tool":          {"a.md", "```\nqm start 999 # gitlab\n```\n", "a.md:2:10 vmid 999"},
		"part of an address":      {"a.md", "gitlab (LXC 192.168.100.254)", ""},
		"another's name":          {"a.md", "VM 101 is windows-11-mgmt.", "a.md:1:11 name windows-11-mgmt"},
		"a longer name":           {"a.md", "VM 101 (gitlab-vm01)", ""},
		"kind":                    {"a.md", "gitlab (LXC 101)", "a.md:1:9 guest_kind LXC"},
		"kind in a sentence":      {"a.md", "gitlab is an LXC for code", "a.md:1:14 guest_kind LXC"},
		"kind of the past":        {"a.md", "gitlab used to be an LXC", ""},
		"somebody else's kind":    {"a.md", "an LXC on node02 talks to gitlab", ""},
		"node":                    {"a.md", "gitlab runs on node03", "a.md:1:16 node node03"},
		"two nodes":               {"a.md", "gitlab runs on node03 or node01", ""},
		"on node at address":      {"a.md", "New VM on node01 at 10.9.9.9", ""},
		"a list in parentheses":   {"a.md", "gitlab (VM 101, node03, 10.9.9.9, 3 cores)", "a.md:1:25 address 10.9.9.9 | a.md:1:35 cores 3 | a.md:1:17 node node03"},
		"resources":               {"a.md", "The gitlab VM has 3 GB of RAM and 3 cores.", "a.md:1:35 cores 3 | a.md:1:19 memory 3 GB"},
		"resources it needs":      {"a.md", "The gitlab VM has at least 3 GB of RAM.", ""},
		"section of a node":       {"a.md", "## node03\n\n| VMID | Name |\n|---|---|\n| 101 | gitlab |\n", "a.md:5:9 node node03"},
		"other name":              {"a.md", "| VMID | Name |\n|---|---|\n| 101 | gitea-01 |\n", "a.md:3:9 name gitea-01"},
		"gone":                    {"a.md", "| VMID | Name |\n|---|---|\n| 101 | gitlab |\n| 555 | oldbox-1 |\n", "a.md:4:9 name oldbox-1"},
		"another home's table":    {"a.md", "| VMID | Name |\n|---|---|\n| 555 | oldbox-1 |\n| 556 | oldbox-2 |\n", ""},
		"a service's host":        {"a.md", "| Instance | Host | IP |\n|---|---|---|\n| vault-1 | gitlab | 10.9.9.9 |\n", ""},
		"a DNS table":             {"a.md", "| Host | Domain | IP |\n|---|---|---|\n| gitlab | example.net | 10.9.9.9 |\n", ""},
		"old and new":             {"a.md", "| Name | Old IP | New IP |\n|---|---|---|\n| gitlab | 10.9.9.9 | 10.9.9.8 |\n", ""},
		"a planned row":           {"a.md", "| Name | IP | Remark |\n|---|---|---|\n| gitlab | 10.9.9.9 | planned |\n", ""},
		"two parts of a cell":     {"a.md", "| Name / VMID | IP / VLAN |\n|---|---|\n| gitlab / 101 | 10.9.9.9 / 7 |\n", "a.md:3:18 address 10.9.9.9 | a.md:3:29 vlan 7"},
		"properties of a page":    {"docs/gitlab.md", "# gitlab\n\n## Overview\n\n- **Memory:** 3 GB\n- IP: 10.9.9.9\n", "docs/gitlab.md:6:7 address 10.9.9.9 | docs/gitlab.md:5:15 memory 3 GB"},
		"properties of a part":    {"docs/gitlab.md", "# gitlab\n\n## Replica\n\n- IP: 10.9.9.9\n", ""},
		"properties of an item":   {"a.md", "- gitlab\n  - IP: 10.9.9.9\n- runner\n  - VLAN: 7\n", "a.md:2:9 address 10.9.9.9 | a.md:4:11 vlan 7"},
		"count":                   {"a.md", "The Proxmox cluster has five nodes.", "a.md:1:25 count five"},
		"count in any order":      {"a.md", "A 5-node Proxmox cluster.", "a.md:1:3 count 5"},
		"count of something else": {"a.md", "A 5-node k3s cluster on Proxmox. I use 5 VMs for tests.", ""},
		"rows below a heading":    {"a.md", "## VMs (3)\n\n| VMID | Name |\n|---|---|\n| 101 | gitlab |\n| 113 | runner |\n", "a.md:1:9 count 3 | a.md:1:9 count 3 | a.md:3:1 count 2"},
		"version":                 {"a.md", "All run Proxmox VE 8.2.", "a.md:1:20 version 8.2"},
		"version of a provider":   {"a.md", "- **Terraform Provider**: telmate/proxmox v3.0.2", ""},
		"version it needs":        {"a.md", "Proxmox VE 8.2 or later", ""},
		"VLAN of a subnet":        {"a.md", "| VLAN | Subnet | Gateway |\n|---|---|---|\n| 41 | 192.168.40.0/24 | 192.168.40.254 |\n", "a.md:3:26 gateway 192.168.40.254 | a.md:3:3 vlan 41"},
		"Ansible":                 {"a.yml", "all:\n  hosts:\n    gitlab:\n      ansible_host: 10.9.9.9\n", "a.yml:4:21 address 10.9.9.9"},
		"Ansible INI":             {"hosts.ini", "[all]\ngitlab ansible_host=10.9.9.9 ansible_user=root\n", "hosts.ini:2:21 address 10.9.9.9"},
		"host_vars":               {"host_vars/gitlab.yml", "ansible_host: 10.9.9.9\n", "host_vars/gitlab.yml:1:15 address 10.9.9.9"},
		"keys of YAML":            {"a.yml", "gitlab:\n  ip: 10.9.9.9\n", ""},
		"a list of machines":      {"a.yml", "vms:\n  - name: gitlab\n    vmid: 999\n    ip: 10.9.9.9\n  - name: runner\n    vmid: 113\n    cores: 77\n", "a.yml:4:9 address 10.9.9.9 | a.yml:3:11 vmid 999 | a.yml:7:12 cores 77"},
		"Terraform":               {"a.tf", "resource \"proxmox_vm_qemu\" \"y\" {\n  name = \"gitlab\"\n  vmid = 101\n  ipconfig0 = \"ip=10.9.9.9/24,gw=10.9.9.1\"\n}\n", "a.tf:4:19 address 10.9.9.9 | a.tf:4:34 gateway 10.9.9.1"},
		"Terraform blocks":        {"a.tf", "resource \"proxmox_virtual_environment_vm\" \"y\" {\n  name = \"gitlab\"\n  cpu {\n    cores = 77\n  }\n  memory {\n    dedicated = 777\n  }\n}\n", "a.tf:4:13 cores 77 | a.tf:7:17 memory 777 MB"},
		"another's each":          {"a.tf", "resource \"proxmox_lxc\" \"gitlab\" {\n  for_each = local.x\n  hostname = each.key\n  memory = 777\n}\n", ""},
		"a template":              {"a.tf", "resource \"proxmox_lxc\" \"y\" {\n  hostname = \"gitlab\"\n  vmid = var.id\n  memory = \"${var.m}\"\n}\n", "a.tf:2:15 guest_kind LXC"},
		"environment":             {".env.example", "GITLAB_IP=10.9.9.9\nHTTP_IP=10.9.9.8\n", ".env.example:1:11 address 10.9.9.9"},
		"shell":                   {"a.sh", "GITLAB_IP=\"10.9.9.9\"\n", "a.sh:1:12 address 10.9.9.9"},
		"map of numbers":          {"a.py", "VM_NAMES = {\n    \"999\": \"gitlab\",\n}\n", "a.py:2:6 vmid 999"},
		"a tuple with its order":  {"a.py", "# name -> (node_ip, ctid)\nLXC_CONTAINERS = {\n    'gitlab': ('192.168.20.20', 999),\n}\n", "a.py:3:33 vmid 999"},
		"a tuple without order":   {"a.py", "LXC_CONTAINERS = {\n    'gitlab': ('10.9.9.9', 999),\n}\n", ""},
		"XML":                     {"a.xml", "<dhcp><map><hostname>gitlab</hostname><ipaddr>10.9.9.9</ipaddr></map></dhcp>", "a.xml:1:47 address 10.9.9.9"},
		"a drawing":               {"a.md", "```\n┌────────┐ ┌──────────┐\n│ gitlab │ │ jellyfin │\n│10.9.9.9│ │          │\n└────────┘ └──────────┘\n```\n", "a.md:4:2 address 10.9.9.9"},
		"Mermaid":                 {"a.md", "```mermaid\ngraph TD\n  A[gitlab<br/>10.9.9.9] --> B[runner<br/>10.9.9.8]\n```\n", "a.md:3:16 address 10.9.9.9 | a.md:3:43 address 10.9.9.8"},
		"a tree of hosts":         {"a.md", "```\nKEY HOSTS\n├─ gitlab:   10.9.9.9 - code\n└─ jellyfin: 10.9.9.8\n```\n", "a.md:3:14 address 10.9.9.9 | a.md:4:14 address 10.9.9.8"},
		"an example in YAML":      {"a.md", "```yaml\ngitlab:\n  ansible_host: 10.9.9.9\n```\n", ""},
		"a bold heading":          {"a.md", "# Guests\n\n### **gitlab** (`VM 101`)\n\n- IP: 10.9.9.9\n", "a.md:5:7 address 10.9.9.9"},
		"numbers in a list":       {"a.md", "## LXC Containers\n\n- 999: gitlab\n- **555**: Plex\n- 101: Plex\n- 556: media server\n", "a.md:3:3 vmid 999 | a.md:4:12 name Plex"},
		"numbers of a list":       {"a.md", "## Ports\n\n- 999: gitlab\n- 555: Plex\n", ""},
		"recon's own block":       {"a.md", "<!-- recon:begin id=home v=1 -->\ngitlab: 10.9.9.9\n<!-- recon:end id=home -->\n", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := found(Check([]source.Document{{Path: tt.file, Text: []byte(tt.text)}}, truth, Options{})); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// TestAliases: what a manifest calls a guest, documents may call it too.
func TestAliases(t *testing.T) {
	for alias, want := range map[string]string{"": "", "git": "a.md:1:6 address 10.9.9.9", "git.home.lan": "a.md:2:15 address 10.9.9.8", "Code Box": "a.md:3:11 address 10.9.9.7"} {
		truth, gitlab := homeTruth(t)
		r := inventory.Resource{Addr: inventory.Address{Kind: "vm", Name: "code"}, Attrs: inventory.Attrs{"vmid": cty.NumberIntVal(int64(gitlab.vmid))}}
		if alias != "" {
			r.Policy.Aliases = []string{alias}
		}
		truth.Call(&r)
		docs := []source.Document{{Path: "a.md", Text: []byte("git: 10.9.9.9\ngit.home.lan: 10.9.9.8\nCode Box: 10.9.9.7\n")}}
		got := found(Check(docs, truth, Options{}))
		if alias == "git" {
			got, _, _ = strings.Cut(got, " | ") // and git.home.lan begins with it
		}
		if got != want {
			t.Errorf("%q: got %s, want %s", alias, got, want)
		}
	}
}

// TestURLPorts: a URL that leads to a host on which nothing listens there.
func TestURLPorts(t *testing.T) {
	truth, gitlab := homeTruth(t)
	for _, s := range []struct {
		name  string
		ports []string
	}{{"sonarr", []string{"8989/tcp"}}, {"radarr", []string{"7878/tcp"}}, {"lost", nil}} {
		truth.services = append(truth.services, &service{name: s.name, address: "service." + s.name, host: gitlab.name, ports: s.ports})
	}
	for row, want := range map[string]string{
		"| Sonarr | http://" + gitlab.ip + ":8990 |": "a.md:3:33 port 8990",
		"| Sonarr | http://" + gitlab.ip + ":8989 |": "",
		"| Sonarr | http://" + gitlab.ip + ":7878 |": "", // another's, who may show it
		"| Sonarr | http://" + gitlab.ip + ":443 |":  "",
		"| Sonarr | http://192.168.200.9:8990 |":     "",
		"| Sonarr | http://sonarr.home:8990 |":       "",
		"| Lost | http://" + gitlab.ip + ":8990 |":   "",
		"| Nobody | http://" + gitlab.ip + ":8990 |": "",
	} {
		docs := []source.Document{{Path: "a.md", Text: []byte("| Service | URL |\n|---|---|\n" + row + "\n")}}
		if got := found(Check(docs, truth, Options{})); got != want {
			t.Errorf("%s: got %s, want %s", row, got, want)
		}
	}
}
