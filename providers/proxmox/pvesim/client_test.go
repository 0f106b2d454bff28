package pvesim

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"
)

// client is the tests' own: it shows status, reason and body as they came.
type client struct {
	t    *testing.T
	http *http.Client
	base string
	auth string // Authorization header
}

type answer struct {
	status int
	reason string
	body   map[string]any
	raw    string
}

func newClient(t *testing.T, s *Server) *client {
	t.Helper()
	pem, err := os.ReadFile(s.CAFile())
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
	t.Cleanup(tr.CloseIdleConnections)
	return &client{t: t, http: &http.Client{Transport: tr}, base: s.Endpoint(), auth: "PVEAPIToken=" + s.Token()}
}

// do sends a request; parameters go where PVE takes them for the method.
func (c *client) do(method, path string, params url.Values) (answer, error) {
	target := c.base + "/api2/json" + path
	var body io.Reader
	if method == "GET" || method == "DELETE" {
		if len(params) > 0 {
			target += "?" + params.Encode()
		}
	} else {
		body = strings.NewReader(params.Encode())
	}
	req, err := http.NewRequest(method, target, body)
	if err != nil {
		return answer{}, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return c.send(req)
}

func (c *client) send(req *http.Request) (answer, error) {
	if c.auth != "" {
		req.Header.Set("Authorization", c.auth)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = resp.Body.Close() }() // read to its end below
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{}, err
	}
	a := answer{status: resp.StatusCode, raw: string(raw), reason: strings.TrimPrefix(resp.Status, fmt.Sprint(resp.StatusCode)+" ")}
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") {
		dec := json.NewDecoder(bytes.NewReader(raw))
		dec.UseNumber()
		if err := dec.Decode(&a.body); err != nil {
			return a, fmt.Errorf("body %q: %w", raw, err)
		}
	}
	return a, nil
}

// call is do for requests that must get an answer. Parameters are pairs.
func (c *client) call(method, path string, pairs ...string) answer {
	c.t.Helper()
	params := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		params.Add(pairs[i], pairs[i+1])
	}
	a, err := c.do(method, path, params)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

// ok is call for requests that must succeed; a task is waited for.
func (c *client) ok(method, path string, pairs ...string) any {
	c.t.Helper()
	a := c.call(method, path, pairs...)
	if a.status != 200 {
		c.t.Fatalf("%s %s %v: %d %s %s", method, path, pairs, a.status, a.reason, a.raw)
	}
	if upid, ok := a.body["data"].(string); ok && strings.HasPrefix(upid, "UPID:") {
		if st := c.wait(upid); st["exitstatus"] != "OK" {
			c.t.Fatalf("%s %s %v: task ended with %v", method, path, pairs, st["exitstatus"])
		}
	}
	return a.body["data"]
}

// wait polls a task until it has ended.
func (c *client) wait(upid string) map[string]any {
	c.t.Helper()
	node := strings.Split(upid, ":")[1]
	for range 2000 {
		st := c.call("GET", "/nodes/"+node+"/tasks/"+url.PathEscape(upid)+"/status").body["data"].(map[string]any)
		if st["status"] == "stopped" {
			return st
		}
		time.Sleep(time.Millisecond)
	}
	c.t.Fatalf("task %s does not end", upid)
	return nil
}

// start makes a server for a test; zero times mean fast ones.
func start(t *testing.T, o Options) *Server {
	t.Helper()
	if o.TaskTime == 0 {
		o.TaskTime = time.Millisecond
	}
	for _, d := range []*time.Duration{&o.NodeDelay, &o.AuthDelay, &o.AgentDelay} {
		if *d == 0 {
			*d = -1
		}
	}
	if o.StatCycle == 0 {
		o.StatCycle = -1
	}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// field digs into an answer's data.
func field(v any, path ...string) any {
	for _, p := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[p]
	}
	return v
}

// text is a JSON scalar as a config file holds it.
func text(v any) string { return fmt.Sprint(v) }
