package proxmox

import (
	"strings"

	"recon/inventory"

	"github.com/zclconf/go-cty/cty"
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
	case f.Path == "running" && inventory.True(f.Desired):
		return inventory.ImpactLive
	case f.Path == "running":
		return inventory.ImpactOutage
	case !running:
		return inventory.ImpactLive
	case f.Path == "node" && c.Addr.Kind == "vm":
		return inventory.ImpactReload
	case c.Addr.Kind == "lxc":
		return lxcImpact(c, f)
	}
	return vmImpact(c, f)
}

// lxcImpact: a new mount point is plugged in at once, an existing one is not
// touched before a restart.
func lxcImpact(c *inventory.Change, f *inventory.FieldChange) inventory.Impact {
	if parent := f.Path.Parent(); f.Path.In("mount") && !c.Have.Resource.Attrs.Has(parent) && parent != "" {
		return inventory.ImpactLive
	}
	return f.Impact
}

func vmImpact(c *inventory.Change, f *inventory.FieldChange) inventory.Impact {
	plug := hotplug(&c.Have)
	leaf := f.Path.Leaf()
	isNew := f.Path.Parent() != "" && !c.Have.Resource.Attrs.Has(f.Path.Parent())
	switch {
	case f.Path.In("network") && plug["network"]:
		return networkImpact(leaf, isNew, f.Impact)
	case f.Path.In("disk") && plug["disk"] && pluggable(f.Path):
		if isNew {
			return inventory.ImpactLive
		}
		if leaf == "absent" {
			return inventory.ImpactReload
		}
	case f.Path.In("cdrom") && leaf == "file" && !isNew:
		return inventory.ImpactLive // the medium of a drive that is there
	case f.Path.In("usb") && plug["usb"]:
		return inventory.ImpactLive
	case f.Path == "memory" && plug["memory"] && inventory.True(c.Have.Resource.Attrs["numa"]) && grows(f):
		return inventory.ImpactLive
	case f.Path == "vcpus" && plug["cpu"] && grows(f):
		return inventory.ImpactLive
	case f.Path == "balloon" && !zero(f.Desired) && !zero(f.Live):
		return inventory.ImpactLive
	}
	return f.Impact
}

// networkImpact: the bridge side of a card changes in place; another model or MAC
// is another card.
func networkImpact(leaf string, isNew bool, worst inventory.Impact) inventory.Impact {
	switch leaf {
	case "bridge", "vlan", "trunks", "firewall", "rate", "link_down":
		return inventory.ImpactLive
	case "model", "mac", "queues", "mtu", "absent":
		if isNew {
			return inventory.ImpactLive
		}
		return inventory.ImpactReload
	}
	return worst
}

// pluggable reports whether the disk's bus can be plugged while the VM runs.
func pluggable(p inventory.Path) bool {
	slot := p.Parent().Leaf()
	return strings.HasPrefix(slot, "scsi") || strings.HasPrefix(slot, "virtio")
}

func hotplug(o *inventory.Observation) map[string]bool {
	v := o.Resource.Attrs["hotplug"]
	if inventory.IsNull(v) {
		v = inventory.StringSet("network", "disk", "usb")
	}
	out := map[string]bool{}
	for _, s := range inventory.Strings(v) {
		out[s] = true
	}
	return out
}

func grows(f *inventory.FieldChange) bool {
	want, ok1 := inventory.Int(f.Desired)
	have, ok2 := inventory.Int(f.Live)
	return ok1 && ok2 && want > have
}

// zero reports a balloon that is switched off; a missing one is as large as the
// memory.
func zero(v cty.Value) bool {
	n, ok := inventory.Int(v)
	return ok && n == 0
}
