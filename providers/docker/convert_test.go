package docker

import (
	"encoding/json"
	"testing"

	"github.com/zclconf/go-cty/cty"
	"pgregory.net/rapid"

	"recon/inventory"
	"recon/inventory/inventorytest"
)

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
				raw := marshal(inventorytest.JSON(t, 3))
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
