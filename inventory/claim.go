package inventory

import (
	"maps"
	"slices"
)

// A Claim is what a witness says of one resource that somebody else observes:
// Terraform's state of a guest.
type Claim struct {
	Witness  string // terraform.proxmox
	Place    string // where the witness keeps what it says, for people
	Address  string // the witness's own name for the resource
	Identity string // home/111; "" when the witness does not know which one it is
	Kind     string
	Named    bool   // a manifest says that the two are the same
	Said     Attrs  // held against live, so that equal things are equal
	Differs  []Path // fields in which live is not as it says

	// Covers reports a field that is changed through the witness alone.
	Covers func(Path) bool
	// Locate finds the code that says so; ok is false when it cannot be read.
	Locate func() (file string, line int, ok bool)
}

// Claims are what all witnesses say. A nil Claims claims nothing.
type Claims struct {
	all        []Claim
	byIdentity map[string]*Claim
	unread     map[string][]string // witnesses that could not be heard, by the provider of whose resources they speak
}

// NewClaims gathers claims. Of several about one resource the first counts, unless a
// manifest names another one.
func NewClaims(all []Claim, unread map[string][]string) *Claims {
	c := &Claims{all: all, byIdentity: make(map[string]*Claim, len(all)), unread: unread}
	for i := range all {
		if cl := &all[i]; cl.Identity != "" && (c.byIdentity[cl.Identity] == nil || cl.Named) {
			c.byIdentity[cl.Identity] = cl
		}
	}
	return c
}

// Of returns the claim about a resource, nil when there is none.
func (c *Claims) Of(identity string) *Claim {
	if c == nil {
		return nil
	}
	return c.byIdentity[identity]
}

// Unread names the witnesses of a provider's resources that could not be heard.
func (c *Claims) Unread(provider string) []string {
	if c == nil {
		return nil
	}
	return c.unread[provider]
}

// Identities lists the resources of which something is claimed.
func (c *Claims) Identities() []string {
	if c == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(c.byIdentity))
}

// All lists every claim, several about one resource included.
func (c *Claims) All() []Claim {
	if c == nil {
		return nil
	}
	return c.all
}
