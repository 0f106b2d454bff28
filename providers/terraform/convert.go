package terraform

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/zclconf/go-cty/cty"

	"recon/inventory"
)

var mapperTable = sync.OnceValue(mappers)

// mapperOf returns how resources of that type are read, nil for those that are no
// guests.
func mapperOf(typ string) *mapper { return mapperTable()[typ] }

// A conversion says how a provider spells a value that the tables hold in another
// unit or form.
type conversion int

const (
	plain    conversion = iota
	inMiB               // a number of MiB
	inGiB               // a number of whole GiB; the provider rounds down
	sizeText            // "32G"; a number without unit is GiB
	inKBps              // a number of kB/s
	onOff               // on, or ignore (discard)
	notBool             // the attribute says the opposite: connected for link_down
	joined              // a list in one text, taken apart at comma, semicolon, blank or line end
)

// A rule says which attribute of a resource is which field.
type rule struct {
	path    string // in the guest, below the block and slot at hand
	from    string // in the state, below the object at hand
	as      conversion
	none    string // values, separated by |, with which the provider says that nothing is set
	assumed string // values that it also reads from a key that is not there
	loose   bool   // any value may stand for a key that is not there
	cloned  string // the schema's default: of a clone it is never read back, and says nothing
}

// An object is a block or object of a resource's state, and the way to it.
type object struct {
	values map[string]any
	steps  []step
}

// child returns the object of a block or an object attribute; ok is false when
// there is none.
func (o object) child(name string) (object, bool) {
	all := o.children(name)
	if len(all) == 0 || all[0].values == nil {
		return object{}, false
	}
	return all[0], true
}

// children returns the objects of a list of blocks. One that is null keeps its
// place, without values.
func (o object) children(name string) []object {
	var list []any
	switch v := o.values[name].(type) {
	case []any:
		list = v
	case map[string]any:
		list = []any{v}
	}
	out := make([]object, len(list))
	for i, item := range list {
		values, _ := item.(map[string]any)
		out[i] = object{values, append(slices.Clone(o.steps), step{name, i})}
	}
	return out
}

// member returns an object of a map of objects.
func (o object) member(key string) object {
	values, _ := o.values[key].(map[string]any)
	return object{values, append(slices.Clone(o.steps), step{key, 0})}
}

func (o object) text(name string) string { return text(o.values[name]) }

// A mapping fills one guest.
type mapping struct {
	res   *resource
	kind  *inventory.Kind
	guest *Guest
	clone bool

	places map[inventory.Path]place // nil: nobody asks
}

// table applies rules to an object; block and slot say where in the guest its
// attributes are.
func (m *mapping) table(o object, block, slot string, rules []rule) {
	for _, r := range rules {
		raw, ok := o.values[r.from]
		if !ok || raw == nil {
			continue
		}
		p := inventory.Path(r.path)
		if block != "" {
			p = m.kind.Block(block).Path(slot, r.path)
		}
		m.field(o, p, r, raw)
	}
}

// field applies one rule.
func (m *mapping) field(o object, p inventory.Path, r rule, raw any) {
	attr, _, _ := m.kind.Lookup(p)
	if attr == nil || m.clone && (raw == "" || r.cloned != "" && among(text(raw), r.cloned)) {
		return
	}
	m.put(o, p, r, m.value(attr, p, r, raw))
}

// put keeps a value, unless it comes from something that must not be shown.
func (m *mapping) put(o object, p inventory.Path, r rule, v cty.Value) {
	if inventory.IsNull(v) {
		return
	}
	if m.places != nil {
		m.places[p] = place{append(slices.Clone(o.steps), step{r.from, 0}), r.as}
	}
	if m.secret(o, r.from) {
		m.guest.veiled = append(m.guest.veiled, p)
		delete(m.guest.Attrs, p)
		return
	}
	m.guest.Attrs[p] = v
}

func (m *mapping) secret(o object, from string) bool {
	if len(m.res.sensitive) == 0 {
		return false
	}
	var path []string
	for _, st := range o.steps {
		path = append(path, st.name)
	}
	path = append(path, from)
	return slices.ContainsFunc(m.res.sensitive, func(s []string) bool { return covers(withoutIndexes(s), path) })
}

// withoutIndexes takes the list items out of a path.
func withoutIndexes(path []string) []string {
	return slices.DeleteFunc(slices.Clone(path), func(s string) bool { return s == "*" })
}

// value converts a raw value. What says that nothing is set becomes the default of
// the table, or else the type's empty value, which counts only where live has one.
func (m *mapping) value(attr *inventory.Attr, p inventory.Path, r rule, raw any) cty.Value {
	word := text(raw)
	if s, isText := raw.(string); isText && strings.TrimSpace(s) == "" || r.none != "" && among(word, r.none) {
		if !inventory.IsNull(attr.Default) {
			return attr.Default
		}
		m.guest.assumed[p] = true
		if r.as == inGiB {
			return cty.NilVal // below 1 GiB, or not said; no disk has no size
		}
		return empty(attr.Type)
	}
	if r.loose || r.assumed != "" && among(word, r.assumed) {
		m.guest.assumed[p] = true
	}
	if r.as == inGiB {
		m.guest.coarse[p] = inventory.GiB
	}
	return convert(attr, r.as, raw)
}

func among(word, list string) bool { return slices.Contains(strings.Split(list, "|"), word) }

func empty(t cty.Type) cty.Value {
	switch {
	case t.Equals(cty.Number):
		return cty.Zero
	case t.Equals(cty.Bool):
		return cty.False
	case t.IsSetType():
		return inventory.StringSet()
	case t.IsListType():
		return inventory.StringList()
	}
	return cty.StringVal("")
}

// convert spells a raw value in the table's type and unit, cty.NilVal when it
// cannot be one.
func convert(attr *inventory.Attr, as conversion, raw any) cty.Value {
	switch as {
	case inMiB, inGiB:
		unit := inventory.MiB
		if as == inGiB {
			unit = inventory.GiB
		}
		return multiple(text(raw), unit)
	case sizeText:
		s := text(raw)
		if n, err := inventory.ParseSize(s); err == nil {
			return inventory.Size(n)
		}
		return multiple(s, inventory.GiB)
	case inKBps:
		if v := numberValue(text(raw)); !inventory.IsNull(v) {
			return v.Divide(cty.NumberIntVal(1000))
		}
		return cty.NilVal
	case onOff:
		return cty.BoolVal(among(strings.ToLower(text(raw)), "on|true|1"))
	case notBool:
		return cty.BoolVal(text(raw) == "false")
	case joined:
		return collection(attr.Type, fields(text(raw)))
	}
	return plainValue(attr.Type, raw)
}

// multiple returns so many of a unit in bytes; what does not fit is no size.
func multiple(s string, unit int64) cty.Value {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || n > (1<<62)/unit {
		return cty.NilVal
	}
	return inventory.Size(n * unit)
}

func plainValue(t cty.Type, raw any) cty.Value {
	switch {
	case t.Equals(cty.Number):
		return numberValue(text(raw))
	case t.Equals(cty.Bool):
		switch strings.ToLower(text(raw)) {
		case "true", "1", "on", "yes":
			return cty.True
		case "false", "0", "off", "no":
			return cty.False
		}
		return cty.NilVal
	case t.Equals(cty.String):
		if s, ok := raw.(string); ok {
			return cty.StringVal(strings.TrimSpace(s))
		}
		return cty.NilVal
	}
	list, ok := raw.([]any)
	if !ok {
		return cty.NilVal
	}
	var items []string
	for _, item := range list {
		if s := strings.TrimSpace(text(item)); s != "" {
			items = append(items, s)
		}
	}
	return collection(t, items)
}

// numberValue reads a number; one beyond what any setting can be is none.
func numberValue(s string) cty.Value {
	if n, err := strconv.ParseFloat(s, 64); err != nil || len(s) > 40 || math.Abs(n) > 1<<62 || n != 0 && math.Abs(n) < 1e-9 {
		return cty.NilVal // a number with a vast exponent would take for ever to be exact
	}
	v, err := cty.ParseNumberVal(s)
	limit := cty.NumberIntVal(1 << 62)
	if err != nil || v.GreaterThan(limit).True() || v.LessThan(limit.Negate()).True() {
		return cty.NilVal
	}
	return v
}

func collection(t cty.Type, items []string) cty.Value {
	if t.IsSetType() {
		return inventory.StringSet(items...)
	}
	return inventory.StringList(items...)
}

func fields(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(",; \t\r\n", r) })
}

// lines takes a text with one item a line apart.
func lines(s string) []string {
	var out []string
	for line := range strings.Lines(s) {
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	return out
}

// text returns a scalar as it is written, "" for anything else.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

// props reads Proxmox's k=v,k=v notation.
func props(s string) map[string]string {
	out := map[string]string{}
	for item := range strings.SplitSeq(s, ",") {
		if k, v, ok := strings.Cut(strings.TrimSpace(item), "="); ok {
			out[k] = v
		}
	}
	return out
}

// set gives a field a value that several attributes of the object make up.
func (m *mapping) set(o object, from string, p inventory.Path, v cty.Value) {
	m.put(o, p, rule{from: from}, v)
}

// setText gives a text field a value, unless it is empty.
func (m *mapping) setText(o object, from string, p inventory.Path, s string) {
	if s != "" {
		m.set(o, from, p, cty.StringVal(s))
	}
}

// addresses gives a device the addresses in ipconfig notation.
func (m *mapping) addresses(o object, from, slot string, ip map[string]string) {
	b := m.kind.Block("network")
	for _, name := range []string{"address", "gateway", "address6", "gateway6"} {
		m.setText(o, from, b.Path(slot, name), ip[b.Attr(name).Key])
	}
}

// veil notes a password of cloud-init: Terraform has a say in it, and it is no value
// to compare.
func (m *mapping) veil(o object, from string) {
	if o.text(from) != "" {
		m.guest.veiled = append(m.guest.veiled, "cloud_init.password")
	}
}

// startup reads order=1,up=30,down=60, in which the order may stand alone.
func (m *mapping) startup(o object, from string) {
	s := o.text(from)
	if s == "" {
		return
	}
	if !strings.Contains(s, "=") || strings.IndexByte(s, ',') >= 0 && strings.IndexByte(s, ',') < strings.IndexByte(s, '=') {
		s = "order=" + s
	}
	for k, v := range props(s) {
		if b := m.kind.Block("startup"); b.Attr(k) != nil {
			m.set(o, from, b.Path("", k), plainValue(cty.Number, v))
		}
	}
}

// spell writes a value the way code of the provider has it.
func (pl place) spell(v cty.Value) string {
	n, whole := inventory.Int(v)
	switch {
	case inventory.IsNull(v):
		return "null"
	case pl.as == inMiB && whole:
		return strconv.FormatInt(n/inventory.MiB, 10)
	case pl.as == inGiB && whole:
		return strconv.FormatInt(n/inventory.GiB, 10)
	case pl.as == sizeText && whole:
		return strconv.Quote(strings.TrimSuffix(inventory.FormatSize(n), "iB"))
	case pl.as == onOff && inventory.Holds(v, cty.Bool):
		if v.True() {
			return `"on"`
		}
		return `"ignore"`
	case pl.as == notBool && inventory.Holds(v, cty.Bool):
		return strconv.FormatBool(v.False())
	case pl.as == joined && v.CanIterateElements():
		return strconv.Quote(strings.Join(inventory.Strings(v), ";"))
	case v.CanIterateElements():
		var items []string
		for _, s := range inventory.Strings(v) {
			items = append(items, strconv.Quote(s))
		}
		return "[" + strings.Join(items, ", ") + "]"
	}
	return inventory.ShowValue(v)
}

func slot(prefix string, n int) string { return fmt.Sprintf("%s%d", prefix, n) }
