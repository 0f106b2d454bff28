package docker

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"recon/inventory/doctor"
	"recon/providers/sshhost"
)

// TestFilesAreReadByAShell reads files by patterns through the shell of this machine:
// names with blanks, folders, what is not there.
func TestFilesAreReadByAShell(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"a.yml": "a: 1\n", "b c.yml": "b\n", "d.toml": "no", "sub/x": "in"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p := New(Config{Host: sshhost.Config{Name: "here", Address: sshhost.Local}})
	defer p.Close()
	look := looked{files: map[string]string{}}
	err := p.files(t.Context(), []place{{pattern: dir + "/*.yml"}, {pattern: dir + "/sub"}, {pattern: dir + "/none*"}, {pattern: dir + "/sub/x"}}, &look)
	want := map[string]string{dir + "/a.yml": "a: 1\n", dir + "/b c.yml": "b\n", dir + "/sub/x": "in"}
	if diff := cmp.Diff(want, look.files); diff != "" || err != nil || len(look.lost) > 0 {
		t.Error(diff, err, look.lost)
	}
}

// TestFilesOfContainersLieOnTheHost: where a container has a file from decides where it
// is read.
func TestFilesOfContainersLieOnTheHost(t *testing.T) {
	rows := []struct {
		source, target, pattern, want, inside string
	}{
		{"/opt/t", "/etc/traefik", "/etc/traefik/*.yml", "/opt/t/*.yml", "/etc/traefik/*.yml"},
		{"/opt/t/traefik.yml", "/etc/traefik/traefik.yml", "/etc/traefik/*.yml", "/opt/t/traefik.yml", "/etc/traefik/traefik.yml"},
		{"/opt/d", "/etc/traefik/dynamic", "/etc/traefik/*/*.yml", "/opt/d/*.yml", "/etc/traefik/dynamic/*.yml"},
		{"/opt/d", "/dynamic", "/dynamic/*.yml", "/opt/d/*.yml", "/dynamic/*.yml"},
		{"/opt/npm/data", "/data", "/data/nginx/proxy_host/*.conf", "/opt/npm/data/nginx/proxy_host/*.conf", "/data/nginx/proxy_host/*.conf"},
		{"/opt/x", "/config", "/etc/traefik/*.yml", "", ""},
		{"/", "/", "/etc/traefik/*.yml", "", ""},
		{"/opt/[x]", "/etc/traefik", "/etc/traefik/*.yml", "", ""},
	}
	for _, r := range rows {
		c := &doctor.Container{Binds: []doctor.Bind{{Source: r.source, Target: r.target}}}
		if got, inside, _ := patternOnHost(c, r.pattern); got != r.want || inside != r.inside {
			t.Errorf("%s:%s, %s: %q and %q, not %q and %q", r.source, r.target, r.pattern, got, inside, r.want, r.inside)
		}
	}
}

// TestIncludedFilesAreReadToo: what a file includes is looked for where its program sees
// it, also in a container, and a file that nobody includes is not read as if it were used.
func TestIncludedFilesAreReadToo(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"nginx/nginx.conf":          "http { include /config/nginx/site-confs/*.conf; }",
		"nginx/site-confs/a.conf":   "server { server_name a.example.net; include /config/nginx/login-server.conf; location / { include /config/nginx/login.conf; include more/pass.conf; } }",
		"nginx/login-server.conf":   "location = /check { internal; proxy_pass http://login:9091/api; }",
		"nginx/login.conf":          "auth_request /check;",
		"nginx/more/pass.conf":      "set $app wiki; proxy_pass http://$app:3000;",
		"nginx/proxy-confs/no.conf": "server { server_name no.example.net; location / { proxy_pass http://no:80; } }",
		"caddy/Caddyfile":           "(login) {\n\tforward_auth login:9091\n}\nimport more/*.caddy\nimport {$ELSEWHERE}/x\n",
		"caddy/more/b.caddy":        "b.example.net {\n\timport login\n\timport /etc/caddy/parts/pass\n}\n",
		"caddy/parts/pass":          "reverse_proxy wiki:3000\n",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p := New(Config{Host: sshhost.Config{Name: "here", Address: sshhost.Local}})
	defer p.Close()
	p.last.facts = &doctor.Host{Name: "here", Containers: []doctor.Container{
		{Name: "swag", Binds: []doctor.Bind{{Source: dir, Target: "/config"}}}, {Name: "caddy", Binds: []doctor.Bind{{Source: dir + "/caddy", Target: "/etc/caddy"}}},
	}}
	p.Survey(t.Context())
	var got []string
	for _, r := range p.Facts().Told.Routes {
		if strings.HasPrefix(r.Place, dir) { // and not what this machine has
			got = append(got, fmt.Sprintf("%s %v %v %v%s %s", r.By, r.Hosts, r.To, r.Auth, r.Unread, strings.TrimPrefix(r.Place, dir)))
		}
	}
	want := []string{
		"caddy [b.example.net] [wiki:3000] [login:9091] /caddy/more/b.caddy:1",
		"swag [a.example.net] [http://wiki:3000] [http://login:9091] /nginx/site-confs/a.conf:1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if u := p.Facts().Told.Unread; !slices.ContainsFunc(u, func(s string) bool { return strings.Contains(s, "{$ELSEWHERE}/x, which caddy includes") }) {
		t.Error(u)
	}
}
