package terraform

import (
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"recon/inventory"
)

func changeOf(action inventory.Action, verdict inventory.Verdict, live inventory.Attrs, want inventory.Attrs) inventory.Change {
	c := inventory.Change{Action: action, Have: inventory.Observation{State: inventory.Present, Resource: inventory.Resource{Attrs: live}}}
	kind := inventory.KindOf("vm")
	for _, p := range []inventory.Path{"name", "memory", "cores", "disk.scsi0.size", "disk.scsi0.discard", "network.net0.vlan", "tags"} {
		if v, ok := want[p]; ok {
			attr, _, _ := kind.Lookup(p)
			c.Fields = append(c.Fields, inventory.FieldChange{Path: p, Attr: attr, Desired: v, Live: live[p], Verdict: verdict})
		}
	}
	return c
}

// A plan of terraform does what is wished, or the reasons name each line to change
// with the value in the provider's spelling.
func TestUnmet(t *testing.T) {
	root := write(t, map[string]string{"main.tf": `resource "proxmox_virtual_environment_vm" "x" {
  tags = ["a"]
  memory {
    dedicated = var.memory
  }
  disk {
    interface = "scsi0"
    size      = 8
  }
}
`})
	p := New(Config{Name: "test", Cluster: "home", Root: root, Directory: "."})
	const before = `{"vm_id": 100, "name": "x", "tags": ["a"], "cpu": [], "memory": [{"dedicated": 2048}], "disk": [{"interface": "scsi0", "size": 8, "discard": "ignore"}], "network_device": [{"bridge": "vmbr0", "vlan_id": 0}]}`
	const after = `{"vm_id": 100, "name": "x", "tags": ["a", "b"], "cpu": [], "memory": [{"dedicated": 4096}], "disk": [{"interface": "scsi0", "size": 16, "discard": "on"}], "network_device": [{"bridge": "vmbr0", "vlan_id": 40}]}`
	g := guestFrom(t, "proxmox_virtual_environment_vm", before)
	then := guestFrom(t, "proxmox_virtual_environment_vm", after)
	live, _ := g.Agreeing(nil)
	full := inventory.Attrs{
		"memory": inventory.Size(4 * inventory.GiB), "disk.scsi0.size": inventory.Size(16 * inventory.GiB), "disk.scsi0.discard": cty.True,
		"network.net0.vlan": cty.NumberIntVal(40), "tags": inventory.StringSet("a", "b"),
	}
	for _, tc := range []struct {
		name   string
		action inventory.Action
		after  *Guest
		want   []string
	}{
		{"the plan does it", inventory.ActionUpdate, then, nil},
		{"the plan makes it", inventory.ActionCreate, then, nil},
		{"the plan leaves the resource alone", inventory.ActionUpdate, nil, []string{
			"in main.tf:4 write memory.dedicated = 4096", "in main.tf:8 write disk.size = 16", "in main.tf:6 write disk.discard = \"on\"",
			"in main.tf:1 write network_device.vlan_id = 40", "in main.tf:2 write tags = [\"a\", \"b\"]",
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			verdict := inventory.VerdictPendingChange
			if tc.action == inventory.ActionCreate {
				verdict = inventory.VerdictMissing
			}
			pl := &plan{after: map[string]*Guest{}}
			if tc.after != nil {
				pl.after[g.Address] = tc.after
			}
			var got []string
			for _, r := range p.unmet(changeOf(tc.action, verdict, live, full), g, pl) {
				_, text, _ := strings.Cut(r.Detail, "; ")
				got = append(got, text)
			}
			if strings.Join(got, "\n") != strings.Join(tc.want, "\n") {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tc.want, "\n"))
			}
		})
	}
}

// A step is described by what it would do, so that a saved plan of recon can be held
// against terraform's plan of another day; a run that destroys says so.
func TestStep(t *testing.T) {
	p := New(Config{Name: "test", Cluster: "home", Directory: "tf", Workspace: "lab"})
	g := guestFrom(t, "proxmox_virtual_environment_vm", `{"vm_id": 100}`)
	c := changeOf(inventory.ActionUpdate, inventory.VerdictDrift, inventory.Attrs{}, inventory.Attrs{"cores": cty.NumberIntVal(2)})
	s := p.step(c, g, &plan{changes: []string{"update " + g.Address}, actions: map[string]bool{"update": true}})
	if s.Impact != inventory.ImpactReload || s.Params["workspace"] != "lab" || s.Params["changes"] != "update "+g.Address || len(s.Done.Fields) != 1 {
		t.Errorf("the step is %+v", s)
	}
	s = p.step(c, g, &plan{changes: []string{"delete and create"}, actions: map[string]bool{"delete": true, "create": true}})
	if s.Impact != inventory.ImpactDestroy {
		t.Errorf("a replacement has the impact %v", s.Impact)
	}
}
