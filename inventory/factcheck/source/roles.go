package source

import (
	"regexp"
	"slices"
	"strings"
)

// A Role is what a value is to the thing that it is said of.
type Role string

// The roles. Those that are statements have the names that findings give them.
const (
	Address Role = "address"
	VMID    Role = "vmid"
	Kind    Role = "guest_kind"
	Node    Role = "node"
	Cores   Role = "cores"
	Memory  Role = "memory"
	Disk    Role = "disk"
	MAC     Role = "mac"
	VLAN    Role = "vlan"
	Gateway Role = "gateway"
	DNS     Role = "dns"
	Port    Role = "port"
	URL     Role = "url"
	Version Role = "version"

	Name    Role = "name"
	Service Role = "service" // the name of something that runs on a machine
	Host    Role = "host"    // a machine, or where something runs: the node of a guest, the guest of a service
	Place   Role = "place"   // where something runs
	Subnet  Role = "subnet"
	Count   Role = "count"
	Route   Role = "route" // a name that leads to an address which need not be its own
	First   Role = "starting address"
	Image   Role = "image"
	Sockets Role = "sockets"
	Inside  Role = "container port"
	Specs   Role = "resources" // cores and memory in one cell
)

// titles are the ways of heading a column or naming a key, without case, blanks
// and marks.
func titles() map[string]Role {
	out := map[string]Role{}
	for role, words := range map[Role]string{
		Name: "name hostname hostnames vm vmname guest guestname machine instance container containername ct ctname lxc lxcname system server device vmlxc vmct lxcvm ctvm vmcontainer containervm " +
			"maschine rechner nom nome nombre naam navn namn nazwa guestvm servername machinename nodename vmhostname lxccontainer virtualmachine",
		Service: "service services app application apps dienst tool",
		Place:   "runson hostedon location where lives",
		Host:    "host proxmoxhost pvehost physicalhost dockerhost hypervisor hostnode",
		VMID:    "vmid id ctid vmctid vmidctid ctidvmid proxmoxid pveid lxcid vmids containerid ctvmid vmidct guestid",
		Kind:    "type kind typ virt virtualization guesttype vmtype",
		Node:    "node proxmoxnode pvenode targetnode proxmoxserver pve proxmoxtargetnode clusternode startingnode startnode",
		Cores:   "cores cpu cpus vcpu vcpus cpucores vcores core numcpus corecount",
		Memory:  "memory ram mem memorymb rammb ramgb memorygb arbeitsspeicher ramgib memorymib dedicated memorysize",
		Disk:    "disk disksize rootdisk diskgb rootfs rootsize rootfssize disksizegb",
		MAC:     "mac macaddress macaddr hwaddr",
		VLAN:    "vlan vlanid vlantag",
		Gateway: "gateway gw defaultgateway gatewayip gatewayaddress",
		DNS:     "dns dnsserver dnsservers nameserver nameservers resolver dnsip dnsresolver primarydns",
		Subnet:  "subnet network cidr range netz subnetz prefix ipv4subnet iprange",
		Port:    "port ports webport uiport tcpport hostport externalport publishedport",
		URL:     "url webui webinterface urls weburl webgui accessurl",
		Version: "proxmoxversion pveversion proxmoxve proxmoxveversion",
		Count:   "count number quantity anzahl total",
		Route:   "domain domains answer record rewrite cname dnsname dnsrecord arecord recordtype ttl resolvesto pointsto forwardto proxiedby proxy backend upstream subdomain domainname publicurl destination target interface iface",
		First:   "startingip ipstart startip firstip",
		Specs:   "resources specs resourceallocation cpuram specification specifications hardwarespecs vmresources allocation",
		Image:   "image dockerimage containerimage",
		Address: "ipconfig0 ipconfig ansiblehost ansiblesshhost vmip",
	} {
		for _, w := range strings.Fields(words) {
			out[w] = role
		}
	}
	return out
}

// A column is what a title says of the values below it, or a key of its value.
type column struct {
	role  Role
	label string // which of several addresses: tailscale, storage; "" for the plain one
	unit  string // of bare numbers
}

// A lexicon knows titles and words.
type lexicon struct {
	titles map[string]Role
	past   tense
}

func newLexicon() *lexicon { return &lexicon{titles: titles(), past: newTense()} }

var (
	titleWord   = regexp.MustCompile(`[a-z0-9]+`)
	parentheses = regexp.MustCompile(`\(([^)]*)\)`)
	camel       = regexp.MustCompile(`([a-z])([A-Z])`)
)

// Of several addresses of a machine, those with such words are the plain one, ...
const plainWords = " static host primary main lan local internal private fixed assigned current the machine vm lxc ct guest container server instance default ansible device hostname reserved lxcs ipaddr "

// ... and those with such words are no address of it, or none of today.
const foreignWords = " node old previous former new planned target proposed expected desired future from to proxy vip virtual floating backend upstream external wan broadcast hypervisor pve proxmox docker source destination peer client clients next " +
	"allowed listen bind remote example pod cluster service parent router switch server_ip lb loadbalancer dst src email mail e billing "

// Titles with such words are about another time, or about one of several.
const otherWords = " old previous former new planned target proposed expected desired future secondary upstream fallback alternate backup external public_dns recommended minimum max maximum used free usage total_ram "

// column says what a title means.
func (l *lexicon) column(title string) column {
	title = camel.ReplaceAllString(title, "$1 $2")
	lower := strings.ToLower(title)
	unit := ""
	if m := parentheses.FindStringSubmatch(lower); m != nil {
		switch strings.TrimSpace(m[1]) {
		case "gb", "gib", "g":
			unit = "GB"
		case "mb", "mib", "m":
			unit = "MB"
		case "tb", "tib", "t":
			unit = "TB"
		}
		lower = parentheses.ReplaceAllString(lower, " ")
	}
	words := titleWord.FindAllString(lower, -1)
	joined := strings.Join(words, "")
	if unit == "" && (strings.HasSuffix(joined, "gb") || strings.HasSuffix(joined, "gib")) {
		unit = "GB"
	}
	if role, ok := l.titles[joined]; ok {
		return column{role: role, unit: unit}
	}
	if slices.ContainsFunc(words, func(w string) bool { return strings.Contains(otherWords, " "+w+" ") }) {
		return column{}
	}
	return addressColumn(words)
}

// addressColumn recognises "IP", "Tailscale IP", "Management address", "Gateway IP".
func addressColumn(words []string) column {
	isAddress, label := false, ""
	for _, w := range words {
		switch {
		case strings.Contains(" ip ips ipv4 address addresses addr ipaddress ipaddr adresse ", " "+w+" "):
			isAddress = true
		case w == "ipv6":
			isAddress, label = true, "ipv6"
		case w == "gateway" || w == "gw":
			return column{role: Gateway}
		case w == "dns" || w == "nameserver":
			return dnsColumn(words)
		case w == "mac":
			return column{role: MAC}
		case w == "subnet" || w == "network" || w == "range" || w == "pool" || w == "netmask":
			return column{role: Subnet}
		case strings.Contains(plainWords, " "+w+" "):
		case strings.Contains(foreignWords, " "+w+" "):
			return column{}
		case label == "":
			label = sameLabel(w)
		default:
			label += " " + sameLabel(w)
		}
	}
	if !isAddress || len(words) > 4 {
		return column{}
	}
	return column{role: Address, label: label}
}

// dnsColumn recognises the name server that is asked; "Wildcard DNS" and "Cluster DNS"
// are something else.
func dnsColumn(words []string) column {
	for _, w := range words {
		if !strings.Contains(" dns nameserver nameservers server servers ip ips address addresses primary main local internal lan home default lan resolver resolvers network ", " "+w+" ") {
			return column{}
		}
	}
	return column{role: DNS}
}

func sameLabel(w string) string {
	switch w {
	case "ts", "tailnet":
		return "tailscale"
	case "mgmt", "admin":
		return "management"
	case "wg":
		return "wireguard"
	}
	return w
}
