package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/mattn/go-shellwords"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"

	"recon/cmd/recon/internal/api"
	"recon/cmd/recon/internal/term"
	"recon/providers/proxmox/pvesim"
)

// A fence is a code block of a document.
type fence struct {
	place, language, body string
}

// fences returns the code blocks of README and of everything below docs, as Markdown
// has them: in lists, indented, with and without a language.
func fences(t *testing.T) (out []fence) {
	root := filepath.Dir(filepath.Dir(filepath.Dir(scripts)))
	files := []string{filepath.Join(root, "README.md")}
	err := filepath.WalkDir(filepath.Join(root, "docs"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".md" {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_ = ast.Walk(goldmark.DefaultParser().Parse(text.NewReader(source)), func(n ast.Node, entering bool) (ast.WalkStatus, error) {
			if n.Kind() != ast.KindFencedCodeBlock && n.Kind() != ast.KindCodeBlock || !entering || n.Lines().Len() == 0 {
				return ast.WalkContinue, nil
			}
			f := fence{body: string(n.Lines().Value(source))}
			if block, ok := n.(*ast.FencedCodeBlock); ok {
				f.language = string(block.Language(source))
			}
			f.place = fmt.Sprintf("%s:%d", filepath.Base(file), 1+bytes.Count(source[:n.Lines().At(0).Start], []byte("\n")))
			out = append(out, f)
			return ast.WalkContinue, nil
		})
	}
	return out
}

// TestExamplesOfTheDocumentsRun runs every example of README and docs: manifests
// through validate and plan, command lines as far as their commands and flags go,
// JSON as JSON. What looks like a manifest and is not called one fails.
func TestExamplesOfTheDocumentsRun(t *testing.T) {
	ran := map[string]int{}
	for _, f := range fences(t) {
		ran[f.language]++
		t.Run(f.place, func(t *testing.T) {
			switch f.language {
			case "hcl":
				runManifest(t, f.body)
			case "sh":
				checkCommands(t, f.body)
			case "json":
				if !json.Valid([]byte(f.body)) {
					t.Errorf("this is no JSON:\n%s", f.body)
				}
			case "", "text": // an answer, which TestDocumentsShowWhatIs holds against the program where it is marked, or a drawing
				if file, diags := hclsyntax.ParseConfig([]byte(f.body), f.place, hcl.InitialPos); !diags.HasErrors() && len(file.Body.(*hclsyntax.Body).Blocks) > 0 {
					t.Errorf("this is a manifest, and its language is to be hcl:\n%s", f.body)
				}
			default:
				t.Errorf("nobody runs examples in %q", f.language)
			}
		})
	}
	if ran["hcl"] < 10 || ran["sh"] < 4 {
		t.Errorf("only these were found: %v", ran)
	}
}

// TestPromisesHaveTheirTests: every test, fuzz target and script that the documents name
// as a proof is there.
func TestPromisesHaveTheirTests(t *testing.T) {
	root := filepath.Dir(filepath.Dir(filepath.Dir(scripts)))
	there := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case strings.HasSuffix(path, ".txtar"):
			there[filepath.Base(path)] = true
		case strings.HasSuffix(path, "_test.go"):
			text, err := os.ReadFile(path)
			for _, m := range testFunc.FindAllSubmatch(text, -1) {
				there[string(m[1])] = true
			}
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	docs, _ := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	named := 0
	for _, file := range docs {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range proof.FindAllStringSubmatch(string(text), -1) {
			named++
			if !there[name[1]] {
				t.Errorf("%s names %s, which is not there", filepath.Base(file), name[1])
			}
		}
	}
	if named < 100 {
		t.Errorf("only %d proofs were found", named)
	}
}

var (
	testFunc = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	proof    = regexp.MustCompile("`((?:Test|Fuzz)[A-Z]\\w+|[\\w-]+\\.txtar)`")
)

// support are blocks that an example refers to and does not have itself.
var support = map[string]string{
	"proxmox.home":      "proxmox \"home\" {\n  endpoints = [\"ENDPOINT\"]\n  token = env(\"PVE_TOKEN\")\n  fingerprint = \"FINGERPRINT\"\n}\n",
	"host.docker-media": "host \"docker-media\" {\n  recording = \"box.json\"\n}\n",
	"lxc.docker-media":  "lxc \"docker-media\" {\n  cluster = proxmox.home\n  vmid = 205\n  network \"net0\" {\n    address = \"192.168.40.11/24\"\n  }\n}\n",
	"vm.b":              "vm \"b\" {\n  vmid = 106\n  name = \"gitlab\"\n}\n",
}

var (
	endpoints   = regexp.MustCompile(`(endpoints\s*=\s*)\[[^\]]*\]`)
	fingerprint = regexp.MustCompile(`(fingerprint\s*=\s*)"[0-9A-F:]+"`)
	asked       = regexp.MustCompile(`((?:url|address|server)\s*=\s*"(?:https?://)?)[^"/]+`)
	credential  = regexp.MustCompile(`file\("/run/credentials/[^"]+"\)`)
	hostBlock   = regexp.MustCompile(`(?m)^host "[^"]+" \{`)
	defines     = func(body, address string) bool {
		kind, name, _ := strings.Cut(address, ".")
		return regexp.MustCompile(`(?m)^` + kind + `\s+"` + name + `"`).MatchString(body)
	}
)

// runManifest validates and plans an example in a home that has what it names.
func runManifest(t *testing.T, body string) {
	sim, err := pvesim.New(pvesim.Options{StatCycle: -1, AuthDelay: -1, NodeDelay: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer sim.Close()
	t.Setenv("PVE_TOKEN", sim.Token())
	h := &home{t: t, dir: filepath.Join(t.TempDir(), "project"), sim: sim}
	h.write("NOTES.md", "")
	body = credential.ReplaceAllString(body, `env("PVE_TOKEN")`) // which systemd gives the daemon
	recordedHost(t, filepath.Join(h.dir, "box.json"), `{"log-opts":{"max-size":"10m"}}`)
	for _, dir := range []string{"docs/keys", "../home.wiki", "../terraform/proxmox", "lab", "dmz"} {
		if err := os.MkdirAll(filepath.Join(h.dir, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	h.write("lab/terraform.tfstate", `{"version": 4, "terraform_version": "1.5.7", "serial": 1, "lineage": "x", "outputs": {}, "resources": []}`)
	body = fingerprint.ReplaceAllString(endpoints.ReplaceAllString(body, `${1}["`+sim.Endpoint()+`"]`), `${1}"`+sim.Fingerprint()+`"`)
	if strings.Contains(body, "check \"") {
		body = asked.ReplaceAllString(body, "${1}127.0.0.1:1") // where nobody listens: what a check asks is not there
		t.Setenv("GITLAB_URL", "https://127.0.0.1:1")
	}
	body = hostBlock.ReplaceAllString(body, "${0}\n  recording = \"box.json\"") // which stands in for the machine
	h.write("example.recon.hcl", body)
	blocks := strings.NewReplacer("ENDPOINT", sim.Endpoint(), "FINGERPRINT", sim.Fingerprint()).Replace(supporting(body))
	h.write("recon.hcl", blocks)
	h.want(api.ExitOK, "validate")
	if strings.Contains(h.err.String(), "Warning") {
		t.Errorf("validate warns: %s", &h.err)
	}
	code := h.run("plan")
	whole := code == api.ExitOK || code == api.ExitDiffers
	if !whole && (code != api.ExitIncomplete || !strings.Contains(body, "directory")) { // of Terraform's code, which is not here
		t.Errorf("plan exits with %d: %s%s", code, &h.out, &h.err)
	}
	h.run("plan", "-o", "json")
	if !json.Valid(h.out.Bytes()) {
		t.Errorf("the plan is no JSON: %s", &h.out)
	}
}

// supporting returns the blocks that a text needs and does not have, with those that
// they need.
func supporting(body string) (out string) {
	for more := true; more; {
		more = false
		for _, address := range []string{"lxc.docker-media", "host.docker-media", "vm.b", "proxmox.home"} {
			guest := address == "proxmox.home" && regexp.MustCompile(`(?m)^(vm|lxc|terraform) `).MatchString(body+out)
			if (strings.Contains(body+out, address) || guest) && !defines(body+out, address) {
				out += support[address]
				more = true
			}
		}
	}
	return out
}

// checkCommands holds command lines against the commands and flags that there are.
func checkCommands(t *testing.T, body string) {
	for _, line := range strings.Split(body, "\n") {
		line, _, _ = strings.Cut(line, " #")
		if _, started, ok := strings.Cut(line, " -- "); ok && strings.HasPrefix(line, "claude mcp add ") {
			line = started // what the assistant starts
		}
		line = strings.TrimPrefix(line, "sudo -u recon ")
		words := strings.Fields(strings.NewReplacer("'", "", `"`, "").Replace(line))
		switch {
		case len(words) == 0:
		case words[0] == "recon":
			if parsed, err := shellwords.Parse(line); err == nil { // what stands in quotes is one word
				words = parsed
			}
			checkCommand(t, words[1:])
		case !slices.Contains([]string{"go", "make", "pveum", "export", "$EDITOR", "curl", "sudo", "systemctl", "openssl", "docker"}, words[0]):
			t.Errorf("nobody checks %q", line)
		}
	}
}

func checkCommand(t *testing.T, words []string) {
	cmd, rest, err := newRoot(&cli{stdout: term.NewWriter(io.Discard, nil)}).Find(words)
	if err != nil || !cmd.Runnable() {
		t.Errorf("there is no recon %v: %v", words, err)
		return
	}
	if err := cmd.ParseFlags(rest); err != nil {
		t.Errorf("recon %v: %v", words, err)
	}
	if err := cmd.ValidateArgs(cmd.Flags().Args()); err != nil {
		t.Errorf("recon %v: %v", words, err)
	}
}
