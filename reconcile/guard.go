package reconcile

import (
	"fmt"
	"slices"

	"recon/inventory"
)

// guard blocks a change for what its manifest or the observation says. It is pure:
// whatever it judges travels in the change.
func guard(c *inventory.Change) {
	if c.Want.Policy.Protect && c.Action != inventory.ActionNone {
		c.Block("protected", "%s has protect = true; recon never changes it", c.Addr)
	}
	if c.Action == inventory.ActionNone {
		return
	}
	for _, r := range c.Have.Block {
		c.Block(r.Code, "%s", r.Detail)
	}
	if c.Have.Lock != "" {
		c.Block("locked", "%s is locked by Proxmox (%s); try again when that has ended", c.Want.Identity, c.Have.Lock)
	}
	if c.Action == inventory.ActionDelete && inventory.True(c.Have.Resource.Attrs["protection"]) {
		c.Block("protection", "%s has Proxmox's protection flag; take it off first", c.Want.Identity)
	}
}

// Gate takes out of a plan what waits for a check that does not hold, and says so. One
// of which nobody knows does not hold.
func Gate(p *Plan, outcome func(inventory.Address) inventory.Outcome) {
	for i := range p.Changes {
		c := &p.Changes[i]
		for _, g := range c.Want.Policy.Gates {
			o := outcome(g)
			if len(c.Steps) == 0 && !blockedByCheck(c) || o.Works() {
				continue
			}
			detail := fmt.Sprintf("it waits for %s, which does not hold: %s", g, o.Sentence())
			if len(o.Fix) > 0 {
				detail += "; " + o.Fix[0]
			}
			c.Steps = nil
			c.Block(checkBlocks, "%s", detail)
		}
	}
}

// checkBlocks is the code of what a check blocks.
const checkBlocks = "check"

func blockedByCheck(c *inventory.Change) bool {
	return slices.ContainsFunc(c.Blocked, func(r inventory.Reason) bool { return r.Code == checkBlocks })
}

// Limits say how much one run may change without being told to.
type Limits struct {
	Changes int // so many resources
	Percent int // or so many of those managed, whichever is more
}

// Count returns how many calls a run would make, on how many resources.
func (o *Options) Count(p *Plan) (calls, resources int) {
	for i := range p.Changes {
		if run, _ := o.Select(&p.Changes[i]); len(run) > 0 {
			resources++
			calls += len(run)
		}
	}
	return calls, resources
}

// CheckBulk refuses a run that would change more than the limits allow.
func CheckBulk(p *Plan, l Limits, opts Options) error {
	_, n := opts.Count(p)
	if limit := max(l.Changes, p.Declared*l.Percent/100); n > limit {
		return fmt.Errorf("the run would change %d of %d managed resources, more than the %d that one run may; look at the plan, then add --allow-bulk", n, p.Declared, limit)
	}
	return nil
}

// CheckEmpty refuses manifests that declare nothing where they declared something
// the last time: a wrong folder, a lost file.
func CheckEmpty(p *Plan, managedLastTime int) error {
	if p.Declared == 0 && managedLastTime > 0 {
		return fmt.Errorf("the manifests declare nothing, and the last run managed %d resources; is this the right folder?", managedLastTime)
	}
	return nil
}
