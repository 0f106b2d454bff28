package app

import (
	"slices"
	"strings"

	"recon/inventory"
	"recon/inventory/contextfile"
)

// checkSecrets refuses a text that holds a secret: one of the project's own, or
// something that looks like one.
func (s *Session) checkSecrets(file, text string) error {
	found := contextfile.LooksSecret(text) ||
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
