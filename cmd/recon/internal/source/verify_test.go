package source

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// sshKey makes a key with the real ssh-keygen, and returns its file and its public half.
func sshKey(t *testing.T, kind string) (file, public string) {
	t.Helper()
	if _, err := exec.LookPath("ssh-keygen"); err != nil {
		t.Skip("skipped: ssh-keygen is not installed")
	}
	file = t.TempDir() + "/key"
	if out, err := exec.Command("ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "lena@home.example", "-f", file).CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen: %v\n%s", err, out)
	}
	b, err := os.ReadFile(file + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	return file, strings.TrimSpace(string(b))
}

// A person has keys of OpenPGP in a folder of her own.
type person struct{ *testing.T }

func gpg(t *testing.T) person {
	t.Helper()
	if _, err := exec.LookPath("gpg"); err != nil {
		t.Skip("skipped: gpg is not installed")
	}
	dir, err := os.MkdirTemp("/tmp", "gpg") // the name of a socket is short
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("GNUPGHOME", dir)
	t.Cleanup(func() {
		_ = exec.Command("gpgconf", "--homedir", dir, "--kill", "all").Run()
		os.RemoveAll(dir)
	})
	return person{t}
}

func (p person) run(args ...string) string {
	p.Helper()
	var out, errs bytes.Buffer
	cmd := exec.Command("gpg", append([]string{"--batch", "--pinentry-mode", "loopback", "--passphrase", ""}, args...)...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		p.Fatalf("gpg %s: %v\n%s", strings.Join(args, " "), err, &errs)
	}
	return out.String()
}

// signer has Git sign with a key from now on.
func (w *world) signer(format, key string) {
	w.git(w.author, "config", "gpg.format", format)
	w.git(w.author, "config", "user.signingkey", key)
}

// TestSignatures: commits that the real ssh-keygen and the real gpg have signed, with keys
// that are trusted and that are not.
func TestSignatures(t *testing.T) {
	lena, lenaPub := sshKey(t, "ed25519")
	other, otherPub := sshKey(t, "ecdsa")
	mallory, _ := sshKey(t, "ed25519")
	keys := t.TempDir()
	w := begin(t, "  require_signed = true\n  trusted_keys = [\""+lenaPub+"\", \""+keys+"/signers\", \""+keys+"/lena.asc\"]\n")
	w.write(keys, "signers", "# of lena\nlena@home.example,x "+otherPub+"\n")
	pgp := gpg(t)
	pgp.run("--quick-gen-key", "Lena <lena@home.example>", "ed25519", "sign", "never")
	w.write(keys, "lena.asc", pgp.run("--armor", "--export", "lena@home.example"))
	pgp.run("--quick-gen-key", "Mallory <mallory@home.example>", "ed25519", "sign", "never")

	w.first()
	w.want(Unsigned, "is not signed")
	for _, c := range []struct {
		name, format, key string
		want              Condition
	}{
		{"ed25519", "ssh", lena, Current},
		{"ecdsa, of a file of signers", "ssh", other, Current},
		{"a key of nobody", "ssh", mallory, UnknownKey},
		{"OpenPGP", "openpgp", "lena@home.example", Current},
		{"OpenPGP of nobody", "openpgp", "mallory@home.example", UnknownKey},
	} {
		w.signer(c.format, c.key)
		w.write(w.author, "a", c.name)
		tip := w.push("-S")
		if s := w.want(c.want, ""); (s.Commit == tip) != (c.want == Current) {
			t.Errorf("%s: it is at %s", c.name, s.Commit)
		}
	}
	w.write(w.author, "a", "unsigned")
	w.push()
	w.want(Unsigned, "is not signed")
	// A commit cannot free itself from the rule, nor say whom to trust.
	w.source = ""
	w.write(w.author, "recon.hcl", w.manifest())
	w.push()
	w.want(Unsigned, "")
	if !strings.Contains(w.read("recon.hcl"), "require_signed") {
		t.Error("the rule is gone")
	}
}

// TestChangedCommits: a commit that was changed after it was signed, in each of its parts.
func TestChangedCommits(t *testing.T) {
	lena, lenaPub := sshKey(t, "ed25519")
	w := begin(t, "  require_signed = true\n  trusted_keys = [\""+lenaPub+"\"]\n")
	w.signer("ssh", lena)
	w.write(w.author, "recon.hcl", w.manifest())
	w.write(w.author, ".gitignore", ".recon/\n")
	first := w.push("-S")
	w.git(w.bare+"/..", "clone", "-q", w.bare, w.project)
	w.open()
	w.want(Current, "")
	w.write(w.author, "a", "one")
	signed := w.push("-S")
	tree := w.git(w.author, "rev-parse", first+"^{tree}")
	raw := w.git(w.author, "cat-file", "commit", signed) + "\n"
	signature := raw[strings.Index(raw, "gpgsig ") : strings.Index(raw, "-----END SSH SIGNATURE-----")+len("-----END SSH SIGNATURE-----\n")]
	for name, c := range map[string]struct {
		text string
		want Condition
	}{
		"another tree":       {strings.Replace(raw, raw[5:45], tree, 1), BadSignature},
		"another message":    {strings.Replace(raw, "next", "more", 1), BadSignature},
		"another author":     {strings.Replace(raw, "author lena", "author eve", 1), BadSignature},
		"another header":     {strings.Replace(raw, "gpgsig ", "encoding utf-7\ngpgsig ", 1), BadSignature},
		"two trees":          {strings.Replace(raw, "parent", "tree "+tree+"\nparent", 1), BadSignature},
		"two signatures":     {strings.Replace(raw, signature, signature+signature, 1), BadSignature},
		"of another kind":    {strings.Replace(raw, "gpgsig ", "gpgsig-sha256 ", 1), BadSignature},
		"in the message":     {strings.Replace(raw, signature, "", 1) + "\n" + signature, Unsigned},
		"broken":             {strings.Replace(raw, "U1NIU0lH", "U1NIU0lI", 1), BadSignature},
		"of an unknown sort": {strings.ReplaceAll(raw, "SSH SIGNATURE", "SIGNED MESSAGE"), BadSignature},
	} {
		w.git(w.author, "push", "-qf", "origin", w.object("commit", []byte(c.text))+":refs/heads/main")
		if s := w.want(c.want, ""); s.Commit != first {
			t.Errorf("%s: it is in force: %+v", name, s)
		}
		if t.Failed() {
			t.Log(name)
			break
		}
	}
	w.git(w.author, "push", "-qf", "origin", signed+":refs/heads/main")
	w.want(Current, "")
}

// TestOldKeys: a key of OpenPGP that has ended, and a commit that it signed before.
func TestOldKeys(t *testing.T) {
	keys := t.TempDir()
	w := begin(t, "  require_signed = true\n  trusted_keys = [\""+keys+"/lena.asc\"]\n")
	pgp := gpg(t)
	pgp.run("--quick-gen-key", "Lena <lena@home.example>", "ed25519", "sign", "2d")
	w.write(keys, "lena.asc", pgp.run("--armor", "--export", "lena@home.example"))
	w.signer("openpgp", "lena@home.example")
	w.write(w.author, "recon.hcl", w.manifest())
	w.push("-S")
	w.git(w.bare+"/..", "clone", "-q", w.bare, w.project)
	w.open()
	w.want(Current, "")
	w.now = time.Now().Add(10 * 24 * time.Hour)
	w.want(BadSignature, "is wrong")
}

// FuzzDetach: whatever a commit holds, taking its signature out does not fail, and changes
// nothing where there is none.
func FuzzDetach(f *testing.F) {
	f.Add([]byte("tree 0\ngpgsig -----BEGIN\n x\n\nmessage\ngpgsig no\n"))
	f.Add([]byte("gpgsig a\n b\ngpgsig c\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		payload, signature, err := split(&object.Commit{Hash: plumbing.ZeroHash}, raw)
		if err == nil && signature == "" && !bytes.Contains(raw, []byte("gpgsig ")) && !bytes.Equal(payload, raw) {
			t.Errorf("%q became %q", raw, payload)
		}
	})
}
