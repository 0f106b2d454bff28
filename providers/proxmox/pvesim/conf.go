package pvesim

import (
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"time"
)

// machine is a guest of the running server: its config, and what is kept of
// it between requests.
type machine struct {
	*Guest
	opts *optionSet
	// digest and pending are cached until touch.
	digest  string
	pending json.RawMessage
	// stat is what the status daemon said last; nil before it saw the guest.
	stat    *stat
	pid     int
	started time.Time
}

// get reads a key of the main section.
func (g *Guest) get(key string) (string, bool) {
	switch key {
	case "lock":
		return g.Lock, g.Lock != ""
	case "template":
		return "1", g.Template
	}
	v, ok := g.Config[key]
	return v, ok
}

// set writes a key of the main section.
func (g *Guest) set(key, value string) {
	switch key {
	case "lock":
		g.Lock = value
	case "template":
		g.Template = value == "1"
	default:
		g.Config[key] = value
	}
}

func (g *Guest) unset(key string) {
	switch key {
	case "lock":
		g.Lock = ""
	case "template":
		g.Template = false
	default:
		delete(g.Config, key)
	}
}

// all is the main section with the keys that have fields of their own.
func (g *Guest) all() map[string]string {
	out := maps.Clone(g.Config)
	if g.Lock != "" {
		out["lock"] = g.Lock
	}
	if g.Template {
		out["template"] = "1"
	}
	if g.Parent != "" {
		out["parent"] = g.Parent
	}
	return out
}

// deletion finds a pending deletion: 0 none, 1 plain, 2 forced.
func (g *Guest) deletion(key string) int {
	switch {
	case slices.Contains(g.Delete, "!"+key):
		return 2
	case slices.Contains(g.Delete, key):
		return 1
	}
	return 0
}

func (g *Guest) undelete(key string) {
	g.Delete = slices.DeleteFunc(g.Delete, func(k string) bool { return strings.TrimPrefix(k, "!") == key })
}

// touch drops what was computed from the config.
func (m *machine) touch() { m.digest, m.pending = "", nil }

// hash is the SHA-1 of the config file.
func (m *machine) hash() string {
	if m.digest == "" {
		sum := sha1.Sum([]byte(m.conf()))
		m.digest = hex.EncodeToString(sum[:])
	}
	return m.digest
}

// conf is the text of the .conf file.
func (m *machine) conf() string {
	var b strings.Builder
	writeSection(&b, m.all())
	if len(m.Pending) > 0 || len(m.Delete) > 0 {
		b.WriteString(map[string]string{"qemu": "\n[PENDING]\n", "lxc": "\n[pve:pending]\n"}[m.Kind])
		p := maps.Clone(m.Pending)
		if len(m.Delete) > 0 {
			p["delete"] = strings.Join(slices.Sorted(slices.Values(m.Delete)), ",")
		}
		writeSection(&b, p)
	}
	names := make([]string, 0, len(m.Snapshots))
	for _, sn := range m.Snapshots {
		names = append(names, sn.Name)
	}
	sort.Strings(names)
	for _, name := range names {
		sn := m.snapshot(name)
		fmt.Fprintf(&b, "\n[%s]\n", name)
		writeSection(&b, sn.all())
	}
	return b.String()
}

// all is the snapshot's section.
func (sn *Snapshot) all() map[string]string {
	c := maps.Clone(sn.Config)
	if c == nil {
		c = map[string]string{}
	}
	c["snaptime"] = itoa(int(sn.Time))
	if sn.Description != "" {
		c["description"] = sn.Description
	}
	if sn.Parent != "" {
		c["parent"] = sn.Parent
	}
	return c
}

// writeSection writes the description as comment lines and then the keys.
func writeSection(b *strings.Builder, conf map[string]string) {
	for line := range strings.Lines(conf["description"]) {
		b.WriteString("#" + encodeText(strings.TrimSuffix(line, "\n")) + "\n")
	}
	for _, k := range slices.Sorted(maps.Keys(conf)) {
		if k != "description" {
			b.WriteString(k + ": " + conf[k] + "\n")
		}
	}
}

// encodeText is PVE::Tools::encode_text: control and high characters and ":"
// are percent-encoded.
func encodeText(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c > 0x7e || c == ':' {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// shown is a value as the API answers it.
func (m *machine) shown(key, raw string) any {
	switch key {
	case "cipassword":
		return "**********"
	case "boot":
		if raw == "" {
			return " "
		}
	case "description":
		if m.Kind == "lxc" && !strings.HasSuffix(raw, "\n") {
			return raw + "\n"
		}
	}
	return m.opts.value(key, raw)
}

// view is GET config: pending values merged in, or what runs when current.
func (m *machine) view(current bool) obj {
	conf := m.all()
	if !current {
		for _, k := range m.Delete {
			delete(conf, strings.TrimPrefix(k, "!"))
		}
		maps.Copy(conf, m.Pending)
	}
	out := obj{"digest": m.hash()}
	for k, v := range conf {
		out[k] = m.shown(k, v)
	}
	return out
}

// pendingRows is GET pending. It is the request that a reconciler repeats
// most, so the answer is kept.
func (m *machine) pendingRows() (json.RawMessage, error) {
	if m.pending != nil {
		return m.pending, nil
	}
	conf := m.all()
	rows := []obj{{"key": "digest", "value": m.hash()}}
	for k, v := range conf {
		row := obj{"key": k, "value": m.shown(k, v)}
		if p, ok := m.Pending[k]; ok {
			row["pending"] = m.shown(k, p)
		}
		if d := m.deletion(k); d > 0 {
			row["delete"] = d
		}
		rows = append(rows, row)
	}
	for k, v := range m.Pending {
		if _, ok := conf[k]; !ok {
			rows = append(rows, obj{"key": k, "pending": m.shown(k, v)})
		}
	}
	data, err := marshal(shuffle(rows))
	if err != nil {
		return nil, err
	}
	m.pending = data
	return m.pending, nil
}
