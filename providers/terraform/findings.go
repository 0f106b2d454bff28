package terraform

import (
	"fmt"
	"slices"
	"strings"

	"recon/inventory"
)

// A Held is a guest of a source, held against what is live.
type Held struct {
	Provider *Provider
	Guest    *Guest
	Identity string                 // home/111; "" when the state knows no vmid
	Named    bool                   // a manifest names its address
	Live     *inventory.Observation // nil when nothing was seen of it
	Said     inventory.Attrs        // what the state says, see Agreeing
	Differs  []inventory.Path
}

// Hold holds every guest of the sources against what is live. Live are the
// observations by identity; named gives guests that manifests name by address the
// identity under which they are declared.
func Hold(sources []*Provider, live map[string]*inventory.Observation, named func(cluster, address string) string) []Held {
	var out []Held
	for _, p := range sources {
		for _, g := range p.Guests() {
			h := Held{Provider: p, Guest: g, Identity: named(p.Cluster(), g.Address)}
			if h.Named = h.Identity != ""; !h.Named {
				h.Identity = g.Identity(p.Cluster())
			}
			h.Live = live[h.Identity]
			h.Said, h.Differs = g.Agreeing(h.present())
			out = append(out, h)
		}
	}
	return out
}

// present returns what is live of a guest of that kind.
func (h *Held) present() inventory.Attrs {
	if h.Live == nil || h.Live.State != inventory.Present || h.Live.Resource.Addr.Kind != h.Guest.Kind {
		return nil
	}
	return h.Live.Resource.Attrs
}

// Findings tells what is worth attention in the states, by source. Seen tells
// whether a cluster was observed in full, without which nothing is missing.
func Findings(all []Held, seen func(cluster string) bool) map[string][]inventory.Finding {
	owners := map[string][]*Guest{}
	for _, h := range all {
		if h.Identity != "" {
			owners[h.Identity] = append(owners[h.Identity], h.Guest)
		}
	}
	out := map[string][]inventory.Finding{}
	for i := range all {
		h := &all[i]
		name := h.Provider.Name()
		out[name] = append(out[name], slices.Concat(h.missing(seen(h.Provider.Cluster())), h.shared(owners[h.Identity]), h.older(), h.secrets())...)
	}
	return out
}

func (h *Held) finding(rule, severity, fix, summary string, args ...any) []inventory.Finding {
	fi := inventory.Finding{
		Rule: rule, Severity: severity, Address: h.Guest.Address, Summary: fmt.Sprintf(summary, args...), Fix: fix,
		Detail: fmt.Sprintf("%s in %s.", h.Guest.Address, h.Provider.where()), Evidence: []string{h.evidence()},
	}
	return []inventory.Finding{fi}
}

// evidence names the line of code where that can be read, else the state.
func (h *Held) evidence() string {
	if file, line, ok := h.Provider.Locate(h.Guest.Address); ok {
		return fmt.Sprintf("%s:%d", file, line)
	}
	return h.Provider.where()
}

// missing finds a guest that the state has and the cluster has not.
func (h *Held) missing(complete bool) []inventory.Finding {
	gone := h.Live == nil || h.Live.State == inventory.Absent
	if h.Identity == "" || !complete || !gone {
		return nil
	}
	return h.finding("terraform-guest-missing", "warning", "run terraform apply to make it again, or terraform state rm "+quoted(h.Guest.Address),
		"the state has %s %s, which does not exist", h.Guest.Kind, h.Identity)
}

// shared finds a guest that several resources claim, in one state or in two. It is
// told once, with the first of them.
func (h *Held) shared(all []*Guest) []inventory.Finding {
	if len(all) < 2 || all[0] != h.Guest {
		return nil
	}
	same := !slices.ContainsFunc(all, func(g *Guest) bool { return g.Source != h.Guest.Source })
	var names []string
	for _, g := range all {
		names = append(names, g.Source+": "+g.Address)
	}
	rule, text := "terraform-guest-in-two-states", "%s is in the states of several sources: %s"
	if same {
		rule, text = "terraform-duplicate-vmid", "%s is claimed by several resources of one state: %s"
	}
	out := h.finding(rule, "error", "keep one of them and terraform state rm the others", text, h.Identity, strings.Join(names, "; "))
	out[0].Evidence = names
	return out
}

// older finds a state that does not know of changes to the guest.
func (h *Held) older() []inventory.Finding {
	if h.present() == nil || len(h.Differs) == 0 {
		return nil
	}
	var names []string
	for _, p := range h.Differs {
		names = append(names, string(p))
	}
	return h.finding("terraform-state-older", "info", "terraform plan shows what it would undo; terraform apply -refresh-only brings the state up to date",
		"the state is older than live: %s has changed in %s", h.Identity, strings.Join(names, ", "))
}

// secrets finds sensitive values that the state holds in clear text.
func (h *Held) secrets() []inventory.Finding {
	if len(h.Guest.Secrets) == 0 {
		return nil
	}
	return h.finding("terraform-secret-in-state", "warning", "keep the state where only those can read it who may know them",
		"the state holds secrets of %s in clear text: %s", h.Guest.Address, strings.Join(h.Guest.Secrets, ", "))
}

func quoted(address string) string { return "'" + address + "'" }
