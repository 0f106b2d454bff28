package term

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"recon/cmd/recon/internal/redact"
	"recon/cmd/recon/internal/words"
	"recon/inventory"
	"recon/reconcile"
)

// hostile are texts that would move the cursor, colour, hide, reorder, or begin a line:
// every control and formatting character, alone and as it is used.
func hostile() (out []string) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if words.Dangerous(r) && r != utf8.RuneError && (r < 0xE000 || r > 0xF8FF) && r < 0xE0080 {
			out = append(out, "a"+string(r)+"b")
		}
	}
	return append(out, "x\nEverything is in sync.", "x\r\nError: forged", "\x1b[2J\x1b[H", "\x1b]0;title\a", "\x1b]8;;http://evil\a", "\x1bP1$q\x1b\\", "\x9b31m", "\xc2\x9b31m", "\ufdd0bold\ufdd6", "a\tb", "\xff\xfe")
}

// printed sends a text through everything that a Printer prints.
func printed(p *Printer, s string) {
	attr, _, _ := inventory.KindOf("vm").Lookup("description")
	c := inventory.Change{
		Action: inventory.ActionUpdate, Addr: inventory.Address{Kind: "vm", Name: "a", Key: s}, Verdict: inventory.VerdictDrift, Want: inventory.Resource{Identity: s, Provider: s},
		Fields:  []inventory.FieldChange{{Path: inventory.Path(s), Attr: attr, Desired: cty.StringVal("x"), Live: cty.StringVal(s), Policy: s, Source: hcl.Range{Filename: s}}},
		Blocked: []inventory.Reason{{Code: s, Detail: s}}, Steps: []inventory.Step{{Method: "PUT", Path: s, Params: map[string]string{"k": s}, Summary: s, Notes: []string{s}}, {Method: "run", Path: s, Params: map[string]string{"changes": s, "target": s}}},
	}
	c.Have.Volatile.Node, c.Have.Volatile.Changed.User = s, s
	f := inventory.Finding{Rule: "r", Severity: "warning", Address: s, Summary: s, Detail: s, Evidence: []string{s}, Fix: s}
	p.Plan(&reconcile.Plan{
		Changes: []inventory.Change{c}, Unknown: []inventory.Scope{{Provider: s, Scope: s, Err: errors.New(s), Addresses: []inventory.Address{c.Addr}}},
		Unmanaged: []inventory.Observation{{Resource: inventory.Resource{Identity: s, Attrs: inventory.Attrs{"name": cty.StringVal(s)}}}}, Findings: []inventory.Finding{f},
	}, PlanOptions{Calls: true})
	p.Results([]reconcile.Result{{Change: &c, Status: reconcile.StatusFailed, Err: errors.New(s), Warnings: []string{s}, Done: c.Steps, Withheld: c.Steps}})
	p.Events([]inventory.Event{{Identity: s, Kind: inventory.DriftOpened, By: s, Fields: []inventory.EventField{{Name: inventory.Path(s), FromText: s, ToText: s}}}}, true)
	p.Table([]string{"A", "B"}, [][]string{{s, s}})
	p.Printf("%s and %v", s, errors.New(s))
	p.Warning("%s: %v", s, errors.New(s))
	p.Hint(s)
	p.Wrapped(s)
	p.Ask(s)
	p.Printf("")
	p.Heading(s)
	p.Command(s)
	p.Error(errors.New(s), s)
	p.Error(errors.Join(errors.New(s), fmt.Errorf("and %s", s)), "")
	src := []byte("a = 1 # " + s + "\n")
	p.Diagnostics(hcl.Diagnostics{{Severity: hcl.DiagError, Summary: s, Detail: s, Subject: &hcl.Range{Filename: "x.hcl", Start: hcl.InitialPos, End: hcl.Pos{Line: 1, Column: 2, Byte: 1}}}}, map[string]*hcl.File{"x.hcl": {Bytes: src}})
}

// TestShownTextIsSafe: whatever stands in a field, no byte of it that a terminal acts
// on reaches one, with colours and without, and no text begins a line of its own.
func TestShownTextIsSafe(t *testing.T) {
	texts := hostile()
	if len(texts) < 300 {
		t.Fatalf("only %d texts", len(texts))
	}
	for _, color := range []bool{false, true} {
		for _, s := range texts {
			var out bytes.Buffer
			printed(&Printer{W: NewWriter(&out, nil), Color: color, Width: 100}, s)
			text := out.String()
			for _, own := range []string{"\x1b[1m", "\x1b[32m", "\x1b[33m", "\x1b[31m", "\x1b[2m", "\x1b[36m", "\x1b[m"} {
				if color {
					text = strings.ReplaceAll(text, own, "")
				}
			}
			for _, r := range text {
				if r != '\n' && r != utf8.RuneError && (words.Dangerous(r) || isStyle(r)) {
					t.Fatalf("%q: %U reaches the terminal:\n%q", s, r, text)
				}
			}
			for line := range strings.Lines(text) {
				if strings.HasPrefix(line, "Everything is in sync.") || strings.HasPrefix(line, "Error: forged") {
					t.Errorf("%q forges the line %q", s, line)
				}
			}
		}
	}
}

// TestShownJSONIsSafe: JSON says the same, and no byte of it is acted on.
func TestShownJSONIsSafe(t *testing.T) {
	for _, s := range hostile() {
		doc, err := json.MarshalIndent(map[string]any{s: []string{s}, "k": s}, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		var before, after any
		safe := JSON(doc, nil)
		if json.Unmarshal(doc, &before) != nil || json.Unmarshal(safe, &after) != nil || fmt.Sprint(before) != fmt.Sprint(after) {
			t.Errorf("%q became %s", s, safe)
		}
		for _, r := range string(safe) {
			if r != '\n' && r != utf8.RuneError && words.Dangerous(r) {
				t.Errorf("%U is left in %s", r, safe)
			}
		}
	}
}

// TestShownTextHoldsNoSecret: a secret is blanked before a text is broken into lines or
// shortened, and keys of JSON stay.
func TestShownTextHoldsNoSecret(t *testing.T) {
	set := redact.New("correct horse battery staple", "memory-secret")
	var out bytes.Buffer
	p := &Printer{W: NewWriter(&out, set), Width: 40}
	for _, s := range []string{"it says correct horse battery staple to all who ask it", strings.Repeat("x", 25) + "memory-secret"} {
		printed(p, s)
	}
	for _, part := range []string{"correct", "battery", "staple", "memory-s"} {
		if strings.Contains(out.String(), part) {
			t.Errorf("%q is shown:\n%s", part, &out)
		}
	}
	if got := string(JSON([]byte(`{"memory-secret": "a memory-secret"}`), set)); got != `{"memory-secret": "a (secret)"}` {
		t.Error(got)
	}
}
