package graph

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"recon/inventory/doctor"
	"recon/inventory/wiring"
)

// program finds a program that a test holds what is read against, or skips.
func program(t *testing.T, name string) string {
	t.Helper()
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/sbin", "../../bin") {
		if p := filepath.Join(dir, name); exec.Command("test", "-x", p).Run() == nil {
			return p
		}
	}
	t.Skipf("%s is not installed here, so what is read of its files is not held against it", name)
	return ""
}

func freePort(t rapid.TB) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// start runs a program until the test ends, and returns once its port answers.
func start(t *testing.T, port int, name string, args ...string) (stop func()) {
	t.Helper()
	var said strings.Builder
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	gone := make(chan struct{})
	go func() { cmd.Wait(); close(gone) }()
	stop = func() { cmd.Process.Kill(); <-gone }
	for range 200 {
		if c, err := net.DialTimeout("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), time.Second); err == nil {
			c.Close()
			return stop
		}
		select {
		case <-gone:
			t.Fatalf("%s ended:\n%s", name, said.String())
		case <-time.After(20 * time.Millisecond):
		}
	}
	stop()
	t.Fatalf("%s does not answer:\n%s", name, said.String())
	return nil
}

// ask asks a name server for the addresses of a name, of one version. It does not know
// when the server says that it cannot know.
func ask(port int, name, version string) (out []string, known bool) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	r := net.Resolver{PreferGo: true, StrictErrors: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	}}
	found, err := r.LookupIP(ctx, version, name+".")
	for _, ip := range found {
		out = append(out, ip.String())
	}
	slices.Sort(out)
	failed := new(net.DNSError)
	return slices.Compact(out), !errors.As(err, &failed) || failed.IsNotFound
}

// holdNames asks a name server for names, and holds its answers against what was read.
func holdNames(t *rapid.T, port int, zones []wiring.Zone, conf string, names ...string) {
	for _, n := range append(names, someNames...) {
		read := answersOf(zones, n)
		for _, version := range []string{"ip4", "ip6"} {
			want, known := ask(port, n, version)
			want = slices.DeleteFunc(want, func(s string) bool { return s == "0.0.0.0" || s == "::" })
			got := slices.DeleteFunc(slices.Clone(read), func(s string) bool { return strings.Contains(s, ":") != (version == "ip6") })
			if known && !slices.Equal(got, want) {
				t.Fatalf("%s: read %v, and the server answers %v:\n%s", n, got, want, conf)
			}
		}
	}
}

// answers are the addresses that are read of the zones for a name.
func answersOf(zones []wiring.Zone, name string) (out []string) {
	g := Build(Facts{Hosts: []doctor.Host{{Name: "dns", Listening: listening(53), Told: &doctor.Told{Zones: zones}}}})
	for _, r := range g.known.lookup(name) {
		out = append(out, r.Value)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

var (
	someNames = []string{"home.test", "a.home.test", "b.home.test", "c.b.home.test", "d.test", "e.d.test"}
	someIPs   = []string{"10.0.0.1", "10.0.0.2", "10.0.0.3", "fd00::1"}
)

// TestDnsmasqAnswersWhatIsRead makes settings of dnsmasq, and asks a real one for each name:
// it answers what was read. It needs dnsmasq.
func TestDnsmasqAnswersWhatIsRead(t *testing.T) {
	dnsmasq := program(t, "dnsmasq")
	name, ip := rapid.SampledFrom(someNames), rapid.SampledFrom(someIPs)
	line := rapid.OneOf(
		rapid.Custom(func(t *rapid.T) string { return fmt.Sprintf("address=/%s/%s", name.Draw(t, "n"), ip.Draw(t, "ip")) }),
		rapid.Custom(func(t *rapid.T) string {
			return fmt.Sprintf("address=/%s/%s/%s", name.Draw(t, "n"), name.Draw(t, "m"), ip.Draw(t, "ip"))
		}),
		rapid.Custom(func(t *rapid.T) string {
			return fmt.Sprintf("host-record=%s,%s,%s", name.Draw(t, "n"), name.Draw(t, "m"), ip.Draw(t, "ip"))
		}),
		rapid.Custom(func(t *rapid.T) string {
			return fmt.Sprintf("host-record=%s,10.0.0.4,fd00::4,300 # of the printer", name.Draw(t, "n"))
		}),
		rapid.Custom(func(t *rapid.T) string {
			return fmt.Sprintf("cname=alias%d.test,%s", rapid.IntRange(0, 2).Draw(t, "a"), name.Draw(t, "n"))
		}),
		rapid.Custom(func(t *rapid.T) string { return "# address=/" + name.Draw(t, "n") + "/10.9.9.9" }),
		rapid.Just("address=/blocked.test/"), rapid.Just("address=/sink.test/0.0.0.0"), rapid.Just("bogus-priv"), rapid.Just("domain-needed"),
	)
	rapid.Check(t, few(t, func(rt *rapid.T) {
		dir, port := t.TempDir(), freePort(rt)
		conf := strings.Join(rapid.SliceOfN(line, 1, 8).Draw(rt, "lines"), "\n") + "\n"
		hosts := fmt.Sprintf("%s %s %s # two\n127.0.1.1 self\n", ip.Draw(rt, "ip"), name.Draw(rt, "n"), name.Draw(rt, "m"))
		write(rt, filepath.Join(dir, "hosts"), hosts)
		write(rt, filepath.Join(dir, "a.conf"), "addn-hosts="+filepath.Join(dir, "hosts")+"\n"+conf)
		if out, err := exec.Command(dnsmasq, "--test", "-C", filepath.Join(dir, "a.conf")).CombinedOutput(); err != nil {
			rt.Skip("dnsmasq refuses it: " + string(out))
		}
		stop := start(t, port, dnsmasq, "-k", "-C", filepath.Join(dir, "a.conf"), "-p", strconv.Itoa(port), "--no-resolv", "--no-hosts", "--listen-address=127.0.0.1", "--bind-interfaces", "--pid-file=", "--user=")
		defer stop()
		zones := []wiring.Zone{wiring.Dnsmasq("dnsmasq", "a.conf", conf), wiring.HostsFile("dnsmasq", "hosts", hosts)}
		holdNames(rt, port, zones, conf+hosts, "x.a.home.test", "deep.x.d.test", "alias0.test", "alias1.test", "blocked.test", "sink.test", "none.test")
	}))
}

// few keeps the number of programs that a test starts small where nobody asks for more.
func few(t *testing.T, check func(*rapid.T)) func(*rapid.T) {
	n, most := 0, 12
	if v, err := strconv.Atoi(os.Getenv("RECON_REAL")); err == nil {
		most = v
	}
	return func(rt *rapid.T) {
		if n++; n <= most || t.Failed() {
			check(rt)
		}
	}
}

func write(t rapid.TB, file, text string) {
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestUnboundAnswersWhatIsRead does the same with Unbound. It needs unbound.
func TestUnboundAnswersWhatIsRead(t *testing.T) {
	unbound := program(t, "unbound")
	name, ip := rapid.SampledFrom(someNames), rapid.SampledFrom(someIPs)
	data := func(t *rapid.T) string {
		v := ip.Draw(t, "ip")
		kind := "A"
		if strings.Contains(v, ":") {
			kind = "AAAA"
		}
		return kind + " " + v
	}
	line := rapid.OneOf(
		rapid.Custom(func(t *rapid.T) string { return fmt.Sprintf("local-data: \"%s. %s\"", name.Draw(t, "n"), data(t)) }),
		rapid.Custom(func(t *rapid.T) string { return fmt.Sprintf("local-data: '%s 3600 IN %s'", name.Draw(t, "n"), data(t)) }),
		rapid.Custom(func(t *rapid.T) string {
			n := name.Draw(t, "n")
			return fmt.Sprintf("local-zone: %q redirect\n  local-data: \"%s. %s\"", n+".", n, data(t))
		}),
		rapid.Custom(func(t *rapid.T) string {
			return fmt.Sprintf("local-zone: %q %s", name.Draw(t, "n"), rapid.SampledFrom([]string{"static", "redirect"}).Draw(t, "z"))
		}),
	)
	rapid.Check(t, few(t, func(rt *rapid.T) {
		dir, port := t.TempDir(), freePort(rt)
		lines := rapid.SliceOfN(line, 1, 6).Draw(rt, "lines")
		conf := "server:\n  " + strings.Join(lines, "\n  ") + "\n"
		file := filepath.Join(dir, "u.conf")
		write(rt, file, fmt.Sprintf("%s\nserver:\n  interface: 127.0.0.1@%d\n  chroot: \"\"\n  username: \"\"\n  pidfile: \"\"\n  directory: %q\n  use-syslog: no\n  do-daemonize: no\n  do-not-query-localhost: no\n  local-zone: test. static\n  module-config: \"iterator\"\nforward-zone:\n  name: \".\"\n  forward-addr: 127.0.0.1@1\n", conf, port, dir))
		if out, err := exec.Command(filepath.Join(filepath.Dir(unbound), "unbound-checkconf"), file).CombinedOutput(); err != nil {
			rt.Skip("unbound refuses it: " + string(out))
		}
		stop := start(t, port, unbound, "-d", "-c", file)
		defer stop()
		zones := []wiring.Zone{wiring.Unbound("u.conf", conf)}
		holdNames(rt, port, zones, conf, "x.a.home.test", "deep.x.d.test")
	}))
}

// backends are servers that say who they are, and under which name they were asked.
func backends(t *testing.T, names ...string) (ports map[string]int) {
	ports = map[string]int{}
	for _, n := range names {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "%s %s", n, r.Host) }))
		t.Cleanup(s.Close)
		ports[n] = s.Listener.Addr().(*net.TCPAddr).Port
	}
	return ports
}

// fill puts ports where a configuration names them.
func fill(text string, ports map[string]int) string {
	for n, p := range ports {
		text = strings.ReplaceAll(text, "{"+n+"}", strconv.Itoa(p))
	}
	return text
}

// holdAgainst asks a proxy for every name and path, and holds who answers against what was
// read of its files.
func holdAgainst(t *testing.T, port int, ports map[string]int, routes []wiring.Route, names, paths []string) {
	t.Helper()
	g := Build(Facts{Hosts: []doctor.Host{{Name: "proxy", Listening: listening(port), Told: &doctor.Told{Routes: routes}}}})
	client := http.Client{Timeout: 5 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for _, name := range names {
		for _, path := range paths {
			req, _ := http.NewRequest(http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d%s", port, path), nil)
			req.Host = name
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			who, asked, _ := strings.Cut(string(body), " ")
			if ports[who] == 0 {
				who = ""
			}
			sites := g.known.sitesFor(request{name: name, path: path}, nil)
			read, named := "", false
			if len(sites) > 0 && !sites[0].Own && sites[0].Unread == "" {
				named = sites[0].Named
				for n, p := range ports {
					if slices.ContainsFunc(sites[0].To, func(e wiring.Endpoint) bool { return e.Port == p }) {
						read = n
					}
				}
			}
			switch {
			case len(sites) > 0 && (sites[0].Unread != "" || sites[0].Narrow): // it says itself that it is not known, or not for everybody
			case len(sites) > 0 && sites[0].Proxy == "traefik" && sites[0].TLS: // it takes no request without TLS
			case who == "" && resp.StatusCode/100 == 3: // it is sent on to where it belongs
			case read != who:
				t.Errorf("%s%s: read that it goes to %q, and %q answers (%d)", name, path, read, who, resp.StatusCode)
			case who != "" && named && asked != name:
				t.Errorf("%s%s: read that the name is kept, and it was asked for %s", name, path, asked)
			}
		}
	}
}

const realNginx = `
worker_processes 1;
error_log {dir}/error.log;
pid {dir}/pid;
events { worker_connections 64; }
http {
  access_log off; client_body_temp_path {dir}/a; proxy_temp_path {dir}/b; fastcgi_temp_path {dir}/c; uwsgi_temp_path {dir}/d; scgi_temp_path {dir}/e;
  upstream group { server 127.0.0.1:{one}; }
  map $host $by_name { hostnames; default 127.0.0.1:{three}; mapped.example.net 127.0.0.1:{two}; }
  include {dir}/sites/*.conf;
}
`

var realSites = map[string]string{
	"a.conf": `server { listen 127.0.0.1:{listen} default_server; server_name first.example.net;
  location / { proxy_set_header Host $host; proxy_pass http://group; }
  location /api/ { proxy_pass http://127.0.0.1:{two}/; }
  location = /exact { proxy_set_header Host $http_host; proxy_pass http://127.0.0.1:{three}; }
  location ^~ /static { proxy_pass http://127.0.0.1:{two}; } }`,
	"b.conf": `server { listen 127.0.0.1:{listen}; server_name *.wild.example.net .dot.example.net;
  set $to 127.0.0.1; set $port {two};
  location / { proxy_pass http://$to:$port; } }
server { listen 127.0.0.1:{listen}; server_name deep.wild.example.net; location / { proxy_set_header Host $host; include {dir}/snippets/pass.conf; } }`,
	"c.conf": `server { listen 127.0.0.1:{listen}; server_name static.example.net; root {dir}; }
server { listen 127.0.0.1:{listen}; server_name mapped.example.net other.example.net; location / { proxy_pass http://$by_name; } }
server { listen 127.0.0.1:{listen}; server_name away.example.net; return 301 https://first.example.net$request_uri; }`,
}

// TestNginxPassesOnWhatIsRead starts a real nginx with settings of many forms and asks it
// for names and paths. It needs nginx.
func TestNginxPassesOnWhatIsRead(t *testing.T) {
	nginx := program(t, "nginx")
	dir, ports := t.TempDir(), backends(t, "one", "two", "three")
	port := freePort(t)
	text := func(s string) string {
		return strings.NewReplacer("{dir}", dir, "{listen}", strconv.Itoa(port)).Replace(fill(s, ports))
	}
	files := []wiring.File{{Name: "nginx.conf", Path: filepath.Join(dir, "nginx.conf"), Text: text(realNginx)}}
	for _, name := range slices.Sorted(maps.Keys(realSites)) {
		files = append(files, wiring.File{Name: name, Path: filepath.Join(dir, "sites", name), Text: text(realSites[name])})
	}
	files = append(files, wiring.File{Name: "pass.conf", Path: filepath.Join(dir, "snippets", "pass.conf"), Text: text("proxy_pass http://127.0.0.1:{three};")})
	for _, f := range files {
		if err := os.MkdirAll(filepath.Dir(f.Path), 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, f.Path, f.Text)
	}
	defer start(t, port, nginx, "-c", filepath.Join(dir, "nginx.conf"), "-e", filepath.Join(dir, "start.log"), "-g", "daemon off; master_process off;")()
	routes, lost := wiring.Nginx(files)
	if len(lost) > 0 {
		t.Errorf("not read: %v", lost)
	}
	holdAgainst(t, port, ports, routes,
		[]string{"first.example.net", "x.wild.example.net", "deep.wild.example.net", "dot.example.net", "a.b.dot.example.net", "static.example.net", "mapped.example.net", "other.example.net", "away.example.net"},
		[]string{"/", "/api/x", "/api", "/exact", "/exact/more", "/static/app.js", "/other"})
}

const realCaddy = `{
	auto_https off
	admin off
}
(login) {
	header X-Login yes
}
http://plain.example.net:{listen} {
	import login
	reverse_proxy 127.0.0.1:{one}
}
http://paths.example.net:{listen}, http://also.example.net:{listen} {
	handle /api/* {
		reverse_proxy 127.0.0.1:{two}
	}
	handle_path /strip/* {
		reverse_proxy 127.0.0.1:{three} {
			header_up Host elsewhere.example.net
		}
	}
	handle {
		reverse_proxy 127.0.0.1:{one}
	}
}
http://*.wild.example.net:{listen} {
	@photos host photos.wild.example.net
	handle @photos {
		reverse_proxy {
			to 127.0.0.1:{two}
		}
	}
	@wiki {
		host wiki.wild.example.net
		path /w/*
	}
	reverse_proxy @wiki 127.0.0.1:{three}
}
http://static.example.net:{listen} {
	respond "here"
}
`

// TestCaddyPassesOnWhatIsRead does the same with Caddy. It needs caddy.
func TestCaddyPassesOnWhatIsRead(t *testing.T) {
	caddy := program(t, "caddy")
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	ports, port, file := backends(t, "one", "two", "three"), freePort(t), filepath.Join(t.TempDir(), "Caddyfile")
	text := strings.ReplaceAll(fill(realCaddy, ports), "{listen}", strconv.Itoa(port))
	write(t, file, text)
	defer start(t, port, caddy, "run", "--config", file, "--adapter", "caddyfile")()
	routes, _ := wiring.Caddy([]wiring.File{{Name: file, Path: file, Text: text}})
	holdAgainst(t, port, ports, routes,
		[]string{"plain.example.net", "paths.example.net", "also.example.net", "photos.wild.example.net", "wiki.wild.example.net", "x.wild.example.net", "static.example.net", "none.example.net"},
		[]string{"/", "/api/x", "/api", "/strip/x", "/w/page", "/other"})
}
