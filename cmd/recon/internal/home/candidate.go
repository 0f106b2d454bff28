package home

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"recon/inventory"
	"recon/inventory/localfile"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// Try loads the manifests that the project would have if its folder, which is at the
// commit of one tree, were at that of another. Nothing is put in force. Files that Git
// knows nothing of stay as they are: local secrets, manifests that nobody commits. A tree
// is nil where there is no commit.
func (h *Home) Try(now, then *object.Tree) error {
	p, diags, err := h.readFrom(&overlay{below: h.Files(), now: folderOf(now), then: folderOf(then)}, nil, nil)
	switch {
	case err != nil:
		return err
	case diags.HasErrors():
		return &DiagnosticsError{diags, p.Sources()}
	case len(p.Schedules) == 0:
		return errNoSchedule
	}
	return nil
}

var errNoSchedule = errors.New("the manifests have no schedule any more")

// Prefix is the project's folder inside a repository, "" for its root.
func (h *Home) Prefix(repo *git.Repository) (string, error) { return prefixOf(repo, h.Root) }

func folderOf(t *object.Tree) treeFS {
	if t == nil {
		t = &object.Tree{}
	}
	return treeFS{t}
}

// An overlay is the work tree of one commit as it would be at another one. Manifests are
// read side by side, and go-git's trees are for one reader at a time.
type overlay struct {
	mu        sync.Mutex
	below     fs.FS
	now, then treeFS
}

// has reports whether a commit has something of that name.
func has(t treeFS, name string) bool {
	_, err := t.Stat(name)
	return err == nil
}

// Open opens what the commit has; else what Git knows nothing of.
func (o *overlay) Open(name string) (fs.File, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if has(o.then, name) {
		return o.then.Open(name)
	}
	if err := o.gone(name); err != nil {
		return nil, err
	}
	return o.below.Open(name)
}

// gone is why there would be no such file: the commit takes it away.
func (o *overlay) gone(name string) error {
	if info, err := o.now.Stat(name); err == nil && !info.IsDir() {
		return &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return nil
}

// ReadFile is bounded as files of the project are.
func (o *overlay) ReadFile(name string) ([]byte, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !has(o.then, name) {
		if err := o.gone(name); err != nil {
			return nil, err
		}
		return fs.ReadFile(o.below, name)
	}
	f, err := o.then.tree.File(name)
	switch {
	case err != nil:
		return nil, missing("read", name, err)
	case f.Size > localfile.Medium:
		return nil, fmt.Errorf("%s is larger than %d MiB", name, localfile.Medium>>20)
	}
	text, err := f.Contents()
	return []byte(text), err
}

// Stat describes what Open opens.
func (o *overlay) Stat(name string) (fs.FileInfo, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if has(o.then, name) {
		return o.then.Stat(name)
	}
	if err := o.gone(name); err != nil {
		return nil, err
	}
	return fs.Stat(o.below, name)
}

// ReadDir lists a folder in the order of names.
func (o *overlay) ReadDir(name string) ([]fs.DirEntry, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	out, err := o.then.ReadDir(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	below, belowErr := fs.ReadDir(o.below, name)
	if belowErr != nil && (err != nil || !errors.Is(belowErr, fs.ErrNotExist)) {
		return nil, belowErr
	}
	for _, e := range below {
		rel := e.Name()
		if name != "." {
			rel = name + "/" + rel
		}
		if !has(o.then, rel) && o.gone(rel) == nil {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return out, nil
}

// followed is how the project stands to its repository.
type followed struct{ behind *inventory.Scope }

// Follow says how the project stands to its repository: what keeps it behind, nil when
// nothing does.
func (h *Home) Follow(behind *inventory.Scope) { h.followed.Store(&followed{behind}) }

// Behind is what keeps the project behind its repository, nil when nothing does. Only a
// process that follows one knows.
func (h *Home) Behind() (behind *inventory.Scope, known bool) {
	f := h.followed.Load()
	if f == nil {
		return nil, false
	}
	return f.behind, true
}
