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
			"/etc/nginx/nginx.conf", "/etc/nginx/conf.d/*.conf", "/etc/nginx/sites-enabled/*", "/etc/nginx/http.d/*.conf", "/data/nginx/proxy_host/*.conf", "/data/nginx/stream/*.conf",
			"/config/nginx/*.conf", "/config/nginx/site-confs/*.conf", "/config/nginx/proxy-confs/*.conf",
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

// rounds are how often files are looked for that the files before name: a Traefik's
// folder, an include in an include.
const rounds = 4

// Survey reads what the proxies and name servers of the host are told.
func (p *Provider) Survey(ctx context.Context) inventory.Surroundings {
	facts := p.Facts()
	if facts == nil {
		return inventory.Surroundings{} // that the host was not seen is said already
	}
	look := looked{files: map[string]string{}}
	next := placesOf(facts.Containers)
	var told *doctor.Told
	for range rounds {
		if err := p.files(ctx, next, &look); err != nil {
			return inventory.Surroundings{Lost: []inventory.Part{{What: "files of proxies and name servers on " + p.HostName(), Why: err.Error()}}}
		}
		look.places = append(look.places, next...)
		var included []place
		told, included = understand(&look)
		next = named(&look, facts.Containers, slices.Concat(watched(told, facts.Containers), included))
		if len(next) == 0 {
			break
		}
	}
	after := *facts
	after.Told = told
	p.mu.Lock()
	p.last.facts = &after
	p.mu.Unlock()
	var out inventory.Surroundings
	for _, u := range told.Unread {
		out.Lost = append(out.Lost, inventory.Part{What: "a file of " + p.HostName(), Why: u})
	}
	return out
}

// A looked is what was looked for, and what was found.
type looked struct {
	places []place
	files  map[string]string // by their names on the host
	lost   []string          // what could not be read
}

// placesOf are the files to look for: those of the host, and those of its containers
// that lie on the host. A file that is both is the container's, which was given it.
func placesOf(containers []doctor.Container) (out []place) {
	for _, r := range readers() {
		for _, pattern := range r.paths {
			for i := range containers {
				if host, inside, ok := patternOnHost(&containers[i], pattern); ok && r.program != "hosts" {
					out = append(out, place{r.program, containers[i].Name, host, inside})
				}
			}
			out = append(out, place{r.program, "", pattern, pattern})
		}
	}
	return out
}

// patternOnHost is where on the host the files of a container lie that match a pattern,
// and where the container sees them.
func patternOnHost(c *doctor.Container, pattern string) (host, inside string, ok bool) {
	for _, b := range c.Binds {
		if b.Source == "" || strings.ContainsAny(b.Source, "*?[\n") {
			continue
		}
		if ok, _ := path.Match(pattern, b.Target); ok {
			return b.Source, b.Target, true
		}
		dir := path.Dir(pattern)
		for strings.ContainsAny(dir, "*") {
			dir = path.Dir(dir)
		}
		if doctor.Within(dir, b.Target) && b.Target != "/" {
			return path.Join(b.Source, strings.TrimPrefix(pattern, b.Target)), pattern, true
		}
		if deep, ok := strings.CutPrefix(b.Target, dir+"/"); ok && !strings.Contains(deep, "/") && strings.Count(pattern[len(dir):], "/") == 2 {
			return path.Join(b.Source, path.Base(pattern)), path.Join(b.Target, path.Base(pattern)), true // /etc/traefik/dynamic, for /etc/traefik/*/*.yml
		}
	}
	return "", "", false
}

// files reads what matches patterns, by their names on the host.
func (p *Provider) files(ctx context.Context, asked []place, look *looked) error {
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
		return err
	}
	ended := false
	for l := range strings.SplitSeq(out, "\n") {
		f := strings.Fields(l)
		switch {
		case len(f) >= 2 && f[0] == "file":
			text, err := base64.StdEncoding.DecodeString(strings.Join(f[2:], ""))
			if err == nil {
				look.files[decode(f[1])] = string(text)
			}
		case len(f) == 2 && f[0] == "unreadable":
			look.lost = append(look.lost, decode(f[1])+" may not be read by this user")
		case l == "more":
			look.lost = append(look.lost, "there are more than 200 files of settings; the others were not read")
		case l == "end":
			ended = true
		}
	}
	if !ended {
		return fmt.Errorf("the host's answer broke off")
	}
	return nil
}

// understand reads files of each program, and returns what they include beside.
func understand(look *looked) (*doctor.Told, []place) {
	told := &doctor.Told{Unread: slices.Clone(look.lost)}
	type program struct{ name, by string }
	together := map[program][]wiring.File{} // one nginx or Caddy reads all its files together
	done := map[string]bool{}
	for _, a := range look.places {
		for _, name := range matching(look.files, a.pattern) {
			if done[name] {
				continue
			}
			done[name] = true
			if a.program == "nginx" || a.program == "caddy" {
				f := wiring.File{Name: name, Path: a.seen(name), Text: look.files[name]}
				together[program{a.program, a.by}] = append(together[program{a.program, a.by}], f)
			} else if err := understandFile(told, a, name, look.files[name]); err != nil {
				told.Unread = append(told.Unread, name+": "+oneWord(err))
			}
		}
	}
	var included []place
	for p, files := range together {
		read := wiring.Nginx
		if p.name == "caddy" {
			read = wiring.Caddy
		}
		routes, lost := read(files)
		told.Routes = append(told.Routes, by(p.by, routes)...)
		for _, pattern := range lost {
			if strings.Contains(pattern, "{") {
				told.Unread = append(told.Unread, pattern+", which "+p.name+" includes, is named by a variable")
				continue
			}
			included = append(included, place{p.name, p.by, "", pattern})
		}
	}
	for _, z := range told.Zones {
		for _, i := range z.Includes {
			included = append(included, place{i.Program, z.By, "", i.Pattern})
		}
	}
	slices.SortStableFunc(told.Routes, func(a, b wiring.Route) int { return strings.Compare(a.Place, b.Place) })
	return told, included
}

// by notes the container whose routes they are.
func by(container string, routes []wiring.Route) []wiring.Route {
	for i := range routes {
		routes[i].By = container
	}
	return routes
}

// seen is where the program of a place sees a file of the host.
func (a *place) seen(name string) string {
	shared := 0 // how much of the ends of both patterns is the same
	for shared < min(len(a.pattern), len(a.inside)) && a.pattern[len(a.pattern)-1-shared] == a.inside[len(a.inside)-1-shared] {
		shared++
	}
	before := a.pattern[:len(a.pattern)-shared]
	if rest, ok := strings.CutPrefix(name, before); ok {
		return a.inside[:len(a.inside)-shared] + rest
	}
	return a.inside
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
	case "cloudflared":
		routes, err := wiring.Cloudflared(name, text)
		told.Routes = append(told.Routes, by(a.by, routes)...)
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
	case "addn-hosts":
		zone = wiring.HostsFile("dnsmasq", name, text)
	case "hosts":
		zone = wiring.HostsFile("hosts", name, text)
	}
	if zone.By = a.by; len(zone.Records)+len(zone.Forwards)+len(zone.Includes) > 0 {
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
	text, err := wiring.Templated(text)
	if err != nil {
		return err
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

// watched are the files that a Traefik is told to read, with where it sees them.
func watched(told *doctor.Told, containers []doctor.Container) (out []place) {
	add := func(by string, watches []string) {
		for _, w := range watches {
			if slices.Contains([]string{".yml", ".yaml", ".toml"}, path.Ext(w)) {
				out = append(out, place{"traefik", by, "", w})
				continue
			}
			for _, ending := range []string{"/*.yml", "/*.yaml", "/*.toml"} {
				out = append(out, place{"traefik", by, "", strings.TrimSuffix(w, "/") + ending})
			}
		}
	}
	for i := range containers {
		c := &containers[i]
		if c.Static != nil {
			add(c.Name, c.Static.Watches)
		} else if doctor.ImageName(c.Image) == "traefik" && told.Static != nil {
			add(c.Name, told.Static.Watches)
		}
	}
	if len(out) == 0 && told.Static != nil {
		add("", told.Static.Watches)
	}
	return out
}

// named are places that files name, on the host, of which none was looked for yet. What
// lies in the image of a container cannot be.
func named(look *looked, containers []doctor.Container, places []place) (out []place) {
	for _, p := range places {
		p.pattern = p.inside
		if i := slices.IndexFunc(containers, func(c doctor.Container) bool { return c.Name == p.by }); i >= 0 {
			var ok bool
			if p.pattern, p.inside, ok = patternOnHost(&containers[i], p.inside); !ok {
				continue
			}
		}
		same := func(o place) bool { return o.pattern == p.pattern && o.program == p.program && o.by == p.by }
		if !slices.ContainsFunc(look.places, same) && !slices.ContainsFunc(out, same) {
			out = append(out, p)
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
