package reconcile

import (
	"slices"
	"testing"
	"time"

	"recon/inventory"

	"github.com/zclconf/go-cty/cty"
	"pgregory.net/rapid"
)

func look(attrs inventory.Attrs, v inventory.Volatile) *inventory.Observation {
	return &inventory.Observation{State: inventory.Present, Volatile: v, Resource: inventory.Resource{Addr: inventory.Address{Kind: "vm", Name: "a"}, Identity: "home/111", Attrs: attrs}}
}

func TestMoves(t *testing.T) {
	boot := time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC)
	up := inventory.Volatile{Status: "running", Node: "pve1", Since: boot, Raw: map[string]string{}}
	with := func(change func(*inventory.Volatile)) inventory.Volatile {
		v := up
		change(&v)
		return v
	}
	attrs := inventory.Attrs{"cores": cty.NumberIntVal(2), "name": cty.StringVal("a"), "network.net0.bridge": cty.StringVal("vmbr0")}
	and := func(p inventory.Path, v cty.Value) inventory.Attrs {
		out := inventory.Attrs{p: v}
		for k, o := range attrs {
			if k != p {
				out[k] = o
			}
		}
		return out
	}
	cases := map[string]struct {
		old, now *inventory.Observation
		want     []inventory.EventKind
		fields   []inventory.Path
	}{
		"nothing":              {look(attrs, up), look(attrs, up), nil, nil},
		"a default written":    {look(attrs, up), look(and("onboot", cty.False), up), nil, nil},
		"an attribute":         {look(attrs, up), look(and("cores", cty.NumberIntVal(4)), up), []inventory.EventKind{inventory.Changed}, []inventory.Path{"cores"}},
		"one that nobody has":  {look(attrs, up), look(and("onboot", cty.True), up), []inventory.EventKind{inventory.Changed}, []inventory.Path{"onboot"}},
		"a device":             {look(attrs, up), look(and("network.net1.bridge", cty.StringVal("vmbr1")), up), []inventory.EventKind{inventory.Changed}, []inventory.Path{"network.net1.bridge"}},
		"a device gone":        {look(and("network.net1.bridge", cty.StringVal("vmbr1")), up), look(attrs, up), []inventory.EventKind{inventory.Changed}, []inventory.Path{"network.net1.bridge"}},
		"the name":             {look(attrs, up), look(and("name", cty.StringVal("b")), up), []inventory.EventKind{inventory.Renamed}, []inventory.Path{"name"}},
		"the node":             {look(attrs, up), look(attrs, with(func(v *inventory.Volatile) { v.Node = "pve2" })), []inventory.EventKind{inventory.Moved}, []inventory.Path{"node"}},
		"stopped":              {look(attrs, up), look(attrs, with(func(v *inventory.Volatile) { v.Status, v.Since = "stopped", time.Time{} })), []inventory.EventKind{inventory.Stopped}, nil},
		"started":              {look(attrs, with(func(v *inventory.Volatile) { v.Status = "stopped" })), look(attrs, up), []inventory.EventKind{inventory.Started}, nil},
		"restarted":            {look(attrs, up), look(attrs, with(func(v *inventory.Volatile) { v.Since = boot.Add(time.Hour) })), []inventory.EventKind{inventory.Restarted}, nil},
		"uptime told in steps": {look(attrs, up), look(attrs, with(func(v *inventory.Volatile) { v.Since = boot.Add(20 * time.Second) })), nil, nil},
		"a password set":       {look(attrs, up), look(attrs, with(func(v *inventory.Volatile) { v.MaskedSet = []inventory.Path{"cloud_init.password"} })), []inventory.EventKind{inventory.Changed}, []inventory.Path{"cloud_init.password"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var kinds []inventory.EventKind
			var fields []inventory.Path
			for _, e := range Moves(c.old, c.now) {
				kinds = append(kinds, e.Kind)
				for _, f := range e.Fields {
					fields = append(fields, f.Name)
				}
			}
			if !slices.Equal(kinds, c.want) || !slices.Equal(fields, c.fields) {
				t.Errorf("told %v of %v", kinds, fields)
			}
		})
	}
}

// TestNothingIsSilent: any attribute that may be told, set to any other value of its
// type, is told once; and the other way too.
func TestNothingIsSilent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom([]*inventory.Kind{inventory.KindOf("vm"), inventory.KindOf("lxc")}).Draw(t, "kind")
		p, attr := anyPath(t, kind)
		from, to := anyValue(t, attr, "from"), anyValue(t, attr, "to")
		old, now := look(inventory.Attrs{p: from}, inventory.Volatile{}), look(inventory.Attrs{p: to}, inventory.Volatile{})
		old.Resource.Addr.Kind, now.Resource.Addr.Kind = kind.Name, kind.Name
		n := 0
		for _, e := range Moves(old, now) {
			for _, f := range e.Fields {
				if f.Name == p {
					n++
				}
			}
		}
		want := 1
		comes := p == "watchdog.model" && inventory.IsNull(from) != inventory.IsNull(to) // the one device that is all default
		if !Told(attr) || !comes && attr.Same(from, to) && attr.Same(to, from) {
			want = 0
		}
		if n != want {
			t.Fatalf("%s %#v -> %#v is told %d times, not %d", p, from, to, n, want)
		}
	})
}

func anyPath(t *rapid.T, kind *inventory.Kind) (inventory.Path, *inventory.Attr) {
	type place struct {
		p inventory.Path
		a *inventory.Attr
	}
	var all []place
	for _, a := range kind.Attrs {
		all = append(all, place{inventory.Path(a.Name), a})
	}
	for _, b := range kind.Blocks {
		slot := ""
		if len(b.Slots) > 0 {
			slot = b.Slots[0].Prefix + "1"
		}
		if b.Labelled() && slot == "" || !b.Labelled() && slot != "" || b.Labelled() && !b.HasSlot(slot) {
			continue
		}
		for _, a := range b.Attrs {
			all = append(all, place{b.Path(slot, a.Name), a})
		}
	}
	one := rapid.SampledFrom(all).Draw(t, "path")
	return one.p, one.a
}

func anyValue(t *rapid.T, a *inventory.Attr, label string) cty.Value {
	word := rapid.StringMatching(`[a-z0-9]{1,8}`)
	if rapid.IntRange(0, 4).Draw(t, label+" null") == 0 {
		return cty.NilVal
	}
	switch {
	case a.Type.Equals(cty.Number):
		return cty.NumberIntVal(rapid.Int64Range(0, 1<<40).Draw(t, label))
	case a.Type.Equals(cty.Bool):
		return cty.BoolVal(rapid.Bool().Draw(t, label))
	case a.Type.IsSetType():
		return inventory.StringSet(rapid.SliceOfN(word, 0, 3).Draw(t, label)...)
	case a.Type.IsListType():
		return inventory.StringList(rapid.SliceOfN(word, 0, 3).Draw(t, label)...)
	}
	return cty.StringVal(word.Draw(t, label))
}
