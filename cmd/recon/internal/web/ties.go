package web

import (
	"recon/cmd/recon/internal/api"
	"recon/cmd/recon/internal/words"
	"recon/inventory/graph"
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
	impact, inside := p.Graph.Impact(id, graph.Restart, nil), map[string]bool{id: true}
	for _, group := range words.Effects {
		e := effect{Title: group.Title}
		for i := range impact.Affected {
			if a := &impact.Affected[i]; a.Effect == group.Effect {
				e.Rows = append(e.Rows, end(a.ID, "", words.Because(a)))
				inside[a.ID] = inside[a.ID] || a.Effect == graph.Down
			}
		}
		if len(e.Rows) > 0 {
			t.Effects = append(t.Effects, e)
		}
	}
	for _, e := range p.Graph.Needs(id) {
		t.Needs = append(t.Needs, end(e.To, words.EdgeKind(e.Kind), words.Evidence(&e)))
	}
	may, _ := p.Graph.Concerning(map[string]bool{id: true}, inside, true)
	for i := range may {
		t.NotKnown = append(t.NotKnown, words.Clean(may[i].Text()+": "+may[i].Why))
	}
	return t
}
