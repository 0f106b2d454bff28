package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/rogpeppe/go-internal/txtar"
	"golang.org/x/sys/unix"

	"recon/providers/proxmox/pvesim"
)

func TestMain(m *testing.M) {
	asMain()
	// A program that watches for races sleeps for a second before it ends; there are
	// some hundred of them here, and each says before that what it saw.
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0"); err != nil {
		panic(err)
	}
	if err := flag.Set("rapid.checks", "15"); err != nil { // each of them runs commands; -rapid.checks asks for more
		panic(err)
	}
	asEngine()
	testscript.Main(tidy{m}, map[string]func(){"fake-terraform": fakeTerraform, "bare-client": bareClient})
}

// built is recon as people get it, made when the first test asks for it.
var built struct {
	sync.Once
	path string
	err  error
}

// program is the path of the program that people get: without the race detector, whose
// processes take five times as long and much more memory.
func program(t *testing.T) string {
	t.Helper()
	built.Do(func() {
		dir, err := os.MkdirTemp("", "recon-built")
		if err != nil {
			built.err = err
			return
		}
		built.path = filepath.Join(dir, "recon")
		if out, err := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", built.path, ".").CombinedOutput(); err != nil {
			built.err = fmt.Errorf("%w\n%s", err, out)
		}
	})
	if built.err != nil {
		t.Fatalf("recon is not built: %v", built.err)
	}
	return built.path
}

// tidy removes the program after the tests.
type tidy struct{ *testing.M }

func (m tidy) Run() int {
	code := m.M.Run()
	if built.path != "" {
		if err := os.RemoveAll(filepath.Dir(built.path)); err != nil {
			panic(err)
		}
	}
	return code
}

// TestScripts runs the txtar scripts in testdata: what a user types, and what the
// program answers. Beside testscript's own commands they have:
//
//	sim WORLD [fault...]   start a simulated cluster: home, single, or a JSON file.
//	                       Its address, token and certificate go into the environment
//	                       and into cluster.recon.hcl.
//	pve METHOD PATH [k=v]  change the cluster as somebody else would
//	fault [SPEC...]        set the simulator's faults; none clears them
//	token ID [--privsep] [PATH=ROLE,...]...
//	                       have recon use this token from now on, with these rights
//	role NAME PRIVILEGE... make a role
//	edit FILE OLD NEW      replace text in a file; a blank matches any number of them
//	exits CODE ARGS...     run recon and check its exit code; with NETWORK set to
//	                       $NETWORK_NAME it runs on the engine's host, as to ports
//	terminal COLUMNS CODE ARGS...
//	                       run recon on a terminal of that width and check its exit code;
//	                       what the terminal shows is stdout
//	answers FILE           compare what it printed, times and dates apart
//	engine NAME            start a Docker engine of its own with NAME.json as its
//	                       daemon.json, and write its host block into NAME.recon.hcl
//	machine NAME...        a host that NAME.yaml describes, in the words of a compose file
//	service NAME FILE      a service over TLS that answers as the file says, whatever it
//	                       says at that time; NAME_URL is where, NAME.pem its authority
//	docker NAME ARGS       run the Docker command line against that engine
//
// The condition [docker] says whether a Docker engine can be started here.
func TestScripts(t *testing.T) {
	bin := filepath.Dir(program(t))
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("NO_COLOR", "1")
			e.Setenv("TZ", "UTC")
			e.Setenv("PATH", bin+string(filepath.ListSeparator)+e.Getenv("PATH"))
			e.Values[simKey{}] = &scriptSim{t: t}
			return nil
		},
		Cmds:      map[string]func(*testscript.TestScript, bool, []string){"sim": cmdSim, "pve": cmdPVE, "fault": cmdFault, "token": cmdToken, "role": cmdRole, "edit": cmdEdit, "exits": cmdExits, "terminal": cmdTerminal, "engine": cmdEngine, "docker": cmdDocker, "answers": cmdAnswers, "machine": cmdMachine, "service": cmdService},
		Condition: hasPart,
	})
}

// scripts is the folder of the scripts, whatever folder a test changes to.
var scripts, _ = filepath.Abs("testdata")

type simKey struct{}

// A scriptSim is the simulator of one script, and an account on it that is not
// recon's.
type scriptSim struct {
	t      *testing.T
	server *pvesim.Server
	user   *simUser
}

func cmdSim(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 1 {
		ts.Fatalf("usage: sim WORLD [fault...]")
	}
	name := args[0]
	if strings.HasSuffix(name, ".json") {
		name = ts.MkAbs(name)
	}
	world, err := pvesim.LoadWorld(name)
	ts.Check(err)
	s := ts.Value(simKey{}).(*scriptSim)
	if s.server != nil {
		ts.Check(s.server.Close())
	}
	s.server, err = pvesim.New(pvesim.Options{
		World: world, StatCycle: -1, NodeDelay: 20 * time.Millisecond, AuthDelay: -1, Faults: args[1:], OnRequest: schemas.Hook(s.t, ""),
	})
	ts.Check(err)
	ts.Defer(func() { s.server.Close() })
	s.user, err = newSimUser(s.server, "lena@pve")
	ts.Check(err)
	ts.Setenv("PVE_TOKEN", s.server.Token())
	ts.Setenv("PVE_ENDPOINT", s.server.Endpoint())
	ts.Setenv("PVE_FINGERPRINT", s.server.Fingerprint())
	block := fmt.Sprintf("proxmox \"home\" {\n  endpoints   = [%q]\n  token       = env(\"PVE_TOKEN\")\n  fingerprint = %q\n}\n", s.server.Endpoint(), s.server.Fingerprint())
	ts.Check(os.WriteFile(ts.MkAbs("cluster.recon.hcl"), []byte(block), 0o644))
	if _, err := os.Stat(ts.MkAbs("recon.hcl")); os.IsNotExist(err) {
		ts.Check(os.WriteFile(ts.MkAbs("recon.hcl"), nil, 0o644))
	}
}

func cmdPVE(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: pve METHOD PATH [k=v...]")
	}
	s := ts.Value(simKey{}).(*scriptSim)
	if args[0] == "GET" {
		data, err := s.user.do(context.Background(), "GET", args[1], nil)
		if neg && err != nil {
			return
		}
		ts.Check(err)
		pretty, err := json.MarshalIndent(data, "", "  ")
		ts.Check(err)
		fmt.Fprintln(ts.Stdout(), string(pretty))
		return
	}
	err := s.user.call(context.Background(), args[0], args[1], args[2:]...)
	switch {
	case neg && err == nil:
		ts.Fatalf("the call succeeded")
	case !neg:
		ts.Check(err)
	}
}

func cmdFault(ts *testscript.TestScript, _ bool, args []string) {
	s := ts.Value(simKey{}).(*scriptSim)
	s.server.ClearFaults()
	for _, f := range args {
		ts.Check(s.server.AddFault(f))
	}
}

func cmdEdit(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: edit FILE OLD NEW")
	}
	file := ts.MkAbs(args[0])
	text, err := os.ReadFile(file)
	ts.Check(err)
	lines := strings.NewReplacer(`\n`, "\n")
	pattern := regexp.MustCompile(strings.ReplaceAll(regexp.QuoteMeta(lines.Replace(args[1])), " ", " +"))
	at := pattern.FindIndex(text)
	if at == nil {
		ts.Fatalf("%s holds no %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(file, slices.Concat(text[:at[0]], []byte(lines.Replace(args[2])), text[at[1]:]), 0o644))
}

// cmdExits runs recon and checks its exit code: exits CODE ARGS...
func cmdExits(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 1 {
		ts.Fatalf("usage: exits CODE ARGS...")
	}
	command := append([]string{"recon"}, args[1:]...)
	if network := ts.Getenv("NETWORK"); network != "" {
		command = append([]string{"nsenter", "--net=" + network, "--"}, command...)
	}
	err := ts.Exec(command[0], command[1:]...)
	code := 0
	if err != nil {
		var exit interface{ ExitCode() int }
		if e, ok := err.(interface{ ExitCode() int }); ok {
			exit = e
		}
		if exit == nil {
			ts.Fatalf("recon did not run: %v", err)
		}
		code = exit.ExitCode()
	}
	if fmt.Sprint(code) != args[0] {
		ts.Fatalf("recon %s exited with %d, not %s", strings.Join(args[1:], " "), code, args[0])
	}
}

// cmdTerminal runs recon on a terminal: terminal COLUMNS CODE ARGS... It reads the terminal
// to its end, while testscript's own ttyout loses what it has not read when a program ends.
func cmdTerminal(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 3 {
		ts.Fatalf("usage: terminal COLUMNS CODE ARGS...")
	}
	columns, err := strconv.ParseUint(args[0], 10, 16)
	ts.Check(err)
	master, slave := openTerminal(ts.Value(simKey{}).(*scriptSim).t)
	ts.Check(unix.IoctlSetWinsize(int(slave.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: uint16(columns)}))
	cmd := exec.Command(program(ts.Value(simKey{}).(*scriptSim).t), args[2:]...)
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = ts.MkAbs("."), slave, slave, slave
	for _, name := range []string{"HOME", "NO_COLOR", "TZ", "PATH", "PVE_TOKEN"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	err = cmd.Start()
	ts.Check(err)
	ts.Check(slave.Close()) // with the program's end the last one who writes is gone
	_, _ = io.Copy(ts.Stdout(), master)
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); fmt.Sprint(code) != args[1] {
		ts.Fatalf("recon %s exited with %d, not %s", strings.Join(args[2:], " "), code, args[1])
	}
}

var (
	update    = flag.Bool("update", false, "write golden files anew")
	durations = regexp.MustCompile(`\b\d+(\.\d+)?(ms|s)\b`)
	ports     = regexp.MustCompile(`127\.0\.0\.1:([1-9]\d{4}|PORT)\b`) // of servers that take any
	dates     = regexp.MustCompile(`\d{4}-\d\d-\d\d( \d\d:\d\d)?`)
)

// cmdAnswers compares the last output with a file of the script. With -update the
// script is written anew.
func cmdAnswers(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: answers FILE")
	}
	got := normal(ts.ReadFile("stdout"))
	if got == ts.ReadFile(args[0]) {
		return
	}
	if !*update {
		ts.Fatalf("the output is not that of %s:\n%s", args[0], diff.Diff(args[0], []byte(ts.ReadFile(args[0])), "output", []byte(got)))
	}
	file := filepath.Join(scripts, ts.Name()+".txtar")
	a, err := txtar.ParseFile(file)
	ts.Check(err)
	for i := range a.Files {
		if a.Files[i].Name == args[0] {
			a.Files[i].Data = []byte(got)
		}
	}
	ts.Check(os.WriteFile(file, txtar.Format(a), 0o644))
}
