package main

import (
	"github.com/spf13/cobra"

	"recon/cmd/recon/internal/app"
	"recon/inventory"
	"recon/inventory/contextfile"
)

func newChanges(c *cli) *cobra.Command {
	since := app.LastTold
	cmd := &cobra.Command{
		Use:   "changes",
		Short: "Tell what changed in the home since a time, for a session that begins",
		Long: `Reads from the ledger what recon drift, context and serve have seen: drift that
opened, changed and was resolved, what was applied, what came and went, and which
sources were lost. At most 40 lines. "last" tells what was not told before.`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return runChanges(cmd, c, since) },
	}
	cmd.Flags().StringVar(&since, "since", since, "`when`: last, a time (2026-11-24, 36h) or a Git revision")
	return exits(cmd, "recon changes --since last", app.ExitOK, app.ExitError)
}

type changesOut struct {
	FormatVersion string     `json:"format_version"`
	Since         string     `json:"since"`
	ObservedAt    string     `json:"observed_at"`
	Changes       []eventOut `json:"changes"`
}

func runChanges(cmd *cobra.Command, c *cli, since string) error {
	_, s, err := c.open(cmd)
	if err != nil {
		return err
	}
	changes, err := s.ChangesSince(since)
	if err != nil {
		return err
	}
	if c.json() {
		return c.printJSON(changesOut{"1.0", inventory.Timestamp(changes.Since), inventory.Timestamp(changes.Looked), eventsOut(changes.Events)})
	}
	var lost []string
	for _, u := range changes.Unknown {
		lost = append(lost, contextfile.StaleText(contextfile.Source{Provider: u.Provider, Scope: u.Scope, Since: u.Since}))
	}
	c.printer().Changes(changes.Since, changes.Looked, changes.Events, lost)
	return nil
}
