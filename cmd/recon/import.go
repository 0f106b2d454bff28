package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"recon/cmd/recon/internal/api"
	"recon/inventory"

	"github.com/spf13/cobra"
)

type importOptions struct {
	all    bool
	dryRun bool
	state  bool // from Terraform
	exact  bool
}

func newImport(c *cli) *cobra.Command {
	var o importOptions
	cmd := &cobra.Command{
		Use:   "import [WHAT...]",
		Short: "Write manifests from live state",
		Long: `Writes a block for each guest that is asked for and not declared yet. WHAT is a
name, a vmid, an address, or an identity such as home/111. Blocks go into
manifests/<pool>.hcl, those of guests without a pool into manifests/<cluster>.hcl;
files that exist are appended to, never rewritten. A plan made right after is
empty. Values that are Proxmox's defaults are left out, and are then nobody's opinion;
--exact writes exact = true, with which what is left out must be at its default.

With --from-terraform the blocks of guests that Terraform knows are written from
its states, those of all others from live; a plan made right after shows what in
Terraform's states is no longer so. WHAT may be left out and means every guest.`,
		RunE: func(cmd *cobra.Command, what []string) error { return runImport(cmd, c, o, what) },
	}
	cmd.Flags().BoolVar(&o.all, "all", false, "every guest that is not declared yet")
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "print the blocks, write nothing")
	cmd.Flags().BoolVar(&o.state, "from-terraform", false, "what Terraform's states say, where they know a guest")
	cmd.Flags().BoolVar(&o.exact, "exact", false, "write exact = true: what the blocks leave out must be at its default")
	return exits(cmd, "recon import --all", api.ExitOK, api.ExitError, api.ExitIncomplete, api.ExitRefused)
}

func runImport(cmd *cobra.Command, c *cli, o importOptions, what []string) error {
	o.all = o.all || o.state && len(what) == 0
	if o.all == (len(what) > 0) {
		return usage(cmd, errors.New("say what to import, or --all"))
	}
	if o.all {
		what = nil
	}
	ctx, h, err := c.openToObserve(cmd)
	if err != nil {
		return err
	}
	im, err := api.Import(ctx, h, api.ImportRequest{What: what, DryRun: o.dryRun, FromTerraform: o.state, Exact: o.exact})
	c.endProgress()
	if err != nil {
		return err
	}
	if err := c.imported(im, o.dryRun); err != nil {
		return err
	}
	c.unobserved(im.Unobserved)
	return exit(im.Code())
}

// named names a file's resources one by one, or counts them by kind when they are more
// than anybody reads.
func named(all []inventory.Address) (out []string) {
	count := map[string]int{}
	for _, a := range all {
		out = append(out, a.String())
		count[a.Kind]++
	}
	if len(all) <= 50 {
		return out
	}
	out = nil
	for _, kind := range slices.Sorted(maps.Keys(count)) {
		out = append(out, fmt.Sprintf("%d %s", count[kind], kind))
	}
	return out
}

// leftOut names what was left out most often, and counts the rest.
func leftOut(count map[string]int) string {
	names := slices.SortedFunc(maps.Keys(count), func(a, b string) int { return cmp.Or(count[b]-count[a], strings.Compare(a, b)) })
	var parts []string
	rest := 0
	for i, name := range names {
		if i < 5 {
			parts = append(parts, fmt.Sprintf("%s (%d)", name, count[name]))
		} else {
			rest += count[name]
		}
	}
	if rest > 0 {
		parts = append(parts, fmt.Sprintf("and %d more", rest))
	}
	return strings.Join(parts, ", ")
}

func (c *cli) imported(im *api.Imported, dryRun bool) error {
	if c.json() {
		return c.printJSON(im.JSON())
	}
	p := c.printer()
	if dryRun {
		for _, b := range im.Blocks {
			p.Printf("# %s", b.File)
			p.Text(b.Text + "\n")
		}
	} else {
		blocks := map[string][]inventory.Address{}
		for _, b := range im.Blocks {
			blocks[b.File] = append(blocks[b.File], b.Address)
		}
		for _, file := range slices.Sorted(maps.Keys(blocks)) {
			p.Wrapped(file + ": " + strings.Join(named(blocks[file]), ", "))
		}
	}
	for _, field := range im.Hidden {
		c.errPrinter().Warning("%s looks like it holds a credential and is not written down; take the credential out of Proxmox, where whoever may look reads it", field)
	}
	for _, u := range im.Unknown {
		c.errPrinter().Warning("not imported: %s", u)
	}
	if len(im.Blocks) == 0 && len(im.Unobserved) > 0 {
		p.Printf("Nothing to import of what recon sees.")
	} else if len(im.Blocks) == 0 {
		p.Printf("Nothing to import.")
	} else if !dryRun {
		c.hint("%d block(s) written; recon plan shows that they agree with live", len(im.Blocks))
	}
	if text := leftOut(im.Defaults); text != "" && !im.Exact {
		c.hint("left out, being Proxmox's defaults: %s; with exact = true (--exact) they would count", text)
	}
	for _, a := range im.Already {
		c.hint("%s", fmt.Sprintf("%s is declared already", a))
	}
	return nil
}
