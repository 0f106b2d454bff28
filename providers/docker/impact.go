package docker

import "recon/inventory"

// Impact is what a field's change does to the daemon as it is now. A daemon that
// does not run takes everything at its next start. A reload takes new values of
// some keys, and never notices that a key is gone (moby, daemon/reload.go).
func (p *Provider) Impact(c *inventory.Change, f *inventory.FieldChange) inventory.Impact {
	switch {
	case c.Addr.Kind != inventory.KindDaemon:
		return f.Impact
	case f.Verdict == inventory.VerdictPendingReboot:
		return pendingImpact(c, f)
	case c.Have.Running == nil:
		return inventory.ImpactLive
	case f.Attr.Impact == inventory.ImpactReload && jsonOf(f.Desired) == nil:
		return inventory.ImpactRestart
	}
	return f.Attr.Impact
}

// pendingImpact: a value that is written and not in use waits for what its key
// takes.
func pendingImpact(_ *inventory.Change, f *inventory.FieldChange) inventory.Impact {
	if f.Attr.Impact == inventory.ImpactReload && jsonOf(f.Live) != nil {
		return inventory.ImpactReload
	}
	return inventory.ImpactRestart
}
