package app

import "regexp"

// secretPatterns are what a secret looks like. A document in which one stands is
// not written.
var secretPatterns = []*regexp.Regexp{
	regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----`),
	regexp.MustCompile(`[A-Za-z0-9._-]+@[a-z]+![A-Za-z0-9._-]+=[0-9a-f]{8}-[0-9a-f]{4}-`), // a Proxmox token
	regexp.MustCompile(`\bAKIA[0-9A-Z]{16}\b`),
	regexp.MustCompile(`\bgh[pousr]_[A-Za-z0-9]{36}\b`),
	regexp.MustCompile(`\bglpat-[A-Za-z0-9_-]{20}\b`),
	regexp.MustCompile(`\bxox[abprs]-[A-Za-z0-9-]{10,}\b`),
	regexp.MustCompile(`\$(1|5|6|2[aby]|y)\$[./A-Za-z0-9$]{16,}`), // a password hash
}

// checkSecrets refuses a text that holds a secret.
func checkSecrets(file, text string) error {
	for _, p := range secretPatterns {
		if p.MatchString(text) {
			return Refuse("look for it in the names, tags and purposes that recon shows", "%s is not written: its text would hold something that looks like a secret", file)
		}
	}
	return nil
}
