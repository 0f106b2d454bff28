package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"

	"recon/inventory"
	"recon/reconcile"
	"recon/reconcile/ledger/pgtest"
)

var (
	media  = inventory.Address{Kind: "vm", Name: "media"}
	gitlab = inventory.Address{Kind: inventory.KindCheck, Name: "gitlab"}
	noon   = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	me     = reconcile.Holder{PID: 1, Host: "here", Command: "recon test", Since: noon}
)

// A place is where a ledger is kept. Every test of what a ledger does runs on each.
type place struct {
	url string // a folder, or a PostgreSQL database
	pg  *pgtest.Server
}

func (p place) open(t testing.TB) *Store {
	t.Helper()
	s, err := openPlace(p.url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func openPlace(url string) (*Store, error) {
	if strings.Contains(url, "://") {
		return OpenServer(context.Background(), url)
	}
	return OpenFolder(context.Background(), url)
}

func (p place) existing(t testing.TB) (*Store, error) {
	if p.pg != nil {
		return ServerExists(context.Background(), p.url)
	}
	return FolderExists(context.Background(), p.url)
}

// cut ends every connection to a PostgreSQL database.
func (p place) cut(t testing.TB) {
	t.Helper()
	p.pg.Exec(t, p.url, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
}

// steal takes the lock away from whoever has it, without asking.
func (p place) steal(t testing.TB) {
	t.Helper()
	if p.pg != nil {
		p.cut(t)
		return
	}
	if err := os.Remove(filepath.Join(p.url, lockFile)); err != nil {
		t.Fatal(err)
	}
}

// TestLedger is what a ledger promises, wherever it is kept.
func TestLedger(t *testing.T) {
	suite := map[string]func(*testing.T, place){
		"EverythingComesBack":     testEverythingComesBack,
		"KilledAtEachStatement":   testKilledAtEachStatement,
		"ForgettingAndMoving":     testForgettingAndMoving,
		"ManyRowsAtOnce":          testManyRowsAtOnce,
		"EverythingIsToldOnce":    testEverythingIsToldOnce,
		"News":                    testNews,
		"Journal":                 testJournal,
		"LearnedOnce":             testLearnedOnce,
		"Lock":                    testLock,
		"Fence":                   testFence,
		"NoSecretIsStored":        testNoSecretIsStored,
		"TextThatNoDatabaseTakes": testTextThatNoDatabaseTakes,
		"NewerLedgerIsRefused":    testNewerLedgerIsRefused,
		"ManyBeginOne":            testManyBeginOne,
		"OldIsLetGo":              testOldIsLetGo,
		"Chain":                   testChain,
		"Proposals":               testProposals,
		"Freeze":                  testFreeze,
		"Lead":                    testLead,
	}
	t.Run("sqlite", func(t *testing.T) {
		for name, test := range suite {
			t.Run(name, func(t *testing.T) { test(t, place{url: t.TempDir()}) })
		}
	})
	t.Run("postgres", func(t *testing.T) {
		pg := pgtest.Start(t)
		suite["ConnectionIsCut"] = testConnectionIsCut
		for name, test := range suite {
			t.Run(name, func(t *testing.T) { test(t, place{url: pg.Database(t), pg: pg}) })
		}
	})
}

func begin(t testing.TB, s *Store) reconcile.Run {
	t.Helper()
	r, _, err := s.Write(context.Background(), "test", me)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// learns is a whole run that learns one thing.
func learns(t testing.TB, s *Store, l reconcile.Learned) {
	t.Helper()
	r := begin(t, s)
	if err := r.Learn(context.Background(), &l); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(context.Background(), 0); err != nil {
		t.Fatal(err)
	}
}

func recall(t testing.TB, s *Store) reconcile.Recollection {
	t.Helper()
	r, err := s.Recall(context.Background(), noon.Add(-time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

var values = cmp.Comparer(func(a, b cty.Value) bool { return a.RawEquals(b) })

// wholeObservation says something in every field of an observation. A new field
// that it says nothing about is found by testEverythingComesBack.
func wholeObservation() inventory.Observation {
	return inventory.Observation{
		State: inventory.Present, Old: true, At: noon, Digest: "abc", Lock: "backup", Block: []inventory.Reason{{Code: "protected", Detail: "by its flag"}},
		Resource: inventory.Resource{Addr: media, Identity: "home/111", Provider: "proxmox.home", Attrs: inventory.Attrs{
			"memory": inventory.Size(8 << 30), "tags": inventory.StringSet("b", "a"), "onboot": cty.True, "nameservers": inventory.StringList("1.1.1.1"),
		}},
		Running: inventory.Attrs{"memory": inventory.Size(4 << 30)},
		Volatile: inventory.Volatile{
			Status: "running", Template: true, HA: "started", Node: "node01", Since: noon, Addresses: []string{"192.0.2.1"}, AddressesAt: noon, Pending: []string{"memory"}, MaskedSet: []inventory.Path{"cloud_init.password"},
			Volumes: []string{"local:vm-111-disk-0"}, Raw: map[string]string{"net0": "virtio=AA,bridge=vmbr0"},
			Kept:    []inventory.Kept{{Name: "recon-1", Before: "memory", At: noon}},
			Changed: inventory.Attribution{User: "lena@pve", What: "qmconfig", At: noon},
		},
	}
}

// everything is a run that learnt something of each sort.
func everything() reconcile.Learned {
	return reconcile.Learned{
		Managed: 3, Summary: "3 managed", At: noon,
		Seen:     []inventory.Observation{wholeObservation()},
		Facts:    map[string]json.RawMessage{"docker.media": json.RawMessage(`{"Name":"media"}`)},
		Clusters: map[string]reconcile.Cluster{"proxmox.home": {Version: "9.2", Nodes: []inventory.Node{{Name: "node01", Online: true}}, NoQuorum: true, Findings: []inventory.Finding{{Rule: "r"}}}},
		Checks:   map[inventory.Address]reconcile.Checked{gitlab: {Of: "sha256:x", Outcome: inventory.Outcome{Check: gitlab, Kind: "gitlab", Standing: inventory.CheckFails, Layer: inventory.LayerRole, Severity: "error", Said: "s", Evidence: []inventory.Proof{{Layer: inventory.LayerReach, Said: "r"}}, Fix: []string{"f"}, At: noon, Since: noon}}},
		Sources:  []reconcile.Source{{Provider: "proxmox.home", Scope: "node03", Since: noon, Error: "offline"}},
		Episodes: []reconcile.Episode{{Address: media, Identity: "home/111", Fingerprint: "f", OpenedAt: noon, ChangedAt: noon, By: "lena@pve", Fields: []inventory.EventField{{Name: "memory", FromText: "8 GiB", ToText: "4 GiB"}}, Started: reconcile.Drifts{"memory": 1}}},
		Applied:  map[inventory.Address]inventory.Applied{media: {Identity: "home/111", Attrs: inventory.Attrs{"memory": inventory.Size(8 << 30), "tags": inventory.StringSet("a")}, Bases: inventory.Attrs{"cores": cty.NumberIntVal(2)}}},
		Events: []inventory.Event{
			{At: noon, Address: inventory.Address{Kind: "vm", Name: "node", Key: "a"}, Identity: "home/131", Kind: inventory.DriftOpened, By: "root@pam", Summary: "s", Fields: []inventory.EventField{{Name: "memory", ToText: "4 GiB"}}},
			{At: noon.Add(time.Hour), Identity: "node03", Kind: inventory.SourceLost, Summary: "lost", Fields: []inventory.EventField{}},
		},
		Proposed: []reconcile.Proposal{{ID: "ab", Why: "w", Opened: noon, Expires: noon.Add(time.Hour), State: reconcile.ProposalOpen, Plan: reconcile.SavedPlan{Managed: 1}}},
		Healings: map[inventory.Address]reconcile.Healing{media: {At: []time.Time{noon}, Rounds: reconcile.Drifts{"memory": 1}}},
	}
}

// testEverythingIsToldOnce: what is written down after somebody was told is told the next
// time, also when it happened in the same second, or before.
func testEverythingIsToldOnce(t *testing.T, p place) {
	s := p.open(t)
	told := func(want ...string) {
		t.Helper()
		u, err := s.Untold(context.Background())
		var got []string
		for _, e := range u.Events {
			got = append(got, e.Summary)
		}
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("untold is %v (%v), not %v", got, err, want)
		}
		if err := s.SetTold(context.Background(), u, noon); err != nil {
			t.Fatal(err)
		}
	}
	happened := func(what string, at time.Time) {
		learns(t, s, reconcile.Learned{At: at, Events: []inventory.Event{{At: at, Identity: "home/100", Kind: inventory.Changed, Summary: what}}})
	}
	happened("first", noon)
	told("first")
	told()
	happened("in the same second", noon)
	happened("before", noon.Add(-time.Minute))
	told("before", "in the same second")
	if err := s.update(context.Background(), func(w write) error { return w.remember(changesTold, noon.Format(time.RFC3339)) }); err != nil {
		t.Fatal(err)
	}
	told("first", "in the same second") // an older ledger knew the time alone
}

func testEverythingComesBack(t *testing.T, p place) {
	for name, v := range map[string]reflect.Value{
		"Observation": reflect.ValueOf(wholeObservation()), "Volatile": reflect.ValueOf(wholeObservation().Volatile), "Learned": reflect.ValueOf(everything()),
	} {
		for i := range v.NumField() {
			if field := v.Type().Field(i).Name; v.Field(i).IsZero() && !strings.Contains("Err Moved Gone Resolved Forgot Told Ended", field) {
				t.Errorf("the test says nothing in the field %s of an %s", field, name)
			}
		}
	}
	if s, err := p.existing(t); s != nil || err != nil {
		t.Errorf("before there is one: %v, %v", s, err)
	}
	want := everything()
	learns(t, p.open(t), want)
	s, err := p.existing(t)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	got := recall(t, s)
	episode := want.Episodes[0]
	episode.ID = 1
	if diff := cmp.Diff(reconcile.Recollection{
		Applied: want.Applied, Episodes: map[inventory.Address]reconcile.Episode{media: episode}, Drifts: map[inventory.Address]reconcile.Drifts{media: {"memory": 1}},
		Sources: want.Sources, Clusters: want.Clusters, Checks: want.Checks, Managed: 3, LastRun: 1, Looked: noon,
		Proposals: want.Proposed, Healings: want.Healings,
	}, got, values); diff != "" {
		t.Errorf("recalled (-want +got):\n%s", diff)
	}
	learns(t, s, reconcile.Learned{At: noon}) // in manifests that declare no check any more
	if got := recall(t, s); len(got.Checks) > 0 {
		t.Errorf("what is declared no more is remembered: %v", got.Checks)
	}
	seen, err := s.Seen(context.Background())
	if diff := cmp.Diff(reconcile.Seen{Observations: map[string]inventory.Observation{"home/111": wholeObservation()}, Facts: want.Facts}, seen, values); diff != "" || err != nil {
		t.Errorf("seen (-want +got): %v\n%s", err, diff)
	}
	events, err := s.Events(context.Background(), time.Time{}, inventory.Address{})
	if diff := cmp.Diff(want.Events, events); diff != "" || err != nil {
		t.Errorf("events: %v\n%s", err, diff)
	}
	if e, _ := s.Events(context.Background(), noon.Add(time.Minute), inventory.Address{}); len(e) != 1 {
		t.Errorf("since a minute later: %v", e)
	}
	if e, _ := s.Events(context.Background(), time.Time{}, want.Events[0].Address); len(e) != 1 {
		t.Errorf("of one resource: %v", e)
	}
	latest, err := s.LatestEvents(context.Background())
	if err != nil || len(latest) != 1 || latest["home/131"].By != "root@pam" {
		t.Errorf("latest: %v, %v", latest, err)
	}
}

func testForgettingAndMoving(t *testing.T, p place) {
	s := p.open(t)
	first := everything()
	first.Applied[inventory.Address{Kind: "vm", Name: "old"}] = inventory.Applied{Identity: "home/1"}
	learns(t, s, first)
	to := inventory.Address{Kind: "vm", Name: "cinema"}
	learns(t, s, reconcile.Learned{At: noon, Moved: []reconcile.Move{{From: media, To: to}}, Gone: []string{"home/111"}, Forgot: []inventory.Address{{Kind: "vm", Name: "old"}}})
	got := recall(t, s)
	if len(got.Applied) != 1 || got.Applied[to].Identity != "home/111" || got.Episodes[to].Fingerprint != "f" || len(got.Sources) != 0 {
		t.Errorf("after the move: %+v", got)
	}
	seen, err := s.Seen(context.Background())
	if err != nil || len(seen.Observations) != 0 {
		t.Errorf("seen: %v, %v", seen, err)
	}
	// An address that has a memory of its own keeps it.
	learns(t, s, reconcile.Learned{At: noon, Applied: map[inventory.Address]inventory.Applied{media: {Identity: "home/2"}}})
	learns(t, s, reconcile.Learned{At: noon, Moved: []reconcile.Move{{From: media, To: to}}, Resolved: []int64{got.Episodes[to].ID}})
	if got = recall(t, s); got.Applied[to].Identity != "home/111" || got.Applied[media].Identity != "home/2" || len(got.Episodes) != 0 {
		t.Errorf("after the second move: %+v", got)
	}
}

func testManyRowsAtOnce(t *testing.T, p place) {
	l := reconcile.Learned{At: noon}
	for i := range 2*rowsAtOnce + 7 {
		o := wholeObservation()
		o.Resource.Identity = fmt.Sprintf("home/%d", i)
		l.Seen = append(l.Seen, o)
		l.Events = append(l.Events, inventory.Event{At: noon, Address: media, Summary: fmt.Sprint(i)})
	}
	l.Seen = append(l.Seen, l.Seen[0]) // twice in one run
	s := p.open(t)
	learns(t, s, l)
	seen, err := s.Seen(context.Background())
	if err != nil || len(seen.Observations) != 2*rowsAtOnce+7 {
		t.Errorf("%d seen, %v", len(seen.Observations), err)
	}
	events, err := s.Events(context.Background(), time.Time{}, media)
	if err != nil || len(events) != len(l.Events) || events[len(events)-1].Summary != l.Events[len(events)-1].Summary {
		t.Errorf("%d events, %v", len(events), err)
	}
}

// testJournal: what a killed run leaves behind is found, and what it has done is
// told once.
func testJournal(t *testing.T, p place) {
	step := inventory.Step{
		Method: "PUT", Path: "/x", Params: map[string]string{"memory": "8192"}, Impact: inventory.ImpactRestart, Summary: "set memory",
		Done: inventory.Probe{State: "present", Fields: map[inventory.Path]inventory.Value{"memory": {Value: inventory.Size(8 << 30)}}},
	}
	ctx := context.Background()
	killed := p.open(t)
	r := begin(t, killed)
	var ids []int64
	for range 3 {
		id, err := r.Begin(ctx, media, "home/111", step)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	for i, outcome := range []string{"done", "refused"} {
		if err := r.End(ctx, ids[i], outcome); err != nil {
			t.Fatal(err)
		}
	}
	r.(*run).hold.release() // its process is gone
	killed.Close()
	s := p.open(t)
	got := recall(t, s)
	if len(got.InFlight) != 1 || got.InFlight[0].ID != ids[2] || len(got.Untold) != 1 || got.Untold[0].ID != ids[0] {
		t.Fatalf("in flight %v, untold %v", got.InFlight, got.Untold)
	}
	if diff := cmp.Diff(step, got.InFlight[0].Step, values); diff != "" {
		t.Errorf("the step came back differently:\n%s", diff)
	}
	next := begin(t, s)
	own, err := next.Begin(ctx, media, "home/111", step)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(next.End(ctx, own, "done"), next.End(ctx, ids[2], "interrupted; it did not happen")); err != nil {
		t.Fatal(err)
	}
	if err := next.Learn(ctx, &reconcile.Learned{At: noon, Told: []int64{ids[0]}}); err != nil {
		t.Fatal(err)
	}
	if got := recall(t, s); len(got.InFlight)+len(got.Untold) > 0 {
		t.Errorf("in flight %v, untold %v", got.InFlight, got.Untold)
	}
}

// testLearnedOnce: an answer to the commit that was lost has the run learn again,
// which changes nothing.
func testLearnedOnce(t *testing.T, p place) {
	s := p.open(t)
	r := begin(t, s)
	for range 2 {
		l := everything()
		if err := r.Learn(context.Background(), &l); err != nil {
			t.Fatal(err)
		}
	}
	events, err := s.Events(context.Background(), time.Time{}, inventory.Address{})
	if err != nil || len(events) != 2 {
		t.Errorf("%d events, %v", len(events), err)
	}
}

func testLock(t *testing.T, p place) {
	ctx := context.Background()
	s, other := p.open(t), p.open(t)
	if h, err := other.Holder(ctx); h != nil || err != nil {
		t.Errorf("held by %v, %v", h, err)
	}
	r := begin(t, s)
	h, err := other.Holder(ctx)
	if err != nil || h == nil || h.Command != me.Command || h.PID != me.PID || !h.Since.Equal(me.Since) || (p.pg != nil) != (h.Session != 0) {
		t.Errorf("held by %+v, %v", h, err)
	}
	var locked *reconcile.LockedError
	if _, _, err := other.Write(ctx, "test", me); !errors.As(err, &locked) || locked.Holder.Command != me.Command {
		t.Errorf("a second writer: %v", err)
	}
	if err := r.Close(ctx, 0); err != nil {
		t.Fatal(err)
	}
	if h, err := other.Holder(ctx); h != nil || err != nil {
		t.Errorf("held by %v, %v", h, err)
	}
	r, before, err := other.Write(ctx, "test", me)
	if err != nil || before != 1 {
		t.Errorf("the next: after %d, %v", before, err)
	}
	r.Close(ctx, 0)
}

// testFence: a run that lost its lock while it was paused writes nothing more.
func testFence(t *testing.T, p place) {
	ctx := context.Background()
	paused := begin(t, p.open(t))
	id, err := paused.Begin(ctx, media, "home/111", inventory.Step{})
	if err != nil {
		t.Fatal(err)
	}
	p.steal(t)
	s := p.open(t)
	other := begin(t, s)
	l := everything()
	_, beginErr := paused.Begin(ctx, media, "home/111", inventory.Step{})
	for what, err := range map[string]error{"begin": beginErr, "end": paused.End(ctx, id, "done"), "learn": paused.Learn(ctx, &l), "close": paused.Close(ctx, 0)} {
		if !errors.Is(err, reconcile.ErrLockLost) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if got := recall(t, s); len(got.Applied) != 0 || len(got.InFlight) != 1 {
		t.Errorf("it has written: %+v", got)
	}
	if err := other.Learn(ctx, &l); err != nil {
		t.Errorf("the one that has the lock: %v", err)
	}
}

// testConnectionIsCut: the run goes on, since nobody else took the lock meanwhile.
func testConnectionIsCut(t *testing.T, p place) {
	ctx := context.Background()
	s := p.open(t)
	r := begin(t, s)
	p.cut(t)
	id, err := r.Begin(ctx, media, "home/111", inventory.Step{})
	if err != nil {
		t.Fatal(err)
	}
	p.cut(t)
	if err := r.End(ctx, id, "done"); err != nil {
		t.Fatal(err)
	}
	p.cut(t)
	l := everything()
	if err := r.Learn(ctx, &l); err != nil {
		t.Fatal(err)
	}
	h, err := p.open(t).Holder(ctx)
	if err != nil || h == nil || h.Command != me.Command {
		t.Errorf("held by %+v, %v", h, err)
	}
	if err := r.Close(ctx, 0); err != nil {
		t.Error(err)
	}
}

// testNoSecretIsStored: whoever echoes it, and however it is spelled.
func testNoSecretIsStored(t *testing.T, p place) {
	canary := `canary"<&>\ü`
	ctx := context.Background()
	s := p.open(t)
	quoted, err := json.Marshal(canary)
	if err != nil {
		t.Fatal(err)
	}
	s.Conceal(strings.NewReplacer(canary, reconcile.Secret, string(quoted[1:len(quoted)-1]), reconcile.Secret).Replace)
	o := wholeObservation()
	o.Resource.Attrs["description"], o.Volatile.Raw["x"], o.Lock, o.Digest = cty.StringVal("a "+canary), canary, canary, canary
	l := everything()
	l.Seen, l.Summary, l.Facts["docker.media"] = []inventory.Observation{o}, canary, json.RawMessage(body(canary))
	l.Sources[0].Error, l.Sources[0].Scope = canary, canary
	l.Episodes[0].By, l.Episodes[0].Fields[0].To = canary, canary
	l.Events[0].Summary, l.Events[0].By, l.Events[0].Fields[0].From = canary, canary, map[string]any{canary: canary}
	l.Applied[media].Attrs["description"] = cty.StringVal(canary)
	l.Clusters["proxmox.home"] = reconcile.Cluster{Version: canary}
	who := me
	who.Command = canary
	r, _, err := s.Write(ctx, "test", who)
	if err != nil {
		t.Fatal(err)
	}
	id, err := r.Begin(ctx, media, canary, inventory.Step{Summary: canary, Params: map[string]string{"x": canary}})
	if err := errors.Join(err, r.End(ctx, id, canary), r.Learn(ctx, &l)); err != nil {
		t.Fatal(err)
	}
	texts := 0
	for _, table := range []string{"applied", "observed", "sources", "episodes", "events", "runs", "journal", "remembered", "fence"} {
		rows, err := s.db.Query("SELECT * FROM " + table)
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
			for i, c := range cells {
				if text := fmt.Sprint(c); strings.Contains(text, "canary") {
					t.Errorf("%s.%s holds it: %s", table, columns[i], text)
				} else if strings.Contains(text, reconcile.Secret) {
					texts++
				}
			}
		}
		rows.Close()
	}
	if texts < 15 {
		t.Errorf("the secret was put into %d places only", texts)
	}
}

// testTextThatNoDatabaseTakes: names come from a hostile world.
func testTextThatNoDatabaseTakes(t *testing.T, p place) {
	l := everything()
	l.Sources[0].Error, l.Events[0].Summary = "a\x00b\xff", "a\x00b\xff"
	l.Seen[0].Resource.Attrs["description"] = cty.StringVal("a\x00b")
	learns(t, p.open(t), l)
}

// testNewerLedgerIsRefused: an older recon must not write into it.
func testNewerLedgerIsRefused(t *testing.T, p place) {
	s := p.open(t)
	if _, err := s.db.Exec(`UPDATE schema_version SET version = 99`); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if _, err := openPlace(p.url); err == nil || !strings.Contains(err.Error(), "use a newer recon") {
		t.Errorf("a writer: %v", err)
	}
	if _, err := p.existing(t); err == nil || !strings.Contains(err.Error(), "use a newer recon") {
		t.Errorf("a reader: %v", err)
	}
}

// testManyBeginOne: several machines open a new ledger at the same time.
func testManyBeginOne(t *testing.T, p place) {
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			s, err := openPlace(p.url)
			if err != nil {
				t.Error(err)
				return
			}
			s.Close()
		})
	}
	all.Wait()
}

// TestDamagedLedger: it is set aside under a name that is told, and a new one
// begins.
func TestDamagedLedger(t *testing.T) {
	for name, damage := range map[string]func(path string) error{
		"garbage":   func(p string) error { return os.WriteFile(p, []byte(strings.Repeat("garbage ", 1000)), 0o644) },
		"truncated": func(p string) error { return os.Truncate(p, 5000) },
		"a hole": func(p string) error {
			f, err := os.OpenFile(p, os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = f.WriteAt(make([]byte, 12000), 4096)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := place{url: t.TempDir()}
			s := p.open(t)
			learns(t, s, everything())
			s.Close()
			if err := damage(filepath.Join(p.url, File)); err != nil {
				t.Fatal(err)
			}
			if s, err := p.existing(t); err != nil || s != nil {
				t.Errorf("a reader: %v, %v", s, err)
			}
			s = p.open(t)
			if s.SetAside == "" {
				t.Fatal("it was not set aside")
			}
			if _, err := os.Stat(s.SetAside); err != nil {
				t.Error(err)
			}
			if ev, err := s.Events(context.Background(), time.Time{}, inventory.Address{}); err != nil || len(ev) != 0 {
				t.Errorf("the new ledger: %v, %v", ev, err)
			}
		})
	}
}

// TestURLIsNotEchoed: it may hold a password.
func TestURLIsNotEchoed(t *testing.T) {
	for _, url := range []string{"postgres://u:canary@%zz/x", "postgres://u:canary@127.0.0.1:1/x?connect_timeout=1", "canary"} {
		_, err := OpenServer(context.Background(), url)
		if err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("error: %v", err)
		}
	}
}

// testOldIsLetGo: what only tells how things came to be goes after its time, and nothing
// that a comparison needs, however old it is.
func testOldIsLetGo(t *testing.T, p place) {
	s := p.open(t)
	at := func(days int) time.Time { return noon.Add(-time.Duration(days) * 24 * time.Hour) }
	event := func(days int) inventory.Event {
		return inventory.Event{At: at(days), Address: media, Identity: "home/111", Kind: inventory.Changed, Summary: fmt.Sprint(days)}
	}
	learns(t, s, reconcile.Learned{
		At: at(500), Managed: 1, Events: []inventory.Event{event(500), event(300)},
		Applied:  map[inventory.Address]inventory.Applied{media: {Identity: "home/111", Attrs: inventory.Attrs{"memory": inventory.Size(1 << 30)}}},
		Episodes: []reconcile.Episode{{Address: media, Identity: "home/111", Fingerprint: "a", OpenedAt: at(500), ChangedAt: at(500)}},
	})
	learns(t, s, reconcile.Learned{At: noon, Managed: 1})
	events, err := s.Events(context.Background(), time.Time{}, inventory.Address{})
	if err != nil || len(events) != 1 || events[0].Summary != "300" {
		t.Errorf("the history is %+v, %v", events, err)
	}
	r := recall(t, s)
	if len(r.Applied) != 1 || len(r.Episodes) != 1 {
		t.Errorf("what was applied, and a drift that goes on, are remembered as %+v and %+v", r.Applied, r.Episodes)
	}
	learns(t, s, reconcile.Learned{At: at(450), Managed: 1, Resolved: []int64{r.Episodes[media].ID}})
	learns(t, s, reconcile.Learned{At: noon, Managed: 1})
	var rows int
	if err := s.db.QueryRow(`SELECT (SELECT COUNT(*) FROM episodes) * 100 + (SELECT COUNT(*) FROM runs)`).Scan(&rows); err != nil || rows != 4 {
		t.Errorf("%d drifts and %d runs are kept, %v", rows/100, rows%100, err)
	}
}
