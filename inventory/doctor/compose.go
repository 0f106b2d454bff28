package doctor

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"recon/inventory"
)

// composeRefused: docker compose would not run the file.
func composeRefused(f *Facts) []inventory.Finding {
	var out []inventory.Finding
	for i := range f.Files {
		x := &f.Files[i]
		for _, r := range x.Refused {
			out = append(out, inventory.Finding{
				Severity: "error", Address: x.At(r.Line), Summary: "docker compose refuses this file: " + r.Words,
				Evidence: []string{"compose-go, which docker compose reads files with: " + r.Words},
				Fix:      "docker compose -f " + x.Path + " config --quiet says whether it is mended",
			})
		}
	}
	return out
}

// secretInCompose: a password or key stands in a file that others read. Its value is
// not known here.
func secretInCompose(f *Facts) []inventory.Finding {
	var out []inventory.Finding
	said := map[string]bool{} // settings that several services share by an anchor
	for x, s := range f.services() {
		for _, secret := range s.Secrets {
			at := *x
			at.Path, _, _ = strings.Cut(s.Place, ":")
			if said[at.At(secret.Line)] {
				continue
			}
			said[at.At(secret.Line)] = true
			out = append(out, inventory.Finding{
				Address: at.At(secret.Line), Summary: fmt.Sprintf("%s of %s stands in the file as it is", secret.Name, s.Name),
				Evidence: []string{fmt.Sprintf("environment %s: %s", secret.Name, secret.Why)},
				Fix:      fmt.Sprintf("write ${%s} in its place and the value into .env, which .gitignore keeps out of the repository; then change it, for it was read", variableName(secret.Name)),
			})
		}
	}
	return out
}

func variableName(setting string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, setting)
}

// bindFileMissing: a file of the repository is mounted and is not there, and Docker
// makes a folder of that name.
func bindFileMissing(f *Facts) []inventory.Finding {
	var out []inventory.Finding
	for _, s := range f.services() {
		for _, b := range s.Binds {
			if !b.Lost {
				continue
			}
			finding := inventory.Finding{
				Address: s.Place, Summary: fmt.Sprintf("%s mounts %s, which is not there: Docker makes a folder of it", s.Name, b.Source),
				Evidence: []string{fmt.Sprintf("volumes: %s:%s", b.Source, b.Target), "there is no " + b.Path + ", and no .gitignore keeps it out"},
				Fix:      fmt.Sprintf("make the file before the first start (touch %s), or say in .gitignore that it is made on the machine", b.Path),
			}
			if b.Elsewhere != "" {
				finding.Evidence = append(finding.Evidence, "there is "+b.Elsewhere)
				finding.Fix = fmt.Sprintf("if %s is meant, write %s in place of %s; otherwise make the file before the first start", b.Elsewhere, relative(s.Place, b.Elsewhere), b.Source)
			}
			out = append(out, finding)
		}
	}
	return out
}

// relative writes a file of the repository as a compose file names it.
func relative(place, name string) string {
	file, _, _ := strings.Cut(place, ":")
	from, to := strings.Split(path.Dir(file), "/"), strings.Split(name, "/")
	if from[0] == "." {
		from = nil
	}
	for len(from) > 0 && len(to) > 1 && from[0] == to[0] {
		from, to = from[1:], to[1:]
	}
	if len(from) == 0 {
		return "./" + strings.Join(to, "/")
	}
	return strings.Repeat("../", len(from)) + strings.Join(to, "/")
}

// dependsOnSharedNamespace: a service lives in the network of another one, and the
// other one is made anew without it: by an updater, or by compose where depends_on does
// not say restart. It then has no network until somebody restarts it.
func dependsOnSharedNamespace(f *Facts) []inventory.Finding {
	var out []inventory.Finding
	for i := range f.Files {
		x := &f.Files[i]
		for j := range x.Services {
			s := &x.Services[j]
			if guests := x.guestsOf(s); len(guests) > 0 {
				if finding, ok := sharedNamespace(f, x, s, guests); ok {
					out = append(out, finding)
				}
			}
		}
	}
	return out
}

// guestsOf returns the services that live in the network of another one.
func (f *File) guestsOf(s *ComposeService) (out []*ComposeService) {
	for i := range f.Services {
		if o := &f.Services[i]; o.NetworkMode == "service:"+s.Name || s.Container != "" && o.NetworkMode == "container:"+s.Container {
			out = append(out, o)
		}
	}
	return out
}

func sharedNamespace(f *Facts, x *File, s *ComposeService, guests []*ComposeService) (inventory.Finding, bool) {
	var names, left []string
	condition := ""
	for _, g := range guests {
		names = append(names, g.Name)
		k := slices.IndexFunc(g.Needs, func(n Need) bool { return n.Service == s.Name && !n.Restart })
		if k >= 0 || strings.HasPrefix(g.NetworkMode, "container:") {
			left = append(left, g.Name)
		}
		if k >= 0 {
			condition = cmp.Or(condition, g.Needs[k].Condition)
		}
	}
	finding := inventory.Finding{Address: s.Place, Evidence: []string{fmt.Sprintf("network_mode of %s is the network of %s", strings.Join(names, ", "), s.Name)}}
	if u := updaterOf(f, x, s); u != nil && slices.ContainsFunc(guests, u.leaves) {
		finding.Summary = fmt.Sprintf("when %s replaces %s, %s without network", u.Name, s.Name, verb(names, "is", "are"))
		finding.Evidence = append(finding.Evidence, fmt.Sprintf("%s (%s) replaces containers whose image has changed", u.Name, u.Place))
		finding.Fix = fmt.Sprintf("label %s with com.centurylinklabs.watchtower.enable=false and update it with docker compose up -d, which makes the others anew too", s.Name)
		return finding, true
	}
	if len(left) == 0 {
		return finding, false
	}
	finding.Summary = fmt.Sprintf("when %s is made anew, %s without network", s.Name, verb(left, "is", "are"))
	finding.Evidence = append(finding.Evidence, fmt.Sprintf("depends_on of %s does not say restart: true", strings.Join(left, ", ")))
	finding.Fix = fmt.Sprintf("write depends_on: {%s: {condition: %s, restart: true}} for %s, and docker compose up -d restarts them together", s.Name, cmp.Or(condition, "service_started"), strings.Join(left, ", "))
	return finding, true
}

func verb(names []string, one, many string) string {
	if len(names) == 1 {
		return names[0] + " " + one
	}
	return strings.Join(names, ", ") + " " + many
}

// updaterOf returns the program that would replace a service by itself.
func updaterOf(f *Facts, x *File, s *ComposeService) *ComposeService {
	for y, u := range f.services() {
		if (x == y || x.Project == y.Project || x.Meets(y)) && u.replaces(s) && !y.Library {
			return u
		}
	}
	return nil
}

func (s *ComposeService) replaces(o *ComposeService) bool {
	return s.Updates == UpdatesAll && o.Update != "false" || s.Updates == UpdatesLabelled && o.Update == "true"
}

// leaves reports a service that an updater does not make anew together with the one in
// whose network it lives: watchtower does so with those that it may replace.
func (s *ComposeService) leaves(o *ComposeService) bool {
	return ImageName(s.Image) != "watchtower" || !s.replaces(o)
}

// fileNotRunning: the compose file of the repository and the container that runs under
// its name say different things.
func fileNotRunning(f *Facts) []inventory.Finding {
	var out []inventory.Finding
	for h, c := range f.containers() {
		x, s := f.fileOf(h, c)
		if s == nil || c.State != "running" {
			continue
		}
		if differs := differences(s, c); len(differs) > 0 {
			out = append(out, inventory.Finding{
				Address: s.Place, Summary: fmt.Sprintf("%s runs on %s otherwise than this file says", c.Name, h.Name), Evidence: differs,
				Fix: fmt.Sprintf("docker compose -f %s up -d on %s, or write into the file what runs", path.Base(x.Path), h.Name),
			})
		}
	}
	return out
}

// fileOf returns the service of the repository that a container was made of: the only
// one of its name in a file that has the name, and the folder, of the one that compose
// noted.
func (f *Facts) fileOf(h *Host, c *Container) (file *File, service *ComposeService) {
	if c.File == "" || c.Service == "" {
		return nil, nil
	}
	for x, s := range f.services() {
		if x.Kind != "compose" || s.Name != c.Service || path.Base(x.Path) != path.Base(c.File) || x.Host.Name != "" && x.Host.Name != h.Name {
			continue
		}
		if folder := path.Base(path.Dir(x.Path)); folder != "." && folder != path.Base(path.Dir(c.File)) || s.Container != "" && s.Container != c.Name {
			continue
		}
		if service != nil {
			return nil, nil
		}
		file, service = x, s
	}
	return file, service
}

// differences compares what a file says with what runs, where the file says it.
func differences(s *ComposeService, c *Container) (out []string) {
	if s.Image != "" && !s.Built && !strings.ContainsAny(s.Image, "${") && tagged(s.Image) != tagged(c.Image) && !strings.HasPrefix(c.Image, "sha256:") {
		out = append(out, fmt.Sprintf("image: the file says %s, and %s runs", s.Image, c.Image))
	}
	for _, p := range s.Published {
		if !sharesNetwork(c.NetworkMode) && !slices.ContainsFunc(c.Published, func(o Publish) bool {
			return o.Proto == p.Proto && o.First <= p.First && p.First <= o.Last
		}) {
			out = append(out, fmt.Sprintf("ports: the file publishes %s, the container does not", p))
		}
	}
	for _, b := range s.Binds {
		if strings.ContainsAny(b.Target, "${") {
			continue
		}
		switch live := bindAt(c.Binds, path.Clean(b.Target)); {
		case live == nil:
			out = append(out, fmt.Sprintf("volumes: the file mounts %s, the container has nothing there", b.Target))
		case path.IsAbs(b.Source) && b.Volume == "" && !strings.ContainsAny(b.Source, "${") && path.Clean(b.Source) != live.Source:
			out = append(out, fmt.Sprintf("volumes: at %s the file has %s, the container %s", b.Target, b.Source, live.Source))
		}
	}
	return out
}

// tagged writes out what an image's name leaves out.
func tagged(image string) string {
	image = strings.TrimPrefix(strings.TrimPrefix(image, "docker.io/"), "library/")
	if !strings.ContainsAny(image[strings.LastIndexByte(image, '/')+1:], ":@") {
		image += ":latest"
	}
	return image
}
