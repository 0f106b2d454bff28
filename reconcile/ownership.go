package reconcile

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"recon/inventory"
	"recon/providers"
)

// An ownership says who may make a change: the resource's own provider, the witness
// that covers it, or each for its fields. It is decided from what the witnesses
// claim, and asks nobody.
type ownership struct {
	ours    *inventory.Change // for the own provider; nil when nothing is left to it
	theirs  *inventory.Change // for the witness; nil without one
	witness string
	unheard []string // witnesses that may own it and could not be heard
}

// ownersOf divides a change. What a manifest says recon owns, and restarts, which are
// nobody's configuration, are the own provider's.
func ownersOf(c *inventory.Change, claims *inventory.Claims) ownership {
	claim, unheard := claims.Of(c.Want.Identity), claims.Unread(c.Want.Provider)
	switch {
	case c.Want.Policy.Owner == "recon" || c.Action == inventory.ActionNone || claim == nil && len(unheard) == 0:
		return ownership{ours: c}
	case claim == nil:
		return ownership{unheard: unheard}
	case c.Action != inventory.ActionUpdate:
		return ownership{theirs: c, witness: claim.Witness}
	}
	ours, theirs := *c, *c
	ours.Fields, theirs.Fields = nil, nil
	for _, f := range c.Fields {
		if claim.Covers(f.Path) {
			theirs.Fields = append(theirs.Fields, f)
		} else {
			ours.Fields = append(ours.Fields, f)
		}
	}
	o := ownership{witness: claim.Witness}
	if len(theirs.Writing()) > 0 {
		o.theirs = &theirs
	}
	if len(ours.Writing()) > 0 {
		o.ours = &ours
	}
	return o
}

// steps asks whoever owns a change for its calls. What the witness refuses is refused
// as a whole: half a change would leave the two at odds.
func (req *Request) steps(ctx context.Context, c *inventory.Change, own providers.Writer) ([]inventory.Step, []inventory.Reason, error) {
	o := ownersOf(c, req.Claims)
	if len(o.unheard) > 0 {
		return nil, []inventory.Reason{{Code: "terraform_unknown", Detail: fmt.Sprintf(
			"%s could not be read, so that it is not known whether Terraform owns %s; write owner = \"recon\" if it does not", strings.Join(o.unheard, ", "), c.Addr)}}, nil
	}
	var steps []inventory.Step
	if o.theirs != nil {
		var blocked []inventory.Reason
		var err error
		if steps, blocked, err = req.witnessed(ctx, o); err != nil || len(blocked) > 0 {
			return nil, blocked, err
		}
	}
	if o.ours == nil {
		return steps, nil, nil
	}
	rest, blocked, err := own.Steps(ctx, *o.ours)
	return append(steps, rest...), blocked, err
}

// witnessed asks a witness for the calls that it would make.
func (req *Request) witnessed(ctx context.Context, o ownership) (steps []inventory.Step, blocked []inventory.Reason, err error) {
	w := writerOf(req.Readers, o.witness)
	if w == nil {
		return nil, []inventory.Reason{{Code: "owned", Detail: fmt.Sprintf("%s owns %s and cannot change it", o.witness, o.theirs.Addr)}}, nil
	}
	if out, ok := w.(providers.Outliner); ok && req.Outline {
		steps, blocked = out.Outline(*o.theirs)
	} else {
		steps, blocked, err = w.Steps(ctx, *o.theirs)
	}
	for i := range steps {
		steps[i].Provider = o.witness
	}
	return steps, blocked, err
}

func writerOf(readers []providers.Reader, name string) providers.Writer {
	for _, r := range readers {
		if w, ok := r.(providers.Writer); ok && r.Name() == name {
			return w
		}
	}
	return nil
}

// Contested finds resources that several witnesses, or one twice, claim. Each is told
// once, with the first claim.
func Contested(claims []inventory.Claim) (out []inventory.Finding) {
	byIdentity := map[string][]*inventory.Claim{}
	for i := range claims {
		if id := claims[i].Identity; id != "" {
			byIdentity[id] = append(byIdentity[id], &claims[i])
		}
	}
	for i := range claims {
		if all := byIdentity[claims[i].Identity]; len(all) > 1 && all[0] == &claims[i] {
			out = append(out, contested(all))
		}
	}
	return out
}

func contested(all []*inventory.Claim) inventory.Finding {
	first := all[0]
	kind, _, _ := strings.Cut(first.Witness, ".")
	var names []string
	for _, c := range all {
		names = append(names, c.Witness+": "+c.Address)
	}
	rule, text := kind+"-duplicate-vmid", "%s is claimed by several resources of one state: %s"
	if slices.ContainsFunc(all, func(c *inventory.Claim) bool { return c.Witness != first.Witness }) {
		rule, text = kind+"-guest-in-two-states", "%s is in the states of several sources: %s"
	}
	return inventory.Finding{
		Rule: rule, Severity: "error", Address: first.Address, Summary: fmt.Sprintf(text, first.Identity, strings.Join(names, "; ")),
		Detail: fmt.Sprintf("%s in %s.", first.Address, first.Place), Evidence: names, Fix: "keep one of them and terraform state rm the others",
	}
}
