package home

import (
	"strings"
	"sync"

	"recon/inventory"
	"recon/manifests"
)

// shortSecret is the length below which a secret is found everywhere by chance.
const shortSecret = 6

// learned are secrets that no manifest holds: what token commands printed.
type learned struct {
	sync.Mutex
	values []string
}

// learnSecret keeps the secret part of a token.
func (h *Home) learnSecret(token string) {
	_, uuid, _ := strings.Cut(token, "=")
	h.learned.Lock()
	defer h.learned.Unlock()
	h.learned.values = append(h.learned.values, uuid)
}

// Secrets returns the secrets that manifests hold and those that token commands
// printed.
func (h *Home) Secrets(p *manifests.Project) (out []string) {
	h.learned.Lock()
	all := append([]string{}, h.learned.values...)
	h.learned.Unlock()
	for _, text := range append(all, declaredSecrets(p)...) {
		if len(text) >= shortSecret {
			out = append(out, text)
		}
	}
	return out
}

// declaredSecrets returns the secrets that manifests hold.
func declaredSecrets(p *manifests.Project) (out []string) {
	for i := range p.Clusters {
		_, uuid, _ := strings.Cut(p.Clusters[i].Token, "=")
		out = append(out, uuid)
	}
	if p.Ledger != nil {
		out = append(out, p.Ledger.Password())
	}
	for i := range p.Resources {
		r := &p.Resources[i]
		for path, v := range r.Attrs {
			if attr, _, _ := r.Kind().Lookup(path); attr != nil && attr.Secret {
				out = append(out, inventory.Text(v))
			}
		}
		if r.Policy.Create != nil {
			out = append(out, inventory.Text(r.Policy.Create.Password))
		}
	}
	return out
}
