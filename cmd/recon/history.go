package main

import (
	"strings"

	"recon/cmd/recon/internal/api"

	"github.com/spf13/cobra"
)

func newHistory(c *cli) *cobra.Command {
	verify := false
	cmd := &cobra.Command{
		Use:   "history [ADDRESS]",
		Short: "Show what happened: drift, applies, guests that came and went",
		Long: `Shows what happened, the newest last, of everything or of one address.

With --verify it shows nothing and looks whether the history is as it was written: each
event is linked with the one before, so that an edit, a gap and a missing end show. When
it is not, the exit code is 2.`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, a []string) error {
			if verify {
				return runVerify(cmd, c)
			}
			return runHistory(cmd, c, a)
		},
	}
	cmd.Flags().BoolVar(&verify, "verify", false, "look whether the history is as it was written")
	cmd.ValidArgsFunction = c.addresses()
	return exits(cmd, "recon history vm.media", api.ExitOK, api.ExitError, api.ExitDiffers)
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
