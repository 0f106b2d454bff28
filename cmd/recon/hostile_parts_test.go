package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

var long = flag.Bool("hostile.long", false, "every hostile mode with every command")

func discardLog() *log.Logger { return log.New(io.Discard, "", 0) }
func reconCommand(recon string, args ...string) *exec.Cmd {
	cmd := exec.Command(recon, args...)
	cmd.Env = append(os.Environ(), "HOME=/nonexistent", "NO_COLOR=1")
	return cmd
}

// engineMode is the variable by which this program is a hostile Docker engine: the
// socket to listen on, and what to do.
const engineMode = "RECON_HOSTILE_ENGINE"

// asEngine is a process called dockerd that owns its socket and lies.
func asEngine() {
	setting := os.Getenv(engineMode)
	if setting == "" {
		return
	}
	socket, mode, _ := strings.Cut(setting, " ")
	l, err := net.Listen("unix", socket)
	if err != nil {
		log.Fatal(err)
	}
	go func() {
		time.Sleep(5 * time.Minute) // whoever started it may be gone
		os.Exit(0)
	}()
	for {
		conn, err := l.Accept()
		if err != nil {
			os.Exit(0)
		}
		go engineAnswer(conn, mode)
	}
}

func engineAnswer(conn net.Conn, mode string) {
	defer conn.Close()
	const info = `{"ID":"x","ServerVersion":"29.0.0","Driver":"overlay2"}`
	const list = `[{"Id":"aaa","Names":["/app"],"State":"running"}]`
	buf := make([]byte, 64<<10)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return
		}
		path := strings.SplitN(string(buf[:n]), " ", 3)[1]
		at := "info"
		if strings.Contains(path, "/containers/json") {
			at = "list"
		} else if strings.Contains(path, "/containers/") {
			at = "inspect"
		}
		what, spoilt := strings.CutPrefix(mode, at+" ")
		head := "HTTP/1.1 200 OK\r\nApi-Version: 1.51\r\nContent-Type: application/json\r\n"
		switch {
		case spoilt && what == "hangs":
			time.Sleep(time.Minute)
			return
		case spoilt && what == "begins":
			_, _ = io.WriteString(conn, head+"Content-Length: 100\r\n\r\n{")
			time.Sleep(time.Minute)
			return
		case spoilt && what == "floods":
			open := map[string]string{"info": `{"ID":"`, "list": "[{}", "inspect": `{"Mounts":[{}`}[at]
			endless(conn, head+"\r\n"+open, map[string]string{"info": "a", "list": ",{}", "inspect": ",{}"}[at])
			return
		case spoilt && what == "headers":
			endless(conn, head, "X-A: b\r\n")
			return
		}
		body := map[string]string{"info": info, "list": list, "inspect": `{"Id":"aaa","Name":"/app","State":{"Pid":1}}`}[at]
		fmt.Fprintf(conn, "%sContent-Length: %d\r\n\r\n%s", head, len(body), body)
	}
}

// engineModes are those of a Docker engine on this machine.
func engineModes() (out []mode) {
	for _, what := range []string{"info hangs", "info begins", "info floods", "info headers", "list hangs", "list floods", "inspect hangs", "inspect floods", "stopped"} {
		out = append(out, mode{name: "engine " + what, brief: what == "info floods" || what == "list hangs" || what == "stopped", make: func(t *testing.T, p *hostileProject) string {
			return hostileEngine(t, what)
		}})
	}
	return out
}

// hostileEngine starts an engine and returns its host block.
func hostileEngine(t *testing.T, what string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "recon-he-") // a short path: sockets have at most 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	self, err := os.Executable()
	socket := filepath.Join(dir, "s")
	if err != nil || os.Symlink(self, filepath.Join(dir, "dockerd")) != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(dir, "dockerd"), "-H", "unix://"+socket)
	cmd.Env = append(os.Environ(), engineMode+"="+socket+" "+what)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for range 200 {
		if _, err := os.Stat(socket); err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if what == "stopped" {
		_ = cmd.Process.Signal(syscall.SIGSTOP)
	}
	return fmt.Sprintf("host \"evil\" {\n  address = \"local\"\n  docker_socket = %q\n  timeout = \"2s\"\n}\n", socket)
}

// repositoryModes are those of the files of a project and the programs that it names.
func repositoryModes() (out []mode) {
	add := func(name string, brief, file bool, make func(t *testing.T, p *hostileProject) string) {
		out = append(out, mode{name: "repository " + name, brief: brief, file: file, make: make})
	}
	check := func(t *testing.T, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	link := func(t *testing.T, p *hostileProject, name, to string) {
		check(t, os.MkdirAll(filepath.Dir(p.path(name)), 0o755))
		check(t, os.Symlink(to, p.path(name)))
	}
	fifo := func(t *testing.T, p *hostileProject, name string) {
		check(t, os.MkdirAll(filepath.Dir(p.path(name)), 0o755))
		check(t, unix.Mkfifo(p.path(name), 0o644))
	}
	huge := func(t *testing.T, p *hostileProject, name string) {
		check(t, os.MkdirAll(filepath.Dir(p.path(name)), 0o755))
		check(t, os.WriteFile(p.path(name), nil, 0o644))
		check(t, os.Truncate(p.path(name), 20<<30))
	}
	add("has a manifest without end", true, true, func(t *testing.T, p *hostileProject) string { link(t, p, "manifests/z.hcl", "/dev/zero"); return "" })
	add("has a manifest that is a pipe", false, true, func(t *testing.T, p *hostileProject) string { fifo(t, p, "manifests/z.hcl"); return "" })
	add("has a manifest of 20 GiB", false, true, func(t *testing.T, p *hostileProject) string { huge(t, p, "manifests/z.hcl"); return "" })
	add("has a document that is a pipe", true, false, func(t *testing.T, p *hostileProject) string { fifo(t, p, "CLAUDE.md"); return "" })
	add("has a document without end", false, false, func(t *testing.T, p *hostileProject) string { link(t, p, "CLAUDE.md", "/dev/zero"); return "" })
	add("has a compose file that is a pipe", false, false, func(t *testing.T, p *hostileProject) string { fifo(t, p, "media/compose.yaml"); return "" })
	add("has a compose file of 20 GiB", false, false, func(t *testing.T, p *hostileProject) string { huge(t, p, "media/compose.yaml"); return "" })
	add("has a compose file that contains itself", false, false, func(t *testing.T, p *hostileProject) string {
		p.write("compose.yaml", "a: &a [x]\n"+strings.Repeat("b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\n", 1)+"services:\n  x: &x\n    image: a\n    <<: *x\n")
		return ""
	})
	add("has a state without end", false, false, func(t *testing.T, p *hostileProject) string {
		link(t, p, "terraform.tfstate", "/dev/zero")
		return "terraform \"evil\" {\n  state = \"terraform.tfstate\"\n  cluster = proxmox.good\n  timeout = \"2s\"\n}\n"
	})
	add("has a state of many values", false, false, func(t *testing.T, p *hostileProject) string {
		p.write("terraform.tfstate", `{"version":4,"resources":[{}`+strings.Repeat(",{}", 5_000_000)+"]}")
		return "terraform \"evil\" {\n  state = \"terraform.tfstate\"\n  cluster = proxmox.good\n  timeout = \"2s\"\n}\n"
	})
	for name, script := range map[string]string{
		"hangs": "sleep 300", "leaves a child that holds its output": "sleep 300 & exit 0", "does not take an interrupt": "trap '' INT TERM; sleep 300; sleep 300", "floods": "exec cat /dev/zero",
	} {
		add("names a terraform that "+name, name == "does not take an interrupt", false, func(t *testing.T, p *hostileProject) string {
			p.write("bin/tf", "#!/bin/sh\ncase $1 in version) echo '{\"terraform_version\":\"1.9.0\"}'; exit 0;; esac\n"+script+"\n")
			check(t, os.Chmod(p.path("bin/tf"), 0o755))
			p.write("tf/.terraform/x", "")
			return "terraform \"evil\" {\n  directory = \"tf\"\n  binary = \"bin/tf\"\n  cluster = proxmox.good\n  timeout = \"2s\"\n}\n"
		})
	}
	for name, command := range map[string]string{"floods": "cat /dev/zero", "leaves a child that holds its output": "sleep 300 & echo a@b!c=d"} {
		add("names a token_command that "+name, false, true, func(t *testing.T, p *hostileProject) string {
			return fmt.Sprintf("proxmox \"evil\" {\n  endpoints = [\"https://127.0.0.1:1\"]\n  token_command = [\"sh\", \"-c\", %q]\n  timeout = \"2s\"\n}\n", command)
		})
	}
	return out
}
