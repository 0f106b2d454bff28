package proxmox

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"recon/inventory"
	"recon/providers/proxmox/pvesim"
)

// TestSnapshotBefore: which changes get a snapshot before them, and why others do not.
func TestSnapshotBefore(t *testing.T) {
	grow := inventory.Attrs{"disk.scsi0.size": inventory.Size(900 * inventory.GiB)}
	moved := inventory.Attrs{"disk.scsi0.size": inventory.Size(900 * inventory.GiB), "node": cty.StringVal("node02")}
	tests := []struct {
		name   string
		kind   string
		vmid   int
		wish   inventory.Attrs
		lacks  bool
		fault  string
		taken  bool
		notes  string
		blocks bool
	}{
		{name: "a disk grows", kind: "vm", vmid: 111, wish: grow, taken: true},
		{name: "a disk is taken out", kind: "vm", vmid: 111, wish: inventory.Attrs{"disk.scsi0.absent": cty.True}, taken: true},
		{name: "it can be taken back", kind: "vm", vmid: 111, wish: inventory.Attrs{"cores": cty.NumberIntVal(7), "network.net0.vlan": cty.NumberIntVal(20)}},
		{name: "a disk is new", kind: "vm", vmid: 111, wish: inventory.Attrs{"disk.scsi7.size": inventory.Size(inventory.GiB), "disk.scsi7.storage": cty.StringVal("VMDisks")}},
		{name: "the storage cannot", kind: "lxc", vmid: 205, wish: inventory.Attrs{"rootfs.size": inventory.Size(90 * inventory.GiB)}, notes: "a storage of the guest cannot"},
		{name: "it moves, too", kind: "vm", vmid: 111, wish: moved, notes: "to another node"},
		{name: "Proxmox does not say", kind: "vm", vmid: 111, wish: grow, fault: "error:500@GET /nodes/node01/qemu/111/feature", notes: "500 injected fault"},
		{name: "the token may not", kind: "vm", vmid: 111, wish: grow, lacks: true, blocks: true},
	}
	for _, tt := range tests {
		sim, p := newSim(t, pvesim.Options{})
		c, _ := changeOf(t, p, with(wish(tt.kind, tt.vmid), tt.wish))
		if tt.fault != "" {
			if err := sim.AddFault(tt.fault); err != nil {
				t.Fatal(err)
			}
		}
		if tt.lacks {
			for path := range p.last.permissions {
				delete(p.last.permissions[path], "VM.Snapshot")
			}
		}
		c.Keep = inventory.KeptName(time.Unix(0, 0))
		steps, blocked, err := p.Steps(t.Context(), c)
		if err != nil || (len(steps) == 0) != tt.blocks {
			t.Fatalf("%s: %d steps, %v %v", tt.name, len(steps), err, blocked)
		}
		steps = append(steps, inventory.Step{})
		takes := slices.IndexFunc(steps, func(s inventory.Step) bool { return s.Keeps })
		if (takes == 0) != tt.taken || takes > 0 {
			t.Errorf("%s: the snapshot is step %d", tt.name, takes)
		}
		if notes := strings.Join(steps[0].Notes, "\n"); !strings.Contains(notes, tt.notes) || tt.notes == "" && strings.Contains(notes, "no snapshot") {
			t.Errorf("%s: %q", tt.name, notes)
		}
		if is := slices.ContainsFunc(blocked, func(r inventory.Reason) bool { return strings.Contains(r.Detail, "VM.Snapshot") }); is != tt.blocks {
			t.Errorf("%s: blocked %v", tt.name, blocked)
		}
	}
}
