package docker_test

import (
	"strings"
	"testing"
	"time"

	"recon/providers/docker"
	"recon/providers/docker/enginetest"
	"recon/providers/sshhost"
	"recon/providers/sshhost/sshdtest"
	"recon/reconcile"
)

// TestSystemd goes to a machine as most are: systemd has docker.service, and the timer
// that undoes a change when recon is gone.
func TestSystemd(t *testing.T) {
	m := enginetest.Boot(t, `{"debug": true}`, map[string]string{
		// The connection breaks in the middle of a restart when this file is there.
		"/etc/systemd/system/docker.service.d/cut.conf": "[Service]\nExecStartPre=-/bin/sh -c '[ ! -f /opt/cut ] || { rm /opt/cut; pkill -KILL -x sshd; }'\n",
	})
	m.Load(t)
	m.Docker(t, "run", "-d", "--name", "always", "--restart", "always", "--network", "none", enginetest.Image)
	m.Docker(t, "run", "-d", "--name", "never", "--network", "none", enginetest.Image)
	home := sshdtest.Home(t)
	b := &bench{Engine: m.Engine, t: t}
	connect := func(deadMan time.Duration) {
		s := sshdtest.StartIn(t, sshdtest.Place{Root: m.Root, Enter: m.Enter()}, home)
		s.Trust(t, home)
		b.config = docker.Config{Host: sshhost.Config{Name: "box", Address: "127.0.0.1", Port: s.Port, User: "root"}, Declared: true, Patience: patience, DeadMan: deadMan}
		b.fresh()
	}
	bothRun := func() bool { got := b.Running(); return got == "never always" || got == "always never" }
	connect(time.Minute)

	t.Run("restart", func(t *testing.T) {
		b.mustApply(wish(dns("192.0.2.53")))
		b.awaitRunning("always", "never")
		if units := m.Run(t, "systemctl", "list-units", "--all", "--no-legend", "recon-undo-*"); units != "" {
			t.Errorf("the timer is still there: %s", units)
		}
	})
	t.Run("rollback", func(t *testing.T) {
		before := b.Read(t)
		r := b.apply(wish(badBIP))
		if r.Status != reconcile.StatusFailed || r.Err == nil || !strings.Contains(r.Err.Error(), "the file with which the daemon ran before is back") || !strings.Contains(r.Err.Error(), "10.213.0.0") {
			t.Errorf("%s: %v", r.Status, r.Err)
		}
		if got := b.Read(t); got != before {
			t.Errorf("daemon.json: %s", got)
		}
		b.awaitRunning("always", "never")
	})
	t.Run("lost", func(t *testing.T) {
		before := b.Read(t)
		connect(8 * time.Second)
		m.Run(t, "touch", "/opt/cut")
		if r := b.apply(wish(dns("192.0.2.99"))); r.Status != reconcile.StatusUnknown {
			t.Fatalf("%s: %v", r.Status, r.Err)
		}
		if !strings.Contains(b.Read(t), "192.0.2.99") {
			t.Fatal("nothing was written before the cut")
		}
		for deadline := time.Now().Add(40 * time.Second); b.Read(t) != before || !bothRun(); time.Sleep(200 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("the host did not undo the change: %s; running: %q", b.Read(t), b.Running())
			}
		}
		connect(time.Minute)
		b.mustApply(wish(dns("192.0.2.54")))
	})
}
