package proxmox

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"recon/inventory"

	"github.com/zclconf/go-cty/cty"
)

// create adds the calls that make a guest which does not exist.
func (b *stepBuilder) create() {
	how := b.c.Want.Policy.Create
	if how == nil {
		how = &inventory.Create{}
	}
	if len(b.v.permissions) > 0 && !b.may("/vms/"+itoa(b.vmid), []string{"VM.Allocate"}) {
		b.block("no_permission", "the token lacks VM.Allocate on /vms/%d, which making a guest needs", b.vmid)
		return
	}
	switch {
	case !b.v.quorate:
		reason := b.v.noQuorum()
		b.block(reason.Code, "%s", reason.Detail)
	case how.Clone != "":
		b.clone(how)
	case b.c.Addr.Kind == "lxc" && how.Template == "":
		b.block("no_template", "%s does not exist and has no create block that names a template or a guest to clone", b.c.Addr)
	default:
		b.fromScratch(how)
	}
	if len(b.c.Blocked) == 0 && (how.Start || inventory.True(b.c.Want.Attrs["running"])) {
		b.add(inventory.Step{
			Method: "POST", Path: b.base + "/status/start", Impact: inventory.ImpactLive,
			Done: inventory.Probe{State: "present", Fields: map[inventory.Path]inventory.Value{"running": {Value: cty.True}}}, Summary: "start the guest",
		})
	}
}

// nodeFor decides on which node a guest is made: the declared one, or the one that
// the create block names.
func (b *stepBuilder) nodeFor(how *inventory.Create) string {
	if n := b.c.Want.Node(); n != "" {
		return n
	}
	if how.Node == "" && len(b.v.nodes) == 1 {
		for only := range b.v.nodes {
			return only
		}
	}
	return how.Node
}

// fromScratch makes the guest with everything that is declared, in one call.
func (b *stepBuilder) fromScratch(how *inventory.Create) {
	node := b.nodeFor(how)
	if node != "" && b.noNode("node", node) {
		return
	}
	if online, known := b.v.nodes[node]; node == "" || !known || !online {
		b.block("no_node", "it is not said on which node %s is to be made: write node = \"...\" in its create block (nodes: %s)", b.c.Addr, strings.Join(slices.Sorted(maps.Keys(b.v.nodes)), ", "))
		return
	}
	b.fresh, b.made, b.raw = true, true, map[string]string{}
	b.base = guestPath(b.c.Addr.Kind, node, b.vmid)
	if b.unmakeable(how) {
		return
	}
	var fields []inventory.FieldChange
	for _, f := range b.c.Fields {
		if f.Attr.Call == inventory.NoCall {
			fields = append(fields, f)
		}
	}
	fields = b.allowed(fields)
	if slices.ContainsFunc(b.c.Blocked, func(r inventory.Reason) bool { return r.Code != "root_only" }) {
		return // half a guest is worse than none; what no token can ever set is left to root@pam
	}
	w := newConfigWriter(b)
	for _, f := range fields {
		w.field(f)
	}
	params, secrets := w.params()
	params["vmid"] = itoa(b.vmid)
	if pool := inventory.Text(b.c.Want.Attrs["pool"]); pool != "" {
		params["pool"] = pool
	}
	if b.c.Addr.Kind == "lxc" {
		secrets = b.containerParams(how, params, secrets)
	}
	b.add(inventory.Step{
		Method: "POST", Path: "/nodes/" + node + "/" + apiType(b.c.Addr.Kind), Params: params, Secrets: secrets, Makes: true, Impact: inventory.ImpactLive,
		Done: inventory.Probe{State: "present", Fields: probeFields(fields)}, Summary: fmt.Sprintf("make %s on %s", b.c.Want.Identity, node),
	})
}

// unmakeable blocks what no single field is the reason for: the pool, the template and
// the storage of the create block, and a right that making alone takes.
func (b *stepBuilder) unmakeable(how *inventory.Create) bool {
	before := len(b.c.Blocked)
	if f := b.c.Field("pool"); f != nil {
		b.namesNothing(f, nil, "")
	}
	if how.Template != "" {
		b.noFile("create.template", how.Template, "vztmpl")
		b.mayUse("/storage/"+beforeColon(how.Template), "the template", "Datastore.AllocateSpace", "Datastore.Audit")
	}
	if how.Storage != "" {
		b.noStorage("create.storage", how.Storage, "rootdir", 0)
		b.mayUse("/storage/"+how.Storage, "create.storage", "Datastore.AllocateSpace")
	}
	unprivileged := b.c.Want.Attrs["unprivileged"]
	if b.c.Addr.Kind == "lxc" && !inventory.IsNull(unprivileged) && unprivileged.False() && !olderThan(b.v.version, "9.0") {
		b.mayUse("/", "a privileged container", "Sys.Modify")
	}
	return len(b.c.Blocked) > before
}

func beforeColon(volume string) string { before, _, _ := strings.Cut(volume, ":"); return before }

// mayUse blocks what the token has no right to use.
func (b *stepBuilder) mayUse(path, what string, privileges ...string) {
	if len(b.v.permissions) > 0 && !b.may(path, privileges) {
		b.block("no_permission", "the token lacks %s on %s, which %s needs", strings.Join(privileges, " or "), path, what)
	}
}

func (b *stepBuilder) containerParams(how *inventory.Create, params map[string]string, secrets map[string]inventory.Path) map[string]inventory.Path {
	params["ostemplate"] = how.Template
	if how.Storage != "" && params["rootfs"] == "" {
		params["storage"] = how.Storage
	}
	if len(how.SSHKeys) > 0 {
		params["ssh-public-keys"] = strings.Join(how.SSHKeys, "\n")
	}
	if !inventory.IsNull(how.Password) {
		params["password"] = "(secret)"
		if secrets == nil {
			secrets = map[string]inventory.Path{}
		}
		secrets["password"] = "create.password"
	}
	return secrets
}

// clone makes the guest from another one and then gives it what is declared. The
// configuration of a clone is that of its origin, with cards and volumes of its
// own.
func (b *stepBuilder) clone(how *inventory.Create) {
	src := b.origin(how.Clone)
	if src == nil {
		b.block("no_template", "there is no guest %q of kind %s to clone", how.Clone, b.c.Addr.Kind)
		return
	}
	if src.Volatile.Template && !how.Full && how.Storage != "" {
		b.block("linked_clone", "a linked clone stays on its template's storage; write full = true, or leave storage out of the create block")
		return
	}
	how = b.cloneTo(src, how)
	srcID := inventory.VMID(src.Resource.Identity)
	b.old = src.Resource.Attrs
	b.mayUse("/vms/"+itoa(srcID), "the clone", "VM.Clone")
	b.mayNotClone(src, how)
	b.cannotClone(src, how)
	if len(b.c.Blocked) > 0 {
		return
	}
	params := map[string]string{"newid": itoa(b.vmid)}
	nameKey := map[string]string{"vm": "name", "lxc": "hostname"}[b.c.Addr.Kind]
	params[nameKey] = b.c.Want.Name()
	node := src.Volatile.Node
	if target := b.nodeFor(how); target != "" && target != node {
		params["target"], node = target, target
	}
	if how.Full {
		params["full"] = "1"
	}
	if how.Storage != "" {
		params["storage"] = how.Storage
	}
	if pool := inventory.Text(b.c.Want.Attrs["pool"]); pool != "" {
		params["pool"] = pool
	}
	b.add(inventory.Step{
		Method: "POST", Path: guestPath(b.c.Addr.Kind, src.Volatile.Node, srcID) + "/clone", Params: params, Makes: true, Impact: inventory.ImpactLive,
		Done: inventory.Probe{State: "present"}, Summary: fmt.Sprintf("clone %s into %s", src.Resource.Addr, b.c.Want.Identity),
	})
	b.fresh, b.raw, b.base = true, maps.Clone(src.Volatile.Raw), guestPath(b.c.Addr.Kind, node, b.vmid)
	b.update(b.beyond(src, how))
}

// cloneTo puts a full clone at once on the storage that all declared volumes name, where
// the create block names none: nothing has to be moved afterwards.
func (b *stepBuilder) cloneTo(src *inventory.Observation, how *inventory.Create) *inventory.Create {
	if how.Storage != "" || src.Volatile.Template && !how.Full {
		return how
	}
	storage := ""
	for _, f := range b.c.Fields {
		_, block, _ := b.kind.Lookup(f.Path)
		if block == nil || f.Attr.Wire != inventory.WireStorage || !src.Resource.Attrs.Has(f.Path.Parent()) {
			continue
		}
		name := inventory.Text(f.Desired)
		if storage != "" && name != storage {
			return how
		}
		storage = name
	}
	if storage == "" || b.allOn(src, storage) {
		return how
	}
	there := *how
	there.Storage = storage
	return &there
}

// allOn reports whether every volume of a guest is on the storage already.
func (b *stepBuilder) allOn(src *inventory.Observation, storage string) bool {
	return !b.anyVolume(src, func(name string) bool { return name != storage })
}

// anyVolume reports whether the storage of one of the guest's volumes is such a one.
func (b *stepBuilder) anyVolume(src *inventory.Observation, is func(storage string) bool) bool {
	for p, v := range src.Resource.Attrs {
		if a, _, _ := b.kind.Lookup(p); a != nil && a.Wire == inventory.WireStorage && is(inventory.Text(v)) {
			return true
		}
	}
	return false
}

// mayNotClone blocks what a clone asks beside VM.Clone: room where its volumes go, the
// mappings of its devices, its bridges, and none of the node's own devices
// (PVE/API2/Qemu.pm, clone_vm).
func (b *stepBuilder) mayNotClone(src *inventory.Observation, how *inventory.Create) {
	if how.Storage != "" {
		b.noStorage("the clone", how.Storage, map[string]string{"vm": "images", "lxc": "rootdir"}[b.c.Addr.Kind], 0)
	}
	b.anyVolume(src, func(name string) bool {
		b.mayUse("/storage/"+cmp.Or(how.Storage, name), "the clone", "Datastore.AllocateSpace")
		return false
	})
	if name := inventory.Text(src.Resource.Attrs["vm_state_storage"]); name != "" {
		b.mayUse("/storage/"+name, "the clone", "Datastore.AllocateSpace")
	}
	for _, block := range b.kind.Blocks {
		slots := []string{""}
		if block.Labelled() {
			slots = src.Resource.Attrs.Slots(block.Name)
		}
		for _, slot := range slots {
			for _, n := range block.Needs {
				if !n.Old {
					continue // of a change, not of what is there
				}
				for _, q := range b.questions(n, block, slot, b.was) {
					b.mayUse(q.path, cmp.Or(slot, block.Name)+" of "+src.Resource.Addr.String(), q.any...)
				}
			}
			for _, a := range block.Attrs {
				v := inventory.Text(b.was(block.Path(slot, a.Name)))
				if a.Not != "" && a.RootOnlyUnless != nil && v != "" && !a.RootOnlyUnless(v) {
					b.block("root_only", "%s of %s is a device of the node (%s), and a guest with such a one only root@pam can clone", slot, src.Resource.Addr, v)
				}
			}
		}
	}
}

// cannotClone blocks what Proxmox does for nobody: a copy of a container that runs, and one
// to another node of what only its own node reaches.
func (b *stepBuilder) cannotClone(src *inventory.Observation, how *inventory.Create) {
	container := b.c.Addr.Kind == "lxc"
	if container && src.Running != nil && (how.Full || !src.Volatile.Template) {
		b.block("running", "%s runs, and Proxmox copies a container only while it is stopped; stop it, or clone a template", src.Resource.Addr)
	}
	node := b.nodeFor(how)
	known, ok := b.v.around.stores(b.ctx, src.Volatile.Node)
	if node == "" || node == src.Volatile.Node || !ok {
		return
	}
	names := storagesOf(b.c.Addr.Kind, src.Volatile.Raw)
	if container && how.Storage != "" {
		names = []string{how.Storage}
	}
	for _, name := range names {
		if s, there := known[name]; there && s.Shared != "1" {
			b.block("local_storage", "%s has a volume on %s, which only %s reaches, so Proxmox does not clone it to %s; clone it there and migrate it", src.Resource.Addr, name, src.Volatile.Node, node)
		}
	}
}

// unreachable blocks the move of a VM to a node that lacks a storage of its volumes.
func (b *stepBuilder) unreachable(f *inventory.FieldChange) bool {
	if f.Attr.Call != inventory.CallMigrate || b.c.Addr.Kind != "vm" {
		return false
	}
	here, ok := b.v.around.stores(b.ctx, b.c.Have.Volatile.Node)
	there, ok2 := b.v.around.stores(b.ctx, inventory.Text(f.Desired))
	if !ok || !ok2 {
		return false
	}
	for _, name := range storagesOf("vm", b.c.Have.Volatile.Raw) {
		_, from := here[name]
		if _, to := there[name]; from && !to {
			b.block("no_storage", "%s: %s has a volume on %s, which %s does not have; move it to another storage first", f.Path, b.c.Want.Identity, name, inventory.Text(f.Desired))
			return true
		}
	}
	return false
}

// beyond returns the declared fields that a clone of src does not have by itself.
func (b *stepBuilder) beyond(src *inventory.Observation, how *inventory.Create) []inventory.FieldChange {
	var out []inventory.FieldChange
	for _, f := range b.c.Fields {
		f.Live = src.Resource.Attrs[f.Path]
		if f.Attr.Wire == inventory.WireStorage && how.Storage != "" {
			f.Live = cty.StringVal(how.Storage)
		}
		switch {
		case f.Attr.Call != inventory.NoCall || f.Path == "name":
		case f.Attr.Same(f.Desired, f.Live) && !f.Attr.WriteOnly:
		case f.Attr.Wire == inventory.WireSize && shrinks(&f):
			b.block("shrink", "%s: the origin of the clone has %s, and Proxmox cannot shrink a volume", f.Path, f.Attr.Show(f.Live))
		default:
			out = append(out, f)
		}
	}
	return out
}

// origin finds the guest to clone by name or vmid.
func (b *stepBuilder) origin(name string) *inventory.Observation {
	var found *inventory.Observation
	for _, o := range b.v.observed {
		if o.State != inventory.Present || o.Resource.Addr.Kind != b.c.Addr.Kind {
			continue
		}
		if o.Resource.Name() == name || itoa(inventory.VMID(o.Resource.Identity)) == name {
			if found == nil || inventory.VMID(o.Resource.Identity) < inventory.VMID(found.Resource.Identity) {
				found = o
			}
		}
	}
	return found
}
