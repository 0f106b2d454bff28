package schemacheck

import (
	"net/url"
	"sync"
)

// A TB is the part of testing.TB that Hook needs; the package stays free of testing.
type TB interface {
	Helper()
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
}

// A Cache keeps loaded schemas, which are large.
type Cache struct {
	mu       sync.Mutex
	checkers map[string]*Checker
}

// Hook returns a function for Options.OnRequest of the simulator that fails the
// test on a request outside the official schema of the release ("" is 9.2).
// Without the schema, which is no part of this repository, it says so and returns
// nil.
func (c *Cache) Hook(t TB, pve string) func(method, path string, params url.Values) {
	t.Helper()
	if pve == "" {
		pve = "9.2"
	}
	checker, err := c.load(pve)
	if err != nil {
		t.Logf("requests are not held against Proxmox's schema: %v", err)
		return nil
	}
	return func(method, path string, params url.Values) {
		if err := checker.Check(method, path, params); err != nil {
			t.Errorf("request outside the schema: %s %s %v: %v", method, path, params, err)
		}
	}
}

func (c *Cache) load(pve string) (*Checker, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if have := c.checkers[pve]; have != nil {
		return have, nil
	}
	dir, err := Find()
	if err != nil {
		return nil, err
	}
	checker, err := Load(dir, pve)
	if err != nil {
		return nil, err
	}
	if c.checkers == nil {
		c.checkers = map[string]*Checker{}
	}
	c.checkers[pve] = checker
	return checker, nil
}
