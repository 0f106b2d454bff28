package compose

import (
	"cmp"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"

	"recon/inventory/doctor"
)

// mentions finds localhost in what a service is told: its environment, also that of its
// env_file, its command and its labels.
func (r *repository) mentions(c types.ServiceConfig) (out []doctor.Local) {
	settings := map[string]string{}
	for _, f := range c.EnvFiles {
		name, inside := r.inside(f.Path)
		if !inside || !r.names[name] {
			continue
		}
		if text, err := r.text(name); err == nil {
			for k, v := range valuesOf(text) {
				settings[k] = v
			}
		}
	}
	for k, v := range c.Environment {
		if v != nil {
			settings[k] = *v
		}
	}
	out = doctor.MentionsIn(settings)
	for _, arg := range slices.Concat(c.Command, c.Entrypoint) {
		if strings.Contains(arg, "<<") {
			continue // it writes a file, which others read
		}
		out = append(out, doctor.Mentions("command", arg)...)
	}
	for k, v := range c.Labels {
		out = append(out, doctor.Mentions("label "+k, v)...)
	}
	return out
}

// configuring are the lines of a program's configuration that name what it calls, by
// the name of its image.
var configuring = map[string]*regexp.Regexp{
	"nginx":               regexp.MustCompile(`^\s*((proxy|fastcgi|uwsgi|grpc|scgi)_pass|server|set\s+\$\w+)\s`),
	"swag":                regexp.MustCompile(`^\s*((proxy|fastcgi|uwsgi|grpc)_pass|server|set\s+\$\w+)\s`),
	"nginx-proxy-manager": regexp.MustCompile(`^\s*((proxy|fastcgi|grpc)_pass|server|set\s+\$\w+)\s`),
	"caddy":               regexp.MustCompile(`\b(reverse_proxy|forward_auth|php_fastcgi|to)\s`),
	"traefik":             regexp.MustCompile(`\b(url|address)["']?\s*[:=]\s*["']?\w*:?/?/?(localhost|127\.|\[::1)`),
	"haproxy":             regexp.MustCompile(`^\s*server\s`),
	"prometheus":          regexp.MustCompile(`(targets|^\s*-\s|replacement|url)`),
	"vmagent":             regexp.MustCompile(`(targets|^\s*-\s|url)`),
	"promtail":            regexp.MustCompile(`\burl\s*:`),
	"alloy":               regexp.MustCompile(`\b(url|endpoint|__address__|targets)\b`),
	"grafana":             regexp.MustCompile(`^\s*url\s*:`),
	"cloudflared":         regexp.MustCompile(`\bservice\s*:`),
	"homepage":            regexp.MustCompile(`^\s*-?\s*url\s*:`),
	"telegraf":            regexp.MustCompile(`\b(urls?|servers|address|endpoint)\s*=`),
	"authelia":            regexp.MustCompile(`\b(host|address|url)\s*:`),
	"zigbee2mqtt":         regexp.MustCompile(`\bserver\s*:`),
	"home-assistant":      regexp.MustCompile(`\b(broker|host|url|resource|db_url)\s*:`),
	"frigate":             regexp.MustCompile(`^\s*(host|url)\s*:`),
}

var commented = regexp.MustCompile(`^\s*(#|//|;)`)

// configured finds localhost in the configuration files that a service of a known
// program mounts from the repository.
func (r *repository) configured(s *doctor.ComposeService) (out []doctor.Local) {
	lines := configuring[doctor.ImageName(s.Image)]
	if lines == nil {
		return nil
	}
	for _, b := range s.Binds {
		if b.Path == "" || !r.names[b.Path] {
			continue
		}
		for _, file := range r.below(b.Path) {
			text, err := r.text(file)
			if err != nil {
				continue
			}
			for l := range strings.SplitSeq(text, "\n") {
				if lines.MatchString(l) && !commented.MatchString(l) {
					out = append(out, doctor.Mentions("the file "+file, l)...)
				}
			}
		}
	}
	slices.SortFunc(out, func(a, b doctor.Local) int { return cmp.Or(cmp.Compare(a.Where, b.Where), cmp.Compare(a.Port, b.Port)) })
	return slices.Compact(out)
}

// below returns the file, or the configuration files of a folder.
func (r *repository) below(name string) (out []string) {
	info, err := fs.Stat(r.fsys, name)
	if err != nil || !info.IsDir() {
		return []string{name}
	}
	for p := range r.names {
		if doctor.Within(p, name) && p != name && slices.Contains([]string{".yml", ".yaml", ".conf", ".toml", ".cfg", ".alloy"}, path.Ext(p)) {
			out = append(out, p)
		}
	}
	slices.Sort(out)
	return out[:min(len(out), 64)]
}
