package docs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"recon/cmd/recon/internal/home"
	"recon/inventory"
	"recon/inventory/factcheck"
	"recon/manifests"
)

// A FactCheck is what recon facts found.
type FactCheck struct {
	Findings []factcheck.Finding
	Complete bool              // everything could be observed, or nothing was to be
	Unknown  []inventory.Scope // what could not

	home   *home.Home
	docs   []factcheck.Document
	places map[string]place // by the name of a document
}

// A place is where a document lies.
type place struct{ base, rel string }

// A FixedFile is a document with findings put right.
type FixedFile struct {
	Path     string
	Old, New []byte
	Findings []factcheck.Finding
}

// CheckFacts reads the documents below the paths, by default those of the project
// and its declared roots, and holds what they say against what is observed.
// Offline, or without a project, they are held against each other.
func CheckFacts(ctx context.Context, opts home.Options, paths []string, offline bool) (*FactCheck, error) {
	h, err := openOrHere(opts)
	if err != nil {
		return nil, err
	}
	c := &FactCheck{home: h, Complete: true, places: map[string]place{}}
	if err := c.gather(paths); err != nil {
		return nil, err
	}
	var truth *factcheck.Truth
	if project := h.Project(); !offline && project != nil && len(project.Clusters) > 0 {
		if truth, err = c.observe(ctx); err != nil {
			return nil, err
		}
	}
	c.Findings = factcheck.Check(c.docs, truth, factcheck.Options{Exists: c.exists})
	return c, nil
}

// openOrHere opens the project; without one the folder itself is the root.
func openOrHere(opts home.Options) (*home.Home, error) {
	h, err := home.Open(opts)
	if err == nil {
		return h, nil
	}
	root := opts.Dir
	if root == "" {
		root = "."
	}
	root, absErr := filepath.Abs(root)
	_, statErr := os.Stat(filepath.Join(root, manifests.MainFile))
	if info, e := os.Stat(root); absErr != nil || e != nil || !info.IsDir() || statErr == nil || !errors.Is(err, home.ErrNoProject) && opts.Dir == "" {
		return nil, err
	}
	return home.At(root, opts), nil
}

// observe looks at everything. What cannot be observed is known as it was last
// seen, and marked.
func (c *FactCheck) observe(ctx context.Context) (*factcheck.Truth, error) {
	w, err := c.home.Observe(ctx)
	if err != nil {
		return nil, err
	}
	defer w.Close()
	c.Unknown, c.Complete = w.Unknown(), !w.Incomplete()
	known, err := w.Known()
	if err != nil {
		return nil, err
	}
	var remembered []inventory.Observation
	for _, k := range known {
		if k.Stale && k.State != inventory.Unknown {
			remembered = append(remembered, k.Observation)
		}
	}
	return factcheck.Observed(w.At, w.Snapshots, remembered), nil
}

// checkedTypes are the suffixes of text in which people state facts.
var checkedTypes = []string{".md", ".markdown", ".yml", ".yaml", ".tf", ".tfvars", ".hcl", ".py", ".sh", ".ini"}

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
	if !slices.Contains(checkedTypes, strings.ToLower(path.Ext(rel))) {
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
	text, err := os.ReadFile(full)
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
	c.docs = append(c.docs, factcheck.Document{Path: name, Text: text, ReadOnly: readOnly || locked})
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

// exists tells whether a path that a document names is there.
func (c *FactCheck) exists(p string) bool {
	full := filepath.Join(c.home.Root, filepath.FromSlash(p))
	if filepath.IsAbs(filepath.FromSlash(p)) {
		full = filepath.FromSlash(p)
	}
	_, err := os.Stat(full)
	return err == nil
}

// Home is the folder that was checked, a project or not.
func (c *FactCheck) Home() *home.Home { return c.home }

// Code is the exit code of recon facts.
func (c *FactCheck) Code() int {
	codes := []int{home.ExitOK}
	if len(c.Findings) > 0 {
		codes = append(codes, home.ExitDiffers)
	}
	if !c.Complete {
		codes = append(codes, home.ExitIncomplete)
	}
	return home.Worst(codes...)
}

// Fixed returns the documents as they would be with every fixable finding put
// right.
func (c *FactCheck) Fixed() (out []FixedFile) {
	for i := range c.docs {
		text, fixed := factcheck.Fix(&c.docs[i], c.Findings)
		if len(fixed) > 0 {
			out = append(out, FixedFile{Path: c.docs[i].Path, Old: c.docs[i].Text, New: text, Findings: fixed})
		}
	}
	return out
}

// WriteFixed writes them, and takes the findings that are put right off the list.
// The caller holds the project's lock.
func (c *FactCheck) WriteFixed(files []FixedFile) error {
	for _, f := range files {
		at := c.places[f.Path]
		if _, err := home.ReplaceFile(at.base, at.rel, f.Old, true, f.New); err != nil {
			return fmt.Errorf("fix: %w", err)
		}
		c.Findings = slices.DeleteFunc(c.Findings, func(o factcheck.Finding) bool {
			return slices.ContainsFunc(f.Findings, func(d factcheck.Finding) bool { return d.File == o.File && d.Offset == o.Offset && d.Kind == o.Kind })
		})
	}
	return nil
}
