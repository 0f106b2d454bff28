package inventory

import (
	"time"

	"github.com/zclconf/go-cty/cty"
)

// KeptPrefix begins the names of snapshots that recon takes.
const KeptPrefix = "recon-"

// KeptName is the name of the snapshots that a run takes.
func KeptName(run time.Time) string { return KeptPrefix + run.UTC().Format("20060102-150405") }

// A Kept is a snapshot that recon has taken of a resource before a change that cannot be
// taken back, and that is still there.
type Kept struct {
	Name   string
	Before string // the fields that were changed after it
	At     time.Time
}

// NoWayBack reports a change that no other change of the manifest undoes: a volume does
// not shrink again, and one that was taken out stays with Proxmox as unused.
func (k *Kind) NoWayBack(p Path, live, desired cty.Value) bool {
	attr, block, _ := k.Lookup(p)
	switch {
	case attr == nil || block == nil:
		return false
	case attr.Wire == WireAbsent:
		return True(desired) && block.Wired(WireStorage) != nil
	}
	return attr.Wire == WireSize && !IsNull(live) && !IsNull(desired)
}
