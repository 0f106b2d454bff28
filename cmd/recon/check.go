package main

import (
	"github.com/spf13/cobra"

	"recon/cmd/recon/internal/api"
)

func newCheck(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check [SOURCE|check.NAME]",
		Short: "Reach each source, ask each check, and say what is missing",
		Long: `Reaches the clusters, hosts and Terraform sources of the project, and asks the checks
that it declares; or does that with the one that is named. Says of each source what
works, what does not, what that costs, and the commands that mend it, and of each check
at which layer it fails. Nothing is changed, and nothing is written.`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, a []string) error { return runCheck(cmd, c, a) },
	}
	cmd.ValidArgsFunction = c.completesSources()
	return exits(cmd, "recon check proxmox.home", api.ExitOK, api.ExitError, api.ExitDiffers, api.ExitIncomplete)
}

func runCheck(cmd *cobra.Command, c *cli, a []string) error {
	ctx, h, err := c.open(cmd)
	if err != nil {
		return err
	}
	name := ""
	if len(a) == 1 {
		name = a[0]
	}
	found, err := api.CheckSources(ctx, h, name)
	if err != nil {
		return err
	}
	if c.json() {
		if err := c.printJSON(found); err != nil {
			return err
		}
	} else {
		for _, s := range append(found.Sources, found.Asked()...) {
			c.printer().Abilities(s.Source, s.Abilities)
		}
	}
	return exit(found.Code())
}
