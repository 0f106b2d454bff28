package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"
)

const (
	schedulePrefix = "schedule "
	begunPrefix    = "begun "
)

// Dealt returns, by schedule, the last time that was due and was dealt with.
func (s *Store) Dealt(ctx context.Context) (map[string]time.Time, error) {
	return s.times(ctx, schedulePrefix)
}

// Begun returns, by schedule, the time whose run was to be made and is not known to have ended.
func (s *Store) Begun(ctx context.Context) (map[string]time.Time, error) {
	return s.times(ctx, begunPrefix)
}

func (s *Store) times(ctx context.Context, prefix string) (out map[string]time.Time, err error) {
	out = map[string]time.Time{}
	err = s.view(ctx, func(q query) error {
		return q.each(`SELECT name, body FROM remembered WHERE name LIKE $1`, func(rows *sql.Rows) error {
			var name, text string
			if err := rows.Scan(&name, &text); err != nil {
				return err
			}
			at, err := time.Parse(time.RFC3339, text)
			out[strings.TrimPrefix(name, prefix)] = at
			return err
		}, prefix+"%")
	})
	return out, err
}

// Deal remembers that a schedule was dealt with up to a time, and with begun that a run is
// made for it. It takes no lock: it is a bookmark of the daemon, which leads with that epoch.
func (s *Store) Deal(ctx context.Context, schedule string, at time.Time, begun bool, epoch int64) error {
	return s.bookmark(ctx, epoch, func(w write) error {
		text := at.UTC().Format(time.RFC3339)
		if begun {
			if err := w.remember(begunPrefix+schedule, text); err != nil {
				return err
			}
		}
		return w.remember(schedulePrefix+schedule, text)
	})
}

// Ended forgets that a run of a schedule was begun.
func (s *Store) Ended(ctx context.Context, schedule string, epoch int64) error {
	return s.bookmark(ctx, epoch, func(w write) error {
		_, err := w.exec(`DELETE FROM remembered WHERE name = $1`, begunPrefix+schedule)
		return err
	})
}

func (s *Store) bookmark(ctx context.Context, epoch int64, do func(write) error) error {
	err := s.update(ctx, func(w write) error {
		if err := w.leads(epoch); err != nil {
			return err
		}
		return do(w)
	})
	if err != nil {
		return fmt.Errorf("write the ledger: %w", err)
	}
	return nil
}
