package pvesim

// Single is one node pve1 without guests: the directory storage local with a
// container template, and the bridge vmbr0.
func Single() *World {
	return &World{
		Nodes:    []*Node{{Name: "pve1", Address: "10.99.0.11", Online: true, CPUs: 2, Memory: 25276514304}},
		Storages: []*Storage{localStorage()},
		Volumes:  []*Volume{{ID: "local:vztmpl/tiny.tar.gz", Content: "vztmpl", Format: "tgz", Size: 1111817, CTime: 1795488707, Node: "pve1"}},
	}
}

// localStorage is what every installation begins with.
func localStorage() *Storage {
	return &Storage{ID: "local", Type: "dir", Content: []string{"images", "rootdir", "vztmpl", "iso", "backup", "snippets"}, Size: 270553174016, Builtin: true,
		Props: map[string]string{"path": "/var/lib/vz", "prune-backups": "keep-all=1"}}
}

// Home is the world of the demo.
func Home() *World { return Single() }
