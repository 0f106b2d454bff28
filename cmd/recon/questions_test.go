package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
	"golang.org/x/tools/txtar"

	"recon/cmd/recon/internal/api"
	"recon/providers/proxmox/pvesim"
)

// A question is one of an operator, with the calls of a client that knows no language.
type question struct {
	text  string
	calls []string
	want  []string // what the last answer has to say
}

// questionsOf reads a file of questions; testdata/questions/demo.txt says what is in one.
func questionsOf(t *testing.T, name string) (out []question) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "questions", name))
	if err != nil {
		t.Fatal(err)
	}
	for block := range strings.SplitSeq(string(text), "\n\n") {
		q := question{}
		for line := range strings.Lines(block) {
			switch line = strings.TrimSpace(line); {
			case line == "" || line[0] == '#' || line == "none":
			case q.text == "":
				q.text = line
			case strings.Contains(line, " {\""):
				q.calls = append(q.calls, line)
			default:
				q.want = append(q.want, line)
			}
		}
		if q.text != "" {
			out = append(out, q)
		}
	}
	return out
}

// answered asks and reports what is wrong about the answer; "" is nothing.
func (a *assistant) answered(q question) string {
	if len(q.calls) == 0 || len(q.calls) > 2 || len(q.want) == 0 {
		return "no two calls answer it"
	}
	var out map[string]any
	for _, call := range q.calls {
		tool, text, _ := strings.Cut(call, " ")
		if strings.Contains(text, "$1") {
			text = strings.ReplaceAll(text, "$1", fmt.Sprint(at(out, []string{"things", "0", "id"})))
		}
		var args map[string]any
		if err := json.Unmarshal([]byte(text), &args); err != nil {
			return err.Error()
		}
		if out = a.ask(tool, args); out["error"] != nil {
			return fmt.Sprint(out["error"])
		}
	}
	for _, line := range q.want {
		if strings.Contains(line, "*") && out["next"] != nil {
			return "there is more of it"
		}
		if why := holds(out, line); why != "" {
			return why
		}
	}
	return ""
}

// holds holds one line of what is wanted (PATH = JSON, or PATH contains JSON) against an
// answer. A * in the path is every row, and their values are sorted, each once.
func holds(out map[string]any, line string) string {
	path, text, exact := strings.Cut(line, " = ")
	if !exact {
		path, text, _ = strings.Cut(line, " contains ")
	}
	var want any
	if err := json.Unmarshal([]byte(text), &want); err != nil {
		return err.Error()
	}
	got := at(out, strings.Split(path, "/"))
	if exact && reflect.DeepEqual(got, want) {
		return ""
	}
	if list, ok := want.([]any); ok && !exact {
		have, _ := got.([]any)
		if !slices.ContainsFunc(list, func(w any) bool { return !slices.Contains(have, w) }) {
			return ""
		}
	} else if !exact && strings.Contains(fmt.Sprint(got), fmt.Sprint(want)) {
		return ""
	}
	return fmt.Sprintf("%s is %v", path, got)
}

func at(v any, path []string) any {
	if len(path) == 0 {
		return v
	}
	switch v := v.(type) {
	case map[string]any:
		return at(v[path[0]], path[1:])
	case []any:
		var every []any
		for i, row := range v {
			m, _ := row.(map[string]any)
			named := path[0] == strconv.Itoa(i)
			for _, key := range []string{"id", "field", "to"} {
				named = named || m[key] == path[0]
			}
			if named || path[0] == "way" {
				return at(row, path[1:])
			}
			if x := at(row, path[1:]); path[0] == "*" && x != nil {
				every = append(every, x)
			}
		}
		slices.SortFunc(every, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		if path[0] == "*" {
			return slices.CompactFunc(every, func(a, b any) bool { return reflect.DeepEqual(a, b) })
		}
	}
	return nil
}

// demoQuestioned is the home of the demo after a day on which things were changed by hand.
func demoQuestioned(t *testing.T) *home {
	h := newHome(t, pvesim.Options{})
	h.write("docker-media.json", demoDockerHost)
	h.want(api.ExitOK, "import", "--all", "-q")
	h.write("docker-media.recon.hcl", "host \"docker-media\" {\n  guest     = lxc.docker-media\n  recording = \"docker-media.json\"\n}\n")
	h.run("drift", "-q")
	h.sim.Update(setConfig(111, "memory", "4096"))
	h.sim.Update(func(w *pvesim.World) { guestIn(w, 210).Running = false })
	h.run("drift", "-q")
	return h
}

// streetQuestioned is the home of graph.txtar, with backup jobs.
func streetQuestioned(t *testing.T) *home {
	archive, err := txtar.ParseFile(filepath.Join("testdata", "graph.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, f := range archive.Files {
		files[f.Name] = f.Data
	}
	world := filepath.Join(t.TempDir(), "world.json")
	if err := os.WriteFile(world, files["world.json"], 0o644); err != nil {
		t.Fatal(err)
	}
	w, err := pvesim.LoadWorld(world)
	if err != nil {
		t.Fatal(err)
	}
	w.Backups = []pvesim.Record{
		{"id": "nightly", "type": "vzdump", "schedule": "02:30", "storage": "local", "vmid": "101,104", "enabled": "1"},
		{"id": "weekly", "type": "vzdump", "schedule": "sun 04:00", "storage": "local", "all": "1", "enabled": "0"},
	}
	h := newHome(t, pvesim.Options{World: w})
	h.want(api.ExitOK, "import", "--all", "-q")
	for _, name := range []string{"pihole", "edge", "media"} {
		var m machineSpec
		if err := yaml.Unmarshal(files[name+".yaml"], &m); err != nil {
			t.Fatal(err)
		}
		h.write(name+".json", string(m.recording()))
		h.write(name+".recon.hcl", fmt.Sprintf("host %q {\n  guest     = lxc.%s\n  recording = %q\n}\n", name, name, name+".json"))
	}
	h.run("drift", "-q")
	return h
}

// TestQuestionsOfAnOperator: of a hundred questions as people ask them about two homes, 95
// are answered in two calls at most, by a client that knows no more than which calls they
// are. What is left over is said.
func TestQuestionsOfAnOperator(t *testing.T) {
	asked, open := 0, []string{}
	for name, build := range map[string]func(*testing.T) *home{"demo.txt": demoQuestioned, "street.txt": streetQuestioned} {
		a := newAssistant(t, build(t))
		for _, q := range questionsOf(t, name) {
			asked++
			if why := a.answered(q); why != "" {
				open = append(open, fmt.Sprintf("%s: %s %.600s", name, q.text, why))
			}
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}
	t.Logf("%d questions, %d not answered:\n%s", asked, len(open), strings.Join(open, "\n"))
	if asked < 100 || len(open)*20 > asked {
		t.Errorf("%d of %d questions are not answered", len(open), asked)
	}
}
