package proxmox

import (
	"context"
	"maps"
	"slices"
	"strings"

	"recon/inventory"

	"github.com/zclconf/go-cty/cty"
)

// keepVolume stands in a planned drive for the volume that the slot has when the
// call is made. It is used for clones, whose volumes do not exist yet.
const keepVolume = "(volume)"

// keepMAC stands in the same way for the MAC address that a clone's card has.
const keepMAC = "(mac)"

// Steps turns a change into calls. It makes none.
func (p *Provider) Steps(ctx context.Context, c inventory.Change) ([]inventory.Step, []inventory.Reason, error) {
	b := &stepBuilder{ctx: ctx, p: p, c: &c, v: p.view(), kind: c.Want.Kind(), vmid: inventory.VMID(c.Want.Identity), old: c.Have.Resource.Attrs}
	c.Blocked = nil
	switch c.Action {
	case inventory.ActionCreate:
		b.create()
	case inventory.ActionDelete:
		b.destroy()
	default:
		b.base = guestPath(c.Addr.Kind, c.Have.Volatile.Node, b.vmid)
		b.raw = maps.Clone(c.Have.Volatile.Raw)
		b.update(c.Fields)
		b.keep()
	}
	return b.steps, c.Blocked, nil
}

// A stepBuilder collects the steps of one change.
type stepBuilder struct {
	ctx   context.Context // of the look at what a change names
	p     *Provider
	c     *inventory.Change
	v     view
	kind  *inventory.Kind
	vmid  int
	base  string            // the guest's place in the API
	raw   map[string]string // configuration as the steps so far leave it
	fresh bool              // the guest is made by the steps before: nothing of it runs, and its volumes are not known
	made  bool              // everything goes into the call that makes the guest
	old   inventory.Attrs   // what the guest is before the change: its own values, or those of its origin
	notes []string          // for the person who decides, about the next step
	steps []inventory.Step
}

func (b *stepBuilder) add(s inventory.Step) {
	s.Notes, b.notes = append(s.Notes, b.notes...), nil
	b.steps = append(b.steps, s)
}

// update adds the steps that bring the fields to their wish, but for those that are
// refused.
func (b *stepBuilder) update(fields []inventory.FieldChange) {
	var wanted []inventory.FieldChange
	for _, f := range fields {
		if (b.fresh || f.Writes()) && f.Policy != "ignore" {
			wanted = append(wanted, f)
		}
	}
	kept := b.allowed(wanted)
	b.write(kept)
	b.power(kept, fields)
}

// allowed returns the fields that are not refused. A device that is new is made with
// all that is declared of it or not at all.
func (b *stepBuilder) allowed(fields []inventory.FieldChange) []inventory.FieldChange {
	var kept []inventory.FieldChange
	halves := map[inventory.Path]bool{}
	for _, f := range fields {
		if b.refused(&f) {
			_, block, slot := b.kind.Lookup(f.Path)
			if block != nil && !block.Flat && !b.hasKey(b.keyOf(block, slot)) {
				halves[f.Path.Parent()] = true
			}
			continue
		}
		kept = append(kept, f)
	}
	return slices.DeleteFunc(kept, func(f inventory.FieldChange) bool { return halves[f.Path.Parent()] })
}

// write adds the steps that set the fields: first what takes effect at once, then what
// needs a restart, then sizes and place.
func (b *stepBuilder) write(fields []inventory.FieldChange) {
	var live, restart, late []inventory.FieldChange
	for _, f := range fields {
		switch {
		case b.isLate(&f):
			late = append(late, f)
		case f.Impact >= inventory.ImpactRestart && !b.fresh:
			restart = append(restart, f)
		default:
			live = append(live, f)
		}
	}
	for _, group := range slices.Concat(b.apart(live), b.apart(restart)) {
		b.config(group)
	}
	for _, f := range late {
		moves := slices.ContainsFunc(late, func(o inventory.FieldChange) bool {
			return o.Attr.Wire == inventory.WireStorage && o.Path.Parent() == f.Path.Parent()
		})
		if f.Attr.Wire != inventory.WireFormat || !moves {
			b.volume(f)
		}
	}
	for _, call := range []inventory.Call{inventory.CallPool, inventory.CallMigrate} {
		if i := slices.IndexFunc(late, func(f inventory.FieldChange) bool { return f.Attr.Call == call }); i >= 0 {
			b.place(late[i])
		}
	}
}

// isLate reports a field that has a call of its own: place and power, and size and
// storage of a volume that exists.
func (b *stepBuilder) isLate(f *inventory.FieldChange) bool {
	if f.Attr.Call != inventory.NoCall {
		return true
	}
	_, block, slot := b.kind.Lookup(f.Path)
	own := f.Attr.Wire == inventory.WireSize || f.Attr.Wire == inventory.WireStorage || f.Attr.Wire == inventory.WireFormat
	return own && b.hasKey(b.keyOf(block, slot))
}

// refused blocks a field that no call could change.
func (b *stepBuilder) refused(f *inventory.FieldChange) bool {
	_, block, slot := b.kind.Lookup(f.Path)
	if b.isLate(f) && b.noVolume(f, block, slot) {
		return true
	}
	isNew := b.fresh || block != nil && !b.c.Have.Resource.Attrs.Has(f.Path.Parent())
	// All that Proxmox would say is said at once.
	if said := []bool{b.lacksPrivilege(f, block, slot), b.tooNew(f), b.rootOnly(f, block, slot)}; slices.Contains(said, true) {
		return true
	}
	switch {
	case b.takenByOther(block, slot) != "":
		b.block("slot_taken", "%s is %s there; recon never replaces one device by another, so detach it first", slot, b.takenByOther(block, slot))
	case f.Path == ciDrive && !b.fresh && inventory.IsNull(f.Live) && b.hasKey(inventory.Text(f.Desired)):
		b.block("slot_taken", "%s is in use there; name a free slot for the cloud-init drive", inventory.Text(f.Desired))
	case b.c.Addr.Kind == "lxc" && f.Attr.Wire == inventory.WireStorage && !isNew && b.c.Have.Running != nil:
		b.block("running", "%s: Proxmox moves a volume of a container only while it is stopped; stop it first", f.Path)
	case b.guarded(f, block):
		b.block("protection", "%s: Proxmox removes no drive while the guest has its protection flag; take it off first", f.Path.Parent())
	case b.incomplete(f, block, slot, isNew):
	case isNew && !b.hasKey(b.keyOf(block, slot)) && partial(f):
		b.block("size", "%s: Proxmox makes such a volume of whole %s, and %s is between two", f.Path, sizeText(f.Attr.Grain), f.Attr.Show(f.Desired))
	case b.noDevice(f):
	case b.namesNothing(f, block, slot):
	case b.wrongFormat(f, block, slot):
	case b.unreachable(f):
	case f.Attr.Frozen && !isNew && !(block != nil && block.Flat && inventory.IsNull(f.Live)):
		b.block("frozen", "%s cannot be changed once the guest exists: %s -> %s", f.Path, f.Attr.Show(f.Live), f.Attr.Show(f.Desired))
	case f.Attr.Wire == inventory.WireSize && !isNew && shrinks(f):
		b.block("shrink", "%s: Proxmox cannot shrink a volume, %s -> %s", f.Path, f.Attr.Show(f.Live), f.Attr.Show(f.Desired))
	case f.Attr.Wire == inventory.WireSize && !b.fresh && slices.Contains(b.c.Have.Volatile.Pending, b.keyOf(block, slot)):
		b.block("pending_drive", "%s has a change that waits for a restart, which would undo a resize; restart the guest first", b.keyOf(block, slot))
	case (f.Attr.Call == inventory.CallPower || f.Attr.Call == inventory.CallMigrate) && b.c.Have.Volatile.HA != "":
		b.block("ha_managed", "the HA manager decides where %s runs and whether it does (state %s)", b.c.Want.Identity, b.c.Have.Volatile.HA)
	case f.Attr.Call == inventory.CallPower && inventory.True(f.Desired) && b.c.Have.Volatile.Template:
		b.block("template", "%s is a template and cannot run", b.c.Want.Identity)
	default:
		return false
	}
	return true
}

// noVolume blocks the move or the growth of what is no volume of a storage.
func (b *stepBuilder) noVolume(f *inventory.FieldChange, block *inventory.Block, slot string) bool {
	if block == nil {
		return false
	}
	volume := inventory.Text(wired(b.old, block, slot, inventory.WireVolume))
	if !strings.HasPrefix(volume, "/") {
		return false
	}
	b.block("no_volume", "%s: %s is a path of the node; Proxmox moves and grows volumes of a storage only", f.Path, volume)
	return true
}

// guarded reports the removal of a drive that Proxmox's protection flag forbids
// (PVE/API2/Qemu.pm, update_vm_api; PVE/LXC/Config.pm, update_pct_config).
func (b *stepBuilder) guarded(f *inventory.FieldChange, block *inventory.Block) bool {
	if f.Attr.Wire != inventory.WireAbsent || b.fresh || !inventory.True(b.old["protection"]) {
		return false
	}
	return block.Wired(inventory.WireVolume) != nil || block.Wired(inventory.WireMedium) != nil
}

// incomplete blocks a new device that lacks a part without which Proxmox refuses it.
func (b *stepBuilder) incomplete(f *inventory.FieldChange, block *inventory.Block, slot string, isNew bool) bool {
	if !isNew || block == nil || b.hasKey(b.keyOf(block, slot)) {
		return false
	}
	for _, a := range block.Attrs {
		if a.Always && inventory.IsNull(b.c.Want.Attrs[block.Path(slot, a.Name)]) {
			b.block("incomplete", "%s cannot be made without %s; declare it", f.Path.Parent(), a.Name)
			return true
		}
	}
	return false
}

// noDevice blocks a list of slots that names one which is empty.
func (b *stepBuilder) noDevice(f *inventory.FieldChange) bool {
	if !f.Attr.Slots {
		return false
	}
	for _, slot := range inventory.Strings(f.Desired) {
		if !b.hasKey(slot) && !b.declares(slot) {
			b.block("no_device", "%s names %s, and the guest has no such device", f.Path, slot)
			return true
		}
	}
	return false
}

// declares reports whether the wish has a device in the slot.
func (b *stepBuilder) declares(slot string) bool {
	return slices.ContainsFunc(b.kind.Blocks, func(block *inventory.Block) bool {
		return block.Slots != nil && b.c.Want.Attrs.Has(inventory.Path(block.Name+"."+slot))
	}) || inventory.Text(b.c.Want.Attrs[ciDrive]) == slot
}

// takenByOther says what a disk slot holds when that is not what the block means: a
// CD drive where a disk is declared, a disk where a CD drive is.
func (b *stepBuilder) takenByOther(block *inventory.Block, slot string) string {
	if block == nil || block.Shares == "" || !b.hasKey(slot) {
		return ""
	}
	live := decode(b.kind, map[string]string{slot: b.raw[slot]})
	switch {
	case live.Has(ciDrive):
		return "the cloud-init drive"
	case live.Has(inventory.Path(block.Shares + "." + slot)):
		return map[string]string{"disk": "a disk", "cdrom": "a CD drive"}[block.Shares]
	}
	return ""
}

func (b *stepBuilder) keyOf(block *inventory.Block, slot string) string {
	if block != nil && slot == "" {
		return block.Key
	}
	return slot
}

func (b *stepBuilder) block(code, format string, args ...any) { b.c.Block(code, format, args...) }

// partial reports a size that Proxmox would round.
func partial(f *inventory.FieldChange) bool {
	n, ok := inventory.Int(f.Desired)
	return ok && f.Attr.Grain > 0 && n%f.Attr.Grain != 0
}

func shrinks(f *inventory.FieldChange) bool {
	want, ok1 := inventory.Int(f.Desired)
	have, ok2 := inventory.Int(f.Live)
	return ok1 && ok2 && want < have
}

// config adds one call that writes the fields into the configuration.
func (b *stepBuilder) config(fields []inventory.FieldChange) {
	if len(fields) == 0 {
		return
	}
	w := newConfigWriter(b)
	impact := inventory.ImpactLive
	for _, f := range fields {
		w.field(f)
		impact = max(impact, f.Impact)
	}
	if b.fresh {
		impact = inventory.ImpactLive
	}
	params, secrets := w.params()
	if len(params) == 0 {
		return
	}
	b.add(inventory.Step{
		Method: "PUT", Path: b.base + "/config", Params: params, Secrets: secrets, TakesDigest: !b.fresh, Repeatable: true, Apart: true, Impact: impact,
		Touches: w.touched(), Done: inventory.Probe{State: "present", Fields: probeFields(fields)}, Summary: "set " + names(fields),
	})
}

// probeFields says which configured values prove that a write happened. A secret
// cannot be read back.
func probeFields(fields []inventory.FieldChange) map[inventory.Path]inventory.Value {
	out := map[inventory.Path]inventory.Value{}
	for _, f := range fields {
		if !f.Attr.WriteOnly && !f.Attr.Document {
			out[f.Path] = inventory.Value{Value: f.Desired}
		}
	}
	return out
}

func names(fields []inventory.FieldChange) string {
	var out []string
	for _, f := range fields {
		out = append(out, string(f.Path))
	}
	return strings.Join(out, ", ")
}

func (b *stepBuilder) hasKey(key string) bool { _, ok := b.raw[key]; return ok }

// power adds start, stop, or the restart that lets written values take effect.
func (b *stepBuilder) power(kept, all []inventory.FieldChange) {
	i := slices.IndexFunc(kept, func(f inventory.FieldChange) bool { return f.Attr.Call == inventory.CallPower })
	if i >= 0 {
		call, word := "shutdown", "shut down"
		if inventory.True(kept[i].Desired) {
			call, word = "start", "start"
		}
		b.add(inventory.Step{
			Method: "POST", Path: b.base + "/status/" + call, Impact: kept[i].Impact, Repeatable: false,
			Done: inventory.Probe{State: "present", Fields: map[inventory.Path]inventory.Value{"running": {Value: kept[i].Desired}}}, Summary: word + " the guest",
		})
		return
	}
	if b.fresh || b.c.Have.Running == nil || b.c.Have.Volatile.HA != "" {
		return
	}
	var waiting []inventory.Path
	for _, f := range all {
		if f.Policy != "ignore" && (f.Verdict == inventory.VerdictPendingReboot || f.Writes() && f.Impact == inventory.ImpactRestart && b.isWritten(f.Path)) && !f.Attr.WriteOnly {
			waiting = append(waiting, f.Path)
		}
	}
	if len(waiting) == 0 && !slices.ContainsFunc(b.steps, func(s inventory.Step) bool { return s.Impact == inventory.ImpactRestart }) {
		return
	}
	b.add(inventory.Step{
		Method: "POST", Path: b.base + "/status/reboot", Impact: inventory.ImpactRestart, Restarts: true,
		Done: inventory.Probe{State: "present", Running: waiting}, Summary: "restart the guest",
	})
}

// isWritten reports whether one of the steps so far sets the field.
func (b *stepBuilder) isWritten(p inventory.Path) bool {
	return slices.ContainsFunc(b.steps, func(s inventory.Step) bool { _, ok := s.Done.Fields[p]; return ok })
}

// destroy adds the calls that remove the guest with its volumes.
func (b *stepBuilder) destroy() {
	base := guestPath(b.c.Addr.Kind, b.c.Have.Volatile.Node, b.vmid)
	for _, need := range []string{"VM.Allocate", "VM.PowerMgmt"} {
		if len(b.v.permissions) > 0 && !b.v.permissions.has("/vms/"+itoa(b.vmid), need) {
			b.block("no_permission", "the token lacks %s on /vms/%d", need, b.vmid)
			return
		}
	}
	if b.c.Have.Volatile.HA != "" {
		b.block("ha_managed", "%s is managed by HA; take it out there first", b.c.Want.Identity)
		return
	}
	if b.c.Have.Running != nil {
		b.add(inventory.Step{
			Method: "POST", Path: base + "/status/stop", Impact: inventory.ImpactDestroy,
			Done: inventory.Probe{State: "present", Fields: map[inventory.Path]inventory.Value{"running": {Value: cty.False}}}, Summary: "stop the guest",
		})
	}
	summary := "destroy the guest"
	if v := b.c.Have.Volatile.Volumes; len(v) > 0 {
		summary += " and its volumes: " + strings.Join(v, ", ")
	}
	b.add(inventory.Step{Method: "DELETE", Path: base, Params: map[string]string{}, Impact: inventory.ImpactDestroy, Done: inventory.Probe{State: "absent"}, Summary: summary})
}
