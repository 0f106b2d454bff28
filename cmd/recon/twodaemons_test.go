package main

import (
	"database/sql"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"recon/cmd/recon/internal/api"
	"recon/providers/proxmox/pvesim"
	"recon/reconcile/ledger"
	"recon/reconcile/ledger/pgtest"
)

var daemonKills = flag.Int("daemon.kills", 2, "how often TestTwoDaemons and TestKilledDaemon end the daemon that works")

// TestTwoDaemons: of two daemons on one PostgreSQL ledger one works and the other waits,
// says so, and takes over within 20 s of the other's end, by a kill or a pause, with
// the run that was due; what changes meanwhile is written down and told once, and one that was
// paused does nothing more.
func TestTwoDaemons(t *testing.T) {
	server := pgtest.Start(t)
	url := server.Database(t)
	t.Setenv("RECON_LEDGER_URL", url)
	p := &twoDaemons{}
	p.home = newHome(t, pvesim.Options{OnRequest: p.sees})
	p.ledger = pgtest.Open(t, url)
	defer p.ledger.Close()
	p.prepare("ledger {\n  url = env(\"RECON_LEDGER_URL\")\n}\n")
	p.clone = t.TempDir()
	if err := os.CopyFS(p.clone, os.DirFS(p.dir)); err != nil {
		t.Fatal(err)
	}
	works := p.begin(t, p.dir)
	works.until(t, "often: ")
	for i := range *daemonKills {
		waits := p.begin(t, map[bool]string{true: p.clone, false: p.dir}[i%2 == 0])
		waits.until(t, "waits while another daemon works: ")
		if page := waits.page(t); !strings.Contains(page, "This daemon waits.") {
			t.Errorf("the page of the one that waits does not say so: %s", page)
		}
		paused := i%3 == 1
		if paused {
			works.cmd.Process.Signal(syscall.SIGSTOP)
		} else {
			works.cmd.Process.Kill()
			works.cmd.Wait()
		}
		ended := time.Now()
		p.change(i)
		waits.until(t, "description")
		if took := time.Since(ended); took > 20*time.Second {
			t.Errorf("it took over after %s", took)
		} else {
			t.Logf("taken over after %s (paused: %v)", took.Round(100*time.Millisecond), paused)
		}
		if paused {
			works.cmd.Process.Signal(syscall.SIGCONT)
			works.until(t, "another daemon has taken over")
			works.until(t, "waits while another daemon works: ")
			works.cmd.Process.Kill()
			works.cmd.Wait()
		}
		works = waits
	}
	works.cmd.Process.Signal(syscall.SIGTERM)
	works.cmd.Wait()
	p.once()
}

// TestKilledDaemon ends a daemon with SIGKILL at a random moment, again and again, while
// guests are changed: each change is written down once and told once.
func TestKilledDaemon(t *testing.T) {
	p := &twoDaemons{}
	p.home = newHome(t, pvesim.Options{OnRequest: p.sees})
	p.prepare("")
	db, err := sql.Open("sqlite", filepath.Join(p.dir, ".recon", ledger.File))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	p.ledger = db
	rnd := rand.New(rand.NewSource(*chaosFirst))
	d := p.begin(t, p.dir)
	d.until(t, "often: ")
	for i := range *daemonKills {
		p.change(i)
		time.Sleep(time.Duration(rnd.Intn(2500)) * time.Millisecond) // the moment of the kill
		d.cmd.Process.Kill()
		d.cmd.Wait()
		d = p.begin(t, p.dir)
	}
	d.until(t, "often: ")
	d.until(t, "often: ")
	d.cmd.Process.Signal(syscall.SIGTERM)
	d.cmd.Wait()
	p.want(api.ExitOK, "notify", "send")
	p.once()
}

// prepare has everything declared, and somebody told.
func (p *twoDaemons) prepare(more string) {
	hook := httptest.NewServer(http.HandlerFunc(p.receive))
	p.t.(*testing.T).Cleanup(hook.Close)
	p.t.(*testing.T).Setenv("HOOK", "generic+"+hook.URL+"/?template=json")
	p.write("recon.hcl", p.read("recon.hcl")+more+"notify \"hook\" {\n  url = env(\"HOOK\")\n  severity = \"info\"\n}\nschedule \"often\" {\n  cron = \"@every 1s\"\n  action = \"drift\"\n}\npage {\n  listen = \"127.0.0.1:0\"\n}\n")
	p.want(api.ExitOK, "import", "--all", "-q")
	p.want(api.ExitOK, "drift", "-q")
}

// change changes one guest after the other, so that each change is news.
func (p *twoDaemons) change(i int) {
	var guests []int
	for _, g := range p.sim.World().Guests {
		if !g.Template && g.Kind == "qemu" { // whose notes the import declares: the history tells of what is
			guests = append(guests, g.VMID)
		}
	}
	p.guests = len(guests)
	p.sim.Update(setConfig(guests[i%len(guests)], "description", fmt.Sprintf("changed-%d.", i)))
}

// twoDaemons are a home with two clones of its manifests, and who is told.
type twoDaemons struct {
	*home
	clone  string
	ledger *sql.DB
	guests int

	mu     sync.Mutex
	told   map[string]string // by the ID of the message
	looks  int
	looked time.Time
	gap    time.Duration // the longest between two looks
}

func (p *twoDaemons) receive(_ http.ResponseWriter, r *http.Request) {
	m := noticeOf(p.t, r)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.told == nil {
		p.told = map[string]string{}
	}
	p.told[m.ID] = m.Message
}

// once holds what is written down and told against what has changed.
func (p *twoDaemons) once() {
	p.inTurn()
	p.mu.Lock()
	looks, gap := p.looks, p.gap
	p.mu.Unlock()
	p.t.(*testing.T).Logf("%d looks, at most %s apart", looks, gap.Round(time.Millisecond))
	if gap > 25*time.Second || looks < 2**daemonKills {
		p.t.Errorf("%d looks, %s without one", looks, gap)
	}
	p.want(api.ExitOK, "history", "-o", "json")
	var history struct {
		Events []struct {
			Address string
			Fields  []struct{ To any }
		}
	}
	if err := json.Unmarshal(p.out.Bytes(), &history); err != nil {
		p.t.Fatal(err)
	}
	written, who := map[any]int{}, map[any]string{}
	for _, e := range history.Events {
		for _, f := range e.Fields {
			written[f.To]++
			who[f.To] = e.Address
		}
	}
	for range 40 { // who was killed while it sent is followed by a pause of a minute
		if p.run("notify", "send"); *daemonKills > p.guests || p.toldAll(who) {
			break
		}
		time.Sleep(2 * time.Second)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	messages := ""
	for _, text := range p.told {
		messages += text + "\n"
	}
	for i := range *daemonKills {
		change := fmt.Sprintf("changed-%d.", i)
		n, m := written[change], strings.Count(messages, who[change]+" ")
		if n != 1 || m != 1 && *daemonKills <= p.guests { // who changes often is told less often
			p.t.Errorf("%s is written down %d times and told %d times: %s\n%s", change, n, m, &p.out, messages)
		}
	}
}

// inTurn holds the runs that have learned something against each other: none begins before the
// one before has ended, or was ended.
func (p *twoDaemons) inTurn() {
	rows, err := p.ledger.Query("SELECT id, started_at, ended_at FROM runs ORDER BY id")
	if err != nil {
		p.t.Fatal(err)
	}
	defer rows.Close()
	until, n := int64(0), 0
	for rows.Next() {
		var id, start int64
		var end sql.NullInt64
		if err := rows.Scan(&id, &start, &end); err != nil {
			p.t.Fatal(err)
		}
		if start < until {
			p.t.Errorf("run %d begins at %d, and one before it ended at %d", id, start, until)
		}
		until = max(until, end.Int64)
		n++
	}
	if rows.Err() != nil || n < *daemonKills {
		p.t.Errorf("%d runs, %v", n, rows.Err())
	}
}

// sees notes when somebody looks at the home: a run is due each second, and however often a
// daemon ends, none is missing for longer than the other one takes to begin.
func (p *twoDaemons) sees(method, path string, _ url.Values) {
	if method != http.MethodGet || path != "/cluster/resources" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if p.looks++; p.looks > 3 { // the first were made by hand
		p.gap = max(p.gap, now.Sub(p.looked))
	}
	p.looked = now
}

// toldAll reports whether each change was told.
func (p *twoDaemons) toldAll(who map[any]string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	messages := strings.Join(slices.Collect(maps.Values(p.told)), "\n")
	for i := range *daemonKills {
		if !strings.Contains(messages, who[fmt.Sprintf("changed-%d.", i)]+" ") {
			return false
		}
	}
	return true
}

// A daemonProcess is a daemon of its own.
type daemonProcess struct {
	cmd  *exec.Cmd
	said *syncBuffer
	from int // what was read of it
}

func (p *twoDaemons) begin(t *testing.T, dir string) *daemonProcess {
	d := &daemonProcess{cmd: exec.Command(os.Args[0], "-C", dir, "serve"), said: &syncBuffer{}}
	d.cmd.Env = append(os.Environ(), mainEnv+"=1")
	d.cmd.Stdout, d.cmd.Stderr = d.said, d.said
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.cmd.Process.Kill(); d.cmd.Wait() })
	return d
}

// until waits until a daemon says something that it has not said before.
func (d *daemonProcess) until(t *testing.T, what string) {
	t.Helper()
	defer func() {
		if t.Failed() {
			t.Logf("%s said: %s", filepath.Base(d.cmd.Dir), d.said.String())
		}
	}()
	for begin := time.Now(); time.Since(begin) < time.Minute; time.Sleep(20 * time.Millisecond) {
		if i := strings.Index(d.said.String()[d.from:], what); i >= 0 {
			d.from += i + len(what)
			return
		}
	}
	t.Fatalf("it does not say %q: %s", what, d.said.String())
}

// page is what its page shows.
func (d *daemonProcess) page(t *testing.T) string {
	t.Helper()
	_, rest, _ := strings.Cut(d.said.String(), "The page is at ")
	address, _, _ := strings.Cut(rest, "\n")
	answer, err := http.Get(address + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	b, _ := io.ReadAll(answer.Body)
	return string(b)
}
