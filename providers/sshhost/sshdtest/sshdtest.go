// Package sshdtest starts real OpenSSH servers on loopback for tests. It ends only
// what it started.
package sshdtest

import (
	"bufio"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// A Server is one sshd.
type Server struct {
	Port    int
	Dir     string
	HostKey ssh.PublicKey
	log     string
	cmd     *exec.Cmd
}

// Need skips the test when a part of the machine is missing, and says which.
func Need(t testing.TB, programs ...string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("skipped: needs root")
	}
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("skipped: %s is not installed", p)
		}
	}
}

// Home makes a home folder with a key, which the servers of the test let in, and
// returns it. It is HOME of the test, which has no SSH agent.
func Home(t testing.TB) string {
	t.Helper()
	home := t.TempDir()
	if err := os.MkdirAll(filepath.Join(home, ".ssh"), 0o700); err != nil {
		t.Fatal(err)
	}
	WriteKey(t, filepath.Join(home, ".ssh", "id_ed25519"))
	t.Setenv("HOME", home)
	t.Setenv("SSH_AUTH_SOCK", "")
	return home
}

// WriteKey makes a key pair: file and file.pub.
func WriteKey(t testing.TB, file string) ssh.PublicKey {
	t.Helper()
	pub, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewPublicKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{file: pem.EncodeToMemory(block), file + ".pub": ssh.MarshalAuthorizedKey(key)} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return key
}

// A Place is where an sshd runs: the zero one is this machine.
type Place struct {
	Root  string   // its root folder
	Enter []string // the command that runs others there
}

// Start starts an sshd that lets in the key of the home folder.
func Start(t testing.TB, home string, options ...string) *Server {
	t.Helper()
	return StartIn(t, Place{}, home, options...)
}

// StartIn starts an sshd in a place, on loopback of this machine. What it runs has
// another home than root: what a machine's profile does is no part of a test.
func StartIn(t testing.TB, in Place, home string, options ...string) *Server {
	t.Helper()
	Need(t, "/usr/sbin/sshd")
	s := &Server{Dir: t.TempDir(), Port: freePort(t)}
	if in.Root != "" {
		s.Dir = filepath.Join(in.Root, "opt", "sshd", filepath.Base(home))
	}
	if err := os.MkdirAll(filepath.Join("/", in.Root, "run", "sshd"), 0o755); err != nil {
		t.Fatalf("sshd needs /run/sshd: %v", err)
	}
	key, err := os.ReadFile(filepath.Join(home, ".ssh", "id_ed25519.pub"))
	if err == nil {
		err = os.MkdirAll(s.Dir, 0o700)
	}
	if err != nil {
		t.Fatal(err)
	}
	s.HostKey = WriteKey(t, filepath.Join(s.Dir, "hostkey"))
	dir := strings.TrimPrefix(s.Dir, in.Root)
	config := fmt.Sprintf("ListenAddress 127.0.0.1:%d\nHostKey %[2]s/hostkey\nPidFile none\nAuthorizedKeysFile %[2]s/authorized_keys\nStrictModes no\nPasswordAuthentication no\nUsePAM no\nPermitRootLogin yes\nLogLevel VERBOSE\nUseDNS no\nSetEnv HOME=%[2]s\n%s\n",
		s.Port, dir, strings.Join(options, "\n"))
	for name, content := range map[string][]byte{"authorized_keys": key, "sshd_config": []byte(config)} {
		if err := os.WriteFile(filepath.Join(s.Dir, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s.log = filepath.Join(s.Dir, "log")
	command := append(slices.Clone(in.Enter), "/usr/sbin/sshd", "-D", "-E", dir+"/log", "-f", dir+"/sshd_config")
	s.cmd = exec.Command(command[0], command[1:]...)
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := s.cmd.Start(); err != nil {
		t.Fatalf("start sshd: %v", err)
	}
	t.Cleanup(s.Stop)
	s.wait(t)
	return s
}

func (s *Server) wait(t testing.TB) {
	t.Helper()
	for range 100 {
		if c, err := net.Dial("tcp", s.Addr()); err == nil {
			c.Close()
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	out, _ := os.ReadFile(s.log)
	t.Fatalf("sshd does not answer: %s", out)
}

// Stop ends the server and its connections.
func (s *Server) Stop() {
	if s.cmd.Process != nil {
		syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
		s.cmd.Wait()
	}
}

// Addr is the server's address with its port.
func (s *Server) Addr() string { return fmt.Sprintf("127.0.0.1:%d", s.Port) }

// Trust writes the server's key into a known_hosts of the home folder.
func (s *Server) Trust(t testing.TB, home string) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(home, ".ssh", "known_hosts"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := fmt.Fprintf(f, "[127.0.0.1]:%d %s", s.Port, ssh.MarshalAuthorizedKey(s.HostKey)); err != nil {
		t.Fatal(err)
	}
}

// Logins returns how many connections the server has let in.
func (s *Server) Logins() int {
	f, err := os.Open(s.log)
	if err != nil {
		return 0
	}
	defer f.Close()
	n := 0
	for sc := bufio.NewScanner(f); sc.Scan(); {
		if strings.Contains(sc.Text(), "Accepted publickey") {
			n++
		}
	}
	return n
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// Pid is the process of the server.
func (s *Server) Pid() int { return s.cmd.Process.Pid }
