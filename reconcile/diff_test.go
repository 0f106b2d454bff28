package reconcile

import (
	"strings"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"recon/inventory"
)

const gib = inventory.GiB

// guest makes a declared VM and what was seen of it.
func guest(want, live, running inventory.Attrs) (inventory.Resource, inventory.Observation) {
	addr := inventory.Address{Kind: "vm", Name: "media"}
	w := inventory.Resource{Addr: addr, Identity: "home/111", Provider: "proxmox.home", Attrs: inventory.Attrs{"vmid": cty.NumberIntVal(111)}}
	for p, v := range want {
		w.Attrs[p] = v
	}
	o := inventory.Observation{State: inventory.Present, Running: running, Digest: "d1", Resource: inventory.Resource{Addr: addr, Identity: "home/111", Attrs: live}}
	return w, o
}

func input(w inventory.Resource, o inventory.Observation) Input {
	return Input{
		Desired: []inventory.Resource{w}, Snapshots: []inventory.Snapshot{{Observations: []inventory.Observation{o}}},
		Now: time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC),
	}
}

// TestVerdicts is the table of the four values.
func TestVerdicts(t *testing.T) {
	size := func(n int64) cty.Value {
		if n == 0 {
			return cty.NilVal
		}
		return inventory.Size(n * gib)
	}
	cases := []struct {
		name                             string
		desired, live, running, last, tf int64
		want                             inventory.Verdict
	}{
		{"all agree", 8, 8, 8, 8, 8, inventory.VerdictInSync},
		{"agree without witnesses", 8, 8, 8, 0, 0, inventory.VerdictInSync},
		{"agree, stopped", 8, 8, 0, 8, 0, inventory.VerdictInSync},
		{"in use differs", 8, 8, 4, 8, 0, inventory.VerdictPendingReboot},
		{"Terraform differs", 8, 8, 8, 8, 4, inventory.VerdictTerraformStale},
		{"nobody knows", 8, 4, 4, 0, 0, inventory.VerdictDiffers},
		{"live moved", 8, 4, 4, 8, 0, inventory.VerdictDrift},
		{"live moved, Terraform is the base", 8, 4, 4, 0, 8, inventory.VerdictDrift},
		{"the manifest moved", 8, 4, 4, 4, 0, inventory.VerdictPendingChange},
		{"the manifest moved, Terraform is the base", 8, 4, 4, 0, 4, inventory.VerdictPendingChange},
		{"last applied outweighs Terraform", 8, 4, 4, 8, 4, inventory.VerdictDrift},
		{"both moved", 8, 4, 4, 2, 0, inventory.VerdictConflict},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var running inventory.Attrs
			if c.running != 0 {
				running = inventory.Attrs{"memory": size(c.running)}
			}
			w, o := guest(inventory.Attrs{"memory": size(c.desired)}, inventory.Attrs{"memory": size(c.live)}, running)
			in := input(w, o)
			if c.last != 0 {
				in.LastApplied = map[inventory.Address]inventory.Applied{w.Addr: {Identity: w.Identity, Attrs: inventory.Attrs{"memory": size(c.last)}}}
			}
			if c.tf != 0 {
				in.Claims = inventory.NewClaims([]inventory.Claim{{Witness: "terraform.x", Identity: "home/111", Said: inventory.Attrs{"memory": size(c.tf)}}}, nil)
			}
			got := inventory.VerdictInSync
			if changes := Diff(in); len(changes) > 0 {
				got = changes[0].Verdict
			}
			if got != c.want {
				t.Errorf("verdict is %s, not %s", got, c.want)
			}
		})
	}
}

// TestBases: without a last applied value and without Terraform, what was remembered
// when the manifest began to speak of a field, and what it said before, tell which side
// moved; and where nothing tells it, nothing is told.
func TestBases(t *testing.T) {
	size := func(n int64) cty.Value { return inventory.Size(n * gib) }
	null := cty.NullVal(cty.String)
	before := func(v cty.Value) *Before { return &Before{Value: inventory.Value{Value: v}} }
	cases := map[string]struct {
		known  bool            // the resource was written down before
		bases  inventory.Attrs // what was remembered
		past   *Before
		absent bool // live has no value
		want   inventory.Verdict
	}{
		"a field that is new in the manifest":              {known: true, want: inventory.VerdictPendingChange},
		"a new field that live does not have":              {known: true, absent: true, want: inventory.VerdictPendingChange},
		"written down before, base is live":                {known: true, bases: inventory.Attrs{"memory": size(4)}, want: inventory.VerdictPendingChange},
		"written down before, base is the wish":            {known: true, bases: inventory.Attrs{"memory": size(8)}, want: inventory.VerdictDrift},
		"written down before, base is neither":             {known: true, bases: inventory.Attrs{"memory": size(2)}, want: inventory.VerdictConflict},
		"written down before, and nobody knew":             {known: true, bases: inventory.Attrs{"memory": null}, want: inventory.VerdictDiffers},
		"written down before, nobody knew, history does":   {known: true, bases: inventory.Attrs{"memory": null}, past: &Before{Never: true}, want: inventory.VerdictDrift},
		"no ledger, the manifest never said anything else": {past: &Before{Never: true}, want: inventory.VerdictDrift},
		"no ledger, the manifest said what live is":        {past: before(size(4)), want: inventory.VerdictPendingChange},
		"no ledger, the manifest said a third thing":       {past: before(size(2)), want: inventory.VerdictConflict},
		"no ledger, the manifest said nothing":             {past: &Before{}, want: inventory.VerdictPendingChange},
		"no ledger, said nothing, live has none":           {past: &Before{}, absent: true, want: inventory.VerdictPendingChange},
		"no ledger and no history":                         {want: inventory.VerdictDiffers},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			live := inventory.Attrs{"memory": size(4)}
			if c.absent {
				live = nil
			}
			w, o := guest(inventory.Attrs{"memory": size(8)}, live, nil)
			in := input(w, o)
			if c.known {
				in.LastApplied = map[inventory.Address]inventory.Applied{w.Addr: {Identity: w.Identity, Attrs: inventory.Attrs{}, Bases: c.bases}}
			}
			if c.past != nil {
				in.Past = Past{w.Addr: {"memory": *c.past}}
			}
			if got := Diff(in)[0].Verdict; got != c.want {
				t.Errorf("verdict is %s, not %s", got, c.want)
			}
		})
	}
}

// TestRenamedBlock: a block under another address keeps what is remembered of its
// guest, and the lines of moved are given.
func TestRenamedBlock(t *testing.T) {
	w, o := guest(inventory.Attrs{"memory": inventory.Size(8 * gib)}, inventory.Attrs{"memory": inventory.Size(4 * gib)}, nil)
	old := inventory.Address{Kind: w.Addr.Kind, Name: "before"}
	in := input(w, o)
	in.LastApplied = map[inventory.Address]inventory.Applied{old: {Identity: w.Identity, Attrs: inventory.Attrs{"memory": inventory.Size(8 * gib)}}}
	if got := Diff(in)[0].Verdict; got != inventory.VerdictDrift {
		t.Errorf("verdict is %s", got)
	}
	found := in.renamedBlocks()
	if len(found) != 1 || !strings.Contains(found[0].Fix, "from = "+old.String()) {
		t.Errorf("findings: %v", found)
	}
	in.LastApplied[w.Addr] = inventory.Applied{Identity: w.Identity}
	if found := in.renamedBlocks(); len(found) != 0 {
		t.Errorf("a block that is known: %v", found)
	}
}

func TestUnknownIsNotCompared(t *testing.T) {
	w, o := guest(inventory.Attrs{"memory": inventory.Size(8 * gib)}, nil, nil)
	o.State = inventory.Unknown
	if c := Diff(input(w, o)); len(c) != 0 {
		t.Errorf("an unknown resource gave a change: %v", c)
	}
	if c := Diff(Input{Desired: []inventory.Resource{w}}); len(c) != 0 {
		t.Errorf("a resource that no snapshot mentions gave a change: %v", c)
	}
}

func TestAbsence(t *testing.T) {
	w, o := guest(inventory.Attrs{"memory": inventory.Size(8 * gib)}, nil, nil)
	o.State = inventory.Absent
	if c := Diff(input(w, o)); len(c) != 1 || c[0].Action != inventory.ActionCreate || c[0].Verdict != inventory.VerdictMissing {
		t.Errorf("a missing resource: %v", c)
	}
	w.Policy.Absent = true
	if c := Diff(input(w, o)); len(c) != 0 {
		t.Errorf("a resource that shall be absent and is: %v", c)
	}
	o.State = inventory.Present
	if c := Diff(input(w, o)); len(c) != 1 || c[0].Action != inventory.ActionDelete || c[0].Impact != inventory.ImpactDestroy {
		t.Errorf("a resource that shall be absent and is not: %v", c)
	}
}

// TestAnotherGuestUnderTheVMID: a live name that is neither the declared nor the
// last applied one blocks every write.
func TestAnotherGuestUnderTheVMID(t *testing.T) {
	w, o := guest(inventory.Attrs{"name": cty.StringVal("media"), "memory": inventory.Size(8 * gib)}, inventory.Attrs{"name": cty.StringVal("other"), "memory": inventory.Size(4 * gib)}, nil)
	in := input(w, o)
	c := Diff(in)
	if len(c) != 1 || c[0].Verdict != inventory.VerdictConflict || len(c[0].Blocked) != 1 || c[0].Blocked[0].Code != "identity" {
		t.Fatalf("another name: %v", c)
	}
	in.LastApplied = map[inventory.Address]inventory.Applied{w.Addr: {Identity: w.Identity, Attrs: inventory.Attrs{"name": cty.StringVal("other")}}}
	if c := Diff(in); len(c) != 1 || len(c[0].Blocked) != 0 || c[0].Field("name").Verdict != inventory.VerdictPendingChange {
		t.Errorf("a rename: %v", c)
	}
	o.Resource.Addr.Kind = "lxc"
	if c := Diff(input(w, o)); len(c) != 1 || c[0].Blocked[0].Code != "kind" {
		t.Errorf("another kind: %v", c)
	}
}

// TestIgnore: an ignored field changes no verdict until its day has come.
func TestIgnore(t *testing.T) {
	w, o := guest(inventory.Attrs{"memory": inventory.Size(8 * gib)}, inventory.Attrs{"memory": inventory.Size(4 * gib)}, nil)
	w.Policy.Ignore = []inventory.Ignore{{Path: "memory", Until: time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)}}
	in := input(w, o)
	if c := Diff(in); len(c) != 0 {
		t.Errorf("an ignored field gave a change: %v", c)
	}
	in.Now = time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)
	if c := Diff(in); len(c) != 1 {
		t.Error("an expired rule still ignores")
	}
}

// TestWriteOnly: a password that Proxmox never tells is compared by its hash.
func TestWriteOnly(t *testing.T) {
	path := inventory.Path("cloud_init.password")
	w, o := guest(inventory.Attrs{path: cty.StringVal("secret")}, nil, nil)
	in := input(w, o)
	if c := Diff(in); len(c) != 1 {
		t.Error("a password that is not set there is no change")
	}
	o.Volatile.MaskedSet = []inventory.Path{path}
	in = input(w, o)
	if c := Diff(in); len(c) != 0 {
		t.Errorf("a password of which nothing is remembered: %v", c)
	}
	for password, want := range map[string]int{"secret": 0, "older": 1} {
		in.LastApplied = map[inventory.Address]inventory.Applied{w.Addr: {Identity: w.Identity, Attrs: inventory.Attrs{path: cty.StringVal(HashSecret(password))}}}
		if c := Diff(in); len(c) != want {
			t.Errorf("remembered %q: %d changes, not %d", password, len(c), want)
		}
	}
}

func TestBulkGuard(t *testing.T) {
	p := &Plan{Declared: 20}
	for range 11 {
		p.Changes = append(p.Changes, inventory.Change{Steps: []inventory.Step{{}}})
	}
	if CheckBulk(p, Limits{Changes: 10, Percent: 30}, Options{}) == nil {
		t.Error("11 of 20 are allowed")
	}
	p.Declared = 40
	if err := CheckBulk(p, Limits{Changes: 10, Percent: 30}, Options{}); err != nil {
		t.Errorf("11 of 40 are refused: %v", err)
	}
	if CheckEmpty(&Plan{}, 5) == nil || CheckEmpty(&Plan{}, 0) != nil || CheckEmpty(&Plan{Declared: 1}, 5) != nil {
		t.Error("the guard against empty manifests")
	}
}
