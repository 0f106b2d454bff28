package docker_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"recon/inventory"
	"recon/providers"
	"recon/providers/docker"
	"recon/providers/docker/enginetest"
	"recon/providers/sshhost"
	"recon/providers/sshhost/sshdtest"
	"recon/reconcile"
)

// patience is how long a restart of an engine may take on a busy machine.
const patience = 90 * time.Second

// A bench is an engine, a way to it, and what a manifest wishes.
type bench struct {
	*enginetest.Engine
	t      *testing.T
	config docker.Config
	p      *docker.Provider
}

func newBench(t *testing.T, daemonJSON string) *bench {
	e := enginetest.Start(t, daemonJSON)
	b := &bench{Engine: e, t: t, config: docker.Config{
		Host: sshhost.Config{Name: "box", Address: sshhost.Local}, Socket: e.Socket, ConfigFile: e.Config, Restart: e.Restart, Declared: true, Patience: patience,
	}}
	b.fresh()
	return b
}

// overSSH goes to the engine through a real sshd from now on.
func (b *bench) overSSH() *sshdtest.Server {
	home := sshdtest.Home(b.t)
	s := sshdtest.Start(b.t, home)
	s.Trust(b.t, home)
	b.config.Host = sshhost.Config{Name: "box", Address: "127.0.0.1", Port: s.Port, User: "root"}
	b.fresh()
	return s
}

func (b *bench) fresh() {
	if b.p != nil {
		b.p.Close()
	}
	b.p = docker.New(b.config)
	b.t.Cleanup(b.p.Close)
}

func wish(attrs inventory.Attrs) inventory.Resource {
	return inventory.Resource{
		Addr: inventory.Address{Kind: inventory.KindDaemon, Name: "box"}, Identity: "docker:box", Provider: "docker.box", Attrs: attrs, Origin: map[inventory.Path]hcl.Range{},
		Policy: inventory.Policy{OnDrift: "report"},
	}
}

func (b *bench) request(want ...inventory.Resource) reconcile.Request {
	b.t.Helper()
	snap, err := b.p.Read(b.t.Context(), want)
	if err != nil {
		b.t.Fatal(err)
	}
	return reconcile.Request{Input: reconcile.Input{Desired: want, Snapshots: []inventory.Snapshot{snap}, Now: time.Now()}, Readers: []providers.Reader{b.p}}
}

func (b *bench) plan(want ...inventory.Resource) (*reconcile.Plan, reconcile.Request) {
	b.t.Helper()
	req := b.request(want...)
	p, err := reconcile.New(b.t.Context(), req)
	if err != nil {
		b.t.Fatal(err)
	}
	return p, req
}

func (b *bench) apply(want inventory.Resource) reconcile.Result {
	b.t.Helper()
	p, req := b.plan(want)
	if len(p.Changes) != 1 {
		b.t.Fatalf("%d changes, want 1", len(p.Changes))
	}
	return reconcile.Apply(b.t.Context(), p, req, reconcile.Options{Ceiling: inventory.ImpactRestart, Journal: memoryJournal{}})[0]
}

func (b *bench) mustApply(want inventory.Resource) {
	b.t.Helper()
	if r := b.apply(want); r.Status != reconcile.StatusDone {
		b.t.Fatalf("%s: %v", r.Status, r.Err)
	}
	if p, _ := b.plan(want); !p.InSync() {
		b.t.Fatalf("not in sync after apply: %+v", p.Changes[0].Fields)
	}
}

// awaitRunning waits until the named containers run: an engine answers before it has
// started them again, and a plan names those that run.
func (b *bench) awaitRunning(names ...string) {
	b.t.Helper()
	slices.Sort(names)
	var got []string
	for deadline := time.Now().Add(40 * time.Second); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		got = slices.Sorted(slices.Values(strings.Fields(b.Running())))
		if slices.Equal(got, names) {
			return
		}
	}
	b.t.Fatalf("running: %q, want %q", got, names)
}

type memoryJournal struct{}

func (memoryJournal) Begin(context.Context, inventory.Address, string, inventory.Step) (int64, error) {
	return 1, nil
}
func (memoryJournal) End(context.Context, int64, string) error { return nil }

func dns(servers ...string) inventory.Attrs {
	return inventory.Attrs{"dns": inventory.StringList(servers...)}
}

func TestDNSIsSetChangedRemoved(t *testing.T) {
	b := newBench(t, "{\n  \"features\": {\"buildkit\": true}\n}\n") // a key that the manifest does not declare
	b.Load(t)
	b.Docker(t, "network", "create", "n")
	b.Docker(t, "run", "-d", "--name", "app", "--restart", "always", "--network", "n", enginetest.Image)
	b.overSSH()

	p, _ := b.plan(wish(dns("192.0.2.53")))
	c := p.Changes[0]
	if c.Verdict != inventory.VerdictDiffers || c.Impact != inventory.ImpactRestart || len(c.Steps) != 2 {
		t.Fatalf("verdict %s, impact %s, steps %+v", c.Verdict, c.Impact, c.Steps)
	}
	if notes := strings.Join(c.Steps[1].Notes, "\n"); !strings.Contains(notes, "app") {
		t.Errorf("the plan does not name the container that restarts: %q", notes)
	}
	b.mustApply(wish(dns("192.0.2.53")))
	if !strings.Contains(b.Read(t), `"buildkit": true`) {
		t.Errorf("the foreign key is gone: %s", b.Read(t))
	}
	b.awaitRunning("app")
	b.mustApply(wish(dns("192.0.2.54", "192.0.2.53")))
	b.awaitRunning("app")
	b.mustApply(wish(dns()))
	if strings.Contains(b.Read(t), "dns") {
		t.Errorf("dns is still there: %s", b.Read(t))
	}
}

func TestLogOptsAndLiveRestore(t *testing.T) {
	b := newBench(t, `{}`)
	b.Load(t)
	b.Docker(t, "run", "-d", "--name", "app", enginetest.Image)
	started := b.Docker(t, "inspect", "-f", "{{.State.StartedAt}}", "app")
	attrs := inventory.Attrs{"live_restore": cty.True, "log_opts": cty.MapVal(map[string]cty.Value{"max-size": cty.StringVal("10m")})}
	p, _ := b.plan(wish(attrs))
	if s := p.Changes[0].Steps; len(s) != 3 || s[0].Method != "write+reload" || s[2].Method != "restart" || !strings.Contains(strings.Join(s[2].Notes, ""), "live-restore") {
		t.Fatalf("steps %+v", s)
	}
	b.mustApply(wish(attrs))
	if now := b.Docker(t, "inspect", "-f", "{{.State.StartedAt}}", "app"); now != started {
		t.Errorf("live-restore was on, and the container restarted all the same: %s, %s", started, now)
	}
	b.awaitRunning("app")
	attrs["live_restore"] = cty.False
	b.mustApply(wish(attrs)) // by reload alone
}

// TestWrittenIsNotRunning: what is written waits for a restart. A timer of a killed run
// makes all of it unknown.
func TestWrittenIsNotRunning(t *testing.T) {
	b := newBench(t, `{}`)
	time.Sleep(100 * time.Millisecond)
	b.Write(t, `{"dns": ["192.0.2.53"], "log-driver": "local"}`)
	want := wish(inventory.Attrs{"dns": inventory.StringList("192.0.2.53"), "log_driver": cty.StringVal("local")})
	p, _ := b.plan(want)
	if len(p.Changes) != 1 || p.Changes[0].Verdict != inventory.VerdictPendingReboot || len(p.Changes[0].Fields) != 2 {
		t.Fatalf("got %+v", p.Changes)
	}
	b.mustApply(want)
	armedTimers(t, b, want)
}

// armedTimers leaves the token of a timer on the host, as a killed apply does: the daemon
// is unknown, and then the timer is disarmed when all is well, else waited for.
func armedTimers(t *testing.T, b *bench, want inventory.Resource) {
	const token = "/run/recon-20260102T030405.678Z"
	t.Cleanup(func() { os.Remove(token) })
	arm := func(sum string) {
		t.Helper()
		if err := os.WriteFile(token, []byte("180 "+sum+" "+b.Config), 0o600); err != nil {
			t.Fatal(err)
		}
		p, _ := b.plan(want)
		if p.Complete || len(p.Unknown) != 1 || !strings.Contains(fmt.Sprint(p.Unknown[0].Err), "the host undoes it at ") {
			t.Errorf("with a timer armed the plan says %+v", p.Unknown)
		}
	}
	arm(sshhost.Sum([]byte(b.Read(t))))
	said, err := b.p.Settle(t.Context())
	if _, gone := os.Stat(token); err != nil || len(said) != 1 || !strings.Contains(said[0], "is disarmed") || gone == nil {
		t.Errorf("it says %q, %v", said, err)
	}
	if p, _ := b.plan(want); !p.InSync() {
		t.Errorf("after that: %+v %+v", p.Changes, p.Unknown)
	}
	arm(sshhost.Sum([]byte("another content")))
	time.AfterFunc(time.Second, func() { os.Remove(token) }) // it has fired
	said, err = b.p.Settle(t.Context())
	if err != nil || len(said) != 1 || !strings.Contains(said[0], "the host was left to put the earlier one back") {
		t.Errorf("it says %q, %v", said, err)
	}
	if said, err := b.p.Settle(t.Context()); err != nil || len(said) > 0 {
		t.Errorf("with nothing armed it says %q, %v", said, err)
	}
}

// badBIP passes every check and has the daemon fail at its start: the address of
// the network itself.
var badBIP = inventory.Attrs{"bip": cty.StringVal("10.213.0.0/24")}

func TestBadBIPIsRolledBack(t *testing.T) {
	b := newBench(t, `{"debug": true}`)
	b.Load(t)
	b.Docker(t, "run", "-d", "--name", "always", "--restart", "always", enginetest.Image)
	b.Docker(t, "run", "-d", "--name", "never", enginetest.Image)
	b.Docker(t, "run", "-d", "--name", "stopped", enginetest.Image, "exit")
	b.overSSH()
	r := b.apply(wish(badBIP))
	if r.Status != reconcile.StatusFailed || r.Err == nil || !strings.Contains(r.Err.Error(), "the file with which the daemon ran before is back") {
		t.Fatalf("%s: %v", r.Status, r.Err)
	}
	if got := b.Read(t); got != `{"debug": true}` {
		t.Errorf("daemon.json: %s", got)
	}
	b.awaitRunning("always", "never")
}

func TestLostConnectionIsUndoneByTheHost(t *testing.T) {
	b := newBench(t, `{"debug": true}`)
	b.Load(t)
	b.Docker(t, "run", "-d", "--name", "app", "--restart", "always", enginetest.Image)
	b.config.DeadMan = 6 * time.Second
	b.config.Restart = filepath.Join(b.Dir, "cut")
	s := b.overSSH()
	// The restart ends the connection in the middle, and the server with it.
	cut := fmt.Sprintf("#!/bin/sh\n[ -f %[1]s/cut-done ] || { touch %[1]s/cut-done; kill -9 %[2]d $PPID $(ps -o ppid= -p $PPID); exit 1; }\nexec %[3]s\n", b.Dir, s.Pid(), b.Engine.Restart)
	if err := os.WriteFile(b.config.Restart, []byte(cut), 0o755); err != nil {
		t.Fatal(err)
	}
	r := b.apply(wish(dns("192.0.2.53")))
	if r.Status != reconcile.StatusUnknown {
		t.Fatalf("%s: %v", r.Status, r.Err)
	}
	if !strings.Contains(b.Read(t), "192.0.2.53") {
		t.Fatal("nothing was written before the cut")
	}
	deadline := time.Now().Add(40 * time.Second)
	for b.Read(t) != `{"debug": true}` {
		if time.Now().After(deadline) {
			t.Fatalf("the host did not undo the change: %s", b.Read(t))
		}
		time.Sleep(200 * time.Millisecond)
	}
	b.awaitRunning("app")
}

func TestSecondWriterIsRefused(t *testing.T) {
	b := newBench(t, `{"dns": ["192.0.2.1"]}`)
	p, _ := b.plan(wish(dns("192.0.2.53")))
	b.Write(t, `{"dns": ["192.0.2.9"], "mtu": 1400}`)
	step := p.Changes[0].Steps[0]
	step.Digest = p.Changes[0].Digest
	if _, err := b.p.Do(t.Context(), step, nil); !errors.Is(err, providers.ErrChangedMeanwhile) {
		t.Fatalf("got %v", err)
	}
	body, err := p.Save(reconcile.Origin{})
	if err != nil {
		t.Fatal(err)
	}
	req := b.request(wish(dns("192.0.2.53")))
	fresh, err := reconcile.New(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	saved, err := reconcile.ReadPlan(body)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := saved.Hold(fresh); !errors.Is(err, reconcile.ErrStale) {
		t.Errorf("a saved plan goes over another's change: %v", err)
	}
	if !strings.Contains(b.Read(t), "192.0.2.9") {
		t.Error("the other's change is gone")
	}
}

func TestFlagConflictBlocks(t *testing.T) {
	e := enginetest.Start(t, "{}", "--dns", "192.0.2.1")
	b := &bench{Engine: e, t: t, config: docker.Config{Host: sshhost.Config{Name: "box", Address: sshhost.Local}, Socket: e.Socket, ConfigFile: e.Config, Restart: e.Restart}}
	b.fresh()
	p, _ := b.plan(wish(dns("192.0.2.53")))
	c := p.Changes[0]
	if len(c.Steps) != 0 || len(c.Blocked) != 1 || c.Blocked[0].Code != "flag_conflict" || !strings.Contains(c.Blocked[0].Detail, "--dns") {
		t.Errorf("steps %+v, blocked %+v", c.Steps, c.Blocked)
	}
}

func TestNoChangeCostsThreeRoundTripsAndOneConnection(t *testing.T) {
	b := newBench(t, `{"dns": ["192.0.2.53"]}`)
	s := b.overSSH()
	before := b.p.Calls()
	p, _ := b.plan(wish(dns("192.0.2.53")))
	if !p.InSync() {
		t.Fatalf("differs: %+v", p.Changes[0].Fields)
	}
	// The first request opens the socket, which is a trip of its own on a new connection.
	if n := b.p.Calls() - before; n > 4 {
		t.Errorf("%d round trips on a new connection, want at most 3 and one to open the socket", n)
	}
	before = b.p.Calls()
	if o := b.p.Look(context.Background(), wish(dns("192.0.2.53"))); o.State != inventory.Present {
		t.Fatal(o.Err)
	}
	if n := b.p.Calls() - before; n > 3 {
		t.Errorf("%d round trips, want at most 3", n)
	}
	if s.Logins() != 1 {
		t.Errorf("%d SSH connections, want 1", s.Logins())
	}
}

// TestListening: what a container listens on is told apart from that it listens on
// nothing, whichever of the kernel's tables has it.
func TestListening(t *testing.T) {
	b := newBench(t, `{}`)
	b.Load(t)
	for name, args := range map[string][]string{
		"four": {"listen=0.0.0.0:7004"}, "six": {"listen=[::]:7006"}, "both": {"listen=127.0.0.1:7001", "listen=:7002"}, "none": nil,
	} {
		b.Docker(t, append([]string{"run", "-d", "--name", name, "--network", "none", enginetest.Image}, args...)...)
	}
	want := map[string]string{"four": "7004/tcp", "six": "7006/tcp", "both": "7001/tcp 7002/tcp", "none": ""}
	got := map[string]string{}
	for range 100 { // the programs need a moment to start
		snap, err := b.p.Read(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range snap.Observations {
			if o.Resource.Addr.Kind != inventory.KindService {
				continue
			}
			if _, seen := o.Resource.Attrs["listen"]; !seen {
				t.Errorf("%s: what it listens on was not seen", o.Resource.Addr)
			}
			got[o.Resource.Addr.Name] = strings.Join(inventory.Strings(o.Resource.Attrs["listen"]), " ")
		}
		if maps.Equal(got, want) {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Errorf("got %v, want %v", got, want)
}
