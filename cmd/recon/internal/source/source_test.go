package source

import (
	"bytes"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"recon/cmd/recon/internal/home"
	"recon/cmd/recon/internal/redact"
)

// A world is a bare repository, somebody who pushes to it, and a project that follows it.
type world struct {
	*testing.T
	bare, author, project string
	url                   string // by which the project knows the repository
	source                string // more of the source block
	now                   time.Time
	*Puller
}

// Everything git does here is done by the real one, as somebody else, who has no settings.
func (w *world) git(dir string, args ...string) string {
	w.Helper()
	out, err := w.try(dir, args...)
	if err != nil {
		w.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(out)
}

func (w *world) try(dir string, args ...string) (string, error) {
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_AUTHOR_NAME=lena", "GIT_AUTHOR_EMAIL=lena@home.example",
		"GIT_COMMITTER_NAME=lena", "GIT_COMMITTER_EMAIL=lena@home.example", "GIT_ALLOW_PROTOCOL=file:ssh:http")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (w *world) write(dir, name, text string) {
	w.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		w.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		w.Fatal(err)
	}
}

func (w *world) read(name string) string {
	b, err := os.ReadFile(filepath.Join(w.project, name))
	if err != nil {
		return ""
	}
	return string(b)
}

// push commits all that the author has, and returns the commit.
func (w *world) push(args ...string) string {
	w.Helper()
	w.git(w.author, "add", "-A")
	w.git(w.author, append([]string{"commit", "--allow-empty", "-qm", "next"}, args...)...)
	w.git(w.author, "push", "-qf", "origin", "HEAD:main")
	return w.git(w.author, "rev-parse", "HEAD")
}

const schedule = "schedule \"drift\" {\n  cron   = \"@daily\"\n  action = \"drift\"\n}\n"

func (w *world) manifest() string {
	return schedule + "source \"home\" {\n  repository = \"" + w.url + "\"\n" + w.source + "}\n"
}

func begin(t *testing.T, source string) *world {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("skipped: git is not installed")
	}
	dir := t.TempDir()
	w := &world{T: t, bare: dir + "/bare.git", author: dir + "/author", project: dir + "/project", source: source, now: time.Now()}
	w.url = w.bare
	w.git(dir, "init", "-q", "--bare", "-b", "main", w.bare)
	w.git(dir, "clone", "-q", w.bare, w.author)
	w.git(w.author, "checkout", "-q", "-B", "main")
	return w
}

// followed is a world whose project is a clone of the first commit.
func followed(t *testing.T, source string) *world {
	w := begin(t, source)
	w.first()
	return w
}

func (w *world) first() {
	w.write(w.author, "recon.hcl", w.manifest())
	w.write(w.author, ".gitignore", ".recon/\nlocal.recon.hcl\n")
	w.push()
	w.git(filepath.Dir(w.bare), "clone", "-q", w.bare, w.project)
	w.open()
}

func (w *world) open() {
	w.Helper()
	h, err := home.Open(home.Options{Dir: w.project, Secrets: redact.New(), Now: func() time.Time { return w.now }})
	if err != nil {
		w.Fatal(err)
	}
	w.Puller = New(h)
}

// pull pulls, and puts in force what is ready.
func (w *world) pull() State {
	w.Helper()
	if _, ready := w.Pull(w.Context()); ready {
		if _, err := w.Advance(w.Context()); err != nil {
			w.Logf("it does not come into force: %v", err)
		}
	}
	return w.State()
}

// want pulls, and expects a condition and words of the detail.
func (w *world) want(c Condition, says string) State {
	w.Helper()
	s := w.pull()
	if s.Condition != c || !strings.Contains(s.Detail, says) {
		w.Errorf("it is %s, %q; want %s, %q", s.Condition, s.Detail, c, says)
	}
	return s
}

// clean expects the work tree to be as Git thinks that it is.
func (w *world) clean() {
	w.Helper()
	if out := w.git(w.project, "status", "--porcelain"); out != "" {
		w.Errorf("git status says:\n%s", out)
	}
}

// TestFollow: commits come, with files that are new, changed, removed, made folders of, and
// local files live beside them.
func TestFollow(t *testing.T) {
	w := followed(t, "")
	w.want(Current, "")
	w.write(w.project, "local.recon.hcl", "variable \"x\" {\n  default = \"y\"\n}\n")
	w.write(w.project, "notes.txt", "mine")
	w.write(w.author, "docs/a.md", "a")
	w.write(w.author, "place", "a file")
	w.write(w.author, "run.sh", "#!/bin/sh\n")
	if err := os.Chmod(w.author+"/run.sh", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("docs/a.md", w.author+"/link"); err != nil {
		t.Fatal(err)
	}
	tip := w.push()
	if s := w.want(Current, ""); s.Commit != tip || w.read("docs/a.md") != "a" || w.read("link") != "a" {
		t.Errorf("it is at %s, and a is %q", s.Commit, w.read("docs/a.md"))
	}
	if info, err := os.Stat(w.project + "/run.sh"); err != nil || info.Mode().Perm()&0o100 == 0 {
		t.Errorf("run.sh cannot be run: %v", err)
	}
	if err := os.RemoveAll(w.author + "/docs"); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(w.author + "/place"); err != nil {
		t.Fatal(err)
	}
	w.write(w.author, "place/b", "in a folder")
	w.push()
	w.want(Current, "")
	if _, err := os.Stat(w.project + "/docs"); err == nil || w.read("place/b") != "in a folder" {
		t.Error("the folder is still there, or the other one is not")
	}
	if w.read("notes.txt") != "mine" || w.read("local.recon.hcl") == "" {
		t.Error("local files are gone")
	}
	if err := os.Remove(w.project + "/notes.txt"); err != nil {
		t.Fatal(err)
	}
	w.clean()
	w.git(w.project, "fsck", "--strict")
}

// TestBootstrap: a folder that holds the recon.hcl of the repository becomes a clone of it,
// and one that holds another recon.hcl does not.
func TestBootstrap(t *testing.T) {
	w := begin(t, "")
	w.write(w.author, "recon.hcl", w.manifest())
	w.write(w.author, "docs/a.md", "a")
	w.push()
	w.write(w.project, "recon.hcl", w.manifest())
	w.open()
	w.want(Current, "")
	if w.read("docs/a.md") != "a" {
		t.Error("the files did not come")
	}
	w.clean()
	w.write(w.author, "docs/a.md", "b")
	w.push()
	w.want(Current, "")

	w.project += "-other"
	w.write(w.project, "recon.hcl", w.manifest()+"# mine\n")
	w.open()
	w.want(Edited, "recon.hcl")
	if w.read("docs/a.md") != "" || !strings.Contains(w.read("recon.hcl"), "# mine") {
		t.Error("something was written")
	}
}

// TestSubfolder: the project may be a folder of the repository.
func TestSubfolder(t *testing.T) {
	w := begin(t, "")
	w.write(w.author, "infra/recon.hcl", w.manifest())
	w.push()
	clone := w.project
	w.git(filepath.Dir(w.bare), "clone", "-q", w.bare, clone)
	w.project = clone + "/infra"
	w.open()
	w.write(w.author, "infra/manifests/a.hcl", "vm \"x\" {\n")
	w.push()
	w.want(Unusable, "manifests/a.hcl")
	w.write(w.author, "infra/manifests/a.hcl", "# nothing\n")
	w.write(w.author, "other/b", "b")
	w.push()
	w.want(Current, "")
	if w.read("manifests/a.hcl") != "# nothing\n" || w.read("../other/b") != "b" {
		t.Error("the files did not come")
	}
}

// TestUnusable: a commit whose manifests do not load leaves the last good one in force, and
// the work tree as it is; one that mends it comes into force.
func TestUnusable(t *testing.T) {
	w := followed(t, "")
	good := w.want(Current, "").Commit
	w.write(w.author, "manifests/a.hcl", "vm \"x\" {\n  cores = \"many\"\n}\n")
	w.push()
	if s := w.want(Unusable, "manifests/a.hcl"); s.Commit != good || s.Tip == good || s.Scope() == nil {
		t.Errorf("%+v", s)
	}
	if w.read("manifests/a.hcl") != "" {
		t.Error("the commit was written")
	}
	w.write(w.author, "manifests/a.hcl", "")
	w.write(w.author, "recon.hcl", strings.Replace(w.manifest(), schedule, "", 1))
	w.push()
	w.want(Unusable, "no schedule")
	w.write(w.author, "recon.hcl", w.manifest())
	tip := w.push()
	if s := w.want(Current, ""); s.Commit != tip {
		t.Errorf("it is at %s", s.Commit)
	}
	w.clean()
}

// TestEdited: what somebody edits and does not commit is never overwritten, and holds back
// only the commits that would.
func TestEdited(t *testing.T) {
	w := followed(t, "")
	w.write(w.author, "a.md", "one\n")
	w.write(w.author, "b.md", "one\n")
	w.push()
	w.want(Current, "")
	for name, edit := range map[string]func(){
		"changed":    func() { w.write(w.project, "a.md", "mine\n") },
		"staged":     func() { w.write(w.project, "a.md", "mine\n"); w.git(w.project, "add", "a.md") },
		"removed":    func() { os.Remove(w.project + "/a.md") },
		"a folder":   func() { os.Remove(w.project + "/a.md"); w.write(w.project, "a.md/x", "mine") },
		"a link":     func() { os.Remove(w.project + "/a.md"); os.Symlink("/etc/passwd", w.project+"/a.md") },
		"executable": func() { os.Chmod(w.project+"/a.md", 0o755) },
	} {
		t.Run(name, func(t *testing.T) {
			w.T = t
			edit()
			w.write(w.author, "b.md", name)
			w.push()
			w.want(Current, "") // it does not touch the file
			w.write(w.author, "a.md", name)
			w.push()
			before := w.git(w.project, "status", "--porcelain")
			w.want(Edited, "a.md")
			if after := w.git(w.project, "status", "--porcelain"); after != before {
				t.Errorf("the work tree was\n%s\nand is\n%s", before, after)
			}
			os.RemoveAll(w.project + "/a.md")
			w.git(w.project, "reset", "-q", "--hard")
			w.want(Current, "")
			w.clean()
		})
	}
	w.T = t
	w.write(w.project, "new.md", "mine")
	w.write(w.author, "new.md", "theirs")
	w.push()
	w.want(Edited, "new.md")
	w.write(w.project, "new.md", "theirs") // and the same is no edit
	w.want(Current, "")
}

// TestHistory: a branch that was pushed by force, that is gone, commits that are here alone,
// another branch, a merge under way: each is a state of its own, and the folder stays.
func TestHistory(t *testing.T) {
	w := followed(t, "")
	w.write(w.author, "a", "one")
	w.push()
	good := w.want(Current, "").Commit
	w.git(w.author, "commit", "-q", "--amend", "-m", "another")
	w.git(w.author, "push", "-qf", "origin", "HEAD:main")
	if s := w.want(Rewritten, "pushed by force"); s.Commit != good || !strings.Contains(s.Hint, "git reset --keep") {
		t.Errorf("%+v", s)
	}
	w.git(w.project, "fetch", "-q")
	w.git(w.project, "reset", "-q", "--keep", "origin/main")
	w.want(Current, "")

	w.git(w.bare, "update-ref", "refs/heads/other", "main")
	w.git(w.bare, "update-ref", "-d", "refs/heads/main")
	w.want(NoBranch, "it has other")
	w.git(w.bare, "update-ref", "-d", "refs/heads/other")
	w.want(Empty, "is empty")
	w.git(w.author, "push", "-qf", "origin", "HEAD:main")
	w.want(Current, "")

	w.write(w.project, "mine", "mine")
	w.git(w.project, "add", "-A")
	w.git(w.project, "commit", "-qm", "mine")
	w.want(Ahead, "")
	w.push()
	w.want(Diverged, "commits that main has not")
	w.git(w.project, "pull", "-q", "--rebase")
	w.want(Ahead, "")
	w.git(w.project, "push", "-q")
	w.want(Current, "")

	w.git(w.project, "switch", "-qc", "feature")
	w.want(Elsewhere, "on the branch feature")
	w.git(w.project, "switch", "-q", "--detach")
	w.want(Elsewhere, "at no branch")
	w.git(w.project, "switch", "-q", "main")
	w.write(w.project, ".git/MERGE_HEAD", good)
	w.want(Busy, "a merge")
	os.Remove(w.project + "/.git/MERGE_HEAD")
	w.write(w.project, ".git/index.lock", "")
	w.want(Busy, "another git")
	os.Remove(w.project + "/.git/index.lock")
	os.Rename(w.bare, w.bare+"-away")
	w.want(Missing, "is not there")
	os.Rename(w.bare+"-away", w.bare)
	w.want(Current, "")
}

// plant pushes a commit on top of the branch whose tree has one more entry, which no honest
// git would write.
func (w *world) plant(mode, name string, content []byte) {
	w.Helper()
	hash := w.object("blob", content)
	switch mode {
	case "160000":
		hash = strings.Repeat("1", 40)
	case "40000":
		hash = w.object("tree", []byte("100644 x\x00"+unhex(hash)))
	}
	entries := map[string]string{}
	for line := range strings.Lines(w.git(w.author, "ls-tree", "main")) {
		f := strings.Fields(line)
		entries[f[3]] = strings.TrimPrefix(f[0], "0") + " " + f[3] + "\x00" + unhex(f[2])
	}
	tree := entries[".gitignore"] + entries["recon.hcl"] + mode + " " + name + "\x00" + unhex(hash)
	commit := w.git(w.author, "commit-tree", w.object("tree", []byte(tree)), "-p", "main", "-m", "hostile")
	w.git(w.author, "push", "-qf", "origin", commit+":refs/heads/main")
}

func unhex(h string) string {
	b, err := hex.DecodeString(h)
	if err != nil {
		panic(err) // git says it
	}
	return string(b)
}

// object writes an object into the author's store, whatever it is.
func (w *world) object(kind string, content []byte) string {
	w.Helper()
	cmd := exec.Command("git", "hash-object", "-w", "--literally", "-t", kind, "--stdin")
	cmd.Dir, cmd.Stdin = w.author, bytes.NewReader(content)
	out, err := cmd.Output()
	if err != nil {
		w.Fatalf("hash-object: %v", err)
	}
	return strings.TrimSpace(string(out))
}

// TestHostile: what a repository may hold to reach beyond the work tree, or to be too much.
// Nothing is written, and the state says why.
func TestHostile(t *testing.T) {
	w := followed(t, "")
	good := w.want(Current, "").Commit
	for _, c := range []struct {
		mode, name string
		content    string
		want       Condition
		says       string
	}{
		{"120000", "out", "/etc/passwd", Unsafe, "leads out of the work tree"},
		{"120000", "out", "../../x", Unsafe, "leads out of the work tree"},
		{"120000", "out", "a/../../x", Unsafe, "leads out of the work tree"},
		{"120000", "out", ".git/config", Unsafe, "leads out of the work tree"},
		{"120000", "out", strings.Repeat("a/", 4000), TooLarge, "where recon takes"},
		{"120000", "manifests", "elsewhere", Unsafe, "is a link"},
		{"120000", "x.recon.hcl", "recon.hcl", Unsafe, "is a link"},
		{"100644", ".git", "gitdir: /tmp", Unsafe, "no file of a project"},
		{"40000", ".git", "x", Unsafe, "no file of a project"},
		{"40000", ".GIT", "x", Unsafe, "no file of a project"},
		{"40000", "git~1", "x", Unsafe, "no file of a project"},
		{"40000", ".g\u200cit", "x", Unsafe, "no file of a project"},
		{"40000", ".git ", "x", Unsafe, "no file of a project"},
		{"40000", ".git::$INDEX_ALLOCATION", "x", Unsafe, "no file of a project"},
		{"40000", "..", "x", Unsafe, "no file of a project"},
		{"100644", "..", "x", Unsafe, "no file of a project"},
		{"100644", "../../evil", "x", Unsafe, "a path for a name"},
		{"100644", "recon.hcl", "x", Unsafe, "twice"},
		{"100644", "a\\b", "x", Unsafe, "no file of a project"},
		{"100644", "a\x1b[2Jb", "x", Unsafe, "no file of a project"},
		{"40000", ".recon", "x", Unsafe, "no file of a project"},
		{"40000", ".Recon", "x", Unsafe, "no file of a project"},
		{"120000", ".recon", "x", Unsafe, "no file of a project"},
		{"160000", "manifests", "", Unsafe, "is a submodule"},
		{"100644", "x.recon.hcl", "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 1\n", Unsafe, "stand-in of Git LFS"},
		{"100644", "big", strings.Repeat("0", maxBlob+1), TooLarge, "MiB"},
	} {
		t.Run(c.mode+" "+c.name, func(t *testing.T) {
			w.T = t
			w.plant(c.mode, c.name, []byte(c.content))
			if s := w.want(c.want, c.says); s.Commit != good || s.Tip == good && c.name != "big" || strings.ContainsRune(s.Detail, '\x1b') {
				t.Errorf("%+v", s)
			}
			w.clean()
			if left, _ := filepath.Glob(filepath.Dir(w.project) + "/*"); len(left) != 3 {
				t.Errorf("beside the project there are %q", left)
			}
		})
	}
}

// TestLeftOut: what recon does not fetch, and what it never writes, is left as it is and
// named; the rest of the commit comes into force.
func TestLeftOut(t *testing.T) {
	w := followed(t, "")
	first := w.want(Current, "").Commit
	for _, c := range []struct{ mode, name, content, note string }{
		{"160000", "role", "", "role is a submodule"},
		{"100644", "movie", "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 1\n", "movie is a stand-in of Git LFS"},
		{"100644", "secret", "\x00GITCRYPT\x00rest", "secret is a stand-in of git-crypt"},
		{"100644", ".mcp.json", "{}", ".mcp.json steers"},
		{"40000", "hooks", "x", "hooks/x steers"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.T = t
			w.git(w.project, "reset", "-q", "--hard", first)
			w.plant(c.mode, c.name, []byte(c.content))
			s := w.want(Current, "")
			if len(s.Notes) != 1 || !strings.Contains(s.Notes[0], c.note) || s.Commit != s.Tip {
				t.Errorf("%+v", s)
			}
			if _, err := os.Lstat(w.project + "/" + c.name); err == nil {
				t.Error("it was written")
			}
			w.want(Current, "")
		})
	}
}

// TestLinkInTheWay: a link that somebody has in the work tree is not written through.
func TestLinkInTheWay(t *testing.T) {
	w := followed(t, "")
	away := t.TempDir()
	if err := os.Symlink(away, w.project+"/docs"); err != nil {
		t.Fatal(err)
	}
	w.write(w.author, "docs/a.md", "a")
	w.push()
	w.want(Edited, "docs/a.md")
	os.Remove(w.project + "/docs")
	os.Mkdir(w.project+"/inside", 0o755)
	os.Symlink("inside", w.project+"/docs")
	w.want(Edited, "docs/a.md")
	if left, _ := os.ReadDir(away); len(left) > 0 {
		t.Error("something was written through the link")
	}
}

// TestInterrupted: somebody who was killed in the middle of writing goes on from there.
func TestInterrupted(t *testing.T) {
	w := followed(t, "")
	first := w.want(Current, "").Commit
	w.write(w.author, "a", "one")
	w.write(w.author, "docs/b", "one")
	w.write(w.author, "recon.hcl", w.manifest()+"# more\n")
	w.push()
	for n, done := range [][]string{{"a"}, {"a", "docs/b"}, {"a", "docs/b", "recon.hcl"}} {
		w.git(w.project, "reset", "-q", "--hard", first)
		for _, name := range done {
			b, err := os.ReadFile(filepath.Join(w.author, name))
			if err != nil {
				t.Fatal(err)
			}
			w.write(w.project, name, string(b))
		}
		if n == 2 { // the index was written, too
			w.git(w.project, "add", "-A")
		}
		w.want(Current, "")
		w.clean()
	}
}

// TestShallow: a clone without a history follows, also to what it would have had.
func TestShallow(t *testing.T) {
	w := begin(t, "")
	w.write(w.author, "recon.hcl", w.manifest())
	w.write(w.author, "a", "what was once")
	w.push()
	w.write(w.author, "a", "another")
	w.push()
	w.git(filepath.Dir(w.bare), "clone", "-q", "--depth", "1", "file://"+w.bare, w.project)
	w.open()
	w.want(Current, "")
	w.write(w.author, "a", "what was once")
	w.push()
	w.want(Current, "")
	if w.read("a") != "what was once" {
		t.Errorf("a is %q", w.read("a"))
	}
	w.clean()
}

// TestCheck: what is missing is said, and nothing is written.
func TestCheck(t *testing.T) {
	w := begin(t, "")
	w.write(w.project, "recon.hcl", w.manifest())
	w.open()
	for _, says := range []string{"is empty", "main is at"} {
		if a := w.Check(t.Context(), w.Home.Project().Source); !strings.Contains(a[0].Said, says) {
			t.Errorf("%+v, want %q", a, says)
		}
		w.write(w.author, "recon.hcl", w.manifest())
		w.push()
	}
	if _, err := os.Stat(w.project + "/.git"); err == nil {
		t.Error("it made a repository")
	}
}
