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

// dealTime bounds the writing of a bookmark.
const dealTime = 5 * time.Second

// Deal remembers that a schedule was dealt with up to a time, so that a daemon which is
// started anew neither forgets a run nor makes it twice.
// Whoever waits for it decides what runs, so it takes a moment or fails.
func Deal(ctx context.Context, h *Home, schedule string, at time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, dealTime)
	defer cancel()
	l, err := h.WritableLedger(ctx)
	if err != nil {
		return err
	}
	defer l.Close()
	return l.Deal(ctx, schedule, at)
}
