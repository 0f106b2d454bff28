package term

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"

	"recon/inventory/factcheck"
)

// Statements writes what recon facts found, a line each.
func (p *Printer) Statements(findings []factcheck.Finding) {
	fixable := 0
	for i := range findings {
		f := &findings[i]
		if f.Fixable {
			fixable++
		}
		fmt.Fprintf(p.W, "%s  %s\n", p.paint(bold, Clean(fmt.Sprintf("%s:%d:%d", f.File, f.Line, f.Column))), Clean(statement(f)))
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

// statement says a finding in words.
func statement(f *factcheck.Finding) string {
	if f.Kind == factcheck.KindReference {
		return fmt.Sprintf("%s is not there", f.Claim)
	}
	text := fmt.Sprintf("%s of %s: it says %s", kindWord(f.Kind), f.Subject, f.Claim)
	switch {
	case f.Truth != nil:
		text += fmt.Sprintf(", but it is %s (%s", *f.Truth, f.Source)
		if f.AsOf != "" {
			text += ", " + f.AsOf
		}
		text += ")"
	case len(f.Conflicts) > 0:
		text += fmt.Sprintf(", but %s:%d says %s", f.Conflicts[0].File, f.Conflicts[0].Line, f.Conflicts[0].Claim)
	}
	if f.Confidence < 1 {
		text += fmt.Sprintf(" [%.0f %%]", f.Confidence*100)
	}
	return text
}

func kindWord(kind string) string {
	if w := map[string]string{
		factcheck.KindGuest: "kind", factcheck.KindVMID: "vmid", factcheck.KindContainerHost: "host", factcheck.KindURL: "address in a URL", factcheck.KindDNS: "name server", factcheck.KindCount: "number",
	}[kind]; w != "" {
		return w
	}
	return kind
}

// StatementsJSON is the JSON of recon facts.
func StatementsJSON(findings []factcheck.Finding) any {
	if findings == nil {
		findings = []factcheck.Finding{}
	}
	return struct {
		FormatVersion string              `json:"format_version"`
		Findings      []factcheck.Finding `json:"findings"`
	}{"1.0", findings}
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
		b.WriteString("\n| Where | Subject | Kind | It says | It is | Source | Fixable |\n| --- | --- | --- | --- | --- | --- | --- |\n")
	}
	for i := range findings {
		b.WriteString("|")
		for _, c := range factsRow(&findings[i]) {
			b.WriteString(" " + markdownCell(Clean(c)) + " |")
		}
		b.WriteString("\n")
	}
	return b.Bytes(), nil
}

func factsRow(f *factcheck.Finding) []string {
	truth, fixable := "", "no"
	switch {
	case f.Truth != nil:
		truth = *f.Truth
	case len(f.Conflicts) > 0:
		truth = fmt.Sprintf("%s:%d says %s", f.Conflicts[0].File, f.Conflicts[0].Line, f.Conflicts[0].Claim)
	}
	if f.Fixable {
		fixable = "yes"
	}
	return []string{fmt.Sprintf("%s:%d:%d", f.File, f.Line, f.Column), f.Subject, f.Kind, f.Claim, truth, f.Source, fixable}
}

func factsPage(findings []factcheck.Finding) ([]byte, error) {
	page, err := template.New("facts").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Facts</title>
<style>body{font:15px system-ui,sans-serif;margin:2rem}table{border-collapse:collapse}td,th{padding:.3rem .7rem;border-bottom:1px solid #ccc;text-align:left}</style>
</head><body><h1>Facts</h1><p>{{len .}} statements contradict what is known.</p>
<table><tr><th>Where</th><th>Subject</th><th>Kind</th><th>It says</th><th>It is</th><th>Source</th><th>Fixable</th></tr>
{{range .}}<tr>{{range .}}<td>{{.}}</td>{{end}}</tr>
{{end}}</table></body></html>
`)
	if err != nil {
		return nil, err
	}
	rows := make([][]string, len(findings))
	for i := range findings {
		for _, c := range factsRow(&findings[i]) {
			rows[i] = append(rows[i], Clean(c))
		}
	}
	var b bytes.Buffer
	err = page.Execute(&b, rows)
	return b.Bytes(), err
}
