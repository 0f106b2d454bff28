package main

import (
	"net/url"
	"sync"
	"testing"

	"recon/providers/proxmox/pvesim/schemacheck"
)

// checkers are loaded once a version: the schema is large.
var checkers sync.Map

// conforming returns a hook that fails the test on a request outside the official
// schema of the version played. Without the schema it checks nothing; the schema
// is data that is not part of this repository.
func conforming(t *testing.T, pve string) func(method, path string, params url.Values) {
	if pve == "" {
		pve = "9.2"
	}
	load := func() (*schemacheck.Checker, error) {
		if c, ok := checkers.Load(pve); ok {
			return c.(*schemacheck.Checker), nil
		}
		dir, err := schemacheck.Find()
		if err != nil {
			return nil, err
		}
		c, err := schemacheck.Load(dir, pve)
		if err == nil {
			checkers.Store(pve, c)
		}
		return c, err
	}
	c, err := load()
	if err != nil {
		t.Logf("requests are not held against Proxmox's schema: %v", err)
		return nil
	}
	return func(method, path string, params url.Values) {
		if err := c.Check(method, path, params); err != nil {
			t.Errorf("request outside the schema: %s %s %v: %v", method, path, params, err)
		}
	}
}
