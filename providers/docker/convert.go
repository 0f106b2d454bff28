package docker

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/moby/moby/api/types/system"
	"github.com/zclconf/go-cty/cty"

	"recon/inventory"
)

// attrsOf turns the content of daemon.json into attributes. Keys that have no
// attribute of their own come in settings. Secrets are left out.
func attrsOf(content []byte) (inventory.Attrs, error) {
	ms, err := members(content)
	if err != nil {
		return nil, err
	}
	kind, out, other := inventory.KindOf(inventory.KindDaemon), inventory.Attrs{}, map[string]cty.Value{}
	for _, m := range ms {
		a := attrOfKey(kind, m.key)
		switch {
		case a != nil:
			out[inventory.Path(a.Name)], err = valueOf(a.Type, m.raw)
		case !inventory.SecretKey(m.key):
			other[m.key], err = valueOf(cty.DynamicPseudoType, m.raw)
		}
		if err != nil {
			return nil, fmt.Errorf("%q: %w", m.key, err)
		}
	}
	if len(other) > 0 {
		out["settings"] = cty.ObjectVal(other)
	}
	return out, nil
}

// attrOfKey returns the attribute of a key of daemon.json, nil when it has none of
// its own.
func attrOfKey(kind *inventory.Kind, key string) *inventory.Attr {
	for _, a := range kind.Attrs {
		if a.Key == key && key != "*" {
			return a
		}
	}
	return nil
}

// valueOf reads a value that should be of a type. One that is of another is kept as
// it is, so that it shows as a difference.
func valueOf(t cty.Type, raw json.RawMessage) (cty.Value, error) {
	v, err := inventory.DecodeJSON(withoutSecrets(raw))
	if err != nil {
		return v, err
	}
	v, _ = inventory.Shape(v, t)
	return v, nil
}

// withoutSecrets takes out what must not be shown: entries whose name says that
// they are secret, and passwords in URLs.
func withoutSecrets(raw json.RawMessage) json.RawMessage {
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return raw
	}
	clean, changed := scrub(v)
	if !changed {
		return raw
	}
	return marshal(clean)
}

func scrub(v any) (clean any, changed bool) {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			c, did := scrub(e)
			if inventory.SecretKey(k) {
				delete(v, k)
				changed = true
				continue
			}
			v[k], changed = c, changed || did
		}
	case []any:
		for i, e := range v {
			c, did := scrub(e)
			v[i], changed = c, changed || did
		}
	case string:
		if inventory.SecretText(v) {
			scheme, rest, _ := strings.Cut(v, "://")
			_, host, _ := strings.Cut(rest, "@")
			return scheme + "://(secret)@" + host, true
		}
	}
	return v, changed
}

// keepSecrets puts the secrets of the old value back into a new one: they are the
// file's, not the manifest's.
func keepSecrets(old, value json.RawMessage) json.RawMessage {
	var o, n map[string]json.RawMessage
	if json.Unmarshal(old, &o) != nil || json.Unmarshal(value, &n) != nil || n == nil {
		return value
	}
	changed := false
	for k, v := range o {
		if _, there := n[k]; !there && inventory.SecretKey(k) {
			n[k], changed = v, true
		}
	}
	if !changed {
		return value
	}
	return marshal(n)
}

// jsonOf writes a value as daemon.json has it; nil for one that means "not in the
// file".
func jsonOf(v cty.Value) json.RawMessage {
	if inventory.IsNull(v) || isEmpty(v) {
		return nil
	}
	return marshal(inventory.JSONValue(v))
}

// isEmpty reports a text or collection that holds nothing: the key is not to be in
// the file.
func isEmpty(v cty.Value) bool {
	if v.CanIterateElements() {
		return v.LengthInt() == 0
	}
	return inventory.Holds(v, cty.String) && v.AsString() == ""
}

func stringsOf(raw json.RawMessage) []string {
	var out []string
	if json.Unmarshal(raw, &out) != nil {
		return nil
	}
	return out
}

// runningOf returns the values in use: those of the file that the daemon loaded,
// and over them what the engine tells. A key of which nobody knows is missing.
func runningOf(file, loaded inventory.Attrs, known bool, info *system.Info) inventory.Attrs {
	out := inventory.Attrs{}
	kind := inventory.KindOf(inventory.KindDaemon)
	for _, a := range kind.Attrs {
		p := inventory.Path(a.Name)
		switch {
		case !a.DaemonJSON():
		case a.Impact == inventory.ImpactReload:
			out[p] = file[p] // a reload leaves no trace; what the engine tells comes below
		case known:
			out[p] = loaded[p]
		}
	}
	for p, v := range told(info, file) {
		out[p] = v
	}
	return out
}

// told are the settings that GET /info shows (moby, daemon/info.go).
func told(info *system.Info, file inventory.Attrs) inventory.Attrs {
	out := inventory.Attrs{
		"log_driver": cty.StringVal(info.LoggingDriver), "data_root": cty.StringVal(info.DockerRootDir), "live_restore": cty.BoolVal(info.LiveRestoreEnabled),
		"debug": cty.BoolVal(info.Debug), "experimental": cty.BoolVal(info.ExperimentalBuild), "labels": inventory.StringSet(info.Labels...),
	}
	if inventory.IsNull(file["data_root"]) {
		delete(out, "data_root") // its default is not worth a word
	}
	if info.DefaultRuntime != "" && !inventory.IsNull(file["default_runtime"]) {
		out["default_runtime"] = cty.StringVal(info.DefaultRuntime)
	}
	if r := info.RegistryConfig; r != nil {
		out["registry_mirrors"] = mirrorsOf(r.Mirrors, file["registry_mirrors"])
		var insecure []string
		for _, c := range r.InsecureRegistryCIDRs {
			insecure = append(insecure, c.String())
		}
		for name, c := range r.IndexConfigs {
			if c != nil && !c.Secure {
				insecure = append(insecure, name)
			}
		}
		// The engine adds loopback of its own accord.
		want := inventory.Strings(file["insecure_registries"])
		out["insecure_registries"] = inventory.StringSet(slices.DeleteFunc(insecure, func(s string) bool { return !slices.Contains(want, s) })...)
	}
	return out
}

// mirrorsOf spells mirrors as the file does: the engine ends each with a slash.
func mirrorsOf(mirrors []string, file cty.Value) cty.Value {
	written := inventory.Strings(file)
	out := slices.Clone(mirrors)
	for i, m := range out {
		for _, w := range written {
			if strings.TrimSuffix(w, "/") == strings.TrimSuffix(m, "/") {
				out[i] = w
			}
		}
	}
	return inventory.StringList(out...)
}

// rawOf returns the keys of the file with a digest of their values, by which a
// foreign change is noticed.
func rawOf(content []byte) map[string]string {
	ms, err := members(content)
	if err != nil {
		return nil
	}
	out := map[string]string{}
	for _, m := range ms {
		out[m.key] = digest(m.raw)
	}
	return out
}
