package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"recon/inventory"
	"recon/reconcile"
)

// Recall returns what a run compares the world with.
func (s *Store) Recall(ctx context.Context, driftsSince time.Time) (r reconcile.Recollection, err error) {
	err = s.view(ctx, func(q query) error {
		for _, part := range []func(*reconcile.Recollection) error{q.applied, q.episodes, q.sources, q.clusters, q.checks, q.journal, q.runs, q.proposals, q.healings, q.freeze} {
			if err := part(&r); err != nil {
				return err
			}
		}
		r.Drifts, err = q.drifts(driftsSince)
		return err
	})
	return r, err
}

func (q query) applied(r *reconcile.Recollection) error {
	r.Applied = map[inventory.Address]inventory.Applied{}
	return q.each(`SELECT address, identity, body FROM applied`, func(rows *sql.Rows) error {
		var at, identity, text string
		if err := rows.Scan(&at, &identity, &text); err != nil {
			return err
		}
		addr, err := address(at)
		if err != nil {
			return err
		}
		a := inventory.Applied{Identity: identity}
		if err := unmarshal(text, &a); err != nil {
			return fmt.Errorf("last applied values of %s: %w", at, err)
		}
		r.Applied[addr] = a
		return nil
	})
}

func (q query) episodes(r *reconcile.Recollection) error {
	r.Episodes = map[inventory.Address]reconcile.Episode{}
	return q.each(`SELECT id, address, identity, fingerprint, opened_at, changed_at, body FROM episodes WHERE resolved_at IS NULL ORDER BY id`, func(rows *sql.Rows) error {
		var e reconcile.Episode
		var at, text string
		var opened, changed int64
		if err := rows.Scan(&e.ID, &at, &e.Identity, &e.Fingerprint, &opened, &changed, &text); err != nil {
			return err
		}
		b, err := episodeOf(at, text)
		if err != nil {
			return err
		}
		e.Address, err = address(at)
		e.OpenedAt, e.ChangedAt, e.Fields, e.By, e.Started = fromUnix(opened), fromUnix(changed), b.Fields, b.By, b.Started
		r.Episodes[e.Address] = e
		return err
	})
}

// drifts counts how often fields began to drift in episodes to which something happened
// since a time.
func (q query) drifts(since time.Time) (map[inventory.Address]reconcile.Drifts, error) {
	out := map[inventory.Address]reconcile.Drifts{}
	err := q.each(`SELECT address, body FROM episodes WHERE changed_at >= $1`, func(rows *sql.Rows) error {
		var at, text string
		if err := rows.Scan(&at, &text); err != nil {
			return err
		}
		b, err := episodeOf(at, text)
		if err != nil {
			return err
		}
		addr, err := address(at)
		if out[addr] == nil {
			out[addr] = reconcile.Drifts{}
		}
		for p, n := range b.Started {
			out[addr][p] += n
		}
		return err
	}, unix(since))
	return out, err
}

// episodeOf reads the body of an episode. An older ledger did not count; each field
// began to drift once.
func episodeOf(at, text string) (b episodeBody, err error) {
	if err := unmarshal(text, &b); err != nil {
		return b, fmt.Errorf("drift of %s: %w", at, err)
	}
	if b.Started == nil {
		b.Started = reconcile.Drifts{}
		for _, f := range b.Fields {
			b.Started[f.Name] = 1
		}
	}
	return b, nil
}

func (q query) sources(r *reconcile.Recollection) error {
	return q.each(`SELECT provider, scope, since, error FROM sources ORDER BY provider, scope`, func(rows *sql.Rows) error {
		var s reconcile.Source
		var since int64
		err := rows.Scan(&s.Provider, &s.Scope, &since, &s.Error)
		s.Since = fromUnix(since)
		r.Sources = append(r.Sources, s)
		return err
	})
}

func (q query) clusters(r *reconcile.Recollection) error {
	r.Clusters = map[string]reconcile.Cluster{}
	return q.remembered(clusterPrefix, func(provider, text string) error {
		var c reconcile.Cluster
		if err := unmarshal(text, &c); err != nil {
			return fmt.Errorf("cluster %s: %w", provider, err)
		}
		r.Clusters[provider] = c
		return nil
	})
}

func (q query) checks(r *reconcile.Recollection) error {
	r.Checks = map[inventory.Address]reconcile.Checked{}
	return q.remembered(checkPrefix, func(at, text string) error {
		var c reconcile.Checked
		if err := unmarshal(text, &c); err != nil {
			return fmt.Errorf("answer of %s: %w", at, err)
		}
		addr, err := address(at)
		r.Checks[addr] = c
		return err
	})
}

// remembered calls found for everything whose name begins with a prefix, with the
// rest of the name.
func (q query) remembered(prefix string, found func(rest, body string) error) error {
	return q.each(`SELECT name, body FROM remembered WHERE name LIKE $1`, func(rows *sql.Rows) error {
		var name, text string
		if err := rows.Scan(&name, &text); err != nil {
			return err
		}
		return found(strings.TrimPrefix(name, prefix), text)
	}, prefix+"%")
}

// journal returns the steps that killed runs left behind.
func (q query) journal(r *reconcile.Recollection) error {
	return q.each(`SELECT id, COALESCE(run, 0), address, identity, step, begun_at, ended_at IS NULL FROM journal
		WHERE told IS NULL AND (ended_at IS NULL OR outcome = $1) ORDER BY id`, func(rows *sql.Rows) error {
		var e reconcile.Entry
		var at, step string
		var begun int64
		var open bool
		if err := rows.Scan(&e.ID, &e.Run, &at, &e.Identity, &step, &begun, &open); err != nil {
			return err
		}
		if err := unmarshal(step, &e.Step); err != nil {
			return fmt.Errorf("journal entry %d: %w", e.ID, err)
		}
		var err error
		e.Address, err = address(at)
		e.BegunAt = fromUnix(begun)
		if open {
			r.InFlight = append(r.InFlight, e)
		} else {
			r.Untold = append(r.Untold, e)
		}
		return err
	}, string(reconcile.StatusDone))
}

// runs says which run was the last, and what the last one that looked at the world
// has found.
func (q query) runs(r *reconcile.Recollection) error {
	if err := q.one(`SELECT id, ended_at IS NULL FROM runs ORDER BY id DESC LIMIT 1`, []any{&r.LastRun, &r.Going}); err != nil {
		return err
	}
	var looked int64
	err := q.one(`SELECT managed, started_at FROM runs WHERE managed IS NOT NULL ORDER BY id DESC LIMIT 1`, []any{&r.Managed, &looked})
	r.Looked = fromUnix(looked)
	return err
}

// LastRun is the run that was begun last.
func (s *Store) LastRun(ctx context.Context) (last reconcile.LastRun, err error) {
	err = s.view(ctx, func(q query) error {
		var ended int64
		err := q.one(`SELECT id, ended_at IS NULL, COALESCE(ended_at, 0) FROM runs ORDER BY id DESC LIMIT 1`, []any{&last.ID, &last.Going, &ended})
		last.Ended = fromUnix(ended)
		return err
	})
	return last, err
}

// Seen returns everything as it was last seen.
func (s *Store) Seen(ctx context.Context) (seen reconcile.Seen, err error) {
	seen = reconcile.Seen{Observations: map[string]inventory.Observation{}, Facts: map[string]json.RawMessage{}}
	err = s.view(ctx, func(q query) error {
		err := q.each(`SELECT identity, address, provider, at, body FROM observed`, func(rows *sql.Rows) error {
			var r inventory.Resource
			var at, text string
			var when int64
			if err := rows.Scan(&r.Identity, &at, &r.Provider, &when, &text); err != nil {
				return err
			}
			var b observedBody
			if err := unmarshal(text, &b); err != nil {
				return fmt.Errorf("last observation of %s: %w", at, err)
			}
			var err error
			r.Addr, err = address(at)
			seen.Observations[r.Identity] = b.observation(r, fromUnix(when))
			return err
		})
		if err != nil {
			return err
		}
		return q.remembered(factsPrefix, func(provider, text string) error {
			seen.Facts[provider] = json.RawMessage(text)
			return nil
		})
	})
	return seen, err
}
