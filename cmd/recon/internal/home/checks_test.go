package home

import (
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"recon/inventory"
	"recon/manifests"
	"recon/reconcile"
)

var noon = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

func tokenCheck(token string, every time.Duration) *manifests.Check {
	return &manifests.Check{Check: inventory.Check{
		Addr: inventory.Address{Kind: inventory.KindCheck, Name: "a"}, Kind: inventory.CheckKindOf("gitlab"), Every: every, Severity: "error",
		Attrs: inventory.Attrs{"url": cty.StringVal("https://git.example.net"), "token": cty.StringVal(token)},
	}}
}

// remembering is a world in which a check was answered some time ago.
func remembering(c *manifests.Check, ago time.Duration, standing inventory.Standing, layer inventory.Layer) *World {
	w := &World{At: noon, Project: &manifests.Project{Checks: []manifests.Check{*c}}}
	w.Memory.Checks = map[inventory.Address]reconcile.Checked{c.Addr: {
		Of:      reconcile.HashSecret(definition(c)),
		Outcome: inventory.Outcome{Check: c.Addr, Standing: standing, Layer: layer, At: noon.Add(-ago), Since: noon.Add(-24 * time.Hour)},
	}}
	return w
}

// TestACheckIsAskedWhenItsAnswerIsOld: an answer is good for as long as every says, give or
// take what a schedule does; for another question, or with another token, it is good for
// nothing.
func TestACheckIsAskedWhenItsAnswerIsOld(t *testing.T) {
	hourly := tokenCheck("one", time.Hour)
	another := tokenCheck("one", time.Hour)
	another.Attrs["project"] = cty.StringVal("lena/home")
	for _, row := range []struct {
		name string
		ago  time.Duration
		now  *manifests.Check
		due  bool
	}{
		{"a quarter of an hour", 15 * time.Minute, hourly, false},
		{"three quarters", 45 * time.Minute, hourly, false},
		{"an hour, asked a little late", time.Hour - 2*time.Second, hourly, true},
		{"a day", 24 * time.Hour, hourly, true},
		{"another token", time.Minute, tokenCheck("two", time.Hour), true},
		{"another project", time.Minute, another, true},
		{"no every", time.Second, tokenCheck("one", 0), true},
	} {
		if got := remembering(hourly, row.ago, inventory.CheckWorks, "").due(row.now); got != row.due {
			t.Errorf("%s: it is due: %v", row.name, got)
		}
	}
	if w := (&World{At: noon}); !w.due(hourly) {
		t.Error("what was never asked is not due")
	}
}

// TestWhatDecidesNothingIsNotRemembered: what is unknown changes neither what is remembered
// nor since when; what stands as it stood does so since then.
func TestWhatDecidesNothingIsNotRemembered(t *testing.T) {
	c := tokenCheck("one", 0)
	answer := func(standing inventory.Standing, layer inventory.Layer) (reconcile.Checked, inventory.Outcome) {
		w := remembering(c, time.Hour, inventory.CheckFails, inventory.LayerRole)
		w.answered([]inventory.Outcome{{Check: c.Addr, Standing: standing, Layer: layer, At: noon, Since: noon}})
		return w.Remembers()[c.Addr], w.Outcome(c.Addr)
	}
	yesterday := noon.Add(-24 * time.Hour)
	if kept, told := answer(inventory.CheckUnknown, inventory.LayerAnswer); kept.Standing != inventory.CheckFails || !kept.At.Before(noon) || told.Standing != inventory.CheckUnknown {
		t.Errorf("of what is unknown %+v is remembered, and %+v told", kept, told)
	}
	if kept, _ := answer(inventory.CheckFails, inventory.LayerRole); !kept.Since.Equal(yesterday) || !kept.At.Equal(noon) {
		t.Errorf("what fails as before is remembered as %+v", kept)
	}
	if kept, _ := answer(inventory.CheckFails, inventory.LayerToken); !kept.Since.Equal(noon) {
		t.Errorf("what fails at another layer is remembered as %+v", kept)
	}
	if kept, _ := answer(inventory.CheckWorks, ""); !kept.Works() || !kept.Since.Equal(noon) {
		t.Errorf("what works again is remembered as %+v", kept)
	}
}
