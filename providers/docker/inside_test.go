package docker

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// TestUsersAreThoseOfWhoLooks: on a host that is itself a user namespace, as an
// unprivileged LXC is, containers without one of their own have the host's users.
func TestUsersAreThoseOfWhoLooks(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("skipped: needs root")
	}
	cmd := exec.Command("sh", "-c", `
sleep 60 & same=$!
unshare --user --map-root-user sleep 60 & own=$!
sleep 0.3
echo "$same $own"
printf 'c %s -\nc %s -\n' $same $own | sh -c "$1" recon word
kill $same $own`, "sh", insideScript)
	ids := []syscall.SysProcIDMap{{HostID: 100_000, Size: 65536}}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: ids, GidMappings: ids, GidMappingsEnableSetgroups: true, Credential: &syscall.Credential{}}
	out, err := cmd.Output()
	if err != nil {
		t.Skipf("skipped: this machine allows no user namespaces: %v", err)
	}
	first, rest, _ := strings.Cut(string(out), "\n")
	var same, own int
	if _, err := fmt.Sscan(first, &same, &own); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	probe, err := parseInside(rest, "word")
	if err != nil {
		t.Fatal(err)
	}
	if c := probe.containers[same]; c == nil || namespaceOf(c) != nil {
		t.Errorf("users of a container without a namespace of its own: %+v", c)
	}
	if c := probe.containers[own]; c == nil || c.uidMap == "" {
		t.Errorf("users of a container with one: %+v", c)
	}
}
