package pvesim

import (
	"net/url"
	"sync"
	"testing"

	"recon/providers/proxmox/pvesim/schemacheck"
)

// seenRequests collects, for a test, what the official schema says against
// the requests that it sent.
type seenRequests struct {
	sync.Mutex
	bad []string
}

// schemaHook checks every request of a test against the official schema.
// Requests that the server itself refuses with 400 or 501 are wrong on
// purpose; the caller compares.
func schemaHook(t *testing.T, release string) (func(string, string, url.Values), *seenRequests) {
	t.Helper()
	seen := &seenRequests{}
	dir, err := schemacheck.Find()
	if err != nil {
		t.Logf("requests are not checked: %v", err)
		return nil, seen
	}
	c, err := schemacheck.Load(dir, release)
	if err != nil {
		t.Fatal(err)
	}
	return func(method, path string, params url.Values) {
		if err := c.Check(method, path, params); err != nil {
			seen.Lock()
			defer seen.Unlock()
			seen.bad = append(seen.bad, err.Error())
		}
	}, seen
}

// take returns the complaints since the last call.
func (s *seenRequests) take() []string {
	s.Lock()
	defer s.Unlock()
	out := s.bad
	s.bad = nil
	return out
}
