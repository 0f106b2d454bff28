package source

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"recon/inventory/contextfile"
	"recon/providers/sshhost/sshdtest"
)

// written is a document with a block of recon.
func written(t *testing.T, above, body string) string {
	t.Helper()
	parse := func(text []byte) *contextfile.Document {
		d, err := contextfile.Parse(text, "CLAUDE.md", contextfile.IDs()...)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	out, err := parse(parse([]byte(above)).Append("home")).Replace("home", body+"\n", true)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// back writes back, and expects what the branch has then: its commits beside those of main,
// the newest first, by their authors.
func (w *world) back(said, authors string) {
	w.Helper()
	s := w.WriteBack(w.Context(), []string{"CLAUDE.md", "docs/home.md", "/etc/passwd", "../x"})
	if s.Written != said && (said == "" || !strings.Contains(s.Written, said)) {
		w.Errorf("it says %q, want %q", s.Written, said)
	}
	got := ""
	if out, err := w.try(w.bare, "log", "--format=%an", "--first-parent", "main..recon/context"); err == nil {
		got = strings.Join(strings.Fields(out), " ")
	}
	if got != authors {
		w.Errorf("the branch has commits of %q, want %q", got, authors)
	}
}

// shown is a file as the branch has it.
func (w *world) shown(name string) string {
	out, err := w.try(w.bare, "show", "recon/context:"+name)
	if err != nil {
		return ""
	}
	return out
}

const backTo = "  write_back = \"recon/context\"\n"

// TestWriteBack: the branch grows with the documents, follows main, begins anew when it was
// merged, and never makes a run.
func TestWriteBack(t *testing.T) {
	w := followed(t, backTo)
	w.want(Current, "")
	w.back("", "") // there is nothing
	w.write(w.author, "CLAUDE.md", written(t, "# Home\n\n", "one"))
	w.push()
	w.want(Current, "")
	w.back("", "")

	w.write(w.project, "CLAUDE.md", written(t, "# Home\n\n", "two"))
	w.back("", "recon")
	w.back("", "recon")
	w.write(w.project, "docs/home.md", written(t, "# Home\n\n", "two"))
	w.back("", "recon recon")
	if !strings.Contains(w.shown("CLAUDE.md"), "two") || !strings.Contains(w.shown("docs/home.md"), "two") || w.shown("recon.hcl") == "" {
		t.Error("the branch has not what was written")
	}
	w.want(Current, "") // the branch is no news

	// Main goes on: the branch follows it.
	w.write(w.author, "a", "one")
	w.push()
	w.want(Current, "")
	w.write(w.project, "CLAUDE.md", written(t, "# Home\n\n", "three"))
	w.back("", "recon recon recon")
	if parents := strings.Fields(w.git(w.bare, "log", "-1", "--format=%P", "recon/context")); len(parents) != 2 || w.shown("a") != "one" {
		t.Errorf("the commit follows from %q", parents)
	}

	// It is merged while recon has written more: no run, and what was written stays.
	w.write(w.project, "CLAUDE.md", written(t, "# Home\n\n", "four"))
	w.git(w.author, "fetch", "-q")
	w.git(w.author, "merge", "-q", "--no-ff", "-m", "merged", "origin/recon/context")
	w.git(w.author, "push", "-q", "origin", "HEAD:main")
	if _, ready := w.Pull(t.Context()); !ready {
		t.Errorf("the merge does not come: %+v", w.State())
	}
	w.write(w.project, "docs/home.md", written(t, "# Home\n\n", "three")) // new there, and newer here
	news, err := w.Advance(t.Context())
	if err != nil || news || !strings.Contains(w.read("CLAUDE.md"), "four") || !strings.Contains(w.read("docs/home.md"), "three") {
		t.Errorf("news %v, %v; CLAUDE.md is %q", news, err, w.read("CLAUDE.md"))
	}
	w.back("", "recon")
	w.git(w.author, "fetch", "-q")
	w.git(w.author, "merge", "-q", "origin/recon/context")
	w.git(w.author, "push", "-q", "origin", "HEAD:main")
	if _, ready := w.Pull(t.Context()); !ready {
		t.Errorf("the merge does not come: %+v", w.State())
	}
	if news, err := w.Advance(t.Context()); news || err != nil {
		t.Errorf("recon's own commit makes a run: %v, %v", news, err)
	}
	w.back("", "")
	w.clean()

	// The branch is deleted: it begins anew.
	w.git(w.bare, "branch", "-qD", "recon/context")
	w.write(w.project, "CLAUDE.md", written(t, "# Home\n\n", "five"))
	w.back("", "recon")
}

// TestWriteBackConflicts: what somebody else did to the branch stops it, what somebody has
// not committed is not in it, and neither is what is kept out of the repository.
func TestWriteBackConflicts(t *testing.T) {
	w := followed(t, backTo)
	w.write(w.author, "CLAUDE.md", written(t, "# Home\n\nMine.\n\n", "one"))
	w.write(w.author, ".gitignore", ".recon/\ndocs/\n")
	w.push()
	w.want(Current, "")

	w.write(w.project, "CLAUDE.md", written(t, "# Home\n\nMine, and not committed.\n\n", "two"))
	w.write(w.project, "docs/home.md", written(t, "# Home\n\n", "kept out"))
	w.back("", "")
	w.write(w.project, "CLAUDE.md", written(t, "# Home\n\nMine.\n\n", "two"))
	w.back("", "recon")
	if w.shown("docs/home.md") != "" {
		t.Error("what is kept out of the repository was pushed")
	}

	w.git(w.author, "fetch", "-q")
	w.git(w.author, "switch", "-qc", "theirs", "origin/recon/context")
	w.write(w.author, "CLAUDE.md", "theirs\n")
	w.git(w.author, "commit", "-qam", "theirs")
	w.git(w.author, "push", "-q", "origin", "HEAD:recon/context")
	w.write(w.project, "CLAUDE.md", written(t, "# Home\n\nMine.\n\n", "three"))
	w.back("a commit that recon did not make", "lena recon")
	w.git(w.author, "push", "-q", "origin", "HEAD^:recon/context", "-f")
	w.back("", "recon recon")

	// A hook of the server refuses it.
	w.write(w.bare, "hooks/pre-receive", "#!/bin/sh\nexit 1\n")
	os.Chmod(w.bare+"/hooks/pre-receive", 0o755)
	w.write(w.project, "CLAUDE.md", written(t, "# Home\n\nMine.\n\n", "four"))
	w.back("was not taken", "recon recon")
	os.Remove(w.bare + "/hooks/pre-receive")
	w.back("", "recon recon recon")

	// A fresh clone knows its own commits again.
	w.git(w.project, "update-ref", "-d", "refs/recon/home/written")
	w.open()
	w.want(Current, "")
	w.write(w.project, "CLAUDE.md", written(t, "# Home\n\nMine.\n\n", "five"))
	w.back("", "recon recon recon recon")
	w.git(w.bare, "fsck", "--strict")
}

// TestWriteBackOverNetworks: it is pushed over SSH and HTTPS, too.
func TestWriteBackOverNetworks(t *testing.T) {
	over := func(t *testing.T, w *world) {
		w.source += backTo
		w.write(w.author, "CLAUDE.md", written(t, "# Home\n\n", "one"))
		w.first()
		w.want(Current, "")
		w.write(w.project, "CLAUDE.md", written(t, "# Home\n\n", "two"))
		w.back("", "recon")
		w.write(w.project, "CLAUDE.md", written(t, "# Home\n\n", "three"))
		w.back("", "recon recon")
	}
	t.Run("HTTPS", func(t *testing.T) {
		w, _ := overHTTP(t, "a token")
		t.Setenv("GIT_TOKEN", "a token")
		over(t, w)
	})
	t.Run("SSH", func(t *testing.T) {
		user := sshdtest.Home(t)
		server := sshdtest.Start(t, user)
		server.Trust(t, user)
		w := begin(t, "")
		w.url = fmt.Sprintf("ssh://root@%s%s", server.Addr(), w.bare)
		over(t, w)
	})
}
