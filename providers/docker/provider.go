package docker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"recon/inventory"
	"recon/inventory/doctor"
	"recon/providers"
	"recon/providers/sshhost"
)

// Config says which host it is and what its blocks say of the daemon.
type Config struct {
	Host       sshhost.Config
	Socket     string // docker_socket; "" for the running daemon's
	ConfigFile string // config_file of docker_daemon; "" for the running daemon's
	Restart    string // restart_command
	Reload     string // reload_command
	Declared   bool   // a docker_daemon block speaks of this host
	Probe      bool   // try hard links inside containers

	// How long a restarted daemon has to answer and to bring its containers back,
	// and after how long the host undoes a change of which nobody said that it went
	// well. The second is more than twice the first. Zero means 60 s and 180 s.
	Patience, DeadMan time.Duration
}

// A Provider is one host.
type Provider struct {
	cfg   Config
	host  *sshhost.Host
	trips atomic.Int64 // requests to the engine
	now   func() time.Time

	mu      sync.Mutex
	last    view
	engine  *engine // of the daemon of the last look
	process string  // that daemon: socket, pid, start
	wrote   written // the last write of this run
}

// A written is a file that recon wrote, and the copy of what was there before.
type written struct{ sum, backup string }

// A view is what the last look saw of the host, for Steps and Do.
type view struct {
	probe      *hostProbe
	daemon     *daemonProbe
	version    string // of the engine; "" when it does not run
	containers []running
	facts      *doctor.Host
	inside     *insideProbe
}

// A running is a container that runs.
type running struct {
	id, name string
	started  time.Time
}

var (
	_ providers.Writer   = (*Provider)(nil)
	_ providers.Looker   = (*Provider)(nil)
	_ providers.Impacter = (*Provider)(nil)
	_ providers.Surveyor = (*Provider)(nil)
)

// New returns the provider of a host. It makes no connection.
func New(cfg Config) *Provider {
	if cfg.Patience == 0 {
		cfg.Patience = 60 * time.Second
	}
	if cfg.DeadMan == 0 {
		cfg.DeadMan = 3 * cfg.Patience
	}
	return &Provider{cfg: cfg, host: sshhost.New(cfg.Host), now: time.Now}
}

// Name returns the provider's address: docker.docker-media.
func (p *Provider) Name() string { return "docker." + p.cfg.Host.Name }

// HostName returns the label of the host block.
func (p *Provider) HostName() string { return p.cfg.Host.Name }

// Close ends the connection.
func (p *Provider) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.engine != nil {
		p.engine.close()
		p.engine = nil
	}
	p.host.Close()
}

// Calls returns how many round trips to the host were made so far.
func (p *Provider) Calls() int { return p.host.Calls() + int(p.trips.Load()) }

// Connections returns how many SSH connections were made so far.
func (p *Provider) Connections() int { return p.host.Connections() }

// Facts returns what the last Read saw, for the doctor; nil when it saw nothing.
func (p *Provider) Facts() *doctor.Host {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last.facts
}

func (p *Provider) view() view {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last
}

// engineOf returns the engine of a running daemon. One that was restarted may be of
// another version, which the client asks anew.
func (p *Provider) engineOf(d *daemonProbe) (*engine, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	process := fmt.Sprintf("%s %d %s", d.socket(), d.pid, d.ticks)
	if p.engine != nil && p.process == process {
		return p.engine, nil
	}
	e, err := newEngine(p.host, d.socket(), &p.trips, p.cfg.Host.Tally)
	if err != nil {
		return nil, err
	}
	if p.engine != nil {
		p.engine.close()
	}
	p.engine, p.process = e, process
	return e, nil
}

// lastEngine returns the engine that engineOf returned last.
func (p *Provider) lastEngine() *engine {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.engine
}

// look makes the first round trip: the daemons of the host and their files.
func (p *Provider) look(ctx context.Context) (*hostProbe, *daemonProbe, error) {
	out, err := p.host.Run(ctx, sshhost.Command{What: "look at the Docker daemon", Script: probeScript, Args: []string{p.cfg.ConfigFile}})
	if err != nil {
		return nil, nil, err
	}
	h, err := parseProbe(out)
	if err != nil {
		return nil, nil, err
	}
	d, err := h.choose(p.cfg.Socket)
	return h, d, err
}

func (p *Provider) identity(container string) string {
	return inventory.DockerIdentity(p.cfg.Host.Name, container)
}

// digest is a short fingerprint of a value.
func digest(raw json.RawMessage) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:8])
}
