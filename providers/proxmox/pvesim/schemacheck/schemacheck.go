// Package schemacheck checks requests against Proxmox VE's official API
// schema. The schema is data of Proxmox under the AGPL and no part of this
// project: tests read it from a folder shared/data/pve-schema beside the
// project when there is one, and skip with a reason when there is none.
package schemacheck

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// ErrNoSchema is wrapped when the schema is not there.
var ErrNoSchema = errors.New("no API schema")

// Checker knows the methods and parameters of one release.
type Checker struct {
	paths map[string]map[string]*method
	split map[string][]string
}

type method struct {
	Parameters struct {
		Properties           map[string]*property `json:"properties"`
		AdditionalProperties json.RawMessage      `json:"additionalProperties"`
	} `json:"parameters"`
}

// property is a parameter, or a key of a property string. The schema is
// loose: booleans come as 0 and 1, numbers as text.
type property struct {
	Type       string          `json:"type"`
	Optional   any             `json:"optional"`
	Enum       []any           `json:"enum"`
	Minimum    any             `json:"minimum"`
	Maximum    any             `json:"maximum"`
	MaxLength  any             `json:"maxLength"`
	Pattern    string          `json:"pattern"`
	Format     json.RawMessage `json:"format"`
	Alias      string          `json:"alias"`
	KeyAlias   string          `json:"keyAlias"`
	DefaultKey any             `json:"default_key"`
}

// Find walks up from the working directory to the module's root and then
// looks for shared/data/pve-schema beside it and beside its parents.
func Find() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		for _, try := range []string{filepath.Join(dir, "shared", "data", "pve-schema"), filepath.Join(filepath.Dir(dir), "shared", "data", "pve-schema")} {
			if st, err := os.Stat(try); err == nil && st.IsDir() {
				return try, nil
			}
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", fmt.Errorf("%w: no shared/data/pve-schema beside the project", ErrNoSchema)
		}
		dir = up
	}
}

// Load reads the schema of a release ("8.4", "9.1", "9.2") from a folder.
func Load(dir, pve string) (*Checker, error) {
	files, err := filepath.Glob(filepath.Join(dir, "flat-"+pve+"*.json"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%w for %s in %s", ErrNoSchema, pve, dir)
	}
	data, err := os.ReadFile(files[0])
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %w", ErrNoSchema, err)
	}
	if err != nil {
		return nil, fmt.Errorf("read API schema: %w", err)
	}
	c := &Checker{split: map[string][]string{}}
	if err := json.Unmarshal(data, &c.paths); err != nil {
		return nil, fmt.Errorf("parse API schema %s: %w", files[0], err)
	}
	for p := range c.paths {
		c.split[p] = strings.Split(strings.Trim(p, "/"), "/")
	}
	return c, nil
}

// Check tells what the official schema says against a request. The path is
// without /api2/json. Parameters of the path need not be repeated.
func (c *Checker) Check(methodName, path string, params url.Values) error {
	tmpl, uri := c.find(path)
	if tmpl == "" {
		return fmt.Errorf("%s %s: no such path", methodName, path)
	}
	m := c.paths[tmpl][methodName]
	if m == nil {
		return fmt.Errorf("%s %s: no such method", methodName, path)
	}
	var bad []string
	for name, vals := range params {
		p := m.lookup(name)
		if p == nil {
			if !m.open() {
				bad = append(bad, name+": unknown parameter")
			}
			continue
		}
		if p.Type != "array" && len(vals) != 1 && p.formatName() == "" {
			bad = append(bad, name+": given more than once")
		}
		for _, v := range vals {
			if err := p.check(v); err != nil {
				bad = append(bad, fmt.Sprintf("%s=%s: %v", name, v, err))
			}
		}
	}
	for name, p := range m.Parameters.Properties {
		_, inPath := uri[name]
		if !truthy(p.Optional) && !inPath && !params.Has(name) {
			bad = append(bad, name+": missing")
		}
	}
	if len(bad) == 0 {
		return nil
	}
	sort.Strings(bad)
	return fmt.Errorf("%s %s: %s", methodName, path, strings.Join(bad, "; "))
}

// find returns the template of a path; literal parts win over parameters.
func (c *Checker) find(path string) (string, map[string]bool) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	best, bestScore := "", -1
	var uri map[string]bool
	for tmpl, want := range c.split {
		names, score := match(want, parts)
		if names != nil && score > bestScore {
			best, bestScore, uri = tmpl, score, names
		}
	}
	return best, uri
}

func match(want, parts []string) (map[string]bool, int) {
	names := map[string]bool{}
	score := 0
	for i, w := range want {
		if i >= len(parts) {
			return nil, 0
		}
		if !strings.HasPrefix(w, "{") {
			if w != parts[i] {
				return nil, 0
			}
			score++
			continue
		}
		names[strings.Trim(w, "{}")] = true
		if w == "{volume}" && i == len(want)-1 {
			return names, score
		}
	}
	if len(want) != len(parts) {
		return nil, 0
	}
	return names, score
}

// lookup finds a parameter, indexed ones too.
func (m *method) lookup(name string) *property {
	if p := m.Parameters.Properties[name]; p != nil {
		return p
	}
	base := strings.TrimRight(name, "0123456789")
	if base == name {
		return nil
	}
	return m.Parameters.Properties[base+"[n]"]
}

// open tells whether unknown parameters are allowed, or the schema does not
// list them (section configs).
func (m *method) open() bool {
	raw := strings.Trim(string(m.Parameters.AdditionalProperties), `"`)
	return raw == "1" || raw == "true" || strings.HasPrefix(raw, "{") || raw == "" && len(m.Parameters.Properties) == 0
}

func (p *property) formatName() string {
	var s string
	if json.Unmarshal(p.Format, &s) != nil {
		return ""
	}
	return s
}

func (p *property) check(v string) error {
	if err := p.checkType(v); err != nil {
		return err
	}
	if n, ok := toFloat(p.MaxLength); ok && float64(len([]rune(v))) > n {
		return fmt.Errorf("longer than %v", n)
	}
	if len(p.Enum) > 0 && !slices.ContainsFunc(p.Enum, func(e any) bool { return fmt.Sprint(e) == v }) {
		return fmt.Errorf("not one of %v", p.Enum)
	}
	if p.Pattern != "" {
		re, err := regexp.Compile("^(?:" + perlPattern(p.Pattern) + ")$")
		if err == nil && !re.MatchString(v) {
			return fmt.Errorf("does not match %s", p.Pattern)
		}
	}
	var keys map[string]*property
	if json.Unmarshal(p.Format, &keys) == nil && len(keys) > 0 {
		return checkString(keys, v)
	}
	return nil
}

// perlPattern drops what Go's regular expressions write differently.
func perlPattern(p string) string {
	p = strings.ReplaceAll(p, "(?^:", "(?:")
	p = strings.ReplaceAll(p, "(?^i:", "(?i:")
	return strings.ReplaceAll(p, "{,", "{0,")
}

func (p *property) checkType(v string) error {
	switch p.Type {
	case "boolean":
		if v != "0" && v != "1" && v != "true" && v != "false" {
			return errors.New("is no boolean")
		}
	case "integer":
		if _, err := strconv.ParseInt(v, 10, 64); err != nil {
			return errors.New("is no integer")
		}
		return p.bounds(v)
	case "number":
		if _, err := strconv.ParseFloat(v, 64); err != nil {
			return errors.New("is no number")
		}
		return p.bounds(v)
	}
	return nil
}

func (p *property) bounds(v string) error {
	f, err := strconv.ParseFloat(v, 64)
	if err != nil {
		return err
	}
	if n, ok := toFloat(p.Minimum); ok && f < n {
		return fmt.Errorf("less than %v", n)
	}
	if n, ok := toFloat(p.Maximum); ok && f > n {
		return fmt.Errorf("more than %v", n)
	}
	return nil
}

// checkString checks a property string against its keys.
func checkString(keys map[string]*property, v string) error {
	seen := map[string]bool{}
	for part := range strings.SplitSeq(v, ",") {
		if strings.TrimSpace(part) == "" {
			continue
		}
		k, val, ok := strings.Cut(part, "=")
		if !ok {
			k, val = defaultKey(keys), part
		}
		p := keys[k]
		if p != nil && p.Alias != "" {
			seen[p.KeyAlias] = true
			k = p.Alias
			p = keys[k]
		}
		switch {
		case p == nil:
			return fmt.Errorf("unknown key %q", k)
		case seen[k]:
			return fmt.Errorf("key %q given twice", k)
		}
		seen[k] = true
		if p.Type == "boolean" {
			val = looseBoolean(val)
		}
		if err := p.check(val); err != nil {
			return fmt.Errorf("%s: %w", k, err)
		}
	}
	for k, p := range keys {
		if !truthy(p.Optional) && p.Alias == "" && !seen[k] {
			return fmt.Errorf("key %q missing", k)
		}
	}
	return nil
}

func defaultKey(keys map[string]*property) string {
	for k, p := range keys {
		if truthy(p.DefaultKey) {
			return k
		}
	}
	return ""
}

func looseBoolean(v string) string {
	switch strings.ToLower(v) {
	case "1", "on", "yes", "true":
		return "1"
	case "0", "off", "no", "false":
		return "0"
	}
	return v
}

func truthy(v any) bool {
	switch v := v.(type) {
	case bool:
		return v
	case float64:
		return v != 0
	case string:
		return v != "" && v != "0"
	}
	return false
}

func toFloat(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case string:
		f, err := strconv.ParseFloat(v, 64)
		return f, err == nil
	}
	return 0, false
}
