package inventory

import (
	"slices"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"
)

// TestChecks has values at the edge of what each check takes, on both sides.
func TestChecks(t *testing.T) {
	text := func(s string) cty.Value { return cty.StringVal(s) }
	list := func(items ...string) cty.Value { return StringList(items...) }
	pool := func(base string, size cty.Value) cty.Value {
		return cty.TupleVal([]cty.Value{cty.ObjectVal(map[string]cty.Value{"base": cty.StringVal(base), "size": size})})
	}
	size := func(n int64) cty.Value { return cty.NumberIntVal(n) }
	tests := []struct {
		name      string
		check     func(cty.Value) error
		good, bad []cty.Value
	}{
		{name: "name", check: checkName, good: []cty.Value{text(""), text("a"), text("a-b.c9"), text("9")}, bad: []cty.Value{text("-a"), text("a-"), text("a..b"), text("a b"), text("a\nb")}},
		{name: "tags", check: checkTags, good: []cty.Value{list(), list("a", "_b+c.d-e")}, bad: []cty.Value{list("a", ""), list("-a"), list("a b"), list("a;b")}},
		{name: "address", check: checkFamily(true, "dhcp", "manual"), good: []cty.Value{text(""), text("dhcp"), text("manual"), text("10.0.0.1/24")}, bad: []cty.Value{text("10.0.0.1"), text("10.0.0.1/33"), text("DHCP"), text("fd00::1/64")}},
		{name: "address6", check: checkFamily(false, "auto"), good: []cty.Value{text(""), text("auto"), text("fd00::1/64")}, bad: []cty.Value{text("10.0.0.1/24"), text("fd00::1")}},
		{name: "mac", check: checkMAC(), good: []cty.Value{text("BC:24:11:00:00:01")}, bad: []cty.Value{text(""), text("BC:24:11:00:00"), text("00:00:00:00:00:00:00:01")}},
		{name: "one line", check: checkOneLine, good: []cty.Value{text("a b")}, bad: []cty.Value{text("a\nb"), text("a\rb"), text("a\x00b")}},
		{name: "absolute", check: checkAbsolute, good: []cty.Value{text("/"), text("/a/b")}, bad: []cty.Value{text(""), text("a"), text("/a/"), text("/a/../b"), text("/a\nb")}},
		{name: "ip", check: checkOptionalIP, good: []cty.Value{text(""), text("10.0.0.1"), text("fd00::1")}, bad: []cty.Value{text("10.0.0.1/8"), text("x")}},
		{name: "ips", check: checkIPList, good: []cty.Value{list(), list("10.0.0.1", "fd00::1")}, bad: []cty.Value{list("10.0.0.1", "x"), list("")}},
		{name: "cidr", check: checkOptionalCIDR, good: []cty.Value{text(""), text("10.0.0.1/8")}, bad: []cty.Value{text("10.0.0.1"), text("x/8")}},
		{
			name: "pools", check: checkPools,
			good: []cty.Value{cty.EmptyTupleVal, pool("10.0.0.0/16", size(16)), pool("10.0.0.0/16", size(32)), pool("fd00::/64", size(128))},
			bad:  []cty.Value{pool("10.0.0.0/16", size(15)), pool("10.0.0.0/16", size(33)), pool("10.0.0.0", size(24)), pool("10.0.0.0/16", text("24")), cty.TupleVal([]cty.Value{text("x")})},
		},
		{name: "size", check: checkOptionalSize, good: []cty.Value{text(""), text("64"), text("64M"), text("1g")}, bad: []cty.Value{text("64MiB"), text("M"), text("1.5G")}},
		{name: "ports", check: checkPorts, good: []cty.Value{list(), list("1/tcp", "65535/udp")}, bad: []cty.Value{list("0/tcp"), list("65536/tcp"), list("80"), list("80/sctp"), list("80/tcp", "x")}},
		{name: "owner", check: checkOwner, good: []cty.Value{text("0:0"), text("1000:1000")}, bad: []cty.Value{text("root:root"), text("1000"), text("1:-1")}},
		{name: "mode", check: checkMode, good: []cty.Value{text("0"), text("0775"), text("7777")}, bad: []cty.Value{text(""), text("10000"), text("0778"), text("rwx")}},
		{name: "url", check: checkURL, good: []cty.Value{text("http://a"), text("https://a/b")}, bad: []cty.Value{text(""), text("ftp://a"), text("https://u:p@a"), text("https://a b"), text("http://a\n")}},
		{
			name: "no secrets", check: checkNoSecrets,
			good: []cty.Value{cty.EmptyObjectVal, cty.ObjectVal(map[string]cty.Value{"max-size": text("10m")}), cty.MapVal(map[string]cty.Value{"http-proxy": text("http://proxy:3128")})},
			bad: []cty.Value{
				cty.MapVal(map[string]cty.Value{"splunk-token": text("x")}), cty.ObjectVal(map[string]cty.Value{"a": cty.ObjectVal(map[string]cty.Value{"password": cty.True})}),
				cty.ObjectVal(map[string]cty.Value{"a": cty.TupleVal([]cty.Value{text("http://u:p@proxy")})}),
			},
		},
	}
	for _, tt := range tests {
		for _, v := range tt.good {
			if err := tt.check(v); err != nil {
				t.Errorf("%s: %s is refused: %v", tt.name, ShowValue(v), err)
			}
		}
		for _, v := range tt.bad {
			if err := tt.check(v); err == nil {
				t.Errorf("%s: %s is taken", tt.name, ShowValue(v))
			}
		}
	}
}

// TestSecretIsNamedNotShown: the refusal says where the secret is, however deep, and not
// what it is.
func TestSecretIsNamedNotShown(t *testing.T) {
	deep := cty.ObjectVal(map[string]cty.Value{"proxies": cty.MapVal(map[string]cty.Value{"https-proxy": cty.StringVal("http://u:CANARY@proxy")})})
	err := checkNoSecrets(deep)
	if err == nil || !strings.Contains(err.Error(), `"https-proxy"`) || strings.Contains(err.Error(), "CANARY") {
		t.Errorf("got %v", err)
	}
	inList := cty.ObjectVal(map[string]cty.Value{"mirrors": cty.TupleVal([]cty.Value{cty.StringVal("http://u:CANARY@proxy")})})
	if err := checkNoSecrets(inList); err == nil || !strings.Contains(err.Error(), `"mirrors"`) {
		t.Errorf("got %v", err)
	}
}

func TestSettingsOfTheirOwn(t *testing.T) {
	check := KindOf(KindDaemon).Attr("settings").Check
	for _, v := range []cty.Value{cty.StringVal("x"), cty.ObjectVal(map[string]cty.Value{"mtu": cty.Zero}), cty.ObjectVal(map[string]cty.Value{"some-token": cty.StringVal("x")})} {
		if err := check(v); err == nil {
			t.Errorf("%s is taken", ShowValue(v))
		}
	}
	for _, v := range []cty.Value{cty.EmptyObjectVal, cty.ObjectVal(map[string]cty.Value{"some-key": cty.True})} {
		if err := check(v); err != nil {
			t.Error(err)
		}
	}
}

func TestVLANs(t *testing.T) {
	tests := []struct {
		v    cty.Value
		want []int
	}{
		{v: cty.NullVal(cty.String)},
		{v: cty.NumberIntVal(40), want: []int{40}},
		{v: StringSet("5", "7-9"), want: []int{5, 7, 8, 9}},
		{v: StringList("4093-5000"), want: []int{4093, 4094}},
		{v: StringList("x", "3-x", "9-7", " 2 - 3 "), want: []int{2, 3}},
	}
	for _, tt := range tests {
		if got := VLANs(tt.v); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", ShowValue(tt.v), got, tt.want)
		}
	}
	if got := Difference(StringSet("a", "b"), StringList("b", "c")); !slices.Equal(got, []string{"a", "c"}) {
		t.Errorf("got %v", got)
	}
}

// TestSame: what means the same although it is written differently, and what does not
// although it looks alike.
func TestSame(t *testing.T) {
	vm, daemon, service := KindOf("vm"), KindOf(KindDaemon), KindOf(KindService)
	text, num := cty.StringVal, cty.NumberIntVal
	object := func(k string, v cty.Value) cty.Value { return cty.ObjectVal(map[string]cty.Value{k: v}) }
	tests := []struct {
		kind       *Kind
		path       Path
		want, have cty.Value
		same       bool
	}{
		{vm, "tags", StringSet("A", "b"), StringSet("b", "a", "B"), true},
		{vm, "tags", StringSet("a"), StringSet("a", "b"), false},
		{vm, "tags", StringSet(), cty.NilVal, true},
		{vm, "description", text("a\n"), text("a \t\r\n"), true},
		{vm, "description", text(" a"), text("a"), false},
		{vm, "network.net0.mac", text("bc:24:11:00:00:0a"), text("BC:24:11:00:00:0A"), true},
		{vm, "network.net0.address", text("fd00::0001/64"), text("fd00::1/64"), true},
		{vm, "network.net0.address", text("10.0.0.1/24"), text("10.0.0.1/25"), false},
		{vm, "network.net0.address", text("DHCP"), text("dhcp"), true},
		{vm, "network.net0.gateway", text("fd00::0001"), text("fd00::1"), true},
		{vm, "machine", text("q35"), text("pc-q35-10.0+pve1"), true},
		{vm, "machine", text("pc-q35-9.0"), text("pc-q35-10.0"), false},
		{vm, "machine", text("i440fx"), text("pc"), true},
		{vm, "machine", text("pc"), text("pc-i440fx-9.0"), true},
		{vm, "machine", text("pc"), text("q35"), false},
		{vm, "machine", text("q35"), text("pc"), false},
		{vm, "onboot", cty.False, cty.NilVal, true},
		{vm, "onboot", cty.True, cty.NilVal, false},
		{vm, "memory", num(1 << 30), num(1 << 30), true},
		{vm, "memory", num(1 << 30), num(1<<30 + 1), false},
		{vm, "name", text("a"), cty.NilVal, false},
		{vm, "name", cty.NilVal, cty.NilVal, true},
		{vm, "name", text("1"), num(1), false},
		{daemon, "settings", object("a", num(1)), cty.ObjectVal(map[string]cty.Value{"a": num(1), "b": cty.True}), true},
		{daemon, "settings", object("a", num(1)), object("a", num(2)), false},
		{daemon, "settings", object("a", cty.NullVal(cty.String)), cty.EmptyObjectVal, true},
		{service, "listen", StringSet("1/tcp"), StringSet("1/tcp", "2/tcp"), true},
		{service, "listen", StringSet("1/tcp", "2/tcp"), StringSet("1/tcp"), false},
		{service, "path./data.mode", text("775"), text("0775"), true},
		{service, "path./data.mode", text("0775"), text("0755"), false},
		{service, "path./data.mode", text("x"), text("x"), false},
	}
	for _, tt := range tests {
		a, _, _ := tt.kind.Lookup(tt.path)
		if a == nil {
			t.Errorf("%s has no %s", tt.kind.Name, tt.path)
			continue
		}
		if got := a.Same(tt.want, tt.have); got != tt.same {
			t.Errorf("%s: %s and %s are the same: %t", tt.path, ShowValue(tt.want), ShowValue(tt.have), got)
		}
	}
}

func TestKeysAndPropertyStrings(t *testing.T) {
	if !keysEqual(StringList("b", " a ", ""), StringList("a", "b")) || keysEqual(StringList("a"), StringList("a", "b")) {
		t.Error("SSH keys are a set of lines")
	}
	custom := wordsEqual(",", setEqual(strings.Clone))
	if !custom(cty.StringVal("a=1,b=2"), cty.StringVal("b=2,a=1")) || custom(cty.StringVal("a=1"), cty.StringVal("a=2")) {
		t.Error("property strings have no order")
	}
}

// TestSameInUse: where nothing is configured the default is in use.
func TestSameInUse(t *testing.T) {
	withDefault, without := KindOf("vm").Attr("onboot"), KindOf("vm").Attr("name")
	tests := []struct {
		a                   *Attr
		configured, running cty.Value
		same                bool
	}{
		{withDefault, cty.NilVal, cty.False, true},
		{withDefault, cty.NilVal, cty.True, false},
		{withDefault, cty.True, cty.NilVal, false},
		{without, cty.NilVal, cty.NilVal, true},
		{without, cty.NilVal, cty.StringVal("a"), false},
		{without, cty.StringVal("a"), cty.StringVal("a"), true},
	}
	for _, tt := range tests {
		if got := tt.a.SameInUse(tt.configured, tt.running); got != tt.same {
			t.Errorf("%s: configured %s, running %s: %t", tt.a.Name, ShowValue(tt.configured), ShowValue(tt.running), got)
		}
	}
}

func TestSizesAtTheEdge(t *testing.T) {
	good := map[string]int64{"8GiB": 8 * GiB, "512M": 512 * MiB, "1.5T": TiB + TiB/2, " 1 KB ": KiB, "7B": 7, "0G": 0, "9007199254740993B": 9007199254740993}
	for s, want := range good {
		if got, err := ParseSize(s); err != nil || got != want {
			t.Errorf("%q: %d %v", s, got, err)
		}
	}
	for s, says := range map[string]string{
		"8": "no unit", "": "not a size", "GiB": "not a size", "-1GiB": "not a size", "1e3GiB": "not a size", "1/2GiB": "not a size", "0.3B": "whole number",
		"8388608TiB": "whole number", "1000000000000000000000000000B": "not a size",
	} {
		if _, err := ParseSize(s); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want one that says %q", s, err, says)
		}
	}
	for _, n := range []int64{0, 1, 1023, KiB, MiB, MiB + KiB, 3 * GiB, TiB, 5*TiB + 1} {
		if got, err := ParseSize(FormatSize(n)); err != nil || got != n {
			t.Errorf("%d is written %s and read as %d: %v", n, FormatSize(n), got, err)
		}
	}
	if FormatSize(0) != "0MiB" || FormatSize(2*TiB) != "2TiB" || FormatSize(1536*MiB) != "1536MiB" {
		t.Error("the largest unit that gives a whole number")
	}
}

func TestShow(t *testing.T) {
	vm := KindOf("vm")
	tests := []struct {
		path Path
		v    cty.Value
		want string
	}{
		{"memory", Size(8 * GiB), "8 GiB"},
		{"memory", cty.NilVal, "(none)"},
		{"startup.up", cty.NumberIntVal(30), "30 seconds"},
		{"name", cty.StringVal("a"), `"a"`},
		{"tags", StringSet("b", "a"), "[a, b]"},
		{"onboot", cty.True, "true"},
		{"memory", cty.StringVal("x"), `"x"`},
		{"memory", Size(0), "0 MiB"},
	}
	for _, tt := range tests {
		a, _, _ := vm.Lookup(tt.path)
		if got := a.Show(tt.v); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.path, got, tt.want)
		}
	}
	secret := &Attr{Secret: true, Type: cty.String}
	if got := secret.Show(cty.StringVal("CANARY")); got != "(secret)" {
		t.Errorf("got %s", got)
	}
}
