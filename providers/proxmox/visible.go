package proxmox

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"recon/inventory"
)

// What recon looks for in a token beside what changes ask (rights.go).
const (
	seeGuests = "VM.Audit"
	seeLog    = "Sys.Syslog"
)

// hidden says why guests may exist that the list does not show, nil when it is whole.
// Proxmox leaves out of its lists, without a word, what the token has no VM.Audit on.
func (r *reading) hidden(err error) error {
	if err != nil {
		return fmt.Errorf("what the token may see could not be read, so that the list of guests may be short: %w", err)
	}
	if path := r.view.permissions.blind(); path != "" {
		return r.lacks(path)
	}
	return nil
}

// sight is where the token sees guests.
func (p permissions) sight() inventory.Sight {
	s := inventory.Sight{}
	for _, path := range slices.Sorted(maps.Keys(p)) { // a path before what is below it
		if path != "/" && !strings.HasPrefix(path+"/", "/vms/") && !strings.HasPrefix(path+"/", "/pool/") {
			continue
		}
		reach := inventory.Nowhere
		if propagates, has := p[path][seeGuests]; has {
			reach = inventory.Here + inventory.Reach(min(propagates, 1))
		}
		if reach == inventory.Below && s.Sees(path) || reach == inventory.Nowhere && !s.Sees(path) {
			continue // as it is above it
		}
		s[path] = reach
	}
	return s
}

// lacks says that the token does not see what is below a path.
func (p *Provider) lacks(path string) error {
	return &inventory.PartialError{Account: p.client.token, Source: p.Name(), Lack: inventory.Lack{Privilege: seeGuests, Path: path}}
}

// blind names the path below which the token sees fewer guests than there are, "" when it
// sees them all. A path from which every right was taken is not listed, and is found out
// only when a guest there is declared; see missing.
func (p permissions) blind() string {
	if !p.has("/vms/0", seeGuests) {
		return "/vms"
	}
	for _, path := range slices.SortedFunc(maps.Keys(p), inventory.NaturalCompare) {
		if strings.HasPrefix(path, "/vms/") && !p.has(path, seeGuests) {
			return path
		}
	}
	return ""
}
