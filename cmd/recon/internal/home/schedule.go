package home

import (
	"fmt"
	"hash/fnv"
	"io/fs"

	"recon/manifests"
)

// Reload reads the manifests anew for a daemon: manifests with mistakes, or
// without any schedule, are refused and the last good ones stay in force.
func (h *Home) Reload() error {
	last := h.Project()
	if err := h.Load(); err != nil {
		return err
	}
	if len(h.Project().Schedules) == 0 {
		h.project.Store(last)
		return errNoSchedule
	}
	return nil
}

// Loaded is the fingerprint of the manifests that are in force. One of the folder that is
// another says that they have changed since, also while they were being read.
func (h *Home) Loaded() uint64 { return h.loaded.Load() }

// Fingerprint changes when a manifest does: its name, its size or the time of its
// last change.
func (h *Home) Fingerprint() uint64 {
	names, err := manifests.Files(h.Files())
	sum := fnv.New64a()
	if err != nil {
		fmt.Fprint(sum, err)
	}
	for _, name := range names {
		info, err := fs.Stat(h.Files(), name)
		if err != nil {
			fmt.Fprint(sum, name, err)
			continue
		}
		fmt.Fprint(sum, name, info.Size(), info.ModTime().UnixNano())
	}
	return sum.Sum64()
}
