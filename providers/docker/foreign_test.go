package docker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"recon/inventory"
	"recon/providers/sshhost"
)

// asRoot skips what only root can show.
func asRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("skipped: only root can act as root")
	}
}

// TestTheDaemonOwnsItsSocket: a process may call itself dockerd, as root of a container or
// as anybody; what is believed is who listens on the socket.
func TestTheDaemonOwnsItsSocket(t *testing.T) {
	real := daemonProbe{pid: 900, watched: true, listens: []string{"/run/docker.sock"}}
	silent := daemonProbe{pid: 7, watched: true, args: []string{"--config-file=/etc/shadow"}}
	user := daemonProbe{pid: 8, owner: 1000, watched: true, args: []string{"-H", "unix:///var/run/docker.sock"}}
	down := daemonProbe{}
	for name, row := range map[string]struct {
		daemons []daemonProbe
		pid     int
		codes   []string
	}{
		"the one that listens, whatever came first": {[]daemonProbe{silent, user, real, down}, 900, nil},
		"one that claims is only read":              {[]daemonProbe{silent, down}, 7, []string{"not_proven"}},
		"root's before others'":                     {[]daemonProbe{user, silent, down}, 7, []string{"not_proven"}},
		"a user's alone":                            {[]daemonProbe{user, down}, 8, []string{"rootless", "not_proven"}},
	} {
		h := &hostProbe{daemons: row.daemons}
		d, err := h.choose("")
		if err != nil || d.pid != row.pid {
			t.Errorf("%s: process %d, %v", name, d.pid, err)
			continue
		}
		var codes []string
		for _, r := range refusals(h, d, nil) {
			codes = append(codes, r.Code)
		}
		if !slices.Equal(codes, row.codes) {
			t.Errorf("%s: refused for %q, want %q", name, codes, row.codes)
		}
	}
}

// TestFalseDockerd starts processes that call themselves dockerd: as root, which names the
// shadow file for its configuration, and as somebody else, with a FIFO and with a file
// that only root may read. None is believed, and nothing of theirs is read as root.
func TestFalseDockerd(t *testing.T) {
	asRoot(t)
	dir := rootsFolder(t)
	secret, fifo := filepath.Join(dir, "secret"), filepath.Join(dir, "fifo")
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Skip("skipped: sleep is not installed")
	}
	body, err := os.ReadFile(sleep)
	program := filepath.Join(dir, "dockerd")
	if err := errors.Join(err, os.Chmod(dir, 0o755), os.WriteFile(program, body, 0o755), os.WriteFile(secret, []byte(`{"dns": ["192.0.2.53"], "canary": 1}`), 0o600), unix.Mkfifo(fifo, 0o666)); err != nil {
		t.Fatal(err)
	}
	pids := map[int]string{}
	for i, named := range []string{secret, secret, fifo} {
		cmd := exec.Command(program, "30")
		// The name that a process gives itself stands where its arguments do.
		cmd.Args = []string{"dockerd", "30"}
		if i > 0 {
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
			cmd.Env = []string{"XDG_CONFIG_HOME=" + filepath.Join(dir, fmt.Sprint("home", i)), "XDG_RUNTIME_DIR=/nowhere"}
			conf := filepath.Join(dir, fmt.Sprint("home", i), "docker")
			if err := errors.Join(os.MkdirAll(conf, 0o755), os.Symlink(named, filepath.Join(conf, "daemon.json"))); err != nil {
				t.Fatal(err)
			}
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
		pids[cmd.Process.Pid] = named
	}
	p := New(Config{Host: sshhost.Config{Name: "box", Address: sshhost.Local}})
	defer p.Close()
	var found []daemonProbe
	for deadline := time.Now().Add(10 * time.Second); len(found) < len(pids) && time.Now().Before(deadline); {
		begun := time.Now()
		h, _, err := p.look(t.Context())
		if err != nil && !strings.Contains(err.Error(), "several") {
			t.Fatal(err)
		}
		if took := time.Since(begun); took > 20*time.Second {
			t.Errorf("a FIFO held the look for %s", took)
		}
		found = slices.DeleteFunc(slices.Clone(h.daemons), func(d daemonProbe) bool { return pids[d.pid] == "" })
	}
	if len(found) != len(pids) {
		t.Fatalf("%d of the processes were seen", len(found))
	}
	for _, d := range found {
		if d.proven() || strings.Contains(string(d.content), "canary") {
			t.Errorf("process %d of user %d is believed (%v), and its file read: %q", d.pid, d.owner, d.proven(), d.content)
		}
	}
}

// rootsFolder is a folder that only root may write to, and above it too, with the sticky
// bit of /tmp.
func rootsFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "recon-roots-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// TestSwapRaces has somebody swap folders for links while root works on what lies below
// them: folders of a container's root, who can rename in what recon takes for root's, and
// folders of another user. Nothing outside ever changes.
func TestSwapRaces(t *testing.T) {
	asRoot(t)
	dir := rootsFolder(t)
	victim := filepath.Join(dir, "victim")
	for _, d := range []string{"victim/inner", "roots/a/inner", "theirs/a/inner"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	file := []byte(`{"was": "here"}`)
	for _, d := range []string{"victim", "roots/a", "theirs/a"} {
		if err := os.WriteFile(filepath.Join(dir, d, "daemon.json"), file, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := filepath.WalkDir(filepath.Join(dir, "theirs"), func(p string, _ fs.DirEntry, err error) error {
		return errors.Join(err, os.Lchown(p, 1000, 1000))
	}); err != nil {
		t.Fatal(err)
	}
	before := census(t, victim)
	ctx, stop := context.WithCancel(t.Context())
	swaps := make(chan int)
	for _, d := range []string{"roots", "theirs"} {
		link := filepath.Join(dir, d, "swap")
		if err := os.Symlink(victim, link); err != nil {
			t.Fatal(err)
		}
		go func() {
			n := 0
			for ; ctx.Err() == nil; n++ {
				_ = unix.Renameat2(unix.AT_FDCWD, filepath.Join(dir, d, "a"), unix.AT_FDCWD, link, unix.RENAME_EXCHANGE)
			}
			swaps <- n
		}()
	}
	p := New(Config{Host: sshhost.Config{Name: "box", Address: sshhost.Local}})
	defer p.Close()
	done := 0
	for range *races {
		for _, s := range []inventory.Step{
			{Method: methodChown, Path: dir + "/roots/a/inner", Params: map[string]string{"owner": "1234:1234"}},
			{Method: methodChmod, Path: dir + "/roots/a/inner", Params: map[string]string{"mode": "0777"}},
			{Method: methodMkdir, Path: dir + "/roots/a/made"},
			{Method: methodChown, Path: dir + "/theirs/a/inner", Params: map[string]string{"owner": "1234:1234"}},
		} {
			if err := p.folder(ctx, s); err == nil {
				done++
			}
		}
		err := p.host.Replace(ctx, sshhost.Replacement{Path: dir + "/theirs/a/daemon.json", Content: []byte("{}"), OldSum: sshhost.Sum(file), Stamp: "x"})
		if !errors.Is(err, sshhost.ErrForeign) {
			t.Fatalf("a file below another user's folder: %v", err)
		}
	}
	stop()
	if n := <-swaps + <-swaps; n < *races || done == 0 {
		t.Errorf("%d swaps, %d steps done: nothing was raced", n, done)
	}
	if after := census(t, victim); after != before {
		t.Errorf("outside it was\n%s\nand is\n%s", before, after)
	}
}

// census is everything about a folder that a step could change.
func census(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		info, err2 := os.Lstat(path)
		if err := errors.Join(err, err2); err != nil {
			return err
		}
		st := info.Sys().(*syscall.Stat_t)
		fmt.Fprintln(&b, path, info.Mode(), st.Uid, st.Gid)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestForeignFolderIsRefused: below folders of others a step is refused when it is
// planned, with the command.
func TestForeignFolderIsRefused(t *testing.T) {
	for name, row := range map[string]struct {
		paths map[string]pathProbe
		want  string
	}{
		"root's":             {map[string]pathProbe{"/": {owner: "0:0", mode: "0755"}, "/srv": {owner: "0:0", mode: "0755"}}, ""},
		"another's":          {map[string]pathProbe{"/": {owner: "0:0", mode: "0755"}, "/srv": {owner: "1000:1000", mode: "0755"}}, "/srv"},
		"a group's":          {map[string]pathProbe{"/": {owner: "0:0", mode: "0755"}, "/srv": {owner: "0:50", mode: "2775"}}, "/srv"},
		"the group root's":   {map[string]pathProbe{"/": {owner: "0:0", mode: "0755"}, "/srv": {owner: "0:0", mode: "0775"}}, ""},
		"everybody's":        {map[string]pathProbe{"/srv": {owner: "0:0", mode: "0777"}}, "/srv"},
		"sticky, root's":     {map[string]pathProbe{"/srv": {owner: "0:0", mode: "1777"}, "/srv/a'b": {owner: "0:0", mode: "0755"}}, ""},
		"sticky, another's":  {map[string]pathProbe{"/srv": {owner: "0:0", mode: "1777"}, "/srv/a'b": {owner: "7:0", mode: "0755"}}, "/srv"},
		"sticky, not there":  {map[string]pathProbe{"/srv": {owner: "0:0", mode: "1777"}}, "/srv"},
		"nothing was looked": {nil, ""},
	} {
		b := &stepBuilder{c: &inventory.Change{}, v: view{inside: &insideProbe{paths: row.paths}}}
		b.folderStep("/srv/a'b", "owner", "1000:1000", inventory.Probe{}, 0)
		if row.want == "" && (len(b.steps) != 1 || len(b.c.Blocked) > 0) {
			t.Errorf("%s: %v", name, b.c.Blocked)
		}
		if row.want != "" && (len(b.steps) > 0 || len(b.c.Blocked) != 1 || !strings.HasPrefix(b.c.Blocked[0].Detail, row.want+" ") || !strings.Contains(b.c.Blocked[0].Detail, `chown '1000:1000' '/srv/a'\''b'`)) {
			t.Errorf("%s: %v %v", name, b.steps, b.c.Blocked)
		}
	}
}

// TestWhatAHostReportsIsNoShell: every script that names something that a host reported is
// run with the worst that it could report. None of it is ever a command.
func TestWhatAHostReportsIsNoShell(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("skipped: there is no shell")
	}
	dir, stubs := t.TempDir(), t.TempDir()
	// What is left to run later is run at once.
	for name, script := range map[string]string{
		"setsid":      `for last; do :; done; exec sh -c "$last"`,
		"systemd-run": `for last; do :; done; exec sh -c "$(printf %s "$last" | sed 's/[$][$]/$/g')"`,
		"sleep":       "exit 0", "docker": "exit 0", "sync": "exit 0",
	} {
		if err := os.WriteFile(filepath.Join(stubs, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	piece := rapid.SampledFrom([]string{"'", `"`, "`", "$(", ")", "${", "%{", "}", "\n", "\\", " ", ";", "&", "|", ">", "<", "*", "~", "-", "#", "!", "touch canary", "a", "/", "$IFS", "\r", "\t"})
	text := rapid.Custom(func(t *rapid.T) string {
		out := "/x" + strings.Join(rapid.SliceOfN(piece, 1, 8).Draw(t, "pieces"), "")
		return rapid.SampledFrom([]string{out, "'; touch canary; '", "$(touch canary)", "`touch canary`", "\ntouch canary\n", "/x\" ; touch canary ; \""}).Draw(t, "whole")
	})
	rapid.Check(t, func(t *rapid.T) {
		d := &daemonProbe{pid: 1, exe: "/nowhere" + text.Draw(t, "exe"), file: text.Draw(t, "file"), real: text.Draw(t, "real"), exists: true, args: []string{text.Draw(t, "flag"), text.Draw(t, "value")}}
		p := New(Config{Host: sshhost.Config{Name: "box", Address: sshhost.Local}, DeadMan: time.Second})
		tm := p.newTimer(d, sshhost.Sum(nil), true)
		tm.refused, tm.cli, tm.socket, tm.containers = true, true, text.Draw(t, "socket"), []running{{id: text.Draw(t, "container")}}
		for name, script := range map[string]string{
			"validate": validateScript(d), "restore": tm.within(tm.restore()), "keep": tm.within(tm.keep()), "back": tm.within(tm.back(tm.keptAs())),
			"arm": strings.ReplaceAll(tm.arm(), tm.token(), dir+"/token"),
		} {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			cmd := exec.CommandContext(ctx, "sh", "-c", script, "sh", "/nowhere/new")
			cmd.Dir, cmd.Env = dir, []string{"PATH=" + stubs + ":/usr/bin:/bin"}
			out, _ := cmd.CombinedOutput() // most end with an error: nothing that they name is there
			cancel()
			if strings.Contains(string(out), "yntax error") || strings.Contains(string(out), "nterminated") {
				t.Fatalf("%s: %s\n%s", name, out, script)
			}
			for _, place := range []string{dir + "/canary", "/canary"} {
				if _, err := os.Lstat(place); err == nil {
					os.Remove(place)
					t.Fatalf("%s ran what the host reported:\n%s", name, script)
				}
			}
			os.Remove(dir + "/token")
		}
	})
}
