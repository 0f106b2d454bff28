package proxmox

import (
	"strings"
	"sync"
	"time"

	"recon/inventory"
	"recon/providers"
)

// A Provider is one cluster.
type Provider struct {
	name   string // the label of the proxmox block
	cfg    Config
	client *client
	now    func() time.Time

	progress func(done, total int) // hears how far a Read has come
	begun    *reading              // what Start began and no Read has taken over

	mu   sync.Mutex
	last view // what the last Read saw of the cluster, for Steps and Look
}

// A view is what is known of the cluster beside its guests' configurations.
type view struct {
	permissions permissions
	hidden      error // why guests may exist that are not listed; nil when the list is whole
	quorate     bool
	noStatus    error // why nobody knows whether it is; nil when the cluster told
	guests      map[int]guestRow
	nodes       map[string]bool // online
	observed    map[string]*inventory.Observation
	version     string
	around      *around   // what the cluster has beside its guests
	time        time.Time // by the cluster's clock; zero when it did not tell
}

var (
	_ providers.Writer     = (*Provider)(nil)
	_ providers.Looker     = (*Provider)(nil)
	_ providers.Impacter   = (*Provider)(nil)
	_ providers.Attributor = (*Provider)(nil)
	_ providers.Addresser  = (*Provider)(nil)
	_ providers.Checker    = (*Provider)(nil)
	_ providers.Answerer   = (*Provider)(nil)
	_ providers.Keeper     = (*Provider)(nil)
	_ providers.Surveyor   = (*Provider)(nil)
)

// New returns the provider of a cluster. It makes no call.
func New(cfg Config) (*Provider, error) {
	c, err := newClient(cfg)
	if err != nil {
		return nil, err
	}
	return &Provider{name: cfg.Name, cfg: cfg, client: c, now: time.Now}, nil
}

// Name returns the provider's address: proxmox.home.
func (p *Provider) Name() string { return "proxmox." + p.name }

// OnProgress has a function hear how far a Read has come. It is not called at the
// same time from two goroutines.
func (p *Provider) OnProgress(f func(done, total int)) { p.progress = f }

// Close abandons what Start began, if no Read has taken it over, and ends idle
// connections.
func (p *Provider) Close() {
	if r := p.begun; r != nil {
		r.cancel()
		<-r.looked
		p.begun = nil
	}
	p.client.close()
}

func (p *Provider) view() view {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last
}

// identity is the cluster's label and the vmid: what makes a guest the same guest
// wherever it runs.
func (p *Provider) identity(vmid int) string { return p.name + "/" + itoa(vmid) }

// Permissions of the token, by path of the access tree.
type permissions map[string]map[string]int

// has reports whether the token has a privilege on a path. Proxmox lists the
// paths on which something is set; elsewhere the nearest ancestor counts, as far
// as its privileges propagate (the value 1).
func (p permissions) has(path, privilege string) bool {
	if privs, ok := p[path]; ok {
		_, has := privs[privilege]
		return has
	}
	for path != "/" && path != "" {
		path = path[:max(strings.LastIndexByte(path, '/'), 0)]
		if path == "" {
			path = "/"
		}
		if privs, ok := p[path]; ok {
			return privs[privilege] == 1
		}
	}
	return false
}

// all reports whether the token has a privilege on everything below a path, as far as
// Proxmox lists what is set there.
func (p permissions) all(below, privilege string) bool {
	if !p.has(below+"/0", privilege) {
		return false
	}
	for path := range p {
		if strings.HasPrefix(path, below+"/") && !p.has(path, privilege) {
			return false
		}
	}
	return true
}
