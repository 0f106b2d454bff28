package pvesim

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// fileBased tells whether a storage keeps volumes as files in folders.
func (st *Storage) fileBased() bool {
	switch st.Type {
	case "dir", "nfs", "cifs", "cephfs", "glusterfs", "btrfs":
		return true
	}
	return false
}

// on tells whether a node has the storage.
func (st *Storage) on(node string) bool {
	return !st.Disable && (len(st.Nodes) == 0 || slices.Contains(st.Nodes, node))
}

func (st *Storage) holds(content string) bool { return slices.Contains(st.Content, content) }

// usable finds a storage for a content type on a node, with PVE's errors.
func (s *Server) usable(id, node, content string) (*Storage, error) {
	st := s.world.storage(id)
	switch {
	case st == nil:
		return nil, die("storage '%s' does not exist", id)
	case st.Disable:
		return nil, die("storage '%s' is disabled", id)
	case !st.on(node):
		return nil, die("storage '%s' is not available on node '%s'", id, node)
	case content != "" && !st.holds(content):
		return nil, die("storage '%s' does not support content-type '%s'", id, content)
	}
	return st, nil
}

// exists finds a volume that a node can reach.
func (s *Server) exists(id, node string) (*Volume, error) {
	// A local storage may hold a file of the same name on every node.
	i := slices.IndexFunc(s.world.Volumes, func(v *Volume) bool { return v.ID == id && (v.Node == "" || v.Node == node) })
	if i < 0 {
		storage, name, _ := strings.Cut(id, ":")
		st, err := s.usable(storage, node, "")
		switch {
		case err != nil:
			return nil, err
		case st.fileBased() && !fileName.MatchString(name):
			return nil, die("unable to parse directory volume name '%s'", name)
		}
		return nil, die("volume '%s' does not exist", id)
	}
	return s.world.Volumes[i], nil
}

// fileName is the form of a volume's name on a storage of files.
var fileName = regexp.MustCompile(`(?i)^(?:iso/[^/]+\.(?:iso|img)|vztmpl/[^/]+\.tar(?:\.(?:gz|xz|zst|bz2))?|rootdir/\d+|(?:backup|snippets|import)/[^/]+|(?:\d+/[^/]+/)?\d+/[^/]+)$`)

// allocSpec says what volume to make.
type allocSpec struct {
	storage, node, kind string
	vmid                int
	size                int64
	format              string
	name                string // instead of vm-N-disk-M
	parent              string // base volume of a linked clone
}

// allocate makes a volume. The lock is held.
func (s *Server) allocate(a allocSpec) (*Volume, error) {
	content := "images"
	if a.kind == "lxc" {
		content = "rootdir"
	}
	st, err := s.usable(a.storage, a.node, content)
	if err != nil {
		return nil, err
	}
	v := &Volume{Content: content, Size: a.size, VMID: a.vmid, CTime: time.Now().Unix(), Format: orElse(a.format, "raw"), Parent: a.parent}
	if !st.fileBased() {
		v.Format = "raw"
	}
	if st.Type == "zfspool" && a.kind == "lxc" {
		v.Format = "subvol"
	}
	if !st.Shared {
		v.Node = a.node
	}
	if used := s.used(st, a.node); st.Type == "lvm" && used+a.size > st.Size { // others give room as it is filled
		return nil, die("unable to create image: not enough free space on storage '%s'", st.ID)
	}
	v.ID = s.freeName(st, v, a)
	s.world.Volumes = append(s.world.Volumes, v)
	return v, nil
}

// freeName finds the first name that is free on the storage.
func (s *Server) freeName(st *Storage, v *Volume, a allocSpec) string {
	prefix := "vm"
	if v.Format == "subvol" {
		prefix = "subvol"
	}
	build := func(base string) string {
		name := base
		if st.fileBased() {
			name = itoa(a.vmid) + "/" + base
			if v.Format != "subvol" {
				name += "." + v.Format
			}
		}
		if a.parent != "" {
			_, parent, _ := strings.Cut(a.parent, ":")
			name = parent + "/" + name
		}
		return st.ID + ":" + name
	}
	if a.name != "" {
		return build(a.name)
	}
	for i := 0; ; i++ {
		base := fmt.Sprintf("%s-%d-disk-%d", prefix, a.vmid, i)
		if !s.nameTaken(st.ID, base) {
			return build(base)
		}
	}
}

// nameTaken looks for a volume of the name in any format and folder.
func (s *Server) nameTaken(storage, base string) bool {
	re := regexp.MustCompile(`[:/]` + regexp.QuoteMeta(base) + `(?:\.\w+)?$`)
	return slices.ContainsFunc(s.world.Volumes, func(v *Volume) bool { return v.storage() == storage && re.MatchString(v.ID) })
}

// used sums the sizes of the volumes on a storage as one node sees it.
func (s *Server) used(st *Storage, node string) int64 {
	var n int64
	for _, v := range s.world.Volumes {
		if v.storage() == st.ID && (v.Node == "" || v.Node == node) {
			n += v.Size
		}
	}
	return n
}

// free removes a volume for good.
func (s *Server) free(id string) {
	s.world.Volumes = slices.DeleteFunc(s.world.Volumes, func(v *Volume) bool { return v.ID == id })
}

// children tells whether linked clones hang on a volume.
func (s *Server) children(id string) *Volume {
	for _, v := range s.world.Volumes {
		if v.Parent == id {
			return v
		}
	}
	return nil
}

// volumes lists every volume that a guest's config names, by key.
func (m *machine) volumes() map[string]string {
	out := map[string]string{}
	for k, v := range m.Config {
		if vol, _ := diskParts(m.Kind, k, v); vol != "" {
			out[k] = vol
		}
	}
	return out
}

// owned tells whether a volume is a disk of the guest itself.
func (m *machine) owned(s *Server, id string) bool {
	v := s.world.volume(id)
	return v != nil && v.VMID == m.VMID && (v.Content == "images" || v.Content == "rootdir")
}

// inUse tells whether another key, pending change or snapshot names a volume.
func (m *machine) inUse(id, except string) bool {
	names := func(conf map[string]string, skip string) bool {
		for k, v := range conf {
			if vol, _ := diskParts(m.Kind, k, v); vol == id && k != skip {
				return true
			}
		}
		return false
	}
	if names(m.Config, except) || names(m.Pending, "") {
		return true
	}
	return slices.ContainsFunc(m.Snapshots, func(sn *Snapshot) bool { return names(sn.Config, "") })
}

// addUnused keeps a volume that nothing uses any more as unusedN.
func (m *machine) addUnused(s *Server, id string) {
	if id == "" || !m.owned(s, id) || m.inUse(id, "") {
		return
	}
	if strings.Contains(id, "-cloudinit") {
		s.free(id)
		return
	}
	for i := range 256 {
		key := "unused" + itoa(i)
		if _, taken := m.Config[key]; !taken {
			m.Config[key] = id
			return
		}
	}
}

// dropUnused forgets the unusedN of a volume that is attached again.
func (m *machine) dropUnused(id string) {
	for k, v := range m.Config {
		if strings.HasPrefix(k, "unused") && v == id {
			delete(m.Config, k)
		}
	}
}

// newDisk is STORAGE:SIZE, the request for a new volume, size in GiB. A VM's is rounded
// up to KiB (PVE::Tools::convert_size), a container's cut to MiB (PVE/LXC.pm).
func newDisk(vol, kind string) (storage string, size int64, ok bool) {
	storage, num, found := strings.Cut(vol, ":")
	f, err := strconv.ParseFloat(num, 64)
	if !found || err != nil || f < 0 {
		return "", 0, false
	}
	if kind == "lxc" {
		return storage, int64(f*1024) << 20, true
	}
	return storage, int64(math.Ceil(f*(1<<20))) << 10, true
}
