package factcheck

import (
	"cmp"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Finding is a statement that contradicts what is observed, or another.
type Finding struct {
	File      string     `json:"file"`
	Line      int        `json:"line"`
	Column    int        `json:"column"` // in characters, from 1
	Kind      string     `json:"kind"`
	Subject   string     `json:"subject"`
	Claim     string     `json:"claim"`
	Truth     *string    `json:"truth"` // nil when nothing decides
	Source    string     `json:"source"`
	AsOf      string     `json:"as_of"`
	Conflicts []Conflict `json:"conflicts_with"`

	Confidence float64 `json:"confidence"`
	Fixable    bool    `json:"fixable"`

	Offset int `json:"-"` // of the claim, in bytes
}

// A Conflict is another place that says otherwise.
type Conflict struct {
	File  string `json:"file"`
	Line  int    `json:"line"`
	Claim string `json:"claim"`
}

// Options say what a check may rely on.
type Options struct {
	// Exists reports whether a path, relative to the folder that all paths of
	// documents start from, is there; nil leaves references alone.
	Exists func(path string) bool
}

// Check finds what contradicts the truth or another document. The findings are
// sorted by place.
func Check(docs []Document, truth *Truth, opts Options) []Finding {
	if truth == nil {
		truth = &Truth{}
	}
	roles := roleWords()
	x := &extractor{names: newNames(truth), truth: truth, tense: newTense()}
	files := readAll(docs, roles, x.tense)
	x.discoverAll(files)
	claims, dead := make([][]claim, len(files)), make([][]Finding, len(files))
	each(len(files), func(i int) {
		one := &extractor{names: x.names, truth: x.truth, tense: x.tense}
		one.extract(files[i])
		claims[i] = one.claims
		if opts.Exists != nil {
			dead[i] = references(files[i], x.tense, opts.Exists)
		}
	})
	x.claims = slices.Concat(claims...)
	out := append(slices.Concat(dead...), x.contradictions()...)
	slices.SortFunc(out, func(a, b Finding) int {
		return cmp.Or(strings.Compare(a.File, b.File), a.Offset-b.Offset, strings.Compare(a.Kind, b.Kind))
	})
	return slices.CompactFunc(out, func(a, b Finding) bool {
		return a.File == b.File && a.Offset == b.Offset && (a.Kind == b.Kind || a.Claim == b.Claim)
	})
}

// readAll gathers units and records: each document is read by itself.
func readAll(docs []Document, roles map[string]string, t *tense) []*file {
	files := make([]*file, len(docs))
	each(len(docs), func(i int) {
		files[i] = prepare(&docs[i])
		switch strings.ToLower(path.Ext(docs[i].Path)) {
		case ".md", ".markdown":
			readMarkdown(files[i], roles, t)
		default:
			readConfig(files[i], files[i].text, 0, roles, section{})
		}
	})
	return files
}

// each calls a function for the numbers below n, several at a time.
func each(n int, do func(i int)) {
	next := make(chan int)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := range next {
				do(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
}

// discoverAll makes the names known that only documents use, so that prose which
// stands before a table is read with them too.
func (x *extractor) discoverAll(files []*file) {
	if len(x.truth.hosts) > 0 {
		return
	}
	for _, f := range files {
		for i := range f.records {
			if r := &f.records[i]; !f.past && r.discoverable() && !r.past && !x.tense.record(r) {
				x.names.discover(nameText(r.subject.text))
			}
		}
	}
}

// contradictions judges every claim: by the truth where something is observed,
// else by what other documents say.
func (x *extractor) contradictions() []Finding {
	groups := map[string][]*claim{}
	var order []string
	var out []Finding
	judged := map[*claim]verdict{}
	for i := range x.claims {
		c := &x.claims[i]
		judged[c] = x.truth.judge(c)
		key := c.groupKey()
		if groups[key] == nil {
			order = append(order, key)
		}
		groups[key] = append(groups[key], c)
	}
	for _, key := range order {
		group := groups[key]
		observed := false
		for _, c := range group {
			v := judged[c]
			observed = observed || v.truth != ""
			if v.wrong {
				out = append(out, c.finding(v, group))
			}
		}
		if !observed {
			out = append(out, against(group)...)
		}
	}
	return out
}

// finding says what is wrong with a claim.
func (c *claim) finding(v verdict, group []*claim) Finding {
	f := c.at()
	f.Truth, f.Source, f.AsOf = &v.truth, v.source, stampOf(v.at)
	f.Confidence = c.conf * v.conf
	if v.stale {
		f.Confidence = min(f.Confidence, 0.6)
	}
	f.Fixable = v.only && f.Confidence >= 1 && !c.file.ReadOnly && !c.inText(v.truth)
	f.Conflicts = conflicts(c, group)
	return f
}

func (c *claim) at() Finding {
	line, column := c.file.position(c.off)
	return Finding{File: c.file.Path, Line: line, Column: column, Kind: c.kind, Subject: c.subjectName(), Claim: c.raw, Conflicts: []Conflict{}, Offset: c.off}
}

// inText reports whether the truth stands where the claim stands: nothing is to be
// replaced there.
func (c *claim) inText(truth string) bool {
	return c.raw == truth || c.kind == KindNode && c.raw != c.value && normal(c.raw) != normal(c.value)
}

func stampOf(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// conflicts lists the first places that give another value.
func conflicts(c *claim, group []*claim) []Conflict {
	out := []Conflict{}
	for _, o := range group {
		if o.value == c.value || len(out) == 3 {
			continue
		}
		line, _ := o.file.position(o.off)
		out = append(out, Conflict{o.file.Path, line, o.raw})
	}
	return out
}

// against holds documents against each other. The best-dated one is right; where
// dates decide nothing, most places are, and no truth is named.
func against(group []*claim) []Finding {
	best, dated := bestOf(group)
	right := map[string]bool{}
	for _, c := range group {
		if c.file == best.file {
			right[c.value] = true
		}
	}
	var out []Finding
	for _, c := range group {
		if right[c.value] || c.kind == KindCount || c.kind == KindVersion && samePrefix(best.value, c.value) || c.kind == KindVersion && samePrefix(c.value, best.value) {
			continue
		}
		f := c.at()
		f.Source, f.Confidence = "other documents", 0.8*c.conf
		if dated && c.file.date.Before(best.file.date) {
			truth := best.raw
			f.Truth, f.Source, f.AsOf = &truth, "documented in "+best.file.Path, stampOf(best.file.date)
		}
		f.Conflicts = conflicts(c, group)
		out = append(out, f)
	}
	return out
}

// bestOf picks the claim that counts: of the newest document, else of the value
// that most places give, else the first.
func bestOf(group []*claim) (best *claim, dated bool) {
	count := map[string]int{}
	for _, c := range group {
		count[c.value]++
	}
	best = group[0]
	for _, c := range group[1:] {
		switch d := c.file.date.Compare(best.file.date); {
		case d > 0, d == 0 && count[c.value] > count[best.value]:
			best = c
		}
	}
	return best, !best.file.date.IsZero()
}
