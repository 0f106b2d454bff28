package api

import (
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A Target is a guest as other programs reach it.
type Target struct {
	Name, Kind, Address, Node, Pool, Status, IP string
	VMID                                        string
	Tags                                        []string
}

// targetName is what may stand in a file of another program: nothing in it can end a line
// or begin an option.
var targetName = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$`)

// Targets are the guests that have an address and a name that is theirs alone and is one
// of DNS. Left are the addresses of the others, with the reason.
func (inv *Inventory) Targets() (out []Target, left []string) {
	count := map[string]int{}
	for _, r := range inv.Resources {
		count[strings.ToLower(r.Name)]++
	}
	for _, r := range inv.Resources {
		if r.Kind != "vm" && r.Kind != "lxc" || r.Attributes["template"] == true {
			continue
		}
		name := strings.ToLower(r.Name)
		if count[name] > 1 {
			_, name, _ = strings.Cut(r.Address, ".")
		}
		i := slices.IndexFunc(r.Addresses, func(a string) bool { ip, err := netip.ParseAddr(a); return err == nil && ip.Zone() == "" })
		switch {
		case !targetName.MatchString(name):
			left = append(left, r.Identity+": its name is none of DNS")
			continue
		case i < 0:
			left = append(left, r.Address+": no address of it is known")
			continue
		}
		t := Target{Name: name, Kind: r.Kind, Address: r.Address, Node: r.Node, Status: r.Status, IP: r.Addresses[i], VMID: r.Identity[strings.IndexByte(r.Identity, '/')+1:]}
		t.Pool, _ = r.Attributes["pool"].(string)
		t.Tags, _ = r.Attributes["tags"].([]string)
		out = append(out, t)
	}
	return out, left
}

// group is the name of a group of Ansible: letters, digits and underscores.
func group(kind, value string) string {
	return kind + "_" + strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, value)
}

// AnsibleList is the answer to --list of a dynamic inventory, with the variables of all
// hosts in it, so that --host is not asked (docs.ansible.com, developing_inventory).
func AnsibleList(targets []Target) map[string]any {
	vars := map[string]any{}
	groups := map[string][]string{}
	for _, t := range targets {
		vars[t.Name] = AnsibleHost(t)
		for _, g := range groupsOf(t) {
			groups[g] = append(groups[g], t.Name)
		}
	}
	out := map[string]any{"_meta": map[string]any{"hostvars": vars}}
	for g, hosts := range groups {
		out[g] = map[string]any{"hosts": hosts}
	}
	return out
}

func groupsOf(t Target) []string {
	out := []string{group("kind", t.Kind)}
	if t.Node != "" {
		out = append(out, group("node", t.Node))
	}
	if t.Status != "" {
		out = append(out, group("status", t.Status))
	}
	if t.Pool != "" {
		out = append(out, group("pool", t.Pool))
	}
	for _, tag := range t.Tags {
		out = append(out, group("tag", tag))
	}
	return out
}

// AnsibleHost are the variables of one host.
func AnsibleHost(t Target) map[string]any {
	vmid, _ := strconv.Atoi(t.VMID)
	return map[string]any{"ansible_host": t.IP, "proxmox_vmid": vmid, "proxmox_kind": t.Kind, "proxmox_node": t.Node, "proxmox_status": t.Status, "recon_address": t.Address}
}

// A ScrapeGroup is an entry of a file of Prometheus' file_sd_configs.
type ScrapeGroup struct {
	Targets []string          `json:"targets"`
	Labels  map[string]string `json:"labels"`
}

// Scraped are running guests as file_sd_configs has them, with one port for all.
func Scraped(targets []Target, port int) []ScrapeGroup {
	out := []ScrapeGroup{}
	for _, t := range targets {
		if t.Status == "running" {
			at := netip.AddrPortFrom(netip.MustParseAddr(t.IP), uint16(port))
			out = append(out, ScrapeGroup{[]string{at.String()}, map[string]string{"name": t.Name, "kind": t.Kind, "node": t.Node, "pool": t.Pool, "vmid": t.VMID}})
		}
	}
	return out
}
