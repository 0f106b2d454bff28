package pvesim

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Options configure a Server. The zero value serves the world Home on a free
// port of 127.0.0.1 as Proxmox VE 9.2.
type Options struct {
	// Listen is the address to bind, default 127.0.0.1:0.
	Listen string
	// Dir, when set, is where world.json, the CA, the token and the port live.
	// They are loaded when they are there; the world is saved after changes
	// and by Close.
	Dir string
	// World is the initial world when Dir holds none; nil is Home. The server
	// works on a copy.
	World *World
	// PVE is the release to be: 8.4, 9.1 or 9.2 (the default).
	PVE string
	// Latency is the time that a request holds a worker of its node.
	Latency time.Duration
	// Workers is the number of workers of each node, default 3.
	Workers int
	// Faults are active from the start.
	Faults []string
	// Log gets a line for each request; nil is none.
	Log *slog.Logger
	// OnRequest sees every authenticated request that reaches routing, with
	// the path without /api2/json. It must not call the server.
	OnRequest func(method, path string, params url.Values)

	// TaskTime is how long a task runs, default 5 ms.
	TaskTime time.Duration
	// StatCycle is how often the nodes' status daemons report, default 10 s;
	// until then lists show a new guest as unknown and a changed one as it
	// was. Negative: lists are always fresh.
	StatCycle time.Duration
	// NodeDelay is waited for before a 595, AuthDelay before the 401 of a
	// wrong secret, AgentDelay before a guest agent counts as dead; 3 s each
	// by default. Negative: no wait.
	NodeDelay, AuthDelay, AgentDelay time.Duration
}

func (o *Options) defaults() {
	orDuration := func(d *time.Duration, def time.Duration) {
		if *d == 0 {
			*d = def
		}
		*d = max(*d, 0)
	}
	orDuration(&o.TaskTime, 5*time.Millisecond)
	orDuration(&o.NodeDelay, 3*time.Second)
	orDuration(&o.AuthDelay, 3*time.Second)
	orDuration(&o.AgentDelay, 3*time.Second)
	if o.StatCycle == 0 {
		o.StatCycle = 10 * time.Second
	}
	if o.Workers <= 0 {
		o.Workers = 3
	}
}

// Server is a running simulator.
type Server struct {
	opts    Options
	release string // 8.4, 9.1, 9.2
	formats *formats
	qemu    *optionSet
	lxc     *optionSet
	routes  *routeTable
	roles   map[string][]string // built in
	// everything is what root@pam may, each privilege propagated.
	everything map[string]int
	token      string
	port       string
	ca         *authority
	caFile     string
	caTemp     bool
	ln         net.Listener

	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup // connections, tasks, daemons

	mu       sync.Mutex
	world    *World
	guests   map[int]*machine
	reported map[string]bool // nodes whose statistics are known
	tasks    *taskList
	log      []logEntry
	serial   int
	started  time.Time
	faults   []*fault
	unsaved  chan struct{}
	nodes    map[string]*pool
	stats    Stats
	conns    map[*conn]bool
	closing  bool
}

// newServer makes a simulator that has no world yet and serves nothing.
func newServer(opts Options) *Server {
	opts.defaults()
	s := &Server{
		opts: opts, tasks: newTaskList(),
		reported: map[string]bool{}, nodes: map[string]*pool{}, conns: map[*conn]bool{}, unsaved: make(chan struct{}, 1),
		started: time.Now(), stats: newStats(),
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// New makes a simulator and serves it.
func New(opts Options) (*Server, error) {
	s := newServer(opts)
	opts = s.opts
	if err := s.open(); err != nil {
		s.cancel()
		return nil, err
	}
	for _, f := range opts.Faults {
		if err := s.AddFault(f); err != nil {
			s.cancel()
			return nil, err
		}
	}
	if err := s.listen(); err != nil {
		s.cancel()
		return nil, err
	}
	return s, nil
}

// open loads or makes the world, the CA and the token.
func (s *Server) open() error {
	w, err := s.loadState()
	if err != nil {
		return err
	}
	if s.release, err = releaseOf(orElse(s.opts.PVE, w.Version)); err != nil {
		return err
	}
	s.formats, s.qemu, s.lxc = newFormats(s.release), qemuOptions(s.release), lxcOptions(s.release)
	s.roles = builtinRoles(s.release)
	s.everything = map[string]int{}
	for _, p := range s.roles["Administrator"] {
		s.everything[p] = 1
	}
	s.routes = newRoutes(s)
	w.Version = s.release
	s.adopt(w)
	for _, n := range w.Nodes {
		s.reported[n.Name] = !w.Unreported
	}
	for _, m := range s.guests {
		if !w.Unreported {
			m.report()
		}
	}
	s.ensureToken()
	return nil
}

func releaseOf(v string) (string, error) {
	switch v {
	case "", "9.2":
		return "9.2", nil
	case "8.4", "9.1":
		return v, nil
	}
	return "", fmt.Errorf("unknown Proxmox VE release %q, want 8.4, 9.1 or 9.2", v)
}

// adopt makes w the server's world, keeping what is known of guests that
// stay.
func (s *Server) adopt(w *World) {
	w.normalize()
	old := s.guests
	s.world, s.guests = w, map[int]*machine{}
	for _, g := range w.Guests {
		m := old[g.VMID]
		if m == nil || m.Kind != g.Kind {
			m = &machine{opts: s.options(g.Kind), started: time.Now()}
		}
		m.Guest = g
		m.touch()
		s.guests[g.VMID] = m
		if g.Running && m.pid == 0 {
			m.pid = s.nextPID()
		}
	}
	for _, n := range w.Nodes {
		if s.nodes[n.Name] == nil {
			s.nodes[n.Name] = newPool(s.opts.Workers)
		}
	}
}

func (s *Server) options(kind string) *optionSet {
	if kind == "lxc" {
		return s.lxc
	}
	return s.qemu
}

func (s *Server) listen() error {
	addr := s.opts.Listen
	if addr == "" {
		addr = "127.0.0.1:" + orElse(s.port, "0")
	}
	cert, err := s.ca.serve(addr)
	if err != nil {
		return err
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil && s.opts.Listen == "" && s.port != "" {
		ln, err = net.Listen("tcp", "127.0.0.1:0")
	}
	if err != nil {
		return fmt.Errorf("listen on %s: %w", addr, err)
	}
	_, s.port, _ = net.SplitHostPort(ln.Addr().String())
	s.ln = ln
	if err := s.writeFiles(); err != nil {
		_ = ln.Close() // the write error is the one to tell
		return err
	}
	conf := &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS12}
	s.wg.Go(func() { s.accept(conf) })
	s.wg.Go(s.daemon)
	s.wg.Go(s.saver)
	return nil
}

// Endpoint is the address as https://127.0.0.1:PORT.
func (s *Server) Endpoint() string {
	host, port, _ := net.SplitHostPort(s.ln.Addr().String())
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "https://" + net.JoinHostPort(host, port)
}

// Token is a token of root@pam without privilege separation.
func (s *Server) Token() string { return s.token }

// Fingerprint is the SHA-256 of the served certificate, in colon-separated
// upper-case hex.
func (s *Server) Fingerprint() string { return s.ca.fingerprint }

// CAFile is the path of the CA's certificate. Without Options.Dir it is a
// temporary file that Close removes.
func (s *Server) CAFile() string { return s.caFile }

// Update changes the world behind the clients' backs. Digests follow, and the
// lists show the new state at once. f must not call the server.
func (s *Server) Update(f func(*World)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s.world)
	s.adopt(s.world)
	for _, m := range s.guests {
		if !s.world.Unreported {
			m.report()
		}
	}
	s.dirty()
}

// World is a copy of the world as it is now.
func (s *Server) World() World {
	s.mu.Lock()
	defer s.mu.Unlock()
	w, err := s.world.clone()
	if err != nil {
		panic("pvesim: world does not survive its JSON: " + err.Error())
	}
	return *w
}

// Close stops serving, ends every task where it is, saves the world and
// returns when nothing of the server runs any more.
func (s *Server) Close() error {
	s.mu.Lock()
	if s.closing {
		s.mu.Unlock()
		return nil
	}
	s.closing = true
	s.cancel()
	err := s.ln.Close()
	for c := range s.conns {
		c.shut()
	}
	s.mu.Unlock()
	s.wg.Wait()
	if serr := s.save(); serr != nil {
		err = serr
	}
	if s.caTemp {
		if rerr := os.RemoveAll(filepath.Dir(s.caFile)); err == nil {
			err = rerr
		}
	}
	return err
}

// local is the node that answers: the first that is online.
func (s *Server) local() string {
	for _, n := range s.world.Nodes {
		if n.Online {
			return n.Name
		}
	}
	return s.world.Nodes[0].Name
}

// nextPID numbers processes.
func (s *Server) nextPID() int {
	s.serial++
	return 1000 + s.serial
}

// sleep waits and reports whether the server still runs.
func (s *Server) sleep(d time.Duration) bool {
	if d <= 0 {
		return s.ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-s.ctx.Done():
		return false
	}
}
