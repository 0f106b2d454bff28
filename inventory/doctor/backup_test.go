package doctor

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"recon/inventory"
)

func TestBackupNotCovered(t *testing.T) {
	home := []Running{
		{Address: "vm.a", VMID: 101, Pool: "prod", Node: "n1"},
		{Address: "vm.b", VMID: 102, Pool: "prod/db", Node: "n2"},
		{Address: "lxc.c", VMID: 103, Node: "n2"},
	}
	on := func(j inventory.BackupJob) inventory.BackupJob {
		j.ID, j.Enabled = "nightly", true
		return j
	}
	tests := map[string]struct {
		jobs []inventory.BackupJob
		want []string
	}{
		"no job":             {nil, []string{"proxmox.home"}},
		"none enabled":       {[]inventory.BackupJob{{ID: "old", All: true}}, []string{"proxmox.home"}},
		"all":                {[]inventory.BackupJob{on(inventory.BackupJob{All: true})}, nil},
		"all but one":        {[]inventory.BackupJob{on(inventory.BackupJob{All: true, Exclude: []int{103}})}, []string{"lxc.c"}},
		"left out and named": {[]inventory.BackupJob{on(inventory.BackupJob{All: true, Exclude: []int{103}}), on(inventory.BackupJob{VMIDs: []int{103}})}, nil},
		"all of one node":    {[]inventory.BackupJob{on(inventory.BackupJob{All: true, Node: "n2"})}, []string{"vm.a"}},
		"a list":             {[]inventory.BackupJob{on(inventory.BackupJob{VMIDs: []int{101, 103}})}, []string{"vm.b"}},
		"a list on a node":   {[]inventory.BackupJob{on(inventory.BackupJob{VMIDs: []int{101, 102, 103}, Node: "n1"})}, []string{"vm.b", "lxc.c"}},
		"a pool, not below":  {[]inventory.BackupJob{on(inventory.BackupJob{Pool: "prod"})}, []string{"vm.b", "lxc.c"}},
		"a pool below":       {[]inventory.BackupJob{on(inventory.BackupJob{Pool: "prod/db"})}, []string{"vm.a", "lxc.c"}},
		"disabled beside":    {[]inventory.BackupJob{{ID: "old", All: true}, on(inventory.BackupJob{VMIDs: []int{101}})}, []string{"vm.b", "lxc.c"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, f := range backupNotCovered(&Facts{Backups: []Backups{{Cluster: "proxmox.home", Jobs: tt.jobs, Running: home}}}) {
				got = append(got, f.Address)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
	if got := backupNotCovered(&Facts{Backups: []Backups{{Cluster: "proxmox.home"}}}); got != nil {
		t.Errorf("where nothing runs it says %v", got)
	}
}

// TestBackupsOfManyHomes draws guests and jobs of every form, and holds what is found
// against what each guest would find if it looked for itself: 0 false and 0 missed.
func TestBackupsOfManyHomes(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 3))
		pools, nodes := []string{"", "prod", "prod/db", "lab"}, []string{"n1", "n2", "n3"}
		b := Backups{Cluster: "proxmox.home"}
		for id := range 3 + r.IntN(20) {
			b.Running = append(b.Running, Running{Address: fmt.Sprintf("vm.g%d", id), VMID: 100 + id, Pool: pools[r.IntN(4)], Node: nodes[r.IntN(3)]})
		}
		enabled := 0
		saved := map[string]bool{}
		for n := range r.IntN(5) {
			j := inventory.BackupJob{ID: fmt.Sprint("job", n), Enabled: r.IntN(4) > 0, Node: append(nodes, "", "", "")[r.IntN(6)]}
			var takes func(g Running) bool
			some := map[int]bool{}
			for range r.IntN(6) {
				some[100+r.IntN(25)] = true
			}
			switch r.IntN(3) {
			case 0:
				j.Pool = pools[1+r.IntN(3)]
				takes = func(g Running) bool { return g.Pool == j.Pool }
			case 1:
				j.VMIDs = append(slices.Collect(maps.Keys(some)), 999)
				takes = func(g Running) bool { return some[g.VMID] }
			default:
				j.All, j.Exclude = true, slices.Collect(maps.Keys(some))
				takes = func(g Running) bool { return !some[g.VMID] }
			}
			b.Jobs = append(b.Jobs, j)
			if !j.Enabled {
				continue
			}
			enabled++
			for _, g := range b.Running {
				if (j.Node == "" || j.Node == g.Node) && takes(g) {
					saved[g.Address] = true
				}
			}
		}
		want := []string{"proxmox.home"}
		if enabled > 0 {
			want = nil
			for _, g := range b.Running {
				if !saved[g.Address] {
					want = append(want, g.Address)
				}
			}
		}
		var got []string
		for _, f := range backupNotCovered(&Facts{Backups: []Backups{b}}) {
			got = append(got, f.Address)
		}
		if !slices.Equal(got, want) {
			t.Errorf("home %d: got %v, want %v of %+v", seed, got, want, b)
		}
	}
}
