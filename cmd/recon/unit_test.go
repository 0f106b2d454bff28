package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"recon/providers/docker/enginetest"
)

// simUnit is a simulated Proxmox on the machine.
const simUnit = `[Service]
ExecStart=/usr/bin/recon sim --listen 127.0.0.1:8006 -o json
StandardOutput=file:/run/sim.json
`

// unitProject is a project as docs/deploy.md has it, but in a hurry.
const unitProject = `proxmox "home" {
  endpoints   = [%q]
  token       = file("/run/credentials/recon.service/token_pve")
  fingerprint = %q
}

context {
  claude_md = "CLAUDE.md"
}

schedule "drift" {
  cron   = "@every 1s"
  action = "drift"
}

page {
  listen = "127.0.0.1:8100"
}
`

// buildRecon builds the program as it is shipped.
func buildRecon(t *testing.T, into string) {
	cmd := exec.Command("go", "build", "-trimpath", "-o", into, ".")
	cmd.Dir = filepath.Dir(scripts)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build recon: %v\n%s", err, out)
	}
}

// A unitMachine has recon.service as it is shipped, and a simulated Proxmox.
type unitMachine struct {
	*enginetest.Machine
	t *testing.T
}

// bootUnit boots a machine on which somebody did what docs/deploy.md says.
func bootUnit(t *testing.T) *unitMachine {
	m := &unitMachine{t: t, Machine: enginetest.BootInto(t, "basic.target", map[string]string{
		"/etc/systemd/system/recon.service":                  deploy(t, "recon.service"),
		"/etc/systemd/system/recon.service.d/impatient.conf": "[Service]\nWatchdogSec=5s\nRestartSec=100ms\n", // 30 s are long to watch
		"/etc/systemd/system/sim.service":                    simUnit,
		"/etc/sysusers.d/recon.conf":                         deploy(t, "recon.sysusers"),
	})}
	buildRecon(t, m.Root+"/usr/bin/recon")
	m.awaitUp()
	m.Run(t, "systemd-sysusers")
	m.Run(t, "systemctl", "start", "sim")
	var sim struct{ Endpoint, Token, Fingerprint string }
	eventually(t, "the simulator runs", func() bool {
		b, err := os.ReadFile(m.Root + "/run/sim.json")
		return err == nil && json.Unmarshal(b, &sim) == nil
	})
	m.Run(t, "install", "-d", "-m", "700", "/etc/recon/tokens")
	m.Run(t, "install", "-d", "-m", "750", "-o", "recon", "-g", "recon", "/var/lib/recon")
	m.put("/etc/recon/tokens/pve", sim.Token+"\n", 0o600)
	m.put("/var/lib/recon/recon.hcl", fmt.Sprintf(unitProject, sim.Endpoint, sim.Fingerprint), 0o644)
	return m
}

// awaitUp waits until its systemd does what it is told.
func (m *unitMachine) awaitUp() {
	m.t.Helper()
	eventually(m.t, "the machine is up", func() bool {
		return exec.Command(m.Enter()[0], append(m.Enter()[1:], "systemctl", "is-active", "basic.target")...).Run() == nil
	})
}

func (m *unitMachine) put(name, text string, mode os.FileMode) {
	m.t.Helper()
	if err := os.WriteFile(m.Root+name, []byte(text), mode); err != nil {
		m.t.Fatal(err)
	}
}

// show is what systemd has to say of recon.service.
func (m *unitMachine) show(property string) string {
	m.t.Helper()
	return strings.TrimSpace(m.Run(m.t, "systemctl", "show", "recon", "--value", "-p", property))
}

// TestUnit: systemd starts the unit as it is shipped and hears that it is ready, the
// sandbox is in the way of no run, a daemon that stands still is started anew, and a stop is
// graceful. It skips the machine's network: the Proxmox is on it.
func TestUnit(t *testing.T) {
	m := bootUnit(t)
	m.Run(t, "systemctl", "start", "recon")
	defer func() {
		if t.Failed() {
			t.Log(m.Run(t, "journalctl", "--no-pager", "-n", "80", "-u", "recon"))
		}
	}()
	if state := m.show("ActiveState") + " " + m.show("SubState") + " " + m.show("NotifyAccess"); state != "active running main" {
		t.Fatalf("recon.service is %s", state)
	}
	m.Run(t, "systemd-run", "--wait", "--pipe", "--quiet", "--uid=recon", "recon", "-C", "/var/lib/recon", "import", "--all")
	eventually(t, "a run of the daemon has looked at what was imported, and written it", func() bool {
		said := m.Run(t, "journalctl", "--no-pager", "-o", "cat", "-u", "recon")
		return strings.Contains(said, "The page is at http://127.0.0.1:8100") && strings.Contains(said, "drift: 26 managed")
	})
	if doc, err := os.ReadFile(m.Root + "/var/lib/recon/CLAUDE.md"); err != nil || !strings.Contains(string(doc), "docker-media") {
		t.Errorf("CLAUDE.md: %v %s", err, doc)
	}
	m.Run(t, "systemd-analyze", "verify", "/etc/systemd/system/recon.service")
	m.Run(t, "systemd-analyze", "security", "--no-pager", "--threshold=16", "recon.service")

	frozen := m.show("MainPID")
	m.Run(t, "kill", "-STOP", frozen)
	eventually(t, "the daemon that stands still is replaced", func() bool {
		return m.show("NRestarts") != "0" && m.show("SubState") == "running" && m.show("MainPID") != frozen
	})
	if out := m.Run(t, "journalctl", "--no-pager", "-u", "recon"); !strings.Contains(out, "Watchdog timeout") {
		t.Errorf("it was another thing that ended it: %s", out)
	}

	begin := time.Now()
	m.Run(t, "systemctl", "stop", "recon")
	if took := time.Since(begin); took > 15*time.Second || m.show("Result") != "success" || m.show("ExecMainStatus") != "0" {
		t.Errorf("a stop took %s and came to %s, exit %s", took, m.show("Result"), m.show("ExecMainStatus"))
	}
}
