package compose

import (
	"context"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"recon/inventory/doctor"
)

// A source is one file of the repository.
type source struct {
	name, text string
	plain      string     // the text with a template's expressions as variables
	template   bool       // some program fills it in before Docker sees it
	doc        *yaml.Node // the document, when it is compose text
	services   *yaml.Node
	unreadable string // why it is not looked at

	extends, includes []string // files that it takes services from
	extended          bool     // others take services from it
	included          bool     // it is part of other projects
	part              bool     // it is read by itself all the same, and is no whole
	overrides         *source  // the file that is laid over it
	overlay           bool     // it is laid over another one
}

func newSource(name, text string) *source {
	s := &source{name: name, text: text, plain: text}
	if tooDeep(text) {
		s.unreadable = "it is nested too deeply"
		return s
	}
	s.plain = deJinja(text, name)
	s.template = s.plain != text || name != s.bare()
	if s.yaml() && (strings.Contains(text, "services:") || strings.Contains(text, "include:") && composeName.MatchString(path.Base(name))) {
		s.doc, s.unreadable = document(s.plain)
		include := valueOf(s.doc, "include")
		if s.services = valueOf(s.doc, "services"); (!runsContainers(s.services) || ofPipeline(s.doc)) && (include == nil || include.Kind != yaml.SequenceNode || !composeName.MatchString(path.Base(name))) {
			s.doc, s.services = nil, nil
		}
	}
	return s
}

// bare is its name without what marks a template.
func (s *source) bare() string {
	return strings.TrimSuffix(strings.TrimSuffix(s.name, ".j2"), ".tftpl")
}

func (s *source) yaml() bool {
	return strings.HasSuffix(s.bare(), ".yml") || strings.HasSuffix(s.bare(), ".yaml")
}

func (s *source) folder() string { return path.Dir(s.name) }

// inOthers reports a file that is read as a part of others.
func (s *source) inOthers() bool { return s.included || s.overlay }

// own reports a name that docker compose looks for by itself: such a file is run as it
// is. Of others nobody knows whether they are laid over another one.
func (s *source) own() bool { return ownName.MatchString(path.Base(s.name)) }

var (
	ownName  = regexp.MustCompile(`^(docker-)?compose\.ya?ml$`)
	override = regexp.MustCompile(`^((?:docker-)?compose)\.override\.ya?ml$`)
	variant  = regexp.MustCompile(`^(docker-)?compose[-._].*\.ya?ml$`)
)

// project names what is run together: the variants of a folder's compose file are laid
// over it, or take its place.
func (s *source) project() string {
	if base := path.Base(s.bare()); ownName.MatchString(base) || variant.MatchString(base) {
		return s.folder()
	}
	return s.name
}

// relate finds which files belong to which: extends, include, and overrides.
func (r *repository) relate() {
	for _, s := range r.files {
		if s.doc == nil {
			continue
		}
		s.extends, s.includes = r.taken(s)
		for _, name := range s.extends {
			if base := r.byName[name]; base != nil && base != s {
				base.extended = true
			}
		}
		for _, name := range s.includes {
			if part := r.byName[name]; part != nil && part != s {
				part.included = true
			}
			r.layered = r.layered || strings.Contains(name, open)
		}
		r.layered = r.layered || r.vars.environment(s.folder()).values["COMPOSE_FILE"] != ""
		if m := override.FindStringSubmatch(path.Base(s.name)); m != nil {
			for _, end := range []string{".yaml", ".yml"} {
				if under := r.byName[path.Join(s.folder(), m[1]+end)]; under != nil && under.doc != nil && under.overrides == nil {
					under.overrides, s.overlay = s, true
					break
				}
			}
		}
	}
}

// taken returns the files that a document names in extends and include.
func (r *repository) taken(s *source) (extends, includes []string) {
	lookup := r.vars.of(r.vars.environment(s.folder()))
	name := func(n *yaml.Node) string {
		if n == nil || n.Kind != yaml.ScalarNode || n.Value == "" {
			return ""
		}
		p := substitute(n.Value, lookup)
		if !path.IsAbs(p) {
			p = path.Join(s.folder(), p)
		}
		return p
	}
	for i := 1; s.services != nil && i < len(s.services.Content); i += 2 {
		if p := name(valueOf(valueOf(s.services.Content[i], "extends"), "file")); p != "" {
			extends = append(extends, p)
		}
	}
	include := valueOf(s.doc, "include")
	for i := 0; include != nil && include.Kind == yaml.SequenceNode && i < len(include.Content); i++ {
		paths := []*yaml.Node{include.Content[i]}
		if inner := valueOf(include.Content[i], "path"); inner != nil {
			if paths = []*yaml.Node{inner}; inner.Kind == yaml.SequenceNode {
				paths = inner.Content
			}
		}
		for _, n := range paths {
			if p := name(n); p != "" {
				includes = append(includes, p)
			}
		}
	}
	slices.Sort(extends)
	return slices.Compact(extends), includes
}

// reached returns the text of a source and of all that it takes services from.
func (r *repository) reached(s *source, seen map[string]bool) string {
	seen[s.name] = true
	var b strings.Builder
	b.WriteString(s.text)
	if s.overrides != nil {
		b.WriteString(s.overrides.text)
	}
	for _, name := range slices.Concat(s.extends, s.includes) {
		if o := r.byName[name]; o != nil && !seen[name] {
			b.WriteString(r.reached(o, seen))
		}
	}
	return b.String()
}

// missing returns why a file that others are taken from cannot be had, looking through
// all that it names itself. What compose-go opens by itself has been looked at here: it
// is a regular file of this repository.
func (r *repository) missing(s *source, seen map[string]bool) (why string, gone bool) {
	seen[s.name] = true
	for _, p := range slices.Concat(s.extends, s.includes) {
		switch o := r.byName[p]; {
		case strings.Contains(p, open):
			return "it takes services from " + release(p) + ", a name that the repository does not tell", false
		case seen[p]:
		case o == nil || o.unreadable != "":
			_, err := r.text(p)
			lost := err != nil && !strings.HasPrefix(p, "../") && !path.IsAbs(p) && !r.names[p] && !r.ignore.matches(p)
			return "it takes services from " + p + ", which cannot be read here", lost
		default:
			if why, gone = r.missing(o, seen); why != "" {
				return why, gone
			}
		}
	}
	return "", false
}

// read returns what a file says: an entry for the file itself, and one for each compose
// text embedded in it.
func (r *repository) read(ctx context.Context, s *source) []doctor.File {
	if s.inOthers() {
		return nil
	}
	if s.doc != nil {
		return r.project(ctx, s)
	}
	if s.yaml() && s.bare() == s.name && composeName.MatchString(path.Base(s.name)) {
		if err := syntax(s.plain); err != nil && !s.template {
			return []doctor.File{{Path: s.name, Kind: "compose", Refused: []doctor.Refusal{refusalOf(err, s, r.root)}}}
		}
	}
	out := r.embedded(ctx, s)
	if w := r.writes(s); len(w) > 0 {
		out = append(out, doctor.File{Path: s.name, Kind: "writer", Host: r.hosts.of(s.name), Writes: w})
	}
	return out
}

// embedded returns the compose text in a file of another kind.
func (r *repository) embedded(ctx context.Context, s *source) (out []doctor.File) {
	if !strings.Contains(s.text, "services:") {
		return nil
	}
	found := heredocs(s.text)
	if s.yaml() {
		found = append(found, scalars(s.plain)...)
	}
	for i := range found {
		e := &found[i]
		part := newSource(s.name+".yml.j2", e.text) // something fills it in
		if part.doc == nil {
			continue
		}
		part.name = s.name
		known := len(r.facts.Unread)
		f := r.project(ctx, part)[0]
		for k := known; k < len(r.facts.Unread); k++ {
			u := &r.facts.Unread[k]
			u.Line = e.lineOf(u.Service, u.Line)
		}
		f.Path, f.Line, f.Kind, f.Host = s.name, e.line, "embedded", r.hosts.of(s.name)
		f.Host.Unknown = f.Host.Unknown || f.Host.Name == "" // where a script or playbook runs is not written
		for j := range f.Services {
			v := &f.Services[j]
			line := lineOf(part.services, v.Name)
			v.Place = f.At(e.lineOf(v.Name, line))
			for k := range v.Secrets {
				v.Secrets[k].Line = e.lineOf(v.Name, v.Secrets[k].Line)
			}
		}
		out = append(out, f)
	}
	return out
}
