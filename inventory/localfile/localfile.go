// Package localfile reads files of this machine that somebody else may have put there:
// manifests, documents, states, keys, saved plans.
//
// Only a regular file, or a link to one, is read, and only up to a size: a pipe would
// keep the reader waiting, a device would never end, and a huge file would take the
// memory of everything else. Nothing else in recon opens a file to read it.
package localfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// The sizes up to which files are read.
const (
	Small  = 1 << 20  // keys, certificates, settings
	Medium = 16 << 20 // manifests and documents
	Large  = 64 << 20 // states of Terraform and saved plans
)

// ErrUnfit is wrapped when something is no regular file, or too large to be read.
var ErrUnfit = errors.New("it is not read")

// Read returns the content of a regular file of at most limit bytes.
func Read(name string, limit int64) ([]byte, error) {
	f, _, err := open(name, limit, false)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAll(f, name, limit)
}

// readAll reads what may grow while it is being read.
func readAll(r io.Reader, name string, limit int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = tooLarge(name, limit)
	}
	if err != nil {
		return nil, err
	}
	return b, nil
}

// open opens a file, or where that is asked for a folder, without waiting for the
// other end of a pipe.
func open(name string, limit int64, folders bool) (*os.File, fs.FileInfo, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	switch {
	case err != nil:
	case info.IsDir() && folders:
	case info.IsDir():
		err = &fs.PathError{Op: "read", Path: name, Err: syscall.EISDIR}
	case !info.Mode().IsRegular():
		err = fmt.Errorf("%w: %s is %s, not a file", ErrUnfit, name, kindOf(info.Mode()))
	case info.Size() > limit:
		err = tooLarge(name, limit)
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

func tooLarge(name string, limit int64) error {
	return fmt.Errorf("%w: %s is larger than %d MiB", ErrUnfit, name, limit>>20)
}

func kindOf(m fs.FileMode) string {
	switch {
	case m&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case m&fs.ModeSocket != 0:
		return "a socket"
	}
	return "a device"
}

// Folder is a folder of this machine as a file system whose files are read as Read
// reads them.
func Folder(root string, limit int64) fs.FS { return folder{root, limit} }

type folder struct {
	root  string
	limit int64
}

func (d folder) path(op, name string) (string, error) {
	if !fs.ValidPath(name) {
		return "", &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	return filepath.Join(d.root, filepath.FromSlash(name)), nil
}

// Open opens a file or a folder.
func (d folder) Open(name string) (fs.File, error) {
	p, err := d.path("open", name)
	if err != nil {
		return nil, err
	}
	f, _, err := open(p, d.limit, true)
	if err != nil {
		return nil, err // f would be a pointer to nothing in an interface
	}
	return f, nil
}

// ReadFile reads a file; the path in an error is the name within the folder.
func (d folder) ReadFile(name string) ([]byte, error) {
	p, err := d.path("read", name)
	if err != nil {
		return nil, err
	}
	b, err := Read(p, d.limit)
	var of *fs.PathError
	if errors.As(err, &of) {
		of.Path = name
	}
	return b, err
}

// ReadDir lists a folder.
func (d folder) ReadDir(name string) ([]fs.DirEntry, error) {
	p, err := d.path("readdir", name)
	if err != nil {
		return nil, err
	}
	return os.ReadDir(p)
}

// Stat describes a file without opening it.
func (d folder) Stat(name string) (fs.FileInfo, error) {
	p, err := d.path("stat", name)
	if err != nil {
		return nil, err
	}
	return os.Stat(p)
}
