package home

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"recon/inventory"
	"recon/manifests"
	"recon/reconcile"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/zclconf/go-cty/cty"
)

// How far back the history of the manifests is read: so many different states of
// them, found among so many commits.
const (
	pastStates  = 50
	pastCommits = 5000
)

// past reads from the commits of the project's repository what the manifests said of
// fields before they said what they say now. Nothing is checked out: trees and files
// come from the object store. A field of which the history does not tell, because
// there is none or it was cut off, is not in the answer.
func (h *Home) past(ctx context.Context, project *manifests.Project, asked map[inventory.Address][]inventory.Path) (reconcile.Past, error) {
	if len(asked) == 0 {
		return nil, nil
	}
	repo, err := git.PlainOpenWithOptions(h.Root, &git.PlainOpenOptions{DetectDotGit: true, EnableDotGitCommonDir: true})
	if errors.Is(err, git.ErrRepositoryNotExists) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open the Git repository: %w", err)
	}
	w := &walk{home: h, repo: repo, found: reconcile.Past{}, open: map[inventory.Address]map[inventory.Path]inventory.Value{}}
	for addr, paths := range asked {
		w.open[addr] = map[inventory.Path]inventory.Value{}
		for _, p := range paths {
			w.open[addr][p] = inventory.Value{Value: project.Resource(addr).Attrs[p]}
		}
	}
	if w.prefix, err = prefixOf(repo, h.Root); err != nil {
		return nil, err
	}
	return w.found, w.run(ctx, project)
}

// prefixOf is the project's folder inside the repository, "" for its root.
func prefixOf(repo *git.Repository, root string) (string, error) {
	tree, err := repo.Worktree()
	if err != nil {
		return "", fmt.Errorf("find the work tree: %w", err)
	}
	top, err := filepath.EvalSymlinks(tree.Filesystem.Root())
	if err != nil {
		return "", err
	}
	if root, err = filepath.EvalSymlinks(root); err != nil {
		return "", err
	}
	rel, err := filepath.Rel(top, root)
	if err != nil || rel == "." {
		return "", err
	}
	return filepath.ToSlash(rel), nil
}

// A walk goes from the last commit to the first along first parents, until every
// question is answered.
type walk struct {
	home   *Home
	repo   *git.Repository
	prefix string
	found  reconcile.Past
	open   map[inventory.Address]map[inventory.Path]inventory.Value // what the manifests say now
	blind  bool                                                     // some of the history could not be understood
}

func (w *walk) run(ctx context.Context, now *manifests.Project) error {
	head, err := w.repo.Head()
	if err != nil {
		return nil // no commit yet: no history
	}
	commit, err := w.repo.CommitObject(head.Hash())
	if err != nil {
		return fmt.Errorf("read the last commit: %w", err)
	}
	shallow, err := w.repo.Storer.Shallow()
	if err != nil {
		return fmt.Errorf("read the history: %w", err)
	}
	first, last := true, ""
	for states, commits := 0, 0; len(w.open) > 0 && states < pastStates && commits < pastCommits && ctx.Err() == nil; commits++ {
		fsys, key, err := w.stateOf(commit)
		if err != nil {
			return err
		}
		if key != last && key != "" {
			w.compare(fsys, now, first)
			states++
		}
		last, first = key, false
		if slices.Contains(shallow, commit.Hash) {
			return nil // what was before is not here
		}
		if commit.NumParents() == 0 {
			w.never()
			return nil
		}
		if commit, err = commit.Parent(0); err != nil {
			return fmt.Errorf("read the history: %w", err)
		}
	}
	if ctx.Err() == nil {
		w.never()
	}
	return ctx.Err()
}

// stateOf returns the project's folder in a commit, and a key that is the same as long
// as its manifests are. Both are empty where there was no project.
func (w *walk) stateOf(c *object.Commit) (fsys treeFS, key string, err error) {
	tree, err := c.Tree()
	if err == nil && w.prefix != "" {
		if tree, err = tree.Tree(w.prefix); errors.Is(err, object.ErrDirectoryNotFound) {
			return treeFS{}, "", nil
		}
	}
	if err != nil {
		return treeFS{}, "", fmt.Errorf("read commit %s: %w", c.Hash.String()[:12], err)
	}
	names, err := manifests.Files(treeFS{tree})
	if err != nil {
		return treeFS{}, "", fmt.Errorf("read commit %s: %w", c.Hash.String()[:12], err)
	}
	for _, name := range names {
		e, err := tree.FindEntry(name)
		if err != nil {
			return treeFS{}, "", fmt.Errorf("read commit %s: %w", c.Hash.String()[:12], err)
		}
		key += name + " " + e.Hash.String() + "\n"
	}
	return treeFS{tree}, key, nil
}

// compare holds what the manifests of a commit said against what they say now. Those
// that cannot be loaded tell nothing.
func (w *walk) compare(fsys treeFS, now *manifests.Project, head bool) {
	then, diags, err := w.home.readFrom(&overlay{below: embed.FS{}, now: fsys, then: fsys}, now, nil)
	if err != nil || diags.HasErrors() {
		w.home.Log.Debug("manifests of the history cannot be loaded", "error", err, "mistakes", diags)
		w.blind = true
		return
	}
	byIdentity := map[string]*inventory.Resource{}
	for i := range then.Resources {
		byIdentity[then.Resources[i].Identity] = &then.Resources[i]
	}
	for addr, fields := range w.open {
		old := then.Resource(addr)
		if old == nil {
			old = byIdentity[now.Resource(addr).Identity]
		}
		switch {
		case old != nil:
			w.settle(addr, old, fields)
		case head:
			w.newBlock(addr, fields)
		}
		if len(fields) == 0 {
			delete(w.open, addr)
		}
	}
}

// settle answers the fields in which the manifest said something else.
func (w *walk) settle(addr inventory.Address, old *inventory.Resource, fields map[inventory.Path]inventory.Value) {
	kind := old.Kind()
	for p, now := range fields {
		attr, _, _ := kind.Lookup(p)
		if attr == nil {
			continue
		}
		then := old.Attrs[p]
		switch {
		case inventory.IsNull(now.Value) && old.Policy.Exact && attr.Wire == inventory.WireAbsent && old.Attrs.Has(p.Parent()):
			w.answer(addr, p, reconcile.Before{Value: inventory.Value{Value: cty.False}}) // the device was declared
		case inventory.IsNull(now.Value) && old.Policy.Exact && inventory.IsNull(then):
			continue // it was left out then, too
		case inventory.IsNull(then):
			w.answer(addr, p, reconcile.Before{})
		case !attr.Same(then, now.Value):
			w.answer(addr, p, reconcile.Before{Value: inventory.Value{Value: then}})
		default:
			continue
		}
		delete(fields, p)
	}
}

// newBlock answers the fields of a block that is not committed yet: all of it is new.
func (w *walk) newBlock(addr inventory.Address, fields map[inventory.Path]inventory.Value) {
	for p := range fields {
		w.answer(addr, p, reconcile.Before{})
		delete(fields, p)
	}
}

func (w *walk) answer(addr inventory.Address, p inventory.Path, b reconcile.Before) {
	if w.found[addr] == nil {
		w.found[addr] = map[inventory.Path]reconcile.Before{}
	}
	w.found[addr][p] = b
}

// never answers what is left when all of the history has been read: it said nothing
// else.
func (w *walk) never() {
	if w.blind {
		return
	}
	for addr, fields := range w.open {
		for p := range fields {
			w.answer(addr, p, reconcile.Before{Never: true})
		}
	}
}
