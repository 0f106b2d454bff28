package proxmox

import (
	"testing"

	"recon/inventory"
	"recon/providers/proxmox/pvesim"
)

// TestAgentAnswers: who waits for a VM to be up hears of its agent when there is one that
// answers, and nothing where there is none, it is off, or may not be asked.
func TestAgentAnswers(t *testing.T) {
	tests := []struct {
		name  string
		kind  string
		vmid  int
		guest func(*pvesim.Guest)
		cfg   func(*Config)
		want  bool
	}{
		{name: "it answers", kind: "vm", vmid: 111, want: true},
		{name: "off", kind: "vm", vmid: 111, guest: func(g *pvesim.Guest) { g.Config["agent"] = "0" }},
		{name: "silent", kind: "vm", vmid: 111, guest: func(g *pvesim.Guest) { g.Addresses = nil }},
		{name: "not running", kind: "vm", vmid: 111, guest: func(g *pvesim.Guest) { g.Running = false }},
		{name: "nobody shall be asked", kind: "vm", vmid: 111, cfg: func(c *Config) { c.NoAgent = true }},
		{name: "a container", kind: "lxc", vmid: 205},
	}
	for _, tt := range tests {
		sim, p := newSim(t, pvesim.Options{})
		if tt.cfg != nil {
			tt.cfg(&p.cfg)
		}
		sim.Update(func(w *pvesim.World) {
			for _, g := range w.Guests {
				if g.VMID == tt.vmid {
					g.Config["agent"], g.Addresses = "1", []string{"192.0.2.7"}
					if tt.guest != nil {
						tt.guest(g)
					}
				}
			}
		})
		want := wish(tt.kind, tt.vmid)
		if _, err := p.Read(t.Context(), []inventory.Resource{want}); err != nil {
			t.Fatal(err)
		}
		if got := p.Answers(t.Context(), p.Look(t.Context(), want)); got != tt.want {
			t.Errorf("%s: %t", tt.name, got)
		}
	}
}
