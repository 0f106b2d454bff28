package docker

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"testing"

	"recon/inventory"
)

// TestEveryStepHasWords: each method of a step has words, and so has each key of
// daemon.json and each value of a folder.
func TestEveryStepHasWords(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "steps.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	methods := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(spec.Names[0].Name, "method") {
			return true
		}
		methods++
		if method := strings.Trim(spec.Values[0].(*ast.BasicLit).Value, `"`); !IsMethod(method) {
			t.Errorf("nobody explains the method %s", method)
		}
		return true
	})
	if methods != len(forms()) {
		t.Errorf("%d methods, and words for %d", methods, len(forms()))
	}
	for _, a := range inventory.KindOf(inventory.KindDaemon).Attrs {
		if a.Key == "" || a.Key == "*" {
			continue
		}
		for _, value := range []string{"1", takenOut} {
			if e := Explain(&inventory.Step{Method: methodWrite, Path: "/etc/docker/daemon.json", Params: map[string]string{a.Key: value}}); !e.Complete() {
				t.Errorf("nobody explains %s", a.Key)
			}
		}
	}
	for method, leaf := range map[string]string{methodChown: "owner", methodChmod: "mode"} {
		if e := Explain(&inventory.Step{Method: method, Path: "/srv", Params: map[string]string{leaf: "1"}}); !e.Complete() {
			t.Errorf("nobody explains the %s of %s", leaf, method)
		}
	}
	if e := Explain(&inventory.Step{Method: methodWrite, Path: "/etc/docker/daemon.json", Params: map[string]string{"some-key": "secret"}}); e.Complete() || strings.Contains(e.Parts[1].Text, "secret") {
		t.Errorf("a key that nobody knows: %+v", e)
	}
}
