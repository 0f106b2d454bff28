package proxmox

import (
	"maps"
	"slices"
	"strings"

	"recon/inventory"

	"github.com/zclconf/go-cty/cty"
)

// A configWriter gathers the parameters of one PUT config. Property strings start
// from what live has, so that every sub-key nobody declared is carried over.
type configWriter struct {
	b       *stepBuilder
	set     map[string]string
	props   map[string]propString
	deleted map[string]bool
	secrets map[string]inventory.Path
}

func newConfigWriter(b *stepBuilder) *configWriter {
	return &configWriter{b: b, set: map[string]string{}, props: map[string]propString{}, deleted: map[string]bool{}, secrets: map[string]inventory.Path{}}
}

// field adds one declared value.
func (w *configWriter) field(f inventory.FieldChange) {
	attr, block, slot := w.b.kind.Lookup(f.Path)
	switch {
	case block == nil && attr.Sub != "":
		w.sub(attr.Key, attr.Sub, encode(attr, f.Desired))
		w.lead(attr.Key)
	case block == nil || block.Flat && attr.Key != "":
		w.plain(attr, f)
	case block.Flat:
		w.cloudInitDrive()
	case attr.Wire == inventory.WireAbsent:
		w.remove(block, slot)
	case attr.Beside != "":
		w.sub(besideKey(attr.Beside, slot), attr.Key, encode(attr, f.Desired))
	default:
		w.device(block, slot, attr, f)
	}
}

// remove takes a device out, with what other keys hold of it.
func (w *configWriter) remove(block *inventory.Block, slot string) {
	w.deleted[w.b.keyOf(block, slot)] = true
	for _, prefix := range besideKeys(block) {
		if key := besideKey(prefix, slot); w.b.hasKey(key) {
			w.deleted[key] = true
		}
	}
}

func (w *configWriter) plain(attr *inventory.Attr, f inventory.FieldChange) {
	text := encode(attr, f.Desired)
	if text == "" && attr.Always {
		text = encode(attr, attr.Default)
	}
	switch {
	case attr.Secret:
		w.set[attr.Key], w.secrets[attr.Key] = "(secret)", f.Path
	case text == "" && (!w.b.fresh || w.b.hasKey(attr.Key)):
		w.deleted[attr.Key] = true
	case text != "":
		w.set[attr.Key] = text
	}
}

// lead gives a property string that says anything the sub-key without which Proxmox
// refuses it.
func (w *configWriter) lead(key string) {
	for _, a := range w.b.kind.Attrs {
		if a.Key != key || !a.Always || len(w.current(key)) == 0 {
			continue
		}
		if _, there := w.current(key).get(a.Sub); !there {
			w.sub(key, a.Sub, encode(a, a.Default))
		}
	}
}

// sub sets or drops one sub-key of a property string.
func (w *configWriter) sub(key, sub, text string) {
	p := w.current(key)
	if text == "" {
		p = p.drop(sub)
	} else {
		p = p.set(sub, text)
	}
	w.props[key] = p
}

// current returns the property string as the writes so far leave it.
func (w *configWriter) current(key string) propString {
	if p, ok := w.props[key]; ok {
		return p
	}
	g := grammarOf(w.b.c.Addr.Kind, key)
	p := parseProps(w.b.raw[key], g)
	if _, holds := volumeGrammar(w.b.c.Addr.Kind, key); holds {
		// Proxmox sets the size itself; a VM's clone gets volumes of its own.
		if w.b.c.Addr.Kind == "vm" {
			p = p.drop("size")
		}
		if w.b.fresh && w.b.hasKey(key) {
			p = p.set(g.defaultKey, keepVolume)
		}
	}
	if w.b.fresh && w.b.hasKey(key) {
		for _, mac := range []string{"macaddr", "hwaddr"} {
			if _, has := p.get(mac); has {
				p = p.set(mac, keepMAC)
			}
		}
	}
	return p
}

// device sets one field of a device. A new device gets what it cannot do without:
// a card its model, a drive its volume.
func (w *configWriter) device(block *inventory.Block, slot string, attr *inventory.Attr, f inventory.FieldChange) {
	key := w.b.keyOf(block, slot)
	if !w.b.hasKey(key) && w.props[key] == nil {
		w.newDevice(block, slot, key)
	}
	switch {
	case attr.Wire == inventory.WireMedium:
		w.props[key] = w.current(key).set(block.DefaultKey, inventory.Text(f.Desired)).set("media", "cdrom")
	case attr.Derived(), attr.Wire == inventory.WireSize:
	default:
		if other := block.Attr(attr.Not); other != nil && inventory.IsNull(w.b.c.Want.Attrs[block.Path(slot, other.Name)]) {
			w.sub(key, other.Key, "")
		}
		w.sub(key, attr.Key, encode(attr, f.Desired))
	}
}

// newDevice starts the property string of a slot that is empty.
func (w *configWriter) newDevice(block *inventory.Block, slot, key string) {
	want := w.b.c.Want.Attrs
	p := propString{}
	switch {
	case block.Card:
		p = p.set(block.DefaultKey, "virtio")
	case block.Wired(inventory.WireStorage) != nil:
		p = p.set(block.DefaultKey, newVolume(want, block, slot))
		if format := wired(want, block, slot, inventory.WireFormat); !inventory.IsNull(format) {
			p = p.set("format", inventory.Text(format))
		}
	}
	w.props[key] = p
}

// newVolume asks for the allocation of a volume: storage:GiB. It is written only
// on an empty slot, since each such write allocates another one.
func newVolume(want inventory.Attrs, block *inventory.Block, slot string) string {
	if src := inventory.Text(wired(want, block, slot, inventory.WireFolder)); src != "" {
		return src
	}
	size, ok := inventory.Int(wired(want, block, slot, inventory.WireSize))
	text := encodeGiB(size)
	if !ok {
		text = "1" // the EFI disk and the TPM have sizes of their own
	}
	return inventory.Text(wired(want, block, slot, inventory.WireStorage)) + ":" + text
}

// wired returns the value of the device's attribute that is spelled that way.
func wired(at inventory.Attrs, block *inventory.Block, slot string, w inventory.Wire) cty.Value {
	if block == nil || block.Wired(w) == nil {
		return cty.NilVal
	}
	return at[block.Path(slot, block.Wired(w).Name)]
}

// cloudInitDrive makes the drive from which the guest reads its settings.
func (w *configWriter) cloudInitDrive() {
	want := w.b.c.Want.Attrs
	slot, storage := inventory.Text(want[ciDrive]), inventory.Text(want[ciStorage])
	if slot != "" && storage != "" && !w.b.hasKey(slot) {
		w.set[slot] = storage + ":cloudinit"
	}
}

// params returns the call's parameters, and notes how they leave the
// configuration.
func (w *configWriter) params() (map[string]string, map[string]inventory.Path) {
	out := maps.Clone(w.set)
	for key, p := range w.props {
		if text := p.print(grammarOf(w.b.c.Addr.Kind, key)); text != "" {
			out[key] = text
		} else if w.b.hasKey(key) {
			w.deleted[key] = true
		}
	}
	for key, text := range out {
		w.b.raw[key] = text
	}
	if len(w.deleted) > 0 {
		keys := slices.Sorted(maps.Keys(w.deleted))
		out["delete"] = strings.Join(keys, ",")
		for _, k := range keys {
			delete(out, k)
			delete(w.b.raw, k)
		}
	}
	if len(w.secrets) == 0 {
		return out, nil
	}
	return out, w.secrets
}

// touched names the config keys that the call changes.
func (w *configWriter) touched() []string {
	seen := maps.Clone(w.deleted)
	for k := range w.set {
		seen[k] = true
	}
	for k := range w.props {
		seen[k] = true
	}
	// What Proxmox changes by itself when one of these changes.
	seen["meta"], seen["boot"], seen["vmgenid"] = true, true, true
	return slices.Sorted(maps.Keys(seen))
}
