package wiring

import "strings"

// Cloudflared reads the ingress rules of a tunnel (config.yml): a name, the pattern of a
// path, and the service behind them.
func Cloudflared(file, text string) (out []Route, err error) {
	t, err := YAML(text)
	for _, rule := range t.trees("ingress") {
		name, service := rule.text("hostname"), rule.text("service")
		to := URL(service)
		if host(strings.TrimPrefix(name, "*.")) == "" || to.Host == "" || !strings.Contains(service, "://") {
			continue // the last rule, or an answer of its own: http_status:404
		}
		r := Route{Proxy: "cloudflared", Name: name, Hosts: []string{strings.ToLower(name)}, TLS: true, To: []Endpoint{to}, Place: file + " ingress"}
		if p := rule.text("path"); p != "" {
			r.Paths, r.Unread = []string{p}, pathPattern
		}
		out = append(out, r)
	}
	return out, err
}
