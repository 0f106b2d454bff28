package main

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"recon/providers/docker/enginetest"
)

var packages = flag.String("package", "", "folder with what make packages has built")

// TestPackage installs the .deb on a machine: everything is where it belongs, tokens are
// root's alone, and nothing is started that nobody asked for.
func TestPackage(t *testing.T) {
	if *packages == "" {
		t.Skip("skips the .deb, which make packages builds and has tested")
	}
	debs, _ := filepath.Glob(filepath.Join(*packages, "*_linux_amd64.deb"))
	if len(debs) != 1 {
		t.Fatalf("packages for this machine: %v", debs)
	}
	deb, err := os.ReadFile(debs[0])
	if err != nil {
		t.Fatal(err)
	}
	m := &unitMachine{t: t, Machine: enginetest.BootInto(t, "basic.target", map[string]string{"/opt/recon.deb": string(deb)})}
	m.awaitUp()
	m.Run(t, "dpkg", "--force-depends", "-i", "/opt/recon.deb")
	got := m.Run(t, "stat", "-c", "%n %a %U", "/usr/bin/recon", "/usr/lib/systemd/system/recon.service", "/etc/recon/tokens", "/var/lib/recon")
	want := "/usr/bin/recon 755 root\n/usr/lib/systemd/system/recon.service 644 root\n/etc/recon/tokens 700 root\n/var/lib/recon 750 recon\n"
	if got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
	if state := m.show("ActiveState") + " " + m.show("UnitFileState"); state != "inactive disabled" {
		t.Errorf("after the installation recon.service is %s", state)
	}
	if text := m.Run(t, "recon", "version"); !strings.Contains(text, version) {
		t.Errorf("recon version: %s", text)
	}
	m.Run(t, "systemctl", "enable", "recon")
	m.Run(t, "dpkg", "-r", "recon")
	if left := m.Run(t, "sh", "-c", "ls -d /usr/bin/recon /etc/systemd/system/*/recon.service /var/lib/recon 2>/dev/null || true"); left != "/var/lib/recon\n" {
		t.Errorf("what stays after the removal: %s", left)
	}
}
