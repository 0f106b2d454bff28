package main

import (
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// TestOneWayOut reads recon's source: nothing but run is given the process's own stdout
// and stderr, and nothing else writes to them behind the writer that makes text safe.
func TestOneWayOut(t *testing.T) {
	// Who may: main hands them to the writer, the progress bars draw on the terminal
	// with names that were cleaned before, and equipment of tests is no part of recon.
	allowed := map[string]bool{"cmd/recon/main.go os.Stdout": true, "cmd/recon/main.go os.Stderr": true, "cmd/recon/main.go log.SetOutput": true}
	forbidden := map[string][]string{
		"os":  {"Stdout", "Stderr"},
		"fmt": {"Print", "Printf", "Println"},
		"log": {"Print", "Printf", "Println", "Fatal", "Fatalf", "Fatalln", "Panic", "Panicf", "Panicln", "SetOutput", "Default", "New"},
	}
	seen := 0
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel("../..", path)
		switch {
		case err != nil:
			return err
		case d.IsDir() && (rel == ".ci" || rel == ".git" || d.Name() == "testdata" || strings.HasSuffix(d.Name(), "test")):
			return fs.SkipDir
		case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		seen++
		fset := gotoken.NewFileSet()
		file, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			name := ""
			switch n := n.(type) {
			case *ast.SelectorExpr:
				if pkg, ok := n.X.(*ast.Ident); ok {
					for _, f := range forbidden[pkg.Name] {
						if n.Sel.Name == f {
							name = pkg.Name + "." + f
						}
					}
				}
			case *ast.CallExpr:
				if id, ok := n.Fun.(*ast.Ident); ok && (id.Name == "print" || id.Name == "println") {
					name = id.Name
				}
			}
			if name != "" && !allowed[filepath.ToSlash(rel)+" "+name] {
				t.Errorf("%s uses %s: what is shown goes through term.Writer", fset.Position(n.Pos()), name)
			}
			return true
		})
		return nil
	})
	if err != nil || seen < 200 {
		t.Errorf("%d files were read: %v", seen, err)
	}
}
