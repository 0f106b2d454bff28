package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"recon/providers/proxmox/pvesim"
)

// controlTexts are texts that a terminal would act on: every control and formatting
// character, and what people make of them.
func controlTexts() (out []string) {
	for r := rune(0); r < 0xE0080; r++ {
		if acts(r) && (r < 0xE000 || r > 0xF8FF) && r != utf8.RuneError {
			out = append(out, "a"+string(r)+"b")
		}
	}
	return append(out, "x\nEverything is in sync.", "x\r\nError: forged", "\x1b[2J\x1b[H", "\x1b]0;title\a", "\x1b]8;;http://evil\a", "\x1bP1$q\x1b\\", "\u009b31m", "\ufdd0bold\ufdd6", "a\tb", "x\n$ rm -rf /")
}

func acts(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Noncharacter_Code_Point, unicode.Variation_Selector)
}

// A poisoner puts one of the texts after another into what a server says.
type poisoner struct {
	mu    sync.Mutex
	texts []string
	next  int
}

func (p *poisoner) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next++
	return p.texts[p.next%len(p.texts)]
}

// poison changes the strings that people choose, wherever they are in an answer.
func (p *poisoner) poison(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = p.poison(v[i])
		}
	case map[string]any:
		key, _ := v["key"].(string)
		for k, x := range v {
			s, isText := x.(string)
			switch {
			case isText && (k == "name" && v["vmid"] != nil || k == "pool" || k == "value" && strings.Contains(" name hostname description tags ostype hookscript args ", " "+key+" ")):
				v[k] = s + p.text()
			case !isText:
				v[k] = p.poison(x)
			}
		}
		if v["key"] == "cores" && p.next%3 == 0 {
			v["value"] = p.text()
		}
	}
	return v
}

// openTerminal returns both ends of a pseudo-terminal.
func openTerminal(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("skipped: there are no pseudo-terminals here: %v", err)
	}
	t.Cleanup(func() { master.Close() })
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		t.Skipf("skipped: no pseudo-terminal can be opened: %v", err)
	}
	t.Cleanup(func() { slave.Close() })
	return master, slave
}

// TestTerminalIsNeverRaw: a server says 300 texts that a terminal would act on, in names,
// notes, tags, pools, values and errors, one after another; TestShownTextIsSafe has each in
// each field. No command lets one of them reach a terminal, on
// either of its outputs, and none begins a line.
func TestTerminalIsNeverRaw(t *testing.T) {
	sim, err := pvesim.New(pvesim.Options{StatCycle: -1, AuthDelay: -1, NodeDelay: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sim.Close() })
	p := &poisoner{texts: controlTexts()}
	if len(p.texts) < 300 {
		t.Fatalf("only %d texts", len(p.texts))
	}
	var poisons sync.Mutex // requests come side by side
	proxy := behind(t, sim)
	block := hostileServer(t, sim, "home", everything, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "5/pending") {
			poisons.Lock()
			defer poisons.Unlock()
			w.WriteHeader(http.StatusInternalServerError)
			_ = json.NewEncoder(w).Encode(map[string]any{"message": p.text(), "errors": map[string]string{"x": p.text()}})
			return
		}
		rec := &recorder{header: http.Header{}, code: http.StatusOK}
		proxy.ServeHTTP(rec, r)
		var answer any
		if json.Unmarshal(rec.body.Bytes(), &answer) == nil {
			poisons.Lock()
			text, _ := json.Marshal(p.poison(answer))
			poisons.Unlock()
			rec.body.Reset()
			rec.body.Write(text)
		}
		w.WriteHeader(rec.code)
		_, _ = w.Write(rec.body.Bytes())
	})
	h := &home{t: t, dir: t.TempDir(), sim: sim}
	h.write("recon.hcl", strings.Replace(block, `"2s"`, `"30s"`, 1)+"context {\n  claude_md = \"CLAUDE.md\"\n  session_log = \"log.md\"\n}\n")
	h.write("manifests/media.hcl", "vm \"media\" {\n  vmid = 111\n  cores = 3\n  tags = [\"a\"]\n  os_type = \"l26\"\n}\n\nvm \"away\" {\n  vmid = 105\n}\n")
	commands := []string{"plan", "inventory", "show vm.media", "drift", "import --all --dry-run", "changes", "history", "doctor", "check", "context", "facts", "adopt vm.media.tags", "apply", "lock list", "no-such\x1b[2J", "plan --no-such\x1b[2J", "show x\x1b[2J", "plan -o json", "inventory -o json"}
	seen := 0
	for _, c := range commands {
		master, slave := openTerminal(t)
		var shown bytes.Buffer
		read := make(chan struct{})
		go func() { _, _ = io.Copy(&shown, master); close(read) }()
		args := append([]string{"-C", h.dir, "--color", "never", "-q"}, strings.Split(c, " ")...)
		run(context.Background(), args, bytes.NewReader(nil), slave, slave)
		slave.Close()
		<-read
		for _, sign := range []string{"\ufffd", `\u`, `\U`, `\x`} {
			seen += strings.Count(shown.String(), sign)
		}
		for line := range strings.Lines(strings.ReplaceAll(shown.String(), "\r\n", "\n")) {
			for _, r := range strings.TrimSuffix(line, "\n") {
				if acts(r) && r != '\t' {
					t.Fatalf("%s: %U reaches the terminal in %q", c, r, line)
				}
			}
			if strings.HasPrefix(line, "Error: forged") || strings.HasPrefix(line, "$ rm") {
				t.Errorf("%s: a text forges the line %q", c, line)
			}
		}
	}
	if p.next < 2*len(p.texts) || seen < 150 {
		t.Errorf("only %d texts were said, and %d signs of them shown", p.next, seen)
	}
}

// A recorder keeps an answer to be changed.
type recorder struct {
	header http.Header
	code   int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(code int)        { r.code = code }
func (r *recorder) Write(b []byte) (int, error) { return r.body.Write(b) }
