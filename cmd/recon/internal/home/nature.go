package home

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// keepNature gives the new file the owner, the group, the access list and the other
// attributes of the one that it replaces. What this user may not give it is a reason not
// to replace it.
func keepNature(f *os.File, path string) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	made, err := f.Stat()
	if err != nil {
		return err
	}
	old, now := info.Sys().(*syscall.Stat_t), made.Sys().(*syscall.Stat_t)
	if old.Uid != now.Uid || old.Gid != now.Gid {
		if err := f.Chown(int(old.Uid), int(old.Gid)); err != nil {
			return fmt.Errorf("it belongs to user %d and group %d, which user %d cannot give a file: %w", old.Uid, old.Gid, os.Geteuid(), err)
		}
		if err := f.Chmod(info.Mode()); err != nil { // chown takes bits away
			return err
		}
	}
	return keepAttributes(f, path)
}

// keepAttributes copies extended attributes, of which access lists are one. What the
// system gives every file by itself (labels of SELinux, digests) is the system's to give.
func keepAttributes(f *os.File, path string) error {
	names, err := attributes(path)
	if err != nil {
		return err
	}
	for _, name := range names {
		want, err := attribute(path, name)
		if err != nil {
			return err
		}
		have := make([]byte, len(want)+1)
		if n, err := unix.Fgetxattr(int(f.Fd()), name, have); err == nil && bytes.Equal(have[:n], want) {
			continue
		}
		err = unix.Fsetxattr(int(f.Fd()), name, want, 0)
		if err != nil && !(strings.HasPrefix(name, "security.") && (errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOTSUP))) {
			return fmt.Errorf("set %s: %w", name, err)
		}
	}
	return nil
}

// attributes lists the extended attributes of a file; a file system may have none.
func attributes(path string) ([]string, error) {
	size, err := unix.Listxattr(path, nil)
	if errors.Is(err, unix.ENOTSUP) || err == nil && size == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	list := make([]byte, size)
	if size, err = unix.Listxattr(path, list); err != nil {
		return nil, err
	}
	names := strings.Split(strings.TrimSuffix(string(list[:size]), "\x00"), "\x00")
	return slices.DeleteFunc(names, func(n string) bool { return n == "" }), nil
}

func attribute(path, name string) ([]byte, error) {
	size, err := unix.Getxattr(path, name, nil)
	if err != nil {
		return nil, err
	}
	value := make([]byte, size)
	size, err = unix.Getxattr(path, name, value)
	if err != nil {
		return nil, err
	}
	return value[:size], nil
}
