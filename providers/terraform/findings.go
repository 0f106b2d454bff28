package terraform

import (
	"fmt"
	"slices"
	"strings"

	"recon/inventory"
	"recon/providers"
)

// A held guest is one of the source, held against what is live.
type held struct {
	source   *Provider
	guest    *Guest
	identity string                 // home/111; "" when the state knows no vmid
	named    bool                   // a manifest names its address
	live     *inventory.Observation // nil when nothing was seen of it
	said     inventory.Attrs        // what the state says, see Agreeing
	differs  []inventory.Path
}

// About names the provider of whose guests the source speaks.
func (p *Provider) About() string { return "proxmox." + p.cfg.Cluster }

// Testify holds every guest of the source against what is live.
func (p *Provider) Testify(h providers.Hearing) (claims []inventory.Claim, findings []inventory.Finding) {
	named := p.named(h.Desired)
	all := make([]held, 0, len(p.Guests()))
	for _, g := range p.Guests() {
		one := held{source: p, guest: g, identity: named[g.Address]}
		if one.named = one.identity != ""; !one.named {
			one.identity = g.Identity(p.Cluster())
		}
		one.live = h.Live[one.identity]
		one.said, one.differs = g.Agreeing(one.present())
		all = append(all, one)
		claims = append(claims, one.claim())
		findings = append(findings, slices.Concat(one.missing(h.Complete), one.older(), one.secrets())...)
	}
	p.remember(all)
	return claims, findings
}

// named finds the guests whose manifests name their resource with terraform_address.
func (p *Provider) named(desired []inventory.Resource) map[string]string {
	out := map[string]string{}
	for i := range desired {
		if r := &desired[i]; r.Policy.Terraform != "" && r.Provider == p.About() {
			out[r.Policy.Terraform] = r.Identity
		}
	}
	return out
}

// remember keeps which guest is which, for changing it. Of several that claim to be
// one, the first counts, unless a manifest names another.
func (p *Provider) remember(all []held) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.byIdentity = map[string]*Guest{}
	for i := range all {
		if h := &all[i]; h.identity != "" && (p.byIdentity[h.identity] == nil || h.named) {
			p.byIdentity[h.identity] = h.guest
		}
	}
}

func (h *held) claim() inventory.Claim {
	live := h.present()
	return inventory.Claim{
		Witness: h.source.Name(), Place: h.source.where(), Address: h.guest.Address, Identity: h.identity, Kind: h.guest.Kind, Named: h.named,
		Said: h.said, Differs: h.differs,
		Covers: func(p inventory.Path) bool { return h.guest.Covers(p, live) },
		Locate: func() (string, int, bool) { return h.source.Locate(h.guest.Address) },
	}
}

// present returns what is live of a guest of that kind.
func (h *held) present() inventory.Attrs {
	if h.live == nil || h.live.State != inventory.Present || h.live.Resource.Addr.Kind != h.guest.Kind {
		return nil
	}
	return h.live.Resource.Attrs
}

func (h *held) finding(rule, severity, fix, summary string, args ...any) []inventory.Finding {
	fi := inventory.Finding{
		Rule: rule, Severity: severity, Address: h.guest.Address, Summary: fmt.Sprintf(summary, args...), Fix: fix,
		Detail: fmt.Sprintf("%s in %s.", h.guest.Address, h.source.where()), Evidence: []string{h.evidence()},
	}
	return []inventory.Finding{fi}
}

// evidence names the line of code where that can be read, else the state.
func (h *held) evidence() string {
	if file, line, ok := h.source.Locate(h.guest.Address); ok {
		return fmt.Sprintf("%s:%d", file, line)
	}
	return h.source.where()
}

// missing finds a guest that the state has and the cluster has not.
func (h *held) missing(complete bool) []inventory.Finding {
	gone := h.live == nil || h.live.State == inventory.Absent
	if h.identity == "" || !complete || !gone {
		return nil
	}
	return h.finding("terraform-guest-missing", "warning", "run terraform apply to make it again, or terraform state rm "+quoted(h.guest.Address),
		"the state has %s %s, which does not exist", h.guest.Kind, h.identity)
}

// older finds a state that does not know of changes to the guest.
func (h *held) older() []inventory.Finding {
	if h.present() == nil || len(h.differs) == 0 {
		return nil
	}
	var names []string
	for _, p := range h.differs {
		names = append(names, string(p))
	}
	return h.finding("terraform-state-older", "info", "terraform plan shows what it would undo; terraform apply -refresh-only brings the state up to date",
		"the state is older than live: %s has changed in %s", h.identity, strings.Join(names, ", "))
}

// secrets finds sensitive values that the state holds in clear text.
func (h *held) secrets() []inventory.Finding {
	if len(h.guest.Secrets) == 0 {
		return nil
	}
	return h.finding("terraform-secret-in-state", "warning", "keep the state where only those can read it who may know them",
		"the state holds secrets of %s in clear text: %s", h.guest.Address, strings.Join(h.guest.Secrets, ", "))
}

func quoted(address string) string { return "'" + address + "'" }
