package term

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"

	"recon/cmd/recon/internal/report"
	"recon/cmd/recon/internal/words"
	"recon/inventory"
	"recon/inventory/doctor"
)

// DoctorReport renders what the doctor found as a file to keep or send: md, html, json
// or sarif.
func DoctorReport(format, version string, answer any, findings []inventory.Finding, entries []report.Entry) ([]byte, error) {
	switch format {
	case "json":
		body, err := json.MarshalIndent(answer, "", "  ")
		return append(body, '\n'), err
	case "html":
		return doctorPage(findings)
	case "sarif":
		rules := map[string]string{}
		for _, r := range doctor.Rules() {
			rules[r.Name] = r.Why
		}
		return report.SARIF(report.Tool{Name: "recon doctor", Version: version, Rules: rules}, entries)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Doctor\n\n%d findings.\n", len(findings))
	if len(findings) > 0 {
		b.WriteString("\n| Where | Rule | What | Why | Fix |\n| --- | --- | --- | --- | --- |\n")
	}
	for _, f := range findings {
		b.WriteString("|")
		for _, c := range []string{f.Address, f.Rule, f.Summary, f.Detail, f.Fix} {
			b.WriteString(" " + markdownCell(words.Clean(c)) + " |")
		}
		b.WriteString("\n")
	}
	return b.Bytes(), nil
}

func doctorPage(findings []inventory.Finding) ([]byte, error) {
	page, err := template.New("doctor").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Doctor</title>
<style>body{font:15px system-ui,sans-serif;margin:2rem}table{border-collapse:collapse}td,th{padding:.3rem .7rem;border-bottom:1px solid #ccc;text-align:left;vertical-align:top}</style>
</head><body><h1>Doctor</h1><p>{{len .}} findings.</p>
<table><tr><th>Where</th><th>Rule</th><th>What</th><th>By what it is known</th><th>Fix</th></tr>
{{range .}}<tr><td>{{.Address}}</td><td>{{.Rule}}</td><td>{{.Summary}}</td><td>{{range .Evidence}}{{.}}<br>{{end}}</td><td>{{.Fix}}</td></tr>
{{end}}</table></body></html>
`)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = page.Execute(&b, findings)
	return b.Bytes(), err
}
