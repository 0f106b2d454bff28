package main

import (
	"recon/cmd/recon/internal/api"

	"github.com/spf13/cobra"
)

func newFmt(c *cli) *cobra.Command {
	var check bool
	cmd := &cobra.Command{
		Use:   "fmt",
		Short: "Lay the manifests out in canonical form",
		Long:  `Aligns and indents the manifests and prints the names of the files that changed. Only white space changes.`,
		Args:  args(cobra.NoArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return runFmt(cmd, c, check) },
	}
	cmd.Flags().BoolVar(&check, "check", false, "write nothing; exit 2 when a file is not laid out")
	return exits(cmd, "recon fmt --check", api.ExitOK, api.ExitError, api.ExitDiffers)
}

func runFmt(cmd *cobra.Command, c *cli, check bool) error {
	files, err := api.Format(c.options(cmd), !check)
	if err != nil {
		return err
	}
	for _, f := range files {
		c.printer().Printf("%s", f)
	}
	if check && len(files) > 0 {
		return exit(api.ExitDiffers)
	}
	return nil
}
