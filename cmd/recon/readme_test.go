package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// shown is a code block of a document that a program or a file must agree with:
//
//	<!-- output: recon drift -->      what the demo prints for that command
//	<!-- example: home/recon.hcl -->  a file below manifests/examples
//	<!-- run: shelf recon doctor -->  what a command prints in a folder below testdata
//	<!-- script: graph-demo stop -->  a file of a script, which holds it against the program
var shown = regexp.MustCompile("(?m)^<!-- (output|example|run|script): (.+) -->\n```(\\w+)\n((?s:.*?))```$")

// TestDocumentsShowWhatIs holds the code blocks of README and docs against what the
// program prints today and against the examples that a test loads.
func TestDocumentsShowWhatIs(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	var out, errs bytes.Buffer
	if code := run(context.Background(), []string{"demo", "--color", "never", "--docker", "recorded"}, bytes.NewReader(nil), &out, &errs); code != 0 {
		t.Fatalf("the demo exited with %d: %s", code, &errs)
	}
	root := filepath.Dir(filepath.Dir(filepath.Dir(scripts)))
	docs, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(docs, filepath.Join(root, "README.md")) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		want := shown.ReplaceAllStringFunc(string(text), func(block string) string {
			m := shown.FindStringSubmatch(block)
			body := ""
			switch m[1] {
			case "output":
				body = outputOf(t, out.String(), m[2])
			case "run":
				body = runIn(t, root, m[2])
			case "script":
				body = inScript(t, m[2])
			default:
				b, err := os.ReadFile(filepath.Join(root, "manifests", "examples", m[2]))
				if err != nil {
					t.Fatal(err)
				}
				body = string(b)
			}
			return "<!-- " + m[1] + ": " + m[2] + " -->\n```" + m[3] + "\n" + body + "```"
		})
		if normal(want) == normal(string(text)) {
			continue
		}
		if !*update {
			t.Errorf("%s shows something else than there is; run make golden and look at the diff", filepath.Base(file))
			continue
		}
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// inScript returns a file of a script, which the script itself compares.
func inScript(t *testing.T, place string) string {
	t.Helper()
	script, file, _ := strings.Cut(place, " ")
	a, err := txtar.ParseFile(filepath.Join(scripts, script+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range a.Files {
		if f.Name == file {
			return string(f.Data)
		}
	}
	t.Fatalf("%s has no %s", script, file)
	return ""
}

// runIn returns what a command prints in a folder below testdata.
func runIn(t *testing.T, root, line string) string {
	t.Helper()
	folder, command, _ := strings.Cut(line, " recon ")
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(root, "cmd", "recon", "testdata", folder))); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	var out, errs bytes.Buffer
	run(context.Background(), append(strings.Fields(command), "--color", "never"), bytes.NewReader(nil), &out, &errs)
	for _, l := range strings.Split(out.String(), "\n") {
		if len([]rune(l)) > 80 {
			t.Errorf("wider than 80 columns: %s", l)
		}
	}
	return "$ recon " + command + "\n" + out.String() + errs.String()
}

// counts are the last line of what a command prints.
var counts = regexp.MustCompile(`(?m)^.*(API calls in .*|[0-9]+ findings\.)$\n`)

// outputOf returns what the demo printed for a command, up to its counts.
func outputOf(t *testing.T, story, command string) string {
	t.Helper()
	_, rest, found := strings.Cut(story, "\n$ "+command+"\n")
	end := counts.FindStringIndex(rest)
	if !found || end == nil {
		t.Fatalf("the demo runs no %s", command)
	}
	for _, line := range strings.Split(rest[:end[1]], "\n") {
		if len([]rune(line)) > 80 {
			t.Errorf("wider than 80 columns: %s", line)
		}
	}
	return "$ " + command + "\n" + rest[:end[1]]
}

// normal takes out what differs between two runs.
func normal(s string) string {
	return ports.ReplaceAllString(dates.ReplaceAllString(durations.ReplaceAllString(s, "TIME"), "DATE"), "127.0.0.1:PORT")
}
