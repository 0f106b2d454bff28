package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"recon/cmd/recon/internal/api"
	"recon/providers/proxmox/pvesim"
)

// A sighted is an account with reduced rights, and what it can see.
type sighted struct {
	name    string
	privsep bool
	rights  map[string][]string
	whole   bool // it sees every guest
	lacks   string
	noLog   bool // it cannot see who changed what
}

// TestWhatATokenSees holds accounts with reduced rights against every command that
// says what there is. None may call absent, in sync as a whole, or counted in full what
// it does not see, and each has to name what it lacks and where.
func TestWhatATokenSees(t *testing.T) {
	const auditor = "PVEAuditor"
	for _, c := range []sighted{
		{name: "none", lacks: "VM.Audit on /vms"},
		{name: "privsep without rights", privsep: true, lacks: "VM.Audit on /vms"},
		{name: "one pool", rights: map[string][]string{"/pool/media": {auditor}}, lacks: "VM.Audit on /vms", noLog: true},
		{name: "one pool, privsep", privsep: true, rights: map[string][]string{"/pool/media": {auditor}}, lacks: "VM.Audit on /vms", noLog: true},
		{name: "one guest", rights: map[string][]string{"/vms/111": {auditor}}, lacks: "VM.Audit on /vms", noLog: true},
		{name: "the cluster but no guest", rights: map[string][]string{"/": {"OnlyCluster"}}, lacks: "VM.Audit on /vms"},
		{name: "storages only", rights: map[string][]string{"/storage": {"PVEDatastoreAdmin"}}, lacks: "VM.Audit on /vms"},
		{name: "all but one guest", rights: map[string][]string{"/": {auditor}, "/vms/121": {"PVEDatastoreUser"}}, lacks: "VM.Audit on /vms/121", noLog: true},
		{name: "one guest taken away", rights: map[string][]string{"/": {auditor}, "/vms/121": {"NoAccess"}}, lacks: "VM.Audit on /vms/121", noLog: true},
		{name: "guests but no cluster", rights: map[string][]string{"/vms": {"PVEVMAdmin"}}, whole: true, noLog: true},
		{name: "no Sys.Syslog", rights: map[string][]string{"/": {auditor}}, whole: true, noLog: true},
		{name: "no SDN", rights: map[string][]string{"/": {"NoSDN"}}, whole: true},
		{name: "looks at everything", privsep: true, rights: map[string][]string{"/": {auditor, "OnlyLog"}}, whole: true},
	} {
		t.Run(c.name, func(t *testing.T) { c.check(t) })
	}
}

func (c *sighted) check(t *testing.T) {
	h := newHome(t, pvesim.Options{})
	setRole(h.sim, "OnlyCluster", "Sys.Audit", "Sys.Syslog")
	setRole(h.sim, "OnlyLog", "Sys.Syslog")
	setRole(h.sim, "NoSDN", "VM.Audit", "Sys.Audit", "Sys.Syslog", "Datastore.Audit", "Pool.Audit")
	h.write("claude.recon.hcl", "context {\n  claude_md = \"CLAUDE.md\"\n  context_md = \"context.md\"\n}\n")
	h.write("NOTES.md", "# Notes\n\nThe VM media (vmid 111) runs on node01. There are 9 guests.\n")
	full := token(t, h, "all@pve!all", false, map[string][]string{"/": {"Administrator"}})
	h.want(api.ExitOK, "import", "--all", "-q")
	h.want(api.ExitOK, "context", "-q")
	all := totalsOf(h.read("CLAUDE.md"))

	token(t, h, "recon@pve!recon", c.privsep, c.rights)
	want := api.ExitOK
	if !c.whole {
		want = api.ExitIncomplete
	}
	h.want(want, "plan")
	c.notFalse(t, h)
	h.want(want, "drift")
	c.notFalse(t, h)
	h.want(want, "context")
	c.documents(t, h, all)
	h.want(want, "context", "--check")
	h.run("facts")
	if strings.Contains(h.out.String(), "does not exist") || strings.Contains(h.out.String(), "dead") {
		t.Errorf("facts calls absent what the token does not see:\n%s", &h.out)
	}
	h.want(want, "inventory", "-o", "json")
	c.history(t, h)
	c.fresh(t, h, all)

	// Somebody changes a guest: who it was is told where it can be seen.
	h.sim.Update(setConfig(111, "onboot", "0"))
	h.run("plan")
	if told := strings.Contains(h.out.String(), "not visible to this token (Sys.Syslog on /)"); told != c.noLog && strings.Contains(h.out.String(), "drift:") {
		t.Errorf("what is said of who changed it is wrong:\n%s", &h.out)
	}
	t.Setenv("PVE_TOKEN", full)
}

// fresh begins another project with the token: a first import and a first document.
func (c *sighted) fresh(t *testing.T, h *home, all string) {
	n := &home{t: t, dir: t.TempDir(), sim: h.sim}
	n.write("recon.hcl", h.read("recon.hcl")+"context {\n  claude_md = \"CLAUDE.md\"\n  context_md = \"context.md\"\n}\n")
	want := api.ExitOK
	if !c.whole {
		want = api.ExitIncomplete
	}
	if c.name == "one guest taken away" {
		t.Log("skipped: Proxmox says nothing at all of such a guest, so that a project that never knew it cannot tell")
		return
	}
	n.want(want, "import", "--all")
	c.notFalse(t, n)
	n.want(want, "context")
	c.documents(t, n, all)
}

// notFalse checks the last answer of a command.
func (c *sighted) notFalse(t *testing.T, h *home) {
	t.Helper()
	said := strings.Join(strings.Fields(h.out.String()+h.err.String()), " ")
	for _, wrong := range []string{"does not exist", "to create", "Everything is in sync", "Nothing to import.", "quorum"} {
		if !c.whole && strings.Contains(said, wrong) {
			t.Errorf("it says %q:\n%s", wrong, said)
		}
	}
	if c.lacks != "" && !strings.Contains(said, c.lacks) {
		t.Errorf("it does not name %s:\n%s", c.lacks, said)
	}
}

func totalsOf(doc string) string {
	m := regexp.MustCompile(`\d+ VMs?, \d+ LXCs?`).FindString(doc)
	return m
}

// documents checks what stands in CLAUDE.md and the tables.
func (c *sighted) documents(t *testing.T, h *home, all string) {
	t.Helper()
	doc := h.read("CLAUDE.md")
	switch told := totalsOf(doc); {
	case c.whole && told != all:
		t.Errorf("the totals are %q, not %q:\n%s", told, all, doc)
	case !c.whole && told != "" && !strings.Contains(doc, "at least "):
		t.Errorf("a part is counted as all there is:\n%s", doc)
	case !c.whole && !strings.Contains(doc, "PARTIAL since "):
		t.Errorf("nothing says that it is a part:\n%s", doc)
	}
	for _, line := range strings.Split(h.read("context.md"), "\n") {
		cells := strings.Split(line, "|")
		if !c.whole && strings.HasPrefix(line, "| node0") && regexp.MustCompile(`^ \d+ $`).MatchString(cells[len(cells)-2]) {
			t.Errorf("a part of the guests of a node is counted as all: %s", line)
		}
	}
}

// history checks that nothing is said to have gone.
func (c *sighted) history(t *testing.T, h *home) {
	t.Helper()
	h.want(api.ExitOK, "history", "-o", "json")
	var answer struct {
		Events []struct{ Event, Summary string }
	}
	if err := json.Unmarshal(h.out.Bytes(), &answer); err != nil {
		t.Fatal(err)
	}
	for _, e := range answer.Events {
		if e.Event == "disappeared" {
			t.Errorf("it says that something is gone: %s", e.Summary)
		}
	}
}

func token(t *testing.T, h *home, id string, privsep bool, rights map[string][]string) string {
	t.Helper()
	secret := setToken(h.sim, id, privsep, rights)
	t.Setenv("PVE_TOKEN", secret)
	return secret
}
