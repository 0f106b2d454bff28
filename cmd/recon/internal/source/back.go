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
	"slices"
	"strings"

	"recon/inventory/contextfile"
	"recon/manifests"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/format/gitignore"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/transport"
)

// author is who makes the commits of recon.
const (
	authorName  = "recon"
	authorEmail = "recon@localhost"
)

// WriteBack commits documents, by their paths in the project, to the branch of write_back
// and pushes it. The branch is recon's own: each commit follows from the one before, and from
// the commit in force. Nothing is ever pushed by force; a commit that somebody else made
// there stops it until somebody has decided. What a person has edited and not committed is
// not in it.
func (p *Puller) WriteBack(ctx context.Context, documents []string) State {
	src, s := p.Home.Project().Source, p.State()
	if src == nil || src.Name != s.Name || s.Condition != Current && src.WriteBack != "" {
		return s
	}
	said := ""
	if src.WriteBack != "" {
		ctx, cancel := context.WithTimeout(ctx, pullTime)
		defer cancel()
		if err := p.back(ctx, src, documents); err != nil {
			said = p.Home.Secrets.Text(err.Error())
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state.Written = said
	return p.state
}

// A back is one commit to be made.
type back struct {
	*move
	src   *manifests.Source
	files map[string]plumbing.Hash   // what it holds of documents
	texts map[string][]byte          // and what stands in them
	made  map[plumbing.Hash]struct{} // objects that the repository does not have
}

func (p *Puller) back(ctx context.Context, src *manifests.Source, documents []string) error {
	b, err := p.gather(src, documents)
	if err != nil {
		return err
	}
	key := hashOf(b.from) + fmt.Sprint(b.files)
	if len(b.files) == 0 || key == p.written {
		return nil
	}
	parents, theirs, err := p.parents(ctx, b)
	if err != nil {
		return err
	}
	if changed, err := b.differs(parents[0]); err != nil || !changed {
		return errors.Join(err, p.settle(b, key, theirs))
	}
	commit, err := b.commit(p, parents)
	if err != nil {
		return fmt.Errorf("make the commit: %w", err)
	}
	if err := p.push(ctx, b, theirs, commit); err != nil {
		return err
	}
	return p.settle(b, key, commit)
}

// settle remembers what the branch has.
func (p *Puller) settle(b *back, key string, tip plumbing.Hash) error {
	p.written = key
	if tip.IsZero() {
		return nil
	}
	if err := b.repo.Storer.SetReference(plumbing.NewHashReference(b.written(), tip)); err != nil {
		return fmt.Errorf("remember what was written back: %w", err)
	}
	return nil
}

// written is where the commit is kept that recon made last.
func (b *back) written() plumbing.ReferenceName {
	return plumbing.ReferenceName("refs/recon/" + b.name + "/written")
}

// gather reads the documents of the work tree.
func (p *Puller) gather(src *manifests.Source, documents []string) (*back, error) {
	p.turn.Lock()
	defer p.turn.Unlock()
	repo, err := p.open(src)
	if err != nil {
		return nil, err
	}
	b := &back{move: &move{repo: repo, home: p.Home, branch: src.Branch, name: src.Name}, src: src, files: map[string]plumbing.Hash{}, texts: map[string][]byte{}, made: map[plumbing.Hash]struct{}{}}
	if b.prefix, err = p.Home.Prefix(repo); err != nil {
		return nil, err
	}
	if b.from, err = headOf(repo); err != nil || b.from == nil {
		return b, err
	}
	root, err := b.root()
	if err != nil {
		return nil, err
	}
	defer root.Close()
	for _, name := range documents {
		if err := b.document(root, path.Join(b.prefix, name)); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// document takes one document, when nothing in it is somebody's unfinished edit.
func (b *back) document(root *os.Root, name string) error {
	if path.IsAbs(name) || strings.HasPrefix(name, "..") || !fit(path.Base(name)) {
		return nil // of another folder
	}
	is, err := look(root, name)
	if err != nil || is.content == nil {
		return err
	}
	tree, err := b.tree(b.from)
	if err != nil {
		return err
	}
	f, err := tree.File(name)
	switch {
	case errors.Is(err, object.ErrFileNotFound):
		if b.ignored(name) || !bare(is.content, name) {
			return nil
		}
	case err != nil:
		return fmt.Errorf("read %s: %w", contextfile.Told(name), err)
	default:
		was, err := b.content(f.Hash, maxBlob)
		if err != nil || !bytes.Equal(was, is.content) && !sameBeside(was, is.content, name) {
			return err
		}
	}
	b.files[name], b.texts[name] = is.hash, is.content
	return nil
}

// ignored reports a file that is kept out of the repository.
func (b *back) ignored(name string) bool {
	tree, err := b.repo.Worktree()
	if err != nil {
		return true
	}
	patterns, err := gitignore.ReadPatterns(tree.Filesystem, nil)
	return err != nil || gitignore.NewMatcher(patterns).Match(strings.Split(name, "/"), false)
}

// bare reports a document that recon made and nobody has written into.
func bare(content []byte, name string) bool {
	text, ok := beside(content, name)
	if !ok {
		return false
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line != "" && line != "@AGENTS.md" && !strings.HasPrefix(line, "# ") && !strings.HasPrefix(line, "<!-- recon:") && !strings.HasPrefix(line, "%% recon:") {
			return false
		}
	}
	return true
}

// parents are what the commit follows from, the first one being what it is compared with;
// and what the branch has now.
func (p *Puller) parents(ctx context.Context, b *back) (out []*object.Commit, theirs plumbing.Hash, err error) {
	theirs, err = p.fetch(ctx, b.src, b.repo, b.from, b.src.WriteBack)
	var t *Trouble
	if errors.As(err, &t) && t.Condition == NoBranch {
		return []*object.Commit{b.from}, plumbing.ZeroHash, nil
	}
	if err != nil {
		return nil, theirs, err
	}
	tip, err := b.repo.CommitObject(theirs)
	if err != nil {
		return nil, theirs, fmt.Errorf("read the branch %s: %w", b.src.WriteBack, err)
	}
	if merged, err := tip.IsAncestor(b.from); err != nil || merged {
		return []*object.Commit{b.from}, theirs, err
	}
	last, err := b.repo.Reference(b.written(), true)
	if own := err == nil && last.Hash() == theirs || err != nil && tip.Committer.Email == authorEmail; !own {
		return nil, theirs, trouble(Diverged, "merge it, or delete the branch", "the branch %s has a commit that recon did not make (%s): merge it or delete the branch, and documents are written back again", b.src.WriteBack, Short(theirs.String()))
	}
	out = []*object.Commit{tip}
	if holds, err := b.from.IsAncestor(tip); err != nil || holds {
		return out, theirs, err
	}
	return append(out, b.from), theirs, nil
}

// differs reports that a commit has the documents otherwise.
func (b *back) differs(c *object.Commit) (bool, error) {
	tree, err := b.tree(c)
	if err != nil {
		return false, err
	}
	for name, hash := range b.files {
		e, err := tree.FindEntry(name)
		if err != nil || e.Hash != hash {
			return true, nil
		}
	}
	return false, nil
}

// An encoder is what the object store takes: a commit, a tree.
type encoder interface {
	Encode(plumbing.EncodedObject) error
}

// text is the content of a file.
type text []byte

// Encode makes an object of it.
func (t text) Encode(o plumbing.EncodedObject) error {
	o.SetType(plumbing.BlobObject)
	w, err := o.Writer()
	if err != nil {
		return err
	}
	_, err = w.Write(t)
	return errors.Join(err, w.Close())
}

// store puts an object into the object store.
func (b *back) store(e encoder) (plumbing.Hash, error) {
	o := b.repo.Storer.NewEncodedObject()
	if err := e.Encode(o); err != nil {
		return plumbing.ZeroHash, err
	}
	hash, err := b.repo.Storer.SetEncodedObject(o)
	b.made[hash] = struct{}{}
	return hash, err
}

// commit makes a commit of the files in force, with the documents as they are.
func (b *back) commit(p *Puller, parents []*object.Commit) (plumbing.Hash, error) {
	from, err := b.tree(b.from)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	for _, content := range b.texts {
		if _, err := b.store(text(content)); err != nil {
			return plumbing.ZeroHash, err
		}
	}
	tree, err := b.plant(from, b.files)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	by := object.Signature{Name: authorName, Email: authorEmail, When: p.Home.Now()}
	c := &object.Commit{Author: by, Committer: by, TreeHash: tree, Message: "Bring observed facts up to date\n\n" + strings.Join(slices.Sorted(maps.Keys(b.files)), "\n") + "\n"}
	for _, parent := range parents {
		c.ParentHashes = append(c.ParentHashes, parent.Hash)
	}
	return b.store(c)
}

// plant returns a folder with files put into it.
func (b *back) plant(t *object.Tree, files map[string]plumbing.Hash) (plumbing.Hash, error) {
	entries := map[string]object.TreeEntry{}
	for _, e := range t.Entries {
		entries[e.Name] = e
	}
	below := map[string]map[string]plumbing.Hash{}
	for name, hash := range files {
		dir, rest, deeper := strings.Cut(name, "/")
		switch {
		case !deeper && entries[name].Mode == filemode.Executable:
			entries[name] = object.TreeEntry{Name: name, Mode: filemode.Executable, Hash: hash}
		case !deeper:
			entries[name] = object.TreeEntry{Name: name, Mode: filemode.Regular, Hash: hash}
		case below[dir] == nil:
			below[dir] = map[string]plumbing.Hash{rest: hash}
		default:
			below[dir][rest] = hash
		}
	}
	for dir, inside := range below {
		sub := &object.Tree{}
		if e := entries[dir]; e.Mode == filemode.Dir {
			var err error
			if sub, err = b.repo.TreeObject(e.Hash); err != nil {
				return plumbing.ZeroHash, err
			}
		}
		hash, err := b.plant(sub, inside)
		if err != nil {
			return plumbing.ZeroHash, err
		}
		entries[dir] = object.TreeEntry{Name: dir, Mode: filemode.Dir, Hash: hash}
	}
	out := &object.Tree{Entries: slices.Collect(maps.Values(entries))}
	slices.SortFunc(out.Entries, func(x, y object.TreeEntry) int { return strings.Compare(sortName(x), sortName(y)) })
	return b.store(out)
}

// sortName is by what Git sorts a folder: as if it ended in a slash.
func sortName(e object.TreeEntry) string {
	if e.Mode == filemode.Dir {
		return e.Name + "/"
	}
	return e.Name
}

// push sends the commit. The branch must still be where it was.
func (p *Puller) push(ctx context.Context, b *back, old, commit plumbing.Hash) error {
	s, err := p.dial(ctx, b.src, transport.ReceivePackServiceName)
	if err != nil {
		return refusal(b.src, err)
	}
	defer s.Close()
	refs, err := s.AdvertisedReferencesContext(ctx)
	if err != nil {
		return refusal(b.src, err)
	}
	req := packp.NewReferenceUpdateRequestFromCapabilities(refs.Capabilities)
	req.Commands = []*packp.Command{{Name: plumbing.NewBranchReferenceName(b.src.WriteBack), Old: old, New: commit}}
	var pack bytes.Buffer
	if _, err := packfile.NewEncoder(&pack, b.repo.Storer, false).Encode(slices.Collect(maps.Keys(b.made)), 0); err != nil {
		return fmt.Errorf("pack the commit: %w", err)
	}
	req.Packfile = io.NopCloser(&pack)
	report, err := s.ReceivePack(ctx, req)
	if report != nil && report.Error() != nil {
		return trouble(Diverged, "", "the branch %s was not taken: %s", b.src.WriteBack, contextfile.Told(report.Error().Error()))
	}
	if err != nil {
		return refusal(b.src, err)
	}
	return nil
}
