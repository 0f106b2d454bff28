package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"time"

	"recon/inventory"
)

// Events returns the history since a time, oldest first; the zero address means
// every resource.
func (s *Store) Events(ctx context.Context, since time.Time, of inventory.Address) (out []inventory.Event, err error) {
	from := int64(0)
	if !since.IsZero() {
		from = unix(since)
	}
	err = s.view(ctx, func(q query) error {
		return q.each(`SELECT at, address, identity, kind, changed_by, summary, fields FROM events WHERE at >= $1 ORDER BY at, id`, func(rows *sql.Rows) error {
			e, err := event(rows)
			if err == nil && (of.IsZero() || of == e.Address) {
				out = append(out, e)
			}
			return err
		}, from)
	})
	return out, err
}

// LastEvents returns the end of the history, the newest first.
func (s *Store) LastEvents(ctx context.Context, most int) (out []inventory.Event, err error) {
	err = s.view(ctx, func(q query) error {
		return q.each(`SELECT at, address, identity, kind, changed_by, summary, fields FROM events ORDER BY id DESC LIMIT $1`, func(rows *sql.Rows) error {
			e, err := event(rows)
			out = append(out, e)
			return err
		}, most)
	})
	return out, err
}

// event reads one line of the history, after what stands in columns before it.
func event(rows *sql.Rows, before ...any) (e inventory.Event, err error) {
	var at int64
	var addr, kind, fields string
	if err := rows.Scan(append(before, &at, &addr, &e.Identity, &kind, &e.By, &e.Summary, &fields)...); err != nil {
		return e, err
	}
	if err := unmarshal(fields, &e.Fields); err != nil {
		return e, err
	}
	e.At, e.Kind = fromUnix(at), inventory.EventKind(kind)
	e.Address, err = address(addr)
	return e, err
}

// LatestEvents returns the last change of each resource, by identity.
func (s *Store) LatestEvents(ctx context.Context) (map[string]inventory.Event, error) {
	out := map[string]inventory.Event{}
	err := s.view(ctx, func(q query) error {
		return q.each(`SELECT identity, at, changed_by, kind FROM events
			WHERE id IN (SELECT MAX(id) FROM events WHERE kind IN ($1, $2, $3, $4, $5, $6, $7, $8, $9) GROUP BY identity)`, func(rows *sql.Rows) error {
			var e inventory.Event
			var at int64
			var kind string
			err := rows.Scan(&e.Identity, &at, &e.By, &kind)
			e.At, e.Kind = fromUnix(at), inventory.EventKind(kind)
			out[e.Identity] = e
			return err
		}, string(inventory.DriftOpened), string(inventory.DriftChanged), string(inventory.DriftResolved), string(inventory.WasApplied), string(inventory.Appeared),
			string(inventory.Created), string(inventory.Changed), string(inventory.Moved), string(inventory.Renamed))
	})
	return out, err
}

// An Untold is what nobody was told yet.
type Untold struct {
	Events []inventory.Event
	Since  time.Time // of the last look of whoever was told before; zero when nobody was

	upTo string // the bookmark of whoever is told this
}

// Untold returns the history that nobody was told yet, oldest first. What counts is what
// was written down since, not when it happened: a run that began earlier may end later.
func (s *Store) Untold(ctx context.Context) (u Untold, err error) {
	err = s.view(ctx, func(q query) error {
		var text string
		var last int64
		if err := q.one(`SELECT body FROM remembered WHERE name = $1`, []any{&text}, changesTold); err != nil {
			return err
		}
		if err := q.one(`SELECT COALESCE(MAX(id), 0) FROM events`, []any{&last}); err != nil {
			return err
		}
		id, from := int64(0), int64(0)
		stamp, counted, _ := strings.Cut(text, " ")
		if text != "" {
			if u.Since, err = time.Parse(time.RFC3339, stamp); err != nil {
				return fmt.Errorf("read what was told: %w", err)
			}
		}
		if id, err = strconv.ParseInt(counted, 10, 64); err != nil {
			from = unix(u.Since) // an older ledger knew the time alone
		}
		u.upTo = strconv.FormatInt(last, 10)
		return q.each(`SELECT at, address, identity, kind, changed_by, summary, fields FROM events WHERE id > $1 AND at >= $2 ORDER BY at, id`, func(rows *sql.Rows) error {
			e, err := event(rows)
			u.Events = append(u.Events, e)
			return err
		}, id, max(from, 0))
	})
	return u, err
}

// SetTold remembers that somebody was told. It takes no lock: it is a bookmark of whoever
// reads.
func (s *Store) SetTold(ctx context.Context, u Untold, at time.Time) error {
	err := s.update(ctx, func(w write) error { return w.remember(changesTold, at.UTC().Format(time.RFC3339)+" "+u.upTo) })
	if err != nil {
		return fmt.Errorf("write the ledger: %w", err)
	}
	return nil
}
