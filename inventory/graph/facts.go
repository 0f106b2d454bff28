package graph

import (
	"time"

	"recon/inventory"
	"recon/inventory/doctor"
)

// Facts are everything that a graph is built from.
type Facts struct {
	At        time.Time
	Things    []Thing
	Clusters  []Surveyed
	Hosts     []doctor.Host
	Declared  []inventory.Edge  // that manifests say
	Terraform map[string]string // by identity: the address there
	Lost      []Gap             // what could not be observed
}

// A Thing is what is known of a guest, a daemon or a container.
type Thing struct {
	inventory.Observation
	Stale    bool
	Declared *inventory.Resource // what a manifest says of it; nil when none does
}

// A Surveyed is a cluster with what is around its guests.
type Surveyed struct {
	Name    string // label of the proxmox block
	Nodes   []inventory.Node
	Around  inventory.Surroundings
	Partial bool // not everything of it may be seen
}
