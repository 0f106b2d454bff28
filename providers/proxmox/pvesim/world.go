package pvesim

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
)

// World is everything the simulated cluster holds. It is plain JSON that a
// person can write by hand; New fills in what is left out (volumes of the
// guests' disks, the user root@pam, digests).
type World struct {
	// Version is the release that the world was saved with ("9.2");
	// Options.PVE wins over it.
	Version string `json:"version,omitempty"`
	// Cluster is the cluster's name; empty for a node that stands alone.
	Cluster string `json:"cluster,omitempty"`
	// NoQuorum makes /etc/pve read-only.
	NoQuorum bool `json:"no_quorum,omitempty"`
	// Unreported says that the nodes' statistics are not known yet, as in the
	// first seconds after a boot: lists then say "unknown".
	Unreported bool `json:"unreported,omitempty"`
	// Options is datacenter.cfg: key to raw value.
	Options  map[string]string `json:"options,omitempty"`
	Nodes    []*Node           `json:"nodes"`
	Storages []*Storage        `json:"storages,omitempty"`
	// Volumes are templates, ISO images, backups and disks. Disks that guests
	// name need not be listed.
	Volumes []*Volume `json:"volumes,omitempty"`
	Pools   []*Pool   `json:"pools,omitempty"`
	Users   []*User   `json:"users,omitempty"`
	Groups  []*Group  `json:"groups,omitempty"`
	// Roles are those beyond the built-in ones.
	Roles []*Role     `json:"roles,omitempty"`
	ACL   []*ACLEntry `json:"acl,omitempty"`
	// HA, HAGroups and HARules are resources.cfg, groups.cfg (8.x) and
	// rules.cfg (9.x).
	HA       []*HAResource `json:"ha,omitempty"`
	HAGroups []Record      `json:"ha_groups,omitempty"`
	HARules  []Record      `json:"ha_rules,omitempty"`
	// Realms are those beyond pam and pve; Backups are backup jobs and
	// Replication are replication jobs.
	Realms      []Record `json:"realms,omitempty"`
	Backups     []Record `json:"backups,omitempty"`
	Replication []Record `json:"replication,omitempty"`
	// Metrics are the servers that are told statistics.
	Metrics []Record `json:"metrics,omitempty"`
	// PCI holds the hardware mappings of type pci, USB and Dir the others.
	Mappings []*Mapping `json:"mappings,omitempty"`
	// Firewall holds the rules of the data center.
	Firewall *Firewall `json:"firewall,omitempty"`
	// SDN is the software-defined network as it is written, SDNApplied as it holds.
	SDN        *SDN     `json:"sdn,omitempty"`
	SDNApplied *SDN     `json:"sdn_applied,omitempty"`
	Guests     []*Guest `json:"guests,omitempty"`
}

// Record is one section of a section config file. Its key "id" is the
// section's name, in whatever property the API calls it.
type Record map[string]string

// Node is one Proxmox VE host.
type Node struct {
	Name    string `json:"name"`
	Address string `json:"address,omitempty"` // its IP address
	Online  bool   `json:"online"`
	CPUs    int    `json:"cpus,omitempty"`   // default 8
	Memory  int64  `json:"memory,omitempty"` // bytes, default 32 GiB
	// Networks are the interfaces beyond the default bridge vmbr0.
	Networks []Record          `json:"networks,omitempty"`
	DNS      map[string]string `json:"dns,omitempty"`
	Timezone string            `json:"timezone,omitempty"`
	Hosts    string            `json:"hosts,omitempty"` // its /etc/hosts
	Config   map[string]string `json:"config,omitempty"`
	Firewall *Firewall         `json:"firewall,omitempty"`
}

// Storage is one section of storage.cfg.
type Storage struct {
	ID      string            `json:"id"`
	Type    string            `json:"type"`
	Content []string          `json:"content,omitempty"`
	Shared  bool              `json:"shared,omitempty"`
	Nodes   []string          `json:"nodes,omitempty"` // empty: all
	Disable bool              `json:"disable,omitempty"`
	Size    int64             `json:"size,omitempty"` // bytes, default 250 GiB
	Props   map[string]string `json:"props,omitempty"`
	// Builtin is the storage local that exists without a storage.cfg.
	Builtin bool `json:"builtin,omitempty"`
}

// Volume is one file or logical volume of a storage.
type Volume struct {
	ID      string `json:"id"` // storage:name
	Content string `json:"content"`
	Format  string `json:"format,omitempty"`
	Size    int64  `json:"size"`
	VMID    int    `json:"vmid,omitempty"`
	// Node is where the volume lies; empty for a shared storage.
	Node      string `json:"node,omitempty"`
	CTime     int64  `json:"ctime,omitempty"`
	Parent    string `json:"parent,omitempty"` // base of a linked clone
	Notes     string `json:"notes,omitempty"`
	Protected bool   `json:"protected,omitempty"`
	// Backup is what a vzdump archive would restore.
	Backup map[string]string `json:"backup,omitempty"`
}

// Pool is a resource pool. Guests name their pool themselves.
type Pool struct {
	ID       string   `json:"id"`
	Comment  string   `json:"comment,omitempty"`
	Storages []string `json:"storages,omitempty"`
}

// User is a user and its tokens.
type User struct {
	ID       string   `json:"id"`                 // name@realm
	Password string   `json:"password,omitempty"` // plain: it guards nothing
	Disabled bool     `json:"disabled,omitempty"`
	Expire   int64    `json:"expire,omitempty"`
	Groups   []string `json:"groups,omitempty"`
	Props    Record   `json:"props,omitempty"` // comment, email, firstname, ...
	Tokens   []*Token `json:"tokens,omitempty"`
}

// Token is an API token of a user.
type Token struct {
	ID      string `json:"id"`
	Secret  string `json:"secret"`
	Privsep bool   `json:"privsep"`
	Comment string `json:"comment,omitempty"`
	Expire  int64  `json:"expire,omitempty"`
}

// Group is a group of users; users name their groups themselves.
type Group struct {
	ID      string `json:"id"`
	Comment string `json:"comment,omitempty"`
}

// Role is a named set of privileges.
type Role struct {
	ID    string   `json:"id"`
	Privs []string `json:"privs"`
}

// ACLEntry grants a role on a path.
type ACLEntry struct {
	Path      string `json:"path"`
	Role      string `json:"role"`
	Type      string `json:"type"` // user, group or token
	ID        string `json:"id"`
	Propagate bool   `json:"propagate"`
}

// HAResource is a guest that the HA manager owns.
type HAResource struct {
	SID   string `json:"sid"` // vm:100 or ct:100
	State string `json:"state,omitempty"`
	Props Record `json:"props,omitempty"`
}

// Mapping is a hardware mapping of the data center.
type Mapping struct {
	Type string   `json:"type"` // pci, usb or dir
	ID   string   `json:"id"`
	Map  []string `json:"map"`
	Note string   `json:"description,omitempty"`
}

// Firewall is one firewall config file.
type Firewall struct {
	Options map[string]string         `json:"options,omitempty"`
	Rules   []Record                  `json:"rules,omitempty"`
	Aliases []Record                  `json:"aliases,omitempty"`
	IPSets  map[string][]Record       `json:"ipsets,omitempty"`
	Groups  map[string]*SecurityGroup `json:"groups,omitempty"`

	SetComments map[string]string `json:"ipset_comments,omitempty"`
}

// SecurityGroup is a list of rules with a name.
type SecurityGroup struct {
	Comment string   `json:"comment,omitempty"`
	Rules   []Record `json:"rules,omitempty"`
}

// Guest is a virtual machine or a container.
type Guest struct {
	VMID int    `json:"vmid"`
	Kind string `json:"kind"` // qemu or lxc
	Node string `json:"node"`
	// Running and Paused are the power state.
	Running bool `json:"running"`
	Paused  bool `json:"paused,omitempty"`
	// Config has the keys and raw values of the .conf file's main section:
	// of a running guest, what it runs with. Lock and Template have fields of
	// their own.
	Config map[string]string `json:"config"`
	// Pending and Delete are the pending section; a "!" before a key of
	// Delete is a forced deletion.
	Pending   map[string]string `json:"pending,omitempty"`
	Delete    []string          `json:"delete,omitempty"`
	Snapshots []*Snapshot       `json:"snapshots,omitempty"`
	Parent    string            `json:"parent,omitempty"` // current snapshot
	Lock      string            `json:"lock,omitempty"`
	Template  bool              `json:"template,omitempty"`
	Pool      string            `json:"pool,omitempty"`
	// NoOS is a machine in which no operating system runs: it never lets go
	// of a hot-unplugged device and ignores a shutdown.
	NoOS bool `json:"no_os,omitempty"`
	// Addresses are what the guest agent (or lxc-info) reports, as CIDR; a VM
	// without any has no agent running.
	Addresses []string  `json:"addresses,omitempty"`
	Firewall  *Firewall `json:"firewall,omitempty"`
}

// Snapshot is a snapshot of a guest.
type Snapshot struct {
	Name        string            `json:"name"`
	Description string            `json:"description,omitempty"`
	Time        int64             `json:"time"`
	Parent      string            `json:"parent,omitempty"`
	VMState     bool              `json:"vmstate,omitempty"`
	Config      map[string]string `json:"config"`
}

// LoadWorld returns the world called "home" or "single", or the one in the
// JSON file of that path.
func LoadWorld(name string) (*World, error) {
	switch name {
	case "", "home":
		return Home(), nil
	case "single":
		return Single(), nil
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read world: %w", err)
	}
	return parseWorld(name, data)
}

func parseWorld(name string, data []byte) (*World, error) {
	w := &World{}
	dec := json.NewDecoder(strings.NewReader(string(data)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(w); err != nil {
		return nil, fmt.Errorf("parse world %s: %w", name, err)
	}
	if err := w.validate(); err != nil {
		return nil, fmt.Errorf("world %s: %w", name, err)
	}
	return w, nil
}

// validate refuses what the server could not work with.
func (w *World) validate() error {
	if len(w.Nodes) == 0 {
		return fmt.Errorf("no nodes")
	}
	if err := w.wholeLists(); err != nil {
		return err
	}
	nodes := map[string]bool{}
	for _, n := range w.Nodes {
		nodes[n.Name] = true
	}
	seen := map[int]bool{}
	for _, g := range w.Guests {
		switch {
		case g.VMID < 100:
			return fmt.Errorf("guest %d: vmid must be 100 or more", g.VMID)
		case seen[g.VMID]:
			return fmt.Errorf("guest %d: vmid used twice", g.VMID)
		case g.Kind != "qemu" && g.Kind != "lxc":
			return fmt.Errorf("guest %d: kind %q, want qemu or lxc", g.VMID, g.Kind)
		case !nodes[g.Node]:
			return fmt.Errorf("guest %d: no node %q", g.VMID, g.Node)
		}
		seen[g.VMID] = true
	}
	return nil
}

// wholeLists refuses null where an object belongs.
func (w *World) wholeLists() error {
	for name, hole := range map[string]bool{
		"nodes": slices.Contains(w.Nodes, nil), "storages": slices.Contains(w.Storages, nil), "volumes": slices.Contains(w.Volumes, nil),
		"pools": slices.Contains(w.Pools, nil), "users": slices.Contains(w.Users, nil), "groups": slices.Contains(w.Groups, nil),
		"roles": slices.Contains(w.Roles, nil), "acl": slices.Contains(w.ACL, nil), "ha": slices.Contains(w.HA, nil),
		"mappings": slices.Contains(w.Mappings, nil), "guests": slices.Contains(w.Guests, nil),
	} {
		if hole {
			return fmt.Errorf("%s: an entry is null", name)
		}
	}
	for _, u := range w.Users {
		if slices.Contains(u.Tokens, nil) {
			return fmt.Errorf("user %s: a token is null", u.ID)
		}
	}
	for _, g := range w.Guests {
		if slices.Contains(g.Snapshots, nil) {
			return fmt.Errorf("guest %d: a snapshot is null", g.VMID)
		}
	}
	for _, f := range w.firewalls() {
		if err := f.whole(); err != nil {
			return err
		}
	}
	for _, s := range []*SDN{w.SDN, w.SDNApplied} {
		if s != nil && slices.ContainsFunc(slices.Concat(s.Zones, s.Vnets, s.Subnets), func(r Record) bool { return r == nil }) {
			return errors.New("sdn: an entry is null")
		}
	}
	return nil
}

// firewalls are all there are: of the data center, of nodes, of guests.
func (w *World) firewalls() (all []*Firewall) {
	all = append(all, w.Firewall)
	for _, n := range w.Nodes {
		all = append(all, n.Firewall)
	}
	for _, g := range w.Guests {
		all = append(all, g.Firewall)
	}
	return slices.DeleteFunc(all, func(f *Firewall) bool { return f == nil })
}

func (f *Firewall) whole() error {
	lists := [][]Record{f.Rules, f.Aliases}
	for _, set := range f.IPSets {
		lists = append(lists, set)
	}
	for _, g := range f.Groups {
		if g == nil {
			return errors.New("firewall: a group is null")
		}
		lists = append(lists, g.Rules)
	}
	for _, list := range lists {
		if slices.ContainsFunc(list, func(r Record) bool { return r == nil }) {
			return errors.New("firewall: an entry is null")
		}
	}
	return nil
}

// clone copies a world deeply, by way of its JSON: worlds are data.
func (w *World) clone() (*World, error) {
	data, err := json.Marshal(w)
	if err != nil {
		return nil, fmt.Errorf("copy world: %w", err)
	}
	c := &World{}
	if err := json.Unmarshal(data, c); err != nil {
		return nil, fmt.Errorf("copy world: %w", err)
	}
	return c, nil
}

// normalize brings a hand-written world into the form that the handlers
// expect.
func (w *World) normalize() {
	if w.Options == nil {
		w.Options = map[string]string{}
	}
	for _, n := range w.Nodes {
		if n.CPUs == 0 {
			n.CPUs = 8
		}
		if n.Memory == 0 {
			n.Memory = 32 << 30
		}
	}
	if w.user("root@pam") == nil {
		w.Users = append(w.Users, &User{ID: "root@pam", Password: "recon-sim"})
	}
	for _, st := range w.Storages {
		if st.Size == 0 {
			st.Size = 250 << 30
		}
	}
	for _, g := range w.Guests {
		g.normalize()
		w.ensureVolumes(g)
	}
}

func (g *Guest) normalize() {
	if g.Config == nil {
		g.Config = map[string]string{}
	}
	if g.Pending == nil {
		g.Pending = map[string]string{}
	}
	if v, ok := g.Config["lock"]; ok {
		g.Lock = v
		delete(g.Config, "lock")
	}
	if v, ok := g.Config["template"]; ok {
		g.Template = v == "1"
		delete(g.Config, "template")
	}
}

// ensureVolumes lists the guest's disks among the volumes.
func (w *World) ensureVolumes(g *Guest) {
	configs := []map[string]string{g.Config, g.Pending}
	for _, sn := range g.Snapshots {
		configs = append(configs, sn.Config)
	}
	for _, conf := range configs {
		for key, val := range conf {
			vol, opts := diskParts(g.Kind, key, val)
			if vol == "" || w.volume(vol) != nil {
				continue
			}
			v := &Volume{ID: vol, Content: volumeContent(vol, g.Kind), VMID: g.VMID, Node: g.Node, Format: volumeFormat(vol), CTime: 1767225600}
			v.Size = sizeOr(opts["size"], 4<<20)
			if v.Content == "iso" || v.Content == "vztmpl" {
				v.VMID = 0
			}
			if st := w.storage(v.storage()); st != nil && st.Shared {
				v.Node = ""
			}
			w.Volumes = append(w.Volumes, v)
		}
	}
}
