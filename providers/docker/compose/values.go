package compose

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/go-git/go-git/v5/plumbing/format/gitignore"
	"go.yaml.in/yaml/v4"

	"recon/inventory/localfile"
)

// variables are the values that the repository tells: of .env files, and of playbooks.
type variables struct {
	r    *repository
	envs map[string]environment // by folder
	play map[string]string      // of playbooks, when somebody has asked
	once sync.Once
}

// An environment is a .env file, or what stands in for one.
type environment struct {
	file    string
	example bool // to be filled in
	values  map[string]string
}

func newVariables(r *repository) *variables {
	return &variables{r: r, envs: map[string]environment{}}
}

// examples are what people commit in place of .env. What is empty there is to be filled
// in, so that its value is not known.
var examples = []string{".env.example", ".env.sample", ".env.template", ".env.dist", ".env.default", ".env.defaults", "env.example", "example.env", "sample.env"}

func (v *variables) environment(folder string) environment {
	if e, ok := v.envs[folder]; ok {
		return e
	}
	e := environment{}
	for i, name := range append([]string{".env"}, examples...) {
		name = path.Join(folder, name)
		if !v.r.names[name] {
			continue
		}
		if text, err := v.r.text(name); err == nil {
			e.file, e.example, e.values = name, i > 0, valuesOf(text)
		}
		for k, value := range e.values {
			if i > 0 && isPlaceholder(value) || strings.HasPrefix(value, "ENC[") {
				delete(e.values, k)
			}
		}
		break
	}
	v.envs[folder] = e
	return e
}

// valuesOf are the values of an .env file. One that takes a variable which the file does not
// have is not known: whoever runs it sets that.
func valuesOf(text string) map[string]string {
	out, err := dotenv.UnmarshalWithLookup(text, nil)
	if err != nil {
		out = map[string]string{}
	}
	for l := range strings.SplitSeq(text, "\n") {
		k, value, ok := strings.Cut(strings.TrimSpace(l), "=")
		k = strings.TrimSpace(strings.TrimPrefix(k, "export "))
		if !ok || !variableName.MatchString(k) {
			continue
		}
		if err != nil {
			out[k] = strings.Trim(value, `"'`)
		}
		if strings.HasPrefix(strings.TrimSpace(value), "'") {
			continue // taken as it is
		}
		for _, m := range taken.FindAllStringSubmatch(value, -1) {
			if _, known := out[m[1]]; !known && !strings.HasPrefix(strings.TrimPrefix(m[2], ":"), "-") {
				delete(out, k)
			}
		}
	}
	return out
}

// taken is a variable in a value, with what follows its name: a default, or that it must be set.
var taken = regexp.MustCompile(`(?:^|[^\\$])\$\{?([A-Za-z_][A-Za-z0-9_]*)(:?[-?+])?`)

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.]*$`)

// of returns the values that a file is filled in with: those of an environment, and for
// a template's expressions those of playbooks.
func (v *variables) of(env environment) lookup {
	return func(name string) (string, bool) {
		value, _, ok := v.value(env, name)
		return value, ok
	}
}

// value returns the value of a variable or of a template's expression, and where it
// stands.
func (v *variables) value(env environment, name string) (value, where string, ok bool) {
	if value, ok := env.values[name]; ok {
		return value, env.file, true
	}
	if inner, is := strings.CutPrefix(name, "{{"); is {
		value, ok = v.ofPlaybooks(strings.TrimSpace(strings.TrimSuffix(inner, "}}")), 0)
		return value, "the variables of the playbooks", ok
	}
	return "", "", false
}

// ofPlaybooks returns the value of a variable of playbooks. One that has two values in
// the repository has none here: which one holds is up to the host.
func (v *variables) ofPlaybooks(name string, depth int) (string, bool) {
	if !variableName.MatchString(name) || depth > 5 {
		return "", false
	}
	v.once.Do(v.gather)
	value, ok := v.play[name]
	if !ok || value == ambiguous {
		return "", false
	}
	known := true
	value = jinjaExpr.ReplaceAllStringFunc(value, func(e string) string {
		inner, ok := v.ofPlaybooks(strings.TrimSpace(e[2:len(e)-2]), depth+1)
		known = known && ok
		return inner
	})
	return value, known && !strings.Contains(value, "{%")
}

const ambiguous = "\x00"

var varsFolder = regexp.MustCompile(`(^|/)(group_vars|host_vars|vars|defaults)/|(^|/)(vars|all)\.ya?ml$`)

func (v *variables) gather() {
	v.play = map[string]string{}
	for _, s := range v.r.files {
		if !s.yaml() || s.doc != nil {
			continue
		}
		isVars := varsFolder.MatchString(s.name)
		if !isVars && !strings.Contains(s.text, "vars:") {
			continue
		}
		for _, d := range documents(s.text) {
			if isVars {
				v.keep("", d)
				continue
			}
			for _, play := range d.Content {
				v.keep("", valueOf(play, "vars"))
			}
		}
	}
}

// keep takes over the variables of a mapping, those below another one with its name
// before them.
func (v *variables) keep(prefix string, n *yaml.Node) {
	for i := 0; n != nil && n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		name, value := prefix+n.Content[i].Value, n.Content[i+1]
		switch value.Kind {
		case yaml.ScalarNode:
			if old, ok := v.play[name]; ok && old != value.Value {
				v.play[name] = ambiguous
			} else {
				v.play[name] = value.Value
			}
		case yaml.MappingNode:
			if prefix == "" {
				v.keep(name+".", value)
			}
		}
	}
}

// told says where the values of the variables of a mount come from.
func (r *repository) told(s *source, service *yaml.Node, target string) (out []string) {
	env := r.vars.environment(s.folder())
	mounts := valueOf(service, "volumes")
	for i := 0; mounts != nil && i < len(mounts.Content); i++ {
		text := orName(valueText(mounts.Content[i]), valueText(valueOf(mounts.Content[i], "source"))+":"+valueText(valueOf(mounts.Content[i], "target")))
		if !strings.Contains(text+":", ":"+target+":") {
			continue
		}
		for _, name := range variablesOf(text) {
			if value, where, ok := r.vars.value(env, name); ok {
				out = append(out, fmt.Sprintf("%s is %s in %s", name, value, where))
			}
		}
	}
	return out
}

// ignored are the patterns of .gitignore files: what they match is on somebody's
// machine and in no repository.
type ignored struct {
	r       *repository
	matcher gitignore.Matcher
}

func newIgnored(r *repository) *ignored { return &ignored{r: r} }

func (i *ignored) matches(name string) bool {
	if i.matcher == nil {
		var patterns []gitignore.Pattern
		for _, p := range slices.Sorted(maps.Keys(i.r.names)) { // those of a folder before those below it
			if path.Base(p) != ".gitignore" {
				continue
			}
			text, err := i.r.text(p)
			if err != nil {
				continue
			}
			var domain []string
			if path.Dir(p) != "." {
				domain = strings.Split(path.Dir(p), "/")
			}
			for _, rule := range localfile.IgnoreRules(text) {
				patterns = append(patterns, gitignore.ParsePattern(rule, domain))
			}
		}
		i.matcher = gitignore.NewMatcher(patterns)
	}
	parts := strings.Split(name, "/")
	for n := 1; n <= len(parts); n++ { // a folder that is ignored takes along what is in it
		if i.matcher.Match(parts[:n], n < len(parts)) {
			return true
		}
	}
	return false
}
