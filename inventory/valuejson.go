package inventory

import (
	"encoding/json"
	"fmt"
	"math/big"

	"github.com/zclconf/go-cty/cty"
)

// collectionJSON is the JSON of a value that holds others; exactly one is set.
type collectionJSON struct {
	List *[]string          `json:"list,omitempty"`
	Set  *[]string          `json:"set,omitempty"`
	Map  *map[string]string `json:"map,omitempty"`
}

// MarshalJSON writes the value so that its type can be told again: a string, a
// number, a boolean, or {"list": [...]}, {"set": [...]}, {"map": {...}} of strings.
// Those are the types that attributes have.
func (v Value) MarshalJSON() ([]byte, error) {
	switch t := v.Value; {
	case IsNull(t):
		return []byte("null"), nil
	case t.Type() == cty.String:
		return json.Marshal(t.AsString())
	case t.Type() == cty.Number:
		return []byte(t.AsBigFloat().Text('f', -1)), nil
	case t.Type() == cty.Bool:
		return json.Marshal(t.True())
	case t.Type().IsMapType():
		m := map[string]string{}
		for k, e := range t.AsValueMap() {
			m[k] = Text(e)
		}
		return json.Marshal(collectionJSON{Map: &m})
	case t.CanIterateElements():
		items := append([]string{}, Strings(t)...)
		if t.Type().IsSetType() {
			return json.Marshal(collectionJSON{Set: &items})
		}
		return json.Marshal(collectionJSON{List: &items})
	}
	return nil, fmt.Errorf("no attribute has the type %s", v.Value.Type().FriendlyName())
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (v *Value) UnmarshalJSON(data []byte) error {
	var c collectionJSON
	var text string
	switch {
	case len(data) == 0 || string(data) == "null":
		v.Value = cty.NilVal
	case string(data) == "true" || string(data) == "false":
		v.Value = cty.BoolVal(data[0] == 't')
	case data[0] == '"':
		if err := json.Unmarshal(data, &text); err != nil {
			return err
		}
		v.Value = cty.StringVal(text)
	case data[0] != '{':
		f, _, err := big.ParseFloat(string(data), 10, 512, big.ToNearestEven)
		if err != nil {
			return fmt.Errorf("%q is not a value", data)
		}
		v.Value = cty.NumberVal(f)
	default:
		if err := json.Unmarshal(data, &c); err != nil {
			return err
		}
		return v.collection(c)
	}
	return nil
}

func (v *Value) collection(c collectionJSON) error {
	switch {
	case c.Set != nil:
		v.Value = StringSet(*c.Set...)
	case c.List != nil:
		v.Value = StringList(*c.List...)
	case c.Map != nil:
		m := map[string]cty.Value{}
		for k, s := range *c.Map {
			m[k] = cty.StringVal(s)
		}
		if v.Value = cty.MapValEmpty(cty.String); len(m) > 0 {
			v.Value = cty.MapVal(m)
		}
	default:
		return fmt.Errorf("a list, a set or a map is expected")
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
