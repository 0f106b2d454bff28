package home

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func folder(t *testing.T) *Home {
	t.Helper()
	return At(t.TempDir(), Options{})
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestSameBytesAreNotWritten(t *testing.T) {
	h := folder(t)
	put(t, h.Path("a.md"), "same")
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(h.Path("a.md"), old, old); err != nil {
		t.Fatal(err)
	}
	before, _ := os.Stat(h.Path("a.md"))
	changed, err := ReplaceFile(h.Root, "a.md", []byte("same"), true, []byte("same"))
	after, _ := os.Stat(h.Path("a.md"))
	if changed || err != nil || !before.ModTime().Equal(after.ModTime()) {
		t.Errorf("changed %v, error %v, mtime %s -> %s", changed, err, before.ModTime(), after.ModTime())
	}
}

func TestFileThatChangesWhileItIsWritten(t *testing.T) {
	h := folder(t)
	put(t, h.Path("a.md"), "somebody else's")
	_, err := ReplaceFile(h.Root, "a.md", []byte("what was read"), true, []byte("new"))
	if !errors.Is(err, ErrFileChanged) {
		t.Errorf("error: %v", err)
	}
	_, err = ReplaceFile(h.Root, "a.md", nil, false, []byte("new"))
	if !errors.Is(err, ErrFileChanged) {
		t.Errorf("a file that appeared: %v", err)
	}
	if b, _ := os.ReadFile(h.Path("a.md")); string(b) != "somebody else's" {
		t.Errorf("the file holds %q", b)
	}
	entries, _ := os.ReadDir(h.Root)
	if len(entries) != 1 {
		t.Errorf("a temporary file is left: %v", entries)
	}
}

func TestModeAndOwnerAreKept(t *testing.T) {
	h := folder(t)
	put(t, h.Path("a.md"), "old")
	if err := os.Chmod(h.Path("a.md"), 0o640); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		if err := os.Chown(h.Path("a.md"), 1234, 1235); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := ReplaceFile(h.Root, "a.md", []byte("old"), true, []byte("new")); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(h.Path("a.md"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o640 {
		t.Errorf("mode is %o", info.Mode().Perm())
	}
	if st := info.Sys().(*syscall.Stat_t); os.Geteuid() == 0 && (st.Uid != 1234 || st.Gid != 1235) {
		t.Errorf("owner is %d:%d", st.Uid, st.Gid)
	}
}

// TestNatureIsKept: extended attributes stay; and a user who cannot give the new file what
// the old one has does not replace it.
func TestNatureIsKept(t *testing.T) {
	h := folder(t)
	put(t, h.Path("a.md"), "old")
	attribute := unix.Setxattr(h.Path("a.md"), "user.recon", []byte("kept"), 0) == nil
	// user::rw-, user:4242:r--, group::r--, mask::r--, other::---
	acl := []byte{2, 0, 0, 0, 1, 0, 6, 0, 255, 255, 255, 255, 2, 0, 4, 0, 0x92, 0x10, 0, 0, 4, 0, 4, 0, 255, 255, 255, 255, 16, 0, 4, 0, 255, 255, 255, 255, 32, 0, 0, 0, 255, 255, 255, 255}
	list := unix.Setxattr(h.Path("a.md"), "system.posix_acl_access", acl, 0) == nil
	if !attribute && !list {
		t.Log("not tried: this file system has no extended attributes")
	}
	if _, err := ReplaceFile(h.Root, "a.md", []byte("old"), true, []byte("new")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 100)
	if n, err := unix.Getxattr(h.Path("a.md"), "user.recon", got); attribute && (err != nil || string(got[:n]) != "kept") {
		t.Errorf("the attribute is %q, %v", got[:max(n, 0)], err)
	}
	if n, err := unix.Getxattr(h.Path("a.md"), "system.posix_acl_access", got); list && (err != nil || !bytes.Equal(got[:n], acl)) {
		t.Errorf("the access list is %v, %v", got[:max(n, 0)], err)
	}
	if os.Geteuid() != 0 {
		t.Skip("skipped: only root can be somebody else")
	}
	put(t, h.Path("b.md"), "old")
	if err := errors.Join(os.Chown(h.Root, 1000, 1000), os.Chown(h.Path("b.md"), 1234, 1000), os.Chmod(h.Path("b.md"), 0o664), os.Chmod(filepath.Dir(h.Root), 0o755)); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() {
		runtime.LockOSThread() // and it ends with this goroutine
		if err := unix.Setfsuid(1000); err != nil {
			ended <- nil
			return
		}
		_, err := ReplaceFile(h.Root, "b.md", []byte("old"), true, []byte("new"))
		ended <- err
	}()
	err := <-ended
	if b, _ := os.ReadFile(h.Path("b.md")); err == nil || string(b) != "old" {
		t.Errorf("another user replaced it: %q, %v", b, err)
	}
}

func TestReadOnlyFileIsRefused(t *testing.T) {
	h := folder(t)
	put(t, h.Path("a.md"), "old")
	if err := os.Chmod(h.Path("a.md"), 0o444); err != nil {
		t.Fatal(err)
	}
	if _, err := ReplaceFile(h.Root, "a.md", []byte("old"), true, []byte("new")); !errors.Is(err, os.ErrPermission) {
		t.Errorf("error: %v", err)
	}
}

func TestNeverOutsideTheRoot(t *testing.T) {
	h := folder(t)
	outside := filepath.Join(t.TempDir(), "outside.md")
	put(t, outside, "mine")
	for name, target := range map[string]string{"link.md": outside, "dangling.md": filepath.Join(filepath.Dir(outside), "new.md")} {
		if err := os.Symlink(target, h.Path(name)); err != nil {
			t.Fatal(err)
		}
		if _, err := ReplaceFile(h.Root, name, []byte("mine"), true, []byte("new")); Code(err) != ExitRefused {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := os.Symlink(filepath.Dir(outside), h.Path("dir")); err != nil {
		t.Fatal(err)
	}
	for _, rel := range []string{"dir/outside.md", "../x.md", ".claude/settings.json", ".claude/settings.local.json", ".claude/hooks/a.md", ".mcp.json", ".Claude/SETTINGS.local.JSON", "x/.claude/Hooks/deep/a.md", ".git/config", ".GIT/a.md", "sub/.git/a.md", ".recon/a.md"} {
		if _, err := ReplaceFile(h.Root, rel, nil, false, []byte("new")); Code(err) != ExitRefused {
			t.Errorf("%s: %v", rel, err)
		}
	}
	if b, _ := os.ReadFile(outside); string(b) != "mine" {
		t.Errorf("the file outside holds %q", b)
	}
	for i, target := range []string{".git/config", "recon.hcl", ".git/hooks/a.md", ".claude/hooks/x/a.md", ".claude/settings.json"} {
		name := fmt.Sprintf("CLAUDE%d.md", i)
		put(t, h.Path(target), "theirs")
		if err := os.Symlink(target, h.Path(name)); err != nil {
			t.Fatal(err)
		}
		if _, err := ReplaceFile(h.Root, name, []byte("theirs"), true, []byte("new")); Code(err) != ExitRefused {
			t.Errorf("%s: %v", target, err)
		}
		if b, _ := os.ReadFile(h.Path(target)); string(b) != "theirs" {
			t.Errorf("%s holds %q", target, b)
		}
	}
	inner := h.Path("real.md")
	put(t, inner, "old")
	if err := os.Symlink("real.md", h.Path("inner.md")); err != nil {
		t.Fatal(err)
	}
	if _, err := ReplaceFile(h.Root, "inner.md", []byte("old"), true, []byte("new")); err != nil {
		t.Errorf("a link inside the root: %v", err)
	}
	if info, _ := os.Lstat(h.Path("inner.md")); info.Mode()&os.ModeSymlink == 0 {
		t.Error("the link was replaced by a file")
	}
}

func TestOnlyENOENTMeansMissing(t *testing.T) {
	h := folder(t)
	put(t, h.Path("file"), "x")
	if _, exists, err := ReadFile(h.Root, "nothing.md"); exists || err != nil {
		t.Errorf("missing: %v %v", exists, err)
	}
	if err := os.Mkdir(h.Path("folder.md"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, rel := range []string{"folder.md", "file/below.md"} {
		if _, _, err := ReadFile(h.Root, rel); err == nil {
			t.Errorf("%s is taken for missing", rel)
		}
	}
}

func TestDiskFull(t *testing.T) {
	h := folder(t)
	small := h.Path("small")
	if err := os.Mkdir(small, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", small, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("needs root, to mount a small file system: %v", err)
	}
	defer syscall.Unmount(small, 0)
	put(t, filepath.Join(small, "a.md"), "old")
	_, err := ReplaceFile(h.Root, "small/a.md", []byte("old"), true, []byte(strings.Repeat("x", 1<<20)))
	if !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("error: %v", err)
	}
	if b, _ := os.ReadFile(filepath.Join(small, "a.md")); string(b) != "old" {
		t.Errorf("the file holds %d bytes", len(b))
	}
	if entries, _ := os.ReadDir(small); len(entries) != 1 {
		t.Errorf("a temporary file is left: %v", entries)
	}
}
