package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"recon/cmd/recon/internal/api"
	"recon/providers/proxmox/pvesim"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// A shownHome is a home whose page is shown in a browser.
type shownHome struct {
	*home
	sim     *pvesim.Server
	address string
	browser context.Context
	said    *syncBuffer
	erred   *syncBuffer
}

// serveHome runs recon serve with a page block on a simulated home, until the test ends.
func serveHome(t *testing.T, manifest string) *shownHome {
	sim, err := pvesim.New(pvesim.Options{StatCycle: -1, AuthDelay: -1, NodeDelay: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sim.Close() })
	h := &home{t: t, dir: filepath.Join(t.TempDir(), "project"), sim: sim}
	t.Setenv("PVE_TOKEN", sim.Token())
	h.write("recon.hcl", "proxmox \"home\" {\n  endpoints = [\""+sim.Endpoint()+"\"]\n  token = env(\"PVE_TOKEN\")\n  fingerprint = \""+sim.Fingerprint()+"\"\n}\ncontext {\n  claude_md = \"CLAUDE.md\"\n}\n")
	h.want(api.ExitOK, "import", "--all")
	h.write("page.recon.hcl", manifest)
	return h.serve(t)
}

// serve runs recon serve until the test ends.
func (h *home) serve(t *testing.T) *shownHome {
	var out, errs syncBuffer
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan int)
	go func() { ended <- run(ctx, []string{"-C", h.dir, "serve"}, bytes.NewReader(nil), &out, &errs) }()
	t.Cleanup(func() {
		stop()
		if code := <-ended; code != api.ExitOK {
			t.Errorf("serve ended with %d: %s", code, errs.String())
		}
	})
	s := &shownHome{home: h, sim: h.sim, said: &out, erred: &errs}
	at := regexp.MustCompile(`The page is at (\S+)`)
	eventually(t, "the page is opened", func() bool {
		if m := at.FindStringSubmatch(out.String()); m != nil {
			s.address = m[1]
		}
		return s.address != ""
	})
	return s
}

// showHome serves a home that is looked at every second, and opens a browser.
func showHome(t *testing.T) *shownHome {
	return browse(t, "page {\n  listen = \"127.0.0.1:0\"\n}\nschedule \"often\" {\n  cron = \"@every 1s\"\n  action = \"drift\"\n}\n")
}

// browse serves a home, and opens a browser.
func browse(t *testing.T, manifest string) *shownHome {
	s := serveHome(t, manifest)
	s.browse(t)
	return s
}

// browse opens a browser, when there is something to be seen.
func (s *shownHome) browse(t *testing.T) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("skips the page in a browser: chromium is not installed")
	}
	eventually(t, "it is ready", func() bool {
		answer, err := http.Get(s.address + "/readyz")
		if err != nil {
			return false
		}
		answer.Body.Close()
		return answer.StatusCode == 200
	})
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("disable-dev-shm-usage", true), chromedp.Env("TMPDIR="+t.TempDir()))
	alloc, free := chromedp.NewExecAllocator(context.Background(), opts...)
	t.Cleanup(free)
	browser, leave := chromedp.NewContext(alloc)
	t.Cleanup(leave)
	if err := chromedp.Do(browser); err != nil { // it lives as long as the context of its first action
		t.Fatal(err)
	}
	s.browser = browser
}

// inBrowser has the browser do something, and returns what came of it.
func inBrowser[T any](s *shownHome, a chromedp.Action[T]) T {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.browser, 2*time.Minute)
	defer cancel()
	v, err := chromedp.Run(ctx, a)
	if err != nil {
		s.t.Fatalf("in the browser: %v", err)
	}
	return v
}

// open opens a page.
func (s *shownHome) open(path string) {
	s.t.Helper()
	inBrowser(s, chromedp.Navigate(s.address+path))
}

// text is what somebody reads on the page now.
func (s *shownHome) text() string {
	s.t.Helper()
	return inBrowser(s, chromedp.Evaluate[string](`document.body.innerText`))
}

// picture keeps a screenshot where somebody wants them.
func (s *shownHome) picture(name string) {
	dir := os.Getenv("RECON_ARTEFACTS")
	if dir == "" {
		return
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), inBrowser(s, chromedp.FullScreenshot(100)), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// TestPageInBrowser: who looks at the page sees drift, a node that is gone and what comes
// back without loading it again, by keyboard too, and on a phone.
func TestPageInBrowser(t *testing.T) {
	s := showHome(t)
	s.open("/changes")
	eventually(t, "nothing differs", func() bool { return strings.Contains(s.text(), "Nothing differs.") })
	inBrowser(s, chromedp.Evaluate[bool](`window.stayed = true`))

	s.sim.Update(setConfig(205, "memory", "4096"))
	eventually(t, "the drift is on the page", func() bool {
		text := s.text()
		return strings.Contains(text, "lxc.docker-media") && strings.Contains(text, "live has moved away") && strings.Contains(text, "4 GiB")
	})
	s.picture("changes")

	if err := s.sim.AddFault("node-down:node03"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the dead node is stale", func() bool { return strings.Contains(s.text(), "node03 of proxmox.home was not observed since") })
	s.picture("stale")
	s.sim.ClearFaults()
	s.sim.Update(setConfig(205, "memory", "8192"))
	eventually(t, "all is well again", func() bool {
		text := s.text()
		return strings.Contains(text, "Nothing differs.") && !strings.Contains(text, "Stale.")
	})
	if !inBrowser(s, chromedp.Evaluate[bool](`window.stayed === true`)) {
		t.Error("the page was loaded again")
	}

	// By keyboard: the first stop leads to the content, the next ones to the pages.
	s.open("/")
	inBrowser(s, chromedp.KeyEvent("\t"))
	if focus := inBrowser(s, chromedp.Evaluate[string](`document.activeElement.textContent`)); focus != "To the content" {
		t.Errorf("the first stop of the keyboard is %q", focus)
	}
	inBrowser(s, chromedp.KeyEvent("\t\t\t\r"))
	eventually(t, "the keyboard leads to the differences", func() bool {
		return strings.HasSuffix(inBrowser(s, chromedp.Location()), "/changes")
	})
}

// barriers has axe-core look for what keeps people from reading the page.
const barriers = `axe.run(document, {resultTypes: ["violations"]}).then(r => JSON.stringify(r.violations.map(v => ({id: v.id, help: v.help, nodes: v.nodes.map(n => n.html).slice(0, 3)}))))`

// TestPageForEverybody: no page has a barrier that axe-core finds, or is wider than a
// phone, in light and in dark.
func TestPageForEverybody(t *testing.T) {
	s := browse(t, healing)
	axe, err := os.ReadFile(filepath.Join("..", "..", "bin", "axe.min.js"))
	if err != nil {
		t.Skip("skips the search for barriers: bin/axe.min.js is not there, .ci/deps fetches it")
	}
	s.sim.Update(setConfig(205, "memory", "4096"))
	s.open("/changes")
	eventually(t, "something differs", func() bool { return strings.Contains(s.text(), "lxc.docker-media") })
	s.edit(`vm "media"`, `"8GiB"`, `"6GiB"`)
	s.open("/proposals")
	eventually(t, "something is proposed", func() bool { return strings.Contains(s.text(), "memory=6144") })
	for _, path := range []string{"/", "/changes", "/proposals", "/things", "/things/lxc.docker-media", "/map", "/runs", "/findings", "/documents", "/history", "/nothing"} {
		for _, look := range []struct {
			name          string
			width, height int64
			scheme        string
		}{{"desktop", 1280, 900, "light"}, {"dark", 1280, 900, "dark"}, {"phone", 360, 740, "light"}} {
			inBrowser(s, func(ctx context.Context, t *chromedp.Target) (cdp.Empty, error) {
				return cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: look.scheme}}})
			})
			inBrowser(s, chromedp.EmulateViewport(look.width, look.height))
			s.open(path)
			inBrowser(s, chromedp.Evaluate[int](string(axe)+";0"))
			found := inBrowser(s, chromedp.Evaluate[string](barriers, chromedp.EvalAwaitPromise))
			wide := inBrowser(s, chromedp.Evaluate[int](`document.documentElement.scrollWidth - document.documentElement.clientWidth`))
			var violations []any
			if err := json.Unmarshal([]byte(found), &violations); err != nil {
				t.Fatal(err)
			}
			if len(violations) > 0 {
				t.Errorf("%s, %s: %s", path, look.name, found)
			}
			if wide > 0 {
				t.Errorf("%s, %s: it is %d pixels too wide", path, look.name, wide)
			}
			s.picture(look.name + strings.ReplaceAll(strings.TrimSuffix(path, "/"), "/", "-"))
		}
	}
}
