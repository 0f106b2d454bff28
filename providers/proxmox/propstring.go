package proxmox

import (
	"regexp"
	"slices"
	"strings"

	"recon/inventory"
)

// A prop is one k=v of a property string.
type prop struct{ key, value string }

// A propString is Proxmox's k=v,k=v notation. Order means nothing; it is kept so
// that what recon does not touch is written as it was.
type propString []prop

// A grammar says how the property string of a key is read: which sub-key a value
// without a name belongs to, and which sub-keys are other names of one. It comes from
// the tables.
type grammar struct {
	defaultKey string
	aliases    map[string]string
	models     bool // a network card: virtio=MAC means model=virtio,macaddr=MAC
}

// grammarOf returns the grammar of a config key.
func grammarOf(kind, key string) grammar { return indexes()[kind].grammars[key] }

func blockGrammar(b *inventory.Block) grammar {
	g := grammar{defaultKey: b.DefaultKey, models: b.Card}
	g.alias(b.Attrs)
	return g
}

func subGrammar(attrs []*inventory.Attr) grammar {
	g := grammar{}
	for _, a := range attrs {
		if a.Lead {
			g.defaultKey = a.Sub
		}
	}
	g.alias(attrs)
	return g
}

func (g *grammar) alias(attrs []*inventory.Attr) {
	for _, a := range attrs {
		for _, other := range a.Alias {
			if g.aliases == nil {
				g.aliases = map[string]string{}
			}
			if g.aliases[other] = a.Sub; a.Sub == "" {
				g.aliases[other] = a.Key
			}
		}
	}
}

var macPattern = regexp.MustCompile(`^(?i)[0-9a-f]{2}(:[0-9a-f]{2}){5}$`)

// parseProps reads a property string. What has no name gets the default key.
func parseProps(s string, g grammar) propString {
	var out propString
	for _, item := range strings.Split(s, ",") {
		k, v, named := strings.Cut(item, "=")
		switch {
		case item == "":
		case !named || k == "":
			out = append(out, prop{g.defaultKey, item})
		case g.models && k != "macaddr" && macPattern.MatchString(v):
			out = append(out, prop{"model", k}, prop{"macaddr", v})
		default:
			if name, ok := g.aliases[k]; ok {
				k = name
			}
			out = append(out, prop{k, v})
		}
	}
	return out
}

// get returns the value of a sub-key.
func (p propString) get(key string) (string, bool) {
	for _, kv := range p {
		if kv.key == key {
			return kv.value, true
		}
	}
	return "", false
}

// set gives a sub-key a value, in place or at the end.
func (p propString) set(key, value string) propString {
	for i := range p {
		if p[i].key == key {
			p[i].value = value
			return p
		}
	}
	return append(p, prop{key, value})
}

// drop takes a sub-key out.
func (p propString) drop(key string) propString {
	return slices.DeleteFunc(p, func(kv prop) bool { return kv.key == key })
}

// print spells the property string: the default key first and without its name,
// a network card as model=MAC.
func (p propString) print(g grammar) string {
	var first, rest []string
	mac, hasMAC := p.get("macaddr")
	for _, kv := range p {
		switch {
		case kv.key == g.defaultKey && g.models && hasMAC && len(first) == 0:
			first = append(first, kv.value+"="+mac)
		case kv.key == g.defaultKey && kv.value != "":
			first = append(first, kv.value)
		case kv.key == "macaddr" && g.models, kv.key == g.defaultKey:
		default:
			rest = append(rest, kv.key+"="+kv.value)
		}
	}
	return strings.Join(append(first, rest...), ",")
}
