package ledger

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"recon/inventory"
	"recon/reconcile"
)

// Write takes the project's lock and begins a run.
func (s *Store) Write(ctx context.Context, kind string, h reconcile.Holder) (reconcile.Run, int64, error) {
	held, err := s.backend.lock(ctx, s, h)
	if err != nil {
		return nil, 0, err
	}
	r := &run{store: s, hold: held}
	var before int64
	err = s.update(ctx, func(w write) error {
		if err := w.leads(h.Lead); err != nil {
			return err
		}
		if err := w.tx.QueryRowContext(w.ctx, `UPDATE fence SET epoch = epoch + 1 WHERE name = 'project' RETURNING epoch`).Scan(&r.epoch); err != nil {
			return err
		}
		h.Epoch, h.Session = r.epoch, held.session()
		if _, err := w.exec(`UPDATE fence SET holder = $1 WHERE name = 'project'`, body(h)); err != nil {
			return err
		}
		if err := w.tx.QueryRowContext(w.ctx, `SELECT COALESCE(MAX(id), 0) FROM runs`).Scan(&before); err != nil {
			return err
		}
		var err error
		r.id, err = w.insert(`INSERT INTO runs (kind, started_at, summary) VALUES ($1, $2, '')`, kind, unix(h.Since))
		return err
	})
	if err != nil {
		held.release()
		return nil, 0, fmt.Errorf("write the ledger: %w", err)
	}
	return r, before, nil
}

// A run is one write phase.
type run struct {
	store *Store
	mu    sync.Mutex // of hold: steps are begun and ended in parallel
	hold  hold
	epoch int64
	id    int64
}

// fence refuses to write when somebody else has taken the lock since. It keeps
// everybody from taking it until the transaction ends.
func (w write) fence(epoch int64) error {
	n, err := w.exec(`UPDATE fence SET epoch = epoch WHERE name = 'project' AND epoch = $1`, epoch)
	if err == nil && n == 0 {
		err = fmt.Errorf("%w: another recon has taken it over", reconcile.ErrLockLost)
	}
	return err
}

// How often a write is repeated when the connection is lost, and how long it waits
// before; the pauses double.
const (
	repeats    = 6
	firstPause = 100 * time.Millisecond
)

// write runs a function in a fenced transaction. When the connection is lost it is
// repeated, since doing it twice must be the same as doing it once.
func (r *run) write(ctx context.Context, do func(write) error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	pause := firstPause
	for i := 0; ; i++ {
		err := r.hold.keep(ctx, r.epoch)
		if err == nil {
			err = r.store.update(ctx, func(w write) error {
				if err := w.fence(r.epoch); err != nil {
					return err
				}
				return do(w)
			})
		}
		if err == nil {
			return nil
		}
		if i == repeats || !r.store.backend.lost(err) {
			return fmt.Errorf("write the ledger: %w", err)
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-time.After(pause):
			pause *= 2
		}
	}
}

// Begin writes down that a step is about to be done, before it is.
func (r *run) Begin(ctx context.Context, addr inventory.Address, identity string, s inventory.Step) (id int64, err error) {
	sent := false
	err = r.write(ctx, func(w write) error {
		if sent {
			return errUnsure
		}
		sent = true
		id, err = w.insert(`INSERT INTO journal (address, identity, step, begun_at, outcome, run) VALUES ($1, $2, $3, $4, '', $5)`,
			addr.String(), identity, body(s), unix(time.Now()), r.id)
		return err
	})
	return id, err
}

// errUnsure ends an attempt to begin a step of which nobody knows whether it stands
// in the journal already. It is not done, and the next run says so.
var errUnsure = errors.New("the connection was lost while the step was being noted")

// End writes down how a step ended.
func (r *run) End(ctx context.Context, id int64, outcome string) error {
	return r.write(ctx, func(w write) error {
		_, err := w.exec(`UPDATE journal SET ended_at = $1, outcome = $2 WHERE id = $3`, unix(time.Now()), outcome, id)
		return err
	})
}

// Close notes how the run ended and frees the lock.
func (r *run) Close(ctx context.Context, exit int) error {
	defer r.hold.release()
	return r.write(ctx, func(w write) error {
		_, err := w.exec(`UPDATE runs SET ended_at = $1, exit_code = $2 WHERE id = $3`, unix(time.Now()), exit, r.id)
		return err
	})
}
