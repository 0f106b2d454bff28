package api

import (
	"context"
	"slices"

	"recon/cmd/recon/internal/home"
	"recon/inventory"
)

// An Inventory lists what exists, in the form of the JSON output.
type Inventory struct {
	FormatVersion string     `json:"format_version"`
	AsOf          string     `json:"as_of"`
	Resources     []Existing `json:"resources"`

	Unknown []inventory.Scope `json:"-"` // what could not be observed
}

// An Existing is a resource that exists. What could not be observed now is shown
// as it was last seen.
type Existing struct {
	Address     string         `json:"address"`
	Kind        string         `json:"kind"`
	Identity    string         `json:"identity"`
	Name        string         `json:"name"`
	Node        string         `json:"node"`
	Status      string         `json:"status"`
	Addresses   []string       `json:"addresses"`
	AddressesAt *string        `json:"addresses_at"` // when the guest said so; null when its configuration does
	ManagedBy   string         `json:"managed_by"`
	Unknown     bool           `json:"unknown"` // not observed now; these are the last known facts
	SeenAt      string         `json:"seen_at"`
	Attributes  map[string]any `json:"attributes"`
}

// ListInventory lists everything that is there, as observed or, when it could not be
// observed, as it was last seen.
func ListInventory(ctx context.Context, h *Home, refresh bool) (*Inventory, error) {
	w, err := look(ctx, h, refresh)
	if err != nil {
		return nil, err
	}
	defer w.Close()
	if err := w.AskAddresses(ctx); err != nil {
		return nil, err
	}
	return inventoryOf(ctx, w)
}

func inventoryOf(ctx context.Context, w *home.World) (*Inventory, error) {
	known, err := w.Known(ctx)
	if err != nil {
		return nil, err
	}
	inv := &Inventory{FormatVersion: FormatVersion, AsOf: inventory.Timestamp(w.At), Resources: []Existing{}, Unknown: w.Unknown()}
	managed := w.Managers()
	for i := range known {
		k := &known[i]
		inv.Resources = append(inv.Resources, existing(&k.Observation, managed[k.Resource.Identity], k.Stale))
	}
	slices.SortFunc(inv.Resources, func(a, b Existing) int { return inventory.NaturalCompare(a.Address, b.Address) })
	return inv, nil
}

func existing(o *inventory.Observation, manager string, unknown bool) Existing {
	e := Existing{
		Address: o.Resource.Addr.String(), Kind: o.Resource.Addr.Kind, Identity: o.Resource.Identity, Name: o.Resource.Name(), Node: o.Volatile.Node, Status: o.Volatile.Status,
		Addresses: []string{}, ManagedBy: "none", Unknown: unknown, SeenAt: inventory.Timestamp(o.At), Attributes: map[string]any{},
	}
	if manager != "" {
		e.ManagedBy = manager
	}
	e.Addresses = append(e.Addresses, inventory.IPsOf(o)...)
	if at := o.Volatile.AddressesAt; !at.IsZero() && len(inventory.ConfiguredIPs(o.Resource.Kind(), o.Resource.Attrs)) == 0 {
		e.AddressesAt = orNull(inventory.Timestamp(at))
	}
	kind := o.Resource.Kind()
	for p, v := range o.Resource.Attrs {
		attr, _, _ := kind.Lookup(p)
		if attr == nil || attr.Secret || p == "vmid" || p == "name" || p == "node" || inventory.IsNull(v) {
			continue
		}
		e.Attributes[string(p)] = inventory.JSONValue(v)
	}
	return e
}
