package pvesim

import (
	"maps"
	"slices"
	"strings"
)

// storageProps are the options of storages beyond the ones with fields.
func storageProps() string {
	return `blocksize bwlimit comstar_hg comstar_tg content-dirs create-base-path:b create-subdirs:b data-pool domain encryption-key fingerprint
 format(raw|qcow2|subvol|vmdk) fs-name fuse:b is_mountpoint keyring krbd:b lio_tpg master-pubkey max-protected-backups:i mkdir:b monhost mountpoint
 namespace nocow:b nowritecache:b options password pool port:i>=1<=65535 preallocation(off|metadata|falloc|full) prune-backups saferemove:b
 saferemove_throughput server skip-cert-verification:b smbversion snapshot-as-volume-chain:b sparse:b subdir tagged_only:b username zfs-base-path`
}

// storageFixed are the options that only a create takes.
func storageFixed() string {
	return " authsupported base datastore export iscsiprovider path portal share target thinpool vgname"
}

func storageRoutes(t *routeTable) {
	alloc := perm("/storage", "Datastore.Allocate")
	t.add("GET", "/storage", "type", nil, listStorage)
	t.add("POST", "/storage", "storage!@storage type! content disable:b nodes@nodelist shared:b "+storageProps()+storageFixed(), alloc, addStorage)
	t.add("GET", "/storage/{storage}", "", perm("/storage/{storage}", "Datastore.Allocate"), getStorage)
	t.add("PUT", "/storage/{storage}", "content delete@idlist digest~64 disable:b nodes@nodelist shared:b "+storageProps(), alloc, setStorage)
	t.add("DELETE", "/storage/{storage}", "", alloc, removeStorage)
	n := "/nodes/{node}/storage"
	see := perm("/storage/{storage}", "Datastore.Audit", "Datastore.AllocateSpace")
	t.add("GET", n, "content enabled:b format:b storage@storage target@node", nil, nodeStorage)
	t.add("GET", n+"/{storage}", "", see, index("content", "status", "rrddata", "upload", "download-url"))
	t.add("GET", n+"/{storage}/status", "", see, storageStatus)
	t.add("GET", n+"/{storage}/rrddata", "timeframe!(hour|day|week|month|year|decade) cf(AVERAGE|MAX)", see, storageRRD)
}

// show is a section of storage.cfg.
func (st *Storage) show() obj {
	o := obj{"storage": st.ID, "type": st.Type, "content": joinComma(shuffledCopy(st.Content)), "digest": st.digest()}
	for k, v := range st.Props {
		o[k] = v
		switch k {
		case "sparse", "krbd", "mkdir", "saferemove", "disable", "port", "max-protected-backups", "create-base-path", "create-subdirs", "nocow", "fuse", "tagged_only",
			"skip-cert-verification", "snapshot-as-volume-chain":
			o[k] = number(v)
		}
	}
	if st.Shared && !st.Builtin {
		o["shared"] = 1
	}
	if len(st.Nodes) > 0 {
		o["nodes"] = joinComma(st.Nodes)
	}
	if st.Disable {
		o["disable"] = 1
	}
	if st.Builtin {
		o["priority"] = 0
	}
	return o
}

// digest of storage.cfg; the file does not exist while only the built-in
// storage is there.
func (st *Storage) digest() string {
	if st.Builtin {
		return "da39a3ee5e6b4b0d3255bfef95601890afd80709"
	}
	rec := maps.Clone(st.Props)
	if rec == nil {
		rec = map[string]string{}
	}
	rec["content"], rec["nodes"] = joinComma(st.Content), joinComma(st.Nodes)
	return digestOf(rec)
}

func listStorage(c *call) (any, error) {
	rows := []obj{}
	for _, st := range c.s.world.Storages {
		if (c.p["type"] == "" || c.p["type"] == st.Type) && c.may("/storage/"+st.ID, "Datastore.Audit", "Datastore.AllocateSpace") {
			rows = append(rows, st.show())
		}
	}
	return shuffle(rows), nil
}

func (c *call) storageOf() (*Storage, error) {
	st := c.s.world.storage(c.uri["storage"])
	if st == nil {
		return nil, die("storage '%s' does not exist", c.uri["storage"])
	}
	return st, nil
}

func getStorage(c *call) (any, error) {
	st, err := c.storageOf()
	if err != nil {
		return nil, err
	}
	return st.show(), nil
}

// take copies the parameters of a request into a storage.
func (st *Storage) take(p map[string]string) {
	if st.Props == nil {
		st.Props = map[string]string{}
	}
	for k, v := range p {
		switch k {
		case "storage", "type", "delete", "digest":
		case "content":
			st.Content = splitList(v)
		case "nodes":
			st.Nodes = splitList(v)
		case "shared":
			st.Shared = v == "1"
		case "disable":
			st.Disable = v == "1"
		case "password", "encryption-key":
			// kept outside storage.cfg
		default:
			st.Props[k] = v
		}
	}
}

func addStorage(c *call) (any, error) {
	id := c.p["storage"]
	if c.s.world.storage(id) != nil {
		return nil, die("create storage failed: storage ID '%s' already defined", id)
	}
	if err := c.cfsLock("create storage failed:", "file-storage_cfg"); err != nil {
		return nil, err
	}
	st := &Storage{ID: id, Type: c.p["type"], Size: 250 << 30}
	st.take(c.p)
	switch st.Type {
	case "nfs", "cifs", "cephfs", "rbd", "pbs", "iscsi", "iscsidirect", "glusterfs":
		st.Shared = true
	}
	if len(st.Content) == 0 {
		st.Content = []string{"images", "rootdir"}
	}
	c.s.world.Storages = append(c.s.world.Storages, st)
	c.s.dirty()
	return obj{"storage": id, "type": st.Type}, nil
}

func setStorage(c *call) (any, error) {
	st, err := c.storageOf()
	if err != nil {
		return nil, err
	}
	if d := c.p["digest"]; d != "" && d != st.digest() {
		return nil, die("detected modified configuration - file changed by other user? Try again.")
	}
	if err := c.cfsLock("update storage failed:", "file-storage_cfg"); err != nil {
		return nil, err
	}
	for _, k := range splitList(c.p["delete"]) {
		delete(st.Props, k)
		switch k {
		case "nodes":
			st.Nodes = nil
		case "disable":
			st.Disable = false
		case "shared":
			st.Shared = false
		}
	}
	st.take(c.p)
	st.Builtin = false
	c.s.dirty()
	return obj{"storage": st.ID, "type": st.Type}, nil
}

func removeStorage(c *call) (any, error) {
	st, err := c.storageOf()
	if err != nil {
		return nil, err
	}
	if err := c.cfsLock("delete storage failed:", "file-storage_cfg"); err != nil {
		return nil, err
	}
	c.s.world.Storages = slices.DeleteFunc(c.s.world.Storages, func(s *Storage) bool { return s == st })
	c.s.dirty()
	return nil, nil
}

// statusOf is a storage as a node sees it.
func (c *call) statusOf(st *Storage, node string) obj {
	used := c.s.used(st, node)
	o := obj{
		"type": st.Type, "content": joinComma(shuffledCopy(st.Content)), "shared": yes(st.Shared), "enabled": yes(!st.Disable), "active": yes(!st.Disable),
		"total": st.Size, "used": used, "avail": st.Size - used,
	}
	if st.Disable {
		o["total"], o["used"], o["avail"] = 0, 0, 0
	}
	return o
}

func nodeStorage(c *call) (any, error) {
	rows := []obj{}
	for _, st := range c.s.world.Storages {
		if len(st.Nodes) > 0 && !slices.Contains(st.Nodes, c.node()) || !c.may("/storage/"+st.ID, "Datastore.Audit", "Datastore.AllocateSpace") {
			continue
		}
		if id := c.p["storage"]; id != "" && id != st.ID || c.flag("enabled") && st.Disable {
			continue
		}
		if want := splitList(c.p["content"]); len(want) > 0 && !slices.ContainsFunc(want, st.holds) {
			continue
		}
		o := c.statusOf(st, c.node())
		o["storage"] = st.ID
		if st.Size > 0 {
			o["used_fraction"] = float64(c.s.used(st, c.node())) / float64(st.Size)
		}
		rows = append(rows, o)
	}
	return shuffle(rows), nil
}

func storageStatus(c *call) (any, error) {
	st, err := c.storageOf()
	if err != nil {
		return nil, err
	}
	if !st.on(c.node()) && !st.Disable {
		return nil, die("storage '%s' is not available on node '%s'", st.ID, c.node())
	}
	return c.statusOf(st, c.node()), nil
}

func storageRRD(c *call) (any, error) {
	st, err := c.storageOf()
	if err != nil {
		return nil, err
	}
	used := c.s.used(st, c.node())
	return history(c.p["timeframe"], func() obj { return obj{"total": st.Size, "used": used} }), nil
}

// volumeID is the volume of the path: with or without its storage.
func (c *call) volumeID() string {
	id := unescapePath(c.uri["volume"])
	if !strings.Contains(id, ":") {
		id = c.uri["storage"] + ":" + id
	}
	return id
}
