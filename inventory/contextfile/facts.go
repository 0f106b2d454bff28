package contextfile

import (
	"time"

	"recon/inventory"
)

// Facts are everything that documents are rendered from. They come from
// observations, never from wishes.
type Facts struct {
	Clusters []Cluster
	Guests   []Guest // sorted by address
	Drift    []Drift
	Findings []Finding // sorted by rule; hints are left out
	Sources  []Source
	Events   []inventory.Event // oldest first
}

// A Cluster is a Proxmox cluster.
type Cluster struct {
	Name    string
	Version string
	Nodes   []inventory.Node
}

// A Guest is a guest as documents know it.
type Guest struct {
	Address  inventory.Address
	Identity string
	Name     string
	Kind     string
	VMID     int
	Node     string
	Status   string
	Networks []Network
	DNS      []string
	Purpose  string // the manifest author's words
	Managed  bool
	Protect  bool
	Template bool
	Reboot   bool // written values wait for a restart
	Unknown  bool // not observed now; the facts are the last known ones
}

// A Network is an address that a guest has.
type Network struct {
	Address string // with prefix length
	Gateway string
	VLAN    int64
}

// A Drift is a resource that differs from its manifest because live moved.
type Drift struct {
	Address inventory.Address
	Since   time.Time
	By      string
	Fields  []DriftField
}

// A DriftField is a field with its two values as people read them.
type DriftField struct {
	Path          inventory.Path
	Desired, Live string
}

// A Source is something that cannot be observed now.
type Source struct {
	Provider, Scope string
	Since           time.Time
}
