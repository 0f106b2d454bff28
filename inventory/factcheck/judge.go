package factcheck

import (
	"regexp"
	"strings"

	"recon/inventory/factcheck/source"
)

// Judge holds one statement that somebody makes against what is observed: what of it is
// wrong, and what is right. What is in neither was not understood, or nothing known
// decides it. Who asks says one thing and of what, so that it is read again in plainer
// words where a document would have to be left alone.
func Judge(text string, truth *Truth) (wrong []Finding, right []Statement) {
	if wrong, right = judgeLine(text, truth); len(wrong)+len(right) > 0 {
		return wrong, right
	}
	for _, line := range plainly(text) {
		w, r := judgeLine(line, truth)
		wrong, right = append(wrong, w...), append(right, r...)
	}
	return wrong, right
}

var (
	asking    = regexp.MustCompile(`(?i)^\s*is it (?:true|right|correct|still so) that\s+`)
	kindFirst = regexp.MustCompile("(?i)^(?:the\\s+)?(?:vm|lxc|ct|virtual machine|container|guest|machine|server)(?:\\s+container)?\\s+([a-z`][a-z0-9._`-]*)\\s+(has|runs|is|sits|lives|uses)\\s+")
	alsoWith  = regexp.MustCompile(`(?i)\s+with\s+`)
)

// plainly is a statement without who asks and without the kind before a name, and what
// stands behind "with" as a statement of its own.
func plainly(text string) (out []string) {
	text = asking.ReplaceAllString(strings.TrimSpace(strings.TrimRight(text, " ?.")), "")
	text = kindFirst.ReplaceAllString(text, "$1 $2 ")
	parts := alsoWith.Split(text, -1)
	subject, _, _ := strings.Cut(parts[0], " ")
	for i, p := range parts {
		if i > 0 {
			p = subject + " has " + p
		}
		out = append(out, p)
	}
	return out
}

func judgeLine(text string, truth *Truth) (wrong []Finding, right []Statement) {
	pages := readAll([]source.Document{{Path: "statement.md", Text: []byte(text), ReadOnly: true}})
	r := newRoster(truth, pages)
	said := statementsOf(r, pages[0])
	c := &court{truth: truth, roster: r}
	for i := range said {
		c.hear(&said[i])
	}
	for _, key := range c.order {
		found, _ := c.observed(c.groups[key])
		wrong = append(wrong, found...)
		for _, s := range c.groups[key] {
			if v := truth.judge(s); v.truth != "" && !v.wrong {
				known := v.truth
				right = append(right, Statement{Kind: s.kind(), Subject: s.subject(v), Claim: s.place().Claim, Truth: &known, Source: v.source, AsOf: stampOf(v.at), Confidence: 1})
			}
		}
	}
	return append(wrong, c.gone()...), right
}
