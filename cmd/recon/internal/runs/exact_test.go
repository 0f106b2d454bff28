package runs

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"recon/cmd/recon/internal/docs"
	"recon/cmd/recon/internal/home"
	"recon/inventory"
	"recon/providers/proxmox/pvesim"
	"recon/reconcile"
)

var exactSeeds = flag.Int("exact.seeds", 4, "how many random worlds TestExactTellsAllThatIsUndeclared lives through")

// A small is a random world of a few guests, the project about it, and what guests of
// other worlds have, to give it to these.
type small struct {
	t     *testing.T
	r     *rand.Rand
	sim   *pvesim.Server
	home  *home.Home
	donor map[string][][2]string // by kind: keys and values
}

func newSmall(t *testing.T, seed int, hcl string) *small {
	s := &small{t: t, r: rand.New(rand.NewPCG(uint64(seed), 11)), donor: map[string][][2]string{}}
	for _, g := range pvesim.Generate(120, int64(seed)+1000).Guests {
		for key, value := range g.Config {
			s.donor[g.Kind] = append(s.donor[g.Kind], [2]string{key, value})
		}
	}
	for _, all := range s.donor {
		slices.SortFunc(all, func(a, b [2]string) int { return strings.Compare(a[0]+a[1], b[0]+b[1]) })
	}
	var err error
	if s.sim, err = pvesim.New(pvesim.Options{World: pvesim.Generate(5, int64(seed)), StatCycle: -1, AuthDelay: -1, NodeDelay: -1}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.sim.Close() })
	dir := t.TempDir()
	write(t, dir, "recon.hcl", fmt.Sprintf("proxmox \"home\" {\n  endpoints = [%q]\n  token = %q\n  fingerprint = %q\n}\n%s", s.sim.Endpoint(), s.sim.Token(), s.sim.Fingerprint(), hcl))
	if s.home, err = home.Open(home.Options{Dir: dir, Command: "recon test"}); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *small) observe() *home.World {
	s.t.Helper()
	w, err := s.home.Observe(context.Background())
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(w.Close)
	return w
}

func (s *small) plan() (*home.World, *reconcile.Plan) {
	s.t.Helper()
	w := s.observe()
	p, err := w.Compare(context.Background())
	if err != nil {
		s.t.Fatal(err)
	}
	return w, p
}

func (s *small) imports(exact bool) {
	s.t.Helper()
	w := s.observe()
	im, err := PlanImport(w, nil, exact)
	if err == nil {
		err = WriteImport(context.Background(), w, im)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// undeclared gives a guest something that it does not have, and returns how to take it
// away again.
func (s *small) undeclared() (said string, back func()) {
	for {
		var undo func()
		s.sim.Update(func(w *pvesim.World) {
			g := w.Guests[s.r.IntN(len(w.Guests))]
			gift := s.donor[g.Kind][s.r.IntN(len(s.donor[g.Kind]))]
			key, value := gift[0], gift[1]
			before, there := g.Config[key]
			// Import always writes names, cores and memory; passwords and cloud-init drives are nobody's opinion.
			if there || slices.Contains([]string{"name", "hostname", "lock", "cipassword", "cores", "memory"}, key) || strings.HasPrefix(key, "unused") || strings.Contains(value, "cloudinit") {
				return
			}
			if !changes(g.Kind, key, value) {
				return
			}
			g.Config[key] = value
			said = fmt.Sprintf("%s/%d %s: %s", g.Kind, g.VMID, key, value)
			vmid := g.VMID
			undo = func() {
				s.sim.Update(func(w *pvesim.World) {
					i := slices.IndexFunc(w.Guests, func(g *pvesim.Guest) bool { return g.VMID == vmid })
					delete(w.Guests[i].Config, key)
					if there {
						w.Guests[i].Config[key] = before
					}
				})
			}
		})
		if undo != nil {
			return said, undo
		}
	}
}

// changes reports whether a key with the value is something else than its absence: a
// key that the tables do not know is nobody's opinion, and one that spells the default
// says nothing.
func changes(kind, key, value string) bool {
	k := inventory.KindOf(map[string]string{"qemu": "vm", "lxc": "lxc"}[kind])
	name := strings.TrimRight(key, "0123456789")
	for _, b := range k.Blocks {
		if b.Key == key || slices.ContainsFunc(b.Slots, func(r inventory.SlotRange) bool { return r.Prefix == name }) {
			return b.Wired(inventory.WireAbsent) != nil || b.Name == "startup" || strings.Contains(value, "qxl") || strings.Contains(value, "foldersharing")
		}
		if i := slices.IndexFunc(b.Attrs, func(a *inventory.Attr) bool { return b.Flat && a.Key == key }); i >= 0 {
			return inventory.IsNull(b.Attrs[i].Default) || value == "0"
		}
	}
	i := slices.IndexFunc(k.Attrs, func(a *inventory.Attr) bool { return a.Key == key && a.Name != "template" })
	if i < 0 || k.Attrs[i].Always && inventory.IsNull(k.Attrs[i].Default) {
		return false
	}
	a := k.Attrs[i]
	if a.Wire == inventory.WireComma { // 1 is the default, and so is what it stands for
		return value == "0" || strings.Contains(value, "cloudinit") || strings.Contains(value, "cpu")
	}
	switch text := strings.TrimSpace(inventory.ShowValue(a.Default)); {
	case inventory.IsNull(a.Default):
		return a.Sub != "order" || strings.HasPrefix(value, "order=") // other boot orders are not in the table
	case a.Sub != "" || a.Unit != "" || a.Equal != nil || !a.Takes(a.Default):
		return slices.Contains([]string{"host", "q35", "1", "64"}, value)
	case text == "true" || text == "false":
		return (value == "1") != (text == "true")
	default:
		return strings.Trim(text, `"`) != value && value != "1" && value != ""
	}
}

// TestExactTellsAllThatIsUndeclared: a random world that was imported exactly has an
// empty plan; one thing more in it is exactly one drift; apply takes it back, or says
// what prevents that, and the plan is empty again.
func TestExactTellsAllThatIsUndeclared(t *testing.T) {
	for seed := range *exactSeeds {
		t.Run(strconv.Itoa(seed), func(t *testing.T) {
			s := newSmall(t, seed, "")
			s.imports(true)
			s.agrees("import --exact")
			for range 6 {
				said, back := s.undeclared()
				_, p := s.plan()
				if len(p.Changes) != 1 || p.Changes[0].Verdict != inventory.VerdictDrift || slices.ContainsFunc(p.Changes[0].Fields, func(f inventory.FieldChange) bool { return !f.Undeclared }) {
					t.Fatalf("%s is told as %s", said, fieldsOf(p))
				}
				if _, err := Run(context.Background(), s.home, "drift", docs.Options{}); err != nil {
					t.Fatal(err)
				}
				w, p := s.plan()
				c := p.Changes[0]
				if c.Verdict != inventory.VerdictDrift {
					t.Fatalf("%s is told as %s after it was remembered", said, fieldsOf(p))
				}
				if len(c.Blocked) > 0 {
					if len(c.Steps) > 0 {
						t.Fatalf("%s is blocked (%v) and has steps %v", said, c.Blocked, c.Steps)
					}
					back()
				} else {
					run, err := RunApply(context.Background(), w, p, reconcile.Options{Ceiling: inventory.ImpactOutage})
					if err != nil || run.Code() != home.ExitOK {
						t.Fatalf("%s: apply ends with %v, %+v\n%+v", said, err, run.Results, c.Steps)
					}
				}
				s.agrees(said + " was taken back")
			}
		})
	}
}

func (s *small) agrees(after string) {
	s.t.Helper()
	if _, p := s.plan(); !p.InSync() {
		s.t.Fatalf("after %s the plan has %s", after, fieldsOf(p))
	}
}

func fieldsOf(p *reconcile.Plan) (out string) {
	for _, c := range p.Changes {
		out += fmt.Sprintf("%s %s", c.Addr, c.Verdict)
		for _, f := range c.Fields {
			out += fmt.Sprintf(" [%s %s -> %s %s]", f.Path, f.Attr.Show(f.Live), f.Attr.Show(f.Desired), f.Verdict)
		}
		out += fmt.Sprintf(" %v; ", c.Blocked)
	}
	return out
}
