package home

import (
	"slices"
	"strings"

	"recon/inventory"
	"recon/inventory/doctor"
)

// backups are what each surveyed cluster backs up of what runs.
func (w *World) backups(f *doctor.Facts) {
	for i := range w.around {
		jobs, unread := w.jobs(i)
		if unread != nil {
			f.Unread = append(f.Unread, *unread)
		}
		if jobs == nil {
			continue
		}
		b := doctor.Backups{Cluster: w.Snapshots[i].Provider, Jobs: jobs}
		for _, o := range w.guests(i) {
			if o.Volatile.Status == "running" {
				b.Running = append(b.Running, doctor.Running{Address: o.Resource.Addr.String(), VMID: inventory.VMID(o.Resource.Identity), Pool: poolOf(o), Node: o.Volatile.Node})
			}
		}
		f.Backups = append(f.Backups, b)
	}
}

// BackedUp are the enabled jobs that take each guest along, by its address. Of a guest whose
// cluster does not say there is no entry.
func (w *World) BackedUp() map[string][]string {
	out := map[string][]string{}
	for i := range w.around {
		jobs, _ := w.jobs(i)
		if jobs == nil {
			continue
		}
		for _, o := range w.guests(i) {
			names := []string{}
			for j := range jobs {
				if jobs[j].Enabled && jobs[j].Covers(inventory.VMID(o.Resource.Identity), poolOf(o), o.Volatile.Node) {
					names = append(names, jobs[j].ID)
				}
			}
			out[o.Resource.Addr.String()] = names
		}
	}
	return out
}

// jobs are the backup jobs of a surveyed cluster; nil where they, or who is in their pools,
// cannot be seen, and of what is no cluster.
func (w *World) jobs(i int) ([]inventory.BackupJob, *doctor.Unread) {
	snap := &w.Snapshots[i]
	if !strings.HasPrefix(snap.Provider, "proxmox.") || snap.Calls == 0 {
		return nil, nil
	}
	if why := w.around[i].LostOf(inventory.BackupJobs); why != "" {
		return nil, &doctor.Unread{File: "the backup jobs of " + snap.Provider, Why: why}
	}
	jobs := append([]inventory.BackupJob{}, w.around[i].Backups...)
	pooled := slices.ContainsFunc(snap.Observations, func(o inventory.Observation) bool { return poolOf(&o) != "" })
	if hidden := slices.IndexFunc(jobs, func(j inventory.BackupJob) bool { return j.Enabled && j.Pool != "" && !pooled }); hidden >= 0 {
		return nil, &doctor.Unread{File: "the guests in pool " + jobs[hidden].Pool, Why: "the job " + jobs[hidden].ID + " backs that pool up, and of no guest it is seen in which pool it is"}
	}
	return jobs, nil
}

// guests are those of a snapshot that are there, templates aside.
func (w *World) guests(i int) (out []*inventory.Observation) {
	for j := range w.Snapshots[i].Observations {
		if o := &w.Snapshots[i].Observations[j]; o.State == inventory.Present && inventory.IsGuest(o.Resource.Addr.Kind) && !o.Volatile.Template {
			out = append(out, o)
		}
	}
	return out
}

func poolOf(o *inventory.Observation) string { return inventory.Text(o.Resource.Attrs["pool"]) }
