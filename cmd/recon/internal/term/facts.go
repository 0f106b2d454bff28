package term

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"strings"

	"recon/cmd/recon/internal/words"
	"recon/inventory/factcheck"
)

// Statements writes what recon facts found: by subject, the worst first.
func (p *Printer) Statements(findings []factcheck.Finding) {
	subject, fixable := "", 0
	for i := range findings {
		f := &findings[i]
		if f.Fixable() {
			fixable++
		}
		if f.Subject != subject || i == 0 {
			if i > 0 {
				fmt.Fprintln(p.W)
			}
			fmt.Fprintln(p.W, p.paint(bold, p.clean(f.Subject)))
			subject = f.Subject
		}
		p.finding(f)
	}
	if len(findings) == 0 {
		fmt.Fprintln(p.W, "No statement contradicts what is known.")
		return
	}
	noun := "findings"
	if len(findings) == 1 {
		noun = "finding"
	}
	fmt.Fprintf(p.W, "\n%d %s, %d of them fixable.\n", len(findings), noun, fixable)
}

// finding writes what is wrong, and every place of it.
func (p *Printer) finding(f *factcheck.Finding) {
	fmt.Fprintf(p.W, "  %s\n", words.Clean(headline(f)))
	width := 0
	for _, at := range append(f.Wrong[:len(f.Wrong):len(f.Wrong)], f.Others...) {
		width = max(width, len(at.Claim))
	}
	for _, at := range f.Wrong {
		p.place(f, &at, min(width, 40))
	}
	for _, at := range f.Others {
		if f.Truth != nil {
			fmt.Fprintf(p.W, "    as said in  %s\n", words.Clean(fmt.Sprintf("%s:%d:%d", at.File, at.Line, at.Column)))
			continue
		}
		p.place(f, &at, min(width, 40))
	}
}

func (p *Printer) place(f *factcheck.Finding, at *factcheck.Place, width int) {
	where := fmt.Sprintf("%s:%d:%d", at.File, at.Line, at.Column)
	if f.Class == factcheck.ClassDead || f.Class == factcheck.ClassGone {
		fmt.Fprintf(p.W, "    %s\n", words.Clean(where))
		return
	}
	fmt.Fprintf(p.W, "    %-*s  %s\n", width, words.Clean(at.Claim), words.Clean(where))
}

// headline says a finding in words, without its places.
func headline(f *factcheck.Finding) string {
	switch {
	case f.Class == factcheck.ClassDead && f.Suggest != "":
		return fmt.Sprintf("is not there; %s is probably meant", f.Suggest)
	case f.Class == factcheck.ClassDead:
		return "is not there"
	case f.Class == factcheck.ClassGone:
		return "is not there: " + strings.TrimPrefix(f.Source, "observed: ")
	case f.Truth != nil:
		at := ""
		if f.AsOf != "" {
			at = ", " + f.AsOf
		}
		return fmt.Sprintf("%s: it is %s (%s%s), not", factcheck.Word(f.Kind), *f.Truth, f.Source, at)
	case f.Class == factcheck.ClassTwice && f.Kind == factcheck.KindAddress:
		return "is the address of two machines:"
	case f.Class == factcheck.ClassTwice:
		return "has several names, of one machine or of two:"
	}
	return factcheck.Word(f.Kind) + ": the documents say"
}

// StatementsJSON is the JSON of recon facts.
func StatementsJSON(findings []factcheck.Finding) any {
	statements := []factcheck.Statement{}
	for i := range findings {
		statements = append(statements, findings[i].Statements()...)
	}
	return struct {
		FormatVersion string                `json:"format_version"`
		Findings      []factcheck.Statement `json:"findings"`
	}{"1.0", statements}
}

// FactsReport renders findings as a file to keep or send: md, html or json.
func FactsReport(format string, findings []factcheck.Finding) ([]byte, error) {
	switch format {
	case "json":
		return json.MarshalIndent(StatementsJSON(findings), "", "  ")
	case "html":
		return factsPage(findings)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Facts\n\n%d statements contradict what is known.\n", len(findings))
	if len(findings) > 0 {
		b.WriteString("\n| Subject | Kind | It says | It is | Source |\n| --- | --- | --- | --- | --- |\n")
	}
	for i := range findings {
		b.WriteString("|")
		for _, c := range factsRow(&findings[i]) {
			b.WriteString(" " + markdownCell(words.Clean(c)) + " |")
		}
		b.WriteString("\n")
	}
	return b.Bytes(), nil
}

func factsRow(f *factcheck.Finding) []string {
	truth := saidAt(f.Others)
	switch {
	case f.Truth != nil:
		truth = *f.Truth
	case f.Suggest != "":
		truth = f.Suggest
	}
	return []string{f.Subject, f.Kind, saidAt(f.Wrong), truth, f.Source}
}

// saidAt lists what is said and where.
func saidAt(places []factcheck.Place) string {
	var out []string
	for _, p := range places {
		out = append(out, fmt.Sprintf("%s (%s:%d:%d)", p.Claim, p.File, p.Line, p.Column))
	}
	return strings.Join(out, ", ")
}

func factsPage(findings []factcheck.Finding) ([]byte, error) {
	page, err := template.New("facts").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Facts</title>
<style>body{font:15px system-ui,sans-serif;margin:2rem}table{border-collapse:collapse}td,th{padding:.3rem .7rem;border-bottom:1px solid #ccc;text-align:left}</style>
</head><body><h1>Facts</h1><p>{{len .}} statements contradict what is known.</p>
<table><tr><th>Subject</th><th>Kind</th><th>It says</th><th>It is</th><th>Source</th></tr>
{{range .}}<tr>{{range .}}<td>{{.}}</td>{{end}}</tr>
{{end}}</table></body></html>
`)
	if err != nil {
		return nil, err
	}
	rows := make([][]string, len(findings))
	for i := range findings {
		for _, c := range factsRow(&findings[i]) {
			rows[i] = append(rows[i], words.Clean(c))
		}
	}
	var b bytes.Buffer
	err = page.Execute(&b, rows)
	return b.Bytes(), err
}
