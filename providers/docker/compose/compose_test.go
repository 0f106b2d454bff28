package compose

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/compose-spec/compose-go/v2/schema"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.yaml.in/yaml/v4"

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
		if to, link := strings.CutPrefix(text, "-> "); link {
			if err := os.Symlink(to, p); err != nil {
				t.Fatal(err)
			}
			continue
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
		{"the first of several", "services:\n  z:\n    image: z:1\n    network_mode: service:vpn\n  a:\n    image: a:1\n    network_mode: service:vpn\n  b: {image: \"b:1\", network_mode: \"service:vpn\"}\n", `service "z" depends on undefined service "vpn"`, 2, 3},
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

// TestRefusedTheSameEachTime: of a file with many faults the same one is told each time, or
// nobody could compare what was found with what was found before.
func TestRefusedTheSameEachTime(t *testing.T) {
	for name, row := range map[string][2]string{
		"undefined services":        {"services:\n  a:\n    image: a:1\n    depends_on: [d, c, b, e]\n  f: {image: \"f:1\", depends_on: [g]}\n", `service "a" depends on undefined service "d"`},
		"conditions":                {"services:\n  a:\n    image: a:1\n    depends_on:\n      d: {condition: service_healthy}\n      b: {condition: service_started}\n", `service "a" depends on undefined service "d"`},
		"undefined networks":        {"services:\n  a:\n    image: a:1\n    networks: [z, y, x]\n  b: {image: \"b:1\", networks: [w]}\n", `service "a" refers to undefined network z`},
		"faults of two kinds":       {"services:\n  a: {image: \"a:1\", depends_on: [z, y]}\n  b: {image: \"b:1\", networks: [w, v]}\n  c: {image: \"c:1\", volumes: [\"u:/u\", \"t:/t\"]}\n", `service "a" depends on undefined service "z"`},
		"links":                     {"services:\n  a:\n    image: a:1\n    links: [d, c, \"b:x\", e]\n", `service "a" depends on undefined service "d"`},
		"names with variables":      {"services:\n  ${A}: {image: \"a:1\"}\nvolumes:\n  ${A}_data:\nnetworks:\n  ${A}_net: {}\n", "services additional properties '${A}'"},
		"a service among networks":  {"services:\n  b: {image: \"b:1\"}\nvolumes:\n  c: {x: 1, y: 1}\nnetworks:\n  a: {restart: always, image: a, ports: []}\n  d: {z: 1}\n", "volumes.c additional properties 'x', 'y'"},
		"both in one":               {"services:\n  a: {image: \"a:1\", depends_on: [z, y], networks: [w, v], volumes: [\"u:/u\"]}\n", `service "a" refers to undefined network w`},
		"unknown keys":              {"services: {a: {image: \"a:1\"}}\nf: 1\nc: 1\ne: 1\nd: 1\n", `'c', 'd', 'e', 'f' not allowed`},
		"unknown keys of a service": {"services:\n  a: {image: \"a:1\", zz: 1, yy: 1, xx: 1}\n  b: {image: \"b:1\", ww: 1}\n", ""},
		"bad types":                 {"services:\n  a: {image: \"a:1\", ports: 80, expose: x}\n  b: {image: \"b:1\", ports: 81}\n  c: {image: [1]}\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			told := map[doctor.Refusal]bool{}
			for range 30 {
				facts := parse(t, "compose.yml", row[0])
				for _, r := range facts.Files[0].Refused {
					told[r] = true
				}
			}
			if len(told) != 1 {
				t.Errorf("it says %v", told)
			}
			for r := range told {
				if !strings.Contains(r.Words, row[1]) {
					t.Errorf("it says %q, want %q", r.Words, row[1])
				}
			}
		})
	}
}

// TestAccepted: what docker compose runs is not refused, and its services are known.
func TestAccepted(t *testing.T) {
	rows := map[string]map[string]string{
		"a file of values that takes others": {".env": "DISK=${HOST_DISK:?which disk}\nCONF=${ROOT}/conf\nKNOWN=${CONF}/x\n", "compose.yml": "services:\n  a:\n    image: a:1\n    devices: [\"/dev/${DISK}:/dev/${DISK}\"]\n    volumes: [\"${CONF}:/conf\", \"${KNOWN}:/x\"]\n"},
		"the default network by name":        {"compose.yml": "services:\n  a:\n    image: a:1\n    networks: [default]\n"},
		"an override":                        {"compose.yml": "services:\n  a: {image: \"a:1\"}\n", "compose.override.yml": "services:\n  a:\n    ports: [\"80:80\"]\n"},
		"a variant laid over":                {"compose.yml": "services:\n  a: {image: \"a:1\"}\n", "compose.prod.yml": "services:\n  a:\n    image: a:1\n    networks: [elsewhere]\n"},
		"extends another file":               {"x/compose.yml": "services:\n  a:\n    extends: {file: ../base.yml, service: b}\n", "base.yml": "services:\n  b: {image: \"b:1\", networks: [default]}\n  c: {image: \"c:1\"}\n", "x/.env": ""},
		"include":                            {"compose.yml": "include: [p/compose.yml]\nservices:\n  a: {image: \"a:1\", depends_on: [b]}\n", "p/compose.yml": "services:\n  b: {image: \"b:1\", depends_on: [a]}\n"},
		"include alone, and an env_file that is not there": {"compose.yml": "include:\n  - path: p/compose.yml\n    env_file: [p/.env]\n", "p/compose.yml": "services:\n  b: {image: \"b:1\"}\n"},
		"anchors and merges":                        {"compose.yml": "x-a: &a {image: \"a:1\"}\nservices:\n  a: {<<: *a}\n  b: {<<: [*a]}\n"},
		"a missing env_file":                        {"compose.yml": "services:\n  a: {image: \"a:1\", env_file: [gone.env]}\n"},
		"profiles":                                  {"compose.yml": "services:\n  a: {image: \"a:1\", profiles: [x], depends_on: [b]}\n  b: {image: \"b:1\", profiles: [y]}\n"},
		"what an example leaves open":               {"compose.yml": "services:\n  a:\n    image: a:1\n    ports: [\"${IP}:80:80\"]\n", ".env.example": "IP=192.168.1.x\n"},
		"an override of a file that lies elsewhere": {"x/docker-compose.override.yml": "services:\n  a: {image: \"a:1\", depends_on: [b]}\n"},
		"a pipeline":                                {"build.yaml": "services:\n  a: {image: \"a:1\", commands: [x]}\nsteps: []\n", "compose.yml": "services:\n  a: {image: \"a:1\"}\n"},
		"a part of something that is not here":      {"ldap.yaml": "services:\n  a:\n    image: a:1\n    depends_on: [b]\n    networks: [n]\n"},
		"a template":                                {"compose.yml.j2": "services:\n  a:\n    image: a:1\n    networks:\n      - {{ net }}\n"},
	}
	for name, files := range rows {
		t.Run(name, func(t *testing.T) {
			facts := read(t, files, Options{})
			services := 0
			for _, f := range facts.Files {
				services += len(f.Services)
				for _, r := range f.Refused {
					if !(name == "include" && strings.Contains(r.Words, "cycle")) {
						t.Errorf("%s:%d: %s", f.Path, r.Line, r.Words)
					}
				}
			}
			if services == 0 || len(facts.Unread) > 0 {
				t.Errorf("%d services, %+v", services, facts.Unread)
			}
		})
	}
}

// TestProject: what a service gets from elsewhere is its own, and stands where it is
// written.
func TestProject(t *testing.T) {
	facts := read(t, map[string]string{
		"a/compose.yml":       "services:\n  web:\n    extends: {file: ../base.yml, service: b}\n    volumes: [\"${DATA}/x:/x\", \"./here.conf:/c.conf\"]\n",
		"base.yml":            "services:\n  b:\n    image: b:1\n    ports: [\"${PORT}:80\"]\n    volumes: [\"./shared:/shared\"]\n",
		"a/.env":              "DATA=/srv\nPORT=8080\n",
		"a/.env.example":      "DATA=/other\n",
		"i/compose.yml":       "include: [p.yml]\n",
		"i/p.yml":             "\nservices:\n  part:\n    image: p:1\n    container_name: ${NAME}\n",
		"i/.env.example":      "NAME=part\n",
		"elsewhere/here.conf": "x",
	}, Options{})
	if len(facts.Files) != 3 || len(facts.Unread) > 0 {
		t.Fatalf("got %+v", facts)
	}
	web := facts.Files[0].Services[0]
	want := doctor.ComposeService{
		Name: "web", Place: "a/compose.yml:2", Image: "b:1", Networks: []string{"default"}, Ports: []int{80}, Published: []doctor.Publish{{Proto: "tcp", First: 8080, Last: 8080}},
		Binds: []doctor.Bind{
			{Source: "../shared", Target: "/shared", Path: "shared"},
			{Source: "/srv/x", Target: "/x", Values: []string{"DATA is /srv in a/.env"}},
			{Source: "./here.conf", Target: "/c.conf", Path: "a/here.conf", Lost: true, Elsewhere: "elsewhere/here.conf"},
		},
	}
	if diff := cmp.Diff(want, web); diff != "" {
		t.Error(diff)
	}
	if !facts.Files[1].Library || facts.Files[0].Library {
		t.Error("which one others extend")
	}
	if part := facts.Files[2].Services[0]; part.Place != "i/p.yml:3" || part.Container != "part" {
		t.Errorf("got %+v", part)
	}
}

// TestHosts: a file is for a host where the repository says so, and the shape of its
// folders tells two machines apart.
func TestHosts(t *testing.T) {
	one := "services:\n  a: {image: \"a:1\"}\n"
	known := func(n string) doctor.Where { return doctor.Where{Name: n, Told: true} }
	apart, unknown := func(n string) doctor.Where { return doctor.Where{Name: n} }, doctor.Where{Unknown: true}
	rows := []struct {
		name  string
		files map[string]string
		hosts []string
		want  map[string]doctor.Where
	}{
		{"a tree", map[string]string{"a/compose.yml": one, "b/compose.yml": one}, nil, map[string]doctor.Where{"a/compose.yml": {}, "b/compose.yml": {}}},
		{"one declared host", map[string]string{"a/compose.yml": one}, []string{"nas"}, map[string]doctor.Where{"a/compose.yml": {}}},
		{"declared hosts", map[string]string{"nas/compose.yml": one, "b/compose.yml": one}, []string{"nas", "pi"}, map[string]doctor.Where{"nas/compose.yml": known("nas"), "b/compose.yml": unknown}},
		{"an inventory", map[string]string{"inventory.ini": "[all]\nnas ansible_host=10.0.0.2\npi\n", "pi/a/compose.yml": one}, nil, map[string]doctor.Where{"pi/a/compose.yml": known("pi")}},
		{"a folder of stacks that a machine is called as", map[string]string{"inventory.ini": "[all]\ndocker\nnas\n", "docker/nas/a/compose.yml": one, "docker/b/compose.yml": one}, nil, map[string]doctor.Where{"docker/nas/a/compose.yml": known("nas"), "docker/b/compose.yml": unknown}},
		{"an inventory in YAML", map[string]string{"hosts.yml": "all:\n  hosts:\n    nas: {}\n    pi: {}\n", "x/compose.yml": one}, nil, map[string]doctor.Where{"x/compose.yml": unknown}},
		{"folders of machines", map[string]string{"hosts/nas/compose.yml": one, "hosts/pi/compose.yml": one}, nil, map[string]doctor.Where{"hosts/nas/compose.yml": known("hosts/nas"), "hosts/pi/compose.yml": known("hosts/pi")}},
		{"folders that are alike", map[string]string{"nas/web/compose.yml": one, "pi/web/compose.yml": one}, nil, map[string]doctor.Where{"nas/web/compose.yml": apart("nas"), "pi/web/compose.yml": apart("pi")}},
		{"what may not be run", map[string]string{"staging/a/compose.yml": one}, nil, map[string]doctor.Where{"staging/a/compose.yml": unknown}},
		{"machines of two places", map[string]string{"local/compose.yml": one, "x/hetzner/compose.yml": one}, nil, map[string]doctor.Where{"local/compose.yml": apart("local"), "x/hetzner/compose.yml": apart("x/hetzner")}},
		{
			"servers of Komodo",
			map[string]string{"sync.toml": "[[stack]]\nname = \"a\"\n[stack.config]\nserver = \"vps\"\nrun_directory = \"stacks/a\"\n\n[[stack]]\n[stack.config]\nserver = \"arm\"\nrun_directory = \"stacks/b\"\n\n[[procedure]]\nname = \"x\"\n", "stacks/a/compose.yml": one, "stacks/b/compose.yml": one, "stacks/c/compose.yml": one},
			nil,
			map[string]doctor.Where{"stacks/a/compose.yml": known("vps"), "stacks/b/compose.yml": known("arm"), "stacks/c/compose.yml": unknown},
		},
		{"a template", map[string]string{"README.md": "# Home\n\nA production-ready homelab template for Proxmox.\n", "a/compose.yml": one}, nil, map[string]doctor.Where{"a/compose.yml": unknown}},
		{"a collection", map[string]string{"README.md": "# Lab\n\nA curated collection of Compose templates for a home.\n", "a/compose.yml": one}, nil, map[string]doctor.Where{"a/compose.yml": unknown}},
		{
			"links in folders of machines",
			map[string]string{"servers/nas/web": "-> ../../docker/web", "servers/nas/logs": "-> ../../docker/logs", "servers/pi/logs": "-> ../../docker/logs", "docker/web/compose.yml": one, "docker/logs/compose.yml": one, "docker/b/compose.yml": one},
			nil,
			map[string]doctor.Where{"docker/web/compose.yml": known("servers/nas"), "docker/logs/compose.yml": unknown, "docker/b/compose.yml": {}},
		},
		{"a script", map[string]string{"setup.sh": "cat > compose.yml <<'EOF'\n" + one + "EOF\n"}, nil, map[string]doctor.Where{"setup.sh": unknown}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			for _, f := range read(t, row.files, Options{Hosts: row.hosts}).Files {
				if f.Host != row.want[f.Path] {
					t.Errorf("%s: got %+v, want %+v", f.Path, f.Host, row.want[f.Path])
				}
			}
		})
	}
}

// TestOneMachine: in a project that names no two machines, all is for one; of another
// tree that is not known. What files join by a name that is the machine's tells it.
func TestOneMachine(t *testing.T) {
	one := "services:\n  a: {image: \"a:1\"}\n"
	for _, row := range []struct {
		o    Options
		told bool
	}{{Options{}, false}, {Options{Project: true}, true}, {Options{Project: true, Hosts: []string{"nas"}}, true}, {Options{Project: true, Hosts: []string{"nas", "pi"}}, false}} {
		if f := read(t, map[string]string{"a/compose.yml": one}, row.o).Files[0]; f.Host.Told != row.told {
			t.Errorf("%+v: got %+v", row.o, f.Host)
		}
	}
	text := "services:\n  a: {image: \"a:1\", networks: [web, own, fixed, left]}\n  b: {image: \"b:1\", network_mode: \"container:vpn\"}\n  c: {image: \"c:1\", volumes_from: [\"container:data:ro\"]}\n" +
		"networks:\n  web: {external: true, name: proxy}\n  own: {}\n  fixed: {name: home}\n  left: {external: true, name: \"${NET}\"}\n  idle: {external: true}\n"
	f := read(t, map[string]string{"a/compose.yml": text}, Options{}).Files[0]
	if fmt.Sprint(f.Joins) != "[home proxy]" || fmt.Sprint(f.Leans) != "[data vpn]" {
		t.Errorf("joins %v, leans on %v", f.Joins, f.Leans)
	}
	f = read(t, map[string]string{"a/compose.yml": text, "up.sh": "docker stack deploy -c a/compose.yml a\n"}, Options{}).Files[0]
	if len(f.Joins) > 0 {
		t.Errorf("in a swarm it joins %v", f.Joins)
	}
}

func TestSecretValue(t *testing.T) {
	for _, row := range []struct {
		name, value string
		secret      bool
	}{
		{"DB_PASSWORD", "hunter2hunter2", true},
		{"API_TOKEN", "ghp_0123456789abcdef", true},
		{"SECRET_KEY", "8a7b6c5d4e", true},
		{"MINIO_SECRET_KEY", "8a7b6c5d4e", true},
		{"DATABASE_URL", "postgres://app:s3cr3t-word@db/app", true},
		{"DB_PASSWORD", "${DB_PASSWORD:-hunter2hunter2}", true},
		{"DB_PASSWORD", "${DB_PASSWORD}", false},
		{"DB_PASSWORD", "changeme", false},
		{"ADMIN_TOKEN", "$$argon2id$$v=19$$m=65540,t=3,p=4$$c29tZXNhbHQ$$aGFzaGVkd29yZA", false},
		{"ADMIN_PASSWORD", "$$2y$$10$$abcdefghijklmnopqrstuv", false},
		{"ADMIN_PASSWORD", "hunter2$$2y$$word", true},
		{"API_TOKEN", "stub", false},
		{"API_TOKEN", "user_provided", false},
		{"API_KEY", "ollama-local", false},
		{"CF_DNS_API_TOKEN", "CFDNSAPITOKEN", false},
		{"DB_PASSWORD", "dein_sicheres_passwort", false},
		{"STT_OPENAI_API_KEY", "not-needed", false},
		{"webserver_api_password", "_password_here_", false},
		{"WEBHOOK_SECRET", "whsec_local_demo", false},
		{"DB_PASSWORD", "my_grafana_pwd", false},
		{"OPENAI_API_KEY", "ollama", false},
		{"DB_PASSWORD", "hunterhunter", true},
		{"DB_PASSWORD", "CONTRASEÑA", false},
		{"DB_PASSWORD", "Passwort", false},
		{"API_TOKEN", "token-from-hub", false},
		{"API_PASSWORD", "${API_PASSWORD:-MyS3cr37P450r.*-}", false},
		{"DB_PASSWORD", "db_secure_password", false},
		{"DB_PASSWORD", "strongPassword123", false},
		{"DB_PASSWORD", "correct-horse-battery", true},
		{"DB_PASSWORD", "<your password>", false},
		{"DB_PASSWORD", "your-password-here", false},
		{"DB_PASSWORD", "", false},
		{"DB_PASSWORD", "postgres", false},
		{"DB_PASSWORD_FILE", "/run/secrets/db", false},
		{"DB_PASSWORD", "/run/secrets/db", false},
		{"TOKEN_TTL", "360000", false},
		{"PASSWORD_AUTH_ENABLED", "anything", false},
		{"SSH_PUBLIC_KEY", "ssh-ed25519 AAAA", false},
		{"MYSQL_RANDOM_ROOT_PASSWORD", "somehow", false},
		{"DATABASE_URL", "postgres://app:${PASS}@db/app", false},
		{"DATABASE_URL", "postgres://app:app@db/app", false},
		{"KEYBOARD", "us-intl", false},
		{"NOTIFY_URL", "telegram://${TOKEN:-}@telegram?chats=${CHATS:-}", false},
		{"DATABASE_URL", "postgres://${USER}:s3cr3t-word@db/app", true},
		{"DB_PASSWORD", "$${FROM_A_TEMPLATE}", false},
		{"OPENAI_API_KEY", "sk-local", false},
		{"DB_PASSWORD", "insecure", false},
		{"DB_PASSWORD", "joplin_db_password", false},
		{"DB_PASSWORD", "yourpostgrespassword", false},
		{"JWT_SECRET", "some-long-jwt-secret", false},
		{"SECRET_KEY", "aLongRandomSeriesOfCharacters", false},
		{"API_KEY", "{{ vault_key }}", false},
	} {
		if got := secretValue(row.name, row.value); (got != "") != row.secret || strings.Contains(got, row.value) && row.value != "" {
			t.Errorf("%s=%s: got %q", row.name, row.value, got)
		}
	}
}

// TestLost: only a file of the repository that nobody accounts for is missing.
func TestLost(t *testing.T) {
	text := "services:\n  a:\n    image: a:1\n    volumes: [\"%s\"]\n"
	for _, row := range []struct {
		mount string
		more  map[string]string
		lost  bool
	}{
		{"./a.yml:/a.yml", nil, true},
		{"./a.yml:/a.yml", map[string]string{"a.yml": "x"}, false},
		{"./config:/config", nil, false},
		{"./tls.pem:/tls.pem", nil, false},
		{"./users.db:/users.db", nil, false},
		{"./conf/a.yml:/a.yml", nil, false},
		{"./a.yml:/a.yml", map[string]string{".gitignore": "*\n!*/\n!**/compose.yml\n"}, false},
		{"./conf/a.yml:/a.yml", map[string]string{"conf/b.yml": "x"}, true},
		{"./conf/a.yml:/a.yml", map[string]string{"x/a.yml": "x"}, true},
		{"./a.yml:/a.yml", map[string]string{".gitignore": "a.yml\n"}, false},
		{"./conf/a.yml:/a.yml", map[string]string{".gitignore": "conf/\n"}, false},
		{"./a.yml:/a.yml", map[string]string{"a.yml.example": "x"}, false},
		{"./acme.json:/acme.json", map[string]string{"setup.sh": "touch acme.json\n"}, false},
		{"/etc/a.conf:/a.conf", nil, false},
		{"~/a.conf:/a.conf", nil, false},
		{"${X}/a.conf:/a.conf", nil, false},
		{"./roles/a/files/a.yml:/a.yml", nil, false},
	} {
		files := map[string]string{"compose.yml": strings.ReplaceAll(text, "%s", row.mount)}
		maps.Copy(files, row.more)
		if b := read(t, files, Options{}).Files[0].Services[0].Binds[0]; b.Lost != row.lost {
			t.Errorf("%s beside %v: got %+v", row.mount, row.more, b)
		}
	}
}

// TestConfigured: the configuration of a known program is part of what it is told.
func TestConfigured(t *testing.T) {
	facts := read(t, map[string]string{
		"compose.yml":      "services:\n  p:\n    image: prom/prometheus:v3\n    volumes: [\"./prom:/etc/prometheus\"]\n  n:\n    image: nginx:1.27\n    volumes: [\"./n.conf:/etc/nginx/nginx.conf\"]\n  o:\n    image: other:1\n    volumes: [\"./n.conf:/n.conf\"]\n",
		"prom/targets.yml": "- targets:\n    - localhost:9100\n# - localhost:1\n",
		"n.conf":           "location / {\n  proxy_pass http://127.0.0.1:3000;\n}\nlisten localhost:80;\n",
	}, Options{})
	got := map[string][]doctor.Local{}
	for _, s := range facts.Files[0].Services {
		got[s.Name] = s.Locals
	}
	want := map[string][]doctor.Local{"p": {{Where: "the file prom/targets.yml", Host: "localhost", Port: 9100}}, "n": {{Where: "the file n.conf", Host: "127.0.0.1", Port: 3000}}, "o": nil}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestPlaybookValues: an expression of a template has the one value that playbooks give.
func TestPlaybookValues(t *testing.T) {
	files := map[string]string{
		"roles/media/templates/compose.yml.j2": "services:\n  a:\n    image: a:1\n    volumes: [\"{{ media_root }}/tv:/tv\", \"{{ two }}:/two\"]\n",
		"group_vars/all.yml":                   "base: /srv\nmedia_root: \"{{ base }}/media\"\ntwo: /a\n",
		"host_vars/nas.yml":                    "two: /b\n",
	}
	binds := read(t, files, Options{}).Files[0].Services[0].Binds
	if binds[0].Source != "/srv/media/tv" || binds[1].Source != "{{ two }}" {
		t.Errorf("got %+v", binds)
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
		{"cp", "s.sh", "cp files/daemon.json /etc/docker/daemon.json\n", []doctor.Write{{Target: daemonJSON, Line: 1, How: "shell", Opaque: true}}},
		{"into its folder", "s.sh", "sudo cp daemon.json /etc/docker/\n", []doctor.Write{{Target: daemonJSON, Line: 1, How: "shell", Opaque: true}}},
		{"install", "s.sh", "install -m 0644 daemon.json /etc/docker/daemon.json\n", []doctor.Write{{Target: daemonJSON, Line: 1, How: "shell", Opaque: true}}},
		{"scp", "s.sh", "scp daemon.json root@nas:/etc/docker/daemon.json\n", []doctor.Write{{Target: daemonJSON, Line: 1, How: "shell", Opaque: true}}},
		{"a copy that is kept", "s.sh", "cp /etc/docker/daemon.json /etc/docker/daemon.json.bak\n", nil},
		{"jq merges", "s.sh", "jq '.a=1' /etc/docker/daemon.json > /tmp/d\nmv /tmp/d /etc/docker/daemon.json\n", nil},
		{"cloud-init", "user-data.yml", "#cloud-config\nwrite_files:\n  - path: /etc/docker/daemon.json\n    content: |\n      {\"mtu\": 1400}\n", []doctor.Write{{Target: daemonJSON, Line: 3, How: "cloud-init write_files", Keys: []string{"mtu"}}}},
		{"terraform", "m.tf", "resource \"x\" \"y\" {\n  provisioner \"file\" {\n    source = \"d.json\"\n    destination = \"/etc/docker/daemon.json\"\n  }\n}\n", []doctor.Write{{Target: daemonJSON, Line: 4, How: "terraform file provisioner", Opaque: true}}},
		{"ansible in a line", "p.yml", "- hosts: docker\n  tasks:\n    - copy: src=daemon.json dest=/etc/docker/daemon.json mode=0644\n", []doctor.Write{{Target: daemonJSON, Line: 3, How: "ansible copy", Hosts: []string{"docker"}, Opaque: true}}},
		{"ansible action", "p.yml", "- hosts: docker\n  tasks:\n    - action: ansible.builtin.template src=a.j2 dest=/etc/docker/daemon.json\n", []doctor.Write{{Target: daemonJSON, Line: 3, How: "ansible template", Hosts: []string{"docker"}, Opaque: true}}},
		{"ansible into the folder", "p.yml", "- hosts: docker\n  tasks:\n    - ansible.builtin.copy: {src: files/daemon.json, dest: /etc/docker/}\n", []doctor.Write{{Target: daemonJSON, Line: 3, How: "ansible copy", Hosts: []string{"docker"}, Opaque: true}}},
		{"ansible in a loop", "p.yml", "- hosts: docker\n  tasks:\n    - template: {src: \"{{ item.src }}\", dest: \"{{ item.dest }}\"}\n      loop:\n        - {src: a, dest: /etc/docker/daemon.json}\n", []doctor.Write{{Target: daemonJSON, Line: 3, How: "ansible template", Hosts: []string{"docker"}, Opaque: true}}},
		{"ansible variable", "p.yml", "- hosts: docker\n  vars: {conf: /etc/docker}\n  tasks:\n    - copy: {src: d.json, dest: \"{{ conf }}/daemon.json\"}\n", []doctor.Write{{Target: daemonJSON, Line: 4, How: "ansible copy", Hosts: []string{"docker"}, Opaque: true}}},
		{"ansible shell", "p.yml", "- hosts: docker\n  tasks:\n    - shell: echo '{}' > /etc/docker/daemon.json\n", []doctor.Write{{Target: daemonJSON, Line: 3, How: "ansible shell", Hosts: []string{"docker"}, Opaque: false}}},
		{"a role of the galaxy", "p.yml", "- hosts: docker\n  vars:\n    docker_daemon_options: {mtu: 1400}\n  roles: [geerlingguy.docker]\n", []doctor.Write{{Target: daemonJSON, Line: 3, How: "the role geerlingguy.docker", Hosts: []string{"docker"}, Keys: []string{"mtu"}}}},
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

// TestIdle: what is kept, tried out or to be copied is not looked at, unless somebody
// asks for it.
func TestIdle(t *testing.T) {
	files := map[string]string{}
	for _, name := range []string{
		"archive/a/compose.yml", "old/compose.yml", "apps-not-used/a.yml", "stacks-backup/a/compose.yml", "backups/monitor-2026-08-10.yml", "a/tests/e2e/compose.yml", "compose.example.yml", "stacks/templates/stack.yml", "b/docker-compose.yml.old/compose.yml",
	} {
		files[name] = example
	}
	if facts := read(t, files, Options{}); len(facts.Files) > 0 {
		t.Errorf("read %s", facts.Files[0].Path)
	}
	if facts := read(t, files, Options{Paths: []string{"archive"}}); len(facts.Files) != 1 {
		t.Errorf("asked for one, got %d", len(facts.Files))
	}
	for _, name := range []string{"backup/compose.yml", "speedtest/compose.yml", "roles/web/templates/compose.yml.j2", "gold/compose.yml", "dev/compose.yml"} {
		if facts := read(t, map[string]string{name: example}, Options{}); len(facts.Files) != 1 {
			t.Errorf("%s was not read", name)
		}
	}
}

// TestParts: files of which a program makes one are refused by nobody; one file that
// needs a service of another one is.
func TestParts(t *testing.T) {
	needs := func(a, b string) string {
		return "services:\n  " + a + ":\n    image: a:1\n    depends_on: [" + b + "]\n"
	}
	has := "services:\n  db: {image: \"db:1\"}\n"
	count := func(files map[string]string) (n int) {
		for _, f := range read(t, files, Options{}).Files {
			n += len(f.Refused)
		}
		return n
	}
	if n := count(map[string]string{"s/db/compose.yml": has, "s/a/compose.yml": needs("a", "db"), "s/b/compose.yml": needs("b", "a"), "s/c/compose.yml": "services:\n  c: {image: \"c:1\", networks: [made]}\n"}); n > 0 {
		t.Errorf("%d parts are refused", n)
	}
	if n := count(map[string]string{"s/db/compose.yml": has, "s/a/compose.yml": needs("a", "db")}); n != 1 {
		t.Errorf("%d are refused, want 1", n)
	}
}

// TestPieces: a file made for a project above it, which has its networks and does not
// include it today, is not refused and runs nothing by itself.
func TestPieces(t *testing.T) {
	const piece = "services:\n  a: {image: \"a:1\", networks: [inner]}\n"
	for name, tt := range map[string]struct {
		above string
		want  int
	}{
		"a project that has it":     {"include: [other/compose.yml]\nnetworks: {inner: {}}\n", 0},
		"a project that has it not": {"include: [other/compose.yml]\nnetworks: {outer: {}}\n", 1},
		"one that takes in nobody":  {"services: {b: {image: \"b:1\"}}\nnetworks: {inner: {}}\n", 1},
	} {
		files := read(t, map[string]string{"compose.yml": tt.above, "a/compose.yml": piece, "other/compose.yml": "services: {c: {image: \"c:1\"}}\n"}, Options{}).Files
		at := slices.IndexFunc(files, func(f doctor.File) bool { return f.Path == "a/compose.yml" })
		if at < 0 || len(files[at].Refused) != tt.want || files[at].Library != (tt.want == 0) {
			t.Errorf("%s: %+v", name, files)
		}
	}
}

// TestPartByName: a file that docker compose is given by name may be given with others
// that have what it lacks.
func TestPartByName(t *testing.T) {
	const part = "services:\n  a: {image: \"a:1\", networks: [inner]}\n"
	files := read(t, map[string]string{"a/media.yml": part, "b/compose.yml": part}, Options{}).Files
	if len(files) != 2 || len(files[0].Refused) != 0 || len(files[1].Refused) != 1 {
		t.Errorf("%+v", files)
	}
}

// TestTextThatIsWritten: what a command writes into a file is called by whoever reads it;
// a variable of a role that the repository writes out itself has one writer.
func TestTextThatIsWritten(t *testing.T) {
	s := parse(t, "compose.yml", "services:\n  a:\n    image: busybox:1\n    command: |\n      sh -c \"cat > /c.yml << EOF\n      targets: [localhost:9090]\n      EOF\"\n").Files[0].Services[0]
	if len(s.Locals) > 0 {
		t.Errorf("got %v", s.Locals)
	}
	role := map[string]string{"roles/d/defaults/main.yml": "docker_daemon_options: {mtu: 1400}\n", "site.yml": "- hosts: all\n"}
	writes := func() (n int) {
		for _, f := range read(t, role, Options{}).Files {
			n += len(f.Writes)
		}
		return n
	}
	if n := writes(); n != 1 {
		t.Errorf("%d writers, want the role", n)
	}
	role["roles/d/tasks/main.yml"] = "- copy: {dest: /etc/docker/daemon.json, content: \"{{ docker_daemon_options | to_json }}\"}\n"
	if n := writes(); n != 1 {
		t.Errorf("%d writers, want the task", n)
	}
}

// TestUpdates: what watchtower is told of what it may replace.
func TestUpdates(t *testing.T) {
	for settings, want := range map[string]string{
		"": doctor.UpdatesAll,
		"environment: {WATCHTOWER_LABEL_ENABLE: \"true\"}": doctor.UpdatesLabelled,
		"command: --label-enable":                          doctor.UpdatesLabelled,
		"environment: {WATCHTOWER_NO_PULL: \"true\"}":      "",
		"environment: {WATCHTOWER_NO_PULL: \"false\"}":     doctor.UpdatesAll,
		"environment: {WATCHTOWER_MONITOR_ONLY: \"1\"}":    "",
		"command: --no-restart":                            "",
		"command: nginx redis":                             "",
	} {
		s := parse(t, "compose.yml", "services:\n  w:\n    image: containrrr/watchtower:1\n    "+settings+"\n").Files[0].Services[0]
		if s.Updates != want {
			t.Errorf("%s: got %q, want %q", settings, s.Updates, want)
		}
	}
}

// TestQuotedText: a compose text between the double quotes of a command is read as the
// shell gives it; what cannot be read of one is named by the line of its file.
func TestQuotedText(t *testing.T) {
	const script = "#!/bin/sh\npct exec 201 -- bash -c \"cat > /opt/compose.yml <<'EOF'\nservices:\n  a:\n    image: a:1\n    ports:\n      - %s\nEOF\n\"\n"
	facts := parse(t, "s.sh", fmt.Sprintf(script, `\"80:80\"`))
	if len(facts.Unread) > 0 || len(facts.Files) != 1 || len(facts.Files[0].Services) != 1 || facts.Files[0].Services[0].Place != "s.sh:4" {
		t.Errorf("got %+v", facts)
	}
	facts = parse(t, "s.sh", fmt.Sprintf(script, "80:many"))
	if len(facts.Unread) != 1 || facts.Unread[0].Line != 4 {
		t.Errorf("unread: %+v", facts.Unread)
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

// BenchmarkScan reads a repository of 145 stacks: within a second on two cores. Beside it
// stands how many times as long that is as parsing their YAML alone.
func BenchmarkScan(b *testing.B) {
	dir, bare := b.TempDir(), time.Duration(0)
	for i := range 145 {
		text := "services:\n"
		for j := range 4 {
			text += fmt.Sprintf("  s%d:\n    image: a/b:%d\n    container_name: c%d-%d\n    environment: [\"TZ=UTC\", \"DB_PASSWORD=${DB_PASSWORD}\"]\n    ports: [\"%d:80\"]\n    volumes: [\"/srv/%d:/data\", \"./conf:/conf\"]\n    depends_on: [s0]\n", j, j, i, j, 10000+10*i+j, i)
		}
		text = strings.Replace(text, "    depends_on: [s0]\n", "", 1)
		start := time.Now()
		if err := yaml.Unmarshal([]byte(text), new(any)); err != nil {
			b.Fatal(err)
		}
		bare += time.Since(start)
		if err := os.MkdirAll(filepath.Join(dir, fmt.Sprint("stack", i)), 0o755); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint("stack", i), "compose.yml"), []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		facts, err := Scan(b.Context(), dir, Options{})
		if err != nil || len(facts.Files) != 145 {
			b.Fatal(err, len(facts.Files))
		}
		doctor.Examine(facts)
	}
	b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(bare), "x-yaml")
}

// TestIgnoredPorts: what stands in ports: beside the host's network is told as it is
// written, whatever of it a variable gives.
func TestIgnoredPorts(t *testing.T) {
	facts := read(t, map[string]string{"compose.yml": "services:\n  a:\n    image: a:1\n    network_mode: host\n    ports: [\"${X}:8080\", \"${PORT}\", \"${W}:${W}\", \"6881:6881\", \"53/udp\"]\n"}, Options{})
	want := []string{"${X}:8080", "${PORT}", "${W}:${W}", "6881:6881", "53"}
	if diff := cmp.Diff(want, facts.Files[0].Services[0].Ignored); diff != "" {
		t.Error(diff)
	}
}

// TestRunFromRoot: a file that lies where the path leads from the root is there for whoever
// runs compose from it.
func TestRunFromRoot(t *testing.T) {
	for name, lost := range map[string]bool{"apps/n8n/init.sh": false, "apps/n8n/apps/n8n/init.sh": false, "apps/apps/n8n/init.sh": false, "elsewhere/n8n/init.sh": true, "elsewhere/apps/n8n/init.sh": true} {
		files := map[string]string{"apps/n8n/compose.yml": "services:\n  a:\n    image: a:1\n    volumes: [\"./apps/n8n/init.sh:/init.sh\"]\n", name: "x"}
		if b := read(t, files, Options{}).Files[0].Services[0].Binds[0]; b.Lost != lost {
			t.Errorf("beside %s: got %+v", name, b)
		}
	}
}

// TestPlannedExpression: where a playbook's expression says what is mounted, it is told as
// it is written.
func TestPlannedExpression(t *testing.T) {
	facts := read(t, map[string]string{"mounts.yml": "- hosts: all\n  tasks:\n    - mount:\n        path: /mnt/a\n        src: \"{{ nas + ':' + share }}\"\n        fstype: nfs\n"}, Options{})
	if len(facts.Planned) != 1 || facts.Planned[0].Source != "{{ nas + ':' + share }}" {
		t.Errorf("got %+v", facts.Planned)
	}
}
