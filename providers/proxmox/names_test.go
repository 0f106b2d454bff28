package proxmox

import (
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"recon/inventory"
)

// TestNamesNothing: what a change names exists, or the plan says what is missing and
// what may have been meant. A token that could not see the thing hears nothing.
func TestNamesNothing(t *testing.T) {
	str := cty.StringVal
	disk := func(storage string, gib int64) inventory.Attrs {
		return inventory.Attrs{"disk.scsi5.storage": str(storage), "disk.scsi5.size": inventory.Size(gib * inventory.GiB)}
	}
	for _, c := range []struct {
		name  string
		attrs inventory.Attrs
		says  string // part of the reason; "" when nothing is wrong
	}{
		{"a node", inventory.Attrs{"node": str("n22")}, `the node "n22", which the cluster does not have. Did you mean "n2"?`},
		{"a bridge", inventory.Attrs{"network.net0.bridge": str("vmbr10")}, `the bridge "vmbr10", which does not exist. Did you mean "vmbr0"?`},
		{"a bridge that is there", inventory.Attrs{"network.net0.bridge": str("vmbr1")}, ""},
		{"trunks of a plain bridge", inventory.Attrs{"network.net0.bridge": str("plain"), "network.net0.trunks": inventory.StringList("4")}, "plain of n1 is not VLAN-aware; the guest would not start"},
		{"a tag of a plain bridge", inventory.Attrs{"network.net0.bridge": str("plain"), "network.net0.vlan": cty.NumberIntVal(4)}, ""},
		{"a storage", disk("diks", 1), `the storage "diks", which does not exist. Did you mean "disks"?`},
		{"a storage for other things", disk("local", 1), "does not hold images; it holds"},
		{"no room", disk("thick", 500), "has 10 GiB free, and 500 GiB are asked for"},
		{"room that is taken later", disk("more", 5000), ""},
		{"an image", inventory.Attrs{"cdrom.ide2.file": str("disks:iso/aa.iso")}, `the volume "disks:iso/aa.iso", which does not exist. Did you mean "disks:iso/a.iso"?`},
		{"a pool", inventory.Attrs{"pool": str("ones")}, `the pool "ones", which does not exist. Did you mean "one"?`},
		{"a mapping", inventory.Attrs{"usb.usb0.mapping": str("sticks")}, `the usb mapping "sticks", which does not exist. Did you mean "stick"?`},
		{"a device to boot from", inventory.Attrs{"boot_order": inventory.StringList("scsi0", "scsi9")}, "names scsi9, and the guest has no such device"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMatrix(t, "9.2")
			ch, _ := changeOf(t, m.as("admin"), with(wish("vm", 900), c.attrs))
			said := ""
			for _, r := range ch.Blocked {
				said += r.Detail + "\n"
			}
			if (c.says == "") != (said == "") || !strings.Contains(said, c.says) {
				t.Errorf("the plan says %q, want %q", said, c.says)
			}
			blind, _ := changeOf(t, m.as("onlyguest"), with(wish("vm", 900), c.attrs))
			for _, r := range blind.Blocked {
				if strings.HasPrefix(r.Code, "no_such") && r.Code != "no_such_node" {
					t.Errorf("a token that sees guests alone is told that something does not exist: %s", r.Detail)
				}
			}
		})
	}
}
