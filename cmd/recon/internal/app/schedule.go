package app

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"

	"recon/manifests"
)

// A Schedule is one cron entry of the project.
type Schedule = manifests.Schedule

// Schedules returns the project's schedules.
func (s *Session) Schedules() []Schedule { return s.Project.Schedules }

// Reload reads the manifests anew for a daemon: manifests with mistakes, or
// without any schedule, are refused and the last good ones stay in force.
func (s *Session) Reload() error {
	last := s.Project
	if err := s.Load(); err != nil {
		return err
	}
	if len(s.Project.Schedules) == 0 {
		s.Project = last
		return errors.New("the manifests have no schedule any more")
	}
	return nil
}

// Fingerprint changes when a manifest does: its name, its size or the time of its
// last change.
func (s *Session) Fingerprint() uint64 {
	names, err := manifests.Files(s.fsys)
	h := fnv.New64a()
	if err != nil {
		fmt.Fprint(h, err)
	}
	for _, name := range names {
		info, err := fs.Stat(s.fsys, name)
		if err != nil {
			fmt.Fprint(h, name, err)
			continue
		}
		fmt.Fprint(h, name, info.Size(), info.ModTime().UnixNano())
	}
	return h.Sum64()
}
