package app

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func session(t *testing.T) *Session {
	t.Helper()
	return &Session{Root: t.TempDir(), Options: Options{Now: time.Now, Command: "recon test"}}
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
	s := session(t)
	put(t, s.path("a.md"), "same")
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(s.path("a.md"), old, old); err != nil {
		t.Fatal(err)
	}
	before, _ := os.Stat(s.path("a.md"))
	changed, err := s.replaceFile("a.md", []byte("same"), true, []byte("same"))
	after, _ := os.Stat(s.path("a.md"))
	if changed || err != nil || !before.ModTime().Equal(after.ModTime()) {
		t.Errorf("changed %v, error %v, mtime %s -> %s", changed, err, before.ModTime(), after.ModTime())
	}
}

func TestFileThatChangesWhileItIsWritten(t *testing.T) {
	s := session(t)
	put(t, s.path("a.md"), "somebody else's")
	_, err := s.replaceFile("a.md", []byte("what was read"), true, []byte("new"))
	if !errors.Is(err, ErrFileChanged) {
		t.Errorf("error: %v", err)
	}
	_, err = s.replaceFile("a.md", nil, false, []byte("new"))
	if !errors.Is(err, ErrFileChanged) {
		t.Errorf("a file that appeared: %v", err)
	}
	if b, _ := os.ReadFile(s.path("a.md")); string(b) != "somebody else's" {
		t.Errorf("the file holds %q", b)
	}
	entries, _ := os.ReadDir(s.Root)
	if len(entries) != 1 {
		t.Errorf("a temporary file is left: %v", entries)
	}
}

func TestModeAndOwnerAreKept(t *testing.T) {
	s := session(t)
	put(t, s.path("a.md"), "old")
	if err := os.Chmod(s.path("a.md"), 0o640); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		if err := os.Chown(s.path("a.md"), 1234, 1235); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.replaceFile("a.md", []byte("old"), true, []byte("new")); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(s.path("a.md"))
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

func TestReadOnlyFileIsRefused(t *testing.T) {
	s := session(t)
	put(t, s.path("a.md"), "old")
	if err := os.Chmod(s.path("a.md"), 0o444); err != nil {
		t.Fatal(err)
	}
	if _, err := s.replaceFile("a.md", []byte("old"), true, []byte("new")); !errors.Is(err, os.ErrPermission) {
		t.Errorf("error: %v", err)
	}
}

func TestNeverOutsideTheRoot(t *testing.T) {
	s := session(t)
	outside := filepath.Join(t.TempDir(), "outside.md")
	put(t, outside, "mine")
	for name, target := range map[string]string{"link.md": outside, "dangling.md": filepath.Join(filepath.Dir(outside), "new.md")} {
		if err := os.Symlink(target, s.path(name)); err != nil {
			t.Fatal(err)
		}
		if _, err := s.replaceFile(name, []byte("mine"), true, []byte("new")); Code(err) != ExitRefused {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := os.Symlink(filepath.Dir(outside), s.path("dir")); err != nil {
		t.Fatal(err)
	}
	for _, rel := range []string{"dir/outside.md", "../x.md", ".claude/settings.json", ".claude/settings.local.json", ".claude/hooks/a.md", ".mcp.json"} {
		if _, err := s.replaceFile(rel, nil, false, []byte("new")); Code(err) != ExitRefused {
			t.Errorf("%s: %v", rel, err)
		}
	}
	if b, _ := os.ReadFile(outside); string(b) != "mine" {
		t.Errorf("the file outside holds %q", b)
	}
	inner := s.path("real.md")
	put(t, inner, "old")
	if err := os.Symlink("real.md", s.path("inner.md")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.replaceFile("inner.md", []byte("old"), true, []byte("new")); err != nil {
		t.Errorf("a link inside the root: %v", err)
	}
	if info, _ := os.Lstat(s.path("inner.md")); info.Mode()&os.ModeSymlink == 0 {
		t.Error("the link was replaced by a file")
	}
}

func TestOnlyENOENTMeansMissing(t *testing.T) {
	s := session(t)
	put(t, s.path("file"), "x")
	if _, exists, err := s.readDocument("nothing.md"); exists || err != nil {
		t.Errorf("missing: %v %v", exists, err)
	}
	if err := os.Mkdir(s.path("folder.md"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, rel := range []string{"folder.md", "file/below.md"} {
		if _, _, err := s.readDocument(rel); err == nil {
			t.Errorf("%s is taken for missing", rel)
		}
	}
}

func TestDiskFull(t *testing.T) {
	s := session(t)
	small := s.path("small")
	if err := os.Mkdir(small, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", small, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("needs root, to mount a small file system: %v", err)
	}
	defer syscall.Unmount(small, 0)
	put(t, filepath.Join(small, "a.md"), "old")
	_, err := s.replaceFile("small/a.md", []byte("old"), true, []byte(strings.Repeat("x", 1<<20)))
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

func TestLock(t *testing.T) {
	s := session(t)
	release, err := s.Lock()
	if err != nil {
		t.Fatal(err)
	}
	if h, err := s.Holder(); err != nil || h == nil || h.PID != os.Getpid() || h.Command != "recon test" {
		t.Errorf("holder %v, %v", h, err)
	}
	if _, err := s.Lock(); Code(err) != ExitRefused {
		t.Errorf("a second writer: %v", err)
	}
	release()
	if h, err := s.Holder(); h != nil || err != nil {
		t.Errorf("after release: %v, %v", h, err)
	}
	release, err = s.Lock()
	if err != nil {
		t.Fatal(err)
	}
	release()
}
