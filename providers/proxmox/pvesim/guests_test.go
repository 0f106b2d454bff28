package pvesim

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// TestParallelCreates sends four creates of one VMID: one wins.
func TestParallelCreates(t *testing.T) {
	s := start(t, Options{World: Single()})
	c := newClient(t, s)
	var wg sync.WaitGroup
	statuses := make([]int, 4)
	for i := range statuses {
		wg.Go(func() {
			a, err := c.do("POST", "/nodes/pve1/qemu", url.Values{"vmid": {"100"}})
			if err != nil {
				t.Error(err)
				return
			}
			statuses[i] = a.status
			if a.status == 500 && a.reason != "unable to create VM 100 - VM 100 already exists on node 'pve1'" {
				t.Errorf("reason %q", a.reason)
			}
		})
	}
	wg.Wait()
	sum := 0
	for _, st := range statuses {
		sum += st
	}
	if sum != 200+3*500 {
		t.Errorf("statuses %v, want one 200 and three 500", statuses)
	}
}

func TestCreateIsLocked(t *testing.T) {
	s := start(t, Options{World: Single(), TaskTime: 60_000_000})
	c := newClient(t, s)
	upid := c.call("POST", "/nodes/pve1/qemu", "vmid", "100", "name", "x").body["data"].(string)
	conf := c.ok("GET", "/nodes/pve1/qemu/100/config").(map[string]any)
	if conf["lock"] != "create" || len(conf) != 2 {
		t.Errorf("config while the create runs: %v", conf)
	}
	st := c.call("GET", "/nodes/pve1/tasks/"+upid+"/status").body["data"].(map[string]any)
	if st["status"] != "running" || st["exitstatus"] != nil {
		t.Errorf("status while it runs: %v", st)
	}
	active := c.ok("GET", "/nodes/pve1/tasks", "source", "active").([]any)
	if len(active) != 1 || field(active[0], "status") != "RUNNING" || field(active[0], "user") != "root@pam!recon" {
		t.Errorf("active tasks %v", active)
	}
	c.wait(upid)
	done := c.ok("GET", "/nodes/pve1/tasks").([]any)
	if len(done) != 1 || field(done[0], "status") != "OK" || field(done[0], "tokenid") != "recon" {
		t.Errorf("finished tasks %v", done)
	}
}

// TestPendingIsAppliedAtStop changes a running VM and stops it.
func TestPendingIsAppliedAtStop(t *testing.T) {
	s := start(t, Options{})
	c := newClient(t, s)
	const vm = "/nodes/node01/qemu/111"
	c.ok("PUT", vm+"/config", "cores", "6", "name", "media2")
	rows := rowsByKey(c.ok("GET", vm+"/pending"))
	if text(rows["cores"]["value"]) != "4" || text(rows["cores"]["pending"]) != "6" || rows["name"]["value"] != "media2" {
		t.Errorf("cores %v, name %v", rows["cores"], rows["name"])
	}
	c.ok("PUT", vm+"/config", "cores", "4")
	if rows := rowsByKey(c.ok("GET", vm+"/pending")); rows["cores"]["pending"] != nil {
		t.Errorf("setting the running value again leaves %v", rows["cores"])
	}
	c.ok("PUT", vm+"/config", "cores", "8", "delete", "description")
	c.ok("POST", vm+"/status/stop")
	rows = rowsByKey(c.ok("GET", vm+"/pending"))
	if text(rows["cores"]["value"]) != "8" || rows["cores"]["pending"] != nil {
		t.Errorf("after stop: %v", rows["cores"])
	}
}

func rowsByKey(data any) map[string]map[string]any {
	out := map[string]map[string]any{}
	for _, r := range data.([]any) {
		row := r.(map[string]any)
		out[row["key"].(string)] = row
	}
	return out
}

// TestHotplug covers what the recordings could not: a guest with an operating
// system lets go of its devices.
func TestHotplug(t *testing.T) {
	s := start(t, Options{})
	c := newClient(t, s)
	const vm = "/nodes/node01/qemu/111"
	c.ok("PUT", vm+"/config", "scsi1", "local-lvm:8", "net1", "virtio,bridge=vmbr0")
	c.ok("PUT", vm+"/config", "delete", "scsi1,net1")
	conf := c.ok("GET", vm+"/config").(map[string]any)
	if conf["unused0"] != "local-lvm:vm-111-disk-0" || conf["scsi1"] != nil || conf["net1"] != nil {
		t.Errorf("after unplugging: unused0=%v scsi1=%v net1=%v", conf["unused0"], conf["scsi1"], conf["net1"])
	}
	c.ok("PUT", vm+"/config", "scsi0", "VMDisks:111/vm-111-disk-0.qcow2,cache=writeback,discard=on,iothread=1")
	rows := rowsByKey(c.ok("GET", vm+"/pending"))
	if p := fmt.Sprint(rows["scsi0"]["pending"]); !strings.Contains(p, "cache=writeback") {
		t.Errorf("a cache mode must wait for a stop, got %v", rows["scsi0"])
	}
	c.ok("PUT", vm+"/config", "hotplug", "0", "net2", "virtio,bridge=vmbr0")
	if rows := rowsByKey(c.ok("GET", vm+"/pending")); rows["net2"]["pending"] == nil {
		t.Errorf("without hotplug a network waits, got %v", rows["net2"])
	}
}

func TestCloneAndTemplate(t *testing.T) {
	s := start(t, Options{})
	c := newClient(t, s)
	c.ok("POST", "/nodes/node01/qemu/9000/clone", "newid", "300", "name", "linked")
	c.ok("POST", "/nodes/node01/qemu/9000/clone", "newid", "301", "full", "1", "storage", "local-lvm", "target", "node01")
	linked := c.ok("GET", "/nodes/node01/qemu/300/config").(map[string]any)
	if got := linked["scsi0"]; got != "VMDisks:9000/base-9000-disk-0.qcow2/300/vm-300-disk-0.qcow2,discard=on,iothread=1,size=10G" {
		t.Errorf("linked clone's disk %v", got)
	}
	full := c.ok("GET", "/nodes/node01/qemu/301/config").(map[string]any)
	if full["scsi0"] != "local-lvm:vm-301-disk-0,discard=on,iothread=1,size=10G" || full["name"] != "Copy-of-VM-tpl-ubuntu-24.04" {
		t.Errorf("full clone: %v %v", full["scsi0"], full["name"])
	}
	if full["template"] != nil || full["smbios1"] == linked["smbios1"] || full["net0"] == linked["net0"] {
		t.Error("a clone must be a machine of its own")
	}
	upid := c.call("DELETE", "/nodes/node01/qemu/9000").body["data"].(string)
	if got := fmt.Sprint(c.wait(upid)["exitstatus"]); !strings.Contains(got, "still in use by linked cloned") {
		t.Errorf("destroying a base ended with %q", got)
	}
	if got := c.call("POST", "/nodes/node01/qemu/9000/status/start"); c.wait(got.body["data"].(string))["exitstatus"] != "you can't start a vm if it's a template" {
		t.Error("a template started")
	}
	c.ok("POST", "/nodes/node01/qemu/301/template")
	if got := field(c.ok("GET", "/nodes/node01/qemu/301/config"), "scsi0"); got != "local-lvm:base-301-disk-0,discard=on,iothread=1,size=10G" {
		t.Errorf("template's disk %v", got)
	}
}

func TestSnapshots(t *testing.T) {
	s := start(t, Options{})
	c := newClient(t, s)
	const vm = "/nodes/node02/qemu/106"
	c.ok("POST", vm+"/snapshot", "snapname", "before", "description", "x")
	c.ok("PUT", vm+"/config", "tags", "changed")
	c.ok("POST", vm+"/snapshot/before/rollback")
	conf := c.ok("GET", vm+"/config").(map[string]any)
	if conf["tags"] != "devops;docker" || conf["parent"] != "before" {
		t.Errorf("after the rollback: tags %v parent %v", conf["tags"], conf["parent"])
	}
	dup := c.call("POST", vm+"/snapshot", "snapname", "before").body["data"].(string)
	if got := c.wait(dup)["exitstatus"]; got != "snapshot name 'before' already used" {
		t.Errorf("second snapshot of the name: %v", got)
	}
	if a := c.call("POST", vm+"/snapshot", "snapname", "s"); a.status != 400 {
		t.Errorf("a name of one letter: %d", a.status)
	}
	c.ok("DELETE", vm+"/snapshot/before")
	if rows := c.ok("GET", vm+"/snapshot").([]any); len(rows) != 1 {
		t.Errorf("snapshots %v", rows)
	}
}

func TestMigrate(t *testing.T) {
	s := start(t, Options{})
	c := newClient(t, s)
	c.ok("POST", "/nodes/node03/qemu/121/migrate", "target", "node01")
	if a := c.call("GET", "/nodes/node03/qemu/121/config"); a.reason != "Configuration file 'nodes/node03/qemu-server/121.conf' does not exist" {
		t.Errorf("at the old node: %d %s", a.status, a.reason)
	}
	c.ok("GET", "/nodes/node01/qemu/121/config")
	if v := s.World(); v.volume("local-lvm:vm-121-disk-1").Node != "node01" {
		t.Error("the local disk stayed behind")
	}
}

func TestMoveAndResize(t *testing.T) {
	s := start(t, Options{})
	c := newClient(t, s)
	const vm = "/nodes/node02/qemu/106"
	c.ok("POST", vm+"/move_disk", "disk", "scsi0", "storage", "local-lvm", "delete", "1")
	c.ok("PUT", vm+"/resize", "disk", "scsi0", "size", "+10G")
	if got := field(c.ok("GET", vm+"/config"), "scsi0"); got != "local-lvm:vm-106-disk-0,discard=on,iothread=1,size=30G" {
		t.Errorf("scsi0 = %v", got)
	}
	content := c.ok("GET", "/nodes/node02/storage/VMDisks/content", "vmid", "106").([]any)
	if len(content) != 0 {
		t.Errorf("the old volume is still there: %v", content)
	}
	if got := s.Stats().Effects; got["resize 106"] != 1 {
		t.Errorf("effects %v", got)
	}
}

func TestHA(t *testing.T) {
	s := start(t, Options{})
	c := newClient(t, s)
	c.ok("POST", "/cluster/ha/resources", "sid", "vm:121", "state", "stopped")
	c.ok("POST", "/nodes/node03/qemu/121/status/start")
	tasks := c.ok("GET", "/nodes/node03/tasks", "source", "all", "vmid", "121").([]any)
	if typ := field(tasks[len(tasks)-1], "type"); typ != "hastart" {
		t.Errorf("an HA guest is started by %v", typ)
	}
	a := c.call("DELETE", "/nodes/node03/qemu/121")
	if a.status != 500 {
		t.Errorf("destroying a running HA guest: %d", a.status)
	}
}

func TestAgent(t *testing.T) {
	s := start(t, Options{})
	c := newClient(t, s)
	for path, want := range map[string]string{
		"/nodes/node03/qemu/121/agent/ping": "VM 121 is not running",
		"/nodes/node03/qemu/120/agent/ping": "",
	} {
		a := c.call("POST", path)
		if want == "" && a.status != 200 || want != "" && a.reason != want {
			t.Errorf("%s: %d %q, want %q", path, a.status, a.reason, want)
		}
	}
	data := c.ok("GET", "/nodes/node02/qemu/106/agent/network-get-interfaces")
	raw, err := json.Marshal(data)
	if err != nil || !strings.Contains(string(raw), `"192.168.40.23"`) {
		t.Errorf("interfaces %s", raw)
	}
	s.Update(func(w *World) { w.Guests[0].Addresses = nil })
	if a := c.call("GET", "/nodes/node02/qemu/106/agent/info"); a.reason != "QEMU guest agent is not running" {
		t.Errorf("dead agent: %q", a.reason)
	}
}

// TestUpdateBehindTheBack changes the world as an administrator would.
func TestUpdateBehindTheBack(t *testing.T) {
	s := start(t, Options{})
	c := newClient(t, s)
	const path = "/nodes/node02/qemu/106/config"
	before := field(c.ok("GET", path), "digest")
	s.Update(func(w *World) {
		for _, g := range w.Guests {
			if g.VMID == 106 {
				g.Config["memory"] = "4096"
				g.Running = false
			}
		}
	})
	after := c.ok("GET", path)
	if field(after, "digest") == before || field(after, "memory") != "4096" {
		t.Errorf("after the update: %v", after)
	}
	if a := c.call("PUT", path, "cores", "2", "digest", before.(string)); a.reason != "checksum mismatch (file change by other user?)" {
		t.Errorf("stale digest: %d %q", a.status, a.reason)
	}
}
