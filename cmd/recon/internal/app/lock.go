package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// A Holder is who holds a project's lock.
type Holder struct {
	PID     int       `json:"pid"`
	Host    string    `json:"host"`
	Command string    `json:"command"`
	Since   time.Time `json:"since"`
}

const (
	lockFile   = "lock"
	holderFile = "lock.json"
)

// Lock takes the project's lock for a write phase. It is the kernel's lock: when
// its holder dies it is free at once, and there is nothing to break.
func (s *Session) Lock() (release func(), err error) {
	if err := s.makeStateDir(); err != nil {
		return nil, err
	}
	l := flock.New(filepath.Join(s.StatePath(), lockFile))
	ok, err := l.TryLock()
	if err != nil {
		return nil, fmt.Errorf("take the project's lock: %w", err)
	}
	if !ok {
		h, _ := s.Holder()
		who := "another recon"
		if h != nil && h.PID != 0 {
			who = fmt.Sprintf("%s (pid %d on %s, since %s)", h.Command, h.PID, h.Host, h.Since.Local().Format("15:04:05"))
		}
		return nil, Refuse("wait until it has ended; a dead holder's lock is free at once", "the project is locked by %s", who)
	}
	host, _ := os.Hostname()
	body, err := json.Marshal(Holder{PID: os.Getpid(), Host: host, Command: s.Command, Since: s.Now().UTC()})
	if err == nil {
		err = os.WriteFile(filepath.Join(s.StatePath(), holderFile), body, 0o644)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("note who holds the lock: %w", err), l.Unlock())
	}
	return func() {
		os.Remove(filepath.Join(s.StatePath(), holderFile))
		l.Unlock()
	}, nil
}

// Holder returns who holds the lock, nil when nobody does.
func (s *Session) Holder() (*Holder, error) {
	path := filepath.Join(s.StatePath(), lockFile)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	l := flock.New(path, flock.SetFlag(os.O_RDONLY))
	ok, err := l.TryRLock()
	if err != nil {
		return nil, fmt.Errorf("look at the project's lock: %w", err)
	}
	if ok {
		return nil, l.Unlock()
	}
	body, err := os.ReadFile(filepath.Join(s.StatePath(), holderFile))
	if err != nil {
		return &Holder{Command: "another recon"}, nil
	}
	var h Holder
	if err := json.Unmarshal(body, &h); err != nil {
		return &Holder{Command: "another recon"}, nil
	}
	return &h, nil
}

// makeStateDir makes .recon and keeps it out of version control.
func (s *Session) makeStateDir() error {
	if err := os.MkdirAll(s.StatePath(), 0o755); err != nil {
		return fmt.Errorf("make recon's folder: %w", err)
	}
	ignore := filepath.Join(s.StatePath(), ".gitignore")
	if _, err := os.Stat(ignore); errors.Is(err, os.ErrNotExist) {
		return os.WriteFile(ignore, []byte("*\n"), 0o644)
	}
	return nil
}
