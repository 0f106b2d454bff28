package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"recon/cmd/recon/internal/api"
	"recon/inventory"
	"recon/providers/proxmox/pvesim"
)

// TestManyImportsAreCounted: names are told as long as anybody reads them.
func TestManyImportsAreCounted(t *testing.T) {
	var all []inventory.Address
	for i := range 51 {
		kind := "vm"
		if i%3 == 0 {
			kind = "lxc"
		}
		all = append(all, inventory.Address{Kind: kind, Name: fmt.Sprint("g", i)})
	}
	if got := named(all[:2]); !slices.Equal(got, []string{"lxc.g0", "vm.g1"}) {
		t.Errorf("two: %v", got)
	}
	if got := named(all); !slices.Equal(got, []string{"17 lxc", "34 vm"}) {
		t.Errorf("many: %v", got)
	}
}

// TestAnyWorldIsImported: whatever a world holds, what import writes of it loads, a second
// import finds nothing to add, and no plan comes of it. What cannot be declared is a
// comment. (secret) and hidden files are among it.
func TestAnyWorldIsImported(t *testing.T) {
	keys := []string{"name", "description", "tags", "ostype", "machine", "cpu", "scsihw", "bios", "boot", "vga", "net0", "scsi0", "memory", "cores", "balloon", "onboot", "startup", "agent", "hookscript", "ipconfig0", "nameserver", "searchdomain", "serial0", "hotplug", "args", "affinity", "tablet", "unknown"}
	values := []string{
		"", "0", "1", "-1", "99999999999", "1.5", "true", "(secret)", "a (secret) b", "virtoi", "l27", "win99", "${x}", "%{if}", `a"b`, `a\b`, "a\nb", "a\nEOT\nb", "<<EOT", "#", "/*", "..", ".hidden", "é", "\u202e", "\ufffd",
		"virtio=BC:24:11:00:00:01,bridge=vmbr0", "virtio=BC:24:11:00:00:01,bridge=${x},tag=x,new=1", "local-lvm:vm-1-disk-0,size=4G", "local-lvm:vm-1-disk-0,size=many", "ip=dhcp", "ip=(secret)", "order=scsi0;net9", strings.Repeat("x", 9000),
	}
	pools := []string{".staging", "..", "a/b", "a b", "con", "-", "recon", "ünï", "", "${x}"}
	rounds := 3
	if *long {
		rounds = 100
	}
	for seed := range rounds {
		dice := rand.New(rand.NewPCG(uint64(seed), 7))
		h := newHome(t, pvesim.Options{})
		var changed []string
		h.sim.Update(func(w *pvesim.World) {
			for _, g := range w.Guests {
				for range dice.IntN(4) {
					k, v := keys[dice.IntN(len(keys))], values[dice.IntN(len(values))]
					g.Config[k] = v
					changed = append(changed, fmt.Sprintf("%d %s=%.60q", g.VMID, k, v))
				}
			}
			for i, p := range w.Pools {
				p.ID = pools[(seed+i)%len(pools)]
			}
		})
		fail := func(what string) {
			t.Fatalf("seed %d: %s:\n%s\n%s%s", seed, what, strings.Join(changed, "\n"), &h.out, &h.err)
		}
		if code := h.run("import", "--all"); code != api.ExitOK && code != api.ExitIncomplete {
			fail("import")
		}
		if code := h.run("validate"); code != api.ExitOK {
			fail("what was imported does not load")
		}
		if code := h.run("plan"); code != api.ExitOK && code != api.ExitIncomplete || strings.Contains(h.out.String(), " to change") {
			fail("the plan is not empty")
		}
		if h.run("import", "--all"); strings.Contains(h.out.String()+h.err.String(), "written") {
			fail("the second import adds something")
		}
	}
}
