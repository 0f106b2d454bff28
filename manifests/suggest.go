package manifests

import (
	"fmt"
	"slices"
	"strings"

	"recon/inventory"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

func errorAt(rng hcl.Range, summary, format string, args ...any) *hcl.Diagnostic {
	detail := fmt.Sprintf(format, args...)
	if asks, ok := strings.CutSuffix(detail, "?."); ok {
		detail = asks + "?" // an error that ends with a question within a sentence
	}
	return &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: detail, Subject: &rng}
}

func warnAt(rng hcl.Range, summary, format string, args ...any) *hcl.Diagnostic {
	d := errorAt(rng, summary, format, args...)
	d.Severity = hcl.DiagWarning
	return d
}

// place writes a range the way compilers do.
func place(r hcl.Range) string { return fmt.Sprintf("%s:%d", r.Filename, r.Start.Line) }

// A spec names what a block may hold.
type spec struct {
	what   string // the block, for messages
	attrs  []string
	blocks []string
}

// check reports everything in the body that the spec does not know.
func (s spec) check(body *hclsyntax.Body) hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, attr := range sortedAttrs(body) {
		if !slices.Contains(s.attrs, attr.Name) {
			hint := inventory.DidYouMean(attr.Name, s.attrs)
			if slices.Contains(s.blocks, attr.Name) {
				hint = fmt.Sprintf(" Did you mean to define a block? Write: %s { ... }", attr.Name)
			}
			diags = append(diags, errorAt(attr.NameRange, "Unsupported argument", "An argument named %q is not expected in %s.%s", attr.Name, s.what, hint))
		}
	}
	for _, b := range body.Blocks {
		if !slices.Contains(s.blocks, b.Type) {
			hint := inventory.DidYouMean(b.Type, s.blocks)
			if slices.Contains(s.attrs, b.Type) {
				hint = fmt.Sprintf(" Did you mean to set an argument? Write: %s = ...", b.Type)
			}
			diags = append(diags, errorAt(b.TypeRange, "Unsupported block type", "Blocks of type %q are not expected in %s.%s", b.Type, s.what, hint))
		}
	}
	return diags
}

// labels reports a block that has not exactly the named labels.
func labels(b *hclsyntax.Block, names ...string) *hcl.Diagnostic {
	if len(b.Labels) == len(names) {
		return nil
	}
	if len(names) == 0 {
		return errorAt(b.LabelRanges[0], "Extraneous label", "A %s block takes no label.", b.Type)
	}
	return errorAt(b.DefRange(), "Wrong number of labels", "A %s block takes %d label(s): %s \"%s\".", b.Type, len(names), b.Type, strings.Join(names, `" "`))
}
