package wiring

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEnvKeepsNothingButWhereItLeads(t *testing.T) {
	rows := map[string]struct {
		env  map[string]string
		want []string
	}{
		"url":            {map[string]string{"DATABASE_URL": "postgresql+asyncpg://app:CANARY@db:5433/shop?sslmode=off"}, []string{"DATABASE_URL postgresql://db:5433/shop"}},
		"no credentials": {map[string]string{"REDIS_URL": "redis://cache/0"}, []string{"REDIS_URL redis://cache/0"}},
		"jdbc":           {map[string]string{"SPRING_DATASOURCE_URL": "jdbc:mysql://maria:3306/app?user=a&password=CANARY"}, []string{"SPRING_DATASOURCE_URL mysql://maria:3306/app"}},
		"go mysql":       {map[string]string{"DSN": "app:CANARY@tcp(maria:3306)/app"}, []string{"DSN mysql://maria:3306/app"}},
		"pair":           {map[string]string{"DB_HOST": "db", "DB_PORT": "5432", "DB_PASSWORD": "CANARY"}, []string{"DB_HOST db:5432"}},
		"bare":           {map[string]string{"AUTHENTIK_REDIS__HOST": "redis"}, []string{"AUTHENTIK_REDIS__HOST redis"}},
		"libpq":          {map[string]string{"PG": "host=db.example.net user=a password=CANARY dbname=x"}, []string{"PG db.example.net"}},
		"own address":    {map[string]string{"BASE_URL": "https://photos.example.net", "LISTEN_ADDR": "0.0.0.0:80", "VIRTUAL_HOST": "a.example.net"}, nil},
		"not a name":     {map[string]string{"API_KEY": "CANARY", "VERSION": "1.2.3", "TZ": "Europe/Berlin", "HOST": "0.0.0.0"}, nil},
		"several":        {map[string]string{"BROKERS": "http://a:1,http://b:2"}, []string{"BROKERS http://a:1", "BROKERS http://b:2"}},
		"ipv6":           {map[string]string{"API": "http://[fd00::1]:8080/x"}, []string{"API http://[fd00::1]:8080"}},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, c := range Env(row.env) {
				got = append(got, c.Setting+" "+c.To.String())
			}
			if diff := cmp.Diff(row.want, got); diff != "" || strings.Contains(strings.Join(got, ""), "CANARY") {
				t.Error(diff)
			}
		})
	}
}

// said writes a route in a line.
func said(r Route) string {
	var to, auth []string
	for _, e := range r.To {
		to = append(to, e.String())
	}
	for _, e := range r.Auth {
		auth = append(auth, e.String())
	}
	out := strings.Join(r.Hosts, ",") + strings.Join(r.Paths, ",") + " > " + strings.Join(to, ",")
	if len(auth) > 0 {
		out += " ? " + strings.Join(auth, ",")
	}
	if r.TLS {
		out += " tls"
	}
	if r.Unread != "" {
		out += " (" + r.Unread + ")"
	}
	return out
}

func inLines(routes []Route) (out []string) {
	for _, r := range routes {
		out = append(out, said(r))
	}
	return out
}

func TestRulesOfTraefik(t *testing.T) {
	rows := map[string]string{
		"Host(`a.example.net`)":                          "a.example.net",
		"Host(`a.example.net`) && PathPrefix(`/api`)":    "a.example.net/api",
		"Host(`a.example.net`, `b.example.net`)":         "a.example.net,b.example.net",
		"Host(`a.example.net`) || Host(`B.example.net`)": "a.example.net,b.example.net",
		"HostSNI(`*`)":                                   " (its rule names no host)",
		"HostRegexp(`^.+\\.example\\.net$`)":             " (a part of its rule is a pattern of names)",
		"Host(`a.example.net`) && !PathPrefix(`/admin`)": "a.example.net (a part of its rule is a negation)",
		"Host(`{{ .Name }}.example.net`)":                " (its rule is a template)",
		"":                                               " (it has no rule)",
		"PathPrefix(`/grafana`)":                         "/grafana",
		"(Host(\"a.example.net\")) && Header(`X-A`, `true`)": "a.example.net",
	}
	for rule, want := range rows {
		hosts, paths, unread := Rule(rule)
		got := strings.Join(hosts, ",") + strings.Join(paths, ",")
		if unread != "" {
			got += " (" + unread + ")"
		}
		if got != want {
			t.Errorf("%s: %q, not %q", rule, got, want)
		}
	}
}

func TestTraefikPutsItsSourcesTogether(t *testing.T) {
	file, err := YAML(`
http:
  routers:
    git: {rule: "Host(` + "`git.example.net`" + `)", service: git, middlewares: [secure]}
    api: {rule: "Host(` + "`t.example.net`" + `)", service: api@internal}
    lost: {rule: "Host(` + "`lost.example.net`" + `)", service: nowhere}
  middlewares:
    secure: {chain: {middlewares: [headers, login@docker]}}
  services:
    git: {weighted: {services: [{name: one}, {name: two}]}}
    one: {loadBalancer: {servers: [{url: "http://10.0.0.1:3000"}]}}
    two: {loadBalancer: {servers: [{url: "http://10.0.0.2:3000"}]}}
`)
	if err != nil {
		t.Fatal(err)
	}
	static := &Static{Hidden: true, Entries: map[string]Entry{"web": {Port: 80}, "websecure": {Port: 443, TLS: true}}, DefaultRule: "Host(`{{ normalize .Name }}.example.net`)"}
	enable := func(extra map[string]string) map[string]string {
		extra["traefik.enable"] = "true"
		return extra
	}
	sources := []Dynamic{
		*DynamicOf(file, "file", "dynamic.yml"),
		*Labels("wiki", enable(map[string]string{"traefik.http.routers.wiki.rule": "Host(`wiki.example.net`)", "traefik.http.routers.wiki.entrypoints": "websecure"}), []int{8080, 3000}),
		*Labels("auth", enable(map[string]string{"traefik.http.middlewares.login.forwardauth.address": "http://auth:9000/x", "traefik.http.services.a.loadbalancer.server.port": "9000"}), nil),
		*Labels("hidden", map[string]string{"traefik.http.routers.h.rule": "Host(`hidden.example.net`)"}, nil),
		*Labels("off", map[string]string{"traefik.enable": "false", "traefik.http.routers.o.rule": "Host(`off.example.net`)"}, nil),
		*Labels("Shop", enable(map[string]string{}), []int{80}),
	}
	want := []string{
		"t.example.net > ",
		"git.example.net > http://10.0.0.1:3000,http://10.0.0.2:3000 ? http://auth:9000",
		"lost.example.net >  (the service nowhere is not among what was read)",
		"wiki.example.net > http://wiki:3000 tls",
		"auth.example.net > http://auth:9000",
		"shop.example.net > http://shop:80",
	}
	if diff := cmp.Diff(want, inLines(Traefik(static, sources))); diff != "" {
		t.Error(diff)
	}
	toml, err := TOML("[http.routers.a]\nrule = \"Host(`a.example.net`)\"\nservice = \"a\"\n[[http.services.a.loadBalancer.servers]]\nurl = \"http://10.0.0.9\"\n")
	if err != nil {
		t.Fatal(err)
	}
	if got := inLines(Traefik(nil, []Dynamic{*DynamicOf(toml, "file", "a.toml")})); got[0] != "a.example.net > http://10.0.0.9" {
		t.Error(got)
	}
	if s := StaticOf(Flags([]string{"--entrypoints.web.address=:8080", "--providers.docker.exposedByDefault=false", "--providers.file.directory=/dynamic"})); !s.Hidden || s.Entries["web"].Port != 8080 || s.Watches[0] != "/dynamic" {
		t.Errorf("%+v", s)
	}
}

func TestNginx(t *testing.T) {
	files := map[string]string{
		"a.conf": `
# a site
upstream app { server 10.0.0.1:3000; server 10.0.0.2:3000 backup; }
server {
  listen 443 ssl http2;
  listen [::]:443 ssl;
  server_name photos.example.net www.photos.example.net;
  ssl_certificate /etc/ssl/photos.pem;
  location / { proxy_pass http://app; }
  location /api/ { proxy_pass http://10.0.0.3:8080/; auth_request /authelia; }
  location = /authelia { internal; proxy_pass http://10.0.0.4:9091/api/verify; }
  location ~ \.php$ { fastcgi_pass unix:/run/php.sock; }
}
server { listen 80; server_name photos.example.net; return 301 https://$host$request_uri; }`,
		"7.conf": `
server {
  set $forward_scheme http;
  set $server         "10.0.0.5";
  set $port           8123;
  listen 80;
  server_name ha.example.net;
  location / { include conf.d/include/proxy.conf; }
}
server { server_name v.example.net; location / { set $upstream_app wiki; set $upstream_port 80; proxy_pass http://$upstream_app:$upstream_port; } }
server { server_name x.example.net; location / { proxy_pass http://$backend; } }`,
	}
	want := []string{
		"photos.example.net,www.photos.example.net > 10.0.0.1:3000,10.0.0.2:3000 tls",
		"photos.example.net,www.photos.example.net/api/ > http://10.0.0.3:8080 ? http://10.0.0.4:9091 tls",
		"ha.example.net > http://10.0.0.5:8123",
		"v.example.net > http://wiki:80",
		"x.example.net >  (where it passes requests on depends on a variable)",
	}
	if diff := cmp.Diff(want, inLines(Nginx(files, []string{"a.conf", "7.conf"}))); diff != "" {
		t.Error(diff)
	}
}

func TestCaddy(t *testing.T) {
	got := inLines(Caddy("Caddyfile", `
{
	email lena@example.net
}
(login) {
	forward_auth authelia:9091 {
		uri /api/authz/forward-auth
	}
}
photos.example.net, www.photos.example.net {
	import login
	reverse_proxy 10.0.0.1:2283
}
http://plain.example.net {
	handle /api/* {
		reverse_proxy api:3000
	}
	handle {
		reverse_proxy {
			to http://web:80 http://web2:80
		}
	}
}
*.example.net {
	@wiki host wiki.example.net
	handle @wiki {
		reverse_proxy wiki:80
	}
}
{$DOMAIN} {
	reverse_proxy {$UPSTREAM}
}
static.example.net {
	file_server
}
`))
	want := []string{
		"photos.example.net,www.photos.example.net > 10.0.0.1:2283 ? authelia:9091 tls",
		"plain.example.net/api/ > api:3000",
		"plain.example.net > http://web:80,http://web2:80",
		"wiki.example.net > wiki:80 tls",
		" >  (where it passes requests on depends on a variable)",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestCloudflared(t *testing.T) {
	got, err := Cloudflared("config.yml", "tunnel: x\ningress:\n  - hostname: a.example.net\n    service: http://10.0.0.1:80\n  - service: http_status:404\n")
	if err != nil || len(got) != 1 || said(got[0]) != "a.example.net > http://10.0.0.1:80 tls" {
		t.Errorf("%v %v", got, err)
	}
}

func TestNameServers(t *testing.T) {
	pihole, err := PiholeTOML("p", "[dns]\nhosts = [\"10.0.0.1 a.example.net b.example.net\"]\ncnameRecords = [\"c.example.net,a.example.net\"]\nupstreams = [\"127.0.0.1#5335\", \"9.9.9.9\"]\n")
	if err != nil {
		t.Fatal(err)
	}
	adguard, err := AdGuard("y", "dns:\n  upstream_dns: [\"https://dns.example.net/dns-query\", \"[/lan/]10.0.0.1\", 1.1.1.1]\nfiltering:\n  rewrites:\n    - {domain: \"*.example.net\", answer: 10.0.0.2}\n    - {domain: x.example.net, answer: y.example.net}\n    - {domain: z.example.net, answer: A}\n")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]struct {
		zone Zone
		want string
	}{
		"hosts":   {HostsFile("hosts", "h", "127.0.0.1 localhost\n::1 ip6-localhost\n10.0.0.1 A.example.net a # the first\nff02::1 all\nbroken\n"), "a.example.net A 10.0.0.1, a A 10.0.0.1"},
		"dnsmasq": {Dnsmasq("dnsmasq", "d", "# x\naddress=/a.example.net/10.0.0.1\nhost-record=b.example.net,b,10.0.0.2\ncname=c.example.net,d.example.net,a.example.net\naddress=/ads.example/0.0.0.0\nserver=9.9.9.9\nserver=/lan/10.0.0.9\n"), "a.example.net A 10.0.0.1, *.a.example.net A 10.0.0.1, b.example.net A 10.0.0.2, b A 10.0.0.2, c.example.net CNAME a.example.net, d.example.net CNAME a.example.net; 9.9.9.9"},
		"pihole":  {pihole, "a.example.net A 10.0.0.1, b.example.net A 10.0.0.1, c.example.net CNAME a.example.net; 127.0.0.1#5335 9.9.9.9"},
		"adguard": {adguard, "*.example.net A 10.0.0.2, x.example.net CNAME y.example.net; https://dns.example.net/dns-query [/lan/]10.0.0.1 1.1.1.1"},
		"unbound": {Unbound("u", "server:\n  local-data: \"a.example.net. IN A 10.0.0.1\"\n  local-data: 'b.example.net. 300 IN AAAA fd00::1'\n  local-zone: \"example.net.\" static\nforward-zone:\n  forward-addr: 1.1.1.1@853#cloudflare-dns.com\n"), "a.example.net A 10.0.0.1, b.example.net AAAA fd00::1; 1.1.1.1@853#cloudflare-dns.com"},
	}
	for name, row := range rows {
		var records []string
		for _, r := range row.zone.Records {
			records = append(records, r.Name+" "+r.Type+" "+r.Value)
		}
		got := strings.Join(records, ", ")
		if len(row.zone.Forwards) > 0 {
			got += "; " + strings.Join(row.zone.Forwards, " ")
		}
		if got != row.want {
			t.Errorf("%s:\n%s, not\n%s", name, got, row.want)
		}
	}
	for text, want := range map[string]string{"127.0.0.1#5335": "127.0.0.1", "1.1.1.1@853#x": "1.1.1.1", "tls://9.9.9.9": "9.9.9.9", "[/lan/]10.0.0.1": "", "https://dns.example.net/q": "", "192.168.1.1:53": "192.168.1.1", "fd00::1": "fd00::1"} {
		if got := Server(text); got != want {
			t.Errorf("%s: %q", text, got)
		}
	}
}

func TestSharesOfFstab(t *testing.T) {
	got := Fstab("/dev/sda1 / ext4 defaults 0 1\nnas:/tank/media /mnt/media nfs4 _netdev 0 0\n//nas.lan/photos /mnt/photos cifs credentials=/root/c 0 0\n")
	want := []Share{{"/mnt/media", "nas", "/tank/media", "nfs"}, {"/mnt/photos", "nas.lan", "/photos", "cifs"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// FuzzReaders gives every reader any text: none panics or hangs.
func FuzzReaders(f *testing.F) {
	f.Add("server { server_name a; location / { proxy_pass http://$x; } set $x $x; }")
	f.Add("a {\n reverse_proxy b:1\n}\n(x) {\n import x\n}\n")
	f.Add("http:\n  routers: {a: {rule: Host(`a`), service: b}}\n  services: {b: {weighted: {services: [{name: b}]}}}\n")
	f.Add("address=/a/b/1.2.3.4\ncname=a,b,3\n")
	f.Add("[dns]\nhosts = [\"1 2\"]\n")
	f.Add("} } { ; '")
	f.Fuzz(func(t *testing.T, text string) {
		Nginx(map[string]string{"x": text}, []string{"x"})
		Caddy("x", text)
		HostsFile("hosts", "x", text)
		Dnsmasq("d", "x", text)
		Unbound("x", text)
		_, _ = AdGuard("x", text)
		_, _ = PiholeTOML("x", text)
		_, _ = Cloudflared("x", text)
		for _, c := range Env(map[string]string{"X_HOST": text}) {
			if c.To.Host != host(c.To.Host) {
				t.Errorf("%q is no host", c.To.Host)
			}
		}
		if tree, err := YAML(text); err == nil {
			StaticOf(tree)
			if d := DynamicOf(tree, "file", "x"); d != nil {
				Traefik(nil, []Dynamic{*d})
			}
		}
		Fstab(text)
	})
}
