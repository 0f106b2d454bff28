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
	api.FactsOptions
	fix, yes      bool
	fixIn         []string
	report, out   string
	writeBaseline string
}

func newFacts(c *cli) *cobra.Command {
	var o factsOptions
	cmd := &cobra.Command{
		Use:   "facts [PATH...]",
		Short: "Find hand-written statements that contradict what is observed",
		Long: `Reads the Markdown, YAML, HCL, Python and shell text of the project and its declared
roots, and holds what people wrote there against what is observed, or, offline and
without a project, against each other. <!-- recon:ignore REASON --> on a line, before
a paragraph or below a heading takes it out.

--fix replaces exactly the wrong token where nothing is doubtful, in Markdown and in
what --fix-in names. It shows the diff and asks; without a terminal it wants --yes.
--write-baseline makes what is found now known; with --baseline it is not told again.`,
		RunE: func(cmd *cobra.Command, a []string) error { o.Paths = a; return runFacts(cmd, c, o) },
	}
	f := cmd.Flags()
	f.BoolVar(&o.Offline, "offline", false, "look at no source; hold the documents against each other")
	f.BoolVar(&o.fix, "fix", false, "replace wrong tokens, after showing the diff")
	f.BoolVar(&o.yes, "yes", false, "with --fix: do not ask")
	f.StringArrayVar(&o.fixIn, "fix-in", nil, "with --fix: files other than Markdown, as a `glob` like those of .gitignore; may be repeated")
	f.StringVar(&o.Changed, "changed", "", "judge only lines that differ from this `revision`")
	f.StringVar(&o.Baseline, "baseline", "", "a `file` of findings that are known and not told again")
	f.StringVar(&o.writeBaseline, "write-baseline", "", "write what is found to this `file`")
	f.StringVar(&o.report, "report", "", "write a report too: md, html, json or sarif")
	f.StringVar(&o.out, "out", "", "`file` for the report")
	return exits(cmd, "recon facts docs --offline", api.ExitOK, api.ExitError, api.ExitDiffers, api.ExitIncomplete, api.ExitRefused)
}

func (o *factsOptions) check(cmd *cobra.Command) error {
	switch {
	case (o.report == "") != (o.out == ""):
		return usage(cmd, errors.New("--report and --out go together"))
	case o.report != "" && !slices.Contains([]string{"md", "html", "json", "sarif"}, o.report):
		return usage(cmd, fmt.Errorf("--report is md, html, json or sarif, not %q", o.report))
	case !o.fix && (o.yes || len(o.fixIn) > 0):
		return usage(cmd, errors.New("--yes and --fix-in go with --fix"))
	}
	return nil
}

func runFacts(cmd *cobra.Command, c *cli, o factsOptions) error {
	if err := o.check(cmd); err != nil {
		return err
	}
	ctx := cmd.Context()
	if c.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.timeout)
		defer cancel()
	}
	check, err := api.CheckFacts(ctx, c.options(cmd), o.FactsOptions)
	c.endProgress()
	if err != nil {
		return err
	}
	if o.writeBaseline != "" {
		if err := check.WriteBaseline(o.writeBaseline); err != nil {
			return err
		}
		c.printer().Printf("%d findings are known from now on: recon facts --baseline %s", len(check.Findings), o.writeBaseline)
		return nil
	}
	if o.fix {
		if err := c.fixFacts(ctx, check, o); err != nil {
			return err
		}
	}
	if err := c.showFacts(check); err != nil {
		return err
	}
	if o.report != "" {
		body, err := factsReport(o.report, check)
		if err != nil {
			return err
		}
		if err := os.WriteFile(o.out, body, 0o644); err != nil {
			return fmt.Errorf("write the report: %w", err)
		}
	}
	return exit(check.Code())
}

func (c *cli) showFacts(check *api.FactCheck) error {
	if c.json() {
		return c.printJSON(term.StatementsJSON(check.Findings))
	}
	c.printer().Statements(check.Findings)
	if check.Known > 0 {
		c.printer().Printf("%d more are in the baseline.", check.Known)
	}
	c.unobserved(check.Unknown)
	return nil
}

func factsReport(format string, check *api.FactCheck) ([]byte, error) {
	if format == "sarif" {
		return api.FactsSARIF(check, version)
	}
	return term.FactsReport(format, check.Findings)
}

// fixFacts shows what would be put right, asks, and does it.
func (c *cli) fixFacts(ctx context.Context, check *api.FactCheck, o factsOptions) error {
	files := check.Fixed(o.fixIn)
	if len(files) == 0 {
		return nil
	}
	for _, f := range files {
		c.errPrinter().Text(string(diff.Diff(f.Path, f.Old, f.Path+" (fixed)", f.New)))
	}
	switch {
	case o.yes:
	case !isTerminal(c.stdin) || c.stdout.Terminal() == nil:
		return api.Refuse("say --yes to write this", "nobody can be asked here; nothing was written")
	case !c.confirm("Write this?"):
		return api.Refuse("", "not confirmed; nothing was written")
	}
	return api.FixFacts(ctx, check, files)
}
