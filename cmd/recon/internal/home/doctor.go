package home

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"recon/inventory"
	"recon/inventory/doctor"
	"recon/manifests"
	"recon/providers"
	"recon/providers/docker"
	"recon/providers/docker/compose"
	"recon/reconcile"
)

// Findings are what the doctor has to say, and what it was asked not to say.
type Findings struct {
	Told     []inventory.Finding
	Silenced int
	Unread   []string // places in files that hold services and could not be understood, with the reason
}

// Doctor has everything that a plan finds and more: what witnesses found when they were
// heard, and what the rules of those names find, all when there is none.
func (w *World) Doctor(ctx context.Context, names ...string) (Findings, error) {
	out, err := w.judged(ctx, names...)
	if err != nil || len(names) > 0 {
		return out, err
	}
	for i := range w.Snapshots {
		out.tell(w.Project, w.At, w.Snapshots[i].Findings)
	}
	return out, nil
}

// tell takes findings up, but for those that are not to be told.
func (f *Findings) tell(p *manifests.Project, at time.Time, found []inventory.Finding) {
	for _, x := range found {
		if silenced(p, at, x) {
			f.Silenced++
			continue
		}
		f.Told = append(f.Told, x)
	}
}

// judged applies rules to what was observed and to the files of the repository.
func (w *World) judged(ctx context.Context, names ...string) (Findings, error) {
	facts, err := w.doctorFacts(ctx)
	if err != nil {
		return Findings{}, err
	}
	return judge(facts, w.Project, w.At, names), nil
}

// judge applies the rules, and leaves out what is silenced.
func judge(facts *doctor.Facts, p *manifests.Project, at time.Time, names []string) Findings {
	out := Findings{}
	for _, u := range facts.Unread {
		out.Unread = append(out.Unread, u.String())
	}
	out.tell(p, at, doctor.Examine(facts, names...))
	return out
}

// CheckRules reports rules that do not exist, in --rule and in silence blocks.
func CheckRules(project *manifests.Project, names []string) error {
	known := map[string]bool{}
	var all []string
	for _, r := range doctor.Rules() {
		known[r.Name] = true
		all = append(all, r.Name)
	}
	for _, sil := range project.Silences {
		if !known[sil.Rule] {
			return &Failure{Code: ExitError, Err: fmt.Errorf("%s:%d: there is no rule %q to silence", sil.Range.Filename, sil.Range.Start.Line, sil.Rule), Hint: "rules: " + strings.Join(all, ", ")}
		}
	}
	for _, n := range names {
		if !known[n] {
			return &Failure{Code: ExitUsage, Err: fmt.Errorf("there is no rule %q", n), Hint: "rules: " + strings.Join(all, ", ")}
		}
	}
	return nil
}

// silenced reports a finding that a silence block covers, by address or by file.
func silenced(p *manifests.Project, at time.Time, f inventory.Finding) bool {
	file, _, _ := strings.Cut(f.Address, ":")
	return slices.ContainsFunc(p.Silences, func(sil manifests.Silence) bool {
		return sil.Covers(f.Rule, f.Address, at) || sil.Covers(f.Rule, file, at)
	})
}

// doctorFacts gathers what the rules judge.
func (w *World) doctorFacts(ctx context.Context) (*doctor.Facts, error) {
	f, err := compose.Scan(ctx, w.home.Root, compose.Options{Hosts: hostNames(w.Project), Project: true})
	if err != nil {
		return nil, err
	}
	guests := guestFacts(w)
	for _, g := range guests {
		f.Guests = append(f.Guests, *g)
	}
	slices.SortFunc(f.Guests, func(a, b doctor.Guest) int { return inventory.NaturalCompare(a.Address, b.Address) })
	for i := range w.Project.Resources {
		if r := &w.Project.Resources[i]; r.Addr.Kind == inventory.KindService {
			f.Services = append(f.Services, serviceFacts(r))
		}
	}
	w.backups(f)
	if f.Hosts, err = w.hosts(guests); err != nil {
		return nil, err
	}
	f.Ways, err = w.faults(ctx)
	return f, err
}

// hosts are the declared hosts of which something is known, with the guests that they
// are.
func (w *World) hosts(guests map[inventory.Address]*doctor.Guest) (out []doctor.Host, err error) {
	for _, r := range w.Readers {
		found, err := w.hostFacts(r)
		if err != nil {
			return nil, err
		}
		if found == nil {
			continue
		}
		h := *found
		declaredFacts(w.Project, &h, guests)
		out = append(out, h)
	}
	return out, nil
}

// hostFacts are what the look saw of a host, or, when the look is one at the memory,
// what was seen of it last; nil without any.
func (w *World) hostFacts(r providers.Reader) (*doctor.Host, error) {
	p, ok := r.(*docker.Provider)
	if !ok {
		return nil, nil
	}
	old := w.Memory.Facts[p.Name()]
	if !w.unasked[p.Name()] || old == nil {
		return p.Facts(), nil
	}
	h := &doctor.Host{}
	if err := json.Unmarshal(old, h); err != nil {
		return nil, fmt.Errorf("what is remembered of %s: %w", p.Name(), err)
	}
	return h, nil
}

// Facts are what there is to remember of whole hosts, by provider.
func (w *World) Facts() map[string]json.RawMessage {
	out := map[string]json.RawMessage{}
	for _, r := range w.Readers {
		p, ok := r.(*docker.Provider)
		if !ok || p.Facts() == nil {
			continue
		}
		last := *p.Facts()
		last.Tried = nil // of that moment
		facts, err := json.Marshal(last)
		if err != nil {
			panic(err) // plain values
		}
		out[p.Name()] = facts
	}
	return out
}

// declaredFacts adds to a host what the manifests say of it.
func declaredFacts(project *manifests.Project, h *doctor.Host, guests map[inventory.Address]*doctor.Guest) {
	if block := project.Host(h.Name); block != nil && !block.Guest.IsZero() {
		h.Guest = guests[block.Guest]
	}
	for _, r := range project.Resources {
		if r.Addr.Kind == inventory.KindDaemon && r.Provider == "docker."+h.Name {
			h.Daemon, h.WantDNS = r.Addr.String(), inventory.Strings(r.Attrs["dns"])
		}
	}
}

// guestFacts are the guests that are declared, with what was observed of them.
func guestFacts(w *World) map[inventory.Address]*doctor.Guest {
	out := map[inventory.Address]*doctor.Guest{}
	seen := map[string]inventory.Observation{}
	for _, o := range w.Observations() {
		seen[o.Resource.Identity] = o
	}
	for i := range w.Project.Resources {
		r := &w.Project.Resources[i]
		if !inventory.IsGuest(r.Addr.Kind) {
			continue
		}
		g := &doctor.Guest{Address: r.Addr.String(), Kind: r.Addr.Kind, Nameservers: inventory.Strings(r.Attrs["nameservers"])}
		attrs := r.Attrs
		if o, ok := seen[r.Identity]; ok && o.State == inventory.Present {
			attrs, g.Known = o.Resource.Attrs, true
		}
		g.Features, g.Unprivileged = inventory.Strings(attrs["features"]), inventory.True(attrs["unprivileged"])
		for _, n := range inventory.NetworksOf(r.Kind(), attrs) {
			if ip := n.IP(); ip != "" {
				g.IPs = append(g.IPs, ip)
			}
		}
		out[r.Addr] = g
	}
	return out
}

// serviceFacts are what a service block says.
func serviceFacts(r *inventory.Resource) doctor.Service {
	name := inventory.LocalOf(r.Identity)
	out := doctor.Service{Address: r.Addr.String(), Host: inventory.HostOf(r.Identity), Container: name, Source: fmt.Sprintf("%s:%d", r.Range.Filename, r.Range.Start.Line)}
	field := func(block, slot, name string) string {
		return inventory.Text(r.Attrs[inventory.Path(block+"."+slot+"."+name)])
	}
	for _, target := range r.Attrs.Slots("path") {
		out.Paths = append(out.Paths, doctor.WantPath{
			Target: target, Source: field("path", target, "source"), Owner: field("path", target, "owner"), Writable: inventory.True(r.Attrs[inventory.Path("path."+target+".writable")]),
		})
	}
	for _, slot := range r.Attrs.Slots("hardlink") {
		out.Links = append(out.Links, doctor.Link{From: field("hardlink", slot, "from"), To: field("hardlink", slot, "to")})
	}
	return out
}

// examine adds to a plan what the doctor has to say. Without hosts nobody has asked
// for a doctor: recon doctor still looks at the files.
func (w *World) examine(ctx context.Context, p *reconcile.Plan) error {
	if len(w.Project.Hosts) == 0 {
		return nil
	}
	if err := CheckRules(w.Project, nil); err != nil {
		return err
	}
	found, err := w.judged(ctx)
	p.Findings = append(p.Findings, found.Told...)
	return err
}

// hostNames are the machines that are declared.
func hostNames(p *manifests.Project) (out []string) {
	for _, h := range p.Hosts {
		out = append(out, h.Name)
	}
	return out
}
