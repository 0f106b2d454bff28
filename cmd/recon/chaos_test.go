package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math/rand"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"recon/cmd/recon/internal/api"
	"recon/cmd/recon/internal/docs"
	"recon/inventory/contextfile"
	"recon/manifests"
	"recon/providers/proxmox/pvesim"
)

var (
	chaosSeeds = flag.Int("chaos.seeds", 16, "how many seeds TestChaos runs")
	chaosFirst = flag.Int64("chaos.first", 1, "the first seed")
)

// TestChaos kills recon with SIGKILL, at a request of its own choosing or at a
// random moment, while faults of every kind come and go and somebody else edits
// guests. Afterwards no file is half-written, the next runs converge, and nothing
// that must not happen twice did.
func TestChaos(t *testing.T) {
	n := *chaosSeeds
	if testing.Short() {
		n = min(n, 6)
	}
	for i := range n {
		c := newChaos(t, *chaosFirst+int64(i))
		t.Run(fmt.Sprintf("seed%d", *chaosFirst+int64(i)), func(t *testing.T) {
			t.Parallel() // most of a seed is waiting for a node that does not answer
			c.t = t
			c.run()
		})
	}
}

// A chaos is one seed's home, its faults, and the process that is killed.
type chaos struct {
	*home
	rnd    *rand.Rand
	check  func(method, path string, params url.Values)
	killAt atomic.Int64 // the number of the request at which the process is killed; 0 for a moment in time
	seen   atomic.Int64
	victim atomic.Pointer[os.Process]
	others sync.WaitGroup // what somebody else is about to do
}

func newChaos(t *testing.T, seed int64) *chaos {
	c := &chaos{rnd: rand.New(rand.NewSource(seed)), check: schemas.Hook(t, "")}
	opts := pvesim.Options{World: pvesim.Generate(9, seed), StatCycle: -1, AuthDelay: -1, NodeDelay: -1, OnRequest: c.request}
	sim, err := pvesim.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sim.Close() })
	c.home = &home{t: t, dir: t.TempDir(), sim: sim}
	token := fmt.Sprintf("PVE_TOKEN_%d", seed)
	if err := os.Setenv(token, sim.Token()); err != nil { // not t.Setenv, which wants to be alone
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Unsetenv(token) })
	c.write("recon.hcl", fmt.Sprintf("proxmox \"home\" {\n  endpoints   = [%q]\n  token       = env(%q)\n  fingerprint = %q\n}\ncontext {\n  claude_md   = \"CLAUDE.md\"\n  session_log = \"log.md\"\n}\n", sim.Endpoint(), token, sim.Fingerprint()))
	c.write("CLAUDE.md", "# Mine\n\n<!-- recon:begin id=home v=1 -->\n<!-- recon:end id=home -->\n\nThe end.\n")
	return c
}

// request counts what recon asks and kills it at the chosen number. The request
// itself goes on: the server has it.
func (c *chaos) request(method, path string, params url.Values) {
	if c.check != nil {
		c.check(method, path, params)
	}
	if n := c.seen.Add(1); n == c.killAt.Load() {
		if p := c.victim.Load(); p != nil {
			_ = p.Kill()
		}
	}
}

func (c *chaos) run() {
	c.want(api.ExitOK, "import", "--all", "-q")
	c.edits()
	for range 1 + c.rnd.Intn(3) {
		c.faults()
		c.killed()
		c.whole()
	}
	c.others.Wait()
	c.sim.ClearFaults()
	c.sim.Update(func(w *pvesim.World) {
		w.NoQuorum = false
		for _, n := range w.Nodes {
			n.Online = true
		}
		for _, g := range w.Guests {
			g.Lock = ""
		}
	})
	c.converges()
	c.once()
}

// edits changes what the manifests wish: values, and new guests.
func (c *chaos) edits() {
	names, err := manifests.Files(os.DirFS(c.dir))
	if err != nil {
		c.t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasPrefix(name, manifests.Folder) {
			c.edit(name)
		}
	}
	c.write("manifests/new.hcl", newGuests)
}

// newGuests are one that is made from scratch and one that is cloned from it.
const newGuests = `
vm "new-vm" {
  vmid    = 900
  node    = "pve1"
  memory  = "256MiB"
  running = true

  network "net0" {
    bridge = "vmbr0"
  }

  disk "scsi0" {
    storage = "local-lvm"
    size    = "1GiB"
  }
}

vm "new-clone" {
  vmid       = 901
  node       = "pve1"
  tags       = ["x"]
  depends_on = [vm.new-vm]

  create {
    clone = "900"
    full  = true
  }
}
`

// edit changes some values of one manifest.
func (c *chaos) edit(name string) {
	text := c.read(name)
	for _, e := range []struct {
		pattern string
		with    func() string
	}{
		{`(?m)^(  memory +=) "[^"]+"`, func() string { return fmt.Sprintf(`$1 "%dMiB"`, 512+64*c.rnd.Intn(8)) }},
		{`(?m)^(  cores +=) \d+`, func() string { return fmt.Sprintf(`$1 %d`, 1+c.rnd.Intn(4)) }},
		{`(?m)^(  onboot +=) \w+`, func() string { return fmt.Sprintf(`$1 %v`, c.rnd.Intn(2) == 0) }},
		{`(?m)^(  tags +=) \[.*\]`, func() string { return fmt.Sprintf(`$1 ["t%d"]`, c.rnd.Intn(3)) }},
	} {
		text = regexp.MustCompile(e.pattern).ReplaceAllStringFunc(text, func(m string) string {
			if c.rnd.Intn(3) > 0 {
				return m
			}
			return regexp.MustCompile(e.pattern).ReplaceAllString(m, e.with())
		})
	}
	// A balloon larger than the memory would be a mistake, not chaos.
	text = regexp.MustCompile(`(?m)^  balloon +=.*\n`).ReplaceAllString(text, "")
	c.write(name, text)
}

// faults sets some of the things that go wrong, and edits a guest as somebody else.
func (c *chaos) faults() {
	c.sim.ClearFaults()
	all := []string{
		"lose-response:PUT*1", "lose-response:POST*1", "drop:PUT*1", "drop:POST*1", "error:596@PUT /nodes/*/config*1", "error:500@POST /nodes/*/status/start*1",
		"latency:pve2=20ms", "task-error:qmcreate=no space left*1", "task-error:qmclone=no space left*1", "error:595@GET /nodes/pve3/*", "no-quorum", "node-down:pve2",
	}
	for range c.rnd.Intn(3) {
		spec := all[c.rnd.Intn(len(all))]
		if err := c.sim.AddFault(spec); err != nil {
			c.t.Fatalf("%s: %v", spec, err)
		}
	}
	if c.rnd.Intn(2) == 0 {
		pause := time.Duration(c.rnd.Intn(200)) * time.Millisecond
		c.others.Go(func() {
			time.Sleep(pause)
			c.sim.Update(func(w *pvesim.World) { w.Guests[0].Config["description"] = "edited by somebody else" })
		})
	}
	c.killAt.Store(0)
	if c.rnd.Intn(4) > 0 {
		c.killAt.Store(c.seen.Load() + 1 + int64(c.rnd.Intn(60)))
	}
}

// killed runs recon in a process of its own and kills it.
func (c *chaos) killed() {
	args := [][]string{{"apply", "--yes", "--allow", "destroy", "--allow-bulk"}, {"apply", "--yes", "--allow", "destroy", "--allow-bulk"}, {"drift"}, {"context"}}[c.rnd.Intn(4)]
	cmd := exec.Command(os.Args[0], append([]string{"-C", c.dir}, args...)...)
	cmd.Env = append(os.Environ(), mainEnv+"=1")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.victim.Store(cmd.Process)
	if c.killAt.Load() == 0 {
		time.AfterFunc(time.Duration(c.rnd.Intn(400))*time.Millisecond, func() { _ = cmd.Process.Kill() })
	}
	err := cmd.Wait()
	c.victim.Store(nil)
	var exit *exec.ExitError
	if err == nil || errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signaled() {
		return
	}
	if code := exit.ExitCode(); !slices.Contains([]int{api.ExitDiffers, api.ExitIncomplete, api.ExitRefused, api.ExitPartial}, code) {
		c.t.Errorf("recon %v exited with %d:\n%s", args, code, &out)
	}
}

// whole checks that no file is half-written.
func (c *chaos) whole() {
	c.t.Helper()
	if _, diags := manifests.Load(os.DirFS(c.dir), manifests.Options{Env: os.LookupEnv}); diags.HasErrors() {
		c.t.Errorf("the manifests are damaged: %v", diags)
	}
	for _, name := range []string{"CLAUDE.md", "log.md"} {
		b, err := os.ReadFile(filepath.Join(c.dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		doc, err := contextfile.Parse(b, name)
		if err != nil {
			c.t.Errorf("%v", err)
			continue
		}
		for _, id := range []string{docs.HomeBlock, docs.SessionBlock} {
			if doc.Edited(id) {
				c.t.Errorf("%s: block %s is not what recon wrote", name, id)
			}
		}
	}
	if text := c.read("CLAUDE.md"); !strings.HasPrefix(text, "# Mine\n\n<!-- recon:begin") || !strings.HasSuffix(text, "-->\n\nThe end.\n") {
		c.t.Errorf("bytes outside the markers changed:\n%s", text)
	}
}

// converges runs recon until everything is in sync, which may take it a few runs:
// one that was killed left work in flight.
func (c *chaos) converges() {
	c.t.Helper()
	c.idle()
	for range 4 {
		if code := c.home.run("apply", "--yes", "--allow", "destroy", "--allow-bulk"); code == api.ExitOK {
			break
		}
	}
	c.want(api.ExitOK, "plan")
	c.want(api.ExitOK, "context")
	c.want(api.ExitOK, "context", "--check")
	c.whole()
}

// idle waits until no task of the simulator runs: what a killed recon started goes
// on without it.
func (c *chaos) idle() {
	for range 200 {
		w := c.sim.World()
		if !slices.ContainsFunc(w.Guests, func(g *pvesim.Guest) bool { return g.Lock != "" }) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// once checks that nothing happened twice that must not.
func (c *chaos) once() {
	for what, n := range c.sim.Stats().Effects {
		verb, _, _ := strings.Cut(what, " ")
		if n > 1 && (verb == "create" || verb == "clone" || verb == "destroy") {
			c.t.Errorf("%s happened %d times", what, n)
		}
	}
}

// mainEnv makes the test binary behave as recon.
const mainEnv = "RECON_TEST_AS_MAIN"

// asMain runs recon instead of the tests when it is asked to.
func asMain() {
	if os.Getenv(mainEnv) != "" {
		os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
}
