package factcheck

import (
	"regexp"
	"slices"
	"strings"
)

// A wordSet holds words and the beginnings of words that make a text history, a
// plan, an example or a doubt. It is asked for every line, so it is no regular
// expression.
type wordSet struct {
	words map[string]bool
	stems []string
}

func newWordSet(words, stems string) wordSet {
	s := wordSet{words: map[string]bool{}, stems: strings.Fields(stems)}
	for _, w := range strings.Fields(words) {
		s.words[w] = true
	}
	return s
}

// in reports whether one of the words stands in a text.
func (s *wordSet) in(text string) bool {
	for i := 0; i < len(text); {
		if !isLetter(text[i]) {
			i++
			continue
		}
		start := i
		for i < len(text) && (isLetter(text[i]) || text[i] == '\'') {
			i++
		}
		if i-start > 24 || i-start < 2 {
			continue
		}
		word := strings.ToLower(text[start:i])
		if s.words[word] || slices.ContainsFunc(s.stems, func(stem string) bool { return strings.HasPrefix(word, stem) }) {
			return true
		}
	}
	return false
}

func isLetter(b byte) bool { return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= 0x80 }

// A tense tells text about today from all other.
type tense struct{ prose, row, head wordSet }

func newTense() *tense {
	return &tense{
		prose: newWordSet(`was were been previous previously formerly former ex old legacy before until originally initially planned plan plans planning will would could going future todo fixme
			example examples eg instance such suppose imagine if unless deprecated obsolete archived instead rather not never isn't aren't wasn't don't except wrong mistake typo change changed changes
			moved ran used fixed ehemals früher alt alte alter war wurde umgezogen geplant beispiel zb`,
			`migrat renam replac retir decommission remov delet propos incorrect upgrad`),
		row: newWordSet(`planned deprecated obsolete archived legacy moved old former previously was free reserved unused todo tbd future proposed frei geplant reserviert`,
			`decommission retired remov delet migrat`),
		head: newWordSet(`changelog changes change archive archived log logs timeline old legacy deprecated past happened release releases lessons before planned plan plans planning roadmap future
			proposal proposed idea ideas todo backlog wish wishlist example examples retired removed obsolete resolved completed done troubleshooting session früher alt geschichte verlauf geplant beispiel beispiele`,
			`histor incident post-mortem postmortem migrat decommission previous`),
	}
}

var (
	stamped = regexp.MustCompile(`^\W*(?:19|20)\d\d-\d\d|^\W*v?\d+\.\d+\.\d+`)
	logLine = regexp.MustCompile(`^\s*(?:[-*+>]\s*)?(?:\[[ xX]\]\s*)?[\[(*_` + "`" + `]*(?:(?:19|20)\d\d[-/.]\d\d[-/.]\d\d|\d\d\.\d\d\.(?:19|20)\d\d)`)
)

// line reports a text that is no statement about today.
func (t *tense) line(text string) bool { return t.prose.in(text) || logLine.MatchString(text) }

// below reports headings of history.
func (t *tense) below(heads []string) bool {
	return slices.ContainsFunc(heads, func(h string) bool { return t.head.in(h) || stamped.MatchString(h) })
}

// record reports a row that says of itself that it is no longer, or not yet, true.
func (t *tense) record(r *record) bool {
	return t.row.in(r.subject.text) || t.row.in(r.whole) || slices.ContainsFunc(r.fields, func(f field) bool { return t.row.in(f.text) })
}
