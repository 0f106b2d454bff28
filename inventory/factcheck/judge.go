package factcheck

import "recon/inventory/factcheck/source"

// Judge holds one statement that somebody makes against what is observed: what of it is
// wrong, and what is right. What is in neither was not understood, or nothing known
// decides it.
func Judge(text string, truth *Truth) (wrong []Finding, right []Statement) {
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
