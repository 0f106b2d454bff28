package docker

import (
	"context"
	"errors"
	"strings"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/system"

	"recon/inventory"
	"recon/inventory/doctor"
	"recon/providers"
)

// errStopped is why containers cannot be seen.
var errStopped = errors.New("the Docker daemon does not run")

// Read observes the daemon and its containers: one look at the host, one request
// for the daemon's settings, one for the list of containers, one a container, and
// one look at what the containers see. The daemon alone takes the first three.
func (p *Provider) Read(ctx context.Context, want []inventory.Resource) (inventory.Snapshot, error) {
	before := p.Calls()
	ctx = providers.WithBudget(ctx, providers.NewBudget(providers.MaxBytes, providers.MaxValues))
	snap := inventory.Snapshot{Provider: p.Name(), Complete: true, Quorate: true}
	s, err := p.see(ctx)
	if err != nil {
		p.mu.Lock()
		p.last.facts = nil // the doctor judges nothing that is no longer seen
		p.mu.Unlock()
		return inventory.Snapshot{Provider: p.Name(), Calls: p.Calls() - before}, err
	}
	daemon := addressed(p.settled(s), want)
	snap.Observations = append(snap.Observations, daemon)
	if daemon.State == inventory.Unknown {
		snap.Complete = false
		snap.Unknown = append(snap.Unknown, inventory.Scope{Provider: p.Name(), Scope: "the daemon of " + p.HostName(), Err: daemon.Err, Addresses: declaredDaemons(want)})
	}
	if s.info != nil {
		snap.Version = s.info.ServerVersion
	}
	if err := p.inspectAll(ctx, s, want); err != nil {
		unknown := inventory.Scope{Provider: p.Name(), Scope: "containers of " + p.HostName(), Err: err}
		for _, w := range want {
			if w.Addr.Kind == inventory.KindService {
				unknown.Addresses = append(unknown.Addresses, w.Addr)
				snap.Observations = append(snap.Observations, inventory.Observation{Resource: w, At: p.now(), Err: err})
			}
		}
		if len(unknown.Addresses) > 0 || daemon.State != inventory.Absent { // a daemon that is stopped is not in order
			snap.Complete, snap.Unknown = false, append(snap.Unknown, unknown)
		}
	} else {
		snap.Observations = append(snap.Observations, p.services(s, want)...)
	}
	p.remember(s)
	snap.Calls = p.Calls() - before
	snap.Sort()
	return snap, nil
}

// declaredDaemons are the daemons among declared resources.
func declaredDaemons(want []inventory.Resource) (out []inventory.Address) {
	for _, w := range want {
		if w.Addr.Kind == inventory.KindDaemon {
			out = append(out, w.Addr)
		}
	}
	return out
}

// A sight is what one pass saw of the host.
type sight struct {
	probe      *hostProbe
	daemon     *daemonProbe
	info       *system.Info // nil when the daemon does not run
	list       []container.Summary
	containers []container.InspectResponse
	inside     *insideProbe
	facts      *doctor.Host
}

// see looks at the host, the daemon and the list of containers: three round trips.
func (p *Provider) see(ctx context.Context) (*sight, error) {
	s := &sight{}
	var err error
	if s.probe, s.daemon, err = p.look(ctx); err != nil {
		return nil, err
	}
	s.facts = p.hostFacts(s.probe, s.daemon)
	if s.daemon.pid == 0 {
		return s, nil
	}
	e, err := p.engineOf(s.daemon)
	if err != nil {
		return nil, err
	}
	info, err := e.info(ctx)
	if err != nil {
		return nil, err
	}
	s.info = &info
	s.list, err = e.list(ctx)
	return s, err
}

// inspectAll looks at every container, and at what those that run see.
func (p *Provider) inspectAll(ctx context.Context, s *sight, want []inventory.Resource) error {
	if s.info == nil {
		return errStopped
	}
	p.daemonFacts(s)
	if len(s.list) == 0 {
		return nil
	}
	e, err := p.engineOf(s.daemon)
	if err != nil {
		return err
	}
	if s.containers, err = e.inspectAll(ctx, s.list); err != nil {
		return err
	}
	if s.inside, err = p.lookInside(ctx, s.containers, pathsOf(want), foldersOf(want)); err != nil {
		return err
	}
	p.containerFacts(s)
	if p.cfg.Probe {
		return p.tryLinks(ctx, s, want)
	}
	return nil
}

// remember keeps what Steps and the doctor need.
func (p *Provider) remember(s *sight) {
	v := view{probe: s.probe, daemon: s.daemon, facts: s.facts, inside: s.inside}
	if s.info != nil {
		v.version = s.info.ServerVersion
	}
	for _, c := range s.list {
		if c.State == container.StateRunning {
			v.containers = append(v.containers, running{id: c.ID, name: nameOf(c.Names)})
		}
	}
	if s.daemon.exists && !s.daemon.unreadable {
		s.facts.DaemonFile = s.daemon.file
		for _, o := range v.judge().objections(s.daemon.content) {
			s.facts.Refused = append(s.facts.Refused, o.String())
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = v
}

// addressed gives an observation the address under which it is declared.
func addressed(o inventory.Observation, want []inventory.Resource) inventory.Observation {
	for _, w := range want {
		if w.Identity == o.Resource.Identity && w.Addr.Kind == o.Resource.Addr.Kind {
			o.Resource.Addr = w.Addr
		}
	}
	return o
}

// foldersOf returns the folders of the host that declared services want mounted.
func foldersOf(want []inventory.Resource) []string {
	var out []string
	for _, w := range want {
		for _, target := range w.Attrs.Slots("path") {
			if f := inventory.Text(w.Attrs[inventory.Path("path."+target+".source")]); f != "" {
				out = append(out, f)
			}
		}
	}
	return out
}

// pathsOf returns the paths that declared services speak of, by container.
func pathsOf(want []inventory.Resource) map[string][]string {
	out := map[string][]string{}
	for _, w := range want {
		if w.Addr.Kind != inventory.KindService {
			continue
		}
		_, name, _ := strings.Cut(w.Identity, "/")
		out[name] = append(out[name], w.Attrs.Slots("path")...)
	}
	return out
}
