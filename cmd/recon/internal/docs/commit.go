package docs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"recon/cmd/recon/internal/home"
	"recon/inventory"
)

// commitDocuments commits what was just written, where the context block says so:
// one commit a repository. Only files that were as committed before are: a
// person's own unfinished edits are never committed for them.
func commitDocuments(h *home.Home, docs []Document, written []string) error {
	byRepo := map[string]*commit{}
	var order []string
	var errs []error
	for i := range docs {
		d := &docs[i]
		if d.target == nil || !d.target.commit || !slices.Contains(written, d.Path) {
			continue
		}
		c, err := openCommit(d.target.base)
		if err != nil {
			errs = append(errs, fmt.Errorf("commit %s: %w", d.Path, err))
			continue
		}
		if byRepo[c.root] == nil {
			byRepo[c.root] = c
			order = append(order, c.root)
		}
		byRepo[c.root].docs = append(byRepo[c.root].docs, d)
	}
	for _, root := range order {
		if err := byRepo[root].run(h); err != nil {
			errs = append(errs, fmt.Errorf("commit what was written in %s: %w", root, err))
		}
	}
	return errors.Join(errs...)
}

// A commit is one commit to be made.
type commit struct {
	repo *git.Repository
	root string // of the work tree
	dir  string // where Git keeps its state
	docs []*Document
}

func openCommit(dir string) (*commit, error) {
	repo, err := git.PlainOpenWithOptions(dir, &git.PlainOpenOptions{DetectDotGit: true, EnableDotGitCommonDir: true})
	if errors.Is(err, git.ErrRepositoryNotExists) {
		return nil, errors.New("there is no Git repository; leave commit out")
	}
	if err != nil {
		return nil, err
	}
	tree, err := repo.Worktree()
	if err != nil {
		return nil, err
	}
	return &commit{repo: repo, root: tree.Filesystem.Root(), dir: filepath.Join(tree.Filesystem.Root(), git.GitDirName)}, nil
}

// run makes the commit, unless the repository is in the middle of something.
func (c *commit) run(h *home.Home) error {
	for _, name := range []string{"MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "rebase-merge", "rebase-apply"} {
		if _, err := os.Stat(filepath.Join(c.dir, name)); err == nil {
			return errors.New("a merge or rebase is under way; finish it first")
		}
	}
	tree, err := c.repo.Worktree()
	if err != nil {
		return err
	}
	if staged, err := c.staged(); err != nil || staged != "" {
		return errors.Join(err, stagedError(staged))
	}
	var names []string
	for _, d := range c.docs {
		rel, err := c.relative(d)
		if err != nil {
			return err
		}
		if d.Exists && !c.asCommitted(rel, d.Old) {
			return fmt.Errorf("%s held changes that are not committed; commit them yourself", d.Path)
		}
		if _, err := tree.Add(rel); err != nil {
			return fmt.Errorf("stage %s: %w", d.Path, err)
		}
		names = append(names, rel)
	}
	_, err = tree.Commit("Bring observed facts up to date\n\n"+strings.Join(names, "\n")+"\n", &git.CommitOptions{Author: c.author(h)})
	return err
}

func stagedError(name string) error {
	if name == "" {
		return nil
	}
	return fmt.Errorf("%s is staged; commit it yourself first", name)
}

// staged returns a file that somebody has staged, "" when there is none. The index
// is held against the last commit; the work tree does not matter.
func (c *commit) staged() (string, error) {
	index, err := c.repo.Storer.Index()
	if err != nil {
		return "", err
	}
	committed := map[string]plumbing.Hash{}
	head, err := c.head()
	if err != nil {
		return "", err
	}
	if head != nil {
		err = head.Files().ForEach(func(f *object.File) error {
			committed[f.Name] = f.Hash
			return nil
		})
		if err != nil {
			return "", err
		}
	}
	for _, e := range index.Entries {
		if hash, ok := committed[e.Name]; e.Mode.IsFile() && (!ok || hash != e.Hash) {
			return e.Name, nil
		}
		delete(committed, e.Name)
	}
	if len(committed) > 0 {
		return slices.Min(slices.Collect(maps.Keys(committed))), nil // removed from the index
	}
	return "", nil
}

// head returns the tree of the last commit, nil when there is none yet.
func (c *commit) head() (*object.Tree, error) {
	ref, err := c.repo.Head()
	if errors.Is(err, plumbing.ErrReferenceNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	last, err := c.repo.CommitObject(ref.Hash())
	if err != nil {
		return nil, err
	}
	return last.Tree()
}

// relative names a document from the root of the work tree.
func (c *commit) relative(d *Document) (string, error) {
	base, err := filepath.EvalSymlinks(d.target.base)
	if err != nil {
		return "", err
	}
	root, err := filepath.EvalSymlinks(c.root)
	if err != nil {
		return "", err
	}
	rel, err := filepath.Rel(root, filepath.Join(base, filepath.FromSlash(d.target.file)))
	return filepath.ToSlash(rel), err
}

// asCommitted reports whether a file's bytes were those of the last commit; line
// endings do not count, since Git may change them.
func (c *commit) asCommitted(rel string, old []byte) bool {
	head, err := c.head()
	if err != nil || head == nil {
		return false
	}
	f, err := head.File(rel)
	if err != nil {
		return false
	}
	r, err := f.Reader()
	if err != nil {
		return false
	}
	defer r.Close()
	was, err := io.ReadAll(io.LimitReader(r, int64(len(old))*2+1)) //nolint:forbidigo // bounded: at most twice as long, by line endings
	unix := func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n")) }
	return err == nil && bytes.Equal(unix(was), unix(old))
}

// author is the person whom Git is set up for, else recon itself.
func (c *commit) author(h *home.Home) *object.Signature {
	sig := &object.Signature{Name: "recon", Email: "recon@localhost", When: h.Now()}
	if cfg, err := c.repo.ConfigScoped(config.GlobalScope); err == nil && cfg.User.Name != "" && cfg.User.Email != "" {
		sig.Name, sig.Email = cfg.User.Name, cfg.User.Email
	}
	return sig
}

// CheckGit says what the repository is good for.
func CheckGit(h *home.Home) []inventory.Ability {
	const costs = "nothing is told since a revision, and documents are not committed"
	repo, err := git.PlainOpenWithOptions(h.Root, &git.PlainOpenOptions{DetectDotGit: true, EnableDotGitCommonDir: true})
	if err != nil {
		return []inventory.Ability{{Name: "repository", State: inventory.Lacks, Said: err.Error(), Costs: costs, Mend: []string{"git init && git add . && git commit"}}}
	}
	if _, err := repo.Head(); err != nil {
		return []inventory.Ability{{Name: "repository", State: inventory.Lacks, Said: "nothing is committed yet", Costs: costs, Mend: []string{"git add . && git commit"}}}
	}
	return []inventory.Ability{inventory.Working("repository", "with history")}
}
