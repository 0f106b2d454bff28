package web

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"recon/cmd/recon/internal/api"
	"recon/cmd/recon/internal/words"
	"recon/inventory"
	"recon/reconcile"
)

type proposalRow struct {
	changeRow
	Whole, Short, Why, Until, Decided string
	Calls                             []string
	MayDecide                         bool
}

// proposals is the page of what waits for somebody's decision.
func (s *server) proposals(r *http.Request, state api.LiveState) (answer, error) {
	waits := &state.Waits
	from, to, pages := paged(r, len(waits.Proposals), changesPerPage)
	body := struct {
		paging
		Headline, Frozen string
		MayAct, Open     bool
		Proposals        []proposalRow
	}{paging: pages, Headline: "Nothing waits for a decision", MayAct: userOf(r).mayAct, Open: len(waits.Proposals) <= 20}
	if len(waits.Proposals) > 0 {
		body.Headline = waiting(waits)
	}
	if waits.Freeze != nil {
		body.Frozen = words.Clean(waits.Freeze.String())
	}
	for i := range waits.Proposals[from:to] {
		row, err := proposalRowOf(&waits.Proposals[from+i])
		if err != nil {
			return answer{}, err
		}
		row.MayDecide = body.MayAct && row.Decided == ""
		body.Proposals = append(body.Proposals, row)
	}
	return answer{template: "proposals", title: "Proposals", body: body}, nil
}

// proposalRowOf is a proposal as the page shows it.
func proposalRowOf(p *api.Proposal) (row proposalRow, err error) {
	c, err := p.Claim()
	if err != nil {
		return row, err
	}
	row = proposalRow{changeRow: changeRows(&api.Picture{}, []*inventory.Change{c})[0], Whole: p.ID, Short: api.ShortID(p), Why: words.Clean(p.Why), Until: p.Expires.Local().Format("2006-01-02 15:04")}
	row.ID, row.Apply = "proposal-"+row.Short, words.Clean(words.Consequence(c))
	for i := range c.Steps {
		row.Calls = append(row.Calls, words.Clean(words.Call(&c.Steps[i], words.Clean)))
	}
	if p.By != "" {
		row.Decided = words.Clean(p.State + " by " + p.By)
	}
	return row, nil
}

// decide takes somebody's decision from the page.
func (s *server) decide(w http.ResponseWriter, r *http.Request) {
	u := userOf(r)
	if !u.mayAct {
		s.render(w, r, s.Live.State(), fault(http.StatusForbidden, "Not for you", "Whoever the page block names under approve may decide."))
		return
	}
	who := u.name
	if who == "" {
		who = "the page"
	}
	if err := s.decided(r, r.PostFormValue("id"), who); err != nil {
		s.render(w, r, s.Live.State(), fault(http.StatusConflict, "Not decided", err.Error()))
		return
	}
	http.Redirect(w, r, "/proposals", http.StatusSeeOther)
}

// decided notes what a form says, and has it carried out.
func (s *server) decided(r *http.Request, id, who string) error {
	decision := r.PostFormValue("decision")
	if !slices.Contains([]string{"approve", "reject"}, decision) {
		return fmt.Errorf("%q is no decision", decision)
	}
	if _, err := api.Decide(r.Context(), s.Live.Home, id, decision == "approve", who); err != nil {
		return err
	}
	if decision == "approve" {
		s.Live.Approve()
	}
	waits, err := api.Waiting(r.Context(), s.Live.Home)
	if err == nil {
		s.Live.ShowWaits(waits)
	}
	return err
}

// signed reports whether a link is one of recon's own. The key is read once: whoever makes
// links up shall not have the ledger opened for each.
func (s *server) signed(r *http.Request, id string, query url.Values) bool {
	who, until, sig := query.Get("for"), query.Get("until"), query.Get("sig")
	if !api.PlausibleLink(id, until, sig, s.now()) {
		return false
	}
	s.signer.Lock()
	defer s.signer.Unlock()
	if s.signer.of == nil {
		var err error
		if s.signer.of, err = api.FindSigner(r.Context(), s.Live.Home); err != nil {
			s.Log.Error("the key of signed links cannot be read", "error", err)
		}
	}
	return s.signer.of.Check(id, who, until, sig, s.now())
}

// linked is the page behind a signed link: whoever has it decides about one proposal. To
// look at it decides nothing: programs look at links, too.
func (s *server) linked(w http.ResponseWriter, r *http.Request) {
	id, query := r.PathValue("id"), r.URL.Query()
	if !s.signed(r, id, query) {
		s.render(w, r, api.LiveState{}, fault(http.StatusForbidden, "This link does not count", "It was changed, or it is more than a day old. The page itself, and recon approve, know what waits."))
		return
	}
	if r.Method == http.MethodPost {
		if err := s.decided(r, id, query.Get("for")); err != nil {
			s.render(w, r, api.LiveState{}, fault(http.StatusConflict, "Not decided", err.Error()))
			return
		}
	}
	p, err := api.FindProposal(r.Context(), s.Live.Home, id)
	row := proposalRow{}
	if err == nil {
		row, err = proposalRowOf(&p)
	}
	if err != nil {
		s.render(w, r, api.LiveState{}, fault(http.StatusNotFound, "Not found", err.Error()))
		return
	}
	row.MayDecide = p.State == reconcile.ProposalOpen && s.now().Before(p.Expires)
	if !row.MayDecide && row.Decided == "" {
		row.Decided = "no longer open"
	}
	s.render(w, r, api.LiveState{}, answer{template: "decide", title: "A proposal", body: struct {
		proposalRow
		Form string
	}{row, r.URL.RequestURI()}})
}
