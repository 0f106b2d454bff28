package contextfile

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A Finding is something that the doctor found, by rule and subject. What it says in
// words stands in recon doctor: those words quote what came from outside.
type Finding struct {
	Rule    string
	Subject string // an address, host.NAME/CONTAINER or FILE:LINE
}

// findings lists the subjects of each rule.
func findings(b *strings.Builder, f *Facts) {
	if len(f.Findings) == 0 {
		return
	}
	b.WriteString("\n**Found by the doctor** (`recon doctor` says why and what to do):\n")
	var rules []string
	subjects := map[string][]string{}
	for _, x := range f.Findings {
		if !slices.Contains(rules, x.Rule) {
			rules = append(rules, x.Rule)
		}
		if s := safeSubject(x.Subject); !slices.Contains(subjects[x.Rule], s) {
			subjects[x.Rule] = append(subjects[x.Rule], s)
		}
	}
	for _, r := range rules {
		fmt.Fprintf(b, "- %s: %s\n", r, strings.Join(limit(subjects[r], 6), ", "))
	}
}

var subjectForm = regexp.MustCompile(`^[A-Za-z0-9_.:/@+-]{1,80}$`)

// safeSubject shows a subject unless it could be read as an order: a container's
// name is whatever somebody called it.
func safeSubject(s string) string {
	if !subjectForm.MatchString(s) || imperative(strings.NewReplacer("/", "-", ":", "-", "_", "-").Replace(strings.ToLower(s))) {
		return "(unsafe name)"
	}
	return "`" + s + "`"
}
