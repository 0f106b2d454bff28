package localfile

import "strings"

// IgnoreRules are the lines of a .gitignore as go-git may have them: without those that
// only take folders back ("!*/"), for it takes what lies in them back too.
func IgnoreRules(text string) (out []string) {
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n ")
		if line != "" && line[0] != '#' && (line[0] != '!' || !strings.HasSuffix(line, "/")) {
			out = append(out, line)
		}
	}
	return out
}
