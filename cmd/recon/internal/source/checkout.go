package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"recon/inventory/contextfile"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/format/index"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

// gitDir is where the repository keeps its state.
func gitDir(repo *git.Repository) (string, error) {
	s, ok := repo.Storer.(*filesystem.Storage)
	if !ok {
		return "", errors.New("the repository is not one of this machine")
	}
	return s.Filesystem().Root(), nil
}

// A found is what the work tree has at a path.
type found struct {
	entry
	content []byte
	strange bool // a folder, a device, a file behind a link: nothing that Git would write over
}

// compare refuses a move that would overwrite what somebody has edited. What is as the
// commit wants it is in nobody's way: a crash may have left it so.
func (m *move) compare() error {
	root, err := m.root()
	if err != nil {
		return err
	}
	defer root.Close()
	staged, err := m.index()
	if err != nil {
		return err
	}
	var edited []string
	for _, name := range slices.Sorted(maps.Keys(m.changes)) {
		c := m.changes[name]
		if c.leave {
			continue
		}
		ok, err := m.untouched(root, name, c)
		if err != nil {
			return err
		}
		if e, err := staged.Entry(name); ok && err == nil {
			ok = e.Hash == c.from.hash || e.Hash == c.to.hash
		}
		if !ok {
			edited = append(edited, contextfile.Told(name))
		}
	}
	if len(edited) == 0 {
		return nil
	}
	files := strings.Join(edited[:min(len(edited), 5)], ", ")
	if more := len(edited) - 5; more > 0 {
		files += fmt.Sprintf(" and %d more", more)
	}
	return trouble(Edited, "commit and push it, or git stash", "commit %s changes what somebody has edited here and not committed: %s", Short(hashOf(m.to)), files)
}

// root is the work tree. Nothing that goes through it leads out of it.
func (m *move) root() (*os.Root, error) {
	tree, err := m.repo.Worktree()
	if err != nil {
		return nil, fmt.Errorf("find the work tree: %w", err)
	}
	root, err := os.OpenRoot(tree.Filesystem.Root())
	if err != nil {
		return nil, fmt.Errorf("open the work tree: %w", err)
	}
	return root, nil
}

func (m *move) index() (*index.Index, error) {
	i, err := m.repo.Storer.Index()
	if err != nil {
		return nil, fmt.Errorf("read the index of the repository: %w", err)
	}
	return i, nil
}

// untouched reports a file that is as it was committed, but for what recon wrote into it.
func (m *move) untouched(root *os.Root, name string, c change) (bool, error) {
	is, err := look(root, name)
	if err != nil || is.strange {
		return false, err
	}
	if is.entry == c.from || is.entry == c.to {
		return true, nil
	}
	for _, e := range []entry{c.from, c.to} {
		if is.mode != e.mode || is.content == nil {
			continue
		}
		has, err := m.content(e.hash, maxBlob)
		if err != nil {
			return false, err
		}
		if bytes.Equal(unix(has), unix(is.content)) || sameBeside(has, is.content, name) {
			return true, nil
		}
	}
	return false, nil
}

func unix(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n")) }

// sameBeside reports documents that differ in nothing but the blocks of recon.
func sameBeside(a, b []byte, name string) bool {
	x, okX := beside(a, name)
	y, okY := beside(b, name)
	return okX && okY && x == y
}

// beside is a document without what stands in the blocks of recon.
func beside(text []byte, name string) (string, bool) {
	d, err := contextfile.Parse(unix(text), name, contextfile.IDs()...)
	if err != nil || len(d.IDs()) == 0 {
		return "", false
	}
	for _, id := range d.IDs() {
		if d.Edited(id) {
			return "", false
		}
		cleared, err := d.Replace(id, "", true)
		if err != nil {
			return "", false
		}
		if d, err = contextfile.Parse(cleared, name, contextfile.IDs()...); err != nil {
			return "", false
		}
	}
	return string(d.Bytes()), true
}

// look is what the work tree has at a path.
func look(root *os.Root, name string) (found, error) {
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		info, err := root.Lstat(dir)
		switch {
		case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR):
			continue
		case err != nil:
			return found{}, fmt.Errorf("look at %s: %w", contextfile.Told(name), err)
		case info.Mode()&fs.ModeSymlink != 0:
			return found{strange: true}, nil
		}
	}
	info, err := root.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR):
		return found{}, nil
	case err != nil:
		return found{}, fmt.Errorf("look at %s: %w", contextfile.Told(name), err)
	case info.Mode()&fs.ModeSymlink != 0:
		to, err := root.Readlink(name)
		return found{entry: entry{filemode.Symlink, plumbing.ComputeHash(plumbing.BlobObject, []byte(to))}}, err
	case !info.Mode().IsRegular() || info.Size() > maxBlob:
		return found{strange: true}, nil
	}
	return read(root, name, info)
}

func read(root *os.Root, name string, info fs.FileInfo) (found, error) {
	f, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return found{}, fmt.Errorf("read %s: %w", contextfile.Told(name), err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxBlob+1)) //nolint:forbidigo // bounded
	if err != nil {
		return found{}, fmt.Errorf("read %s: %w", contextfile.Told(name), err)
	}
	mode := filemode.Regular
	if info.Mode().Perm()&0o100 != 0 {
		mode = filemode.Executable
	}
	return found{entry: entry{mode, plumbing.ComputeHash(plumbing.BlobObject, b)}, content: append([]byte{}, b...)}, nil
}

// Advance puts in force what the last Pull was ready for. It is for whoever knows that
// nothing else runs, and holds the project's lock. News says that it has changed something
// else than documents of recon.
func (p *Puller) Advance(ctx context.Context) (news bool, err error) {
	p.turn.Lock()
	defer p.turn.Unlock()
	p.mu.Lock()
	m := p.pending
	p.pending = nil
	p.mu.Unlock()
	if m == nil {
		return false, nil
	}
	news, err = m.run()
	s := p.State()
	if err != nil {
		p.blame(ctx, &s, err)
	} else {
		s.Commit, s.Condition, s.Detail, s.Hint = hashOf(m.to), Current, "", ""
	}
	p.note(p.Home.Project().Source, s, nil)
	return news, err
}

// run moves the work tree. What may have changed since it was looked at is looked at again,
// and each file once more before it is replaced. The commit that the folder is at changes
// last: whoever is interrupted goes on from what is there.
func (m *move) run() (news bool, err error) {
	if head, err := headOf(m.repo); err != nil || hashOf(head) != hashOf(m.from) {
		return false, errors.Join(err, trouble(Busy, "", "somebody has moved the folder to another commit meanwhile"))
	}
	if _, err := m.relation(); err != nil {
		return false, err
	}
	lock, err := m.lock()
	if err != nil {
		return false, err
	}
	defer lock.release()
	if err := m.compare(); err != nil {
		return false, err
	}
	root, err := m.root()
	if err != nil {
		return false, err
	}
	defer root.Close()
	staged, err := m.index()
	if err != nil {
		return false, err
	}
	if news, err = m.write(root, staged); err != nil {
		return news, err
	}
	if err := lock.commit(staged); err != nil {
		return news, err
	}
	branch := plumbing.NewBranchReferenceName(m.branch)
	var old *plumbing.Reference
	if m.from != nil {
		old = plumbing.NewHashReference(branch, m.from.Hash)
	}
	if err := m.repo.Storer.CheckAndSetReference(plumbing.NewHashReference(branch, m.to.Hash), old); err != nil {
		return news, fmt.Errorf("move the branch %s: %w", m.branch, err)
	}
	return news, m.remember()
}

// write brings the files to the commit: what goes away first, which may make room for a
// folder.
func (m *move) write(root *os.Root, staged *index.Index) (news bool, err error) {
	names := slices.SortedFunc(maps.Keys(m.changes), func(a, b string) int {
		gone := func(name string) int {
			if m.changes[name].to == (entry{}) {
				return 0
			}
			return 1
		}
		if x, y := gone(a), gone(b); x != y {
			return x - y
		}
		return strings.Compare(a, b)
	})
	for _, name := range names {
		c := m.changes[name]
		own, err := m.path(root, name, c)
		if err != nil {
			return news, err
		}
		news = news || !own
		_, _ = staged.Remove(name)
		if c.to != (entry{}) {
			e := staged.Add(name)
			e.Hash, e.Mode = c.to.hash, c.to.mode
			if info, err := root.Lstat(name); err == nil && info.Mode().IsRegular() && !c.leave {
				e.ModifiedAt, e.Size = info.ModTime(), uint32(info.Size())
			}
		}
	}
	return news, nil
}

// path brings one path to the commit. own says that nothing but blocks of recon would change
// in the file: what it has written since, the work tree keeps.
func (m *move) path(root *os.Root, name string, c change) (own bool, err error) {
	is, err := look(root, name)
	if err != nil || c.leave {
		return c.leave, err
	}
	if c.to == (entry{}) {
		return false, remove(root, name, is)
	}
	content, err := m.content(c.to.hash, maxBlob)
	if err != nil {
		return false, err
	}
	if own = sameBeside(is.content, content, name); own || is.entry == c.to {
		return own, nil
	}
	return false, put(root, name, c.to.mode, content, is)
}

// remove takes a file away, and the folders that it was the last one in.
func remove(root *os.Root, name string, is found) error {
	if is.entry == (entry{}) {
		return nil
	}
	if err := root.Remove(name); err != nil {
		return fmt.Errorf("remove %s: %w", contextfile.Told(name), err)
	}
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if root.Remove(dir) != nil {
			return nil // it holds something
		}
	}
	return nil
}

// put replaces a file as a whole, when it still is what was looked at.
func put(root *os.Root, name string, mode filemode.FileMode, content []byte, was found) error {
	wrap := func(err error) error { return fmt.Errorf("write %s: %w", contextfile.Told(name), err) }
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return wrap(err)
	}
	temp := path.Join(path.Dir(name), ".recon-"+plumbing.ComputeHash(plumbing.BlobObject, content).String()[:16]+".tmp")
	_ = root.Remove(temp) // of somebody who was interrupted
	if err := fill(root, temp, mode, content); err != nil {
		_ = root.Remove(temp)
		return wrap(err)
	}
	is, err := look(root, name)
	if err == nil && (is.entry != was.entry || is.strange) {
		err = trouble(Edited, "", "somebody edits %s just now", contextfile.Told(name))
	}
	if err == nil {
		err = root.Rename(temp, name)
	}
	if err != nil {
		_ = root.Remove(temp)
		return wrap(err)
	}
	return nil
}

func fill(root *os.Root, name string, mode filemode.FileMode, content []byte) error {
	if mode == filemode.Symlink {
		return root.Symlink(string(content), name)
	}
	perm := fs.FileMode(0o644)
	if mode == filemode.Executable {
		perm = 0o755
	}
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Sync(), f.Close())
}

// An indexLock is Git's own lock of the index: no git that somebody runs works meanwhile.
type indexLock struct {
	file *os.File
	to   string
	done bool
}

func (m *move) lock() (*indexLock, error) {
	dir, err := gitDir(m.repo)
	if err != nil {
		return nil, err
	}
	to := filepath.Join(dir, "index")
	f, err := os.OpenFile(to+".lock", os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return nil, trouble(Busy, "when nobody runs git there: rm .git/index.lock", "another git is at work in the folder (index.lock)")
	}
	if err != nil {
		return nil, fmt.Errorf("lock the index: %w", err)
	}
	return &indexLock{file: f, to: to}, nil
}

// commit puts the new index in place.
func (l *indexLock) commit(i *index.Index) error {
	if i.Version < 2 {
		i.Version = 2
	}
	slices.SortFunc(i.Entries, func(a, b *index.Entry) int { return strings.Compare(a.Name, b.Name) })
	err := index.NewEncoder(l.file).Encode(i)
	if err == nil {
		err = errors.Join(l.file.Sync(), l.file.Close(), os.Rename(l.file.Name(), l.to))
	}
	if err != nil {
		return fmt.Errorf("write the index of the repository: %w", err)
	}
	l.done = true
	return nil
}

func (l *indexLock) release() {
	if !l.done {
		l.file.Close()
		os.Remove(l.file.Name())
	}
}
