package factcheck

import (
	"cmp"
	"maps"
	"path"
	"slices"
	"strings"

	"recon/inventory/factcheck/source"
)

// A Naming is the first place of a document that names something observed.
type Naming struct {
	Address string // of a guest or a service
	Node    string // of a node, which has none
	File    string
	Line    int
}

// Named are the documents that people read which name what was observed, each thing once a
// document. What is history there, a word that may be one of the sentence, and a name that
// two things have, name nothing.
func Named(docs []source.Document, truth *Truth) []Naming {
	docs = slices.DeleteFunc(slices.Clone(docs), func(d source.Document) bool {
		end := strings.ToLower(path.Ext(d.Path))
		return end != ".md" && end != ".markdown"
	})
	pages := readAll(docs)
	r := newRoster(truth, pages)
	found := make([][]Naming, len(pages))
	each(len(pages), func(i int) { found[i] = r.named(pages[i]) })
	return slices.Concat(found...)
}

// named is what a page names.
func (r *roster) named(p *source.Page) []Naming {
	if p.Past {
		return nil
	}
	first := map[*subject]int{} // the offset at which each is named
	names := func(s *subject, off int) {
		if at, known := first[s]; s != nil && !s.ambiguous && (s.host != nil || s.service != nil) && !p.Ignored(off) && (!known || off < at) {
			first[s] = off
		}
	}
	for i := range p.Entries {
		if e := &p.Entries[i]; !e.Past && e.Name.Off >= 0 && e.Name.Text != "" {
			names(r.lookup(e.Name.Norm), e.Name.Off)
		}
	}
	for i := range p.Lines {
		l := &p.Lines[i]
		if l.Past || len(l.Text) > longestLine {
			continue
		}
		for _, m := range r.find(l.Text) {
			if !m.common() {
				names(m.subject, l.Off+m.start)
			}
		}
	}
	var out []Naming
	for s, off := range maps.All(first) {
		line, _ := p.Position(off)
		n := Naming{File: p.Path, Line: line}
		switch {
		case s.host == nil:
			n.Address = s.service.address
		case s.host.address == "":
			n.Node = s.host.name
		default:
			n.Address = s.host.address
		}
		out = append(out, n)
	}
	slices.SortFunc(out, func(a, b Naming) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Address, b.Address), cmp.Compare(a.Node, b.Node))
	})
	return out
}
