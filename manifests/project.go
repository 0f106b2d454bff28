package manifests

import (
	"bytes"
	"cmp"
	"maps"
	"strings"
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
	Checks    []Check              // sorted by address
	Context   *Context             // nil when no context block is written
	Schedules []Schedule
	Watches   []Watch
	Page      *Page    // nil: the daemon opens no port
	Notify    []Notify // routes to people
	Source    *Source  // nil: nobody but people change the manifests
	Ledger    *Ledger  // nil: the project keeps its own
	Moved     []Moved
	Graph     inventory.Graph
	Files     map[string]*hcl.File // by path relative to the root

	secrets []hcl.Range // literals that must not be shown
}

// Sources returns the files for showing the lines that a mistake is about, with
// every secret that stands in them blanked.
func (p *Project) Sources() map[string]*hcl.File {
	if len(p.secrets) == 0 {
		return p.Files
	}
	out := maps.Clone(p.Files)
	for _, r := range p.secrets {
		f := out[r.Filename]
		if f == nil || r.End.Byte > len(f.Bytes) {
			continue
		}
		text := bytes.Clone(f.Bytes)
		for i := r.Start.Byte; i < r.End.Byte; i++ {
			if text[i] != '\n' && text[i] != '"' {
				text[i] = '*'
			}
		}
		out[r.Filename] = &hcl.File{Bytes: text, Body: f.Body, Nav: f.Nav}
	}
	return out
}

// Settings are the recon block.
type Settings struct {
	RequiredVersion  string
	MaxChanges       int  // a run may change so many resources without --allow-bulk
	MaxChangePercent int  // or so many of those that are managed, whichever is more
	Exact            bool // of every guest that does not say itself
	Range            hcl.Range
}

// A Cluster is a proxmox block.
type Cluster struct {
	Name        string
	Endpoints   []string
	Token       string
	Command     []string // token_command, which gives the token when it is needed
	Fingerprint string
	CAFile      string
	Insecure    bool
	Addresses   string // "configured": running guests are never asked for their addresses
	Timeout     time.Duration
	Range       hcl.Range

	// Credentials holds what went wrong with the token alone: it matters to a
	// command that connects, not to one that only reads manifests.
	Credentials hcl.Diagnostics
}

// sourceTime is how long a source may take for one look when its block does not say.
const sourceTime = 30 * time.Second

// Patience is how long a source, proxmox.home, may take for one look.
func (p *Project) Patience(source string) time.Duration {
	kind, name, _ := strings.Cut(source, ".")
	limit := time.Duration(0)
	if c := p.Cluster(name); c != nil && kind == "proxmox" {
		limit = c.Timeout
	}
	if h := p.Host(name); h != nil && kind == "docker" {
		limit = h.Timeout
	}
	for _, t := range p.Terraform {
		if t.Name == name && kind == "terraform" {
			limit = t.Timeout
		}
	}
	return cmp.Or(limit, sourceTime)
}

// A Ledger is where a project that shares its ledger keeps it.
type Ledger struct {
	URL   string // postgres://...
	Range hcl.Range

	// Credentials holds what went wrong with the URL alone, which may hold a password.
	Credentials hcl.Diagnostics
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
