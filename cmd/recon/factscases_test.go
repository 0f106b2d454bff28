package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A factsCase says what is to be found in a small tree, each a real kind of fault
// made synthetic. Nothing else may be found.
type factsCase struct {
	Why      string
	Findings []struct {
		Kind, At []string
		Suggests string
	}
}

// A told is a finding as the JSON of recon facts has it.
type told struct {
	File, Kind, Subject, Claim string
	Line                       int
	Conflicts                  []struct {
		File string
		Line int
	} `json:"conflicts_with"`
	Suggests string
}

func (f *told) places() []string {
	out := []string{fmt.Sprintf("%s:%d", f.File, f.Line)}
	for _, c := range f.Conflicts {
		out = append(out, fmt.Sprintf("%s:%d", c.File, c.Line))
	}
	return out
}

func TestFactsCases(t *testing.T) {
	cases, err := filepath.Glob("testdata/facts-cases/*/expect.json")
	if err != nil || len(cases) < 31 {
		t.Fatalf("%d cases: %v", len(cases), err)
	}
	for _, c := range cases {
		dir := filepath.Dir(c)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			var want factsCase
			body, err := os.ReadFile(c)
			if err == nil {
				err = json.Unmarshal(body, &want)
			}
			if err != nil {
				t.Fatal(err)
			}
			held(t, &want, factsIn(t, dir))
		})
	}
}

// factsIn runs recon facts on a copy of a tree.
func factsIn(t *testing.T, dir string) []told {
	t.Helper()
	copied := t.TempDir()
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	_ = os.Remove(filepath.Join(copied, "expect.json"))
	var out, errs bytes.Buffer
	if code := run(context.Background(), []string{"-C", copied, "facts", "--offline", "-o", "json"}, strings.NewReader(""), &out, &errs); code != 0 && code != 2 {
		t.Fatalf("exit %d: %s", code, errs.String())
	}
	var answer struct{ Findings []told }
	if err := json.Unmarshal(out.Bytes(), &answer); err != nil {
		t.Fatal(err)
	}
	return answer.Findings
}

// held holds what was found against what is to be found: each expected finding is
// met by one, and each other finding is one more place of an expected one.
func held(t *testing.T, want *factsCase, got []told) {
	t.Helper()
	left := slices.Clone(got)
	for _, e := range want.Findings {
		i := slices.IndexFunc(left, func(f told) bool {
			return slices.Contains(e.Kind, f.Kind) && !slices.ContainsFunc(e.At, func(at string) bool { return !slices.Contains(f.places(), at) }) && strings.Contains(f.Suggests, e.Suggests)
		})
		if i < 0 {
			t.Errorf("missing: %v at %v, suggesting %q", e.Kind, e.At, e.Suggests)
			continue
		}
		left = slices.Delete(left, i, i+1)
	}
	for _, f := range left {
		expected := false
		for _, e := range want.Findings {
			expected = expected || slices.Contains(e.Kind, f.Kind) && slices.ContainsFunc(e.At, func(at string) bool { return slices.Contains(f.places(), at) })
		}
		if !expected {
			t.Errorf("too many: %+v", f)
		}
	}
}
