package home

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"

	"recon/inventory/localfile"
)

// ErrFileChanged is wrapped when a file changed between being read and being
// replaced.
var ErrFileChanged = errors.New("it changed while recon was working on it; run the command again")

// ReadFile reads a file below a folder: the project's or a declared root's. Only
// "does not exist" means that it is missing.
func ReadFile(base, rel string) (content []byte, exists bool, err error) {
	path, err := inside(base, rel)
	if err != nil {
		return nil, false, err
	}
	b, err := localfile.Read(path, localfile.Medium)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read %s: %w", rel, err)
	}
	return b, true, nil
}

// Behind is the file that a path below a folder means once links are followed, as a
// path below the same folder.
func Behind(base, rel string) (string, error) {
	real, err := inside(base, rel)
	if err != nil {
		return "", err
	}
	root, err := filepath.EvalSymlinks(base)
	if err != nil {
		return "", fmt.Errorf("resolve the folder of %s: %w", rel, err)
	}
	behind, err := filepath.Rel(root, real)
	return filepath.ToSlash(behind), err
}

// inside resolves a path below a folder, the project's or a declared root's, and
// refuses one that leads out of it, by itself or through a link, and the files that
// steer assistants.
func inside(base, rel string) (string, error) {
	path := filepath.Join(base, filepath.FromSlash(rel))
	root, err := filepath.EvalSymlinks(base)
	if err != nil {
		return "", fmt.Errorf("resolve the folder of %s: %w", rel, err)
	}
	real, err := resolve(path)
	if err != nil {
		return "", fmt.Errorf("resolve %s: %w", rel, err)
	}
	if real != root && !strings.HasPrefix(real, root+string(filepath.Separator)) {
		return "", Refuse("", "%s leads out of its folder, to %s", rel, real)
	}
	if Steers(strings.TrimPrefix(real, root)) {
		return "", Refuse("", "%s steers assistants or Git; recon never writes it", rel)
	}
	if named, is := filepath.Ext(path), filepath.Ext(real); !strings.EqualFold(named, is) {
		return "", Refuse("name the file itself", "%s is a link to %s, which is another kind of file", rel, real)
	}
	return real, nil
}

// Steers reports a path below a root that decides what others do: settings and hooks of
// assistants, and what is Git's or recon's own, in whatever case and at any depth. A
// file system may not tell Hooks from hooks.
func Steers(path string) bool {
	parts := strings.Split(strings.ToLower(filepath.ToSlash(path)), "/")
	for _, dir := range parts[:len(parts)-1] {
		if dir == "hooks" || dir == ".git" || dir == StateDir {
			return true
		}
	}
	base := parts[len(parts)-1]
	return base == ".mcp.json" || base == ".git" || strings.HasPrefix(base, "settings") && strings.HasSuffix(base, ".json")
}

// resolve follows links as far as the path exists.
func resolve(path string) (string, error) {
	real, err := filepath.EvalSymlinks(path)
	if err == nil {
		return real, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if target, linkErr := os.Readlink(path); linkErr == nil { // a link to nothing
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(path), target)
		}
		return resolve(target)
	}
	parent, err := resolve(filepath.Dir(path))
	if err != nil {
		return "", err
	}
	return filepath.Join(parent, filepath.Base(path)), nil
}

// ReplaceFile gives a file below a folder new content, all or nothing: a temporary
// file in the same folder, synced, put in place by rename, provided that the file
// still is what was read. Same bytes are not written. Mode and owner are kept.
func ReplaceFile(base, rel string, old []byte, existed bool, content []byte) (changed bool, err error) {
	if existed && bytes.Equal(old, content) {
		return false, nil
	}
	path, err := inside(base, rel)
	if err != nil {
		return false, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return false, fmt.Errorf("make the folder of %s: %w", rel, err)
	}
	if err := writable(path, existed); err != nil {
		return false, fmt.Errorf("write %s: %w", rel, err)
	}
	t, err := renameio.NewPendingFile(path, renameio.WithExistingPermissions(), renameio.WithPermissions(0o644), renameio.WithTempDir(filepath.Dir(path)))
	if err != nil {
		return false, fmt.Errorf("write %s: %w", rel, err)
	}
	defer t.Cleanup()
	if _, err := t.Write(content); err != nil {
		return false, fmt.Errorf("write %s: %w", rel, err)
	}
	if err := keepNature(t.File, path); err != nil {
		return false, fmt.Errorf("keep the owner and the attributes of %s: %w", rel, err)
	}
	if err := t.Sync(); err != nil {
		return false, fmt.Errorf("write %s: %w", rel, err)
	}
	if err := unchanged(path, old, existed); err != nil {
		return false, fmt.Errorf("write %s: %w", rel, err)
	}
	if err := t.CloseAtomicallyReplace(); err != nil {
		return false, fmt.Errorf("write %s: %w", rel, err)
	}
	return true, syncFolder(filepath.Dir(path))
}

// writable refuses a file that its owner has made read-only: replacing it by
// rename would go around that.
func writable(path string, existed bool) error {
	if !existed {
		return nil
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return ErrFileChanged
	}
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o200 == 0 {
		return fmt.Errorf("the file is read-only: %w", fs.ErrPermission)
	}
	return nil
}

func unchanged(path string, old []byte, existed bool) error {
	now, err := localfile.Read(path, localfile.Medium)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if existed {
			return ErrFileChanged
		}
		return nil
	case err != nil:
		return err
	case !existed || !bytes.Equal(now, old):
		return ErrFileChanged
	}
	return nil
}

func syncFolder(dir string) error {
	d, err := os.Open(dir) //nolint:forbidigo // to sync it, not to read it
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
