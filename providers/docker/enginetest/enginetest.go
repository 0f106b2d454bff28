// Package enginetest starts a real Docker engine for tests: on a socket, data root,
// pid file, network and control group of its own, with an image made of one static
// program. It ends only what it started.
package enginetest

import (
	"archive/tar"
	"bytes"
	"errors"
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
	for _, p := range []string{"dockerd", "docker", "setsid", "nsenter"} {
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
	t.Cleanup(e.end)
	if daemonJSON != "" {
		e.Write(t, daemonJSON)
	}
	if err := e.makeNetwork(); err != nil {
		t.Skipf("skipped: no network of its own for a Docker engine: %v", err)
	}
	line := fmt.Sprintf("nsenter --net=%s dockerd --config-file %s -H unix://%s --data-root %s/data --exec-root %[4]s/exec --pidfile %[5]s --cgroup-parent /%[6]s --iptables=false %[7]s",
		e.Network(), e.Config, e.Socket, dir, e.pidFile, filepath.Base(dir), strings.Join(flags, " "))
	script := fmt.Sprintf(`#!/bin/sh
# What a unit's restart does: stop, start, wait until it answers or has failed.
if [ -f %[2]s ]; then
	pid=$(cat %[2]s); kill "$pid" 2>/dev/null
	i=0; while [ -d "/proc/$pid" ] && [ $i -lt 300 ]; do sleep 0.1; i=$((i+1)); done
fi
rm -f %[2]s
TMPDIR=%[3]s setsid %[1]s </dev/null >>%[3]s/log 2>&1 & # where containerd writes what it was doing when it was slow
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

// Users of the host that a rootless engine has: its owner is root inside.
const (
	RootlessUser = 4242
	RootlessBase = 100_000 // user 1 inside
)

// StartRootless starts an engine as a user who is not root, in a user namespace of its
// own, with its settings in that user's folders. What rootlesskit(1) does beside that
// concerns the network, of which the engine has none.
func StartRootless(t T, daemonJSON string) *Engine {
	t.Helper()
	if why := Missing(); why != "" {
		t.Skip("skipped: " + why)
	}
	dir, err := os.MkdirTemp("", "recon-engine-")
	if err != nil {
		t.Fatal(err)
	}
	run, settings := dir+"/run", dir+"/home/.config/docker"
	e := &Engine{Dir: dir, Socket: run + "/docker.sock", Config: settings + "/daemon.json", pidFile: dir + "/pid"}
	t.Cleanup(e.end)
	for _, d := range []string{run, settings} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	e.Write(t, daemonJSON)
	if out, err := exec.Command("chown", "-R", fmt.Sprintf("%d:%[1]d", RootlessUser), dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	log, err := os.Create(dir + "/log")
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command("sh", "-c", `mount -t tmpfs tmpfs /run && exec dockerd --storage-driver vfs --iptables=false --bridge=none --data-root "$1/data"`, "sh", dir)
	// The value of the first one has a line that looks like a variable.
	cmd.Env = []string{"NOTE=two\nHOME=/nowhere", "PATH=" + os.Getenv("PATH"), "HOME=" + dir + "/home", "XDG_RUNTIME_DIR=" + run, "ROOTLESSKIT_STATE_DIR=" + run + "/rootlesskit"}
	cmd.Stdout, cmd.Stderr = log, log
	ids := []syscall.SysProcIDMap{{HostID: RootlessUser, Size: 1}, {ContainerID: 1, HostID: RootlessBase, Size: 65536}}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWNET,
		UidMappings: ids, GidMappings: ids, GidMappingsEnableSetgroups: true, Credential: &syscall.Credential{}, Setpgid: true,
	}
	err = cmd.Start()
	for _, refusal := range []error{syscall.EPERM, syscall.EINVAL, syscall.ENOSPC} {
		if errors.Is(err, refusal) {
			t.Skipf("skipped: this machine allows no user namespaces: %v", err)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		cmd.Wait()
	}()
	if err := os.WriteFile(e.pidFile, []byte(strconv.Itoa(cmd.Process.Pid)), 0o644); err != nil {
		t.Fatal(err)
	}
	for range 300 {
		if _, err := e.docker(nil, "version"); err == nil {
			return e
		}
		select {
		case <-ended:
			text, _ := os.ReadFile(dir + "/log")
			t.Fatalf("the rootless Docker engine ended: %s", text)
		case <-time.After(100 * time.Millisecond):
		}
	}
	text, _ := os.ReadFile(dir + "/log")
	t.Fatalf("the rootless Docker engine does not start: %s", text)
	return nil
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

// Try is Docker for a command that may fail.
func (e *Engine) Try(args ...string) (string, error) { return e.docker(nil, args...) }

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

// end stops the engine and what it left. A restart may be under way, so its processes
// are found by the engine's folder, which each of them names.
func (e *Engine) end() {
	e.removeContainers()
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		for range 100 {
			pids := e.processes()
			if len(pids) == 0 {
				break
			}
			for _, pid := range pids {
				syscall.Kill(pid, signal)
			}
			time.Sleep(100 * time.Millisecond)
		}
	}
	e.unmount()
	e.removeGroups()
	os.RemoveAll(e.Dir)
}

// processes returns what runs for the engine: while it runs, it alone, since it ends the
// others in good order.
func (e *Engine) processes() []int {
	var engine, others []int
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, f := range files {
		args, _ := os.ReadFile(f)
		if !bytes.Contains(args, []byte(e.Dir+"/")) {
			continue
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(f)))
		if filepath.Base(string(bytes.SplitN(args, []byte{0}, 2)[0])) == "dockerd" {
			engine = append(engine, pid)
		} else {
			others = append(others, pid)
		}
	}
	if len(engine) > 0 {
		return engine
	}
	return others
}

func (e *Engine) removeContainers() {
	out, err := e.docker(nil, "ps", "-aq")
	if ids := strings.Fields(out); err == nil && len(ids) > 0 {
		e.docker(nil, append([]string{"rm", "-f"}, ids...)...)
	}
}

// removeGroups takes away the control groups that the engine leaves, in either of the
// kernel's hierarchies. The kernel removes none that is in use.
func (e *Engine) removeGroups() {
	for _, pattern := range []string{"/sys/fs/cgroup/", "/sys/fs/cgroup/*/"} {
		groups, _ := filepath.Glob(pattern + filepath.Base(e.Dir))
		for _, g := range groups {
			inner, _ := filepath.Glob(g + "/*/")
			for _, dir := range append(inner, g) {
				syscall.Rmdir(dir)
			}
		}
	}
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
