package ledger

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"

	"recon/inventory"
)

func openLedger(t *testing.T, dir string) *Ledger {
	t.Helper()
	l, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

var media = inventory.Address{Kind: "vm", Name: "media"}

func TestAppliedComesBack(t *testing.T) {
	dir := t.TempDir()
	l := openLedger(t, dir)
	want := inventory.Applied{Identity: "home/111", Attrs: inventory.Attrs{
		"memory": inventory.Size(8 << 30), "tags": inventory.StringSet("b", "a"), "onboot": cty.True, "nameservers": inventory.StringList("1.1.1.1"), "name": cty.StringVal("media"),
	}}
	if err := l.SetApplied(map[inventory.Address]inventory.Applied{media: want}); err != nil {
		t.Fatal(err)
	}
	l.Close()
	l = openLedger(t, dir)
	got, err := l.Applied()
	if err != nil {
		t.Fatal(err)
	}
	for p, v := range want.Attrs {
		if !got[media].Attrs[p].RawEquals(v) {
			t.Errorf("%s came back as %#v", p, got[media].Attrs[p])
		}
	}
	to := inventory.Address{Kind: "vm", Name: "cinema"}
	if err := l.Move(media, to); err != nil {
		t.Fatal(err)
	}
	got, _ = l.Applied()
	if _, stays := got[media]; stays || got[to].Identity != "home/111" {
		t.Errorf("after the move: %v", got)
	}
}

func TestJournal(t *testing.T) {
	dir := t.TempDir()
	l := openLedger(t, dir)
	step := inventory.Step{
		Method: "PUT", Path: "/x", Params: map[string]string{"memory": "8192"}, Impact: inventory.ImpactRestart,
		Done: inventory.Probe{State: "present", Fields: map[inventory.Path]inventory.Value{"memory": {Value: inventory.Size(8 << 30)}}}, Summary: "set memory",
	}
	first, err := l.Begin(media, "home/111", step)
	if err != nil {
		t.Fatal(err)
	}
	second, err := l.Begin(media, "home/111", step)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.End(first, "done"); err != nil {
		t.Fatal(err)
	}
	l.Close() // as a killed process would leave it
	l = openLedger(t, dir)
	open, err := l.InFlight()
	if err != nil || len(open) != 1 || open[0].ID != second {
		t.Fatalf("in flight: %v, %v", open, err)
	}
	if got := open[0].Step; got.Summary != step.Summary || got.Impact != step.Impact || !got.Done.Fields["memory"].Value.RawEquals(inventory.Size(8<<30)) {
		t.Errorf("the step came back as %+v", got)
	}
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
			dir := t.TempDir()
			l := openLedger(t, dir)
			if err := l.AddEvents(inventory.Event{At: time.Now(), Address: media, Kind: inventory.Appeared}); err != nil {
				t.Fatal(err)
			}
			l.Close()
			if err := damage(filepath.Join(dir, File)); err != nil {
				t.Fatal(err)
			}
			if l, err := OpenExisting(dir); err != nil || l != nil {
				t.Errorf("a reader: %v, %v", l, err)
			}
			l = openLedger(t, dir)
			if l.SetAside == "" {
				t.Fatal("it was not set aside")
			}
			if _, err := os.Stat(l.SetAside); err != nil {
				t.Error(err)
			}
			if ev, err := l.Events(time.Time{}, inventory.Address{}); err != nil || len(ev) != 0 {
				t.Errorf("the new ledger: %v, %v", ev, err)
			}
		})
	}
}

// TestNewerLedgerIsRefused: an older recon must not write into it.
func TestNewerLedgerIsRefused(t *testing.T) {
	dir := t.TempDir()
	l := openLedger(t, dir)
	if err := l.tx(func(tx *sql.Tx) error { _, err := tx.Exec(`UPDATE schema_version SET version = 99`); return err }); err != nil {
		t.Fatal(err)
	}
	l.Close()
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "use a newer recon") {
		t.Errorf("error: %v", err)
	}
}

func TestHistory(t *testing.T) {
	l := openLedger(t, t.TempDir())
	at := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	want := inventory.Event{At: at, Address: inventory.Address{Kind: "vm", Name: "node", Key: "a"}, Identity: "home/131", Kind: inventory.DriftOpened, By: "root@pam", Summary: "s", Fields: []inventory.EventField{{Name: "memory", FromText: "8 GiB", ToText: "4 GiB"}}}
	lost := inventory.Event{At: at.Add(time.Hour), Identity: "node03", Kind: inventory.SourceLost, Summary: "lost", Fields: []inventory.EventField{}}
	if err := l.AddEvents(want, lost); err != nil {
		t.Fatal(err)
	}
	got, err := l.Events(time.Time{}, inventory.Address{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]inventory.Event{want, lost}, got); diff != "" {
		t.Error(diff)
	}
	if got, _ := l.Events(at.Add(time.Minute), inventory.Address{}); len(got) != 1 {
		t.Errorf("since a minute later: %v", got)
	}
	if got, _ := l.Events(time.Time{}, want.Address); len(got) != 1 {
		t.Errorf("of one resource: %v", got)
	}
}
