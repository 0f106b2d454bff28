package doctor

import (
	"fmt"
	"slices"
	"strings"

	"recon/inventory"
)

// backupNotCovered finds running guests that no enabled job takes along. A cluster without
// any job is one finding: it is backed up by other means, or not at all.
func backupNotCovered(f *Facts) (out []inventory.Finding) {
	for i := range f.Backups {
		b := &f.Backups[i]
		jobs := slices.DeleteFunc(slices.Clone(b.Jobs), func(j inventory.BackupJob) bool { return !j.Enabled })
		switch {
		case len(b.Running) == 0:
		case len(jobs) == 0:
			out = append(out, inventory.Finding{
				Severity: "warning", Address: b.Cluster, Summary: fmt.Sprintf("%s has no enabled backup job, and %d guests run on it", b.Cluster, len(b.Running)),
				Evidence: []string{fmt.Sprintf("%d backup jobs, none of them enabled", len(b.Jobs))},
				Fix:      "make a job under Datacenter > Backup; if something else backs the home up, silence this rule",
			})
		default:
			out = append(out, uncovered(b, jobs)...)
		}
	}
	return out
}

func uncovered(b *Backups, jobs []inventory.BackupJob) (out []inventory.Finding) {
	var names []string
	for i := range jobs {
		names = append(names, jobs[i].ID)
	}
	for _, g := range b.Running {
		if slices.ContainsFunc(jobs, func(j inventory.BackupJob) bool { return j.Covers(g.VMID, g.Pool, g.Node) }) {
			continue
		}
		out = append(out, inventory.Finding{
			Severity: "warning", Address: g.Address, Summary: fmt.Sprintf("%s runs, and no enabled backup job takes it along", g.Address),
			Evidence: []string{"the enabled jobs of " + b.Cluster + ": " + strings.Join(names, ", ")},
			Fix:      "add it to a job under Datacenter > Backup; if it needs no backup, silence this rule for it",
		})
	}
	return out
}
