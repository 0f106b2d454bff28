package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"recon/providers/proxmox/pvesim"
)

// A spoiler answers a request in place of the true server.
type spoiler func(w http.ResponseWriter, r *http.Request)

// hostileServer stands in front of a simulated cluster and spoils the answers to paths
// that match. It returns its proxmox block.
func hostileServer(t *testing.T, sim *pvesim.Server, name string, match func(path string) bool, spoil spoiler) string {
	t.Helper()
	proxy := behind(t, sim)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if match(strings.TrimPrefix(r.URL.Path, "/api2/json")) {
			spoil(w, r)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	s.Config.ErrorLog = discardLog()
	s.StartTLS()
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Config.Close()
		s.Listener.Close()
	})
	return proxmoxBlock(name, s.URL, s.Certificate().Raw, sim.Token())
}

// behind passes requests on to the true server.
func behind(t *testing.T, sim *pvesim.Server) http.Handler {
	t.Helper()
	to, err := url.Parse(sim.Endpoint())
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.Transport = &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableCompression: true}
	proxy.ErrorLog = discardLog()
	return proxy
}

func proxmoxBlock(name, url string, cert []byte, token string) string {
	sum := sha256.Sum256(cert)
	return fmt.Sprintf("proxmox %q {\n  endpoints = [%q]\n  token = %q\n  fingerprint = %q\n  timeout = \"2s\"\n}\n", name, url, token, hex.EncodeToString(sum[:]))
}

func everything(string) bool                { return true }
func guestsOnly(path string) bool           { return strings.HasSuffix(path, "/pending") }
func exactly(want string) func(string) bool { return func(p string) bool { return p == want } }

// endless writes the same for as long as somebody takes it.
func endless(w io.Writer, head, again string) {
	_, err := io.WriteString(w, head)
	for block := strings.Repeat(again, 1+(64<<10)/len(again)); err == nil; {
		_, err = io.WriteString(w, block)
	}
}

func hang(w http.ResponseWriter, r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-time.After(time.Minute):
	}
}

func begins(text string, then spoiler) spoiler {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, text)
		w.(http.Flusher).Flush()
		then(w, r)
	}
}

func flood(head, again string) spoiler {
	return func(w http.ResponseWriter, _ *http.Request) {
		endless(w, head, again)
	}
}

// bomb answers with little that becomes much when it is unpacked.
func bomb(head, again string) spoiler {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		block := strings.Repeat(again, 1+(1<<20)/len(again))
		_, err := io.WriteString(z, head)
		for n := 0; err == nil && n < 4096; n++ {
			_, err = io.WriteString(z, block)
		}
	}
}

func trickle(w http.ResponseWriter, r *http.Request) {
	for range 600 {
		if _, err := io.WriteString(w, " "); err != nil || r.Context().Err() != nil {
			return
		}
		w.(http.Flusher).Flush()
		time.Sleep(100 * time.Millisecond)
	}
}

// rows answers with a list of so many things.
func rows(n int, row func(i int) string) spoiler {
	return func(w http.ResponseWriter, _ *http.Request) {
		_, err := io.WriteString(w, `{"data":[`)
		for i := 0; i < n && err == nil; i++ {
			if i > 0 {
				_, _ = io.WriteString(w, ",")
			}
			_, err = io.WriteString(w, row(i))
		}
		_, _ = io.WriteString(w, "]}")
	}
}

func aGuest(node string) func(int) string {
	return func(i int) string {
		return fmt.Sprintf(`{"type":"qemu","vmid":%d,"node":"%s","status":"running","name":"g%d"}`, i+100, strings.ReplaceAll(node, "#", fmt.Sprint(i)), i)
	}
}

// wire answers below HTTP.
func wire(write func(net.Conn)) spoiler {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		write(conn)
	}
}

// A mode is one way in which a source can be hostile: it has the text of its blocks, and
// whatever else it needs in the project.
type mode struct {
	name  string
	brief bool // it is in the short form
	make  func(t *testing.T, p *hostileProject) string
	file  bool // the project itself is hostile: a diagnostic will do, and nothing is observed
}

// modes are all of them.
func modes() (out []mode) {
	server := func(name string, brief bool, match func(string) bool, spoil spoiler) {
		out = append(out, mode{name: "server " + name, brief: brief, make: func(t *testing.T, p *hostileProject) string { return hostileServer(t, p.sim, "evil", match, spoil) }})
	}
	const list = "/cluster/resources"
	server("hangs", true, everything, hang)
	server("hangs with its list", false, exactly(list), hang)
	server("hangs with its guests", true, guestsOnly, hang)
	server("hangs with its status", false, exactly("/cluster/status"), hang)
	server("hangs with permissions", false, exactly("/access/permissions"), hang)
	server("hangs with its version", false, exactly("/version"), hang)
	server("hangs with the next id", false, exactly("/cluster/nextid"), hang)
	server("hangs in the middle of a list", false, exactly(list), begins(`{"data":[`, hang))
	server("hangs in the middle of guests", false, guestsOnly, begins(`{"data":[{"key":"`, hang))
	server("trickles", false, exactly(list), trickle)
	server("trickles guests", false, guestsOnly, trickle)
	server("floods with objects", true, exactly(list), flood(`{"data":[{}`, ",{}"))
	server("floods guests with objects", false, guestsOnly, flood(`{"data":[{}`, ",{}"))
	server("floods with a string", false, exactly(list), flood(`{"data":"`, "aaaa"))
	server("floods with blanks", false, exactly(list), flood("", "    \n"))
	server("floods with depth", false, exactly(list), flood(`{"data":`, "["))
	server("floods permissions", false, exactly("/access/permissions"), flood(`{"data":{"/":{}`, `,"/a":{"b":1}`))
	server("sends a bomb of objects", true, exactly(list), bomb(`{"data":[{}`, ",{}"))
	server("sends a bomb of text", false, exactly(list), bomb(`{"data":"`, "a"))
	server("sends bombs for guests", false, guestsOnly, bomb(`{"data":[{"key":"a"}`, `,{"key":"a"}`))
	server("has a thousand thousand guests", false, exactly(list), rows(1_000_000, aGuest("pve")))
	server("has as many nodes as guests", false, exactly(list), rows(15_000, aGuest("pve#")))
	server("redirects for ever", false, everything, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, r.URL.Path, http.StatusTemporaryRedirect)
	})
	server("sends headers for ever", false, everything, wire(func(c net.Conn) { endless(c, "HTTP/1.1 200 OK\r\n", "X-A: bbbb\r\n") }))
	server("says continue for ever", false, everything, wire(func(c net.Conn) { endless(c, "", "HTTP/1.1 100 Continue\r\n\r\n") }))
	server("says nothing in HTTP", false, everything, wire(func(c net.Conn) { endless(c, "", "\x00\xff") }))
	server("has much to say of an error", false, everything, wire(func(c net.Conn) { endless(c, "HTTP/1.1 500 ", "sorry ") }))
	server("closes in the middle", false, everything, wire(func(c net.Conn) {
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"data\":[")
	}))
	out = append(out, mode{name: "server takes connections and no more", make: func(t *testing.T, p *hostileProject) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		return proxmoxBlock("evil", "https://"+l.Addr().String(), nil, p.sim.Token())
	}})
	return append(append(out, engineModes()...), repositoryModes()...)
}

// A hostileProject has a cluster that is as it should be, with one guest that differs,
// beside the source that is not.
type hostileProject struct {
	*home
}

func (p *hostileProject) path(name string) string { return filepath.Join(p.dir, name) }

// hostileCommands are commands, with what they say of the good cluster; those that change
// something come last.
var hostileCommands = [][2]string{
	{"plan", "vm.media"},
	{"inventory", "media"},
	{"drift", "vm.media"},
	{"show vm.media", "media"},
	{"check", "good"},
	{"changes", ""},
	{"doctor", ""},
	{"import --all --dry-run", ""},
	{"history", ""},
	{"facts", ""},
	{"validate", ""},
	{"context", ""},
	{"apply --yes", ""},
	{"adopt vm.media", ""},
}

// TestHostileSources: whatever one source does, each command ends within the time that
// the source has, with little memory, and tells what it knows of the others. make attack
// has every mode with every command.
func TestHostileSources(t *testing.T) {
	recon := program(t)
	for _, m := range modes() {
		if !m.brief && !*long {
			continue
		}
		t.Run(m.name, func(t *testing.T) {
			t.Parallel() // nearly all of it is waiting
			sim, err := pvesim.New(pvesim.Options{StatCycle: -1, AuthDelay: -1, NodeDelay: -1})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { sim.Close() })
			p := &hostileProject{home: &home{t: t, dir: t.TempDir(), sim: sim}}
			block := m.make(t, p)
			p.write("recon.hcl", fmt.Sprintf("proxmox \"good\" {\n  endpoints = [%q]\n  token = env(\"PVE_TOKEN\")\n  fingerprint = %q\n}\n", sim.Endpoint(), sim.Fingerprint())+block+"context {\n  claude_md = \"CLAUDE.md\"\n}\n")
			p.write("manifests/media.hcl", "vm \"media\" {\n  cluster = proxmox.good\n  vmid    = 111\n  onboot  = false\n}\n")
			for i, c := range hostileCommands {
				if *long || i < 2 {
					hostileRun(t, recon, p, m, c[0], c[1])
				}
			}
		})
	}
}

// What a command may take beside one source that has 2 s. The machine may be busy.
const (
	hostileTime   = 20 * time.Second
	hostileMemory = 512 << 10 // KiB
)

// peakOf watches how much memory a process has at most, in KiB, until it ends. What the
// kernel tells afterwards is no less than its parent had, which is these tests.
func peakOf(pid int) <-chan int {
	peak := make(chan int, 1)
	go func() {
		most := 0
		for {
			status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
			_, rest, running := strings.Cut(string(status), "VmHWM:")
			if err != nil || !running {
				peak <- most
				return
			}
			kib := 0
			if _, err := fmt.Sscan(rest, &kib); err == nil {
				most = max(most, kib)
			}
			time.Sleep(2 * time.Millisecond)
		}
	}()
	return peak
}

func hostileRun(t *testing.T, recon string, p *hostileProject, m mode, command, says string) {
	t.Helper()
	cmd := reconCommand(recon, append([]string{"-C", p.dir, "--color", "never"}, strings.Fields(command)...)...)
	cmd.Env = append(cmd.Env, "PVE_TOKEN="+p.sim.Token())
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	peak := peakOf(cmd.Process.Pid)
	killer := time.AfterFunc(2*hostileTime, func() { _ = syscall.Kill(cmd.Process.Pid, syscall.SIGQUIT) })
	_ = cmd.Wait()
	killer.Stop()
	text := out.String()
	if took := time.Since(begun); took > hostileTime {
		t.Errorf("%s took %s\n%.3000s", command, took, text)
	}
	if kib := <-peak; kib > hostileMemory {
		t.Errorf("%s took %d MiB", command, kib>>10)
	}
	if code := cmd.ProcessState.ExitCode(); code < 0 || strings.Contains(text, "goroutine ") {
		t.Errorf("%s ended with %d:\n%.3000s", command, code, text)
	}
	if !m.file && !strings.Contains(text, says) {
		t.Errorf("%s says nothing of %s:\n%.2000s", command, says, text)
	}
}

// TestObeys: with a source that hangs, --timeout and the first interrupt end every command
// within two seconds.
func TestObeys(t *testing.T) {
	recon := program(t)
	sim, err := pvesim.New(pvesim.Options{StatCycle: -1, AuthDelay: -1, NodeDelay: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sim.Close() })
	p := &hostileProject{home: &home{t: t, dir: t.TempDir(), sim: sim}}
	block := strings.Replace(hostileServer(t, sim, "evil", everything, hang), `"2s"`, `"60s"`, 1)
	p.write("recon.hcl", block+"schedule \"often\" {\n  cron = \"@every 1s\"\n  action = \"drift\"\n}\n")
	commands := []string{"plan", "serve"}
	if *long {
		commands = []string{"plan", "serve", "drift", "inventory", "context", "check", "doctor", "apply --yes", "import --all --dry-run"}
	}
	for _, command := range commands {
		for _, way := range []string{"interrupt", "--timeout"} {
			args := append([]string{"-C", p.dir}, strings.Fields(command)...)
			if way == "--timeout" {
				args = append(args, "--timeout", "1500ms")
			}
			cmd := reconCommand(recon, args...)
			var out bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &out
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			told := time.Now().Add(1500 * time.Millisecond)
			time.Sleep(time.Until(told))
			if way == "interrupt" {
				_ = cmd.Process.Signal(syscall.SIGTERM)
			}
			killer := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
			_ = cmd.Wait()
			killer.Stop()
			// A second for a busy machine to start and end a process.
			if took := time.Since(told); took > obedience+time.Second {
				t.Errorf("%s went on for %s after the %s:\n%s", command, took, way, &out)
			}
		}
	}
}

// TestHangingGuestsAreGivenUp: two guests of a node that do not answer are enough; the
// third is not asked.
func TestHangingGuestsAreGivenUp(t *testing.T) {
	sim, err := pvesim.New(pvesim.Options{StatCycle: -1, AuthDelay: -1, NodeDelay: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sim.Close() })
	h := &home{t: t, dir: t.TempDir(), sim: sim}
	h.write("recon.hcl", strings.Replace(hostileServer(t, sim, "evil", func(p string) bool { return guestsOnly(p) && strings.HasPrefix(p, "/nodes/node01/") }, hang), `"2s"`, `"6s"`, 1))
	begun := time.Now()
	h.run("inventory")
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
	if said := h.out.String() + h.err.String(); !strings.Contains(said, "node02") || !strings.Contains(said, "node01 could not be observed") || !strings.Contains(said, "no answer within 2s") {
		t.Errorf("it says %s", said)
	}
}
