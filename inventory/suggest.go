package inventory

import (
	"fmt"

	"github.com/agext/levenshtein"
)

// DidYouMean returns a sentence that names the nearest of the known words, or "".
func DidYouMean(given string, known []string) string {
	best, distance := "", 4
	for _, k := range known {
		if d := levenshtein.Distance(given, k, nil); d < distance && d < len(given) {
			best, distance = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" Did you mean %q?", best)
}
