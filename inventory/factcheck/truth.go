package factcheck

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"recon/inventory"
)

// The kinds of claims, as the JSON of recon facts has them.
const (
	KindAddress       = "address"
	KindName          = "name"
	KindVMID          = "vmid"
	KindGuest         = "guest_kind"
	KindNode          = "node"
	KindCores         = "cores"
	KindMemory        = "memory"
	KindDisk          = "disk"
	KindCount         = "count"
	KindDNS           = "dns"
	KindGateway       = "gateway"
	KindVLAN          = "vlan"
	KindURL           = "url"
	KindPort          = "port"
	KindContainerHost = "container_host"
	KindMAC           = "mac"
	KindVersion       = "version"
	KindReference     = "dead_reference"
)

// A Truth is what was observed, ready for questions. The zero value knows nothing:
// then claims are held against each other alone.
type Truth struct {
	hosts    []*host
	services []*service
	version  string
	at       time.Time
	partial  bool // something could not be observed, so that nothing can be counted
}

// A host is a guest, or a node.
type host struct {
	name     string
	address  string // vm.gitlab; "" for a node
	node     string
	kind     string // vm, lxc, node
	vmid     int64
	ips      []netip.Addr
	macs     []string
	vlans    []int64
	gateways []string
	dns      []string
	subnets  []subnet
	cores    int64
	memory   int64
	disks    []int64
	dynamic  bool // it has addresses that nobody knows
	aliases  []string
	template bool
	running  bool
	at       time.Time
	stale    bool
}

type subnet struct {
	prefix  netip.Prefix
	vlan    int64
	gateway netip.Addr
}

// A service is something that runs on a host.
type service struct {
	name, address, host string
	url                 string
	ports               []string
	at                  time.Time
}

// source names where a truth about the host comes from.
func (h *host) source() string {
	switch {
	case h.address == "":
		return "observed node " + h.name
	case h.stale:
		return "last seen " + h.address
	}
	return "observed " + h.address
}

// Observed gathers the truth from snapshots. What is only remembered comes as
// further observations, which are marked as old.
func Observed(at time.Time, snapshots []inventory.Snapshot, remembered []inventory.Observation) *Truth {
	t := &Truth{at: at}
	for i := range snapshots {
		s := &snapshots[i]
		t.partial = t.partial || !s.Complete
		if t.version == "" && strings.HasPrefix(s.Provider, "proxmox.") {
			t.version = s.Version
		}
		for _, n := range s.Nodes {
			h := &host{name: n.Name, kind: "node", at: at, running: n.Online}
			if ip, err := netip.ParseAddr(n.Address); err == nil {
				h.ips = []netip.Addr{ip}
			} else {
				h.dynamic = true
			}
			t.hosts = append(t.hosts, h)
		}
		for j := range s.Observations {
			if s.Observations[j].State == inventory.Present {
				t.add(&s.Observations[j], false)
			}
		}
	}
	for i := range remembered {
		t.add(&remembered[i], true)
	}
	return t
}

func (t *Truth) add(o *inventory.Observation, stale bool) {
	switch o.Resource.Addr.Kind {
	case "vm", "lxc":
		t.addGuest(o, stale)
	case "service":
		t.services = append(t.services, &service{
			name: o.Resource.Addr.Name, address: o.Resource.Addr.String(), host: o.Volatile.Node, at: o.At,
			url: inventory.Text(o.Resource.Attrs["url"]), ports: inventory.Strings(o.Resource.Attrs["listen"]),
		})
	}
}

func (t *Truth) addGuest(o *inventory.Observation, stale bool) {
	a := o.Resource.Attrs
	h := &host{
		name: o.Resource.Name(), address: o.Resource.Addr.String(), node: o.Volatile.Node, kind: o.Resource.Addr.Kind, at: o.At, stale: stale,
		template: o.Volatile.Template, running: o.Volatile.Status == "running",
	}
	h.vmid, _ = inventory.Int(a["vmid"])
	h.cores, _ = inventory.Int(a["cores"])
	h.memory, _ = inventory.Int(a["memory"])
	if sockets, ok := inventory.Int(a["sockets"]); ok && sockets > 1 {
		h.cores *= sockets
	}
	h.dns = inventory.Strings(a["nameservers"])
	if h.kind == "vm" {
		h.dns = inventory.Strings(a["cloud_init.nameservers"])
	}
	for _, slot := range a.Slots("network") {
		h.network(a, "network."+slot+".")
	}
	for _, block := range []string{"disk", "mount"} {
		for _, slot := range a.Slots(block) {
			h.disk(a, block+"."+slot+".size")
		}
	}
	h.disk(a, "rootfs.size")
	h.aliases = []string{firstLabel(h.name), o.Resource.Addr.Name}
	t.hosts = append(t.hosts, h)
}

func (h *host) disk(a inventory.Attrs, p string) {
	if n, ok := inventory.Int(a[inventory.Path(p)]); ok {
		h.disks = append(h.disks, n)
	}
}

func (h *host) network(a inventory.Attrs, prefix string) {
	field := func(name string) string { return inventory.Text(a[inventory.Path(prefix+name)]) }
	vlan, tagged := inventory.Int(a[inventory.Path(prefix+"vlan")])
	if tagged {
		h.vlans = append(h.vlans, vlan)
	}
	if mac := field("mac"); mac != "" {
		h.macs = append(h.macs, strings.ToUpper(mac))
	}
	known := false
	for _, family := range []string{"", "6"} {
		p, err := netip.ParsePrefix(field("address" + family))
		if err != nil {
			continue
		}
		known = true
		h.ips = append(h.ips, p.Addr())
		gw, err := netip.ParseAddr(field("gateway" + family))
		if err == nil {
			h.gateways = append(h.gateways, gw.String())
		}
		h.subnets = append(h.subnets, subnet{p.Masked(), vlan, gw})
	}
	h.dynamic = h.dynamic || !known
}

// Call takes up the other names that a declaration gives to what was observed.
func (t *Truth) Call(r *inventory.Resource) {
	vmid, numbered := inventory.Int(r.Attrs["vmid"])
	var called []*host
	for _, h := range t.hosts {
		if h.address != "" && (numbered && h.vmid == vmid || !numbered && h.address == r.Addr.String()) {
			called = append(called, h)
		}
	}
	if len(called) == 1 { // else two clusters have the number
		called[0].aliases = append(called[0].aliases, r.Policy.Aliases...)
	}
}

// has reports whether an address is one of the host's.
func (h *host) has(ip netip.Addr) bool { return slices.Contains(h.ips, ip) }

// guests returns the guests.
func (t *Truth) guests() (out []*host) {
	for _, h := range t.hosts {
		if h.kind != "node" {
			out = append(out, h)
		}
	}
	return out
}

// nodes returns the nodes.
func (t *Truth) nodes() (out []*host) {
	for _, h := range t.hosts {
		if h.kind == "node" {
			out = append(out, h)
		}
	}
	return out
}

// owner returns the host that has an address, nil when nobody does.
func (t *Truth) owner(ip netip.Addr) *host {
	for _, h := range t.hosts {
		if h.has(ip) {
			return h
		}
	}
	return nil
}

func idOf(h *host) string { return strconv.FormatInt(h.vmid, 10) }
