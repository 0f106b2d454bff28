package proxmox

import (
	"slices"
	"strings"

	"recon/inventory"
)

// Impact lowers the table's worst case to what the change does to this guest as it
// is now: nothing of a stopped guest needs a restart, and a running VM takes at
// once what its hotplug setting allows (PVE/QemuServer.pm, vmconfig_hotplug_pending).
func (p *Provider) Impact(c *inventory.Change, f *inventory.FieldChange) inventory.Impact {
	running := c.Have.Running != nil
	switch {
	case c.Action == inventory.ActionDelete:
		return inventory.ImpactDestroy
	case f.Impact == inventory.ImpactRootOnly:
		return f.Impact
	case f.Verdict == inventory.VerdictPendingReboot:
		return inventory.ImpactRestart
	case f.Attr.Call == inventory.CallPower && inventory.True(f.Desired):
		return inventory.ImpactLive
	case f.Attr.Call == inventory.CallPower:
		return inventory.ImpactOutage
	case !running, reverts(c, f):
		return inventory.ImpactLive
	case f.Attr.Call == inventory.CallMigrate && c.Addr.Kind == "vm":
		return inventory.ImpactReload
	}
	return plugged(c, f)
}

// reverts reports a change back to the value in use: Proxmox drops the pending one, and
// nothing has to restart (PVE/QemuServer.pm, vmconfig_cleanup_pending).
func reverts(c *inventory.Change, f *inventory.FieldChange) bool {
	own := !f.Attr.Derived() || f.Attr.Wire == inventory.WireAbsent
	return f.Writes() && own && !inventory.IsNull(f.Running) && f.Attr.Same(f.Running, f.Desired) && len(c.Have.Volatile.Pending) > 0
}

// plugged is what a running guest makes of the change. A device that is new is plugged
// in as a whole.
func plugged(c *inventory.Change, f *inventory.FieldChange) inventory.Impact {
	have := c.Have.Resource.Attrs
	_, block, slot := c.Want.Kind().Lookup(f.Path)
	plug := f.Attr.Plug
	if block != nil && block.Plug != nil && f.Attr.Beside == "" && !have.Has(f.Path.Parent()) {
		plug = block.Plug
	}
	switch {
	case plug == nil:
		return f.Impact
	case plug.Word != "" && (!slices.Contains(hotplug(c), plug.Word) || fixed(block, slot)):
		return f.Impact
	case plug.When != nil && !plug.When(f.Live, f.Desired, have):
		return f.Impact
	}
	return plug.Impact
}

// fixed reports a slot whose bus takes nothing while the VM runs.
func fixed(b *inventory.Block, slot string) bool {
	return b != nil && slices.ContainsFunc(b.Slots, func(r inventory.SlotRange) bool {
		return r.Fixed && strings.HasPrefix(slot, r.Prefix)
	})
}

// hotplug returns the words of the VM's hotplug setting.
func hotplug(c *inventory.Change) []string {
	const name = "hotplug"
	v := c.Have.Resource.Attrs[name]
	if attr := c.Want.Kind().Attr(name); inventory.IsNull(v) && attr != nil {
		v = attr.Default
	}
	return inventory.Strings(v)
}
