package main

import (
	"recon/cmd/recon/internal/api"
	"recon/inventory"

	"github.com/spf13/cobra"
)

func newHistory(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "history [ADDRESS]",
		Short: "Show what happened: drift, applies, guests that came and went",
		Args:  args(cobra.MaximumNArgs(1)),
		RunE:  func(cmd *cobra.Command, a []string) error { return runHistory(cmd, c, a) },
	}
	return exits(cmd, "recon history vm.media", api.ExitOK, api.ExitError)
}

func runHistory(cmd *cobra.Command, c *cli, a []string) error {
	_, h, err := c.open(cmd)
	if err != nil {
		return err
	}
	var addr inventory.Address
	if len(a) == 1 {
		if addr, _, err = inventory.ParseAddress(a[0]); err != nil {
			return usage(cmd, err)
		}
	}
	history, err := api.ReadHistory(h, addr)
	if err != nil {
		return err
	}
	if c.json() {
		return c.printJSON(history.JSON())
	}
	events := history.Events
	switch {
	case len(events) == 0 && !addr.IsZero():
		c.printer().Printf("Nothing has been recorded of %s.", addr)
	case len(events) == 0:
		c.printer().Printf("Nothing has been recorded yet.")
		c.hint("recon drift records what it sees")
	}
	c.printer().Events(events, true)
	return nil
}
