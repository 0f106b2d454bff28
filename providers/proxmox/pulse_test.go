package proxmox

import (
	"testing"
	"time"

	"recon/providers/proxmox/pvesim"
)

// TestPulse: it is another after whatever somebody does to a guest, and the same while
// only load and time go on. recon's own questions do not stir it.
func TestPulse(t *testing.T) {
	_, p := newSim(t, pvesim.Options{StatCycle: 20 * time.Millisecond})
	pulse := func() string {
		t.Helper()
		sum, err := p.Pulse(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return sum
	}
	last := pulse()
	if _, err := p.Read(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		time.Sleep(30 * time.Millisecond) // as long as the statistics take for a round
		if now := pulse(); now != last {
			t.Fatal("nothing has happened, and the pulse is another")
		}
	}
	for what, do := range map[string]func() error{
		"memory in the web interface": func() error {
			_, err := p.client.send(t.Context(), "PUT", "/nodes/node01/qemu/111/config", map[string]string{"memory": "4096"})
			return err
		},
		"a stop": func() error {
			_, err := p.client.send(t.Context(), "POST", "/nodes/node01/lxc/205/status/stop", nil)
			return err
		},
		"a new tag": func() error {
			_, err := p.client.send(t.Context(), "PUT", "/nodes/node02/lxc/203/config", map[string]string{"tags": "edge"})
			return err
		},
	} {
		if err := do(); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		now := pulse()
		if now == last {
			t.Errorf("%s does not stir it", what)
		}
		deadline := time.Now().Add(30 * time.Second)
		for settled := ""; settled != now && time.Now().Before(deadline); { // until the task has ended
			time.Sleep(100 * time.Millisecond)
			settled, now = now, pulse()
		}
		last = now
	}
}
