package pvesim

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestWire(t *testing.T) {
	s := start(t, Options{World: Single()})
	c := newClient(t, s)
	c.ok("POST", "/nodes/pve1/qemu", "vmid", "100", "memory", "64", "net0", "virtio,bridge=vmbr0")
	const form = "application/x-www-form-urlencoded"
	const conf = "/nodes/pve1/qemu/100/config"
	tests := []struct {
		name, method, path, ctype, body string
		status                          int
		reason, want                    string
	}{
		{"json body", "PUT", conf, "application/json", `{"cores":2,"onboot":true,"tags":["a","b"]}`, 200, "OK", ""},
		{"json null text", "PUT", conf, "application/json", `{"description":null}`, 200, "OK", ""},
		{"json null number", "PUT", conf, "application/json", `{"cores":null}`, 500, "unable to parse value of 'cores' - got undefined value", ""},
		{"bad json", "PUT", conf, "application/json", `{`, 500, "malformed JSON string", ""},
		{"other type", "PUT", conf, "text/xml", `<a/>`, 506, "upload 'Content-Type text/xml' not implemented", ""},
		{"raw = cuts", "PUT", conf, form, "net0=virtio,bridge=vmbr0", 400, "Parameter verification failed.", "duplicate key in comma-separated list property: model"},
		{"; separates", "PUT", conf, form, "name=a;cores=1", 200, "OK", ""},
		{"repeated key", "PUT", conf, form, "cores=1&cores=2", 400, "Parameter verification failed.", "type check ('integer') failed - got ARRAY"},
		{"repeated list", "PUT", conf, form, "delete=tags&delete=onboot", 200, "OK", ""},
		{"query and body", "PUT", conf + "?cores=2", form, "name=x", 200, "OK", ""},
		{"body contradicts path", "PUT", conf, form, "vmid=101&cores=1", 400, "Parameter verification failed.", "duplicate parameter (already defined in URI) with conflicting values!"},
		{"body repeats path", "PUT", conf, form, "vmid=100&node=pve1&cores=1", 200, "OK", ""},
		{"DELETE with body", "DELETE", "/nodes/pve1/qemu/100", form, "purge=1", 501, "Unexpected content for method 'DELETE'", ""},
		{"unknown query", "GET", "/version?foo=1", "", "", 400, "Parameter verification failed.", "property is not defined in schema"},
		{"PATCH", "PATCH", "/version", "", "", 501, "method 'PATCH' not available", ""},
		{"too large", "PUT", conf, form, strings.Repeat("x", bodyLimit+1), 501, "for data too large", ""},
		{"bad vmid", "GET", "/nodes/pve1/qemu/5/config", "", "", 400, "Parameter verification failed.", "does not look like a valid VM ID"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var body io.Reader
			if tt.body != "" {
				body = strings.NewReader(tt.body)
			}
			req, err := http.NewRequest(tt.method, s.Endpoint()+"/api2/json"+tt.path, body)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", tt.ctype)
			a, err := c.send(req)
			if err != nil {
				t.Fatal(err)
			}
			if a.status != tt.status || !strings.HasPrefix(a.reason, tt.reason) || !strings.Contains(a.raw, tt.want) {
				t.Errorf("got %d %q %s, want %d %q %s", a.status, a.reason, a.raw, tt.status, tt.reason, tt.want)
			}
		})
	}
}

func TestExtJS(t *testing.T) {
	s := start(t, Options{World: Single()})
	c := newClient(t, s)
	req, err := http.NewRequest("GET", s.Endpoint()+"/api2/extjs/nodes/pve1/qemu/100/config", nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := c.send(req)
	if err != nil {
		t.Fatal(err)
	}
	if a.status != 200 || text(a.body["success"]) != "0" || text(a.body["status"]) != "500" {
		t.Errorf("got %d %s", a.status, a.raw)
	}
}

func TestKeepAlive(t *testing.T) {
	s := start(t, Options{World: Single()})
	c := newClient(t, s)
	for range 10 {
		c.ok("GET", "/version")
		c.call("GET", "/bogus")
	}
	if n := s.Stats().Connections; n != 1 {
		t.Errorf("%d connections for 20 requests", n)
	}
	c.auth = ""
	c.call("GET", "/version")
	c.auth = "PVEAPIToken=" + s.Token()
	c.ok("GET", "/version")
	if n := s.Stats().Connections; n != 2 {
		t.Errorf("%d connections after a 401, which closes", n)
	}
}

// TestCloseLeavesNothing closes a server with idle connections, a running
// task and a request that hangs.
func TestCloseLeavesNothing(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	s, err := New(Options{TaskTime: time.Hour, Faults: []string{"hang:node02"}})
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(t, s)
	c.call("POST", "/nodes/node03/qemu/121/status/start")
	hung := make(chan error, 1)
	go func() {
		_, err := c.do("GET", "/nodes/node02/status", nil)
		hung <- err
	}()
	for s.Stats().Requests["GET /nodes/{node}/status"] == 0 {
		time.Sleep(time.Millisecond)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-hung; err == nil {
		t.Error("a request at a hanging node got an answer")
	}
	c.http.CloseIdleConnections()
}
