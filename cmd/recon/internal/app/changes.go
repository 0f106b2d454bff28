package app

import (
	"errors"
	"fmt"
	"time"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"

	"recon/inventory"
	"recon/reconcile/ledger"
)

// Changes is what happened in the home since a time.
type Changes struct {
	Since   time.Time // zero: since the beginning
	Looked  time.Time // when a run last looked at the home; zero when none did
	Events  []inventory.Event
	Unknown []ledger.Source // what cannot be observed now
}

// LastTold asks for the changes that nobody was told yet.
const LastTold = "last"

// ChangesSince reads from the ledger what has happened since "last", a time, or
// the commit of a Git revision. What was asked for with "last" counts as told.
func (s *Session) ChangesSince(since string) (*Changes, error) {
	c := &Changes{}
	l, err := ledger.OpenExisting(s.StatePath())
	if err != nil {
		return nil, err
	}
	if l == nil {
		_, err := s.sinceTime(nil, since)
		return c, err
	}
	defer l.Close()
	if c.Since, err = s.sinceTime(l, since); err != nil {
		return nil, err
	}
	if c.Events, err = l.Events(c.Since, inventory.Address{}); err != nil {
		return nil, err
	}
	if c.Looked, err = l.LastRun(); err != nil {
		return nil, err
	}
	if c.Unknown, err = l.Sources(); err != nil {
		return nil, err
	}
	if since == LastTold && len(c.Events) > 0 {
		// The ledger counts in whole seconds, so the next one is the first not told.
		return c, l.SetChangesTold(c.Events[len(c.Events)-1].At.Add(time.Second))
	}
	return c, nil
}

// sinceTime reads what --since says.
func (s *Session) sinceTime(l *ledger.Ledger, since string) (time.Time, error) {
	if since == LastTold {
		if l == nil {
			return time.Time{}, nil
		}
		return l.ChangesTold()
	}
	if age, err := time.ParseDuration(since); err == nil && age > 0 {
		return s.Now().Add(-age), nil
	}
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04", time.DateTime, "2006-01-02 15:04", time.DateOnly} {
		if at, err := time.ParseInLocation(form, since, time.Local); err == nil {
			return at, nil
		}
	}
	at, err := s.commitTime(since)
	if err != nil {
		return time.Time{}, &Failure{Code: ExitError, Err: fmt.Errorf("--since %s: %w", since, err), Hint: "write last, a time (2026-11-24, 2026-11-24T18:00, 36h) or a Git revision"}
	}
	return at, nil
}

func (s *Session) commitTime(rev string) (time.Time, error) {
	repo, err := git.PlainOpenWithOptions(s.Root, &git.PlainOpenOptions{DetectDotGit: true, EnableDotGitCommonDir: true})
	if errors.Is(err, git.ErrRepositoryNotExists) {
		return time.Time{}, errors.New("it is neither a time nor, without a Git repository, a revision")
	}
	if err != nil {
		return time.Time{}, err
	}
	hash, err := repo.ResolveRevision(plumbing.Revision(rev))
	if err != nil {
		return time.Time{}, errors.New("it is neither a time nor a Git revision")
	}
	commit, err := repo.CommitObject(*hash)
	if err != nil {
		return time.Time{}, err
	}
	return commit.Committer.When, nil
}
