package pvesim

import (
	"errors"
	"slices"
	"sort"
	"strings"
)

// props is a parsed property string: key to value, aliases resolved.
type props map[string]string

// parseProps reads a property string as PVE::JSONSchema does. path names the
// option in the error texts.
func (f *formats) parseProps(format *params, path, value string) (props, error) {
	out, err := splitProps(format, value)
	if err != nil {
		return nil, err
	}
	bad := map[string]string{}
	for k, v := range out {
		if msg := f.check(path+"."+k, format.find(k), v); msg != "" {
			bad[path+"."+k] = msg
		}
	}
	for _, p := range format.list {
		if p.required && p.alias == "" && out[p.name] == "" {
			bad[path+"."+p.name] = "property is missing and it is not optional"
		}
	}
	if len(bad) > 0 {
		return nil, errors.New("format error\n" + joinErrors(bad))
	}
	return out, nil
}

// joinErrors prints a map of errors the way a PVE::Exception does, without
// the last newline.
func joinErrors(errs map[string]string) string {
	var lines []string
	for k, v := range errs {
		lines = append(lines, k+": "+strings.TrimRight(v, "\n"))
	}
	sort.Strings(lines)
	return strings.Join(lines, "\n")
}

func splitProps(format *params, value string) (props, error) {
	out := props{}
	usedDefault := false
	for _, part := range strings.Split(value, ",") {
		if strings.TrimSpace(part) == "" {
			continue
		}
		k, v, found := strings.Cut(part, "=")
		if found && (k == "" || v == "") {
			return nil, errors.New("missing key in comma-separated list property")
		}
		if found {
			if err := out.put(format, k, v); err != nil {
				return nil, err
			}
			continue
		}
		i := slices.IndexFunc(format.list, func(p *param) bool { return p.dflt })
		if i < 0 {
			return nil, errors.New("value without key, but schema does not define a default key")
		}
		p := format.list[i]
		if _, dup := out[p.name]; dup || usedDefault {
			return nil, errors.New("duplicate key in comma-separated list property: " + p.name)
		}
		usedDefault = true
		out[p.name] = looseBool(p, part)
	}
	return out, nil
}

func (ps props) put(format *params, k, v string) error {
	if _, dup := ps[k]; dup {
		return errors.New("duplicate key in comma-separated list property: " + k)
	}
	p := format.find(k)
	if p != nil && p.alias != "" {
		if p.keyAlias != "" {
			if _, dup := ps[p.keyAlias]; dup {
				return errors.New("key alias '" + p.keyAlias + "' is already defined")
			}
			ps[p.keyAlias] = k
		}
		k = p.alias
		p = format.find(k)
	}
	if p == nil {
		return errors.New("invalid key in comma-separated list property: " + k)
	}
	ps[k] = looseBool(p, v)
	return nil
}

// looseBool is parse_boolean: property strings take more words than
// parameters do.
func looseBool(p *param, v string) string {
	if p.typ != 'b' {
		return v
	}
	switch strings.ToLower(v) {
	case "1", "on", "yes", "true":
		return "1"
	case "0", "off", "no", "false":
		return "0"
	}
	return v
}

// print writes a property string: the default key first and without its
// name, a network's model as the key of its MAC, then the keys sorted.
func (ps props) print(format *params) string {
	var parts []string
	done := map[string]bool{}
	for _, p := range format.list {
		v, ok := ps[p.name]
		if !p.dflt || !ok {
			continue
		}
		done[p.name] = true
		if mac := ps["macaddr"]; p.name == "model" && mac != "" {
			v, done["macaddr"] = v+"="+mac, true
		}
		parts = append(parts, v)
	}
	keys := make([]string, 0, len(ps))
	for k := range ps {
		if !done[k] {
			keys = append(keys, k)
		}
	}
	sort.Strings(keys)
	for _, k := range keys {
		parts = append(parts, k+"="+ps[k])
	}
	return strings.Join(parts, ",")
}
