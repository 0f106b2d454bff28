package main

import (
	"fmt"
	"maps"
	"slices"

	"recon/cmd/recon/internal/api"

	"github.com/spf13/cobra"
)

func newAdopt(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "adopt ADDRESS[.path]...",
		Short: "Live wins: write observed values into the manifests",
		Long: `Edits literals in your own files, in place; comments and layout stay. A value that
comes from a variable, a local, each or another expression is not edited: recon
says where it stands and what to write, and exits 4. Nothing is done by halves.`,
		Args: args(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, what []string) error { return runAdopt(cmd, c, what) },
	}
	cmd.ValidArgsFunction = c.addresses()
	return exits(cmd, "recon adopt vm.media.memory", api.ExitOK, api.ExitError, api.ExitIncomplete, api.ExitRefused)
}

func runAdopt(cmd *cobra.Command, c *cli, what []string) error {
	ctx, h, err := c.openToObserve(cmd)
	if err != nil {
		return err
	}
	a, err := api.Adopt(ctx, h, what)
	c.endProgress()
	if err != nil {
		return err
	}
	if len(a.Refusals) > 0 {
		return c.adoptRefused(a)
	}
	if c.json() {
		return c.printJSON(a.JSON())
	}
	p := c.printer()
	if len(a.Edits) == 0 {
		p.Printf("Nothing to adopt: manifests and live agree.")
	}
	for _, e := range a.Edits {
		p.Printf("%s.%s", e.Addr, e.Path)
	}
	for _, file := range slices.Sorted(maps.Keys(a.Files)) {
		c.hint("edited %s", file)
	}
	if len(a.Edits) > 0 {
		c.hint("recon context brings the documents up to date")
	}
	return nil
}

// adoptRefused says, for each value that recon does not edit, where it stands and
// what to write.
func (c *cli) adoptRefused(a *api.Adopted) error {
	if c.json() {
		if err := c.printJSON(a.JSON()); err != nil {
			return err
		}
		return exit(api.ExitRefused)
	}
	for _, r := range a.Refusals {
		place := ""
		if r.Range.Filename != "" {
			place = fmt.Sprintf("%s:%d: ", r.Range.Filename, r.Range.Start.Line)
		}
		c.errPrinter().Printf("%s%s.%s is left as it is: %s\n  write: %s", place, r.Addr, string(r.Path), r.Why, r.Text)
	}
	return api.Refuse("make these changes by hand, then run recon plan", "nothing was adopted")
}
