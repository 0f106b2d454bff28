package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"recon/inventory"
)

// A Numbered is an event with its number. Events are numbered in the order in which they
// were written down, and no number is given twice.
type Numbered struct {
	ID int64
	inventory.Event
}

// A Report is a run that was made for a report.
type Report struct {
	Run     int64
	At      time.Time
	Summary string
}

// News is what was written down after somebody last read it.
type News struct {
	Events  []Numbered // in the order in which they were written down
	Last    int64      // the number of the last event that there is, read or not
	Reports []Report
	LastRun int64 // the last run that has learnt something
}

// News returns the first so many events after a number, and the reports after a run.
func (s *Store) News(ctx context.Context, after, run int64, limit int) (n News, err error) {
	err = s.view(ctx, func(q query) error {
		for of, last := range map[string]*int64{"events": &n.Last, "runs WHERE managed IS NOT NULL": &n.LastRun} {
			if err := q.one(`SELECT COALESCE(MAX(id), 0) FROM `+of, []any{last}); err != nil {
				return err
			}
		}
		err := q.each(`SELECT id, at, address, identity, kind, changed_by, summary, fields FROM events WHERE id > $1 ORDER BY id LIMIT $2`, func(rows *sql.Rows) error {
			var e Numbered
			var err error
			e.Event, err = event(rows, &e.ID)
			n.Events = append(n.Events, e)
			return err
		}, after, limit)
		if err != nil {
			return err
		}
		return q.each(`SELECT id, started_at, summary FROM runs WHERE id > $1 AND kind = 'report' AND managed IS NOT NULL ORDER BY id`, func(rows *sql.Rows) error {
			var r Report
			var at int64
			err := rows.Scan(&r.Run, &at, &r.Summary)
			r.At = fromUnix(at)
			n.Reports = append(n.Reports, r)
			return err
		}, run)
	})
	return n, err
}

// ErrNoteChanged says that a note is not what whoever writes it has read.
var ErrNoteChanged = errors.New("somebody else has written the note meanwhile")

const notePrefix = "note "

// Note returns what somebody has noted under a name, "" when nobody has.
func (s *Store) Note(ctx context.Context, name string) (text string, err error) {
	err = s.view(ctx, func(q query) error {
		return q.one(`SELECT body FROM remembered WHERE name = $1`, []any{&text}, notePrefix+name)
	})
	return text, err
}

// SetNote writes a note in place of what it was, with ErrNoteChanged when it is that no
// more. It takes no lock: a note is its writer's alone.
func (s *Store) SetNote(ctx context.Context, name, was, now string) error {
	err := s.update(ctx, func(w write) error {
		text, args := `UPDATE remembered SET body = $1 WHERE name = $2 AND body = $3`, []any{now, notePrefix + name, was}
		if was == "" {
			text, args = `INSERT INTO remembered (name, body) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`, []any{notePrefix + name, now}
		}
		n, err := w.exec(text, args...)
		if err == nil && n == 0 {
			err = ErrNoteChanged
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("write the ledger: %w", err)
	}
	return nil
}
