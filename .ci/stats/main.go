// Stats prints how long functions and files are, and how large interfaces and
// packages are. It is a report, not a gate.
package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	var functions, files []int
	var longest []string
	exported := map[string]int{}
	fset := token.NewFileSet()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != "." {
			return filepath.SkipDir
		}
		if filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		files = append(files, fset.Position(f.End()).Line)
		for _, decl := range f.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok {
				n := fset.Position(fn.End()).Line - fset.Position(fn.Pos()).Line + 1
				functions = append(functions, n)
				if n > 60 {
					longest = append(longest, fmt.Sprintf("%4d %s %s", n, path, fn.Name.Name))
				}
				if fn.Recv == nil && fn.Name.IsExported() {
					exported[filepath.Dir(path)]++
				}
			}
		}
		return nil
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	report("functions", functions)
	report("files", files)
	slices.Sort(longest)
	slices.Reverse(longest)
	fmt.Println(strings.Join(longest, "\n"))
	for dir, n := range exported {
		if n > 20 {
			fmt.Printf("%s exports %d functions\n", dir, n)
		}
	}
}

func report(what string, lengths []int) {
	slices.Sort(lengths)
	at := func(q float64) int { return lengths[min(int(float64(len(lengths))*q), len(lengths)-1)] }
	fmt.Printf("%s: %d, median %d lines, p95 %d, longest %d\n", what, len(lengths), at(0.5), at(0.95), at(1))
}
