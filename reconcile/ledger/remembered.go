package ledger

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"recon/inventory"
)

// A Cluster is what is remembered of a cluster, for the time when it cannot be
// observed.
type Cluster struct {
	Version string
	Nodes   []inventory.Node
}

const (
	clusterPrefix = "cluster "
	changesTold   = "changes told"
)

// Clusters returns what is remembered of the clusters, by provider.
func (l *Ledger) Clusters() (map[string]Cluster, error) {
	out := map[string]Cluster{}
	err := l.each(`SELECT name, body FROM remembered`, func(rows *sql.Rows) error {
		var name, body string
		if err := rows.Scan(&name, &body); err != nil {
			return err
		}
		provider, ok := strings.CutPrefix(name, clusterPrefix)
		if !ok {
			return nil
		}
		var c Cluster
		if err := json.Unmarshal([]byte(body), &c); err != nil {
			return fmt.Errorf("cluster %s: %w", provider, err)
		}
		out[provider] = c
		return nil
	})
	return out, err
}

// SaveCluster remembers a cluster.
func (l *Ledger) SaveCluster(provider string, c Cluster) error {
	body, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return l.remember(clusterPrefix+provider, string(body))
}

func (l *Ledger) remember(name, body string) error {
	_, err := l.db.Exec(`INSERT INTO remembered (name, body) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET body = excluded.body WHERE body <> excluded.body`, name, body)
	return err
}

// ChangesTold returns up to which time somebody was told what has changed, the zero
// time when nobody ever was.
func (l *Ledger) ChangesTold() (time.Time, error) {
	var body string
	err := l.db.QueryRow(`SELECT body FROM remembered WHERE name = $1`, changesTold).Scan(&body)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, err
	}
	return time.Parse(time.RFC3339, body)
}

// SetChangesTold remembers up to which time somebody was told what has changed.
func (l *Ledger) SetChangesTold(at time.Time) error {
	return l.remember(changesTold, at.UTC().Format(time.RFC3339))
}

// LatestEvents returns the last change of each resource, by identity. That
// something is in sync again is no change of its own.
func (l *Ledger) LatestEvents() (map[string]inventory.Event, error) {
	out := map[string]inventory.Event{}
	err := l.each(`SELECT identity, at, changed_by, kind FROM events WHERE id IN (SELECT MAX(id) FROM events WHERE kind IN ($1, $2, $3, $4) GROUP BY identity)`, func(rows *sql.Rows) error {
		var e inventory.Event
		var at int64
		var kind string
		if err := rows.Scan(&e.Identity, &at, &e.By, &kind); err != nil {
			return err
		}
		e.At, e.Kind = fromUnix(at), inventory.EventKind(kind)
		out[e.Identity] = e
		return nil
	}, string(inventory.DriftOpened), string(inventory.DriftChanged), string(inventory.WasApplied), string(inventory.Appeared))
	return out, err
}

// EpisodesSince counts the drift episodes that were opened since a time, by
// address.
func (l *Ledger) EpisodesSince(since time.Time) (map[inventory.Address]int, error) {
	out := map[inventory.Address]int{}
	err := l.each(`SELECT address, COUNT(*) FROM episodes WHERE opened_at >= $1 GROUP BY address`, func(rows *sql.Rows) error {
		var address string
		var n int
		if err := rows.Scan(&address, &n); err != nil {
			return err
		}
		addr, _, err := inventory.ParseAddress(address)
		out[addr] = n
		return err
	}, unix(since))
	return out, err
}

// LastRun returns when a run last looked at the world, the zero time when none
// did.
func (l *Ledger) LastRun() (time.Time, error) {
	var at sql.NullInt64
	err := l.db.QueryRow(`SELECT MAX(started_at) FROM runs WHERE ended_at IS NOT NULL`).Scan(&at)
	return fromUnix(at.Int64), err
}
