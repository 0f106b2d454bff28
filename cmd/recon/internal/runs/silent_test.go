package runs

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"recon/cmd/recon/internal/docs"
	"recon/inventory"
	"recon/providers/proxmox/pvesim"
)

var silentSeeds = flag.Int("silent.seeds", 4, "how many random worlds TestNothingIsSilent lives through")

// look has recon look, remember and tell.
func (s *small) look() []inventory.Event {
	s.t.Helper()
	c, err := Run(context.Background(), s.home, "drift", docs.Options{})
	if err != nil {
		s.t.Fatal(err)
	}
	return c.Events
}

// A happening is something that somebody does to a world, and what has to be told of it:
// one event of one of the kinds, about the identity.
type happening struct {
	said, of string
	kinds    []inventory.EventKind
}

// happens changes one thing of the world.
func (s *small) happens() (h happening) {
	if s.r.IntN(2) == 0 {
		said, _ := s.undeclared()
		_, of, _ := strings.Cut(strings.Fields(said)[0], "/")
		return happening{said, "home/" + of, []inventory.EventKind{inventory.Changed, inventory.DriftOpened, inventory.DriftChanged}}
	}
	s.sim.Update(func(w *pvesim.World) {
		g := w.Guests[s.r.IntN(len(w.Guests))]
		of := fmt.Sprintf("home/%d", g.VMID)
		switch what := s.r.IntN(9); what {
		case 0:
			g.Running = !g.Running
			kind := inventory.Stopped
			if g.Running {
				kind = inventory.Started
			}
			h = happening{"power of " + of, of, []inventory.EventKind{kind}}
		case 1:
			g.Node = map[string]string{"pve1": "pve2", "pve2": "pve3", "pve3": "pve1"}[g.Node]
			h = happening{"move of " + of, of, []inventory.EventKind{inventory.Moved}}
		case 2:
			g.Pool = map[string]string{"": "prod", "prod": "test", "test": "prod"}[g.Pool]
			h = happening{"pool of " + of, of, []inventory.EventKind{inventory.Changed, inventory.DriftOpened, inventory.DriftChanged}}
		case 3:
			g.Config[map[string]string{"qemu": "name", "lxc": "hostname"}[g.Kind]] = fmt.Sprintf("n%d", s.r.IntN(1e9))
			h = happening{"name of " + of, of, []inventory.EventKind{inventory.Renamed, inventory.DriftOpened, inventory.DriftChanged}}
		case 4:
			vmid := 500 + s.r.IntN(1e6)
			w.Guests = append(w.Guests, &pvesim.Guest{VMID: vmid, Kind: "lxc", Node: "pve1", Config: map[string]string{"hostname": "new", "memory": "512", "arch": "amd64", "ostype": "debian"}})
			h = happening{"a new guest", fmt.Sprintf("home/%d", vmid), []inventory.EventKind{inventory.Appeared}}
		case 5:
			if len(w.Guests) > 3 {
				w.Guests = slices.DeleteFunc(w.Guests, func(o *pvesim.Guest) bool { return o == g })
				h = happening{"deletion of " + of, of, []inventory.EventKind{inventory.Disappeared}}
			}
		case 6:
			store := w.Storages[s.r.IntN(len(w.Storages))]
			store.Content = []string{"images", strconv.Itoa(s.r.IntN(1e9))}
			h = happening{"content of " + store.ID, "home/storage/" + store.ID, []inventory.EventKind{inventory.Changed}}
		case 7:
			w.Nodes[1].CPUs++
			h = happening{"cores of pve2", "home/node/pve2", []inventory.EventKind{inventory.Changed}}
		case 8:
			id := fmt.Sprintf("s%d", s.r.IntN(1e9))
			w.Storages = append(w.Storages, &pvesim.Storage{ID: id, Type: "dir", Content: []string{"iso"}, Size: 1 << 40})
			h = happening{"a new storage", "home/storage/" + id, []inventory.EventKind{inventory.Appeared}}
		}
	})
	if h.said == "" {
		return s.happens()
	}
	return h
}

// toldOnce reports whether events tell of it, and of each field once. Of a new device the
// fields that a manifest has an opinion of are drift, and the others are a change; what
// is put back is in sync again.
func (h *happening) toldOnce(events []inventory.Event) bool {
	fields := map[inventory.Path]bool{}
	for i := range events {
		e := &events[i]
		if e.Identity != h.of || !slices.Contains(h.kinds, e.Kind) && e.Kind != inventory.DriftResolved {
			return false
		}
		for _, f := range e.Fields {
			if fields[f.Name] {
				return false
			}
			fields[f.Name] = true
		}
	}
	return len(events) == 1 || len(events) == 2 && events[0].Kind != events[1].Kind && len(events[0].Fields) > 0 && len(events[1].Fields) > 0
}

// TestNothingIsSilent: whatever changes in a random world of which manifests declare all,
// some or nothing is told exactly once; a look at a world in which nothing changed tells
// nothing.
func TestNothingIsSilent(t *testing.T) {
	for seed := range *silentSeeds {
		t.Run(strconv.Itoa(seed), func(t *testing.T) {
			s := newSmall(t, seed, "")
			switch seed % 3 {
			case 0:
				s.imports(false)
			case 1:
				s.imports(true)
			}
			s.look()
			told := ""
			for range 8 {
				h := s.happens()
				told += "; " + h.said
				events := s.look()
				if !h.toldOnce(events) {
					t.Fatalf("after%s, %s: told is %+v", told, h.said, events)
				}
				if again := s.look(); len(again) > 0 {
					t.Fatalf("after%s: nothing changed, and told is %+v", told, again)
				}
			}
		})
	}
}
