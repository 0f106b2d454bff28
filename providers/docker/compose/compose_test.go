package compose

import (
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/compose-spec/compose-go/v2/schema"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"recon/inventory/doctor"
)

const example = `services:
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

// read scans files that are given by their names.
func read(t testing.TB, files map[string]string, o Options) *doctor.Facts {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	facts, err := Scan(t.Context(), dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return facts
}

func parse(t testing.TB, name, text string) *doctor.Facts {
	return read(t, map[string]string{name: text}, Options{})
}

func TestParse(t *testing.T) {
	indent := func(s, by string) string { return by + strings.ReplaceAll(strings.TrimSpace(s), "\n", "\n"+by) }
	rows := []struct{ name, file, text string }{
		{"compose file", "media/compose.yaml", example},
		{"ansible copy", "site.yml", "- hosts: all\n  tasks:\n    - copy:\n        dest: /opt/compose.yml\n        content: |\n" + indent(example, "          ") + "\n"},
		{"ansible docker_compose", "role/tasks/main.yml", "- community.docker.docker_compose_v2:\n    definition:\n" + indent(example, "      ") + "\n"},
		{"terraform", "vm.tf", "locals {\n  compose = <<-EOT\n" + indent(example, "    ") + "\n  EOT\n}\n"},
		{"shell", "setup.sh", "cat > compose.yml <<'EOF'\n" + example + "EOF\n"},
		{"template", "compose.yml.j2", strings.ReplaceAll(example, "web:1.2", "web:{{ version }}")},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			files := parse(t, row.file, row.text).Files
			if len(files) != 1 || len(files[0].Services) != 2 || len(files[0].Refused) > 0 {
				t.Fatalf("got %+v", files)
			}
			web := files[0].Services[1]
			want := doctor.ComposeService{
				Name: "web", Networks: []string{"default"}, Published: []doctor.Publish{{Proto: "tcp", First: 8080, Last: 8080}}, Ports: []int{80},
				Binds:   []doctor.Bind{{Source: "/data", Target: "/data", ReadOnly: true}},
				Locals:  []doctor.Local{{Where: "environment API_URL", Host: "localhost", Port: 5054}},
				Secrets: []doctor.Secret{{Name: "PASSWORD", Why: "6 characters"}},
			}
			if diff := cmp.Diff(want, web, cmpopts.IgnoreFields(doctor.ComposeService{}, "Image", "Place"), cmpopts.IgnoreFields(doctor.Secret{}, "Line")); diff != "" {
				t.Error(diff)
			}
			_, n, _ := doctor.Place(web.Place)
			if line := strings.Split(row.text, "\n"); !strings.Contains(line[n-1], "web:") {
				t.Errorf("line %d is %q", n, line[n-1])
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
			facts := parse(t, row.file, "services:\n  app:\n    image: app:1\n    "+row.text+"\n  other:\n    image: ${I}\n")
			files := facts.Files
			if len(files) != 1 || len(files[0].Services) != 2 || len(facts.Unread) > 0 || len(files[0].Refused) > 0 {
				t.Fatalf("got %+v", facts)
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

// TestRefused: what Docker refuses is told with the place, and hides no other service.
func TestRefused(t *testing.T) {
	rows := []struct {
		name, text, words string
		line, services    int
	}{
		{"undefined volume", "services:\n  a:\n    image: a:1\n    volumes: [\"vol:/v\"]\n", `service "a" refers to undefined volume vol`, 2, 1},
		{"undefined network", "services:\n  a: {image: \"a:1\"}\n  b:\n    image: b:1\n    networks: [n]\n", `service "b" refers to undefined network n`, 3, 2},
		{"undefined service", "services:\n  a:\n    image: a:1\n    depends_on: [b]\n", `service "a" depends on undefined service "b"`, 2, 1},
		{"a key twice", "services:\n  a:\n    image: a:1\n    image: a:2\n", `mapping key "image" already defined at line 3`, 4, 1},
		{"a bad type", "services:\n  a:\n    image: a:1\n    ports: 80\n  b: {image: \"b:1\"}\n", "services.a.ports must be a array", 4, 1},
		{"a key that is unknown", "services:\n  a:\n    image: a:1\n    prots: []\n", "services.a has a key that docker compose does not know: prots", 4, 1},
		{"a dollar", "services:\n  a:\n    image: a:1\n    environment:\n      SECRET: pa${!CANARY}\n", "a $ that begins no variable is written $$", 5, 0},
		{"no YAML", "services:\n  a:\n    image: a:1\n   ports: []\n", "did not find expected", 4, 0},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			facts := parse(t, "compose.yml", row.text)
			if len(facts.Files) != 1 || len(facts.Files[0].Refused) != 1 {
				t.Fatalf("got %+v", facts)
			}
			f := facts.Files[0]
			if r := f.Refused[0]; !strings.Contains(r.Words, row.words) || r.Line != row.line || strings.Contains(r.Words, "CANARY") {
				t.Errorf("line %d: %s, want line %d: %s", r.Line, r.Words, row.line, row.words)
			}
			if len(f.Services) != row.services {
				t.Errorf("%d services, want %d", len(f.Services), row.services)
			}
		})
	}
}

// TestTypedFields: every field of the compose specification may hold a variable whose
// value nobody knows, and hides nothing.
func TestTypedFields(t *testing.T) {
	var spec struct {
		Definitions map[string]any `json:"$defs"`
	}
	if err := json.Unmarshal([]byte(schema.Schema), &spec); err != nil {
		t.Fatal(err)
	}
	fields := map[string]any{}
	collect(map[string]any{"$ref": "#/$defs/service"}, spec.Definitions, fields)
	if len(fields) < 80 {
		t.Fatalf("%d fields of a service", len(fields))
	}
	for _, field := range slices.Sorted(maps.Keys(fields)) {
		if slices.Contains([]string{"configs", "secrets", "extends"}, field) {
			continue // they are nothing without something that is declared
		}
		for _, value := range valuesFor(field, fields[field].(map[string]any), spec.Definitions, 0) {
			text := "services:\n  a:\n    image: a:1\n    restart: always\n"
			if field == "image" || field == "restart" {
				text = "services:\n  a:\n    build: .\n"
			}
			made, err := json.Marshal(value)
			if err != nil {
				t.Fatal(err)
			}
			text += "    " + field + ": " + string(made) + "\n"
			facts := parse(t, "compose.yml", text)
			if len(facts.Files) != 1 || len(facts.Files[0].Services) != 1 || len(facts.Files[0].Refused)+len(facts.Unread) > 0 {
				t.Errorf("%s\n%+v", text, facts)
			}
		}
	}
}

// collect gathers the properties of a schema that is put together of others.
func collect(s map[string]any, defs, into map[string]any) {
	if ref, ok := s["$ref"].(string); ok {
		s, _ = defs[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any)
	}
	properties, _ := s["properties"].(map[string]any)
	maps.Copy(into, properties)
	parts, _ := s["allOf"].([]any)
	for _, part := range parts {
		collect(part.(map[string]any), defs, into)
	}
}

// valuesFor makes values with a variable of a field's schema: of scalars alone and in
// objects, one at a time.
func valuesFor(name string, s map[string]any, defs map[string]any, depth int) (out []any) {
	if ref, ok := s["$ref"].(string); ok {
		s, _ = defs[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any)
	}
	for _, of := range []string{"oneOf", "anyOf"} {
		if list, ok := s[of].([]any); ok {
			for _, alternative := range list {
				out = append(out, valuesFor(name, alternative.(map[string]any), defs, depth)...)
			}
			return out
		}
	}
	kinds, _ := s["type"].([]any)
	if one, ok := s["type"].(string); ok {
		kinds = []any{one}
	}
	if slices.Contains(kinds, any("string")) && s["pattern"] == nil && s["enum"] == nil {
		out = append(out, "${NOBODY_KNOWS}")
	}
	if properties, ok := s["properties"].(map[string]any); ok && slices.Contains(kinds, any("object")) && depth < 3 && s["required"] == nil {
		for _, key := range slices.Sorted(maps.Keys(properties)) {
			for _, v := range valuesFor(key, properties[key].(map[string]any), defs, depth+1) {
				object := map[string]any{key: v}
				if name == "ports" && key != "target" {
					object["target"] = 80
				}
				out = append(out, object)
			}
		}
	}
	if items, ok := s["items"].(map[string]any); ok && slices.Contains(kinds, any("array")) && depth < 3 {
		for _, v := range valuesFor(name, items, defs, depth+1) {
			out = append(out, []any{v})
		}
	}
	return out
}

// TestLines: an expression or comment of a template over several lines moves nothing.
func TestLines(t *testing.T) {
	files := parse(t, "c.yml.j2", "{# one\ntwo #}\nx-a: \"{{ a |\n b }}\"\nservices:\n  app:\n    image: app:1\n").Files
	if len(files) != 1 || files[0].Services[0].Place != "c.yml.j2:6" {
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
		{"shell heredoc", "s.sh", "set -e\ncat > /etc/docker/daemon.json <<EOF\n{\"dns\": []}\nEOF\n", []doctor.Write{{Target: daemonJSON, Line: 2, How: "shell", Keys: []string{"dns"}}}},
		{"tee", "s.sh", "echo '{\"mtu\": 1400}' | sudo tee /etc/docker/daemon.json\n", []doctor.Write{{Target: daemonJSON, Line: 1, How: "shell", Keys: []string{"mtu"}}}},
		{"merging is no overwriting", "p.yml", "- slurp: {src: /etc/docker/daemon.json}\n- copy: {dest: /etc/docker/daemon.json, content: \"{{ x }}\"}\n", nil},
		{"reading is no writing", "s.sh", "cat /etc/docker/daemon.json\n# echo > /etc/docker/daemon.json\n", nil},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			var got []doctor.Write
			for _, f := range parse(t, row.file, row.text).Files {
				got = append(got, f.Writes...)
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestScanPassesOverWhatIsNotTheAuthors(t *testing.T) {
	facts := read(t, map[string]string{
		"a/compose.yml": example, ".git/compose.yml": example, "node_modules/x/compose.yml": example,
		".gitlab-ci.yml": "services:\n  - docker:dind\n", "notes.md": example, "broken.yml": "a: [",
	}, Options{})
	if len(facts.Files) != 1 || facts.Files[0].Path != "a/compose.yml" || len(facts.Unread) > 0 {
		t.Errorf("got %+v", facts)
	}
}

// TestUnreadFiles: what may hold services and cannot be read is named.
func TestUnreadFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("big.yml", "services:\n  a: {image: a}\n"+strings.Repeat("# x\n", 300_000))
	write("deep.yml", "services:\n  a: "+strings.Repeat("[", 300)+strings.Repeat("]", 300)+"\n")
	write("self.yml", "services: &s\n  a: *s\n")
	write("data.json.yml", strings.Repeat("- 1\n", 300_000))
	if err := syscall.Mkfifo(filepath.Join(dir, "compose.yml"), 0o600); err != nil {
		t.Skipf("a FIFO cannot be made here: %v", err)
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "compose.link.yml")); err != nil {
		t.Fatal(err)
	}
	facts, err := Scan(t.Context(), dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, u := range facts.Unread {
		got = append(got, u.String())
	}
	want := []string{
		"big.yml: it is larger than 1 MiB", "compose.link.yml: it cannot be opened", "compose.yml: it is no regular file", "deep.yml: it is nested too deeply",
		"self.yml: its aliases refer to themselves, or to more than anybody writes",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// FuzzScan: no text makes the scan fail, and no value of an environment leaves it.
func FuzzScan(f *testing.F) {
	for _, s := range []string{
		example, "services: {a: {image: b}}", "- copy: {dest: /etc/docker/daemon.json, content: '{}'}", "a: &a [*a]", "x <<EOF\nservices:\n  a: {image: b, ports: [\"80:80\"]}\nEOF\n",
		"services:\n  a:\n    image: ${X:?}\n    ports: [\"${P}:80\"]\n", "include: [a.yml]\n", "services:\n  a: {extends: {file: c.yml, service: a}}\n", "services:\n  a: !reset {}\n",
	} {
		f.Add("compose.yml", s)
		f.Add("s.sh", s)
		f.Add("t.yml.j2", s)
	}
	f.Fuzz(func(t *testing.T, name, text string) {
		fsys := fstest.MapFS{"a/compose.yml": {Data: []byte(text)}, ".env.example": {Data: []byte(text)}}
		if fs.ValidPath(name) {
			fsys[name] = &fstest.MapFile{Data: []byte(text)}
		}
		facts, err := scan(t.Context(), filepath.Join(t.TempDir(), "none"), fsys, Options{})
		if err != nil {
			return // a name that is a folder and a file
		}
		for _, file := range facts.Files {
			for _, s := range file.Services {
				for _, l := range s.Locals {
					if l.Port < 1 || l.Port > 65535 {
						t.Errorf("port %d", l.Port)
					}
				}
			}
		}
		doctor.Examine(facts)
	})
}
