package manifests

import (
	"bytes"
	"cmp"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"recon/inventory"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

// An Edit asks that a declared field take another value.
type Edit struct {
	Addr  inventory.Address
	Path  inventory.Path
	Value cty.Value // null: the field shall not be declared any more
}

// A Refusal is an edit that a person has to make: the value in the file is not a
// literal of this one resource.
type Refusal struct {
	Edit
	Range hcl.Range // where to write
	Text  string    // what to write there
	Why   string
}

// Edits changes literals in place and leaves every other byte as it is. It
// returns the new text of each changed file, or, when any edit is refused, no text
// and all refusals: nothing is done by halves.
func (p *Project) Edits(fsys fs.FS, edits []Edit) (map[string][]byte, []Refusal, error) {
	byFile := map[string][]splice{}
	var refusals []Refusal
	for _, e := range edits {
		s, refusal := p.splice(e)
		switch i := len(byFile[s.file]) - 1; {
		case refusal != nil:
			refusals = append(refusals, *refusal)
		case i >= 0 && s.device != "" && s.device == byFile[s.file][i].device:
			byFile[s.file][i].lines += s.lines
		default:
			byFile[s.file] = append(byFile[s.file], s)
		}
	}
	if len(refusals) > 0 {
		return nil, refusals, nil
	}
	out := map[string][]byte{}
	for file, splices := range byFile {
		src, err := fs.ReadFile(fsys, file)
		if err != nil {
			return nil, nil, fmt.Errorf("read manifest to edit it: %w", err)
		}
		text, err := apply(src, p.Files[file].Bytes, splices)
		if err != nil {
			return nil, nil, fmt.Errorf("edit %s: %w", file, err)
		}
		if _, diags := parse(text, file); diags.HasErrors() {
			return nil, nil, fmt.Errorf("edit %s: the result would not parse: %w", file, diags)
		}
		out[file] = text
	}
	return out, nil, nil
}

// A splice replaces bytes of a file.
type splice struct {
	file       string
	start, end int
	text       string
	device     string // of a nested block that is written anew: its resource and head
	lines      string // and what stands in it
}

// bytes is what takes the place of the old bytes.
func (s *splice) bytes() []byte {
	if s.device == "" {
		return []byte(s.text)
	}
	body := hclwrite.Format([]byte(s.text + " {\n" + s.lines + "}\n"))
	return []byte("\n  " + strings.TrimRight(strings.ReplaceAll(string(body), "\n", "\n  "), " "))
}

// apply makes the splices, provided the file still is what was loaded.
func apply(src, loaded []byte, splices []splice) ([]byte, error) {
	bom := []byte("\xef\xbb\xbf")
	body, hadBOM := bytes.CutPrefix(src, bom)
	if !bytes.Equal(body, loaded) {
		return nil, fmt.Errorf("it has changed since it was read; run the command again")
	}
	slices.SortStableFunc(splices, func(a, b splice) int { return cmp.Compare(a.start, b.start) })
	for _, s := range slices.Backward(splices) {
		body = slices.Concat(body[:s.start], s.bytes(), body[s.end:])
	}
	if hadBOM {
		body = append(bom, body...)
	}
	return body, nil
}

// splice finds the bytes that an edit replaces.
func (p *Project) splice(e Edit) (splice, *Refusal) {
	res := p.Resource(e.Addr)
	block := p.guestBlock(e.Addr)
	attr, nested, slot := inventory.KindOf(e.Addr.Kind).Lookup(e.Path)
	if res == nil || block == nil || attr == nil {
		return splice{}, &Refusal{Edit: e, Why: "it is not declared"}
	}
	holder := block
	if nested != nil {
		holder = nestedBlock(block.Body, nested.Name, slot)
	}
	text := Literal(attr, e.Value)
	if inventory.IsNull(e.Value) && !inventory.IsNull(attr.Default) {
		text = Literal(attr, attr.Default)
	}
	refuse := func(rng hcl.Range, why string) (splice, *Refusal) {
		return splice{}, &Refusal{Edit: e, Range: rng, Text: text, Why: why}
	}
	var arg *hclsyntax.Attribute
	if holder != nil {
		arg = holder.Body.Attributes[attr.Name]
	}
	switch {
	case attr.Secret:
		return refuse(res.Range, "it is a secret, which is never written")
	case attr.Hides(e.Value):
		text = "what the notes say without the credential"
		return refuse(res.Range, "it looks like it holds a credential, which is never written")
	case block.Body.Attributes["for_each"] != nil:
		return refuse(cmp.Or(res.Origin[e.Path], res.Range), "the block has for_each and serves several resources")
	case arg == nil && attr.Name == "name" && nested == nil:
		return insertLine(block, "name = "+text), nil
	case arg == nil && (block.OpenBraceRange.Start.Line == block.CloseBraceRange.Start.Line || holder != nil && holder.OpenBraceRange.Start.Line == holder.CloseBraceRange.Start.Line):
		return refuse(res.Range, "the block stands on one line, and there is no room for it")
	case !inventory.IsNull(e.Value) && !attr.Takes(e.Value):
		return refuse(res.Range, "what is there is no "+attr.Type.FriendlyName()+", which is all that can be declared")
	case arg == nil && holder == nil:
		at := block.CloseBraceRange
		head := nested.Name
		if slot != "" && !nested.Repeat {
			head += " " + Quoted(slot)
		}
		return splice{file: at.Filename, start: at.Start.Byte, end: at.Start.Byte, text: head, device: e.Addr.String() + " " + head, lines: attr.Name + " = " + text + "\n"}, nil
	case arg == nil:
		return p.appendLine(holder, attr.Name, text), nil
	case !isLiteral(arg.Expr):
		return refuse(arg.Expr.Range(), "the value comes from an expression")
	case inventory.IsNull(e.Value) && inventory.IsNull(attr.Default):
		return removeLine(p.Files[arg.SrcRange.Filename].Bytes, arg), nil
	}
	rng := arg.Expr.Range()
	return splice{file: rng.Filename, start: rng.Start.Byte, end: rng.End.Byte, text: endLike(p.Files[rng.Filename].Bytes[rng.Start.Byte:rng.End.Byte], text)}, nil
}

// endLike gives a replacement the final newline of what it replaces: the range of
// a heredoc includes its own.
func endLike(old []byte, text string) string {
	if bytes.HasSuffix(old, []byte("\n")) {
		return text + "\n"
	}
	return text
}

// insertLine puts an argument on the first line of a block.
func insertLine(b *hclsyntax.Block, line string) splice {
	at := b.OpenBraceRange.End
	return splice{file: b.OpenBraceRange.Filename, start: at.Byte, end: at.Byte, text: "\n  " + line}
}

// appendLine puts an argument below the last one of a block, its sign of equality below
// that one's.
func (p *Project) appendLine(b *hclsyntax.Block, name, text string) splice {
	all := sortedAttrs(b.Body)
	if len(all) == 0 {
		return insertLine(b, name+" = "+text)
	}
	last := all[len(all)-1]
	src := p.Files[last.SrcRange.Filename].Bytes
	at := last.SrcRange.End.Byte
	if i := bytes.IndexByte(src[at:], '\n'); i >= 0 && !bytes.HasSuffix(src[:at], []byte("\n")) {
		at += i + 1
	}
	indent := strings.Repeat(" ", last.NameRange.Start.Column-1)
	width := last.EqualsRange.Start.Column - last.NameRange.Start.Column - 1
	line := fmt.Sprintf("%s%-*s = %s", indent, width, name, text)
	return splice{file: last.SrcRange.Filename, start: at, end: at, text: strings.TrimSuffix(line, "\n") + "\n"}
}

// removeLine takes an argument out, with its line when nothing else stands there.
func removeLine(src []byte, arg *hclsyntax.Attribute) splice {
	start, end := arg.SrcRange.Start.Byte, arg.SrcRange.End.Byte
	lineStart := bytes.LastIndexByte(src[:start], '\n') + 1
	lineEnd := end
	if i := bytes.IndexByte(src[end:], '\n'); i >= 0 {
		lineEnd = end + i + 1
	}
	alone := strings.TrimSpace(string(src[lineStart:start])) == "" && strings.TrimSpace(string(src[end:lineEnd])) == ""
	if alone {
		start, end = lineStart, lineEnd
	}
	return splice{file: arg.SrcRange.Filename, start: start, end: end}
}

// guestBlock finds the block of a resource in the syntax tree.
func (p *Project) guestBlock(a inventory.Address) *hclsyntax.Block {
	res := p.Resource(a)
	if res == nil || p.Files[res.Range.Filename] == nil {
		return nil
	}
	file, diags := parse(p.Files[res.Range.Filename].Bytes, res.Range.Filename)
	if diags.HasErrors() {
		return nil // it was loaded from the same bytes
	}
	for _, b := range file.Body.(*hclsyntax.Body).Blocks {
		if b.Type == a.Kind && len(b.Labels) == 1 && b.Labels[0] == a.Name {
			return b
		}
	}
	return nil
}

func nestedBlock(body *hclsyntax.Body, name, slot string) *hclsyntax.Block {
	for _, b := range body.Blocks {
		if b.Type == name && (slot == "" || len(b.Labels) == 1 && b.Labels[0] == slot) {
			return b
		}
	}
	return nil
}
