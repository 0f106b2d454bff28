package terraform

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"recon/inventory"
	"recon/providers"
)

// needTerraform skips tests that drive a real binary where there is none.
func needTerraform(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("terraform"); err != nil {
		t.Skip("terraform is not on the PATH: runs of it are not tested")
	}
}

func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	writeIn(t, dir, files)
	return dir
}

func writeIn(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func readAll(t *testing.T, cfg Config) ([]*Guest, error) {
	t.Helper()
	cfg.Name, cfg.Cluster = "test", "home"
	p := New(cfg)
	t.Cleanup(p.Close)
	snap, err := p.Read(context.Background(), nil)
	if err == nil && !snap.Complete {
		t.Error("the snapshot is not complete")
	}
	return p.Guests(), err
}

// The real binary hands out the state of a folder, of any workspace, and nothing in
// the folder changes.
func TestReadThroughTerraform(t *testing.T) {
	needTerraform(t)
	state, err := os.ReadFile("testdata/bpg.tfstate")
	if err != nil {
		t.Fatal(err)
	}
	root := write(t, map[string]string{"tf/main.tf": "terraform {\n  backend \"local\" {}\n}\n"})
	init := exec.Command("terraform", "init", "-input=false")
	init.Dir = filepath.Join(root, "tf")
	if out, err := init.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	writeIn(t, root, map[string]string{
		"tf/terraform.tfstate":                         string(state),
		"tf/terraform.tfstate.d/lab/terraform.tfstate": strings.Replace(string(state), `"vm_id": 513`, `"vm_id": 613`, 1),
	})
	before := listing(t, root)
	for _, tc := range []struct {
		workspace string
		vmid      int
	}{{"", 513}, {"lab", 613}, {"default", 513}} {
		got, err := readAll(t, Config{Root: root, Directory: "tf", Workspace: tc.workspace})
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != 3 || got[2].VMID != tc.vmid {
			t.Errorf("workspace %q: %d guests, the container is %d", tc.workspace, len(got), got[2].VMID)
		}
	}
	if after := listing(t, root); after != before {
		t.Errorf("the folder changed:\n%s\n%s", before, after)
	}
}

func listing(t *testing.T, root string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		fmt.Fprintf(&b, "%s %x\n", strings.TrimPrefix(path, root), data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// A plan is saved, shown and applied, by the real binary: what was planned, nothing
// else, and no secret is told.
func TestPlanAndApplyThroughTerraform(t *testing.T) {
	needTerraform(t)
	root := write(t, map[string]string{"tf/main.tf": `
variable "secret" {
  sensitive = true
  default   = "hunter2-canary"
}
resource "terraform_data" "x" {
  input = { size = 4096, token = var.secret }
}
resource "terraform_data" "other" {
  input = "hands off"
}
`})
	p := New(Config{Name: "test", Cluster: "home", Root: root, Directory: "tf"})
	t.Cleanup(p.Close)
	ctx := context.Background()
	pl, err := p.plan(ctx, "terraform_data.x")
	if err != nil {
		t.Fatal(err)
	}
	changes := strings.Join(pl.changes, "\n")
	want := "create terraform_data.x\ninput.size (none) -> 4096\ninput.token (secret)"
	if changes != want {
		t.Errorf("the plan says\n%s\nwant\n%s", changes, want)
	}
	step := inventory.Step{Method: runMethod, Params: map[string]string{"source": "terraform.test", "target": "terraform_data.x", "changes": changes}}
	var said []string
	if _, err := p.Do(ctx, step, func(line string) { said = append(said, line) }); err != nil {
		t.Fatal(err)
	}
	data, err := p.pull(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if text := string(data); !strings.Contains(text, "4096") || strings.Contains(text, "hands off") {
		t.Errorf("the state afterwards is %s", text)
	}
	if all := strings.Join(said, "\n"); !strings.Contains(all, "Apply complete") || strings.Contains(all, "canary") {
		t.Errorf("terraform said %s", all)
	}
	// The plan is used up, and a new one would do nothing: that is refused.
	if _, err := p.Do(ctx, step, func(string) {}); !errors.Is(err, providers.ErrChangedMeanwhile) {
		t.Errorf("doing it again: %v", err)
	}
}

// A mistake in the code is told in terraform's words, and its plan files go away.
func TestPlanFails(t *testing.T) {
	needTerraform(t)
	root := write(t, map[string]string{"tf/main.tf": "resource \"terraform_data\" \"x\" {\n  input = var.missing\n}\n"})
	p := New(Config{Name: "test", Cluster: "home", Root: root, Directory: "tf"})
	_, err := p.plan(context.Background(), "terraform_data.x")
	if err == nil || !strings.Contains(err.Error(), "Reference to undeclared input variable") || strings.Contains(err.Error(), "\x1b") {
		t.Errorf("the error is %v", err)
	}
	dir := p.temp
	p.Close()
	if _, err := os.Stat(dir); dir == "" || !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", dir, err)
	}
}

func TestNoBinary(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := readAll(t, Config{Root: t.TempDir(), Directory: "."})
	if !errors.Is(err, ErrNoBinary) {
		t.Errorf("the error is %v", err)
	}
}

func TestFiles(t *testing.T) {
	for _, tc := range []struct {
		name, text string
		err        error
		guests     int
	}{
		{"empty state", `{"version":4,"resources":[]}`, nil, 0},
		{"show -json of nothing", `{"format_version":"1.0"}`, nil, 0},
		{"show -json of a plan", `{"format_version":"1.2","prior_state":{"format_version":"1.0","values":{"root_module":{"resources":[{"address":"proxmox_lxc.x","mode":"managed","type":"proxmox_lxc","name":"x","values":{"vmid":100}}]}}}}`, nil, 1},
		{"count and for_each", `{"version":4,"resources":[{"module":"module.a[\"x.y\"]","mode":"managed","type":"proxmox_lxc","name":"x","instances":[{"index_key":0,"attributes":{"vmid":100}},{"index_key":"k","attributes":{"vmid":101}},{"deposed":"abc","attributes":{"vmid":102}}]}]}`, nil, 2},
		{"version 5", `{"version":5}`, ErrNewer, 0},
		{"format 2", `{"format_version":"2.0","values":{}}`, ErrNewer, 0},
		{"version 3", `{"version":3,"modules":[]}`, ErrNoState, 0},
		{"encrypted by OpenTofu", `{"serial":1,"lineage":"x","meta":{},"encrypted_data":"x","encryption_version":"v0"}`, ErrNoState, 0},
		{"other JSON", `[]`, ErrNoState, 0},
		{"no JSON", `resource`, ErrNoState, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := readAll(t, Config{Root: write(t, map[string]string{"s": tc.text}), State: "s"})
			if !errors.Is(err, tc.err) || err != nil && tc.err == nil || len(got) != tc.guests {
				t.Errorf("%d guests, error %v; want %d, %v", len(got), err, tc.guests, tc.err)
			}
		})
	}
}

// The code of an address is found through modules, as terraform init has noted them
// and by their own source.
func TestLocate(t *testing.T) {
	root := write(t, map[string]string{
		"tf/main.tf":                         "module \"a\" {\n  source = \"./mod\"\n}\nmodule \"b\" {\n  source = \"somewhere/else\"\n}\n",
		"tf/mod/vm.tf":                       "\nmodule \"inner\" {\n  source = \"../leaf\"\n}\n",
		"tf/leaf/vm.tf":                      "# a\n\nresource \"proxmox_vm_qemu\" \"x\" {\n  cores = 2\n  disk {\n    size = \"1G\"\n  }\n  disk {\n    size = \"2G\"\n  }\n}\n",
		"tf/.terraform/modules/modules.json": `{"Modules":[{"Key":"","Dir":"."},{"Key":"b","Dir":".terraform/modules/b"}]}`,
		"tf/.terraform/modules/b/x.tf":       "resource \"proxmox_lxc\" \"y\" {\n}\n",
	})
	p := New(Config{Name: "test", Root: root, Directory: "tf"})
	for _, tc := range []struct{ address, want string }{
		{`module.a["k.with.dots"].module.inner[0].proxmox_vm_qemu.x["a]b"]`, "tf/leaf/vm.tf:3"},
		{"module.b.proxmox_lxc.y", "tf/.terraform/modules/b/x.tf:1"},
		{"proxmox_lxc.y", ":0"},
		{"module.c.proxmox_lxc.y", ":0"},
		{"", ":0"},
	} {
		file, line, _ := p.Locate(tc.address)
		if got := fmt.Sprintf("%s:%d", file, line); got != tc.want {
			t.Errorf("%s is in %s, want %s", tc.address, got, tc.want)
		}
	}
	address := "module.a.module.inner.proxmox_vm_qemu.x"
	for want, pl := range map[string]place{
		"tf/leaf/vm.tf:4": {steps: []step{{"cores", 0}}},
		"tf/leaf/vm.tf:9": {steps: []step{{"disk", 1}, {"size", 0}}},
		"tf/leaf/vm.tf:8": {steps: []step{{"disk", 1}, {"cache", 0}}},
		"tf/leaf/vm.tf:3": {steps: []step{{"disk", 2}, {"size", 0}}},
	} {
		if got := p.spot(address, pl); got != want {
			t.Errorf("%s is spelled in %s, want %s", pl.spelled(), got, want)
		}
	}
}

// The value that a message tells to write is in the provider's unit.
func TestSpell(t *testing.T) {
	for _, tc := range []struct {
		as   conversion
		v    cty.Value
		want string
	}{
		{inMiB, inventory.Size(6 * inventory.GiB), "6144"},
		{inGiB, inventory.Size(32 * inventory.GiB), "32"},
		{sizeText, inventory.Size(32 * inventory.GiB), `"32G"`},
		{onOff, cty.True, `"on"`},
		{onOff, cty.False, `"ignore"`},
		{notBool, cty.True, "false"},
		{joined, inventory.StringList("scsi0", "net0"), `"scsi0;net0"`},
		{plain, inventory.StringSet("b", "a"), `["a", "b"]`},
		{plain, cty.StringVal("x"), `"x"`},
		{plain, cty.NumberIntVal(4), "4"},
		{plain, cty.NilVal, "null"},
	} {
		if got := (place{as: tc.as}).spell(tc.v); got != tc.want {
			t.Errorf("%v: %s, want %s", tc.as, got, tc.want)
		}
	}
}

// The first apply makes the saved plans of other resources stale; they are made
// again, and applied when they would still do the same.
func TestSeveralAppliesThroughTerraform(t *testing.T) {
	needTerraform(t)
	root := write(t, map[string]string{"tf/main.tf": "resource \"terraform_data\" \"x\" {\n  count = 2\n  input = count.index\n}\n"})
	p := New(Config{Name: "test", Cluster: "home", Root: root, Directory: "tf"})
	t.Cleanup(p.Close)
	ctx := context.Background()
	var steps []inventory.Step
	for _, target := range []string{"terraform_data.x[0]", "terraform_data.x[1]"} {
		pl, err := p.plan(ctx, target)
		if err != nil {
			t.Fatal(err)
		}
		steps = append(steps, inventory.Step{Method: runMethod, Params: map[string]string{"target": target, "changes": strings.Join(pl.changes, "\n")}})
	}
	for _, s := range steps {
		if _, err := p.Do(ctx, s, func(string) {}); err != nil {
			t.Errorf("%s: %v", s.Params["target"], err)
		}
	}
}
