package proxmox

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"recon/inventory"
)

// Survey asks for what the cluster has beside its guests: its storages, its backup jobs
// and what the HA manager looks after. That is one call each.
func (p *Provider) Survey(ctx context.Context) inventory.Surroundings {
	var storages []struct {
		Name     string `json:"storage"`
		Type     string `json:"type"`
		Server   string `json:"server"`
		Shared   scalar `json:"shared"`
		Disabled scalar `json:"disable"`
	}
	var jobs []struct {
		ID      string `json:"id"`
		Enabled scalar `json:"enabled"`
		All     scalar `json:"all"`
		VMIDs   scalar `json:"vmid"` // one alone may come as a number
		Exclude scalar `json:"exclude"`
		Pool    string `json:"pool"`
		Node    string `json:"node"`
		Storage string `json:"storage"`
	}
	var managed []struct {
		SID   string `json:"sid"`
		State string `json:"state"`
	}
	errs := make([]error, 3)
	var wg sync.WaitGroup
	wg.Go(func() { errs[0] = p.client.get(ctx, "/storage", nil, &storages) })
	wg.Go(func() { errs[1] = p.client.get(ctx, "/cluster/backup", nil, &jobs) })
	wg.Go(func() { errs[2] = p.client.get(ctx, "/cluster/ha/resources", nil, &managed) })
	wg.Wait()
	var out inventory.Surroundings
	for _, s := range storages {
		if !s.Disabled.bool() {
			out.Storages = append(out.Storages, inventory.StorageConfig{
				Name: s.Name, Type: s.Type, Server: strings.ToLower(s.Server), Shared: s.Shared.bool() || sharedTypes[s.Type],
			})
		}
	}
	for _, j := range jobs {
		out.Backups = append(out.Backups, inventory.BackupJob{
			ID: j.ID, Enabled: j.Enabled == "" || j.Enabled.bool(), All: j.All.bool(), VMIDs: numbers(string(j.VMIDs)), Exclude: numbers(string(j.Exclude)),
			Pool: j.Pool, Node: j.Node, Storage: j.Storage,
		})
	}
	for _, m := range managed {
		if _, digits, ok := strings.Cut(m.SID, ":"); ok && len(numbers(digits)) == 1 {
			out.HA = append(out.HA, inventory.HAResource{VMID: numbers(digits)[0], State: m.State})
		}
	}
	for i, what := range []string{"storages", inventory.BackupJobs, "HA resources"} {
		if errs[i] != nil {
			out.Lost = append(out.Lost, inventory.Part{What: fmt.Sprintf("%s of %s", what, p.Name()), Why: errs[i].Error()})
		}
	}
	return out
}

// sharedTypes are the storages that are the same one on every node, whatever their
// configuration says (PVE/Storage/*Plugin.pm, "shared").
var sharedTypes = map[string]bool{
	"nfs": true, "cifs": true, "cephfs": true, "rbd": true, "iscsi": true, "iscsidirect": true, "glusterfs": true, "pbs": true, "zfs": true, "esxi": true,
}

// listed reads a list as Proxmox writes it: with commas, semicolons or blanks.
func listed(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(",; \x00", r) })
}

func numbers(s string) (out []int) {
	for _, w := range listed(s) {
		if n, err := strconv.Atoi(w); err == nil {
			out = append(out, n)
		}
	}
	return out
}
