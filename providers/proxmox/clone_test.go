package proxmox

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"recon/inventory"
	"recon/providers"
	"recon/providers/proxmox/pvesim"
	"recon/reconcile"
)

// made is the wish for a guest that does not exist.
func made(kind string, create inventory.Create, attrs inventory.Attrs) inventory.Resource {
	r := with(wish(kind, 950), attrs)
	r.Attrs["name"] = cty.StringVal("made")
	r.Policy.Create = &create
	return r
}

// TestMayMake: what the plan says of a new guest, made or cloned, is what the simulator
// says, for each token.
func TestMayMake(t *testing.T) {
	str := cty.StringVal
	wishes := map[string]inventory.Resource{
		"clone":           made("vm", inventory.Create{Clone: "900", Full: true}, nil),
		"clone elsewhere": made("vm", inventory.Create{Clone: "900", Full: true, Storage: "more"}, nil),
		"clone of raw":    made("vm", inventory.Create{Clone: "903", Full: true}, nil),
		"clone a ct":      made("lxc", inventory.Create{Clone: "901", Full: true}, nil),
		"into a pool":     made("vm", inventory.Create{Node: "n1"}, inventory.Attrs{"pool": str("one"), "cores": cty.NumberIntVal(2)}),
		"vm":              made("vm", inventory.Create{Node: "n1"}, inventory.Attrs{"disk.scsi0.storage": str("disks"), "disk.scsi0.size": inventory.Size(inventory.GiB), "network.net0.bridge": str("vmbr0"), "network.net0.vlan": cty.NumberIntVal(10)}),
		"mapped":          made("vm", inventory.Create{Node: "n1"}, inventory.Attrs{"usb.usb0.mapping": str("stick"), "rng.source": str("/dev/hwrng")}),
		"ct":              made("lxc", inventory.Create{Node: "n1", Template: "disks:vztmpl/debian-13.tar.zst"}, inventory.Attrs{"rootfs.storage": str("disks"), "rootfs.size": inventory.Size(inventory.GiB), "unprivileged": cty.True, "features": inventory.StringSet("nesting")}),
		"privileged ct":   made("lxc", inventory.Create{Node: "n1", Template: "disks:vztmpl/debian-13.tar.zst"}, inventory.Attrs{"rootfs.storage": str("disks"), "rootfs.size": inventory.Size(inventory.GiB), "unprivileged": cty.False}),
	}
	for _, release := range []string{"8.4", "9.2"} {
		m := newMatrix(t, release)
		for token := range matrixTokens() {
			p := m.as(token)
			for name, want := range wishes {
				m.restore()
				m.compareMaking(fmt.Sprintf("%s %s: %s", release, token, name), p, want)
			}
		}
	}
}

// plan reads the cluster and compares one wish with it.
func plan(t *testing.T, p *Provider, want inventory.Resource) (*inventory.Change, []inventory.Step) {
	t.Helper()
	snap := read(t, p, want)
	plan, err := reconcile.New(context.Background(), reconcile.Request{Input: reconcile.Input{Desired: []inventory.Resource{want}, Snapshots: []inventory.Snapshot{snap}}, Readers: []providers.Reader{p}})
	if err != nil {
		t.Fatal(err)
	}
	if len(plan.Changes) == 0 {
		return nil, nil
	}
	return &plan.Changes[0], plan.Changes[0].Steps
}

func (m *matrix) compareMaking(name string, p *Provider, want inventory.Resource) {
	change, steps := plan(m.t, p, want)
	if change == nil {
		return // the token cannot see that there is no such guest
	}
	if len(change.Blocked) == 0 {
		for _, s := range steps {
			if _, err := p.Do(context.Background(), s, nil); err != nil {
				m.t.Errorf("%s: planned, and refused: %s: %v", name, s.Summary, err)
				return
			}
		}
		return
	}
	// What the plan would have done if it knew of no rights.
	v := p.view()
	v.permissions = nil
	again := *change
	again.Blocked = nil
	b := &stepBuilder{ctx: context.Background(), p: p, c: &again, v: v, kind: want.Kind(), vmid: 950}
	if b.create(); len(b.steps) == 0 {
		return // root@pam's, whatever the token; TestMatrix tries those
	}
	var err error
	for _, s := range b.steps {
		if _, err = p.Do(context.Background(), s, nil); err != nil {
			break
		}
	}
	if err == nil || !slices.ContainsFunc(change.Blocked, func(r inventory.Reason) bool {
		return fits(r, err.Error()) || r.Code == "no_permission" && strings.Contains(r.Detail, "VM.Allocate") && strings.Contains(err.Error(), "403 Permission check failed")
	}) {
		m.t.Errorf("%s: blocked with %q, and the simulator says: %v", name, change.Blocked, err)
	}
}

// TestDisksGoWhereTheyAreDeclared: a disk that moves takes its format along, or the plan
// says what becomes of it; nothing is left to change afterwards, and of a clone no
// volume is left over.
func TestDisksGoWhereTheyAreDeclared(t *testing.T) {
	str := cty.StringVal
	for name, c := range map[string]struct {
		live  string // scsi0 of VM 900
		want  inventory.Resource
		says  string // a note or a reason
		calls string
	}{
		"with its format":  {"disks:900/vm-900-disk-0.qcow2,size=8G", with(wish("vm", 900), inventory.Attrs{"name": str("free"), "disk.scsi0.storage": str("more"), "disk.scsi0.format": str("qcow2")}), "", "move_disk"},
		"another format":   {"disks:900/vm-900-disk-0.raw,size=8G", with(wish("vm", 900), inventory.Attrs{"name": str("free"), "disk.scsi0.format": str("qcow2")}), "", "move_disk"},
		"to raw":           {"disks:900/vm-900-disk-0.qcow2,size=8G", with(wish("vm", 900), inventory.Attrs{"name": str("free"), "disk.scsi0.storage": str("thin")}), "scsi0 becomes raw there, it is qcow2 now", "move_disk"},
		"not to raw":       {"disks:900/vm-900-disk-0.qcow2,size=8G", with(wish("vm", 900), inventory.Attrs{"name": str("free"), "disk.scsi0.storage": str("thin"), "disk.scsi0.format": str("qcow2")}), "the storage thin keeps no qcow2, only raw", ""},
		"a full clone":     {"disks:900/vm-900-disk-0.raw,size=8G", made("vm", inventory.Create{Clone: "900", Full: true}, inventory.Attrs{"disk.scsi0.storage": str("more")}), "", "clone"},
		"a clone's format": {"disks:900/vm-900-disk-0.raw,size=8G", made("vm", inventory.Create{Clone: "900", Full: true}, inventory.Attrs{"disk.scsi0.storage": str("more"), "disk.scsi0.format": str("qcow2")}), "", "clone move_disk"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMatrix(t, "9.2")
			m.sim.Update(func(w *pvesim.World) { w.Guests[0].Config["scsi0"] = c.live })
			p := m.as("admin")
			change, steps := plan(t, p, c.want)
			said, calls := "", []string{}
			for _, r := range change.Blocked {
				said += r.Detail
			}
			for _, s := range steps {
				said += strings.Join(s.Notes, "")
				calls = append(calls, s.Path[strings.LastIndexByte(s.Path, '/')+1:])
				if _, err := p.Do(context.Background(), s, nil); err != nil {
					t.Fatal(err)
				}
			}
			if !strings.Contains(said, c.says) || strings.Join(calls, " ") != c.calls {
				t.Errorf("said %q with %v", said, calls)
			}
			if c.calls == "" {
				return
			}
			got := p.Look(context.Background(), c.want)
			for path, want := range c.want.Attrs {
				if a, _, _ := c.want.Kind().Lookup(path); path.In("disk") && !a.Same(want, got.Resource.Attrs[path]) {
					t.Errorf("%s is %#v", path, got.Resource.Attrs[path])
				}
			}
			for key := range got.Volatile.Raw {
				if strings.HasPrefix(key, "unused") && strings.Contains(c.calls, "clone") {
					t.Errorf("%s is left over", key)
				}
			}
		})
	}
}

// TestRefusedLifeIsPlanned: what Proxmox refuses of clones and moves for everybody the plan
// blocks with a reason, and what it does not block the simulator does.
func TestRefusedLifeIsPlanned(t *testing.T) {
	node := func(n string) inventory.Attrs { return inventory.Attrs{"node": cty.StringVal(n)} }
	moves := func(kind string, vmid int, to string) inventory.Resource {
		return with(wish(kind, vmid), node(to))
	}
	only := func(w *pvesim.World) {
		for _, s := range w.Storages {
			if s.ID == "VMDisks" {
				s.Nodes = []string{"node01", "node03"}
			}
		}
	}
	tests := []struct {
		name  string
		want  inventory.Resource
		world func(*pvesim.World)
		code  string
	}{
		{name: "a container that runs", want: made("lxc", inventory.Create{Clone: "203", Full: true}, nil), code: "running"},
		{name: "local volumes of a VM to another node", want: made("vm", inventory.Create{Clone: "107", Full: true, Node: "node01", Storage: "VMDisks"}, nil), code: "local_storage"},
		{name: "where they are", want: made("vm", inventory.Create{Clone: "107", Full: true, Storage: "VMDisks"}, nil)},
		{name: "to a node without the storage", want: moves("vm", 111, "node02"), world: only, code: "no_storage"},
		{name: "to one that has it", want: moves("vm", 111, "node03"), world: only},
	}
	for _, tt := range tests {
		sim, p := newSim(t, pvesim.Options{})
		if tt.world != nil {
			sim.Update(tt.world)
		}
		if tt.want.Policy.Create == nil {
			read(t, p)
			tt.want.Attrs["name"] = p.Look(t.Context(), tt.want).Resource.Attrs["name"]
		}
		c, steps := plan(t, p, tt.want)
		var codes []string
		for _, r := range c.Blocked {
			codes = append(codes, r.Code)
		}
		if want := strings.Fields(tt.code); !slices.Equal(codes, want) || (len(steps) == 0) != (tt.code != "") {
			t.Errorf("%s: blocked %v, %d steps", tt.name, c.Blocked, len(steps))
		}
		for _, s := range steps {
			if _, err := p.Do(t.Context(), s, nil); err != nil {
				t.Errorf("%s: %s: %v", tt.name, s.Summary, err)
			}
		}
	}
}
