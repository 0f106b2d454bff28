package inventory

import "fmt"

// An Impact says what a change does to whoever uses the resource. The order is
// the ceiling's: apply does what is at or below --allow.
type Impact int

// The impacts, mildest first.
const (
	ImpactLive     Impact = iota // takes effect at once, nobody notices
	ImpactReload                 // a short interruption: a link flap, a live migration
	ImpactRestart                // the guest or daemon restarts
	ImpactOutage                 // it is down until somebody brings it back, or for long
	ImpactDestroy                // data is lost
	ImpactRootOnly               // only root@pam on the node can do it; no token can
)

var impactNames = []string{"live", "reload", "restart", "outage", "destroy", "root_only"}

// String returns the name used in JSON and on the command line.
func (i Impact) String() string {
	if i < 0 || int(i) >= len(impactNames) {
		return fmt.Sprintf("Impact(%d)", int(i))
	}
	return impactNames[i]
}

// MarshalText makes an Impact a JSON string.
func (i Impact) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// UnmarshalText reads the name of an impact.
func (i *Impact) UnmarshalText(text []byte) error {
	for n, name := range impactNames {
		if name == string(text) {
			*i = Impact(n)
			return nil
		}
	}
	return fmt.Errorf("unknown impact %q", text)
}

// Words says the impact in a sentence about a resource of that kind.
func (i Impact) Words(kind string) string {
	noun := "guest"
	if kind == "docker_daemon" {
		noun = "daemon"
	}
	switch i {
	case ImpactLive:
		return "takes effect at once"
	case ImpactReload:
		return "interrupts the " + noun + " for a moment"
	case ImpactRestart:
		return "restarts the " + noun
	case ImpactOutage:
		return "takes the " + noun + " down"
	case ImpactDestroy:
		return "destroys the " + noun + " and its data"
	default:
		return "only root@pam on the node can do this, no token can"
	}
}
