package manifests

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
)

const oneCluster = "proxmox \"home\" {\n  endpoints = [\"https://10.0.0.1:8006\"]\n  token     = env(\"T\")\n}\n"

func loadText(text string) (*Project, hcl.Diagnostics) {
	fsys := fstest.MapFS{"recon.hcl": {Data: []byte(oneCluster)}, "a.recon.hcl": {Data: []byte(text)}}
	return Load(fsys, Options{Env: func(string) (string, bool) { return "root@pam!recon=x", true }})
}

// Every example of the page loads.
func TestTerraformPage(t *testing.T) {
	page, err := os.ReadFile("../docs/terraform.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile("(?s)```hcl\n(.*?)```").FindAllSubmatch(page, -1)
	if len(examples) < 4 {
		t.Fatalf("the page has %d examples", len(examples))
	}
	for _, e := range examples {
		if _, diags := loadText(string(e[1])); diags.HasErrors() {
			t.Errorf("%v in\n%s", diags, e[1])
		}
	}
}

func TestTerraformBlock(t *testing.T) {
	p, diags := loadText("terraform \"a\" {\n  directory = \"tf\"\n  binary    = \"tofu\"\n  workspace = \"lab\"\n}\nterraform \"b\" {\n  state   = \"x.tfstate\"\n  cluster = proxmox.home\n}\nvm \"m\" {\n  vmid  = 100\n  owner = \"recon\"\n}\n")
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	want := []Terraform{{Name: "a", Directory: "tf", Binary: "tofu", Workspace: "lab", Cluster: "home"}, {Name: "b", State: "x.tfstate", Cluster: "home"}}
	for i := range p.Terraform {
		p.Terraform[i].Range = hcl.Range{}
	}
	if diff := cmp.Diff(want, p.Terraform); diff != "" {
		t.Error(diff)
	}
	if p.Resources[0].Policy.Owner != "recon" {
		t.Errorf("the owner is %q", p.Resources[0].Policy.Owner)
	}
}

// Every mistake is a diagnostic at the place where it is.
func TestTerraformMistakes(t *testing.T) {
	for _, tc := range []struct{ text, want string }{
		{"terraform \"a\" {\n}\n", "1: Missing argument"},
		{"terraform {\n  state = \"x\"\n}\n", "1: Wrong number of labels"},
		{"terraform \"a\" {\n  state = \"x\"\n  json  = \"y\"\n}\n", "3: Two sources"},
		{"terraform \"a\" {\n  state  = \"x\"\n  binary = \"tofu\"\n}\n", "3: Nothing to run"},
		{"terraform \"a\" {\n  directroy = \"x\"\n}\n", "1: Missing argument; 2: Unsupported argument"},
		{"terraform \"a\" {\n  directory = \"\"\n}\n", "2: Empty argument"},
		{"terraform \"a\" {\n  directory = 4 + true\n}\n", "2: Invalid operand"},
		{"terraform \"a\" {\n  state   = \"x\"\n  cluster = \"home\"\n}\n", "3: Not a cluster"},
		{"terraform \"a\" {\n  state   = \"x\"\n  cluster = proxmox.hmoe\n}\n", "3: Unknown cluster"},
		{"terraform \"a\" {\n  state = \"x\"\n}\nterraform \"a\" {\n  state = \"y\"\n}\n", "4: Duplicate definition"},
		{"terraform \"1\" {\n  state = \"x\"\n}\n", "1: Invalid label"},
		{"proxmox \"other\" {\n  endpoints = [\"https://10.0.0.2:8006\"]\n  token     = env(\"T\")\n}\nterraform \"a\" {\n  state = \"x\"\n}\n", "5: Which cluster?"},
		{"vm \"m\" {\n  vmid  = 100\n  owner = \"terraform\"\n}\n", "3: Unknown owner"},
	} {
		_, diags := loadText(tc.text)
		var got []string
		for _, d := range diags {
			if d.Severity == hcl.DiagError {
				got = append(got, fmt.Sprintf("%d: %s", d.Subject.Start.Line, d.Summary))
			}
		}
		if g := strings.Join(got, "; "); g != tc.want {
			t.Errorf("%s\ngives %q, want %q", tc.text, g, tc.want)
		}
	}
}
