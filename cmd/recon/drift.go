package main

import (
	"fmt"
	"strings"

	"recon/cmd/recon/internal/api"
	"recon/cmd/recon/internal/term"
	"recon/reconcile"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"
)

type driftOptions struct {
	report string
	out    string
	failOn []string
	news   bool // only what is new
}

func newDrift(c *cli) *cobra.Command {
	var o driftOptions
	cmd := &cobra.Command{
		Use:   "drift",
		Short: "Report what differs, remember it, and update the documents",
		Long: `The report that runs on a schedule: a plan, and with it the ledger (drift episodes,
what was last seen) and the documents that the context block names. It sends nothing:
recon notify send does, and recon serve by itself.`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return runDrift(cmd, c, o) },
	}
	cmd.Flags().StringVar(&o.report, "report", "", "write a report too: md, html or json")
	cmd.Flags().StringVar(&o.out, "out", "", "`file` for the report; - for standard output, in place of the plan")
	cmd.Flags().BoolVar(&o.news, "only-new", false, "print only what is new; nothing, and 0, when there is none: for cron's mail")
	failOnFlag(cmd, &o.failOn)
	offer(cmd, "report", these([]string{"md", "html", "json"}))
	return exits(cmd, "recon drift --report md --out drift.md", api.ExitOK, api.ExitError, api.ExitDiffers, api.ExitIncomplete, api.ExitRefused)
}

func runDrift(cmd *cobra.Command, c *cli, o driftOptions) error {
	if err := checkFailOn(cmd, o.failOn); err != nil {
		return err
	}
	if (o.report == "") != (o.out == "") {
		return usage(cmd, fmt.Errorf("--report and --out go together"))
	}
	if o.report != "" && !strings.Contains(" md html json ", " "+o.report+" ") {
		return usage(cmd, fmt.Errorf("--report is md, html or json, not %q", o.report))
	}
	ctx, h, err := c.openToObserve(cmd)
	if err != nil {
		return err
	}
	cycle, err := api.Drift(ctx, h, "drift")
	c.endProgress()
	if err != nil {
		return err
	}
	if o.news && len(cycle.Events) == 0 && cycle.Docs.Err == nil {
		return c.driftReport(o, cycle)
	}
	if err := c.driftAnswer(o, cycle); err != nil {
		return err
	}
	c.cycleNotes(cycle)
	if err := c.driftReport(o, cycle); err != nil {
		return err
	}
	return exit(api.Worst(api.PlanCode(cycle.Plan, o.failOn), cycle.DocsCode()))
}

// driftAnswer prints the plan, what is new, or both.
func (c *cli) driftAnswer(o driftOptions, cycle *api.Cycle) error {
	switch {
	case o.out == "-":
	case c.json():
		return c.printJSON(cycle.Plan)
	case o.news:
		c.printer().Events(cycle.Events, false)
	default:
		c.printer().Plan(cycle.Plan, term.PlanOptions{})
		c.printer().News(cycle.Events)
	}
	return nil
}

// driftReport writes the report that was asked for.
func (c *cli) driftReport(o driftOptions, cycle *api.Cycle) error {
	if o.report == "" {
		return nil
	}
	return c.writeReport(o.report, o.out, cycle.Plan)
}

// writeReport writes a report in one of its formats to a file; - is standard output.
func (c *cli) writeReport(format, file string, plan *reconcile.Plan) error {
	body, err := term.Report(format, plan)
	if err != nil {
		return err
	}
	if file == "-" {
		_, err = c.stdout.Write(body)
	} else {
		err = renameio.WriteFile(file, []byte(c.secrets.Text(string(body))), 0o644)
	}
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

// cycleNotes says on stderr what a cycle found out beside the plan: what became of
// a killed run, and which documents were written or left alone.
func (c *cli) cycleNotes(cycle *api.Cycle) {
	p := c.errPrinter()
	for _, line := range cycle.Interrupted {
		p.Warning("%s", line)
	}
	edited, unmarked := api.LeftAlone(cycle.Docs.Docs)
	for _, e := range edited {
		p.Warning("%s was edited by hand and is left alone; recon context --theirs replaces it, --ours keeps it", e)
	}
	if cycle.Docs.Err != nil {
		p.Error(cycle.Docs.Err, "")
	}
	if c.quiet {
		return
	}
	for _, f := range cycle.Docs.Unsafe {
		p.Warning("%s", f.Summary)
	}
	for _, f := range unmarked {
		p.Hint(f + " has no recon markers and is left alone; recon context --insert adds them at its end")
	}
	for _, f := range cycle.Docs.Written {
		p.Hint("wrote " + f)
	}
}
