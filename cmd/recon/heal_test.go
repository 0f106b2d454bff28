package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"recon/cmd/recon/internal/api"
	"recon/cmd/recon/internal/notify/notifytest"
	"recon/providers/proxmox/pvesim"
	"recon/reconcile"

	"github.com/chromedp/chromedp"
)

const healing = "page {\n  listen = \"127.0.0.1:0\"\n}\nschedule \"often\" {\n  cron = \"@every 1s\"\n  action = \"heal\"\n}\n"

// proposes makes a run that proposes, without a daemon.
func (h *home) proposes() {
	h.t.Helper()
	opened, err := api.Open(api.Options{Dir: h.dir})
	if err != nil {
		h.t.Fatal(err)
	}
	defer opened.Close()
	if _, err := api.Heal(context.Background(), opened); err != nil {
		h.t.Fatal(err)
	}
	if h.run("approve"); strings.Contains(h.out.String(), "Nothing waits") {
		h.t.Fatal("nothing is proposed")
	}
}

// memoryOf is what a guest of the simulator has.
func memoryOf(sim *pvesim.Server, vmid int) (memory string) {
	sim.Update(func(w *pvesim.World) {
		for _, g := range w.Guests {
			if g.VMID == vmid {
				memory = g.Config["memory"]
			}
		}
	})
	return memory
}

// edit replaces the first text of a block of an imported manifest.
func (h *home) edit(block, old, now string) {
	h.t.Helper()
	files, err := filepath.Glob(filepath.Join(h.dir, "manifests", "*.hcl"))
	if err != nil {
		h.t.Fatal(err)
	}
	for _, file := range files {
		name := "manifests/" + filepath.Base(file)
		text := h.read(name)
		if before, after, ok := strings.Cut(text, block+" {"); ok && strings.Contains(after, old) {
			h.write(name, before+block+" {"+strings.Replace(after, old, now, 1))
			return
		}
	}
	h.t.Fatalf("no manifest has %s with %q", block, old)
}

// TestHealAndApprove: the daemon takes back by itself what a manifest lets it, and does of
// the rest what somebody approves at the shell, and no more.
func TestHealAndApprove(t *testing.T) {
	s := serveHome(t, healing)
	h := s.home
	h.edit(`lxc "docker-media"`, "vmid", "on_drift = \"heal\"\n  vmid")
	eventually(t, "the manifest is in force", func() bool { return strings.Contains(s.said.String(), "have changed and are in force") })
	s.sim.Update(setConfig(205, "memory", "4096")) // healed after half a minute
	drifted := time.Now()

	h.edit(`vm "media"`, `"8GiB"`, `"6GiB"`)
	var waits struct {
		Proposals []struct{ ID, Address, State, Why string }
	}
	list := func() int {
		h.run("approve", "-o", "json")
		waits.Proposals = nil
		if err := json.Unmarshal(h.out.Bytes(), &waits); err != nil {
			t.Fatalf("%v: %s", err, &h.out)
		}
		return len(waits.Proposals)
	}
	eventually(t, "the change is proposed", func() bool { return list() == 1 })
	id := waits.Proposals[0].ID
	if h.run("approve"); !strings.Contains(h.out.String(), id[:10]+"  vm.media  until ") || !strings.Contains(h.out.String(), "memory  8 GiB -> 6 GiB") || !strings.Contains(h.out.String(), "effect: restarts the guest") || strings.Contains(h.out.String(), "--allow") {
		t.Errorf("recon approve lists:\n%s", &h.out)
	}
	h.want(api.ExitRefused, "approve", id[:10]) // nobody can be asked
	if !strings.Contains(h.out.String(), "> PUT /nodes/node01/qemu/111/config memory=6144") || strings.Contains(h.out.String(), "--allow") {
		t.Errorf("before it asks it shows:\n%s", &h.out)
	}
	h.want(api.ExitError, "approve", "0000000000", "--yes")
	h.want(api.ExitOK, "freeze", "--for", "1h", "--reason", "a backup")
	h.want(api.ExitRefused, "approve", id, "--yes")
	if h.run("approve"); !strings.Contains(h.out.String(), "recon is frozen by ") || !strings.Contains(h.out.String(), "a backup") {
		t.Errorf("frozen, it lists:\n%s", &h.out)
	}
	h.want(api.ExitOK, "unfreeze")
	h.want(api.ExitOK, "approve", id[:10], "--yes", "--lock-timeout", "1m")
	if got := memoryOf(s.sim, 111); got != "6144" {
		t.Errorf("approved, and the guest has %s:\n%s%s", got, &h.out, &h.err)
	}
	h.want(api.ExitRefused, "approve", id, "--yes")
	if !strings.Contains(h.err.String(), "the proposal was carried out") || h.out.String() != "" {
		t.Errorf("approved once more, it says: %s%s", &h.out, &h.err)
	}
	eventually(t, "the daemon knows", func() bool { return list() == 0 })

	h.edit(`vm "media"`, `"6GiB"`, `"7GiB"`)
	eventually(t, "another change is proposed", func() bool { return list() == 1 })
	h.want(api.ExitOK, "reject", waits.Proposals[0].ID)
	eventually(t, "it is not proposed again", func() bool { h.run("history", "vm.media"); return list() == 0 })

	eventually(t, "the drift is healed", func() bool { return memoryOf(s.sim, 205) == "8192" })
	if took := time.Since(drifted); took < 30*time.Second {
		t.Errorf("it was healed after %s, by one look", took)
	}
	eventually(t, "the history tells of all that", func() bool {
		h.run("history")
		for _, what := range []string{"lxc.docker-media was healed: memory 4 GiB -> 8 GiB", "vm.media has a proposal", "that was approved", "had a proposal, which was carried out", "that was rejected", "recon heals nothing", "recon heals again"} {
			if !strings.Contains(h.out.String(), what) {
				return false
			}
		}
		return true
	})
	h.want(api.ExitOK, "history", "--verify")
	if !regexp.MustCompile(`as it was written: \d+ events, the last with the link [0-9a-f]{64}`).MatchString(h.out.String()) {
		t.Errorf("verified, it says: %s", &h.out)
	}
}

// TestApproveInBrowser: a change of the manifests is on the page as a proposal without a
// reload, is approved there, and is done.
func TestApproveInBrowser(t *testing.T) {
	s := browse(t, healing)
	s.open("/proposals")
	eventually(t, "nothing waits", func() bool { return strings.Contains(s.text(), "Nothing waits for a decision") })
	s.edit(`vm "media"`, `"8GiB"`, `"6GiB"`)
	eventually(t, "the proposal is on the page", func() bool {
		return strings.Contains(s.text(), "1 proposal waits for a decision") && strings.Contains(s.text(), "memory=6144")
	})
	s.picture("proposals")
	inBrowser(s, chromedp.Click(`button[value="approve"]`))
	eventually(t, "it is done", func() bool { return memoryOf(s.sim, 111) == "6144" })
	eventually(t, "the page says so", func() bool { return strings.Contains(s.text(), "Nothing waits for a decision") })
	s.open("/history")
	eventually(t, "the history says so", func() bool { return strings.Contains(s.text(), "had a proposal, which was carried out") })
}

var approvedStride = flag.Int("approved.stride", 9, "TestKilledWhileApproved kills at each so-manyth request; 1 is every one")

// TestKilledWhileApproved: recon is killed at requests of carrying out a proposal. What
// was approved is done once or not at all, nobody can have it done again, and the history
// is whole.
func TestKilledWhileApproved(t *testing.T) {
	c := newChaos(t, 5)
	c.t = t
	var writes atomic.Int64
	guest := guestOf(c)
	check := c.check
	c.check = func(method, path string, params url.Values) {
		if check != nil { // without the schema nothing is held against it
			check(method, path, params)
		}
		if method == "PUT" && strings.HasSuffix(path, fmt.Sprintf("/%d/config", guest)) {
			writes.Add(1)
		}
	}
	c.want(api.ExitOK, "import", "--all", "-q")
	opened, err := api.Open(api.Options{Dir: c.dir})
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	kills := 0
	for round := 1; ; round += *approvedStride {
		address := wish(c, opened, fmt.Sprint("wish ", round))
		if _, err := api.Heal(t.Context(), opened); err != nil {
			t.Fatal(err)
		}
		w, err := api.Waiting(t.Context(), opened)
		if err != nil || len(w.Proposals) != 1 || w.Proposals[0].Address().String() != address {
			t.Fatalf("round %d: %+v wait, %v", round, w.Proposals, err)
		}
		id := w.Proposals[0].ID
		writes.Store(0)
		c.killAt.Store(c.seen.Load() + int64(round))
		killed := c.victimRuns("approve", id, "--yes")
		c.killAt.Store(0)
		if kills++; !killed {
			break // it asks no more than that
		}
		if _, err := api.CarryOutApproved(t.Context(), opened); err != nil { // as the daemon does when it begins again
			t.Fatal(err)
		}
		if _, err := api.Heal(t.Context(), opened); err != nil {
			t.Fatal(err)
		}
		if n := writes.Load(); n > 1 {
			t.Errorf("killed at request %d, it was done %d times", round, n)
		}
		if p, err := api.FindProposal(t.Context(), opened, id); err != nil || p.State == reconcile.ProposalRunning || p.State == reconcile.ProposalOpen {
			t.Errorf("killed at request %d, the proposal is %s, %v", round, p.State, err)
		}
		if chain, err := api.VerifyHistory(t.Context(), opened); err != nil || chain.Broken != "" {
			t.Errorf("killed at request %d, the history is %+v, %v", round, chain, err)
		}
		for _, p := range waitingIn(t, opened) { // what is proposed anew is in the way of the next round
			if _, err := api.Decide(t.Context(), opened, p.ID, false, "the test"); err != nil {
				t.Fatal(err)
			}
		}
	}
	if kills < 4 {
		t.Errorf("it was killed %d times only", kills)
	}
}

func waitingIn(t *testing.T, h *api.Home) []api.Proposal {
	t.Helper()
	w, err := api.Waiting(t.Context(), h)
	if err != nil {
		t.Fatal(err)
	}
	return w.Proposals
}

// guestOf is a VM whose description nothing else is about.
func guestOf(c *chaos) (vmid int) {
	c.sim.Update(func(w *pvesim.World) {
		for _, g := range w.Guests {
			if g.Kind == "qemu" && !g.Template && (vmid == 0 || g.VMID < vmid) {
				vmid = g.VMID
			}
		}
	})
	return vmid
}

// wish declares another description of that VM, and returns its address.
func wish(c *chaos, h *api.Home, text string) string {
	c.t.Helper()
	vmid := guestOf(c)
	for i := range h.Project().Resources {
		r := &h.Project().Resources[i]
		if r.Identity != fmt.Sprintf("home/%d", vmid) {
			continue
		}
		block := fmt.Sprintf("vm %q", r.Addr.Name)
		files, _ := filepath.Glob(filepath.Join(c.dir, "manifests", "*.hcl"))
		for _, file := range files {
			name := "manifests/" + filepath.Base(file)
			before, after, ok := strings.Cut(c.read(name), block+" {\n")
			if !ok {
				continue
			}
			body, rest, _ := strings.Cut(after, "\n}\n")
			body = regexp.MustCompile(`(?m)^  description +=.*\n`).ReplaceAllString(body, "")
			c.write(name, before+block+" {\n  description = \""+text+"\"\n"+body+"\n}\n"+rest)
			if err := h.Load(); err != nil {
				c.t.Fatal(err)
			}
			return r.Addr.String()
		}
	}
	c.t.Fatal("the VM is not declared")
	return ""
}

// victimRuns runs recon in a process of its own, and reports whether it was killed.
func (c *chaos) victimRuns(args ...string) bool {
	c.t.Helper()
	cmd := exec.Command(os.Args[0], append([]string{"-C", c.dir}, args...)...)
	cmd.Env = append(os.Environ(), mainEnv+"=1")
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.victim.Store(cmd.Process)
	err := cmd.Wait()
	c.victim.Store(nil)
	var exit *exec.ExitError
	return errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signaled()
}

// TestFromCommitToGuest is the whole way: a commit is pushed, its change is on the page as
// a proposal without a reload, mail and webhook tell of it, somebody approves it there, and
// the guest is as the commit wishes.
func TestFromCommitToGuest(t *testing.T) {
	t.Setenv("HOOK_SECRET", hookSecret)
	mails, hook := notifytest.NewMailbox(t), newInbox(t)
	r := committed(t, fmt.Sprintf(`  webhook = { secret = env("HOOK_SECRET") }
}
schedule "mend" {
  cron   = "0 0 1 1 *"
  action = "heal"
}
notify "mail" {
  url = "smtp://%s/?from=recon@home.example&to=lena@home.example&usestarttls=no"
}
notify "hook" {
  url = "generic+http://%s/hook?template=json"
}
`, mails.Addr(), strings.TrimPrefix(hook.URL, "http://")))
	s := r.serve(t)
	r.page = s
	s.browse(t)
	s.open("/proposals")
	eventually(t, "nothing waits", func() bool {
		return strings.Contains(s.text(), "Nothing waits for a decision") && !strings.Contains(s.text(), "Nothing was looked at yet")
	})
	inBrowser(s, chromedp.Evaluate[bool](`window.stayed = true`))

	media := "manifests/" + filepath.Base(git(t, r.desk, "ls-files", "manifests"))
	text, err := os.ReadFile(filepath.Join(r.desk, media))
	if err != nil {
		t.Fatal(err)
	}
	before, after, _ := strings.Cut(string(text), `vm "media" {`)
	commit := r.push(media, before+`vm "media" {`+strings.Replace(after, `"8GiB"`, `"6GiB"`, 1))
	eventually(t, "the run for the commit has ended", func() bool { return s.ran(commit, "heal") })
	ended := time.Now()
	eventually(t, "the proposal is on the page", func() bool {
		return strings.Contains(s.text(), "1 proposal waits for a decision") && strings.Contains(s.text(), "the manifest has moved")
	})
	if !inBrowser(s, chromedp.Evaluate[bool](`window.stayed === true`)) {
		t.Error("the page was loaded again")
	}
	t.Logf("it is on the page %s after the run", time.Since(ended).Round(time.Millisecond))
	inBrowser(s, chromedp.Click(`button[value="approve"]`))
	eventually(t, "the guest is as the commit wishes", func() bool { return memoryOf(s.sim, 111) == "6144" })
	eventually(t, "nothing waits any more", func() bool { return strings.Contains(s.text(), "Nothing waits for a decision") })
	if err := s.sim.AddFault("node-down:node03"); err != nil {
		t.Fatal(err)
	}
	s.askFor("drift")
	s.open("/")
	eventually(t, "the dead node is stale", func() bool { return strings.Contains(s.text(), "node03 of proxmox.home was not observed since") })
	posted := ""
	for name, got := range map[string]func() string{
		"mail": func() string { return strings.Join(mails.Mails(), "\n") }, "webhook": func() string { posted += hook.take(); return posted },
	} {
		eventually(t, "the "+name+" tells of it all", func() bool {
			for _, what := range []string{"vm.media has a proposal that waits for a decision", "which was carried out", "node03 cannot be observed"} {
				if !strings.Contains(got(), what) {
					return false
				}
			}
			return true
		})
	}
}

// ran reports whether a run of an action was made of a commit.
func (s *shownHome) ran(commit, action string) bool {
	var runs struct{ Runs []api.RunRecord }
	_ = json.Unmarshal([]byte(s.get("/api/v1/runs")), &runs)
	return slices.ContainsFunc(runs.Runs, func(r api.RunRecord) bool { return r.Commit == commit && r.Action == action })
}
