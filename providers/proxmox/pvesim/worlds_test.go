package pvesim

import (
	"encoding/json"
	"net/url"
	"testing"

	"recon/providers/proxmox/pvesim/schemacheck"

	"github.com/google/go-cmp/cmp"
)

// TestWorldsValid checks every config of the built-in and generated worlds
// against our formats and against the official schema.
func TestWorldsValid(t *testing.T) {
	s := start(t, Options{World: Single()})
	var official *schemacheck.Checker
	if dir, err := schemacheck.Find(); err != nil {
		t.Logf("only against our own formats: %v", err)
	} else if official, err = schemacheck.Load(dir, "9.2"); err != nil {
		t.Fatal(err)
	}
	worlds := map[string]*World{"home": Home(), "generated": Generate(400, 7)}
	for name, w := range worlds {
		if err := w.validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, g := range w.Guests {
			params := url.Values{}
			for k, v := range g.Config {
				if k == "meta" || k == "boot" && v == " " {
					continue
				}
				params.Set(k, v)
				p := s.options(g.Kind).params.find(k)
				if p == nil {
					t.Errorf("%s: %s %d: unknown key %s", name, g.Kind, g.VMID, k)
					continue
				}
				if msg := s.formats.check(k, p, v); msg != "" {
					t.Errorf("%s: %s %d: %s=%s: %s", name, g.Kind, g.VMID, k, v, msg)
				}
			}
			if official == nil {
				continue
			}
			if err := official.Check("PUT", "/nodes/x/"+g.Kind+"/"+itoa(g.VMID)+"/config", params); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestGenerateDeterministic(t *testing.T) {
	a, b, more := Generate(30, 5), Generate(30, 5), Generate(60, 5)
	if diff := cmp.Diff(a, b); diff != "" {
		t.Errorf("two worlds of one seed differ: %s", diff)
	}
	if diff := cmp.Diff(a.Guests, more.Guests[:30]); diff != "" {
		t.Errorf("a larger world begins differently: %s", diff)
	}
	nodes := map[string]int{}
	running := 0
	for _, g := range more.Guests {
		nodes[g.Node]++
		running += yes(g.Running)
		if g.Lock != "" || len(g.Pending)+len(g.Delete) > 0 {
			t.Errorf("guest %d is locked or has pending changes", g.VMID)
		}
	}
	if nodes["pve1"] != 20 || nodes["pve2"] != 20 || running == 0 || running == 60 {
		t.Errorf("spread %v, %d running", nodes, running)
	}
}

// TestHome checks what demos and other packages' tests rely on.
func TestHome(t *testing.T) {
	s := start(t, Options{})
	c := newClient(t, s)
	conf := c.ok("GET", "/nodes/node01/lxc/205/config")
	for k, want := range map[string]any{"cores": json.Number("4"), "memory": json.Number("8192"), "hostname": "docker-media", "mp0": "media:205/vm-205-disk-0.raw,mp=/data,size=1T"} {
		if got := field(conf, k); got != want {
			t.Errorf("lxc 205 %s = %v, want %v", k, got, want)
		}
	}
	w := s.World()
	for _, g := range w.Guests {
		m := s.guests[g.VMID]
		for key, vol := range m.volumes() {
			v := w.volume(vol)
			if v == nil || w.storage(v.storage()) == nil {
				t.Errorf("guest %d: %s names %s, which no storage has", g.VMID, key, vol)
			}
		}
		if g.Pool != "" && w.pool(g.Pool) == nil {
			t.Errorf("guest %d: no pool %s", g.VMID, g.Pool)
		}
	}
}
