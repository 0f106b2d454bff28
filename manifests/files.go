package manifests

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
)

// Folder is where manifests live beside those in the root.
const Folder = "manifests"

// MainFile is the file that marks the root of a project.
const MainFile = "recon.hcl"

// maxFile bounds one manifest; a larger file is a mistake, not a manifest.
const maxFile = 16 << 20

// Files lists the manifests of a project: recon.hcl, *.recon.hcl in the root and
// manifests/**/*.hcl. Folders whose name starts with a dot are passed over, as are
// other tools' .hcl files.
func Files(fsys fs.FS) ([]string, error) {
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return nil, fmt.Errorf("list the project's folder: %w", err)
	}
	var files []string
	for _, e := range entries {
		if !e.IsDir() && (e.Name() == MainFile || strings.HasSuffix(e.Name(), ".recon.hcl") && e.Name()[0] != '.') {
			files = append(files, e.Name())
		}
	}
	err = fs.WalkDir(fsys, Folder, func(p string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist) && p == Folder:
			return fs.SkipAll
		case err != nil:
			return err
		case d.IsDir() && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		case !d.IsDir() && path.Ext(p) == ".hcl" && !strings.HasPrefix(d.Name(), "."):
			files = append(files, p)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list manifests: %w", err)
	}
	slices.Sort(files)
	return files, nil
}

// parseFiles reads and parses every manifest. A file that does not parse
// contributes its diagnostics and what could be read.
func parseFiles(fsys fs.FS) (map[string]*hcl.File, hcl.Diagnostics) {
	names, err := Files(fsys)
	if err != nil {
		return nil, hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Manifests cannot be listed", Detail: err.Error() + "."}}
	}
	parsed := make([]*hcl.File, len(names))
	found := make([]hcl.Diagnostics, len(names))
	var wg sync.WaitGroup
	for i, name := range names {
		wg.Go(func() { parsed[i], found[i] = parseFile(fsys, name) })
	}
	wg.Wait()
	var diags hcl.Diagnostics
	files := make(map[string]*hcl.File, len(names))
	for i, name := range names {
		diags = append(diags, found[i]...)
		if parsed[i] != nil {
			files[name] = parsed[i]
		}
	}
	return files, diags
}

func parseFile(fsys fs.FS, name string) (*hcl.File, hcl.Diagnostics) {
	src, err := fs.ReadFile(fsys, name)
	if err == nil && len(src) > maxFile {
		err = fmt.Errorf("the file has %d bytes; a manifest has at most %d", len(src), maxFile)
	}
	if err != nil {
		return nil, hcl.Diagnostics{{
			Severity: hcl.DiagError, Summary: "Manifest cannot be read", Detail: err.Error() + ".",
			Subject: &hcl.Range{Filename: name, Start: hcl.InitialPos, End: hcl.InitialPos},
		}}
	}
	return parse(src, name)
}

// parse parses one manifest. A byte order mark is accepted and skipped. Nesting
// is bounded before the parser, which recurses, sees the text.
func parse(src []byte, name string) (*hcl.File, hcl.Diagnostics) {
	if rng, ok := tooDeep(src, name); ok {
		return nil, hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Nesting too deep", Detail: fmt.Sprintf("Brackets nest more than %d levels deep here.", maxDepth), Subject: &rng}}
	}
	return hclsyntax.ParseConfig(bytes.TrimPrefix(src, []byte("\xef\xbb\xbf")), name, hcl.InitialPos)
}

const maxDepth = 200

func tooDeep(src []byte, name string) (hcl.Range, bool) {
	depth, line := 0, 1
	for i, c := range src {
		switch c {
		case '\n':
			line++
		case '(', '[', '{':
			if depth++; depth > maxDepth {
				pos := hcl.Pos{Line: line, Column: 1, Byte: i}
				return hcl.Range{Filename: name, Start: pos, End: pos}, true
			}
		case ')', ']', '}':
			depth--
		}
	}
	return hcl.Range{}, false
}

// Format returns a manifest in canonical layout, or the diagnostics that keep it
// from being understood.
func Format(src []byte, name string) ([]byte, hcl.Diagnostics) {
	if _, diags := parse(src, name); diags.HasErrors() {
		return nil, diags
	}
	return hclwrite.Format(src), nil
}
