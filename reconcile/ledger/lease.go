package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"recon/reconcile"
)

// LeaseTime is how long a daemon that says nothing any more keeps others from working, by the
// clock of the database.
const LeaseTime = 13 * time.Second

// A Leader is a daemon that works while others wait, as it stands in the ledger.
type Leader struct {
	reconcile.Holder
	Place string `json:"place"` // where its process number means something; "" when that is not known
	Until int64  `json:"until"` // in seconds, by the clock of the database; 0: it has stopped by itself
}

// Lead takes the lease that one of several daemons has, or renews it: epoch is what Lead
// gave before, or 0. When another daemon works it returns that one, and epoch 0. gone says of
// a leader whether it is known to have ended. Whoever takes the lease from one that has not
// said so keeps that one from writing anything more, what it has begun included.
func (s *Store) Lead(ctx context.Context, who Leader, epoch int64, gone func(Leader) bool) (now int64, other *Leader, err error) {
	taken := false
	err = s.update(ctx, func(w write) error {
		now, other, taken = 0, nil, false
		if _, err := w.exec(`INSERT INTO fence (name, epoch, holder) VALUES ('daemon', 0, '{}') ON CONFLICT (name) DO NOTHING`); err != nil {
			return err
		}
		if _, err := w.exec(`UPDATE fence SET epoch = epoch WHERE name = 'daemon'`); err != nil { // nobody else decides meanwhile
			return err
		}
		var held, clock int64
		var noted string
		var last Leader
		if err := w.tx.QueryRowContext(w.ctx, `SELECT epoch, holder, `+s.backend.clock()+` FROM fence WHERE name = 'daemon'`).Scan(&held, &noted, &clock); err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(noted), &last); err != nil {
			return fmt.Errorf("read who leads: %w", err)
		}
		now = held
		if epoch == 0 || epoch != held {
			if last.Until > clock && !gone(last) {
				now, other = 0, &last
				return nil
			}
			now++
			if taken = last.Until > 0; taken {
				if err := w.disown(last.Holder); err != nil {
					return err
				}
			}
		}
		who.Until = clock + int64(LeaseTime.Seconds())
		_, err := w.exec(`UPDATE fence SET epoch = $1, holder = $2 WHERE name = 'daemon'`, now, body(who))
		return err
	})
	if err == nil && taken {
		err = s.backend.end(ctx, s, now)
	}
	if err != nil {
		return 0, nil, fmt.Errorf("take the lead: %w", err)
	}
	return now, other, nil
}

// disown ends what a daemon has begun to write and has not ended: nobody writes under its
// epoch any more.
func (w write) disown(last reconcile.Holder) error {
	var noted string
	if err := w.tx.QueryRowContext(w.ctx, `SELECT holder FROM fence WHERE name = 'project'`).Scan(&noted); err != nil {
		return err
	}
	var holder reconcile.Holder
	if json.Unmarshal([]byte(noted), &holder) != nil || holder.PID != last.PID || holder.Host != last.Host {
		return nil // somebody else's, or nobody's
	}
	_, err := w.exec(`UPDATE fence SET epoch = epoch + 1 WHERE name = 'project'`)
	return err
}

// leads refuses what a daemon does that does not lead any more; 0 is nobody who has to.
func (w write) leads(epoch int64) error {
	if epoch == 0 {
		return nil
	}
	n, err := w.exec(`UPDATE fence SET epoch = epoch WHERE name = 'daemon' AND epoch = $1`, epoch)
	if err == nil && n == 0 {
		err = fmt.Errorf("%w: another daemon works now", reconcile.ErrLockLost)
	}
	return err
}

// Resign gives the lease back.
func (s *Store) Resign(ctx context.Context, epoch int64) error {
	return s.update(ctx, func(w write) error {
		_, err := w.exec(`UPDATE fence SET holder = '{}' WHERE name = 'daemon' AND epoch = $1`, epoch)
		return err
	})
}
