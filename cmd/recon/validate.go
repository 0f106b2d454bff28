package main

import (
	"recon/cmd/recon/internal/api"

	"github.com/spf13/cobra"
)

func newValidate(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "validate",
		Short: "Check the manifests and report every mistake at once",
		Long:  `Reads the manifests and reports every mistake, each with its place. No source is asked, and no secret is needed.`,
		Args:  args(cobra.NoArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return runValidate(cmd, c) },
	}
	return exits(cmd, "recon validate", api.ExitOK, api.ExitError)
}

func runValidate(cmd *cobra.Command, c *cli) error {
	found, err := api.Validate(c.options(cmd))
	if err != nil {
		return err
	}
	if c.json() {
		if err := c.printJSON(found.JSON()); err != nil {
			return err
		}
		return exit(found.Code())
	}
	c.errPrinter().Diagnostics(found.Diags, found.Sources)
	if found.Code() == api.ExitOK {
		c.printer().Printf("The manifests are valid: %d resource(s) in %d file(s).", found.Resources, found.Files)
	}
	return exit(found.Code())
}
