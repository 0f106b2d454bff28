package main

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"recon/cmd/recon/internal/api"
	"recon/inventory"
	"recon/inventory/inventorytest"
	"recon/providers/proxmox/pvesim"
)

// A liar is a cluster whose guests have the configuration that a test wants, in
// whatever JSON.
type liar struct {
	config, pending atomic.Pointer[[]byte]
}

var guestConfig = regexp.MustCompile(`/(?:qemu|lxc)/\d+/(config|pending)$`)

// change puts the lies into an answer of the cluster.
func (l *liar) change(r *http.Response) error {
	m := guestConfig.FindStringSubmatch(r.Request.URL.Path)
	if m == nil || r.StatusCode != http.StatusOK {
		return nil
	}
	lie := l.config.Load()
	if m[1] == "pending" {
		lie = l.pending.Load()
	}
	body := append(append([]byte(`{"data":`), *lie...), '}')
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	r.Header.Set("Content-Length", fmt.Sprint(len(body)))
	return nil
}

// FuzzWholeWay feeds daemon.json and the configurations of guests, of whatever JSON,
// through all that reads them: plan as text and JSON, drift with ledger and
// documents, doctor, inventory, import. Nothing panics, whatever is JSON is JSON, and
// what was imported can be read.
func FuzzWholeWay(f *testing.F) {
	h, l := liedTo(f)
	draw := func(t *rapid.T) {
		daemon, pending, config := map[string]any{}, []any{}, map[string]any{}
		for range rapid.IntRange(0, 6).Draw(t, "keys") {
			daemon[rapid.SampledFrom(daemonKeys()).Draw(t, "key")] = inventorytest.JSON(t, 3)
		}
		for range rapid.IntRange(0, 8).Draw(t, "rows") {
			key := rapid.SampledFrom(guestKeys()).Draw(t, "guest key")
			row := map[string]any{"key": key}
			for _, part := range []string{"value", "pending", "delete"} {
				if rapid.Bool().Draw(t, part) {
					row[part] = drawOption(t)
				}
			}
			pending, config[key] = append(pending, row), drawOption(t)
		}
		h.t = t
		h.wholeWay(l, asJSON(daemon), asJSON(config), asJSON(pending))
	}
	for i := range 10 { // each draw takes eight bytes
		seed := make([]byte, 8<<10)
		rand.NewChaCha8([32]byte{byte(i)}).Read(seed)
		f.Add(seed)
	}
	f.Fuzz(rapid.MakeFuzz(draw))
}

// liedTo is a home with a guest of each kind and a Docker host, and what lies about
// them.
func liedTo(f *testing.F) (*home, *liar) {
	world := pvesim.Home()
	world.Guests = slices.DeleteFunc(world.Guests, func(g *pvesim.Guest) bool { return g.VMID != 111 && g.VMID != 205 })
	sim, err := pvesim.New(pvesim.Options{World: world, StatCycle: -1, AuthDelay: -1, NodeDelay: -1})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { sim.Close() })
	target, err := url.Parse(sim.Endpoint())
	if err != nil {
		f.Fatal(err)
	}
	l := &liar{}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.Transport = &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} // the simulator of the test
	proxy.ModifyResponse = l.change
	front := httptest.NewTLSServer(proxy)
	f.Cleanup(front.Close)
	h := &home{t: f, dir: f.TempDir()}
	f.Setenv("PVE_TOKEN", sim.Token())
	h.write("recon.hcl", fmt.Sprintf("proxmox \"home\" {\n  endpoints = [%q]\n  token = env(\"PVE_TOKEN\")\n  insecure = true\n}\nhost \"box\" {\n  recording = \"box.json\"\n}\ncontext {\n  claude_md = \"CLAUDE.md\"\n  session_log = \"log.md\"\n  free_text = [\"description\"]\n}\n", front.URL))
	h.write("manifests/x.hcl", `
vm "media" {
  vmid   = 111
  cores  = 4
  memory = "8GiB"
  tags   = ["a"]
  onboot = true
}
lxc "docker-media" {
  vmid     = 205
  memory   = "8GiB"
  features = ["nesting"]
}
docker_daemon "box" {
  host                  = host.box
  dns                   = ["1.1.1.1"]
  log_opts              = { max-size = "10m", max-file = "3" }
  labels                = ["a=b"]
  default_ulimits       = { nofile = { Name = "nofile", Soft = 1024, Hard = 2048 } }
  default_address_pools = [{ base = "10.201.0.0/16", size = 24 }]
  features              = { buildkit = true }
  settings              = { some-new-key = { deep = [true, null] } }
}
`)
	return h, l
}

// wholeWay runs the commands on what it is told.
func (h *home) wholeWay(l *liar, daemon, config, pending []byte) {
	recordedHost(h.t, filepath.Join(h.dir, "box.json"), string(daemon))
	l.config.Store(&config)
	l.pending.Store(&pending)
	for _, args := range [][]string{{"drift"}, {"plan", "-o", "json"}, {"plan", "--refresh=false"}, {"doctor", "-o", "json"}, {"inventory", "-o", "json"}, {"show", "vm.media"}} {
		code := h.run(args...)
		if code == api.ExitUsage || code == api.ExitError {
			h.t.Fatalf("recon %v exits with %d: %s", args, code, &h.err)
		}
		if args[len(args)-1] == "json" && !json.Valid(h.out.Bytes()) {
			h.t.Fatalf("recon %v prints no JSON:\n%s", args, &h.out)
		}
	}
	h.imports()
}

// imports imports the guests and the daemon into a project of their own, and reads
// what that wrote.
func (h *home) imports() {
	dir, err := os.MkdirTemp(h.dir, "import")
	if err != nil {
		h.t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	other := &home{t: h.t, dir: dir}
	other.write("recon.hcl", strings.Replace(h.read("recon.hcl"), "box.json", "../box.json", 1))
	if code := other.run("import", "media", "docker-media", "docker_daemon.box"); code == api.ExitError && strings.Contains(other.err.String(), "would not") {
		h.t.Fatalf("import exits with %d: %s", code, &other.err)
	}
	other.want(api.ExitOK, "validate")
}

// daemonKeys are the keys of daemon.json that the table has, and one that it has not.
func daemonKeys() (out []string) {
	for _, a := range inventory.KindOf(inventory.KindDaemon).Attrs {
		if a.DaemonJSON() && a.Key != "*" {
			out = append(out, a.Key)
		}
	}
	return append(out, "some-new-key")
}

// guestKeys are keys of a guest's configuration: those of the tables and of the first
// device of each sort.
func guestKeys() (out []string) {
	out = []string{"digest", "lock", "unused0", "parent", "ipconfig0", "no-such-key"}
	for _, kind := range []string{"vm", "lxc"} {
		k := inventory.KindOf(kind)
		for _, a := range k.Attrs {
			if a.Key != "" {
				out = append(out, a.Key)
			}
		}
		for _, b := range k.Blocks {
			if b.Key != "" {
				out = append(out, b.Key)
			}
			for _, r := range b.Slots {
				out = append(out, fmt.Sprintf("%s%d", r.Prefix, r.From))
			}
		}
	}
	return out
}

// drawOption draws the value of a guest's option: what Proxmox could say, in part or
// whole, or any JSON.
func drawOption(t *rapid.T) any {
	if rapid.IntRange(0, 4).Draw(t, "any JSON") == 0 {
		return inventorytest.JSON(t, 2)
	}
	parts := rapid.SliceOfN(rapid.SampledFrom([]string{
		"0", "1", "8192", "-1", "1e400", "99999999999999999999", "a", "a;b", "virtio=BC:24:11:00:00:01", "bridge=vmbr0", "tag=x", "size=32G", "size=1e9G", "local:1/vm-1-disk-0.raw",
		"local:vm-1-cloudinit", "media=cdrom", "ip=dhcp", "ip=10.0.0.1/24", "order=scsi0;net0", "nesting=1", "%zz", "=", "\n\u202e", "<!-- recon:end -->", "|",
	}), 0, 4).Draw(t, "parts")
	return strings.Join(parts, ",")
}

func asJSON(v any) []byte {
	out, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return out
}
