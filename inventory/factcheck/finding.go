package factcheck

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Class says how bad a finding is: the smaller, the worse.
type Class int

// The classes.
const (
	ClassObserved Class = iota // contradicts what was observed
	ClassGone                  // a machine that is not there (any more)
	ClassTwice                 // one number or address of two machines
	ClassBetween               // documents contradict each other
	ClassDead                  // a file that is not there
)

// A Finding is one contradiction: a subject, a role, and every place that says a
// value.
type Finding struct {
	Class   Class
	Kind    string
	Subject string
	Truth   *string // nil when nothing decides
	Source  string  // by what the truth is known
	AsOf    string
	Wrong   []Place // what is wrong; all places when nothing decides
	Others  []Place // what says otherwise
	Suggest string  // of a dead reference: what is probably meant
}

// A Place is where a value stands.
type Place struct {
	File         string
	Line, Column int // in characters, from 1
	Claim        string
	Fix          string // what may replace the claim; empty when nothing is certain
	Token        string // what the fix replaces, where that is not the claim
	Offset       int    // of the claim, in bytes
}

// A Statement is a finding as the JSON of recon facts has it: one for each place
// that is wrong, or one for the contradiction where nobody knows.
type Statement struct {
	File       string     `json:"file"`
	Line       int        `json:"line"`
	Column     int        `json:"column"`
	Kind       string     `json:"kind"`
	Subject    string     `json:"subject"`
	Claim      string     `json:"claim"`
	Truth      *string    `json:"truth"`
	Source     string     `json:"source"`
	AsOf       string     `json:"as_of"`
	Conflicts  []Conflict `json:"conflicts_with"`
	Suggest    string     `json:"suggests,omitempty"`
	Confidence float64    `json:"confidence"` // always 1: a finding is told or it is not
	Fixable    bool       `json:"fixable"`
}

// A Conflict is another place that says otherwise.
type Conflict struct {
	File  string `json:"file"`
	Line  int    `json:"line"`
	Claim string `json:"claim"`
}

// Statements is the finding as JSON has it.
func (f *Finding) Statements() []Statement {
	var out []Statement
	for i := range f.Wrong {
		w := &f.Wrong[i]
		s := Statement{
			File: w.File, Line: w.Line, Column: w.Column, Kind: f.Kind, Subject: f.Subject, Claim: w.Claim, Truth: f.Truth, Source: f.Source, AsOf: f.AsOf,
			Suggest: f.Suggest, Confidence: 1, Fixable: w.Fix != "", Conflicts: []Conflict{},
		}
		for j := range f.Wrong {
			if j != i && (f.Truth == nil || f.Wrong[j].Claim != w.Claim) {
				s.Conflicts = append(s.Conflicts, conflict(&f.Wrong[j]))
			}
		}
		for j := range f.Others {
			s.Conflicts = append(s.Conflicts, conflict(&f.Others[j]))
		}
		out = append(out, s)
		if f.Truth == nil {
			break
		}
	}
	return out
}

func conflict(p *Place) Conflict { return Conflict{p.File, p.Line, p.Claim} }

// Fixable reports whether something of a finding can be put right.
func (f *Finding) Fixable() bool {
	return slices.ContainsFunc(f.Wrong, func(p Place) bool { return p.Fix != "" })
}

// sorted puts the worst first, and what is about one subject together.
func sorted(out []Finding) []Finding {
	worst := map[string]Class{}
	for i := range out {
		s := out[i].Subject
		if c, ok := worst[s]; !ok || out[i].Class < c {
			worst[s] = out[i].Class
		}
	}
	slices.SortStableFunc(out, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(worst[a.Subject], worst[b.Subject]), strings.Compare(a.Subject, b.Subject), cmp.Compare(a.Class, b.Class),
			strings.Compare(a.Kind, b.Kind), a.first().compare(b.first()))
	})
	return out
}

func (f *Finding) first() *Place { return &f.Wrong[0] }

func (p *Place) compare(o *Place) int {
	return cmp.Or(strings.Compare(p.File, o.File), cmp.Compare(p.Offset, o.Offset))
}

func sortPlaces(list []Place) {
	slices.SortFunc(list, func(a, b Place) int { return a.compare(&b) })
}

// Sentence says one of the finding's statements in words.
func (f *Finding) Sentence(s *Statement) string {
	switch {
	case f.Class == ClassDead && f.Suggest != "":
		return fmt.Sprintf("%s is not there; %s is probably meant", f.Subject, f.Suggest)
	case f.Class == ClassDead:
		return f.Subject + " is not there"
	case f.Class == ClassGone:
		return fmt.Sprintf("%s is not there (%s)", s.Claim, strings.TrimPrefix(f.Source, "observed: "))
	case f.Truth != nil:
		at := ""
		if f.AsOf != "" {
			at = ", " + f.AsOf
		}
		return fmt.Sprintf("%s of %s: it says %s, but it is %s (%s%s)", Word(f.Kind), f.Subject, s.Claim, *f.Truth, f.Source, at)
	case f.Class == ClassTwice:
		return fmt.Sprintf("%s has several names: %s", f.Subject, strings.Join(f.claims(), ", "))
	}
	return fmt.Sprintf("%s of %s: %s", Word(f.Kind), f.Subject, strings.Join(f.claims(), " or "))
}

// claims lists what is said, each once.
func (f *Finding) claims() (out []string) {
	for _, p := range slices.Concat(f.Wrong, f.Others) {
		if !slices.Contains(out, p.Claim) {
			out = append(out, p.Claim)
		}
	}
	return out
}

// Word says a kind of finding in words.
func Word(kind string) string {
	switch kind {
	case KindGuest:
		return "kind"
	case KindContainerHost:
		return "host"
	case KindURL:
		return "address in a URL"
	case KindDNS:
		return "name server"
	case KindCount:
		return "number"
	}
	return kind
}

// Key is what makes a finding the same one at the next check, wherever its lines
// went.
func (f *Finding) Key() string {
	parts := []string{f.Kind, f.Subject}
	for _, p := range f.Wrong {
		parts = append(parts, p.File, p.Claim)
	}
	return strings.Join(parts, "\x00")
}
