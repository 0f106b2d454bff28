package pvesim

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

func backupTable() string {
	return `all:b bwlimit:i>=0 compress(0|1|gzip|lzo|zstd) dumpdir exclude exclude-path:a fleecing ionice:i>=0<=8 lockwait:i>=0
 mailnotification(always|failure) mailto mode(snapshot|suspend|stop) node notes-template notification-mode(auto|legacy-sendmail|notification-system)
 pbs-change-detection-mode(legacy|data|metadata) performance pigz:i pool protected:b prune-backups quiet:b remove:b script stdexcludes:b stop:b
 stopwait:i>=0 storage@storage tmpdir vmid zstd:i`
}

func backupRoutes(t *routeTable) {
	audit, modify := perm("/", "Sys.Audit"), perm("/", "Sys.Modify")
	recordRoutes{
		path: "/cluster/backup", id: "id", params: backupTable() + " comment enabled:b schedule starttime dow repeat-missed:b", what: "backup",
		list: func(w *World) *[]Record { return &w.Backups }, read: audit, write: modify, auto: true,
	}.add(t)
	t.add("GET", "/cluster/backup-info/not-backed-up", "", audit, notBackedUp)
	recordRoutes{
		path: "/cluster/replication", id: "id", params: "comment disable:b rate:n>=1 remove_job(local|full) schedule source", fixed: "target! type!(local)", what: "replication", change: "digest~64", drop: "force:b keep:b",
		list: func(w *World) *[]Record { return &w.Replication }, read: nil, write: perm("/", "Datastore.Allocate"),
	}.add(t)
	table := strings.ReplaceAll(backupTable(), " node ", " ")
	t.add("POST", "/nodes/{node}/vzdump", table+" job-id stdout:b", nil, vzdump)
	t.add("GET", "/nodes/{node}/vzdump/defaults", "storage@storage", nil, func(*call) (any, error) {
		return obj{"mode": "snapshot", "compress": "0", "prune-backups": "keep-all=1"}, nil
	})
	t.add("GET", "/nodes/{node}/vzdump/extractconfig", "volume!", perm("/", "Datastore.AllocateSpace"), extractConfig)
}

// notBackedUp lists the guests that no job covers.
func notBackedUp(c *call) (any, error) {
	rows := []obj{}
	for _, m := range c.s.sorted() {
		covered := slices.ContainsFunc(c.s.world.Backups, func(j Record) bool {
			return j["all"] == "1" && !contains(splitList(j["exclude"]), itoa(m.VMID)) || contains(splitList(j["vmid"]), itoa(m.VMID)) || j["pool"] != "" && j["pool"] == m.Pool
		})
		if !covered {
			rows = append(rows, obj{"vmid": m.VMID, "name": m.name(), "type": m.Kind})
		}
	}
	return rows, nil
}

// vzdump backs guests of the node up. They are locked while it runs.
func vzdump(c *call) (any, error) {
	var which []*machine
	for _, m := range c.s.sorted() {
		if m.Node == c.node() && (contains(splitList(c.p["vmid"]), itoa(m.VMID)) || c.flag("all") || c.p["pool"] != "" && m.Pool == c.p["pool"]) {
			if err := c.check("/vms/"+itoa(m.VMID), "VM.Backup"); err != nil {
				return nil, err
			}
			which = append(which, m)
		}
	}
	st := orElse(c.p["storage"], "local")
	if _, err := c.s.usable(st, c.node(), "backup"); err != nil {
		return nil, err
	}
	if len(which) == 0 && !c.flag("all") {
		return nil, badParam("vmid", "property is missing and it is not optional")
	}
	id := ""
	if len(which) == 1 {
		id = itoa(which[0].VMID)
	}
	var locked []*machine
	for _, m := range which {
		if m.Lock == "" {
			m.Lock = "backup"
			c.changed(m)
			locked = append(locked, m)
		}
	}
	return c.start(c.node(), "vzdump", id, func(t *task) error {
		for _, m := range locked {
			m.Lock = ""
			c.changed(m)
			c.dump(m, st, t)
		}
		if len(locked) < len(which) {
			return die("job errors")
		}
		return nil
	}), nil
}

// dump writes one archive.
func (c *call) dump(m *machine, storage string, t *task) {
	ext := map[string]string{"qemu": "vma.zst", "lxc": "tar.zst"}[m.Kind]
	id := fmt.Sprintf("%s:backup/vzdump-%s-%d-%s.%s", storage, m.Kind, m.VMID, time.Now().Format("2006_01_02-15_04_05"), ext)
	v := &Volume{ID: id, Content: "backup", Format: ext, Size: max(m.maxDisk()/10, 1<<20), VMID: m.VMID, CTime: time.Now().Unix(), Notes: m.name(), Backup: maps.Clone(m.Config)}
	if st := c.s.world.storage(storage); !st.Shared {
		v.Node = m.Node
	}
	c.s.world.Volumes = append(c.s.world.Volumes, v)
	t.logf("INFO: creating vzdump archive '%s'", id)
}

func extractConfig(c *call) (any, error) {
	v, err := c.s.exists(c.p["volume"], c.node())
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	writeSection(&b, v.Backup)
	return b.String(), nil
}
