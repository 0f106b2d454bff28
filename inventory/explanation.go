package inventory

import "strings"

// An Explanation says in words what a call or a command line is. The words are the same
// each time. What nobody has words for is said to be unknown, and not repeated: it could
// be a secret.
type Explanation struct {
	Does  string   `json:"does"`
	Parts []Piece  `json:"parts"`
	Risks []string `json:"risks"`
	Undo  string   `json:"undo"`
}

// A Piece is a parameter, a flag or a word of what is explained.
type Piece struct {
	Text  string `json:"text"`
	Means string `json:"means"`
	Known bool   `json:"known"`
}

// Part adds a part that there are words for.
func (e *Explanation) Part(text, means string) {
	e.Parts = append(e.Parts, Piece{Text: text, Means: means, Known: true})
}

// Seen is a value as it may be repeated.
func Seen(value string) string {
	if HoldsCredential(value) {
		return NotShown
	}
	return value
}

// Unknown adds a part that there are no words for, without its value.
func (e *Explanation) Unknown(name string) {
	e.Parts = append(e.Parts, Piece{Text: name, Means: "not known to recon"})
}

// Complete reports whether there are words for every part.
func (e *Explanation) Complete() bool {
	for _, p := range e.Parts {
		if !p.Known {
			return false
		}
	}
	return true
}

// A Line is a command line that recon prints for people. A word of Form in capitals
// stands for any one, [-o] for one that may be missing, and ... for any number at the end.
type Line struct {
	Form  string
	Does  string
	Words map[string]string // what a word in capitals, or a flag, means
	Risks []string
	Undo  string
}

// ExplainLine explains words by the first line of their form, or returns nil.
func ExplainLine(lines []Line, words []string) *Explanation {
	for i := range lines {
		if e := lines[i].explain(words); e != nil {
			return e
		}
	}
	return nil
}

func (l *Line) explain(words []string) *Explanation {
	e := &Explanation{Does: l.Does, Parts: []Piece{}, Risks: append([]string{}, l.Risks...), Undo: l.Undo}
	rest := l.flags(e, words)
	for _, want := range strings.Fields(l.Form) {
		switch {
		case want == "...":
			for _, w := range rest {
				e.Unknown(flagName(w))
			}
			return e
		case len(rest) == 0:
			return nil
		case l.Words[want] != "":
			e.Part(Seen(rest[0]), l.Words[want])
		case rest[0] != want:
			return nil
		}
		rest = rest[1:]
	}
	if len(rest) > 0 {
		return nil
	}
	return e
}

// flags explains the flags that the line has words for, and returns what is left. All of
// them take a value, which stands behind them or in the same word, but for those whose
// words begin with a dash of their own: those take none.
func (l *Line) flags(e *Explanation, words []string) (rest []string) {
	for i := 0; i < len(words); i++ {
		name, value, inside := strings.Cut(words[i], "=")
		means := l.Words[name]
		switch {
		case !strings.HasPrefix(name, "-"):
			rest = append(rest, words[i])
		case means == "":
			e.Unknown(name)
			if !inside && i+1 < len(words) && strings.HasPrefix(name, "--") && !strings.HasPrefix(words[i+1], "-") {
				i++ // its value, as far as anybody knows
			}
		case strings.HasPrefix(means, "- "):
			e.Part(name, strings.TrimPrefix(means, "- "))
		case !inside && i+1 < len(words):
			i++
			e.Part(name+" "+Seen(words[i]), means)
		default:
			e.Part(strings.TrimSpace(name+" "+Seen(value)), means)
		}
	}
	return rest
}

func flagName(word string) string { name, _, _ := strings.Cut(word, "="); return name }
