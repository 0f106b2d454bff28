package manifests

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"recon/inventory"
)

// healed loads a VM with arguments of its own, and a schedule or none.
func healed(t *testing.T, arguments, schedule string) (*Project, string) {
	p, diags := load(t, fmt.Sprintf("vm \"a\" {\n  vmid = 100\n%s\n}\n%s", arguments, schedule))
	var said []string
	for _, d := range diags {
		said = append(said, d.Summary+": "+d.Detail)
	}
	return p, strings.Join(said, "\n")
}

const mending = "schedule \"mend\" {\n  cron = \"@hourly\"\n  action = \"heal\"\n}\n"

// TestHealBlock: what a heal block may say, and what is said of one that may not.
func TestHealBlock(t *testing.T) {
	for _, c := range []struct{ arguments, schedule, says string }{
		{`on_drift = "heal"`, mending, ""},
		{`on_drift = "heal"`, "", "Nobody heals"},
		{`on_drift = "adopt"`, mending, "recon adopt"},
		{`on_drift = "hael"`, mending, `Did you mean "heal"`},
		{"heal {\n}", mending, "Nothing to heal"},
		{"on_drift = \"report\"\nheal {\n}", mending, "Nothing to heal"},
		{"on_drift = \"heal\"\nheal {\n  allow = \"restart\"\n  at_most = 1\n  window = { cron = \"0 2 * * *\", duration = \"3h\", timezone = \"Europe/Berlin\" }\n}", mending, ""},
		{"on_drift = \"heal\"\nheal {\n  allow = \"outage\"\n}", mending, "Not for healing"},
		{"on_drift = \"heal\"\nheal {\n  allow = \"destroy\"\n}", mending, "Not for healing"},
		{"on_drift = \"heal\"\nheal {\n  allow = \"anything\"\n}", mending, "Not for healing"},
		{"on_drift = \"heal\"\nheal {\n  at_most = 0\n}", mending, "at_most is how often"},
		{"on_drift = \"heal\"\nheal {\n  at_most = 101\n}", mending, "at_most is how often"},
		{"on_drift = \"heal\"\nheal {\n  window = { cron = \"@every 1h\", duration = \"1h\" }\n}", mending, "names no time of the clock"},
		{"on_drift = \"heal\"\nheal {\n  window = { cron = \"nonsense\", duration = \"1h\" }\n}", mending, "five cron fields"},
		{"on_drift = \"heal\"\nheal {\n  window = { cron = \"0 2 * * *\" }\n}", mending, "duration is from"},
		{"on_drift = \"heal\"\nheal {\n  window = { cron = \"0 2 * * *\", duration = \"10s\" }\n}", mending, "duration is from"},
		{"on_drift = \"heal\"\nheal {\n  window = { cron = \"0 2 * * *\", duration = \"1h\", zone = \"UTC\" }\n}", mending, "it has no zone"},
		{"on_drift = \"heal\"\nheal {\n  window = { cron = \"0 2 * * *\", duration = \"1h\", timezone = \"Mars\" }\n}", mending, "time zone database"},
	} {
		p, said := healed(t, c.arguments, c.schedule)
		if c.says == "" && (said != "" || p.Resources[0].Policy.OnDrift != "heal") || !strings.Contains(said, c.says) {
			t.Errorf("%s: it says %q, not %q", c.arguments, said, c.says)
		}
	}
	p, _ := healed(t, `on_drift = "heal"`, mending)
	if h := p.Resources[0].Policy.Heal; h.Allow != inventory.ImpactReload || h.AtMost != 3 || h.Window != nil {
		t.Errorf("without a block it may %+v", h)
	}
}

// TestHealWindow: a window is open from its beginning, as long as it says, by its own clock.
func TestHealWindow(t *testing.T) {
	w, err := newWindow(map[string]string{"cron": "0 2 * * *", "duration": "3h", "timezone": "Europe/Berlin"})
	if err != nil {
		t.Fatal(err)
	}
	at := func(text string) time.Time {
		when, err := time.ParseInLocation("2006-01-02 15:04:05", text, w.location)
		if err != nil {
			t.Fatal(err)
		}
		return when.UTC()
	}
	for text, open := range map[string]bool{
		"2026-06-01 01:59:59": false, "2026-06-01 02:00:00": true, "2026-06-01 04:59:59": true, "2026-06-01 05:00:00": false, "2026-06-01 14:00:00": false,
		"2026-10-25 02:30:00": true, "2026-10-25 05:30:00": false, // clocks are put back at three
	} {
		if w.Holds(at(text)) != open {
			t.Errorf("at %s it is open: %v", text, !open)
		}
	}
	if next := w.Next(at("2026-06-01 02:00:00")); next.Format("2006-01-02 15:04 MST") != "2026-06-02 02:00 CEST" {
		t.Errorf("it opens next at %s", next)
	}
}
