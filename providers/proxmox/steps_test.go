package proxmox

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"recon/inventory"
	"recon/providers"
	"recon/providers/proxmox/pvesim"
	"recon/reconcile"
)

// changeOf reads the home and compares one wish with it.
func changeOf(t *testing.T, p *Provider, want inventory.Resource) (inventory.Change, []inventory.Step) {
	t.Helper()
	want.Attrs["name"] = cty.NilVal
	snap := read(t, p, want)
	plan, err := reconcile.New(context.Background(), reconcile.Request{Input: reconcile.Input{Desired: []inventory.Resource{want}, Snapshots: []inventory.Snapshot{snap}}, Readers: []providers.Reader{p}})
	if err != nil {
		t.Fatal(err)
	}
	if len(plan.Changes) != 1 {
		t.Fatalf("there are %d changes, not 1", len(plan.Changes))
	}
	return plan.Changes[0], plan.Changes[0].Steps
}

func with(r inventory.Resource, attrs inventory.Attrs) inventory.Resource {
	for p, v := range attrs {
		r.Attrs[p] = v
	}
	return r
}

// TestOnlyDeclaredIsSent: the parameters of a write are the declared ones that
// differ, with every undeclared sub-key carried over from live.
func TestOnlyDeclaredIsSent(t *testing.T) {
	sim, p := newSim(t, pvesim.Options{})
	sim.Update(func(w *pvesim.World) {
		for _, g := range w.Guests {
			if g.VMID == 111 {
				g.Config["net0"] = "virtio=BC:24:11:20:00:6F,bridge=vmbr0,firewall=1,queues=4,tag=40"
				g.Config["scsi0"] = "VMDisks:111/vm-111-disk-0.qcow2,discard=on,iothread=1,serial=abc,size=40G"
			}
		}
	})
	_, steps := changeOf(t, p, with(wish("vm", 111), inventory.Attrs{
		"network.net0.vlan": cty.NumberIntVal(20), "disk.scsi0.backup": cty.False, "onboot": cty.False, "memory": inventory.Size(8 * inventory.GiB),
	}))
	want := []map[string]string{
		{"onboot": "0"},
		{"net0": "virtio=BC:24:11:20:00:6F,bridge=vmbr0,firewall=1,queues=4,tag=20"},
		{"scsi0": "VMDisks:111/vm-111-disk-0.qcow2,discard=on,iothread=1,serial=abc,backup=0"},
	}
	if len(steps) != len(want) {
		t.Fatalf("%d steps: %v", len(steps), steps)
	}
	for i, s := range steps {
		if !maps.Equal(s.Params, want[i]) || !s.TakesDigest || !s.Apart {
			t.Errorf("sent: %v, not %v; digest %v, apart %v", s.Params, want[i], s.TakesDigest, s.Apart)
		}
	}
}

// TestEachDeviceHasItsCall: whatever of a guest is declared, no call holds two devices,
// or a device and the guest itself, and what names devices comes after them.
func TestEachDeviceHasItsCall(t *testing.T) {
	_, p := newSim(t, pvesim.Options{})
	attrs := inventory.Attrs{
		"cores": cty.NumberIntVal(7), "description": cty.StringVal("x"), "tags": inventory.StringSet("x"), "boot_order": cty.ListVal([]cty.Value{cty.StringVal("scsi7")}),
		"network.net0.vlan": cty.NumberIntVal(20), "network.net0.firewall": cty.True, "network.net3.bridge": cty.StringVal("vmbr0"), "disk.scsi0.backup": cty.False,
		"disk.scsi7.size": inventory.Size(5 * inventory.GiB), "disk.scsi7.storage": cty.StringVal("VMDisks"), "cdrom.ide0.file": cty.StringVal("none"),
	}
	media := wish("vm", 111)
	kind := media.Kind()
	_, steps := changeOf(t, p, with(wish("vm", 111), attrs))
	calls := map[string]int{}
	for i, s := range steps {
		of := map[string]bool{}
		for path := range s.Done.Fields {
			_, block, slot := kind.Lookup(path)
			switch {
			case block != nil:
				of[slot] = true
			case path == "tags" || path == "boot_order":
				of[string(path)] = true
			default:
				of[""] = true
			}
		}
		for key := range of {
			calls[key] = i
		}
		if len(of) > 1 {
			t.Errorf("%s: %v in one call", s.Summary, of)
		}
	}
	if calls["boot_order"] < calls["scsi7"] || len(calls) != 8 {
		t.Errorf("calls: %v", calls)
	}
}

// TestNeverAllocatesOnATakenSlot: storage:SIZE stands in a call only for an empty
// slot.
func TestNeverAllocatesOnATakenSlot(t *testing.T) {
	_, p := newSim(t, pvesim.Options{})
	_, steps := changeOf(t, p, with(wish("vm", 111), inventory.Attrs{
		"disk.scsi0.size": inventory.Size(900 * inventory.GiB), "disk.scsi0.ssd": cty.True,
		"disk.scsi7.size": inventory.Size(5 * inventory.GiB), "disk.scsi7.storage": cty.StringVal("VMDisks"),
	}))
	for _, s := range steps {
		for k, v := range s.Params {
			if allocates := strings.HasPrefix(v, "VMDisks:") && !strings.Contains(v, "/"); allocates && k != "scsi7" {
				t.Errorf("%s %s would allocate: %s=%s", s.Method, s.Path, k, v)
			}
		}
	}
	if !strings.Contains(steps[0].Params["scsi7"], "VMDisks:5") {
		t.Errorf("the new disk is not asked for: %v", steps[0].Params)
	}
}

// TestRefusedAtPlanTime: what Proxmox would refuse is said when planning.
func TestRefusedAtPlanTime(t *testing.T) {
	cases := []struct {
		name string
		want inventory.Resource
		code string
	}{
		{"shrinking", with(wish("vm", 111), inventory.Attrs{"disk.scsi0.size": inventory.Size(inventory.GiB)}), "shrink"},
		{"frozen", with(wish("lxc", 205), inventory.Attrs{"unprivileged": cty.False}), "frozen"},
		{"root only, by attribute", with(wish("vm", 111), inventory.Attrs{"args": cty.StringVal("-device x")}), "root_only"},
		{"root only, by value", with(wish("vm", 111), inventory.Attrs{"pci.hostpci0.device": cty.StringVal("0000:01:00.0")}), "root_only"},
		{"container features", with(wish("lxc", 205), inventory.Attrs{"features": inventory.StringSet("nesting", "keyctl")}), "root_only"},
		{"bind mounts", with(wish("lxc", 205), inventory.Attrs{"mount.mp5.source": cty.StringVal("/srv"), "mount.mp5.path": cty.StringVal("/srv")}), "root_only"},
		{"a template that shall run", with(wish("vm", 9000), inventory.Attrs{"running": cty.True}), "template"},
		{"a CD drive where a disk is", with(wish("vm", 111), inventory.Attrs{"cdrom.scsi0.file": cty.StringVal("none")}), "slot_taken"},
		{"a disk where the cloud-init drive is", with(wish("vm", 111), inventory.Attrs{"disk.ide2.size": inventory.Size(inventory.GiB), "disk.ide2.storage": cty.StringVal("local-lvm")}), "slot_taken"},
		{"another kind", with(wish("vm", 205), inventory.Attrs{"memory": inventory.Size(inventory.GiB)}), "kind"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, p := newSim(t, pvesim.Options{})
			change, _ := changeOf(t, p, c.want)
			if len(change.Blocked) == 0 || change.Blocked[0].Code != c.code {
				t.Errorf("blocked: %v, not %s", change.Blocked, c.code)
			}
		})
	}
	t.Run("a token that may only look", func(t *testing.T) {
		sim, _ := newSim(t, pvesim.Options{})
		p := asUser(t, sim, "auditor@pve", "/", "PVEAuditor")
		change, steps := changeOf(t, p, with(wish("vm", 111), inventory.Attrs{"memory": inventory.Size(inventory.GiB)}))
		if len(steps) > 0 || len(change.Blocked) == 0 || change.Blocked[0].Code != "no_permission" || !strings.Contains(change.Blocked[0].Detail, "VM.Config.Memory on /vms/111") {
			t.Errorf("blocked: %v, steps %v", change.Blocked, steps)
		}
	})
	t.Run("a guest under HA", func(t *testing.T) {
		sim, p := newSim(t, pvesim.Options{})
		sim.Update(func(w *pvesim.World) { w.HA = append(w.HA, &pvesim.HAResource{SID: "vm:111", State: "started"}) })
		change, _ := changeOf(t, p, with(wish("vm", 111), inventory.Attrs{"running": cty.False}))
		if len(change.Blocked) == 0 || change.Blocked[0].Code != "ha_managed" {
			t.Errorf("blocked: %v", change.Blocked)
		}
	})
}

// TestImpactIsLowered: the table's worst case is lowered by what the guest is now.
func TestImpactIsLowered(t *testing.T) {
	cases := []struct {
		name string
		want inventory.Resource
		path inventory.Path
		then inventory.Impact
	}{
		{"memory of a running VM", with(wish("vm", 111), inventory.Attrs{"memory": inventory.Size(inventory.GiB)}), "memory", inventory.ImpactRestart},
		{"memory of a stopped VM", with(wish("vm", 121), inventory.Attrs{"memory": inventory.Size(inventory.GiB)}), "memory", inventory.ImpactLive},
		{"memory of a container", with(wish("lxc", 205), inventory.Attrs{"memory": inventory.Size(inventory.GiB)}), "memory", inventory.ImpactLive},
		{"VLAN of a running VM", with(wish("vm", 111), inventory.Attrs{"network.net0.vlan": cty.NumberIntVal(9)}), "network.net0.vlan", inventory.ImpactLive},
		{"model of a running VM's card", with(wish("vm", 111), inventory.Attrs{"network.net0.model": cty.StringVal("e1000")}), "network.net0.model", inventory.ImpactReload},
		{"node of a running VM", with(wish("vm", 111), inventory.Attrs{"node": cty.StringVal("node02")}), "node", inventory.ImpactReload},
		{"node of a running container", with(wish("lxc", 205), inventory.Attrs{"node": cty.StringVal("node02")}), "node", inventory.ImpactOutage},
		{"stopping", with(wish("vm", 111), inventory.Attrs{"running": cty.False}), "running", inventory.ImpactOutage},
		{"starting", with(wish("vm", 121), inventory.Attrs{"running": cty.True}), "running", inventory.ImpactLive},
		{"features of a container", with(wish("lxc", 205), inventory.Attrs{"features": inventory.StringSet()}), "features", inventory.ImpactRestart},
	}
	_, p := newSim(t, pvesim.Options{})
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			change, _ := changeOf(t, p, c.want)
			if f := change.Field(c.path); f == nil || f.Impact != c.then {
				t.Errorf("impact of %s is %v, not %s", c.path, f, c.then)
			}
		})
	}
}

// TestUnknownOutcomes: a lost answer after a write is an unknown outcome, is never
// repeated, and is not an ordinary error.
func TestUnknownOutcomes(t *testing.T) {
	for _, fault := range []string{"lose-response:PUT", "error:596@PUT /nodes/node01/qemu/111/config", "drop:PUT"} {
		t.Run(fault, func(t *testing.T) {
			sim, p := newSim(t, pvesim.Options{})
			read(t, p)
			if err := sim.AddFault(fault); err != nil {
				t.Fatal(err)
			}
			_, err := p.Do(context.Background(), inventory.Step{Method: "PUT", Path: "/nodes/node01/qemu/111/config", Params: map[string]string{"onboot": "0"}}, nil)
			if !errors.Is(err, providers.ErrOutcomeUnknown) {
				t.Errorf("error: %v", err)
			}
			if n := sim.Stats().Requests["PUT /nodes/{node}/qemu/{vmid}/config"]; n > 1 {
				t.Errorf("the write was sent %d times", n)
			}
		})
	}
	t.Run("POST", func(t *testing.T) {
		sim, p := newSim(t, pvesim.Options{Faults: []string{"lose-response:POST"}})
		_, err := p.Do(context.Background(), inventory.Step{Method: "POST", Path: "/nodes/node03/qemu/121/status/start"}, nil)
		if !errors.Is(err, providers.ErrOutcomeUnknown) {
			t.Errorf("error: %v", err)
		}
		for range 100 { // the task goes on although its caller has gone
			if p.Look(context.Background(), wish("vm", 121)).Running != nil {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		if n := sim.Stats().Effects["start 121"]; n != 1 {
			t.Errorf("the guest was started %d times", n)
		}
	})
}

// TestTasks: a task's end counts, not the answer to the call; warnings are success.
func TestTasks(t *testing.T) {
	t.Run("failed", func(t *testing.T) {
		_, p := newSim(t, pvesim.Options{Faults: []string{"task-error:qmstart=no space left"}})
		_, err := p.Do(context.Background(), inventory.Step{Method: "POST", Path: "/nodes/node03/qemu/121/status/start"}, nil)
		if err == nil || !strings.Contains(err.Error(), "no space left") || errors.Is(err, providers.ErrOutcomeUnknown) {
			t.Errorf("error: %v", err)
		}
	})
	for status, wantErr := range map[string]bool{"OK": false, "WARNINGS: 2": false, "command failed": true, "unexpected status": true, "": true} {
		warning, err := taskEnd("UPID:x:", status)
		if (err != nil) != wantErr {
			t.Errorf("%q: %v", status, err)
		}
		if strings.HasPrefix(status, "WARN") != (warning != "") {
			t.Errorf("%q: warning %q", status, warning)
		}
	}
}

// TestCompareAndSwap: a write with an old digest is refused, for VMs and
// containers, whose texts differ.
func TestCompareAndSwap(t *testing.T) {
	_, p := newSim(t, pvesim.Options{})
	for _, path := range []string{"/nodes/node01/qemu/111/config", "/nodes/node01/lxc/205/config"} {
		_, err := p.Do(context.Background(), inventory.Step{Method: "PUT", Path: path, Params: map[string]string{"onboot": "0"}, TakesDigest: true, Digest: strings.Repeat("0", 40)}, nil)
		if !errors.Is(err, providers.ErrChangedMeanwhile) {
			t.Errorf("%s: %v", path, err)
		}
	}
}
