package doctor

import (
	"regexp"
	"strconv"
)

var localhost = regexp.MustCompile(`(?i)(?:^|[^A-Za-z0-9_.-])(localhost|127\.0\.0\.1|\[::1\]):([0-9]{1,5})\b`)

// Mentions finds localhost with a port in a text. It returns nothing else of the
// text, which may hold secrets.
func Mentions(where, text string) []Local {
	var out []Local
	for _, m := range localhost.FindAllStringSubmatch(text, -1) {
		if n, err := strconv.Atoi(m[2]); err == nil && n > 0 && n < 65536 {
			out = append(out, Local{Where: where, Host: m[1], Port: n})
		}
	}
	return out
}
