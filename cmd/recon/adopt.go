package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"recon/cmd/recon/internal/api"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"
)

type adoptOptions struct {
	all    bool
	dryRun bool
}

func newAdopt(c *cli) *cobra.Command {
	var o adoptOptions
	cmd := &cobra.Command{
		Use:   "adopt [ADDRESS[.path]...]",
		Short: "Live wins: write observed values into the manifests",
		Long: `Edits literals in your own files, in place; comments and layout stay. A value that
comes from a variable, a local, each or another expression is not edited: recon
says where it stands and what to write, and exits 4. Nothing is done by halves.`,
		RunE: func(cmd *cobra.Command, what []string) error { return runAdopt(cmd, c, o, what) },
	}
	cmd.Flags().BoolVar(&o.all, "all", false, "everything that differs and is there")
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "show what would change in the files, write nothing")
	cmd.ValidArgsFunction = c.addresses()
	return exits(cmd, "recon adopt vm.media.memory", api.ExitOK, api.ExitError, api.ExitIncomplete, api.ExitRefused)
}

func runAdopt(cmd *cobra.Command, c *cli, o adoptOptions, what []string) error {
	if o.all == (len(what) > 0) {
		return usage(cmd, errors.New("say what to adopt, or --all"))
	}
	if o.all {
		what = nil
	}
	ctx, h, err := c.openToObserve(cmd)
	if err != nil {
		return err
	}
	a, err := api.Adopt(ctx, h, what, o.dryRun)
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
		if o.dryRun {
			p.Text(string(diff.Diff(file, a.Old[file], file+" (adopted)", a.Files[file])))
			continue
		}
		c.hint("edited %s", file)
	}
	if len(a.Edits) > 0 && !o.dryRun {
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
