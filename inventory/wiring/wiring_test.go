package wiring

import (
	"slices"
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
	if r.Own {
		out += "itself"
	}
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
		"Host(`a.example.net`)":                                                     "a.example.net",
		"Host(`a.example.net`) && PathPrefix(`/api`)":                               "a.example.net/api",
		"Host(`a.example.net`, `b.example.net`)":                                    "a.example.net,b.example.net",
		"Host(`a.example.net`) || Host(`B.example.net`)":                            "a.example.net,b.example.net",
		"Host(`a.example.net`) || (Host(`b.example.net`) && PathPrefix(`/x`))":      "a.example.net | b.example.net/x",
		"Host(`a.example.net`) && PathPrefix(`/x`) || Host(`b.example.net`)":        "a.example.net/x | b.example.net",
		"(Host(`a.example.net`) || Host(`b.example.net`)) && PathPrefix(`/x`,`/y`)": "a.example.net,b.example.net/x,/y",
		"Host(`a.example.net`) || PathPrefix(`/x`)":                                 "a.example.net | /x",
		"!(Host(`a.example.net`) || Host(`b.example.net`))":                         " (a part of its rule is a negation)",
		"HostSNI(`*`)":                                       "",
		"HostRegexp(`^.+\\.example\\.net$`)":                 " (a part of its rule is a pattern of names)",
		"Host(`{sub:[a-z]+}.example.net`)":                   " (one of its names is a pattern)",
		"Host(`a.example.net`) && Path(`/{id:[0-9]+}`)":      "a.example.net/ (one of its paths is a pattern)",
		"Host(`a.example.net`) && !PathPrefix(`/admin`)":     "a.example.net (a part of its rule is a negation)",
		"Host(`a.example.net`, `b." + hole + "`)":            "a.example.net (its rule is a template)",
		"Host(a.example.net)":                                " (its rule is not understood)",
		"Host(`a.example.net`":                               " (its rule is not understood)",
		"":                                                   " (it has no rule)",
		"PathPrefix(`/grafana`)":                             "/grafana",
		"Method(`GET`)":                                      " (its rule names no host)",
		"(Host(\"a.example.net\")) && Header(`X-A`, `true`)": "a.example.net",
	}
	for rule, want := range rows {
		var got []string
		for _, m := range Rule(rule) {
			text := strings.Join(m.Hosts, ",") + strings.Join(m.Paths, ",")
			if m.Unread != "" {
				text += " (" + m.Unread + ")"
			}
			got = append(got, text)
		}
		if text := strings.Join(got, " | "); text != want {
			t.Errorf("%s: %q, not %q", rule, text, want)
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
		*Labels(Owner{Container: "wiki", Port: 3000}, enable(map[string]string{"traefik.http.routers.wiki.rule": "Host(`wiki.example.net`)", "traefik.http.routers.wiki.entrypoints": "websecure"})),
		*Labels(Owner{Container: "auth"}, enable(map[string]string{"traefik.http.middlewares.login.forwardauth.address": "http://auth:9000/x", "traefik.http.services.a.loadbalancer.server.port": "9000"})),
		*Labels(Owner{Container: "hidden"}, map[string]string{"traefik.http.routers.h.rule": "Host(`hidden.example.net`)"}),
		*Labels(Owner{Container: "off"}, map[string]string{"traefik.enable": "False", "traefik.http.routers.o.rule": "Host(`off.example.net`)"}),
		*Labels(Owner{Container: "Shop", Port: 80}, enable(map[string]string{})),
	}
	want := []string{
		"t.example.net > ",
		"git.example.net > http://10.0.0.1:3000,http://10.0.0.2:3000 ? http://auth:9000 (the middleware headers@file is not among what was read)",
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

// TestLabelsOfTraefik: what Traefik makes of the labels of containers (pkg/provider/docker
// and pkg/provider of Traefik 3).
func TestLabelsOfTraefik(t *testing.T) {
	app := Owner{Container: "app", Port: 80}
	composed := Owner{Container: "shop-web-1", Project: "shop", Service: "web", Port: 80}
	rule := func(router, host string) string {
		return "traefik.http.routers." + router + ".rule=Host(`" + host + "`)"
	}
	rows := map[string]struct {
		static Static
		owners []Owner
		labels []string // of each
		want   []string
	}{
		"a container of compose has another name":      {owners: []Owner{composed}, labels: []string{"traefik.enable=true"}, want: []string{"web-shop > http://shop-web-1:80"}},
		"rule of the configuration":                    {Static{DefaultRule: "Host(`{{ .Name }}.example.net`)"}, []Owner{composed}, []string{"traefik.enable=true"}, []string{"web-shop.example.net > http://shop-web-1:80"}},
		"by a label of compose":                        {Static{DefaultRule: "Host(`{{ index .Labels \"com.docker.compose.service\" }}.example.net`)"}, []Owner{composed}, []string{"traefik.enable=true"}, []string{"web.example.net > http://shop-web-1:80"}},
		"by a label that is not known":                 {Static{DefaultRule: "Host(`{{ .Labels.other }}.example.net`)"}, []Owner{app}, []string{"traefik.enable=true"}, []string{" > http://app:80 (its rule is a template)"}},
		"by a function that is not known":              {Static{DefaultRule: "Host(`{{ sha256sum .Name }}`)"}, []Owner{app}, []string{"traefik.enable=true"}, []string{" > http://app:80 (its rule is a template)"}},
		"several services, and none named":             {owners: []Owner{app}, labels: []string{rule("a", "a.example.net") + "\ntraefik.http.services.a.loadbalancer.server.port=1\ntraefik.http.services.b.loadbalancer.server.port=2"}, want: []string{"a.example.net >  (its container has several services, and the router names none)"}},
		"services of two protocols":                    {owners: []Owner{app}, labels: []string{rule("a", "a.example.net") + "\ntraefik.http.services.a.loadbalancer.server.port=1\ntraefik.tcp.services.a.loadbalancer.server.port=2\ntraefik.tcp.routers.a.rule=HostSNI(`*`)"}, want: []string{"a.example.net > http://app:1", " > tcp://app:2"}},
		"two containers of one service":                {owners: []Owner{app, {Container: "second"}}, labels: []string{rule("a", "a.example.net") + "\ntraefik.http.services.a.loadbalancer.server.port=1", "traefik.http.services.a.loadbalancer.server.port=1"}, want: []string{"a.example.net > http://app:1,http://second:1", "second > http://app:1,http://second:1"}},
		"UDP has no rule":                              {owners: []Owner{app}, labels: []string{"traefik.udp.routers.d.entrypoints=dns\ntraefik.udp.services.d.loadbalancer.server.port=53"}, want: []string{" > udp://app:53"}},
		"the scheme of the service":                    {owners: []Owner{app}, labels: []string{rule("a", "a.example.net") + "\ntraefik.http.services.a.loadbalancer.server.scheme=https\ntraefik.http.services.a.loadbalancer.server.port=8443"}, want: []string{"a.example.net > https://app:8443"}},
		"a middleware that was not read":               {owners: []Owner{app}, labels: []string{rule("a", "a.example.net") + "\ntraefik.http.routers.a.middlewares=sso@file"}, want: []string{"a.example.net > http://app:80 (the middleware sso@file is not among what was read)"}},
		"the middlewares of an entry point":            {Static{Entries: map[string]Entry{"web": {Port: 80, Middlewares: []string{"sso@docker"}}}}, []Owner{app}, []string{rule("a", "a.example.net") + "\ntraefik.http.middlewares.sso.forwardauth.address=http://sso:9091/x"}, []string{"a.example.net > http://app:80 ? http://sso:9091"}},
		"constraints":                                  {Static{Constraints: true}, []Owner{app}, []string{rule("a", "a.example.net")}, []string{"a.example.net > http://app:80 (whether Traefik takes the container is decided by constraints)"}},
		"a router that sends to another one's service": {owners: []Owner{app, {Container: "other", Port: 9}}, labels: []string{rule("a", "a.example.net") + "\ntraefik.http.routers.a.service=o", "traefik.http.services.o.loadbalancer.server.port=9\n" + rule("o", "o.example.net")}, want: []string{"a.example.net > http://other:9", "o.example.net > http://other:9"}},
	}
	for name, row := range rows {
		var sources []Dynamic
		for i, owner := range row.owners {
			labels := map[string]string{}
			for l := range strings.SplitSeq(row.labels[i], "\n") {
				k, v, _ := strings.Cut(l, "=")
				labels[k] = v
			}
			sources = append(sources, *Labels(owner, labels))
		}
		if diff := cmp.Diff(row.want, inLines(Traefik(&row.static, sources))); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
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
		"kinds.conf": `
map $host $by_name { one.example.net 10.0.0.6:80; default 10.0.0.7:80; }
map $ssl_preread_server_name $stream_to { mail.example.net 10.0.0.8:443; }
upstream socket { server unix:/run/x.sock; }
server { server_name one.example.net two.example.net; location / { set $up $by_name; proxy_pass http://$up; } location ~ \.css$ { proxy_pass http://$by_name; } }
server { server_name .dot.example.net; location / { proxy_pass http://10.0.0.9:1$request_uri; } }
server { server_name www.star.*; location / { fastcgi_pass php:9000; } }
server { listen 443; proxy_pass $stream_to; }
server { server_name sock.example.net; location /a { proxy_pass http://socket; } location /b { proxy_pass http://unix:/run/y.sock:/; } }
server { server_name if.example.net; set $a 10.0.0.1; if ($arg_x) { set $a 10.0.0.2; } location / { proxy_pass http://$a; } }
server { server_name long.example.net; set $a 10.0.0.1; location / { proxy_pass http://$a_longer; } }
server { server_name gate.example.net; auth_request /gate; location /a { proxy_pass http://10.0.0.1; } location /open { auth_request off; proxy_pass http://10.0.0.1; } }`,
		"npm.conf": `
server { server_name npm.example.net; set $forward_scheme https; set $server "10.0.0.5"; set $port 8443;
  location /more { proxy_pass http://10.0.0.6:80; } location / { include conf.d/include/proxy.conf; } }`,
	}
	want := []string{
		"photos.example.net,www.photos.example.net > 10.0.0.1:3000,10.0.0.2:3000 tls",
		"photos.example.net,www.photos.example.net/api/ > http://10.0.0.3:8080 ? http://10.0.0.4:9091 tls",
		"photos.example.net > itself",
		"ha.example.net > http://10.0.0.5:8123",
		"v.example.net > http://wiki:80",
		"x.example.net >  (where it passes requests on depends on a variable)",
		"one.example.net > http://10.0.0.6:80",
		"two.example.net > http://10.0.0.7:80",
		"dot.example.net,*.dot.example.net > http://10.0.0.9:1",
		" > php:9000 (one of its names is a pattern)",
		"mail.example.net > 10.0.0.8:443",
		"sock.example.net > itself",
		"if.example.net >  (where it passes requests on depends on a variable)",
		"long.example.net >  (where it passes requests on depends on a variable)",
		"gate.example.net/a > http://10.0.0.1 (whom it asks at /gate was not read)",
		"gate.example.net/open > http://10.0.0.1",
		"npm.example.net/more > http://10.0.0.6:80",
		"npm.example.net > https://10.0.0.5:8443",
	}
	routes, _ := Nginx([]File{{"a.conf", "a.conf", files["a.conf"]}, {"7.conf", "7.conf", files["7.conf"]}, {"kinds.conf", "kinds.conf", files["kinds.conf"]}, {"npm.conf", "npm.conf", files["npm.conf"]}})
	if diff := cmp.Diff(want, inLines(routes)); diff != "" {
		t.Error(diff)
	}
}

func TestCaddy(t *testing.T) {
	routes, _ := Caddy([]File{{"Caddyfile", "Caddyfile", `
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
first.example.net,
second.example.net {
	import passed app:1 {
		to app:2
	}
	import nowhere
}
(passed) {
	reverse_proxy http://{args[0]} {
		{block}
	}
}
ports.example.net {
	@api path /api/*
	@var host x.{$DOMAIN}
	handle @api {
		reverse_proxy :8080
	}
	handle @var {
		reverse_proxy app
	}
	handle {
		php_fastcgi unix//run/php.sock
	}
}
route.example.net {
	route {
		forward_auth login:9091
	}
	handle /open {
		reverse_proxy app:2
	}
}
`}})
	got := inLines(routes)
	want := []string{
		"photos.example.net,www.photos.example.net > 10.0.0.1:2283 ? authelia:9091 tls",
		"plain.example.net/api/ > api:3000",
		"plain.example.net > http://web:80,http://web2:80",
		"wiki.example.net > wiki:80 tls",
		" >  (where it passes requests on depends on a variable)",
		"static.example.net > itself tls",
		"first.example.net,second.example.net > http://app:1,app:2 tls (it imports nowhere, which was not read)",
		"ports.example.net/api/ > localhost:8080 tls",
		" > app:80 tls (one of its names is a variable)",
		"route.example.net/open > app:2 ? login:9091 tls",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestCloudflared(t *testing.T) {
	got, err := Cloudflared("config.yml", "tunnel: x\ningress:\n  - hostname: a.example.net\n    service: http://10.0.0.1:80\n"+
		"  - hostname: a.example.net\n    path: ^/api\n    service: http://10.0.0.2:80\n  - hostname: b.example.net\n    service: http_status:404\n  - service: http_status:404\n")
	want := []string{"a.example.net > http://10.0.0.1:80 tls", "a.example.net^/api > http://10.0.0.2:80 tls (one of its paths is a pattern)"}
	if diff := cmp.Diff(want, inLines(got)); err != nil || diff != "" {
		t.Error(diff, err)
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
		"hosts":                       {HostsFile("hosts", "h", "127.0.0.1 localhost\n::1 ip6-localhost\n10.0.0.1 A.example.net a # the first\nff02::1 all\nbroken\n"), "a.example.net A 10.0.0.1, a A 10.0.0.1"},
		"dnsmasq":                     {Dnsmasq("dnsmasq", "d", "# x\naddress=/a.example.net/10.0.0.1\nhost-record=b.example.net,b,10.0.0.2\ncname=c.example.net,d.example.net,a.example.net\naddress=/ads.example/0.0.0.0\nserver=9.9.9.9\nserver=/lan/10.0.0.9\n"), "a.example.net A 10.0.0.1, *.a.example.net A 10.0.0.1, b.example.net A 10.0.0.2, b A 10.0.0.2, c.example.net CNAME a.example.net, d.example.net CNAME a.example.net; 9.9.9.9"},
		"dnsmasq, what is no address": {Dnsmasq("dnsmasq", "d", "address=/a.example.net/#\naddress=/b.example.net/\naddress=/c.example.net/d.example.net\ncname=e.example.net,f.example.net,300\nserver=//\nserver=/lan/#\n"), "e.example.net CNAME f.example.net"},
		"unbound, for some names":     {Unbound("u", "forward-zone:\n name: \"lan.\"\n forward-addr: 10.0.0.9\nforward-zone:\n forward-addr: 9.9.9.9 name: \".\"\nstub-zone:\n name: \".\"\n stub-addr: 10.0.0.8\n"), "; 9.9.9.9"},
		"unbound, every name below":   {Unbound("u", "local-zone: home.example.net redirect\nlocal-data: 'home.example.net 3600 IN A 10.0.0.2'\nlocal-data: 'x.example.net TXT A 10.0.0.3'\n"), "home.example.net A 10.0.0.2, *.home.example.net A 10.0.0.2"},
		"pihole":                      {pihole, "a.example.net A 10.0.0.1, b.example.net A 10.0.0.1, c.example.net CNAME a.example.net; 127.0.0.1#5335 9.9.9.9"},
		"adguard":                     {adguard, "*.example.net A 10.0.0.2, x.example.net CNAME y.example.net; https://dns.example.net/dns-query [/lan/]10.0.0.1 1.1.1.1"},
		"unbound":                     {Unbound("u", "server:\n  local-data: \"a.example.net. IN A 10.0.0.1\"\n  local-data: 'b.example.net. 300 IN AAAA fd00::1'\n  local-zone: \"example.net.\" static\nforward-zone:\n  name: .\n  forward-addr: 1.1.1.1@853#cloudflare-dns.com\n"), "a.example.net A 10.0.0.1, b.example.net AAAA fd00::1, example.net  , *.example.net  ; 1.1.1.1@853#cloudflare-dns.com"},
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
	got := Fstab("/dev/sda1 / ext4 defaults 0 1\nnas:/tank/media /mnt/media nfs4 _netdev 0 0\n//nas.lan/photos /mnt/photos cifs credentials=/root/c 0 0\n" +
		"//10.0.0.5/My\\040Disk /mnt/my\\040disk cifs ro 0 0\n[fd00::5]:/x /mnt/six nfs ro 0 0\nlena@10.0.0.6:/srv /mnt/ssh fuse.sshfs ro 0 0\n10.0.0.7:vol /mnt/g glusterfs ro 0 0\n/mnt/a:/mnt/b /mnt/pool fuse.mergerfs ro 0 0\n")
	want := []Share{
		{"/mnt/media", "nas", "/tank/media", "nfs"},
		{"/mnt/photos", "nas.lan", "/photos", "cifs"},
		{"/mnt/my disk", "10.0.0.5", "/My Disk", "cifs"},
		{"/mnt/six", "fd00::5", "/x", "nfs"},
		{"/mnt/ssh", "10.0.0.6", "/srv", "sshfs"},
		{"/mnt/g", "10.0.0.7", "/vol", "glusterfs"},
	}
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
		Nginx([]File{{"x", "/x", text}})
		Caddy([]File{{"x", "/x", text}})
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

// TestProvidersThatAreNotRead: a Traefik that has routes from elsewhere says so, however it
// is told.
func TestProvidersThatAreNotRead(t *testing.T) {
	for text, want := range map[string][]string{
		"providers: {docker: {}, file: {filename: a.yml}}":                           nil,
		"providers: {http: {endpoint: 'http://a/'}, docker: {}, precedence: [a]}":    {"http"},
		"providers: {providersThrottleDuration: 2s, swarm: {}, redis: , ecs: false}": {"redis", "swarm"},
	} {
		tree, err := YAML(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := StaticOf(tree).Others; !slices.Equal(got, want) {
			t.Errorf("%s: %v", text, got)
		}
	}
}
