package docker

import (
	"encoding/json"
	"testing"

	"github.com/zclconf/go-cty/cty"
	"pgregory.net/rapid"

	"recon/inventory"
)

// drawJSON draws any JSON value.
func drawJSON(t *rapid.T, depth int) any {
	kinds := 6
	if depth == 0 {
		kinds = 4
	}
	switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
	case 0:
		return nil
	case 1:
		return rapid.Bool().Draw(t, "bool")
	case 2:
		return json.Number(rapid.SampledFrom([]string{"0", "-1", "1450", "1.5", "1e3", "9007199254740993", "0.1"}).Draw(t, "number"))
	case 3:
		return rapid.OneOf(rapid.SampledFrom([]string{"", "10m", "true", "10.0.0.1", "a=b", "<x>"}), rapid.StringMatching(`[ -~]{0,6}`)).Draw(t, "text")
	case 4:
		out := []any{}
		for range rapid.IntRange(0, 3).Draw(t, "items") {
			out = append(out, drawJSON(t, depth-1))
		}
		return out
	}
	out := map[string]any{}
	for range rapid.IntRange(0, 3).Draw(t, "members") {
		out[rapid.StringMatching(`[a-z][a-z-]{0,6}`).Draw(t, "key")] = drawJSON(t, depth-1)
	}
	return out
}

// TestEveryKeyOnTheWire: whatever JSON a key of daemon.json has is read as what it
// is, agrees with itself, and is written as it was read; for every key of the table
// and one that it does not know.
func TestEveryKeyOnTheWire(t *testing.T) {
	keys := []*inventory.Attr{{Name: "settings", Key: "some-new-key", Type: cty.DynamicPseudoType, Equal: inventory.JSONEqual}}
	for _, a := range inventory.KindOf(inventory.KindDaemon).Attrs {
		if a.DaemonJSON() && a.Key != "*" {
			keys = append(keys, a)
		}
	}
	for _, a := range keys {
		t.Run(a.Key, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				raw := marshal(drawJSON(t, 3))
				attrs, err := attrsOf(marshal(map[string]json.RawMessage{a.Key: raw}))
				if err != nil {
					t.Fatal(err)
				}
				v := attrs[inventory.Path(a.Name)]
				if a.Name == "settings" {
					v = inventory.Members(v)[a.Key]
				}
				if !a.Same(v, v) || !a.SameInUse(v, v) {
					t.Fatalf("%s is not what it is: %#v", raw, v)
				}
				written := jsonOf(v)
				if written == nil {
					return // it says nothing, or that the key is not there
				}
				again, err := valueOf(a.Type, written)
				if err != nil || !a.Same(v, again) || a.Takes(v) != a.Takes(again) {
					t.Fatalf("%s is read as %#v, written as %s and then read as %#v, %v", raw, v, written, again, err)
				}
				if !a.Takes(v) && string(canonical(raw)) != string(canonical(written)) {
					t.Fatalf("%s is not of the type of %s, and is written as %s", raw, a.Key, written)
				}
			})
		})
	}
}

// canonical spells JSON in one way.
func canonical(raw json.RawMessage) []byte {
	v, err := inventory.DecodeJSON(raw)
	if err != nil {
		return raw
	}
	return marshal(inventory.JSONValue(v))
}
