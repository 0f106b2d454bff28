package source

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"recon/inventory/contextfile"
	"recon/manifests"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/transport"
)

// Bounds of what a pack may hold.
const (
	maxBlob     = 32 << 20 // bytes of one object
	maxUnpacked = 1 << 30  // of all
	maxObjects  = 1 << 20
)

// knownCommits is how many commits the repository is told of that are here already.
const knownCommits = 64

// advertised asks the repository which branches it has, on a connection that goes on.
func (p *Puller) advertised(ctx context.Context, src *manifests.Source) (session, *packp.AdvRefs, error) {
	s, err := p.dial(ctx, src, transport.UploadPackServiceName)
	if err != nil {
		return nil, nil, refusal(src, err)
	}
	refs, err := s.AdvertisedReferencesContext(ctx)
	if err != nil {
		s.Close()
		return nil, nil, refusal(src, err)
	}
	return s, refs, nil
}

// fetch brings the tip of a branch into the object store.
func (p *Puller) fetch(ctx context.Context, src *manifests.Source, repo *git.Repository, head *object.Commit, branch string) (plumbing.Hash, error) {
	s, refs, err := p.advertised(ctx, src)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	defer s.Close()
	tip, err := tipOf(src, branch, refs)
	if err != nil {
		return tip, err
	}
	if _, err := repo.CommitObject(tip); err == nil {
		return tip, nil
	}
	req := packp.NewUploadPackRequestFromCapabilities(refs.Capabilities)
	req.Wants = []plumbing.Hash{tip}
	for c := head; c != nil && len(req.Haves) < knownCommits; {
		req.Haves = append(req.Haves, c.Hash)
		if c, err = c.Parent(0); err != nil {
			break
		}
	}
	// What a shallow clone has not got must not be taken for known.
	if req.Shallows, err = repo.Storer.Shallow(); err != nil {
		return tip, fmt.Errorf("read how far the history goes: %w", err)
	}
	if len(req.Shallows) > 0 {
		if err := req.Capabilities.Set(capability.Shallow); err != nil {
			return tip, err
		}
	}
	res, err := s.UploadPack(ctx, req)
	if err == nil {
		err = p.unpack(repo, demuxed(res, req.Capabilities))
	}
	if err != nil {
		return tip, refusal(src, err)
	}
	return tip, nil
}

func tipOf(src *manifests.Source, branch string, refs *packp.AdvRefs) (plumbing.Hash, error) {
	if tip, ok := refs.References[plumbing.NewBranchReferenceName(branch).String()]; ok {
		return tip, nil
	}
	names := branchesOf(refs)
	if len(names) == 0 {
		return plumbing.ZeroHash, trouble(Empty, "push the first commit", "the repository of source %s is empty", src.Name)
	}
	for i, n := range names {
		names[i] = contextfile.Told(n)
	}
	some, more := names[:min(len(names), 5)], ""
	if len(names) > len(some) {
		more = ", ..."
	}
	return plumbing.ZeroHash, trouble(NoBranch, "push the branch, or name another one", "the repository of source %s has no branch %q; it has %s%s", src.Name, branch, strings.Join(some, ", "), more)
}

// unpack takes a pack into the object store, when what it holds is bounded. It is looked at
// before anything is unpacked into memory: a few bytes may stand for any number of them.
func (p *Puller) unpack(repo *git.Repository, pack io.Reader) error {
	f, err := os.CreateTemp("", "recon-pack-*")
	if err != nil {
		return fmt.Errorf("keep what was fetched: %w", err)
	}
	defer f.Close()
	if err := os.Remove(f.Name()); err != nil {
		return fmt.Errorf("keep what was fetched: %w", err)
	}
	if _, err := io.Copy(f, &capped{pack, maxPack}); err != nil {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := weigh(f, maxUnpacked); err != nil {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := packfile.UpdateObjectStorage(repo.Storer, f); err != nil && !errors.Is(err, packfile.ErrEmptyPackfile) {
		return fmt.Errorf("take in what was fetched: %w", err)
	}
	return nil
}

// weigh refuses a pack with an object that is too large, or with too many. A delta says
// itself how large it makes something.
func weigh(pack io.Reader, most int64) error {
	s := packfile.NewScanner(pack)
	_, n, err := s.Header()
	if errors.Is(err, packfile.ErrEmptyPackfile) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read what was fetched: %w", err)
	}
	if n > maxObjects {
		return trouble(TooLarge, "", "what was fetched has %d objects, and recon takes %d", n, maxObjects)
	}
	total := int64(0)
	for range n {
		h, err := s.NextObjectHeader()
		if err != nil {
			return fmt.Errorf("read what was fetched: %w", err)
		}
		size := h.Length
		if size > maxBlob {
			return tooHeavy(size)
		}
		head := &beginning{}
		if _, _, err := s.NextObject(head); err != nil {
			return fmt.Errorf("read what was fetched: %w", err)
		}
		if h.Type.IsDelta() {
			size += head.grown()
		}
		if total += size; size > maxBlob || total > most {
			return tooHeavy(max(size, total))
		}
	}
	return nil
}

func tooHeavy(size int64) error {
	return trouble(TooLarge, "keep large files out of the repository, or in Git LFS", "what was fetched unpacks to %d MiB; recon takes files of %d MiB, and %d MiB at once", size>>20, maxBlob>>20, maxUnpacked>>20)
}

// beginning keeps the first bytes of what is written to it: the two sizes that a delta
// begins with.
type beginning struct{ bytes.Buffer }

func (b *beginning) Write(p []byte) (int, error) {
	b.Buffer.Write(p[:min(len(p), max(0, 2*binary.MaxVarintLen64-b.Len()))])
	return len(p), nil
}

// grown is the size of what a delta makes, out of any bound when it does not say.
func (b *beginning) grown() int64 {
	if _, err := binary.ReadUvarint(b); err != nil {
		return maxBlob + 1
	}
	n, err := binary.ReadUvarint(b)
	if err != nil || n > maxBlob {
		return maxBlob + 1
	}
	return int64(n)
}
