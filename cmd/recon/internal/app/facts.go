package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"recon/inventory"
	"recon/inventory/factcheck"
	"recon/manifests"
)

// A FactCheck is what recon facts found.
type FactCheck struct {
	Findings []factcheck.Finding
	Complete bool              // everything could be observed, or nothing was to be
	Unknown  []inventory.Scope // what could not

	session *Session
	docs    []factcheck.Document
	places  map[string]place // by the name of a document
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
func CheckFacts(ctx context.Context, opts Options, paths []string, offline bool) (*FactCheck, error) {
	s, err := openOrHere(opts)
	if err != nil {
		return nil, err
	}
	c := &FactCheck{session: s, Complete: true, places: map[string]place{}}
	if err := c.gather(paths); err != nil {
		return nil, err
	}
	var truth *factcheck.Truth
	if !offline && s.Project != nil && len(s.Project.Clusters) > 0 {
		if truth, err = c.observe(ctx); err != nil {
			return nil, err
		}
	}
	c.Findings = factcheck.Check(c.docs, truth, factcheck.Options{Exists: c.exists})
	return c, nil
}

// openOrHere opens the project; without one the folder itself is the root.
func openOrHere(opts Options) (*Session, error) {
	s, err := Open(opts)
	if err == nil {
		return s, nil
	}
	root := opts.Dir
	if root == "" {
		root = "."
	}
	root, absErr := filepath.Abs(root)
	_, statErr := os.Stat(filepath.Join(root, manifests.MainFile))
	if info, e := os.Stat(root); absErr != nil || e != nil || !info.IsDir() || statErr == nil || !errors.Is(err, ErrNoProject) && opts.Dir == "" {
		return nil, err
	}
	s = &Session{Options: opts, Root: root, fsys: os.DirFS(root)}
	if s.Now == nil {
		s.Now = time.Now
	}
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	return s, nil
}

// observe looks at everything. What cannot be observed is known as it was last
// seen, and marked.
func (c *FactCheck) observe(ctx context.Context) (*factcheck.Truth, error) {
	w, err := c.session.Observe(ctx)
	if err != nil {
		return nil, err
	}
	defer w.Close()
	c.Unknown = w.Unknown()
	if c.Complete = !w.Incomplete(); !c.Complete {
		if err := c.session.recall(w); err != nil {
			return nil, err
		}
	}
	seen := map[string]bool{}
	for _, o := range w.observations() {
		seen[o.Resource.Identity] = o.State != inventory.Unknown
	}
	var remembered []inventory.Observation
	for _, last := range w.Memory.Sightings {
		known, listed := seen[last.Identity]
		if listed && !known || !listed && c.session.stillMeant(w, last) {
			remembered = append(remembered, observationOf(last))
		}
	}
	slices.SortFunc(remembered, func(a, b inventory.Observation) int {
		return inventory.CompareAddress(a.Resource.Addr, b.Resource.Addr)
	})
	return factcheck.Observed(w.At, w.Snapshots, remembered), nil
}

// checkedTypes are the suffixes of text in which people state facts.
var checkedTypes = []string{".md", ".markdown", ".yml", ".yaml", ".tf", ".tfvars", ".hcl", ".py", ".sh", ".ini"}

// largestDocument is how much text one file may hold.
const largestDocument = 16 << 20

// gather reads the documents.
func (c *FactCheck) gather(paths []string) error {
	s := c.session
	if len(paths) == 0 {
		if err := c.folder(s.Root, "", false); err != nil {
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
		base, prefix := s.Root, ""
		rel, err := filepath.Rel(s.Root, abs)
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
		case base == s.Root:
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
		rel, err := filepath.Rel(c.session.Root, p)
		if err != nil {
			return err
		}
		return c.candidate(c.session.Root, filepath.ToSlash(rel), "", false)
	})
}

// roots reads the declared roots that lie outside of the project.
func (c *FactCheck) roots() error {
	s := c.session
	if s.Project == nil || s.Project.Context == nil {
		return nil
	}
	for i := range s.Project.Context.Roots {
		r := &s.Project.Context.Roots[i]
		base := s.rootPath(r)
		if r.Credentials || strings.HasPrefix(base+string(filepath.Separator), s.Root+string(filepath.Separator)) {
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
	if s := c.session; base == s.Root && s.Project != nil && s.Project.Files[rel] != nil {
		return nil
	}
	return c.add(base, rel, prefix, readOnly)
}

func (c *FactCheck) add(base, rel, prefix string, readOnly bool) error {
	full := filepath.Join(base, filepath.FromSlash(rel))
	credentials, locked := c.session.rootRules(full)
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
func (s *Session) rootRules(full string) (credentials, readOnly bool) {
	if s.Project == nil || s.Project.Context == nil {
		return false, false
	}
	for i := range s.Project.Context.Roots {
		r := &s.Project.Context.Roots[i]
		if strings.HasPrefix(full, s.rootPath(r)+string(filepath.Separator)) {
			credentials, readOnly = credentials || r.Credentials, readOnly || r.ReadOnly
		}
	}
	return credentials, readOnly
}

// exists tells whether a path that a document names is there.
func (c *FactCheck) exists(p string) bool {
	full := filepath.Join(c.session.Root, filepath.FromSlash(p))
	if filepath.IsAbs(filepath.FromSlash(p)) {
		full = filepath.FromSlash(p)
	}
	_, err := os.Stat(full)
	return err == nil
}

// Code is the exit code of recon facts.
func (c *FactCheck) Code() int {
	codes := []int{ExitOK}
	if len(c.Findings) > 0 {
		codes = append(codes, ExitDiffers)
	}
	if !c.Complete {
		codes = append(codes, ExitIncomplete)
	}
	return Worst(codes...)
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

// WriteFixed writes them under the project's lock, and takes the findings that are
// put right off the list.
func (c *FactCheck) WriteFixed(files []FixedFile) error {
	if c.session.Project != nil {
		release, err := c.session.Lock()
		if err != nil {
			return err
		}
		defer release()
	}
	for _, f := range files {
		at := c.places[f.Path]
		if _, err := c.session.replaceAt(at.base, at.rel, f.Old, true, f.New); err != nil {
			return fmt.Errorf("fix: %w", err)
		}
		c.Findings = slices.DeleteFunc(c.Findings, func(o factcheck.Finding) bool {
			return slices.ContainsFunc(f.Findings, func(d factcheck.Finding) bool { return d.File == o.File && d.Offset == o.Offset && d.Kind == o.Kind })
		})
	}
	return nil
}
