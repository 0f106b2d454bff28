// Package compose reads what files of a repository say about containers: compose
// files, compose text embedded in Ansible playbooks, Terraform and shell scripts,
// and places where such a file writes the daemon.json of a host.
//
// Everything is read, nothing run: no include is followed, no environment of the
// machine is used, and no value of a service's environment is kept. What holds
// services and cannot be understood is told as such; a doctor that guesses is no help.
package compose

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/interpolation"
	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/template"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/sirupsen/logrus"
	"go.yaml.in/yaml/v4"

	"recon/inventory/doctor"
)

// compose-go tells its doubts about a file to the log of the whole program.
func init() { logrus.SetOutput(io.Discard) }

// Bounds of a scan: a repository is small, and whatever is larger is none of its
// text.
const (
	maxFile  = 1 << 20
	maxFiles = 20000
	maxDepth = 200 // of brackets and indentation, before a parser that recurses sees the text
)

// Scan reads the files of a folder. Folders whose name starts with a dot, and those
// that hold what others wrote, are passed over.
func Scan(ctx context.Context, fsys fs.FS) ([]doctor.File, error) {
	var out []doctor.File
	seen := 0
	err := fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			if p == "." {
				return err
			}
			return skip(d) // a folder that may not be read holds nothing for us
		case d.IsDir():
			if p != "." && (strings.HasPrefix(d.Name(), ".") || slices.Contains(foreign, d.Name())) {
				return fs.SkipDir
			}
			return nil
		case !d.Type().IsRegular() || !candidate(p):
			return nil
		}
		if seen++; seen > maxFiles {
			return fs.SkipAll
		}
		if info, err := d.Info(); err != nil || info.Size() > maxFile {
			return nil
		}
		text, err := fs.ReadFile(fsys, p)
		if err != nil {
			return nil
		}
		out = append(out, Parse(ctx, p, text)...)
		return nil
	})
	if err != nil {
		return out, fmt.Errorf("read the repository: %w", err)
	}
	return out, nil
}

func skip(d fs.DirEntry) error {
	if d != nil && d.IsDir() {
		return fs.SkipDir
	}
	return nil
}

// foreign are folders with what others wrote, or what was written for tests.
var foreign = []string{"node_modules", "vendor", "testdata", "site-packages", "venv", "molecule", "fixtures"}

// candidate reports a file that may hold compose text or write daemon.json.
func candidate(p string) bool {
	switch strings.ToLower(path.Ext(p)) {
	case ".yml", ".yaml", ".tf", ".sh", ".bash", ".j2", ".tftpl", ".tpl":
		return true
	}
	return false
}

// Parse reads one file. It returns an entry for the file itself and one for each
// compose text embedded in it, as far as they say something.
func Parse(ctx context.Context, name string, text []byte) []doctor.File {
	if tooDeep(text) {
		return nil
	}
	var out []doctor.File
	clean := strings.TrimSuffix(strings.TrimSuffix(name, ".j2"), ".tftpl")
	isYAML := strings.HasSuffix(clean, ".yml") || strings.HasSuffix(clean, ".yaml")
	plain := deJinja(string(text), name)
	if isYAML {
		if f, ok := project(ctx, plain); ok {
			f.Path, f.Kind = name, "compose"
			return []doctor.File{f}
		}
		if err := syntax(plain); err != nil && clean == name && composeName.MatchString(path.Base(name)) {
			return []doctor.File{{Path: name, Kind: "compose", Unread: []doctor.Unread{{Why: err.Error()}}}}
		}
	}
	embedded := heredocs(string(text))
	if isYAML {
		embedded = append(embedded, scalars(plain)...)
	}
	for _, e := range embedded {
		if f, ok := project(ctx, deJinja(e.text, ".j2")); ok {
			f.Path, f.Line, f.Kind = name, e.line, "embedded"
			for i := range f.Services {
				f.Services[i].Line = e.lineOf(f.Services[i].Name, f.Services[i].Line)
			}
			for i := range f.Unread {
				f.Unread[i].Line = e.lineOf(f.Unread[i].Service, f.Unread[i].Line)
			}
			out = append(out, f)
		}
	}
	if w := writes(string(text), isYAML); len(w) > 0 {
		out = append(out, doctor.File{Path: name, Kind: "writer", Writes: w})
	}
	return out
}

// composeName is how compose files are called.
var composeName = regexp.MustCompile(`^(docker-)?compose\b.*\.ya?ml$`)

// tooDeep reports text whose nesting would make a recursive parser suffer.
func tooDeep(text []byte) bool {
	depth, most := 0, 0
	for _, c := range text {
		switch c {
		case '[', '{':
			depth++
			most = max(most, depth)
		case ']', '}':
			depth--
		}
	}
	if most > maxDepth {
		return true
	}
	for _, l := range strings.Split(string(text), "\n") {
		if len(l)-len(strings.TrimLeft(l, " -")) > 2*maxDepth {
			return true
		}
	}
	return false
}

var (
	jinjaExpr  = regexp.MustCompile(`\{\{[^{}]*\}\}`)
	jinjaBlock = regexp.MustCompile(`\{%[^%]*%\}|\{#[^#]*#\}`)
)

// deJinja replaces what a template would fill in by a variable, so that the text
// around it can be read.
func deJinja(text, name string) string {
	if !strings.Contains(text, "{{") && !strings.Contains(text, "{%") {
		return text
	}
	// What takes several lines leaves as many behind, so that lines keep their numbers.
	lines := func(s string) string { return strings.Repeat("\n", strings.Count(s, "\n")) }
	text = jinjaExpr.ReplaceAllStringFunc(text, func(s string) string { return templateVariable(s) + lines(s) })
	if strings.HasSuffix(name, ".j2") || strings.HasSuffix(name, ".tftpl") {
		text = jinjaBlock.ReplaceAllStringFunc(text, lines)
	}
	return text
}

// project reads compose text; ok is false when it is none.
func project(ctx context.Context, text string) (doctor.File, bool) {
	root := mapping(text)
	services := valueOf(root, "services")
	if services == nil || services.Kind != yaml.MappingNode || len(services.Content) == 0 || !runsContainers(services) {
		return doctor.File{}, false
	}
	f := doctor.File{}
	if strings.Contains(text, "$") {
		held := mapping(text)
		holdAll(held)
		if made, err := yaml.Marshal(held); err == nil {
			text = string(made)
		}
	}
	p, err := load(ctx, text)
	if err != nil {
		p, f.Unread = loadEach(ctx, text, services)
	}
	for name, n := range p.Networks {
		if n.External {
			f.External = append(f.External, release(orName(n.Name, name)))
		} else {
			f.Networks = append(f.Networks, release(orName(n.Name, name)))
		}
	}
	for _, name := range p.ServiceNames() {
		s := serviceOf(p, p.Services[name], lineOf(services, name))
		releaseAll(&s)
		f.Services = append(f.Services, s)
	}
	slices.Sort(f.External)
	slices.Sort(f.Networks)
	return f, true
}

// loadEach reads the services of a text one by one, for one that cannot be read must
// not hide the others. Lines are those of the text as it was written.
func loadEach(ctx context.Context, text string, written *yaml.Node) (*types.Project, []doctor.Unread) {
	whole, doc := &types.Project{Services: types.Services{}}, inlined(mapping(text))
	services := valueOf(doc, "services")
	var unread []doctor.Unread
	for i := 0; services != nil && i+1 < len(services.Content) && ctx.Err() == nil; i += 2 {
		name := services.Content[i].Value
		p, err := loadOne(ctx, doc, services.Content[i:i+2])
		if err != nil {
			unread = append(unread, doctor.Unread{Service: name, Line: lineOf(written, name), Why: err.Error()})
			continue
		}
		maps.Copy(whole.Services, p.Services)
		whole.Networks = p.Networks
	}
	return whole, unread
}

// loadOne reads one service, with the networks of its document.
func loadOne(ctx context.Context, doc *yaml.Node, service []*yaml.Node) (*types.Project, error) {
	one := &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{{Kind: yaml.ScalarNode, Value: "services"}, {Kind: yaml.MappingNode, Content: service}}}
	if networks := valueOf(doc, "networks"); networks != nil {
		one.Content = append(one.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: "networks"}, networks)
	}
	text, err := yaml.Marshal(one)
	if err != nil {
		return nil, err
	}
	return load(ctx, string(text))
}

// inlined copies a document with its aliases written out, which mapping has bounded.
func inlined(n *yaml.Node) *yaml.Node {
	if n == nil {
		return nil
	}
	if n.Kind == yaml.AliasNode {
		return inlined(n.Alias)
	}
	c := *n
	c.Anchor, c.Content = "", make([]*yaml.Node, len(n.Content))
	for i := range n.Content {
		c.Content[i] = inlined(n.Content[i])
	}
	return &c
}

func orName(name, key string) string {
	if name != "" {
		return name
	}
	return key
}

// runsContainers reports a services key that is compose's: others, as GitLab's or
// GitHub's, look alike.
func runsContainers(services *yaml.Node) bool {
	for i := 1; i < len(services.Content); i += 2 {
		s := services.Content[i]
		if valueOf(s, "image") != nil || valueOf(s, "build") != nil || valueOf(s, "extends") != nil {
			return true
		}
	}
	return false
}

// load gives the text to compose-go, without includes, environment and files.
func load(ctx context.Context, text string) (p *types.Project, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("compose-go cannot read it: %v", r)
		}
	}()
	return loader.LoadWithContext(ctx, types.ConfigDetails{
		WorkingDir:  "/repository",
		ConfigFiles: []types.ConfigFile{{Filename: "compose.yaml", Content: []byte(text)}},
		Environment: types.Mapping{},
	}, func(o *loader.Options) {
		o.SetProjectName("repository", true)
		o.SkipValidation, o.SkipConsistencyCheck, o.SkipExtends, o.SkipInclude = true, true, true, true
		o.SkipResolveEnvironment, o.SkipResolveLabels, o.SkipNormalization, o.ResolvePaths = true, true, true, false
		o.Profiles = []string{"*"}
		o.MaxNodeVisits = 200_000
		o.Interpolate = &interpolation.Options{
			LookupValue:     func(string) (string, bool) { return "", false },
			TypeCastMapping: nil,
			Substitute: func(s string, m template.Mapping) (string, error) {
				out, err := template.SubstituteWithOptions(s, m, template.WithoutLogging)
				if err != nil {
					return s, nil // a required variable: its place stays as it is written
				}
				return out, nil
			},
		}
	})
}

// serviceOf keeps what rules need. Values of the environment go no further.
func serviceOf(p *types.Project, s types.ServiceConfig, line int) doctor.ComposeService {
	out := doctor.ComposeService{Name: s.Name, Container: s.ContainerName, Image: s.Image, Built: s.Build != nil, Line: line, NetworkMode: s.NetworkMode, Profiles: s.Profiles}
	if s.Labels["traefik.enable"] != "false" {
		out.WantNetwork = s.Labels["traefik.docker.network"]
	}
	for n := range s.Networks {
		name := n
		if p.Networks[n].Name != "" {
			name = p.Networks[n].Name
		}
		out.Networks = append(out.Networks, name)
	}
	if len(s.Networks) == 0 && s.NetworkMode == "" {
		out.Networks = []string{"default"}
	}
	for _, port := range s.Ports {
		out.Ports = append(out.Ports, int(port.Target))
		if n := atoi(port.Published); n > 0 && s.NetworkMode != "host" && (port.HostIP == "" || port.HostIP == "0.0.0.0") && (port.Protocol == "" || port.Protocol == "tcp") {
			out.Publishes = append(out.Publishes, n)
		}
	}
	for _, e := range s.Expose {
		if n := atoi(strings.TrimSuffix(e, "/tcp")); n > 0 {
			out.Ports = append(out.Ports, n)
		}
	}
	for _, v := range s.Volumes {
		if v.Type == types.VolumeTypeBind {
			out.Binds = append(out.Binds, doctor.Bind{Source: v.Source, Target: v.Target, ReadOnly: v.ReadOnly})
		}
	}
	for k, v := range s.Environment {
		if v != nil {
			out.Locals = append(out.Locals, doctor.Mentions("environment "+k, *v)...)
		}
	}
	for _, arg := range slices.Concat(s.Command, s.Entrypoint) {
		out.Locals = append(out.Locals, doctor.Mentions("command", arg)...)
	}
	for k, v := range s.Labels {
		out.Locals = append(out.Locals, doctor.Mentions("label "+k, v)...)
	}
	slices.Sort(out.Networks)
	slices.SortFunc(out.Locals, func(a, b doctor.Local) int { return strings.Compare(a.Where, b.Where) })
	return out
}

func atoi(s string) int {
	n := 0
	for _, c := range s {
		if c < '0' || c > '9' || n > 65535 {
			return 0
		}
		n = 10*n + int(c-'0')
	}
	return n
}
