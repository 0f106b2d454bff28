package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestLook counts in a small module whose figures are known.
func TestLook(t *testing.T) {
	root := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module m\n",
		"a/a.go": "package a\n\nimport \"m/b\"\n\n// A is documented.\ntype A struct{}\n\nfunc (A) One() {}\n\n// Two is documented.\nfunc (*A) Two() { b.F() }\n\nvar Bare = 1 // has a comment beside it\n",
		"b/b.go": "package b\n\nimport \"m/c/ctest\"\n\nfunc F() { ctest.G() }\n\nconst (\n\tX = 1\n\ty = 2\n)\n",
		// Test equipment, a test, generated data: counted apart or not at all.
		"c/ctest/c.go":     "// Package ctest is equipment.\npackage ctest\n\n// G is documented.\nfunc G() {}\n\n// " + strings.Repeat("w", 140) + "\n",
		"a/a_test.go":      "package a\n\nfunc Untested() {}\n",
		"a/testdata/x.go":  "package broken {",
		".hidden/other.go": "package broken {",
	} {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s, err := look(root)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := s.longestChain(), []string{"a", "b", "c/ctest"}; !slices.Equal(got, want) {
		t.Errorf("chain %v, want %v", got, want)
	}
	slices.Sort(s.undocumented)
	if got, want := s.undocumented, []string{"a/a.go:8:1 A.One", "b/b.go:5:6 F", "b/b.go:8:2 X"}; !slices.Equal(got, want) {
		t.Errorf("undocumented %q, want %q", got, want)
	}
	if s.methods["a A"] != 2 || s.exported["a"] != 2 || s.exported["b"] != 2 || s.product != 23 || s.equipment != 7 || len(s.wideLines) != 1 || len(s.functions) != 4 {
		t.Errorf("got %+v", s)
	}
}
