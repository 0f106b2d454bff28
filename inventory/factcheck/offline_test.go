package factcheck

import (
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"recon/inventory/factcheck/source"
)

const inventoryPage = `-- inventory.md --
## LXC Containers

| Hostname | Node | VMID | IP | Cores | RAM |
|---|---|---|---|---|---|
| traefik | node02 | 203 | 192.168.40.20 | 2 | 2GB |
| immich-vm01 | node02 | 108 | 192.168.40.22 | 10 | 12GB |
| dc02 | node03 | 301 | 192.168.80.3 | 2 | 4GB |
`

// Documents held against each other, where nobody observes anything. Each text is a
// small tree; an empty result is a tree that must stay silent.
func TestOffline(t *testing.T) {
	tests := map[string]struct{ tree, want string }{
		"a tree of hosts with numbers":            {inventoryPage + "-- claude.md --\n```\nHOSTS\n├─ dc02:  192.168.80.3  (VMID 302)\n```\n", "claude.md:3:31 vmid 302 | inventory.md:7:19 vmid 301"},
		"a tailscale address in a tree":           {inventoryPage + "-- a.md --\n```\n├─ dc02: 192.168.80.3 (TS: 100.89.33.5)\n```\n-- b.md --\n```\n├─ dc02: 192.168.80.3 (TS: 100.89.33.6)\n```\n", "a.md:2:28 address 100.89.33.5 | b.md:2:28 address 100.89.33.6"},
		"two addresses of two networks":           {inventoryPage + "-- a.md --\n- dc02: 10.0.0.3\n", ""},
		"two networks in one place":               {inventoryPage + "-- a.md --\n- dc02: 192.168.80.3 / 192.168.80.13\n", ""},
		"a URL":                                   {inventoryPage + "-- a.md --\n- traefik: http://192.168.40.99:8080\n", "a.md:1:19 url 192.168.40.99"},
		"a URL of its proxy":                      {inventoryPage + "-- a.md --\n- dc02: http://192.168.40.20:8080\n", ""},
		"node in a list":                          {inventoryPage + "-- a.md --\n- traefik (LXC 203, node03)\n-- n.md --\n| Node | IP |\n|---|---|\n| node03 | 192.168.20.22 |\n", "a.md:1:21 node node03 | inventory.md:5:13 node node02"},
		"kinds":                                   {inventoryPage + "-- a.md --\n| Host | IP | Type |\n|---|---|---|\n| traefik | 192.168.40.20 | VM |\n", "a.md:3:29 guest_kind VM | inventory.md:5:3 guest_kind LXC"},
		"numbers under three names":               {inventoryPage + "-- a.md --\nVM 301 is k8s-controller01.\n-- b.py --\nVM_NAMES = {\n  '301': 'media-box2',\n}\n", "a.md:1:11 name k8s-controller01 | b.py:2:11 name media-box2 | inventory.md:7:3 name dc02"},
		"Terraform with one instance":             {inventoryPage + "-- main.tf --\nlocals {\n  vm_groups = {\n    immich-vm = {\n      count = 1\n      starting_ip = \"192.168.40.23\"\n      target_node = \"node02\"\n      memory = 12288\n    }\n  }\n}\n", "inventory.md:6:32 address 192.168.40.22 | main.tf:5:22 address 192.168.40.23"},
		"Terraform with several":                  {"-- i.md --\n| Name | VMID | IP |\n|---|---|---|\n| worker01 | 201 | 192.168.40.31 |\n| worker02 | 202 | 192.168.40.39 |\n-- main.tf --\nlocals {\n  vm_groups = {\n    worker = {\n      count = 2\n      starting_ip = \"192.168.40.31\"\n      memory = 2048\n    }\n  }\n}\n", "i.md:4:20 address 192.168.40.39 | main.tf:5:22 address 192.168.40.32"},
		"a list keeps names apart":                {"-- i.md --\n| Name | VMID | IP |\n|---|---|---|\n| alpha1 | 201 | 192.168.40.31 |\n| beta1 | 202 | 192.168.40.32 |\n-- main.tf --\nlocals {\n  vms = [\n    { name = \"alpha1\", vmid = 201, ip = \"192.168.40.31\" },\n    { name = \"beta1\", vmid = 203, ip = \"192.168.40.32\" },\n  ]\n}\n", "i.md:4:11 vmid 202 | main.tf:4:30 vmid 203"},
		"an item's machine":                       {"-- a.yml --\nvms:\n  - name: alpha1\n    vmid: 201\n    node: pve1\n-- b.yml --\nguests:\n  alpha1:\n    vmid: 202\n    node: pve1\n", "a.yml:3:11 vmid 201 | b.yml:3:11 vmid 202"},
		"XML":                                     {inventoryPage + "-- dhcp.xml --\n<map><hostname>traefik</hostname><ipaddr>192.168.40.29</ipaddr><mac>aa:bb:cc:dd:ee:ff</mac></map>\n", "dhcp.xml:1:42 address 192.168.40.29 | inventory.md:5:28 address 192.168.40.20"},
		"environment":                             {inventoryPage + "-- .env.example --\nTRAEFIK_IP=192.168.40.29\n", ".env.example:1:12 address 192.168.40.29 | inventory.md:5:28 address 192.168.40.20"},
		"Ansible":                                 {inventoryPage + "-- hosts.ini --\ntraefik ansible_host=192.168.40.29\n", "hosts.ini:1:22 address 192.168.40.29 | inventory.md:5:28 address 192.168.40.20"},
		"Mermaid":                                 {inventoryPage + "-- a.md --\n```mermaid\nA[\"traefik<br>192.168.40.29\"]\n```\n", "a.md:2:15 address 192.168.40.29 | inventory.md:5:28 address 192.168.40.20"},
		"one address of three names":              {"-- a.md --\n| Name | IP |\n|---|---|\n| grafana | 192.168.40.13 |\n-- b.md --\n| Name | IP | Node |\n|---|---|---|\n| grafana | 192.168.40.20 | node01 |\n| prom1 | 192.168.40.20 | node01 |\n| loki1 | 192.168.40.20 | node01 |\n", ""},
		"a name in two words":                     {"-- a.md --\n| Name | VMID | IP |\n|---|---|---|\n| developmentbox | 128 | 192.168.40.31 |\n-- b.md --\n| Service | IP | LXC ID |\n|---|---|---|\n| Dev Box | 192.168.40.31 | 128 |\n", ""},
		"the VMID of a container":                 {inventoryPage + "-- a.md --\n1. Restart traefik (VMID 203) first\n", ""},
		"storage of guests of both kinds":         {inventoryPage + "-- a.md --\n## Virtual Machine Storage\n\n| ID | Service | Disk |\n|---|---|---|\n| 203 | traefik | 8 GB |\n", ""},
		"guests of a kind on a node":              {inventoryPage + "-- a.md --\n## VMs on node02\n\n| ID | Name | Disk |\n|---|---|---|\n| 203 | traefik | 8 GB |\n", "a.md:5:9 guest_kind VM | inventory.md:5:3 guest_kind LXC"},
		"what a machine is for":                   {inventoryPage + "-- a.md --\n| ID | Service | Disk |\n|---|---|---|\n| 203 | Reverse Proxy | 8 GB |\n-- docs/reverse-proxy.md --\n# Reverse Proxy\n\n| Property | Value |\n|---|---|\n| VM ID | 203 |\n| Hostname | traefik |\n", ""},
		"the way to two guests":                   {"-- hosts.yml --\nall:\n  hosts:\n    proxmox-host:\n      ansible_host: 192.168.40.31\n    alpha1:\n      ansible_host: 192.168.40.31\n      vmid: 201\n    beta1:\n      ansible_host: 192.168.40.31\n      vmid: 202\n", ""},
		"secrets of guests":                       {"-- a.sh --\ndeclare -A LXC_SECRETS=(\n  [\"204\"]=\"alpha_admin_password\"\n)\n-- b.sh --\ndeclare -A CONTAINERS=(\n  [\"204\"]=\"beta1\"\n)\n", ""},
		"names of guests":                         {"-- a.sh --\ndeclare -A LXC_SERVICES=(\n  [\"204\"]=\"alpha1\"\n)\n-- b.sh --\ndeclare -A CONTAINERS=(\n  [\"204\"]=\"beta1\"\n)\n", "a.sh:2:12 name alpha1 | b.sh:2:12 name beta1"},
		"two numbers, one address":                {"-- a.md --\n| Name | VMID | IP |\n|---|---|---|\n| alpha1 | 201 | 192.168.40.31 |\n| beta1 | 202 | 192.168.40.31 |\n", "a.md:3:3 address alpha1 | a.md:4:3 address beta1"},
		"one name twice in a table":               {"-- a.md --\n| Name | VMID | IP |\n|---|---|---|\n| alpha1 | 201 | 192.168.40.31 |\n| alpha1 | 202 | 192.168.40.32 |\n", ""},
		"an address in a table with a name twice": {"-- a.md --\n| Name | VMID | IP |\n|---|---|---|\n| alpha1 | 201 | 192.168.40.31 |\n| beta1 | 202 | 192.168.40.32 |\n| beta1 | 203 | 192.168.40.31 |\n", "a.md:3:3 address alpha1 | a.md:5:3 address beta1"},
		"a template that is cloned":               {"-- main.tf --\nresource \"proxmox_virtual_environment_vm\" \"a\" {\n  name = \"alpha1\"\n  vm_id = 201\n  clone {\n    vm_id = 9000\n  }\n  cpu {\n    cores = 2\n  }\n}\nresource \"proxmox_virtual_environment_vm\" \"b\" {\n  name = \"beta1\"\n  vm_id = 202\n  clone {\n    vm_id = 9000\n  }\n  cpu {\n    cores = 2\n  }\n}\n", ""},
		"a host with a number behind it":          {inventoryPage + "-- b.md --\n| Name | VMID | IP |\n|---|---|---|\n| immich | 208 | 192.168.41.22 |\n-- a.md --\n| Service | Host |\n|---|---|\n| sonarr | immich |\n-- c.md --\n| Service | Host |\n|---|---|\n| sonarr | immich-vm01 |\n", ""},
		"a done task":                             {inventoryPage + "-- a.md --\n- [x] traefik is at 192.168.40.99\n- [x] A 5-node Proxmox cluster\n-- b.md --\n- A 2-node Proxmox cluster\n", ""},
		"a runbook's own number":                  {"-- a.md --\n# Proxmox: Five-Node Install Runbook\n-- b.md --\n- A 2-node Proxmox cluster\n", ""},
		"machines and nodes":                      {"-- a.md --\nA 5-node homelab.\n-- b.md --\n- A 2-node Proxmox cluster\n", ""},
		"a version before a node":                 {"-- a.md --\n- A Proxmox VE 9 node with ZFS\n-- b.md --\n- A 2-node Proxmox cluster\n", ""},
		"a release before nodes":                  {"-- a.md --\nPVE 9 nodes need other package sources.\n-- b.md --\n- A 3-node Proxmox cluster\n", ""},
		"nodes of a row":                          {"-- a.md --\n| What | Place |\n|---|---|\n| Proxmox 2-node cluster | shed |\n-- b.md --\n- A 3-node Proxmox cluster\n", ""},
		"records are no name servers":             {"-- a.md --\n- Wildcard DNS: `*.lab.example` → `192.168.40.54`\n- **CoreDNS**: https://192.168.40.54:6443/api\n- DNS: https://192.168.40.54/admin\n-- b.md --\n- **DNS server**: 192.168.40.10\n", ""},
		"a service and its host name":             {"-- a.md --\n| CT ID | Service | IP | Hostname |\n|---|---|---|---|\n| 112 | n8n | 192.168.40.61 | automation.home.lan |\n-- b.md --\n| CT ID | Service | IP |\n|---|---|---|\n| 112 | n8n | 192.168.40.61 |\n", ""},
		"a short form of a name":                  {"-- a.md --\n| ID | Name | Kind |\n|---|---|---|\n| 114 | Nginx Proxy Manager | LXC |\n| 115 | npm | LXC |\n-- b.md --\n| ID | Name | Kind |\n|---|---|---|\n| 114 | Nginx Proxy Mgr | LXC |\n| 115 | Node Package Mirror | LXC |\n", ""},
		"the end of an address behind a name":     {"-- a.md --\n| ID | Name | Kind |\n|---|---|---|\n| 510 | web-01 | VM |\n| 511 | web-02 | VM |\n-- b.md --\n| ID | Name | Kind |\n|---|---|---|\n| 510 | web-01-206 | VM |\n| 511 | edge-02-207 | VM |\n", "a.md:4:9 name web-02 | b.md:4:9 name edge-02-207"},
		"an address that moves":                   {inventoryPage + "-- a.md --\n| Name | IP | Note |\n|---|---|---|\n| traefik | 192.168.40.250 | VIP of the pair |\n| traefik | 192.168.40.251 (keepalived) | |\n", ""},
		"what is to come, told in prose":          {inventoryPage + "-- a.md --\ntraefik is eventually at 192.168.40.99.\n-- b.md --\n## Ziel\n\n- traefik: 192.168.40.98\n", ""},
		"what may be there":                       {inventoryPage + "-- a.md --\n- traefik: 192.168.40.99 (falls vorhanden)\n", ""},
		"groups of two hosts":                     {"-- a.tf --\nmodule \"a\" {\n  target_node = \"hv-one\"\n  guests = {\n    alpha1 = {\n      vmid   = 208\n      memory = 2048\n    }\n  }\n}\n-- b.tf --\nmodule \"b\" {\n  target_node = \"hv-two\"\n  guests = {\n    beta1 = {\n      vmid   = 208\n      memory = 2048\n    }\n  }\n}\n", ""},
		"groups of one host":                      {"-- a.tf --\nmodule \"a\" {\n  target_node = \"hv-one\"\n  guests = {\n    alpha1 = {\n      vmid   = 208\n      memory = 2048\n    }\n  }\n}\n-- b.tf --\nmodule \"b\" {\n  target_node = \"hv-one\"\n  guests = {\n    beta1 = {\n      vmid   = 208\n      memory = 2048\n    }\n  }\n}\n", "a.tf:4:5 name alpha1 | b.tf:4:5 name beta1"},
		"what a machine is for, as a column":      {"-- a.md --\n| Role | IP | LXC ID |\n|---|---|---|\n| Sync Service | 192.168.1.225 | 118 |\n-- b.md --\n| IP | MAC | Hostname |\n|---|---|---|\n| 192.168.1.225 | bc:24:11:e5:dd:9f | adguard-sync |\n", ""},
		"a service, its machine and a node":       {"-- a.md --\n| Service | Host | Node | vm_id |\n|---|---|---|---|\n| minio | store01 | pve02 | 252 |\n-- b.md --\n| Name | VMID | Node |\n|---|---|---|\n| store01 | 252 | pve03 |\n", "a.md:3:21 node pve02 | b.md:3:19 node pve03"},
		"two nodes in a row":                      {"-- a.md --\n| Name | VMID | Node | Proxmox Node |\n|---|---|---|---|\n| alpha1 | 252 | one | pve02 |\n-- b.md --\n| Name | VMID | Node |\n|---|---|---|\n| alpha1 | 252 | pve03 |\n", ""},
		"short for the whole name":                {"-- a.md --\n| CTID | Name | RAM |\n|---|---|---|\n| 101 | pbs | 2 GB |\n-- b.md --\n| CTID | Name | RAM |\n|---|---|---|\n| 101 | proxmox-backup-server | 2 GB |\n", ""},
		"a word in common is not short for it":    {"-- a.md --\n| CTID | Name | RAM |\n|---|---|---|\n| 101 | web-shop | 2 GB |\n-- b.md --\n| CTID | Name | RAM |\n|---|---|---|\n| 101 | web-mail | 2 GB |\n", "a.md:3:9 name web-shop | b.md:3:9 name web-mail"},
		"siblings, one of them short":             {"-- a.md --\n| CTID | Name | RAM |\n|---|---|---|\n| 101 | k3s-ctl-02 | 2 GB |\n-- b.md --\n| CTID | Name | RAM |\n|---|---|---|\n| 101 | k3s-control01 | 2 GB |\n", "a.md:3:9 name k3s-ctl-02 | b.md:3:9 name k3s-control01"},
		"a mapping of numbers":                    {"-- a.md --\n| CTID | Name | RAM |\n|---|---|---|\n| 301 | media-box2 | 2 GB |\n-- b.py --\nVM_MAPPING = {\n  'media-box2': ('pve2', 311),\n}\n", "a.md:3:3 vmid 301 | b.py:2:26 vmid 311"},
		"what runs, and where":                    {"-- a.md --\n| CTID | Service | RAM |\n|---|---|---|\n| 101 | Photo Library | 2 GB |\n| 102 | recipes | 2 GB |\n-- b.md --\n| CTID | Hostname | RAM |\n|---|---|---|\n| 101 | ghost | 2 GB |\n| 102 | spirit | 2 GB |\n", ""},
		"a guest and a host of the network":       {"-- a.md --\n| VMID | Name | Type | IP |\n|---|---|---|---|\n| 130 | alpha1 | VM | 192.168.1.179 |\n-- b.md --\n| IP | Hostname | Device |\n|---|---|---|\n| 192.168.1.179 | beta1 | a box |\n", ""},
		"a heading that says VMs and means all":   {"-- a.md --\n| VMID | Name | Type | Node |\n|---|---|---|---|\n| 104 | alpha1 | LXC | pve1 |\n\n## HA-managed VMs\n\n| VMID | Name | Note |\n|---|---|---|\n| 104 | alpha1 | here |\n", ""},
		"an internal port":                        {"-- compose.yml --\nservices:\n  sonarr:\n    image: a/b\n    ports: [\"8990:8989\"]\n-- a.md --\n| Port | Service | Access |\n|---|---|---|\n| 8989 | Sonarr | Internal |\n", ""},
		"of whom a cell speaks":                   {inventoryPage + "-- a.md --\n| Name | VMID | What |\n|---|---|---|\n| desk | 401 | A desktop, and traefik (GPU, 24GB RAM) |\n", ""},
		"several numbers in a cell":               {"-- a.md --\n| Name | VMID | Node |\n|---|---|---|\n| alpha1 | 201 | pve1 |\n-- b.md --\n| Name | VMID | Node |\n|---|---|---|\n| beta1 agents | 201, 202 | pve1 |\n", ""},
		"totals of clusters":                      {"-- a.md --\n# Platform\n\n## Production\n\nTotal: 7 VMs\n\n## Staging\n\nTotal: 6 VMs\n", ""},
		"a number that its author knows":          {inventoryPage + "-- a.md --\n`vm:399` is CT 399 (dc02) and stopped.\n\n| Name | VMID | IP |\n|---|---|---|\n| dc02 | 301 | 192.168.80.3 |\n", ""},
		"guests of two hosts' sections":           {"-- a.md --\n## Node D\n\n| VMID | Name | RAM |\n|---|---|---|\n| 100 | alpha1 | 8 GB |\n\n## Node E\n\n| VMID | Name | RAM |\n|---|---|---|\n| 100 | beta1 | 4 GB |\n", ""},
		"guests below their host":                 {"-- hosts.yml --\nall:\n  hosts:\n    hv-a:\n      ansible_host: 10.21.21.99\n      vms:\n        - {id: 105, name: alpha1, memory: 4096}\n-- a.md --\n| CTID | Name | Node |\n|---|---|---|\n| 105 | beta1 | winston |\n", ""},
		"one machine and its stack":               {"-- a.md --\n| VMID | Name | IP |\n|---|---|---|\n| 106 | grafana | 10.2.7.108 |\n-- b.md --\n| Name | VMID | IP |\n|---|---|---|\n| grafana stack | 106 | 10.2.7.108 |\n", ""},
		"an inventory that programs read":         {inventoryPage + "-- b.md --\n| Name | VMID | IP |\n|---|---|---|\n| traefik | 203 | 192.168.40.20 |\n-- hosts.ini --\ntraefik ansible_host=192.168.40.29\n", "b.md:3:19 address 192.168.40.20 | hosts.ini:1:22 address 192.168.40.29 | inventory.md:5:28 address 192.168.40.20"},
		"an optional port":                        {"-- compose.yml --\nservices:\n  sonarr:\n    image: a/b\n    ports: [\"8989:8989\"]\n-- a.md --\n| Service | Port | Note |\n|---|---|---|\n| Sonarr | 8990 | optional |\n", ""},
		"nodes that count for themselves":         {"-- a.md --\n## VMs of pve1\n\n| Node | VMID | Name |\n|---|---|---|\n| pve1 | 101 | alpha1 |\n\n## VMs of pve2\n\n| Node | VMID | Name |\n|---|---|---|\n| pve2 | 101 | beta1 |\n", ""},
		"rows below a heading":                    {"-- a.md --\n## LXC Containers (2)\n\n| Name | VMID |\n|---|---|\n| alpha1 | 201 |\n| beta1 | 202 |\n| **Total** | |\n", ""},
		"count in a heading":                      {"-- a.md --\n## LXC Containers (3)\n\n| Name | VMID | IP |\n|---|---|---|\n| alpha1 | 201 | 192.168.1.3 |\n| beta1 | 202 | 192.168.1.4 |\n", "a.md:1:20 count 3 | a.md:3:1 count 2"},
		"count in a total row":                    {"-- a.md --\n| Name | VMID | IP |\n|---|---|---|\n| alpha1 | 201 | 192.168.1.3 |\n| beta1 | 202 | 192.168.1.4 |\n| **Total** | 3 VMs | |\n", "a.md:1:1 count 2 | a.md:5:15 count 3"},
		"a sum of kinds":                          {"-- a.md --\n| Kind | Count |\n|---|---|\n| VMs | 5 |\n| LXC | 8 |\n| **Total** | **14** |\n", "a.md:3:9 count 13 | a.md:5:17 count 14"},
		"a sum of other things":                   {"-- a.md --\n| Kind | Count |\n|---|---|\n| VMs | 5 |\n| Services | 8 |\n| **Total** | **14** |\n", ""},
		"counts at a glance":                      {"-- a.md --\n## Infrastructure\n\n| Component | Details |\n|---|---|\n| **Proxmox Cluster** | 3 nodes (node01, node02, node03) |\n| **Virtual Machines** | 17 VMs across 2 VLANs |\n-- b.md --\n# Overview\n\n- A 2-node Proxmox cluster\n- Total VMs: 18\n", "a.md:5:25 count 3 | b.md:3:5 count 2 | a.md:6:26 count 17 | b.md:4:14 count 18"},
		"name servers":                            {"-- a.md --\n## Network\n\n- **Gateway**: 192.168.20.1\n- **DNS**: 192.168.90.53 (Pi-hole)\n-- b.md --\n| Setting | Value |\n|---|---|\n| DNS Server | 192.168.91.30 |\n", "a.md:4:12 dns 192.168.90.53 | b.md:3:16 dns 192.168.91.30"},
		"name servers together":                   {"-- a.md --\n- **DNS**: 192.168.90.53, 192.168.91.30\n-- b.md --\n- **DNS**: 192.168.91.30\n", ""},
		"name servers of networks":                {"-- a.md --\n## VLAN 20\n\n- **DNS**: 192.168.20.1\n-- b.md --\n## VLAN 40\n\n- **DNS**: 192.168.40.1\n", ""},
		"a secondary name server":                 {"-- a.md --\n- **DNS**: 192.168.90.53\n- **Secondary DNS**: 192.168.90.54\n", ""},
		"VLAN of a network":                       {"-- a.md --\n| VLAN | Subnet |\n|---|---|\n| 40 | 192.168.40.0/24 |\n-- b.md --\n| Name | VLAN ID | CIDR |\n|---|---|---|\n| services | 41 | 192.168.40.0/24 |\n", "a.md:3:3 vlan 40 | b.md:3:14 vlan 41"},
		"ports of a URL":                          {"-- compose.yml --\nservices:\n  sonarr:\n    image: a/b\n    ports: [\"8989:8989\"]\n-- a.md --\n| Service | URL |\n|---|---|\n| Sonarr | http://192.168.40.11:8990 |\n", "a.md:3:33 port 8990"},
		"ports behind a proxy":                    {"-- compose.yml --\nservices:\n  sonarr:\n    image: a/b\n    ports: [\"8989:8989\"]\n-- a.md --\n| Service | URL |\n|---|---|\n| Sonarr | https://sonarr.example.net:8443 |\n", ""},
		"ports of a proxy":                        {"-- compose.yml --\nservices:\n  sonarr:\n    image: a/b\n    ports: [\"8989:8989\"]\n-- a.md --\n| Service | URL | Port |\n|---|---|---|\n| Sonarr | `https://sonarr.home` | `443` |\n| Sonarr | http://sonarr.home | 80 |\n", ""},
		"ports of Kubernetes":                     {"-- compose.yml --\nservices:\n  sonarr:\n    image: a/b\n    ports: [\"8989:8989\"]\n-- a.md --\n| Service | Namespace | Port |\n|---|---|---|\n| Sonarr | media | 8200 |\n", ""},
		"ports beside an address":                 {"-- compose.yml --\nservices:\n  sonarr:\n    image: a/b\n    ports: [\"8989:8989\"]\n-- a.md --\n| Service | URL | Port |\n|---|---|---|\n| Sonarr | http://192.168.40.11 | 8990 |\n", "a.md:3:35 port 8990"},
		"a name in another language":              {inventoryPage + "-- a.md --\n| ID | Nom | Host | IP LAN |\n|---|---|---|---|\n| 203 | traefik | node02 | `192.168.40.20` |\n-- b.md --\n| Host | IP |\n|---|---|\n| node02 | 192.168.40.2 |\n", ""},
		"ports that are not known":                {"-- compose.yml --\nservices:\n  sonarr:\n    image: a/b\n    ports: [\"${PORT}:8989\"]\n-- a.md --\n| Service | Port |\n|---|---|\n| Sonarr | 8990 |\n", ""},
		"a container's host":                      {inventoryPage + "-- a.md --\n| Service | Host |\n|---|---|\n| sonarr | traefik |\n-- b.md --\n| Service | Host |\n|---|---|\n| sonarr | dc02 |\n", "a.md:3:12 container_host traefik | b.md:3:12 container_host dc02"},
		"a container on several hosts":            {inventoryPage + "-- a.md --\n| Service | Host |\n|---|---|\n| exporter | traefik |\n| exporter | dc02 |\n-- b.md --\n| Service | Host |\n|---|---|\n| exporter | dc02 |\n", ""},
		"inventories that agree":                  {inventoryPage + "-- hosts.ini --\n[all]\ntraefik ansible_host=192.168.40.20\n-- a.md --\n- traefik: 192.168.40.29\n", "a.md:1:12 address 192.168.40.29"},
		"names that many things have":             {"-- a.md --\n| Name | IP |\n|---|---|\n| Gateway | 192.168.40.1 |\n| myservice | 192.168.40.2 |\n-- b.md --\n| Name | IP |\n|---|---|\n| Gateway | 192.168.40.254 |\n| myservice | 192.168.40.3 |\n", ""},
		"versions":                                {"-- a.md --\nThe cluster runs Proxmox VE 9.1.2.\n-- b.md --\nThe cluster runs Proxmox VE 8.4.\n", "a.md:1:29 version 9.1.2 | b.md:1:29 version 8.4"},
		"a shorter version":                       {"-- a.md --\nThe cluster runs Proxmox VE 9.1.2.\n-- b.md --\nThe cluster runs Proxmox VE 9.1.\n", ""},
		"an example in a document":                {inventoryPage + "-- a.md --\n```yaml\nhosts:\n  traefik:\n    ansible_host: 192.168.40.29\n```\n", ""},
		"a name server in variables":              {"-- a.md --\n- **DNS**: 192.168.90.53\n-- variables.tf --\nvariable \"nameserver\" {\n  default = \"192.168.20.1\"\n}\n", "a.md:1:12 dns 192.168.90.53 | variables.tf:2:14 dns 192.168.20.1"},
		"a name server in group variables":        {"-- a.md --\n- **DNS**: 192.168.90.53\n-- group_vars/all.yml --\ndns_server: 192.168.91.30\n", "a.md:1:12 dns 192.168.90.53 | group_vars/all.yml:1:13 dns 192.168.91.30"},
		"no name":                                 {"-- a.yml --\ndevices:\n  - ip: 192.168.1.1\n    hostname: null\n    mac: 2c:f0:5d:58:8e:09\n  - ip: 192.168.1.2\n    hostname: null\n    mac: a0:ad:9f:5f:df:43\n", ""},
		"a page and its copy":                     {inventoryPage + "-- copy/inventory.md --\n" + strings.SplitN(inventoryPage, "\n", 2)[1] + "-- a.md --\n- traefik: 192.168.40.29\n", "a.md:1:12 address 192.168.40.29 | copy/inventory.md:5:28 address 192.168.40.20 | inventory.md:5:28 address 192.168.40.20"},
		"something else with a number":            {inventoryPage + "-- a.md --\n4. **Docker traefik (ID: 193)**\n5. traefik (ID: 303)\n", "a.md:2:17 vmid 303 | inventory.md:5:22 vmid 203"},
		"a kind in a cell":                        {"-- a.md --\n### Proxmox VMs\n\n| Name | VMID | RAM | What |\n|---|---|---|---|\n| dns01 | 101 | 512MB | Pi-hole (LXC) |\n| web01 | 102 | 512MB | pages |\n-- b.md --\n- dns01 (CT 101)\n- web01 (CT 102)\n", "a.md:6:3 guest_kind VM | b.md:2:10 guest_kind CT"},
		"ports behind a proxy of the host":        {"-- compose.yml --\nservices:\n  ntfy:\n    image: a/b\n    ports: [\"127.0.0.1:8085:80\"]\n-- a.md --\n| Service | Port |\n|---|---|\n| ntfy | 80 |\n", ""},
		"a port that is published otherwise":      {"-- compose.yml --\nservices:\n  ntfy:\n    image: a/b\n    ports: [\"8085:80\"]\n-- a.md --\n| Service | Port |\n|---|---|\n| ntfy | 80 |\n", "a.md:3:10 port 80"},
		"one of several ports":                    {"-- compose.yml --\nservices:\n  frigate:\n    image: a/b\n    ports: [\"8554:8554\", \"8556:8555\"]\n-- a.md --\n| Service | Port |\n|---|---|\n| Frigate | 5000 |\n-- b.md --\n| Service | Port |\n|---|---|\n| Frigate | 8555 |\n", "b.md:3:13 port 8555"},
		"another port beside the right one":       {"-- compose.yml --\nservices:\n  samba:\n    image: a/b\n    ports: [\"445:445\"]\n-- a.md --\n| Port | Service |\n|---|---|\n| 139 | Samba |\n| 445 | Samba |\n-- b.md --\n| Port | Service |\n|---|---|\n| 139 | Samba |\n", "b.md:3:3 port 139"},
		"ports of what a proxy leads to":          {"-- compose.yml --\nservices:\n  ntfy:\n    image: a/b\n    ports: [\"8085:80\"]\n-- a.md --\n| Domain | Service | Port |\n|---|---|---|\n| ntfy.home | ntfy | 80 |\n", ""},
		"words aside of a number":                 {inventoryPage + "-- a.md --\nIt goes to VM 303 (vfio-pci, all functions).\n- VM 303 (whole-disk)\n- VM 303 (`other-1`)\n- VM 303: other-2\n", "a.md:3:12 name other-1 | a.md:4:11 name other-2"},
		"two folders of Packer":                   {"-- a/web.pkr.hcl --\nsource \"proxmox-iso\" \"web\" {\n  vm_id   = 901\n  vm_name = \"web\"\n}\n-- b/web.pkr.hcl --\nsource \"proxmox-iso\" \"web\" {\n  vm_id   = 902\n  vm_name = \"web\"\n}\n", ""},
		"two folders of Terraform":                {"-- main.tf --\nlocals {\n  vms = {\n    alpha1 = { vmid = 901, memory = 10000 }\n  }\n}\n-- k8s/main.tf --\nlocals {\n  vms = {\n    alpha1 = { vmid = 901, memory = 4096 }\n  }\n}\n", ""},
		"Terraform against a page":                {"-- main.tf --\nlocals {\n  vms = {\n    alpha1 = { vmid = 901, memory = 10240 }\n  }\n}\n-- a.md --\n| Name | VMID | RAM |\n|---|---|---|\n| alpha1 | 901 | 4 GB |\n", "a.md:3:18 memory 4 GB | main.tf:3:37 memory 10240 MB"},
		"old and new hardware in a table":         {"-- a.md --\n| Name | RAM | Cores |\n|---|---|---|\n| jupiter | 64 GB | 8 |\n| saturn | 32 GB | 4 |\n| jupiter | 64 GB | 10 |\n-- b.md --\n| Name | RAM | Cores |\n|---|---|---|\n| saturn | 32 GB | 6 |\n", "a.md:4:20 cores 4 | b.md:3:20 cores 6"},
		"a key of every device":                   {"-- a.yml --\n- device: one\n  lan0:\n    mac: 30:f7:72:4d:79:8b\n    ip: 192.168.122.1\n- device: two\n  lan0:\n    mac: a8:b4:56:f3:62:68\n    ip: 192.168.122.2\n", ""},
		"versions in names":                       {"-- a.tf --\nresource \"x\" \"a\" {\n  vm_name = \"Ubuntu-22.04-100GB\"\n  vm_id = 9011\n  cores = 2\n}\nresource \"x\" \"b\" {\n  vm_name = \"Ubuntu-22.04-250GB\"\n  vm_id = 9012\n  cores = 2\n}\n", ""},
		"labels at a switch":                      {"-- a.md --\n| IP | Name | MAC |\n|---|---|---|\n| 192.168.1.3 | power-one | aa:bb:cc:dd:ee:03 |\n-- b.md --\n| Port | Name | MAC | IP |\n|---|---|---|---|\n| 1 | Port 1 power-one-plug | 6c:63:f8:ec:fd:73 | 192.168.1.3 |\n", ""},
		"an alias in the row":                     {"-- a.md --\n| IP | Name | MAC | SSH |\n|---|---|---|---|\n| 192.168.1.41 | n6005-backup-host | aa:bb:cc:dd:ee:11 | n6005 |\n-- b.md --\n| Host | IP | MAC |\n|---|---|---|\n| n6005 | 192.168.1.41 | 7c:2b:e1:13:92:4b |\n", ""},
		"the numbers of what runs where":          {"-- a.md --\n| Service | Host | CT ID |\n|---|---|---|\n| Homepage | Docker LXC | 100 |\n| Portainer | Docker LXC | 100 |\n| Plex | Plex LXC | 102 |\n-- b.md --\n| CT ID | Name | IP |\n|---|---|---|\n| 100 | box-docker | 192.168.1.3 |\n", ""},
		"a card in each network":                  {"-- a.md --\n| Name | IP | MAC |\n|---|---|---|\n| store-a | 192.168.10.15 | aa:bb:cc:dd:ee:04 |\n| store-b | 192.168.10.16 | aa:bb:cc:dd:ee:05 |\n-- b.md --\n| Name | IP | MAC |\n|---|---|---|\n| store-a | 192.168.40.20 | 00:11:22:33:55:10 |\n| store-b | 192.168.10.16 | 00:11:22:33:55:11 |\n", "a.md:4:29 mac aa:bb:cc:dd:ee:05 | b.md:4:29 mac 00:11:22:33:55:11"},
		"memory of a page named as a machine":     {inventoryPage + "-- docs/traefik.md --\n# Traefik\n\n## Overview\n\n| Property | Value |\n|---|---|\n| RAM | 4 GB |\n", "docs/traefik.md:7:9 memory 4 GB | inventory.md:5:48 memory 2 GB"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var docs []source.Document
			for _, f := range txtar.Parse([]byte(tt.tree)).Files {
				docs = append(docs, source.Document{Path: f.Name, Text: f.Data})
			}
			if got := found(Check(docs, nil, Options{})); got != tt.want {
				t.Errorf("got  %s\nwant %s", strings.ReplaceAll(got, " | ", "\n     "), strings.ReplaceAll(tt.want, " | ", "\n     "))
			}
		})
	}
}
