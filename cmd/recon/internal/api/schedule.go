package api

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"recon/reconcile"
	"recon/reconcile/ledger"
)

// Dealt returns, by schedule, the last time that was due and was dealt with.
func Dealt(ctx context.Context, h *Home) (map[string]time.Time, error) {
	l, err := h.Ledger(ctx)
	if err != nil || l == nil {
		return map[string]time.Time{}, err
	}
	defer l.Close()
	return l.Dealt(ctx)
}

// dealTime bounds the writing of a bookmark.
const dealTime = 5 * time.Second

// Deal remembers that a schedule was dealt with up to a time, so that a daemon which is
// started anew neither forgets a run nor makes it twice; and with begun that its run is made.
// Whoever waits for it decides what runs, so it takes a moment or fails.
func Deal(ctx context.Context, h *Home, schedule string, at time.Time, begun bool) error {
	return bookmark(ctx, h, func(ctx context.Context, l *ledger.Store) error { return l.Deal(ctx, schedule, at, begun, h.Epoch()) })
}

// Ended remembers that the run of a schedule has ended.
func Ended(ctx context.Context, h *Home, schedule string) error {
	return bookmark(ctx, h, func(ctx context.Context, l *ledger.Store) error { return l.Ended(ctx, schedule, h.Epoch()) })
}

// LeadLost reports an error of a daemon that works no more, since another does.
func LeadLost(err error) bool { return errors.Is(err, reconcile.ErrLockLost) }

func bookmark(ctx context.Context, h *Home, do func(context.Context, *ledger.Store) error) error {
	ctx, cancel := context.WithTimeout(ctx, dealTime)
	defer cancel()
	l, err := h.WritableLedger(ctx)
	if err != nil {
		return err
	}
	defer l.Close()
	return do(ctx, l)
}

// Unended returns the schedules whose run was begun by a daemon that did not see its end.
func Unended(ctx context.Context, h *Home) ([]string, error) {
	l, err := h.Ledger(ctx)
	if err != nil || l == nil {
		return nil, err
	}
	defer l.Close()
	begun, err := l.Begun(ctx)
	return slices.Sorted(maps.Keys(begun)), err
}
