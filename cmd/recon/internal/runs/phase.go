package runs

import (
	"context"
	"errors"
	"os"

	"recon/cmd/recon/internal/home"
	"recon/reconcile"
	"recon/reconcile/ledger"
)

// A phase is a write phase: it holds the project's lock, and is noted as a run.
type phase struct {
	reconcile.Run
	ledger *ledger.Store
	before int64 // the run before it
}

// writing runs a function as the write phase of a run of that kind. What has begun
// is noted to its end, whatever ends the command.
func writing(ctx context.Context, h *home.Home, kind string, do func(*phase) (exit int, err error)) error {
	l, err := h.WritableLedger(ctx)
	if err != nil {
		return err
	}
	defer l.Close()
	host, _ := os.Hostname()
	run, before, err := l.Write(ctx, kind, reconcile.Holder{PID: os.Getpid(), Host: host, Command: h.Command, Since: h.Now().UTC(), Wait: h.LockWait, Lead: h.Epoch()})
	var locked *reconcile.LockedError
	if errors.As(err, &locked) {
		return home.Refuse("wait until it has ended, or have --lock-timeout 5m wait; a dead holder's lock is free at once", "%w", locked)
	}
	if err != nil {
		return err
	}
	exit, err := do(&phase{run, l, before})
	if endErr := run.Close(context.WithoutCancel(ctx), exit); err == nil {
		err = endErr
	}
	if errors.Is(err, reconcile.ErrLockLost) {
		err = &home.Failure{Code: home.ExitError, Err: err, Hint: "recon history and recon plan say how things are; run the command again"}
	}
	return err
}

// Locked runs a function that writes files of the project, and nothing else, under
// the project's lock.
func Locked(ctx context.Context, h *home.Home, kind string, do func() error) error {
	return writing(ctx, h, kind, func(*phase) (int, error) {
		err := do()
		return home.WorstOf(err), err
	})
}

// catchUp reads the memory again when another run has written since it was read.
func (ph *phase) catchUp(ctx context.Context, w *home.World) error {
	if w.Memory.Whole(ph.before) {
		return nil
	}
	return w.Reread(ctx, ph.ledger)
}

// LockHolder returns who holds the project's lock, nil when nobody does.
func LockHolder(ctx context.Context, h *home.Home) (*reconcile.Holder, error) {
	l, err := h.Ledger(ctx)
	if err != nil || l == nil {
		return nil, err
	}
	defer l.Close()
	return l.Holder(ctx)
}
