package proxmox

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"recon/inventory"
	"recon/providers/proxmox/pvesim"
)

// TestRolesSuffice: the pveum lines of docs/rights.md, run one section after the other,
// give what their section says, and not yet what the next one does.
func TestRolesSuffice(t *testing.T) {
	str := cty.StringVal
	grow := inventory.Attrs{"name": str("free"), "disk.scsi0.size": inventory.Size(9 * inventory.GiB), "network.net0.vlan": cty.NumberIntVal(41), "usb.usb3.mapping": str("stick"), "tags": inventory.StringSet("x"), "cloud_init.user": str("u")}
	wishes := []struct {
		section string
		want    []inventory.Resource
	}{
		{"change", []inventory.Resource{with(wish("vm", 900), grow), with(wish("lxc", 901), inventory.Attrs{"name": str("free"), "cores": cty.NumberIntVal(2), "nameservers": inventory.StringList("10.0.0.53")})}},
		{"create", []inventory.Resource{
			made("vm", inventory.Create{Clone: "900", Full: true, Start: true}, nil),
			with(wish("lxc", 901), inventory.Attrs{"name": str("free"), "features": inventory.StringSet("nesting")}),
		}},
		{"move", []inventory.Resource{with(wish("lxc", 901), inventory.Attrs{"name": str("free"), "node": str("n2"), "pool": str("one")}), with(wish("vm", 900), inventory.Attrs{"name": str("free"), "disk.scsi0.storage": str("more")})}},
	}
	text, err := os.ReadFile("../../docs/rights.md")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range section.FindAllStringSubmatch(string(text), -1) {
		if s[1] != "look" && !strings.Contains(string(readme), s[2]) { // how to look stands among the first steps
			t.Errorf("README.md has other lines for the section %s", s[1])
		}
	}
	for _, release := range []string{"8.4", "9.1", "9.2"} {
		m := newMatrix(t, release)
		root := m.as("admin")
		m.restore()
		pveum(t, m, root, string(text), "look")
		p := m.with("recon@pve!recon=" + secretOf(m.sim))
		if snap := read(t, p); !snap.Complete || len(snap.Observations) != 4 {
			t.Fatalf("%s: after look the home is not seen whole: %v", release, snap.Unknown)
		}
		for _, w := range wishes {
			if c, _ := plan(t, p, w.want[0]); c == nil || len(c.Blocked) == 0 {
				t.Errorf("%s: before %s nothing is blocked of %s", release, w.section, w.want[0].Identity)
			}
			pveum(t, m, root, string(text), w.section)
			if lost := lacking(p, "ReconLook", "ReconAgent"); len(lost) > 0 {
				t.Errorf("%s: after %s the token has lost %v", release, w.section, lost)
			}
			for _, want := range w.want {
				doAll(t, p, release+" "+w.section, want)
			}
		}
	}
}

// TestMendsMend: what check tells to run gives the token everything, whatever it had before,
// and takes nothing away: a role on a path replaces what was inherited there.
func TestMendsMend(t *testing.T) {
	acl := "pveum acl modify %s --users recon@pve --tokens 'recon@pve!recon' --roles %s"
	starts := map[string][][2]string{
		"nothing":              nil,
		"sees":                 {{"/", "PVEAuditor"}},
		"sees one guest":       {{"/vms/900", "PVEAuditor"}},
		"a user of guests":     {{"/", "PVEVMUser"}},
		"an owner of guests":   {{"/vms", "PVEVMAdmin"}},
		"changes cards, blind": {{"/", "PVEAuditor"}, {"/vms", "CardsOnly"}},
		"writes to storages":   {{"/", "SpaceOnly"}},
	}
	for _, release := range []string{"8.4", "9.2"} {
		for name, start := range starts {
			m := newMatrix(t, release)
			root := m.as("admin")
			lines := []string{
				"pveum user add recon@pve", "pveum user token add recon@pve recon --privsep 1",
				"pveum role add CardsOnly --privs VM.Config.Network", "pveum role add SpaceOnly --privs Datastore.AllocateSpace",
			}
			for _, s := range start {
				lines = append(lines, fmt.Sprintf(acl, s[0], s[1]))
			}
			pveumLines(t, m, root, lines)
			p := m.with("recon@pve!recon=" + secretOf(m.sim))
			had := privileges(t, p)
			for _, a := range p.Check(t.Context(), nil) {
				if strings.HasPrefix(a.Said, "the token lacks") {
					pveumLines(t, m, root, a.Mend)
				}
			}
			if left := lacking(p); len(left) > 0 {
				t.Errorf("%s, %s: the commands leave out %v", release, name, left)
			}
			for path, ps := range had {
				for priv := range ps {
					if !privileges(t, p).has(path, priv) && (path == "/vms" && strings.HasPrefix(priv, "VM.") || path == "/storage" && strings.HasPrefix(priv, "Datastore.") || path == "/sdn" && strings.HasPrefix(priv, "SDN.")) {
						t.Errorf("%s, %s: the commands took %s on %s away", release, name, priv, path)
					}
				}
			}
		}
	}
}

func privileges(t *testing.T, p *Provider) (out permissions) {
	t.Helper()
	if err := p.client.get(t.Context(), "/access/permissions", nil, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// lacking names the abilities that a token lacks, but for those of which the commands name
// one of the roles.
func lacking(p *Provider, roles ...string) (out []string) {
	for _, a := range p.Check(context.Background(), nil) {
		told := slices.ContainsFunc(roles, func(r string) bool { return strings.Contains(strings.Join(a.Mend, " "), r) })
		if strings.HasPrefix(a.Said, "the token lacks") && !told {
			out = append(out, a.Name)
		}
	}
	return out
}

func (m *matrix) with(token string) *Provider {
	p, err := New(Config{Name: "home", Endpoints: []string{m.sim.Endpoint()}, Token: token, Fingerprint: m.sim.Fingerprint()})
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(p.Close)
	return p
}

func doAll(t *testing.T, p *Provider, name string, want inventory.Resource) {
	t.Helper()
	c, steps := plan(t, p, want)
	if c == nil || len(c.Blocked) > 0 || len(steps) == 0 {
		t.Errorf("%s: %s: %d steps, blocked %v", name, want.Identity, len(steps), c)
		return
	}
	for _, s := range steps {
		if _, err := p.Do(context.Background(), s, nil); err != nil {
			t.Errorf("%s: %s: %v", name, s.Summary, err)
		}
	}
}

func secretOf(sim *pvesim.Server) string {
	for _, u := range sim.World().Users {
		if u.ID == "recon@pve" && len(u.Tokens) > 0 {
			return u.Tokens[0].Secret
		}
	}
	return ""
}

var (
	shellWord = regexp.MustCompile(`'[^']*'|"[^"]*"|\S+`)
	section   = regexp.MustCompile(`(?ms)^## (\w+)\n.*?\n` + "```sh\n(.*?)\n```")
)

// pveum does through the API what the lines of a section do on a node.
func pveum(t *testing.T, m *matrix, root *Provider, text, name string) {
	t.Helper()
	all := section.FindAllStringSubmatch(text, -1)
	i := slices.IndexFunc(all, func(s []string) bool { return s[1] == name })
	if i < 0 {
		t.Fatalf("docs/rights.md has no section %q with lines for a shell", name)
	}
	pveumLines(t, m, root, strings.Split(all[i][2], "\n"))
}

func pveumLines(t *testing.T, m *matrix, root *Provider, lines []string) {
	t.Helper()
	for _, line := range lines {
		var args []string
		params := map[string]string{}
		words := shellWord.FindAllString(line, -1)
		for n := 0; n < len(words); n++ {
			if option, is := strings.CutPrefix(words[n], "--"); is {
				n++
				params[option] = strings.Trim(words[n], `'"`)
				continue
			}
			args = append(args, strings.Trim(words[n], `'"`))
		}
		method, path := "POST", ""
		switch what := strings.Join(args[:3], " "); {
		case what == "pveum user add":
			path, params["userid"] = "/access/users", args[3]
		case what == "pveum user token":
			path = "/access/users/" + args[4] + "/token/" + args[5]
		case what == "pveum role add":
			path, params["roleid"] = "/access/roles", args[3]
		case what == "pveum acl modify":
			method, path, params["path"] = "PUT", "/access/acl", args[3]
		default:
			t.Fatalf("what is %q?", line)
		}
		if _, err := root.client.send(context.Background(), method, path, params); err != nil && !strings.Contains(err.Error(), "invalid character") && !strings.Contains(err.Error(), "cannot unmarshal") {
			t.Fatalf("%s: %v", line, err)
		}
	}
}
