package main

import (
	"recon/cmd/recon/internal/app"

	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"
)

func newValidate(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "validate",
		Short: "Check the manifests and report every mistake at once",
		Long:  `Reads the manifests and reports every mistake, each with its place. No source is asked, and no secret is needed.`,
		Args:  args(cobra.NoArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return runValidate(cmd, c) },
	}
	return exits(cmd, "recon validate", app.ExitOK, app.ExitError)
}

type diagnosticOut struct {
	Severity string `json:"severity"`
	Summary  string `json:"summary"`
	Detail   string `json:"detail"`
	File     string `json:"file"`
	Line     int    `json:"line"`
	Column   int    `json:"column"`
}

func runValidate(cmd *cobra.Command, c *cli) error {
	opts := c.options(cmd)
	opts.Warn = nil
	s, err := app.Open(opts)
	if s == nil {
		return err
	}
	p, diags, err := s.Validate()
	if err != nil {
		return err
	}
	code := app.ExitOK
	if diags.HasErrors() {
		code = app.ExitError
	}
	if c.json() {
		out := struct {
			FormatVersion string          `json:"format_version"`
			Valid         bool            `json:"valid"`
			Resources     int             `json:"resources"`
			Diagnostics   []diagnosticOut `json:"diagnostics"`
		}{"1.0", code == app.ExitOK, len(p.Resources), diagnosticsJSON(diags)}
		if err := c.printJSON(out); err != nil {
			return err
		}
		return exit(code)
	}
	c.errPrinter().Diagnostics(diags, p.Files)
	if code == app.ExitOK {
		c.printer().Printf("The manifests are valid: %d resource(s) in %d file(s).", len(p.Resources), len(p.Files))
	}
	return exit(code)
}

func diagnosticsJSON(diags hcl.Diagnostics) []diagnosticOut {
	out := []diagnosticOut{}
	for _, d := range diags {
		o := diagnosticOut{Severity: "error", Summary: d.Summary, Detail: d.Detail}
		if d.Severity == hcl.DiagWarning {
			o.Severity = "warning"
		}
		if d.Subject != nil {
			o.File, o.Line, o.Column = d.Subject.Filename, d.Subject.Start.Line, d.Subject.Start.Column
		}
		out = append(out, o)
	}
	return out
}
