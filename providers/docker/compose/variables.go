package compose

import (
	"encoding/hex"
	"regexp"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/interpolation"
	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/template"
	"github.com/compose-spec/compose-go/v2/tree"
	"github.com/compose-spec/compose-go/v2/types"
	"go.yaml.in/yaml/v4"
)

// A variable without a value in the repository would be nothing to compose-go, and
// "${ROOT}/downloads:/downloads" the folder /downloads. It becomes a word that no file
// holds, which is written out as the variable again at the end.

const (
	open, shut = "\ue000", "\ue001"
	rooted     = "\ue002" // after a slash that was put before a variable or ~
)

var (
	// A variable without a default, also Terraform's ${var.x}; $$ is a dollar.
	variable = regexp.MustCompile(`\$\$|\$\{([A-Za-z_][A-Za-z0-9_.]*)(?::?\?[^{}]*)?\}|\$([A-Za-z_][A-Za-z0-9_]*)`)
	held     = regexp.MustCompile(open + `([A-Za-z0-9_.]+)` + shut)
	portOnly = regexp.MustCompile(`(?:^|:)([0-9]+(?:-[0-9]+)?)(?:/(tcp|udp))?$`)
)

// heldIn reports an error about a held word: what it says is not the file's mistake.
func heldIn(err error) bool {
	return strings.ContainsAny(err.Error(), open+shut) || strings.Contains(err.Error(), `\ue000`) || strings.Contains(err.Error(), `\ue001`)
}

// A lookup returns the value of a variable, as far as the repository tells it.
type lookup = func(name string) (string, bool)

func hold(s string, known lookup) string {
	return variable.ReplaceAllStringFunc(s, func(v string) string {
		m := variable.FindStringSubmatch(v)
		name := m[1] + m[2]
		if name == "" {
			return v
		}
		if _, ok := known(name); ok {
			return v
		}
		if digits, ok := strings.CutPrefix(name, templated); ok {
			if value, ok := known(expressionOf(digits)); ok {
				return strings.ReplaceAll(value, "$", "$$")
			}
		}
		return open + name + shut
	})
}

// substitute puts values in for variables; what has none is held.
func substitute(s string, known lookup) string {
	out, err := fill(s, known)
	if err != nil {
		return s
	}
	return out
}

func fill(s string, known lookup) (string, error) {
	return template.SubstituteWithOptions(hold(s, known), known, template.WithoutLogging)
}

// templated begins the names of variables that stand for a template's expressions;
// the expression follows in hex, so that two of them are not taken for one.
const templated = "RECON_TEMPLATE_"

func templateVariable(expression string) string {
	return "${" + templated + hex.EncodeToString([]byte(strings.Join(strings.Fields(expression), " "))) + "}"
}

func expressionOf(digits string) string {
	expression, err := hex.DecodeString(digits)
	if err != nil {
		return templated + digits
	}
	return string(expression)
}

// inPlain is a template's expression in the text that stands for its file.
var inPlain = regexp.MustCompile(`\$\{` + templated + `([0-9a-f]+)\}`)

// expressions writes a template's expressions as the file does.
func expressions(s string) string {
	return inPlain.ReplaceAllStringFunc(s, func(v string) string { return expressionOf(inPlain.FindStringSubmatch(v)[1]) })
}

// release writes variables and expressions as the file does.
func release(s string) string {
	s = strings.ReplaceAll(s, "/"+rooted, "")
	return held.ReplaceAllStringFunc(s, func(v string) string {
		name := held.FindStringSubmatch(v)[1]
		if digits, ok := strings.CutPrefix(name, templated); ok {
			return expressionOf(digits)
		}
		return "${" + name + "}"
	})
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

// interpolate has compose-go put values in the way of this file. It tries every field
// that it converts on every value, so only those go along whose name the text holds.
func interpolate(o *loader.Options, known lookup, text string) {
	casts := map[tree.Path]interpolation.Cast{}
	for p, c := range o.Interpolate.TypeCastMapping {
		if named(string(p), text) {
			casts[p] = typed(c)
		}
	}
	casts["services.*.ports.[]"], casts["services.*.expose.[]"] = heldPort, heldExpose
	casts["services.*.volumes.[]"], casts["services.*.volumes.[].source"] = heldMount, heldMount
	o.Interpolate = &interpolation.Options{
		LookupValue: known, TypeCastMapping: casts,
		Substitute: func(s string, m template.Mapping) (string, error) { return fill(s, lookup(m)) },
	}
}

// named reports a field whose last key stands in the text.
func named(field, text string) bool {
	keys := strings.Split(field, ".")
	last := len(keys) - 1
	for keys[last] == "*" || keys[last] == "[]" {
		last--
	}
	return strings.Contains(text, keys[last])
}

// typed lets a held word stand in a field that compose-go converts.
func typed(convert interpolation.Cast) interpolation.Cast {
	return func(v string) (any, error) {
		if !strings.Contains(v, open) {
			return convert(v)
		}
		if zero, err := convert("0"); err == nil {
			return zero, nil
		}
		return convert("false")
	}
}

// looked are the settings of a service that rules look at: a variable in them is held,
// and in the others it goes, with the field that it fills in.
var looked = []string{
	"image", "container_name", "network_mode", "networks", "ports", "expose", "volumes", "environment", "env_file", "labels", "command", "entrypoint", "profiles", "extends",
}

// pruned is the text of a document without the fields that nobody looks at and that a
// variable fills in whose value is not known: those with a type cannot hold a word.
func pruned(doc *yaml.Node, known lookup) (string, error) {
	doc = inlined(doc)
	services := valueOf(doc, "services")
	for i := 1; services != nil && i < len(services.Content); i += 2 {
		pruneService(services.Content[i], known)
	}
	text, err := yaml.Marshal(doc)
	return string(text), err
}

func pruneService(n *yaml.Node, known lookup) {
	var kept []*yaml.Node
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		switch {
		case k.Value == "<<" && v.Kind == yaml.MappingNode:
			pruneService(v, known)
		case k.Value == "volumes" && v.Kind == yaml.SequenceNode:
			for _, mount := range v.Content {
				if options := valueOf(mount, "tmpfs"); options != nil {
					prune(options, known)
				}
			}
		case !slices.Contains(looked, k.Value) && !prune(v, known):
			continue
		}
		kept = append(kept, k, v)
	}
	if n.Kind == yaml.MappingNode {
		n.Content = kept
	}
}

// prune takes fields with a held variable out, and reports whether the node stays.
func prune(n *yaml.Node, known lookup) bool {
	var kept []*yaml.Node
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if prune(n.Content[i+1], known) {
				kept = append(kept, n.Content[i], n.Content[i+1])
			}
		}
	case yaml.SequenceNode:
		for _, e := range n.Content {
			if prune(e, known) {
				kept = append(kept, e)
			}
		}
	default:
		return !strings.Contains(substitute(n.Value, known), open)
	}
	stays := len(kept) > 0 || len(n.Content) == 0
	n.Content = kept
	return stays
}

// heldPort keeps of a port with a variable what is known of it: that of the container.
func heldPort(v string) (any, error) {
	if !strings.Contains(v, open) {
		return v, nil
	}
	m := portOnly.FindStringSubmatch(strings.TrimSpace(v))
	if m == nil {
		return map[string]any{"target": 0, "protocol": "tcp", "published": release(v) + shut}, nil
	}
	targets, err := types.ParsePortConfig(m[1])
	if err != nil || len(targets) == 0 {
		return v, nil
	}
	proto := m[2]
	if proto == "" {
		proto = "tcp"
	}
	return map[string]any{"target": int(targets[0].Target), "protocol": proto, "published": release(v) + shut}, nil
}

func heldExpose(v string) (any, error) {
	if strings.Contains(v, open) {
		return "0", nil
	}
	return v, nil
}

// heldMount has a mount that begins with a variable taken for a folder of the host,
// which it nearly always is; and ~ is the folder of whoever runs it.
func heldMount(v string) (any, error) {
	if strings.HasPrefix(v, open) || strings.HasPrefix(v, "~") {
		return "/" + rooted + v, nil
	}
	return v, nil
}

// variablesOf returns the names of the variables in a text.
func variablesOf(text string) (out []string) {
	for _, m := range variable.FindAllStringSubmatch(text, -1) {
		name := m[1] + m[2]
		if digits, ok := strings.CutPrefix(name, templated); ok {
			name = expressionOf(digits)
		}
		if name != "" && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}
