package compose

import (
	"context"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	"go.yaml.in/yaml/v4"

	"recon/inventory/doctor"
)

// How strictly a file is loaded.
type strictness int

const (
	lenient strictness = iota // whatever can be made of it
	valid                     // what docker compose asks of every file of a project
	whole                     // and of the project
)

// project reads a compose file, with what it extends and includes. Where it cannot be
// read as a whole, what it includes is read by itself.
func (r *repository) project(ctx context.Context, s *source) []doctor.File {
	f := doctor.File{Path: s.name, Kind: "compose", Host: r.hosts.of(s.name), Project: s.project(), Library: s.extended}
	why, lost := r.missing(s, map[string]bool{})
	switch {
	case why == "":
	case lost && !s.template:
		f.Refused = append(f.Refused, doctor.Refusal{Line: s.begin(), Words: why})
	default:
		r.facts.Unread = append(r.facts.Unread, doctor.Unread{File: s.name, Line: s.begin(), Why: why})
	}
	p, complete := r.model(ctx, s, why == "", &f)
	for key, n := range p.Networks {
		if n.External {
			f.External = append(f.External, plainName(n.Name, key))
		} else {
			f.Networks = append(f.Networks, plainName(n.Name, key))
		}
	}
	slices.Sort(f.External)
	slices.Sort(f.Networks)
	for _, name := range p.ServiceNames() {
		f.Services = append(f.Services, r.service(s, p, p.Services[name]))
	}
	f.Joins, f.Leans = r.joins(p), leans(p)
	out := []doctor.File{f}
	for _, name := range s.includes {
		if part := r.byName[name]; (why != "" || !complete) && part != nil && part.doc != nil && part.included {
			part.included, part.part = false, true // in one project only
			out = append(out, r.project(ctx, part)...)
		}
	}
	return out
}

// begin is the line on which the document begins to say something.
func (s *source) begin() int {
	if s.services == nil {
		return lineOf(s.doc, "include")
	}
	return lineOf(s.doc, "services")
}

// model has compose-go load the file. Where Docker would refuse it, that is noted, and
// as much is read as can be: all of it, or each service of this file by itself.
func (r *repository) model(ctx context.Context, s *source, follow bool, f *doctor.File) (p *types.Project, complete bool) {
	values := r.vars.environment(s.folder())
	first, made := r.loaded[s]
	if !made {
		first = r.first(ctx, s, follow)
	}
	p, err := first.project, first.err
	if err != nil && values.example && ctx.Err() == nil { // what is to be filled in is nobody's mistake
		values = environment{}
		p, err = r.load(ctx, s, values, r.strict(s), follow)
	}
	if err != nil && ctx.Err() == nil && strings.Contains(s.plain, "$") {
		if text, fault := pruned(s.doc, r.vars.of(values)); fault == nil {
			p, err = r.loadFiles(ctx, s, []types.ConfigFile{r.config(s.name, text)}, values, r.strict(s), follow)
		}
	}
	switch {
	case err == nil:
		return p, true
	case ctx.Err() != nil:
		return &types.Project{}, false
	case !s.template && !s.part && follow && !heldIn(err):
		f.Refused = append(f.Refused, refusalOf(r.firstFault(ctx, s, values, err), s, r.root))
	}
	if p, err := r.load(ctx, s, values, lenient, follow); err == nil {
		return p, true
	}
	p, unread := r.loadEach(ctx, s)
	if len(f.Refused) == 0 {
		r.facts.Unread = append(r.facts.Unread, unread...)
	}
	return p, false
}

// A loaded is what compose-go made of a file.
type loaded struct {
	project *types.Project
	err     error
}

// first has compose-go load a file as it is.
func (r *repository) first(ctx context.Context, s *source, follow bool) (l loaded) {
	l.project, l.err = r.load(ctx, s, r.vars.environment(s.folder()), r.strict(s), follow)
	return l
}

// ahead loads the files that stand for themselves, on every processor: that is most of the
// work, and of no file does it depend on another one's.
func (r *repository) ahead(ctx context.Context, paths []string) {
	var all sync.WaitGroup
	var mu sync.Mutex
	r.loaded = map[*source]loaded{}
	free := make(chan struct{}, runtime.GOMAXPROCS(0))
	for _, s := range r.files {
		r.vars.environment(s.folder()) // before they ask for it side by side
	}
	for _, s := range r.files {
		if s.doc == nil || s.inOthers() || !within(s.name, paths) {
			continue
		}
		why, _ := r.missing(s, map[string]bool{})
		free <- struct{}{}
		all.Go(func() {
			l := r.first(ctx, s, why == "")
			mu.Lock()
			r.loaded[s] = l
			mu.Unlock()
			<-free
		})
	}
	all.Wait()
}

// composed is the text as compose-go gets it: where it includes files with an env_file
// that the repository does not hold, without those.
func (r *repository) composed(s *source) string {
	include, changed := valueOf(s.doc, "include"), false
	for i := 0; include != nil && include.Kind == yaml.SequenceNode && i < len(include.Content); i++ {
		item := include.Content[i]
		env := valueOf(item, "env_file")
		if env == nil {
			continue
		}
		files := []*yaml.Node{env}
		if env.Kind == yaml.SequenceNode {
			files = env.Content
		}
		kept := slices.DeleteFunc(slices.Clone(files), func(n *yaml.Node) bool { return !r.names[path.Join(s.folder(), n.Value)] })
		if len(kept) == len(files) {
			continue
		}
		changed = true
		env.Kind, env.Tag, env.Value, env.Content = yaml.SequenceNode, "!!seq", "", kept
	}
	if !changed {
		return s.plain
	}
	text, err := yaml.Marshal(s.doc)
	if err != nil {
		return s.plain
	}
	s.plain = string(text)
	return s.plain
}

// strict says how a file is to be judged. One that may be laid over another need not be
// a whole project.
func (r *repository) strict(s *source) strictness {
	switch {
	case s.template, s.part:
		return lenient
	case r.layered, !s.own():
		return valid
	}
	return whole
}

// load gives a text to compose-go, and with it the file that is laid over it.
func (r *repository) load(ctx context.Context, s *source, values environment, strict strictness, follow bool) (*types.Project, error) {
	files := []types.ConfigFile{r.config(s.name, r.composed(s))}
	if s.overrides != nil {
		files = append(files, r.config(s.overrides.name, s.overrides.plain))
	}
	return r.loadFiles(ctx, s, files, values, strict, follow)
}

func (r *repository) config(name, text string) types.ConfigFile {
	return types.ConfigFile{Filename: filepath.Join(r.root, filepath.FromSlash(name)), Content: []byte(text)}
}

func (r *repository) loadFiles(ctx context.Context, s *source, files []types.ConfigFile, values environment, strict strictness, follow bool) (p *types.Project, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("compose-go cannot read it: %v", r)
		}
	}()
	details := types.ConfigDetails{
		WorkingDir:  filepath.Join(r.root, filepath.FromSlash(s.folder())),
		ConfigFiles: files,
		Environment: types.Mapping{},
	}
	maps.Copy(details.Environment, values.values)
	return loader.LoadWithContext(ctx, details, func(o *loader.Options) {
		o.SetProjectName(projectName, true)
		o.SkipValidation, o.SkipConsistencyCheck = strict < valid, strict < whole
		o.SkipExtends, o.SkipInclude = !follow, !follow
		o.SkipResolveEnvironment, o.SkipResolveLabels = true, true
		o.ResolvePaths = true
		o.Profiles = []string{"*"}
		o.MaxNodeVisits = 200_000
		interpolate(o, r.vars.of(values), r.reached(s, map[string]bool{}))
	})
}

// loadEach reads the services of a text one by one, for one that cannot be read must
// not hide the others.
func (r *repository) loadEach(ctx context.Context, s *source) (*types.Project, []doctor.Unread) {
	out, doc := &types.Project{Services: types.Services{}}, inlined(s.doc)
	services := valueOf(doc, "services")
	var unread []doctor.Unread
	for i := 0; services != nil && i+1 < len(services.Content) && ctx.Err() == nil; i += 2 {
		name := services.Content[i].Value
		p, err := r.loadOne(ctx, s, doc, services.Content[i:i+2])
		if err != nil {
			words := refusalOf(err, s, r.root)
			unread = append(unread, doctor.Unread{File: s.name, Service: name, Line: lineOf(s.services, name), Why: words.Words})
			continue
		}
		maps.Copy(out.Services, p.Services)
		out.Networks, out.Volumes = p.Networks, p.Volumes
	}
	return out, unread
}

// loadOne reads one service, with the networks of its document.
func (r *repository) loadOne(ctx context.Context, s *source, doc *yaml.Node, service []*yaml.Node) (*types.Project, error) {
	one := &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{{Kind: yaml.ScalarNode, Value: "services"}, {Kind: yaml.MappingNode, Content: service}}}
	if networks := valueOf(doc, "networks"); networks != nil {
		one.Content = append(one.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: "networks"}, networks)
	}
	text, err := yaml.Marshal(one)
	if err != nil {
		return nil, err
	}
	return r.loadFiles(ctx, s, []types.ConfigFile{r.config(s.name, string(text))}, r.vars.environment(s.folder()), lenient, false)
}

// inlined copies a document with its aliases written out, which document has bounded,
// and of a key that is there twice the last.
func inlined(n *yaml.Node) *yaml.Node {
	if n == nil {
		return nil
	}
	if n.Kind == yaml.AliasNode {
		return inlined(n.Alias)
	}
	c := *n
	c.Anchor, c.Content = "", nil
	for i := range n.Content {
		if n.Kind == yaml.MappingNode && repeated(n.Content, i-i%2) {
			continue
		}
		c.Content = append(c.Content, inlined(n.Content[i]))
	}
	return &c
}

// repeated reports a key that comes again further on.
func repeated(content []*yaml.Node, key int) bool {
	for i := key + 2; i < len(content); i += 2 {
		if k := content[i]; k.Kind == yaml.ScalarNode && k.Value == content[key].Value && k.Value != "<<" {
			return true
		}
	}
	return false
}

// projectName stands for the name of every project: it depends on where the file lies on
// its host.
const projectName = "repository"

// plainName is the name of a network or volume as the file gives it: without the
// project's.
func plainName(name, key string) string {
	if name == projectName+"_"+key {
		return release(key)
	}
	return release(orName(name, key))
}

func orName(name, key string) string {
	if name != "" {
		return name
	}
	return key
}

// ofPipeline reports a document of a forge's or builder's pipeline, whose services run
// beside its steps.
func ofPipeline(doc *yaml.Node) bool {
	return slices.ContainsFunc([]string{"steps", "pipeline", "stages", "jobs", "before_script"}, func(key string) bool { return valueOf(doc, key) != nil })
}

// runsContainers reports a services key that is compose's: others, as GitLab's or
// GitHub's, look alike.
func runsContainers(services *yaml.Node) bool {
	for i := 1; services != nil && services.Kind == yaml.MappingNode && i < len(services.Content); i += 2 {
		s := services.Content[i]
		if s.Kind == yaml.AliasNode {
			s = s.Alias
		}
		if valueOf(s, "image") != nil || valueOf(s, "build") != nil || valueOf(s, "extends") != nil {
			return true
		}
	}
	return false
}
