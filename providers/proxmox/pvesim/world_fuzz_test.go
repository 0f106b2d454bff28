package pvesim

import (
	"encoding/json"
	"testing"
)

// FuzzWorld reads world files, which people write by hand: whatever is in them, a
// server either refuses them with words or serves them.
func FuzzWorld(f *testing.F) {
	for _, w := range []*World{Single(), Home(), Generate(4, 1)} {
		body, err := json.Marshal(w)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	f.Add([]byte(`{"nodes":[{"name":"a","online":true}],"guests":[{"vmid":100,"kind":"qemu","node":"a","config":{"scsi0":"x:1"}}]}`))
	f.Add([]byte(`{"nodes":[null],"guests":[null],"storages":[null]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		w, err := parseWorld("fuzz", body)
		if err != nil {
			return
		}
		if _, err := w.clone(); err != nil {
			t.Errorf("a world that is valid cannot be copied: %v", err)
		}
		s := newServer(Options{World: w})
		defer s.cancel()
		s.adopt(w)
	})
}
