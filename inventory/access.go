package inventory

import (
	"cmp"
	"slices"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// KindCheck is the kind in the address of a check: check.gitlab.
const KindCheck = "check"

// A Layer is one of the things that have to hold, one after the other, before somebody
// can do something somewhere.
type Layer string

// The layers, in the order in which they are looked at.
const (
	LayerReach      Layer = "reach"      // an address, a way to it, and somebody who listens
	LayerTLS        Layer = "tls"        // the certificate: its chain, its name, its days
	LayerToken      Layer = "token"      // the service knows the token, and its account may log in
	LayerExpiry     Layer = "expiry"     // and it has not expired
	LayerScope      Layer = "scope"      // what the token was made for
	LayerMembership Layer = "membership" // whether the account belongs there
	LayerRole       Layer = "role"       // and as what
	LayerAnswer     Layer = "answer"     // what was asked for
)

// Layers lists the layers in their order.
func Layers() []Layer {
	return []Layer{LayerReach, LayerTLS, LayerToken, LayerExpiry, LayerScope, LayerMembership, LayerRole, LayerAnswer}
}

// A Check is a declared assertion: that somebody can do something somewhere.
type Check struct {
	Addr     Address
	Kind     *CheckKind
	Attrs    Attrs
	Every    time.Duration // for how long an answer is good; 0: until the next look
	Severity string        // info, warning, error
	Range    hcl.Range
}

// Text returns an argument, "" when it is not written.
func (c *Check) Text(name Path) string { return Text(c.Attrs[name]) }

// A CheckKind is what can be asked of one kind of service.
type CheckKind struct {
	Name   string
	Doc    string
	Attrs  []*Attr
	Links  map[string]string                  // arguments that name a block, and of which type
	Layers []Layer                            // those that such a check looks at
	Wants  func(has func(string) bool) string // what a combination of arguments lacks; nil: nothing
}

// Attr returns the argument of that name, or nil.
func (k *CheckKind) Attr(name string) *Attr { return findAttr(k.Attrs, name) }

// Default returns the argument, or what the kind means when it is not written.
func (c *Check) Default(name string) cty.Value {
	if v, ok := c.Attrs[Path(name)]; ok && !IsNull(v) {
		return v
	}
	return c.Kind.Attr(name).Default
}

// A Standing says how a check came out.
type Standing string

// The standings.
const (
	CheckWorks   Standing = "works"
	CheckFails   Standing = "fails"
	CheckUnknown Standing = "unknown" // it could not be asked, or gave no answer that decides
)

// An Outcome is the answer to a check.
type Outcome struct {
	Check    Address   `json:"address"`
	Kind     string    `json:"kind"`
	Standing Standing  `json:"standing"`
	Layer    Layer     `json:"layer"` // at which it fails; "" when it works
	Severity string    `json:"severity"`
	Said     string    `json:"said"`     // what was found there
	Evidence []Proof   `json:"evidence"` // of the layers before, in their order
	Fix      []string  `json:"fix"`      // what mends it, in the service's own words
	At       time.Time `json:"asked_at"`
	Since    time.Time `json:"since"` // since when it stands so, as far as it was asked
}

// A Proof is what was found at a layer that holds.
type Proof struct {
	Layer Layer  `json:"layer"`
	Said  string `json:"said"`
}

// Works reports whether the assertion holds.
func (o *Outcome) Works() bool { return o.Standing == CheckWorks }

// Same reports whether two answers say the same: how the check stands and where.
func (o *Outcome) Same(other *Outcome) bool {
	return o.Standing == other.Standing && o.Layer == other.Layer
}

// Sentence says the outcome in one line.
func (o *Outcome) Sentence() string {
	switch o.Standing {
	case CheckWorks:
		return "works"
	case CheckFails:
		return string(o.Layer) + ": " + o.Said
	}
	return "not known: " + o.Said
}

// Abilities are the layers as recon check shows what works and what does not.
func (o *Outcome) Abilities() (out []Ability) {
	for _, p := range o.Evidence {
		out = append(out, Working(string(p.Layer), p.Said))
	}
	switch o.Standing {
	case CheckFails:
		out = append(out, Ability{Name: string(o.Layer), State: Fails, Said: o.Said, Mend: o.Fix})
	case CheckUnknown:
		out = append(out, Ability{Name: cmp.Or(string(o.Layer), string(LayerAnswer)), State: Lacks, Said: o.Said, Costs: "it is not known whether the check holds", Mend: o.Fix})
	}
	return out
}

// RuleCheck is the rule of the findings that failing checks are.
const RuleCheck = "access-check"

// Finding is a failing check as something worth a person's attention.
func (o *Outcome) Finding() Finding {
	f := Finding{Rule: RuleCheck, Severity: o.Severity, Address: o.Check.String(), Summary: o.Sentence(), Evidence: []string{}}
	for _, p := range o.Evidence {
		f.Evidence = append(f.Evidence, string(p.Layer)+": "+p.Said)
	}
	for i, line := range o.Fix {
		if i > 0 {
			f.Fix += "\n"
		}
		f.Fix += line
	}
	return f
}

// CheckKindOf returns the kind of that name, or nil.
func CheckKindOf(name string) *CheckKind {
	all := CheckKinds()
	i := slices.IndexFunc(all, func(k *CheckKind) bool { return k.Name == name })
	if i < 0 {
		return nil
	}
	return all[i]
}
