package inventory

import (
	"encoding/json"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestAddressesReadBack: every address is read back from what it is written as, alone,
// with a path behind it, and as JSON.
func TestAddressesReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := Address{
			Kind: rapid.StringMatching(`[a-z][a-z0-9_]{0,5}`).Draw(t, "kind"),
			Name: rapid.StringMatching(`[A-Za-z_][A-Za-z0-9_-]{0,8}`).Draw(t, "name"),
			Key:  rapid.StringMatching(`[a-z0-9 .-]{0,4}`).Draw(t, "key"),
		}
		path := Path(rapid.SampledFrom([]string{"", "memory", "network.net0.vlan"}).Draw(t, "path"))
		text := a.String()
		if path != "" {
			text += "." + string(path)
		}
		if got, rest, err := ParseAddress(text); err != nil || got != a || rest != path {
			t.Fatalf("%s is read as %v and %q: %v", text, got, rest, err)
		}
		raw, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		var back Address
		if err := json.Unmarshal(raw, &back); err != nil || back != a || back.IsZero() {
			t.Fatalf("%s is read as %v: %v", raw, back, err)
		}
	})
}

func TestNoAddress(t *testing.T) {
	for _, text := range []string{"", "vm", "vm.", ".media", "VM.media", "vm.1media", `vm.a["b]`, "vm.media."} {
		if a, rest, err := ParseAddress(text); err == nil {
			t.Errorf("%q is read as %v and %q", text, a, rest)
		}
	}
	for _, text := range []string{`"vm.media.memory"`, `"vm"`} {
		a := Address{Kind: "lxc", Name: "before"}
		if err := json.Unmarshal([]byte(text), &a); err == nil || a.Name != "before" {
			t.Errorf("%s is read as %v", text, a)
		}
	}
	if !(Address{}).IsZero() || (Address{Key: "a"}).IsZero() {
		t.Error("the zero address alone names nothing")
	}
}

func TestNaturalOrder(t *testing.T) {
	ordered := []string{"", "1", "01b", "2", "10", "a", "a1", "a1b", "a2", "a02b", "a10", "aa", "b"}
	for i, a := range ordered {
		for j, b := range ordered {
			if got := NaturalCompare(a, b); got < 0 != (i < j) || got > 0 != (i > j) {
				t.Errorf("%q against %q: %d", a, b, got)
			}
		}
	}
	addresses := []Address{
		{Kind: "lxc", Name: "z"}, {Kind: "vm", Name: "web2"}, {Kind: "vm", Name: "web2", Key: "9"}, {Kind: "vm", Name: "web2", Key: "10"}, {Kind: "vm", Name: "web10"},
	}
	shuffled := []Address{addresses[3], addresses[1], addresses[4], addresses[0], addresses[2]}
	slices.SortFunc(shuffled, CompareAddress)
	if !slices.Equal(shuffled, addresses) {
		t.Errorf("got %v", shuffled)
	}
}

func TestPaths(t *testing.T) {
	tests := []struct {
		path, parent Path
		leaf         string
		in, notIn    []Path
	}{
		{path: "memory", leaf: "memory", in: []Path{"memory"}, notIn: []Path{"mem", "memory.x", ""}},
		{path: "network.net0.vlan", parent: "network.net0", leaf: "vlan", in: []Path{"network", "network.net0", "network.net0.vlan"}, notIn: []Path{"net", "network.net", "network.net0.vla"}},
	}
	for _, tt := range tests {
		if tt.path.Parent() != tt.parent || tt.path.Leaf() != tt.leaf {
			t.Errorf("%s: parent %q, leaf %q", tt.path, tt.path.Parent(), tt.path.Leaf())
		}
		for _, outer := range tt.in {
			if !tt.path.In(outer) {
				t.Errorf("%s is not in %s", tt.path, outer)
			}
		}
		for _, outer := range tt.notIn {
			if tt.path.In(outer) {
				t.Errorf("%s is in %q", tt.path, outer)
			}
		}
	}
}

func TestIdentities(t *testing.T) {
	tests := []struct {
		identity, cluster, host, local string
		vmid                           int
	}{
		{identity: "home/111", cluster: "home", host: "home", local: "111", vmid: 111},
		{identity: "home/scratch", cluster: "home", host: "home", local: "scratch"},
		{identity: "docker:media", cluster: "docker:media", host: "media"},
		{identity: "docker:media/7", cluster: "docker:media", host: "media", local: "7"},
		{identity: ""},
	}
	for _, tt := range tests {
		if ClusterOf(tt.identity) != tt.cluster || HostOf(tt.identity) != tt.host || LocalOf(tt.identity) != tt.local || VMID(tt.identity) != tt.vmid {
			t.Errorf("%q: cluster %q, host %q, local %q, vmid %d", tt.identity, ClusterOf(tt.identity), HostOf(tt.identity), LocalOf(tt.identity), VMID(tt.identity))
		}
	}
	if got := DockerIdentity("media", "radarr"); HostOf(got) != "media" || LocalOf(got) != "radarr" {
		t.Errorf("got %q", got)
	}
	if got := DockerIdentity("media", ""); got != "docker:media" {
		t.Errorf("got %q", got)
	}
	if !IsGuest("vm") || !IsGuest("lxc") || IsGuest(KindDaemon) || IsGuest("") {
		t.Error("guests are vm and lxc")
	}
}

func TestLabels(t *testing.T) {
	for name, want := range map[string]string{
		"media": "media", "Media Server": "media-server", "a__b--c": "a-b-c", "--x": "x", "x--": "x", "z9": "z9", "az": "az",
		"": "vm-7", "9lives": "vm-7", "öäü": "vm-7", "tpl-ubuntu-24.04": "tpl-ubuntu-24-04",
	} {
		if got := Label(name, 7); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func TestDidYouMean(t *testing.T) {
	known := []string{"memory", "cores", "onboot"}
	for given, want := range map[string]string{
		"memroy": ` Did you mean "memory"?`, "core": ` Did you mean "cores"?`, "mem": "", "ab": "", "x": "", "cor": ` Did you mean "cores"?`, "xxxxonboot": "", "xxxonboot": ` Did you mean "onboot"?`,
	} {
		if got := DidYouMean(given, known); got != want {
			t.Errorf("%q: %q, want %q", given, got, want)
		}
	}
	if got := DidYouMean("cores2", []string{"cores1", "cores"}); got != ` Did you mean "cores1"?` {
		t.Errorf("of two that are as near the first counts: %q", got)
	}
}
