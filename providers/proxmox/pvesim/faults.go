package pvesim

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// errDropped closes the connection instead of an answer.
var errDropped = errors.New("connection dropped")

// fault is something that goes wrong. Its words:
//
//	node-down:pve2  node-up:pve2     the node is off (595), or on again
//	hang:pve2                        requests to the node get no answer
//	no-quorum  quorum                the cluster lost it, or has it again
//	latency:pve3=2s  latency=50ms    more service time, of a node or of all
//	lose-response:PUT                the request is done, its answer is lost
//	drop:POST                        the request is lost
//	error:500@GET /path              that status; 596 and 599 do the request
//	error:500:some text@PUT /path    with a reason phrase
//	task-error:qmstart=text          tasks of that type fail
//	lock:101=backup  unlock:101      what qm set --lock and qm unlock do
//
// Requests are a method, a path, or both ("PUT /nodes/pve1/qemu/101/config");
// a path may be a template and may end in "*". A final *N limits a fault to
// N times.
type fault struct {
	spec   string
	kind   string
	target string // node, method and path, or task type
	value  string // text of errors
	status int
	delay  time.Duration
	left   int // -1: for ever
}

// AddFault makes a fault happen from now on.
func (s *Server) AddFault(spec string) error {
	f, err := parseFault(spec)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch f.kind {
	case "node-down", "node-up":
		n := s.world.node(f.target)
		if n == nil {
			return fmt.Errorf("fault %q: no node %q", spec, f.target)
		}
		n.Online = f.kind == "node-up"
		s.forget("node-down", f.target)
	case "no-quorum", "quorum":
		s.world.NoQuorum = f.kind == "no-quorum"
		s.forget("no-quorum", "")
	case "lock", "unlock":
		m := s.guests[atoi(f.target)]
		if m == nil {
			return fmt.Errorf("fault %q: no guest %s", spec, f.target)
		}
		m.Lock = f.value
		m.touch()
		s.dirty()
		return nil
	}
	if f.kind != "node-up" && f.kind != "quorum" {
		s.faults = append(s.faults, f)
	}
	return nil
}

// forget drops the faults of a kind and target. The lock is held.
func (s *Server) forget(kind, target string) {
	keep := s.faults[:0]
	for _, f := range s.faults {
		if f.kind != kind || f.target != target {
			keep = append(keep, f)
		}
	}
	s.faults = keep
}

// ClearFaults ends every fault: nodes come back, quorum too. Locks are state,
// not faults, and stay.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.faults {
		switch f.kind {
		case "node-down":
			s.world.node(f.target).Online = true
		case "no-quorum":
			s.world.NoQuorum = false
		}
	}
	s.faults = nil
}

// Faults lists the active faults as they were given.
func (s *Server) Faults() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]string, 0, len(s.faults))
	for _, f := range s.faults {
		out = append(out, f.spec)
	}
	return out
}

func parseFault(spec string) (*fault, error) {
	f := &fault{spec: spec, left: -1}
	text := spec
	if m := regexp.MustCompile(`^(.*)\*(\d+)$`).FindStringSubmatch(spec); m != nil {
		text = m[1]
		f.left = atoi(m[2])
	}
	kind, arg, found := strings.Cut(text, ":")
	if k, v, ok := strings.Cut(text, "="); ok && k == "latency" {
		kind, arg, found = k, "="+v, true
	}
	f.kind, f.target = kind, arg
	bad := func(want string) (*fault, error) { return nil, fmt.Errorf("fault %q: want %s", spec, want) }
	switch kind {
	case "no-quorum", "quorum":
		if found {
			return bad(kind)
		}
	case "node-down", "node-up", "hang", "unlock", "lose-response", "drop":
		if arg == "" {
			return bad(kind + ":WHAT")
		}
	case "lock", "task-error":
		if f.target, f.value, found = strings.Cut(arg, "="); !found || f.value == "" {
			return bad(kind + ":WHAT=TEXT")
		}
	case "latency":
		target, d, _ := strings.Cut(arg, "=")
		delay, err := time.ParseDuration(d)
		if err != nil {
			return bad("latency:NODE=DURATION")
		}
		f.target, f.delay = target, delay
	case "error":
		status, target, ok := strings.Cut(arg, "@")
		code, reason, _ := strings.Cut(status, ":")
		n, err := strconv.Atoi(code)
		if !ok || err != nil || n < 400 || n > 599 {
			return bad("error:STATUS@METHOD /path")
		}
		f.status, f.value, f.target = n, orElse(reason, faultReason(n)), target
	default:
		return nil, fmt.Errorf("fault %q: unknown kind %q", spec, kind)
	}
	return f, nil
}

func faultReason(status int) string {
	switch status {
	case 595:
		return "Connection refused"
	case 596:
		return "Connection timed out"
	case 599:
		return "Too many redirections"
	case 401:
		return "Authentication failed!"
	}
	return "injected fault"
}

// after tells whether the request is carried out before the fault shows.
func (f *fault) after() bool {
	return f.kind == "lose-response" || f.status == 596 || f.status == 599
}

func (f *fault) fail() error {
	if f.kind == "lose-response" || f.kind == "drop" {
		return errDropped
	}
	return &apiError{status: f.status, msg: f.value, bare: f.status >= 595 || f.status == 401}
}

// take uses the fault once and reports whether it still happens.
func (f *fault) take() bool {
	if f.left == 0 {
		return false
	}
	if f.left > 0 {
		f.left--
	}
	return true
}

// match finds the fault for a request. The lock is held.
func (s *Server) match(c *call) *fault {
	for _, f := range s.faults {
		switch f.kind {
		case "lose-response", "drop", "error":
			if f.covers(c) && f.take() {
				return f
			}
		}
	}
	return nil
}

func (f *fault) covers(c *call) bool {
	method, path, _ := strings.Cut(f.target, " ")
	if strings.HasPrefix(f.target, "/") || f.target == "*" {
		method, path = "", strings.TrimPrefix(f.target, "*")
	}
	if method != "" && method != "*" && method != c.method {
		return false
	}
	path = strings.TrimPrefix(path, "/api2/json")
	if prefix, ok := strings.CutSuffix(path, "*"); ok {
		return strings.HasPrefix(c.path, prefix)
	}
	return path == "" || path == c.path || path == c.route.template
}

// extraLatency sums the latency faults of a node. The lock is held.
func (s *Server) extraLatency(node string) time.Duration {
	var d time.Duration
	for _, f := range s.faults {
		if f.kind == "latency" && (f.target == "" || f.target == node) && f.take() {
			d += f.delay
		}
	}
	return d
}

func (s *Server) hangs(node string) bool {
	for _, f := range s.faults {
		if f.kind == "hang" && f.target == node && f.take() {
			return true
		}
	}
	return false
}

// taskFault is the error that a task of the type ends with, "" for none.
func (s *Server) taskFault(typ string) string {
	for _, f := range s.faults {
		if f.kind == "task-error" && f.target == typ && f.take() {
			return f.value
		}
	}
	return ""
}
