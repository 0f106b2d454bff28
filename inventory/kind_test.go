package inventory

import (
	"slices"
	"testing"

	"github.com/zclconf/go-cty/cty"
)

// TestEveryRow: each attribute of each kind is found by its path, in the first and the
// last slot of its block, and nowhere beyond them.
func TestEveryRow(t *testing.T) {
	for _, k := range Kinds() {
		if KindOf(k.Name) != k {
			t.Errorf("%s is not found by its name", k.Name)
		}
		var paths []Path
		for _, a := range k.Attrs {
			if got, b, slot := k.Lookup(Path(a.Name)); got != a || b != nil || slot != "" {
				t.Errorf("%s.%s: %v %v %q", k.Name, a.Name, got, b, slot)
			}
			paths = append(paths, Path(a.Name))
		}
		for _, b := range k.Blocks {
			for _, slot := range slotsOf(b) {
				for _, a := range b.Attrs {
					p := b.Path(slot, a.Name)
					if got, block, at := k.Lookup(p); got != a || block != b || at != slot {
						t.Errorf("%s.%s: %v %v %q", k.Name, p, got, block, at)
					}
					if k.IsAbsent(p) != (a.Name == absentName) || !k.Knows(p) || !k.Knows(p.Parent()) {
						t.Errorf("%s.%s: absent %t, known %t", k.Name, p, k.IsAbsent(p), k.Knows(p))
					}
					paths = append(paths, p)
				}
			}
			if !k.Knows(Path(b.Name)) || k.Knows(Path(b.Name+".no-such.thing")) {
				t.Errorf("%s: what is known of %s", k.Name, b.Name)
			}
		}
		sorted := slices.Clone(paths)
		slices.Reverse(sorted)
		slices.SortFunc(sorted, k.Compare)
		if !slices.Equal(sorted, paths) {
			t.Errorf("%s: paths do not sort as the table has them", k.Name)
		}
	}
	if KindOf("no_such") != nil {
		t.Error("there is no such kind")
	}
}

// slotsOf returns labels that a block takes, in order.
func slotsOf(b *Block) []string {
	switch {
	case b.Free:
		return []string{"/a", "/a.b"}
	case b.Repeat:
		return []string{"0", "2", "10"}
	case b.Slots == nil:
		return []string{""}
	}
	var out []string
	for _, r := range b.Slots {
		first, last := slotName(r, r.From), slotName(r, r.To)
		if out = append(out, first); last != first {
			out = append(out, last)
		}
	}
	slices.SortFunc(out, NaturalCompare)
	return out
}

func slotName(r SlotRange, n int) string { return r.Prefix + jsonOf(cty.NumberIntVal(int64(n))) }

func TestSlots(t *testing.T) {
	net := KindOf("vm").Block("network")
	slots := map[string]bool{"net0": true, "net31": true, "net32": false, "net-1": false, "net01": false, "net": false, "eth0": false, "": false}
	for label, want := range slots {
		if net.HasSlot(label) != want {
			t.Errorf("%q is a slot of network: %t", label, !want)
		}
	}
	repeat, free := KindOf(KindService).Block("hardlink"), KindOf(KindService).Block("path")
	for label, want := range map[string]bool{"0": true, "12": true, "-1": false, "01": false, "x": false, "": false} {
		if repeat.HasSlot(label) != want {
			t.Errorf("%q numbers a hardlink: %t", label, !want)
		}
	}
	if !free.HasSlot("/data") || free.HasSlot("data") {
		t.Error("a path is absolute")
	}
	if !net.Labelled() || !repeat.Labelled() || !free.Labelled() || KindOf("vm").Block("startup").Labelled() {
		t.Error("which blocks have labels")
	}
	if got := net.Slots[0].String(); got != "net0..net31" {
		t.Errorf("got %s", got)
	}
	if net.Wired(WireAbsent) != net.Attr(absentName) || net.Wired(WireMedium) != nil || net.Attr("no_such") != nil {
		t.Error("attributes by their spelling and name")
	}
	for _, p := range []Path{"no_such", "no_such.x", "network.vlan", "network.net32.vlan", "network.net0.no_such", "startup.x.order", "startup.no_such", "memory.x"} {
		if a, _, _ := KindOf("vm").Lookup(p); a != nil || KindOf("vm").Knows(p) {
			t.Errorf("%s is known as %v", p, a)
		}
	}
}

func TestAttrs(t *testing.T) {
	a := Attrs{"network.net10.vlan": cty.Zero, "network.net2.vlan": cty.Zero, "path./a.b.mode": cty.StringVal("x"), "startup.order": cty.NullVal(cty.Number), "name": cty.StringVal("n"), "node": cty.StringVal("m")}
	if got := a.Slots("network"); !slices.Equal(got, []string{"net2", "net10"}) {
		t.Errorf("got %v", got)
	}
	if got := a.Slots("path"); !slices.Equal(got, []string{"/a.b"}) {
		t.Errorf("got %v", got)
	}
	if a.Slots("startup") != nil || a.Slots("net") != nil {
		t.Error("they have no slots")
	}
	for p, want := range map[Path]bool{"network": true, "network.net2": true, "network.net1": false, "startup": false, "name": true, "nam": false} {
		if a.Has(p) != want {
			t.Errorf("anything at %s: %t", p, !want)
		}
	}
	r := Resource{Addr: Address{Kind: "vm"}, Attrs: a}
	if r.Name() != "n" || r.Node() != "m" || r.Kind() != KindOf("vm") || !IsNull(a.Get("memory")) || IsNull(a.Get("name")) {
		t.Errorf("name %s, node %s", r.Name(), r.Node())
	}
}

func TestNetworksOf(t *testing.T) {
	text := cty.StringVal
	vm := Attrs{
		"network.net1.address": text("10.0.1.2/24"), "network.net0.address": text("10.0.0.2/24"), "network.net0.gateway": text("10.0.0.1"), "network.net0.vlan": cty.NumberIntVal(40),
		"network.net0.address6": text("fd00::2/64"), "network.net2.address6": text("auto"), "network.net2.address": text("dhcp"), "network.net3.bridge": text("vmbr0"),
	}
	want := []Network{
		{Address: "10.0.0.2/24", Gateway: "10.0.0.1", VLAN: 40}, {Address: "fd00::2/64", VLAN: 40}, {Address: "10.0.1.2/24"}, {Address: "dhcp"},
	}
	for _, kind := range []string{"vm", "lxc"} {
		if got := NetworksOf(KindOf(kind), vm); !slices.Equal(got, want) {
			t.Errorf("%s: %+v", kind, got)
		}
	}
	for address, ip := range map[string]string{"10.0.0.2/24": "10.0.0.2", "dhcp": "", "": ""} {
		if got := (Network{Address: address}).IP(); got != ip {
			t.Errorf("%q: %q", address, got)
		}
	}
}

// TestDaemonRows: what is a key of the file, and what an absent key means.
func TestDaemonRows(t *testing.T) {
	k := KindOf(KindDaemon)
	for name, inFile := range map[string]bool{"config_file": false, "purpose": false, "dns": true, "settings": true} {
		if k.Attr(name).DaemonJSON() != inFile {
			t.Errorf("%s is in daemon.json: %t", name, !inFile)
		}
	}
	defaults := map[string]cty.Value{
		"bridge": cty.StringVal(""), "dns": StringList(), "labels": StringSet(), "log_opts": cty.MapValEmpty(cty.String), "builder": cty.EmptyObjectVal, "icc": cty.True, "debug": cty.False,
		"firewall_backend": cty.StringVal(""), "log_level": cty.NilVal, "default_ipc_mode": cty.NilVal, "mtu": cty.NilVal,
	}
	for name, want := range defaults {
		if got := k.Attr(name).Default; IsNull(want) != IsNull(got) || !IsNull(want) && !want.RawEquals(got) {
			t.Errorf("%s: default %s, want %s", name, ShowValue(got), ShowValue(want))
		}
	}
	if a := k.Attr("runtimes"); !a.Same(cty.ObjectVal(map[string]cty.Value{"a": cty.True}), cty.MapVal(map[string]cty.Value{"a": cty.True})) {
		t.Error("maps and objects mean the same in the file")
	}
	if k.Attr("dns").Derived() || !k.Attr("purpose").Derived() {
		t.Error("a key of the file is not derived from anything")
	}
}

// TestWhatARunningGuestTakes: the conditions under which a change needs no restart.
func TestWhatARunningGuestTakes(t *testing.T) {
	num := func(n int64) cty.Value { return cty.NumberIntVal(n) }
	numa := Attrs{"numa": cty.True}
	tests := []struct {
		name          string
		when          func(live, desired cty.Value, guest Attrs) bool
		live, desired cty.Value
		guest         Attrs
		want          bool
	}{
		{"grows", grows, num(1), num(2), nil, true},
		{"stays", grows, num(2), num(2), nil, false},
		{"shrinks", grows, num(2), num(1), nil, false},
		{"from nothing", grows, cty.NilVal, num(1), nil, false},
		{"to nothing", grows, num(-1), cty.NilVal, nil, false},
		{"grows with NUMA", growsWithNUMA, num(1), num(2), numa, true},
		{"without", growsWithNUMA, num(1), num(2), nil, false},
		{"shrinks with NUMA", growsWithNUMA, num(2), num(1), numa, false},
		{"balloon", neitherZero, num(1), num(2), nil, true},
		{"balloon off", neitherZero, num(1), num(0), nil, false},
		{"balloon on", neitherZero, num(0), num(1), nil, false},
		{"balloon not declared", neitherZero, cty.NilVal, num(1), nil, true},
		{"has one", hasOne, num(0), cty.NilVal, nil, true},
		{"has none", hasOne, cty.NilVal, num(1), nil, false},
		{"nesting", beyondNesting, StringSet(), StringSet("nesting"), Attrs{"unprivileged": cty.True}, false},
		{"keyctl", beyondNesting, StringSet("nesting"), StringSet("nesting", "keyctl"), Attrs{"unprivileged": cty.True}, true},
		{"nesting of a privileged one", beyondNesting, StringSet(), StringSet("nesting"), nil, true},
	}
	for _, tt := range tests {
		if got := tt.when(tt.live, tt.desired, tt.guest); got != tt.want {
			t.Errorf("%s: %t", tt.name, got)
		}
	}
}
