package manifests

import (
	"bytes"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// LeaveOut makes a comment of what stands at a place of a manifest, with the reason: of
// the argument, else of the innermost block, else of everything.
func LeaveOut(text []byte, at hcl.Range, why string) []byte {
	file, diags := parse(text, at.Filename)
	from, to := 0, len(text)
	if !diags.HasErrors() {
		from, to = statementAt(file.Body.(*hclsyntax.Body), at.Start.Byte, from, to)
	}
	from = bytes.LastIndexByte(text[:from], '\n') + 1
	if i := bytes.IndexByte(text[to:], '\n'); i >= 0 && (to == 0 || text[to-1] != '\n') {
		to += i + 1
	}
	var out strings.Builder
	out.Write(text[:from])
	out.WriteString("# Left out: " + oneLine(why) + "\n")
	for line := range strings.Lines(string(text[from:to])) {
		out.WriteString("# " + oneLine(line) + "\n")
	}
	out.Write(text[to:])
	return []byte(out.String())
}

// oneLine keeps a text within a comment.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r == 0x7f {
			return -1
		}
		return r
	}, text)
}

// statementAt finds the bytes of the innermost argument or block around a place.
func statementAt(body *hclsyntax.Body, at, from, to int) (int, int) {
	holds := func(r hcl.Range) bool { return r.Start.Byte <= at && at < max(r.End.Byte, r.Start.Byte+1) }
	for _, a := range body.Attributes {
		if holds(a.SrcRange) {
			return a.SrcRange.Start.Byte, a.SrcRange.End.Byte
		}
	}
	for _, b := range body.Blocks {
		if whole := hcl.RangeBetween(b.TypeRange, b.CloseBraceRange); holds(whole) {
			return statementAt(b.Body, at, whole.Start.Byte, whole.End.Byte)
		}
	}
	return from, to
}
