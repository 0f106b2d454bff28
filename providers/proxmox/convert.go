package proxmox

import (
	"cmp"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"recon/inventory"

	"github.com/zclconf/go-cty/cty"
)

// decode turns a guest's raw configuration into the values of its kind. Keys that
// the tables do not know are left out: they are nobody's opinion.
func decode(kind *inventory.Kind, raw map[string]string) inventory.Attrs {
	d := decoder{kind: kind, raw: raw, out: make(inventory.Attrs, len(raw)*2)}
	index := indexOf(kind)
	for key, value := range raw {
		if at, ok := index.plain[key]; ok {
			d.put(at.path, at.attr, value)
		}
		if subs := index.subs[key]; subs != nil {
			d.subKeys(key, value, subs)
		}
		if b := index.blocks[key]; b != nil {
			d.block(b, "", key, value)
		}
		if b := index.slots[key]; b != nil {
			d.block(d.slotBlock(b, key, value), key, key, value)
		}
		if at, ok := index.beside[key]; ok {
			d.beside(at.block, at.slot, value)
		}
	}
	return d.out
}

// A keyIndex finds what a config key means for a kind.
type keyIndex struct {
	plain    map[string]place
	subs     map[string][]*inventory.Attr
	blocks   map[string]*inventory.Block
	slots    map[string]*inventory.Block // net0, scsi1, ...
	beside   map[string]device           // ipconfig0, ...
	grammars map[string]grammar
}

// A place is where the value of a key belongs.
type place struct {
	path inventory.Path
	attr *inventory.Attr
}

// A device is one slot of a block.
type device struct {
	block *inventory.Block
	slot  string
}

// indexes are made once from the tables, which never change.
var indexes = sync.OnceValue(func() map[string]*keyIndex {
	out := map[string]*keyIndex{}
	for _, k := range inventory.Kinds() {
		out[k.Name] = newKeyIndex(k)
	}
	return out
})

func indexOf(kind *inventory.Kind) *keyIndex { return indexes()[kind.Name] }

func newKeyIndex(k *inventory.Kind) *keyIndex {
	x := &keyIndex{plain: map[string]place{}, subs: map[string][]*inventory.Attr{}, blocks: map[string]*inventory.Block{}, slots: map[string]*inventory.Block{}, beside: map[string]device{}, grammars: map[string]grammar{}}
	for _, a := range k.Attrs {
		switch {
		case a.Key == "":
		case a.Sub != "":
			x.subs[a.Key] = append(x.subs[a.Key], a)
		default:
			x.plain[a.Key] = place{inventory.Path(a.Name), a}
		}
	}
	for key, attrs := range x.subs {
		x.grammars[key] = subGrammar(attrs)
	}
	for _, b := range k.Blocks {
		x.addBlock(b)
	}
	return x
}

func (x *keyIndex) addBlock(b *inventory.Block) {
	switch {
	case b.Flat:
		for _, a := range b.Attrs {
			if a.Key != "" {
				x.plain[a.Key] = place{b.Path("", a.Name), a}
			}
		}
	case b.Slots == nil && b.Key != "":
		x.blocks[b.Key], x.grammars[b.Key] = b, blockGrammar(b)
	}
	g := blockGrammar(b)
	for _, r := range b.Slots {
		for n := r.From; n <= r.To; n++ {
			key := r.Prefix + strconv.Itoa(n)
			if x.slots[key] == nil {
				x.slots[key], x.grammars[key] = b, g
			}
			for _, beside := range besideKeys(b) {
				x.beside[beside+strconv.Itoa(n)] = device{b, key}
			}
		}
	}
}

// besideKeys are the prefixes of keys that hold a part of the block's devices.
func besideKeys(b *inventory.Block) []string {
	var out []string
	for _, a := range b.Attrs {
		if a.Beside != "" && !slices.Contains(out, a.Beside) {
			out = append(out, a.Beside)
		}
	}
	return out
}

// besideKey is the key of a slot's number with another prefix.
func besideKey(prefix, slot string) string { return prefix + strings.TrimLeft(slot, letters) }

const letters = "abcdefghijklmnopqrstuvwxyz"

type decoder struct {
	kind *inventory.Kind
	raw  map[string]string
	out  inventory.Attrs
}

func (d *decoder) put(p inventory.Path, a *inventory.Attr, text string) {
	v, ok := decodeValue(a, text)
	if !ok {
		v = cty.StringVal(text) // not what belongs there, which is a difference
	}
	d.out[p] = v
}

func (d *decoder) subKeys(key, value string, attrs []*inventory.Attr) {
	props := parseProps(value, grammarOf(d.kind.Name, key))
	for _, a := range attrs {
		if text, ok := props.get(a.Sub); ok {
			d.put(inventory.Path(a.Name), a, text)
		}
	}
}

// The drive of cloud-init has a slot among the disks and belongs to another block.
const (
	ciDrive    inventory.Path = "cloud_init.drive"
	ciStorage  inventory.Path = "cloud_init.storage"
	ciPassword inventory.Path = "cloud_init.password"
)

var cloudInitVolume = regexp.MustCompile(`vm-\d+-cloudinit`)

// slotBlock says what a disk slot of a VM is: a disk, a CD drive, or the drive of
// cloud-init, which is none of the two and has no block of its own.
func (d *decoder) slotBlock(b *inventory.Block, key, value string) *inventory.Block {
	if b.Shares == "" {
		return b
	}
	props := parseProps(value, grammarOf(d.kind.Name, key))
	if media, _ := props.get("media"); media != "cdrom" {
		return b
	}
	file, _ := props.get("file")
	if cloudInitVolume.MatchString(file) {
		storage, _, _ := strings.Cut(file, ":")
		d.out[ciDrive], d.out[ciStorage] = cty.StringVal(key), cty.StringVal(storage)
		return nil
	}
	return d.kind.Block(b.Shares)
}

// block decodes one property string into the fields of a block.
func (d *decoder) block(b *inventory.Block, slot, key, value string) {
	if b == nil {
		return
	}
	props := parseProps(value, grammarOf(d.kind.Name, key))
	for _, a := range b.Attrs {
		p := b.Path(slot, a.Name)
		switch {
		case a.Beside != "" || a.Wire == inventory.WireDerived:
			continue
		case a.Wire >= inventory.WireVolume:
			d.derived(p, a, b, props)
			continue
		}
		if text, ok := props.get(a.Key); ok {
			d.put(p, a, text)
		}
	}
}

// derived decodes what lies inside a volume's name: the storage before the colon,
// or the folder of a bind mount.
func (d *decoder) derived(p inventory.Path, a *inventory.Attr, b *inventory.Block, props propString) {
	volume, ok := props.get(b.DefaultKey)
	if !ok {
		return
	}
	storage, _, isVolume := strings.Cut(volume, ":")
	folder := strings.HasPrefix(volume, "/")
	switch {
	case a.Wire == inventory.WireVolume || a.Wire == inventory.WireMedium:
		d.out[p] = cty.StringVal(volume)
	case a.Wire == inventory.WireStorage && isVolume && !folder:
		d.out[p] = cty.StringVal(storage)
	case a.Wire == inventory.WireFormat && isVolume:
		for _, format := range a.Enum {
			if strings.HasSuffix(volume, "."+format) {
				d.out[p] = cty.StringVal(format)
			}
		}
	case a.Wire == inventory.WireFolder && folder:
		d.out[p] = cty.StringVal(volume)
	}
}

// beside decodes a key that holds a part of a device: ipconfigN, which is where a
// VM's network addresses are.
func (d *decoder) beside(b *inventory.Block, slot, value string) {
	props := parseProps(value, grammar{})
	for _, a := range b.Attrs {
		if text, ok := props.get(a.Key); ok && a.Beside != "" {
			d.put(b.Path(slot, a.Name), a, text)
		}
	}
}

// decodeValue reads one value as Proxmox spells it. It is lenient: numbers come
// as strings, booleans as 1, "1", on and yes.
func decodeValue(a *inventory.Attr, text string) (cty.Value, bool) {
	switch a.Wire {
	case inventory.WireMiB:
		n, err := strconv.ParseInt(text, 10, 64)
		return inventory.Size(n * inventory.MiB), err == nil && n >= 0 && n <= math.MaxInt64/inventory.MiB
	case inventory.WireSize:
		n, err := parseDiskSize(text)
		return inventory.Size(n), err == nil
	case inventory.WireOnOff:
		return cty.BoolVal(text == "on"), true
	case inventory.WireText:
		return cty.StringVal(text), true
	case inventory.WireSSHKeys:
		return decodeKeys(text)
	case inventory.WireURL:
		plain, err := url.PathUnescape(text)
		return cty.StringVal(plain), err == nil
	case inventory.WireComma:
		return decodeWords(a, text), true
	}
	switch {
	case a.Type.Equals(cty.Bool):
		b, ok := decodeBool(text)
		return cty.BoolVal(b), ok
	case a.Type.Equals(cty.Number):
		v, err := inventory.ParseNumber(text)
		return v, err == nil
	case a.Type.Equals(cty.String):
		return cty.StringVal(text), true
	}
	return collection(a, splitList(a, text)), true
}

func decodeBool(text string) (value, ok bool) {
	switch strings.ToLower(text) {
	case "1", "on", "yes", "true":
		return true, true
	case "0", "off", "no", "false":
		return false, true
	}
	return false, false
}

// decodeWords reads a list for which 1 stands for the default and 0 for nothing.
func decodeWords(a *inventory.Attr, text string) cty.Value {
	switch text {
	case "1":
		return a.Default
	case "0":
		return inventory.StringSet()
	}
	return collection(a, splitList(a, text))
}

func decodeKeys(text string) (cty.Value, bool) {
	plain, err := url.PathUnescape(text)
	if err != nil {
		return cty.NilVal, false
	}
	var keys []string
	for _, line := range strings.Split(plain, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			keys = append(keys, line)
		}
	}
	return inventory.StringList(keys...), true
}

// splitList takes a list apart. Proxmox accepts comma, semicolon and blank in
// lists; a features list is name=1.
func splitList(a *inventory.Attr, text string) []string {
	if a.Wire == inventory.WireFeatures {
		return decodeFeatures(text)
	}
	return strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(",; ", r) })
}

func decodeFeatures(text string) []string {
	var out []string
	for _, p := range parseProps(text, grammar{}) {
		switch on, isBool := decodeBool(p.value); {
		case isBool && on:
			out = append(out, p.key)
		case !isBool:
			out = append(out, p.key+"="+p.value)
		}
	}
	return out
}

func collection(a *inventory.Attr, items []string) cty.Value {
	if a.Type.IsSetType() {
		return inventory.StringSet(items...)
	}
	return inventory.StringList(items...)
}

// parseDiskSize reads a size of a volume: 32G, 528K, or bytes without a letter.
func parseDiskSize(text string) (int64, error) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, nil
	}
	return inventory.ParseSize(text)
}

// encode spells a value the way Proxmox is told it.
func encode(a *inventory.Attr, v cty.Value) string {
	if inventory.IsNull(v) {
		return ""
	}
	n, _ := inventory.Int(v)
	switch a.Wire {
	case inventory.WireMiB:
		return strconv.FormatInt(n/inventory.MiB, 10)
	case inventory.WireSize:
		return encodeDiskSize(n)
	case inventory.WireOnOff:
		if inventory.True(v) {
			return "on"
		}
		return "ignore"
	case inventory.WireSSHKeys:
		return strings.ReplaceAll(url.QueryEscape(strings.Join(inventory.Strings(v), "\n")), "+", "%20")
	case inventory.WireURL:
		return strings.ReplaceAll(url.QueryEscape(inventory.Text(v)), "+", "%20")
	case inventory.WireSemicolon:
		return strings.Join(inventory.Strings(v), ";")
	case inventory.WireComma:
		return cmp.Or(strings.Join(inventory.Strings(v), ","), "0")
	case inventory.WireSpace:
		return strings.Join(inventory.Strings(v), " ")
	case inventory.WireFeatures:
		return encodeFeatures(inventory.Strings(v))
	}
	switch {
	case inventory.True(v):
		return "1"
	case inventory.Holds(v, cty.Bool):
		return "0"
	case inventory.Holds(v, cty.Number):
		return v.AsBigFloat().Text('f', -1)
	}
	return inventory.Text(v)
}

func encodeFeatures(items []string) string {
	slices.Sort(items)
	for i, item := range items {
		if !strings.Contains(item, "=") {
			items[i] = item + "=1"
		}
	}
	return strings.Join(items, ",")
}

// encodeDiskSize spells a size with the largest unit that loses nothing.
func encodeDiskSize(n int64) string {
	for _, u := range []struct {
		letter string
		bytes  int64
	}{{"T", inventory.TiB}, {"G", inventory.GiB}, {"M", inventory.MiB}, {"K", inventory.KiB}} {
		if n%u.bytes == 0 {
			return strconv.FormatInt(n/u.bytes, 10) + u.letter
		}
	}
	return strconv.FormatInt(n, 10)
}

// encodeGiB spells a size as the number of GiB with which a new volume is allocated:
// all of its decimals, since Proxmox makes KiB or MiB of it.
func encodeGiB(n int64) string {
	return strconv.FormatFloat(float64(n)/float64(inventory.GiB), 'f', -1, 64)
}

// volumesOf lists the volumes that go with a guest when it is destroyed.
func volumesOf(kind string, raw map[string]string) []string {
	var out []string
	for key, value := range raw {
		g, ok := volumeGrammar(kind, key)
		if !ok {
			continue
		}
		props := parseProps(value, g)
		volume, _ := props.get(g.defaultKey)
		if media, _ := props.get("media"); media == "cdrom" || !strings.Contains(volume, ":") || strings.HasPrefix(volume, "/") {
			continue
		}
		if size, ok := props.get("size"); ok {
			volume += " (" + size + ")"
		}
		out = append(out, volume)
	}
	slices.Sort(out)
	return out
}

// storagesOf are the storages of a guest's drives and mounts, media among them.
func storagesOf(kind string, raw map[string]string) (out []string) {
	for key, value := range raw {
		g, ok := volumeGrammar(kind, key)
		volume, _ := parseProps(value, g).get(g.defaultKey)
		storage, _, is := strings.Cut(volume, ":")
		if ok && is && !strings.HasPrefix(key, "unused") && !strings.HasPrefix(volume, "/") && !slices.Contains(out, storage) {
			out = append(out, storage)
		}
	}
	slices.Sort(out)
	return out
}

// volumeGrammar is the grammar of a key that holds a volume: a drive, a mount, or what
// was one and is kept as unusedN.
func volumeGrammar(kind, key string) (grammar, bool) {
	index := indexes()[kind]
	b := index.slots[key]
	if b == nil {
		b = index.blocks[key]
	}
	if strings.HasPrefix(key, "unused") {
		return grammar{defaultKey: "volume"}, true
	}
	return grammarOf(kind, key), b != nil && b.Wired(inventory.WireVolume) != nil
}
