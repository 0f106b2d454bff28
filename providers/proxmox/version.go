package proxmox

import (
	"cmp"
	"strconv"
	"strings"

	"recon/inventory"
)

// tooNew blocks an attribute that the Proxmox of the guest's node does not have: it
// would refuse the key, and all others of the call with it.
func (b *stepBuilder) tooNew(f *inventory.FieldChange) bool {
	if f.Attr.Since == "" {
		return false
	}
	node := nodeOf(b.base)
	has := cmp.Or(b.v.around.version(b.ctx, node), b.v.version)
	if has == "" || !olderThan(has, f.Attr.Since) {
		return false
	}
	b.block("version", "%s needs Proxmox VE %s, and %s has %s", f.Path, f.Attr.Since, cmp.Or(node, "the cluster"), has)
	return true
}

// olderThan compares versions number by number: 9.2.11 is newer than 9.2.9, and 9.1.6
// is not older than 9.1.
func olderThan(have, want string) bool {
	x, y := strings.Split(have, "."), strings.Split(want, ".")
	for i := range y {
		a, b := 0, 0
		if i < len(x) {
			a, _ = strconv.Atoi(x[i])
		}
		b, _ = strconv.Atoi(y[i])
		if a != b {
			return a < b
		}
	}
	return false
}
