package ledger

import (
	"context"
	"errors"
	"fmt"
)

// migrations bring the schema from version i to i+1. One that was ever released is
// never changed.
var migrations = []string{
	`CREATE TABLE applied (address TEXT PRIMARY KEY, identity TEXT NOT NULL, body TEXT NOT NULL);
	 CREATE TABLE observed (identity TEXT PRIMARY KEY, address TEXT NOT NULL, provider TEXT NOT NULL, at BIGINT NOT NULL, body TEXT NOT NULL);
	 CREATE TABLE sources (provider TEXT NOT NULL, scope TEXT NOT NULL, since BIGINT NOT NULL, error TEXT NOT NULL, PRIMARY KEY (provider, scope));
	 CREATE TABLE episodes (id {id}, address TEXT NOT NULL, identity TEXT NOT NULL, fingerprint TEXT NOT NULL,
	   opened_at BIGINT NOT NULL, changed_at BIGINT NOT NULL, resolved_at BIGINT, body TEXT NOT NULL);
	 CREATE INDEX episodes_open ON episodes (address, resolved_at);
	 CREATE TABLE events (id {id}, at BIGINT NOT NULL, address TEXT NOT NULL, identity TEXT NOT NULL, kind TEXT NOT NULL,
	   changed_by TEXT NOT NULL, summary TEXT NOT NULL, fields TEXT NOT NULL);
	 CREATE INDEX events_at ON events (at);
	 CREATE TABLE runs (id {id}, kind TEXT NOT NULL, started_at BIGINT NOT NULL, ended_at BIGINT, exit_code INTEGER, managed INTEGER, summary TEXT NOT NULL);
	 CREATE TABLE journal (id {id}, address TEXT NOT NULL, identity TEXT NOT NULL, step TEXT NOT NULL, begun_at BIGINT NOT NULL, ended_at BIGINT, outcome TEXT NOT NULL);`,

	`CREATE TABLE remembered (name TEXT PRIMARY KEY, body TEXT NOT NULL);`,

	// The lock counts its holders, and the journal knows which of its steps the
	// history tells of: 0 is a run from before it did.
	`CREATE TABLE fence (name TEXT PRIMARY KEY, epoch BIGINT NOT NULL, holder TEXT NOT NULL);
	 INSERT INTO fence (name, epoch, holder) VALUES ('project', 0, '');
	 ALTER TABLE journal ADD COLUMN run BIGINT;
	 ALTER TABLE journal ADD COLUMN told BIGINT;
	 UPDATE journal SET told = 0 WHERE ended_at IS NOT NULL;
	 CREATE INDEX journal_untold ON journal (told);`,

	// The history is a chain, in which an edit, a gap and a missing end show. What was
	// written before has no link. Proposals wait for somebody's decision.
	`ALTER TABLE events ADD COLUMN link TEXT NOT NULL DEFAULT '';
	 CREATE TABLE proposals (id TEXT PRIMARY KEY, address TEXT NOT NULL, state TEXT NOT NULL, opened_at BIGINT NOT NULL, expires_at BIGINT NOT NULL,
	   ended_at BIGINT, body TEXT NOT NULL);
	 CREATE INDEX proposals_state ON proposals (state);`,
}

// migrate brings the schema to this version. A newer one is refused: an older
// recon must not write into it.
func (s *Store) migrate(ctx context.Context) error {
	if version, err := s.version(ctx); err == nil && version == len(migrations) {
		return nil // without keeping anybody from writing
	}
	for {
		done := false
		err := s.update(ctx, func(w write) error {
			version, err := s.backend.version(ctx, w.tx)
			if err != nil {
				return err
			}
			if err := known(version); err != nil {
				return err
			}
			if done = version == len(migrations); done {
				return nil
			}
			for _, statement := range []string{
				s.backend.schema(migrations[version]), `DELETE FROM schema_version`, fmt.Sprintf(`INSERT INTO schema_version (version) VALUES (%d)`, version+1),
			} {
				if _, err := w.tx.ExecContext(ctx, statement); err != nil {
					return fmt.Errorf("migrate the ledger to schema version %d: %w", version+1, err)
				}
			}
			return nil
		})
		if err != nil || done {
			return err
		}
	}
}

// version returns which migration the database is at, with an error when it has none.
func (s *Store) version(ctx context.Context) (version int, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT MAX(version) FROM schema_version`).Scan(&version)
	return version, err
}

// known refuses a schema of a recon that is newer than this one.
func known(version int) error {
	if version > len(migrations) {
		return fmt.Errorf("the ledger has schema version %d, and this recon knows %d; use a newer recon", version, len(migrations))
	}
	return nil
}

var errForeign = errors.New("it is not a ledger of recon")
