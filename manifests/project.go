package manifests

import (
	"time"

	"recon/inventory"

	"github.com/hashicorp/hcl/v2"
)

// A Project is everything that the manifests say.
type Project struct {
	Settings  Settings
	Clusters  []Cluster
	Hosts     []Host // machines reached over SSH, sorted by name
	Terraform []Terraform
	Resources []inventory.Resource // sorted by address
	Silences  []Silence            // findings that nobody wants to hear of
	Context   *Context             // nil when no context block is written
	Schedules []Schedule
	Moved     []Moved
	Graph     inventory.Graph
	Files     map[string]*hcl.File // by path relative to the root, for showing source
}

// Settings are the recon block.
type Settings struct {
	RequiredVersion  string
	MaxChanges       int // a run may change so many resources without --allow-bulk
	MaxChangePercent int // or so many of those that are managed, whichever is more
	Range            hcl.Range
}

// A Cluster is a proxmox block.
type Cluster struct {
	Name        string
	Endpoints   []string
	Token       string
	Fingerprint string
	CAFile      string
	Insecure    bool
	Range       hcl.Range

	// Credentials holds what went wrong with the token alone: it matters to a
	// command that connects, not to one that only reads manifests.
	Credentials hcl.Diagnostics
}

// Context says which documents recon writes, by path relative to the root.
type Context struct {
	ClaudeMD   string
	SessionLog string
	Range      hcl.Range
}

// A Schedule is one cron entry of recon serve.
type Schedule struct {
	Name     string
	Cron     string
	Location *time.Location
	Action   string // drift or context
	Range    hcl.Range
}

// A Moved tells that a block was renamed.
type Moved struct {
	From, To inventory.Address
	Range    hcl.Range
}

// forgetSyntax lets go of the syntax trees, which are most of what a large project
// weighs. Showing mistakes needs them, and then there were some; an edit parses
// its file again.
func (p *Project) forgetSyntax() {
	for name, f := range p.Files {
		p.Files[name] = &hcl.File{Bytes: f.Bytes}
	}
}

// Resource returns the resource at an address, or nil.
func (p *Project) Resource(a inventory.Address) *inventory.Resource {
	for i := range p.Resources {
		if p.Resources[i].Addr == a {
			return &p.Resources[i]
		}
	}
	return nil
}

// Cluster returns the cluster of that name, or nil.
func (p *Project) Cluster(name string) *Cluster {
	for i := range p.Clusters {
		if p.Clusters[i].Name == name {
			return &p.Clusters[i]
		}
	}
	return nil
}
