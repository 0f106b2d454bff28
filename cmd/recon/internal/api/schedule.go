package api

import (
	"context"
	"time"
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

// Deal remembers that a schedule was dealt with up to a time, so that a daemon which is
// started anew neither forgets a run nor makes it twice.
func Deal(ctx context.Context, h *Home, schedule string, at time.Time) error {
	l, err := h.WritableLedger(ctx)
	if err != nil {
		return err
	}
	defer l.Close()
	return l.Deal(ctx, schedule, at)
}
