package docs

import (
	"recon/cmd/recon/internal/home"
	"recon/inventory/contextfile"
)

// checkSecrets refuses a text that holds a secret: one of the project's own, or
// something that looks like one.
func (w *writer) checkSecrets(file, text string) error {
	if contextfile.LooksSecret(text) || w.home.Secrets.Holds(text) {
		return home.Refuse("look for it in the names, tags and purposes that recon shows", "%s is not written: its text would hold something that looks like a secret", file)
	}
	return nil
}
