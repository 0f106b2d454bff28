package contextfile

import (
	"slices"
	"time"

	"recon/inventory"
)

// Facts are everything that documents are rendered from. They come from
// observations, never from wishes.
type Facts struct {
	Clusters []Cluster
	Guests   []Guest   // sorted by address
	Services []Service // sorted by address
	Drift    []Drift
	Tasks    []Task
	Findings []Finding // sorted by rule; hints are left out
	Checks   []Check   // sorted by address
	Sources  []Source
	Events   []inventory.Event // oldest first

	Whole        string // the file that has the whole tables, "" without one
	HasTerraform bool   // the project has states of Terraform
	FreeText     bool   // the author wants notes shown
}

// Nothing reports that no source was ever observed, so that there is nothing to tell.
func (f *Facts) Nothing() bool {
	known := len(f.Guests) + len(f.Services) + len(f.Drift)
	seen := slices.ContainsFunc(f.Clusters, func(c Cluster) bool { return !c.Never })
	nobody := len(f.Clusters)+len(f.Sources)+len(f.Events) == 0 && !f.HasTerraform
	return known == 0 && !seen && (nobody || slices.ContainsFunc(f.Sources, func(s Source) bool { return s.Never }))
}

// A Cluster is a Proxmox cluster.
type Cluster struct {
	Name    string
	Version string
	Nodes   []inventory.Node

	Storages []inventory.Storage
	Partial  bool // guests may exist that the account does not see: totals are lower bounds
	Never    bool // never observed yet; nothing is known of it
}

// A Guest is a guest as documents know it.
type Guest struct {
	Address    inventory.Address
	Identity   string
	Name       string
	Kind       string
	VMID       int
	Node       string
	Status     string
	Networks   []inventory.Network
	Observed   []string // addresses that the guest said it has, when its configuration tells none
	MACs       []string
	DNS        []string
	Cores      int64
	Memory     int64 // bytes
	Disks      []Disk
	Purpose    string // the manifest author's words
	Notes      string // free text from live; "" unless the author opted in
	Terraform  string // address in Terraform's state, "" when it is not there
	Managed    bool
	Protect    bool
	Template   bool
	Reboot     bool             // written values wait for a restart
	Kept       []inventory.Kept // snapshots that recon has taken
	Unknown    bool             // not observed now; the facts are the last known ones
	LastChange time.Time
	ChangedBy  string
}

// A Disk is a volume of a guest.
type Disk struct {
	Storage string
	Size    int64  // bytes
	Path    string // where a container mounts it, "" for the root and for VMs
}

// A Service is something that runs on a host and that people reach.
type Service struct {
	Address   inventory.Address
	Host      string // name of the host
	Container string
	Image     string
	URL       string
	Ports     []string // "7878/tcp"
	Paths     []Path
	DependsOn []string
	Unknown   bool
}

// A Path is a folder that a service sees.
type Path struct{ Inside, Source string }

// A Check is a declared check and how it stands. What it says in words stands in recon
// check: those words quote what came from outside.
type Check struct {
	Address  inventory.Address
	Kind     string
	Standing inventory.Standing
	Layer    inventory.Layer
	Since    time.Time
}

// A Drift is a resource that differs from its manifest because live moved.
type Drift struct {
	Address  inventory.Address
	Identity string
	Since    time.Time
	By       string
	Fields   []DriftField
	Gone     bool // it was there, and is no longer
	Unseen   bool // it cannot be observed now: so it was when it was last seen
}

// A DriftField is a field with its two values as people read them.
type DriftField struct {
	Path          inventory.Path
	Desired, Live string
	Flapping      bool // it comes and goes; what it is now is left out
}

// A Task is something begun that somebody has to finish.
type Task struct {
	Address  inventory.Address
	Identity string
	Verdict  inventory.Verdict
	Since    time.Time // zero when nobody knows
	By       string
	Fields   []DriftField
	Impact   inventory.Impact
	Blocked  []string // codes of reasons
	InFlight bool     // a run was killed on it
	Gone     bool     // it was there, and is no longer
	Unseen   bool     // it cannot be observed now: so it was when it was last seen
}

// A Source is something that cannot be observed now.
type Source struct {
	Provider, Scope string
	Since           time.Time
	Never           bool  // it was never observed yet: nothing is known of it
	Hidden          []int // ids of guests that are known and not seen any more, sorted; of SomeGuests
}
