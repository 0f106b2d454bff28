package inventory

// An Ability is something that recon does through a source, and whether it can.
type Ability struct {
	Name  string       `json:"name"` // "see guests"
	State AbilityState `json:"state"`
	Said  string       `json:"said"`  // what was found
	Costs string       `json:"costs"` // what goes without it; "" when it works
	Mend  []string     `json:"mend"`  // commands that mend it, or what to write
}

// An AbilityState says how an ability stands.
type AbilityState string

// The states.
const (
	Works AbilityState = "works"
	Lacks AbilityState = "lacks" // the source is observed in full without it
	Fails AbilityState = "fails" // without it the source is not observed, or not in full
)

// Working is an ability that is there.
func Working(name, said string) Ability { return Ability{Name: name, State: Works, Said: said} }
