package pvesim

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// A refusal is a call that PVE refuses, with its text: at once, or at the end of its task.
type refusal struct {
	name  string
	setup func(w *World)
	call  string // METHOD PATH below the guest, and parameters
	says  string // 500 with this reason; "400 parameter: text"; "task: how it ends"
}

// guestIn changes one guest of the world.
func guestIn(vmid int, change func(g *Guest)) func(*World) {
	return func(w *World) {
		for _, g := range w.Guests {
			if g.VMID == vmid {
				change(g)
			}
		}
	}
}

func snapped(g *Guest) {
	g.Snapshots = append(g.Snapshots, &Snapshot{Name: "one", Config: map[string]string{"scsi0": g.Config["scsi0"], "rootfs": g.Config["rootfs"]}})
}
func locked(g *Guest)    { g.Lock = "backup" }
func running(g *Guest)   { g.Running = true }
func stopped(g *Guest)   { g.Running = false }
func paused(g *Guest)    { g.Running, g.Paused = true, true }
func protected(g *Guest) { g.Config["protection"] = "1" }
func template(g *Guest)  { g.Running, g.Template = false, true }

// and does several of them.
func and(changes ...func(*Guest)) func(*Guest) {
	return func(g *Guest) {
		for _, c := range changes {
			c(g)
		}
	}
}

func noQuorum(w *World) { w.NoQuorum = true }

// qemuRefusals follow PVE/API2/Qemu.pm call by call; of two reasons the first counts. The
// guest is 111 on node01, with its disk on shared storage; 110 has local ones.
func qemuRefusals() []refusal {
	set := func(changes ...func(*Guest)) func(*World) { return guestIn(111, and(changes...)) }
	return []refusal{
		{"a template twice", set(template), "POST template", "you can't convert a template to a template"},
		{"a running guest as template", set(running), "POST template", "you can't convert a VM to template if VM is running"},
		{"a template with snapshots", set(template, snapped), "POST template", "unable to create template, because VM contains snapshots"},
		{"a locked template", set(template, locked), "POST template", "VM is locked (backup)"},

		{"migrate to a node that is not there", set(locked), "POST migrate target=nowhere", "no such cluster node 'nowhere'"},
		{"migrate home", set(locked), "POST migrate target=node01", "400 target: target is local node."},
		{"migrate without quorum", noQuorum, "POST migrate target=nowhere", "cluster not ready - no quorum?"},
		{"migrate a locked guest", set(locked, running), "POST migrate target=node02", "VM is locked (backup)"},
		{"migrate a running guest", set(running), "POST migrate target=node02", "can't migrate running VM without --online"},
		{"migrate where its storage is not", func(w *World) { set(stopped)(w); w.storage("VMDisks").Nodes = []string{"node01"} }, "POST migrate target=node02", "storage 'VMDisks' is not available on node 'node02'"},
		{"migrate to a node that is off", func(w *World) { set(stopped)(w); w.node("node02").Online = false }, "POST migrate target=node02", "task: migration aborted"},

		{"clone to a node that is not there", set(locked), "POST clone newid=800 target=nowhere", "no such cluster node 'nowhere'"},
		{"clone without quorum", func(w *World) { noQuorum(w); set(locked)(w) }, "POST clone newid=800", "cluster not ready - no quorum?"},
		{"clone to no storage", set(locked), "POST clone newid=800 full=1 storage=nothing", "storage 'nothing' does not exist"},
		{"clone to a storage for backups", set(locked), "POST clone newid=800 full=1 storage=backup", "400 storage: storage 'backup' does not support vm images"},
		{"clone to another node's storage", set(locked), "POST clone newid=800 full=1 storage=local-lvm target=node02", "can't clone to non-shared storage 'local-lvm'"},
		{"clone of a locked guest", set(locked), "POST clone newid=800 snapname=none", "VM is locked (backup)"},
		{"clone of a snapshot that is not there", nil, "POST clone newid=100 snapname=none", "snapshot 'none' does not exist"},
		{"linked clone to a storage", set(template), "POST clone newid=800 storage=VMDisks", "parameter 'storage' not allowed for linked clones"},
		{"linked clone in a format", set(template), "POST clone newid=800 format=raw", "parameter 'format' not allowed for linked clones"},
		{"clone into a guest", nil, "POST clone newid=110", "unable to create VM 110: config file already exists"},
		{"linked clone of no template", nil, "POST clone newid=800 full=0", "Linked clone feature is not supported for 'VMDisks:111/vm-111-disk-0.qcow2' (scsi0)"},
		{"clone of a running TPM", set(running, func(g *Guest) { g.Config["tpmstate0"] = g.Config["scsi0"] }), "POST clone newid=800", "cannot clone TPM state while VM is running"},

		{"a snapshot called current", set(locked), "POST snapshot snapname=current", "unable to use snapshot name 'current' (reserved name)"},
		{"a snapshot called Pending", set(locked), "POST snapshot snapname=Pending", "unable to use snapshot name 'pending' (reserved name)"},
		{"a snapshot of a template", set(template, locked), "POST snapshot snapname=two", "task: you can't take a snapshot if it's a template"},
		{"a snapshot of a locked guest", set(snapped, locked), "POST snapshot snapname=one", "task: VM is locked (backup)"},
		{"a snapshot twice", set(snapped), "POST snapshot snapname=one", "task: snapshot name 'one' already used"},
		{"a snapshot that is not there", set(locked), "DELETE snapshot/none", "task: snapshot 'none' does not exist"},
		{"back to one that is not there", set(locked), "POST snapshot/none/rollback", "task: snapshot 'none' does not exist"},
		{"back to one of a template", set(template, locked), "POST snapshot/none/rollback", "task: you can't rollback if vm is a template"},

		{"suspend what is off", set(stopped, locked), "POST status/suspend", "VM 111 not running"},
		{"suspend what is locked", set(running, func(g *Guest) { g.Lock = "migrate" }), "POST status/suspend", "task: VM is locked (migrate)"},
		{"to disk during a backup", set(running, locked), "POST status/suspend todisk=1", "task: cannot suspend to disk during backup"},
		{"to disk with a card", set(running, func(g *Guest) { g.Config["hostpci0"] = "0000:01:00" }), "POST status/suspend todisk=1", "cannot suspend VM to disk due to passed-through PCI device(s), which lack the possibility to save/restore their internal state"},
		{"resume what is off", set(stopped), "POST status/resume", "VM 111 not running"},
		{"shut down what is paused", set(paused), "POST status/shutdown", "VM is paused - cannot shutdown"},
		{"reboot what is paused", set(paused), "POST status/reboot", "VM is paused - cannot shutdown"},
		{"reboot what is off", set(stopped), "POST status/reboot", "VM 111 not running"},
		{"reset what is off", set(stopped), "POST status/reset", "VM 111 not running"},
		{"start a locked template", set(template, locked), "POST status/start", "task: you can't start a vm if it's a template"},
		{"start what is locked", set(running, locked), "POST status/start", "task: VM is locked (backup)"},
		{"start what runs", set(running), "POST status/start", "task: VM 111 already running"},

		{"move to nowhere", set(locked), "POST move_disk disk=scsi0", "400 storage: both 'storage' and 'target-vmid' missing, either needs to be set"},
		{"move to two places", set(locked), "POST move_disk disk=scsi0 storage=local-lvm target-vmid=110", "400 storage: either set 'storage' or 'target-vmid', but not both"},
		{"move a disk of a locked guest", set(locked), "POST move_disk disk=scsi9 storage=nothing", "VM is locked (backup)"},
		{"move a disk that is not there", nil, "POST move_disk disk=scsi9 storage=nothing", "disk 'scsi9' does not exist"},
		{"move a disk to where it is", nil, "POST move_disk disk=scsi0 storage=VMDisks", "you can't move to the same storage with same format"},
		{"move a disk to a storage for backups", nil, "POST move_disk disk=scsi0 storage=backup", "400 storage: storage 'backup' does not support vm images"},
		{"move a disk with snapshots for good", set(snapped), "POST move_disk disk=scsi0 storage=local-lvm delete=1", "you can't move a disk with snapshots and delete the source"},
		{"give a disk to itself", set(locked), "POST move_disk disk=scsi0 target-vmid=111", "400 target-vmid: must be different than source VMID to reassign disk"},
		{"give a disk to nobody", set(locked), "POST move_disk disk=scsi0 target-vmid=999", "could not find target VM 999"},
		{"give a busy disk away", set(running), "POST move_disk disk=scsi0 target-vmid=110 target-disk=scsi5", "Cannot move disk to another VM while the source VM is running - detach first"},
		{"give a disk with snapshots away", set(running, snapped), "POST move_disk disk=scsi0 target-vmid=110 target-disk=scsi5", "Can't move disk used by a snapshot to another VM"},
		{"give a template's disk away", set(template), "POST move_disk disk=scsi9 target-vmid=110", "Can't move disks from or to template VMs"},

		{"resize a disk that is not there", nil, "PUT resize disk=scsi9 size=1T", "task: disk 'scsi9' does not exist"},
		{"resize with an old digest", set(locked), "PUT resize disk=scsi0 size=1T digest=0000000000000000000000000000000000000000", "task: checksum mismatch (file change by other user?)"},
		{"destroy what is protected", set(protected, running), "DELETE ", "can't remove VM 111 - protection mode enabled"},
		{"destroy what runs", set(running, locked), "DELETE ", "VM 111 is running - destroy failed"},
		{"destroy what is locked", set(stopped, locked), "DELETE ", "task: VM is locked (backup)"},
	}
}

// lxcRefusals follow PVE/API2/LXC.pm and what lies below it. The container is 203 on
// node02; its root is on local-lvm.
func lxcRefusals() []refusal {
	set := func(changes ...func(*Guest)) func(*World) { return guestIn(203, and(changes...)) }
	return []refusal{
		{"a template twice", set(template), "POST template", "you can't convert a template to a template"},
		{"a running guest as template", set(running), "POST template", "you can't convert a CT to template if the CT is running"},
		{"a template with snapshots", set(running, snapped), "POST template", "unable to create template, because CT contains snapshots"},

		{"migrate to a node that is not there", set(running), "POST migrate target=nowhere", "no such cluster node 'nowhere'"},
		{"migrate a running guest", set(running, locked), "POST migrate target=node01", "can't migrate running container without --online or --restart"},
		{"migrate a running guest alive", set(running), "POST migrate target=node01 online=1", "task: migration aborted"},
		{"migrate a locked guest", set(stopped, locked), "POST migrate target=node01", "task: migration aborted"},

		{"clone of a running guest", set(running), "POST clone newid=800", "Full clone of a running container is only possible from a snapshot"},
		{"clone of a snapshot that is not there", set(running), "POST clone newid=800 snapname=none", "snapshot 'none' does not exist"},
		{"clone into a guest", set(running), "POST clone newid=205 snapname=none", "CT 205 already exists on node 'node01'"},
		{"clone with a bind mount", set(stopped, func(g *Guest) { g.Config["mp0"] = "/srv,mp=/srv" }), "POST clone newid=800", "unable to clone mountpoint 'mp0' (type bind)"},
		{"linked clone of no template", set(stopped), "POST clone newid=800 full=0", "Linked clone feature for 'local-lvm:vm-203-disk-0' is not available"},
		{"linked clone to a storage", set(template), "POST clone newid=800 storage=VMDisks", "parameter 'storage' not allowed for linked clones"},
		{"clone to another node", set(stopped), "POST clone newid=800 target=node01", "can't clone CT to node 'node01' (CT uses local storage)"},

		{"a snapshot called current", nil, "POST snapshot snapname=current", "unable to use snapshot name 'current' (reserved name)"},
		{"a snapshot called vzdump", nil, "POST snapshot snapname=vzdump", "unable to use snapshot name 'vzdump' (reserved name)"},
		{"a snapshot twice", set(snapped), "POST snapshot snapname=one", "task: snapshot name 'one' already used"},

		{"suspend what is off", set(stopped), "POST status/suspend", "CT 203 not running"},
		{"suspend what is locked", set(running, locked), "POST status/suspend", "task: CT is locked (backup)"},
		{"resume what runs", set(running), "POST status/resume", "CT 203 already running"},
		{"reboot what is off", set(stopped), "POST status/reboot", "VM 203 not running"},
		{"shut down what is off", set(stopped), "POST status/shutdown", "CT 203 not running"},
		{"start what runs, without quorum", func(w *World) { set(running)(w); noQuorum(w) }, "POST status/start", "CT 203 already running"},
		{"start a locked template", set(template, locked), "POST status/start", "task: you can't start a CT if it's a template"},

		{"move a volume of a running guest", set(running), "POST move_volume volume=mp9 storage=VMDisks", "cannot move volumes of a running container"},
		{"move a volume of a locked guest", set(running, locked), "POST move_volume volume=rootfs storage=VMDisks", "CT is locked (backup)"},
		{"move an unused volume", set(stopped), "POST move_volume volume=unused0 storage=VMDisks", "cannot move volume 'unused0', only configured volumes can be moved to another storage"},
		{"move a volume with snapshots for good", set(stopped, snapped), "POST move_volume volume=rootfs storage=VMDisks delete=1", "you can't move a volume with snapshots and delete the source"},
		{"move to two places", nil, "POST move_volume volume=rootfs storage=VMDisks target-vmid=205", "either set storage or target-vmid, but not both"},
		{"give its root away", nil, "POST move_volume volume=rootfs target-vmid=205 target-volume=mp3", "Cannot move to/from 'rootfs'"},
		{"destroy what is protected", set(protected, locked), "DELETE ", "can't remove CT 203 - protection mode enabled"},
		{"destroy what is locked", set(running, locked), "DELETE ", "CT is locked (backup)"},
		{"destroy what runs", set(running), "DELETE ", "unable to destroy CT 203 - container is running"},
	}
}

// TestRefusals: calls of a guest's life are refused with PVE's code and text, and of
// several reasons with the one that PVE finds first.
func TestRefusals(t *testing.T) {
	s := start(t, Options{NodeDelay: -1})
	c, before := newClient(t, s), s.World()
	baseline, err := json.Marshal(before)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []struct {
		at   string
		rows []refusal
	}{{"/nodes/node01/qemu/111", qemuRefusals()}, {"/nodes/node02/lxc/203", lxcRefusals()}} {
		for _, row := range kind.rows {
			s.Update(func(w *World) {
				*w = World{}
				if err := json.Unmarshal(baseline, w); err != nil {
					t.Fatal(err)
				}
				if row.setup != nil {
					row.setup(w)
				}
			})
			if got := c.refusal(kind.at, row.call); got != row.says {
				t.Errorf("%s, %s: %q, want %q", kind.at, row.name, got, row.says)
			}
		}
	}
}

// refusal makes a call and says how it was refused.
func (c *client) refusal(at, call string) string {
	c.t.Helper()
	method, rest, _ := strings.Cut(call, " ")
	words := strings.Fields(rest)
	var params []string
	path := at
	for i, w := range words {
		if k, v, is := strings.Cut(w, "="); is {
			params = append(params, k, v)
		} else if i == 0 {
			path += "/" + w
		}
	}
	a := c.call(method, path, params...)
	switch upid, task := a.body["data"].(string); {
	case a.status == 400:
		errs, _ := a.body["errors"].(map[string]any)
		for _, name := range []string{"storage", "target", "target-vmid"} {
			if text, is := errs[name]; is {
				return fmt.Sprintf("400 %s: %s", name, text)
			}
		}
		return a.raw
	case a.status == 500:
		return a.reason
	case task && strings.HasPrefix(upid, "UPID:"):
		return "task: " + text(c.wait(upid)["exitstatus"])
	}
	return fmt.Sprintf("%d %s", a.status, a.raw)
}
