package inventory

import (
	"encoding/json"
	"fmt"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

type valueJSON struct {
	Type  json.RawMessage `json:"type"`
	Value json.RawMessage `json:"value"`
}

// MarshalJSON writes the value with its type.
func (v Value) MarshalJSON() ([]byte, error) {
	if v.Value == cty.NilVal {
		return []byte("null"), nil
	}
	t, err := ctyjson.MarshalType(v.Value.Type())
	if err != nil {
		return nil, fmt.Errorf("write type of value: %w", err)
	}
	raw, err := ctyjson.Marshal(v.Value, v.Value.Type())
	if err != nil {
		return nil, fmt.Errorf("write value: %w", err)
	}
	return json.Marshal(valueJSON{Type: t, Value: raw})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (v *Value) UnmarshalJSON(data []byte) error {
	var j valueJSON
	if string(data) == "null" {
		*v = Value{}
		return nil
	}
	if err := json.Unmarshal(data, &j); err != nil {
		return err
	}
	t, err := ctyjson.UnmarshalType(j.Type)
	if err != nil {
		return fmt.Errorf("read type of value: %w", err)
	}
	v.Value, err = ctyjson.Unmarshal(j.Value, t)
	if err != nil {
		return fmt.Errorf("read value: %w", err)
	}
	return nil
}

// Values wraps attributes for JSON.
func (a Attrs) Values() map[Path]Value {
	out := make(map[Path]Value, len(a))
	for p, v := range a {
		if !IsNull(v) {
			out[p] = Value{v}
		}
	}
	return out
}

// AttrsOf unwraps what Values wrapped.
func AttrsOf(values map[Path]Value) Attrs {
	out := make(Attrs, len(values))
	for p, v := range values {
		if !IsNull(v.Value) {
			out[p] = v.Value
		}
	}
	return out
}
