package manifests

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"
)

// TestSourceMistakes: each has its place and says what to write instead.
func TestSourceMistakes(t *testing.T) {
	const repository = "repository = \"/srv/x.git\"\n"
	for _, c := range []struct{ arguments, says string }{
		{``, "Missing argument"},
		{`repository = "http://git.example.net/x.git"`, "take https or ssh"},
		{`repository = "git://git.example.net/x.git"`, "take https or ssh"},
		{`repository = "https://lena:secret@git.example.net/x.git"`, "a password stands in the address"},
		{`repository = "ext::sh -c evil"`, "is not of the form"},
		{`repository = "--upload-pack=evil"`, "is not of the form"},
		{`repository = "https://git.example.net"`, "is not of the form"},
		{`repository = "relative/x"`, "is not of the form"},
		{repository + `branch = "-f"`, "Not a branch"},
		{repository + `branch = "a..b"`, "Not a branch"},
		{repository + `branch = "a b"`, "Not a branch"},
		{repository + `write_back = "main"`, "A loop"},
		{repository + `interval = "1s"`, "from \"5s\""},
		{repository + `interval = "often"`, "Not a span of time"},
		{repository + `require_signed = true`, "Nobody is trusted"},
		{repository + `trusted_keys = ["ssh-ed25519 AAAA"]`, "Not a public key"},
		{repository + `webhok = { secret = "x" }`, `Did you mean "webhook"?`},
		{repository + `token = "literal-token"`, "Secret in a manifest"},
	} {
		_, diags := load(t, "source \"home\" {\n"+c.arguments+"\n}")
		if !slices.ContainsFunc(diags, func(d *hcl.Diagnostic) bool {
			return strings.Contains(d.Summary+d.Detail, c.says) && d.Subject != nil
		}) {
			t.Errorf("%s: none says %q: %v", c.arguments, c.says, diags)
		}
	}
	for _, c := range []struct{ text, says string }{
		{"source \"a\" {\n" + repository + "}\nsource \"b\" {\n" + repository + "}", "There is one source block"},
		{"source \"1\" {\n" + repository + "}", "Invalid label"},
		{"source \"a\" {\n" + repository + "webhook = { secret = \"0123456789abcdef\" }\n}", "there is no page block"},
		{"source \"a\" {\n" + repository + "}\ncontext {\n  claude_md = \"CLAUDE.md\"\n  commit = true\n}", "Two histories"},
	} {
		if _, diags := load(t, c.text); !diags.HasErrors() || !strings.Contains(diags.Error(), c.says) {
			t.Errorf("%s: %v", c.text, diags)
		}
	}
}

// TestSource: what is left out has a value, secrets that are wrong are kept aside, and
// literal ones are not shown.
func TestSource(t *testing.T) {
	for _, address := range []string{"/srv/x.git", "file:///srv/x.git", "ssh://git@git.example.net/x.git", "ssh://git@git.example.net:2222/x.git", "git@git.example.net:home/x.git", "https://git.example.net/x.git", "http://127.0.0.1:3000/x.git"} {
		p, diags := load(t, "source \"home\" {\n  repository = \""+address+"\"\n}")
		if len(diags) > 0 || p.Source.Branch != "main" || p.Source.Interval != time.Minute || p.Source.Provider() != "source.home" {
			t.Errorf("%s: %+v, %v", address, p.Source, diags)
		}
	}
	p, diags := load(t, "page {}\nsource \"home\" {\n  repository = \"/srv/x.git\"\n  token = env(\"NOBODY_HAS_IT\")\n  webhook = { secret = \"short\" }\n}")
	if diags.HasErrors() || !p.Source.Credentials.HasErrors() {
		t.Errorf("%v, aside %v", diags, p.Source.Credentials)
	}
	for name, f := range p.Sources() {
		if strings.Contains(string(f.Bytes), "short") {
			t.Errorf("%s is shown with the secret", name)
		}
	}
}
