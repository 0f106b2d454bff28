package inventory

import (
	"slices"
	"strings"
)

// A Network is an address that a guest's configuration gives it.
type Network struct {
	Address string // with prefix length
	Gateway string
	VLAN    int64
}

// IP returns the address without its prefix length, "" when it is none that is
// written down, as with dhcp.
func (n Network) IP() string {
	ip, _, ok := strings.Cut(n.Address, "/")
	if !ok {
		return ""
	}
	return ip
}

// NetworksOf returns the addresses that a guest's configuration gives it, device by
// device, IPv4 first. Of IPv6 only addresses count, not how one is come by.
func NetworksOf(kind *Kind, a Attrs) (out []Network) {
	for _, b := range kind.Blocks {
		slots := []string{""}
		if b.Labelled() {
			slots = a.Slots(b.Name)
		}
		for _, slot := range slots {
			out = append(out, networksOfDevice(b, slot, a)...)
		}
	}
	return out
}

func networksOfDevice(b *Block, slot string, a Attrs) (out []Network) {
	var all []Network
	var vlan int64
	for _, attr := range b.Attrs {
		v := a[b.Path(slot, attr.Name)]
		switch attr.Column {
		case ColumnVLAN:
			vlan, _ = Int(v)
		case ColumnAddress:
			all = append(all, Network{Address: Text(v)})
		case ColumnGateway:
			all[len(all)-1].Gateway = Text(v)
		}
	}
	for i, n := range all {
		if n.VLAN = vlan; n.Address != "" && (i == 0 || strings.Contains(n.Address, ":")) {
			out = append(out, n)
		}
	}
	return out
}

// ConfiguredIPs are the addresses that a guest's configuration gives it, each once.
func ConfiguredIPs(kind *Kind, a Attrs) (out []string) {
	for _, n := range NetworksOf(kind, a) {
		if ip := n.IP(); ip != "" && !slices.Contains(out, ip) {
			out = append(out, ip)
		}
	}
	return out
}

// IPsOf are the addresses under which a guest is reached: those of its configuration,
// else those that it said it has.
func IPsOf(o *Observation) []string {
	if ips := ConfiguredIPs(o.Resource.Kind(), o.Resource.Attrs); len(ips) > 0 {
		return ips
	}
	return o.Volatile.Addresses
}
