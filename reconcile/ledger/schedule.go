package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"
)

const schedulePrefix = "schedule "

// Dealt returns, by schedule, the last time that was due and was dealt with.
func (s *Store) Dealt(ctx context.Context) (out map[string]time.Time, err error) {
	out = map[string]time.Time{}
	err = s.view(ctx, func(q query) error {
		return q.each(`SELECT name, body FROM remembered WHERE name LIKE $1`, func(rows *sql.Rows) error {
			var name, text string
			if err := rows.Scan(&name, &text); err != nil {
				return err
			}
			at, err := time.Parse(time.RFC3339, text)
			out[strings.TrimPrefix(name, schedulePrefix)] = at
			return err
		}, schedulePrefix+"%")
	})
	return out, err
}

// Deal remembers that a schedule was dealt with up to a time. It takes no lock: it is a
// bookmark of the daemon.
func (s *Store) Deal(ctx context.Context, schedule string, at time.Time) error {
	err := s.update(ctx, func(w write) error { return w.remember(schedulePrefix+schedule, at.UTC().Format(time.RFC3339)) })
	if err != nil {
		return fmt.Errorf("write the ledger: %w", err)
	}
	return nil
}
