package web

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"recon/cmd/recon/internal/api"
	"recon/cmd/recon/internal/words"
	"recon/inventory"
)

var errNotFound = errors.New("there is no such page")

// A frame is what stands around every page.
type frame struct {
	Title, AsOf, Busy, Build, User string
	Version                        string // of what is shown; "" on pages that do not follow it
	Nav                            []link
	Banners                        []banner
}

type link struct {
	Name, Path string
	Count      int
	Here       bool
}

type banner struct{ Class, Word, Text string }

// A framed is a frame with what the page's own template shows.
type framed struct {
	frame
	Body any
}

// frame is what stands around an answer.
func (s *server) frame(r *http.Request, state api.LiveState, a answer) any {
	f := frame{Title: a.title, Build: s.Version, AsOf: "Nothing was looked at yet"}
	u := userOf(r)
	if u.out {
		f.User = u.name
	}
	if s.guard.page.Login != nil && u.name == "" { // whoever has not logged in sees nothing but this page
		f.AsOf = "Private"
		return framed{f, a.body}
	}
	f.Version = state.Version
	f.Nav = nav(r.URL.Path, state)
	if p := state.Picture; p != nil {
		f.AsOf = "As of " + p.At.Local().Format("2006-01-02 15:04:05")
		if p.Remembered {
			f.AsOf += ", remembered"
		}
		f.Banners = s.banners(state)
	}
	if state.WaitsFor != "" {
		f.Banners = append([]banner{{"warn", "This daemon waits.", words.Clean("Another one works: " + state.WaitsFor + ". It takes over when that one ends.")}}, f.Banners...)
	}
	if g := state.Going; g != nil {
		f.Busy = nameOf(*g) + " goes on since " + g.Started.Local().Format("15:04:05")
	}
	return framed{f, a.body}
}

// nav lists the pages, and how much there is to see on them.
func nav(here string, state api.LiveState) []link {
	differences := 0
	if state.Picture != nil {
		differences = len(state.Picture.Plan.Changes)
	}
	all := []link{
		{Name: "Overview", Path: "/"},
		{Name: "Differences", Path: "/changes", Count: differences},
		{Name: "Proposals", Path: "/proposals", Count: len(state.Waits.Proposals)},
		{Name: "Things", Path: "/things"},
		{Name: "Map", Path: "/map"},
		{Name: "Findings", Path: "/findings", Count: len(told(state)) + len(state.Facts)},
		{Name: "Documents", Path: "/documents"},
		{Name: "History", Path: "/history"},
		{Name: "Runs", Path: "/runs"},
	}
	for i := range all {
		all[i].Here = here == all[i].Path || all[i].Path != "/" && strings.HasPrefix(here, all[i].Path+"/")
	}
	return all
}

// banners say what must be known before anything else on the page is believed.
func (s *server) banners(state api.LiveState) (out []banner) {
	if state.Problem != "" {
		out = append(out, banner{"bad", "The manifests have a mistake; the last good ones are in force.", words.Clean(state.Problem)})
	}
	if f := state.Followed; !f.Condition.Good() {
		out = append(out, banner{"bad", "The repository is ahead of what is in force.", words.Clean(f.Describe() + "." + hinted(f.Hint))})
	}
	if f := state.Followed; f.Written != "" {
		out = append(out, banner{"warn", "Documents are not written back.", words.Clean(f.Written)})
	}
	if state.Picture.Remembered {
		out = append(out, banner{"warn", "Remembered.", "Nothing was looked at since recon serve began; this is what the ledger knows."})
	}
	for _, src := range state.Picture.Sources {
		for _, l := range src.Lost {
			what := l.Scope
			if l.Scope != src.Name {
				what += " of " + src.Name
			}
			since := "was never observed"
			if !src.Seen.IsZero() {
				since = "was not observed since " + l.Since.Local().Format("2006-01-02 15:04")
			}
			out = append(out, banner{"bad", "Stale.", fmt.Sprintf("%s %s: %s", words.Clean(what), since, words.Clean(l.Error))})
		}
	}
	return out
}

// hinted is a next step at the end of a sentence.
func hinted(hint string) string {
	if hint == "" {
		return ""
	}
	return " What to do: " + hint
}

// A moment is a time as people read it, and exactly.
type moment struct{ Exact, Text string }

// since says how long ago something was, or when it will be.
func (s *server) since(at time.Time) moment {
	if at.IsZero() {
		return moment{Text: "never"}
	}
	m := moment{Exact: inventory.Timestamp(at)}
	switch age := s.now().Sub(at); {
	case age < 0 && age > -time.Minute:
		m.Text = "in a moment"
	case age < 0 && age > -time.Hour:
		m.Text = fmt.Sprintf("in %d min", int(-age.Minutes()))
	case age >= 0 && age < time.Minute:
		m.Text = "just now"
	case age >= 0 && age < time.Hour:
		m.Text = fmt.Sprintf("%d min ago", int(age.Minutes()))
	default:
		m.Text = at.Local().Format("2006-01-02 15:04")
	}
	return m
}

// A mark says a state with a sign and a colour, beside words that say it too.
type mark struct{ Class, Mark string }

var (
	good    = mark{"good", "✓"}
	warning = mark{"warn", "≠"}
	bad     = mark{"bad", "✕"}
	unknown = mark{"bad", "?"}
	fresh   = mark{"new", "+"}
	hint    = mark{"soft", "i"}
)

// paging cuts a list to one page of it.
type paging struct{ Earlier, Later, Range string }

// How many rows a page of a list has: a difference brings its fields along.
const (
	perPage        = 150
	changesPerPage = 50
)

// paged returns which part of a list a request is about, and links to what is around it.
func paged(r *http.Request, n, size int) (from, to int, p paging) {
	from, _ = strconv.Atoi(r.URL.Query().Get("from"))
	if from < 0 || from >= n {
		from = 0
	}
	to = min(from+size, n)
	at := func(start int) string {
		q := r.URL.Query()
		q.Set("from", strconv.Itoa(start))
		return r.URL.Path + "?" + q.Encode()
	}
	if from > 0 {
		p.Earlier = at(max(0, from-size))
	}
	if to < n {
		p.Later = at(to)
	}
	if n > size {
		p.Range = fmt.Sprintf("%d to %d of %d", from+1, to, n)
	}
	return from, to, p
}

// fault is a page that says what is wrong.
func fault(code int, headline, text string) answer {
	return answer{"fault", headline, struct{ Headline, Text string }{headline, words.Clean(text)}, code}
}

func faultOf(err error) answer {
	if errors.Is(err, errNotFound) {
		return fault(http.StatusNotFound, "Not found", "Nothing of that name is known here.")
	}
	if errors.Is(err, errNothing) {
		return fault(http.StatusOK, "Not looked yet", "The first run of recon serve has not ended; this page shows itself anew when it has.")
	}
	return fault(http.StatusInternalServerError, "This page cannot be shown", err.Error())
}

var errNothing = errors.New("nothing was looked at yet")

// contains reports whether all words of a query stand in one of the texts.
func contains(query string, texts ...string) bool {
	all := strings.ToLower(strings.Join(texts, "\n"))
	for _, word := range strings.Fields(strings.ToLower(query)) {
		if !strings.Contains(all, word) {
			return false
		}
	}
	return true
}
