package reconcile

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"recon/inventory"
)

// TestNothingPassesAGateThatIsShut: of a change that waits for checks no step is left unless
// all of them work, the reason names each that does not, and other changes stay as they are.
func TestNothingPassesAGateThatIsShut(t *testing.T) {
	checks := []inventory.Address{{Kind: inventory.KindCheck, Name: "a"}, {Kind: inventory.KindCheck, Name: "b"}, {Kind: inventory.KindCheck, Name: "c"}}
	rapid.Check(t, func(t *rapid.T) {
		standing := map[inventory.Address]inventory.Standing{}
		for _, c := range checks {
			standing[c] = rapid.SampledFrom([]inventory.Standing{inventory.CheckWorks, inventory.CheckFails, inventory.CheckUnknown}).Draw(t, c.Name)
		}
		p := &Plan{}
		for i := range rapid.IntRange(1, 5).Draw(t, "changes") {
			c := inventory.Change{Addr: inventory.Address{Kind: "vm", Name: string(rune('a' + i))}, Steps: make([]inventory.Step, rapid.IntRange(0, 2).Draw(t, "steps"))}
			c.Want.Policy.Gates = rapid.SliceOfDistinct(rapid.SampledFrom(checks), inventory.Address.String).Draw(t, "gates")
			p.Changes = append(p.Changes, c)
		}
		before := slices.Clone(p.Changes)
		Gate(p, func(a inventory.Address) inventory.Outcome {
			return inventory.Outcome{Check: a, Standing: standing[a], Layer: inventory.LayerRole, Said: "no"}
		})
		for i := range p.Changes {
			c, shut := &p.Changes[i], 0
			for _, g := range before[i].Want.Policy.Gates {
				if standing[g] != inventory.CheckWorks {
					shut++
				}
			}
			switch was := len(before[i].Steps); {
			case was == 0 && len(c.Blocked) > 0:
				t.Errorf("there is nothing to do, and it is blocked: %v", c.Blocked)
			case was > 0 && shut > 0 && (len(c.Steps) > 0 || len(c.Blocked) != shut):
				t.Errorf("%d gates are shut, %d steps are left, and %v are said", shut, len(c.Steps), c.Blocked)
			case shut == 0 && len(c.Steps) != was:
				t.Errorf("every gate is open, and of %d steps %d are left", was, len(c.Steps))
			}
		}
	})
}
