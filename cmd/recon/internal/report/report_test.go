package report

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func entry(file string, line int, says string) Entry {
	return Entry{Rule: "address", Level: Warning, Subject: "gitlab", Message: "it says " + says, Says: says, Place: Place{File: file, Line: line, Column: 3}}
}

// What was written is known again, wherever its lines went; one more of the same
// is new, and so is another value.
func TestBaseline(t *testing.T) {
	file := filepath.Join(t.TempDir(), "baseline.json")
	if err := WriteBaseline(file, []Entry{entry("a.md", 1, "10.0.0.1"), entry("a.md", 9, "10.0.0.1"), entry("b.md", 1, "10.0.0.1")}); err != nil {
		t.Fatal(err)
	}
	b, err := ReadBaseline(file)
	if err != nil {
		t.Fatal(err)
	}
	got := b.New([]Entry{entry("a.md", 3, "10.0.0.1"), entry("a.md", 4, "10.0.0.1"), entry("a.md", 5, "10.0.0.1"), entry("a.md", 1, "10.0.0.2"), entry("b.md", 70, "10.0.0.1")})
	if want := []bool{false, false, true, true, false}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	var none *Baseline
	if !none.New([]Entry{entry("a.md", 1, "x")})[0] {
		t.Error("without a baseline everything is new")
	}
}

func TestBaselineMistakes(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"broken": "{", "other": `{"format_version":"7"}`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{"broken": "unexpected end", "other": "write it anew", "missing": "--write-baseline"} {
		if _, err := ReadBaseline(filepath.Join(dir, name)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v does not say %q", name, err, want)
		}
	}
}

// Whatever is found: a baseline of it leaves nothing new, and the order of findings
// does not show in the file.
func TestBaselineProperty(t *testing.T) {
	file := filepath.Join(t.TempDir(), "baseline.json")
	text := rapid.SampledFrom([]string{"a", "b", "ü \x00", "\"", "../x"})
	rapid.Check(t, func(t *rapid.T) {
		entries := rapid.SliceOf(rapid.Custom(func(t *rapid.T) Entry {
			return Entry{Rule: text.Draw(t, "rule"), Subject: text.Draw(t, "subject"), Says: text.Draw(t, "says"), Place: Place{File: text.Draw(t, "file")}}
		})).Draw(t, "entries")
		if err := WriteBaseline(file, entries); err != nil {
			t.Fatal(err)
		}
		first, _ := os.ReadFile(file)
		b, err := ReadBaseline(file)
		if err != nil {
			t.Fatal(err)
		}
		if slices.Contains(b.New(entries), true) {
			t.Fatal("something is new")
		}
		slices.Reverse(entries)
		if err := WriteBaseline(file, entries); err != nil {
			t.Fatal(err)
		}
		if second, _ := os.ReadFile(file); string(first) != string(second) {
			t.Fatal("the order of findings shows")
		}
	})
}

// The log has what code hosts ask for: rules, places as relative URIs, and a
// fingerprint that does not move with lines.
func TestSARIF(t *testing.T) {
	e := entry("docs/my file: ü.md", 12, "10.0.0.1")
	e.Others, e.Fix = []Place{{File: "b.md", Line: 3, Note: "10.0.0.2"}}, "Make it one."
	moved := e
	moved.Place.Line = 99
	out, err := SARIF(Tool{Name: "recon facts", Version: "1", Rules: map[string]string{"address": "addresses"}}, []Entry{e, moved, {Rule: "a-live-one", Level: Error, Subject: "vm.x", Message: "m"}})
	if err != nil {
		t.Fatal(err)
	}
	var log sarifLog
	if err := json.Unmarshal(out, &log); err != nil {
		t.Fatal(err)
	}
	run := log.Runs[0]
	first := run.Results[0]
	if log.Version != "2.1.0" || len(run.Tool.Driver.Rules) != 2 || run.Tool.Driver.Rules[first.Index].ID != "address" || run.Tool.Driver.Rules[first.Index].Short.Text != "addresses" {
		t.Errorf("rules: %s", out)
	}
	if at := first.Locations[0].Physical; at.Artifact.URI != "docs/my%20file%3A%20%C3%BC.md" || at.Region.Line != 12 || at.Region.Column != 3 {
		t.Errorf("place: %+v", at)
	}
	if first.Fingerprints["recon/v1"] != run.Results[1].Fingerprints["recon/v1"] || len(first.Related) != 1 || first.Message.Text != "it says 10.0.0.1\nMake it one." {
		t.Errorf("result: %+v", first)
	}
	if at := run.Results[2].Locations[0]; at.Physical != nil || at.Logical[0].Name != "vm.x" {
		t.Errorf("a finding without a file: %+v", at)
	}
}
