package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"recon/cmd/recon/internal/api"
	"recon/cmd/recon/internal/runs"
	"recon/providers/proxmox/pvesim"
)

// recordedHost writes a recorded machine with a running daemon whose file is the
// given one, as its answers would be.
func recordedHost(t harness, file, daemonJSON string) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(filepath.Dir(scripts), "demohost.json"))
	if err != nil {
		t.Fatal(err)
	}
	var host struct {
		Commands map[string]string                     `json:"commands"`
		Sockets  map[string]map[string]json.RawMessage `json:"sockets"`
	}
	if err := json.Unmarshal(raw, &host); err != nil {
		t.Fatal(err)
	}
	look := strings.Split(host.Commands["look at the Docker daemon"], "\n")
	host.Commands = maps.Clone(host.Commands)
	for i, l := range look {
		switch encode := base64.StdEncoding.EncodeToString; {
		case strings.HasPrefix(l, "content "):
			look[i] = "content " + encode([]byte(daemonJSON))
		case strings.HasPrefix(l, "cmdline "):
			look[i] = "cmdline " + encode([]byte("dockerd\x00-H\x00fd://\x00"))
		}
	}
	host.Commands["look at the Docker daemon"] = strings.Join(look, "\n")
	out, err := json.Marshal(host)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, out, 0o644); err != nil {
		t.Fatal(err)
	}
}

// boxProject is a project with one recorded host, and what its docker_daemon block
// says.
func boxProject(t testing.TB, daemonJSON, attrs string) *home {
	t.Helper()
	h := &home{t: t, dir: t.TempDir()}
	recordedHost(t, filepath.Join(h.dir, "box.json"), daemonJSON)
	h.write("recon.hcl", "host \"box\" {\n  recording = \"box.json\"\n}\ncontext {\n  claude_md = \"CLAUDE.md\"\n  session_log = \"log.md\"\n}\n")
	if attrs != "" {
		h.write("manifests/d.hcl", "docker_daemon \"box\" {\n  host = host.box\n"+attrs+"\n}\n")
	}
	return h
}

// everyCommand runs whatever reads a value and fails the test when one of them does
// not end by itself. A panic fails it too.
func (h *home) everyCommand() {
	h.t.Helper()
	saved := filepath.Join(h.dir, "saved")
	for _, args := range [][]string{
		{"validate"},
		{"plan"},
		{"plan", "-o", "json"},
		{"plan", "--out", saved},
		{"doctor"},
		{"doctor", "-o", "json"},
		{"inventory"},
		{"inventory", "-o", "json"},
		{"context", "--insert"},
		{"drift"},
		{"show"},
		{"changes"},
		{"plan", "--refresh=false"},
		{"show", "docker_daemon.box"},
		{"history"},
		{"apply", "--yes", saved},
		{"import", "docker_daemon.box"},
	} {
		code := h.run(args...)
		if out := h.out.String(); strings.Contains(strings.Join(args, " "), "-o json") && out != "" && !json.Valid([]byte(out)) {
			h.t.Errorf("recon %v prints no JSON:\n%s", args, out)
		}
		if code == api.ExitUsage {
			h.t.Fatalf("recon %v is not understood: %s", args, &h.err)
		}
	}
}

// TestSecondLookFails: another run writes while this one plans, so that it looks again
// under the lock, and that look is interrupted.
func TestSecondLookFails(t *testing.T) {
	h := newHome(t, pvesim.Options{})
	h.want(api.ExitOK, "import", "media", "-q")
	h.want(api.ExitOK, "drift", "-q")
	ctx, interrupt := context.WithCancel(context.Background())
	defer interrupt()
	s, err := api.Open(api.Options{Dir: h.dir, Command: "recon test"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	calls, locked := 0, false
	s.Now = func() time.Time {
		if calls++; calls == 2 { // the first is that of the look, this one that of the write phase
			h.want(api.ExitOK, "drift", "-q")
		}
		if holder, _ := runs.LockHolder(context.Background(), s); holder != nil {
			locked = true
			interrupt()
		}
		return time.Now()
	}
	if _, err := api.Drift(ctx, s, "drift"); !errors.Is(err, context.Canceled) {
		t.Errorf("an interrupted second look gives %v", err)
	}
	if !locked {
		t.Error("it was not interrupted under the lock")
	}
}

// daemonFiles are daemon.json files as people write them, and some that nobody
// should.
var daemonFiles = []string{
	`{}`, `{"default-address-pools":[{"base":"10.201.0.0/16","size":24}]}`, `{"dns":"1.1.1.1"}`, `{"registry-mirrors":"https://m.lan","insecure-registries":"r.lan"}`,
	`{"log-opts":{"max-size":"10m","max-file":3}}`, `{"ipv6":"true","mtu":"1450","live-restore":"true","debug":"true"}`,
	`{"runtimes":{"nvidia":{"path":"/usr/bin/nvidia-container-runtime","runtimeArgs":[]}},"builder":{"gc":{"enabled":true,"defaultKeepStorage":"20GB"}}}`,
	`{"default-ulimits":{"nofile":{"Name":"nofile","Hard":64000,"Soft":64000}},"proxies":{"http-proxy":"http://p.lan:3128"}}`,
	`{"default-network-opts":{"bridge":{"com.docker.network.driver.mtu":"1450"}},"features":{"buildkit":"true"}}`,
	`{"labels":{"a":1},"hosts":7,"exec-opts":[null,1],"dns-search":[["x"]],"some-new-key":{"deep":[{"er":null}]}}`,
	`{"mtu":1e999999999,"x":1}`, `{"mtu":1e-999999999}`, `{"dns":null,"settings":1}`, `[]`, `"x"`, `{"a":{"b":1,"b":"c"}}`, `{"a":` + strings.Repeat("[", 500) + strings.Repeat("]", 500) + `}`,
	`{"": 1, "a\u0000b": "\u2028", "*": 3}`,
}

// daemonAttrs are what manifests say of them.
var daemonAttrs = []string{
	"", `settings = { "some-new-key" = true }`, `settings = { a = null, b = { c = [1, "x", null, { d = {} }] } }`, "default_ulimits = {}",
	`default_ulimits = { nofile = { Name = "nofile", Soft = 1024, Hard = 2048 } }`, `runtimes = { nvidia = { path = "/usr/bin/nvidia-container-runtime" } }`,
	"builder = { gc = { enabled = true } }", `proxies = { http-proxy = "http://p.lan:3128" }`, `default_network_opts = { bridge = { "com.docker.network.driver.mtu" = "1450" } }`,
	`default_address_pools = [{ base = "10.201.0.0/16", size = 24 }]`, `dns = ["1.1.1.1"]`, `log_opts = { max-size = "10m", max-file = "3" }`, "features = { buildkit = true }",
	"default_address_pools = [null]", "dns = [null]", `proxies = ["http://u:p@x"]`, `settings = { a = 1e99999999 }`, "mtu = 1e99999999",
}

// TestDaemonValues runs every command with every file and every manifest. All of them
// together are what FuzzWholeWay draws.
func TestDaemonValues(t *testing.T) {
	for i := range max(len(daemonFiles), len(daemonAttrs)) {
		file, attrs := daemonFiles[i%len(daemonFiles)], daemonAttrs[i%len(daemonAttrs)]
		h := boxProject(t, file, attrs)
		h.everyCommand()
		if t.Failed() {
			t.Fatalf("daemon.json %.200s, manifest %s", file, attrs)
		}
	}
}

// TestWrongTypeIsDrift: a value of another JSON type than the daemon takes is a
// difference of a declared key, whatever it would be after a conversion.
func TestWrongTypeIsDrift(t *testing.T) {
	for _, row := range []struct{ file, attrs, says string }{
		{`{"log-opts":{"max-size":"10m","max-file":3}}`, `log_opts = { max-size = "10m", max-file = "3" }`, `"max-file":3`},
		{`{"max-concurrent-downloads":"3"}`, "max_concurrent_downloads = 3", `max_concurrent_downloads  "3" -> 3`},
		{`{"shutdown-timeout":"15"}`, "shutdown_timeout = 15", `"15" seconds -> 15 seconds`},
		{`{"features":{"buildkit":"true"}}`, "features = { buildkit = true }", `{"buildkit":"true"} -> {"buildkit":true}`},
		{`{"ipv6":"true"}`, "ipv6 = true", `ipv6  "true" -> true`},
		{`{"debug":"true"}`, "debug = true", `debug  "true" -> true`},
		{`{"live-restore":"false"}`, "live_restore = false", `live_restore  "false" (written, not in use) -> false`},
		{`{"mtu":"1450"}`, "mtu = 1450", `mtu  "1450" -> 1450`},
		{`{"dns":"1.1.1.1"}`, `dns = ["1.1.1.1"]`, `dns  "1.1.1.1" -> [1.1.1.1]`},
		{`{"labels":"a=b"}`, `labels = ["a=b"]`, `labels  "a=b" -> [a=b]`},
		{`{"bip":5}`, `bip = ""`, `bip  5 -> ""`},
		{`{"default-address-pools":[{"base":"10.201.0.0/16","size":"24"}]}`, `default_address_pools = [{ base = "10.201.0.0/16", size = 24 }]`, `"size":"24"`},
	} {
		h := boxProject(t, row.file, row.attrs)
		h.want(api.ExitDiffers, "plan")
		if !strings.Contains(h.out.String(), row.says) {
			t.Errorf("%s with %s is planned as\n%s", row.file, row.attrs, &h.out)
		}
	}
}

// TestImportedDaemonPlansEmpty: what recon writes about a file it can read again, and
// a plan made at once is empty, whatever the file holds.
func TestImportedDaemonPlansEmpty(t *testing.T) {
	for _, file := range daemonFiles {
		h := boxProject(t, file, "")
		if h.run("import", "docker_daemon.box") != api.ExitOK {
			continue // what recon does not understand it does not import
		}
		h.want(api.ExitOK, "validate")
		h.run("plan", "-o", "json")
		var plan struct {
			Changes []struct{ Action string } `json:"changes"`
		}
		if err := json.Unmarshal(h.out.Bytes(), &plan); err != nil {
			t.Fatal(err)
		}
		for _, c := range plan.Changes {
			if c.Action != "none" {
				t.Errorf("%s is imported and then planned:\n%s", file, &h.out)
			}
		}
	}
}

// TestNextStartFails: what Docker would refuse is an error of the doctor, who advises
// no restart then, and blocks a plan about any other key.
func TestNextStartFails(t *testing.T) {
	for _, row := range []struct{ file, says string }{
		{`{"dns":"1.1.1.1"}`, "dns is a text, and dockerd takes an array of texts"},
		{`{"log-opts":{"max-size":"10m","max-file":3}}`, "log-opts is an object with other values"},
		{`{"hosts":["unix:///x.sock","tcp://127.0.0.1:2375"],"log-opts":{"max-size":"10m"}}`, "hosts stands on the command line of dockerd too (-H)"},
		{`{"some-new-key":1}`, "some-new-key is no key that Docker"},
	} {
		h := boxProject(t, row.file, `log_level = "warn"`)
		h.want(api.ExitDiffers, "doctor", "-o", "json")
		text := h.out.String()
		if !strings.Contains(text, "daemon-json-refused") || !strings.Contains(text, row.says) || strings.Contains(text, "systemctl restart docker") {
			t.Errorf("%s: the doctor says\n%s", row.file, text)
		}
		h.want(api.ExitDiffers, "plan", "-o", "json")
		if text := h.out.String(); !strings.Contains(text, `"reason": "daemon_json"`) || !strings.Contains(text, row.says) {
			t.Errorf("%s: the plan says\n%s", row.file, text)
		}
	}
}
