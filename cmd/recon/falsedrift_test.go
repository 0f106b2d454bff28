package main

import (
	"slices"
	"strings"
	"testing"

	"recon/cmd/recon/internal/api"
	"recon/providers/proxmox/pvesim"
)

// A falseDrift is a case in which other tools reported, or made, a change that was
// none. The number is that of the issue in which people lost time.
type falseDrift struct {
	name     string
	manifest string
	change   func(*pvesim.World) // what happens in the home
	want     int                 // of recon plan
	says     string              // in the plan, when it is not empty
	silent   []string            // must not stand in the plan
}

// TestFalseDrift holds the fifteen cases against a home with a VM 111 and a
// container 205.
func TestFalseDrift(t *testing.T) {
	for _, c := range falseDrifts() {
		t.Run(c.name, func(t *testing.T) {
			h := newHome(t, pvesim.Options{})
			h.write("manifests/a.hcl", c.manifest)
			if c.change != nil {
				h.sim.Update(c.change)
			}
			h.want(c.want, "plan")
			if !strings.Contains(h.out.String(), c.says) {
				t.Errorf("the plan does not say %q:\n%s", c.says, &h.out)
			}
			for _, s := range c.silent {
				if strings.Contains(h.out.String(), s) {
					t.Errorf("the plan says %q:\n%s", s, &h.out)
				}
			}
		})
	}
}

func guestIn(w *pvesim.World, vmid int) *pvesim.Guest {
	return w.Guests[slices.IndexFunc(w.Guests, func(g *pvesim.Guest) bool { return g.VMID == vmid })]
}

func setConfig(vmid int, kv ...string) func(*pvesim.World) {
	return func(w *pvesim.World) {
		g := guestIn(w, vmid)
		for i := 0; i < len(kv); i += 2 {
			g.Config[kv[i]] = kv[i+1]
		}
	}
}

func falseDrifts() []falseDrift {
	const media = "vm \"media\" {\n  vmid = 111\n"
	return []falseDrift{
		{
			name:     "node move (bpg 391, 2081)",
			manifest: media + "  memory = \"8GiB\"\n}\n",
			change:   func(w *pvesim.World) { guestIn(w, 111).Node = "node02" },
		},
		{
			name:     "dead node answers 595 (bpg 692)",
			manifest: media + "}\nvm \"dc01\" {\n  vmid = 120\n  memory = \"1GiB\"\n}\n",
			change:   func(w *pvesim.World) { w.Nodes[2].Online = false },
			want:     api.ExitIncomplete, says: "not compared: vm.dc01", silent: []string{"vm.dc01  home/120 on"},
		},
		{
			name:     "disk order (bpg 185, 2059, 2199)",
			manifest: media + "  disk \"virtio1\" {\n    size = \"5GiB\"\n  }\n  disk \"scsi0\" {\n    storage = \"VMDisks\"\n  }\n  disk \"scsi5\" {\n    size = \"4GiB\"\n  }\n}\n",
			change:   setConfig(111, "scsi5", "VMDisks:111/vm-111-disk-7.qcow2,size=4G", "virtio1", "VMDisks:111/vm-111-disk-8.qcow2,size=5G"),
		},
		{
			name:     "changed provider default (bpg 1205)",
			manifest: media + "  tablet = true\n  kvm = true\n  acpi = true\n  scsi_hardware = \"virtio-scsi-single\"\n}\n",
		},
		{
			name:     "cpu.units default (bpg 2353)",
			manifest: media + "  cpu_units = 100\n}\n",
		},
		{
			name:     "efi disk default replaces VM (Telmate 1530)",
			manifest: "vm \"win11-lab\" {\n  vmid = 121\n  efi_disk {\n    storage = \"local-lvm\"\n  }\n}\n",
		},
		{
			name:     "pending reverts resize (bpg 1909)",
			manifest: media + "  disk \"scsi0\" {\n    size = \"500GiB\"\n  }\n}\n",
			change: func(w *pvesim.World) {
				g := guestIn(w, 111)
				g.Pending = map[string]string{"scsi0": g.Config["scsi0"] + ",cache=writeback"}
			},
			want: api.ExitDiffers, says: "blocked: scsi0 has a change that waits for a restart",
		},
		{
			name:     "disk deleted with VM (bpg 1763)",
			manifest: media + "}\n",
			change:   setConfig(111, "unused3", "VMDisks:111/vm-111-disk-9.qcow2"),
		},
		{
			name:     "detached, slot reused (bpg 2218)",
			manifest: media + "  disk \"scsi1\" {\n    size = \"6GiB\"\n  }\n}\n",
			change:   setConfig(111, "scsi1", "VMDisks:111/vm-111-disk-5.qcow2,size=6G", "unused0", "VMDisks:111/vm-111-disk-4.qcow2"),
		},
		{
			name:     "tag order and case (bpg 321)",
			manifest: media + "  tags = [\"Music\", \"film\", \"a\"]\n}\n",
			change:   setConfig(111, "tags", "a;film;music"),
		},
		{
			name:     "ssh key encoding (bpg 1443)",
			manifest: media + "  cloud_init {\n    ssh_keys = [\"ssh-ed25519 AAAA+b/c== me@home\", \"ssh-rsa BBBB you\"]\n  }\n}\n",
			change:   setConfig(111, "sshkeys", "ssh-rsa%20BBBB%20you%0Assh-ed25519%20AAAA%2Bb%2Fc%3D%3D%20me%40home%0A"),
		},
		{
			name:     "in-place change planned as replace (bpg 103, 2433)",
			manifest: media + "  cpu = \"host\"\n  bios = \"ovmf\"\n}\n",
			want:     api.ExitDiffers, says: "1 to update", silent: []string{"to create", "to delete", "destroy"},
		},
		{
			name:     "two resources adopt one vmid (Telmate 23)",
			manifest: media + "}\nvm \"other\" {\n  vmid = 111\n}\n",
			want:     api.ExitError,
		},
	}
}

// TestSecondDiskAllocated is the case of Telmate 284 and 600: each apply allocated
// the same disk again.
func TestSecondDiskAllocated(t *testing.T) {
	h := newHome(t, pvesim.Options{})
	h.write("manifests/a.hcl", "vm \"media\" {\n  vmid = 111\n  disk \"scsi1\" {\n    storage = \"VMDisks\"\n    size = \"5GiB\"\n  }\n}\n")
	before := len(h.sim.World().Volumes)
	h.want(api.ExitOK, "apply", "--yes")
	h.want(api.ExitOK, "plan")
	h.write("manifests/a.hcl", "vm \"media\" {\n  vmid = 111\n  disk \"scsi1\" {\n    storage = \"VMDisks\"\n    size = \"6GiB\"\n    backup = false\n  }\n}\n")
	h.want(api.ExitOK, "apply", "--yes")
	h.want(api.ExitOK, "plan")
	if after := len(h.sim.World().Volumes); after != before+1 {
		t.Errorf("there are %d volumes more, not 1", after-before)
	}
}

// TestMACRegenerated is the case of Telmate 88: a change of a network card without
// its MAC made a new card.
func TestMACRegenerated(t *testing.T) {
	h := newHome(t, pvesim.Options{})
	before := h.sim.World()
	mac, _, _ := strings.Cut(guestIn(&before, 111).Config["net0"], ",")
	lxcMAC := guestIn(&before, 205).Config["net0"]
	lxcMAC = lxcMAC[strings.Index(lxcMAC, "hwaddr="):][:len("hwaddr=XX:XX:XX:XX:XX:XX")]
	h.write("manifests/a.hcl", "vm \"media\" {\n  vmid = 111\n  network \"net0\" {\n    vlan = 20\n  }\n}\nlxc \"docker-media\" {\n  vmid = 205\n  network \"net0\" {\n    vlan = 20\n  }\n}\n")
	h.want(api.ExitOK, "apply", "--yes")
	after := h.sim.World()
	for vmid, want := range map[int]string{111: mac, 205: lxcMAC} {
		net := guestIn(&after, vmid).Config["net0"]
		if !strings.Contains(net, want) || !strings.Contains(net, "tag=20") {
			t.Errorf("net0 of %d is %s, which is not %s on VLAN 20", vmid, net, want)
		}
	}
}
