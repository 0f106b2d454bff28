package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"recon/cmd/recon/internal/api"
	"recon/providers/proxmox/pvesim"
)

// canaries are secrets planted in every input that can hold one.
var canaries = []string{"canary-ci-password", "canary-root-password", "canary-older-password", "canary-check-token"}

const secretManifest = `
vm "media" {
  vmid   = 111
  onboot = false

  cloud_init {
    password = env("CANARY_CI")
  }
}

lxc "new" {
  vmid = 270

  rootfs {
    storage = "local-lvm"
    size    = "1GiB"
  }

  create {
    template = "local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst"
    node     = "node01"
    password = env("CANARY_ROOT")
  }
}
`

// TestNoSecretInAnyOutput runs every command with secrets in the token, in
// manifests and in live state, and looks for them in all that is printed and in
// every file that recon writes.
func TestNoSecretInAnyOutput(t *testing.T) {
	h := newHome(t, pvesim.Options{})
	h.sim.Update(setConfig(112, "cipassword", canaries[2]))
	_, tokenSecret, _ := strings.Cut(h.sim.Token(), "=")
	secrets := append([]string{tokenSecret}, canaries...)
	t.Setenv("CANARY_CI", canaries[0])
	t.Setenv("CANARY_ROOT", canaries[1])
	in := newInbox(t)
	t.Setenv("CANARY_HOOK", in.url("canary-hook"))
	secrets = append(secrets, "canary-hook-path-1", "canary-hook-header-1")
	h.write("notify.recon.hcl", "notify \"hook\" {\n  url = env(\"CANARY_HOOK\")\n  severity = \"info\"\n}\n")
	h.write("context.recon.hcl", "context {\n  claude_md = \"CLAUDE.md\"\n  session_log = \"log.md\"\n}\n")
	h.want(api.ExitOK, "import", "nextcloud")
	h.write("manifests/secret.hcl", secretManifest)
	t.Setenv("CANARY_CHECK", canaries[3])
	h.write("manifests/check.hcl", fmt.Sprintf("check \"echo\" {\n  http {\n    url   = %q\n    token = env(\"CANARY_CHECK\")\n  }\n}\n", echoes(t)))

	clean := func(what string) {
		t.Helper()
		for _, s := range secrets {
			if bytes.Contains(h.out.Bytes(), []byte(s)) || bytes.Contains(h.err.Bytes(), []byte(s)) {
				t.Errorf("%s prints the secret %s", what, s)
			}
		}
	}
	h.proposes()
	for _, args := range [][]string{
		{"validate"},
		{"approve"},
		{"approve", "-o", "json"},
		{"history", "--verify", "-o", "json"},
		{"check"},
		{"check", "check.echo", "-o", "json", "-v"},
		{"notify", "send"},
		{"plan", "-v"},
		{"plan", "-o", "json"},
		{"plan", "--out", filepath.Join(h.dir, "saved.plan")},
		{"apply"},
		{"apply", "--yes", "-v", "--allow", "restart"},
		{"plan"},
		{"drift", "--report", "html", "--out", filepath.Join(h.dir, "r.html")},
		{"drift", "--report", "json", "--out", filepath.Join(h.dir, "r.json")},
		{"context"},
		{"show", "vm.media"},
		{"show", "vm.media", "-o", "json"},
		{"inventory", "-o", "json"},
		{"inventory"},
		{"history", "-o", "json"},
		{"import", "--all", "--dry-run"},
		{"adopt", "vm.media"},
		{"explain", "--show-prompt", "vm.media"},
	} {
		h.run(args...)
		clean(strings.Join(args, " "))
	}
	for _, status := range []int{http.StatusOK, http.StatusForbidden} {
		in.answer(status)
		h.run("notify", "send", "-v")
		h.run("notify", "test", "-v")
		clean(fmt.Sprintf("notify, when the service answers %d", status))
	}
	notices := in.take()
	if !strings.Contains(notices, "vm.media") {
		t.Errorf("nothing was told of it: %q", notices)
	}
	h.out.WriteString(notices)
	clean("a notice")

	// Another password, so that there is a change that shows it.
	t.Setenv("CANARY_CI", "canary-newer-password")
	secrets = append(secrets, "canary-newer-password")
	for _, args := range [][]string{{"plan"}, {"plan", "-o", "json"}, {"drift", "-o", "json"}, {"adopt", "vm.media"}, {"show", "vm.media"}} {
		h.run(args...)
		clean(strings.Join(args, " "))
	}

	// Errors: a token that is refused, one of the wrong form.
	for _, token := range []string{"root@pam!recon=canary-wrong-token", "canary-malformed-token"} {
		t.Setenv("PVE_TOKEN", token)
		secrets = append(secrets, strings.TrimPrefix(token, "root@pam!recon="))
		h.run("plan", "-v")
		clean("plan with a bad token")
	}
	filesHold(t, h.dir, secrets)
}

// echoes runs a server that refuses everybody, in words that hold what it was sent, and
// returns its URL.
func echoes(t *testing.T) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent := r.Header.Get("Authorization")
		http.Error(w, fmt.Sprintf(`{"message": %q, "error": %q}`, sent+" is not welcome", base64.StdEncoding.EncodeToString([]byte(sent))), http.StatusForbidden)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// TestNoSecretInDiagnostics: a warning about a secret in a manifest does not show
// the secret, and an error does not show values.
func TestNoSecretInDiagnostics(t *testing.T) {
	h := newHome(t, pvesim.Options{})
	h.write("recon.hcl", "proxmox \"home\" {\n  endpoints = [\"https://127.0.0.1:1\"]\n  token     = \"root@pam!x=canary-token\"\n}\nvariable \"pw\" {}\n")
	h.write("manifests/a.hcl", "vm \"a\" {\n  vmid = 100\n  cores = var.pw\n  cloud_init {\n    password = \"canary-literal\"\n  }\n}\nlxc \"b\" {\n  vmid = 101\n  create {\n    template = \"x\"\n    password = \"canary-root\"\n  }\n}\n")
	for _, args := range [][]string{{"validate", "--var", "pw=canary-var"}, {"plan", "--var", "pw=canary-var"}, {"plan", "--var", "pw=2"}, {"validate", "-o", "json", "--var", "pw=2"}} {
		h.run(args...)
		if out := h.out.String() + h.err.String(); strings.Contains(out, "canary") {
			t.Errorf("recon %v prints a secret:\n%s", args, out)
		}
	}
}

// filesHold looks for secrets in every file below a folder.
func filesHold(t *testing.T, dir string, secrets []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, s := range secrets {
			if bytes.Contains(body, []byte(s)) {
				t.Errorf("%s holds the secret %s", path, s)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestSecretInADocumentIsRefused: a text that would hold something that looks like
// a secret is not written.
func TestSecretInADocumentIsRefused(t *testing.T) {
	h := newHome(t, pvesim.Options{})
	h.write("manifests/a.hcl", "vm \"media\" {\n  vmid = 111\n  purpose = \"glpat-abcdefghij0123456789\"\n}\n")
	h.write("context.recon.hcl", "context {\n  claude_md = \"CLAUDE.md\"\n}\n")
	h.run("context")
	if _, err := os.Stat(filepath.Join(h.dir, "CLAUDE.md")); err == nil {
		t.Error("the document was written")
	}
	if !strings.Contains(h.err.String(), "looks like a secret") {
		t.Errorf("nothing was said: %s", &h.err)
	}
}
