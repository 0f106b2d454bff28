package reconcile

import (
	"testing"

	"github.com/zclconf/go-cty/cty"

	"recon/inventory"
)

// TestUnfinishedIsNobodysDrift: a guest of which the journal says that recon made it, and
// of which nothing else is remembered since recon was killed, is finished by the next run.
func TestUnfinishedIsNobodysDrift(t *testing.T) {
	wish, live := guest(inventory.Attrs{"cores": cty.NumberIntVal(4), "description": cty.StringVal("a"), "onboot": cty.True}, inventory.Attrs{"cores": cty.NumberIntVal(2), "onboot": cty.True}, nil)
	wish.Policy.Create = &inventory.Create{Clone: "x", Start: true}
	entry := func(identity string, makes bool) Entry {
		return Entry{Address: wish.Addr, Identity: identity, Step: inventory.Step{Makes: makes}}
	}
	known := map[inventory.Address]inventory.Applied{wish.Addr: {Identity: wish.Identity, Attrs: inventory.Attrs{"cores": cty.NumberIntVal(4)}}}
	tests := []struct {
		name       string
		memory     Recollection
		unfinished bool
		verdict    inventory.Verdict
	}{
		{"nothing is remembered", Recollection{}, false, inventory.VerdictDiffers},
		{"made and not told", Recollection{Untold: []Entry{entry(wish.Identity, true)}}, true, inventory.VerdictPendingChange},
		{"being made when it was killed", Recollection{InFlight: []Entry{entry(wish.Identity, true)}}, true, inventory.VerdictPendingChange},
		{"another step", Recollection{Untold: []Entry{entry(wish.Identity, false)}}, false, inventory.VerdictDiffers},
		{"another guest", Recollection{Untold: []Entry{entry("home/9", true)}}, false, inventory.VerdictDiffers},
		{"known since", Recollection{Applied: known, Untold: []Entry{entry(wish.Identity, true)}}, false, inventory.VerdictDrift},
	}
	for _, tt := range tests {
		c := Diff(Input{Desired: []inventory.Resource{wish}, Snapshots: []inventory.Snapshot{{Observations: []inventory.Observation{live}}}, LastApplied: tt.memory.Remembered()})[0]
		start := c.Field("running")
		if c.Unfinished != tt.unfinished || c.Verdict != tt.verdict || (start != nil) != tt.unfinished {
			t.Errorf("%s: unfinished %t, %s, start %v", tt.name, c.Unfinished, c.Verdict, start)
		}
	}
}

// TestOwnValueIsNobodysDrift: what a run that was killed has set, or was about to set, is
// recon's own, whatever the manifest asks for by now.
func TestOwnValueIsNobodysDrift(t *testing.T) {
	set := func(cores int64) Entry {
		wish, _ := guest(nil, nil, nil)
		return Entry{Address: wish.Addr, Identity: wish.Identity, Step: inventory.Step{Done: inventory.Probe{Fields: map[inventory.Path]inventory.Value{"cores": {Value: cty.NumberIntVal(cores)}}}}}
	}
	tests := []struct {
		name        string
		wish, live  int64
		open, ended []Entry
		verdict     inventory.Verdict
	}{
		{"nothing was under way", 6, 4, nil, nil, inventory.VerdictConflict},
		{"set and not told", 6, 4, nil, []Entry{set(4)}, inventory.VerdictPendingChange},
		{"being set, and it arrived", 6, 4, []Entry{set(4)}, nil, inventory.VerdictPendingChange},
		{"being set, and it did not", 6, 2, []Entry{set(4)}, nil, inventory.VerdictPendingChange},
		{"being set, and another value is there", 6, 5, []Entry{set(4)}, nil, inventory.VerdictConflict},
		{"set, then changed by somebody", 4, 5, nil, []Entry{set(4)}, inventory.VerdictDrift},
	}
	for _, tt := range tests {
		wish, live := guest(inventory.Attrs{"cores": cty.NumberIntVal(tt.wish)}, inventory.Attrs{"cores": cty.NumberIntVal(tt.live)}, nil)
		memory := Recollection{InFlight: tt.open, Untold: tt.ended, Applied: map[inventory.Address]inventory.Applied{wish.Addr: {Identity: wish.Identity, Attrs: inventory.Attrs{"cores": cty.NumberIntVal(2)}}}}
		c := Diff(Input{Desired: []inventory.Resource{wish}, Snapshots: []inventory.Snapshot{{Observations: []inventory.Observation{live}}}, LastApplied: memory.Remembered()})[0]
		if c.Verdict != tt.verdict {
			t.Errorf("%s: %s, want %s", tt.name, c.Verdict, tt.verdict)
		}
	}
}
