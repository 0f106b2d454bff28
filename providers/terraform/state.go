package terraform

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// stateVersion is the format of state files since Terraform 0.12
// (internal/states/statefile/version4.go); OpenTofu writes the same.
const stateVersion = 4

// maxDepth bounds how deep modules of terraform show -json may nest.
const maxDepth = 64

// A state is what this package needs of a state, whatever its spelling.
type state struct{ resources []resource }

// A resource is one instance of a managed resource.
type resource struct {
	address   string // module.vm["media"].proxmox_virtual_environment_vm.this[0]
	typ       string
	values    map[string]any // numbers are json.Number
	sensitive [][]string     // paths of values that must not be shown; list items are *
}

// parse reads a state file, the output of terraform show -json, or what of a plan's
// JSON tells the state before it.
func parse(data []byte) (*state, error) {
	var head struct {
		Version       *int64          `json:"version"`
		Resources     []fileResource  `json:"resources"`
		FormatVersion string          `json:"format_version"`
		Values        *shownValues    `json:"values"`
		PriorState    json.RawMessage `json:"prior_state"`
		Encrypted     string          `json:"encrypted_data"`
	}
	if err := decode(data, &head); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoState, hideText(err))
	}
	switch {
	case head.Encrypted != "":
		return nil, fmt.Errorf("%w: OpenTofu has encrypted it; with directory = its folder tofu hands it out", ErrNoState)
	case head.Version != nil && *head.Version > stateVersion:
		return nil, fmt.Errorf("%w: its format version is %d, and this recon reads %d", ErrNewer, *head.Version, stateVersion)
	case head.Version != nil && *head.Version < stateVersion:
		return nil, fmt.Errorf("%w: its format version %d is of a Terraform before 0.12; terraform apply -refresh-only with a newer one rewrites it", ErrNoState, *head.Version)
	case head.Version != nil:
		return fromFile(head.Resources), nil
	case head.FormatVersion != "" && major(head.FormatVersion) > 1:
		return nil, fmt.Errorf("%w: its format version is %s, and this recon reads 1", ErrNewer, head.FormatVersion)
	case head.FormatVersion != "" && head.PriorState != nil && head.Values == nil:
		return parse(head.PriorState)
	case head.FormatVersion != "" && head.Values != nil:
		s := &state{}
		return s, s.module(&head.Values.Root, 0)
	case head.FormatVersion != "":
		return &state{}, nil // show -json of an empty state
	}
	return nil, fmt.Errorf("%w: it has neither version nor format_version", ErrNoState)
}

func major(version string) int {
	digits, _, _ := strings.Cut(version, ".")
	n, err := strconv.Atoi(digits)
	if err != nil {
		return 0
	}
	return n
}

// decode reads JSON with numbers as they are written.
func decode(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	return d.Decode(into)
}

// hideText keeps a JSON error from quoting what it choked on: it may be a secret.
func hideText(err error) error {
	var syntax *json.SyntaxError
	var typ *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("it is broken JSON at byte %d", syntax.Offset)
	case errors.As(err, &typ):
		return fmt.Errorf("%s is a %s", typ.Field, strings.SplitN(typ.Value, " ", 2)[0])
	}
	return errors.New("it is broken JSON")
}

// A fileResource is a resource as a state file spells it.
type fileResource struct {
	Module    string `json:"module"`
	Mode      string `json:"mode"`
	Type      string `json:"type"`
	Name      string `json:"name"`
	Instances []struct {
		IndexKey   json.RawMessage  `json:"index_key"`
		Deposed    string           `json:"deposed"`
		Attributes map[string]any   `json:"attributes"`
		Sensitive  [][]fileStepJSON `json:"sensitive_attributes"`
	} `json:"instances"`
}

// A fileStepJSON is one step of the path to a sensitive value.
type fileStepJSON struct {
	Type  string          `json:"type"` // get_attr or index
	Value json.RawMessage `json:"value"`
}

// fromFile takes the guests out of a state file. Instances that wait for their
// destruction (deposed) are none.
func fromFile(list []fileResource) *state {
	s := &state{}
	for i := range list {
		fr := &list[i]
		if fr.Mode != "managed" || mapperOf(fr.Type) == nil {
			continue
		}
		for j := range fr.Instances {
			in := &fr.Instances[j]
			if in.Deposed != "" {
				continue
			}
			r := resource{typ: fr.Type, address: address(fr.Module, fr.Type, fr.Name, in.IndexKey), values: in.Attributes}
			for _, path := range in.Sensitive {
				r.sensitive = append(r.sensitive, filePath(path))
			}
			s.resources = append(s.resources, r)
		}
	}
	return s
}

func address(module, typ, name string, index json.RawMessage) string {
	a := typ + "." + name
	if module != "" {
		a = module + "." + a
	}
	if len(index) > 0 && string(index) != "null" {
		a += "[" + string(index) + "]"
	}
	return a
}

func filePath(steps []fileStepJSON) []string {
	var out []string
	for _, s := range steps {
		var v struct {
			Value any `json:"value"`
		}
		var name string
		if json.Unmarshal(s.Value, &name) != nil {
			// An index is spelled {"value": 0, "type": "number"}.
			name = "*"
			if json.Unmarshal(s.Value, &v) == nil {
				if key, ok := v.Value.(string); ok {
					name = key
				}
			}
		}
		out = append(out, name)
	}
	return out
}

// shownValues are the values of terraform show -json.
type shownValues struct {
	Root shownModule `json:"root_module"`
}

type shownModule struct {
	Resources []struct {
		Address    string         `json:"address"`
		Mode       string         `json:"mode"`
		Type       string         `json:"type"`
		DeposedKey string         `json:"deposed_key"`
		Values     map[string]any `json:"values"`
		Sensitive  any            `json:"sensitive_values"`
	} `json:"resources"`
	Children []shownModule `json:"child_modules"`
}

// module takes the guests out of a module and the modules below it.
func (s *state) module(m *shownModule, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("%w: its modules nest more than %d deep", ErrNoState, maxDepth)
	}
	for i := range m.Resources {
		sr := &m.Resources[i]
		if sr.Mode != "managed" || sr.DeposedKey != "" || mapperOf(sr.Type) == nil {
			continue
		}
		s.resources = append(s.resources, resource{typ: sr.Type, address: sr.Address, values: sr.Values, sensitive: shownPaths(sr.Sensitive, nil)})
	}
	for i := range m.Children {
		if err := s.module(&m.Children[i], depth+1); err != nil {
			return err
		}
	}
	return nil
}

// shownPaths lists the paths that a tree of marks marks with true.
func shownPaths(marks any, at []string) [][]string {
	switch m := marks.(type) {
	case bool:
		if m {
			return [][]string{slices.Clone(at)}
		}
	case map[string]any:
		var out [][]string
		for k, v := range m {
			out = append(out, shownPaths(v, append(at, k))...)
		}
		return out
	case []any:
		var out [][]string
		for _, v := range m {
			out = append(out, shownPaths(v, append(at, "*"))...)
		}
		return out
	}
	return nil
}

// covers reports whether a sensitive path covers a value's path, in which list
// items are *: it is the value's own, one above it, or one below.
func covers(sensitive, path []string) bool {
	for i := range min(len(sensitive), len(path)) {
		if sensitive[i] != path[i] && sensitive[i] != "*" && path[i] != "*" {
			return false
		}
	}
	return true
}

// secrets returns the names of the sensitive attributes that have a value, and
// those values, for hiding them in text that others wrote.
func (r *resource) secrets() (names, values []string) {
	for _, path := range r.sensitive {
		found := leaves(r.values, path)
		if len(found) > 0 {
			names = append(names, strings.Join(path, "."))
		}
		values = append(values, found...)
	}
	slices.Sort(names)
	return slices.Compact(names), values
}

// leaves returns the texts at and below a path.
func leaves(v any, path []string) []string {
	switch v := v.(type) {
	case map[string]any:
		var out []string
		for k, sub := range v {
			if len(path) == 0 || path[0] == k || path[0] == "*" {
				out = append(out, leaves(sub, rest(path))...)
			}
		}
		return out
	case []any:
		var out []string
		for _, sub := range v {
			out = append(out, leaves(sub, rest(path))...)
		}
		return out
	case string:
		if v != "" {
			return []string{v}
		}
	case json.Number:
		return []string{v.String()}
	}
	return nil
}

func rest(path []string) []string {
	if len(path) == 0 {
		return nil
	}
	return path[1:]
}
