package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"recon/cmd/recon/internal/home"
	"recon/inventory/contextfile"
	"recon/manifests"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// A move is the way of the work tree from one commit to another.
type move struct {
	home     *home.Home
	repo     *git.Repository
	name     string // of the source
	branch   string
	prefix   string // the project's folder in the repository, "" for all of it
	from, to *object.Commit

	changes map[string]change
	notes   []string
}

// An entry is what a commit has at a path; zero: nothing.
type entry struct {
	mode filemode.FileMode
	hash plumbing.Hash
}

// A change is what becomes of a path.
type change struct {
	from, to entry
	leave    bool // it is not written, whatever the commit says
}

// relation says how the folder's commit stands to the tip of the branch.
func (m *move) relation() (Condition, error) {
	if busy := m.busy(); busy != "" {
		return "", trouble(Busy, "finish it", "somebody is at work in the folder: %s", busy)
	}
	head, err := m.repo.Reference(plumbing.HEAD, false)
	if err != nil {
		return "", fmt.Errorf("read the branch of the folder: %w", err)
	}
	if want := plumbing.NewBranchReferenceName(m.branch); head.Target() != want {
		is := "at no branch"
		if head.Target().IsBranch() {
			is = "on the branch " + contextfile.Told(head.Target().Short())
		}
		return "", trouble(Elsewhere, "git switch "+m.branch, "the folder is %s, and the source is %s", is, m.branch)
	}
	if m.from == nil {
		return Waiting, nil
	}
	if m.from.Hash == m.to.Hash {
		return Current, m.remember()
	}
	return m.ancestry()
}

// ancestry tells a commit that follows from one that does not.
func (m *move) ancestry() (Condition, error) {
	follows, err := m.from.IsAncestor(m.to)
	if err != nil || follows {
		return Waiting, err
	}
	pushed, err := m.to.IsAncestor(m.from)
	if err != nil || pushed {
		return Ahead, err
	}
	hint := fmt.Sprintf("when that is in order: git fetch && git reset --keep %s", Short(m.to.Hash.String()))
	if last, err := m.repo.Reference(m.ref(), true); err == nil {
		c, err := m.repo.CommitObject(last.Hash())
		if err == nil {
			if still, err := c.IsAncestor(m.to); err == nil && !still {
				return "", trouble(Rewritten, hint, "the branch %s was pushed by force: %s does not follow from %s", m.branch, Short(m.to.Hash.String()), Short(c.Hash.String()))
			}
		}
	}
	return "", trouble(Diverged, "git pull --rebase && git push, or "+hint, "the folder has commits that %s has not, and the other way round", m.branch)
}

// ref is where the last tip that was in force is kept, which keeps git gc from it too.
func (m *move) ref() plumbing.ReferenceName {
	return plumbing.ReferenceName("refs/recon/" + m.name + "/tip")
}

func (m *move) remember() error {
	if err := m.repo.Storer.SetReference(plumbing.NewHashReference(m.ref(), m.to.Hash)); err != nil {
		return fmt.Errorf("remember the tip: %w", err)
	}
	return nil
}

// busy names what somebody has begun in the work tree, "" when nobody has.
func (m *move) busy() string {
	dir, err := gitDir(m.repo)
	if err != nil {
		return err.Error()
	}
	for name, what := range map[string]string{
		"MERGE_HEAD": "a merge", "CHERRY_PICK_HEAD": "a cherry-pick", "REVERT_HEAD": "a revert", "rebase-merge": "a rebase", "rebase-apply": "a rebase", "index.lock": "another git",
	} {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			return what + " (" + name + ")"
		}
	}
	return ""
}

// Bounds of the files of a commit.
const (
	maxDepth = 64
	maxFiles = 50_000
)

// examine finds what the commit changes, and refuses what must not be written.
func (m *move) examine(ctx context.Context) error {
	from, err := m.tree(m.from)
	if err != nil {
		return err
	}
	to, err := m.tree(m.to)
	if err != nil {
		return err
	}
	m.changes, m.notes = map[string]change{}, []string{}
	if err := m.walk(ctx, from, to, "", 0); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(m.changes)) {
		c := m.changes[name]
		if err := m.judge(name, &c); err != nil {
			return err
		}
		m.changes[name] = c
	}
	const few = 20
	if more := len(m.notes) - few; more > 0 {
		m.notes = append(m.notes[:few], fmt.Sprintf("and %d more", more))
	}
	return nil
}

func (m *move) tree(c *object.Commit) (*object.Tree, error) {
	if c == nil {
		return &object.Tree{}, nil
	}
	t, err := c.Tree()
	if err != nil {
		return nil, fmt.Errorf("read the files of commit %s: %w", Short(hashOf(c)), err)
	}
	return t, nil
}

// walk compares two folders, and those in them that differ.
func (m *move) walk(ctx context.Context, from, to *object.Tree, at string, depth int) error {
	if depth > maxDepth || len(m.changes) > maxFiles || ctx.Err() != nil {
		return trouble(TooLarge, "", "commit %s changes more than %d files, or has folders more than %d deep", Short(hashOf(m.to)), maxFiles, maxDepth)
	}
	was, _ := entries(from)
	is, err := entries(to)
	if err != nil {
		return trouble(Unsafe, "", "in commit %s %s", Short(hashOf(m.to)), err)
	}
	names := slices.Collect(maps.Keys(is))
	for name := range was {
		if _, stays := is[name]; !stays {
			names = append(names, name)
		}
	}
	for _, name := range names {
		if was[name] == is[name] {
			continue
		}
		if err := m.pair(ctx, was[name], is[name], path.Join(at, name), depth); err != nil {
			return err
		}
	}
	return nil
}

// pair compares what two commits have at a path.
func (m *move) pair(ctx context.Context, was, is entry, name string, depth int) error {
	if was.mode == filemode.Dir || is.mode == filemode.Dir {
		goesIn := is.mode == filemode.Dir
		from, err := m.subtree(&was)
		if err != nil {
			return err
		}
		to, err := m.subtree(&is)
		if err != nil {
			return err
		}
		if goesIn && !fit(path.Base(name)) {
			return m.unsafe(name)
		}
		if err := m.walk(ctx, from, to, name, depth+1); err != nil {
			return err
		}
	}
	if was != (entry{}) || is != (entry{}) {
		m.changes[name] = change{from: was, to: is}
	}
	return nil
}

// subtree is the folder of an entry, which is taken out of it; nothing of another one.
func (m *move) subtree(e *entry) (*object.Tree, error) {
	if e.mode != filemode.Dir {
		return &object.Tree{}, nil
	}
	t, err := m.repo.TreeObject(e.hash)
	*e = entry{}
	if err != nil {
		return nil, fmt.Errorf("read the files of commit %s: %w", Short(hashOf(m.to)), err)
	}
	return t, nil
}

// entries are what a folder has, by name.
func entries(t *object.Tree) (map[string]entry, error) {
	out := map[string]entry{}
	for _, e := range t.Entries {
		if _, twice := out[e.Name]; twice || strings.Contains(e.Name, "/") {
			return out, fmt.Errorf("a folder is not one: it has %q twice, or a path for a name", contextfile.Told(e.Name))
		}
		mode := e.Mode
		if mode == filemode.Deprecated {
			mode = filemode.Regular
		}
		out[e.Name] = entry{mode, e.Hash}
	}
	return out, nil
}

func (m *move) unsafe(name string) error {
	return trouble(Unsafe, "take it out of the repository", "commit %s has %q, which recon does not write: it is no file of a project", Short(hashOf(m.to)), contextfile.Told(name))
}

// judge decides what becomes of a path.
func (m *move) judge(name string, c *change) error {
	if c.to == (entry{}) {
		c.leave = home.Steers(name)
		return nil
	}
	if own := strings.ToLower(path.Join(m.prefix, home.StateDir)) + "/"; !fit(path.Base(name)) || strings.HasPrefix(strings.ToLower(name)+"/", own) {
		return m.unsafe(name)
	}
	if home.Steers(name) {
		c.leave = true
		m.note("%s steers assistants or Git and is left as it is", name)
		return nil
	}
	switch c.to.mode {
	case filemode.Submodule:
		return m.submodule(name, c)
	case filemode.Symlink:
		return m.link(name, c)
	case filemode.Regular, filemode.Executable:
		return m.file(name, c)
	}
	return m.unsafe(name)
}

func (m *move) note(format string, name string) {
	m.notes = append(m.notes, fmt.Sprintf(format, contextfile.Told(name)))
}

// manifest reports a path that is read as a manifest of the project.
func (m *move) manifest(name string) bool {
	rel, ok := name, true
	if m.prefix != "" {
		rel, ok = strings.CutPrefix(name, m.prefix+"/")
	}
	return ok && (manifests.IsManifest(rel) || rel == manifests.Folder)
}

// submodule leaves out the folder of another repository, unless manifests would be in it.
func (m *move) submodule(name string, c *change) error {
	c.leave = true
	rel := path.Join(m.prefix, manifests.Folder)
	if name == rel || strings.HasPrefix(name, rel+"/") || m.prefix != "" && (name == m.prefix || strings.HasPrefix(m.prefix, name+"/")) {
		return trouble(Unsafe, "keep the manifests in the repository itself", "in commit %s %s is a submodule, and recon fetches none", Short(hashOf(m.to)), contextfile.Told(name))
	}
	m.note("%s is a submodule and is not fetched", name)
	return nil
}

// maxLink is how long the target of a link may be.
const maxLink = 4096

// link refuses one that leads out of the work tree, by itself or by another one.
func (m *move) link(name string, c *change) error {
	target, err := m.content(c.to.hash, maxLink)
	if err != nil {
		return err
	}
	to := string(target)
	steps, depth := strings.Split(to, "/"), strings.Count(name, "/")
	for _, s := range steps {
		switch s {
		case "", ".":
		case "..":
			depth--
		default:
			depth++
		}
		if depth < 0 || strings.EqualFold(s, git.GitDirName) {
			depth = -1
			break
		}
	}
	switch {
	case to == "" || path.IsAbs(to) || depth < 0 || strings.ContainsAny(to, "\x00\\"):
		return trouble(Unsafe, "take the link out of the repository", "in commit %s %s is a link that leads out of the work tree", Short(hashOf(m.to)), contextfile.Told(name))
	case m.manifest(name):
		return trouble(Unsafe, "commit the file itself", "in commit %s the manifest %s is a link", Short(hashOf(m.to)), contextfile.Told(name))
	}
	return nil
}

// What stands at the beginning of a file whose content is somewhere else.
var standIns = map[string]string{
	"version https://git-lfs.github.com/spec/v1\n": "of Git LFS",
	"\x00GITCRYPT\x00": "of git-crypt",
}

// file leaves a stand-in alone: its content is not in the repository.
func (m *move) file(name string, c *change) error {
	size, err := m.repo.Storer.EncodedObjectSize(c.to.hash)
	if err != nil {
		return fmt.Errorf("read %s of commit %s: %w", contextfile.Told(name), Short(hashOf(m.to)), err)
	}
	if size > maxBlob {
		return trouble(TooLarge, "keep large files out of the repository, or in Git LFS", "in commit %s %s has %d MiB; recon takes %d", Short(hashOf(m.to)), contextfile.Told(name), size>>20, maxBlob>>20)
	}
	head, err := m.head(c.to.hash)
	if err != nil {
		return err
	}
	for begins, what := range standIns {
		if !bytes.HasPrefix(head, []byte(begins)) {
			continue
		}
		if m.manifest(name) {
			return trouble(Unsafe, "commit the file itself", "in commit %s the manifest %s is a stand-in %s, whose content recon does not fetch", Short(hashOf(m.to)), contextfile.Told(name), what)
		}
		c.leave = true
		m.note("%s is a stand-in "+what+" and is left as it is", name)
	}
	return nil
}

func (m *move) head(hash plumbing.Hash) ([]byte, error) {
	blob, err := m.repo.BlobObject(hash)
	if err != nil {
		return nil, fmt.Errorf("read commit %s: %w", Short(hashOf(m.to)), err)
	}
	r, err := blob.Reader()
	if err != nil {
		return nil, fmt.Errorf("read commit %s: %w", Short(hashOf(m.to)), err)
	}
	defer r.Close()
	head := make([]byte, 64)
	n, err := io.ReadFull(r, head)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return head[:n], err
}

// content is what a file of the commit holds.
func (m *move) content(hash plumbing.Hash, limit int64) ([]byte, error) {
	blob, err := m.repo.BlobObject(hash)
	if err != nil {
		return nil, fmt.Errorf("read commit %s: %w", Short(hashOf(m.to)), err)
	}
	if blob.Size > limit {
		return nil, trouble(TooLarge, "", "commit %s holds a file of %d bytes where recon takes %d", Short(hashOf(m.to)), blob.Size, limit)
	}
	r, err := blob.Reader()
	if err != nil {
		return nil, fmt.Errorf("read commit %s: %w", Short(hashOf(m.to)), err)
	}
	defer r.Close()
	return io.ReadAll(io.LimitReader(r, limit)) //nolint:forbidigo // bounded
}

// fit reports a name that is the same file everywhere, and not Git's own, however a file
// system may spell that.
func fit(name string) bool {
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "\\\x00") {
		return false
	}
	plain := strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) || unicode.IsControl(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, name)
	plain, _, _ = strings.Cut(plain, ":")
	plain = strings.TrimRight(plain, ". ")
	return plain != git.GitDirName && !strings.HasPrefix(plain, "git~") && !slices.ContainsFunc([]rune(name), unicode.IsControl)
}
