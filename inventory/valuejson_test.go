package inventory

import (
	"encoding/json"
	"testing"

	"github.com/zclconf/go-cty/cty"
)

// TestValuesWrittenBefore: what ledgers and saved plans of earlier versions hold is
// read as it was meant, and what they kept in part is not known.
func TestValuesWrittenBefore(t *testing.T) {
	for text, want := range map[string]cty.Value{
		`null`:                           cty.NilVal,
		`"x"`:                            cty.StringVal("x"),
		`8589934592`:                     Size(8 * GiB),
		`0.5`:                            cty.MustParseNumberVal("0.5"),
		`true`:                           cty.True,
		`{"list":["b","a"]}`:             StringList("b", "a"),
		`{"list":[]}`:                    StringList(),
		`{"set":["b","a"]}`:              StringSet("a", "b"),
		`{"map":{"max-size":"10m"}}`:     cty.MapVal(map[string]cty.Value{"max-size": cty.StringVal("10m")}),
		`{"map":{}}`:                     cty.MapValEmpty(cty.String),
		`{"map":{"buildkit":"","x":""}}`: cty.NilVal, // a map of booleans once
	} {
		var v Value
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			t.Errorf("%s: %v", text, err)
		} else if IsNull(want) != IsNull(v.Value) || !IsNull(want) && !want.RawEquals(v.Value) {
			t.Errorf("%s is read as %#v", text, v.Value)
		}
	}
}

// TestValuesOfNobody: what was never written is an error, and no panic.
func TestValuesOfNobody(t *testing.T) {
	for _, text := range []string{`{}`, `[1]x`, `{"type":"string"}`, `{"type":1,"value":2}`, `{"type":["list","x"],"value":[]}`, `{"list":"a"}`, `1e999999999`, `{"type":"number","value":1e-999999999}`, `{"type":["object",{"a":"bool"}],"value":[]}`} {
		var v Value
		if err := json.Unmarshal([]byte(text), &v); err == nil && !IsNull(v.Value) {
			t.Errorf("%s is read as %#v", text, v.Value)
		}
	}
}
