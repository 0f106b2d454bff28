package enginetest

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A Machine is this machine booted once more: its own systemd, in a container over a
// copy of the root file system that is thrown away.
type Machine struct {
	*Engine        // of the docker.service that the distribution brings, after Boot
	Root    string // its root folder, seen from here
	leader  int    // its systemd
	boot    *exec.Cmd
	ended   chan struct{} // closed when it is off
}

// Boot boots a machine whose Docker daemon has the given daemon.json. Settings are
// written to files below its root first. It skips the test when that cannot be done here.
func Boot(t T, daemonJSON string, settings map[string]string) *Machine {
	t.Helper()
	if why := Missing(); why != "" {
		t.Skip("skipped: " + why)
	}
	if _, err := os.Stat("/lib/systemd/system/docker.service"); err != nil {
		t.Skip("skipped: the distribution's docker.service is not there")
	}
	files := map[string]string{"/etc/docker/daemon.json": daemonJSON}
	maps.Copy(files, settings)
	m := BootInto(t, "docker.service", files)
	m.Socket, m.Config = m.Root+"/run/docker.sock", m.Root+"/etc/docker/daemon.json"
	for range 600 {
		if _, err := m.docker(nil, "version"); err == nil {
			return m
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("docker.service does not come up: %s", m.said())
	return nil
}

// BootInto boots a machine into a unit and what that needs, without waiting for it.
func BootInto(t T, unit string, settings map[string]string) *Machine {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("skipped: a machine of its own needs root")
	}
	for _, p := range []string{"/usr/bin/systemd-nspawn", "/usr/bin/nsenter", "/lib/systemd/systemd"} {
		if _, err := os.Stat(p); err != nil {
			t.Skipf("skipped: %s is not there", p)
		}
	}
	dir, err := os.MkdirTemp("", "recon-machine-")
	if err != nil {
		t.Fatal(err)
	}
	m := &Machine{Engine: &Engine{Dir: dir}}
	t.Cleanup(m.off)
	root := m.overlay(t)
	files := map[string]string{"/etc/machine-id": ""}
	maps.Copy(files, settings)
	for name, content := range files {
		if err := os.MkdirAll(filepath.Dir(root+name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(root+name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	m.start(t, root, unit)
	m.Root = fmt.Sprintf("/proc/%d/root", m.leader)
	return m
}

// overlay mounts the copy of the root file system; changes to it stay in memory.
func (m *Machine) overlay(t T) (root string) {
	t.Helper()
	if err := syscall.Mount("tmpfs", m.Dir, "tmpfs", 0, "size=2g"); err != nil {
		t.Skipf("skipped: no file system can be mounted here: %v", err)
	}
	for _, d := range []string{"upper", "work", "root"} {
		if err := os.Mkdir(filepath.Join(m.Dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	root = m.Dir + "/root"
	if err := syscall.Mount("overlay", root, "overlay", 0, fmt.Sprintf("lowerdir=/,upperdir=%[1]s/upper,workdir=%[1]s/work", m.Dir)); err != nil {
		t.Skipf("skipped: no overlay of the root file system can be mounted here: %v", err)
	}
	return root
}

// start boots into a unit and what that needs.
func (m *Machine) start(t T, root, unit string) {
	t.Helper()
	m.boot = exec.Command("systemd-nspawn", "--quiet", "--directory="+root, "--machine="+filepath.Base(m.Dir), "--register=no", "--keep-unit", "--private-network",
		"--capability=all", "--system-call-filter=@keyring bpf", "--tmpfs=/var/lib/docker", "--tmpfs=/var/lib/containerd", "--console=pipe", "--boot", "--", "--unit="+unit)
	m.boot.Env = append(os.Environ(), "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1") // the other one cannot be written there
	console, err := os.Create(m.Dir + "/console")
	if err != nil {
		t.Fatal(err)
	}
	defer console.Close()
	m.boot.Stdout, m.boot.Stderr = console, console
	m.boot.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := m.boot.Start(); err != nil {
		t.Fatal(err)
	}
	m.ended = make(chan struct{})
	go func() {
		defer close(m.ended)
		m.boot.Wait()
	}()
	children := fmt.Sprintf("/proc/%[1]d/task/%[1]d/children", m.boot.Process.Pid)
	for range 100 {
		select {
		case <-m.ended:
			if text := strings.ToLower(m.said()); strings.Contains(text, "not permitted") || strings.Contains(text, "denied") || strings.Contains(text, "not supported") {
				t.Skipf("skipped: this machine boots no container of systemd: %s", text)
			}
			t.Fatalf("systemd-nspawn ended: %s", m.said())
		case <-time.After(100 * time.Millisecond):
		}
		raw, _ := os.ReadFile(children)
		for _, pid := range strings.Fields(string(raw)) {
			if comm, _ := os.ReadFile("/proc/" + pid + "/comm"); string(comm) == "systemd\n" {
				m.leader, _ = strconv.Atoi(pid)
				return
			}
		}
	}
	t.Fatalf("no systemd came up: %s", m.said())
}

// said is what the machine wrote to its console.
func (m *Machine) said() string {
	text, _ := os.ReadFile(m.Dir + "/console")
	return string(text)
}

// Enter is the command that runs others on the machine, in the network of this one.
func (m *Machine) Enter() []string {
	return []string{"nsenter", "-t", strconv.Itoa(m.leader), "-m", "-u", "-i", "-p", "--"}
}

// Run runs a command on the machine and returns what it prints.
func (m *Machine) Run(t T, args ...string) string {
	t.Helper()
	words := append(m.Enter(), args...)
	out, err := exec.Command(words[0], words[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// off ends the machine, and all that ran on it with its first process.
func (m *Machine) off() {
	if m.ended != nil {
		if m.leader > 0 {
			syscall.Kill(m.leader, syscall.SIGKILL)
		} else {
			syscall.Kill(-m.boot.Process.Pid, syscall.SIGKILL)
		}
		select {
		case <-m.ended:
		case <-time.After(10 * time.Second):
		}
	}
	m.unmount()
	syscall.Unmount(m.Dir, syscall.MNT_DETACH)
	os.RemoveAll(m.Dir)
}
