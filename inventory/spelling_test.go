package inventory

import (
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"
)

// eachRow calls do for every row of every kind of guest.
func eachRow(t *testing.T, do func(t *testing.T, a *Attr)) {
	for _, k := range []*Kind{KindOf("vm"), KindOf("lxc")} {
		rows := map[string][]*Attr{"": k.Attrs}
		for _, b := range k.Blocks {
			rows[b.Name+"."] = b.Attrs
		}
		for prefix, attrs := range rows {
			for _, a := range attrs {
				t.Run(k.Name+"."+prefix+a.Name, func(t *testing.T) { do(t, a) })
			}
		}
	}
}

func spelled(a *Attr, text string) cty.Value {
	switch {
	case a.Type == cty.String:
		return cty.StringVal(text)
	case a.Type.IsSetType():
		return StringSet(strings.Fields(text)...)
	}
	return StringList(strings.Fields(text)...)
}

// TestSpellings: what a row documents as spellings of one value is one value, both
// ways, and the row takes each of them. A row that compares in its own manner documents
// at least one.
func TestSpellings(t *testing.T) {
	eachRow(t, func(t *testing.T, a *Attr) {
		if a.Equal != nil && a.Spellings == nil && a.Type != cty.DynamicPseudoType {
			t.Error("it compares in its own manner and documents no spellings")
		}
		for i, x := range a.Spellings {
			if a.Check != nil {
				if err := a.Check(spelled(a, x)); err != nil {
					t.Errorf("a documented spelling is refused: %v", err)
				}
			}
			for _, y := range a.Spellings[i:] {
				one, other := spelled(a, x), spelled(a, y)
				pinned := a.Name == "machine" && x != y // who names a version means it
				if !a.Same(one, other) || !pinned && !a.Same(other, one) {
					t.Errorf("%q and %q are not the same", x, y)
				}
			}
			if different := spelled(a, strings.NewReplacer("1", "7", "a", "z", "o", "x").Replace(x)); a.Same(spelled(a, x), different) && !different.RawEquals(spelled(a, x)) {
				t.Errorf("%q is the same as %#v", x, different)
			}
		}
	})
}

// TestForms: what Proxmox always refuses, the row refuses; what it takes, the row takes.
func TestForms(t *testing.T) {
	for path, c := range map[string]struct{ takes, refuses string }{
		"vm machine":               {"q35 pc pc-q35-9.2+pve1 pc-i440fx-10.0 virt", "q36 i440fx Q35 pc-q35-"},
		"vm affinity":              {"0 0,5,8-11", "a-b 1- 5-2 0,,1"},
		"vm start_date":            {"now 2026-06-17 2026-6-1T1:2:3", "yesterday 17.06.2026"},
		"vm keyboard":              {"de en-us", "german"},
		"vm vm_state_storage":      {"local local-lvm", "-a local:x"},
		"vm hookscript":            {"local:snippets/a.pl", "/root/a.pl a.pl"},
		"vm pool":                  {"one one/two", "a,b one//two"},
		"vm network.net0.mac":      {"BC:24:11:aa:bb:10 02:00:00:00:00:01", "BC-24-11-AA-BB-10 01:00:5e:00:00:01 BC:24:11:AA:BB bc24.11aa.bb10"},
		"vm network.net0.bridge":   {"vmbr0 my_net.1", "vmbr0,tag=1 a+b"},
		"vm network.net0.address":  {"10.0.0.1/24 dhcp", "10.0.0.1 fd00::1/64 auto"},
		"vm network.net0.address6": {"fd00::1/64 auto dhcp", "10.0.0.1/24 fd00::1"},
		"vm network.net0.gateway":  {"10.0.0.1", "fd00::1 10.0.0.1/24"},
		"vm usb.usb0.device":       {"spice SPICE 1234:abcd 0x1234:0xABCD 1-2 1-2.3.4", "garbage 1:2 1234:abcde"},
		"vm usb.usb0.mapping":      {"zwave a_b-1", "z 1a a.b"},
		"vm pci.hostpci0.device":   {"01:00 0000:01:00.0 01:00.0;02:00.1 10000:01:00.0", "garbage 1:0 0000:01:00.00"},
		"vm serial.serial0.device": {"socket /dev/ttyS0", "ttyS0 sockets"},
		"vm disk.scsi0.serial":     {"ABC WD-12345", "123456789012345678901"},
		"vm cdrom.ide2.file":       {"none cdrom local:iso/a.iso /dev/sr0", "debian.iso"},
		"vm cloud_init.drive":      {"ide2 scsi30", "ide4 net0"},
		"vm cloud_init.custom":     {"user=local:snippets/u.yml user=a1:b,meta=a1:c", "local:snippets/u.yml users=a:b"},
		"lxc timezone":             {"host Europe/Berlin UTC", "Mars/Base Local"},
		"lxc network.net0.mac":     {"BC:24:11:AA:BB:10", "01:00:5e:00:00:01"},
		"lxc mount.mp0.path":       {"/data /a/b.c", "data /a/../b /.. /a,b"},
		"lxc device.dev0.path":     {"/dev/dri/renderD128", "dri/renderD128"},
		"lxc device.dev0.mode":     {"0660 0666", "666 0888 00660"},
	} {
		kind, p, _ := strings.Cut(path, " ")
		a, _, _ := KindOf(kind).Lookup(Path(p))
		for _, s := range strings.Fields(c.takes) {
			if err := refusal(a, cty.StringVal(s)); err != nil {
				t.Errorf("%s: %v", path, err)
			}
		}
		for _, s := range strings.Fields(c.refuses) {
			if refusal(a, cty.StringVal(s)) == nil {
				t.Errorf("%s takes %q", path, s)
			}
		}
	}
	for path, c := range map[string]struct{ takes, refuses []string }{
		"vm cpu_flags":                {[]string{"+aes", "-pcid"}, []string{"aes", "+", "+a b"}},
		"vm boot_order":               {[]string{"scsi0", "net31", "usb3", "hostpci0", "ide2"}, []string{"scsi99", "disk", "net", "cdrom"}},
		"vm hotplug":                  {[]string{"network", "cpu"}, []string{"net", "1"}},
		"vm network.net0.trunks":      {[]string{"1", "4094", "10-20"}, []string{"5000", "b", "0", "20-10", "1-4095"}},
		"lxc network.net0.trunks":     {[]string{"1", "4094"}, []string{"10-20"}},
		"lxc features":                {[]string{"nesting", "mount=nfs;cifs"}, []string{"nest", "mount=", "mount=a,b"}},
		"lxc mount.mp0.mount_options": {[]string{"noatime"}, []string{"relatime"}},
	} {
		kind, p, _ := strings.Cut(path, " ")
		a, _, _ := KindOf(kind).Lookup(Path(p))
		for _, s := range c.takes {
			if err := refusal(a, StringList(s)); err != nil {
				t.Errorf("%s: %v", path, err)
			}
		}
		for _, s := range c.refuses {
			if refusal(a, StringList(s)) == nil {
				t.Errorf("%s takes %q", path, s)
			}
		}
	}
}

func refusal(a *Attr, v cty.Value) error {
	if a.Enum != nil {
		return oneOf(a.Enum...)(v)
	}
	return a.Check(v)
}
