package proxmox

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"recon/inventory"
	"recon/providers/proxmox/pvesim"
	"recon/reconcile"
)

// The guests of the matrix: a VM and a container with what tokens may have, and twins
// with what is root@pam's.
func matrixWorld() *pvesim.World {
	return &pvesim.World{
		Cluster: "lab", Nodes: []*pvesim.Node{{Name: "n1", Online: true, Networks: bridges()}, {Name: "n2", Online: true, Networks: bridges()}},
		Storages: []*pvesim.Storage{
			{ID: "local", Type: "dir", Content: []string{"iso", "vztmpl", "snippets"}, Size: 100 << 30},
			{ID: "disks", Type: "nfs", Shared: true, Content: []string{"images", "rootdir", "iso", "vztmpl"}, Size: 1 << 40},
			{ID: "thin", Type: "lvmthin", Shared: true, Content: []string{"images", "rootdir"}, Size: 1 << 40},
			{ID: "thick", Type: "lvm", Content: []string{"images"}, Size: 10 << 30},
			{ID: "more", Type: "nfs", Shared: true, Content: []string{"images", "rootdir"}, Size: 1 << 40},
		},
		Volumes:  []*pvesim.Volume{{ID: "disks:iso/a.iso", Content: "iso", Size: 1 << 20}, {ID: "disks:vztmpl/debian-13.tar.zst", Content: "vztmpl", Size: 1 << 20}, {ID: "local:iso/b.iso", Content: "iso", Size: 1 << 20, Node: "n1"}},
		Pools:    []*pvesim.Pool{{ID: "one"}, {ID: "two"}},
		Mappings: []*pvesim.Mapping{{Type: "usb", ID: "stick", Map: []string{"id=1:1,node=n1"}}, {Type: "pci", ID: "gpu", Map: []string{"id=1,node=n1"}}, {Type: "dir", ID: "share", Map: []string{"node=n1,path=/x"}}},
		Guests: []*pvesim.Guest{
			{VMID: 900, Kind: "qemu", Node: "n1", Config: map[string]string{
				"name": "free", "memory": "1024", "cores": "2", "vmstatestorage": "more", "scsi0": "disks:900/vm-900-disk-0.raw,size=8G", "ide2": "disks:iso/a.iso,media=cdrom,size=1M",
				"net0": "virtio=BC:24:11:00:00:01,bridge=vmbr0,tag=10", "net1": "virtio=BC:24:11:00:00:02,bridge=vmbr1", "usb0": "mapping=stick", "usb1": "spice",
				"hostpci0": "mapping=gpu", "serial0": "socket", "audio0": "device=AC97", "rng0": "/dev/urandom", "virtiofs0": "share", "watchdog": "i6300esb",
				"vga": "std", "startup": "order=1", "smbios1": "uuid=6ee7f26e-6b0d-4e02-b7a8-3a92b6f3a3a5", "ide0": "disks:900/vm-900-cloudinit.qcow2,media=cdrom",
			}},
			{VMID: 903, Kind: "qemu", Node: "n1", Config: map[string]string{
				"name": "raw", "memory": "1024", "scsi0": "/dev/disk/by-id/x,size=8G", "usb0": "host=1234:5678", "hostpci0": "0000:01:00.0", "hostpci1": "mapping=gpu,romfile=v.bin",
				"serial0": "/dev/ttyS0", "rng0": "/dev/hwrng", "amd-sev": "es", "spice_enhancements": "foldersharing=1", "smbios1": "uuid=6ee7f26e-6b0d-4e02-b7a8-3a92b6f3a3a6",
			}},
			{VMID: 901, Kind: "lxc", Node: "n1", Config: map[string]string{
				"hostname": "free", "memory": "512", "unprivileged": "1", "ostype": "debian", "arch": "amd64", "rootfs": "disks:901/vm-901-disk-0.raw,size=4G",
				"mp0": "disks:901/vm-901-disk-1.raw,mp=/data,size=2G", "net0": "name=eth0,bridge=vmbr0,hwaddr=BC:24:11:00:00:03,tag=20,type=veth", "startup": "order=1",
			}},
			{VMID: 902, Kind: "lxc", Node: "n1", Config: map[string]string{
				"hostname": "raw", "memory": "512", "ostype": "debian", "arch": "amd64", "rootfs": "disks:902/vm-902-disk-0.raw,size=4G", "features": "nesting=1",
				"mp0": "/srv,mp=/srv", "dev0": "/dev/dri/card0",
			}},
		},
	}
}

func bridges() []pvesim.Record {
	out := []pvesim.Record{}
	for _, name := range []string{"vmbr0", "vmbr1"} {
		out = append(out, pvesim.Record{"iface": name, "type": "bridge", "method": "manual", "bridge_ports": "eno1", "bridge_vlan_aware": "1", "active": "1"})
	}
	return append(out, pvesim.Record{"iface": "plain", "type": "bridge", "bridge_ports": "eno2"})
}

// matrixTokens are eight tokens, by what they may do.
func matrixTokens() map[string][]pvesim.ACLEntry {
	on := func(path, role string) pvesim.ACLEntry {
		return pvesim.ACLEntry{Path: path, Role: role, Propagate: true}
	}
	look := on("/", "PVEAuditor")
	return map[string][]pvesim.ACLEntry{
		"look":    {look},
		"vmadmin": {look, on("/vms", "PVEVMAdmin")},
		"vmuser":  {look, on("/vms", "PVEVMUser")},
		"change":  {on("/vms", "PVEVMAdmin"), on("/storage", "PVEDatastoreUser"), on("/sdn", "PVESDNUser"), on("/mapping", "PVEMappingUser"), on("/pool", "PVEPoolAdmin"), on("/nodes", "PVEAuditor")},
		"onevlan": {look, on("/vms", "PVEVMAdmin"), on("/sdn/zones/localnetwork/vmbr0/10", "PVESDNUser"), on("/storage/disks", "PVEDatastoreUser"), on("/mapping/usb/stick", "PVEMappingUser"), on("/pool/one", "PVEPoolAdmin")},
		"network": {look, on("/vms", "NetOnly"), on("/sdn", "PVESDNUser")},
		"admin":   {on("/", "Administrator")},
		"root":    nil, // a token of root@pam, which is not root@pam
	}
}

// TestMatrix: for every attribute, eight tokens and three releases, what the plan calls
// possible the simulator takes, and what it blocks for want of a right or of a newer
// release is refused there for that reason.
func TestMatrix(t *testing.T) {
	for _, release := range []string{"8.4", "9.1", "9.2"} {
		m := newMatrix(t, release)
		tried := map[string]int{}
		for _, name := range slices.Sorted(maps.Keys(matrixTokens())) {
			p := m.as(name)
			for _, c := range m.cases(p) {
				tried[m.judge(name, p, c)]++
			}
		}
		t.Logf("%s: %v", release, tried)
		if tried["taken"] < 500 || tried["no_permission"] < 200 || tried["root_only"] < 100 || release != "9.2" && release != "9.1" && tried["version"] < 4 {
			t.Errorf("%s: too few cases were judged: %v", release, tried)
		}
	}
}

type matrix struct {
	t        *testing.T
	sim      *pvesim.Server
	baseline []byte
	release  string
}

func newMatrix(t *testing.T, release string) *matrix {
	w := matrixWorld()
	w.Roles = []*pvesim.Role{{ID: "NetOnly", Privs: []string{"VM.Audit", "VM.Config.Network"}}}
	w.Users = []*pvesim.User{{ID: "root@pam", Tokens: []*pvesim.Token{{ID: "root", Secret: "s"}}}}
	tokens := matrixTokens()
	tokens["onlyguest"] = []pvesim.ACLEntry{{Path: "/vms", Role: "PVEVMAdmin", Propagate: true}}
	for name, acl := range tokens {
		if name == "root" {
			continue
		}
		user := name + "@pve"
		w.Users = append(w.Users, &pvesim.User{ID: user, Tokens: []*pvesim.Token{{ID: "tk", Secret: "s"}}})
		for _, a := range acl {
			a.Type, a.ID = "user", user
			w.ACL = append(w.ACL, &a)
		}
	}
	// What is wrong on purpose is not held against the official schema.
	sim, err := pvesim.New(pvesim.Options{World: w, PVE: release, StatCycle: -1, AuthDelay: -1, NodeDelay: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sim.Close() })
	now := sim.World()
	raw, err := json.Marshal(&now)
	if err != nil {
		t.Fatal(err)
	}
	return &matrix{t: t, sim: sim, baseline: raw, release: release}
}

func (m *matrix) as(name string) *Provider {
	token := name + "@pve!tk=s"
	if name == "root" {
		token = "root@pam!root=s"
	}
	p, err := New(Config{Name: "home", Endpoints: []string{m.sim.Endpoint()}, Token: token, Fingerprint: m.sim.Fingerprint()})
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(p.Close)
	return p
}

func (m *matrix) restore() {
	m.sim.Update(func(w *pvesim.World) {
		var old pvesim.World
		if err := json.Unmarshal(m.baseline, &old); err != nil {
			panic(err)
		}
		*w = old
	})
}

// A matrixCase is one change of one guest.
type matrixCase struct {
	name   string
	change inventory.Change
}

// cases makes, for each guest, a change of every attribute of its kind: of each device
// that it has, and of one that it gets.
func (m *matrix) cases(p *Provider) []matrixCase {
	m.restore()
	snap := read(m.t, p)
	var out []matrixCase
	for i := range snap.Observations {
		o := &snap.Observations[i]
		kind := o.Resource.Kind()
		for _, a := range kind.Attrs {
			out = m.add(out, o, snap, inventory.Path(a.Name), nil)
		}
		for _, b := range kind.Blocks {
			for _, slot := range matrixSlots(o, b) {
				for _, a := range b.Attrs {
					out = m.add(out, o, snap, b.Path(slot, a.Name), newDeviceAttrs(o, b, slot))
				}
			}
		}
	}
	return out
}

func matrixSlots(o *inventory.Observation, b *inventory.Block) []string {
	if !b.Labelled() {
		return []string{""}
	}
	slots := o.Resource.Attrs.Slots(b.Name)
	for n := 3; ; n++ {
		if slot := fmt.Sprintf("%s%d", b.Slots[0].Prefix, n); b.HasSlot(slot) && !slices.Contains(slots, slot) {
			return append(slots, slot)
		}
	}
}

// newDeviceAttrs is what a device cannot do without, nil when it is there.
func newDeviceAttrs(o *inventory.Observation, b *inventory.Block, slot string) inventory.Attrs {
	if o.Resource.Attrs.Has(inventory.Path(strings.TrimSuffix(b.Name+"."+slot, "."))) {
		return nil
	}
	need := map[string]string{
		"network": "bridge=vmbr1 name=eth7", "disk": "storage=disks size=1073741824", "mount": "storage=disks size=1073741824 path=/more", "cdrom": "file=local:iso/b.iso",
		"usb": "mapping=stick", "pci": "mapping=gpu", "serial": "device=socket", "virtiofs": "directory=share", "device": "path=/dev/fuse", "audio": "device=AC97",
		"rng": "source=/dev/urandom", "amd_sev": "type=std", "efi_disk": "storage=disks", "tpm": "storage=disks", "vga": "type=std",
	}
	out := inventory.Attrs{}
	for _, word := range strings.Fields(need[b.Name]) {
		name, text, _ := strings.Cut(word, "=")
		if a := b.Attr(name); a != nil {
			v, _ := decodeValue(&inventory.Attr{Type: a.Type}, text)
			out[b.Path(slot, name)] = v
		}
	}
	return out
}

// add makes the case of one path, if there is another value for it.
func (m *matrix) add(out []matrixCase, o *inventory.Observation, snap inventory.Snapshot, p inventory.Path, more inventory.Attrs) []matrixCase {
	a, _, _ := o.Resource.Kind().Lookup(p)
	if a.Computed || a.Document || a.Call == inventory.CallIdentity || a.Call == inventory.CallPower || a.WriteOnly {
		return out
	}
	if a.Call == inventory.CallMigrate && o.Resource.Name() == "raw" || a.Wire == inventory.WireAbsent && more != nil {
		return out // local devices do not migrate; what is not there cannot go
	}
	want := inventory.Resource{Addr: o.Resource.Addr, Identity: o.Resource.Identity, Provider: o.Resource.Provider, Attrs: maps.Clone(more)}
	if want.Attrs == nil {
		want.Attrs = inventory.Attrs{}
	}
	if inventory.IsNull(want.Attrs[p]) {
		want.Attrs[p] = anotherValue(a, p, o.Resource.Attrs[p])
	}
	want.Attrs["vmid"] = o.Resource.Attrs["vmid"]
	changes := reconcile.Diff(reconcile.Input{Desired: []inventory.Resource{want}, Snapshots: []inventory.Snapshot{snap}})
	if len(changes) == 0 || !slices.ContainsFunc(changes[0].Fields, func(f inventory.FieldChange) bool { return f.Path == p }) {
		return out
	}
	return append(out, matrixCase{fmt.Sprintf("%s %s.%s", m.release, want.Addr.Kind+" "+o.Resource.Name(), p), changes[0]})
}

// anotherValue is a value that Proxmox takes and that the guest does not have.
func anotherValue(a *inventory.Attr, p inventory.Path, live cty.Value) cty.Value {
	texts := map[string]string{
		"affinity": "0-1", "machine": "q35", "cpu": "host", "startdate": "2026-01-01", "keyboard": "de", "start_date": "2026-01-01", "vm_state_storage": "disks", "node": "n2", "pool": "one",
		"mac": "BC:24:11:00:00:99", "bridge": "vmbr1", "name": "other", "storage": "more", "address": "10.0.0.9/24", "gateway": "10.0.0.1", "address6": "fd00::9/64", "gateway6": "fd00::1",
		"file": "none", "device": "1234:5679", "mapping": "stick", "romfile": "b.bin", "mediated_device": "m1", "directory": "share", "path": "/other", "source": "/srv/b", "mode": "0600",
		"search_domain": "example.net", "serial": "abc", "custom": "user=local:snippets/u.yml", "user": "u", "timezone": "host", "entrypoint": "/sbin/init", "hookscript": "local:snippets/h.pl", "args": "-x", "drive": "ide3",
	}
	lists := map[string]cty.Value{
		"tags": inventory.StringSet("new"), "cpu_flags": inventory.StringSet("+aes"), "hotplug": inventory.StringSet("disk"), "boot_order": inventory.StringList("net0"), "features": inventory.StringSet("nesting", "fuse"),
		"trunks": inventory.StringList("30", "40"), "ssh_keys": inventory.StringList("ssh-ed25519 AAAA x"), "nameservers": inventory.StringList("10.0.0.53"), "mount_options": inventory.StringSet("noatime"),
	}
	switch {
	case p.In("pci") && a.Name == "mapping":
		return cty.StringVal("gpu")
	case p.In("pci") && a.Name == "device":
		return cty.StringVal("0000:02:00.0")
	case p.In("serial"), p.In("audio") && a.Name == "device":
		return cty.StringVal(map[bool]string{true: "/dev/ttyS1", false: "intel-hda"}[p.In("serial")])
	case p.In("cloud_init.storage"):
		return cty.StringVal("disks")
	case a.Type == cty.Bool:
		return cty.BoolVal(!inventory.True(live) && !(inventory.IsNull(live) && a.Default != cty.NilVal && a.Default.True()))
	case a.Unit == inventory.Bytes && a.Wire == inventory.WireSize:
		return inventory.Size(16 * inventory.GiB)
	case a.Unit == inventory.Bytes:
		return inventory.Size(max(a.Min, 256*inventory.MiB))
	case a.Type == cty.Number:
		return cty.NumberIntVal(max(a.Min, 3))
	case a.Enum != nil:
		i := slices.Index(a.Enum, inventory.Text(live))
		return cty.StringVal(a.Enum[(i+1)%len(a.Enum)])
	case a.Type == cty.String && texts[a.Name] == "":
		return cty.StringVal("x1")
	case a.Type == cty.String:
		return cty.StringVal(texts[a.Name])
	}
	return lists[a.Name]
}

// judge plans one case, does it whether it is blocked or not, and compares.
func (m *matrix) judge(token string, p *Provider, c matrixCase) string {
	ctx := context.Background()
	change := c.change
	if change.Want.Attrs.Has("cloud_init.drive") || change.Want.Attrs.Has("cloud_init.storage") {
		change.Want.Attrs["cloud_init.storage"], change.Want.Attrs["cloud_init.drive"] = cty.StringVal("disks"), cty.StringVal("ide3")
	}
	for i := range change.Fields {
		change.Fields[i].Impact = p.Impact(&change, &change.Fields[i])
	}
	_, blocked, err := p.Steps(ctx, change)
	if err != nil {
		m.t.Fatal(err)
	}
	code := "taken"
	for _, r := range blocked {
		if code = r.Code; !slices.Contains([]string{"no_permission", "root_only", "version"}, code) {
			return code
		}
	}
	b := &stepBuilder{ctx: ctx, p: p, c: &change, v: p.view(), kind: change.Want.Kind(), vmid: inventory.VMID(change.Want.Identity), old: change.Have.Resource.Attrs}
	b.base, b.raw = guestPath(change.Addr.Kind, change.Have.Volatile.Node, b.vmid), maps.Clone(change.Have.Volatile.Raw)
	b.write(change.Fields)
	var failed error
	for _, s := range b.steps {
		wordsFor(m.t, &s)
		if _, failed = p.Do(ctx, s, func(string) {}); failed != nil {
			break
		}
	}
	if len(b.steps) == 0 {
		return "nothing to try"
	}
	m.compare(token, c, blocked, failed)
	if len(b.steps) > 0 && failed == nil || len(b.steps) > 1 {
		m.restore()
	}
	return code
}

// compare holds the plan's reasons against what the simulator said, which tells the
// first that it comes upon.
func (m *matrix) compare(token string, c matrixCase, blocked []inventory.Reason, failed error) {
	said := fmt.Sprint(failed)
	switch {
	case len(blocked) == 0 && failed != nil:
		m.t.Errorf("%s %s: planned, and refused: %s", token, c.name, said)
	case len(blocked) > 0 && (failed == nil || !slices.ContainsFunc(blocked, func(r inventory.Reason) bool { return fits(r, said) })):
		m.t.Errorf("%s %s: blocked with %q, and the simulator says: %s", token, c.name, blocked, said)
	}
}

func fits(r inventory.Reason, said string) bool {
	switch r.Code {
	case "no_permission":
		words := strings.Fields(strings.ReplaceAll(r.Detail, ",", "")) // the token lacks A or B on PATH which ...
		return strings.Contains(said, "Permission check failed") && strings.Contains(said, words[3]) && strings.Contains(said, "("+words[slices.Index(words, "on")+1]+",")
	case "root_only":
		return strings.Contains(strings.ToLower(said), "only root") || strings.Contains(said, "only allowed for root@pam")
	}
	return strings.Contains(said, "property is not defined in schema") || strings.Contains(said, "invalid key in comma-separated list property")
}
