package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"recon/cmd/recon/internal/api"
	"recon/providers/proxmox/pvesim"
)

// An inbox is a webhook that keeps what it gets, and refuses it as long as it is told to.
type inbox struct {
	*httptest.Server
	mu     sync.Mutex
	got    []string
	status int
}

func newInbox(t *testing.T) *inbox {
	in := &inbox{status: http.StatusOK}
	in.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		in.mu.Lock()
		defer in.mu.Unlock()
		if in.status != http.StatusOK {
			http.Error(w, "no: "+r.URL.Path+r.Header.Get("Authorization"), in.status)
			return
		}
		m := noticeOf(t, r)
		text, _, _ := strings.Cut(m.Message, "\n(recon notice ")
		in.got = append(in.got, text)
	}))
	t.Cleanup(in.Close)
	return in
}

// A notice is what a webhook gets.
type notice struct{ ID, Title, Message string }

func noticeOf(t harness, r *http.Request) (m notice) {
	body, _ := io.ReadAll(r.Body)
	if err := json.Unmarshal(body, &m); err != nil {
		t.Errorf("no JSON: %s", body)
	}
	return m
}

// url is the address of the inbox, with secrets in every place that has one.
func (in *inbox) url(canary string) string {
	return "generic+" + in.URL + "/" + canary + "-path-1?template=json&@authorization=" + canary + "-header-1"
}

// take returns what came since, one text after the other.
func (in *inbox) take() string {
	in.mu.Lock()
	defer in.mu.Unlock()
	out := strings.Join(in.got, "\n---\n")
	in.got = nil
	return out
}

func (in *inbox) answer(status int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.status = status
}

// TestNotices: what a webhook gets of a home in which somebody changes a guest, a node goes
// down and comes back, and recon takes the change back. The document shows these messages.
func TestNotices(t *testing.T) {
	in := newInbox(t)
	t.Setenv("HOOK", in.url("canary"))
	h := newHome(t, pvesim.Options{})
	h.want(api.ExitError, "notify", "test")
	if !strings.Contains(h.err.String(), "no notify block") {
		t.Errorf("without a block it says: %s", &h.err)
	}
	h.write("notify.recon.hcl", "notify \"hook\" {\n  url = env(\"HOOK\")\n  tags = [\"media\", \"production\"]\n}\nnotify \"all\" {\n  url = env(\"HOOK\")\n  events = [\"source\"]\n}\n")
	h.want(api.ExitUsage, "notify", "test", "hok")
	h.want(api.ExitOK, "notify", "test", "hook")
	if got := in.take(); got != "A test of the route hook. Nothing has happened." {
		t.Errorf("the test is %q", got)
	}
	h.want(api.ExitOK, "import", "media", "docker-media")
	h.write("notify.recon.hcl", "notify \"hook\" {\n  url = env(\"HOOK\")\n}\n")
	h.run("drift")
	h.want(api.ExitOK, "notify", "send")
	if got := in.take(); got != "" {
		t.Errorf("a new route is told %q", got)
	}

	page, err := os.ReadFile(filepath.Join(filepath.Dir(filepath.Dir(filepath.Dir(scripts))), "docs", "notices.md"))
	if err != nil {
		t.Fatal(err)
	}
	sent := func(what string) {
		t.Helper()
		h.run("drift")
		h.want(api.ExitOK, "notify", "send")
		got := in.take()
		if got == "" || !strings.Contains(string(page), "\n"+got+"\n") {
			t.Errorf("%s: docs/notices.md does not show what is sent:\n%s", what, got)
		}
		h.want(api.ExitOK, "notify", "send")
		if got := in.take(); got != "" {
			t.Errorf("%s is told again: %s", what, got)
		}
	}
	h.sim.Update(setConfig(205, "memory", "4096"))
	sent("a drift")
	if err := h.sim.AddFault("node-down:node02"); err != nil {
		t.Fatal(err)
	}
	sent("a node that is down")
	h.sim.ClearFaults()
	sent("a node that is back")
	h.want(api.ExitOK, "apply", "--yes", "--allow", "restart")
	sent("a drift that recon has ended")
}

// TestNoticeThatDoesNotArrive is sent again, and nothing that is said of it holds what the
// URL holds.
func TestNoticeThatDoesNotArrive(t *testing.T) {
	in := newInbox(t)
	t.Setenv("HOOK", in.url("canary"))
	h := newHome(t, pvesim.Options{})
	h.write("notify.recon.hcl", "notify \"hook\" {\n  url = env(\"HOOK\")\n}\n")
	h.want(api.ExitOK, "import", "docker-media")
	h.run("drift")
	h.want(api.ExitOK, "notify", "send")
	h.sim.Update(setConfig(205, "memory", "4096"))
	h.run("drift")
	in.answer(http.StatusForbidden)
	secrets := []string{"canary-path-1", "canary-header-1"}
	for _, args := range [][]string{{"notify", "send", "-v"}, {"notify", "test"}, {"notify", "test", "-o", "json"}, {"validate"}} {
		if code := h.run(args...); (code != api.ExitError) != (args[0] == "validate") {
			t.Errorf("%v exits with %d", args, code)
		}
		out := h.out.String() + h.err.String()
		if args[0] == "notify" && !strings.Contains(out, "403") {
			t.Errorf("%v does not say what came back: %s", args, out)
		}
		for _, s := range secrets {
			if strings.Contains(out, s) {
				t.Errorf("%v prints %s", args, s)
			}
		}
	}
	filesHold(t, h.dir, secrets)
	in.answer(http.StatusOK)
	h.want(api.ExitOK, "notify", "send") // it is not time yet
	if got := in.take(); got != "" {
		t.Errorf("it is sent at once: %s", got)
	}
}

// TestServeTells: the daemon sends what its runs find, and writes the report of a schedule
// and tells how it came out.
func TestServeTells(t *testing.T) {
	in := newInbox(t)
	t.Setenv("HOOK", in.url("canary"))
	h := newHome(t, pvesim.Options{})
	h.write("notify.recon.hcl", "notify \"hook\" {\n  url = env(\"HOOK\")\n}\n")
	h.want(api.ExitOK, "import", "docker-media")
	h.run("drift")
	h.want(api.ExitOK, "notify", "send")
	h.sim.Update(setConfig(205, "memory", "4096"))
	h.write("schedule.recon.hcl", "schedule \"report\" {\n  cron = \"@every 1s\"\n  action = \"report\"\n  report = \"report.html\"\n}\n"+
		"schedule \"notes\" {\n  cron = \"@every 1s\"\n  action = \"facts\"\n}\n"+
		"schedule \"doctor\" {\n  cron = \"@every 1s\"\n  action = \"doctor\"\n}\n")
	h.write("compose.yml", "services:\n  db:\n    image: postgres:17\n    volumes: [\"pgdata:/var/lib/postgresql\"]\n")
	h.write("NOTES.md", "docker-media runs on node03\n")
	ctx, stop := context.WithCancel(context.Background())
	var out, errs syncBuffer
	ended := make(chan int)
	go func() { ended <- run(ctx, []string{"-C", h.dir, "serve"}, strings.NewReader(""), &out, &errs) }()
	all := ""
	eventually(t, "all of it is told", func() bool {
		all += in.take() + "\n"
		return strings.Contains(all, "lxc.docker-media drifted: memory 8 GiB -> 4 GiB") && strings.Contains(all, "Drift report of ") && strings.Contains(all, "1 managed, 0 in sync, 1 drifted") &&
			strings.Contains(all, "NOTES.md:1: node of docker-media is said to be node03, and is node01") &&
			strings.Contains(all, "compose-refused: compose.yml:2 (recon doctor says more)")
	})
	eventually(t, "the report is written", func() bool {
		body, _ := os.ReadFile(filepath.Join(h.dir, "report.html"))
		return strings.Contains(string(body), "4 GiB")
	})
	stop()
	if code := <-ended; code != api.ExitOK {
		t.Errorf("it ended with %d: %s", code, errs.String())
	}
	if n := strings.Count("\n"+all, "\nlxc.docker-media drifted"); n != 1 {
		t.Errorf("the drift was told %d times", n)
	}
}
