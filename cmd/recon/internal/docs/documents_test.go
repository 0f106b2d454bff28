package docs

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"recon/cmd/recon/internal/home"
	"recon/inventory"
	"recon/inventory/contextfile"
	"recon/manifests"
)

// A desk is a project whose context block names the files, with a clock that stands
// still.
type desk struct {
	home    *home.Home
	project *manifests.Project
}

func newDesk(t *testing.T, c manifests.Context) *desk {
	now := func() time.Time { return time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC) }
	return &desk{home.At(t.TempDir(), home.Options{Now: now}), &manifests.Project{Context: &c}}
}

func (d *desk) render(f *contextfile.Facts) ([]Document, error) {
	return writer{home: d.home, project: d.project, facts: f}.documents()
}

func (d *desk) put(t *testing.T, name, text string) string {
	t.Helper()
	p := d.home.Path(name)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return p
}

func oneGuest(name string) *contextfile.Facts {
	return &contextfile.Facts{Guests: []contextfile.Guest{{Address: inventory.Address{Kind: "vm", Name: "web"}, Identity: "home/101", Name: name, Kind: "vm", VMID: 101, Node: "pve1"}}}
}

const pair = "<!-- recon:begin id=home v=1 -->\n<!-- recon:end id=home -->\n"

func linkToReal(t *testing.T, s *desk, p string) {
	must(t, os.Rename(p, filepath.Join(s.home.Root, "real.md")))
	must(t, os.Symlink("real.md", p))
}

func TestWriteKeepsModeAndRefusesWhatItMust(t *testing.T) {
	tests := map[string]struct {
		prepare func(t *testing.T, s *desk, p string)
		between func(t *testing.T, p string)
		also    string // another document that the context block names
		want    error
		refused bool
	}{
		"written":                              {},
		"mode kept":                            {prepare: func(t *testing.T, _ *desk, p string) { must(t, os.Chmod(p, 0o600)) }},
		"changed while rendering":              {between: func(t *testing.T, p string) { must(t, os.WriteFile(p, []byte("mine\n"), 0o644)) }, want: home.ErrFileChanged},
		"deleted while rendering":              {between: func(t *testing.T, p string) { must(t, os.Remove(p)) }, want: home.ErrFileChanged},
		"read-only":                            {prepare: func(t *testing.T, _ *desk, p string) { must(t, os.Chmod(p, 0o444)) }, want: fs.ErrPermission},
		"link to a document that is named":     {prepare: linkToReal, also: "real.md"},
		"link to a document that nobody named": {prepare: linkToReal, refused: true},
		"link out of the root": {prepare: func(t *testing.T, _ *desk, p string) {
			out := filepath.Join(t.TempDir(), "out.md")
			must(t, os.WriteFile(out, []byte(pair), 0o644))
			must(t, os.Remove(p))
			must(t, os.Symlink(out, p))
		}, refused: true},
		"folder in its place": {prepare: func(t *testing.T, _ *desk, p string) { must(t, os.Remove(p)); must(t, os.Mkdir(p, 0o755)) }, refused: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newDesk(t, manifests.Context{ClaudeMD: "CLAUDE.md", ActiveTasks: tt.also})
			p := s.put(t, "CLAUDE.md", "mine\n"+pair)
			if tt.prepare != nil {
				tt.prepare(t, s, p)
			}
			docs, err := s.render(oneGuest("web"))
			if tt.refused {
				if err == nil {
					t.Fatal("it was rendered")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			before, _ := os.Stat(p)
			if tt.between != nil {
				tt.between(t, p)
			}
			written, err := write(docs)
			if !errors.Is(err, tt.want) {
				t.Fatalf("got %v", err)
			}
			if tt.want != nil {
				if text, _ := os.ReadFile(p); bytes.Contains(text, []byte("101")) {
					t.Error("it was written all the same")
				}
				return
			}
			after, _ := os.Stat(p)
			if len(written) != 1 || after.Mode() != before.Mode() {
				t.Errorf("wrote %v, mode %v after %v", written, after.Mode(), before.Mode())
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestSecondRunTouchesNothing(t *testing.T) {
	s := newDesk(t, manifests.Context{ClaudeMD: "CLAUDE.md", ContextMD: "context.md", SessionLog: "log.md", ActiveTasks: "tasks.md"})
	for i := range 2 {
		docs, err := s.render(oneGuest("web"))
		must(t, err)
		written, err := write(docs)
		must(t, err)
		if want := []int{4, 0}[i]; len(written) != want {
			t.Errorf("run %d wrote %v", i+1, written)
		}
	}
}

func TestSecretsAreNotWritten(t *testing.T) {
	s := newDesk(t, manifests.Context{ClaudeMD: "CLAUDE.md"})
	s.project.Clusters = []manifests.Cluster{{Name: "home", Token: "root@pam!x=canary-0123456789"}}
	s.home.Secrets.Learn("canary-0123456789")
	f := oneGuest("web")
	f.Guests[0].Purpose = "the token is canary-0123456789"
	_, err := s.render(f)
	if home.WorstOf(err) != home.ExitRefused {
		t.Errorf("got %v", err)
	}
	if err != nil && strings.Contains(err.Error(), "canary") {
		t.Error("the error repeats the secret")
	}
}

// What the session log lets go of comes into its archive first; when that cannot be
// written, the log keeps it.
func TestRotation(t *testing.T) {
	event := func(day int) inventory.Event {
		return inventory.Event{At: time.Date(2026, 11, day, 8, 0, 0, 0, time.UTC), Address: inventory.Address{Kind: "vm", Name: "web"}, Identity: "home/101", Kind: inventory.Appeared}
	}
	for _, broken := range []bool{false, true} {
		s := newDesk(t, manifests.Context{SessionLog: "log.md"})
		s.put(t, "log.md", "# Log\n\n<!-- recon:begin id=recon v=1 -->\n<!-- recon:end id=recon -->\n\n- by hand\n")
		if broken {
			s.put(t, "log-archive.md", "no markers here\n")
		}
		f := &contextfile.Facts{}
		for _, day := range []int{1, 3, 20, 24} {
			f.Events = append(f.Events, event(day))
			docs, err := s.render(f)
			must(t, err)
			_, err = write(docs)
			must(t, err)
		}
		log, err := os.ReadFile(filepath.Join(s.home.Root, "log.md"))
		must(t, err)
		archive, err := os.ReadFile(filepath.Join(s.home.Root, "log-archive.md"))
		must(t, err)
		all := string(log) + string(archive)
		for _, day := range []string{"2026-11-01", "2026-11-03", "2026-11-20", "2026-11-24"} {
			if strings.Count(all, "- "+day) != 1 {
				t.Errorf("broken archive %v: %s stands %d times in\n%s", broken, day, strings.Count(all, day), all)
			}
		}
		if kept := strings.Contains(string(log), "- 2026-11-01"); kept != broken || !strings.Contains(string(log), "- by hand") {
			t.Errorf("broken archive %v: the log is\n%s", broken, log)
		}
	}
}

// A session log with wrong markers is one mistake, said once, and stays as it is.
func TestWrongMarkersInTheSessionLog(t *testing.T) {
	s := newDesk(t, manifests.Context{SessionLog: "log.md", ClaudeMD: "CLAUDE.md"})
	const broken = "# Log\n\n<!-- recon:begin id=recon v=1 -->\n"
	p := s.put(t, "log.md", broken)
	docs, err := s.render(oneGuest("web"))
	if err == nil || strings.Count(err.Error(), "log.md:3") != 1 {
		t.Errorf("got %v", err)
	}
	written, err := write(docs)
	must(t, err)
	if log, _ := os.ReadFile(p); string(log) != broken || !slices.Equal(written, []string{"CLAUDE.md"}) {
		t.Errorf("wrote %v, the log is %q", written, log)
	}
}

// Two recons at once: each file is one of the two renderings as a whole.
func TestTwoAtOnce(t *testing.T) {
	s := newDesk(t, manifests.Context{ClaudeMD: "CLAUDE.md"})
	p := s.put(t, "CLAUDE.md", pair)
	var wg sync.WaitGroup
	for _, name := range []string{"first", "second", "first", "second"} {
		wg.Go(func() {
			for range 10 {
				docs, err := s.render(oneGuest(name))
				if err == nil {
					_, err = write(docs)
				}
				if err != nil && !errors.Is(err, home.ErrFileChanged) {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	text, err := os.ReadFile(p)
	must(t, err)
	doc, err := contextfile.Parse(text, "CLAUDE.md")
	if err != nil || doc.Edited("home") {
		t.Errorf("%v: %s", err, text)
	}
	if left, _ := filepath.Glob(filepath.Join(s.home.Root, ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// A run in which nothing changed, on 200 guests and 2 MB of documents.
func TestNoChangeOnManyDocuments(t *testing.T) {
	s := newDesk(t, manifests.Context{ClaudeMD: "CLAUDE.md", ContextMD: "context.md", Roots: []manifests.Root{{Name: "docs", Path: "docs", Style: "reference"}}})
	f := &contextfile.Facts{}
	for i := range 200 {
		g := oneGuest("web").Guests[0]
		g.VMID, g.Networks = 100+i, []inventory.Network{{Address: "10.0.0.1/16", Gateway: "10.0.0.254"}}
		f.Guests = append(f.Guests, g)
	}
	filler := strings.Repeat("Some text about `things` | that | nobody changes.\n", 1000)
	for i := range 40 {
		s.put(t, filepath.Join("docs", string(rune('a'+i%26))+strings.Repeat("x", i/26), "page.md"), filler+strings.ReplaceAll(pair, "home", "inventory")+filler)
	}
	docs, err := s.render(f)
	must(t, err)
	_, err = write(docs)
	must(t, err)
	start := time.Now()
	docs, err = s.render(f)
	must(t, err)
	written, err := write(docs)
	must(t, err)
	if len(written) > 0 {
		t.Errorf("wrote %v", written)
	}
	t.Logf("%d documents in %v", len(docs), time.Since(start))
}
