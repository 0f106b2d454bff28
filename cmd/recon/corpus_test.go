package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"recon/providers/proxmox/pvesim"
)

var newCases = flag.String("corpus.new", "", "with -update: a name for generated cases that TestPlanCorpus adds")

// TestPlanCorpus holds plans of earlier versions against those of today: worlds,
// manifests and their plans as JSON. An upgrade of recon never changes a plan; a
// difference here is a change of behaviour that users will meet. With -update and
// -corpus.new NAME, generated cases of that name are added first.
func TestPlanCorpus(t *testing.T) {
	if *newCases != "" {
		makeCorpus(t, *newCases)
	}
	cases, err := filepath.Glob("testdata/corpus/*/manifest.hcl")
	if err != nil || len(cases) == 0 {
		t.Fatalf("there is no corpus: %v", err)
	}
	for _, manifest := range cases {
		dir := filepath.Dir(manifest)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			world, err := pvesim.LoadWorld(filepath.Join(dir, "world.json"))
			if err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(manifest)
			if err != nil {
				t.Fatal(err)
			}
			h := newHome(t, pvesim.Options{World: world})
			h.write("manifests/m.hcl", string(text))
			h.run("plan", "-o", "json")
			got := stable(t, h.out.Bytes())
			golden := filepath.Join(dir, "plan.json")
			if *update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// stable takes out of a plan what differs between two runs.
func stable(t *testing.T, plan []byte) []byte {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(plan, &v); err != nil {
		t.Fatalf("%v in %s", err, plan)
	}
	v["observed_at"] = "TIME"
	v["summary"].(map[string]any)["elapsed_s"] = 0
	out, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	out = regexp.MustCompile(`"(since|at)": "\d{4}-[^"]+"`).ReplaceAll(out, []byte(`"$1": "TIME"`))
	return append(out, '\n')
}

// makeCorpus adds generated cases to the corpus.
func makeCorpus(t *testing.T, name string) {
	t.Helper()
	for seed := range int64(6) {
		world := pvesim.Generate(12, 100+seed)
		h := newHome(t, pvesim.Options{World: world})
		h.want(0, "import", "--all", "-q")
		h.want(0, "fmt", "-q")
		text := ""
		files, _ := filepath.Glob(filepath.Join(h.dir, "manifests", "*.hcl"))
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			text += string(b)
		}
		for i, e := range [][2]string{{`(?m)^(  memory +=) "[^"]+"`, `$1 "3GiB"`}, {`(?m)^(    vlan +=) \d+`, `$1 77`}, {`(?m)^(  tags +=) .*`, `$1 ["corpus"]`}, {`(?m)^(    size +=) "[^"]+"`, `$1 "900GiB"`}} {
			if int(seed)%4 == i || seed > 3 {
				text = regexp.MustCompile(e[0]).ReplaceAllString(text, e[1])
			}
		}
		text = regexp.MustCompile(`(?m)^  balloon +=.*\n`).ReplaceAllString(text, "")
		dir := filepath.Join("testdata", "corpus", fmt.Sprintf("%s-%d", name, seed))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		w, err := json.MarshalIndent(world, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		for file, body := range map[string][]byte{"world.json": w, "manifest.hcl": []byte(text)} {
			if err := os.WriteFile(filepath.Join(dir, file), body, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}
