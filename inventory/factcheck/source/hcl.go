package source

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// readHCL reads HCL that starts at an offset of its page.
func readHCL(p *Page, text string, base int, here *Section, machine bool) {
	if tooDeep(text) {
		return
	}
	file, _ := hclsyntax.ParseConfig([]byte(text), p.Path, hcl.InitialPos)
	if file == nil {
		return
	}
	body, ok := file.Body.(*hclsyntax.Body)
	if !ok {
		return
	}
	h := &hclReader{base: base, text: text}
	r := &treeReader{Page: p, here: here, machine: machine && !p.Past}
	for _, b := range body.Blocks {
		switch b.Type {
		case "output", "provider", "terraform", "data":
		case "resource":
			h.resource(r, b)
		case "variable":
			r.setting(b.Labels, h.body(b.Body, 0).child("default"))
			r.machines(h.body(b.Body, 0), 0)
		case "locals":
			tree := h.body(b.Body, 0)
			for _, c := range tree.children {
				r.setting([]string{c.key.Text}, c)
			}
			r.machines(tree, 0)
		default:
			r.machines(h.body(b.Body, 0), 0)
		}
	}
	for _, a := range sortedAttributes(body) {
		r.machines(h.attribute(a, 0), 0)
	}
}

// An hclReader turns HCL into branches with offsets.
type hclReader struct {
	base int
	text string
}

// resource reads a resource that is a guest of Proxmox.
func (h *hclReader) resource(r *treeReader, b *hclsyntax.Block) {
	if len(b.Labels) != 2 || !strings.Contains(b.Labels[0], "proxmox") {
		return
	}
	kind := ""
	switch {
	case strings.Contains(b.Labels[0], "lxc") || strings.Contains(b.Labels[0], "container"):
		kind = "lxc"
	case strings.Contains(b.Labels[0], "vm"):
		kind = "vm"
	default:
		return
	}
	tree := h.body(b.Body, 0)
	e := Entry{Section: r.here, Form: Block, Table: -1}
	r.collect(tree, &e, 0)
	if e.Name.Text == "" || tree.child("for_each") != nil || tree.child("count") != nil {
		return
	}
	e.Values = append(e.Values, Value{Role: Kind, Norm: kind, Text: e.Name.Text, Off: e.Name.Off, Label: "heading"})
	e.Machine = r.machine && e.machineRoles() >= 2
	r.Entries = append(r.Entries, e)
}

func sortedAttributes(body *hclsyntax.Body) (out []*hclsyntax.Attribute) {
	for _, a := range body.Attributes {
		out = append(out, a)
	}
	for i := 1; i < len(out); i++ {
		for j := i; j > 0 && out[j].NameRange.Start.Byte < out[j-1].NameRange.Start.Byte; j-- {
			out[j], out[j-1] = out[j-1], out[j]
		}
	}
	return out
}

func (h *hclReader) body(body *hclsyntax.Body, depth int) *branch {
	b := &branch{}
	for _, a := range sortedAttributes(body) {
		b.children = append(b.children, h.attribute(a, depth+1))
	}
	for _, inner := range body.Blocks {
		c := h.body(inner.Body, depth+1)
		c.key = Value{Role: Name, Text: inner.Type, Norm: inner.Type, Off: h.base + inner.TypeRange.Start.Byte}
		b.children = append(b.children, c)
	}
	return b
}

func (h *hclReader) attribute(a *hclsyntax.Attribute, depth int) *branch {
	c := h.expression(a.Expr, depth)
	c.key = Value{Role: Name, Text: a.Name, Norm: a.Name, Off: h.base + a.NameRange.Start.Byte}
	return c
}

func (h *hclReader) expression(expr hclsyntax.Expression, depth int) *branch {
	b := &branch{}
	if depth > 60 {
		return b
	}
	switch e := expr.(type) {
	case *hclsyntax.ObjectConsExpr:
		for _, item := range e.Items {
			c := h.expression(item.ValueExpr, depth+1)
			if key, diags := item.KeyExpr.Value(nil); !diags.HasErrors() && key.Type().Equals(cty.String) && key.IsKnown() && !key.IsNull() {
				off := item.KeyExpr.Range().Start.Byte
				if h.text[off] == '"' {
					off++
				}
				c.key = Value{Role: Name, Text: key.AsString(), Norm: key.AsString(), Off: h.base + off}
			}
			b.children = append(b.children, c)
		}
	case *hclsyntax.TupleConsExpr:
		b.list = true
		for _, item := range e.Exprs {
			b.children = append(b.children, h.expression(item, depth+1))
		}
		if len(b.children) == 1 && len(b.children[0].children) == 0 { // nameservers = ["192.168.1.1"]
			return b.children[0]
		}
	case *hclsyntax.FunctionCallExpr:
		if len(e.Args) == 1 && (e.Name == "tomap" || e.Name == "toset" || e.Name == "tolist") {
			return h.expression(e.Args[0], depth+1)
		}
	case *hclsyntax.TemplateExpr:
		if e.IsStringLiteral() {
			b.literalAt(e.Parts[0].Range(), h)
		}
	case *hclsyntax.LiteralValueExpr:
		b.literalAt(e.Range(), h)
	}
	return b
}

func (b *branch) literalAt(r hcl.Range, h *hclReader) {
	if r.Start.Byte < 0 || r.End.Byte > len(h.text) || r.Start.Byte > r.End.Byte {
		return
	}
	b.text, b.off, b.literal = h.text[r.Start.Byte:r.End.Byte], h.base+r.Start.Byte, true
}
