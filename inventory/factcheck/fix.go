package factcheck

import (
	"bytes"
	"cmp"
	"slices"
)

// Fix returns the text of a document with what can be put right in it put right:
// exactly the wrong tokens are replaced, where they stand. A token that no longer
// stands there is left alone.
func Fix(file string, text []byte, findings []Finding) (out []byte, fixed int) {
	var mine []Place
	for i := range findings {
		for _, p := range findings[i].Wrong {
			if p.File == file && p.Fix != "" {
				mine = append(mine, p)
			}
		}
	}
	slices.SortFunc(mine, func(a, b Place) int { return cmp.Compare(b.Offset, a.Offset) })
	mine = slices.CompactFunc(mine, func(a, b Place) bool { return a.Offset == b.Offset })
	out = bytes.Clone(text)
	for _, p := range mine {
		claim, fix := p.token(), p.Fix
		end := p.Offset + len(claim)
		if end > len(out) || string(out[p.Offset:end]) != claim {
			continue
		}
		out = slices.Concat(out[:p.Offset], []byte(fix), out[end:])
		fixed++
	}
	return out, fixed
}

// token is what stands in the text: of "16 GB" the number alone is replaced.
func (p *Place) token() string {
	if p.Token != "" {
		return p.Token
	}
	return p.Claim
}
