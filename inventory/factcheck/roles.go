package factcheck

import (
	"regexp"
	"strings"
)

// The roles of fields. A role that is a kind of claim has its name.
const (
	roleName    = "name"
	roleHost    = "host" // a guest that carries a service, or the node of a guest
	roleSubnet  = "subnet"
	roleService = "service"
	roleIgnore  = ""
)

// roleWords maps the ways of heading a column or naming a key to a role.
func roleWords() map[string]string {
	out := map[string]string{}
	for role, words := range map[string]string{
		roleName:          "name hostname vmname guest guestname vm machine instance container containername ctname lxc system device server maschine rechner vmlxc vmct lxcvm fqdn hostnames title",
		roleService:       "service services app application dienst",
		roleHost:          "host runson hostedon location where",
		KindAddress:       "ip ips ipaddress ipaddresses ipv4 ipv4address ipaddr address addr ansiblehost ansiblesshhost hostip staticip lanip primaryip managementip mgmtip ipadresse adresse internalip localip ip4 ipconfig0 ipconfig",
		KindVMID:          "vmid id ctid vmctid vmidctid ctidvmid proxmoxid pveid lxcid vmids",
		KindGuest:         "type kind typ virt virtualization guesttype vmtype art",
		KindNode:          "node proxmoxnode pvenode targetnode nodename hypervisor proxmoxhost pvehost hostnode physicalhost proxmoxserver pve",
		KindCores:         "cores cpu cpus vcpu vcpus cpucores vcores core",
		KindMemory:        "memory ram mem dedicated memorymb rammb ramgb memorygb speicher arbeitsspeicher ramgib memorymib",
		KindDisk:          "disk disksize size hdd rootdisk diskgb storage rootfs disks platte rootsize",
		KindMAC:           "mac macaddress macaddr hwaddr",
		KindVLAN:          "vlan vlanid vlantag vlans",
		KindGateway:       "gateway gw defaultgateway gatewayip",
		KindDNS:           "dns dnsserver dnsservers nameserver nameservers resolver",
		roleSubnet:        "subnet network cidr range netz subnetz prefix ipv4subnet",
		KindPort:          "port ports listen webport uiport tcpport",
		KindURL:           "url link webui webinterface urls endpoint weburl",
		KindVersion:       "proxmoxversion pveversion proxmoxve",
		KindContainerHost: "dockerhost",
	} {
		for _, w := range strings.Fields(words) {
			out[w] = role
		}
	}
	return out
}

var (
	headSplit  = regexp.MustCompile(`\s*(?:/|&|,|\+|\bund\b|\band\b|\|)\s*`)
	parenthese = regexp.MustCompile(`\s*\(([^)]*)\)`)
)

// rolesOf says what a column or key stands for. Several parts, as in "CPU / RAM",
// give several roles; a part that means nothing gives the empty role.
func rolesOf(words map[string]string, head string) []string {
	bare := strings.Trim(head, " *_`\"'")
	if role, ok := words[normal(bare)]; ok {
		return []string{role}
	}
	bare = parenthese.ReplaceAllString(bare, "")
	if role, ok := words[normal(bare)]; ok {
		return []string{role}
	}
	var out []string
	known := false
	for _, part := range headSplit.Split(bare, -1) {
		role := words[normal(part)]
		known = known || role != ""
		out = append(out, role)
	}
	if !known {
		return nil
	}
	return out
}
