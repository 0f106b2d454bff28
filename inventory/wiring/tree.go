package wiring

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"go.yaml.in/yaml/v4"
)

// A Tree is a configuration whatever it was written in, with keys in lower case.
type Tree map[string]any

// maxDepth bounds what is read of a tree: nobody's settings are deeper.
const maxDepth = 24

// YAML reads all documents of a text, the later ones over the earlier.
func YAML(text string) (Tree, error) {
	out := Tree{}
	dec := yaml.NewDecoder(strings.NewReader(text))
	for range 16 {
		var v any
		err := dec.Decode(&v)
		if err != nil && err.Error() == "EOF" {
			break
		}
		if err != nil {
			return out, err
		}
		if t, ok := lowered(v, 0).(Tree); ok {
			maps.Copy(out, t)
		}
	}
	return out, nil
}

// TOML reads a text.
func TOML(text string) (Tree, error) {
	var v map[string]any
	if err := toml.Unmarshal([]byte(text), &v); err != nil {
		return Tree{}, err
	}
	return lowered(v, 0).(Tree), nil
}

// hole stands for what a variable decides.
const hole = "\ue000"

var variable = regexp.MustCompile(`\{\{-?\s*env\s+["\x60][^"\x60]*["\x60]\s*-?\}\}`)

// Templated is a file of Traefik, which is a template of Go, with holes for the variables
// of its environment. Of other templates nothing is said to be known.
func Templated(text string) (string, error) {
	if text = variable.ReplaceAllString(text, hole); strings.Contains(text, "{{") {
		return "", errors.New("it is a template")
	}
	return text, nil
}

// Flags reads --entrypoints.web.address=:80, which is how Traefik takes settings on its
// command line.
func Flags(args []string) Tree {
	t := Tree{}
	for i, a := range args {
		rest, ok := strings.CutPrefix(a, "--")
		if !ok || rest == "" {
			continue
		}
		key, value, has := strings.Cut(rest, "=")
		if !has {
			value = "true"
			if i+1 < len(args) && !strings.HasPrefix(args[i+1], "-") {
				value = args[i+1]
			}
		}
		t.put(strings.Split(strings.ToLower(key), "."), value)
	}
	return t
}

// Variables reads TRAEFIK_ENTRYPOINTS_WEB_ADDRESS=:80.
func Variables(env map[string]string) Tree {
	t := Tree{}
	for _, k := range slices.Sorted(maps.Keys(env)) {
		if rest, ok := strings.CutPrefix(strings.ToLower(k), "traefik_"); ok {
			t.put(strings.Split(rest, "_"), env[k])
		}
	}
	return t
}

// lowered is a value with lower-case keys.
func lowered(v any, depth int) any {
	if depth > maxDepth {
		return nil
	}
	switch v := v.(type) {
	case map[string]any:
		t := make(Tree, len(v))
		for k, e := range v {
			t[strings.ToLower(k)] = lowered(e, depth+1)
		}
		return t
	case map[any]any:
		t := make(Tree, len(v))
		for k, e := range v {
			t[strings.ToLower(fmt.Sprint(k))] = lowered(e, depth+1)
		}
		return t
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = lowered(e, depth+1)
		}
		return out
	}
	return v
}

// put sets a value by its path: a.b[0].c. What is in the way of it stays.
func (t Tree) put(path []string, value any) {
	if len(path) > maxDepth {
		return
	}
	for _, p := range path[:len(path)-1] {
		next, ok := t[p].(Tree)
		if !ok {
			next = Tree{}
			t[p] = next
		}
		t = next
	}
	t[path[len(path)-1]] = value
}

func (t Tree) sub(key string) Tree {
	s, _ := t[key].(Tree)
	return s
}

func (t Tree) names() []string { return slices.Sorted(maps.Keys(t)) }

func (t Tree) text(key string) string {
	switch v := t[key].(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case int, int64, uint64, float64:
		return fmt.Sprint(v)
	}
	return ""
}

// list reads a list of words, or one text with commas.
func (t Tree) list(key string) (out []string) {
	switch v := t[key].(type) {
	case string:
		for w := range strings.SplitSeq(v, ",") {
			if w = strings.TrimSpace(w); w != "" {
				out = append(out, strings.ToLower(w))
			}
		}
	case []any:
		for _, e := range v {
			if s, ok := e.(string); ok {
				out = append(out, strings.ToLower(s))
			}
		}
	}
	return out
}

// trees reads a list of mappings, or one mapping whose keys are names: servers[0] of
// labels.
func (t Tree) trees(key string) (out []Tree) {
	if list, ok := t[key].([]any); ok {
		for _, e := range list {
			if s, ok := e.(Tree); ok {
				out = append(out, s)
			}
		}
	}
	for _, name := range t.names() {
		if strings.HasPrefix(name, key+"[") {
			out = append(out, t.sub(name))
		}
	}
	return out
}
