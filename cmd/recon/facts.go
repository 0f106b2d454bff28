package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"

	"recon/cmd/recon/internal/api"
	"recon/cmd/recon/internal/term"
)

type factsOptions struct {
	offline, fix bool
	report, out  string
}

func newFacts(c *cli) *cobra.Command {
	var o factsOptions
	cmd := &cobra.Command{
		Use:   "facts [PATH...]",
		Short: "Find hand-written statements that contradict what is observed",
		Long: `Reads the Markdown, YAML, HCL, Python and shell text of the project and its declared
roots, and holds what people wrote there against what is observed, or, offline and
without a project, against each other. <!-- recon:ignore REASON --> on a line, before
a paragraph or below a heading takes it out. --fix replaces exactly the wrong token,
where nothing is doubtful.`,
		RunE: func(cmd *cobra.Command, a []string) error { return runFacts(cmd, c, o, a) },
	}
	f := cmd.Flags()
	f.BoolVar(&o.offline, "offline", false, "look at no source; hold the documents against each other")
	f.BoolVar(&o.fix, "fix", false, "replace wrong tokens, after showing the diff")
	f.StringVar(&o.report, "report", "", "write a report too: md, html or json")
	f.StringVar(&o.out, "out", "", "`file` for the report")
	return exits(cmd, "recon facts docs --offline", api.ExitOK, api.ExitError, api.ExitDiffers, api.ExitIncomplete, api.ExitRefused)
}

func runFacts(cmd *cobra.Command, c *cli, o factsOptions, paths []string) error {
	switch {
	case (o.report == "") != (o.out == ""):
		return usage(cmd, errors.New("--report and --out go together"))
	case o.report != "" && !slices.Contains([]string{"md", "html", "json"}, o.report):
		return usage(cmd, fmt.Errorf("--report is md, html or json, not %q", o.report))
	}
	ctx := cmd.Context()
	if c.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.timeout)
		defer cancel()
	}
	check, err := api.CheckFacts(ctx, c.options(cmd), paths, o.offline)
	c.endProgress()
	if err != nil {
		return err
	}
	if o.fix {
		if err := c.fixFacts(check); err != nil {
			return err
		}
	}
	if c.json() {
		if err := c.printJSON(term.StatementsJSON(check.Findings)); err != nil {
			return err
		}
	} else {
		c.printer().Statements(check.Findings)
		c.unobserved(check.Unknown)
	}
	if o.report != "" {
		body, err := term.FactsReport(o.report, check.Findings)
		if err != nil {
			return err
		}
		if err := os.WriteFile(o.out, body, 0o644); err != nil {
			return fmt.Errorf("write the report: %w", err)
		}
	}
	return exit(check.Code())
}

// fixFacts shows what would be put right, asks on a terminal, and does it.
func (c *cli) fixFacts(check *api.FactCheck) error {
	files := check.Fixed()
	if len(files) == 0 {
		return nil
	}
	for _, f := range files {
		fmt.Fprintf(c.stderr, "%s", diff.Diff(f.Path, f.Old, f.Path+" (fixed)", f.New))
	}
	if isTerminal(c.stdin) && isTerminal(c.stdout) && !c.confirm("Write this?") {
		return api.Refuse("", "not confirmed; nothing was written")
	}
	return api.FixFacts(check, files)
}
