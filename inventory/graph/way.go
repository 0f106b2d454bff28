package graph

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"recon/inventory"
	"recon/inventory/doctor"
	"recon/inventory/wiring"
)

// A Verdict is what was observed of a step on the way from a name to what answers.
type Verdict string

// The verdicts.
const (
	Works    Verdict = "works"
	Broken   Verdict = "broken"
	NotKnown Verdict = "not_known"
)

// A Fault is what is wrong with a step.
type Fault string

// The faults.
const (
	NoMachine  Fault = "no-machine"             // a record leads to an address that no machine has
	Elsewhere  Fault = "name-elsewhere"         // a name leads to another machine than the proxy that waits for it
	Nobody     Fault = "nobody-listens"         // nothing listens on the port
	NotRunning Fault = "not-running"            // what should answer is stopped
	Apart      Fault = "no-common-network"      // two containers have no network in common
	Loop       Fault = "loop"                   // a request comes back to where it was
	NotServed  Fault = "certificate-not-served" // it was renewed, and the old one is served
	Expired    Fault = "certificate-expired"
)

// A Hop is a step on the way from a name to what answers.
type Hop struct {
	Node    string  `json:"node"` // where it leads
	Does    string  `json:"does"` // what leads there
	Verdict Verdict `json:"verdict"`
	Fault   Fault   `json:"fault,omitempty"`
	Saw     string  `json:"saw"`   // by what the verdict is known, or why it is not
	Spare   bool    `json:"spare"` // the way does without it: another one of its kind works
	Fix     string  `json:"fix,omitempty"`
}

// A Journey is the way of a request from a name to what answers it, judged hop by hop.
type Journey struct {
	To      string  `json:"to"`
	Verdict Verdict `json:"verdict"`
	Hops    []Hop   `json:"hops"`
}

// A request is what somebody asks for.
type request struct {
	name, path string
	port       int // 0 when it is not said
}

// Tries are what hosts could try, so that more is known, by host.
type Tries map[string][]doctor.Try

// Journey follows a request for a URL or a name. What it could not judge without asking
// is among the tries.
func (g *Graph) Journey(text string) (*Journey, Tries, error) {
	j := &judge{builder: g.known, wants: Tries{}}
	req, err := j.request(text)
	if err != nil {
		return nil, nil, err
	}
	w := &way{judge: j, seen: map[string]bool{}}
	w.begin(req)
	return &Journey{To: text, Verdict: verdictOf(w.hops), Hops: w.hops}, j.wants, nil
}

// verdictOf is that of the whole way: one broken step breaks it.
func verdictOf(hops []Hop) Verdict {
	out := Works
	for _, h := range hops {
		switch {
		case h.Spare:
		case h.Verdict == Broken:
			return Broken
		case h.Verdict == NotKnown:
			out = NotKnown
		}
	}
	return out
}

// request reads what is asked for: a URL, or a name that a record or a route is of.
func (j *judge) request(text string) (request, error) {
	for _, kind := range []Kind{URL, Route, DNSName} {
		text = strings.TrimPrefix(text, string(kind)+".")
	}
	scheme, rest, isURL := strings.Cut(text, "://")
	if !isURL {
		scheme, rest = "", text
	}
	at, path, _ := strings.Cut(rest, "/")
	e := wiring.URL(at)
	if isURL {
		e = wiring.URL(scheme + "://" + at)
	}
	if e.Host == "" {
		return request{}, inventory.NotFound("%q is no name and no URL that a request could be for", text)
	}
	req := request{name: e.Host, path: "/" + path, port: e.DefaultPort()}
	if len(j.records[req.name])+len(j.lookup(req.name))+len(j.sitesFor(req, nil)) > 0 || wiring.IsIP(req.name) {
		return req, nil
	}
	known := slices.Collect(maps.Keys(j.records))
	for _, s := range j.sites {
		known = append(known, s.Hosts...)
	}
	slices.Sort(known)
	return request{}, inventory.NotFound("no record and no route that was read is for %s.%s", req.name, inventory.DidYouMean(req.name, known))
}

// A way is a journey that is being made.
type way struct {
	*judge
	hops []Hop
	seen map[string]bool // routes that the request came by
}

func (w *way) add(h Hop) { w.hops = append(w.hops, h) }

// begin goes from the name to the machines that its records lead to, and on from each.
func (w *way) begin(req request) {
	if wiring.IsIP(req.name) {
		s := w.address(req.name, nil)
		w.add(s.hop("the address " + req.name))
		w.arrive(req, s)
		return
	}
	leads := w.machinesOf(req.name)
	for _, l := range leads {
		w.add(l.hop(l.does))
		if l.verdict == Works {
			w.arrive(req, l)
		}
	}
	if len(leads) == 0 || leads[0].ip == "" { // where the name leads is not known, and what its routes do is
		for _, s := range w.sitesFor(req, nil) {
			w.through(req, s)
		}
	}
}

// arrive goes on from the machine that a name leads to: into its proxy, or to what answers
// there itself.
func (w *way) arrive(req request, at sight) {
	sites := w.sitesFor(req, at.yard)
	if at.yard == nil {
		sites = nil
	}
	switch {
	case len(sites) == 0 && w.strays(req, at):
		return
	case req.port == 0 && len(sites) > 0:
		w.through(req, sites[0])
		return
	case req.port == 0:
		w.home(at.node)
		return
	}
	s := w.port(at, req.port, nil)
	w.add(s.hop(fmt.Sprintf("port %d of %s", req.port, bare(at.node))))
	if s.verdict == Broken {
		return
	}
	if here := slices.IndexFunc(sites, func(x *site) bool { return x.at(s) }); here > 0 {
		sites = sites[here:]
	}
	if len(sites) > 0 {
		w.through(req, sites[0])
	} else {
		w.home(s.node)
	}
}

// strays tells of a name that leads to another machine than the proxies which have a
// route for it, and reports whether there are such.
func (w *way) strays(req request, at sight) bool {
	others := w.sitesFor(req, nil)
	if len(others) == 0 {
		return false
	}
	s := w.elsewhere(req, at, others)
	w.add(s.hop("a route for " + req.name))
	return true
}

// through goes through a route of a proxy to what it passes requests to.
func (w *way) through(req request, s *site) {
	key := s.id + " " + req.name
	if w.seen[key] {
		w.add(Hop{Node: s.id, Does: "the request comes back to " + s.Place, Verdict: Broken, Fault: Loop, Saw: "it was there before, and goes round until somebody gives up", Fix: "let " + s.Place + " lead to what answers, and not back to itself"})
		return
	}
	w.seen[key] = true
	w.add(w.proxyOf(s).hop(fmt.Sprintf("%s of %s takes it", s.Place, s.Proxy)))
	for _, to := range s.Auth {
		for _, a := range w.endpoint(s, to) {
			w.add(a.hop(fmt.Sprintf("asks %s who it is", to)))
		}
	}
	w.certificate(req, s)
	if s.Unread != "" {
		w.add(Hop{Node: s.id, Does: "where it leads", Verdict: NotKnown, Saw: s.Unread})
	}
	from := len(w.hops)
	for _, to := range s.To {
		for _, a := range w.endpoint(s, to) {
			w.add(a.hop(fmt.Sprintf("passes it to %s", to)))
			if a.verdict == Works {
				w.beyond(req, s, to, a)
			}
		}
	}
	w.spare(from)
}

// beyond goes on from where a route leads: into another proxy, or to the machine on which
// it runs.
func (w *way) beyond(req request, s *site, to wiring.Endpoint, at sight) {
	if s.Named && len(w.seen) < 8 {
		for _, next := range w.sitesFor(req, at.yard) {
			if next.at(at) && len(next.Ports) > 0 {
				w.through(req, next)
				return
			}
		}
	}
	w.home(at.node)
}

// home adds the guest and the node that something runs on.
func (w *way) home(id string) {
	for range 6 {
		n := w.nodes[id]
		if n == nil {
			return
		}
		if n.Kind == Guest {
			s := sight{node: id, verdict: Works, saw: "it is " + n.State}
			switch n.State {
			case "running":
			case Unknown, "":
				s.verdict, s.saw = NotKnown, "it was not observed"
			default:
				s.verdict, s.fault = Broken, NotRunning
			}
			w.add(s.hop("on " + cmp.Or(n.Attrs["node"], "its node")))
			return
		}
		if id = w.runsOn[id]; id == "" {
			return
		}
	}
}

// spare marks what is no loss, since another of the targets of a route works, and what
// does not decide, since of another it is not known.
func (w *way) spare(from int) {
	targets := w.hops[from:]
	is := func(v Verdict) func(Hop) bool {
		return func(h Hop) bool { return h.Verdict == v && strings.HasPrefix(h.Does, "passes it to ") }
	}
	works, unknown := slices.ContainsFunc(targets, is(Works)), slices.ContainsFunc(targets, is(NotKnown))
	for i := range targets {
		if is(Broken)(targets[i]) {
			targets[i].Spare = works || unknown
		} else if is(NotKnown)(targets[i]) {
			targets[i].Spare = works
		}
	}
}

// bare is the name of a node without what it is.
func bare(id string) string {
	_, name, found := strings.Cut(id, ".")
	if !found {
		return id
	}
	return name
}

// A site is a route where it is in use.
type site struct {
	*wiring.Route
	id   string // of its node
	yard *yard
	by   *doctor.Container // that its proxy runs in; nil on the host itself
}

// at reports a proxy that listens where something was seen to answer.
func (s *site) at(seen sight) bool {
	if s.yard != seen.yard || s.by != seen.container {
		return false
	}
	return len(s.Ports) == 0 || slices.Contains(s.Ports, seen.inner)
}

// sitesFor are the routes that take a request, of one yard or of all, the one that is
// meant first: a name before a pattern, a longer path before a shorter one.
func (b *builder) sitesFor(req request, y *yard) (out []*site) {
	weight := map[*site]int{}
	for _, s := range b.sites {
		if n := s.takes(req); n > 0 && (y == nil || s.yard == y) {
			weight[s] = n
			out = append(out, s)
		}
	}
	slices.SortStableFunc(out, func(a, b *site) int { return weight[b] - weight[a] })
	ranked(out)
	return out
}

// ranked puts the routes of each Traefik among others in the order in which it tries them:
// by their rank, and not by what they say of names and paths. One that is for some requests
// only comes behind, since nobody asks for one of those.
func ranked(sites []*site) {
	for i, s := range sites {
		for j := i + 1; j < len(sites); j++ {
			if o := sites[j]; s.Proxy == "traefik" && o.Proxy == "traefik" && o.yard == s.yard && o.by == s.by && o.before(s) {
				sites[i], sites[j], s = o, s, o
			}
		}
	}
}

func (s *site) before(o *site) bool {
	if s.Narrow != o.Narrow {
		return o.Narrow
	}
	return s.Rank > o.Rank
}

// takes weighs how a route fits a request: 0 is not at all.
func (s *site) takes(req request) int {
	named := 0
	for _, h := range s.Hosts {
		if h == req.name {
			named = 2000
		} else if rest, ok := strings.CutPrefix(h, "*"); ok && strings.HasSuffix(req.name, rest) {
			named = max(named, 1000)
		}
	}
	if named == 0 {
		return 0 // one without names takes what comes, and is nobody's route
	}
	longest := 0
	for _, p := range s.Paths {
		switch {
		case req.path == p:
			longest = max(longest, len(p)+1)
		case !s.Exact && strings.HasPrefix(req.path, p):
			longest = max(longest, len(p))
		}
	}
	if len(s.Paths) > 0 && longest == 0 {
		return 0
	}
	return named + longest
}
