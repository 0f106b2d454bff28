package proxmox

import (
	"fmt"

	"recon/inventory"
)

// volume adds the call for a size or a storage of a volume that exists; those of
// new volumes are part of the configuration.
func (b *stepBuilder) volume(f inventory.FieldChange) {
	_, block, slot := b.kind.Lookup(f.Path)
	if block == nil || !b.hasKey(b.keyOf(block, slot)) {
		return
	}
	key := b.keyOf(block, slot)
	done := inventory.Probe{State: "present", Fields: map[inventory.Path]inventory.Value{f.Path: {Value: f.Desired}}}
	if f.Attr.Wire == inventory.WireSize {
		b.add(inventory.Step{
			Method: "PUT", Path: b.base + "/resize", Params: map[string]string{"disk": key, "size": encode(f.Attr, f.Desired)}, TakesDigest: !b.fresh, Repeatable: true,
			Apart: true, Impact: f.Impact, Touches: []string{key}, Done: done, Summary: fmt.Sprintf("grow %s to %s", key, f.Attr.Show(f.Desired)),
		})
		return
	}
	b.moveVolume(f, block, slot, done)
}

// moveVolume adds the copy of a volume to another storage or into another format. Of a
// clone that was just made nobody needs the old one.
func (b *stepBuilder) moveVolume(f inventory.FieldChange, block *inventory.Block, slot string, done inventory.Probe) {
	key := b.keyOf(block, slot)
	call, param := "/move_disk", "disk"
	if b.c.Addr.Kind == "lxc" {
		call, param = "/move_volume", "volume"
	}
	storage := inventory.Text(b.wish(block.Path(slot, block.Wired(inventory.WireStorage).Name)))
	params := map[string]string{param: key, "storage": storage}
	what := "move " + key + " to storage " + storage
	if format := wired(b.c.Want.Attrs, block, slot, inventory.WireFormat); !inventory.IsNull(format) {
		params["format"] = inventory.Text(format)
		what += " as " + params["format"]
		done.Fields[block.Path(slot, block.Wired(inventory.WireFormat).Name)] = inventory.Value{Value: format}
	}
	if b.fresh {
		params["delete"] = "1"
	} else {
		what += "; the old volume stays as unusedN"
	}
	b.add(inventory.Step{Method: "POST", Path: b.base + call, Params: params, TakesDigest: !b.fresh, Apart: true, Impact: f.Impact, Touches: []string{key}, Done: done, Summary: what})
}

// place adds the call that moves the guest into a pool or to a node.
func (b *stepBuilder) place(f inventory.FieldChange) {
	done := inventory.Probe{State: "present", Fields: map[inventory.Path]inventory.Value{f.Path: {Value: f.Desired}}}
	to, from := inventory.Text(f.Desired), inventory.Text(f.Live)
	if f.Attr.Call == inventory.CallMigrate {
		params := map[string]string{"target": to}
		running := b.c.Have.Running != nil
		switch {
		case running && b.c.Addr.Kind == "vm":
			params["online"], params["with-local-disks"] = "1", "1"
		case running:
			params["restart"] = "1"
		}
		b.add(inventory.Step{Method: "POST", Path: b.base + "/migrate", Params: params, Impact: f.Impact, Done: done, Summary: fmt.Sprintf("migrate from %s to %s", from, to)})
		b.base = guestPath(b.c.Addr.Kind, to, b.vmid)
		return
	}
	s := inventory.Step{Method: "PUT", Path: "/pools/" + to, Params: map[string]string{"vms": itoa(b.vmid)}, Repeatable: true, Apart: true, Impact: f.Impact, Done: done, Summary: "move into pool " + to}
	switch {
	case to == "":
		s.Path, s.Params["delete"], s.Summary = "/pools/"+from, "1", "take out of pool "+from
	case from != "":
		s.Params["allow-move"] = "1"
	}
	b.add(s)
}
