package ledger

import (
	"database/sql"
	"encoding/json"
	"time"

	"recon/inventory"
)

// An Episode is one stretch of time in which a resource differed from its
// manifest because live had moved.
type Episode struct {
	ID          int64
	Address     inventory.Address
	Identity    string
	Fingerprint string // of the fields and their live values
	OpenedAt    time.Time
	ChangedAt   time.Time
	Fields      []inventory.EventField
	By          string
}

type episodeBody struct {
	Fields []inventory.EventField
	By     string
}

// OpenEpisodes returns the episodes that are not resolved, by address.
func (l *Ledger) OpenEpisodes() (map[inventory.Address]Episode, error) {
	out := map[inventory.Address]Episode{}
	err := l.each(`SELECT id, address, identity, fingerprint, opened_at, changed_at, body FROM episodes WHERE resolved_at IS NULL ORDER BY id`, func(rows *sql.Rows) error {
		var e Episode
		var address, body string
		var opened, changed int64
		if err := rows.Scan(&e.ID, &address, &e.Identity, &e.Fingerprint, &opened, &changed, &body); err != nil {
			return err
		}
		var b episodeBody
		if err := json.Unmarshal([]byte(body), &b); err != nil {
			return err
		}
		var err error
		if e.Address, _, err = inventory.ParseAddress(address); err != nil {
			return err
		}
		e.OpenedAt, e.ChangedAt, e.Fields, e.By = fromUnix(opened), fromUnix(changed), b.Fields, b.By
		out[e.Address] = e
		return nil
	})
	return out, err
}

// SaveEpisode writes an episode: a new one when its ID is zero.
func (l *Ledger) SaveEpisode(e Episode) error {
	body, err := json.Marshal(episodeBody{e.Fields, e.By})
	if err != nil {
		return err
	}
	if e.ID == 0 {
		_, err = l.db.Exec(`INSERT INTO episodes (address, identity, fingerprint, opened_at, changed_at, body) VALUES ($1, $2, $3, $4, $5, $6)`,
			e.Address.String(), e.Identity, e.Fingerprint, unix(e.OpenedAt), unix(e.ChangedAt), string(body))
		return err
	}
	_, err = l.db.Exec(`UPDATE episodes SET fingerprint = $1, changed_at = $2, body = $3 WHERE id = $4`, e.Fingerprint, unix(e.ChangedAt), string(body), e.ID)
	return err
}

// ResolveEpisode ends an episode.
func (l *Ledger) ResolveEpisode(id int64, at time.Time) error {
	_, err := l.db.Exec(`UPDATE episodes SET resolved_at = $1 WHERE id = $2`, unix(at), id)
	return err
}

// AddEvents appends to the history.
func (l *Ledger) AddEvents(events ...inventory.Event) error {
	return l.tx(func(tx *sql.Tx) error {
		for _, e := range events {
			fields, err := json.Marshal(e.Fields)
			if err != nil {
				return err
			}
			_, err = tx.Exec(`INSERT INTO events (at, address, identity, kind, changed_by, summary, fields) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
				unix(e.At), e.Address.String(), e.Identity, string(e.Kind), e.By, e.Summary, string(fields))
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// Events returns the history since a time, oldest first; the zero address means
// every resource.
func (l *Ledger) Events(since time.Time, addr inventory.Address) ([]inventory.Event, error) {
	var out []inventory.Event
	from := int64(0)
	if !since.IsZero() {
		from = unix(since)
	}
	err := l.each(`SELECT at, address, identity, kind, changed_by, summary, fields FROM events WHERE at >= $1 ORDER BY at, id`, func(rows *sql.Rows) error {
		var e inventory.Event
		var at int64
		var address, kind, fields string
		if err := rows.Scan(&at, &address, &e.Identity, &kind, &e.By, &e.Summary, &fields); err != nil {
			return err
		}
		if address != "." {
			var err error
			if e.Address, _, err = inventory.ParseAddress(address); err != nil {
				return err
			}
		}
		if err := json.Unmarshal([]byte(fields), &e.Fields); err != nil {
			return err
		}
		e.At, e.Kind = fromUnix(at), inventory.EventKind(kind)
		if addr.IsZero() || addr == e.Address {
			out = append(out, e)
		}
		return nil
	}, from)
	return out, err
}

// BeginRun notes that a run has begun.
func (l *Ledger) BeginRun(kind string, at time.Time) (int64, error) {
	res, err := l.db.Exec(`INSERT INTO runs (kind, started_at, summary) VALUES ($1, $2, '')`, kind, unix(at))
	if err != nil {
		return 0, err
	}
	return res.LastInsertId()
}

// EndRun notes how a run ended.
func (l *Ledger) EndRun(id int64, at time.Time, exit, managed int, summary string) error {
	_, err := l.db.Exec(`UPDATE runs SET ended_at = $1, exit_code = $2, managed = $3, summary = $4 WHERE id = $5`, unix(at), exit, managed, summary, id)
	return err
}

// A Run is one run that wrote the ledger.
type Run struct {
	ID        int64
	Kind      string
	StartedAt time.Time
	EndedAt   time.Time // zero when it was killed, or still goes on
	Exit      int
	Managed   int
	Summary   string
}

// Runs returns the latest runs, newest first.
func (l *Ledger) Runs(limit int) ([]Run, error) {
	var out []Run
	err := l.each(`SELECT id, kind, started_at, COALESCE(ended_at, 0), COALESCE(exit_code, 0), COALESCE(managed, 0), summary FROM runs ORDER BY id DESC LIMIT $1`, func(rows *sql.Rows) error {
		var r Run
		var started, ended int64
		if err := rows.Scan(&r.ID, &r.Kind, &started, &ended, &r.Exit, &r.Managed, &r.Summary); err != nil {
			return err
		}
		r.StartedAt, r.EndedAt = fromUnix(started), fromUnix(ended)
		out = append(out, r)
		return nil
	}, limit)
	return out, err
}

// LatestID returns the id of the latest run, 0 when there was none.
func (l *Ledger) LatestID() (int64, error) {
	var id sql.NullInt64
	err := l.db.QueryRow(`SELECT MAX(id) FROM runs`).Scan(&id)
	return id.Int64, err
}

// ManagedLastTime returns how many resources the manifests declared in the last
// run that ended, 0 when there was none.
func (l *Ledger) ManagedLastTime() (int, error) {
	var n sql.NullInt64
	err := l.db.QueryRow(`SELECT managed FROM runs WHERE ended_at IS NOT NULL ORDER BY id DESC LIMIT 1`).Scan(&n)
	if err == sql.ErrNoRows {
		return 0, nil
	}
	return int(n.Int64), err
}
