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
