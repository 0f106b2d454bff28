package ledger

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver named sqlite
)

// File is the database's name inside the project's .recon folder.
const File = "ledger.db"

// A Ledger is an open database.
type Ledger struct {
	db       *sql.DB
	SetAside string // where a damaged database was put, "" when there was none
}

// migrations bring the schema from version i to i+1.
var migrations = []string{
	`CREATE TABLE applied (address TEXT PRIMARY KEY, identity TEXT NOT NULL, body TEXT NOT NULL);
	 CREATE TABLE observed (identity TEXT PRIMARY KEY, address TEXT NOT NULL, provider TEXT NOT NULL, at BIGINT NOT NULL, body TEXT NOT NULL);
	 CREATE TABLE sources (provider TEXT NOT NULL, scope TEXT NOT NULL, since BIGINT NOT NULL, error TEXT NOT NULL, PRIMARY KEY (provider, scope));
	 CREATE TABLE episodes (id INTEGER PRIMARY KEY, address TEXT NOT NULL, identity TEXT NOT NULL, fingerprint TEXT NOT NULL, opened_at BIGINT NOT NULL, changed_at BIGINT NOT NULL, resolved_at BIGINT, body TEXT NOT NULL);
	 CREATE INDEX episodes_open ON episodes (address, resolved_at);
	 CREATE TABLE events (id INTEGER PRIMARY KEY, at BIGINT NOT NULL, address TEXT NOT NULL, identity TEXT NOT NULL, kind TEXT NOT NULL, changed_by TEXT NOT NULL, summary TEXT NOT NULL, fields TEXT NOT NULL);
	 CREATE INDEX events_at ON events (at);
	 CREATE TABLE runs (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, started_at BIGINT NOT NULL, ended_at BIGINT, exit_code INTEGER, managed INTEGER, summary TEXT NOT NULL);
	 CREATE TABLE journal (id INTEGER PRIMARY KEY, address TEXT NOT NULL, identity TEXT NOT NULL, step TEXT NOT NULL, begun_at BIGINT NOT NULL, ended_at BIGINT, outcome TEXT NOT NULL);`,
}

// Open opens the ledger in a folder, making both when they are missing.
func Open(dir string) (*Ledger, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make recon's folder: %w", err)
	}
	path := filepath.Join(dir, File)
	l, err := open(path)
	if err == nil {
		return l, nil
	}
	if !damaged(err) {
		return nil, fmt.Errorf("open the ledger %s: %w", path, err)
	}
	aside := fmt.Sprintf("%s.damaged-%s", path, time.Now().UTC().Format("20060102T150405"))
	if err := os.Rename(path, aside); err != nil {
		return nil, fmt.Errorf("set the damaged ledger aside: %w", err)
	}
	for _, suffix := range []string{"-wal", "-shm", "-journal"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("set the damaged ledger aside: %w", err)
		}
	}
	if l, err = open(path); err != nil {
		return nil, fmt.Errorf("begin a new ledger %s: %w", path, err)
	}
	l.SetAside = aside
	return l, nil
}

// OpenExisting opens the ledger for a command that writes nothing; without a
// database it returns nil and no error.
func OpenExisting(dir string) (*Ledger, error) {
	path := filepath.Join(dir, File)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	l, err := open(path)
	if err != nil && strings.Contains(err.Error(), "unable to open database file") {
		l, err = openFrozen(path)
	}
	if err != nil && damaged(err) {
		return nil, nil // the next command that writes sets it aside and says so
	}
	return l, err
}

// openFrozen opens a database in a folder in which nothing can be written, where
// SQLite cannot keep its side files.
func openFrozen(path string) (*Ledger, error) {
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro&immutable=1")
	if err != nil {
		return nil, err
	}
	var version int
	if err := db.QueryRow(`SELECT MAX(version) FROM schema_version`).Scan(&version); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if version != len(migrations) {
		return nil, errors.Join(fmt.Errorf("the ledger has schema version %d, this recon needs %d, and it cannot be migrated in a read-only folder", version, len(migrations)), db.Close())
	}
	return &Ledger{db: db}, nil
}

func damaged(err error) bool {
	s := err.Error()
	return strings.Contains(s, "not a database") || strings.Contains(s, "malformed") || errors.Is(err, errForeign)
}

var errForeign = errors.New("it is not a ledger of recon")

func open(path string) (*Ledger, error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	l := &Ledger{db: db}
	if err := l.migrate(); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return l, nil
}

// migrate brings the schema to this version. A newer one is refused: an older
// recon must not write into it.
func (l *Ledger) migrate() error {
	version, err := l.version()
	if err != nil {
		return err
	}
	if version > len(migrations) {
		return fmt.Errorf("the ledger has schema version %d, and this recon knows %d; use a newer recon", version, len(migrations))
	}
	for v := version; v < len(migrations); v++ {
		err := l.tx(func(tx *sql.Tx) error {
			if _, err := tx.Exec(migrations[v]); err != nil {
				return err
			}
			if _, err := tx.Exec(`DELETE FROM schema_version`); err != nil {
				return err
			}
			_, err := tx.Exec(`INSERT INTO schema_version (version) VALUES ($1)`, v+1)
			return err
		})
		if err != nil {
			return fmt.Errorf("migrate the ledger to schema version %d: %w", v+1, err)
		}
	}
	return nil
}

func (l *Ledger) version() (int, error) {
	var check string
	if err := l.db.QueryRow(`PRAGMA quick_check(1)`).Scan(&check); err != nil {
		return 0, err
	}
	if check != "ok" {
		return 0, fmt.Errorf("database disk image is malformed: %s", check)
	}
	if _, err := l.db.Exec(`CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)`); err != nil {
		return 0, err
	}
	var version sql.NullInt64
	if err := l.db.QueryRow(`SELECT MAX(version) FROM schema_version`).Scan(&version); err != nil {
		return 0, fmt.Errorf("%w: %w", errForeign, err)
	}
	return int(version.Int64), nil
}

// Close closes the database.
func (l *Ledger) Close() error { return l.db.Close() }

// tx runs a function in a transaction.
func (l *Ledger) tx(do func(*sql.Tx) error) error {
	tx, err := l.db.Begin()
	if err != nil {
		return err
	}
	if err := do(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

func unix(t time.Time) int64 { return t.UTC().Unix() }

func fromUnix(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(n, 0).UTC()
}
