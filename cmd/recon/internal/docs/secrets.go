package docs

import (
	"slices"
	"strings"

	"recon/cmd/recon/internal/home"
	"recon/inventory/contextfile"
)

// checkSecrets refuses a text that holds a secret: one of the project's own, or
// something that looks like one.
func (w *writer) checkSecrets(file, text string) error {
	found := contextfile.LooksSecret(text) ||
		slices.ContainsFunc(w.home.Secrets(w.project), func(secret string) bool { return strings.Contains(text, secret) })
	if found {
		return home.Refuse("look for it in the names, tags and purposes that recon shows", "%s is not written: its text would hold something that looks like a secret", file)
	}
	return nil
}
