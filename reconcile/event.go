package reconcile

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"recon/inventory"

	"github.com/zclconf/go-cty/cty"
)

// NewEventField spells a field's way from one value to another for the history.
// Secrets do not appear in it.
func NewEventField(f inventory.FieldChange, from, to cty.Value) inventory.EventField {
	ef := inventory.EventField{Name: f.Path, FromText: f.Attr.Show(from), ToText: f.Attr.Show(to), From: inventory.JSONValue(from), To: inventory.JSONValue(to)}
	if f.Attr.Hides(from) {
		ef.From = ef.FromText
	}
	if f.Attr.Hides(to) {
		ef.To = ef.ToText
	}
	switch {
	case f.Attr.Secret:
		ef.From, ef.To = Secret, Secret
	case f.Attr.Wire == inventory.WireAbsent:
		ef.FromText, ef.ToText = presence(from), presence(to)
	}
	return ef
}

// presence says a device's field "absent" in words.
func presence(absent cty.Value) string {
	if inventory.True(absent) {
		return "gone"
	}
	return "there"
}

// Drifted returns the fields in which live has moved.
func Drifted(c *inventory.Change) []inventory.EventField {
	var out []inventory.EventField
	for _, f := range c.Fields {
		if f.Policy != "ignore" && LiveMoved(f.Verdict) {
			out = append(out, NewEventField(f, f.Wish(), f.Live))
		}
	}
	return out
}

// Fingerprint tells drifts apart: by the fields and their values.
func Fingerprint(fields []inventory.EventField) string {
	body, err := json.Marshal(fields)
	if err != nil {
		panic(err) // plain values
	}
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:8])
}

// LiveMoved reports a verdict that says that live is not what it was: somebody changed
// it outside.
func LiveMoved(v inventory.Verdict) bool {
	return v == inventory.VerdictDrift || v == inventory.VerdictConflict
}
