package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"recon/inventory"
	"recon/reconcile/ledger/pgtest"
)

// version2 is what the recon that wrote testdata/version2.db read in it.
type version2 struct {
	Applied map[string]struct {
		Attrs map[inventory.Path]inventory.Value `json:"attrs"`
	} `json:"applied"`
	Sightings map[string]struct {
		Address string                             `json:"address"`
		At      time.Time                          `json:"at"`
		Attrs   map[inventory.Path]inventory.Value `json:"attrs"`
		Digest  string                             `json:"digest"`
		Status  string                             `json:"status"`
	} `json:"sightings"`
	Events []struct {
		At      time.Time
		Summary string
		Fields  []json.RawMessage
	} `json:"events"`
	Episodes map[string]json.RawMessage `json:"episodes"`
	Sources  []json.RawMessage          `json:"sources"`
	InFlight []struct{ ID int64 }       `json:"in_flight"`
	Managed  int                        `json:"managed"`
	LastRun  int64                      `json:"last_run"`
}

// TestVersion2 reads a ledger of schema version 2: a home with drift, applies, a lost
// node and a run that was killed. Nothing of it is told again.
func TestVersion2(t *testing.T) {
	text, err := os.ReadFile("testdata/version2.json")
	if err != nil {
		t.Fatal(err)
	}
	var want version2
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	db, err := os.ReadFile("testdata/version2.db")
	if err != nil {
		t.Fatal(err)
	}
	t.Run("sqlite", func(t *testing.T) {
		p := place{url: t.TempDir()}
		if err := os.WriteFile(filepath.Join(p.url, File), db, 0o644); err != nil {
			t.Fatal(err)
		}
		want.check(t, p.open(t))
	})
	t.Run("postgres", func(t *testing.T) {
		pg := pgtest.Start(t)
		p := place{url: pg.Database(t), pg: pg}
		fillVersion2(t, p)
		if _, err := p.existing(t); err == nil || !strings.Contains(err.Error(), "migrates it") {
			t.Errorf("a reader finds older tables: %v", err)
		}
		want.check(t, p.open(t))
	})
}

// fillVersion2 puts the rows of the file into tables of that version.
func fillVersion2(t *testing.T, p place) {
	t.Helper()
	from, err := sql.Open("sqlite", "file:testdata/version2.db?mode=ro&immutable=1")
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	to := pgtest.Open(t, p.url)
	defer to.Close()
	schema := postgres{}.schema(strings.Join(migrations[:2], "\n")) + `CREATE TABLE schema_version (version INTEGER NOT NULL); INSERT INTO schema_version VALUES (2)`
	if _, err := to.Exec(schema); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"applied", "observed", "sources", "episodes", "events", "runs", "journal", "remembered"} {
		rows, err := from.Query("SELECT * FROM " + table)
		if err != nil {
			t.Fatal(err)
		}
		columns, _ := rows.Columns()
		for rows.Next() {
			cells, at := make([]any, len(columns)), make([]any, len(columns))
			for i := range cells {
				at[i] = &cells[i]
			}
			if err := rows.Scan(at...); err != nil {
				t.Fatal(err)
			}
			places := "$1"
			for i := 1; i < len(columns); i++ {
				places += ", $" + string(rune('1'+i))
			}
			if _, err := to.Exec("INSERT INTO "+table+" ("+strings.Join(columns, ", ")+") VALUES ("+places+")", cells...); err != nil {
				t.Fatal(err)
			}
		}
		rows.Close()
	}
}

func (want *version2) check(t *testing.T, s *Store) {
	t.Helper()
	ctx := context.Background()
	got, err := s.Recall(ctx, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	seen, err := s.Seen(ctx)
	if err != nil {
		t.Fatal(err)
	}
	events, err := s.Events(ctx, time.Time{}, inventory.Address{})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Applied) != len(want.Applied) || len(got.Episodes) != len(want.Episodes) || len(got.Sources) != len(want.Sources) ||
		len(got.Clusters) != 1 || got.Managed != want.Managed || got.LastRun != want.LastRun || len(seen.Observations) != len(want.Sightings) {
		t.Errorf("recalled %d applied, %d episodes, %d sources, %d managed, run %d; %d seen",
			len(got.Applied), len(got.Episodes), len(got.Sources), got.Managed, got.LastRun, len(seen.Observations))
	}
	if len(got.InFlight) != 1 || got.InFlight[0].ID != want.InFlight[0].ID || len(got.Untold) != 0 {
		t.Errorf("in flight %v, untold %v", got.InFlight, got.Untold)
	}
	for addr, a := range got.Applied {
		sameValues(t, "applied to "+addr.String(), want.Applied[addr.String()].Attrs, a.Attrs)
	}
	for id, o := range seen.Observations {
		w := want.Sightings[id]
		sameValues(t, "seen of "+id, w.Attrs, o.Resource.Attrs)
		if o.Resource.Addr.String() != w.Address || o.Digest != w.Digest || o.Volatile.Status != w.Status || !o.At.Equal(w.At) {
			t.Errorf("%s came back as %+v", id, o)
		}
	}
	for i := range events {
		if i < len(want.Events) && (events[i].Summary != want.Events[i].Summary || !events[i].At.Equal(want.Events[i].At) || len(events[i].Fields) != len(want.Events[i].Fields)) {
			t.Errorf("event %d is %+v", i, events[i])
		}
	}
	if len(events) != len(want.Events) {
		t.Errorf("%d events", len(events))
	}
}

func sameValues(t *testing.T, what string, want map[inventory.Path]inventory.Value, got inventory.Attrs) {
	t.Helper()
	if len(want) == 0 || len(want) != len(got) {
		t.Errorf("%s: %d values, not %d", what, len(got), len(want))
	}
	for p, v := range want {
		if !got[p].RawEquals(v.Value) {
			t.Errorf("%s: %s is %#v, not %#v", what, p, got[p], v.Value)
		}
	}
}
