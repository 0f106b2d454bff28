package contextfile

import (
	"regexp"
	"slices"
)

// secretPatterns are what a secret looks like.
var secretPatterns = []*regexp.Regexp{
	regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----`),
	regexp.MustCompile(`[A-Za-z0-9._-]+@[a-z]+![A-Za-z0-9._-]+=[0-9a-f]{8}-[0-9a-f]{4}-`), // a Proxmox token
	regexp.MustCompile(`\bAKIA[0-9A-Z]{16}\b`),
	regexp.MustCompile(`\bgh[pousr]_[A-Za-z0-9]{36}\b`),
	regexp.MustCompile(`\bglpat-[A-Za-z0-9_-]{20}\b`),
	regexp.MustCompile(`\bxox[abprs]-[A-Za-z0-9-]{10,}\b`),
	regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.`), // a JSON web token
	regexp.MustCompile(`\$(1|5|6|2[aby]|y)\$[./A-Za-z0-9$]{16,}`),       // a password hash
}

// LooksSecret reports a text in which something stands that looks like a secret. As
// a value it is not shown; a document in which it stands all the same is not
// written.
func LooksSecret(text string) bool {
	return slices.ContainsFunc(secretPatterns, func(p *regexp.Regexp) bool { return p.MatchString(text) })
}
