package factcheck

import (
	"bytes"
	"cmp"
	"slices"
)

// Fix returns a document with the fixable findings of it put right: exactly the
// wrong tokens are replaced. A token that no longer stands where it was found is
// left alone.
func Fix(doc *Document, findings []Finding) (text []byte, fixed []Finding) {
	text = bytes.Clone(doc.Text)
	mine := slices.DeleteFunc(slices.Clone(findings), func(f Finding) bool { return f.File != doc.Path || !f.Fixable || f.Truth == nil })
	slices.SortFunc(mine, func(a, b Finding) int { return cmp.Compare(b.Offset, a.Offset) })
	for _, f := range mine {
		end := f.Offset + len(f.Claim)
		if end > len(text) || string(text[f.Offset:end]) != f.Claim {
			continue
		}
		text = slices.Concat(text[:f.Offset], []byte(*f.Truth), text[end:])
		fixed = append(fixed, f)
	}
	slices.Reverse(fixed)
	return text, fixed
}
