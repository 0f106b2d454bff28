package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"recon/cmd/recon/internal/api"
	"recon/providers/proxmox/pvesim"
)

// TestReadingNeedsNoWriting: somebody who may only read a project, and somebody who may
// not even read what it remembers, can look all the same, and is told what is missing.
func TestReadingNeedsNoWriting(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("skipped: only root can be somebody else")
	}
	h := newHome(t, pvesim.Options{})
	h.want(api.ExitOK, "import", "media")
	h.want(api.ExitOK, "drift")
	self, err := os.Executable()
	recon := filepath.Join(filepath.Dir(h.dir), "recon")
	if err := errors.Join(err, os.Chmod(filepath.Dir(h.dir), 0o755), os.Chmod(h.dir, 0o755), os.Link(self, recon)); err != nil {
		t.Skipf("skipped: another user cannot be given this program: %v", err)
	}
	look := func(command string) string {
		t.Helper()
		cmd := exec.Command(recon, append([]string{"-C", h.dir}, strings.Fields(command)...)...)
		cmd.Env = append(os.Environ(), mainEnv+"=1", "HOME=/nonexistent")
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 1000, Gid: 1000}}
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", command, err, out)
		}
		return string(out)
	}
	commands := []string{"plan", "inventory", "history", "changes", "show vm.media"}
	for _, c := range commands {
		look(c)
	}
	if err := os.Chmod(filepath.Join(h.dir, ".recon", "ledger.db"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range commands {
		if said := look(c); !strings.Contains(said, "what recon remembers cannot be read") {
			t.Errorf("%s does not say what is missing:\n%s", c, said)
		}
	}
}
