package main_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A listedPackage is what go list says of a package.
type listedPackage struct {
	ImportPath, Dir, Export string
	GoFiles                 []string
	Standard, DepOnly       bool
}

// TestTypesAreNotComparedWithOperators reads every file of the module with its types.
// Types and values of cty hold maps, so that == on them, a switch over them, a map
// keyed by them or a generic that compares them panics for some input.
func TestTypesAreNotComparedWithOperators(t *testing.T) {
	list := exec.Command("go", "list", "-export", "-deps", "-json=ImportPath,Dir,Export,GoFiles,Standard,DepOnly", "recon/...")
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	exports, own := map[string]string{}, []listedPackage{}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listedPackage
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		exports[p.ImportPath] = p.Export
		if !p.DepOnly {
			own = append(own, p)
		}
	}
	if len(own) < 10 {
		t.Fatalf("the module has %d packages", len(own))
	}
	fset := token.NewFileSet()
	imports := importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
	for _, p := range own {
		for _, place := range compared(t, fset, imports, p) {
			t.Error(place)
		}
	}
}

// compared returns where a package compares what must not be compared.
func compared(t *testing.T, fset *token.FileSet, imports types.Importer, p listedPackage) (out []string) {
	var files []*ast.File
	for _, name := range p.GoFiles {
		f, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}, Instances: map[*ast.Ident]types.Instance{}}
	if _, err := (&types.Config{Importer: imports}).Check(p.ImportPath, fset, files, info); err != nil {
		t.Fatal(err)
	}
	found := func(n ast.Node, what string) { out = append(out, fmt.Sprintf("%s: %s", fset.Position(n.Pos()), what)) }
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BinaryExpr:
				if (n.Op == token.EQL || n.Op == token.NEQ) && holdsCty(info.TypeOf(n.X)) {
					found(n, "compares with "+n.Op.String())
				}
			case *ast.SwitchStmt:
				if n.Tag != nil && holdsCty(info.TypeOf(n.Tag)) {
					found(n, "compares with a switch")
				}
			case *ast.MapType:
				if holdsCty(info.TypeOf(n.Key)) {
					found(n, "has it as the key of a map")
				}
			}
			return true
		})
	}
	for id, in := range info.Instances {
		f, ok := info.Uses[id].Type().(*types.Signature)
		for i := 0; ok && i < in.TypeArgs.Len(); i++ {
			if f.TypeParams().At(i).Constraint().Underlying().(*types.Interface).IsComparable() && holdsCty(in.TypeArgs.At(i)) {
				found(id, "compares within "+id.Name)
			}
		}
	}
	return out
}

// holdsCty reports cty.Type, cty.Value, and what has one of them within.
func holdsCty(t types.Type) bool {
	if named, ok := t.(*types.Named); ok && named.Obj().Pkg() != nil && named.Obj().Pkg().Path() == "github.com/zclconf/go-cty/cty" {
		return named.Obj().Name() == "Type" || named.Obj().Name() == "Value"
	}
	switch u := t.Underlying().(type) {
	case *types.Struct:
		for i := range u.NumFields() {
			if holdsCty(u.Field(i).Type()) {
				return true
			}
		}
	case *types.Array:
		return holdsCty(u.Elem())
	}
	return false
}
