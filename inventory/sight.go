package inventory

import (
	"path"
	"strconv"
)

// A Sight says where an account may see guests: the paths on which that is set, and
// whether they are seen there alone, below as well, or not at all. One that is nil has no
// limits.
type Sight map[string]Reach

// A Reach is how far a privilege goes from the path that it is given on.
type Reach int8

// The reaches.
const (
	Nowhere Reach = iota
	Here
	Below
)

// Sees reports whether what stands at a path is seen.
func (s Sight) Sees(at string) bool {
	for from := at; ; from = path.Dir(from) {
		if reach, ok := s[from]; ok {
			return reach == Below || reach == Here && from == at
		}
		if from == "/" || from == "." {
			return false
		}
	}
}

// Shows reports whether a guest that is there would be seen: by its number, or with its
// pool.
func (s Sight) Shows(r *Resource) bool {
	pool := Text(r.Attrs["pool"])
	return s == nil || s.Sees("/vms/"+strconv.Itoa(VMID(r.Identity))) || pool != "" && s.Sees("/pool/"+pool)
}
