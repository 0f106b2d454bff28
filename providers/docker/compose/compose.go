// Package compose reads what files of a repository say about containers: compose
// files, compose text embedded in Ansible playbooks, Terraform and shell scripts,
// and places where such a file writes the daemon.json of a host.
//
// Compose files are loaded by compose-go as Docker would load them, with what they
// extend and include, and with the values that stand beside them. Everything is read,
// nothing run: no environment of the machine is used, and no value of a service's
// environment is kept. What holds services and cannot be understood is told as such; a
// doctor that guesses is no help.
package compose

import (
	"fmt"
	"io"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/sirupsen/logrus"
	"go.yaml.in/yaml/v4"

	"recon/inventory/doctor"
)

// compose-go tells its doubts about a file to the log of the whole program.
func init() { logrus.SetOutput(io.Discard) }

// service keeps what rules need. Values of the environment go no further.
func (r *repository) service(s *source, p *types.Project, c types.ServiceConfig) doctor.ComposeService {
	from := r.writtenIn(s, c.Name)
	node := valueOf(from.services, c.Name)
	out := doctor.ComposeService{
		Name: c.Name, Container: release(c.ContainerName), Image: release(c.Image), Built: c.Build != nil, NetworkMode: release(c.NetworkMode), Profiles: c.Profiles,
		Place: (&doctor.File{Path: from.name}).At(lineOf(from.services, c.Name)), Networks: networksOf(p, c),
		Secrets: secretsOf(node), Needs: needsOf(c), Update: c.Labels["com.centurylinklabs.watchtower.enable"], Updates: updates(c),
	}
	if c.Labels["traefik.enable"] != "false" {
		out.WantNetwork = release(c.Labels["traefik.docker.network"])
	}
	portsOf(&out, c)
	for _, v := range c.Volumes {
		if b, ok := r.bind(s, p, v); ok {
			b.Values = r.told(from, node, b.Target)
			out.Binds = append(out.Binds, b)
		}
	}
	out.Locals = append(r.mentions(c), r.configured(&out)...)
	slices.SortFunc(out.Locals, func(a, b doctor.Local) int { return strings.Compare(a.Where, b.Where) })
	return out
}

// writtenIn returns the file in which a service of a project is written.
func (r *repository) writtenIn(s *source, name string) *source {
	if lineOf(s.services, name) > 0 {
		return s
	}
	for _, other := range r.parts(s, map[string]bool{}) {
		if lineOf(other.services, name) > 0 {
			return other
		}
	}
	return s
}

// parts returns the files that belong to a project beside its own.
func (r *repository) parts(s *source, seen map[string]bool) (out []*source) {
	seen[s.name] = true
	if s.overrides != nil {
		out = append(out, s.overrides)
	}
	for _, name := range s.includes {
		if part := r.byName[name]; part != nil && !seen[name] {
			out = append(append(out, part), r.parts(part, seen)...)
		}
	}
	return out
}

func networksOf(p *types.Project, c types.ServiceConfig) (out []string) {
	for n := range c.Networks {
		out = append(out, plainName(p.Networks[n].Name, n))
	}
	if len(c.Networks) == 0 && c.NetworkMode == "" {
		out = []string{"default"}
	}
	slices.Sort(out)
	return out
}

func needsOf(c types.ServiceConfig) (out []doctor.Need) {
	for name, d := range c.DependsOn {
		out = append(out, doctor.Need{Service: name, Condition: d.Condition, Restart: d.Restart})
	}
	slices.SortFunc(out, func(a, b doctor.Need) int { return strings.Compare(a.Service, b.Service) })
	return out
}

// updates reports a program that replaces containers when their image has changed.
func updates(c types.ServiceConfig) string {
	if name := doctor.ImageName(c.Image); name != "watchtower" && name != "ouroboros" {
		return ""
	}
	words := slices.Concat(c.Command, c.Entrypoint)
	set := func(flag, variable string) bool {
		v := c.Environment[variable]
		return slices.Contains(words, flag) || slices.Contains(words, flag+"=true") || v != nil && (*v == "true" || *v == "1")
	}
	named := func(w string) bool { return !strings.HasPrefix(w, "-") && w != "" }
	switch {
	case set("--monitor-only", "WATCHTOWER_MONITOR_ONLY") || set("--no-restart", "WATCHTOWER_NO_RESTART") || set("--no-pull", "WATCHTOWER_NO_PULL") || slices.ContainsFunc(c.Command, named):
		return "" // it looks only, after what others pull, or after some that it names
	case set("--label-enable", "WATCHTOWER_LABEL_ENABLE"):
		return doctor.UpdatesLabelled
	}
	return doctor.UpdatesAll
}

func portsOf(out *doctor.ComposeService, c types.ServiceConfig) {
	for _, port := range c.Ports {
		if port.Target > 0 {
			out.Ports = append(out.Ports, int(port.Target))
		}
		if c.NetworkMode == "host" {
			out.Ignored = append(out.Ignored, written(port))
			continue
		}
		if p, ok := published(port); ok {
			out.Published = append(out.Published, p)
		}
	}
	for _, e := range c.Expose {
		if n := atoi(strings.TrimSuffix(e, "/tcp")); n > 0 {
			out.Ports = append(out.Ports, n)
		}
	}
}

// published returns the ports of the host of an entry, when the repository tells them.
func published(port types.ServicePortConfig) (doctor.Publish, bool) {
	first, last, ranged := strings.Cut(port.Published, "-")
	p := doctor.Publish{Address: port.HostIP, Proto: orName(port.Protocol, "tcp"), First: atoi(first), Last: atoi(first)}
	if ranged {
		p.Last = atoi(last)
	}
	return p, p.First > 0 && p.Last >= p.First && !strings.Contains(port.Published+port.HostIP, open) && !ranged
}

func written(port types.ServicePortConfig) string {
	if held, ok := strings.CutSuffix(port.Published, shut); ok {
		return held
	}
	if port.Published == "" {
		return fmt.Sprint(port.Target)
	}
	return fmt.Sprintf("%s:%d", port.Published, port.Target)
}

// bind returns a mount of a service: a folder or file of the host, or a named volume.
func (r *repository) bind(s *source, p *types.Project, v types.ServiceVolumeConfig) (doctor.Bind, bool) {
	b := doctor.Bind{Source: v.Source, Target: release(v.Target), ReadOnly: v.ReadOnly}
	switch {
	case v.Type == types.VolumeTypeBind:
		if name, inside := r.inside(b.Source); inside {
			b.Path, b.Source = name, s.relative(name)
			if !r.runFromAbove(s, name) {
				b.Lost, b.Elsewhere = r.lost(name, v)
			}
		}
	case v.Type == types.VolumeTypeVolume && v.Source != "":
		volume := p.Volumes[v.Source]
		b.Volume, b.Source = plainName(volume.Name, v.Source), deviceOf(volume.DriverOpts)
		if name, inside := r.inside(b.Source); inside {
			b.Path, b.Source = name, s.relative(name)
		}
	default:
		return b, false
	}
	b.Source = release(b.Source)
	return b, true
}

// runFromAbove reports a file that is there when compose is run from a folder above that of
// the compose file, as with COMPOSE_FILE or --project-directory.
func (r *repository) runFromAbove(s *source, name string) bool {
	rel, below := strings.CutPrefix(name, s.folder()+"/")
	for dir := s.folder(); below && dir != "." && dir != "/"; {
		if dir = path.Dir(dir); r.names[path.Join(dir, rel)] {
			return true
		}
	}
	return false
}

// inside returns the name in the repository of a path that compose-go has resolved.
func (r *repository) inside(p string) (string, bool) {
	rel, err := filepath.Rel(r.root, p)
	if err != nil || !path.IsAbs(p) || strings.Contains(p, rooted) || rel == ".." || strings.HasPrefix(rel, "../") {
		return "", false
	}
	return filepath.ToSlash(rel), true
}

// relative writes a name of the repository as the file names it.
func (s *source) relative(name string) string {
	rel, err := filepath.Rel(filepath.FromSlash(s.folder()), filepath.FromSlash(name))
	if err != nil || strings.HasPrefix(rel, "..") {
		return filepath.ToSlash(rel)
	}
	return "./" + filepath.ToSlash(rel)
}

// deviceOf says where a named volume lies, as far as its driver is told.
func deviceOf(opts types.Options) string {
	device, o := opts["device"], opts["o"]
	for option := range strings.SplitSeq(o, ",") {
		if host, ok := strings.CutPrefix(option, "addr="); ok && strings.HasPrefix(device, ":") {
			return host + device
		}
	}
	return device
}

// ofPlaybook is a place from which Ansible copies: what lies beside a file there says
// nothing of what lies beside it on the machine.
var ofPlaybook = regexp.MustCompile(`(^|/)(roles|files)/`)

// lost reports a file of the repository that is mounted and is not there: Docker makes a
// folder of it. A name that may be a folder, that is made on the machine, or that its
// author keeps out of the repository is none.
func (r *repository) lost(name string, v types.ServiceVolumeConfig) (lost bool, elsewhere string) {
	if v.Bind != nil && !bool(v.Bind.CreateHostPath) || !fileName(name) || !fileName(v.Target) || r.names[name] || strings.Contains(name, open) || ofPlaybook.MatchString(name) {
		return false, ""
	}
	base := path.Base(name)
	if r.ignore.matches(name) || r.touch[base] || r.ofTemplate(name) || strings.HasPrefix(base, ".") && !r.names[path.Dir(name)] {
		return false, ""
	}
	if keyFile.MatchString(base) {
		return false, "" // no repository should have it
	}
	for other := range r.names {
		if path.Base(other) == base && (elsewhere == "" || nearer(name, other, elsewhere)) {
			elsewhere = other
		}
	}
	dir := path.Dir(name) // one that the repository does not have at all is made on the machine
	return elsewhere != "" || dir == "." || r.names[dir], elsewhere
}

// keyFile is a key, a certificate, or what a program keeps.
var keyFile = regexp.MustCompile(`(?i)\.(?:pem|key|crt|cert|cer|p12|pfx|jks|keystore|csr|db|sqlite3?|log|pid|sock)$`)

// nearer prefers, of two files of one name, that which shares more of the path, then the
// one that sorts first.
func nearer(name, a, b string) bool {
	shared := func(o string) (n int) {
		x, y := strings.Split(name, "/"), strings.Split(o, "/")
		for n < len(x) && n < len(y) && x[n] == y[n] {
			n++
		}
		return n
	}
	if shared(a) != shared(b) {
		return shared(a) > shared(b)
	}
	return a < b
}

// ofTemplate reports a file that is made of one beside it.
func (r *repository) ofTemplate(name string) bool {
	stem := strings.TrimSuffix(name, path.Ext(name))
	for _, end := range []string{".example", ".sample", ".template", ".tmpl", ".tpl", ".dist", ".j2", ".default", ".orig", ".enc", ".sops", ".age", ".gpg", ".vault"} {
		if r.names[name+end] || r.names[stem+end+path.Ext(name)] || r.names[path.Join(path.Dir(name), strings.TrimPrefix(end, ".")+"."+path.Base(name))] {
			return true
		}
	}
	return false
}

// endings are those of files that programs are configured with, and never of folders.
var endings = []string{
	".yml", ".yaml", ".json", ".toml", ".ini", ".conf", ".cfg", ".cnf", ".env", ".sh", ".py", ".js", ".ts", ".xml", ".sql", ".pem", ".crt", ".key", ".txt", ".properties", ".lua",
	".php", ".html", ".css", ".rules", ".hcl", ".tf", ".acl", ".pass", ".passwd", ".htpasswd", ".list", ".config", ".csv", ".service", ".db", ".sqlite", ".sqlite3", ".template",
}

// fileName reports a name that is a file's.
func fileName(name string) bool {
	base := path.Base(name)
	return slices.Contains(endings, strings.ToLower(path.Ext(base))) || slices.Contains([]string{"Caddyfile", "Corefile", "passwd", ".htpasswd", ".env", "Dockerfile"}, base)
}

// makes notes the files that a script makes: those that it names.
func (r *repository) makes(s *source) {
	base := strings.ToLower(path.Base(s.name))
	script := slices.Contains([]string{".sh", ".bash"}, path.Ext(base)) || base == "makefile" || base == "justfile" || s.doc == nil && strings.Contains(s.text, "dest:")
	if !script {
		return
	}
	for word := range strings.FieldsFuncSeq(s.text, func(c rune) bool { return strings.ContainsRune(" \t\r\n\"'`=/(){};,<>|&:", c) }) {
		if fileName(word) {
			r.touch[word] = true
		}
	}
}

// valueText returns the text of a scalar.
func valueText(n *yaml.Node) string {
	if n = aliased(n); n != nil && n.Kind == yaml.ScalarNode {
		return n.Value
	}
	return ""
}
