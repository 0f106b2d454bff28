package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/gofrs/flock"
	driver "modernc.org/sqlite"

	"recon/inventory/localfile"
	"recon/reconcile"
)

// File is the database's name inside the project's .recon folder.
const File = "ledger.db"

// A sqlite ledger belongs to one machine: a folder with a database and a lock.
type sqlite struct{ dir string }

// OpenFolder opens the ledger in a folder, making both when they are missing.
func OpenFolder(ctx context.Context, dir string) (*Store, error) {
	if err := makeFolder(dir); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, File)
	if err := writable(path); err != nil {
		return nil, err
	}
	s, err := openFile(ctx, dir)
	if err == nil {
		return s, nil
	}
	if !damaged(err) {
		return nil, fmt.Errorf("open the ledger %s: %w", path, because(dir, err))
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
	if s, err = openFile(ctx, dir); err != nil {
		return nil, fmt.Errorf("begin a new ledger %s: %w", path, err)
	}
	s.SetAside = aside
	return s, nil
}

// writable says why a ledger that is there cannot be written, in the system's words:
// SQLite says only that it cannot open it.
func writable(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open the ledger: %w", err)
	}
	return f.Close()
}

// because puts the system's reason before the number that SQLite gives when it cannot
// write: a full disk, a quota.
func because(dir string, err error) error {
	f, probed := os.CreateTemp(dir, ".room-*")
	if probed == nil {
		_, probed = f.Write(make([]byte, 64<<10))
		probed = errors.Join(probed, f.Close(), os.Remove(f.Name()))
	}
	var reason syscall.Errno
	if errors.As(probed, &reason) {
		return fmt.Errorf("%w (%w)", reason, err)
	}
	return err
}

// FolderExists opens the ledger in a folder for a command that writes nothing;
// without a database it returns nil and no error.
func FolderExists(ctx context.Context, dir string) (*Store, error) {
	path := filepath.Join(dir, File)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	s, err := openFile(ctx, dir)
	if err != nil && damaged(err) {
		return nil, nil // the next command that writes sets it aside and says so
	}
	if err != nil && ctx.Err() == nil { // a folder of others, a file system that is read-only or full
		if frozen, frozenErr := openFrozen(ctx, dir); frozenErr == nil {
			return frozen, nil
		}
	}
	return s, err
}

// openFile opens the database. Of several that begin one at the same time SQLite turns some
// away at once, whatever its busy_timeout says: changing the journal's mode waits for nobody.
func openFile(ctx context.Context, dir string) (*Store, error) {
	for begin := time.Now(); ; {
		s, err := openOnce(ctx, dir)
		if !busy(err) || time.Since(begin) > busyTime {
			return s, err
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(err, ctx.Err())
		case <-time.After(lockPause):
		}
	}
}

const (
	busyTime   = 5 * time.Second
	sqliteBusy = 5 // SQLITE_BUSY, whatever its extension
)

func busy(err error) bool {
	var refused *driver.Error
	return errors.As(err, &refused) && refused.Code()&0xff == sqliteBusy
}

func openOnce(ctx context.Context, dir string) (*Store, error) {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, File)+"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	s := &Store{db: db, backend: sqlite{dir}}
	if err := s.check(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if err := s.migrate(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

// check finds a database that is damaged.
func (s *Store) check(ctx context.Context) error {
	var found string
	if err := s.db.QueryRowContext(ctx, `PRAGMA quick_check(1)`).Scan(&found); err != nil {
		return err
	}
	if found != "ok" {
		return fmt.Errorf("database disk image is malformed: %s", found)
	}
	return nil
}

// openFrozen opens a database in a folder in which nothing can be written, where
// SQLite cannot keep its side files.
func openFrozen(ctx context.Context, dir string) (*Store, error) {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, File)+"?mode=ro&immutable=1")
	if err != nil {
		return nil, err
	}
	var version int
	if err := db.QueryRowContext(ctx, `SELECT MAX(version) FROM schema_version`).Scan(&version); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if version != len(migrations) {
		err := fmt.Errorf("the ledger has schema version %d, this recon needs %d, and it cannot be migrated in a read-only folder", version, len(migrations))
		return nil, errors.Join(err, db.Close())
	}
	return &Store{db: db, backend: sqlite{dir}}, nil
}

func damaged(err error) bool {
	s := err.Error()
	return strings.Contains(s, "not a database") || strings.Contains(s, "malformed") || errors.Is(err, errForeign)
}

// makeFolder makes .recon and keeps it out of version control.
func makeFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make recon's folder: %w", err)
	}
	ignore := filepath.Join(dir, ".gitignore")
	if _, err := os.Stat(ignore); errors.Is(err, os.ErrNotExist) {
		return os.WriteFile(ignore, []byte("*\n"), 0o644)
	}
	return nil
}

func (sqlite) schema(migration string) string {
	return strings.ReplaceAll(migration, "{id}", "INTEGER PRIMARY KEY")
}

func (sqlite) reading() *sql.TxOptions { return &sql.TxOptions{ReadOnly: true} }

func (sqlite) lost(error) bool { return false }

func (sqlite) version(ctx context.Context, tx *sql.Tx) (int, error) {
	if _, err := tx.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)`); err != nil {
		return 0, err
	}
	var version sql.NullInt64
	if err := tx.QueryRowContext(ctx, `SELECT MAX(version) FROM schema_version`).Scan(&version); err != nil {
		return 0, fmt.Errorf("%w: %w", errForeign, err)
	}
	return int(version.Int64), nil
}

func (sqlite) clock() string { return `unixepoch()` }

// end does nothing: the kernel frees the lock of a process that has ended.
func (sqlite) end(context.Context, *Store, int64) error { return nil }

const (
	lockFile   = "lock"
	holderFile = "lock.json"
	lockWait   = 300 * time.Millisecond // somebody who only looks holds it for a moment
	lockPause  = 20 * time.Millisecond
)

// lock takes the kernel's lock on a file: when its holder dies it is free at once,
// and there is nothing to break.
func (b sqlite) lock(ctx context.Context, s *Store, h reconcile.Holder) (hold, error) {
	l := flock.New(filepath.Join(b.dir, lockFile))
	ctx, cancel := context.WithTimeout(ctx, max(h.Wait, lockWait))
	defer cancel()
	ok, err := l.TryLockContext(ctx, lockPause)
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return nil, fmt.Errorf("take the project's lock: %w", err)
	}
	if !ok {
		locked := &reconcile.LockedError{}
		if other, err := b.holder(ctx, s); err == nil && other != nil {
			locked.Holder = *other
		}
		return nil, locked
	}
	if err := os.WriteFile(filepath.Join(b.dir, holderFile), []byte(body(h)), 0o644); err != nil {
		return nil, errors.Join(fmt.Errorf("note who holds the lock: %w", err), l.Unlock())
	}
	return fileHold{l, b.dir}, nil
}

// holder looks whether the lock can be had, and who has noted that it holds it.
func (b sqlite) holder(context.Context, *Store) (*reconcile.Holder, error) {
	path := filepath.Join(b.dir, lockFile)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	l := flock.New(path, flock.SetFlag(os.O_RDONLY))
	ok, err := l.TryRLock()
	if err != nil {
		return nil, err
	}
	if ok {
		return nil, l.Unlock()
	}
	anybody := &reconcile.Holder{Command: "another recon"}
	noted, err := localfile.Read(filepath.Join(b.dir, holderFile), localfile.Small)
	if err != nil {
		return anybody, nil
	}
	var h reconcile.Holder
	if err := json.Unmarshal(noted, &h); err != nil {
		return anybody, nil
	}
	return &h, nil
}

// A fileHold cannot be lost while its process lives.
type fileHold struct {
	lock *flock.Flock
	dir  string
}

func (fileHold) keep(context.Context, int64) error { return nil }

func (fileHold) session() int { return 0 }

func (f fileHold) release() {
	os.Remove(filepath.Join(f.dir, holderFile))
	f.lock.Unlock()
}
