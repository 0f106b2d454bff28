package docs

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/gitignore"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/utils/diff"
	"github.com/sergi/go-diff/diffmatchpatch"

	"recon/cmd/recon/internal/home"
	"recon/inventory/factcheck"
	"recon/inventory/factcheck/source"
	"recon/inventory/localfile"
)

// checkedTypes are the suffixes of text in which people state facts.
var checkedTypes = []string{".md", ".markdown", ".yml", ".yaml", ".tf", ".tfvars", ".hcl", ".py", ".sh", ".ini", ".xml"}

// isChecked reports a file in which people state facts.
func isChecked(rel string) bool {
	base := strings.ToLower(path.Base(rel))
	return slices.Contains(checkedTypes, path.Ext(base)) || strings.HasPrefix(base, ".env") || base == "hosts" || base == "inventory"
}

// largestDocument is how much text one file may hold.
const largestDocument = 16 << 20

// gather reads the documents.
func (c *FactCheck) gather(paths []string) error {
	root := c.home.Root
	if len(paths) == 0 {
		if err := c.folder(root, "", false); err != nil {
			return err
		}
		return c.roots()
	}
	for _, p := range paths {
		abs, err := filepath.Abs(p)
		if err != nil {
			return err
		}
		info, err := os.Stat(abs)
		if err != nil {
			return err
		}
		base, prefix := root, ""
		rel, err := filepath.Rel(root, abs)
		if err != nil || strings.HasPrefix(rel, "..") {
			base, prefix = abs, filepath.ToSlash(p)
			if !info.IsDir() {
				base, prefix = filepath.Dir(abs), path.Dir(filepath.ToSlash(p))
			}
			rel = filepath.Base(abs)
		}
		switch {
		case !info.IsDir():
			err = c.add(base, filepath.ToSlash(rel), prefix, false)
		case base == root:
			err = c.below(abs)
		default:
			err = c.folder(base, prefix, false)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// below reads a folder of the project.
func (c *FactCheck) below(dir string) error {
	return walkFiles(dir, func(p, _ string) error {
		rel, err := filepath.Rel(c.home.Root, p)
		if err != nil {
			return err
		}
		return c.candidate(c.home.Root, filepath.ToSlash(rel), "", false)
	})
}

// roots reads the declared roots that lie outside of the project.
func (c *FactCheck) roots() error {
	project := c.home.Project()
	if project == nil || project.Context == nil {
		return nil
	}
	for i := range project.Context.Roots {
		r := &project.Context.Roots[i]
		base := rootPath(c.home, r)
		if r.Credentials || strings.HasPrefix(base+string(filepath.Separator), c.home.Root+string(filepath.Separator)) {
			continue
		}
		if err := c.folder(base, filepath.ToSlash(r.Path), r.ReadOnly); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func (c *FactCheck) folder(base, prefix string, readOnly bool) error {
	return walkFiles(base, func(_, rel string) error { return c.candidate(base, rel, prefix, readOnly) })
}

// candidate reads a file when it is text in which people state facts. The
// project's own manifests are wishes, which recon plan compares.
func (c *FactCheck) candidate(base, rel, prefix string, readOnly bool) error {
	if !isChecked(rel) {
		return nil
	}
	if project := c.home.Project(); base == c.home.Root && project != nil && project.Files[rel] != nil {
		return nil
	}
	return c.add(base, rel, prefix, readOnly)
}

func (c *FactCheck) add(base, rel, prefix string, readOnly bool) error {
	full := filepath.Join(base, filepath.FromSlash(rel))
	credentials, locked := rootRules(c.home, full)
	info, err := os.Stat(full)
	if err != nil {
		return err
	}
	if credentials || info.Size() > largestDocument {
		return nil
	}
	text, err := localfile.Read(full, localfile.Medium)
	if err != nil {
		return err
	}
	if bytes.IndexByte(text[:min(len(text), 8192)], 0) >= 0 || bytes.HasPrefix(text, []byte("$ANSIBLE_VAULT")) {
		return nil
	}
	name := path.Join(prefix, rel)
	if _, twice := c.places[name]; twice {
		return nil
	}
	c.places[name] = place{base, rel}
	c.docs = append(c.docs, source.Document{Path: name, Text: text, ReadOnly: readOnly || locked})
	return nil
}

// rootRules says whether a file lies in a root that holds credentials, or in one
// that is read-only.
func rootRules(h *home.Home, full string) (credentials, readOnly bool) {
	project := h.Project()
	if project == nil || project.Context == nil {
		return false, false
	}
	for i := range project.Context.Roots {
		r := &project.Context.Roots[i]
		if strings.HasPrefix(full, rootPath(h, r)+string(filepath.Separator)) {
			credentials, readOnly = credentials || r.Credentials, readOnly || r.ReadOnly
		}
	}
	return credentials, readOnly
}

// treeOf lists everything below a folder, so that references can be followed.
func treeOf(root string) (*factcheck.Tree, error) {
	t, patterns := &factcheck.Tree{}, []gitignore.Pattern(nil)
	ignore := func(file, folder string) {
		text, _ := localfile.Read(file, localfile.Small) // one that cannot be read says nothing
		for _, rule := range localfile.IgnoreRules(string(text)) {
			t.Rules = append(t.Rules, path.Join(folder, rule))
			patterns = append(patterns, gitignore.ParsePattern(rule, domainOf(folder)))
		}
	}
	ignore(filepath.Join(root, ".git", "info", "exclude"), ".")
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil && d == nil:
			return err
		case err != nil:
			return nil // a folder that may not be read: nothing in it is known
		case d.IsDir() && d.Name() == ".git":
			return filepath.SkipDir
		}
		rel, err := filepath.Rel(root, p)
		if d.IsDir() {
			t.Folders = append(t.Folders, filepath.ToSlash(rel))
			return err
		}
		t.Files = append(t.Files, filepath.ToSlash(rel))
		if d.Name() == ".gitignore" {
			ignore(p, path.Dir(filepath.ToSlash(rel)))
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", root, err)
	}
	if len(patterns) > 0 {
		m := gitignore.NewMatcher(patterns)
		t.Ignored = func(p string) bool {
			return m.Match(strings.Split(p, "/"), false) || m.Match(strings.Split(p, "/"), true)
		}
	}
	return t, nil
}

// domainOf is a folder as go-git takes it.
func domainOf(folder string) []string {
	if folder == "." {
		return nil
	}
	return strings.Split(folder, "/")
}

// onlyChanged keeps the findings of which a place stands on a line that differs
// from a revision.
func (c *FactCheck) onlyChanged(rev string) error {
	repo, err := git.PlainOpenWithOptions(c.home.Root, &git.PlainOpenOptions{DetectDotGit: true})
	if err != nil {
		return fmt.Errorf("--changed: open the repository of %s: %w", c.home.Root, err)
	}
	hash, err := repo.ResolveRevision(plumbing.Revision(rev))
	if err != nil {
		return fmt.Errorf("--changed: there is no revision %s: %w", rev, err)
	}
	commit, err := repo.CommitObject(*hash)
	if err != nil {
		return fmt.Errorf("--changed: read %s: %w", rev, err)
	}
	before, err := commit.Tree()
	if err != nil {
		return fmt.Errorf("--changed: read %s: %w", rev, err)
	}
	worktree, err := repo.Worktree()
	if err != nil {
		return fmt.Errorf("--changed: %w", err)
	}
	lines := &changedLines{before: before, root: worktree.Filesystem.Root(), byFile: map[string]map[int]bool{}, check: c}
	var kept []factcheck.Finding
	for _, f := range c.Findings {
		touched, err := lines.any(slices.Concat(f.Wrong, f.Others))
		if err != nil {
			return fmt.Errorf("--changed: %w", err)
		}
		if touched {
			kept = append(kept, f)
		}
	}
	c.Findings = kept
	return nil
}

// changedLines knows which lines of documents differ from a tree of Git.
type changedLines struct {
	before *object.Tree
	root   string
	byFile map[string]map[int]bool
	check  *FactCheck
}

func (l *changedLines) any(places []factcheck.Place) (bool, error) {
	for i := range places {
		lines, known := l.byFile[places[i].File]
		if !known {
			var err error
			if lines, err = l.of(places[i].File); err != nil {
				return false, err
			}
			l.byFile[places[i].File] = lines
		}
		if lines[places[i].Line] {
			return true, nil
		}
	}
	return false, nil
}

// of finds the lines of a document that the tree does not have.
func (l *changedLines) of(name string) (map[int]bool, error) {
	at := l.check.places[name]
	rel, err := filepath.Rel(l.root, filepath.Join(at.base, filepath.FromSlash(at.rel)))
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(l.check.docs, func(d source.Document) bool { return d.Path == name })
	now, old := string(l.check.docs[i].Text), ""
	file, err := l.before.File(filepath.ToSlash(rel))
	if err == nil {
		old, err = file.Contents()
	}
	if err != nil && !errors.Is(err, object.ErrFileNotFound) {
		return nil, err
	}
	out, line := map[int]bool{}, 1
	for _, d := range diff.Do(old, now) {
		n := strings.Count(d.Text, "\n")
		switch d.Type {
		case diffmatchpatch.DiffInsert:
			for i := range n + 1 {
				if i < n || !strings.HasSuffix(d.Text, "\n") {
					out[line+i] = true
				}
			}
			line += n
		case diffmatchpatch.DiffEqual:
			line += n
		}
	}
	return out, nil
}
