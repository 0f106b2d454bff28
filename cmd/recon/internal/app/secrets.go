package app

import (
	"regexp"
	"slices"
	"strings"

	"recon/inventory"
)

// secretPatterns are what a secret looks like. A document in which one stands is
// not written.
var secretPatterns = []*regexp.Regexp{
	regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----`),
	regexp.MustCompile(`[A-Za-z0-9._-]+@[a-z]+![A-Za-z0-9._-]+=[0-9a-f]{8}-[0-9a-f]{4}-`), // a Proxmox token
	regexp.MustCompile(`\bAKIA[0-9A-Z]{16}\b`),
	regexp.MustCompile(`\bgh[pousr]_[A-Za-z0-9]{36}\b`),
	regexp.MustCompile(`\bglpat-[A-Za-z0-9_-]{20}\b`),
	regexp.MustCompile(`\bxox[abprs]-[A-Za-z0-9-]{10,}\b`),
	regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.`), // a JSON web token
	regexp.MustCompile(`\$(1|5|6|2[aby]|y)\$[./A-Za-z0-9$]{16,}`), // a password hash
}

// checkSecrets refuses a text that holds a secret: one of the project's own, or
// something that looks like one.
func (s *Session) checkSecrets(file, text string) error {
	found := slices.ContainsFunc(secretPatterns, func(p *regexp.Regexp) bool { return p.MatchString(text) }) ||
		slices.ContainsFunc(s.secrets(), func(secret string) bool { return strings.Contains(text, secret) })
	if found {
		return Refuse("look for it in the names, tags and purposes that recon shows", "%s is not written: its text would hold something that looks like a secret", file)
	}
	return nil
}

// shortSecret is the length below which a secret is found everywhere by chance.
const shortSecret = 6

// secrets returns the secrets that the manifests hold.
func (s *Session) secrets() (out []string) {
	add := func(text string) {
		if len(text) >= shortSecret {
			out = append(out, text)
		}
	}
	for i := range s.Project.Clusters {
		_, uuid, _ := strings.Cut(s.Project.Clusters[i].Token, "=")
		add(uuid)
	}
	for i := range s.Project.Resources {
		r := &s.Project.Resources[i]
		for p, v := range r.Attrs {
			if attr, _, _ := r.Kind().Lookup(p); attr != nil && attr.Secret {
				add(inventory.Text(v))
			}
		}
		if r.Policy.Create != nil {
			add(inventory.Text(r.Policy.Create.Password))
		}
	}
	return out
}
