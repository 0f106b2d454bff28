package main

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"encoding/json"
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"recon/providers/docker/enginetest"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

var packages = flag.String("package", "", "folder with what make packages has built")

// TestPackage installs the .deb on a machine: everything is where it belongs, tokens are
// root's alone, and nothing is started that nobody asked for.
func TestPackage(t *testing.T) {
	deb, err := os.ReadFile(packaged(t, "linux_amd64.deb"))
	if err != nil {
		t.Fatal(err)
	}
	m := &unitMachine{t: t, Machine: enginetest.BootInto(t, "basic.target", map[string]string{"/opt/recon.deb": string(deb)})}
	m.awaitUp()
	m.Run(t, "dpkg", "--force-depends", "-i", "/opt/recon.deb")
	got := m.Run(t, "stat", "-c", "%n %a %U", "/usr/bin/recon", "/usr/lib/systemd/system/recon.service", "/etc/recon/tokens", "/var/lib/recon")
	want := "/usr/bin/recon 755 root\n/usr/lib/systemd/system/recon.service 644 root\n/etc/recon/tokens 700 root\n/var/lib/recon 750 recon\n"
	if got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
	if state := m.show("ActiveState") + " " + m.show("UnitFileState"); state != "inactive disabled" {
		t.Errorf("after the installation recon.service is %s", state)
	}
	if text := m.Run(t, "recon", "version"); !strings.Contains(text, version) {
		t.Errorf("recon version: %s", text)
	}
	m.Run(t, "systemctl", "enable", "recon")
	m.Run(t, "dpkg", "-r", "recon")
	if left := m.Run(t, "sh", "-c", "ls -d /usr/bin/recon /etc/systemd/system/*/recon.service /var/lib/recon 2>/dev/null || true"); left != "/var/lib/recon\n" {
		t.Errorf("what stays after the removal: %s", left)
	}
}

// packaged is the file of the packages whose name ends so.
func packaged(t *testing.T, end string) string {
	t.Helper()
	if *packages == "" {
		t.Skip("skips packages, which make packages builds and has tested")
	}
	found, _ := filepath.Glob(filepath.Join(*packages, "*_"+end))
	if len(found) != 1 {
		t.Fatalf("packages for %s: %v", end, found)
	}
	return found[0]
}

// packagedTargets are the systems that there is a package for.
var packagedTargets = []string{"linux_amd64", "linux_arm64", "darwin_amd64", "darwin_arm64"}

// TestPackageParts: each archive has its sum, and beside it what its program is made of, as
// the schema of CycloneDX wants it, with every module that is in the program.
func TestPackageParts(t *testing.T) {
	sums, err := os.ReadFile(filepath.Join(filepath.Dir(packaged(t, "linux_amd64.deb")), "SHA256SUMS"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(sums)) {
		want, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		b, err := os.ReadFile(filepath.Join(*packages, name))
		if got := sha256.Sum256(b); err != nil || hex.EncodeToString(got[:]) != want {
			t.Errorf("%s has another sum: %v", name, err)
		}
	}
	schema := cycloneSchema(t)
	for _, target := range packagedTargets {
		for _, end := range []string{".tar.gz", ".cdx.json"} {
			if name := filepath.Base(packaged(t, target+end)); !strings.Contains(string(sums), "  "+name+"\n") {
				t.Errorf("%s has no sum", name)
			}
		}
		text, err := os.ReadFile(packaged(t, target+".cdx.json"))
		if err != nil {
			t.Fatal(err)
		}
		parts, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
		if err == nil {
			err = schema.Validate(parts)
		}
		if err != nil {
			t.Errorf("the parts of %s: %v", target, err)
		}
		info, err := buildinfo.Read(strings.NewReader(unpackedProgram(t, target)))
		if err != nil {
			t.Fatal(err)
		}
		if len(info.Deps) < 20 {
			t.Errorf("%s names %d modules", target, len(info.Deps))
		}
		for _, m := range info.Deps {
			if !strings.Contains(string(text), `"pkg:golang/`+m.Path+`@`+strings.ReplaceAll(m.Version, "+", "%2B")) {
				t.Errorf("the parts of %s are without %s %s", target, m.Path, m.Version)
			}
		}
	}
}

// cycloneSchema is the schema of CycloneDX 1.6, which comes with the program that writes it.
func cycloneSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	out, err := exec.Command("go", "mod", "download", "-json", "github.com/CycloneDX/cyclonedx-gomod@v1.10.0").Output()
	var module struct{ Dir string }
	if err == nil {
		err = json.Unmarshal(out, &module)
	}
	c := jsonschema.NewCompiler()
	for _, name := range []string{"bom-1.6.schema.json", "spdx.schema.json", "jsf-0.82.schema.json"} {
		var doc any
		var text *os.File
		if err == nil {
			text, err = os.Open(filepath.Join(module.Dir, "internal", "testutil", "schema", strings.ReplaceAll(name, "jsf-0.82.schema", "jsf-0.82.schemax")))
		}
		if err == nil {
			doc, err = jsonschema.UnmarshalJSON(text)
			text.Close()
		}
		if err == nil {
			err = c.AddResource("http://cyclonedx.org/schema/"+name, doc)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return c.MustCompile("http://cyclonedx.org/schema/bom-1.6.schema.json")
}

// unpackedProgram is the program in an archive.
func unpackedProgram(t *testing.T, target string) string {
	t.Helper()
	f, err := os.Open(packaged(t, target+".tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	plain, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for files := tar.NewReader(plain); ; {
		h, err := files.Next()
		if err != nil {
			t.Fatalf("%s has no program: %v", f.Name(), err)
		}
		if filepath.Base(h.Name) == "recon" && h.Typeflag == tar.TypeReg {
			b, err := io.ReadAll(files)
			if err != nil {
				t.Fatal(err)
			}
			return string(b)
		}
	}
}

// TestPackagesTwice: whoever builds the same commit elsewhere gets the same bytes.
func TestPackagesTwice(t *testing.T) {
	was := filepath.Dir(packaged(t, "linux_amd64.deb"))
	root := filepath.Dir(filepath.Dir(filepath.Dir(scripts)))
	if out, err := exec.Command("git", "-C", root, "status", "--porcelain").Output(); err != nil || len(out) > 0 {
		t.Skipf("skips the second build: what is here is no commit: %v\n%s", err, out)
	}
	dir := filepath.Join(t.TempDir(), "else where")
	for _, line := range [][]string{
		{"git", "clone", "-q", root, dir},
		{"mkdir", dir + "/bin"},
		{"cp", root + "/bin/nfpm", root + "/bin/cyclonedx-gomod", dir + "/bin/"},
		{"sh", "-c", `umask 077; cd "$0" && TZ=Asia/Tokyo LC_ALL=C.UTF-8 exec .ci/packages`, dir},
	} {
		if out, err := exec.Command(line[0], line[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", line, err, out)
		}
	}
	here, err := os.ReadFile(filepath.Join(was, "SHA256SUMS"))
	there, e := os.ReadFile(filepath.Join(dir, "bin", "packages", "SHA256SUMS"))
	if err != nil || e != nil || string(here) != string(there) {
		t.Errorf("built here (%v):\n%sand elsewhere (%v):\n%s", err, here, e, there)
	}
}

// TestPackageImage: a real engine makes the image of what the package has, and finds the
// daemon in it healthy, page included. It skips the stage of the Dockerfile that builds the
// program, whose image comes from the network.
func TestPackageImage(t *testing.T) {
	program := unpackedProgram(t, "linux_amd64")
	e := enginetest.Start(t, "{}")
	dir := t.TempDir()
	_, last, ok := strings.Cut(deploy(t, "Dockerfile"), "\nFROM scratch\n")
	if !ok {
		t.Fatal("the Dockerfile has no last stage")
	}
	for name, text := range map[string]string{
		"Dockerfile":          "FROM scratch\n" + strings.ReplaceAll(strings.ReplaceAll(last, "--from=build ", ""), "/image /", "image/ /"),
		"image/usr/bin/recon": program, "image/etc/passwd": "nonroot:x:65532:65532::/home/nonroot:/sbin/nologin\n",
		"project/recon.hcl": "proxmox \"home\" {\n  endpoints = [\"https://127.0.0.1:8006\"]\n  token = file(\"token\")\n}\nschedule \"drift\" {\n  cron = \"@every 1s\"\n  timezone = \"Europe/Berlin\"\n  action = \"drift\"\n}\npage {}\n",
		"project/token":     "root@pam!x=00000000-0000-0000-0000-000000000000\n",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	e.Docker(t, "build", "-q", "-t", "recon:test", dir)
	e.Docker(t, "run", "-d", "--name", "recon", "--read-only", "--cap-drop", "ALL", "--tmpfs", "/tmp", "--tmpfs", "/home/nonroot/project/.recon:uid=65532",
		"--health-interval", "500ms", "recon:test")
	defer func() {
		if t.Failed() {
			t.Log(e.Try("logs", "recon"))
			t.Log(e.Try("inspect", "-f", "{{json .State}}", "recon"))
		}
	}()
	eventually(t, "the container is healthy", func() bool {
		out, _ := e.Try("inspect", "-f", "{{.State.Health.Status}}", "recon")
		return strings.TrimSpace(out) == "healthy"
	})
	if out, err := e.Try("exec", "recon", "/usr/bin/recon", "serve", "--probe", "-C", "/home"); err == nil {
		t.Errorf("where no daemon is it finds one: %s", out)
	}
}
