package source

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// A wordSet holds words and the beginnings of words. It is asked for every line, so
// it is no regular expression.
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

// A tense tells text about today from history, plans, examples and doubts.
type tense struct{ prose, row, head wordSet }

func newTense() tense {
	return tense{
		prose: newWordSet(`was were been previous previously formerly former ex old legacy before until originally initially planned plan plans planning will would could going future todo fixme
			example examples eg instance such suppose imagine if unless deprecated obsolete archived instead rather not never isn't aren't wasn't don't except wrong mistake typo change changed changes
			moved ran used fixed should expected conflict conflicts ehemals früher alt alte alter war wurde umgezogen geplant beispiel zb optional optionally
			falls wenn sofern bald künftig wird werden soll sollte sollen könnte würde später eventually soon someday goal aim aims ideally upcoming expand sera prévu será futuro planejado`,
			`migrat renam replac retir decommission remov delet destroy propos incorrect upgrad`),
		row: newWordSet(`planned deprecated obsolete archived legacy moved old former previously was free reserved unused todo tbd future proposed offline open pending wip frei geplant reserviert available optional disabled`,
			`decommission retired remov delet destroy migrat replac`),
		head: newWordSet(`changelog changes change archive archived log logs timeline old legacy deprecated past happened release releases lessons before after planned plan plans planning roadmap future
			proposal proposed idea ideas todo backlog wish wishlist example examples sample samples retired removed obsolete resolved completed done move moving moved troubleshooting session früher alt geschichte verlauf geplant beispiel
			beispiele requirements requirement prerequisites minimum recommended recommendation template templates need needs needed require required prepare option options alternative alternatives test tests testing recovery goal goals objective objectives vision ziel ziele zukunft futur futuro next expansion`,
			`histor incident post-mortem postmortem migrat decommission previous destroy`),
	}
}

var (
	pastStatus = regexp.MustCompile(`(?im)^[ \t*_>-]*status[*_ \t]*[:=][*_ \t]*["']?\W{0,8}(archived?|deprecated|superseded|obsolete|outdated|draft|proposed|planned|rejected|historical|completed?|done|open|pending|wip|in progress|not started|todo|backlog|ready for (?:execution|review|implementation)|planning|retired|destroyed|decommissioned|closed|resolved|fixed)`)
	pastPath   = regexp.MustCompile(`(?i)(^|[/_. -])(change-?log|changes|history|archived?|archives|news|releases?|release-?notes|session-?logs?|sessions?|incidents?|post-?mortems?|journal|diary|change[ _-]records?|evidence|change[ _-]plans?|reports?|troubleshooting|legacy|deprecated|backlog|roadmap|attic|retired|examples?|samples?|templates?|fixtures|testdata|tests?|plans?|planning|lessons?|tutorials?|phases?\d*|completed?|completion|[a-z]+[-_]summary|artifacts|analysis|refactoring|improvements?|stories|epics?|stages?|milestones?|sprints?|tickets?|issues?|tasks|todo|proposals?|migrations?|migrate|specs|adr|decisions|rfcs?|audits?|reviews?|vendor|node_modules)([/_. -]|$)|(?:19|20)\d\d-?\d\d-?\d\d|(?:^|/)(?:old|designs?)/|(?:^|/)_[a-z]`)
	codeSpan   = regexp.MustCompile("`[^`]*`")
	stamped    = regexp.MustCompile(`^\W*(?:19|20)\d\d-\d\d|^\W*v?\d+\.\d+\.\d+`)
	task       = regexp.MustCompile(`^\[[ xX]\]\s`) // done once, or to be done
	logLine    = regexp.MustCompile(`^\s*(?:[-*+>]\s*)?(?:\[[ xX]\]\s*)?[\[(*_` + "`" + `]*(?:(?:19|20)\d\d[-/.]\d\d[-/.]\d\d|\d\d\.\d\d\.(?:19|20)\d\d)`)
)

// pastFile reports a file whose name or status says that it is no statement about
// today.
func pastFile(name, head string) bool {
	base := strings.TrimSuffix(name, path.Ext(name))
	return pastPath.MatchString(base) && !strings.HasPrefix(path.Base(name), ".env") || pastStatus.MatchString(head[:min(len(head), 1024)])
}

// line reports a text that is no statement about today.
func (t *tense) line(text string) bool {
	if strings.Contains(text, "`") {
		text = codeSpan.ReplaceAllString(text, "") // names of files and commands have no tense
	}
	return t.prose.in(text) || task.MatchString(text) || strings.ContainsAny(text[:min(len(text), 12)], "0123456789") && logLine.MatchString(text)
}

// below reports headings of history.
func (t *tense) below(heads []string) bool {
	return slices.ContainsFunc(heads, func(h string) bool { return t.head.in(h) || stamped.MatchString(h) })
}
