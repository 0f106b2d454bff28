// Package enginetest starts a real Docker engine for tests: on a socket, data root
// and pid file of its own, with an image made of one static program. It ends only
// what it started.
package enginetest

import (
	"archive/tar"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// An Engine is one dockerd.
type Engine struct {
	Dir     string
	Socket  string
	Config  string // its daemon.json
	Restart string // a command that restarts it, as a unit's restart would
	pidFile string
}

// T is what Start needs of a test; *testing.T has it.
type T interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Skip(args ...any)
	Skipf(format string, args ...any)
	Cleanup(func())
}

// Missing says why no engine can be started here, "" when one can.
func Missing() string {
	if os.Geteuid() != 0 {
		return "a Docker engine needs root"
	}
	for _, p := range []string{"dockerd", "docker", "setsid"} {
		if _, err := exec.LookPath(p); err != nil {
			return p + " is not installed"
		}
	}
	return ""
}

// Image is the image whose program is enginetest/tiny.
const Image = "tiny:1"

// Start starts an engine with the given daemon.json. It skips the test when the
// machine cannot run one, and says why.
func Start(t T, daemonJSON string, flags ...string) *Engine {
	t.Helper()
	if why := Missing(); why != "" {
		t.Skip("skipped: " + why)
	}
	dir, err := os.MkdirTemp("", "recon-engine-") // a short path: sockets have at most 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	e := &Engine{Dir: dir, Socket: dir + "/docker.sock", Config: dir + "/daemon.json", pidFile: dir + "/pid", Restart: dir + "/restart"}
	t.Cleanup(func() { e.end(t) })
	if daemonJSON != "" {
		e.Write(t, daemonJSON)
	}
	line := fmt.Sprintf("dockerd --config-file %s -H unix://%s --data-root %s/data --exec-root %s/exec --pidfile %s %s", e.Config, e.Socket, dir, dir, e.pidFile, strings.Join(flags, " "))
	script := fmt.Sprintf(`#!/bin/sh
# What a unit's restart does: stop, start, wait until it answers or has failed.
if [ -f %[2]s ]; then
	pid=$(cat %[2]s); kill "$pid" 2>/dev/null
	i=0; while [ -d "/proc/$pid" ] && [ $i -lt 300 ]; do sleep 0.1; i=$((i+1)); done
fi
rm -f %[2]s
setsid %[1]s </dev/null >>%[3]s/log 2>&1 &
new=$!
i=0
while [ $i -lt 300 ]; do
	docker -H unix://%[4]s version >/dev/null 2>&1 && [ -f %[2]s ] && exit 0
	[ -d "/proc/$new" ] || [ -f %[2]s ] || { tail -n 1 %[3]s/log | cut -c1-200 >&2; exit 1; }
	sleep 0.1; i=$((i+1))
done
echo "dockerd does not answer" >&2
exit 1
`, line, e.pidFile, dir, e.Socket)
	if err := os.WriteFile(e.Restart, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(e.Restart).CombinedOutput(); err != nil {
		log, _ := os.ReadFile(dir + "/log")
		if text := string(log); strings.Contains(text, "not permitted") || strings.Contains(text, "permission denied") {
			t.Skipf("skipped: root of this machine may not run a Docker engine: %s", out)
		}
		t.Fatalf("the Docker engine does not start: %s\n%s", out, log)
	}
	return e
}

// Write writes the engine's daemon.json, as an editor would.
func (e *Engine) Write(t T, daemonJSON string) {
	t.Helper()
	if err := os.WriteFile(e.Config, []byte(daemonJSON), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Read returns the engine's daemon.json.
func (e *Engine) Read(t T) string {
	t.Helper()
	b, err := os.ReadFile(e.Config)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Docker runs the Docker command line against the engine and returns its output.
func (e *Engine) Docker(t T, args ...string) string {
	t.Helper()
	out, err := e.docker(nil, args...)
	if err != nil {
		t.Fatalf("docker %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(out)
}

func (e *Engine) docker(stdin []byte, args ...string) (string, error) {
	cmd := exec.Command("docker", append([]string{"-H", "unix://" + e.Socket}, args...)...)
	cmd.Stdin = bytes.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// Load makes the image.
func (e *Engine) Load(t T) {
	t.Helper()
	program := filepath.Join(e.Dir, "tiny")
	build := exec.Command("go", "build", "-ldflags=-s -w", "-o", program, "recon/providers/docker/enginetest/tiny")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the image's program: %v\n%s", err, out)
	}
	body, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Name: "tiny", Mode: 0o755, Size: int64(len(body))}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(body); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if out, err := e.docker(b.Bytes(), "import", "--change", `ENTRYPOINT ["/tiny"]`, "-", Image); err != nil {
		t.Fatalf("make the image: %v\n%s", err, out)
	}
}

// Running returns the names of the running containers, "" while the engine does not
// answer.
func (e *Engine) Running() string {
	out, err := e.docker(nil, "ps", "--format", "{{.Names}}")
	if err != nil {
		return ""
	}
	return strings.Join(strings.Fields(out), " ")
}

// end stops the engine by its pid, and what it left.
func (e *Engine) end(t T) {
	out, _ := e.docker(nil, "ps", "-aq")
	if ids := strings.Fields(out); len(ids) > 0 {
		e.docker(nil, append([]string{"rm", "-f"}, ids...)...)
	}
	raw, err := os.ReadFile(e.pidFile)
	if err != nil {
		return
	}
	if pid, err := strconv.Atoi(strings.TrimSpace(string(raw))); err == nil {
		syscall.Kill(pid, syscall.SIGTERM)
		for range 100 {
			if syscall.Kill(pid, 0) != nil {
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
	e.unmount()
	os.RemoveAll(e.Dir)
}

// unmount takes away what the engine leaves mounted below its folder.
func (e *Engine) unmount() {
	raw, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return
	}
	lines := strings.Split(string(raw), "\n")
	for i := len(lines) - 1; i >= 0; i-- {
		if f := strings.Fields(lines[i]); len(f) > 4 && strings.HasPrefix(f[4], e.Dir+"/") {
			syscall.Unmount(f[4], syscall.MNT_DETACH)
		}
	}
}
