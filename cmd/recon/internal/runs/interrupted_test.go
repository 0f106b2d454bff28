package runs

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"recon/cmd/recon/internal/docs"
	"recon/inventory"
	"recon/providers/proxmox/pvesim"
)

// TestSettle: what is said of a call whose sender was killed, and whether the next run
// still waits for it.
func TestSettle(t *testing.T) {
	tests := []struct {
		name  string
		makes bool
		later time.Duration                           // when somebody looks, after the call
		world func(s *pvesim.Server, g *pvesim.Guest) // before the look
		late  func(s *pvesim.Server, vmid int)        // while it goes on
		says  string
		open  int
	}{
		{name: "it arrived", world: func(_ *pvesim.Server, g *pvesim.Guest) { g.Config["description"] = "recon's" }, says: happened},
		{name: "it arrives late", late: func(s *pvesim.Server, vmid int) {
			time.Sleep(300 * time.Millisecond)
			s.Update(func(w *pvesim.World) { guestOf(w, vmid).Config["description"] = "recon's" })
		}, says: happened},
		{name: "it did not arrive", later: time.Minute, says: didNot},
		{name: "it goes on", later: time.Minute, makes: true, world: func(_ *pvesim.Server, g *pvesim.Guest) { g.Lock = "clone" }, says: unseenYet, open: 1},
		{name: "it has made the guest", makes: true, says: happened},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newSmall(t, 3, "")
			s.imports(false)
			res := s.observe().Project.Resources[0]
			step := inventory.Step{Method: "PUT", Summary: "set description", Done: inventory.Probe{Fields: map[inventory.Path]inventory.Value{"description": {Value: cty.StringVal("recon's")}}}}
			if tt.makes {
				step = inventory.Step{Method: "POST", Makes: true, Summary: "make it", Done: inventory.Probe{State: "present"}}
			}
			killed := func(ph *phase) (int, error) {
				_, err := ph.Begin(context.Background(), res.Addr, res.Identity, step)
				return 0, err
			}
			if err := writing(context.Background(), s.home, "apply", killed); err != nil {
				t.Fatal(err)
			}
			vmid := inventory.VMID(res.Identity)
			s.sim.Update(func(w *pvesim.World) {
				if tt.world != nil {
					tt.world(s.sim, guestOf(w, vmid))
				}
			})
			if tt.late != nil {
				go tt.late(s.sim, vmid)
			}
			now := s.home.Now
			s.home.Now = func() time.Time { return now().Add(tt.later) }
			c, err := Run(context.Background(), s.home, "drift", docs.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if len(c.Interrupted) != 1 || !strings.HasSuffix(c.Interrupted[0], tt.says) {
				t.Errorf("said %q, want %q", c.Interrupted, tt.says)
			}
			if n := len(s.observe().Memory.InFlight); n != tt.open {
				t.Errorf("%d are still open, want %d", n, tt.open)
			}
		})
	}
}

func guestOf(w *pvesim.World, vmid int) *pvesim.Guest {
	for _, g := range w.Guests {
		if g.VMID == vmid {
			return g
		}
	}
	return nil
}
