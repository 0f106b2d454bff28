package term

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"strings"

	"recon/cmd/recon/internal/words"
	"recon/inventory"
	"recon/reconcile"
)

// Report renders a plan as a file to keep or send: md, html or json.
func Report(format string, plan *reconcile.Plan) ([]byte, error) {
	switch format {
	case "json":
		return json.MarshalIndent(plan, "", "  ")
	case "html":
		return htmlReport(plan)
	}
	return markdownReport(plan), nil
}

// reportRow is one differing field.
type reportRow struct {
	Address, Identity, Field, Desired, Live, Verdict, Source, By string
}

func reportRows(plan *reconcile.Plan) []reportRow {
	var rows []reportRow
	for i := range plan.Changes {
		c := &plan.Changes[i]
		base := reportRow{Address: c.Addr.String(), Identity: c.Want.Identity, Verdict: strings.ReplaceAll(string(c.Verdict), "_", " "), By: words.Clean(c.Have.Volatile.Changed.User)}
		if len(c.Fields) == 0 {
			rows = append(rows, base)
		}
		for _, f := range c.Fields {
			if c.Action == inventory.ActionCreate && f.Path != "name" {
				continue
			}
			r := base
			r.Field, r.Desired, r.Live = string(f.Path), words.Shorten(words.Clean(f.Attr.Show(f.Desired))), words.Shorten(words.Clean(f.Attr.Show(f.Live)))
			r.Verdict = strings.ReplaceAll(string(f.Verdict), "_", " ")
			if f.Source.Filename != "" {
				r.Source = fmt.Sprintf("%s:%d", f.Source.Filename, f.Source.Start.Line)
			}
			rows = append(rows, r)
		}
	}
	return rows
}

func markdownReport(plan *reconcile.Plan) []byte {
	var b bytes.Buffer
	s := plan.Summary()
	fmt.Fprintf(&b, "# Drift report\n\nObserved %s: %d managed, %d in sync, %d unknown, %d unmanaged.\n", inventory.Timestamp(plan.ObservedAt), s.Managed, s.InSync, s.Unknown, s.Unmanaged)
	if rows := reportRows(plan); len(rows) > 0 {
		b.WriteString("\n| Resource | Field | Manifest | Live | Verdict | Where | By |\n| --- | --- | --- | --- | --- | --- | --- |\n")
		for _, r := range rows {
			b.WriteString("|")
			for _, cell := range []string{r.Address, r.Field, r.Desired, r.Live, r.Verdict, r.Source, r.By} {
				b.WriteString(" " + markdownCell(cell) + " |")
			}
			b.WriteString("\n")
		}
	}
	for _, c := range checkLines(plan) {
		fmt.Fprintf(&b, "\nCheck %s %s: %s.\n", markdownCell(c.Check), c.Standing, markdownCell(c.Sentence))
	}
	for _, u := range plan.Unknown {
		fmt.Fprintf(&b, "\nNot observed: %s of %s, since %s.\n", markdownCell(u.Scope), markdownCell(u.Provider), inventory.Timestamp(u.Since))
	}
	return b.Bytes()
}

// A checkLine is a check of a report.
type checkLine struct{ Check, Standing, Sentence string }

// checkLines are the checks that fail, or of which nobody knows.
func checkLines(plan *reconcile.Plan) (out []checkLine) {
	for i := range plan.Checks {
		if o := &plan.Checks[i]; !o.Works() {
			out = append(out, checkLine{o.Check.String(), string(o.Standing), words.Clean(o.Sentence())})
		}
	}
	return out
}

// markdownCell shows a value as code, which nothing in it can leave.
func markdownCell(s string) string {
	if s == "" {
		return ""
	}
	s = strings.Join(strings.Fields(strings.NewReplacer("`", "'", "|", `\|`).Replace(s)), " ")
	return "`" + s + "`"
}

var reportPage = template.Must(template.New("report").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Drift report</title>
<style>body{font:15px system-ui,sans-serif;margin:2rem}table{border-collapse:collapse}td,th{padding:.3rem .7rem;border-bottom:1px solid #ccc;text-align:left}code{font-family:ui-monospace,monospace}@media print{body{margin:0;font-size:10pt}tr{break-inside:avoid}}</style>
</head><body><h1>Drift report</h1>
<p>Observed {{.At}}: {{.S.Managed}} managed, {{.S.InSync}} in sync, {{.S.Unknown}} unknown, {{.S.Unmanaged}} unmanaged.</p>
{{if .Rows}}<table><tr><th>Resource</th><th>Field</th><th>Manifest</th><th>Live</th><th>Verdict</th><th>Where</th><th>By</th></tr>
{{range .Rows}}<tr><td>{{.Address}}</td><td>{{.Field}}</td><td><code>{{.Desired}}</code></td><td><code>{{.Live}}</code></td><td>{{.Verdict}}</td><td>{{.Source}}</td><td>{{.By}}</td></tr>
{{end}}</table>{{else}}<p>Nothing differs.</p>{{end}}
{{range .Checks}}<p>Check {{.Check}} {{.Standing}}: {{.Sentence}}.</p>
{{end}}{{range .Unknown}}<p>Not observed: {{.Scope}} of {{.Provider}}.</p>{{end}}
</body></html>
`))

func htmlReport(plan *reconcile.Plan) ([]byte, error) {
	var b bytes.Buffer
	err := reportPage.Execute(&b, map[string]any{"At": inventory.Timestamp(plan.ObservedAt), "S": plan.Summary(), "Rows": reportRows(plan), "Unknown": plan.Unknown, "Checks": checkLines(plan)})
	return b.Bytes(), err
}
