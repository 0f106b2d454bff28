package home

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"recon/inventory"
	"recon/providers"
	"recon/reconcile"
	"recon/reconcile/ledger"

	"github.com/zclconf/go-cty/cty"
)

// Memory is what the ledger holds; empty without one.
type Memory struct {
	reconcile.Recollection
	Seen  map[string]inventory.Observation // everything as it was last seen, by identity; nil until Recall
	Facts map[string]json.RawMessage       // of whole hosts, by provider; nil until Recall
}

// A field that begins to drift so often within the window flaps: it is told once more,
// that it does, and then no more until it is quiet.
const (
	FlapLimit  = 3
	flapWindow = 24 * time.Hour
)

// Flapping reports whether a field of a resource drifts and comes back again and again.
func (m *Memory) Flapping(a inventory.Address, p inventory.Path) bool {
	return m.Drifts[a][p] >= FlapLimit
}

// rename gives what is remembered of an address to the one that it has now.
func rename[V any](memory map[inventory.Address]V, from, to inventory.Address) {
	v, ok := memory[from]
	if _, taken := memory[to]; ok && !taken {
		memory[to] = v
	}
	delete(memory, from)
}

// Ledger opens the ledger for reading; without one it returns nil and no error.
func (h *Home) Ledger(ctx context.Context) (*ledger.Store, error) {
	url, err := h.ledgerURL()
	if err != nil {
		return nil, err
	}
	var l *ledger.Store
	if url != "" {
		l, err = ledger.ServerExists(ctx, url)
	} else {
		l, err = ledger.FolderExists(ctx, h.StatePath())
	}
	if err != nil && url == "" && ctx.Err() == nil {
		// Who only looks does without: what is live needs no memory.
		h.Log.Error("what recon remembers cannot be read, so it is not known since when things are as they are", "error", err)
		return nil, nil
	}
	return l, err
}

// WritableLedger opens the ledger for a command that writes it, and tells when a
// damaged one was set aside. No secret of the manifests reaches it.
func (h *Home) WritableLedger(ctx context.Context) (*ledger.Store, error) {
	url, err := h.ledgerURL()
	if err != nil {
		return nil, err
	}
	var l *ledger.Store
	if url != "" {
		l, err = ledger.OpenServer(ctx, url)
	} else {
		l, err = ledger.OpenFolder(ctx, h.StatePath())
	}
	if err != nil {
		return nil, err
	}
	if l.SetAside != "" {
		h.Log.Error("the ledger was damaged and is set aside; what recon remembers is rebuilt by looking", "file", l.SetAside)
	}
	l.Conceal(h.Secrets.Values)
	return l, nil
}

// ledgerURL returns the database that the manifests name, "" for the project's own.
func (h *Home) ledgerURL() (string, error) {
	p := h.Project()
	if p == nil || p.Ledger == nil {
		return "", nil
	}
	if p.Ledger.Credentials.HasErrors() {
		return "", &DiagnosticsError{p.Ledger.Credentials, p.Sources()}
	}
	return p.Ledger.URL, nil
}

// Recall reads what was last seen of every resource, which is much and is needed
// only where something is unknown, written down, or shown from memory. Of what is not
// listed any more it finds out what became of it.
func (w *World) Recall(ctx context.Context) error {
	err := w.readSeen(ctx)
	if err == nil && w.vanished == nil {
		w.askVanished(ctx)
	}
	return err
}

func (w *World) readSeen(ctx context.Context) error {
	if w.Memory.Seen != nil {
		return nil
	}
	l, err := w.home.Ledger(ctx)
	if err != nil {
		return err
	}
	if l == nil {
		w.Memory.Seen = map[string]inventory.Observation{}
		return nil
	}
	defer l.Close()
	seen, err := l.Seen(ctx)
	w.Memory.Seen, w.Memory.Facts = seen.Observations, seen.Facts
	w.keepAddresses()
	return err
}

// askVanished looks for what is remembered, declared by nobody, and not listed any more: it
// is gone, or the account has lost the right to see it. Then the list is one in part.
func (w *World) askVanished(ctx context.Context) {
	w.vanished = map[string]inventory.Observation{}
	listed := map[string]bool{}
	for _, o := range w.Observations() {
		listed[o.Resource.Identity] = true
	}
	for i, r := range w.Readers {
		snap := &w.Snapshots[i]
		for _, id := range slices.Sorted(maps.Keys(w.Memory.Seen)) {
			last := w.Memory.Seen[id].Resource
			if last.Provider != r.Name() || listed[id] || snap.Calls == 0 || snap.Partial || w.lost(r.Name()) {
				continue
			}
			o := providers.Look(ctx, r, last)
			w.vanished[id] = o
			if hidden := new(inventory.PartialError); errors.As(o.Err, &hidden) {
				snap.Partial, snap.Complete = true, false
				snap.Unknown = append(snap.Unknown, inventory.Scope{Provider: r.Name(), Scope: inventory.SomeGuests, Err: hidden})
			}
		}
	}
	w.dateUnknown()
}

// ProvenGone reports something remembered that is not listed any more and does not exist.
func (w *World) ProvenGone(identity string) bool {
	return w.vanished[identity].State == inventory.Absent
}

// RereadLedger reads the ledger when there is one.
func (w *World) RereadLedger(ctx context.Context) error {
	l, err := w.home.Ledger(ctx)
	if err != nil || l == nil {
		return err
	}
	defer l.Close()
	return w.Reread(ctx, l)
}

// Reread brings the memory up to what the ledger holds now. What was last seen
// stays as it was before this look.
func (w *World) Reread(ctx context.Context, m reconcile.Memory) error {
	r, err := m.Recall(ctx, w.At.Add(-flapWindow))
	if err != nil {
		return err
	}
	for _, mv := range w.Project.Moved {
		rename(r.Applied, mv.From, mv.To)
		rename(r.Episodes, mv.From, mv.To)
		rename(r.Drifts, mv.From, mv.To)
	}
	w.Memory.Recollection = r
	return nil
}

// fromMemory is the snapshot that the ledger remembers of a provider.
func (w *World) fromMemory(provider string) inventory.Snapshot {
	snap := inventory.Snapshot{Provider: provider, Quorate: true, Complete: true}
	if c, known := w.Memory.Clusters[provider]; known {
		snap.Quorate, snap.Version, snap.Nodes, snap.Findings = !c.NoQuorum, c.Version, c.Nodes, c.Findings
		snap.Storages, snap.AllStorages = c.Storages, c.AllStorages
	}
	for _, o := range w.Memory.Seen {
		if o.Resource.Provider == provider {
			snap.Observations = append(snap.Observations, remembered(o))
		}
	}
	for i := range w.Project.Resources {
		res := &w.Project.Resources[i]
		if _, seen := w.Memory.Seen[res.Identity]; !seen && res.Provider == provider {
			snap.Complete = false
			snap.Unknown = append(snap.Unknown, inventory.Scope{
				Provider: provider, Scope: res.Identity, Err: fmt.Errorf("it was never observed"), Since: w.At, Addresses: []inventory.Address{res.Addr},
			})
		}
	}
	snap.Sort()
	return snap
}

// remembered is an observation as it was last seen, with the number that a guest has
// by its identity.
func remembered(o inventory.Observation) inventory.Observation {
	o.Resource.Attrs["vmid"] = cty.NumberIntVal(int64(inventory.VMID(o.Resource.Identity)))
	return o
}

// Epoch is that with which a daemon works while others wait, 0 where nobody does.
func (h *Home) Epoch() int64 {
	if h.Lead == nil {
		return 0
	}
	return h.Lead.Load()
}
