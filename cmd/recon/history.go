package main

import (
	"strings"

	"recon/cmd/recon/internal/api"

	"github.com/spf13/cobra"
)

func newHistory(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "history [ADDRESS]",
		Short: "Show what happened: drift, applies, guests that came and went",
		Args:  args(cobra.MaximumNArgs(1)),
		RunE:  func(cmd *cobra.Command, a []string) error { return runHistory(cmd, c, a) },
	}
	cmd.ValidArgsFunction = c.addresses()
	return exits(cmd, "recon history vm.media", api.ExitOK, api.ExitError)
}

func runHistory(cmd *cobra.Command, c *cli, a []string) error {
	ctx, h, err := c.open(cmd)
	if err != nil {
		return err
	}
	name := strings.Join(a, "")
	history, err := api.ReadHistory(ctx, h, name)
	if err != nil {
		return err
	}
	if c.json() {
		return c.printJSON(history.JSON())
	}
	events := history.Events
	switch {
	case len(events) == 0 && name != "":
		c.printer().Printf("Nothing has been recorded of %s.", name)
	case len(events) == 0:
		c.printer().Printf("Nothing has been recorded yet.")
		c.hint("recon drift records what it sees")
	}
	c.printer().Events(events, true)
	return nil
}
