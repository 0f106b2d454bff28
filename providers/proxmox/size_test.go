package proxmox

import (
	"context"
	"testing"

	"github.com/zclconf/go-cty/cty"
	"pgregory.net/rapid"

	"recon/inventory"
)

// TestNewVolumesHaveTheirSize: a volume of any size that Proxmox can make is made of
// exactly that size, whatever it does with the decimals of the request.
func TestNewVolumesHaveTheirSize(t *testing.T) {
	m := newMatrix(t, "9.2")
	p := m.as("admin")
	for _, c := range []struct {
		kind  string
		vmid  int
		slot  inventory.Path
		grain int64
		most  int64
	}{{"vm", 900, "disk.scsi5", inventory.KiB, 1 << 30}, {"lxc", 901, "mount.mp5", inventory.MiB, 1 << 20}} {
		rapid.Check(t, func(rt *rapid.T) {
			m.restore()
			size := rapid.Int64Range(1, c.most).Draw(rt, "grains") * c.grain
			want := with(wish(c.kind, c.vmid), inventory.Attrs{c.slot + ".storage": cty.StringVal("disks"), c.slot + ".size": inventory.Size(size)})
			if c.kind == "lxc" {
				want.Attrs[c.slot+".path"] = cty.StringVal("/five")
			}
			change, steps := changeOf(t, p, want)
			if len(change.Blocked) > 0 || len(steps) != 1 {
				rt.Fatalf("%d bytes: blocked %v, %d steps", size, change.Blocked, len(steps))
			}
			if _, err := p.Do(context.Background(), steps[0], func(string) {}); err != nil {
				rt.Fatal(err)
			}
			if got, _ := inventory.Int(p.Look(context.Background(), want).Resource.Attrs[c.slot+".size"]); got != size {
				rt.Fatalf("%d bytes became %d; sent %v", size, got, steps[0].Params)
			}
		})
	}
}

// TestSizesBetween: a container's volume that Proxmox would round is refused.
func TestSizesBetween(t *testing.T) {
	m := newMatrix(t, "9.2")
	change, steps := changeOf(t, m.as("admin"), with(wish("lxc", 901), inventory.Attrs{
		"mount.mp5.storage": cty.StringVal("disks"), "mount.mp5.path": cty.StringVal("/five"), "mount.mp5.size": inventory.Size(1536 * inventory.KiB),
	}))
	if len(change.Blocked) != 1 || change.Blocked[0].Code != "size" {
		t.Errorf("blocked %v, steps %v", change.Blocked, steps)
	}
}
