package home

import (
	"net/url"
	"strings"

	"recon/inventory"
	"recon/manifests"
)

// declaredSecrets returns the secrets that manifests hold.
func declaredSecrets(p *manifests.Project) (out []string) {
	if p == nil {
		return nil
	}
	for i := range p.Clusters {
		out = append(out, secretOf(p.Clusters[i].Token))
	}
	for i := range p.Checks {
		token := p.Checks[i].Text("token")
		out = append(out, token, secretOf(token))
	}
	if p.Ledger != nil {
		out = append(out, p.Ledger.Password())
	}
	if p.Ledger != nil {
		if u, err := url.Parse(p.Ledger.URL); err == nil && u.User != nil {
			password, _ := u.User.Password()
			out = append(out, password)
		}
	}
	if p.Page != nil && p.Page.Login != nil && p.Page.Login.OIDC != nil {
		out = append(out, p.Page.Login.OIDC.Secret)
	}
	if p.Source != nil {
		out = append(out, p.Source.Token, p.Source.Secret)
	}
	for i := range p.Notify {
		out = append(out, p.Notify[i].Secrets()...)
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

// secretOf is the secret part of a token.
func secretOf(token string) string {
	if _, uuid, ok := strings.Cut(token, "="); ok {
		return uuid
	}
	return token
}
