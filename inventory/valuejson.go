package inventory

import (
	"encoding/json"
	"errors"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

// MarshalJSON writes the value so that its type can be told again: a string, a
// number or a boolean as itself, everything else as {"value": ..., "type": ...} in
// the form of cty/json.
func (v Value) MarshalJSON() ([]byte, error) {
	switch {
	case IsNull(v.Value):
		return []byte("null"), nil
	case Holds(v.Value, cty.Number):
		return []byte(numberText(v.Value)), nil
	case v.Value.Type().IsPrimitiveType():
		return ctyjson.Marshal(v.Value, v.Value.Type())
	}
	return ctyjson.Marshal(v.Value, cty.DynamicPseudoType)
}

// UnmarshalJSON reads what MarshalJSON wrote, and what it wrote before values came
// with their type.
func (v *Value) UnmarshalJSON(data []byte) (err error) {
	if len(data) == 0 || string(data) == "null" {
		v.Value = cty.NilVal
		return nil
	}
	if data[0] != '{' {
		v.Value, err = DecodeJSON(data)
		return err
	}
	if err := checkJSON(data); err != nil {
		return err
	}
	var form struct {
		Type json.RawMessage `json:"type"`
		untypedJSON
	}
	if err := json.Unmarshal(data, &form); err != nil {
		return err
	}
	if form.Type == nil {
		v.Value, err = form.value()
		return err
	}
	v.Value, err = ctyjson.Unmarshal(data, cty.DynamicPseudoType)
	return err
}

// untypedJSON is how collections were written once; exactly one is set.
type untypedJSON struct {
	List *[]string          `json:"list"`
	Set  *[]string          `json:"set"`
	Map  *map[string]string `json:"map"`
}

// value returns the collection. A map whose values were no strings kept the keys
// alone, and a value that nobody knows is none.
func (u untypedJSON) value() (cty.Value, error) {
	switch {
	case u.Set != nil:
		return StringSet(*u.Set...), nil
	case u.List != nil:
		return StringList(*u.List...), nil
	case u.Map != nil:
		return stringMap(*u.Map), nil
	}
	return cty.NilVal, errors.New("a value with its type, a list, a set or a map is expected")
}

func stringMap(m map[string]string) cty.Value {
	out := map[string]cty.Value{}
	for k, s := range m {
		if s == "" {
			return cty.NilVal
		}
		out[k] = cty.StringVal(s)
	}
	if len(out) == 0 {
		return cty.MapValEmpty(cty.String)
	}
	return cty.MapVal(out)
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
