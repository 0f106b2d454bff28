package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"recon/cmd/recon/internal/api"
	"recon/providers/proxmox/pvesim"
)

// git runs the real git, as somebody who has no settings.
func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_AUTHOR_NAME=lena", "GIT_AUTHOR_EMAIL=lena@home.example",
		"GIT_COMMITTER_NAME=lena", "GIT_COMMITTER_EMAIL=lena@home.example")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// A repository is a project in Git: a bare repository, a clone that a person works in, and
// one that recon serves.
type repository struct {
	*home
	T          *testing.T
	bare, desk string
	page       *shownHome
	deliveries int
}

const hookSecret = "canary-hook-secret-93b1"

// deliver tells the page of a push, as GitHub does.
func (r *repository) deliver() {
	r.T.Helper()
	r.deliveries++
	body := fmt.Sprintf(`{"ref":"refs/heads/main","number":%d}`, r.deliveries)
	sum := hmac.New(sha256.New, []byte(hookSecret))
	sum.Write([]byte(body))
	req, err := http.NewRequest(http.MethodPost, r.page.address+"/hooks/home", strings.NewReader(body))
	if err != nil {
		r.T.Fatal(err)
	}
	req.Header.Set("X-GitHub-Event", "push")
	req.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(sum.Sum(nil)))
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		r.T.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusAccepted {
		r.T.Fatalf("the delivery is answered with %d", answer.StatusCode)
	}
}

// committed makes a repository of a simulated home, with more in its main file.
func committed(t *testing.T, more string) *repository {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("skipped: git is not installed")
	}
	sim, err := pvesim.New(pvesim.Options{StatCycle: -1, AuthDelay: -1, NodeDelay: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sim.Close() })
	t.Setenv("PVE_TOKEN", sim.Token())
	dir := t.TempDir()
	r := &repository{T: t, home: &home{t: t, dir: filepath.Join(dir, "project"), sim: sim}, bare: filepath.Join(dir, "bare.git"), desk: filepath.Join(dir, "desk")}
	r.write("recon.hcl", "proxmox \"home\" {\n  endpoints = [\""+sim.Endpoint()+"\"]\n  token = env(\"PVE_TOKEN\")\n  fingerprint = \""+sim.Fingerprint()+"\"\n}\ncontext {\n  claude_md = \"CLAUDE.md\"\n}\npage {\n  listen = \"127.0.0.1:0\"\n}\n"+
		"schedule \"year\" {\n  cron = \"0 0 1 1 *\"\n  action = \"drift\"\n}\nsource \"home\" {\n  repository = \""+r.bare+"\"\n  interval = \"1h\"\n"+more)
	r.want(api.ExitOK, "import", "media", "docker-media")
	r.write(".gitignore", ".recon/\n")
	git(t, dir, "init", "-q", "--bare", "-b", "main", r.bare)
	git(t, r.dir, "init", "-q", "-b", "main")
	git(t, r.dir, "add", "-A")
	git(t, r.dir, "commit", "-qm", "first")
	git(t, r.dir, "remote", "add", "origin", r.bare)
	git(t, r.dir, "push", "-qu", "origin", "main")
	git(t, dir, "clone", "-q", r.bare, r.desk)
	return r
}

// push commits a file at the desk, and pushes it.
func (r *repository) push(name, text string) string {
	r.T.Helper()
	path := filepath.Join(r.desk, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		r.T.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		r.T.Fatal(err)
	}
	git(r.T, r.desk, "add", "-A")
	git(r.T, r.desk, "commit", "-qm", "change "+name)
	git(r.T, r.desk, "push", "-q")
	r.deliver()
	return git(r.T, r.desk, "rev-parse", "HEAD")
}

// get is what a page answers.
func (s *shownHome) get(path string) string {
	answer, err := http.Get(s.address + path)
	if err != nil {
		return err.Error()
	}
	defer answer.Body.Close()
	b, _ := io.ReadAll(answer.Body)
	return string(b)
}

// TestServeFromGit: a commit arrives and a run is made for it; one whose manifests do not
// load is told everywhere and leaves the last good one in force; so does an edit that nobody
// committed.
func TestServeFromGit(t *testing.T) {
	t.Setenv("HOOK_SECRET", hookSecret)
	r := committed(t, "  webhook = { secret = env(\"HOOK_SECRET\") }\n  write_back = \"recon/context\"\n}\n")
	first := git(t, r.desk, "rev-parse", "HEAD")
	s := r.serve(t)
	r.page = s
	eventually(t, "it says what is in force", func() bool { return strings.Contains(s.said.String(), first[:12]+" of main is in force") })
	media := "manifests/" + filepath.Base(git(t, r.desk, "ls-files", "manifests"))
	text, err := os.ReadFile(filepath.Join(r.desk, media))
	if err != nil {
		t.Fatal(err)
	}
	second := r.push(media, strings.Replace(string(text), "cores", "# more of them\n  cores", 1)+"\n")
	eventually(t, "a run is made for the commit", func() bool {
		var runs struct {
			Runs   []api.RunRecord
			Source *api.Followed
		}
		_ = json.Unmarshal([]byte(s.get("/api/v1/runs")), &runs)
		for _, run := range runs.Runs {
			if run.Schedule == "source home" && run.Action == "drift" && run.Commit == second {
				return runs.Source.Commit == second && runs.Source.Condition == "current"
			}
		}
		return false
	})
	r.deliver()
	eventually(t, "documents are written back", func() bool {
		out, err := exec.Command("git", "-C", r.bare, "show", "recon/context:CLAUDE.md").Output()
		return err == nil && strings.Contains(string(out), "docker-media")
	})
	if page := s.get("/runs"); !strings.Contains(page, second[:12]) {
		t.Error("the page of the runs does not name the commit")
	}

	r.push(media, "vm \"x\" {\n  cores = \"many\"\n}\n")
	said := "do not load"
	eventually(t, "the mistake is told", func() bool { return strings.Contains(s.said.String(), "what the branch has is not in force") })
	eventually(t, "it is on the page", func() bool {
		return strings.Contains(s.get("/"), said) && strings.Contains(s.get("/"), second[:12]+" stays in force")
	})
	for path, want := range map[string]string{
		"/metrics": `recon_source_state{source="source.home",state="unusable"} 1`, "/api/v1/runs": `"condition":"unusable"`,
	} {
		if got := s.get(path); !strings.Contains(got, want) {
			t.Errorf("%s does not say %s", path, want)
		}
	}
	eventually(t, "it is in the history", func() bool { return strings.Contains(s.get("/history"), "is held back") })
	if got := git(t, r.dir, "rev-parse", "HEAD"); got != second {
		t.Errorf("the folder is at %s", got)
	}

	third := r.push(media, string(text))
	eventually(t, "what mends it is in force", func() bool { return strings.Contains(s.said.String(), third[:12]+" of main is in force") })
	eventually(t, "that is in the history", func() bool { return strings.Contains(s.get("/history"), "is followed again") })

	r.write(media, string(text)+"\n# mine\n")
	r.push(media, string(text)+"\n# theirs\n")
	eventually(t, "the edit is told", func() bool { return strings.Contains(s.get("/"), "somebody has edited here and not committed") })
	if !strings.Contains(r.read(media), "# mine") {
		t.Error("the edit is lost")
	}
	if out := git(t, r.dir, "status", "--porcelain"); out != "M "+media+"\n?? CLAUDE.md" {
		t.Errorf("git status says %q", out)
	}

	// Recon's own commit is merged: it comes into force, and no run is made for it.
	git(t, r.dir, "checkout", "-q", media)
	r.deliver()
	eventually(t, "the edit is gone", func() bool { return strings.Contains(s.get("/api/v1/runs"), `"condition":"current"`) })
	git(t, r.desk, "fetch", "-q")
	git(t, r.desk, "merge", "-q", "--no-ff", "-m", "observed", "origin/recon/context")
	git(t, r.desk, "push", "-q")
	merged := git(t, r.desk, "rev-parse", "HEAD")
	r.deliver()
	eventually(t, "the merge is in force", func() bool { return strings.Contains(s.said.String(), merged[:12]+" of main is in force") })

	for _, path := range []string{"/", "/runs", "/history", "/documents", "/metrics", "/api/v1/runs", "/api/v1/history"} {
		if strings.Contains(s.get(path), hookSecret) {
			t.Errorf("%s holds the secret", path)
		}
	}
	if strings.Contains(s.said.String()+s.erred.String(), hookSecret) {
		t.Error("the output holds the secret")
	}
	// Whatever the merge put in line comes before, or right after, what somebody asks for.
	s.askFor("drift")
	eventually(t, "the run that is asked for has ended", func() bool {
		return s.runsOf(merged, "") == 1 && strings.Contains(s.get("/api/v1/runs"), `"going":null`)
	})
	if s.runsOf(merged, "source home") != 0 {
		t.Error("a run was made for recon's own commit")
	}
}

// runsOf counts the runs of a schedule that were of a commit.
func (s *shownHome) runsOf(commit, schedule string) (n int) {
	var runs struct{ Runs []api.RunRecord }
	_ = json.Unmarshal([]byte(s.get("/api/v1/runs")), &runs)
	for _, run := range runs.Runs {
		if run.Action == "drift" && run.Schedule == schedule && run.Commit == commit {
			n++
		}
	}
	return n
}

// askFor asks for a run, as somebody does on the page.
func (s *shownHome) askFor(action string) {
	s.t.Helper()
	answer, err := http.PostForm(s.address+"/runs", url.Values{"action": {action}})
	if err != nil {
		s.t.Fatal(err)
	}
	answer.Body.Close()
}
