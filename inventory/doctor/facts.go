// Package doctor finds what costs evenings: a container that calls localhost, two
// mounts between which no hard link works, a daemon.json with two writers.
//
// It is pure: facts about hosts and files go in, findings come out. Facts about
// hosts come from providers/docker, facts about files from providers/docker/compose.
// They hold no value of a container's environment: whoever gathers facts keeps
// only what a rule needs, such as "API_URL names localhost:5054".
//
// Each rule is one function, in the file of its subject, with a test that shows it
// firing and one that shows it silent. A rule that cannot be sure says nothing.
package doctor

import (
	"iter"
	"time"

	"recon/inventory"

	"recon/inventory/wiring"
)

// Facts are everything that the rules judge.
type Facts struct {
	Hosts    []Host
	Files    []File
	Unread   []Unread            // files that could not be read, or only in part
	Planned  []Planned           // mount points that files of the repository name
	Services []Service           // declared in manifests
	Guests   []Guest             // addresses of guests, for duplicates
	Backups  []Backups           // of each cluster whose jobs could be read
	Ways     []inventory.Finding // what is wrong between names and what answers, as package graph judges it
}

// Backups are what a cluster backs up, and what runs there.
type Backups struct {
	Cluster string // proxmox.home
	Jobs    []inventory.BackupJob
	Running []Running
}

// A Running guest is one of which a backup is expected.
type Running struct {
	Address string
	VMID    int
	Pool    string
	Node    string
}

// containers yields every container with its host.
func (f *Facts) containers() iter.Seq2[*Host, *Container] {
	return func(yield func(*Host, *Container) bool) {
		for i := range f.Hosts {
			h := &f.Hosts[i]
			for j := range h.Containers {
				if !yield(h, &h.Containers[j]) {
					return
				}
			}
		}
	}
}

// services yields every service of every compose file.
func (f *Facts) services() iter.Seq2[*File, *ComposeService] {
	return func(yield func(*File, *ComposeService) bool) {
		for i := range f.Files {
			for j := range f.Files[i].Services {
				if !yield(&f.Files[i], &f.Files[i].Services[j]) {
					return
				}
			}
		}
	}
}

// A Host is one machine with its containers, as one look found it.
type Host struct {
	Name        string // label of the host block
	Addresses   []string
	Guest       *Guest   // the guest that it is; nil when it is none
	Resolvers   []string // nameservers of its /etc/resolv.conf
	Stub        bool     // that file names a local stub (systemd-resolved) in place of servers
	WantDNS     []string // that docker_daemon declares; nil without an opinion
	DNSFile     []string // dns of daemon.json as it is
	Pending     []string // keys of daemon.json that are written and not in use, or may not be
	PendingWhy  string
	Refused     []string // why the daemon would not start with its daemon.json
	DaemonFile  string   // that file
	Daemon      string   // address of the docker_daemon block, "" without one
	RuncVersion string
	Listening   []Port // of the host's own network namespace
	Mounts      []Mount
	Declared    []string // mount points that /etc/fstab wants
	Networks    []string
	Containers  []Container
	HasDocker   bool

	Shares []wiring.Share // folders of other machines, by fstab
	Tried  []Tried        // what it was asked to try
	Told   *Told          // what its proxies and name servers are told; nil when their files were not read
}

// Told is what the files of a host's proxies and name servers say.
type Told struct {
	Traefik []wiring.Dynamic
	Static  *wiring.Static
	Routes  []wiring.Route // of other proxies
	Zones   []wiring.Zone
	Unread  []string // files that could not be read or understood, with the reason
}

// A Try is something that no table of a host says, and that it finds out by asking:
// whether a port or an address of its network answers, whether it knows a name, which
// certificate is served.
type Try struct {
	Kind    string // port, address, name, certificate
	Address string `json:",omitzero"`
	Port    int    `json:",omitzero"`
	Name    string `json:",omitzero"` // of a certificate: under which it is asked for, "" without one
	File    string `json:",omitzero"` // of a certificate: where the newest one lies on the host
}

// What a try comes to. Without an outcome it could not be tried.
const (
	Open    = "open"    // of a port
	Refused = "refused" // of a port
	Present = "present" // of an address or a name
	Absent  = "absent"  // of an address or a name
	Served  = "served"  // of a certificate
)

// A Tried is what came of a try.
type Tried struct {
	Try
	Outcome string
	Why     string       `json:",omitzero"` // there is no outcome
	Shown   *Certificate `json:",omitzero"` // that was served
	Filed   *Certificate `json:",omitzero"` // that lies in the file
}

// A Certificate is what one says of itself.
type Certificate struct {
	Print       string // SHA-256
	From, Until time.Time
	Names       []string
}

// A Port is one that something listens on.
type Port struct {
	Number int
	Proto  string // tcp or udp
	Local  bool   // on loopback only
}

// A Mount is a line of mountinfo(5).
type Mount struct {
	ID     int
	Point  string // mount point
	Root   string // path inside the file system
	Device string // major:minor
	Type   string // ext4, nfs4
}

// A Container is one container of a host.
type Container struct {
	Name        string
	Project     string // of compose, "" otherwise
	Service     string // of compose
	File        string // compose file on the host, as compose noted it
	Image       string
	State       string // running, exited, restarting, created
	Restarts    int
	Started     time.Time
	NetworkMode string // host, bridge, container:..., a network
	Networks    []string
	Resolvers   []string // that its resolver asks in the end
	OwnDNS      bool     // it was given DNS servers of its own
	Binds       []Bind
	Mounts      []Mount   // of its mount namespace, nil when it does not run
	Listening   []Port    // in its network namespace; nil when that was not seen
	Published   []Publish // ports of the host that lead into it
	Locals      []Local   // mentions of localhost
	Names       []string  // other containers that its settings name
	WantNetwork string    // that a label of it names: traefik.docker.network
	UID         int       // of its first process, or PUID; as the host numbers it
	HasUID      bool
	Users       *UserNamespace  // nil: it has the host's users
	Writable    map[string]bool // whether its user can write, by path inside; only declared ones
	Links       []Link          // hard links that were tried
	Conflict    string          // the engine's words when it could not start for a port

	Told    []string // names that its own hosts file has
	IPs     []string // on its networks
	Aliases []string // names under which its networks know it
	Exposed []int    // ports that its image or settings name
	Restart string   // restart policy: no, always, unless-stopped, on-failure
	Needs   []Need   // that compose noted in its labels
	Calls   []wiring.Call
	Traefik *wiring.Dynamic // what its labels tell a Traefik
	Static  *wiring.Static  // what it is started with, when it is one
}

// A UserNamespace says which users of the host those of a container are.
type UserNamespace struct{ UIDs, GIDs []IDRange }

// An IDRange is Count numbers from Inside, which the host knows as those from Outside.
type IDRange struct{ Inside, Outside, Count int }

// A Bind is a folder or file of the host in a container.
type Bind struct {
	Source, Target string
	Owner          string // 1000:1000, "" when it cannot be seen
	Mode           string // 0775
	Missing        bool   // there is no such file on the host
	ReadOnly       bool
	Stale          bool     // the container holds another mount than the host has there now
	Volume         string   // the named volume that it is; Source is where that lies, if it is known
	Path           string   // its name in the repository, when it is one of its files or folders
	Values         []string // where the values of its variables come from
	System         string   // the file system that is mounted here, when this is a mount below a bind
	Lost           bool     // it is a file of the repository, and there is none
	Elsewhere      string   // where there is one of that name
}

// A Local is a mention of localhost in a container's settings.
type Local struct {
	Where string // env API_URL, command, label traefik...
	Host  string // localhost, 127.0.0.1, ::1
	Port  int
	Bare  bool // the port stands elsewhere, or is the program's usual one
}

// A Link is an attempt to link a file from one folder to another in a container.
type Link struct {
	From, To string
	Errno    string // "" when it worked; EXDEV
}

// A Service is a service that a manifest declares.
type Service struct {
	Address   string // service.radarr
	Host      string
	Container string
	Paths     []WantPath
	Links     []Link
	Source    string // file:line
}

// A WantPath is a path block of a service.
type WantPath struct {
	Target, Source, Owner string
	Writable              bool
}

// A Guest is a machine with addresses.
type Guest struct {
	Address      string // lxc.docker-media
	Kind         string
	IPs          []string
	Nameservers  []string
	Features     []string
	Unprivileged bool
	Known        bool // features were observed
}
