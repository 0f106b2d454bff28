package app

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"recon/inventory"
	"recon/manifests"
	"recon/providers"
	"recon/providers/proxmox"
	"recon/reconcile"
	"recon/reconcile/ledger"

	"github.com/zclconf/go-cty/cty"
)

// A World is what one look at everything found, beside what is remembered.
type World struct {
	At        time.Time
	Snapshots []inventory.Snapshot
	Readers   []providers.Reader
	Memory    Memory
	Claims    *Claims // what Terraform says; nil without terraform blocks
	Elapsed   time.Duration
}

// Memory is what the ledger holds; empty without one.
type Memory struct {
	Applied   map[inventory.Address]inventory.Applied
	Sightings map[string]ledger.Sighting // nil until recall
	Sources   []ledger.Source
	Episodes  map[inventory.Address]ledger.Episode
	Clusters  map[string]ledger.Cluster // as they were last seen, by provider
	Flaps     map[inventory.Address]int // how often each drifted in the last day
	Managed   int                       // resources that the manifests declared last time
	LastRun   int64                     // the last run that wrote
}

// rename gives what is remembered of an address to the one that it has now.
func rename[V any](memory map[inventory.Address]V, from, to inventory.Address) {
	v, ok := memory[from]
	if _, taken := memory[to]; ok && !taken {
		memory[to] = v
	}
	delete(memory, from)
}

// Close ends the readers' idle connections.
func (w *World) Close() {
	for _, r := range w.Readers {
		if c, ok := r.(interface{ Close() }); ok {
			c.Close()
		}
	}
}

// Observe looks at every source. One that fails is Unknown and spoils nothing
// else. The ledger is read when there is one, and never made.
func (s *Session) Observe(ctx context.Context) (*World, error) {
	start := time.Now()
	if len(s.begun) > 0 {
		start = s.since
	}
	w, err := s.world()
	if err != nil {
		return nil, err
	}
	w.Snapshots = make([]inventory.Snapshot, len(w.Readers))
	var wg sync.WaitGroup
	for i, r := range w.Readers {
		wg.Go(func() { w.Snapshots[i] = s.read(ctx, r) })
	}
	w.Memory, err = s.remember()
	wg.Wait()
	if err != nil {
		w.Close()
		return nil, err
	}
	w.dateUnknown()
	s.claims(w)
	w.Elapsed = time.Since(start)
	return w, ctx.Err()
}

// world is a world with its readers, before any look.
func (s *Session) world() (w *World, err error) {
	w = &World{At: s.Now().UTC()}
	w.Readers, err = s.readers()
	return w, err
}

// begin starts to look at clusters. A token_command may ask for a passphrase, and
// waits until the manifests are known to be right.
func (s *Session) begin(ctx context.Context, clusters []manifests.Cluster) {
	s.begun, s.since = map[string]*proxmox.Provider{}, time.Now()
	for i := range clusters {
		c := &clusters[i]
		if len(c.Command) > 0 {
			continue
		}
		p, err := s.Provider(c)
		if err != nil {
			continue // Observe meets it again
		}
		s.listen(p)
		p.Start(ctx)
		s.begun[c.Name] = p
	}
}

// Remembered is a look at the ledger alone: what was seen last time.
func (s *Session) Remembered() (*World, error) {
	w, err := s.world()
	if err != nil {
		return nil, err
	}
	if w.Memory, err = s.remember(); err != nil {
		return nil, err
	}
	if err := s.recall(w); err != nil {
		return nil, err
	}
	for _, r := range w.Readers {
		w.Snapshots = append(w.Snapshots, s.fromMemory(r.Name(), w.Memory))
	}
	return w, nil
}

// listen has a reader tell how far it has come.
func (s *Session) listen(r providers.Reader) {
	if p, ok := r.(interface{ OnProgress(func(done, total int)) }); ok && s.Progress != nil {
		p.OnProgress(func(done, total int) { s.Progress("observing "+r.Name(), done, total) })
	}
}

// read makes one pass of a reader.
func (s *Session) read(ctx context.Context, r providers.Reader) inventory.Snapshot {
	var want []inventory.Resource
	for _, res := range s.Project.Resources {
		if res.Provider == r.Name() {
			want = append(want, res)
		}
	}
	snap, err := r.Read(ctx, want)
	if err != nil {
		s.Log.Warn("source cannot be observed", "provider", r.Name(), "error", err)
		scope := inventory.Scope{Provider: r.Name(), Scope: r.Name(), Err: err}
		for _, res := range want {
			scope.Addresses = append(scope.Addresses, res.Addr)
		}
		snap = inventory.Snapshot{Provider: r.Name(), Unknown: []inventory.Scope{scope}, Calls: snap.Calls}
	}
	return snap
}

// dateUnknown notes since when each source could not be observed.
func (w *World) dateUnknown() {
	for i := range w.Snapshots {
		for j := range w.Snapshots[i].Unknown {
			u := &w.Snapshots[i].Unknown[j]
			u.Since = sinceOf(w.Memory.Sources, *u, w.At)
		}
	}
}

func sinceOf(known []ledger.Source, u inventory.Scope, now time.Time) time.Time {
	for _, k := range known {
		if k.Provider == u.Provider && k.Scope == u.Scope {
			return k.Since
		}
	}
	return now
}

// readers makes a provider for each cluster. A cluster whose token is missing is
// a mistake of the project, not an unknown source.
func (s *Session) readers() ([]providers.Reader, error) {
	var out []providers.Reader
	for i := range s.Project.Clusters {
		if c := &s.Project.Clusters[i]; c.Credentials.HasErrors() {
			return nil, &DiagnosticsError{c.Credentials, s.Project.Sources()}
		}
	}
	for i := range s.Project.Clusters {
		c := &s.Project.Clusters[i]
		p := s.begun[c.Name]
		delete(s.begun, c.Name)
		if p == nil {
			var err error
			if p, err = s.Provider(c); err != nil {
				return nil, err
			}
			s.listen(p)
		}
		out = append(out, p)
	}
	for i := range s.Project.Hosts {
		p := s.dockerProvider(&s.Project.Hosts[i])
		s.listen(p)
		out = append(out, p)
	}
	return append(out, s.terraforms()...), nil
}

// Provider makes the provider of a cluster.
func (s *Session) Provider(c *manifests.Cluster) (*proxmox.Provider, error) {
	token := c.Token
	if len(c.Command) > 0 {
		out, err := s.runCommand(c.Command)
		if err != nil {
			return nil, fmt.Errorf("token_command of proxmox.%s: %w", c.Name, err)
		}
		token = strings.TrimSpace(out)
	}
	cfg := proxmox.Config{Name: c.Name, Endpoints: c.Endpoints, Token: token, Fingerprint: c.Fingerprint, Insecure: c.Insecure}
	if c.CAFile != "" {
		ca, err := readOutside(s.absolute(c.CAFile))
		if err != nil {
			return nil, fmt.Errorf("read ca_file of proxmox.%s: %w", c.Name, err)
		}
		cfg.CA = ca
	}
	return proxmox.New(cfg)
}

func (s *Session) absolute(name string) string {
	if strings.HasPrefix(name, "/") || strings.HasPrefix(name, "~/") {
		return name
	}
	return s.path(name)
}

// recall reads what was last seen of every resource, which is much and is needed
// only where something is unknown, written down, or shown from memory.
func (s *Session) recall(w *World) error {
	if w.Memory.Sightings != nil {
		return nil
	}
	w.Memory.Sightings = map[string]ledger.Sighting{}
	l, err := ledger.OpenExisting(s.StatePath())
	if err != nil || l == nil {
		return err
	}
	defer l.Close()
	w.Memory.Sightings, err = l.Sightings()
	return err
}

// remember reads the ledger when there is one.
func (s *Session) remember() (Memory, error) {
	l, err := ledger.OpenExisting(s.StatePath())
	if err != nil {
		return Memory{}, fmt.Errorf("open the ledger: %w", err)
	}
	if l == nil {
		return Memory{}, nil
	}
	defer l.Close()
	return s.memoryOf(l)
}

func (s *Session) memoryOf(l *ledger.Ledger) (m Memory, err error) {
	if m.Applied, err = l.Applied(); err != nil {
		return m, err
	}
	if m.Sources, err = l.Sources(); err != nil {
		return m, err
	}
	if m.Episodes, err = l.OpenEpisodes(); err != nil {
		return m, err
	}
	for _, mv := range s.Project.Moved {
		rename(m.Applied, mv.From, mv.To)
		rename(m.Episodes, mv.From, mv.To)
	}
	if m.LastRun, err = l.LatestID(); err != nil {
		return m, err
	}
	if m.Clusters, err = l.Clusters(); err != nil {
		return m, err
	}
	if m.Flaps, err = l.EpisodesSince(s.Now().Add(-flapWindow)); err != nil {
		return m, err
	}
	m.Managed, err = l.ManagedLastTime()
	return m, err
}

// fromMemory is the snapshot that the ledger remembers of a provider.
func (s *Session) fromMemory(provider string, m Memory) inventory.Snapshot {
	snap := inventory.Snapshot{Provider: provider, Quorate: true, Complete: true}
	for _, sight := range m.Sightings {
		if sight.Provider == provider {
			snap.Observations = append(snap.Observations, observationOf(sight))
		}
	}
	for _, res := range s.Project.Resources {
		if _, seen := m.Sightings[res.Identity]; !seen && res.Provider == provider {
			snap.Complete = false
			snap.Unknown = append(snap.Unknown, inventory.Scope{Provider: provider, Scope: res.Identity, Err: fmt.Errorf("it was never observed"), Since: s.Now(), Addresses: []inventory.Address{res.Addr}})
		}
	}
	snap.Sort()
	return snap
}

func observationOf(s ledger.Sighting) inventory.Observation {
	s.Attrs["vmid"] = cty.NumberIntVal(int64(inventory.VMID(s.Identity)))
	return inventory.Observation{
		State: inventory.Present, Old: true, At: s.At, Digest: s.Digest, Volatile: s.Volatile, Running: s.Running,
		Resource: inventory.Resource{Addr: s.Address, Identity: s.Identity, Provider: s.Provider, Attrs: s.Attrs},
	}
}

// request is the comparison's input.
func (s *Session) request(w *World, targets []inventory.Address) reconcile.Request {
	return reconcile.Request{
		Input:   reconcile.Input{Desired: s.Project.Resources, Snapshots: w.Snapshots, LastApplied: w.Memory.Applied, Terraform: w.Claims.attrs(), Now: w.At},
		Readers: w.Readers, Targets: targets, Graph: s.Project.Graph,
	}
}

// Plan compares what was observed with the manifests. Who changed what is asked
// only when something has drifted.
func (s *Session) Plan(ctx context.Context, w *World, targets []inventory.Address) (*reconcile.Plan, error) {
	for _, t := range targets {
		if !slices.ContainsFunc(s.Project.Resources, func(r inventory.Resource) bool {
			return r.Addr == t || t.Key == "" && r.Addr.Kind == t.Kind && r.Addr.Name == t.Name
		}) {
			return nil, fmt.Errorf("no manifest declares %s", t)
		}
	}
	start := time.Now()
	p, err := reconcile.New(ctx, s.request(w, targets))
	if err != nil {
		return nil, err
	}
	s.attribute(ctx, w, p)
	if err := s.examine(ctx, w, p); err != nil {
		return nil, err
	}
	p.Elapsed = w.Elapsed + time.Since(start)
	return p, nil
}

// attribute asks the providers who changed what has drifted.
func (s *Session) attribute(ctx context.Context, w *World, p *reconcile.Plan) {
	for i, r := range w.Readers {
		a, ok := r.(providers.Attributor)
		if !ok || w.Snapshots[i].Calls == 0 {
			continue
		}
		var ids []string
		for j := range p.Changes {
			if c := &p.Changes[j]; c.Want.Provider == r.Name() && (c.Verdict == inventory.VerdictDrift || c.Verdict == inventory.VerdictConflict || c.Verdict == inventory.VerdictPendingReboot) {
				ids = append(ids, c.Want.Identity)
			}
		}
		if len(ids) == 0 {
			continue
		}
		who := a.Attribute(ctx, ids)
		p.Calls += 2
		for j := range p.Changes {
			if by, ok := who[p.Changes[j].Want.Identity]; ok {
				p.Changes[j].Have.Volatile.Changed = by
			}
		}
	}
}

// Unknown lists what could not be observed.
func (w *World) Unknown() (out []inventory.Scope) {
	for i := range w.Snapshots {
		out = append(out, w.Snapshots[i].Unknown...)
	}
	return out
}

// Incomplete reports whether some source could not be observed.
func (w *World) Incomplete() bool {
	return slices.ContainsFunc(w.Snapshots, func(s inventory.Snapshot) bool { return !s.Complete })
}

// observations returns everything that was seen, sorted by address.
func (w *World) observations() []inventory.Observation {
	var out []inventory.Observation
	for _, s := range w.Snapshots {
		out = append(out, s.Observations...)
	}
	slices.SortFunc(out, func(a, b inventory.Observation) int {
		return cmp.Or(inventory.CompareAddress(a.Resource.Addr, b.Resource.Addr), inventory.NaturalCompare(a.Resource.Identity, b.Resource.Identity))
	})
	return out
}
