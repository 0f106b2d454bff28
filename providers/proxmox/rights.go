package proxmox

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"

	"recon/inventory"

	"github.com/zclconf/go-cty/cty"
)

// lacksPrivilege blocks what Proxmox would answer with 403. When the token's
// permissions could not be read, nothing is known and nothing is blocked.
func (b *stepBuilder) lacksPrivilege(f *inventory.FieldChange, block *inventory.Block, slot string) bool {
	if len(b.v.permissions) == 0 {
		return false
	}
	lacking := b.unanswered(b.asked(f, block, slot))
	if b.raw != nil && !b.made && !b.isLate(f) {
		// The call itself wants one of many, which goes without saying where the field
		// wants one of them that is missing.
		for _, q := range b.unanswered(b.questions(b.kind.Config, nil, "", b.wish)) {
			if !slices.ContainsFunc(lacking, func(l question) bool { return slices.Contains(q.any, l.any[0]) }) {
				lacking = append(lacking, q)
			}
		}
	}
	for _, q := range lacking {
		b.block("no_permission", "the token lacks %s on %s, which %s needs", strings.Join(q.any, " or "), q.path, f.Path)
	}
	return len(lacking) > 0
}

// unanswered returns the questions that the token's permissions answer with no.
func (b *stepBuilder) unanswered(asked []question) []question {
	return slices.DeleteFunc(asked, func(q question) bool { return b.may(q.path, q.any) })
}

// may reports whether the token has one of the privileges on the path. What is made in
// a pool has the pool's rights, too.
func (b *stepBuilder) may(path string, privileges []string) bool {
	if len(b.v.permissions) == 0 {
		return false // nothing is known
	}
	has := func(path string) bool {
		return slices.ContainsFunc(privileges, func(p string) bool { return b.v.permissions.has(path, p) })
	}
	pool := inventory.Text(b.c.Want.Attrs["pool"])
	return has(path) || b.c.Action == inventory.ActionCreate && pool != "" && path == "/vms/"+itoa(b.vmid) && has("/pool/"+pool)
}

// A question is a privilege, one of several, on a path.
type question struct {
	any  []string
	path string
}

// asked lists what Proxmox asks before it changes the field: what the field needs, and
// what its device needs as it was and as it will be.
func (b *stepBuilder) asked(f *inventory.FieldChange, block *inventory.Block, slot string) []question {
	var out []question
	ask := func(needs []inventory.Need, removed bool) {
		for _, n := range needs {
			if !removed {
				out = append(out, b.questions(n, block, slot, b.wish)...)
			}
			if n.Old {
				out = append(out, b.questions(n, block, slot, b.was)...)
			}
		}
	}
	ask(f.Attr.Needs, false)
	if block != nil && f.Attr.Beside == "" {
		ask(block.Needs, f.Attr.Wire == inventory.WireAbsent)
	}
	return out
}

// was and wish are a value before and after the change.
func (b *stepBuilder) was(p inventory.Path) cty.Value { return b.old[p] }

func (b *stepBuilder) wish(p inventory.Path) cty.Value {
	if v := b.c.Want.Attrs[p]; !inventory.IsNull(v) {
		return v
	}
	return b.old[p]
}

var placeholder = regexp.MustCompile(`\{(?:(storage|zone|tags):)?([\w,]+)\}`)

// questions fills the path of a need with values of the device. What it names and the
// device does not have asks for nothing.
func (b *stepBuilder) questions(n inventory.Need, block *inventory.Block, slot string, side func(inventory.Path) cty.Value) []question {
	value := func(name string) cty.Value {
		if block != nil && block.Attr(name) != nil {
			return side(block.Path(slot, name))
		}
		return side(inventory.Path(name))
	}
	if n.When != nil && !n.When(inventory.Text(value(n.Of))) {
		return nil
	}
	paths := []string{n.Path}
	for _, m := range placeholder.FindAllStringSubmatch(n.Path, -1) {
		var next []string
		for _, text := range b.fill(m[1], m[2], value) {
			for _, path := range paths {
				next = append(next, strings.TrimSuffix(strings.Replace(path, m[0], text, 1), "/"))
			}
		}
		paths = next
	}
	var out []question
	for _, path := range paths {
		out = append(out, question{n.Any, path})
	}
	return out
}

// fill returns what a placeholder stands for; nothing means that nothing is asked.
func (b *stepBuilder) fill(sort, name string, value func(string) cty.Value) []string {
	text := inventory.Text(value(name))
	switch {
	case sort == "tags":
		return tagTexts(strings.Split(name, ","), value)
	case name == "vmid":
		return []string{itoa(b.vmid)}
	case sort == "zone":
		return []string{cmp.Or(b.v.around.zone(b.ctx, text), "localnetwork")}
	case sort == "storage":
		storage, _, isVolume := strings.Cut(text, ":")
		if !isVolume || strings.HasPrefix(text, "/") {
			return nil
		}
		text = storage
	}
	if text == "" {
		return nil
	}
	return []string{text}
}

// tagTexts are the VLANs of a card, each asked for by itself. A card without any is
// asked for its bridge as a whole (PVE/GuestHelpers.pm, check_vnet_access).
func tagTexts(names []string, value func(string) cty.Value) []string {
	var out []string
	for _, name := range names {
		for _, tag := range inventory.VLANs(value(name)) {
			out = append(out, itoa(tag))
		}
	}
	if out == nil {
		return []string{""}
	}
	return out
}

// rootOnly blocks what Proxmox takes from root@pam alone. A device is judged as a
// whole, as it was and as it will be.
func (b *stepBuilder) rootOnly(f *inventory.FieldChange, block *inventory.Block, slot string) bool {
	free := f.Attr.RootOnlyUnless == nil || f.Attr.RootOnlyUnless(inventory.Text(f.Desired))
	if f.Attr.RootOnly || !free || f.Attr.RootOnlyChange != nil && f.Attr.RootOnlyChange(f.Live, f.Desired, b.guest()) {
		b.block("root_only", "%s = %s can be set by root@pam on the node only, no token can", f.Path, f.Attr.Show(f.Desired))
		return true
	}
	if block == nil || f.Attr.Beside != "" || f.Attr.Wire == inventory.WireAbsent && block.FreeRemove {
		return false
	}
	for _, a := range block.Attrs {
		for _, value := range []func(inventory.Path) cty.Value{b.was, b.wish} {
			v := value(block.Path(slot, a.Name))
			if a.RootOnlyUnless == nil || inventory.Text(v) == "" || a.RootOnlyUnless(inventory.Text(v)) {
				continue
			}
			b.block("root_only", "%s: the device has %s = %s, and such a one only root@pam on the node can change or remove, no token can", f.Path, a.Name, a.Show(v))
			return true
		}
	}
	return false
}

// guest is what the guest is after the change, as far as that is declared.
func (b *stepBuilder) guest() inventory.Attrs {
	out := maps.Clone(b.old)
	if out == nil {
		out = inventory.Attrs{}
	}
	maps.Copy(out, b.c.Want.Attrs)
	return out
}
