package inventory

import "encoding/json"

// Applied is what is remembered of a resource's way to where it is: what recon last
// wrote to it, or found in agreement with its manifest, and what the two sides had in
// common where they never agreed since. The values of secret fields are salted hashes.
type Applied struct {
	Identity string
	Attrs    Attrs
	Bases    Attrs // of fields that are not in Attrs; null where nobody knows
	Begun    Attrs // what a run that was killed was about to write; it may have arrived, or not

	// Unfinished: recon made the resource, and it has never been all that was declared.
	Unfinished bool
}

// Declared reports whether the manifest spoke of a field when the resource was last
// written down.
func (a *Applied) Declared(p Path) bool {
	_, applied := a.Attrs[p]
	_, based := a.Bases[p]
	return applied || based
}

type appliedJSON struct {
	Attrs map[Path]Value `json:"attrs"`
	Bases map[Path]Value `json:"bases,omitempty"`

	Unfinished bool `json:"unfinished,omitempty"`
}

// MarshalJSON writes the values with their types. The identity is not among them.
func (a Applied) MarshalJSON() ([]byte, error) {
	out := appliedJSON{Attrs: a.Attrs.Values(), Bases: map[Path]Value{}, Unfinished: a.Unfinished}
	for p, v := range a.Bases {
		out.Bases[p] = Value{v}
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads what MarshalJSON wrote, and the plain values of ledgers that
// knew no bases.
func (a *Applied) UnmarshalJSON(data []byte) error {
	var in appliedJSON
	if err := json.Unmarshal(data, &in); err == nil && in.Attrs != nil {
		a.Attrs, a.Bases, a.Unfinished = AttrsOf(in.Attrs), Attrs{}, in.Unfinished
		for p, v := range in.Bases {
			a.Bases[p] = v.Value
		}
		return nil
	}
	var plain map[Path]Value
	if err := json.Unmarshal(data, &plain); err != nil {
		return err
	}
	a.Attrs = AttrsOf(plain)
	return nil
}
