package web

import (
	"recon/cmd/recon/internal/api"
	"recon/cmd/recon/internal/words"
)

// ties are what hangs on a thing, and what it hangs on.
type ties struct {
	Known    bool // the graph has it
	Effects  []effect
	Needs    []tie
	NotKnown []string // of what may change that
}

// An effect is what happens to others while it restarts.
type effect struct {
	Title string
	Rows  []tie
}

// A tie is one thing at the other end.
type tie struct {
	ID, How, Why string
	Link         bool // it has a page
}

// tiesOf are the ties of a thing, as far as a run sees them: the files of proxies and name
// servers are looked at by recon graph alone.
func tiesOf(p *api.Picture, id string) (t ties) {
	if p.Graph == nil || p.Graph.Node(id) == nil {
		return t
	}
	t.Known = true
	end := func(id, how, why string) tie {
		return tie{ID: words.Clean(id), How: how, Why: words.Clean(why), Link: p.Resource(id) != nil}
	}
	a, err := p.Impact(id)
	if err != nil {
		return t
	}
	for _, group := range words.Effects {
		e := effect{Title: group.Title}
		for i := range a.Impact.Affected {
			if x := &a.Impact.Affected[i]; x.Effect == group.Effect {
				e.Rows = append(e.Rows, end(x.ID, "", words.Because(x)))
			}
		}
		if len(e.Rows) > 0 {
			t.Effects = append(t.Effects, e)
		}
	}
	for _, e := range p.Graph.Needs(id) {
		t.Needs = append(t.Needs, end(e.To, words.EdgeKind(e.Kind), words.Evidence(&e)))
	}
	for i := range a.NotKnown {
		if gap := &a.NotKnown[i]; gap.MayChange {
			t.NotKnown = append(t.NotKnown, words.Clean(gap.Text()+": "+gap.Why))
		}
	}
	return t
}
