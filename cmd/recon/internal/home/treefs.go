package home

import (
	"errors"
	"io/fs"
	"path"
	"time"

	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// A treeFS is the folder of a commit as a file system, read from the object store.
type treeFS struct{ tree *object.Tree }

// maxPastFile bounds a file that is read from the history.
const maxPastFile = 16 << 20

// Open opens a file or folder of the commit.
func (t treeFS) Open(name string) (fs.File, error) {
	info, err := t.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return &treeFile{FileInfo: info}, nil
	}
	f, err := t.tree.File(name)
	if err != nil {
		return nil, missing("open", name, err)
	}
	if f.Size > maxPastFile {
		return nil, &fs.PathError{Op: "open", Path: name, Err: errors.New("it is too large")}
	}
	r, err := f.Reader()
	if err != nil {
		return nil, missing("open", name, err)
	}
	return &treeFile{info, r}, nil
}

// Stat describes a file or folder of the commit.
func (t treeFS) Stat(name string) (fs.FileInfo, error) {
	if name == "." {
		return treeInfo{name: name, dir: true}, nil
	}
	e, err := t.tree.FindEntry(name)
	if err != nil {
		return nil, missing("stat", name, err)
	}
	return treeInfo{name: path.Base(name), dir: e.Mode == filemode.Dir, link: e.Mode == filemode.Symlink}, nil
}

// ReadDir lists a folder of the commit, in the order of names.
func (t treeFS) ReadDir(name string) ([]fs.DirEntry, error) {
	sub := t.tree
	if name != "." {
		var err error
		if sub, err = t.tree.Tree(name); err != nil {
			return nil, missing("list", name, err)
		}
	}
	out := make([]fs.DirEntry, 0, len(sub.Entries))
	for _, e := range sub.Entries {
		out = append(out, fs.FileInfoToDirEntry(treeInfo{name: e.Name, dir: e.Mode == filemode.Dir, link: e.Mode == filemode.Symlink}))
	}
	return out, nil
}

// missing spells go-git's ways of saying that something is not there as io/fs does.
func missing(op, name string, err error) error {
	if errors.Is(err, object.ErrEntryNotFound) || errors.Is(err, object.ErrDirectoryNotFound) || errors.Is(err, object.ErrFileNotFound) {
		err = fs.ErrNotExist
	}
	return &fs.PathError{Op: op, Path: name, Err: err}
}

// A treeFile is an open file; a folder has nothing to read.
type treeFile struct {
	fs.FileInfo
	io interface {
		Read([]byte) (int, error)
		Close() error
	}
}

func (f *treeFile) Stat() (fs.FileInfo, error) { return f.FileInfo, nil }

func (f *treeFile) Read(b []byte) (int, error) {
	if f.io == nil {
		return 0, &fs.PathError{Op: "read", Path: f.Name(), Err: errors.New("is a folder")}
	}
	return f.io.Read(b)
}

func (f *treeFile) Close() error {
	if f.io == nil {
		return nil
	}
	return f.io.Close()
}

// A treeInfo is what a commit knows of a file beside its content.
type treeInfo struct {
	name      string
	dir, link bool
}

func (i treeInfo) Name() string       { return i.name }
func (i treeInfo) Size() int64        { return 0 }
func (i treeInfo) ModTime() time.Time { return time.Time{} }
func (i treeInfo) IsDir() bool        { return i.dir }
func (i treeInfo) Sys() any           { return nil }

func (i treeInfo) Mode() fs.FileMode {
	switch {
	case i.dir:
		return fs.ModeDir | 0o755
	case i.link:
		return fs.ModeSymlink
	}
	return 0o644
}
