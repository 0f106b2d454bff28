package manifests

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
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
		if !e.IsDir() && IsManifest(e.Name()) {
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
		case !d.IsDir() && IsManifest(p):
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

// IsManifest reports a file that Files lists, by its path.
func IsManifest(p string) bool {
	if !strings.Contains(p, "/") {
		return p == MainFile || strings.HasSuffix(p, ".recon.hcl") && p[0] != '.'
	}
	return strings.HasPrefix(p, Folder+"/") && path.Ext(p) == ".hcl" && !strings.Contains(p, "/.")
}

// Format returns a manifest in canonical layout, or the diagnostics that keep it
// from being understood.
func Format(src []byte, name string) ([]byte, hcl.Diagnostics) {
	if _, diags := parse(src, name); diags.HasErrors() {
		return nil, diags
	}
	return hclwrite.Format(src), nil
}
