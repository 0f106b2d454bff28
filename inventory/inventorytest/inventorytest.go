// Package inventorytest draws values for property tests.
package inventorytest

import (
	"encoding/json"

	"pgregory.net/rapid"
)

// JSON draws any JSON value, with so many arrays and objects in each other at most.
func JSON(t *rapid.T, depth int) any {
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
			out = append(out, JSON(t, depth-1))
		}
		return out
	}
	out := map[string]any{}
	for range rapid.IntRange(0, 3).Draw(t, "members") {
		out[rapid.StringMatching(`[a-z][a-z-]{0,6}`).Draw(t, "key")] = JSON(t, depth-1)
	}
	return out
}
