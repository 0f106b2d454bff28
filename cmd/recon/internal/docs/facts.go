package docs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/format/gitignore"

	"recon/cmd/recon/internal/home"
	"recon/cmd/recon/internal/report"
	"recon/inventory"
	"recon/inventory/factcheck"
	"recon/inventory/factcheck/source"
	"recon/manifests"
)

// FactsOptions say what recon facts is to look at.
type FactsOptions struct {
	Paths    []string // files and folders; none means the project and its declared roots
	Offline  bool     // look at no source
	Changed  string   // a revision: only lines that differ from it are judged
	Baseline string   // a file of what is known and not told again
}

// A FactCheck is what recon facts found.
type FactCheck struct {
	Findings []factcheck.Finding
	Known    int               // findings that the baseline holds
	Complete bool              // everything could be observed, or nothing was to be
	Unknown  []inventory.Scope // what could not

	home   *home.Home
	docs   []source.Document
	places map[string]place // by the name of a document
}

// A place is where a document lies.
type place struct{ base, rel string }

// A FixedFile is a document with findings put right.
type FixedFile struct {
	Path     string
	Old, New []byte
}

// CheckFacts reads the documents below the paths, by default those of the project
// and its declared roots, and holds what they say against what is observed.
// Offline, or without a project, they are held against each other.
func CheckFacts(ctx context.Context, opts home.Options, want FactsOptions) (*FactCheck, error) {
	h, err := openOrHere(opts)
	if err != nil {
		return nil, err
	}
	c := &FactCheck{home: h, Complete: true, places: map[string]place{}}
	if err := c.gather(want.Paths); err != nil {
		return nil, err
	}
	tree, err := treeOf(h.Root)
	if err != nil {
		return nil, err
	}
	var truth *factcheck.Truth
	if project := h.Project(); !want.Offline && project != nil && len(project.Clusters) > 0 {
		if truth, err = c.observe(ctx); err != nil {
			return nil, err
		}
	}
	c.Findings = factcheck.Check(c.docs, truth, factcheck.Options{Tree: tree})
	if want.Changed != "" {
		if err := c.onlyChanged(want.Changed); err != nil {
			return nil, err
		}
	}
	if want.Baseline != "" {
		return c, c.withoutKnown(want.Baseline)
	}
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
	return TruthOf(ctx, w)
}

// TruthOf is what statements are held against.
func TruthOf(ctx context.Context, w *home.World) (*factcheck.Truth, error) {
	known, err := w.Known(ctx)
	if err != nil {
		return nil, err
	}
	var remembered []inventory.Observation
	for _, k := range known {
		if k.Stale && k.State != inventory.Unknown {
			remembered = append(remembered, k.Observation)
		}
	}
	truth := factcheck.Observed(w.At, w.Snapshots, remembered)
	for i := range w.Project.Resources {
		if r := &w.Project.Resources[i]; len(r.Policy.Aliases) > 0 {
			truth.Call(r)
		}
	}
	return truth, nil
}

// Named are the documents of the project that name what was observed.
func Named(ctx context.Context, w *home.World) ([]factcheck.Naming, error) {
	c := &FactCheck{home: w.Home(), places: map[string]place{}}
	if err := c.gather(nil); err != nil {
		return nil, err
	}
	truth, err := TruthOf(ctx, w)
	if err != nil {
		return nil, err
	}
	return factcheck.Named(c.docs, truth), nil
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

// withoutKnown takes out what a baseline holds.
func (c *FactCheck) withoutKnown(file string) error {
	known, err := report.ReadBaseline(file)
	if err != nil {
		return err
	}
	var entries []report.Entry
	var of []int
	for i := range c.Findings {
		for _, e := range FactEntries(&c.Findings[i]) {
			entries, of = append(entries, e), append(of, i)
		}
	}
	isNew := make([]bool, len(c.Findings))
	for i, n := range known.New(entries) {
		isNew[of[i]] = isNew[of[i]] || n
	}
	var left []factcheck.Finding
	for i := range c.Findings {
		if isNew[i] {
			left = append(left, c.Findings[i])
		}
	}
	c.Known = len(c.Findings) - len(left)
	c.Findings = left
	return nil
}

// WriteBaseline writes what was found as known from now on.
func (c *FactCheck) WriteBaseline(file string) error {
	var entries []report.Entry
	for i := range c.Findings {
		entries = append(entries, FactEntries(&c.Findings[i])...)
	}
	return report.WriteBaseline(file, entries)
}

// FactEntries is a finding as reports and baselines have it.
func FactEntries(f *factcheck.Finding) (out []report.Entry) {
	for _, s := range f.Statements() {
		e := report.Entry{
			Rule: s.Kind, Level: report.Warning, Subject: s.Subject, Message: f.Sentence(&s), Says: s.Claim, Place: report.Place{File: s.File, Line: s.Line, Column: s.Column},
		}
		if f.Class == factcheck.ClassObserved || f.Class == factcheck.ClassGone {
			e.Level = report.Error
		}
		for _, o := range s.Conflicts {
			e.Others = append(e.Others, report.Place{File: o.File, Line: o.Line, Note: o.Claim})
		}
		out = append(out, e)
	}
	return out
}

// Fixed returns the documents as they would be with everything that can be put
// right: Markdown, and what a pattern in the manner of .gitignore names.
func (c *FactCheck) Fixed(in []string) (out []FixedFile) {
	var patterns []gitignore.Pattern
	for _, p := range in {
		patterns = append(patterns, gitignore.ParsePattern(p, nil))
	}
	named := gitignore.NewMatcher(patterns)
	for i := range c.docs {
		d := &c.docs[i]
		ext := strings.ToLower(path.Ext(d.Path))
		if ext != ".md" && ext != ".markdown" && !named.Match(strings.Split(d.Path, "/"), false) {
			continue
		}
		if text, n := factcheck.Fix(d.Path, d.Text, c.Findings); n > 0 {
			out = append(out, FixedFile{Path: d.Path, Old: d.Text, New: text})
		}
	}
	return out
}

// WriteFixed writes them, and takes what is put right off the list. The caller
// holds the project's lock.
func (c *FactCheck) WriteFixed(files []FixedFile) error {
	for _, f := range files {
		at := c.places[f.Path]
		if _, err := home.ReplaceFile(at.base, at.rel, f.Old, true, f.New); err != nil {
			return fmt.Errorf("fix: %w", err)
		}
		for i := range c.Findings {
			c.Findings[i].Wrong = slices.DeleteFunc(c.Findings[i].Wrong, func(p factcheck.Place) bool { return p.File == f.Path && p.Fix != "" })
		}
	}
	c.Findings = slices.DeleteFunc(c.Findings, func(f factcheck.Finding) bool { return len(f.Wrong) == 0 })
	return nil
}
