// Package docs keeps what people and their assistants read true: it renders the
// blocks of documents from what was observed, writes and commits them, and holds
// what people wrote against what is known.
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
	"time"

	"recon/cmd/recon/internal/home"
	"recon/inventory"
	"recon/inventory/contextfile"
	"recon/manifests"
	"recon/reconcile"
)

// The blocks that the files of the context block hold.
const (
	HomeBlock    = "home"
	SessionBlock = "recon"
	ArchiveBlock = "archive"
	TasksBlock   = "tasks"
)

// A Document is a file with blocks of recon, as it is and as it should be.
type Document struct {
	Path   string // as people name it: relative to the project
	Exists bool
	Blocks []BlockState
	Old    []byte
	New    []byte // the file as it should be; nil when nothing of it can be written

	target *target
	after  string               // a document that must be written before this one
	untold []contextfile.Source // what cannot be observed, as far as no block of the file tells of it
}

// A BlockState is one block of a document.
type BlockState struct {
	ID     string
	Marked bool // its markers are there
	Edited bool // it was edited by hand
	Left   bool // and is left alone
}

// Changed reports whether the file is not as it should be.
func (d *Document) Changed() bool {
	return d.New != nil && (!d.Exists || !bytes.Equal(d.Old, d.New))
}

// Left returns the ids of blocks that were edited by hand and are left alone.
func (d *Document) Left() (out []string) {
	for _, b := range d.Blocks {
		if b.Left {
			out = append(out, b.ID)
		}
	}
	return out
}

// unmarked reports whether the file exists and has none of its blocks.
func (d *Document) unmarked() bool {
	return d.Exists && !slices.ContainsFunc(d.Blocks, func(b BlockState) bool { return b.Marked })
}

// Resolution says what to do with a block that was edited by hand.
type Resolution int

// The resolutions.
const (
	RefuseEdited Resolution = iota
	Theirs                  // recon's text replaces the edited one
	Ours                    // the edited text stays
)

// documents renders every document that the context block names.
func (w writer) documents() ([]Document, error) {
	if w.project.Context == nil {
		return nil, nil
	}
	targets, err := targets(w.home, w.project)
	if err != nil {
		return nil, err
	}
	var out []Document
	var errs []error
	for _, t := range targets {
		docs, err := w.target(t)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		out = append(out, docs...)
	}
	return out, errors.Join(errs...)
}

// target renders one target. What the session log lets go is put into its archive
// first; when that cannot be written, the log keeps it.
func (w writer) target(t *target) ([]Document, error) {
	if !slices.Contains(t.blocks, SessionBlock) {
		d, err := w.document(t)
		return []Document{d}, err
	}
	rotated, err := w.rotated(t)
	if err != nil {
		return nil, err
	}
	if len(rotated) == 0 {
		d, err := w.document(t)
		return []Document{d}, err
	}
	at := &target{base: t.base, prefix: t.prefix, file: archiveFile(t.file), blocks: []string{ArchiveBlock}, style: t.style, commit: t.commit}
	w.arriving = rotated
	archive, err := w.document(at)
	if err != nil {
		return nil, err
	}
	w.keepAll = archive.New == nil || slices.ContainsFunc(archive.Blocks, func(b BlockState) bool { return b.Edited && w.how != Theirs })
	d, err := w.document(t)
	d.after = archive.Path
	return []Document{archive, d}, err
}

func archiveFile(log string) string {
	ext := path.Ext(log)
	return strings.TrimSuffix(log, ext) + "-archive" + ext
}

// A writer renders documents from one set of facts.
type writer struct {
	home     *home.Home
	project  *manifests.Project
	facts    *contextfile.Facts
	insert   bool // add the markers where they are missing
	how      Resolution
	arriving []string // entries that move into the archive
	keepAll  bool     // the session log keeps what it would let go
}

// rotated returns the entries that the session log is about to let go.
func (w *writer) rotated(t *target) ([]string, error) {
	src, _, err := t.read()
	if err != nil {
		return nil, err
	}
	doc, err := contextfile.Parse(src, t.name(), contextfile.IDs()...)
	if err != nil {
		return nil, err
	}
	if doc.Edited(SessionBlock) && w.how != Theirs {
		return nil, nil
	}
	return contextfile.Rotated(w.facts, w.trusted(doc, SessionBlock)), nil
}

// trusted is a block's text as far as recon wrote it: one that was edited by hand
// is no source of entries.
func (w *writer) trusted(doc *contextfile.Document, id string) string {
	if doc.Edited(id) {
		return ""
	}
	return doc.Body(id)
}

// document renders the blocks of one file.
func (w *writer) document(t *target) (Document, error) {
	d := Document{Path: t.name(), target: t}
	var err error
	if d.Old, d.Exists, err = t.read(); err != nil {
		return d, err
	}
	text := d.Old
	if !d.Exists && w.facts.Nothing() {
		return d, nil // no document is made to say that nothing is known
	}
	if !d.Exists {
		if text, err = newFile(t); err != nil {
			return d, err
		}
	}
	doc, err := contextfile.Parse(text, d.Path, contextfile.IDs()...)
	if err != nil {
		return d, err
	}
	before := doc.IDs()
	if !d.Exists || w.insert {
		if doc, err = appendBlocks(doc, d.Path, t.blocks); err != nil {
			return d, err
		}
	}
	d.untold = slices.Clone(w.facts.Sources)
	for _, id := range doc.IDs() {
		if doc, err = w.block(&d, doc, id, slices.Contains(before, id)); err != nil {
			return d, err
		}
	}
	for _, id := range t.blocks {
		if !doc.Has(id) {
			d.Blocks = append(d.Blocks, BlockState{ID: id})
		}
	}
	if len(doc.IDs()) > len(d.Left()) || w.how == Ours {
		d.New = doc.Bytes()
	}
	return d, nil
}

// block brings one block up to date and notes how it stands.
func (w *writer) block(d *Document, doc *contextfile.Document, id string, marked bool) (*contextfile.Document, error) {
	state := BlockState{ID: id, Marked: marked, Edited: doc.Edited(id)}
	body, err := w.render(d, doc, id)
	if err != nil {
		return nil, err
	}
	state.Left = state.Edited && w.how == RefuseEdited && !doc.Settled(id, body)
	d.Blocks = append(d.Blocks, state)
	if state.Edited && w.how == RefuseEdited {
		return doc, nil
	}
	if err := w.checkSecrets(d.Path, body); err != nil {
		return nil, err
	}
	text := doc.Settle(id, body)
	if !state.Edited || w.how == Theirs {
		if text, err = doc.Replace(id, body, w.how == Theirs); err != nil {
			return nil, err
		}
	}
	return contextfile.Parse(text, d.Path, contextfile.IDs()...)
}

// render renders one block. What cannot be observed is told by the first block of the
// file that shows anything of it.
func (w *writer) render(d *Document, doc *contextfile.Document, id string) (string, error) {
	old := w.trusted(doc, id)
	switch {
	case id == SessionBlock && w.keepAll:
		return contextfile.WholeLog(w.facts, old), nil
	case id == ArchiveBlock:
		return contextfile.Archive(old, w.arriving), nil
	}
	concerns := func(s contextfile.Source) bool { return contextfile.Concerns(id, s) }
	at := contextfile.Place{Style: d.target.style, Heading: !doc.UnderHeading(id)}
	for _, s := range d.untold {
		if concerns(s) {
			at.Sources = append(at.Sources, s)
		}
	}
	body, err := contextfile.Render(id, w.facts, at, old, w.home.Now())
	if body != "" && !doc.Edited(id) {
		d.untold = slices.DeleteFunc(d.untold, concerns)
	}
	return body, err
}

// appendBlocks adds the markers of the blocks that are missing.
func appendBlocks(doc *contextfile.Document, name string, ids []string) (*contextfile.Document, error) {
	for _, id := range ids {
		if doc.Has(id) {
			continue
		}
		next, err := contextfile.Parse(doc.Append(id), name, contextfile.IDs()...)
		if err != nil {
			return nil, err
		}
		if !next.Has(id) {
			return nil, fmt.Errorf("%s ends inside a code fence that is never closed; close it first", name)
		}
		doc = next
	}
	return doc, nil
}

// newFile begins a document that recon creates. A CLAUDE.md hides an AGENTS.md
// beside it from assistants, so it imports that one; and it is not put beside a
// file whose name differs in case alone.
func newFile(t *target) ([]byte, error) {
	dir := filepath.Join(t.base, filepath.FromSlash(path.Dir(t.file)))
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("look beside %s: %w", t.name(), err)
	}
	base, agents := path.Base(t.file), false
	for _, e := range entries {
		if strings.EqualFold(e.Name(), base) {
			return nil, fmt.Errorf("%s is not made beside %s; name that one in the context block, or rename it", t.name(), e.Name())
		}
		agents = agents || e.Name() == "AGENTS.md"
	}
	title := strings.TrimSuffix(base, path.Ext(base))
	if title != strings.ToUpper(title) {
		title = strings.ReplaceAll(title, "-", " ")
		title = strings.ToUpper(title[:1]) + title[1:]
	}
	text := "# " + title + "\n\n"
	if base == "CLAUDE.md" && agents {
		text += "@AGENTS.md\n\n"
	}
	return []byte(text), nil
}

// write brings the documents up to date and returns those that it wrote. A block
// that was edited by hand, or a file without markers, is left alone.
func write(docs []Document) (written []string, err error) {
	var errs []error
	failed := map[string]bool{}
	for i := range docs {
		d := &docs[i]
		if !d.Changed() || failed[d.after] {
			continue
		}
		changed, err := home.ReplaceFile(d.target.base, d.target.file, d.Old, d.Exists, d.New)
		if err != nil {
			failed[d.Path] = true
			errs = append(errs, err)
			continue
		}
		if changed {
			written = append(written, d.Path)
		}
	}
	return written, errors.Join(errs...)
}

// sessionWindow is how far back events are read for the session log.
const sessionWindow = 10 * 24 * time.Hour

// An Update is what became of the documents in a run.
type Update struct {
	Docs    []Document
	Unsafe  []inventory.Finding // names that documents do not show
	Written []string            // documents that changed
	Err     error               // documents that could not be written
}

// Options say what a run does with documents.
type Options struct {
	Insert bool // add missing markers
	How    Resolution
}

// Write renders and writes the documents from what a run has just recorded, and
// commits them where the context block says so.
func Write(ctx context.Context, m reconcile.Memory, w *home.World, p *reconcile.Plan, o Options) (u Update) {
	facts, err := Gather(ctx, m, w, p)
	if err != nil {
		return Update{Err: err}
	}
	return WriteFacts(w, facts, o)
}

// WriteFacts renders and writes the documents from facts.
func WriteFacts(w *home.World, facts *contextfile.Facts, o Options) (u Update) {
	if w.Project.Context != nil {
		u.Unsafe = contextfile.Unsafe(facts)
	}
	var renderErr, writeErr error
	u.Docs, renderErr = writer{home: w.Home(), project: w.Project, facts: facts, insert: o.Insert, how: o.How}.documents()
	u.Written, writeErr = write(u.Docs)
	u.Err = errors.Join(renderErr, writeErr, commitDocuments(w.Home(), u.Docs, u.Written))
	return u
}

// Render renders the documents for a command that writes nothing.
func Render(ctx context.Context, w *home.World, p *reconcile.Plan, how Resolution) ([]Document, error) {
	facts, err := recollected(ctx, w, p)
	if err != nil {
		return nil, err
	}
	return writer{home: w.Home(), project: w.Project, facts: facts, how: how}.documents()
}

// Block renders one block for whoever has no document.
func Block(ctx context.Context, w *home.World, p *reconcile.Plan, id string) (string, error) {
	facts, err := recollected(ctx, w, p)
	if err != nil {
		return "", err
	}
	return contextfile.Render(id, facts, contextfile.Place{Style: contextfile.Reference, Heading: true, Sources: facts.Sources}, "", w.Home().Now())
}

// recollected gathers the facts with the memory, where there is one.
func recollected(ctx context.Context, w *home.World, p *reconcile.Plan) (*contextfile.Facts, error) {
	var m reconcile.Memory
	l, err := w.Home().Ledger(ctx)
	if err != nil {
		return nil, err
	}
	if l != nil {
		defer l.Close()
		m = l
	}
	return Gather(ctx, m, w, p)
}

// Gather collects what documents are rendered from, with the memory as it is now;
// nil without one.
func Gather(ctx context.Context, m reconcile.Memory, w *home.World, p *reconcile.Plan) (*contextfile.Facts, error) {
	if err := w.Recall(ctx); err != nil {
		return nil, err
	}
	var h history
	if m != nil {
		var err error
		if err = w.Reread(ctx, m); err != nil {
			return nil, err
		}
		if h.events, err = m.Events(ctx, w.At.Add(-sessionWindow), inventory.Address{}); err != nil {
			return nil, err
		}
		if h.latest, err = m.LatestEvents(ctx); err != nil {
			return nil, err
		}
		h.inFlight = w.Memory.InFlight
	}
	return gather(ctx, w, p, h)
}

// LeftAlone says which documents could not be written and what to do about it.
func LeftAlone(docs []Document) (edited, unmarked []string) {
	for i := range docs {
		d := &docs[i]
		for _, id := range d.Left() {
			edited = append(edited, fmt.Sprintf("%s: block %q", d.Path, id))
		}
		if d.unmarked() && !d.Changed() {
			unmarked = append(unmarked, d.Path)
		}
	}
	return edited, unmarked
}
