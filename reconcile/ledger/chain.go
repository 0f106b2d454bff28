package ledger

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"

	"recon/inventory"
	"recon/reconcile"
)

// The history is a chain: each event has a link, the hash of itself and of the link
// before it. The head is remembered beside the table, and what retention has taken away
// at the beginning is remembered as the anchor.
const (
	chainHead   = "history head"
	chainAnchor = "history anchor"
)

// A position is a place in the chain: how many events lie before it, and the last one's
// link.
type position struct {
	Count int64  `json:"count"`
	Link  string `json:"link"`
}

// follow is the position after an event, whose columns are as the database keeps them.
func (p position) follow(columns []any) position {
	sum := sha256.Sum256([]byte(body(append([]any{p.Link}, columns...))))
	return position{p.Count + 1, hex.EncodeToString(sum[:])}
}

const eventColumns = `at, address, identity, kind, changed_by, summary, fields`

// history appends to the history what a run has learnt.
func (w write) history(l *reconcile.Learned) error { return w.append(l.Events) }

// append appends events to the history. Whoever appends holds the head until the
// transaction ends, so that each event follows exactly one other.
func (w write) append(events []inventory.Event) error {
	if len(events) == 0 {
		return nil
	}
	head, err := w.head()
	if err != nil {
		return err
	}
	var rows [][]any
	for _, e := range events {
		columns := w.safe([]any{unix(e.At), e.Address.String(), e.Identity, string(e.Kind), e.By, e.Summary, body(e.Fields)})
		head = head.follow(columns)
		rows = append(rows, append(columns, head.Link))
	}
	if err := w.rows(`INSERT INTO events (`+eventColumns+`, link) VALUES %s`, rows); err != nil {
		return err
	}
	return w.remember(chainHead, body(head))
}

// head takes hold of the end of the chain.
func (w write) head() (p position, err error) {
	if _, err := w.exec(`INSERT INTO remembered (name, body) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET body = remembered.body`, chainHead, body(p)); err != nil {
		return p, err
	}
	var text string
	if err := w.tx.QueryRowContext(w.ctx, `SELECT body FROM remembered WHERE name = $1`, chainHead).Scan(&text); err != nil {
		return p, err
	}
	return p, unmarshal(text, &p)
}

// shorten takes away the beginning of the history, up to the first event that is not older,
// and remembers where the rest begins.
func (w write) shorten(before int64) error {
	const old = `FROM events WHERE at < $1 AND id < COALESCE((SELECT MIN(id) FROM events WHERE at >= $2), (SELECT MAX(id) + 1 FROM events))`
	var gone int64
	var link string
	if err := w.tx.QueryRowContext(w.ctx, `SELECT COUNT(*) `+old+` AND link <> ''`, before, before).Scan(&gone); err != nil {
		return err
	}
	if gone > 0 {
		if err := w.tx.QueryRowContext(w.ctx, `SELECT link `+old+` ORDER BY id DESC LIMIT 1`, before, before).Scan(&link); err != nil {
			return err
		}
		var text string
		anchor := position{}
		err := w.tx.QueryRowContext(w.ctx, `SELECT body FROM remembered WHERE name = $1`, chainAnchor).Scan(&text)
		if err == nil {
			err = unmarshal(text, &anchor)
		}
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if err := w.remember(chainAnchor, body(position{anchor.Count + gone, link})); err != nil {
			return err
		}
	}
	_, err := w.exec(`DELETE `+old, before, before)
	return err
}

// Verify walks along the history and says where its chain is broken.
func (s *Store) Verify(ctx context.Context) (c reconcile.Chain, err error) {
	err = s.view(ctx, func(q query) error {
		c, err = verifyIn(q)
		return err
	})
	return c, err
}

func verifyIn(q query) (c reconcile.Chain, err error) {
	var at, head position
	for name, p := range map[string]*position{chainAnchor: &at, chainHead: &head} {
		var text string
		if err := q.one(`SELECT body FROM remembered WHERE name = $1`, []any{&text}, name); err != nil {
			return c, err
		}
		if text != "" {
			if err := unmarshal(text, p); err != nil {
				return c, err
			}
		}
	}
	c.Dropped = at.Count
	err = q.each(`SELECT id, `+eventColumns+`, link FROM events ORDER BY id`, func(rows *sql.Rows) error {
		var id, when int64
		var link string
		var text [6]string
		if err := rows.Scan(&id, &when, &text[0], &text[1], &text[2], &text[3], &text[4], &text[5], &link); err != nil {
			return err
		}
		pass(&c, &at, id, link, []any{when, text[0], text[1], text[2], text[3], text[4], text[5]})
		return nil
	})
	if err == nil && c.Broken == "" && at != head {
		c.Broken = fmt.Sprintf("its end is missing: %d events were written, and %d are there", head.Count, at.Count)
	}
	c.Head = at.Link
	return c, err
}

// pass goes on by one event.
func pass(c *reconcile.Chain, at *position, id int64, link string, columns []any) {
	switch next := at.follow(columns); {
	case c.Broken != "":
	case link == "" && at.Count == 0:
		c.Unlinked++ // from before there was a chain
	case link != next.Link:
		c.Broken = fmt.Sprintf("event %d, of %s, is not what was written, or something before it is missing", id, inventory.Timestamp(fromUnix(columns[0].(int64))))
	default:
		*at = next
		c.Linked++
	}
}
