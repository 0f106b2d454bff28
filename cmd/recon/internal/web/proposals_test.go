package web

import (
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"recon/cmd/recon/internal/api"
	"recon/manifests"
	"recon/reconcile"
)

// propose makes a run that proposes, as the daemon does, and returns what waits.
func (s *site) propose() []api.Proposal {
	s.Helper()
	if _, err := api.Heal(s.Context(), s.live.Home); err != nil {
		s.Fatal(err)
	}
	w, err := api.Waiting(s.Context(), s.live.Home)
	if err != nil {
		s.Fatal(err)
	}
	s.live.ShowWaits(w)
	return w.Proposals
}

// state is what became of a proposal.
func (s *site) state(id string) string {
	s.Helper()
	p, err := api.FindProposal(s.Context(), s.live.Home, id)
	if err != nil {
		s.Fatal(err)
	}
	return p.State
}

// fill sends a form.
func fill(h http.Handler, target string, form url.Values, change ...func(*http.Request)) *httptest.ResponseRecorder {
	return ask(h, "POST", target, append([]func(*http.Request){func(r *http.Request) {
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(form.Encode())), int64(len(form.Encode()))
	}}, change...)...)
}

func carries(s *site) bool {
	select {
	case <-s.live.Approved():
		return true
	default:
		return false
	}
}

// TestDecide: who may act decides about what is shown, once; nobody else does.
func TestDecide(t *testing.T) {
	s := newSite(t, api.Page{URL: "https://recon.example.net", Approve: manifests.Approvers{Users: []string{"lena"}}, Login: &manifests.Login{
		Header: "Remote-User", From: []netip.Prefix{netip.MustParsePrefix("10.0.0.5/32")},
	}})
	s.run()
	waiting := s.propose()
	if len(waiting) == 0 {
		t.Fatal("nothing is proposed")
	}
	id := waiting[0].ID
	h := s.handler()
	as := func(name string) func(*http.Request) {
		return func(r *http.Request) {
			r.Host, r.RemoteAddr = "recon.example.net", "10.0.0.5:1"
			r.Header.Set("Remote-User", name)
		}
	}
	page := ask(h, "GET", "/proposals", as("lena")).Body.String()
	for _, says := range []string{"1 proposal waits", "memory", "PUT /nodes/", `value="` + id + `"`, "Approve", "nobody knows which side has moved"} {
		if !strings.Contains(page, says) {
			t.Errorf("the page does not say %q:\n%s", says, page)
		}
	}
	for _, path := range []string{"/proposals", "/api/v1/proposals"} {
		if got := html.UnescapeString(ask(h, "GET", path, as("lena")).Body.String()); strings.Contains(got, "9a77d2") || !strings.Contains(got, "cipassword") {
			t.Errorf("%s holds the password of the proposal, or says nothing of it:\n%s", path, got)
		}
	}
	if strings.Contains(ask(h, "GET", "/proposals", as("eve")).Body.String(), "Approve") {
		t.Error("who may look is offered to decide")
	}
	approve := url.Values{"id": {id}, "decision": {"approve"}}
	for name, change := range map[string][]func(*http.Request){
		"nobody":       {func(r *http.Request) { r.Host, r.RemoteAddr = "recon.example.net", "192.0.2.7:1" }},
		"who may look": {as("eve")},
		"another site": {as("lena"), func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }},
	} {
		if w := fill(h, "/proposals", approve, change...); w.Code != http.StatusForbidden && w.Code != http.StatusUnauthorized {
			t.Errorf("%s decides: %d", name, w.Code)
		}
	}
	for _, form := range []url.Values{{}, {"id": {id}}, {"id": {id}, "decision": {"yes"}}, {"id": {id[:10]}, "decision": {"approve"}}, {"decision": {"approve"}}} {
		if w := fill(h, "/proposals", form, as("lena")); w.Code == http.StatusSeeOther {
			t.Errorf("%v is a decision", form)
		}
	}
	if s.state(id) != reconcile.ProposalOpen || carries(s) {
		t.Fatalf("it is %s", s.state(id))
	}
	if w := fill(h, "/proposals", approve, as("lena")); w.Code != http.StatusSeeOther || s.state(id) != reconcile.ProposalApproved || !carries(s) {
		t.Fatalf("it is not approved: %d, %s", w.Code, s.state(id))
	}
	if w := fill(h, "/proposals", approve, as("lena")); w.Code != http.StatusConflict || carries(s) {
		t.Errorf("it is approved twice: %d", w.Code)
	}
	if page := ask(h, "GET", "/proposals", as("lena")).Body.String(); !strings.Contains(page, "approved by lena") {
		t.Errorf("the page says nothing of it:\n%s", page)
	}
}

// TestSignedLink: whoever has the link decides about its proposal, once, within a day; to
// look decides nothing, and nothing else is told.
func TestSignedLink(t *testing.T) {
	s := newSite(t, api.Page{URL: "https://recon.example.net", Login: &manifests.Login{TokenFile: "t"}})
	clock := time.Now()
	s.now = func() time.Time { return clock }
	s.opts.Token = "a-token-that-is-long-enough"
	s.run()
	id := s.propose()[0].ID
	h := s.handler()
	signer, err := api.NewSigner(t.Context(), s.live.Home)
	if err != nil {
		t.Fatal(err)
	}
	outside := func(r *http.Request) { r.Host, r.RemoteAddr = "recon.example.net", "192.0.2.7:1" }
	link := signer.Link(id, "notify.family", clock)
	approve := url.Values{"decision": {"approve"}}
	for _, forged := range []string{
		strings.Replace(link, id, strings.Repeat("0", 64), 1), strings.Replace(link, "for=notify.family", "for=lena", 1), strings.Replace(link, "until=", "until=9", 1),
		link[:len(link)-1], flipped(link), strings.Replace(link, "sig=", "sig=&x=", 1), "/decide/" + id, "/decide/" + id + "?for=&until=&sig=",
	} {
		for _, w := range []*httptest.ResponseRecorder{ask(h, "GET", forged, outside), fill(h, forged, approve, outside)} {
			if w.Code != http.StatusForbidden && forged != link || strings.Contains(w.Body.String(), "media") {
				t.Errorf("%s answers %d: %s", forged, w.Code, w.Body)
			}
		}
	}
	w := ask(h, "GET", link, outside)
	if w.Code != 200 || !strings.Contains(w.Body.String(), "Approve") || strings.Contains(w.Body.String(), `href="/things`) || strings.Contains(w.Body.String(), "As of") {
		t.Errorf("it answers %d:\n%s", w.Code, w.Body)
	}
	if s.state(id) != reconcile.ProposalOpen {
		t.Fatal("who looks decides")
	}
	if w := fill(h, link, approve, outside, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }); w.Code != http.StatusForbidden {
		t.Errorf("another site decides: %d", w.Code)
	}
	clock = clock.Add(api.LinkLife)
	if w := fill(h, link, approve, outside); w.Code != http.StatusForbidden {
		t.Errorf("a day later it answers %d", w.Code)
	}
	clock = clock.Add(-time.Second)
	if w := fill(h, link, approve, outside); w.Code != 200 || s.state(id) != reconcile.ProposalApproved || !strings.Contains(w.Body.String(), "approved by notify.family") || !carries(s) {
		t.Errorf("it answers %d, and the proposal is %s:\n%s", w.Code, s.state(id), w.Body)
	}
	if w := fill(h, link, approve, outside); w.Code != http.StatusConflict || carries(s) {
		t.Errorf("it decides twice: %d", w.Code)
	}
}

// flipped is a link with another last digit.
func flipped(link string) string {
	last := link[len(link)-1]
	return link[:len(link)-1] + string("10"[map[bool]int{true: 1}[last == '1']])
}
