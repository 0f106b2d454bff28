package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"recon/inventory"
	"recon/inventory/doctor"
)

// A doctorCase is a small tree with what is to be found in it, and nothing else may be.
type doctorCase struct {
	Why      string
	Findings []wanted
}

type wanted struct {
	Kind       []string `json:"kind"` // rules, one of which is meant
	At         []string `json:"at"`   // places, all of which are named
	FixWith    string   `json:"fix_with"`
	FixWithout string   `json:"fix_without"`
}

// TestDoctorCases: kinds of faults that were seen in homes, and kinds that were seen
// where there was none. Hints are not judged.
func TestDoctorCases(t *testing.T) {
	root, err := filepath.Abs("testdata/doctor-cases")
	if err != nil {
		t.Fatal(err)
	}
	trees, err := os.ReadDir(root)
	if err != nil || len(trees) < 16 {
		t.Fatalf("%d cases, %v", len(trees), err)
	}
	for _, tree := range trees {
		t.Run(tree.Name(), func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join(root, tree.Name(), "expect.json"))
			if err != nil {
				t.Fatal(err)
			}
			var want doctorCase
			if err := json.Unmarshal(text, &want); err != nil {
				t.Fatal(err)
			}
			judge(t, want, diagnose(t, filepath.Join(root, tree.Name())))
		})
	}
}

// diagnose returns what the doctor finds in a copy of a tree.
func diagnose(t *testing.T, tree string) (out []inventory.Finding) {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(tree)); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	var stdout, stderr bytes.Buffer
	run(context.Background(), []string{"doctor", "-o", "json"}, bytes.NewReader(nil), &stdout, &stderr)
	var answer struct {
		Findings []inventory.Finding
		Complete bool
	}
	if err := json.Unmarshal(stdout.Bytes(), &answer); err != nil {
		t.Fatalf("%v: %s", err, &stderr)
	}
	if !answer.Complete {
		t.Error("not everything was read")
	}
	return slices.DeleteFunc(answer.Findings, func(f inventory.Finding) bool { return f.Severity == "info" })
}

func judge(t *testing.T, want doctorCase, got []inventory.Finding) {
	t.Helper()
	for _, w := range want.Findings {
		i := slices.IndexFunc(got, func(f inventory.Finding) bool {
			text := strings.Join(append(f.Evidence, f.Address, f.Summary, f.Fix), "\n")
			at := !slices.ContainsFunc(w.At, func(place string) bool { return !strings.Contains(text, place) })
			return slices.Contains(w.Kind, f.Rule) && at && strings.Contains(text, w.FixWith) && (w.FixWithout == "" || !strings.Contains(text, w.FixWithout))
		})
		hint := slices.Contains(w.Kind, "image-latest")
		if i < 0 && !hint {
			t.Errorf("missing: %v at %v", w.Kind, w.At)
		}
		if i >= 0 {
			got = slices.Delete(got, i, i+1)
		}
	}
	for _, f := range got {
		file, _, _ := doctor.Place(f.Address)
		if slices.ContainsFunc(want.Findings, func(w wanted) bool { return slices.Contains(w.Kind, f.Rule) && slices.Contains(w.At, file) }) {
			continue // one kind may be told for each of its places
		}
		t.Errorf("too many: %s at %s: %s", f.Rule, file, f.Summary)
	}
}
