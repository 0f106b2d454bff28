package main

import (
	"github.com/spf13/cobra"

	"recon/cmd/recon/internal/api"
)

func newCheck(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check [SOURCE]",
		Short: "Reach each source, and say what works and what is missing",
		Long: `Reaches the clusters, hosts and Terraform sources of the project, or the one that is
named, and says of each what works, what does not, what that costs, and the commands
that mend it. Nothing is changed, and nothing is written.`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, a []string) error { return runCheck(cmd, c, a) },
	}
	return exits(cmd, "recon check proxmox.home", api.ExitOK, api.ExitError, api.ExitIncomplete)
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
		for _, s := range found.Sources {
			c.printer().Abilities(s.Source, s.Abilities)
		}
	}
	return exit(found.Code())
}
