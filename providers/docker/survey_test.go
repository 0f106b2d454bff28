package docker

import (
	"os"
	"path/filepath"
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
	told := &doctor.Told{}
	got, err := p.files(t.Context(), []place{{pattern: dir + "/*.yml"}, {pattern: dir + "/sub"}, {pattern: dir + "/none*"}, {pattern: dir + "/sub/x"}}, told)
	want := map[string]string{dir + "/a.yml": "a: 1\n", dir + "/b c.yml": "b\n", dir + "/sub/x": "in"}
	if diff := cmp.Diff(want, got); diff != "" || err != nil || len(told.Unread) > 0 {
		t.Error(diff, err, told.Unread)
	}
}

// TestFilesOfContainersLieOnTheHost: where a container has a file from decides where it
// is read.
func TestFilesOfContainersLieOnTheHost(t *testing.T) {
	rows := []struct {
		source, target, pattern, want string
	}{
		{"/opt/t", "/etc/traefik", "/etc/traefik/*.yml", "/opt/t/*.yml"},
		{"/opt/t/traefik.yml", "/etc/traefik/traefik.yml", "/etc/traefik/*.yml", "/opt/t/traefik.yml"},
		{"/opt/d", "/etc/traefik/dynamic", "/etc/traefik/*/*.yml", "/opt/d/*.yml"},
		{"/opt/d", "/dynamic", "/dynamic/*.yml", "/opt/d/*.yml"},
		{"/opt/npm/data", "/data", "/data/nginx/proxy_host/*.conf", "/opt/npm/data/nginx/proxy_host/*.conf"},
		{"/opt/x", "/config", "/etc/traefik/*.yml", ""},
		{"/", "/", "/etc/traefik/*.yml", ""},
		{"/opt/[x]", "/etc/traefik", "/etc/traefik/*.yml", ""},
	}
	for _, r := range rows {
		c := &doctor.Container{Binds: []doctor.Bind{{Source: r.source, Target: r.target}}}
		if got, _ := patternOnHost(c, r.pattern); got != r.want {
			t.Errorf("%s:%s, %s: %q, not %q", r.source, r.target, r.pattern, got, r.want)
		}
	}
}
