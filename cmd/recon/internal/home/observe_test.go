package home

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"recon/inventory"
	"recon/providers"
)

// TestOneDeadlineASource: a source that hangs is unknown after its time, whether it heeds
// its context or not; one that notices tells what it knows; a fault is an error.
func TestOneDeadlineASource(t *testing.T) {
	some := inventory.Snapshot{Provider: "x"}
	for name, row := range map[string]struct {
		read func(context.Context) (inventory.Snapshot, error)
		took time.Duration
		says string
	}{
		"answers":     {func(context.Context) (inventory.Snapshot, error) { return some, nil }, 0, ""},
		"fails":       {func(context.Context) (inventory.Snapshot, error) { return some, errors.New("refused") }, 0, "refused"},
		"notices":     {func(ctx context.Context) (inventory.Snapshot, error) { <-ctx.Done(); return some, nil }, 30 * time.Second, ""},
		"gives up":    {func(ctx context.Context) (inventory.Snapshot, error) { <-ctx.Done(); return some, ctx.Err() }, 30 * time.Second, "did not answer within 30s"},
		"is deaf":     {func(context.Context) (inventory.Snapshot, error) { time.Sleep(time.Hour); return some, nil }, 31 * time.Second, "did not answer within 30s"},
		"is mistaken": {func(context.Context) (inventory.Snapshot, error) { panic("x") }, 0, providers.ErrFault.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				_, err := within(t.Context(), 30*time.Second, row.read)
				if took := time.Since(begun); took.Round(time.Second) != row.took {
					t.Errorf("it took %s", took)
				}
				time.Sleep(2 * time.Hour) // in which the deaf one ends, too
				if row.says == "" && err != nil || row.says != "" && (err == nil || !strings.Contains(err.Error(), row.says)) {
					t.Errorf("it says %v", err)
				}
			})
		})
	}
}
