package web

import (
	"strings"
	"testing"

	"recon/cmd/recon/internal/api"
)

// TestTies: the page of a thing says what happens to others while it restarts, what it needs
// itself, each by what that is known, and what is not known.
func TestTies(t *testing.T) {
	s := newSite(t, api.Page{})
	h := s.handler()
	s.run()
	page := func(path string) string { return ask(h, "GET", path).Body.String() }
	pihole := page("/things/lxc.pihole")
	for _, want := range []string{
		"What hangs on it", "While it restarts:", "Loses names", "192.168.90.53 is server 1 of 1",
		"It needs", "runs on node.node01", "recon graph impact lxc.pihole", "what runs in lxc.pihole: there is no host block for them",
	} {
		if !strings.Contains(pihole, want) {
			t.Errorf("the page of the name server does not say %q", want)
		}
	}
	if media := page("/things/vm.media"); !strings.Contains(media, "Nothing is known to need it.") {
		t.Error("the page of what nothing needs does not say so")
	}
	if gone := page("/things/lxc.gone"); strings.Contains(gone, "What hangs on it") {
		t.Error("something hangs on what is not there")
	}
}
