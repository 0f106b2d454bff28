//go:build linux

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestMain(m *testing.M) {
	if os.Getenv("RUN_LEFTOVERS") != "" {
		main()
	}
	os.Exit(m.Run())
}

// TestLeftovers: each kind of thing that a command leaves is named, and a command that
// cleans up after itself goes through with its own exit code.
func TestLeftovers(t *testing.T) {
	tests := []struct {
		name, script, want string
		code               int
		root               bool
	}{
		{name: "nothing", script: "true"},
		{name: "the command's own code", script: "exit 3", code: 3},
		{name: "file in the tree", script: "touch new", want: "file in the tree: ?? new", code: 1},
		{name: "temporary file", script: `touch "$TMPDIR/new"`, want: "temporary file: ", code: 1},
		{name: "tidy", script: `touch "$TMPDIR/new" && rm "$TMPDIR/new"`},
		{name: "process", script: "setsid sleep 61 </dev/null >/dev/null 2>&1 &", want: "process: ", code: 1},
		{name: "process that ends soon", script: "setsid sleep 0.3 </dev/null >/dev/null 2>&1 &"},
		{name: "orphan that ended is gone", script: `(sh -c 'echo $$; sleep 0.2' & ) | (read pid; sleep 2; [ ! -d /proc/$pid ])`},
		{name: "killed by a signal", script: "kill -9 $$", code: 137},
		{name: "process of another environment", script: "env -i setsid sleep 61 </dev/null >/dev/null 2>&1 &", want: "sleep 61", code: 1},
		{name: "mount", script: `mkdir "$TMPDIR/m" && mount -t tmpfs tmpfs "$TMPDIR/m"`, want: "mount: ", code: 1, root: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.root && os.Geteuid() != 0 {
				t.Skip("skipped: only root mounts")
			}
			if !tt.root {
				t.Parallel() // a mount is seen by all, so nothing else runs beside it
			}
			out, code := leftovers(t, tt.script)
			if code != tt.code || !strings.Contains(out, tt.want) || tt.want == "" && out != "" {
				t.Errorf("exit code %d, want %d; output, which wants %q:\n%s", code, tt.code, tt.want, out)
			}
		})
	}
}

// leftovers runs this program over a shell command, in a repository of its own.
func leftovers(t *testing.T, script string) (string, int) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	tree, tmp := t.TempDir(), t.TempDir()
	if out, err := exec.Command("git", "init", "-q", tree).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	cmd := exec.Command(self, "sh", "-c", script)
	cmd.Dir = tree
	cmd.Env = append(os.Environ(), "RUN_LEFTOVERS=1", "TMPDIR="+tmp)
	out, _ := cmd.CombinedOutput()
	for _, m := range mounts(tmp) {
		if below(m, tmp) {
			exec.Command("umount", filepath.Clean(m)).Run()
		}
	}
	return string(out), cmd.ProcessState.ExitCode()
}
