package api

import (
	"context"

	"recon/cmd/recon/internal/docs"
	"recon/cmd/recon/internal/report"
	"recon/cmd/recon/internal/runs"
	"recon/inventory/factcheck"
)

// CheckFacts holds what people wrote against what is observed; offline, or without a
// project, the documents against each other.
func CheckFacts(ctx context.Context, opts Options, want FactsOptions) (*FactCheck, error) {
	return docs.CheckFacts(ctx, opts, want)
}

// FixFacts writes documents with findings put right, under the project's lock where
// there is a project.
func FixFacts(ctx context.Context, c *FactCheck, files []docs.FixedFile) error {
	if c.Home().Project() == nil {
		return c.WriteFixed(files)
	}
	return runs.Locked(ctx, c.Home(), "facts", func() error { return c.WriteFixed(files) })
}

// FactsSARIF is what was found as a SARIF log.
func FactsSARIF(c *FactCheck, version string) ([]byte, error) {
	var entries []report.Entry
	for i := range c.Findings {
		entries = append(entries, docs.FactEntries(&c.Findings[i])...)
	}
	rules := map[string]string{}
	for _, e := range entries {
		rules[e.Rule] = "Statements about the " + factcheck.Word(e.Rule) + " of things that contradict what is known."
	}
	rules[factcheck.KindReference] = "Links and paths to files that are not there."
	return report.SARIF(report.Tool{Name: "recon facts", Version: version, Rules: rules}, entries)
}
