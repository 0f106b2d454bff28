package home

import (
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing/fstest"

	"recon/manifests"

	"github.com/hashicorp/hcl/v2"
)

// Draft reads the project as it would be with other content of some files.
func (h *Home) Draft(files map[string][]byte) (*manifests.Project, hcl.Diagnostics, error) {
	return h.readFrom(draft{h.Files(), files}, nil, nil)
}

// DraftAlone reads one text as if it were all that the project declares, beside its
// clusters and hosts.
func (h *Home) DraftAlone(text []byte) (*manifests.Project, hcl.Diagnostics, error) {
	return h.readFrom(fstest.MapFS{manifests.MainFile: {Data: text}}, h.Project(), nil)
}

// A draft is a folder in which some files have other content.
type draft struct {
	fs.FS
	files map[string][]byte
}

// ReadFile reads a file.
func (d draft) ReadFile(name string) ([]byte, error) {
	if text, ok := d.files[name]; ok {
		return text, nil
	}
	return fs.ReadFile(d.FS, name)
}

// Stat describes a file or folder, also one that is there only with the new files.
func (d draft) Stat(name string) (fs.FileInfo, error) {
	info, err := fs.Stat(d.FS, name)
	if err != nil {
		made := fstest.MapFS{}
		for file, text := range d.files {
			made[file] = &fstest.MapFile{Data: text}
		}
		if is, madeErr := made.Stat(name); madeErr == nil {
			return is, nil
		}
	}
	return info, err
}

// ReadDir lists a folder, with the new files in it.
func (d draft) ReadDir(name string) ([]fs.DirEntry, error) {
	out, err := fs.ReadDir(d.FS, name)
	made := fstest.MapFS{}
	for file, text := range d.files {
		if path.Dir(file) == name && !slices.ContainsFunc(out, func(e fs.DirEntry) bool { return e.Name() == path.Base(file) }) {
			made[path.Base(file)] = &fstest.MapFile{Data: text}
		}
	}
	if len(made) == 0 {
		return out, err
	}
	more, err := fs.ReadDir(made, ".")
	out = append(out, more...)
	slices.SortFunc(out, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return out, err
}
