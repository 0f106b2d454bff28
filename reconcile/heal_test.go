package reconcile

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"
	"pgregory.net/rapid"

	"recon/inventory"
)

var healNow = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// drifted is a change of a guest whose description somebody changed outside, and whose
// manifest has it healed.
func drifted(i int) inventory.Change {
	attr, _, _ := inventory.KindOf("vm").Lookup("description")
	addr := inventory.Address{Kind: "vm", Name: fmt.Sprint("g", i)}
	c := inventory.Change{
		Addr: addr, Action: inventory.ActionUpdate, Verdict: inventory.VerdictDrift, Want: inventory.Resource{Addr: addr, Identity: fmt.Sprint("home/", 100+i), Provider: "proxmox.home"},
		Fields: []inventory.FieldChange{{Path: "description", Attr: attr, Desired: cty.StringVal("a"), Live: cty.StringVal("b"), LastApplied: cty.StringVal("a"), Verdict: inventory.VerdictDrift}},
		Steps:  []inventory.Step{{Method: "PUT", Path: "/config", Impact: inventory.ImpactLive, TakesDigest: true, Repeatable: true}},
	}
	c.Want.Policy.OnDrift, c.Want.Policy.Heal = "heal", inventory.Heal{Allow: inventory.ImpactReload, AtMost: 3}
	return c
}

// seen is a ward in which an earlier run has seen the same.
func seen(changes ...inventory.Change) Ward {
	w := Ward{Now: healNow, Episodes: map[inventory.Address]Episode{}, Healings: map[inventory.Address]Healing{}, Decided: func(*inventory.Change) string { return "" }}
	for i := range changes {
		opened := healNow.Add(-time.Hour)
		w.Episodes[changes[i].Addr] = Episode{Address: changes[i].Addr, Fingerprint: Fingerprint(Drifted(&changes[i])), OpenedAt: opened, ChangedAt: opened}
	}
	return w
}

type oneWindow struct{ open bool }

func (w oneWindow) Holds(time.Time) bool        { return w.open }
func (w oneWindow) Next(at time.Time) time.Time { return at.Add(time.Hour) }
func (w oneWindow) String() string              { return "" }

// TestTriage is the table of what recon does by itself, and what it asks about.
func TestTriage(t *testing.T) {
	field := func(path inventory.Path) *inventory.Attr {
		attr, _, _ := inventory.KindOf("vm").Lookup(path)
		if attr == nil {
			t.Fatalf("no field %s", path)
		}
		return attr
	}
	ago := func(d time.Duration) time.Time { return healNow.Add(-d) }
	cases := []struct {
		name   string
		change func(*inventory.Change, *Ward)
		want   Course
		why    string
	}{
		{"a drift", func(*inventory.Change, *Ward) {}, CourseHeal, "on_drift"},
		{"report alone", func(c *inventory.Change, _ *Ward) { c.Want.Policy.OnDrift = "report" }, CoursePropose, "on_drift"},
		{"nothing to do", func(c *inventory.Change, _ *Ward) { c.Steps = nil }, CourseLeave, "nothing can be done"},
		{"blocked in part", func(c *inventory.Change, _ *Ward) { c.Block("x", "it is locked") }, CoursePropose, "it is locked"},
		{"seen for the first time", func(c *inventory.Change, w *Ward) { delete(w.Episodes, c.Addr) }, CourseWait, "seen once"},
		{"seen with another value", func(c *inventory.Change, w *Ward) { c.Fields[0].Live = cty.StringVal("c") }, CourseWait, "seen once"},
		{"seen a moment ago", func(c *inventory.Change, w *Ward) {
			e := w.Episodes[c.Addr]
			e.ChangedAt = ago(SeenTwice) // and up to a second less, since whole seconds are remembered
			w.Episodes[c.Addr] = e
		}, CourseWait, "seen once"},
		{"both moved", func(c *inventory.Change, _ *Ward) {
			c.Verdict, c.Fields[0].Verdict = inventory.VerdictConflict, inventory.VerdictConflict
		}, CoursePropose, "both"},
		{"a new manifest", func(c *inventory.Change, _ *Ward) {
			c.Verdict, c.Fields[0].Verdict = inventory.VerdictPendingChange, inventory.VerdictPendingChange
		}, CoursePropose, "the manifest has moved"},
		{"a drift beside a new wish", func(c *inventory.Change, _ *Ward) {
			c.Fields = append(c.Fields, inventory.FieldChange{Path: "name", Attr: field("name"), Desired: cty.StringVal("n"), Live: cty.StringVal("m"), Verdict: inventory.VerdictPendingChange})
		}, CoursePropose, "the manifest of name"},
		{"a drift beside what is ignored", func(c *inventory.Change, _ *Ward) {
			c.Fields = append(c.Fields, inventory.FieldChange{Path: "name", Attr: field("name"), Policy: "ignore", Verdict: inventory.VerdictConflict})
		}, CourseHeal, ""},
		{"a drift beside what waits for a restart", func(c *inventory.Change, _ *Ward) {
			c.Fields = append(c.Fields, inventory.FieldChange{Path: "cores", Attr: field("cores"), Verdict: inventory.VerdictPendingReboot})
		}, CourseHeal, ""},
		{"nobody knows which side moved", func(c *inventory.Change, _ *Ward) {
			c.Verdict, c.Fields[0].Verdict = inventory.VerdictDiffers, inventory.VerdictDiffers
		}, CoursePropose, "nobody knows"},
		{"a guest that is gone", func(c *inventory.Change, _ *Ward) {
			c.Action, c.Verdict = inventory.ActionCreate, inventory.VerdictMissing
			c.Fields = nil
		}, CoursePropose, "does not exist"},
		{"a guest that is made anew", func(c *inventory.Change, _ *Ward) { c.Action = inventory.ActionCreate }, CoursePropose, "not only be changed"},
		{"a guest to delete", func(c *inventory.Change, _ *Ward) { c.Action = inventory.ActionDelete }, CoursePropose, "deleted"},
		{"what destroys", func(c *inventory.Change, _ *Ward) { c.Steps[0].Impact = inventory.ImpactDestroy }, CourseLeave, "--allow destroy"},
		{"another node", func(c *inventory.Change, w *Ward) {
			c.Fields[0].Path, c.Fields[0].Attr = "node", field("node")
			*w = seen(*c)
		}, CoursePropose, "another node"},
		{"a volume's size", func(c *inventory.Change, w *Ward) {
			c.Have.Resource.Attrs = inventory.Attrs{"disk.scsi0.size": cty.NumberIntVal(1)}
			c.Fields[0].Path, c.Fields[0].Attr = "disk.scsi0.size", field("disk.scsi0.size")
			*w = seen(*c)
		}, CoursePropose, "volume"},
		{"a volume's storage", func(c *inventory.Change, w *Ward) {
			c.Have.Resource.Attrs = inventory.Attrs{"disk.scsi0.storage": cty.StringVal("a")}
			c.Fields[0].Path, c.Fields[0].Attr = "disk.scsi0.storage", field("disk.scsi0.storage")
			*w = seen(*c)
		}, CoursePropose, "volume"},
		{"the storage of what is suspended", func(c *inventory.Change, w *Ward) {
			c.Fields[0].Path, c.Fields[0].Attr = "vm_state_storage", field("vm_state_storage")
			*w = seen(*c)
		}, CourseHeal, ""},
		{"a device that is gone", func(c *inventory.Change, w *Ward) {
			c.Fields[0].Path, c.Fields[0].Attr = "network.net1.bridge", field("network.net1.bridge")
			*w = seen(*c)
		}, CoursePropose, "as a whole"},
		{"no way back", func(c *inventory.Change, _ *Ward) { c.Fields[0].NoWayBack = true }, CoursePropose, "taken back"},
		{"above the ceiling", func(c *inventory.Change, _ *Ward) {
			c.Steps = append(c.Steps, inventory.Step{Method: "POST", Impact: inventory.ImpactRestart, Restarts: true})
		}, CoursePropose, "more than a reload"},
		{"at the ceiling", func(c *inventory.Change, _ *Ward) {
			c.Want.Policy.Heal.Allow = inventory.ImpactRestart
			c.Steps = append(c.Steps, inventory.Step{Method: "POST", Impact: inventory.ImpactRestart, Restarts: true})
		}, CourseHeal, ""},
		{"by Terraform", func(c *inventory.Change, _ *Ward) { c.Steps[0].Provider = "terraform.x" }, CoursePropose, "Terraform"},
		{"a call that deletes", func(c *inventory.Change, _ *Ward) { c.Steps[0].Method = "DELETE" }, CoursePropose, "removes"},
		{"a call that keeps a volume", func(c *inventory.Change, _ *Ward) { c.Steps[0].Keeps = true }, CoursePropose, "makes or removes"},
		{"a call that makes", func(c *inventory.Change, _ *Ward) { c.Steps[0].Makes = true }, CoursePropose, "makes"},
		{"decided", func(_ *inventory.Change, w *Ward) {
			w.Decided = func(*inventory.Change) string { return "it was rejected by lena" }
		}, CourseLeave, "rejected"},
		{"frozen", func(_ *inventory.Change, w *Ward) { w.Frozen = "frozen by lena" }, CourseWait, "frozen"},
		{"healed once, a minute ago", func(c *inventory.Change, w *Ward) { w.Healings[c.Addr] = Healing{At: []time.Time{ago(time.Minute)}} }, CourseHeal, ""},
		{"healed once, less than that ago", func(c *inventory.Change, w *Ward) {
			w.Healings[c.Addr] = Healing{At: []time.Time{ago(59 * time.Second)}}
		}, CourseWait, "a moment ago"},
		{"healed twice", func(c *inventory.Change, w *Ward) {
			w.Healings[c.Addr] = Healing{At: []time.Time{ago(time.Hour), ago(time.Minute)}}
		}, CourseWait, "a moment ago"},
		{"healed three times a day", func(c *inventory.Change, w *Ward) {
			w.Healings[c.Addr] = Healing{At: []time.Time{ago(23 * time.Hour), ago(22 * time.Hour), ago(21 * time.Hour)}}
		}, CoursePropose, "at_most"},
		{"healed three times in two days", func(c *inventory.Change, w *Ward) {
			w.Healings[c.Addr] = Healing{At: []time.Time{ago(24 * time.Hour), ago(22 * time.Hour), ago(21 * time.Hour)}}
		}, CourseHeal, ""},
		{"put back twice", func(c *inventory.Change, w *Ward) {
			w.Healings[c.Addr] = Healing{At: []time.Time{ago(3 * time.Hour)}, Rounds: Drifts{"description": 2}}
			c.Have.Volatile.Changed.User = "ansible@pve"
		}, CoursePropose, "ansible@pve"},
		{"another field put back twice", func(c *inventory.Change, w *Ward) {
			w.Healings[c.Addr] = Healing{At: []time.Time{ago(3 * time.Hour)}, Rounds: Drifts{"name": 2}}
		}, CourseHeal, ""},
		{"an ignored field put back twice", func(c *inventory.Change, w *Ward) {
			c.Fields = append(c.Fields, inventory.FieldChange{Path: "name", Attr: field("name"), Policy: "ignore", Verdict: inventory.VerdictConflict})
			w.Healings[c.Addr] = Healing{At: []time.Time{ago(3 * time.Hour)}, Rounds: Drifts{"name": 2}}
		}, CourseHeal, ""},
		{"put back twice, and calm for a day", func(c *inventory.Change, w *Ward) {
			w.Healings[c.Addr] = Healing{At: []time.Time{ago(25 * time.Hour)}, Rounds: Drifts{"description": 2}}
		}, CourseHeal, ""},
		{"its window is closed", func(c *inventory.Change, _ *Ward) { c.Want.Policy.Heal.Window = oneWindow{} }, CourseWait, "opens 2026-06-01 13:00"},
		{"its window is open", func(c *inventory.Change, _ *Ward) { c.Want.Policy.Heal.Window = oneWindow{true} }, CourseHeal, ""},
	}
	for _, c := range cases {
		change := drifted(1)
		w := seen(change)
		c.change(&change, &w)
		got := Triages(&Plan{Changes: []inventory.Change{change}}, w)[0]
		if got.Course != c.want || !strings.Contains(got.Why, c.why) {
			t.Errorf("%s: %d, %q; want %d, %q", c.name, got.Course, got.Why, c.want, c.why)
		}
	}
}

// TestTriageIsBounded: whatever differs, a run heals no more than its share, and the first
// of them.
func TestTriageIsBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var changes []inventory.Change
		for i := range rapid.IntRange(0, 60).Draw(t, "guests") {
			c := drifted(i)
			if rapid.Bool().Draw(t, "report") {
				c.Want.Policy.OnDrift = "report"
			}
			changes = append(changes, c)
		}
		healed, asked := 0, false
		for _, tr := range Triages(&Plan{Changes: changes}, seen(changes...)) {
			if tr.Course == CourseHeal {
				if healed++; asked {
					t.Fatal("one is healed after one was left for its number")
				}
			}
			asked = asked || strings.Contains(tr.Why, "more than")
		}
		if healed > HealsARun {
			t.Fatalf("%d are healed", healed)
		}
	})
}

// TestHealingPauses: pauses double up to the longest, and the memory stays small.
func TestHealingPauses(t *testing.T) {
	h, at := Healing{}, healNow
	var pauses []time.Duration
	for range 40 {
		h = h.After(at, []inventory.Path{"name"})
		pauses = append(pauses, h.free().Sub(at))
		at = at.Add(time.Hour)
	}
	if pauses[0] != time.Minute || pauses[1] != 2*time.Minute || pauses[8] != 256*time.Minute || pauses[9] != 6*time.Hour || pauses[39] != 6*time.Hour {
		t.Errorf("the pauses are %v", pauses)
	}
	if len(h.At) != keptHealing || h.Rounds["name"] != 40 {
		t.Errorf("it remembers %d attempts and %v", len(h.At), h.Rounds)
	}
}
