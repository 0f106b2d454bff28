package ledger

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"recon/inventory"
	"recon/reconcile"
)

// Learn writes everything that a run has learnt, in one transaction. The run notes
// that it has learnt, so that a repeated one changes nothing.
func (r *run) Learn(ctx context.Context, l *reconcile.Learned) error {
	return r.write(ctx, func(w write) error {
		n, err := w.exec(`UPDATE runs SET managed = $1, summary = $2 WHERE id = $3 AND managed IS NULL`, l.Managed, l.Summary, r.id)
		if err != nil || n == 0 {
			return err
		}
		for _, part := range []func(*reconcile.Learned) error{w.moved, w.seen, w.domains, w.checks, w.sources, w.episodes, w.applied, w.history, w.proposed, w.ended, w.healings} {
			if err := part(l); err != nil {
				return err
			}
		}
		if err := w.told(l.Told, r.id); err != nil {
			return err
		}
		return w.forget(r.id, l.At)
	})
}

// How long the ledger keeps what only tells how things came to be. What a comparison needs
// is kept as long as it is true.
const (
	keepRuns    = 90 * 24 * time.Hour
	keepHistory = 400 * 24 * time.Hour
	fewRuns     = 1000 // that are kept, however old they are
)

// forget lets go of what is old: runs and the steps that they have told of, the history,
// and drifts that have ended.
func (w write) forget(run int64, now time.Time) error {
	runs, history := unix(now.Add(-keepRuns)), unix(now.Add(-keepHistory))
	for _, old := range []struct {
		text string
		args []any
	}{
		{`DELETE FROM runs WHERE ended_at < $1 AND id < $2`, []any{runs, run - fewRuns}},
		{`DELETE FROM journal WHERE ended_at < $1 AND told IS NOT NULL`, []any{runs}},
		{`DELETE FROM episodes WHERE resolved_at < $1`, []any{history}},
		{`DELETE FROM proposals WHERE ended_at < $1`, []any{history}},
	} {
		if _, err := w.exec(old.text, old.args...); err != nil {
			return err
		}
	}
	return w.shorten(history)
}

// moved gives the memory of an address to another one, unless that has its own.
func (w write) moved(l *reconcile.Learned) error {
	for _, m := range l.Moved {
		for _, statement := range []string{
			`UPDATE applied SET address = $1 WHERE address = $2 AND NOT EXISTS (SELECT 1 FROM applied WHERE address = $3)`,
			`UPDATE episodes SET address = $1 WHERE address = $2 AND resolved_at IS NULL
				AND NOT EXISTS (SELECT 1 FROM episodes WHERE address = $3 AND resolved_at IS NULL)`,
		} {
			if _, err := w.exec(statement, m.To.String(), m.From.String(), m.To.String()); err != nil {
				return err
			}
		}
	}
	return nil
}

// seen remembers what was seen and forgets what is gone.
func (w write) seen(l *reconcile.Learned) error {
	var rows [][]any
	place := map[string]int{}
	for i := range l.Seen {
		o := &l.Seen[i]
		row := []any{o.Resource.Identity, o.Resource.Addr.String(), o.Resource.Provider, unix(o.At), body(observedOf(o))}
		if at, twice := place[o.Resource.Identity]; twice { // one statement cannot write a row twice
			rows[at] = row
			continue
		}
		place[o.Resource.Identity] = len(rows)
		rows = append(rows, row)
	}
	err := w.rows(`INSERT INTO observed (identity, address, provider, at, body) VALUES %s
		ON CONFLICT (identity) DO UPDATE SET address = excluded.address, provider = excluded.provider, at = excluded.at, body = excluded.body`, rows)
	for _, identity := range l.Gone {
		if err == nil {
			_, err = w.exec(`DELETE FROM observed WHERE identity = $1`, identity)
		}
	}
	return err
}

// Names of what is remembered beside the tables.
const (
	clusterPrefix = "cluster "
	factsPrefix   = "facts "
	checkPrefix   = "check "
	changesTold   = "changes told"
)

// domains remembers clusters and hosts as a whole.
func (w write) domains(l *reconcile.Learned) error {
	for provider, c := range l.Clusters {
		if err := w.remember(clusterPrefix+provider, body(c)); err != nil {
			return err
		}
	}
	for provider, facts := range l.Facts {
		if err := w.remember(factsPrefix+provider, string(facts)); err != nil {
			return err
		}
	}
	return nil
}

func (w write) remember(name, body string) error {
	_, err := w.exec(`INSERT INTO remembered (name, body) VALUES ($1, $2)
		ON CONFLICT (name) DO UPDATE SET body = excluded.body WHERE remembered.body <> excluded.body`, name, body)
	return err
}

// checks remembers how checks were answered, in place of what was answered before: one
// that is declared no more is forgotten.
func (w write) checks(l *reconcile.Learned) error {
	if _, err := w.exec(`DELETE FROM remembered WHERE name LIKE $1`, checkPrefix+"%"); err != nil {
		return err
	}
	for addr, c := range l.Checks {
		if err := w.remember(checkPrefix+addr.String(), body(c)); err != nil {
			return err
		}
	}
	return nil
}

// sources remembers what cannot be observed now, in place of what could not before.
func (w write) sources(l *reconcile.Learned) error {
	if _, err := w.exec(`DELETE FROM sources`); err != nil {
		return err
	}
	for _, s := range l.Sources {
		if _, err := w.exec(`INSERT INTO sources (provider, scope, since, error) VALUES ($1, $2, $3, $4)
			ON CONFLICT (provider, scope) DO NOTHING`, s.Provider, s.Scope, unix(s.Since), s.Error); err != nil {
			return err
		}
	}
	return nil
}

type episodeBody struct {
	Fields  []inventory.EventField
	By      string
	Started reconcile.Drifts
}

// episodes opens and changes drift episodes, and ends those that are over.
func (w write) episodes(l *reconcile.Learned) error {
	for _, e := range l.Episodes {
		text := body(episodeBody{e.Fields, e.By, e.Started})
		var err error
		if e.ID == 0 {
			_, err = w.exec(`INSERT INTO episodes (address, identity, fingerprint, opened_at, changed_at, body) VALUES ($1, $2, $3, $4, $5, $6)`,
				e.Address.String(), e.Identity, e.Fingerprint, unix(e.OpenedAt), unix(e.ChangedAt), text)
		} else {
			_, err = w.exec(`UPDATE episodes SET fingerprint = $1, changed_at = $2, body = $3 WHERE id = $4`, e.Fingerprint, unix(e.ChangedAt), text, e.ID)
		}
		if err != nil {
			return err
		}
	}
	for _, id := range l.Resolved {
		if _, err := w.exec(`UPDATE episodes SET resolved_at = $1 WHERE id = $2`, unix(l.At), id); err != nil {
			return err
		}
	}
	return nil
}

// applied remembers values as applied. Those that did not change are not in it.
func (w write) applied(l *reconcile.Learned) error {
	for _, a := range l.Forgot {
		if _, err := w.exec(`DELETE FROM applied WHERE address = $1`, a.String()); err != nil {
			return err
		}
	}
	var rows [][]any
	for _, addr := range slices.SortedFunc(maps.Keys(l.Applied), inventory.CompareAddress) {
		a := l.Applied[addr]
		rows = append(rows, []any{addr.String(), a.Identity, body(a)})
	}
	return w.rows(`INSERT INTO applied (address, identity, body) VALUES %s
		ON CONFLICT (address) DO UPDATE SET identity = excluded.identity, body = excluded.body`, rows)
}

// told notes which steps of the journal the history tells of now: the run's own, and
// those of killed runs that it has found.
func (w write) told(entries []int64, run int64) error {
	for _, id := range entries {
		if _, err := w.exec(`UPDATE journal SET told = $1 WHERE id = $2`, run, id); err != nil {
			return err
		}
	}
	_, err := w.exec(`UPDATE journal SET told = $1 WHERE run = $2 AND ended_at IS NOT NULL AND told IS NULL`, run, run)
	return err
}

// observedBody is what is remembered of an observation beside its columns: all of
// it, so that another process can plan and examine what it did not see.
type observedBody struct {
	Attrs   map[inventory.Path]inventory.Value
	Running map[inventory.Path]inventory.Value `json:",omitempty"`
	Digest  string
	Lock    string             `json:",omitempty"`
	Block   []inventory.Reason `json:",omitempty"`
	inventory.Volatile
}

func observedOf(o *inventory.Observation) observedBody {
	b := observedBody{Attrs: o.Resource.Attrs.Values(), Digest: o.Digest, Lock: o.Lock, Block: o.Block, Volatile: o.Volatile}
	if o.Running != nil {
		b.Running = o.Running.Values()
	}
	return b
}

// observation is what observedOf was made from. It is old: good to compare, no
// ground to act on.
func (b *observedBody) observation(r inventory.Resource, at time.Time) inventory.Observation {
	r.Attrs = inventory.AttrsOf(b.Attrs)
	o := inventory.Observation{State: inventory.Present, Old: true, At: at, Resource: r, Digest: b.Digest, Lock: b.Lock, Block: b.Block, Volatile: b.Volatile}
	if b.Running != nil {
		o.Running = inventory.AttrsOf(b.Running)
	}
	return o
}

// unmarshal reads what body wrote.
func unmarshal(text string, v any) error { return json.Unmarshal([]byte(text), v) }
