package reconcile

import (
	"slices"
	"testing"

	"recon/inventory"
)

// TestOwners: who may make a change is decided from claims alone.
func TestOwners(t *testing.T) {
	claim := inventory.Claim{Witness: "terraform.x", Address: "vm.a", Identity: "home/111", Covers: func(p inventory.Path) bool { return p == "memory" }}
	field := func(paths ...inventory.Path) (out []inventory.FieldChange) {
		for _, p := range paths {
			out = append(out, inventory.FieldChange{Path: p, Verdict: inventory.VerdictDrift})
		}
		return out
	}
	names := func(c *inventory.Change) (out []inventory.Path) {
		if c == nil {
			return nil
		}
		for _, f := range c.Fields {
			out = append(out, f.Path)
		}
		return out
	}
	cases := map[string]struct {
		action       inventory.Action
		owner        string
		fields       []inventory.FieldChange
		claims       []inventory.Claim
		unread       []string
		ours, theirs []inventory.Path
		unheard      bool
	}{
		"nobody claims it":               {action: inventory.ActionUpdate, fields: field("memory"), ours: []inventory.Path{"memory"}},
		"covered":                        {action: inventory.ActionUpdate, fields: field("memory"), claims: []inventory.Claim{claim}, theirs: []inventory.Path{"memory"}},
		"not covered":                    {action: inventory.ActionUpdate, fields: field("onboot"), claims: []inventory.Claim{claim}, ours: []inventory.Path{"onboot"}},
		"each its fields":                {action: inventory.ActionUpdate, fields: field("memory", "onboot"), claims: []inventory.Claim{claim}, ours: []inventory.Path{"onboot"}, theirs: []inventory.Path{"memory"}},
		"made by the witness":            {action: inventory.ActionCreate, fields: field("onboot"), claims: []inventory.Claim{claim}, theirs: []inventory.Path{"onboot"}},
		"deleted by the witness":         {action: inventory.ActionDelete, fields: field("onboot"), claims: []inventory.Claim{claim}, theirs: []inventory.Path{"onboot"}},
		"the manifest says recon":        {action: inventory.ActionUpdate, owner: "recon", fields: field("memory"), claims: []inventory.Claim{claim}, ours: []inventory.Path{"memory"}},
		"a restart":                      {action: inventory.ActionNone, fields: field("memory"), claims: []inventory.Claim{claim}, ours: []inventory.Path{"memory"}},
		"unheard":                        {action: inventory.ActionUpdate, fields: field("memory"), unread: []string{"terraform.y"}, unheard: true},
		"unheard, the manifest says so":  {action: inventory.ActionUpdate, owner: "recon", fields: field("memory"), unread: []string{"terraform.y"}, ours: []inventory.Path{"memory"}},
		"unheard, another one claims it": {action: inventory.ActionUpdate, fields: field("memory"), claims: []inventory.Claim{claim}, unread: []string{"terraform.y"}, theirs: []inventory.Path{"memory"}},
		"another guest is claimed":       {action: inventory.ActionUpdate, fields: field("memory"), claims: []inventory.Claim{{Witness: "terraform.x", Identity: "home/112"}}, ours: []inventory.Path{"memory"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			change := &inventory.Change{Action: c.action, Fields: c.fields, Want: inventory.Resource{Identity: "home/111", Provider: "proxmox.home", Policy: inventory.Policy{Owner: c.owner}}}
			got := ownersOf(change, inventory.NewClaims(c.claims, map[string][]string{"proxmox.home": c.unread}))
			if !slices.Equal(names(got.ours), c.ours) || !slices.Equal(names(got.theirs), c.theirs) || (len(got.unheard) > 0) != c.unheard {
				t.Errorf("ours %v, theirs %v, unheard %v", names(got.ours), names(got.theirs), got.unheard)
			}
			if got.theirs != nil && got.witness != "terraform.x" {
				t.Errorf("the witness is %q", got.witness)
			}
		})
	}
}

// TestContested: a guest that two sources claim is told once, and so is one that a
// source claims twice.
func TestContested(t *testing.T) {
	a := inventory.Claim{Witness: "terraform.a", Address: "vm.one", Identity: "home/111"}
	b := inventory.Claim{Witness: "terraform.b", Address: "vm.two", Identity: "home/111"}
	other := inventory.Claim{Witness: "terraform.a", Address: "vm.three", Identity: "home/112"}
	nameless := inventory.Claim{Witness: "terraform.a", Address: "vm.four"}
	for name, c := range map[string]struct {
		claims []inventory.Claim
		rule   string
	}{
		"one":         {[]inventory.Claim{a, other}, ""},
		"two sources": {[]inventory.Claim{a, b, other}, "terraform-guest-in-two-states"},
		"one twice":   {[]inventory.Claim{a, a}, "terraform-duplicate-vmid"},
		"no vmid":     {[]inventory.Claim{nameless, nameless}, ""},
	} {
		found := Contested(c.claims)
		if c.rule == "" && len(found) > 0 || c.rule != "" && (len(found) != 1 || found[0].Rule != c.rule) {
			t.Errorf("%s: %v", name, found)
		}
	}
}
