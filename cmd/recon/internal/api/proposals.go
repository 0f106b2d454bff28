package api

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"recon/cmd/recon/internal/runs"
	"recon/inventory"
	"recon/reconcile"
	"recon/reconcile/ledger"
)

type (
	// Proposal is a change that waits for somebody's decision, or waited for one.
	Proposal = reconcile.Proposal
	// Freeze says that recon does nothing by itself for a while.
	Freeze = reconcile.Freeze
)

// ShortID is a proposal's ID as people are shown it.
func ShortID(p *Proposal) string { return p.ID[:min(len(p.ID), reconcile.ShortID)] }

// Heal takes back what manifests let recon take back by itself, and proposes the rest.
func Heal(ctx context.Context, h *Home) (*Cycle, error) { return runs.Heal(ctx, h) }

// CarryOutApproved does what was approved and is not carried out yet. The answer is nil
// when there is nothing of the kind.
func CarryOutApproved(ctx context.Context, h *Home) (*Applied, error) {
	waiting, err := Waiting(ctx, h)
	if err != nil || waiting.Freeze != nil {
		return nil, err
	}
	var ids []string
	for i := range waiting.Proposals {
		if p := &waiting.Proposals[i]; p.Approved() {
			ids = append(ids, p.ID)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	return runs.CarryOut(ctx, h, ids)
}

// Waits is what waits for somebody.
type Waits struct {
	Proposals []Proposal // open, or approved and not yet carried out; the oldest first
	Freeze    *Freeze    // nil: recon may do what manifests let it
}

// Waiting reads what waits for somebody.
func Waiting(ctx context.Context, h *Home) (w Waits, err error) {
	l, err := h.Ledger(ctx)
	if err != nil || l == nil {
		return w, err
	}
	defer l.Close()
	r, err := l.Recall(ctx, h.Now())
	return waits(&r, h.Now()), err
}

func waits(r *reconcile.Recollection, now time.Time) (w Waits) {
	for _, p := range r.Proposals {
		if p.State != reconcile.ProposalRejected && now.Before(p.Expires) {
			w.Proposals = append(w.Proposals, p)
		}
	}
	if r.Freeze.Holds(now) {
		w.Freeze = r.Freeze
	}
	return w
}

// FindProposal returns a proposal by the beginning of its ID, whatever became of it.
func FindProposal(ctx context.Context, h *Home, id string) (p Proposal, err error) {
	l, err := h.Ledger(ctx)
	if err != nil {
		return p, err
	}
	if l == nil {
		return p, noProposal(id)
	}
	defer l.Close()
	if p, err = l.Proposal(ctx, id); errors.Is(err, ledger.ErrDecided) || id == "" {
		err = noProposal(id)
	}
	return p, err
}

func noProposal(id string) error {
	return &Failure{Code: ExitError, Err: fmt.Errorf("there is no proposal %q", id), Hint: "recon approve lists those that wait"}
}

// Decidable says which of some proposals nobody can approve any more, before anybody is
// asked about the others.
func Decidable(all []Proposal, now time.Time) error {
	for i := range all {
		if p := &all[i]; p.State != reconcile.ProposalOpen && !p.Approved() || !now.Before(p.Expires) {
			return Refuse("recon approve lists what waits", "%s of %s: %w", ShortID(p), p.Address(), ledger.Undecidable(p))
		}
	}
	return nil
}

// Decide approves or rejects a proposal, whose whole ID says what is meant. Nothing is
// carried out yet.
func Decide(ctx context.Context, h *Home, id string, approve bool, who string) (p Proposal, err error) {
	l, err := h.WritableLedger(ctx)
	if err != nil {
		return p, err
	}
	defer l.Close()
	state := reconcile.ProposalRejected
	if approve {
		state = reconcile.ProposalApproved
		r, err := l.Recall(ctx, h.Now())
		if err != nil {
			return p, err
		}
		if r.Freeze.Holds(h.Now()) {
			return p, Refuse("recon unfreeze ends that", "nothing was approved: recon is %s", r.Freeze)
		}
	}
	p, err = l.Decide(ctx, id, state, who, h.Now())
	if errors.Is(err, ledger.ErrDecided) {
		err = Refuse("recon approve lists what waits", "%w", err)
	}
	return p, err
}

// CarryOut does what was approved, and nothing else.
func CarryOut(ctx context.Context, h *Home, ids []string) (*Applied, error) {
	return runs.CarryOut(ctx, h, ids)
}

// SetFreeze has recon do nothing by itself for a time, or, with 0, until somebody ends it.
func SetFreeze(ctx context.Context, h *Home, span time.Duration, reason, who string) (*Freeze, error) {
	l, err := h.WritableLedger(ctx)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	f := &Freeze{By: who, Reason: reason, At: h.Now().UTC()}
	if span > 0 {
		f.Until = f.At.Add(span)
	}
	return f, l.SetFreeze(ctx, f, who, h.Now())
}

// Unfreeze ends a freeze.
func Unfreeze(ctx context.Context, h *Home, who string) error {
	l, err := h.WritableLedger(ctx)
	if err != nil {
		return err
	}
	defer l.Close()
	return l.SetFreeze(ctx, nil, who, h.Now())
}

// VerifyHistory walks along the history and says where its chain is broken.
func VerifyHistory(ctx context.Context, h *Home) (c reconcile.Chain, err error) {
	l, err := h.Ledger(ctx)
	if err != nil || l == nil {
		return c, err
	}
	defer l.Close()
	return l.Verify(ctx)
}

// ChainJSON is the answer of recon history --verify.
func ChainJSON(c reconcile.Chain) any {
	return struct {
		FormatVersion string  `json:"format_version"`
		Whole         bool    `json:"whole"`
		Events        int     `json:"events"`
		Unlinked      int     `json:"unlinked"`
		Dropped       int64   `json:"dropped"`
		Head          string  `json:"head"`
		Broken        *string `json:"broken"`
	}{FormatVersion, c.Broken == "", c.Linked, c.Unlinked, c.Dropped, c.Head, orNull(c.Broken)}
}

// A ProposalJSON is a proposal as all JSON output shows it.
type ProposalJSON struct {
	ID      string               `json:"id"`
	Address string               `json:"address"`
	State   string               `json:"state"`
	Why     string               `json:"why"`
	Opened  string               `json:"opened_at"`
	Expires string               `json:"expires_at"`
	By      *string              `json:"by"`
	Commit  *string              `json:"commit"`
	Change  reconcile.ChangeJSON `json:"change"`
}

// NewProposalJSON spells a proposal.
func NewProposalJSON(p *Proposal) (ProposalJSON, error) {
	c, err := p.Claim()
	if err != nil {
		return ProposalJSON{}, err
	}
	return ProposalJSON{
		ID: p.ID, Address: p.Address().String(), State: p.State, Why: p.Why, Opened: inventory.Timestamp(p.Opened), Expires: inventory.Timestamp(p.Expires),
		By: orNull(p.By), Commit: orNull(p.Plan.Commit), Change: reconcile.NewChangeJSON(c),
	}, nil
}

// JSON is the answer of recon approve without an ID.
func (w *Waits) JSON() any {
	out := struct {
		FormatVersion string         `json:"format_version"`
		Proposals     []ProposalJSON `json:"proposals"`
		Frozen        *string        `json:"frozen"`
	}{FormatVersion, []ProposalJSON{}, nil}
	for i := range w.Proposals {
		if p, err := NewProposalJSON(&w.Proposals[i]); err == nil {
			out.Proposals = append(out.Proposals, p)
		}
	}
	if w.Freeze != nil {
		text := w.Freeze.String()
		out.Frozen = &text
	}
	return out
}

// LinkLife is how long a link decides for whoever has it.
const LinkLife = 24 * time.Hour

// linkKey is the note in which the key of signed links is kept.
const linkKey = "link key"

// A Signer signs links that decide about proposals.
type Signer struct{ key []byte }

// NewSigner reads the key of signed links, and makes one where there is none.
func NewSigner(ctx context.Context, h *Home) (*Signer, error) {
	l, err := h.WritableLedger(ctx)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	for range 2 {
		text, err := l.Note(ctx, linkKey)
		if err != nil {
			return nil, err
		}
		if key, err := hex.DecodeString(text); err == nil && len(key) == sha256.Size {
			return &Signer{key}, nil
		}
		fresh := make([]byte, sha256.Size)
		if _, err := rand.Read(fresh); err != nil {
			return nil, err
		}
		if err := l.SetNote(ctx, linkKey, text, hex.EncodeToString(fresh)); err != nil && !errors.Is(err, ledger.ErrNoteChanged) {
			return nil, err
		}
	}
	return nil, errors.New("the key of signed links cannot be kept")
}

// FindSigner reads the key of signed links; without one nothing was ever signed, and the
// answer is nil.
func FindSigner(ctx context.Context, h *Home) (*Signer, error) {
	l, err := h.Ledger(ctx)
	if err != nil || l == nil {
		return nil, err
	}
	defer l.Close()
	text, err := l.Note(ctx, linkKey)
	if err != nil {
		return nil, err
	}
	key, err := hex.DecodeString(text)
	if err != nil || len(key) != sha256.Size {
		return nil, nil
	}
	return &Signer{key}, nil
}

// Link is the path, with its query, of a page on which whoever has it decides about a
// proposal. who is noted as the one who did.
func (s *Signer) Link(id, who string, now time.Time) string {
	until := strconv.FormatInt(now.Add(LinkLife).Unix(), 10)
	return "/decide/" + id + "?" + strings.Join([]string{"for=" + who, "until=" + until, "sig=" + s.sign(id, who, until)}, "&")
}

func (s *Signer) sign(parts ...string) string {
	mac := hmac.New(sha256.New, s.key)
	for _, p := range parts {
		fmt.Fprintf(mac, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(mac.Sum(nil))
}

// Check reports whether a link is one that was signed, and still counts.
func (s *Signer) Check(id, who, until, sig string, now time.Time) bool {
	return s != nil && PlausibleLink(id, until, sig, now) && hmac.Equal([]byte(sig), []byte(s.sign(id, who, until)))
}

// PlausibleLink reports whether a link may be one that was signed, without any key: what a
// stranger makes up costs nothing.
func PlausibleLink(id, until, sig string, now time.Time) bool {
	end, err := strconv.ParseInt(until, 10, 64)
	return err == nil && now.Before(time.Unix(end, 0)) && !now.Add(LinkLife).Before(time.Unix(end, 0)) && len(id) == 2*sha256.Size && len(sig) == 2*sha256.Size
}
