package proxmox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"recon/inventory"
)

// keptWords begin the description of a snapshot that recon has taken: it shall not take
// one for its own that only has such a name.
const keptWords = "recon: before "

// keep puts a snapshot before what cannot be taken back, where one was asked for, Proxmox
// can take it, and nothing of the change needs that there is none.
func (b *stepBuilder) keep() {
	var oneWay []inventory.FieldChange
	for _, f := range b.c.Fields {
		if f.NoWayBack && b.isWritten(f.Path) {
			oneWay = append(oneWay, f)
		}
	}
	if b.c.Keep == "" || len(oneWay) == 0 {
		return
	}
	before := len(b.c.Blocked)
	if b.mayUse("/vms/"+itoa(b.vmid), "the snapshot", "VM.Snapshot"); len(b.c.Blocked) > before {
		b.steps = nil // it was asked for, and somebody has to decide
		return
	}
	if why := b.noSnapshot(); why != "" {
		b.steps[0].Notes = append(b.steps[0].Notes, "no snapshot is taken before it: "+why)
		return
	}
	impact := oneWay[0].Impact
	for _, f := range oneWay {
		impact = min(impact, f.Impact) // where all of it is withheld the snapshot is, too
	}
	b.steps = slices.Insert(b.steps, 0, inventory.Step{
		Method: "POST", Path: b.base0() + "/snapshot", Params: map[string]string{"snapname": b.c.Keep, "description": keptWords + names(oneWay)},
		Impact: impact, Keeps: true, Touches: []string{"parent"}, Summary: "take snapshot " + b.c.Keep,
		Done:  inventory.Probe{State: "present", Keys: map[string]string{"parent": b.c.Keep}},
		Notes: []string{"a snapshot is taken before it, and stays until recon snapshots prune"},
	})
}

// base0 is the guest's place before any of the steps.
func (b *stepBuilder) base0() string {
	return guestPath(b.c.Addr.Kind, b.c.Have.Volatile.Node, b.vmid)
}

// noSnapshot says why none can be taken; Proxmox knows what its storages can.
func (b *stepBuilder) noSnapshot() string {
	if slices.ContainsFunc(b.steps, func(s inventory.Step) bool { return strings.HasSuffix(s.Path, "/migrate") }) {
		return "a guest with snapshots does not take its local volumes along to another node"
	}
	var answer struct {
		HasFeature scalar `json:"hasFeature"`
	}
	err := b.p.client.get(b.ctx, b.base0()+"/feature", url.Values{"feature": {"snapshot"}}, &answer)
	switch {
	case err != nil:
		return err.Error()
	case answer.HasFeature != "1":
		return "a storage of the guest cannot"
	}
	return ""
}

// Kept notes in guests the snapshots that recon has taken of them. Unless all are to be
// asked, those are that have a snapshot to go back to.
func (p *Provider) Kept(ctx context.Context, obs []inventory.Observation, all bool) (calls int, err error) {
	for i := range obs {
		o := &obs[i]
		if o.State != inventory.Present || o.Old || !all && o.Volatile.Raw["parent"] == "" {
			continue
		}
		calls++
		kept, failed := p.keptOf(ctx, o)
		if failed != nil {
			err = errors.Join(err, fmt.Errorf("list the snapshots of %s: %w", o.Resource.Addr, failed))
			if name := o.Volatile.Raw["parent"]; strings.HasPrefix(name, inventory.KeptPrefix) {
				o.Volatile.Kept = []inventory.Kept{{Name: name}} // so much is known all the same
			}
			continue
		}
		o.Volatile.Kept = kept
	}
	return calls, err
}

func (p *Provider) keptOf(ctx context.Context, o *inventory.Observation) ([]inventory.Kept, error) {
	var rows []struct {
		Name        string `json:"name"`
		Description string `json:"description"`
		Time        int64  `json:"snaptime"`
	}
	path := guestPath(o.Resource.Addr.Kind, o.Volatile.Node, inventory.VMID(o.Resource.Identity)) + "/snapshot"
	if err := p.client.get(ctx, path, nil, &rows); err != nil {
		return nil, err
	}
	var out []inventory.Kept
	for _, r := range rows {
		if before, own := strings.CutPrefix(strings.TrimSpace(r.Description), keptWords); own && strings.HasPrefix(r.Name, inventory.KeptPrefix) {
			out = append(out, inventory.Kept{Name: r.Name, Before: before, At: time.Unix(r.Time, 0).UTC()})
		}
	}
	slices.SortFunc(out, func(a, b inventory.Kept) int { return cmp.Or(a.At.Compare(b.At), strings.Compare(a.Name, b.Name)) })
	return out, nil
}

// Discard is the call that removes a snapshot.
func (p *Provider) Discard(o inventory.Observation, k inventory.Kept) inventory.Step {
	path := guestPath(o.Resource.Addr.Kind, o.Volatile.Node, inventory.VMID(o.Resource.Identity)) + "/snapshot/" + url.PathEscape(k.Name)
	return inventory.Step{
		Method: "DELETE", Path: path, Params: map[string]string{}, Impact: inventory.ImpactLive, Touches: []string{"parent"}, Summary: "remove snapshot " + k.Name,
	}
}
