package pvesim

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// exchange is one line of a recorded file.
type exchange struct {
	As     *string        `json:"as"`
	Method string         `json:"method"`
	Path   string         `json:"path"`
	Params map[string]any `json:"params"`
	Status int            `json:"status"`
	Reason string         `json:"reason"`
	Body   map[string]any `json:"body"`
	Task   map[string]any `json:"task"`
}

func TestReplay(t *testing.T) {
	files, err := filepath.Glob("testdata/recorded/*.jsonl")
	if err != nil || len(files) == 0 {
		t.Fatalf("no recordings: %v", err)
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".jsonl"), func(t *testing.T) { replay(t, f) })
	}
}

func replay(t *testing.T, file string) {
	w := Single()
	w.Unreported = true
	w.Users = []*User{{ID: "root@pam", Password: "x", Tokens: []*Token{{ID: "t1", Secret: "s"}}}}
	// The containers of the recordings came from another template than their
	// first lines say.
	w.Volumes[0].ID = "local:vztmpl/debian-13-fake_13.1-1_amd64.tar.zst"
	w.Volumes[0].Format = "tzst"
	hook, seen := schemaHook(t, "9.2")
	s := start(t, Options{World: w, StatCycle: time.Hour, OnRequest: hook})
	c := newClient(t, s)
	auth := map[string]string{"root": "PVEAPIToken=root@pam!t1=s", "bad": "PVEAPIToken=root@pam!t1=wrong", "nobody": ""}
	for n, ex := range recording(t, file) {
		if ex.Method == "" {
			continue
		}
		name := fmt.Sprintf("line %d: %s %s %v", n+1, ex.Method, ex.Path, ex.Params)
		c.auth = ""
		if ex.As != nil {
			c.auth = auth[*ex.As]
		}
		before(s, file, ex)
		a, err := c.do(ex.Method, ex.Path, values(ex.Params))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if bad := seen.take(); len(bad) > 0 && ex.Status == 200 {
			t.Errorf("%s: the official schema says %v", name, bad)
		}
		if a.status != ex.Status || a.reason != ex.Reason {
			t.Errorf("%s: %d %q, recorded %d %q (%s)", name, a.status, a.reason, ex.Status, ex.Reason, a.raw)
			continue
		}
		compareTask(t, c, name, a, ex)
		if diff := cmp.Diff(normal("", any(ex.Body)), normal("", any(a.body))); diff != "" {
			t.Errorf("%s: body (-recorded +simulated):\n%s", name, diff)
		}
		if full, ok := field(a.body, "data", "full-tokenid").(string); ok {
			user, _, _ := strings.Cut(full, "!")
			auth[user] = "PVEAPIToken=" + full + "=" + field(a.body, "data", "value").(string)
		}
	}
}

// before does what happened on the recorded node outside the API.
func before(s *Server, file string, ex exchange) {
	switch {
	case strings.Contains(file, "lxc-config") && ex.Path == "/cluster/resources":
		s.reportAll() // the status daemon's cycle fell between the clone and this
	case strings.Contains(file, "qemu-running") && ex.Path == "/nodes/pve1/qemu/101/status/current":
		// No operating system ran in the recorded VM.
		s.Update(func(w *World) { w.Guests[0].NoOS = true })
	}
}

func compareTask(t *testing.T, c *client, name string, a answer, ex exchange) {
	t.Helper()
	upid, _ := a.body["data"].(string)
	if ex.Task == nil {
		return
	}
	got := c.wait(upid)
	for k, want := range ex.Task {
		if got[k] != want {
			t.Errorf("%s: task %s = %v, recorded %v", name, k, got[k], want)
		}
	}
}

func recording(t *testing.T, file string) []exchange {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }() // only read
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 1<<20)
	var out []exchange
	for sc.Scan() {
		dec := json.NewDecoder(strings.NewReader(sc.Text()))
		dec.UseNumber()
		var ex exchange
		if err := dec.Decode(&ex); err != nil {
			t.Fatal(err)
		}
		out = append(out, ex)
	}
	if err := sc.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

func values(params map[string]any) url.Values {
	v := url.Values{}
	for k, val := range params {
		v.Set(k, fmt.Sprint(val))
	}
	return v
}

// measured are numbers that a node measures: only their presence and type
// are compared.
func measured() []string {
	return []string{
		"cpu", "mem", "memhost", "uptime", "disk", "netin", "netout", "diskread", "diskwrite", "pid", "starttime", "endtime",
		"used", "avail", "used_fraction", "free", "total", "available", "ctime", "snaptime", "idle", "wait", "swap",
	}
}

// normal replaces generated values and orders what has no order.
func normal(key string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, el := range v {
			out[k] = normal(k, el)
		}
		if v["type"] == "lxc" && v["status"] == "running" {
			// The recorded file system is a little smaller than its volume.
			out["maxdisk"] = "measured"
		}
		if k, ok := v["key"].(string); ok && v["value"] != nil {
			out["value"] = normal(k, v["value"])
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, el := range v {
			out[i] = normal(key, el)
		}
		sort.Slice(out, func(i, j int) bool { return fmt.Sprint(out[i]) < fmt.Sprint(out[j]) })
		return out
	case json.Number:
		if slices.Contains(measured(), key) {
			return "measured"
		}
		return v.String() + " (number)"
	case string:
		return normalText(key, v)
	}
	return v
}

func normalText(key, s string) any {
	switch key {
	case "digest", "vmgenid", "meta", "ssl_fingerprint", "value":
		if key != "value" || regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f-]{27}$`).MatchString(s) {
			if s == "da39a3ee5e6b4b0d3255bfef95601890afd80709" {
				return s
			}
			return "generated"
		}
	case "smbios1":
		return regexp.MustCompile(`uuid=[0-9a-f-]+`).ReplaceAllString(s, "uuid=generated")
	case "content":
		list := strings.Split(s, ",")
		sort.Strings(list)
		return strings.Join(list, ",")
	case "loadavg", "release", "kversion", "flags", "version", "mhz", "hvm", "mode":
		if key != "version" && key != "release" || strings.Contains(s, "PREEMPT") || strings.Contains(s, "-") {
			return "of that machine"
		}
	case "saved":
		return s + " (number)" // PVE gives the last one as a number, the others as text
	}
	s = regexp.MustCompile(`UPID:(\w+):\w+:\w+:\w+:`).ReplaceAllString(s, "UPID:$1:")
	return regexp.MustCompile(`BC:24:11(:[0-9A-F]{2}){3}`).ReplaceAllString(s, "MAC")
}
