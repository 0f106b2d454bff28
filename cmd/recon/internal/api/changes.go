package api

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"

	"recon/inventory"
	"recon/inventory/contextfile"
	"recon/reconcile"
	"recon/reconcile/ledger"
)

// Changes is what happened in the home since a time.
type Changes struct {
	Since   time.Time // zero: since the beginning
	Looked  time.Time // when a run last looked at the home; zero when none did
	Events  []inventory.Event
	Unknown []reconcile.Source // what cannot be observed now

	met map[string]reconcile.Cluster // clusters and hosts that were ever observed
}

// LastTold asks for the changes that nobody was told yet.
const LastTold = "last"

// ChangesSince reads from the ledger what has happened since "last", a time, or
// the commit of a Git revision. What was asked for with "last" counts as told.
func ChangesSince(ctx context.Context, h *Home, since string) (*Changes, error) {
	return changesSince(ctx, h, since, true)
}

// changesSince reads the changes; what was not told yet stays so, unless tell is set.
func changesSince(ctx context.Context, h *Home, since string, tell bool) (*Changes, error) {
	c := &Changes{}
	l, err := h.Ledger(ctx)
	if err != nil {
		return nil, err
	}
	if l == nil {
		if since != LastTold {
			_, err = sinceTime(h, since)
		}
		return c, err
	}
	defer l.Close()
	var untold ledger.Untold
	if since == LastTold {
		untold, err = l.Untold(ctx)
		c.Since, c.Events = untold.Since, untold.Events
	} else if c.Since, err = sinceTime(h, since); err == nil {
		c.Events, err = l.Events(ctx, c.Since, inventory.Address{})
	}
	if err != nil {
		return nil, err
	}
	r, err := l.Recall(ctx, c.Since)
	if err != nil {
		return nil, err
	}
	c.Looked, c.Unknown, c.met = r.Looked, r.Sources, r.Clusters
	if tell && since == LastTold && len(c.Events) > 0 {
		return c, l.SetTold(ctx, untold, r.Looked)
	}
	return c, nil
}

// sinceTime reads what --since says.
func sinceTime(h *Home, since string) (time.Time, error) {
	if age, ok := ageOf(since); ok {
		return h.Now().Add(-age), nil
	}
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04", time.DateTime, "2006-01-02 15:04", time.DateOnly} {
		if at, err := time.ParseInLocation(form, since, time.Local); err == nil {
			return at, nil
		}
	}
	at, err := commitTime(h.Root, since)
	if err != nil {
		return time.Time{}, &Failure{Code: ExitError, Err: fmt.Errorf("--since %s: %w", since, err), Hint: "write last, a time (2026-11-24, 2026-11-24T18:00, 36h, 3d) or a Git revision"}
	}
	return at, nil
}

// ageOf reads an age: 36h, 3d, 2w.
func ageOf(text string) (time.Duration, bool) {
	for unit, length := range map[string]time.Duration{"d": 24 * time.Hour, "w": 7 * 24 * time.Hour} {
		if digits, ok := strings.CutSuffix(text, unit); ok {
			n, err := strconv.Atoi(digits)
			return time.Duration(n) * length, err == nil && n > 0 && n < 10_000
		}
	}
	age, err := time.ParseDuration(text)
	return age, err == nil && age > 0
}

func commitTime(root, rev string) (time.Time, error) {
	repo, err := git.PlainOpenWithOptions(root, &git.PlainOpenOptions{DetectDotGit: true, EnableDotGitCommonDir: true})
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

// JSON is the answer of recon changes.
func (c *Changes) JSON() any {
	return struct {
		FormatVersion string      `json:"format_version"`
		Since         string      `json:"since"`
		ObservedAt    string      `json:"observed_at"`
		Changes       []eventJSON `json:"changes"`
	}{FormatVersion, inventory.Timestamp(c.Since), inventory.Timestamp(c.Looked), eventsJSON(c.Events)}
}

// Lost says, a line each, which sources cannot be observed now.
func (c *Changes) Lost() (out []string) {
	for _, u := range c.Unknown {
		_, met := c.met[u.Provider]
		never := !met && u.Scope == u.Provider && !strings.HasPrefix(u.Provider, "terraform.") // of Terraform nothing is remembered
		out = append(out, contextfile.StaleText(contextfile.Source{Provider: u.Provider, Scope: u.Scope, Since: u.Since, Never: never}))
	}
	return out
}

// History is what happened to a resource, or to everything.
type History struct{ Events []inventory.Event }

// ReadHistory reads the history of a resource; of everything when the name is empty.
// What is gone is still found by its address.
func ReadHistory(ctx context.Context, h *Home, name string) (*History, error) {
	l, err := h.Ledger(ctx)
	if err != nil || l == nil {
		return &History{}, err
	}
	defer l.Close()
	var addr inventory.Address
	if name != "" {
		all := slices.Clone(h.Project().Resources)
		seen, err := l.Seen(ctx)
		if err != nil {
			return nil, err
		}
		for _, s := range seen.Observations {
			all = append(all, s.Resource)
		}
		if addr, _, err = inventory.Find(all, name); err != nil && addr.IsZero() {
			return nil, &Failure{Code: ExitUsage, Err: err}
		}
	}
	events, err := l.Events(ctx, time.Time{}, addr)
	return &History{events}, err
}

// JSON is the answer of recon history.
func (h *History) JSON() any {
	return struct {
		FormatVersion string      `json:"format_version"`
		Events        []eventJSON `json:"events"`
	}{FormatVersion, eventsJSON(h.Events)}
}

type eventJSON struct {
	At      string           `json:"at"`
	Address string           `json:"address"`
	Event   string           `json:"event"`
	Fields  []eventFieldJSON `json:"fields"`
	By      *string          `json:"by"`
	Summary string           `json:"summary"`
	// Of what changed: whether a manifest names the fields.
	Declared *bool `json:"declared,omitempty"`
}

type eventFieldJSON struct {
	Name string `json:"name"`
	From any    `json:"from"`
	To   any    `json:"to"`
}

func eventsJSON(events []inventory.Event) []eventJSON {
	out := []eventJSON{}
	for _, e := range events {
		o := eventJSON{At: inventory.Timestamp(e.At), Event: string(e.Kind), Fields: []eventFieldJSON{}, By: orNull(e.By), Summary: e.Summary}
		if !e.Address.IsZero() {
			o.Address = e.Address.String()
		}
		for _, f := range e.Fields {
			o.Fields = append(o.Fields, eventFieldJSON{string(f.Name), f.From, f.To})
			if e.Kind == inventory.Changed {
				o.Declared = &f.Declared
			}
		}
		out = append(out, o)
	}
	return out
}
