//go:build linux

// Leftovers runs a command, such as the tests, and says what is there afterwards that
// was not before: files in the tree, temporary files, mounts, networks, users, control
// groups and processes. Processes are found by descent: what a test starts and leaves
// becomes a child of this program, whoever started it and whatever it is called.
//
//	go run ./.ci/leftovers COMMAND ARGS...
//
// It exits as the command does, with 1 when that succeeded and left something.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// patience is how long what ends by itself may take.
const patience = 5 * time.Second

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: leftovers COMMAND ARGS...")
		os.Exit(2)
	}
	code, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "leftovers:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// run runs the command with a folder for temporary files of its own.
func run(command []string) (code int, err error) {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return 1, fmt.Errorf("have orphans come here: %w", err)
	}
	tmp, err := os.MkdirTemp("", "rt-") // short: sockets lie below it
	if err != nil {
		return 1, err
	}
	defer os.Remove(tmp)
	if err := os.Chmod(tmp, 0o755); err != nil { // other users' programs run there too
		return 1, err
	}
	before := look(tmp)
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = append(os.Environ(), "TMPDIR="+tmp)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		return 1, err
	}
	if code, err = wait(cmd.Process.Pid); err != nil {
		return 1, err
	}
	left := settle(before, tmp)
	end(descendants())
	if len(left) > 0 {
		err = fmt.Errorf("the command left what was not there before:\n  %s", strings.Join(left, "\n  "))
	}
	return code, err
}

// wait takes note of each orphan that ends, at once: who waits for a process to be gone
// would wait for as long as it is not noted. It returns when the command has ended.
func wait(command int) (code int, err error) {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return 1, fmt.Errorf("wait for the command: %w", err)
		case pid == command && status.Signaled():
			return 128 + int(status.Signal()), nil
		case pid == command:
			return status.ExitStatus(), nil
		}
	}
}

// settle returns what is still there when nothing goes away any more.
func settle(before map[string]bool, tmp string) (left []string) {
	for deadline := time.Now().Add(patience); ; time.Sleep(200 * time.Millisecond) {
		left = nil
		for thing := range look(tmp) {
			if !before[thing] {
				left = append(left, thing)
			}
		}
		if len(left) == 0 || time.Now().After(deadline) {
			slices.Sort(left)
			return left
		}
	}
}

// look says what is there, each thing as a line.
func look(tmp string) map[string]bool {
	seen := map[string]bool{}
	add := func(what string, things []string) {
		for _, t := range things {
			seen[what+": "+t] = true
		}
	}
	add("file in the tree", treeFiles())
	add("temporary file", names(tmp+"/*"))
	add("mount", mounts(tmp))
	add("network", names("/sys/class/net/*"))
	add("control group", append(names("/sys/fs/cgroup/*/"), names("/sys/fs/cgroup/*/*/")...))
	add("user", lines("/etc/passwd"))
	for _, p := range descendants() {
		add("process", []string{p.String()})
	}
	return seen
}

// treeFiles returns what git sees besides what is committed, ignored files included.
func treeFiles() []string {
	out, err := exec.Command("git", "status", "--porcelain", "--ignored").Output()
	if err != nil {
		return nil // not a clone, so nobody commits from here
	}
	return strings.Split(strings.TrimRight(string(out), "\n"), "\n")
}

func names(pattern string) []string {
	found, _ := filepath.Glob(pattern) // the patterns are well formed
	return found
}

func lines(file string) []string {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	return strings.Split(strings.TrimRight(string(text), "\n"), "\n")
}

// mounts returns where something is mounted. What lies in the temporary folder of
// another run belongs to that run.
func mounts(tmp string) []string {
	var points []string
	for _, line := range lines("/proc/self/mountinfo") {
		if f := strings.Fields(line); len(f) > 4 && (below(f[4], tmp) || !below(f[4], os.TempDir())) {
			points = append(points, f[4])
		}
	}
	return points
}

func below(path, dir string) bool { return strings.HasPrefix(path, dir+"/") }

// A process is one that runs.
type process struct {
	pid, parent int
	args        string
}

func (p process) String() string { return fmt.Sprintf("%d %s", p.pid, p.args) }

// descendants returns the processes that descend from this one, after it has taken
// note of those that ended. The look itself leaves none: it waits for git.
func descendants() []process {
	for {
		if pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); pid <= 0 || err != nil {
			break
		}
	}
	var all []process
	for _, dir := range names("/proc/[0-9]*") {
		if p, ok := readProcess(dir); ok {
			all = append(all, p)
		}
	}
	ours := map[int]bool{os.Getpid(): true}
	var found []process
	for grown := true; grown; {
		grown = false
		for _, p := range all {
			if ours[p.parent] && !ours[p.pid] {
				ours[p.pid], grown = true, true
				found = append(found, p)
			}
		}
	}
	return found
}

// readProcess reads a folder of /proc; a process may end meanwhile.
func readProcess(dir string) (process, bool) {
	pid, err := strconv.Atoi(filepath.Base(dir))
	stat, err2 := os.ReadFile(dir + "/stat")
	args, err3 := os.ReadFile(dir + "/cmdline")
	if errors.Join(err, err2, err3) != nil {
		return process{}, false
	}
	// After the name, which may hold anything: state and parent.
	rest := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(rest) < 2 {
		return process{}, false
	}
	parent, err := strconv.Atoi(rest[1])
	return process{pid: pid, parent: parent, args: strings.TrimSpace(strings.ReplaceAll(string(args), "\x00", " "))}, err == nil
}

// end ends what was left, so that the next run begins as this one did.
func end(left []process) {
	for _, p := range left {
		syscall.Kill(p.pid, syscall.SIGKILL)
	}
}
