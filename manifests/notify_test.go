package manifests

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/hashicorp/hcl/v2"
)

// TestNotifyMistakes: each has its place and the next step, and a mistake of the URL alone
// keeps nobody from reading manifests.
func TestNotifyMistakes(t *testing.T) {
	for _, c := range []struct{ arguments, says string }{
		{`events = ["drfit"]`, `Did you mean "drift"?`},
		{`events = []`, "Nothing to tell"},
		{`severity = "bad"`, `"info", "warning" or "error"`},
		{`quiet = { from = "22:00", to = "25:00" }`, "to is a time of day"},
		{`quiet = { from = "22:00", to = "22:00" }`, "are the same"},
		{`quiet = { from = "22:00", to = "07:00", timezone = "Mars" }`, "time zone database"},
		{`quiet = { from = "22:00", until = "07:00" }`, "it has no until"},
		{`remind = "10m"`, `at least "1h"`},
		{`events = ["facts"]`, `no schedule has action = "facts"`},
		{`tag = ["a"]`, `Did you mean "tags"?`},
	} {
		_, diags := load(t, "notify \"a\" {\n  url = env(\"T\")\n  "+c.arguments+"\n}")
		if !slices.ContainsFunc(diags, func(d *hcl.Diagnostic) bool {
			return strings.Contains(d.Detail+d.Summary, c.says) && d.Subject != nil && d.Subject.Start.Line > 4
		}) {
			t.Errorf("%s: none says %q: %v", c.arguments, c.says, diags)
		}
	}
	for _, c := range []struct{ text, says string }{
		{"notify \"a\" {}", "Missing argument"},
		{"notify \"1\" {\n  url = env(\"T\")\n}", "Invalid label"},
		{"notify \"a\" {\n  url = env(\"T\")\n}\nnotify \"a\" {\n  url = env(\"T\")\n}", "defined here and at"},
		{"schedule \"r\" {\n  cron = \"@daily\"\n  action = \"drift\"\n  report = \"a.md\"\n}", "Report without a report"},
		{"schedule \"r\" {\n  cron = \"@daily\"\n  action = \"report\"\n  report = \"../a.md\"\n}", "below the project's root"},
		{"schedule \"r\" {\n  cron = \"@daily\"\n  action = \"report\"\n  report = \".claude/a.md\"\n}", "outside of hidden folders"},
		{"schedule \"r\" {\n  cron = \"@daily\"\n  action = \"report\"\n  report = \"a.pdf\"\n}", ".md, .html or .json"},
	} {
		if _, diags := load(t, c.text); !diags.HasErrors() || !strings.Contains(diags.Error(), c.says) {
			t.Errorf("%s: %v", c.text, diags)
		}
	}
}

// TestNotifyURL: what is wrong with it is kept aside, what is secret of it is known, and a
// literal one is warned of and not shown.
func TestNotifyURL(t *testing.T) {
	for _, c := range []struct{ url, says string }{
		{"", "Not an address"},
		{"no url", "Not an address"},
		{"ntfi://ntfy.sh/topic", `Did you mean "ntfy"?`},
		{"logger://", "Unknown service"},
		{"generic+https://hooks.example/x", ""},
		{"ntfy://ntfy.sh/topic", ""},
	} {
		p, diags := Load(fstest.MapFS{"recon.hcl": {Data: []byte("notify \"a\" {\n  url = env(\"U\")\n}")}}, Options{Env: func(string) (string, bool) { return c.url, true }})
		if len(diags) > 0 {
			t.Fatalf("%s: %v", c.url, diags)
		}
		if text := p.Notify[0].Credentials.Error(); (c.says == "") == p.Notify[0].Credentials.HasErrors() || !strings.Contains(text, c.says) {
			t.Errorf("%s: %s", c.url, text)
		}
	}
	p, diags := load(t, "notify \"a\" {\n  url = \"telegram://110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw@telegram?chats=@home\"\n}\nnotify \"b\" {\n  url = \"smtp://mail.home:25/?from=a@b.c&to=d@e.f\"\n}")
	if len(diags) != 1 || diags[0].Summary != "Secret in a manifest" {
		t.Errorf("it says %v", diags)
	}
	if strings.Contains(string(p.Sources()["recon.hcl"].Bytes), "AAHdq") {
		t.Error("the token is shown with the warning")
	}
	if s := p.Notify[0].Secrets(); !slices.Contains(s, "AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw") {
		t.Errorf("its secrets are %q", s)
	}
	if s := p.Notify[1].Private(); len(s) > 0 {
		t.Errorf("a mail server without a password has secrets: %q", s)
	}
}

// TestQuietHours hold by the clock on the wall, over midnight and on days of 23 and 25
// hours.
func TestQuietHours(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	night := &Quiet{From: 22 * 60, To: 7 * 60, Location: berlin}
	for _, c := range []struct {
		at    string
		quiet bool
	}{
		{"2026-06-01T19:59:00Z", false},
		{"2026-06-01T20:00:00Z", true},
		{"2026-06-02T04:59:59Z", true},
		{"2026-06-02T05:00:00Z", false},
		{"2026-03-29T04:59:00Z", true},
		{"2026-03-29T05:00:00Z", false}, // the night that has one hour less
		{"2026-10-25T05:59:00Z", true},
		{"2026-10-25T06:00:00Z", false}, // and the one that has one more
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		if night.Holds(at) != c.quiet {
			t.Errorf("at %s it is %v", c.at, !c.quiet)
		}
	}
	if noon := (&Quiet{From: 12 * 60, To: 13 * 60, Location: time.UTC}); noon.Holds(time.Date(2026, 1, 1, 13, 0, 0, 0, time.UTC)) || !noon.Holds(time.Date(2026, 1, 1, 12, 59, 0, 0, time.UTC)) {
		t.Error("an hour at noon is not that")
	}
	if (*Quiet)(nil).Holds(time.Now()) {
		t.Error("without quiet hours it is quiet")
	}
}
