package proxmox

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"recon/inventory"
)

// namesNothing blocks a field that names what the cluster does not have. Lists are
// filtered by what the token may see: what it could not see is not called missing.
func (b *stepBuilder) namesNothing(f *inventory.FieldChange, block *inventory.Block, slot string) bool {
	name := inventory.Text(f.Desired)
	if name == "" && f.Attr.Names != inventory.NamesVLAN {
		return false
	}
	switch f.Attr.Names {
	case inventory.NamesNode:
		return b.noNode(string(f.Path), name)
	case inventory.NamesBridge:
		return b.noBridge(f, name)
	case inventory.NamesVLAN:
		return b.noVLAN(f, block, slot)
	case inventory.NamesStorage:
		size, _ := inventory.Int(wired(b.c.Want.Attrs, block, slot, inventory.WireSize))
		return b.noStorage(string(f.Path), name, f.Attr.Content, size)
	case inventory.NamesVolume:
		return b.noFile(string(f.Path), name, f.Attr.Content)
	case inventory.NamesPool:
		known, ok := b.v.around.pools(b.ctx)
		return ok && b.notAmong(string(f.Path), "pool", name, known, "/pool/"+name, "Pool.Audit", "Pool.Allocate")
	case inventory.NamesMapping:
		known, ok := b.v.around.mappings(b.ctx, f.Attr.Content)
		return ok && b.notAmong(string(f.Path), f.Attr.Content+" mapping", name, known, "/mapping/"+f.Attr.Content+"/"+name, "Mapping.Audit", "Mapping.Use", "Mapping.Modify")
	}
	return false
}

// notAmong blocks a name that is not in a list which would show it: the token has one of
// the privileges that let it see the thing.
func (b *stepBuilder) notAmong(who, what, name string, known []string, path string, see ...string) bool {
	if slices.Contains(known, name) || !b.may(path, see) {
		return false
	}
	slices.Sort(known)
	b.block("no_such_"+strings.ReplaceAll(what, " ", "_"), "%s names the %s %q, which does not exist.%s", who, what, name, inventory.DidYouMean(name, known))
	return true
}

func (b *stepBuilder) noNode(who, name string) bool {
	online, known := b.v.nodes[name]
	switch {
	case len(b.v.nodes) == 0 || known && online:
		return false
	case known:
		b.block("node_offline", "%s names the node %s, which is offline", who, name)
	default:
		b.block("no_such_node", "%s names the node %q, which the cluster does not have.%s", who, name, inventory.DidYouMean(name, slices.Sorted(maps.Keys(b.v.nodes))))
	}
	return true
}

// target is the node on which the guest will be.
func (b *stepBuilder) target() string {
	if n := b.c.Want.Node(); n != "" && !b.fresh {
		return n
	}
	return nodeOf(b.base)
}

func (b *stepBuilder) noBridge(f *inventory.FieldChange, name string) bool {
	known, ok := b.v.around.bridges(b.ctx, b.target())
	return ok && b.notAmong(string(f.Path), "bridge", name, slices.Collect(maps.Keys(known)), "/sdn/zones/localnetwork/"+name, "SDN.Audit", "SDN.Use")
}

// noVLAN blocks tags that the bridge of the card would not pass.
func (b *stepBuilder) noVLAN(f *inventory.FieldChange, block *inventory.Block, slot string) bool {
	i := slices.IndexFunc(block.Attrs, func(a *inventory.Attr) bool { return a.Names == inventory.NamesBridge })
	if i < 0 || inventory.IsNull(f.Desired) {
		return false
	}
	name := inventory.Text(b.wish(block.Path(slot, block.Attrs[i].Name)))
	known, ok := b.v.around.bridges(b.ctx, b.target())
	trunks := !f.Attr.Type.IsPrimitiveType()
	if n, there := known[name]; !ok || !there || n.carries(trunks) {
		return false
	}
	b.block("no_vlan", "%s: the bridge %s of %s is not VLAN-aware; the guest would not start with it", f.Path, name, b.target())
	return true
}

// noStorage blocks a storage that is not there, does not hold such volumes, or has no
// room where room is taken at once.
func (b *stepBuilder) noStorage(who, name, content string, size int64) bool {
	node := b.target()
	known, ok := b.v.around.stores(b.ctx, node)
	if !ok {
		return false
	}
	s, there := known[name]
	if !there {
		return b.notAmong(who, "storage", name, slices.Collect(maps.Keys(known)), "/storage/"+name, "Datastore.Audit", "Datastore.AllocateSpace")
	}
	avail, err := strconv.ParseInt(string(s.Avail), 10, 64)
	switch {
	case s.Enabled == "0":
		b.block("storage_off", "%s: the storage %s is switched off", who, name)
	case !s.holds(content):
		b.block("storage_content", "%s: the storage %s does not hold %s; it holds %s", who, name, content, s.Content)
	case err == nil && size > avail && s.Active.bool() && s.Type == "lvm":
		b.block("no_space", "%s: the storage %s of %s has %s free, and %s are asked for", who, name, node, sizeText(avail), sizeText(size))
	default:
		if err == nil && size > avail && s.Active.bool() {
			b.notes = append(b.notes, "the storage "+name+" has "+sizeText(avail)+" free, less than the "+sizeText(size)+" of the new volume; it gives room only as it is filled")
		}
		return false
	}
	return true
}

// noFile blocks an image or template that is not on its storage.
func (b *stepBuilder) noFile(who, volume, content string) bool {
	storage, _, isVolume := strings.Cut(volume, ":")
	if !isVolume || strings.HasPrefix(volume, "/") {
		return false
	}
	if b.noStorage(who, storage, content, 0) {
		return true
	}
	known, ok := b.v.around.volumes(b.ctx, b.target(), storage, content)
	return ok && b.notAmong(who, "volume", volume, known, "/storage/"+storage, "Datastore.Audit", "Datastore.AllocateSpace")
}

func sizeText(n int64) string {
	return (&inventory.Attr{Unit: inventory.Bytes}).Show(inventory.Size(n))
}

// wrongFormat blocks a format that the disk's storage does not know, and notes what a
// move makes of one that nobody declares.
func (b *stepBuilder) wrongFormat(f *inventory.FieldChange, block *inventory.Block, slot string) bool {
	if f.Attr.Wire != inventory.WireFormat && f.Attr.Wire != inventory.WireStorage || block == nil || block.Wired(inventory.WireFormat) == nil {
		return false
	}
	known, _ := b.v.around.stores(b.ctx, b.target())
	name := inventory.Text(b.wish(block.Path(slot, block.Wired(inventory.WireStorage).Name)))
	if s, ok := known[name]; !ok || !s.rawOnly() {
		return false
	}
	declared := inventory.Text(wired(b.c.Want.Attrs, block, slot, inventory.WireFormat))
	live := inventory.Text(wired(b.old, block, slot, inventory.WireFormat))
	switch {
	case declared != "" && declared != "raw":
		b.block("format", "%s: the storage %s keeps no %s, only raw; declare format = \"raw\", or leave it out", f.Path, name, declared)
		return true
	case declared == "" && live != "" && live != "raw" && f.Attr.Wire == inventory.WireStorage:
		b.notes = append(b.notes, slot+" becomes raw there, it is "+live+" now")
	}
	return false
}
