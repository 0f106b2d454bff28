package manifests

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"recon/inventory"

	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

// Rendering is a guest to be written as a block.
type Rendering struct {
	Label    string
	Cluster  string // written only when it is not the project's one cluster
	Host     string // of a docker_daemon or service
	Resource inventory.Resource
	Masked   []inventory.Path // fields that have a value which the provider does not tell
	Exact    bool             // write that what is left out is at its default
}

// Render writes a block that declares what was observed, so that a plan made at
// once is empty. Cores and memory are always written; where a guest runs, whether
// it does, and values equal to their default are left to be nobody's opinion, or an
// exact guest's default.
func Render(r Rendering) []byte {
	kind := r.Resource.Kind()
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s {\n", kind.Name, Quoted(r.Label))
	groups := topGroups(r, kind)
	for i, g := range groups {
		if i > 0 {
			b.WriteString("\n")
		}
		b.WriteString(g)
	}
	for _, block := range kind.Blocks {
		for _, text := range renderBlocks(r, block) {
			b.WriteString("\n" + text)
		}
	}
	for _, p := range Hidden(r.Resource) {
		if r.Exact {
			fmt.Fprintf(&b, "\nignore %q {\nreason = \"it looks like it holds a credential\"\n}\n", p)
		}
	}
	b.WriteString("}\n")
	return hclwrite.Format(b.Bytes())
}

// Hidden lists the fields that no manifest is written with, since what is there looks
// like a credential.
func Hidden(r inventory.Resource) (out []inventory.Path) {
	for _, a := range r.Kind().Attrs {
		if p := inventory.Path(a.Name); !a.Secret && a.Hides(r.Attrs[p]) {
			out = append(out, p)
		}
	}
	return out
}

// topGroups returns the top-level arguments in groups: who it is, what it has,
// how it behaves.
func topGroups(r Rendering, kind *inventory.Kind) []string {
	groups := map[inventory.Group]string{}
	if r.Cluster != "" {
		groups[inventory.GroupWho] += fmt.Sprintf("cluster = proxmox.%s\n", r.Cluster)
	}
	if r.Host != "" {
		groups[inventory.GroupWho] += fmt.Sprintf("host = host.%s\n", r.Host)
	}
	for _, a := range kind.Attrs {
		v := r.Resource.Attrs[inventory.Path(a.Name)]
		if inventory.IsNull(v) && a.Import == inventory.ImportAlways {
			v = a.Default
		}
		switch {
		case a.Hides(v):
			groups[a.Group] += fmt.Sprintf("# %s is not written down: it looks like it holds a credential\n", a.Name)
		case written(r, a, v):
			groups[a.Group] += assignment(a, v)
		}
	}
	if r.Exact {
		groups[inventory.GroupWho] += "exact = true\n"
	}
	var out []string
	for _, g := range []inventory.Group{inventory.GroupWho, inventory.GroupHas, inventory.GroupDoes} {
		if groups[g] != "" {
			out = append(out, groups[g])
		}
	}
	return out
}

// written decides whether a top-level value stands in an imported manifest.
func written(r Rendering, a *inventory.Attr, v cty.Value) bool {
	switch {
	case a.Import == inventory.ImportUnlessLabel:
		return !inventory.IsNull(v) && inventory.Text(v) != r.Label
	case inventory.IsNull(v) || a.Computed || a.Document || a.Import == inventory.ImportNever:
		return false
	case a.Import == inventory.ImportUnlessEmpty:
		return inventory.Text(v) != ""
	}
	return a.Import == inventory.ImportAlways || !isDefault(a, v)
}

// AtDefault lists the names of attributes that Render leaves out because what is there
// is the default.
func AtDefault(r inventory.Resource) (out []string) {
	for p, v := range r.Attrs {
		a, block, _ := r.Kind().Lookup(p)
		switch {
		case a == nil || inventory.IsNull(v) || a.Computed || !isDefault(a, v):
		case block == nil && a.Import == inventory.ImportUnlessDefault:
			out = append(out, a.Name)
		case block != nil && !writtenInBlock(block, a, v):
			out = append(out, block.Name+" "+a.Name)
		}
	}
	return out
}

func isDefault(a *inventory.Attr, v cty.Value) bool {
	return !inventory.IsNull(a.Default) && a.Same(a.Default, v)
}

// renderBlocks writes the nested blocks of one type, a text each.
func renderBlocks(r Rendering, block *inventory.Block) []string {
	slots := []string{""}
	if block.Labelled() {
		slots = r.Resource.Attrs.Slots(block.Name)
	}
	var out []string
	for _, slot := range slots {
		var body strings.Builder
		for _, a := range block.Attrs {
			p := block.Path(slot, a.Name)
			if slices.Contains(r.Masked, p) {
				fmt.Fprintf(&body, "# %s is set; Proxmox does not tell it\n", a.Name)
			}
			if v := r.Resource.Attrs[p]; writtenInBlock(block, a, v) {
				body.WriteString(assignment(a, v))
			}
		}
		if body.Len() == 0 {
			continue
		}
		head := block.Name
		if slot != "" && !block.Repeat {
			head += " " + Quoted(slot)
		}
		out = append(out, head+" {\n"+body.String()+"}\n")
	}
	return out
}

// writtenInBlock decides whether a value of a nested block stands in an imported
// manifest. What leads a device stands there always, so that no block is empty.
func writtenInBlock(b *inventory.Block, a *inventory.Attr, v cty.Value) bool {
	return !inventory.IsNull(v) && !a.Computed && !a.Secret && (b.Leads(a) || !isDefault(a, v))
}

// Declare lists the edits that declare a device as it is there, as an import would.
func Declare(addr inventory.Address, have inventory.Resource, device inventory.Path) (out []Edit) {
	_, block, slot := have.Kind().Lookup(device)
	for _, a := range block.Attrs {
		p := block.Path(slot, a.Name)
		if v := have.Attrs[p]; writtenInBlock(block, a, v) {
			out = append(out, Edit{Addr: addr, Path: p, Value: v})
		}
	}
	return out
}

// masked stands in the place of secrets, and is never a value.
const masked = "(secret)"

// Quoted spells any text as a string of HCL.
func Quoted(text string) string {
	return string(hclwrite.TokensForValue(cty.StringVal(text)).Bytes())
}

// assignment declares a value. One of another type than the attribute's cannot be
// declared, and is said to be there.
func assignment(a *inventory.Attr, v cty.Value) string {
	if !a.Takes(v) {
		return fmt.Sprintf("# %s takes a %s, and what is there is a %s\n", a.Name, a.Type.FriendlyName(), v.Type().FriendlyName())
	}
	text := Literal(a, v)
	if strings.Contains(text, masked) {
		return "# " + a.Name + " is left out: it holds a secret, which recon does not know or does not write\n"
	}
	return a.Name + " = " + text + "\n"
}

// Literal spells a value as a manifest does: sizes with their unit, text of
// several lines as a heredoc where that loses nothing.
func Literal(a *inventory.Attr, v cty.Value) string {
	if n, ok := inventory.Int(v); ok && a.Unit == inventory.Bytes {
		return Quoted(inventory.FormatSize(n))
	}
	if a.Wire == inventory.WireText {
		if text, ok := heredoc(inventory.Text(v)); ok {
			return text
		}
		v = cty.StringVal(strings.TrimRight(inventory.Text(v), " \t\r\n"))
	}
	return strings.TrimSpace(string(hclwrite.TokensForValue(v).Bytes()))
}

// heredoc writes text of several lines, unless a character of it would not
// survive.
func heredoc(s string) (string, bool) {
	s = strings.TrimRight(s, " \t\r\n")
	if !strings.Contains(s, "\n") {
		return "", false
	}
	for _, line := range strings.Split(s, "\n") {
		if strings.TrimSpace(line) == "EOT" {
			return "", false
		}
	}
	for _, r := range s {
		if r < ' ' && r != '\n' && r != '\t' || r == '\u2028' || r == '\ufeff' || r == '\ufffd' {
			return "", false
		}
	}
	s = strings.NewReplacer("${", "$${", "%{", "%%{").Replace(s)
	return "<<EOT\n" + s + "\nEOT", true
}
