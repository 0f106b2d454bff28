// Stats prints what keeps the code livable, in figures: lengths of functions, files and
// lines, methods a type, exported names a package, how far imports reach, and the lines
// of the product. It is a report, not a gate.
package main

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// What is looked at more closely when a figure is past these.
const (
	longFunction, longFile, longLine = 60, 400, 140
	manyMethods, manyExported        = 15, 20
)

// equipment are the folders that the product does without: simulators and what tests use.
var equipment = regexp.MustCompile(`(^|/)(pvesim|[a-z]*test|testdata)(/|$)`)

// A survey is what was counted.
type survey struct {
	functions, files   []int
	longFunctions      []string
	longFiles          []string
	wideLines          []string
	methods            map[string]int // by folder and type
	exported           map[string]int // by folder
	undocumented       []string
	imports            map[string]map[string]bool
	product, equipment int // lines
}

func main() {
	s, err := look(".")
	if err != nil {
		fmt.Fprintln(os.Stderr, "stats:", err)
		os.Exit(1)
	}
	s.print()
}

// look counts what is below a folder, tests and folders with a leading dot apart.
func look(root string) (*survey, error) {
	s := &survey{methods: map[string]int{}, exported: map[string]int{}, imports: map[string]map[string]bool{}}
	module, err := moduleName(filepath.Join(root, "go.mod"))
	if err != nil {
		return nil, err
	}
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata"):
			return filepath.SkipDir
		case d.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		return s.file(path, filepath.ToSlash(rel), module)
	})
	return s, err
}

func moduleName(file string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimSpace(strings.TrimPrefix(line, "module ")), nil
}

func (s *survey) file(path, name, module string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, name, text, parser.SkipObjectResolution|parser.ParseComments)
	if err != nil {
		return err
	}
	s.lines(name, text)
	dir := filepath.Dir(name)
	for _, i := range f.Imports {
		target, _ := strconv.Unquote(i.Path.Value) // the parser has read it
		if inner, ok := strings.CutPrefix(target, module+"/"); ok {
			if s.imports[dir] == nil {
				s.imports[dir] = map[string]bool{}
			}
			s.imports[dir][inner] = true
		}
	}
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			s.function(fset, dir, d)
		case *ast.GenDecl:
			s.names(fset, dir, d)
		}
	}
	return nil
}

func (s *survey) lines(name string, text []byte) {
	n := 0
	for sc := bufio.NewScanner(bytes.NewReader(text)); sc.Scan(); {
		n++
		if width := len([]rune(strings.ReplaceAll(sc.Text(), "\t", "    "))); width > longLine {
			s.wideLines = append(s.wideLines, fmt.Sprintf("%4d %s:%d", width, name, n))
		}
	}
	s.files = append(s.files, n)
	if n > longFile {
		s.longFiles = append(s.longFiles, fmt.Sprintf("%4d %s", n, name))
	}
	if equipment.MatchString(filepath.Dir(name)) {
		s.equipment += n
	} else {
		s.product += n
	}
}

func (s *survey) function(fset *token.FileSet, dir string, d *ast.FuncDecl) {
	n := fset.Position(d.End()).Line - fset.Position(d.Pos()).Line + 1
	s.functions = append(s.functions, n)
	if n > longFunction {
		s.longFunctions = append(s.longFunctions, fmt.Sprintf("%4d %s %s", n, fset.Position(d.Pos()).Filename, d.Name.Name))
	}
	if d.Recv == nil {
		s.name(fset, dir, d.Name, d.Doc)
		return
	}
	if owner := receiver(d.Recv.List[0].Type); owner != "" {
		s.methods[dir+" "+owner]++
		if ast.IsExported(owner) && d.Name.IsExported() && d.Doc == nil {
			s.undocumented = append(s.undocumented, fset.Position(d.Pos()).String()+" "+owner+"."+d.Name.Name)
		}
	}
}

// receiver is the name of a method's type.
func receiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	}
	return ""
}

// names counts what a declaration of types, constants or variables exports. A comment
// above a group stands for all of it.
func (s *survey) names(fset *token.FileSet, dir string, d *ast.GenDecl) {
	for _, spec := range d.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			s.name(fset, dir, spec.Name, cmp.Or(spec.Doc, spec.Comment, d.Doc))
		case *ast.ValueSpec:
			for _, n := range spec.Names {
				s.name(fset, dir, n, cmp.Or(spec.Doc, spec.Comment, d.Doc))
			}
		}
	}
}

func (s *survey) name(fset *token.FileSet, dir string, n *ast.Ident, doc *ast.CommentGroup) {
	if !n.IsExported() {
		return
	}
	s.exported[dir]++
	if doc == nil {
		s.undocumented = append(s.undocumented, fset.Position(n.Pos()).String()+" "+n.Name)
	}
}

// chain returns the longest way from a package through imports of this module.
func (s *survey) chain(from string, known map[string][]string) []string {
	if way, ok := known[from]; ok {
		return way
	}
	var longest []string
	for _, to := range slices.Sorted(maps.Keys(s.imports[from])) {
		if way := s.chain(to, known); len(way) > len(longest) {
			longest = way
		}
	}
	known[from] = append([]string{from}, longest...)
	return known[from]
}

func (s *survey) longestChain() []string {
	var longest []string
	known := map[string][]string{}
	for _, from := range slices.Sorted(maps.Keys(s.imports)) {
		if way := s.chain(from, known); len(way) > len(longest) {
			longest = way
		}
	}
	return longest
}

func (s *survey) print() {
	quantiles("functions", s.functions)
	list("functions over %d lines", longFunction, s.longFunctions)
	quantiles("files", s.files)
	list("files over %d lines", longFile, s.longFiles)
	list("lines over %d columns", longLine, s.wideLines)
	list("types over %d methods", manyMethods, over(s.methods, manyMethods))
	list("packages over %d exported names", manyExported, over(s.exported, manyExported))
	slices.Sort(s.undocumented)
	fmt.Printf("exported without a comment: %d\n", len(s.undocumented))
	indented(s.undocumented)
	way := s.longestChain()
	fmt.Printf("longest chain of imports: %d packages\n", len(way))
	indented([]string{strings.Join(way, " > ")})
	fmt.Printf("product: %d lines; simulators and test equipment: %d\n", s.product, s.equipment)
	fmt.Println("mutants, as docs/quality.md has them:")
	indented(mutants("docs/quality.md"))
}

func quantiles(what string, lengths []int) {
	slices.Sort(lengths)
	at := func(q float64) int { return lengths[min(int(float64(len(lengths))*q), len(lengths)-1)] }
	fmt.Printf("%s: %d, median %d lines, p95 %d, longest %d\n", what, len(lengths), at(0.5), at(0.95), at(1))
}

// list prints what is past a figure, the largest first.
func list(title string, bound int, items []string) {
	slices.SortFunc(items, func(a, b string) int { return strings.Compare(b, a) })
	fmt.Printf(title+": %d\n", bound, len(items))
	indented(items)
}

// shown is how many of a list are printed.
const shown = 15

func indented(items []string) {
	for _, i := range items[:min(len(items), shown)] {
		fmt.Println("  " + i)
	}
	if more := len(items) - shown; more > 0 {
		fmt.Printf("  and %d more\n", more)
	}
}

func over(counts map[string]int, bound int) (items []string) {
	for name, n := range counts {
		if n > bound {
			items = append(items, fmt.Sprintf("%4d %s", n, name))
		}
	}
	return items
}

// mutants returns the rows of the page's table of mutants.
func mutants(page string) []string {
	text, err := os.ReadFile(page)
	if err != nil {
		return []string{err.Error()}
	}
	return regexp.MustCompile(`(?m)^\| (package|[a-z/]+ \|.*%) .*\|$`).FindAllString(string(text), -1)
}
