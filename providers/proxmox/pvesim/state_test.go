package pvesim

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestFolder closes a server and opens its folder again: the world, the
// token, the certificate and the port are the same.
func TestFolder(t *testing.T) {
	dir := t.TempDir()
	open := func() *Server {
		t.Helper()
		s, err := New(Options{Dir: dir, World: Single(), TaskTime: 1})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	a := open()
	newClient(t, a).ok("POST", "/nodes/pve1/qemu", "vmid", "100", "name", "kept")
	token, print, endpoint := a.Token(), a.Fingerprint(), a.Endpoint()
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	b := open()
	defer func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}()
	if b.Token() != token || b.Fingerprint() != print || b.Endpoint() != endpoint {
		t.Errorf("opened again: %s %s %s, want %s %s %s", b.Token(), b.Fingerprint(), b.Endpoint(), token, print, endpoint)
	}
	if got := field(newClient(t, b).ok("GET", "/nodes/pve1/qemu/100/config"), "name"); got != "kept" {
		t.Errorf("name %v", got)
	}
	if b.CAFile() != filepath.Join(dir, "ca.pem") {
		t.Errorf("CA in %s", b.CAFile())
	}
}

func TestTemporaryCA(t *testing.T) {
	s, err := New(Options{World: Single()})
	if err != nil {
		t.Fatal(err)
	}
	file := s.CAFile()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("%s is left: %v", file, err)
	}
}

func TestReleases(t *testing.T) {
	for release, want := range map[string]struct{ priv, noPriv, unprivileged string }{
		"8.4": {"VM.Monitor", "VM.GuestAgent.Audit", "<nil>"},
		"9.1": {"VM.GuestAgent.Audit", "VM.Monitor", "1"},
		"9.2": {"VM.GuestAgent.Audit", "VM.Monitor", "1"},
	} {
		t.Run(release, func(t *testing.T) {
			hook, seen := schemaHook(t, release)
			s := start(t, Options{World: Single(), PVE: release, OnRequest: hook})
			c := newClient(t, s)
			if got := field(c.ok("GET", "/version"), "release"); got != release {
				t.Errorf("release %v", got)
			}
			role := c.ok("GET", "/access/roles/PVEVMAdmin")
			if field(role, want.priv) == nil || field(role, want.noPriv) != nil {
				t.Errorf("PVEVMAdmin: %v", role)
			}
			c.ok("POST", "/nodes/pve1/lxc", "vmid", "200", "ostemplate", "local:vztmpl/tiny.tar.gz", "rootfs", "local:1")
			if got := text(field(c.ok("GET", "/nodes/pve1/lxc/200/config"), "unprivileged")); got != want.unprivileged {
				t.Errorf("unprivileged %v, want %v", got, want.unprivileged)
			}
			groups := c.call("POST", "/cluster/ha/groups", "group", "all", "nodes", "pve1")
			if (groups.status == 200) != (release == "8.4") {
				t.Errorf("HA groups: %d %s", groups.status, groups.reason)
			}
			if bad := seen.take(); release == "8.4" && len(bad) > 0 {
				t.Errorf("the official schema says %v", bad)
			}
		})
	}
}

// TestTickets logs in with a password and writes with and without the token
// against forged requests.
func TestTickets(t *testing.T) {
	s := start(t, Options{})
	c := newClient(t, s)
	c.auth = ""
	bad := c.call("POST", "/access/ticket", "username", "root@pam", "password", "no")
	if bad.status != 401 || bad.reason != "authentication failure" || bad.body["data"] != nil {
		t.Errorf("wrong password: %d %q", bad.status, bad.reason)
	}
	login := c.ok("POST", "/access/ticket", "username", "root@pam", "password", "recon-sim")
	put := func(csrf string) answer {
		t.Helper()
		req, err := http.NewRequest("PUT", s.Endpoint()+"/api2/json/nodes/node02/qemu/106/config", strings.NewReader("args=-foo"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Cookie", "PVEAuthCookie="+url.QueryEscape(field(login, "ticket").(string)))
		req.Header.Set("CSRFPreventionToken", csrf)
		a, err := c.send(req)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	if a := put("x"); a.status != 401 || a.reason != "Permission denied - invalid csrf token" {
		t.Errorf("without CSRF token: %d %q", a.status, a.reason)
	}
	// root@pam itself may set args; its token may not (see the recordings).
	if a := put(field(login, "CSRFPreventionToken").(string)); a.status != 200 {
		t.Errorf("with ticket: %d %q", a.status, a.reason)
	}
	// A client may send the cookie as authorization; PVE looks there too.
	c.auth = "PVEAuthCookie=" + field(login, "ticket").(string)
	if a := c.call("GET", "/version"); a.status != 200 {
		t.Errorf("with the ticket as authorization: %d %q", a.status, a.reason)
	}
}

// TestPoolRights grants on a pool and looks at a guest in it.
func TestPoolRights(t *testing.T) {
	s := start(t, Options{})
	c := newClient(t, s)
	c.ok("POST", "/access/users", "userid", "ops@pve", "email", "")
	secret := field(c.ok("POST", "/access/users/ops@pve/token/tk", "privsep", "0"), "value").(string)
	c.ok("PUT", "/access/acl", "path", "/pool/devops", "roles", "PVEVMAdmin", "users", "ops@pve")
	c.auth = "PVEAPIToken=ops@pve!tk=" + secret
	rows := c.ok("GET", "/cluster/resources", "type", "vm").([]any)
	if len(rows) != 3 {
		t.Errorf("sees %d guests, want the pool's 3", len(rows))
	}
	c.ok("PUT", "/nodes/node02/qemu/106/config", "tags", "x")
	if a := c.call("PUT", "/nodes/node02/qemu/106/config", "startup", "order=1"); a.reason != "Permission check failed (/, Sys.Modify)" {
		t.Errorf("startup: %d %q", a.status, a.reason)
	}
	if a := c.call("GET", "/nodes/node01/lxc/205/config"); a.reason != "Permission check failed (/vms/205, VM.Audit)" {
		t.Errorf("another pool's guest: %d %q", a.status, a.reason)
	}
}

// TestPropertyStrings prints what it parsed and parses that again.
func TestPropertyStrings(t *testing.T) {
	f := newFormats("9.2")
	tests := []struct{ format, in, want string }{
		{"net", "model=virtio,macaddr=AA:BB:CC:DD:EE:01,tag=5,bridge=vmbr0", "virtio=AA:BB:CC:DD:EE:01,bridge=vmbr0,tag=5"},
		{"net", "rate=1.50,e1000=aa:bb:cc:dd:ee:01", "e1000=aa:bb:cc:dd:ee:01,rate=1.50"},
		{"scsi", "ssd=1,file=local:1/x.raw,backup=no,discard=on", "local:1/x.raw,backup=0,discard=on,ssd=1"},
		{"mp", "mp=/data,local:8,ro=yes", "local:8,mp=/data,ro=1"},
		{"agent", "fstrim_cloned_disks=1,enabled=1", "1,fstrim_cloned_disks=1"},
	}
	for _, tt := range tests {
		ps, err := f.parseProps(f.props[tt.format], "x", tt.in)
		if err != nil {
			t.Errorf("%s: %v", tt.in, err)
			continue
		}
		if got := ps.print(f.props[tt.format]); got != tt.want {
			t.Errorf("%s: printed %s, want %s", tt.in, got, tt.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		format := f.props[rapid.SampledFrom([]string{"net", "scsi", "mp", "rootfs", "agent"}).Draw(t, "format")]
		in := rapid.StringMatching(`([a-z]{2,6}=)?[a-z0-9:/]{1,8}(,[a-z]{2,6}=[a-z0-9:]{1,8}){0,4}`).Draw(t, "value")
		ps, err := f.parseProps(format, "x", in)
		if err != nil {
			return
		}
		once := ps.print(format)
		again, err := f.parseProps(format, "x", once)
		if err != nil || again.print(format) != once {
			t.Fatalf("%q prints %q, which reads as %v, %v", in, once, again, err)
		}
	})
}

func FuzzParams(f *testing.F) {
	f.Add("net0=virtio,bridge%3Dvmbr0&cores=1;x")
	f.Add("delete=a&delete=b&=&&%zz")
	f.Fuzz(func(t *testing.T, form string) {
		vals := url.Values{}
		splitForm(vals, form)
		for k := range vals {
			if k == "" {
				t.Error("an empty key")
			}
		}
	})
}

// BenchmarkPending is the request that a drift pass repeats for every guest.
func BenchmarkPending(b *testing.B) {
	s, err := New(Options{World: Generate(1000, 1)})
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	}()
	req, err := http.NewRequest("GET", s.Endpoint()+"/api2/json/nodes/pve1/"+s.World().Guests[0].Kind+"/100/pending", nil)
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Authorization", "PVEAPIToken="+s.Token())
	for b.Loop() {
		if rep := s.answer(req, nil); rep.status != 200 {
			b.Fatalf("%d %s", rep.status, rep.body)
		}
	}
}

func BenchmarkResources(b *testing.B) {
	s, err := New(Options{World: Generate(1000, 1)})
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	}()
	req, err := http.NewRequest("GET", s.Endpoint()+"/api2/json/cluster/resources?type=vm", nil)
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Authorization", "PVEAPIToken="+s.Token())
	for b.Loop() {
		s.answer(req, nil)
	}
}
