package main

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"recon/cmd/recon/internal/api"
	"recon/providers/proxmox/pvesim"

	"github.com/chromedp/chromedp"
)

const healing = "page {\n  listen = \"127.0.0.1:0\"\n}\nschedule \"often\" {\n  cron = \"@every 1s\"\n  action = \"heal\"\n}\n"

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
	if h.run("approve"); !strings.Contains(h.out.String(), id[:10]+"  vm.media  until ") || !strings.Contains(h.out.String(), "memory  8 GiB -> 6 GiB") || !strings.Contains(h.out.String(), "effect: restarts the guest") {
		t.Errorf("recon approve lists:\n%s", &h.out)
	}
	h.want(api.ExitRefused, "approve", id[:10]) // nobody can be asked
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
