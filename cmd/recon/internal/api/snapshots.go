package api

import (
	"context"
	"time"

	"recon/cmd/recon/internal/home"
	"recon/cmd/recon/internal/runs"
	"recon/inventory"
)

// A SnapshotList is the snapshots that recon has taken and that are still there.
type SnapshotList struct {
	Snapshots  []runs.Snapshot
	Incomplete bool // not everything could be asked
}

// ListSnapshots asks every guest for snapshots that recon has taken.
func ListSnapshots(ctx context.Context, h *Home) (*SnapshotList, error) {
	w, err := h.Observe(ctx)
	if err != nil {
		return nil, err
	}
	defer w.Close()
	failed := w.AskKept(ctx, true)
	if failed != nil {
		h.Log.Warn("not every guest could be asked", "error", failed)
	}
	return &SnapshotList{runs.Snapshots(w), failed != nil || w.Incomplete()}, nil
}

// A PruneRequest asks to remove snapshots that recon has taken.
type PruneRequest struct {
	Targets []string      // only of these; nil for all
	Age     time.Duration // only those that are older
	Confirm func(*SnapshotList) error
}

// PruneSnapshots removes snapshots that recon has taken. What could not be removed says
// why in the list.
func PruneSnapshots(ctx context.Context, h *Home, r PruneRequest) (*SnapshotList, error) {
	w, err := h.Observe(ctx)
	if err != nil {
		return nil, err
	}
	defer w.Close()
	failed := w.AskKept(ctx, true)
	list := runs.OlderThan(runs.Snapshots(w), h.Now().Add(-r.Age))
	if r.Targets != nil {
		if list, err = named(ctx, w, list, r.Targets); err != nil {
			return nil, err
		}
	}
	out := &SnapshotList{list, failed != nil || w.Incomplete()}
	if len(list) == 0 {
		return out, nil
	}
	if err := r.Confirm(out); err != nil {
		return nil, err
	}
	out.Snapshots, _, err = runs.Prune(ctx, w, list)
	return out, err
}

// named keeps the snapshots of what people name so.
func named(ctx context.Context, w *home.World, list []runs.Snapshot, names []string) (out []runs.Snapshot, err error) {
	for _, name := range names {
		addr, _, err := w.Find(ctx, name)
		if err != nil {
			return nil, err
		}
		for _, s := range list {
			if s.Of.Resource.Addr == addr {
				out = append(out, s)
			}
		}
	}
	return out, nil
}

// Code is the exit code of a list, or of what was removed.
func (l *SnapshotList) Code() int {
	codes := []int{ExitOK}
	for _, s := range l.Snapshots {
		if s.Err != nil {
			codes = append(codes, ExitPartial)
		}
	}
	if l.Incomplete {
		codes = append(codes, ExitIncomplete)
	}
	return Worst(codes...)
}

type snapshotJSON struct {
	Address  string  `json:"address"`
	Identity string  `json:"identity"`
	Name     string  `json:"name"`
	At       string  `json:"at"`
	Before   string  `json:"before"` // the fields that were changed after it
	Error    *string `json:"error"`
}

// JSON is the answer of recon snapshots.
func (l *SnapshotList) JSON() any {
	rows := []snapshotJSON{}
	for _, s := range l.Snapshots {
		row := snapshotJSON{s.Of.Resource.Addr.String(), s.Of.Resource.Identity, s.Name, inventory.Timestamp(s.At), s.Before, nil}
		if s.Err != nil {
			text := s.Err.Error()
			row.Error = &text
		}
		rows = append(rows, row)
	}
	return struct {
		FormatVersion string         `json:"format_version"`
		Complete      bool           `json:"complete"`
		Snapshots     []snapshotJSON `json:"snapshots"`
	}{FormatVersion, !l.Incomplete, rows}
}
