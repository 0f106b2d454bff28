package compose

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"recon/inventory/doctor"
)

const whole = `services:
  web:
    image: web:1.2
    environment:
      API_URL: http://localhost:5054
      PASSWORD: CANARY
    healthcheck:
      test: curl http://localhost:80
    ports: ["8080:80"]
    volumes: ["/data:/data:ro"]
  api:
    image: api
    expose: ["5054"]
    networks: [proxy]
networks:
  proxy: {external: true}
`

func TestParse(t *testing.T) {
	indent := func(s, by string) string { return by + strings.ReplaceAll(strings.TrimSpace(s), "\n", "\n"+by) }
	rows := []struct{ name, file, text string }{
		{"compose file", "media/compose.yaml", whole},
		{"ansible copy", "site.yml", "- hosts: all\n  tasks:\n    - copy:\n        dest: /opt/compose.yml\n        content: |\n" + indent(whole, "          ") + "\n"},
		{"ansible docker_compose", "role/tasks/main.yml", "- community.docker.docker_compose_v2:\n    definition:\n" + indent(whole, "      ") + "\n"},
		{"terraform", "vm.tf", "locals {\n  compose = <<-EOT\n" + indent(whole, "    ") + "\n  EOT\n}\n"},
		{"shell", "setup.sh", "cat > compose.yml <<'EOF'\n" + whole + "EOF\n"},
		{"template", "compose.yml.j2", strings.ReplaceAll(whole, "web:1.2", "web:{{ version }}")},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			files := Parse(t.Context(), row.file, []byte(row.text))
			if len(files) != 1 || len(files[0].Services) != 2 {
				t.Fatalf("got %+v", files)
			}
			web := files[0].Services[1]
			want := doctor.ComposeService{
				Name: "web", Networks: []string{"default"}, Publishes: []int{8080}, Ports: []int{80}, Binds: []doctor.Bind{{Source: "/data", Target: "/data", ReadOnly: true}},
				Locals: []doctor.Local{{Where: "environment API_URL", Host: "localhost", Port: 5054}},
			}
			if diff := cmp.Diff(want, web, cmpopts.IgnoreFields(doctor.ComposeService{}, "Image", "Line")); diff != "" {
				t.Error(diff)
			}
			if line := strings.Split(row.text, "\n"); !strings.Contains(line[web.Line-1], "web:") {
				t.Errorf("line %d is %q", web.Line, line[web.Line-1])
			}
		})
	}
}

// TestVariables: what the file does not tell stays what it is called there, and hides
// nothing else.
func TestVariables(t *testing.T) {
	rows := []struct {
		name, file, text string
		binds            []doctor.Bind
		ports            []int
	}{
		{"a variable", "c.yml", `volumes: ["${DATA}:/data", "${ROOT}/dl:/dl:ro", "$HOME/x:/x", "/a/${B}/c:/c"]`, []doctor.Bind{
			{Source: "${DATA}", Target: "/data"}, {Source: "${ROOT}/dl", Target: "/dl", ReadOnly: true}, {Source: "${HOME}/x", Target: "/x"}, {Source: "/a/${B}/c", Target: "/c"},
		}, nil},
		{"one that is required", "c.yml", `volumes: ["${DATA:?where}:/data"]`, []doctor.Bind{{Source: "${DATA}", Target: "/data"}}, nil},
		{"one with a default", "c.yml", `volumes: ["${DATA:-/srv}/a:/data", "${A:-${B}}/x:/x"]`, []doctor.Bind{{Source: "/srv/a", Target: "/data"}, {Source: "${B}/x", Target: "/x"}}, nil},
		{"written out", "c.yml", `volumes: [{type: bind, source: "${DATA}", target: /data}]`, []doctor.Bind{{Source: "${DATA}", Target: "/data"}}, nil},
		{"one after a slash, one before a word", "c.yml.j2", `volumes: ["/${R}/x:/y", "{{ root }}media:/m"]`, []doctor.Bind{{Source: "/${R}/x", Target: "/y"}, {Source: "{{ root }}media", Target: "/m"}}, nil},
		{"a template", "c.yml.j2", `volumes: ["{{ root }}/a:/a", "{{ other | default('x') }}:/b"]`, []doctor.Bind{{Source: "{{ root }}/a", Target: "/a"}, {Source: "{{ other | default('x') }}", Target: "/b"}}, nil},
		{"ports", "c.yml", `ports: ["${P:?}:7878", "${A}:${B}", "${H:-8080}:80", "127.0.0.1:${X}:81/tcp", {published: "${P}", target: 82}, {target: "${T}"}]`, nil, []int{7878, 80, 81, 82}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			files := Parse(t.Context(), row.file, []byte("services:\n  app:\n    image: app:1\n    "+row.text+"\n  other:\n    image: ${I}\n"))
			if len(files) != 1 || len(files[0].Services) != 2 || len(files[0].Unread) > 0 {
				t.Fatalf("got %+v", files)
			}
			app, other := files[0].Services[0], files[0].Services[1]
			if diff := cmp.Diff(row.binds, app.Binds); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(row.ports, app.Ports); diff != "" {
				t.Error(diff)
			}
			if other.Image != "${I}" {
				t.Errorf("image %q", other.Image)
			}
		})
	}
}

// TestUnread: a service that cannot be understood is named, and hides no other.
func TestUnread(t *testing.T) {
	files := Parse(t.Context(), "c.yml", []byte("services:\n  a:\n    image: a:1\n  b:\n    image: b:1\n    read_only: ${X}\n  c:\n    image: c:1\n"))
	if len(files) != 1 || len(files[0].Services) != 2 || len(files[0].Unread) != 1 {
		t.Fatalf("got %+v", files)
	}
	if u := files[0].Unread[0]; u.Service != "b" || u.Line != 4 || u.Why == "" {
		t.Errorf("got %+v", u)
	}
}

// TestUnreadAmongOthers: a service that stands on an anchor in a sibling is read, and
// lines are those of the file, also of embedded text.
func TestUnreadAmongOthers(t *testing.T) {
	text := "services:\n\n  a: &base\n    image: ${X}\n\n  b:\n    <<: *base\n  c:\n    image: y\n    ports: 5\n"
	files := Parse(t.Context(), "c.yml", []byte(text))
	if len(files) != 1 || len(files[0].Services) != 2 || len(files[0].Unread) != 1 || files[0].Unread[0].Service != "c" || files[0].Unread[0].Line != 8 {
		t.Fatalf("got %+v", files)
	}
	files = Parse(t.Context(), "s.sh", []byte("set -e\ncat <<'EOF' >c.yml\n"+text+"EOF\n"))
	if len(files) != 1 || len(files[0].Unread) != 1 || files[0].Unread[0].Line != 10 {
		t.Fatalf("got %+v", files)
	}
}

// TestLines: an expression or comment of a template over several lines moves nothing.
func TestLines(t *testing.T) {
	files := Parse(t.Context(), "c.yml.j2", []byte("{# one\ntwo #}\nx-a: \"{{ a |\n b }}\"\nservices:\n  app:\n    image: app:1\n"))
	if len(files) != 1 || files[0].Services[0].Line != 6 {
		t.Fatalf("got %+v", files)
	}
}

func TestWrites(t *testing.T) {
	rows := []struct {
		name, file, text string
		want             []doctor.Write
	}{
		{"ansible content", "p.yml", "- name: logs\n  ansible.builtin.copy:\n    dest: /etc/docker/daemon.json\n    content: |\n      {\"log-driver\": \"json-file\", \"log-opts\": {}}\n", []doctor.Write{{Target: daemonJSON, Line: 2, How: "ansible copy", Keys: []string{"log-driver", "log-opts"}}}},
		{"ansible template", "p.yml", "- template: {src: daemon.json.j2, dest: /etc/docker/daemon.json}\n", []doctor.Write{{Target: daemonJSON, Line: 1, How: "ansible template", Opaque: true}}},
		{"shell heredoc", "s.sh", "set -e\ncat > /etc/docker/daemon.json <<EOF\n{\"dns\": []}\nEOF\n", []doctor.Write{{Target: daemonJSON, Line: 2, How: "shell redirection", Keys: []string{"dns"}}}},
		{"tee", "s.sh", "echo '{\"mtu\": 1400}' | sudo tee /etc/docker/daemon.json\n", []doctor.Write{{Target: daemonJSON, Line: 1, How: "shell redirection", Keys: []string{"mtu"}}}},
		{"merging is no overwriting", "p.yml", "- slurp: {src: /etc/docker/daemon.json}\n- copy: {dest: /etc/docker/daemon.json, content: \"{{ x }}\"}\n", nil},
		{"reading is no writing", "s.sh", "cat /etc/docker/daemon.json\n# echo > /etc/docker/daemon.json\n", nil},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			var got []doctor.Write
			for _, f := range Parse(t.Context(), row.file, []byte(row.text)) {
				got = append(got, f.Writes...)
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestScanPassesOverWhatIsNotTheAuthors(t *testing.T) {
	fsys := fstest.MapFS{
		"a/compose.yml": {Data: []byte(whole)}, ".git/compose.yml": {Data: []byte(whole)}, "node_modules/x/compose.yml": {Data: []byte(whole)},
		".gitlab-ci.yml": {Data: []byte("services:\n  - docker:dind\n")}, "notes.md": {Data: []byte(whole)}, "broken.yml": {Data: []byte("a: [")},
	}
	files, err := Scan(t.Context(), fsys)
	if err != nil || len(files) != 1 || files[0].Path != "a/compose.yml" {
		t.Errorf("got %+v, %v", files, err)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{whole, "services: {a: {image: b}}", "- copy: {dest: /etc/docker/daemon.json, content: '{}'}", "a: &a [*a]", "x <<EOF\nservices:\n  a: {image: b, ports: [\"80:80\"]}\nEOF\n", "services:\n  a:\n    image: ${X:?}\n    ports: [\"${P}:80\"]\n"} {
		f.Add("c.yml", []byte(s))
		f.Add("s.sh", []byte(s))
		f.Add("t.yml.j2", []byte(s))
	}
	f.Fuzz(func(t *testing.T, name string, text []byte) {
		for _, file := range Parse(t.Context(), name, text) {
			for _, s := range file.Services {
				for _, l := range s.Locals {
					if l.Port < 1 || l.Port > 65535 {
						t.Errorf("port %d", l.Port)
					}
				}
			}
		}
	})
}
