package terraform

import (
	"fmt"
	"slices"
	"strings"

	"recon/inventory"
)

// Findings holds what the sources say against each other and against what is live.
// Live are the observations by identity; seen tells whether a cluster was observed
// in full, without which nothing is missing. They come in the order of the sources.
func Findings(sources []*Provider, live map[string]*inventory.Observation, seen func(cluster string) bool) map[string][]inventory.Finding {
	owners := map[string][]*Guest{}
	for _, p := range sources {
		for _, g := range p.Guests() {
			if id := g.Identity(p.Cluster()); id != "" {
				owners[id] = append(owners[id], g)
			}
		}
	}
	out := map[string][]inventory.Finding{}
	for _, p := range sources {
		for _, g := range p.Guests() {
			id := g.Identity(p.Cluster())
			f := found{provider: p, guest: g, id: id, live: live[id]}
			out[p.Name()] = append(out[p.Name()], slices.Concat(f.missing(seen(p.Cluster())), f.shared(owners[id]), f.older(), f.secrets())...)
		}
	}
	return out
}

// found is one guest of one source in the making of findings.
type found struct {
	provider *Provider
	guest    *Guest
	id       string
	live     *inventory.Observation
}

func (f found) finding(rule, severity, fix, summary string, args ...any) []inventory.Finding {
	fi := inventory.Finding{
		Rule: rule, Severity: severity, Address: f.guest.Address, Summary: fmt.Sprintf(summary, args...), Fix: fix,
		Detail: fmt.Sprintf("%s in %s.", f.guest.Address, f.provider.where()), Evidence: []string{f.evidence()},
	}
	return []inventory.Finding{fi}
}

// evidence names the line of code where that can be read, else the state.
func (f found) evidence() string {
	if file, line, ok := f.provider.Locate(f.guest.Address); ok {
		return fmt.Sprintf("%s:%d", file, line)
	}
	return f.provider.where()
}

// missing finds a guest that the state has and the cluster has not.
func (f found) missing(complete bool) []inventory.Finding {
	gone := f.live == nil || f.live.State == inventory.Absent
	if f.id == "" || !complete || !gone {
		return nil
	}
	return f.finding("terraform-guest-missing", "warning", "run terraform apply to make it again, or terraform state rm "+quoted(f.guest.Address),
		"the state has %s %s, which does not exist", f.guest.Kind, f.id)
}

// shared finds a guest that several resources claim, in one state or in two. It is
// told once, with the first of them.
func (f found) shared(all []*Guest) []inventory.Finding {
	if len(all) < 2 || all[0] != f.guest {
		return nil
	}
	same := !slices.ContainsFunc(all, func(g *Guest) bool { return g.Source != f.guest.Source })
	var names []string
	for _, g := range all {
		names = append(names, g.Source+": "+g.Address)
	}
	rule, text := "terraform-guest-in-two-states", "%s is in the states of several sources: %s"
	if same {
		rule, text = "terraform-duplicate-vmid", "%s is claimed by several resources of one state: %s"
	}
	out := f.finding(rule, "error", "keep one of them and terraform state rm the others", text, f.id, strings.Join(names, "; "))
	out[0].Evidence = names
	return out
}

// older finds a state that does not know of changes to the guest.
func (f found) older() []inventory.Finding {
	if f.live == nil || f.live.State != inventory.Present {
		return nil
	}
	diff := f.guest.Differing(f.live.Resource.Attrs)
	if len(diff) == 0 {
		return nil
	}
	var names []string
	for _, p := range diff {
		names = append(names, string(p))
	}
	return f.finding("terraform-state-older", "info", "terraform plan shows what it would undo; terraform apply -refresh-only brings the state up to date",
		"the state is older than live: %s has changed in %s", f.id, strings.Join(names, ", "))
}

// secrets finds sensitive values that the state holds in clear text.
func (f found) secrets() []inventory.Finding {
	if len(f.guest.Secrets) == 0 {
		return nil
	}
	return f.finding("terraform-secret-in-state", "warning", "keep the state where only those can read it who may know them",
		"the state holds secrets of %s in clear text: %s", f.guest.Address, strings.Join(f.guest.Secrets, ", "))
}

func quoted(address string) string { return "'" + address + "'" }
