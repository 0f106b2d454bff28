package inventory

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"
)

func TestHeavier(t *testing.T) {
	ordered := []Verdict{VerdictInSync, VerdictTerraformStale, VerdictPendingReboot, VerdictMissing, VerdictPendingChange, VerdictDrift, VerdictConflict}
	for i, a := range ordered {
		for j, b := range ordered {
			if got := Heavier(a, b); got != ordered[max(i, j)] {
				t.Errorf("%s and %s: %s", a, b, got)
			}
		}
	}
	if Heavier(VerdictUnknown, VerdictInSync) != VerdictUnknown {
		t.Error("of two that weigh the same the first stays")
	}
}

func TestWriting(t *testing.T) {
	writes := map[Verdict]bool{VerdictDrift: true, VerdictPendingChange: true, VerdictConflict: true}
	var c Change
	for _, v := range []Verdict{VerdictInSync, VerdictTerraformStale, VerdictPendingReboot, VerdictMissing, VerdictPendingChange, VerdictDrift, VerdictConflict, VerdictUnknown} {
		c.Fields = append(c.Fields, FieldChange{Path: Path(v), Verdict: v})
	}
	for i := range c.Fields {
		if f := &c.Fields[i]; f.Writes() != writes[f.Verdict] || c.Field(f.Path) != f {
			t.Errorf("%s writes: %t", f.Verdict, f.Writes())
		}
	}
	if got := c.Writing(); len(got) != len(writes) {
		t.Errorf("got %v", got)
	}
	if c.Field("other") != nil {
		t.Error("there is no such field")
	}
	for range 2 {
		c.Block("locked", "by %s", "backup")
	}
	if c.Block("locked", "by %s", "clone"); !slices.Equal(c.Blocked, []Reason{{"locked", "by backup"}, {"locked", "by clone"}}) {
		t.Errorf("got %v", c.Blocked)
	}
}

// TestProbe: what a look must show for a step to have happened. A look that failed shows
// nothing, and neither does a guest that is still being made.
func TestProbe(t *testing.T) {
	guest := func(attrs, running Attrs) *Observation {
		return &Observation{State: Present, Resource: Resource{Addr: Address{Kind: "vm", Name: "a"}, Attrs: attrs}, Running: running}
	}
	eight := Attrs{"memory": Size(8 * GiB)}
	locked := func(lock string) *Observation { o := guest(eight, nil); o.Lock = lock; return o }
	is := func(p Path, v cty.Value) Probe { return Probe{State: "present", Fields: map[Path]Value{p: {v}}} }
	tests := []struct {
		name    string
		probe   Probe
		o       *Observation
		holds   bool
		evident bool
	}{
		{name: "unknown", probe: Probe{}, o: &Observation{}},
		{name: "present", probe: Probe{State: "present"}, o: guest(nil, nil), holds: true},
		{name: "absent wanted, present", probe: Probe{State: "absent"}, o: guest(nil, nil), evident: true},
		{name: "absent", probe: Probe{State: "absent"}, o: &Observation{State: Absent}, holds: true, evident: true},
		{name: "present wanted, absent", probe: Probe{State: "present"}, o: &Observation{State: Absent}},
		{name: "being created", probe: Probe{State: "present"}, o: locked("create")},
		{name: "being cloned", probe: Probe{State: "present"}, o: locked("clone")},
		{name: "being backed up", probe: Probe{State: "present"}, o: locked("backup"), holds: true},
		{name: "a value", probe: is("memory", Size(8*GiB)), o: guest(eight, nil), holds: true, evident: true},
		{name: "another value", probe: is("memory", Size(4*GiB)), o: guest(eight, nil), evident: true},
		{name: "no such field", probe: is("memroy", Size(8*GiB)), o: guest(eight, nil), evident: true},
		{name: "a default that is not written", probe: is("onboot", cty.False), o: guest(nil, nil), holds: true, evident: true},
		{name: "a device that is gone", probe: is("network.net1.absent", cty.True), o: guest(eight, nil), holds: true, evident: true},
		{name: "a device that is there", probe: is("network.net1.absent", cty.True), o: guest(Attrs{"network.net1.bridge": cty.StringVal("vmbr0")}, nil), evident: true},
		{name: "in use", probe: Probe{Running: []Path{"memory"}}, o: guest(eight, eight), holds: true, evident: true},
		{name: "not in use yet", probe: Probe{Running: []Path{"memory"}}, o: guest(eight, Attrs{"memory": Size(4 * GiB)}), evident: true},
		{name: "stopped, so nothing is in use", probe: Probe{Running: []Path{"memory"}}, o: guest(eight, nil), evident: true},
		{name: "no such field in use", probe: Probe{Running: []Path{"memroy"}}, o: guest(eight, eight), evident: true},
		{name: "a device that still runs", probe: Probe{Running: []Path{"network.net1.absent"}}, o: guest(eight, Attrs{"network.net1.bridge": cty.StringVal("vmbr0")}), evident: true},
	}
	for _, tt := range tests {
		if got := tt.probe.Holds(tt.o); got != tt.holds {
			t.Errorf("%s: holds %t", tt.name, got)
		}
		if got := tt.probe.Evident(); got != tt.evident {
			t.Errorf("%s: evident %t", tt.name, got)
		}
	}
}

func TestImpacts(t *testing.T) {
	seen := map[string]bool{}
	for i := ImpactLive; i <= ImpactRootOnly; i++ {
		raw, err := json.Marshal(i)
		if err != nil {
			t.Fatal(err)
		}
		back := ImpactDestroy
		if err := json.Unmarshal(raw, &back); err != nil || back != i {
			t.Errorf("%s is read as %v: %v", raw, back, err)
		}
		for _, kind := range []string{"vm", "docker_daemon"} {
			words := i.Words(kind)
			if i > ImpactLive && i < ImpactRootOnly && seen[words] {
				t.Errorf("%q is said of two", words)
			}
			seen[words] = true
		}
	}
	for want, i := range map[string]Impact{"Impact(-1)": -1, "Impact(6)": 6, "live": 0, "root_only": 5} {
		if i.String() != want {
			t.Errorf("%d is %s, want %s", int(i), i, want)
		}
	}
	back := ImpactOutage
	if err := json.Unmarshal([]byte(`"mild"`), &back); err == nil || back != ImpactOutage {
		t.Errorf("mild is read as %s", back)
	}
	if got := ImpactRestart.Words("docker_daemon"); got != "restarts the daemon" {
		t.Errorf("got %q", got)
	}
}

func TestClaims(t *testing.T) {
	var none *Claims
	if none.Of("home/1") != nil || none.Unread("p") != nil || none.Identities() != nil || none.All() != nil {
		t.Error("no claims claim nothing")
	}
	c := NewClaims([]Claim{
		{Address: "first", Identity: "home/2"},
		{Address: "second", Identity: "home/2"},
		{Address: "unknown"},
		{Address: "third", Identity: "home/1"},
		{Address: "named", Identity: "home/1", Named: true},
	}, map[string][]string{"proxmox.home": {"terraform.x"}})
	if got := c.Of("home/2"); got == nil || got.Address != "first" {
		t.Errorf("of several the first counts: %+v", got)
	}
	if got := c.Of("home/1"); got == nil || got.Address != "named" {
		t.Errorf("what a manifest names counts more: %+v", got)
	}
	if c.Of("") != nil || c.Of("home/3") != nil {
		t.Error("nothing is claimed of it")
	}
	if !slices.Equal(c.Identities(), []string{"home/1", "home/2"}) || len(c.All()) != 5 || len(c.Unread("proxmox.home")) != 1 || c.Unread("other") != nil {
		t.Errorf("got %v, %d, %v", c.Identities(), len(c.All()), c.Unread("proxmox.home"))
	}
}

func TestIgnoreOf(t *testing.T) {
	day := time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)
	p := Policy{Ignore: []Ignore{{Path: "description", Until: day, Reason: "past"}, {Path: "network", Until: day.Add(time.Hour)}, {Path: "tags"}}}
	for path, want := range map[Path]*Ignore{"description": nil, "network.net0.vlan": &p.Ignore[1], "tags": &p.Ignore[2], "tag": nil} {
		if got := p.IgnoreOf(path, day); got != want {
			t.Errorf("%s: %+v", path, got)
		}
	}
}

func TestSnapshotOrder(t *testing.T) {
	at := func(name, identity string) Observation {
		return Observation{Resource: Resource{Addr: Address{Kind: "vm", Name: name}, Identity: identity}}
	}
	s := Snapshot{Observations: []Observation{at("b", "home/3"), at("a", "home/10"), at("a", "home/9")}, Nodes: []Node{{Name: "node10"}, {Name: "node9"}}}
	s.Sort()
	var got []string
	for _, o := range s.Observations {
		got = append(got, o.Resource.Identity)
	}
	if !slices.Equal(got, []string{"home/9", "home/10", "home/3"}) || s.Nodes[0].Name != "node9" {
		t.Errorf("got %v, %v", got, s.Nodes)
	}
	by := s.ByIdentity()
	if len(by) != 3 || by["home/10"] != &s.Observations[1] {
		t.Error("the observations by identity are those of the snapshot")
	}
	for p, want := range map[Presence]string{Unknown: "unknown", Present: "present", Absent: "absent"} {
		if p.String() != want {
			t.Errorf("%d is %s", p, p)
		}
	}
}

func TestTimestamp(t *testing.T) {
	at := time.Date(2026, 11, 26, 10, 0, 0, 999, time.FixedZone("", 3600))
	if Timestamp(at) != "2026-11-26T09:00:00Z" || Timestamp(time.Time{}) != "" {
		t.Errorf("got %s", Timestamp(at))
	}
}
