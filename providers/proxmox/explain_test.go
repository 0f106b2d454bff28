package proxmox

import (
	"strings"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"recon/inventory"
	"recon/providers/proxmox/pvesim"
)

// wordsFor fails where a step, or a part of it, has no words. It returns the step's form.
func wordsFor(t *testing.T, s *inventory.Step) string {
	t.Helper()
	e := Explain(s)
	if e == nil {
		t.Errorf("nobody explains %s %s", s.Method, s.Path)
		return ""
	}
	for _, p := range e.Parts {
		if !p.Known || p.Means == "" {
			t.Errorf("%s %s: nobody explains %s of %v", s.Method, s.Path, p.Text, s.Params)
		}
	}
	if e.Does == "" || e.Undo == "" {
		t.Errorf("%s %s is half explained: %+v", s.Method, s.Path, e)
	}
	for _, f := range forms() {
		if f.match(s.Method, s.Path) != nil {
			return f.method + " " + f.path
		}
	}
	return ""
}

// TestEveryStepHasWords: steps of every form are made, and each has words to its last
// parameter; the matrix asks the same of the change of every attribute. A form that no
// step has is one too many.
func TestEveryStepHasWords(t *testing.T) {
	m := newMatrix(t, "9.2")
	p := m.as("admin")
	snap := read(t, p)
	made := map[string]bool{}
	steps := func(p *Provider, c inventory.Change) {
		list, blocked, err := p.Steps(t.Context(), c)
		if err != nil || len(list) == 0 {
			t.Fatalf("%s %s: no steps, %v %v", c.Action, c.Addr, blocked, err)
		}
		for i := range list {
			made[wordsFor(t, &list[i])] = true
		}
	}
	for i := range snap.Observations {
		o := &snap.Observations[i]
		steps(p, inventory.Change{Action: inventory.ActionDelete, Addr: o.Resource.Addr, Want: o.Resource, Have: *o})
		running := *o
		running.Running, running.Volatile.Status = inventory.Attrs{}, "running"
		steps(p, inventory.Change{Action: inventory.ActionDelete, Addr: o.Resource.Addr, Want: o.Resource, Have: running})
		for path, values := range stepWishes(o) {
			for _, v := range values {
				a, _, _ := o.Resource.Kind().Lookup(path)
				f := inventory.FieldChange{Path: path, Attr: a, Desired: v, Live: o.Resource.Attrs[path], Verdict: inventory.VerdictDrift, Impact: a.Impact, NoWayBack: a.Wire == inventory.WireSize}
				want := o.Resource
				want.Attrs = inventory.Attrs{path: v}
				have := *o
				if a.Impact == inventory.ImpactRestart && a.Wire != inventory.WireStorage {
					have = running
				}
				steps(p, inventory.Change{Action: inventory.ActionUpdate, Addr: want.Addr, Want: want, Have: have, Fields: []inventory.FieldChange{f}, Keep: inventory.KeptName(time.Unix(0, 0))})
			}
		}
		s := p.Discard(*o, inventory.Kept{Name: "recon-1"})
		made[wordsFor(t, &s)] = true
	}
	for _, how := range []*inventory.Create{{Node: "n1", Start: true}, {Clone: "free", Full: true, Storage: "more", Node: "n2"}} {
		steps(p, makes("vm", how))
	}
	steps(p, makes("lxc", &inventory.Create{Node: "n1", Template: "disks:vztmpl/debian-13.tar.zst", Storage: "disks", Password: cty.StringVal("secret"), SSHKeys: []string{"ssh-ed25519 AAAA x"}}))
	_, home := newSim(t, pvesim.Options{})
	out, _ := changeOf(t, home, with(wish("vm", 111), inventory.Attrs{"disk.scsi0.absent": cty.True}))
	out.Keep = inventory.KeptName(time.Unix(0, 0))
	steps(home, out)
	for _, f := range forms() {
		if !made[f.method+" "+f.path] {
			t.Errorf("no step is of the form %s %s", f.method, f.path)
		}
	}
}

// stepWishes are changes for which the free guests of the matrix get every kind of call.
func stepWishes(o *inventory.Observation) map[inventory.Path][]cty.Value {
	if o.Resource.Name() != "free" {
		return nil
	}
	place := map[inventory.Path][]cty.Value{
		"memory": {inventory.Size(inventory.GiB * 3)}, "running": {cty.True, cty.False}, "pool": {cty.StringVal("one")}, "node": {cty.StringVal("n2")},
	}
	volume, more := inventory.Path("rootfs"), cty.StringVal("more")
	if o.Resource.Addr.Kind == "vm" {
		volume = "disk.scsi0"
	}
	place[volume+".size"], place[volume+".storage"] = []cty.Value{inventory.Size(20 * inventory.GiB)}, []cty.Value{more}
	return place
}

func makes(kind string, how *inventory.Create) inventory.Change {
	want := inventory.Resource{Addr: inventory.Address{Kind: kind, Name: "new"}, Identity: "home/950", Provider: "proxmox.home", Attrs: inventory.Attrs{"vmid": cty.NumberIntVal(950), "name": cty.StringVal("new")}}
	want.Policy.Create = how
	c := inventory.Change{Action: inventory.ActionCreate, Addr: want.Addr, Want: want}
	for _, name := range []inventory.Path{"name", "memory", "cores"} {
		a, _, _ := want.Kind().Lookup(name)
		v := want.Attrs[name]
		if name != "name" {
			v = cty.NumberIntVal(1 << 30)
		}
		if name == "cores" {
			v = cty.NumberIntVal(2)
		}
		c.Fields = append(c.Fields, inventory.FieldChange{Path: name, Attr: a, Desired: v, Verdict: inventory.VerdictMissing})
	}
	return c
}

// TestExplainKnowsItsLimits: what only looks like a call is none, and what is no parameter
// is not repeated.
func TestExplainKnowsItsLimits(t *testing.T) {
	for _, path := range []string{"/nodes/n1/qemu/x/config", "/nodes//qemu/111/config", "/nodes/n1/openvz/111/config", "/nodes/n1/qemu/111/configs", "/access/users", ""} {
		if e := Explain(&inventory.Step{Method: "PUT", Path: path}); e != nil {
			t.Errorf("%s: %+v", path, e)
		}
	}
	e := Explain(&inventory.Step{Method: "PUT", Path: "/nodes/n1/qemu/111/config", Params: map[string]string{"cipassword": "hunter2", "frobnicate": "hunter2", "memory": "hunter2", "delete": "hunter2"}})
	for _, p := range e.Parts {
		if strings.Contains(p.Text, "hunter2") {
			t.Errorf("%+v", p)
		}
	}
	if e.Complete() {
		t.Error("it says that it knows everything")
	}
}
