package main

import (
	"github.com/spf13/cobra"

	"recon/cmd/recon/internal/api"
)

func newChanges(c *cli) *cobra.Command {
	since := api.LastTold
	cmd := &cobra.Command{
		Use:   "changes",
		Short: "Tell a session that begins what has changed in the home",
		Long: `Reads from the ledger what recon drift, context and serve have seen: everything
that is not what it was, declared or not, drift that opened, changed and was
resolved, what was applied, what came and went, and which sources were lost. At
most 40 lines. "last" tells what was not told before.`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return runChanges(cmd, c, since) },
	}
	cmd.Flags().StringVar(&since, "since", since, "`when`: last, a time (2026-11-24, 36h, 3d) or a Git revision")
	return exits(cmd, "recon changes --since last", api.ExitOK, api.ExitError)
}

func runChanges(cmd *cobra.Command, c *cli, since string) error {
	ctx, h, err := c.open(cmd)
	if err != nil {
		return err
	}
	changes, err := api.ChangesSince(ctx, h, since)
	if err != nil {
		return err
	}
	if c.json() {
		return c.printJSON(changes.JSON())
	}
	c.printer().Changes(changes.Since, changes.Looked, changes.Events, changes.Lost())
	return nil
}
