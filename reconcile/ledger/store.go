package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"recon/inventory"
	"recon/reconcile"
)

// patience bounds each transaction: a database that does not answer is an error, not
// a command that hangs.
const patience = time.Minute

// A Store is an open ledger.
type Store struct {
	db       *sql.DB
	backend  backend
	conceal  func(string) string // nil: no secrets are known
	SetAside string              // where a damaged database was put, "" when there was none
	watch    func(what string)   // hears of each statement before it; nil: nobody does
}

var _ reconcile.Keeper = (*Store)(nil)

// A backend is what SQLite and PostgreSQL do not have in common.
type backend interface {
	// schema completes a migration: {id} is the type of a key that counts by itself.
	schema(migration string) string
	// version returns which migration the database is at, making a place for the
	// number when there is none. It runs in the transaction that will migrate.
	version(ctx context.Context, tx *sql.Tx) (int, error)
	// reading are the options of a transaction in which every query sees the same.
	reading() *sql.TxOptions
	// lock takes the project's lock; *reconcile.LockedError when somebody holds it.
	lock(ctx context.Context, s *Store, h reconcile.Holder) (hold, error)
	// holder returns who holds the lock, nil when nobody does.
	holder(ctx context.Context, s *Store) (*reconcile.Holder, error)
	// clock is how the database tells the time, in seconds.
	clock() string
	// end takes the project's lock from a daemon that has another epoch than the one that leads.
	end(ctx context.Context, s *Store, lead int64) error
	// lost reports an error after which the connection is gone, and what was asked may
	// or may not have been done.
	lost(err error) bool
}

// A hold is a lock while it is held.
type hold interface {
	// keep makes sure that the lock is still held before something is written. epoch
	// is the one under which it was taken.
	keep(ctx context.Context, epoch int64) error
	// session is the database's own number of the holder, 0 when it has none.
	session() int
	release()
}

// Close closes the database.
func (s *Store) Close() error { return s.db.Close() }

// Conceal has secrets taken out of everything that is written from now on, whoever
// echoes them. It is given text as it is and as it stands inside JSON.
func (s *Store) Conceal(secrets func(string) string) { s.conceal = secrets }

// Holder returns who holds the project's lock, nil when nobody does.
func (s *Store) Holder(ctx context.Context) (*reconcile.Holder, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	h, err := s.backend.holder(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("look at the project's lock: %w", err)
	}
	return h, nil
}

// view runs queries that see one consistent picture.
func (s *Store) view(ctx context.Context, do func(query) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tx, err := s.db.BeginTx(ctx, s.backend.reading())
	if err != nil {
		return fmt.Errorf("read the ledger: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // nothing was written
	if err := do(query{ctx, tx}); err != nil {
		return fmt.Errorf("read the ledger: %w", err)
	}
	return nil
}

// A query reads in a transaction.
type query struct {
	ctx context.Context
	tx  *sql.Tx
}

// each calls scan for every row.
func (q query) each(text string, scan func(*sql.Rows) error, args ...any) error {
	rows, err := q.tx.QueryContext(q.ctx, text, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// one reads a single row into targets, and leaves them alone when there is none.
func (q query) one(text string, targets []any, args ...any) error {
	err := q.tx.QueryRowContext(q.ctx, text, args...).Scan(targets...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return err
}

// A write is a transaction that changes the ledger. Every text that goes into the
// database goes through it.
type write struct {
	ctx     context.Context
	tx      *sql.Tx
	conceal func(string) string
	watch   func(what string)
}

// update runs a function in a transaction.
func (s *Store) update(ctx context.Context, do func(write) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	w := write{ctx, tx, s.conceal, s.watch}
	if err := do(w); err != nil {
		_ = tx.Rollback() // what went wrong is known already
		return err
	}
	w.about("COMMIT")
	return tx.Commit()
}

func (w write) about(what string) {
	if w.watch != nil {
		w.watch(what)
	}
}

// exec runs a statement and returns how many rows it changed.
func (w write) exec(text string, args ...any) (int64, error) {
	w.about(text)
	res, err := w.tx.ExecContext(w.ctx, text, w.safe(args)...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// insert runs a statement that returns the key of what it has written.
func (w write) insert(text string, args ...any) (id int64, err error) {
	w.about(text)
	err = w.tx.QueryRowContext(w.ctx, text+` RETURNING id`, w.safe(args)...).Scan(&id)
	return id, err
}

// rowsAtOnce is how many rows one statement writes: a database far away costs a
// round trip a statement.
const rowsAtOnce = 200

// rows runs a statement whose text holds VALUES %s for many rows.
func (w write) rows(text string, rows [][]any) error {
	for len(rows) > 0 {
		batch := rows[:min(rowsAtOnce, len(rows))]
		rows = rows[len(batch):]
		var places []string
		var args []any
		for _, row := range batch {
			place := make([]string, len(row))
			for i, v := range row {
				args = append(args, v)
				place[i] = fmt.Sprintf("$%d", len(args))
			}
			places = append(places, "("+strings.Join(place, ", ")+")")
		}
		if _, err := w.exec(fmt.Sprintf(text, strings.Join(places, ", ")), args...); err != nil {
			return err
		}
	}
	return nil
}

// safe takes secrets out of texts, and what no database stores as text.
func (w write) safe(args []any) []any {
	for i, a := range args {
		text, ok := a.(string)
		if !ok {
			continue
		}
		text = strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
		if w.conceal != nil {
			text = w.conceal(text)
		}
		args[i] = text
	}
	return args
}

// body is the JSON of a value of which everything can be marshalled.
func body(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // plain values
	}
	return string(b)
}

// address reads an address; the zero one is written as ".".
func address(text string) (inventory.Address, error) {
	if text == (inventory.Address{}).String() {
		return inventory.Address{}, nil
	}
	a, _, err := inventory.ParseAddress(text)
	return a, err
}

func unix(t time.Time) int64 { return t.UTC().Unix() }

func fromUnix(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(n, 0).UTC()
}
