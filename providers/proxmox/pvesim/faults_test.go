package pvesim

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestFaults(t *testing.T) {
	const conf = "/nodes/node01/qemu/111/config"
	tests := []struct {
		name, fault, method, path, params string
		status                            int
		reason                            string
		happened                          bool // the write of cores=3 took effect
	}{
		{"node down", "node-down:node02", "GET", "/nodes/node02/qemu/106/config", "", 595, "No route to host", false},
		{"no quorum, write", "no-quorum", "PUT", conf, "cores=3", 500, "unable to open file '/etc/pve/nodes/node01/qemu-server/111.conf.tmp.*' - Permission denied", false},
		{"no quorum, parameters first", "no-quorum", "PUT", conf, "cores=0", 400, "Parameter verification failed.", false},
		{"no quorum, start", "no-quorum", "POST", "/nodes/node01/qemu/111/status/start", "", 500, "cluster not ready - no quorum?", false},
		{"no quorum, users", "no-quorum", "POST", "/access/users", "userid=a@pve", 500, "create user failed: cfs-lock 'file-user_cfg' error: no quorum!", false},
		{"error before", "error:500@PUT " + conf, "PUT", conf, "cores=3", 500, "injected fault", false},
		{"error of another path", "error:500@PUT /nodes", "PUT", conf, "cores=3", 200, "OK", true},
		{"error with text on a template", "error:503:go away@PUT /nodes/{node}/qemu/{vmid}/config", "PUT", conf, "cores=3", 503, "go away", false},
		{"596 after", "error:596@PUT", "PUT", conf, "cores=3", 596, "Connection timed out", true},
		{"lock", "lock:111=backup", "PUT", conf, "cores=3", 500, "VM is locked (backup)", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, Options{Faults: []string{tt.fault}})
			c := newClient(t, s)
			params, err := url.ParseQuery(tt.params)
			if err != nil {
				t.Fatal(err)
			}
			a, err := c.do(tt.method, tt.path, params)
			if err != nil {
				t.Fatal(err)
			}
			pre, post, _ := strings.Cut(tt.reason, "*")
			if a.status != tt.status || !strings.HasPrefix(a.reason, pre) || !strings.HasSuffix(a.reason, post) {
				t.Errorf("got %d %q, want %d %q", a.status, a.reason, tt.status, tt.reason)
			}
			s.ClearFaults()
			pending := s.World().Guests
			for _, g := range pending {
				if g.VMID == 111 && (g.Pending["cores"] == "3") != tt.happened {
					t.Errorf("cores pending %q, want change %v", g.Pending["cores"], tt.happened)
				}
			}
		})
	}
}

func TestLostResponse(t *testing.T) {
	s := start(t, Options{Faults: []string{"lose-response:PUT*1"}})
	c := newClient(t, s)
	params := url.Values{"description": {"x"}}
	if a, err := c.do("PUT", "/nodes/node02/lxc/203/config", params); err == nil {
		t.Fatalf("got %d %s, want a lost connection", a.status, a.reason)
	}
	if got := field(c.ok("GET", "/nodes/node02/lxc/203/config"), "description"); got != "x\n" {
		t.Errorf("the write did not happen: description %q", got)
	}
	c.ok("PUT", "/nodes/node02/lxc/203/config", "description", "y") // once is over
}

func TestFaultsOverHTTP(t *testing.T) {
	s := start(t, Options{})
	c := newClient(t, s)
	post := func(body string) answer {
		t.Helper()
		req, err := http.NewRequest("POST", s.Endpoint()+"/recon-sim/faults", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		c := *c
		c.auth = ""
		a, err := c.send(req)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	if a := post("node-down:node03\nlock:106=migrate\n"); a.status != 204 {
		t.Fatalf("got %d %s", a.status, a.raw)
	}
	if a := c.call("GET", "/nodes/node03/status"); a.status != 595 {
		t.Errorf("node03 answers %d", a.status)
	}
	if a := post("bogus:1"); a.status != 400 || !strings.Contains(a.raw, "unknown kind") {
		t.Errorf("bad fault: %d %q", a.status, a.raw)
	}
	req, err := http.NewRequest("DELETE", s.Endpoint()+"/recon-sim/faults", nil)
	if err != nil {
		t.Fatal(err)
	}
	if a, err := c.send(req); err != nil || a.status != 204 {
		t.Fatalf("DELETE: %d %v", a.status, err)
	}
	if a := c.call("GET", "/nodes/node03/status"); a.status != 200 {
		t.Errorf("node03 answers %d after the faults were cleared", a.status)
	}
	if a := c.call("PUT", "/nodes/node02/qemu/106/config", "name", "x"); a.reason != "VM is locked (migrate)" {
		t.Errorf("a lock is state and stays, got %q", a.reason)
	}
}

func TestNodeDownLists(t *testing.T) {
	s := start(t, Options{Faults: []string{"node-down:node03"}, NodeDelay: 30 * time.Millisecond})
	c := newClient(t, s)
	began := time.Now()
	c.call("GET", "/nodes/node03/qemu/120/config")
	if took := time.Since(began); took < 30*time.Millisecond {
		t.Errorf("595 came after %v, want the delay first", took)
	}
	for _, row := range c.ok("GET", "/nodes").([]any) {
		if field(row, "node") == "node03" && (field(row, "status") != "offline" || field(row, "maxcpu") != nil) {
			t.Errorf("row of the lost node: %v", row)
		}
	}
	for _, row := range c.ok("GET", "/cluster/resources", "type", "vm").([]any) {
		if field(row, "id") == "qemu/120" && field(row, "status") != "running" {
			t.Errorf("a guest of the lost node keeps its last state, got %v", row)
		}
	}
}

func TestTaskFault(t *testing.T) {
	s := start(t, Options{Faults: []string{"task-error:qmstart=start failed: QEMU exited with code 1*1"}})
	c := newClient(t, s)
	start := func() any {
		upid := c.call("POST", "/nodes/node03/qemu/121/status/start").body["data"].(string)
		return c.wait(upid)["exitstatus"]
	}
	if got := start(); got != "start failed: QEMU exited with code 1" {
		t.Errorf("first start ended with %v", got)
	}
	if got := start(); got != "OK" {
		t.Errorf("second start ended with %v", got)
	}
}

func TestLatencyHoldsWorker(t *testing.T) {
	s := start(t, Options{Latency: 20 * time.Millisecond, Workers: 1})
	c := newClient(t, s)
	c.call("GET", "/version")
	began := time.Now()
	done := make(chan struct{})
	for _, p := range []string{"/nodes/node01/qemu", "/nodes/node01/lxc", "/nodes/node02/qemu"} {
		go func() {
			defer func() { done <- struct{}{} }()
			if _, err := c.do("GET", p, nil); err != nil {
				t.Error(err)
			}
		}()
	}
	for range 3 {
		<-done
	}
	if took := time.Since(began); took < 40*time.Millisecond {
		t.Errorf("two requests at one worker took %v, want one after the other", took)
	}
	if n := s.Stats().MaxInFlight["node01"]; n < 1 || n > 2 { // 1 when a busy machine sent them one after the other
		t.Errorf("max in flight %d, want 2", n)
	}
}
