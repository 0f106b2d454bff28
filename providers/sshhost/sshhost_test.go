package sshhost_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"recon/providers/sshhost"
	"recon/providers/sshhost/sshdtest"
)

func connect(t testing.TB, s *sshdtest.Server, change ...func(*sshhost.Config)) *sshhost.Host {
	t.Helper()
	cfg := sshhost.Config{Name: "box", Address: "127.0.0.1", Port: s.Port, User: "root"}
	for _, c := range change {
		c(&cfg)
	}
	h := sshhost.New(cfg)
	t.Cleanup(h.Close)
	return h
}

func run(t testing.TB, h *sshhost.Host, script string) string {
	t.Helper()
	out, err := h.Run(t.Context(), sshhost.Command{What: "test", Script: script})
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(out)
}

func TestRunKeepsOneConnection(t *testing.T) {
	home := sshdtest.Home(t)
	s := sshdtest.Start(t, home)
	s.Trust(t, home)
	h := connect(t, s)
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			out, err := h.Run(context.Background(), sshhost.Command{What: "echo", Script: `printf '%s' "$1"; cat`, Args: []string{fmt.Sprint("it's ", i)}, Stdin: strings.NewReader("!")})
			if want := fmt.Sprint("it's ", i, "!"); err != nil || out != want {
				t.Errorf("got %q, %v; want %q", out, err, want)
			}
		})
	}
	wg.Wait()
	if n := s.Logins(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
	_, err := h.Run(t.Context(), sshhost.Command{What: "try", Script: "echo oh no >&2; exit 3"})
	var exit *sshhost.ExitError
	if !errors.As(err, &exit) || exit.Code != 3 || !strings.Contains(err.Error(), "oh no") {
		t.Errorf("got %v", err)
	}
}

// sshd refuses sessions above its MaxSessions; those wait for their turn.
func TestSessionsAboveMaxSessionsWait(t *testing.T) {
	home := sshdtest.Home(t)
	s := sshdtest.Start(t, home, "MaxSessions 2")
	s.Trust(t, home)
	h := connect(t, s)
	var wg sync.WaitGroup
	for range 12 {
		wg.Go(func() {
			if _, err := h.Run(t.Context(), sshhost.Command{What: "sleep", Script: "sleep 0.05"}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestNoSessionsAreAllowed(t *testing.T) {
	home := sshdtest.Home(t)
	s := sshdtest.Start(t, home, "MaxSessions 0")
	s.Trust(t, home)
	if err := connect(t, s).Probe(t.Context()); err == nil || !strings.Contains(err.Error(), "MaxSessions") {
		t.Errorf("got %v", err)
	}
}

func TestUnknownKeyIsShownThenTrusted(t *testing.T) {
	home := sshdtest.Home(t)
	s := sshdtest.Start(t, home)
	h := connect(t, s)
	err := h.Probe(t.Context())
	var unknown *sshhost.UnknownKeyError
	if !errors.As(err, &unknown) || !strings.Contains(err.Error(), "recon hosts trust box") {
		t.Fatalf("got %v", err)
	}
	cfg := sshhost.Config{Name: "box", Address: "127.0.0.1", Port: s.Port, User: "root"}
	in, err := sshhost.Introduce(t.Context(), cfg)
	if err != nil || in == nil || in.Fingerprint != unknown.Fingerprint {
		t.Fatalf("got %+v, %v", in, err)
	}
	if err := in.Trust(); err != nil {
		t.Fatal(err)
	}
	if err := h.Probe(t.Context()); err != nil {
		t.Error(err)
	}
	if in, err := sshhost.Introduce(t.Context(), cfg); in != nil || err != nil {
		t.Errorf("a trusted host is introduced again: %+v, %v", in, err)
	}
}

func TestChangedKeyIsRefused(t *testing.T) {
	home := sshdtest.Home(t)
	s := sshdtest.Start(t, home)
	other := sshdtest.WriteKey(t, filepath.Join(home, "other"))
	s2 := *s
	s2.HostKey = other
	s2.Trust(t, home)
	err := connect(t, s).Probe(t.Context())
	var changed *sshhost.ChangedKeyError
	if !errors.As(err, &changed) || !strings.Contains(err.Error(), "known_hosts:1") {
		t.Fatalf("got %v", err)
	}
	if _, err := sshhost.Introduce(t.Context(), sshhost.Config{Name: "box", Address: "127.0.0.1", Port: s.Port, User: "root"}); !errors.As(err, &changed) {
		t.Errorf("trust goes around a changed key: %v", err)
	}
}

func TestSecondKeyTypeIsNoChange(t *testing.T) {
	// A server with an ECDSA key beside the trusted Ed25519 one.
	home := sshdtest.Home(t)
	dir := t.TempDir()
	key := filepath.Join(dir, "ecdsa")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", key).CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen: %v %s", err, out)
	}
	s := sshdtest.Start(t, home, "HostKey "+key)
	s.Trust(t, home)
	if err := connect(t, s).Probe(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestSSHConfigAndProxyJump(t *testing.T) {
	home := sshdtest.Home(t)
	jump, inner := sshdtest.Start(t, home), sshdtest.Start(t, home)
	jump.Trust(t, home)
	inner.Trust(t, home)
	config := fmt.Sprintf("Host hop\n  HostName 127.0.0.1\n  Port %d\n  User root\nHost media\n  HostName 127.0.0.1\n  Port %d\n  User root\n  ProxyJump hop\n  IdentityFile ~/.ssh/id_ed25519\n", jump.Port, inner.Port)
	if err := os.WriteFile(filepath.Join(home, ".ssh", "config"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	h := sshhost.New(sshhost.Config{Name: "media", Address: "media"})
	defer h.Close()
	if got := run(t, h, `echo "$SSH_CONNECTION" | cut -d' ' -f4`); got != fmt.Sprint(inner.Port) {
		t.Errorf("reached port %s, want %d", got, inner.Port)
	}
	if jump.Logins() != 1 || inner.Logins() != 1 {
		t.Errorf("logins: jump %d, inner %d", jump.Logins(), inner.Logins())
	}
}

func TestSudoThatAsksIsExplained(t *testing.T) {
	sshdtest.Need(t, "sudo")
	user := sudoUser(t) // before the server, so that the user goes after it
	home := sshdtest.Home(t)
	s := sshdtest.Start(t, home)
	s.Trust(t, home)
	// The server reads the key as the user, who has no password and no line in sudoers.
	os.Chmod(filepath.Dir(home), 0o755) // t.TempDir makes it for its owner alone
	os.Chmod(home, 0o755)
	os.Chmod(filepath.Join(home, ".ssh"), 0o755)
	os.Chmod(filepath.Join(home, ".ssh", "id_ed25519.pub"), 0o644)
	h := connect(t, s, func(c *sshhost.Config) { c.User, c.Become = user, true })
	err := h.Probe(t.Context())
	var sudo *sshhost.SudoError
	if !errors.As(err, &sudo) || !strings.Contains(err.Error(), sudo.User+" ALL=(root) NOPASSWD: ALL") {
		t.Errorf("got %v", err)
	}
}

// sudoUser makes a user with a shell for the test.
func sudoUser(t *testing.T) string {
	t.Helper()
	name := fmt.Sprintf("recontest%d", os.Getpid())
	if out, err := exec.Command("useradd", "-M", "-s", "/bin/sh", "-p", "*", name).CombinedOutput(); err != nil {
		t.Fatalf("useradd: %v %s", err, out)
	}
	t.Cleanup(func() {
		// By force: the end of the user's last process may still be under way.
		if out, err := exec.Command("userdel", "-f", name).CombinedOutput(); err != nil {
			t.Errorf("userdel: %v %s", err, out)
		}
	})
	return name
}

func TestUnixSocketOverTheConnection(t *testing.T) {
	home := sshdtest.Home(t)
	s := sshdtest.Start(t, home)
	s.Trust(t, home)
	sock := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", sock)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Write([]byte("hello"))
			c.Close()
		}
	}()
	c, err := connect(t, s).DialUnix(t.Context(), sock, "")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	buf := make([]byte, 5)
	if _, err := c.Read(buf); err != nil || string(buf) != "hello" {
		t.Errorf("got %q, %v", buf, err)
	}
}

func TestLostConnectionIsMadeAnew(t *testing.T) {
	home := sshdtest.Home(t)
	s := sshdtest.Start(t, home)
	s.Trust(t, home)
	h := connect(t, s)
	_, err := h.Run(t.Context(), sshhost.Command{What: "cut", Script: "kill -9 $PPID; sleep 5"})
	if !errors.Is(err, sshhost.ErrLost) {
		t.Fatalf("got %v, want ErrLost", err)
	}
	if got := run(t, h, "echo back"); got != "back" {
		t.Errorf("got %q", got)
	}
}

// TestSilentServer: a server that holds the connection and says nothing any more is given
// up in time, also where not even a session comes about.
func TestSilentServer(t *testing.T) {
	home := sshdtest.Home(t)
	s := sshdtest.Start(t, home)
	s.Trust(t, home)
	h := connect(t, s)
	pid, err := strconv.Atoi(run(t, h, "echo $PPID"))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer syscall.Kill(pid, syscall.SIGCONT)
	begun := time.Now()
	_, err = h.Run(t.Context(), sshhost.Command{What: "look", Script: "true", Timeout: 200 * time.Millisecond})
	if !errors.Is(err, sshhost.ErrLost) || time.Since(begun) > 10*time.Second {
		t.Errorf("got %v after %s", err, time.Since(begun))
	}
	if got := run(t, h, "echo back"); got != "back" {
		t.Errorf("got %q", got)
	}
}

func TestTimeout(t *testing.T) {
	for name, h := range hosts(t) {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			_, err := h.Run(t.Context(), sshhost.Command{What: "sleep", Script: "sleep 20", Timeout: 200 * time.Millisecond})
			if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 5*time.Second {
				t.Errorf("got %v after %s", err, time.Since(start))
			}
		})
	}
}

// hosts returns this machine without SSH and, where an sshd can be started, with it.
func hosts(t *testing.T) map[string]*sshhost.Host {
	out := map[string]*sshhost.Host{"local": sshhost.New(sshhost.Config{Name: "here", Address: sshhost.Local})}
	if _, err := os.Stat("/usr/sbin/sshd"); err == nil && os.Geteuid() == 0 {
		home := sshdtest.Home(t)
		s := sshdtest.Start(t, home)
		s.Trust(t, home)
		out["ssh"] = connect(t, s)
	}
	return out
}

func TestReplace(t *testing.T) {
	for name, h := range hosts(t) {
		t.Run(name, func(t *testing.T) { testReplace(t, h) })
	}
}

func testReplace(t *testing.T, h *sshhost.Host) {
	dir := t.TempDir()
	file := filepath.Join(dir, "real name.json")
	link := filepath.Join(dir, "link")
	if err := os.WriteFile(file, []byte("old"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	rows := []struct {
		name string
		r    sshhost.Replacement
		is   error
		says string
		want string
	}{
		{"another content is refused", sshhost.Replacement{Path: file, Content: []byte("x"), OldSum: sshhost.Sum([]byte("other")), Stamp: "1"}, sshhost.ErrFileChanged, "", "old"},
		{"absent is expected", sshhost.Replacement{Path: file, Content: []byte("x"), OldSum: sshhost.Absent, Stamp: "1"}, sshhost.ErrFileChanged, "", "old"},
		{"a failing check leaves everything", sshhost.Replacement{Path: file, Content: []byte("x"), OldSum: sshhost.Sum([]byte("old")), Stamp: "1", Check: "echo no good >&2; exit 1"}, nil, "no good", "old"},
		{"a failing preparation leaves everything", sshhost.Replacement{Path: file, Content: []byte("x"), OldSum: sshhost.Sum([]byte("old")), Stamp: "1", Before: "exit 1"}, nil, "prepare", "old"},
		{"a writer between check and rename wins", sshhost.Replacement{Path: file, Content: []byte("x"), OldSum: sshhost.Sum([]byte("old")), Stamp: "1", Before: "printf theirs >" + sshhost.Quote(file)}, sshhost.ErrFileChanged, "", "theirs"},
		{"through a link", sshhost.Replacement{Path: link, Content: []byte("n'e\x00w"), OldSum: sshhost.Sum([]byte("theirs")), Stamp: "2"}, nil, "", "n'e\x00w"},
	}
	for _, row := range rows {
		err := h.Replace(t.Context(), row.r)
		switch {
		case row.is != nil && !errors.Is(err, row.is):
			t.Errorf("%s: got %v", row.name, err)
		case row.says != "" && (err == nil || !strings.Contains(err.Error(), row.says)):
			t.Errorf("%s: got %v", row.name, err)
		case row.is == nil && row.says == "" && err != nil:
			t.Errorf("%s: %v", row.name, err)
		}
		if got, _ := os.ReadFile(file); string(got) != row.want {
			t.Errorf("%s: file holds %q, want %q", row.name, got, row.want)
		}
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Error("the link was replaced by a file")
	}
	if info, _ := os.Stat(file); info.Mode().Perm() != 0o640 {
		t.Errorf("mode %o, want 640", info.Mode().Perm())
	}
	if got, _ := os.ReadFile(sshhost.BackupOf(file, "2")); string(got) != "theirs" {
		t.Errorf("backup holds %q", got)
	}
	left, _ := filepath.Glob(filepath.Join(dir, ".recon-new*"))
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
