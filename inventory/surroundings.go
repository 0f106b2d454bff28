package inventory

import (
	"slices"
	"strings"
)

// Surroundings are what a cluster has beside its guests, and what is compared with
// nothing: where volumes lie, what is backed up, what the HA manager looks after.
type Surroundings struct {
	Storages []StorageConfig
	Backups  []BackupJob
	HA       []HAResource
	Lost     []Part // what could not be asked
}

// A Part is something that could not be asked or read, and why.
type Part struct{ What, Why string }

// BackupJobs is what a Part calls the backup jobs of a cluster.
const BackupJobs = "backup jobs"

// LostOf is why something could not be asked; "" when it could.
func (s *Surroundings) LostOf(what string) string {
	for _, p := range s.Lost {
		if p.What == what || strings.HasPrefix(p.What, what+" of ") {
			return p.Why
		}
	}
	return ""
}

// A StorageConfig is what the cluster's configuration says of a storage, and no look at
// a node does.
type StorageConfig struct {
	Name   string
	Type   string
	Server string // of one that lies on another machine; "" otherwise
	Shared bool   // it is the same one on every node
}

// A BackupJob is a scheduled vzdump job.
type BackupJob struct {
	ID      string
	Enabled bool
	All     bool
	VMIDs   []int
	Exclude []int // from all
	Pool    string
	Node    string // on which the job runs; "" is every one
	Storage string
}

// Covers reports whether the job takes a guest along: by a list, by its pool, or as one
// of all but some, and then only on its node (PVE/VZDump.pm, get_included_guests). A pool
// below its pool is another one (PVE/API2Tools.pm, get_resource_pool_guest_members).
func (j *BackupJob) Covers(vmid int, pool, node string) bool {
	if j.Node != "" && j.Node != node {
		return false
	}
	switch {
	case j.Pool != "":
		return j.Pool == pool
	case len(j.VMIDs) > 0:
		return slices.Contains(j.VMIDs, vmid)
	}
	return j.All && !slices.Contains(j.Exclude, vmid)
}

// An HAResource is a guest that the HA manager looks after.
type HAResource struct {
	VMID  int
	State string // started, stopped, disabled, ignored
}
