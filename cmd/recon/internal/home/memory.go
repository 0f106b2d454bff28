package home

import (
	"fmt"
	"time"

	"recon/inventory"
	"recon/reconcile/ledger"

	"github.com/zclconf/go-cty/cty"
)

// Memory is what the ledger holds; empty without one.
type Memory struct {
	Applied   map[inventory.Address]inventory.Applied
	Sightings map[string]ledger.Sighting // nil until Recall
	Sources   []ledger.Source
	Episodes  map[inventory.Address]ledger.Episode
	Clusters  map[string]ledger.Cluster // as they were last seen, by provider
	Flaps     map[inventory.Address]int // how often each drifted in the last day
	Managed   int                       // resources that the manifests declared last time
	LastRun   int64                     // the last run that wrote
}

// A drift that opens so often within the window flaps: it is told once more, that
// it does, and then no more until it is quiet.
const (
	FlapLimit  = 3
	flapWindow = 24 * time.Hour
)

// Flapping reports whether a resource drifts and comes back again and again.
func (m *Memory) Flapping(a inventory.Address) bool { return m.Flaps[a] >= FlapLimit }

// rename gives what is remembered of an address to the one that it has now.
func rename[V any](memory map[inventory.Address]V, from, to inventory.Address) {
	v, ok := memory[from]
	if _, taken := memory[to]; ok && !taken {
		memory[to] = v
	}
	delete(memory, from)
}

// Ledger opens the ledger for reading; without one it returns nil and no error.
func (h *Home) Ledger() (*ledger.Ledger, error) {
	l, err := ledger.OpenExisting(h.StatePath())
	if err != nil {
		return nil, fmt.Errorf("open the ledger: %w", err)
	}
	return l, nil
}

// Recall reads what was last seen of every resource, which is much and is needed
// only where something is unknown, written down, or shown from memory.
func (w *World) Recall() error {
	if w.Memory.Sightings != nil {
		return nil
	}
	w.Memory.Sightings = map[string]ledger.Sighting{}
	l, err := w.home.Ledger()
	if err != nil || l == nil {
		return err
	}
	defer l.Close()
	w.Memory.Sightings, err = l.Sightings()
	w.keepAddresses()
	return err
}

// remember reads the ledger when there is one.
func (w *World) remember() error {
	l, err := w.home.Ledger()
	if err != nil || l == nil {
		return err
	}
	defer l.Close()
	return w.Reread(l)
}

// Reread brings the memory up to what the ledger holds now. What was last seen
// stays as it was before this look.
func (w *World) Reread(l *ledger.Ledger) error {
	m := Memory{Sightings: w.Memory.Sightings}
	for _, read := range []func() error{
		func() (err error) { m.Applied, err = l.Applied(); return err },
		func() (err error) { m.Sources, err = l.Sources(); return err },
		func() (err error) { m.Episodes, err = l.OpenEpisodes(); return err },
		func() (err error) { m.LastRun, err = l.LatestID(); return err },
		func() (err error) { m.Clusters, err = l.Clusters(); return err },
		func() (err error) { m.Flaps, err = l.EpisodesSince(w.home.Now().Add(-flapWindow)); return err },
		func() (err error) { m.Managed, err = l.ManagedLastTime(); return err },
	} {
		if err := read(); err != nil {
			return err
		}
	}
	for _, mv := range w.Project.Moved {
		rename(m.Applied, mv.From, mv.To)
		rename(m.Episodes, mv.From, mv.To)
	}
	w.Memory = m
	return nil
}

// fromMemory is the snapshot that the ledger remembers of a provider.
func (w *World) fromMemory(provider string) inventory.Snapshot {
	snap := inventory.Snapshot{Provider: provider, Quorate: true, Complete: true}
	for _, sight := range w.Memory.Sightings {
		if sight.Provider == provider {
			snap.Observations = append(snap.Observations, observationOf(sight))
		}
	}
	for i := range w.Project.Resources {
		res := &w.Project.Resources[i]
		if _, seen := w.Memory.Sightings[res.Identity]; !seen && res.Provider == provider {
			snap.Complete = false
			snap.Unknown = append(snap.Unknown, inventory.Scope{
				Provider: provider, Scope: res.Identity, Err: fmt.Errorf("it was never observed"), Since: w.At, Addresses: []inventory.Address{res.Addr},
			})
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
