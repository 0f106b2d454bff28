package api

import (
	"bytes"
	"fmt"
	"os"

	"recon/cmd/recon/internal/home"
	"recon/manifests"

	"github.com/hashicorp/hcl/v2"
)

// Format lays out the project's manifests and returns those that were not in
// canonical form; it writes them only when write is set. A file that does not
// parse is an error, and then nothing is written.
func Format(opts Options, write bool) ([]string, error) {
	root, err := home.FindRoot(opts.Dir)
	if err != nil {
		return nil, err
	}
	names, err := manifests.Files(os.DirFS(root))
	if err != nil {
		return nil, err
	}
	var changed []string
	old, formatted := map[string][]byte{}, map[string][]byte{}
	var diags hcl.Diagnostics
	files := map[string]*hcl.File{}
	for _, name := range names {
		src, _, err := home.ReadFile(root, name)
		if err != nil {
			return nil, err
		}
		out, d := manifests.Format(src, name)
		diags = append(diags, d...)
		files[name] = &hcl.File{Bytes: src}
		if !d.HasErrors() && !bytes.Equal(src, out) {
			changed = append(changed, name)
			old[name], formatted[name] = src, out
		}
	}
	if diags.HasErrors() {
		return nil, &DiagnosticsError{Diags: diags, Files: files}
	}
	if !write {
		return changed, nil
	}
	for _, name := range changed {
		if _, err := home.ReplaceFile(root, name, old[name], true, formatted[name]); err != nil {
			return nil, fmt.Errorf("lay out: %w", err)
		}
	}
	return changed, nil
}
