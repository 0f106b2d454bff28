package doctor

import (
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
