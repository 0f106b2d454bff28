package proxmox

import (
	"context"
	"encoding/json"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"recon/inventory"
)

// How long one guest may take to tell its addresses, and all of them together. An agent
// that is dead holds a worker of its node for seconds.
const (
	addressTime    = 2 * time.Second
	allAddressTime = 20 * time.Second
	agentTime      = 10 * time.Second // Proxmox itself waits for seconds
)

// Addresses asks the guests that run and have no address by their configuration, each
// once and no more of a node at the same time than for reading. One that does not answer
// says nothing.
func (p *Provider) Addresses(ctx context.Context, obs []inventory.Observation) int {
	if p.cfg.NoAgent {
		return 0
	}
	ctx, cancel := context.WithTimeout(ctx, allAddressTime)
	defer cancel()
	queues := map[string][]*inventory.Observation{}
	for i := range obs {
		if o := &obs[i]; p.tells(o) {
			queues[o.Volatile.Node] = append(queues[o.Volatile.Node], o)
		}
	}
	var calls atomic.Int64
	var wg sync.WaitGroup
	for _, queue := range queues {
		work := make(chan *inventory.Observation, len(queue))
		for _, o := range queue {
			work <- o
		}
		close(work)
		for range min(len(queue), p.client.inFlight) {
			wg.Go(func() {
				for o := range work {
					calls.Add(1)
					if ips := p.addresses(ctx, o); len(ips) > 0 {
						o.Volatile.Addresses, o.Volatile.AddressesAt = ips, p.now()
					}
				}
			})
		}
	}
	wg.Wait()
	return int(calls.Load())
}

// tells reports whether a guest has to be asked, and can be.
func (p *Provider) tells(o *inventory.Observation) bool {
	if o.State != inventory.Present || o.Old || o.Volatile.Status != "running" || len(inventory.ConfiguredIPs(o.Resource.Kind(), o.Resource.Attrs)) > 0 {
		return false
	}
	return o.Resource.Addr.Kind == "lxc" || agentOn(o.Volatile.Raw["agent"]) && p.mayAskAgent(inventory.VMID(o.Resource.Identity))
}

// Answers asks the agent of a VM, where there is one and the token may.
func (p *Provider) Answers(ctx context.Context, o inventory.Observation) bool {
	vmid := inventory.VMID(o.Resource.Identity)
	if p.cfg.NoAgent || o.Resource.Addr.Kind != "vm" || o.Running == nil || !agentOn(o.Volatile.Raw["agent"]) || !p.mayAskAgent(vmid) {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, agentTime)
	defer cancel()
	var answer json.RawMessage
	return p.client.get(ctx, guestPath("vm", o.Volatile.Node, vmid)+"/agent/info", nil, &answer) == nil
}

func agentOn(config string) bool {
	first, _, _ := strings.Cut(config, ",")
	return first == "1" || strings.Contains(config, "enabled=1")
}

// mayAskAgent reports whether the token may ask the agent of a VM: one call less, and no
// refusal in the log of the cluster, where it may not.
func (p *Provider) mayAskAgent(vmid int) bool {
	v := p.view()
	path := "/vms/" + itoa(vmid)
	return slices.ContainsFunc(agentPrivileges(v.version), func(priv string) bool { return v.permissions.has(path, priv) })
}

// agentPrivileges are those of which one lets a token ask an agent for addresses.
func agentPrivileges(version string) []string {
	if strings.HasPrefix(version, "8.") {
		return []string{"VM.Monitor"}
	}
	return []string{"VM.GuestAgent.Audit", "VM.GuestAgent.Unrestricted"}
}

// An iface is a network interface as a guest sees it: the agent's and lxc-info's names
// for the same things.
type iface struct {
	Name      string `json:"name"`
	MAC       string `json:"hardware-address"`
	HW        string `json:"hwaddr"`
	Inet      string `json:"inet"`
	Inet6     string `json:"inet6"`
	Addresses []struct {
		IP     string `json:"ip-address"`
		Prefix scalar `json:"prefix"`
	} `json:"ip-addresses"`
}

// addresses asks one guest.
func (p *Provider) addresses(ctx context.Context, o *inventory.Observation) []string {
	ctx, cancel := context.WithTimeout(ctx, addressTime)
	defer cancel()
	path := guestPath(o.Resource.Addr.Kind, o.Volatile.Node, inventory.VMID(o.Resource.Identity))
	var all []iface
	var err error
	if o.Resource.Addr.Kind == "lxc" {
		err = p.client.get(ctx, path+"/interfaces", nil, &all)
	} else {
		var answer struct{ Result []iface }
		err = p.client.get(ctx, path+"/agent/network-get-interfaces", nil, &answer)
		all = answer.Result
	}
	if err != nil {
		return nil
	}
	return reachable(all, macsOf(o.Volatile.Raw))
}

var (
	cardMAC = regexp.MustCompile(`(?i)\b[0-9a-f]{2}(:[0-9a-f]{2}){5}\b`)
	// inner are interfaces that exist inside of a guest only, or over another network.
	inner = regexp.MustCompile(`^(lo|docker|podman|br-|virbr|vmbr|lxcbr|lxdbr|incusbr|cni|veth|flannel|cali|cilium|lxc|weave|vxlan|kube|nodelocaldns|nerdctl|ovs|dummy|tailscale|zt|wg|tun|tap|utun)`)
)

// macsOf are the addresses of the cards that Proxmox gives the guest.
func macsOf(raw map[string]string) (out []string) {
	for k, v := range raw {
		if mac := cardMAC.FindString(v); mac != "" && strings.HasPrefix(k, "net") {
			out = append(out, strings.ToLower(mac))
		}
	}
	return out
}

// reachable are the addresses at which others find the guest: those on the cards that
// Proxmox gave it, or, where it has others (a card passed through), on what is no
// interface of its own making.
func reachable(all []iface, macs []string) []string {
	var own, other []netip.Prefix
	for _, i := range all {
		if inner.MatchString(i.Name) {
			continue
		}
		mac := strings.ToLower(i.MAC)
		if mac == "" {
			mac = strings.ToLower(i.HW)
		}
		for _, a := range i.prefixes() {
			if !outside(a, mac) {
				continue
			}
			if slices.Contains(macs, mac) {
				own = append(own, a)
			} else {
				other = append(other, a)
			}
		}
	}
	if len(own) == 0 {
		own = other
	}
	return settled(own)
}

func (i *iface) prefixes() (out []netip.Prefix) {
	texts := []string{i.Inet, i.Inet6}
	for _, a := range i.Addresses {
		texts = append(texts, a.IP+"/"+string(a.Prefix))
	}
	for _, t := range texts {
		if p, err := netip.ParsePrefix(t); err == nil {
			out = append(out, p)
		}
	}
	return out
}

// outside reports an address that means the same guest to everybody, and still does
// tomorrow. Of IPv6 that is one that was assigned (a prefix of 128) or that follows from
// the card; the others change by themselves, for privacy.
func outside(p netip.Prefix, mac string) bool {
	ip := p.Addr()
	if !ip.IsGlobalUnicast() || ip.Is4In6() {
		return false // loopback, link-local, multicast, unspecified
	}
	return ip.Is4() || p.Bits() == 128 || fromCard(ip, mac)
}

// fromCard reports an IPv6 address that was made from a MAC (EUI-64).
func fromCard(ip netip.Addr, mac string) bool {
	hw, err := net.ParseMAC(mac)
	if err != nil || len(hw) != 6 {
		return false
	}
	b := ip.As16()
	return slices.Equal(b[8:], []byte{hw[0] ^ 2, hw[1], hw[2], 0xff, 0xfe, hw[3], hw[4], hw[5]})
}

// settled brings addresses into an order that does not depend on who answered: IPv4
// first, each once.
func settled(all []netip.Prefix) (out []string) {
	slices.SortFunc(all, func(a, b netip.Prefix) int { return a.Addr().Compare(b.Addr()) })
	for _, p := range all {
		if ip := p.Addr().String(); !slices.Contains(out, ip) {
			out = append(out, ip)
		}
	}
	return out
}
