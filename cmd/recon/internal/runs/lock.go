package runs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"recon/cmd/recon/internal/home"
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
func Lock(h *home.Home) (release func(), err error) {
	if err := makeStateDir(h); err != nil {
		return nil, err
	}
	l := flock.New(filepath.Join(h.StatePath(), lockFile))
	ctx, cancel := context.WithTimeout(context.Background(), max(h.LockWait, 300*time.Millisecond))
	defer cancel()
	// Somebody who only looks holds it for a moment.
	ok, err := l.TryLockContext(ctx, 20*time.Millisecond)
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return nil, fmt.Errorf("take the project's lock: %w", err)
	}
	if !ok {
		holder, _ := LockHolder(h)
		who := "another recon"
		if holder != nil && holder.PID != 0 {
			who = fmt.Sprintf("%s (pid %d on %s, since %s)", holder.Command, holder.PID, holder.Host, holder.Since.Local().Format("15:04:05"))
		}
		return nil, home.Refuse("wait until it has ended, or have --lock-timeout 5m wait; a dead holder's lock is free at once", "the project is locked by %s", who)
	}
	host, _ := os.Hostname()
	body, err := json.Marshal(Holder{PID: os.Getpid(), Host: host, Command: h.Command, Since: h.Now().UTC()})
	if err == nil {
		err = os.WriteFile(filepath.Join(h.StatePath(), holderFile), body, 0o644)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("note who holds the lock: %w", err), l.Unlock())
	}
	return func() {
		os.Remove(filepath.Join(h.StatePath(), holderFile))
		l.Unlock()
	}, nil
}

// LockHolder returns who holds the lock, nil when nobody does.
func LockHolder(h *home.Home) (*Holder, error) {
	path := filepath.Join(h.StatePath(), lockFile)
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
	body, err := os.ReadFile(filepath.Join(h.StatePath(), holderFile))
	if err != nil {
		return &Holder{Command: "another recon"}, nil
	}
	var holder Holder
	if err := json.Unmarshal(body, &holder); err != nil {
		return &Holder{Command: "another recon"}, nil
	}
	return &holder, nil
}

// makeStateDir makes .recon and keeps it out of version control.
func makeStateDir(h *home.Home) error {
	if err := os.MkdirAll(h.StatePath(), 0o755); err != nil {
		return fmt.Errorf("make recon's folder: %w", err)
	}
	ignore := filepath.Join(h.StatePath(), ".gitignore")
	if _, err := os.Stat(ignore); errors.Is(err, os.ErrNotExist) {
		return os.WriteFile(ignore, []byte("*\n"), 0o644)
	}
	return nil
}
