package terraform

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	tfjson "github.com/hashicorp/terraform-json"

	"recon/inventory"
)

// Whatever attribute a state marks as sensitive, its value reaches no guest, no
// finding and no error. Every text of the recorded states is made a canary in turn.
func TestSensitiveValuesStayInside(t *testing.T) {
	for _, file := range []string{"testdata/bpg.tfstate", "testdata/telmate.tfstate"} {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range readGuests(t, file) {
			for _, pl := range g.places() {
				canary(t, raw, g.Address, pl)
			}
		}
	}
}

// canary plants a text at one place of a resource, marked as sensitive.
func canary(t *testing.T, raw []byte, address string, pl place) {
	t.Helper()
	s, err := parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	for i := range s.resources {
		r := &s.resources[i]
		if r.address != address {
			continue
		}
		var path []string
		plant(r.values, pl.steps, &path)
		r.sensitive = append(r.sensitive, path)
	}
	for _, g := range guests(s, "terraform.test") {
		if text := fmt.Sprintf("%v %v", g.Attrs, g.Secrets); strings.Contains(text, "canary") {
			t.Errorf("%s: %s shows the value: %s", address, pl.spelled(), text)
		}
		if got := classify(fmt.Errorf("Error: it said %s", "xx-canary-xx"), g.hidden); g.Address == address && g.hidden != nil && strings.Contains(got.Error(), "canary") {
			t.Errorf("an error shows the value: %v", got)
		}
	}
}

func plant(v any, steps []step, path *[]string) {
	o, ok := v.(map[string]any)
	if !ok || len(steps) == 0 {
		return
	}
	name := steps[0].name
	*path = append(*path, name)
	if len(steps) == 1 {
		o[name] = "xx-canary-xx"
		return
	}
	if list, ok := o[name].([]any); ok && len(list) > steps[0].index {
		*path = append(*path, "*")
		plant(list[steps[0].index], steps[1:], path)
		return
	}
	plant(o[name], steps[1:], path)
}

// terraform show -json marks with a tree instead of paths.
func TestShownMarks(t *testing.T) {
	s, err := parse([]byte(`{"format_version":"1.0","values":{"root_module":{"resources":[{"address":"proxmox_vm_qemu.x","mode":"managed","type":"proxmox_vm_qemu","name":"x",
		"values":{"vmid":100,"name":"n","description":"canary","network":[{"macaddr":"canary"}]},"sensitive_values":{"description":true,"network":[{"macaddr":true}]}}]}}}`))
	if err != nil {
		t.Fatal(err)
	}
	g := guests(s, "terraform.test")[0]
	if text := fmt.Sprint(g.Attrs); strings.Contains(text, "canary") {
		t.Errorf("shown: %s", text)
	}
	if got := strings.Join(g.Secrets, " "); got != "description network.*.macaddr" {
		t.Errorf("named: %s", got)
	}
	if !g.Covers("description", nil) || !g.Covers("network.net0.mac", nil) || g.Covers("onboot", nil) {
		t.Error("a hidden field is Terraform's nevertheless, one that it does not know is not")
	}
}

// What a plan changes is told without values that either side marks.
func TestDifferencesHideSecrets(t *testing.T) {
	var c tfjson.Change
	text := `{"actions":["update"],"before":{"a":"old-canary","b":[{"c":"canary","d":1}],"e":"same"},"after":{"a":"new","b":[{"c":"other-canary","d":2}],"e":"same"},
		"before_sensitive":{"a":true},"after_sensitive":{"b":[{"c":true}]},"after_unknown":{"f":true}}`
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(differences(&c), "; "); got != "a (secret); b[0].c (secret); b[0].d 1 -> 2" {
		t.Errorf("differences: %s", got)
	}
}

func TestClassify(t *testing.T) {
	for text, want := range map[string]error{
		"exit status 1\nError: Error acquiring the state lock\n\nLock Info:":                                            ErrLocked,
		"Error: Backend initialization required, please run \"terraform init\"":                                         ErrUninitialised,
		"Error: Required plugins are not installed":                                                                     ErrUninitialised,
		"Failed to refresh state: Get \"https://tf.example\": dial tcp: lookup tf.example: no such host":                ErrUnreachable,
		"Error: state snapshot was created by Terraform v1.99.0, which is newer than current v1.11.4; upgrade to newer": ErrNewer,
		"Error: Unsupported argument": nil,
	} {
		err := classify(errors.New(text), nil)
		if want != nil && !errors.Is(err, want) || err == nil {
			t.Errorf("%s is %v, want %v", text, err, want)
		}
	}
}

// FuzzState: no state, whatever it is, makes recon fail in another way than with an
// error, and what it says is spelled without trouble.
func FuzzState(f *testing.F) {
	for _, file := range []string{"testdata/bpg.tfstate", "testdata/telmate.tfstate"} {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	for _, typ := range []string{"proxmox_vm_qemu", "proxmox_lxc", "proxmox_lxc_guest", "proxmox_vm", "proxmox_virtual_environment_container"} {
		f.Add([]byte(stateOf(typ, `{"vmid":1,"disk":[{"slot":0,"type":"scsi","size":"1G"}],"network":{"net0":{"tag":1}},"cpu":[null],"memory":1e400}`)))
	}
	f.Add([]byte(`{"format_version":"1.0","values":{"root_module":{"child_modules":[{"resources":[{"mode":"managed","type":"proxmox_lxc","values":{"vmid":1}}]}]}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := parse(data)
		if err != nil {
			return
		}
		for _, g := range guests(s, "terraform.test") {
			kind := inventory.KindOf(g.Kind)
			places := g.places()
			said, _ := g.Agreeing(nil)
			for p, v := range said {
				attr, _, _ := kind.Lookup(p)
				if attr == nil || !v.Type().Equals(attr.Type) || !v.IsWhollyKnown() {
					t.Fatalf("%s = %#v is no value of %s", p, v, g.Kind)
				}
				attr.Show(v)
				inventory.JSONValue(v)
				places[p].spell(v)
			}
			splitAddress(g.Address)
		}
	})
}
