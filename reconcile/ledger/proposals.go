package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"recon/inventory"
	"recon/reconcile"
)

const (
	healingPrefix = "healing "
	freezeName    = "freeze"
)

// ErrDecided says that nobody can decide about a proposal any more.
var ErrDecided = errors.New("nothing is to be decided")

const proposalColumns = `SELECT id, state, opened_at, expires_at, body FROM proposals`

func proposal(rows *sql.Rows) (p reconcile.Proposal, err error) {
	var opened, expires int64
	var text string
	if err := rows.Scan(&p.ID, &p.State, &opened, &expires, &text); err != nil {
		return p, err
	}
	if err := unmarshal(text, &p); err != nil {
		return p, fmt.Errorf("proposal %s: %w", p.ID, err)
	}
	p.Opened, p.Expires = fromUnix(opened), fromUnix(expires)
	return p, nil
}

func (q query) proposals(r *reconcile.Recollection) error {
	return q.each(proposalColumns+` WHERE ended_at IS NULL ORDER BY opened_at, id`, func(rows *sql.Rows) error {
		p, err := proposal(rows)
		r.Proposals = append(r.Proposals, p)
		return err
	})
}

func (q query) healings(r *reconcile.Recollection) error {
	r.Healings = map[inventory.Address]reconcile.Healing{}
	return q.each(`SELECT name, body FROM remembered WHERE name LIKE $1`, func(rows *sql.Rows) error {
		var name, text string
		if err := rows.Scan(&name, &text); err != nil {
			return err
		}
		addr, err := address(strings.TrimPrefix(name, healingPrefix))
		if err != nil {
			return err
		}
		var h reconcile.Healing
		err = unmarshal(text, &h)
		r.Healings[addr] = h
		return err
	}, healingPrefix+"%")
}

func (q query) freeze(r *reconcile.Recollection) error {
	var text string
	if err := q.one(`SELECT body FROM remembered WHERE name = $1`, []any{&text}, freezeName); err != nil || text == "" {
		return err
	}
	return unmarshal(text, &r.Freeze)
}

// proposed keeps proposals for whoever decides.
func (w write) proposed(l *reconcile.Learned) error {
	for i := range l.Proposed {
		p := &l.Proposed[i]
		_, err := w.exec(`INSERT INTO proposals (id, address, state, opened_at, expires_at, body) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO NOTHING`,
			p.ID, p.Address().String(), p.State, unix(p.Opened), unix(p.Expires), body(p))
		if err != nil {
			return err
		}
	}
	return nil
}

// ended notes what became of proposals.
func (w write) ended(l *reconcile.Learned) error {
	for _, e := range l.Ended {
		state := e.Outcome
		if state == "" {
			state = reconcile.ProposalRejected
		}
		if _, err := w.exec(`UPDATE proposals SET state = $1, ended_at = $2 WHERE id = $3 AND ended_at IS NULL`, state, unix(l.At), e.ID); err != nil {
			return err
		}
	}
	return nil
}

func (w write) healings(l *reconcile.Learned) error {
	for addr, h := range l.Healings {
		if err := w.remember(healingPrefix+addr.String(), body(h)); err != nil {
			return err
		}
	}
	return nil
}

// Decide approves or rejects a proposal that waits, and writes down who did. It takes no
// lock: of two who decide one is the first, and the other gets ErrDecided.
func (s *Store) Decide(ctx context.Context, id, state, who string, at time.Time) (p reconcile.Proposal, err error) {
	err = s.update(ctx, func(w write) error {
		n, err := w.exec(`UPDATE proposals SET state = $1 WHERE id = $2 AND state = $3 AND expires_at > $4 AND ended_at IS NULL`, state, id, reconcile.ProposalOpen, unix(at))
		if err != nil {
			return err
		}
		found, err := query{w.ctx, w.tx}.proposal(id)
		switch {
		case err != nil:
			return err
		case n == 0:
			return Undecidable(&found)
		}
		p = found
		p.Decided, p.By = at.UTC().Truncate(time.Second), who
		if _, err := w.exec(`UPDATE proposals SET body = $1 WHERE id = $2`, body(&p), id); err != nil {
			return err
		}
		kind := inventory.Approved
		if state == reconcile.ProposalRejected {
			kind = inventory.Rejected
		}
		return w.append([]inventory.Event{{
			At: at, Address: p.Address(), Identity: p.Identity(), Kind: kind, By: who, Summary: fmt.Sprintf("proposal %s of %s was %s", p.ID, p.Address(), kind),
		}})
	})
	return p, err
}

// proposal reads one proposal, whatever became of it.
func (q query) proposal(id string) (p reconcile.Proposal, err error) {
	found := false
	err = q.each(proposalColumns+` WHERE id = $1`, func(rows *sql.Rows) error {
		found = true
		p, err = proposal(rows)
		return err
	}, id)
	if err == nil && !found {
		err = fmt.Errorf("%w: there is no such proposal", ErrDecided)
	}
	return p, err
}

// Undecidable says why a proposal can no longer be decided about.
func Undecidable(p *reconcile.Proposal) error {
	switch {
	case p.State == reconcile.ProposalOpen:
		return fmt.Errorf("%w: the proposal has expired", ErrDecided)
	case p.State == reconcile.ProposalApproved || p.State == reconcile.ProposalRejected:
		return fmt.Errorf("%w: %s has %s the proposal already", ErrDecided, p.By, p.State)
	case p.State == reconcile.ProposalRunning:
		return fmt.Errorf("%w: the proposal is being carried out", ErrDecided)
	}
	return fmt.Errorf("%w: the proposal %s", ErrDecided, inventory.ProposalEndings()[p.State])
}

// Proposal returns a proposal by the beginning of its ID, whatever became of it.
func (s *Store) Proposal(ctx context.Context, id string) (p reconcile.Proposal, err error) {
	err = s.view(ctx, func(q query) error {
		var ids []string
		if strings.Trim(id, "0123456789abcdef") != "" {
			return fmt.Errorf("%w: there is no such proposal", ErrDecided)
		}
		err := q.each(`SELECT id FROM proposals WHERE id LIKE $1`, func(rows *sql.Rows) error {
			var one string
			err := rows.Scan(&one)
			ids = append(ids, one)
			return err
		}, id+"%")
		switch {
		case err != nil:
			return err
		case len(ids) != 1:
			return fmt.Errorf("%w: %d proposals begin with %s", ErrDecided, len(ids), id)
		}
		p, err = q.proposal(ids[0])
		return err
	})
	return p, err
}

// Claim takes approved proposals to carry them out, each once in its life. Those that are
// no longer there to be carried out are left out.
func (r *run) Claim(ctx context.Context, ids []string) (out []reconcile.Proposal, err error) {
	err = r.write(ctx, func(w write) error {
		out = nil
		for _, id := range ids {
			n, err := w.exec(`UPDATE proposals SET state = $1 WHERE id = $2 AND state = $3 AND ended_at IS NULL`, reconcile.ProposalRunning, id, reconcile.ProposalApproved)
			if err != nil {
				return err
			}
			if n == 0 {
				continue
			}
			p, err := query{w.ctx, w.tx}.proposal(id)
			if err != nil {
				return err
			}
			out = append(out, p)
		}
		return nil
	})
	slices.SortFunc(out, func(a, b reconcile.Proposal) int { return a.Opened.Compare(b.Opened) })
	return out, err
}

// SetFreeze has recon do nothing by itself, or, with nil, what manifests let it.
func (s *Store) SetFreeze(ctx context.Context, f *reconcile.Freeze, who string, at time.Time) error {
	err := s.update(ctx, func(w write) error {
		e := inventory.Event{At: at, Kind: inventory.Thawed, Identity: "recon", By: who, Summary: "recon heals again"}
		if f == nil {
			n, err := w.exec(`DELETE FROM remembered WHERE name = $1`, freezeName)
			if err != nil || n == 0 {
				return err
			}
			return w.append([]inventory.Event{e})
		}
		e.Kind, e.Summary = inventory.Frozen, f.String()
		if err := w.remember(freezeName, body(f)); err != nil {
			return err
		}
		return w.append([]inventory.Event{e})
	})
	if err != nil {
		return fmt.Errorf("write the ledger: %w", err)
	}
	return nil
}
