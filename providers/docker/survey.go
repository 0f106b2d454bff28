package docker

import (
	"context"
	"encoding/base64"
	"fmt"
	"path"
	"slices"
	"strings"

	"recon/inventory"
	"recon/inventory/doctor"
	"recon/inventory/wiring"
	"recon/providers/sshhost"
)

// filesScript prints files by patterns, one a line of its input, as base64 on both
// sides, and stops at sizes that no settings have. A pattern may match what is no file.
const filesScript = `
b64() { base64 | tr -d '\n'; }
quick() { if command -v timeout >/dev/null; then timeout 3 "$@"; else "$@"; fi; }
n=0
while read -r line; do
	pattern=$(printf %s "$line" | base64 -d)
	IFS='
'
	for f in $pattern; do
		[ -f "$f" ] || continue
		n=$((n + 1))
		[ $n -gt 200 ] && { echo more; break 2; }
		name=$(printf %s "$f" | b64)
		if [ -r "$f" ]; then echo "file $name $(quick head -c 262144 -- "$f" | b64)"; else echo "unreadable $name"; fi
	done
	unset IFS
done
echo end
`

// A reader is a program whose files say how a home hangs together.
type reader struct {
	program string
	paths   []string // patterns, on a machine or in a container
}

// readers are the programs with the places of their files by their own manuals and those
// of their images.
func readers() []reader {
	return []reader{
		{"hosts", []string{"/etc/hosts"}},
		{"traefik", []string{
			"/etc/traefik/*.yml", "/etc/traefik/*.yaml", "/etc/traefik/*.toml", "/etc/traefik/*/*.yml", "/etc/traefik/*/*.yaml", "/etc/traefik/*/*.toml",
			"/traefik.yml", "/traefik.yaml", "/traefik.toml",
		}},
		{"nginx", []string{
			"/etc/nginx/nginx.conf", "/etc/nginx/conf.d/*.conf", "/etc/nginx/sites-enabled/*", "/etc/nginx/http.d/*.conf", "/data/nginx/proxy_host/*.conf",
			"/config/nginx/site-confs/*.conf", "/config/nginx/proxy-confs/*.conf",
		}},
		{"caddy", []string{"/etc/caddy/Caddyfile", "/etc/caddy/conf.d/*", "/etc/caddy/sites/*"}},
		{"cloudflared", []string{"/etc/cloudflared/config.yml", "/etc/cloudflared/config.yaml"}},
		{"dnsmasq", []string{"/etc/dnsmasq.conf", "/etc/dnsmasq.d/*"}},
		{"pihole", []string{"/etc/pihole/custom.list", "/etc/pihole/pihole.toml"}},
		{"adguard", []string{"/opt/AdGuardHome/AdGuardHome.yaml", "/opt/adguardhome/conf/AdGuardHome.yaml"}},
		{"unbound", []string{"/etc/unbound/unbound.conf", "/etc/unbound/unbound.conf.d/*.conf", "/opt/unbound/etc/unbound/*.conf"}},
	}
}

// A place is a pattern of files on the host, the program that reads them, and in which
// container.
type place struct{ program, by, pattern, inside string }

// Survey reads what the proxies and name servers of the host are told: one look, and a
// second one when a Traefik has its files where only its first file says.
func (p *Provider) Survey(ctx context.Context) inventory.Surroundings {
	facts := p.Facts()
	if facts == nil {
		return inventory.Surroundings{} // that the host was not seen is said already
	}
	told := &doctor.Told{}
	asked := placesOf(facts.Containers)
	for range 2 {
		files, err := p.files(ctx, asked, told)
		if err != nil {
			return inventory.Surroundings{Lost: []inventory.Part{{What: "files of proxies and name servers on " + p.HostName(), Why: err.Error()}}}
		}
		understand(told, asked, files)
		if asked = watched(told, facts.Containers, asked); len(asked) == 0 {
			break
		}
	}
	next := *facts
	next.Told = told
	p.mu.Lock()
	p.last.facts = &next
	p.mu.Unlock()
	var out inventory.Surroundings
	for _, u := range told.Unread {
		out.Lost = append(out.Lost, inventory.Part{What: "a file of " + p.HostName(), Why: u})
	}
	return out
}

// placesOf are the files to look for: those of the host, and those of its containers
// that lie on the host.
func placesOf(containers []doctor.Container) (out []place) {
	for _, r := range readers() {
		for _, pattern := range r.paths {
			out = append(out, place{r.program, "", pattern, pattern})
			if r.program == "hosts" {
				continue
			}
			for i := range containers {
				if host, ok := patternOnHost(&containers[i], pattern); ok {
					out = append(out, place{r.program, containers[i].Name, host, pattern})
				}
			}
		}
	}
	return out
}

// patternOnHost is where on the host the files of a container lie that match a pattern.
func patternOnHost(c *doctor.Container, pattern string) (string, bool) {
	for _, b := range c.Binds {
		if b.Source == "" || strings.ContainsAny(b.Source, "*?[\n") {
			continue
		}
		if ok, _ := path.Match(pattern, b.Target); ok {
			return b.Source, true
		}
		dir := path.Dir(pattern)
		for strings.ContainsAny(dir, "*") {
			dir = path.Dir(dir)
		}
		if doctor.Within(dir, b.Target) && b.Target != "/" {
			return path.Join(b.Source, strings.TrimPrefix(pattern, b.Target)), true
		}
		if deep, ok := strings.CutPrefix(b.Target, dir+"/"); ok && !strings.Contains(deep, "/") && strings.Count(pattern[len(dir):], "/") == 2 {
			return path.Join(b.Source, path.Base(pattern)), true // /etc/traefik/dynamic, for /etc/traefik/*/*.yml
		}
	}
	return "", false
}

// files reads what matches patterns, by their names on the host.
func (p *Provider) files(ctx context.Context, asked []place, told *doctor.Told) (map[string]string, error) {
	var input strings.Builder
	seen := map[string]bool{}
	for _, a := range asked {
		if !seen[a.pattern] {
			seen[a.pattern] = true
			fmt.Fprintf(&input, "%s\n", b64(a.pattern))
		}
	}
	out, err := p.host.Run(ctx, sshhost.Command{What: "read what proxies and name servers are told", Script: filesScript, Stdin: strings.NewReader(input.String())})
	if err != nil {
		return nil, err
	}
	files, ended := map[string]string{}, false
	for l := range strings.SplitSeq(out, "\n") {
		f := strings.Fields(l)
		switch {
		case len(f) >= 2 && f[0] == "file":
			text, err := base64.StdEncoding.DecodeString(strings.Join(f[2:], ""))
			if err == nil {
				files[decode(f[1])] = string(text)
			}
		case len(f) == 2 && f[0] == "unreadable":
			told.Unread = append(told.Unread, decode(f[1])+" may not be read by this user")
		case l == "more":
			told.Unread = append(told.Unread, "there are more than 200 files of settings; the others were not read")
		case l == "end":
			ended = true
		}
	}
	if !ended {
		return nil, fmt.Errorf("the host's answer broke off")
	}
	return files, nil
}

// understand reads files of each program.
func understand(told *doctor.Told, asked []place, files map[string]string) {
	nginx := map[string][]string{} // by container: one nginx reads all its files together
	done := map[string]bool{}
	for _, a := range asked {
		for _, name := range matching(files, a.pattern) {
			if done[name] {
				continue
			}
			done[name] = true
			if a.program == "nginx" {
				nginx[a.by] = append(nginx[a.by], name)
				continue
			}
			if err := understandFile(told, a, name, files[name]); err != nil {
				told.Unread = append(told.Unread, name+": "+oneWord(err))
			}
		}
	}
	for by, names := range nginx {
		for _, r := range wiring.Nginx(files, names) {
			r.By = by
			told.Routes = append(told.Routes, r)
		}
	}
	slices.SortStableFunc(told.Routes, func(a, b wiring.Route) int { return strings.Compare(a.Place, b.Place) })
}

func matching(files map[string]string, pattern string) (out []string) {
	for name := range files {
		if ok, _ := path.Match(pattern, name); ok || name == pattern {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

func understandFile(told *doctor.Told, a place, name, text string) (err error) {
	var zone wiring.Zone
	switch a.program {
	case "traefik":
		return traefikFile(told, a, name, text)
	case "caddy":
		for _, r := range wiring.Caddy(name, text) {
			r.By = a.by
			told.Routes = append(told.Routes, r)
		}
		return nil
	case "cloudflared":
		routes, err := wiring.Cloudflared(name, text)
		for _, r := range routes {
			r.By = a.by
			told.Routes = append(told.Routes, r)
		}
		return err
	case "pihole":
		if strings.HasSuffix(name, ".toml") {
			zone, err = wiring.PiholeTOML(name, text)
		} else {
			zone = wiring.HostsFile("pihole", name, text)
		}
	case "adguard":
		zone, err = wiring.AdGuard(name, text)
	case "unbound":
		zone = wiring.Unbound(name, text)
	case "dnsmasq":
		zone = wiring.Dnsmasq("dnsmasq", name, text)
	case "hosts":
		zone = wiring.HostsFile("hosts", name, text)
	}
	if zone.By = a.by; len(zone.Records)+len(zone.Forwards) > 0 {
		told.Zones = append(told.Zones, zone)
	}
	return err
}

// traefikFile reads a file of Traefik, which is its first one or one with routes.
func traefikFile(told *doctor.Told, a place, name, text string) error {
	read := wiring.YAML
	if strings.HasSuffix(name, ".toml") {
		read = wiring.TOML
	}
	t, err := read(text)
	if err != nil {
		return err
	}
	if s := wiring.StaticOf(t); s != nil && told.Static == nil {
		told.Static = s
	}
	if d := wiring.DynamicOf(t, "file", name); d != nil {
		d.By = a.by
		told.Traefik = append(told.Traefik, *d)
	}
	return nil
}

// watched are the files that a Traefik was told to read and that were not looked for.
func watched(told *doctor.Told, containers []doctor.Container, before []place) (out []place) {
	add := func(by, inside string, c *doctor.Container) {
		patterns := []string{inside}
		if !slices.Contains([]string{".yml", ".yaml", ".toml"}, path.Ext(inside)) {
			patterns = []string{inside + "/*.yml", inside + "/*.yaml", inside + "/*.toml"}
		}
		for _, pattern := range patterns {
			host, ok := pattern, c == nil
			if c != nil {
				host, ok = patternOnHost(c, pattern)
			}
			if ok && !slices.ContainsFunc(before, func(p place) bool { return p.pattern == host }) {
				out = append(out, place{"traefik", by, host, pattern})
			}
		}
	}
	for i := range containers {
		c := &containers[i]
		s := c.Static
		if s == nil && doctor.ImageName(c.Image) == "traefik" {
			s = told.Static
		}
		if s != nil {
			for _, w := range s.Watches {
				add(c.Name, strings.TrimSuffix(w, "/"), c)
			}
		}
	}
	if len(out) == 0 && told.Static != nil {
		for _, w := range told.Static.Watches {
			add("", strings.TrimSuffix(w, "/"), nil)
		}
	}
	return out
}

// oneWord is the first line of an error, without what the file holds.
func oneWord(err error) string {
	text, _, _ := strings.Cut(err.Error(), "\n")
	if i := strings.IndexByte(text, '"'); i > 0 {
		text = text[:i]
	}
	return "not understood: " + strings.TrimSpace(text)
}
