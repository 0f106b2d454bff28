package pvesim

import (
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"recon/providers/proxmox/pvesim/schemacheck"
)

// Clients that were not written for the simulator have to work on it.

// schemas holds the requests of these clients against the official schema.
var schemas schemacheck.Cache

// clientSim starts the empty node that the clients' scripts expect. Every request
// is held against the official schema where that is to be had.
func clientSim(t *testing.T) *Server {
	t.Helper()
	opts := Options{World: Single(), StatCycle: -1, AuthDelay: -1, NodeDelay: -1, OnRequest: schemas.Hook(t, "")}
	s, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// login is what the clients are told: host, port, user, token and secret.
func login(t *testing.T, s *Server) (host, port, user, token, secret string) {
	t.Helper()
	u, err := url.Parse(s.Endpoint())
	if err != nil {
		t.Fatal(err)
	}
	if host, port, err = net.SplitHostPort(u.Host); err != nil {
		t.Fatal(err)
	}
	id, secret, _ := strings.Cut(s.Token(), "=")
	user, token, _ = strings.Cut(id, "!")
	return host, port, user, token, secret
}

func TestProxmoxer(t *testing.T) {
	const python = "/usr/bin/python3" // Debian's modules belong to Debian's interpreter
	if err := exec.Command(python, "-c", "import proxmoxer, requests").Run(); err != nil {
		t.Skip("needs Debian's python3-proxmoxer, which make deps installs as root")
	}
	host, port, user, token, secret := login(t, clientSim(t))
	cmd := exec.Command(python, "-W", "ignore", "testdata/clients/proxmoxer_walk.py", host, port, user, token, secret)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestAnsible(t *testing.T) {
	const ansible = "/usr/bin/ansible-playbook"
	if _, err := os.Stat(ansible); err != nil {
		t.Skip("needs Debian's ansible, which make deps installs as root")
	}
	host, port, user, token, secret := login(t, clientSim(t))
	playbook, err := filepath.Abs("testdata/clients/guests.yml")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(ansible, "-i", "localhost,", playbook, "-e", "api_host="+net.JoinHostPort(host, port), "-e", "api_user="+user, "-e", "api_token_id="+token, "-e", "api_token_secret="+secret,
		"-e", "ansible_python_interpreter=/usr/bin/python3")
	cmd.Env = append(os.Environ(), "PYTHONWARNINGS=ignore", "HOME="+t.TempDir(), "ANSIBLE_NOCOLOR=1", "ANSIBLE_PYTHON_INTERPRETER=/usr/bin/python3", "LC_ALL=C.UTF-8")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
